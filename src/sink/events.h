/* events.h - the events thread: dedup, journal, acknowledge, ship.
 *
 * Every event is appended to the journal, and answered when the disk has it.
 * There is no second path for when Redis is away: the shipper reads from the
 * journal what is durable and brings it to its streams, now or later. */
#ifndef MILLRACE_SINK_EVENTS_H
#define MILLRACE_SINK_EVENTS_H

#include "core/batch.h"
#include "core/dedup.h"
#include "core/inbox.h"
#include "core/ledger.h"
#include "core/plan.h"
#include "net/thread.h"
#include "sink/journal.h"

struct event_ask;
struct shipper;

struct events {
	struct thread thread;
	struct inbox inbox;
	struct ledger ledger;
	struct plan *plan;		/* one reference */
	struct journal *journal;
	struct dedup *dedup;
	struct shipper *shippers[PLAN_MAX_STREAMS];
	uint64_t section[PLAN_MAX_STREAMS];	/* their names, plan_section() */
	size_t nshippers;
	struct map *reached;		/* by stream: struct reach */
	char node[256];
	bool answer_shipped;		/* some stream is answered when it is in
					 * Redis, and not before */
	struct event_batch *held, *held_last;	/* not appended yet: busy */
	struct event_batch *waiting, *waiting_last;	/* for the disk */
	struct pair *pairs;
	size_t max_pairs;
	ev_timer second;
	unsigned seconds;
	uint64_t saved_lsn;		/* what is remembered is saved up to here */
	ev_prepare before_sleep;
	struct event_ask *asks;		/* not answered yet, a list */
	unsigned nasks;
	ev_timer ask_timer;
	bool appended;			/* since the last commit */
	struct letter marker;		/* in the inbox: the disk will wake us */
	int64_t end_ns;
	ev_timer ending;
	void (*ended)(void *ctx);
	void *ended_ctx;
};

/* Opens the journal under state_dir; says in error what it cannot. */
int events_init(struct events *e, struct plan *plan, char *error, size_t size);
int events_start(struct events *e);
void events_fini(struct events *e);

/* The letter workers put into e->inbox. */
void events_take_batch(struct letter *letter, void *events);

/* Orders, from any thread. */
bool events_order_plan(struct events *e, struct plan *plan);
/* Make all durable, answer, ship for at most deadline_ms what Redis takes,
 * then call done in the events thread, which leaves. */
bool events_order_end(struct events *e, unsigned deadline_ms,
    void (*done)(void *), void *ctx);

#endif
