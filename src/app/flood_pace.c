/* flood_pace.c - when messages are due, and how long answers took. */
#include "config.h"

#include <string.h>
#include <time.h>

#include "app/flood.h"

volatile int flood_stop;

uint64_t
flood_now(void)
{
	struct timespec ts;

	clock_gettime(CLOCK_MONOTONIC, &ts);
	return (uint64_t)ts.tv_sec * 1000000000u + (uint64_t)ts.tv_nsec;
}

void
flood_pace_start(struct flood_pace *p, const struct flood_opts *o)
{
	p->start_ns = flood_now();
	p->per_ns = o->rate / 1e9;
	p->count = o->count;
	p->end_ns = o->limit_ns == UINT64_MAX ? UINT64_MAX :
	    p->start_ns + o->limit_ns;
}

uint64_t
flood_pace_due(const struct flood_pace *p, uint64_t now_ns)
{
	double due;

	if (p->per_ns <= 0)
		return p->count;
	due = (double)(now_ns - p->start_ns) * p->per_ns + 1;
	return due >= (double)p->count ? p->count : (uint64_t)due;
}

uint64_t
flood_pace_time(const struct flood_pace *p, uint64_t i)
{
	if (p->per_ns <= 0)
		return p->start_ns;
	return p->start_ns + (uint64_t)((double)i / p->per_ns);
}

bool
flood_pace_over(const struct flood_pace *p, uint64_t sent, uint64_t now_ns)
{
	return flood_stop || sent >= p->count || now_ns >= p->end_ns;
}

/* Below 64 ns one bucket per ns; above, 64 buckets per power of two. */
static unsigned
bucket(uint64_t ns)
{
	unsigned octave;

	if (ns < 64)
		return (unsigned)ns;
	octave = 63u - (unsigned)__builtin_clzll(ns);
	return 64 * (octave - 5) + (unsigned)((ns >> (octave - 6)) & 63);
}

static uint64_t
bucket_top(unsigned b)
{
	unsigned octave = b / 64 + 5;

	if (b < 64)
		return b;
	return ((uint64_t)(64 + b % 64 + 1) << (octave - 6)) - 1;
}

void
flood_hist_add(struct flood_hist *h, uint64_t ns)
{
	unsigned b = bucket(ns);

	if (b >= FLOOD_HIST_SIZE)
		b = FLOOD_HIST_SIZE - 1;
	h->count[b]++;
	h->n++;
	if (ns > h->max)
		h->max = ns;
}

uint64_t
flood_hist_at(const struct flood_hist *h, double q)
{
	uint64_t want = (uint64_t)(q * (double)h->n), seen = 0;
	unsigned b;

	for (b = 0; b < FLOOD_HIST_SIZE; b++) {
		seen += h->count[b];
		if (seen > want)
			return bucket_top(b) < h->max ? bucket_top(b) : h->max;
	}
	return h->max;
}

void
flood_sent(struct flood_report *r, struct flood_pool *p, size_t u)
{
	const struct flood_unit *unit = &p->units[u];

	r->sent += unit->messages;
	r->bytes += unit[1].at - unit->at;
	r->counters += unit->counters;
	r->total += unit->total;
	if (p->sent != NULL)
		p->sent[u]++;
}
