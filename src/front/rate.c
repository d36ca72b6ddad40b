/* rate.c - for each sender the moment when all it sent would have come, had it
 * kept to its rate (the generic cell rate algorithm): one number, moved by one
 * compare-and-swap. */
#include "config.h"

#include <stdatomic.h>
#include <stddef.h>

#include "base/hash.h"
#include "front/rate.h"

#define SETS 1024
#define WAYS 8

static struct cell {
	_Atomic uint64_t sender;
	_Atomic int64_t due_ns;
} table[SETS][WAYS];

static struct cell *
cell_of(uint64_t sender)
{
	struct cell *set = table[sender % SETS], *oldest = &set[0];

	for (size_t i = 0; i < WAYS; i++) {
		if (atomic_load_explicit(&set[i].sender,
		    memory_order_relaxed) == sender)
			return &set[i];
		if (atomic_load_explicit(&set[i].due_ns,
		    memory_order_relaxed) < atomic_load_explicit(
		    &oldest->due_ns, memory_order_relaxed))
			oldest = &set[i];
	}
	atomic_store_explicit(&oldest->due_ns, 0, memory_order_relaxed);
	atomic_store_explicit(&oldest->sender, sender, memory_order_relaxed);
	return oldest;
}

bool
rate_admit(struct slice sender, int64_t now_ns, uint64_t per_s, uint64_t burst)
{
	struct cell *c = cell_of(hash_slice(sender) | 1);
	int64_t step = (int64_t)(UINT64_C(1000000000) / per_s);
	int64_t slack, due, start;

	if (step == 0)
		step = 1;
	slack = burst > (uint64_t)INT64_MAX / 4 / (uint64_t)step ?
	    INT64_MAX / 4 : (int64_t)(burst - (burst > 0)) * step;
	due = atomic_load_explicit(&c->due_ns, memory_order_relaxed);
	do {
		/* a clock that was set back finds nobody in debt for long */
		start = due < now_ns || due > now_ns + slack + step ?
		    now_ns : due;
		if (start - now_ns > slack)
			return false;
	} while (!atomic_compare_exchange_weak_explicit(&c->due_ns, &due,
	    start + step, memory_order_relaxed, memory_order_relaxed));
	return true;
}
