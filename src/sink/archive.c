/* archive.c - files by path: gathered, opened when due, closed when old.
 *
 * A file's entry lives as long as its segment, open or not.  It can be in four
 * rows, each in order, so that nothing here walks all files: those that are
 * open, by use; those with text, by when the first of it came; those written
 * and not synced; and all segments, by age. */
#include "config.h"

#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/buf.h"
#include "base/clock.h"
#include "base/log.h"
#include "base/lru.h"
#include "base/map.h"
#include "sink/archive.h"
#include "sink/archive_names.h"
#include "sink/closer.h"
#include "sink/repeats.h"

#define FILES_MAX 65536u
#define GATHER_MAX ((size_t)64 << 20)	/* of all files together, unless told */
#define TEXT_MAX ((size_t)64 << 20)	/* of one, when a single run is that long */
#define SPARE_MAX ((size_t)8 << 20)	/* empty buffers kept, together */
#define SYNC_EACH_MAX 16		/* above, the file system is synced */
#define IDLE_NS (600 * NS_PER_S)
#define CLOSE_TRIES 10000

struct file {
	struct lru_node open, waiting, unsynced, age;
	struct buf text;		/* gathered, whole lines */
	struct buf marks;		/* struct repeat of some of them */
	int fd;				/* -1: closed */
	ino_t ino;			/* of fd */
	dev_t dev;
	uint64_t seq;			/* of the oldest of text */
	int64_t text_ns;		/* when that came */
	int64_t size;			/* of the file: only whole lines before it */
	int64_t first_ns;		/* the segment's first line, 0: none yet */
	int64_t used_ns;
	bool is_waiting, is_unsynced, is_aged;
	bool created;			/* its directory is not synced */
	bool cut;			/* it may end in half a line */
	char path[];
};

struct archive {
	const struct conf_archive *conf;
	int dir;			/* descriptor */
	struct map *files;		/* by path */
	struct lru open, waiting, unsynced, ages;
	size_t gather_max;
	bool unsynced_closed;		/* some were closed before a sync */
	size_t spare;			/* capacity of all texts */
	struct closer *closer;
	struct repeats *repeats;	/* borrowed, or NULL */
	struct archive_stats stats;
};

/* ---- directories ---- */

static int
open_dir(const char *dir)
{
	char path[PATH_MAX];

	if (snprintf(path, sizeof path, "%s/", dir) >= (int)sizeof path) {
		errno = ENAMETOOLONG;
		return -1;
	}
	if (archive_make_dirs(AT_FDCWD, path) != 0)
		return -1;
	return open(dir, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
}

/* The directory was removed under us: make it again. */
static void
find_dir(struct archive *a)
{
	int fd = open_dir(a->conf->dir);

	if (fd == -1)
		return;
	close(a->dir);
	a->dir = fd;
	if (a->closer != NULL)
		closer_free(a->closer);
	a->closer = closer_new(a->conf);
}

static bool
same_dir(const struct archive *a)
{
	struct stat st, now;

	return fstat(a->dir, &st) == 0 && stat(a->conf->dir, &now) == 0 &&
	    st.st_ino == now.st_ino && st.st_dev == now.st_dev;
}

/* ---- files ---- */

/* A file that was cut off in the middle of a line (by a crash of the machine,
 * or a full disk) goes on after its last whole line. */
static int
repair_tail(struct file *f, int64_t size)
{
	char tail[4096];

	f->size = size;
	while (f->size > 0) {
		size_t n = f->size < (int64_t)sizeof tail ? (size_t)f->size :
		    sizeof tail;
		ssize_t got = pread(f->fd, tail, n, f->size - (int64_t)n);
		const char *nl;

		if (got != (ssize_t)n)
			return -1;
		nl = memrchr(tail, '\n', n);
		if (nl != NULL) {
			f->size -= (int64_t)n - (nl - tail) - 1;
			break;
		}
		f->size -= (int64_t)n;
	}
	f->cut = false;
	return f->size == size ? 0 : ftruncate(f->fd, f->size);
}

static void
file_close(struct archive *a, struct file *f)
{
	if (f->fd == -1)
		return;
	if (f->is_unsynced) {
		lru_remove(&a->unsynced, &f->unsynced);
		f->is_unsynced = false;
		a->unsynced_closed = true;
	}
	lru_remove(&a->open, &f->open);
	close(f->fd);
	f->fd = -1;
	a->stats.open_files--;
}

/* Only one that has no text. */
static void
file_forget(struct archive *a, struct file *f)
{
	file_close(a, f);
	if (f->is_aged)
		lru_remove(&a->ages, &f->age);
	map_del(a->files, slice_str(f->path));
	a->spare -= f->text.cap;
	buf_fini(&f->text);
	buf_fini(&f->marks);
	free(f);
}

static int
open_by_name(struct archive *a, struct file *f)
{
	for (int try = 0; ; try++) {
		f->fd = openat(a->dir, f->path, O_RDWR | O_CREAT | O_APPEND |
		    O_CLOEXEC | O_NOFOLLOW | O_NOCTTY, 0640);
		if (f->fd != -1)
			return 0;
		if (try == 4)
			return -1;
		if ((errno == EMFILE || errno == ENFILE) &&
		    a->stats.open_files > 0)
			file_close(a, LRU_OF(lru_oldest(&a->open),
			    struct file, open));
		else if (errno != ENOENT)
			return -1;
		else if (!same_dir(a))
			find_dir(a);
		else if (archive_make_dirs(a->dir, f->path) != 0)
			return -1;
	}
}

static int
file_open(struct archive *a, struct file *f)
{
	struct stat st;

	while (a->stats.open_files >= a->conf->max_open)
		file_close(a, LRU_OF(lru_oldest(&a->open), struct file, open));
	if (open_by_name(a, f) != 0)
		return -1;
	if (fstat(f->fd, &st) != 0 || ((st.st_size != f->size || f->cut) &&
	    repair_tail(f, st.st_size) != 0)) {
		int saved = errno;

		close(f->fd);
		f->fd = -1;
		errno = saved;
		return -1;
	}
	f->ino = st.st_ino;
	f->dev = st.st_dev;
	if (f->size == 0) {
		f->created = true;
		f->first_ns = 0;	/* a new segment, whatever was before */
	}
	lru_add(&a->open, &f->open);
	a->stats.open_files++;
	a->stats.opened++;
	return 0;
}

/* Open, and still the file of that name and length that it was. */
static int
file_ready(struct archive *a, struct file *f)
{
	struct stat st;

	if (f->fd == -1)
		return file_open(a, f);
	if (fstatat(a->dir, f->path, &st, AT_SYMLINK_NOFOLLOW) != 0 ||
	    st.st_ino != f->ino || st.st_dev != f->dev) {
		/* renamed or removed: what comes is a new file */
		a->stats.vanished++;
		file_close(a, f);
		f->size = -1;
		f->cut = false;
		return file_open(a, f);
	}
	if (f->cut && st.st_size > f->size) {
		/* what a write that failed left behind */
		if (ftruncate(f->fd, f->size) != 0)
			return -1;
		f->cut = false;
	} else if (st.st_size != f->size || f->cut) {
		return repair_tail(f, st.st_size);
	}
	return 0;
}

static struct file *
file_new(struct archive *a, struct slice path)
{
	struct file *f = calloc(1, sizeof *f + path.len + 1);
	struct lru_node *oldest = lru_oldest(&a->ages);

	if (f == NULL)
		return NULL;
	memcpy(f->path, path.ptr, path.len);
	buf_init(&f->text, TEXT_MAX);
	buf_init(&f->marks, TEXT_MAX);
	f->fd = -1;
	f->size = -1;
	/* one that is forgotten is found again at its next line or start */
	if (map_len(a->files) >= FILES_MAX && oldest != NULL &&
	    !LRU_OF(oldest, struct file, age)->is_waiting)
		file_forget(a, LRU_OF(oldest, struct file, age));
	if (!map_put(a->files, path, f, NULL)) {
		free(f);
		return NULL;
	}
	return f;
}

static void
file_aged(struct archive *a, struct file *f, int64_t first_ns)
{
	if (f->is_aged)
		lru_remove(&a->ages, &f->age);
	lru_add(&a->ages, &f->age);
	f->is_aged = true;
	f->first_ns = first_ns;
}

/* ---- writing ---- */

static int
write_all(int fd, struct slice s)
{
	while (s.len > 0) {
		ssize_t n = write(fd, s.ptr, s.len);

		if (n == -1 && errno == EINTR)
			continue;
		if (n == 0)
			errno = EIO;
		if (n <= 0)
			return -1;
		s = slice_from(s, (size_t)n);
	}
	return 0;
}

static int
write_failed(struct archive *a, struct file *f)
{
	int saved = errno;

	if (f->fd != -1 && f->cut && ftruncate(f->fd, f->size) == 0)
		f->cut = false;
	if (f->cut)
		LOG_LIMITED(LOG_AT_ERROR, 60, "archive %s: %s: a line stays "
		    "cut for now: %s", a->conf->name, f->path, strerror(errno));
	a->stats.errors++;
	a->stats.last_errno = saved;
	errno = saved;
	return -1;
}

/* Its text is written: no longer among those that wait. */
static void
text_done(struct archive *a, struct file *f)
{
	a->stats.bytes += f->text.len;
	a->stats.waiting_bytes -= f->text.len;
	a->stats.writes++;
	lru_remove(&a->waiting, &f->waiting);
	f->is_waiting = false;
	buf_clear(&f->text);
	if (f->marks.len > 0)
		repeats_commit(a->repeats);
	buf_clear(&f->marks);
	if (a->spare > SPARE_MAX) {
		a->spare -= f->text.cap;
		buf_fini(&f->text);
		buf_fini(&f->marks);
	}
	if (!f->is_unsynced) {
		lru_add(&a->unsynced, &f->unsynced);
		f->is_unsynced = true;
	}
}

/* On failure the file is as long as it was, and the text still waits. */
static int
file_write(struct archive *a, struct file *f)
{
	if (file_ready(a, f) != 0)
		return write_failed(a, f);
	f->cut = true;
	if (f->marks.len > 0)
		repeats_begin(a->repeats, a->conf->dir, f->path, f->size,
		    (const struct repeat *)(const void *)f->marks.data,
		    f->marks.len / sizeof(struct repeat));
	if (write_all(f->fd, buf_slice(&f->text)) != 0) {
		write_failed(a, f);
		if (f->marks.len > 0)
			repeats_abort(a->repeats);
		return -1;
	}
	f->cut = false;
	f->size += (int64_t)f->text.len;
	f->used_ns = f->text_ns;
	lru_touch(&a->open, &f->open);
	if (f->first_ns == 0 || !f->is_aged)
		file_aged(a, f, f->text_ns);
	text_done(a, f);
	return 0;
}

/* ---- rotation ---- */

static bool
exists(const struct archive *a, const char *path, const char *more)
{
	char name[ARCHIVE_PATH + 8];
	struct stat st;

	snprintf(name, sizeof name, "%s%s", path, more);
	return fstatat(a->dir, name, &st, AT_SYMLINK_NOFOLLOW) == 0;
}

static bool
closed_name(const struct archive *a, const struct file *f, char *out,
    size_t size)
{
	for (unsigned try = 1; try < CLOSE_TRIES; try++) {
		if (!archive_name_closed(f->path, f->first_ns, try, out, size))
			return false;
		if (!exists(a, out, "") && !exists(a, out, ".zst"))
			return true;
	}
	return false;
}

/* Without packing, the marker has to be there before the name is. */
static bool
mark(const struct archive *a, const char *closed)
{
	char todo[ARCHIVE_PATH];
	int fd;

	if (a->conf->zstd || a->conf->command == NULL)
		return true;
	if (!archive_name_todo(closed, todo, sizeof todo))
		return false;
	fd = openat(a->dir, todo, O_WRONLY | O_CREAT | O_CLOEXEC, 0640);
	if (fd == -1)
		return false;
	close(fd);
	return true;
}

/* Is the file at its path the one that we know? */
static bool
still_ours(const struct archive *a, const struct file *f)
{
	struct stat at, open;

	return fstatat(a->dir, f->path, &at, AT_SYMLINK_NOFOLLOW) == 0 &&
	    (f->fd != -1 ? fstat(f->fd, &open) == 0 &&
	    at.st_ino == open.st_ino && at.st_dev == open.st_dev :
	    at.st_size == f->size);
}

/* The file gets its closed name; the entry goes.  -1: it stays as it was. */
static int
rotate(struct archive *a, struct file *f)
{
	char closed[ARCHIVE_PATH];

	if (f->is_waiting && file_write(a, f) != 0)
		return -1;
	if (!still_ours(a, f) || f->size <= 0) {
		/* renamed, removed or written by somebody else */
		file_forget(a, f);
		return 0;
	}
	if (!closed_name(a, f, closed, sizeof closed) || !mark(a, closed) ||
	    renameat(a->dir, f->path, a->dir, closed) != 0) {
		a->stats.errors++;
		a->stats.last_errno = errno;
		LOG_LIMITED(LOG_AT_ERROR, 60, "archive %s: %s cannot be "
		    "closed: %s", a->conf->name, f->path, strerror(errno));
		return -1;
	}
	a->stats.rotated++;
	file_forget(a, f);
	if (a->closer != NULL)
		closer_add(a->closer, closed);
	return 0;
}

/* Write; and close it if it is large enough now.  f may be gone then. */
static int
file_flush(struct archive *a, struct file *f)
{
	if (file_write(a, f) != 0)
		return -1;
	if (a->conf->rotate_size > 0 &&
	    (uint64_t)f->size >= a->conf->rotate_size)
		(void)rotate(a, f);
	return 0;
}

void
archive_tick(struct archive *a, int64_t now_ns)
{
	int64_t age_ns = a->conf->rotate_ms > INT64_MAX / 1000000 ? 0 :
	    (int64_t)a->conf->rotate_ms * NS_PER_MS;
	struct lru_node *n;

	while (age_ns > 0 && (n = lru_oldest(&a->ages)) != NULL) {
		struct file *f = LRU_OF(n, struct file, age);

		if (f->first_ns > now_ns) {	/* the clock was set back */
			file_aged(a, f, now_ns);
			continue;
		}
		if (now_ns - f->first_ns < age_ns)
			break;
		if (rotate(a, f) != 0)
			break;
	}
	while ((n = lru_oldest(&a->open)) != NULL &&
	    now_ns - LRU_OF(n, struct file, open)->used_ns > IDLE_NS)
		file_close(a, LRU_OF(n, struct file, open));
}

/* ---- gathering ---- */

int
archive_write(struct archive *a, bool all, int64_t now_ns)
{
	int64_t flush_ns = (int64_t)a->conf->flush_ms * NS_PER_MS;
	struct lru_node *n = lru_oldest(&a->waiting), *next;
	int rc = 0, saved = 0;

	for (; n != NULL; n = next) {
		struct file *f = LRU_OF(n, struct file, waiting);

		next = lru_newer(&a->waiting, n);
		if (!all && now_ns - f->text_ns < flush_ns &&
		    f->text_ns <= now_ns)
			break;
		if (file_flush(a, f) != 0) {
			saved = errno;
			rc = -1;
			if (saved == ENOSPC || saved == EDQUOT)
				break;	/* the others have no more luck */
		}
	}
	errno = saved;
	return rc;
}

/* Write the oldest until half of the room is free. */
static int
relieve(struct archive *a)
{
	struct lru_node *n;

	a->stats.relieved++;
	while (a->stats.waiting_bytes > a->gather_max / 2 &&
	    (n = lru_oldest(&a->waiting)) != NULL)
		if (file_flush(a, LRU_OF(n, struct file, waiting)) != 0)
			return -1;
	return 0;
}

static int
refuse(struct archive *a)
{
	a->stats.errors++;
	a->stats.last_errno = errno;
	return -1;
}

void
archive_limit(struct archive *a, size_t bytes)
{
	a->gather_max = bytes;
}

void
archive_remember(struct archive *a, struct repeats *repeats)
{
	a->repeats = repeats;
}

/* Marks are of the text that begins at `at` in what the file has gathered. */
static bool
gather_marks(struct archive *a, struct file *f, size_t at,
    const struct repeat *marks, size_t n)
{
	size_t before = f->marks.len;

	if (a->repeats == NULL)
		return true;
	for (size_t i = 0; i < n; i++) {
		struct repeat m = marks[i];

		m.end += (uint32_t)at;
		if (!buf_add(&f->marks, &m, sizeof m)) {
			f->marks.len = before;
			return false;
		}
	}
	for (size_t i = 0; i < n; i++)
		repeats_note(a->repeats, &marks[i]);
	return true;
}

int
archive_add(struct archive *a, struct slice path, struct slice text,
    uint32_t lines, int64_t now_ns, uint64_t seq)
{
	return archive_add_marked(a, path, text, lines, now_ns, seq, NULL, 0);
}

int
archive_add_marked(struct archive *a, struct slice path, struct slice text,
    uint32_t lines, int64_t now_ns, uint64_t seq, const struct repeat *marks,
    size_t nmarks)
{
	struct file *f;
	size_t cap;

	if (text.len == 0)
		return 0;
	if (a->stats.waiting_bytes > 0 &&
	    a->stats.waiting_bytes + text.len > a->gather_max && relieve(a) != 0)
		return -1;
	f = map_get(a->files, path);
	if (f == NULL && (f = file_new(a, path)) == NULL)
		return refuse(a);
	cap = f->text.cap;
	if (!buf_add_slice(&f->text, text)) {
		errno = ENOMEM;
		return refuse(a);
	}
	if (!gather_marks(a, f, f->text.len - text.len, marks, nmarks)) {
		f->text.len -= text.len;
		errno = ENOMEM;
		return refuse(a);
	}
	a->spare += f->text.cap - cap;
	a->stats.lines += lines;
	a->stats.waiting_bytes += text.len;
	if (!f->is_waiting) {
		f->is_waiting = true;
		f->text_ns = now_ns;
		f->seq = seq;
		lru_add(&a->waiting, &f->waiting);
	}
	/* a failure will be seen by the next archive_write() */
	if (f->text.len >= a->conf->flush_bytes)
		(void)file_flush(a, f);
	return 0;
}

uint64_t
archive_waits_for(const struct archive *a)
{
	struct lru_node *n = lru_oldest(&a->waiting);

	return n == NULL ? UINT64_MAX : LRU_OF(n, struct file, waiting)->seq;
}

/* ---- syncing ---- */

static void
synced(struct archive *a, struct file *f)
{
	lru_remove(&a->unsynced, &f->unsynced);
	f->is_unsynced = false;
	f->created = false;
	a->stats.syncs++;
}

static int
sync_failed(struct archive *a)
{
	a->stats.errors++;
	a->stats.last_errno = errno;
	return -1;
}

int
archive_sync(struct archive *a)
{
	struct lru_node *n;

	if (a->unsynced_closed || a->unsynced.len > SYNC_EACH_MAX) {
		if (syncfs(a->dir) != 0)
			return sync_failed(a);
		a->unsynced_closed = false;
		while ((n = lru_oldest(&a->unsynced)) != NULL)
			synced(a, LRU_OF(n, struct file, unsynced));
		return 0;
	}
	while ((n = lru_oldest(&a->unsynced)) != NULL) {
		struct file *f = LRU_OF(n, struct file, unsynced);

		if (fdatasync(f->fd) != 0 || (f->created &&
		    archive_sync_dir(a->dir, f->path) != 0 && errno != ENOENT))
			return sync_failed(a);
		synced(a, f);
	}
	return 0;
}

void
archive_reopen(struct archive *a)
{
	struct lru_node *n;

	archive_write(a, true, INT64_MAX);
	while ((n = lru_oldest(&a->open)) != NULL) {
		struct file *f = LRU_OF(n, struct file, open);

		if (!f->is_waiting && !still_ours(a, f))
			file_forget(a, f);	/* what comes is a new segment */
		else
			file_close(a, f);
	}
	if (!same_dir(a))
		find_dir(a);
}

/* ---- life ---- */

struct found {
	struct archive *a;
	struct file **v;
	size_t n, cap;
};

/* When a segment begun that an earlier process wrote: its file's birth. */
static int64_t
born(const struct archive *a, const char *path, const struct stat *st)
{
	struct statx x;

	if (statx(a->dir, path, AT_SYMLINK_NOFOLLOW, STATX_BTIME, &x) == 0 &&
	    (x.stx_mask & STATX_BTIME) != 0)
		return x.stx_btime.tv_sec * NS_PER_S + x.stx_btime.tv_nsec;
	return st->st_mtim.tv_sec * NS_PER_S;
}

static bool
found_one(void *ctx, const char *path, enum archive_kind kind,
    const struct stat *st)
{
	struct found *all = ctx;
	struct file *f;

	if (kind != ARCHIVE_OPEN || st->st_size == 0)
		return true;
	if (all->n == all->cap) {
		size_t cap = all->cap == 0 ? 64 : 2 * all->cap;
		struct file **v = realloc(all->v, cap * sizeof *v);

		if (v == NULL)
			return false;
		all->v = v;
		all->cap = cap;
	}
	f = file_new(all->a, slice_str(path));
	if (f == NULL)
		return false;
	f->size = st->st_size;
	f->cut = true;		/* nobody knows */
	f->first_ns = born(all->a, path, st);
	all->v[all->n++] = f;
	return true;
}

static int
by_age(const void *a, const void *b)
{
	const struct file *x = *(struct file *const *)a;
	const struct file *y = *(struct file *const *)b;

	return x->first_ns < y->first_ns ? -1 : x->first_ns > y->first_ns;
}

/* The segments that are there already. */
static void
find_segments(struct archive *a)
{
	struct found all = { .a = a };
	char *pattern = archive_pattern(a->conf->file);

	if (pattern != NULL)
		archive_walk(a->dir, pattern, found_one, &all);
	free(pattern);
	if (all.n > 1)
		qsort(all.v, all.n, sizeof *all.v, by_age);
	for (size_t i = 0; i < all.n; i++)
		file_aged(a, all.v[i], all.v[i]->first_ns);
	free(all.v);
}

struct archive *
archive_new(const struct conf_archive *conf, int64_t now_ns)
{
	struct archive *a = calloc(1, sizeof *a);

	if (a == NULL)
		return NULL;
	a->conf = conf;
	a->gather_max = GATHER_MAX;
	lru_init(&a->open);
	lru_init(&a->waiting);
	lru_init(&a->unsynced);
	lru_init(&a->ages);
	a->files = map_new(FILES_MAX);
	a->dir = open_dir(conf->dir);
	if (a->dir == -1 || a->files == NULL ||
	    (a->closer = closer_new(conf)) == NULL) {
		int saved = errno;

		archive_free(a);
		errno = saved;
		return NULL;
	}
	find_segments(a);
	return a;
}

void
archive_conf(struct archive *a, const struct conf_archive *conf)
{
	a->conf = conf;
	if (a->closer != NULL)
		closer_conf(a->closer, conf);
}

static void
free_file(void *file)
{
	struct file *f = file;

	if (f->fd != -1)
		close(f->fd);
	buf_fini(&f->text);
	buf_fini(&f->marks);
	free(f);
}

void
archive_free(struct archive *a)
{
	if (a == NULL)
		return;
	if (a->dir != -1)
		archive_write(a, true, INT64_MAX);
	closer_free(a->closer);
	map_free(a->files, free_file);
	if (a->dir != -1)
		close(a->dir);
	free(a);
}

void
archive_stats(const struct archive *a, struct archive_stats *out)
{
	struct closer_stats p = { 0 };

	*out = a->stats;
	out->known_files = map_len(a->files);
	if (a->closer != NULL)
		closer_stats(a->closer, &p);
	out->compressed = p.packed;
	out->commands = p.commands;
	out->command_failures = p.command_failures;
	out->removed = p.removed;
	out->waiting_files = p.waiting;
	out->errors += p.errors;
}
