/* stream_hub.h - what the streams of one loop share, and what a stream is.
 *
 * Only the files net/stream*.c see this.
 *
 *	hub	one a loop: the read buffer, the list of all streams, those that
 *		have something to do before the loop sleeps, and the lists of
 *		those whose time runs
 *	group	a listener and the streams it accepted, or one outgoing stream:
 *		operations, options, statistics
 */
#ifndef MILLRACE_NET_STREAM_HUB_H
#define MILLRACE_NET_STREAM_HUB_H

#include <ev.h>
#include <netinet/in.h>

#include "base/lru.h"
#include "net/stream.h"

struct stream_hub;
struct tls_session;

/* Streams in the order of their last sign of life.  One timer serves all: it
 * is set for the oldest, and when it fires looks again. */
struct stream_quiet {
	struct ev_loop *loop;
	struct lru list;
	ev_timer timer;
	double timeout_s;
};

struct stream_group {
	struct stream_hub *hub;
	const struct stream_ops *ops;
	struct stream_options options;
	struct stream_quiet idle;
	struct stream_stats stats;
	void *ctx;		/* the listener's */
	size_t refs;		/* its streams and the listener */
	bool outgoing;
	bool closed;		/* the listener is gone: accept no more */
};

enum stream_state {
	STREAM_CONNECTING,
	STREAM_HANDSHAKING,
	STREAM_OPEN,
	STREAM_CLOSING,		/* sends what is left */
	STREAM_PARTING,		/* closed() was called; waits for the peer's end */
	STREAM_DEAD		/* to be freed as soon as nobody is inside */
};

struct stream {
	ev_io io;
	struct stream_group *group;
	void *data;
	struct lru_node all;		/* in hub->all */
	struct lru_node todo;		/* in hub->todo when is_todo */
	struct lru_node quiet_node;	/* in *quiet when that is set */
	struct stream_quiet *quiet;
	double last_seen;		/* monotonic, in seconds */
	struct {
		char *data;
		size_t len, cap;
	} in;				/* what data() left unused */
	struct {
		char *data;
		size_t off, len, cap;	/* off..len waits */
	} out;
	struct tls_session *tls;
	const char *why;		/* it closed; NULL: not yet */
	char *peer_text;		/* made when first asked for */
	union {
		sa_family_t family;
		struct sockaddr_in in;
		struct sockaddr_in6 in6;
	} peer;
	uint8_t state;
	uint8_t inside;			/* calls of ours that are using it */
	uint8_t parting_reads;
	bool announced : 1;		/* closed() is owed */
	bool is_todo : 1;
	bool paused : 1;		/* by stream_pause() */
	bool choked : 1;		/* not read, for its output is not taken */
	bool tell_drained : 1;
	bool offer_again : 1;		/* resumed: offer what was left */
	bool read_again : 1;		/* TLS holds more */
	bool blocked : 1;		/* output waits for the socket */
	bool eof : 1;
	bool ended_well : 1;
};

struct stream_cursor {
	struct stream_cursor *outer;
	struct lru_node *next;
};

#define STREAM_READ_SIZE 65536
/* Left-over bytes up to this are moved before the next read in the hub's
 * buffer; more is read where it lies. */
#define STREAM_MOVE_MAX 8192

struct stream_hub {
	struct stream_hub *next;	/* of all hubs */
	struct ev_loop *loop;
	size_t refs;			/* groups */
	struct lru all, todo;
	ev_prepare prepare;
	ev_timer again;			/* todo was not finished */
	struct stream_quiet handshakes, closings, partings;
	struct stream_cursor *cursors;
	char buffer[STREAM_MOVE_MAX + STREAM_READ_SIZE];
};

/* The hub of a loop: made when there is none and make is set, else NULL. */
struct stream_hub *stream_hub_of(struct ev_loop *loop, bool make);
void stream_hub_unref(struct stream_hub *h);
struct stream_group *stream_group_new(struct ev_loop *loop,
    const struct stream_options *options, const struct stream_ops *ops);
void stream_group_unref(struct stream_group *g);

/* Its time runs in q (or nowhere: NULL) from now on. */
void stream_quiet_move(struct stream *s, struct stream_quiet *q);
/* It gave a sign of life. */
void stream_quiet_touch(struct stream *s);
/* Look at it before the loop sleeps. */
void stream_todo(struct stream *s);

/* In stream.c: */
/* A stream over fd, which it takes, in this state; nothing is watched yet.
 * NULL: no memory, and fd is the caller's. */
struct stream *stream_new(struct stream_group *g, int fd,
    enum stream_state state, const char *tls_name);
/* It is up: tell open().  May be the end of it. */
void stream_opened(struct stream *s);
/* Its time in a list ran out. */
void stream_expired(struct stream *s);
/* What stream_todo() asked for. */
void stream_attend(struct stream *s);
/* Ends it; why is static text.  well: in order. */
void stream_kill(struct stream *s, const char *why, bool well);

#endif
