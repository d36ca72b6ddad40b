/* hll.h - HyperLogLog: how many different things, in 16 KiB.
 *
 * 2^14 registers; the standard error of an estimate is 1.04 / 2^7 = 0.8 %, from
 * one member to 2^50, by the estimator of O. Ertl, "New cardinality estimation
 * algorithms for HyperLogLog sketches" (2017), which needs no tables of bias
 * and no switch between ranges.  Two of them merge without loss. */
#ifndef MILLRACE_CORE_HLL_H
#define MILLRACE_CORE_HLL_H

#include <stdint.h>
#include <string.h>

#include "base/slice.h"

#define HLL_BITS 14
#define HLL_REGISTERS (1 << HLL_BITS)

/* All zeros is the empty one. */
struct hll {
	uint8_t reg[HLL_REGISTERS];
};

/* The hash of a member: the same in every process, so that registers may be
 * stored and merged elsewhere. */
uint64_t hll_hash(struct slice member);

static inline void
hll_add_hash(struct hll *h, uint64_t hash)
{
	uint64_t rest = hash << HLL_BITS | UINT64_C(1) << (HLL_BITS - 1);
	uint8_t rank = (uint8_t)(__builtin_clzll(rest) + 1);
	uint8_t *reg = &h->reg[hash >> (64 - HLL_BITS)];

	if (rank > *reg)
		*reg = rank;
}

static inline void
hll_add(struct hll *h, struct slice member)
{
	hll_add_hash(h, hll_hash(member));
}

void hll_merge(struct hll *into, const struct hll *from);
double hll_estimate(const struct hll *h);

#endif
