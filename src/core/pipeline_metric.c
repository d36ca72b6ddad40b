/* pipeline_metric.c - samples into the table, points into lines.
 *
 * The first time a name is seen it is cleaned and the rules are asked; after
 * that a sample costs one look-up. */
#include "config.h"

#include <assert.h>
#include <stdlib.h>

#include "base/digits.h"
#include "core/pipeline_private.h"
#include "core/rules.h"

#define LINE_MAX_TIME 24

static_assert(RULES_VARIANTS <= ROUTE_VARIANTS, "each is a route's");

bool
pipeline_decide(struct pipeline *p, const struct record *r)
{
	struct decision *d = &p->decision;
	struct record clean = *r;
	struct slice whole;

	buf_clear(&p->scratch);
	if (!p->ops->metric_name(p->ops_ctx, r, &p->scratch) ||
	    p->scratch.len > UINT16_MAX)
		return false;
	whole = buf_slice(&p->scratch);
	clean.metric.name = slice_cut(&whole, ';');
	clean.metric.tags = whole;
	clean.metric.tag_style = whole.ptr == NULL ? TAGS_NONE : TAGS_GRAPHITE;
	if (p->made_here) {
		*d = (struct decision){ .dropped_by = -1, .names_rule = -1,
		    .lasting = true,
		    .text = d->text, .captures = d->captures,
		    .to = rules_default(p->plan->rules, RECORD_METRIC) };
		d->by_name = d->to.clusters;
		return true;
	}
	rules_apply(p->plan->rules, &clean, d);
	return true;
}

bool
pipeline_final_name(struct pipeline *p, const struct decision *d)
{
	size_t at = slice_find(buf_slice(&p->scratch), ';');
	struct buf out = BUF_INIT(p->scratch.max);

	if (!d->renamed)
		return true;
	if (!buf_add_slice(&out, d->name) ||
	    !buf_add_slice(&out, slice_from(buf_slice(&p->scratch), at))) {
		buf_fini(&out);
		return false;
	}
	buf_fini(&p->scratch);
	p->scratch = out;
	return p->scratch.len <= UINT16_MAX;
}

static bool
aggregates(const struct pipeline *p, const struct decision_feed *f)
{
	return p->plan->conf->rules[f->rule].aggregate != NULL;
}

/* ---- samples ---- */

static struct link *
make_link(struct pipeline *p, const struct decision *d, struct entry *e)
{
	struct slice name = buf_slice(&p->scratch);
	size_t len = name.len;
	struct link *l;
	char *to;

	for (size_t i = 0; i < d->nfeeds; i++)
		if (aggregates(p, &d->feeds[i]))
			len += 1 + d->feeds[i].name.len;
	l = table_link(&p->table, e, len);
	if (l == NULL)
		return NULL;
	l->dest_mask = d->to.clusters & p->plan->figures;
	l->class_ = plan_class(p->plan, d->interval_ms);
	memcpy(l->name, name.ptr, name.len);
	to = l->name + name.len;
	for (size_t i = 0; i < d->nfeeds; i++) {
		if (!aggregates(p, &d->feeds[i]))
			continue;
		*to++ = '\n';
		memcpy(to, d->feeds[i].name.ptr, d->feeds[i].name.len);
		to += d->feeds[i].name.len;
	}
	return l;
}

/* ---- names for which there is no room ---- */

/* The number of a rule's cap; the ones that have no number of their own share
 * the last. */
static uint8_t
cap_of(const struct decision *d)
{
	return d->names_rule < 0 ? 0 :
	    d->names_rule > 253 ? 254 : (uint8_t)(d->names_rule + 1);
}

static bool
cap_reached(const struct pipeline *p, const struct decision *d)
{
	return d->names_rule >= 0 &&
	    p->plan->conf->rules[d->names_rule].max_names != 0 &&
	    p->table.capped[cap_of(d)] >=
	    p->plan->conf->rules[d->names_rule].max_names;
}

/* The one entry that stands for all of its type that have no room, called
 * "RULE.overflow", or "millrace.overflow". */
static struct entry *
overflow(struct pipeline *p, const struct record *r, bool by_rule)
{
	struct decision *d = &p->decision;
	struct metric_record m = r->metric;
	const char *rule = by_rule ?
	    p->plan->conf->rules[d->names_rule].name : "millrace";
	struct entry *e;
	uint32_t hash;

	buf_clear(&p->scratch);
	if (!buf_printf(&p->scratch, "%s.overflow", rule == NULL ?
	    "millrace" : rule))
		return NULL;
	m.name = buf_slice(&p->scratch);
	m.tags = SLICE("");
	m.tag_style = TAGS_NONE;
	hash = table_hash(&p->table, &m);
	e = table_find(&p->table, &m, hash);
	if (e == NULL)
		e = table_insert_reserved(&p->table, &m, hash);
	if (e == NULL)
		return NULL;
	counter_add(&p->overflowed, 1);
	p->table.half[p->table.current].overflow++;
	if (e->plan == p->plan->version)
		return e;
	d->nfeeds = 0;
	if (make_link(p, d, e) == NULL)
		return NULL;
	e->dropped = 0;
	e->plan = p->plan->version;
	return e;
}

/* Ask the rules about a name seen for the first time, or again after they
 * changed.  NULL with the reason when it can't be taken. */
static struct entry *
first_seen(struct pipeline *p, const struct record *r, struct entry *e,
    uint32_t hash, enum reason *why)
{
	struct decision *d = &p->decision;

	*why = REASON_BAD_NAME;
	if (!pipeline_decide(p, r))
		return NULL;
	*why = REASON_CARDINALITY;
	if (e == NULL) {
		top_add(&p->names, r->metric.name, 1);
		if (d->dropped_by < 0 && cap_reached(p, d))
			return overflow(p, r, true);
		e = table_insert(&p->table, &r->metric, hash);
	}
	if (e == NULL)
		return d->dropped_by < 0 ? overflow(p, r, false) : NULL;
	table_cap(&p->table, e, cap_of(d));
	e->plan = 0;	/* ask again next time, should this fail or not last */
	e->dropped = d->dropped_by >= 0;
	*why = REASON_NO_MEMORY;
	if (!e->dropped) {
		if (!pipeline_final_name(p, d))
			return NULL;
		if (make_link(p, d, e) == NULL)
			return NULL;
	}
	if (d->lasting)
		e->plan = p->plan->version;
	return e;
}

/* The entry a sample is to be added to; e: the one of its name, or NULL.  NULL:
 * to none, which is counted. */
static inline struct entry *
entry_for(struct pipeline *p, const struct record *r, struct entry *e,
    uint32_t hash)
{
	counter *dropped = p->ledger.book[RECORD_METRIC][r->source].dropped;
	enum reason why = REASON_NO_MEMORY;

	if (p->watched)
		p->tap(p->tap_ctx, r);
	if (e == NULL || e->plan != p->plan->version)
		e = first_seen(p, r, e, hash, &why);
	if (e != NULL && !e->dropped)
		return e;
	counter_add(&dropped[e == NULL ? why : REASON_RULE], 1);
	return NULL;
}

#define LOOK_AT_ONE_OF 256

/* Does one of these n samples stand for the many since the last one? */
static inline bool
due_for_a_look(struct pipeline *p, size_t n)
{
	p->beat += (unsigned)n;
	return p->beat >= LOOK_AT_ONE_OF;
}

/* Which of n it is, and count its name for the others. */
static void
look_at_one(struct pipeline *p, const struct metric_record *m, size_t stride,
    size_t n)
{
	p->dice ^= p->dice << 13;
	p->dice ^= p->dice >> 17;
	p->dice ^= p->dice << 5;
	m = (const void *)((const char *)m + p->dice % n * stride);
	top_add(&p->samples, m->name, p->beat);
	p->beat = 0;
}

void
pipeline_sample(struct pipeline *p, const struct record *r)
{
	struct ledger_book *book = &p->ledger.book[RECORD_METRIC][r->source];
	uint32_t hash = table_hash(&p->table, &r->metric);
	struct entry *e;

	if (p->plan->samples != 0 && pipeline_pass_on(p, r))
		return;
	counter_add(&book->received, 1);
	e = entry_for(p, r, table_find(&p->table, &r->metric, hash), hash);
	if (e != NULL)
		counter_add(table_add(&p->table, e, &r->metric, r->source,
		    r->received_ns) ? &book->entered :
		    &book->dropped[REASON_NO_MEMORY], 1);
	if (due_for_a_look(p, 1))
		look_at_one(p, &r->metric, 0, 1);
}

/* ---- many samples: the belt ---- */

static struct record
record_of(const struct table_run *run, size_t i)
{
	return (struct record){ .kind = RECORD_METRIC, .source = run->source,
	    .received_ns = run->received_ns, .metric = run->m[i] };
}

/* One that was not found, or that the rules are to be asked about. */
static struct entry *
odd_one(struct pipeline *p, const struct table_run *run, size_t i)
{
	struct record r = record_of(run, i);

	/* an earlier one may have made it */
	return entry_for(p, &r, run->e[i] != NULL ? run->e[i] :
	    table_find(&p->table, &run->m[i], run->hash[i]), run->hash[i]);
}

static void
add_run(struct pipeline *p, struct table_run *run)
{
	struct ledger_book *book = &p->ledger.book[RECORD_METRIC][run->source];
	size_t n = run->n, wanted = n, added;
	uint8_t version = p->plan->version;

	if (n == 0)
		return;
	for (size_t i = 0; i < n; i++) {
		const struct entry *e = run->e[i];

		if (e != NULL && e->plan == version && !e->dropped)
			continue;
		run->e[i] = odd_one(p, run, i);
		wanted -= run->e[i] == NULL;
	}
	added = table_run_add(&p->table, run);
	counter_add(&book->received, run->n);
	counter_add(&book->entered, added);
	if (added < wanted)
		counter_add(&book->dropped[REASON_NO_MEMORY], wanted - added);
	if (due_for_a_look(p, run->n))
		look_at_one(p, run->m, sizeof run->m[0], run->n);
	run->n = 0;
}

bool
pipeline_looks_at_each(const struct pipeline *p)
{
	return p->watched || p->plan->samples != 0;
}

/* Those of the run that is being filled, each on its own. */
static void
one_by_one(struct pipeline *p, struct table_run *run)
{
	for (size_t i = 0; i < run->n; i++) {
		struct record r = record_of(run, i);

		pipeline_sample(p, &r);
	}
	run->n = 0;
}

static struct table_run *
run_before(struct pipeline_belt *b, unsigned n)
{
	return &b->run[(b->at + PIPELINE_PLACES - n) % PIPELINE_PLACES];
}

struct table_run *
pipeline_run(struct pipeline *p, enum record_source source,
    int64_t received_ns)
{
	struct table_run *run = run_before(&p->belt, 0);

	if (run->n > 0 && run->source != source) {
		pipeline_move(p);
		run = run_before(&p->belt, 0);
	}
	run->source = source;
	run->received_ns = received_ns;
	return run;
}

/* The oldest first: it may make names that the others find. */
void
pipeline_move(struct pipeline *p)
{
	struct pipeline_belt *b = &p->belt;

	if (pipeline_looks_at_each(p))
		one_by_one(p, run_before(b, 0));
	add_run(p, run_before(b, 3));
	table_run_find(&p->table, run_before(b, 2));
	table_run_guess(&p->table, run_before(b, 1));
	table_run_hash(&p->table, run_before(b, 0));
	if (run_before(b, 0)->n > 0)
		b->busy = PIPELINE_PLACES - 1;
	else if (b->busy > 0)
		b->busy--;
	b->at = (b->at + 1) % PIPELINE_PLACES;
}

void
pipeline_settle(struct pipeline *p)
{
	if (run_before(&p->belt, 0)->n > 0)
		pipeline_move(p);
	while (p->belt.busy > 0)
		pipeline_move(p);
}

/* ---- points ---- */

static void
send_lines(struct pipeline *p, unsigned dest)
{
	struct lines_batch *b = p->lines[dest];

	if (b == NULL || b->lines == 0)
		return;
	p->lines[dest] = NULL;
	p->holding--;
	inbox_put(p->sinks.metrics, &b->letter, b->len);
}

struct lines_batch *
pipeline_room(struct pipeline *p, unsigned dest, size_t len)
{
	struct lines_batch *b;

	if (dest >= p->nlines) {
		unsigned n = dest + 16;
		struct lines_batch **v = realloc(p->lines, n * sizeof(*v));

		if (v == NULL)
			return NULL;
		memset(v + p->nlines, 0, (n - p->nlines) * sizeof *v);
		p->lines = v;
		p->nlines = n;
	}
	b = p->lines[dest];
	if (b != NULL && len <= b->cap - b->len)
		return b;
	send_lines(p, dest);
	b = lines_batch_new(dest, len > p->chunk ? len : p->chunk);
	if (b == NULL)
		return NULL;
	b->letter.deliver = p->sinks.take_lines;
	p->lines[dest] = b;
	p->holding++;
	return b;
}

static char *
put(char *to, struct slice s)
{
	memcpy(to, s.ptr, s.len);
	return to + s.len;
}

static bool
add_line(struct pipeline *p, unsigned dest, struct slice name,
    const struct record *r)
{
	size_t len = name.len + r->metric.text.len + LINE_MAX_TIME;
	struct lines_batch *b = pipeline_room(p, dest, len);
	int64_t s = r->time_ns / 1000000000;
	char *to;

	if (b == NULL)
		return false;
	to = put(b->data + b->len, name);
	*to++ = ' ';
	to = put(to, r->metric.text);
	*to++ = ' ';
	if (s < 0)
		*to++ = '-';
	to = digits_put(to, s < 0 ? -(uint64_t)s : (uint64_t)s);
	*to++ = '\n';
	b->len = (size_t)(to - b->data);
	b->lines++;
	return true;
}

static bool
add_points(struct pipeline *p, const struct route *route,
    const struct record *r)
{
	const struct route_feed *f = route_feeds(route);
	const char *name = route_feed_names(route);

	if (p->points == NULL) {
		p->points = calloc(1, sizeof *p->points);
		if (p->points == NULL)
			return false;
		buf_init(&p->points->bytes, 16 * 1024 * 1024);
		p->points->letter.deliver = p->sinks.take_points;
		p->holding++;
	}
	for (size_t i = 0; i < route->nfeeds; i++) {
		struct point_head head = {
			.rule = f[i].rule, .name_len = f[i].name_len,
			.value = r->metric.value,
			.time_s = r->time_ns / 1000000000
		};

		if (!buf_reserve(&p->points->bytes,
		    sizeof head + head.name_len))
			return false;
		buf_add(&p->points->bytes, &head, sizeof head);
		buf_add(&p->points->bytes, name, head.name_len);
		name += head.name_len;
		p->points->n++;
	}
	return true;
}

static void
draft_dests(struct pipeline *p, const struct decision *d,
    struct route_draft *draft)
{
	struct slice name = buf_slice(&p->scratch);

	for (size_t i = 0; i < p->plan->nclusters; i++) {
		uint16_t dests[ROUTE_MAX_DESTS];
		size_t n;

		if (((d->to.clusters & p->plan->figures) >> i & 1) == 0)
			continue;
		n = plan_pick_by(p->plan, i, d, name, dests,
		    ROUTE_MAX_DESTS - draft->ndests);
		memcpy(draft->dests + draft->ndests, dests, n * sizeof *dests);
		draft->ndests += n;
	}
}

/* The limit of a name seen for the first time.  False: there is no room for
 * it, and nothing is kept of it. */
static bool
limit_new(struct pipeline *p, const struct decision *d, struct slice raw,
    uint8_t *number)
{
	struct limits *l = p->limits;

	*number = l == NULL ? 0 : limits_number(l, d->names_rule);
	if (!d->lasting)
		return true;	/* it is decided for each point: no new name */
	top_add(&p->names, slice_upto(raw, slice_find(raw, ';')), 1);
	if (*number == 0)
		return true;
	if (l->emptied != p->routes.emptied) {
		limits_clear(l);	/* the names begin anew */
		l->emptied = p->routes.emptied;
		*number = limits_number(l, d->names_rule);
	}
	return limit_name(&l->v[*number],
	    p->plan->conf->rules[d->names_rule].max_names);
}

/* Decide where a name goes.  A decision that lasts is kept in the table; one
 * that does not is in p->passing until the next one. */
static struct route *
route_decide(struct pipeline *p, const struct record *r, struct slice raw,
    struct route_key key, enum reason *why)
{
	struct route_draft draft = { .raw = raw, .variant = key.variant };
	struct decision *d = &p->decision;
	struct route *kept;

	*why = REASON_BAD_NAME;
	if (!pipeline_decide(p, r) || !pipeline_final_name(p, d))
		return NULL;
	*why = REASON_NO_MEMORY;
	draft.dropped = d->dropped_by >= 0;
	if (!draft.dropped && !limit_new(p, d, raw, &draft.limit)) {
		*why = REASON_CARDINALITY;
		return NULL;
	}
	if (!draft.dropped) {
		if (!slice_eq(buf_slice(&p->scratch), raw))
			draft.out = buf_slice(&p->scratch);
		draft.choosy = plan_choosy(p->plan, d->to.clusters &
		    p->plan->figures);
		if (draft.choosy && d->nkeys > 0) {
			draft.choosy = false;	/* who is up was just asked: */
			d->lasting = false;	/* by keys, which are not kept */
		}
		draft_dests(p, d, &draft);
		for (size_t i = 0; i < d->nfeeds; i++) {
			if (!aggregates(p, &d->feeds[i]))
				continue;
			draft.feeds[draft.nfeeds].rule =
			    (uint16_t)d->feeds[i].rule;
			draft.feeds[draft.nfeeds++].name = d->feeds[i].name;
		}
	}
	if (d->lasting &&
	    (kept = routes_put(&p->routes, &draft, key.hash)) != NULL)
		return kept;
	free(p->passing);
	p->passing = route_new(&draft);
	return p->passing;
}

/* Has its rule had all the points of this second? */
static bool
over_rate(struct pipeline *p, const struct route *route, const struct record *r)
{
	struct limit *l = &p->limits->v[route->limit];

	return !limit_point(l, p->plan->conf->rules[l->rule].max_points,
	    r->received_ns);
}

static void
count_limited(struct pipeline *p, struct ledger_book *book, struct slice raw,
    enum reason why)
{
	top_add(&p->limited, slice_upto(raw, slice_find(raw, ';')), 1);
	counter_add(&book->dropped[why], 1);
}

static bool
has_dest(const struct plan_cluster *c, unsigned dest)
{
	for (size_t i = 0; i < c->ndests; i++)
		if (c->dests[i] == dest)
			return true;
	return false;
}

/* A cluster that looks who is up: the decision of before says how many it has
 * of the route, but each line asks anew who they are.  The i-th of the route's
 * destinations; those of a cluster stand behind one another. */
static unsigned
living_dest(struct pipeline *p, const struct route *route, size_t i)
{
	const uint16_t *dests = route_dests(route);
	const struct plan *plan = p->plan;
	uint16_t now[ROUTE_MAX_DESTS];

	for (size_t c = 0; c < plan->nclusters; c++) {
		const struct plan_cluster *cluster = &plan->clusters[c];
		size_t nth = 0;

		if ((!cluster->choosy && !cluster->conf->dynamic) ||
		    !has_dest(cluster, dests[i]))
			continue;
		while (nth < i && has_dest(cluster, dests[i - nth - 1]))
			nth++;
		return plan_pick(plan, c, route_name(route), now, nth + 1) >
		    nth ? now[nth] : dests[i];
	}
	return dests[i];
}

bool
pipeline_sheds(const struct pipeline *p, unsigned dest)
{
	return p->shed != 0 && (p->shed >> dest % 64 & 1) != 0 && atomic_load_explicit(
	    &p->plan->registry->dest[dest]->state.choking,
	    memory_order_relaxed);
}

static bool
send_line(struct pipeline *p, const struct route *route,
    const struct record *r)
{
	const uint16_t *dests = route_dests(route);
	struct slice name = route_name(route);

	for (size_t i = 0; i < route->ndests; i++) {
		unsigned dest = dests[i];

		if (route->choosy)
			dest = living_dest(p, route, i);
		p->touched |= UINT64_C(1) << dest % 64;
		if (pipeline_sheds(p, dest)) {
			if (i == 0)
				ledger_lost(&p->ledger, RECORD_METRIC,
				    r->source, REASON_OVERLOAD, 1);
			continue;
		}
		if (!add_line(p, dest, name, r))
			return false;
		if (i == 0)
			p->lines[dest]->counts.n[RECORD_METRIC][r->source]++;
	}
	return route->nfeeds == 0 || add_points(p, route, r);
}

/* The key of a point: its name with the tags behind it, as they stand in the
 * line.  The parser cut at the ';', so they are one run of bytes. */
static struct slice
point_key(const struct metric_record *m)
{
	if (m->tag_style == TAGS_NONE)
		return m->name;
	return slice_of(m->name.ptr,
	    (size_t)(m->tags.ptr + m->tags.len - m->name.ptr));
}

/* Where it is looked for. */
static struct route_key
route_key(struct pipeline *p, const struct record *r, struct slice raw)
{
	struct route_key key = { routes_hash(&p->routes, raw), 0 };

	if (p->varied) {
		key.variant = (uint8_t)rules_variant(p->plan->rules, r,
		    &p->decision.captures.scratch);
		key.hash += key.variant;
	}
	return key;
}

static void
point(struct pipeline *p, const struct record *r, struct slice raw,
    struct route_key key)
{
	struct ledger_book *book = &p->ledger.book[RECORD_METRIC][r->source];
	struct route *route = routes_find(&p->routes, raw, key);
	enum reason why;

	counter_add(&book->received, 1);
	if (p->watched)
		p->tap(p->tap_ctx, r);
	if (route == NULL)
		route = route_decide(p, r, raw, key, &why);
	if (route == NULL && why == REASON_CARDINALITY) {
		count_limited(p, book, raw, why);
		return;
	}
	if (route == NULL) {
		counter_add(&book->dropped[why], 1);
		return;
	}
	if (route->limit != 0 && over_rate(p, route, r)) {
		count_limited(p, book, raw, REASON_RATE_LIMIT);
		return;
	}
	if (route->dropped || (route->ndests == 0 && route->nfeeds == 0)) {
		counter_add(&book->dropped[route->dropped ? REASON_RULE :
		    REASON_NO_ROUTE], 1);
		return;
	}
	counter_add(&book->entered, 1);
	if (!send_line(p, route, r)) {
		ledger_lost(&p->ledger, RECORD_METRIC, r->source,
		    REASON_NO_MEMORY, 1);
		return;
	}
	if (route->ndests == 0)	/* the aggregator has it */
		counter_add(&book->delivered, 1);
}

void
pipeline_point(struct pipeline *p, const struct record *r)
{
	struct slice raw = point_key(&r->metric);

	point(p, r, raw, route_key(p, r, raw));
}

/* The table of routes is larger than any cache. */
void
pipeline_points(struct pipeline *p, const struct record *r, size_t n)
{
	struct slice raw[PIPELINE_RUN];
	struct route_key key[PIPELINE_RUN];

	for (size_t i = 0; i < n; i++) {
		raw[i] = point_key(&r[i].metric);
		key[i] = route_key(p, &r[i], raw[i]);
		routes_prefetch_slot(&p->routes, key[i].hash);
	}
	for (size_t i = 0; i < n; i++)
		routes_prefetch_route(&p->routes, key[i].hash);
	for (size_t i = 0; i < n; i++)
		point(p, &r[i], raw[i], key[i]);
	if (n > 0 && due_for_a_look(p, n))
		look_at_one(p, &r->metric, sizeof *r, n);
}

/* ---- giving away ---- */

void
pipeline_send_lines(struct pipeline *p, size_t bytes)
{
	for (unsigned i = 0; i < p->nlines; i++)
		if (p->lines[i] != NULL && p->lines[i]->len >= bytes)
			send_lines(p, i);
	if (p->points != NULL && p->points->bytes.len >= bytes) {
		struct points_batch *b = p->points;

		p->points = NULL;
		p->holding--;
		inbox_put(p->sinks.metrics, &b->letter, b->bytes.len);
	}
}
