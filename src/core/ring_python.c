/* ring_python.c - carbon's own routers: consistent-hashing and fast-hashing.
 *
 * The ring takes servers in their configured order, 100 points each, and a
 * point whose place is taken moves up to the next free one.  A look-up never
 * sees the point just before the one it starts at: carbon stops there. */
#include "config.h"

#include <assert.h>
#include <stdio.h>
#include <stdlib.h>

#include "base/buf.h"
#include "core/ring_parts.h"

static int64_t
position(const struct ring *r, struct slice key)
{
	switch (r->method) {
	case RING_FNV1A_PY:
	case RING_FAST_FNV1A_PY:
		return ring_position_fnv1a(key);
	case RING_MMH3_PY:
	case RING_FAST_MMH3_PY:
		return ring_position_mmh3(key);
	default:
		return ring_position_md5(key);
	}
}

/* A string as Python's repr() shows it, as far as hosts and instances go. */
static bool
add_repr(struct buf *b, struct slice s)
{
	bool twice = slice_find(s, '\'') < s.len && slice_find(s, '"') == s.len;
	char quote = twice ? '"' : '\'';

	if (!buf_addc(b, quote))
		return false;
	for (size_t i = 0; i < s.len; i++) {
		unsigned char c = (unsigned char)s.ptr[i];

		if ((c == '\\' || c == (unsigned char)quote) &&
		    !buf_addc(b, '\\'))
			return false;
		if (c < 0x20 || c == 0x7f ?
		    !buf_printf(b, "\\x%02x", c) : !buf_addc(b, (char)c))
			return false;
	}
	return buf_addc(b, quote);
}

/* str((server, instance)) */
static bool
add_node(struct buf *b, const struct ring_server *s)
{
	return buf_addc(b, '(') && add_repr(b, s->host) && buf_adds(b, ", ") &&
	    (s->instance.ptr == NULL ? buf_adds(b, "None") :
	    add_repr(b, s->instance)) && buf_addc(b, ')');
}

static bool
point_key(const struct ring *r, const struct ring_server *s, int i,
    struct buf *key)
{
	buf_clear(key);
	if (r->method != RING_FNV1A_PY)
		return add_node(key, s) && buf_printf(key, ":%d", i);
	if (s->instance.ptr == NULL)
		return buf_printf(key, "%d-None", i);
	return buf_printf(key, "%d-", i) && buf_add_slice(key, s->instance);
}

static void
insert(struct ring *r, int64_t pos, unsigned server)
{
	size_t at = ring_seek(r, pos);

	for (; at < r->npoints && r->points[at].position == pos; at++)
		pos++;
	memmove(&r->points[at + 1], &r->points[at],
	    (r->npoints - at) * sizeof *r->points);
	r->points[at] = (struct ring_point){ pos, server, 0 };
	r->npoints++;
}

bool
ring_python_build(struct ring *r)
{
	struct buf key = BUF_INIT(1 << 20);
	bool ok = ring_alloc_points(r, (size_t)r->n * RING_REPLICAS);

	for (unsigned s = 0; ok && s < r->n; s++)
		for (int i = 0; ok && i < RING_REPLICAS; i++) {
			ok = point_key(r, &r->servers[s], i, &key);
			if (ok)
				insert(r, position(r, buf_slice(&key)), s);
		}
	buf_fini(&key);
	return ok;
}

void
ring_python_walk(const struct ring *r, struct slice key, struct ring_take *t)
{
	size_t at = ring_seek(r, position(r, key));

	for (size_t i = 0; i + 1 < r->npoints; i++, at++) {
		if (at == r->npoints)
			at = 0;
		if (ring_take(t, r->points[at].server))
			return;
	}
}

/* ---- fast-hashing: no ring, the servers in the order of their hashes ---- */

static int
by_position(const void *a, const void *b)
{
	const struct ring_point *x = a, *y = b;

	if (x->position != y->position)
		return x->position < y->position ? -1 : 1;
	return (x->server > y->server) - (x->server < y->server);
}

bool
ring_fast_build(struct ring *r)
{
	struct buf key = BUF_INIT(1 << 20);
	bool ok = ring_alloc_points(r, r->n);

	for (unsigned s = 0; ok && s < r->n; s++) {
		buf_clear(&key);
		ok = add_node(&key, &r->servers[s]);
		if (ok)
			r->points[s] = (struct ring_point){
			    position(r, buf_slice(&key)), s, 0 };
	}
	buf_fini(&key);
	if (!ok)
		return false;
	r->npoints = r->n;
	qsort(r->points, r->n, sizeof *r->points, by_position);
	return true;
}

void
ring_fast_walk(const struct ring *r, struct slice key, struct ring_take *t)
{
	int64_t first = position(r, key) % (int64_t)r->n;

	if (first < 0)
		first += r->n;		/* as Python's % */
	for (size_t i = 0; i < r->n; i++)
		if (ring_take(t, r->points[((size_t)first + i) % r->n].server))
			return;
}
