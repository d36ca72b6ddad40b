/* packed_snappy.c - chunks and blocks around libsnappy. */
#include "config.h"

#include <string.h>
#ifdef HAVE_SNAPPY
#include <snappy-c.h>
#endif

#include "base/crc32c.h"
#include "proto/packed_snappy.h"

#define IDENTIFIER "\xff\x06\x00\x00sNaPpY"
#define IDENTIFIER_LEN 10
#define CHUNK_HEAD 4
/* The most that a block of n bytes may take, packed. */
#define PACKED_BOUND(n) (32 + (n) + (n) / 6)

enum { CHUNK_PACKED = 0x00, CHUNK_PLAIN = 0x01, CHUNK_SKIP = 0x80,
    CHUNK_IDENTIFIER = 0xff };

#ifdef HAVE_SNAPPY

bool
snappy_known(void)
{
	return true;
}

static bool
pack(struct slice s, char *to, size_t *n)
{
	return snappy_compress(s.ptr, s.len, to, n) == SNAPPY_OK;
}

static bool
unpack(struct slice s, char *to, size_t *n)
{
	return snappy_uncompress(s.ptr, s.len, to, n) == SNAPPY_OK;
}

#else

bool
snappy_known(void)
{
	return false;
}

static bool
pack(struct slice s, char *to, size_t *n)
{
	return false;
}

static bool
unpack(struct slice s, char *to, size_t *n)
{
	return false;
}

#endif

static uint32_t
masked_crc(struct slice s)
{
	uint32_t c = crc32c(0, s.ptr, s.len);

	return (c >> 15 | c << 17) + UINT32_C(0xa282ead8);
}

/* ---- packing ---- */

static bool
add_packed(struct slice s, struct buf *out)
{
	size_t n = PACKED_BOUND(s.len);

	if (!buf_reserve(out, n) || !pack(s, out->data + out->len, &n))
		return false;
	out->len += n;
	return true;
}

static void
put_le(char *to, uint32_t v, unsigned bytes)
{
	for (unsigned i = 0; i < bytes; i++)
		to[i] = (char)(v >> (8 * i));
}

bool
snappy_frames(struct slice bytes, bool first, struct buf *out)
{
	if (first && !buf_add(out, IDENTIFIER, IDENTIFIER_LEN))
		return false;
	while (bytes.len > 0) {
		struct slice one = slice_upto(bytes, SNAPPY_BLOCK);
		char head[CHUNK_HEAD + 4] = { CHUNK_PACKED };
		size_t at = out->len;

		put_le(head + CHUNK_HEAD, masked_crc(one), 4);
		if (!buf_add(out, head, sizeof head) || !add_packed(one, out))
			return false;
		put_le(out->data + at + 1, (uint32_t)(out->len - at -
		    CHUNK_HEAD), 3);
		bytes = slice_from(bytes, one.len);
	}
	return true;
}

/* As much of s as fits into a block, in whole lines if one fits. */
static struct slice
some_lines(struct slice s)
{
	struct slice one = slice_upto(s, SNAPPY_RAW_BLOCK);

	for (size_t n = one.len; n > 0 && one.len < s.len; n--)
		if (one.ptr[n - 1] == '\n')
			return slice_upto(one, n);
	return one;
}

bool
snappy_blocks(struct slice bytes, struct buf *out)
{
	while (bytes.len > 0) {
		struct slice one = some_lines(bytes);

		if (!add_packed(one, out))
			return false;
		bytes = slice_from(bytes, one.len);
	}
	return true;
}

/* ---- unpacking ---- */

void
snappy_reader_init(struct snappy_reader *r)
{
	memset(r, 0, sizeof *r);
	buf_init(&r->in, CHUNK_HEAD + 4 + PACKED_BOUND(SNAPPY_RAW_MAX));
	buf_init(&r->out, SNAPPY_RAW_MAX);
}

void
snappy_reader_fini(struct snappy_reader *r)
{
	buf_fini(&r->in);
	buf_fini(&r->out);
}

static uint32_t
get_le(const char *from, unsigned bytes)
{
	uint32_t v = 0;

	for (unsigned i = 0; i < bytes; i++)
		v |= (uint32_t)(unsigned char)from[i] << (8 * i);
	return v;
}

/* A block of at most max bytes, unpacked into r->out. */
static bool
unpack_block(struct snappy_reader *r, struct slice s, size_t made)
{
	size_t n = made;

	r->out.len = r->given = 0;
	if (!buf_reserve(&r->out, made) || !unpack(s, r->out.data, &n) ||
	    n != made)
		return false;
	r->out.len = n;
	return true;
}

/* The length at the front of a block: its bytes, 0 when they are not all
 * there, or -1: no such length. */
static int
block_length(struct slice s, size_t *v)
{
	size_t n = 0;

	for (unsigned i = 0; i < 5; i++) {
		unsigned char c;

		if (i == s.len)
			return 0;
		c = (unsigned char)s.ptr[i];
		n |= (size_t)(c & 0x7f) << (7 * i);
		if (n > SNAPPY_RAW_MAX)
			return -1;
		if ((c & 0x80) == 0) {
			*v = n;
			return (int)i + 1;
		}
	}
	return -1;
}

/* ---- frames ---- */

static bool
packed_chunk(struct snappy_reader *r, struct slice body)
{
	struct slice block = slice_from(body, 4);
	size_t made;

	return body.len >= 4 && block_length(block, &made) > 0 &&
	    made <= SNAPPY_BLOCK && unpack_block(r, block, made) &&
	    masked_crc(buf_slice(&r->out)) == get_le(body.ptr, 4);
}

static bool
plain_chunk(struct snappy_reader *r, struct slice body)
{
	struct slice plain = slice_from(body, 4);

	if (body.len < 4 || plain.len > SNAPPY_BLOCK ||
	    masked_crc(plain) != get_le(body.ptr, 4))
		return false;
	r->out.len = r->given = 0;
	return buf_add_slice(&r->out, plain);
}

/* The chunk at the front of r->in, if it is whole.  False: broken. */
static bool
next_chunk(struct snappy_reader *r)
{
	struct slice s = buf_slice(&r->in), body;
	unsigned type;
	size_t len;
	bool ok = true;

	if (s.len < CHUNK_HEAD)
		return true;
	type = (unsigned char)s.ptr[0];
	len = get_le(s.ptr + 1, 3);
	if (type >= CHUNK_SKIP && type != CHUNK_IDENTIFIER) {
		size_t here = len < s.len - CHUNK_HEAD ? len :
		    s.len - CHUNK_HEAD;

		r->skip = len - here;
		buf_consume(&r->in, CHUNK_HEAD + here);
		return true;
	}
	if (len > 4 + PACKED_BOUND(SNAPPY_BLOCK))
		return false;
	if (s.len - CHUNK_HEAD < len)
		return true;
	body = slice_of(s.ptr + CHUNK_HEAD, len);
	if (type == CHUNK_PACKED)
		ok = packed_chunk(r, body);
	else if (type == CHUNK_PLAIN)
		ok = plain_chunk(r, body);
	else
		ok = type == CHUNK_IDENTIFIER && slice_eq(body,
		    slice_of(&IDENTIFIER[CHUNK_HEAD], 6));
	buf_consume(&r->in, CHUNK_HEAD + len);
	return ok;
}

/* ---- bare blocks ---- */

/* The element at the front of s: how many bytes it takes and makes; 0 when it
 * is not all there.  What it says is libsnappy's to judge. */
static size_t
element(struct slice s, size_t *makes)
{
	unsigned tag, more;
	size_t len;

	if (s.len == 0)
		return 0;
	tag = (unsigned char)s.ptr[0];
	switch (tag & 3) {
	case 1:
		*makes = 4 + (tag >> 2 & 7);
		return 2;
	case 2:
	case 3:
		*makes = 1 + (tag >> 2);
		return (tag & 3) == 2 ? 3 : 5;
	default:
		break;
	}
	len = tag >> 2;
	more = len < 60 ? 0 : (unsigned)len - 59;
	if (s.len <= more)
		return 0;
	if (more > 0)
		len = get_le(s.ptr + 1, more);
	*makes = len + 1;
	return *makes > SNAPPY_RAW_MAX ? SIZE_MAX : 1 + more + *makes;
}

/* Walk on through the block at the front of r->in, and unpack it when it is
 * whole.  False: broken. */
static bool
next_block(struct snappy_reader *r)
{
	struct slice s = buf_slice(&r->in);

	if (r->at == 0) {
		int n = block_length(s, &r->want);

		if (n <= 0)
			return n == 0;
		r->at = (size_t)n;
		r->made = 0;
	}
	while (r->made < r->want) {
		size_t makes = 0, n = element(slice_from(s, r->at), &makes);

		if (n > r->in.max || makes > r->want - r->made)
			return false;
		if (n == 0 || n > s.len - r->at)
			return true;
		r->at += n;
		r->made += makes;
	}
	if (!unpack_block(r, slice_upto(s, r->at), r->want))
		return false;
	buf_consume(&r->in, r->at);
	r->at = 0;
	return true;
}

/* ---- both ---- */

static void
find_form(struct snappy_reader *r)
{
	size_t n = r->in.len < IDENTIFIER_LEN ? r->in.len : IDENTIFIER_LEN;

	if (memcmp(r->in.data, IDENTIFIER, n) != 0)
		r->form = SNAPPY_BARE;
	else if (n == IDENTIFIER_LEN)
		r->form = SNAPPY_FRAMED;
}

/* Move bytes of *in to r->in, no more than it holds. */
static bool
take_in(struct snappy_reader *r, struct slice *in)
{
	size_t n = r->skip < in->len ? r->skip : in->len;

	*in = slice_from(*in, n);
	r->skip -= n;
	n = r->in.max - r->in.len < in->len ? r->in.max - r->in.len : in->len;
	if (n == 0)
		return true;
	if (!buf_add_slice(&r->in, slice_upto(*in, n)))
		return false;
	*in = slice_from(*in, n);
	return true;
}

bool
snappy_read(struct snappy_reader *r, struct slice *in, char *to, size_t room,
    size_t *n)
{
	*n = 0;
	if (!take_in(r, in))
		return false;
	while (*n < room) {
		size_t left = r->out.len - r->given, before = r->in.len;
		size_t some = left < room - *n ? left : room - *n;

		if (some > 0) {
			memcpy(to + *n, r->out.data + r->given, some);
			r->given += some;
			*n += some;
			continue;
		}
		if (r->form == SNAPPY_UNKNOWN && before > 0)
			find_form(r);
		if (r->form == SNAPPY_UNKNOWN || before == 0)
			break;
		if (!(r->form == SNAPPY_FRAMED ? next_chunk(r) : next_block(r)))
			return false;
		if (r->in.len == before)
			break;		/* the rest of it is to come */
		if (r->skip > 0 && !take_in(r, in))
			return false;
	}
	return true;
}
