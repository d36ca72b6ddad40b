/* wire_file.c - lines appended to a file.
 *
 * A write goes to the page cache and is not waited for.  One that the disk
 * took in part only is taken back, so that it can be written again whole.
 *
 * /dev/stdout and /dev/stderr are those that this process has: opened by their
 * names they would be refused when they are sockets (systemd's journal) or
 * somebody else's pipes, and files would get a second position of writing. */
#include "config.h"

#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "sink/wire.h"

struct file_wire {
	struct wire wire;
	int fd;
	bool shared;		/* fd's position is not ours */
};

static void
free_wire(struct file_wire *w)
{
	close(w->fd);
	free(w);
}

static void
take_back(int fd, size_t n)
{
	off_t end = lseek(fd, 0, SEEK_END);

	if (end >= (off_t)n && ftruncate(fd, end - (off_t)n) != 0)
		return;		/* half a line stays: nothing can be done */
}

static enum wire_result
do_write(struct wire *wire, struct slice bytes)
{
	struct file_wire *w = (struct file_wire *)wire;
	size_t done = 0;

	while (done < bytes.len) {
		ssize_t n = write(w->fd, bytes.ptr + done, bytes.len - done);
		int saved = errno;

		if (n > 0) {
			done += (size_t)n;
		} else if (n == 0 || errno != EINTR) {
			if (!w->shared)
				take_back(w->fd, done);
			free_wire(w);
			errno = n == 0 ? ENOSPC : saved;
			return WIRE_FAILED;
		}
	}
	return WIRE_TOOK;
}

static size_t
do_pending(const struct wire *wire)
{
	return 0;
}

static void
do_finish(struct wire *wire)
{
	wire->events->down(wire->ctx, "closed", true);
	free_wire((struct file_wire *)wire);
}

static void
do_abort(struct wire *wire)
{
	free_wire((struct file_wire *)wire);
}

static const struct wire_ops ops = {
	do_write, do_pending, do_finish, do_abort
};

/* The descriptor that a name stands for, or -1. */
static int
standard(const char *path)
{
	if (strcmp(path, "/dev/stdout") == 0)
		return STDOUT_FILENO;
	return strcmp(path, "/dev/stderr") == 0 ? STDERR_FILENO : -1;
}

struct wire *
wire_file(const char *path, const struct wire_events *events, void *ctx)
{
	struct file_wire *w = calloc(1, sizeof *w);

	if (w == NULL)
		return NULL;
	w->wire = (struct wire){ &ops, events, ctx, true };
	w->shared = standard(path) != -1;
	w->fd = w->shared ? fcntl(standard(path), F_DUPFD_CLOEXEC, 3) :
	    open(path, O_WRONLY | O_APPEND | O_CREAT | O_CLOEXEC, 0644);
	if (w->fd != -1)
		return &w->wire;
	free(w);
	return NULL;
}
