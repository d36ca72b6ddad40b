/* wire_udp.c - lines in datagrams.
 *
 * What the socket does not take now waits here, as whole datagrams.  A server
 * that is not there answers with ICMP, which the next send reports: then the
 * wire fails like any other, and what it holds is sent again by the next. */
#include "config.h"

#include <errno.h>
#include <ev.h>
#include <stdlib.h>
#include <sys/socket.h>
#include <unistd.h>

#include "base/buf.h"
#include "net/addr.h"
#include "sink/wire.h"

#define DATAGRAM 1400
#define BATCH 32
#define PENDING_MAX (256 * 1024)

struct udp_wire {
	struct wire wire;
	ev_io io;
	struct ev_loop *loop;
	struct buf out;
	size_t off;		/* what went out of it */
	bool full, finishing;
};

static void
free_wire(struct udp_wire *w)
{
	ev_io_stop(w->loop, &w->io);
	close(w->io.fd);
	buf_fini(&w->out);
	free(w);
}

/* As many whole lines as fit a datagram, or the first one alone. */
static struct slice
cut(struct slice bytes)
{
	size_t n = bytes.len;
	const char *end;

	if (n <= DATAGRAM)
		return bytes;
	end = memrchr(bytes.ptr, '\n', DATAGRAM);
	if (end == NULL)
		end = memchr(bytes.ptr, '\n', n);
	return end == NULL ? bytes :
	    slice_upto(bytes, (size_t)(end - bytes.ptr) + 1);
}

static unsigned
gather(const struct udp_wire *w, struct mmsghdr *m, struct iovec *v)
{
	struct slice rest = slice_from(buf_slice(&w->out), w->off);
	unsigned n = 0;

	for (; n < BATCH && rest.len > 0; n++) {
		struct slice one = cut(rest);

		v[n].iov_base = (void *)(uintptr_t)one.ptr;
		v[n].iov_len = one.len;
		m[n].msg_hdr = (struct msghdr){
			.msg_iov = &v[n], .msg_iovlen = 1
		};
		rest = slice_from(rest, one.len);
	}
	return n;
}

/* Send what can be sent; -1: it failed.  That the port was closed to a datagram
 * before is told at the first send only: what went out since is out. */
static int
flush(struct udp_wire *w)
{
	struct mmsghdr m[BATCH];
	struct iovec v[BATCH];
	bool begun = w->off > 0;
	unsigned n;
	int did;

	while ((n = gather(w, m, v)) > 0) {
		did = sendmmsg(w->io.fd, m, n, MSG_NOSIGNAL);
		if (did > 0) {
			begun = true;
			for (int i = 0; i < did; i++)
				w->off += v[i].iov_len;
		} else if (errno == EMSGSIZE) {
			w->off += v[0].iov_len;	/* no datagram holds it */
		} else if (errno == EAGAIN || errno == ENOBUFS) {
			ev_io_start(w->loop, &w->io);
			return 0;
		} else if (errno != EINTR &&
		    !(errno == ECONNREFUSED && begun)) {
			return -1;
		}
	}
	buf_clear(&w->out);
	w->off = 0;
	ev_io_stop(w->loop, &w->io);
	return 0;
}

static void
writable(struct ev_loop *loop, ev_io *io, int revents)
{
	struct udp_wire *w = io->data;
	if (flush(w) != 0) {
		w->wire.events->down(w->wire.ctx, strerror(errno), false);
		free_wire(w);
	} else if (w->out.len > 0) {
		return;
	} else if (w->finishing) {
		w->wire.events->down(w->wire.ctx, "closed", true);
		free_wire(w);
	} else if (w->full) {
		w->full = false;
		w->wire.events->room(w->wire.ctx);
	}
}

static enum wire_result
do_write(struct wire *wire, struct slice bytes)
{
	struct udp_wire *w = (struct udp_wire *)wire;

	if (w->finishing || !buf_add_slice(&w->out, bytes)) {
		w->full = true;
		return WIRE_FULL;
	}
	if (flush(w) != 0) {
		int saved = errno;

		free_wire(w);
		errno = saved;
		return WIRE_FAILED;
	}
	return WIRE_TOOK;
}

static size_t
do_pending(const struct wire *wire)
{
	const struct udp_wire *w = (const struct udp_wire *)wire;

	return w->out.len - w->off;
}

static void
do_finish(struct wire *wire)
{
	struct udp_wire *w = (struct udp_wire *)wire;

	w->finishing = true;
	ev_io_start(w->loop, &w->io);	/* says so from the loop */
}

static void
do_abort(struct wire *wire)
{
	free_wire((struct udp_wire *)wire);
}

static const struct wire_ops ops = {
	do_write, do_pending, do_finish, do_abort
};

struct wire *
wire_udp(struct ev_loop *loop, const struct addr *to,
    const struct wire_events *events, void *ctx)
{
	struct udp_wire *w = calloc(1, sizeof *w);
	int fd, saved;

	if (w == NULL)
		return NULL;
	fd = socket(to->u.sa.sa_family, SOCK_DGRAM | SOCK_NONBLOCK |
	    SOCK_CLOEXEC, 0);
	if (fd == -1 || connect(fd, &to->u.sa, to->len) != 0)
		goto fail;
	w->wire = (struct wire){ &ops, events, ctx, true };
	w->loop = loop;
	buf_init(&w->out, PENDING_MAX);
	ev_io_init(&w->io, writable, fd, EV_WRITE);
	w->io.data = w;
	return &w->wire;

fail:
	saved = errno;
	if (fd != -1)
		close(fd);
	free(w);
	errno = saved;
	return NULL;
}
