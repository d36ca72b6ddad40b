/* graphite.c - one line of Graphite's plaintext protocol, read and written.
 *
 * This runs for every line that is relayed.  A usual line is read in one pass:
 * the name eight bytes at a time, then digits. */
#include "config.h"

#include <math.h>

#include "base/number.h"
#include "proto/graphite.h"

#define NS_PER_S INT64_C(1000000000)
/* The last whole second that fits, and the same as milliseconds. */
#define MAX_SECONDS INT64_C(9223372035)

static inline bool
is_blank(char c)
{
	return c == ' ' || c == '\t';
}

#define EACH(c) (UINT64_C(0x0101010101010101) * (uint8_t)(c))

/* A bit in each byte of x that is zero; bits above the first may be false. */
static inline uint64_t
zero_bytes(uint64_t x)
{
	return (x - EACH(0x01)) & ~x & EACH(0x80);
}

/* Where the first blank, tab or `stop` stands from i on, or s.len. */
static inline size_t
find_end(struct slice s, size_t i, char stop)
{
#ifndef WORDS_BIGENDIAN
	for (; s.len - i >= 8; i += 8) {
		uint64_t x, hit;

		memcpy(&x, s.ptr + i, 8);
		hit = zero_bytes(x ^ EACH(' ')) | zero_bytes(x ^ EACH('\t')) |
		    zero_bytes(x ^ EACH(stop));
		if (hit != 0)
			return i + (size_t)__builtin_ctzll(hit) / 8;
	}
#endif
	while (i < s.len && !is_blank(s.ptr[i]) && s.ptr[i] != stop)
		i++;
	return i;
}

static inline size_t
skip_blanks(struct slice s, size_t i)
{
	while (i < s.len && is_blank(s.ptr[i]))
		i++;
	return i;
}

/* Without blanks in front, and blanks and CRs behind. */
static inline struct slice
trim(struct slice s)
{
	s = slice_from(s, skip_blanks(s, 0));
	while (s.len > 0 && (is_blank(s.ptr[s.len - 1]) ||
	    s.ptr[s.len - 1] == '\r'))
		s.len--;
	return s;
}

static inline struct slice
field(struct slice s, size_t *at)
{
	size_t end = find_end(s, *at, ' ');
	struct slice f = { s.ptr + *at, end - *at };

	*at = skip_blanks(s, end);
	return f;
}

static bool
is_word(struct slice s, const char *word)
{
	return slice_eq_nocase(s, slice_str(word));
}

enum reason
graphite_value(struct slice text, bool refuse_inf, double *v)
{
	struct slice s = text;

	if (number_double(s, v))
		return isinf(*v) && refuse_inf ? REASON_NOT_A_NUMBER :
		    REASON_NONE;
	if (s.len > 0 && (s.ptr[0] == '-' || s.ptr[0] == '+'))
		s = slice_from(s, 1);
	if (is_word(s, "nan"))
		return REASON_NOT_A_NUMBER;
	if (!is_word(s, "inf") && !is_word(s, "infinity"))
		return REASON_BAD_VALUE;
	if (refuse_inf)
		return REASON_NOT_A_NUMBER;
	*v = text.ptr[0] == '-' ? -INFINITY : INFINITY;
	return REASON_NONE;
}

/* "12" or "12.50", short enough to be exact in a double: the usual value. */
static inline bool
plain_value(struct slice s, double *v)
{
	static const double tens[] = { 1, 1e1, 1e2, 1e3, 1e4, 1e5, 1e6, 1e7,
	    1e8, 1e9, 1e10, 1e11, 1e12, 1e13, 1e14, 1e15 };
	bool minus = s.len > 0 && s.ptr[0] == '-';
	size_t point = s.len, first = minus;
	uint64_t m = 0;

	if (s.len == first || s.len > 15)
		return false;
	for (size_t i = first; i < s.len; i++) {
		unsigned digit = (unsigned)(uint8_t)s.ptr[i] - '0';

		if (digit <= 9)
			m = m * 10 + digit;
		else if (s.ptr[i] == '.' && point == s.len && i > first)
			point = i;
		else
			return false;
	}
	*v = point == s.len ? (double)m :
	    (double)m / tens[s.len - point - 1];
	if (minus)
		*v = -*v;
	return true;
}

/* v > 0 units of `unit` nanoseconds each; whole ones exactly. */
static int64_t
to_ns(double v, int64_t unit)
{
	double whole = floor(v);

	return (int64_t)whole * unit + (int64_t)((v - whole) * (double)unit);
}

enum reason
graphite_time(double seconds, const struct graphite_options *o,
    int64_t *time_ns)
{
	if (seconds > -2 && seconds <= -1)
		*time_ns = o->now_ns;
	else if (!(seconds > 0))
		return REASON_BAD_TIME;
	else if (seconds <= (double)MAX_SECONDS)
		*time_ns = to_ns(seconds, NS_PER_S);
	else if (o->millis && seconds <= (double)MAX_SECONDS * 1000)
		*time_ns = to_ns(seconds, NS_PER_S / 1000);
	else
		return REASON_BAD_TIME;
	/* less than a nanosecond would be no time at all */
	return *time_ns == 0 ? REASON_BAD_TIME : REASON_NONE;
}

static enum reason
parse_time(struct slice s, const struct graphite_options *o, int64_t *time_ns)
{
	double seconds;
	uint64_t t = 0;
	size_t i = 0;

	for (; i < s.len && i < 10; i++) {
		unsigned digit = (unsigned)(uint8_t)s.ptr[i] - '0';

		if (digit > 9)
			break;
		t = t * 10 + digit;
	}
	if (i == s.len && t > 0 && t <= MAX_SECONDS) {
		*time_ns = (int64_t)t * NS_PER_S;
		return REASON_NONE;
	}
	if (number_double(s, &seconds))
		return graphite_time(seconds, o, time_ns);
	if (!is_word(s, "n") && !is_word(s, "now"))
		return REASON_BAD_TIME;
	*time_ns = o->now_ns;
	return REASON_NONE;
}

/* The name and its tags; *at is then where the value begins. */
static inline enum reason
parse_name(struct slice line, const struct graphite_options *o,
    struct metric_record *m, size_t *at)
{
	size_t end = find_end(line, 0, ';');

	if (end == 0)
		return REASON_NO_NAME;
	if (o->max_name != 0 && end > o->max_name)
		return REASON_TOO_LONG;
	m->name = slice_of(line.ptr, end);
	m->tags = (struct slice){ NULL, 0 };
	m->tag_style = TAGS_NONE;
	if (end < line.len && line.ptr[end] == ';') {
		size_t tags = end + 1;

		end = find_end(line, tags, ' ');
		m->tags = slice_of(line.ptr + tags, end - tags);
		m->tag_style = TAGS_GRAPHITE;
	}
	*at = skip_blanks(line, end);
	return *at == line.len ? REASON_BAD_FIELDS : REASON_NONE;
}

enum reason
graphite_parse(struct slice line, const struct graphite_options *o,
    struct record *r)
{
	struct metric_record *m = &r->metric;
	enum reason why;
	size_t at;

	line = trim(line);
	if (line.len == 0)
		return REASON_EMPTY;
	why = parse_name(line, o, m, &at);
	if (why != REASON_NONE)
		return why;
	m->text = field(line, &at);
	r->time_ns = o->now_ns;
	if (at == line.len && !o->time_optional)
		return REASON_BAD_FIELDS;
	if (at < line.len) {
		struct slice time = field(line, &at);

		if (at < line.len)
			return REASON_BAD_FIELDS;
		why = parse_time(time, o, &r->time_ns);
	}
	if (!plain_value(m->text, &m->value)) {
		enum reason bad = graphite_value(m->text, o->refuse_inf,
		    &m->value);

		if (bad != REASON_NONE)
			return bad;
	}
	r->kind = RECORD_METRIC;
	r->source = SOURCE_GRAPHITE;
	m->type = METRIC_POINT;
	m->rate = 1;
	return why;
}

bool
graphite_line(struct buf *out, struct slice name, struct slice text,
    int64_t time_ns)
{
	size_t need = name.len + text.len + 24;
	char *p;

	if (need < name.len || !buf_reserve(out, need))
		return false;
	p = out->data + out->len;
	memcpy(p, name.ptr, name.len);
	p += name.len;
	*p++ = ' ';
	memcpy(p, text.ptr, text.len);
	p += text.len;
	*p++ = ' ';
	out->len = (size_t)(p - out->data);
	buf_add_i64(out, time_ns / NS_PER_S);
	out->data[out->len++] = '\n';
	return true;
}
