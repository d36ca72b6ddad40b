/* Packed streams from strangers: read at once and byte by byte they give the
 * same bytes and the same end, in bounded memory; and what is packed by us is
 * unpacked to what it was.  The first byte says which packing. */
#include "config.h"

#include <assert.h>
#include <stdlib.h>

#include "proto/packed.h"

#define MOST (1u << 20)

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static const enum packing hows[] = { PACKED_GZIP, PACKED_LZ4, PACKED_SNAPPY,
    PACKED_SNAPPY_BARE };

/* All that comes out, `step` bytes in at a time and `room` out. */
static enum reason
unpack(enum packing how, struct slice all, size_t step, size_t room,
    struct buf *out)
{
	struct unpacker *u = unpacker_new(how);
	enum reason why = REASON_NONE;

	assert(u != NULL);
	while (all.len > 0 && why == REASON_NONE && out->len < MOST) {
		struct slice in = slice_upto(all, step);
		size_t n;

		all = slice_from(all, in.len);
		do {
			if (!buf_reserve(out, room))
				break;
			why = unpacker_read(u, &in, out->data + out->len, room,
			    &n);
			assert(n <= room);
			out->len += n;
		} while (why == REASON_NONE && out->len < MOST &&
		    (in.len > 0 || n == room));
	}
	unpacker_free(u);
	return why;
}

static void
both_ways(enum packing how, struct slice s)
{
	struct buf a = BUF_INIT(4 * MOST), b = BUF_INIT(4 * MOST);
	enum reason x = unpack(how, s, SIZE_MAX, 65536, &a);
	enum reason y = unpack(how, s, 1, 777, &b);
	size_t n = a.len < b.len ? a.len : b.len;

	/* one that broke may have given less of what came before */
	assert(n == 0 || memcmp(a.data, b.data, n) == 0);
	if (a.len < MOST && b.len < MOST)
		assert(x != REASON_NONE || (y == REASON_NONE && a.len == b.len));
	buf_fini(&a);
	buf_fini(&b);
}

static void
there_and_back(enum packing how, struct slice s)
{
	struct packer *p = packer_new(how);
	struct buf packed = BUF_INIT(64 * MOST), back = BUF_INIT(64 * MOST);
	enum reason why;

	assert(p != NULL);
	packer_reset(p);
	assert(packer_add(p, slice_upto(s, s.len / 2), &packed));
	assert(packer_add(p, slice_from(s, s.len / 2), &packed));
	assert(packer_end(p, &packed));
	why = unpack(how, buf_slice(&packed), 100, 300, &back);
	assert(why == REASON_NONE && slice_eq(buf_slice(&back), s));
	packer_free(p);
	buf_fini(&packed);
	buf_fini(&back);
}

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct slice s;
	enum packing how;

	if (size == 0 || size > 100000)
		return 0;
	how = hows[data[0] % 4];
	s = slice_of((const char *)data + 1, size - 1);
	if (!packing_known(how))
		return 0;
	both_ways(how, s);
	there_and_back(how, s);
	return 0;
}
