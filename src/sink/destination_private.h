/* destination_private.h - what a destination is; for destination*.c only. */
#ifndef MILLRACE_SINK_DESTINATION_PRIVATE_H
#define MILLRACE_SINK_DESTINATION_PRIVATE_H

#include <ev.h>

#include "net/addr.h"
#include "net/resolve.h"
#include "sink/destination.h"

struct encoder;
struct spool_lane;
struct tls_context;
struct wire;

/* Batches linked by letter.next. */
struct batch_list {
	struct lines_batch *first, *last;
};

struct destination {
	const struct destination_env *env;
	struct plan_dest *dest;
	unsigned number;
	const struct conf_cluster *conf;	/* NULL: leaving */
	const struct conf_server *server;
	struct destination_stats stats;

	/* the queue: given to the wire, and behind that what waits */
	struct batch_list flight, waiting;
	size_t held;			/* bytes in both */
	struct spool_lane *lane;	/* to its spool, or NULL */
	struct batch_list late;		/* for the spool, when it is slow */
	size_t late_bytes;
	struct batch_list written;	/* and perhaps not read yet */
	size_t written_bytes;
	bool was_closed;		/* the wire, by the server in order */
	bool pumping, catching_up;
	double tokens;			/* lines the spool may send now */
	double token_time;
	bool ending;

	/* the wire and what goes over it */
	struct wire *wire;
	struct encoder *encoder;	/* NULL: lines as they are */
	struct buf packed;		/* the first waiting batch, encoded */
	bool is_packed;
	uint64_t offered;		/* bytes given to this wire */
	uint64_t done;			/* of them, in batches let go */
	bool up;			/* there is a wire, and it is up */
	double up_since;		/* in the loop's time */
	bool away;			/* it could not be reached */
	bool flushed, closing;
	bool stalled;			/* up, but takes nothing */
	unsigned still;			/* seconds without progress */
	uint64_t seen;			/* bytes written when last looked */

	/* getting there */
	struct addr addrs[RESOLVE_MAX];
	size_t naddrs, next_addr;
	struct resolve *query;
	bool checking;			/* the query is only a look */
	unsigned resolved_s;		/* seconds since the last answer */
	struct tls_context *tls;
	double backoff;
	ev_timer retry, replay;
};

/* destination_connect.c */
void connect_init(struct destination *d);
void connect_fini(struct destination *d);
/* Read what the server's row says anew; a wire of another kind is dropped. */
void connect_conf(struct destination *d, const struct conf_cluster *conf,
    const struct conf_server *server);
/* Get there, unless that is under way. */
void connect_start(struct destination *d);
/* Let go of the wire in order, for it will be made again. */
void connect_finish(struct destination *d);
/* The wire is gone and freed. */
void connect_failed(struct destination *d, const char *why);
void connect_tick(struct destination *d);

/* destination.c, for the other */
void destination_came_up(struct destination *d);
void destination_went_down(struct destination *d, bool well);
void destination_pump(struct destination *d);
/* Count what has been written. */
void destination_settle(struct destination *d);
/* The same, when the wire takes no more: nothing of it goes out again that
 * must not. */
void destination_broke(struct destination *d);

#endif
