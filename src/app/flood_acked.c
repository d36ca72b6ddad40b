/* flood_acked.c - streams with answers: events (RESP) and RELP.
 *
 * Each connection keeps a window of messages without an answer.  A latency
 * counts from when the message was due, not from when there was room to send
 * it, so a stall shows in every message that it delayed.  With `reconnect`,
 * what had no answer when a connection broke is sent again, in order and
 * under its old id, as a careful client would. */
#include "config.h"

#include <err.h>
#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <poll.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "app/flood.h"
#include "base/buf.h"

#define OUT_MAX ((size_t)4 << 20)
#define OUT_FILL ((size_t)256 << 10)
#define IN_MAX ((size_t)256 << 10)
#define TICK_NS UINT64_C(100000)

/* A message without an answer. */
struct flight {
	uint64_t seq, due_ns;
	uint64_t iid;			/* or RELP's transaction number */
	uint32_t unit;
};

struct conn {
	int fd;				/* -1: gone */
	bool ready;			/* RELP: the session is open */
	struct buf out, in;
	size_t out_at;
	struct flight *ring;		/* window of them */
	unsigned head, n;		/* the oldest, and how many */
	unsigned resend;		/* how many of them must go out again */
	uint64_t iid, txnr;
	char pid[96];
	uint64_t retry_ns;
};

struct acked {
	const struct flood_opts *o;
	struct flood_pool *pool;
	struct flood_report *r;
	struct flood_pace pace;
	struct conn *conns;
	struct pollfd *polls;
	size_t unit, next;
	uint64_t seq, in_flight;
	unsigned alive;
	bool relp, failed;
	FILE *acks;
};

/* What one answer in the input was. */
enum answer { ANSWER_NONE, ANSWER_OK, ANSWER_REFUSED, ANSWER_OPENED, ANSWER_BROKEN };

static void
need(bool ok)
{
	if (!ok)
		errx(71, "flood: out of memory");
}

static void
note_error(struct acked *a, const char *text, size_t len)
{
	if (a->r->first_error[0] == '\0')
		snprintf(a->r->first_error, sizeof a->r->first_error, "%.*s",
		    (int)len, text);
}

static void
add_bulk(struct buf *b, const char *s)
{
	need(buf_printf(b, "$%zu\r\n%s\r\n", strlen(s), s));
}

static void
add_event(struct acked *a, struct conn *c, const struct flight *f)
{
	char stream[128], iid[24];
	uint64_t n = f->seq % a->o->names;

	if (a->o->names > 1)
		snprintf(stream, sizeof stream, "%s.%" PRIu64, a->o->prefix, n);
	else
		snprintf(stream, sizeof stream, "%s", a->o->prefix);
	need(buf_adds(&c->out, a->o->idmp ? "*10\r\n$4\r\nXADD\r\n" :
	    "*7\r\n$4\r\nXADD\r\n"));
	add_bulk(&c->out, stream);
	if (a->o->idmp) {
		snprintf(iid, sizeof iid, "%" PRIu64, f->iid);
		need(buf_adds(&c->out, "$4\r\nIDMP\r\n"));
		add_bulk(&c->out, c->pid);
		add_bulk(&c->out, iid);
	}
	need(buf_adds(&c->out, "$1\r\n*\r\n"));
}

/* Append message f to what the connection will write. */
static void
add_message(struct acked *a, struct conn *c, struct flight *f)
{
	struct flood_pool *p = a->pool;
	const struct flood_unit *u = &p->units[f->unit];
	size_t len = u[1].at - u->at;

	flood_pool_patch(p, f->unit, 1, a->o->first + f->seq);
	if (a->relp) {
		f->iid = ++c->txnr;
		need(buf_add_u64(&c->out, f->iid) &&
		    buf_adds(&c->out, " syslog ") &&
		    buf_add_u64(&c->out, len) && buf_addc(&c->out, ' '));
	} else
		add_event(a, c, f);
	need(buf_add(&c->out, p->text + u->at, len));
	if (a->relp)
		need(buf_addc(&c->out, '\n'));
}

static void
hello(struct acked *a, struct conn *c)
{
	static const char offer[] =
	    "relp_version=0\nrelp_software=millrace-flood\ncommands=syslog";

	buf_clear(&c->out);
	buf_clear(&c->in);
	c->out_at = 0;
	c->ready = true;
	if (a->relp) {
		c->ready = false;
		c->txnr = 1;
		need(buf_printf(&c->out, "1 open %zu %s\n", sizeof offer - 1,
		    offer));
	} else if (a->o->to.password[0] != '\0') {
		c->ready = false;
		need(buf_adds(&c->out, "*3\r\n$4\r\nAUTH\r\n"));
		add_bulk(&c->out, a->o->to.user[0] != '\0' ? a->o->to.user :
		    "default");
		add_bulk(&c->out, a->o->to.password);
	}
}

static int
conn_open(struct acked *a, struct conn *c)
{
	c->fd = dial(&a->o->to, 2000);
	if (c->fd == -1)
		return -1;
	(void)fcntl(c->fd, F_SETFL, fcntl(c->fd, F_GETFL) | O_NONBLOCK);
	a->alive++;
	hello(a, c);
	return 0;
}

static void
conn_lost(struct acked *a, struct conn *c, const char *why)
{
	note_error(a, why, strlen(why));
	close(c->fd);
	c->fd = -1;
	a->alive--;
	c->resend = c->n;
	c->retry_ns = flood_now() + 50000000u;
}

/* The first line of the input, without its end; NULL: not all of it is there. */
static const char *
line(const struct conn *c, size_t at, size_t *len)
{
	const char *s = c->in.data + at;
	const char *nl = at < c->in.len ? memchr(s, '\n', c->in.len - at) : NULL;

	if (nl == NULL)
		return NULL;
	*len = (size_t)(nl - s);
	return s;
}

static bool
number(const char **s, const char *end, uint64_t *v)
{
	const char *p = *s;

	*v = 0;
	while (p < end && *p >= '0' && *p <= '9' && p - *s < 18)
		*v = *v * 10 + (uint64_t)(*p++ - '0');
	if (p == *s)
		return false;
	*s = p;
	return true;
}

/* "$LEN CRLF id CRLF", "+OK CRLF" (to AUTH), "-ERR ... CRLF". */
static enum answer
read_resp(struct acked *a, struct conn *c, size_t *at, const char **id,
    size_t *idlen)
{
	size_t len;
	const char *s = line(c, *at, &len), *p, *end;
	uint64_t n;

	if (s == NULL)
		return ANSWER_NONE;
	p = s + 1;
	end = s + len;
	if (*s == '-') {
		note_error(a, s, len > 0 && s[len - 1] == '\r' ? len - 1 : len);
		*at += len + 1;
		return c->ready ? ANSWER_REFUSED : ANSWER_BROKEN;
	}
	if (*s == '+') {
		*at += len + 1;
		return c->ready ? ANSWER_BROKEN : ANSWER_OPENED;
	}
	if (*s != '$' || !number(&p, end, &n) || n > 1024)
		return ANSWER_BROKEN;
	if (*at + len + 1 + n + 2 > c->in.len)
		return ANSWER_NONE;
	*id = end + 1;
	*idlen = (size_t)n;
	*at += len + 1 + (size_t)n + 2;
	return ANSWER_OK;
}

/* "TXNR rsp LEN[ DATA]LF"; DATA begins with a status of three digits. */
static enum answer
read_relp(struct acked *a, struct conn *c, size_t *at, uint64_t *txnr)
{
	const char *s = c->in.data + *at, *p = s, *end = c->in.data + c->in.len;
	uint64_t n;
	bool ok;

	if (p == end || memchr(p, '\n', (size_t)(end - p)) == NULL)
		return ANSWER_NONE;
	if (!number(&p, end, txnr))
		return ANSWER_BROKEN;
	if (*txnr == 0)
		return ANSWER_BROKEN;	/* serverclose */
	if (end - p < 6 || memcmp(p, " rsp ", 5) != 0)
		return ANSWER_BROKEN;
	p += 5;
	if (!number(&p, end, &n) || n > 65536)
		return ANSWER_BROKEN;
	if (n > 0)
		p++;
	if ((size_t)(end - p) < n + 1)
		return ANSWER_NONE;
	ok = n >= 3 && memcmp(p, "200", 3) == 0;
	if (!ok)
		note_error(a, p, (size_t)n);
	*at += (size_t)(p - s) + (size_t)n + 1;
	if (!c->ready)
		return ok ? ANSWER_OPENED : ANSWER_BROKEN;
	return ok ? ANSWER_OK : ANSWER_REFUSED;
}

/* The oldest message in flight was answered. */
static void
answered(struct acked *a, struct conn *c, enum answer what, const char *id,
    size_t idlen, uint64_t now)
{
	const struct flight *f = &c->ring[c->head];

	if (what == ANSWER_OK) {
		a->r->acked++;
		flood_hist_add(&a->r->latency,
		    now > f->due_ns ? now - f->due_ns : 0);
		if (a->acks != NULL)
			fprintf(a->acks, "%" PRIu64 "\t%s\t%" PRIu64 "\t%.*s\n",
			    a->o->first + f->seq, c->pid, f->iid, (int)idlen, id);
	} else
		a->r->refused++;
	c->head = (c->head + 1) % a->o->window;
	c->n--;
	a->in_flight--;
	a->r->last_ack_ns = now;
}

/* Take the answers out of the input; false: the peer makes no sense. */
static bool
take_answers(struct acked *a, struct conn *c)
{
	uint64_t now = flood_now(), txnr = 0;
	const char *id = "";
	size_t at = 0, idlen = 0;
	enum answer got;

	for (;;) {
		got = a->relp ? read_relp(a, c, &at, &txnr) :
		    read_resp(a, c, &at, &id, &idlen);
		if (got == ANSWER_NONE)
			break;
		if (got == ANSWER_BROKEN)
			return false;
		if (got == ANSWER_OPENED) {
			c->ready = true;
			continue;
		}
		if (c->n <= c->resend)
			return false;	/* an answer to nothing */
		if (a->relp && txnr != c->ring[c->head].iid)
			return false;
		answered(a, c, got, id, idlen, now);
	}
	buf_consume(&c->in, at);
	return true;
}

static void
conn_read(struct acked *a, struct conn *c)
{
	ssize_t n;

	if (!buf_reserve(&c->in, IN_MAX / 4)) {
		conn_lost(a, c, "an answer without an end");
		return;
	}
	n = recv(c->fd, c->in.data + c->in.len, c->in.cap - c->in.len,
	    MSG_DONTWAIT);
	if (n == -1 && (errno == EAGAIN || errno == EINTR))
		return;
	if (n <= 0) {
		conn_lost(a, c, n == 0 ? "closed by the peer" : strerror(errno));
		return;
	}
	c->in.len += (size_t)n;
	if (!take_answers(a, c))
		conn_lost(a, c, "an answer that makes no sense");
}

static void
conn_write(struct acked *a, struct conn *c)
{
	ssize_t n;

	if (c->out_at == c->out.len)
		return;
	n = send(c->fd, c->out.data + c->out_at, c->out.len - c->out_at,
	    MSG_NOSIGNAL);
	if (n == -1) {
		if (errno != EAGAIN && errno != EINTR)
			conn_lost(a, c, strerror(errno));
		return;
	}
	c->out_at += (size_t)n;
	if (c->out_at == c->out.len) {
		c->out_at = 0;
		buf_clear(&c->out);
	}
}

static void
resend_some(struct acked *a, struct conn *c)
{
	while (c->resend > 0 && c->out.len < OUT_FILL) {
		unsigned i = c->n - c->resend;

		add_message(a, c, &c->ring[(c->head + i) % a->o->window]);
		c->resend--;
		a->r->resent++;
	}
}

/* Fill the window with what is due. */
static void
conn_fill(struct acked *a, struct conn *c, uint64_t due, uint64_t share)
{
	if (!c->ready || c->fd == -1)
		return;
	resend_some(a, c);
	while (share > 0 && a->seq < due && c->resend == 0 &&
	    c->n < a->o->window && c->out.len < OUT_FILL) {
		struct flight *f = &c->ring[(c->head + c->n) % a->o->window];

		f->seq = a->seq++;
		f->unit = (uint32_t)a->unit;
		f->iid = ++c->iid;
		f->due_ns = a->o->rate > 0 ?
		    flood_pace_time(&a->pace, f->seq) : flood_now();
		add_message(a, c, f);
		flood_sent(a->r, a->pool, a->unit);
		a->unit = (a->unit + 1) % a->pool->nunits;
		c->n++;
		a->in_flight++;
		share--;
	}
}

static void
reopen_lost(struct acked *a, uint64_t now)
{
	unsigned i;

	if (!a->o->reconnect || a->alive == a->o->connections)
		return;
	for (i = 0; i < a->o->connections; i++) {
		struct conn *c = &a->conns[i];

		if (c->fd != -1 || now < c->retry_ns)
			continue;
		if (conn_open(a, c) == 0)
			a->r->reconnects++;
		else
			c->retry_ns = now + 50000000u;
	}
}

static void
fill_all(struct acked *a, uint64_t due)
{
	/* rounded up; without an end or a rate, all is due */
	uint64_t left = due - a->seq, n = a->o->connections;
	uint64_t share = left / n + (left % n != 0);
	unsigned i;

	for (i = 0; i < a->o->connections; i++) {
		struct conn *c = &a->conns[a->next];

		a->next = (a->next + 1) % a->o->connections;
		conn_fill(a, c, due, share);
		if (c->fd != -1)
			conn_write(a, c);
	}
}

static void
wait_some(struct acked *a, uint64_t ns)
{
	struct timespec ts = { .tv_nsec = (long)ns };
	unsigned i;

	for (i = 0; i < a->o->connections; i++) {
		struct conn *c = &a->conns[i];

		a->polls[i].fd = c->fd;
		a->polls[i].events = POLLIN;
		if (c->fd != -1 && c->out_at < c->out.len)
			a->polls[i].events |= POLLOUT;
	}
	if (ppoll(a->polls, a->o->connections, &ts, NULL) <= 0)
		return;
	for (i = 0; i < a->o->connections; i++) {
		struct conn *c = &a->conns[i];

		if (c->fd != -1 && a->polls[i].revents & (POLLIN | POLLHUP | POLLERR))
			conn_read(a, c);
		if (c->fd != -1 && a->polls[i].revents & POLLOUT)
			conn_write(a, c);
	}
}

/* May anything be sent now: is there room in a window? */
static bool
room(const struct acked *a)
{
	unsigned i;

	for (i = 0; i < a->o->connections; i++) {
		const struct conn *c = &a->conns[i];

		if (c->fd != -1 && c->ready && c->out.len < OUT_FILL &&
		    (c->n < a->o->window || c->resend > 0))
			return true;
	}
	return false;
}

static uint64_t
nap(const struct acked *a, uint64_t now)
{
	uint64_t next;

	if (flood_pace_due(&a->pace, now) > a->seq)
		return room(a) ? 0 : 10000000u;
	next = flood_pace_time(&a->pace, a->seq);
	if (next < now + TICK_NS)
		return TICK_NS;
	return next - now < 10000000u ? next - now : 10000000u;
}

static void
run(struct acked *a)
{
	uint64_t now, give_up = 0;
	bool over = false;

	for (;;) {
		now = flood_now();
		if (!over && flood_pace_over(&a->pace, a->seq, now)) {
			over = true;
			a->r->end_ns = now;
			give_up = now + (uint64_t)a->o->wait_ms * 1000000u;
		}
		if (over && (a->in_flight == 0 || now > give_up))
			return;
		if (a->alive == 0 && !a->o->reconnect)
			return;
		reopen_lost(a, now);
		flood_pool_stamp(a->pool, a->o);
		fill_all(a, over ? a->seq : flood_pace_due(&a->pace, now));
		wait_some(a, over ? 10000000u : nap(a, flood_now()));
	}
}

static int
setup(struct acked *a)
{
	const struct flood_opts *o = a->o;
	unsigned i;

	a->conns = calloc(o->connections, sizeof *a->conns);
	a->polls = calloc(o->connections, sizeof *a->polls);
	need(a->conns != NULL && a->polls != NULL);
	for (i = 0; i < o->connections; i++) {
		struct conn *c = &a->conns[i];

		c->fd = -1;
		buf_init(&c->out, OUT_MAX);
		buf_init(&c->in, IN_MAX);
		c->ring = calloc(o->window, sizeof *c->ring);
		need(c->ring != NULL);
		snprintf(c->pid, sizeof c->pid, "%s-%u", o->pid, i);
	}
	for (i = 0; i < o->connections; i++)
		if (conn_open(a, &a->conns[i]) == -1) {
			warn("flood: %s", o->to.text);
			return -1;
		}
	if (o->acks != NULL && (a->acks = fopen(o->acks, "we")) == NULL) {
		warn("flood: %s", o->acks);
		return -1;
	}
	return 0;
}

/* RELP says good-bye; who does not is taken for broken. */
static void
conn_close(struct acked *a, struct conn *c)
{
	struct pollfd p = { .fd = c->fd, .events = POLLIN };
	char text[32];
	int n;

	if (a->relp && c->ready && c->out.len == 0) {
		n = snprintf(text, sizeof text, "%" PRIu64 " close 0\n",
		    c->txnr + 1);
		if (send(c->fd, text, (size_t)n, MSG_NOSIGNAL) == n)
			(void)poll(&p, 1, 1000);
	}
	close(c->fd);
}

static void
teardown(struct acked *a)
{
	unsigned i;

	for (i = 0; i < a->o->connections; i++) {
		struct conn *c = &a->conns[i];

		if (c->fd != -1)
			conn_close(a, c);
		buf_fini(&c->out);
		buf_fini(&c->in);
		free(c->ring);
	}
	free(a->conns);
	free(a->polls);
	if (a->acks != NULL && fclose(a->acks) != 0)
		warn("flood: %s", a->o->acks);
}

int
flood_acked(const struct flood_opts *o, struct flood_pool *p,
    struct flood_report *r)
{
	struct acked a = { .o = o, .pool = p, .r = r };
	int rc;

	a.relp = strcmp(o->to.scheme, "relp") == 0;
	rc = setup(&a);
	flood_pace_start(&a.pace, o);
	r->start_ns = r->end_ns = r->last_ack_ns = a.pace.start_ns;
	if (rc == 0)
		run(&a);
	if (r->end_ns == r->start_ns)
		r->end_ns = flood_now();
	r->unanswered = a.in_flight;
	teardown(&a);
	return rc;
}
