/* msgpack_scan.c - heads of MessagePack values, one after the other. */
#include "config.h"

#include "proto/msgpack_scan.h"

void
msgpack_scan_init(struct msgpack_scan *s, size_t max_bytes,
    uint64_t max_values)
{
	*s = (struct msgpack_scan){ .max_bytes = max_bytes,
	    .max_values = max_values };
}

/* What a head says. */
struct head {
	unsigned bytes;		/* of the head itself */
	uint64_t payload;	/* bytes behind it */
	uint64_t children;	/* values behind it */
};

/* A length or count in so many bytes, big-endian; false: not all there. */
static bool
number(struct slice in, unsigned bytes, uint64_t *v)
{
	*v = 0;
	if (in.len < 1 + bytes)
		return false;
	for (unsigned i = 1; i <= bytes; i++)
		*v = *v << 8 | (uint8_t)in.ptr[i];
	return true;
}

/* What follows a head whose first byte says how many bytes of number it has. */
static enum msgpack_answer
counted(struct slice in, unsigned bytes, uint64_t per, unsigned extra,
    bool container, struct head *h)
{
	uint64_t n;

	if (!number(in, bytes, &n))
		return MSGPACK_MORE;
	h->bytes = 1 + bytes + extra;
	h->payload = container ? 0 : n;
	h->children = container ? n * per : 0;
	return MSGPACK_READY;
}

static enum msgpack_answer
large_head(struct slice in, uint8_t b, struct head *h)
{
	static const uint8_t sizes[] = { 4, 8, 1, 2, 4, 8, 1, 2, 4, 8 };

	h->bytes = 1;
	h->payload = h->children = 0;
	if (b >= 0xc4 && b <= 0xc6)		/* bin */
		return counted(in, 1u << (b - 0xc4), 0, 0, false, h);
	if (b >= 0xc7 && b <= 0xc9)		/* ext: and its type */
		return counted(in, 1u << (b - 0xc7), 0, 1, false, h);
	if (b >= 0xca && b <= 0xd3) {		/* numbers */
		h->payload = sizes[b - 0xca];
		return MSGPACK_READY;
	}
	if (b >= 0xd4 && b <= 0xd8) {		/* fixext: type and bytes */
		h->payload = 1 + (1u << (b - 0xd4));
		return MSGPACK_READY;
	}
	if (b >= 0xd9 && b <= 0xdb)		/* str */
		return counted(in, 1u << (b - 0xd9), 0, 0, false, h);
	if (b == 0xdc || b == 0xdd)		/* array */
		return counted(in, 2u << (b - 0xdc), 1, 0, true, h);
	if (b == 0xde || b == 0xdf)		/* map */
		return counted(in, 2u << (b - 0xde), 2, 0, true, h);
	return b == 0xc1 ? MSGPACK_BAD : MSGPACK_READY;
}

static enum msgpack_answer
read_head(struct slice in, struct head *h)
{
	uint8_t b;

	if (in.len == 0)
		return MSGPACK_MORE;
	b = (uint8_t)in.ptr[0];
	*h = (struct head){ 1, 0, 0 };
	if (b >= 0xc0 && b <= 0xdf)
		return large_head(in, b, h);
	if (b >= 0xa0 && b <= 0xbf)
		h->payload = b & 0x1f;
	else if (b >= 0x90 && b <= 0x9f)
		h->children = b & 0x0f;
	else if (b >= 0x80 && b <= 0x8f)
		h->children = 2 * (uint64_t)(b & 0x0f);
	return MSGPACK_READY;
}

static enum msgpack_answer
bad(struct msgpack_scan *s, enum reason why)
{
	s->reason = why;
	return MSGPACK_BAD;
}

/* Is there room for what the head announces? */
static enum msgpack_answer
admit(struct msgpack_scan *s, const struct head *h)
{
	if (s->at > s->max_bytes || h->bytes > s->max_bytes - s->at ||
	    h->payload > s->max_bytes - s->at - h->bytes ||
	    h->children > s->max_bytes - s->at - h->bytes)
		return bad(s, REASON_TOO_LONG);
	if (h->children > s->max_values - s->values)
		return bad(s, REASON_TOO_MANY);
	if (h->children > 0 && s->depth == MSGPACK_DEPTH_MAX)
		return bad(s, REASON_TOO_DEEP);
	return MSGPACK_READY;
}

enum msgpack_answer
msgpack_scan(struct msgpack_scan *s, struct slice in, size_t *len,
    uint64_t *values)
{
	do {
		struct head h;
		enum msgpack_answer a = read_head(slice_from(in, s->at), &h);

		if (a == MSGPACK_BAD)
			return bad(s, REASON_BAD_FRAMING);
		if (a == MSGPACK_READY)
			a = admit(s, &h);
		if (a != MSGPACK_READY)
			return a;
		if (in.len - s->at < h.bytes + h.payload)
			return MSGPACK_MORE;
		s->at += h.bytes + (size_t)h.payload;
		s->values++;
		if (h.children > 0) {
			s->left[s->depth++] = h.children;
			continue;
		}
		while (s->depth > 0 && --s->left[s->depth - 1] == 0)
			s->depth--;
	} while (s->depth > 0);
	*len = s->at;
	*values = s->values;
	s->at = 0;
	s->values = 0;
	return MSGPACK_READY;
}
