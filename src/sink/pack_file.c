/* pack_file.c - a plain segment becomes a packed one. */
#include "config.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>
#include <zstd.h>

#include "base/buf.h"
#include "proto/log_line.h"
#include "proto/segment.h"
#include "sink/archive_names.h"
#include "sink/closer.h"

#define LINE_MAX_BYTES ((size_t)64 << 20)	/* then a line is cut */
#define STAMP 27
#define FRAME_PACKED_MIN ((size_t)40 << 10)

struct job {
	int in, out;
	ZSTD_CCtx *zstd;
	uint8_t format;
	struct segment_writer writer;
	struct segment_filter *filter;
	size_t frame_text;		/* of the next frame */
	struct buf text, packed;
	uint64_t read, written;
};

static int
put(struct job *j, struct slice s)
{
	while (s.len > 0) {
		ssize_t n = write(j->out, s.ptr, s.len);

		if (n == -1 && errno == EINTR)
			continue;
		if (n == 0)
			errno = EIO;
		if (n <= 0)
			return -1;
		j->written += (uint64_t)n;
		s = slice_from(s, (size_t)n);
	}
	return 0;
}

/* Where a line has "2026-08-22T14:00:00.123456Z", of which the least and the
 * greatest text are the first and the last time too.  NULL: it has not. */
static const char *
stamp_of(uint8_t format, struct slice line)
{
	size_t from = 0;

	if (format == LOG_FORMAT_RFC5424)
		from = slice_find(slice_upto(line, 8), ' ') + 1;
	else if (format != LOG_FORMAT_SYSLOG)
		return NULL;
	if (line.len < from + STAMP || line.ptr[from + 10] != 'T' ||
	    line.ptr[from + 19] != '.' || line.ptr[from + 26] != 'Z')
		return NULL;
	return line.ptr + from;
}

static void
widen(struct job *j, struct slice line, struct segment_frame *f)
{
	int64_t t;

	if (!log_line_time((enum log_format)j->format, line, &t))
		return;
	if (t < f->first_ns)
		f->first_ns = t;
	if (t > f->last_ns)
		f->last_ns = t;
}

/* Times and lines of a frame. */
static void
look(struct job *j, struct slice text, struct segment_frame *f)
{
	struct slice first = { NULL, 0 }, last = { NULL, 0 };
	const char *least = NULL, *most = NULL;

	f->first_ns = INT64_MAX;
	f->last_ns = INT64_MIN;
	while (text.len > 0) {
		struct slice line = slice_cut(&text, '\n');
		const char *stamp = stamp_of(j->format, line);

		f->lines++;
		if (stamp == NULL) {
			widen(j, line, f);
			continue;
		}
		if (least == NULL || memcmp(stamp, least, STAMP) < 0) {
			least = stamp;
			first = line;
		}
		if (most == NULL || memcmp(stamp, most, STAMP) > 0) {
			most = stamp;
			last = line;
		}
	}
	if (least != NULL) {
		widen(j, first, f);
		widen(j, last, f);
	}
}

/* Text that packs very well has longer frames: what beginning anew costs is much
 * of a small frame, and it is read again the faster. */
static size_t
next_frame_text(size_t text, size_t packed)
{
	size_t usual = text == 0 ? 0 : (size_t)((uint64_t)packed *
	    SEGMENT_FRAME_TEXT / text);

	return usual >= FRAME_PACKED_MIN ? SEGMENT_FRAME_TEXT :
	    usual >= FRAME_PACKED_MIN / 2 ? 2 * SEGMENT_FRAME_TEXT :
	    4 * SEGMENT_FRAME_TEXT;
}

static int
pack_frame(struct job *j, size_t len)
{
	struct slice text = slice_of(j->text.data, len);
	struct segment_frame f = { .text_size = (uint32_t)len };
	size_t n;

	errno = ENOMEM;
	buf_clear(&j->packed);
	if (!buf_reserve(&j->packed, ZSTD_compressBound(len)))
		return -1;
	n = ZSTD_compress2(j->zstd, j->packed.data, j->packed.cap, text.ptr,
	    len);
	if (ZSTD_isError(n))
		return -1;
	f.size = (uint32_t)n;
	look(j, text, &f);
	segment_filter_clear(j->filter);
	segment_filter_add(j->filter, text);
	if (!segment_writer_add(&j->writer, &f, j->filter) ||
	    put(j, slice_of(j->packed.data, n)) != 0)
		return -1;
	buf_consume(&j->text, len);
	j->frame_text = next_frame_text(len, n);
	return 0;
}

/* How much of the text is the next frame: whole lines; 0: read on. */
static size_t
frame_len(const struct job *j, bool end)
{
	size_t len = j->text.len < j->frame_text ? j->text.len :
	    j->frame_text;
	const char *nl;

	if (j->text.len < j->frame_text && !end)
		return 0;
	nl = len == 0 ? NULL : memrchr(j->text.data, '\n', len);
	if (nl == NULL)
		nl = len == j->text.len ? NULL : memchr(j->text.data + len,
		    '\n', j->text.len - len);
	if (nl != NULL)
		return (size_t)(nl - j->text.data) + 1;
	return end || j->text.len >= LINE_MAX_BYTES ? j->text.len : 0;
}

/* No more than the frame at hand lacks, or all behind it would be moved. */
static size_t
missing(const struct job *j)
{
	return j->text.len < j->frame_text ? j->frame_text - j->text.len :
	    SEGMENT_FRAME_TEXT;
}

static int
pack_text(struct job *j, const _Atomic bool *stop)
{
	bool end = false;

	while (!end || j->text.len > 0) {
		size_t n = frame_len(j, end), want;
		ssize_t got;

		if (*stop) {
			errno = ECANCELED;
			return -1;
		}
		if (n > 0) {
			if (pack_frame(j, n) != 0)
				return -1;
			continue;
		}
		errno = ENOMEM;
		want = missing(j);
		if (!buf_reserve(&j->text, want))
			return -1;
		got = read(j->in, j->text.data + j->text.len, want);
		if (got == -1 && errno != EINTR)
			return -1;
		end = got == 0;
		j->text.len += got > 0 ? (size_t)got : 0;
		j->read += got > 0 ? (uint64_t)got : 0;
	}
	return 0;
}

static int
pack_end(struct job *j)
{
	struct buf tail = BUF_INIT((size_t)4 << 30);
	int rc = -1;

	errno = ENOMEM;
	if (segment_writer_end(&j->writer, j->format, &tail))
		rc = put(j, buf_slice(&tail));
	buf_fini(&tail);
	return rc;
}

/* Level 1 has tables for texts of any length.  Frames are short and lines alike:
 * a larger table and longer matches pack them closer and no slower, which makes
 * up for a part of what is lost because no frame knows the one before it. */
static bool
set_level(ZSTD_CCtx *z, int level)
{
	return !ZSTD_isError(ZSTD_CCtx_setParameter(z,
	    ZSTD_c_compressionLevel, level)) &&
	    !ZSTD_isError(ZSTD_CCtx_setParameter(z, ZSTD_c_checksumFlag, 1)) &&
	    (level != 1 || (!ZSTD_isError(ZSTD_CCtx_setParameter(z,
	    ZSTD_c_hashLog, 16)) && !ZSTD_isError(ZSTD_CCtx_setParameter(z,
	    ZSTD_c_minMatch, 7))));
}

static bool
job_init(struct job *j, int level, uint8_t format)
{
	*j = (struct job){ .in = -1, .out = -1, .format = format,
	    .frame_text = SEGMENT_FRAME_TEXT };
	segment_writer_init(&j->writer);
	buf_init(&j->text, 2 * LINE_MAX_BYTES);
	buf_init(&j->packed, ZSTD_compressBound(2 * LINE_MAX_BYTES));
	j->filter = malloc(sizeof *j->filter);
	j->zstd = ZSTD_createCCtx();
	return j->filter != NULL && j->zstd != NULL &&
	    set_level(j->zstd, level);
}

static void
job_fini(struct job *j)
{
	int saved = errno;

	ZSTD_freeCCtx(j->zstd);
	free(j->filter);
	segment_writer_fini(&j->writer);
	buf_fini(&j->text);
	buf_fini(&j->packed);
	if (j->in != -1)
		close(j->in);
	if (j->out != -1)
		close(j->out);
	errno = saved;
}

/* It keeps the plain file's time: that of its last line. */
static int
finish(struct job *j, const struct stat *st)
{
	struct timespec times[2] = { st->st_mtim, st->st_mtim };

	return futimens(j->out, times) != 0 || fsync(j->out) != 0 ? -1 : 0;
}

/* The plain file goes only if it is as it was read. */
static int
replace(int dir, const char *path, const char *part, const char *packed,
    struct job *j)
{
	struct stat st;

	if (fstat(j->in, &st) != 0)
		return -1;
	if ((uint64_t)st.st_size != j->read) {
		errno = EAGAIN;
		return -1;
	}
	if (renameat(dir, part, dir, packed) != 0 ||
	    archive_sync_dir(dir, packed) != 0)
		return -1;
	return unlinkat(dir, path, 0);
}

int
pack_file(int dir, const char *path, int level, uint8_t format,
    const _Atomic bool *stop, int (*before)(void *ctx, const char *packed),
    void *ctx, struct closer_stats *stats)
{
	char packed[ARCHIVE_PATH], part[ARCHIVE_PATH + 8];
	struct stat st;
	struct job j;
	int rc = -1, saved;

	if (snprintf(packed, sizeof packed, "%s.zst", path) >=
	    (int)sizeof packed) {
		errno = ENAMETOOLONG;
		return -1;
	}
	snprintf(part, sizeof part, "%s.part", packed);
	errno = ENOMEM;
	if (!job_init(&j, level, format))
		goto end;
	j.in = openat(dir, path, O_RDONLY | O_CLOEXEC | O_NOFOLLOW);
	if (j.in == -1 || fstat(j.in, &st) != 0)
		goto end;
	j.out = openat(dir, part, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC |
	    O_NOFOLLOW, st.st_mode & 0777);
	if (j.out == -1)
		goto end;
	if (pack_text(&j, stop) == 0 && pack_end(&j) == 0 &&
	    finish(&j, &st) == 0 &&
	    (before == NULL || before(ctx, packed) == 0) &&
	    replace(dir, path, part, packed, &j) == 0)
		rc = 0;
	saved = errno;
	if (rc != 0)
		(void)unlinkat(dir, part, 0);
	errno = saved;
	if (rc == 0) {
		stats->packed++;
		stats->text_bytes += j.read;
		stats->packed_bytes += j.written;
	}
end:
	job_fini(&j);
	return rc;
}
