/* log_json_parse.c - lines of JSON back to log records.
 *
 * Made for what log_json.c writes, but takes any JSON object: keys in any
 * order, blanks, keys that it does not know.  Only an "sd" element must have
 * its "id" before its "params". */
#include "config.h"

#include "base/digits.h"
#include "base/utf8.h"
#include "proto/log_text.h"
#include "proto/scan.h"
#include "proto/syslog.h"

#define DEPTH 32

struct json {
	const char *p, *end;
	struct buf *scratch;
	enum reason reason;	/* why it failed, when it did */
};

static bool
fail(struct json *j, enum reason reason)
{
	j->reason = reason;
	return false;
}

static void
blanks(struct json *j)
{
	while (j->p < j->end && (*j->p == ' ' || *j->p == '\t' ||
	    *j->p == '\r' || *j->p == '\n'))
		j->p++;
}

/* Is c next?  Then take it. */
static bool
next_is(struct json *j, char c)
{
	blanks(j);
	if (j->p == j->end || *j->p != c)
		return false;
	j->p++;
	return true;
}

static bool
expect(struct json *j, char c)
{
	return next_is(j, c) || fail(j, REASON_SYNTAX);
}

static bool
put(struct json *j, const void *bytes, size_t n)
{
	return log_text_put(j->scratch, bytes, n) || fail(j, REASON_NO_MEMORY);
}

static int
hex4(const char *p, const char *end)
{
	uint32_t v;

	return end - p >= 4 && digits_hex_n(p, 4, &v) ? (int)v : -1;
}

static bool
put_code(struct json *j, uint32_t c)
{
	char text[4];

	return put(j, text, utf8_put(text, c));
}

/* "\uXXXX", behind the 'u'; two of them for what lies above U+FFFF.  Half a
 * pair is U+FFFD. */
static bool
unicode(struct json *j)
{
	int c = hex4(j->p, j->end), low;

	if (c < 0)
		return fail(j, REASON_SYNTAX);
	j->p += 4;
	if (c < 0xd800 || c > 0xdfff)
		return put_code(j, (uint32_t)c);
	if (c < 0xdc00 && j->end - j->p >= 6 && j->p[0] == '\\' &&
	    j->p[1] == 'u') {
		low = hex4(j->p + 2, j->end);
		if (low >= 0xdc00 && low <= 0xdfff) {
			j->p += 6;
			return put_code(j, 0x10000 +
			    ((uint32_t)(c - 0xd800) << 10) +
			    (uint32_t)(low - 0xdc00));
		}
	}
	return put_code(j, 0xfffd);
}

/* What stands behind a backslash. */
static bool
escape(struct json *j)
{
	static const char from[] = "\"\\/bfnrt", to[] = "\"\\/\b\f\n\r\t";
	const char *at;

	if (j->p == j->end)
		return fail(j, REASON_SYNTAX);
	if (*j->p == 'u') {
		j->p++;
		return unicode(j);
	}
	at = memchr(from, *j->p, sizeof from - 1);
	if (at == NULL)
		return fail(j, REASON_SYNTAX);
	j->p++;
	return put(j, &to[at - from], 1);
}

/* A string, borrowed from the line when it has no escapes. */
static bool
string(struct json *j, struct slice *s)
{
	const char *at;
	size_t start = j->scratch->len;

	if (!expect(j, '"'))
		return false;
	at = scan_to_either(j->p, j->end, '"', '\\');
	if (at < j->end && *at == '"') {
		*s = slice_of(j->p, (size_t)(at - j->p));
		j->p = at + 1;
		return true;
	}
	for (;;) {
		if (!put(j, j->p, (size_t)(at - j->p)))
			return false;
		j->p = at;
		if (at == j->end)
			return fail(j, REASON_SYNTAX);
		j->p++;
		if (*at == '"')
			break;
		if (!escape(j))
			return false;
		at = scan_to_either(j->p, j->end, '"', '\\');
	}
	*s = slice_of(j->scratch->data + start, j->scratch->len - start);
	return true;
}

/* A number, true, false, null. */
static bool
skip_word(struct json *j)
{
	const char *start = j->p;

	while (j->p < j->end && ((*j->p >= '0' && *j->p <= '9') ||
	    (*j->p >= 'a' && *j->p <= 'z') || *j->p == 'E' || *j->p == '.' ||
	    *j->p == '+' || *j->p == '-'))
		j->p++;
	return j->p > start || fail(j, REASON_SYNTAX);
}

/* Any value, unlooked at. */
static bool
skip_value(struct json *j, unsigned depth)
{
	struct slice s;
	size_t len = j->scratch->len;
	bool object;

	if (depth == DEPTH)
		return fail(j, REASON_TOO_DEEP);
	blanks(j);
	if (j->p == j->end)
		return fail(j, REASON_SYNTAX);
	if (*j->p == '"') {
		if (!string(j, &s))
			return false;
		j->scratch->len = len;
		return true;
	}
	if (*j->p != '{' && *j->p != '[')
		return skip_word(j);
	object = *j->p++ == '{';
	if (next_is(j, object ? '}' : ']'))
		return true;
	do {
		if (object && (!string(j, &s) || !expect(j, ':')))
			return false;
		j->scratch->len = len;
		if (!skip_value(j, depth + 1))
			return false;
	} while (next_is(j, ','));
	return expect(j, object ? '}' : ']');
}

/* Add a name to structured data, fit to be one. */
static bool
put_name(struct json *j, struct slice s)
{
	char *name;

	if (s.len == 0)
		return put(j, "_", 1);
	if (!put(j, s.ptr, s.len))
		return false;
	name = j->scratch->data + j->scratch->len - s.len;
	for (size_t i = 0; i < s.len; i++)
		if ((unsigned char)name[i] <= ' ' || name[i] == '=' ||
		    name[i] == ']' || name[i] == '"' || name[i] == 0x7f)
			name[i] = '_';
	return true;
}

/* Does a parameter's value need no backslash? */
static bool
plain_value(struct slice s)
{
	for (size_t i = 0; i < s.len; i++)
		if (s.ptr[i] == '"' || s.ptr[i] == '\\' || s.ptr[i] == ']')
			return false;
	return true;
}

static bool
put_value(struct json *j, struct slice s)
{
	if (plain_value(s))
		return put(j, s.ptr, s.len);
	for (size_t i = 0; i < s.len; i++) {
		char c = s.ptr[i];

		if ((c == '"' || c == '\\' || c == ']') && !put(j, "\\", 1))
			return false;
		if (!put(j, &c, 1))
			return false;
	}
	return true;
}

/* The next string, decoded behind all else in scratch, whose length is put
 * back: good until the next byte is put there.  So it is moved out of the way,
 * to the end of what is reserved. */
static bool
string_aside(struct json *j, struct slice *s)
{
	size_t len = j->scratch->len;
	char *to;

	if (!string(j, s))
		return false;
	if (j->scratch->len == len)
		return true;		/* borrowed from the line */
	to = j->scratch->data + j->scratch->cap - s->len;
	memmove(to, s->ptr, s->len);
	s->ptr = to;
	j->scratch->len = len;
	return true;
}

/* ["key","value"] */
static bool
param(struct json *j)
{
	struct slice s;

	return expect(j, '[') && string_aside(j, &s) && put(j, " ", 1) &&
	    put_name(j, s) && expect(j, ',') && put(j, "=\"", 2) &&
	    string_aside(j, &s) && put_value(j, s) && put(j, "\"", 1) &&
	    expect(j, ']');
}

static bool
params(struct json *j)
{
	if (!expect(j, '['))
		return false;
	if (next_is(j, ']'))
		return true;
	do {
		if (!param(j))
			return false;
	} while (next_is(j, ','));
	return expect(j, ']');
}

/* {"id":"x","params":[...]} */
static bool
element(struct json *j)
{
	struct slice key, id;
	bool had_id = false;

	if (!expect(j, '{'))
		return false;
	do {
		if (!string_aside(j, &key) || !expect(j, ':'))
			return false;
		if (slice_eq(key, SLICE("id")) && !had_id) {
			if (!string_aside(j, &id) || !put(j, "[", 1) ||
			    !put_name(j, id))
				return false;
			had_id = true;
		} else if (slice_eq(key, SLICE("params")) && had_id) {
			if (!params(j))
				return false;
		} else if (!skip_value(j, 0)) {
			return false;
		}
	} while (next_is(j, ','));
	if (!had_id)
		return fail(j, REASON_SYNTAX);
	return expect(j, '}') && put(j, "]", 1);
}

static bool
sd(struct json *j, struct slice *out)
{
	size_t start = j->scratch->len;

	if (!expect(j, '['))
		return false;
	if (next_is(j, ']'))
		return true;
	do {
		if (!element(j))
			return false;
	} while (next_is(j, ','));
	*out = slice_of(j->scratch->data + start, j->scratch->len - start);
	return expect(j, ']');
}

static bool
flags(struct json *j, uint32_t *out)
{
	struct slice s;
	const char *name;

	if (!expect(j, '['))
		return false;
	if (next_is(j, ']'))
		return true;
	do {
		if (!string_aside(j, &s))
			return false;
		for (unsigned i = 0; (name = log_flag_name(i)) != NULL; i++)
			if (slice_eq(s, slice_str(name)))
				*out |= UINT32_C(1) << i;
	} while (next_is(j, ','));
	return expect(j, ']');
}

static bool
base64(struct json *j, struct slice *out)
{
	struct slice s;
	size_t start = j->scratch->len;
	uint32_t v = 0;
	int bits = 0, digit;
	char c;

	if (!string_aside(j, &s))
		return false;
	for (size_t i = 0; i < s.len && s.ptr[i] != '='; i++) {
		digit = digits_base64(s.ptr[i]);
		if (digit < 0)
			return fail(j, REASON_SYNTAX);
		v = (v << 6 | (uint32_t)digit) & 0xffffff;
		bits += 6;
		if (bits >= 8) {
			bits -= 8;
			c = (char)(v >> bits & 0xff);
			if (!put(j, &c, 1))
				return false;
		}
	}
	*out = slice_of(j->scratch->data + start, j->scratch->len - start);
	return true;
}

static bool
time_value(struct json *j, int64_t *ns)
{
	struct slice s;

	if (!string_aside(j, &s))
		return false;
	return log_text_time_parse(s, ns) || fail(j, REASON_BAD_TIME);
}

/* A source that we do not know is left as it was. */
static bool
source_value(struct json *j, enum record_source *source)
{
	struct slice s;

	if (!string_aside(j, &s))
		return false;
	for (unsigned i = 0; i < RECORD_SOURCES; i++)
		if (slice_eq(s, slice_str(record_source_name(i))))
			*source = (enum record_source)i;
	return true;
}

static bool
kind_value(struct json *j)
{
	struct slice s;

	if (!string_aside(j, &s))
		return false;
	return slice_eq(s, SLICE("log")) || fail(j, REASON_BAD_TYPE);
}

static bool
level_value(struct json *j, int (*parse)(struct slice), uint8_t *out)
{
	struct slice s;
	int v;

	if (!string_aside(j, &s))
		return false;
	v = parse(s);
	if (v < 0)
		return fail(j, REASON_BAD_VALUE);
	*out = (uint8_t)v;
	return true;
}

/* The value of one key. */
static bool
value(struct json *j, struct slice key, struct record *r, struct slice *exact)
{
	struct log_record *l = &r->log;

	if (slice_eq(key, SLICE("body")))
		return string(j, &l->body);
	if (slice_eq(key, SLICE("host")))
		return string(j, &l->host);
	if (slice_eq(key, SLICE("app")))
		return string(j, &l->app);
	if (slice_eq(key, SLICE("procid")))
		return string(j, &l->procid);
	if (slice_eq(key, SLICE("msgid")))
		return string(j, &l->msgid);
	if (slice_eq(key, SLICE("time")))
		return time_value(j, &r->time_ns);
	if (slice_eq(key, SLICE("received")))
		return time_value(j, &r->received_ns);
	if (slice_eq(key, SLICE("kind")))
		return kind_value(j);
	if (slice_eq(key, SLICE("source")))
		return source_value(j, &r->source);
	if (slice_eq(key, SLICE("facility")))
		return level_value(j, facility_parse, &l->facility);
	if (slice_eq(key, SLICE("severity")))
		return level_value(j, severity_parse, &l->severity);
	if (slice_eq(key, SLICE("sd")))
		return sd(j, &l->sd);
	if (slice_eq(key, SLICE("flags")))
		return flags(j, &l->flags);
	if (slice_eq(key, SLICE("body_b64")))
		return base64(j, exact);
	return skip_value(j, 0);
}

static bool
object(struct json *j, struct record *r)
{
	struct slice key, exact = { NULL, 0 };

	if (!expect(j, '{'))
		return false;
	if (!next_is(j, '}')) {
		do {
			if (!string_aside(j, &key) || !expect(j, ':') ||
			    !value(j, key, r, &exact))
				return false;
		} while (next_is(j, ','));
		if (!expect(j, '}'))
			return false;
	}
	blanks(j);
	if (exact.ptr != NULL)
		r->log.body = exact;
	return j->p == j->end || fail(j, REASON_SYNTAX);
}

enum reason
log_line_parse_json(struct slice line, struct record *r, struct buf *scratch)
{
	struct json j = { line.ptr, line.ptr + line.len, scratch, REASON_NONE };

	r->log.facility = 1;
	r->log.severity = 5;
	return object(&j, r) ? REASON_NONE : j.reason;
}
