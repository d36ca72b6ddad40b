/* Lines of Graphite's plaintext protocol: what is accepted can be written and
 * is read as the same point again; its name cleans to something safe. */
#include "config.h"

#include <assert.h>
#include <math.h>
#include <stdlib.h>

#include "proto/graphite.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void
names(const struct record *r)
{
	static struct graphite_name_options o;
	struct buf out = BUF_INIT(1 << 20);
	enum reason why;

	if (!o.allowed['a'])
		graphite_name_options_init(&o, NULL);
	for (unsigned i = 0; i < 12; i++) {
		o.clean = i & 1;
		o.openmetrics = i & 2;
		o.tags = i / 4;
		buf_clear(&out);
		if (!graphite_name(&out, r->metric.name, r->metric.tags, &o,
		    &why)) {
			assert(out.len == 0 && why != REASON_NONE);
			continue;
		}
		assert(out.len > 0 && out.data[0] != ';');
		for (size_t k = 0; k < out.len; k++)
			assert((uint8_t)out.data[k] > ' ');
	}
	buf_fini(&out);
}

static void
again(const struct record *r, const struct graphite_options *o)
{
	struct buf line = BUF_INIT(1 << 20);
	struct record r2;
	struct slice s;

	if (!graphite_line(&line, graphite_raw_name(r), r->metric.text,
	    r->time_ns))
		abort();
	s = slice_of(line.data, line.len - 1);
	assert(line.data[s.len] == '\n');
	if (r->time_ns >= 1000000000) {
		enum reason why = graphite_parse(s, o, &r2);

		assert(why == REASON_NONE);
		assert(slice_eq(r2.metric.name, r->metric.name));
		assert(slice_eq(r2.metric.tags, r->metric.tags));
		assert(r2.metric.value == r->metric.value);
		assert(r2.time_ns == r->time_ns / 1000000000 * 1000000000);
	}
	buf_fini(&line);
}

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct slice in = { (const char *)data, size };
	struct graphite_options o = { .now_ns = 1755870377500000000 };
	struct record r;

	if (size == 0)
		return 0;
	o.time_optional = data[0] & 1;
	o.refuse_inf = data[0] & 2;
	o.millis = data[0] & 4;
	in = slice_from(in, 1);
	while (in.ptr != NULL) {
		struct slice line = slice_cut(&in, '\n');

		if (graphite_parse(line, &o, &r) != REASON_NONE)
			continue;
		assert(r.metric.name.len > 0 && r.time_ns > 0);
		assert(!isnan(r.metric.value));
		names(&r);
		again(&r, &o);
	}
	return 0;
}
