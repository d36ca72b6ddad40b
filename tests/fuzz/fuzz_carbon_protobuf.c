/* Protobuf messages of carbon: bounded, and points have a name and a time. */
#include "config.h"

#include <assert.h>
#include <math.h>

#include "proto/carbon_protobuf.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct graphite_options o = { .now_ns = 1 };
	enum carbon_protobuf_next got;
	struct carbon_protobuf p;
	struct record r;
	enum reason why;

	carbon_protobuf_read(&p, slice_of((const char *)data, size));
	while ((got = carbon_protobuf_next(&p, &o, &r, &why)) !=
	    CARBON_PROTOBUF_END)
		if (got == CARBON_PROTOBUF_POINT)
			assert(r.metric.name.len > 0 && r.time_ns > 0 &&
			    !isnan(r.metric.value));
	return 0;
}
