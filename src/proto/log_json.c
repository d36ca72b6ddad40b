/* log_json.c - log records as lines of JSON. */
#include "config.h"

#include "base/utf8.h"
#include "proto/log_text.h"
#include "proto/scan.h"
#include "proto/syslog.h"

static const char hex[] = "0123456789abcdef";

/* A control character, also one of C1 (code is its number then). */
static bool
put_control(struct buf *out, unsigned code)
{
	char text[6] = { '\\', 'u', '0', '0', hex[code >> 4], hex[code & 15] };

	switch (code) {
	case '\n':
		return buf_add(out, "\\n", 2);
	case '\r':
		return buf_add(out, "\\r", 2);
	case '\t':
		return buf_add(out, "\\t", 2);
	}
	return buf_add(out, text, 6);
}

/* The character at the front of *s, which is no plain one, off it. */
static bool
put_odd(struct buf *out, struct slice *s, bool *bad)
{
	unsigned char c = (unsigned char)s->ptr[0];
	size_t n = utf8_sequence(s->ptr, s->len);
	struct slice one = slice_upto(*s, n);

	*s = slice_from(*s, n > 0 ? n : 1);
	if (n == 0) {
		*bad = true;
		return buf_add(out, "\xef\xbf\xbd", 3);
	}
	if (c == '"' || c == '\\')
		return buf_addc(out, '\\') && buf_add_slice(out, one);
	if (n == 1)
		return put_control(out, c);
	if (c == 0xc2 && (unsigned char)one.ptr[1] < 0xa0)
		return put_control(out, (unsigned char)one.ptr[1]);
	return buf_add_slice(out, one);
}

/* What stands between the quotes of a string. */
static bool
put_text(struct buf *out, struct slice s, bool *bad)
{
	size_t n;

	for (;;) {
		n = scan_plain(s.ptr, s.len, '"', '\\');
		if (!buf_add(out, s.ptr, n))
			return false;
		if (n == s.len)
			return true;
		s = slice_from(s, n);
		if (!put_odd(out, &s, bad))
			return false;
	}
}

static bool
put_string(struct buf *out, struct slice s, bool *bad)
{
	return buf_addc(out, '"') && put_text(out, s, bad) &&
	    buf_addc(out, '"');
}

bool
log_text_json(struct buf *out, struct slice s, bool *bad)
{
	return put_string(out, s, bad);
}

/* `,"key":"text"`, unless there is none.  key comes with all its signs. */
static bool
put_field(struct buf *out, struct slice key, struct slice s, bool *bad)
{
	if (s.len == 0)
		return true;
	return buf_add_slice(out, key) && put_text(out, s, bad) &&
	    buf_addc(out, '"');
}

static bool
put_time(struct buf *out, struct slice key, int64_t ns, struct log_second *s)
{
	char text[LOG_TIME_MAX + 1], *end;

	if (ns == 0)
		return true;
	end = log_text_time(text, ns, 0, s);
	*end++ = '"';
	return buf_add_slice(out, key) && buf_add(out, text, (size_t)(end - text));
}

/* A parameter's value, without the backslashes that SD puts into it. */
static bool
put_value(struct buf *out, struct slice v, bool *bad)
{
	size_t n;

	if (!buf_addc(out, '"'))
		return false;
	while ((n = slice_find(v, '\\')) < v.len) {
		if (!put_text(out, slice_upto(v, n), bad))
			return false;
		v = slice_from(v, n);
		if (v.len > 1 && (v.ptr[1] == '"' || v.ptr[1] == '\\' ||
		    v.ptr[1] == ']'))
			v = slice_from(v, 1);
		if (!put_text(out, slice_upto(v, 1), bad))
			return false;
		v = slice_from(v, 1);
	}
	return put_text(out, v, bad) && buf_addc(out, '"');
}

static bool
put_param(struct buf *out, struct slice key, struct slice value, bool first,
    bool *bad)
{
	if (!first && !buf_addc(out, ','))
		return false;
	return buf_addc(out, '[') && put_string(out, key, bad) &&
	    buf_addc(out, ',') && put_value(out, value, bad) &&
	    buf_addc(out, ']');
}

static bool
put_element(struct buf *out, struct slice id, bool first, bool *bad)
{
	return buf_adds(out, first ? "{\"id\":" : "]},{\"id\":") &&
	    put_string(out, id, bad) && buf_adds(out, ",\"params\":[");
}

static bool
put_sd(struct buf *out, struct slice sd, bool *bad)
{
	struct slice id, key, value;
	struct syslog_sd it;
	unsigned element = 0;
	bool first = true;

	if (sd.len == 0)
		return true;
	syslog_sd_begin(&it, sd);
	if (!buf_adds(out, ",\"sd\":["))
		return false;
	while (syslog_sd_next(&it, &id, &key, &value)) {
		if (it.element != element) {
			if (!put_element(out, id, element == 0, bad))
				return false;
			element = it.element;
			first = true;
		}
		if (key.len > 0 && !put_param(out, key, value, first, bad))
			return false;
		first = false;
	}
	return element == 0 ? buf_addc(out, ']') : buf_adds(out, "]}]");
}

static bool
put_base64(struct buf *out, struct slice s)
{
	static const char digits[] = "ABCDEFGHIJKLMNOPQRSTUVWXYZ"
	    "abcdefghijklmnopqrstuvwxyz0123456789+/";
	const unsigned char *p = (const unsigned char *)s.ptr;
	char four[4];
	uint32_t v;

	for (size_t i = 0; i < s.len; i += 3) {
		size_t n = s.len - i;

		v = (uint32_t)p[i] << 16 | (n > 1 ? (uint32_t)p[i + 1] << 8 : 0) |
		    (n > 2 ? p[i + 2] : 0u);
		four[0] = digits[v >> 18];
		four[1] = digits[v >> 12 & 63];
		four[2] = n > 1 ? digits[v >> 6 & 63] : '=';
		four[3] = n > 2 ? digits[v & 63] : '=';
		if (!buf_add(out, four, 4))
			return false;
	}
	return true;
}

static bool
put_body(struct buf *out, struct slice body, bool *bad)
{
	bool bad_body = false;

	if (!buf_adds(out, ",\"body\":") || !put_string(out, body, &bad_body))
		return false;
	if (!bad_body)
		return true;
	*bad = true;
	return buf_adds(out, ",\"body_b64\":\"") && put_base64(out, body) &&
	    buf_addc(out, '"');
}

static bool
put_flags(struct buf *out, uint32_t flags)
{
	const char *name;
	bool first = true;

	if (flags == 0)
		return true;
	if (!buf_adds(out, ",\"flags\":["))
		return false;
	for (unsigned i = 0; (name = log_flag_name(i)) != NULL; i++) {
		if ((flags >> i & 1) == 0)
			continue;
		if (!buf_adds(out, first ? "\"" : ",\"") ||
		    !buf_adds(out, name) || !buf_addc(out, '"'))
			return false;
		first = false;
	}
	return buf_addc(out, ']');
}

bool
log_line_write_json(const struct record *r, struct log_clock *clock,
    struct buf *out)
{
	const struct log_record *l = &r->log;
	bool bad = false;

	return buf_adds(out, "{\"kind\":\"log\",\"source\":\"") &&
	    buf_adds(out, record_source_name(r->source)) &&
	    buf_addc(out, '"') &&
	    put_time(out, SLICE(",\"time\":\""), r->time_ns, &clock->time) &&
	    put_time(out, SLICE(",\"received\":\""), r->received_ns,
		&clock->received) &&
	    put_field(out, SLICE(",\"host\":\""), l->host, &bad) &&
	    put_field(out, SLICE(",\"app\":\""), l->app, &bad) &&
	    put_field(out, SLICE(",\"procid\":\""), l->procid, &bad) &&
	    put_field(out, SLICE(",\"msgid\":\""), l->msgid, &bad) &&
	    buf_adds(out, ",\"facility\":\"") &&
	    buf_adds(out, facility_name(l->facility)) &&
	    buf_adds(out, "\",\"severity\":\"") &&
	    buf_adds(out, severity_name(l->severity)) &&
	    buf_addc(out, '"') &&
	    put_sd(out, l->sd, &bad) &&
	    put_body(out, l->body, &bad) &&
	    put_flags(out, l->flags | (bad ? LOG_FLAG_NOT_UTF8 : 0u)) &&
	    buf_adds(out, "}\n");
}
