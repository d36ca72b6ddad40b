/* logs.h - the logs thread: runs of lines behind files, in batches. */
#ifndef MILLRACE_SINK_LOGS_H
#define MILLRACE_SINK_LOGS_H

#include "base/buf.h"
#include "core/inbox.h"
#include "core/ledger.h"
#include "core/plan.h"
#include "net/thread.h"
#include "sink/forward.h"

struct archive;
struct log_batch;
struct repeats;

struct logs {
	struct thread thread;
	struct inbox inbox;
	struct ledger ledger;
	struct plan *plan;		/* one reference */
	struct archive *archives[PLAN_MAX_ARCHIVES];
	size_t narchives;
	struct forward *forwards[PLAN_MAX_ARCHIVES];
	struct forward_stats forward_stats[PLAN_MAX_ARCHIVES];
	size_t nforwards;
	double ending_s;		/* how long the end waits for them */
	ev_timer ending;
	struct letter *end;		/* the order to end */
	struct repeats *repeats;	/* what senders may send again */
	struct buf marks;		/* struct repeat of the run at hand */
	struct log_batch *waiting, *waiting_last;	/* to be synced, then answered */
	size_t nwaiting;
	uint64_t seq;			/* of the last batch that came */
	size_t wanted;			/* of those waiting, that somebody awaits */
	bool stuck;			/* the disk takes nothing now */
	struct log_batch *held, *held_last;	/* that could not be written yet */
	ev_timer tick;
	int64_t tried_ns;		/* when stuck: the last time */
	ev_prepare before_sleep;
};

int logs_init(struct logs *l, struct plan *plan);
int logs_start(struct logs *l);
void logs_fini(struct logs *l);

/* The letter workers put into l->inbox. */
void logs_take_batch(struct letter *letter, void *logs);

/* Orders, from any thread. */
bool logs_order_plan(struct logs *l, struct plan *plan);
/* Close all files so that they can be renamed; the next line opens anew. */
bool logs_order_reopen(struct logs *l);
/* Write all, close, then call done in the logs thread, which leaves. */
bool logs_order_end(struct logs *l, void (*done)(void *), void *ctx);

#endif
