/* faulty_disk.c - see faulty_disk.h. */
#include "config.h"

#include <errno.h>
#include <fcntl.h>
#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "tests/unit/faulty_disk.h"

#define SECTOR 512

ssize_t __real_pwrite(int fd, const void *buf, size_t n, off_t at);
int __real_fdatasync(int fd);
int __real_fsync(int fd);
int __real_renameat(int a, const char *from, int b, const char *to);
int __real_unlinkat(int dir, const char *name, int flags);
int __real_fallocate(int fd, int mode, off_t at, off_t len);
ssize_t __wrap_pwrite(int fd, const void *buf, size_t n, off_t at);
ssize_t __wrap_pwrite64(int fd, const void *buf, size_t n, off_t at);
int __wrap_fallocate64(int fd, int mode, off_t at, off_t len);
int __wrap_fdatasync(int fd);
int __wrap_fsync(int fd);
int __wrap_renameat(int a, const char *from, int b, const char *to);
int __wrap_unlinkat(int dir, const char *name, int flags);
int __wrap_fallocate(int fd, int mode, off_t at, off_t len);

/* One write that was not synced, with what it covered. */
struct written {
	struct written *older;
	dev_t dev;
	ino_t ino;
	int fd;
	off_t at;
	size_t len, had;		/* bytes that were there before */
	char *before;
};

/* One change of the directory that was not synced. */
struct moved {
	struct moved *older;
	int dir;
	char from[64], to[64];		/* to "": unlinked */
	char kept[64];			/* what `to` (or an unlinked file) was */
};

static pthread_mutex_t lock = PTHREAD_MUTEX_INITIALIZER;
static struct faulty_plan plan;
static bool active;
static unsigned calls, undo_names;
static struct written *writes;
static struct moved *moves;
static struct { dev_t dev; ino_t ino; } bad_files[16];
static unsigned nbad;

static uint32_t
chance(void)
{
	plan.seed = plan.seed * 1664525u + 1013904223u;
	return plan.seed >> 8;
}

/* ---- what is pending ---- */

static void
forget_writes(int fd)
{
	struct stat st;
	struct written **p = &writes;

	if (fstat(fd, &st) == -1)
		return;
	while (*p != NULL) {
		struct written *w = *p;

		if (w->ino != st.st_ino || w->dev != st.st_dev) {
			p = &w->older;
			continue;
		}
		*p = w->older;
		close(w->fd);
		free(w->before);
		free(w);
	}
}

static void
forget_moves(void)
{
	while (moves != NULL) {
		struct moved *m = moves;

		moves = m->older;
		if (m->kept[0] != '\0')
			__real_unlinkat(m->dir, m->kept, 0);
		close(m->dir);
		free(m);
	}
}

static void
note_write(int fd, size_t n, off_t at)
{
	struct written *w = calloc(1, sizeof *w);
	struct stat st;
	ssize_t had;

	fstat(fd, &st);
	w->dev = st.st_dev;
	w->ino = st.st_ino;
	w->fd = dup(fd);
	w->at = at;
	w->len = n;
	w->before = calloc(1, n + 1);
	had = pread(fd, w->before, n, at);
	w->had = had > 0 ? (size_t)had : 0;
	w->older = writes;
	writes = w;
}

static void
note_move(int dir, const char *from, const char *to)
{
	struct moved *m = calloc(1, sizeof *m);
	const char *victim = to[0] != '\0' ? to : from;

	m->dir = dup(dir);
	snprintf(m->from, sizeof m->from, "%s", from);
	snprintf(m->to, sizeof m->to, "%s", to);
	snprintf(m->kept, sizeof m->kept, "undo.%d.%u", (int)getpid(),
	    undo_names++);
	if (linkat(dir, victim, dir, m->kept, 0) == -1)
		m->kept[0] = '\0';
	m->older = moves;
	moves = m;
}

/* ---- the end ---- */

/* Sectors whose newest bytes reached the disk. */
struct kept {
	ino_t ino;
	off_t sector;
};

static struct kept kept[1 << 16];
static size_t nkept;

static bool
is_kept(ino_t ino, off_t sector)
{
	for (size_t i = 0; i < nkept; i++)
		if (kept[i].ino == ino && kept[i].sector == sector)
			return true;
	return false;
}

static void
lose_write(const struct written *w)
{
	off_t first = w->at / SECTOR, last = (w->at + (off_t)w->len - 1) / SECTOR;

	for (off_t s = first; s <= last; s++) {
		off_t from = s * SECTOR < w->at ? w->at : s * SECTOR;
		off_t to = (s + 1) * SECTOR;

		if (to > w->at + (off_t)w->len)
			to = w->at + (off_t)w->len;
		if (is_kept(w->ino, s))
			continue;
		if (chance() % 2 == 0 && nkept < sizeof kept / sizeof kept[0])
			kept[nkept++] = (struct kept){ w->ino, s };
		else
			__real_pwrite(w->fd, w->before + (from - w->at),
			    (size_t)(to - from), from);
	}
}

static void
undo_move(const struct moved *m)
{
	if (m->to[0] != '\0')
		__real_renameat(m->dir, m->to, m->dir, m->from);
	if (m->kept[0] != '\0')
		__real_renameat(m->dir, m->kept, m->dir,
		    m->to[0] != '\0' ? m->to : m->from);
}

static void
power_off(void)
{
	unsigned n = 0, lose;

	for (struct written *w = writes; w != NULL; w = w->older)
		lose_write(w);
	for (struct moved *m = moves; m != NULL; m = m->older)
		n++;
	lose = n > 0 ? chance() % (n + 1) : 0;
	for (struct moved *m = moves; m != NULL && lose > 0; m = m->older) {
		undo_move(m);
		lose--;
	}
}

static void
crash(void)
{
	if (plan.power_loss)
		power_off();
	_exit(FAULTY_EXIT);
}

/* Count a call.  Is this the last?  -1: it is, and ends before it does
 * anything; 1: it ends after it. */
static int
count_call(void)
{
	calls++;
	if (plan.crash_at == 0 || calls != plan.crash_at)
		return 0;
	return chance() % 2 == 0 ? -1 : 1;
}

static bool
fails(enum faulty_call c)
{
	if (plan.error[c] == 0 || plan.times[c] == 0)
		return false;
	if (plan.times[c] > 0)
		plan.times[c]--;
	errno = plan.error[c];
	return true;
}

/* ---- the calls ---- */

/* The file goes, and its number may come back. */
static void
unwatch(int dir, const char *name)
{
	struct stat st;

	if (fstatat(dir, name, &st, AT_SYMLINK_NOFOLLOW) == -1)
		return;
	for (unsigned i = 0; i < nbad; i++)
		if (bad_files[i].ino == st.st_ino && st.st_nlink == 1)
			bad_files[i].ino = 0;
}

static void
watch_write(int fd)
{
	struct stat st;

	fstat(fd, &st);
	for (unsigned i = 0; i < nbad; i++)
		if (plan.watch && bad_files[i].ino == st.st_ino &&
		    bad_files[i].dev == st.st_dev) {
			fprintf(stderr, "written after its sync failed\n");
			abort();
		}
}

ssize_t
__wrap_pwrite(int fd, const void *buf, size_t n, off_t at)
{
	ssize_t result = -1;
	int end;

	pthread_mutex_lock(&lock);
	if (!active) {
		pthread_mutex_unlock(&lock);
		return __real_pwrite(fd, buf, n, at);
	}
	end = count_call();
	if (end == -1)
		crash();
	watch_write(fd);
	if (fails(FAULTY_PWRITE)) {
		/* part of it may have been written */
		if (n > SECTOR)
			__real_pwrite(fd, buf, n / 2, at);
	} else if (plan.eintr > 0 && calls % plan.eintr == 0) {
		errno = EINTR;
	} else {
		if (plan.short_writes > 0 && n > plan.short_writes)
			n = plan.short_writes;
		if (end == 1)
			n = chance() % (n + 1);
		if (plan.power_loss && n > 0)
			note_write(fd, n, at);
		result = __real_pwrite(fd, buf, n, at);
	}
	if (end == 1)
		crash();
	pthread_mutex_unlock(&lock);
	return result;
}

static int
sync_file(int fd, bool data)
{
	struct stat st;
	bool dir;
	int result = -1, end, saved;

	pthread_mutex_lock(&lock);
	if (!active) {
		pthread_mutex_unlock(&lock);
		return data ? __real_fdatasync(fd) : __real_fsync(fd);
	}
	end = count_call();
	if (end == -1)
		crash();
	fstat(fd, &st);
	dir = S_ISDIR(st.st_mode);
	if (fails(dir ? FAULTY_SYNC_DIR : FAULTY_SYNC)) {
		saved = errno;
		if (!dir && nbad < 16) {
			bad_files[nbad].dev = st.st_dev;
			bad_files[nbad++].ino = st.st_ino;
		}
		errno = saved;
	} else if (plan.eintr > 0 && calls % plan.eintr == 0) {
		errno = EINTR;
	} else {
		/* a real sync adds nothing to a simulated power cut */
		result = 0;
		if (dir)
			forget_moves();
		else
			forget_writes(fd);
	}
	if (end == 1)
		crash();
	pthread_mutex_unlock(&lock);
	return result;
}

int
__wrap_fdatasync(int fd)
{
	return sync_file(fd, true);
}

int
__wrap_fsync(int fd)
{
	return sync_file(fd, false);
}

int
__wrap_renameat(int a, const char *from, int b, const char *to)
{
	int result = -1, end;

	pthread_mutex_lock(&lock);
	if (!active) {
		pthread_mutex_unlock(&lock);
		return __real_renameat(a, from, b, to);
	}
	end = count_call();
	if (end == -1)
		crash();
	if (!fails(FAULTY_RENAME)) {
		unwatch(b, to);
		if (plan.power_loss)
			note_move(a, from, to);
		result = __real_renameat(a, from, b, to);
	}
	if (end == 1)
		crash();
	pthread_mutex_unlock(&lock);
	return result;
}

int
__wrap_unlinkat(int dir, const char *name, int flags)
{
	int result = -1, end;

	pthread_mutex_lock(&lock);
	if (!active) {
		pthread_mutex_unlock(&lock);
		return __real_unlinkat(dir, name, flags);
	}
	end = count_call();
	if (end == -1)
		crash();
	if (!fails(FAULTY_UNLINK)) {
		unwatch(dir, name);
		if (plan.power_loss)
			note_move(dir, name, "");
		result = __real_unlinkat(dir, name, flags);
	}
	if (end == 1)
		crash();
	pthread_mutex_unlock(&lock);
	return result;
}

int
__wrap_fallocate(int fd, int mode, off_t at, off_t len)
{
	int result = -1, end;

	pthread_mutex_lock(&lock);
	if (!active) {
		pthread_mutex_unlock(&lock);
		return __real_fallocate(fd, mode, at, len);
	}
	end = count_call();
	if (end == -1)
		crash();
	if (!fails(FAULTY_ALLOCATE))
		result = __real_fallocate(fd, mode, at, len);
	pthread_mutex_unlock(&lock);
	return result;
}

/* what <unistd.h> calls them where off_t is made 64 bits wide */
ssize_t
__wrap_pwrite64(int fd, const void *buf, size_t n, off_t at)
{
	return __wrap_pwrite(fd, buf, n, at);
}

int
__wrap_fallocate64(int fd, int mode, off_t at, off_t len)
{
	return __wrap_fallocate(fd, mode, at, len);
}

void
faulty_begin(const struct faulty_plan *p)
{
	pthread_mutex_lock(&lock);
	plan = *p;
	calls = nbad = 0;
	nkept = 0;
	active = true;
	pthread_mutex_unlock(&lock);
}

void
faulty_end(void)
{
	pthread_mutex_lock(&lock);
	active = false;
	forget_moves();
	while (writes != NULL)
		forget_writes(writes->fd);
	pthread_mutex_unlock(&lock);
}

unsigned
faulty_count(void)
{
	return calls;
}
