/* protobuf.c - carbon's batches of points as protobuf messages. */
#include "config.h"

#include "front/bad.h"
#include "front/fronts.h"
#include "front/worker.h"
#include "proto/carbon_protobuf.h"
#include "proto/pickle.h"

static void
refuse(struct conn *c, enum reason why, struct slice what)
{
	pipeline_refused(&c->worker->pipeline, RECORD_METRIC, SOURCE_GRAPHITE,
	    why, 1);
	bad_input(SOURCE_GRAPHITE, why, what, stream_peer(c->stream));
}

static void
feed(struct conn *c, struct slice payload)
{
	struct graphite_options o = {
		.now_ns = c->worker->now_ns,
		.max_name = c->door->conf->graphite.max_name
	};
	struct record r = { .received_ns = o.now_ns };
	struct carbon_protobuf p;
	enum carbon_protobuf_next next;
	enum reason why = carbon_protobuf_read(&p, payload);

	if (why != REASON_NONE) {
		if (why != REASON_EMPTY)
			refuse(c, why, SLICE("(a protobuf message)"));
		return;
	}
	while ((next = carbon_protobuf_next(&p, &o, &r, &why)) !=
	    CARBON_PROTOBUF_END) {
		if (next == CARBON_PROTOBUF_BAD_ITEM) {
			refuse(c, why, SLICE("(a point of a protobuf "
			    "message)"));
			continue;
		}
		r.source = SOURCE_GRAPHITE;
		pipeline_point(&c->worker->pipeline, &r);
	}
}

static ssize_t
protobuf_data(struct conn *c, struct slice data, bool eof)
{
	struct slice rest = data, payload;

	for (;;) {
		switch (pickle_frame(&rest, PICKLE_MAX_LENGTH, &payload)) {
		case PICKLE_FRAME:
			feed(c, payload);
			break;
		case PICKLE_LATER:
			if (eof && rest.len > 0)
				refuse(c, REASON_TRUNCATED,
				    SLICE("(a protobuf message)"));
			return (ssize_t)(data.len - rest.len);
		case PICKLE_TOO_LONG:
			refuse(c, REASON_TOO_LONG,
			    SLICE("(a protobuf message)"));
			return STREAM_CLOSE;
		}
	}
}

static size_t
protobuf_read_max(const struct door *d)
{
	return PICKLE_MAX_LENGTH + 65536;
}

const struct front front_protobuf = {
	.name = "protobuf",
	.source = SOURCE_GRAPHITE,
	.kind = RECORD_METRIC,
	.data = protobuf_data,
	.conn_size = sizeof(struct conn),
	.read_max = protobuf_read_max
};
