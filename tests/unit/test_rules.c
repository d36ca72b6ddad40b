/* test_rules.c - what rules make of records. */
#include "config.h"

#include <check.h>
#include <stdio.h>
#include <stdlib.h>

#include "base/log.h"
#include "conf/conf.h"
#include "core/rules.h"

#define SINKS "clusters: {c0: {servers: h}, c1: {servers: h}}\nstreams: {s0: {}}\narchives: {a0: {dir: /x}, a1: {dir: /y}}\n"

static struct conf *conf;
static struct rules *rules;
static struct decision d;
static struct buf trace;

static void
tell(void *arg, unsigned rule, const char *name, struct slice what)
{
	buf_printf(&trace, "%u %s: %.*s\n", rule, name, SLICE_ARG(what));
}

static void
use(const char *yaml)
{
	struct buf errors = BUF_INIT(65536), file = BUF_INIT(65536);

	buf_printf(&file, SINKS "rules:\n%s", yaml);
	conf = conf_parse(buf_slice(&file), "f", &errors);
	ck_assert_msg(conf != NULL, "%.*s", (int)errors.len, errors.data);
	rules = rules_new(conf);
	ck_assert_ptr_nonnull(rules);
	decision_init(&d);
	buf_init(&trace, 65536);
	d.trace = tell;
	buf_fini(&errors);
	buf_fini(&file);
}

static void
done(void)
{
	decision_fini(&d);
	rules_free(rules);
	conf_free(conf);
	buf_fini(&trace);
}

static struct record
metric(const char *name)
{
	return (struct record){ .kind = RECORD_METRIC, .metric = { .type = METRIC_COUNTER,
	    .name = slice_str(name), .text = SLICE("1"), .value = 1, .rate = 1 } };
}

static struct record
log_of(const char *app, unsigned severity)
{
	return (struct record){ .kind = RECORD_LOG, .log = { .severity = severity,
	    .app = slice_str(app), .host = SLICE("h"), .body = SLICE("took 12 ms") } };
}

static void
apply(struct record r)
{
	buf_clear(&trace);
	rules_apply(rules, &r, &d);
}

#define ck_slice(s, text) ck_assert_msg(slice_eq(s, slice_str(text)), "%.*s", SLICE_ARG(s))

START_TEST(without_rules)
{
	struct record e = { .kind = RECORD_EVENT, .event = { .stream = SLICE("o") } };

	use("  []\n");
	apply(metric("a"));
	ck_assert_uint_eq(d.to.clusters, 3);
	ck_assert_uint_eq(d.to.streams | d.to.archives, 0);
	ck_slice(d.name, "a");
	ck_assert(!d.routed && !d.renamed && d.lasting);
	ck_assert_int_eq(d.dropped_by, -1);
	ck_assert_int_eq(d.names_rule, -1);
	apply(e);
	ck_assert_uint_eq(d.to.streams, 1);
	ck_slice(d.name, "o");
	apply(log_of("x", 3));
	ck_assert_uint_eq(d.to.archives, 3);
	ck_assert_ptr_null(d.name.ptr);
	ck_assert_uint_eq(trace.len, 0);
	done();
}
END_TEST

START_TEST(the_manual_s_example)
{
	use("  - {name: noise, when: 'kind == metric && name =~ \"^debug\\.\"', drop: true}\n"
	    "  - {name: alerts, when: 'kind == log && severity <= err && app == \"payments\"', to: [a0, s0]}\n"
	    "  - {name: rename, when: 'kind == metric && name =~ \"^old\\.(.+)$\"', rewrite: 'new.$1'}\n"
	    "  - {name: sums, when: 'kind == metric && name =~ \"^web\\d+\\.(.+)$\"', aggregate: sum, as: 'web.all.$1', every: 10s}\n");
	apply(metric("debug.x"));
	ck_assert_int_eq(d.dropped_by, 0);
	ck_assert_uint_eq(d.to.clusters, 0);
	ck_assert_str_eq(buf_cstr(&trace), "0 noise: drops it\n");
	apply(metric("old.thing"));
	ck_slice(d.name, "new.thing");
	ck_assert(d.renamed);
	ck_assert_uint_eq(d.to.clusters, 3);
	apply(metric("web12.hits"));
	ck_assert_uint_eq(d.nfeeds, 1);
	ck_assert_uint_eq(d.feeds[0].rule, 3);
	ck_slice(d.feeds[0].name, "web.all.hits");
	ck_slice(d.name, "web12.hits");
	ck_assert_str_eq(buf_cstr(&trace), "3 sums: feeds the sum \"web.all.hits\"\n");
	apply(log_of("payments", 3));
	ck_assert_uint_eq(d.to.archives, 1);
	ck_assert_uint_eq(d.to.streams, 1);
	ck_assert_str_eq(buf_cstr(&trace), "1 alerts: goes to a0, s0\n");
	apply(log_of("payments", 4));
	ck_assert_uint_eq(d.to.archives, 3);
	ck_assert_uint_eq(d.to.streams, 0);
	ck_assert(rules_cacheable(rules, RECORD_METRIC, NULL));
	done();
}
END_TEST

START_TEST(later_rules_see_the_new_name)
{
	use("  - {name: a, when: 'name =~ \"^a\\.\"', rewrite: 'b.'}\n"
	    "  - {name: b, when: 'name =~ \"^b\\.(.*)\"', rewrite: 'c.${1:upper}'}\n"
	    "  - {name: c, when: 'name =~ \"^c\\.(.*)\"', aggregate: max, as: 'm.$1.${name}', to: c1}\n"
	    "  - {name: d, drop: on}\n");
	apply(metric("a.x"));
	ck_slice(d.name, "c.X");
	ck_slice(d.feeds[0].name, "m.X.c.X");
	ck_assert_uint_eq(d.to.clusters, 0);	/* c1 gets the figure */
	ck_assert_int_eq(d.dropped_by, -1);
	apply(metric("zzz"));
	ck_assert_int_eq(d.dropped_by, 3);
	done();
}
END_TEST

START_TEST(to_ends_unless_continue)
{
	use("  - {name: one, when: 'name =~ \"1\"', to: c0, continue: true}\n"
	    "  - {name: two, when: 'name =~ \"2\"', to: c1}\n"
	    "  - {name: three, when: 'name =~ \"3\"', to: []}\n"
	    "  - {name: four, when: 'name =~ \"[34]\"', to: [c0, c1, a1]}\n");
	apply(metric("1"));
	ck_assert_uint_eq(d.to.clusters, 1);
	apply(metric("12"));
	ck_assert_uint_eq(d.to.clusters, 3);
	ck_assert_str_eq(buf_cstr(&trace), "0 one: goes to c0 and on to the next rule\n1 two: goes to c1\n");
	apply(metric("24"));
	ck_assert_uint_eq(d.to.clusters, 2);
	apply(metric("3"));
	ck_assert(d.routed);
	ck_assert_uint_eq(d.to.clusters | d.to.archives, 0);
	ck_assert_str_eq(buf_cstr(&trace), "2 three: goes to nowhere\n");
	apply(metric("4"));
	ck_assert_uint_eq(d.to.archives, 2);
	apply(metric("0"));
	ck_assert(!d.routed);
	ck_assert_uint_eq(d.to.clusters, 3);
	done();
}
END_TEST

START_TEST(lasting_is_what_was_looked_at)
{
	unsigned rule = 99;

	use("  - {name: big, when: 'name =~ \"^v\" && value > 100', drop: on}\n"
	    "  - {name: tags, when: 'tag.x == \"y\" && type == counter', to: c0}\n"
	    "  - {name: logs, when: 'body =~ \"x\"', drop: on}\n");
	apply(metric("v"));
	ck_assert(!d.lasting);
	apply(metric("w"));
	ck_assert(d.lasting);
	ck_assert(!rules_cacheable(rules, RECORD_METRIC, &rule));
	ck_assert_uint_eq(rule, 0);
	ck_assert(!rules_cacheable(rules, RECORD_LOG, &rule));
	ck_assert_uint_eq(rule, 2);
	ck_assert(rules_cacheable(rules, RECORD_EVENT, NULL));
	ck_assert_uint_eq(rules_fields(rules, RECORD_METRIC), EXPR_BIT(EXPR_NAME) |
	    EXPR_BIT(EXPR_VALUE) | EXPR_BIT(EXPR_TAG) | EXPR_BIT(EXPR_TYPE));
	ck_assert_uint_eq(rules_default(rules, RECORD_METRIC).clusters, 3);
	done();
}
END_TEST

START_TEST(made_of_logs)
{
	use("  - {name: errors, when: 'severity <= err', as_kind: count, as: 'logs.${app}.${severity}'}\n"
	    "  - {name: took, when: 'body =~ \"took (\\d+) ms\"', as_kind: timing, as: 'took.${app:upper}', value: '$1'}\n");
	apply(log_of("pay", 3));
	ck_assert_uint_eq(d.nfeeds, 2);
	ck_slice(d.feeds[0].name, "logs.pay.err");
	ck_assert_uint_eq(d.feeds[0].value.len, 0);
	ck_slice(d.feeds[1].name, "took.PAY");
	ck_slice(d.feeds[1].value, "12");
	ck_assert_uint_eq(d.to.archives, 3);
	ck_assert_str_eq(buf_cstr(&trace), "0 errors: makes a count \"logs.pay.err\"\n1 took: makes a timing \"took.PAY\"\n");
	apply(metric("x"));
	ck_assert_uint_eq(d.nfeeds, 0);
	done();
}
END_TEST

START_TEST(settings_add_up)
{
	use("  - {name: slow, when: 'name =~ \"^s\"', interval: 60s}\n"
	    "  - {name: slower, when: 'name =~ \"^ss\"', interval: 5m, max_names: 10}\n");
	apply(metric("s"));
	ck_assert_uint_eq(d.interval_ms, 60000);
	ck_assert_int_eq(d.names_rule, -1);
	apply(metric("ss"));
	ck_assert_uint_eq(d.interval_ms, 300000);
	ck_assert_int_eq(d.names_rule, 1);
	apply(metric("x"));
	ck_assert_uint_eq(d.interval_ms, 0);
	ck_assert_int_eq(d.names_rule, -1);
	done();
}
END_TEST

START_TEST(bounds)
{
	struct buf yaml = BUF_INIT(65536);
	static char name[70000];

	for (int i = 0; i < 20; i++)
		buf_printf(&yaml, "  - {name: a%d, when: 'name =~ \"(.*)\"', aggregate: sum, as: 'x%d.$1'}\n", i, i);
	buf_adds(&yaml, "  - {name: r, when: 'name =~ \"^(.*)$\"', rewrite: '$1$1$1'}\n");
	use(buf_cstr(&yaml));
	apply(metric("n"));
	ck_assert_uint_eq(d.nfeeds, DECISION_MAX_FEEDS);
	ck_assert(d.full);
	ck_slice(d.feeds[15].name, "x15.n");
	ck_slice(d.name, "nnn");
	memset(name, 'n', sizeof name - 1);
	apply(metric(name));
	ck_assert(d.full && !d.renamed);
	ck_assert_uint_eq(d.name.len, sizeof name - 1);
	buf_fini(&yaml);
	done();
}
END_TEST

START_TEST(events_are_renamed_too)
{
	struct record e = { .kind = RECORD_EVENT, .event = { .stream = SLICE("old-orders") } };

	use("  - {name: r, when: 'stream =~ \"^old-\"', rewrite: ''}\n"
	    "  - {name: s, when: 'stream == \"orders\"', to: a1}\n");
	apply(e);
	ck_slice(d.name, "orders");
	ck_assert_uint_eq(d.to.archives, 2);
	done();
}
END_TEST

static struct record
point(const char *name, const char *text, int64_t s)
{
	return (struct record){ .kind = RECORD_METRIC, .time_ns = s * 1000000000,
	    .metric = { .type = METRIC_POINT, .name = slice_str(name),
	    .text = slice_str(text), .value = 1, .rate = 1 } };
}

static unsigned
check_of(struct record r)
{
	return rules_variant(rules, &r, &d.captures.scratch);
}

START_TEST(data_is_what_stands_behind_the_name)
{
	use("  - {name: bad, when: 'name =~ \"^i\\.\" && data !~ \"^[0-9]+ [0-9]+$\"', drop: on}\n"
	    "  - {name: old, when: 'data =~ \" 1[0-6][0-9]{8}$\"', to: c1}\n"
	    "  - {name: same, when: 'name =~ \"z\" && data =~ \"^[0-9]+ [0-9]+$\"', to: []}\n");
	apply(point("i.x", "1.5", 1700000000));
	ck_assert_int_eq(d.dropped_by, 0);
	ck_assert(d.lasting);		/* for all whose data fits the same */
	apply(point("i.x", "15", 1700000000));
	ck_assert_uint_eq(d.to.clusters, 3);
	apply(point("j.x", "1.5", 1600000000));
	ck_assert_uint_eq(d.to.clusters, 2);
	apply(point("j.z", "7", 1700000000));
	ck_assert_uint_eq(d.to.clusters, 0);
	apply(metric("i.x"));		/* no point, no data */
	ck_assert_int_eq(d.dropped_by, -1);
	ck_assert(rules_vary(rules));
	ck_assert_uint_eq(check_of(point("any", "15", 1700000000)), 1);
	ck_assert_uint_eq(check_of(point("any", "1.5", 1600000000)), 2);
	ck_assert_uint_eq(check_of(point("any", "1", 1600000000)), 3);
	ck_assert_uint_eq(check_of(metric("any")), 0);
	ck_assert(rules_cacheable(rules, RECORD_METRIC, NULL));
	done();
}
END_TEST

START_TEST(lines_and_pickles_may_go_different_ways)
{
	struct record r = point("a", "1", 1);

	use("  - {name: a, when: 'kind == metric && source == pickle', to: c1}\n");
	ck_assert(rules_vary(rules));
	r.source = SOURCE_GRAPHITE;
	apply(r);
	ck_assert_uint_eq(d.to.clusters, 3);
	ck_assert(d.lasting);
	ck_assert_uint_eq(check_of(r), 0);
	r.source = SOURCE_PICKLE;
	apply(r);
	ck_assert_uint_eq(d.to.clusters, 2);
	ck_assert_uint_eq(check_of(r), 1u << RULES_MAX_CHECKS);
	done();
	use("  - {name: a, when: 'name == \"x\"', to: c1}\n");
	ck_assert(!rules_vary(rules));
	ck_assert_uint_eq(check_of(r), 0);
	done();
}
END_TEST

/* What a bit cannot say is decided for each point. */
START_TEST(data_that_cannot_be_kept)
{
	static const char *const odd[] = {
		"  - {name: a, when: 'data == \"1 2\"', drop: on}\n",
		"  - {name: a, when: 'data =~ \"^(.)\"', rewrite: 'x$1'}\n",
		"  - {name: a, when: 'data', rewrite: 'x.${data}'}\n",
		"  - {name: a, when: 'name =~ \"(a)\" || data =~ \"^(.)\"', rewrite: 'x$1'}\n",
		("  - {name: a, when: 'data =~ \"1\" && data =~ \"2\" && data =~ \"3\" && data =~ \"4\" && "
		    "data =~ \"5\" && data =~ \"6\" && data =~ \"7\"', drop: on}\n") };

	for (size_t i = 0; i < sizeof odd / sizeof *odd; i++) {
		use(odd[i]);
		ck_assert(!rules_vary(rules));
		apply(point("b", "1", 2));
		ck_assert(!d.lasting);
		ck_assert(!rules_cacheable(rules, RECORD_METRIC, NULL));
		done();
	}
	use("  - {name: a, when: 'data =~ \"^1\" && name =~ \"(b)\"', rewrite: 'x$1'}\n");
	apply(point("b", "1", 2));
	ck_slice(d.name, "xb");
	ck_assert(d.lasting);
	done();
}
END_TEST

START_TEST(servers_found_by_another_text)
{
	use("  - {name: a, when: 'name =~ \"\\.h([0-9]+)\\.\"', to: c0, route_by: '.all.', continue: true}\n"
	    "  - {name: b, when: 'name =~ \"^x\"', to: [c0, c1], continue: true}\n"
	    "  - {name: c, when: 'name =~ \"^x(.)\"', to: c1, route_by: '${1:upper}'}\n");
	apply(point("a.h1.b", "1", 1));
	ck_assert_uint_eq(d.nkeys, 1);
	ck_slice(d.keys[0].text, "a.all.b");
	ck_assert_uint_eq(d.keys[0].clusters, 1);
	ck_assert_uint_eq(d.to.clusters, 1);
	ck_assert_uint_eq(d.by_name, 0);
	ck_slice(d.name, "a.h1.b");
	ck_assert(!d.renamed && d.lasting);
	ck_assert_str_eq(buf_cstr(&trace), "0 a: finds the servers by \"a.all.b\"\n"
	    "0 a: goes to c0 and on to the next rule\n");
	apply(point("xy.h1.z", "1", 1));
	ck_assert_uint_eq(d.nkeys, 2);
	ck_slice(d.keys[0].text, "xy.all.z");
	ck_slice(d.keys[1].text, "Y.h1.z");
	ck_assert_uint_eq(d.by_name, 3);
	apply(metric("xy.h1.z"));	/* its figures have names of their own */
	ck_assert_uint_eq(d.nkeys, 0);
	ck_assert_uint_eq(d.by_name, 3);
	apply(point("b", "1", 1));
	ck_assert_uint_eq(d.by_name, 3);
	done();
}
END_TEST

static void
what_log(char *text, size_t size)
{
	FILE *f = tmpfile();

	ck_assert_ptr_nonnull(f);
	log_set_fd(fileno(f));
	apply(point("a.b", "1.5", 1700000000));
	apply(point("a.c", "1.5", 1700000000));
	log_set_fd(2);
	rewind(f);
	text[fread(text, 1, size - 1, f)] = '\0';
	fclose(f);
}

START_TEST(what_is_logged_is_decided_anew)
{
	char text[4096];

	use("  - {name: bad, when: 'name =~ \"^a\"', log: true, drop: true}\n");
	what_log(text, sizeof text);
	ck_assert_str_eq(text, "");		/* it is only asked about */
	ck_assert_str_eq(buf_cstr(&trace), "0 bad: says it in the log\n0 bad: drops it\n");
	d.trace = NULL;
	what_log(text, sizeof text);
	ck_assert_msg(strstr(text, "rule bad: a.b 1.5") != NULL, "%s", text);
	ck_assert_msg(strstr(text, "a.c") == NULL, "%s", text);	/* not so often */
	ck_assert(!d.lasting);
	ck_assert_int_eq(d.dropped_by, 0);
	apply(point("b", "1", 1));
	ck_assert(d.lasting);
	done();
}
END_TEST

int
main(void)
{
	Suite *s = suite_create("rules");
	TCase *tc = tcase_create("rules");
	SRunner *r;
	int failed;

	tcase_add_test(tc, without_rules);
	tcase_add_test(tc, the_manual_s_example);
	tcase_add_test(tc, later_rules_see_the_new_name);
	tcase_add_test(tc, to_ends_unless_continue);
	tcase_add_test(tc, lasting_is_what_was_looked_at);
	tcase_add_test(tc, made_of_logs);
	tcase_add_test(tc, settings_add_up);
	tcase_add_test(tc, bounds);
	tcase_add_test(tc, events_are_renamed_too);
	tcase_add_test(tc, data_is_what_stands_behind_the_name);
	tcase_add_test(tc, data_that_cannot_be_kept);
	tcase_add_test(tc, lines_and_pickles_may_go_different_ways);
	tcase_add_test(tc, servers_found_by_another_text);
	tcase_add_test(tc, what_is_logged_is_decided_anew);
	suite_add_tcase(s, tc);
	r = srunner_create(s);
	srunner_run_all(r, CK_ENV);
	failed = srunner_ntests_failed(r);
	srunner_free(r);
	return failed != 0;
}
