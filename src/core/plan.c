/* plan.c - compiling a configuration, and the registry of destinations. */
#include "config.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/hash.h"
#include "core/plan.h"
#include "core/rules.h"

static const enum ring_method methods[] = {
	[CONF_FORWARD] = RING_FORWARD,
	[CONF_ANY_OF] = RING_ANY_OF,
	[CONF_FAILOVER] = RING_FAILOVER,
	[CONF_LOAD_BALANCED] = RING_LOAD_BALANCED,
	[CONF_CARBON_CH] = RING_CARBON_CH,
	[CONF_CARBON_PY] = RING_CARBON_PY,
	[CONF_FNV1A_CH] = RING_FNV1A_CH,
	[CONF_FNV1A_PY] = RING_FNV1A_PY,
	[CONF_MMH3_PY] = RING_MMH3_PY,
	[CONF_FAST_PY] = RING_FAST_PY,
	[CONF_FAST_FNV1A_PY] = RING_FAST_FNV1A_PY,
	[CONF_FAST_MMH3_PY] = RING_FAST_MMH3_PY,
	[CONF_JUMP_FNV1A_CH] = RING_JUMP_FNV1A_CH,
	[CONF_STATSD_RING] = RING_STATSD,
	[CONF_FILE] = RING_FORWARD,
	[CONF_NULL] = RING_FORWARD,
	[CONF_MEMORY] = RING_FORWARD,
};

/* The number of that destination, made when it is new; -1: no room. */
static int
registry_number(struct plan_registry *r, const char *name, size_t queue)
{
	unsigned n = atomic_load(&r->n);
	struct plan_dest *d;

	for (unsigned i = 0; i < n; i++)
		if (strcmp(r->dest[i]->name, name) == 0)
			return (int)i;
	if (n == PLAN_MAX_DESTS)
		return -1;
	d = calloc(1, sizeof *d);
	if (d == NULL || (d->name = strdup(name)) == NULL) {
		free(d);
		return -1;
	}
	d->state.max = queue;
	atomic_init(&d->state.up, true);
	r->dest[n] = d;
	atomic_store(&r->n, n + 1);
	return (int)n;
}

void
plan_registry_free(struct plan_registry *r)
{
	unsigned n = atomic_load(&r->n);

	for (unsigned i = 0; i < n; i++) {
		free(r->dest[i]->name);
		free(r->dest[i]);
	}
	atomic_store(&r->n, 0);
}

static bool
choosy(enum conf_method m)
{
	return m == CONF_ANY_OF || m == CONF_FAILOVER || m == CONF_LOAD_BALANCED;
}

static bool
takes_samples(const struct conf_cluster *c)
{
	return c->nservers > 0 && c->servers[0].protocol == CONF_STATSD;
}

static struct ring *
make_ring(const struct conf_cluster *c, char *error, size_t size)
{
	struct ring_server *servers = calloc(c->nservers, sizeof *servers);
	struct ring *ring;

	if (servers == NULL) {
		snprintf(error, size, "out of memory");
		return NULL;
	}
	for (size_t i = 0; i < c->nservers; i++)
		servers[i] = (struct ring_server){
			.host = slice_str(c->servers[i].host),
			.instance = slice_str(c->servers[i].instance),
			.port = c->servers[i].port,
			.transport = c->servers[i].transport
		};
	ring = ring_new(methods[c->method], servers, c->nservers,
	    (unsigned)c->replication, c->diverse, error, size);
	free(servers);
	return ring;
}

static bool
make_dests(struct plan_cluster *pc, struct plan_registry *registry,
    char *error, size_t size)
{
	const struct conf_cluster *c = pc->conf;
	size_t n = c->nservers == 0 ? 1 : c->nservers;

	pc->dests = calloc(n, sizeof *pc->dests);
	if (pc->dests == NULL)
		return false;
	for (size_t i = 0; i < n; i++) {
		char name[512];
		int number;

		snprintf(name, sizeof name, "%s/%s", c->name,
		    c->nservers == 0 ? "" : c->servers[i].text);
		number = registry_number(registry, name, c->queue);
		if (number < 0) {
			snprintf(error, size, "too many destinations");
			return false;
		}
		pc->dests[i] = (uint16_t)number;
	}
	pc->ndests = n;
	return true;
}

static bool
make_cluster(struct plan_cluster *pc, const struct conf_cluster *c,
    struct plan_registry *registry, char *error, size_t size)
{
	char why[256] = "out of memory";

	pc->conf = c;
	pc->choosy = choosy(c->method);
	for (size_t i = 0; i < c->nservers; i++)
		pc->checked |= c->servers[i].admin_port != 0;
	if (!make_dests(pc, registry, why, sizeof why))
		goto fail;
	if (c->nservers == 0)
		return true;
	pc->ring = make_ring(c, why, sizeof why);
	if (pc->ring != NULL)
		return true;
fail:
	snprintf(error, size, "%s:%u:%u: cluster %s: %s",
	    c->mark.file == NULL ? "defaults" : c->mark.file, c->mark.line,
	    c->mark.column, c->name, why);
	return false;
}

static void
make_classes(struct plan *p)
{
	p->class_ms[p->nclasses++] = p->conf->flush.interval_ms;
	for (size_t i = 0; i < p->conf->nrules; i++) {
		uint64_t ms = p->conf->rules[i].interval_ms;

		if (ms > 0 && plan_class(p, ms) == 0 &&
		    ms != p->class_ms[0] && p->nclasses < PLAN_MAX_CLASSES)
			p->class_ms[p->nclasses++] = ms;
	}
}

unsigned
plan_class(const struct plan *p, uint64_t interval_ms)
{
	for (size_t i = 1; i < p->nclasses; i++)
		if (p->class_ms[i] == interval_ms)
			return (unsigned)i;
	return 0;
}

struct plan *
plan_new(struct conf *conf, struct plan_registry *registry, uint8_t version,
    char *error, size_t size)
{
	struct plan *p = calloc(1, sizeof *p);

	snprintf(error, size, "out of memory");
	if (p == NULL) {
		conf_free(conf);
		return NULL;
	}
	atomic_init(&p->refs, 1);
	p->conf = conf;
	p->registry = registry;
	p->version = version;
	make_classes(p);
	if (conf->nclusters > PLAN_MAX_CLUSTERS) {
		snprintf(error, size, "more than %d clusters",
		    PLAN_MAX_CLUSTERS);
		goto fail;
	}
	p->clusters = calloc(conf->nclusters + 1, sizeof *p->clusters);
	if (p->clusters == NULL)
		goto fail;
	for (; p->nclusters < conf->nclusters; p->nclusters++) {
		const struct conf_cluster *c = &conf->clusters[p->nclusters];

		if (!make_cluster(&p->clusters[p->nclusters], c, registry,
		    error, size))
			goto fail;
		*(takes_samples(c) ? &p->samples : &p->figures) |=
		    UINT64_C(1) << p->nclusters;
	}
	p->rules = rules_new(conf);
	if (p->rules == NULL)
		goto fail;
	return p;

fail:
	plan_unref(p);
	return NULL;
}

uint64_t
plan_section(const char *name)
{
	return hash_stable(slice_str(name), 0);
}

struct plan *
plan_ref(struct plan *p)
{
	atomic_fetch_add(&p->refs, 1);
	return p;
}

void
plan_unref(struct plan *p)
{
	if (p == NULL || atomic_fetch_sub(&p->refs, 1) > 1)
		return;
	for (size_t i = 0; i < p->conf->nclusters && p->clusters != NULL; i++) {
		ring_free(p->clusters[i].ring);
		free(p->clusters[i].dests);
	}
	free(p->clusters);
	rules_free(p->rules);
	conf_free(p->conf);
	free(p);
}

bool
plan_health(struct plan_registry *r, unsigned dest, bool sick)
{
	bool was = atomic_exchange(&r->dest[dest]->state.sick, sick);

	if (was != sick)
		atomic_fetch_add(&r->sick, sick ? 1u : -1u);
	return was;
}

static bool
is_sick(const struct plan *p, uint16_t dest)
{
	return atomic_load_explicit(&p->registry->dest[dest]->state.sick,
	    memory_order_relaxed);
}

static bool
is_up(const struct plan *p, uint16_t dest)
{
	return atomic_load_explicit(&p->registry->dest[dest]->state.up,
	    memory_order_relaxed);
}

/* The least busy of those that are up. */
static unsigned
least_busy(const struct plan *p, const struct plan_cluster *c)
{
	size_t least = SIZE_MAX;
	unsigned best = 0;

	for (unsigned i = 0; i < c->ndests; i++) {
		struct dest_state *s = &p->registry->dest[c->dests[i]]->state;
		size_t queued = atomic_load_explicit(&s->queued,
		    memory_order_relaxed);

		if (is_up(p, c->dests[i]) && queued < least) {
			least = queued;
			best = i;
		}
	}
	return best;
}

/* Their destinations, without those that are sick. */
static size_t
keep_well(const struct plan *p, const struct plan_cluster *c,
    const unsigned *index, size_t n, uint16_t *out, size_t max)
{
	size_t kept = 0;

	for (size_t i = 0; i < n && kept < max; i++)
		if (!c->checked || !is_sick(p, c->dests[index[i]]))
			out[kept++] = c->dests[index[i]];
	return kept;
}

size_t
plan_home(const struct plan *p, size_t cluster, struct slice name,
    uint16_t *out, size_t max)
{
	const struct plan_cluster *c = &p->clusters[cluster];
	unsigned index[RING_MAX_SERVERS];
	size_t n = ring_pick(c->ring, name, index, RING_MAX_SERVERS);

	if (n > max)
		n = max;
	for (size_t i = 0; i < n; i++)
		out[i] = c->dests[index[i]];
	return n;
}

size_t
plan_pick(const struct plan *p, size_t cluster, struct slice name,
    uint16_t *out, size_t max)
{
	const struct plan_cluster *c = &p->clusters[cluster];
	unsigned index[RING_MAX_SERVERS];
	bool down[RING_MAX_SERVERS];
	size_t n = 1;

	if (max == 0)
		return 0;
	if (c->ring == NULL) {
		out[0] = c->dests[0];
		return 1;
	}
	if (c->conf->method == CONF_LOAD_BALANCED) {
		index[0] = least_busy(p, c);
	} else if (c->choosy || c->checked || c->conf->dynamic) {
		for (size_t i = 0; i < c->ndests; i++)
			down[i] = c->checked ? is_sick(p, c->dests[i]) :
			    !is_up(p, c->dests[i]);
		n = ring_pick_up(c->ring, name, down, index,
		    RING_MAX_SERVERS);
	} else {
		n = ring_pick(c->ring, name, index, RING_MAX_SERVERS);
	}
	return keep_well(p, c, index, n, out, max);
}

static size_t
add_new(uint16_t *out, size_t n, size_t max, const uint16_t *more,
    size_t nmore)
{
	for (size_t i = 0; i < nmore && n < max; i++) {
		size_t k = 0;

		while (k < n && out[k] != more[i])
			k++;
		if (k == n)
			out[n++] = more[i];
	}
	return n;
}

size_t
plan_pick_by(const struct plan *p, size_t cluster, const struct decision *d,
    struct slice name, uint16_t *out, size_t max)
{
	uint16_t more[RING_MAX_SERVERS];
	size_t n = 0;

	if ((d->by_name >> cluster & 1) != 0)
		n = plan_pick(p, cluster, name, out, max);
	for (size_t i = 0; i < d->nkeys; i++)
		if ((d->keys[i].clusters >> cluster & 1) != 0)
			n = add_new(out, n, max, more, plan_pick(p, cluster,
			    d->keys[i].text, more, RING_MAX_SERVERS));
	return n;
}

bool
plan_choosy(const struct plan *p, uint64_t mask)
{
	for (size_t i = 0; i < p->nclusters; i++)
		if ((mask >> i & 1) != 0 &&
		    (p->clusters[i].choosy || p->clusters[i].conf->dynamic))
			return true;
	return false;
}
