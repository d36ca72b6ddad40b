/* health.c - one small conversation per node and interval. */
#include "config.h"

#include <errno.h>
#include <ev.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include "base/log.h"
#include "core/plan.h"
#include "net/addr.h"
#include "net/resolve.h"
#include "sink/health.h"

#define REPLY_MAX 256
#define QUESTION "health\r\n"

struct check {
	struct health *health;
	const struct conf_server *server;
	const char *name;		/* of the destination */
	unsigned dest;
	double interval, patience;	/* seconds */
	ev_timer next, late;
	ev_io io;			/* fd -1: no conversation */
	bool asked;			/* the question is out */
	struct resolve *query;
	struct addr addrs[RESOLVE_MAX];	/* of the name; tried one by one */
	size_t naddrs, next_addr;
	char reply[REPLY_MAX];
	size_t len;
};

struct health {
	struct ev_loop *loop;
	struct plan_registry *registry;
	struct check *checks;
	size_t n;
};

/* ---- the end of a conversation ---- */

static void
hang_up(struct check *c)
{
	struct ev_loop *loop = c->health->loop;

	ev_timer_stop(loop, &c->late);
	resolve_cancel(c->query);
	c->query = NULL;
	if (c->io.fd == -1)
		return;
	ev_io_stop(loop, &c->io);
	close(c->io.fd);
	c->io.fd = -1;
}

static void
judge(struct check *c, const char *fault)
{
	bool was;

	hang_up(c);
	was = plan_health(c->health->registry, c->dest, fault != NULL);
	if (fault != NULL && !was)
		log_warn("%s: health: %s: its names go to others", c->name,
		    fault);
	else if (fault == NULL && was)
		log_info("%s: health: up again", c->name);
}

/* ---- asking ---- */

static void
hear(struct check *c)
{
	ssize_t n = recv(c->io.fd, c->reply + c->len, REPLY_MAX - c->len, 0);
	struct slice said;

	if (n < 0 && (errno == EAGAIN || errno == EINTR))
		return;
	if (n < 0) {
		judge(c, strerror(errno));
		return;
	}
	c->len += (size_t)n;
	said = slice_of(c->reply, c->len);
	if (memmem(said.ptr, said.len, "up", 2) != NULL)
		judge(c, NULL);
	else if (n == 0 || c->len == REPLY_MAX ||
	    slice_find(said, '\n') < said.len)
		judge(c, n == 0 ? "no answer" : "it says it is not up");
}

static void call(struct check *c, const struct addr *to);

/* Nobody is at this address: at the next one, or nowhere. */
static void
nobody(struct check *c, const char *why)
{
	if (c->io.fd != -1) {
		ev_io_stop(c->health->loop, &c->io);
		close(c->io.fd);
		c->io.fd = -1;
	}
	if (c->next_addr < c->naddrs)
		call(c, &c->addrs[c->next_addr++]);
	else
		judge(c, why);
}

static void
ask(struct check *c)
{
	int error = 0;
	socklen_t len = sizeof error;

	if (getsockopt(c->io.fd, SOL_SOCKET, SO_ERROR, &error, &len) != 0)
		error = errno;
	if (error == 0 && send(c->io.fd, QUESTION, sizeof QUESTION - 1,
	    MSG_NOSIGNAL) == -1)
		error = errno;
	if (error != 0) {
		nobody(c, strerror(error));
		return;
	}
	c->asked = true;
	ev_io_stop(c->health->loop, &c->io);
	ev_io_set(&c->io, c->io.fd, EV_READ);
	ev_io_start(c->health->loop, &c->io);
}

static void
ready(struct ev_loop *loop, ev_io *io, int revents)
{
	struct check *c = io->data;

	if (c->asked)
		hear(c);
	else
		ask(c);
}

static void
call(struct check *c, const struct addr *to)
{
	int fd = socket(to->u.sa.sa_family, SOCK_STREAM | SOCK_NONBLOCK |
	    SOCK_CLOEXEC, 0);

	if (fd == -1 || (connect(fd, &to->u.sa, to->len) != 0 &&
	    errno != EINPROGRESS)) {
		const char *why = strerror(errno);

		if (fd != -1)
			close(fd);
		nobody(c, why);
		return;
	}
	c->asked = false;
	c->len = 0;
	ev_io_set(&c->io, fd, EV_WRITE);
	ev_io_start(c->health->loop, &c->io);
}

static void
resolved(void *ctx, const struct addr *v, size_t n, const char *error)
{
	struct check *c = ctx;

	c->query = NULL;
	if (n > 0)
		memcpy(c->addrs, v, n * sizeof *v);
	c->naddrs = n;
	c->next_addr = 0;
	nobody(c, error);
}

static void
too_late(struct ev_loop *loop, ev_timer *w, int revents)
{
	judge(w->data, "no answer in time");
}

static void
due(struct ev_loop *loop, ev_timer *w, int revents)
{
	struct check *c = w->data;
	struct addr to;

	hang_up(c);
	c->naddrs = c->next_addr = 0;
	ev_timer_set(&c->late, c->patience, 0);
	ev_timer_start(loop, &c->late);
	if (addr_numeric(c->server->host, c->server->admin_port, &to)) {
		call(c, &to);
		return;
	}
	c->query = resolve_start(loop, c->server->host, c->server->admin_port,
	    resolved, c);
	if (c->query == NULL)
		judge(c, strerror(errno));
}

/* ---- which nodes there are ---- */

static void
begin(struct health *h, struct check *c, const struct plan *plan,
    const struct plan_cluster *cluster, size_t i)
{
	double patience = (double)cluster->conf->connect_timeout_ms / 1000;

	c->health = h;
	c->server = &cluster->conf->servers[i];
	c->dest = cluster->dests[i];
	c->name = plan->registry->dest[c->dest]->name;
	c->interval = (double)cluster->conf->check_interval_ms / 1000;
	c->patience = patience < c->interval ? patience : c->interval * 0.9;
	ev_timer_init(&c->late, too_late, c->patience, 0);
	ev_timer_init(&c->next, due, 0, c->interval);
	ev_io_init(&c->io, ready, -1, 0);
	c->next.data = c->late.data = c->io.data = c;
	ev_timer_start(h->loop, &c->next);
}

static void
end_all(struct health *h)
{
	for (size_t i = 0; i < h->n; i++) {
		hang_up(&h->checks[i]);
		ev_timer_stop(h->loop, &h->checks[i].next);
	}
	free(h->checks);
	h->checks = NULL;
	h->n = 0;
}

/* Who is not asked any more counts as well. */
static void
heal_others(struct health *h)
{
	unsigned n = atomic_load(&h->registry->n);

	for (unsigned d = 0; d < n; d++) {
		bool asked = false;

		for (size_t i = 0; i < h->n; i++)
			asked |= h->checks[i].dest == d;
		if (!asked)
			plan_health(h->registry, d, false);
	}
}

void
health_conf(struct health *h, const struct plan *plan)
{
	size_t n = 0;

	end_all(h);
	h->registry = plan->registry;
	for (size_t i = 0; i < plan->nclusters; i++)
		n += plan->clusters[i].checked ? plan->clusters[i].ndests : 0;
	h->checks = n == 0 ? NULL : calloc(n, sizeof *h->checks);
	if (n > 0 && h->checks == NULL)
		log_error("out of memory: nodes are not asked for their health");
	for (size_t i = 0; h->checks != NULL && i < plan->nclusters; i++) {
		const struct plan_cluster *c = &plan->clusters[i];

		for (size_t j = 0; c->checked && j < c->ndests; j++)
			if (c->conf->servers[j].admin_port != 0)
				begin(h, &h->checks[h->n++], plan, c, j);
	}
	heal_others(h);
}

struct health *
health_new(struct ev_loop *loop)
{
	struct health *h = calloc(1, sizeof *h);

	if (h != NULL)
		h->loop = loop;
	return h;
}

void
health_free(struct health *h)
{
	if (h == NULL)
		return;
	end_all(h);
	free(h);
}
