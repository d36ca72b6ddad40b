/* statsd.c - packets into lines, and the plain line fast.
 *
 * Nearly every line is a name, one value, a known type and perhaps a rate, tags
 * and the sender's container.  plain() reads those in one pass, without looking
 * for the line's end first, and gives up on anything else, having changed
 * nothing; statsd_line.c then reads the line at leisure.  Most names, values and
 * types are so plain that quick_head() can read them: a name of letters, digits
 * and the like and an unsigned number, whose ends are known from the packet's
 * marks (proto/marks.h).  Of what these two take statsd_line.c must say the same:
 * the fuzzer holds them to it. */
#include "config.h"

#include <math.h>
#ifdef __SSE2__
#include <emmintrin.h>
#endif

#include "base/digits.h"
#include "base/number.h"
#include "proto/scan.h"
#include "proto/statsd.h"
#include "proto/statsd_line.h"

const struct statsd_options statsd_defaults = {
	.strict = false,
	.unknown_types_are_counters = true,
	.max_name = 4096
};

void
statsd_begin(struct statsd_parser *p, struct slice packet,
    const struct statsd_options *o)
{
	p->at = packet.ptr;
	p->end = packet.ptr + packet.len;
	p->options = o;
	p->lines = 0;
	p->bad = slice_of(NULL, 0);
	p->rest = slice_of(NULL, 0);
	p->values = slice_of(NULL, 0);
	p->marks.from = p->marks.until = packet.ptr;	/* none yet */
}

/* What can end a plain name, or make it none. */
static const bool not_plain[256] = {
	['\n'] = true, ['#'] = true, [','] = true, [':'] = true,
	[';'] = true, ['['] = true, ['|'] = true
};

#ifdef __SSE2__
/* A bit for each of the 16 bytes at p: is it one of not_plain? */
static inline unsigned
not_plain_16(const char *p)
{
	__m128i c = _mm_loadu_si128((const __m128i *)(const void *)p);
	/* ':' and ';' differ in the lowest bit */
	__m128i hit = _mm_cmpeq_epi8(_mm_or_si128(c, _mm_set1_epi8(1)),
	    _mm_set1_epi8(';'));

	hit = _mm_or_si128(hit, _mm_cmpeq_epi8(c, _mm_set1_epi8('|')));
	hit = _mm_or_si128(hit, _mm_cmpeq_epi8(c, _mm_set1_epi8('\n')));
	hit = _mm_or_si128(hit, _mm_cmpeq_epi8(c, _mm_set1_epi8(',')));
	hit = _mm_or_si128(hit, _mm_cmpeq_epi8(c, _mm_set1_epi8('#')));
	hit = _mm_or_si128(hit, _mm_cmpeq_epi8(c, _mm_set1_epi8('[')));
	return (unsigned)_mm_movemask_epi8(hit);
}
#endif

/* Where the first byte of not_plain stands, or end. */
static inline __attribute__((always_inline)) const char *
skip_plain(const char *p, const char *end)
{
#ifdef __SSE2__
	/* Two at once: most names end there, and nothing is to be guessed. */
	for (; end - p >= 32; p += 32) {
		unsigned at = not_plain_16(p) | not_plain_16(p + 16) << 16;

		if (at != 0)
			return p + __builtin_ctz(at);
	}
	if (end - p >= 16) {
		unsigned at = not_plain_16(p);

		if (at != 0)
			return p + __builtin_ctz(at);
		p += 16;
	}
#endif
	while (p < end && !not_plain[(unsigned char)*p])
		p++;
	return p;
}

static const double tens[] = {
	1e0, 1e1, 1e2, 1e3, 1e4, 1e5, 1e6, 1e7, 1e8, 1e9, 1e10, 1e11, 1e12,
	1e13, 1e14, 1e15, 1e16, 1e17, 1e18
};

/* "12" or "12.5" at p, of digits that a double holds exactly: where it ends,
 * or NULL when it is more than that. */
static const char *
long_decimal(const char *p, const char *end, double *v)
{
	const char *start = p, *point = NULL;
	uint64_t w = 0;
	unsigned d;

	for (; p < end && (d = (unsigned char)(*p - '0')) < 10; p++)
		w = w * 10 + d;
	if (p == start)
		return NULL;
	if (p < end && *p == '.') {
		point = ++p;
		for (; p < end && (d = (unsigned char)(*p - '0')) < 10; p++)
			w = w * 10 + d;
	}
	if (p - start > 18 || w > UINT64_C(1) << 53)
		return NULL;
	*v = (double)(int64_t)w;	/* signed is quicker, and it fits */
	if (point != NULL)
		*v /= tens[p - point];
	return p;
}

/* The same, quicker for up to seven digits on each side of the point. */
static inline const char *
decimal(const char *p, const char *end, double *v)
{
	uint64_t whole, part;
	unsigned n, m;

	if (!DIGITS_AT_ONCE || end - p < 16)
		return long_decimal(p, end, v);
	n = digits_upto8(p, &whole);
	if (n == 0)
		return NULL;
	if (n == 8)
		return long_decimal(p, end, v);
	if (p[n] != '.') {
		*v = (double)(int64_t)whole;
		return p + n;
	}
	m = digits_upto8(p + n + 1, &part);
	if (m == 8)
		return long_decimal(p, end, v);
	*v = ((double)(int64_t)whole * tens[m] + (double)(int64_t)part) /
	    tens[m];
	return p + n + 1 + m;
}

/* A line being read: straight into the record, which means nothing until the
 * line is known to be a plain one. */
struct plain {
	struct metric_record *m;
	bool any_text;		/* the value is no number: a set's */
	char sign;		/* the value's, or 0 */
};

/* A name with ';' or the like in it, at q: where its ':' stands, or NULL. */
static const char *
dialect(const char *p, const char *q, const char *end, bool strict,
    struct plain *l)
{
	struct statsd_split s = { .style = TAGS_NONE };
	const char *first = q;

	while (q < end && *q != ':' && *q != '|' && *q != '\n')
		q = skip_plain(q + 1, end);
	if (q == end || *q != ':')
		return NULL;
	s.name = slice_of(p, (size_t)(q - p));
	if (*first == ';' && !strict) {
		s.name.len = (size_t)(first - p);
		s.tags = slice_of(first + 1, (size_t)(q - first - 1));
		s.style = TAGS_GRAPHITE;
	} else if (!strict) {
		s = statsd_split_name(s.name);
	}
	if (s.after.len > 0)
		return NULL;
	l->m->name = s.name;
	l->m->tags = s.tags;
	l->m->tag_style = s.style;
	return q;
}

/* The name at p: where its ':' stands, or NULL. */
static inline const char *
plain_name(const char *p, const char *end, bool strict, struct plain *l)
{
	const char *q = skip_plain(p, end);

	if (q == end || q == p)
		return NULL;
	if (*q != ':')
		return dialect(p, q, end, strict, l);
	l->m->name = slice_of(p, (size_t)(q - p));
	l->m->tags = slice_of(NULL, 0);
	l->m->tag_style = TAGS_NONE;
	return q;
}

/* A value that decimal() does not know: where it ends, or NULL. */
static const char *
odd_value(const char *p, const char *end, bool strict, struct plain *l)
{
	size_t n = number_scan(slice_of(p, (size_t)(end - p)), &l->m->value);
	const char *q = p + n;

	if (n > 0 && q < end && *q == '|' && isfinite(l->m->value))
		return q;
	q = scan_to_either(p, end, '|', '\n');
	if (q == end || q == p || (strict && slice_find(slice_of(p,
	    (size_t)(q - p)), ':') < (size_t)(q - p)))
		return NULL;
	l->m->value = 0;
	l->any_text = true;
	return q;
}

/* The value at p: where its '|' stands, or NULL. */
static inline const char *
plain_value(const char *p, const char *end, bool strict, struct plain *l)
{
	const char *start = p;

	l->any_text = false;
	l->sign = 0;
	if (p < end && (*p == '-' || *p == '+'))
		l->sign = *p++;
	p = decimal(p, end, &l->m->value);
	if (p != NULL && l->sign == '-')
		l->m->value = -l->m->value;
	if (p == NULL || p == end || *p != '|')
		p = odd_value(start, end, strict, l);
	if (p == NULL || p == end || *p != '|')
		return NULL;
	l->m->text = slice_of(start, (size_t)(p - start));
	return p;
}

/* What the letters behind a value mean. */
static const struct kind {
	uint8_t len;		/* of the letters; 0: none of these */
	char last;		/* of them */
	uint8_t type, signed_type;	/* enum metric_type; with a sign */
	bool text;		/* the value need be no number */
	bool unsigned_only, loose_only, unused;	/* eight bytes: found quickly */
} kinds[256] = {
	['c'] = { 1, 'c', METRIC_COUNTER, METRIC_COUNTER, .text = false },
	['m'] = { 2, 's', METRIC_TIMER, METRIC_TIMER, .unsigned_only = true },
	['g'] = { 1, 'g', METRIC_GAUGE, METRIC_GAUGE_DELTA, .text = false },
	['s'] = { 1, 's', METRIC_SET, METRIC_SET, .text = true },
	['h'] = { 1, 'h', METRIC_TIMER, METRIC_TIMER, .loose_only = true },
	['d'] = { 1, 'd', METRIC_TIMER, METRIC_TIMER, .loose_only = true }
};

/* "c", "ms" and so on at p: where it ends, or NULL. */
static inline const char *
plain_type(const char *p, const char *end, bool strict, struct plain *l)
{
	const struct kind *k;

	if (p == end)
		return NULL;
	k = &kinds[(unsigned char)*p];
	if (k->len == 0 || end - p < k->len || p[k->len - 1] != k->last ||
	    (l->any_text && !k->text) || (k->loose_only && strict) ||
	    (k->unsigned_only && l->sign == '-'))
		return NULL;
	l->m->type = l->sign == 0 ? k->type : k->signed_type;
	return p + k->len;
}

/* The names of a sender's container: where they end. */
static inline const char *
skip_origin(const char *p, const char *end)
{
	while (end - p > 2 && p[0] == '|' && p[2] == ':' &&
	    (p[1] == 'c' || p[1] == 'e'))
		p = scan_to_either(p + 3, end, '|', '\n');
	return p;
}

/* "|@0.1", "|#k:v" and "|c:id" at p, if they are there: where they end, or NULL.
 * The rate is 1 so far. */
static inline const char *
plain_fields(const char *p, const char *end, bool strict, struct plain *l)
{
	const char *start;

	if (end - p > 2 && p[0] == '|' && p[1] == '@') {
		p = decimal(p + 2, end, &l->m->rate);
		if (p == NULL || !(l->m->rate > 0))
			return NULL;
	}
	if (end - p > 2 && p[0] == '|' && p[1] == '#') {
		start = p += 2;
		p = scan_to_either(p, end, '|', '\n');
		if (l->m->tag_style != TAGS_NONE)
			return NULL;
		if (!strict && p > start && p[-1] == '\r')
			p--;
		l->m->tags = slice_of(start, (size_t)(p - start));
		l->m->tag_style = l->m->tags.len > 0 ? TAGS_DOGSTATSD : TAGS_NONE;
	}
	return strict ? p : skip_origin(p, end);
}

/* The end of the line at p: where the next begins, or NULL. */
static inline const char *
line_end(const char *p, const char *end, bool strict)
{
	if (p == end)
		return p;
	if (*p == '\n')
		return p + 1;
	if (*p != '\r' || strict)
		return NULL;
	if (++p == end)
		return p;
	return *p == '\n' ? p + 1 : NULL;
}

/* Read the line at p: the next one, or NULL when it is not a plain one.  q: where
 * its name, value and type end, or NULL: these are to be read as well. */
static __attribute__((noinline)) const char *
plain(const char *p, const char *end, const char *q,
    const struct statsd_options *o, struct metric_record *m)
{
	bool strict = o->strict;
	struct plain l = { .m = m };

	if (q == NULL &&
	    ((q = plain_name(p, end, strict, &l)) == NULL ||
	    (q = plain_value(q + 1, end, strict, &l)) == NULL ||
	    (q = plain_type(q + 1, end, strict, &l)) == NULL))
		return NULL;
	if ((q = plain_fields(q, end, strict, &l)) == NULL ||
	    (q = line_end(q, end, strict)) == NULL ||
	    m->name.len + m->tags.len > o->max_name)
		return NULL;
	return q;
}

#ifdef __SSE2__
#define QUICK_NAME 64		/* longer than any that quick_head() takes */

/* The eight bytes before p[n]; p >= end - 8 and n < 8: garbage. */
static inline uint64_t
eight_before(const char *p, size_t n, const char *end)
{
	uint64_t w = 0;

	if (n >= 8) {
		memcpy(&w, p + n - 8, 8);
	} else if (end - p >= 8) {
		memcpy(&w, p, 8);
		w <<= 64 - 8 * n;
	}
	return w;
}

/* The value of p[from] to p[to]: is it one that decimal() knows? */
static inline __attribute__((always_inline)) bool
quick_value(const char *p, unsigned from, unsigned to, const char *end,
    double *v)
{
	unsigned n = to - from;

	if (n - 1 >= 8)
		return decimal(p + from, end, v) == p + to;
	return p[from] != '.' &&
	    digits_decimal(eight_before(p, to, end), n, v);
}

/* "name:12.5|ms" at p: where it ends, or NULL when it is not as plain as that.
 * marks: of the bytes there. */
static inline __attribute__((always_inline)) const char *
quick_head(const char *p, const char *end, uint64_t marks, bool strict,
    struct metric_record *m)
{
	uint64_t bars = marks & (marks - 1), ends = bars & (bars - 1);
	unsigned colon, bar, after;
	const struct kind *k;

	if (ends == 0)
		return NULL;
	colon = (unsigned)__builtin_ctzll(marks);
	bar = (unsigned)__builtin_ctzll(bars);
	after = (unsigned)__builtin_ctzll(ends);
	if (colon == 0 || p[colon] != ':' || p[bar] != '|' ||
	    after == bar + 1)
		return NULL;
	k = &kinds[(unsigned char)p[bar + 1]];
	if (k->len != after - bar - 1 || p[after - 1] != k->last ||
	    (k->loose_only && strict))
		return NULL;
	if (!quick_value(p, colon + 1, bar, end, &m->value)) {
		if (!k->text || bar == colon + 1)
			return NULL;
		m->value = 0;
	}
	m->type = k->type;
	m->tag_style = TAGS_NONE;
	m->name = slice_of(p, colon);
	m->tags = slice_of(NULL, 0);
	m->text = slice_of(p + colon + 1, bar - colon - 1);
	m->rate = 1;
	return p + after;
}

/* Read the line at p, of which there are marks: the next one, or NULL when it is
 * not a plain one, or not as plain as that. */
static inline __attribute__((always_inline)) const char *
quick_line(const struct statsd_parser *s, const char *p,
    struct metric_record *m)
{
	const char *q = quick_head(p, s->end, marks_at(&s->marks, p),
	    s->options->strict, m);

	if (q == NULL || (q != s->end && *q == '\n'))
		return q == NULL ? q : q + 1;
	return plain(p, s->end, q, s->options, m);
}

/* The same, when marks of it are to be made. */
static const char *
marked_line(struct statsd_parser *s, const char *p, struct metric_record *m)
{
	if (s->options->max_name < QUICK_NAME)
		return NULL;
	marks_make(&s->marks, p, s->end);
	return quick_line(s, p, m);
}
#else
static inline const char *
quick_line(const struct statsd_parser *s, const char *p,
    struct metric_record *m)
{
	return NULL;
}

static inline const char *
marked_line(struct statsd_parser *s, const char *p, struct metric_record *m)
{
	return NULL;
}
#endif

static inline const char *
skip_empty(const char *p, const char *end)
{
	while (p < end && *p == '\n')
		p++;
	return p;
}

/* What plain_line() does not read at once. */
static __attribute__((noinline)) const char *
less_plain(struct statsd_parser *s, const char *p, struct metric_record *m)
{
	const char *next;

	p = skip_empty(p, s->end);
	if (p == s->end)
		return NULL;
	if (p >= s->marks.until && (next = marked_line(s, p, m)) != NULL)
		return next;
	m->rate = 1;
	return plain(p, s->end, NULL, s->options, m);
}

/* Read the line at p, empty ones before it as well: the next one, or NULL when it
 * is not a plain one, or there is none. */
static inline __attribute__((always_inline)) const char *
plain_line(struct statsd_parser *s, const char *p, struct metric_record *m)
{
	const char *next = NULL;

	if (p < s->marks.until)
		next = quick_line(s, p, m);
	return next != NULL ? next : less_plain(s, p, m);
}

/* Take up the line at p->at in earnest. */
static enum statsd_result
take_line(struct statsd_parser *p, struct record *r, enum reason *why)
{
	struct slice left = slice_of(p->at, (size_t)(p->end - p->at));
	struct slice line = slice_upto(left, slice_find(left, '\n'));

	p->at += line.len < left.len ? line.len + 1 : line.len;
	if (!p->options->strict) {
		if (line.ptr[line.len - 1] == '\r')
			line.len--;
		if (line.len == 0) {		/* an empty line, CRLF */
			p->lines--;
			return STATSD_END;
		}
		if (statsd_is_event(line))
			return statsd_event(p, line, r, why);
		if (statsd_is_check(line))
			return statsd_check(p, line, r, why);
	}
	statsd_line_begin(p, line);
	return statsd_line_next(p, r, why);
}

size_t
statsd_run(struct statsd_parser *p, struct metric_record *m, size_t max)
{
	const char *at = p->at, *next;
	size_t n = 0;

	if (p->rest.ptr != NULL || p->values.ptr != NULL)
		return 0;
	for (; n < max && (next = plain_line(p, at, &m[n])) != NULL; n++)
		at = next;
	p->at = at;
	p->lines += n;
	return n;
}

enum statsd_result
statsd_next(struct statsd_parser *p, struct record *r, enum reason *why)
{
	enum statsd_result result = STATSD_END;

	if (p->rest.ptr != NULL || p->values.ptr != NULL)
		result = statsd_line_next(p, r, why);
	while (result == STATSD_END) {
		const char *next;

		p->at = skip_empty(p->at, p->end);
		if (p->at == p->end)
			return STATSD_END;
		p->lines++;
		next = plain_line(p, p->at, &r->metric);
		if (next != NULL) {
			p->at = next;
			r->kind = RECORD_METRIC;
			r->source = SOURCE_STATSD;
			r->time_ns = 0;
			return STATSD_METRIC;
		}
		result = take_line(p, r, why);
	}
	return result;
}
