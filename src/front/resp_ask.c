/* resp_ask.c - verbs that the events thread answers: WAIT, WAITAOF, EVENT, INFO. */
#include "config.h"

#include <stdlib.h>

#include "base/clock.h"
#include "base/number.h"
#include "core/event_ask.h"
#include "front/resp_conn.h"
#include "front/worker.h"
#include "proto/xadd.h"

#define FOREVER_MS (3600 * 1000)	/* who waits for ever asks again by then */
#define INFO_MS 10000
#define TEXT_MAX (256 * 1024)

static void
fail(struct resp_conn *c, const char *error)
{
	resp_add_error(&c->out, error);
	resp_say(c);
}

void
resp_wrote(struct resp_conn *c, struct slice stream)
{
	struct slice all = buf_slice(&c->wrote), name;
	struct slice rest = slice_from(all, c->latest);

	if (slice_eq(slice_cut(&rest, '\n'), stream) && all.len > 0)
		return;
	for (rest = all; rest.len > 0;) {
		size_t at = all.len - rest.len;

		name = slice_cut(&rest, '\n');
		if (slice_eq(name, stream)) {
			c->latest = at;
			return;
		}
	}
	if (c->wrote.max - all.len < stream.len + 1 ||
	    !buf_reserve(&c->wrote, stream.len + 1)) {
		c->wrote_more = true;
		return;
	}
	c->latest = all.len;
	buf_add_slice(&c->wrote, stream);
	buf_addc(&c->wrote, '\n');
}

/* ---- asking ---- */

static struct event_ask *
ask_new(enum event_question what, uint64_t ms)
{
	struct event_ask *a = calloc(1, sizeof *a);

	if (a == NULL)
		return NULL;
	a->what = what;
	a->deadline_ns = clock_mono_ns() + (int64_t)(ms == 0 ||
	    ms > FOREVER_MS ? FOREVER_MS : ms) * NS_PER_MS;
	buf_init(&a->names, TEXT_MAX);
	buf_init(&a->text, TEXT_MAX);
	return a;
}

/* Send it, behind all events so far; takes a.  Answers known by then are not
 * held up: they are in bursts of their own. */
static void
ask(struct resp_conn *c, struct event_ask *a, enum resp_answer how)
{
	struct pipeline *p = &c->conn.worker->pipeline;
	struct burst_part part = { PART_ANSWER, how, 0 };
	struct burst *b;

	resp_end_burst(c);
	b = a == NULL ? NULL : resp_burst(c, 0);
	if (b == NULL || !buf_add(&b->text, &part, sizeof part)) {
		event_ask_free(a);
		fail(c, "OOM no memory");
		return;
	}
	b->ask = a;
	a->ticket = b->ticket;
	a->letter.deliver = p->sinks.take_ask;
	ticket_hold(a->ticket);
	pipeline_send_events(p);
	inbox_put(p->sinks.events, &a->letter, 0);
	inbox_wake(p->sinks.events);
	resp_end_burst(c);
}

static struct event_ask *
ask_copies(const struct resp_conn *c, uint64_t wanted, uint64_t ms)
{
	struct event_ask *a = ask_new(ASK_COPIES, ms);

	if (a == NULL)
		return NULL;
	a->wanted = wanted;
	if (!c->wrote_more && !buf_add_slice(&a->names, buf_slice(&c->wrote))) {
		event_ask_free(a);
		return NULL;
	}
	return a;
}

/* ---- the verbs ---- */

void
resp_wait(struct resp_conn *c, const struct slice *argv, size_t argc)
{
	uint64_t wanted, ms;

	if (argc != 3)
		fail(c, "ERR wrong number of arguments for 'wait' command");
	else if (!number_u64(argv[1], &wanted) || !number_u64(argv[2], &ms))
		fail(c, "ERR value is not an integer or out of range");
	else
		ask(c, ask_copies(c, wanted, ms), ANSWER_COUNT);
}

/* All that was answered is synced here, and what is asked about is answered. */
void
resp_waitaof(struct resp_conn *c, const struct slice *argv, size_t argc)
{
	uint64_t local, wanted, ms;

	if (argc != 4)
		fail(c, "ERR wrong number of arguments for 'waitaof' command");
	else if (!number_u64(argv[1], &local) || local > 1 ||
	    !number_u64(argv[2], &wanted) || !number_u64(argv[3], &ms))
		fail(c, "ERR value is not an integer or out of range");
	else
		ask(c, ask_copies(c, wanted, ms), ANSWER_WAITAOF);
}

void
resp_event(struct resp_conn *c, const struct slice *argv, size_t argc)
{
	struct slice latest = slice_from(buf_slice(&c->wrote), c->latest);
	struct slice stream = argc == 4 ? argv[3] : slice_cut(&latest, '\n');
	struct event_ask *a;

	if (argc < 3 || argc > 4 || !slice_eq_nocase(argv[1], SLICE("LAST"))) {
		fail(c, "ERR syntax error, expected EVENT LAST pid [stream]");
		return;
	}
	if (stream.len == 0) {
		fail(c, "ERR name a stream: none was written to here so far");
		return;
	}
	if (!xadd_good_stream(stream) || argv[2].len > XADD_MAX_PID) {
		fail(c, "ERR invalid stream or producer");
		return;
	}
	a = ask_new(ASK_LAST, INFO_MS);
	if (a != NULL && (!buf_reserve(&a->names, stream.len + 1 +
	    argv[2].len) || !buf_add_slice(&a->names, stream) ||
	    !buf_addc(&a->names, '\n') || !buf_add_slice(&a->names, argv[2]))) {
		event_ask_free(a);
		a = NULL;
	}
	if (a != NULL)
		a->pid = slice_from(buf_slice(&a->names), stream.len + 1);
	ask(c, a, ANSWER_NUMBER);
}

void
resp_info(struct resp_conn *c, const struct slice *argv, size_t argc)
{
	struct event_ask *a = ask_new(ASK_INFO, INFO_MS);

	if (a != NULL)
		buf_printf(&a->text, "# Server\r\nredis_version:7.0.0\r\n"
		    "redis_mode:standalone\r\nmillrace_version:%s\r\n"
		    "\r\n# Persistence\r\nloading:0\r\n"
		    "\r\n# Replication\r\nrole:master\r\n"
		    "\r\n# evp\r\nevp:1\r\ninflight:%zu\r\n",
		    PACKAGE_VERSION, c->inflight);
	ask(c, a, ANSWER_TEXT);
}

bool
resp_add_answer(struct buf *out, const struct resp_conn *c,
    const struct event_ask *a, enum resp_answer how)
{
	switch (how) {
	case ANSWER_COUNT:
		return resp_add_int(out, (int64_t)a->number);
	case ANSWER_WAITAOF:
		return resp_add_array(out, 2) &&
		    resp_add_int(out, a->known ? 1 : 0) &&
		    resp_add_int(out, (int64_t)a->number);
	case ANSWER_NUMBER:
		return a->known ? resp_add_int(out, (int64_t)a->number) :
		    resp_add_null(out, c->proto);
	case ANSWER_TEXT:
		return resp_add_bulk(out, buf_slice(&a->text));
	}
	return false;
}
