/* sketch.c - DDSketch with a cubic stand-in for the logarithm.
 *
 * The logarithm of v = 2^e (1 + s) is only needed up to a map that grows
 * evenly enough: e + (6 s^3 - 21 s^2 + 50 s) / 35 is continuous, costs no call of
 * log(), and its slope against ln v is never under 10/7.  Bins of a width of
 * ln(gamma) * 10/7 on it are therefore never wider than a factor of gamma =
 * (1 + error) / (1 - error), and about 1 % more of them are needed. */
#include "config.h"

#include <float.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "core/sketch.h"

#define A (6.0 / 35)
#define B (-21.0 / 35)
#define C (50.0 / 35)
#define SLOPE (10.0 / 7)
#define ROUND 32u		/* bins are allocated by so many */

void
sketch_init(struct sketch *s, double error, uint64_t max_bytes)
{
	uint64_t bins = max_bytes / sizeof(uint32_t) / 2;

	*s = (struct sketch){ 0 };
	if (!(error >= 0.0001))
		error = 0.0001;
	if (error > 0.5)
		error = 0.5;
	s->error = error;
	s->per_bin = 1 / (SLOPE * log((1 + error) / (1 - error)));
	s->max_bins = bins < 64 ? 64 : bins > 1 << 20 ? 1 << 20 :
	    (uint32_t)bins;
	sketch_clear(s);
}

void
sketch_fini(struct sketch *s)
{
	free(s->positive.count);
	free(s->negative.count);
	s->positive = s->negative = (struct sketch_bins){ 0 };
	sketch_clear(s);
}

static void
bins_clear(struct sketch_bins *b)
{
	if (b->count != NULL)
		memset(b->count, 0, b->cap * sizeof *b->count);
	b->low = 0;
	b->high = -1;
}

void
sketch_clear(struct sketch *s)
{
	bins_clear(&s->positive);
	bins_clear(&s->negative);
	s->n = s->zeros = 0;
	s->sum = s->sum_squares = 0;
	s->min = (double)INFINITY;
	s->max = -(double)INFINITY;
	s->collapsed = false;
}

/* v is normal, positive and finite. */
static int32_t
bin_of(const struct sketch *s, double v)
{
	uint64_t bits;
	double e, m;

	memcpy(&bits, &v, sizeof bits);
	e = (double)((int)(bits >> 52) - 1023);
	bits = (bits & ((UINT64_C(1) << 52) - 1)) | UINT64_C(1023) << 52;
	memcpy(&m, &bits, sizeof m);
	m -= 1;
	return (int32_t)floor((((A * m + B) * m + C) * m + e) * s->per_bin);
}

/* The magnitude at which bin i begins. */
static double
bin_start(const struct sketch *s, int32_t i)
{
	double f = i / s->per_bin, e = floor(f), want = f - e, m = want;
	int round;

	for (round = 0; round < 6; round++)
		m -= (((A * m + B) * m + C) * m - want) /
		    ((3 * A * m + 2 * B) * m + C);
	return ldexp(1 + m, (int)e);
}

/* The answer for all values in bin i: as far from both its ends. */
static double
bin_value(const struct sketch *s, int32_t i)
{
	double low = bin_start(s, i), high = bin_start(s, i + 1);

	if (!(high <= DBL_MAX))
		return low;
	return low * (2 / (1 + low / high));
}

/* Throw all bins below `low` into it. */
static void
fold(struct sketch_bins *b, int32_t low)
{
	uint64_t sum = 0;
	int32_t i;

	for (i = b->low; i < low && i <= b->high; i++) {
		sum += b->count[i - b->base];
		b->count[i - b->base] = 0;
	}
	if (b->high < low) {
		b->high = low;
		b->low = low;
		b->base = low;		/* all of it is zero now */
	}
	b->low = low;
	sum += b->count[low - b->base];
	b->count[low - b->base] = sum > UINT32_MAX ? UINT32_MAX : (uint32_t)sum;
}

/* Make the array reach from low to high, which has at most max bins. */
static bool
reach(struct sketch_bins *b, int32_t low, int32_t high, uint32_t max)
{
	uint32_t span = (uint32_t)(high - low) + 1, cap, slack;
	uint32_t *count;
	int32_t base;

	if (b->cap > 0 && low >= b->base &&
	    (int64_t)high < (int64_t)b->base + b->cap)
		return true;
	cap = (span + span / 4 + ROUND - 1) / ROUND * ROUND;
	if (cap > max)
		cap = max;
	if (cap < b->cap)
		cap = b->cap;
	if ((count = calloc(cap, sizeof *count)) == NULL)
		return false;
	slack = (cap - span) / 2;
	base = low - (int32_t)slack;
	if (b->high >= b->low)
		memcpy(count + (b->low - base), b->count + (b->low - b->base),
		    (size_t)(b->high - b->low + 1) * sizeof *count);
	free(b->count);
	b->count = count;
	b->cap = cap;
	b->base = base;
	return true;
}

static bool
bins_add(struct sketch *s, struct sketch_bins *b, int32_t i, uint32_t n)
{
	int32_t low = i, high = i;
	uint32_t *count;

	if (b->high >= b->low) {
		if (i >= b->low && i <= b->high)
			goto there;
		if (b->low < low)
			low = b->low;
		if (b->high > high)
			high = b->high;
	}
	if ((int64_t)high - low >= s->max_bins) {
		low = high - (int32_t)s->max_bins + 1;
		s->collapsed = true;
		if (i < low)
			i = low;
		if (b->low < low)
			fold(b, low);
	}
	if (!reach(b, low, high, s->max_bins))
		return false;
	b->low = low;
	b->high = high;
there:
	count = &b->count[i - b->base];
	*count = *count > UINT32_MAX - n ? UINT32_MAX : *count + n;
	return true;
}

bool
sketch_add(struct sketch *s, double v)
{
	double magnitude = fabs(v);

	if (magnitude < DBL_MIN) {
		s->zeros++;
	} else {
		if (magnitude > DBL_MAX)
			magnitude = DBL_MAX;
		if (!bins_add(s, v > 0 ? &s->positive : &s->negative,
		    bin_of(s, magnitude), 1))
			return false;
	}
	s->n++;
	s->sum += v;
	s->sum_squares += v * v;
	if (v < s->min)
		s->min = v;
	if (v > s->max)
		s->max = v;
	return true;
}

static bool
bins_merge(struct sketch *s, struct sketch_bins *into,
    const struct sketch_bins *from)
{
	int32_t i;

	/* from the top, so that folding happens once */
	for (i = from->high; i >= from->low; i--)
		if (from->count[i - from->base] > 0 &&
		    !bins_add(s, into, i, from->count[i - from->base]))
			return false;
	return true;
}

bool
sketch_merge(struct sketch *into, const struct sketch *from)
{
	if (!bins_merge(into, &into->positive, &from->positive) ||
	    !bins_merge(into, &into->negative, &from->negative))
		return false;
	into->n += from->n;
	into->zeros += from->zeros;
	into->sum += from->sum;
	into->sum_squares += from->sum_squares;
	if (from->min < into->min)
		into->min = from->min;
	if (from->max > into->max)
		into->max = from->max;
	into->collapsed |= from->collapsed;
	return true;
}

bool
sketch_restore(struct sketch *s, struct sketch_bin b)
{
	const int32_t most = (int32_t)(1100 * s->per_bin);

	if (b.bin > most || b.bin < -most)
		return false;
	s->n += b.count;
	if (b.sign == 0) {
		s->zeros += b.count;
		return true;
	}
	return bins_add(s, b.sign > 0 ? &s->positive : &s->negative, b.bin,
	    b.count);
}

/* pos runs through the negative bins downwards, the zeros, and the positive
 * bins upwards. */
bool
sketch_next(const struct sketch *s, uint64_t *pos, struct sketch_bin *b)
{
	const struct sketch_bins *neg = &s->negative, *p = &s->positive;
	uint64_t nneg = (uint64_t)((int64_t)neg->high - neg->low + 1);
	uint64_t npos = (uint64_t)((int64_t)p->high - p->low + 1);

	for (; *pos < nneg + 1 + npos; ++*pos) {
		if (*pos < nneg) {
			b->sign = -1;
			b->bin = neg->high - (int32_t)*pos;
			b->count = neg->count[b->bin - neg->base];
		} else if (*pos == nneg) {
			b->sign = b->bin = 0;
			b->count = s->zeros > UINT32_MAX ? UINT32_MAX :
			    (uint32_t)s->zeros;
		} else {
			b->sign = 1;
			b->bin = p->low + (int32_t)(*pos - nneg - 1);
			b->count = p->count[b->bin - p->base];
		}
		if (b->count > 0) {
			++*pos;
			return true;
		}
	}
	return false;
}

static double
clamp(const struct sketch *s, double v)
{
	return v < s->min ? s->min : v > s->max ? s->max : v;
}

static double
value_of(const struct sketch *s, struct sketch_bin b)
{
	return b.sign == 0 ? 0 : clamp(s, b.sign * bin_value(s, b.bin));
}

double
sketch_kth(const struct sketch *s, uint64_t k)
{
	struct sketch_bin b;
	uint64_t pos = 0, seen = 0;

	if (k <= 1)
		return s->min;
	if (k >= s->n)
		return s->max;
	while (sketch_next(s, &pos, &b)) {
		seen += b.count;
		if (seen >= k)
			return value_of(s, b);
	}
	return s->max;
}

void
sketch_sum_of(const struct sketch *s, uint64_t k, double *sum,
    double *sum_squares)
{
	struct sketch_bin b;
	uint64_t pos = 0, left = k;
	double v, n;

	*sum = k >= s->n ? s->sum : 0;
	*sum_squares = k >= s->n ? s->sum_squares : 0;
	if (k >= s->n)
		return;
	while (left > 0 && sketch_next(s, &pos, &b)) {
		n = b.count < left ? b.count : (double)left;
		left -= b.count < left ? b.count : left;
		v = value_of(s, b);
		*sum += n * v;
		*sum_squares += n * (v * v);
	}
}

uint64_t
sketch_below(const struct sketch *s, double v)
{
	struct sketch_bin b;
	uint64_t pos = 0, below = 0;

	if (v > s->max)
		return s->n;
	while (sketch_next(s, &pos, &b) && value_of(s, b) < v)
		below += b.count;
	return below;
}

size_t
sketch_bytes(const struct sketch *s)
{
	return ((size_t)s->positive.cap + s->negative.cap) * sizeof(uint32_t);
}
