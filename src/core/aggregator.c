/* aggregator.c - buckets of points, by rule and by the points' own time.
 *
 * All series of a rule have their buckets at the same times: a ring of a fixed
 * number of them, from the rule's oldest open one on.  So closing is one walk
 * over the series every `every` seconds, however often the clock ticks. */
#include "config.h"

#include <assert.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>

#include "base/map.h"
#include "base/number.h"
#include "core/aggregator.h"
#include "core/samples.h"

#define SLACK 4			/* buckets more than `expire` needs: the one
				 * that fills, one ahead, and late ticks */
#define MAX_BUCKETS 4096u

/* n points in it; what a is depends on the function. */
struct bucket {
	uint32_t n, cap;
	double a;		/* sum, least, greatest or mean */
	union {
		double squares;	/* of the distances from the mean */
		double *v;	/* n values, room for cap */
	};
};

struct series {
	uint32_t filled;	/* buckets with points */
	struct bucket bucket[];
};

struct rule {
	struct aggregator_rule is;
	char *text;
	uint32_t nbuckets;
	int64_t first;		/* beginning of the oldest open bucket */
	struct map *series;
};

struct aggregator {
	struct rule **rules, **gone;
	size_t nrules, ngone;
	uint64_t max_series;
	struct aggregator_stats stats;
};

/* ---- functions ---- */

static const struct {
	const char *name;
	enum aggregate a;
} functions[] = {
	{ "sum", AGGREGATE_SUM },
	{ "count", AGGREGATE_COUNT }, { "cnt", AGGREGATE_COUNT },
	{ "min", AGGREGATE_MIN }, { "minimum", AGGREGATE_MIN },
	{ "max", AGGREGATE_MAX }, { "maximum", AGGREGATE_MAX },
	{ "average", AGGREGATE_AVERAGE }, { "avg", AGGREGATE_AVERAGE },
	{ "last", AGGREGATE_LAST },
	{ "median", AGGREGATE_MEDIAN },
	{ "variance", AGGREGATE_VARIANCE }, { "stddev", AGGREGATE_STDDEV },
};

/* "percentile99.9", "p99", "p999". */
static bool
parse_percentile(struct slice s, double *percentile)
{
	const struct slice stem = SLICE("percentile");
	uint64_t p;

	if (slice_starts(s, stem))
		return number_double(slice_from(s, stem.len), percentile) &&
		    *percentile > 0 && *percentile <= 100;
	if (slice_eq(s, SLICE("p999"))) {
		*percentile = 99.9;
		return true;
	}
	if (s.len < 2 || s.ptr[0] != 'p' || s.ptr[1] == '0' ||
	    !number_u64(slice_from(s, 1), &p) || p < 1 || p > 99)
		return false;
	*percentile = (double)p;
	return true;
}

bool
aggregate_parse(struct slice s, enum aggregate *a, double *percentile)
{
	double p;
	size_t i;

	for (i = 0; i < sizeof functions / sizeof functions[0]; i++)
		if (slice_eq(s, slice_str(functions[i].name))) {
			*a = functions[i].a;
			return true;
		}
	if (!parse_percentile(s, &p))
		return false;
	*a = AGGREGATE_PERCENTILE;
	*percentile = p;
	return true;
}

static bool
keeps_values(const struct rule *r)
{
	return r->is.function == AGGREGATE_MEDIAN ||
	    r->is.function == AGGREGATE_PERCENTILE;
}

static enum reason
keep_value(struct bucket *b, double v)
{
	uint32_t cap;
	double *more;

	if (b->n == AGGREGATOR_MAX_VALUES)
		return REASON_TOO_MANY;
	if (b->n == b->cap) {
		cap = b->cap == 0 ? 8 : b->cap * 2;
		if ((more = realloc(b->v, cap * sizeof *more)) == NULL)
			return REASON_NO_MEMORY;
		b->v = more;
		b->cap = cap;
	}
	b->v[b->n++] = v;
	return REASON_NONE;
}

static enum reason
put(const struct rule *r, struct bucket *b, double v)
{
	double d;

	if (keeps_values(r))
		return keep_value(b, v);
	if (b->n == UINT32_MAX)
		return REASON_TOO_MANY;
	b->n++;
	switch (r->is.function) {
	case AGGREGATE_MIN:
		if (b->n == 1 || v < b->a)
			b->a = v;
		break;
	case AGGREGATE_MAX:
		if (b->n == 1 || v > b->a)
			b->a = v;
		break;
	case AGGREGATE_VARIANCE:
	case AGGREGATE_STDDEV:
		d = v - b->a;
		b->a += d / b->n;
		b->squares += d * (v - b->a);
		break;
	case AGGREGATE_LAST:
		b->a = v;
		break;
	default:
		b->a += v;
		break;
	}
	return REASON_NONE;
}

/* Nearest rank, as carbon-c-relay rounds it: no interpolation. */
static double
percentile(struct bucket *b, double p)
{
	double *spare = malloc(b->n * sizeof *spare), k;

	if (spare == NULL)
		return (double)NAN;
	samples_sort(b->v, b->n, spare);
	free(spare);
	k = floor(p / 100 * b->n + 0.9);
	return b->v[k < 1 ? 0 : k > b->n ? b->n - 1 : (uint32_t)k - 1];
}

static double
result(const struct rule *r, struct bucket *b)
{
	switch (r->is.function) {
	case AGGREGATE_COUNT:
		return b->n;
	case AGGREGATE_AVERAGE:
		return b->a / b->n;
	case AGGREGATE_MEDIAN:
		return percentile(b, 50);
	case AGGREGATE_PERCENTILE:
		return percentile(b, r->is.percentile);
	case AGGREGATE_VARIANCE:
		return b->squares / b->n;
	case AGGREGATE_STDDEV:
		return sqrt(b->squares / b->n);
	default:
		return b->a;
	}
}

/* ---- series ---- */

static void
empty_bucket(const struct rule *r, struct series *s, struct bucket *b)
{
	if (b->n > 0)
		s->filled--;
	if (keeps_values(r))
		free(b->v);
	*b = (struct bucket){ 0 };
}

static void
free_series(const struct rule *r, struct series *s)
{
	uint32_t i;

	for (i = 0; i < r->nbuckets; i++)
		empty_bucket(r, s, &s->bucket[i]);
	free(s);
}

static struct bucket *
bucket_at(const struct rule *r, struct series *s, int64_t start)
{
	return &s->bucket[(uint64_t)(start / r->is.every) % r->nbuckets];
}

static struct series *
series_of(struct aggregator *a, struct rule *r, struct slice output,
    enum reason *why)
{
	struct series *s = map_get(r->series, output);

	if (s != NULL)
		return s;
	if (a->stats.series >= a->max_series) {
		*why = REASON_CARDINALITY;
		return NULL;
	}
	*why = REASON_NO_MEMORY;
	s = calloc(1, sizeof *s + r->nbuckets * sizeof s->bucket[0]);
	if (s == NULL)
		return NULL;
	if (!map_put(r->series, output, s, NULL)) {
		free(s);
		return NULL;
	}
	a->stats.series++;
	return s;
}

/* Without points for long, or of no rule: gone. */
static void
forget_series(struct aggregator *a, struct rule *r, struct slice name,
    struct series *s)
{
	map_del(r->series, name);
	free_series(r, s);
	a->stats.series--;
}

/* ---- rules ---- */

static void
free_rule(struct aggregator *a, struct rule *r)
{
	struct slice name;
	size_t pos = 0;
	void *s;

	if (r == NULL)
		return;
	if (r->series != NULL) {
		while (map_next(r->series, &pos, &name, &s)) {
			free_series(r, s);
			a->stats.series--;
		}
		map_free(r->series, NULL);
	}
	free(r->text);
	free(r);
}

static int64_t
round_down(int64_t t, uint32_t every)
{
	int64_t rest = t % every;

	return t - (rest < 0 ? rest + every : rest);
}

/* From when on buckets are open at `now`; never before 1970. */
static int64_t
oldest_open(const struct rule *r, int64_t now)
{
	int64_t t = round_down(now - r->is.expire, r->is.every);

	return t < 0 ? 0 : t;
}

static void
settle(struct aggregator_rule *is)
{
	if (is->every == 0)
		is->every = 1;
	if (is->expire == 0)
		is->expire = is->every + (is->every < 10 ? is->every : 10);
	if (is->expire < is->every)
		is->expire = is->every;
	if (is->expire / is->every > MAX_BUCKETS)
		is->expire = is->every * MAX_BUCKETS;
}

static struct rule *
make_rule(struct aggregator *a, struct aggregator_rule is, int64_t now)
{
	struct rule *r = calloc(1, sizeof *r);

	if (r == NULL)
		return NULL;
	r->is = is;
	r->nbuckets = (is.expire + is.every - 1) / is.every + SLACK;
	r->first = oldest_open(r, now);
	r->text = slice_dup(is.text);
	r->series = map_new(a->max_series > 1 << 30 ? 1 << 30 :
	    (size_t)a->max_series);
	if (r->text == NULL || r->series == NULL) {
		free_rule(a, r);
		return NULL;
	}
	r->is.text.ptr = r->text;
	return r;
}

static bool
same_rule(const struct aggregator_rule *a, const struct aggregator_rule *b)
{
	return slice_eq(a->text, b->text) && a->function == b->function &&
	    (a->function != AGGREGATE_PERCENTILE ||
	    a->percentile == b->percentile) && a->every == b->every &&
	    a->expire == b->expire;
}

/* The place of an old rule like it that is not taken yet, or nrules. */
static size_t
find_rule(const struct aggregator *a, const struct aggregator_rule *is,
    const bool *taken)
{
	size_t i;

	for (i = 0; i < a->nrules; i++)
		if (!taken[i] && same_rule(&a->rules[i]->is, is))
			break;
	return i;
}

struct aggregator *
aggregator_new(uint64_t max_series)
{
	struct aggregator *a = calloc(1, sizeof *a);

	if (a != NULL)
		a->max_series = max_series < 1 ? 1 : max_series;
	return a;
}

void
aggregator_free(struct aggregator *a)
{
	size_t i;

	if (a == NULL)
		return;
	for (i = 0; i < a->nrules; i++)
		free_rule(a, a->rules[i]);
	for (i = 0; i < a->ngone; i++)
		free_rule(a, a->gone[i]);
	free(a->rules);
	free(a->gone);
	free(a);
}

/* Fill `to` with old rules (marked in taken) and new ones (marked in fresh). */
static bool
match_rules(struct aggregator *a, const struct aggregator_rule *rules,
    size_t n, int64_t now, struct rule **to, bool *fresh, bool *taken)
{
	struct aggregator_rule is;
	size_t i, old;

	for (i = 0; i < n; i++) {
		is = rules[i];
		settle(&is);
		old = find_rule(a, &is, taken);
		if (old < a->nrules) {
			to[i] = a->rules[old];
			taken[old] = true;
			continue;
		}
		if ((to[i] = make_rule(a, is, now)) == NULL)
			return false;
		fresh[i] = true;
	}
	return true;
}

bool
aggregator_configure(struct aggregator *a, const struct aggregator_rule *rules,
    size_t n, int64_t now)
{
	struct rule **to = calloc(n + 1, sizeof *to);
	bool *fresh = calloc(n + a->nrules + 1, sizeof *fresh);
	bool *taken = fresh == NULL ? NULL : fresh + n;
	struct rule **gone = realloc(a->gone,
	    (a->ngone + a->nrules + 1) * sizeof *gone);
	size_t i;

	if (gone != NULL)
		a->gone = gone;
	if (to == NULL || fresh == NULL || gone == NULL ||
	    !match_rules(a, rules, n, now, to, fresh, taken)) {
		for (i = 0; to != NULL && fresh != NULL && i < n; i++)
			if (fresh[i])
				free_rule(a, to[i]);
		free(to);
		free(fresh);
		return false;
	}
	for (i = 0; i < n; i++) {
		to[i]->is.stamp = rules[i].stamp;
		to[i]->is.fixed = rules[i].fixed;
	}
	for (i = 0; i < a->nrules; i++)
		if (!taken[i])
			a->gone[a->ngone++] = a->rules[i];
	free(fresh);
	free(a->rules);
	a->rules = to;
	a->nrules = n;
	return true;
}

/* ---- points in, lines out ---- */

static enum reason
add(struct aggregator *a, struct rule *r, struct slice output, double value,
    int64_t time)
{
	enum reason why = REASON_NONE;
	struct bucket *b;
	struct series *s;
	int64_t start;

	if (isnan(value))
		return REASON_NOT_A_NUMBER;
	if (time < r->first)
		return REASON_LATE;
	start = round_down(time, r->is.every);
	if (start - r->first >= (int64_t)r->nbuckets * r->is.every)
		return REASON_BAD_TIME;
	if ((s = series_of(a, r, output, &why)) == NULL)
		return why;
	b = bucket_at(r, s, start);
	why = put(r, b, value);
	if (why == REASON_NONE && b->n == 1)
		s->filled++;
	return why;
}

enum reason
aggregator_add(struct aggregator *a, size_t rule, struct slice output,
    double value, int64_t time)
{
	enum reason why;

	assert(rule < a->nrules);
	why = add(a, a->rules[rule], output, value, time);
	a->stats.points += why == REASON_NONE;
	a->stats.late += why == REASON_LATE;
	a->stats.early += why == REASON_BAD_TIME;
	a->stats.not_numbers += why == REASON_NOT_A_NUMBER;
	a->stats.refused_series += why == REASON_CARDINALITY;
	a->stats.too_many += why == REASON_TOO_MANY;
	return why;
}

static int64_t
stamp_of(const struct rule *r, int64_t start)
{
	switch (r->is.stamp) {
	case STAMP_START:
		return start;
	case STAMP_MIDDLE:
		return start + r->is.every / 2;
	default:
		return start + r->is.every;
	}
}

/* "%.6f" with a dot, whatever the locale has; answers the length. */
static size_t
put_fixed(char *out, size_t room, double value)
{
	size_t n = (size_t)snprintf(out, room, "%.6f", value), i;

	for (i = 0; i < n; i++)
		if (out[i] == ',')
			out[i] = '.';
	return n;
}

static void
print(struct aggregator *a, const struct rule *r, size_t id,
    struct slice name, double value, int64_t start,
    const struct aggregator_sink *sink)
{
	char stack[512], *line = stack;
	/* %f of the greatest double has 309 digits before the point */
	size_t room = name.len + 400, n = name.len;

	if (isnan(value))
		return;
	if (room > sizeof stack && (line = malloc(room)) == NULL)
		return;
	memcpy(line, name.ptr, name.len);
	line[n++] = ' ';
	if (r->is.fixed && r->is.function != AGGREGATE_COUNT)
		n += put_fixed(line + n, room - n, value);
	else
		n += number_format_js(line + n, value);
	n += (size_t)snprintf(line + n, room - n, " %lld\n",
	    (long long)stamp_of(r, start));
	a->stats.lines++;
	sink->line(sink->ctx, id, slice_of(line, name.len),
	    slice_of(line, n));
	if (line != stack)
		free(line);
}

/* Close the oldest open bucket. */
static void
close_first(struct aggregator *a, struct rule *r, size_t id,
    const struct aggregator_sink *sink)
{
	struct slice name;
	struct series *s;
	struct bucket *b;
	size_t pos = 0;
	void *value;

	while (map_next(r->series, &pos, &name, &value)) {
		s = value;
		b = bucket_at(r, s, r->first);
		if (b->n > 0) {
			print(a, r, id, name, result(r, b), r->first, sink);
			empty_bucket(r, s, b);
		}
		if (s->filled == 0)
			forget_series(a, r, name, s);
	}
	r->first += r->is.every;
}

static void
close_all(struct aggregator *a, struct rule *r, size_t id,
    const struct aggregator_sink *sink)
{
	uint32_t i;

	for (i = 0; i < r->nbuckets && map_len(r->series) > 0; i++)
		close_first(a, r, id, sink);
}

static void
tick(struct aggregator *a, struct rule *r, size_t id, int64_t now,
    const struct aggregator_sink *sink)
{
	int64_t span = (int64_t)r->nbuckets * r->is.every;

	/* a clock that was set far forth, or back: begin anew */
	if (now - r->is.expire - r->first > span ||
	    r->first > now + r->is.every) {
		close_all(a, r, id, sink);
		r->first = oldest_open(r, now);
		return;
	}
	while (r->first + r->is.expire < now)
		close_first(a, r, id, sink);
}

static void
close_gone(struct aggregator *a, const struct aggregator_sink *sink)
{
	size_t i;

	for (i = 0; i < a->ngone; i++) {
		close_all(a, a->gone[i], AGGREGATOR_GONE, sink);
		free_rule(a, a->gone[i]);
	}
	a->ngone = 0;
}

void
aggregator_tick(struct aggregator *a, int64_t now,
    const struct aggregator_sink *sink)
{
	size_t i;

	close_gone(a, sink);
	for (i = 0; i < a->nrules; i++)
		tick(a, a->rules[i], i, now, sink);
}

void
aggregator_drain(struct aggregator *a, const struct aggregator_sink *sink)
{
	size_t i;

	close_gone(a, sink);
	for (i = 0; i < a->nrules; i++)
		close_all(a, a->rules[i], i, sink);
}

void
aggregator_get_stats(const struct aggregator *a, struct aggregator_stats *out)
{
	*out = a->stats;
}
