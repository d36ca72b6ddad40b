/* metrics_flush.h - between the metrics thread's files: merging halves,
 * printing flushes, dealing lines to destinations. */
#ifndef MILLRACE_SINK_METRICS_FLUSH_H
#define MILLRACE_SINK_METRICS_FLUSH_H

#include <stdbool.h>
#include <stdint.h>

#include "core/merged.h"

#include "base/slice.h"

struct lines_batch;
struct metrics;
struct plan;

/* A batch for a destination, which takes it. */
void metrics_give(struct metrics *m, unsigned dest, struct lines_batch *b);
/* A line into the batch that is being filled for a destination, which is
 * borrowed until the next call; NULL: no memory. */
struct lines_batch *metrics_deal_line(struct metrics *m, unsigned dest,
    struct slice line);
/* Give away what was filled. */
void metrics_deal_all(struct metrics *m);

/* metrics_dests.c: make the destinations of a plan, tell those that stay and
 * those that leave.  The plan before it is still there. */
void metrics_use_destinations(struct metrics *m, const struct plan *plan);
/* Send what waits for servers that leave, or have deputies, to others; was
 * there any? */
bool metrics_reroute(struct metrics *m);

/* The tick of a class has come: it is due, and its next tick is set. */
void metrics_tick(struct metrics *m, unsigned class_);
/* Flush the classes that are due. */
void metrics_flush_due(struct metrics *m);
/* All halves are back: run the orders that waited for them. */
void metrics_answer(struct metrics *m);
/* What the rules would do with a canonical name: a merged_route. */
void metrics_route(void *metrics, enum merged_group group, struct slice name,
    uint64_t *dest_mask, unsigned *class_);
/* The saved gauges: read at the start; written each minute in a thread of its
 * own, and at the end here. */
void metrics_state_load(struct metrics *m);
/* Before the very last flush: what the sets have. */
void metrics_state_sets(struct metrics *m);
void metrics_state_tick(struct metrics *m, int64_t now_ns);
void metrics_state_end(struct metrics *m);
/* Go on by this plan (takes a reference of its own); false: no memory, and
 * nothing changed. */
bool metrics_use_plan(struct metrics *m, struct plan *plan);
/* Emit what the aggregation rules have finished. */
void metrics_aggregate(struct metrics *m, int64_t now_ns);
/* The same, with what they have not finished: before the end. */
void metrics_aggregate_end(struct metrics *m);
void metrics_aggregate_fini(struct metrics *m);

/* A line to the clusters of the mask, each to the server of its name. */
void metrics_line(struct metrics *m, uint64_t clusters, struct slice name,
    struct slice line);

/* metrics_report.c: the relay's statistics under a peer's names, when they are
 * due. */
void metrics_report(struct metrics *m, int64_t now_ns);
void metrics_report_fini(struct metrics *m);

#endif
