/* shipper_node.c - one server: greeting, what it must be, the script, WAIT.
 *
 * The greeting is a run of commands whose answers each have a reader.  A server
 * that evicts whole keys is refused; one that is no master is left; what may
 * only be looked at with more rights than we have is passed over. */
#include "config.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/log.h"
#include "base/number.h"
#include "proto/resp.h"
#include "sink/shipper_guard.h"
#include "sink/shipper_private.h"

#define REFUSED_MS 10000
#define NOT_MASTER_MS 500
#define WAIT_MS "500"
#define FULL_FROM 80		/* percent of maxmemory */
#define FULL_NO_MORE 75

bool
ship_node_up(const struct ship_node *n)
{
	return n != NULL && n->conn.state == SHIP_CONN_UP &&
	    n->conn.sha[0] != '\0';
}

/* ---- the answers of the greeting ---- */

static void
leave(struct ship_node *n, const char *what, struct slice detail, int64_t ms)
{
	char why[250];

	snprintf(why, sizeof why, "%s%.*s", what,
	    (int)(detail.len > 150 ? 150 : detail.len),
	    detail.len > 0 ? detail.ptr : "");
	ship_conn_close(&n->conn, why, ms);
}

static bool
must_be_ok(struct ship_node *n, const struct resp_value *v, struct slice reply)
{
	if (v->type != RESP_ERROR)
		return true;
	leave(n, "", v->text, ship_error_of(v->text) == SHIP_E_LOADING ? 0 :
	    1000);
	return false;
}

static bool
whatever(struct ship_node *n, const struct resp_value *v, struct slice reply)
{
	return true;
}

static bool
must_be_master(struct ship_node *n, const struct resp_value *v,
    struct slice reply)
{
	struct resp_value role;

	if (v->type == RESP_ERROR)
		return ship_error_of(v->text) == SHIP_E_NOPERM ||
		    ship_error_of(v->text) == SHIP_E_OTHER ||
		    must_be_ok(n, v, reply);
	resp_value_next(&reply, &role);
	if (v->type != RESP_ARRAY || !resp_value_next(&reply, &role) ||
	    role.type != RESP_BULK) {
		leave(n, "answered ROLE with something odd", SLICE(""), 1000);
		return false;
	}
	if (slice_eq(role.text, SLICE("master")))
		return true;
	leave(n, "it is no master but a ", role.text, NOT_MASTER_MS);
	return false;
}

/* The value of "\nname:" in the text of INFO. */
static struct slice
info_value(struct slice info, const char *name)
{
	struct slice want = slice_str(name);

	while (info.len > 0) {
		struct slice line = slice_cut(&info, '\n');

		if (slice_starts(line, want) && line.len > want.len &&
		    line.ptr[want.len] == ':')
			return slice_trim(slice_from(line, want.len + 1));
	}
	return slice_of(NULL, 0);
}

static bool
check_info(struct ship_node *n, const struct resp_value *v, struct slice reply)
{
	struct slice policy;

	if (v->type != RESP_BULK)
		return true;
	policy = info_value(v->text, "maxmemory_policy");
	if (slice_starts(policy, SLICE("allkeys-"))) {
		leave(n, "refused: its maxmemory-policy would evict whole "
		    "streams; set noeviction or volatile-...; it is ", policy,
		    REFUSED_MS);
		return false;
	}
	if (n->shipper->ack_redis && !n->warned &&
	    slice_eq(info_value(v->text, "aof_enabled"), SLICE("0"))) {
		n->warned = true;
		log_warn("%s: has no appendonly file: ack redis means in its "
		    "memory only; the journal ships again what it loses",
		    n->conn.name);
	}
	return true;
}

static bool
check_fsync(struct ship_node *n, const struct resp_value *v,
    struct slice reply)
{
	struct resp_value value;

	if (v->type == RESP_ERROR || !n->shipper->ack_redis || n->warned)
		return true;
	resp_value_next(&reply, &value);
	if (!resp_value_next(&reply, &value) ||
	    !resp_value_next(&reply, &value) ||
	    slice_eq(value.text, SLICE("always")))
		return true;
	n->warned = true;
	log_warn("%s: appendfsync is %.*s: it may lose up to 2 s of what ack "
	    "redis promised; the journal ships that again", n->conn.name,
	    SLICE_ARG(value.text));
	return true;
}

static bool
read_sha(const struct resp_value *v, char sha[48])
{
	if (v->type != RESP_BULK || v->text.len != 40)
		return false;
	memcpy(sha, v->text.ptr, 40);
	sha[40] = '\0';
	return true;
}

static bool
take_guard(struct ship_node *n, const struct resp_value *v, struct slice reply)
{
	read_sha(v, n->conn.guard_sha);		/* it goes without, too */
	return true;
}

static bool
take_sha(struct ship_node *n, const struct resp_value *v, struct slice reply)
{
	if (read_sha(v, n->conn.sha))
		return true;
	leave(n, "does not take the script: ", v->text, 1000);
	return false;
}

/* ---- the questions ---- */

typedef bool reader(struct ship_node *n, const struct resp_value *v,
    struct slice reply);

static reader *const readers[] = {
	must_be_ok, whatever, must_be_master, check_info, check_fsync,
	take_guard, take_sha
};
enum { MUST_BE_OK, WHATEVER, MUST_BE_MASTER, CHECK_INFO, CHECK_FSYNC,
	TAKE_GUARD, TAKE_SHA };

static void
greeted(struct ship_conn *c, const struct ship_call *call,
    const struct resp_value *v, struct slice reply)
{
	struct ship_node *n = c->data;

	if (v == NULL || !readers[call->a](n, v, reply))
		return;
	if (--n->greeting == 0)
		ship_conn_ready(c);
}

static void
ask(struct ship_node *n, unsigned which, size_t nwords,
    const char *const *words)
{
	struct ship_call call = { .done = greeted, .a = which };

	n->greeting++;
	if (n->conn.stream != NULL)
		ship_conn_command(&n->conn, &call, words, nwords);
}

#define ASK(n, which, ...) \
	ask((n), (which), sizeof (const char *[]){ __VA_ARGS__ } / \
	    sizeof (char *), (const char *[]){ __VA_ARGS__ })

static void
greet(struct ship_conn *c)
{
	struct ship_node *n = c->data;
	const struct ship_url *u = &c->url;
	char db[16];

	if (n->shipper->to_millrace)
		strcpy(c->sha, "-");	/* it needs none */
	n->greeting = 1;	/* so that it is not over before it is said */
	if (u->password[0] != '\0' && u->user[0] != '\0')
		ASK(n, MUST_BE_OK, "AUTH", u->user, u->password);
	else if (u->password[0] != '\0')
		ASK(n, MUST_BE_OK, "AUTH", u->password);
	snprintf(db, sizeof db, "%u", u->db);
	if (u->db != 0)
		ASK(n, MUST_BE_OK, "SELECT", db);
	ASK(n, WHATEVER, "CLIENT", "SETNAME", "millrace");
	if (n->shipper->to_millrace) {
		ASK(n, MUST_BE_OK, "PING");
	} else {
		if (n->shipper->cluster_map == NULL)
			ASK(n, MUST_BE_MASTER, "ROLE");
		ASK(n, CHECK_INFO, "INFO");
		ASK(n, CHECK_FSYNC, "CONFIG", "GET", "appendfsync");
		ASK(n, TAKE_GUARD, "SCRIPT", "LOAD", ship_guard);
		ASK(n, TAKE_SHA, "SCRIPT", "LOAD", ship_script);
	}
	n->greeting--;
}

static void
loaded(struct ship_conn *c, const struct ship_call *call,
    const struct resp_value *v, struct slice reply)
{
	struct ship_node *n = c->data;

	n->loading = false;
	if (v != NULL)
		take_sha(n, v, reply);
}

void
ship_node_load_script(struct ship_node *n)
{
	struct ship_call call = { .done = loaded };

	if (n->loading)
		return;
	n->loading = ship_conn_command(&n->conn, &call,
	    (const char *[]){ "SCRIPT", "LOAD", ship_script }, 3);
}

/* A Redis that reaches its maxmemory refuses everybody's writes, so we stop
 * before that: the journal holds what waits. */
static void
looked(struct ship_conn *c, const struct ship_call *call,
    const struct resp_value *v, struct slice reply)
{
	struct ship_node *n = c->data;
	uint64_t used, most;
	bool full;

	n->looking = false;
	if (v == NULL || v->type != RESP_BULK ||
	    !number_u64(info_value(v->text, "used_memory"), &used) ||
	    !number_u64(info_value(v->text, "maxmemory"), &most))
		return;
	full = most != 0 && used > most / 100 * (n->full ? FULL_NO_MORE :
	    FULL_FROM);
	if (full == n->full)
		return;
	n->full = full;
	if (full)
		log_warn("%s: uses %llu of %llu bytes of its maxmemory: no "
		    "more is shipped until it has room", c->name,
		    (unsigned long long)used, (unsigned long long)most);
	else
		log_info("%s: has room again", c->name);
}

void
ship_node_look(struct ship_node *n)
{
	struct ship_call call = { .done = looked };

	if (!n->looking && ship_node_up(n) && !n->shipper->to_millrace)
		n->looking = ship_conn_command(&n->conn, &call,
		    (const char *[]){ "INFO", "memory" }, 2);
}

/* Does it still answer?  Asked when there is nothing else to say. */
static void
ponged(struct ship_conn *c, const struct ship_call *call,
    const struct resp_value *v, struct slice reply)
{
}

void
ship_node_ping(struct ship_node *n)
{
	struct ship_call call = { .done = ponged };

	if (ship_node_up(n) && n->conn.ncalls == 0)
		ship_conn_command(&n->conn, &call, (const char *[]){ "PING" },
		    1);
}

/* ---- replicas ---- */

void
ship_node_unsure(struct ship_node *n, struct lane *l)
{
	if (l->unsure)
		return;
	l->unsure = true;
	lru_add(&n->unsure, &l->unsure_link);
}

static void
waited(struct ship_conn *c, const struct ship_call *call,
    const struct resp_value *v, struct slice reply)
{
	struct ship_node *n = c->data;
	struct lru_node *node;

	n->waiting = false;
	if (v == NULL)
		return;
	if (v->type != RESP_INT || v->integer < (int64_t)n->shipper->replicas) {
		LOG_LIMITED(LOG_AT_WARN, 10, "%s: %lld of %u replicas have "
		    "what was added", c->name, v->type == RESP_INT ?
		    (long long)v->integer : 0LL, n->shipper->replicas);
		return;
	}
	/* replies come in order: all that was added when this was asked */
	while ((node = lru_oldest(&n->unsure)) != NULL) {
		struct lane *l = LRU_OF(node, struct lane, unsure_link);

		lru_remove(&n->unsure, node);
		l->unsure = false;
		l->sure = l->pos;
		ship_stream_dirty(n->shipper, l->stream);
	}
}

void
ship_node_wait(struct ship_node *n)
{
	struct ship_call call = { .done = waited };
	char replicas[16];

	if (n->waiting || n->unsure.len == 0 || !ship_node_up(n))
		return;
	snprintf(replicas, sizeof replicas, "%u", n->shipper->replicas);
	n->waiting = ship_conn_command(&n->conn, &call,
	    (const char *[]){ "WAIT", replicas, WAIT_MS }, 3);
}

/* ---- life ---- */

static void
up(struct ship_conn *c)
{
	struct ship_node *n = c->data;

	log_info("stream %s: %s: connected", n->shipper->section, c->name);
	ship_move(n->shipper);
}

static void
down(struct ship_conn *c)
{
	struct ship_node *n = c->data;
	struct shipper *s = n->shipper;

	if (s->cluster_map != NULL)
		ship_cluster_stale(s);
	n->asks = 0;
	n->waiting = n->loading = n->looking = n->full = false;
	for (size_t i = 0; i < s->nlanes; i++)
		if (s->lanes[i]->node == n)
			ship_lane_lost(s, s->lanes[i]);
}

static void
moved(struct ship_conn *c)
{
	ship_move(((struct ship_node *)c->data)->shipper);
}

static const struct ship_conn_ops conn_ops = {
	.greet = greet, .up = up, .down = down, .moved = moved
};

struct ship_node *
ship_node_new(struct shipper *s, const struct ship_url *url)
{
	struct ship_node *n = calloc(1, sizeof *n);

	if (n == NULL)
		return NULL;
	n->shipper = s;
	lru_init(&n->unsure);
	ship_conn_init(&n->conn, s->loop, url, s->tls, &conn_ops, n);
	return n;
}

void
ship_node_free(struct ship_node *n)
{
	if (n == NULL)
		return;
	ship_conn_fini(&n->conn);
	free(n);
}
