/* ring_jump.c - carbon-c-relay's jump_fnv1a_ch.
 *
 * The jump consistent hash (Lamping and Veach, 2014) over servers sorted by
 * instance: numbers by value, other texts as text, those without an instance
 * last and in configured order. */
#include "config.h"

#include <stdlib.h>

#include "base/fnv.h"
#include "core/ring_parts.h"

/* As strtol would, when all of it is a number. */
static bool
number(struct slice s, int64_t *v)
{
	bool minus = s.len > 0 && s.ptr[0] == '-';
	size_t i = s.len > 0 && (minus || s.ptr[0] == '+');

	if (i == s.len)
		return false;
	for (*v = 0; i < s.len; i++) {
		if (s.ptr[i] < '0' || s.ptr[i] > '9')
			return false;
		if (*v > (INT64_MAX - 9) / 10)
			*v = INT64_MAX;	/* stays there, as strtol's does */
		else
			*v = *v * 10 + (s.ptr[i] - '0');
	}
	if (minus)
		*v = -*v;
	return true;
}

static int
instance_order(const struct ring_server *a, const struct ring_server *b)
{
	int64_t x, y;

	if (a->instance.ptr == NULL || b->instance.ptr == NULL)
		return (a->instance.ptr == NULL) - (b->instance.ptr == NULL);
	if (number(a->instance, &x) && number(b->instance, &y))
		return (x > y) - (x < y);
	return slice_cmp(a->instance, b->instance);
}

/* By insertion: stable, and the mixed order of numbers and texts need not be
 * a total one. */
bool
ring_jump_build(struct ring *r)
{
	r->order = calloc(r->n, sizeof *r->order);
	if (r->order == NULL)
		return false;
	for (unsigned i = 0; i < r->n; i++) {
		unsigned k = i;

		for (; k > 0 && instance_order(&r->servers[i],
		    &r->servers[r->order[k - 1]]) < 0; k--)
			r->order[k] = r->order[k - 1];
		r->order[k] = i;
	}
	return true;
}

static unsigned
bucket(uint64_t h, unsigned n)
{
	int64_t b = -1, j = 0;

	while (j < (int64_t)n) {
		b = j;
		h = h * 2862933555777941757u + 1;
		j = (int64_t)((double)(b + 1) *
		    ((double)(1LL << 31) / (double)((h >> 33) + 1)));
	}
	return (unsigned)b;
}

/* Who was picked leaves the list, its last member takes the place, and the
 * hash is stirred (xorshift64*). */
void
ring_jump_walk(const struct ring *r, struct slice key, struct ring_take *t)
{
	unsigned list[RING_MAX_SERVERS];
	uint64_t h = fnv1a_64(key);
	unsigned n = r->n, j = bucket(h, n);

	if (ring_take(t, r->order[j]))
		return;
	memcpy(list, r->order, n * sizeof *list);
	while (n > 1) {
		h ^= h >> 12;
		h ^= h << 25;
		h ^= h >> 27;
		h *= 2685821657736338717u;
		list[j] = list[--n];
		j = bucket(h, n);
		if (ring_take(t, list[j]))
			return;
	}
}
