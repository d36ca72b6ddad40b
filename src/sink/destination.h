/* destination.h - one server that metrics are sent to, and what waits for it.
 *
 * A destination owns a queue of batches of lines, bounded in bytes, and a wire
 * (sink/wire.h) that is made when there is something to send and kept.  Batches
 * that were not wholly written when a wire breaks are sent again on the
 * next one: a point that arrives twice is the same point.
 *
 * What happens when the queue is full depends:
 *
 *	a spool		batches go to disk, also what waits in memory as soon
 *			as the server is away.  Without a rate they come back
 *			before anything newer, so that order is kept; with one,
 *			new lines go first and the spool beside them.
 *	the server is	its state says so (`choking`), and senders that can be
 *	slow		held back are
 *	the server is	the oldest batches make room for new ones, counted; or,
 *	away		with env->hold, senders are held back all the same
 *
 * The disk has a thread of its own (sink/spool_lane.h): while it is slow,
 * batches for it wait in memory, as much as the bound twice, and then the oldest
 * of them go, counted.
 *
 * Whatever happens, memory holds at most twice the bound for the server, twice
 * for the disk, and what was on its way already.  With a spool, what was written
 * in the last half minute is kept besides, 12 MiB at most, and sent once more
 * when the connection breaks: the kernels may have had it and the server not. */
#ifndef MILLRACE_SINK_DESTINATION_H
#define MILLRACE_SINK_DESTINATION_H

#include "conf/conf.h"
#include "core/batch.h"
#include "core/plan.h"

struct destination;
struct ev_loop;

/* What all destinations share; outlives them. */
struct destination_env {
	struct ev_loop *loop;
	struct ledger *ledger;
	const char *state_dir;		/* spools are under it */
	bool hold;			/* graphite.backpressure */
	bool keep;			/* what is not sent at the end, on disk */
	struct spooler *spooler;	/* stopped before destination_free() */
	unsigned look_again_s;		/* at a name's addresses; 0: 30 */
};

/* What happened to the lines given to it so far. */
struct destination_stats {
	counter received, delivered, moved, lost[REASON_COUNT];
	counter queued;			/* lines, in memory and on disk */
	counter spooled;		/* lines that went to disk */
	counter again;			/* bytes sent once more after a break */
	counter bytes_sent, connects, failures;
	counter batches;		/* written out whole */
	counter stalls;			/* times that senders were held back */
};

/* dest is its row in the registry, number its place there; dest outlives it;
 * cluster and server are borrowed until destination_conf().  NULL: errno. */
struct destination *destination_new(const struct destination_env *env,
    struct plan_dest *dest, unsigned number,
    const struct conf_cluster *cluster, const struct conf_server *server);
/* What is still queued goes to the spool, or is counted as lost to SHUTDOWN. */
void destination_free(struct destination *d);
/* After a reload: the same server in the new configuration; NULL, NULL: it
 * is no longer used: it sends what is under way and takes nothing more.  What
 * the old configuration said must still be there. */
void destination_conf(struct destination *d, const struct conf_cluster *cluster,
    const struct conf_server *server);

/* Takes the batch. */
void destination_take(struct destination *d, struct lines_batch *b);
/* A flush is complete (for connect_per_flush). */
void destination_flushed(struct destination *d);
/* Each second: count what has been written meanwhile, and so on. */
void destination_tick(struct destination *d);
/* No more is read from the spool: the end is near. */
void destination_end(struct destination *d);
/* Everything was written out that will be. */
bool destination_idle(const struct destination *d);

/* Its server cannot be reached, or it is leaving, and batches wait. */
bool destination_stuck(const struct destination *d);
bool destination_leaving(const struct destination *d);
/* For sending it elsewhere: the oldest batch that waits, the caller's then. */
struct lines_batch *destination_give_back(struct destination *d);
/* Nobody else can have what waits: to the spool with it, if there is one. */
void destination_keep(struct destination *d);

const struct destination_stats *destination_stats(const struct destination *d);
const char *destination_name(const struct destination *d);

#endif
