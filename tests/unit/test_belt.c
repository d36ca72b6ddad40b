/* test_belt.c - many samples on their way into the table: each arrives, once,
 * in its order, whatever is on the belt with it. */
#include "config.h"

#include <check.h>
#include <stdio.h>
#include <stdlib.h>

#include "conf/conf.h"
#include "core/pipeline.h"
#include "front/names.h"

static struct plan_registry registry;
static struct conf *conf;
static struct plan *plan;
static struct names *names;
static struct pipeline p;

static bool
name_of(void *ctx, const struct record *r, struct buf *out)
{
	return names_clean(ctx, r, out);
}

static void
start(const char *yaml)
{
	static const struct pipeline_ops ops = { .metric_name = name_of };
	static const struct pipeline_sinks sinks;
	struct buf errors = BUF_INIT(65536);
	char error[256];

	conf = conf_parse(slice_str(yaml), "test", &errors);
	ck_assert_ptr_nonnull(conf);
	buf_fini(&errors);
	names = names_new(conf);
	plan = plan_new(conf, &registry, 1, error, sizeof error);
	ck_assert_ptr_nonnull(plan);
	ck_assert(pipeline_init(&p, plan, &ops, names, &sinks, 1));
}

static void
end(void)
{
	pipeline_fini(&p);
	names_free(names);
	plan_unref(plan);
	plan_registry_free(&registry);
}

static void
put(enum record_source source, enum metric_type type, const char *name,
    double value)
{
	struct table_run *run = pipeline_run(&p, source, 5);

	ck_assert_uint_lt(run->n, TABLE_RUN);
	run->m[run->n++] = (struct metric_record){ .type = type,
	    .name = slice_str(name), .value = value, .rate = 1 };
	if (run->n == TABLE_RUN)
		pipeline_move(&p);
}

static struct entry *
entry(enum metric_type type, const char *name)
{
	struct metric_record m = { .type = type, .name = slice_str(name) };

	return table_find(&p.table, &m, table_hash(&p.table, &m));
}

static struct ledger_book *
book(enum record_source s)
{
	return &p.ledger.book[RECORD_METRIC][s];
}

/* Names are new, or came a moment ago and are on the belt still. */
START_TEST(all_arrive)
{
	enum { NAMES = 300, EACH = 6 };
	static char text[NAMES][24];

	start("{}");
	for (int i = 0; i < NAMES; i++)
		snprintf(text[i], sizeof text[i], "name.%d", i);
	for (int i = 0; i < NAMES * EACH; i++)
		put(SOURCE_STATSD, METRIC_COUNTER, text[i / 3 * 11 % NAMES], 1);
	pipeline_settle(&p);
	ck_assert_uint_eq(p.table.used, NAMES);
	ck_assert_uint_eq(counter_get(&book(SOURCE_STATSD)->received),
	    NAMES * EACH);
	ck_assert_uint_eq(counter_get(&book(SOURCE_STATSD)->entered),
	    NAMES * EACH);
	for (int i = 0; i < NAMES; i++)
		ck_assert_double_eq(*entry_counter(entry(METRIC_COUNTER,
		    text[i]), 0), EACH);
	end();
}
END_TEST

START_TEST(order_is_kept)
{
	start("{}");
	for (int i = 0; i < 200; i++) {
		put(SOURCE_STATSD, METRIC_GAUGE, "g", i);
		put(SOURCE_STATSD, METRIC_GAUGE_DELTA, "g", 1);
		put(SOURCE_STATSD, METRIC_TIMER, "t", i);
	}
	pipeline_settle(&p);
	ck_assert_double_eq(entry_gauge(entry(METRIC_GAUGE, "g"), 0)->set,
	    200);
	ck_assert_double_eq(entry_gauge(entry(METRIC_GAUGE, "g"), 0)->delta,
	    0);
	for (int i = 0; i < 200; i++)
		ck_assert_double_eq(entry_timer(entry(METRIC_TIMER, "t"),
		    0)->samples.v[i], i);
	end();
}
END_TEST

START_TEST(sources_have_books_of_their_own)
{
	start("{}");
	put(SOURCE_STATSD, METRIC_COUNTER, "a", 1);
	put(SOURCE_GRAPHITE, METRIC_COUNTER, "a", 1);
	put(SOURCE_STATSD, METRIC_COUNTER, "a", 1);
	pipeline_settle(&p);
	ck_assert_uint_eq(counter_get(&book(SOURCE_STATSD)->entered), 2);
	ck_assert_uint_eq(counter_get(&book(SOURCE_GRAPHITE)->entered), 1);
	ck_assert_double_eq(*entry_counter(entry(METRIC_COUNTER, "a"), 0), 3);
	end();
}
END_TEST

START_TEST(what_rules_drop_is_counted)
{
	start("rules:\n"
	    "- {name: noise, when: 'name =~ \"^debug\"', drop: true}\n");
	for (int i = 0; i < 100; i++) {
		put(SOURCE_STATSD, METRIC_COUNTER, "debug.a", 1);
		put(SOURCE_STATSD, METRIC_COUNTER, "kept", 1);
	}
	pipeline_settle(&p);
	ck_assert_uint_eq(counter_get(&book(SOURCE_STATSD)->received), 200);
	ck_assert_uint_eq(counter_get(&book(SOURCE_STATSD)->entered), 100);
	ck_assert_uint_eq(counter_get(
	    &book(SOURCE_STATSD)->dropped[REASON_RULE]), 100);
	end();
}
END_TEST

static unsigned seen;

static void
tap(void *ctx, const struct record *r)
{
	ck_assert_int_eq(r->kind, RECORD_METRIC);
	ck_assert_int_eq(r->received_ns, 5);
	ck_assert_double_eq(r->metric.value, seen++);
}

START_TEST(a_tap_sees_each)
{
	start("{}");
	p.watched = true;
	p.tap = tap;
	ck_assert(pipeline_looks_at_each(&p));
	seen = 0;
	for (int i = 0; i < 100; i++)
		put(SOURCE_STATSD, METRIC_COUNTER, "a", i);
	pipeline_settle(&p);
	ck_assert_uint_eq(seen, 100);
	ck_assert_uint_eq(counter_get(&book(SOURCE_STATSD)->entered), 100);
	end();
}
END_TEST

int
main(void)
{
	Suite *s = suite_create("belt");
	TCase *c = tcase_create("belt");
	SRunner *r;
	int failed;

	tcase_add_test(c, all_arrive);
	tcase_add_test(c, order_is_kept);
	tcase_add_test(c, sources_have_books_of_their_own);
	tcase_add_test(c, what_rules_drop_is_counted);
	tcase_add_test(c, a_tap_sees_each);
	suite_add_tcase(s, c);
	r = srunner_create(s);
	srunner_run_all(r, CK_ENV);
	failed = srunner_ntests_failed(r);
	srunner_free(r);
	return failed == 0 ? 0 : 1;
}
