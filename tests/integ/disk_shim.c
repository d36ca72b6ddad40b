/* disk_shim.c - a disk to order, by LD_PRELOAD: while $DISK_SHIM/stalled is
 * there nothing that touches a spool's file returns; while $DISK_SHIM/full is
 * there writes to it fail with ENOSPC. */
#define _GNU_SOURCE
#include <dlfcn.h>
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/uio.h>
#include <unistd.h>

static int
there(const char *what)
{
	const char *dir = getenv("DISK_SHIM");
	char path[4096];

	snprintf(path, sizeof path, "%s/%s", dir == NULL ? "/nowhere" : dir, what);
	return access(path, F_OK) == 0;
}

static int
is_spool(int fd)
{
	char link[64], path[4096];
	ssize_t n;

	snprintf(link, sizeof link, "/proc/self/fd/%d", fd);
	n = readlink(link, path, sizeof path - 1);
	if (n <= 0)
		return 0;
	path[n] = '\0';
	return strstr(path, "/spool/") != NULL;
}

static void
stall(void)
{
	while (there("stalled"))
		usleep(10000);
}

#define REAL(name) ((__typeof__(&name))dlsym(RTLD_NEXT, #name))

static ssize_t
write_there(int fd, const struct iovec *v, int n, off_t at)
{
	if (is_spool(fd)) {
		stall();
		if (there("full")) {
			errno = ENOSPC;
			return -1;
		}
	}
	return REAL(pwritev)(fd, v, n, at);
}

ssize_t
pwritev(int fd, const struct iovec *v, int n, off_t at)
{
	return write_there(fd, v, n, at);
}

ssize_t
pwritev64(int fd, const struct iovec *v, int n, off_t at)
{
	return write_there(fd, v, n, at);
}

static ssize_t
read_there(int fd, void *to, size_t n, off_t at)
{
	if (is_spool(fd))
		stall();
	return REAL(pread)(fd, to, n, at);
}

ssize_t
pread(int fd, void *to, size_t n, off_t at)
{
	return read_there(fd, to, n, at);
}

ssize_t
pread64(int fd, void *to, size_t n, off_t at)
{
	return read_there(fd, to, n, at);
}

int
unlinkat(int dir, const char *name, int flags)
{
	if (is_spool(dir))
		stall();
	return REAL(unlinkat)(dir, name, flags);
}
