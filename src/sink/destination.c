/* destination.c - a queue of batches, in memory and on disk, and the pump that
 * empties it into the wire.
 *
 * Batches stand in two lists: those in flight (given to the wire, and not all
 * of it written yet), and behind them those that wait.  Those that came from
 * the spool stay on disk until they are done. */
#include "config.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

#include "base/clock.h"
#include "base/crc32c.h"
#include "base/log.h"
#include "sink/destination_private.h"
#include "sink/encoder.h"
#include "sink/spool_lane.h"
#include "sink/wire.h"

#define STILL_S 3
#define PACKED_MAX (32u << 20)
#define REPLAY_S 0.05
#define READ_AHEAD 4	/* batches under way from the spool */
#define MOVED_AHEAD 128	/* the same, when they go elsewhere */
#define KEPT_BYTES (12u << 20)	/* more than kernels hold of a connection */
#define KEPT_S 30
#define PROVEN_S 5
#define KEPT_AT_END_S 1	/* when the server closed with all read */
#define ON_THE_WAY (32u << 20)	/* what senders may have sent before */

const struct destination_stats *
destination_stats(const struct destination *d)
{
	return &d->stats;
}

const char *
destination_name(const struct destination *d)
{
	return d->dest->name;
}

static struct lines_batch *
next_of(const struct lines_batch *b)
{
	return (struct lines_batch *)b->letter.next;
}

/* ---- what others see ---- */

/* Nothing can be sent just now. */
static bool
blocked(const struct destination *d)
{
	return d->away || d->stalled;
}

static void
show_state(struct destination *d)
{
	struct dest_state *s = &d->dest->state;
	bool held = d->lane == NULL && (d->env->hold || !blocked(d));
	bool choking = atomic_load(&s->choking);

	if (!held || d->held < s->max / 3)
		choking = false;
	else if (d->held >= s->max)
		choking = true;
	if (choking && !atomic_load(&s->choking))
		counter_add(&d->stats.stalls, 1);
	atomic_store(&s->queued, d->held + d->late_bytes +
	    (d->lane == NULL ? 0 : spool_lane_bytes(d->lane)));
	atomic_store(&s->choking, choking);
	atomic_store(&s->up, !blocked(d));
}

/* ---- the queue ---- */

static void
append(struct batch_list *l, struct lines_batch *b)
{
	b->letter.next = NULL;
	if (l->last == NULL)
		l->first = b;
	else
		l->last->letter.next = &b->letter;
	l->last = b;
}

static struct lines_batch *
take_first(struct batch_list *l)
{
	struct lines_batch *b = l->first;

	l->first = next_of(b);
	if (l->first == NULL)
		l->last = NULL;
	return b;
}

/* Of the batch that a wire broke off, what it wrote: a point that comes twice
 * is the same point, but a sample would count twice. */
static void
keep_rest(struct destination *d, uint64_t written)
{
	struct lines_batch *b = d->flight.first;
	size_t off = (size_t)(written - d->done);
	uint32_t lines = 0;
	const char *end;

	if (b == NULL || b->stored || d->server == NULL || d->encoder != NULL ||
	    d->server->protocol != CONF_STATSD || off == 0 || off > b->len ||
	    (end = memrchr(b->data, '\n', off)) == NULL)
		return;
	off = (size_t)(end + 1 - b->data);
	for (size_t i = 0; i < off; i++)
		lines += b->data[i] == '\n';
	counter_add(&d->stats.delivered, lines);
	counter_add(&d->stats.queued, -(uint64_t)lines);
	batch_part_delivered(d->env->ledger, &b->counts, lines);
	memmove(b->data, b->data + off, b->len - off);
	b->lines -= lines;
	b->len -= off;
	d->held -= off;
	d->done += off;
}

/* Before all that waits. */
static void
put_in_front(struct destination *d, struct batch_list *l)
{
	if (l->last == NULL)
		return;
	l->last->letter.next = d->waiting.first == NULL ? NULL :
	    &d->waiting.first->letter;
	d->waiting.first = l->first;
	if (d->waiting.last == NULL)
		d->waiting.last = l->last;
}

/* What was in flight waits again. */
static void
take_back(struct destination *d)
{
	d->is_packed = false;
	put_in_front(d, &d->flight);
	d->flight = (struct batch_list){ NULL, NULL };
}

static void
push(struct destination *d, struct lines_batch *b)
{
	append(&d->waiting, b);
	d->held += b->len;
}

/* It is done, or lost. */
static struct lines_batch *
let_go(struct destination *d, struct batch_list *l)
{
	struct lines_batch *b = take_first(l);

	if (b->stored)
		spool_lane_done(d->lane);
	d->held -= b->len;
	counter_add(&d->stats.queued, -(uint64_t)b->lines);
	return b;
}

static void
drop_first(struct destination *d, struct batch_list *l)
{
	free(let_go(d, l));
}

static void
lose_first(struct destination *d, enum reason why)
{
	counter_add(&d->stats.lost[why], d->waiting.first->lines);
	batch_lost(d->env->ledger, &d->waiting.first->counts, why);
	d->is_packed = false;
	drop_first(d, &d->waiting);
}

/* Bytes that the wire has; it has its own bound. */
static size_t
in_flight(const struct destination *d)
{
	size_t n = 0;

	for (const struct lines_batch *b = d->flight.first; b != NULL; b = next_of(b))
		n += b->len;
	return n;
}

/* Make room by forgetting the oldest.  What is partly under way stays, and
 * what is on disk anyway; nor does it count, or a small queue would be full of
 * it and would have to give up the newest. */
static void
shed(struct destination *d)
{
	size_t max = d->dest->state.max;

	if (!blocked(d) || d->env->hold)	/* senders were told */
		max = max * 2 + ON_THE_WAY;
	if (d->held <= max)
		return;
	max += in_flight(d);
	while (d->held > max && d->waiting.first != d->waiting.last &&
	    !d->waiting.first->stored) {
		lose_first(d, REASON_QUEUE_FULL);
		LOG_LIMITED(LOG_AT_WARN, 30, "%s: its queue is full, the "
		    "oldest lines are dropped", d->dest->name);
	}
}

/* ---- the spool ---- */

static bool
keeps_order(const struct destination *d)
{
	return d->conf == NULL || d->conf->spool_rate == 0;
}

static void
lose_spooled(struct destination *d, const struct spool_counts *lost,
    enum reason why)
{
	if (lost->lines == 0)
		return;
	counter_add(&d->stats.lost[why], lost->lines);
	counter_add(&d->stats.queued, -lost->lines);
	for (int i = 0; i < RECORD_SOURCES; i++)
		ledger_lost(d->env->ledger, RECORD_METRIC,
		    (enum record_source)i, why, lost->n[i]);
}

static bool
wants_disk(const struct destination *d)
{
	return d->lane != NULL && (blocked(d) || d->late.first != NULL ||
	    d->held >= d->dest->state.max ||
	    (keeps_order(d) && !spool_lane_empty(d->lane)));
}

/* The disk is behind: what it should have waits, and the oldest of that goes
 * when there is too much of it. */
static void
put_off(struct destination *d, struct lines_batch *b)
{
	append(&d->late, b);
	d->late_bytes += b->len;
	while (d->late_bytes > d->dest->state.max &&
	    d->late.first != d->late.last) {
		b = take_first(&d->late);
		d->late_bytes -= b->len;
		counter_add(&d->stats.queued, -(uint64_t)b->lines);
		counter_add(&d->stats.lost[REASON_QUEUE_FULL], b->lines);
		batch_lost(d->env->ledger, &b->counts, REASON_QUEUE_FULL);
		free(b);
		LOG_LIMITED(LOG_AT_WARN, 30, "%s: its spool is too slow, the "
		    "oldest lines are dropped", d->dest->name);
	}
}

/* False: it has to stay in memory. */
static bool
to_disk(struct destination *d, struct lines_batch *b)
{
	if (d->late.first != NULL ||
	    spool_lane_full(d->lane, d->dest->state.max)) {
		put_off(d, b);
		return true;
	}
	return spool_lane_put(d->lane, b);
}

/* The disk has caught up. */
static void
put_late(struct destination *d)
{
	if (d->catching_up)
		return;
	d->catching_up = true;
	while (d->late.first != NULL &&
	    !spool_lane_full(d->lane, d->dest->state.max)) {
		struct lines_batch *b = take_first(&d->late);

		d->late_bytes -= b->len;
		if (!spool_lane_put(d->lane, b))
			push(d, b);
	}
	d->catching_up = false;
}

static void
disk_complains(const struct destination *d, int error)
{
	LOG_LIMITED(LOG_AT_ERROR, 10, "%s: spool: %s", d->dest->name,
	    strerror(error));
}

static void
was_stored(void *ctx, uint64_t lines)
{
	struct destination *d = ctx;

	counter_add(&d->stats.spooled, lines);
	put_late(d);
	show_state(d);
}

static void
was_refused(void *ctx, struct lines_batch *b, int error)
{
	struct destination *d = ctx;

	disk_complains(d, error);
	push(d, b);
	put_late(d);
	destination_pump(d);
	shed(d);
	show_state(d);
}

/* They are the oldest there are. */
static void
was_returned(void *ctx, struct lines_batch *first, int error)
{
	struct batch_list back = { NULL, NULL };
	struct destination *d = ctx;

	disk_complains(d, error);
	while (first != NULL) {
		struct lines_batch *next = next_of(first);

		d->held += first->len;
		append(&back, first);
		first = next;
	}
	put_in_front(d, &back);
	put_late(d);
	destination_pump(d);
	shed(d);
	show_state(d);
}

static void
was_lost(void *ctx, const struct spool_counts *lost, enum reason why)
{
	struct destination *d = ctx;

	if (why == REASON_QUEUE_FULL)
		LOG_LIMITED(LOG_AT_WARN, 30, "%s: its spool is full, the "
		    "oldest lines are dropped", d->dest->name);
	lose_spooled(d, lost, why);
}

static void
was_taken(void *ctx, struct lines_batch *b)
{
	struct destination *d = ctx;

	if (b != NULL) {
		d->tokens -= b->lines;
		push(d, b);
	}
	destination_pump(d);
}

static const struct spool_lane_events spool_events = {
	was_stored, was_refused, was_returned, was_taken, was_lost
};

/* Forget what stands in memory and on disk; returns whether any did. */
static bool
forget_stored(struct destination *d)
{
	struct batch_list rest = { NULL, NULL };
	bool any = false;

	while (d->waiting.first != NULL) {
		struct lines_batch *b = take_first(&d->waiting);

		if (!b->stored) {
			append(&rest, b);
			continue;
		}
		d->held -= b->len;
		free(b);
		any = true;
	}
	d->waiting = rest;
	return any;
}

void
destination_keep(struct destination *d)
{
	struct batch_list all;
	size_t held;
	bool any;

	d->is_packed = false;
	if (d->lane == NULL || d->flight.first != NULL)
		return;
	any = forget_stored(d) || spool_lane_wanted(d->lane);
	if (d->waiting.first == NULL && !any)
		return;
	all = d->waiting;
	held = d->held;
	d->waiting = (struct batch_list){ NULL, NULL };
	d->held = 0;
	if (spool_lane_keep(d->lane, all.first))
		return;
	d->waiting = all;
	d->held = held;
}

/* Have the next batch of the spool brought.  False: it is not here yet. */
static bool
fetch(struct destination *d, unsigned n)
{
	if (d->lane == NULL || d->ending || spool_lane_empty(d->lane) ||
	    (!keeps_order(d) && d->tokens <= 0))
		return false;
	spool_lane_want(d->lane, keeps_order(d) ? n : 1);
	return d->waiting.first != NULL;
}

static void
watch_spool(struct destination *d)
{
	if (d->lane == NULL || keeps_order(d) || !d->up ||
	    spool_lane_empty(d->lane))
		ev_timer_stop(d->env->loop, &d->replay);
	else if (!ev_is_active(&d->replay))
		ev_timer_again(d->env->loop, &d->replay);
}

static void
replayed(struct ev_loop *loop, ev_timer *w, int revents)
{
	struct destination *d = w->data;
	double now = ev_now(loop), rate;

	if (d->conf == NULL)
		return;
	rate = (double)d->conf->spool_rate;
	if (d->token_time != 0)
		d->tokens += (now - d->token_time) * rate;
	d->token_time = now;
	if (d->tokens > rate)
		d->tokens = rate;
	destination_pump(d);
}

/* ---- sending ---- */

/* A server looks at our certificate when the connection is up for us already
 * (RFC 8446, section 2), and what it says of it comes after our first lines. */
static bool
on_trial(const struct destination *d)
{
	return d->server->tls &&
	    ev_now(d->env->loop) - d->up_since < PROVEN_S;
}

/* What was written is in the kernels' buffers for a while, and gone with the
 * server's process.  Who has a spool wants none lost, so it is kept for that
 * while; a point that comes twice is the same point. */
static bool
keeps_written(const struct destination *d)
{
	return d->conf != NULL && !d->wire->at_once &&
	    d->server->protocol != CONF_STATSD &&
	    (d->lane != NULL || on_trial(d));
}

static void
forget_written(struct destination *d, size_t max_bytes, double before)
{
	while (d->written.first != NULL && (d->written_bytes > max_bytes ||
	    d->written.first->written < before)) {
		struct lines_batch *b = take_first(&d->written);

		d->written_bytes -= b->len;
		free(b);
	}
}

/* Its lines were counted as delivered: from now on it counts as none. */
static void
keep_written(struct destination *d, struct lines_batch *b)
{
	struct lines_batch *last = d->written.last;

	d->written_bytes += b->len;
	if (last != NULL && b->len <= last->cap - last->len) {
		memcpy(last->data + last->len, b->data, b->len);
		last->len += b->len;
		free(b);	/* the few lines of a quiet time share one */
	} else {
		last = b;
		last->lines = 0;
		last->stored = false;
		memset(&last->counts, 0, sizeof last->counts);
		append(&d->written, last);
	}
	last->written = ev_now(d->env->loop);
	forget_written(d, KEPT_BYTES, 0);
}

/* The connection broke: all that may not have been read waits again. */
static void
send_again(struct destination *d)
{
	forget_written(d, KEPT_BYTES, ev_now(d->env->loop) -
	    (d->was_closed ? KEPT_AT_END_S : KEPT_S));
	if (d->written.first == NULL)
		return;
	log_info("%s: %zu bytes that it may not have read are sent again",
	    d->dest->name, d->written_bytes);
	counter_add(&d->stats.again, d->written_bytes);
	d->held += d->written_bytes;
	d->written_bytes = 0;
	put_in_front(d, &d->written);
	d->written = (struct batch_list){ NULL, NULL };
}

/* Let go of the batches that were written out whole. */
void
destination_settle(struct destination *d)
{
	uint64_t written = d->offered - wire_pending(d->wire);

	while (d->flight.first != NULL &&
	    d->done + d->flight.first->letter.weight <= written) {
		struct lines_batch *b = d->flight.first;

		d->done += b->letter.weight;
		counter_add(&d->stats.delivered, b->lines);
		counter_add(&d->stats.batches, 1);
		counter_add(&d->stats.bytes_sent, b->letter.weight);
		batch_delivered(d->env->ledger, &b->counts);
		if (keeps_written(d))
			keep_written(d, let_go(d, &d->flight));
		else
			drop_first(d, &d->flight);
	}
}

void
destination_broke(struct destination *d)
{
	destination_settle(d);
	keep_rest(d, d->offered - wire_pending(d->wire));
}

/* The first waiting batch as it is to be sent.  False: no memory. */
static bool
wire_bytes(struct destination *d, struct slice *bytes)
{
	const struct lines_batch *b = d->waiting.first;

	if (d->encoder == NULL) {
		*bytes = slice_of(b->data, b->len);
		return true;
	}
	if (!d->is_packed) {
		buf_clear(&d->packed);
		if (!encoder_add(d->encoder, slice_of(b->data, b->len),
		    &d->packed))
			return false;
		d->is_packed = true;
	}
	*bytes = buf_slice(&d->packed);
	return true;
}

static bool
send_first(struct destination *d)
{
	struct slice bytes;

	if (!wire_bytes(d, &bytes)) {
		struct wire *w = d->wire;

		wire_abort(w);	/* its stream has a hole */
		connect_failed(d, "no memory");
		return false;
	}
	switch (wire_write(d->wire, bytes)) {
	case WIRE_TOOK:
		break;
	case WIRE_FULL:
		return false;
	case WIRE_FAILED:
		connect_failed(d, strerror(errno));
		return false;
	}
	d->is_packed = false;
	d->waiting.first->letter.weight = bytes.len;
	d->offered += bytes.len;
	append(&d->flight, take_first(&d->waiting));
	return true;
}

/* Nothing is left that could be sent at once. */
static bool
all_sent(const struct destination *d)
{
	return d->waiting.first == NULL && (d->lane == NULL ||
	    spool_lane_empty(d->lane) || d->ending ||
	    (!keeps_order(d) && !spool_lane_wanted(d->lane)));
}

void
destination_pump(struct destination *d)
{
	if (!d->up || d->pumping)
		return;
	d->pumping = true;
	destination_settle(d);
	while (!d->closing && (d->waiting.first != NULL ||
	    fetch(d, READ_AHEAD)) && send_first(d))
		;
	d->pumping = false;
	if (!d->up)
		return;		/* it failed meanwhile */
	destination_settle(d);
	if (all_sent(d) && d->flushed && !d->closing &&
	    (d->conf == NULL || d->conf->connect_per_flush))
		connect_finish(d);
	watch_spool(d);
	show_state(d);
}

void
destination_came_up(struct destination *d)
{
	counter_add(&d->stats.connects, 1);
	d->up = true;
	d->up_since = ev_now(d->env->loop);
	d->away = d->stalled = false;
	d->still = 0;
	d->offered = d->done = d->seen = 0;
	d->token_time = 0;
	d->closing = d->was_closed = false;
	show_state(d);
	destination_pump(d);
}

/* In a cluster whose servers stand in for each other what waits is not put
 * away at once: the others may have it. */
static bool
has_deputies(const struct destination *d)
{
	return d->conf != NULL && (d->conf->dynamic ||
	    d->conf->method == CONF_ANY_OF || d->conf->method == CONF_FAILOVER ||
	    d->conf->method == CONF_LOAD_BALANCED);
}

void
destination_went_down(struct destination *d, bool well)
{
	d->up = d->stalled = d->closing = false;
	take_back(d);		/* what was not written whole goes again */
	if (well)
		forget_written(d, 0, 0);
	else
		send_again(d);
	if (!well && !has_deputies(d))
		destination_keep(d);
	if (!well)
		shed(d);
	watch_spool(d);
	show_state(d);
	if (well && d->waiting.first != NULL)
		connect_start(d);
}

/* ---- life ---- */

/* "graphite/10.0.0.1:2003=a" as the name of a directory. */
static void
spool_path(const struct destination *d, char *path, size_t size)
{
	char safe[128];
	size_t n = 0;

	for (const char *p = d->dest->name; *p != '\0' && n < sizeof safe - 1;
	    p++) {
		bool plain = (*p >= 'a' && *p <= 'z') ||
		    (*p >= 'A' && *p <= 'Z') || (*p >= '0' && *p <= '9') ||
		    *p == '-' || (*p == '.' && n > 0);

		safe[n++] = plain ? *p : '_';
	}
	safe[n] = '\0';
	snprintf(path, size, "%s/spool/%s-%08x", d->env->state_dir, safe,
	    (unsigned)crc32c(0, d->dest->name, strlen(d->dest->name)));
}

/* What a process before this one left comes in as ours. */
static void
count_found(struct destination *d, const struct spool_counts *found)
{
	struct ledger_book *book =
	    &d->env->ledger->book[RECORD_METRIC][SOURCE_INTERNAL];

	counter_add(&book->received, found->n[SOURCE_INTERNAL]);
	counter_add(&book->entered, found->n[SOURCE_INTERNAL]);
	counter_add(&d->stats.received, found->lines);
	counter_add(&d->stats.queued, found->lines);
	if (found->lines > 0)
		log_info("%s: %llu lines wait in its spool", d->dest->name,
		    (unsigned long long)found->lines);
}

/* Without a spool, what is not sent at the end is put where one would be, and
 * the next process begins with it.  Samples are not: they have no time. */
static bool
keeps_unsent(const struct destination *d)
{
	return d->env->keep && d->lane == NULL && d->conf != NULL &&
	    d->conf->method != CONF_FILE &&
	    d->server->protocol != CONF_STATSD;
}

static void
take_unsent(struct destination *d)
{
	struct spool_counts found, lost = { 0 };
	struct lines_batch *b;
	struct spool *s;
	char path[4096];

	spool_path(d, path, sizeof path);
	if (!keeps_unsent(d) || access(path, F_OK) != 0)
		return;
	s = spool_open(path, UINT64_MAX / 2, &found);
	if (s == NULL) {
		log_error("%s: %s: %s; what was left unsent stays there",
		    d->dest->name, path, strerror(errno));
		return;
	}
	count_found(d, &found);
	while ((b = spool_take(s, d->number, &lost)) != NULL) {
		b->stored = false;
		push(d, b);
		spool_done(s);
	}
	lose_spooled(d, &lost, REASON_IO_ERROR);
	spool_close(s);
	rmdir(path);
}

static void
keep_unsent(struct destination *d)
{
	struct spool_counts found, lost = { 0 };
	struct spool *s;
	char path[4096];

	spool_path(d, path, sizeof path);
	if (!keeps_unsent(d) || d->waiting.first == NULL ||
	    (s = spool_open(path, UINT64_MAX / 2, &found)) == NULL)
		return;
	log_info("%s: what is not sent is kept in %s", d->dest->name, path);
	while (d->waiting.first != NULL &&
	    spool_put(s, d->waiting.first, &lost)) {
		struct lines_batch *b = take_first(&d->waiting);

		d->held -= b->len;
		free(b);
	}
	spool_close(s);
}

static void
use_spool(struct destination *d)
{
	struct spool_counts found;
	struct spool *spool;
	char path[4096];

	if (d->conf->spool == 0) {	/* one that is there stays */
		take_unsent(d);
		return;
	}
	if (d->lane != NULL) {
		spool_lane_limit(d->lane, d->conf->spool);
		return;
	}
	spool_path(d, path, sizeof path);
	spool = spool_open(path, d->conf->spool, &found);
	if (spool != NULL)
		d->lane = spool_lane_new(d->env->spooler, spool, d->number,
		    &spool_events, d);
	if (d->lane != NULL) {
		count_found(d, &found);
		return;
	}
	log_error("%s: spool %s: %s; what does not fit into memory will be "
	    "lost", d->dest->name, path, strerror(errno));
	spool_close(spool);
}

static bool
has_work(const struct destination *d)
{
	return d->waiting.first != NULL ||
	    (d->lane != NULL && !spool_lane_empty(d->lane));
}

struct destination *
destination_new(const struct destination_env *env, struct plan_dest *dest,
    unsigned number, const struct conf_cluster *cluster,
    const struct conf_server *server)
{
	struct destination *d = calloc(1, sizeof *d);

	if (d == NULL)
		return NULL;
	d->env = env;
	d->dest = dest;
	d->number = number;
	buf_init(&d->packed, PACKED_MAX);
	ev_timer_init(&d->replay, replayed, REPLAY_S, REPLAY_S);
	d->replay.data = d;
	connect_init(d);
	destination_conf(d, cluster, server);
	return d;
}

void
destination_conf(struct destination *d, const struct conf_cluster *cluster,
    const struct conf_server *server)
{
	connect_conf(d, cluster, server);
	if (cluster == NULL) {
		d->flushed = true;	/* let go when all is out */
		if (d->up)
			destination_pump(d);
		return;
	}
	d->dest->state.max = cluster->queue;
	use_spool(d);
	show_state(d);
	if (has_work(d))
		connect_start(d);
}

/* The spooler has ended: it is on disk, or in memory, when this returns. */
static void
put_late_at_end(struct destination *d)
{
	if (d->lane != NULL)
		put_late(d);
}

void
destination_free(struct destination *d)
{
	if (d == NULL)
		return;
	if (d->up)
		destination_settle(d);
	connect_fini(d);
	forget_written(d, 0, 0);
	ev_timer_stop(d->env->loop, &d->replay);
	take_back(d);
	destination_keep(d);
	put_late_at_end(d);
	keep_unsent(d);
	while (d->waiting.first != NULL)
		lose_first(d, REASON_SHUTDOWN);
	spool_lane_free(d->lane);
	buf_fini(&d->packed);
	free(d);
}

void
destination_take(struct destination *d, struct lines_batch *b)
{
	counter_add(&d->stats.received, b->lines);
	counter_add(&d->stats.queued, b->lines);
	d->flushed = false;
	if (!wants_disk(d) || !to_disk(d, b))
		push(d, b);
	if (d->up)
		destination_pump(d);
	else
		connect_start(d);
	shed(d);
	show_state(d);
}

void
destination_flushed(struct destination *d)
{
	d->flushed = true;
	if (d->up)
		destination_pump(d);
}

void
destination_end(struct destination *d)
{
	d->ending = true;
}

bool
destination_idle(const struct destination *d)
{
	/* nobody waits for who is away, unless another can have it */
	if (d->away && !d->up && d->flight.first == NULL)
		return true;
	if (d->lane != NULL && (blocked(d) || !spool_lane_empty(d->lane)) &&
	    d->flight.first == NULL)
		return true;	/* the rest is kept */
	return d->held == 0 || (d->waiting.first == NULL && d->up &&
	    wire_pending(d->wire) == 0);
}

/* ---- sending elsewhere ---- */

bool
destination_leaving(const struct destination *d)
{
	return d->conf == NULL;
}

bool
destination_stuck(const struct destination *d)
{
	if (d->conf == NULL)
		return has_work(d);
	return has_deputies(d) && d->away && has_work(d);
}

struct lines_batch *
destination_give_back(struct destination *d)
{
	struct lines_batch *b;

	d->tokens = 1;
	if (d->waiting.first == NULL && !fetch(d, MOVED_AHEAD))
		return NULL;	/* what is brought goes next time */
	if (d->waiting.first->stored && d->flight.first != NULL)
		return NULL;	/* those before it first */
	d->is_packed = false;
	b = take_first(&d->waiting);
	if (b->stored)
		spool_lane_done(d->lane);
	b->stored = false;
	d->held -= b->len;
	counter_add(&d->stats.queued, -(uint64_t)b->lines);
	counter_add(&d->stats.moved, b->lines);
	show_state(d);
	return b;
}

/* ---- each second ---- */

/* A server that is connected and has taken nothing for a while is as good as
 * away: nobody waits for it any more. */
static void
look_for_progress(struct destination *d)
{
	uint64_t written = d->offered - wire_pending(d->wire);
	bool stuck = d->held > 0 && written == d->seen;

	d->still = stuck ? d->still + 1 : 0;
	d->seen = written;
	if (d->still == STILL_S) {
		LOG_LIMITED(LOG_AT_WARN, 10, "%s: takes nothing, %zu bytes "
		    "wait", d->dest->name, d->held);
		d->stalled = true;
	} else if (!stuck) {
		d->stalled = false;
	}
}

void
destination_tick(struct destination *d)
{
	if (d->lane != NULL)
		spool_lane_tick(d->lane);
	forget_written(d, KEPT_BYTES, ev_now(d->env->loop) - KEPT_S);
	connect_tick(d);
	if (!d->up)
		return;
	look_for_progress(d);
	destination_pump(d);
	shed(d);
	show_state(d);
}
