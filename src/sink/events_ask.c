/* events_ask.c - what producers want to know of their events. */
#include "config.h"

#include <stdlib.h>

#include "base/clock.h"
#include "core/event_ask.h"
#include "sink/events_ask.h"
#include "sink/events_reach.h"

#define ASKS_MAX 65536
#define INFO_STREAMS 256
#define POLL_S 0.005

static void
give_back(struct event_ask *a)
{
	ticket_release(a->ticket);	/* and it may be freed from now on */
}

/* ---- copies ---- */

static void
add_mark(struct events *e, struct event_ask *a, struct slice name)
{
	struct journal_stream s;

	if (journal_stream(e->journal, name, &s) && s.last_seq > 0)
		a->marks[a->nmarks++] = (struct event_mark){
			s.name, s.last_seq
		};
}

static void
add_all_marks(struct events *e, struct event_ask *a, uint32_t n)
{
	struct journal_stream s;

	for (uint32_t i = 0; i < n && journal_stream_at(e->journal, i, &s); i++)
		if (s.last_seq > 0)
			a->marks[a->nmarks++] = (struct event_mark){
				s.name, s.last_seq
			};
}

/* All that was sent before is durable now: note how far each stream is. */
static void
set_marks(struct events *e, struct event_ask *a)
{
	struct slice rest = buf_slice(&a->names);
	struct journal_stats stats;
	size_t n = 0;

	for (size_t i = 0; i < rest.len; i++)
		n += rest.ptr[i] == '\n';
	journal_stats(e->journal, &stats);
	a->marks = calloc((n > 0 ? n : stats.streams) + 1, sizeof *a->marks);
	if (a->marks == NULL)
		return;
	if (n == 0)
		add_all_marks(e, a, stats.streams);
	while (rest.len > 0)
		add_mark(e, a, slice_cut(&rest, '\n'));
}

static uint64_t
copies_of(struct events *e, const struct event_mark *m)
{
	uint64_t least = UINT64_MAX;

	for (size_t i = 0; i < e->nshippers; i++) {
		const struct conf_stream *c = &e->plan->conf->streams[i];
		uint64_t n = 0;

		if (e->shippers[i] == NULL)
			continue;
		if (m == NULL || events_reached(e, m->stream, i) >= m->seq)
			n = 1 + (c->ack == CONF_ACK_REPLICA ? c->replicas : 0);
		if (n < least)
			least = n;
	}
	return least == UINT64_MAX ? 0 : least;
}

/* The fewest that any of the streams has. */
static uint64_t
count_copies(struct events *e, struct event_ask *a)
{
	uint64_t least = copies_of(e, NULL);

	if (a->marks == NULL)
		set_marks(e, a);
	if (a->marks == NULL)
		return 0;
	for (size_t i = 0; i < a->nmarks; i++) {
		uint64_t n = copies_of(e, &a->marks[i]);

		if (n < least)
			least = n;
	}
	return least;
}

/* ---- the others ---- */

static void
info_streams(struct events *e, struct buf *b)
{
	struct journal_stream s;

	for (uint32_t i = 0; i < INFO_STREAMS &&
	    journal_stream_at(e->journal, i, &s); i++) {
		uint64_t reached = UINT64_MAX;

		for (size_t k = 0; k < e->nshippers; k++)
			if (e->shippers[k] != NULL &&
			    events_reached(e, s.name, k) < reached)
				reached = events_reached(e, s.name, k);
		buf_printf(b, "stream_%.*s:last_id=%llu-%llu", SLICE_ARG(s.name),
		    (unsigned long long)s.last_ms,
		    (unsigned long long)s.last_seq);
		if (reached != UINT64_MAX)
			buf_printf(b, ",shipped=%llu,lag=%llu",
			    (unsigned long long)reached,
			    (unsigned long long)(s.last_seq > reached ?
			    s.last_seq - reached : 0));
		buf_adds(b, "\r\n");
	}
}

static void
info(struct events *e, struct buf *b)
{
	static const char *const states[] = { "working", "no_space", "broken" };
	struct journal_stats j;
	struct dedup_stats d;

	journal_stats(e->journal, &j);
	dedup_stats(e->dedup, &d);
	buf_printf(b, "journal_state:%s\r\njournal_appended:%llu\r\n"
	    "journal_durable:%llu\r\njournal_waiting_bytes:%llu\r\n"
	    "journal_used_bytes:%llu\r\njournal_quota_bytes:%llu\r\n"
	    "journal_syncs:%llu\r\n", states[j.state],
	    (unsigned long long)j.appended_lsn,
	    (unsigned long long)j.durable_lsn,
	    (unsigned long long)j.waiting_bytes,
	    (unsigned long long)j.used_bytes,
	    (unsigned long long)j.quota_bytes, (unsigned long long)j.syncs);
	buf_printf(b, "dedup_producers:%llu\r\ndedup_ids:%llu\r\n"
	    "dedup_hits:%llu\r\niid_conflicts:%llu\r\n",
	    (unsigned long long)d.producers, (unsigned long long)d.tokens,
	    (unsigned long long)d.seen, (unsigned long long)d.conflicts);
	info_streams(e, b);
}

/* ---- one question ---- */

/* Is it answered? */
static bool
answered(struct events *e, struct event_ask *a, int64_t now_ns)
{
	bool over = now_ns >= a->deadline_ns || atomic_load(&a->cancelled);

	if (e->journal == NULL)
		return true;
	if (!a->placed && e->held == NULL) {
		a->placed = true;
		a->lsn = journal_appended(e->journal);
	}
	if (!a->placed || journal_durable(e->journal) < a->lsn)
		return over;
	switch (a->what) {
	case ASK_COPIES:
		a->number = count_copies(e, a);
		a->known = true;
		return over || a->number >= a->wanted;
	case ASK_LAST:
		a->known = dedup_last(e->dedup, slice_upto(
		    buf_slice(&a->names), slice_find(buf_slice(&a->names),
		    '\n')), a->pid, &a->number);
		return true;
	case ASK_INFO:
		info(e, &a->text);
		return true;
	}
	return true;
}

void
events_answer_asks(struct events *e)
{
	struct event_ask **at = &e->asks, *a;
	int64_t now_ns = e->asks == NULL ? 0 : clock_mono_ns();

	while ((a = *at) != NULL) {
		if (!answered(e, a, now_ns)) {
			at = &a->next;
			continue;
		}
		*at = a->next;
		e->nasks--;
		give_back(a);
	}
	if (e->asks == NULL)
		ev_timer_stop(e->thread.loop, &e->ask_timer);
}

void
events_end_asks(struct events *e)
{
	for (struct event_ask *a = e->asks; a != NULL; a = a->next)
		a->deadline_ns = 0;
	events_answer_asks(e);
}

static void
polled(struct ev_loop *loop, ev_timer *w, int revents)
{
	events_answer_asks(w->data);
}

void
events_take_ask(struct letter *letter, void *ctx)
{
	struct events *e = ctx;
	struct event_ask *a = (struct event_ask *)letter;

	if (e->nasks == ASKS_MAX) {
		give_back(a);
		return;
	}
	a->next = e->asks;
	e->asks = a;
	e->nasks++;
	if (!ev_is_active(&e->ask_timer)) {
		ev_timer_init(&e->ask_timer, polled, POLL_S, POLL_S);
		e->ask_timer.data = e;
		ev_timer_start(e->thread.loop, &e->ask_timer);
	}
}
