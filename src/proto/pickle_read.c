/* pickle_read.c - pickle opcodes, as far as a list of points needs them.
 *
 * Every opcode is a byte and makes at most one value, so the payload's length
 * bounds everything before max_items does.  Values are never walked
 * recursively: nesting costs a hostile sender bytes and nothing else.
 * Opcodes: Python's Lib/pickletools.py describes them all. */
#include "config.h"

#include <math.h>
#include <stdlib.h>

#include "base/digits.h"
#include "base/number.h"
#include "proto/pickle_machine.h"

/* What is left to read, and the machine. */
struct run {
	struct pickle *p;
	struct slice in;
	size_t length;			/* of the whole payload */
};

/* ---- memory ---- */

/* Make room for one more of n; cap counts elements. */
static enum reason
room(void *array, size_t *cap, size_t n, size_t size, size_t max)
{
	void **a = array, *more;
	size_t want;

	if (n >= max)
		return REASON_TOO_MANY;
	if (n < *cap)
		return REASON_NONE;
	want = *cap < 64 ? 64 : *cap * 2;
	while (want <= n)
		want *= 2;
	more = reallocarray(*a, want, size);
	if (more == NULL)
		return REASON_NO_MEMORY;
	*a = more;
	*cap = want;
	return REASON_NONE;
}

static enum reason
push(struct run *r, struct value v)
{
	struct pickle *p = r->p;
	enum reason why = room(&p->stack, &p->stack_cap, p->depth,
	    sizeof *p->stack, p->max_items);

	if (why == REASON_NONE)
		p->stack[p->depth++] = v;
	return why;
}

/* How many values stand above the last mark. */
static size_t
above_mark(const struct pickle *p)
{
	return p->depth - (p->nmarks > 0 ? p->marks[p->nmarks - 1] : 0);
}

static enum reason
append(struct pickle *p, uint32_t container, struct value v)
{
	struct container *c = &p->containers[container];
	enum reason why = room(&p->nodes, &p->nodes_cap, p->nnodes,
	    sizeof *p->nodes, p->max_items);

	if (why != REASON_NONE)
		return why;
	p->nodes[p->nnodes] = (struct node){ v, NO_NODE };
	if (c->count++ == 0)
		c->first = (uint32_t)p->nnodes;
	else
		p->nodes[c->last].next = (uint32_t)p->nnodes;
	c->last = (uint32_t)p->nnodes++;
	return REASON_NONE;
}

/* Append the n values on top of the stack to a container, and drop them. */
static enum reason
append_top(struct pickle *p, uint32_t container, size_t n)
{
	enum reason why = REASON_NONE;

	for (size_t i = p->depth - n; i < p->depth && why == REASON_NONE; i++)
		why = append(p, container, p->stack[i]);
	p->depth -= n;
	return why;
}

/* Replace the n values on top of the stack by a container of them. */
static enum reason
gather(struct run *r, enum value_type type, size_t n)
{
	struct pickle *p = r->p;
	struct value v = { .type = (uint8_t)type };
	enum reason why;

	if (n > above_mark(p))
		return REASON_SYNTAX;
	why = room(&p->containers, &p->containers_cap, p->ncontainers,
	    sizeof *p->containers, p->max_items);
	if (why != REASON_NONE)
		return why;
	v.container = (uint32_t)p->ncontainers++;
	p->containers[v.container] = (struct container){ NO_NODE, NO_NODE, 0 };
	why = append_top(p, v.container, n);
	return why == REASON_NONE ? push(r, v) : why;
}

/* ---- marks ---- */

static enum reason
mark(struct pickle *p)
{
	if (p->nmarks == PICKLE_MAX_DEPTH)
		return REASON_TOO_DEEP;
	p->marks[p->nmarks++] = (uint32_t)p->depth;
	return REASON_NONE;
}

/* How many values stand above the mark, which is taken away. */
static bool
pop_mark(struct pickle *p, size_t *n)
{
	if (p->nmarks == 0)
		return false;
	*n = above_mark(p);
	p->nmarks--;
	return true;
}

static enum reason
gather_marked(struct run *r, enum value_type type)
{
	size_t n;

	return pop_mark(r->p, &n) ? gather(r, type, n) : REASON_SYNTAX;
}

/* The list under n values takes them. */
static enum reason
append_to_list(struct pickle *p, size_t n)
{
	struct value *list;

	if (above_mark(p) < n + 1)
		return REASON_SYNTAX;
	list = &p->stack[p->depth - n - 1];
	if (list->type != VALUE_LIST)
		return REASON_SYNTAX;
	return append_top(p, list->container, n);
}

static enum reason
appends(struct pickle *p)
{
	size_t n;

	return pop_mark(p, &n) ? append_to_list(p, n) : REASON_SYNTAX;
}

static enum reason
pop(struct pickle *p)
{
	if (above_mark(p) > 0)
		p->depth--;
	else if (p->nmarks > 0)		/* as Python: the mark itself */
		p->nmarks--;
	else
		return REASON_SYNTAX;
	return REASON_NONE;
}

static enum reason
drop_marked(struct pickle *p)
{
	size_t n;

	if (!pop_mark(p, &n))
		return REASON_SYNTAX;
	p->depth -= n;
	return REASON_NONE;
}

static enum reason
duplicate(struct run *r)
{
	if (above_mark(r->p) == 0)
		return REASON_SYNTAX;
	return push(r, r->p->stack[r->p->depth - 1]);
}

/* ---- arguments ---- */

static bool
take(struct run *r, size_t n, struct slice *s)
{
	if (n > r->in.len)
		return false;
	*s = slice_upto(r->in, n);
	r->in = slice_from(r->in, n);
	return true;
}

static bool
take_line(struct run *r, struct slice *s)
{
	if (slice_find(r->in, '\n') == r->in.len)
		return false;
	*s = slice_cut(&r->in, '\n');
	if (s->len > 0 && s->ptr[s->len - 1] == '\r')
		s->len--;
	return true;
}

/* Little-endian, n <= 8. */
static bool
take_le(struct run *r, size_t n, uint64_t *v)
{
	struct slice s;

	if (!take(r, n, &s))
		return false;
	for (*v = 0; n > 0; n--)
		*v = *v << 8 | (uint8_t)s.ptr[n - 1];
	return true;
}

/* ---- memo ---- */

static enum reason
remember(struct run *r, uint64_t at)
{
	struct pickle *p = r->p;
	size_t old = p->memo_cap;
	enum reason why;

	if (above_mark(p) == 0)
		return REASON_SYNTAX;
	/* who numbers by counting never gets past the bytes there are */
	if (at > r->length)
		return REASON_TOO_MANY;
	why = room(&p->memo, &p->memo_cap, at, sizeof *p->memo, p->max_items);
	if (why != REASON_NONE)
		return why;
	if (p->memo_cap > old)
		memset(p->memo + old, 0, (p->memo_cap - old) * sizeof *p->memo);
	p->nmemo += p->memo[at].type == VALUE_UNSET;
	p->memo[at] = p->stack[p->depth - 1];
	if (at >= p->memo_end)
		p->memo_end = at + 1;
	return REASON_NONE;
}

static enum reason
recall(struct run *r, uint64_t at)
{
	struct pickle *p = r->p;

	if (at >= p->memo_end || p->memo[at].type == VALUE_UNSET)
		return REASON_SYNTAX;
	return push(r, p->memo[at]);
}

static enum reason
by_index(struct run *r, size_t bytes,
    enum reason (*use)(struct run *, uint64_t))
{
	struct slice line;
	uint64_t at;

	if (bytes > 0)
		return take_le(r, bytes, &at) ? use(r, at) : REASON_TRUNCATED;
	if (!take_line(r, &line))
		return REASON_TRUNCATED;
	return number_u64(line, &at) ? use(r, at) : REASON_SYNTAX;
}

/* ---- numbers ---- */

static enum reason
push_int(struct run *r, int64_t i)
{
	return push(r, (struct value){ .i = i, .type = VALUE_INT });
}

static enum reason
push_float(struct run *r, double f)
{
	return push(r, (struct value){ .f = f, .type = VALUE_FLOAT });
}

static enum reason
le_int(struct run *r, size_t bytes)
{
	uint64_t v;

	if (!take_le(r, bytes, &v))
		return REASON_TRUNCATED;
	return push_int(r, bytes == 4 ? (int32_t)(uint32_t)v : (int64_t)v);
}

/* "I5\n", "I01\n" (True), "L5L\n" */
static enum reason
decimal_int(struct run *r, bool is_long)
{
	struct slice line;
	double f;
	int64_t i;

	if (!take_line(r, &line))
		return REASON_TRUNCATED;
	if (is_long && line.len > 0 && line.ptr[line.len - 1] == 'L')
		line.len--;
	if (number_i64(line, &i))
		return push_int(r, i);
	return number_double(line, &f) ? push_float(r, f) : REASON_SYNTAX;
}

static enum reason
decimal_float(struct run *r)
{
	struct slice line;
	double f;

	if (!take_line(r, &line))
		return REASON_TRUNCATED;
	switch (graphite_value(line, false, &f)) {
	case REASON_NONE:
		return push_float(r, f);
	case REASON_NOT_A_NUMBER:
		return push_float(r, NAN);
	default:
		return REASON_SYNTAX;
	}
}

/* Two's complement, little-endian, of any length. */
static enum reason
le_long(struct run *r, size_t count_bytes)
{
	uint64_t n, v = 0;
	struct slice s;
	bool minus;
	double f = 0;

	if (!take_le(r, count_bytes, &n) || n > r->in.len || !take(r, n, &s))
		return REASON_TRUNCATED;
	minus = n > 0 && (uint8_t)s.ptr[n - 1] >= 0x80;
	if (n <= 8) {
		if (minus)
			v = UINT64_MAX;
		while (n > 0)
			v = v << 8 | (uint8_t)s.ptr[--n];
		return push_int(r, (int64_t)v);
	}
	for (; n > 0; n--)
		f = f * 256 + (uint8_t)(minus ? ~s.ptr[n - 1] : s.ptr[n - 1]);
	return push_float(r, minus ? -f - 1 : f);
}

static enum reason
be_double(struct run *r)
{
	struct slice s;
	uint64_t bits = 0;
	double f;

	if (!take(r, 8, &s))
		return REASON_TRUNCATED;
	for (size_t i = 0; i < 8; i++)
		bits = bits << 8 | (uint8_t)s.ptr[i];
	memcpy(&f, &bits, sizeof f);
	return push_float(r, f);
}

/* ---- texts ---- */

static enum reason
push_text(struct run *r, struct slice s)
{
	if (s.len > UINT32_MAX)
		return REASON_TOO_LONG;
	return push(r, (struct value){ .text = s.ptr, .len = (uint32_t)s.len,
	    .type = VALUE_TEXT });
}

static enum reason
counted_text(struct run *r, size_t count_bytes)
{
	struct slice s;
	uint64_t n;

	if (!take_le(r, count_bytes, &n) || n > r->in.len || !take(r, n, &s))
		return REASON_TRUNCATED;
	return push_text(r, s);
}

/* Room for what is unescaped, once for all of a message, so that nothing
 * moves: a byte becomes two at most. */
static char *
text_room(struct run *r)
{
	struct buf *b = &r->p->texts;

	if (b->len == 0) {
		b->max = r->length * 2 + 1;
		if (!buf_reserve(b, b->max))
			return NULL;
	}
	return b->data + b->len;
}

static enum reason
push_unescaped(struct run *r, const char *start, const char *end)
{
	r->p->texts.len = (size_t)(end - r->p->texts.data);
	return push_text(r, slice_of(start, (size_t)(end - start)));
}

/* n hexadecimal digits at the front of s. */
static bool
hex_number(struct slice s, size_t n, uint32_t *v)
{
	return s.len >= n && digits_hex_n(s.ptr, n, v);
}

static char *
put_utf8(char *to, uint32_t c)
{
	if (c < 0x80)
		*to++ = (char)c;
	else if (c < 0x800)
		*to++ = (char)(0xc0 | c >> 6);
	else if (c < 0x10000) {
		*to++ = (char)(0xe0 | c >> 12);
		*to++ = (char)(0x80 | (c >> 6 & 0x3f));
	} else {
		*to++ = (char)(0xf0 | c >> 18);
		*to++ = (char)(0x80 | (c >> 12 & 0x3f));
		*to++ = (char)(0x80 | (c >> 6 & 0x3f));
	}
	if (c >= 0x80)
		*to++ = (char)(0x80 | (c & 0x3f));
	return to;
}

/* One escape of a quoted string, after the backslash: how many bytes of s it
 * took, its byte in *c; 0 when it is none. */
static size_t
string_escape(struct slice s, char *c)
{
	static const char from[] = "nrtabfv\\'\"", to[] = "\n\r\t\a\b\f\v\\'\"";
	const char *at;
	uint32_t v;
	size_t n = 0;

	if (s.len == 0)
		return 0;
	at = s.ptr[0] == '\0' ? NULL : strchr(from, s.ptr[0]);
	if (at != NULL) {
		*c = to[at - from];
		return 1;
	}
	if (s.ptr[0] == 'x' && hex_number(slice_from(s, 1), 2, &v)) {
		*c = (char)v;
		return 3;
	}
	for (v = 0; n < 3 && n < s.len && s.ptr[n] >= '0' && s.ptr[n] <= '7'; n++)
		v = v * 8 + (uint32_t)(s.ptr[n] - '0');
	*c = (char)v;
	return n;
}

/* S'...'\n with the escapes of a Python string. */
static enum reason
quoted_text(struct run *r)
{
	struct slice s;
	char *start, *to;

	if (!take_line(r, &s))
		return REASON_TRUNCATED;
	if (s.len < 2 || (s.ptr[0] != '\'' && s.ptr[0] != '"') ||
	    s.ptr[s.len - 1] != s.ptr[0])
		return REASON_SYNTAX;
	s = slice_of(s.ptr + 1, s.len - 2);
	if (slice_find(s, '\\') == s.len)
		return push_text(r, s);
	if ((start = to = text_room(r)) == NULL)
		return REASON_NO_MEMORY;
	for (size_t i = 0, n; i < s.len; i++, to++) {
		*to = s.ptr[i];
		if (s.ptr[i] != '\\')
			continue;
		n = string_escape(slice_from(s, i + 1), to);
		if (n == 0)
			*to = '\\';	/* an unknown one stays */
		i += n;
	}
	return push_unescaped(r, start, to);
}

/* V...\n: Latin-1 with \uXXXX and \UXXXXXXXX, to UTF-8. */
static enum reason
raw_unicode(struct run *r)
{
	struct slice s;
	char *start, *to;

	if (!take_line(r, &s))
		return REASON_TRUNCATED;
	if ((start = to = text_room(r)) == NULL)
		return REASON_NO_MEMORY;
	for (size_t i = 0; i < s.len; i++) {
		uint32_t c = (uint8_t)s.ptr[i];
		struct slice rest = slice_from(s, i + 2);
		size_t digits = 0;

		if (c == '\\' && i + 1 < s.len && s.ptr[i + 1] == 'u')
			digits = 4;
		else if (c == '\\' && i + 1 < s.len && s.ptr[i + 1] == 'U')
			digits = 8;
		if (digits > 0) {
			if (!hex_number(rest, digits, &c) || c > 0x10ffff)
				return REASON_SYNTAX;
			i += digits + 1;
		}
		to = put_utf8(to, c);
	}
	return push_unescaped(r, start, to);
}

/* ---- opcodes ---- */

static enum reason
protocol(struct run *r)
{
	uint64_t n;

	if (!take_le(r, 1, &n))
		return REASON_TRUNCATED;
	return n <= 5 ? REASON_NONE : REASON_SYNTAX;
}

static enum reason
skip(struct run *r, size_t n)
{
	struct slice s;

	return take(r, n, &s) ? REASON_NONE : REASON_TRUNCATED;
}

static enum reason
containers(struct run *r, char op)
{
	switch (op) {
	case '(':
		return mark(r->p);
	case ']':
		return gather(r, VALUE_LIST, 0);
	case 'l':
		return gather_marked(r, VALUE_LIST);
	case 'a':
		return append_to_list(r->p, 1);
	case 'e':
		return appends(r->p);
	case ')':
		return gather(r, VALUE_TUPLE, 0);
	case 't':
		return gather_marked(r, VALUE_TUPLE);
	case '\x85':
		return gather(r, VALUE_TUPLE, 1);
	case '\x86':
		return gather(r, VALUE_TUPLE, 2);
	case '\x87':
		return gather(r, VALUE_TUPLE, 3);
	case '0':
		return pop(r->p);
	case '1':
		return drop_marked(r->p);
	case '2':
		return duplicate(r);
	default:
		/* what is left could only name, call or build things */
		return REASON_UNSAFE;
	}
}

static enum reason
texts(struct run *r, char op)
{
	switch (op) {
	case 'S':
		return quoted_text(r);
	case 'V':
		return raw_unicode(r);
	case 'U':
	case 'C':
	case '\x8c':
		return counted_text(r, 1);
	case 'T':
	case 'X':
	case 'B':
		return counted_text(r, 4);
	case '\x8d':
	case '\x8e':
		return counted_text(r, 8);
	default:
		return containers(r, op);
	}
}

static enum reason
memo(struct run *r, char op)
{
	switch (op) {
	case 'p':
		return by_index(r, 0, remember);
	case 'q':
		return by_index(r, 1, remember);
	case 'r':
		return by_index(r, 4, remember);
	case '\x94':
		return remember(r, r->p->nmemo);
	case 'g':
		return by_index(r, 0, recall);
	case 'h':
		return by_index(r, 1, recall);
	case 'j':
		return by_index(r, 4, recall);
	default:
		return texts(r, op);
	}
}

static enum reason
step(struct run *r, char op)
{
	switch (op) {
	case '\x80':
		return protocol(r);
	case '\x95':
		return skip(r, 8);	/* how long a frame is does not matter */
	case 'N':
		return push(r, (struct value){ .type = VALUE_NONE });
	case 'I':
		return decimal_int(r, false);
	case 'L':
		return decimal_int(r, true);
	case 'J':
		return le_int(r, 4);
	case 'K':
		return le_int(r, 1);
	case 'M':
		return le_int(r, 2);
	case '\x88':
	case '\x89':
		return push_int(r, op == '\x88');
	case '\x8a':
		return le_long(r, 1);
	case '\x8b':
		return le_long(r, 4);
	case 'F':
		return decimal_float(r);
	case 'G':
		return be_double(r);
	default:
		return memo(r, op);
	}
}

enum reason
pickle_run(struct pickle *p, struct slice payload, struct value *top)
{
	struct run r = { p, payload, payload.len };
	enum reason why = REASON_NONE;

	while (why == REASON_NONE) {
		char op;

		if (r.in.len == 0)
			return REASON_TRUNCATED;
		op = *r.in.ptr;
		r.in = slice_from(r.in, 1);
		if (op == '.')
			break;
		why = step(&r, op);
	}
	if (why != REASON_NONE)
		return why;
	if (above_mark(p) == 0)
		return REASON_SYNTAX;
	*top = p->stack[p->depth - 1];
	return REASON_NONE;
}
