/* import_statsd.c - the configuration of statsd, and of its proxy, as
 * millrace.yaml.
 *
 * The reference takes most values as JavaScript does: what is false, 0 or
 * empty is as if it were not there, and numbers may be texts. */
#include "config.h"

#include <errno.h>
#include <math.h>

#include "base/number.h"
#include "conf/import.h"
#include "conf/import_parts.h"
#include "conf/import_statsd.h"
#include "conf/value.h"

#define MAX_INTERVAL_MS		86400e3
#define MIN_INTERVAL_MS		100
#define MAX_PERCENTILES		256

struct import {
	struct arena *arena;
	struct faults faults;
	struct buf *out;
	struct slice text;
	const char *path;
	const struct js_value *root;
	unsigned clusters;
	bool direct;		/* run by it, not written down */
	bool watch;
};

static struct conf_mark
mark_of(const struct import *m, const struct js_value *v)
{
	return js_mark(m->text, m->path, v == NULL ? 0 : v->at);
}

#define WARN(m, v, ...) fault_warn(&(m)->faults, mark_of((m), (v)), __VA_ARGS__)

/* ---- values ---- */

/* String(v); NULL for what is not there or has none. */
static char *
text_of(struct import *m, const struct js_value *v)
{
	struct buf b = BUF_INIT(JS_MAX_TEXT);
	char *text = NULL;

	if (v != NULL && js_text(&b, v))
		text = arena_dup(m->arena, buf_slice(&b));
	buf_fini(&b);
	return text;
}

/* The text under key, or fallback for what is false. */
static const char *
text_in(struct import *m, const struct js_value *o, const char *key,
    const char *fallback)
{
	const struct js_value *v = js_get(o, key);

	return js_truth(v) ? text_of(m, v) : fallback;
}

static double
number_in(struct import *m, const struct js_value *o, const char *key,
    double fallback, double min, double max)
{
	const struct js_value *v = js_get(o, key);
	double d = js_number(v);

	if (!js_truth(v))
		return fallback;
	if (d >= min && d <= max)
		return d;
	d = d < min ? min : d > max ? max : fallback;
	WARN(m, v, "%s: \"%s\": %g is written", key, text_of(m, v), d);
	return d;
}

static unsigned
port_in(struct import *m, const struct js_value *o, const char *key,
    unsigned fallback)
{
	return (unsigned)number_in(m, o, key, fallback, 1, 65535);
}

static bool
flag_in(const struct js_value *o, const char *key)
{
	return js_truth(js_get(o, key));
}

/* A list, or the one thing in its place. */
static size_t
items_of(const struct js_value **v, const struct js_value *const **items)
{
	*items = v;
	if (*v == NULL)
		return 0;
	if ((*v)->type == JS_ARRAY) {
		*items = (*v)->items;
		return (*v)->n;
	}
	return 1;
}

/* ---- listening ---- */

static char *
host_port(struct import *m, const char *host, unsigned port)
{
	bool v6 = strchr(host, ':') != NULL && host[0] != '[';

	return arena_printf(m->arena, "%s%s%s:%u", v6 ? "[" : "", host,
	    v6 ? "]" : "", port);
}

/* "./servers/udp" is "udp". */
static const char *
module_name(struct import *m, const char *path)
{
	const char *slash = strrchr(path, '/');
	struct slice name = slice_str(slash == NULL ? path : slash + 1);

	if (name.len > 3 && slice_eq(slice_from(name, name.len - 3),
	    SLICE(".js")))
		name.len -= 3;
	return arena_dup(m->arena, name);
}

static void
put_server(struct import *m, const struct js_value *o)
{
	const char *kind = text_in(m, o, "server", "./servers/udp");
	const char *name = module_name(m, kind);
	const char *socket = text_in(m, o, "socket", NULL);
	const char *address = text_in(m, o, "address", "*");
	unsigned port = port_in(m, o, "port", 8125);
	char *url;

	if (strcmp(name, "udp") != 0 && strcmp(name, "tcp") != 0) {
		WARN(m, js_get(o, "server"), "server \"%s\": a program for "
		    "Node.js; it was left out", kind);
		return;
	}
	if (flag_in(o, "socket_mod"))
		WARN(m, js_get(o, "socket_mod"), "socket_mod: the umask says "
		    "what the mode of a socket is");
	if (strcmp(name, "tcp") == 0 && socket != NULL)
		url = arena_printf(m->arena, "unix://%s%s", socket[0] == '/' ||
		    socket[0] == '.' ? "" : "./", socket);
	else
		url = arena_printf(m->arena, "%s://%s", name,
		    host_port(m, address, port));
	import_text(m->out, "    - ", url);
}

static void
put_listen(struct import *m)
{
	const struct js_value *servers = js_get(m->root, "servers");
	const struct js_value *const *v;
	size_t n = items_of(&servers, &v);

	buf_printf(m->out, "statsd:\n  listen:\n");
	for (size_t i = 0; i < n; i++)
		put_server(m, v[i]);
	if (n == 0)
		put_server(m, m->root);
}

static void
put_statsd(struct import *m, bool proxy)
{
	put_listen(m);
	import_text(m->out, "  management: ", host_port(m, text_in(m, m->root,
	    "mgmt_address", "*"), port_in(m, m->root, "mgmt_port", 8126)));
	buf_printf(m->out, "  limits: {idle: 0}\n");
	if (proxy)	/* it passes on what it does not know */
		buf_printf(m->out, "  unknown_types_are_counters: true\n");
	else
		buf_printf(m->out, "  strict: true             # false: also what newer "
		    "clients send\n");
	if (js_get(m->root, "keyNameSanitize") != NULL &&
	    !flag_in(m->root, "keyNameSanitize"))
		buf_printf(m->out, "  sanitize: false\n");
	if (flag_in(m->root, "debug"))
		buf_printf(m->out, "  debug: true\n");
	if (flag_in(m->root, "dumpMessages"))
		buf_printf(m->out, "  dump_messages: true\n");
}

/* ---- the log ---- */

static void
put_log(struct import *m)
{
	static const struct { const char *theirs, *ours; } levels[] = {
		{ "LOG_CRIT", "error" }, { "LOG_ERR", "error" },
		{ "LOG_WARNING", "warn" }, { "LOG_NOTICE", "info" },
		{ "LOG_INFO", "info" }, { "LOG_DEBUG", "debug" },
	};
	const struct js_value *log = js_get(m->root, "log");
	const char *level = text_in(m, log, "level", NULL), *ours = NULL;

	for (size_t i = 0; level != NULL && i < 6; i++)
		if (strcmp(level, levels[i].theirs) == 0)
			ours = levels[i].ours;
	if (level != NULL && ours == NULL)
		WARN(m, js_get(log, "level"), "log.level: no level \"%s\"",
		    level);
	if (ours == NULL && flag_in(m->root, "debug"))
		ours = "debug";
	if (ours != NULL)
		buf_printf(m->out, "log_level: %s\n", ours);
	if (strcmp(text_in(m, log, "backend", "stdout"), "stdout") != 0)
		WARN(m, js_get(log, "backend"), "log.backend: the log goes to "
		    "standard error, from where the service manager takes it");
	if (flag_in(log, "application"))
		WARN(m, js_get(log, "application"), "log.application is not "
		    "needed: the program is called millrace");
}

/* ---- the flush ---- */

static void
put_interval(struct import *m, const char *key, const struct js_value *o,
    const char *name, double fallback)
{
	double ms = number_in(m, o, name, fallback, MIN_INTERVAL_MS,
	    MAX_INTERVAL_MS);

	buf_printf(m->out, "%s%.0fms\n", key, ms);
}

/* One percentile; those that we have no figures for are left out. */
static void
put_percentile(struct import *m, const struct js_value *v, double *seen,
    size_t *n)
{
	char *text = text_of(m, v);
	double d;

	if (text == NULL || !value_number(slice_str(text), &d) || d == 0 ||
	    fabs(d) > 100 || *n == MAX_PERCENTILES) {
		WARN(m, v, "percentThreshold: \"%s\" was left out: it is not "
		    "within 100 of 0", text == NULL ? "" : text);
		return;
	}
	for (size_t i = 0; i < *n; i++)
		if (seen[i] == d)
			return;
	buf_printf(m->out, "%s", *n > 0 ? ", " : "");
	yaml_value(m->out, slice_str(text));
	seen[(*n)++] = d;
}

static void
put_percentiles(struct import *m)
{
	const struct js_value *v = js_get(m->root, "percentThreshold");
	const struct js_value *const *items;
	double seen[MAX_PERCENTILES];
	size_t n, put_n = 0;

	if (!js_truth(v))
		return;
	n = items_of(&v, &items);
	buf_printf(m->out, "  percentiles: [");
	for (size_t i = 0; i < n; i++)
		put_percentile(m, items[i], seen, &put_n);
	buf_printf(m->out, "]\n");
}

/* A text that undefined leaves as it was, and nothing else. */
static void
put_prefix(struct import *m, const char *key, const struct js_value *o,
    const char *name)
{
	const struct js_value *v = js_get(o, name);
	char *text = text_of(m, v);

	if (text != NULL)
		import_text(m->out, key, v->type == JS_NULL ? "" : text);
}

static void
put_names(struct import *m)
{
	static const char *const prefixes[][2] = {
		{ "globalPrefix", "  prefix: " },
		{ "prefixCounter", "  prefix_counter: " },
		{ "prefixTimer", "  prefix_timer: " },
		{ "prefixGauge", "  prefix_gauge: " },
		{ "prefixSet", "  prefix_set: " },
	};
	const struct js_value *g = js_get(m->root, "graphite");
	const struct js_value *legacy = js_get(g, "legacyNamespace");
	const struct js_value *suffix = js_get(g, "globalSuffix");
	bool off = legacy != NULL && legacy->type == JS_BOOL &&
	    !legacy->boolean;

	put_prefix(m, "  namespace: ", m->root, "prefixStats");
	if (legacy != NULL && legacy->type != JS_BOOL)
		WARN(m, legacy, "legacyNamespace: neither true nor false; "
		    "statsd takes the legacy prefixes without the legacy names, "
		    "which has no equivalent: true is written");
	if (off)
		buf_printf(m->out, "  legacy: false\n");
	for (size_t i = 0; i < 5; i++) {
		const struct js_value *v = js_get(g, prefixes[i][0]);

		if (off)
			put_prefix(m, prefixes[i][1], g, prefixes[i][0]);
		else if (v != NULL)
			WARN(m, v, "graphite.%s: without effect, as in statsd, "
			    "while legacyNamespace is on", prefixes[i][0]);
	}
	if (js_truth(suffix))
		put_prefix(m, "  suffix: ", g, "globalSuffix");
	else if (suffix != NULL && suffix->type == JS_STRING)
		WARN(m, suffix, "graphite.globalSuffix: is empty; statsd would end every "
		    "name with a dot");
}

static void
put_deletes(struct import *m)
{
	static const char *const names[][2] = {
		{ "deleteIdleStats", "delete_idle" },
		{ "deleteCounters", "delete_counters" },
		{ "deleteTimers", "delete_timers" },
		{ "deleteSets", "delete_sets" },
		{ "deleteGauges", "delete_gauges" },
	};
	double ttl = number_in(m, m->root, "gaugesMaxTTL", 1, 1, 1e9);

	for (size_t i = 0; i < 5; i++)
		if (js_get(m->root, names[i][0]) != NULL)
			buf_printf(m->out, "  %s: %s\n", names[i][1], flag_in(m->root,
			    names[i][0]) ? "true" : "false");
	if (ttl > 1)
		buf_printf(m->out, "  gauges_ttl: %.0f\n", floor(ttl));
}

static void
put_timer_metrics(struct import *m)
{
	const struct js_value *v = js_get(m->root, "calculatedTimerMetrics");

	if (v == NULL || v->type != JS_ARRAY || v->n == 0)
		return;
	buf_printf(m->out, "  timer_metrics: [");
	for (size_t i = 0; i < v->n; i++) {
		char *text = text_of(m, v->items[i]);

		buf_printf(m->out, "%s", i > 0 ? ", " : "");
		yaml_value(m->out, slice_str(text == NULL ? "" : text));
	}
	buf_printf(m->out, "]\n");
}

static void
put_bins(struct import *m, const struct js_value *bins)
{
	double last = -HUGE_VAL, d;
	bool any = false;

	buf_printf(m->out, "bins: [");
	for (size_t i = 0; bins != NULL && bins->type == JS_ARRAY &&
	    i < bins->n; i++) {
		char *text = text_of(m, bins->items[i]);

		if (text == NULL || !value_number(slice_str(text), &d) ||
		    d <= last) {
			WARN(m, bins->items[i], "histogram: bin \"%s\" is no "
			    "number above the one before: left out",
			    text == NULL ? "" : text);
			continue;
		}
		last = d;
		buf_printf(m->out, "%s", any ? ", " : "");
		yaml_value(m->out, slice_str(text));
		any = true;
	}
	buf_printf(m->out, "]}\n");
}

static void
put_histogram(struct import *m)
{
	const struct js_value *v = js_get(m->root, "histogram");
	const struct js_value *const *items;
	size_t n = items_of(&v, &items);

	if (n == 0)
		return;
	buf_printf(m->out, "  histogram:\n");
	for (size_t i = 0; i < n; i++) {
		const char *metric = text_of(m, js_get(items[i], "metric"));

		buf_printf(m->out, "    - {metric: ");
		yaml_value(m->out, slice_str(metric == NULL ? "undefined" :
		    metric));
		buf_printf(m->out, ", ");
		put_bins(m, js_get(items[i], "bins"));
	}
}

static void
put_key_flush(struct import *m)
{
	const struct js_value *k = js_get(m->root, "keyFlush");
	const char *log = text_in(m, k, "log", NULL);

	if (!flag_in(k, "interval"))
		return;
	buf_printf(m->out, "  key_flush:\n");
	put_interval(m, "    interval: ", k, "interval", 0);
	buf_printf(m->out, "    percent: %.0f\n", number_in(m, k, "percent", 100, 1, 100));
	if (log != NULL)
		import_text(m->out, "    log: ", log);
}

static void
put_flush(struct import *m)
{
	buf_printf(m->out, "flush:\n");
	put_interval(m, "  interval: ", m->root, "flushInterval", 10000);
	put_percentiles(m);
	put_names(m);
	if (js_get(m->root, "flush_counts") != NULL &&
	    !flag_in(m->root, "flush_counts"))
		buf_printf(m->out, "  flush_counts: false\n");
	put_deletes(m);
	put_timer_metrics(m);
	put_histogram(m);
	put_key_flush(m);
	buf_printf(m->out, "  persistent: false        # true keeps gauges over a restart\n");
}

/* ---- where it goes ---- */

static void
begin_cluster(struct import *m, const char *name, const char *method)
{
	buf_printf(m->out, "%s  %s:\n    method: %s\n", m->clusters++ == 0 ? "clusters:\n" :
	    "", name, method);
}

/* {host: ..., port: ...} with more behind it. */
static void
put_target(struct import *m, const char *host, unsigned port,
    const char *more)
{
	buf_printf(m->out, "      - {host: ");
	yaml_value(m->out, slice_str(host));
	buf_printf(m->out, ", port: %u%s}\n", port, more);
}

static void
put_graphite(struct import *m)
{
	const char *host = text_in(m, m->root, "graphiteHost", NULL);
	bool pickle = strcmp(text_in(m, m->root, "graphiteProtocol", "text"),
	    "pickle") == 0;

	if (host == NULL) {
		WARN(m, m->root, "graphiteHost is not set: nothing goes to "
		    "Graphite, as in statsd");
		return;
	}
	begin_cluster(m, "graphite", "forward");
	buf_printf(m->out, "    connect_per_flush: true  # false keeps the connection\n"
	    "    servers:\n");
	if (pickle)
		put_target(m, host, port_in(m, m->root, "graphitePicklePort",
		    2004), ", protocol: pickle");
	else
		put_target(m, host, port_in(m, m->root, "graphitePort", 2003),
		    "");
}

static void
put_console(struct import *m, const struct js_value *v)
{
	begin_cluster(m, "console", "file");
	buf_printf(m->out, "    servers: ['/dev/stdout']\n");
	WARN(m, v, "backend console: the figures are printed as lines of "
	    "Graphite, not as an object of JavaScript");
}

/* Raw copies: a cluster that speaks statsd gets samples as they came. */
static void
put_repeater(struct import *m, const struct js_value *backend)
{
	const struct js_value *v = js_get(m->root, "repeater");
	bool tcp = strcmp(text_in(m, m->root, "repeaterProtocol", "udp4"),
	    "tcp") == 0;
	const struct js_value *const *items;
	size_t n = items_of(&v, &items);

	if (n == 0) {
		WARN(m, backend, "backend repeater: repeater names no server");
		return;
	}
	begin_cluster(m, "repeater", "forward");
	buf_printf(m->out, "    servers:\n");
	for (size_t i = 0; i < n; i++)
		put_target(m, text_in(m, items[i], "host", "127.0.0.1"),
		    port_in(m, items[i], "port", 8125), tcp ?
		    ", protocol: statsd" :
		    ", protocol: statsd, transport: udp");
}

static void
put_backend(struct import *m, const struct js_value *v, unsigned *seen)
{
	static const char *const ours[] = { "graphite", "console", "repeater" };
	char *path = text_of(m, v);
	const char *name = module_name(m, path == NULL ? "" : path);
	bool npm = path == NULL || strchr(path, '/') == NULL ||
	    strstr(path, "node_modules") != NULL;
	unsigned i = 0;

	while (i < 3 && strcmp(name, ours[i]) != 0)
		i++;
	if (i == 3 || npm) {
		WARN(m, v, "backend \"%s\": a program for Node.js has no "
		    "equivalent", path == NULL ? "" : path);
		return;
	}
	if ((*seen & 1u << i) != 0)
		return;
	*seen |= 1u << i;
	if (i == 0)
		put_graphite(m);
	else if (i == 1)
		put_console(m, v);
	else
		put_repeater(m, v);
}

static void
put_backends(struct import *m)
{
	const struct js_value *v = js_get(m->root, "backends");
	const struct js_value *const *items;
	size_t n = items_of(&v, &items);
	unsigned seen = 0;

	if (!js_truth(v))
		put_graphite(m);
	for (size_t i = 0; js_truth(v) && i < n; i++)
		put_backend(m, items[i], &seen);
	if (js_truth(v) && (seen & 1) == 0 && flag_in(m->root, "graphiteHost"))
		WARN(m, js_get(m->root, "graphiteHost"), "graphiteHost: without "
		    "effect, as backends has no \"./backends/graphite\"");
	if (m->clusters == 0) {
		begin_cluster(m, "nowhere", "'null'");
	}
}

/* ---- the proxy ---- */

static void
put_nodes(struct import *m, const struct js_value *nodes)
{
	const struct js_value *const *items;
	size_t n = items_of(&nodes, &items);

	begin_cluster(m, "proxy", "statsd_ring");
	put_interval(m, "    check_interval: ", m->root, "checkInterval", 10000);
	buf_printf(m->out, "    servers:\n");
	for (size_t i = 0; i < n; i++) {
		const char *more = ", protocol: statsd, transport: udp";

		if (flag_in(items[i], "adminport"))
			more = arena_printf(m->arena, "%s, admin_port: %u",
			    more, port_in(m, items[i], "adminport", 8126));
		put_target(m, text_in(m, items[i], "host", "127.0.0.1"),
		    port_in(m, items[i], "port", 8125), more);
	}
	if (n == 0)
		fault_add(&m->faults, mark_of(m, nodes), "nodes: none");
}

static void
put_proxy(struct import *m)
{
	const struct js_value *forks = js_get(m->root, "forkCount");

	if (js_truth(forks) && forks->type == JS_NUMBER)
		buf_printf(m->out, "workers: %.0f\n", number_in(m, m->root, "forkCount", 0,
		    1, 256));
	put_log(m);
	put_statsd(m, true);
	buf_printf(m->out, "flush: {persistent: false}\n");
	put_nodes(m, js_get(m->root, "nodes"));
}

/* ---- what is not carried over ---- */

/* Options, with a remark for those that come to nothing. */
struct option {
	const char *name, *remark;
};

static const struct option options[] = {
	{ "address", NULL },
	{ "address_ipv6", NULL },
	{ "automaticConfigReload", NULL },
	{ "backends", NULL },
	{ "cacheSize", "not needed: each name's place is kept with the name" },
	{ "calculatedTimerMetrics", NULL },
	{ "checkInterval", NULL },
	{ "console", "there is one form of output on the console" },
	{ "debug", NULL },
	{ "deleteCounters", NULL },
	{ "deleteGauges", NULL },
	{ "deleteIdleStats", NULL },
	{ "deleteSets", NULL },
	{ "deleteTimers", NULL },
	{ "dumpMessages", NULL },
	{ "flushInterval", NULL },
	{ "flush_counts", NULL },
	{ "forkCount", NULL },
	{ "gaugesMaxTTL", NULL },
	{ "graphite", NULL },
	{ "graphiteHost", NULL },
	{ "graphitePicklePort", NULL },
	{ "graphitePort", NULL },
	{ "graphiteProtocol", NULL },
	{ "healthStatus", "without effect, as in statsd; \"health down\" at the "
	    "management port sets it" },
	{ "histogram", NULL },
	{ "host", "without effect, as in statsd; address says where to listen" },
	{ "keyFlush", NULL },
	{ "keyNameSanitize", NULL },
	{ "log", NULL },
	{ "mgmt_address", NULL },
	{ "mgmt_port", NULL },
	{ "nodes", NULL },
	{ "percentThreshold", NULL },
	{ "port", NULL },
	{ "prefixStats", NULL },
	{ "repeater", NULL },
	{ "repeaterProtocol", NULL },
	{ "server", NULL },
	{ "servers", NULL },
	{ "socket", NULL },
	{ "socket_mod", NULL },
	{ "title", "not needed: the process is called millrace" },
	{ "udp_version", "without effect, as in statsd; address says which" },
	{ NULL, NULL }
};

static const struct option graphite_options[] = {
	{ "globalPrefix", NULL },
	{ "globalSuffix", NULL },
	{ "legacyNamespace", NULL },
	{ "prefixCounter", NULL },
	{ "prefixGauge", NULL },
	{ "prefixSet", NULL },
	{ "prefixTimer", NULL },
	{ NULL, NULL }
};

static void
remark_options(struct import *m, const struct js_value *o, const char *prefix,
    const struct option *known)
{
	for (size_t i = 0; o != NULL && o->type == JS_OBJECT && i < o->n; i++) {
		const struct js_member *member = &o->members[i];
		const struct option *k = known;

		while (k->name != NULL &&
		    !slice_eq(member->name, slice_str(k->name)))
			k++;
		if (k->name == NULL)
			WARN(m, member->value, "%s%.*s is no option of statsd",
			    prefix, SLICE_ARG(slice_upto(member->name, 200)));
		else if (k->remark != NULL)
			WARN(m, member->value, "%s%s: %s", prefix, k->name,
			    k->remark);
	}
}

/* ---- all of it ---- */

static void
put_all(struct import *m)
{
	const struct js_value *watch = js_get(m->root, "automaticConfigReload");

	if (m->root->type != JS_OBJECT) {
		fault_add(&m->faults, mark_of(m, m->root),
		    "expected { with options, found %s", js_type_name(m->root));
		return;
	}
	m->watch = watch == NULL || js_truth(watch);
	if (watch != NULL && !m->direct)
		WARN(m, watch, "automaticConfigReload: millrace.yaml is read "
		    "again on SIGHUP, not by itself");
	buf_printf(m->out, "# Made by millrace import statsd.\n");
	remark_options(m, m->root, "", options);
	if (js_truth(js_get(m->root, "nodes"))) {
		put_proxy(m);
		return;
	}
	remark_options(m, js_get(m->root, "graphite"), "graphite.",
	    graphite_options);
	put_log(m);
	put_statsd(m, false);
	put_flush(m);
	put_backends(m);
}

/* Returns how many faults there were. */
static size_t
run(struct import *m, const struct js_env *env, struct buf *remarks)
{
	size_t errors;

	m->root = js_read(m->text, m->path, env, m->arena, &m->faults);
	if (m->root != NULL)
		put_all(m);
	errors = m->faults.errors;
	if (errors > 0)
		buf_clear(m->out);
	faults_print(&m->faults, remarks);
	return errors;
}

int
import_statsd_in(const struct js_env *env, struct slice text,
    const char *name, struct buf *yaml, struct buf *remarks)
{
	struct import m = { .arena = arena_new(), .out = yaml, .text = text,
	    .path = name };
	size_t errors;

	faults_init(&m.faults, m.arena);
	errors = run(&m, env, remarks);
	arena_free(m.arena);
	return errors == 0 ? 0 : -1;
}

/* watch NULL: it is to be written down. */
static int
import_file(const char *path, bool *watch, struct buf *yaml,
    struct buf *remarks)
{
	struct import m = { .arena = arena_new(), .out = yaml, .path = path,
	    .direct = watch != NULL };
	size_t errors = 1;

	faults_init(&m.faults, m.arena);
	if (import_read(m.arena, path, &m.text))
		errors = run(&m, &js_env_real, remarks);
	else
		buf_printf(remarks, "%s: %s\n", path, strerror(errno));
	if (errors == 0 && watch != NULL)
		*watch = m.watch;
	arena_free(m.arena);
	return errors == 0 ? 0 : -1;
}

int
import_statsd(const char *path, struct buf *yaml, struct buf *remarks)
{
	return import_file(path, NULL, yaml, remarks);
}

struct conf *
statsd_config_load(const char *path, const char *state_dir, bool *watch,
    struct buf *errors)
{
	struct buf yaml = BUF_INIT(IMPORT_MAX);
	struct conf *c = NULL;
	bool ok = import_file(path, watch, &yaml, errors) == 0;

	buf_adds(&yaml, "state_dir: ");
	yaml_value(&yaml, slice_str(state_dir));
	buf_addc(&yaml, '\n');
	if (ok)
		c = conf_parse(buf_slice(&yaml), path, errors);
	buf_fini(&yaml);
	return c;
}
