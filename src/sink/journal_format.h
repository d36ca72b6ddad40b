/* journal_format.h - the bytes of a journal's files.
 *
 * A journal is a directory of segments, "<first lsn, 16 hex digits>.seg", all
 * of one size, written one after the other.  Numbers are little-endian.
 *
 *   segment:  header (4096) | records ... | the same header again (4096)
 *
 *   header:   0 magic "MRJRNL01"   8 u32 version    12 u32 flags
 *            16 node, 16 bytes    32 u64 salt       40 u64 first lsn
 *            48 u64 size of file  56 u64 made, ms   zeros
 *          4092 u32 CRC-32C of all before it
 *
 *   record:   0 u32 length, without the padding to 8
 *             4 u32 CRC-32C of salt, offset, length, and all from byte 8 on
 *             8 u32 tag: a hash of salt and offset
 *            12 u32 previous: the CRC of the record before; of the header for
 *               the first one
 *            16 u64 lsn           24 u64 durable: what the disk was known to
 *                                    have when this was written
 *            32 u64 ms            40 u64 sequence
 *            48 u32 stream        52 u8 type        53 u8 flags
 *            54 u8 length of pid  55 u8 length of iid
 *            56 pid, iid, payload; then zeros up to a multiple of 8
 *
 *   EVENT     the payload is its fields: a count, and for each the two lengths,
 *             the key and the value; counts and lengths are LEB128.  With the
 *             flag MORE the next event belongs to the same group.  With
 *             ROUTED its payload begins with the sections it goes to: a byte,
 *             how many, and a u64 for each.
 *   STREAM    the payload is the name of stream number `stream`, whose last id
 *             so far is ms-sequence.  Each segment begins with one of these for
 *             every stream; a new stream's comes before its first event.
 *             Numbers never change, so any segment explains any other.
 *   MARK      written behind the last record when nothing is left to do, and
 *             overwritten by what comes next: says that all before it is
 *             durable.
 *   LOSS      `sequence` events from lsn on are known to be lost; found only in
 *             segments that were written anew from a damaged one.
 *
 * The salt is random for each use of a file, so that what an earlier use left
 * in it is never taken for a record, nor are bytes inside an event that look
 * like one.  A segment's first lsn is above all lsns of the one before, and a
 * segment is only begun when the one before is on disk.
 *
 * The last record that is whole, and follows the one before it (previous), ends
 * the log.  If anything valid farther on says that more than that was durable,
 * it is not the end but damage: see journal_scan.h. */
#ifndef MILLRACE_SINK_JOURNAL_FORMAT_H
#define MILLRACE_SINK_JOURNAL_FORMAT_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/slice.h"

#define JOURNAL_PAGE 4096u
#define JOURNAL_HEAD 56u	/* of a record */
#define JOURNAL_VERSION 1u
#define JOURNAL_MAX_SEGMENT (1024u * 1024 * 1024)

enum journal_header_flag {
	JOURNAL_REWRITTEN = 1	/* what was left of a damaged segment */
};

struct journal_header {
	uint32_t flags;
	uint8_t node[16];
	uint64_t salt, first_lsn, size, made_ms;
};

enum journal_type {
	JOURNAL_EVENT = 1,
	JOURNAL_STREAM = 2,
	JOURNAL_MARK = 3,
	JOURNAL_LOSS = 4
};

enum journal_flag {
	JOURNAL_MORE = 1,
	JOURNAL_ROUTED = 2
};

struct journal_record {
	uint32_t crc, prev;
	uint64_t lsn, durable, ms, seq;
	uint32_t stream;
	enum journal_type type;
	uint8_t flags;
	struct slice pid, iid, payload;
	uint32_t len;		/* without padding */
};

static inline uint64_t
journal_pad(uint64_t n)
{
	return (n + 7) & ~UINT64_C(7);
}

static inline uint32_t
journal_get32(const uint8_t *p)
{
	return (uint32_t)p[0] | (uint32_t)p[1] << 8 | (uint32_t)p[2] << 16 |
	    (uint32_t)p[3] << 24;
}

static inline uint64_t
journal_get64(const uint8_t *p)
{
	return journal_get32(p) | (uint64_t)journal_get32(p + 4) << 32;
}

static inline void
journal_put32(uint8_t *p, uint32_t v)
{
	p[0] = (uint8_t)v;
	p[1] = (uint8_t)(v >> 8);
	p[2] = (uint8_t)(v >> 16);
	p[3] = (uint8_t)(v >> 24);
}

static inline void
journal_put64(uint8_t *p, uint64_t v)
{
	journal_put32(p, (uint32_t)v);
	journal_put32(p + 4, (uint32_t)(v >> 32));
}

/* Fill a page; returns its checksum, the first record's `prev`. */
uint32_t journal_header_encode(const struct journal_header *h,
    uint8_t page[JOURNAL_PAGE]);
/* False: this is no header (or a later version's). */
bool journal_header_decode(const uint8_t page[JOURNAL_PAGE],
    struct journal_header *h, uint32_t *crc);

/* The length of a record with these parts, without padding; 0 when it would be
 * above 2^31. */
uint32_t journal_record_len(size_t pid, size_t iid, size_t payload);
/* Write all of a record but what depends on its place (crc, tag, prev and
 * durable); r->payload may have ptr NULL to be filled in by the caller at the
 * returned address.  `to` has room for journal_pad(r->len). */
uint8_t *journal_record_put(uint8_t *to, const struct journal_record *r);
/* Give a record written so its place; returns its checksum. */
uint32_t journal_record_seal(uint8_t *record, uint64_t salt, uint64_t offset,
    uint32_t prev, uint64_t durable);
uint32_t journal_tag(uint64_t salt, uint64_t offset);

/* From the fixed part of a record at this place: its length, or 0 when no
 * record stands there. */
uint32_t journal_record_peek(const uint8_t head[JOURNAL_HEAD], uint64_t salt,
    uint64_t offset);
/* The whole of it, `len` from journal_record_peek(); r borrows.  False: it does
 * not check. */
bool journal_record_get(const uint8_t *bytes, uint32_t len, uint64_t salt,
    uint64_t offset, struct journal_record *r);

/* "<16 hex digits>.seg"; false when it is not such a name. */
bool journal_name_parse(const char *name, uint64_t *first_lsn);
#define JOURNAL_NAME 21		/* with its NUL */
void journal_name(char name[JOURNAL_NAME], uint64_t first_lsn);

#endif
