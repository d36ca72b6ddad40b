/* Pickles from strangers: bounded memory, and what comes out as a point can
 * be written and read again. */
#include "config.h"

#include <assert.h>
#include <math.h>
#include <stdlib.h>

#include "proto/pickle.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void
again(const struct record *r, enum pickle_form form)
{
	static struct pickle *reader;
	struct graphite_options o = { .now_ns = 1 };
	struct buf out = BUF_INIT(1 << 20);
	struct slice in, payload;
	struct pickle_writer w;
	struct record r2;
	enum reason why;

	if (reader == NULL)
		reader = pickle_new(1000);
	if (!pickle_begin(&w, &out, form) || !pickle_add(&w,
	    graphite_raw_name(r), r->time_ns / 1000000000, r->metric.value,
	    r->metric.text))
		abort();
	pickle_end(&w);
	in = buf_slice(&out);
	assert(pickle_frame(&in, PICKLE_MAX_LENGTH, &payload) == PICKLE_FRAME);
	assert(in.len == 0);
	why = pickle_read(reader, payload);
	assert(why == REASON_NONE);
	if (r->time_ns >= 1000000000) {
		assert(pickle_next(reader, &o, &r2, &why) == PICKLE_POINT);
		assert(r2.metric.name.len == r->metric.name.len);
		assert(r2.metric.value == r->metric.value);
	}
	buf_fini(&out);
}

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	static struct pickle *p;
	struct slice in = { (const char *)data, size }, payload;
	struct graphite_options o = { .now_ns = 1755870377500000000 };
	struct record r;
	enum reason why;

	if (p == NULL)
		p = pickle_new(100000);
	while (pickle_frame(&in, PICKLE_MAX_LENGTH, &payload) == PICKLE_FRAME) {
		enum pickle_next got;
		int written = 0;

		if (pickle_read(p, payload) != REASON_NONE)
			continue;
		while ((got = pickle_next(p, &o, &r, &why)) != PICKLE_END) {
			if (got == PICKLE_BAD_ITEM)
				continue;
			assert(r.metric.name.len > 0 && r.time_ns > 0);
			assert(!isnan(r.metric.value));
			if (written++ < 8 && r.metric.name.len < 9999) {
				again(&r, PICKLE_PROTOCOL_2);
				again(&r, PICKLE_TEXT);
			}
		}
	}
	return 0;
}
