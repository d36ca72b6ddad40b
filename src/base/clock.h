/* clock.h - what time it is, for those who may ask.
 *
 * Only the top of a thread (its loop) reads the clock; everything below is
 * handed `now`.  Tests own the time through clock_fake_set(). */
#ifndef MILLRACE_BASE_CLOCK_H
#define MILLRACE_BASE_CLOCK_H

#include <stdint.h>

#define NS_PER_S INT64_C(1000000000)
#define NS_PER_MS INT64_C(1000000)
#define NS_PER_US INT64_C(1000)

/* Nanoseconds since 1970, as the wall clock says; it may be set back. */
int64_t clock_real_ns(void);
/* Nanoseconds since some moment; never goes back. */
int64_t clock_mono_ns(void);

/* CPU time of the calling thread so far. */
int64_t clock_thread_ns(void);

/* From now on both clocks stand still at these values, in every thread, until
 * they are set again or clock_fake_clear() is called. */
void clock_fake_set(int64_t real_ns, int64_t mono_ns);
/* Move both standing clocks on.  The clock must be faked. */
void clock_fake_advance(int64_t ns);
void clock_fake_clear(void);
/* When the environment has MILLRACE_FAKE_TIME=SECONDS[.FRACTION], the wall
 * clock reads that now and runs on from there; the monotonic one stays true.
 * Call once, before there are threads. */
void clock_from_env(void);

#endif
