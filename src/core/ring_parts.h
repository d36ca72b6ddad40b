/* ring_parts.h - what the files of the ring share; nobody else includes it. */
#ifndef MILLRACE_CORE_RING_PARTS_H
#define MILLRACE_CORE_RING_PARTS_H

#include "core/ring.h"

/* A point on a ring, sorted by position.  Murmur positions are negative for
 * half of the names, and carbon's probing goes past 65535. */
struct ring_point {
	int64_t position;
	unsigned server;
	unsigned nth;			/* of its server; statsd_ring only */
};

struct ring {
	enum ring_method method;
	unsigned n, replication;
	bool diverse;
	struct ring_server *servers;	/* the strings behind it are one block */
	char *strings;
	unsigned *group;		/* group[i]: first server on i's host */
	struct ring_point *points;	/* the rings */
	size_t npoints;
	unsigned *order;		/* jump and fast: servers as they count them */
};

/* Collects distinct servers until it has enough. */
struct ring_take {
	const struct ring *ring;
	const bool *down;		/* NULL: all are up */
	unsigned *out;
	size_t n, want;
};

/* Take this one unless it is down, there already, or (diverse) on the host of
 * one that is.  True when there are enough now. */
bool ring_take(struct ring_take *t, unsigned server);

#define RING_REPLICAS 100
/* Both relays cut a point's key there. */
#define RING_KEY_MAX 256

/* The first two bytes of the MD5, and the folded FNV-1a: both 0..65535. */
int64_t ring_position_md5(struct slice key);
int64_t ring_position_fnv1a(struct slice key);
int64_t ring_position_mmh3(struct slice key);
/* First point at or after the position, npoints when there is none. */
size_t ring_seek(const struct ring *r, int64_t position);
bool ring_alloc_points(struct ring *r, size_t n);

/* Each method: make what it needs (false: no memory), and walk its servers
 * for a key in its order. */
bool ring_carbon_build(struct ring *r);
void ring_carbon_walk(const struct ring *r, struct slice key,
    struct ring_take *t);
bool ring_python_build(struct ring *r);
void ring_python_walk(const struct ring *r, struct slice key,
    struct ring_take *t);
bool ring_fast_build(struct ring *r);
void ring_fast_walk(const struct ring *r, struct slice key,
    struct ring_take *t);
bool ring_jump_build(struct ring *r);
void ring_jump_walk(const struct ring *r, struct slice key,
    struct ring_take *t);
bool ring_statsd_build(struct ring *r);
void ring_statsd_walk(const struct ring *r, struct slice key,
    struct ring_take *t);

#endif
