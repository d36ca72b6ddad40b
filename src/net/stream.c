/* stream.c - a connection from its first byte to its last.
 *
 * Input goes through the hub's one big buffer; only what data() leaves unused
 * is kept with the stream, so a quiet connection costs its struct and no more.
 * Output is kept with the stream until the hub's prepare watcher sends it.
 *
 * A callback may abort the stream it is about, and any other.  So each function
 * that calls one holds the stream (inside) meanwhile, and one that was ended is
 * freed when the last holder lets go. */
#include "config.h"

#include <assert.h>
#include <errno.h>
#include <netinet/tcp.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include "base/log.h"
#include "net/addr.h"
#include "net/stream_hub.h"
#include "net/tls.h"
#include "net/tls_session.h"

#define OUT_FIRST 512		/* of the output buffer */
#define PARTING_READS 16	/* of a peer that goes on talking */

enum io_result { IO_SOME, IO_LATER, IO_END, IO_GONE };

static struct ev_loop *
loop_of(const struct stream *s)
{
	return s->group->hub->loop;
}

static size_t
pending(const struct stream *s)
{
	return s->out.len - s->out.off;
}

/* Life and death */

static void
forget(struct stream *s)
{
	struct stream_hub *h = s->group->hub;
	struct stream_cursor *c;

	for (c = h->cursors; c != NULL; c = c->outer)
		if (c->next == &s->all)
			c->next = lru_newer(&h->all, &s->all);
	lru_remove(&h->all, &s->all);
	if (s->is_todo)
		lru_remove(&h->todo, &s->todo);
	stream_quiet_move(s, NULL);
}

static void
tell_closed(struct stream *s)
{
	if (!s->announced)
		return;
	s->announced = false;
	s->inside++;
	s->group->ops->closed(s);
	s->inside--;
}

static void
finish(struct stream *s)
{
	struct stream_group *g = s->group;

	tell_closed(s);
	forget(s);
	tls_session_free(s->tls);
	close(s->io.fd);
	free(s->in.data);
	free(s->out.data);
	free(s->peer_text);
	free(s);
	g->stats.current--;
	stream_group_unref(g);
}

void
stream_kill(struct stream *s, const char *why, bool well)
{
	if (s->state == STREAM_DEAD)
		return;
	if (s->why == NULL) {
		s->why = why;
		s->ended_well = well;
	}
	s->state = STREAM_DEAD;
	ev_io_stop(loop_of(s), &s->io);
	if (s->inside == 0)
		finish(s);
}

static void
enter(struct stream *s)
{
	s->inside++;
}

/* False: the stream is gone. */
static bool
leave(struct stream *s)
{
	if (--s->inside > 0 || s->state != STREAM_DEAD)
		return true;
	finish(s);
	return false;
}

/* What the loop watches for */

static bool
wants_input(const struct stream *s)
{
	return s->state == STREAM_PARTING || (s->state == STREAM_OPEN &&
	    !s->paused && !s->choked && !s->eof);
}

static void
watch(struct stream *s, int events)
{
	if (s->state == STREAM_DEAD || (ev_is_active(&s->io) ?
	    (s->io.events & (EV_READ | EV_WRITE)) : 0) == events)
		return;
	ev_io_stop(loop_of(s), &s->io);
	if (events == 0)
		return;
	ev_io_set(&s->io, s->io.fd, events);
	ev_io_start(loop_of(s), &s->io);
}

static void
rewatch(struct stream *s)
{
	watch(s, (wants_input(s) ? EV_READ : 0) | (s->blocked ? EV_WRITE : 0));
}

/* The list in which the time of an open or closing stream runs. */
static void
settle(struct stream *s)
{
	struct stream_group *g = s->group;

	if (s->state == STREAM_CLOSING && g->options.idle_ms == 0)
		stream_quiet_move(s, &g->hub->closings);
	else if (g->options.idle_ms == 0 ||
	    (s->paused && s->state == STREAM_OPEN))
		stream_quiet_move(s, NULL);
	else
		stream_quiet_move(s, &g->idle);
}

/* One system call (for TLS: some). */

static enum io_result
gone(struct stream *s, const char *why)
{
	stream_kill(s, why == NULL ? strerror(errno) : why, false);
	return IO_GONE;
}

static enum io_result
read_tls(struct stream *s, char *bytes, size_t size, size_t *n)
{
	enum tls_result r = TLS_DONE;
	const char *why = NULL;
	size_t one;

	*n = 0;
	while (*n < size && (r = tls_read(s->tls, bytes + *n, size - *n, &one,
	    &why)) == TLS_DONE)
		*n += one;
	if (r == TLS_DONE)
		s->read_again = tls_has_pending(s->tls);
	if (r == TLS_WANT_WRITE)
		s->blocked = true;
	if (*n > 0) {
		if (r == TLS_EOF || r == TLS_FAILED)
			s->read_again = true;	/* it will say so again */
		return IO_SOME;
	}
	return r == TLS_EOF ? IO_END : r == TLS_FAILED ? gone(s, why) :
	    IO_LATER;
}

static enum io_result
read_bytes(struct stream *s, char *bytes, size_t size, size_t *n)
{
	ssize_t did;

	if (s->tls != NULL)
		return read_tls(s, bytes, size, n);
	did = recv(s->io.fd, bytes, size, 0);
	if (did > 0) {
		*n = (size_t)did;
		return IO_SOME;
	}
	if (did == 0)
		return IO_END;
	return errno == EAGAIN || errno == EINTR ? IO_LATER : gone(s, NULL);
}

static enum io_result
write_tls(struct stream *s, size_t *n)
{
	const char *why = NULL;

	switch (tls_write(s->tls, s->out.data + s->out.off, pending(s), n,
	    &why)) {
	case TLS_DONE:
		return IO_SOME;
	case TLS_WANT_READ:	/* any event will do to try again */
	case TLS_WANT_WRITE:
		return IO_LATER;
	case TLS_EOF:
		why = "closed by peer";
		break;
	case TLS_FAILED:
		break;
	}
	return gone(s, why);
}

static enum io_result
write_bytes(struct stream *s, size_t *n)
{
	ssize_t did;

	if (s->tls != NULL)
		return write_tls(s, n);
	did = send(s->io.fd, s->out.data + s->out.off, pending(s),
	    MSG_NOSIGNAL);
	if (did >= 0) {
		*n = (size_t)did;
		return IO_SOME;
	}
	return errno == EAGAIN || errno == EINTR ? IO_LATER : gone(s, NULL);
}

/* Output */

/* All was said: let the peer see the end, and wait a little for its own, since
 * closing with unread input would reset the connection and what we said last
 * might not arrive. */
static void
part(struct stream *s)
{
	if (s->tls != NULL)
		tls_goodbye(s->tls);
	if (s->eof) {
		stream_kill(s, "closed by peer", true);
		return;
	}
	shutdown(s->io.fd, SHUT_WR);
	if (s->why == NULL) {
		s->why = "closed";
		s->ended_well = true;
	}
	s->state = STREAM_PARTING;
	tell_closed(s);
	stream_quiet_move(s, &s->group->hub->partings);
	rewatch(s);
}

static void
drained(struct stream *s)
{
	if (pending(s) > s->group->options.write_max / 3)
		return;
	if (s->choked && s->read_again)
		stream_todo(s);
	s->choked = false;
	if (!s->tell_drained)
		return;
	s->tell_drained = false;
	if (s->group->ops->drained != NULL && s->state == STREAM_OPEN)
		s->group->ops->drained(s);
}

/* The caller holds s. */
static void
flush(struct stream *s)
{
	enum io_result r = IO_SOME;
	size_t n = 0;

	while (pending(s) > 0 && (r = write_bytes(s, &n)) == IO_SOME) {
		s->out.off += n;
		s->group->stats.bytes_out += n;
		stream_quiet_touch(s);
	}
	if (r == IO_GONE)
		return;
	s->blocked = r == IO_LATER;
	if (pending(s) == 0) {
		free(s->out.data);
		memset(&s->out, 0, sizeof s->out);
	}
	drained(s);
	if (s->state == STREAM_CLOSING && pending(s) == 0)
		part(s);
	else
		rewatch(s);
}

/* Room for n more bytes behind out.len; n fits under write_max. */
static bool
out_room(struct stream *s, size_t n)
{
	size_t cap;
	char *p;

	if (n <= s->out.cap - s->out.len)
		return true;
	if (s->out.off > 0) {
		memmove(s->out.data, s->out.data + s->out.off, pending(s));
		s->out.len -= s->out.off;
		s->out.off = 0;
	}
	for (cap = s->out.cap < OUT_FIRST ? OUT_FIRST : s->out.cap;
	    cap - s->out.len < n; cap *= 2)
		;
	if (cap == s->out.cap)
		return true;
	p = realloc(s->out.data, cap);
	if (p == NULL)
		return false;
	s->out.data = p;
	s->out.cap = cap;
	return true;
}

bool
stream_write(struct stream *s, struct slice bytes)
{
	size_t max = s->group->options.write_max;

	if (s->state > STREAM_OPEN)
		return false;
	if (bytes.len > max - pending(s) || !out_room(s, bytes.len)) {
		s->tell_drained = true;
		return false;
	}
	if (bytes.len == 0)
		return true;
	memcpy(s->out.data + s->out.len, bytes.ptr, bytes.len);
	s->out.len += bytes.len;
	if (pending(s) > max / 2) {
		s->tell_drained = true;
		/* only on one side of a connection, or both wait for ever */
		s->choked = !s->group->outgoing;
		if (s->state == STREAM_OPEN)
			rewatch(s);
	}
	if (s->state == STREAM_OPEN && !s->blocked)
		stream_todo(s);
	return true;
}

size_t
stream_pending_output(const struct stream *s)
{
	return pending(s);
}

/* Input */

/* Keep what data() left; it may lie in the hub's buffer or in s->in itself. */
static bool
keep(struct stream *s, struct slice rest)
{
	size_t cap = (rest.len + 255) & ~(size_t)255;
	char *p;

	if (rest.len == 0) {
		free(s->in.data);
		memset(&s->in, 0, sizeof s->in);
		return true;
	}
	if (s->in.data != NULL && rest.ptr >= s->in.data &&
	    rest.ptr <= s->in.data + s->in.cap) {
		memmove(s->in.data, rest.ptr, rest.len);
		s->in.len = rest.len;
		return true;
	}
	if (cap > s->in.cap) {
		p = realloc(s->in.data, cap);
		if (p == NULL)
			return false;
		s->in.data = p;
		s->in.cap = cap;
	}
	memcpy(s->in.data, rest.ptr, rest.len);
	s->in.len = rest.len;
	return true;
}

static void
start_closing(struct stream *s)
{
	s->state = STREAM_CLOSING;
	keep(s, (struct slice){ NULL, 0 });
	settle(s);
	rewatch(s);
	stream_todo(s);
}

static void
overflow(struct stream *s)
{
	s->group->stats.overflows++;
	stream_kill(s, "too much input that makes no whole message", false);
}

/* Give data() all there is and keep what it leaves.  The caller holds s. */
static void
offer(struct stream *s, struct slice data, bool eof)
{
	ssize_t used = s->group->ops->data(s, data, eof);

	if (s->state != STREAM_OPEN)
		return;
	if (used == STREAM_CLOSE || (eof && used != STREAM_LINGER)) {
		start_closing(s);
		return;
	}
	if (eof) {
		keep(s, (struct slice){ NULL, 0 });
		rewatch(s);
		return;
	}
	assert(used >= 0 && (size_t)used <= data.len);
	if (!keep(s, slice_from(data, (size_t)used)))
		stream_kill(s, "no memory", false);
	else if (s->in.len >= s->group->options.read_max && !s->paused)
		overflow(s);
}

/* Read behind what is left from before: small left-overs move in front of the
 * hub's buffer, large ones grow where they are. */
static char *
read_place(struct stream *s)
{
	struct stream_hub *h = s->group->hub;
	char *p;

	if (s->in.len <= STREAM_MOVE_MAX) {
		if (s->in.len > 0)
			memcpy(h->buffer, s->in.data, s->in.len);
		return h->buffer;
	}
	if (s->in.cap - s->in.len < STREAM_READ_SIZE) {
		size_t cap = s->in.cap + s->in.cap / 2 + STREAM_READ_SIZE;

		p = realloc(s->in.data, cap);
		if (p == NULL)
			return NULL;
		s->in.data = p;
		s->in.cap = cap;
	}
	return s->in.data;
}

/* One read and what follows from it.  The caller holds s. */
static void
fill(struct stream *s)
{
	char *place = read_place(s);
	size_t n = 0;

	if (place == NULL) {
		stream_kill(s, "no memory", false);
		return;
	}
	switch (read_bytes(s, place + s->in.len, STREAM_READ_SIZE, &n)) {
	case IO_SOME:
		s->group->stats.bytes_in += n;
		stream_quiet_touch(s);
		offer(s, slice_of(place, s->in.len + n), false);
		break;
	case IO_END:
		s->eof = true;
		offer(s, slice_of(place, s->in.len), true);
		break;
	case IO_LATER:
	case IO_GONE:
		break;
	}
	if (s->state == STREAM_OPEN)
		rewatch(s);
	if (s->state == STREAM_OPEN && s->read_again)
		stream_todo(s);
}

void
stream_pause(struct stream *s)
{
	if (s->paused || s->state > STREAM_OPEN)
		return;
	s->paused = true;
	if (s->state != STREAM_OPEN)
		return;
	settle(s);
	rewatch(s);
}

void
stream_resume(struct stream *s)
{
	if (!s->paused || s->state > STREAM_OPEN)
		return;
	s->paused = false;
	if (s->state != STREAM_OPEN)
		return;
	settle(s);
	s->offer_again = true;
	stream_todo(s);
}

bool
stream_paused(const struct stream *s)
{
	return s->paused;
}

/* Throw away what still comes, until the peer ends too. */
static void
discard(struct stream *s)
{
	char *buffer = s->group->hub->buffer;
	ssize_t n = recv(s->io.fd, buffer, STREAM_READ_SIZE, 0);

	if (n > 0 && ++s->parting_reads < PARTING_READS)
		return;
	if (n == -1 && (errno == EAGAIN || errno == EINTR))
		return;
	stream_kill(s, "closed", true);
}

/* Coming up */

void
stream_opened(struct stream *s)
{
	struct stream_group *g = s->group;
	bool wanted;

	if (g->closed) {
		stream_kill(s, "no longer listening", false);
		return;
	}
	s->state = STREAM_OPEN;
	g->idle.timeout_s = (double)g->options.idle_ms / 1e3;
	settle(s);
	rewatch(s);
	enter(s);
	wanted = g->ops->open(s, g->ctx);
	if (wanted) {
		g->stats.accepted++;
		s->announced = true;
	} else {
		g->stats.refused++;
		stream_kill(s, "refused", true);
	}
	if (s->out.len > 0)	/* written before it was up */
		stream_todo(s);
	leave(s);
}

static void
handshake_failed(struct stream *s, const char *why)
{
	if (why == NULL)
		why = strerror(errno);
	if (!s->group->outgoing) {
		s->group->stats.failed++;
		LOG_LIMITED(LOG_AT_WARN, 10, "%s: TLS handshake failed: %s",
		    stream_peer(s), why);
	}
	stream_kill(s, why, false);
}

static void
shake_hands(struct stream *s)
{
	const char *why = NULL;

	switch (tls_handshake(s->tls, &why)) {
	case TLS_DONE:
		stream_opened(s);
		if (s->state == STREAM_OPEN) {
			/* the first records may have come along */
			s->read_again = true;
			stream_todo(s);
		}
		break;
	case TLS_WANT_READ:
		watch(s, EV_READ);
		break;
	case TLS_WANT_WRITE:
		watch(s, EV_WRITE);
		break;
	case TLS_EOF:
	case TLS_FAILED:
		handshake_failed(s, why);
		break;
	}
}

/* connect() has an answer. */
static void
connected(struct stream *s)
{
	int error = 0;
	socklen_t len = sizeof error;

	getsockopt(s->io.fd, SOL_SOCKET, SO_ERROR, &error, &len);
	if (error != 0 || s->why != NULL) {
		stream_kill(s, strerror(error), false);
		return;
	}
	if (s->tls == NULL) {
		stream_opened(s);
		return;
	}
	s->state = STREAM_HANDSHAKING;
	shake_hands(s);
}

static void
on_io(struct ev_loop *loop, ev_io *w, int revents)
{
	struct stream *s = w->data;

	(void)loop;
	enter(s);
	switch ((enum stream_state)s->state) {
	case STREAM_CONNECTING:
		connected(s);
		break;
	case STREAM_HANDSHAKING:
		shake_hands(s);
		break;
	case STREAM_OPEN:
	case STREAM_CLOSING:
		/* TLS may wait to write before it can read, or the reverse */
		if (revents & EV_WRITE || (s->blocked && s->tls != NULL))
			flush(s);
		if ((revents & EV_READ || s->tls != NULL) && wants_input(s))
			fill(s);
		break;
	case STREAM_PARTING:
		discard(s);
		break;
	case STREAM_DEAD:
		break;
	}
	leave(s);
}

void
stream_attend(struct stream *s)
{
	enter(s);
	if (s->state == STREAM_CONNECTING) {	/* failed at once */
		connected(s);
		leave(s);
		return;
	}
	if (s->offer_again && s->state == STREAM_OPEN && !s->paused) {
		s->offer_again = false;
		rewatch(s);
		if (s->in.len > 0)
			offer(s, slice_of(s->in.data, s->in.len), false);
	}
	if (s->read_again && s->state == STREAM_OPEN && wants_input(s)) {
		s->read_again = false;
		fill(s);
	}
	if ((s->state == STREAM_OPEN || s->state == STREAM_CLOSING) &&
	    !s->blocked)
		flush(s);
	leave(s);
}

void
stream_expired(struct stream *s)
{
	switch ((enum stream_state)s->state) {
	case STREAM_CONNECTING:
		stream_kill(s, strerror(ETIMEDOUT), false);
		break;
	case STREAM_HANDSHAKING:
		handshake_failed(s, "timed out");
		break;
	case STREAM_OPEN:
		s->group->stats.idle++;
		stream_kill(s, "idle", false);
		break;
	case STREAM_CLOSING:
		stream_kill(s, "peer does not take the last output", false);
		break;
	case STREAM_PARTING:
		stream_kill(s, "closed", true);
		break;
	case STREAM_DEAD:
		break;
	}
}

void
stream_close(struct stream *s)
{
	if (s->state < STREAM_OPEN)
		stream_abort(s);
	else if (s->state == STREAM_OPEN)
		start_closing(s);
}

void
stream_abort(struct stream *s)
{
	stream_kill(s, "aborted", true);
}

static void
set_peer(struct stream *s)
{
	socklen_t len = sizeof s->peer;

	if (getpeername(s->io.fd, (struct sockaddr *)&s->peer, &len) == -1 ||
	    (s->peer.family != AF_INET && s->peer.family != AF_INET6))
		s->peer.family = AF_UNIX;
}

struct stream *
stream_new(struct stream_group *g, int fd, enum stream_state state,
    const char *tls_name)
{
	struct stream *s = calloc(1, sizeof *s);

	if (s == NULL)
		return NULL;
	if (g->options.tls != NULL) {
		s->tls = tls_session_new(g->options.tls, fd, tls_name);
		if (s->tls == NULL) {
			free(s);
			errno = ENOMEM;
			return NULL;
		}
	}
	s->group = g;
	s->state = (uint8_t)state;
	g->refs++;
	g->stats.current++;
	lru_add(&g->hub->all, &s->all);
	ev_io_init(&s->io, on_io, fd, EV_READ);
	s->io.data = s;
	if (!g->outgoing)
		set_peer(s);
	return s;
}

/* What is asked about a stream */

void
stream_set_data(struct stream *s, void *data)
{
	s->data = data;
}

void *
stream_data(const struct stream *s)
{
	return s->data;
}

struct ev_loop *
stream_loop(const struct stream *s)
{
	return loop_of(s);
}

bool
stream_peer_addr(const struct stream *s, struct addr *a)
{
	if (s->peer.family != AF_INET && s->peer.family != AF_INET6)
		return false;
	*a = (struct addr){ .len = s->peer.family == AF_INET ?
	    sizeof s->peer.in : sizeof s->peer.in6 };
	memcpy(&a->u, &s->peer, a->len);
	return true;
}

const char *
stream_peer(struct stream *s)
{
	char text[ADDR_TEXT];
	struct addr a;

	if (s->peer_text == NULL && stream_peer_addr(s, &a))
		s->peer_text = strdup(addr_text(&a, text));
	return s->peer_text == NULL ? "unix" : s->peer_text;
}

const char *
stream_error(const struct stream *s)
{
	return s->why == NULL ? "open" : s->why;
}

bool
stream_ended_well(const struct stream *s)
{
	return s->ended_well;
}

bool
stream_peer_process(const struct stream *s, pid_t *pid, uid_t *uid)
{
	struct ucred who;
	socklen_t len = sizeof who;

	if (s->peer.family != AF_UNIX || getsockopt(s->io.fd, SOL_SOCKET,
	    SO_PEERCRED, &who, &len) == -1)
		return false;
	*pid = who.pid;
	*uid = who.uid;
	return true;
}

bool
stream_is_tls(const struct stream *s)
{
	return s->tls != NULL;
}

bool
stream_tls_fingerprint(const struct stream *s, char *text, size_t size)
{
	return s->tls != NULL && tls_fingerprint(s->tls, text, size);
}

bool
stream_tls_name(const struct stream *s, char *text, size_t size)
{
	return s->tls != NULL && tls_peer_name(s->tls, text, size);
}

/* all: those too that the callers do not know (yet, or any more). */
static void
visit(struct ev_loop *loop, bool all, void (*fn)(struct stream *s, void *ctx),
    void *ctx)
{
	struct stream_hub *h = stream_hub_of(loop, false);
	struct stream_cursor c;

	if (h == NULL)
		return;
	h->refs++;
	c = (struct stream_cursor){ h->cursors, lru_oldest(&h->all) };
	h->cursors = &c;
	while (c.next != NULL) {
		struct stream *s = LRU_OF(c.next, struct stream, all);

		c.next = lru_newer(&h->all, c.next);
		if (all || (s->announced && s->state != STREAM_DEAD))
			fn(s, ctx);
	}
	h->cursors = c.outer;
	stream_hub_unref(h);
}

void
stream_each(struct ev_loop *loop, void (*fn)(struct stream *s, void *ctx),
    void *ctx)
{
	visit(loop, false, fn, ctx);
}

static void
abort_one(struct stream *s, void *ctx)
{
	(void)ctx;
	stream_abort(s);
}

void
stream_abort_all(struct ev_loop *loop)
{
	visit(loop, true, abort_one, NULL);
}

size_t
stream_loop_pending(struct ev_loop *loop)
{
	struct stream_hub *h = stream_hub_of(loop, false);
	struct lru_node *n = h == NULL ? NULL : lru_oldest(&h->all);
	size_t sum = 0;

	for (; n != NULL; n = lru_newer(&h->all, n))
		sum += pending(LRU_OF(n, struct stream, all));
	return sum;
}

size_t
stream_loop_count(struct ev_loop *loop)
{
	struct stream_hub *h = stream_hub_of(loop, false);

	return h == NULL ? 0 : h->all.len;
}
