/* carbon-c-relay's configuration, imported: what is read, what is written,
 * what is said, and that names go where they went. */
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

#define CLUSTER "cluster c forward 127.0.0.1:2003;\n"

static char path[64];

static void
write_conf(const char *text)
{
	FILE *f;
	int fd;

	strcpy(path, "/tmp/relay.XXXXXX");
	fd = mkstemp(path);
	ck_assert_int_ne(fd, -1);
	f = fdopen(fd, "w");
	fputs(text, f);
	fclose(f);
}

static int
import(const char *text, const char *options, struct buf *yaml,
    struct buf *remarks)
{
	int rc;

	buf_init(yaml, 1 << 26);
	buf_init(remarks, 1 << 20);
	write_conf(text);
	rc = import_carbon_c_relay(path, slice_str(options), yaml, remarks);
	unlink(path);
	buf_cstr(yaml);
	buf_cstr(remarks);
	if (rc == 0) {		/* whatever we write, we take */
		struct buf errors = BUF_INIT(1 << 20);
		struct conf *c = conf_parse(buf_slice(yaml), "out", &errors);

		ck_assert_msg(c != NULL, "%s\n%s", buf_cstr(&errors),
		    yaml->data);
		conf_free(c);
		buf_fini(&errors);
	}
	return rc;
}

/* A part of what is written, or of what is remarked. */
static const struct {
	const char *in, *options, *yaml, *remark;
} rows[] = {
	/* listeners */
	{ CLUSTER, "", "  listen:\n    - 'tcp://*:2003'\n    - 'udp://*:2003'\n"
	    "    - 'unix:///tmp/.s.carbon-c-relay.2003'\n", NULL },
	{ CLUSTER, "-f x -p 2013", "'tcp://*:2013'", NULL },
	{ "# run: carbon-c-relay -p2014 -E -f x.conf\n" CLUSTER, "",
	    "'tcp://*:2014'", NULL },
	{ CLUSTER "listen type linemode 2003 proto tcp [::1]:2004 proto udp "
	    "/run/x.sock proto unix;", "", "'tcp://*:2003'\n    - "
	    "'udp://[::1]:2004'\n    - 'unix:///run/x.sock'\n", NULL },
	{ CLUSTER "listen type linemode transport plain ssl /x.pem 2013 proto "
	    "tcp;", "", "'tls://*:2013'\n  tls:\n    cert: '/x.pem'\n    key: "
	    "'/x.pem'\n", NULL },
	{ CLUSTER "listen type linemode transport plain mtls /x.pem protomin "
	    "tls1.3 2013 proto tcp;", "-C /ca.pem", "    ca: '/ca.pem'\n    "
	    "min_version: '1.3'\n", NULL },
	{ CLUSTER "listen type linemode transport gzip 2003 proto tcp;", "",
	    "'gzip://*:2003'", NULL },
	{ CLUSTER "listen type linemode transport lz4 h:2003 proto tcp;", "",
	    "'lz4://h:2003'", NULL },
	{ CLUSTER "listen type linemode transport snappy 2003 proto tcp;", "",
	    "'snappy://*:2003'", NULL },
	{ CLUSTER "listen type linemode transport gzip ssl /x.pem 2003 proto "
	    "tcp;", "", "'gzips://*:2003'\n  tls:\n    cert: '/x.pem'\n", NULL },
	{ CLUSTER "listen type linemode transport lz4 mtls /x.pem 2003 proto "
	    "tcp;", "", "'lz4s://*:2003'\n  tls:\n    cert: '/x.pem'\n    key: "
	    "'/x.pem'\n    ca: '/etc/ssl/certs/ca-certificates.crt'\n",
	    ":2:1: warning: mtls without -C" },
	{ CLUSTER "listen type linemode transport snappy ssl /x.pem protomin "
	    "tls1.2 protomax tls1.2 ciphers HIGH ciphersuites "
	    "TLS_AES_256_GCM_SHA384 2003 proto tcp;", "", "'snappys://*:2003'\n"
	    "  tls:\n    cert: '/x.pem'\n    key: '/x.pem'\n    min_version: "
	    "'1.2'\n    max_version: '1.2'\n    ciphers: 'HIGH'\n    "
	    "ciphersuites: 'TLS_AES_256_GCM_SHA384'\n", NULL },
	{ CLUSTER "listen type linemode transport plain ssl /x.pem protomin "
	    "ssl3 2003 proto tcp;", "", "    min_version: '1.2'\n",
	    ":2:1: warning: \"ssl3\": TLS 1.2 is the oldest" },
	{ CLUSTER "listen type linemode transport plain ssl /x.pem 1 proto tcp;"
	    "listen type linemode transport plain ssl /y.pem 2 proto tcp;", "",
	    "cert: '/x.pem'", "all TLS listeners have the certificate" },
	{ CLUSTER "listen type linemode transport gzip 2003 proto udp;", "",
	    "'udp://*:2003'", ":2:37: warning: a packed transport is for tcp" },
	{ "cluster c forward h:1 transport snappy h:2 transport gzip ssl;", "",
	    "      - {host: 'h', port: 1, codec: snappy_bare}\n"
	    "      - {host: 'h', port: 2, codec: gzip, tls: true}\n", NULL },
	/* flags */
	{ CLUSTER, "-c '-_:#@' -m 500 -M 9000 -U 65536 -w 3 -T 900 -P /p.pid",
	    "  allowed_chars: '-_:#@'\n  max_name: 500\n  limits:\n"
	    "    max_line: 9000\n    rcvbuf: 65536\n", NULL },
	{ CLUSTER, "-w 3 -P /p.pid", "workers: 3\npid_file: '/p.pid'\n", NULL },
	{ CLUSTER, "-E", "    idle: 0\n", NULL },
	{ CLUSTER, "-q 1000000", "    queue: 128000000\n", NULL },
	{ CLUSTER, "-H me -dD", "  statistics:\n    names: carbon-c-relay\n"
	    "    host: 'me'\n", NULL },
	{ CLUSTER, "-s", "'unix:///tmp/.s.carbon-c-relay.2003'\n  clean_names",
	    NULL },
	{ CLUSTER, "-S", "2003'\n  clean_names", "-S: figures each second" },
	{ CLUSTER, "-p x", "", "-p \"x\": not a number" },
	/* clusters */
	{ "cluster c carbon_ch replication 2 dynamic 10.0.0.1:2003=a [::1] "
	    "10.0.0.1=7;", "", "  'c':\n    method: carbon_ch\n    servers:\n"
	    "      - '10.0.0.1:2003=a'\n      - '[::1]:2003'\n"
	    "      - '10.0.0.1:2003=7'\n    replication: 2\n    dynamic: true\n",
	    NULL },
	{ "cluster c any_of h:1 proto udp h:2=x transport lz4 h:3 transport "
	    "plain ssl;", "", "      - {host: 'h', port: 1, transport: udp}\n"
	    "      - {host: 'h', port: 2, instance: 'x', codec: lz4}\n"
	    "      - {host: 'h', port: 3, tls: true}\n", NULL },
	{ "cluster c forward h:1 transport plain mtls /c /k;", "-C /ca",
	    "    tls:\n      cert: '/c'\n      key: '/k'\n      ca: '/ca'\n",
	    NULL },
	{ "cluster c forward useall host.example:1;", "", "'host.example:1'\n"
	    "    useall: true\n", NULL },
	{ "cluster c forward h:1 type syslog;", "", "",
	    ":1:19: warning: type syslog" },
	{ "cluster c file ip /tmp/a /tmp/b;", "", "    method: file\n"
	    "    servers:\n      - '/tmp/a'\n      - '/tmp/b'\n",
	    ":1:1: warning: file ip" },
	{ "cluster \"it's ${HOME}\" forward h:1;\nmatch * send to \"it's "
	    "${HOME}\" stop;", "", "  'it_s_$_HOME_':\n",
	    "is called \"it_s_$_HOME_\" now" },
	{ "cluster c carbon_ch replication 2 h:1 h:2 i:1;", "", "      - 'h:1'\n"
	    "      - 'i:1'\n    replication: 2\n",
	    ":1:39: warning: \"h\" port 2 was left out" },
	{ "cluster c fnv1a_ch h:1 h:2 h:3=x i:1=x;", "", "'h:3=x'\n",
	    "\"i\" port 1 was left out" },
	/* matches */
	{ CLUSTER "match * send to c stop;", "", "rules:\n  - name: '1 relay.",
	    NULL },
	{ CLUSTER "match * send to c stop;", "", "    when: 'kind == metric'\n"
	    "    to: ['c']\n", NULL },
	{ CLUSTER "match ^a b$ send to c;", "", "    when: 'kind == metric && "
	    "(name =~ \"^a\" || name =~ \"b$\")'\n    to: ['c']\n"
	    "    continue: true\n  - name: unmatched\n    when: "
	    "'kind == metric'\n    to: []\n", NULL },
	{ "match a send to blackhole;", "", "name =~ \"a\"'\n    drop: true\n",
	    NULL },
	{ CLUSTER "match b send to c; match a send to blackhole;", "",
	    "name =~ \"a\"'\n    to: []\n", NULL },
	{ CLUSTER "match every send to c;", "", "\"every\"", NULL },
	{ CLUSTER "match \"send\" send to c;", "", "\"send\"", NULL },
	{ CLUSTER "match * validate ^[0-9]+\\ [0-9]+$ else drop;", "",
	    "    when: 'kind == metric && data !~ \"^[0-9]+ [0-9]+$\"'\n"
	    "    drop: true\n  - name: unmatched\n", NULL },
	{ CLUSTER "match a b validate 1 else log;", "", "    when: 'kind == "
	    "metric && (name =~ \"a\" || name =~ \"b\") && data !~ \"1\"'\n"
	    "    log: true\n    drop: true\n", NULL },
	{ CLUSTER "match * send to c; match * validate 1 else drop;", "",
	    "data !~ \"1\"'\n    to: []\n", NULL },
	{ CLUSTER "match ^a validate 1 else drop send to c;", "", "name =~ "
	    "\"^a\" && data =~ \"1\"'\n    to: ['c']\n    continue: true\n"
	    "  - name: unmatched\n", NULL },
	{ CLUSTER "match ^a validate 1 else log send to c;", "", "    continue: "
	    "true\n  - name: '2 relay.", NULL }, { CLUSTER "match ^a validate 1 else "
	    "log send to c;", "", "    when: 'kind == metric && "
	    "name =~ \"^a\" && data !~ \"1\"'\n    log: true\n  - name: "
	    "unmatched\n", NULL },
	{ CLUSTER "match ^a validate 1 else drop send to c stop;", "",
	    "data =~ \"1\"'\n    to: ['c']\n  - name: '2 relay.", NULL },
	{ CLUSTER "match ^a validate 1 else drop send to c stop;", "", "    "
	    "when: 'kind == metric && name =~ \"^a\" && data !~ \"1\"'\n    "
	    "drop: true\n", NULL },
	{ CLUSTER "match * validate ( else drop;", "", NULL,
	    ":2:1: expression \"(\"" },
	{ CLUSTER "match ^(a)(b) route using \\_2.\\1 send to c;", "",
	    "    route_by: '${2:lower}.${1}'\n    to: ['c']\n    continue: "
	    "true\n", NULL },
	{ CLUSTER "match * route using $x send to c stop;", "",
	    "    route_by: '$$x'\n    to: ['c']\n", NULL },
	/* patterns: what quoting does, and other dialects */
	{ CLUSTER "match \"a\\\\.b\\\"c\" send to c;", "",
	    "name =~ \"a\\.b\\x22c\"", NULL },
	{ CLUSTER "match \"it's\" send to c;", "", "name =~ \"it''s\"", NULL },
	{ CLUSTER "match \\<a\\> send to c;", "",
	    "\"\\b(?=\\w)a\\b(?<=\\w)\"", NULL },
	{ CLUSTER "match [][:alpha:].]x send to c;", "",
	    "\"[\\][:alpha:].]x\"", NULL },
	{ CLUSTER "match a** send to c;", "", "\"a*\"", NULL },
	{ CLUSTER "match *a send to c;", "", "\"\\*a\"", NULL },
	{ CLUSTER "match a{2}b{,3}c{x send to c;", "", "\"a{2}b{0,3}c\\{x\"",
	    NULL },
	{ CLUSTER "match \"a${HOME}\" send to c;", "", "\"a$\\{HOME}\"", NULL },
	{ CLUSTER "match caf\\\\\xc3\xa9 send to c;", "", NULL,
	    "a character that must stand in quotes" },
	{ CLUSTER "match \"caf\xc3\xa9\" send to c;", "",
	    "\"caf\\xc3\\xa9\"", NULL },
	{ CLUSTER "match ^a\\d+ send to c;", "", "\"^a\\d+\"",
	    ":2:1: warning: expression \"^a\\d+\": \\d and the like" },
	/* rewrites */
	{ "rewrite ^a\\.([a-z]+)\\.(.*)$ into \"b.\\\\_1.\\\\^1.\\\\.2.\\\\_.2\";",
	    "", "    rewrite: 'b.${1:lower}.${1:upper}.${2:dots}."
	    "${2:lower:dots}'\n", NULL },
	{ "rewrite (a) into \\g{1}x$\\2\\9;", "", "rewrite: '${1}x$$'", NULL },
	{ "rewrite a[0-9]+z into num;", "", "rewrite: 'num'", NULL },
	/* aggregates */
	{ CLUSTER "aggregate ^a\\.(.*)$ every 10 seconds expire after 15 seconds "
	    "compute sum write to t.\\1 send to c;", "",
	    "name =~ \"^(?:a\\.(.*))$\"'\n    aggregate: sum\n    as: 't.${1}'\n"
	    "    every: 10s\n    expire: 15s\n    stamp: end\n    to: ['c']\n"
	    "    continue: true\n", NULL },
	{ CLUSTER "aggregate a\\.(.*) every 10 seconds expire after 15 seconds "
	    "timestamp at start of bucket compute percentile95 write to t.\\1 "
	    "stop;", "", "name =~ \"^(?<head>.*?)(?:a\\.(.*))(?<tail>.*)$\"'\n"
	    "    aggregate: p95\n    as: '${head}t.${2}${tail}'\n    every: 10s\n"
	    "    expire: 15s\n    stamp: start\n  - name: '2 relay.", NULL },
	{ CLUSTER "aggregate ^a every 10 seconds expire after 15 seconds "
	    "compute cnt write to n compute avg write to m;", "",
	    "name =~ \"^a\"'\n    aggregate: average\n    as: 'm'\n", NULL },
	{ CLUSTER "aggregate ^a every 10 seconds expire after 15 seconds "
	    "compute percentile42 write to n;", "", "aggregate: p42\n", NULL },
	{ CLUSTER "statistics submit every 30 seconds reset counters after "
	    "interval prefix with x\\.1 send to c stop;", "", "    names: "
	    "carbon-c-relay\n    interval: 30s\n    reset: true\n    prefix: "
	    "'x{flat}'\n    to: ['c']\n", NULL },
	{ CLUSTER "send statistics to c stop;", "", "    names: carbon-c-relay\n"
	    "    to: ['c']\n", NULL },
	{ CLUSTER "statistics prefix with \\_2.\\3.\\^.1.\\1;", "", "    prefix: "
	    "'{short:lower}.{domain}.{flat:upper}.{host}'\n", NULL },
	{ CLUSTER "statistics prefix with \\.3;", "", "    prefix: '{domain}'\n",
	    ":2:1: warning: prefix \"\\.3\": the dots of \\3 stay dots" },
	{ CLUSTER "statistics send to blackhole;", "", "2003'\n  clean_names",
	    NULL },
	/* faults: no YAML */
	{ "cluster c forward h:70000;", "", NULL,
	    ":1:19: invalid port number \"70000\"" },
	{ "cluster c forward ::1;", "", NULL, ":1:19: \"::1\": a host is missing" },
	{ "cluster c forward [::1;", "", NULL, "a \"]\" is missing" },
	{ "cluster c forward;", "", NULL,
	    ":1:18: expected the address of a server, found \";\"" },
	{ "cluster c nearest h:1;", "", NULL, ":1:11: expected forward, any_of" },
	{ "cluster c carbon_ch replication 3 a b;", "", NULL,
	    "replication 3 is more than its 2 servers" },
	{ "cluster c carbon_ch replication 0 a b;", "", NULL,
	    ":1:33: replication must be between 1 and 255" },
	{ CLUSTER CLUSTER, "", NULL, ":2:9: there is a cluster \"c\" already" },
	{ "cluster blackhole forward a;", "", NULL, "\"blackhole\" already" },
	{ "\n\nmatch * send to d;", "", NULL,
	    ":3:17: no cluster \"d\" was defined before" },
	{ CLUSTER "match * send to c blackhole;", "", NULL,
	    "blackhole stands alone" },
	{ CLUSTER "match send to c;", "", NULL, "expected an expression" },
	{ CLUSTER "match ( send to c;", "", NULL, ":2:1: expression \"(\": " },
	{ CLUSTER "match \"a\n", "", NULL, ":2:7: a quoted text without an end" },
	{ CLUSTER "match \"\" send to c;", "", NULL, ":2:7: an empty text" },
	{ CLUSTER "match a=b send to c;", "", NULL, "found \"=\"" },
	{ CLUSTER "match * send to c", "", NULL,
	    ":2:18: expected \";\", found \"the end of the file\"" },
	{ "frobnicate;", "", NULL, ":1:1: expected cluster, match" },
	{ "aggregate a every 10 seconds expire after 10 seconds compute sum "
	    "write to b;", "", NULL, "expire must be greater" },
	{ "aggregate a every 10 seconds expire after 20 seconds compute "
	    "percentile100 write to b;", "", NULL, "expected sum, count" },
	{ "listen type linemode 2003;", "", NULL, "expected proto" },
	{ "include /nowhere/*.conf;", "", NULL,
	    ":1:9: include \"/nowhere/*.conf\": No such file" },
	/* all of them in one run */
	{ "cluster;\nmatch;\nrewrite a;", "", NULL, ":3:10: expected into" },
};

START_TEST(row)
{
	struct buf yaml, remarks;
	int rc = import(rows[_i].in, rows[_i].options, &yaml, &remarks);

	ck_assert_msg(rc == (rows[_i].yaml == NULL ? -1 : 0), "%s: %s",
	    rows[_i].in, remarks.data);
	if (rows[_i].yaml != NULL)
		ck_assert_msg(strstr(yaml.data, rows[_i].yaml) != NULL,
		    "%s\n%s", rows[_i].in, yaml.data);
	else
		ck_assert_uint_eq(yaml.len, 0);
	if (rows[_i].remark != NULL)
		ck_assert_msg(strstr(remarks.data, rows[_i].remark) != NULL,
		    "%s\n%s", rows[_i].in, remarks.data);
	else
		ck_assert_msg(remarks.len == 0, "%s\n%s", rows[_i].in,
		    remarks.data);
	buf_fini(&yaml);
	buf_fini(&remarks);
}
END_TEST

START_TEST(includes)
{
	char dir[] = "/tmp/relay.XXXXXX", name[100], conf[300];
	struct buf yaml, remarks;
	FILE *f;

	ck_assert(mkdtemp(dir) != NULL);
	for (int i = 0; i < 2; i++) {
		snprintf(name, sizeof name, "%s/%d.conf", dir, i);
		f = fopen(name, "w");
		fprintf(f, "\nmatch in%d send to %s;", i, i == 0 ? "c" : "d");
		fclose(f);
	}
	snprintf(conf, sizeof conf, CLUSTER "include %s/*.conf;\nmatch * send to "
	    "e;", dir);
	ck_assert_int_eq(import(conf, "", &yaml, &remarks), -1);
	ck_assert(strstr(remarks.data, "/1.conf:2:19: no cluster \"d\"") != NULL);
	ck_assert(strstr(remarks.data, ":3:17: no cluster \"e\"") != NULL);
	buf_fini(&yaml);
	buf_fini(&remarks);
	snprintf(conf, sizeof conf, CLUSTER "include %s/0.conf;\n", dir);
	ck_assert_int_eq(import(conf, "", &yaml, &remarks), 0);
	ck_assert(strstr(yaml.data, "'1 0.conf:2'") != NULL);
	buf_fini(&yaml);
	buf_fini(&remarks);
	/* one that includes itself ends */
	f = fopen(name, "w");
	fprintf(f, "include %s;", name);
	fclose(f);
	snprintf(conf, sizeof conf, "include %s;", name);
	ck_assert_int_eq(import(conf, "", &yaml, &remarks), -1);
	ck_assert(strstr(remarks.data, "includes are more than 16 deep") != NULL);
	buf_fini(&yaml);
	buf_fini(&remarks);
	snprintf(conf, sizeof conf, "rm -r %s", dir);
	ck_assert_int_eq(system(conf), 0);
}
END_TEST

START_TEST(no_such_file)
{
	struct buf yaml = BUF_INIT(1000), remarks = BUF_INIT(1000);

	ck_assert_int_eq(import_carbon_c_relay("/nowhere/x.conf",
	    slice_str(""), &yaml, &remarks), -1);
	ck_assert_str_eq(buf_cstr(&remarks),
	    "/nowhere/x.conf: No such file or directory\n");
	buf_fini(&remarks);
}
END_TEST

/* ---- names go where they went ---- */

struct relay {
	struct conf *conf;
	struct rules *rules;
	struct ring *rings[8];
};

static void
make_ring(struct relay *r, size_t i)
{
	static const enum ring_method methods[] = {
		[CONF_FORWARD] = RING_FORWARD, [CONF_ANY_OF] = RING_ANY_OF,
		[CONF_FAILOVER] = RING_FAILOVER,
		[CONF_CARBON_CH] = RING_CARBON_CH,
		[CONF_FNV1A_CH] = RING_FNV1A_CH,
		[CONF_JUMP_FNV1A_CH] = RING_JUMP_FNV1A_CH
	};
	const struct conf_cluster *c = &r->conf->clusters[i];
	struct ring_server servers[64];
	char error[500] = "";

	for (size_t k = 0; k < c->nservers; k++)
		servers[k] = (struct ring_server){
		    slice_str(c->servers[k].host),
		    slice_str(c->servers[k].instance), c->servers[k].port,
		    c->servers[k].transport };
	r->rings[i] = ring_new(methods[c->method], servers, c->nservers,
	    c->replication, false, error, sizeof error);
	ck_assert_msg(r->rings[i] != NULL, "%s", error);
}

static void
load(struct relay *r, const char *file)
{
	struct buf yaml = BUF_INIT(1 << 26), remarks = BUF_INIT(1 << 20);

	ck_assert_msg(import_carbon_c_relay(file, slice_str(""), &yaml,
	    &remarks) == 0, "%s", buf_cstr(&remarks));
	r->conf = conf_parse(buf_slice(&yaml), "out", &remarks);
	ck_assert_msg(r->conf != NULL, "%s", buf_cstr(&remarks));
	r->rules = rules_new(r->conf);
	for (size_t i = 0; i < r->conf->nclusters; i++)
		make_ring(r, i);
	buf_fini(&yaml);
	buf_fini(&remarks);
}

static void
unload(struct relay *r)
{
	for (size_t i = 0; i < r->conf->nclusters; i++)
		ring_free(r->rings[i]);
	rules_free(r->rules);
	conf_free(r->conf);
}

/* "name@host:port ..." in the order of clusters and their servers. */
static void
route(const struct relay *r, const char *name, char *out)
{
	struct record rec = { .kind = RECORD_METRIC, .source = SOURCE_GRAPHITE,
	    .metric = { .type = METRIC_POINT, .name = slice_str(name) } };
	struct decision d;
	unsigned picked[64];

	*out = '\0';
	decision_init(&d);
	rules_apply(r->rules, &rec, &d);
	for (size_t i = 0; i < r->conf->nclusters; i++) {
		size_t n;

		if ((d.to.clusters >> i & 1) == 0 || d.dropped_by != -1)
			continue;
		n = ring_pick(r->rings[i], d.name, picked, 64);
		for (size_t k = 0; k < n; k++) {
			const struct conf_server *s =
			    &r->conf->clusters[i].servers[picked[k]];

			out += sprintf(out, "%s%s:%u", k > 0 ? "," : "",
			    s->host, s->port);
		}
	}
	decision_fini(&d);
}

START_TEST(recorded_routes)
{
	const char *top = getenv("top_srcdir");
	char pattern[600], line[4096], got[4096];
	unsigned files = 0;
	glob_t g;

	snprintf(pattern, sizeof pattern, "%s/tests/vectors/hash/*-r[12].conf",
	    top ? top : ".");
	ck_assert_int_eq(glob(pattern, 0, NULL, &g), 0);
	for (size_t i = 0; i < g.gl_pathc; i++, files++) {
		struct relay r;
		FILE *f;

		load(&r, g.gl_pathv[i]);
		snprintf(pattern, sizeof pattern, "%.*s.tsv",
		    (int)strlen(g.gl_pathv[i]) - 5, g.gl_pathv[i]);
		f = fopen(pattern, "r");
		ck_assert(f != NULL);
		while (fgets(line, sizeof line, f) != NULL) {
			char *want = strchr(line, '\t');

			line[strcspn(line, "\n")] = '\0';
			*want++ = '\0';
			route(&r, line, got);
			ck_assert_msg(strcmp(got, want) == 0, "%s: %s: %s, "
			    "not %s", g.gl_pathv[i], line, got, want);
		}
		fclose(f);
		unload(&r);
	}
	ck_assert_uint_ge(files, 50);
	globfree(&g);
}
END_TEST

/* The destinations that Debian's carbon-c-relay names for it, sorted as ours:
 * by port, which here is by cluster. */
static void
ask_relay(const char *file, const char *name, char *out)
{
	char command[500], line[1000];
	bool seen[10] = { false }, aggregation = false;
	FILE *f;

	snprintf(command, sizeof command, "echo '%s' | "
	    "/usr/bin/carbon-c-relay -f %s -t 2>/dev/null | "
	    "sed '1,/^parsed configuration/d;1,/^match \\*$/d'", name, file);
	f = popen(command, "r");
	while (fgets(line, sizeof line, f) != NULL) {
		unsigned port;

		if (line[0] != ' ')
			aggregation = strncmp(line, "aggregation", 11) == 0;
		if (strncmp(line, "        127.0.0.1:", 18) == 0 &&
		    strchr(line, ';') == NULL && !aggregation &&
		    sscanf(line + 18, "%u", &port) == 1 && port < 10)
			seen[port] = true;
	}
	pclose(f);
	*out = '\0';
	for (int i = 0; i < 10; i++)
		if (seen[i])
			out += sprintf(out, "127.0.0.1:%d", i);
}

static const char several_rules[] =
    "cluster a forward 127.0.0.1:1;\n"
    "cluster b forward 127.0.0.1:2;\n"
    "cluster c forward 127.0.0.1:3;\n"
    "cluster d forward 127.0.0.1:4;\n"
    "rewrite ^old\\.([a-z]+)\\. into new.\\^1.;\n"
    "rewrite ([0-9]+)ms into t\\1;\n"
    "match ^new\\.A send to a;\n"
    "match \\.x$ ^only$ send to b stop;\n"
    "match foo bar send to blackhole;\n"
    "match \\.t[0-9]{2}\\. send to c stop;\n"
    "aggregate ^sys\\.(.+)\\.cpu every 10 seconds expire after 15 seconds\n"
    "  compute sum write to tot.\\1;\n"
    "match ^sys\\.(a|b|ab)\\.cpu$ send to d;\n"
    "match [][:upper:]-] send to c;\n"
    "match ^(x|y)*z\\+ send to b c stop;\n"
    "match * send to d stop;\n";

START_TEST(routes_as_the_relay)
{
	static const char *const names[] = { "old.abc.x", "old.Abc.x", "old.abc.y",
	    "old.bc.y", "new.A", "new.B", "only", "only.not", "q.x", "q.x.y",
	    "foo.y", "hey.bar.x", "hey.bar", "q.15ms.r", "q.t15.r", "q.155ms.r",
	    "sys.a.cpu", "sys.ab.cpu", "sys.abc.cpu", "has-dash", "Upper", "lower",
	    "xyxz+", "z+", "xz", "other", "old.foo.y", "12ms.12ms.r" };
	struct relay r;
	char want[400], got[400];

	if (access("/usr/bin/carbon-c-relay", X_OK) != 0)
		return;
	write_conf(several_rules);
	load(&r, path);
	for (size_t i = 0; i < sizeof names / sizeof names[0]; i++) {
		ask_relay(path, names[i], want);
		route(&r, names[i], got);
		ck_assert_msg(strcmp(got, want) == 0, "%s: \"%s\", the relay "
		    "says \"%s\"", names[i], got, want);
	}
	unload(&r);
	unlink(path);
}
END_TEST

int
main(void)
{
	Suite *s = suite_create("import_carbon_c_relay");
	TCase *t = tcase_create("all");
	SRunner *r;
	int failed;

	tcase_set_timeout(t, 60);
	tcase_add_loop_test(t, row, 0, sizeof rows / sizeof rows[0]);
	tcase_add_test(t, includes);
	tcase_add_test(t, no_such_file);
	tcase_add_test(t, recorded_routes);
	tcase_add_test(t, routes_as_the_relay);
	suite_add_tcase(s, t);
	r = srunner_create(s);
	srunner_run_all(r, CK_NORMAL);
	failed = srunner_ntests_failed(r);
	srunner_free(r);
	return failed != 0;
}
