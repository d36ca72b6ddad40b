/* shipper_cluster.c - which node of a Redis Cluster has a key.
 *
 * A map of slots to nodes is asked for when a node is reached first, after each
 * MOVED, when a node is lost, and now and then.  A lane takes its node from the
 * map whenever it is asked where it stands, when nothing of it is on its way;
 * so an event is never under way to two nodes.  ASK sends a lane to where its
 * slot is being moved to, with ASKING before each command, until the map says
 * the same or the other end sends it back. */
#include "config.h"

#include <stdlib.h>
#include <string.h>

#include "base/log.h"
#include "sink/shipper_private.h"

#define SLOTS 16384
#define MAX_NODES 1000
#define FRESH_MS 10000		/* then the map is asked for anew */
#define HASTE_MS 100		/* between two askings */

struct ship_cluster {
	uint16_t node[SLOTS];	/* its number + 1; 0: not known */
	bool stale, asking;
	int64_t asked_ms;
};

static struct ship_node *
node_at(struct shipper *s, const char *host, uint16_t port)
{
	struct ship_url url = s->url;
	struct ship_node **more, *n;

	for (size_t i = 0; i < s->nnodes; i++) {
		const struct ship_conn *c = &s->nodes[i]->conn;

		if (c->url.port == port && strcmp(c->url.host, host) == 0)
			return s->nodes[i];
	}
	if (s->nnodes >= MAX_NODES || strlen(host) >= sizeof url.host)
		return NULL;
	more = reallocarray(s->nodes, s->nnodes + 1, sizeof *more);
	if (more == NULL)
		return NULL;
	s->nodes = more;
	memcpy(url.host, host, strlen(host) + 1);
	url.port = port;
	n = ship_node_new(s, &url);
	if (n != NULL)
		s->nodes[s->nnodes++] = n;
	return n;
}

static uint16_t
number_of(const struct shipper *s, const struct ship_node *n)
{
	for (size_t i = 0; i < s->nnodes; i++)
		if (s->nodes[i] == n)
			return (uint16_t)(i + 1);
	return 0;
}

/* ---- the map ---- */

/* [from, to, [host, port, ...], ...]; takes it off the reply. */
static bool
take_range(struct shipper *s, const struct ship_conn *asked,
    struct slice *reply, uint16_t *map)
{
	struct resp_value range, from, to, node, host, port, skipped;
	char name[256];
	struct ship_node *n;

	if (!resp_value_next(reply, &range) || range.type != RESP_ARRAY ||
	    range.count < 3 || !resp_value_next(reply, &from) ||
	    !resp_value_next(reply, &to) || !resp_value_next(reply, &node) ||
	    node.type != RESP_ARRAY || node.count < 2 ||
	    !resp_value_next(reply, &host) || !resp_value_next(reply, &port))
		return false;
	for (size_t i = 2; i < node.count; i++)
		resp_value_skip(reply, &skipped);
	for (size_t i = 3; i < range.count; i++)
		resp_value_skip(reply, &skipped);
	if (from.type != RESP_INT || to.type != RESP_INT ||
	    port.type != RESP_INT || from.integer < 0 ||
	    to.integer >= SLOTS || from.integer > to.integer ||
	    port.integer <= 0 || port.integer > UINT16_MAX ||
	    host.text.len >= sizeof name)
		return false;
	if (host.text.len > 0)
		memcpy(name, host.text.ptr, host.text.len);
	name[host.text.len] = '\0';
	n = node_at(s, name[0] != '\0' ? name : asked->url.host,
	    (uint16_t)port.integer);
	if (n == NULL)
		return false;
	for (int64_t i = from.integer; i <= to.integer; i++)
		map[i] = number_of(s, n);
	return true;
}

/* Those that have slots are wanted; while there are none, all are. */
static void
want(struct shipper *s)
{
	bool *used = calloc(s->nnodes + 1, sizeof *used);

	if (used == NULL)
		return;
	for (size_t i = 0; i < SLOTS; i++)
		used[s->cluster_map->node[i]] = true;
	for (size_t i = 0; i < s->nnodes; i++)
		s->nodes[i]->conn.wanted = used[i + 1];
	free(used);
}

/* Lanes that are under way to a node that lost their slot begin anew. */
static void
move_lanes(struct shipper *s)
{
	for (size_t i = 0; i < s->nlanes; i++) {
		struct lane *l = s->lanes[i];
		const struct ship_node *n = ship_cluster_node(s, l->slot);

		if (n == NULL)
			continue;
		if (n == l->node)
			l->asking = false;
		else if (!l->asking && (l->state == LANE_READY ||
		    l->state == LANE_PROBE))
			ship_lane_fail(s, l, 0);
	}
}

static void
mapped(struct ship_conn *c, const struct ship_call *call,
    const struct resp_value *v, struct slice reply)
{
	struct shipper *s = ((struct ship_node *)c->data)->shipper;
	struct ship_cluster *m = s->cluster_map;
	uint16_t map[SLOTS];
	struct resp_value top;
	bool ok = v != NULL && v->type == RESP_ARRAY && v->count > 0;

	m->asking = false;
	if (v == NULL)
		return;
	memset(map, 0, sizeof map);
	if (ok)
		resp_value_next(&reply, &top);
	for (size_t i = 0; ok && i < v->count; i++)
		ok = take_range(s, c, &reply, map);
	if (!ok) {
		LOG_LIMITED(LOG_AT_WARN, 10, "stream %s: %s: no map of the "
		    "cluster: %.*s", s->section, c->name,
		    v->type == RESP_ERROR ? (int)v->text.len : 8,
		    v->type == RESP_ERROR ? v->text.ptr : "it is odd");
		return;
	}
	memcpy(m->node, map, sizeof map);
	m->stale = false;
	want(s);
	move_lanes(s);
}

static void
ask(struct shipper *s, int64_t now)
{
	struct ship_call call = { .done = mapped };
	struct ship_cluster *m = s->cluster_map;

	for (size_t i = 0; i < s->nnodes && !m->asking; i++) {
		/* another one each time */
		struct ship_node *n = s->nodes[(i + (size_t)now) % s->nnodes];

		if (ship_node_up(n))
			m->asking = ship_conn_command(&n->conn, &call,
			    (const char *[]){ "CLUSTER", "SLOTS" }, 2);
	}
	m->asked_ms = now;
}

void
ship_cluster_tick(struct shipper *s, int64_t now)
{
	struct ship_cluster *m = s->cluster_map;
	bool up = false;

	for (size_t i = 0; i < s->nnodes; i++)
		up = up || ship_node_up(s->nodes[i]);
	/* none answers: try whoever was ever known */
	for (size_t i = 0; i < s->nnodes && !up; i++)
		s->nodes[i]->conn.wanted = true;
	if (up && !m->asking && now >= m->asked_ms +
	    (m->stale ? HASTE_MS : FRESH_MS))
		ask(s, now);
	for (size_t i = 0; i < s->nnodes; i++) {
		struct ship_conn *c = &s->nodes[i]->conn;

		if (!c->wanted && !m->stale && c->state == SHIP_CONN_UP &&
		    c->ncalls == 0)
			ship_conn_close(c, NULL, 0);
	}
}

/* ---- for lanes ---- */

struct ship_node *
ship_cluster_node(struct shipper *s, unsigned slot)
{
	unsigned n = s->cluster_map->node[slot];

	return n == 0 ? NULL : s->nodes[n - 1];
}

void
ship_cluster_stale(struct shipper *s)
{
	s->cluster_map->stale = true;
}

void
ship_cluster_redirect(struct shipper *s, struct lane *l, enum ship_error e,
    struct slice text)
{
	char host[256];
	struct ship_node *n;
	uint16_t port;
	unsigned slot;

	s->cluster_map->stale = true;
	if (!ship_moved_parse(text, &slot, host, sizeof host, &port))
		return;
	n = node_at(s, host[0] != '\0' ? host : l->node->conn.url.host, port);
	if (n == NULL)
		return;
	n->conn.wanted = true;
	l->asking = e == SHIP_E_ASK;
	if (l->asking)
		l->ask_node = n;
	else
		s->cluster_map->node[slot] = number_of(s, n);
}

/* ---- life ---- */

bool
ship_cluster_new(struct shipper *s)
{
	s->cluster_map = calloc(1, sizeof *s->cluster_map);
	if (s->cluster_map == NULL)
		return false;
	s->cluster_map->stale = true;
	return true;
}

void
ship_cluster_free(struct ship_cluster *m)
{
	free(m);
}
