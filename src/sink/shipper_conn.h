/* shipper_conn.h - a connection to one Redis (or Sentinel, or millrace) that
 * comes back.
 *
 * Requests are answered in order; each has a callback.  The socket is a
 * net/stream and the protocol proto/resp: every limit is ours, a reply that
 * answers nothing is no assertion, and TLS works with any Redis client library
 * or none. */
#ifndef MILLRACE_SINK_SHIPPER_CONN_H
#define MILLRACE_SINK_SHIPPER_CONN_H

#include <ev.h>

#include "base/buf.h"
#include "net/addr.h"
#include "net/resolve.h"
#include "proto/resp.h"
#include "sink/shipper_url.h"

struct ship_conn;
struct tls_context;

struct ship_call {
	/* v is the first value of the reply, `reply` all of it; both NULL when
	 * the connection was lost: then nobody knows whether it was done, and
	 * nothing may be sent from within. */
	void (*done)(struct ship_conn *c, const struct ship_call *call,
	    const struct resp_value *v, struct slice reply);
	void *subject;		/* the caller's, as are the next three */
	uint64_t a, b;
	uint32_t n;
	uint32_t bytes;		/* of the request */
	uint32_t replies;	/* that come for it, if more than one: done() gets
				 * the last, or the first error among those before
				 * it, as if that were all */
	int64_t sent_ms;
};

struct ship_conn_ops {
	/* Connected; say hello: send AUTH and so on, and ship_conn_ready() when
	 * that is answered well. */
	void (*greet)(struct ship_conn *c);
	/* After ship_conn_ready(). */
	void (*up)(struct ship_conn *c);
	/* It was ready, and is lost; after all callbacks. */
	void (*down)(struct ship_conn *c);
	/* Replies were taken, or the output drained: there may be room. */
	void (*moved)(struct ship_conn *c);
};

enum ship_conn_state {
	SHIP_CONN_OFF,		/* until until_ms, then it is tried again */
	SHIP_CONN_RESOLVING,
	SHIP_CONN_CONNECTING,
	SHIP_CONN_GREETING,
	SHIP_CONN_UP
};

struct ship_conn {
	struct ev_loop *loop;
	const struct ship_conn_ops *ops;
	void *data;
	struct tls_context *tls;	/* borrowed */
	struct ship_url url;
	char name[300];		/* for the log: "redis 10.0.0.1:6379" */
	enum ship_conn_state state;
	bool wanted;		/* else it stays off */
	struct stream *stream;
	struct resolve *resolve;
	struct addr addr[RESOLVE_MAX];
	size_t naddr, next_addr;
	struct resp_reply scanner;
	struct ship_call *calls;	/* a ring */
	unsigned ncalls, first_call, cap_calls;	/* cap: a power of two */
	size_t inflight_bytes;
	int64_t until_ms;
	int64_t heard_ms;	/* when a reply last came */
	unsigned tries;		/* since it was last ready */
	bool told;		/* the log knows that it is down */
	char error[200];	/* the last trouble */
	struct buf early;	/* an error that came before the last reply */
	uint64_t connects, failures;
	char sha[48];		/* of the script, while connected; "": not yet */
	char guard_sha[48];	/* of the guard, the same */
};

#define SHIP_CONN_MAX_CALLS 16384

/* url and ops->... as given; nothing happens before ship_conn_tick(). */
void ship_conn_init(struct ship_conn *c, struct ev_loop *loop,
    const struct ship_url *url, struct tls_context *tls,
    const struct ship_conn_ops *ops, void *data);
void ship_conn_fini(struct ship_conn *c);
/* Another address from now on; closes what there is. */
void ship_conn_retarget(struct ship_conn *c, const char *host, uint16_t port);
/* Connect when it is time, give up what takes too long.  Call every 100 ms or
 * so, and after a change of mind about `wanted`. */
void ship_conn_tick(struct ship_conn *c, int64_t now_ms);
void ship_conn_ready(struct ship_conn *c);
/* Close; why goes to the log (once until it is ready again).  It is tried again
 * after a growing wait, but not before wait_ms. */
void ship_conn_close(struct ship_conn *c, const char *why, int64_t wait_ms);
/* False: too much under way, or not connected. */
bool ship_conn_send(struct ship_conn *c, struct slice request,
    const struct ship_call *call);
/* The same from words. */
bool ship_conn_command(struct ship_conn *c, const struct ship_call *call,
    const char *const *words, size_t n);

int64_t ship_now_ms(void);
/* Somewhere from 3/4 to 5/4 of it, so that many do not come at once. */
int64_t ship_jitter(int64_t ms);

#endif
