/* pipeline_pass.c - samples that go on as they came: the repeater's and the
 * proxy's work.
 *
 * Where a name goes is decided once, by its name as it was sent, as the
 * reference's proxy does.  A sample that is added up here as well is in the
 * books once, as one of those; what its copies meet is counted by the
 * destinations. */
#include "config.h"

#include <stdlib.h>

#include "core/pipeline_private.h"

/* What decisions are kept by: rules may look at the type, too. */
static bool
make_key(struct pipeline *p, const struct record *r)
{
	buf_clear(&p->pass_key);
	return buf_addc(&p->pass_key, (char)('a' + r->metric.type)) &&
	    buf_add_slice(&p->pass_key, metric_sent_name(&r->metric)) &&
	    (r->metric.tag_style != TAGS_DOGSTATSD ||
	    (buf_add_slice(&p->pass_key, SLICE("|#")) &&
	    buf_add_slice(&p->pass_key, r->metric.tags)));
}

/* Tags behind "|#" stay there; others are a part of the name. */
static struct slice
new_name(const struct pipeline *p, const struct decision *d,
    const struct record *r)
{
	if (!d->renamed)
		return metric_sent_name(&r->metric);
	if (r->metric.tag_style == TAGS_DOGSTATSD)
		return d->name;
	return buf_slice(&p->scratch);
}

/* Is something to be done with it here as well?  What a rule drops is for the
 * table to count. */
static bool
stays(const struct pipeline *p, const struct decision *d)
{
	if (d->dropped_by >= 0 || (d->to.clusters & p->plan->samples) == 0 ||
	    (d->to.clusters & p->plan->figures) != 0)
		return true;
	for (size_t i = 0; i < d->nfeeds; i++)
		if (p->plan->conf->rules[d->feeds[i].rule].aggregate != NULL)
			return true;
	return false;
}

/* A choosy route is asked for again with each line. */
static void
draft_dests(struct pipeline *p, uint64_t clusters, struct slice name,
    struct route_draft *draft)
{
	const struct plan *plan = p->plan;

	for (size_t i = 0; i < plan->nclusters; i++) {
		size_t room = ROUTE_MAX_DESTS - draft->ndests;
		uint16_t *to = draft->dests + draft->ndests;

		if ((clusters >> i & 1) == 0)
			continue;
		draft->ndests += plan->clusters[i].checked ?
		    plan_home(plan, i, name, to, room) :
		    plan_pick(plan, i, name, to, room);
	}
	draft->choosy = plan_choosy(plan, clusters);
}

/* What a route's name has in front of it here. */
struct pass {
	uint64_t clusters;	/* that it is passed on to */
	bool stays;		/* and it is added up here as well */
};

static struct slice
split(const struct route *route, struct pass *pass)
{
	struct slice name = route_name(route);

	memcpy(pass, name.ptr, sizeof *pass);
	return slice_from(name, sizeof *pass);
}

/* Decide it, and keep what was decided if that holds for the next one. */
static struct route *
decide(struct pipeline *p, const struct record *r, uint32_t hash)
{
	struct route_draft draft = { .raw = buf_slice(&p->pass_key) };
	struct decision *d = &p->decision;
	struct route *kept;
	struct pass pass;
	struct slice name;

	if (!pipeline_decide(p, r) || !pipeline_final_name(p, d))
		return NULL;
	memset(&pass, 0, sizeof pass);
	pass.clusters = d->dropped_by >= 0 ? 0 :
	    d->to.clusters & p->plan->samples;
	pass.stays = stays(p, d);
	name = new_name(p, d, r);
	buf_clear(&p->pass_line);
	if (!buf_add(&p->pass_line, &pass, sizeof pass) ||
	    !buf_add_slice(&p->pass_line, name))
		return NULL;
	draft.out = buf_slice(&p->pass_line);
	draft_dests(p, pass.clusters, name, &draft);
	kept = d->lasting ? routes_put(&p->passes, &draft, hash) : NULL;
	if (kept != NULL)
		return kept;
	free(p->passing);
	p->passing = route_new(&draft);
	return p->passing;
}

/* The destinations of one line: those of before, unless somebody is sick. */
static size_t
find_dests(const struct pipeline *p, const struct route *route,
    uint64_t clusters, struct slice name, uint16_t dests[ROUTE_MAX_DESTS])
{
	const struct plan *plan = p->plan;
	size_t n = 0;

	if (!route->choosy && atomic_load_explicit(&plan->registry->sick,
	    memory_order_relaxed) == 0) {
		memcpy(dests, route_dests(route), route->ndests *
		    sizeof *dests);
		return route->ndests;
	}
	for (size_t i = 0; i < plan->nclusters; i++)
		if ((clusters >> i & 1) != 0)
			n += plan_pick(plan, i, name, dests + n,
			    ROUTE_MAX_DESTS - n);
	return n;
}

/* One copy.  counts: it stands for the sample in the books. */
static enum reason
send_to(struct pipeline *p, unsigned dest, const struct record *r, bool counts)
{
	struct slice line = buf_slice(&p->pass_line);
	struct lines_batch *b;

	p->touched |= UINT64_C(1) << dest % 64;
	if (pipeline_sheds(p, dest))
		return REASON_OVERLOAD;
	b = pipeline_room(p, dest, line.len);
	if (b == NULL)
		return REASON_NO_MEMORY;
	memcpy(b->data + b->len, line.ptr, line.len);
	b->len += line.len;
	b->lines++;
	if (counts)
		b->counts.n[RECORD_METRIC][r->source]++;
	return REASON_NONE;
}

/* What became of its first copy. */
static enum reason
send_copies(struct pipeline *p, const struct route *route,
    const struct pass *pass, struct slice name, const struct record *r)
{
	uint16_t dests[ROUTE_MAX_DESTS];
	size_t n = find_dests(p, route, pass->clusters, name, dests);
	enum reason first = REASON_NO_ROUTE;

	buf_clear(&p->pass_line);
	if (n > 0 && !p->ops->sample_line(p->ops_ctx, r, name, &p->pass_line))
		return REASON_TOO_LONG;
	for (size_t i = 0; i < n; i++) {
		enum reason why = send_to(p, dests[i], r, i == 0 &&
		    !pass->stays);

		if (i == 0)
			first = why;
		else if (why != REASON_NONE)
			counter_add(&p->copies_lost, 1);
	}
	return first;
}

/* NULL: the table will say what is wrong with it. */
static struct route *
find_route(struct pipeline *p, const struct record *r)
{
	struct slice key;
	struct route *route;
	uint32_t hash;

	if (!make_key(p, r))
		return NULL;
	key = buf_slice(&p->pass_key);
	hash = routes_hash(&p->passes, key);
	route = routes_find(&p->passes, key, (struct route_key){ hash, 0 });
	return route != NULL ? route : decide(p, r, hash);
}

bool
pipeline_pass_on(struct pipeline *p, const struct record *r)
{
	struct ledger_book *book = &p->ledger.book[RECORD_METRIC][r->source];
	const struct route *route = find_route(p, r);
	enum reason why = REASON_NONE;
	struct slice name;
	struct pass pass;

	if (route == NULL)
		return false;
	name = split(route, &pass);
	if (pass.clusters != 0)
		why = send_copies(p, route, &pass, name, r);
	if (pass.stays) {
		if (why != REASON_NONE)
			counter_add(&p->copies_lost, 1);
		return false;
	}
	counter_add(&book->received, 1);
	if (p->watched)
		p->tap(p->tap_ctx, r);
	counter_add(why == REASON_NONE ? &book->entered : &book->dropped[why],
	    1);
	return true;
}
