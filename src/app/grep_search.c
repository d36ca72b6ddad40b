/* grep_search.c - chunks of files, threads that search them, lines in order. */
#include "config.h"

#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <unistd.h>
#include <zstd.h>

#include "app/grep_search.h"
#include "base/buf.h"
#include "base/clock.h"
#include "core/match.h"
#include "sink/archive_names.h"

#define PIECE ((uint64_t)1 << 20)	/* of a plain file */
#define AHEAD 512			/* chunks searched and not given out */
#define TEXT_MAX ((size_t)4 << 30)
#define NO_TIME INT64_MIN
#define PROGRESS_AFTER_NS (2 * NS_PER_S)
#define PROGRESS_EACH_NS (NS_PER_S / 10)

struct hit {
	int64_t time_ns;
	size_t at, len;			/* in the chunk's text of hits */
	bool context, gap;
};

struct chunk {
	uint32_t file;
	uint32_t size, text_size;	/* of a frame */
	uint64_t offset, end;		/* in the file; end 0: all of it */
	int64_t first_ns;
	bool done;
	bool sorted;			/* as the lines lie in text */
	uint64_t count;			/* of hits, if only that is asked for */
	struct hit *hits;
	size_t nhits, cap, next;
	struct buf text;
};

struct input {
	char *path;
	int fd;
	uint64_t size;
	bool packed;
	enum log_format format;
};

struct grep_search {
	const struct grep_options *o;
	struct input *inputs;
	size_t ninputs, cap_inputs;
	struct chunk *chunks;
	size_t nchunks, cap_chunks;
	struct grep_stats stats;

	pthread_mutex_t mutex;
	pthread_cond_t done, room;
	size_t next;			/* to be taken */
	size_t lowest;			/* the first that is not done */
	bool stop;
};

/* What a thread keeps. */
struct searcher {
	struct grep_search *s;
	struct match_captures captures;
	struct buf scratch, in, out;
	ZSTD_DCtx *zstd;
	uint64_t lines, bytes, errors;
	char second[20];		/* "2026-08-22T14:00:00." of a line */
	int64_t second_ns;
};

static bool
grow(void *v, size_t *cap, size_t n, size_t size)
{
	void **at = v, *more;
	size_t to = *cap == 0 ? 64 : 2 * *cap;

	if (n < *cap)
		return true;
	more = realloc(*at, to * size);
	if (more == NULL)
		return false;
	*at = more;
	*cap = to;
	return true;
}

/* ---- files ---- */

static ssize_t
read_at(int fd, void *p, size_t n, uint64_t at)
{
	size_t got = 0;

	while (got < n) {
		ssize_t r = pread(fd, (char *)p + got, n - got,
		    (off_t)(at + got));

		if (r == -1 && errno == EINTR)
			continue;
		if (r == -1)
			return -1;
		if (r == 0)
			break;
		got += (size_t)r;
	}
	return (ssize_t)got;
}

static bool
report(struct grep_search *s, const char *path, const char *why)
{
	fprintf(stderr, "millrace grep: %s: %s\n", path, why);
	s->stats.errors++;
	return false;
}

static enum log_format
guess(const struct grep_search *s, struct slice text)
{
	struct slice line = slice_cut(&text, '\n');
	int64_t t;

	if (s->o->format >= 0)
		return (enum log_format)s->o->format;
	if (line.len > 0 && line.ptr[0] == '{')
		return LOG_FORMAT_JSON;
	if (line.len > 0 && line.ptr[0] == '<')
		return LOG_FORMAT_RFC5424;
	return log_line_time(LOG_FORMAT_SYSLOG, line, &t) ?
	    LOG_FORMAT_SYSLOG : LOG_FORMAT_RAW;
}

static bool
add_chunk(struct grep_search *s, const struct chunk *c)
{
	if (!grow(&s->chunks, &s->cap_chunks, s->nchunks, sizeof *c))
		return false;
	s->chunks[s->nchunks] = *c;
	buf_init(&s->chunks[s->nchunks++].text, TEXT_MAX);
	return true;
}

/* Frames that can have something. */
static bool
add_frames(struct grep_search *s, struct input *in,
    const struct segment_index *x)
{
	const struct grep_options *o = s->o;
	bool whole = o->before > 0 || o->after > 0, any = false;
	struct segment_frame f;

	in->format = o->format >= 0 ? (enum log_format)o->format :
	    x->format < LOG_FORMATS ? (enum log_format)x->format :
	    LOG_FORMAT_RAW;
	for (uint32_t i = 0; i < x->frames; i++) {
		segment_index_frame(x, i, &f);
		s->stats.frames++;
		if ((f.first_ns <= f.last_ns && (f.last_ns < o->since_ns ||
		    f.first_ns > o->until_ns)) ||
		    !segment_may_have(segment_index_filter(x, &f), &o->pattern.needs))
			continue;
		any = true;
		if (!whole && !add_chunk(s, &(struct chunk){
		    .file = (uint32_t)s->ninputs, .size = f.size,
		    .text_size = f.text_size, .offset = f.offset,
		    .end = f.offset + f.size,
		    .first_ns = f.first_ns <= f.last_ns ? f.first_ns : NO_TIME }))
			return false;
		s->stats.frames_read += !whole;
	}
	if (whole && any)
		s->stats.frames_read += x->frames;
	return !whole || !any || add_chunk(s, &(struct chunk){
	    .file = (uint32_t)s->ninputs, .first_ns = NO_TIME });
}

/* The index, if the file has a good one; the filters are looked at where they
 * lie, so that only what is asked of them is read from disk. */
static bool
use_index(struct grep_search *s, struct input *in, bool *ok)
{
	char footer[SEGMENT_FOOTER], *table = NULL;
	uint64_t table_at, index_at, from;
	size_t table_len, index_len;
	struct segment_index x;
	void *map;
	bool have = false;

	if (in->size < SEGMENT_FOOTER || read_at(in->fd, footer, sizeof footer,
	    in->size - sizeof footer) != sizeof footer ||
	    !segment_find_table(slice_of(footer, sizeof footer), in->size,
	    &table_at, &table_len) || (table = malloc(table_len)) == NULL)
		return false;
	if (read_at(in->fd, table, table_len, table_at) == (ssize_t)table_len &&
	    segment_find_index(slice_of(table, table_len), table_at, &index_at,
	    &index_len)) {
		from = index_at & ~(uint64_t)65535;
		map = mmap(NULL, index_len + (index_at - from), PROT_READ,
		    MAP_PRIVATE, in->fd, (off_t)from);
		if (map != MAP_FAILED) {
			have = segment_index_read(slice_of((char *)map +
			    (index_at - from), index_len), index_at, &x) ==
			    REASON_NONE;
			if (have)
				*ok = add_frames(s, in, &x);
			munmap(map, index_len + (index_at - from));
		}
	}
	free(table);
	return have;
}

static bool
add_pieces(struct grep_search *s, struct input *in)
{
	bool whole = s->o->before > 0 || s->o->after > 0;
	char head[4096];
	ssize_t n = read_at(in->fd, head, sizeof head, 0);
	int64_t last = NO_TIME;

	if (n < 0)
		return false;
	in->format = guess(s, slice_of(head, (size_t)n));
	for (uint64_t at = 0; at < in->size; at += PIECE) {
		struct chunk c = { .file = (uint32_t)s->ninputs, .offset = at,
		    .end = whole ? in->size : at + PIECE, .first_ns = last };
		struct slice text;

		if (c.end > in->size)
			c.end = in->size;
		n = read_at(in->fd, head, sizeof head, at);
		text = slice_of(head, n > 0 ? (size_t)n : 0);
		if (at > 0)
			slice_cut(&text, '\n');
		if (text.len > 0 && log_line_time(in->format, text, &c.first_ns))
			last = c.first_ns;
		s->stats.frames++;
		s->stats.frames_read++;
		if (!add_chunk(s, &c))
			return false;
		if (whole)
			break;
	}
	return true;
}

static bool
add_file(struct grep_search *s, const char *path)
{
	struct input in = { .fd = open(path, O_RDONLY | O_CLOEXEC) };
	struct stat st;
	uint8_t magic[4];
	bool ok = true;

	if (in.fd == -1 || fstat(in.fd, &st) != 0 ||
	    (in.path = strdup(path)) == NULL ||
	    !grow(&s->inputs, &s->cap_inputs, s->ninputs, sizeof in)) {
		int saved = errno;

		if (in.fd != -1)
			close(in.fd);
		free(in.path);
		/* one that was packed meanwhile is found by its new name */
		return saved == ENOENT || report(s, path, strerror(saved));
	}
	in.size = (uint64_t)st.st_size;
	in.packed = read_at(in.fd, magic, 4, 0) == 4 && magic[0] == 0x28 &&
	    magic[1] == 0xb5 && magic[2] == 0x2f && magic[3] == 0xfd;
	s->stats.files++;
	if (!in.packed) {
		ok = add_pieces(s, &in);
	} else if (!use_index(s, &in, &ok)) {
		s->stats.frames++;
		s->stats.frames_read++;
		in.format = LOG_FORMATS;	/* seen when it is read */
		ok = add_chunk(s, &(struct chunk){
		    .file = (uint32_t)s->ninputs, .first_ns = NO_TIME });
	}
	/* thousands of files, a few descriptors */
	close(in.fd);
	in.fd = -1;
	s->inputs[s->ninputs++] = in;
	return ok || report(s, path, "out of memory");
}

struct walk {
	char **v;
	size_t n, cap;
};

static bool
found(void *ctx, const char *path, enum archive_kind kind,
    const struct stat *st)
{
	struct walk *w = ctx;

	if (kind == ARCHIVE_PART || kind == ARCHIVE_TODO || st->st_size == 0)
		return true;
	if (!grow(&w->v, &w->cap, w->n, sizeof *w->v))
		return false;
	w->v[w->n] = strdup(path);
	return w->v[w->n++] != NULL;
}

static int
by_name(const void *a, const void *b)
{
	return strcmp(*(char *const *)a, *(char *const *)b);
}

bool
grep_search_add(struct grep_search *s, const char *path)
{
	struct walk w = { 0 };
	int dir = open(path, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	char full[2 * ARCHIVE_PATH];
	bool ok = true;

	if (dir == -1)
		return errno == ENOTDIR ? add_file(s, path) :
		    report(s, path, strerror(errno));
	archive_walk(dir, NULL, found, &w);
	close(dir);
	if (w.n > 1)
		qsort(w.v, w.n, sizeof *w.v, by_name);
	for (size_t i = 0; i < w.n; i++) {
		snprintf(full, sizeof full, "%s/%s", path, w.v[i]);
		ok = add_file(s, full) && ok;
		free(w.v[i]);
	}
	free(w.v);
	return ok;
}

/* ---- searching ---- */

/* The six digits and the Z behind a second that is known. */
static bool
micros(const char *p, int64_t *us)
{
	int64_t v = 0;

	for (int i = 0; i < 6; i++) {
		if (p[i] < '0' || p[i] > '9')
			return false;
		v = v * 10 + (p[i] - '0');
	}
	*us = v;
	return p[6] == 'Z' && p[7] == ' ';
}

/* Most lines have the second of the one before. */
static bool
line_time(struct searcher *w, enum log_format format, struct slice line,
    int64_t *ns)
{
	const size_t n = sizeof w->second;
	bool usual = format == LOG_FORMAT_SYSLOG && line.len >= n + 8;
	int64_t us;

	if (usual && memcmp(line.ptr, w->second, n) == 0 &&
	    micros(line.ptr + n, &us)) {
		*ns = w->second_ns + us * 1000;
		return true;
	}
	if (!log_line_time(format, line, ns))
		return false;
	if (usual && line.ptr[n - 1] == '.' && micros(line.ptr + n, &us)) {
		memcpy(w->second, line.ptr, n);
		w->second_ns = *ns - us * 1000;
	}
	return true;
}

static bool
wanted(struct searcher *w, const struct input *in, struct slice line,
    int64_t *time_ns)
{
	const struct grep_options *o = w->s->o;
	struct record r;

	if (o->count && o->where == NULL && o->since_ns == INT64_MIN &&
	    o->until_ns == INT64_MAX)
		return true;
	(void)line_time(w, in->format, line, time_ns);
	if (*time_ns != NO_TIME &&
	    (*time_ns < o->since_ns || *time_ns > o->until_ns))
		return false;
	if (o->where == NULL)
		return true;
	return log_line_parse(in->format, line, &r, &w->scratch) ==
	    REASON_NONE && match(o->where, &r, &w->captures);
}

static bool
keep(struct chunk *c, struct slice line, int64_t time_ns, bool context,
    bool gap)
{
	struct hit h = { time_ns, c->text.len, line.len + 1, context, gap };

	if (!grow(&c->hits, &c->cap, c->nhits, sizeof h) ||
	    !buf_reserve(&c->text, line.len + 1))
		return false;
	buf_add_slice(&c->text, line);
	buf_addc(&c->text, '\n');
	c->hits[c->nhits++] = h;
	return true;
}

static bool
search_plainly(struct searcher *w, struct chunk *c, const struct input *in,
    struct slice text)
{
	int64_t t = c->first_ns;
	struct slice line;

	while (grep_pattern_next(&w->s->o->pattern, &text, &line))
		if (!wanted(w, in, line, &t))
			continue;
		else if (w->s->o->count)
			c->count++;
		else if (!keep(c, line, t, false, false))
			return false;
	return true;
}

/* Up to n lines before p, but not before from. */
static const char *
back(const char *p, const char *from, unsigned n)
{
	while (n-- > 0 && p > from) {
		const char *nl = p - 1 == from ? NULL :
		    memrchr(from, '\n', (size_t)(p - 1 - from));

		p = nl == NULL ? from : nl + 1;
	}
	return p;
}

/* Lines and their neighbours: those of a group have the time of its first. */
static bool
search_around(struct searcher *w, struct chunk *c, const struct input *in,
    struct slice text)
{
	const struct grep_options *o = w->s->o;
	const char *shown = text.ptr, *end = text.ptr + text.len;
	int64_t t = c->first_ns, group = NO_TIME;
	unsigned after = 0;
	struct slice line;
	bool ok = true, first = true;

	while (ok) {
		bool more = grep_pattern_next(&o->pattern, &text, &line);
		const char *until = more ? line.ptr : end;

		if (more && !wanted(w, in, line, &t))
			continue;
		for (; ok && after > 0 && shown < until; after--) {
			struct slice rest = slice_of(shown, (size_t)(until - shown));
			struct slice l = slice_cut(&rest, '\n');

			ok = keep(c, l, group, true, false);
			shown = rest.ptr == NULL ? until : rest.ptr;
		}
		if (!more)
			return ok;
		{
			const char *p = back(line.ptr, shown, o->before);
			bool gap = first || p > shown;

			if (gap)
				group = t;
			while (ok && p < line.ptr) {
				struct slice rest = slice_of(p,
				    (size_t)(line.ptr - p));
				struct slice l = slice_cut(&rest, '\n');

				ok = keep(c, l, group, true, gap);
				gap = false;
				p = rest.ptr == NULL ? line.ptr : rest.ptr;
			}
			ok = ok && keep(c, line, group, false, gap);
			first = false;
		}
		shown = line.ptr + line.len < end ? line.ptr + line.len + 1 :
		    end;
		after = o->after;
	}
	return ok;
}

static int
by_hit(const void *a, const void *b)
{
	const struct hit *x = a, *y = b;

	if (x->time_ns != y->time_ns)
		return x->time_ns < y->time_ns ? -1 : 1;
	return x->at < y->at ? -1 : x->at > y->at;
}

static bool
search_text(struct searcher *w, struct chunk *c, struct input *in,
    struct slice text)
{
	const struct grep_options *o = w->s->o;
	bool ok;

	c->sorted = true;
	w->bytes += text.len;
	if (in->format == LOG_FORMATS)
		in->format = guess(w->s, text);
	ok = (o->before > 0 || o->after > 0) && !o->count ?
	    search_around(w, c, in, text) : search_plainly(w, c, in, text);
	for (size_t i = 1; i < c->nhits; i++)
		c->sorted = c->sorted &&
		    c->hits[i - 1].time_ns <= c->hits[i].time_ns;
	if (!c->sorted)
		qsort(c->hits, c->nhits, sizeof *c->hits, by_hit);
	return ok;
}

/* A piece of a plain file: the lines that begin in it. */
static bool
read_piece(struct searcher *w, int fd, const struct chunk *c,
    struct slice *text)
{
	uint64_t from = c->offset > 0 ? c->offset - 1 : 0;
	size_t want = (size_t)(c->end - from);

	buf_clear(&w->out);
	for (;;) {
		ssize_t n;
		size_t have = w->out.len;

		if (!buf_reserve(&w->out, want))
			return false;
		n = read_at(fd, w->out.data + have, want, from + have);
		if (n < 0)
			return false;
		w->out.len += (size_t)n;
		if ((size_t)n < want || memchr(w->out.data + (c->end - from) - 1,
		    '\n', w->out.len - (size_t)(c->end - from) + 1) != NULL)
			break;
		want = 65536;
	}
	*text = buf_slice(&w->out);
	if (c->end - from <= text->len) {
		size_t last = (size_t)(c->end - from) - 1;

		*text = slice_upto(*text, last + 1 +
		    slice_find(slice_from(*text, last), '\n'));
	}
	if (c->offset > 0)
		slice_cut(text, '\n');
	return true;
}

static bool
read_frame(struct searcher *w, int fd, const struct chunk *c,
    struct slice *text)
{
	size_t n;

	buf_clear(&w->in);
	buf_clear(&w->out);
	if (c->text_size > ((uint32_t)1 << 30) ||
	    !buf_reserve(&w->in, c->size) ||
	    !buf_reserve(&w->out, (size_t)c->text_size + 1) ||
	    read_at(fd, w->in.data, c->size, c->offset) != (ssize_t)c->size)
		return false;
	n = ZSTD_decompressDCtx(w->zstd, w->out.data, w->out.cap, w->in.data,
	    c->size);
	if (ZSTD_isError(n))
		return false;
	*text = slice_of(w->out.data, n);
	return true;
}

/* Any zstd file, from its front; what can be read of a broken one is used. */
static bool
read_all(struct searcher *w, int fd, struct slice *text)
{
	uint64_t at = 0;
	size_t lacks = 0;		/* 0: a frame has just ended */
	bool ok = true;

	buf_clear(&w->out);
	ZSTD_DCtx_reset(w->zstd, ZSTD_reset_session_only);
	while (buf_reserve(&w->in, 1 << 17)) {
		ssize_t n = read_at(fd, w->in.data, 1 << 17, at);
		ZSTD_inBuffer in = { w->in.data, n > 0 ? (size_t)n : 0, 0 };
		ZSTD_outBuffer out = { 0 };

		if (n <= 0)
			break;
		at += (uint64_t)n;
		/* when it filled all of out, it may have more */
		while (ok && (in.pos < in.size || (lacks > 0 &&
		    out.pos == out.size && out.size > 0))) {
			if (!buf_reserve(&w->out, 1 << 20))
				return false;
			out = (ZSTD_outBuffer){ w->out.data + w->out.len,
			    w->out.cap - w->out.len, 0 };
			lacks = ZSTD_decompressStream(w->zstd, &out, &in);
			ok = !ZSTD_isError(lacks);
			w->out.len += out.pos;
		}
	}
	*text = buf_slice(&w->out);
	return ok && lacks == 0;
}

static void
search_chunk(struct searcher *w, struct chunk *c)
{
	struct input *in = &w->s->inputs[c->file];
	struct slice text = { NULL, 0 };
	char packed[2 * ARCHIVE_PATH];
	int fd = open(in->path, O_RDONLY | O_CLOEXEC);
	bool ok;

	if (fd == -1 && errno == ENOENT && !in->packed) {
		/* packed since it was found: all of it is there */
		struct chunk all = { .first_ns = NO_TIME };

		snprintf(packed, sizeof packed, "%s.zst", in->path);
		fd = open(packed, O_RDONLY | O_CLOEXEC);
		ok = fd != -1 && read_all(w, fd, &text);
		if (ok && c->end > 0) {
			text = slice_upto(text, (size_t)c->end + slice_find(
			    slice_from(text, (size_t)c->end - 1), '\n'));
			text = slice_from(text, c->offset > 0 ?
			    (size_t)c->offset - 1 : 0);
			if (c->offset > 0)
				slice_cut(&text, '\n');
		}
		(void)all;
	} else {
		ok = fd != -1 && (!in->packed ? read_piece(w, fd, c, &text) :
		    c->end > 0 ? read_frame(w, fd, c, &text) :
		    read_all(w, fd, &text));
	}
	if (!ok) {
		fprintf(stderr, "millrace grep: %s: cannot be read as a "
		    "whole\n", in->path);
		w->errors++;
	}
	if (!search_text(w, c, in, text))
		w->errors++;
	if (fd != -1)
		close(fd);
}

static struct chunk *
take(struct grep_search *s)
{
	struct chunk *c = NULL;

	pthread_mutex_lock(&s->mutex);
	while (!s->stop && s->next < s->nchunks && s->next - s->lowest > AHEAD)
		pthread_cond_wait(&s->room, &s->mutex);
	if (!s->stop && s->next < s->nchunks)
		c = &s->chunks[s->next++];
	pthread_mutex_unlock(&s->mutex);
	return c;
}

static void *
search_thread(void *ctx)
{
	struct grep_search *s = ctx;
	struct searcher *w = calloc(1, sizeof *w);
	struct chunk *c;

	if (w == NULL)
		return NULL;
	w->s = s;
	w->scratch = BUF_INIT((size_t)256 << 20);
	w->in = w->out = BUF_INIT(TEXT_MAX);
	w->zstd = ZSTD_createDCtx();
	match_reset(&w->captures);
	while (w->zstd != NULL && (c = take(s)) != NULL) {
		search_chunk(w, c);
		pthread_mutex_lock(&s->mutex);
		c->done = true;
		while (s->lowest < s->nchunks && s->chunks[s->lowest].done)
			s->lowest++;
		pthread_cond_signal(&s->done);
		pthread_cond_broadcast(&s->room);
		pthread_mutex_unlock(&s->mutex);
	}
	pthread_mutex_lock(&s->mutex);
	s->stats.text_bytes += w->bytes;
	s->stats.errors += w->errors;
	pthread_mutex_unlock(&s->mutex);
	ZSTD_freeDCtx(w->zstd);
	buf_fini(&w->scratch);
	buf_fini(&w->in);
	buf_fini(&w->out);
	free(w);
	return NULL;
}

/* ---- in order ---- */

/* A heap of chunks by their next line. */
struct heap {
	struct chunk **v;
	size_t n, cap;
};

static bool
before(const struct chunk *a, const struct chunk *b)
{
	int64_t x = a->hits[a->next].time_ns, y = b->hits[b->next].time_ns;

	if (x != y)
		return x < y;
	return a->file != b->file ? a->file < b->file : a->offset < b->offset;
}

static void
sink_down(struct heap *h, size_t i)
{
	for (;;) {
		size_t least = i;
		struct chunk *c;

		for (size_t k = 2 * i + 1; k <= 2 * i + 2 && k < h->n; k++)
			if (before(h->v[k], h->v[least]))
				least = k;
		if (least == i)
			return;
		c = h->v[i];
		h->v[i] = h->v[least];
		h->v[least] = c;
		i = least;
	}
}

static bool
heap_add(struct heap *h, struct chunk *c)
{
	size_t i = h->n;

	if (!grow(&h->v, &h->cap, h->n, sizeof *h->v))
		return false;
	h->v[h->n++] = c;
	while (i > 0 && before(h->v[i], h->v[(i - 1) / 2])) {
		struct chunk *up = h->v[(i - 1) / 2];

		h->v[(i - 1) / 2] = h->v[i];
		h->v[i] = up;
		i = (i - 1) / 2;
	}
	return true;
}

static void
forget(struct chunk *c)
{
	buf_fini(&c->text);
	free(c->hits);
	c->hits = NULL;
	c->nhits = 0;
}

/* The earliest chunk has as many lines as this before any other's turn comes. */
static size_t
in_a_row(const struct heap *h, int64_t until, bool last)
{
	const struct chunk *c = h->v[0];
	int64_t end = last ? INT64_MAX : until;
	size_t lo = c->next + 1, hi = c->nhits;

	if (!c->sorted)
		return 1;
	for (size_t i = 1; i <= 2 && i < h->n; i++)
		if (h->v[i]->hits[h->v[i]->next].time_ns < end)
			end = h->v[i]->hits[h->v[i]->next].time_ns;
	if (last && h->n == 1)
		return hi - c->next;
	while (lo < hi) {
		size_t mid = lo + (hi - lo) / 2;

		if (c->hits[mid].time_ns < end)
			lo = mid + 1;
		else
			hi = mid;
	}
	return lo - c->next;
}

/* Give out all that is earlier than a time. */
static bool
emit_until(struct grep_search *s, struct heap *h, int64_t until, bool last,
    grep_emit *emit, void *ctx)
{
	while (h->n > 0) {
		struct chunk *c = h->v[0];
		const struct hit *hit = &c->hits[c->next], *to;
		size_t n = 1;

		if (!last && hit->time_ns >= until)
			return true;
		if (s->o->blocks)
			n = in_a_row(h, until, last);
		to = hit + n - 1;
		if (!emit(ctx, slice_of(c->text.data + hit->at, to->at +
		    to->len - hit->at), s->inputs[c->file].format,
		    hit->context, hit->gap))
			return false;
		s->stats.lines += hit->context ? 0 : n;
		c->next += n;
		if (c->next == c->nhits) {
			forget(c);
			h->v[0] = h->v[--h->n];
		}
		if (h->n > 0)
			sink_down(h, 0);
	}
	return true;
}

/* A line on standard error, of a search that takes long. */
struct progress {
	int64_t begun_ns, shown_ns;
	bool there;
};

static void
clear_progress(struct progress *p)
{
	if (p->there)
		fputs("\r\033[K", stderr);
	p->there = false;
}

/* Standard output may be the same terminal: all of it comes first. */
static void
show_progress(const struct grep_search *s, struct progress *p, size_t at)
{
	int64_t now = clock_mono_ns();

	if (!s->o->progress || now - p->begun_ns < PROGRESS_AFTER_NS ||
	    (p->there && now - p->shown_ns < PROGRESS_EACH_NS) ||
	    fflush(stdout) != 0)
		return;
	fprintf(stderr, "\r\033[K%zu of %zu frames, %d %%, %" PRIu64 " lines\r",
	    at, s->nchunks, (int)(100 * at / s->nchunks), s->stats.lines);
	p->shown_ns = now;
	p->there = true;
}

static void
emit_all(struct grep_search *s, grep_emit *emit, void *ctx)
{
	struct progress progress = { .begun_ns = clock_mono_ns() };
	struct heap h = { 0 };
	size_t seen = 0;
	bool ok = true;

	while (ok && seen < s->nchunks) {
		size_t done;

		pthread_mutex_lock(&s->mutex);
		while (s->lowest == seen)
			pthread_cond_wait(&s->done, &s->mutex);
		done = s->lowest;
		pthread_mutex_unlock(&s->mutex);
		for (; ok && seen < done; seen++) {
			s->stats.lines += s->chunks[seen].count;
			if (s->chunks[seen].nhits > 0)
				ok = heap_add(&h, &s->chunks[seen]);
			else
				forget(&s->chunks[seen]);
		}
		if (h.n > 0)
			clear_progress(&progress);
		ok = ok && emit_until(s, &h, seen < s->nchunks ?
		    s->chunks[seen].first_ns : 0, seen == s->nchunks, emit, ctx);
		show_progress(s, &progress, seen);
	}
	clear_progress(&progress);
	free(h.v);
}

static int
by_time(const void *a, const void *b)
{
	const struct chunk *x = a, *y = b;

	if (x->first_ns != y->first_ns)
		return x->first_ns < y->first_ns ? -1 : 1;
	if (x->file != y->file)
		return x->file < y->file ? -1 : 1;
	return x->offset < y->offset ? -1 : x->offset > y->offset;
}

void
grep_search_run(struct grep_search *s, grep_emit *emit, void *ctx)
{
	pthread_t *threads = calloc(s->o->threads, sizeof *threads);
	size_t n = 0;

	if (s->nchunks > 1)
		qsort(s->chunks, s->nchunks, sizeof *s->chunks, by_time);
	while (threads != NULL && n < s->o->threads && n < s->nchunks &&
	    pthread_create(&threads[n], NULL, search_thread, s) == 0)
		n++;
	if (n > 0)
		emit_all(s, emit, ctx);
	else if (s->nchunks > 0)
		report(s, "threads", strerror(errno));
	pthread_mutex_lock(&s->mutex);
	s->stop = true;
	pthread_cond_broadcast(&s->room);
	pthread_mutex_unlock(&s->mutex);
	while (n > 0)
		pthread_join(threads[--n], NULL);
	free(threads);
}

/* ---- life ---- */

struct grep_search *
grep_search_new(const struct grep_options *o)
{
	struct grep_search *s = calloc(1, sizeof *s);

	if (s == NULL)
		return NULL;
	s->o = o;
	pthread_mutex_init(&s->mutex, NULL);
	pthread_cond_init(&s->done, NULL);
	pthread_cond_init(&s->room, NULL);
	return s;
}

const struct grep_stats *
grep_search_stats(const struct grep_search *s)
{
	return &s->stats;
}

void
grep_search_free(struct grep_search *s)
{
	if (s == NULL)
		return;
	for (size_t i = 0; i < s->nchunks; i++)
		forget(&s->chunks[i]);
	for (size_t i = 0; i < s->ninputs; i++)
		free(s->inputs[i].path);
	free(s->chunks);
	free(s->inputs);
	pthread_mutex_destroy(&s->mutex);
	pthread_cond_destroy(&s->done);
	pthread_cond_destroy(&s->room);
	free(s);
}
