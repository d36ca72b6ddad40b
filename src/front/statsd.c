/* statsd.c - StatsD packets, by datagram or by the lines of a stream; signed
 * packets; and statsite's binary messages, which begin with a byte that no line
 * begins with. */
#include "config.h"

#include "base/log.h"
#include "front/bad.h"
#include "front/fronts.h"
#include "front/key_log.h"
#include "front/names.h"
#include "front/worker.h"
#include "proto/lines.h"
#include "proto/statsd.h"
#include "proto/statsd_secure.h"
#include "proto/statsite.h"

struct statsd_conn {
	struct conn conn;
	struct lines lines;
	bool begun, binary;	/* what it speaks: its first byte says */
};

static struct statsd_options
options(const struct door *d)
{
	struct statsd_options o = statsd_defaults;

	o.strict = d->conf->statsd.strict;
	o.unknown_types_are_counters = o.strict ||
	    d->conf->statsd.unknown_types_are_counters;
	return o;
}

static void
bad_line(struct door *d, enum reason why, struct slice sample)
{
	struct half *h = &d->worker->pipeline.table.half[
	    d->worker->pipeline.table.current];

	h->bad++;
	pipeline_refused(&d->worker->pipeline, RECORD_METRIC, SOURCE_STATSD,
	    why, 1);
	bad_input(SOURCE_STATSD, why, sample, NULL);
	if (d->conf->statsd.debug)
		log_info("Bad line: %.*s", SLICE_ARG(slice_upto(sample, 512)));
}

/* Count each line once for the log of busy keys, also one that is bad. */
struct key_counter {
	uint64_t lines;		/* seen so far */
	struct buf key;
};

static void
count_key(struct key_counter *k, const struct door *d,
    const struct statsd_parser *parser, enum statsd_result what,
    const struct record *r)
{
	if (parser->lines == k->lines ||
	    (what != STATSD_METRIC && what != STATSD_BAD))
		return;
	k->lines = parser->lines;
	buf_clear(&k->key);
	if (what == STATSD_METRIC ?
	    names_clean(d->worker->names, r, &k->key) :
	    statsd_sanitize(&k->key, parser->name))
		key_log_add(buf_slice(&k->key));
}

/* A pass of its own, for who wants that log. */
static void
count_keys(const struct door *d, struct slice packet,
    const struct statsd_options *o)
{
	struct key_counter k = { 0, BUF_INIT(1 << 20) };
	struct statsd_parser parser;
	enum statsd_result what;
	enum reason why;
	struct record r;

	statsd_begin(&parser, packet, o);
	key_log_begin();
	while ((what = statsd_next(&parser, &r, &why)) != STATSD_END)
		count_key(&k, d, &parser, what, &r);
	key_log_end();
	buf_fini(&k.key);
}

static void
stamp(const struct worker *w, struct record *r)
{
	r->received_ns = w->now_ns;
	r->peer = slice_of(NULL, 0);
}

/* A metric that is not plain: into the run, or to the place for those that have
 * a time of their own. */
static void
take_metric(struct pipeline *p, struct table_run *run, const struct record *r)
{
	if (r->time_ns == 0) {
		run->m[run->n++] = r->metric;
		return;
	}
	pipeline_settle(p);
	if (pipeline_is_timed(r))
		pipeline_timed(p, r);
	else
		pipeline_sample(p, r);
}

/* Whatever comes next. */
static enum statsd_result
read_next(struct door *d, struct statsd_parser *parser, struct table_run *run)
{
	struct pipeline *p = &d->worker->pipeline;
	enum statsd_result what;
	enum reason why;
	struct record r;

	stamp(d->worker, &r);
	what = statsd_next(parser, &r, &why);
	if (what == STATSD_METRIC)
		take_metric(p, run, &r);
	else if (what == STATSD_BAD)
		bad_line(d, why, parser->bad);
	else if (what != STATSD_END)
		pipeline_event(p, &r, NULL, 0, false);
	return what;
}

/* All metrics of a packet, events and checks too.  The packet is borrowed until
 * the pipeline is settled. */
static void
feed(struct door *d, struct slice packet)
{
	struct pipeline *p = &d->worker->pipeline;
	struct half *h = &p->table.half[p->table.current];
	struct statsd_options o = options(d);
	struct statsd_parser parser;
	enum statsd_result what = STATSD_METRIC;

	d->worker->packet = packet;
	statsd_begin(&parser, packet, &o);
	do {
		struct table_run *run = pipeline_run(p, SOURCE_STATSD,
		    d->worker->now_ns);

		run->n += statsd_run(&parser, run->m + run->n,
		    TABLE_RUN - run->n);
		if (run->n < TABLE_RUN)
			what = read_next(d, &parser, run);
		if (run->n == TABLE_RUN)
			pipeline_move(p);
	} while (what != STATSD_END);
	if (pipeline_looks_at_each(p))
		pipeline_settle(p);
	d->worker->packet = slice_of(NULL, 0);
	if (key_log_on())
		count_keys(d, packet, &o);
	atomic_store_explicit(&d->worker->last_statsd_ns, d->worker->now_ns,
	    memory_order_relaxed);
	h->packets++;
	h->lines += parser.lines;
}

/* statsite's messages at the front of bytes; returns how much they were.
 * *lost: what follows cannot be read. */
static size_t
feed_binary(struct door *d, struct slice bytes, bool *lost)
{
	struct pipeline *p = &d->worker->pipeline;
	struct half *h = &p->table.half[p->table.current];
	struct slice rest = bytes;
	struct record r = { .received_ns = d->worker->now_ns };
	enum statsite_result what;
	enum reason why;

	*lost = false;
	pipeline_settle(p);
	while (rest.len > 0) {
		struct slice at = rest;

		what = statsite_next(&rest, statsd_defaults.max_name, &r,
		    &why);
		if (what == STATSITE_MORE)
			break;
		h->lines++;
		if (what == STATSITE_METRIC)
			pipeline_sample(p, &r);
		else
			bad_line(d, why, slice_upto(at, 32));
		if (what == STATSITE_LOST) {
			*lost = true;
			break;
		}
	}
	atomic_store_explicit(&d->worker->last_statsd_ns, d->worker->now_ns,
	    memory_order_relaxed);
	h->packets++;
	return bytes.len - rest.len;
}

static bool
speaks_binary(const struct door *d, struct slice bytes)
{
	return !d->conf->statsd.strict && statsite_is_binary(bytes);
}

static void
feed_either(struct door *d, struct slice packet)
{
	size_t used;
	bool lost;

	if (!speaks_binary(d, packet)) {
		feed(d, packet);
		return;
	}
	used = feed_binary(d, packet, &lost);
	if (!lost && used < packet.len)
		bad_line(d, REASON_TRUNCATED, slice_upto(slice_from(packet,
		    used), 32));
}

/* With a secret, what comes over a network in the open must be signed; a
 * stream cannot be.  Unix sockets have owners, and TLS its own certificates. */
static bool
must_be_signed(const struct door *d)
{
	return d->worker->secure != NULL && !d->unix_socket && d->tls == NULL;
}

static void
statsd_packet(struct door *d, struct slice packet, const struct addr *peer,
    bool truncated)
{
	if (d->conf->statsd.dump_messages)
		log_info("%.*s", SLICE_ARG(slice_upto(packet, 1024)));
	if (must_be_signed(d)) {
		enum reason why = statsd_secure_open(d->worker->secure,
		    packet, d->worker->now_ns, &packet);

		if (why != REASON_NONE) {
			bad_line(d, why, SLICE("(a signed packet)"));
			return;
		}
	}
	feed_either(d, packet);
}

static void
statsd_burst(struct door *d)
{
	pipeline_settle(&d->worker->pipeline);
}

static bool
statsd_open(struct conn *c)
{
	struct statsd_conn *sc = (struct statsd_conn *)c;

	lines_init(&sc->lines, c->door->limits->max_line);
	return true;
}

/* The lines at the front of data; returns how much they were. */
static size_t
take_lines(struct statsd_conn *sc, struct slice data, bool eof)
{
	uint64_t too_long = sc->lines.too_long;
	struct slice whole;
	size_t used = 0, n;

	while ((n = lines_take(&sc->lines, slice_from(data, used), eof,
	    &whole)) > 0) {
		used += n;
		if (whole.len > 0)
			feed(sc->conn.door, whole);
	}
	pipeline_settle(&sc->conn.worker->pipeline);
	for (; too_long < sc->lines.too_long; too_long++)
		bad_line(sc->conn.door, REASON_TOO_LONG,
		    SLICE("(an endless line)"));
	return used;
}

static ssize_t
statsd_data(struct conn *c, struct slice data, bool eof)
{
	struct statsd_conn *sc = (struct statsd_conn *)c;
	size_t used;
	bool lost;

	if (data.len == 0)
		return 0;
	if (must_be_signed(c->door)) {
		bad_line(c->door, REASON_BAD_SIGNATURE, SLICE("(a stream)"));
		return STREAM_CLOSE;
	}
	if (!sc->begun)
		sc->binary = speaks_binary(c->door, data);
	sc->begun = true;
	if (!sc->binary)
		return (ssize_t)take_lines(sc, data, eof);
	used = feed_binary(c->door, data, &lost);
	if (eof && !lost && used < data.len)
		bad_line(c->door, REASON_TRUNCATED,
		    SLICE("(the end of a stream)"));
	return lost ? STREAM_CLOSE : eof ? (ssize_t)data.len : (ssize_t)used;
}

static size_t
statsd_read_max(const struct door *d)
{
	size_t n = d->limits->max_line + 65536;

	return n > STATSITE_MAX ? n : STATSITE_MAX;
}

const struct front front_statsd = {
	.name = "statsd",
	.source = SOURCE_STATSD,
	.kind = RECORD_METRIC,
	.packet = statsd_packet,
	.burst = statsd_burst,
	.open = statsd_open,
	.data = statsd_data,
	.conn_size = sizeof(struct statsd_conn),
	.read_max = statsd_read_max
};
