/* event_json.c - an event as a line of JSON. */
#include "config.h"

#include "base/utf8.h"
#include "proto/event_json.h"

static bool
is_utf8(struct slice s)
{
	for (size_t i = 0; i < s.len;) {
		size_t n = utf8_sequence(s.ptr + i, s.len - i);

		if (n == 0)
			return false;
		i += n;
	}
	return true;
}

static bool
base64(struct buf *out, struct slice s)
{
	static const char digits[] = "ABCDEFGHIJKLMNOPQRSTUVWXYZ"
	    "abcdefghijklmnopqrstuvwxyz0123456789+/";
	bool ok = buf_adds(out, "{\"base64\":\"");

	for (size_t i = 0; i < s.len && ok; i += 3) {
		size_t left = s.len - i;
		uint32_t v = (uint32_t)(uint8_t)s.ptr[i] << 16;
		char four[4];

		if (left > 1)
			v |= (uint32_t)(uint8_t)s.ptr[i + 1] << 8;
		if (left > 2)
			v |= (uint8_t)s.ptr[i + 2];
		four[0] = digits[v >> 18];
		four[1] = digits[v >> 12 & 63];
		four[2] = left > 1 ? digits[v >> 6 & 63] : '=';
		four[3] = left > 2 ? digits[v & 63] : '=';
		ok = buf_add(out, four, 4);
	}
	return ok && buf_adds(out, "\"}");
}

static bool
escape(struct buf *out, char c)
{
	switch (c) {
	case '"':
		return buf_add(out, "\\\"", 2);
	case '\\':
		return buf_add(out, "\\\\", 2);
	case '\n':
		return buf_add(out, "\\n", 2);
	case '\r':
		return buf_add(out, "\\r", 2);
	case '\t':
		return buf_add(out, "\\t", 2);
	default:
		return buf_printf(out, "\\u%04x", (unsigned)(uint8_t)c);
	}
}

static bool
text(struct buf *out, struct slice s)
{
	size_t done = 0;
	bool ok;

	if (!is_utf8(s))
		return base64(out, s);
	ok = buf_addc(out, '"');
	for (size_t i = 0; i < s.len && ok; i++) {
		if ((uint8_t)s.ptr[i] >= 0x20 && s.ptr[i] != '"' &&
		    s.ptr[i] != '\\' && s.ptr[i] != 0x7f)
			continue;
		ok = buf_add(out, s.ptr + done, i - done) &&
		    escape(out, s.ptr[i]);
		done = i + 1;
	}
	return ok && buf_add_slice(out, slice_from(s, done)) &&
	    buf_addc(out, '"');
}

static bool
fields(struct buf *out, const struct event_record *ev)
{
	bool ok = buf_adds(out, ",\"fields\":[");

	for (size_t i = 0; i < ev->nfields && ok; i++)
		ok = buf_adds(out, i > 0 ? ",[" : "[") &&
		    text(out, ev->fields[i].key) && buf_addc(out, ',') &&
		    text(out, ev->fields[i].value) && buf_addc(out, ']');
	return ok && buf_addc(out, ']');
}

bool
event_json_write(struct buf *out, const struct event_record *ev, uint64_t ms,
    uint64_t seq)
{
	size_t before = out->len;
	bool ok = buf_adds(out, "{\"kind\":\"event\",\"stream\":") &&
	    text(out, ev->stream) && buf_adds(out, ",\"id\":\"") &&
	    buf_add_u64(out, ms) && buf_addc(out, '-') &&
	    buf_add_u64(out, seq) && buf_addc(out, '"');

	if (ok && ev->pid.len > 0)
		ok = buf_adds(out, ",\"pid\":") && text(out, ev->pid);
	if (ok && ev->iid.len > 0)
		ok = buf_adds(out, ",\"iid\":") && text(out, ev->iid);
	ok = ok && fields(out, ev) && buf_printf(out, ",\"time\":%llu.%03u}",
	    (unsigned long long)(ms / 1000), (unsigned)(ms % 1000));
	if (!ok)
		out->len = before;
	return ok;
}
