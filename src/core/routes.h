/* routes.h - where each Graphite name goes, decided once.
 *
 * A bounded table from the name as it was sent (tags and all) to what the
 * rules and the rings made of it.  When it is full, in names or in bytes, it is
 * emptied and fills again: deciding is slow, forgetting is cheap, and the bound
 * holds.
 *
 * Hundreds of thousands of names fit into no cache of a processor, so the
 * table is made to be walked with few misses: a slot holds the hash itself, and
 * only a route that has the same is looked at; routes lie behind one another in
 * chunks, with nothing between them. */
#ifndef MILLRACE_CORE_ROUTES_H
#define MILLRACE_CORE_ROUTES_H

#include <stdbool.h>
#include <stdint.h>

#include "base/slice.h"

struct route {
	uint16_t raw_len;	/* the name as sent, the key */
	uint16_t out_len;	/* the name to send; 0: the same bytes */
	uint8_t ndests;		/* destinations */
	uint8_t nfeeds;		/* aggregation rules, each with its own name */
	bool dropped : 1;
	bool choosy : 1;	/* a cluster that looks who is up for each line */
	uint8_t variant : 6;	/* of its key */
	uint8_t limit;		/* whose points are counted; 0: none */
	/* then uint16_t dests[ndests], struct route_feed feeds[nfeeds], and
	 * the bytes: raw, out, and the feeds' names in their order */
};

struct route_feed {
	uint16_t rule, name_len;
};

/* What a route is looked for by besides its name; the hash is of both. */
#define ROUTE_VARIANTS 64
struct route_key {
	uint32_t hash;
	uint8_t variant;	/* below ROUTE_VARIANTS */
};

struct route_slot {
	uint32_t hash;
	uint32_t at;		/* where its route is, and one; 0: a free slot */
};

struct routes {
	struct route_slot *slots;
	size_t mask, used, max;
	char **chunks;		/* of ROUTE_CHUNK bytes */
	size_t nchunks, cap_chunks;
	size_t filled;		/* bytes of the last chunk */
	uint64_t seed, emptied;
};

#define ROUTE_CHUNK ((size_t)256 << 10)
#define ROUTE_UNIT 4		/* bytes; slots count places in these */
/* The bound in bytes for each name of the bound in names. */
#define ROUTE_BYTES_A_NAME 192

#define ROUTE_MAX_DESTS 128
#define ROUTE_MAX_FEEDS 16

bool routes_init(struct routes *t, size_t max, uint64_t seed);
void routes_fini(struct routes *t);
/* Forget all. */
void routes_clear(struct routes *t);
/* All the memory it has. */
size_t routes_bytes(const struct routes *t);

uint32_t routes_hash(const struct routes *t, struct slice name);
struct route *routes_find(const struct routes *t, struct slice name,
    struct route_key key);

/* Fetch ahead what routes_find() will look at: first the slots of some names,
 * then their routes. */
static inline void
routes_prefetch_slot(const struct routes *t, uint32_t hash)
{
	__builtin_prefetch(&t->slots[hash & t->mask]);
}

static inline const char *
routes_place(const struct routes *t, uint32_t at)
{
	size_t place = (size_t)(at - 1) * ROUTE_UNIT;

	return t->chunks[place / ROUTE_CHUNK] + place % ROUTE_CHUNK;
}

static inline void
routes_prefetch_route(const struct routes *t, uint32_t hash)
{
	for (size_t i = hash & t->mask; t->slots[i].at != 0;
	    i = (i + 1) & t->mask) {
		const char *r;

		if (t->slots[i].hash != hash)
			continue;
		r = routes_place(t, t->slots[i].at);
		__builtin_prefetch(r);
		__builtin_prefetch(r + 63);
		return;
	}
}

/* A decision to be put into the table: borrowed slices. */
struct route_draft {
	struct slice raw, out;
	uint16_t dests[ROUTE_MAX_DESTS];
	size_t ndests;
	struct { uint16_t rule; struct slice name; } feeds[ROUTE_MAX_FEEDS];
	size_t nfeeds;
	bool dropped, choosy;
	uint8_t limit, variant;
};
/* One of its own, to be freed with free().  NULL when memory is out, or a name
 * is longer than 65,535 bytes. */
struct route *route_new(const struct route_draft *d);
/* Put one into the table, where it is until the next is put.  NULL: there is no
 * memory, or it is too large to be kept. */
struct route *routes_put(struct routes *t, const struct route_draft *d,
    uint32_t hash);

const uint16_t *route_dests(const struct route *r);
const struct route_feed *route_feeds(const struct route *r);
/* The name to send. */
struct slice route_name(const struct route *r);
/* The first feed's name; each next one follows it. */
const char *route_feed_names(const struct route *r);

#endif
