/* forward.c - events over the Fluent Forward protocol.
 *
 * A message that asks for it is acknowledged when all its events are safe, by
 * an answer of its own; meanwhile the connection is not read.  What could not
 * be stored is not answered: the connection is closed, and the sender sends it
 * again.  What of it had been stored is recognized then, by the chunk's id and
 * the event's place and content. */
#include "config.h"

#include <ev.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/random.h>

#include "core/ticket.h"
#include "front/auth.h"
#include "front/bad.h"
#include "front/fronts.h"
#include "front/log_feed.h"
#include "front/worker.h"
#include "proto/forward.h"
#include "proto/xadd.h"

#define HELLO_S 30		/* for the handshake */
#define CHUNK_MAX 1024

struct forward_conn {
	struct conn conn;
	struct msgpack_scan scan;
	bool known;			/* or need not be */
	uint8_t nonce[FORWARD_NONCE];
	ev_timer timer;			/* of the handshake */
	struct forward_debt *debt;	/* the message under way */
	bool ended;			/* close after it */
};

/* What is owed for a message. */
struct forward_debt {
	struct forward_conn *conn;	/* NULL: it has gone */
	struct ticket *ticket;
	struct buf ack;			/* empty: none was asked for */
};

static const struct conf_events *
conf_of(const struct forward_conn *c)
{
	return &c->conn.door->conf->events;
}

/* ---- answers ---- */

static void
answered(struct letter *l, void *worker)
{
	struct worker *w = worker;
	struct ticket *t = (struct ticket *)l;
	struct forward_debt *d =
	    (struct forward_debt *)(uintptr_t)t->connection;
	struct forward_conn *c = d->conn;
	bool stored = atomic_load(&t->worst) <= TICKET_DUPLICATE;

	w->tickets_out--;
	if (c != NULL) {
		c->debt = NULL;
		stored = stored && (d->ack.len == 0 || stream_write(
		    c->conn.stream, buf_slice(&d->ack)));
	}
	buf_fini(&d->ack);
	free(d);
	free(t);
	if (c == NULL)
		return;
	if (!stored)
		stream_abort(c->conn.stream);
	else if (c->ended)
		stream_close(c->conn.stream);
	else
		stream_resume(c->conn.stream);
}

static struct forward_debt *
debt_new(struct forward_conn *c, const struct forward_message *m)
{
	struct worker *w = c->conn.worker;
	struct forward_debt *d = calloc(1, sizeof *d);

	if (d == NULL)
		return NULL;
	buf_init(&d->ack, CHUNK_MAX + 64);
	d->ticket = ticket_new(&w->inbox, answered, (uint64_t)(uintptr_t)d, 0,
	    0);
	if (d->ticket == NULL || (m->chunk.ptr != NULL &&
	    !forward_ack(&d->ack, m->chunk))) {
		free(d->ticket);
		buf_fini(&d->ack);
		free(d);
		return NULL;
	}
	d->conn = c;
	w->tickets_out++;
	return d;
}

/* ---- a message ---- */

/* "{tag}" replaced, and bytes that a stream's name cannot have. */
static bool
stream_name(const char *pattern, struct slice tag, struct buf *out)
{
	struct slice rest = slice_str(pattern);

	while (rest.len > 0) {
		bool is_tag = slice_starts(rest, SLICE("{tag}"));
		struct slice part = is_tag ? tag : slice_upto(rest, 1);

		for (size_t i = 0; i < part.len; i++)
			if (!buf_addc(out, (unsigned char)part.ptr[i] < ' ' ||
			    part.ptr[i] == 0x7f ? '_' : part.ptr[i]))
				return false;
		rest = slice_from(rest, is_tag ? 5 : 1);
	}
	return xadd_good_stream(buf_slice(out));
}

/* Fluent Bit names a chunk by its content.  With times in whole seconds two
 * honest chunks can be alike to the last byte. */
static bool
may_be_alike(const struct forward_message *m)
{
	size_t i = 0;

	while (i < m->chunk.len && ((m->chunk.ptr[i] >= '0' &&
	    m->chunk.ptr[i] <= '9') || (m->chunk.ptr[i] >= 'a' &&
	    m->chunk.ptr[i] <= 'f')))
		i++;
	return m->whole_seconds && i == 32 && m->chunk.len == 32;
}

/* The names under which an event of a chunk is recognized when the chunk comes
 * again: who sent it; and the chunk, the tag, the content and the place. */
struct names {
	char pid[XADD_MAX_PID];
	char iid[XADD_MAX_IID];
};

static void
name_event(struct forward_conn *c, const struct forward_message *m,
    struct event_record *ev, size_t place, struct names *n)
{
	struct slice host = log_feed_host(slice_str(stream_peer(
	    c->conn.stream)));
	struct pair parts[2] = { { m->tag, m->chunk } };
	char content[EVENT_HASH_TEXT];
	int len;

	event_hash_text(event_hash_fields(ev->fields, ev->nfields), content);
	parts[1] = (struct pair){ SLICE(""), slice_of(content,
	    sizeof content) };
	event_hash_text(event_hash_fields(parts, 2), content);
	len = snprintf(n->iid, sizeof n->iid, "%.*s#%zu", EVENT_HASH_TEXT,
	    content, place);
	ev->iid = slice_of(n->iid, (size_t)len);
	len = snprintf(n->pid, sizeof n->pid, "forward:%.*s",
	    (int)(host.len < 48 ? host.len : 48), host.ptr);
	ev->pid = slice_of(n->pid, (size_t)len);
}

static enum reason
may_write(struct forward_conn *c, const struct forward_message *m,
    struct slice stream)
{
	const struct conf *conf = c->conn.door->conf;
	const struct conf_user *user = auth_named(conf, "forward");

	if (m->chunk.len > CHUNK_MAX)
		return REASON_TOO_LONG;
	if (user != NULL && !auth_stream(conf, user, stream))
		return REASON_NO_PERMISSION;
	return REASON_NONE;
}

static enum reason
store(struct forward_conn *c, const struct forward_message *m,
    struct event_list *l)
{
	struct buf stream = BUF_INIT(XADD_MAX_STREAM + 1);
	struct record r = {
		.kind = RECORD_EVENT, .source = SOURCE_FORWARD,
		.received_ns = c->conn.worker->now_ns,
		.peer = slice_str(stream_peer(c->conn.stream))
	};
	bool named = m->chunk.ptr != NULL && !may_be_alike(m);
	enum reason why = stream_name(conf_of(c)->forward_stream, m->tag,
	    &stream) ? may_write(c, m, buf_slice(&stream)) :
	    REASON_BAD_STREAM;
	struct forward_debt *d = why == REASON_NONE ? debt_new(c, m) : NULL;

	if (why == REASON_NONE && d == NULL)
		why = REASON_NO_MEMORY;
	for (size_t i = 0; d != NULL && i < l->n; i++) {
		struct names names;

		r.event = l->v[i];
		r.event.stream = buf_slice(&stream);
		if (named)
			name_event(c, m, &r.event, i, &names);
		pipeline_event(&c->conn.worker->pipeline, &r, d->ticket,
		    EVENT_NO_SLOT, false);
	}
	if (d != NULL) {
		c->debt = d;
		ticket_release(d->ticket);
	}
	buf_fini(&stream);
	return why;
}

static ssize_t
refuse(struct forward_conn *c, enum reason why, struct slice sample)
{
	pipeline_refused(&c->conn.worker->pipeline, RECORD_EVENT,
	    SOURCE_FORWARD, why, 1);
	bad_input(SOURCE_FORWARD, why, slice_upto(sample, 64),
	    stream_peer(c->conn.stream));
	return STREAM_CLOSE;
}

static ssize_t
message(struct forward_conn *c, struct slice in, uint64_t values)
{
	const struct conf_events *e = conf_of(c);
	struct forward_limits limits = { e->max_inflight_bytes };
	struct forward_message m;
	struct event_list l;
	enum reason why;

	event_list_init(&l, FORWARD_VALUES_MAX, e->max_fields, e->max_event);
	why = forward_read(in, values, &limits, &m, &l);
	if (why == REASON_NONE && (l.n > 0 || m.chunk.ptr != NULL))
		why = store(c, &m, &l);
	forward_message_fini(&m);
	event_list_fini(&l);
	return why == REASON_NONE ? 0 : refuse(c, why, in);
}

/* ---- who is it ---- */

static ssize_t
ping(struct forward_conn *c, struct slice in)
{
	const char *peer = stream_peer(c->conn.stream);
	struct buf out = BUF_INIT(4096);
	bool ok = false, said;

	if (!auth_may_try(peer))
		return refuse(c, REASON_RATE_LIMIT, SLICE("PING"));
	said = conf_of(c)->forward_key != NULL && forward_ping(in, c->nonce,
	    conf_of(c)->forward_key, c->conn.worker->host, &out, &ok) &&
	    stream_write(c->conn.stream, buf_slice(&out));
	buf_fini(&out);
	if (!ok)
		auth_was_wrong(peer);
	if (!said || !ok)
		return refuse(c, REASON_NO_AUTH, SLICE("PING"));
	ev_timer_stop(stream_loop(c->conn.stream), &c->timer);
	c->known = true;
	return 0;
}

static void
too_slow(struct ev_loop *loop, ev_timer *w, int revents)
{
	struct forward_conn *c = w->data;

	stream_abort(c->conn.stream);
}

static bool
forward_open(struct conn *conn)
{
	struct forward_conn *c = (struct forward_conn *)conn;
	struct buf out = BUF_INIT(256);
	bool ok = true;

	msgpack_scan_init(&c->scan, conf_of(c)->max_inflight_bytes,
	    FORWARD_VALUES_MAX);
	ev_timer_init(&c->timer, too_slow, HELLO_S, 0);
	c->timer.data = c;
	c->known = conf_of(c)->forward_key == NULL;
	if (c->known)
		return true;
	ok = getrandom(c->nonce, sizeof c->nonce, 0) ==
	    (ssize_t)sizeof c->nonce && forward_helo(&out, c->nonce) &&
	    stream_write(conn->stream, buf_slice(&out));
	buf_fini(&out);
	if (ok)
		ev_timer_start(stream_loop(conn->stream), &c->timer);
	return ok;
}

/* ---- the stream ---- */

static ssize_t
forward_data(struct conn *conn, struct slice data, bool eof)
{
	struct forward_conn *c = (struct forward_conn *)conn;
	size_t at = 0;
	ssize_t end = 0;

	while (c->debt == NULL && end == 0 && at < data.len) {
		uint64_t values;
		size_t len;
		enum msgpack_answer a = msgpack_scan(&c->scan,
		    slice_from(data, at), &len, &values);
		struct slice in;

		if (a == MSGPACK_MORE)
			break;
		in = slice_from(data, at);
		if (a == MSGPACK_BAD)
			return refuse(c, c->scan.reason, in);
		in = slice_upto(in, len);
		end = c->known ? message(c, in, values) : ping(c, in);
		at += len;
	}
	if (end != 0)
		return end;
	if (c->debt != NULL)
		stream_pause(conn->stream);
	if (c->debt != NULL && eof) {
		c->ended = true;
		return STREAM_LINGER;
	}
	return (ssize_t)at;
}

static void
forward_closed(struct conn *conn)
{
	struct forward_conn *c = (struct forward_conn *)conn;

	ev_timer_stop(stream_loop(conn->stream), &c->timer);
	if (c->debt != NULL)
		c->debt->conn = NULL;
}

static size_t
forward_read_max(const struct door *d)
{
	return d->conf->events.max_inflight_bytes + 65536;
}

const struct front front_forward = {
	.name = "forward",
	.source = SOURCE_FORWARD,
	.kind = RECORD_EVENT,
	.open = forward_open,
	.data = forward_data,
	.closed = forward_closed,
	.conn_size = sizeof(struct forward_conn),
	.read_max = forward_read_max
};
