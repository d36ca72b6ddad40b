/* shipper_lane.c - one key of Redis: where it stands, and what is wrong with
 * it. */
#include "config.h"

#include <stdio.h>

#include "base/log.h"
#include "proto/resp.h"
#include "sink/shipper_private.h"

#define RETRY_MAX_MS 2000
#define PARK_MS 1000
#define PARK_MAX_MS 30000
#define STOPPED_MS 1000
#define NODE_DOWN_MS 150
#define CHECKS 256		/* a second */

/* ---- lists ---- */

void
ship_lane_init(struct shipper *s, struct lane *l)
{
	l->head = l->tail = SHIP_NONE;
	l->trouble = SHIP_ERRORS;
	l->behind = true;
	l->state = LANE_ASK;
	ship_lane_ask(s, l, 0);
}

void
ship_lane_unlist(struct shipper *s, struct lane *l)
{
	if (l->listed)
		lru_remove(l->waiting ? &s->waiting : &s->asking, &l->link);
	l->listed = false;
}

void
ship_lane_ask(struct shipper *s, struct lane *l, int64_t delay_ms)
{
	ship_lane_unlist(s, l);
	l->state = LANE_ASK;
	l->sent_id = l->id;
	l->sent_pos = l->pos;
	l->until_ms = ship_now_ms() + delay_ms;
	l->waiting = delay_ms > 0;
	l->listed = true;
	lru_add(l->waiting ? &s->waiting : &s->asking, &l->link);
}

void
ship_lane_unchain(struct lane *l)
{
	l->reader = NULL;
	l->head = SHIP_NONE;
}

void
ship_lane_fail(struct shipper *s, struct lane *l, int64_t delay_ms)
{
	ship_lane_unchain(l);
	ship_lane_unlist(s, l);
	l->behind = true;
	l->until_ms = ship_now_ms() + delay_ms;
	l->state = LANE_DRAIN;
	if (l->inflight == 0)
		ship_lane_ask(s, l, delay_ms);
}

void
ship_lane_drained(struct shipper *s, struct lane *l)
{
	int64_t left = l->until_ms - ship_now_ms();

	if (l->inflight == 0)
		ship_lane_ask(s, l, left > 0 ? left : 0);
}

void
ship_lane_lost(struct shipper *s, struct lane *l)
{
	bool keep = l->state == LANE_ASK && l->waiting;

	ship_lane_unchain(l);
	l->inflight = 0;
	l->behind = true;
	if (l->unsure)
		lru_remove(&l->node->unsure, &l->unsure_link);
	l->unsure = false;
	if (!keep)
		ship_lane_ask(s, l, 0);
}

void
ship_lanes_wake(struct shipper *s, int64_t now_ms)
{
	struct lru_node *n = lru_oldest(&s->waiting), *next;

	for (; n != NULL; n = next) {
		struct lane *l = LRU_OF(n, struct lane, link);

		next = lru_newer(&s->waiting, n);
		if (l->until_ms <= now_ms)
			ship_lane_ask(s, l, 0);
	}
}

/* ---- errors ---- */

static int64_t
backoff(unsigned tries, int64_t first, int64_t most)
{
	int64_t ms = tries < 16 ? first << tries : most;

	return ship_jitter(ms < most ? ms : most);
}

void
ship_trouble(struct shipper *s, struct lane *l, enum ship_error e,
    struct slice text)
{
	bool again = l->trouble == e;

	s->errors[e]++;
	s->stats.errors++;
	l->trouble = (uint8_t)e;
	if (again)
		return;
	if (ship_error_action(e) == SHIP_PARK)
		log_error("stream %s: key %.*s: %.*s; it waits, the others go "
		    "on", s->section, SLICE_ARG(l->key), SLICE_ARG(text));
	else
		LOG_LIMITED(LOG_AT_WARN, 10, "stream %s: key %.*s: %.*s; "
		    "trying again", s->section, SLICE_ARG(l->key),
		    SLICE_ARG(text));
}

void
ship_lane_park(struct shipper *s, struct lane *l)
{
	ship_lane_fail(s, l, backoff(l->tries++, PARK_MS, PARK_MAX_MS));
}

void
ship_lane_failed(struct shipper *s, struct lane *l, struct slice text)
{
	enum ship_error e = ship_error_of(text);
	char why[200];
	int64_t ms = 0;

	ship_trouble(s, l, e, text);
	switch (ship_error_action(e)) {
	case SHIP_RELOAD:
		ship_node_load_script(l->node);
		break;
	case SHIP_RETRY:
		ms = backoff(l->tries++, SHIP_RETRY_MS, RETRY_MAX_MS);
		s->stats.retries++;
		break;
	case SHIP_PARK:
		s->stats.retries++;
		ship_lane_park(s, l);
		return;
	case SHIP_MOVED:
		if (s->cluster_map != NULL)
			ship_cluster_redirect(s, l, e, text);
		ms = s->cluster_map != NULL && l->tries++ == 0 ? 0 :
		    backoff(l->tries++, SHIP_RETRY_MS, RETRY_MAX_MS);
		break;
	case SHIP_RECONNECT:
		l->tries++;
		snprintf(why, sizeof why, "%.*s",
		    (int)(text.len > 150 ? 150 : text.len), text.ptr);
		ship_conn_close(&l->node->conn, why, 0);
		return;
	}
	ship_lane_fail(s, l, ms);
}

void
ship_lane_well(struct shipper *s, struct lane *l)
{
	if (l->trouble != SHIP_ERRORS && ship_error_action(
	    (enum ship_error)l->trouble) == SHIP_PARK)
		log_info("stream %s: key %.*s: goes on", s->section,
		    SLICE_ARG(l->key));
	l->trouble = SHIP_ERRORS;
	l->tries = 0;
}

/* ---- where does it stand? ---- */

static void
stop(struct shipper *s, struct lane *l, struct ship_id id)
{
	char text[SHIP_ID_TEXT];

	ship_id_text(id, text);
	if (!l->stopped)
		log_error("stream %s: key %.*s: its last id %s is not one of "
		    "ours: somebody else writes there; nothing is added until "
		    "that is gone", s->section, SLICE_ARG(l->key), text);
	l->stopped = true;
	l->tries = 0;
	ship_lane_fail(s, l, STOPPED_MS);
}

/* Is the last entry an event of the lane?  Also when the journal has it no
 * longer and nothing speaks against it.  Somebody else's XADD with "*" in our
 * millisecond gets the id that our next event has: so look into it. */
static bool
ours(struct shipper *s, struct lane *l, const struct ship_where *w)
{
	struct journal_entry e;

	if (w->id.seq == 0)
		return false;
	if (ship_peek(s, l->stream, w->id.seq - 1, &e, 1) != 1)
		return true;
	if (e.seq != w->id.seq)
		return e.ms >= w->id.ms;
	return e.ms == w->id.ms && ship_lane_of(s, l->stream, &e) == l &&
	    ship_where_holds(w, &e, s->pairs, SHIP_PAIRS);
}

/* How much did it lose, and is that still to be had? */
static void
rewound(struct shipper *s, struct lane *l, uint64_t pos, uint64_t first_kept)
{
	s->stats.rewinds++;
	s->stats.again += l->pos - pos;
	if (pos + 1 < first_kept) {
		s->stats.gone += first_kept - pos - 1;
		log_error("stream %s: key %.*s: Redis has lost events after "
		    "sequence %llu; the journal goes back to %llu only",
		    s->section, SLICE_ARG(l->key), (unsigned long long)pos,
		    (unsigned long long)first_kept);
	} else {
		LOG_LIMITED(LOG_AT_WARN, 10, "stream %s: key %.*s: Redis has "
		    "lost events after sequence %llu; shipping them again, up "
		    "to %llu",
		    s->section, SLICE_ARG(l->key), (unsigned long long)pos,
		    (unsigned long long)l->pos);
	}
}

/* The stream is ahead of the journal: a journal that was lost and begun anew,
 * if this is the first we see of it.  Sets *pos. */
static bool
journal_is_younger(struct shipper *s, struct lane *l, struct ship_id id,
    const struct journal_stream *js, uint64_t *pos)
{
	struct journal_entry e;
	ssize_t n;

	if (l->known)
		return false;
	n = ship_peek(s, l->stream, 0, &e, 1);
	if (n < 0 || (n == 1 && e.ms <= id.ms && js->last_ms > id.ms))
		return false;
	journal_raise(s->journal, l->stream->name, id.ms, id.seq);
	/* events that are all later than its last may still be added */
	*pos = n == 1 && e.ms > id.ms ? 0 : js->last_seq;
	LOG_LIMITED(LOG_AT_WARN, 10, "stream %s: key %.*s has more than the "
	    "journal, which must have been lost: sequences go on above %llu",
	    s->section,
	    SLICE_ARG(l->key), (unsigned long long)id.seq);
	return true;
}

/* The stream's last id is this: what is there, in sequences of the journal?
 * False: not ours. */
static bool
locate(struct shipper *s, struct lane *l, const struct ship_where *w,
    uint64_t *pos)
{
	struct journal_stream js = { .first_seq = 1 };
	struct ship_id id = w->id;

	*pos = id.seq;
	if (l->known && ship_id_eq(id, l->id)) {
		*pos = l->pos;
		return true;
	}
	journal_stream(s->journal, l->stream->name, &js);
	if (id.ms != 0 || id.seq != 0) {
		if (id.seq > js.last_seq)
			return journal_is_younger(s, l, id, &js, pos);
		if (!ours(s, l, w))
			return false;
	}
	if (l->known && *pos < l->pos)
		rewound(s, l, *pos, js.first_seq);
	return true;
}

void
ship_lane_go_on(struct shipper *s, struct lane *l)
{
	struct journal_entry e[SHIP_PROBE];
	ssize_t n;

	l->state = LANE_READY;
	ship_stream_dirty(s, l->stream);
	if (l->sure > l->pos)
		l->sure = l->pos;
	if (s->replicas > 0 && l->sure < l->pos)
		ship_lane_touch(s, l);
	if (l->stream->nlanes == 1 && l->pos >= l->stream->seen) {
		l->behind = false;
		ship_lane_well(s, l);
		return;
	}
	n = ship_peek(s, l->stream, l->pos, e, SHIP_PROBE);
	if (n < 0) {
		/* the sweep knows how long to wait for a disk */
		ship_sweep_from(s, 1);
	} else if (n == 0) {
		l->behind = false;
		ship_lane_well(s, l);
	} else if (l->tries == 0 || !ship_lane_probe(s, l, e, (size_t)n)) {
		ship_sweep_from(s, e[0].lsn);
	}
}

static void
found(struct shipper *s, struct lane *l, const struct ship_where *w)
{
	uint64_t pos;

	if (!locate(s, l, w, &pos)) {
		stop(s, l, w->id);
		return;
	}
	if (l->stopped)
		log_info("stream %s: key %.*s: is ours again", s->section,
		    SLICE_ARG(l->key));
	l->stopped = false;
	l->known = true;
	l->id = l->sent_id = w->id;
	l->pos = l->sent_pos = pos;
	l->guarded = w->guarded && l->node->conn.guard_sha[0] != '\0';
	ship_lane_go_on(s, l);
}

static void
asked(struct ship_conn *c, const struct ship_call *call,
    const struct resp_value *v, struct slice reply)
{
	struct shipper *s = ship_shipper_of(c);
	struct lane *l = call->subject;
	struct ship_where w;

	if (v == NULL)
		return;
	((struct ship_node *)c->data)->asks--;
	if (l->state != LANE_ASKED)
		return;
	if (v->type == RESP_ERROR)
		ship_lane_failed(s, l, v->text);
	else if (ship_where_parse(reply, &w))
		found(s, l, &w);
	else
		ship_conn_close(c, "answered the script with something odd",
		    1000);
}

static void
announced(struct ship_conn *c, const struct ship_call *call,
    const struct resp_value *v, struct slice reply)
{
}

bool
ship_lane_announce(struct lane *l)
{
	struct ship_call call = { .done = announced };

	return !l->asking || ship_conn_send(&l->node->conn,
	    SLICE("*1\r\n$6\r\nASKING\r\n"), &call);
}

/* What is the highest of our numbers that the other millrace has?  One that
 * cannot say gets all of the journal, and knows what it had. */
static void
told_last(struct ship_conn *c, const struct ship_call *call,
    const struct resp_value *v, struct slice reply)
{
	struct shipper *s = ship_shipper_of(c);
	struct lane *l = call->subject;
	uint64_t pos = l->pos;

	if (v == NULL)
		return;
	((struct ship_node *)c->data)->asks--;
	if (l->state != LANE_ASKED)
		return;
	if (v->type == RESP_ERROR &&
	    ship_error_action(ship_error_of(v->text)) != SHIP_PARK) {
		ship_lane_failed(s, l, v->text);
		return;
	}
	if (v->type == RESP_INT && v->integer > 0 &&
	    (uint64_t)v->integer > pos)
		pos = (uint64_t)v->integer;
	l->known = true;
	l->pos = l->sent_pos = pos;
	ship_lane_go_on(s, l);
}

static bool
send_ask_millrace(struct shipper *s, struct lane *l)
{
	struct ship_call call = { .done = told_last, .subject = l };
	struct ship_request r;

	if (!ship_request_begin(&r, &s->request) ||
	    !ship_request_arg(&r, SLICE("EVENT")) ||
	    !ship_request_arg(&r, SLICE("LAST")) ||
	    !ship_request_arg(&r, slice_str(s->pid)) ||
	    !ship_request_arg(&r, l->key) ||
	    !ship_conn_send(&l->node->conn, ship_request_end(&r), &call))
		return false;
	l->node->asks++;
	return true;
}

static bool
send_ask(struct shipper *s, struct lane *l, void (*done)(struct ship_conn *,
    const struct ship_call *, const struct resp_value *, struct slice))
{
	struct ship_call call = { .done = done, .subject = l };
	struct ship_request r;

	if (s->to_millrace)
		return send_ask_millrace(s, l);
	if (!ship_lane_announce(l) || !ship_request_begin(&r, &s->request) ||
	    !ship_request_arg(&r, SLICE("EVALSHA")) ||
	    !ship_request_arg(&r, slice_str(l->node->conn.sha)) ||
	    !ship_request_arg(&r, SLICE("1")) ||
	    !ship_request_arg(&r, l->key) ||
	    !ship_request_arg(&r, SLICE(SHIP_ASK)) ||
	    !ship_conn_send(&l->node->conn, ship_request_end(&r), &call))
		return false;
	l->node->asks++;
	return true;
}

/* In a cluster: where its slot is now.  Nothing of it is on its way. */
static void
place(struct shipper *s, struct lane *l)
{
	struct ship_node *n = l->asking ? l->ask_node :
	    ship_cluster_node(s, l->slot);

	if (n == l->node)
		return;
	if (l->unsure)
		lru_remove(&l->node->unsure, &l->unsure_link);
	l->unsure = false;
	l->node = n;
}

void
ship_lanes_ask(struct shipper *s)
{
	struct lru_node *n = lru_oldest(&s->asking), *next;

	for (; n != NULL; n = next) {
		struct lane *l = LRU_OF(n, struct lane, link);

		next = lru_newer(&s->asking, n);
		if (s->cluster_map != NULL)
			place(s, l);
		if (!ship_node_up(l->node)) {
			if (s->cluster_map == NULL)
				return;
			ship_lane_ask(s, l, NODE_DOWN_MS);
			continue;
		}
		if (l->node->asks >= SHIP_ASKS || !send_ask(s, l, asked))
			continue;
		ship_lane_unlist(s, l);
		l->state = LANE_ASKED;
	}
}

/* A quiet lane was asked without a reason. */
static void
checked(struct ship_conn *c, const struct ship_call *call,
    const struct resp_value *v, struct slice reply)
{
	struct shipper *s = ship_shipper_of(c);
	struct lane *l = call->subject;
	struct ship_where w;

	if (v == NULL)
		return;
	((struct ship_node *)c->data)->asks--;
	if (l->state != LANE_READY)
		return;
	if (v->type == RESP_ERROR)
		ship_lane_failed(s, l, v->text);
	else if (!ship_where_parse(reply, &w) || !ship_id_eq(w.id, l->id))
		ship_lane_fail(s, l, 0);
}

void
ship_lanes_check(struct shipper *s)
{
	for (size_t i = 0; i < CHECKS && i < s->nlanes && !s->to_millrace;
	    i++) {
		struct lane *l;

		s->check_at = (s->check_at + 1) % s->nlanes;
		l = s->lanes[s->check_at];
		if (l->state == LANE_READY && l->inflight == 0 &&
		    ship_node_up(l->node) && l->node->asks < SHIP_ASKS)
			send_ask(s, l, checked);
	}
}

/* ---- replicas ---- */

static void
touched(struct ship_conn *c, const struct ship_call *call,
    const struct resp_value *v, struct slice reply)
{
	struct lane *l = call->subject;

	if (v != NULL && v->type != RESP_ERROR)
		ship_node_unsure(l->node, l);
}

void
ship_lane_touch(struct shipper *s, struct lane *l)
{
	struct ship_call call = { .done = touched, .subject = l };
	struct ship_request r;

	if (ship_lane_announce(l) &&
	    ship_append_begin(&r, &s->request, slice_str(l->node->conn.sha),
	    l->key, l->id) && ship_request_arg(&r, SLICE("touch")))
		ship_conn_send(&l->node->conn, ship_request_end(&r), &call);
}
