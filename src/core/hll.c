/* hll.c - HyperLogLog with Ertl's improved raw estimator. */
#include "config.h"

#include <math.h>

#define XXH_INLINE_ALL
#include <xxhash.h>

#include "core/hll.h"

#define RANKS (64 - HLL_BITS)		/* ranks run from 0 to RANKS + 1 */

uint64_t
hll_hash(struct slice member)
{
	return XXH3_64bits(member.ptr, member.len);
}

void
hll_merge(struct hll *into, const struct hll *from)
{
	unsigned i;

	for (i = 0; i < HLL_REGISTERS; i++)
		if (from->reg[i] > into->reg[i])
			into->reg[i] = from->reg[i];
}

/* x + sum of x^(2^k) 2^(k-1): what the empty registers tell. */
static double
sigma(double x)
{
	double y = 1, z = x, before;

	if (x == 1)
		return (double)INFINITY;
	do {
		before = z;
		x *= x;
		z += x * y;
		y += y;
	} while (z != before);
	return z;
}

/* What the full registers tell. */
static double
tau(double x)
{
	double y = 1, z = 1 - x, before;

	if (x == 0 || x == 1)
		return 0;
	do {
		before = z;
		x = sqrt(x);
		y *= 0.5;
		z -= (1 - x) * (1 - x) * y;
	} while (z != before);
	return z / 3;
}

double
hll_estimate(const struct hll *h)
{
	uint32_t count[RANKS + 2] = { 0 };
	double m = HLL_REGISTERS, z;
	unsigned i;

	for (i = 0; i < HLL_REGISTERS; i++)
		count[h->reg[i] <= RANKS + 1 ? h->reg[i] : RANKS + 1]++;
	z = m * tau(1 - count[RANKS + 1] / m);
	for (i = RANKS; i >= 1; i--)
		z = 0.5 * (z + count[i]);
	z += m * sigma(count[0] / m);
	return m * m / (2 * M_LN2 * z);
}
