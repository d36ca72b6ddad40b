/* journal_scan.h - which records of a segment are to be believed.
 *
 * Walks a segment from its first record and gives those that are whole and
 * follow one another.  Where that ends there are two cases.  The end of the
 * log: a crash tore what was being written, nobody was told it was safe, and
 * it is cut off.  Or damage: something valid farther on, or the segment that
 * follows, shows that this had been durable; then the walk goes on behind it,
 * and counts what is missing.
 *
 * Pure: the bytes come through a function, so that a file larger than memory
 * is walked with a small window, and a test hands in whatever it likes. */
#ifndef MILLRACE_SINK_JOURNAL_SCAN_H
#define MILLRACE_SINK_JOURNAL_SCAN_H

#include "sink/journal_format.h"

struct journal_source {
	/* The bytes at [offset, offset + len), borrowed until the next call; NULL
	 * when they cannot be read.  offset + len <= size. */
	const uint8_t *(*fetch)(void *ctx, uint64_t offset, size_t len);
	void *ctx;
	uint64_t size;		/* no record reaches beyond */
};

enum journal_step {
	JOURNAL_STEP_RECORD,	/* one more; MARKs are not given */
	JOURNAL_STEP_DAMAGE,	/* bytes were passed over; the walk goes on */
	JOURNAL_STEP_END
};

struct journal_scan {
	struct journal_source source;
	uint64_t salt;
	uint64_t next_first;	/* first lsn of the segment behind; 0: none */

	uint64_t offset;	/* of the next record; after END, of the end */
	uint64_t lsn;		/* of the next event; after END below next_first
				 * when the rest is missing */
	uint32_t prev;		/* what the next record must name */
	bool any_prev;		/* unless it is the first behind damage */
	uint64_t evidence;	/* this much was durable, as far as is known */
	bool searched;		/* evidence is all there is */

	uint64_t at;		/* where the record, or the damage, begins */
	uint64_t lost;		/* events missing, all told */
	uint64_t damaged;	/* bytes passed over */
	uint64_t torn;		/* after END: bytes of the first torn record */
	uint64_t group_end;	/* lsn up to which a group is known whole */
};

/* Begin behind the header.  lsn and crc are the header's. */
void journal_scan_init(struct journal_scan *s,
    const struct journal_source *source, const struct journal_header *h,
    uint32_t header_crc, uint64_t next_first);
/* r borrows from the source's bytes. */
enum journal_step journal_scan_next(struct journal_scan *s,
    struct journal_record *r);
/* The record at this place if it is whole, whatever stands around it. */
bool journal_record_at(const struct journal_source *source, uint64_t salt,
    uint64_t offset, struct journal_record *r);
/* The first such record at or behind `from`, and its place; false: none. */
bool journal_record_find(const struct journal_source *source, uint64_t salt,
    uint64_t from, uint64_t *offset, struct journal_record *r);

#endif
