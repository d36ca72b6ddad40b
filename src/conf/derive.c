/* derive.c - servers put in the place of others. */
#include "config.h"

#include <stdatomic.h>
#include <string.h>

#include "base/arena.h"
#include "conf/derive.h"

bool
conf_is_looked_for(const struct conf_cluster *c, const struct conf_server *s)
{
	if (c->method == CONF_FILE || s->host == NULL)
		return false;
	if (s->host[0] == '_')
		return true;
	return c->useall && s->host[strspn(s->host, "0123456789.")] != '\0' &&
	    strchr(s->host, ':') == NULL;
}

bool
conf_looks(const struct conf *c)
{
	for (size_t i = 0; i < c->nclusters; i++)
		for (size_t j = 0; j < c->clusters[i].nservers; j++)
			if (conf_is_looked_for(&c->clusters[i],
			    &c->clusters[i].servers[j]))
				return true;
	return false;
}

struct conf *
conf_written(struct conf *c)
{
	return c->written != NULL ? c->written : c;
}

struct conf *
conf_hold(struct conf *c)
{
	atomic_fetch_add(&c->holders, 1);
	return c;
}

static void
let_go(void *conf)
{
	conf_free(conf);
}

static bool
is_there(const struct conf_cluster *c, const struct conf_server *s)
{
	for (size_t i = 0; i < c->nservers; i++)
		if (strcmp(c->servers[i].text, s->text) == 0 &&
		    c->servers[i].transport == s->transport)
			return true;
	return false;
}

/* One server under the name it was found by; an instance stays what tells it
 * apart only where one server was found for it. */
static void
add_found(struct arena *a, struct conf_cluster *c,
    const struct conf_server *written, const struct conf_found *f, bool only)
{
	struct conf_server s = *written;
	bool v6 = strchr(f->host, ':') != NULL;

	s.host = arena_dup(a, slice_str(f->host));
	s.port = f->port;
	s.instance = only ? written->instance : NULL;
	s.text = arena_printf(a, "%s%s%s:%u%s%s", v6 ? "[" : "", s.host,
	    v6 ? "]" : "", (unsigned)s.port, s.instance == NULL ? "" : "=",
	    s.instance == NULL ? "" : s.instance);
	if (!is_there(c, &s))
		c->servers[c->nservers++] = s;
}

static void
derive_cluster(struct arena *a, struct conf_cluster *c, size_t number,
    const struct conf_found *found, size_t n)
{
	const struct conf_server *written = c->servers;
	size_t nwritten = c->nservers;

	c->servers = arena_array(a, nwritten + n, sizeof *c->servers);
	c->nservers = 0;
	for (size_t i = 0; i < nwritten; i++) {
		size_t some = 0;

		for (size_t k = 0; k < n; k++)
			some += found[k].cluster == number &&
			    found[k].server == i;
		for (size_t k = 0; k < n; k++)
			if (found[k].cluster == number && found[k].server == i)
				add_found(a, c, &written[i], &found[k],
				    some == 1);
		if (some == 0 && !is_there(c, &written[i]))
			c->servers[c->nservers++] = written[i];
	}
	if (c->replication > c->nservers)
		c->replication = c->nservers;
}

struct conf *
conf_derive(struct conf *c, const struct conf_found *found, size_t n)
{
	struct conf *base = conf_written(c), *made;
	struct arena *a = arena_new();

	made = arena_alloc(a, sizeof *made);
	memcpy(made, base, sizeof *made);
	atomic_init(&made->holders, 0);
	made->arena = a;
	made->written = conf_hold(base);
	arena_defer(a, let_go, base);
	made->clusters = arena_array(a, base->nclusters,
	    sizeof *made->clusters);
	memcpy(made->clusters, base->clusters,
	    base->nclusters * sizeof *made->clusters);
	for (size_t i = 0; i < made->nclusters; i++)
		derive_cluster(a, &made->clusters[i], i, found, n);
	return made;
}
