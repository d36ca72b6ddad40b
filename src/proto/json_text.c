/* json_text.c - a scanner of JSON values, without recursion. */
#include "config.h"

#include <assert.h>
#include <stdint.h>

#include "base/digits.h"
#include "base/utf8.h"
#include "proto/json_text.h"

void
json_blanks(struct slice *in)
{
	size_t i = 0;

	while (i < in->len && (in->ptr[i] == ' ' || in->ptr[i] == '\t' ||
	    in->ptr[i] == '\r' || in->ptr[i] == '\n'))
		i++;
	*in = slice_from(*in, i);
}

bool
json_take_char(struct slice *in, char c)
{
	json_blanks(in);
	if (in->len == 0 || in->ptr[0] != c)
		return false;
	*in = slice_from(*in, 1);
	return true;
}

static int
hex_value(struct slice s, size_t at)
{
	uint32_t v;

	return s.len >= at + 4 && digits_hex_n(s.ptr + at, 4, &v) ? (int)v : -1;
}

/* How long the escape at the front is, 0 when it is none. */
static size_t
escape_length(struct slice s)
{
	if (s.len < 2)
		return 0;
	if (s.ptr[1] == 'u')
		return hex_value(s, 2) >= 0 ? 6 : 0;
	return s.ptr[1] != '\0' && strchr("\"\\/bfnrt", s.ptr[1]) != NULL ? 2 : 0;
}

static enum reason
take_string(struct slice *in, struct json_value *v)
{
	struct slice s = slice_from(*in, 1);
	size_t i = 0, n;

	v->type = JSON_TEXT_STRING;
	v->escapes = false;
	while (i < s.len && s.ptr[i] != '"') {
		if ((unsigned char)s.ptr[i] < 0x20)
			return REASON_SYNTAX;
		if (s.ptr[i] == '\\') {
			v->escapes = true;
			n = escape_length(slice_from(s, i));
			if (n == 0)
				return REASON_SYNTAX;
		} else {
			n = utf8_sequence(s.ptr + i, s.len - i);
			if (n == 0)
				return REASON_NOT_UTF8;
		}
		i += n;
	}
	if (i == s.len)
		return REASON_SYNTAX;
	v->raw = slice_upto(s, i);
	*in = slice_from(s, i + 1);
	return REASON_NONE;
}

static size_t
digits(struct slice s, size_t i)
{
	size_t n = 0;

	while (i + n < s.len && s.ptr[i + n] >= '0' && s.ptr[i + n] <= '9')
		n++;
	return n;
}

static enum reason
take_number(struct slice *in, struct json_value *v)
{
	struct slice s = *in;
	size_t i = s.ptr[0] == '-' ? 1 : 0, n = digits(s, i);

	if (n == 0 || (n > 1 && s.ptr[i] == '0'))
		return REASON_SYNTAX;
	i += n;
	if (i < s.len && s.ptr[i] == '.') {
		n = digits(s, i + 1);
		if (n == 0)
			return REASON_SYNTAX;
		i += 1 + n;
	}
	if (i < s.len && (s.ptr[i] == 'e' || s.ptr[i] == 'E')) {
		i++;
		if (i < s.len && (s.ptr[i] == '+' || s.ptr[i] == '-'))
			i++;
		n = digits(s, i);
		if (n == 0)
			return REASON_SYNTAX;
		i += n;
	}
	v->type = JSON_TEXT_NUMBER;
	v->raw = slice_upto(s, i);
	*in = slice_from(s, i);
	return REASON_NONE;
}

static enum reason
take_word(struct slice *in, struct json_value *v)
{
	static const struct { struct slice text; enum json_type type; } words[] = {
		{ SLICE("true"), JSON_TEXT_TRUE },
		{ SLICE("false"), JSON_TEXT_FALSE },
		{ SLICE("null"), JSON_TEXT_NULL }
	};

	for (size_t i = 0; i < 3; i++)
		if (slice_starts(*in, words[i].text)) {
			v->type = words[i].type;
			v->raw = slice_upto(*in, words[i].text.len);
			*in = slice_from(*in, words[i].text.len);
			return REASON_NONE;
		}
	return REASON_SYNTAX;
}

static enum reason
take_plain(struct slice *in, struct json_value *v)
{
	if (in->len == 0)
		return REASON_SYNTAX;
	if (in->ptr[0] == '"')
		return take_string(in, v);
	if (in->ptr[0] == '-' || (in->ptr[0] >= '0' && in->ptr[0] <= '9'))
		return take_number(in, v);
	return take_word(in, v);
}

/* An object's name and its colon. */
static enum reason
take_name(struct slice *in)
{
	struct json_value name;
	enum reason r;

	json_blanks(in);
	if (in->len == 0 || in->ptr[0] != '"')
		return REASON_SYNTAX;
	r = take_string(in, &name);
	if (r == REASON_NONE && !json_take_char(in, ':'))
		r = REASON_SYNTAX;
	return r;
}

/* Begin an object or an array; *empty: it is over already. */
static enum reason
descend(struct slice *in, unsigned depth, uint64_t *objects, bool *empty)
{
	bool object = in->ptr[0] == '{';

	if (depth == JSON_DEPTH_MAX)
		return REASON_TOO_DEEP;
	*objects = *objects << 1 | object;
	*in = slice_from(*in, 1);
	*empty = json_take_char(in, object ? '}' : ']');
	return *empty || !object ? REASON_NONE : take_name(in);
}

/* Behind a value within something: the next one, or the ends of all that end
 * here. */
static enum reason
ascend(struct slice *in, unsigned *depth, uint64_t *objects)
{
	while (*depth > 0) {
		bool object = (*objects & 1) != 0;

		if (json_take_char(in, ','))
			return object ? take_name(in) : REASON_NONE;
		if (!json_take_char(in, object ? '}' : ']'))
			return REASON_SYNTAX;
		*objects >>= 1;
		--*depth;
	}
	return REASON_NONE;
}

enum reason
json_take(struct slice *in, struct json_value *v)
{
	struct json_value inner;
	struct slice start;
	uint64_t objects = 0;
	unsigned depth = 0;
	enum reason r;

	json_blanks(in);
	start = *in;
	if (in->len == 0 || (in->ptr[0] != '{' && in->ptr[0] != '['))
		return take_plain(in, v);
	v->type = in->ptr[0] == '{' ? JSON_TEXT_OBJECT : JSON_TEXT_ARRAY;
	v->escapes = false;
	do {
		bool empty = false;

		json_blanks(in);
		if (in->len > 0 && (in->ptr[0] == '{' || in->ptr[0] == '[')) {
			r = descend(in, depth++, &objects, &empty);
			if (r != REASON_NONE)
				return r;
			if (!empty)
				continue;
			objects >>= 1;
			depth--;
		} else {
			r = take_plain(in, &inner);
			if (r != REASON_NONE)
				return r;
		}
		r = ascend(in, &depth, &objects);
		if (r != REASON_NONE)
			return r;
	} while (depth > 0);
	v->raw = slice_upto(start, start.len - in->len);
	return REASON_NONE;
}

/* ---- strings ---- */

static void
put_code(struct buf *b, uint32_t c)
{
	char t[4];

	buf_add(b, t, utf8_put(t, c));
}

/* "\uXXXX" at i, or two of them; half a pair is U+FFFD.  How long it was. */
static size_t
put_unicode(struct buf *b, struct slice s, size_t i)
{
	int c = hex_value(s, i + 2), low = -1;

	if (c < 0xd800 || c > 0xdfff) {
		put_code(b, (uint32_t)c);
		return 6;
	}
	if (c < 0xdc00 && i + 7 < s.len && s.ptr[i + 6] == '\\' &&
	    s.ptr[i + 7] == 'u')
		low = hex_value(s, i + 8);
	if (low >= 0xdc00 && low <= 0xdfff) {
		put_code(b, 0x10000 + ((uint32_t)(c - 0xd800) << 10) +
		    (uint32_t)(low - 0xdc00));
		return 12;
	}
	put_code(b, 0xfffd);
	return 6;
}

struct slice
json_text_of(const struct json_value *v, struct buf *text)
{
	static const char from[] = "\"\\/bfnrt", to[] = "\"\\/\b\f\n\r\t";
	struct slice s = v->raw;
	size_t before = text->len, i = 0;

	if (!v->escapes)
		return s;
	assert(text->cap - text->len >= s.len);
	while (i < s.len) {
		if (s.ptr[i] != '\\') {
			buf_addc(text, s.ptr[i++]);
		} else if (s.ptr[i + 1] == 'u') {
			i += put_unicode(text, s, i);
		} else {
			buf_addc(text, to[strchr(from, s.ptr[i + 1]) - from]);
			i += 2;
		}
	}
	return slice_of(text->data + before, text->len - before);
}

enum reason
json_member(struct slice *in, bool first, struct json_value *key,
    struct json_value *value, bool *end)
{
	enum reason r;

	*end = json_take_char(in, '}');
	if (*end)
		return REASON_NONE;
	if (!first && !json_take_char(in, ','))
		return REASON_SYNTAX;
	json_blanks(in);
	if (in->len == 0 || in->ptr[0] != '"')
		return REASON_SYNTAX;
	r = take_string(in, key);
	if (r == REASON_NONE && !json_take_char(in, ':'))
		r = REASON_SYNTAX;
	return r == REASON_NONE ? json_take(in, value) : r;
}
