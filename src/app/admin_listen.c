/* admin_listen.c - the addresses of the admin page.
 *
 * They are ours and not the library's, which can listen on one only and cannot
 * move: a reload opens what is new and closes what is gone, and connections
 * live on.  At most ADMIN_CONNECTIONS at a time; more wait to be accepted. */
#include "config.h"

#include <errno.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sysexits.h>
#include <unistd.h>

#include "app/admin.h"
#include "app/admin_private.h"
#include "app/daemon.h"
#include "net/addr.h"
#include "net/listen.h"

struct admin_listener {
	struct admin_listener *next;
	struct admin *admin;
	ev_io io;
	char *url;
	uint16_t port;
};

static bool
is_full(const struct admin *a)
{
	const union MHD_DaemonInfo *i = MHD_get_daemon_info(a->mhd,
	    MHD_DAEMON_INFO_CURRENT_CONNECTIONS);

	return i != NULL && i->num_connections >= ADMIN_CONNECTIONS;
}

/* Take in who waits.  When there is no room, or no descriptor, the others wait
 * until admin_accept_again(). */
static void
somebody(struct ev_loop *loop, ev_io *w, int revents)
{
	struct admin_listener *l = w->data;
	struct addr peer = { .len = sizeof peer.u };
	int fd;

	if (is_full(l->admin)) {
		ev_io_stop(loop, w);
		return;
	}
	fd = accept4(w->fd, &peer.u.sa, &peer.len, SOCK_NONBLOCK | SOCK_CLOEXEC);
	if (fd != -1)
		MHD_add_connection(l->admin->mhd, fd, &peer.u.sa, peer.len);
	else if (errno == EMFILE || errno == ENFILE || errno == ENOBUFS || errno == ENOMEM)
		ev_io_stop(loop, w);
	admin_run(l->admin);
}

void
admin_accept_again(struct admin *a)
{
	for (struct admin_listener *l = a->listeners; l != NULL && !is_full(a); l = l->next)
		ev_io_start(a->loop, &l->io);
}

static void
listener_free(struct admin_listener *l)
{
	ev_io_stop(l->admin->loop, &l->io);
	close(l->io.fd);
	free(l->url);
	free(l);
}

static struct admin_listener *
listener_new(struct admin *a, const struct conf_listen *at, int fd)
{
	struct admin_listener *l = calloc(1, sizeof *l);
	char *url = strdup(at->url);

	if (l == NULL || url == NULL) {
		free(l);
		free(url);
		close(fd);
		return NULL;
	}
	l->admin = a;
	l->url = url;
	l->port = at->port;
	ev_io_init(&l->io, somebody, fd, EV_READ);
	l->io.data = l;
	ev_io_start(a->loop, &l->io);
	return l;
}

/* Unlink and give the listener of that address, or NULL. */
static struct admin_listener *
take(struct admin_listener **list, const char *url)
{
	struct admin_listener **p = list, *l;

	while (*p != NULL && strcmp((*p)->url, url) != 0)
		p = &(*p)->next;
	l = *p;
	if (l != NULL)
		*p = l->next;
	return l;
}

static void
put(struct admin_listener **list, struct admin_listener *l)
{
	l->next = *list;
	*list = l;
}

static void
free_all(struct admin_listener *l)
{
	while (l != NULL) {
		struct admin_listener *next = l->next;

		listener_free(l);
		l = next;
	}
}

/* The old address may be in the way of the new one (127.0.0.1 of *), so they
 * share the port for a moment; but with nobody else. */
static int
open_port(const struct admin *a, const struct conf_listen *at)
{
	const struct admin_listener *l = a->listeners;

	while (l != NULL && l->port != at->port)
		l = l->next;
	if (l == NULL && listen_taken(SOCK_STREAM, at->host, at->port)) {
		errno = EADDRINUSE;
		return -1;
	}
	return listen_tcp(at->host, at->port, true);
}

/* Open what is new of want into *fresh, all or nothing. */
static int
open_new(struct admin *a, const struct conf_listens *want,
    struct admin_listener **fresh, char *error, size_t size)
{
	for (size_t i = 0; i < want->n; i++) {
		const struct conf_listen *at = &want->v[i];
		struct admin_listener *l = take(&a->listeners, at->url);
		int fd;

		if (l != NULL) {	/* it stays */
			put(&a->listeners, l);
			continue;
		}
		fd = open_port(a, at);
		l = fd == -1 ? NULL : listener_new(a, at, fd);
		if (l == NULL) {
			snprintf(error, size, "%s:%u:%u: admin: listening on %s: %s",
			    at->mark.file == NULL ? "defaults" : at->mark.file,
			    at->mark.line, at->mark.column, at->url, strerror(errno));
			free_all(*fresh);
			*fresh = NULL;
			return -1;
		}
		put(fresh, l);
	}
	return 0;
}

int
admin_listen(struct daemon *d, const struct conf *conf, char *error, size_t size)
{
	static const struct conf_listens nowhere;
	const struct conf_listens *want = conf->admin.present ? &conf->admin.listen : &nowhere;
	struct admin *a = d->admin;
	struct admin_listener *fresh = NULL, *l;

	if (open_new(a, want, &fresh, error, size) != 0)
		return EX_OSERR;
	for (size_t i = 0; i < want->n; i++)
		if ((l = take(&a->listeners, want->v[i].url)) != NULL)
			put(&fresh, l);
	free_all(a->listeners);
	a->listeners = fresh;
	return 0;
}

void
admin_listen_end(struct admin *a)
{
	free_all(a->listeners);
	a->listeners = NULL;
}
