/* ring_carbon.c - carbon-c-relay's rings: carbon_ch and fnv1a_ch.
 *
 * 100 points for each server.  Where points of several servers fall on one
 * place, all of them belong to the server that sorts first. */
#include "config.h"

#include <stdio.h>
#include <stdlib.h>

#include "core/ring_parts.h"

/* The text whose hash is the place of a server's i-th point. */
static struct slice
point_key(const struct ring *r, const struct ring_server *s, int i,
    char key[RING_KEY_MAX])
{
	int n;

	if (r->method == RING_FNV1A_CH && s->instance.ptr != NULL)
		n = snprintf(key, RING_KEY_MAX, "%d-%.*s", i,
		    SLICE_ARG(s->instance));
	else if (r->method == RING_FNV1A_CH)
		n = snprintf(key, RING_KEY_MAX, "%d-%.*s:%u", i,
		    SLICE_ARG(s->host), s->port);
	else if (s->instance.ptr != NULL)
		n = snprintf(key, RING_KEY_MAX, "('%.*s', '%.*s'):%d",
		    SLICE_ARG(s->host), SLICE_ARG(s->instance), i);
	else
		n = snprintf(key, RING_KEY_MAX, "('%.*s', None):%d",
		    SLICE_ARG(s->host), i);
	return slice_of(key, n < RING_KEY_MAX ? (size_t)n : RING_KEY_MAX - 1);
}

static int64_t
position(const struct ring *r, struct slice key)
{
	return r->method == RING_FNV1A_CH ? ring_position_fnv1a(key) :
	    ring_position_md5(key);
}

/* Who comes first of two servers at one place. */
static int
server_order(const struct ring *r, unsigned ia, unsigned ib)
{
	const struct ring_server *a = &r->servers[ia], *b = &r->servers[ib];
	int c = slice_cmp(a->host, b->host);

	if (c != 0)
		return c;
	if (r->method == RING_FNV1A_CH)
		return (a->port > b->port) - (a->port < b->port);
	if (a->instance.ptr == NULL || b->instance.ptr == NULL)
		return (a->instance.ptr == NULL) - (b->instance.ptr == NULL);
	return slice_cmp(a->instance, b->instance);
}

static int
by_position(const void *a, const void *b)
{
	const struct ring_point *x = a, *y = b;

	if (x->position != y->position)
		return x->position < y->position ? -1 : 1;
	return (x->server > y->server) - (x->server < y->server);
}

bool
ring_carbon_build(struct ring *r)
{
	char key[RING_KEY_MAX];
	struct ring_point *p, *end;

	if (!ring_alloc_points(r, (size_t)r->n * RING_REPLICAS))
		return false;
	p = r->points;
	for (unsigned s = 0; s < r->n; s++)
		for (int i = 0; i < RING_REPLICAS; i++, p++) {
			p->position = position(r,
			    point_key(r, &r->servers[s], i, key));
			p->server = s;
		}
	r->npoints = (size_t)(p - r->points);
	qsort(r->points, r->npoints, sizeof *r->points, by_position);
	for (p = r->points; p < r->points + r->npoints; p = end) {
		unsigned first = p->server;

		for (end = p; end < r->points + r->npoints &&
		    end->position == p->position; end++)
			if (server_order(r, end->server, first) < 0)
				first = end->server;
		for (struct ring_point *q = p; q < end; q++)
			q->server = first;
	}
	return true;
}

void
ring_carbon_walk(const struct ring *r, struct slice key, struct ring_take *t)
{
	size_t at = ring_seek(r, position(r, key));

	for (size_t i = 0; i < r->npoints; i++, at++) {
		if (at == r->npoints)
			at = 0;
		if (ring_take(t, r->points[at].server))
			return;
	}
}
