/* shadow_run.c - feeding relays and listening for what they send, with poll(). */
#include "config.h"

#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "app/shadow.h"
#include "base/clock.h"
#include "net/listen.h"

#define CHUNK 65536
#define OUT_MAX (1u << 20)	/* bytes that may wait for a relay */
#define LINE_MAX_BYTES (1u << 20)
#define FDS (SHADOW_MAX_SINKS + SHADOW_MAX_CONNS + SHADOW_SIDES + 2)

static void
nonblocking(int fd)
{
	int flags = fcntl(fd, F_GETFL);

	if (flags != -1)
		fcntl(fd, F_SETFL, flags | O_NONBLOCK);
}

bool
shadow_listen(struct shadow *s, enum shadow_side side, const char *name,
    const char *host, uint16_t port, bool udp)
{
	struct shadow_sink *k = &s->sinks[s->nsinks];

	for (size_t i = 0; i < s->nsinks; i++)
		if (strcmp(s->sinks[i].name, name) == 0 &&
		    s->sinks[i].side == side && s->sinks[i].udp == udp)
			return true;
	if (s->nsinks == SHADOW_MAX_SINKS) {
		errno = ENFILE;
		return false;
	}
	k->fd = udp ? listen_udp(host, port, false, 8u << 20) :
	    listen_tcp(host, port, false);
	if (k->fd == -1)
		return false;
	nonblocking(k->fd);
	snprintf(k->name, sizeof k->name, "%s", name);
	k->side = side;
	k->udp = udp;
	s->nsinks++;
	return true;
}

/* ---- lines in ---- */

/* Hand on the whole lines of b. */
static void
cut_lines(struct shadow *s, struct buf *b, const struct shadow_sink *k)
{
	struct slice rest = buf_slice(b);
	size_t n;

	while ((n = slice_find(rest, '\n')) < rest.len) {
		struct slice line = slice_upto(rest, n);

		rest = slice_from(rest, n + 1);
		if (k != NULL) {
			shadow_diff_add(&s->diff, k->side, k->name, line);
			continue;
		}
		if (line.len == 0)
			continue;
		s->lines++;
		for (int i = 0; i < SHADOW_SIDES; i++)
			if (s->fed[i]) {
				buf_add_slice(&s->relays[i].out, line);
				buf_addc(&s->relays[i].out, '\n');
			}
		if (s->line != NULL)
			s->line(s->ctx, line);
	}
	buf_consume(b, b->len - rest.len);
}

static void
conn_add(struct shadow *s, int fd, struct shadow_sink *k)
{
	struct shadow_conn *c;

	if (s->nconns == SHADOW_MAX_CONNS) {
		close(fd);
		return;
	}
	if (fd != STDIN_FILENO)
		nonblocking(fd);
	c = &s->conns[s->nconns++];
	c->fd = fd;
	c->sink = k;
	buf_init(&c->in, LINE_MAX_BYTES + CHUNK);
}

/* False: it ended, and is gone. */
static bool
conn_read(struct shadow *s, size_t i)
{
	struct shadow_conn *c = &s->conns[i];
	ssize_t n = -1;

	if (buf_reserve(&c->in, CHUNK))
		n = read(c->fd, c->in.data + c->in.len, CHUNK);
	else
		errno = EMSGSIZE;
	if (n == -1 && (errno == EAGAIN || errno == EINTR))
		return true;
	if (n > 0) {
		c->in.len += (size_t)n;
		cut_lines(s, &c->in, c->sink);
		return true;
	}
	if (c->sink == NULL && s->listen == -1 && c->in.len > 0 &&
	    buf_addc(&c->in, '\n'))
		cut_lines(s, &c->in, NULL);	/* a file's last line */
	close(c->fd);
	buf_fini(&c->in);
	s->conns[i] = s->conns[--s->nconns];
	return false;
}

static void
sink_datagrams(struct shadow *s, struct shadow_sink *k)
{
	struct buf b = BUF_INIT(CHUNK + 1);
	ssize_t n;

	while (buf_reserve(&b, CHUNK + 1) &&
	    (n = recv(k->fd, b.data, CHUNK, 0)) > 0) {
		b.len = (size_t)n;
		if (b.data[b.len - 1] != '\n')
			b.data[b.len++] = '\n';
		cut_lines(s, &b, k);
		buf_clear(&b);
	}
	buf_fini(&b);
}

static void
sink_ready(struct shadow *s, struct shadow_sink *k)
{
	int fd;

	if (k->udp) {
		sink_datagrams(s, k);
		return;
	}
	while ((fd = accept(k->fd, NULL, NULL)) != -1)
		conn_add(s, fd, k);
}

/* ---- lines out ---- */

static bool
relay_open(struct shadow_relay *r, char *why, size_t whylen)
{
	r->fd = dial(&r->to, 5000);
	buf_init(&r->out, OUT_MAX + LINE_MAX_BYTES + 2 * CHUNK);
	if (r->fd != -1) {
		nonblocking(r->fd);
		return true;
	}
	snprintf(why, whylen, "%s: %s", r->to.text, strerror(errno));
	return false;
}

static bool
relay_write(struct shadow_relay *r, char *why, size_t whylen)
{
	ssize_t n = send(r->fd, r->out.data, r->out.len, MSG_NOSIGNAL);

	if (n == -1 && (errno == EAGAIN || errno == EINTR))
		return true;
	if (n == -1) {
		snprintf(why, whylen, "%s: %s", r->to.text, strerror(errno));
		return false;
	}
	buf_consume(&r->out, (size_t)n);
	return true;
}

/* ---- one turn ---- */

/* What a descriptor of the poll stands for. */
struct part {
	struct shadow_sink *sink;
	struct shadow_relay *relay;
	int conn;			/* -1: none */
};

struct turn {
	struct pollfd fds[FDS];
	struct part parts[FDS];
	nfds_t n;
};

static void
watch(struct turn *t, int fd, short events, struct part part)
{
	t->fds[t->n] = (struct pollfd){ .fd = fd, .events = events };
	t->parts[t->n++] = part;
}

static bool
relays_full(const struct shadow *s)
{
	for (int i = 0; i < SHADOW_SIDES; i++)
		if (s->relays[i].out.len >= OUT_MAX)
			return true;
	return false;
}

static void
watch_all(struct shadow *s, struct turn *t)
{
	bool full = relays_full(s);

	t->n = 0;
	for (size_t i = 0; i < s->nsinks; i++)
		watch(t, s->sinks[i].fd, POLLIN,
		    (struct part){ &s->sinks[i], NULL, -1 });
	for (int i = 0; i < SHADOW_SIDES; i++)
		if (s->fed[i] && s->relays[i].out.len > 0)
			watch(t, s->relays[i].fd, POLLOUT,
			    (struct part){ NULL, &s->relays[i], -1 });
	/* last first: one that ends changes places with the last */
	for (size_t i = s->nconns; i-- > 0;)
		if (!full || s->conns[i].sink != NULL)
			watch(t, s->conns[i].fd, POLLIN,
			    (struct part){ NULL, NULL, (int)i });
	if (s->listen != -1)
		watch(t, s->listen, POLLIN, (struct part){ NULL, NULL, -1 });
}

/* False: a relay cannot be fed any more. */
static bool
handle(struct shadow *s, const struct pollfd *p, const struct part *part,
    bool *heard, char *why, size_t whylen)
{
	int fd;

	if (p->revents == 0)
		return true;
	if (part->relay != NULL)
		return relay_write(part->relay, why, whylen);
	*heard = true;
	if (part->sink != NULL)
		sink_ready(s, part->sink);
	else if (part->conn >= 0)
		conn_read(s, (size_t)part->conn);
	else if ((fd = accept(s->listen, NULL, NULL)) != -1)
		conn_add(s, fd, NULL);
	return true;
}

static bool
feeding(const struct shadow *s)
{
	for (int i = 0; i < SHADOW_SIDES; i++)
		if (s->relays[i].out.len > 0)
			return true;
	if (*s->stop)
		return false;
	if (s->listen != -1)
		return true;
	for (size_t i = 0; i < s->nconns; i++)
		if (s->conns[i].sink == NULL)
			return true;
	return false;
}

bool
shadow_run(struct shadow *s, char *why, size_t whylen)
{
	static struct turn turn;
	int64_t quiet = clock_mono_ns();

	for (int i = 0; i < SHADOW_SIDES; i++)
		if (s->fed[i] && !relay_open(&s->relays[i], why, whylen))
			return false;
	if (s->listen == -1)
		conn_add(s, STDIN_FILENO, NULL);
	else
		nonblocking(s->listen);
	for (;;) {
		bool heard = false, more = feeding(s);
		int64_t now = clock_mono_ns();

		if (!more && now - quiet > s->settle_ms * NS_PER_MS)
			return true;
		watch_all(s, &turn);
		if (poll(turn.fds, turn.n, 50) == -1 && errno != EINTR) {
			snprintf(why, whylen, "poll: %s", strerror(errno));
			return false;
		}
		for (nfds_t i = 0; i < turn.n; i++)
			if (!handle(s, &turn.fds[i], &turn.parts[i], &heard,
			    why, whylen))
				return false;
		if (heard || more)
			quiet = clock_mono_ns();
	}
}

void
shadow_close(struct shadow *s)
{
	for (size_t i = 0; i < s->nsinks; i++)
		close(s->sinks[i].fd);
	for (size_t i = 0; i < s->nconns; i++) {
		close(s->conns[i].fd);
		buf_fini(&s->conns[i].in);
	}
	for (int i = 0; i < SHADOW_SIDES; i++) {
		if (s->relays[i].fd > 0)
			close(s->relays[i].fd);
		buf_fini(&s->relays[i].out);
	}
	if (s->listen != -1)
		close(s->listen);
	shadow_diff_fini(&s->diff);
}
