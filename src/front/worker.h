/* worker.h - one of the threads that read, parse and route; nothing shared.
 *
 * A worker has its own loop, its own sockets (opened with SO_REUSEPORT beside
 * its siblings'), its own pipeline and its own ledger.  Others reach it through
 * its inbox only: tickets that come back answered, halves of the metric table
 * that come back empty, and orders of the main thread. */
#ifndef MILLRACE_FRONT_WORKER_H
#define MILLRACE_FRONT_WORKER_H

#include "base/map.h"
#include "core/pipeline.h"
#include "net/thread.h"
#include "proto/statsd.h"
#include "proto/syslog.h"

struct door;
struct conn;
struct names;
struct log_writer;
struct tail;

#define WORKER_TAPS 8

struct worker {
	struct thread thread;
	struct inbox inbox;
	struct pipeline pipeline;
	unsigned index;
	char host[256];			/* this machine's name */
	int64_t now_ns;			/* wall clock at the latest burst */
	struct door *doors;		/* all its listeners, a list */
	struct conn *conns[RECORD_KINDS];	/* that are paused, lists */
	struct names *names;		/* how names are cleaned */
	struct statsd_secure *secure;	/* opens signed packets, or NULL */
	struct syslog_second last_second;	/* of syslog stamps */
	struct tap *taps[WORKER_TAPS];	/* references */
	unsigned ntaps;
	struct tap_scratch *tap_scratch;
	struct log_writer *writer;	/* how log lines are written */
	struct tail *tail;		/* the first worker's, or NULL */
	ev_timer tick;			/* 5 ms while something waits */
	ev_timer second;
	ev_prepare before_sleep;
	struct slice packet;		/* of statsd's, being read */
	_Atomic int64_t last_statsd_ns;	/* when a packet of statsd's came */
	uint64_t activity;		/* bursts and reads so far */
	unsigned tickets_out;		/* answers owed to our connections */
	uint64_t connections;		/* numbered so far */

	/* the end */
	bool draining, closing;
	_Atomic bool drained;
	unsigned drain_ticks, drain_quiet;
	uint64_t drain_seen;
	void (*drain_done)(void *);
	void *drain_ctx;
};

/* Make a worker that is not running yet: doors may be opened.  -1: errno. */
int worker_init(struct worker *w, unsigned index, struct plan *plan,
    const struct pipeline_sinks *sinks, uint64_t seed);
void worker_fini(struct worker *w);

/* A number for a connection that no other has had lately, in this process or
 * the one before. */
uint32_t worker_connection(struct worker *w);
/* Read the clock: at the start of each burst. */
void worker_now(struct worker *w);
/* Orders, from any thread; each is a letter that the worker frees. */
/* Go on by another plan, with the doors it lists: opened already by the main
 * thread, which gives them; doors not in the list are closed. */
struct door_list;
bool worker_order_plan(struct worker *w, struct plan *plan,
    struct door_list *doors);
/* Swap the metric table; the full half goes to the metrics thread. */
bool worker_order_swap(struct worker *w);
/* Offer what passes to a tap, until that is closed. */
struct tap;
bool worker_order_tap(struct worker *w, struct tap *t);
/* Read the sockets until they are empty, give all away, close; then
 * w->drained is set and `done` called in the worker's thread. */
bool worker_order_drain(struct worker *w, void (*done)(void *), void *ctx);
/* Leave the loop. */
bool worker_order_stop(struct worker *w);

#endif
