/* clock.c - the two clocks, and a way for tests to own them. */
#include "config.h"

#include <assert.h>
#include <stdatomic.h>
#include <stdbool.h>
#include <stdlib.h>
#include <time.h>

#include "base/clock.h"
#include "base/number.h"

static atomic_bool faked;
static _Atomic int64_t fake_real, fake_mono;
static int64_t real_offset;	/* set before there are threads */

static int64_t
read_clock(clockid_t id)
{
	struct timespec ts;
	int failed = clock_gettime(id, &ts);

	assert(failed == 0);
	return (int64_t)ts.tv_sec * NS_PER_S + ts.tv_nsec;
}

int64_t
clock_real_ns(void)
{
	if (atomic_load_explicit(&faked, memory_order_acquire))
		return atomic_load(&fake_real);
	return read_clock(CLOCK_REALTIME) + real_offset;
}

int64_t
clock_mono_ns(void)
{
	if (atomic_load_explicit(&faked, memory_order_acquire))
		return atomic_load(&fake_mono);
	return read_clock(CLOCK_MONOTONIC);
}

int64_t
clock_thread_ns(void)
{
	return read_clock(CLOCK_THREAD_CPUTIME_ID);
}

void
clock_fake_set(int64_t real_ns, int64_t mono_ns)
{
	atomic_store(&fake_real, real_ns);
	atomic_store(&fake_mono, mono_ns);
	atomic_store_explicit(&faked, true, memory_order_release);
}

void
clock_fake_advance(int64_t ns)
{
	assert(atomic_load(&faked));
	atomic_fetch_add(&fake_real, ns);
	atomic_fetch_add(&fake_mono, ns);
}

void
clock_fake_clear(void)
{
	atomic_store(&faked, false);
}

void
clock_from_env(void)
{
	const char *text = getenv("MILLRACE_FAKE_TIME");
	double seconds;

	if (text == NULL || !number_double(slice_str(text), &seconds) ||
	    !(seconds >= 0 && seconds < 9e9))
		return;
	real_offset = (int64_t)(seconds * 1e9) - read_clock(CLOCK_REALTIME);
}
