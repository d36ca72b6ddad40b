/* graphite.c - Graphite's plaintext, by datagram or by the lines of a stream,
 * which may be packed. */
#include "config.h"

#include <stdlib.h>

#include "front/bad.h"
#include "front/fronts.h"
#include "front/worker.h"
#include "proto/graphite.h"
#include "proto/lines.h"
#include "proto/packed.h"

struct graphite_conn {
	struct conn conn;
	struct lines lines;
};

static struct graphite_options
options(const struct door *d)
{
	return (struct graphite_options){
		.now_ns = d->worker->now_ns,
		.max_name = d->conf->graphite.max_name,
		.time_optional = d->conf->graphite.missing_time_is_now
	};
}

static void
refuse(struct door *d, enum reason why, struct slice line, const char *peer)
{
	pipeline_refused(&d->worker->pipeline, RECORD_METRIC, SOURCE_GRAPHITE,
	    why, 1);
	bad_input(SOURCE_GRAPHITE, why, line, peer);
}

/* Names are looked up many at once, so lines are read ahead a little. */
static void
feed(struct door *d, struct slice lines, const char *peer)
{
	struct graphite_options o = options(d);
	struct record run[PIPELINE_RUN];
	size_t n = 0, made = 0;

	while (lines.len > 0) {
		struct slice line = slice_cut(&lines, '\n');
		enum reason why;

		if (line.len == 0)
			continue;
		if (n == made)
			run[made++] = (struct record){ .received_ns = o.now_ns };
		why = graphite_parse(line, &o, &run[n]);
		if (why == REASON_NONE)
			n++;
		else if (why != REASON_EMPTY)
			refuse(d, why, line, peer);
		if (n == PIPELINE_RUN) {
			pipeline_points(&d->worker->pipeline, run, n);
			n = 0;
		}
	}
	pipeline_points(&d->worker->pipeline, run, n);
}

static void
graphite_packet(struct door *d, struct slice packet, const struct addr *peer,
    bool truncated)
{
	feed(d, packet, NULL);
}

static bool
graphite_open(struct conn *c)
{
	struct graphite_conn *gc = (struct graphite_conn *)c;

	lines_init(&gc->lines, c->door->limits->max_line);
	return true;
}

/* Read the whole lines of data; returns how many bytes were used up. */
static size_t
take_lines(struct graphite_conn *gc, struct slice data)
{
	struct conn *c = &gc->conn;
	uint64_t too_long = gc->lines.too_long;
	struct slice whole;
	size_t used = 0, n;

	while ((n = lines_take(&gc->lines, slice_from(data, used), false,
	    &whole)) > 0) {
		used += n;
		if (whole.len > 0)
			feed(c->door, whole, stream_peer(c->stream));
	}
	for (; too_long < gc->lines.too_long; too_long++)
		refuse(c->door, REASON_TOO_LONG, SLICE("(an endless line)"),
		    stream_peer(c->stream));
	return used;
}

/* A line that the end of the connection cut is dropped, as all relays do: its
 * last field may be half a number. */
static void
refuse_rest(struct graphite_conn *gc, struct slice rest)
{
	if (rest.len > 0)
		refuse(gc->conn.door, REASON_TRUNCATED, rest,
		    stream_peer(gc->conn.stream));
}

static ssize_t
graphite_data(struct conn *c, struct slice data, bool eof)
{
	struct graphite_conn *gc = (struct graphite_conn *)c;
	size_t used = take_lines(gc, data);

	if (eof)
		refuse_rest(gc, slice_from(data, used));
	return (ssize_t)used;
}

static size_t
graphite_read_max(const struct door *d)
{
	return d->limits->max_line + 65536;
}

/* ---- packed ---- */

#define UNPACKED 65536		/* bytes made at a time */

struct packed_conn {
	struct graphite_conn lines;
	struct unpacker *unpacker;
	struct buf text;	/* unpacked, and no whole line yet */
};

static bool
packed_open(struct packed_conn *pc, enum packing how)
{
	struct conn *c = &pc->lines.conn;

	graphite_open(c);
	buf_init(&pc->text, c->door->limits->max_line + UNPACKED);
	pc->unpacker = unpacker_new(how);
	return pc->unpacker != NULL;
}

static bool
gzip_open(struct conn *c)
{
	return packed_open((struct packed_conn *)c, PACKED_GZIP);
}

static bool
lz4_open(struct conn *c)
{
	return packed_open((struct packed_conn *)c, PACKED_LZ4);
}

static bool
snappy_open(struct conn *c)
{
	return packed_open((struct packed_conn *)c, PACKED_SNAPPY);
}

static ssize_t
packed_data(struct conn *c, struct slice data, bool eof)
{
	struct packed_conn *pc = (struct packed_conn *)c;
	struct slice in = data;
	enum reason why;
	size_t n;

	do {
		if (!buf_reserve(&pc->text, UNPACKED))
			return STREAM_CLOSE;
		why = unpacker_read(pc->unpacker, &in,
		    pc->text.data + pc->text.len, UNPACKED, &n);
		pc->text.len += n;
		buf_consume(&pc->text, take_lines(&pc->lines,
		    buf_slice(&pc->text)));
		if (why != REASON_NONE) {
			refuse(c->door, why, SLICE("(a packed stream)"),
			    stream_peer(c->stream));
			return STREAM_CLOSE;
		}
	} while (in.len > 0 || n == UNPACKED);
	if (eof)
		refuse_rest(&pc->lines, buf_slice(&pc->text));
	return (ssize_t)data.len;
}

static void
packed_closed(struct conn *c)
{
	struct packed_conn *pc = (struct packed_conn *)c;

	unpacker_free(pc->unpacker);
	buf_fini(&pc->text);
}

static size_t
packed_read_max(const struct door *d)
{
	return 65536;
}

#define PACKED_FRONT(codec, opener) { \
	.name = codec, \
	.source = SOURCE_GRAPHITE, \
	.kind = RECORD_METRIC, \
	.open = opener, \
	.data = packed_data, \
	.closed = packed_closed, \
	.conn_size = sizeof(struct packed_conn), \
	.read_max = packed_read_max \
}
const struct front front_graphite_gzip = PACKED_FRONT("gzip", gzip_open);
const struct front front_graphite_lz4 = PACKED_FRONT("lz4", lz4_open);
const struct front front_graphite_snappy = PACKED_FRONT("snappy", snappy_open);

const struct front front_graphite = {
	.name = "graphite",
	.source = SOURCE_GRAPHITE,
	.kind = RECORD_METRIC,
	.packet = graphite_packet,
	.open = graphite_open,
	.data = graphite_data,
	.conn_size = sizeof(struct graphite_conn),
	.read_max = graphite_read_max
};
