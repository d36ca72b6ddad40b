/* carbon's configuration files, imported: what is written, what is said, and
 * that names go where carbon's routers sent them. */
#include "config.h"

#include <check.h>
#include <glob.h>
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

#include "conf/conf.h"
#include "conf/import.h"
#include "core/ring.h"
#include "core/rules.h"

static char dir[64];

static void
write_file(const char *name, const char *text)
{
	char path[200];
	FILE *f;

	snprintf(path, sizeof path, "%s/%s", dir, name);
	f = fopen(path, "w");
	ck_assert(f != NULL);
	fputs(text, f);
	fclose(f);
}

static void
setup(void)
{
	strcpy(dir, "/tmp/carbon.XXXXXX");
	ck_assert(mkdtemp(dir) != NULL);
}

static void
teardown(void)
{
	char command[100];

	snprintf(command, sizeof command, "rm -r %s", dir);
	ck_assert_int_eq(system(command), 0);
}

/* Import carbon.conf and what lies beside it; the configuration is the
 * caller's, NULL when the import failed. */
static struct conf *
import(const char *section, struct buf *yaml, struct buf *remarks)
{
	char path[100];
	const char *paths[] = { path };
	struct conf *c;

	buf_init(yaml, 1 << 26);
	buf_init(remarks, 1 << 20);
	snprintf(path, sizeof path, "%s/carbon.conf", dir);
	if (import_carbon(paths, 1, section, yaml, remarks) != 0) {
		ck_assert_uint_eq(yaml->len, 0);
		buf_cstr(remarks);
		return NULL;
	}
	c = conf_parse(buf_slice(yaml), "out", remarks);
	buf_cstr(yaml);
	buf_cstr(remarks);
	ck_assert_msg(c != NULL, "%s\n%s", remarks->data, yaml->data);
	return c;
}

#define RULES "[default]\ndefault = true\ndestinations = a:1\n"
#define RING "[relay]\nRELAY_METHOD = consistent-hashing\n"

/* The file of each row beside carbon.conf, then a part of what is written and
 * of what is remarked; no YAML: refused.  "" in remark: silence. */
static const struct {
	const char *carbon, *name, *text, *yaml, *remark;
} rows[] = {
	/* listeners and settings */
	{ RING, NULL, NULL, "  listen:\n    - 'tcp://*:2003'\n"
	    "    - 'pickle://*:2004'\n  clean_names: false\n"
	    "  normalize_tags: false\n  backpressure: true\n", "" },
	{ RING "LINE_RECEIVER_PORT = 2013\nLINE_RECEIVER_INTERFACE = ::1\n"
	    "PICKLE_RECEIVER_PORT: 0\nENABLE_UDP_LISTENER = True\n"
	    "USE_FLOW_CONTROL=no\n", NULL, NULL, "    - 'tcp://[::1]:2013'\n"
	    "    - 'udp://*:2003'\n  clean_names: false\n"
	    "  normalize_tags: false\n  backpressure: false\n", "" },
	{ RING "MAX_RECEIVER_CONNECTIONS = inf\nTAG_RELAY_NORMALIZED = on\n"
	    "METRIC_CLIENT_IDLE_TIMEOUT = 30\n", NULL, NULL, "  normalize_tags: "
	    "true\n  backpressure: true\n  limits:\n    idle: 30s\n", "" },
	{ RING "ENABLE_AMQP = True\nENABLE_MANHOLE = False\n", NULL, NULL, "",
	    "carbon.conf:3:1: warning: ENABLE_AMQP has no equivalent" },
	{ RING "PROTOBUF_RECEIVER_PORT = 2005\n", NULL, NULL,
	    "    - 'protobuf://*:2005'\n", "" },
	{ RING, NULL, NULL, "  statistics:\n    names: carbon\n"
	    "    interval: 60s\n    prefix: 'carbon.relays.{flat}-a'\n", "" },
	{ "[aggregator:x]\nCARBON_METRIC_PREFIX = own\n"
	    "CARBON_METRIC_INTERVAL = 10\n", NULL, NULL, "    interval: 10s\n"
	    "    prefix: 'own.aggregator.{flat}-x'\n", "" },
	/* clusters */
	{ RING, NULL, NULL, "  carbon:\n    method: carbon_py\n    replication: 1\n"
	    "    diverse: true\n    servers:\n      - {host: '127.0.0.1', port: "
	    "2004, protocol: pickle}\n", "" },
	{ RING "DESTINATIONS = 10.0.0.1:2004:a,\n  [::1]:2104:b\n"
	    "DESTINATION_PROTOCOL = line\nREPLICATION_FACTOR = 2\n"
	    "DIVERSE_REPLICAS = False\nDYNAMIC_ROUTER = True\n"
	    "DESTINATION_TRANSPORT = ssl\nDESTINATION_SSL_CA = /ca.pem\n"
	    "MAX_QUEUE_SIZE = 1000000\n", NULL, NULL,
	    "    replication: 2\n    diverse: false\n    dynamic: true\n"
	    "    servers:\n      - {host: '10.0.0.1', port: 2004, instance: 'a', "
	    "protocol: line, tls: true}\n      - {host: '::1', port: 2104, "
	    "instance: 'b', protocol: line, tls: true}\n    tls:\n"
	    "      ca: '/ca.pem'\n    queue: 128000000\n", "" },
	{ RING "ROUTER_HASH_TYPE = mmh3_ch\n", NULL, NULL, "mmh3_py", "" },
	{ "[relay]\nRELAY_METHOD = fast-hashing\n", NULL, NULL,
	    "fast_mmh3_py", "" },
	{ "[relay]\nRELAY_METHOD = constant\n", NULL, NULL, "method: forward\n",
	    "" },
	{ "[relay]\nRELAY_METHOD = aggregated-consistent-hashing\n", NULL, NULL,
	    "carbon_py", "the name itself is hashed" },
	{ RING "REPLICATION_FACTOR = 3\n", NULL, NULL, "    replication: 1\n",
	    "carbon.conf:3:1: warning: REPLICATION_FACTOR = 3 with 1 dest" },
	/* instances */
	{ "[relay]\nRELAY_METHOD=constant\nLINE_RECEIVER_PORT=1\n[relay:a]\n"
	    "LINE_RECEIVER_PORT=2\n[relay:b]\n", NULL, NULL, "tcp://*:2'",
	    ":6:1: warning: [relay:b] is not read" },
	{ "[aggregator]\n[cache]\n", NULL, NULL, "carbon_py", "" },
	/* relay rules */
	{ "[relay]\nDESTINATIONS = a:1, b:2:x\n", "relay-rules.conf",
	    "# c\n" RULES "[x]\npattern = ^web\\.\"q\ncontinue = true\n"
	    "destinations = a:1, b:2:x\n[y]\npattern = db$\ndestinations = b:2:x\n",
	    "rules:\n  - name: '1 relay-rules.conf:5'\n    when: 'kind == metric "
	    "&& name =~ \"(?i)^web\\.\\x22q\"'\n    to: ['a_1', 'b_2_x']\n"
	    "    continue: true\n  - name: '2 relay-rules.conf:9'\n    when: "
	    "'kind == metric && name =~ \"(?i)db$\"'\n    to: ['b_2_x']\n"
	    "  - name: '3 relay-rules.conf:2'\n    when: 'kind == metric'\n"
	    "    to: ['a_1']\n", "" },
	{ "[relay]\nDESTINATIONS = a:1\n", "relay-rules.conf", RULES
	    "[x]\npattern = x;\ndestinations = a:1, c:1\n", "to: ['a_1']",
	    ":5:1: warning: pattern \"x;\": only the name" },
	{ "[relay]\nDESTINATIONS = a:1\n", "relay-rules.conf", RULES
	    "[x]\npattern = x\ndestinations = a:1, c:1\n", "to: ['a_1']",
	    "relay-rules.conf:6:1: warning: \" c:1\" is not among" },
	{ "[relay]\n", "relay-rules.conf", "[x]\npattern = x\n", NULL,
	    "relay-rules.conf:1:1: [x] has no destinations" },
	{ "[relay]\n", "relay-rules.conf", RULES RULES, NULL,
	    ":4:1: [default] is the second default" },
	{ "[relay]\n", "relay-rules.conf", "[x]\npattern=a\ndestinations=a:1\n",
	    NULL, "there is no rule with default = true" },
	{ "[relay]\n", "relay-rules.conf", RULES "[x]\npattern=(\n"
	    "destinations=a:1\n", NULL, ":5:1: pattern \"(\": " },
	{ "[relay]\nDESTINATIONS=a:1\n", "relay-rules.conf", RULES
	    "[x]\npattern = [[:a\"]\\Z$\ndestinations = a:1\n",
	    "(?i)[\\[:a\\x22]\\z$\"", "" },
	{ "[relay]\n", NULL, NULL, NULL, "RELAY_METHOD = rules needs it" },
	/* lists */
	{ RING "USE_WHITELIST = True\n", "blacklist.conf", "# c\n\\.\\.\n\n^\\.\n",
	    "rules:\n  - name: '1 blacklist.conf:2'\n    when: 'kind == metric && "
	    "(name =~ \"\\.\\.\" || name =~ \"^\\.\")'\n    drop: true\n", "" },
	{ RING "USE_WHITELIST = True\n", "whitelist.conf", "^a\n", "when: 'kind == "
	    "metric && !(name =~ \"^a\")'\n    drop: true\n", "" },
	{ RING, "blacklist.conf", "^a\n", "port: 2004, protocol: pickle}\n", "" },
	/* aggregator */
	{ "[aggregator]\n", "aggregation-rules.conf",
	    "<env>.all.<<path>>.x (60) = avg <env>.*.h*t.<<path>>.x\n",
	    "name =~ \"^(?:(?P<env>[^.]+?)\\.[^.]+\\.h[^.]*t\\.(?P<path>.+?)\\.x)$"
	    "\"'\n    aggregate: avg\n    as: '${env}.all.${path}.x'\n"
	    "    every: 60s\n    stamp: start\n    to: [carbon]\n"
	    "    continue: true\n", "" },
	{ "[aggregator]\nFORWARD_ALL = False\n", "aggregation-rules.conf",
	    "a (10) = p999 b\n", "aggregate: p999\n", "" },
	{ "[aggregator]\nFORWARD_ALL = False\n", NULL, NULL, "  - name: "
	    "forward_all\n    when: 'kind == metric'\n    to: []\n", "" },
	{ "[aggregator]\n", "aggregation-rules.conf", "a (10) = mode b\n", NULL,
	    "aggregation-rules.conf:1:1: no such method \"mode\"" },
	{ "[aggregator]\n", "aggregation-rules.conf", "a (10) = sum b c\n", NULL,
	    ":1:1: expected \"OUTPUT (SECONDS) = METHOD INPUT\"" },
	{ "[aggregator]\n", "aggregation-rules.conf", "a = sum b\n", NULL,
	    ":1:1: expected \"OUTPUT" },
	{ "[aggregator]\n", "aggregation-rules.conf", "<x> (9) = sum <x>.<x>\n",
	    NULL, ":1:1: pattern" },
	{ "[aggregator]\n", "rewrite-rules.conf", "[post]\n_sum$ =\n[pre]\n"
	    "^a\\.(?P<n>.)\\.(.) = b$.\\g<n>.\\2\n", "name =~ \"^a\\.(?P<n>.)\\."
	    "(.)\"'\n    rewrite: 'b$$.${n}.${2}'\n  - name: '2 rewrite-rules."
	    "conf:2'\n    when: 'kind == metric && name =~ \"_sum$\"'\n"
	    "    rewrite: ''\n", "" },
	{ "[aggregator]\n", "rewrite-rules.conf", "[pre]\na = b\n", "rewrite: 'b'",
	    ":2:1: warning: pattern \"a\": only the first" },
	{ "[aggregator]\n", "rewrite-rules.conf", "[pre]\nab\n", NULL,
	    ":2:1: expected \"pattern = replacement\"" },
	/* faults */
	{ "x = 1\n", NULL, NULL, NULL, "carbon.conf:1:1: a line before" },
	{ "[cache]\n", NULL, NULL, NULL, "no section [relay] or [aggregator]" },
	{ RING "DESTINATIONS = a\n", NULL, NULL, NULL,
	    ":3:1: DESTINATIONS: expected host:port[:instance], found \"a\"" },
	{ RING "DESTINATIONS = a:1:x, b:99999\n", NULL, NULL, NULL, "\" b:99999\"" },
	{ RING "USE_FLOW_CONTROL = maybe\n", NULL, NULL, NULL,
	    "expected True or False, found \"maybe\"" },
	{ RING "MAX_QUEUE_SIZE = many\n", NULL, NULL, NULL, "expected a number" },
	{ RING "ROUTER_HASH_TYPE = crc\n", NULL, NULL, NULL, "no such hash" },
	{ "[relay]\nRELAY_METHOD = luck\n", NULL, NULL, NULL, "no such method" },
	{ RING "nothing\n", NULL, NULL, NULL, ":3:1: expected \"key = value\"" },
};

START_TEST(row)
{
	struct buf yaml, remarks;
	struct conf *c;

	write_file("carbon.conf", rows[_i].carbon);
	if (rows[_i].name != NULL)
		write_file(rows[_i].name, rows[_i].text);
	c = import(NULL, &yaml, &remarks);
	ck_assert_msg((c != NULL) == (rows[_i].yaml != NULL), "%s: %s",
	    rows[_i].carbon, remarks.data);
	if (c != NULL)
		ck_assert_msg(strstr(yaml.data, rows[_i].yaml) != NULL, "%s\n%s",
		    rows[_i].carbon, yaml.data);
	if (*rows[_i].remark == '\0')
		ck_assert_msg(remarks.len == 0, "%s", remarks.data);
	else
		ck_assert_msg(strstr(remarks.data, rows[_i].remark) != NULL,
		    "%s: %s", rows[_i].carbon, remarks.data);
	conf_free(c);
	buf_fini(&yaml);
	buf_fini(&remarks);
}
END_TEST

START_TEST(sections_and_files)
{
	struct buf yaml, remarks;
	char a[100], b[100];
	const char *paths[] = { a, b };

	write_file("carbon.conf", "[relay]\nRELAY_METHOD=constant\n"
	    "LINE_RECEIVER_PORT=1\n[relay:b]\nLINE_RECEIVER_PORT=2\n");
	conf_free(import("relay:b", &yaml, &remarks));
	ck_assert(strstr(yaml.data, "tcp://*:2'") != NULL);
	buf_fini(&yaml);
	buf_fini(&remarks);
	conf_free(import("relay:c", &yaml, &remarks));
	ck_assert(strstr(yaml.data, "tcp://*:1'") != NULL);
	buf_fini(&yaml);
	buf_fini(&remarks);
	ck_assert(import("statsd", &yaml, &remarks) == NULL);
	buf_fini(&yaml);
	buf_fini(&remarks);
	snprintf(a, sizeof a, "%s/carbon.conf", dir);
	snprintf(b, sizeof b, "%s/storage-schemas.conf", dir);
	ck_assert_int_eq(import_carbon(paths, 2, NULL, &yaml, &remarks), 0);
	ck_assert(strstr(buf_cstr(&remarks), "storage-schemas.conf: warning: not "
	    "needed to relay") != NULL);
	buf_clear(&yaml);
	buf_clear(&remarks);
	snprintf(b, sizeof b, "%s/relay-rules.conf", dir);
	paths[0] = "/nowhere/carbon.conf";
	ck_assert_int_eq(import_carbon(paths, 2, NULL, &yaml, &remarks), -1);
	ck_assert(strstr(buf_cstr(&remarks), "/nowhere/carbon.conf: No such") !=
	    NULL);
	buf_fini(&yaml);
	buf_fini(&remarks);
}
END_TEST

/* ---- names go where carbon's routers sent them ---- */

/* "host:port=inst" lines of a relay's configuration as DESTINATIONS. */
static void
write_carbon_conf(const char *conf, const char *method, const char *hash,
    unsigned replication, bool diverse)
{
	struct buf b = BUF_INIT(10000);
	char line[200], host[100], inst[100];
	unsigned port, n = 0;
	FILE *f = fopen(conf, "r");

	ck_assert_msg(f != NULL, "%s", conf);
	buf_printf(&b, "[relay]\nRELAY_METHOD = %s\nROUTER_HASH_TYPE = %s\n"
	    "REPLICATION_FACTOR = %u\nDIVERSE_REPLICAS = %s\nDESTINATIONS = ",
	    method, hash, replication, diverse ? "True" : "False");
	while (fgets(line, sizeof line, f) != NULL) {
		int got = sscanf(line, " %99[0-9.]:%u=%99s", host, &port, inst);

		if (got >= 2)
			buf_printf(&b, "%s%s:%u%s%s", n++ > 0 ? ", " : "", host,
			    port, got == 3 ? ":" : "", got == 3 ? inst : "");
	}
	fclose(f);
	write_file("carbon.conf", buf_cstr(&b));
	buf_fini(&b);
}

static struct ring *
ring_of(const struct conf_cluster *c)
{
	static const enum ring_method methods[] = {
		[CONF_CARBON_PY] = RING_CARBON_PY,
		[CONF_FNV1A_PY] = RING_FNV1A_PY,
		[CONF_FAST_PY] = RING_FAST_PY,
		[CONF_FAST_FNV1A_PY] = RING_FAST_FNV1A_PY
	};
	struct ring_server servers[64];
	char error[500] = "";
	struct ring *r;

	for (size_t k = 0; k < c->nservers; k++)
		servers[k] = (struct ring_server){
		    slice_str(c->servers[k].host),
		    slice_str(c->servers[k].instance), c->servers[k].port, 0 };
	r = ring_new(methods[c->method], servers, c->nservers, c->replication,
	    c->diverse, error, sizeof error);
	ck_assert_msg(r != NULL, "%s", error);
	return r;
}

static void
compare(const char *tsv, const struct conf_cluster *c)
{
	struct ring *r = ring_of(c);
	FILE *f = fopen(tsv, "r");
	char line[4096], got[400];
	unsigned picked[64];

	while (fgets(line, sizeof line, f) != NULL) {
		char *want = strchr(line, '\t'), *to = got;
		size_t n;

		line[strcspn(line, "\n")] = '\0';
		*want++ = '\0';
		n = ring_pick(r, slice_str(line), picked, 64);
		for (size_t k = 0; k < n; k++)
			to += sprintf(to, "%s%s:%u", k > 0 ? "," : "",
			    c->servers[picked[k]].host, c->servers[picked[k]].port);
		ck_assert_msg(strcmp(got, want) == 0, "%s: %s: %s, not %s", tsv,
		    line, got, want);
	}
	fclose(f);
	ring_free(r);
}

/* py-METHOD-HASH-TOPOLOGY-nN-rR-{plain,diverse}.tsv */
START_TEST(recorded_routes)
{
	const char *top = getenv("top_srcdir");
	char path[600];
	glob_t g;

	snprintf(path, sizeof path, "%s/tests/vectors/hash/py-*.tsv",
	    top ? top : ".");
	ck_assert_int_eq(glob(path, 0, NULL, &g), 0);
	for (size_t i = 0; i < g.gl_pathc; i++) {
		const char *base = strrchr(g.gl_pathv[i], '/') + 1;
		char topology[32];
		struct buf yaml, remarks;
		struct conf *c;
		unsigned n, r;

		ck_assert_int_eq(sscanf(strstr(base, "_ch-") + 4,
		    "%31[a-z]-n%u-r%u", topology, &n, &r), 3);
		snprintf(path, sizeof path, "%s/tests/vectors/hash/carbon_ch-%s-"
		    "n%u-r%u.conf", top ? top : ".", topology, n, r);
		write_carbon_conf(path, strncmp(base, "py-fast", 7) == 0 ?
		    "fast-hashing" : "consistent-hashing",
		    strstr(base, "fnv1a_ch") ? "fnv1a_ch" : "carbon_ch", r,
		    strstr(base, "diverse") != NULL);
		c = import(NULL, &yaml, &remarks);
		ck_assert_msg(c != NULL, "%s", remarks.data);
		compare(g.gl_pathv[i], &c->clusters[0]);
		conf_free(c);
		buf_fini(&yaml);
		buf_fini(&remarks);
	}
	ck_assert_uint_eq(g.gl_pathc, 84);
	globfree(&g);
}
END_TEST

/* The input patterns of aggregation rules, as carbon matches them. */
START_TEST(aggregation_matches)
{
	static const struct { const char *name, *as; } names[] = {
		{ "prod.web.host1.q.x", "prod.all.q.x" },
		{ "prod.web.ht.q.r.s.x", "prod.all.q.r.s.x" },
		{ "prod.web.host1.x", NULL },
		{ "prod.web.one.host1t.q.x", NULL },
		{ "a.prod.web.host1t.q.xx", NULL },
	};
	struct buf yaml, remarks;
	struct decision d;
	struct rules *rules;
	struct conf *c;

	write_file("carbon.conf", "[aggregator]\n");
	write_file("aggregation-rules.conf",
	    "<env>.all.<<path>>.x (60) = sum <env>.*.h*t*.<<path>>.x\n");
	c = import(NULL, &yaml, &remarks);
	ck_assert_msg(c != NULL, "%s", remarks.data);
	rules = rules_new(c);
	decision_init(&d);
	for (size_t i = 0; i < sizeof names / sizeof names[0]; i++) {
		struct record r = { .kind = RECORD_METRIC,
		    .source = SOURCE_GRAPHITE, .metric = { .type = METRIC_POINT,
		    .name = slice_str(names[i].name) } };

		rules_apply(rules, &r, &d);
		ck_assert_msg(d.nfeeds == (names[i].as != NULL), "%s",
		    names[i].name);
		if (names[i].as != NULL)
			ck_assert(slice_eq(d.feeds[0].name,
			    slice_str(names[i].as)));
	}
	decision_fini(&d);
	rules_free(rules);
	conf_free(c);
	buf_fini(&yaml);
	buf_fini(&remarks);
}
END_TEST

int
main(void)
{
	Suite *s = suite_create("import_carbon");
	TCase *t = tcase_create("all");
	SRunner *r;
	int failed;

	tcase_set_timeout(t, 60);
	tcase_add_checked_fixture(t, setup, teardown);
	tcase_add_loop_test(t, row, 0, sizeof rows / sizeof rows[0]);
	tcase_add_test(t, sections_and_files);
	tcase_add_test(t, recorded_routes);
	tcase_add_test(t, aggregation_matches);
	suite_add_tcase(s, t);
	r = srunner_create(s);
	srunner_run_all(r, CK_NORMAL);
	failed = srunner_ntests_failed(r);
	srunner_free(r);
	return failed != 0;
}
