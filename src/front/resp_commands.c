/* resp_commands.c - the verbs of the event door.
 *
 * XADD and what a Redis client says before and around it.  An error reply
 * means: certainly not stored. */
#include "config.h"

#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

#include "base/log.h"
#include "front/resp_conn.h"
#include "front/worker.h"
#include "proto/xadd.h"

#define MULTI_MAX 1024
#define BAD_PASSWORDS_MAX 8
#define WRONGPASS "WRONGPASS invalid username-password pair or user is disabled."
#define TRYLATER "ERR too many wrong passwords from this address, try again later"

typedef void verb(struct resp_conn *c, const struct slice *argv, size_t argc);

static const struct conf *
conf_of(const struct resp_conn *c)
{
	return c->conn.door->conf;
}

/* Who this is by the configuration in force, which may not know him any more. */
static const struct conf_user *
resp_user(const struct resp_conn *c)
{
	return c->user == NULL ? NULL : auth_named(conf_of(c), c->user);
}

static void
ok(struct resp_conn *c)
{
	resp_add_simple(&c->out, "OK");
	resp_say(c);
}

static void
fail(struct resp_conn *c, const char *error)
{
	resp_add_error(&c->out, error);
	resp_say(c);
}

static void
refuse(struct resp_conn *c, enum reason why, const char *error)
{
	pipeline_refused(&c->conn.worker->pipeline, RECORD_EVENT, SOURCE_RESP,
	    why, 1);
	LOG_LIMITED(LOG_AT_WARN, 10, "events: %s: refused: %s",
	    stream_peer(c->conn.stream), error);
	fail(c, error);
}

/* ---- events ---- */

/* Read an XADD; on a refusal the error reply is in *error. */
static enum reason
read_event(struct resp_conn *c, const struct slice *argv, size_t argc,
    struct xadd *x, struct record *r, const char **error)
{
	const struct conf_events *e = &conf_of(c)->events;
	size_t bytes = 0;
	enum reason why;

	why = xadd_parse(argv, argc, c->pairs, c->max_pairs, &r->event, x);
	*error = x->error;
	if (why != REASON_NONE)
		return why;
	for (size_t i = 0; i < argc; i++)
		bytes += argv[i].len;
	*error = "ERR event too large";
	if (bytes > e->max_event)
		return REASON_TOO_LONG;
	*error = "ERR only '*' is an id here: the daemon gives ids";
	if (!x->id_auto)
		return REASON_BAD_VALUE;
	*error = "NOPERM this user may not write to that stream";
	if (!auth_stream(conf_of(c), resp_user(c), r->event.stream))
		return REASON_NO_PERMISSION;
	r->kind = RECORD_EVENT;
	r->source = SOURCE_RESP;
	r->received_ns = c->conn.worker->now_ns;
	r->time_ns = 0;
	r->peer = slice_str(stream_peer(c->conn.stream));
	return REASON_NONE;
}

static void
verb_xadd(struct resp_conn *c, const struct slice *argv, size_t argc)
{
	struct xadd x;
	struct record r;
	struct burst *b;
	const char *error;
	enum reason why = read_event(c, argv, argc, &x, &r, &error);
	size_t slot;

	if (why != REASON_NONE) {
		refuse(c, why, error);
		return;
	}
	if (c->conn.worker->draining && c->conn.worker->closing) {
		refuse(c, REASON_SHUTDOWN, "READONLY draining");
		return;
	}
	b = resp_burst(c, 1);
	if (b == NULL) {
		refuse(c, REASON_NO_MEMORY, "OOM no memory");
		return;
	}
	slot = b->ticket->n++;
	resp_owe(c, slot);
	pipeline_event(&c->conn.worker->pipeline, &r, b->ticket, slot, false);
	resp_wrote(c, pipeline_latest_stream(&c->conn.worker->pipeline, &r));
}

static void
verb_multi(struct resp_conn *c, const struct slice *argv, size_t argc)
{
	if (c->in_multi) {
		fail(c, "ERR MULTI calls can not be nested");
		return;
	}
	c->in_multi = true;
	c->multi_bad = false;
	c->multi_n = c->multi_pairs = 0;
	buf_clear(&c->multi);
	ok(c);
}

static void
verb_discard(struct resp_conn *c, const struct slice *argv, size_t argc)
{
	if (!c->in_multi) {
		fail(c, "ERR DISCARD without MULTI");
		return;
	}
	c->in_multi = false;
	ok(c);
}

/* Between MULTI and EXEC: only events, checked now, stored together then. */
static void
queue(struct resp_conn *c, const struct slice *argv, size_t argc)
{
	struct xadd x;
	struct record r;
	const char *error = "ERR only XADD can stand in a transaction here";
	enum reason why = REASON_UNKNOWN_COMMAND;

	if (slice_eq_nocase(argv[0], SLICE("XADD")))
		why = read_event(c, argv, argc, &x, &r, &error);
	if (why == REASON_NONE && (c->multi_n == MULTI_MAX ||
	    !resp_add_request(&c->multi, argv, argc))) {
		why = REASON_TOO_MANY;
		error = "ERR transaction too large";
	}
	if (why != REASON_NONE) {
		c->multi_bad = true;
		refuse(c, why, error);
		return;
	}
	c->multi_n++;
	c->multi_pairs += r.event.nfields;
	resp_add_simple(&c->out, "QUEUED");
	resp_say(c);
}

/* The events of the queue, as records that borrow from it.  The parser's
 * arguments borrow from the queue itself, so they stay when it goes on. */
static bool
read_queue(struct resp_conn *c, struct record *r, struct xadd *x,
    struct pair *pairs)
{
	const struct conf_events *e = &conf_of(c)->events;
	struct resp_parser parser;
	struct slice rest = buf_slice(&c->multi);
	struct pair *own = c->pairs;
	size_t used, n = 0;
	bool fine = true;

	resp_parser_init(&parser, e->max_fields * 2 + 64, c->multi.max);
	while (fine && n < c->multi_n && resp_request(&parser, rest,
	    &used) == RESP_READY) {
		const char *error;

		c->pairs = pairs;
		fine = read_event(c, parser.argv, parser.argc, &x[n], &r[n],
		    &error) == REASON_NONE;
		pairs += fine ? r[n].event.nfields : 0;
		n++;
		rest = slice_from(rest, used);
	}
	c->pairs = own;
	resp_parser_fini(&parser);
	return fine && n == c->multi_n;
}

/* All events of the queue into the pipeline, one group; else the error. */
static const char *
run_queue(struct resp_conn *c)
{
	struct record *r = calloc(c->multi_n, sizeof *r);
	struct xadd *x = calloc(c->multi_n, sizeof *x);
	struct pair *pairs = calloc(c->multi_pairs + c->max_pairs,
	    sizeof *pairs);
	struct burst *b = resp_burst(c, c->multi_n);
	const char *error = NULL;
	enum reason why;

	if (r == NULL || x == NULL || pairs == NULL || b == NULL) {
		error = "EXECABORT no memory";
	} else if (c->conn.worker->draining && c->conn.worker->closing) {
		error = "EXECABORT READONLY draining";
	} else if (!read_queue(c, r, x, pairs)) {
		error = "EXECABORT the rights or limits changed meanwhile";
	} else if ((why = pipeline_event_group(&c->conn.worker->pipeline, r,
	    c->multi_n, b->ticket, b->ticket->n)) != REASON_NONE) {
		error = why == REASON_NO_ROUTE ?
		    "EXECABORT no stream takes one of the events" :
		    "EXECABORT no memory";
	} else {
		resp_owe_group(c, b->ticket->n, c->multi_n);
		b->ticket->n += c->multi_n;
		for (size_t i = 0; i < c->multi_n; i++)
			resp_wrote(c, r[i].event.stream);
		/* a rule may have given it another name */
		c->wrote_more |= conf_of(c)->nrules > 0;
	}
	free(r);
	free(x);
	free(pairs);
	return error;
}

static void
verb_exec(struct resp_conn *c, const struct slice *argv, size_t argc)
{
	const char *error;

	if (!c->in_multi) {
		fail(c, "ERR EXEC without MULTI");
		return;
	}
	c->in_multi = false;
	if (c->multi_bad) {
		fail(c, "EXECABORT Transaction discarded because of previous "
		    "errors.");
		return;
	}
	if (c->multi_n == 0) {
		resp_add_array(&c->out, 0);
		resp_say(c);
		return;
	}
	error = run_queue(c);
	buf_clear(&c->multi);
	if (error != NULL)
		fail(c, error);
}

/* ---- who is there ---- */

/* NULL: let in.  Else the error. */
static const char *
log_in(struct resp_conn *c, struct slice name, struct slice password)
{
	const struct conf_user *user;
	enum auth_answer a = auth_user(conf_of(c), stream_peer(c->conn.stream),
	    name, password, &user);

	free(c->user);
	c->user = user == NULL ? NULL : strdup(user->name);
	if (a == AUTH_OK)
		return NULL;
	pipeline_refused(&c->conn.worker->pipeline, RECORD_EVENT, SOURCE_RESP,
	    a == AUTH_WAIT ? REASON_RATE_LIMIT : REASON_NO_AUTH, 1);
	LOG_LIMITED(LOG_AT_WARN, 10, "events: %s: wrong password for %.*s",
	    stream_peer(c->conn.stream), SLICE_ARG(slice_upto(name, 64)));
	if (++c->bad_passwords >= BAD_PASSWORDS_MAX)
		c->quitting = true;	/* no guessing on one connection */
	return a == AUTH_WAIT ? TRYLATER : WRONGPASS;
}

static void
verb_auth(struct resp_conn *c, const struct slice *argv, size_t argc)
{
	struct slice name = argc == 3 ? argv[1] : SLICE("default");
	const char *error;

	if (argc < 2 || argc > 3)
		fail(c, "ERR wrong number of arguments for 'auth' command");
	else if ((error = log_in(c, name, argv[argc - 1])) == NULL)
		ok(c);
	else
		fail(c, error);
}

static void
say_pair(struct resp_conn *c, const char *key, const char *value)
{
	resp_add_bulk(&c->out, slice_str(key));
	resp_add_bulk(&c->out, slice_str(value));
}

static void
say_number(struct resp_conn *c, const char *key, uint64_t value)
{
	resp_add_bulk(&c->out, slice_str(key));
	resp_add_int(&c->out, (int64_t)value);
}

/* What an answer to XADD means here: the most that a stream asks for. */
static const char *
ack_of(const struct conf *conf)
{
	static const char *const names[] = { "journal", "redis", "both", "replica" };
	enum conf_ack most = CONF_ACK_JOURNAL;

	for (size_t i = 0; i < conf->nstreams; i++)
		if (conf->streams[i].ack > most)
			most = conf->streams[i].ack;
	return names[most];
}

static void
say_hello(struct resp_conn *c)
{
	const struct conf_events *e = &conf_of(c)->events;
	char host[256] = "";

	gethostname(host, sizeof host - 1);
	resp_add_map(&c->out, 14, c->proto);
	say_pair(c, "server", "redis");
	say_pair(c, "version", "7.0.0");
	say_number(c, "proto", (uint64_t)c->proto);
	say_number(c, "id", c->id);
	say_pair(c, "mode", "standalone");
	say_pair(c, "role", "master");
	resp_add_bulk(&c->out, SLICE("modules"));
	resp_add_array(&c->out, 0);
	say_number(c, "evp", 1);
	say_pair(c, "ack", ack_of(conf_of(c)));
	say_number(c, "max-event", e->max_event);
	say_number(c, "max-inflight", e->max_inflight);
	say_number(c, "dedup-max", e->dedup_ids);
	say_number(c, "dedup-seconds", e->dedup_ms / 1000);
	say_pair(c, "node", e->node != NULL ? e->node : host);
	resp_say(c);
}

static void
set_name(struct resp_conn *c, struct slice name)
{
	size_t n = name.len < sizeof c->name - 1 ? name.len :
	    sizeof c->name - 1;

	memcpy(c->name, name.ptr, n);
	c->name[n] = '\0';
}

static void
verb_hello(struct resp_conn *c, const struct slice *argv, size_t argc)
{
	int proto = c->proto;
	size_t i = 1;

	if (argc > 1) {
		if (!slice_eq(argv[1], SLICE("2")) &&
		    !slice_eq(argv[1], SLICE("3"))) {
			fail(c, "NOPROTO unsupported protocol version");
			return;
		}
		proto = argv[1].ptr[0] - '0';
		i = 2;
	}
	while (i < argc) {
		if (slice_eq_nocase(argv[i], SLICE("AUTH")) && i + 2 < argc) {
			const char *error = log_in(c, argv[i + 1], argv[i + 2]);

			if (error != NULL) {
				fail(c, error);
				return;
			}
			i += 3;
		} else if (slice_eq_nocase(argv[i], SLICE("SETNAME")) &&
		    i + 1 < argc) {
			set_name(c, argv[i + 1]);
			i += 2;
		} else {
			fail(c, "ERR syntax error in HELLO");
			return;
		}
	}
	if (!auth_open(conf_of(c)) && resp_user(c) == NULL) {
		fail(c, "NOAUTH HELLO must be called with the client already "
		    "authenticated, otherwise the HELLO <proto> AUTH <user> "
		    "<pass> option can be used");
		return;
	}
	c->proto = proto;
	say_hello(c);
}

static void
verb_client(struct resp_conn *c, const struct slice *argv, size_t argc)
{
	if (argc >= 3 && slice_eq_nocase(argv[1], SLICE("SETNAME"))) {
		set_name(c, argv[2]);
		ok(c);
	} else if (argc >= 2 && slice_eq_nocase(argv[1], SLICE("GETNAME"))) {
		resp_add_bulk(&c->out, slice_str(c->name));
		resp_say(c);
	} else if (argc >= 2 && slice_eq_nocase(argv[1], SLICE("ID"))) {
		resp_add_int(&c->out, (int64_t)c->id);
		resp_say(c);
	} else if (argc >= 2 && slice_eq_nocase(argv[1], SLICE("SETINFO"))) {
		ok(c);
	} else {
		fail(c, "ERR unknown subcommand of CLIENT");
	}
}

/* ---- the rest ---- */

static void
verb_ping(struct resp_conn *c, const struct slice *argv, size_t argc)
{
	if (argc > 1)
		resp_add_bulk(&c->out, argv[1]);
	else
		resp_add_simple(&c->out, "PONG");
	resp_say(c);
}

static void
verb_echo(struct resp_conn *c, const struct slice *argv, size_t argc)
{
	if (argc != 2) {
		fail(c, "ERR wrong number of arguments for 'echo' command");
		return;
	}
	resp_add_bulk(&c->out, argv[1]);
	resp_say(c);
}

static void
verb_select(struct resp_conn *c, const struct slice *argv, size_t argc)
{
	if (argc == 2 && slice_eq(argv[1], SLICE("0")))
		ok(c);
	else
		fail(c, "ERR DB index is out of range");
}

static void
verb_quit(struct resp_conn *c, const struct slice *argv, size_t argc)
{
	ok(c);
	c->quitting = true;
}

static void
verb_reset(struct resp_conn *c, const struct slice *argv, size_t argc)
{
	c->in_multi = false;
	c->proto = 2;
	free(c->user);
	c->user = NULL;
	c->name[0] = '\0';
	resp_add_simple(&c->out, "RESET");
	resp_say(c);
}

static void
verb_command(struct resp_conn *c, const struct slice *argv, size_t argc)
{
	resp_add_array(&c->out, 0);
	resp_say(c);
}

static void
verb_config(struct resp_conn *c, const struct slice *argv, size_t argc)
{
	if (argc < 3 || !slice_eq_nocase(argv[1], SLICE("GET"))) {
		resp_add_error(&c->out, "ERR only CONFIG GET is known here");
		resp_say(c);
		return;
	}
	resp_add_map(&c->out, 0, c->proto);
	resp_say(c);
}

static const struct {
	struct slice name;
	verb *run;
	bool anybody;		/* also before AUTH */
	bool in_multi;		/* runs at once within a transaction */
} verbs[] = {
	{ SLICE("XADD"), verb_xadd, false, false },
	{ SLICE("MULTI"), verb_multi, false, true },
	{ SLICE("EXEC"), verb_exec, false, true },
	{ SLICE("DISCARD"), verb_discard, false, true },
	{ SLICE("PING"), verb_ping, false, false },
	{ SLICE("ECHO"), verb_echo, false, false },
	{ SLICE("HELLO"), verb_hello, true, true },
	{ SLICE("AUTH"), verb_auth, true, true },
	{ SLICE("CLIENT"), verb_client, false, true },
	{ SLICE("SELECT"), verb_select, false, true },
	{ SLICE("QUIT"), verb_quit, true, true },
	{ SLICE("RESET"), verb_reset, true, true },
	{ SLICE("INFO"), resp_info, false, true },
	{ SLICE("WAIT"), resp_wait, false, false },
	{ SLICE("WAITAOF"), resp_waitaof, false, false },
	{ SLICE("EVENT"), resp_event, false, false },
	{ SLICE("COMMAND"), verb_command, false, true },
	{ SLICE("CONFIG"), verb_config, false, true },
};

void
resp_command(struct resp_conn *c, const struct slice *argv, size_t argc)
{
	bool known = auth_open(conf_of(c)) || resp_user(c) != NULL;

	if (argc == 0)
		return;
	for (size_t i = 0; i < sizeof verbs / sizeof verbs[0]; i++) {
		if (!slice_eq_nocase(argv[0], verbs[i].name))
			continue;
		if (!known && !verbs[i].anybody)
			refuse(c, REASON_NO_AUTH,
			    "NOAUTH Authentication required.");
		else if (c->in_multi && !verbs[i].in_multi)
			queue(c, argv, argc);
		else
			verbs[i].run(c, argv, argc);
		return;
	}
	fail(c, "ERR unknown command");
}
