/* samples.c - growing arrays of doubles, and sorting them fast. */
#include "config.h"

#include <string.h>

#include "core/samples.h"

#define FEW 48			/* up to here insertion is faster */
#define SOME 1024		/* up to here digits of few bits are faster, */
#define FEW_BITS 8
#define MOST_BITS 11
#define MANY 8192		/* and two digits tell the samples apart; from here
				 * on it takes four, of few bits again */

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

/* Where each digit's keys begin, from how many there are. */
static void
to_places(uint32_t *count, unsigned width)
{
	uint32_t i, sum = 0, c;

	for (i = 0; i < 1u << width; i++) {
		c = count[i];
		count[i] = sum;
		sum += c;
	}
}

static void
by_digit(const uint64_t *from, uint64_t *to, uint32_t n, unsigned shift,
    uint32_t mask, uint32_t *place)
{
	uint32_t i;

	for (i = 0; i < n; i++)
		to[place[(uint32_t)(from[i] >> shift) & mask]++] = from[i];
}

/* By the bits from `low` on, two digits of `width` each: there and back. */
static void
by_two_digits(uint64_t *a, uint64_t *b, uint32_t n, unsigned low,
    unsigned width)
{
	uint32_t first[1 << MOST_BITS], second[1 << MOST_BITS];
	uint32_t i, mask = (1u << width) - 1;

	memset(first, 0, sizeof *first << width);
	memset(second, 0, sizeof *second << width);
	for (i = 0; i < n; i++) {
		first[(uint32_t)(a[i] >> low) & mask]++;
		second[(uint32_t)(a[i] >> (low + width)) & mask]++;
	}
	to_places(first, width);
	to_places(second, width);
	by_digit(a, b, n, low, mask, first);
	by_digit(b, a, n, low + width, mask, second);
}

/* Sort by the bits from `low` to `high`. */
static void
by_bits(uint64_t *a, uint64_t *b, uint32_t n, unsigned low, unsigned high)
{
	unsigned width = n < SOME || n >= MANY ? FEW_BITS : MOST_BITS;

	for (; low <= high; low += 2 * width)
		by_two_digits(a, b, n, low + 2 * width > 64 ?
		    64 - 2 * width : low, width);
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
static void
sort_keys(uint64_t *a, uint64_t *b, uint32_t n, uint64_t bits)
{
	unsigned low = (unsigned)__builtin_ctzll(bits);
	unsigned high = 63 - (unsigned)__builtin_clzll(bits);
	unsigned enough = n < SOME ? 2 * FEW_BITS :
	    n < MANY ? 2 * MOST_BITS : 4 * FEW_BITS;

	if (high - low >= enough) {
		by_bits(a, b, n, high + 1 - enough, high);
		if (mend(a, n))
			return;
	}
	by_bits(a, b, n, low, high);
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
	sort_keys(a, b, n, bits);
	for (i = 0; i < n; i++)
		v[i] = from_order(a[i] + least);
}
