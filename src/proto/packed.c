/* packed.c - zlib, liblz4 and libsnappy, cut down to what lines need. */
#include "config.h"

#include <lz4frame.h>
#include <stdlib.h>
#include <zlib.h>

#include "proto/packed.h"
#include "proto/packed_snappy.h"

/* Lines shrink to a tenth, or if all alike to a hundredth; what grows more than
 * so many times after the first megabytes is a bomb. */
#define GROWTH_MAX 250
#define GROWTH_FREE (4u << 20)
#define LZ4_ROOM 16384		/* per LZ4F_compressUpdate() */

/* ---- packing ---- */

struct packer {
	enum packing how;
	z_stream z;
	bool begun;
};

bool
packing_known(enum packing how)
{
	return (how != PACKED_SNAPPY && how != PACKED_SNAPPY_BARE) ||
	    snappy_known();
}

struct packer *
packer_new(enum packing how)
{
	struct packer *p = calloc(1, sizeof *p);

	if (p == NULL)
		return NULL;
	p->how = how;
	if (!packing_known(how)) {
		free(p);
		return NULL;
	}
	if (how == PACKED_GZIP && deflateInit2(&p->z, Z_DEFAULT_COMPRESSION,
	    Z_DEFLATED, 15 + 16, 8, Z_DEFAULT_STRATEGY) != Z_OK) {
		free(p);
		return NULL;
	}
	return p;
}

void
packer_free(struct packer *p)
{
	if (p == NULL)
		return;
	if (p->how == PACKED_GZIP)
		deflateEnd(&p->z);
	free(p);
}

void
packer_reset(struct packer *p)
{
	p->begun = false;
	if (p->how == PACKED_GZIP)
		deflateReset(&p->z);
}

static bool
gzip_add(struct packer *p, struct slice bytes, int flush, struct buf *out)
{
	p->z.next_in = (Bytef *)(uintptr_t)bytes.ptr;
	p->z.avail_in = (uInt)bytes.len;
	do {
		if (!buf_reserve(out, 4096))
			return false;
		p->z.next_out = (Bytef *)out->data + out->len;
		p->z.avail_out = (uInt)(out->cap - out->len);
		if (deflate(&p->z, flush) == Z_STREAM_ERROR)
			return false;
		out->len = out->cap - p->z.avail_out;
	} while (p->z.avail_out == 0);
	return true;
}

static bool
lz4_add(struct slice bytes, struct buf *out)
{
	size_t room = LZ4F_compressFrameBound(bytes.len, NULL), n;

	if (!buf_reserve(out, room))
		return false;
	n = LZ4F_compressFrame(out->data + out->len, room, bytes.ptr,
	    bytes.len, NULL);
	if (LZ4F_isError(n))
		return false;
	out->len += n;
	return true;
}

bool
packer_add(struct packer *p, struct slice bytes, struct buf *out)
{
	switch (p->how) {
	case PACKED_GZIP:
		return gzip_add(p, bytes, Z_PARTIAL_FLUSH, out);
	case PACKED_LZ4:
		return lz4_add(bytes, out);
	case PACKED_SNAPPY:
		if (!snappy_frames(bytes, !p->begun, out))
			return false;
		p->begun = true;
		return true;
	case PACKED_SNAPPY_BARE:
		return snappy_blocks(bytes, out);
	case PACKED_NOT:
		break;
	}
	return buf_add_slice(out, bytes);
}

bool
packer_end(struct packer *p, struct buf *out)
{
	if (p->how != PACKED_GZIP)
		return true;
	return gzip_add(p, slice_of("", 0), Z_FINISH, out);
}

/* ---- unpacking ---- */

struct unpacker {
	enum packing how;
	z_stream z;
	bool ended;		/* a gzip member; the next may follow */
	LZ4F_dctx *lz4;
	struct snappy_reader snappy;
	uint64_t in, out;
};

struct unpacker *
unpacker_new(enum packing how)
{
	struct unpacker *u = calloc(1, sizeof *u);
	bool ok = packing_known(how);

	if (u == NULL)
		return NULL;
	u->how = how;
	snappy_reader_init(&u->snappy);
	if (how == PACKED_GZIP)
		ok = inflateInit2(&u->z, 15 + 16) == Z_OK;
	else if (how == PACKED_LZ4)
		ok = !LZ4F_isError(LZ4F_createDecompressionContext(&u->lz4,
		    LZ4F_VERSION));
	if (ok)
		return u;
	free(u);
	return NULL;
}

void
unpacker_free(struct unpacker *u)
{
	if (u == NULL)
		return;
	if (u->how == PACKED_GZIP)
		inflateEnd(&u->z);
	LZ4F_freeDecompressionContext(u->lz4);
	snappy_reader_fini(&u->snappy);
	free(u);
}

static bool
gzip_read(struct unpacker *u, struct slice *in, char *to, size_t room,
    size_t *n)
{
	int rc;

	if (u->ended && in->len > 0) {
		inflateReset(&u->z);
		u->ended = false;
	}
	u->z.next_in = (Bytef *)(uintptr_t)in->ptr;
	u->z.avail_in = (uInt)in->len;
	u->z.next_out = (Bytef *)to;
	u->z.avail_out = (uInt)room;
	rc = u->ended ? Z_BUF_ERROR : inflate(&u->z, Z_SYNC_FLUSH);
	*in = slice_from(*in, in->len - u->z.avail_in);
	*n = room - u->z.avail_out;
	u->ended = rc == Z_STREAM_END || u->ended;
	return rc == Z_OK || rc == Z_STREAM_END || rc == Z_BUF_ERROR;
}

static bool
lz4_read(struct unpacker *u, struct slice *in, char *to, size_t room,
    size_t *n)
{
	size_t used = in->len, rc;

	*n = room;
	rc = LZ4F_decompress(u->lz4, to, n, in->ptr, &used, NULL);
	*in = slice_from(*in, used);
	return !LZ4F_isError(rc);
}

enum reason
unpacker_read(struct unpacker *u, struct slice *in, char *to, size_t room,
    size_t *n)
{
	size_t before = in->len;
	bool ok;

	*n = 0;
	if (u->how == PACKED_GZIP)
		ok = gzip_read(u, in, to, room, n);
	else if (u->how == PACKED_LZ4)
		ok = lz4_read(u, in, to, room, n);
	else
		ok = snappy_read(&u->snappy, in, to, room, n);
	u->in += before - in->len;
	u->out += *n;
	if (!ok || (u->out > GROWTH_FREE && u->out / GROWTH_MAX > u->in) ||
	    (*n == 0 && before > 0 && in->len == before))
		return REASON_BAD_COMPRESSION;
	return REASON_NONE;
}
