/* syslog.c - syslog by datagram, by TCP in both framings, by Unix sockets. */
#include "config.h"

#include "base/log.h"
#include "front/bad.h"
#include "front/fronts.h"
#include "front/log_feed.h"
#include "front/worker.h"
#include "net/addr.h"
#include "proto/syslog_frame.h"

#define QUIET_S 0.05

struct syslog_conn {
	struct conn conn;
	struct syslog_framer framer;
	/* Unix sockets: a message may end with the last byte that came, and
	 * only silence tells */
	ev_timer silence;
	size_t left;		/* bytes that wait for more */
	bool quiet;
};

static void
syslog_packet(struct door *d, struct slice packet, const struct addr *peer,
    bool truncated)
{
	char text[ADDR_TEXT] = "unix";

	if (peer != NULL)
		addr_host(peer, text);
	log_feed(d, packet, truncated ? LOG_FLAG_TRUNCATED : 0,
	    slice_str(text), NULL, NULL);
}

/* Nothing came for a while: have what is left offered once more. */
static void
silent(struct ev_loop *loop, ev_timer *w, int revents)
{
	struct syslog_conn *sc = w->data;

	if (sc->conn.paused) {
		ev_timer_start(loop, w);
		return;
	}
	sc->quiet = true;
	stream_pause(sc->conn.stream);
	stream_resume(sc->conn.stream);
}

static bool
syslog_open(struct conn *c)
{
	struct syslog_conn *sc = (struct syslog_conn *)c;

	syslog_framer_init(&sc->framer, c->door->unix_socket ?
	    SYSLOG_FRAME_UNIX : SYSLOG_FRAME_AUTO, log_feed_max(c->door), 0);
	ev_timer_init(&sc->silence, silent, QUIET_S, 0);
	sc->silence.data = sc;
	return true;
}

/* What the framer may make of bytes that are left. */
static enum syslog_frame_input
input_of(struct syslog_conn *sc, size_t len, bool eof)
{
	bool quiet = sc->quiet && len == sc->left;

	sc->quiet = false;
	return eof ? SYSLOG_INPUT_END : quiet ? SYSLOG_INPUT_QUIET :
	    SYSLOG_INPUT_OPEN;
}

static void
await_silence(struct syslog_conn *sc, size_t left, bool eof, bool was_quiet)
{
	struct ev_loop *loop = stream_loop(sc->conn.stream);

	ev_timer_stop(loop, &sc->silence);
	sc->left = left;
	if (!sc->conn.door->unix_socket || left == 0 || eof || was_quiet)
		return;
	ev_now_update(loop);
	ev_timer_set(&sc->silence, QUIET_S, 0);
	ev_timer_start(loop, &sc->silence);
}

static ssize_t
syslog_data(struct conn *c, struct slice data, bool eof)
{
	struct syslog_conn *sc = (struct syslog_conn *)c;
	struct slice rest = data, peer = slice_str(stream_peer(c->stream));
	struct syslog_frame f;
	enum syslog_frame_answer a;
	uint64_t errors = sc->framer.errors;
	enum syslog_frame_input more = input_of(sc, data.len, eof);

	while ((a = syslog_frame_next(&sc->framer, &rest, more, &f)) ==
	    SYSLOG_FRAME_READY)
		log_feed(c->door, f.msg, f.flags, peer, NULL, NULL);
	if (sc->framer.errors > errors)
		LOG_LIMITED(LOG_AT_WARN, 10, "syslog: %s: out of step with "
		    "its octet counts", stream_peer(c->stream));
	await_silence(sc, rest.len, eof || a != SYSLOG_FRAME_MORE,
	    more == SYSLOG_INPUT_QUIET);
	if (a == SYSLOG_FRAME_MORE)
		return (ssize_t)(data.len - rest.len);
	pipeline_refused(&c->worker->pipeline, RECORD_LOG, SOURCE_SYSLOG,
	    f.reason, 1);
	bad_input(SOURCE_SYSLOG, f.reason, slice_str(f.why),
	    stream_peer(c->stream));
	return STREAM_CLOSE;
}

static void
syslog_closed(struct conn *c)
{
	struct syslog_conn *sc = (struct syslog_conn *)c;

	ev_timer_stop(stream_loop(c->stream), &sc->silence);
	syslog_framer_fini(&sc->framer);
}

static size_t
syslog_read_max(const struct door *d)
{
	return log_feed_max(d) + 65536;
}

const struct front front_syslog = {
	.name = "syslog",
	.source = SOURCE_SYSLOG,
	.kind = RECORD_LOG,
	.packet = syslog_packet,
	.want_peer = true,
	.open = syslog_open,
	.data = syslog_data,
	.closed = syslog_closed,
	.conn_size = sizeof(struct syslog_conn),
	.read_max = syslog_read_max
};
