/* names.c - cleaning names as each protocol's users expect it. */
#include "config.h"

#include <stdlib.h>

#include "front/names.h"
#include "front/worker.h"

struct names *
names_new(const struct conf *conf)
{
	struct names *n = calloc(1, sizeof *n);

	if (n == NULL)
		return NULL;
	n->statsd = statsd_name_defaults;
	n->statsd.sanitize = conf->statsd.sanitize;
	n->statsd.dialects = !conf->statsd.strict;
	n->statsd.sort_tags = conf->statsd.sort_tags;
	graphite_name_options_init(&n->graphite, conf->graphite.allowed_chars);
	n->graphite.clean = conf->graphite.clean_names ? GRAPHITE_CLEAN_RELAY :
	    GRAPHITE_CLEAN_CONTROL;
	n->graphite.tags = conf->graphite.normalize_tags ?
	    GRAPHITE_TAGS_NORMAL : GRAPHITE_TAGS_VERBATIM;
	return n;
}

void
names_free(struct names *n)
{
	free(n);
}

bool
names_clean(const struct names *n, const struct record *r, struct buf *out)
{
	enum reason why;
	size_t at = out->len;

	if (r->source == SOURCE_GRAPHITE || r->source == SOURCE_PICKLE)
		return graphite_name(out, r->metric.name, r->metric.tags,
		    &n->graphite, &why);
	if (!statsd_name(out, &r->metric, &n->statsd))
		return false;
	/* nothing is left of it: carbon cannot store that, the reference
	 * sends it */
	if (n->statsd.dialects && (out->len == at || out->data[at] == ';')) {
		out->len = at;
		return false;
	}
	return true;
}

bool
names_sample(void *ctx, const struct record *r, struct slice name,
    struct buf *out)
{
	const struct worker *w = ctx;

	return statsd_write(out, &r->metric, name, statsd_group_of(w->packet,
	    r->metric.text, w->pipeline.plan->conf->statsd.strict));
}

bool
names_metric(void *ctx, const struct record *r, struct buf *out)
{
	const struct worker *w = ctx;

	return names_clean(w->names, r, out);
}
