/* resp_reply.c - replies of a RESP server: is a whole one there, and what is
 * in it.
 *
 * The scanner walks the heads once and counts what is still to come on each
 * level; the values are then pulled off one by one, and whoever pulls knows
 * what shape it expects. */
#include "config.h"

#include "base/number.h"
#include "proto/resp.h"

#define MAX_LINE (64 * 1024)	/* of a status, an error, a number */

void
resp_reply_init(struct resp_reply *r, size_t max_bytes)
{
	*r = (struct resp_reply){ .max_bytes = max_bytes };
}

/* What one value's own bytes are: its head, and its text. */
struct head {
	struct resp_value v;
	size_t len;		/* of the head's line and the text with its CRLF */
};

static const struct {
	char mark;
	enum resp_type type;
	bool bulk;		/* the number is the length of what follows */
	bool inner;		/* the number counts values that follow */
} marks[] = {
	{ '+', RESP_SIMPLE, false, false },
	{ '-', RESP_ERROR, false, false },
	{ ':', RESP_INT, false, false },
	{ '$', RESP_BULK, true, false },
	{ '*', RESP_ARRAY, false, true },
	{ '_', RESP_NULL, false, false },
	{ '%', RESP_MAP, false, true },
	{ '#', RESP_BOOL, false, false },
	{ ',', RESP_DOUBLE, false, false },
	{ '(', RESP_BIGNUM, false, false },
	{ '=', RESP_BULK, true, false },
	{ '!', RESP_ERROR, true, false },
	{ '~', RESP_ARRAY, false, true },
	{ '>', RESP_PUSH, false, true },
	{ '|', RESP_ATTRIBUTE, false, true },
};

/* The text of a line that is no length: numbers are checked. */
static bool
plain(struct resp_value *v, struct slice text)
{
	v->text = text;
	switch (v->type) {
	case RESP_INT:
		return number_i64(text, &v->integer);
	case RESP_BOOL:
		v->integer = text.len == 1 && text.ptr[0] == 't';
		return v->integer == 1 || slice_eq(text, SLICE("f"));
	case RESP_NULL:
		return text.len == 0;
	default:
		return true;
	}
}

/* The bytes behind a length line.  READY, or MORE with h->len set to what is
 * needed, or BAD. */
static enum resp_status
bulk(struct head *h, struct slice in, int64_t n)
{
	const char *end;

	if (n > RESP_MAX_BULK)
		return RESP_BAD;
	if (in.len < h->len + (size_t)n + 2) {
		h->len += (size_t)n + 2;
		return RESP_MORE;
	}
	h->v.text = slice_of(in.ptr + h->len, (size_t)n);
	h->len += (size_t)n + 2;
	end = in.ptr + h->len - 2;
	if (end[0] != '\r' || end[1] != '\n')
		return RESP_BAD;
	if (in.ptr[0] == '=' && n >= 4 && h->v.text.ptr[3] == ':')
		h->v.text = slice_from(h->v.text, 4);
	return RESP_READY;
}

static enum resp_status
counted(struct head *h, struct slice in, bool is_bulk, struct slice digits)
{
	int64_t n = 0;

	if (!number_i64(digits, &n) || n < -1)
		return RESP_BAD;
	if (n == -1) {
		if (in.ptr[0] != '$' && in.ptr[0] != '*')
			return RESP_BAD;
		h->v.type = RESP_NULL;
		return RESP_READY;
	}
	if (is_bulk)
		return bulk(h, in, n);
	if (n > UINT32_MAX)
		return RESP_BAD;
	h->v.count = (size_t)n;
	return RESP_READY;
}

/* Read the value at the front of in, without those inside it. */
static enum resp_status
read_value(struct slice in, struct head *h)
{
	struct slice line = slice_upto(in, MAX_LINE);
	size_t eol, i;

	*h = (struct head){ .len = 0 };
	if (in.len == 0)
		return RESP_MORE;
	for (i = 0; i < sizeof marks / sizeof marks[0]; i++)
		if (marks[i].mark == in.ptr[0])
			break;
	if (i == sizeof marks / sizeof marks[0])
		return RESP_BAD;
	eol = slice_find(line, '\n');
	if (eol == line.len)
		return line.len == MAX_LINE ? RESP_BAD : RESP_MORE;
	if (eol < 2 || in.ptr[eol - 1] != '\r')
		return RESP_BAD;
	h->len = eol + 1;
	h->v.type = marks[i].type;
	line = slice_of(in.ptr + 1, eol - 2);
	if (marks[i].bulk || marks[i].inner)
		return counted(h, in, marks[i].bulk, line);
	return plain(&h->v, line) ? RESP_READY : RESP_BAD;
}

/* How many values follow this one and are part of the same reply: its own,
 * and for an attribute the value that it describes. */
static uint64_t
inner(const struct resp_value *v)
{
	switch (v->type) {
	case RESP_ARRAY:
	case RESP_PUSH:
		return v->count;
	case RESP_MAP:
		return 2 * (uint64_t)v->count;
	case RESP_ATTRIBUTE:
		return 2 * (uint64_t)v->count + 1;
	default:
		return 0;
	}
}

static enum resp_status
refuse(struct resp_reply *r, enum reason why)
{
	r->reason = why;
	return RESP_BAD;
}

/* One value was read: go down into it, or up from what it completes.  READY
 * when the whole reply is there. */
static enum resp_status
count_value(struct resp_reply *r, const struct resp_value *v)
{
	uint64_t n = inner(v);

	if (n > r->max_bytes / 3)	/* no value has fewer bytes */
		return refuse(r, REASON_TOO_MANY);
	if (n > 0) {
		if (r->depth == RESP_MAX_DEPTH)
			return refuse(r, REASON_TOO_DEEP);
		r->left[r->depth++] = n;
		return RESP_MORE;
	}
	while (r->depth > 0 && --r->left[r->depth - 1] == 0)
		r->depth--;
	return r->depth == 0 ? RESP_READY : RESP_MORE;
}

enum resp_status
resp_reply_scan(struct resp_reply *r, struct slice in, size_t *len)
{
	enum resp_status s;
	struct head h;

	for (;;) {
		s = read_value(slice_from(in, r->at), &h);
		if (s == RESP_BAD)
			return refuse(r, REASON_BAD_FRAMING);
		if (r->at > r->max_bytes || h.len > r->max_bytes - r->at ||
		    (s == RESP_MORE && in.len > r->max_bytes))
			return refuse(r, REASON_TOO_LONG);
		if (s == RESP_MORE)
			return s;
		r->at += h.len;
		s = count_value(r, &h.v);
		if (s == RESP_BAD)
			return s;
		if (s == RESP_READY) {
			*len = r->at;
			r->at = 0;
			return s;
		}
	}
}

bool
resp_value_next(struct slice *reply, struct resp_value *v)
{
	struct head h;

	if (read_value(*reply, &h) != RESP_READY)
		return false;
	*reply = slice_from(*reply, h.len);
	*v = h.v;
	return true;
}

bool
resp_value_skip(struct slice *reply, struct resp_value *v)
{
	struct resp_value other;
	uint64_t left;

	if (!resp_value_next(reply, v))
		return false;
	for (left = inner(v); left > 0; left--) {
		if (!resp_value_next(reply, &other))
			return false;
		left += inner(&other);
	}
	return true;
}
