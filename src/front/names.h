/* names.h - how each protocol's names are cleaned, by the configuration. */
#ifndef MILLRACE_FRONT_NAMES_H
#define MILLRACE_FRONT_NAMES_H

#include "base/buf.h"
#include "conf/conf.h"
#include "proto/graphite.h"
#include "proto/statsd.h"
#include "record/record.h"

struct names {
	struct statsd_name_options statsd;
	struct graphite_name_options graphite;
};

/* NULL: no memory. */
struct names *names_new(const struct conf *conf);
void names_free(struct names *n);

/* The clean name of a metric, tags behind it; ctx is a struct worker. */
bool names_metric(void *ctx, const struct record *r, struct buf *out);
/* The line that says a sample again; likewise. */
bool names_sample(void *ctx, const struct record *r, struct slice name,
    struct buf *out);
/* The same without a worker.  False: it has none, or one that is too long. */
bool names_clean(const struct names *n, const struct record *r,
    struct buf *out);

#endif
