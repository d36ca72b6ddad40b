/* Recovery's walk over a segment.  The input is a list of orders that write
 * records and then spoil some bytes: checksums are too good for chance. */
#include "config.h"

#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include "sink/journal_scan.h"

#define SIZE (32u << 10)
#define SALT 99

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

struct image {
	uint8_t bytes[SIZE];
	uint64_t at, lsn;
	uint32_t prev;
	bool spoilt, in_group;
};

static const uint8_t *
fetch(void *ctx, uint64_t offset, size_t len)
{
	if (offset + len > SIZE)
		abort();
	return (const uint8_t *)ctx + offset;
}

static void
write_record(struct image *im, const uint8_t *order)
{
	static const char payload[256];
	struct journal_record r = {
		.type = (enum journal_type)(order[0] % 4 + 1),
		.flags = order[0] >> 7,
		.lsn = im->lsn,
		.seq = order[1] % 8,
		.stream = order[1],
		.pid = { payload, order[2] % 16 },
		.iid = { payload, order[2] / 16 },
		.payload = { payload, order[3] },
	};

	uint32_t crc;

	r.len = journal_record_len(r.pid.len, r.iid.len, r.payload.len);
	if (journal_pad(r.len) > SIZE - im->at)
		return;
	journal_record_put(im->bytes + im->at, &r);
	crc = journal_record_seal(im->bytes + im->at, SALT, im->at,
	    im->prev, im->lsn - 1 - im->lsn * order[1] / 256);
	if (r.type == JOURNAL_MARK)
		return;		/* overwritten by the next */
	im->prev = crc;
	im->at += journal_pad(r.len);
	if (r.type == JOURNAL_EVENT)
		im->lsn++;
	else if (r.type == JOURNAL_LOSS)
		im->lsn += r.seq;
	im->in_group = r.type == JOURNAL_EVENT ? r.flags != 0 : im->in_group;
}

static void
spoil(struct image *im, const uint8_t *order)
{
	size_t where = JOURNAL_PAGE +
	    ((size_t)order[1] << 8 | order[2]) % (SIZE - JOURNAL_PAGE);

	im->bytes[where] ^= (uint8_t)(order[3] | 1);
	im->spoilt = true;
}

/* The orders, four bytes each: a bit tells which. */
static void
build(struct image *im, const struct journal_header *h, const uint8_t *data,
    size_t size)
{
	memset(im, 0, sizeof *im);
	im->prev = journal_header_encode(h, im->bytes);
	im->at = JOURNAL_PAGE;
	im->lsn = h->first_lsn;
	for (; size >= 4; data += 4, size -= 4) {
		if ((data[0] & 64) != 0)
			spoil(im, data);
		else
			write_record(im, data);
	}
}

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	static struct image im;
	struct journal_header h = { .salt = SALT, .first_lsn = 5, .size = SIZE };
	uint8_t page[JOURNAL_PAGE];
	struct journal_source source = { fetch, im.bytes, SIZE };
	struct journal_scan s;
	struct journal_record r;
	enum journal_step step;
	uint64_t next_first, lsn, steps = 0;

	if (size < 1)
		return 0;
	build(&im, &h, data + 1, size - 1);
	next_first = data[0] == 0 ? 0 : 5 + data[0];
	journal_scan_init(&s, &source, &h, journal_header_encode(&h, page),
	    next_first);
	lsn = 5;
	while ((step = journal_scan_next(&s, &r)) != JOURNAL_STEP_END) {
		if (++steps > SIZE || s.offset > SIZE || s.lsn < lsn)
			abort();
		if (step == JOURNAL_STEP_RECORD && r.type == JOURNAL_EVENT &&
		    r.lsn < lsn)
			abort();
		lsn = s.lsn;
	}
	/* nothing that was durable is silently left out */
	if (next_first == 0 && s.lsn <= s.evidence)
		abort();
	if (!im.spoilt && next_first == 0 && (s.lost > 0 || s.damaged > 0 ||
	    (s.lsn != im.lsn && !im.in_group)))
		abort();
	if (journal_scan_next(&s, &r) != JOURNAL_STEP_END)
		abort();
	return 0;
}
