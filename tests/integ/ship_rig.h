/* ship_rig.h - a journal, a shipper and real redis-servers in one process.
 *
 * The servers are started on free ports in a directory of their own, and
 * stopped by pid.  What is in Redis is read back with hiredis and compared
 * with what the journal was given, event by event. */
#ifndef MILLRACE_TESTS_SHIP_RIG_H
#define MILLRACE_TESTS_SHIP_RIG_H

#include <arpa/inet.h>
#include <check.h>
#include <errno.h>
#include <ev.h>
#include <fcntl.h>
#include <hiredis/hiredis.h>
#include <signal.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include "base/clock.h"
#include "conf/conf.h"
#include "sink/journal.h"
#include "sink/shipper.h"
#include "tests/unit/journal_kit.h"

struct rig_redis {
	pid_t pid;
	int port;
	char dir[160];
	redisContext *c;
};

struct rig {
	struct ev_loop *loop;
	ev_async wake;
	ev_timer second;
	struct journal *journal;
	struct shipper *shipper;
	struct conf_stream conf;
	struct journal_options options;
	char url[200];
	uint64_t lsn;
	uint64_t told;		/* by shipped(), the last one */
	bool told_any;
};

static inline double
rig_now(void)
{
	return (double)clock_mono_ns() / 1e9;
}

static inline bool
rig_is_free(int port)
{
	struct sockaddr_in in = { .sin_family = AF_INET,
	    .sin_port = htons((uint16_t)port),
	    .sin_addr.s_addr = htonl(INADDR_LOOPBACK) };
	int fd = socket(AF_INET, SOCK_STREAM, 0);
	int rc = bind(fd, (struct sockaddr *)&in, sizeof in);

	close(fd);
	return rc == 0;
}

static inline int
rig_free_port(void)
{
	for (int tries = 0; tries < 1000; tries++) {
		int port = 10000 + (int)((unsigned)clock_mono_ns() / 997 +
		    (unsigned)getpid() * 31u + (unsigned)tries * 7919u) % 12000;

		/* a node of a cluster listens 10000 above, too */
		if (rig_is_free(port) && rig_is_free(port + 10000))
			return port;
	}
	ck_abort_msg("no free port");
	return 0;
}

/* ---- a server ---- */

#define RIG_ARGS 40

static inline void
rig_exec(char *const *argv, const char *log)
{
	int fd = open(log, O_WRONLY | O_CREAT | O_APPEND, 0600);

	dup2(fd, 1);
	dup2(fd, 2);
	fd = open("/dev/null", O_RDONLY);
	dup2(fd, 0);
	execvp(argv[0], argv);
	_exit(127);
}

static inline redisReply *rig_try(struct rig_redis *r, const char *fmt, ...);

static inline bool
rig_answers(struct rig_redis *r)
{
	redisReply *p = rig_try(r, "PING");
	bool ok = p != NULL && p->type == REDIS_REPLY_STATUS;

	if (p != NULL)
		freeReplyObject(p);
	return ok;
}

/* more: further arguments, ended by NULL.  An empty r gets a port. */
static inline void
rig_redis_start(struct rig_redis *r, const char *const *more)
{
	char port[8], log[200];
	const char *argv[RIG_ARGS] = { "redis-server", "--port", port,
	    "--bind", "127.0.0.1", "--save", "", "--dir", r->dir };
	int n = 9;
	double end = rig_now() + 60;

	if (r->port == 0)
		r->port = rig_free_port();
	snprintf(r->dir, sizeof r->dir, "redis-test-%d-%d.dir", (int)getpid(),
	    r->port);
	mkdir(r->dir, 0700);
	snprintf(port, sizeof port, "%d", r->port);
	snprintf(log, sizeof log, "%s/log", r->dir);
	while (more != NULL && *more != NULL && n < RIG_ARGS - 1)
		argv[n++] = *more++;
	r->pid = fork();
	if (r->pid == 0)
		rig_exec((char *const *)(uintptr_t)argv, log);
	while (!rig_answers(r)) {
		ck_assert_msg(rig_now() < end, "redis-server does not start");
		usleep(10000);
	}
}

static inline void
rig_redis_kill(struct rig_redis *r, int sig)
{
	if (r->pid <= 0)
		return;
	kill(r->pid, SIGCONT);
	kill(r->pid, sig);
	waitpid(r->pid, NULL, 0);
	r->pid = 0;
	if (r->c != NULL)
		redisFree(r->c);
	r->c = NULL;
}

static inline void
rig_redis_fini(struct rig_redis *r)
{
	char command[300];

	rig_redis_kill(r, SIGKILL);
	if (r->dir[0] == '\0')
		return;
	snprintf(command, sizeof command, "rm -rf '%s'", r->dir);
	ck_assert_int_eq(system(command), 0);
}

static inline redisReply *
rig_vtry(struct rig_redis *r, const char *fmt, va_list ap)
{
	struct timeval tv = { 5, 0 };
	redisReply *reply;
	char byte;

	/* the server may have closed it meanwhile */
	if (r->c != NULL && (r->c->err ||
	    recv(r->c->fd, &byte, 1, MSG_PEEK | MSG_DONTWAIT) == 0)) {
		redisFree(r->c);
		r->c = NULL;
	}
	if (r->c == NULL)
		r->c = redisConnectWithTimeout("127.0.0.1", r->port, tv);
	if (r->c == NULL || r->c->err)
		return NULL;
	redisSetTimeout(r->c, tv);
	reply = redisvCommand(r->c, fmt, ap);
	return reply;
}

static inline redisReply *
rig_try(struct rig_redis *r, const char *fmt, ...)
{
	redisReply *reply;
	va_list ap;

	va_start(ap, fmt);
	reply = rig_vtry(r, fmt, ap);
	va_end(ap);
	return reply;
}

/* A command that must not fail. */
static inline void
rig_do(struct rig_redis *r, const char *fmt, ...)
{
	redisReply *reply;
	va_list ap;

	va_start(ap, fmt);
	reply = rig_vtry(r, fmt, ap);
	va_end(ap);
	ck_assert_msg(reply != NULL, "%s: no reply", fmt);
	ck_assert_msg(reply->type != REDIS_REPLY_ERROR, "%s: %s", fmt,
	    reply->str);
	freeReplyObject(reply);
}

static inline long long
rig_int(struct rig_redis *r, const char *fmt, ...)
{
	redisReply *reply;
	long long v;
	va_list ap;

	va_start(ap, fmt);
	reply = rig_vtry(r, fmt, ap);
	va_end(ap);
	v = reply != NULL && reply->type == REDIS_REPLY_INTEGER ?
	    reply->integer : -1;
	if (reply != NULL)
		freeReplyObject(reply);
	return v;
}

/* ---- the journal and the shipper ---- */

static inline void
rig_shipped(void *ctx, unsigned index, struct slice stream, uint64_t seq)
{
	struct rig *g = ctx;

	g->told = seq;
	g->told_any = true;
	journal_shipped(g->journal, stream, seq);
}

static const struct shipper_ops rig_ops = { .shipped = rig_shipped };

static inline void
rig_durable(void *ctx)
{
	struct rig *g = ctx;

	ev_async_send(g->loop, &g->wake);
}

static inline void
rig_woken(struct ev_loop *loop, ev_async *w, int revents)
{
	struct rig *g = w->data;

	if (g->shipper != NULL)
		shipper_kick(g->shipper);
}

static inline void
rig_second(struct ev_loop *loop, ev_timer *w, int revents)
{
	struct rig *g = w->data;

	if (g->shipper != NULL)
		shipper_tick(g->shipper, clock_real_ns() / NS_PER_MS);
}

static inline void
rig_open(struct rig *g)
{
	g->options.dir = kit_dir;
	g->options.on_durable = rig_durable;
	g->options.ctx = g;
	g->journal = kit_open(&g->options, NULL);
	g->lsn = journal_durable(g->journal);
}

static inline void
rig_ship(struct rig *g)
{
	char error[300] = "";

	g->shipper = shipper_new(g->loop, g->journal, &g->conf, "n1", 0,
	    &rig_ops, g, error, sizeof error);
	ck_assert_msg(g->shipper != NULL, "%s", error);
}

static inline void
rig_init(struct rig *g, const struct rig_redis *r)
{
	memset(g, 0, sizeof *g);
	kit_fresh();
	g->loop = ev_loop_new(EVFLAG_AUTO);
	ev_async_init(&g->wake, rig_woken);
	ev_timer_init(&g->second, rig_second, 1, 1);
	g->wake.data = g->second.data = g;
	ev_async_start(g->loop, &g->wake);
	ev_timer_start(g->loop, &g->second);
	g->conf = (struct conf_stream){ .name = "events", .redis = g->url,
	    .key = "ev:{stream}:{node}", .partitions = 1 };
	if (r != NULL)
		snprintf(g->url, sizeof g->url, "redis://127.0.0.1:%d/0",
		    r->port);
	g->options = kit_options();
	g->options.segment_bytes = 4 << 20;
	rig_open(g);
}

static inline void
rig_fini(struct rig *g)
{
	shipper_free(g->shipper);
	g->shipper = NULL;
	journal_close(g->journal);
	ev_async_stop(g->loop, &g->wake);
	ev_timer_stop(g->loop, &g->second);
	ev_loop_destroy(g->loop);
	kit_remove();
}

static inline void
rig_stop(struct ev_loop *loop, ev_timer *w, int revents)
{
	ev_break(loop, EVBREAK_ONE);
}

static inline void
rig_run(struct rig *g, double seconds)
{
	ev_timer t;

	ev_now_update(g->loop);
	ev_timer_init(&t, rig_stop, seconds, 0);
	ev_timer_start(g->loop, &t);
	ev_run(g->loop, 0);
	ev_timer_stop(g->loop, &t);
}

/* Until it is so; fails after a minute. */
#define rig_wait(g, condition) do { \
	double end_ = rig_now() + 60; \
	while (!(condition) && rig_now() < end_) \
		rig_run((g), 0.02); \
	ck_assert(condition); \
} while (0)

/* n more events to a stream; the kit's numbers are the sequences. */
static inline void
rig_append(struct rig *g, const char *stream, uint64_t n)
{
	struct journal_stream js = { .last_seq = 0 };
	uint64_t first;

	kit_wait(g->journal, g->lsn);
	journal_stream(g->journal, slice_str(stream), &js);
	first = js.last_seq + 1;
	for (uint64_t i = 0; i < n; i++)
		g->lsn = kit_append(g->journal, stream, first + i,
		    clock_real_ns() / NS_PER_MS).lsn;
	journal_commit(g->journal);
	kit_wait(g->journal, g->lsn);
}

/* Until all is shipped; fails after so many seconds, or a minute. */
static inline void
rig_settle(struct rig *g, double seconds)
{
	double end = rig_now() + (seconds < 60 ? 60 : seconds);
	struct shipper_stats st;

	do {
		rig_run(g, 0.02);
		if (shipper_idle(g->shipper))
			return;
	} while (rig_now() < end);
	shipper_stats(g->shipper, &st);
	ck_abort_msg("not shipped in %g s: %s, lag %llu, behind %u", seconds,
	    st.state, (unsigned long long)st.lag, st.behind);
}

/* Does the key have every event of the journal's stream from `from` on, once,
 * in order, with its bytes? */
static inline void
rig_audit(struct rig *g, struct rig_redis *r, const char *stream,
    const char *key, uint64_t from)
{
	struct journal_entry e;
	struct journal_cursor c;
	struct buf window = BUF_INIT(8 << 20);
	char start[64] = "-";
	uint64_t n = 0;

	ck_assert(journal_seek_stream(g->journal, &c, slice_str(stream),
	    from - 1));
	for (;;) {
		redisReply *p = rig_try(r, "XRANGE %s %s + COUNT 1000", key,
		    start);

		ck_assert(p != NULL);
		ck_assert_msg(p->type == REDIS_REPLY_ARRAY, "%s", p->str);
		for (size_t i = 0; i < p->elements; i++) {
			redisReply *x = p->element[i], *f = x->element[1];
			char id[64];

			ck_assert_int_eq(journal_read(g->journal, &c, &window,
			    &e, 1), 1);
			snprintf(id, sizeof id, "%llu-%llu",
			    (unsigned long long)e.ms,
			    (unsigned long long)e.seq);
			ck_assert_str_eq(x->element[0]->str, id);
			ck_assert_uint_eq(f->elements, 4);
			ck_assert_uint_eq(strtoull(f->element[1]->str, NULL,
			    10), kit_check(&e));
			n++;
		}
		if (p->elements == 0) {
			freeReplyObject(p);
			break;
		}
		snprintf(start, sizeof start, "(%s",
		    p->element[p->elements - 1]->element[0]->str);
		freeReplyObject(p);
	}
	ck_assert_int_eq(journal_read(g->journal, &c, &window, &e, 1), 0);
	buf_fini(&window);
	ck_assert_uint_gt(n, 0);
}

/* Are the key's last n entries the stream's first n in the journal? */
static inline void
rig_audit_tail(struct rig *g, struct rig_redis *r, const char *stream,
    const char *key, size_t n)
{
	redisReply *p = rig_try(r, "XREVRANGE %s + - COUNT %d", key, (int)n);
	struct buf window = BUF_INIT(8 << 20);
	struct journal_cursor c;
	struct journal_entry e;

	ck_assert(p != NULL && p->type == REDIS_REPLY_ARRAY);
	ck_assert_uint_eq(p->elements, n);
	ck_assert(journal_seek_stream(g->journal, &c, slice_str(stream), 0));
	while (n-- > 0) {
		char id[64];

		ck_assert_int_eq(journal_read(g->journal, &c, &window, &e, 1),
		    1);
		snprintf(id, sizeof id, "%llu-%llu", (unsigned long long)e.ms,
		    (unsigned long long)e.seq);
		ck_assert_str_eq(p->element[n]->element[0]->str, id);
	}
	ck_assert_int_eq(journal_read(g->journal, &c, &window, &e, 1), 0);
	freeReplyObject(p);
	buf_fini(&window);
}

#endif
