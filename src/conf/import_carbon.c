/* import_carbon.c - carbon-relay's and carbon-aggregator's configuration as
 * millrace.yaml.
 *
 * The order in which carbon does things becomes the order of rules: lists,
 * [pre] rewrites, aggregations, [post] rewrites, then where it goes.  A ring
 * is one cluster; with RELAY_METHOD = rules each destination is a cluster of
 * its own, so that rules can name it. */
#include "config.h"

#include <errno.h>
#include <math.h>
#include <stdio.h>

#include "base/number.h"
#include "conf/carbon_conf.h"
#include "conf/import.h"
#include "conf/import_parts.h"

enum file_kind {
	FILE_CARBON, FILE_RELAY_RULES, FILE_AGGREGATION, FILE_REWRITE,
	FILE_WHITELIST, FILE_BLACKLIST, FILE_KINDS
};

struct import {
	struct arena *arena;
	struct faults faults;
	struct buf *out;
	const char *paths[FILE_KINDS];	/* as given, or NULL */
	struct ini carbon;
	const struct ini_section *section, *instance;	/* instance over section */
	bool aggregator;
	struct carbon_destination *to;
	char **names;			/* of the clusters, one a destination */
	size_t nto;
	unsigned rules;
};

/* ---- settings ---- */

static const struct ini_entry *
setting(const struct import *m, const char *key)
{
	const struct ini_entry *e = ini_get(m->instance, key);

	return e != NULL ? e : ini_get(m->section, key);
}

static const char *
text_setting(const struct import *m, const char *key, const char *fallback)
{
	const struct ini_entry *e = setting(m, key);

	return e == NULL || *e->value == '\0' ? fallback : e->value;
}

static bool
bool_setting(struct import *m, const char *key, bool fallback)
{
	static const char *const yes[] = { "true", "yes", "on", "1" };
	static const char *const no[] = { "false", "no", "off", "0" };
	const struct ini_entry *e = setting(m, key);

	if (e == NULL)
		return fallback;
	for (size_t i = 0; i < 4; i++) {
		if (slice_eq_nocase(slice_str(e->value), slice_str(yes[i])))
			return true;
		if (slice_eq_nocase(slice_str(e->value), slice_str(no[i])))
			return false;
	}
	fault_add(&m->faults, e->mark, "%s: expected True or False, found \"%s\"",
	    key, e->value);
	return fallback;
}

/* Numbers too great and "inf" are UINT64_MAX. */
static uint64_t
number_setting(struct import *m, const char *key, uint64_t fallback)
{
	const struct ini_entry *e = setting(m, key);
	double v;

	if (e == NULL || *e->value == '\0' || strcmp(e->value, "None") == 0)
		return fallback;
	if (strcmp(e->value, "inf") == 0)
		return UINT64_MAX;
	if (!number_double(slice_str(e->value), &v) || v < 0) {
		fault_add(&m->faults, e->mark, "%s: expected a number, found "
		    "\"%s\"", key, e->value);
		return fallback;
	}
	return v >= 1e18 ? UINT64_MAX : (uint64_t)v;
}

/* Settings that we have nothing for, and the value that asks for nothing. */
static void
remark_settings(struct import *m)
{
	static const struct { const char *key, *nothing, *what; } odd[] = {
		{ "ENABLE_AMQP", "False", "AMQP is not spoken" },
		{ "ENABLE_MANHOLE", "False", "there is no manhole" },
		{ "USE_RATIO_RESET", "False", "slow connections are not reset" },
		{ "DESTINATION_POOL_REPLICAS", "False",
		    "list the pool as a cluster of method load_balanced" },
		{ "MIN_TIMESTAMP_RESOLUTION", "0", "times are not rounded" },
	};

	for (size_t i = 0; i < sizeof odd / sizeof odd[0]; i++) {
		const struct ini_entry *e = setting(m, odd[i].key);

		if (e != NULL && *e->value != '\0' &&
		    !slice_eq_nocase(slice_str(e->value),
		    slice_str(odd[i].nothing)))
			fault_warn(&m->faults, e->mark, "%s has no equivalent: "
			    "%s", odd[i].key, odd[i].what);
	}
}

/* ---- sections ---- */

static bool
is_instance_of(const char *section, const char *program)
{
	size_t n = strlen(program);

	return strncmp(section, program, n) == 0 && section[n] == ':';
}

/* [relay] and its only instance, or the one called a. */
static void
choose_instance(struct import *m, const char *program)
{
	const struct ini_section *only = NULL;
	size_t n = 0;

	for (size_t i = 0; i < m->carbon.n; i++)
		if (is_instance_of(m->carbon.v[i].name, program)) {
			only = &m->carbon.v[i];
			n++;
		}
	m->section = ini_section(&m->carbon, program);
	m->instance = ini_section(&m->carbon,
	    arena_printf(m->arena, "%s:a", program));
	if (m->instance == NULL && m->section == NULL && n == 1)
		m->instance = only;
	for (size_t i = 0; i < m->carbon.n; i++)
		if (is_instance_of(m->carbon.v[i].name, program) &&
		    &m->carbon.v[i] != m->instance)
			fault_warn(&m->faults, m->carbon.v[i].mark, "[%s] is not "
			    "read; name it to import that instance",
			    m->carbon.v[i].name);
}

static bool
choose_section(struct import *m, const char *want)
{
	const char *colon;

	if (want == NULL) {
		choose_instance(m, "relay");
		if (m->section == NULL && m->instance == NULL) {
			choose_instance(m, "aggregator");
			m->aggregator = true;
		}
	} else {
		colon = strchr(want, ':');
		m->aggregator = strncmp(want, "aggregator", 10) == 0;
		m->instance = ini_section(&m->carbon, want);
		if (colon != NULL)
			m->section = ini_section(&m->carbon,
			    arena_printf(m->arena, "%.*s", (int)(colon - want),
			    want));
	}
	if (m->section != NULL || m->instance != NULL)
		return true;
	fault_add(&m->faults, (struct conf_mark){ m->paths[FILE_CARBON], 0, 0 },
	    "there is no section [%s]", want == NULL ? "relay] or [aggregator" :
	    want);
	return false;
}

/* ---- listeners ---- */

static void
put_listener(struct import *m, const char *scheme, const char *prefix,
    uint64_t port)
{
	const char *host = text_setting(m, arena_printf(m->arena,
	    "%s_INTERFACE", prefix), "0.0.0.0");
	bool any = strcmp(host, "0.0.0.0") == 0;
	bool v6 = strchr(host, ':') != NULL;
	char *url;

	port = number_setting(m, arena_printf(m->arena, "%s_PORT", prefix), port);
	if (port == 0 || port > 65535)
		return;
	url = arena_printf(m->arena, "%s://%s%s%s:%u", scheme, v6 ? "[" : "",
	    any ? "*" : host, v6 ? "]" : "", (unsigned)port);
	buf_printf(m->out, "    - ");
	yaml_value(m->out, slice_str(url));
	buf_printf(m->out, "\n");
}

/* carbon.relays.HOST-INSTANCE.*, or carbon.aggregator.HOST-INSTANCE.*. */
static void
put_statistics(struct import *m)
{
	uint64_t every = number_setting(m, "CARBON_METRIC_INTERVAL", 60);
	const char *prefix = text_setting(m, "CARBON_METRIC_PREFIX", "carbon");
	const char *colon = m->instance == NULL ? NULL :
	    strchr(m->instance->name, ':');

	if (every == 0 || every > 86400)
		return;
	buf_printf(m->out, "  statistics:\n    names: carbon\n    interval: %llus\n"
	    "    prefix: ", (unsigned long long)every);
	yaml_quote(m->out, slice_str(arena_printf(m->arena,
	    "%s.%s.{flat}-%s", prefix, m->aggregator ? "aggregator" : "relays",
	    colon == NULL ? "a" : colon + 1)));
	buf_printf(m->out, "\n");
}

static void
put_graphite(struct import *m)
{
	uint64_t idle = number_setting(m, "METRIC_CLIENT_IDLE_TIMEOUT", 0);
	uint64_t most = number_setting(m, "MAX_RECEIVER_CONNECTIONS", UINT64_MAX);

	buf_printf(m->out, "graphite:\n  listen:\n");
	put_listener(m, "tcp", "LINE_RECEIVER", 2003);
	if (bool_setting(m, "ENABLE_UDP_LISTENER", false))
		put_listener(m, "udp", "UDP_RECEIVER", 2003);
	put_listener(m, "pickle", "PICKLE_RECEIVER", 2004);
	put_listener(m, "protobuf", "PROTOBUF_RECEIVER", 0);
	buf_printf(m->out, "  clean_names: false\n  normalize_tags: %s\n  backpressure: %s\n",
	    bool_setting(m, "TAG_RELAY_NORMALIZED", false) ? "true" : "false",
	    bool_setting(m, "USE_FLOW_CONTROL", true) ? "true" : "false");
	buf_printf(m->out, "  limits:\n    idle: %llus\n", (unsigned long long)
	    (idle > 86400 ? 0 : idle));
	if (most > 0 && most <= 1000000)
		buf_printf(m->out, "    max_connections: %llu\n", (unsigned long long)most);
	put_statistics(m);
}

/* ---- clusters ---- */

static void
read_destinations(struct import *m)
{
	const struct ini_entry *e = setting(m, "DESTINATIONS");
	struct slice list = slice_str(e == NULL || *e->value == '\0' ?
	    "127.0.0.1:2004" : e->value);
	struct conf_mark mark = e == NULL ?
	    (struct conf_mark){ m->paths[FILE_CARBON], 0, 0 } : e->mark;
	size_t n = 1;

	for (size_t i = 0; i < list.len; i++)
		n += list.ptr[i] == ',';
	m->to = arena_array(m->arena, n, sizeof *m->to);
	m->names = arena_array(m->arena, n, sizeof *m->names);
	while (list.ptr != NULL) {
		struct slice one = slice_cut(&list, ',');
		struct carbon_destination *d = &m->to[m->nto];

		if (!carbon_destination(m->arena, one, d)) {
			fault_add(&m->faults, mark, "DESTINATIONS: expected "
			    "host:port[:instance], found \"%.*s\"",
			    SLICE_ARG(one));
			continue;
		}
		m->names[m->nto++] = import_name(m->arena, arena_printf(m->arena,
		    "%s_%u%s%s", d->host, d->port, d->instance ? "_" : "",
		    d->instance ? d->instance : ""));
	}
}

static void
put_server(struct import *m, const struct carbon_destination *d,
    const char *protocol, bool tls)
{
	buf_printf(m->out, "      - {host: ");
	yaml_value(m->out, slice_str(d->host));
	buf_printf(m->out, ", port: %u", d->port);
	if (d->instance != NULL) {
		buf_printf(m->out, ", instance: ");
		yaml_value(m->out, slice_str(d->instance));
	}
	buf_printf(m->out, ", protocol: %s%s}\n", protocol, tls ? ", tls: true" : "");
}

static const char *
protocol(struct import *m)
{
	const struct ini_entry *e = setting(m, "DESTINATION_PROTOCOL");

	if (e == NULL || strcmp(e->value, "pickle") == 0)
		return "pickle";
	if (strcmp(e->value, "line") != 0)
		fault_warn(&m->faults, e->mark, "DESTINATION_PROTOCOL = %s has no "
		    "equivalent; lines are sent", e->value);
	return "line";
}

static void
put_members(struct import *m, size_t from, size_t n)
{
	const char *spoken = protocol(m), *ca;
	bool tls = strcmp(text_setting(m, "DESTINATION_TRANSPORT", "none"),
	    "ssl") == 0;
	uint64_t queue = number_setting(m, "MAX_QUEUE_SIZE", 10000);

	buf_printf(m->out, "    servers:\n");
	for (size_t i = from; i < from + n; i++)
		put_server(m, &m->to[i], spoken, tls);
	ca = text_setting(m, "DESTINATION_SSL_CA", NULL);
	if (tls && ca != NULL) {
		buf_printf(m->out, "    tls:\n      ca: ");
		yaml_value(m->out, slice_str(ca));
		buf_printf(m->out, "\n");
	}
	if (queue > 500000 && queue < UINT64_MAX / 128)
		buf_printf(m->out, "    queue: %llu\n", (unsigned long long)queue * 128);
}

/* The cluster method for a ring, or NULL. */
static const char *
ring_method(struct import *m, bool fast)
{
	const struct ini_entry *e = setting(m, "ROUTER_HASH_TYPE");
	const char *hash = e == NULL || strcmp(e->value, "None") == 0 ||
	    *e->value == '\0' ? fast ? "mmh3_ch" : "carbon_ch" : e->value;

	if (strcmp(hash, "carbon_ch") == 0)
		return fast ? "fast_py" : "carbon_py";
	if (strcmp(hash, "fnv1a_ch") == 0)
		return fast ? "fast_fnv1a_py" : "fnv1a_py";
	if (strcmp(hash, "mmh3_ch") == 0)
		return fast ? "fast_mmh3_py" : "mmh3_py";
	fault_add(&m->faults, e->mark, "ROUTER_HASH_TYPE: no such hash \"%s\"",
	    hash);
	return NULL;
}

static void
put_ring(struct import *m, const char *method)
{
	uint64_t copies = number_setting(m, "REPLICATION_FACTOR", 1);
	const struct ini_entry *e = setting(m, "REPLICATION_FACTOR");

	buf_printf(m->out, "clusters:\n  carbon:\n    method: %s\n", method);
	if (copies > m->nto && e != NULL) {
		fault_warn(&m->faults, e->mark, "REPLICATION_FACTOR = %s with %zu "
		    "destinations: each name goes to all of them", e->value,
		    m->nto);
		copies = m->nto;
	}
	if (strcmp(method, "forward") != 0) {
		buf_printf(m->out, "    replication: %llu\n    diverse: %s\n",
		    (unsigned long long)(copies == 0 ? 1 : copies),
		    bool_setting(m, "DIVERSE_REPLICAS", true) ? "true" : "false");
		if (bool_setting(m, "DYNAMIC_ROUTER", false))
			buf_printf(m->out, "    dynamic: true\n");
	}
	put_members(m, 0, m->nto);
}

static void
put_single_clusters(struct import *m)
{
	buf_printf(m->out, "clusters:\n");
	for (size_t i = 0; i < m->nto; i++) {
		buf_printf(m->out, "  ");
		yaml_value(m->out, slice_str(m->names[i]));
		buf_printf(m->out, ":\n    method: forward\n");
		put_members(m, i, 1);
	}
}

/* ---- rules ---- */

static void
begin_rule(struct import *m, struct conf_mark mark, const char *when)
{
	const char *slash = strrchr(mark.file, '/');
	char *name = arena_printf(m->arena, "%u %s:%u", ++m->rules,
	    slash == NULL ? mark.file : slash + 1, mark.line);

	buf_printf(m->out, "%s  - name: ", m->rules == 1 ? "rules:\n" : "");
	yaml_value(m->out, slice_str(name));
	buf_printf(m->out, "\n    when: ");
	yaml_quote(m->out, slice_str(when));
	buf_printf(m->out, "\n");
}

/* The expression for a pattern, or NULL with a fault told. */
static char *
matches(struct import *m, const char *pattern, const char *flags,
    struct conf_mark mark, struct import_pattern *p)
{
	const char *why = "";

	if (import_python_re(m->arena, pattern, p, &why)) {
		if (strchr(pattern, ';') != NULL)
			fault_warn(&m->faults, mark, "pattern \"%s\": only the "
			    "name is matched here, without its tags", pattern);
		return arena_printf(m->arena, "name =~ \"%s%s\"", flags, p->text);
	}
	fault_add(&m->faults, mark, "pattern \"%s\": %s", pattern, why);
	return NULL;
}

/* name=~a || name=~b ... of a list; NULL when it is empty. */
static char *
any_of(struct import *m, const struct carbon_lines *l)
{
	struct buf b = BUF_INIT(IMPORT_MAX);
	struct import_pattern p;
	char *all;

	for (size_t i = 0; i < l->n; i++) {
		char *one = matches(m, l->v[i].text, "", l->v[i].mark, &p);

		if (one != NULL)
			buf_printf(&b, "%s%s", b.len > 0 ? " || " : "", one);
	}
	all = b.len == 0 ? NULL : arena_dup(m->arena, buf_slice(&b));
	buf_fini(&b);
	return all;
}

/* A file that was given or, when it exists, the one beside carbon.conf. */
static bool
read_beside(struct import *m, enum file_kind kind, const char *name,
    struct slice *text, const char **path)
{
	const char *base = m->paths[FILE_CARBON];
	const char *slash = strrchr(base, '/');

	*path = m->paths[kind];
	if (*path == NULL && (name[0] == '/' || slash == NULL))
		*path = name;
	else if (*path == NULL)
		*path = arena_printf(m->arena, "%.*s/%s", (int)(slash - base),
		    base, name);
	if (import_read(m->arena, *path, text))
		return true;
	if (m->paths[kind] != NULL || errno != ENOENT)
		fault_add(&m->faults, (struct conf_mark){ *path, 0, 0 }, "%s",
		    strerror(errno));
	return false;
}

static void
put_list(struct import *m, enum file_kind kind)
{
	bool white = kind == FILE_WHITELIST;
	struct carbon_lines l = { NULL, 0 };
	struct slice text;
	const char *path;
	char *any;

	if (!read_beside(m, kind, white ? "whitelist.conf" : "blacklist.conf",
	    &text, &path))
		return;
	carbon_patterns(&l, text, path, m->arena);
	if ((any = any_of(m, &l)) == NULL)
		return;
	begin_rule(m, l.v[0].mark, arena_printf(m->arena, "kind == metric && "
	    "%s(%s)", white ? "!" : "", any));
	buf_printf(m->out, "    drop: true\n");
}

/* Python's "\1" and "\g<name>" as "${1}" and "${name}". */
static void
add_replacement(struct buf *out, const char *s)
{
	while (*s != '\0') {
		size_t n;

		if (*s == '$')
			buf_adds(out, "$$");
		else if (*s != '\\')
			buf_addc(out, *s);
		else if (s[1] == 'g' && s[2] == '<' && strchr(s, '>') != NULL) {
			n = strcspn(s + 3, ">");
			buf_printf(out, "${%.*s}", (int)n, s + 3);
			s += 3 + n;
		} else if (s[1] >= '0' && s[1] <= '9') {
			n = strspn(s + 1, "0123456789");
			buf_printf(out, "${%.*s}", (int)(n < 2 ? n : 2), s + 1);
			s += n < 2 ? n : 2;
		} else if (s[1] != '\0') {
			buf_addc(out, s[1]);
			s++;
		}
		s++;
	}
}

static void
put_rewrite(struct import *m, const struct carbon_line *l)
{
	struct buf t = BUF_INIT(IMPORT_MAX);
	struct import_pattern p;
	char *when = matches(m, l->text, "", l->mark, &p);

	if (when == NULL)
		return;
	if (!p.starts && !p.ends)
		fault_warn(&m->faults, l->mark, "pattern \"%s\": only the first "
		    "occurrence in a name is rewritten", l->text);
	begin_rule(m, l->mark, arena_printf(m->arena, "kind == metric && %s",
	    when));
	add_replacement(&t, l->replacement);
	buf_printf(m->out, "    rewrite: ");
	yaml_quote(m->out, buf_slice(&t));
	buf_printf(m->out, "\n");
	buf_fini(&t);
}

static void
put_rewrites(struct import *m, const struct carbon_lines *l, bool post)
{
	for (size_t i = 0; i < l->n; i++)
		if (l->v[i].post == post)
			put_rewrite(m, &l->v[i]);
}

/* "<field>", and "<<field>>" which carbon would stumble over, as "${field}". */
static char *
output_template(struct import *m, const char *s)
{
	struct buf b = BUF_INIT(IMPORT_MAX);
	char *out;

	for (; *s != '\0'; s++)
		if ((*s == '<' || *s == '>') && s[1] == *s)
			continue;
		else if (*s == '<')
			buf_adds(&b, "${");
		else if (*s == '>')
			buf_addc(&b, '}');
		else if (*s == '$')
			buf_adds(&b, "$$");
		else
			buf_addc(&b, *s);
	out = arena_dup(m->arena, buf_slice(&b));
	buf_fini(&b);
	return out;
}

static void
put_aggregation(struct import *m, const struct carbon_aggregation *r)
{
	struct import_pattern p;
	char *when = matches(m, r->pattern, "", r->mark, &p);

	if (when == NULL)
		return;
	begin_rule(m, r->mark, arena_printf(m->arena, "kind == metric && %s",
	    when));
	buf_printf(m->out, "    aggregate: %s\n    as: ", r->method);
	yaml_quote(m->out, slice_str(output_template(m, r->output)));
	buf_printf(m->out, "\n    every: %us\n    stamp: start\n    to: [carbon]\n"
	    "    continue: true\n", r->every_s);
}

static void
put_aggregator_rules(struct import *m)
{
	struct carbon_aggregations aggregations = { NULL, 0 };
	struct carbon_lines rewrites = { NULL, 0 };
	struct slice text;
	const char *path;

	if (read_beside(m, FILE_REWRITE, text_setting(m, "REWRITE_RULES",
	    "rewrite-rules.conf"), &text, &path))
		carbon_rewrites(&rewrites, text, path, m->arena, &m->faults);
	if (read_beside(m, FILE_AGGREGATION, text_setting(m,
	    "AGGREGATION_RULES", "aggregation-rules.conf"), &text, &path))
		carbon_aggregations(&aggregations, text, path, m->arena,
		    &m->faults);
	put_rewrites(m, &rewrites, false);
	for (size_t i = 0; i < aggregations.n; i++)
		put_aggregation(m, &aggregations.v[i]);
	put_rewrites(m, &rewrites, true);
	if (bool_setting(m, "FORWARD_ALL", true))
		return;
	buf_printf(m->out, "%s  - name: forward_all\n    when: 'kind == metric'\n"
	    "    to: []\n", m->rules == 0 ? "rules:\n" : "");
	m->rules++;
}

/* The names of a relay rule's destinations, those not in DESTINATIONS left
 * out as carbon does. */
static void
put_rule_destinations(struct import *m, const struct ini_entry *e)
{
	struct slice list = slice_str(e->value);
	bool any = false;

	buf_printf(m->out, "    to: [");
	while (list.ptr != NULL) {
		struct slice one = slice_cut(&list, ',');
		struct carbon_destination d;
		size_t i = 0;

		if (!carbon_destination(m->arena, one, &d)) {
			fault_add(&m->faults, e->mark, "destinations: expected "
			    "host:port[:instance], found \"%.*s\"",
			    SLICE_ARG(one));
			continue;
		}
		while (i < m->nto && !carbon_same_destination(&m->to[i], &d))
			i++;
		if (i == m->nto) {
			fault_warn(&m->faults, e->mark, "\"%.*s\" is not among "
			    "DESTINATIONS; carbon does not send there either",
			    SLICE_ARG(one));
			continue;
		}
		buf_printf(m->out, "%s", any ? ", " : "");
		yaml_value(m->out, slice_str(m->names[i]));
		any = true;
	}
	buf_printf(m->out, "]\n");
}

static bool
is_true(const struct ini_entry *e)
{
	return e != NULL && (slice_eq_nocase(slice_str(e->value), SLICE("true")) ||
	    slice_eq_nocase(slice_str(e->value), SLICE("yes")) ||
	    slice_eq_nocase(slice_str(e->value), SLICE("on")) ||
	    strcmp(e->value, "1") == 0);
}

static void
put_relay_rule(struct import *m, const struct ini_section *s)
{
	const struct ini_entry *pattern = ini_get(s, "pattern");
	struct import_pattern p;
	char *when = matches(m, pattern->value, "(?i)", pattern->mark, &p);

	if (when == NULL)
		return;
	begin_rule(m, s->mark, arena_printf(m->arena, "kind == metric && %s",
	    when));
	put_rule_destinations(m, ini_get(s, "destinations"));
	if (is_true(ini_get(s, "continue")))
		buf_printf(m->out, "    continue: true\n");
}

/* Patterns in order; the default is the last wherever it stands. */
static void
put_relay_rules(struct import *m)
{
	const struct ini_section *last = NULL;
	struct ini ini = { NULL, 0 };
	struct slice text;
	const char *path;

	if (!read_beside(m, FILE_RELAY_RULES, text_setting(m, "RELAY_RULES",
	    "relay-rules.conf"), &text, &path)) {
		fault_add(&m->faults, (struct conf_mark){ path, 0, 0 },
		    "RELAY_METHOD = rules needs it");
		return;
	}
	ini_read(&ini, text, path, m->arena, &m->faults);
	for (size_t i = 0; i < ini.n; i++) {
		const struct ini_section *s = &ini.v[i];
		bool is_default = ini_get(s, "default") != NULL;

		if (ini_get(s, "destinations") == NULL)
			fault_add(&m->faults, s->mark, "[%s] has no destinations",
			    s->name);
		else if (ini_get(s, "pattern") != NULL && is_default)
			fault_add(&m->faults, s->mark, "[%s] has a pattern and a "
			    "default", s->name);
		else if (ini_get(s, "pattern") != NULL)
			put_relay_rule(m, s);
		else if (is_default && is_true(ini_get(s, "default"))) {
			if (last != NULL)
				fault_add(&m->faults, s->mark, "[%s] is the second "
				    "default", s->name);
			last = s;
		}
	}
	if (last == NULL) {
		fault_add(&m->faults, (struct conf_mark){ path, 0, 0 },
		    "there is no rule with default = true");
		return;
	}
	begin_rule(m, last->mark, "kind == metric");
	put_rule_destinations(m, ini_get(last, "destinations"));
}

/* ---- all of it ---- */

static void
put_relay(struct import *m)
{
	const struct ini_entry *e = setting(m, "RELAY_METHOD");
	const char *method = m->aggregator ? "consistent-hashing" :
	    text_setting(m, "RELAY_METHOD", "rules");
	const char *ring = NULL;

	if (strcmp(method, "rules") == 0) {
		put_single_clusters(m);
		return;
	}
	if (strcmp(method, "constant") == 0)
		ring = "forward";
	else if (strcmp(method, "consistent-hashing") == 0 ||
	    strcmp(method, "aggregated-consistent-hashing") == 0)
		ring = ring_method(m, false);
	else if (strcmp(method, "fast-hashing") == 0 ||
	    strcmp(method, "fast-aggregated-hashing") == 0)
		ring = ring_method(m, true);
	else
		fault_add(&m->faults, e->mark, "RELAY_METHOD: no such method "
		    "\"%s\"", method);
	if (strstr(method, "aggregated") != NULL)
		fault_warn(&m->faults, e->mark, "RELAY_METHOD = %s: the name "
		    "itself is hashed, not those of its aggregates", method);
	if (ring != NULL)
		put_ring(m, ring);
}

static void
put_all(struct import *m)
{
	buf_printf(m->out, "# Made by millrace import carbon.\n");
	remark_settings(m);
	put_graphite(m);
	read_destinations(m);
	put_relay(m);
	if (bool_setting(m, "USE_WHITELIST", false)) {
		put_list(m, FILE_BLACKLIST);
		put_list(m, FILE_WHITELIST);
	}
	if (m->aggregator)
		put_aggregator_rules(m);
	else if (strcmp(text_setting(m, "RELAY_METHOD", "rules"), "rules") == 0)
		put_relay_rules(m);
}

/* Which file it is, by the end of its name; -1: none that counts. */
static int
kind_of(const char *path)
{
	static const char *const ends[FILE_KINDS] = {
		[FILE_CARBON] = "carbon.conf",
		[FILE_RELAY_RULES] = "relay-rules.conf",
		[FILE_AGGREGATION] = "aggregation-rules.conf",
		[FILE_REWRITE] = "rewrite-rules.conf",
		[FILE_WHITELIST] = "whitelist.conf",
		[FILE_BLACKLIST] = "blacklist.conf"
	};
	size_t n = strlen(path);

	for (int k = 0; k < FILE_KINDS; k++)
		if (n >= strlen(ends[k]) &&
		    strcmp(path + n - strlen(ends[k]), ends[k]) == 0)
			return k;
	return -1;
}

static void
sort_paths(struct import *m, const char *const *paths, size_t n)
{
	for (size_t i = 0; i < n; i++) {
		int kind = kind_of(paths[i]);

		if (i == 0)
			kind = FILE_CARBON;
		if (kind == -1)
			fault_warn(&m->faults, (struct conf_mark){ paths[i], 0,
			    0 }, "not needed to relay and not read");
		else
			m->paths[kind] = paths[i];
	}
}

int
import_carbon(const char *const *paths, size_t n, const char *section,
    struct buf *yaml, struct buf *remarks)
{
	struct import m = { .arena = arena_new(), .out = yaml };
	struct slice text;
	bool ok;

	faults_init(&m.faults, m.arena);
	sort_paths(&m, paths, n);
	if (n == 0 || !import_read(m.arena, paths[0], &text))
		fault_add(&m.faults, (struct conf_mark){ n > 0 ? paths[0] : NULL,
		    0, 0 }, "%s", n > 0 ? strerror(errno) : "no file was named");
	else {
		ini_read(&m.carbon, text, paths[0], m.arena, &m.faults);
		if (choose_section(&m, section))
			put_all(&m);
	}
	ok = m.faults.errors == 0;
	if (!ok)
		buf_clear(yaml);
	faults_print(&m.faults, remarks);
	arena_free(m.arena);
	return ok ? 0 : -1;
}
