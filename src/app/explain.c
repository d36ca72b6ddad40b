/* explain.c - where a record would go. */
#include "config.h"

#include <stdio.h>
#include <string.h>

#include "app/explain.h"
#include "core/member_set.h"
#include "core/merged.h"
#include "front/names.h"

#define NAME_MAX_BYTES	(1u << 20)

bool
explain_open(struct explain *e, struct conf *conf, char *error, size_t size)
{
	memset(e, 0, sizeof *e);
	decision_init(&e->decision);
	buf_init(&e->name, NAME_MAX_BYTES);
	e->plan = plan_new(conf, &e->registry, 1, error, size);
	if (e->plan != NULL) {
		snprintf(error, size, "out of memory");
		e->names = names_new(e->plan->conf);
	}
	if (e->names == NULL)
		explain_close(e);
	return e->names != NULL;
}

void
explain_close(struct explain *e)
{
	names_free(e->names);
	plan_unref(e->plan);
	plan_registry_free(&e->registry);
	decision_fini(&e->decision);
	buf_fini(&e->name);
}

bool
explain_clean(struct explain *e, const struct record *r, struct record *clean)
{
	struct slice rest;

	*clean = *r;
	if (r->kind != RECORD_METRIC)
		return true;
	e->sent = metric_sent_name(&r->metric);
	buf_clear(&e->name);
	if (!names_clean(e->names, r, &e->name) || e->name.len > UINT16_MAX)
		return false;
	rest = buf_slice(&e->name);
	clean->metric.name = slice_cut(&rest, ';');
	clean->metric.tags = rest;
	clean->metric.tag_style = rest.ptr == NULL ? TAGS_NONE : TAGS_GRAPHITE;
	return true;
}

void
explain_decide(struct explain *e, const struct record *r, rules_trace *trace,
    void *trace_arg)
{
	e->decision.trace = trace;
	e->decision.trace_arg = trace_arg;
	rules_apply(e->plan->rules, r, &e->decision);
}

struct teller {
	struct explain *e;
	explain_place *place;
	void *ctx;
};

/* Each destination of a metric's name in each cluster of the mask. */
static void
tell_name(const struct teller *t, uint64_t mask, struct slice name)
{
	const struct plan *p = t->e->plan;

	for (size_t i = 0; i < p->nclusters; i++) {
		uint16_t dests[RING_MAX_SERVERS];
		size_t n;

		if ((mask >> i & 1) == 0)
			continue;
		n = plan_pick_by(p, i, &t->e->decision, name, dests,
		    RING_MAX_SERVERS);
		for (size_t k = 0; k < n; k++)
			t->place(t->ctx, p->clusters[i].ring == NULL ?
			    p->clusters[i].conf->name :
			    p->registry->dest[dests[k]]->name, name);
	}
}

/* ---- samples: the lines that a flush makes of one ---- */

static void
flush_line(void *ctx, uint64_t mask, struct slice name, struct slice line)
{
	tell_name(ctx, mask, name);
}

static enum merged_group
group_of(enum metric_type type)
{
	switch (type) {
	case METRIC_TIMER:
		return MERGED_TIMER;
	case METRIC_GAUGE:
	case METRIC_GAUGE_DELTA:
		return MERGED_GAUGE;
	case METRIC_SET:
		return MERGED_SET;
	case METRIC_KEY_VALUE:
		return MERGED_KV;
	default:
		return MERGED_COUNTER;
	}
}

static void
give_sample(struct merged *m, struct merged_key *k,
    const struct metric_record *r)
{
	struct member_set set;

	switch (group_of(r->type)) {
	case MERGED_TIMER:
		merged_timer_copy(m, k, &r->value, 1, 1);
		break;
	case MERGED_GAUGE:
		merged_gauge(m, k, true, r->value, 0, 1);
		break;
	case MERGED_SET:
		member_set_init(&set, 1);
		member_set_add(&set, r->text);
		merged_set(m, k, &set);
		member_set_fini(&set);
		break;
	case MERGED_KV:
		merged_kv(m, k, r->value);
		break;
	default:
		merged_counter(m, k, 1);
	}
}

static void
tell_sample(const struct teller *t, const struct metric_record *r,
    uint64_t mask, struct slice name)
{
	const struct plan *p = t->e->plan;
	struct merged_config cfg = {
		.flush = &p->conf->flush, .interval_ms = p->class_ms + 1,
		.nclasses = (unsigned)p->nclasses,
		.clean_on_output = !p->conf->statsd.sanitize
	};
	unsigned class_ = plan_class(p, t->e->decision.interval_ms);
	struct flush_sink sink = { flush_line, (void *)(uintptr_t)t };
	struct merged *m = merged_new(&cfg);
	struct merged_key *k = m == NULL ? NULL : merged_get(m,
	    group_of(r->type), name, mask, class_);

	if (k != NULL) {
		give_sample(m, k, r);
		merged_flush(m, class_, 1000, NULL, &sink);
	}
	merged_free(m);
}

/* ---- all of them ---- */

/* The name to go on with: a new one keeps the tags. */
static struct slice
final_name(struct explain *e)
{
	struct slice old = buf_slice(&e->name);
	struct slice tags = slice_from(old, slice_find(old, ';'));
	struct buf whole = BUF_INIT(NAME_MAX_BYTES);

	if (!e->decision.renamed)
		return old;
	buf_add_slice(&whole, e->decision.name);
	buf_add_slice(&whole, tags);
	buf_fini(&e->name);
	e->name = whole;
	return buf_slice(&whole);
}

void
explain_places(struct explain *e, const struct record *r,
    explain_place *place, void *ctx)
{
	const struct decision *d = &e->decision;
	const struct conf *c = e->plan->conf;
	struct teller t = { e, place, ctx };
	struct slice name = slice_of(NULL, 0);

	if (d->dropped_by >= 0)
		return;
	if (r->kind == RECORD_METRIC) {
		uint64_t figures = d->to.clusters & e->plan->figures;

		if (r->metric.type != METRIC_POINT)
			tell_name(&t, d->to.clusters & e->plan->samples,
			    d->renamed ? d->name : e->sent);
		name = final_name(e);
		if (r->metric.type == METRIC_POINT)
			tell_name(&t, figures, name);
		else if (figures != 0)
			tell_sample(&t, &r->metric, figures, name);
	} else if (r->kind == RECORD_EVENT)
		name = d->name;
	for (size_t i = 0; i < c->nstreams; i++)
		if ((d->to.streams >> i & 1) != 0)
			place(ctx, c->streams[i].name, name);
	for (size_t i = 0; i < c->narchives; i++)
		if ((d->to.archives >> i & 1) != 0)
			place(ctx, c->archives[i].name, name);
	for (size_t i = 0; i < c->nforwards; i++)
		if ((d->to.archives >> (c->narchives + i) & 1) != 0)
			place(ctx, c->forwards[i].name, name);
}
