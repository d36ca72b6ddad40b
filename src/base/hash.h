/* hash.h - one hash for tables keyed by what strangers send.
 *
 * XXH3 under a seed drawn once a process, so that nobody outside can choose
 * names that collide.  Its values mean nothing to another process: never store
 * them and never use them to choose a server. */
#ifndef MILLRACE_BASE_HASH_H
#define MILLRACE_BASE_HASH_H

#include <stddef.h>
#include <stdint.h>

#include "base/slice.h"

/* MILLRACE_HASH_SEED=N in the environment fixes the seed, for tests. */
uint64_t hash_bytes(const void *bytes, size_t len);

/* XXH3 under a seed of the caller's: the same in every process, so that it may
 * be stored; but strangers can choose what collides. */
uint64_t hash_stable(struct slice s, uint64_t seed);

static inline uint64_t
hash_slice(struct slice s)
{
	return hash_bytes(s.ptr, s.len);
}

#endif
