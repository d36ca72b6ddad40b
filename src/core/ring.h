/* ring.h - which servers of a cluster a name belongs to.
 *
 * Every method that the peers know, bit for bit: a cluster that a relay has
 * filled for years finds each name on the server where it has always been.
 * A ring is made once, never changes, and may be asked from any thread.
 *
 *   forward		every server
 *   any_of		one, by FNV-1a of the name mod n (carbon-c-relay)
 *   failover		the first one that is up
 *   load_balanced	one, whichever is least busy: the caller's choice
 *   carbon_ch		carbon-c-relay's MD5 ring
 *   fnv1a_ch		carbon-c-relay's FNV-1a ring
 *   jump_fnv1a_ch	carbon-c-relay's jump hash
 *   carbon_py		carbon's MD5 ring: RELAY_METHOD = consistent-hashing
 *   fnv1a_py, mmh3_py	the same with ROUTER_HASH_TYPE = fnv1a_ch, mmh3_ch
 *   fast_py		carbon's RELAY_METHOD = fast-hashing with MD5,
 *   fast_fnv1a_py, fast_mmh3_py  with FNV-1a, with Murmur3 (its default)
 *   statsd_ring	the ketama-like MD5 ring of statsd's cluster proxy
 *
 * carbon_ch and carbon_py agree until two points of the ring fall on one
 * place: carbon moves the later one up, carbon-c-relay gives both to the
 * first.  With 64 hosts that is 2.6 % of all names.
 *
 * The key is the name up to the first ';' for carbon-c-relay's methods, and
 * all of it (tags too) for carbon's and statsd's. */
#ifndef MILLRACE_CORE_RING_H
#define MILLRACE_CORE_RING_H

#include <stdint.h>

#include "base/slice.h"

enum ring_method {
	RING_FORWARD,
	RING_ANY_OF,
	RING_FAILOVER,
	RING_LOAD_BALANCED,
	RING_CARBON_CH,
	RING_FNV1A_CH,
	RING_JUMP_FNV1A_CH,
	RING_CARBON_PY,
	RING_FNV1A_PY,
	RING_MMH3_PY,
	RING_FAST_PY,
	RING_FAST_FNV1A_PY,
	RING_FAST_MMH3_PY,
	RING_STATSD,
	RING_METHODS
};

/* More servers than this in one cluster is an error. */
#define RING_MAX_SERVERS 1024

struct ring_server {
	struct slice host;	/* as configured, IPv6 without brackets */
	struct slice instance;	/* ptr NULL: it has none */
	uint16_t port;
	unsigned transport;	/* tells udp and tcp of one address apart; the
				 * ring only compares it */
};

struct ring;

/* Gives a ring over a copy of servers[], whose order counts, or NULL with the
 * reason in error[]: no server, two that the method cannot tell apart, a
 * replication of 0 or of more than the servers, or no memory.  `replication`
 * has a meaning for the hashing methods only; others want 1.
 * `diverse`, for carbon's own methods (*_py): replicas go to different hosts,
 * even if that makes them fewer; the others ignore it. */
struct ring *ring_new(enum ring_method method, const struct ring_server *servers,
    size_t n, unsigned replication, bool diverse, char *error, size_t errsize);
void ring_free(struct ring *r);

/* Write the indexes (into servers[]) of the servers for this name, at most
 * max, and return how many.  forward and load_balanced give all. */
size_t ring_pick(const struct ring *r, struct slice name, unsigned *out,
    size_t max);
/* The same while some servers are away: down[i] is true for those.  forward
 * gives the down ones too; the others look for a server that is up as their
 * method does (along the ring, the next in order), spread the names of a dead
 * member of any_of over all living ones, and fall back to those that are
 * down only when too few are up. */
size_t ring_pick_up(const struct ring *r, struct slice name, const bool *down,
    unsigned *out, size_t max);

/* The part of a name that this method looks at. */
struct slice ring_key(enum ring_method method, struct slice name);
size_t ring_size(const struct ring *r);
/* The most that ring_pick can give for one name. */
size_t ring_width(const struct ring *r);

/* "carbon_ch" and so on; ring_method_parse gives -1 for an unknown name. */
const char *ring_method_name(enum ring_method m);
int ring_method_parse(struct slice name);
/* True when replication and diverse mean something to it. */
bool ring_method_hashes(enum ring_method m);

#endif
