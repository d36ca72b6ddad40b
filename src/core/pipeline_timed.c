/* pipeline_timed.c - samples with a time of their own (DogStatsD's |T): past
 * the table, to the metrics thread, as they are.
 *
 * Few senders have them, so the rules are asked for each one. */
#include "config.h"

#include <stdlib.h>

#include "core/pipeline_private.h"

#define TIMED_MAX (16u << 20)

static struct timed_batch *
batch(struct pipeline *p)
{
	if (p->timed != NULL)
		return p->timed;
	p->timed = calloc(1, sizeof *p->timed);
	if (p->timed == NULL)
		return NULL;
	buf_init(&p->timed->bytes, TIMED_MAX);
	p->timed->letter.deliver = p->sinks.take_timed;
	p->holding++;
	return p->timed;
}

static bool
add(struct pipeline *p, const struct record *r, struct slice name,
    bool counts)
{
	const struct metric_record *m = &r->metric;
	struct timed_batch *b = batch(p);
	struct timed_head head;

	if (b == NULL || !buf_reserve(&b->bytes, sizeof head + name.len))
		return false;
	memset(&head, 0, sizeof head);
	head.clusters = p->decision.to.clusters & p->plan->figures;
	head.time_s = r->time_ns / 1000000000;
	head.value = m->type == METRIC_COUNTER ? m->value * (1 / m->rate) :
	    m->value;
	head.name_len = (uint32_t)name.len;
	head.type = (uint8_t)m->type;
	head.source = (uint8_t)r->source;
	head.counts = counts;
	buf_add(&b->bytes, &head, sizeof head);
	buf_add_slice(&b->bytes, name);
	return true;
}

static enum reason
take(struct pipeline *p, const struct record *r)
{
	struct decision *d = &p->decision;

	if (!pipeline_decide(p, r))
		return REASON_BAD_NAME;
	if (d->dropped_by >= 0)
		return REASON_RULE;
	if (!pipeline_final_name(p, d))
		return REASON_BAD_NAME;
	if (!add(p, r, buf_slice(&p->scratch), true))
		return REASON_NO_MEMORY;
	for (size_t i = 0; i < d->nfeeds; i++)
		if (p->plan->conf->rules[d->feeds[i].rule].aggregate != NULL)
			add(p, r, d->feeds[i].name, false);
	return REASON_NONE;
}

bool
pipeline_is_timed(const struct record *r)
{
	return r->time_ns != 0 && (r->metric.type == METRIC_COUNTER ||
	    r->metric.type == METRIC_GAUGE);
}

void
pipeline_timed(struct pipeline *p, const struct record *r)
{
	struct ledger_book *book = &p->ledger.book[RECORD_METRIC][r->source];
	enum reason why;

	if (p->plan->samples != 0 && pipeline_pass_on(p, r))
		return;
	counter_add(&book->received, 1);
	if (p->watched)
		p->tap(p->tap_ctx, r);
	why = take(p, r);
	counter_add(why == REASON_NONE ? &book->entered : &book->dropped[why],
	    1);
}

void
pipeline_send_timed(struct pipeline *p, size_t bytes)
{
	struct timed_batch *b = p->timed;

	if (b == NULL || b->bytes.len < bytes)
		return;
	p->timed = NULL;
	p->holding--;
	inbox_put(p->sinks.metrics, &b->letter, b->bytes.len);
}
