/* resp.c - events over RESP: bursts, tickets, windows. */
#include "config.h"

#include <stdlib.h>

#include "base/log.h"
#include "core/event_ask.h"
#include "front/fronts.h"
#include "front/resp_conn.h"
#include "front/worker.h"

#define BURST_EVENTS 512
#define OUT_MAX (4u << 20)
#define WRITE_MAX (64u << 20)
#define WROTE_MAX 16384

/* ---- bursts ---- */

static void answered(struct letter *l, void *worker);

struct burst *
resp_burst(struct resp_conn *c, size_t n)
{
	struct burst *b = c->open;
	size_t cap = n > BURST_EVENTS ? n : BURST_EVENTS;

	if (b != NULL && b->ticket->cap - b->ticket->n >= n)
		return b;
	if (b != NULL) {
		c->open = NULL;
		ticket_release(b->ticket);
	}
	b = calloc(1, sizeof *b);
	if (b == NULL)
		return NULL;
	b->ticket = ticket_new(&c->conn.worker->inbox, answered,
	    (uint64_t)(uintptr_t)b, 0, cap);
	if (b->ticket == NULL) {
		free(b);
		return NULL;
	}
	b->conn = c;
	buf_init(&b->text, WRITE_MAX);
	c->conn.worker->tickets_out++;
	if (c->last == NULL)
		c->first = b;
	else
		c->last->next = b;
	c->last = b;
	c->open = b;
	return b;
}

static bool
add_part(struct resp_conn *c, struct burst_part part, struct slice bytes)
{
	struct burst *b = resp_burst(c, 0);

	return b != NULL && buf_reserve(&b->text, sizeof part + bytes.len) &&
	    buf_add(&b->text, &part, sizeof part) &&
	    buf_add_slice(&b->text, bytes);
}

void
resp_say(struct resp_conn *c)
{
	struct slice text = buf_slice(&c->out);
	struct burst_part part = { PART_TEXT, (uint32_t)text.len, 0 };
	bool ok;

	/* Nothing is owed before it: it need not wait. */
	if (c->first == NULL)
		ok = stream_write(c->conn.stream, text);
	else
		ok = add_part(c, part, text);
	buf_clear(&c->out);
	if (!ok)
		stream_abort(c->conn.stream);
}

void
resp_owe(struct resp_conn *c, size_t slot)
{
	struct burst_part part = { PART_ID, 0, (uint32_t)slot };

	c->inflight++;
	if (!add_part(c, part, slice_of(NULL, 0)))
		stream_abort(c->conn.stream);
}

void
resp_owe_group(struct resp_conn *c, size_t slot, size_t n)
{
	struct burst_part part = { PART_GROUP, (uint32_t)n, (uint32_t)slot };

	c->inflight += n;
	if (!add_part(c, part, slice_of(NULL, 0)))
		stream_abort(c->conn.stream);
}

/* ---- answers ---- */

static const char *
error_of(enum ticket_status s)
{
	switch (s) {
	case TICKET_FULL:
		return "OOM spool full, try again later";
	case TICKET_TOO_LONG:
		return "ERR event too large for the journal";
	case TICKET_FAILED:
		return "MISCONF not stored: the journal cannot write, or no stream is configured";
	default:
		return NULL;
	}
}

/* False: what happened to it is not known, so nothing may be said. */
static bool
say_id(struct buf *out, const struct ticket_result *r)
{
	const char *error = error_of(r->status);

	if (r->status == TICKET_UNKNOWN)
		return false;
	if (error != NULL)
		return resp_add_error(out, error);
	return resp_add_id(out, r->ms, r->seq);
}

static bool
say_group(struct buf *out, const struct ticket_result *r, size_t n)
{
	for (size_t i = 0; i < n; i++)
		if (r[i].status == TICKET_UNKNOWN)
			return false;
		else if (error_of(r[i].status) != NULL)
			return resp_add_error(out, "EXECABORT nothing of the "
			    "transaction was stored");
	resp_add_array(out, n);
	for (size_t i = 0; i < n; i++)
		if (!resp_add_id(out, r[i].ms, r[i].seq))
			return false;
	return true;
}

static bool
write_burst(struct resp_conn *c, struct burst *b)
{
	size_t at = 0;
	bool ok = true;

	buf_clear(&c->out);
	while (ok && at < b->text.len) {
		struct burst_part part;

		memcpy(&part, b->text.data + at, sizeof part);
		at += sizeof part;
		if (part.what == PART_TEXT) {
			ok = buf_add(&c->out, b->text.data + at, part.n);
			at += part.n;
		} else if (part.what == PART_ID) {
			ok = say_id(&c->out, &b->ticket->result[part.slot]);
			c->inflight--;
		} else if (part.what == PART_ANSWER) {
			ok = resp_add_answer(&c->out, c, b->ask,
			    (enum resp_answer)part.n);
		} else {
			ok = say_group(&c->out, &b->ticket->result[part.slot],
			    part.n);
			c->inflight -= part.n;
		}
		if (c->out.len > OUT_MAX / 2) {
			ok = ok && stream_write(c->conn.stream,
			    buf_slice(&c->out));
			buf_clear(&c->out);
		}
	}
	ok = ok && (c->out.len == 0 || stream_write(c->conn.stream,
	    buf_slice(&c->out)));
	buf_clear(&c->out);
	return ok;
}

static void
burst_free(struct burst *b)
{
	free(b->ticket);
	event_ask_free(b->ask);
	buf_fini(&b->text);
	free(b);
}

/* Write out the bursts at the front that are answered. */
static void
write_back(struct resp_conn *c)
{
	while (c->first != NULL && c->first->back) {
		struct burst *b = c->first;

		c->first = b->next;
		if (c->first == NULL)
			c->last = NULL;
		if (!write_burst(c, b)) {
			burst_free(b);
			stream_abort(c->conn.stream);
			return;
		}
		burst_free(b);
	}
	if (c->first == NULL && c->quitting)
		stream_close(c->conn.stream);
	else if (c->window &&
	    c->inflight < c->conn.door->conf->events.max_inflight / 3) {
		c->window = false;
		stream_resume(c->conn.stream);
	}
}

static void
answered(struct letter *l, void *worker)
{
	struct worker *w = worker;
	struct ticket *t = (struct ticket *)l;
	struct burst *b = (struct burst *)(uintptr_t)t->connection;

	w->tickets_out--;
	b->back = true;
	if (b->conn == NULL)
		burst_free(b);
	else
		write_back(b->conn);
}

/* ---- the stream ---- */

static bool
resp_open(struct conn *conn)
{
	static _Atomic uint64_t ids;
	struct resp_conn *c = (struct resp_conn *)conn;
	const struct conf_events *e = &conn->door->conf->events;

	c->proto = 2;
	c->id = atomic_fetch_add(&ids, 1) + 1;
	c->max_pairs = e->max_fields;
	c->pairs = malloc(c->max_pairs * sizeof *c->pairs);
	resp_parser_init(&c->parser, e->max_fields * 2 + 64,
	    e->max_event + 65536);
	buf_init(&c->out, OUT_MAX);
	buf_init(&c->multi, e->max_inflight_bytes);
	buf_init(&c->wrote, WROTE_MAX);
	return c->pairs != NULL;
}

static void
say_error(struct resp_conn *c, const char *error)
{
	resp_add_error(&c->out, error);
	resp_say(c);
}

static void
refuse(struct resp_conn *c, enum reason why, const char *error)
{
	pipeline_refused(&c->conn.worker->pipeline, RECORD_EVENT, SOURCE_RESP,
	    why, 1);
	LOG_LIMITED(LOG_AT_WARN, 10, "events: %s: refused: %s",
	    stream_peer(c->conn.stream), error);
	say_error(c, error);
}

void
resp_end_burst(struct resp_conn *c)
{
	struct burst *b = c->open;

	c->open = NULL;
	if (b != NULL)
		ticket_release(b->ticket);
}

static bool
window_full(struct resp_conn *c)
{
	const struct conf_events *e = &c->conn.door->conf->events;

	if (c->inflight < e->max_inflight)
		return false;
	c->window = true;
	stream_pause(c->conn.stream);
	return true;
}

/* Nothing more is looked at; the last answer closes the connection. */
static ssize_t
at_end(struct resp_conn *c, size_t len, bool eof)
{
	if (c->first == NULL)
		return STREAM_CLOSE;
	c->quitting = true;
	return eof ? STREAM_LINGER : (ssize_t)len;
}

static ssize_t
resp_data(struct conn *conn, struct slice data, bool eof)
{
	struct resp_conn *c = (struct resp_conn *)conn;
	size_t used = 0, n;

	while (!c->quitting && !window_full(c)) {
		enum resp_status s = resp_request(&c->parser,
		    slice_from(data, used), &n);

		if (s == RESP_READY) {
			resp_command(c, c->parser.argv, c->parser.argc);
		} else if (s != RESP_MORE) {
			refuse(c, c->parser.reason, c->parser.error);
			c->quitting = s == RESP_BAD;
		}
		used += n;
		if (s == RESP_MORE)
			break;
	}
	resp_end_burst(c);
	if (c->quitting || (eof && !c->window))
		return at_end(c, data.len, eof);
	return (ssize_t)used;
}

static void
resp_closed(struct conn *conn)
{
	struct resp_conn *c = (struct resp_conn *)conn;
	struct burst *b, *next;

	resp_end_burst(c);
	for (b = c->first; b != NULL; b = next) {
		next = b->next;
		b->conn = NULL;		/* freed when its ticket is back */
		if (b->ask != NULL)
			atomic_store(&b->ask->cancelled, true);
		if (b->back)
			burst_free(b);
	}
	resp_parser_fini(&c->parser);
	buf_fini(&c->out);
	buf_fini(&c->multi);
	buf_fini(&c->wrote);
	free(c->pairs);
	free(c->user);
}

static size_t
resp_read_max(const struct door *d)
{
	return d->conf->events.max_event + 65536 + 1024;
}

const struct front front_resp = {
	.name = "resp",
	.source = SOURCE_RESP,
	.kind = RECORD_EVENT,
	.open = resp_open,
	.data = resp_data,
	.closed = resp_closed,
	.conn_size = sizeof(struct resp_conn),
	.read_max = resp_read_max,
	.write_max = WRITE_MAX
};
