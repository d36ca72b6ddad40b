/* metrics.c - the metrics thread's life: ticks, orders, the end. */
#include "config.h"

#include <errno.h>
#ifdef __GLIBC__
#include <malloc.h>
#endif
#include <math.h>
#include <stdio.h>
#include <stdlib.h>

#include "base/clock.h"
#include "base/log.h"
#include "conf/prom_mapping.h"
#include "core/table.h"
#include "sink/destination.h"
#include "sink/health.h"
#include "sink/metrics.h"
#include "sink/metrics_flush.h"

#define INBOX_BYTES (16u << 20)
#define PAGE_MAX (4u << 20)

static void
woken(void *ctx)
{
	struct metrics *m = ctx;

	inbox_take(&m->inbox, m);
	spooler_events(&m->spooler);
}

/* ---- ticks ---- */

/* Ask every worker for its half, unless that is under way. */
static void
ask_workers(struct metrics *m)
{
	if (m->waiting > 0)
		return;
	m->round++;
	for (unsigned i = 0; i < m->workers.n; i++)
		if (m->workers.swap(m->workers.ctx, i))
			m->waiting++;
	if (m->waiting == 0)
		metrics_flush_due(m);
}

static int64_t
interval_ns(const struct metrics *m, unsigned class_)
{
	return (int64_t)m->plan->class_ms[class_] * NS_PER_MS;
}

/* Ticks stand at start + k * interval, or at multiples of the interval: a
 * flush that was late does not move the next one. */
static void
arm(struct metrics *m, unsigned class_)
{
	int64_t now = clock_real_ns(), step = interval_ns(m, class_);

	m->next_ns[class_] += step;
	if (m->next_ns[class_] <= now || m->next_ns[class_] > now + 2 * step)
		m->next_ns[class_] = now - (now - m->next_ns[class_]) % step;
	while (m->next_ns[class_] <= now)
		m->next_ns[class_] += step;
	ev_now_update(m->thread.loop);
	ev_timer_set(&m->tick[class_],
	    (double)(m->next_ns[class_] - now) / 1e9, 0);
	ev_timer_start(m->thread.loop, &m->tick[class_]);
}

void
metrics_tick(struct metrics *m, unsigned class_)
{
	m->due |= 1u << class_;
	arm(m, class_);
}

static void
ticked(struct ev_loop *loop, ev_timer *w, int revents)
{
	struct metrics *m = w->data;

	metrics_tick(m, (unsigned)(w - m->tick));
	ask_workers(m);
}

static void
start_ticks(struct metrics *m)
{
	int64_t now = clock_real_ns();
	/* As the reference: counted from the whole second nearest to start. */
	int64_t start = (now + NS_PER_S / 2) / NS_PER_S * NS_PER_S;

	for (unsigned i = 0; i < m->plan->nclasses; i++) {
		int64_t step = interval_ns(m, i);

		if (ev_is_active(&m->tick[i]))
			ev_timer_stop(m->thread.loop, &m->tick[i]);
		m->next_ns[i] = m->plan->conf->flush.align ?
		    now - now % step : start;
		arm(m, i);
	}
}

static bool
all_idle(const struct metrics *m)
{
	for (unsigned i = 0; i < m->ndests; i++)
		if (m->dests[i] != NULL && !destination_idle(m->dests[i]))
			return false;
	return true;
}

/* The lines of a large flush were in memory at once, and malloc would keep
 * their place until the next one. */
static void
tidy(struct metrics *m)
{
	if (!m->untidy || !all_idle(m))
		return;
	m->untidy = false;
#ifdef __GLIBC__
	malloc_trim(1 << 20);
#endif
}

static void
each_second(struct ev_loop *loop, ev_timer *w, int revents)
{
	struct metrics *m = w->data;

	uint64_t failures = 0;
	int64_t now_ns = clock_real_ns();

	metrics_aggregate(m, now_ns);
	metrics_report(m, now_ns);
	for (unsigned i = 0; i < m->ndests; i++)
		if (m->dests[i] != NULL) {
			destination_tick(m->dests[i]);
			failures += counter_get(&destination_stats(
			    m->dests[i])->failures);
		}
	if (failures > m->failures)
		m->internal.last_exception = floor((double)now_ns / 1e9);
	m->failures = failures;
	metrics_state_tick(m, now_ns);
	metrics_reroute(m);
	tidy(m);
}

static void do_run(struct letter *l, void *ctx);
static void do_fresh(struct letter *l, void *ctx);

/* ---- life ---- */

int
metrics_init(struct metrics *m, struct plan *plan, uint64_t seed,
    const struct metrics_workers *workers)
{
	memset(m, 0, sizeof *m);
	m->workers = *workers;
	m->seed = seed;
	if (thread_init(&m->thread, "metrics", woken, m) != 0)
		return -1;
	inbox_init(&m->inbox, INBOX_BYTES, thread_wake, NULL, &m->thread);
	pthread_mutex_init(&m->page_lock, NULL);
	buf_init(&m->page, PAGE_MAX);
	buf_init(&m->page_next, PAGE_MAX);
	m->internal.graphite_stats = true;
	m->internal.last_flush = floor((double)clock_real_ns() / 1e9);
	for (unsigned i = 0; i < PLAN_MAX_CLASSES; i++) {
		ev_timer_init(&m->tick[i], ticked, 1, 0);
		m->tick[i].data = m;
	}
	ev_timer_init(&m->second, each_second, 1, 1);
	m->second.data = m;
	ev_timer_start(m->thread.loop, &m->second);
	m->env.loop = m->thread.loop;
	m->env.ledger = &m->ledger;
	spooler_init(&m->spooler, thread_wake, &m->thread);
	m->env.spooler = &m->spooler;
	if (!metrics_use_plan(m, plan)) {
		metrics_fini(m);
		errno = ENOMEM;
		return -1;
	}
	metrics_state_load(m);
	start_ticks(m);
	return 0;
}

int
metrics_start(struct metrics *m)
{
	return thread_start(&m->thread);
}

/* Orders that came when the thread had left: who gave them has gone, too. */
static void
forget_orders(struct metrics *m)
{
	struct letter *next, *l = atomic_exchange(&m->inbox.head, NULL);

	for (; l != NULL; l = next) {
		next = l->next;
		if (l->deliver == do_run || l->deliver == do_fresh)
			free(l);
	}
	for (l = m->asked; l != NULL; l = next) {
		next = l->next;
		free(l);
	}
	m->asked = NULL;
}

void
metrics_fini(struct metrics *m)
{
	if (m->thread.loop == NULL)
		return;
	if (m->thread.running)
		pthread_join(m->thread.id, NULL);
	m->thread.running = false;
	forget_orders(m);
	spooler_stop(&m->spooler);
	for (unsigned i = 0; i < PLAN_MAX_DESTS; i++) {
		destination_free(m->dests[i]);
		free(m->open[i]);
	}
	health_free(m->health);
	merged_free(m->merged);
	metrics_aggregate_fini(m);
	metrics_report_fini(m);
	plan_unref(m->plan);
	prom_mapping_free(m->mapping);
	free(m->state_path);
	free(m->sets_path);
	buf_fini(&m->sets_image);
	buf_fini(&m->page);
	buf_fini(&m->page_next);
	pthread_mutex_destroy(&m->page_lock);
	thread_fini(&m->thread);
}

/* ---- orders ---- */

struct order {
	struct letter letter;
	struct plan *plan;
	unsigned deadline_ms;
	void (*done)(void *);
	void (*fn)(struct metrics *, void *);
	void *ctx;
	unsigned round;			/* that brings what it waits for */
};

static struct order *
order_new(void (*deliver)(struct letter *, void *), void *ctx)
{
	struct order *o = calloc(1, sizeof *o);

	if (o == NULL)
		return NULL;
	o->letter.deliver = deliver;
	o->ctx = ctx;
	return o;
}

static void
do_plan(struct letter *l, void *ctx)
{
	struct metrics *m = ctx;
	struct order *o = (struct order *)l;

	if (!metrics_use_plan(m, o->plan))
		log_error("metrics: out of memory, the old configuration "
		    "stays");
	start_ticks(m);
	plan_unref(o->plan);
	free(o);
}

bool
metrics_order_plan(struct metrics *m, struct plan *plan)
{
	struct order *o = order_new(do_plan, NULL);

	if (o == NULL)
		return false;
	o->plan = plan_ref(plan);
	inbox_put(&m->inbox, &o->letter, 0);
	return true;
}

static void
do_run(struct letter *l, void *ctx)
{
	struct order *o = (struct order *)l;

	o->fn(ctx, o->ctx);
	free(o);
}

bool
metrics_order_run(struct metrics *m, void (*fn)(struct metrics *, void *),
    void *ctx)
{
	struct order *o = order_new(do_run, ctx);

	if (o == NULL)
		return false;
	o->fn = fn;
	inbox_put(&m->inbox, &o->letter, 0);
	return true;
}

/* Halves that are out already were swapped too early for it. */
static void
do_fresh(struct letter *l, void *ctx)
{
	struct metrics *m = ctx;
	struct order *o = (struct order *)l;
	struct letter **at = &m->asked;

	o->round = m->round + 1;
	l->next = NULL;
	while (*at != NULL)
		at = &(*at)->next;
	*at = l;
	if (m->waiting > 0)
		return;
	ask_workers(m);
	if (m->waiting == 0)
		metrics_answer(m);
}

bool
metrics_order_fresh(struct metrics *m, void (*fn)(struct metrics *, void *),
    void *ctx)
{
	struct order *o = order_new(do_fresh, ctx);

	if (o == NULL)
		return false;
	o->fn = fn;
	inbox_put(&m->inbox, &o->letter, 0);
	return true;
}

void
metrics_answer(struct metrics *m)
{
	struct order *o;

	while ((o = (struct order *)m->asked) != NULL &&
	    (int)(o->round - m->round) <= 0) {
		m->asked = o->letter.next;
		o->fn(m, o->ctx);
		free(o);
	}
	m->due |= m->due_at_end;
	m->due_at_end = 0;
	if (m->asked != NULL || m->due != 0)
		ask_workers(m);
}

/* ---- the end ---- */

static void
end_step(struct ev_loop *loop, ev_timer *w, int revents)
{
	struct metrics *m = w->data;

	if (m->due != 0 || m->due_at_end != 0 || m->waiting > 0)
		return;		/* the last flush is not out yet */
	metrics_aggregate_end(m);
	for (unsigned i = 0; i < m->ndests; i++)
		if (m->dests[i] != NULL)
			destination_tick(m->dests[i]);
	/* what one server cannot have another may, as long as any is up */
	if ((metrics_reroute(m) || !all_idle(m)) &&
	    clock_mono_ns() < m->end_ns)
		return;
	ev_timer_stop(loop, w);
	metrics_state_end(m);
	m->ended(m->ended_ctx);
	thread_leave(&m->thread);
}

static void
do_end(struct letter *l, void *ctx)
{
	struct metrics *m = ctx;
	struct order *o = (struct order *)l;

	for (unsigned i = 0; i < m->plan->nclasses; i++) {
		ev_timer_stop(m->thread.loop, &m->tick[i]);
		m->due_at_end |= 1u << i;
	}
	m->ended = o->done;
	m->ended_ctx = o->ctx;
	m->end_ns = clock_mono_ns() + (int64_t)o->deadline_ms * NS_PER_MS;
	free(o);
	m->ending = true;
	for (unsigned i = 0; i < m->ndests; i++)
		if (m->dests[i] != NULL)
			destination_end(m->dests[i]);
	if (m->waiting == 0)	/* else after those halves, which miss the rest */
		metrics_answer(m);
	ev_timer_stop(m->thread.loop, &m->second);
	ev_timer_init(&m->second, end_step, 0.01, 0.01);
	ev_timer_start(m->thread.loop, &m->second);
}

bool
metrics_order_end(struct metrics *m, unsigned deadline_ms,
    void (*done)(void *), void *ctx)
{
	struct order *o = order_new(do_end, ctx);

	if (o == NULL)
		return false;
	o->deadline_ms = deadline_ms;
	o->done = done;
	inbox_put(&m->inbox, &o->letter, 0);
	return true;
}
