/* pipeline.c - the pipeline's life, and what all kinds of records share. */
#include "config.h"

#include <stdlib.h>

#include "core/pipeline.h"

#define ROUTES_MAX (1u << 20)
#define CHUNK (64 * 1024)
#define SCRATCH_MAX (1024 * 1024)
#define LINE_MAX 65507		/* what a datagram can hold */

/* Room for limits as soon as a rule has one. */
static void
use_limits(struct pipeline *p)
{
	const struct conf *c = p->plan->conf;
	bool any = false;

	for (size_t i = 0; i < c->nrules; i++)
		any |= c->rules[i].max_names != 0 ||
		    c->rules[i].max_points != 0;
	free(p->limits);
	p->limits = any ? calloc(1, sizeof *p->limits) : NULL;
	if (p->limits != NULL)
		p->limits->emptied = p->routes.emptied;
}

static void
use_flush(struct pipeline *p)
{
	const struct conf_flush *f = &p->plan->conf->flush;

	use_limits(p);

	p->table.max = f->max_names;
	p->table.set_exact = f->set_exact;
	table_timers(&p->table, f->sketch, f->sketch_error,
	    f->sketch_max_bytes);
}

bool
pipeline_init(struct pipeline *p, struct plan *plan,
    const struct pipeline_ops *ops, void *ops_ctx,
    const struct pipeline_sinks *sinks, uint64_t seed)
{
	memset(p, 0, sizeof *p);
	p->ops = ops;
	p->ops_ctx = ops_ctx;
	p->sinks = *sinks;
	p->chunk = CHUNK;
	p->plan = plan_ref(plan);
	buf_init(&p->scratch, SCRATCH_MAX);
	decision_init(&p->decision);
	p->dice = (uint32_t)seed | 1;
	if (!table_init(&p->table, plan->conf->flush.max_names,
	    plan->conf->flush.set_exact, seed)) {
		plan_unref(plan);
		return false;
	}
	if (!routes_init(&p->routes, ROUTES_MAX, seed)) {
		table_fini(&p->table);
		plan_unref(plan);
		return false;
	}
	if (!routes_init(&p->passes, ROUTES_MAX, seed)) {
		routes_fini(&p->routes);
		table_fini(&p->table);
		plan_unref(plan);
		return false;
	}
	buf_init(&p->pass_key, SCRATCH_MAX);
	buf_init(&p->pass_line, LINE_MAX);
	top_init(&p->names);
	top_init(&p->samples);
	top_init(&p->limited);
	p->varied = rules_vary(plan->rules);
	use_flush(p);
	return true;
}

void
pipeline_fini(struct pipeline *p)
{
	for (unsigned i = 0; i < p->nlines; i++)
		free(p->lines[i]);
	free(p->lines);
	if (p->points != NULL)
		buf_fini(&p->points->bytes);
	free(p->points);
	if (p->timed != NULL)
		buf_fini(&p->timed->bytes);
	free(p->timed);
	log_batch_free(p->logs);
	event_batch_free(p->events);
	buf_fini(&p->scratch);
	decision_fini(&p->decision);
	free(p->passing);
	routes_fini(&p->routes);
	routes_fini(&p->passes);
	buf_fini(&p->pass_key);
	buf_fini(&p->pass_line);
	table_fini(&p->table);
	top_fini(&p->names);
	top_fini(&p->samples);
	top_fini(&p->limited);
	free(p->limits);
	plan_unref(p->plan);
}

void
pipeline_plan(struct pipeline *p, struct plan *plan)
{
	pipeline_flush(p, 0);
	routes_clear(&p->routes);
	routes_clear(&p->passes);
	plan_ref(plan);
	plan_unref(p->plan);
	p->plan = plan;
	p->varied = rules_vary(plan->rules);
	use_flush(p);
}

/* Looked at once a read, so that a line need not ask. */
uint64_t
pipeline_choking(const struct pipeline *p)
{
	const struct plan_registry *r = p->plan->registry;
	unsigned n = atomic_load_explicit(&r->n, memory_order_relaxed);
	uint64_t mask = 0;

	for (unsigned i = 0; i < n; i++)
		if (atomic_load_explicit(&r->dest[i]->state.choking,
		    memory_order_relaxed))
			mask |= UINT64_C(1) << i % 64;
	return mask;
}

bool
pipeline_full(struct pipeline *p, enum record_kind kind)
{
	switch (kind) {
	case RECORD_METRIC:
		return inbox_full(p->sinks.metrics);
	case RECORD_EVENT:
		return inbox_full(p->sinks.events);
	case RECORD_LOG:
		return inbox_full(p->sinks.logs);
	case RECORD_KINDS:
		break;
	}
	return false;
}

void
pipeline_refused(struct pipeline *p, enum record_kind k,
    enum record_source s, enum reason why, uint64_t n)
{
	ledger_refused(&p->ledger, k, s, why, n);
}

void
pipeline_flush(struct pipeline *p, size_t bytes)
{
	if (p->holding == 0)
		return;
	pipeline_send_lines(p, bytes);
	pipeline_send_timed(p, bytes);
	pipeline_send_logs(p, bytes);
	pipeline_send_events(p);
}
