/* encoder.c - lines to pickles, and either to packed streams. */
#include "config.h"

#include <errno.h>
#include <stdlib.h>

#include "proto/graphite.h"
#include "proto/packed.h"
#include "proto/pickle.h"
#include "sink/encoder.h"

#define PICKLES_MAX (16u << 20)

struct encoder {
	bool pickle;
	struct packer *packer;		/* or NULL */
	struct buf pickles;
};

static const enum packing packings[] = {
	[CONF_PLAIN] = PACKED_NOT, [CONF_GZIP] = PACKED_GZIP,
	[CONF_LZ4] = PACKED_LZ4, [CONF_SNAPPY] = PACKED_SNAPPY,
	[CONF_SNAPPY_BARE] = PACKED_SNAPPY_BARE
};

struct encoder *
encoder_new(const struct conf_server *server)
{
	struct encoder *e;

	errno = 0;
	if (server->protocol != CONF_PICKLE && server->codec == CONF_PLAIN)
		return NULL;
	e = calloc(1, sizeof *e);
	if (e == NULL)
		return NULL;
	e->pickle = server->protocol == CONF_PICKLE;
	buf_init(&e->pickles, PICKLES_MAX);
	if (server->codec == CONF_PLAIN)
		return e;
	e->packer = packer_new(packings[server->codec]);
	if (e->packer != NULL)
		return e;
	encoder_free(e);
	errno = ENOMEM;
	return NULL;
}

void
encoder_free(struct encoder *e)
{
	if (e == NULL)
		return;
	packer_free(e->packer);
	buf_fini(&e->pickles);
	free(e);
}

void
encoder_begin(struct encoder *e)
{
	if (e->packer != NULL)
		packer_reset(e->packer);
}

static bool
add_point(struct pickle_writer *w, struct buf *out, const struct record *r)
{
	struct slice name = graphite_raw_name(r);
	int64_t s = r->time_ns / 1000000000;

	if (pickle_add(w, name, s, r->metric.value, r->metric.text))
		return true;
	pickle_end(w);
	return pickle_begin(w, out, PICKLE_PROTOCOL_2) &&
	    pickle_add(w, name, s, r->metric.value, r->metric.text);
}

static bool
to_pickles(struct slice lines, struct buf *out)
{
	struct graphite_options o = { 0 };
	struct pickle_writer w;
	struct record r = { 0 };

	if (!pickle_begin(&w, out, PICKLE_PROTOCOL_2))
		return false;
	while (lines.len > 0) {
		struct slice line = slice_cut(&lines, '\n');

		if (graphite_parse(line, &o, &r) == REASON_NONE &&
		    !add_point(&w, out, &r))
			return false;
	}
	pickle_end(&w);
	return true;
}

bool
encoder_add(struct encoder *e, struct slice lines, struct buf *out)
{
	if (!e->pickle)
		return packer_add(e->packer, lines, out);
	if (e->packer == NULL)
		return to_pickles(lines, out);
	buf_clear(&e->pickles);
	return to_pickles(lines, &e->pickles) &&
	    packer_add(e->packer, buf_slice(&e->pickles), out);
}

bool
encoder_end(struct encoder *e, struct buf *out)
{
	return e->packer == NULL || packer_end(e->packer, out);
}
