/* shipper_sentinel.c - which server is the master just now: ask the Sentinels.
 *
 * All of them are asked, each second while all is well and five times a second
 * while the master is away, and the address that most of them name is taken.
 * So one that is cut off together with a deposed master does not lead us there,
 * and the second or so in which they still name the old one after a failover
 * passes with asking.  That the server thinks so too is found by ROLE when it is
 * greeted (shipper_node.c); what was added to a master that lost its office is
 * shipped again, since the stream's last id is lower then. */
#include "config.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/log.h"
#include "base/number.h"
#include "compat.h"
#include "conf/conf.h"
#include "sink/shipper_private.h"

#define MAX_SENTINELS 16
#define ASK_MS 1000
#define ASK_DOWN_MS 200
#define FRESH_MS 3000

struct sentinel {
	struct ship_sentinels *all;
	struct ship_conn conn;
	bool asking;
	int64_t asked_ms, told_ms;
	char host[256];		/* its answer; "": knows none */
	uint16_t port;
};

struct ship_sentinels {
	struct shipper *shipper;
	char *master;
	size_t n;
	struct sentinel v[];
};

/* ---- votes ---- */

static bool
fresh(const struct sentinel *x, int64_t now)
{
	return x->host[0] != '\0' && x->told_ms + FRESH_MS > now;
}

static unsigned
votes(const struct ship_sentinels *t, const char *host, uint16_t port,
    int64_t now)
{
	unsigned n = 0;

	for (size_t i = 0; i < t->n; i++)
		n += fresh(&t->v[i], now) && t->v[i].port == port &&
		    strcmp(t->v[i].host, host) == 0;
	return n;
}

/* Go where most of them say; where we are wins a tie. */
static void
elect(struct ship_sentinels *t)
{
	struct ship_conn *c = &t->shipper->nodes[0]->conn;
	const struct sentinel *best = NULL;
	int64_t now = ship_now_ms();
	unsigned most = votes(t, c->url.host, c->url.port, now);

	for (size_t i = 0; i < t->n; i++) {
		const struct sentinel *x = &t->v[i];
		unsigned n = fresh(x, now) ? votes(t, x->host, x->port, now) :
		    0;

		if (n > most) {
			most = n;
			best = x;
		}
	}
	if (best == NULL)
		return;
	if (c->wanted)
		log_warn("stream %s: the sentinels say that the master of %s "
		    "is %s:%u now", t->shipper->section, t->master, best->host,
		    best->port);
	ship_conn_retarget(c, best->host, best->port);
	c->wanted = true;
}

/* ---- one sentinel ---- */

static void
answered(struct ship_conn *c, const struct ship_call *call,
    const struct resp_value *v, struct slice reply)
{
	struct sentinel *x = c->data;
	struct resp_value host, port;
	uint64_t n;

	x->asking = false;
	if (v == NULL)
		return;
	x->host[0] = '\0';
	if (v->type == RESP_ERROR) {
		char why[160];

		snprintf(why, sizeof why, "%.*s", (int)(v->text.len > 150 ?
		    150 : v->text.len), v->text.ptr);
		ship_conn_close(c, why, 1000);
		return;
	}
	resp_value_next(&reply, &host);
	if (v->type != RESP_ARRAY || !resp_value_next(&reply, &host) ||
	    !resp_value_next(&reply, &port) || host.text.len == 0 ||
	    host.text.len >= sizeof x->host ||
	    !number_u64(port.text, &n) || n == 0 || n > UINT16_MAX) {
		LOG_LIMITED(LOG_AT_WARN, 60, "%s: knows no master called %s",
		    c->name, x->all->master);
		return;
	}
	memcpy(x->host, host.text.ptr, host.text.len);
	x->host[host.text.len] = '\0';
	x->port = (uint16_t)n;
	x->told_ms = ship_now_ms();
	elect(x->all);
}

static void
ask(struct sentinel *x, int64_t now)
{
	struct ship_call call = { .done = answered };
	bool down = x->all->shipper->nodes[0]->conn.state != SHIP_CONN_UP;

	if (x->conn.state != SHIP_CONN_UP || x->asking ||
	    now < x->asked_ms + (down ? ASK_DOWN_MS : ASK_MS))
		return;
	x->asked_ms = now;
	x->asking = ship_conn_command(&x->conn, &call, (const char *[]){
	    "SENTINEL", "get-master-addr-by-name", x->all->master }, 3);
}

static void
let_in(struct ship_conn *c, const struct ship_call *call,
    const struct resp_value *v, struct slice reply)
{
	char why[160];

	if (v == NULL)
		return;
	if (v->type != RESP_ERROR) {
		ship_conn_ready(c);
		return;
	}
	snprintf(why, sizeof why, "%.*s", (int)(v->text.len > 150 ?
	    150 : v->text.len), v->text.ptr);
	ship_conn_close(c, why, 1000);
}

static void
greet(struct ship_conn *c)
{
	struct ship_call call = { .done = let_in };
	const struct ship_url *u = &c->url;

	if (u->password[0] == '\0')
		ship_conn_ready(c);
	else if (u->user[0] == '\0')
		ship_conn_command(c, &call, (const char *[]){ "AUTH",
		    u->password }, 2);
	else
		ship_conn_command(c, &call, (const char *[]){ "AUTH", u->user,
		    u->password }, 3);
}

static void
up(struct ship_conn *c)
{
	ask(c->data, ship_now_ms());
}

static const struct ship_conn_ops conn_ops = { .greet = greet, .up = up };

void
ship_sentinels_tick(struct ship_sentinels *t, int64_t now)
{
	for (size_t i = 0; i < t->n; i++) {
		ship_conn_tick(&t->v[i].conn, now);
		ask(&t->v[i], now);
	}
}

/* ---- life ---- */

static const char *
add(struct ship_sentinels *t, const struct conf_stream *c, const char *text)
{
	struct sentinel *x = &t->v[t->n];
	struct ship_url url = { .scheme = SHIP_REDIS };

	if (!addr_split(text, url.host, sizeof url.host, &url.port, false))
		return "a sentinel is no host:port";
	if (c->sentinel_username != NULL)
		strlcpy(url.user, c->sentinel_username, sizeof url.user);
	if (c->sentinel_password != NULL)
		strlcpy(url.password, c->sentinel_password,
		    sizeof url.password);
	x->all = t;
	ship_conn_init(&x->conn, t->shipper->loop, &url, NULL, &conn_ops, x);
	snprintf(x->conn.name, sizeof x->conn.name, "sentinel %s", text);
	t->n++;
	return NULL;
}

const char *
ship_sentinels_new(struct shipper *s, const struct conf_stream *c)
{
	struct ship_sentinels *t;
	const char *wrong = NULL;

	if (c->sentinels.n > MAX_SENTINELS)
		return "more than 16 sentinels";
	t = calloc(1, sizeof *t + c->sentinels.n * sizeof t->v[0]);
	if (t == NULL)
		return strerror(ENOMEM);
	s->sentinels = t;
	t->shipper = s;
	t->master = strdup(c->master_name);
	if (t->master == NULL)
		return strerror(ENOMEM);
	for (size_t i = 0; i < c->sentinels.n && wrong == NULL; i++)
		wrong = add(t, c, c->sentinels.v[i]);
	s->nodes[0]->conn.wanted = false;	/* until we know where */
	return wrong;
}

void
ship_sentinels_free(struct ship_sentinels *t)
{
	if (t == NULL)
		return;
	for (size_t i = 0; i < t->n; i++)
		ship_conn_fini(&t->v[i].conn);
	free(t->master);
	free(t);
}
