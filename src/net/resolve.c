/* resolve.c - names looked up in a thread, answers given in the loop.
 *
 * The question is shared by two, the thread and the loop; the last one to let
 * go frees it.  The thread knows nothing of the loop: it writes to an eventfd,
 * so a loop that is gone by then is no harm. */
#include "config.h"

#include <errno.h>
#include <ev.h>
#include <pthread.h>
#include <signal.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/eventfd.h>
#include <sys/socket.h>
#include <unistd.h>

#include "net/addr.h"
#include "net/resolve.h"

struct resolve {
	_Atomic int holders;
	int fd;
	uint16_t port;
	char *host;
	struct addr v[RESOLVE_MAX];
	int n;
	const char *error;
	/* the loop's own */
	struct ev_loop *loop;
	ev_io io;
	resolve_cb *cb;
	void *ctx;
};

static void
let_go(struct resolve *r)
{
	if (atomic_fetch_sub(&r->holders, 1) > 1)
		return;
	close(r->fd);
	free(r->host);
	free(r);
}

static void *
look_up(void *arg)
{
	struct resolve *r = arg;
	uint64_t one = 1;

	r->error = "no address";
	r->n = addr_resolve(r->host, r->port, SOCK_STREAM, r->v, RESOLVE_MAX,
	    &r->error);
	if (write(r->fd, &one, sizeof one) == -1)
		r->n = 0;	/* cannot be: an eventfd takes a one */
	let_go(r);
	return NULL;
}

static void
answered(struct ev_loop *loop, ev_io *w, int revents)
{
	struct resolve *r = w->data;
	uint64_t one;

	if (read(r->fd, &one, sizeof one) == -1)
		return;
	ev_io_stop(loop, w);
	r->cb(r->ctx, r->v, r->n > 0 ? (size_t)r->n : 0, r->error);
	let_go(r);
}

/* All signals blocked: they are the main thread's. */
static int
run_thread(struct resolve *r)
{
	pthread_attr_t attr;
	sigset_t all, old;
	pthread_t id;
	int rc;

	sigfillset(&all);
	pthread_attr_init(&attr);
	pthread_attr_setdetachstate(&attr, PTHREAD_CREATE_DETACHED);
	pthread_sigmask(SIG_SETMASK, &all, &old);
	rc = pthread_create(&id, &attr, look_up, r);
	pthread_sigmask(SIG_SETMASK, &old, NULL);
	pthread_attr_destroy(&attr);
	return rc;
}

struct resolve *
resolve_start(struct ev_loop *loop, const char *host, uint16_t port,
    resolve_cb *cb, void *ctx)
{
	struct resolve *r = calloc(1, sizeof *r);

	if (r == NULL)
		return NULL;
	r->fd = eventfd(0, EFD_NONBLOCK | EFD_CLOEXEC);
	r->host = strdup(host);
	r->port = port;
	r->loop = loop;
	r->cb = cb;
	r->ctx = ctx;
	atomic_init(&r->holders, 2);
	if (r->fd == -1 || r->host == NULL || (errno = run_thread(r)) != 0) {
		int saved = errno;

		if (r->fd != -1)
			close(r->fd);
		free(r->host);
		free(r);
		errno = saved;
		return NULL;
	}
	ev_io_init(&r->io, answered, r->fd, EV_READ);
	r->io.data = r;
	ev_io_start(loop, &r->io);
	return r;
}

void
resolve_cancel(struct resolve *r)
{
	if (r == NULL)
		return;
	ev_io_stop(r->loop, &r->io);
	let_go(r);
}
