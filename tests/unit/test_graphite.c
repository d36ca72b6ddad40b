/* Graphite's plaintext protocol: lines, values, times, names and tags. */
#include "config.h"

#include <check.h>
#include <inttypes.h>
#include <math.h>
#include <stdio.h>

#include "proto/graphite.h"
#include "tests/unit/edge.h"

#define NOW INT64_C(1755870377500000000)
#define T INT64_C(1700000000000000000)
#define OK REASON_NONE

static const struct {
	const char *line;
	enum reason why;
	const char *name, *tags, *text;
	double value;
	int64_t time_ns;
} lines[] = {
	/* framing and fields */
	{ "a 1 1700000000", OK, "a", "", "1", 1, T },
	{ "a 1 1700000000\r", OK, "a", "", "1", 1, T },
	{ "  a\t 1 \t1700000000 \t\r", OK, "a", "", "1", 1, T },
	{ "", REASON_EMPTY },
	{ " \t\r", REASON_EMPTY },
	{ "a", REASON_BAD_FIELDS },
	{ "a ", REASON_BAD_FIELDS },
	{ "a 1", REASON_BAD_FIELDS },
	{ "a 1 1700000000 x", REASON_BAD_FIELDS },
	{ "GET /x HTTP/1.0\r", REASON_BAD_VALUE },
	{ "Host: localhost", REASON_BAD_FIELDS },
	/* values, whose text stays */
	{ "a .5 1700000000", OK, "a", "", ".5", 0.5, T },
	{ "a 5. 1700000000", OK, "a", "", "5.", 5, T },
	{ "a +5 1700000000", OK, "a", "", "+5", 5, T },
	{ "a -5 1700000000", OK, "a", "", "-5", -5, T },
	{ "a -0.25 1700000000", OK, "a", "", "-0.25", -0.25, T },
	{ "a 0.1 1700000000", OK, "a", "", "0.1", 0.1, T },
	{ "a 3.14159265358979 1700000000", OK, "a", "", "3.14159265358979",
	    3.14159265358979, T },
	{ "a 9007199254740993 1700000000", OK, "a", "", "9007199254740993",
	    9007199254740992.0, T },
	{ "a 123456789012345 1700000000", OK, "a", "", "123456789012345",
	    123456789012345.0, T },
	{ "a 1e300 1700000000", OK, "a", "", "1e300", 1e300, T },
	{ "a 1e-3 1700000000", OK, "a", "", "1e-3", 1e-3, T },
	{ "a inf 1700000000", OK, "a", "", "inf", INFINITY, T },
	{ "a -Infinity 1700000000", OK, "a", "", "-Infinity", -INFINITY, T },
	{ "a nan 1700000000", REASON_NOT_A_NUMBER },
	{ "a -NaN 1700000000", REASON_NOT_A_NUMBER },
	{ "a hello 1700000000", REASON_BAD_VALUE },
	{ "a 99% 1700000000", REASON_BAD_VALUE },
	{ "a 1,5 1700000000", REASON_BAD_VALUE },
	{ "a 0x10 1700000000", REASON_BAD_VALUE },
	{ "a 1_000 1700000000", REASON_BAD_VALUE },
	{ "a . 1700000000", REASON_BAD_VALUE },
	{ "a - 1700000000", REASON_BAD_VALUE },
	{ "a -. 1700000000", REASON_BAD_VALUE },
	{ "a 1.2.3 1700000000", REASON_BAD_VALUE },
	{ "a 1e 1700000000", REASON_BAD_VALUE },
	{ "a info 1700000000", REASON_BAD_VALUE },
	/* times */
	{ "a 1 -1", OK, "a", "", "1", 1, NOW },
	{ "a 1 -1.0", OK, "a", "", "1", 1, NOW },
	{ "a 1 -1.5", OK, "a", "", "1", 1, NOW },
	{ "a 1 N", OK, "a", "", "1", 1, NOW },
	{ "a 1 now", OK, "a", "", "1", 1, NOW },
	{ "a 1 1700000000.75", OK, "a", "", "1", 1, T + 750000000 },
	{ "a 1 1.7e9", OK, "a", "", "1", 1, T },
	{ "a 1 1", OK, "a", "", "1", 1, 1000000000 },
	{ "a 1 9223372035", OK, "a", "", "1", 1, INT64_C(9223372035000000000) },
	{ "a 1 9223372037", REASON_BAD_TIME },
	{ "a 1 1700000000000", REASON_BAD_TIME },
	{ "a 1 0", REASON_BAD_TIME },
	{ "a 1 -2", REASON_BAD_TIME },
	{ "a 1 -0.5", REASON_BAD_TIME },
	{ "a 1 nan", REASON_BAD_TIME },
	{ "a 1 inf", REASON_BAD_TIME },
	{ "a 1 1e999", REASON_BAD_TIME },
	{ "a 1 1e-300", REASON_BAD_TIME },
	{ "a 1 soon", REASON_BAD_TIME },
	{ "a 1 1700000000s", REASON_BAD_TIME },
	/* names as sent, and tags */
	{ "..a..b. 1 1700000000", OK, "..a..b.", "", "1", 1, T },
	{ "\xe9t\xe9/@ 1 1700000000", OK, "\xe9t\xe9/@", "", "1", 1, T },
	{ "eight.on 1 1700000000", OK, "eight.on", "", "1", 1, T },
	{ "much.longer.than.eight.bytes\t1 1700000000", OK,
	    "much.longer.than.eight.bytes", "", "1", 1, T },
	{ "a;b=2;a=1 1 1700000000", OK, "a", "b=2;a=1", "1", 1, T },
	{ "web.requests.total;host=web1.example.org;dc=ams 1 1700000000", OK,
	    "web.requests.total", "host=web1.example.org;dc=ams", "1", 1, T },
	{ "a; 1 1700000000", OK, "a", "", "1", 1, T },
	{ "a;k=v", REASON_BAD_FIELDS },
	{ ";k=v 1 1700000000", REASON_NO_NAME },
	{ "a 1;2 1700000000", REASON_BAD_VALUE },
};

START_TEST(line)
{
	struct graphite_options o = { .now_ns = NOW };
	const char *text = lines[_i].line;
	static struct edge edge;	/* each row runs in its own process */
	struct record r;
	enum reason why = graphite_parse(edge_copy(&edge, text, strlen(text)),
	    &o, &r);

	ck_assert_msg(why == lines[_i].why, "%s: %s", text, reason_name(why));
	if (why != OK)
		return;
	ck_assert_int_eq(r.kind, RECORD_METRIC);
	ck_assert_int_eq(r.source, SOURCE_GRAPHITE);
	ck_assert_int_eq(r.metric.type, METRIC_POINT);
	ck_assert(r.metric.rate == 1);
	ck_assert_msg(slice_eq(r.metric.name, slice_str(lines[_i].name)), "%s", text);
	ck_assert_msg(slice_eq(r.metric.tags, slice_str(lines[_i].tags)), "%s", text);
	ck_assert_msg(slice_eq(r.metric.text, slice_str(lines[_i].text)), "%s", text);
	ck_assert_msg(r.metric.value == lines[_i].value, "%s", text);
	ck_assert_msg(r.time_ns == lines[_i].time_ns, "%s: %" PRId64, text,
	    r.time_ns);
	ck_assert_int_eq(signbit(r.metric.value) != 0, text[2] == '-');
}
END_TEST

static enum reason
parse(const char *text, struct graphite_options o, struct record *r)
{
	return graphite_parse(slice_str(text), &o, r);
}

START_TEST(options)
{
	struct graphite_options o = { .now_ns = NOW, .time_optional = true };
	struct record r;

	ck_assert_int_eq(parse("a 1", o, &r), OK);
	ck_assert(r.time_ns == NOW);
	ck_assert_int_eq(parse("a", o, &r), REASON_BAD_FIELDS);
	o.refuse_inf = true;
	ck_assert_int_eq(parse("a -inf 1", o, &r), REASON_NOT_A_NUMBER);
	ck_assert_int_eq(parse("a 1e999 1", o, &r), REASON_NOT_A_NUMBER);
	o.max_name = 3;
	ck_assert_int_eq(parse("abc;long=tags 1 1", o, &r), OK);
	ck_assert_int_eq(parse("abcd 1 1", o, &r), REASON_TOO_LONG);
	o.millis = true;
	ck_assert_int_eq(parse("a 1 1700000000123", o, &r), OK);
	ck_assert(r.time_ns == T + 123000000);
	ck_assert_int_eq(parse("a 1 1700000000", o, &r), OK);
	ck_assert(r.time_ns == T);
	ck_assert_int_eq(parse("a 1 1700000000000000", o, &r), REASON_BAD_TIME);
}
END_TEST

START_TEST(written_as_sent)
{
	struct graphite_options o = { .now_ns = NOW };
	struct buf b = BUF_INIT(80), full = BUF_INIT(5);
	struct record r;

	ck_assert_int_eq(parse("a.b;k=v  .50\t1700000000.9", o, &r), OK);
	ck_assert(graphite_line(&b, graphite_raw_name(&r), r.metric.text,
	    r.time_ns));
	ck_assert_str_eq(buf_cstr(&b), "a.b;k=v .50 1700000000\n");
	ck_assert(!graphite_line(&full, SLICE("a"), SLICE("1"), T));
	ck_assert_uint_eq(full.len, 0);
	buf_fini(&b);
}
END_TEST

/* What is left of a name: R as carbon-c-relay, C control characters only;
 * tags V verbatim, N normal, S strict; O OpenMetrics. */
static const struct {
	const char *how, *name, *tags, *out;	/* out NULL: refused */
	enum reason why;
} names[] = {
	{ "RV", "a.b", "", "a.b", OK },
	{ "RV", "..a..b.", "", "a.b", OK },
	{ "RV", "a...", "", "a", OK },
	{ "RV", "...", "", NULL, REASON_BAD_NAME },
	{ "RV", "a/b\\%@(){}*+,=\"'", "", "a_b_____________", OK },
	{ "RV", "sp.\xc3\xa9t\xc3\xa9", "", "sp.__t__", OK },
	{ "RV", "m_#hash:x-y", "", "m_#hash:x-y", OK },
	{ "RV", "a@b", "k=/x@y", "a_b;k=/x@y", OK },
	{ "RV", "a..b.", "k=v..w.", "a.b.;k=v..w.", OK },
	{ "RV", "a", "b=2;a=1", "a;b=2;a=1", OK },
	{ "RV", "a", "k=b c\nd", "a;k=b_c_d", OK },
	{ "RV", "a b\n", "", "a_b_", OK },
	{ "CV", "..a/b.\xc3\xa9", "", "..a/b.\xc3\xa9", OK },
	{ "CV", "a b\tc\nd\x7f", "", "a_b_c_d_", OK },
	{ "CV", "", "k=v", NULL, REASON_BAD_NAME },
	{ "CN", "a", "b=2;a=1", "a;a=1;b=2", OK },
	{ "CN", "a", "a=1;a1=2", "a;a1=2;a=1", OK },
	{ "CN", "a", "k=1;k=2;j=0", "a;j=0;k=2", OK },
	{ "CN", "~~a", "k=1", "a;k=1", OK },
	{ "CN", "a", "name=x;k=1", "a;k=1", OK },
	{ "CN", "a", "k=v=w", "a;k=v=w", OK },
	{ "CN", "~", "k=1;a=2", "~;k=1;a=2", OK },
	{ "CN", "a", "z=1;k", "a;z=1;k", OK },
	{ "CN", "a", "z=1;", "a;z=1;", OK },
	{ "CN", "a", "z=1;k=", "a;z=1;k=", OK },
	{ "CN", "a", "z=1;b!=2", "a;z=1;b!=2", OK },
	{ "CN", "a", "z=1;b=~2", "a;z=1;b=~2", OK },
	{ "CS", "a", "z=1;b=~2", NULL, REASON_BAD_TAG },
	{ "CS", "a", "z=1;=2", NULL, REASON_BAD_TAG },
	{ "CS", "a", "z^=1", NULL, REASON_BAD_TAG },
	{ "RS", "a..b.", "z=1;b=2", "a.b.;b=2;z=1", OK },
	{ "CVO", "m{b=\"2\",a=\"1\"}", "", "m;a=1;b=2", OK },
	{ "CVO", "m{b=\"x\\\"y\\\\z\"}", "", "m;b=x\"y\\z", OK },
	{ "CVO", "m{b=\"x;y\"}", "", "m{b=\"x;y\"}", OK },
	{ "CVO", "m{b=\"x\",}", "", "m{b=\"x\",}", OK },
	{ "CVO", "m{b=\"x\\n\"}", "", "m{b=\"x\\n\"}", OK },
	{ "CVO", "m{b=\"x}", "", "m{b=\"x}", OK },
	{ "CVO", "{b=\"x\"}", "", "{b=\"x\"}", OK },
	{ "CVO", "m{}", "", "m{}", OK },
	{ "CV", "m{b=\"2\"}", "", "m{b=\"2\"}", OK },
};

static struct graphite_name_options
name_options(const char *how)
{
	struct graphite_name_options o;

	graphite_name_options_init(&o, NULL);
	o.clean = *how == 'C' ? GRAPHITE_CLEAN_CONTROL : GRAPHITE_CLEAN_RELAY;
	o.tags = strchr(how, 'N') ? GRAPHITE_TAGS_NORMAL :
	    strchr(how, 'S') ? GRAPHITE_TAGS_STRICT : GRAPHITE_TAGS_VERBATIM;
	o.openmetrics = strchr(how, 'O') != NULL;
	return o;
}

START_TEST(name)
{
	struct graphite_name_options o = name_options(names[_i].how);
	struct buf b = BUF_INIT(1000);
	enum reason why;
	bool ok = graphite_name(&b, slice_str(names[_i].name),
	    slice_str(names[_i].tags), &o, &why);

	ck_assert_int_eq(ok, names[_i].out != NULL);
	ck_assert_msg(why == names[_i].why, "%s: %s", names[_i].name,
	    reason_name(why));
	ck_assert_str_eq(buf_cstr(&b), ok ? names[_i].out : "");
	buf_fini(&b);
}
END_TEST

START_TEST(name_limits)
{
	struct graphite_name_options o = name_options("CS");
	struct buf many = BUF_INIT(10000), b = BUF_INIT(10);
	enum reason why;

	for (int i = 0; i <= GRAPHITE_MAX_TAGS; i++)
		ck_assert(buf_printf(&many, "%sk%d=v", i ? ";" : "", i));
	ck_assert(!graphite_name(&b, SLICE("a"), buf_slice(&many), &o, &why));
	ck_assert_int_eq(why, REASON_BAD_TAG);
	ck_assert(!graphite_name(&b, SLICE("abcdef"), SLICE("ab=c;d=e"), &o, &why));
	ck_assert_int_eq(why, REASON_NO_MEMORY);
	ck_assert_uint_eq(b.len, 0);
	o.tags = GRAPHITE_TAGS_VERBATIM;
	ck_assert(!graphite_name(&b, SLICE("abcdefghijk"), SLICE(""), &o, &why));
	ck_assert_int_eq(why, REASON_NO_MEMORY);
	graphite_name_options_init(&o, "@;");
	ck_assert(o.allowed['@'] && !o.allowed['-'] && !o.allowed[';']);
	buf_fini(&many);
	buf_fini(&b);
}
END_TEST

int
main(void)
{
	Suite *s = suite_create("graphite");
	TCase *t = tcase_create("all");
	SRunner *r;
	int failed;

	tcase_add_loop_test(t, line, 0, sizeof lines / sizeof lines[0]);
	tcase_add_test(t, options);
	tcase_add_test(t, written_as_sent);
	tcase_add_loop_test(t, name, 0, sizeof names / sizeof names[0]);
	tcase_add_test(t, name_limits);
	suite_add_tcase(s, t);
	r = srunner_create(s);
	srunner_run_all(r, CK_NORMAL);
	failed = srunner_ntests_failed(r);
	srunner_free(r);
	return failed != 0;
}
