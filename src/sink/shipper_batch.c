/* shipper_batch.c - what is added to a key of Redis, and what is answered.
 *
 * A few events go through the script, many in a guarded transaction where
 * Redis has what that needs, and to another millrace each by itself. */
#include "config.h"

#include <assert.h>

#include "base/log.h"
#include "proto/resp.h"
#include "proto/xadd.h"
#include "sink/shipper_guard.h"
#include "sink/shipper_private.h"

#define GUARDED_FROM 32		/* events; below, the script is cheaper */

/* ---- what is answered ---- */

static void
confirmed(struct shipper *s, struct lane *l, const struct ship_call *call)
{
	l->id = (struct ship_id){ call->a, call->b };
	l->pos = call->b;
	s->stats.shipped += call->n;
	s->stats.batches++;
	s->stats.bytes += call->bytes;
	if (s->replicas > 0)
		ship_node_unsure(l->node, l);
	ship_lane_well(s, l);
	ship_stream_dirty(s, l->stream);
	if (l->state == LANE_PROBE)
		ship_lane_go_on(s, l);
}

/* An id as the script answers it. */
static bool
read_id(const struct resp_value *v, struct ship_id *id)
{
	return (v->type == RESP_BULK || v->type == RESP_SIMPLE) &&
	    stream_id_parse(v->text, 0, &id->ms, &id->seq);
}

/* To a lane that is well. */
static void
answered(struct ship_conn *c, const struct ship_call *call,
    const struct resp_value *v)
{
	struct shipper *s = ship_shipper_of(c);
	struct lane *l = call->subject;
	struct ship_id id;

	if (v->type == RESP_ERROR)
		ship_lane_failed(s, l, v->text);
	else if (v->type == RESP_NULL)	/* it does not stand where we thought */
		ship_lane_fail(s, l, 0);
	else if (!read_id(v, &id))
		ship_conn_close(c, "answered with something that is no id",
		    1000);
	else if (s->to_millrace || (id.ms == call->a && id.seq == call->b))
		confirmed(s, l, call);
	else
		ship_lane_fail(s, l, 0);
}

static void
added(struct ship_conn *c, const struct ship_call *call,
    const struct resp_value *v, struct slice reply)
{
	struct lane *l = call->subject;

	if (v == NULL)
		return;
	assert(l->inflight > 0);
	l->inflight--;
	if (l->state == LANE_DRAIN)
		ship_lane_drained(ship_shipper_of(c), l);
	else
		answered(c, call, v);
}

/* The guard could not do its work: what it needs was taken away from us just
 * then.  What was lost before these stays lost. */
static void
tell_hole(struct shipper *s, const struct lane *l, struct slice error)
{
	log_error("stream %s: key %.*s: a transaction went past its guard "
	    "(%.*s): events may be missing in it", s->section,
	    SLICE_ARG(l->key), SLICE_ARG(error));
	s->stats.errors++;
}

static void
added_guarded(struct ship_conn *c, const struct ship_call *call,
    const struct resp_value *v, struct slice reply)
{
	struct shipper *s = ship_shipper_of(c);
	struct lane *l = call->subject;
	enum ship_guarded took;
	struct slice error;

	if (v == NULL)
		return;
	if (v->type == RESP_ERROR) {	/* perhaps an early one */
		added(c, call, v, reply);
		return;
	}
	assert(l->inflight > 0);
	l->inflight--;
	took = ship_guarded_answer(reply, call->n, &error);
	if (took == SHIP_GUARDED_HOLE)
		tell_hole(s, l, error);
	if (l->state == LANE_DRAIN)
		ship_lane_drained(s, l);
	else if (took == SHIP_GUARDED_ALL)
		confirmed(s, l, call);
	else if (took == SHIP_GUARDED_FAILED)
		ship_lane_failed(s, l, error);
	else
		ship_lane_fail(s, l, 0);
}

/* ---- what is sent ---- */

bool
ship_lane_can_send(const struct lane *l)
{
	return l->state == LANE_READY && ship_node_up(l->node) &&
	    !l->node->full &&
	    l->inflight < (l->node->shipper->to_millrace ? SHIP_LANE_EVENTS :
	    SHIP_LANE_BATCHES) &&
	    l->node->conn.inflight_bytes < SHIP_NODE_BYTES;
}

/* What is being put together for a lane. */
struct batch {
	struct ship_request request;
	struct ship_id last;
	uint32_t n;
	bool guarded;
};

static bool
batch_begin(struct shipper *s, struct lane *l, struct batch *b, bool guarded)
{
	b->n = 0;
	b->request.buf = &s->request;
	b->guarded = guarded;
	if (s->to_millrace)
		return true;
	return guarded ? ship_guarded_begin(&s->request, l->key, l->sent_id) :
	    ship_append_begin(&b->request, &s->request,
	    slice_str(l->node->conn.sha), l->key, l->sent_id);
}

static bool
batch_full(const struct batch *b)
{
	return b->n >= SHIP_BATCH_EVENTS ||
	    b->request.buf->len >= SHIP_BATCH_BYTES;
}

static void
sent(struct lane *l, struct ship_id last)
{
	l->inflight++;
	l->sent_id = last;
	l->sent_pos = last.seq;
}

/* To another millrace each event goes by itself, at once. */
static enum ship_entry
send_event(struct shipper *s, struct lane *l, const struct journal_entry *e)
{
	struct ship_call call = { .done = added, .subject = l, .a = e->ms,
	    .b = e->seq, .n = 1 };
	struct ship_request r;
	enum ship_entry made = ship_xadd(&r, &s->request, l->key,
	    slice_str(s->pid), e, s->pairs, SHIP_PAIRS);

	if (made != SHIP_ENTRY_ADDED)
		return made;
	if (!ship_conn_send(&l->node->conn, ship_request_end(&r), &call))
		return SHIP_ENTRY_LATER;
	sent(l, (struct ship_id){ e->ms, e->seq });
	return SHIP_ENTRY_ADDED;
}

static enum ship_entry
batch_add(struct shipper *s, struct lane *l, struct batch *b,
    const struct journal_entry *e)
{
	enum ship_entry r = s->to_millrace ? send_event(s, l, e) :
	    b->guarded ? ship_guarded_entry(&s->request, l->key, e, s->pairs,
	    SHIP_PAIRS) :
	    ship_append_entry(&b->request, e, s->pairs, SHIP_PAIRS);

	if (r == SHIP_ENTRY_ADDED) {
		b->n++;
		b->last = (struct ship_id){ e->ms, e->seq };
	}
	return r;
}

/* The bytes of it; empty: no room. */
static struct slice
batch_end(const struct lane *l, struct batch *b)
{
	struct buf *buf = b->request.buf;

	if (!b->guarded)
		return ship_request_end(&b->request);
	if (!ship_guarded_end(buf, l->key, slice_str(l->node->conn.guard_sha)))
		return SLICE("");
	return buf_slice(buf);
}

static bool
batch_send(struct lane *l, struct batch *b)
{
	struct ship_call call = { .done = b->guarded ? added_guarded : added,
	    .subject = l, .a = b->last.ms, .b = b->last.seq, .n = b->n,
	    .replies = b->guarded ? SHIP_GUARDED_REPLIES(b->n) : 1 };
	struct slice bytes;

	if (l->node->shipper->to_millrace)
		return true;
	bytes = batch_end(l, b);
	if (bytes.len == 0 || !ship_lane_announce(l) ||
	    !ship_conn_send(&l->node->conn, bytes, &call))
		return false;
	sent(l, b->last);
	return true;
}

/* The first event of the lane cannot go this way. */
static void
cannot(struct shipper *s, struct lane *l, enum ship_entry why)
{
	ship_trouble(s, l, SHIP_E_OTHER, why == SHIP_ENTRY_TOO_WIDE ?
	    SLICE("an event has too many fields for a script") :
	    SLICE("an event cannot be written as a command"));
	ship_lane_park(s, l);
}

/* A slot on its way to another server wants each command announced. */
static bool
wants_guarded(const struct lane *l)
{
	uint32_t i = l->head;

	if (!l->guarded || l->asking)
		return false;
	for (int n = 1; n < GUARDED_FROM && i != SHIP_NONE; n++)
		i = l->reader->next[i];
	return i != SHIP_NONE;
}

bool
ship_lane_send(struct shipper *s, struct lane *l)
{
	struct ship_reader *r = l->reader;
	enum ship_entry last = SHIP_ENTRY_ADDED;
	uint32_t i = l->head;
	struct batch b;

	if (!batch_begin(s, l, &b, wants_guarded(l)))
		return false;
	while (i != SHIP_NONE && !batch_full(&b) && (last = batch_add(s, l,
	    &b, &r->entries[i])) == SHIP_ENTRY_ADDED)
		i = r->next[i];
	if (b.n == 0) {
		if (last != SHIP_ENTRY_LATER)
			cannot(s, l, last);
		return false;
	}
	if (!batch_send(l, &b))
		return false;
	l->head = i;
	if (i == SHIP_NONE)
		l->reader = NULL;
	return true;
}

bool
ship_lane_probe(struct shipper *s, struct lane *l, const struct journal_entry *e,
    size_t n)
{
	struct batch b;

	if (!batch_begin(s, l, &b, false))
		return false;
	for (size_t i = 0; i < n; i++) {
		enum ship_entry r;

		if (ship_lane_of(s, l->stream, &e[i]) != l)
			continue;
		r = batch_add(s, l, &b, &e[i]);
		if (r != SHIP_ENTRY_ADDED && b.n == 0) {
			cannot(s, l, r);
			return true;
		}
		if (r != SHIP_ENTRY_ADDED)
			break;
	}
	if (b.n == 0)
		return false;
	l->state = LANE_PROBE;
	if (!batch_send(l, &b))
		ship_lane_fail(s, l, SHIP_RETRY_MS);
	return true;
}
