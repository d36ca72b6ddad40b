/* pipeline.h - from a record to the batch it leaves in; one per worker.
 *
 * A worker's pipeline is touched by that worker only.  It asks the rules about
 * each name once and remembers, adds samples to the worker's metric table, and
 * gathers everything else in batches that it puts into the sinks' inboxes when
 * they are full or pipeline_flush() says it is time.
 *
 * It always takes a record: full is asked for beforehand, with
 * pipeline_full(), and a stream that is told so is paused until it is not.
 * Datagrams that come while it is full are shed by the caller, counted.
 *
 * A destination that chokes is the business of those only who send to it: a
 * stream whose lines went to one (`touched`) is paused, and lines of datagrams
 * that are for one are lost, counted. */
#ifndef MILLRACE_CORE_PIPELINE_H
#define MILLRACE_CORE_PIPELINE_H

#include "core/batch.h"
#include "core/inbox.h"
#include "core/ledger.h"
#include "core/limits.h"
#include "core/plan.h"
#include "core/routes.h"
#include "core/rules.h"
#include "core/table.h"
#include "core/top.h"

enum verdict { TOOK, FULL };

/* What only the front knows: how its protocols write things.  All append to
 * out and are false when that failed. */
struct pipeline_ops {
	/* The clean name of a metric, "name;k=v". */
	bool (*metric_name)(void *ctx, const struct record *r, struct buf *out);
	/* The line of StatsD that says that sample again under that name. */
	bool (*sample_line)(void *ctx, const struct record *r,
	    struct slice name, struct buf *out);
	/* The file a log line belongs to in that archive, and the line. */
	bool (*log_path)(void *ctx, unsigned archive, const struct record *r,
	    struct buf *out);
	bool (*log_line)(void *ctx, unsigned archive, const struct record *r,
	    struct buf *out);
};

/* Where batches go, and what opens them there. */
struct pipeline_sinks {
	struct inbox *metrics, *events, *logs;
	void (*take_lines)(struct letter *, void *metrics_thread);
	void (*take_points)(struct letter *, void *metrics_thread);
	void (*take_timed)(struct letter *, void *metrics_thread);
	void (*take_half)(struct letter *, void *metrics_thread);
	void (*take_logs)(struct letter *, void *logs_thread);
	void (*take_events)(struct letter *, void *events_thread);
	void (*take_ask)(struct letter *, void *events_thread);
};

/* Samples on their way into the table, a run of them a place.  A name that comes
 * rarely is nowhere in the caches, and to fetch it takes as long as to read ten
 * lines.  So nobody waits for it: whenever a run is full, the one before the one
 * before it is added up, and each of the others does one step (see table.h):
 *
 *	being filled -> hashed -> guessed -> found -> added
 *
 * What a step fetches is there when the next one comes, because a run of lines
 * was read meanwhile.  Samples keep their order. */
#define PIPELINE_PLACES 4
struct pipeline_belt {
	struct table_run run[PIPELINE_PLACES];
	unsigned at;			/* the one that is being filled */
	unsigned busy;			/* moves until all are empty */
};

struct pipeline {
	struct ledger ledger;
	struct table table;
	struct pipeline_belt belt;
	struct top names, samples;	/* prefixes with the most of them */
	struct top limited;		/* and with the most points refused */
	struct limits *limits;		/* of rules, or NULL: none has one */
	unsigned beat;			/* samples since one was looked at */
	uint32_t dice;
	counter overflowed;		/* samples under an overflow name */
	bool varied;			/* points of one name go different ways */
	struct routes routes;
	struct route *passing;		/* a decision that does not last */
	struct routes passes;		/* where samples are passed on to */
	struct buf pass_key, pass_line;
	counter copies_lost;		/* of samples counted elsewhere */
	struct plan *plan;		/* one reference */
	const struct pipeline_ops *ops;
	void *ops_ctx;
	struct pipeline_sinks sinks;
	struct lines_batch **lines;	/* by destination */
	unsigned nlines;
	struct points_batch *points;
	struct timed_batch *timed;
	struct log_batch *logs;
	size_t logs_before;		/* bytes of the latest sent */
	struct event_batch *events;
	struct buf scratch;
	struct decision decision;	/* used again and again */
	uint64_t touched;		/* bit n % 64: a line went to destination n */
	uint64_t shed;			/* the same: lines for it are lost */
	bool made_here;			/* what rules made does not meet them again */
	size_t chunk;			/* bytes of a batch of lines */
	unsigned holding;		/* batches that hold something */
	bool watched;			/* somebody taps */
	void (*tap)(void *ctx, const struct record *r);
	void *tap_ctx;
};

/* plan: takes a reference of its own.  False: no memory. */
bool pipeline_init(struct pipeline *p, struct plan *plan,
    const struct pipeline_ops *ops, void *ops_ctx,
    const struct pipeline_sinks *sinks, uint64_t seed);
void pipeline_fini(struct pipeline *p);

/* From now on by these rules; names are decided again as they come. */
void pipeline_plan(struct pipeline *p, struct plan *plan);

/* Is there no room for more records of that kind now? */
bool pipeline_full(struct pipeline *p, enum record_kind kind);
/* The destinations that choke: bit n % 64 for destination n. */
uint64_t pipeline_choking(const struct pipeline *p);

/* A sample for the table, at once. */
void pipeline_sample(struct pipeline *p, const struct record *r);
/* Many: put up to TABLE_RUN - n of them into this run, which says where they
 * come from and has that room always, */
struct table_run *pipeline_run(struct pipeline *p, enum record_source source,
    int64_t received_ns);
/* and when it is full, pass it on. */
void pipeline_move(struct pipeline *p);
/* All that is under way arrives: before what it borrows from goes away, and
 * before anything else is done to the table. */
void pipeline_settle(struct pipeline *p);
/* Does somebody look at each record (taps, clusters that take samples)?  Then
 * settle after each packet. */
bool pipeline_looks_at_each(const struct pipeline *p);
#define PIPELINE_RUN 32
/* Has it a time of its own that is honoured?  Counters' and gauges' is: such a
 * sample is for pipeline_timed(), and does not belong to the interval. */
bool pipeline_is_timed(const struct record *r);
void pipeline_timed(struct pipeline *p, const struct record *r);
/* A point with its own time, to be passed on. */
void pipeline_point(struct pipeline *p, const struct record *r);
/* Several, in their order; n is at most PIPELINE_RUN. */
void pipeline_points(struct pipeline *p, const struct record *r, size_t n);
/* t: who waits for it to be safe, or NULL.  o: which message of which sender it
 * is, so that it is stored once however often it is sent again; or NULL. */
void pipeline_log(struct pipeline *p, const struct record *r,
    struct ticket *t, const struct log_origin *o);
/* The connection ended in order, with all its answers: what its sender sends
 * on another one is new. */
void pipeline_log_farewell(struct pipeline *p, const struct log_origin *o);
/* t and the slot of its result (or EVENT_NO_SLOT): who waits, or NULL.  more:
 * the next event belongs to the same atomic group. */
void pipeline_event(struct pipeline *p, const struct record *r,
    struct ticket *t, size_t slot, bool more);
/* The name under which the event just passed on is stored. */
struct slice pipeline_latest_stream(const struct pipeline *p,
    const struct record *r);
/* n events that are stored together or not at all, with slots from `slot` on.
 * REASON_NONE: they are on their way, and the ticket will tell.  Else none of
 * them is: NO_ROUTE (a rule drops one by accident: no stream takes it) or
 * NO_MEMORY; they are counted, and the slots untouched. */
enum reason pipeline_event_group(struct pipeline *p, const struct record *r,
    size_t n, struct ticket *t, size_t slot);
/* What rules make of a record besides: metrics counted from logs, events. */
void pipeline_feeds(struct pipeline *p, const struct record *r);
/* For pipeline_log(): the message as an event of that stream. */
void pipeline_event_of_log(struct pipeline *p, const struct record *r,
    struct slice stream, uint64_t streams, struct ticket *t);
/* A record that a parser refused, or that was shed. */
void pipeline_refused(struct pipeline *p, enum record_kind k,
    enum record_source s, enum reason why, uint64_t n);

/* Give away what has gathered.  Events, and logs that somebody waits for, go at
 * once; lines and other logs only when there are that many bytes of them. */
void pipeline_flush(struct pipeline *p, size_t bytes);

/* pipeline_flush() is these. */
void pipeline_send_lines(struct pipeline *p, size_t bytes);
void pipeline_send_timed(struct pipeline *p, size_t bytes);
void pipeline_send_logs(struct pipeline *p, size_t bytes);
void pipeline_send_events(struct pipeline *p);

#endif
