/* XADD's arguments, one a line. */
#include "config.h"

#include <stdint.h>
#include <stdlib.h>

#include "proto/xadd.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static bool
within(struct slice s, struct slice of)
{
	return s.len == 0 || (s.ptr >= of.ptr && s.ptr + s.len <= of.ptr + of.len);
}

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct slice all = slice_of((const char *)data, size), in = all;
	struct slice argv[64];
	struct pair pairs[16];
	struct event_record ev;
	struct xadd x;
	size_t argc = 0;

	while (argc < 64 && in.ptr != NULL && size > 0)
		argv[argc++] = slice_cut(&in, '\n');
	if (xadd_parse(argv, argc, pairs, 16, &ev, &x) != REASON_NONE) {
		if (x.error == NULL)
			abort();
		return 0;
	}
	if (ev.nfields == 0 || ev.nfields > 16 || ev.stream.len == 0 ||
	    !within(ev.stream, all) || !within(ev.pid, all) ||
	    (ev.pid.len > 0) != (ev.iid.len > 0) ||
	    x.id_auto != (ev.id.len == 0))
		abort();
	for (size_t i = 0; i < ev.nfields; i++)
		if (!within(ev.fields[i].key, all) ||
		    !within(ev.fields[i].value, all))
			abort();
	return 0;
}
