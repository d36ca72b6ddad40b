/* ring.c - making a ring, and the methods that need no ring.
 *
 * The walks (ring_carbon.c, ring_python.c, ring_jump.c, ring_statsd.c) name
 * servers in the order in which their relay would choose them; ring_take()
 * here decides which of them count.  So "down" and "diverse" are the same
 * few lines for every method. */
#include "config.h"

#include <assert.h>
#include <stdio.h>
#include <stdlib.h>

#include "base/fnv.h"
#include "base/md5.h"
#include "base/murmur.h"
#include "core/ring_parts.h"

static bool
no_build(struct ring *r)
{
	(void)r;
	return true;
}

static void
all_walk(const struct ring *r, struct slice key, struct ring_take *t)
{
	(void)key;
	for (unsigned i = 0; i < r->n && !ring_take(t, i); i++)
		;
}

/* Its own member first.  When that is down, the rest of the hash spreads the
 * dead one's names over all that live, not onto one neighbour. */
static void
any_of_walk(const struct ring *r, struct slice key, struct ring_take *t)
{
	uint32_t h = fnv1a_32(key);
	unsigned up = 0, nth;

	if (ring_take(t, h % r->n) || t->down == NULL)
		return;
	for (unsigned i = 0; i < r->n; i++)
		up += !t->down[i];
	if (up == 0)
		return;
	nth = (h / r->n) % up;
	for (unsigned i = 0; i < r->n; i++)
		if (!t->down[i] && nth-- == 0) {
			ring_take(t, i);
			return;
		}
}

enum key_part { WHOLE_NAME, BEFORE_TAGS };
enum told_apart_by {		/* what makes two servers two to a method */
	BY_ADDRESS,		/* host, port, instance, transport */
	BY_HOST_INSTANCE,	/* (host, instance): the port is not seen */
	BY_FNV_KEY,		/* the instance, else host:port */
	BY_HOST_PORT
};

static const struct method {
	const char *name;
	enum key_part key;
	enum told_apart_by apart;
	bool hashes;
	bool (*build)(struct ring *);
	void (*walk)(const struct ring *, struct slice, struct ring_take *);
} methods[RING_METHODS] = {
	[RING_FORWARD] = { "forward", BEFORE_TAGS, BY_ADDRESS, false,
	    no_build, all_walk },
	[RING_ANY_OF] = { "any_of", BEFORE_TAGS, BY_ADDRESS, false,
	    no_build, any_of_walk },
	[RING_FAILOVER] = { "failover", BEFORE_TAGS, BY_ADDRESS, false,
	    no_build, all_walk },
	[RING_LOAD_BALANCED] = { "load_balanced", BEFORE_TAGS, BY_ADDRESS,
	    false, no_build, all_walk },
	[RING_CARBON_CH] = { "carbon_ch", BEFORE_TAGS, BY_HOST_INSTANCE, true,
	    ring_carbon_build, ring_carbon_walk },
	[RING_FNV1A_CH] = { "fnv1a_ch", BEFORE_TAGS, BY_FNV_KEY, true,
	    ring_carbon_build, ring_carbon_walk },
	[RING_JUMP_FNV1A_CH] = { "jump_fnv1a_ch", BEFORE_TAGS, BY_ADDRESS,
	    true, ring_jump_build, ring_jump_walk },
	[RING_CARBON_PY] = { "carbon_py", WHOLE_NAME, BY_HOST_INSTANCE, true,
	    ring_python_build, ring_python_walk },
	[RING_FNV1A_PY] = { "fnv1a_py", WHOLE_NAME, BY_HOST_INSTANCE, true,
	    ring_python_build, ring_python_walk },
	[RING_MMH3_PY] = { "mmh3_py", WHOLE_NAME, BY_HOST_INSTANCE, true,
	    ring_python_build, ring_python_walk },
	[RING_FAST_PY] = { "fast_py", WHOLE_NAME, BY_HOST_INSTANCE, true,
	    ring_fast_build, ring_fast_walk },
	[RING_FAST_FNV1A_PY] = { "fast_fnv1a_py", WHOLE_NAME, BY_HOST_INSTANCE,
	    true, ring_fast_build, ring_fast_walk },
	[RING_FAST_MMH3_PY] = { "fast_mmh3_py", WHOLE_NAME, BY_HOST_INSTANCE,
	    true, ring_fast_build, ring_fast_walk },
	[RING_STATSD] = { "statsd_ring", WHOLE_NAME, BY_HOST_PORT, true,
	    ring_statsd_build, ring_statsd_walk }
};

const char *
ring_method_name(enum ring_method m)
{
	return (unsigned)m < RING_METHODS ? methods[m].name : "unknown";
}

int
ring_method_parse(struct slice name)
{
	for (int m = 0; m < RING_METHODS; m++)
		if (slice_eq(name, slice_str(methods[m].name)))
			return m;
	return -1;
}

bool
ring_method_hashes(enum ring_method m)
{
	return methods[m].hashes;
}

struct slice
ring_key(enum ring_method method, struct slice name)
{
	if (methods[method].key == WHOLE_NAME)
		return name;
	return slice_upto(name, slice_find(name, ';'));
}

size_t
ring_size(const struct ring *r)
{
	return r->n;
}

size_t
ring_width(const struct ring *r)
{
	if (r->method == RING_FORWARD || r->method == RING_LOAD_BALANCED)
		return r->n;
	return r->replication;
}

/* ---- positions ---- */

int64_t
ring_position_md5(struct slice key)
{
	uint8_t digest[MD5_SIZE];

	md5(key, digest);
	return digest[0] << 8 | digest[1];
}

int64_t
ring_position_fnv1a(struct slice key)
{
	uint32_t h = fnv1a_32(key);

	return (h >> 16) ^ (h & 0xffff);
}

int64_t
ring_position_mmh3(struct slice key)
{
	return (int32_t)murmur3_32(key, 0);
}

size_t
ring_seek(const struct ring *r, int64_t position)
{
	size_t lo = 0, hi = r->npoints;

	while (lo < hi) {
		size_t mid = lo + (hi - lo) / 2;

		if (r->points[mid].position < position)
			lo = mid + 1;
		else
			hi = mid;
	}
	return lo;
}

bool
ring_alloc_points(struct ring *r, size_t n)
{
	r->points = calloc(n, sizeof *r->points);
	return r->points != NULL;
}

/* ---- picking ---- */

bool
ring_take(struct ring_take *t, unsigned server)
{
	const struct ring *r = t->ring;

	if (t->n == t->want)
		return true;
	if (t->down != NULL && t->down[server])
		return false;
	for (size_t i = 0; i < t->n; i++)
		if (t->out[i] == server || (r->diverse &&
		    r->group[t->out[i]] == r->group[server]))
			return false;
	t->out[t->n++] = server;
	return t->n == t->want;
}

size_t
ring_pick_up(const struct ring *r, struct slice name, const bool *down,
    unsigned *out, size_t max)
{
	const struct method *m = &methods[r->method];
	struct slice key = ring_key(r->method, name);
	struct ring_take t = { r, down, out, 0, ring_width(r) };

	if (t.want > max)
		t.want = max;
	if (t.want == 0)
		return 0;
	if (r->method == RING_FORWARD)
		t.down = NULL;
	m->walk(r, key, &t);
	if (t.n < t.want && t.down != NULL) {
		t.down = NULL;		/* too few are up: queue for the rest */
		m->walk(r, key, &t);
	}
	return t.n;
}

size_t
ring_pick(const struct ring *r, struct slice name, unsigned *out, size_t max)
{
	return ring_pick_up(r, name, NULL, out, max);
}

/* ---- making one ---- */

static bool
same_instance(const struct ring_server *a, const struct ring_server *b)
{
	return (a->instance.ptr == NULL) == (b->instance.ptr == NULL) &&
	    slice_eq(a->instance, b->instance);
}

static bool
same_server(enum ring_method method, const struct ring_server *a,
    const struct ring_server *b)
{
	bool host = slice_eq(a->host, b->host), port = a->port == b->port;

	switch (methods[method].apart) {
	case BY_HOST_INSTANCE:
		return host && same_instance(a, b);
	case BY_FNV_KEY:
		return same_instance(a, b) &&
		    (a->instance.ptr != NULL || (host && port));
	case BY_HOST_PORT:
		return host && port;
	case BY_ADDRESS:
		break;
	}
	return host && port && a->transport == b->transport &&
	    same_instance(a, b);
}

static void
say_server(char *to, size_t size, const struct ring_server *s)
{
	snprintf(to, size, "%.*s:%u%s%.*s", SLICE_ARG(s->host), s->port,
	    s->instance.ptr == NULL ? "" : "=", SLICE_ARG(s->instance));
}

static bool
say_same(char *error, size_t size, enum ring_method method,
    const struct ring_server *a, const struct ring_server *b)
{
	static const char *const advice[] = {
		[BY_ADDRESS] = "list it once",
		[BY_HOST_INSTANCE] = "the port does not count in this method: "
		    "give them different instances",
		[BY_FNV_KEY] = "only the instance counts in this method: "
		    "give them different ones",
		[BY_HOST_PORT] = "list it once"
	};
	char one[300], two[300];

	say_server(one, sizeof one, a);
	say_server(two, sizeof two, b);
	snprintf(error, size, "%s cannot tell the servers %s and %s apart; %s",
	    methods[method].name, one, two, advice[methods[method].apart]);
	return false;
}

/* Quadratic, once per load, over at most RING_MAX_SERVERS. */
static bool
check(enum ring_method method, const struct ring_server *s, size_t n,
    unsigned replication, char *error, size_t size)
{
	if (n == 0 || n > RING_MAX_SERVERS) {
		snprintf(error, size, "a cluster has 1 to %d servers, not %zu",
		    RING_MAX_SERVERS, n);
		return false;
	}
	if (replication == 0 || replication > n) {
		snprintf(error, size, "replication %u with %zu server%s: it "
		    "must be 1 to the number of servers", replication, n,
		    n == 1 ? "" : "s");
		return false;
	}
	if (replication > 1 && !methods[method].hashes) {
		snprintf(error, size, "%s has no replication",
		    methods[method].name);
		return false;
	}
	for (size_t i = 0; i < n; i++)
		for (size_t k = 0; k < i; k++)
			if (same_server(method, &s[k], &s[i]))
				return say_same(error, size, method, &s[k], &s[i]);
	return true;
}

static struct slice
keep(char **at, struct slice s)
{
	struct slice kept = { *at, s.len };

	if (s.ptr == NULL)
		return s;
	if (s.len > 0)
		memcpy(*at, s.ptr, s.len);
	(*at)[s.len] = '\0';
	*at += s.len + 1;
	return kept;
}

static bool
copy_servers(struct ring *r, const struct ring_server *servers)
{
	size_t bytes = 0;
	char *at;

	for (unsigned i = 0; i < r->n; i++)
		bytes += servers[i].host.len + servers[i].instance.len + 2;
	r->servers = calloc(r->n, sizeof *r->servers);
	r->group = calloc(r->n, sizeof *r->group);
	r->strings = at = malloc(bytes);
	if (r->servers == NULL || r->group == NULL || r->strings == NULL)
		return false;
	for (unsigned i = 0; i < r->n; i++) {
		r->servers[i] = servers[i];
		r->servers[i].host = keep(&at, servers[i].host);
		r->servers[i].instance = keep(&at, servers[i].instance);
		while (!slice_eq(r->servers[r->group[i]].host, servers[i].host))
			r->group[i]++;
	}
	return true;
}

struct ring *
ring_new(enum ring_method method, const struct ring_server *servers, size_t n,
    unsigned replication, bool diverse, char *error, size_t errsize)
{
	struct ring *r;

	assert((unsigned)method < RING_METHODS);
	if (!check(method, servers, n, replication, error, errsize))
		return NULL;
	r = calloc(1, sizeof *r);
	if (r != NULL) {
		r->method = method;
		r->n = (unsigned)n;
		r->replication = replication;
		r->diverse = diverse && method >= RING_CARBON_PY &&
		    method <= RING_FAST_MMH3_PY;
		if (copy_servers(r, servers) && methods[method].build(r))
			return r;
	}
	ring_free(r);
	snprintf(error, errsize, "out of memory");
	return NULL;
}

void
ring_free(struct ring *r)
{
	if (r == NULL)
		return;
	free(r->order);
	free(r->points);
	free(r->group);
	free(r->servers);
	free(r->strings);
	free(r);
}
