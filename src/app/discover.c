/* discover.c - asking for the servers of a configuration. */
#include "config.h"

#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>

#include "app/discover.h"
#include "base/log.h"
#include "net/addr.h"
#include "net/dns.h"

#define MOST 64		/* servers found for one name */

static bool
add(struct discovery *f, size_t cluster, size_t server, const char *host,
    uint16_t port)
{
	struct conf_found *v = realloc(f->v, (f->n + 1) * sizeof *v);
	size_t n = strlen(host);

	if (v == NULL)
		return false;
	f->v = v;
	v += f->n++;
	memset(v, 0, sizeof *v);
	v->cluster = cluster;
	v->server = server;
	v->port = port;
	memcpy(v->host, host, n < sizeof v->host ? n : sizeof v->host - 1);
	return true;
}

static int
in_order(const void *a, const void *b)
{
	return strcmp(a, b);
}

/* All addresses of a name, by their text. */
static int
find_addresses(struct discovery *f, size_t i, size_t j, const char *host,
    uint16_t port, const char **error)
{
	struct addr v[MOST];
	char text[MOST][ADDR_TEXT];
	int n = addr_resolve(host, port, SOCK_STREAM, v, MOST, error);

	for (int k = 0; k < n; k++) {
		char one[ADDR_TEXT];

		memset(text[k], 0, sizeof text[k]);
		strcpy(text[k], addr_host(&v[k], one));
	}
	if (n > 0)
		qsort(text, (size_t)n, sizeof text[0], in_order);
	for (int k = 0; k < n; k++)
		if (k == 0 || strcmp(text[k], text[k - 1]) != 0)
			add(f, i, j, text[k], port);
	return n;
}

static int
find_targets(struct discovery *f, size_t i, size_t j, bool all,
    const char *name, const char **error)
{
	struct dns_target v[MOST];
	int n = dns_srv(name, v, MOST, error);

	for (int k = 0; k < n; k++)
		if (!all || find_addresses(f, i, j, v[k].host, v[k].port,
		    error) <= 0)
			add(f, i, j, v[k].host, v[k].port);
	return n;
}

static void
keep(struct discovery *f, const struct discovery *before, size_t i, size_t j)
{
	for (size_t k = 0; before != NULL && k < before->n; k++)
		if (before->v[k].cluster == i && before->v[k].server == j)
			add(f, i, j, before->v[k].host, before->v[k].port);
}

static void
find(struct discovery *f, const struct discovery *before, size_t i, size_t j)
{
	const struct conf_cluster *c = &f->conf->clusters[i];
	const struct conf_server *s = &c->servers[j];
	const char *error = "";
	int n;

	if (!conf_is_looked_for(c, s))
		return;
	n = dns_is_srv(s->host) ? find_targets(f, i, j, c->useall, s->host,
	    &error) : find_addresses(f, i, j, s->host, s->port, &error);
	if (n > 0)
		return;
	LOG_LIMITED(LOG_AT_WARN, 30, "cluster %s: %s: %s", c->name, s->host,
	    error);
	keep(f, before, i, j);
}

struct discovery *
discover(struct conf *c, const struct discovery *before)
{
	struct discovery *f = calloc(1, sizeof *f);

	if (f == NULL)
		return NULL;
	f->conf = conf_hold(conf_written(c));
	if (before != NULL && before->conf != f->conf)
		before = NULL;		/* its numbers are those of another */
	for (size_t i = 0; i < f->conf->nclusters; i++)
		for (size_t j = 0; j < f->conf->clusters[i].nservers; j++)
			find(f, before, i, j);
	return f;
}

struct discovery *
discovery_copy(const struct discovery *f)
{
	struct discovery *copy = f == NULL ? NULL : calloc(1, sizeof *copy);

	if (copy == NULL)
		return NULL;
	copy->conf = conf_hold(f->conf);
	for (size_t i = 0; i < f->n; i++)
		if (!add(copy, f->v[i].cluster, f->v[i].server, f->v[i].host,
		    f->v[i].port))
			break;
	return copy;
}

void
discovery_free(struct discovery *f)
{
	if (f == NULL)
		return;
	conf_free(f->conf);
	free(f->v);
	free(f);
}

bool
discovery_same(const struct discovery *a, const struct discovery *b)
{
	if (a == NULL || b == NULL || a->conf != b->conf || a->n != b->n)
		return false;
	for (size_t i = 0; i < a->n; i++)
		if (a->v[i].cluster != b->v[i].cluster ||
		    a->v[i].server != b->v[i].server ||
		    a->v[i].port != b->v[i].port ||
		    strcmp(a->v[i].host, b->v[i].host) != 0)
			return false;
	return true;
}
