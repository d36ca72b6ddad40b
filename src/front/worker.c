/* worker.c - a worker's life: burst, breath, order, drain. */
#include "config.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/clock.h"
#include "base/hash.h"
#include "base/log.h"
#include "front/door.h"
#include "front/key_log.h"
#include "front/names.h"
#include "front/signed.h"
#include "front/tail.h"
#include "front/tap.h"
#include "front/worker.h"
#include "front/writer.h"
#include "proto/statsd_secure.h"

#define TICK 0.005
#define INBOX_BYTES (64u << 20)
#define WORTH_A_LETTER (16 * 1024)
#define SWEEP_SLOTS 65536
#define SWEEP_IDLE 30		/* swaps */
#define QUIET_TICKS 10		/* of a drain: nothing came for 50 ms */
#define DRAIN_TICKS 400		/* of a drain: 2 s at the most */

static const struct pipeline_ops ops = {
	.metric_name = names_metric,
	.sample_line = names_sample,
	.log_path = writer_path,
	.log_line = writer_line
};

void
worker_now(struct worker *w)
{
	w->now_ns = clock_real_ns();
}

uint32_t
worker_connection(struct worker *w)
{
	uint64_t what[] = { (uint64_t)clock_real_ns(), w->index,
	    ++w->connections };

	return (uint32_t)hash_bytes(what, sizeof what);
}

/* ---- waiting: for a batch to fill, or a sink to drain ---- */

static void
resume_paused(struct worker *w, enum record_kind k)
{
	struct conn **at = &w->conns[k], *c;
	uint64_t choking;

	if (*at == NULL || pipeline_full(&w->pipeline, k))
		return;
	choking = pipeline_choking(&w->pipeline);
	while ((c = *at) != NULL) {
		if ((c->touched & choking) != 0) {
			at = &c->next_paused;
			continue;
		}
		*at = c->next_paused;
		c->next_paused = NULL;
		c->paused = false;
		stream_resume(c->stream);
	}
}

static void drain_step(struct worker *w);

static void
ticked(struct ev_loop *loop, ev_timer *t, int revents)
{
	struct worker *w = t->data;

	for (int k = 0; k < RECORD_KINDS; k++)
		resume_paused(w, (enum record_kind)k);
	pipeline_flush(&w->pipeline, 0);
	if (w->draining)
		drain_step(w);
	else if (w->conns[0] == NULL && w->conns[1] == NULL &&
	    w->conns[2] == NULL && w->pipeline.holding == 0)
		ev_timer_stop(loop, t);
}

static void
wait_a_tick(struct worker *w)
{
	if (ev_is_active(&w->tick))
		return;
	ev_now_update(w->thread.loop);
	ev_timer_set(&w->tick, TICK, TICK);
	ev_timer_start(w->thread.loop, &w->tick);
}

/* Before the loop sleeps: give away what is worth it, and see that the rest
 * goes soon. */
static void
before_sleep(struct ev_loop *loop, ev_prepare *p, int revents)
{
	struct worker *w = p->data;

	pipeline_flush(&w->pipeline, WORTH_A_LETTER);
	if (w->pipeline.holding > 0)
		wait_a_tick(w);
}

void
conn_pressure(struct conn *c)
{
	struct worker *w = c->worker;

	c->touched = w->pipeline.touched;
	if (c->paused || (!pipeline_full(&w->pipeline, c->front->kind) &&
	    (c->touched == 0 ||
	    (c->touched & pipeline_choking(&w->pipeline)) == 0)))
		return;
	stream_pause(c->stream);
	c->paused = true;
	c->next_paused = w->conns[c->front->kind];
	w->conns[c->front->kind] = c;
	wait_a_tick(w);
}

/* ---- taps ---- */

static void
tapped(void *ctx, const struct record *r)
{
	struct worker *w = ctx;

	for (unsigned i = 0; i < w->ntaps; i++)
		tap_offer(w->taps[i], r, w->tap_scratch);
}

static void
drop_taps(struct worker *w, bool all)
{
	unsigned kept = 0;

	for (unsigned i = 0; i < w->ntaps; i++)
		if (all || tap_closed(w->taps[i]))
			tap_unref(w->taps[i]);
		else
			w->taps[kept++] = w->taps[i];
	w->ntaps = kept;
	w->pipeline.watched = kept > 0;
}

static void
each_second(struct ev_loop *loop, ev_timer *t, int revents)
{
	struct worker *w = t->data;

	atomic_store_explicit(&w->pipeline.ledger.busy_us,
	    (uint64_t)(clock_thread_ns() / 1000), memory_order_relaxed);
	for (struct door *d = w->doors; d != NULL; d = d->next)
		door_count_drops(d);
	table_sweep(&w->pipeline.table, SWEEP_SLOTS, SWEEP_IDLE);
	key_log_tick(clock_real_ns());
	drop_taps(w, false);
}

/* ---- life ---- */

static void
woken(void *ctx)
{
	struct worker *w = ctx;

	inbox_take(&w->inbox, w);
}

int
worker_init(struct worker *w, unsigned index, struct plan *plan,
    const struct pipeline_sinks *sinks, uint64_t seed)
{
	char name[16];

	memset(w, 0, sizeof *w);
	w->index = index;
	if (gethostname(w->host, sizeof w->host - 1) != 0)
		strcpy(w->host, "localhost");
	snprintf(name, sizeof name, "worker-%u", index);
	if (thread_init(&w->thread, name, woken, w) != 0)
		return -1;
	inbox_init(&w->inbox, INBOX_BYTES, thread_wake, NULL, &w->thread);
	w->names = names_new(plan->conf);
	w->writer = writer_new(plan->conf);
	key_log_configure(plan->conf);
	if (w->names == NULL || w->writer == NULL ||
	    !signed_new(plan->conf, &w->secure) ||
	    !pipeline_init(&w->pipeline, plan, &ops, w, sinks, seed)) {
		names_free(w->names);
		writer_free(w->writer);
		statsd_secure_free(w->secure);
		thread_fini(&w->thread);
		errno = ENOMEM;
		return -1;
	}
	ev_timer_init(&w->tick, ticked, TICK, TICK);
	ev_timer_init(&w->second, each_second, 1, 1);
	ev_prepare_init(&w->before_sleep, before_sleep);
	/* after the streams': a resumed one gives its data to the pipeline there */
	ev_set_priority(&w->before_sleep, EV_MINPRI);
	w->tick.data = w->second.data = w->before_sleep.data = w;
	ev_timer_start(w->thread.loop, &w->second);
	ev_prepare_start(w->thread.loop, &w->before_sleep);
	worker_now(w);
	if (index == 0)
		w->tail = tail_new(w, plan->conf);
	return 0;
}

void
worker_fini(struct worker *w)
{
	struct door_list l = { w->doors };

	if (w->thread.loop == NULL)
		return;
	doors_free(&l);
	tail_free(w->tail);
	drop_taps(w, true);
	tap_scratch_free(w->tap_scratch);
	pipeline_fini(&w->pipeline);
	names_free(w->names);
	writer_free(w->writer);
	statsd_secure_free(w->secure);
	thread_fini(&w->thread);
}

/* ---- orders ---- */

struct order {
	struct letter letter;
	struct plan *plan;
	struct tap *tap;
	struct door_list doors;
	void (*done)(void *);
	void *ctx;
};

static struct order *
order_new(void (*deliver)(struct letter *, void *))
{
	struct order *o = calloc(1, sizeof *o);

	if (o != NULL)
		o->letter.deliver = deliver;
	return o;
}

static void
half_back(struct letter *l, void *ctx)
{
	struct worker *w = ctx;

	table_half_back(&w->pipeline.table, (struct half *)l);
}

static void
do_swap(struct letter *l, void *ctx)
{
	struct worker *w = ctx;
	struct half *h = table_swap(&w->pipeline.table);

	free(l);
	if (h == NULL)
		return;
	h->home = &w->inbox;
	h->back = half_back;
	h->letter.deliver = w->pipeline.sinks.take_half;
	inbox_put(w->pipeline.sinks.metrics, &h->letter, 0);
}

bool
worker_order_swap(struct worker *w)
{
	struct order *o = order_new(do_swap);

	if (o == NULL)
		return false;
	inbox_put(&w->inbox, &o->letter, 0);
	return true;
}

/* Keep the doors that the new plan lists still, close the others. */
static void
sort_doors(struct worker *w, const struct conf *conf)
{
	struct door **at = &w->doors;

	while (*at != NULL) {
		struct door *d = *at;

		if (door_bind(d, conf)) {
			door_renew_tls(d);
			at = &d->next;
			continue;
		}
		*at = d->next;
		d->next = NULL;
		door_close(d);
	}
}

static void
do_plan(struct letter *l, void *ctx)
{
	struct worker *w = ctx;
	struct order *o = (struct order *)l;
	struct names *names = names_new(o->plan->conf);
	struct log_writer *writer = writer_new(o->plan->conf);
	struct statsd_secure *secure;

	if (!signed_new(o->plan->conf, &secure) || names == NULL ||
	    writer == NULL) {
		log_error("worker %u: out of memory, the old configuration "
		    "stays", w->index);
		names_free(names);
		writer_free(writer);
		statsd_secure_free(secure);
		doors_free(&o->doors);
	} else {
		key_log_configure(o->plan->conf);
		pipeline_flush(&w->pipeline, 0);
		names_free(w->names);
		writer_free(w->writer);
		statsd_secure_free(w->secure);
		w->secure = secure;
		w->names = names;
		w->writer = writer;
		sort_doors(w, o->plan->conf);
		while (o->doors.first != NULL) {
			struct door *d = o->doors.first;

			o->doors.first = d->next;
			door_adopt(w, d);
		}
		pipeline_plan(&w->pipeline, o->plan);
		tail_free(w->tail);
		w->tail = w->index == 0 ? tail_new(w, o->plan->conf) : NULL;
	}
	plan_unref(o->plan);
	free(o);
}

bool
worker_order_plan(struct worker *w, struct plan *plan, struct door_list *doors)
{
	struct order *o = order_new(do_plan);

	if (o == NULL)
		return false;
	o->plan = plan_ref(plan);
	o->doors = *doors;
	doors->first = NULL;
	inbox_put(&w->inbox, &o->letter, 0);
	return true;
}

static void
do_tap(struct letter *l, void *ctx)
{
	struct worker *w = ctx;
	struct order *o = (struct order *)l;

	drop_taps(w, false);
	if (w->tap_scratch == NULL)
		w->tap_scratch = tap_scratch_new();
	if (w->ntaps < WORKER_TAPS && w->tap_scratch != NULL)
		w->taps[w->ntaps++] = o->tap;
	else
		tap_unref(o->tap);
	w->pipeline.tap = tapped;
	w->pipeline.tap_ctx = w;
	w->pipeline.watched = w->ntaps > 0;
	free(o);
}

bool
worker_order_tap(struct worker *w, struct tap *t)
{
	struct order *o = order_new(do_tap);

	if (o == NULL)
		return false;
	o->tap = tap_ref(t);
	inbox_put(&w->inbox, &o->letter, 0);
	return true;
}

/* ---- the end ---- */

static void
stop_stream(struct stream *s, void *ctx)
{
	stream_close(s);
}

/* Once nothing came for a while, or it lasts too long: every answer that is
 * owed has been given when no ticket is out. */
static void
drain_step(struct worker *w)
{
	w->drain_ticks++;
	if (w->activity != w->drain_seen) {
		w->drain_seen = w->activity;
		w->drain_quiet = 0;
	} else {
		w->drain_quiet++;
	}
	for (struct door *d = w->doors; d != NULL; d = d->next)
		if (d->datagrams != NULL)
			datagrams_drain(d->datagrams, 64);
	if ((w->drain_quiet < QUIET_TICKS || w->tickets_out > 0) &&
	    w->drain_ticks < DRAIN_TICKS)
		return;
	for (struct door *d = w->doors; d != NULL; d = d->next)
		door_count_drops(d);
	pipeline_flush(&w->pipeline, 0);
	if (!w->closing) {
		w->closing = true;
		stream_each(w->thread.loop, stop_stream, NULL);
		return;
	}
	if (stream_loop_count(w->thread.loop) > 0 &&
	    w->drain_ticks < 2 * DRAIN_TICKS)
		return;
	w->draining = false;
	ev_timer_stop(w->thread.loop, &w->tick);
	atomic_store(&w->drained, true);
	w->drain_done(w->drain_ctx);
}

static void
do_drain(struct letter *l, void *ctx)
{
	struct worker *w = ctx;
	struct order *o = (struct order *)l;

	w->drain_done = o->done;
	w->drain_ctx = o->ctx;
	free(o);
	for (struct door *d = w->doors; d != NULL; d = d->next)
		door_stop_accepting(d);
	tail_stop(w->tail);
	w->draining = true;
	wait_a_tick(w);
}

bool
worker_order_drain(struct worker *w, void (*done)(void *), void *ctx)
{
	struct order *o = order_new(do_drain);

	if (o == NULL)
		return false;
	o->done = done;
	o->ctx = ctx;
	inbox_put(&w->inbox, &o->letter, 0);
	return true;
}

static void
do_stop(struct letter *l, void *ctx)
{
	struct worker *w = ctx;
	struct door_list list = { w->doors };

	free(l);
	w->doors = NULL;
	doors_free(&list);
	thread_leave(&w->thread);
}

bool
worker_order_stop(struct worker *w)
{
	struct order *o = order_new(do_stop);

	if (o == NULL)
		return false;
	inbox_put(&w->inbox, &o->letter, 0);
	return true;
}
