/* shipper.c - life of a shipper, its streams and lanes, and what it tells. */
#include "config.h"

#include <errno.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/log.h"
#include "compat.h"
#include "conf/conf.h"
#include "core/plan.h"
#include "net/tls.h"
#include "sink/shipper_private.h"

#define MAX_STREAMS 65536
#define REQUEST_MAX ((size_t)192 << 20)
#define KEY_MAX 4096

/* ---- telling ---- */

void
ship_stream_dirty(struct shipper *s, struct ship_stream *st)
{
	if (st->dirty)
		return;
	st->dirty = true;
	lru_add(&s->dirty, &st->dirty_link);
}

static uint64_t
lane_done(const struct shipper *s, const struct lane *l)
{
	return s->replicas > 0 ? l->sure : l->pos;
}

/* Up to where all of the stream is shipped.  False: not known yet. */
static bool
shipped_to(const struct shipper *s, const struct ship_stream *st,
    uint64_t *seq)
{
	uint64_t low = UINT64_MAX;

	for (unsigned i = 0; i < st->nlanes; i++) {
		const struct lane *l = &st->lanes[i];
		uint64_t done = lane_done(s, l);

		if (!l->known)
			return false;
		/* of a partition that has all of its own, others decide */
		if ((st->nlanes > 1 || st->sparse) && l->state == LANE_READY && !l->behind &&
		    l->inflight == 0 && l->reader == NULL && done >= l->pos)
			continue;
		if (done < low)
			low = done;
	}
	*seq = low == UINT64_MAX ? st->seen : low;
	return true;
}

static void
tell(struct shipper *s)
{
	struct lru_node *n;

	while ((n = lru_oldest(&s->dirty)) != NULL) {
		struct ship_stream *st = LRU_OF(n, struct ship_stream,
		    dirty_link);
		uint64_t seq;

		lru_remove(&s->dirty, n);
		st->dirty = false;
		if (!shipped_to(s, st, &seq) ||
		    (st->told_once && st->told == seq))
			continue;
		st->told_once = true;
		st->told = seq;
		if (s->ops != NULL && s->ops->shipped != NULL)
			s->ops->shipped(s->ctx, s->index, st->name, seq);
	}
}

/* ---- streams ---- */

static bool
room_for_lanes(struct shipper *s, unsigned n)
{
	size_t cap = s->cap_lanes;
	struct lane **more;

	if (s->nlanes + n <= cap)
		return true;
	while (cap < s->nlanes + n)
		cap = cap == 0 ? 64 : cap * 2;
	more = reallocarray(s->lanes, cap, sizeof *more);
	if (more == NULL)
		return false;
	s->lanes = more;
	s->cap_lanes = cap;
	return true;
}

static void
stream_free(void *value)
{
	struct ship_stream *st = value;

	for (unsigned i = 0; i < st->nlanes; i++)
		free((char *)(uintptr_t)st->lanes[i].key.ptr);
	free(st->lanes);
	free(st);
}

static bool
make_key(struct shipper *s, const struct ship_stream *st, struct lane *l)
{
	struct buf key = BUF_INIT(KEY_MAX);

	if (!ship_key(s->to_millrace ? "{stream}" : s->key, st->name, s->node,
	    l->partition, &key)) {
		buf_fini(&key);
		return false;
	}
	l->key = buf_slice(&key);
	l->slot = (uint16_t)ship_slot(l->key);
	return true;
}

static struct ship_stream *
stream_new(struct shipper *s, struct slice name)
{
	struct ship_stream *st = calloc(1, sizeof *st);

	if (st == NULL)
		return NULL;
	st->name = name;
	st->lanes = calloc(s->partitions, sizeof *st->lanes);
	while (st->lanes != NULL && st->nlanes < s->partitions) {
		struct lane *l = &st->lanes[st->nlanes];

		l->partition = (uint16_t)st->nlanes;
		l->stream = st;
		if (!make_key(s, st, l))
			break;
		st->nlanes++;
	}
	if (st->nlanes < s->partitions || !room_for_lanes(s, st->nlanes) ||
	    !map_put(s->streams, name, st, NULL)) {
		stream_free(st);
		return NULL;
	}
	for (unsigned i = 0; i < st->nlanes; i++) {
		struct lane *l = &st->lanes[i];

		l->node = s->cluster_map == NULL ? s->nodes[0] : NULL;
		s->lanes[s->nlanes++] = l;
		ship_lane_init(s, l);
	}
	return st;
}

struct ship_stream *
ship_stream_get(struct shipper *s, struct slice name)
{
	struct ship_stream *st = map_get(s->streams, name);

	return st != NULL ? st : stream_new(s, name);
}

/* What picks the partition: the field that was configured, else the producer. */
static struct slice
partition_value(struct shipper *s, const struct journal_entry *e)
{
	struct slice want = slice_str(s->partition_field);
	size_t n;

	if (s->partition_field == NULL)
		return e->pid;
	n = journal_fields(e->fields, s->pairs, SHIP_PAIRS);
	if (n != SIZE_MAX && n > SHIP_PAIRS)
		n = SHIP_PAIRS;
	for (size_t i = 0; i < n && n != SIZE_MAX; i++)
		if (slice_eq(s->pairs[i].key, want))
			return s->pairs[i].value;
	return e->pid;
}

struct lane *
ship_lane_of(struct shipper *s, struct ship_stream *st,
    const struct journal_entry *e)
{
	if (e->elsewhere) {
		st->sparse = true;
		return NULL;
	}
	if (st->nlanes == 1)
		return &st->lanes[0];
	return &st->lanes[ship_partition(partition_value(s, e), st->nlanes)];
}

/* Those that the journal has from before. */
static void
known_streams(struct shipper *s)
{
	struct journal_stream js;

	for (uint32_t i = 0; journal_stream_at(s->journal, i, &js); i++) {
		struct ship_stream *st;

		if (js.name.len == 0)
			continue;
		st = ship_stream_get(s, js.name);
		if (st != NULL)
			st->seen = js.last_seq;
	}
}

/* ---- the loop ---- */

void
ship_move(struct shipper *s)
{
	ship_pump(s);
	tell(s);
}

static void
on_timer(struct ev_loop *loop, ev_timer *w, int revents)
{
	struct shipper *s = w->data;
	int64_t now = ship_now_ms();

	if (s->sentinels != NULL)
		ship_sentinels_tick(s->sentinels, now);
	if (s->cluster_map != NULL)
		ship_cluster_tick(s, now);
	for (size_t i = 0; i < s->nnodes; i++)
		ship_conn_tick(&s->nodes[i]->conn, now);
	ship_lanes_wake(s, now);
	ship_move(s);
}

static void
on_soon(struct ev_loop *loop, ev_timer *w, int revents)
{
	ship_move(w->data);
}

void
shipper_kick(struct shipper *s)
{
	ship_move(s);
}

void
shipper_tick(struct shipper *s, int64_t now_ms)
{
	ship_lanes_check(s);
	ship_lanes_trim(s);
	for (size_t i = 0; i < s->nnodes; i++) {
		ship_node_look(s->nodes[i]);
		ship_node_ping(s->nodes[i]);
	}
	ship_move(s);
}

/* ---- life ---- */

static bool
has_tls(const struct conf_stream *c)
{
	return c->tls.ca != NULL || c->tls.cert != NULL ||
	    c->tls.fingerprints.n > 0;
}

/* Who we are to another millrace: a journal begun anew is somebody else, since
 * its sequences are. */
static void
make_pid(struct shipper *s)
{
	uint8_t id[16];
	int n = snprintf(s->pid, sizeof s->pid, "%.30s:", s->node);

	journal_node(s->journal, id);
	for (size_t i = 0; i < sizeof id; i++)
		n += snprintf(s->pid + n, sizeof s->pid - (size_t)n, "%02x",
		    id[i]);
}

static const char *
copy_conf(struct shipper *s, const struct conf_stream *c, const char *node)
{
	const char *wrong;

	if (c->redis == NULL && c->sentinels.n == 0)
		return "neither a server nor sentinels";
	wrong = c->redis == NULL ? NULL :
	    ship_url_parse(slice_str(c->redis), &s->url);
	if (wrong != NULL)
		return wrong;
	if (c->redis == NULL && has_tls(c))
		s->url.scheme = SHIP_REDISS;
	if (c->username != NULL)
		strlcpy(s->url.user, c->username, sizeof s->url.user);
	if (c->password != NULL)
		strlcpy(s->url.password, c->password, sizeof s->url.password);
	s->id = plan_section(c->name);
	s->section = strdup(c->name);
	s->node = strdup(node);
	s->key = strdup(c->key);
	if (c->partition_field != NULL)
		s->partition_field = strdup(c->partition_field);
	s->partitions = c->partitions < 1 ? 1 : (unsigned)c->partitions;
	s->replicas = c->ack == CONF_ACK_REPLICA ? (unsigned)c->replicas : 0;
	s->ack_redis = c->ack == CONF_ACK_REDIS;
	s->unhurried = c->ack == CONF_ACK_JOURNAL;
	s->to_millrace = s->url.scheme == SHIP_MILLRACE;
	if (s->to_millrace)
		s->partitions = 1;	/* the other end splits */
	s->max_length = c->max_length;
	s->max_age_ms = c->max_age_ms;
	if (s->section == NULL || s->node == NULL || s->key == NULL)
		return strerror(ENOMEM);
	make_pid(s);
	return NULL;
}

static bool
make_tls(struct shipper *s, const struct conf_stream *c, char *error,
    size_t size)
{
	struct tls_options o = {
		.cert = c->tls.cert, .key = c->tls.key, .ca = c->tls.ca,
		.min_version = c->tls.min_version,
		.max_version = c->tls.max_version, .ciphers = c->tls.ciphers,
		.ciphersuites = c->tls.ciphersuites,
		.fingerprints = c->tls.fingerprints.v,
		.nfingerprints = c->tls.fingerprints.n
	};

	if (s->url.scheme != SHIP_REDISS &&
	    (s->url.scheme != SHIP_MILLRACE || !has_tls(c)))
		return true;
	s->tls = tls_new(&o, error, size);
	return s->tls != NULL;
}

static bool
make_parts(struct shipper *s)
{
	buf_init(&s->request, REQUEST_MAX);
	s->streams = map_new(MAX_STREAMS);
	s->pairs = calloc(SHIP_PAIRS, sizeof *s->pairs);
	s->nodes = calloc(1, sizeof *s->nodes);
	if (s->streams == NULL || s->pairs == NULL || s->nodes == NULL)
		return false;
	s->nodes[0] = ship_node_new(s, &s->url);
	if (s->nodes[0] == NULL)
		return false;
	s->nnodes = 1;
	return ship_readers_init(s) == 0;
}

static void
start(struct shipper *s)
{
	known_streams(s);
	ev_timer_init(&s->timer, on_timer, 0, 0.1);
	ev_timer_init(&s->soon, on_soon, 0, 0);
	s->timer.data = s->soon.data = s;
	ev_timer_start(s->loop, &s->timer);
}

struct shipper *
shipper_new(struct ev_loop *loop, struct journal *journal,
    const struct conf_stream *conf, const char *node, unsigned index,
    const struct shipper_ops *ops, void *ctx, char *error, size_t size)
{
	struct shipper *s = calloc(1, sizeof *s);
	const char *wrong;

	if (s == NULL) {
		snprintf(error, size, "%s", strerror(ENOMEM));
		return NULL;
	}
	s->loop = loop;
	s->journal = journal;
	s->ops = ops;
	s->ctx = ctx;
	s->index = index;
	lru_init(&s->asking);
	lru_init(&s->waiting);
	lru_init(&s->dirty);
	wrong = copy_conf(s, conf, node);
	if (wrong == NULL && !make_tls(s, conf, error, size))
		goto fail;
	if (wrong == NULL && !make_parts(s))
		wrong = strerror(ENOMEM);
	if (wrong == NULL && conf->cluster && !s->to_millrace &&
	    !ship_cluster_new(s))
		wrong = strerror(ENOMEM);
	if (wrong == NULL && conf->sentinels.n > 0)
		wrong = ship_sentinels_new(s, conf);
	if (wrong != NULL) {
		snprintf(error, size, "stream %s: redis: %s", conf->name,
		    wrong);
		goto fail;
	}
	start(s);
	return s;

fail:
	shipper_free(s);
	return NULL;
}

void
shipper_free(struct shipper *s)
{
	if (s == NULL)
		return;
	s->inside = true;	/* nothing is sent any more */
	ev_timer_stop(s->loop, &s->timer);
	ev_timer_stop(s->loop, &s->soon);
	ship_sentinels_free(s->sentinels);
	for (size_t i = 0; i < s->nnodes; i++)
		ship_node_free(s->nodes[i]);
	free(s->nodes);
	ship_cluster_free(s->cluster_map);
	ship_readers_fini(s);
	buf_fini(&s->request);
	if (s->streams != NULL)
		map_free(s->streams, stream_free);
	free(s->lanes);
	free(s->pairs);
	free(s->section);
	free(s->node);
	free(s->key);
	free(s->partition_field);
	tls_unref(s->tls);
	free(s);
}

/* ---- asking ---- */

static uint64_t
lane_lag(const struct shipper *s, const struct lane *l)
{
	struct journal_stream js;

	if (l->partition > 0 ||
	    !journal_stream(s->journal, l->stream->name, &js) ||
	    js.last_seq <= l->stream->told)
		return 0;
	return js.last_seq - l->stream->told;
}

bool
shipper_idle(const struct shipper *s)
{
	if (s->live.cursor.lsn <= journal_durable(s->journal) ||
	    s->live.nlanes > 0)
		return false;
	for (size_t i = 0; i < s->nlanes; i++) {
		const struct lane *l = s->lanes[i];
		bool hopeless = l->stopped || (l->trouble != SHIP_ERRORS &&
		    ship_error_action(l->trouble) == SHIP_PARK);

		if (!hopeless && (!l->known || l->state != LANE_READY ||
		    l->behind || l->inflight > 0 || lane_done(s, l) < l->pos))
			return false;
	}
	return true;
}

static bool
parked(const struct lane *l)
{
	return !l->stopped && l->trouble != SHIP_ERRORS &&
	    ship_error_action(l->trouble) == SHIP_PARK;
}

void
shipper_stats(const struct shipper *s, struct shipper_stats *out)
{
	*out = s->stats;
	strlcpy(out->server, s->nodes[0]->conn.name, sizeof out->server);
	out->connected = true;
	for (size_t i = 0; i < s->nnodes; i++) {
		const struct ship_conn *c = &s->nodes[i]->conn;

		out->connects += c->connects;
		out->failures += c->failures;
		if (c->state != SHIP_CONN_UP && out->connected &&
		    (c->wanted || s->nnodes == 1)) {
			out->connected = false;
			strlcpy(out->state, c->error[0] != '\0' ? c->error :
			    "connecting", sizeof out->state);
		}
	}
	if (out->connected)
		strlcpy(out->state, "connected", sizeof out->state);
	for (size_t i = 0; i < s->nnodes; i++)
		if (s->nodes[i]->full)
			strlcpy(out->state, "waiting for room below its "
			    "maxmemory", sizeof out->state);
	out->streams = (uint32_t)s->nlanes;
	for (size_t i = 0; i < s->nlanes; i++) {
		const struct lane *l = s->lanes[i];

		out->behind += l->behind;
		out->stopped += l->stopped;
		out->parked += parked(l);
		out->lag += lane_lag(s, l);
	}
}

const char *
shipper_errors(const struct shipper *s, unsigned i, uint64_t *count)
{
	if (i >= SHIP_ERRORS)
		return NULL;
	*count = s->errors[i];
	return ship_error_name((enum ship_error)i);
}

static const char *
state_name(const struct lane *l)
{
	if (l->stopped)
		return "stopped";
	if (parked(l))
		return "parked";
	if (l->trouble != SHIP_ERRORS)
		return "retrying";
	if (l->state == LANE_READY)
		return l->behind ? "behind" : "ready";
	return "asking";
}

bool
shipper_stream_at(const struct shipper *s, uint32_t i,
    struct shipper_stream_stats *out)
{
	struct journal_stream js = { .last_seq = 0 };
	const struct lane *l;

	if (i >= s->nlanes)
		return false;
	l = s->lanes[i];
	journal_stream(s->journal, l->stream->name, &js);
	*out = (struct shipper_stream_stats){
		.stream = l->stream->name, .key = l->key,
		.partition = l->partition, .seq = lane_done(s, l),
		.last_seq = js.last_seq, .state = state_name(l),
		.trouble = l->trouble == SHIP_ERRORS ? NULL :
		    ship_error_name((enum ship_error)l->trouble)
	};
	return true;
}
