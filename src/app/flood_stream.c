/* flood_stream.c - streams without answers: TCP and Unix.
 *
 * Units of the pool lie one behind the other, so a burst is one write.  What a
 * connection does not take at once is copied aside and goes first next time;
 * no connection waits for another.  At the end each is shut down for writing
 * and read to its end, so that "sent" means that the peer has read it all. */
#include "config.h"

#include <err.h>
#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "app/flood.h"

#define CHUNK ((size_t)64 << 10)
#define TICK_NS UINT64_C(1000000)

struct conn {
	int fd;				/* -1: gone */
	char *rest;			/* what the kernel did not take */
	size_t at, left, room;
	uint64_t messages;		/* begun in rest */
	uint64_t retry_ns;
};

struct sender {
	const struct flood_opts *o;
	struct flood_pool *pool;
	struct flood_report *r;
	struct flood_pace pace;
	struct conn *conns;
	struct pollfd *polls;
	size_t unit, next;
	uint64_t seq;
	unsigned alive;
};

static int
conn_open(struct sender *s, struct conn *c)
{
	int flags;

	c->fd = dial(&s->o->to, 2000);
	if (c->fd == -1)
		return -1;
	flags = fcntl(c->fd, F_GETFL);
	(void)fcntl(c->fd, F_SETFL, flags | O_NONBLOCK);
	s->alive++;
	return 0;
}

static void
note_error(struct sender *s)
{
	if (s->r->first_error[0] == '\0')
		snprintf(s->r->first_error, sizeof s->r->first_error, "%s",
		    strerror(errno));
}

/* The connection broke: what it still held is lost. */
static void
conn_lost(struct sender *s, struct conn *c)
{
	note_error(s);
	close(c->fd);
	c->fd = -1;
	s->alive--;
	s->r->errors += c->messages;
	s->r->sent -= c->messages;
	c->left = 0;
	c->messages = 0;
	c->retry_ns = flood_now() + 100000000u;
}

static void
keep_rest(struct conn *c, const char *p, size_t n, uint64_t messages)
{
	if (n > c->room) {
		free(c->rest);
		c->room = n;
		c->rest = malloc(n);
		if (c->rest == NULL)
			err(71, "flood");
	}
	memcpy(c->rest, p, n);
	c->at = 0;
	c->left = n;
	c->messages = messages;
}

static void
conn_flush(struct sender *s, struct conn *c)
{
	ssize_t n = send(c->fd, c->rest + c->at, c->left, MSG_NOSIGNAL);

	if (n == -1) {
		if (errno != EAGAIN && errno != EINTR)
			conn_lost(s, c);
		return;
	}
	c->at += (size_t)n;
	c->left -= (size_t)n;
	if (c->left == 0)
		c->messages = 0;
}

/* Send the next units, up to `max` messages and CHUNK bytes. */
static void
conn_send(struct sender *s, struct conn *c, uint64_t max)
{
	struct flood_pool *p = s->pool;
	size_t from = s->unit, to = from, i, len;
	uint64_t messages = 0;
	ssize_t n;

	while (to < p->nunits && messages + p->units[to].messages <= max &&
	    p->units[to + 1].at - p->units[from].at <= CHUNK)
		messages += p->units[to++].messages;
	if (to == from) {		/* one unit larger than CHUNK */
		messages = p->units[to].messages;
		to++;
	}
	flood_pool_patch(p, from, to - from, s->o->first + s->seq);
	len = p->units[to].at - p->units[from].at;
	n = send(c->fd, p->text + p->units[from].at, len, MSG_NOSIGNAL);
	if (n == -1) {
		if (errno != EAGAIN && errno != EINTR)
			conn_lost(s, c);
		return;
	}
	for (i = from; i < to; i++)
		flood_sent(s->r, p, i);
	s->seq += messages;
	s->r->datagrams++;
	s->unit = to % p->nunits;
	if ((size_t)n < len)
		keep_rest(c, p->text + p->units[from].at + n, len - (size_t)n,
		    messages);
}

/* Did the peer hang up?  What it says otherwise is read and forgotten. */
static void
conn_listen(struct sender *s, struct conn *c)
{
	char sink[4096];
	ssize_t n = recv(c->fd, sink, sizeof sink, MSG_DONTWAIT);

	if (n > 0 || (n == -1 && (errno == EAGAIN || errno == EINTR)))
		return;
	if (n == 0)
		errno = ECONNRESET;
	conn_lost(s, c);
}

static void
reopen_lost(struct sender *s, uint64_t now)
{
	unsigned i;

	if (!s->o->reconnect || s->alive == s->o->connections)
		return;
	for (i = 0; i < s->o->connections; i++) {
		struct conn *c = &s->conns[i];

		if (c->fd != -1 || now < c->retry_ns)
			continue;
		if (conn_open(s, c) == 0)
			s->r->reconnects++;
		else
			c->retry_ns = now + 100000000u;
	}
}

/* Wait until something is due, or a connection takes more. */
static void
wait_some(struct sender *s, uint64_t until_ns)
{
	uint64_t now = flood_now();
	uint64_t ns = until_ns > now ? until_ns - now : 0;
	struct timespec ts = {
		.tv_sec = (time_t)(ns / 1000000000u),
		.tv_nsec = (long)(ns % 1000000000u),
	};
	unsigned i;

	for (i = 0; i < s->o->connections; i++) {
		s->polls[i].fd = s->conns[i].fd;
		s->polls[i].events = POLLIN;
		if (s->conns[i].left > 0)
			s->polls[i].events |= POLLOUT;
	}
	if (ppoll(s->polls, s->o->connections, &ts, NULL) <= 0)
		return;
	for (i = 0; i < s->o->connections; i++) {
		struct conn *c = &s->conns[i];

		if (c->fd != -1 && s->polls[i].revents & (POLLIN | POLLHUP | POLLERR))
			conn_listen(s, c);
		if (c->fd != -1 && c->left > 0 &&
		    s->polls[i].revents & POLLOUT)
			conn_flush(s, c);
	}
}

/* Hand what is due to the connections that have nothing left.  Returns
 * whether anything went out. */
static bool
send_due(struct sender *s, uint64_t due)
{
	uint64_t before = s->seq, share;
	unsigned i;

	share = (due - s->seq) / s->o->connections + 1;
	for (i = 0; i < s->o->connections && s->seq < due; i++) {
		struct conn *c = &s->conns[s->next];

		s->next = (s->next + 1) % s->o->connections;
		if (c->fd == -1 || c->left > 0)
			continue;
		if (share > due - s->seq)
			share = due - s->seq;
		conn_send(s, c, share < s->o->per_datagram ?
		    s->o->per_datagram : share);
	}
	return s->seq != before;
}

static void
run(struct sender *s)
{
	for (;;) {
		uint64_t now = flood_now(), due, next;

		if (flood_pace_over(&s->pace, s->seq, now))
			return;
		if (s->alive == 0 && !s->o->reconnect)
			return;
		reopen_lost(s, now);
		flood_pool_stamp(s->pool, s->o);
		due = flood_pace_due(&s->pace, now);
		if (due > s->seq && send_due(s, due))
			next = now;	/* look whether anybody hung up */
		else
			next = now + TICK_NS;
		if (s->o->rate > 0 && next == now &&
		    flood_pace_due(&s->pace, now) <= s->seq) {
			next = flood_pace_time(&s->pace, s->seq);
			if (next < now + TICK_NS)
				next = now + TICK_NS;
		}
		if (next > s->pace.end_ns)
			next = s->pace.end_ns;
		wait_some(s, next);
	}
}

/* Let each connection take what it holds, then say that there is no more and
 * wait until the peer has read it and closed. */
static void
finish(struct sender *s)
{
	uint64_t end = flood_now() + (uint64_t)s->o->wait_ms * 1000000u;
	unsigned i, busy;

	do {
		busy = 0;
		for (i = 0; i < s->o->connections; i++)
			busy += s->conns[i].fd != -1 && s->conns[i].left > 0;
		if (busy > 0)
			wait_some(s, flood_now() + TICK_NS);
	} while (busy > 0 && flood_now() < end);
	s->r->end_ns = flood_now();
	for (i = 0; i < s->o->connections; i++) {
		struct conn *c = &s->conns[i];
		struct pollfd p = { .fd = c->fd, .events = POLLIN };
		char sink[4096];

		if (c->fd == -1)
			continue;
		if (c->left > 0) {
			errno = ETIMEDOUT;
			conn_lost(s, c);
			continue;
		}
		shutdown(c->fd, SHUT_WR);
		while (poll(&p, 1, flood_now() < end ?
		    (int)((end - flood_now()) / 1000000u) + 1 : 0) == 1 &&
		    recv(c->fd, sink, sizeof sink, MSG_DONTWAIT) > 0)
			continue;
	}
}

int
flood_stream(const struct flood_opts *o, struct flood_pool *p,
    struct flood_report *r)
{
	struct sender s = { .o = o, .pool = p, .r = r };
	unsigned i;
	int rc = 0;

	s.conns = calloc(o->connections, sizeof *s.conns);
	s.polls = calloc(o->connections, sizeof *s.polls);
	if (s.conns == NULL || s.polls == NULL)
		err(71, "flood");
	for (i = 0; i < o->connections; i++)
		s.conns[i].fd = -1;
	for (i = 0; i < o->connections && rc == 0; i++)
		rc = conn_open(&s, &s.conns[i]);
	if (rc == -1)
		warn("flood: %s", o->to.text);
	flood_pace_start(&s.pace, o);
	r->start_ns = r->end_ns = s.pace.start_ns;
	if (rc == 0) {
		run(&s);
		finish(&s);
	}
	for (i = 0; i < o->connections; i++) {
		if (s.conns[i].fd != -1)
			close(s.conns[i].fd);
		free(s.conns[i].rest);
	}
	free(s.conns);
	free(s.polls);
	return rc;
}
