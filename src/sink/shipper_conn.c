/* shipper_conn.c - a connection to one Redis that comes back. */
#include "config.h"

#include <assert.h>
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/clock.h"
#include "base/log.h"
#include "compat.h"
#include "net/stream.h"
#include "sink/shipper_conn.h"

#define CONNECT_MS 1000
#define REPLY_MS 5000
#define BACKOFF_MS 100
#define BACKOFF_MAX_MS 2000
#define REPLY_MAX ((size_t)4 << 20)
#define EARLY_MAX 1024
#define OUTPUT_MAX ((size_t)192 << 20)	/* of one event; see inflight_bytes */

int64_t
ship_now_ms(void)
{
	return clock_mono_ns() / NS_PER_MS;
}

int64_t
ship_jitter(int64_t ms)
{
	static _Atomic uint32_t state = 2463534242u;
	uint32_t x = state;

	x ^= x << 13;		/* xorshift32 */
	x ^= x >> 17;
	x ^= x << 5;
	state = x;
	return ms * 3 / 4 + (int64_t)(x % (uint32_t)(ms / 2 + 1));
}

static void
set_name(struct ship_conn *c)
{
	const char *kind = c->url.scheme == SHIP_MILLRACE ? "millrace" : "redis";

	if (c->url.scheme == SHIP_UNIX)
		snprintf(c->name, sizeof c->name, "%s %s", kind, c->url.path);
	else
		snprintf(c->name, sizeof c->name, "%s %s:%u", kind,
		    c->url.host, c->url.port);
}

void
ship_conn_init(struct ship_conn *c, struct ev_loop *loop,
    const struct ship_url *url, struct tls_context *tls,
    const struct ship_conn_ops *ops, void *data)
{
	memset(c, 0, sizeof *c);
	c->loop = loop;
	c->url = *url;
	c->tls = tls;
	c->ops = ops;
	c->data = data;
	c->wanted = true;
	buf_init(&c->early, EARLY_MAX);
	set_name(c);
}

/* ---- calls ---- */

static bool
add_call(struct ship_conn *c, const struct ship_call *call)
{
	if (c->ncalls == c->cap_calls) {
		unsigned cap = c->cap_calls == 0 ? 64 : c->cap_calls * 2;
		struct ship_call *more;

		if (cap > SHIP_CONN_MAX_CALLS)
			return false;
		more = calloc(cap, sizeof *more);
		if (more == NULL)
			return false;
		for (unsigned i = 0; i < c->ncalls; i++)
			more[i] = c->calls[(c->first_call + i) &
			    (c->cap_calls - 1)];
		free(c->calls);
		c->calls = more;
		c->cap_calls = cap;
		c->first_call = 0;
	}
	c->calls[(c->first_call + c->ncalls) & (c->cap_calls - 1)] = *call;
	c->ncalls++;
	c->inflight_bytes += call->bytes;
	return true;
}

static struct ship_call
take_call(struct ship_conn *c)
{
	struct ship_call call = c->calls[c->first_call];

	c->first_call = (c->first_call + 1) & (c->cap_calls - 1);
	c->ncalls--;
	c->inflight_bytes -= call.bytes;
	return call;
}

bool
ship_conn_send(struct ship_conn *c, struct slice request,
    const struct ship_call *call)
{
	struct ship_call own = *call;

	if (c->stream == NULL || c->state < SHIP_CONN_GREETING ||
	    request.len > UINT32_MAX || c->ncalls >= SHIP_CONN_MAX_CALLS)
		return false;
	own.bytes = (uint32_t)request.len;
	own.sent_ms = ship_now_ms();
	if (!stream_write(c->stream, request))
		return false;
	if (!add_call(c, &own)) {
		/* no memory to remember it: what comes back fits nothing */
		ship_conn_close(c, "out of memory", 1000);
		return false;
	}
	return true;
}

bool
ship_conn_command(struct ship_conn *c, const struct ship_call *call,
    const char *const *words, size_t n)
{
	struct buf b = BUF_INIT(65536);
	struct slice argv[8];
	bool ok;

	assert(n <= sizeof argv / sizeof *argv);
	for (size_t i = 0; i < n; i++)
		argv[i] = slice_str(words[i]);
	ok = resp_add_request(&b, argv, n) &&
	    ship_conn_send(c, buf_slice(&b), call);
	buf_fini(&b);
	return ok;
}

/* ---- the end of a connection ---- */

static void
schedule(struct ship_conn *c, int64_t wait_ms)
{
	int64_t ms = BACKOFF_MAX_MS;

	if (c->tries < 6)
		ms = (int64_t)BACKOFF_MS << c->tries;
	c->tries++;
	ms = ship_jitter(ms);
	c->until_ms = ship_now_ms() + (ms > wait_ms ? ms : wait_ms);
}

static void
tell_trouble(struct ship_conn *c, const char *why)
{
	if (why == NULL)
		return;
	snprintf(c->error, sizeof c->error, "%s", why);
	c->failures++;
	if (c->told)
		return;
	c->told = true;
	log_warn("%s: %s; trying again", c->name, why);
}

static void
fail_calls(struct ship_conn *c)
{
	while (c->ncalls > 0) {
		struct ship_call call = take_call(c);

		call.done(c, &call, NULL, slice_of(NULL, 0));
	}
	c->inflight_bytes = 0;
}

void
ship_conn_close(struct ship_conn *c, const char *why, int64_t wait_ms)
{
	struct stream *s = c->stream;
	bool was_up = c->state == SHIP_CONN_UP;

	if (c->state == SHIP_CONN_OFF)
		return;
	c->state = SHIP_CONN_OFF;
	c->stream = NULL;
	c->sha[0] = c->guard_sha[0] = '\0';
	buf_clear(&c->early);
	resolve_cancel(c->resolve);
	c->resolve = NULL;
	schedule(c, wait_ms);
	tell_trouble(c, why);
	if (s != NULL) {
		stream_set_data(s, NULL);
		stream_abort(s);
	}
	fail_calls(c);
	if (was_up && c->ops->down != NULL)
		c->ops->down(c);
}

void
ship_conn_fini(struct ship_conn *c)
{
	c->wanted = false;
	ship_conn_close(c, NULL, 0);
	free(c->calls);
	c->calls = NULL;
	c->cap_calls = 0;
	buf_fini(&c->early);
}

/* ---- the stream's side ---- */

static bool
on_open(struct stream *s, void *ctx)
{
	struct ship_conn *c = stream_data(s);

	if (c == NULL)
		return false;
	c->state = SHIP_CONN_GREETING;
	c->until_ms = ship_now_ms() + REPLY_MS;
	c->heard_ms = ship_now_ms();
	resp_reply_init(&c->scanner, REPLY_MAX);
	c->connects++;
	c->ops->greet(c);
	return c->stream == s;
}

/* Replies come before the last one of a call: an error among them is kept.
 * False: this is the last. */
static bool
is_early(struct ship_conn *c, const struct resp_value *v)
{
	struct ship_call *call = &c->calls[c->first_call];

	if (call->replies <= 1)
		return false;
	call->replies--;
	if (v->type == RESP_ERROR && c->early.len == 0)
		buf_add_slice(&c->early, slice_upto(v->text,
		    v->text.len < EARLY_MAX ? v->text.len : EARLY_MAX));
	return true;
}

/* One whole reply.  False: the connection is no more. */
static bool
take_reply(struct ship_conn *c, struct stream *s, struct slice reply)
{
	struct slice rest = reply;
	struct resp_value v;
	struct ship_call call;

	if (!resp_value_next(&rest, &v)) {
		ship_conn_close(c, "a reply that is none", 0);
		return false;
	}
	if (v.type == RESP_PUSH)
		return true;
	if (c->ncalls == 0) {
		char why[160];

		snprintf(why, sizeof why, "said without being asked: %.*s",
		    (int)(v.text.len > 100 ? 100 : v.text.len),
		    v.text.len > 0 ? v.text.ptr : "");
		ship_conn_close(c, why, 1000);
		return false;
	}
	if (is_early(c, &v))
		return true;
	call = take_call(c);
	if (c->early.len > 0)
		v = (struct resp_value){ RESP_ERROR, 0, buf_slice(&c->early), 0 };
	call.done(c, &call, &v, reply);
	buf_clear(&c->early);
	return c->stream == s;
}

static ssize_t
on_data(struct stream *s, struct slice data, bool eof)
{
	struct ship_conn *c = stream_data(s);
	size_t used = 0, len = 0;

	if (c == NULL)
		return STREAM_CLOSE;
	c->heard_ms = ship_now_ms();
	for (;;) {
		struct slice in = slice_from(data, used);
		enum resp_status st = resp_reply_scan(&c->scanner, in, &len);

		if (st == RESP_MORE)
			break;
		if (st != RESP_READY) {
			ship_conn_close(c, "does not speak the Redis protocol",
			    1000);
			return (ssize_t)data.len;
		}
		if (!take_reply(c, s, slice_upto(in, len)))
			return (ssize_t)data.len;
		used += len;
	}
	if (c->ops->moved != NULL && c->state == SHIP_CONN_UP)
		c->ops->moved(c);
	return (ssize_t)used;
}

static void
on_closed(struct stream *s)
{
	struct ship_conn *c = stream_data(s);

	if (c == NULL)
		return;
	c->stream = NULL;
	ship_conn_close(c, stream_error(s), 0);
}

static void
on_drained(struct stream *s)
{
	struct ship_conn *c = stream_data(s);

	if (c != NULL && c->ops->moved != NULL && c->state == SHIP_CONN_UP)
		c->ops->moved(c);
}

static const struct stream_ops stream_ops = {
	.open = on_open, .data = on_data, .closed = on_closed,
	.drained = on_drained
};

/* ---- the beginning of a connection ---- */

static void
connect_next(struct ship_conn *c)
{
	struct stream_options o = {
		.read_max = REPLY_MAX + 65536, .write_max = OUTPUT_MAX,
		.tls = c->tls
	};

	c->stream = stream_connect(c->loop, &c->addr[c->next_addr],
	    c->url.host, &o, &stream_ops, c, CONNECT_MS);
	/* another one next time, asking for the name anew after the last */
	if (++c->next_addr == c->naddr)
		c->naddr = c->next_addr = 0;
	c->state = SHIP_CONN_CONNECTING;
	c->until_ms = ship_now_ms() + 2 * CONNECT_MS;
	if (c->stream == NULL)
		ship_conn_close(c, strerror(errno), 1000);
}

static void
on_resolved(void *ctx, const struct addr *v, size_t n, const char *error)
{
	struct ship_conn *c = ctx;

	c->resolve = NULL;
	if (n == 0) {
		ship_conn_close(c, error, 1000);
		return;
	}
	memcpy(c->addr, v, n * sizeof *v);
	c->naddr = n;
	c->next_addr = 0;
	connect_next(c);
}

static void
begin(struct ship_conn *c)
{
	c->naddr = c->naddr > 0 && c->next_addr < c->naddr ? c->naddr : 0;
	if (c->naddr > 0) {
		connect_next(c);
		return;
	}
	c->next_addr = 0;
	c->naddr = 1;
	if (c->url.scheme == SHIP_UNIX ? addr_unix(c->url.path, &c->addr[0]) :
	    addr_numeric(c->url.host, c->url.port, &c->addr[0])) {
		connect_next(c);
		return;
	}
	c->naddr = 0;
	c->state = SHIP_CONN_RESOLVING;
	c->until_ms = ship_now_ms() + 30000;
	c->resolve = resolve_start(c->loop, c->url.host, c->url.port,
	    on_resolved, c);
	if (c->resolve == NULL)
		ship_conn_close(c, strerror(errno), 1000);
}

void
ship_conn_retarget(struct ship_conn *c, const char *host, uint16_t port)
{
	if (strcmp(c->url.host, host) == 0 && c->url.port == port)
		return;
	ship_conn_close(c, NULL, 0);
	c->told = false;
	strlcpy(c->url.host, host, sizeof c->url.host);
	c->url.port = port;
	c->naddr = c->next_addr = 0;
	c->tries = 0;
	c->until_ms = 0;
	set_name(c);
}

void
ship_conn_ready(struct ship_conn *c)
{
	c->state = SHIP_CONN_UP;
	c->tries = 0;
	c->error[0] = '\0';
	if (c->told)
		log_info("%s: back", c->name);
	c->told = false;
	c->ops->up(c);
}

void
ship_conn_tick(struct ship_conn *c, int64_t now_ms)
{
	switch (c->state) {
	case SHIP_CONN_OFF:
		if (c->wanted && now_ms >= c->until_ms)
			begin(c);
		return;
	case SHIP_CONN_RESOLVING:
	case SHIP_CONN_CONNECTING:
		if (now_ms >= c->until_ms)
			ship_conn_close(c, "no answer", 0);
		return;
	case SHIP_CONN_GREETING:
	case SHIP_CONN_UP:
		if (c->ncalls > 0 &&
		    c->calls[c->first_call].sent_ms + REPLY_MS <= now_ms &&
		    c->heard_ms + REPLY_MS <= now_ms)
			ship_conn_close(c, "no reply for 5 s", 0);
		return;
	}
}
