/* shim.c - a disk, a clock and a memory that fail when told to: loaded in front
 * of the daemon (LD_PRELOAD), ruled through a file that both map.
 *
 * The file named by FAULTS_CONTROL holds a struct control; control.py writes
 * it while the daemon runs.  A rule is of one kind of call.  Writes and reads are
 * only touched when they are pwrite() and pread(), which the daemon uses for
 * its journal and not for sockets. */
#define _GNU_SOURCE
#include <dlfcn.h>
#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdarg.h>
#include <stdatomic.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/time.h>
#include <sys/uio.h>
#include <time.h>
#include <unistd.h>

enum call { WRITE, SYNC, RENAME, ALLOCATE, READ, OPEN, UNLINK, SEND, MEMORY,
	CALLS };

struct rule {
	_Atomic int32_t error;		/* errno to fail with; 0: none */
	_Atomic int32_t times;		/* how often still; -1: always */
	_Atomic int32_t delay_ms;
	_Atomic int32_t kill_in;	/* the n-th call from now; 0: never */
	_Atomic int32_t limit;		/* bytes of a write at most; 0: all */
	_Atomic int32_t one_in;		/* fail about so many; 0: each */
	_Atomic int32_t calls, hits;	/* counted here */
};

struct control {
	struct rule rule[CALLS];
	_Atomic int64_t clock_s;	/* added to the time of day */
};

static struct control *control;

static __attribute__((constructor)) void
start(void)
{
	const char *path = getenv("FAULTS_CONTROL");
	int fd = path == NULL ? -1 : open(path, O_RDWR | O_CLOEXEC);
	void *p = MAP_FAILED;

	if (fd != -1)
		p = mmap(NULL, sizeof *control, PROT_READ | PROT_WRITE,
		    MAP_SHARED, fd, 0);
	if (p != MAP_FAILED)
		control = p;
	if (fd != -1)
		close(fd);
}

static int
chosen(struct rule *r, int32_t n)
{
	uint32_t mix = (uint32_t)n * 2654435761u;

	return r->one_in <= 1 || (mix >> 8) % (uint32_t)r->one_in == 0;
}

/* -1 with errno: this call is to fail. */
static int
meet(enum call which)
{
	struct rule *r = &control->rule[which];
	int32_t n = atomic_fetch_add(&r->calls, 1);

	if (r->kill_in > 0 && atomic_fetch_sub(&r->kill_in, 1) == 1)
		kill(getpid(), SIGKILL);
	if (r->delay_ms > 0)
		usleep((useconds_t)r->delay_ms * 1000);
	if (r->error == 0 || r->times == 0 || !chosen(r, n))
		return 0;
	if (r->times > 0)
		atomic_fetch_sub(&r->times, 1);
	atomic_fetch_add(&r->hits, 1);
	errno = r->error;
	return -1;
}

static int
fails(enum call which)
{
	return control != NULL && meet(which) == -1;
}

static size_t
cut(size_t n)
{
	int32_t limit = control == NULL ? 0 : control->rule[WRITE].limit;

	return limit > 0 && n > (size_t)limit ? (size_t)limit : n;
}

#define REAL(name) ((__typeof__(&name))real(#name, &at_##name))

static void *
real(const char *name, void **at)
{
	if (*at == NULL)
		*at = dlsym(RTLD_NEXT, name);
	return *at;
}

static void *at_pwrite, *at_pwrite64, *at_pwritev, *at_pwritev64, *at_pread,
    *at_pread64, *at_fdatasync, *at_fsync, *at_rename, *at_renameat,
    *at_fallocate64, *at_unlink, *at_unlinkat, *at_openat64, *at_send,
    *at_clock_gettime, *at_time;

ssize_t
pwrite64(int fd, const void *p, size_t n, off64_t at)
{
	return fails(WRITE) ? -1 : REAL(pwrite64)(fd, p, cut(n), at);
}

ssize_t
pwrite(int fd, const void *p, size_t n, off_t at)
{
	return fails(WRITE) ? -1 : REAL(pwrite)(fd, p, cut(n), at);
}

ssize_t
pwritev64(int fd, const struct iovec *v, int n, off64_t at)
{
	if (fails(WRITE))
		return -1;
	if (cut(v[0].iov_len) < v[0].iov_len)
		return REAL(pwrite64)(fd, v[0].iov_base, cut(v[0].iov_len), at);
	return REAL(pwritev64)(fd, v, n, at);
}

ssize_t
pwritev(int fd, const struct iovec *v, int n, off_t at)
{
	return fails(WRITE) ? -1 : REAL(pwritev)(fd, v, n, at);
}

ssize_t
pread64(int fd, void *p, size_t n, off64_t at)
{
	return fails(READ) ? -1 : REAL(pread64)(fd, p, n, at);
}

ssize_t
pread(int fd, void *p, size_t n, off_t at)
{
	return fails(READ) ? -1 : REAL(pread)(fd, p, n, at);
}

int
fdatasync(int fd)
{
	return fails(SYNC) ? -1 : REAL(fdatasync)(fd);
}

int
fsync(int fd)
{
	return fails(SYNC) ? -1 : REAL(fsync)(fd);
}

int
rename(const char *from, const char *to)
{
	return fails(RENAME) ? -1 : REAL(rename)(from, to);
}

int
renameat(int d, const char *from, int e, const char *to)
{
	return fails(RENAME) ? -1 : REAL(renameat)(d, from, e, to);
}

int
fallocate64(int fd, int mode, off64_t at, off64_t n)
{
	return fails(ALLOCATE) ? -1 : REAL(fallocate64)(fd, mode, at, n);
}

int
unlink(const char *name)
{
	return fails(UNLINK) ? -1 : REAL(unlink)(name);
}

int
unlinkat(int d, const char *name, int flags)
{
	return fails(UNLINK) ? -1 : REAL(unlinkat)(d, name, flags);
}

int
openat64(int d, const char *name, int flags, ...)
{
	va_list ap;
	mode_t mode = 0;

	va_start(ap, flags);
	if ((flags & (O_CREAT | O_TMPFILE)) != 0)
		mode = va_arg(ap, mode_t);
	va_end(ap);
	return fails(OPEN) ? -1 : REAL(openat64)(d, name, flags, mode);
}

ssize_t
send(int fd, const void *p, size_t n, int flags)
{
	return fails(SEND) ? -1 : REAL(send)(fd, p, n, flags);
}

int
clock_gettime(clockid_t id, struct timespec *t)
{
	int rc = REAL(clock_gettime)(id, t);

	if (control != NULL && rc == 0 &&
	    (id == CLOCK_REALTIME || id == CLOCK_REALTIME_COARSE))
		t->tv_sec += (time_t)control->clock_s;
	return rc;
}

time_t
time(time_t *at)
{
	time_t t = REAL(time)(NULL);

	if (control != NULL)
		t += (time_t)control->clock_s;
	if (at != NULL)
		*at = t;
	return t;
}

/* glibc's own, by the names it offers to replacements. */
extern void *__libc_malloc(size_t n);
extern void *__libc_calloc(size_t n, size_t size);
extern void *__libc_realloc(void *p, size_t n);

#ifndef NO_MALLOC
void *
malloc(size_t n)
{
	return fails(MEMORY) ? NULL : __libc_malloc(n);
}

void *
calloc(size_t n, size_t size)
{
	return fails(MEMORY) ? NULL : __libc_calloc(n, size);
}

void *
realloc(void *p, size_t n)
{
	return fails(MEMORY) ? NULL : __libc_realloc(p, n);
}
#endif
