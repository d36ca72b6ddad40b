/* hash.c - XXH3 under this process's own seed. */
#include "config.h"

#include <stdatomic.h>
#include <stdlib.h>
#include <sys/random.h>
#include <time.h>
#include <unistd.h>

#define XXH_INLINE_ALL
#include <xxhash.h>

#include "base/hash.h"
#include "base/number.h"

static _Atomic uint64_t seed;	/* 0: not drawn yet */

static uint64_t
draw_seed(void)
{
	const char *text = getenv("MILLRACE_HASH_SEED");
	uint64_t drawn = 0, none = 0;
	struct timespec ts;

	if (text != NULL && number_u64(slice_str(text), &drawn))
		drawn++;	/* 0 is a seed like any other */
	else if (getrandom(&drawn, sizeof drawn, 0) != sizeof drawn) {
		/* a kernel without: not secret, but different each time */
		clock_gettime(CLOCK_REALTIME, &ts);
		drawn = (uint64_t)ts.tv_nsec << 32 ^ (uint64_t)ts.tv_sec << 16 ^
		    (uint64_t)getpid();
	}
	if (drawn == 0)
		drawn = 1;
	/* all threads use what the first one drew */
	if (!atomic_compare_exchange_strong(&seed, &none, drawn))
		drawn = none;
	return drawn;
}

uint64_t
hash_bytes(const void *bytes, size_t len)
{
	uint64_t s = atomic_load_explicit(&seed, memory_order_relaxed);

	if (__builtin_expect(s == 0, 0))
		s = draw_seed();
	return XXH3_64bits_withSeed(bytes, len, s);
}

uint64_t
hash_stable(struct slice s, uint64_t with)
{
	return XXH3_64bits_withSeed(s.len > 0 ? s.ptr : "", s.len, with);
}
