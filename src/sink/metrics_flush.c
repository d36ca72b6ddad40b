/* metrics_flush.c - halves in, lines out.
 *
 * An entry of a worker's table links to its merged key; where a rule feeds the
 * same samples to other names as well, it links to a fan of keys, told apart by
 * the lowest bit of the pointer. */
#include "config.h"

#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <time.h>

#include "base/clock.h"
#include "base/log.h"
#include "conf/prom_mapping.h"
#include "core/aggregator.h"
#include "core/member_set.h"
#include "core/sketch.h"
#include "core/table.h"
#include "sink/destination.h"
#include "sink/metrics.h"
#include "sink/metrics_flush.h"

#define CHUNK (64 * 1024)
#define UNTIDY_BYTES (16u << 20)
#define OVERFLOW_NAME "millrace.overflow"

struct fan {
	size_t n;
	struct merged_key *keys[];
};

static bool
is_fan(const struct merged_key *k)
{
	return ((uintptr_t)k & 1) != 0;
}

static struct fan *
fan_of(const struct merged_key *k)
{
	return (struct fan *)((uintptr_t)k & ~(uintptr_t)1);
}

/* ---- links ---- */

static void
unlink_keys(struct metrics *m, struct merged_key *k)
{
	if (k == NULL)
		return;
	if (!is_fan(k)) {
		merged_unlink(m->merged, k);
		return;
	}
	for (size_t i = 0; i < fan_of(k)->n; i++)
		merged_unlink(m->merged, fan_of(k)->keys[i]);
	free(fan_of(k));
}

/* The key of a name, linked once; beyond the cap all names share one. */
static struct merged_key *
get_key(struct metrics *m, const struct link *l, struct slice name)
{
	enum merged_group g = (enum merged_group)l->entry->group;
	struct merged_key *k = merged_get(m->merged, g, name, l->dest_mask,
	    l->class_);

	if (k == NULL)
		k = merged_get_reserved(m->merged, g, SLICE(OVERFLOW_NAME),
		    l->dest_mask, l->class_);
	if (k != NULL)
		merged_link(k);
	return k;
}

static struct merged_key *
get_fan(struct metrics *m, const struct link *l)
{
	struct slice rest = slice_of(l->name, l->len);
	struct fan *fan;
	size_t n = 1;

	for (size_t i = 0; i < l->len; i++)
		n += l->name[i] == '\n';
	fan = malloc(sizeof *fan + n * sizeof fan->keys[0]);
	if (fan == NULL)
		return get_key(m, l, slice_cut(&rest, '\n'));
	fan->n = 0;
	while (rest.ptr != NULL) {
		struct merged_key *k = get_key(m, l, slice_cut(&rest, '\n'));

		if (k != NULL)
			fan->keys[fan->n++] = k;
	}
	return (struct merged_key *)((uintptr_t)fan | 1);
}

static void
apply_link(void *ctx, const struct link *l)
{
	struct metrics *m = ctx;
	struct slice all = slice_of(l->name, l->len);
	struct merged_key *old = l->entry->merged;

	if (slice_find(all, '\n') == l->len)
		l->entry->merged = get_key(m, l, all);
	else
		l->entry->merged = get_fan(m, l);
	unlink_keys(m, old);
}

/* ---- merging ---- */

static void
merge_sketch(struct metrics *m, struct merged_key *k, struct sketch *s,
    bool last)
{
	struct sketch copy;

	if (last) {
		merged_sketch(m->merged, k, s, 0);
		return;
	}
	sketch_init(&copy, s->error, m->plan->conf->flush.sketch_max_bytes);
	if (sketch_merge(&copy, s))
		merged_sketch(m->merged, k, &copy, 0);
	sketch_fini(&copy);
}

static void
merge_timer(struct metrics *m, struct merged_key *k, struct timer_cell *c,
    bool last)
{
	if (c->sketch != NULL && c->sketch->n > 0)
		merge_sketch(m, k, c->sketch, last);
	if (last)
		merged_timer(m->merged, k, &c->samples, c->count);
	else
		merged_timer_copy(m->merged, k, c->samples.v, c->samples.n,
		    c->count);
}

static void
merge_gauge(struct metrics *m, struct merged_key *k,
    const struct gauge_cell *c)
{
	merged_gauge(m->merged, k, c->stamp != 0, c->set, c->delta,
	    (uint64_t)c->stamp);
}

static void
merge_set(struct metrics *m, struct merged_key *k, struct member_set *set,
    bool last)
{
	struct member_set copy;

	if (set == NULL)
		return;
	if (last) {
		merged_set(m->merged, k, set);
		return;
	}
	member_set_init(&copy, m->plan->conf->flush.set_exact);
	if (member_set_merge(&copy, set))
		merged_set(m->merged, k, &copy);
	member_set_fini(&copy);
}

/* Add one entry's cells to one key; last: the cells may be given away. */
static void
merge_into(struct metrics *m, struct merged_key *k, struct entry *e,
    unsigned half, bool last)
{
	switch ((enum table_group)e->group) {
	case GROUP_COUNTER:
		merged_counter(m->merged, k, *entry_counter(e, half));
		break;
	case GROUP_TIMER:
		merge_timer(m, k, entry_timer(e, half), last);
		break;
	case GROUP_GAUGE:
		merge_gauge(m, k, entry_gauge(e, half));
		break;
	case GROUP_SET:
		merge_set(m, k, *entry_set(e, half), last);
		break;
	case GROUP_KV:
		for (uint32_t i = 0; i < entry_timer(e, half)->samples.n; i++)
			merged_kv(m->merged, k,
			    entry_timer(e, half)->samples.v[i]);
		break;
	case GROUPS:
		break;
	}
}

static void
reset_cells(struct entry *e, unsigned half)
{
	switch ((enum table_group)e->group) {
	case GROUP_COUNTER:
		*entry_counter(e, half) = 0;
		break;
	case GROUP_TIMER:
	case GROUP_KV:
		entry_timer(e, half)->samples.n = 0;
		entry_timer(e, half)->count = 0;
		if (entry_timer(e, half)->sketch != NULL)
			sketch_clear(entry_timer(e, half)->sketch);
		break;
	case GROUP_GAUGE:
		*entry_gauge(e, half) = (struct gauge_cell){ 0 };
		break;
	case GROUP_SET:
		if (*entry_set(e, half) != NULL)
			member_set_clear(*entry_set(e, half));
		break;
	case GROUPS:
		break;
	}
}

static void
merge_entry(struct metrics *m, struct entry *e, unsigned half)
{
	struct merged_key *k = e->merged;

	if (k != NULL && is_fan(k)) {
		struct fan *fan = fan_of(k);

		for (size_t i = 0; i < fan->n; i++)
			merge_into(m, fan->keys[i], e, half, i + 1 == fan->n);
	} else if (k != NULL) {
		merge_into(m, k, e, half, true);
	}
	reset_cells(e, half);
}

/* Names lie all over memory: those a bit further on are fetched meanwhile. */
#define AHEAD 16

static void
merge_chunk(struct metrics *m, struct dirty_chunk *c, unsigned half)
{
	for (size_t i = 0; i < c->n; i++) {
		if (i + 2 * AHEAD < c->n)
			__builtin_prefetch(c->e[i + 2 * AHEAD], 1);
		if (i + AHEAD < c->n)
			__builtin_prefetch(c->e[i + AHEAD]->merged, 1);
		merge_entry(m, c->e[i], half);
	}
}

static void
count_half(struct metrics *m, const struct half *h)
{
	for (int s = 0; s < RECORD_SOURCES; s++)
		counter_add(&m->ledger.book[RECORD_METRIC][s].delivered,
		    h->samples[s]);
	merged_count_lines(m->merged, (double)h->bad, (double)h->packets,
	    (double)h->lines);
}

void
metrics_take_half(struct letter *l, void *ctx)
{
	struct metrics *m = ctx;
	struct half *h = (struct half *)l;

	half_each_link(h, apply_link, m);
	for (struct dirty_chunk *c = h->dirty; c != NULL; c = c->next)
		merge_chunk(m, c, h->index);
	for (size_t i = 0; i < h->nevicted; i++) {
		unlink_keys(m, h->evicted[i]->merged);
		h->evicted[i]->merged = NULL;
		entry_empty(h->evicted[i]);
	}
	count_half(m, h);
	h->letter.deliver = h->back;
	inbox_put(h->home, &h->letter, 0);
	if (m->waiting > 0 && --m->waiting == 0) {
		metrics_flush_due(m);
		metrics_answer(m);
	}
}

/* ---- dealing lines ---- */

void
metrics_give(struct metrics *m, unsigned dest, struct lines_batch *b)
{
	if (m->dests[dest] != NULL) {
		destination_take(m->dests[dest], b);
		return;
	}
	/* nobody to send it to: it may be seen on the page, if it is asked for */
	if (m->in_memory[dest])
		buf_add(&m->page_next, b->data, b->len);
	batch_delivered(&m->ledger, &b->counts);
	free(b);
}

struct lines_batch *
metrics_deal_line(struct metrics *m, unsigned dest, struct slice line)
{
	struct lines_batch *b = m->open[dest];

	if (b != NULL && line.len > b->cap - b->len) {
		metrics_give(m, dest, b);
		b = m->open[dest] = NULL;
	}
	if (b == NULL) {
		b = lines_batch_new(dest, line.len > CHUNK ? line.len : CHUNK);
		if (b == NULL)
			return NULL;
		m->open[dest] = b;
	}
	memcpy(b->data + b->len, line.ptr, line.len);
	b->len += line.len;
	b->lines++;
	return b;
}

static void
flush_line(void *ctx, uint64_t dest_mask, struct slice name, struct slice line)
{
	struct metrics *m = ctx;

	for (size_t i = 0; dest_mask >> i != 0 && i < m->plan->nclusters; i++) {
		uint16_t dests[RING_MAX_SERVERS];
		size_t n;

		if ((dest_mask >> i & 1) == 0)
			continue;
		n = plan_pick(m->plan, i, name, dests, RING_MAX_SERVERS);
		for (size_t j = 0; j < n; j++)
			if (m->dests[dests[j]] != NULL)
				metrics_deal_line(m, dests[j], line);
	}
	m->flush_bytes += line.len;
	buf_add_slice(&m->page_next, line);
}

void
metrics_line(struct metrics *m, uint64_t clusters, struct slice name,
    struct slice line)
{
	flush_line(m, clusters, name, line);
}

void
metrics_deal_all(struct metrics *m)
{
	for (unsigned i = 0; i < m->ndests; i++) {
		if (m->open[i] != NULL) {
			metrics_give(m, i, m->open[i]);
			m->open[i] = NULL;
		}
		if (m->dests[i] != NULL)
			destination_flushed(m->dests[i]);
	}
}

/* ---- the flush ---- */

static double
cpu_now(void)
{
	struct timespec t;

	clock_gettime(CLOCK_THREAD_CPUTIME_ID, &t);
	return (double)t.tv_sec + (double)t.tv_nsec / 1e9;
}

static void
publish_page(struct metrics *m)
{
	struct buf old;

	pthread_mutex_lock(&m->page_lock);
	old = m->page;
	m->page = m->page_next;
	pthread_mutex_unlock(&m->page_lock);
	m->page_next = old;
	if (old.cap > CHUNK)
		buf_fini(&m->page_next);	/* megabytes: not twice */
	else
		buf_clear(&m->page_next);
}

/* What we and the kernel lost since the last flush, under names of its own;
 * while nothing is lost there is none, and the flush is the reference's. */
static void
flush_losses(struct metrics *m, int kind, int source,
    const uint64_t dropped[REASON_COUNT])
{
	uint64_t *seen = m->dropped[kind][source];
	char name[128];

	for (int r = REASON_NO_ROUTE + 1; r < REASON_COUNT; r++) {
		struct merged_key *k;
		int n;

		if (r == REASON_DUPLICATE || dropped[r] <= seen[r])
			continue;
		n = snprintf(name, sizeof name, "millrace.dropped.%s.%s.%s",
		    record_kind_name((enum record_kind)kind),
		    record_source_name((enum record_source)source),
		    reason_name((enum reason)r));
		k = merged_get_reserved(m->merged, MERGED_COUNTER,
		    slice_of(name, (size_t)n), m->plan->figures, 0);
		if (k == NULL)
			continue;
		merged_counter(m->merged, k, (double)(dropped[r] - seen[r]));
		seen[r] = dropped[r];
	}
}

static void
flush_own(struct metrics *m)
{
	struct ledger_sum sum;

	if (m->workers.books == NULL)
		return;
	m->workers.books(m->workers.ctx, &sum);
	for (int k = 0; k < RECORD_KINDS; k++)
		for (int s = 0; s < RECORD_SOURCES; s++)
			flush_losses(m, k, s, sum.book[k][s].dropped);
}

static void
flush_class(struct metrics *m, unsigned class_, int64_t now_ns)
{
	struct flush_sink sink = { flush_line, m };
	int64_t mono = clock_mono_ns();

	m->flush_bytes = 0;
	if (class_ == 0)
		flush_own(m);
	merged_flush(m->merged, class_, now_ns / NS_PER_MS,
	    class_ == 0 ? &m->internal : NULL, &sink);
	m->untidy |= m->flush_bytes > UNTIDY_BYTES;
	if (class_ != 0)
		return;
	m->internal.last_flush = (double)(now_ns / NS_PER_S);
	m->internal.flush_length = (double)m->flush_bytes;
	m->internal.processing_ms =
	    (double)((clock_mono_ns() - mono) / NS_PER_MS);
}

static void
publish_stats(struct metrics *m)
{
	struct merged_stats st;

	merged_get_stats(m->merged, &st);
	atomic_store(&m->sets_estimated, st.sets_estimated);
	atomic_store(&m->sketches_collapsed, st.sketches_collapsed);
	atomic_store(&m->names, st.keys);
}

void
metrics_flush_due(struct metrics *m)
{
	double start = cpu_now();
	int64_t now_ns = clock_real_ns();

	if (m->due == 0)
		return;
	if (m->ending && m->due_at_end == 0)
		metrics_state_sets(m);
	for (unsigned i = 0; m->due >> i != 0; i++)
		if ((m->due >> i & 1) != 0)
			flush_class(m, i, now_ns);
	m->due = 0;
	metrics_deal_all(m);
	publish_page(m);
	publish_stats(m);
	m->flush_seconds = cpu_now() - start;
	m->flushes++;
}

/* ---- lines that workers relay ---- */

void
metrics_take_lines(struct letter *l, void *ctx)
{
	struct metrics *m = ctx;
	struct lines_batch *b = (struct lines_batch *)l;

	inbox_done(&m->inbox, l->weight);
	metrics_give(m, b->dest, b);
}

void
metrics_take_points(struct letter *l, void *ctx)
{
	struct metrics *m = ctx;
	struct points_batch *b = (struct points_batch *)l;

	const char *at = b->bytes.data;

	inbox_done(&m->inbox, l->weight);
	for (uint32_t i = 0; i < b->n; i++) {
		struct point_head head;

		memcpy(&head, at, sizeof head);
		at += sizeof head;
		if (head.rule < m->plan->conf->nrules)
			aggregator_add(m->aggregator, m->agg_of[head.rule],
			    slice_of(at, head.name_len), head.value,
			    head.time_s);
		at += head.name_len;
	}
	buf_fini(&b->bytes);
	free(b);
}

/* One with a time of its own. */
static void
take_timed(struct metrics *m, const struct timed_head *h, struct slice name)
{
	enum reason why = merged_timed(m->merged, h->type == METRIC_COUNTER ?
	    MERGED_COUNTER : MERGED_GAUGE, name, h->clusters, h->value,
	    h->time_s);

	if (!h->counts)
		return;
	if (why == REASON_NONE)
		counter_add(&m->ledger.book[RECORD_METRIC][h->source].delivered,
		    1);
	else
		ledger_lost(&m->ledger, RECORD_METRIC,
		    (enum record_source)h->source, why, 1);
}

void
metrics_take_timed(struct letter *l, void *ctx)
{
	struct metrics *m = ctx;
	struct timed_batch *b = (struct timed_batch *)l;
	struct slice rest = buf_slice(&b->bytes);
	struct timed_head head;

	inbox_done(&m->inbox, l->weight);
	while (rest.len > 0) {
		memcpy(&head, rest.ptr, sizeof head);
		rest = slice_from(rest, sizeof head);
		take_timed(m, &head, slice_upto(rest, head.name_len));
		rest = slice_from(rest, head.name_len);
	}
	buf_fini(&b->bytes);
	free(b);
}

/* ---- aggregation rules ---- */

static void
aggregate_line(void *ctx, size_t rule, struct slice name, struct slice line)
{
	struct metrics *m = ctx;

	flush_line(m, rule == AGGREGATOR_GONE ? m->plan->figures :
	    m->agg_mask[rule], name, line);
}

void
metrics_aggregate(struct metrics *m, int64_t now_ns)
{
	struct aggregator_sink sink = { aggregate_line, m };

	if (m->aggregator == NULL)
		return;
	aggregator_tick(m->aggregator, now_ns / NS_PER_S, &sink);
	metrics_deal_all(m);
}

void
metrics_aggregate_end(struct metrics *m)
{
	struct aggregator_sink sink = { aggregate_line, m };

	if (m->aggregator == NULL)
		return;
	aggregator_drain(m->aggregator, &sink);
	metrics_deal_all(m);
}

/* The clusters that a rule names, or all. */
static uint64_t
rule_clusters(const struct plan *plan, const struct conf_rule *r)
{
	uint64_t mask = 0;

	if (!r->has_to)
		return plan->figures;
	for (size_t i = 0; i < r->to.n; i++)
		for (size_t j = 0; j < plan->nclusters; j++)
			if (strcmp(r->to.v[i], plan->clusters[j].conf->name) ==
			    0)
				mask |= UINT64_C(1) << j;
	return mask & plan->figures;
}

static enum aggregate_stamp
stamp_of(const char *s)
{
	if (s != NULL && strcmp(s, "start") == 0)
		return STAMP_START;
	if (s != NULL && strcmp(s, "middle") == 0)
		return STAMP_MIDDLE;
	return STAMP_END;
}

static bool
use_aggregates(struct metrics *m, const struct plan *plan)
{
	const struct conf *c = plan->conf;
	struct aggregator_rule *rules = calloc(c->nrules + 1, sizeof *rules);
	uint64_t *masks = calloc(c->nrules + 1, sizeof *masks);
	size_t *of = calloc(c->nrules + 1, sizeof *of);
	size_t n = 0;

	if (m->aggregator == NULL)
		m->aggregator = aggregator_new(c->flush.max_names);
	if (rules == NULL || masks == NULL || of == NULL ||
	    m->aggregator == NULL)
		goto fail;
	for (size_t i = 0; i < c->nrules; i++) {
		const struct conf_rule *r = &c->rules[i];
		struct aggregator_rule *a = &rules[n];

		if (r->aggregate == NULL)
			continue;
		if (!aggregate_parse(slice_str(r->aggregate), &a->function,
		    &a->percentile))
			goto fail;	/* what was checked is known here */
		a->text = slice_str(r->name != NULL ? r->name : r->as);
		a->every = (uint32_t)(r->every_ms < 1000 ? 1 :
		    r->every_ms / 1000);
		a->expire = (uint32_t)(r->expire_ms / 1000);
		a->stamp = stamp_of(r->stamp);
		masks[n] = rule_clusters(plan, r);
		of[i] = n++;
	}
	if (!aggregator_configure(m->aggregator, rules, n,
	    clock_real_ns() / NS_PER_S))
		goto fail;
	free(rules);
	free(m->agg_mask);
	free(m->agg_of);
	m->agg_mask = masks;
	m->agg_of = of;
	return true;

fail:
	free(rules);
	free(masks);
	free(of);
	return false;
}

void
metrics_aggregate_fini(struct metrics *m)
{
	aggregator_free(m->aggregator);
	free(m->agg_mask);
	free(m->agg_of);
}

/* ---- plans ---- */

/* Names for the Prometheus page.  The file was good when the configuration was
 * read; one that has become bad since leaves the names as they are. */
static void
use_mapping(struct metrics *m, const struct conf *conf)
{
	struct buf errors = BUF_INIT(1 << 20);

	prom_mapping_free(m->mapping);
	m->mapping = NULL;
	if (conf->prometheus_mapping == NULL)
		return;
	m->mapping = prom_mapping_load(conf->prometheus_mapping, &errors);
	for (struct slice rest = buf_slice(&errors), line; rest.len > 0;) {
		line = slice_cut(&rest, '\n');
		log_warn("%.*s", SLICE_ARG(line));
	}
	buf_fini(&errors);
}

bool
metrics_use_plan(struct metrics *m, struct plan *plan)
{
	struct merged_config cfg = {
		.flush = &plan->conf->flush,
		.interval_ms = plan->class_ms + 1,
		.nclasses = (unsigned)plan->nclasses,
		.internal_mask = plan->conf->statsd.present ? plan->figures : 0,
		.clean_on_output = !plan->conf->statsd.sanitize,
		.seed = m->seed
	};

	if (m->merged == NULL) {
		m->merged = merged_new(&cfg);
		if (m->merged == NULL)
			return false;
	} else if (!merged_configure(m->merged, &cfg)) {
		return false;
	}
	if (!use_aggregates(m, plan))
		return false;
	metrics_use_destinations(m, plan);
	use_mapping(m, plan->conf);
	plan_ref(plan);
	if (m->plan == NULL) {
		m->plan = plan;
		return true;
	}
	plan_unref(m->plan);
	m->plan = plan;
	merged_reroute(m->merged, metrics_route, m);
	return true;
}
