/* metrics.h - the metrics thread: merge, flush, and the way to the clusters.
 *
 * On each tick it asks every worker for the full half of its table, merges
 * them, prints the flush and deals its lines, and those that workers relay, to
 * the destinations.  Nobody waits for it: a worker goes on with its other half,
 * and a destination that is slow has a queue. */
#ifndef MILLRACE_SINK_METRICS_H
#define MILLRACE_SINK_METRICS_H

#include <pthread.h>

#include "base/buf.h"
#include "core/inbox.h"
#include "core/ledger.h"
#include "core/merged.h"
#include "core/plan.h"
#include "net/thread.h"
#include "sink/destination.h"
#include "sink/spool_lane.h"

struct aggregator;
struct half;
struct health;
struct prom_mapping;
struct relay_figures;
struct relay_report;

/* How to ask the workers for their halves. */
struct metrics_workers {
	unsigned n;
	bool (*swap)(void *ctx, unsigned worker);
	/* The books of all threads, for what we say of our own losses. */
	void (*books)(void *ctx, struct ledger_sum *sum);
	/* What each worker did, for the statistics; workers[] has room for n. */
	void (*figures)(void *ctx, struct relay_figures *f);
	void *ctx;
};

struct metrics {
	struct thread thread;
	struct inbox inbox;
	struct ledger ledger;
	struct plan *plan;		/* one reference */
	struct merged *merged;
	struct aggregator *aggregator;
	uint64_t *agg_mask;		/* clusters, by rule of the aggregator */
	size_t *agg_of;			/* its number, by rule of the plan */
	struct metrics_workers workers;
	struct destination_env env;
	struct health *health;		/* of statsd nodes */
	struct spooler spooler;
	_Atomic(struct destination *) dests[PLAN_MAX_DESTS];
	struct lines_batch *open[PLAN_MAX_DESTS];	/* of the flush under way */
	bool in_memory[PLAN_MAX_DESTS];	/* of a memory cluster: for the page */
	unsigned ndests;
	ev_timer tick[PLAN_MAX_CLASSES];
	int64_t next_ns[PLAN_MAX_CLASSES];
	ev_timer second;
	uint32_t due;			/* classes whose tick has come */
	unsigned waiting;		/* halves still out */
	uint32_t due_at_end;		/* classes that the end flushes */
	struct letter *asked;		/* orders that wait for halves, a list */
	unsigned round;			/* of asking all workers */
	uint64_t failures;		/* of destinations, seen so far */
	uint64_t dropped[RECORD_KINDS][RECORD_SOURCES][REASON_COUNT];
	struct prom_mapping *mapping;	/* of the Prometheus page, or NULL */
	char *state_path;		/* of the saved gauges; NULL: not saved */
	char *sets_path;		/* of the sets; likewise */
	struct buf sets_image;		/* as they were before the last flush */
	int64_t saved_ns;
	_Atomic bool saving;		/* a thread of its own writes them */
	struct flush_internal internal;
	uint64_t flush_bytes;
	bool untidy;			/* a large flush went through malloc */
	_Atomic double flush_seconds;	/* CPU of the latest flush */
	_Atomic uint64_t flushes;
	/* of merged_get_stats(), after each flush, for the page */
	_Atomic uint64_t sets_estimated, sketches_collapsed, names;

	pthread_mutex_t page_lock;	/* the latest flush as text, for the page */
	struct buf page, page_next;

	struct relay_report *report;	/* statistics under a peer's names, or NULL */

	uint64_t seed;
	bool ending;
	int64_t end_ns;
	void (*ended)(void *ctx);
	void *ended_ctx;
};

/* Make it; not running yet.  -1 with errno. */
int metrics_init(struct metrics *m, struct plan *plan, uint64_t seed,
    const struct metrics_workers *workers);
int metrics_start(struct metrics *m);
void metrics_fini(struct metrics *m);

/* Letters that workers put into m->inbox. */
void metrics_take_half(struct letter *l, void *metrics);
void metrics_take_lines(struct letter *l, void *metrics);
void metrics_take_points(struct letter *l, void *metrics);
void metrics_take_timed(struct letter *l, void *metrics);

/* Orders, from any thread. */
bool metrics_order_plan(struct metrics *m, struct plan *plan);
/* Flush all now, deliver what can be delivered within deadline_ms, then call
 * done in the metrics thread, which has left its loop by then. */
bool metrics_order_end(struct metrics *m, unsigned deadline_ms,
    void (*done)(void *), void *ctx);
/* Run fn in the metrics thread (management port, admin page). */
bool metrics_order_run(struct metrics *m,
    void (*fn)(struct metrics *m, void *ctx), void *ctx);
/* The same, once what the workers counted up to now is merged. */
bool metrics_order_fresh(struct metrics *m,
    void (*fn)(struct metrics *m, void *ctx), void *ctx);

#endif
