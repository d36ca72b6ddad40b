/* stream.h - connections: TCP, Unix and TLS, in and out, on a libev loop.
 *
 * All calls about a stream are made in the thread of its loop.
 *
 * Life: open -> data* -> closed.  A stream that came in and whose open() said
 * false, or whose TLS handshake failed, never existed for the caller; one that
 * went out always ends in closed().  That is the last call about a stream.  It
 * comes from within stream_abort(), unless that was called from one of the
 * stream's own callbacks: then it comes right after that returns.  The pointer
 * is dead after closed(). */
#ifndef MILLRACE_NET_STREAM_H
#define MILLRACE_NET_STREAM_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/types.h>

#include "base/slice.h"

struct addr;
struct ev_loop;
struct stream;
struct stream_listener;
struct tls_context;

/* What data() may answer besides how many bytes it used up. */
#define STREAM_CLOSE ((ssize_t)-1)	/* close when the output is out */
#define STREAM_LINGER ((ssize_t)-2)	/* at eof: I still have to answer; the
					 * stream stays until stream_close() */

struct stream_ops {
	/* A connection is up (after its TLS handshake).  For one that came in,
	 * ctx is the listener's; for one that went out, stream_data() is set
	 * already and ctx is NULL.  False: refuse it. */
	bool (*open)(struct stream *s, void *ctx);
	/* All bytes not used up so far, borrowed.  Returns how many it used
	 * up; the rest is offered again when there is more, at the end, or
	 * after stream_resume(): so use up all that can be.  eof: there will
	 * be no more, and the stream is closed after the output is out, unless
	 * the answer is STREAM_LINGER. */
	ssize_t (*data)(struct stream *s, struct slice data, bool eof);
	void (*closed)(struct stream *s);
	/* The output fell below a third of write_max after it stood above half
	 * of it, or after a write was refused.  May be NULL. */
	void (*drained)(struct stream *s);
};

struct stream_options {
	size_t read_max;	/* data() leaving so many bytes unused ends it */
	size_t write_max;	/* most bytes of output that wait; above half of
				 * it one that came in is not read either */
	uint64_t idle_ms;	/* closed after so long without a byte either way
				 * (0: never).  Streams paused by stream_pause()
				 * are not idle. */
	size_t max_connections;	/* of a listener; 0: no limit */
	struct tls_context *tls;	/* NULL: none.  Borrowed by a listener
					 * until it is freed or given another */
};

struct stream_stats {
	uint64_t accepted;	/* connections that opened */
	uint64_t refused;	/* over max_connections, or open() said no */
	uint64_t failed;	/* accept() or TLS handshakes that failed */
	uint64_t idle;		/* closed for silence */
	uint64_t overflows;	/* closed for leaving read_max bytes unused */
	uint64_t bytes_in, bytes_out;
	size_t current;		/* connections now */
};

/* Accept connections on fd, which it takes.  Copies the options; borrows ops
 * until the last stream is gone.  NULL with errno on failure: then fd is still
 * the caller's. */
struct stream_listener *stream_listen(struct ev_loop *loop, int fd,
    const struct stream_options *options, const struct stream_ops *ops,
    void *ctx);
/* Closes the listening socket (a Unix socket's path is removed); its
 * connections live on. */
void stream_listener_free(struct stream_listener *l);
/* For the connections that come from now on, in place of options->tls. */
void stream_listener_tls(struct stream_listener *l, struct tls_context *tls);
/* Stop and start accepting. */
void stream_listener_pause(struct stream_listener *l);
void stream_listener_resume(struct stream_listener *l);
void stream_listener_stats(const struct stream_listener *l,
    struct stream_stats *stats);

/* Connect.  tls_name: the name the server's certificate must have, when
 * options->tls is set.  timeout_ms: for the connection and the handshake
 * together.  NULL only when there is no memory or no descriptor (errno); all
 * other failures come as closed(), never from within this call, with
 * stream_error() saying why. */
struct stream *stream_connect(struct ev_loop *loop, const struct addr *to,
    const char *tls_name, const struct stream_options *options,
    const struct stream_ops *ops, void *data, unsigned timeout_ms);

/* Add bytes to the output, which goes out before the loop next sleeps: many
 * small writes make one system call.  False: the bytes were not taken, since
 * the output is full (write_max) or the stream is closing. */
bool stream_write(struct stream *s, struct slice bytes);
size_t stream_pending_output(const struct stream *s);
/* Stop reading; what was read stays.  The peer will block in its turn. */
void stream_pause(struct stream *s);
/* Read again; what was left unused is offered at once, from the loop. */
void stream_resume(struct stream *s);
bool stream_paused(const struct stream *s);
/* No more input; closed when the output is out, or the peer takes none of it
 * for idle_ms (10 s if that is 0). */
void stream_close(struct stream *s);
/* Closed now, the output lost. */
void stream_abort(struct stream *s);

void stream_set_data(struct stream *s, void *data);
void *stream_data(const struct stream *s);
struct ev_loop *stream_loop(const struct stream *s);
/* "10.0.0.1:4711", "unix".  Lives as long as the stream. */
const char *stream_peer(struct stream *s);
/* False, address untouched, when there is none (Unix). */
bool stream_peer_addr(const struct stream *s, struct addr *a);
/* Why it closed, in words: "closed by peer", "idle", "Connection refused", ...
 * Never NULL; for closed() to log. */
const char *stream_error(const struct stream *s);
/* Was it closed in order: by us, or by the peer at its end of file? */
bool stream_ended_well(const struct stream *s);
/* Who is on the other end of a Unix socket; false: not a Unix socket. */
bool stream_peer_process(const struct stream *s, pid_t *pid, uid_t *uid);
bool stream_is_tls(const struct stream *s);
/* Of the peer's certificate: "SHA256:" and 64 hex digits; false: there is none
 * (no TLS, or no certificate sent).  size: at least 72. */
bool stream_tls_fingerprint(const struct stream *s, char *text, size_t size);
/* The first DNS name, else the common name, of the peer's certificate. */
bool stream_tls_name(const struct stream *s, char *text, size_t size);

/* Call fn with every open stream of a loop; it may close and abort any. */
void stream_each(struct ev_loop *loop, void (*fn)(struct stream *s, void *ctx),
    void *ctx);
/* Abort all streams of a loop, also those whose handshake or goodbye is not
 * over: before the loop is destroyed. */
void stream_abort_all(struct ev_loop *loop);
/* How many bytes of output wait in all streams of a loop, closing ones too. */
size_t stream_loop_pending(struct ev_loop *loop);
/* How many connections a loop has, those still closing included: 0 means that
 * all has been said. */
size_t stream_loop_count(struct ev_loop *loop);

#endif
