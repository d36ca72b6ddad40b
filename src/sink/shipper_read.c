/* shipper_read.c - two readers walk the journal and fill the lanes. */
#include "config.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "base/log.h"
#include "sink/shipper_private.h"

#define WINDOW_MAX ((size_t)192 << 20)	/* one event, at the most */
#define ROUNDS 16			/* before the loop gets a turn */
#define STALL_MS 250			/* then others need not wait any longer */
#define MANY_LANES 4			/* in a window: their batches are small */
#define FEW_EVENTS 64			/* a call costs more than what it brings */
#define GATHER_S 0.005

/* Room for that many entries; nothing may be chained. */
static bool
reader_room(struct ship_reader *r, size_t cap)
{
	struct journal_entry *entries = calloc(cap, sizeof *entries);
	uint32_t *next = calloc(cap, sizeof *next);
	struct lane **lanes = calloc(cap, sizeof *lanes);

	if (entries == NULL || next == NULL || lanes == NULL) {
		free(entries);
		free(next);
		free(lanes);
		return false;
	}
	free(r->entries);
	free(r->next);
	free(r->lanes);
	r->entries = entries;
	r->next = next;
	r->lanes = lanes;
	r->cap = cap;
	return true;
}

static void
reader_fini(struct ship_reader *r)
{
	buf_fini(&r->window);
	buf_fini(&r->kept);
	free(r->entries);
	free(r->next);
	free(r->lanes);
	r->entries = NULL;
	r->next = NULL;
	r->lanes = NULL;
	r->cap = r->n = r->nlanes = 0;
}

int
ship_readers_init(struct shipper *s)
{
	buf_init(&s->live.window, WINDOW_MAX);
	buf_init(&s->sweep.window, WINDOW_MAX);
	buf_init(&s->sweep.kept, SHIP_KEEP_BYTES);
	buf_init(&s->scratch, WINDOW_MAX);
	s->live.active = true;
	journal_seek(s->journal, &s->live.cursor, journal_durable(s->journal));
	s->live.cursor.section = s->id;
	return reader_room(&s->live, SHIP_READ) ? 0 : -1;
}

void
ship_readers_fini(struct shipper *s)
{
	reader_fini(&s->live);
	reader_fini(&s->sweep);
	buf_fini(&s->scratch);
}

ssize_t
ship_peek(struct shipper *s, const struct ship_stream *st, uint64_t after,
    struct journal_entry *out, size_t n)
{
	struct journal_cursor c;

	if (!journal_seek_stream(s->journal, &c, st->name, after))
		return 0;
	c.section = s->id;
	return journal_read(s->journal, &c, &s->scratch, out, n);
}

/* ---- chains ---- */

static void
chain(struct ship_reader *r, struct lane *l, uint32_t i)
{
	r->next[i] = SHIP_NONE;
	if (l->reader == r && l->head != SHIP_NONE) {
		r->next[l->tail] = i;
	} else {
		l->reader = r;
		l->head = i;
		r->lanes[r->nlanes++] = l;
	}
	l->tail = i;
}

static void
drop_chains(struct ship_reader *r)
{
	for (size_t i = 0; i < r->nlanes; i++)
		if (r->lanes[i]->reader == r) {
			r->lanes[i]->reader = NULL;
			r->lanes[i]->head = SHIP_NONE;
		}
	r->nlanes = 0;
}

/* Whose event is it, and can it be taken? */
static void
sort_entry(struct shipper *s, struct ship_reader *r, uint32_t i)
{
	const struct journal_entry *e = &r->entries[i];
	struct ship_stream *st = ship_stream_get(s, e->stream);
	struct lane *l;

	if (st == NULL)
		return;		/* no memory: its stream is not known yet, and
				 * will be read from its beginning */
	l = ship_lane_of(s, st, e);
	if (r == &s->live) {
		st->seen = e->seq;
		if (l != NULL && l->state != LANE_READY)
			l->behind = true;
		if (st->nlanes > 1 || st->sparse)
			ship_stream_dirty(s, st);
	}
	if (l == NULL || l->behind != (r == &s->sweep) || l->state != LANE_READY ||
	    e->seq <= l->sent_pos)
		return;
	chain(r, l, i);
}

static ssize_t
fill_once(struct shipper *s, struct ship_reader *r)
{
	size_t room = r->cap - r->n;
	ssize_t n = journal_read(s->journal, &r->cursor, &r->window,
	    r->entries + r->n, room < SHIP_READ ? room : SHIP_READ);

	if (n < 0)
		LOG_LIMITED(LOG_AT_ERROR, 10, "stream %s: reading the journal: "
		    "%s", s->section, strerror(errno));
	for (ssize_t i = 0; i < n; i++)
		sort_entry(s, r, (uint32_t)r->n++);
	return n;
}

static void
move_bytes(struct ship_reader *r, struct slice *s)
{
	size_t at = r->kept.len;

	buf_add_slice(&r->kept, *s);
	*s = slice_of(r->kept.data + at, s->len);
}

/* Copy what the entries from `from` on borrow from the window, so that another
 * may be read.  False: no room, they stay as they are. */
static bool
keep(struct ship_reader *r, size_t from)
{
	size_t bytes = 0;

	for (size_t i = from; i < r->n; i++)
		bytes += r->entries[i].fields.len + r->entries[i].pid.len;
	/* reserved at once: what was kept before must not move */
	if ((r->kept.cap == 0 && !buf_reserve(&r->kept, r->kept.max)) ||
	    bytes > r->kept.cap - r->kept.len)
		return false;
	for (size_t i = from; i < r->n; i++) {
		move_bytes(r, &r->entries[i].fields);
		move_bytes(r, &r->entries[i].pid);
	}
	return true;
}

/* Read a window.  When the sweep finds the events of many lanes in it, read on
 * and keep them, since a lane's batch costs Redis the more the smaller it is. */
static ssize_t
fill(struct shipper *s, struct ship_reader *r)
{
	size_t from = 0;
	ssize_t n;

	r->n = 0;
	buf_clear(&r->kept);
	n = fill_once(s, r);
	if (r != &s->sweep)
		return n;
	while (n > 0 && r->nlanes >= MANY_LANES && r->n < r->cap &&
	    r->nlanes * SHIP_BATCH_EVENTS / 2 > r->n && keep(r, from)) {
		from = r->n;
		n = fill_once(s, r);
	}
	return n > 0 || r->n == 0 ? n : (ssize_t)r->n;
}

/* A server that stopped answering must not hold up what goes to others. */
static bool
stalled(const struct shipper *s, const struct lane *l)
{
	const struct ship_conn *c = l->node == NULL ? NULL : &l->node->conn;

	return s->nnodes > 1 && (c == NULL || (c->ncalls > 0 &&
	    c->heard_ms + STALL_MS < ship_now_ms() &&
	    c->calls[c->first_call].sent_ms + STALL_MS < ship_now_ms()));
}

static void
set_aside(struct shipper *s, struct lane *l)
{
	uint64_t lsn = l->reader->entries[l->head].lsn;

	ship_lane_unchain(l);
	l->behind = true;
	ship_sweep_from(s, lsn);
}

/* Send what waits in the reader.  True: nothing is left. */
static bool
flush(struct shipper *s, struct ship_reader *r)
{
	size_t kept = 0;

	for (size_t i = 0; i < r->nlanes; i++) {
		struct lane *l = r->lanes[i];

		while (l->reader == r && ship_lane_can_send(l) &&
		    ship_lane_send(s, l))
			;
		if (l->reader == r && r == &s->live && stalled(s, l))
			set_aside(s, l);
		if (l->reader == r)
			r->lanes[kept++] = l;
	}
	r->nlanes = kept;
	return kept == 0;
}

/* ---- the sweep ---- */

void
ship_sweep_from(struct shipper *s, uint64_t lsn)
{
	struct ship_reader *r = &s->sweep;

	if (r->active && r->cursor.lsn <= lsn)
		return;
	if (r->active)
		drop_chains(r);
	if (r->cap == 0 && !reader_room(r, SHIP_READ_MANY) &&
	    !reader_room(r, 1)) {
		LOG_LIMITED(LOG_AT_ERROR, 10, "stream %s: no memory to catch "
		    "up", s->section);
		return;
	}
	r->active = true;
	journal_seek(s->journal, &r->cursor, lsn - 1);
	r->cursor.section = s->id;
}

/* It met the live reader: whoever could follow is not behind any more. */
static void
end_sweep(struct shipper *s)
{
	s->sweep.active = false;
	reader_fini(&s->sweep);
	for (size_t i = 0; i < s->nlanes; i++) {
		struct lane *l = s->lanes[i];

		if (l->behind && l->state == LANE_READY) {
			l->behind = false;
			ship_stream_dirty(s, l->stream);
		}
	}
}

/* ---- moving ---- */

static void
pump_in(struct shipper *s, ev_tstamp after)
{
	ev_timer_stop(s->loop, &s->soon);
	ev_timer_set(&s->soon, after, 0);
	ev_timer_start(s->loop, &s->soon);
}

/* Where nobody waits for them, few events gather a little before they go: each
 * call costs Redis and us nearly the same, whatever it brings. */
static bool
gathers(struct shipper *s)
{
	ev_tstamp since = ev_now(s->loop) - s->fed;

	if (!s->unhurried || since < 0 || since >= GATHER_S)
		return false;
	if (!ev_is_active(&s->soon))
		pump_in(s, GATHER_S - since);
	return true;
}

/* Read on. */
static ssize_t
feed(struct shipper *s, struct ship_reader *r)
{
	ssize_t n;

	if (r != &s->live)
		return fill(s, r);
	if (gathers(s))
		return 0;
	n = fill(s, r);
	if (n > 0)
		s->fed = n < FEW_EVENTS ? ev_now(s->loop) : 0;
	return n;
}

static bool
step(struct shipper *s, struct ship_reader *r)
{
	bool sweeping = r == &s->sweep;

	if (!r->active || !flush(s, r) || !r->active)
		return false;
	if (sweeping && r->cursor.lsn >= s->live.cursor.lsn) {
		end_sweep(s);
		return false;
	}
	switch (feed(s, r)) {
	case -1:
		return false;
	case 0:
		if (sweeping)
			end_sweep(s);
		return false;
	default:
		flush(s, r);
		return true;
	}
}

void
ship_pump(struct shipper *s)
{
	int i;

	if (s->inside)
		return;
	s->inside = true;
	for (i = 0; i < ROUNDS; i++) {
		bool more;

		ship_lanes_ask(s);
		more = step(s, &s->live);
		more = step(s, &s->sweep) || more;
		if (!more)
			break;
	}
	for (size_t n = 0; n < s->nnodes; n++)
		ship_node_wait(s->nodes[n]);
	s->inside = false;
	if (i == ROUNDS)
		pump_in(s, 0);
}
