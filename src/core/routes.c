/* routes.c - open addressing over decisions that lie in chunks. */
#include "config.h"

#include <assert.h>
#include <stdlib.h>

#define XXH_INLINE_ALL
#include <xxhash.h>

#include "core/routes.h"

#define FIRST_SLOTS 1024

static_assert(sizeof(struct route) == 8, "a name costs more");
static_assert(ROUTE_VARIANTS == 1 << 6, "the bits of a route's variant");

bool
routes_init(struct routes *t, size_t max, uint64_t seed)
{
	memset(t, 0, sizeof *t);
	t->slots = calloc(FIRST_SLOTS, sizeof *t->slots);
	if (t->slots == NULL)
		return false;
	t->mask = FIRST_SLOTS - 1;
	t->max = max;
	t->seed = seed;
	return true;
}

void
routes_clear(struct routes *t)
{
	if (t->used > 0)
		memset(t->slots, 0, (t->mask + 1) * sizeof *t->slots);
	while (t->nchunks > 0)
		free(t->chunks[--t->nchunks]);
	t->used = t->filled = 0;
}

void
routes_fini(struct routes *t)
{
	if (t->slots == NULL)
		return;
	routes_clear(t);
	free(t->slots);
	free(t->chunks);
	t->slots = NULL;
	t->chunks = NULL;
}

size_t
routes_bytes(const struct routes *t)
{
	return (t->mask + 1) * sizeof *t->slots + t->nchunks * ROUTE_CHUNK +
	    t->cap_chunks * sizeof *t->chunks;
}

uint32_t
routes_hash(const struct routes *t, struct slice name)
{
	uint64_t h = XXH3_64bits_withSeed(name.ptr, name.len, t->seed);

	return (uint32_t)(h ^ h >> 32);
}

const uint16_t *
route_dests(const struct route *r)
{
	return (const uint16_t *)(r + 1);
}

const struct route_feed *
route_feeds(const struct route *r)
{
	return (const struct route_feed *)(route_dests(r) + r->ndests);
}

static const char *
bytes(const struct route *r)
{
	return (const char *)(route_feeds(r) + r->nfeeds);
}

struct slice
route_name(const struct route *r)
{
	if (r->out_len == 0)
		return slice_of(bytes(r), r->raw_len);
	return slice_of(bytes(r) + r->raw_len, r->out_len);
}

const char *
route_feed_names(const struct route *r)
{
	return bytes(r) + r->raw_len + r->out_len;
}

struct route *
routes_find(const struct routes *t, struct slice name, struct route_key key)
{
	for (size_t i = key.hash & t->mask; t->slots[i].at != 0;
	    i = (i + 1) & t->mask) {
		struct route *r;

		if (t->slots[i].hash != key.hash)
			continue;
		r = (struct route *)(uintptr_t)routes_place(t, t->slots[i].at);
		if (r->raw_len == name.len && r->variant == key.variant &&
		    memcmp(bytes(r), name.ptr, name.len) == 0)
			return r;
	}
	return NULL;
}

static void
place(struct route_slot *slots, size_t mask, struct route_slot s)
{
	size_t i = s.hash & mask;

	while (slots[i].at != 0)
		i = (i + 1) & mask;
	slots[i] = s;
}

static bool
grow(struct routes *t)
{
	size_t n = (t->mask + 1) * 2;
	struct route_slot *slots = calloc(n, sizeof *slots);

	if (slots == NULL)
		return false;
	for (size_t i = 0; i <= t->mask; i++)
		if (t->slots[i].at != 0)
			place(slots, n - 1, t->slots[i]);
	free(t->slots);
	t->slots = slots;
	t->mask = n - 1;
	return true;
}

static bool
add_chunk(struct routes *t)
{
	if (t->nchunks == t->cap_chunks) {
		size_t cap = t->cap_chunks == 0 ? 16 : t->cap_chunks * 2;
		char **v = realloc(t->chunks, cap * sizeof *v);

		if (v == NULL)
			return false;
		t->chunks = v;
		t->cap_chunks = cap;
	}
	t->chunks[t->nchunks] = malloc(ROUTE_CHUNK);
	if (t->chunks[t->nchunks] == NULL)
		return false;
	t->nchunks++;
	t->filled = 0;
	return true;
}

/* What its route takes. */
static size_t
draft_size(const struct route_draft *d)
{
	size_t n = sizeof(struct route) + d->ndests * sizeof(uint16_t) +
	    d->nfeeds * sizeof(struct route_feed) + d->raw.len + d->out.len;

	for (size_t i = 0; i < d->nfeeds; i++)
		n += d->feeds[i].name.len;
	return n;
}

static char *
copy(char *to, struct slice s)
{
	if (s.len > 0)
		memcpy(to, s.ptr, s.len);
	return to + s.len;
}

static bool
can_be_written(const struct route_draft *d)
{
	return d->raw.len <= UINT16_MAX && d->out.len <= UINT16_MAX;
}

static void
write_route(struct route *r, const struct route_draft *d)
{
	struct route_feed *feeds;
	char *to;

	*r = (struct route){
		.raw_len = (uint16_t)d->raw.len,
		.out_len = (uint16_t)d->out.len,
		.ndests = (uint8_t)d->ndests, .nfeeds = (uint8_t)d->nfeeds,
		.dropped = d->dropped, .choosy = d->choosy,
		.limit = d->limit, .variant = d->variant & 63u
	};
	memcpy(r + 1, d->dests, d->ndests * sizeof(uint16_t));
	feeds = (struct route_feed *)((uint16_t *)(r + 1) + d->ndests);
	to = copy((char *)(feeds + d->nfeeds), d->raw);
	to = copy(to, d->out);
	for (size_t i = 0; i < d->nfeeds; i++) {
		feeds[i].rule = d->feeds[i].rule;
		feeds[i].name_len = (uint16_t)d->feeds[i].name.len;
		to = copy(to, d->feeds[i].name);
	}
}

struct route *
route_new(const struct route_draft *d)
{
	struct route *r;

	if (!can_be_written(d) || (r = malloc(draft_size(d))) == NULL)
		return NULL;
	write_route(r, d);
	return r;
}

struct route *
routes_put(struct routes *t, const struct route_draft *d, uint32_t hash)
{
	size_t size = (draft_size(d) + ROUTE_UNIT - 1) / ROUTE_UNIT * ROUTE_UNIT;
	struct route *r;
	size_t at;

	if (!can_be_written(d) || size > ROUTE_CHUNK)
		return NULL;
	if (t->used >= t->max || t->nchunks * ROUTE_CHUNK + size >
	    t->max * ROUTE_BYTES_A_NAME + ROUTE_CHUNK) {
		routes_clear(t);
		t->emptied++;
	}
	if (t->used >= (t->mask + 1) / 8 * 7 && !grow(t))
		return NULL;
	if ((t->nchunks == 0 || size > ROUTE_CHUNK - t->filled) &&
	    !add_chunk(t))
		return NULL;
	r = (struct route *)(uintptr_t)(t->chunks[t->nchunks - 1] + t->filled);
	write_route(r, d);
	at = ((t->nchunks - 1) * ROUTE_CHUNK + t->filled) / ROUTE_UNIT;
	t->filled += size;
	place(t->slots, t->mask, (struct route_slot){ hash, (uint32_t)at + 1 });
	t->used++;
	return r;
}
