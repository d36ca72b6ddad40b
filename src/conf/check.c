/* check.c - what is wrong with values that are each right: combinations that
 * cannot be, names that name nothing, things said twice. */
#include "config.h"

#include <stdlib.h>

#include "base/number.h"
#include "conf/expr.h"
#include "conf/file_name.h"
#include "conf/load.h"
#include "conf/prom_mapping.h"

#ifdef HAVE_SNAPPY
static const bool has_snappy = true;
#else
static const bool has_snappy = false;
#endif

static void
fault_if(struct loader *l, bool wrong, const struct node *n, const char *key, const char *text)
{
	if (wrong)
		fault_add(&l->faults, load_mark(n, key), "%s: %s", key, text);
}

static bool
is_hex(struct slice s, size_t digits)
{
	size_t n = 0;

	for (size_t i = 0; i < s.len; i++) {
		if (s.ptr[i] == ':')
			continue;
		if (strchr("0123456789abcdefABCDEF", s.ptr[i]) == NULL)
			return false;
		n++;
	}
	return n == digits;
}

void
check_tls(struct loader *l, void *out, const struct node *n)
{
	const struct conf_tls *t = out;

	fault_if(l, t->cert != NULL && t->key == NULL, n, "cert", "has no key beside it");
	fault_if(l, t->key != NULL && t->cert == NULL, n, "key", "has no cert beside it");
	fault_if(l, t->max_version != NULL && strcmp(t->max_version, t->min_version) < 0, n,
	    "max_version", "is older than min_version");
	for (size_t i = 0; i < t->fingerprints.n; i++) {
		struct slice f = slice_str(t->fingerprints.v[i]);

		if (!slice_starts(f, SLICE("SHA256:")) || !is_hex(slice_from(f, 7), 64))
			fault_add(&l->faults, load_mark(n, "fingerprints"), "fingerprints: "
			    "expected SHA256: and 64 hex digits, found \"%s\"", f.ptr);
	}
}

static void
check_listens(struct loader *l, const struct conf_listens *ls, const struct conf_tls *tls)
{
	for (size_t i = 0; i < ls->n; i++)
		if (ls->v[i].over_tls && tls->cert == NULL)
			fault_add(&l->faults, ls->v[i].mark,
			    "listen: \"%s\": needs tls: {cert: ..., key: ...} in this section",
			    ls->v[i].url);
}

void
check_statsd(struct loader *l, void *out, const struct node *n)
{
	const struct conf_statsd *s = out;

	check_listens(l, &s->listen, &s->tls);
}

void
check_graphite(struct loader *l, void *out, const struct node *n)
{
	const struct conf_graphite *g = out;

	check_listens(l, &g->listen, &g->tls);
	for (size_t i = 0; !has_snappy && i < g->listen.n; i++)
		if (strncmp(g->listen.v[i].scheme, "snappy", 6) == 0)
			fault_add(&l->faults, g->listen.v[i].mark, "listen: \"%s\": this "
			    "millrace was built without libsnappy", g->listen.v[i].url);
}

void
check_syslog(struct loader *l, void *out, const struct node *n)
{
	const struct conf_syslog *s = out;

	check_listens(l, &s->listen, &s->tls);
}

void
check_user(struct loader *l, void *out, const struct node *n)
{
	const struct conf_user *u = out;
	struct slice p = slice_str(u->password);

	if (p.len == 0)
		fault_add(&l->faults, load_mark(n, "password"), "password: user \"%s\" needs one", u->name);
	else if (slice_starts(p, SLICE("sha256:")))
		fault_if(l, !is_hex(slice_from(p, 7), 64), n, "password",
		    "expected 64 hex digits behind sha256:");
	else
		fault_if(l, p.ptr[0] != '$', n, "password",
		    "expected crypt(3) text that begins with $, or sha256:hex; not the word itself");
}

static bool
listens_by(const struct conf_listens *l, const char *scheme)
{
	for (size_t i = 0; i < l->n; i++)
		if (l->v[i].scheme != NULL && strncmp(l->v[i].scheme, scheme, strlen(scheme)) == 0)
			return true;
	return false;
}

void
check_events(struct loader *l, void *out, const struct node *n)
{
	const struct conf_events *e = out;

	check_listens(l, &e->listen, &e->tls);
	fault_if(l, e->journal.quota < 2 * e->journal.segment, node_get(n, "journal"), "quota",
	    "must hold two segments at least");
	fault_if(l, e->max_inflight_bytes < e->max_event, n, "max_inflight_bytes",
	    "smaller than max_event");
	fault_if(l, e->max_event > e->journal.segment / 4, n, "max_event",
	    "larger than a quarter of a segment of the journal");
	fault_if(l, e->node != NULL && (*e->node == '\0' || strpbrk(e->node, " \t{}\"'\\") != NULL),
	    n, "node", "a name without blanks, quotes and braces is needed");
	fault_if(l, e->nusers > 0 && e->forward_key == NULL && listens_by(&e->listen, "forward"),
	    n, "forward_key", "is needed: there are users, and who comes over forward:// shows no password");
}

void
check_flush(struct loader *l, void *out, const struct node *n)
{
	struct conf_flush *f = out;
	struct { bool *v; const char *key; } const deletes[] = {
		{ &f->delete_counters, "delete_counters" },
		{ &f->delete_timers, "delete_timers" },
		{ &f->delete_sets, "delete_sets" },
		{ &f->delete_gauges, "delete_gauges" },
	};

	for (size_t i = 0; f->delete_idle && i < 4; i++)
		if (node_get(n, deletes[i].key) == NULL)
			*deletes[i].v = true;
	for (size_t i = 0; i < f->npercentiles; i++)
		for (size_t j = 0; j < i; j++)
			if (f->percentiles[i].value == f->percentiles[j].value)
				fault_add(&l->faults, load_mark(n, "percentiles"),
				    "percentiles: %s stands there twice", f->percentiles[i].text);
	for (size_t i = 0; i < f->nhistograms; i++)
		fault_if(l, f->histograms[i].bins == NULL, n, "histogram", "bins are missing");
}

/* A server said as a map: what the scalar form sets by itself. */
void
check_server(struct loader *l, void *out, const struct node *n)
{
	static const uint16_t ports[] = { 2003, 2004, 8125 };
	struct conf_server *s = out;
	bool v6;

	if (s->host == NULL || *s->host == '\0') {
		s->host = NULL;
		fault_add(&l->faults, n->mark, "servers: host is missing");
		return;
	}
	if (s->port == 0)
		s->port = ports[s->protocol];
	v6 = strchr(s->host, ':') != NULL;
	s->text = arena_printf(l->arena, "%s%s%s:%u%s%s", v6 ? "[" : "", s->host, v6 ? "]" : "",
	    (unsigned)s->port, s->instance == NULL ? "" : "=",
	    s->instance == NULL ? "" : s->instance);
	fault_if(l, !has_snappy && s->codec >= CONF_SNAPPY, n, "codec",
	    "this millrace was built without libsnappy");
	if (s->transport != CONF_UDP)
		return;
	fault_if(l, s->tls, n, "tls", "not over udp");
	fault_if(l, s->codec != CONF_PLAIN, n, "codec", "a stream's codec cannot go over udp");
	fault_if(l, s->protocol == CONF_PICKLE, n, "protocol", "pickle cannot go over udp");
}

static bool
same_text(const char *a, const char *b)
{
	return a == b || (a != NULL && b != NULL && strcmp(a, b) == 0);
}

static void
check_twins(struct loader *l, const struct conf_cluster *c)
{
	for (size_t i = 0; i < c->nservers; i++) {
		for (size_t j = 0; j < i; j++) {
			const struct conf_server *a = &c->servers[i], *b = &c->servers[j];

			if (!same_text(a->host, b->host) || a->port != b->port ||
			    !same_text(a->instance, b->instance) ||
			    a->transport != b->transport)
				continue;
			fault_add(&l->faults, a->mark, "servers: \"%s\" stands there twice, "
			    "first on line %u", a->text, b->mark.line);
			break;
		}
	}
}

/* Samples or figures, not both; and health is asked of statsd nodes only. */
static void
check_protocols(struct loader *l, const struct conf_cluster *c, const struct node *n)
{
	bool statsd = c->servers[0].protocol == CONF_STATSD;

	for (size_t i = 0; i < c->nservers; i++) {
		const struct conf_server *s = &c->servers[i];

		if ((s->protocol == CONF_STATSD) != statsd)
			fault_add(&l->faults, s->mark, "servers: \"%s\" and \"%s\" want samples "
			    "and figures: make it two clusters", c->servers[0].text, s->text);
		if (s->admin_port != 0 && s->protocol != CONF_STATSD)
			fault_add(&l->faults, s->mark, "admin_port: only with protocol: statsd");
	}
	fault_if(l, statsd && c->method == CONF_FILE, n, "method", "a file takes figures, not samples");
	fault_if(l, statsd && c->spool > 0, n, "spool", "samples have no time of their own, and would count when they are replayed");
}

/* Names go into other names, keys and file names. */
static void
check_name(struct loader *l, const char *name, struct conf_mark mark)
{
	if (*name == '\0' || *name == '.' || strpbrk(name, "/ \t{}\"'\\:") != NULL)
		fault_add(&l->faults, mark, "\"%s\": a name has no blanks, quotes, braces, "
		    "slashes or colons, and does not begin with a dot", name);
}

void
check_cluster(struct loader *l, void *out, const struct node *n)
{
	const struct conf_cluster *c = out;
	bool none = c->method == CONF_NULL || c->method == CONF_MEMORY, names = false;

	check_name(l, c->name, c->mark);
	if (none) {
		fault_if(l, c->nservers > 0, n, "servers", "this method has none");
		return;
	}
	if (c->nservers == 0) {
		fault_add(&l->faults, load_mark(n, "servers"), "servers: \"%s\" needs one", c->name);
		return;
	}
	fault_if(l, c->useall && c->method != CONF_FORWARD && c->method != CONF_ANY_OF &&
	    c->method != CONF_FAILOVER && c->method != CONF_LOAD_BALANCED, n, "useall",
	    "not with a ring, on which a name has one place");
	for (size_t i = 0; i < c->nservers; i++)
		names |= c->servers[i].host != NULL && c->servers[i].host[0] == '_';
	if (c->replication > c->nservers && !names)
		fault_add(&l->faults, load_mark(n, "replication"),
		    "replication: %llu copies on %zu server%s",
		    (unsigned long long)c->replication, c->nservers, c->nservers == 1 ? "" : "s");
	check_twins(l, c);
	check_protocols(l, c, n);
}

static void
check_redis(struct loader *l, const struct conf_stream *s, const struct node *n)
{
	static const char *const schemes[] = { "redis", "rediss", "unix", "millrace", NULL };
	struct slice url = slice_str(s->redis), scheme;
	size_t at = 0;

	while (at < url.len && !slice_starts(slice_from(url, at), SLICE("://")))
		at++;
	scheme = slice_upto(url, at);
	for (size_t i = 0; at < url.len && schemes[i] != NULL; i++)
		if (slice_eq(scheme, slice_str(schemes[i])) && url.len > at + 3)
			return;
	if (at == url.len)
		fault_if(l, true, n, "redis", "expected a URL such as redis://127.0.0.1:6379/0");
	else
		fault_add(&l->faults, load_mark(n, "redis"), "redis: no scheme \"%.*s\" here, %s",
		    SLICE_ARG(scheme), load_hint(l, scheme, schemes));
}

void
check_stream(struct loader *l, void *out, const struct node *n)
{
	const struct conf_stream *s = out;
	bool server = s->redis != NULL || s->sentinels.n > 0;

	check_name(l, s->name, s->mark);
	if (s->redis != NULL)
		check_redis(l, s, n);
	fault_if(l, s->ack != CONF_ACK_JOURNAL && !server, n, "ack",
	    "needs redis or sentinels: without them there is only the journal");
	fault_if(l, s->sentinels.n > 0 && s->master_name == NULL, n, "sentinels",
	    "master_name is missing");
	fault_if(l, s->master_name != NULL && s->sentinels.n == 0, n, "master_name",
	    "sentinels are missing");
	fault_if(l, s->sentinels.n > 0 && s->redis != NULL, n, "sentinels",
	    "the sentinels say where the server is: take away redis");
	fault_if(l, s->cluster && s->sentinels.n > 0, n, "cluster", "not with sentinels");
	fault_if(l, s->cluster && s->redis == NULL, n, "cluster", "needs redis");
	fault_if(l, s->username != NULL && s->password == NULL, n, "username",
	    "password is missing");
	fault_if(l, s->partition_field != NULL && s->partitions < 2, n, "partition_field",
	    "partitions is 1");
	fault_if(l, s->partitions > 1 && strstr(s->key, "{partition}") == NULL, n, "partitions",
	    "key has no {partition} in it");
	fault_if(l, strstr(s->key, "{stream}") == NULL, n, "key", "has no {stream} in it");
	for (size_t i = 0; i < s->sentinels.n; i++) {
		uint16_t port;
		struct slice rest;
		char *host;

		if (!address_split(l->arena, slice_str(s->sentinels.v[i]), &host, &port, &rest) ||
		    host == NULL || rest.len > 0)
			fault_add(&l->faults, load_mark(n, "sentinels"), "sentinels: "
			    "expected host:port, found \"%s\"", s->sentinels.v[i]);
	}
}

/* text with every {word} replaced. */
static char *
fill_in(struct loader *l, const char *text, const char *word, const char *value)
{
	struct buf b = BUF_INIT(16384);
	const char *at;
	char *made;

	while ((at = strstr(text, word)) != NULL) {
		buf_add(&b, text, (size_t)(at - text));
		buf_adds(&b, value);
		text = at + strlen(word);
	}
	buf_adds(&b, text);
	made = arena_dup(l->arena, buf_slice(&b));
	buf_fini(&b);
	return made;
}

/* What is left to be wrong when its variables are all known. */
static void
check_file_name(struct loader *l, const struct conf_archive *a,
    const struct node *n)
{
	struct file_name f;
	const char *why;
	size_t at;

	if (!file_name_compile(&f, slice_str(a->file), &at, &why))
		fault_add(&l->faults, load_mark(n, "file"), "file: %s, at "
		    "\"%s\"", why, a->file + at);
}

void
check_archive(struct loader *l, void *out, const struct node *n)
{
	struct conf_archive *a = out;

	check_name(l, a->name, a->mark);
	a->dir = fill_in(l, a->dir, "{state_dir}", l->conf->state_dir);
	a->dir = fill_in(l, a->dir, "{archive}", a->name);
	a->file = fill_in(l, a->file, "{archive}", a->name);
	fault_if(l, *a->dir == '\0', n, "dir", "is empty");
	if (*a->file == '\0' || *a->file == '/')
		fault_if(l, true, n, "file", "a name under dir is needed, "
		    "without a slash in front");
	else if (strstr(a->file, "..") != NULL)
		fault_if(l, true, n, "file", "has \"..\" in it");
	else if (a->file[strlen(a->file) - 1] == '/')
		fault_if(l, true, n, "file", "ends with a slash");
	else
		check_file_name(l, a, n);
}

void
check_forward(struct loader *l, void *out, const struct node *n)
{
	struct conf_forward *f = out;

	check_name(l, f->name, f->mark);
	fault_if(l, f->to.n != 1, n, "to", "one address is needed, as relp://host:port");
	fault_if(l, f->to.n == 1 && f->to.v[0].host == NULL, n, "to", "a host is needed");
}

/* What a rule does must fit the records it can be true for. */
static void
check_rule_kinds(struct loader *l, const struct conf_rule *r, const struct node *n)
{
	enum expr_kinds kinds = expr_kinds(r->when);

	fault_if(l, kinds == 0, n, "when", "can never be true");
	if (kinds == 0)
		return;
	fault_if(l, r->aggregate != NULL && (kinds & EXPR_METRICS) == 0, n, "aggregate",
	    "only metrics can be, and when is never true for one");
	fault_if(l, r->as_kind != NULL && (kinds & (EXPR_LOGS | EXPR_EVENTS)) == 0, n, "as_kind",
	    "only of logs and events, and when is never true for one");
	fault_if(l, r->rewrite != NULL && kinds == EXPR_LOGS, n, "rewrite",
	    "logs have no name to rewrite, and when is true for them only");
	fault_if(l, r->route_by != NULL && (kinds & EXPR_METRICS) == 0, n, "route_by",
	    "only metrics find servers by it, and when is never true for one");
	fault_if(l, r->interval_ms != 0 && (kinds & EXPR_METRICS) == 0, n, "interval",
	    "only metrics are flushed, and when is never true for one");
	fault_if(l, r->max_points != 0 && (kinds & EXPR_METRICS) == 0, n, "max_points",
	    "only metrics are counted, and when is never true for one");
	fault_if(l, r->max_names != 0 && (kinds & EXPR_METRICS) == 0, n, "max_names",
	    "only metrics are counted, and when is never true for one");
}

/* A function of aggregates: a word, or p and two digits at most, or p999. */
static void
check_aggregate(struct loader *l, const char *word, const struct node *n)
{
	static const char *const words[] = { "sum", "count", "min", "max", "average", "avg",
	    "last", "median", "variance", "stddev", "p50", "p75", "p90", "p95", "p99", "p999",
	    NULL };
	uint64_t p = 0;

	for (const char *const *w = words; *w != NULL; w++)
		if (strcmp(*w, word) == 0)
			return;
	if (word[0] == 'p' && word[1] != '0' && number_u64(slice_str(word + 1), &p) && p >= 1 &&
	    p <= 99)
		return;
	fault_add(&l->faults, load_mark(n, "aggregate"), "aggregate: no such value \"%s\", %s",
	    word, load_hint(l, slice_str(word), words));
}

void
check_rule(struct loader *l, void *out, const struct node *n)
{
	struct conf_rule *r = out;
	bool makes = r->aggregate != NULL || r->as_kind != NULL;

	r->has_to = node_get(n, "to") != NULL;
	fault_if(l, r->drop && (r->has_to || makes || r->rewrite != NULL), n, "drop",
	    "a rule that drops does nothing else");
	if (r->aggregate != NULL)
		check_aggregate(l, r->aggregate, n);
	fault_if(l, r->aggregate != NULL && r->as == NULL, n, "aggregate",
	    "as is missing: the aggregate needs a name");
	fault_if(l, r->as_kind != NULL && r->as == NULL, n, "as_kind", "as is missing");
	fault_if(l, r->aggregate != NULL && r->as_kind != NULL, n, "as_kind",
	    "not with aggregate: make it two rules");
	fault_if(l, r->as != NULL && !makes, n, "as", "needs aggregate or as_kind");
	fault_if(l, r->value != NULL && r->as_kind == NULL, n, "value", "needs as_kind");
	fault_if(l, r->every_ms != 0 && r->aggregate == NULL, n, "every", "needs aggregate");
	fault_if(l, r->expire_ms != 0 && r->aggregate == NULL, n, "expire", "needs aggregate");
	fault_if(l, r->route_by != NULL && (!r->has_to || makes), n, "route_by",
	    "needs to, and nothing made of the record");
	fault_if(l, r->continue_ && !r->has_to, n, "continue",
	    "needs to: only a rule that says where to ends the search");
	check_rule_kinds(l, r, n);
	if (!r->drop && !r->log && !r->has_to && !makes && r->rewrite == NULL && r->interval_ms == 0 &&
	    r->max_names == 0 && r->max_points == 0)
		fault_add(&l->faults, n->mark, "a rule that does nothing");
}

void
check_tail(struct loader *l, void *out, const struct node *n)
{
	const struct conf_tail *t = out;

	fault_if(l, t->files.n == 0, n, "files", "is missing: what is to be followed?");
}

/* The whole */

static bool
is_target(const struct conf *c, const char *name)
{
	for (size_t i = 0; i < c->nclusters; i++)
		if (strcmp(c->clusters[i].name, name) == 0)
			return true;
	for (size_t i = 0; i < c->nstreams; i++)
		if (strcmp(c->streams[i].name, name) == 0)
			return true;
	for (size_t i = 0; i < c->narchives; i++)
		if (strcmp(c->archives[i].name, name) == 0)
			return true;
	for (size_t i = 0; i < c->nforwards; i++)
		if (strcmp(c->forwards[i].name, name) == 0)
			return true;
	return false;
}

static const char *const *
target_names(struct loader *l)
{
	const struct conf *c = l->conf;
	const char **names = arena_array(l->arena,
	    c->nclusters + c->nstreams + c->narchives + c->nforwards + 1, sizeof *names);
	size_t n = 0;

	for (size_t i = 0; i < c->nclusters; i++)
		names[n++] = c->clusters[i].name;
	for (size_t i = 0; i < c->nstreams; i++)
		names[n++] = c->streams[i].name;
	for (size_t i = 0; i < c->nforwards; i++)
		names[n++] = c->forwards[i].name;
	for (size_t i = 0; i < c->narchives; i++)
		names[n++] = c->archives[i].name;
	return names;
}

static bool
is_cluster(const struct conf *c, const char *name)
{
	for (size_t i = 0; i < c->nclusters; i++)
		if (strcmp(c->clusters[i].name, name) == 0)
			return true;
	return false;
}

static void
check_target(struct loader *l, const struct conf_rule *r, const char *name,
    struct conf_mark mark)
{
	const char *near;

	if (is_cluster(l->conf, name) && (expr_kinds(r->when) & EXPR_METRICS) == 0)
		fault_add(&l->faults, mark, "to: cluster \"%s\" takes metrics, and when is "
		    "never true for one", name);
	if (is_target(l->conf, name))
		return;
	near = load_nearest(slice_str(name), target_names(l));
	fault_add(&l->faults, mark, "to: no cluster, stream, archive or forward is called \"%s\"%s%s%s",
	    name, near == NULL ? "" : ", did you mean \"", near == NULL ? "" : near,
	    near == NULL ? "" : "\"?");
}

/* The node of rule i: rules are one, or a list. */
static const struct node *
rule_node(const struct node *n, size_t i)
{
	const struct node *rules = node_get(n, "rules");

	return rules->kind == NODE_LIST ? rules->items[i] : rules;
}

static void
check_rules(struct loader *l, const struct node *n)
{
	struct conf *c = l->conf;

	for (size_t i = 0; i < c->nrules; i++) {
		struct conf_rule *r = &c->rules[i];
		const struct node *node = rule_node(n, i), *to = node_get(node, "to");

		for (size_t j = 0; j < r->to.n; j++)
			check_target(l, r, r->to.v[j], to->kind == NODE_LIST &&
			    to->n == r->to.n ? to->items[j]->mark : to->mark);
		if (r->name == NULL) {
			r->name = arena_printf(l->arena, "#%zu", i + 1);
			continue;
		}
		for (size_t j = 0; j < i; j++)
			if (strcmp(c->rules[j].name, r->name) == 0)
				fault_add(&l->faults, load_mark(node, "name"),
				    "name: the rule on line %u is called \"%s\" too",
				    c->rules[j].mark.line, r->name);
	}
}

/* A name in `to` must mean one thing. */
static void
check_shared_names(struct loader *l)
{
	const struct conf *c = l->conf;

	for (size_t i = 0; i < c->nstreams; i++)
		for (size_t j = 0; j < c->nclusters; j++)
			if (strcmp(c->streams[i].name, c->clusters[j].name) == 0)
				fault_add(&l->faults, c->streams[i].mark,
				    "\"%s\" is a cluster too, on line %u: rules could not tell them apart",
				    c->streams[i].name, c->clusters[j].mark.line);
	for (size_t i = 0; i < c->narchives; i++) {
		const struct conf_archive *a = &c->archives[i];

		for (size_t j = 0; j < c->nclusters; j++)
			if (strcmp(a->name, c->clusters[j].name) == 0)
				fault_add(&l->faults, a->mark,
				    "\"%s\" is a cluster too, on line %u: rules could not tell them apart",
				    a->name, c->clusters[j].mark.line);
		for (size_t j = 0; j < c->nstreams; j++)
			if (strcmp(a->name, c->streams[j].name) == 0)
				fault_add(&l->faults, a->mark,
				    "\"%s\" is a stream too, on line %u: rules could not tell them apart",
				    a->name, c->streams[j].mark.line);
	}
}

static void
check_forward_names(struct loader *l)
{
	const struct conf *c = l->conf;

	for (size_t i = 0; i < c->nforwards; i++) {
		const struct conf_forward *f = &c->forwards[i];
		bool taken = false;

		for (size_t j = 0; j < c->nclusters; j++)
			taken |= strcmp(f->name, c->clusters[j].name) == 0;
		for (size_t j = 0; j < c->nstreams; j++)
			taken |= strcmp(f->name, c->streams[j].name) == 0;
		for (size_t j = 0; j < c->narchives; j++)
			taken |= strcmp(f->name, c->archives[j].name) == 0;
		if (taken)
			fault_add(&l->faults, f->mark, "\"%s\" is something else too: rules "
			    "could not tell them apart", f->name);
	}
	if (c->narchives + c->nforwards > 32 && c->nforwards > 0)
		fault_add(&l->faults, c->forwards[0].mark,
		    "more than 32 archives and forwards together");
}

static void
check_same_files(struct loader *l)
{
	const struct conf *c = l->conf;

	for (size_t i = 0; i < c->narchives; i++)
		for (size_t j = 0; j < i; j++)
			if (same_text(c->archives[i].dir, c->archives[j].dir) &&
			    same_text(c->archives[i].file, c->archives[j].file))
				fault_add(&l->faults, c->archives[i].mark,
				    "\"%s\" writes the files of \"%s\", on line %u",
				    c->archives[i].name, c->archives[j].name,
				    c->archives[j].mark.line);
}

static bool
is_datagram(const struct conf_listen *a)
{
	return strcmp(a->scheme, "udp") == 0 || strcmp(a->scheme, "unixgram") == 0;
}

static bool
same_place(const struct conf_listen *a, const struct conf_listen *b)
{
	if (a->path != NULL || b->path != NULL)
		return same_text(a->path, b->path);
	return is_datagram(a) == is_datagram(b) && a->port == b->port &&
	    (a->host == NULL || b->host == NULL || strcmp(a->host, b->host) == 0);
}

/* The management port as one more TCP listener; false: there is none. */
static bool
management_place(struct loader *l, const struct node *n, struct conf_listen *out)
{
	const struct conf_statsd *s = &l->conf->statsd;
	struct slice rest;

	if (!s->present || s->management == NULL || *s->management == '\0')
		return false;
	*out = (struct conf_listen){ .url = arena_printf(l->arena, "management: %s",
	    s->management), .scheme = "tcp", .mark = load_mark(node_get(n, "statsd"), "management") };
	return address_split(l->arena, slice_str(s->management), &out->host, &out->port, &rest);
}

/* The later of two at one place is told, or the one that stands in a file: a
 * default stands nowhere. */
static void
tell_taken(struct loader *l, const struct conf_listen *a, const struct conf_listen *before)
{
	const struct conf_listen *told = a->mark.file != NULL ? a : before;
	const struct conf_listen *other = told == a ? before : a;

	if (other->mark.file != NULL)
		fault_add(&l->faults, told->mark, "listen: \"%s\" is taken by \"%s\", on line %u",
		    told->url, other->url, other->mark.line);
	else
		fault_add(&l->faults, told->mark, "listen: \"%s\" is taken by \"%s\", a default",
		    told->url, other->url);
}

static void
check_same_places(struct loader *l, const struct node *top)
{
	const struct conf *c = l->conf;
	const struct conf_listens *all[] = { &c->statsd.listen, &c->graphite.listen,
	    &c->syslog.listen, &c->events.listen, &c->admin.listen };
	const struct conf_listen *seen[256];
	struct conf_listen management;
	size_t n = 0;

	if (management_place(l, top, &management))
		seen[n++] = &management;
	for (size_t i = 0; i < sizeof all / sizeof all[0]; i++) {
		for (size_t j = 0; j < all[i]->n; j++) {
			const struct conf_listen *a = &all[i]->v[j];
			size_t k = 0;

			while (k < n && !same_place(a, seen[k]))
				k++;
			if (k < n)
				tell_taken(l, a, seen[k]);
			else if (n < sizeof seen / sizeof seen[0])
				seen[n++] = a;
			else
				fault_add(&l->faults, a->mark, "listen: more than 256 addresses");
		}
	}
}

/* Figures are metrics: they go to clusters only. */
static void
check_statistics(struct loader *l, const struct node *n)
{
	const struct conf_strings *to = &l->conf->graphite.statistics.to;
	struct conf_mark mark = load_mark(node_get(node_get(n, "graphite"), "statistics"), "to");

	for (size_t i = 0; i < to->n; i++) {
		size_t j = 0;

		while (j < l->conf->nclusters && strcmp(to->v[i], l->conf->clusters[j].name) != 0)
			j++;
		if (j == l->conf->nclusters)
			fault_add(&l->faults, mark, "to: no cluster is called \"%s\"", to->v[i]);
	}
}

/* The mapping file is part of the configuration: its faults are faults. */
static void
check_mapping(struct loader *l, const struct node *n)
{
	struct buf errors = BUF_INIT(1 << 20);
	struct conf_mark mark = load_mark(n, "prometheus_mapping");
	struct prom_mapping *m = prom_mapping_load(l->conf->prometheus_mapping, &errors);

	for (struct slice rest = buf_slice(&errors), line; m == NULL && rest.len > 0;) {
		line = slice_cut(&rest, '\n');
		fault_add(&l->faults, mark, "prometheus_mapping: %.*s", SLICE_ARG(line));
	}
	prom_mapping_free(m);
	buf_fini(&errors);
}

void
check_conf(struct loader *l, void *out, const struct node *n)
{
	struct conf *c = out;

	fault_if(l, *c->state_dir == '\0', n, "state_dir", "is empty");
	fault_if(l, c->nclusters > CONF_MAX_TARGETS, n, "clusters", "more than 64");
	fault_if(l, c->nstreams > CONF_MAX_STREAMS, n, "streams", "more than 16");
	fault_if(l, c->narchives > CONF_MAX_TARGETS, n, "archives", "more than 64");
	check_shared_names(l);
	check_forward_names(l);
	check_same_files(l);
	check_same_places(l, n);
	check_rules(l, n);
	check_statistics(l, n);
	if (c->prometheus_mapping != NULL && *c->prometheus_mapping != '\0')
		check_mapping(l, n);
	fault_if(l, c->group != NULL && c->user == NULL, n, "group", "has no user beside it");
}
