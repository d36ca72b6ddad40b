/* pickle.c - carbon's pickled batches of points. */
#include "config.h"

#include "front/bad.h"
#include "front/fronts.h"
#include "front/worker.h"
#include "proto/pickle.h"

#define MAX_ITEMS (256 * 1024)

struct pickle_conn {
	struct conn conn;
	struct pickle *reader;
};

static void
refuse(struct door *d, enum reason why, struct slice what, const char *peer)
{
	pipeline_refused(&d->worker->pipeline, RECORD_METRIC, SOURCE_PICKLE,
	    why, 1);
	bad_input(SOURCE_PICKLE, why, what, peer);
}

static void
feed(struct pickle_conn *pc, struct slice payload)
{
	struct door *d = pc->conn.door;
	struct graphite_options o = {
		.now_ns = d->worker->now_ns,
		.max_name = d->conf->graphite.max_name
	};
	struct record r = { .received_ns = o.now_ns };
	const char *peer = stream_peer(pc->conn.stream);
	enum pickle_next next;
	enum reason why = pickle_read(pc->reader, payload);

	if (why != REASON_NONE) {
		refuse(d, why, SLICE("(a pickle)"), peer);
		return;
	}
	while ((next = pickle_next(pc->reader, &o, &r, &why)) != PICKLE_END) {
		if (next == PICKLE_POINT) {
			r.source = SOURCE_PICKLE;
			pipeline_point(&d->worker->pipeline, &r);
		} else {
			refuse(d, why, SLICE("(an item of a pickle)"), peer);
		}
	}
}

static bool
pickle_open(struct conn *c)
{
	struct pickle_conn *pc = (struct pickle_conn *)c;

	pc->reader = pickle_new(MAX_ITEMS);
	return pc->reader != NULL;
}

static ssize_t
pickle_data(struct conn *c, struct slice data, bool eof)
{
	struct pickle_conn *pc = (struct pickle_conn *)c;
	struct slice rest = data, payload;

	for (;;) {
		switch (pickle_frame(&rest, PICKLE_MAX_LENGTH, &payload)) {
		case PICKLE_FRAME:
			feed(pc, payload);
			break;
		case PICKLE_LATER:
			if (eof && rest.len > 0)
				refuse(c->door, REASON_TRUNCATED,
				    SLICE("(a pickle)"),
				    stream_peer(c->stream));
			return (ssize_t)(data.len - rest.len);
		case PICKLE_TOO_LONG:
			refuse(c->door, REASON_TOO_LONG, SLICE("(a pickle)"),
			    stream_peer(c->stream));
			return STREAM_CLOSE;
		}
	}
}

static void
pickle_closed(struct conn *c)
{
	pickle_free(((struct pickle_conn *)c)->reader);
}

static size_t
pickle_read_max(const struct door *d)
{
	return PICKLE_MAX_LENGTH + 65536;
}

const struct front front_pickle = {
	.name = "pickle",
	.source = SOURCE_PICKLE,
	.kind = RECORD_METRIC,
	.open = pickle_open,
	.data = pickle_data,
	.closed = pickle_closed,
	.conn_size = sizeof(struct pickle_conn),
	.read_max = pickle_read_max
};
