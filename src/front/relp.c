/* relp.c - syslog over RELP, as logs or as events: answered when it is on disk.
 *
 * All messages of one read share a ticket.  When it comes back they are answered
 * in one write, in order.  What could not be stored is not answered: the
 * connection is closed, and the sender keeps it and sends it again. */
#include "config.h"

#include <stdlib.h>

#include "base/hash.h"
#include "base/log.h"
#include "core/ticket.h"
#include "front/bad.h"
#include "front/fronts.h"
#include "front/log_event.h"
#include "front/log_feed.h"
#include "front/worker.h"
#include "proto/relp.h"

#define OUT_MAX (1u << 20)

/* What is owed for one read. */
struct debt {
	struct debt *next;
	struct relp_conn *conn;		/* NULL: it has gone */
	struct ticket *ticket;
	bool back;
	uint32_t first, n;		/* numbers of its messages */
};

struct relp_conn {
	struct conn conn;
	struct relp_parser parser;
	struct relp_server server;
	struct debt *first, *last;
	struct buf out;
	bool closing;
	uint32_t close_txnr;
	struct log_origin origin;	/* of its next message */
};

static void answered(struct letter *l, void *worker);

static struct debt *
debt_new(struct relp_conn *c, uint32_t txnr)
{
	struct debt *d = calloc(1, sizeof *d);

	if (d == NULL)
		return NULL;
	d->ticket = ticket_new(&c->conn.worker->inbox, answered,
	    (uint64_t)(uintptr_t)d, txnr, 0);
	if (d->ticket == NULL) {
		free(d);
		return NULL;
	}
	d->conn = c;
	d->first = txnr;
	c->conn.worker->tickets_out++;
	if (c->last == NULL)
		c->first = d;
	else
		c->last->next = d;
	c->last = d;
	return d;
}

static void
debt_free(struct debt *d)
{
	free(d->ticket);
	free(d);
}

static bool
send_out(struct relp_conn *c)
{
	bool ok = c->out.len == 0 || stream_write(c->conn.stream,
	    buf_slice(&c->out));

	buf_clear(&c->out);
	return ok;
}

static bool
pay(struct relp_conn *c, const struct debt *d)
{
	uint32_t txnr = d->first;

	for (uint32_t i = 0; i < d->n; i++) {
		if (!relp_write_ok(&c->out, txnr))
			return false;
		txnr = txnr == RELP_TXNR_MAX ? 1 : txnr + 1;
		if (c->out.len > OUT_MAX / 2 && !send_out(c))
			return false;
	}
	return true;
}

static void
finish(struct relp_conn *c)
{
	if (c->conn.front->kind == RECORD_LOG)
		pipeline_log_farewell(&c->conn.worker->pipeline, &c->origin);
	relp_write_close(&c->out, c->close_txnr);
	send_out(c);
	stream_close(c->conn.stream);
}

static void
pay_all(struct relp_conn *c)
{
	while (c->first != NULL && c->first->back) {
		struct debt *d = c->first;
		bool ok = atomic_load(&d->ticket->worst) <= TICKET_DUPLICATE;

		c->first = d->next;
		if (c->first == NULL)
			c->last = NULL;
		ok = ok && pay(c, d);
		debt_free(d);
		if (!ok) {
			stream_abort(c->conn.stream);
			return;
		}
	}
	if (!send_out(c)) {
		stream_abort(c->conn.stream);
		return;
	}
	if (c->closing && c->first == NULL)
		finish(c);
}

static void
answered(struct letter *l, void *worker)
{
	struct worker *w = worker;
	struct ticket *t = (struct ticket *)l;
	struct debt *d = (struct debt *)(uintptr_t)t->connection;

	w->tickets_out--;
	d->back = true;
	if (d->conn == NULL)
		debt_free(d);
	else
		pay_all(d->conn);
}

static size_t
max_message(const struct door *d)
{
	return d->front->kind == RECORD_EVENT ?
	    d->conf->events.max_event : log_feed_max(d);
}

static bool
relp_open(struct conn *conn)
{
	struct relp_conn *c = (struct relp_conn *)conn;

	relp_parser_init(&c->parser, max_message(conn->door), 64u << 20);
	relp_server_init(&c->server);
	buf_init(&c->out, OUT_MAX);
	c->origin.sender = hash_stable(log_feed_host(slice_str(
	    stream_peer(conn->stream))), 0);
	c->origin.connection = worker_connection(conn->worker);
	return true;
}

static void
message(struct relp_conn *c, const struct relp_frame *f, struct debt **debt)
{
	if (*debt == NULL)
		*debt = debt_new(c, f->txnr);
	if (*debt == NULL)
		return;		/* unanswered: the sender keeps it */
	(*debt)->n++;
	if (c->conn.front->kind == RECORD_EVENT) {
		log_event(c->conn.door, f->data, f->length > f->data.len ?
		    LOG_FLAG_TRUNCATED : 0,
		    slice_str(stream_peer(c->conn.stream)), (*debt)->ticket);
		return;
	}
	c->origin.message = hash_stable(f->data, f->length);
	log_feed(c->conn.door, f->data, f->length > f->data.len ?
	    LOG_FLAG_TRUNCATED : 0, slice_str(stream_peer(c->conn.stream)),
	    (*debt)->ticket, &c->origin);
	c->origin.ordinal += c->origin.ordinal < UINT32_MAX;
}

/* Frames until there are no more; the answer is data()'s, or 0 to go on. */
static ssize_t
frames(struct relp_conn *c, struct slice *rest, struct debt **debt)
{
	struct relp_frame f;

	for (;;) {
		enum relp_answer a = relp_next(&c->parser, rest, &f);

		if (a == RELP_MORE)
			return 0;
		if (a == RELP_BAD) {
			pipeline_refused(&c->conn.worker->pipeline,
			    c->conn.front->kind, SOURCE_RELP, c->parser.reason, 1);
			bad_input(SOURCE_RELP, c->parser.reason,
			    slice_upto(*rest, 64),
			    stream_peer(c->conn.stream));
			return STREAM_CLOSE;
		}
		switch (relp_server_frame(&c->server, &f, &c->out)) {
		case RELP_EVENT_NONE:
			break;
		case RELP_EVENT_SYSLOG:
			message(c, &f, debt);
			break;
		case RELP_EVENT_CLOSE:
			c->closing = true;
			c->close_txnr = f.txnr;
			return 0;
		case RELP_EVENT_FAIL:
			return STREAM_CLOSE;
		}
	}
}

static ssize_t
relp_data(struct conn *conn, struct slice data, bool eof)
{
	struct relp_conn *c = (struct relp_conn *)conn;
	struct slice rest = data;
	struct debt *debt = NULL;
	ssize_t end = c->closing ? 0 : frames(c, &rest, &debt);

	if (debt != NULL)
		ticket_release(debt->ticket);
	if (c->first == NULL)
		send_out(c);
	if (end != 0)
		return end;
	if (c->closing && c->first == NULL)
		finish(c);
	if (eof && c->first != NULL)
		return STREAM_LINGER;
	return (ssize_t)(data.len - rest.len);
}

static void
relp_closed(struct conn *conn)
{
	struct relp_conn *c = (struct relp_conn *)conn;
	struct debt *d, *next;

	for (d = c->first; d != NULL; d = next) {
		next = d->next;
		d->conn = NULL;
		if (d->back)
			debt_free(d);
	}
	relp_parser_fini(&c->parser);
	buf_fini(&c->out);
}

static size_t
relp_read_max(const struct door *d)
{
	return max_message(d) + RELP_HEADER_MAX + 65536;
}

const struct front front_relp = {
	.name = "relp",
	.source = SOURCE_RELP,
	.kind = RECORD_LOG,
	.open = relp_open,
	.data = relp_data,
	.closed = relp_closed,
	.conn_size = sizeof(struct relp_conn),
	.read_max = relp_read_max,
	.write_max = 4u << 20
};

const struct front front_relp_events = {
	.name = "relp",
	.source = SOURCE_RELP,
	.kind = RECORD_EVENT,
	.open = relp_open,
	.data = relp_data,
	.closed = relp_closed,
	.conn_size = sizeof(struct relp_conn),
	.read_max = relp_read_max,
	.write_max = 4u << 20
};
