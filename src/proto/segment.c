/* segment.c - the index and the seek table of a closed file. */
#include "config.h"

#include <assert.h>
#include <stdlib.h>

#include "base/crc32c.h"
#include "proto/segment.h"

#define HEAD 20			/* of the index, before its records */
#define RECORD 52
#define LAYOUT 2
#define INDEX_MAX ((size_t)3 << 30)

static const char magic[] = "mrsegidx";

static void
put_le(uint8_t *p, uint64_t v, size_t bytes)
{
	for (size_t i = 0; i < bytes; i++)
		p[i] = (uint8_t)(v >> 8 * i);
}

static uint64_t
get_le(const char *p, size_t bytes)
{
	uint64_t v = 0;

	for (size_t i = bytes; i-- > 0; )
		v = v << 8 | (uint8_t)p[i];
	return v;
}

/* ---- writing ---- */

void
segment_writer_init(struct segment_writer *w)
{
	*w = (struct segment_writer){
		.records = BUF_INIT((size_t)SEGMENT_MAX_FRAMES * RECORD),
		.filters = BUF_INIT(INDEX_MAX),
		.table = BUF_INIT((size_t)SEGMENT_MAX_FRAMES * 8),
	};
}

void
segment_writer_fini(struct segment_writer *w)
{
	buf_fini(&w->records);
	buf_fini(&w->filters);
	buf_fini(&w->table);
}

static void
encode(uint8_t *p, const struct segment_frame *f)
{
	put_le(p, (uint64_t)f->first_ns, 8);
	put_le(p + 8, (uint64_t)f->last_ns, 8);
	put_le(p + 16, f->offset, 8);
	put_le(p + 24, f->text_offset, 8);
	put_le(p + 32, f->size, 4);
	put_le(p + 36, f->text_size, 4);
	put_le(p + 40, f->lines, 4);
	put_le(p + 44, f->filter_at, 4);
	put_le(p + 48, f->filter_len, 4);
}

bool
segment_writer_add(struct segment_writer *w, struct segment_frame *f,
    const struct segment_filter *filter)
{
	uint8_t record[RECORD], entry[8];
	size_t at = w->filters.len;

	if (w->frames == SEGMENT_MAX_FRAMES ||
	    !segment_filter_write(filter, &w->filters))
		return false;
	f->offset = w->offset;
	f->text_offset = w->text_offset;
	f->filter_at = (uint32_t)at;	/* from the filters' begin, for now */
	f->filter_len = (uint32_t)(w->filters.len - at);
	encode(record, f);
	put_le(entry, f->size, 4);
	put_le(entry + 4, f->text_size, 4);
	if (!buf_add(&w->records, record, RECORD) ||
	    !buf_add(&w->table, entry, 8))
		return false;
	w->frames++;
	w->offset += f->size;
	w->text_offset += f->text_size;
	return true;
}

static bool
write_index(struct segment_writer *w, uint8_t format, struct buf *out)
{
	size_t len = HEAD + w->records.len + w->filters.len;
	uint8_t head[8 + HEAD] = { 0 };
	uint32_t crc;

	if (len > INDEX_MAX)
		return false;
	for (uint32_t i = 0; i < w->frames; i++) {
		uint8_t *at = (uint8_t *)w->records.data + RECORD * i + 44;

		put_le(at, get_le((char *)at, 4) + HEAD + w->records.len, 4);
	}
	put_le(head, SEGMENT_INDEX_MAGIC, 4);
	put_le(head + 4, len, 4);
	memcpy(head + 8, magic, 8);
	head[16] = LAYOUT;
	head[17] = format;
	put_le(head + 20, w->frames, 4);
	crc = crc32c(0, head + 8, 16);
	put_le(head + 24, crc32c(crc, w->records.data, w->records.len), 4);
	return buf_add(out, head, sizeof head) &&
	    buf_add_slice(out, buf_slice(&w->records)) &&
	    buf_add_slice(out, buf_slice(&w->filters));
}

bool
segment_writer_end(struct segment_writer *w, uint8_t format, struct buf *out)
{
	size_t before = out->len;
	uint8_t head[8], entry[8] = { 0 }, footer[SEGMENT_FOOTER] = { 0 };

	if (!write_index(w, format, out))
		return false;
	put_le(entry, out->len - before, 4);
	put_le(head, SEGMENT_TABLE_MAGIC, 4);
	put_le(head + 4, w->table.len + 8 + SEGMENT_FOOTER, 4);
	put_le(footer, w->frames + 1, 4);
	put_le(footer + 5, SEGMENT_SEEK_MAGIC, 4);
	return buf_add(out, head, 8) && buf_add_slice(out, buf_slice(&w->table)) &&
	    buf_add(out, entry, 8) && buf_add(out, footer, sizeof footer);
}

/* ---- reading ---- */

bool
segment_find_table(struct slice footer, uint64_t file_size,
    uint64_t *table_at, size_t *table_len)
{
	uint64_t n, len;

	if (footer.len != SEGMENT_FOOTER ||
	    get_le(footer.ptr + 5, 4) != SEGMENT_SEEK_MAGIC ||
	    (footer.ptr[4] & 0x7c) != 0)
		return false;
	n = get_le(footer.ptr, 4);
	len = 8 + n * ((footer.ptr[4] & 0x80) != 0 ? 12 : 8) + SEGMENT_FOOTER;
	if (n > SEGMENT_MAX_FRAMES + 1 || len > file_size)
		return false;
	*table_at = file_size - len;
	*table_len = (size_t)len;
	return true;
}

bool
segment_find_index(struct slice table, uint64_t table_at, uint64_t *index_at,
    size_t *index_len)
{
	const char *entry;
	uint64_t size;

	if (table.len < 8 + 8 + SEGMENT_FOOTER ||
	    get_le(table.ptr, 4) != SEGMENT_TABLE_MAGIC ||
	    get_le(table.ptr + 4, 4) != table.len - 8 ||
	    table.ptr[table.len - 5] != 0)
		return false;
	entry = table.ptr + table.len - SEGMENT_FOOTER - 8;
	size = get_le(entry, 4);
	if (get_le(entry + 4, 4) != 0 || size < 8 + HEAD || size > table_at)
		return false;
	*index_at = table_at - size;
	*index_len = (size_t)size;
	return true;
}

void
segment_index_frame(const struct segment_index *index, uint32_t n,
    struct segment_frame *f)
{
	const char *p = index->payload.ptr + HEAD + (size_t)n * RECORD;

	assert(n < index->frames);
	f->first_ns = (int64_t)get_le(p, 8);
	f->last_ns = (int64_t)get_le(p + 8, 8);
	f->offset = get_le(p + 16, 8);
	f->text_offset = get_le(p + 24, 8);
	f->size = (uint32_t)get_le(p + 32, 4);
	f->text_size = (uint32_t)get_le(p + 36, 4);
	f->lines = (uint32_t)get_le(p + 40, 4);
	f->filter_at = (uint32_t)get_le(p + 44, 4);
	f->filter_len = (uint32_t)get_le(p + 48, 4);
}

struct slice
segment_index_filter(const struct segment_index *index,
    const struct segment_frame *f)
{
	return slice_of(index->payload.ptr + f->filter_at, f->filter_len);
}

/* The frames must lie one behind the other and fill the file. */
static bool
frames_fit(const struct segment_index *index, uint64_t data_size)
{
	size_t filters = HEAD + (size_t)index->frames * RECORD;
	uint64_t at = 0, text_at = 0;
	struct segment_frame f;

	for (uint32_t i = 0; i < index->frames; i++) {
		segment_index_frame(index, i, &f);
		if (f.offset != at || f.text_offset != text_at ||
		    f.size == 0 || f.size > data_size - at ||
		    f.filter_len % 8 != 0 ||
		    f.filter_at < filters ||
		    f.filter_at > index->payload.len ||
		    f.filter_len > index->payload.len - f.filter_at)
			return false;
		at += f.size;
		text_at += f.text_size;
	}
	return at == data_size;
}

enum reason
segment_index_read(struct slice frame, uint64_t data_size,
    struct segment_index *index)
{
	struct slice p = slice_from(frame, 8);
	struct segment_index x;
	uint64_t n;
	uint32_t crc;

	if (frame.len < 8 + HEAD ||
	    get_le(frame.ptr, 4) != SEGMENT_INDEX_MAGIC ||
	    get_le(frame.ptr + 4, 4) != p.len ||
	    memcmp(p.ptr, magic, 8) != 0 || p.ptr[8] != LAYOUT)
		return REASON_SYNTAX;
	n = get_le(p.ptr + 12, 4);
	if (n > SEGMENT_MAX_FRAMES || n * RECORD > p.len - HEAD)
		return REASON_BAD_VALUE;
	crc = crc32c(0, p.ptr, 16);
	crc = crc32c(crc, p.ptr + HEAD, (size_t)n * RECORD);
	if (crc != get_le(p.ptr + 16, 4))
		return REASON_BAD_VALUE;
	x = (struct segment_index){ (uint8_t)p.ptr[9], (uint32_t)n, p };
	if (!frames_fit(&x, data_size))
		return REASON_BAD_VALUE;
	*index = x;
	return REASON_NONE;
}
