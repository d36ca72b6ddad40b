/* test_conf.c - configurations, right and wrong: what is said, and where. */
#include "config.h"

#include <check.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <unistd.h>

#include "conf/conf.h"
#include "conf/derive.h"
#include "conf/expr.h"
#include "conf/value.h"

static struct conf *
parse(const char *yaml, struct buf *errors)
{
	buf_init(errors, 1 << 20);
	return conf_parse(slice_str(yaml), "f", errors);
}

/* A row per fault: the file, and all that must be said about it. */
static const struct {
	const char *yaml, *said;
} faults[] = {
	/* YAML itself */
	{ "a: [1, 2", "f:2:1: not YAML: did not find expected ',' or ']', while parsing a flow sequence\n" },
	{ "a: b: c\n", "f:1:5: not YAML: mapping values are not allowed in this context\n" },
	{ "workers: 1\n\tuser: x\n", "f:2:1: not YAML: found a tab character that violates indentation, while scanning a plain scalar\n" },
	{ "- 1\n- 2\n", "f:1:1: expected a map of sections, found a list\n" },
	{ "workers: 1\n---\nworkers: 2\n", "f:2:1: a second document: a configuration is one\n" },
	{ "user: \"a\\0b\"\n", "f:1:7: a text with a NUL byte in it\n" },
	{ "user: \"\xff\"\n", "f:1:8: not YAML: invalid leading UTF-8 octet\n" },
	{ "? [a]\n: 1\n", "f:1:3: a key must be a text, not a list\n" },
	{ "user: *x\n", "f:1:7: no anchor \"x\" before this alias\n" },
	{ "rules: &a [*a]\n", "f:1:12: alias \"a\" stands inside of what it means\n" },
	{ "user: [[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[", "f:1:39: nested more than 32 deep\n" },
	/* keys */
	{ "workrs: 1\n", "f:1:1: unknown key \"workrs\", did you mean \"workers\"?\n" },
	{ "statsd:\n  listn: []\n", "f:2:3: unknown key \"listn\" in statsd, did you mean \"listen\"?\n" },
	{ "admin: {zzzzzz: 1}\n", "f:1:9: unknown key \"zzzzzz\" in admin, expected listen\n" },
	{ "workers: 1\nuser: x\nworkers: 2\n", "f:3:1: duplicate key \"workers\", first on line 1\n" },
	{ "statsd: 5\n", "f:1:9: statsd: expected a map of keys, found a text\n" },
	{ "clusters: []\n", "f:1:11: clusters: expected a map by name, found a list\n" },
	{ "rules: [5]\n", "f:1:9: rules[]: expected a map of keys, found a text\n" },
	{ "user: {a: 1}\n", "f:1:7: expected a text, found a map\n" },
	/* values */
	{ "workers: x\n", "f:1:10: workers: expected a whole number, found \"x\"\n" },
	{ "workers: -1\n", "f:1:10: workers: expected a whole number, found \"-1\"\n" },
	{ "workers: 1.5\n", "f:1:10: workers: expected a whole number, found \"1.5\"\n" },
	{ "workers: 99999999999999999999\n", "f:1:10: workers: expected a whole number, found \"99999999999999999999\"\n" },
	{ "workers: 257\n", "f:1:10: workers: 257 is not between 0 and 256\n" },
	{ "drain: 5\n", "f:1:8: drain: expected a duration such as 250ms, 10s, 1h30m or 30d, found \"5\"\n" },
	{ "drain: -5s\n", "f:1:8: drain: expected a duration such as 250ms, 10s, 1h30m or 30d, found \"-5s\"\n" },
	{ "drain: 2h\n", "f:1:8: drain: 2h is not between 0 and 1h\n" },
	{ "statsd: {limits: {max_line: 5 apples}}\n", "f:1:29: max_line: expected a size such as 512k, 64MiB or 1GB, found \"5 apples\"\n" },
	{ "statsd: {limits: {max_line: 1}}\n", "f:1:29: max_line: 1 is not between 64 and 64MiB\n" },
	{ "statsd: {strict: maybe}\n", "f:1:18: strict: expected true or false, found \"maybe\"\n" },
	{ "log_level: warning\n", "f:1:12: log_level: no such value \"warning\", did you mean \"warn\"?\n" },
	{ "graphite: {statistics: {to: [x]}}\n", "f:1:29: to: no cluster is called \"x\"\n" },
	{ "graphite: {statistics: {names: ccr}}\n", "f:1:32: names: no such value \"ccr\", expected none, carbon-c-relay or carbon\n" },
	{ "graphite: {statistics: {prefix: \"a.{hst}\"}}\n", "f:1:33: prefix: no such part {hst}, did you mean \"host\"?\n" },
	{ "graphite: {statistics: {interval: 10ms}}\n", "f:1:35: interval: 10ms is not between 1s and 1d\n" },
	{ "clusters: {c: {method: carbon_ch, useall: true, servers: [h]}}\n", "f:1:43: useall: not with a ring, on which a name has one place\n" },
	{ "dns: {interval: 0}\n", "f:1:17: interval: 0 is not between 1s and 1d\n" },
	{ "syslog: {oversize: drop}\n", "f:1:20: oversize: no such value \"drop\", expected truncate or split\n" },
	{ "syslog: {zone: CET}\n", "f:1:16: zone: expected UTC, local or an offset such as +02:00, found \"CET\"\n" },
	{ "flush: {percentiles: [90, 101]}\n", "f:1:27: percentiles: expected a number above 0 and up to 100, or the same below 0, found \"101\"\n" },
	{ "flush: {percentiles: [0]}\n", "f:1:23: percentiles: expected a number above 0 and up to 100, or the same below 0, found \"0\"\n" },
	{ "flush: {percentiles: [90, 90.0]}\n", "f:1:22: percentiles: 90.0 stands there twice\n" },
	{ "flush: {histogram: [{metric: a, bins: [1, 1]}]}\n", "f:1:43: bins: expected a number above the one before, or inf, found \"1\"\n" },
	{ "flush: {timers: {error: 5}}\n", "f:1:25: error: 5 is not between 0.0001 and 0.2\n" },
	{ "flush: {interval: 1ms}\n", "f:1:19: interval: 1ms is not between 100ms and 1d\n" },
	{ "tail: {files: /x, multiline: \"(\"}\n", "f:1:32: multiline: missing closing parenthesis\n" },
	{ "tail: {}\n", "f:1:7: files: is missing: what is to be followed?\n" },
	/* the environment */
	{ "user: ${MILLRACE_NOT_SET}\n", "f:1:9: no \"MILLRACE_NOT_SET\" in the environment; write ${MILLRACE_NOT_SET:-...} to give a default\n" },
	{ "user: 'a ${MILLRACE_NOT_SET'\n", "f:1:10: \"${\" without a \"}\"; write $${ for the two characters\n" },
	{ "user: '${1x}'\n", "f:1:10: \"${1x}\": expected ${NAME} or ${NAME:-default}\n" },
	{ "user: '${a b}'\n", "f:1:10: \"${a b}\": expected ${NAME} or ${NAME:-default}\n" },
	/* addresses */
	{ "statsd: {listen: \"8125\"}\n", "f:1:18: listen: \"8125\": expected an address such as \"udp://*:8125\"\n" },
	{ "statsd: {listen: \"upd://*:1\"}\n", "f:1:18: listen: \"upd://*:1\": no scheme \"upd\" here, did you mean \"udp\"?\n" },
	{ "admin: {listen: \"tcp://*:1\"}\n", "f:1:17: listen: \"tcp://*:1\": no scheme \"tcp\" here, expected http\n" },
	{ "statsd: {listen: \"udp://h\"}\n", "f:1:18: listen: \"udp://h\": a port is missing\n" },
	{ "statsd: {listen: \"udp://h:0\"}\n", "f:1:18: listen: \"udp://h:0\": expected host:port, [v6]:port or *:port behind the scheme, and a port from 1 to 65535\n" },
	{ "statsd: {listen: \"udp://::1:8125\"}\n", "f:1:18: listen: \"udp://::1:8125\": expected host:port, [v6]:port or *:port behind the scheme, and a port from 1 to 65535\n" },
	{ "statsd: {listen: \"udp://[zz]:8125\"}\n", "f:1:18: listen: \"udp://[zz]:8125\": expected host:port, [v6]:port or *:port behind the scheme, and a port from 1 to 65535\n" },
	{ "statsd: {listen: \"unix://x\"}\n", "f:1:18: listen: \"unix://x\": expected a path, as in unix:///run/x.sock\n" },
	{ "statsd: {listen: \"tls://*:1\"}\n", "f:1:18: listen: \"tls://*:1\": needs tls: {cert: ..., key: ...} in this section\n" },
	{ "statsd: {tls: {cert: a}}\n", "f:1:22: cert: has no key beside it\n" },
	{ "statsd: {tls: {fingerprints: [SHA256:aa]}}\n", "f:1:30: fingerprints: expected SHA256: and 64 hex digits, found \"SHA256:aa\"\n" },
	{ "statsd: {management: x}\n", "f:1:22: management: expected an address such as 127.0.0.1:8126 or [::1]:8126, found \"x\"\n" },
	{ "statsd: {listen: \"tcp://*:1\", management: \"127.0.0.1:1\"}\n", "f:1:18: listen: \"tcp://*:1\" is taken by \"management: 127.0.0.1:1\", on line 1\n" },
	{ "statsd: {}\nadmin: {listen: \"http://127.0.0.1:8126\"}\n", "f:2:17: listen: \"http://127.0.0.1:8126\" is taken by \"management: 127.0.0.1:8126\", on line 1\n" },
	{ "group: daemon\n", "f:1:8: group: has no user beside it\n" },
	{ "prometheus_mapping: /nonexistent/x.yml\n", "f:1:21: prometheus_mapping: /nonexistent/x.yml: No such file or directory\n" },
	{ "statsd: {listen: \"tcp://*:5514\"}\nsyslog: {}\n", "f:1:18: listen: \"tcp://*:5514\" is taken by \"tcp://*:5514\", a default\n" },
	{ "statsd: {}\nadmin: {listen: \"http://127.0.0.1:8125\"}\n", "f:2:17: listen: \"http://127.0.0.1:8125\" is taken by \"tcp://*:8125\", a default\n" },
	{ "statsd: {listen: \"udp://*:1\"}\ngraphite: {listen: \"udp://127.0.0.1:1\"}\n", "f:2:20: listen: \"udp://127.0.0.1:1\" is taken by \"udp://*:1\", on line 1\n" },
	/* clusters */
	{ "clusters: {a: {servers: [x, y], method: carbon}}\n", "f:1:41: method: no such value \"carbon\", did you mean \"carbon_ch\"?\n" },
	{ "clusters: {a: {replication: 3, servers: [x, y]}}\n", "f:1:29: replication: 3 copies on 2 servers\n" },
	{ "clusters:\n  a:\n", "f:2:5: servers: \"a\" needs one\n" },
	{ "clusters: {a: {}}\n", "f:1:15: servers: \"a\" needs one\n" },
	{ "clusters: {a: {method: memory, servers: [x]}}\n", "f:1:41: servers: this method has none\n" },
	{ "clusters: {a: {servers: [x, y, \"x:2003\"]}}\n", "f:1:32: servers: \"x:2003\" stands there twice, first on line 1\n" },
	{ "clusters: {a: {servers: [\"x:y\"]}}\n", "f:1:26: servers: expected host[:port][=instance], found \"x:y\"\n" },
	{ "clusters: {a: {servers: [\"x:1=\"]}}\n", "f:1:26: servers: expected host[:port][=instance], found \"x:1=\"\n" },
	{ "clusters: {a: {servers: [{port: 1}]}}\n", "f:1:26: servers: host is missing\n" },
	{ "clusters: {a: {servers: [{host: x, transport: udp, tls: on}]}}\n", "f:1:57: tls: not over udp\n" },
	{ "clusters: {a: {servers: [{host: x, protocol: statsd}, y]}}\n", "f:1:55: servers: \"x:8125\" and \"y\" want samples and figures: make it two clusters\n" },
	{ "clusters: {a: {servers: [{host: x, admin_port: 8126}]}}\n", "f:1:26: admin_port: only with protocol: statsd\n" },
	{ "clusters: {a: {spool: 1GiB, servers: [{host: x, protocol: statsd}]}}\n", "f:1:23: spool: samples have no time of their own, and would count when they are replayed\n" },
	{ "clusters: {a: {servers: [{host: x, port: 65536}]}}\n", "f:1:42: port: 65536 is not between 1 and 65535\n" },
	{ "clusters: {\"a b\": {servers: x}}\n", "f:1:12: \"a b\": a name has no blanks, quotes, braces, slashes or colons, and does not begin with a dot\n" },
	/* streams */
	{ "streams: {e: {redis: localhost}}\n", "f:1:22: redis: expected a URL such as redis://127.0.0.1:6379/0\n" },
	{ "streams: {e: {redis: \"rdis://x\"}}\n", "f:1:22: redis: no scheme \"rdis\" here, did you mean \"redis\"?\n" },
	{ "streams: {e: {ack: redis}}\n", "f:1:20: ack: needs redis or sentinels: without them there is only the journal\n" },
	{ "streams: {e: {redis: \"redis://x\", ack: replica x}}\n", "f:1:40: ack: expected journal, redis, both or \"replica N\", found \"replica x\"\n" },
	{ "streams: {e: {sentinels: [\"a:1\"]}}\n", "f:1:26: sentinels: master_name is missing\n" },
	{ "streams: {e: {partitions: 4}}\n", "f:1:27: partitions: key has no {partition} in it\n" },
	{ "streams: {e: {key: \"x:{nod}\"}}\n", "f:1:20: key: no such part {nod}, did you mean \"node\"?\n" },
	/* archives */
	{ "archives: {l: {file: \"{hots}.log\"}}\n", "f:1:22: file: no such part {hots}, did you mean \"host\"?\n" },
	{ "archives: {l: {file: \"{host\"}}\n", "f:1:22: file: expected a \"}\" for each \"{\", found \"{host\"\n" },
	{ "archives: {l: {file: \"../x\"}}\n", "f:1:22: file: has \"..\" in it\n" },
	{ "archives: {l: {file: \"a//b\"}}\n", "f:1:22: file: two slashes with nothing between them, at \"/b\"\n" },
	{ "archives: {l: {file: \"./{host}\"}}\n", "f:1:22: file: \".\" and \"..\" are no names, at \"./{host}\"\n" },
	{ "archives: {l: {file: \"{host}{app}{peer}{host}.log\"}}\n", "f:1:22: file: a name here could become too long, at \"{host}{app}{peer}{host}.log\"\n" },
	{ "archives: {l: {level: 20}}\n", "f:1:23: level: 20 is not between 1 and 19\n" },
	{ "archives: {l: {dir: /x}, m: {dir: /x}}\n", "f:1:26: \"m\" writes the files of \"l\", on line 1\n" },
	{ "clusters: {a: {servers: x}}\narchives: {a: {}}\n", "f:2:12: \"a\" is a cluster too, on line 1: rules could not tell them apart\n" },
	/* events */
	{ "events: {users: {u: {password: hunter2}}}\n", "f:1:32: password: expected crypt(3) text that begins with $, or sha256:hex; not the word itself\n" },
	{ "events: {listen: ['forward://127.0.0.1:1'], users: {u: {password: '$6$x'}}}\n", "f:1:9: forward_key: is needed: there are users, and who comes over forward:// shows no password\n" },
	{ "events: {users: {u: {}}}\n", "f:1:21: password: user \"u\" needs one\n" },
	{ "events: {journal: {quota: 100MiB}}\n", "f:1:27: quota: must hold two segments at least\n" },
	/* rules */
	{ "rules: [{to: graphite}]\nclusters: {graphiet: {servers: x}}\n", "f:1:14: to: no cluster, stream, archive or forward is called \"graphite\", did you mean \"graphiet\"?\n" },
	{ "rules: [{to: [a, b]}]\nclusters: {a: {servers: x}}\n", "f:1:18: to: no cluster, stream, archive or forward is called \"b\"\n" },
	{ "rules: [{name: x, drop: on}, {name: x, drop: on}]\n", "f:1:37: name: the rule on line 1 is called \"x\" too\n" },
	{ "rules: [{drop: true, rewrite: x}]\n", "f:1:16: drop: a rule that drops does nothing else\n" },
	{ "rules: [{aggregate: sum}]\n", "f:1:21: aggregate: as is missing: the aggregate needs a name\n" },
	{ "rules: [{aggregate: summ, as: x}]\n", "f:1:21: aggregate: no such value \"summ\", did you mean \"sum\"?\n" },
	{ "rules: [{route_by: x, drop: on}]\n", "f:1:20: route_by: needs to, and nothing made of the record\n" },
	{ "rules: [{route_by: x, when: 'kind == log', to: []}]\n", "f:1:20: route_by: only metrics find servers by it, and when is never true for one\n" },
	{ "graphite: {listen: ['gzips://*:1']}\n", "f:1:21: listen: \"gzips://*:1\": needs tls: {cert: ..., key: ...} in this section\n" },
	{ "graphite: {tls: {min_version: '1.3', max_version: '1.2'}}\n", "f:1:51: max_version: is older than min_version\n" },
	{ "rules: [{continue: on, rewrite: x}]\n", "f:1:20: continue: needs to: only a rule that says where to ends the search\n" },
	{ "rules:\n  -\n", "f:2:4: a rule that does nothing\n" },
	{ "rules: [{name: a}]\n", "f:1:9: a rule that does nothing\n" },
	{ "rules: [{when: 'kind == log', aggregate: sum, as: x}]\n", "f:1:42: aggregate: only metrics can be, and when is never true for one\n" },
	{ "rules: [{when: 'kind == log', to: a}]\nclusters: {a: {servers: x}}\n", "f:1:35: to: cluster \"a\" takes metrics, and when is never true for one\n" },
	{ "rules: [{when: 'kind == log && name == \"x\"', drop: on}]\n", "f:1:16: when: can never be true\n" },
	/* expressions, at their own column, however they are quoted */
	{ "rules: [{when: 'kind == metrc', drop: on}]\n", "f:1:25: when: no kind is called \"metrc\", did you mean \"metric\"?\n" },
	{ "rules: [{when: kind == metrc, drop: on}]\n", "f:1:24: when: no kind is called \"metrc\", did you mean \"metric\"?\n" },
	{ "rules: [{when: \"name == \\\"a\\\" && nam\", drop: on}]\n", "f:1:34: when: no field \"nam\", did you mean \"name\"?\n" },
	{ "rules: [{when: 'name == ''a'' && nam', drop: on}]\n", "f:1:34: when: no field \"nam\", did you mean \"name\"?\n" },
	{ "rules:\n- drop: on\n  when: |\n    name == \"a\" &&\n      nam\n", "f:5:7: when: no field \"nam\", did you mean \"name\"?\n" },
	{ "rules: [{when: 'name =~ \"a(b\"', drop: on}]\n", "f:1:29: when: bad pattern: missing closing parenthesis\n" },
	{ "rules: [{when: 'name =~ \"a(b)\"', rewrite: 'x.$2'}]\n", "f:1:47: rewrite: no pattern in when has a group 2\n" },
	{ "rules: [{when: 'name =~ \"a(b)\"', rewrite: 'x.${1:lwer}'}]\n", "f:1:50: rewrite: no change is called \"lwer\", only lower, upper and dots\n" },
	{ "rules: [{rewrite: '${nope_}'}]\n", "f:1:22: rewrite: \"nope_\" is no group of when, no field and not in the environment\n" },
	{ "include: x\n", "f:1:10: include: only a file can include files\n" },
	/* several at once, in the file's order */
	{ "rules: [{to: x}]\nworkers: y\nnope: 1\n", "f:1:14: to: no cluster, stream, archive or forward is called \"x\"\nf:2:10: workers: expected a whole number, found \"y\"\nf:3:1: unknown key \"nope\"\n" },
};

START_TEST(wrong_files)
{
	struct buf errors;
	struct conf *c = parse(faults[_i].yaml, &errors);

	ck_assert_ptr_null(c);
	buf_addc(&errors, '\0');
	ck_assert_str_eq(errors.data, faults[_i].said);
	buf_fini(&errors);
}
END_TEST

START_TEST(defaults)
{
	struct buf errors = BUF_INIT(65536);
	struct conf *c = conf_load(NULL, &errors);

	ck_assert_ptr_nonnull(c);
	ck_assert_uint_eq(errors.len, 0);
	ck_assert_ptr_null(c->path);
	ck_assert_str_eq(c->state_dir, "./millrace-data");
	ck_assert_uint_eq(c->drain_ms, 10000);
	ck_assert(c->statsd.present && c->graphite.present && c->syslog.present);
	ck_assert(c->events.present && c->admin.present && !c->tail.present);
	ck_assert_uint_eq(c->statsd.listen.n, 2);
	ck_assert_str_eq(c->statsd.listen.v[0].scheme, "udp");
	ck_assert_uint_eq(c->statsd.listen.v[0].port, 8125);
	ck_assert_ptr_null(c->statsd.listen.v[0].host);
	ck_assert_str_eq(c->statsd.management, "127.0.0.1:8126");
	ck_assert_uint_eq(c->graphite.listen.n, 3);
	ck_assert_str_eq(c->graphite.listen.v[2].scheme, "pickle");
	ck_assert_uint_eq(c->syslog.listen.v[1].port, 5514);
	ck_assert_uint_eq(c->events.listen.v[0].port, 6390);
	ck_assert_str_eq(c->admin.listen.v[0].host, "127.0.0.1");
	ck_assert_uint_eq(c->statsd.limits.max_line, 65536);
	ck_assert_uint_eq(c->statsd.limits.idle_ms, 600000);
	ck_assert_uint_eq(c->syslog.limits.idle_ms, 0);
	ck_assert_uint_eq(c->flush.interval_ms, 10000);
	ck_assert_uint_eq(c->flush.npercentiles, 1);
	ck_assert_str_eq(c->flush.percentiles[0].text, "90");
	ck_assert(c->flush.legacy && c->flush.flush_counts && !c->flush.delete_gauges);
	ck_assert_ptr_null(c->flush.suffix);
	ck_assert_uint_eq(c->nclusters, 1);
	ck_assert_int_eq(c->clusters[0].method, CONF_MEMORY);
	ck_assert_uint_eq(c->clusters[0].queue, 64 << 20);
	ck_assert_str_eq(c->streams[0].name, "events");
	ck_assert_ptr_null(c->streams[0].redis);
	ck_assert_str_eq(c->streams[0].key, "ev:{stream}:{node}");
	ck_assert_str_eq(c->archives[0].dir, "./millrace-data/logs");
	ck_assert_str_eq(c->archives[0].file, "{host}/{app}.log");
	ck_assert_uint_eq(c->archives[0].rotate_ms, 3600000);
	ck_assert_uint_eq(c->events.journal.segment, 64 << 20);
	ck_assert_uint_eq(c->nrules, 0);
	conf_free(c);
	buf_fini(&errors);
}
END_TEST

START_TEST(absent_opens_nothing)
{
	struct buf errors;
	struct conf *c = parse("statsd:\n", &errors);

	ck_assert_ptr_nonnull(c);
	ck_assert(c->statsd.present && !c->graphite.present && !c->admin.present);
	ck_assert_uint_eq(c->statsd.listen.n, 2);
	ck_assert_uint_eq(c->graphite.listen.n, 0);
	/* and has its defaults all the same */
	ck_assert_uint_eq(c->graphite.max_name, 4096);
	ck_assert_str_eq(c->state_dir, "/var/lib/millrace");
	conf_free(c);
	buf_fini(&errors);
	c = parse("", &errors);
	ck_assert_ptr_nonnull(c);
	conf_free(c);
	buf_fini(&errors);
}
END_TEST

START_TEST(values_land)
{
	static const char yaml[] =
	    "workers: 3\nlog_level: debug\n"
	    "statsd: {listen: [], management: '', limits: {rcvbuf: 1MB, idle: 1h30m}}\n"
	    "syslog: {listen: 'udp://[::1]:514', zone: '-03:30', oversize: split}\n"
	    "graphite: {listen: 'unix:///run/g.sock'}\n"
	    "flush: {percentiles: 99.9, delete_idle: true, delete_gauges: false, timers: {quantiles: sketch},\n"
	    "  histogram: [{metric: foo, bins: [1, 2.5, inf]}], timer_metrics: [mean, count]}\n"
	    "clusters:\n"
	    "  a: {method: carbon_ch, replication: 2, servers: ['[::1]:2004=x', h, {host: '::2', protocol: pickle, instance: y}]}\n"
	    "  f: {method: file, servers: /tmp/x:y}\n"
	    "streams: {e: {redis: 'rediss://h/1', ack: replica 2}}\n"
	    "archives: {l: {compress: zstd, keep: 30d, level: 3}}\n"
	    "events: {users: {u: {password: '$6$x', streams: 'a*'}}}\n"
	    "rules: [{when: 'name =~ \"^(?<n>a)(b)\"', rewrite: '${n}.$2', to: []}, {drop: yes}]\n";
	struct buf errors;
	struct conf *c = parse(yaml, &errors);

	ck_assert_msg(c != NULL, "%.*s", (int)errors.len, errors.data);
	ck_assert_uint_eq(c->workers, 3);
	ck_assert_str_eq(c->log_level, "debug");
	ck_assert_uint_eq(c->statsd.listen.n, 0);
	ck_assert_ptr_null(c->statsd.management);
	ck_assert_uint_eq(c->statsd.limits.rcvbuf, 1000000);
	ck_assert_uint_eq(c->statsd.limits.idle_ms, 5400000);
	ck_assert_str_eq(c->syslog.listen.v[0].host, "::1");
	ck_assert_int_eq(c->syslog.zone_s, -12600);
	ck_assert(c->syslog.split_oversize);
	ck_assert_str_eq(c->graphite.listen.v[0].path, "/run/g.sock");
	ck_assert(c->flush.delete_timers && c->flush.delete_counters && !c->flush.delete_gauges);
	ck_assert(c->flush.sketch);
	ck_assert_str_eq(c->flush.percentiles[0].text, "99.9");
	ck_assert_uint_eq(c->flush.histograms[0].nbins, 3);
	ck_assert(isinf(c->flush.histograms[0].bins[2]));
	ck_assert_str_eq(c->flush.histograms[0].bin_names[1], "2.5");
	ck_assert_str_eq(c->flush.timer_metrics.v[1], "count");
	ck_assert_int_eq(c->clusters[0].method, CONF_CARBON_CH);
	ck_assert_uint_eq(c->clusters[0].nservers, 3);
	ck_assert_str_eq(c->clusters[0].servers[0].host, "::1");
	ck_assert_str_eq(c->clusters[0].servers[0].instance, "x");
	ck_assert_uint_eq(c->clusters[0].servers[1].port, 2003);
	ck_assert_uint_eq(c->clusters[0].servers[2].port, 2004);
	ck_assert_str_eq(c->clusters[0].servers[2].text, "[::2]:2004=y");
	ck_assert_int_eq(c->clusters[0].servers[2].protocol, CONF_PICKLE);
	ck_assert_str_eq(c->clusters[1].servers[0].host, "/tmp/x:y");
	ck_assert_int_eq(c->streams[0].ack, CONF_ACK_REPLICA);
	ck_assert_uint_eq(c->streams[0].replicas, 2);
	ck_assert(c->archives[0].zstd);
	ck_assert_int_eq(c->archives[0].level, 3);
	ck_assert_uint_eq(c->archives[0].keep_ms, 30ull * 86400000);
	ck_assert_str_eq(c->archives[0].dir, "/var/lib/millrace/l");
	ck_assert_str_eq(c->events.users[0].name, "u");
	ck_assert_str_eq(c->events.users[0].streams.v[0], "a*");
	ck_assert(c->rules[0].has_to && c->rules[0].to.n == 0);
	ck_assert_ptr_nonnull(c->rules[0].when);
	ck_assert_ptr_nonnull(c->rules[0].rewrite_template);
	ck_assert_str_eq(c->rules[1].name, "#2");
	ck_assert(c->rules[1].drop && !c->rules[1].has_to);
	conf_free(c);
	buf_fini(&errors);
}
END_TEST

START_TEST(environment)
{
	struct buf errors;
	struct conf *c;

	/* a value can never become syntax */
	setenv("MILLRACE_T", "a: [b, \"c\" || true", 1);
	setenv("MILLRACE_E", "", 1);
	c = parse("user: x${MILLRACE_T}y\ngroup: ${MILLRACE_E:-d}$${HOME}$5\n"
	    "pid_file: ${MILLRACE_NOT_SET:-/run/x.pid}\n"
	    "rules: [{when: 'name == \"${MILLRACE_T}\"', rewrite: '${MILLRACE_T}$$'}]\n", &errors);
	ck_assert_msg(c != NULL, "%.*s", (int)errors.len, errors.data);
	ck_assert_str_eq(c->user, "xa: [b, \"c\" || truey");
	ck_assert_str_eq(c->group, "d${HOME}$5");
	ck_assert_str_eq(c->pid_file, "/run/x.pid");
	ck_assert_str_eq(c->rules[0].when->root->text.ptr, "a: [b, \"c\" || true");
	conf_free(c);
	buf_fini(&errors);
}
END_TEST

START_TEST(alias_bomb)
{
	struct buf yaml = BUF_INIT(1 << 20), errors;
	struct conf *c;

	buf_adds(&yaml, "a0: &a0 [x, x, x, x, x, x, x, x, x, x]\n");
	for (int i = 1; i < 12; i++)
		buf_printf(&yaml, "a%d: &a%d [*a%d, *a%d, *a%d, *a%d, *a%d, *a%d, *a%d, *a%d, *a%d]\n",
		    i, i, i - 1, i - 1, i - 1, i - 1, i - 1, i - 1, i - 1, i - 1, i - 1);
	c = parse(buf_cstr(&yaml), &errors);
	ck_assert_ptr_null(c);
	buf_addc(&errors, '\0');
	ck_assert_ptr_nonnull(strstr(errors.data, "more than 200000 values"));
	buf_fini(&errors);
	buf_fini(&yaml);
}
END_TEST

START_TEST(aliases_are_kept)
{
	struct buf errors;
	struct conf *c = parse("clusters: {a: &x {servers: [h, i]}, b: *x}\n", &errors);

	ck_assert_msg(c != NULL, "%.*s", (int)errors.len, errors.data);
	ck_assert_str_eq(c->clusters[1].servers[1].host, "i");
	conf_free(c);
	buf_fini(&errors);
}
END_TEST

static void
put(const char *dir, const char *name, const char *text)
{
	char path[256];
	FILE *f;

	snprintf(path, sizeof path, "%s/%s", dir, name);
	f = fopen(path, "w");
	ck_assert_ptr_nonnull(f);
	fputs(text, f);
	fclose(f);
}

static void
drop_files(const char *dir)
{
	static const char *const names[] = { "m.yaml", "d/a.yaml", "d/b.yaml", "d" };
	char path[256];

	for (size_t i = 0; i < 4; i++) {
		snprintf(path, sizeof path, "%s/%s", dir, names[i]);
		remove(path);
	}
	rmdir(dir);
}

START_TEST(includes)
{
	char dir[] = "/tmp/millrace-conf-XXXXXX", main_file[64], sub[64], said[512];
	struct buf errors = BUF_INIT(65536);
	struct conf *c;

	ck_assert_ptr_nonnull(mkdtemp(dir));
	snprintf(main_file, sizeof main_file, "%s/m.yaml", dir);
	snprintf(sub, sizeof sub, "%s/d", dir);
	mkdir(sub, 0700);
	put(dir, "m.yaml", "include: [d/*.yaml]\nrules: [{name: one, drop: on}]\n"
	    "clusters: {a: {servers: [h]}}\nstreams:\n");
	put(dir, "d/b.yaml", "rules: [{name: three, drop: on}]\nclusters: {a: {servers: [i]}}\n");
	put(dir, "d/a.yaml", "rules: [{name: two, drop: on}]\nclusters: {b: {servers: [j]}}\nstreams: {e: {}}\n");
	c = conf_load(main_file, &errors);
	ck_assert_msg(c != NULL, "%.*s", (int)errors.len, errors.data);
	ck_assert_uint_eq(c->nrules, 3);
	ck_assert_str_eq(c->rules[1].name, "two");
	ck_assert_str_eq(c->rules[2].name, "three");
	ck_assert_uint_eq(c->nclusters, 2);
	ck_assert_uint_eq(c->clusters[0].nservers, 2);
	ck_assert_str_eq(c->streams[0].name, "e");
	conf_free(c);

	put(dir, "d/a.yaml", "workers: 1\n");
	put(dir, "d/b.yaml", "\nworkers: 2\nuser: [\n");
	ck_assert_ptr_null(conf_load(main_file, &errors));
	put(dir, "d/b.yaml", "\nworkers: 2\n");
	buf_clear(&errors);
	ck_assert_ptr_null(conf_load(main_file, &errors));
	buf_addc(&errors, '\0');
	snprintf(said, sizeof said, "%s/d/b.yaml:2:1: \"workers\" is also set in %s/d/a.yaml:1:1\n",
	    dir, dir);
	ck_assert_str_eq(errors.data, said);

	put(dir, "m.yaml", "include: [m.yaml]\n");
	buf_clear(&errors);
	ck_assert_ptr_null(conf_load(main_file, &errors));
	ck_assert_ptr_nonnull(strstr(buf_cstr(&errors), "more than 4 deep"));
	put(dir, "m.yaml", "include: d/1.yaml\n");
	put(dir, "d/1.yaml", "include: 2.yaml\n");
	put(dir, "d/2.yaml", "include: 3.yaml\n");
	put(dir, "d/3.yaml", "include: 4.yaml\n");
	put(dir, "d/4.yaml", "include: []\n");
	buf_clear(&errors);
	c = conf_load(main_file, &errors);
	ck_assert_msg(c != NULL, "%.*s", (int)errors.len, errors.data);
	conf_free(c);
	put(dir, "m.yaml", "include: [gone.yaml]\n");
	buf_clear(&errors);
	ck_assert_ptr_null(conf_load(main_file, &errors));
	ck_assert_ptr_nonnull(strstr(buf_cstr(&errors), ":1:11: include: no file "));
	drop_files(dir);
	buf_clear(&errors);
	ck_assert_ptr_null(conf_load(main_file, &errors));
	ck_assert_ptr_nonnull(strstr(buf_cstr(&errors), "No such file"));
	buf_clear(&errors);
	ck_assert_ptr_null(conf_load("/dev/zero", &errors));
	buf_fini(&errors);
}
END_TEST

START_TEST(texts_of_values)
{
	static const struct { const char *text; uint64_t ms; } times[] = {
		{ "0", 0 }, { "250ms", 250 }, { "10s", 10000 }, { "1.5s", 1500 },
		{ "1h30m", 5400000 }, { "30d", 2592000000 }, { "2w", 1209600000 },
	};
	static const struct { const char *text; uint64_t bytes; } sizes[] = {
		{ "0", 0 }, { "4096", 4096 }, { "512k", 524288 }, { "64MiB", 67108864 },
		{ "1GB", 1000000000 }, { "64 MiB", 67108864 }, { "1.5G", 1610612736 },
		{ "18446744073709551615", UINT64_MAX },
	};
	static const char *const bad[] = { "", "s", "5", "5x", "-1s", "1s ", "5 s", "1e99d", "10ss", "1h30" };
	static const char *const bad_sizes[] = { "", "MiB", "-1", "5x", "5 x", "1e99T", " 5" };
	uint64_t v;
	unsigned d;

	for (size_t i = 0; i < sizeof times / sizeof times[0]; i++) {
		ck_assert_msg(value_duration(slice_str(times[i].text), &v), "%s", times[i].text);
		ck_assert_uint_eq(v, times[i].ms);
	}
	for (size_t i = 0; i < sizeof sizes / sizeof sizes[0]; i++) {
		ck_assert_msg(value_size(slice_str(sizes[i].text), &v), "%s", sizes[i].text);
		ck_assert_uint_eq(v, sizes[i].bytes);
	}
	v = 77;
	for (size_t i = 0; i < sizeof bad / sizeof bad[0]; i++)
		ck_assert_msg(!value_duration(slice_str(bad[i]), &v), "%s", bad[i]);
	for (size_t i = 0; i < sizeof bad_sizes / sizeof bad_sizes[0]; i++)
		ck_assert_msg(!value_size(slice_str(bad_sizes[i]), &v), "%s", bad_sizes[i]);
	ck_assert_uint_eq(v, 77);
	ck_assert_uint_eq(value_distance(SLICE("listen"), SLICE("lisetn")), 1);
	ck_assert_uint_eq(value_distance(SLICE("abc"), SLICE("")), 3);
	ck_assert(value_near(SLICE("workrs"), SLICE("workers"), &d) && d == 1);
	ck_assert(!value_near(SLICE("drop"), SLICE("split"), &d));
}
END_TEST

/* What a name server says takes the place of what was written. */
START_TEST(servers_found)
{
	static const struct conf_found found[] = {
		{ 0, 0, "10.0.0.1", 2003 }, { 0, 0, "fe80::1", 2003 },
		{ 0, 2, "10.0.0.1", 2003 }, { 1, 0, "b.test", 2013 }
	};
	struct buf errors;
	struct conf *c = parse("clusters:\n  a: {useall: true, servers: [all.test, "
	    "192.0.2.1, again.test]}\n  b: {method: carbon_ch, replication: 2, "
	    "servers: [_graphite._tcp.test=x]}\n  c: {servers: [plain.test]}\n",
	    &errors);
	struct conf *d, *e;

	ck_assert_msg(c != NULL, "%s", buf_cstr(&errors));
	ck_assert(conf_looks(c));
	ck_assert(!conf_is_looked_for(&c->clusters[0],
	    &c->clusters[0].servers[1]));
	ck_assert(!conf_is_looked_for(&c->clusters[2],
	    &c->clusters[2].servers[0]));
	d = conf_derive(c, found, 4);
	conf_free(c);		/* d holds it */
	ck_assert_uint_eq(d->clusters[0].nservers, 3);
	ck_assert_str_eq(d->clusters[0].servers[0].text, "10.0.0.1:2003");
	ck_assert_str_eq(d->clusters[0].servers[1].text, "[fe80::1]:2003");
	ck_assert_str_eq(d->clusters[0].servers[2].text, "192.0.2.1");
	ck_assert_uint_eq(d->clusters[1].nservers, 1);
	ck_assert_str_eq(d->clusters[1].servers[0].text, "b.test:2013=x");
	ck_assert_uint_eq(d->clusters[1].replication, 1);
	ck_assert_str_eq(d->clusters[2].servers[0].text, "plain.test");
	/* made of the written one again, and with nothing found it is that */
	e = conf_derive(d, NULL, 0);
	ck_assert_ptr_eq(conf_written(e), conf_written(d));
	conf_free(d);
	ck_assert_uint_eq(e->clusters[0].nservers, 3);
	ck_assert_str_eq(e->clusters[0].servers[0].text, "all.test");
	conf_free(e);
	buf_fini(&errors);
}
END_TEST

int
main(void)
{
	Suite *s = suite_create("conf");
	TCase *tc = tcase_create("conf");
	SRunner *r;
	int failed;

	tcase_add_loop_test(tc, wrong_files, 0, (int)(sizeof faults / sizeof faults[0]));
	tcase_add_test(tc, defaults);
	tcase_add_test(tc, absent_opens_nothing);
	tcase_add_test(tc, values_land);
	tcase_add_test(tc, environment);
	tcase_add_test(tc, alias_bomb);
	tcase_add_test(tc, aliases_are_kept);
	tcase_add_test(tc, includes);
	tcase_add_test(tc, texts_of_values);
	tcase_add_test(tc, servers_found);
	suite_add_tcase(s, tc);
	r = srunner_create(s);
	srunner_run_all(r, CK_ENV);
	failed = srunner_ntests_failed(r);
	srunner_free(r);
	return failed != 0;
}
