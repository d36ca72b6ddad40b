/* journal_files.c - the journal's files: spares made ahead of need, used ones
 * recycled, snapshots saved.
 *
 * A spare is a file of full size whose blocks are there, so that writing to it
 * neither runs out of space nor makes the file system think: its fdatasync is
 * the cheapest there is.  All this takes time, so a thread of its own does it. */
#include "config.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/random.h>
#include <time.h>
#include <sys/statvfs.h>
#include <unistd.h>

#include "base/clock.h"
#include "sink/journal_private.h"

#define CHUNK (1u << 20)
#define FIRST_MAX_NS (250 * NS_PER_MS)	/* for the first spare's zeros */
#define REST_MAX_NS (100 * NS_PER_MS)
#define NAP_NS (2 * NS_PER_MS)
#define RESERVE (4u << 20)	/* of space, for what must be saved */
#define RESERVE_NAME "reserve"

int
journal_write_all(int fd, const void *bytes, size_t n, uint64_t offset)
{
	const char *p = bytes;

	while (n > 0) {
		ssize_t w = pwrite(fd, p, n, (off_t)offset);

		if (w == -1 && errno == EINTR)
			continue;
		if (w == 0)
			errno = EIO;
		if (w <= 0)
			return -1;
		p += w;
		n -= (size_t)w;
		offset += (size_t)w;
	}
	return 0;
}

ssize_t
journal_read_at(int fd, void *bytes, size_t n, uint64_t offset)
{
	size_t got = 0;

	while (got < n) {
		ssize_t r = pread(fd, (char *)bytes + got, n - got,
		    (off_t)(offset + got));

		if (r == -1 && errno == EINTR)
			continue;
		if (r == -1 && got == 0)
			return -1;
		if (r <= 0)
			break;
		got += (size_t)r;
	}
	return (ssize_t)got;
}

/* An interrupted sync has not been done, and nothing has been thrown away: it
 * is called again.  Any other failure is final for the file. */
int
journal_sync_data(int fd)
{
	int rc;

	do
		rc = fdatasync(fd);
	while (rc == -1 && errno == EINTR);
	return rc;
}

int
journal_sync_all(int fd)
{
	int rc;

	do
		rc = fsync(fd);
	while (rc == -1 && errno == EINTR);
	return rc;
}

uint64_t
journal_random(void)
{
	uint64_t v;

	if (getrandom(&v, sizeof v, 0) != sizeof v)
		v = (uint64_t)clock_mono_ns() * UINT64_C(0x9e3779b97f4a7c15) ^
		    (uint64_t)clock_real_ns() << 16 ^ (uint64_t)getpid();
	return v;
}

/* ---- segments in memory ---- */

void
journal_segment_free(struct segment *s)
{
	if (s == NULL)
		return;
	if (s->fd != -1)
		close(s->fd);
	free(s->streams);
	free(s);
}

struct segment *
journal_segment_new(struct journal *j)
{
	struct segment *s;

	if (j->nsegments == j->segments_cap) {
		size_t cap = j->segments_cap == 0 ? 16 : 2 * j->segments_cap;
		struct segment **more = realloc(j->segments,
		    cap * sizeof *more);

		if (more == NULL)
			return NULL;
		j->segments = more;
		j->segments_cap = cap;
	}
	s = calloc(1, sizeof *s);
	if (s != NULL) {
		s->fd = -1;
		s->serial = ++j->next_serial;
		j->segments[j->nsegments++] = s;
	}
	return s;
}

const struct segment_stream *
journal_segment_find(const struct segment *s, const struct stream *st)
{
	size_t lo = 0, hi = s->nstreams;

	if (!s->sealed)
		return st->entry_of == s->serial ? &s->streams[st->entry] : NULL;
	while (lo < hi) {
		size_t mid = lo + (hi - lo) / 2;

		if (s->streams[mid].stream < st->number)
			lo = mid + 1;
		else
			hi = mid;
	}
	return lo < s->nstreams && s->streams[lo].stream == st->number ?
	    &s->streams[lo] : NULL;
}

bool
journal_segment_note(struct segment *s, struct stream *st, uint64_t at,
    uint64_t from, uint64_t to)
{
	if (st->entry_of == s->serial) {
		s->streams[st->entry].last_seq = to;
		return true;
	}
	if (s->nstreams == s->cap) {
		size_t cap = s->cap == 0 ? 8 : 2 * s->cap;
		struct segment_stream *more = realloc(s->streams,
		    cap * sizeof *more);

		if (more == NULL) {
			s->no_index = true;
			return false;
		}
		s->streams = more;
		s->cap = cap;
	}
	st->entry_of = s->serial;
	st->entry = s->nstreams;
	s->streams[s->nstreams++] = (struct segment_stream){
		st->number, (uint32_t)(at / 8), from, to
	};
	return true;
}

static int
by_stream(const void *a, const void *b)
{
	const struct segment_stream *x = a, *y = b;

	return x->stream < y->stream ? -1 : x->stream > y->stream;
}

void
journal_segment_seal(struct segment *s)
{
	struct segment_stream *fit;

	s->sealed = true;
	if (s->readers == 0 && s->fd != -1) {
		close(s->fd);		/* nothing more will come */
		s->fd = -1;
	}
	if (s->nstreams == 0)
		return;
	if (s->nstreams > 1)
		qsort(s->streams, s->nstreams, sizeof *s->streams, by_stream);
	fit = realloc(s->streams, s->nstreams * sizeof *fit);
	if (fit != NULL) {
		s->streams = fit;
		s->cap = s->nstreams;
	}
}

/* ---- spares ---- */

/* How long zeros may be written: until that time, without a rest, or until
 * somebody wants the file. */
struct haste {
	int64_t until_ns;		/* 0: see wanted */
	const _Atomic bool *wanted;
};

static void
close_both(int fd, int direct)
{
	close(fd);
	if (direct != -1)
		close(direct);
}

bool
journal_quota_allows(const struct journal *j)
{
	uint64_t files = j->nsegments + j->nretired + j->nspares + 1;

	return j->o.quota_bytes == 0 ||
	    files <= j->o.quota_bytes / j->o.segment_bytes;
}

static void
spare_name(char name[32], uint64_t number, const char *suffix)
{
	snprintf(name, 32, "%016llx.spare%s", (unsigned long long)number,
	    suffix);
}

/* Past the page cache: nobody will read these zeros, and its pages are worth
 * more to others.  Not every file system can. */
static int
bypass_cache(struct journal *j, const char *name)
{
	return openat(j->dir, name, O_WRONLY | O_DIRECT | O_CLOEXEC);
}

/* A disk that writes zeros all the time answers those who sync late: one part
 * of work, four of rest. */
static void
give_way(int64_t worked_ns, const _Atomic bool *hurry)
{
	int64_t left = worked_ns * 4;

	if (left > REST_MAX_NS)
		left = REST_MAX_NS;
	for (; left > 0 && !atomic_load(hurry); left -= NAP_NS) {
		struct timespec nap = { .tv_nsec = left < NAP_NS ? left :
		    NAP_NS };

		nanosleep(&nap, NULL);
	}
}

/* One chunk of zeros.  A file system that takes no direct writes of this shape
 * gets ordinary ones from then on. */
static int
write_zeros(int fd, int *direct, size_t n, uint64_t at)
{
	/* never written: not const, so that it is .bss and not in the file */
	static uint8_t zeros[CHUNK] __attribute__((aligned(JOURNAL_PAGE)));

	if (*direct != -1) {
		if (journal_write_all(*direct, zeros, n, at) == 0)
			return 0;
		if (errno != EINVAL)
			return -1;
		close(*direct);
		*direct = -1;
	}
	if (journal_write_all(fd, zeros, n, at) == -1)
		return -1;
	/* a little at a time, for the sake of those who sync */
	return at % (8 * CHUNK) == 0 ? journal_sync_data(fd) : 0;
}

/* Write zeros until somebody waits for the file: its blocks are there, only
 * its syncs are dearer then. */
static int
fill(struct journal *j, int fd, int *direct, const struct haste *haste)
{
	uint64_t at, size = j->o.segment_bytes;
	bool reserved;

	reserved = fallocate(fd, 0, 0, (off_t)size) == 0;
	if (!reserved && errno != EOPNOTSUPP && errno != ENOSYS)
		return -1;
	for (at = 0; at < size; at += CHUNK) {
		size_t n = size - at < CHUNK ? (size_t)(size - at) : CHUNK;
		int64_t before = clock_mono_ns();

		if (reserved && (haste->until_ns != 0 ?
		    before > haste->until_ns : atomic_load(haste->wanted)))
			break;
		if (write_zeros(fd, direct, n, at) == -1)
			return -1;
		if (haste->until_ns == 0)
			give_way(clock_mono_ns() - before, haste->wanted);
	}
	return journal_sync_all(fd);
}

/* There is one more.  With the lock held. */
static void
add_spare(struct journal *j, uint64_t number)
{
	j->spare[j->nspares++] = number;
	atomic_store(&j->spare_wanted, j->stopping);
}

static int
make_spare(struct journal *j, const struct haste *haste)
{
	char making[32], name[32];
	uint64_t number = j->next_spare++;
	int fd, direct, saved;

	spare_name(making, number, ".tmp");
	spare_name(name, number, "");
	fd = openat(j->dir, making, O_RDWR | O_CREAT | O_EXCL | O_CLOEXEC, 0600);
	if (fd == -1)
		return -1;
	direct = bypass_cache(j, making);
	if (fill(j, fd, &direct, haste) == -1 ||
	    renameat(j->dir, making, j->dir, name) == -1 ||
	    journal_sync_all(j->dir) == -1) {
		saved = errno;
		unlinkat(j->dir, making, 0);
		unlinkat(j->dir, name, 0);
		close_both(fd, direct);
		errno = saved;
		return -1;
	}
	close_both(fd, direct);
	pthread_mutex_lock(&j->lock);
	add_spare(j, number);
	pthread_mutex_unlock(&j->lock);
	return 0;
}

int
journal_make_first_spare(struct journal *j)
{
	const struct haste haste = {
		.until_ns = clock_mono_ns() + FIRST_MAX_NS
	};

	return make_spare(j, &haste);
}

/* The old name must be gone for good before the file gets another header. */
static int
recycle(struct journal *j, const struct segment *s, bool keep)
{
	char from[JOURNAL_NAME], to[32];
	uint64_t number = j->next_spare++;

	journal_name(from, s->first_lsn);
	spare_name(to, number, "");
	if (!keep || s->unfit || s->size != j->o.segment_bytes) {
		if (unlinkat(j->dir, from, 0) == -1 && errno != ENOENT)
			return -1;
		return journal_sync_all(j->dir);
	}
	if (renameat(j->dir, from, j->dir, to) == -1 ||
	    journal_sync_all(j->dir) == -1)
		return -1;
	pthread_mutex_lock(&j->lock);
	add_spare(j, number);
	pthread_mutex_unlock(&j->lock);
	return 0;
}

/* ---- saving a file ---- */

/* On a full disk nothing could be saved, so nothing would count as covered, no
 * file be freed, and the disk stay full.  So some space is kept for that, twice
 * what was saved last. */
static void
make_reserve(struct journal *j, size_t saved)
{
	uint64_t size = RESERVE;
	struct statvfs fs;
	int fd;

	if (saved > size / 2)
		size = 2 * (uint64_t)saved;
	if (j->reserved >= size || fstatvfs(j->dir, &fs) != 0)
		return;
	if (j->reserved == 0 && size > fs.f_bavail * fs.f_frsize / 4)
		size = fs.f_bavail * fs.f_frsize / 4;
	fd = openat(j->dir, RESERVE_NAME, O_WRONLY | O_CREAT | O_CLOEXEC, 0600);
	if (fd == -1)
		return;
	while (size > RESERVE / 16 && size > j->reserved) {
		if (fallocate(fd, 0, 0, (off_t)size) == 0)
			j->reserved = size;
		size /= 2;
	}
	close(fd);
	if (j->reserved == 0)
		unlinkat(j->dir, RESERVE_NAME, 0);
}

static bool
use_reserve(struct journal *j, int error)
{
	if ((error != ENOSPC && error != EDQUOT) || j->reserved == 0)
		return false;
	j->reserved = 0;
	return unlinkat(j->dir, RESERVE_NAME, 0) == 0;
}

static int
write_file(struct journal *j, const char *making)
{
	int saved, fd = openat(j->dir, making, O_WRONLY | O_CREAT | O_TRUNC |
	    O_CLOEXEC, 0600);

	if (fd == -1)
		return -1;
	if (journal_write_all(fd, j->save.data, j->save.len, 0) == -1 ||
	    journal_sync_all(fd) == -1 ||
	    renameat(j->dir, making, j->dir, j->save_name) == -1 ||
	    journal_sync_all(j->dir) == -1) {
		saved = errno;
		unlinkat(j->dir, making, 0);
		close(fd);
		errno = saved;
		return -1;
	}
	close(fd);
	return 0;
}

static int
save_file(struct journal *j)
{
	char making[sizeof j->save_name + 4];
	int rc;

	snprintf(making, sizeof making, "%s.tmp", j->save_name);
	rc = write_file(j, making);
	if (rc == -1 && use_reserve(j, errno))
		rc = write_file(j, making);
	return rc;
}

static void
do_save(struct journal *j)
{
	int result;

	pthread_mutex_unlock(&j->lock);
	result = save_file(j);
	make_reserve(j, j->save.len);
	pthread_mutex_lock(&j->lock);
	if (result == 0 && j->save_lsn > j->covered)
		j->covered = j->save_lsn;
	if (result == -1) {
		j->stats.write_errors++;
		j->stats.last_errno = errno;
	}
	buf_fini(&j->save);
	j->saving = false;
}

/* ---- the preparing thread ---- */

/* Nothing is remembered of events that a crash might still take. */
static bool
may_save(const struct journal *j)
{
	return j->saving && atomic_load(&j->durable) >= j->save_lsn;
}

/* With the lock held; true when something was done. */
static bool
retire_one(struct journal *j)
{
	struct segment *s;
	bool keep = j->nspares < j->o.spares;
	size_t i;

	for (i = 0; i < j->nretired && j->retired[i]->readers > 0; i++)
		continue;
	if (i == j->nretired)
		return false;
	s = j->retired[i];
	pthread_mutex_unlock(&j->lock);
	if (recycle(j, s, keep) == -1) {
		/* it stays; the next opening will see it again */
		pthread_mutex_lock(&j->lock);
		j->stats.write_errors++;
		j->stats.last_errno = errno;
	} else {
		pthread_mutex_lock(&j->lock);
		j->stats.recycled++;
	}
	j->nretired--;
	memmove(j->retired + i, j->retired + i + 1,
	    (j->nretired - i) * sizeof *j->retired);
	journal_segment_free(s);
	j->no_space = false;
	pthread_cond_broadcast(&j->ready);
	return true;
}

static bool
make_one(struct journal *j)
{
	const struct haste at_leisure = { .wanted = &j->spare_wanted };
	bool made = false;
	int error = 0;

	if (j->nspares >= j->o.spares || (j->stopping && j->nspares > 0))
		return false;
	if (journal_quota_allows(j)) {
		pthread_mutex_unlock(&j->lock);
		if (make_spare(j, &at_leisure) == -1)
			error = errno;
		pthread_mutex_lock(&j->lock);
		made = error == 0;
		j->no_space = !made;
	} else {
		/* what is retired will make room when its readers are done */
		j->no_space = j->nretired == 0;
	}
	j->spare_errno = error;
	if (error != 0)
		j->stats.last_errno = error;
	pthread_cond_broadcast(&j->ready);
	return made;
}

/* A file that is short is looked for again every second, for space may come
 * from others; one that is read is retired when its reader is done. */
static void
rest(struct journal *j)
{
	struct timespec until;

	if (!j->no_space && j->nretired == 0) {
		pthread_cond_wait(&j->chores, &j->lock);
		return;
	}
	clock_gettime(CLOCK_MONOTONIC, &until);
	until.tv_sec++;
	pthread_cond_timedwait(&j->chores, &j->lock, &until);
}

/* Those who were told FULL or BUSY may try again. */
static void
tell_of_room(struct journal *j)
{
	int was = JOURNAL_NO_SPACE;

	if (j->nspares > 0)
		atomic_compare_exchange_strong(&j->state, &was,
		    JOURNAL_WORKING);
	pthread_mutex_unlock(&j->lock);
	journal_tell(j);
	pthread_mutex_lock(&j->lock);
}

void *
journal_prepare_main(void *journal)
{
	struct journal *j = journal;

	make_reserve(j, 0);
	pthread_mutex_lock(&j->lock);
	/* the syncing thread may need a spare to the last */
	while (!j->sync_done || may_save(j)) {
		if (may_save(j))
			do_save(j);
		else if (retire_one(j) || make_one(j))
			tell_of_room(j);
		else if (!j->sync_done)
			rest(j);
	}
	pthread_mutex_unlock(&j->lock);
	return NULL;
}
