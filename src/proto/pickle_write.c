/* pickle_write.c - points as messages of the pickle protocol. */
#include "config.h"

#include "base/utf8.h"
#include "proto/pickle.h"

#define NUMBER_ROOM 24
/* "e." or ".", kept free from the start. */
#define END_ROOM 2

bool
pickle_begin(struct pickle_writer *w, struct buf *out, enum pickle_form form)
{
	static const char head_2[] = "\0\0\0\0\x80\x02](";
	static const char head_text[] = "\0\0\0\0(l";
	size_t n = form == PICKLE_TEXT ? sizeof head_text - 1 :
	    sizeof head_2 - 1;

	*w = (struct pickle_writer){ .out = out, .form = form,
	    .start = out->len, .max_points = PICKLE_BATCH,
	    .max_length = PICKLE_MAX_LENGTH };
	if (!buf_reserve(out, n + END_ROOM))
		return false;
	return buf_add(out, form == PICKLE_TEXT ? head_text : head_2, n);
}

/* Python refuses a whole message for one byte that is not UTF-8. */
static char *
put_utf8_only(char *to, struct slice s)
{
	while (s.len > 0) {
		size_t n = utf8_sequence(s.ptr, s.len);

		if (n == 0) {
			*to++ = '_';
			n = 1;
		} else {
			memcpy(to, s.ptr, n);
			to += n;
		}
		s = slice_from(s, n);
	}
	return to;
}

static char *
put_le(char *to, uint64_t v, size_t n)
{
	for (; n > 0; n--, v >>= 8)
		*to++ = (char)v;
	return to;
}

/* X <name> J|LONG1 <time> G <value> TUPLE2 TUPLE2 */
static size_t
put_binary(char *start, struct slice name, int64_t time_s, double value)
{
	char *to = start;
	uint64_t bits;

	*to++ = 'X';
	to = put_le(to, name.len, 4);
	to = put_utf8_only(to, name);
	if (time_s >= INT32_MIN && time_s <= INT32_MAX) {
		*to++ = 'J';
		to = put_le(to, (uint64_t)time_s, 4);
	} else {
		*to++ = '\x8a';
		*to++ = 8;
		to = put_le(to, (uint64_t)time_s, 8);
	}
	*to++ = 'G';
	memcpy(&bits, &value, sizeof bits);
	for (int shift = 56; shift >= 0; shift -= 8)
		*to++ = (char)(bits >> shift);
	*to++ = '\x86';
	*to++ = '\x86';
	return (size_t)(to - start);
}

static char *
put_quoted(char *to, struct slice s)
{
	static const char digits[] = "0123456789abcdef";

	*to++ = '\'';
	for (size_t i = 0; i < s.len; i++) {
		uint8_t c = (uint8_t)s.ptr[i];

		if (c < 0x20 || c >= 0x7f) {
			*to++ = '\\';
			*to++ = 'x';
			*to++ = digits[c >> 4];
			*to++ = digits[c & 15];
			continue;
		}
		if (c == '\'' || c == '\\')
			*to++ = '\\';
		*to++ = (char)c;
	}
	*to++ = '\'';
	*to++ = '\n';
	return to;
}

/* (S'name'\n(L<time>L\nS'<value>'\ntta */
static size_t
put_text(char *start, struct slice name, int64_t time_s, struct slice text)
{
	char *to = start;
	struct buf number;

	*to++ = '(';
	*to++ = 'S';
	to = put_quoted(to, name);
	*to++ = '(';
	*to++ = 'L';
	number = (struct buf){ to, 0, NUMBER_ROOM, NUMBER_ROOM };
	buf_add_i64(&number, time_s);
	to += number.len;
	*to++ = 'L';
	*to++ = '\n';
	*to++ = 'S';
	to = put_quoted(to, text);
	*to++ = 't';
	*to++ = 't';
	*to++ = 'a';
	return (size_t)(to - start);
}

bool
pickle_add(struct pickle_writer *w, struct slice name, int64_t time_s,
    double value, struct slice text)
{
	struct buf *out = w->out;
	size_t used = out->len - w->start - 4, need, n;

	if (w->points == w->max_points || name.len > w->max_length ||
	    text.len > w->max_length)
		return false;
	need = 48 + NUMBER_ROOM + (w->form == PICKLE_TEXT ?
	    4 * (name.len + text.len) : name.len);
	if (!buf_reserve(out, need + END_ROOM))
		return false;
	n = w->form == PICKLE_TEXT ?
	    put_text(out->data + out->len, name, time_s, text) :
	    put_binary(out->data + out->len, name, time_s, value);
	if (used + n + END_ROOM > w->max_length)
		return false;
	out->len += n;
	w->points++;
	return true;
}

void
pickle_end(struct pickle_writer *w)
{
	struct buf *out = w->out;
	size_t n;

	if (w->points == 0) {
		out->len = w->start;
		return;
	}
	if (w->form == PICKLE_PROTOCOL_2)
		out->data[out->len++] = 'e';
	out->data[out->len++] = '.';
	n = out->len - w->start - 4;
	for (int i = 0; i < 4; i++)
		out->data[w->start + (size_t)i] = (char)(n >> (24 - 8 * i));
}
