/* pages.h - what the admin page shows, as text. */
#ifndef MILLRACE_APP_PAGES_H
#define MILLRACE_APP_PAGES_H

#include "base/buf.h"

struct daemon;

/* Prometheus' text format: the ledger, the sinks, ourselves. */
bool page_metrics(struct daemon *d, struct buf *out);
/* The ledger as JSON: kind, source, received delivered queued dropped{reason};
 * and the sinks by name. */
bool page_ledger(struct daemon *d, struct buf *out);
/* What merged_prometheus() of the metrics thread made. */
struct metrics;
void page_aggregated(struct metrics *m, struct buf *out);
/* The prefixes with the most names and the most samples, as JSON. */
bool page_top(struct daemon *d, struct buf *out);
/* The latest flush as Graphite lines. */
bool page_flush(struct daemon *d, struct buf *out);

#endif
