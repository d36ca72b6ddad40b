/* resp_write.c - RESP, written. */
#include "config.h"

#include "base/digits.h"
#include "proto/resp.h"

/* "<mark><number>\r\n" */
static bool
head(struct buf *b, char mark, int64_t v)
{
	size_t before = b->len;

	if (buf_addc(b, mark) && buf_add_i64(b, v) && buf_add(b, "\r\n", 2))
		return true;
	b->len = before;
	return false;
}

static bool
fixed(struct buf *b, struct slice s)
{
	return buf_add_slice(b, s);
}

bool
resp_add_simple(struct buf *b, const char *text)
{
	size_t n = strlen(text);

	if (!buf_reserve(b, n + 3))
		return false;
	return buf_addc(b, '+') && buf_add(b, text, n) && buf_add(b, "\r\n", 2);
}

bool
resp_add_error(struct buf *b, const char *text)
{
	size_t n = strlen(text);

	if (!buf_reserve(b, n + 3))
		return false;
	buf_addc(b, '-');
	for (size_t i = 0; i < n; i++)
		buf_addc(b, text[i] == '\r' || text[i] == '\n' ? ' ' : text[i]);
	return buf_add(b, "\r\n", 2);
}

bool
resp_add_bulk(struct buf *b, struct slice s)
{
	size_t before = b->len;

	if (head(b, '$', (int64_t)s.len) && buf_add_slice(b, s) &&
	    buf_add(b, "\r\n", 2))
		return true;
	b->len = before;
	return false;
}

bool
resp_add_int(struct buf *b, int64_t v)
{
	return head(b, ':', v);
}

bool
resp_add_array(struct buf *b, size_t n)
{
	return head(b, '*', (int64_t)n);
}

bool
resp_add_map(struct buf *b, size_t n, int proto)
{
	return proto >= 3 ? head(b, '%', (int64_t)n) :
	    head(b, '*', (int64_t)(2 * n));
}

bool
resp_add_null(struct buf *b, int proto)
{
	return fixed(b, proto >= 3 ? SLICE("_\r\n") : SLICE("$-1\r\n"));
}

bool
resp_add_null_array(struct buf *b, int proto)
{
	return fixed(b, proto >= 3 ? SLICE("_\r\n") : SLICE("*-1\r\n"));
}

bool
resp_add_bool(struct buf *b, bool v, int proto)
{
	if (proto >= 3)
		return fixed(b, v ? SLICE("#t\r\n") : SLICE("#f\r\n"));
	return resp_add_int(b, v);
}

bool
resp_add_id(struct buf *b, uint64_t ms, uint64_t seq)
{
	char id[2 * DIGITS_U64 + 1], *p = digits_put(id, ms);

	*p++ = '-';
	p = digits_put(p, seq);
	return resp_add_bulk(b, slice_of(id, (size_t)(p - id)));
}

bool
resp_add_request(struct buf *b, const struct slice *argv, size_t argc)
{
	if (!resp_add_array(b, argc))
		return false;
	for (size_t i = 0; i < argc; i++)
		if (!resp_add_bulk(b, argv[i]))
			return false;
	return true;
}
