/* dedup_snapshot.c - the dedup table as bytes, and back.
 *
 *   "MRDEDUP1" | u64 lsn | u64 producers | producers, longest idle first | u32
 *   CRC-32C of all before it
 *
 *   producer:  u16 length of key, key | i64 last active | u8 has a sequence
 *              [ u64 floor, high, through, forgotten | 512 bytes of bits ]
 *              u32 tokens, oldest first, 64 bytes each
 *
 * Numbers as the processor has them: the file stays on its host. */
#include "config.h"

#include "base/crc32c.h"
#include "core/dedup_private.h"

static const char magic[8] = { 'M', 'R', 'D', 'E', 'D', 'U', 'P', '1' };

static bool
put_producer(struct buf *out, const struct producer *p)
{
	uint16_t len = (uint16_t)p->key.len;
	char has = p->sequence != NULL;
	bool ok;

	ok = buf_add(out, &len, sizeof len) && buf_add_slice(out, p->key) &&
	    buf_add(out, &p->last_ms, sizeof p->last_ms) &&
	    buf_add(out, &has, 1) &&
	    (!has || buf_add(out, p->sequence, sizeof *p->sequence)) &&
	    buf_add(out, &p->count, sizeof p->count);
	for (uint32_t i = 0; ok && i < p->count; i++)
		ok = buf_add(out, &p->ring[(p->head + i) % p->cap],
		    sizeof *p->ring);
	return ok;
}

static bool
put_list(struct buf *out, const struct lru *list)
{
	const struct lru_node *n = lru_oldest(list);

	for (; n != NULL; n = lru_newer(list, n))
		if (!put_producer(out, LRU_OF(n, struct producer, lru)))
			return false;
	return true;
}

bool
dedup_encode(const struct dedup *d, uint64_t lsn, struct buf *out)
{
	size_t before = out->len;
	uint64_t count = map_len(d->producers);
	uint32_t crc;

	if (buf_add(out, magic, sizeof magic) &&
	    buf_add(out, &lsn, sizeof lsn) &&
	    buf_add(out, &count, sizeof count) &&
	    put_list(out, &d->bare) && put_list(out, &d->rich)) {
		crc = crc32c(0, out->data + before, out->len - before);
		if (buf_add(out, &crc, sizeof crc))
			return true;
	}
	out->len = before;
	return false;
}

static bool
get(struct slice *in, void *to, size_t n)
{
	if (in->len < n)
		return false;
	memcpy(to, in->ptr, n);
	*in = slice_from(*in, n);
	return true;
}

static bool
get_tokens(struct dedup *d, struct producer *p, struct slice *in)
{
	struct token t;
	uint32_t n;

	if (!get(in, &n, sizeof n))
		return false;
	while (n-- > 0) {
		if (!get(in, &t, sizeof t) ||
		    dedup_token_find(p, t.key) != NULL)
			return false;
		/* what is above the highest is taken for new, unlooked */
		if (p->sequence != NULL && t.number != DEDUP_NO_NUMBER &&
		    t.number > p->sequence->high)
			return false;
		/* less memory than then: keep what there is room for */
		dedup_token_add(d, p, &t);
	}
	return true;
}

static bool
get_producer(struct dedup *d, struct slice *in)
{
	struct sequence s;
	struct producer *p;
	struct slice key;
	uint16_t len;
	char has;

	if (!get(in, &len, sizeof len) || in->len < len)
		return false;
	key = slice_upto(*in, len);
	*in = slice_from(*in, len);
	if (dedup_producer(d, key, false) != NULL)
		return false;
	p = dedup_producer(d, key, true);
	if (p == NULL || !get(in, &p->last_ms, sizeof p->last_ms) ||
	    p->last_ms < 0 || !get(in, &has, 1))
		return false;
	if (has != 0) {
		if (!get(in, &s, sizeof s) || s.floor > s.high ||
		    s.through > s.high || dedup_sequence(d, p) == NULL)
			return false;
		*p->sequence = s;
	}
	return get_tokens(d, p, in);
}

static bool
decode(struct dedup *d, struct slice in, uint64_t *lsn)
{
	char mark[sizeof magic];
	uint64_t count;
	uint32_t crc;

	if (in.len < sizeof crc)
		return false;
	in.len -= sizeof crc;
	memcpy(&crc, in.ptr + in.len, sizeof crc);
	if (crc32c(0, in.ptr, in.len) != crc ||
	    !get(&in, mark, sizeof mark) ||
	    memcmp(mark, magic, sizeof magic) != 0 ||
	    !get(&in, lsn, sizeof *lsn) || !get(&in, &count, sizeof count))
		return false;
	while (count-- > 0)
		if (!get_producer(d, &in))
			return false;
	return in.len == 0;
}

bool
dedup_decode(struct dedup *d, struct slice bytes, uint64_t *lsn)
{
	uint64_t upto;

	if (!decode(d, bytes, &upto)) {
		dedup_clear(d);
		return false;
	}
	*lsn = upto;
	return true;
}
