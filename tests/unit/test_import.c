/* Configurations of statsd, statsite and brubeck, imported: what is written,
 * what is said, and that millrace takes what is written. */
#include "config.h"

#include <check.h>
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

#include "conf/conf.h"
#include "conf/import.h"
#include "conf/import_statsd.h"

static char path[64];

static void
write_file(const char *text)
{
	FILE *f;
	int fd;

	strcpy(path, "/tmp/import.XXXXXX");
	fd = mkstemp(path);
	ck_assert_int_ne(fd, -1);
	f = fdopen(fd, "w");
	fputs(text, f);
	fclose(f);
}

/* Whatever we write, we take. */
static struct conf *
parsed(struct buf *yaml)
{
	struct buf errors = BUF_INIT(1 << 20);
	struct conf *c = conf_parse(buf_slice(yaml), "out", &errors);

	ck_assert_msg(c != NULL, "%s\n%s", buf_cstr(&errors), buf_cstr(yaml));
	ck_assert_msg(errors.len == 0, "%s", buf_cstr(&errors));
	buf_fini(&errors);
	return c;
}

static void
expect(int rc, struct buf *yaml, struct buf *remarks, const char *wants,
    const char *says)
{
	buf_cstr(yaml);
	buf_cstr(remarks);
	if (rc == 0)
		conf_free(parsed(yaml));
	else
		ck_assert_uint_eq(yaml->len, 0);
	if (wants == NULL)
		ck_assert_int_eq(rc, -1);
	else
		ck_assert_msg(rc == 0 && strstr(yaml->data, wants) != NULL,
		    "no \"%s\" in\n%s%s", wants, rc == 0 ? yaml->data : "",
		    remarks->data);
	if (says == NULL)
		ck_assert_msg(remarks->len == 0, "%s", remarks->data);
	else if (says[0] != '*')
		ck_assert_msg(remarks->len > 0 &&
		    strstr(remarks->data, says) != NULL, "no \"%s\" in\n%s",
		    says, remarks->len > 0 ? remarks->data : "");
	buf_fini(yaml);
	buf_fini(remarks);
}

/* ---- statsd ---- */

static bool
false_host(void *arg, struct buf *out)
{
	return buf_adds(out, "web1.example.com");
}

static bool
false_env(void *arg, const char *name, struct buf *out)
{
	return strcmp(name, "GRAPHITE") == 0 && buf_adds(out, "g.example.com");
}

static const struct js_env world = {
	.host_name = false_host, .get_env = false_env
};

#define G "graphiteHost: 'g'"

/* wants: a part of what is written, NULL: refused; says: a part of what is
 * said, NULL: nothing may be, "*": anything. */
static const struct {
	const char *in, *wants, *says;
} statsd_rows[] = {
	/* styles */
	{ "{\n  graphitePort: 2003\n, graphiteHost: \"graphite.example.com\"\n"
	    ", port: 8125\n, backends: [ \"./backends/graphite\" ]\n}\n",
	    "{host: 'graphite.example.com', port: 2003}", NULL },
	{ "/*\n * comment\n */\nmodule.exports = {\n  \"graphiteHost\": "
	    "\"g\", // carbon\n  'flushInterval': 60000,\n};",
	    "interval: 60000ms", NULL },
	{ "{" G ",graphite:{legacyNamespace:false,globalSuffix:"
	    "require('os').hostname().split('.')[0]}}",
	    "  legacy: false\n  suffix: 'web1'\n", NULL },
	{ "{graphiteHost: process.env.GRAPHITE || 'localhost', graphitePort: "
	    "process.env.GRAPHITE_PORT || 2013}",
	    "{host: 'g.example.com', port: 2013}", NULL },
	{ "{graphiteHost: process.env.NO || \"local\" + 'host', "
	    "flushInterval: 10 * 1000}", "{host: 'localhost', port: 2003}",
	    NULL },
	{ "config = {" G ", port: '9125'}", "'udp://*:9125'", NULL },
	/* quoting */
	{ "{graphiteHost: 'g', prefixStats: \"it's ${HOME} #1: x\"}",
	    "  namespace: 'it''s $${HOME} #1: x'\n", NULL },
	{ "{graphiteHost: 'g', prefixStats: 'a\\nb: c'}",
	    "  namespace: \"a\\x0ab: c\"\n", NULL },
	/* listeners */
	{ "{" G "}", "    - 'udp://*:8125'\n  management: '*:8126'\n", NULL },
	{ "{" G ", address: '127.0.0.1', port: 18125}",
	    "'udp://127.0.0.1:18125'", NULL },
	{ "{" G ", address: '::1', address_ipv6: true}", "'udp://[::1]:8125'",
	    NULL },
	{ "{" G ", server: './servers/tcp'}", "    - 'tcp://*:8125'\n", NULL },
	{ "{" G ", servers: [{server: './servers/udp', port: 1}, {server: "
	    "'./servers/tcp.js', address: '0.0.0.0', port: 2}, {server: "
	    "'./servers/tcp', socket: '/run/s.sock'}], port: 9}",
	    "    - 'udp://*:1'\n    - 'tcp://0.0.0.0:2'\n"
	    "    - 'unix:///run/s.sock'\n  management", NULL },
	{ "{" G ", server: './servers/tcp', socket: 's.sock', socket_mod: "
	    "0666}", "'unix://./s.sock'", "1:76: warning: socket_mod" },
	{ "{" G ", servers: [{server: './servers/udp'}, {server: 'quic'}]}",
	    "'udp://*:8125'", "warning: server \"quic\": a program for" },
	{ "{" G ", mgmt_address: '127.0.0.1', mgmt_port: 9126}",
	    "  management: '127.0.0.1:9126'\n", NULL },
	{ "{" G ", mgmt_address: '::'}", "  management: '[::]:8126'\n", NULL },
	{ "{" G ", port: 123456}", "'udp://*:65535'",
	    "1:27: warning: port: \"123456\": 65535 is written" },
	{ "{" G ", keyNameSanitize: false, debug: true, dumpMessages: true}",
	    "  sanitize: false\n  debug: true\n  dump_messages: true\n", NULL },
	/* the log */
	{ "{" G ", log: {level: 'LOG_WARNING'}}", "log_level: warn\n", NULL },
	{ "{" G ", debug: true}", "log_level: debug\n", NULL },
	{ "{" G ", log: {backend: 'syslog', application: 's', level: 'X'}}",
	    "statsd:", "warning: log.level: no level \"X\"" },
	{ "{" G ", log: {backend: 'syslog'}}", "statsd:",
	    "warning: log.backend: the log goes" },
	{ "{" G ", log: {application: 's'}}", "statsd:",
	    "warning: log.application is not needed" },
	/* the flush */
	{ "{" G "}", "flush:\n  interval: 10000ms\n  persistent: false",
	    NULL },
	{ "{" G ", flushInterval: 250}", "  interval: 250ms\n", NULL },
	{ "{" G ", flushInterval: '1000'}", "  interval: 1000ms\n", NULL },
	{ "{" G ", flushInterval: 0}", "  interval: 10000ms\n", NULL },
	{ "{" G ", flushInterval: 10}", "  interval: 100ms\n",
	    "flushInterval: \"10\": 100 is written" },
	{ "{" G ", flushInterval: 'soon'}", "  interval: 10000ms\n",
	    "flushInterval: \"soon\": 10000 is written" },
	{ "{" G ", percentThreshold: 95}", "  percentiles: ['95']\n", NULL },
	{ "{" G ", percentThreshold: '99.9'}", "  percentiles: ['99.9']\n",
	    NULL },
	{ "{" G ", percentThreshold: [90, 99.90, -5, 90]}",
	    "  percentiles: ['90', '99.9', '-5']\n", NULL },
	{ "{" G ", percentThreshold: []}", "  percentiles: []\n", NULL },
	{ "{" G ", percentThreshold: 0}", "interval: 10000ms\n  persistent",
	    NULL },
	{ "{" G ", percentThreshold: [0, 101, 'x', 50]}",
	    "  percentiles: ['50']\n",
	    "1:40: warning: percentThreshold: \"0\" was left out" },
	{ "{" G ", prefixStats: 'my.statsd'}", "  namespace: 'my.statsd'\n",
	    NULL },
	{ "{" G ", prefixStats: ''}", "  namespace: ''\n", NULL },
	{ "{" G ", graphite: {legacyNamespace: false, globalPrefix: 'p', "
	    "prefixCounter: 'c', prefixTimer: 't', prefixGauge: '', prefixSet: "
	    "'s'}}", "  legacy: false\n  prefix: 'p'\n  prefix_counter: 'c'\n"
	    "  prefix_timer: 't'\n  prefix_gauge: ''\n  prefix_set: 's'\n",
	    NULL },
	{ "{" G ", graphite: {globalSuffix: ''}}", "flush:",
	    "1:46: warning: graphite.globalSuffix: is empty" },
	{ "{" G ", graphite: {globalPrefix: 'p'}}", "flush:",
	    "1:46: warning: graphite.globalPrefix: without effect" },
	{ "{" G ", graphite: {legacyNamespace: 'false'}}", "flush:",
	    "legacyNamespace: neither true nor false" },
	{ "{" G ", graphite: {nonsense: 1}}", "flush:",
	    "warning: graphite.nonsense is no option of statsd" },
	{ "{" G ", flush_counts: false}", "  flush_counts: false\n", NULL },
	{ "{" G ", deleteIdleStats: true, deleteGauges: false, gaugesMaxTTL: 3}",
	    "  delete_idle: true\n  delete_gauges: false\n  gauges_ttl: 3\n",
	    NULL },
	{ "{" G ", deleteCounters: 1, deleteTimers: true, deleteSets: true}",
	    "  delete_counters: true\n  delete_timers: true\n"
	    "  delete_sets: true\n", NULL },
	{ "{" G ", calculatedTimerMetrics: ['count', 'upper_percent']}",
	    "  timer_metrics: ['count', 'upper_percent']\n", NULL },
	{ "{" G ", calculatedTimerMetrics: 'all'}",
	    "interval: 10000ms\n  persistent", NULL },
	{ "{" G ", histogram: [{metric: 'foo', bins: []}, {metric: '', bins: "
	    "[0.01, 10, 'inf']}]}", "  histogram:\n    - {metric: 'foo', bins: "
	    "[]}\n    - {metric: '', bins: ['0.01', '10', 'inf']}\n", NULL },
	{ "{" G ", histogram: [{metric: 'foo', bins: [5, 1]}]}",
	    "{metric: 'foo', bins: ['5']}", "histogram: bin \"1\"" },
	{ "{" G ", keyFlush: {interval: 60000, percent: 10, log: '/tmp/k'}}",
	    "  key_flush:\n    interval: 60000ms\n    percent: 10\n"
	    "    log: '/tmp/k'\n", NULL },
	{ "{" G ", keyFlush: {interval: 0}}", "interval: 10000ms\n  persistent",
	    NULL },
	/* backends */
	{ "{" G ", graphitePort: 2013}", "clusters:\n  graphite:\n"
	    "    method: forward\n    connect_per_flush: true  # false keeps "
	    "the connection\n    servers:\n      - {host: 'g', port: 2013}\n",
	    NULL },
	{ "{" G ", graphiteProtocol: 'pickle'}",
	    "{host: 'g', port: 2004, protocol: pickle}", NULL },
	{ "{" G ", graphiteProtocol: 'pickle', graphitePicklePort: 2014}",
	    "{host: 'g', port: 2014, protocol: pickle}", NULL },
	{ "{}", "clusters:\n  nowhere:\n    method: 'null'\n",
	    "1:1: warning: graphiteHost is not set" },
	{ "{backends: ['./backends/console'], console: {prettyprint: true}}",
	    "clusters:\n  console:\n    method: file\n    servers: "
	    "['/dev/stdout']\n", "backend console: the figures" },
	{ "{" G ", backends: ['./backends/console']}", "  console:\n",
	    "graphiteHost: without effect" },
	{ "{" G ", backends: ['./backends/graphite', './backends/repeater'], "
	    "repeater: [{host: '10.10.10.10', port: 8125}, {host: 'o', port: "
	    "8126}]}", "  repeater:\n    method: forward\n    servers:\n"
	    "      - {host: '10.10.10.10', port: 8125, protocol: statsd, "
	    "transport: udp}\n      - {host: 'o', port: 8126, protocol: statsd, "
	    "transport: udp}\n", NULL },
	{ "{backends: ['./backends/repeater'], repeater: [{host: 'o', port: "
	    "1}], repeaterProtocol: 'tcp'}",
	    "{host: 'o', port: 1, protocol: statsd}", NULL },
	{ "{backends: ['./backends/repeater']}", "nowhere",
	    "backend repeater: repeater names no server" },
	{ "{" G ", backends: ['./backends/graphite', "
	    "'statsd-influxdb-backend'], influxdb: {host: 'x'}}",
	    "  graphite:\n", "1:55: warning: backend "
	    "\"statsd-influxdb-backend\": a program for Node.js" },
	{ "{" G ", influxdb: {host: 'x'}}", "  graphite:\n",
	    "warning: influxdb is no option of statsd" },
	/* not needed */
	{ "{" G ", title: 'x'}", "statsd:", "title: not needed" },
	{ "{" G ", healthStatus: 'down'}", "statsd:", "healthStatus: without" },
	{ "{" G ", automaticConfigReload: false}", "statsd:",
	    "automaticConfigReload: millrace.yaml is read again on SIGHUP" },
	/* the proxy */
	{ "{nodes: [{host: '127.0.0.1', port: 8127}, {host: 'b', port: 8129}]"
	    ", server: './servers/udp', port: 8125, mgmt_port: 8126, forkCount:"
	    " 2}", "workers: 2\nstatsd:\n  listen:\n    - 'udp://*:8125'\n",
	    NULL },
	{ "{nodes: [{host: '127.0.0.1', port: 8127}, {host: 'b', port: 8129}]}",
	    "clusters:\n  proxy:\n    method: statsd_ring\n"
	    "    check_interval: 10000ms\n    servers:\n"
	    "      - {host: '127.0.0.1', port: 8127, protocol: statsd, "
	    "transport: udp}\n      - {host: 'b', port: 8129", NULL },
	{ "{nodes: [{host: 'a', port: 1, adminport: 2}], host: 'h', "
	    "udp_version: 'udp4', checkInterval: 1000, cacheSize: 10000, "
	    "forkCount: 'auto'}", "    check_interval: 1000ms\n    servers:\n"
	    "      - {host: 'a', port: 1, protocol: statsd, transport: udp, "
	    "admin_port: 2}\n", "cacheSize: not needed" },
	{ "{nodes: [{host: 'a', port: 1}]}", "  unknown_types_are_counters: "
	    "true\nflush: {persistent: false}\n", NULL },
	{ "{nodes: []}", NULL, "1:9: nodes: none" },
	/* refused */
	{ "[1]", NULL, "1:1: expected { with options, found an array" },
	{ "{graphiteHost: lookup('x')}", NULL, "1:16: \"lookup('x')}\" cannot "
	    "be worked out" },
	{ "{graphiteHost: 'x'", NULL, "1:19: expected , or }" },
};

START_TEST(statsd)
{
	struct buf yaml = BUF_INIT(1 << 20), remarks = BUF_INIT(1 << 20);
	int rc = import_statsd_in(&world, slice_str(statsd_rows[_i].in), "c.js",
	    &yaml, &remarks);

	expect(rc, &yaml, &remarks, statsd_rows[_i].wants,
	    statsd_rows[_i].says);
}
END_TEST

START_TEST(statsd_directly)
{
	struct buf errors = BUF_INIT(1 << 20);
	struct conf *c;
	bool watch = false;

	write_file("{graphiteHost: 'g', flushInterval: 100, percentThreshold: "
	    "[50, 99.9], deleteIdleStats: true, port: 18125, mgmt_port: 18126, "
	    "debug: true}");
	c = statsd_config_load(path, "/s", &watch, &errors);
	ck_assert_msg(c != NULL, "%s", buf_cstr(&errors));
	ck_assert(watch);
	ck_assert_uint_eq(c->flush.interval_ms, 100);
	ck_assert_uint_eq(c->flush.npercentiles, 2);
	ck_assert_str_eq(c->flush.percentiles[1].text, "99.9");
	ck_assert(c->flush.legacy && c->flush.delete_gauges);
	ck_assert(c->statsd.strict && c->statsd.debug);
	ck_assert_uint_eq(c->statsd.listen.n, 1);
	ck_assert_uint_eq(c->statsd.listen.v[0].port, 18125);
	ck_assert_uint_eq(c->nclusters, 1);
	ck_assert(c->clusters[0].connect_per_flush);
	ck_assert_str_eq(c->state_dir, "/s");
	ck_assert(!c->graphite.present && !c->events.present);
	conf_free(c);
	unlink(path);
	ck_assert_ptr_null(statsd_config_load(path, "/s", &watch, &errors));
	ck_assert(strstr(buf_cstr(&errors), "No such file") != NULL);
	write_file("{automaticConfigReload: false");
	buf_clear(&errors);
	ck_assert_ptr_null(statsd_config_load(path, "/s", &watch, &errors));
	ck_assert(strstr(buf_cstr(&errors), ":1:30: expected , or }") != NULL);
	unlink(path);
	write_file("{graphiteHost: 'g', automaticConfigReload: false}");
	c = statsd_config_load(path, "/s", &watch, &errors);
	ck_assert(c != NULL && !watch);
	conf_free(c);
	unlink(path);
	buf_fini(&errors);
}
END_TEST

/* ---- statsite ---- */

#define S "[statsite]\n"

static const struct {
	const char *in, *wants, *says;
} statsite_rows[] = {
	{ "", "    - 'udp://*:8125'\n    - 'tcp://*:8125'\n",
	    "warning: figures of timers are called upper_95" },
	{ S, "  console: {method: file, servers: ['/dev/stdout']}\n", "*" },
	{ S "port = 1\nudp_port = 2\nbind_address = 10.0.0.1\n",
	    "    - 'udp://10.0.0.1:2'\n    - 'tcp://10.0.0.1:1'\n", "*" },
	{ S "tcp_port = 0\nudp_port = 2\nbind_address = ::1\nudp_rcvbuf=4096\n",
	    "    - 'udp://[::1]:2'\n  management: ''\n  sanitize: false\n"
	    "  limits: {idle: 0, rcvbuf: 4096}\n", "*" },
	{ S "udp_port = 0\ntcp_port = 0\n", "  listen:\n    []\n", "*" },
	{ S "flush_interval = 60 ; seconds\naligned_flush = yes\n",
	    "  interval: 60s\n  align: true\n", "*" },
	{ S "quantiles = 0.5, 0.999,0.9999\n",
	    "  percentiles: [50, 99.9, 99.99]\n", "*" },
	{ S "quantiles = 0.5, 50\n", NULL, "quantiles: \"50\" is not between" },
	{ S "timer_eps = 0.02\nset_eps = 0.01\n",
	    "  timers: {quantiles: sketch, error: 0.02}\n",
	    ":3:1: warning: set_eps: a set is exact up to 64" },
	{ S "timer_eps = 0.4\n", "error: 0.2}", "timer_eps: \"0.4\": 0.2 is" },
	{ S "use_type_prefix = no\nglobal_prefix = g.h.\n",
	    "  prefix: 'g.h'\n  prefix_counter: ''\n", "*" },
	{ S "counts_prefix = c.\nsets_prefix = s\n",
	    "  prefix: ''\n  prefix_counter: 'c'\n  prefix_timer: 'timers'\n"
	    "  prefix_gauge: 'gauges'\n  prefix_set: 's'\n", "*" },
	{ S "stream_cmd = python /x/sinks/graphite.py h 2003 'p.'\n"
	    "global_prefix = g.\n", "  prefix: 'p.g'\n", "*" },
	{ S "stream_cmd = python graphite.py h 2003\n", "  graphite:\n"
	    "    method: forward\n    servers:\n      - {host: 'h', port: 2003}"
	    "\n", "*" },
	{ S "stream_cmd = ./my.sh\n", "  nowhere: {method: 'null'}\n",
	    ":2:1: warning: stream_cmd: no program is run" },
	{ S "log_level = WARN\ndaemonize = true\npid_file = /run/s.pid\n",
	    "log_level: warn\npid_file: '/run/s.pid'\n",
	    "warning: daemonize: the daemon stays" },
	{ S "[histogram1]\nprefix=api\nmin=0\nmax=10\nwidth=4\n",
	    "    - {metric: 'api', bins: [0, 4, 8, 10, inf]}\n",
	    "[histogram1]: the names of bins" },
	{ S "[histogram1]\nmin=0\nmax=10\nwidth=4\n", NULL,
	    ":2:1: [histogram1]: prefix, min, max and width" },
	{ S "[histogram1]\nprefix=a\nmin=0\nmax=1e9\nwidth=1\n", NULL,
	    "no more than 1024 bins" },
	{ S "nonsense = 1\n", "statsd:", "nonsense is no setting of statsite" },
	{ S "flush_interval = x\n", NULL, "flush_interval: \"x\" is no number" },
	{ "[other]\n", NULL, ":1:1: [other]: statsite knows" },
};

START_TEST(statsite)
{
	struct buf yaml = BUF_INIT(1 << 20), remarks = BUF_INIT(1 << 20);
	int rc;

	write_file(statsite_rows[_i].in);
	rc = import_statsite(path, &yaml, &remarks);
	unlink(path);
	expect(rc, &yaml, &remarks, statsite_rows[_i].wants,
	    statsite_rows[_i].says);
}
END_TEST

/* ---- brubeck ---- */

#define B "\"backends\": [{\"type\": \"carbon\", \"address\": \"c\", " \
	"\"port\": 2003, \"frequency\": 20}]"

static const struct {
	const char *in, *wants, *says;
} brubeck_rows[] = {
	{ "{" B ", \"samplers\": [{\"type\": \"statsd\", \"address\": "
	    "\"0.0.0.0\", \"port\": 8126, \"workers\": 2}]}",
	    "workers: 2\nstatsd:\n  listen:\n    - 'udp://*:8126'\n"
	    "  management: ''\n  sanitize: false\nflush:\n  interval: 20s\n",
	    "*" },
	{ "{" B "}", "clusters:\n  carbon:\n    method: forward\n    servers:\n"
	    "      - {host: 'c', port: 2003}\n", "names get endings" },
	{ "{" B ", \"server_name\": \"s\", \"expire\": 20}",
	    "  namespace: 'brubeck.s'\n  delete_idle: true\n  persistent: false"
	    "\n  gauges_ttl: 3\n", "*" },
	{ "{\"backends\": [{\"type\": \"carbon\", \"address\": \"a\", "
	    "\"pickle\": true, \"port\": 2004}, {\"type\": \"carbon\", "
	    "\"address\": \"b\", \"port\": 2003, \"frequency\": 5}]}",
	    "    method: jump_fnv1a_ch\n    servers:\n      - {host: 'a', port: "
	    "2004, instance: '0', protocol: pickle}\n      - {host: 'b', port: "
	    "2003, instance: '1'}\n", "backends[1]: frequency: there is one" },
	{ "{" B ", \"samplers\": [{\"type\": \"statsd-secure\", \"address\": "
	    "\"127.0.0.1\", \"port\": 9126, \"hmac_key\": \"k${x}\", "
	    "\"max_drift\": 5, \"replay_len\": 100}]}",
	    "    - 'udp://127.0.0.1:9126'\n  management: ''\n"
	    "  sanitize: false\n  secret: 'k$${x}'\n  max_drift: 5s\n"
	    "  replay_window: 100\n", "*" },
	{ "{" B ", \"samplers\": [{\"type\": \"statsd-secure\", \"hmac_key\": "
	    "\"k\", \"port\": 1}, {\"type\": \"statsd\", \"port\": 2}]}",
	    "secret: 'k'", "samplers[1]: signed and unsigned packets" },
	{ "{" B ", \"http\": \":8080\", \"capacity\": 15, \"dumpfile\": \"d\"}",
	    "admin:\n  listen: 'http://*:8080'\n", "capacity: not needed" },
	{ "{" B ", \"http\": \"127.0.0.1:8080\", \"sharding\": true}",
	    "  listen: 'http://127.0.0.1:8080'\n", "sharding: without effect" },
	{ "{}", "clusters:\n  nowhere: {method: 'null'}\n", "*" },
	{ "{\"x\": 1}", "nowhere", "x is no setting of brubeck" },
	{ "{\"samplers\": [{\"type\": \"statsd\", \"port\": 70000}]}",
	    "'udp://*:8126'", "port: not a number from 1 to 65535" },
	{ "{\"samplers\": [{\"type\": \"x\"}]}", NULL, "no sampler \"x\"" },
	{ "{\"backends\": [{\"type\": \"x\"}]}", NULL, "no backend \"x\"" },
	{ "[]", NULL, "expected an object" },
	{ "{\n \"a\": \n}", NULL, ":3:1: " },
	{ "{\"a\": 1, \"a\": 2}", NULL, "duplicate" },
};

START_TEST(brubeck)
{
	struct buf yaml = BUF_INIT(1 << 20), remarks = BUF_INIT(1 << 20);
	int rc;

	write_file(brubeck_rows[_i].in);
	rc = import_brubeck(path, &yaml, &remarks);
	unlink(path);
	expect(rc, &yaml, &remarks, brubeck_rows[_i].wants,
	    brubeck_rows[_i].says);
}
END_TEST

START_TEST(no_file)
{
	struct buf yaml = BUF_INIT(1 << 20), remarks = BUF_INIT(1 << 20);

	ck_assert_int_eq(import_statsd("/no/such", &yaml, &remarks), -1);
	ck_assert_int_eq(import_statsite("/no/such", &yaml, &remarks), -1);
	ck_assert_int_eq(import_brubeck("/no/such", &yaml, &remarks), -1);
	ck_assert_str_eq(buf_cstr(&remarks),
	    "/no/such: No such file or directory\n"
	    "/no/such: No such file or directory\n"
	    "/no/such: No such file or directory\n");
	buf_fini(&yaml);
	buf_fini(&remarks);
}
END_TEST

#define LENGTH(a) (sizeof(a) / sizeof(a)[0])

int
main(void)
{
	Suite *s = suite_create("import");
	TCase *t = tcase_create("import");
	SRunner *r;
	int bad;

	tcase_add_loop_test(t, statsd, 0, LENGTH(statsd_rows));
	tcase_add_test(t, statsd_directly);
	tcase_add_loop_test(t, statsite, 0, LENGTH(statsite_rows));
	tcase_add_loop_test(t, brubeck, 0, LENGTH(brubeck_rows));
	tcase_add_test(t, no_file);
	suite_add_tcase(s, t);
	r = srunner_create(s);
	srunner_run_all(r, CK_NORMAL);
	bad = srunner_ntests_failed(r);
	srunner_free(r);
	return bad != 0;
}
