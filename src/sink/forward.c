/* forward.c - a queue, a connection, and what is under way on it. */
#include "config.h"

#include <errno.h>
#include <ev.h>
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/log.h"
#include "core/batch.h"
#include "net/addr.h"
#include "net/resolve.h"
#include "net/stream.h"
#include "net/tls.h"
#include "proto/relp.h"
#include "proto/syslog_write.h"
#include "sink/forward.h"
#include "sink/spool.h"

#define GATHER_MAX ((size_t)256 << 10)
#define OUT_MAX ((size_t)68 << 20)
#define WRITE_MAX ((size_t)1 << 20)	/* of output that waits in the stream */
#define ANSWER_MAX 65536
#define CONNECT_MS 10000
#define RETRY_S 1.0
#define UNDER_WAY_MAX 1024		/* batches */
#define UNDER_WAY_BYTES ((size_t)8 << 20)
#define ANSWER_TICKS 360		/* of 250 ms: 90 s without an answer */

/* A batch that is out, not all of it sent or answered. */
struct under_way {
	struct under_way *next;
	struct lines_batch *batch;
	size_t at;		/* sent before it */
	uint64_t begin;		/* messages sent before it */
	uint64_t end;		/* and with it, when all of it is */
};

struct forward {
	struct ev_loop *loop;
	const struct conf_forward *conf;
	struct forward_stats *stats;	/* borrowed */
	char *url;
	bool relp;
	struct buf gathered;
	unsigned ngathered;
	struct spool *spool;
	struct lines_batch *first, *last;	/* without a spool */
	size_t waiting_bytes;
	struct under_way *out, *out_last;
	unsigned nout;
	size_t out_bytes;
	struct tls_context *tls;
	struct stream *stream;
	struct resolve *query;
	struct addr addrs[RESOLVE_MAX];	/* of the name; tried one by one */
	size_t naddrs, next_addr;
	ev_timer retry;
	bool up, away;
	struct relp_client client;
	struct relp_parser parser;
	struct buf bytes;		/* to be written */
	uint64_t sent;			/* messages, on this connection */
	uint64_t skip;			/* of the first batch, that were answered
					 * on the one before */
	unsigned silent;		/* ticks without an answer that is owed */
};

/* ---- the queue ---- */

static void
lost(struct forward *f, uint64_t n, const char *why)
{
	if (n == 0)
		return;
	counter_add(&f->stats->lost, n);
	LOG_LIMITED(LOG_AT_ERROR, 60, "forward %s: %s: %llu messages lost",
	    f->conf->name, why, (unsigned long long)n);
}

static void
make_room(struct forward *f, size_t len)
{
	while (f->first != NULL && f->waiting_bytes + len > f->conf->queue) {
		struct lines_batch *b = f->first;

		f->first = (struct lines_batch *)b->letter.next;
		if (f->first == NULL)
			f->last = NULL;
		f->waiting_bytes -= b->len;
		f->skip = 0;
		lost(f, b->lines, "its queue is full");
		free(b);
	}
}

static void
put(struct forward *f, struct lines_batch *b)
{
	struct spool_counts gone = { 0 };

	if (f->spool != NULL) {
		if (!spool_put(f->spool, b, &gone))
			lost(f, b->lines, strerror(errno));
		if (gone.lines > 0)
			f->skip = 0;
		lost(f, gone.lines, "its spool is full");
		free(b);
		return;
	}
	make_room(f, b->len);
	b->letter.next = NULL;
	if (f->last == NULL)
		f->first = b;
	else
		f->last->letter.next = &b->letter;
	f->last = b;
	f->waiting_bytes += b->len;
}

static struct lines_batch *
take(struct forward *f)
{
	struct spool_counts gone = { 0 };
	struct lines_batch *b;

	if (f->spool != NULL) {
		b = spool_take(f->spool, 0, &gone);
		lost(f, gone.lines, "its spool cannot be read");
		return b;
	}
	b = f->first;
	if (b != NULL) {
		f->first = (struct lines_batch *)b->letter.next;
		if (f->first == NULL)
			f->last = NULL;
		f->waiting_bytes -= b->len;
	}
	return b;
}

/* The oldest that is out has arrived. */
static void
done_first(struct forward *f)
{
	struct under_way *u = f->out;

	f->out = u->next;
	if (f->out == NULL)
		f->out_last = NULL;
	f->nout--;
	f->out_bytes -= u->batch->len;
	counter_add(&f->stats->delivered, u->batch->lines);
	if (f->spool != NULL)
		spool_done(f->spool);
	free(u->batch);
	free(u);
}

/* All that is out is to be sent again. */
static void
rewind_all(struct forward *f)
{
	struct lines_batch *first = NULL, *last = NULL;

	while (f->out != NULL) {
		struct under_way *u = f->out;

		f->out = u->next;
		if (u->at > 0)
			counter_add(&f->stats->resent, u->batch->lines);
		if (f->spool != NULL) {
			free(u->batch);
		} else {
			f->waiting_bytes += u->batch->len;
			u->batch->letter.next = NULL;
			if (last == NULL)
				first = u->batch;
			else
				last->letter.next = &u->batch->letter;
			last = u->batch;
		}
		free(u);
	}
	f->out_last = NULL;
	f->nout = 0;
	f->out_bytes = 0;
	if (f->spool != NULL)
		spool_rewind(f->spool);
	if (last == NULL)
		return;
	last->letter.next = (struct letter *)f->first;
	if (f->first == NULL)
		f->last = last;
	f->first = first;
}

static void
skip_answered(struct forward *f, struct under_way *u)
{
	struct slice rest = slice_of(u->batch->data, u->batch->len), msg;

	uint64_t n = 0;

	for (; n < f->skip && syslog_take_counted(&rest, &msg); n++)
		u->at = u->batch->len - rest.len;
	f->skip = 0;
	if (u->at == u->batch->len)
		u->end = f->sent;
	u->begin -= n;		/* f->sent may be 0: it wraps, and back again */
}

static struct under_way *
next_out(struct forward *f)
{
	struct under_way *u;
	struct lines_batch *b;

	if (f->out_last != NULL && f->out_last->at < f->out_last->batch->len)
		return f->out_last;
	if (f->nout >= UNDER_WAY_MAX || f->out_bytes >= UNDER_WAY_BYTES)
		return NULL;
	u = calloc(1, sizeof *u);
	b = u == NULL ? NULL : take(f);
	if (b == NULL) {
		free(u);
		return NULL;
	}
	u->batch = b;
	u->begin = f->sent;
	u->end = UINT64_MAX;
	if (f->nout == 0)
		skip_answered(f, u);
	if (f->out_last == NULL)
		f->out = u;
	else
		f->out_last->next = u;
	f->out_last = u;
	f->nout++;
	f->out_bytes += b->len;
	return u;
}

/* ---- sending ---- */

static bool
write_out(struct forward *f)
{
	if (f->bytes.len == 0)
		return true;
	if (!stream_write(f->stream, buf_slice(&f->bytes)))
		return false;
	buf_clear(&f->bytes);
	return true;
}

static bool
encode(struct forward *f, struct slice msg, struct slice counted)
{
	uint32_t txnr;

	if (f->relp)
		return relp_client_syslog(&f->client, msg, &f->bytes, &txnr);
	return f->conf->lines ? syslog_write_line(msg, &f->bytes) :
	    buf_add_slice(&f->bytes, counted);
}

/* As much of a batch as there is room for now; false: there is none left. */
static bool
send_batch(struct forward *f, struct under_way *u)
{
	struct slice rest = slice_of(u->batch->data + u->at,
	    u->batch->len - u->at), msg;

	while (f->bytes.len < WRITE_MAX / 2) {
		struct slice before = rest;

		if (!syslog_take_counted(&rest, &msg)) {
			u->at = u->batch->len;	/* nothing one could read */
			u->end = f->sent;
			return true;
		}
		if (!encode(f, msg, slice_upto(before,
		    before.len - rest.len)))
			return false;
		u->at += before.len - rest.len;
		f->sent++;
		if (u->at == u->batch->len) {
			u->end = f->sent;
			return true;
		}
	}
	return true;
}

/* How many of the messages sent have their answer, and all before them. */
static uint64_t
answered_of(const struct forward *f)
{
	return f->relp ? f->sent - (f->client.next + RELP_TXNR_MAX -
	    f->client.oldest) % RELP_TXNR_MAX : f->sent;
}

static void
settle(struct forward *f)
{
	uint64_t answered = answered_of(f);

	if (!f->relp && (f->bytes.len > 0 || (f->stream != NULL &&
	    stream_pending_output(f->stream) > 0)))
		return;
	while (f->out != NULL && f->out->at == f->out->batch->len &&
	    f->out->end <= answered)
		done_first(f);
}

static void
pump(struct forward *f)
{
	struct under_way *u;
	bool more = true;

	if (!f->up)
		return;
	while (more && write_out(f) &&
	    stream_pending_output(f->stream) < WRITE_MAX / 2 &&
	    (u = next_out(f)) != NULL)
		more = send_batch(f, u);
	write_out(f);
}

/* ---- the connection ---- */

static void connect_now(struct forward *f);

static void
retry_later(struct forward *f)
{
	ev_now_update(f->loop);
	ev_timer_set(&f->retry, RETRY_S, 0);
	ev_timer_start(f->loop, &f->retry);
}

static void connect_to(struct forward *f, const struct addr *to);

static void
failed(struct forward *f, const char *why)
{
	if (f->next_addr < f->naddrs) {
		connect_to(f, &f->addrs[f->next_addr++]);
		return;
	}
	counter_add(&f->stats->failures, 1);
	LOG_LIMITED(LOG_AT_WARN, 30, "forward %s: %s: %s; messages wait, "
	    "trying again every second", f->conf->name, f->url, why);
	f->away = true;
	retry_later(f);
}

static void
came_up(struct forward *f)
{
	f->up = true;
	f->naddrs = 0;
	counter_add(&f->stats->connects, 1);
	if (f->away)
		log_info("forward %s: connected again", f->conf->name);
	f->away = false;
	pump(f);
}

static bool
on_open(struct stream *s, void *ctx)
{
	struct forward *f = stream_data(s);

	f->sent = 0;
	f->silent = 0;
	buf_clear(&f->bytes);
	if (!f->relp) {
		came_up(f);
		return true;
	}
	relp_parser_init(&f->parser, ANSWER_MAX, ANSWER_MAX);
	relp_client_init(&f->client, (uint32_t)f->conf->window);
	return relp_client_open(&f->client, &f->bytes) && write_out(f);
}

static ssize_t
answers(struct forward *f, struct slice data)
{
	struct slice rest = data;
	struct relp_frame frame;
	enum relp_answer a;
	unsigned code;
	uint32_t txnr;

	while ((a = relp_next(&f->parser, &rest, &frame)) == RELP_READY)
		switch (relp_client_frame(&f->client, &frame, &txnr, &code)) {
		case RELP_CLIENT_NONE:
			break;
		case RELP_CLIENT_OPENED:
			came_up(f);
			break;
		case RELP_CLIENT_ANSWERED:
			f->silent = 0;
			if (code != 200)	/* to send it again is no use */
				counter_add(&f->stats->refused, 1);
			break;
		case RELP_CLIENT_CLOSED:
		case RELP_CLIENT_FAIL:
			settle(f);
			return STREAM_CLOSE;
		}
	if (a == RELP_BAD)
		return STREAM_CLOSE;
	settle(f);
	pump(f);
	return (ssize_t)(data.len - rest.len);
}

static ssize_t
on_data(struct stream *s, struct slice data, bool eof)
{
	struct forward *f = stream_data(s);

	/* by TCP nobody answers */
	return f->relp ? answers(f, data) : (ssize_t)data.len;
}

static void
on_closed(struct stream *s)
{
	struct forward *f = stream_data(s);

	if (f == NULL)
		return;
	if (f->relp && f->client.state != RELP_NEW) {
		relp_parser_fini(&f->parser);
		f->client.state = RELP_NEW;
	}
	if (f->relp && f->out != NULL)
		f->skip = answered_of(f) - f->out->begin;
	f->stream = NULL;
	f->up = false;
	buf_clear(&f->bytes);
	rewind_all(f);
	failed(f, stream_error(s));
}

static void
on_drained(struct stream *s)
{
	pump(stream_data(s));
}

static const struct stream_ops ops = {
	on_open, on_data, on_closed, on_drained
};

static void
connect_to(struct forward *f, const struct addr *to)
{
	struct stream_options o = {
		.read_max = 4 * ANSWER_MAX, .write_max = OUT_MAX,
		.tls = f->tls
	};

	f->stream = stream_connect(f->loop, to, f->conf->to.v[0].host, &o,
	    &ops, f, CONNECT_MS);
	if (f->stream == NULL)
		failed(f, strerror(errno));
}

static void
resolved(void *ctx, const struct addr *v, size_t n, const char *error)
{
	struct forward *f = ctx;

	f->query = NULL;
	if (n > 0)
		memcpy(f->addrs, v, n * sizeof *v);
	f->naddrs = n;
	f->next_addr = n > 0;
	if (n == 0)
		failed(f, error);
	else
		connect_to(f, &f->addrs[0]);
}

static void
connect_now(struct forward *f)
{
	const struct conf_listen *to = &f->conf->to.v[0];
	struct addr a;

	if (f->stream != NULL || f->query != NULL || ev_is_active(&f->retry))
		return;
	if (addr_numeric(to->host, to->port, &a)) {
		connect_to(f, &a);
		return;
	}
	f->query = resolve_start(f->loop, to->host, to->port, resolved, f);
	if (f->query == NULL)
		failed(f, strerror(errno));
}

static void
on_retry(struct ev_loop *loop, ev_timer *w, int revents)
{
	connect_now(w->data);
}

/* ---- for the logs thread ---- */

void
forward_add(struct forward *f, struct slice text, unsigned n)
{
	counter_add(&f->stats->taken, n);
	if (f->gathered.len > 0 && f->gathered.len + text.len > GATHER_MAX)
		forward_flush(f);
	if (!buf_add_slice(&f->gathered, text))
		lost(f, n, "out of memory");
	else
		f->ngathered += n;
}

void
forward_flush(struct forward *f)
{
	struct lines_batch *b;

	if (f->gathered.len == 0)
		return;
	b = lines_batch_new(0, f->gathered.len);
	if (b == NULL) {
		lost(f, f->ngathered, "out of memory");
	} else {
		memcpy(b->data, f->gathered.data, f->gathered.len);
		b->len = f->gathered.len;
		b->lines = f->ngathered;
		put(f, b);
	}
	buf_clear(&f->gathered);
	f->ngathered = 0;
	if (f->up && !f->relp)
		settle(f);
	pump(f);
}

/* A receiver that owes answers and gives none is as good as away. */
static void
watch_answers(struct forward *f)
{
	if (!f->up || !f->relp || relp_client_unanswered(&f->client) == 0)
		f->silent = 0;
	else if (++f->silent > ANSWER_TICKS)
		stream_abort(f->stream);
}

void
forward_tick(struct forward *f)
{
	forward_flush(f);
	watch_answers(f);
	if (f->stream == NULL)
		connect_now(f);
	if (f->up && !f->relp)
		settle(f);
	pump(f);
	if (f->spool != NULL)
		spool_tick(f->spool);
}

bool
forward_idle(const struct forward *f)
{
	return f->gathered.len == 0 && f->out == NULL && f->first == NULL &&
	    (f->spool == NULL || spool_empty(f->spool));
}

/* ---- life ---- */

static int
open_tls(struct forward *f)
{
	const struct conf_tls *t = &f->conf->tls;
	const char *scheme = f->conf->to.v[0].scheme;
	struct tls_options o = {
		.cert = t->cert, .key = t->key, .ca = t->ca,
		.min_version = t->min_version,
		.max_version = t->max_version, .ciphers = t->ciphers,
		.ciphersuites = t->ciphersuites,
		.fingerprints = t->fingerprints.v,
		.nfingerprints = t->fingerprints.n
	};
	char error[512];

	if (strcmp(scheme, "tls") != 0 && strcmp(scheme, "relps") != 0)
		return 0;
	f->tls = tls_new(&o, error, sizeof error);
	if (f->tls != NULL)
		return 0;
	log_error("forward %s: %s", f->conf->name, error);
	errno = EPROTO;
	return -1;
}

static void
open_spool(struct forward *f, const char *state_dir)
{
	struct spool_counts found = { 0 };
	char path[PATH_MAX];

	if (f->conf->spool == 0)
		return;
	if (snprintf(path, sizeof path, "%s/spool/forward-%s", state_dir,
	    f->conf->name) < (int)sizeof path)
		f->spool = spool_open(path, f->conf->spool, &found);
	if (f->spool == NULL)
		log_error("forward %s: spool %s: %s; what does not fit into "
		    "memory will be lost", f->conf->name, path,
		    strerror(errno));
	counter_add(&f->stats->taken, found.lines);
}

struct forward *
forward_new(struct ev_loop *loop, const struct conf_forward *conf,
    const char *state_dir, struct forward_stats *stats)
{
	struct forward *f = calloc(1, sizeof *f);

	if (f == NULL)
		return NULL;
	f->loop = loop;
	f->conf = conf;
	f->stats = stats;
	f->url = strdup(conf->to.v[0].url);
	f->relp = strncmp(conf->to.v[0].scheme, "relp", 4) == 0;
	buf_init(&f->gathered, OUT_MAX);
	buf_init(&f->bytes, OUT_MAX);
	ev_timer_init(&f->retry, on_retry, RETRY_S, 0);
	f->retry.data = f;
	if (f->url == NULL || open_tls(f) != 0) {
		int saved = errno;

		forward_free(f);
		errno = saved;
		return NULL;
	}
	open_spool(f, state_dir);
	return f;
}

bool
forward_conf(struct forward *f, const struct conf_forward *conf)
{
	if (strcmp(conf->to.v[0].url, f->url) != 0 ||
	    (conf->spool > 0) != (f->spool != NULL) || f->tls != NULL)
		return false;
	f->conf = conf;
	if (f->spool != NULL)
		spool_limit(f->spool, conf->spool);
	return true;
}

void
forward_free(struct forward *f)
{
	if (f == NULL)
		return;
	forward_flush(f);
	if (f->stream != NULL) {
		stream_set_data(f->stream, NULL);
		if (f->relp && f->client.state != RELP_NEW)
			relp_parser_fini(&f->parser);
		if (f->relp || stream_pending_output(f->stream) > 0)
			stream_abort(f->stream);
		else
			stream_close(f->stream);
	}
	rewind_all(f);
	while (f->first != NULL) {
		struct lines_batch *b = take(f);

		lost(f, b->lines, "the end");
		free(b);
	}
	resolve_cancel(f->query);
	ev_timer_stop(f->loop, &f->retry);
	spool_close(f->spool);
	tls_unref(f->tls);
	buf_fini(&f->gathered);
	buf_fini(&f->bytes);
	free(f->url);
	free(f);
}
