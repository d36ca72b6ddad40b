/* Any bytes as statsite's binary messages: each step takes something or ends,
 * and what it gives lies within the bytes. */
#include "config.h"

#include <assert.h>
#include <math.h>
#include <stdint.h>

#include "proto/statsite.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	const char *bytes = (const char *)data, *end = bytes + size;
	struct slice in = slice_of(bytes, size);
	enum statsite_result what;
	struct record r;
	enum reason why;
	size_t before;

	do {
		before = in.len;
		why = REASON_NONE;
		what = statsite_next(&in, 1000, &r, &why);
		if (what == STATSITE_METRIC) {
			assert(r.metric.name.ptr >= bytes);
			assert(r.metric.name.ptr + r.metric.name.len < end);
			assert(r.metric.name.len + r.metric.tags.len < 1001);
			assert(isfinite(r.metric.value));
		} else if (what != STATSITE_MORE) {
			assert(why != REASON_NONE);
		}
		assert(in.ptr + in.len == end);
		assert(in.len < before || what == STATSITE_MORE ||
		    what == STATSITE_LOST);
	} while (in.len < before);
	assert(what != STATSITE_MORE || in.len < STATSITE_MAX);
	return 0;
}
