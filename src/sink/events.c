/* events.c - the events thread: batches in, journal, answers out. */
#include "config.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/clock.h"
#include "base/log.h"
#include "base/map.h"
#include "compat.h"
#include "record/event_hash.h"
#include "sink/events.h"
#include "sink/events_ask.h"
#include "sink/events_reach.h"
#include "sink/shipper.h"

#define INBOX_BYTES (64u << 20)
#define FEW_EVENTS 64
#define RING_AFTER 32			/* batches: then their workers begin */
#define SNAPSHOT_SECONDS 60
#define SNAPSHOT_AFTER 4000000		/* events: a restart reads no more */
#define SNAPSHOT_EVENTS 10000		/* read at the start: at once, too */
#define SNAPSHOT_MAX (64u << 20)
#define SNAPSHOT_NAME "dedup"

/* ---- lists of batches ---- */

static void
append(struct event_batch **first, struct event_batch **last,
    struct event_batch *b)
{
	b->letter.next = NULL;
	if (*last == NULL)
		*first = b;
	else
		(*last)->letter.next = &b->letter;
	*last = b;
}

static struct event_batch *
take_first(struct event_batch **first, struct event_batch **last)
{
	struct event_batch *b = *first;

	*first = (struct event_batch *)b->letter.next;
	if (*first == NULL)
		*last = NULL;
	return b;
}

/* ---- one event, or a group ---- */

static void
answer(const struct event_item *item, enum ticket_status status, uint64_t ms,
    uint64_t seq)
{
	if (item->ticket == NULL)
		return;
	if (item->slot != EVENT_NO_SLOT)
		item->ticket->result[item->slot] = (struct ticket_result){
			ms, seq, status
		};
	ticket_mark(item->ticket, status);
}

/* Read an item; `to` has room for its sections. */
static void
read_item(const struct event_batch *b,
    const struct event_item *item, struct event_record *ev, struct pair *pairs,
    uint64_t to[CONF_MAX_STREAMS])
{
	event_batch_read(b, item, ev, pairs);
	if (event_goes_everywhere(b, item))
		return;
	ev->sections = to;
	for (unsigned k = 0; k < b->nsections; k++)
		if ((item->streams >> k & 1) != 0)
			to[ev->nsections++] = b->section[k];
}

static struct ledger_book *
book_of(struct events *e, const struct event_item *item)
{
	return &e->ledger.book[RECORD_EVENT][item->source];
}

/* An event made of a log was counted as that log. */
static bool
counts(const struct event_item *item)
{
	return item->kind == RECORD_EVENT;
}

static enum ticket_status
refusal(enum journal_result r, enum reason *why)
{
	switch (r) {
	case JOURNAL_FAILED:
		*why = REASON_IO_ERROR;
		return TICKET_FAILED;
	case JOURNAL_TOO_LONG:
		*why = REASON_TOO_LONG;
		return TICKET_TOO_LONG;
	case JOURNAL_TOO_MANY:
		*why = REASON_TOO_MANY;
		return TICKET_FAILED;
	default:
		*why = REASON_QUEUE_FULL;
		return TICKET_FULL;
	}
}

static bool
room_for_pairs(struct events *e, size_t n)
{
	struct pair *pairs;

	if (n <= e->max_pairs)
		return true;
	pairs = reallocarray(e->pairs, n, sizeof *pairs);
	if (pairs == NULL)
		return false;
	e->pairs = pairs;
	e->max_pairs = n;
	return true;
}

static bool
is_named(const struct event_record *ev)
{
	return ev->pid.len > 0 && ev->iid.len > 0;
}

/* Was it stored before? */
static bool
seen_before(struct events *e, const struct event_item *item,
    const struct event_record *ev, struct event_hash hash,
    struct dedup_found *found)
{
	enum dedup_answer a;

	if (!is_named(ev))
		return false;
	a = dedup_check(e->dedup, ev->stream, ev->pid, ev->iid, hash,
	    item->received_ns / NS_PER_MS, found);
	if (a == DEDUP_CONFLICT)
		LOG_LIMITED(LOG_AT_WARN, 10, "event %.*s of producer %.*s came "
		    "again with other contents; the first one stands",
		    SLICE_ARG(ev->iid), SLICE_ARG(ev->pid));
	return a != DEDUP_NEW;
}

/* It is answered as it was answered then, when the first one is where its
 * answer says. */
static void
stored_before(struct events *e, struct event_item *item, uint64_t ms,
    uint64_t seq)
{
	item->stored = true;
	item->seq = seq;
	answer(item, TICKET_DUPLICATE, ms, seq);
	if (counts(item))
		counter_add(&book_of(e, item)->lost[REASON_DUPLICATE], 1);
}

static void
stored_now(struct events *e, struct event_item *item,
    const struct event_record *ev, struct event_hash hash,
    const struct journal_id *id)
{
	e->appended = true;
	if (is_named(ev))
		dedup_add(e->dedup, ev->stream, ev->pid, ev->iid, hash, id->ms,
		    id->seq, item->received_ns / NS_PER_MS);
	item->stored = true;
	item->seq = id->seq;
	answer(item, TICKET_DONE, id->ms, id->seq);
	if (counts(item))
		counter_add(&book_of(e, item)->delivered, 1);
}

static void
refused(struct events *e, const struct event_item *item,
    enum journal_result result)
{
	enum reason why;
	enum ticket_status status = refusal(result, &why);

	answer(item, status, 0, 0);
	if (counts(item))
		counter_add(&book_of(e, item)->lost[why], 1);
	LOG_LIMITED(LOG_AT_ERROR, 60, "journal: events are refused: %s",
	    reason_name(why));
}

/* Append item number i.  False: the journal is busy, try again. */
static bool
append_one(struct events *e, struct event_batch *b, size_t i)
{
	struct event_item *item = &b->items[i];
	uint64_t to[CONF_MAX_STREAMS];
	struct event_hash hash = { 0, 0 };
	struct dedup_found found;
	struct event_record ev;
	struct journal_id id;
	enum journal_result r;

	if (!room_for_pairs(e, item->nfields)) {
		refused(e, item, JOURNAL_FULL);
		return true;
	}
	read_item(b, item, &ev, e->pairs, to);
	if (is_named(&ev))
		hash = event_hash_fields(ev.fields, ev.nfields);
	if (seen_before(e, item, &ev, hash, &found)) {
		stored_before(e, item, found.ms, found.seq);
		return true;
	}
	r = e->journal == NULL ? JOURNAL_FAILED : journal_append(e->journal,
	    &ev, item->received_ns / NS_PER_MS, &id);
	if (r == JOURNAL_BUSY)
		return false;
	if (r == JOURNAL_OK)
		stored_now(e, item, &ev, hash, &id);
	else
		refused(e, item, r);
	return true;
}

/* Several that are stored together.  Those that are new go to the journal, the
 * others were stored before, or stand in the group twice. */
struct group {
	size_t n, fresh;
	struct group_member {
		enum { MEMBER_NEW, MEMBER_SEEN, MEMBER_TWIN } what;
		struct event_hash hash;
		struct dedup_found found;
		size_t at;		/* among the new: its own, its twin's */
	} *members;
	struct event_record *evs;	/* the new ones */
	uint64_t (*to)[CONF_MAX_STREAMS];	/* and their sections */
	struct journal_id *ids;
};

static void
group_free(struct group *g)
{
	free(g->members);
	free(g->evs);
	free(g->to);
	free(g->ids);
}

static bool
group_room(struct events *e, struct group *g, const struct event_item *items)
{
	size_t npairs = 0;

	for (size_t k = 0; k < g->n; k++)
		npairs += items[k].nfields;
	g->members = calloc(g->n, sizeof *g->members);
	g->evs = calloc(g->n, sizeof *g->evs);
	g->to = calloc(g->n, sizeof *g->to);
	g->ids = calloc(g->n, sizeof *g->ids);
	return g->members != NULL && g->evs != NULL && g->to != NULL &&
	    g->ids != NULL &&
	    room_for_pairs(e, npairs);
}

/* Is the event in the group already?  seen: names so far, "len:pid iid stream"
 * to its place among the new, plus one. */
static bool
has_twin(struct map *seen, const struct event_record *ev, size_t at,
    struct group_member *m)
{
	struct buf name = BUF_INIT(1024);
	void *before = NULL;

	if (buf_add_u64(&name, ev->pid.len) && buf_addc(&name, ':') &&
	    buf_add_slice(&name, ev->pid) && buf_add_u64(&name, ev->iid.len) &&
	    buf_addc(&name, ':') && buf_add_slice(&name, ev->iid) &&
	    buf_add_slice(&name, ev->stream)) {
		before = map_get(seen, buf_slice(&name));
		if (before == NULL)
			map_put(seen, buf_slice(&name),
			    (void *)(uintptr_t)(at + 1), NULL);
	}
	buf_fini(&name);
	m->at = before == NULL ? at : (size_t)(uintptr_t)before - 1;
	return before != NULL;
}

/* Which of them are new?  False: no memory. */
static bool
group_sort(struct events *e, struct group *g, struct event_batch *b, size_t i)
{
	struct map *seen = map_new(g->n);
	struct pair *pair = e->pairs;

	for (size_t k = 0; k < g->n && seen != NULL; k++) {
		struct group_member *m = &g->members[k];
		struct event_record *ev = &g->evs[g->fresh];

		read_item(b, &b->items[i + k], ev, pair, g->to[g->fresh]);
		pair += ev->nfields;
		m->at = g->fresh;
		if (is_named(ev))
			m->hash = event_hash_fields(ev->fields, ev->nfields);
		if (seen_before(e, &b->items[i + k], ev, m->hash, &m->found))
			m->what = MEMBER_SEEN;
		else if (is_named(ev) && has_twin(seen, ev, g->fresh, m))
			m->what = MEMBER_TWIN;
		else
			g->fresh++;
	}
	map_free(seen, NULL);
	return seen != NULL;
}

static void
group_end(struct events *e, struct group *g, struct event_item *items,
    enum journal_result r)
{
	for (size_t k = 0; k < g->n; k++) {
		struct group_member *m = &g->members[k];

		if (r != JOURNAL_OK)
			refused(e, &items[k], r);
		else if (m->what == MEMBER_SEEN)
			stored_before(e, &items[k], m->found.ms, m->found.seq);
		else if (m->what == MEMBER_TWIN)
			stored_before(e, &items[k], g->ids[m->at].ms,
			    g->ids[m->at].seq);
		else
			stored_now(e, &items[k], &g->evs[m->at], m->hash,
			    &g->ids[m->at]);
	}
}

/* All or none of items i..j-1. */
static bool
append_group(struct events *e, struct event_batch *b, size_t i, size_t j)
{
	struct group g = { .n = j - i };
	enum journal_result r = JOURNAL_OK;

	if (!group_room(e, &g, &b->items[i]) || !group_sort(e, &g, b, i)) {
		for (size_t k = i; k < j; k++)
			refused(e, &b->items[k], JOURNAL_FULL);
		group_free(&g);
		return true;
	}
	if (g.fresh > 0)
		r = e->journal == NULL ? JOURNAL_FAILED :
		    journal_append_group(e->journal, g.evs, g.fresh,
		    b->items[i].received_ns / NS_PER_MS, g.ids);
	if (r != JOURNAL_BUSY)
		group_end(e, &g, &b->items[i], r);
	group_free(&g);
	return r != JOURNAL_BUSY;
}

/* Append the batch from where it stopped.  False: busy. */
static bool
append_batch(struct events *e, struct event_batch *b)
{
	while (b->done < b->n) {
		size_t end = b->done + 1;

		while (end < b->n && b->items[end - 1].more)
			end++;
		if (end == b->done + 1 ? !append_one(e, b, b->done) :
		    !append_group(e, b, b->done, end))
			return false;
		b->done = end;
	}
	return true;
}

/* ---- batches ---- */

/* Where the journal ends now. */
static uint64_t
end_of(const struct events *e)
{
	return e->journal == NULL ? 0 : journal_appended(e->journal);
}

static void
finish(struct events *e, struct event_batch *b, struct inbox_bells *bells)
{
	batch_answer(&b->tickets, TICKET_DONE, bells);
	inbox_done(&e->inbox, b->letter.weight);
	event_batch_free(b);
}

static void
take(struct events *e, struct event_batch *b)
{
	if (!append_batch(e, b)) {
		append(&e->held, &e->held_last, b);
		return;
	}
	b->lsn = end_of(e);
	append(&e->waiting, &e->waiting_last, b);
}

void
events_take_batch(struct letter *letter, void *ctx)
{
	struct events *e = ctx;
	struct event_batch *b = (struct event_batch *)letter;

	if (e->held != NULL)
		append(&e->held, &e->held_last, b);
	else
		take(e, b);
}

static void
try_held(struct events *e)
{
	while (e->held != NULL) {
		if (!append_batch(e, e->held))
			return;
		e->held->lsn = end_of(e);
		append(&e->waiting, &e->waiting_last,
		    take_first(&e->held, &e->held_last));
	}
}

/* ---- what has been shipped ---- */

/* How far each shipper is with one stream. */
struct reach {
	uint64_t seq[PLAN_MAX_STREAMS];
};

static struct reach *
reach_of(struct events *e, struct slice stream)
{
	struct reach *r = map_get(e->reached, stream);

	if (r != NULL)
		return r;
	r = calloc(1, sizeof *r);
	if (r != NULL && !map_put(e->reached, stream, r, NULL)) {
		free(r);
		r = NULL;
	}
	return r;
}

uint64_t
events_reached(struct events *e, struct slice stream, size_t i)
{
	const struct reach *r = map_get(e->reached, stream);

	return r == NULL ? 0 : r->seq[i];
}

static bool
must_be_shipped(const struct conf_stream *c)
{
	return c->ack != CONF_ACK_JOURNAL;
}

/* Is this event where its answer says it is? */
static bool
is_there(struct events *e, const struct event_batch *b,
    const struct event_item *item)
{
	const struct reach *r;

	if (!item->stored)
		return true;
	r = reach_of(e, slice_of(b->bytes.data + item->offset,
	    item->stream_len));
	for (size_t i = 0; i < e->plan->conf->nstreams && r != NULL; i++)
		if (e->shippers[i] != NULL && r->seq[i] < item->seq &&
		    must_be_shipped(&e->plan->conf->streams[i]) &&
		    event_goes_to(b, item, e->section[i]))
			return false;
	return true;
}

static bool
all_there(struct events *e, struct event_batch *b)
{
	if (!e->answer_shipped)
		return true;
	while (b->shipped < b->n && is_there(e, b, &b->items[b->shipped]))
		b->shipped++;
	return b->shipped == b->n;
}

/* Answer what the disk has, and Redis where that was asked for. */
static void
settle(struct events *e)
{
	uint64_t durable = e->journal == NULL ? 0 :
	    journal_durable(e->journal);
	struct inbox_bells bells = { .n = 0 };
	unsigned n = 0;

	while (e->waiting != NULL && e->waiting->lsn <= durable &&
	    all_there(e, e->waiting)) {
		finish(e, take_first(&e->waiting, &e->waiting_last), &bells);
		if (++n % RING_AFTER == 0)
			inbox_ring(&bells);
	}
	inbox_ring(&bells);
}

/* The journal may forget what all shippers have brought. */
static void
shipped(void *ctx, unsigned index, struct slice stream, uint64_t seq)
{
	struct events *e = ctx;
	struct reach *r = reach_of(e, stream);
	uint64_t least = UINT64_MAX;

	if (r == NULL)
		return;
	r->seq[index] = seq;
	for (size_t i = 0; i < e->nshippers; i++)
		if (e->shippers[i] != NULL && r->seq[i] < least)
			least = r->seq[i];
	journal_shipped(e->journal, stream, least);
}

static const struct shipper_ops shipper_ops = { shipped };

static void
kick_shippers(struct events *e)
{
	for (size_t i = 0; i < e->nshippers; i++)
		if (e->shippers[i] != NULL)
			shipper_kick(e->shippers[i]);
}

static void
free_shippers(struct events *e)
{
	for (size_t i = 0; i < e->nshippers; i++)
		shipper_free(e->shippers[i]);
	memset(e->shippers, 0, sizeof e->shippers);
	e->nshippers = 0;
}

static bool
ships(const struct conf_stream *s)
{
	return s->redis != NULL || s->sentinels.n > 0;
}

/* One journal serves all sections: it keeps what any of them needs.  A section
 * that does not ship, or cannot, has its events nowhere else. */
static void
retain(struct events *e)
{
	const struct conf *c = e->plan->conf;
	struct journal_retention r = {
		.window_ms = (int64_t)c->events.journal.window_ms,
		.unshipped = true
	};

	for (size_t i = 0; i < c->nstreams; i++) {
		const struct conf_stream *s = &c->streams[i];
		int64_t kept_ms = 0;

		r.unshipped &= !ships(s);
		if (ships(s) && (int64_t)s->window_ms > r.window_ms)
			r.window_ms = (int64_t)s->window_ms;
		if (e->shippers[i] == NULL)
			kept_ms = ships(s) || s->max_age_ms == 0 ? INT64_MAX :
			    (int64_t)s->max_age_ms;
		if (kept_ms > r.kept_ms)
			r.kept_ms = kept_ms;
	}
	if (e->journal != NULL)
		journal_retain(e->journal, &r);
}

/* One for each stream that goes somewhere. */
static void
make_shippers(struct events *e)
{
	const struct conf *c = e->plan->conf;
	char error[512];

	free_shippers(e);
	e->answer_shipped = false;
	e->nshippers = c->nstreams;
	for (size_t i = 0; i < c->nstreams; i++) {
		const struct conf_stream *s = &c->streams[i];

		e->section[i] = plan_section(s->name);
		if (!ships(s))
			continue;
		e->shippers[i] = shipper_new(e->thread.loop, e->journal, s,
		    e->node, (unsigned)i, &shipper_ops, e, error,
		    sizeof error);
		if (e->shippers[i] == NULL) {
			log_error("stream %s: %s; its events stay in the "
			    "journal", s->name, error);
			continue;
		}
		e->answer_shipped |= must_be_shipped(s);
	}
	retain(e);
}

/* With few events on their way this thread writes them itself: to wake another
 * one and be woken by it takes longer than what it could do in the meantime.  But
 * not where answers wait for Redis: those would wait for the next sync, too. */
static bool
sync_here(struct events *e)
{
	return !e->answer_shipped && journal_appended(e->journal) -
	    journal_durable(e->journal) <= FEW_EVENTS &&
	    journal_sync_here(e->journal);
}

/* Let the disk have what was appended, at once or meanwhile. */
static void
commit(struct events *e)
{
	if (!e->appended)
		return;
	e->appended = false;
	if (sync_here(e))
		settle(e);
	else
		journal_commit(e->journal);
}

/* Answers first, for somebody waits; then the disk gets work, and while it does
 * it, Redis. */
static void
woken(void *ctx)
{
	struct events *e = ctx;

	settle(e);
	try_held(e);
	inbox_take(&e->inbox, e);
	commit(e);
	kick_shippers(e);
	if (e->asks != NULL)
		events_answer_asks(e);
}

/* Will the disk wake us before what comes now could be written anyway?  With few
 * events on their way it costs nothing to look at the others then, and saves a
 * wake for each; many are better appended while the disk is busy. */
static bool
disk_is_near(const struct events *e)
{
	uint64_t under_way = e->journal == NULL ? 0 :
	    journal_appended(e->journal) - journal_durable(e->journal);

	return under_way > 0 && under_way <= FEW_EVENTS &&
	    journal_state(e->journal) == JOURNAL_WORKING;
}

static void
before_sleep(struct ev_loop *loop, ev_prepare *w, int revents)
{
	struct events *e = w->data;

	commit(e);
	settle(e);
	if (disk_is_near(e))
		inbox_doze(&e->inbox, &e->marker);
}

static void
marker_taken(struct letter *marker, void *ctx)
{
	/* it has done its work in the inbox */
}

static void
on_durable(void *ctx)
{
	struct events *e = ctx;

	thread_wake(&e->thread);
}

/* ---- what is remembered of old events ---- */

static void
save_dedup(struct events *e)
{
	struct buf image = BUF_INIT(SNAPSHOT_MAX);
	uint64_t lsn = end_of(e);

	/* it is written when all of them are durable */
	if (e->journal != NULL && dedup_encode(e->dedup, lsn, &image) &&
	    journal_save(e->journal, SNAPSHOT_NAME, &image, lsn))
		e->saved_lsn = lsn;
	buf_fini(&image);
}

static void
each_second(struct ev_loop *loop, ev_timer *w, int revents)
{
	struct events *e = w->data;
	int64_t now_ms = clock_real_ns() / NS_PER_MS;

	try_held(e);
	settle(e);
	for (size_t i = 0; i < e->nshippers; i++)
		if (e->shippers[i] != NULL)
			shipper_tick(e->shippers[i], now_ms);
	if (e->journal != NULL)
		journal_expire(e->journal, now_ms);
	if (++e->seconds % SNAPSHOT_SECONDS == 0) {
		dedup_expire(e->dedup, now_ms);
		save_dedup(e);
	} else if (end_of(e) > e->saved_lsn + SNAPSHOT_AFTER) {
		save_dedup(e);
	} else if (e->journal != NULL && journal_pressed(e->journal)) {
		LOG_LIMITED(LOG_AT_WARN, 600, "journal: its quota or its disk "
		    "is nearly full: what is shipped goes before its window is "
		    "over");
		save_dedup(e);
	}
}


static void
visit(void *ctx, const struct journal_entry *entry)
{
	struct events *e = ctx;
	size_t n;

	if (entry->pid.len == 0 || entry->iid.len == 0)
		return;
	n = journal_fields(entry->fields, e->pairs, e->max_pairs);
	if (n == SIZE_MAX)
		return;
	if (n > e->max_pairs) {
		if (!room_for_pairs(e, n))
			return;
		journal_fields(entry->fields, e->pairs, e->max_pairs);
	}
	dedup_add(e->dedup, entry->stream, entry->pid, entry->iid,
	    event_hash_fields(e->pairs, n), entry->ms, entry->seq,
	    (int64_t)entry->ms);
}

static uint64_t
load_dedup(struct events *e, const char *dir)
{
	struct buf image = BUF_INIT(SNAPSHOT_MAX);
	char path[4096 + sizeof SNAPSHOT_NAME];
	uint64_t lsn = 0;
	FILE *f;
	size_t n;

	snprintf(path, sizeof path, "%s/" SNAPSHOT_NAME, dir);
	f = fopen(path, "rb");
	if (f == NULL)
		return 0;
	while (buf_reserve(&image, 65536) &&
	    (n = fread(image.data + image.len, 1, 65536, f)) > 0)
		image.len += n;
	fclose(f);
	if (!dedup_decode(e->dedup, buf_slice(&image), &lsn))
		lsn = 0;
	buf_fini(&image);
	return lsn;
}

/* ---- life ---- */

/* Without a name: of streams that nobody knows any more. */
static const char *
loss_of(const struct journal_loss *l)
{
	return l->stream == NULL || *l->stream == '\0' ? "(unknown)" :
	    l->stream;
}

static void
tell_report(const struct journal_report *r)
{
	if (r->lost_events > 0)
		log_error("journal: %llu acknowledged events are damaged and "
		    "lost, see millrace journal verify",
		    (unsigned long long)r->lost_events);
	for (size_t i = 0; i < r->nlosses; i++)
		log_error("journal: stream %s: events %llu to %llu are lost",
		    loss_of(&r->losses[i]),
		    (unsigned long long)r->losses[i].from,
		    (unsigned long long)r->losses[i].to);
	log_info("journal: %llu events in %llu files",
	    (unsigned long long)r->events, (unsigned long long)r->segments);
}

/* Once there is a stream that events can go to; before that nobody needs its
 * files. */
static int
open_journal(struct events *e, char *error, size_t size)
{
	const struct conf *c = e->plan->conf;
	struct journal_report report;
	char dir[4096];
	struct journal_options o = {
		.dir = dir,
		.segment_bytes = c->events.journal.segment,
		.quota_bytes = c->events.journal.quota,
		.event_bytes = (size_t)(c->events.max_event +
		    c->events.max_fields * 8 + (64u << 10)),
		.batch_bytes = (size_t)c->events.max_batch + (1u << 20),
		.wait_cover = true,
		.on_durable = on_durable, .visit = visit, .ctx = e
	};
	int rc;

	if (e->journal != NULL || c->nstreams == 0)
		return 0;
	snprintf(dir, sizeof dir, "%s/journal", c->state_dir);
	o.visit_after = e->saved_lsn = load_dedup(e, dir);
	rc = journal_open(&o, &e->journal, &report);
	if (rc != 0)
		snprintf(error, size, "journal %s: %s", dir, report.message);
	else
		tell_report(&report);
	/* who was silent too long is not known again for being in the journal */
	dedup_expire(e->dedup, clock_real_ns() / NS_PER_MS);
	/* so that one who is killed again and again need not read all of it */
	if (rc == 0 && report.last_lsn > o.visit_after + SNAPSHOT_EVENTS)
		save_dedup(e);
	journal_report_fini(&report);
	return rc;
}

static void
name_node(struct events *e)
{
	const char *node = e->plan->conf->events.node;

	if (node != NULL && node[0] != '\0')
		snprintf(e->node, sizeof e->node, "%s", node);
	else if (gethostname(e->node, sizeof e->node - 1) != 0)
		strcpy(e->node, "localhost");
}

int
events_init(struct events *e, struct plan *plan, char *error, size_t size)
{
	struct dedup_options d = {
		.opaque_max = (uint32_t)plan->conf->events.dedup_ids,
		.opaque_ms = (int64_t)plan->conf->events.dedup_ms
	};

	memset(e, 0, sizeof *e);
	e->plan = plan_ref(plan);
	snprintf(error, size, "events: %s", strerror(ENOMEM));
	if (thread_init(&e->thread, "events", woken, e) != 0) {
		plan_unref(plan);
		return -1;
	}
	e->marker.deliver = marker_taken;
	inbox_init(&e->inbox, INBOX_BYTES, thread_wake, NULL, &e->thread);
	e->dedup = dedup_new(&d);
	e->reached = map_new(1u << 20);
	if (e->dedup == NULL || e->reached == NULL ||
	    open_journal(e, error, size) != 0) {
		events_fini(e);
		return -1;
	}
	ev_timer_init(&e->second, each_second, 1, 1);
	ev_prepare_init(&e->before_sleep, before_sleep);
	e->second.data = e->before_sleep.data = e;
	ev_timer_start(e->thread.loop, &e->second);
	name_node(e);
	make_shippers(e);
	ev_prepare_start(e->thread.loop, &e->before_sleep);
	return 0;
}

int
events_start(struct events *e)
{
	return thread_start(&e->thread);
}

void
events_fini(struct events *e)
{
	if (e->thread.loop == NULL)
		return;
	if (e->thread.running)
		pthread_join(e->thread.id, NULL);
	e->thread.running = false;
	free_shippers(e);
	map_free(e->reached, free);
	if (e->journal != NULL)
		journal_close(e->journal);
	dedup_free(e->dedup);
	free(e->pairs);
	plan_unref(e->plan);
	thread_fini(&e->thread);
}

/* ---- orders ---- */

struct order {
	struct letter letter;
	struct plan *plan;
	unsigned deadline_ms;
	void (*done)(void *);
	void *ctx;
};

static bool
put_order(struct events *e, void (*deliver)(struct letter *, void *),
    struct plan *plan, unsigned deadline_ms, void (*done)(void *), void *ctx)
{
	struct order *o = malloc(sizeof *o);

	if (o == NULL)
		return false;
	*o = (struct order){ .letter.deliver = deliver, .plan = plan,
	    .deadline_ms = deadline_ms, .done = done, .ctx = ctx };
	inbox_put(&e->inbox, &o->letter, 0);
	inbox_wake(&e->inbox);
	return true;
}

static void
do_plan(struct letter *letter, void *ctx)
{
	struct events *e = ctx;
	struct order *o = (struct order *)letter;
	char error[512];

	free_shippers(e);
	plan_unref(e->plan);
	e->plan = o->plan;
	if (open_journal(e, error, sizeof error) == 0)
		make_shippers(e);
	else
		log_error("%s; events are refused", error);
	free(o);
}

bool
events_order_plan(struct events *e, struct plan *plan)
{
	return put_order(e, do_plan, plan_ref(plan), 0, NULL, NULL);
}

static bool
all_shipped(const struct events *e)
{
	for (size_t i = 0; i < e->nshippers; i++)
		if (e->shippers[i] != NULL && !shipper_idle(e->shippers[i]))
			return false;
	return true;
}

/* What is not in Redis in time stays in the journal, for the next start. */
static void
end_step(struct ev_loop *loop, ev_timer *w, int revents)
{
	struct events *e = w->data;

	if ((e->waiting != NULL || !all_shipped(e)) &&
	    clock_mono_ns() < e->end_ns)
		return;
	ev_timer_stop(loop, w);
	events_end_asks(e);
	save_dedup(e);
	e->ended(e->ended_ctx);
	thread_leave(&e->thread);
}

static void
do_end(struct letter *letter, void *ctx)
{
	struct events *e = ctx;
	struct order *o = (struct order *)letter;

	e->ended = o->done;
	e->ended_ctx = o->ctx;
	e->end_ns = clock_mono_ns() + (int64_t)o->deadline_ms * NS_PER_MS;
	free(o);
	ev_timer_init(&e->ending, end_step, 0, 0.01);
	e->ending.data = e;
	ev_timer_start(e->thread.loop, &e->ending);
}

bool
events_order_end(struct events *e, unsigned deadline_ms,
    void (*done)(void *), void *ctx)
{
	return put_order(e, do_end, NULL, deadline_ms, done, ctx);
}
