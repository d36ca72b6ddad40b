/* import_statsite.c - statsite's INI file as millrace.yaml. */
#include "config.h"

#include <errno.h>
#include <math.h>
#include <stdio.h>

#include "base/number.h"
#include "conf/carbon_conf.h"
#include "conf/import.h"
#include "conf/import_parts.h"

#define MAX_BINS	1024
#define MAX_QUANTILES	64

struct import {
	struct arena *arena;
	struct faults faults;
	struct buf *out;
	const char *path;
	struct ini ini;
	const struct ini_section *s;	/* [statsite]; NULL: all defaults */
	const char *host, *prefix;	/* of its sink for Graphite, or NULL */
	unsigned port;
};

#define WARN(m, e, ...) fault_warn(&(m)->faults, (e)->mark, __VA_ARGS__)

/* ---- settings ---- */

/* Without a comment behind a blank and ';', as statsite's reader has it. */
static struct slice
value_of(const struct ini_entry *e)
{
	struct slice s = slice_str(e->value);

	for (size_t i = 1; i < s.len; i++)
		if (s.ptr[i] == ';' && (s.ptr[i - 1] == ' ' ||
		    s.ptr[i - 1] == '\t'))
			return slice_trim(slice_upto(s, i));
	return s;
}

static const char *
text_in(struct import *m, const char *key, const char *fallback)
{
	const struct ini_entry *e = ini_get(m->s, key);

	return e == NULL ? fallback : arena_dup(m->arena, value_of(e));
}

static double
number_of(struct import *m, const struct ini_entry *e, double fallback)
{
	double d;

	if (e == NULL)
		return fallback;
	if (number_double(value_of(e), &d))
		return d;
	fault_add(&m->faults, e->mark, "%s: \"%s\" is no number", e->key,
	    e->value);
	return fallback;
}

static double
number_in(struct import *m, const char *key, double fallback, double min,
    double max)
{
	const struct ini_entry *e = ini_get(m->s, key);
	double d = number_of(m, e, fallback), in = d;

	if (e == NULL || (d >= min && d <= max))
		return d;
	in = d < min ? min : max;
	WARN(m, e, "%s: \"%s\": %g is written", key, e->value, in);
	return in;
}

static bool
flag_in(struct import *m, const char *key, bool fallback)
{
	const struct ini_entry *e = ini_get(m->s, key);
	struct slice s;

	if (e == NULL)
		return fallback;
	s = value_of(e);
	return slice_eq_nocase(s, SLICE("true")) ||
	    slice_eq_nocase(s, SLICE("yes")) || slice_eq(s, SLICE("1"));
}

/* "counts." is "counts": the point between the words is ours. */
static void
put_prefix(struct import *m, const char *key, const char *text)
{
	struct slice s = slice_str(text);

	if (s.len > 0 && s.ptr[s.len - 1] == '.')
		s.len--;
	import_text(m->out, key, arena_dup(m->arena, s));
}

/* ---- sections ---- */

static void
put_statsd(struct import *m)
{
	const char *address = text_in(m, "bind_address", "*");
	const char *tcp = ini_get(m->s, "tcp_port") != NULL ? "tcp_port" :
	    "port";
	unsigned ports[] = { (unsigned)number_in(m, "udp_port", 8125, 0, 65535),
	    (unsigned)number_in(m, tcp, 8125, 0, 65535) };
	double rcvbuf = number_in(m, "udp_rcvbuf", 0, 0, 1 << 30);
	bool v6;

	if (strcmp(address, "::") == 0 || strcmp(address, "0.0.0.0") == 0)
		address = "*";
	v6 = strchr(address, ':') != NULL;
	buf_printf(m->out, "statsd:\n  listen:\n");
	for (int i = 0; i < 2; i++)
		if (ports[i] != 0)
			import_text(m->out, "    - ", arena_printf(m->arena,
			    "%s://%s%s%s:%u", i == 0 ? "udp" : "tcp",
			    v6 ? "[" : "", address, v6 ? "]" : "", ports[i]));
	if (ports[0] == 0 && ports[1] == 0)
		buf_printf(m->out, "    []\n");
	buf_printf(m->out, "  management: ''\n  sanitize: false\n");
	buf_printf(m->out, "  limits: {idle: 0");
	if (rcvbuf > 0)
		buf_printf(m->out, ", rcvbuf: %.0f", rcvbuf);
	buf_printf(m->out, "}\n");
}

/* statsite's quantiles are parts of 1. */
static void
put_quantiles(struct import *m)
{
	const struct ini_entry *e = ini_get(m->s, "quantiles");
	struct slice rest = e == NULL ? SLICE("0.5, 0.95, 0.99") : value_of(e);
	double seen[MAX_QUANTILES], d;
	char text[NUMBER_TEXT];
	size_t n = 0, i;

	buf_printf(m->out, "  percentiles: [");
	while (rest.ptr != NULL) {
		struct slice one = slice_trim(slice_cut(&rest, ','));

		if (!number_double(one, &d) || d <= 0 || d >= 1 ||
		    n == MAX_QUANTILES) {
			fault_add(&m->faults, e == NULL ? m->s->mark : e->mark,
			    "quantiles: \"%.*s\" is not between 0 and 1",
			    SLICE_ARG(one));
			continue;
		}
		d = round(d * 1e8) / 1e6;	/* 0.999 is 99.9 */
		for (i = 0; i < n && seen[i] != d; i++)
			;
		if (i < n)
			continue;
		seen[n++] = d;
		number_format_js(text, d);
		buf_printf(m->out, "%s%s", n > 1 ? ", " : "", text);
	}
	buf_printf(m->out, "]\n");
}

static void
put_bins(struct import *m, const struct ini_section *s)
{
	double min = number_of(m, ini_get(s, "min"), 0);
	double max = number_of(m, ini_get(s, "max"), 0);
	double width = number_of(m, ini_get(s, "width"), 0);
	const struct ini_entry *prefix = ini_get(s, "prefix");
	char text[NUMBER_TEXT];

	if (prefix == NULL || !(width > 0) || !(max > min) ||
	    (max - min) / width > MAX_BINS) {
		fault_add(&m->faults, s->mark, "[%s]: prefix, min, max and "
		    "width are needed, and no more than %d bins", s->name,
		    MAX_BINS);
		return;
	}
	buf_printf(m->out, "    - {metric: ");
	yaml_value(m->out, value_of(prefix));
	buf_printf(m->out, ", bins: [");
	for (unsigned i = 0; i <= MAX_BINS && min + i * width < max; i++) {
		number_format_js(text, min + i * width);
		buf_printf(m->out, "%s, ", text);
	}
	number_format_js(text, max);
	buf_printf(m->out, "%s, inf]}\n", text);
	WARN(m, s, "[%s]: the names of bins are bin_ and "
	    "an upper bound here, and prefix may stand anywhere in a name",
	    s->name);
}

static void
put_histograms(struct import *m)
{
	bool any = false;

	for (size_t i = 0; i < m->ini.n; i++) {
		const struct ini_section *s = &m->ini.v[i];

		if (strncmp(s->name, "histogram", 9) != 0)
			continue;
		buf_printf(m->out, "%s", any ? "" : "  histogram:\n");
		any = true;
		put_bins(m, s);
	}
}

static void
put_names(struct import *m)
{
	static const char *const words[][3] = {
		{ "  prefix_counter: ", "counts_prefix", "counts." },
		{ "  prefix_timer: ", "timers_prefix", "timers." },
		{ "  prefix_gauge: ", "gauges_prefix", "gauges." },
		{ "  prefix_set: ", "sets_prefix", "sets." },
	};
	bool typed = flag_in(m, "use_type_prefix", true);

	buf_printf(m->out, "  legacy: false\n");
	put_prefix(m, "  prefix: ", arena_printf(m->arena, "%s%s",
	    m->prefix == NULL ? "" : m->prefix,
	    text_in(m, "global_prefix", "")));
	for (size_t i = 0; i < 4; i++)
		put_prefix(m, words[i][0], typed ? text_in(m, words[i][1],
		    words[i][2]) : "");
}

static void
put_flush(struct import *m)
{
	buf_printf(m->out, "flush:\n  interval: %.0fs\n", number_in(m, "flush_interval", 10,
	    1, 86400));
	if (flag_in(m, "aligned_flush", false))
		buf_printf(m->out, "  align: true\n");
	put_quantiles(m);
	put_names(m);
	buf_printf(m->out, "  delete_idle: true\n  persistent: false\n");
	buf_printf(m->out, "  timers: {quantiles: sketch, error: %g}\n",
	    number_in(m, "timer_eps", 0.01, 0.0001, 0.2));
	buf_printf(m->out, "  sets: {exact: 64}\n");
	put_histograms(m);
}

/* The next word of a command; an empty one is the end. */
static const char *
next_word(struct import *m, struct slice *s)
{
	struct slice word;
	size_t n = 0;

	*s = slice_trim(*s);
	while (n < s->len && s->ptr[n] != ' ' && s->ptr[n] != '\t')
		n++;
	word = slice_upto(*s, n);
	*s = slice_from(*s, n);
	if (word.len > 1 && (word.ptr[0] == '"' || word.ptr[0] == '\'') &&
	    word.ptr[word.len - 1] == word.ptr[0])
		word = slice_of(word.ptr + 1, word.len - 2);
	return arena_dup(m->arena, word);
}

static bool
ends_with(const char *s, const char *end)
{
	size_t n = strlen(s), k = strlen(end);

	return n >= k && strcmp(s + n - k, end) == 0;
}

/* Its own sink for Graphite: "python sinks/graphite.py HOST PORT [PREFIX]". */
static void
find_graphite_sink(struct import *m)
{
	const struct ini_entry *e = ini_get(m->s, "stream_cmd");
	struct slice command = e == NULL ? SLICE("") : value_of(e);
	const char *word, *host, *port;
	uint64_t n;

	do {
		word = next_word(m, &command);
		if (word[0] == '\0')
			return;
	} while (!ends_with(word, "graphite.py"));
	host = next_word(m, &command);
	port = next_word(m, &command);
	if (host[0] == '\0' || host[0] == '-' ||
	    !number_u64(slice_str(port), &n) || n == 0 || n > 65535)
		return;
	word = next_word(m, &command);
	m->host = host;
	m->port = (unsigned)n;
	m->prefix = word[0] == '\0' ? "statsite." : word;
}

static void
put_sink(struct import *m)
{
	const struct ini_entry *e = ini_get(m->s, "stream_cmd");

	buf_printf(m->out, "clusters:\n");
	if (m->host != NULL) {
		buf_printf(m->out, "  graphite:\n    method: forward\n    servers:\n"
		    "      - {host: ");
		yaml_value(m->out, slice_str(m->host));
		buf_printf(m->out, ", port: %u}\n", m->port);
	} else if (e == NULL || slice_eq(value_of(e), SLICE("cat")))
		buf_printf(m->out, "  console: {method: file, servers: ['/dev/stdout']}\n");
	else {
		buf_printf(m->out, "  nowhere: {method: 'null'}\n");
		WARN(m, e, "stream_cmd: no program is run at a flush; name the "
		    "Graphite servers under clusters");
	}
}

static void
put_top(struct import *m)
{
	static const char *const levels[][2] = {
		{ "DEBUG", "debug" }, { "INFO", "info" }, { "WARN", "warn" },
		{ "ERROR", "error" }, { "CRITICAL", "error" }, { NULL, NULL }
	};
	struct slice level = slice_str(text_in(m, "log_level", ""));

	for (size_t i = 0; levels[i][0] != NULL; i++)
		if (slice_eq_nocase(level, slice_str(levels[i][0])))
			buf_printf(m->out, "log_level: %s\n", levels[i][1]);
	if (flag_in(m, "daemonize", false))
		import_text(m->out, "pid_file: ", text_in(m, "pid_file",
		    "/var/run/statsite.pid"));
}

/* ---- remarks ---- */

static const struct {
	const char *key, *remark;
} keys[] = {
	{ "aligned_flush", NULL },
	{ "binary_stream", "there is no binary stream to a program" },
	{ "bind_address", NULL },
	{ "counts_prefix", NULL },
	{ "daemonize", "the daemon stays in the foreground; a service manager "
	    "puts it behind" },
	{ "extended_counters", "a counter has .count and .rate" },
	{ "flush_interval", NULL },
	{ "gauges_prefix", NULL },
	{ "global_prefix", NULL },
	{ "input_counter", "not needed: statsd.metrics_received counts the "
	    "input" },
	{ "kv_prefix", "kv values have no prefix" },
	{ "legacy_extended_counters", "a counter has .count and .rate" },
	{ "log_facility", "the log goes to standard error" },
	{ "log_level", NULL },
	{ "parse_stdin", "standard input is not read" },
	{ "pid_file", NULL },
	{ "port", NULL },
	{ "prefix_binary_stream", "there is no binary stream to a program" },
	{ "quantiles", NULL },
	{ "set_eps", "a set is exact up to 64 members, then within 2 percent" },
	{ "sets_prefix", NULL },
	{ "stream_cmd", NULL },
	{ "tcp_port", NULL },
	{ "timer_eps", NULL },
	{ "timers_include", "name figures in flush.timer_metrics, by the names "
	    "they have here" },
	{ "timers_prefix", NULL },
	{ "udp_port", NULL },
	{ "udp_rcvbuf", NULL },
	{ "use_type_prefix", NULL },
};

static void
remark_entry(struct import *m, const struct ini_entry *e)
{
	for (size_t i = 0; i < sizeof keys / sizeof *keys; i++) {
		if (!slice_eq_nocase(slice_str(e->key), slice_str(keys[i].key)))
			continue;
		if (keys[i].remark != NULL)
			WARN(m, e, "%s: %s", e->key, keys[i].remark);
		return;
	}
	WARN(m, e, "%s is no setting of statsite", e->key);
}

static void
remarks(struct import *m)
{
	for (size_t i = 0; i < m->ini.n; i++) {
		const struct ini_section *s = &m->ini.v[i];

		if (strcmp(s->name, "statsite") != 0 &&
		    strncmp(s->name, "histogram", 9) != 0)
			fault_add(&m->faults, s->mark, "[%s]: statsite knows "
			    "[statsite] and [histogram...] only", s->name);
	}
	for (size_t i = 0; m->s != NULL && i < m->s->n; i++)
		remark_entry(m, &m->s->v[i]);
	fault_warn(&m->faults, (struct conf_mark){ m->path, 0, 0 },
	    "figures of timers are called upper_95 and so on, not p95, and "
	    "counters end in .count and .rate");
}

int
import_statsite(const char *path, struct buf *yaml, struct buf *out)
{
	struct import m = { .arena = arena_new(), .out = yaml, .path = path };
	struct slice text;
	bool ok;

	faults_init(&m.faults, m.arena);
	if (import_read(m.arena, path, &text)) {
		ini_read(&m.ini, text, path, m.arena, &m.faults);
		m.s = ini_section(&m.ini, "statsite");
		remarks(&m);
		find_graphite_sink(&m);
		buf_printf(m.out, "# Made by millrace import statsite.\n");
		put_top(&m);
		put_statsd(&m);
		put_flush(&m);
		put_sink(&m);
	} else
		fault_add(&m.faults, (struct conf_mark){ path, 0, 0 }, "%s",
		    strerror(errno));
	ok = m.faults.errors == 0;
	if (!ok)
		buf_clear(yaml);
	faults_print(&m.faults, out);
	arena_free(m.arena);
	return ok ? 0 : -1;
}
