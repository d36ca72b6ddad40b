/* console.c - one command a line, one answer after the other.
 *
 * What only the metrics thread knows is asked of it by letter; until its answer
 * is back the connection is not read. */
#include "config.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sysexits.h>
#include <unistd.h>

#include "app/console.h"
#include "app/daemon.h"
#include "base/clock.h"
#include "net/addr.h"
#include "net/listen.h"
#include "net/stream.h"

#define LINE_MAX_BYTES 65536
#define REPLY_MAX (256u << 20)

struct console {
	struct stream_listener *listener;
	bool down;			/* "health down" */
};

/* A connection. */
struct guest {
	struct daemon *daemon;
	struct stream *stream;		/* NULL: it has gone */
	bool waiting;			/* for the metrics thread */
	bool quitting;
};

/* What the metrics thread is asked. */
struct question {
	struct letter letter;
	struct guest *guest;
	bool stats;			/* only the figures of the flush */
	enum merged_group group;
	char *names;			/* to delete; NULL: show all */
	struct buf reply;
};

/* ---- asking the metrics thread ---- */

static void
question_free(struct question *q)
{
	free(q->names);
	buf_fini(&q->reply);
	free(q);
}

static void
answered(struct letter *l, void *daemon)
{
	struct question *q = (struct question *)l;
	struct guest *g = q->guest;

	g->waiting = false;
	if (g->stream == NULL) {
		free(g);
	} else {
		stream_write(g->stream, buf_slice(&q->reply));
		stream_resume(g->stream);
	}
	question_free(q);
}

/* In the metrics thread, whose figures these are. */
static void
put_stats(struct daemon *d, const struct flush_internal *f, struct buf *out)
{
	int64_t now = clock_real_ns(), seen = 0;
	struct ledger_sum sum;
	uint64_t bad = 0;

	daemon_ledger(d, &sum);
	for (int r = REASON_NONE; r < REASON_RULE; r++)
		bad += sum.book[RECORD_METRIC][SOURCE_STATSD].dropped[r];
	for (unsigned i = 0; i < d->nworkers; i++) {
		int64_t ns = atomic_load_explicit(
		    &d->workers[i].last_statsd_ns, memory_order_relaxed);

		seen = ns > seen ? ns : seen;
	}
	if (seen == 0)
		seen = d->started_ns;
	buf_printf(out, "uptime: %lld\n"
	    "messages.last_msg_seen: %lld\nmessages.bad_lines_seen: %llu\n"
	    "graphite.last_flush: %lld\ngraphite.last_exception: %lld\n"
	    "graphite.flush_time: %.0f\ngraphite.flush_length: %.0f\n",
	    (long long)((now - d->started_ns) / NS_PER_S),
	    (long long)((now - seen) / NS_PER_S), (unsigned long long)bad,
	    (long long)(now / NS_PER_S - (int64_t)f->last_flush),
	    (long long)(now / NS_PER_S - (int64_t)f->last_exception),
	    f->flush_time, f->flush_length);
}

/* In the metrics thread. */
static void
answer(struct metrics *m, void *ctx)
{
	struct question *q = ctx;
	struct slice rest = slice_str(q->names);

	if (q->stats) {
		put_stats(q->guest->daemon, &m->internal, &q->reply);
	} else if (q->names == NULL) {
		merged_dump(m->merged, q->group, &q->reply);
		buf_adds(&q->reply, "\n");
	} else {
		while (rest.ptr != NULL)
			merged_delete(m->merged, q->group,
			    slice_cut(&rest, ' '), &q->reply);
	}
	buf_adds(&q->reply, "END\n\n");
	inbox_put(&q->guest->daemon->inbox, &q->letter, 0);
}

/* q NULL: no memory. */
static void
send_question(struct guest *g, struct question *q)
{
	bool sent;

	if (q == NULL)
		return;
	q->letter.deliver = answered;
	q->guest = g;
	buf_init(&q->reply, REPLY_MAX);
	sent = q->stats ? metrics_order_run(&g->daemon->metrics, answer, q) :
	    metrics_order_fresh(&g->daemon->metrics, answer, q);
	if (!sent) {
		question_free(q);
		return;
	}
	g->waiting = true;
	stream_pause(g->stream);
}

static void
ask(struct guest *g, enum merged_group group, struct slice names, bool delete)
{
	struct question *q = calloc(1, sizeof *q);

	if (q != NULL)
		q->group = group;
	if (q != NULL && delete && (q->names = slice_dup(names)) == NULL) {
		free(q);
		return;
	}
	send_question(g, q);
}

static void
ask_stats(struct guest *g)
{
	struct question *q = calloc(1, sizeof *q);

	if (q != NULL)
		q->stats = true;
	send_question(g, q);
}

/* ---- commands ---- */

static void
say(struct guest *g, const char *text)
{
	stream_write(g->stream, slice_str(text));
}

static void
health(struct guest *g, struct slice arg)
{
	struct console *c = g->daemon->console;

	if (slice_eq_nocase(arg, SLICE("up")))
		c->down = false;
	else if (slice_eq_nocase(arg, SLICE("down")))
		c->down = true;
	say(g, c->down ? "health: down\n" : "health: up\n");
}

static void
config(struct guest *g)
{
	struct buf text = BUF_INIT(1 << 20);

	console_config(g->daemon->plan->conf, &text);
	stream_write(g->stream, buf_slice(&text));
	buf_fini(&text);
}

static bool
group_of(struct slice word, const char *prefix, enum merged_group *group)
{
	static const struct { const char *name; enum merged_group group; } v[] = {
		{ "counters", MERGED_COUNTER }, { "timers", MERGED_TIMER },
		{ "gauges", MERGED_GAUGE }
	};
	size_t n = strlen(prefix);

	if (!slice_starts(word, slice_str(prefix)))
		return false;
	for (size_t i = 0; i < sizeof v / sizeof v[0]; i++)
		if (slice_eq(slice_from(word, n), slice_str(v[i].name))) {
			*group = v[i].group;
			return true;
		}
	return false;
}

/* The proxy's: the nodes that samples go to. */
static void
status(struct guest *g)
{
	const struct plan *p = g->daemon->plan;
	struct buf text = BUF_INIT(1 << 20);

	buf_printf(&text, "uptime: %lld\nnodes: ", (long long)
	    ((clock_real_ns() - g->daemon->started_ns) / NS_PER_S));
	for (size_t i = 0; i < p->nclusters; i++)
		for (size_t j = 0; (p->samples >> i & 1) != 0 &&
		    j < p->clusters[i].ndests; j++)
			if (!atomic_load(&p->registry->dest[
			    p->clusters[i].dests[j]]->state.sick))
				buf_printf(&text, "%s ",
				    p->clusters[i].conf->servers[j].text);
	buf_adds(&text, "\n");
	stream_write(g->stream, buf_slice(&text));
	buf_fini(&text);
}

static bool
is_proxy(const struct guest *g)
{
	const struct plan *p = g->daemon->plan;

	return p->samples != 0 && p->figures == 0;
}

static bool
command(struct guest *g, struct slice line)
{
	struct slice rest = line, word = slice_cut(&rest, ' ');
	enum merged_group group;

	if (slice_eq(word, SLICE("help")) && is_proxy(g))
		say(g, "Commands: config, health, status, quit\n\n");
	else if (slice_eq(word, SLICE("status")) && is_proxy(g))
		status(g);
	else if (slice_eq(word, SLICE("help")))
		say(g, "Commands: stats, counters, timers, gauges, "
		    "delcounters, deltimers, delgauges, health, config, "
		    "quit\n\n");
	else if (slice_eq(word, SLICE("health")))
		health(g, rest);
	else if (slice_eq(word, SLICE("stats")))
		ask_stats(g);
	else if (slice_eq(word, SLICE("config")))
		config(g);
	else if (slice_eq(word, SLICE("quit")))
		g->quitting = true;
	else if (group_of(word, "", &group))
		ask(g, group, rest, false);
	else if (group_of(word, "del", &group) && rest.ptr == NULL)
		say(g, "END\n\n");
	else if (group_of(word, "del", &group))
		ask(g, group, rest, true);
	else
		return false;
	return true;
}

/* ---- connections ---- */

static void
serve(struct guest *g, struct slice data, size_t *used)
{
	struct slice rest = data;

	while (!g->waiting && !g->quitting &&
	    slice_find(rest, '\n') < rest.len)
		if (!command(g, slice_trim(slice_cut(&rest, '\n'))))
			say(g, "ERROR\n");
	/* To the reference a chunk is a command, with a newline or without. */
	if (!g->waiting && !g->quitting && rest.len > 0 &&
	    command(g, slice_trim(rest)))
		rest.ptr = NULL;
	*used = rest.ptr == NULL ? data.len : (size_t)(rest.ptr - data.ptr);
}

static bool
opened(struct stream *s, void *ctx)
{
	struct guest *g = calloc(1, sizeof *g);

	if (g == NULL)
		return false;
	g->daemon = ctx;
	g->stream = s;
	stream_set_data(s, g);
	return true;
}

static ssize_t
data(struct stream *s, struct slice bytes, bool eof)
{
	struct guest *g = stream_data(s);
	size_t used;

	serve(g, bytes, &used);
	if (g->quitting)
		return STREAM_CLOSE;
	if (eof && !g->waiting && used < bytes.len) {
		say(g, "ERROR\n");
		used = bytes.len;
	}
	return (ssize_t)used;
}

static void
closed(struct stream *s)
{
	struct guest *g = stream_data(s);

	g->stream = NULL;
	if (!g->waiting)
		free(g);
}

static const struct stream_ops ops = { opened, data, closed, NULL };

/* Where it listens; NULL: nowhere. */
static const char *
place_of(const struct conf *conf)
{
	const char *where = conf->statsd.management;

	return !conf->statsd.present || where == NULL || where[0] == '\0' ?
	    NULL : where;
}

static bool
same_place(const char *a, const char *b)
{
	return a == b || (a != NULL && b != NULL && strcmp(a, b) == 0);
}

/* *l NULL: it is to listen nowhere.  Gives an exit status. */
static int
open_listener(struct daemon *d, const char *where, struct stream_listener **l,
    char *error, size_t size)
{
	struct stream_options o = {
		.read_max = LINE_MAX_BYTES, .write_max = REPLY_MAX,
		.idle_ms = 600000, .max_connections = 64
	};
	char host[256];
	uint16_t port;
	int fd;

	*l = NULL;
	if (where == NULL)
		return 0;
	if (!addr_split(where, host, sizeof host, &port, false)) {
		snprintf(error, size, "statsd: management: %s is no address",
		    where);
		return EX_CONFIG;
	}
	fd = listen_tcp(host, port, false);
	if (fd != -1)
		*l = stream_listen(d->loop, fd, &o, &ops, d);
	if (*l != NULL)
		return 0;
	snprintf(error, size, "statsd: management: listening on %s: %s",
	    where, strerror(errno));
	return EX_OSERR;
}

int
console_open(struct daemon *d, const struct conf *conf, char *error,
    size_t size)
{
	d->console = calloc(1, sizeof *d->console);
	if (d->console == NULL) {
		snprintf(error, size, "out of memory");
		return EX_OSERR;
	}
	return open_listener(d, place_of(conf), &d->console->listener, error,
	    size);
}

static void
stop_listening(struct console *c)
{
	if (c->listener != NULL)
		stream_listener_free(c->listener);
	c->listener = NULL;
}

bool
console_move(struct daemon *d, const struct conf *from, const struct conf *to,
    char *error, size_t size)
{
	const char *old = place_of(from), *new = place_of(to);
	struct stream_listener *l;
	char ignored[256];

	if (same_place(old, new))
		return true;
	if (open_listener(d, new, &l, error, size) == 0) {
		stop_listening(d->console);
		d->console->listener = l;
		return true;
	}
	/* It may be the old one that stands in its way. */
	stop_listening(d->console);
	if (open_listener(d, new, &d->console->listener, error, size) == 0)
		return true;
	open_listener(d, old, &d->console->listener, ignored, sizeof ignored);
	return false;
}

static void
close_guest(struct stream *s, void *ctx)
{
	stream_abort(s);
}

void
console_close(struct daemon *d)
{
	if (d->console == NULL)
		return;
	stop_listening(d->console);
	stream_each(d->loop, close_guest, NULL);
	free(d->console);
	d->console = NULL;
}
