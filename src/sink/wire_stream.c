/* wire_stream.c - a TCP or TLS connection as a wire. */
#include "config.h"

#include <stdlib.h>

#include "net/stream.h"
#include "sink/wire.h"

#define OUTPUT_MAX (512 * 1024)

struct stream_wire {
	struct wire wire;
	struct stream *stream;
	bool finishing, silent;
};

static struct stream_wire *
wire_of(struct stream *s)
{
	return stream_data(s);
}

static bool
opened(struct stream *s, void *ctx)
{
	struct stream_wire *w = wire_of(s);

	w->wire.events->up(w->wire.ctx);
	return true;
}

/* A carbon server says nothing; what it says is not looked at. */
static ssize_t
answered(struct stream *s, struct slice data, bool eof)
{
	return (ssize_t)data.len;
}

static void
drained(struct stream *s)
{
	struct stream_wire *w = wire_of(s);

	w->wire.events->room(w->wire.ctx);
}

static void
closed(struct stream *s)
{
	struct stream_wire *w = wire_of(s);

	if (!w->silent)
		w->wire.events->down(w->wire.ctx, stream_error(s),
		    stream_ended_well(s));
	free(w);
}

static const struct stream_ops stream_ops = {
	opened, answered, closed, drained
};

static enum wire_result
do_write(struct wire *wire, struct slice bytes)
{
	struct stream_wire *w = (struct stream_wire *)wire;

	return stream_write(w->stream, bytes) ? WIRE_TOOK : WIRE_FULL;
}

static size_t
do_pending(const struct wire *wire)
{
	return stream_pending_output(
	    ((const struct stream_wire *)wire)->stream);
}

static void
do_finish(struct wire *wire)
{
	struct stream_wire *w = (struct stream_wire *)wire;

	w->finishing = true;
	stream_close(w->stream);
}

static void
do_abort(struct wire *wire)
{
	struct stream_wire *w = (struct stream_wire *)wire;

	w->silent = true;
	stream_abort(w->stream);
}

static const struct wire_ops ops = {
	do_write, do_pending, do_finish, do_abort
};

struct wire *
wire_stream(struct ev_loop *loop, const struct addr *to,
    struct tls_context *tls, const char *name, unsigned timeout_ms,
    const struct wire_events *events, void *ctx)
{
	struct stream_options o = {
		.read_max = 4096, .write_max = OUTPUT_MAX, .tls = tls
	};
	struct stream_wire *w = calloc(1, sizeof *w);

	if (w == NULL)
		return NULL;
	w->wire = (struct wire){ &ops, events, ctx, false };
	w->stream = stream_connect(loop, to, name, &o, &stream_ops, w,
	    timeout_ms);
	if (w->stream != NULL)
		return &w->wire;
	free(w);
	return NULL;
}
