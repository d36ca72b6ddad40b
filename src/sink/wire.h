/* wire.h - the way to one server: a stream, datagrams, or a file.
 *
 * A wire takes bytes in whole lines or messages and knows how many of them
 * are not out yet.  It fails once, and is then gone: its owner makes another.
 * All in the thread of its loop. */
#ifndef MILLRACE_SINK_WIRE_H
#define MILLRACE_SINK_WIRE_H

#include <stdbool.h>
#include <stddef.h>

#include "base/slice.h"

struct addr;
struct ev_loop;
struct tls_context;
struct wire;

/* Never called from within wire_write() or an open function. */
struct wire_events {
	void (*up)(void *ctx);
	void (*room)(void *ctx);	/* after WIRE_FULL: there is room again */
	/* It is gone, and frees itself after this.  well: the other side closed
	 * it in order; after wire_finish() that is how it ends, and this may be
	 * called from within that. */
	void (*down)(void *ctx, const char *why, bool well);
};

enum wire_result {
	WIRE_TOOK,
	WIRE_FULL,		/* nothing was taken; room() will be called */
	WIRE_FAILED		/* it is gone, freed; see errno */
};

struct wire_ops {
	enum wire_result (*write)(struct wire *w, struct slice bytes);
	size_t (*pending)(const struct wire *w);
	void (*finish)(struct wire *w);
	void (*abort)(struct wire *w);
};

struct wire {
	const struct wire_ops *ops;
	const struct wire_events *events;
	void *ctx;
	bool at_once;		/* it is up already, and up() is not called */
};

/* tls with the name that the certificate must have, or NULL.  NULL: errno. */
struct wire *wire_stream(struct ev_loop *loop, const struct addr *to,
    struct tls_context *tls, const char *name, unsigned timeout_ms,
    const struct wire_events *events, void *ctx);
/* Whole lines in datagrams of at most 1400 bytes (longer lines alone). */
struct wire *wire_udp(struct ev_loop *loop, const struct addr *to,
    const struct wire_events *events, void *ctx);
/* Appended to a file, made when it is missing. */
struct wire *wire_file(const char *path, const struct wire_events *events,
    void *ctx);

static inline enum wire_result
wire_write(struct wire *w, struct slice bytes)
{
	return w->ops->write(w, bytes);
}

/* Bytes taken that are not out yet. */
static inline size_t
wire_pending(const struct wire *w)
{
	return w->ops->pending(w);
}

/* Take nothing more; down(well) when all is out. */
static inline void
wire_finish(struct wire *w)
{
	w->ops->finish(w);
}

/* Gone now, with what is pending; down() is not called. */
static inline void
wire_abort(struct wire *w)
{
	w->ops->abort(w);
}

#endif
