/* spool_lane.h - a spool whose disk nobody waits for.
 *
 * One thread (the spooler) does the reading and writing for all spools; each
 * destination has a lane to its own.  What is put travels there as an order,
 * and what became of it comes back as an event, in the thread that owns the
 * lanes.  Orders of one lane are done in their order, so a lane behaves as the
 * spool (sink/spool.h) would, a little later.
 *
 * All is bounded by the owner: it asks spool_lane_full() before it puts.  A
 * spooler that was stopped does each order at once, events included. */
#ifndef MILLRACE_SINK_SPOOL_LANE_H
#define MILLRACE_SINK_SPOOL_LANE_H

#include "core/inbox.h"
#include "net/thread.h"
#include "sink/spool.h"

struct spooler {
	struct thread thread;
	struct inbox orders, answers;
	bool running, stopped;
	_Atomic bool stop;
};

/* The thread starts with the first order.  wake(ctx) is called from it when
 * there are events: call spooler_events() then. */
void spooler_init(struct spooler *s, void (*wake)(void *), void *ctx);
void spooler_events(struct spooler *s);
/* Everything that was ordered is done, and its events have been given, when
 * this returns.  The owner's thread is that of the caller from now on. */
void spooler_stop(struct spooler *s);

/* Batches are linked by letter.next, and the receiver's. */
struct spool_lane_events {
	/* So many lines are on disk now. */
	void (*stored)(void *ctx, uint64_t lines);
	/* Batches that were put or kept are not on disk, with errno's reason;
	 * those that were kept come before all that waits. */
	void (*refused)(void *ctx, struct lines_batch *b, int error);
	void (*returned)(void *ctx, struct lines_batch *first, int error);
	/* A batch that was wanted, or NULL: there was none. */
	void (*took)(void *ctx, struct lines_batch *b);
	/* What made room for others, or was damaged. */
	void (*lost)(void *ctx, const struct spool_counts *c, enum reason why);
};

struct spool_lane;

/* spool: taken.  NULL: no memory, and the spool is still the caller's. */
struct spool_lane *spool_lane_new(struct spooler *s, struct spool *spool,
    unsigned dest, const struct spool_lane_events *events, void *ctx);
/* The spooler must have been stopped. */
void spool_lane_free(struct spool_lane *l);

/* Takes the batch.  False: no memory, it is still the caller's. */
bool spool_lane_put(struct spool_lane *l, struct lines_batch *b);
/* Takes the batches: they go before all others.  What is out, and what was
 * wanted and has not come, is in the spool again.  False: no memory; then
 * nothing happened. */
bool spool_lane_keep(struct spool_lane *l, struct lines_batch *first);
/* Have n batches under way to here. */
void spool_lane_want(struct spool_lane *l, unsigned n);
/* The oldest that is out is done. */
void spool_lane_done(struct spool_lane *l);
void spool_lane_limit(struct spool_lane *l, uint64_t max_bytes);
void spool_lane_tick(struct spool_lane *l);

/* Nothing is left to be taken, and nothing is on its way in or out. */
bool spool_lane_empty(const struct spool_lane *l);
/* Some batch is on its way to here. */
bool spool_lane_wanted(const struct spool_lane *l);
/* On disk, and on the way there. */
uint64_t spool_lane_bytes(const struct spool_lane *l);
/* The disk is so far behind that no more than `max` bytes should wait for it. */
bool spool_lane_full(const struct spool_lane *l, size_t max);

#endif
