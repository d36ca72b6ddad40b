/* journal_format.c - headers and records, to bytes and back. */
#include "config.h"

#include <stdio.h>

#include "base/crc32c.h"
#include "sink/journal_format.h"

static const char magic[8] = { 'M', 'R', 'J', 'R', 'N', 'L', '0', '1' };

uint32_t
journal_header_encode(const struct journal_header *h,
    uint8_t page[JOURNAL_PAGE])
{
	uint32_t crc;

	memset(page, 0, JOURNAL_PAGE);
	memcpy(page, magic, sizeof magic);
	journal_put32(page + 8, JOURNAL_VERSION);
	journal_put32(page + 12, h->flags);
	memcpy(page + 16, h->node, sizeof h->node);
	journal_put64(page + 32, h->salt);
	journal_put64(page + 40, h->first_lsn);
	journal_put64(page + 48, h->size);
	journal_put64(page + 56, h->made_ms);
	crc = crc32c(0, page, JOURNAL_PAGE - 4);
	journal_put32(page + JOURNAL_PAGE - 4, crc);
	return crc;
}

bool
journal_header_decode(const uint8_t page[JOURNAL_PAGE],
    struct journal_header *h, uint32_t *crc)
{
	uint32_t sum = journal_get32(page + JOURNAL_PAGE - 4);
	uint64_t size = journal_get64(page + 48);

	if (memcmp(page, magic, sizeof magic) != 0 ||
	    journal_get32(page + 8) != JOURNAL_VERSION ||
	    crc32c(0, page, JOURNAL_PAGE - 4) != sum)
		return false;
	if (size < 3 * JOURNAL_PAGE || size > JOURNAL_MAX_SEGMENT ||
	    size % JOURNAL_PAGE != 0)
		return false;
	h->flags = journal_get32(page + 12);
	memcpy(h->node, page + 16, sizeof h->node);
	h->salt = journal_get64(page + 32);
	h->first_lsn = journal_get64(page + 40);
	h->size = size;
	h->made_ms = journal_get64(page + 56);
	*crc = sum;
	return true;
}

uint32_t
journal_record_len(size_t pid, size_t iid, size_t payload)
{
	if (pid > 255 || iid > 255 || payload > (1u << 31) - 1024)
		return 0;
	return (uint32_t)(JOURNAL_HEAD + pid + iid + payload);
}

static uint8_t *
put_slice(uint8_t *to, struct slice s)
{
	if (s.len > 0 && s.ptr != NULL)
		memcpy(to, s.ptr, s.len);
	return to + s.len;
}

uint8_t *
journal_record_put(uint8_t *to, const struct journal_record *r)
{
	uint8_t *payload;

	/* the last word holds the padding: zero it before the rest */
	memset(to + journal_pad(r->len) - 8, 0, 8);
	journal_put32(to, r->len);
	memset(to + 4, 0, 12);
	journal_put64(to + 16, r->lsn);
	journal_put64(to + 24, 0);
	journal_put64(to + 32, r->ms);
	journal_put64(to + 40, r->seq);
	journal_put32(to + 48, r->stream);
	to[52] = (uint8_t)r->type;
	to[53] = r->flags;
	to[54] = (uint8_t)r->pid.len;
	to[55] = (uint8_t)r->iid.len;
	payload = put_slice(put_slice(to + JOURNAL_HEAD, r->pid), r->iid);
	put_slice(payload, r->payload);
	return payload;
}

uint32_t
journal_tag(uint64_t salt, uint64_t offset)
{
	uint64_t x = salt ^ (offset * UINT64_C(0x9e3779b97f4a7c15));

	/* the finalizer of splitmix64: every bit of the salt in every bit out */
	x = (x ^ x >> 30) * UINT64_C(0xbf58476d1ce4e5b9);
	x = (x ^ x >> 27) * UINT64_C(0x94d049bb133111eb);
	return (uint32_t)(x >> 32);
}

static uint32_t
checksum(const uint8_t *record, uint32_t len, uint64_t salt, uint64_t offset)
{
	uint8_t place[20];

	journal_put64(place, salt);
	journal_put64(place + 8, offset);
	journal_put32(place + 16, len);
	return crc32c(crc32c(0, place, sizeof place), record + 8, len - 8);
}

uint32_t
journal_record_seal(uint8_t *record, uint64_t salt, uint64_t offset,
    uint32_t prev, uint64_t durable)
{
	uint32_t crc;

	journal_put32(record + 8, journal_tag(salt, offset));
	journal_put32(record + 12, prev);
	journal_put64(record + 24, durable);
	crc = checksum(record, journal_get32(record), salt, offset);
	journal_put32(record + 4, crc);
	return crc;
}

uint32_t
journal_record_peek(const uint8_t head[JOURNAL_HEAD], uint64_t salt,
    uint64_t offset)
{
	uint32_t len = journal_get32(head);

	if (len < JOURNAL_HEAD + (uint32_t)head[54] + head[55] ||
	    len > JOURNAL_MAX_SEGMENT)
		return 0;
	return journal_get32(head + 8) == journal_tag(salt, offset) ? len : 0;
}

bool
journal_record_get(const uint8_t *bytes, uint32_t len, uint64_t salt,
    uint64_t offset, struct journal_record *r)
{
	const char *p = (const char *)bytes + JOURNAL_HEAD;

	if (bytes[52] < JOURNAL_EVENT || bytes[52] > JOURNAL_LOSS ||
	    checksum(bytes, len, salt, offset) != journal_get32(bytes + 4))
		return false;
	r->len = len;
	r->crc = journal_get32(bytes + 4);
	r->prev = journal_get32(bytes + 12);
	r->lsn = journal_get64(bytes + 16);
	r->durable = journal_get64(bytes + 24);
	r->ms = journal_get64(bytes + 32);
	r->seq = journal_get64(bytes + 40);
	r->stream = journal_get32(bytes + 48);
	r->type = (enum journal_type)bytes[52];
	r->flags = bytes[53];
	r->pid = slice_of(p, bytes[54]);
	r->iid = slice_of(p + bytes[54], bytes[55]);
	p += bytes[54] + bytes[55];
	r->payload = slice_of(p, (size_t)((const char *)bytes + len - p));
	/* what was durable came before; and sums of lsns do not wrap */
	return r->durable < r->lsn && r->lsn <= INT64_MAX &&
	    (r->type != JOURNAL_LOSS || r->seq <= INT64_MAX - r->lsn);
}

bool
journal_name_parse(const char *name, uint64_t *first_lsn)
{
	uint64_t v = 0;
	int i;

	for (i = 0; i < 16; i++) {
		char c = name[i];

		if (c >= '0' && c <= '9')
			v = v << 4 | (uint64_t)(c - '0');
		else if (c >= 'a' && c <= 'f')
			v = v << 4 | (uint64_t)(c - 'a' + 10);
		else
			return false;
	}
	if (strcmp(name + i, ".seg") != 0)
		return false;
	*first_lsn = v;
	return true;
}

void
journal_name(char name[JOURNAL_NAME], uint64_t first_lsn)
{
	snprintf(name, JOURNAL_NAME, "%016llx.seg",
	    (unsigned long long)first_lsn);
}
