/* http.c - events by HTTP POST: answered when they are safe.
 *
 *   POST /events/STREAM	a JSON object, or several, or CloudEvents
 *
 * All events of a request are stored together or not at all.  2xx: they are on
 * disk (or in Redis, where the stream asks for that).  4xx and 5xx: certainly
 * none of them is stored, and the body says why.  A connection that closes
 * without an answer: not known; send again with the same Idempotency-Key.
 *
 * One request of a connection is under way at a time; meanwhile it is not
 * read. */
#include "config.h"

#include <ev.h>
#include <openssl/sha.h>
#include <stdlib.h>

#include "base/json.h"
#include "base/log.h"
#include "core/ticket.h"
#include "front/auth.h"
#include "front/bad.h"
#include "front/fronts.h"
#include "front/worker.h"
#include "proto/event_body.h"
#include "proto/xadd.h"

#define PATH "/events/"
#define REQUEST_S 30		/* for a head, and for each MiB of a body */
#define QUIET_S 75		/* between requests */
#define RETRY_S 1
#define FULL_RETRY_S 5

struct http_conn {
	struct conn conn;
	enum { HTTP_AT_HEAD, HTTP_AT_BODY, HTTP_AT_CHUNKS, HTTP_BUSY } state;
	size_t seen;			/* of the head */
	size_t need;			/* bytes of head and body together */
	bool keep_alive;
	bool broken;			/* nothing more can be said */
	struct buf head;		/* of a request whose body is chunked */
	struct http_chunks chunks;
	struct buf body;
	ev_timer timer;
	struct http_debt *debt;
	bool one;			/* the answer is one id, not a list */
	/* who it was that this Authorization header named */
	bool known;
	uint8_t credentials[SHA256_DIGEST_LENGTH];
	char *user;
};

/* What is owed for the request under way. */
struct http_debt {
	struct http_conn *conn;		/* NULL: it has gone */
	struct ticket *ticket;
};

static const struct conf_events *
conf_of(const struct http_conn *c)
{
	return &c->conn.door->conf->events;
}

static const char *
peer_of(struct http_conn *c)
{
	return stream_peer(c->conn.stream);
}

/* ---- patience ---- */

static void
wait_for(struct http_conn *c, double seconds)
{
	struct ev_loop *loop = stream_loop(c->conn.stream);

	ev_timer_stop(loop, &c->timer);
	ev_timer_set(&c->timer, seconds, 0);
	ev_timer_start(loop, &c->timer);
}

/* ---- answers ---- */

static bool
write_answer(struct http_conn *c, unsigned status, unsigned retry_s,
    const char *more, struct slice body)
{
	struct buf out = BUF_INIT(SIZE_MAX);
	bool ok = http_status_line(&out, status) &&
	    buf_printf(&out, "Content-Type: application/json\r\n"
	    "Content-Length: %zu\r\nCache-Control: no-store\r\n%s", body.len,
	    more);

	if (retry_s > 0)
		ok = ok && buf_printf(&out, "Retry-After: %u\r\n", retry_s);
	if (!c->keep_alive)
		ok = ok && buf_adds(&out, "Connection: close\r\n");
	ok = ok && buf_adds(&out, "\r\n") && buf_add_slice(&out, body) &&
	    stream_write(c->conn.stream, buf_slice(&out));
	buf_fini(&out);
	return ok;
}

struct refusal {
	unsigned status;
	enum reason why;
	const char *text;
	unsigned retry_s;
	const char *more;		/* header lines */
	size_t where;			/* which event, from 0 */
	bool has_where;
};

/* Say no.  What had come of it is counted as one record. */
static void
refuse(struct http_conn *c, const struct refusal *f)
{
	struct buf body = BUF_INIT(65536);
	bool bad;

	pipeline_refused(&c->conn.worker->pipeline, RECORD_EVENT, SOURCE_HTTP,
	    f->why, 1);
	bad_input(SOURCE_HTTP, f->why, slice_str(f->text), peer_of(c));
	buf_printf(&body, "{\"error\":\"%s\",\"message\":", reason_name(f->why));
	json_add_string(&body, slice_str(f->text), &bad);
	if (f->has_where)
		buf_printf(&body, ",\"index\":%zu", f->where);
	buf_adds(&body, "}\n");
	if (!write_answer(c, f->status, f->retry_s,
	    f->more == NULL ? "" : f->more, buf_slice(&body)))
		c->broken = true;
	buf_fini(&body);
}

static void
refuse_by(struct http_conn *c, unsigned status, enum reason why,
    const char *text)
{
	struct refusal f = { .status = status, .why = why, .text = text };

	refuse(c, &f);
}

static bool
add_id(struct buf *b, const struct ticket_result *r)
{
	return buf_addc(b, '"') && buf_add_u64(b, r->ms) &&
	    buf_addc(b, '-') && buf_add_u64(b, r->seq) && buf_addc(b, '"');
}

static void
say_stored(struct http_conn *c, const struct ticket *t)
{
	struct buf body = BUF_INIT(SIZE_MAX);
	size_t again = 0;
	bool ok = buf_adds(&body, c->one ? "{\"id\":" : "{\"ids\":[");

	for (size_t i = 0; i < t->n && ok; i++) {
		again += t->result[i].status == TICKET_DUPLICATE;
		ok = (i == 0 || buf_addc(&body, ',')) &&
		    add_id(&body, &t->result[i]);
	}
	if (!c->one)
		ok = ok && buf_addc(&body, ']');
	if (again > 0)
		ok = ok && buf_printf(&body, ",\"duplicates\":%zu", again);
	ok = ok && buf_adds(&body, "}\n") &&
	    write_answer(c, 200, 0, "", buf_slice(&body));
	buf_fini(&body);
	c->broken |= !ok;
}

/* All of its events ended alike: they went as one group. */
static void
say_how_it_went(struct http_conn *c, const struct ticket *t)
{
	struct refusal full = { 503, REASON_QUEUE_FULL,
	    "the journal is full", FULL_RETRY_S, NULL, 0, false };
	struct refusal failed = { 503, REASON_IO_ERROR,
	    "the journal cannot write", FULL_RETRY_S, NULL, 0, false };

	switch ((enum ticket_status)atomic_load(&t->worst)) {
	case TICKET_DONE:
	case TICKET_DUPLICATE:
		say_stored(c, t);
		break;
	case TICKET_FULL:
		refuse(c, &full);
		break;
	case TICKET_TOO_LONG:
		refuse_by(c, 413, REASON_TOO_LONG,
		    "too much to be stored at once");
		break;
	case TICKET_FAILED:
		refuse(c, &failed);
		break;
	case TICKET_UNKNOWN:
		c->broken = true;
		break;
	}
}

static void
answered(struct letter *l, void *worker)
{
	struct worker *w = worker;
	struct ticket *t = (struct ticket *)l;
	struct http_debt *d = (struct http_debt *)(uintptr_t)t->connection;
	struct http_conn *c = d->conn;

	w->tickets_out--;
	free(d);
	if (c != NULL) {
		c->debt = NULL;
		c->state = HTTP_AT_HEAD;
		say_how_it_went(c, t);
		if (c->broken) {
			stream_abort(c->conn.stream);
		} else if (c->keep_alive) {
			wait_for(c, QUIET_S);
			stream_resume(c->conn.stream);
		} else {
			stream_close(c->conn.stream);
		}
	}
	free(t);
}

/* ---- who is it ---- */

static enum auth_answer
log_in(struct http_conn *c, struct slice how, const struct conf_user **user)
{
	const struct conf *conf = c->conn.door->conf;
	struct buf plain = BUF_INIT(4096);
	struct slice rest = how, scheme = slice_cut(&rest, ' ');
	enum auth_answer a = AUTH_WRONG;

	*user = NULL;
	rest = slice_trim(rest);
	if (slice_eq_nocase(scheme, SLICE("basic")) &&
	    http_base64(rest, &plain)) {
		struct slice password = buf_slice(&plain);
		struct slice name = slice_cut(&password, ':');

		a = auth_user(conf, peer_of(c), name, password, user);
	} else if (slice_eq_nocase(scheme, SLICE("bearer"))) {
		a = auth_token(conf, peer_of(c), rest, user);
	}
	buf_fini(&plain);
	return a;
}

/* The user a request comes from.  Passwords are made slow to check; the same
 * header on the same connection is not checked again. */
static enum auth_answer
who(struct http_conn *c, const struct http_request *r,
    const struct conf_user **user)
{
	struct slice how = http_header(r, SLICE("authorization"));
	uint8_t digest[SHA256_DIGEST_LENGTH];
	enum auth_answer a;

	*user = NULL;
	if (auth_open(c->conn.door->conf))
		return AUTH_OK;
	if (how.ptr == NULL)
		return AUTH_WRONG;
	SHA256((const unsigned char *)how.ptr, how.len, digest);
	if (c->known && memcmp(digest, c->credentials, sizeof digest) == 0) {
		*user = auth_named(c->conn.door->conf, c->user);
		return *user == NULL ? AUTH_WRONG : AUTH_OK;
	}
	a = log_in(c, how, user);
	free(c->user);
	c->user = a == AUTH_OK ? strdup((*user)->name) : NULL;
	c->known = c->user != NULL;
	memcpy(c->credentials, digest, sizeof digest);
	return a;
}

/* ---- a whole request ---- */

static unsigned
status_of(enum reason why)
{
	switch (why) {
	case REASON_TOO_LONG:
	case REASON_TOO_MANY:
		return 413;
	case REASON_NO_MEMORY:
		return 503;
	case REASON_BAD_TYPE:
		return 415;
	default:
		return 400;
	}
}

static const char *
text_of(enum reason why)
{
	switch (why) {
	case REASON_TOO_LONG:
		return "an event that is too large";
	case REASON_TOO_MANY:
		return "too many events, or fields in one";
	case REASON_NO_MEMORY:
		return "no memory";
	case REASON_BAD_TYPE:
		return "taken are application/json, application/x-ndjson, "
		    "application/cloudevents+json, "
		    "application/cloudevents-batch+json and CloudEvents in "
		    "binary mode";
	case REASON_TOO_DEEP:
		return "JSON that is nested too deep";
	case REASON_NOT_UTF8:
		return "JSON that is not UTF-8";
	case REASON_EMPTY:
		return "no event, or one without fields";
	case REASON_BAD_VALUE:
		return "a CloudEvent whose specversion is not 1.x, whose "
		    "data_base64 is not base64, or with an attribute that is "
		    "badly escaped";
	case REASON_BAD_FIELDS:
		return "a CloudEvent needs specversion, id, source and type";
	default:
		return "not the JSON that is expected: an object, objects in "
		    "lines, or an array of objects";
	}
}

static bool
name_events(struct http_conn *c, const struct http_request *r,
    const struct conf_user *user, struct event_list *l)
{
	struct slice key = http_header(r, SLICE("idempotency-key"));
	struct slice pid = http_header(r, SLICE("idempotency-producer"));

	/* as a "string" of RFC 8941, or bare */
	if (key.len >= 2 && key.ptr[0] == '"' && key.ptr[key.len - 1] == '"')
		key = slice_of(key.ptr + 1, key.len - 2);
	if (key.len == 0)
		return true;
	if (pid.len == 0)
		pid = user == NULL ? SLICE("http") : slice_str(user->name);
	return event_body_name(l, pid, key);
}

/* Send them on.  NONE: the ticket will tell. */
static enum reason
store(struct http_conn *c, struct slice stream, const struct event_list *l)
{
	struct worker *w = c->conn.worker;
	struct record *r = calloc(l->n, sizeof *r);
	struct http_debt *d = calloc(1, sizeof *d);
	enum reason why = REASON_NO_MEMORY;

	if (d != NULL)
		d->ticket = ticket_new(&w->inbox, answered,
		    (uint64_t)(uintptr_t)d, 0, l->n);
	if (r == NULL || d == NULL || d->ticket == NULL) {
		free(d);
		free(r);
		return why;
	}
	for (size_t i = 0; i < l->n; i++) {
		r[i].kind = RECORD_EVENT;
		r[i].source = SOURCE_HTTP;
		r[i].received_ns = w->now_ns;
		r[i].peer = slice_str(peer_of(c));
		r[i].event = l->v[i];
		r[i].event.stream = stream;
	}
	d->ticket->n = l->n;
	why = pipeline_event_group(&w->pipeline, r, l->n, d->ticket, 0);
	free(r);
	w->tickets_out++;
	if (why == REASON_NONE) {
		d->conn = c;
		c->debt = d;
	}
	ticket_release(d->ticket);	/* without a conn it is only freed */
	return why;
}

static void
take(struct http_conn *c, const struct http_request *r, struct slice body,
    struct slice stream, const struct conf_user *user)
{
	const struct conf_events *e = conf_of(c);
	struct event_list l;
	size_t where;
	enum reason why;

	event_list_init(&l, e->max_inflight, e->max_fields, e->max_event);
	why = event_body_read(event_body_of(r), r, body, &l, &where);
	if (why == REASON_NONE && !name_events(c, r, user, &l))
		why = REASON_NO_MEMORY;
	if (why != REASON_NONE) {
		struct refusal f = { status_of(why), why, text_of(why),
		    why == REASON_NO_MEMORY ? RETRY_S : 0, NULL, where,
		    why != REASON_BAD_TYPE };

		refuse(c, &f);
	} else {
		c->one = l.n == 1;
		why = store(c, stream, &l);
		if (why == REASON_NO_ROUTE)
			refuse_by(c, 404, why, "no stream takes it");
		else if (why != REASON_NONE)
			refuse_by(c, 503, why, "no memory");
	}
	event_list_fini(&l);
}

static void
refuse_user(struct http_conn *c, enum auth_answer a)
{
	struct refusal wrong = { 401, REASON_NO_AUTH,
	    "a user's name and password are needed", 0,
	    "WWW-Authenticate: Basic realm=\"events\", charset=\"UTF-8\"\r\n",
	    0, false };
	struct refusal wait = { 429, REASON_RATE_LIMIT,
	    "too many wrong passwords from this address", 60, NULL, 0, false };

	refuse(c, a == AUTH_WAIT ? &wait : &wrong);
}

static bool
packed(const struct http_request *r)
{
	struct slice how = http_header(r, SLICE("content-encoding"));

	return how.len > 0 && !slice_eq_nocase(how, SLICE("identity"));
}

/* What can be said before the body has come; false: it has been said. */
static bool
welcome(struct http_conn *c, const struct http_request *r,
    struct buf *stream, const struct conf_user **user)
{
	struct refusal wrong_verb = { 405, REASON_UNKNOWN_COMMAND,
	    "only POST", 0, "Allow: POST\r\n", 0, false };
	struct refusal busy = { 503, REASON_OVERLOAD,
	    "more events than can be stored now", RETRY_S, NULL, 0, false };
	struct refusal ending = { 503, REASON_SHUTDOWN, "shutting down",
	    FULL_RETRY_S, NULL, 0, false };
	struct worker *w = c->conn.worker;
	enum auth_answer a;

	if (!slice_starts(r->path, SLICE(PATH))) {
		refuse_by(c, 404, REASON_BAD_STREAM,
		    "events are sent to /events/STREAM");
		return false;
	}
	if (!slice_eq(r->method, SLICE("POST"))) {
		refuse(c, &wrong_verb);
		return false;
	}
	a = who(c, r, user);
	if (a != AUTH_OK) {
		refuse_user(c, a);
		return false;
	}
	if (!http_unescape(slice_from(r->path, sizeof PATH - 1), stream) ||
	    !xadd_good_stream(buf_slice(stream))) {
		refuse_by(c, 400, REASON_BAD_STREAM, "that names no stream");
		return false;
	}
	if (packed(r)) {
		refuse_by(c, 415, REASON_BAD_TYPE,
		    "bodies are taken as they are, without Content-Encoding");
		return false;
	}
	if (!auth_stream(c->conn.door->conf, *user, buf_slice(stream))) {
		refuse_by(c, 403, REASON_NO_PERMISSION,
		    "this user may not write to that stream");
		return false;
	}
	if (w->draining && w->closing) {
		refuse(c, &ending);
		return false;
	}
	if (pipeline_full(&w->pipeline, RECORD_EVENT)) {
		refuse(c, &busy);
		return false;
	}
	return true;
}

/* ---- from bytes to requests ---- */

static void
begin_body(struct http_conn *c, const struct http_request *r)
{
	wait_for(c, REQUEST_S * (1 + (double)(r->chunked ?
	    conf_of(c)->max_batch : r->length) / (1 << 20)));
	if (r->expects && !stream_write(c->conn.stream,
	    SLICE("HTTP/1.1 100 Continue\r\n\r\n")))
		c->broken = true;
}

/* The request is whole: take it, or say no. */
static void
whole(struct http_conn *c, const struct http_request *r, struct slice body)
{
	struct buf stream = BUF_INIT(HTTP_HEAD_MAX);
	const struct conf_user *user;

	ev_timer_stop(stream_loop(c->conn.stream), &c->timer);
	c->state = HTTP_AT_HEAD;
	c->need = 0;
	if (welcome(c, r, &stream, &user))
		take(c, r, body, buf_slice(&stream), user);
	buf_fini(&stream);
	if (c->debt != NULL) {
		c->state = HTTP_BUSY;
		stream_pause(c->conn.stream);
	} else {
		wait_for(c, QUIET_S);
	}
}

/* A head stands at the front of in.  *used: how much to drop; the answer is
 * data()'s, 0 to go on, or -3 to wait for more. */
#define WAIT ((ssize_t)-3)

static ssize_t
begin(struct http_conn *c, const struct http_request *r, struct slice in,
    size_t head, size_t *used)
{
	struct buf stream = BUF_INIT(HTTP_HEAD_MAX);
	const struct conf_user *user;
	bool fine;

	c->keep_alive = r->keep_alive && !c->conn.worker->draining;
	if (!r->chunked && in.len - head >= r->length) {
		whole(c, r, slice_of(in.ptr + head, (size_t)r->length));
		*used = head + (size_t)r->length;
		return c->debt == NULL && !c->keep_alive ? STREAM_CLOSE : 0;
	}
	/* refused now, its body would follow all the same */
	c->keep_alive = false;
	fine = welcome(c, r, &stream, &user);
	buf_fini(&stream);
	if (!fine)
		return STREAM_CLOSE;
	c->keep_alive = r->keep_alive && !c->conn.worker->draining;
	begin_body(c, r);
	if (!r->chunked) {
		c->state = HTTP_AT_BODY;
		c->need = head + (size_t)r->length;
		return WAIT;
	}
	buf_clear(&c->head);
	buf_clear(&c->body);
	c->chunks = (struct http_chunks){ HTTP_CHUNK_SIZE, 0, 0 };
	if (!buf_add(&c->head, in.ptr, head)) {
		refuse_by(c, 503, REASON_NO_MEMORY, "no memory");
		return STREAM_CLOSE;
	}
	c->state = HTTP_AT_CHUNKS;
	*used = head;
	return 0;
}

static ssize_t
fault(struct http_conn *c, const struct http_fault *f)
{
	c->keep_alive = false;
	refuse_by(c, f->status, f->reason, f->text);
	return STREAM_CLOSE;
}

static ssize_t
at_head(struct http_conn *c, struct slice in, size_t *used)
{
	struct http_request r;
	struct http_fault f;
	size_t head;

	if (c->state == HTTP_AT_BODY && in.len < c->need)
		return WAIT;
	if (in.len > 0 && c->state == HTTP_AT_HEAD && c->seen == 0)
		wait_for(c, REQUEST_S);
	switch (http_head(in, &c->seen, &head, &r, &f)) {
	case HTTP_MORE:
		return WAIT;
	case HTTP_BAD:
		return fault(c, &f);
	case HTTP_READY:
		break;
	}
	if (r.length > conf_of(c)->max_batch) {
		c->keep_alive = false;
		refuse_by(c, 413, REASON_TOO_LONG, "the body is too large");
		return STREAM_CLOSE;
	}
	return begin(c, &r, in, head, used);
}

static ssize_t
at_chunks(struct http_conn *c, struct slice in, size_t *used)
{
	struct slice rest = in;
	struct http_request r;
	struct http_fault f;
	size_t head, seen = 0;
	enum http_answer a = http_chunks(&c->chunks, &rest, &c->body, &f);

	*used = in.len - rest.len;
	if (a == HTTP_MORE)
		return WAIT;
	if (a == HTTP_BAD)
		return fault(c, &f);
	if (http_head(buf_slice(&c->head), &seen, &head, &r, &f) != HTTP_READY)
		return STREAM_CLOSE;
	whole(c, &r, buf_slice(&c->body));
	buf_fini(&c->body);
	return c->debt == NULL && !c->keep_alive ? STREAM_CLOSE : 0;
}

static ssize_t
http_data(struct conn *conn, struct slice data, bool eof)
{
	struct http_conn *c = (struct http_conn *)conn;
	size_t at = 0;

	while (c->state != HTTP_BUSY && at < data.len) {
		struct slice in = slice_from(data, at);
		size_t used = 0;
		ssize_t end = c->state == HTTP_AT_CHUNKS ?
		    at_chunks(c, in, &used) : at_head(c, in, &used);

		at += used;
		if (end == WAIT)
			break;
		if (end != 0)
			return end;
	}
	if (c->broken)
		return STREAM_CLOSE;
	if (c->state == HTTP_BUSY)
		stream_pause(conn->stream);
	if (eof && c->state == HTTP_BUSY) {
		c->keep_alive = false;
		return STREAM_LINGER;
	}
	return (ssize_t)at;
}

/* ---- life ---- */

static void
too_slow(struct ev_loop *loop, ev_timer *w, int revents)
{
	struct http_conn *c = w->data;

	if (c->state == HTTP_AT_HEAD && c->seen == 0) {
		stream_close(c->conn.stream);	/* it only was quiet */
		return;
	}
	c->keep_alive = false;
	refuse_by(c, 408, REASON_TIMEOUT, "the request did not come in time");
	if (c->broken)
		stream_abort(c->conn.stream);
	else
		stream_close(c->conn.stream);
}

static bool
http_open(struct conn *conn)
{
	struct http_conn *c = (struct http_conn *)conn;

	buf_init(&c->head, HTTP_HEAD_MAX);
	buf_init(&c->body, conf_of(c)->max_batch);
	ev_timer_init(&c->timer, too_slow, REQUEST_S, 0);
	c->timer.data = c;
	wait_for(c, REQUEST_S);
	return true;
}

static void
http_closed(struct conn *conn)
{
	struct http_conn *c = (struct http_conn *)conn;

	ev_timer_stop(stream_loop(conn->stream), &c->timer);
	if (c->debt != NULL)
		c->debt->conn = NULL;
	buf_fini(&c->head);
	buf_fini(&c->body);
	free(c->user);
}

static size_t
http_read_max(const struct door *d)
{
	return d->conf->events.max_batch + HTTP_HEAD_MAX + 65536;
}

const struct front front_http = {
	.name = "http",
	.source = SOURCE_HTTP,
	.kind = RECORD_EVENT,
	.open = http_open,
	.data = http_data,
	.closed = http_closed,
	.conn_size = sizeof(struct http_conn),
	.read_max = http_read_max,
	.write_max = 16u << 20
};
