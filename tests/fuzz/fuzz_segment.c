/* The index and seek table of a closed file, as a stranger may have made them. */
#include "config.h"

#include <stdint.h>
#include <stdlib.h>

#include "proto/segment.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

/* A filter may never say that a text has not what it has. */
static void
hides_nothing(struct slice text, size_t from, size_t len)
{
	static struct segment_filter f;
	struct segment_needs needs = { .n = 0 };
	struct buf out = BUF_INIT(1 << 20);

	segment_filter_clear(&f);
	segment_filter_add(&f, text);
	if (!segment_filter_write(&f, &out))
		abort();
	segment_need(&needs, slice_upto(slice_from(text, from % (text.len + 1)),
	    len));
	if (!segment_may_have(buf_slice(&out), &needs))
		abort();
	buf_fini(&out);
}

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct slice s = slice_of((const char *)data, size);
	struct segment_needs needs = { .n = 0 };
	struct segment_index x;
	struct segment_frame f;
	uint64_t at, from;
	size_t len, n;

	if (size >= 2)
		hides_nothing(slice_from(s, 2), data[0] * 7u, data[1]);
	segment_need(&needs, slice_upto(s, 40));
	if (size >= SEGMENT_FOOTER && segment_find_table(slice_from(s,
	    size - SEGMENT_FOOTER), size, &at, &len)) {
		if (at + len != size)
			abort();
		if (segment_find_index(slice_from(s, (size_t)at), at, &from,
		    &n)) {
			if (from + n != at)
				abort();
			s = slice_upto(slice_from(s, (size_t)from), n);
		}
	}
	if (segment_index_read(s, size - s.len, &x) != REASON_NONE)
		return 0;
	for (uint32_t i = 0; i < x.frames; i++) {
		segment_index_frame(&x, i, &f);
		(void)segment_may_have(segment_index_filter(&x, &f), &needs);
	}
	return 0;
}
