/* segment.h - a closed file of log lines: zstd frames, what is in each, where.
 *
 * A closed file is a row of independent zstd frames of about 256 KiB of whole
 * lines (up to 1 MiB where that packs very well), a skippable frame with our
 * index, and a skippable frame with the seek table of zstd's seekable format
 * (version 0.1.0), so that every zstd reader reads it as it is.  All numbers are
 * little endian.
 *
 * index:  magic 0x184D2A50, u32 length, then: "mrsegidx", u8 version 2, u8 line
 *         format, u16 0, u32 frames, u32 CRC-32C of what came so far and all
 *         records, then a record for each frame: i64 first and i64 last time of
 *         its lines, u64 offset in the file, u64 offset in the text, u32 bytes
 *         in the file, u32 bytes of text, u32 lines, u32 filter's offset from
 *         "mrsegidx", u32 filter's length; then the filters.
 * table:  magic 0x184D2A5E, u32 length, for each frame before it u32 bytes and
 *         u32 bytes of text (0 for the index), u32 frames, u8 0, 0x8F92EAB1.
 *
 * A filter says what is not in a frame.  The text is cut at all bytes but ASCII
 * letters, digits and those above 127, and taken in lower case.  What goes in:
 *  - each run of 5 letters (all that is not a digit is a letter here);
 *  - whole tokens of 3 or 4 letters;
 *  - of 4 runs of 5 in a row that have digits, the one whose hash is least, so
 *    about two of five of them, and none of numbers shorter than 8.
 * So it answers for any part of a word from 5 letters on, as somebody types it,
 * and for any part of an identifier from 8 characters on; short numbers, those
 * of clocks, ports and processes, are everywhere and would cost more than the
 * rest.  It is a Bloom filter with 5 bits an item and three of them set for each:
 * what is not there is found in one frame of eleven, two such in one of 120. */
#ifndef MILLRACE_PROTO_SEGMENT_H
#define MILLRACE_PROTO_SEGMENT_H

#include <stdbool.h>
#include <stdint.h>

#include "base/buf.h"
#include "base/slice.h"
#include "record/reason.h"

#define SEGMENT_INDEX_MAGIC 0x184D2A50u
#define SEGMENT_TABLE_MAGIC 0x184D2A5Eu
#define SEGMENT_SEEK_MAGIC 0x8F92EAB1u
#define SEGMENT_FRAME_TEXT ((size_t)256 << 10)
#define SEGMENT_FOOTER 9	/* bytes at the very end of the file */
#define SEGMENT_GRAM 5
#define SEGMENT_WINDOW 4	/* of runs with digits, one of so many is kept */
#define SEGMENT_TOKEN 3		/* shorter ones are not there */
#define SEGMENT_MAX_FRAMES (1u << 24)

/* ---- filters ---- */

#define SEGMENT_ITEMS 16384	/* with more, the filter says nothing */
#define SEGMENT_SEEN 1024

/* What is gathered for one frame; not small. */
struct segment_filter {
	uint32_t items[SEGMENT_ITEMS];
	uint32_t table[2 * SEGMENT_ITEMS];	/* 1 + place in items, or 0 */
	struct { uint64_t a, b; } seen[SEGMENT_SEEN];
	size_t n, text_bytes;
	bool full;
};

void segment_filter_clear(struct segment_filter *f);
/* Add all of a text; its lines must be whole. */
void segment_filter_add(struct segment_filter *f, struct slice text);
/* Append it, an even number of 8 bytes.  False: no room. */
bool segment_filter_write(const struct segment_filter *f, struct buf *out);

/* What a text must have: hashes of runs and tokens. */
struct segment_needs {
	uint32_t v[64];
	size_t n;
};

/* Add what any line with this literal in it (in any case) has for certain.
 * Adds nothing when the literal is too short to tell. */
void segment_need(struct segment_needs *needs, struct slice literal);
/* May a text with this filter have all of that?  An empty filter may. */
bool segment_may_have(struct slice filter, const struct segment_needs *needs);

/* ---- index ---- */

struct segment_frame {
	int64_t first_ns, last_ns;	/* first > last: no line has a time */
	uint64_t offset, text_offset;
	uint32_t size, text_size, lines;
	uint32_t filter_at, filter_len;
};

/* Gathers frames while a file is written. */
struct segment_writer {
	struct buf records;
	struct buf filters;
	uint32_t frames;
	uint64_t offset, text_offset;
	struct buf table;
};

void segment_writer_init(struct segment_writer *w);
void segment_writer_fini(struct segment_writer *w);
/* The next frame: f->offset, text_offset and filter_* are filled in. */
bool segment_writer_add(struct segment_writer *w, struct segment_frame *f,
    const struct segment_filter *filter);
/* Append index and table, all that follows the frames. */
bool segment_writer_end(struct segment_writer *w, uint8_t format,
    struct buf *out);

struct segment_index {
	uint8_t format;
	uint32_t frames;
	struct slice payload;		/* borrowed */
};

/* Where the seek table's frame begins, from the last SEGMENT_FOOTER bytes of a
 * file.  False: it has none. */
bool segment_find_table(struct slice footer, uint64_t file_size,
    uint64_t *table_at, size_t *table_len);
/* Where our index's frame is, from the table's frame.  False: there is none. */
bool segment_find_index(struct slice table, uint64_t table_at,
    uint64_t *index_at, size_t *index_len);
/* Read the index's frame, its 8 bytes of header with it.  Borrows from it.
 * REASON_SYNTAX, _BAD_VALUE (a checksum or a number that cannot be). */
enum reason segment_index_read(struct slice frame, uint64_t data_size,
    struct segment_index *index);
/* The n-th frame, n < index->frames. */
void segment_index_frame(const struct segment_index *index, uint32_t n,
    struct segment_frame *f);
struct slice segment_index_filter(const struct segment_index *index,
    const struct segment_frame *f);

#endif
