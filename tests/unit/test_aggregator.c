/* test_aggregator.c - points summed up by rule: every function, the buckets'
 * times, late and early points, reloads. */
#include "config.h"

#include <check.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>

#include "base/buf.h"
#include "conf/conf.h"
#include "core/aggregator.h"

#define T0 INT64_C(1700000000)		/* a multiple of 10 */

static struct aggregator *a;
static struct buf out;

static void
take(void *ctx, size_t rule, struct slice name, struct slice line)
{
	(void)ctx, (void)rule;
	ck_assert(slice_starts(line, name));
	ck_assert(buf_add_slice(&out, line));
}

static const struct aggregator_sink sink = { take, NULL };

static const char *
tick(int64_t now)
{
	buf_clear(&out);
	aggregator_tick(a, now, &sink);
	return buf_cstr(&out);
}

static void
setup(void)
{
	buf_init(&out, 1 << 22);
	ck_assert((a = aggregator_new(1000)) != NULL);
}

static void
teardown(void)
{
	aggregator_free(a);
	buf_fini(&out);
}

static struct aggregator_rule
rule(const char *function)
{
	struct aggregator_rule r = { .text = slice_str(function),
	    .every = 10, .expire = 15, .stamp = STAMP_START };

	ck_assert_msg(aggregate_parse(r.text, &r.function, &r.percentile),
	    "%s", function);
	return r;
}

static void
have(const struct aggregator_rule *rules, size_t n)
{
	ck_assert(aggregator_configure(a, rules, n, T0));
}

static const struct {
	const char *function;
	double v[6];
	const char *shortest, *fixed;
} results[] = {
	{ "sum", { 1, 2, 3, 4.5, 0, -1 }, "9.5", "9.500000" },
	{ "count", { 1, 2, 3, 4.5, 0, -1 }, "6", "6" },
	{ "cnt", { 1, 2, 3, 4.5, 0, -1 }, "6", "6" },
	{ "min", { 1, 2, 3, 4.5, 0, -1 }, "-1", "-1.000000" },
	{ "minimum", { 7, 8, 9, 7.5, 8, 9 }, "7", "7.000000" },
	{ "max", { 1, 2, 3, 4.5, 0, -1 }, "4.5", "4.500000" },
	{ "maximum", { -1, -2, -3, -4, -5, -6 }, "-1", "-1.000000" },
	{ "average", { 1, 2, 3, 4, 5, 6 }, "3.5", "3.500000" },
	{ "avg", { 1, 0, 0, 0, 0, 0 }, "0.16666666666666666", "0.166667" },
	{ "median", { 6, 1, 5, 2, 4, 3 }, "3", "3.000000" },
	{ "variance", { 1, 2, 3, 4, 5, 6 }, "2.9166666666666665", "2.916667" },
	{ "stddev", { 2, 4, 4, 4, 5, 5 }, NULL, "1.000000" },
	/* fractions in order, where a comparison of whole parts is not enough */
	{ "percentile90", { 0.1, 0.9, 0.5, 0.3, 0.7, 0.2 }, "0.9", "0.900000" },
	{ "percentile25", { 0.1, 0.9, 0.5, 0.3, 0.7, 0.2 }, "0.2", "0.200000" },
	{ "percentile50", { 0.1, 0.9, 0.5, 0.3, 0.7, 0.2 }, "0.3", "0.300000" },
	{ "percentile99.9", { 1, 2, 3, 4, 5, 6 }, "6", "6.000000" },
	{ "percentile1", { 1, 2, 3, 4, 5, 6 }, "1", "1.000000" },
	{ "percentile100", { 1, 2, 3, 4, 5, 6 }, "6", "6.000000" },
	{ "p90", { 0.1, 0.9, 0.5, 0.3, 0.7, 0.2 }, "0.9", "0.900000" },
	{ "p999", { 1, 2, 3, 4, 5, 6 }, "6", "6.000000" },
	{ "last", { 1, 2, 9, 4, 5, 3.5 }, "3.5", "3.500000" },
};

START_TEST(functions)
{
	struct aggregator_rule r[2];
	char want[128];
	size_t i;

	r[0] = r[1] = rule(results[_i].function);
	r[1].text = SLICE("the same, with six decimals");
	r[1].fixed = true;
	have(r, 2);
	for (i = 0; i < 6; i++) {
		ck_assert_int_eq(aggregator_add(a, 0, SLICE("a.b;t=1"),
		    results[_i].v[i], T0 + i), REASON_NONE);
		ck_assert_int_eq(aggregator_add(a, 1, SLICE("fix"),
		    results[_i].v[i], T0 + 9), REASON_NONE);
	}
	ck_assert_str_eq(tick(T0 + 15), "");
	tick(T0 + 16);
	snprintf(want, sizeof want, "a.b;t=1 %s %lld\n",
	    results[_i].shortest == NULL ? "1" : results[_i].shortest,
	    (long long)T0);
	if (results[_i].shortest != NULL)
		ck_assert(slice_starts(buf_slice(&out), slice_str(want)));
	snprintf(want, sizeof want, "fix %s %lld\n", results[_i].fixed,
	    (long long)T0);
	ck_assert_msg(strstr(buf_cstr(&out), want) != NULL, "%s in %s", want,
	    buf_cstr(&out));
}
END_TEST

START_TEST(names_of_functions)
{
	static const char *const bad[] = { "", "sums", "percentile",
	    "percentile0", "percentile101", "percentile-1", "percentilenan",
	    "percentile9x", "SUM", "latest", "p", "p0", "p05", "p100", "p9999",
	    "p-1", "p5x" };
	enum aggregate f;
	double p;
	size_t i;

	for (i = 0; i < sizeof bad / sizeof bad[0]; i++)
		ck_assert_msg(!aggregate_parse(slice_str(bad[i]), &f, &p),
		    "%s", bad[i]);
}
END_TEST

/* What a configuration may say is known here. */
START_TEST(functions_of_a_configuration)
{
	static const char *const words[] = { "sum", "count", "min", "max",
	    "average", "avg", "last", "median", "variance", "stddev", "p999" };
	char text[32], yaml[128];

	for (unsigned i = 0; i < 99 + sizeof words / sizeof words[0]; i++) {
		struct buf errors = BUF_INIT(4096);
		struct conf *c;
		enum aggregate f = AGGREGATE_SUM;
		double p = 0;

		snprintf(text, sizeof text, "p%u", i + 1);
		if (i >= 99)
			snprintf(text, sizeof text, "%s", words[i - 99]);
		snprintf(yaml, sizeof yaml, "rules: [{aggregate: %s, as: x}]\n",
		    text);
		c = conf_parse(slice_str(yaml), "f", &errors);
		ck_assert_msg(c != NULL, "%.*s", SLICE_ARG(buf_slice(&errors)));
		ck_assert_msg(aggregate_parse(slice_str(c->rules[0].aggregate),
		    &f, &p), "%s", text);
		if (text[0] == 'p')
			ck_assert(f == AGGREGATE_PERCENTILE &&
			    p == (i < 99 ? i + 1 : 99.9));
		conf_free(c);
		buf_fini(&errors);
	}
}
END_TEST

START_TEST(stamps)
{
	static const struct {
		enum aggregate_stamp stamp;
		const char *line;
	} rows[] = {
		{ STAMP_START, "x 1 1700000010\n" },
		{ STAMP_MIDDLE, "x 1 1700000015\n" },
		{ STAMP_END, "x 1 1700000020\n" },
	};
	struct aggregator_rule r = rule("sum");

	r.stamp = rows[_i].stamp;
	have(&r, 1);
	aggregator_add(a, 0, SLICE("x"), 1, T0 + 19);
	tick(T0 + 20);
	ck_assert_str_eq(tick(T0 + 26), rows[_i].line);
}
END_TEST

/* Each bucket once, by the points' own time, however they are mixed. */
START_TEST(points_go_by_their_own_time)
{
	struct aggregator_rule r = rule("sum");

	have(&r, 1);
	aggregator_add(a, 0, SLICE("x"), 1, T0 + 12);
	aggregator_add(a, 0, SLICE("y"), 5, T0 + 5);
	aggregator_add(a, 0, SLICE("x"), 2, T0 + 9);
	aggregator_add(a, 0, SLICE("x"), 4, T0 - 3);
	aggregator_add(a, 0, SLICE("x"), 8, T0 + 10);
	ck_assert_str_eq(tick(T0 + 4), "");
	ck_assert_str_eq(tick(T0 + 6), "x 4 1699999990\n");
	ck_assert_str_eq(tick(T0 + 16), "x 2 1700000000\ny 5 1700000000\n");
	ck_assert_str_eq(tick(T0 + 26), "x 9 1700000010\n");
	ck_assert_str_eq(tick(T0 + 36), "");
}
END_TEST

START_TEST(what_is_not_taken)
{
	struct aggregator_rule r[2] = { rule("sum"), rule("median") };
	struct aggregator_stats st;
	enum reason last = REASON_NONE;
	char name[32];
	int i;

	have(r, 2);
	ck_assert_int_eq(aggregator_add(a, 0, SLICE("x"), 1, T0 - 21),
	    REASON_LATE);
	ck_assert_int_eq(aggregator_add(a, 0, SLICE("x"), 1, 0), REASON_LATE);
	ck_assert_int_eq(aggregator_add(a, 0, SLICE("x"), 1, -5), REASON_LATE);
	ck_assert_int_eq(aggregator_add(a, 0, SLICE("x"), 1, INT64_MIN / 2),
	    REASON_LATE);
	ck_assert_int_eq(aggregator_add(a, 0, SLICE("x"), 1, T0 + 1000),
	    REASON_BAD_TIME);
	ck_assert_int_eq(aggregator_add(a, 0, SLICE("x"), 1, INT64_MAX / 2),
	    REASON_BAD_TIME);
	ck_assert_int_eq(aggregator_add(a, 0, SLICE("x"), (double)NAN, T0),
	    REASON_NOT_A_NUMBER);
	aggregator_get_stats(a, &st);
	ck_assert_uint_eq(st.series, 0);
	ck_assert_uint_eq(st.late, 4);
	ck_assert_uint_eq(st.early, 2);

	for (i = 0; i < 1000; i++) {
		snprintf(name, sizeof name, "s%d", i);
		ck_assert_int_eq(aggregator_add(a, 0, slice_str(name), 1, T0),
		    REASON_NONE);
	}
	ck_assert_int_eq(aggregator_add(a, 0, SLICE("one more"), 1, T0),
	    REASON_CARDINALITY);
	/* closed, the series are forgotten and others may come */
	tick(T0 + 30);
	aggregator_get_stats(a, &st);
	ck_assert_uint_eq(st.series, 0);
	ck_assert_uint_eq(st.lines, 1000);
	for (i = 0; i <= AGGREGATOR_MAX_VALUES; i++)
		last = aggregator_add(a, 1, SLICE("m"), i, T0 + 30);
	ck_assert_int_eq(last, REASON_TOO_MANY);
	/* a closed bucket stays closed */
	ck_assert_int_eq(aggregator_add(a, 0, SLICE("x"), 1, T0), REASON_LATE);
}
END_TEST

START_TEST(reload_keeps_what_stays)
{
	struct aggregator_rule r[3] = { rule("sum"), rule("max"), rule("min") };
	struct aggregator_rule now[2];
	char other[] = "sum";

	have(r, 3);
	aggregator_add(a, 0, SLICE("s"), 1, T0);
	aggregator_add(a, 1, SLICE("m"), 7, T0);
	aggregator_add(a, 2, SLICE("n"), 7, T0);
	/* max goes, sum moves, min gets another interval */
	now[0] = rule("min");
	now[0].every = 5;
	now[1] = rule("sum");
	now[1].text = slice_str(other);
	have(now, 2);
	aggregator_add(a, 1, SLICE("s"), 2, T0 + 1);
	ck_assert_str_eq(tick(T0 + 2), "m 7 1700000000\nn 7 1700000000\n");
	ck_assert_str_eq(tick(T0 + 16), "s 3 1700000000\n");
	have(NULL, 0);
	ck_assert_str_eq(tick(T0 + 60), "");
}
END_TEST

START_TEST(clock_set_forth_and_back)
{
	struct aggregator_rule r = rule("sum");

	have(&r, 1);
	aggregator_add(a, 0, SLICE("x"), 1, T0);
	ck_assert_str_eq(tick(T0 + 1000000), "x 1 1700000000\n");
	ck_assert_int_eq(aggregator_add(a, 0, SLICE("x"), 2, T0 + 1000000),
	    REASON_NONE);
	ck_assert_str_eq(tick(T0 + 100), "x 2 1701000000\n");
	ck_assert_int_eq(aggregator_add(a, 0, SLICE("x"), 3, T0 + 100),
	    REASON_NONE);
	buf_clear(&out);
	aggregator_drain(a, &sink);
	ck_assert_str_eq(buf_cstr(&out), "x 3 1700000100\n");
}
END_TEST

/* A tick that comes late does not make the points of now too early. */
START_TEST(long_names_and_late_ticks)
{
	struct aggregator_rule r = rule("count");
	char name[3000];

	memset(name, 'n', sizeof name);
	r.every = 1;
	r.expire = 2;
	have(&r, 1);
	ck_assert_int_eq(aggregator_add(a, 0, slice_of(name, sizeof name), 1,
	    T0 + 3), REASON_NONE);
	tick(T0 + 6);
	ck_assert_uint_eq(out.len, sizeof name + strlen(" 1 1700000003\n"));
}
END_TEST

int
main(void)
{
	Suite *suite = suite_create("aggregator");
	TCase *tc = tcase_create("aggregator");
	SRunner *sr;
	int failed;

	tcase_add_checked_fixture(tc, setup, teardown);
	tcase_add_loop_test(tc, functions, 0,
	    sizeof results / sizeof results[0]);
	tcase_add_test(tc, names_of_functions);
	tcase_add_test(tc, functions_of_a_configuration);
	tcase_add_loop_test(tc, stamps, 0, 3);
	tcase_add_test(tc, points_go_by_their_own_time);
	tcase_add_test(tc, what_is_not_taken);
	tcase_add_test(tc, reload_keeps_what_stays);
	tcase_add_test(tc, clock_set_forth_and_back);
	tcase_add_test(tc, long_names_and_late_ticks);
	suite_add_tcase(suite, tc);
	sr = srunner_create(suite);
	srunner_run_all(sr, CK_NORMAL);
	failed = srunner_ntests_failed(sr);
	srunner_free(sr);
	return failed != 0;
}
