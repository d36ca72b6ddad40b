/* spool_lane.c - orders to the thread that has the disk, and its answers. */
#include "config.h"

#include <assert.h>
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "base/log.h"
#include "sink/spool_lane.h"

enum what { PUT, KEEP, TAKE, DONE, LIMIT, TICK };

struct spool_lane {
	struct spooler *spooler;
	struct spool *spool;		/* the spooler's, while it runs */
	const struct spool_lane_events *events;
	void *ctx;
	unsigned dest;
	unsigned turn;			/* what was wanted before is stale */
	unsigned wanted;		/* takes under way */
	unsigned under_way;		/* orders that fill or empty it */
	unsigned fills;			/* of them, those that fill it */
	unsigned done;			/* not told yet */
	size_t pending;			/* bytes on their way to disk */
	bool ticking;
	bool empty;			/* as of the latest answer */
	uint64_t bytes;
};

struct order {
	struct letter letter;
	struct spool_lane *lane;
	enum what what;
	struct lines_batch *b;		/* to put or keep, or taken */
	unsigned turn, done;
	size_t len;			/* bytes of b */
	uint64_t lines, max;
	/* the answer */
	bool ok, empty;
	int error;
	uint64_t bytes;
	struct spool_counts lost;
};

/* ---- in the spooler's thread ---- */

static void deliver_answer(struct letter *l, void *ctx);

static void
perform(struct order *o)
{
	struct spool *s = o->lane->spool;

	for (; o->done > 0; o->done--)
		spool_done(s);
	o->ok = true;
	errno = 0;
	switch (o->what) {
	case PUT:
		o->ok = spool_put(s, o->b, &o->lost);
		break;
	case KEEP:
		spool_rewind(s);
		o->ok = o->b == NULL || spool_put_front(s, o->b);
		break;
	case TAKE:
		o->b = spool_take(s, o->lane->dest, &o->lost);
		break;
	case LIMIT:
		spool_limit(s, o->max);
		break;
	case TICK:
		spool_tick(s);
		break;
	case DONE:
		break;
	}
	o->error = errno;
	o->empty = spool_empty(s);
	o->bytes = spool_bytes(s);
}

static void
deliver_order(struct letter *l, void *spooler)
{
	struct spooler *s = spooler;
	struct order *o = (struct order *)l;

	perform(o);
	o->letter.deliver = deliver_answer;
	inbox_put(&s->answers, &o->letter, 0);
}

static void
ordered(void *ctx)
{
	struct spooler *s = ctx;
	bool stop = atomic_load(&s->stop);

	inbox_take(&s->orders, s);
	if (stop)
		thread_leave(&s->thread);
}

/* ---- answers ---- */

static void
free_all(struct lines_batch *b)
{
	while (b != NULL) {
		struct lines_batch *next = (struct lines_batch *)b->letter.next;

		free(b);
		b = next;
	}
}

static void
answer_put(struct spool_lane *l, struct order *o)
{
	l->pending -= o->len;
	if (o->lost.lines > 0)
		l->events->lost(l->ctx, &o->lost, REASON_QUEUE_FULL);
	if (o->ok) {
		free_all(o->b);
		l->events->stored(l->ctx, o->lines);
	} else if (o->what == PUT) {
		l->events->refused(l->ctx, o->b, o->error);
	} else {
		l->events->returned(l->ctx, o->b, o->error);
	}
}

static void
answer_take(struct spool_lane *l, struct order *o)
{
	if (o->lost.lines > 0)
		l->events->lost(l->ctx, &o->lost, REASON_IO_ERROR);
	if (o->turn != l->turn) {	/* it was put back meanwhile */
		free(o->b);
		return;
	}
	l->wanted--;
	l->events->took(l->ctx, o->b);
}

static void
answer(struct order *o)
{
	struct spool_lane *l = o->lane;

	l->empty = o->empty;
	l->bytes = o->bytes;
	switch (o->what) {
	case PUT:
	case KEEP:
		l->under_way--;
		l->fills--;
		answer_put(l, o);
		break;
	case TAKE:
		l->under_way--;
		answer_take(l, o);
		break;
	case TICK:
		l->ticking = false;
		break;
	case LIMIT:
	case DONE:
		break;
	}
	free(o);
}

static void
deliver_answer(struct letter *l, void *ctx)
{
	answer((struct order *)l);
}

/* ---- the spooler ---- */

void
spooler_init(struct spooler *s, void (*wake)(void *), void *ctx)
{
	memset(s, 0, sizeof *s);
	inbox_init(&s->orders, SIZE_MAX, thread_wake, NULL, &s->thread);
	inbox_init(&s->answers, SIZE_MAX, wake, NULL, ctx);
}

static void
start(struct spooler *s)
{
	if (s->running || s->stopped)
		return;
	if (thread_init(&s->thread, "spool", ordered, s) != 0 ||
	    thread_start(&s->thread) != 0) {
		log_warn("spool: no thread for it (%s), others wait for the "
		    "disk", strerror(errno));
		if (s->thread.loop != NULL)
			thread_fini(&s->thread);
		s->stopped = true;
		return;
	}
	s->running = true;
}

void
spooler_events(struct spooler *s)
{
	inbox_take(&s->answers, s);
}

void
spooler_stop(struct spooler *s)
{
	if (s->running) {
		atomic_store(&s->stop, true);
		thread_wake(&s->thread);
		thread_fini(&s->thread);
		s->running = false;
	}
	s->stopped = true;
	inbox_take(&s->orders, s);
	spooler_events(s);
}

/* ---- lanes ---- */

struct spool_lane *
spool_lane_new(struct spooler *s, struct spool *spool, unsigned dest,
    const struct spool_lane_events *events, void *ctx)
{
	struct spool_lane *l = calloc(1, sizeof *l);

	if (l == NULL)
		return NULL;
	l->spooler = s;
	l->spool = spool;
	l->events = events;
	l->ctx = ctx;
	l->dest = dest;
	l->empty = spool_empty(spool);
	l->bytes = spool_bytes(spool);
	return l;
}

void
spool_lane_free(struct spool_lane *l)
{
	if (l == NULL)
		return;
	assert(l->spooler->stopped && l->under_way == 0);
	for (; l->done > 0; l->done--)
		spool_done(l->spool);
	spool_close(l->spool);
	free(l);
}

static struct order *
order_new(struct spool_lane *l, enum what what)
{
	struct order *o = calloc(1, sizeof *o);

	if (o == NULL)
		return NULL;
	o->lane = l;
	o->what = what;
	o->turn = l->turn;
	o->done = l->done;
	l->done = 0;
	return o;
}

static void
give(struct order *o)
{
	struct spooler *s = o->lane->spooler;

	if (o->what <= TAKE)
		o->lane->under_way++;
	if (o->what <= KEEP)
		o->lane->fills++;
	start(s);
	if (s->running) {
		o->letter.deliver = deliver_order;
		inbox_put(&s->orders, &o->letter, 0);
	} else {
		perform(o);
		answer(o);
	}
}

bool
spool_lane_put(struct spool_lane *l, struct lines_batch *b)
{
	struct order *o = order_new(l, PUT);

	if (o == NULL)
		return false;
	b->letter.next = NULL;
	o->b = b;
	o->len = b->len;
	o->lines = b->lines;
	l->pending += b->len;
	give(o);
	return true;
}

bool
spool_lane_keep(struct spool_lane *l, struct lines_batch *first)
{
	struct order *o = order_new(l, KEEP);

	if (o == NULL)
		return false;
	o->b = first;
	for (; first != NULL;
	    first = (struct lines_batch *)first->letter.next) {
		o->len += first->len;
		o->lines += first->lines;
	}
	l->pending += o->len;
	l->turn++;
	l->wanted = 0;
	give(o);
	return true;
}

void
spool_lane_want(struct spool_lane *l, unsigned n)
{
	/* where nothing is, to ask again and again would never end */
	while (l->wanted < n && (!l->empty || l->fills > 0)) {
		struct order *o = order_new(l, TAKE);

		if (o == NULL)
			return;
		l->wanted++;
		give(o);
		if (l->spooler->stopped)
			return;		/* it has been here */
	}
}

void
spool_lane_done(struct spool_lane *l)
{
	struct order *o;

	l->done++;
	o = order_new(l, DONE);
	if (o != NULL)		/* else the next order tells it */
		give(o);
}

void
spool_lane_limit(struct spool_lane *l, uint64_t max_bytes)
{
	struct order *o = order_new(l, LIMIT);

	if (o == NULL)
		return;
	o->max = max_bytes;
	give(o);
}

void
spool_lane_tick(struct spool_lane *l)
{
	struct order *o;

	if (l->ticking || (o = order_new(l, TICK)) == NULL)
		return;
	l->ticking = true;
	give(o);
}

bool
spool_lane_empty(const struct spool_lane *l)
{
	return l->under_way == 0 && l->empty;
}

bool
spool_lane_wanted(const struct spool_lane *l)
{
	return l->wanted > 0;
}

uint64_t
spool_lane_bytes(const struct spool_lane *l)
{
	return l->bytes + l->pending;
}

bool
spool_lane_full(const struct spool_lane *l, size_t max)
{
	return l->pending > 0 && l->pending >= max;
}
