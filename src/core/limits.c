/* limits.c - counting names, and buckets of points. */
#include "config.h"

#include <string.h>

#include "core/limits.h"

void
limits_clear(struct limits *l)
{
	memset(l, 0, sizeof *l);
}

uint8_t
limits_number(struct limits *l, int rule)
{
	uint8_t n;

	if (rule < 0)
		return 0;
	n = rule >= LIMITS_MAX ? LIMITS_MAX : (uint8_t)(rule + 1);
	if (!l->v[n].begun)
		l->v[n].rule = (uint16_t)rule;
	return n;
}

bool
limit_name(struct limit *l, uint64_t max)
{
	if (max != 0 && l->names >= max)
		return false;
	l->names++;
	return true;
}

bool
limit_point(struct limit *l, uint64_t rate, int64_t now_ns)
{
	double full = (double)rate;

	if (rate == 0)
		return true;
	if (!l->begun || now_ns < l->last_ns) {	/* or the clock was set back */
		if (!l->begun)
			l->tokens = full;
		l->begun = true;
		l->last_ns = now_ns;
	}
	l->tokens += (double)(now_ns - l->last_ns) / 1e9 * full;
	l->last_ns = now_ns;
	if (l->tokens > full)
		l->tokens = full;
	if (l->tokens < 1)
		return false;
	l->tokens -= 1;
	return true;
}
