/* samples.c - growing arrays of doubles, and sorting them fast. */
#include "config.h"

#include <string.h>

#include "core/samples.h"

#define FEW 48			/* up to here insertion is faster */
#define SOME 512		/* up to here digits of few bits are faster, */
#define FEW_BITS 8
#define MOST_BITS 11
#define MANY 8192		/* and two digits tell the samples apart */

bool
samples_reserve(struct samples *s, uint32_t n)
{
	uint64_t cap = (uint64_t)s->cap + s->cap / 2;
	double *v;

	if (n <= s->cap)
		return true;
	if (cap < n)
		cap = n;
	if (cap < 4)
		cap = 4;
	if (cap > UINT32_MAX)
		cap = UINT32_MAX;
	if ((v = realloc(s->v, cap * sizeof *v)) == NULL)
		return false;
	s->v = v;
	s->cap = (uint32_t)cap;
	return true;
}

static void
insertion_sort(double *v, uint32_t n)
{
	uint32_t i, j;
	double x;

	for (i = 1; i < n; i++) {
		x = v[i];
		for (j = i; j > 0 && v[j - 1] > x; j--)
			v[j] = v[j - 1];
		v[j] = x;
	}
}

/* An integer that orders as the double does, and back. */
static inline uint64_t
to_order(double d)
{
	uint64_t b;

	memcpy(&b, &d, sizeof b);
	return b ^ ((uint64_t)((int64_t)b >> 63) | UINT64_C(1) << 63);
}

static inline double
from_order(uint64_t b)
{
	double d;

	b ^= (uint64_t)((int64_t)~b >> 63) | UINT64_C(1) << 63;
	memcpy(&d, &b, sizeof d);
	return d;
}

/* One pass over the keys: by `width` bits from `shift` on. */
static void
by_digit(const uint64_t *from, uint64_t *to, uint32_t n, unsigned shift,
    unsigned width)
{
	uint32_t count[1 << MOST_BITS], mask = (1u << width) - 1;
	uint32_t i, sum = 0, c;

	memset(count, 0, sizeof *count << width);
	for (i = 0; i < n; i++)
		count[(uint32_t)(from[i] >> shift) & mask]++;
	for (i = 0; i <= mask; i++) {
		c = count[i];
		count[i] = sum;
		sum += c;
	}
	for (i = 0; i < n; i++)
		to[count[(uint32_t)(from[i] >> shift) & mask]++] = from[i];
}

/* Sort by the bits from `low` to `high`; what is sorted is at *a afterwards. */
static void
by_bits(uint64_t **a, uint64_t **b, uint32_t n, unsigned low, unsigned high)
{
	unsigned width = n < SOME ? FEW_BITS : MOST_BITS;
	uint64_t *swap;

	for (; low <= high; low += width) {
		by_digit(*a, *b, n, low, width);
		swap = *a;
		*a = *b;
		*b = swap;
	}
}

/* Insertion, for what is nearly in order.  false: it was not; all are there,
 * but in no order. */
static bool
mend(uint64_t *v, uint32_t n)
{
	uint64_t x, moves = 4 * (uint64_t)n;
	uint32_t i, j;

	for (i = 1; i < n; i++) {
		if (v[i - 1] <= v[i])
			continue;
		x = v[i];
		for (j = i; j > 0 && v[j - 1] > x && moves > 0; j--, moves--)
			v[j] = v[j - 1];
		v[j] = x;
		if (moves == 0)
			return false;
	}
	return true;
}

static bool
already_sorted(const double *v, uint32_t n)
{
	uint32_t i;

	for (i = 1; i < n; i++)
		if (v[i - 1] > v[i])
			return false;
	return true;
}

/* All as distances from the smallest, which is given; *bits has those that any
 * of them has.  */
static uint64_t
to_keys(uint64_t *a, const double *v, uint32_t n, uint64_t *bits)
{
	uint64_t least = UINT64_MAX;
	uint32_t i;

	for (i = 0; i < n; i++) {
		a[i] = to_order(v[i]);
		if (a[i] < least)
			least = a[i];
	}
	*bits = 0;
	for (i = 0; i < n; i++) {
		a[i] -= least;
		*bits |= a[i];
	}
	return least;
}

/* By as many of the highest bits as are likely to tell the samples apart, and a
 * look whether they did; else by all. */
static uint64_t *
sort_keys(uint64_t *a, uint64_t *b, uint32_t n, uint64_t bits)
{
	unsigned low = (unsigned)__builtin_ctzll(bits);
	unsigned high = 63 - (unsigned)__builtin_clzll(bits);
	unsigned enough = n < SOME ? 2 * FEW_BITS :
	    n < MANY ? 2 * MOST_BITS : 3 * MOST_BITS;

	if (high - low >= enough) {
		by_bits(&a, &b, n, high + 1 - enough, high);
		if (mend(a, n))
			return a;
	}
	by_bits(&a, &b, n, low, high);
	return a;
}

void
samples_sort(double *v, uint32_t n, double *spare)
{
	uint64_t *a = (uint64_t *)(void *)v, *b = (uint64_t *)(void *)spare;
	uint64_t least, bits;
	uint32_t i;

	if (n <= FEW) {
		insertion_sort(v, n);
		return;
	}
	if (already_sorted(v, n))
		return;
	least = to_keys(a, v, n, &bits);
	a = sort_keys(a, b, n, bits);
	for (i = 0; i < n; i++)
		v[i] = from_order(a[i] + least);
}
