/* ring_statsd.c - the ring of statsd's cluster proxy (npm hashring, md5).
 *
 * Some 40 points for each server, the first four bytes of MD5 little-endian.
 * The number is a product of doubles rounded down, and comes out as 39 for 7
 * or 49 servers: part of the contract by now.  The proxy makes its ring again
 * of those that are up, so they say how many points count. */
#include "config.h"

#include <math.h>
#include <stdio.h>
#include <stdlib.h>

#include "base/md5.h"
#include "core/ring_parts.h"

static int64_t
position(struct slice key)
{
	uint8_t d[MD5_SIZE];

	md5(key, d);
	return (int64_t)((uint32_t)d[0] | (uint32_t)d[1] << 8 |
	    (uint32_t)d[2] << 16 | (uint32_t)d[3] << 24);
}

static int
by_position(const void *a, const void *b)
{
	const struct ring_point *x = a, *y = b;

	if (x->position != y->position)
		return x->position < y->position ? -1 : 1;
	return (x->server > y->server) - (x->server < y->server);
}

#define POINTS 40

static unsigned
points_each(unsigned servers)
{
	double share = 1.0 / servers;

	return (unsigned)floor(share * POINTS * servers);
}

bool
ring_statsd_build(struct ring *r)
{
	char key[RING_KEY_MAX];
	struct ring_point *p;

	if (!ring_alloc_points(r, (size_t)r->n * POINTS))
		return false;
	p = r->points;
	for (unsigned s = 0; s < r->n; s++)
		for (unsigned i = 0; i < POINTS; i++, p++) {
			int n = snprintf(key, sizeof key, "%.*s:%u-%u",
			    SLICE_ARG(r->servers[s].host), r->servers[s].port, i);

			p->position = position(slice_of(key,
			    n < RING_KEY_MAX ? (size_t)n : RING_KEY_MAX - 1));
			p->server = s;
			p->nth = i;
		}
	r->npoints = (size_t)(p - r->points);
	qsort(r->points, r->npoints, sizeof *r->points, by_position);
	return true;
}

void
ring_statsd_walk(const struct ring *r, struct slice key, struct ring_take *t)
{
	size_t at = ring_seek(r, position(key));
	unsigned up = 0, each;

	for (unsigned i = 0; i < r->n; i++)
		up += t->down == NULL || !t->down[i];
	if (up == 0)
		return;
	each = points_each(up);
	for (size_t i = 0; i < r->npoints; i++, at++) {
		if (at == r->npoints)
			at = 0;
		if (r->points[at].nth < each && ring_take(t, r->points[at].server))
			return;
	}
}
