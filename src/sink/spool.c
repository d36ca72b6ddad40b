/* spool.c - a queue in files.
 *
 * A file is a row of
 *
 *	struct head	magic, lengths, counts, checksum of the bytes, and of
 *			the head itself
 *	bytes		the lines
 *
 * in the processor's own order of bytes: a spool does not travel.  `cursor`
 * holds the number of the first file and the place in it. */
#include "config.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/uio.h>
#include <unistd.h>

#include "base/crc32c.h"
#include "base/log.h"
#include "sink/spool.h"

#define MAGIC 0x6c70736d	/* "mspl" */
#define FILE_MAX (16u << 20)
#define FILE_MIN (64u << 10)
#define BATCH_MAX (64u << 20)
#define FIRST_NUMBER (UINT64_C(1) << 32)	/* room for fronts before it */

struct head {
	uint32_t magic, len, lines;
	uint32_t n[RECORD_SOURCES];
	uint32_t data_crc, head_crc;
};

struct cursor {
	uint64_t number, start;
	uint32_t crc, zero;
};

struct file {
	struct file *next;
	uint64_t number;
	int fd;			/* -1: not open now */
	bool old;		/* of a process before this one */
	uint64_t start;		/* before it all is done */
	uint64_t read;		/* before it all is done or out */
	uint64_t end;
	struct spool_counts counts;	/* of what is not done */
	unsigned out;		/* batches of it */
};

struct out {
	struct file *file;
	uint64_t end;
	struct spool_counts counts;
};

struct spool {
	int dir, cursor_fd;
	uint64_t next_number;		/* of a file: never used before */
	uint64_t max, bytes;
	struct file *first, *last;
	struct out *outs;		/* a ring */
	size_t head, n, cap;
	bool moved;			/* since the cursor was written */
};

/* ---- counts ---- */

static void
counts_add(struct spool_counts *to, const struct spool_counts *c)
{
	to->lines += c->lines;
	for (int i = 0; i < RECORD_SOURCES; i++)
		to->n[i] += c->n[i];
}

static void
counts_sub(struct spool_counts *from, const struct spool_counts *c)
{
	from->lines -= c->lines;
	for (int i = 0; i < RECORD_SOURCES; i++)
		from->n[i] -= c->n[i];
}

/* What was counted by a process before has no source any more. */
static struct spool_counts
head_counts(const struct head *h, bool old)
{
	struct spool_counts c = { .lines = h->lines };

	for (int i = 0; i < RECORD_SOURCES; i++)
		c.n[old ? SOURCE_INTERNAL : i] += h->n[i];
	return c;
}

/* ---- files ---- */

#define NAME_SIZE 32

static const char *
file_name(uint64_t number, char name[NAME_SIZE])
{
	snprintf(name, NAME_SIZE, "%016" PRIx64 ".spool", number);
	return name;
}

static bool
file_open(struct spool *s, struct file *f, int flags)
{
	char name[NAME_SIZE];

	if (f->fd == -1)
		f->fd = openat(s->dir, file_name(f->number, name),
		    O_RDWR | O_CLOEXEC | flags, 0640);
	return f->fd != -1;
}

static void
file_shut(struct file *f)
{
	if (f->fd != -1)
		close(f->fd);
	f->fd = -1;
}

static struct file *
file_new(uint64_t number)
{
	struct file *f = calloc(1, sizeof *f);

	if (f == NULL)
		return NULL;
	f->number = number;
	f->fd = -1;
	return f;
}

static void
file_remove(struct spool *s, struct file *f)
{
	char name[NAME_SIZE];
	struct file **at = &s->first, *before = NULL;

	while (*at != f) {
		before = *at;
		at = &(*at)->next;
	}
	*at = f->next;
	if (s->last == f)
		s->last = before;
	s->bytes -= f->end;
	file_shut(f);
	if (unlinkat(s->dir, file_name(f->number, name), 0) != 0)
		log_warn("spool: removing %s: %s", name, strerror(errno));
	free(f);
	s->moved = true;
}

/* ---- heads ---- */

static uint32_t
head_crc(const struct head *h)
{
	return crc32c(0, h, offsetof(struct head, head_crc));
}

/* 1: a batch stands at that place; 0: none, or half of one. */
static int
read_head(const struct file *f, uint64_t at, struct head *h)
{
	ssize_t n = pread(f->fd, h, sizeof *h, (off_t)at);

	return n == (ssize_t)sizeof *h && h->magic == MAGIC &&
	    h->len <= BATCH_MAX && h->head_crc == head_crc(h);
}

static void
make_head(struct head *h, const struct lines_batch *b)
{
	memset(h, 0, sizeof *h);
	h->magic = MAGIC;
	h->len = (uint32_t)b->len;
	h->lines = b->lines;
	for (int i = 0; i < RECORD_SOURCES; i++)
		h->n[i] = b->counts.n[RECORD_METRIC][i];
	h->data_crc = crc32c(0, b->data, b->len);
	h->head_crc = head_crc(h);
}

/* ---- opening ---- */

static bool
last_is_whole(const struct file *f, uint64_t at, const struct head *h)
{
	char *bytes = malloc(h->len);
	bool ok = bytes != NULL && pread(f->fd, bytes, h->len,
	    (off_t)(at + sizeof *h)) == (ssize_t)h->len &&
	    crc32c(0, bytes, h->len) == h->data_crc;

	free(bytes);
	return ok;
}

/* Walk the heads of a file of before; what is no whole batch is cut off. */
static bool
scan(struct spool *s, struct file *f)
{
	uint64_t at = 0, size, last = 0;
	struct spool_counts c;
	struct stat st;
	struct head h, last_head = { 0 };

	if (!file_open(s, f, 0) || fstat(f->fd, &st) != 0)
		return false;
	size = (uint64_t)st.st_size;
	while (at + sizeof h <= size && read_head(f, at, &h) &&
	    h.len <= size - at - sizeof h) {
		c = head_counts(&h, true);
		if (at >= f->start)
			counts_add(&f->counts, &c);
		last = at;
		last_head = h;
		at += sizeof h + h.len;
	}
	/* a machine that died may have left a head before its bytes */
	if (at > last && !last_is_whole(f, last, &last_head)) {
		c = head_counts(&last_head, true);
		if (last >= f->start)
			counts_sub(&f->counts, &c);
		at = last;
	}
	f->end = at;
	if (f->start > at)
		f->start = at;
	f->read = f->start;
	if (at < size) {
		log_warn("spool: %016" PRIx64 ".spool: %" PRIu64 " bytes at "
		    "its end are no whole batch and are cut off", f->number,
		    size - at);
		if (ftruncate(f->fd, (off_t)at) != 0)
			return false;
	}
	file_shut(f);
	return true;
}

static void
read_cursor(struct spool *s, struct cursor *c)
{
	struct cursor got;

	memset(c, 0, sizeof *c);
	if (pread(s->cursor_fd, &got, sizeof got, 0) ==
	    (ssize_t)sizeof got &&
	    crc32c(0, &got, offsetof(struct cursor, crc)) == got.crc)
		*c = got;
}

static void
write_cursor(struct spool *s)
{
	struct cursor c;

	memset(&c, 0, sizeof c);
	if (s->first != NULL) {
		c.number = s->first->number;
		c.start = s->first->start;
	}
	c.crc = crc32c(0, &c, offsetof(struct cursor, crc));
	if (pwrite(s->cursor_fd, &c, sizeof c, 0) == (ssize_t)sizeof c)
		s->moved = false;
}

static int
by_number(const void *a, const void *b)
{
	uint64_t x = *(const uint64_t *)a, y = *(const uint64_t *)b;

	return x < y ? -1 : x > y;
}

static uint64_t *
list_numbers(int dir, size_t *n)
{
	int copy = openat(dir, ".", O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	DIR *d = copy == -1 ? NULL : fdopendir(copy);
	uint64_t *v = NULL, *more, number;
	struct dirent *e;
	char end[8];

	*n = 0;
	while (d != NULL && (e = readdir(d)) != NULL) {
		if (strlen(e->d_name) != 22 || sscanf(e->d_name,
		    "%16" SCNx64 "%7s", &number, end) != 2 ||
		    strcmp(end, ".spool") != 0)
			continue;
		more = realloc(v, (*n + 1) * sizeof *v);
		if (more == NULL)
			break;
		v = more;
		v[(*n)++] = number;
	}
	if (d != NULL)
		closedir(d);
	else if (copy != -1)
		close(copy);
	if (*n > 0)
		qsort(v, *n, sizeof *v, by_number);
	return v;
}

static void
append_file(struct spool *s, struct file *f)
{
	if (s->last == NULL)
		s->first = f;
	else
		s->last->next = f;
	s->last = f;
}

static bool
find_files(struct spool *s, struct spool_counts *found)
{
	struct cursor c;
	size_t n;
	uint64_t *v = list_numbers(s->dir, &n);
	bool ok = true;

	read_cursor(s, &c);
	s->next_number = n > 0 && v[n - 1] >= FIRST_NUMBER ? v[n - 1] + 1 :
	    FIRST_NUMBER;
	if (c.number >= s->next_number)
		s->next_number = c.number + 1;
	for (size_t i = 0; i < n && ok; i++) {
		struct file *f = file_new(v[i]);

		if (f == NULL) {
			ok = false;
			break;
		}
		f->old = true;
		if (v[i] == c.number)
			f->start = c.start;
		append_file(s, f);
		ok = v[i] < c.number || scan(s, f);
		s->bytes += f->end;
		if (ok && f->start == f->end)
			file_remove(s, f);
		else
			counts_add(found, &f->counts);
	}
	free(v);
	return ok;
}

static int
open_dir(const char *dir)
{
	char parent[4096];
	const char *slash = strrchr(dir, '/');

	if (mkdir(dir, 0750) != 0 && errno == ENOENT && slash != NULL &&
	    (size_t)(slash - dir) < sizeof parent) {
		memcpy(parent, dir, (size_t)(slash - dir));
		parent[slash - dir] = '\0';
		mkdir(parent, 0750);
		mkdir(dir, 0750);
	}
	return open(dir, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
}

struct spool *
spool_open(const char *dir, uint64_t max_bytes, struct spool_counts *found)
{
	struct spool *s = calloc(1, sizeof *s);
	int saved;

	memset(found, 0, sizeof *found);
	if (s == NULL)
		return NULL;
	s->max = max_bytes;
	s->cursor_fd = -1;
	s->dir = open_dir(dir);
	if (s->dir != -1)
		s->cursor_fd = openat(s->dir, "cursor",
		    O_RDWR | O_CREAT | O_CLOEXEC, 0640);
	if (s->cursor_fd != -1 && find_files(s, found))
		return s;
	saved = errno;
	spool_close(s);
	errno = saved;
	return NULL;
}

void
spool_close(struct spool *s)
{
	if (s == NULL)
		return;
	if (s->cursor_fd != -1) {
		write_cursor(s);
		close(s->cursor_fd);
	}
	if (s->dir != -1)
		close(s->dir);
	while (s->first != NULL) {
		struct file *f = s->first;

		s->first = f->next;
		file_shut(f);
		free(f);
	}
	free(s->outs);
	free(s);
}

void
spool_limit(struct spool *s, uint64_t max_bytes)
{
	s->max = max_bytes;
}

/* ---- putting ---- */

static uint64_t
file_max(const struct spool *s)
{
	uint64_t n = s->max / 16;

	return n < FILE_MIN ? FILE_MIN : n > FILE_MAX ? FILE_MAX : n;
}

/* At the end of a file, or not at all. */
static bool
write_batch(struct file *f, const struct lines_batch *b)
{
	struct head h;
	struct iovec v[2] = {
		{ &h, sizeof h }, { (void *)(uintptr_t)b->data, b->len }
	};
	size_t size = sizeof h + b->len;
	struct spool_counts c;
	ssize_t n;

	make_head(&h, b);
	n = pwritev(f->fd, v, 2, (off_t)f->end);
	if (n != (ssize_t)size) {
		int saved = n < 0 ? errno : ENOSPC;

		if (ftruncate(f->fd, (off_t)f->end) != 0)
			saved = errno;
		errno = saved;
		return false;
	}
	f->end += size;
	c = head_counts(&h, f->old);
	counts_add(&f->counts, &c);
	return true;
}

/* The oldest file that nothing is being sent from goes. */
static bool
forget_oldest(struct spool *s, struct spool_counts *lost)
{
	struct file *f = s->first;

	while (f != NULL && (f->out > 0 || f == s->last))
		f = f->next;
	if (f == NULL)
		return false;
	counts_add(lost, &f->counts);
	file_remove(s, f);
	return true;
}

static struct file *
next_file(struct spool *s)
{
	struct file *f = file_new(s->next_number);

	if (f == NULL)
		return NULL;
	if (!file_open(s, f, O_CREAT | O_TRUNC)) {
		int saved = errno;

		free(f);
		errno = saved;
		return NULL;
	}
	if (s->last != NULL && s->last != s->first)
		file_shut(s->last);
	append_file(s, f);
	s->next_number++;
	s->moved = true;
	return f;
}

bool
spool_put(struct spool *s, const struct lines_batch *b,
    struct spool_counts *lost)
{
	size_t size = sizeof(struct head) + b->len;
	struct file *f = s->last;

	if (b->len > BATCH_MAX) {
		errno = EMSGSIZE;
		return false;
	}
	if (f == NULL || f->old || f->end + size > file_max(s))
		f = next_file(s);
	if (f == NULL)
		return false;
	while (s->bytes + size > s->max)
		if (!forget_oldest(s, lost)) {
			errno = EDQUOT;
			return false;
		}
	if (!file_open(s, f, 0) || !write_batch(f, b))
		return false;
	s->bytes += size;
	return true;
}

bool
spool_put_front(struct spool *s, const struct lines_batch *b)
{
	struct file *f;

	if (s->first == NULL) {
		f = next_file(s);
	} else {
		f = file_new(s->first->number - 1);
		if (f != NULL && !file_open(s, f, O_CREAT | O_TRUNC)) {
			free(f);
			f = NULL;
		}
		if (f != NULL) {
			f->next = s->first;
			s->first = f;
		}
	}
	if (f == NULL)
		return false;
	write_cursor(s);	/* or the next process thinks it is done */
	for (; b != NULL; b = (const struct lines_batch *)b->letter.next)
		if (!write_batch(f, b)) {
			int saved = errno;

			s->bytes += f->end;
			file_remove(s, f);
			errno = saved;
			return false;
		}
	s->bytes += f->end;
	return true;
}

/* ---- taking ---- */

static bool
push_out(struct spool *s, const struct out *o)
{
	if (s->n == s->cap) {
		size_t cap = s->cap == 0 ? 16 : s->cap * 2;
		struct out *v = malloc(cap * sizeof *v);

		if (v == NULL)
			return false;
		for (size_t i = 0; i < s->n; i++)
			v[i] = s->outs[(s->head + i) % s->cap];
		free(s->outs);
		s->outs = v;
		s->cap = cap;
		s->head = 0;
	}
	s->outs[(s->head + s->n++) % s->cap] = *o;
	return true;
}

static struct file *
file_to_read(const struct spool *s)
{
	struct file *f = s->first;

	while (f != NULL && f->read == f->end)
		f = f->next;
	return f;
}

bool
spool_empty(const struct spool *s)
{
	return file_to_read(s) == NULL;
}

bool
spool_has_out(const struct spool *s)
{
	return s->n > 0;
}

uint64_t
spool_bytes(const struct spool *s)
{
	return s->bytes;
}

/* The rest of a file makes no sense. */
static void
give_up(struct spool *s, struct file *f, struct spool_counts *lost)
{
	struct spool_counts rest = f->counts;

	for (size_t i = 0; i < s->n; i++) {
		struct out *o = &s->outs[(s->head + i) % s->cap];

		if (o->file == f)
			counts_sub(&rest, &o->counts);
	}
	log_error("spool: %016" PRIx64 ".spool: damaged at byte %" PRIu64
	    ", %" PRIu64 " lines are lost", f->number, f->read, rest.lines);
	counts_add(lost, &rest);
	counts_sub(&f->counts, &rest);
	s->bytes -= f->end - f->read;
	f->end = f->read;
	if (f->start == f->end && f->out == 0)
		file_remove(s, f);
}

/* A batch whose bytes are damaged is left out, the ones behind it are not. */
static void
leave_out(struct file *f, const struct head *h, struct spool_counts *lost)
{
	struct spool_counts c = head_counts(h, f->old);

	log_error("spool: %016" PRIx64 ".spool: the batch at byte %" PRIu64
	    " is damaged, %" PRIu32 " lines are lost", f->number, f->read,
	    h->lines);
	counts_add(lost, &c);
	counts_sub(&f->counts, &c);
	f->read += sizeof *h + h->len;
	if (f->out == 0)
		f->start = f->read;
}

/* It is not said to be stored when its bytes are damaged. */
static struct lines_batch *
read_batch(struct file *f, const struct head *h, unsigned dest)
{
	struct lines_batch *b = lines_batch_new(dest, h->len);
	struct spool_counts c = head_counts(h, f->old);

	if (b == NULL)
		return NULL;
	b->len = h->len;
	b->lines = h->lines;
	b->stored = true;
	for (int i = 0; i < RECORD_SOURCES; i++)
		b->counts.n[RECORD_METRIC][i] = (uint32_t)c.n[i];
	if (pread(f->fd, b->data, h->len, (off_t)(f->read + sizeof *h)) ==
	    (ssize_t)h->len && crc32c(0, b->data, h->len) == h->data_crc)
		return b;
	b->stored = false;
	return b;
}

struct lines_batch *
spool_take(struct spool *s, unsigned dest, struct spool_counts *lost)
{
	struct lines_batch *b;
	struct file *f;
	struct out o;
	struct head h;

	while ((f = file_to_read(s)) != NULL) {
		if (!file_open(s, f, 0) || !read_head(f, f->read, &h) ||
		    h.len > f->end - f->read - sizeof h) {
			give_up(s, f, lost);
			continue;
		}
		b = read_batch(f, &h, dest);
		if (b == NULL)
			return NULL;
		if (!b->stored) {
			free(b);
			leave_out(f, &h, lost);
			if (f->read == f->end && f->out == 0 && f != s->last)
				file_remove(s, f);
			continue;
		}
		o = (struct out){ f, f->read + sizeof h + h.len,
		    head_counts(&h, f->old) };
		if (!push_out(s, &o)) {
			free(b);
			return NULL;
		}
		f->read = o.end;
		f->out++;
		return b;
	}
	return NULL;
}

void
spool_done(struct spool *s)
{
	struct out *o = &s->outs[s->head];
	struct file *f = o->file;

	s->head = (s->head + 1) % s->cap;
	s->n--;
	f->out--;
	f->start = f->out == 0 ? f->read : o->end;
	counts_sub(&f->counts, &o->counts);
	s->moved = true;
	if (f->start == f->end && f->out == 0)
		file_remove(s, f);
}

void
spool_rewind(struct spool *s)
{
	for (; s->n > 0; s->n--) {
		s->outs[s->head].file->read = s->outs[s->head].file->start;
		s->outs[s->head].file->out = 0;
		s->head = (s->head + 1) % s->cap;
	}
}

void
spool_tick(struct spool *s)
{
	if (s->moved)
		write_cursor(s);
}
