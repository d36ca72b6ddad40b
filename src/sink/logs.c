/* logs.c - the logs thread: take batches, write, sync once, answer all.
 *
 * A batch that somebody waits for is written and synced before the loop sleeps
 * again, together with all others that came meanwhile: one sync, many answers.
 * A batch whose lines the archives have gathered weighs nothing any more: what
 * they hold has a bound of its own, and they write to stay below it.  When the
 * disk takes nothing the batches are held, in order, with their weight; so the
 * inbox fills, and workers pause their senders. */
#include "config.h"

#include <errno.h>
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/clock.h"
#include "base/hash.h"
#include "base/log.h"
#include "core/batch.h"
#include "sink/archive.h"
#include "sink/forward.h"
#include "sink/logs.h"
#include "sink/repeats.h"

#define INBOX_BYTES (32u << 20)
#define TICK 0.25		/* at most; else half of the shortest flush_time */
#define RETRY_NS NS_PER_S
#define GATHER_BYTES ((size_t)64 << 20)	/* by all archives together */
#define AWAITED_MAX 16384	/* batches gathered and not written */
#define END_S 2.0		/* for what is forwarded, at the end */

static void
woken(void *ctx)
{
	struct logs *l = ctx;

	inbox_take(&l->inbox, l);
}

/* ---- batches ---- */

static void
append(struct log_batch **first, struct log_batch **last, struct log_batch *b)
{
	b->letter.next = NULL;
	if (*last == NULL)
		*first = b;
	else
		(*last)->letter.next = &b->letter;
	*last = b;
}

static struct log_batch *
take_first(struct log_batch **first, struct log_batch **last)
{
	struct log_batch *b = *first;

	*first = (struct log_batch *)b->letter.next;
	if (*first == NULL)
		*last = NULL;
	return b;
}

/* ---- what senders send again ---- */

/* A message may go to several archives, and have reached some. */
static const char *
target_name(const struct logs *l, uint32_t i)
{
	const struct conf *c = l->plan->conf;

	return i < c->narchives ? c->archives[i].name :
	    c->forwards[i - c->narchives].name;
}

static struct repeat
repeat_of(const struct logs *l, const struct log_batch *b,
    const struct log_mark *m)
{
	const char *name = target_name(l, b->runs[m->run].archive);

	return (struct repeat){
		.sender = m->origin.sender,
		.message = m->origin.message ^ hash_stable(slice_str(name), 1),
		.connection = m->origin.connection, .end = m->end
	};
}

static bool
repeated(const struct logs *l, const struct log_batch *b,
    const struct log_mark *m)
{
	struct repeat r;

	if (m->origin.ordinal >= REPEATS_SPAN ||
	    b->runs[m->run].archive >= l->narchives + l->nforwards)
		return false;
	r = repeat_of(l, b, m);
	return repeats_has(l->repeats, &r);
}

/* Take the line out of its run, and let the marks behind it know. */
static void
take_out(struct logs *l, struct log_batch *b, struct log_mark *m)
{
	struct log_run *run = &b->runs[m->run];
	char *text = b->bytes.data + run->text;
	uint32_t len = m->end - m->begin;

	memmove(text + m->begin, text + m->end, run->text_len - m->end);
	run->text_len -= len;
	run->lines--;
	for (struct log_mark *n = m + 1; n < b->marks + b->nmarks &&
	    !n->farewell && n->run == m->run; n++) {
		n->begin -= len;
		n->end -= len;
	}
	if (m->counts) {
		b->counts.n[RECORD_LOG][m->source]--;
		ledger_lost(&l->ledger, RECORD_LOG, m->source,
		    REASON_DUPLICATE, 1);
	}
}

/* Once for each batch, when all before it have been taken. */
static void
sift(struct logs *l, struct log_batch *b)
{
	size_t kept = 0;

	for (size_t i = 0; i < b->nmarks; i++) {
		struct log_mark *m = &b->marks[i];

		if (m->farewell)
			repeats_forget(l->repeats, m->origin.sender,
			    m->origin.connection);
		else if (repeated(l, b, m))
			take_out(l, b, m);
		else
			b->marks[kept++] = *m;
	}
	b->nmarks = kept;
	b->sifted = true;
}

/* The marks of a run, as the archive wants them; *at is where they begin. */
static size_t
marks_of(struct logs *l, const struct log_batch *b, size_t run, size_t *at)
{
	size_t n = 0;

	buf_clear(&l->marks);
	while (*at < b->nmarks && b->marks[*at].run < run)
		++*at;
	for (; *at + n < b->nmarks && b->marks[*at + n].run == run; n++) {
		struct repeat r = repeat_of(l, b, &b->marks[*at + n]);

		if (!buf_add(&l->marks, &r, sizeof r))
			break;
	}
	return n;
}

static bool
to_forward(struct logs *l, const struct log_batch *b, const struct log_run *run)
{
	size_t i = run->archive - l->narchives;

	if (run->archive < l->narchives || i >= l->nforwards ||
	    l->forwards[i] == NULL)
		return false;
	for (size_t j = 0; j < l->marks.len / sizeof(struct repeat); j++)
		repeats_note(l->repeats, (const struct repeat *)
		    (const void *)l->marks.data + j);
	forward_add(l->forwards[i], slice_of(b->bytes.data + run->text,
	    run->text_len), run->lines);
	return true;
}

/* Give the batch's runs to their archives, from run number b->done on. */
static int
store(struct logs *l, struct log_batch *b)
{
	size_t at = 0;

	if (!b->sifted)
		sift(l, b);
	for (; b->done < b->nruns; b->done++) {
		const struct log_run *run = &b->runs[b->done];
		struct archive *a = run->archive < l->narchives ?
		    l->archives[run->archive] : NULL;
		size_t nmarks;

		if (run->archive >= l->narchives + l->nforwards)
			continue;	/* left by a reload */
		nmarks = marks_of(l, b, b->done, &at);
		if (to_forward(l, b, run) || a == NULL)
			continue;
		if (archive_add_marked(a, slice_of(b->bytes.data + run->path,
		    run->path_len), slice_of(b->bytes.data + run->text,
		    run->text_len), run->lines, b->received_ns, b->seq,
		    (const struct repeat *)(const void *)l->marks.data,
		    nmarks) != 0)
			return -1;
	}
	for (size_t i = 0; i < l->nforwards; i++)
		if (l->forwards[i] != NULL)
			forward_flush(l->forwards[i]);
	return 0;
}

static void
answer(struct log_batch *b, enum ticket_status status)
{
	struct inbox_bells bells = { .n = 0 };

	batch_answer(&b->tickets, status, &bells);
	inbox_ring(&bells);
}

static void
finish(struct logs *l, struct log_batch *b, enum ticket_status status)
{
	batch_delivered(&l->ledger, &b->counts);
	answer(b, status);
	inbox_done(&l->inbox, b->letter.weight);
	log_batch_free(b);
}

static void
trouble(struct logs *l, const char *what)
{
	l->stuck = true;
	l->tried_ns = clock_mono_ns();
	LOG_LIMITED(LOG_AT_ERROR, 60, "archive: %s: %s; messages wait, trying "
	    "again every second", what, strerror(errno));
}

/* Its lines are elsewhere; who is to be told when they are safe remains. */
static void
await(struct logs *l, struct log_batch *b)
{
	inbox_done(&l->inbox, b->letter.weight);
	b->letter.weight = 0;
	log_batch_empty(b);
	append(&l->waiting, &l->waiting_last, b);
	l->nwaiting++;
	l->wanted += b->tickets.n > 0;
}

static void
take(struct logs *l, struct log_batch *b)
{
	b->seq = ++l->seq;
	if (l->stuck || store(l, b) != 0) {
		if (!l->stuck)
			trouble(l, "cannot write");
		append(&l->held, &l->held_last, b);
		return;
	}
	await(l, b);
}

void
logs_take_batch(struct letter *letter, void *ctx)
{
	take(ctx, (struct log_batch *)letter);
}

/* ---- writing and answering ---- */

static int
write_archives(struct logs *l, bool all, bool sync)
{
	int64_t now = clock_real_ns();
	int rc = 0;

	for (size_t i = 0; i < l->narchives; i++) {
		struct archive *a = l->archives[i];

		if (a == NULL)
			continue;
		if (archive_write(a, all, now) != 0)
			rc = -1;
		else if ((sync || l->plan->conf->archives[i].sync) && all &&
		    archive_sync(a) != 0)
			rc = -1;
	}
	return rc;
}

/* Batches are finished, in order, when all that was in them has been written. */
static void
settle(struct logs *l)
{
	uint64_t seq = UINT64_MAX;

	for (size_t i = 0; i < l->narchives; i++) {
		uint64_t s = l->archives[i] == NULL ? UINT64_MAX :
		    archive_waits_for(l->archives[i]);

		seq = s < seq ? s : seq;
	}
	while (l->waiting != NULL && l->waiting->seq < seq) {
		l->nwaiting--;
		l->wanted -= l->waiting->tickets.n > 0;
		finish(l, take_first(&l->waiting, &l->waiting_last),
		    TICKET_DONE);
	}
}

static void
before_sleep(struct ev_loop *loop, ev_prepare *w, int revents)
{
	struct logs *l = w->data;
	bool wanted = l->wanted > 0;

	if (l->waiting == NULL || l->stuck)
		return;
	if (write_archives(l, wanted || l->nwaiting > AWAITED_MAX,
	    wanted) != 0)
		trouble(l, "cannot write");
	else
		settle(l);
}

static void
try_again(struct logs *l)
{
	struct log_batch *b;

	l->tried_ns = clock_mono_ns();
	if (write_archives(l, true, true) != 0)
		return;
	settle(l);
	while ((b = l->held) != NULL) {
		if (store(l, b) != 0)
			return;
		await(l, take_first(&l->held, &l->held_last));
	}
	if (write_archives(l, true, true) != 0)
		return;
	settle(l);
	l->stuck = false;
	log_info("archive: writing again");
}

static void
ticked(struct ev_loop *loop, ev_timer *w, int revents)
{
	struct logs *l = w->data;
	int64_t now = clock_real_ns();

	for (size_t i = 0; i < l->nforwards; i++)
		if (l->forwards[i] != NULL)
			forward_tick(l->forwards[i]);
	if (l->stuck) {
		if (clock_mono_ns() - l->tried_ns >= RETRY_NS)
			try_again(l);
		return;
	}
	/* what somebody waits for may be written already, for being long */
	if (write_archives(l, l->wanted > 0, l->wanted > 0) != 0)
		trouble(l, "cannot write");
	else
		settle(l);
	for (size_t i = 0; i < l->narchives; i++)
		if (l->archives[i] != NULL)
			archive_tick(l->archives[i], now);
}

/* ---- plans ---- */

static double
tick_of(const struct conf *c)
{
	double tick = TICK;

	for (size_t i = 0; i < c->narchives; i++) {
		double half = (double)c->archives[i].flush_ms / 2000;

		tick = half < tick ? half : tick;
	}
	return tick < 0.005 ? 0.005 : tick;
}

static bool
use_forwards(struct logs *l, const struct conf *c)
{
	bool ok = true;

	for (size_t i = 0; i < PLAN_MAX_ARCHIVES; i++) {
		struct forward *f = l->forwards[i];

		if (f != NULL && i < c->nforwards && strcmp(
		    l->plan->conf->forwards[i].name, c->forwards[i].name) == 0 &&
		    forward_conf(f, &c->forwards[i]))
			continue;
		forward_free(f);
		l->forwards[i] = NULL;
	}
	/* all that go have gone: spools have one owner */
	for (size_t i = 0; i < c->nforwards && i < PLAN_MAX_ARCHIVES; i++) {
		if (l->forwards[i] != NULL)
			continue;
		memset(&l->forward_stats[i], 0, sizeof l->forward_stats[i]);
		l->forwards[i] = forward_new(l->thread.loop, &c->forwards[i],
		    c->state_dir, &l->forward_stats[i]);
		ok = ok && l->forwards[i] != NULL;
	}
	l->nforwards = c->nforwards;
	return ok;
}

static bool
use_plan(struct logs *l, struct plan *plan)
{
	const struct conf *c = plan->conf;
	bool ok = true;

	for (size_t i = 0; i < c->narchives && i < PLAN_MAX_ARCHIVES; i++) {
		struct archive *a = l->archives[i];

		if (a != NULL && strcmp(l->plan->conf->archives[i].dir,
		    c->archives[i].dir) == 0) {
			archive_conf(a, &c->archives[i]);
			continue;
		}
		archive_free(a);
		l->archives[i] = archive_new(&c->archives[i], clock_real_ns());
		if (l->archives[i] == NULL) {
			log_error("archive %s: %s: %s", c->archives[i].name,
			    c->archives[i].dir, strerror(errno));
			ok = false;
		} else {
			archive_remember(l->archives[i], l->repeats);
		}
	}
	for (size_t i = c->narchives; i < l->narchives; i++) {
		archive_free(l->archives[i]);
		l->archives[i] = NULL;
	}
	ok = use_forwards(l, c) && ok;
	l->narchives = c->narchives;
	for (size_t i = 0; i < l->narchives; i++)
		if (l->archives[i] != NULL)
			archive_limit(l->archives[i],
			    GATHER_BYTES / l->narchives);
	l->tick.repeat = tick_of(c);
	plan_ref(plan);
	plan_unref(l->plan);
	l->plan = plan;
	return ok;
}

/* ---- life ---- */

/* without: nothing is stored, and there may be no directory. */
static int
remember(struct logs *l, const char *dir, bool without)
{
	char path[PATH_MAX];

	if (snprintf(path, sizeof path, "%s/repeats", dir) <
	    (int)sizeof path)
		l->repeats = repeats_open(path);
	if (l->repeats == NULL && without && errno == ENOENT) {
		l->repeats = repeats_open(NULL);
	} else if (l->repeats == NULL) {
		log_warn("%s/repeats: %s: what senders repeat after a sudden "
		    "end will be stored again", dir, strerror(errno));
		l->repeats = repeats_open(NULL);
	}
	return l->repeats == NULL ? -1 : 0;
}

int
logs_init(struct logs *l, struct plan *plan)
{
	memset(l, 0, sizeof *l);
	if (thread_init(&l->thread, "logs", woken, l) != 0)
		return -1;
	inbox_init(&l->inbox, INBOX_BYTES, thread_wake, NULL, &l->thread);
	ev_timer_init(&l->tick, ticked, TICK, TICK);
	ev_prepare_init(&l->before_sleep, before_sleep);
	l->tick.data = l->before_sleep.data = l;
	ev_timer_start(l->thread.loop, &l->tick);
	ev_prepare_start(l->thread.loop, &l->before_sleep);
	buf_init(&l->marks, 64u << 20);
	if (remember(l, plan->conf->state_dir,
	    plan->conf->narchives == 0) != 0 || !use_plan(l, plan)) {
		int saved = errno;

		logs_fini(l);
		errno = saved;
		return -1;
	}
	return 0;
}

int
logs_start(struct logs *l)
{
	return thread_start(&l->thread);
}

void
logs_fini(struct logs *l)
{
	if (l->thread.loop == NULL)
		return;
	if (l->thread.running)		/* wait; the loop is needed yet */
		pthread_join(l->thread.id, NULL);
	l->thread.running = false;
	for (size_t i = 0; i < PLAN_MAX_ARCHIVES; i++) {
		forward_free(l->forwards[i]);
		archive_free(l->archives[i]);
	}
	repeats_close(l->repeats);
	buf_fini(&l->marks);
	plan_unref(l->plan);
	thread_fini(&l->thread);
}

/* ---- orders ---- */

struct order {
	struct letter letter;
	struct plan *plan;
	void (*done)(void *);
	void *ctx;
};

static bool
put_order(struct logs *l, void (*deliver)(struct letter *, void *),
    struct plan *plan, void (*done)(void *), void *ctx)
{
	struct order *o = malloc(sizeof *o);

	if (o == NULL)
		return false;
	*o = (struct order){ .letter.deliver = deliver, .plan = plan,
	    .done = done, .ctx = ctx };
	inbox_put(&l->inbox, &o->letter, 0);
	return true;
}

static void
do_plan(struct letter *letter, void *ctx)
{
	struct order *o = (struct order *)letter;

	use_plan(ctx, o->plan);
	plan_unref(o->plan);
	free(o);
}

bool
logs_order_plan(struct logs *l, struct plan *plan)
{
	return put_order(l, do_plan, plan_ref(plan), NULL, NULL);
}

static void
do_reopen(struct letter *letter, void *ctx)
{
	struct logs *l = ctx;

	for (size_t i = 0; i < l->narchives; i++)
		if (l->archives[i] != NULL)
			archive_reopen(l->archives[i]);
	free(letter);
}

bool
logs_order_reopen(struct logs *l)
{
	return put_order(l, do_reopen, NULL, NULL, NULL);
}

static void
lose_held(struct logs *l)
{
	struct log_batch *b;

	while (l->held != NULL) {
		b = take_first(&l->held, &l->held_last);
		batch_lost(&l->ledger, &b->counts, REASON_IO_ERROR);
		answer(b, TICKET_FAILED);
		inbox_done(&l->inbox, b->letter.weight);
		log_batch_free(b);
	}
}

static bool
forwards_idle(const struct logs *l)
{
	for (size_t i = 0; i < l->nforwards; i++)
		if (l->forwards[i] != NULL && !forward_idle(l->forwards[i]))
			return false;
	return true;
}

/* What is forwarded gets a moment to go out. */
static void
ending(struct ev_loop *loop, ev_timer *w, int revents)
{
	struct logs *l = w->data;
	struct order *o = (struct order *)l->end;

	for (size_t i = 0; i < l->nforwards; i++)
		if (l->forwards[i] != NULL)
			forward_tick(l->forwards[i]);
	if (!forwards_idle(l) && (l->ending_s += 0.05) < END_S)
		return;
	ev_timer_stop(loop, w);
	o->done(o->ctx);
	free(o);
	thread_leave(&l->thread);
}

static void
do_end(struct letter *letter, void *ctx)
{
	struct logs *l = ctx;

	if (l->stuck)
		try_again(l);
	if (write_archives(l, true, true) == 0)
		settle(l);
	lose_held(l);
	l->end = letter;
	ev_timer_init(&l->ending, ending, 0, 0.05);
	l->ending.data = l;
	ev_timer_start(l->thread.loop, &l->ending);
}

bool
logs_order_end(struct logs *l, void (*done)(void *), void *ctx)
{
	return put_order(l, do_end, NULL, done, ctx);
}
