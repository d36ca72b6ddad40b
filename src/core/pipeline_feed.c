/* pipeline_feed.c - what rules make of a log message or an event besides:
 * a count, a gauge, a timing, an event. */
#include "config.h"

#include <stdlib.h>

#include "base/number.h"
#include "core/pipeline.h"

struct made {
	const char *kind;
	enum metric_type type;
};

static const struct made metrics[] = {
	{ "count", METRIC_COUNTER },
	{ "gauge", METRIC_GAUGE },
	{ "timing", METRIC_TIMER },
	{ "set", METRIC_SET },
};

/* Without a value a count is one more; anything else needs a number. */
static bool
value_of(const struct decision_feed *f, enum metric_type type, double *v)
{
	if (f->value.len == 0 && type == METRIC_COUNTER) {
		*v = 1;
		return true;
	}
	*v = 0;
	return type == METRIC_SET || number_js(f->value, v);
}

static void
make_metric(struct pipeline *p, const struct record *r,
    const struct decision_feed *f, enum metric_type type)
{
	struct record m = {
		.kind = RECORD_METRIC, .source = SOURCE_INTERNAL,
		.received_ns = r->received_ns,
		.metric = { .type = type, .name = f->name, .text = f->value,
		    .rate = 1 }
	};

	if (!value_of(f, type, &m.metric.value)) {
		pipeline_refused(p, RECORD_METRIC, SOURCE_INTERNAL,
		    REASON_BAD_VALUE, 1);
		return;
	}
	pipeline_sample(p, &m);
}

static void
make_one(struct pipeline *p, const struct record *r,
    const struct decision_feed *f)
{
	const char *kind = p->plan->conf->rules[f->rule].as_kind;

	if (kind == NULL)
		return;
	for (size_t i = 0; i < sizeof metrics / sizeof metrics[0]; i++)
		if (strcmp(kind, metrics[i].kind) == 0)
			make_metric(p, r, f, metrics[i].type);
	if (strcmp(kind, "event") == 0 && r->kind == RECORD_LOG)
		pipeline_event_of_log(p, r, f->name.len > 0 ? f->name :
		    SLICE("logs"), rules_default(p->plan->rules,
		    RECORD_EVENT).streams, NULL);
}

/* The decision is used again by what is made, so its feeds are copied first. */
void
pipeline_feeds(struct pipeline *p, const struct record *r)
{
	struct decision_feed feeds[DECISION_MAX_FEEDS];
	struct buf text = BUF_INIT(DECISION_MAX_TEXT * 2);
	size_t n = p->decision.nfeeds, at = 0;

	if (p->made_here)
		return;
	for (size_t i = 0; i < n; i++) {
		feeds[i] = p->decision.feeds[i];
		if (!buf_add_slice(&text, feeds[i].name) ||
		    !buf_add_slice(&text, feeds[i].value))
			n = i;
	}
	for (size_t i = 0; i < n; i++) {
		feeds[i].name.ptr = text.data + at;
		at += feeds[i].name.len;
		feeds[i].value.ptr = text.data + at;
		at += feeds[i].value.len;
	}
	p->made_here = true;
	for (size_t i = 0; i < n; i++)
		make_one(p, r, &feeds[i]);
	p->made_here = false;
	buf_fini(&text);
}
