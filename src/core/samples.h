/* samples.h - a timer's samples of one interval: a growing array of doubles.
 *
 * Worker tables and merged timers hold the same type, so that on the tick an
 * array changes hands by swapping three words instead of copying.  Memory is
 * malloc's; a samples of all zeros is empty and owns nothing. */
#ifndef MILLRACE_CORE_SAMPLES_H
#define MILLRACE_CORE_SAMPLES_H

#include <stdbool.h>
#include <stdint.h>
#include <stdlib.h>

/* Always true: n <= cap; v holds cap doubles. */
struct samples {
	double *v;
	uint32_t n, cap;
};

/* Make room for n samples in all, growing by half at least.  false, and
 * nothing changed, when there is no memory. */
bool samples_reserve(struct samples *s, uint32_t n);

/* Append one; false when there is no memory. */
static inline bool
samples_add(struct samples *s, double v)
{
	if (s->n == s->cap && !samples_reserve(s, s->n + 1))
		return false;
	s->v[s->n++] = v;
	return true;
}

static inline void
samples_fini(struct samples *s)
{
	free(s->v);
	*s = (struct samples){ 0 };
}

/* Sort n doubles ascending (-0 before 0; no NaNs).  spare has room for n more
 * and is overwritten.  Radix on the ordered-integer image of the doubles, or
 * insertion for few. */
void samples_sort(double *v, uint32_t n, double *spare);

#endif
