/* stream_open.c - where streams come from: accepted, or connected. */
#include "config.h"

#include <errno.h>
#include <netinet/tcp.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include "base/log.h"
#include "net/addr.h"
#include "net/listen.h"
#include "net/stream_hub.h"

#define ACCEPTS 64		/* before others have their turn */
#define BREATHER_S 0.1		/* when there are no descriptors left */

struct stream_listener {
	struct stream_group *group;
	ev_io io;
	ev_timer breather;
	bool paused;
};

static void
set_manners(int fd)
{
	static const int on = 1;

	/* fails on Unix sockets, which need neither */
	setsockopt(fd, IPPROTO_TCP, TCP_NODELAY, &on, sizeof on);
	setsockopt(fd, SOL_SOCKET, SO_KEEPALIVE, &on, sizeof on);
}

static void
take_in(struct stream_group *g, int fd)
{
	struct stream *s;

	if (g->options.max_connections > 0 &&
	    g->stats.current >= g->options.max_connections) {
		g->stats.refused++;
		LOG_LIMITED(LOG_AT_WARN, 10,
		    "connection refused: %zu are open, the limit",
		    g->stats.current);
		close(fd);
		return;
	}
	set_manners(fd);
	s = stream_new(g, fd, STREAM_HANDSHAKING, NULL);
	if (s == NULL) {
		g->stats.failed++;
		close(fd);
		return;
	}
	if (g->options.tls == NULL) {
		stream_opened(s);
		return;
	}
	stream_quiet_move(s, &g->hub->handshakes);
	ev_io_start(g->hub->loop, &s->io);
}

/* Errors of the connection, not of the listener: accept(2) passes them on. */
static bool
passing(int error)
{
	switch (error) {
	case EINTR:
	case ECONNABORTED:
	case EPROTO:
	case ENETDOWN:
	case ENOPROTOOPT:
	case EHOSTDOWN:
	case ENONET:
	case EHOSTUNREACH:
	case EOPNOTSUPP:
	case ENETUNREACH:
	case EPERM:
		return true;
	}
	return false;
}

/* No descriptors or no memory: the connection stays in the queue, and trying
 * again at once would only burn the processor. */
static void
take_breath(struct stream_listener *l)
{
	l->group->stats.failed++;
	LOG_LIMITED(LOG_AT_ERROR, 10, "cannot accept connections: %s",
	    strerror(errno));
	ev_io_stop(l->group->hub->loop, &l->io);
	ev_timer_set(&l->breather, BREATHER_S, 0);
	ev_timer_start(l->group->hub->loop, &l->breather);
}

static void
on_breather(struct ev_loop *loop, ev_timer *w, int revents)
{
	struct stream_listener *l = w->data;

	(void)revents;
	if (!l->paused)
		ev_io_start(loop, &l->io);
}

static void
on_accept(struct ev_loop *loop, ev_io *w, int revents)
{
	struct stream_listener *l = w->data;
	struct stream_group *g = l->group;
	int i, fd, listening = w->fd;

	(void)loop;
	(void)revents;
	g->refs++;	/* open() may free the listener */
	for (i = 0; i < ACCEPTS && !g->closed; i++) {
		fd = accept4(listening, NULL, NULL, SOCK_NONBLOCK | SOCK_CLOEXEC);
		if (fd != -1) {
			take_in(g, fd);
			continue;
		}
		if (errno == EAGAIN)
			break;
		if (!passing(errno)) {
			take_breath(l);
			break;
		}
		if (errno != EINTR)
			g->stats.failed++;
	}
	stream_group_unref(g);
}

struct stream_listener *
stream_listen(struct ev_loop *loop, int fd,
    const struct stream_options *options, const struct stream_ops *ops,
    void *ctx)
{
	struct stream_listener *l = calloc(1, sizeof *l);

	if (l == NULL)
		return NULL;
	l->group = stream_group_new(loop, options, ops);
	if (l->group == NULL) {
		free(l);
		return NULL;
	}
	l->group->ctx = ctx;
	ev_io_init(&l->io, on_accept, fd, EV_READ);
	ev_init(&l->breather, on_breather);
	l->io.data = l->breather.data = l;
	ev_io_start(loop, &l->io);
	return l;
}

void
stream_listener_free(struct stream_listener *l)
{
	if (l == NULL)
		return;
	ev_io_stop(l->group->hub->loop, &l->io);
	ev_timer_stop(l->group->hub->loop, &l->breather);
	listen_unlink(l->io.fd);
	close(l->io.fd);
	l->group->closed = true;
	stream_group_unref(l->group);
	free(l);
}

void
stream_listener_tls(struct stream_listener *l, struct tls_context *tls)
{
	l->group->options.tls = tls;
}

void
stream_listener_pause(struct stream_listener *l)
{
	l->paused = true;
	ev_io_stop(l->group->hub->loop, &l->io);
}

void
stream_listener_resume(struct stream_listener *l)
{
	l->paused = false;
	if (!ev_is_active(&l->breather))
		ev_io_start(l->group->hub->loop, &l->io);
}

void
stream_listener_stats(const struct stream_listener *l,
    struct stream_stats *stats)
{
	*stats = l->group->stats;
}

/* A descriptor on its way to an address; -1: none was to be had.  *error is
 * what connect() said. */
static int
start_connect(const struct addr *to, int *error)
{
	int fd = socket(to->u.sa.sa_family, SOCK_STREAM | SOCK_NONBLOCK |
	    SOCK_CLOEXEC, 0);

	if (fd == -1)
		return -1;
	set_manners(fd);
	*error = connect(fd, &to->u.sa, to->len) == 0 ? 0 : errno;
	return fd;
}

/* Watch what connect() began, or remember how it failed. */
static void
set_out(struct stream *s, const struct addr *to, int error)
{
	if (to->len <= sizeof s->peer && to->u.sa.sa_family != AF_UNIX)
		memcpy(&s->peer, &to->u, to->len);
	else
		s->peer.family = AF_UNIX;
	if (error != 0 && error != EINPROGRESS) {
		s->why = strerror(error);
		stream_todo(s);
		return;
	}
	stream_quiet_move(s, &s->group->idle);
	ev_io_set(&s->io, s->io.fd, EV_WRITE);
	ev_io_start(s->group->hub->loop, &s->io);
}

struct stream *
stream_connect(struct ev_loop *loop, const struct addr *to,
    const char *tls_name, const struct stream_options *options,
    const struct stream_ops *ops, void *data, unsigned timeout_ms)
{
	struct stream_group *g = stream_group_new(loop, options, ops);
	struct stream *s = NULL;
	int fd, saved, error = 0;

	if (g == NULL)
		return NULL;
	g->outgoing = true;
	g->idle.timeout_s = timeout_ms / 1e3;
	fd = start_connect(to, &error);
	if (fd != -1)
		s = stream_new(g, fd, STREAM_CONNECTING, tls_name);
	saved = errno;
	stream_group_unref(g);	/* the stream has it now */
	if (s == NULL) {
		if (fd != -1)
			close(fd);
		errno = saved;
		return NULL;
	}
	s->data = data;
	s->announced = true;
	set_out(s, to, error);
	return s;
}
