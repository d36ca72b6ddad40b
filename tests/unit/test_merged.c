/* test_merged.c - merging, idle rules, order, links, classes, restarts, and
 * what the management port shows of it. */
#include "config.h"

#include <errno.h>
#include <jansson.h>
#include <math.h>

#include "core/sketch.h"
#include "flush_rig.h"

#define T0 INT64_C(1700000000000)

static struct rig r;

static void
feed(const char *packet)
{
	rig_feed(&r, slice_str(packet), 0);
}

static void
setup(void)
{
	rig_init(&r);
	r.flush.npercentiles = 0;
}

static void
teardown(void)
{
	rig_fini(&r);
}

static struct merged_stats
stats(void)
{
	struct merged_stats s;

	merged_get_stats(r.m, &s);
	return s;
}

/* ---- idle keys ---- */

START_TEST(idle_keys_stay_by_default)
{
	rig_start(&r);
	feed("c:1|c\nt:5|ms\ng:7|g\ns:x|s");
	rig_plain(&r, T0);
	ck_assert_str_eq(rig_plain(&r, T0 + 10000),
	    "stats.c 0 1700000010\nstats_counts.c 0 1700000010\n"
	    "stats.timers.t.count_ps 0 1700000010\n"
	    "stats.timers.t.count 0 1700000010\n"
	    "stats.gauges.g 7 1700000010\nstats.sets.s.count 0 1700000010\n");
}
END_TEST

START_TEST(idle_keys_are_deleted)
{
	r.flush.delete_counters = r.flush.delete_timers =
	    r.flush.delete_sets = r.flush.delete_gauges = true;
	r.flush.gauges_ttl = 3;
	rig_start(&r);
	feed("c:1|c\nt:5|ms\ng:7|g\ns:x|s\nmy.packets_received.x:2|c");
	ck_assert_ptr_nonnull(strstr(rig_plain(&r, T0), "stats.c "));
	ck_assert_str_eq(rig_plain(&r, T0 + 10000),
	    "stats.my.packets_received.x 0 1700000010\n"
	    "stats_counts.my.packets_received.x 0 1700000010\n"
	    "stats.gauges.g 7 1700000010\n");
	ck_assert_ptr_nonnull(strstr(rig_plain(&r, T0 + 20000), "gauges.g"));
	ck_assert_ptr_null(strstr(rig_plain(&r, T0 + 30000), "gauges.g"));
	/* nobody linked to them: three internal ones and one like them stay */
	ck_assert_uint_eq(stats().keys, 4);
}
END_TEST

START_TEST(updates_renew_a_gauge)
{
	unsigned i;

	r.flush.delete_gauges = true;
	r.flush.gauges_ttl = 2;
	rig_start(&r);
	for (i = 0; i < 5; i++) {
		feed("g:+1|g");
		rig_plain(&r, T0);
		ck_assert_ptr_nonnull(strstr(rig_plain(&r, T0 + 10000),
		    "stats.gauges.g 1 "));
		ck_assert_str_eq(rig_plain(&r, T0 + 20000), "");
	}
}
END_TEST

/* ---- order ---- */

START_TEST(order_is_a_javascript_objects)
{
	r.flush.flush_counts = false;
	rig_start(&r);
	feed("b:1|c\n10:1|c\n01:1|c\n2:1|c\na:1|c\n-1:1|c\n4294967295:1|c\n"
	    "4294967294:1|c\n0:1|c");
	ck_assert_str_eq(rig_plain(&r, T0 + 499),
	    "stats.0 0.1 1700000000\nstats.2 0.1 1700000000\n"
	    "stats.10 0.1 1700000000\nstats.4294967294 0.1 1700000000\n"
	    "stats.b 0.1 1700000000\nstats.01 0.1 1700000000\n"
	    "stats.a 0.1 1700000000\nstats.-1 0.1 1700000000\n"
	    "stats.4294967295 0.1 1700000000\n");
}
END_TEST

START_TEST(a_deleted_key_comes_back_at_the_end)
{
	struct merged_key *a;
	struct buf reply = BUF_INIT(1000);

	r.flush.flush_counts = false;
	rig_start(&r);
	feed("a:1|c\nb:1|c");
	a = merged_find(r.m, MERGED_COUNTER, SLICE("a"));
	merged_link(a);
	ck_assert(merged_delete(r.m, MERGED_COUNTER, SLICE("a"), &reply));
	ck_assert(!merged_present(a));
	ck_assert_str_eq(rig_plain(&r, T0), "stats.b 0.1 1700000000\n");
	ck_assert_ptr_eq(merged_get(r.m, MERGED_COUNTER, SLICE("a"), 1, 0), a);
	merged_counter(r.m, a, 5);
	ck_assert_str_eq(rig_plain(&r, T0),
	    "stats.b 0 1700000000\nstats.a 0.5 1700000000\n");
	merged_unlink(r.m, a);
	ck_assert_ptr_eq(merged_find(r.m, MERGED_COUNTER, SLICE("a")), a);
	buf_fini(&reply);
}
END_TEST

START_TEST(linked_keys_outlive_deletion)
{
	struct merged_key *k;
	struct samples s = { 0 };
	unsigned i;

	r.flush.delete_counters = r.flush.delete_timers = true;
	rig_start(&r);
	k = merged_get(r.m, MERGED_TIMER, SLICE("t"), 1, 0);
	merged_link(k);
	merged_link(k);
	for (i = 0; i < 3; i++) {
		ck_assert(samples_add(&s, i));
		merged_timer(r.m, k, &s, 1);
		ck_assert_uint_eq(s.n, 0);
		ck_assert(merged_present(k));
		ck_assert_ptr_nonnull(strstr(rig_plain(&r, T0), "t.upper "));
		ck_assert(!merged_present(k));
	}
	merged_unlink(r.m, k);
	ck_assert_uint_eq(stats().keys, 4);
	merged_unlink(r.m, k);
	ck_assert_uint_eq(stats().keys, 3);
	ck_assert_ptr_null(merged_find(r.m, MERGED_TIMER, SLICE("t")));
	samples_fini(&s);
}
END_TEST

/* ---- merging ---- */

START_TEST(gauges_of_several_workers)
{
	static const struct {
		bool has_set;
		double set, delta;
		uint64_t stamp;
	} w[3] = { { true, 10, 1, 5 }, { true, 20, 2, 7 }, { false, 0, 4, 0 } };
	static const unsigned order[6][3] = { { 0, 1, 2 }, { 0, 2, 1 },
	    { 1, 0, 2 }, { 1, 2, 0 }, { 2, 0, 1 }, { 2, 1, 0 } };
	struct merged_key *k;
	unsigned i;

	rig_start(&r);
	k = merged_get(r.m, MERGED_GAUGE, SLICE("g"), 1, 0);
	merged_gauge(r.m, k, true, 100, 0, 99);
	rig_plain(&r, T0);
	for (i = 0; i < 3; i++)
		merged_gauge(r.m, k, w[order[_i][i]].has_set,
		    w[order[_i][i]].set, w[order[_i][i]].delta,
		    w[order[_i][i]].stamp);
	ck_assert_str_eq(rig_plain(&r, T0), "stats.gauges.g 26 1700000000\n");
	merged_gauge(r.m, k, false, 0, -6.5, 0);
	ck_assert_str_eq(rig_plain(&r, T0), "stats.gauges.g 19.5 1700000000\n");
}
END_TEST

START_TEST(timers_of_several_workers)
{
	struct samples a = { 0 }, b = { 0 };
	struct merged_key *k;
	double *first;

	rig_start(&r);
	k = merged_get(r.m, MERGED_TIMER, SLICE("t"), 1, 0);
	ck_assert(samples_add(&a, 3) && samples_add(&a, 1));
	ck_assert(samples_add(&b, 2));
	first = a.v;
	merged_timer(r.m, k, &a, 20);
	ck_assert_ptr_ne(a.v, first);		/* it changed hands */
	merged_timer(r.m, k, &b, 1);
	merged_timer_copy(r.m, k, (const double[]){ 4 }, 1, 1);
	ck_assert_str_eq(rig_plain(&r, T0),
	    "stats.timers.t.std 1.118033988749895 1700000000\n"
	    "stats.timers.t.upper 4 1700000000\n"
	    "stats.timers.t.lower 1 1700000000\n"
	    "stats.timers.t.count 22 1700000000\n"
	    "stats.timers.t.count_ps 2.2 1700000000\n"
	    "stats.timers.t.sum 10 1700000000\n"
	    "stats.timers.t.sum_squares 30 1700000000\n"
	    "stats.timers.t.mean 2.5 1700000000\n"
	    "stats.timers.t.median 2.5 1700000000\n");
	/* the array goes back and forth, it is not made anew */
	ck_assert(samples_add(&a, 9));
	merged_timer(r.m, k, &a, 1);
	ck_assert_ptr_eq(a.v, first);
	samples_fini(&a);
	samples_fini(&b);
}
END_TEST

/* p=57 of 50 samples: the order of operations makes it 28. */
START_TEST(percentile_ranks_round_as_there)
{
	static rig_percentile pcts[3];
	const char *text;
	char line[32];
	unsigned i;

	pcts[0] = (rig_percentile){ 57, "57" };
	pcts[1] = (rig_percentile){ 0.5, "0.5" };
	pcts[2] = (rig_percentile){ 57, "57" };
	r.flush.percentiles = (void *)pcts;
	r.flush.npercentiles = 3;
	rig_start(&r);
	for (i = 1; i <= 50; i++) {
		snprintf(line, sizeof line, "t:%u|ms", i);
		feed(line);
	}
	text = rig_plain(&r, T0);
	ck_assert_ptr_nonnull(strstr(text, "t.count_57 28 "));
	ck_assert_ptr_nonnull(strstr(text, "t.upper_57 28 "));
	ck_assert_ptr_null(strstr(strstr(text, "t.count_57 ") + 1,
	    "t.count_57 "));
	ck_assert_ptr_null(strstr(text, "0_5"));
}
END_TEST

START_TEST(sketches_stand_in_for_samples)
{
	static rig_percentile pcts[2];
	struct sketch a, b;
	struct merged_key *k;
	const char *text, *at;
	double v;
	int i;

	pcts[0] = (rig_percentile){ 90, "90" };
	pcts[1] = (rig_percentile){ -10, "-10" };
	r.flush.percentiles = (void *)pcts;
	r.flush.npercentiles = 2;
	r.flush.sketch = true;
	rig_start(&r);
	sketch_init(&a, 0.01, 16384);
	sketch_init(&b, 0.01, 16384);
	for (i = 1; i <= 1000; i++)
		ck_assert(sketch_add(i % 2 ? &a : &b, i));
	k = merged_get(r.m, MERGED_TIMER, SLICE("t"), 1, 0);
	merged_sketch(r.m, k, &a, 500);
	merged_sketch(r.m, k, &b, 500);
	merged_timer_copy(r.m, k, (const double[]){ 1001 }, 1, 1);
	ck_assert(a.n == 0 && b.n == 0);
	text = rig_plain(&r, T0);
	ck_assert_ptr_nonnull(strstr(text, "t.count_90 901 "));
	ck_assert_ptr_nonnull(strstr(text, "t.upper 1001 "));
	ck_assert_ptr_nonnull(strstr(text, "t.lower 1 "));
	ck_assert_ptr_nonnull(strstr(text, "t.count 1001 "));
	ck_assert_ptr_nonnull(strstr(text, "t.mean 501 "));
	at = strstr(text, "t.upper_90 ");
	ck_assert(at != NULL && sscanf(at, "t.upper_90 %lf", &v) == 1);
	ck_assert_double_eq_tol(v, 901, 9.01);
	at = strstr(text, "t.lower_top10 ");
	ck_assert(at != NULL && sscanf(at, "t.lower_top10 %lf", &v) == 1);
	ck_assert_double_eq_tol(v, 902, 9.02);
	at = strstr(text, "t.std ");
	ck_assert(at != NULL && sscanf(at, "t.std %lf", &v) == 1);
	ck_assert_double_eq_tol(v, 288.963665, 1e-5);
	ck_assert_ptr_nonnull(strstr(rig_plain(&r, T0), "t.count 0 "));
	sketch_fini(&a);
	sketch_fini(&b);
}
END_TEST

START_TEST(sets_and_kv)
{
	struct member_set w;
	struct merged_key *k;
	char text[16];
	int i;

	r.flush.set_exact = 10;
	rig_start(&r);
	feed("s:a|s\ns:b|s\ns:a|s\nk:1|kv\nk:2|kv");
	ck_assert_str_eq(rig_plain(&r, T0),
	    "stats.sets.s.count 2 1700000000\n"
	    "stats.kv.k 2 1700000000\nstats.kv.k 1 1700000000\n");
	ck_assert_uint_eq(stats().sets_estimated, 0);
	member_set_init(&w, 10);
	for (i = 0; i < 11; i++) {
		snprintf(text, sizeof text, "m%d", i);
		member_set_add(&w, slice_str(text));
	}
	k = merged_find(r.m, MERGED_SET, SLICE("s"));
	merged_set(r.m, k, &w);
	ck_assert_str_eq(rig_plain(&r, T0), "stats.sets.s.count 11 1700000000\n");
	ck_assert_uint_eq(stats().sets_estimated, 1);
	member_set_fini(&w);
}
END_TEST

/* ---- limits and odd figures ---- */

START_TEST(names_are_capped)
{
	char name[16], *huge = calloc(1, MERGED_MAX_NAME + 1);
	int i;

	r.cfg.max_names = 10;
	rig_start(&r);
	for (i = 0; i < 7; i++) {
		snprintf(name, sizeof name, "n%d", i);
		ck_assert_ptr_nonnull(merged_get(r.m, MERGED_COUNTER,
		    slice_str(name), 1, 0));
	}
	ck_assert_ptr_null(merged_get(r.m, MERGED_COUNTER, SLICE("x"), 1, 0));
	ck_assert_ptr_nonnull(merged_get(r.m, MERGED_COUNTER, SLICE("n3"), 1, 0));
	ck_assert_ptr_nonnull(merged_get_reserved(r.m, MERGED_COUNTER,
	    SLICE("overflow"), 1, 0));
	ck_assert_ptr_null(merged_get_reserved(r.m, MERGED_COUNTER,
	    slice_of(huge, MERGED_MAX_NAME + 1), 1, 0));
	memset(huge, 'h', MERGED_MAX_NAME);
	ck_assert_ptr_nonnull(merged_get_reserved(r.m, MERGED_COUNTER,
	    slice_of(huge, MERGED_MAX_NAME), 1, 0));
	ck_assert_uint_eq(stats().refused_names, 2);
	free(huge);
}
END_TEST

START_TEST(samples_are_capped)
{
	int i;

	r.cfg.max_samples = 5;
	rig_start(&r);
	for (i = 0; i < 9; i++)
		feed("t:1|ms|@0.5");
	ck_assert_uint_eq(stats().dropped_samples, 4);
	ck_assert_ptr_nonnull(strstr(rig_plain(&r, T0), "t.count 18 "));
}
END_TEST

START_TEST(infinity_and_what_is_no_number)
{
	struct merged_key *c;

	rig_start(&r);
	feed("c:1e400|c\nt:Infinity|ms\ng:-0|g");
	ck_assert_str_eq(rig_plain(&r, T0),
	    "stats.c Infinity 1700000000\nstats_counts.c Infinity 1700000000\n"
	    "stats.timers.t.upper Infinity 1700000000\n"
	    "stats.timers.t.lower Infinity 1700000000\n"
	    "stats.timers.t.count 1 1700000000\n"
	    "stats.timers.t.count_ps 0.1 1700000000\n"
	    "stats.timers.t.sum Infinity 1700000000\n"
	    "stats.timers.t.sum_squares Infinity 1700000000\n"
	    "stats.timers.t.mean Infinity 1700000000\n"
	    "stats.timers.t.median Infinity 1700000000\n"
	    "stats.gauges.g 0 1700000000\n");
	ck_assert_uint_eq(stats().dropped_nan, 1);	/* std */
	c = merged_find(r.m, MERGED_COUNTER, SLICE("c"));
	merged_counter(r.m, c, (double)INFINITY);
	merged_counter(r.m, c, -(double)INFINITY);
	ck_assert_ptr_null(strstr(rig_plain(&r, T0), "NaN"));
	ck_assert_uint_eq(stats().dropped_nan, 3);
}
END_TEST

START_TEST(no_name_and_dirty_names)
{
	struct merged_key *k;

	r.cfg.clean_on_output = true;
	r.flush.flush_counts = false;
	rig_start(&r);
	k = merged_get(r.m, MERGED_COUNTER, slice_of("", 0), 1, 0);
	merged_counter(r.m, k, 10);
	k = merged_get(r.m, MERGED_COUNTER,
	    SLICE(" \t\302\240a/b//c\303\251!;t g=\303\251 /!"), 1, 0);
	merged_counter(r.m, k, 20);
	ck_assert_str_eq(rig_plain(&r, T0), "stats. 1 1700000000\n"
	    "stats._a-b--c;t g=\303\251 /! 2 1700000000\n");
}
END_TEST

/* ---- classes and destinations ---- */

START_TEST(classes_have_their_own_interval)
{
	struct merged_key *k;

	r.intervals[0] = 60000;
	r.cfg.nclasses = 2;
	r.flush.flush_counts = false;
	rig_start(&r);
	rig_feed(&r, SLICE("fast:10|c"), 0);
	rig_feed(&r, SLICE("slow:60|c"), 1);
	ck_assert_str_eq(rig_plain(&r, T0), "stats.fast 1 1700000000\n");
	rig_feed(&r, SLICE("slow:60|c"), 1);
	ck_assert_str_eq(rig_flush(&r, 1, T0, NULL), "stats.slow 2 1700000000\n");
	/* it changes class and keeps what it counted */
	rig_feed(&r, SLICE("slow:7|c"), 1);
	k = merged_get(r.m, MERGED_COUNTER, SLICE("slow"), 1, 0);
	ck_assert_ptr_nonnull(k);
	ck_assert_str_eq(rig_flush(&r, 1, T0, NULL), "");
	ck_assert_str_eq(rig_plain(&r, T0),
	    "stats.fast 0 1700000000\nstats.slow 0.7 1700000000\n");
	ck_assert_str_eq(rig_flush(&r, 1, T0, NULL), "");
	ck_assert_str_eq(rig_flush(&r, 9, T0, NULL), "");
}
END_TEST

START_TEST(a_class_that_goes_is_folded_into_the_first)
{
	r.intervals[0] = 60000;
	r.cfg.nclasses = 2;
	r.flush.flush_counts = false;
	rig_start(&r);
	rig_feed(&r, SLICE("slow:10|c\n7:10|c"), 1);
	r.cfg.nclasses = 1;
	r.flush.suffix = "sfx";
	r.flush.namespace_ = "other";
	ck_assert(merged_configure(r.m, &r.cfg));
	rig_flush(&r, 0, T0, &(struct flush_internal){ .packets = 3 });
	ck_assert_str_eq(buf_cstr(&r.out),
	    "stats.7.sfx 1 1700000000\n"
	    "stats.statsd.bad_lines_seen.sfx 0 1700000000\n"
	    "stats.statsd.packets_received.sfx 0 1700000000\n"
	    "stats.statsd.metrics_received.sfx 0 1700000000\n"
	    "stats.other.bad_lines_seen.sfx 0 1700000000\n"
	    "stats.other.packets_received.sfx 0.3 1700000000\n"
	    "stats.other.metrics_received.sfx 0 1700000000\n"
	    "stats.slow.sfx 1 1700000000\n"
	    "other.numStats.sfx 8 1700000000\n"
	    "stats.other.graphiteStats.calculationtime.sfx 0 1700000000\n"
	    "stats.other.processing_time.sfx 0 1700000000\n");
}
END_TEST

START_TEST(destinations_go_with_the_lines)
{
	struct merged_key *k;

	r.cfg.internal_mask = 8;
	rig_start(&r);
	k = merged_get(r.m, MERGED_COUNTER, SLICE("c"), 4, 0);
	merged_counter(r.m, k, 1);
	rig_flush(&r, 0, T0, NULL);
	ck_assert_uint_eq(r.masks, 8 | 4);
	merged_get(r.m, MERGED_COUNTER, SLICE("c"), 32, 0);
	r.masks = 0;
	rig_flush(&r, 0, T0, NULL);
	ck_assert_uint_eq(r.masks, 8 | 32);
}
END_TEST

START_TEST(internal_lines)
{
	struct flush_internal in = { .bad_lines = 1, .packets = 2,
	    .metrics = 3.0, .processing_ms = 4, .calculation_ms = 5,
	    .graphite_stats = true, .graphite_ts = 1700000011,
	    .last_exception = 6, .last_flush = 7, .flush_time = 8,
	    .flush_length = 9 };

	r.flush.flush_counts = false;
	rig_start(&r);
	rig_flush(&r, 0, T0, &in);
	ck_assert_ptr_null(strstr(buf_cstr(&r.out), "timestamp_lag"));
	in.bad_lines = 0;
	rig_flush(&r, 0, T0 + 10600, &in);
	ck_assert_str_eq(buf_cstr(&r.out),
	    "stats.statsd.bad_lines_seen 0 1700000011\n"
	    "stats.statsd.packets_received 0.2 1700000011\n"
	    "stats.statsd.metrics_received 0.3 1700000011\n"
	    "stats.gauges.statsd.timestamp_lag 1 1700000011\n"
	    "statsd.numStats 4 1700000011\n"
	    "stats.statsd.graphiteStats.calculationtime 5 1700000011\n"
	    "stats.statsd.processing_time 4 1700000011\n"
	    "stats.statsd.graphiteStats.last_exception 6 1700000011\n"
	    "stats.statsd.graphiteStats.last_flush 7 1700000011\n"
	    "stats.statsd.graphiteStats.flush_time 8 1700000011\n"
	    "stats.statsd.graphiteStats.flush_length 9 1700000011\n");
}
END_TEST

/* ---- the management port ---- */

static enum merged_group
group_of(const char *name)
{
	return strcmp(name, "counters") == 0 ? MERGED_COUNTER :
	    strcmp(name, "gauges") == 0 ? MERGED_GAUGE : MERGED_TIMER;
}

static double
number(const char *text)
{
	double v;

	ck_assert_msg(number_js(slice_str(text), &v), "%s", text);
	return v;
}

static void
put(const char *group, struct slice name, json_t *value)
{
	struct merged_key *k = merged_get(r.m, group_of(group), name, 1, 0);
	size_t i;
	json_t *v;
	double d;

	if (group_of(group) == MERGED_COUNTER) {
		merged_counter(r.m, k, number(json_string_value(value)));
	} else if (group_of(group) == MERGED_GAUGE) {
		merged_gauge(r.m, k, true, number(json_string_value(value)), 0,
		    1);
	} else {
		merged_timer_copy(r.m, k, NULL, 0, 0);
		json_array_foreach(value, i, v) {
			d = number(json_string_value(v));
			merged_timer_copy(r.m, k, &d, 1, 1);
		}
	}
}

static void
check_dump(json_t *row)
{
	const char *group = json_string_value(json_object_get(row, "k"));
	json_t *entry, *values = json_object_get(row, "v");
	struct buf reply = BUF_INIT(1 << 20);
	size_t i;

	rig_start(&r);
	ck_assert(merged_delete(r.m, MERGED_COUNTER, SLICE("statsd.*"), &reply));
	buf_clear(&reply);
	json_array_foreach(values, i, entry)
		put(group, slice_of(json_string_value(json_array_get(entry, 0)),
		    json_string_length(json_array_get(entry, 0))),
		    json_array_get(entry, 1));
	ck_assert(merged_dump(r.m, group_of(group), &reply));
	ck_assert_str_eq(buf_cstr(&reply),
	    json_string_value(json_object_get(row, "t")));
	buf_fini(&reply);
	merged_free(r.m);
	r.m = NULL;
}

/* Recorded from Node 20's util.inspect(). */
START_TEST(dumps_look_like_nodes)
{
	const char *top = getenv("top_srcdir");
	char path[4096], *line = NULL;
	size_t cap = 0, n = 0;
	json_error_t e;
	json_t *row;
	FILE *f;

	snprintf(path, sizeof path, "%s/tests/vectors/statsd-dumps.jsonl",
	    top == NULL ? "." : top);
	ck_assert_msg((f = fopen(path, "r")) != NULL, "%s", path);
	for (; getline(&line, &cap, f) > 0; n++) {
		row = json_loads(line, JSON_ALLOW_NUL, &e);
		ck_assert_msg(row != NULL, "%s", e.text);
		check_dump(row);
		json_decref(row);
	}
	free(line);
	fclose(f);
	ck_assert_uint_gt(n, 100);
}
END_TEST

START_TEST(deleting_by_name_and_prefix)
{
	struct buf out = BUF_INIT(1000);

	rig_start(&r);
	feed("a.b:1|g\na.c:2|g\nab:3|g\nx:4|g\na.*:5|g");
	ck_assert(merged_delete(r.m, MERGED_GAUGE, SLICE("a.b"), &out));
	ck_assert(merged_delete(r.m, MERGED_GAUGE, SLICE("a.b"), &out));
	ck_assert(merged_delete(r.m, MERGED_GAUGE, SLICE("a.*"), &out));
	ck_assert(merged_delete(r.m, MERGED_GAUGE, SLICE("*"), &out));
	ck_assert(merged_delete(r.m, MERGED_GAUGE, slice_of("", 0), &out));
	ck_assert_str_eq(buf_cstr(&out), "deleted: a.b\n"
	    "metric a.b not found\ndeleted: a.*\ndeleted: a.c\n"
	    "metric * not found\nmetric  not found\n");
	ck_assert_str_eq(rig_plain(&r, T0),
	    "stats.gauges.ab 3 1700000000\nstats.gauges.x 4 1700000000\n");
	/* an internal counter comes back with the next flush */
	ck_assert(merged_delete(r.m, MERGED_COUNTER, SLICE("statsd.*"), &out));
	rig_flush(&r, 0, T0, &(struct flush_internal){ .metrics = 10 });
	ck_assert_ptr_nonnull(strstr(buf_cstr(&r.out),
	    "stats.statsd.metrics_received 1 "));
	buf_fini(&out);
}
END_TEST

/* ---- restarts ---- */

static void
route(void *ctx, enum merged_group group, struct slice name,
    uint64_t *dest_mask, unsigned *class_)
{
	(void)ctx, (void)group, (void)name, (void)class_;
	*dest_mask = 2;
}

static void
fill(void)
{
	struct merged_key *k;
	struct sketch s;
	char line[64];
	int i;

	feed("c:3|c\n7:1.5|c\ng:-4.25|g\nh:1e300|g\nset:a|s\nset:|s\nkv:9|kv");
	for (i = 0; i < 100; i++) {
		snprintf(line, sizeof line, "t:%d|ms|@0.5\nmany:m%d|s", i, i);
		feed(line);
	}
	sketch_init(&s, 0.01, 4096);
	for (i = -50; i < 50; i++)
		ck_assert(sketch_add(&s, i * 1.5));
	k = merged_get(r.m, MERGED_TIMER, SLICE("sketched;a=b"), 1, 0);
	merged_sketch(r.m, k, &s, 100);
	sketch_fini(&s);
}

START_TEST(a_restart_loses_nothing)
{
	static char before[1 << 16];
	struct buf image = BUF_INIT(1 << 20), again = BUF_INIT(1 << 20);

	r.flush.set_exact = 20;
	rig_start(&r);
	fill();
	ck_assert(merged_save(r.m, true, &image));
	strcpy(before, rig_plain(&r, T0));
	merged_free(r.m);
	rig_start(&r);
	ck_assert_int_eq(merged_load(r.m, buf_slice(&image), route, NULL), 0);
	ck_assert(merged_save(r.m, true, &again));
	ck_assert(slice_eq(buf_slice(&image), buf_slice(&again)));
	r.masks = 0;
	ck_assert_str_eq(rig_plain(&r, T0), before);
	ck_assert_uint_eq(r.masks, 1 | 2);
	buf_fini(&image);
	buf_fini(&again);
}
END_TEST

START_TEST(only_gauges_without_the_interval)
{
	struct buf image = BUF_INIT(1 << 20);

	r.flush.delete_gauges = true;
	r.flush.gauges_ttl = 2;
	rig_start(&r);
	fill();
	rig_flush(&r, 0, T0, &(struct flush_internal){ 0 });
	rig_feed(&r, SLICE("g:+1|g"), 0);
	rig_flush(&r, 0, T0, &(struct flush_internal){ 0 });
	ck_assert(merged_save(r.m, false, &image));
	merged_free(r.m);
	rig_start(&r);
	feed("g:77|g");
	ck_assert_int_eq(merged_load(r.m, buf_slice(&image), route, NULL), 0);
	/* the newer one stays; h was about to expire and is gone already */
	ck_assert_str_eq(rig_plain(&r, T0), "stats.gauges.g 77 1700000000\n");
	buf_fini(&image);
}
END_TEST

START_TEST(damaged_images_are_refused)
{
	struct buf image = BUF_INIT(1 << 20), small = BUF_INIT(100);
	size_t i;

	r.flush.set_exact = 20;
	rig_start(&r);
	fill();
	ck_assert(merged_save(r.m, true, &image));
	ck_assert(!merged_save(r.m, true, &small));
	ck_assert_uint_eq(small.len, 0);
	merged_free(r.m);
	rig_start(&r);
	for (i = 0; i < image.len; i++) {
		ck_assert_int_eq(merged_load(r.m, slice_of(image.data, i),
		    route, NULL), -1);
		ck_assert_int_eq(errno, EINVAL);
	}
	for (i = 0; i < image.len; i++) {
		image.data[i] ^= 0x10;
		ck_assert_int_eq(merged_load(r.m, buf_slice(&image), route,
		    NULL), -1);
		ck_assert_int_eq(errno, i >= 4 && i < 8 ? ENOTSUP : EINVAL);
		image.data[i] ^= 0x10;
	}
	ck_assert_uint_eq(stats().keys, 3);
	buf_fini(&image);
	buf_fini(&small);
}
END_TEST

/* ---- many ---- */

/* Names come and go at random; the state agrees with a plain table, and its
 * memory does not grow. */
START_TEST(churn)
{
	enum { NAMES = 3000 };
	static struct merged_key *linked[NAMES];
	static double want[NAMES];
	char name[64];
	uint64_t bytes = 0;
	int round, i, n;

	r.flush.delete_counters = true;
	r.flush.flush_counts = false;
	rig_start(&r);
	srand(3);
	for (round = 0; round < 60; round++) {
		memset(want, 0, sizeof want);
		for (i = 0; i < 2000; i++) {
			n = rand() % NAMES;
			snprintf(name, sizeof name, "%.*s%d", n % 40,
			    "nnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnn", n);
			if (linked[n] != NULL && rand() % 3 == 0) {
				merged_unlink(r.m, linked[n]);
				linked[n] = NULL;
			}
			if (linked[n] == NULL) {
				linked[n] = merged_get(r.m, MERGED_COUNTER,
				    slice_str(name), 1, 0);
				merged_link(linked[n]);
			}
			ck_assert(slice_eq(merged_name(linked[n]),
			    slice_str(name)));
			merged_counter(r.m, linked[n], 10);
			want[n] += 10;
		}
		rig_flush(&r, 0, T0, NULL);
		for (i = n = 0; i < NAMES; i++)
			n += want[i] > 0;
		ck_assert_uint_eq(n + 3,
		    stats().lines - (round == 0 ? 0 : bytes));
		bytes = stats().lines;
	}
	ck_assert(stats().bytes < 700000);
	for (i = 0; i < NAMES; i++)
		if (linked[i] != NULL)
			merged_unlink(r.m, linked[i]);
	ck_assert_uint_eq(stats().keys, 3);
}
END_TEST

static void
add_tests(TCase *tc)
{
	tcase_add_test(tc, idle_keys_stay_by_default);
	tcase_add_test(tc, idle_keys_are_deleted);
	tcase_add_test(tc, updates_renew_a_gauge);
	tcase_add_test(tc, order_is_a_javascript_objects);
	tcase_add_test(tc, a_deleted_key_comes_back_at_the_end);
	tcase_add_test(tc, linked_keys_outlive_deletion);
	tcase_add_loop_test(tc, gauges_of_several_workers, 0, 6);
	tcase_add_test(tc, timers_of_several_workers);
	tcase_add_test(tc, percentile_ranks_round_as_there);
	tcase_add_test(tc, sketches_stand_in_for_samples);
	tcase_add_test(tc, sets_and_kv);
	tcase_add_test(tc, names_are_capped);
	tcase_add_test(tc, samples_are_capped);
	tcase_add_test(tc, infinity_and_what_is_no_number);
	tcase_add_test(tc, no_name_and_dirty_names);
	tcase_add_test(tc, classes_have_their_own_interval);
	tcase_add_test(tc, a_class_that_goes_is_folded_into_the_first);
	tcase_add_test(tc, destinations_go_with_the_lines);
	tcase_add_test(tc, internal_lines);
	tcase_add_test(tc, dumps_look_like_nodes);
	tcase_add_test(tc, deleting_by_name_and_prefix);
	tcase_add_test(tc, a_restart_loses_nothing);
	tcase_add_test(tc, only_gauges_without_the_interval);
	tcase_add_test(tc, damaged_images_are_refused);
	tcase_add_test(tc, churn);
}

int
main(void)
{
	Suite *suite = suite_create("merged");
	TCase *tc = tcase_create("merged");
	SRunner *sr;
	int failed;

	tcase_set_timeout(tc, 60);
	tcase_add_checked_fixture(tc, setup, teardown);
	add_tests(tc);
	suite_add_tcase(suite, tc);
	sr = srunner_create(suite);
	srunner_run_all(sr, CK_NORMAL);
	failed = srunner_ntests_failed(sr);
	srunner_free(sr);
	return failed != 0;
}
