/* metrics_dests.c - which destinations there are, and who gets what one of
 * them cannot have. */
#include "config.h"

#include <stdlib.h>

#include "base/log.h"
#include "sink/destination.h"
#include "sink/health.h"
#include "sink/metrics.h"
#include "sink/metrics_flush.h"

#define BATCHES_AT_ONCE 128	/* rerouted in a row: nobody waits long */

static bool
has_connection(enum conf_method method)
{
	return method != CONF_NULL && method != CONF_MEMORY;
}

static void
use_server(struct metrics *m, const struct plan *plan,
    const struct plan_cluster *c, size_t i)
{
	unsigned number = c->dests[i];
	const struct conf_server *s = &c->conf->servers[i];

	if (m->dests[number] != NULL)
		destination_conf(m->dests[number], c->conf, s);
	else
		m->dests[number] = destination_new(&m->env,
		    plan->registry->dest[number], number, c->conf, s);
	if (m->dests[number] == NULL)
		log_error("%s: out of memory, nothing is sent there", s->text);
}

void
metrics_use_destinations(struct metrics *m, const struct plan *plan)
{
	bool used[PLAN_MAX_DESTS] = { false };
	unsigned n = atomic_load(&plan->registry->n);

	m->env.hold = plan->conf->graphite.backpressure;
	m->env.look_again_s = (unsigned)(plan->conf->dns.interval_ms / 1000);
	m->env.state_dir = plan->conf->state_dir;
	m->env.keep = plan->conf->flush.persistent;
	for (size_t i = 0; i < plan->nclusters; i++) {
		const struct plan_cluster *c = &plan->clusters[i];

		m->in_memory[c->dests[0]] = c->conf->method == CONF_MEMORY;
		for (size_t j = 0; j < c->conf->nservers &&
		    has_connection(c->conf->method); j++) {
			use_server(m, plan, c, j);
			used[c->dests[j]] = true;
		}
	}
	for (unsigned i = 0; i < m->ndests; i++)
		if (m->dests[i] != NULL && !used[i] &&
		    !destination_leaving(m->dests[i]))
			destination_conf(m->dests[i], NULL, NULL);
	m->ndests = n;
	if (m->health == NULL)
		m->health = health_new(m->thread.loop);
	if (m->health != NULL)
		health_conf(m->health, plan);
}

/* ---- rerouting ---- */

/* The cluster that a destination is, or was, one of; -1: it is gone too. */
static int
cluster_of(const struct metrics *m, const char *dest)
{
	for (size_t i = 0; i < m->plan->nclusters; i++) {
		const char *name = m->plan->clusters[i].conf->name;
		size_t n = strlen(name);

		if (strncmp(name, dest, n) == 0 && dest[n] == '/')
			return (int)i;
	}
	return -1;
}

static bool
others_up(const struct metrics *m, int cluster, unsigned dest)
{
	const struct plan_cluster *c = &m->plan->clusters[cluster];

	for (size_t i = 0; i < c->ndests; i++)
		if (c->dests[i] != dest && atomic_load(
		    &m->plan->registry->dest[c->dests[i]]->state.up))
			return true;
	return false;
}

/* One of the lines that the ledger counts goes from one batch to another:
 * which line it was nobody knows, and only the sums matter. */
static void
move_count(struct batch_counts *from, struct batch_counts *to)
{
	for (int s = 0; s < RECORD_SOURCES; s++)
		if (from->n[RECORD_METRIC][s] > 0) {
			from->n[RECORD_METRIC][s]--;
			to->n[RECORD_METRIC][s]++;
			return;
		}
}

/* Each line to where the ring sends it now. */
static void
reroute_batch(struct metrics *m, int cluster, struct lines_batch *b)
{
	struct slice rest = slice_of(b->data, b->len);
	bool samples = (m->plan->samples >> cluster & 1) != 0;
	char end = samples ? ':' : ' ';

	while (rest.len > 0) {
		size_t len = slice_find(rest, '\n') + 1;
		struct slice line = slice_upto(rest, len);
		struct slice name = slice_upto(line, slice_find(line, end));
		uint16_t dests[RING_MAX_SERVERS];
		size_t n = plan_pick(m->plan, (size_t)cluster, name, dests,
		    RING_MAX_SERVERS);

		for (size_t i = 0; i < n; i++) {
			struct lines_batch *to = metrics_deal_line(m,
			    dests[i], line);

			if (i == 0 && to != NULL)
				move_count(&b->counts, &to->counts);
		}
		rest = slice_from(rest, line.len);
	}
	batch_lost(&m->ledger, &b->counts, REASON_NO_MEMORY);
	free(b);
}

static bool
reroute_from(struct metrics *m, unsigned dest, int cluster)
{
	struct lines_batch *b;
	unsigned i;

	for (i = 0; i < BATCHES_AT_ONCE && (b =
	    destination_give_back(m->dests[dest])) != NULL; i++)
		reroute_batch(m, cluster, b);
	return i > 0;
}

/* Its whole cluster is gone: there is nobody to send it to. */
static void
lose_from(struct metrics *m, unsigned dest)
{
	struct lines_batch *b;

	while ((b = destination_give_back(m->dests[dest])) != NULL) {
		batch_lost(&m->ledger, &b->counts, REASON_NO_ROUTE);
		free(b);
	}
}

/* Has some of it gone to others? */
static bool
help(struct metrics *m, unsigned dest)
{
	struct destination *d = m->dests[dest];
	int cluster = cluster_of(m, destination_name(d));

	if (cluster < 0)
		lose_from(m, dest);
	else if (destination_leaving(d) || others_up(m, cluster, dest))
		return reroute_from(m, dest, cluster);
	else
		destination_keep(d);
	return false;
}

bool
metrics_reroute(struct metrics *m)
{
	bool any = false, moved = false;

	for (unsigned i = 0; i < m->ndests; i++)
		if (m->dests[i] != NULL && destination_stuck(m->dests[i])) {
			moved |= help(m, i);
			any = true;
		}
	if (any)
		metrics_deal_all(m);
	return moved;
}
