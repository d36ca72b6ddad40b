/* test_prometheus.c - the page of aggregated metrics, and statsd_exporter's
 * mapping file that names what is on it. */
#include "config.h"

#include "conf/prom_mapping.h"
#include "flush_rig.h"

#define T0 INT64_C(1700000000000)

static struct rig r;
static struct buf page, errors;

static void
setup(void)
{
	rig_init(&r);
	buf_init(&page, 1 << 20);
	buf_init(&errors, 1 << 16);
}

static void
teardown(void)
{
	rig_fini(&r);
	buf_fini(&page);
	buf_fini(&errors);
}

static const char *
show(const char *packet, const char *yaml)
{
	struct prom_mapping *m = NULL;

	if (yaml != NULL) {
		m = prom_mapping_parse(slice_str(yaml), "m.yml", &errors);
		ck_assert_msg(m != NULL, "%s", buf_cstr(&errors));
	}
	if (packet != NULL) {
		rig_feed(&r, slice_str(packet), 0);
		rig_flush(&r, 0, T0, NULL);
	}
	buf_clear(&page);
	ck_assert(merged_prometheus(r.m, m, &page));
	prom_mapping_free(m);
	return buf_cstr(&page);
}

/* What stands behind the reference's own three counters. */
static const char *
behind(const char *text)
{
	static const char last[] = "statsd_metrics_received_total 0\n";
	const char *at = strstr(text, last);

	ck_assert_ptr_nonnull(at);
	return at + strlen(last);
}

START_TEST(every_kind)
{
	rig_start(&r);
	ck_assert_str_eq(behind(show("c.x;b=2;a=1:3|c\nc.x:1|c|@0.5\n"
	    "g-1:-2.5|g\nt:10|ms|@0.1\nt:20|ms\ns:a|s\ns:b|s\n9:1|c", NULL)),
	    "# TYPE c_x_total counter\nc_x_total{b=\"2\",a=\"1\"} 3\n"
	    "c_x_total 2\n"
	    "# TYPE _9_total counter\n_9_total 1\n"
	    "# TYPE g_1 gauge\ng_1 -2.5\n"
	    "# TYPE t summary\nt{quantile=\"0.9\"} 20\n"
	    "t{quantile=\"0.5\"} 15\nt_sum 30\nt_count 11\n"
	    "# TYPE s gauge\ns 2\n");
	/* counters and sums go on; a timer at rest has no quantiles */
	ck_assert_str_eq(behind(show("c.x:1|c", NULL)),
	    "# TYPE c_x_total counter\nc_x_total{b=\"2\",a=\"1\"} 3\n"
	    "c_x_total 3\n"
	    "# TYPE _9_total counter\n_9_total 1\n"
	    "# TYPE g_1 gauge\ng_1 -2.5\n"
	    "# TYPE t summary\nt_sum 30\nt_count 11\n"
	    "# TYPE s gauge\ns 0\n");
}
END_TEST

START_TEST(families_are_whole_and_series_single)
{
	rig_start(&r);
	ck_assert_str_eq(behind(show("a.b;x=1:1|c\nz:1|c\na_b;x=2:1|c\n"
	    "a-b;x=1:5|c\nx:1|g\nx:2|ms\nx:m|s\nx_gauge:7|g\na_total:1|c",
	    NULL)),
	    "# TYPE a_b_total counter\na_b_total{x=\"1\"} 6\n"
	    "a_b_total{x=\"2\"} 1\n"
	    "# TYPE z_total counter\nz_total 1\n"
	    "# TYPE a_total counter\na_total 1\n"
	    "# TYPE x gauge\nx 1\n# TYPE x_gauge gauge\nx_gauge 7\n"
	    "# TYPE x_timer summary\nx_timer{quantile=\"0.9\"} 2\n"
	    "x_timer{quantile=\"0.5\"} 2\nx_timer_sum 2\nx_timer_count 1\n"
	    "# TYPE x_set gauge\nx_set 1\n");
}
END_TEST

START_TEST(labels_are_legal)
{
	struct merged_key *k;

	rig_start(&r);
	k = merged_get(r.m, MERGED_GAUGE, SLICE("g;1a=q\"\\\n\303\251\377;"
	    "e=;no;a-b=1;a_b=2;quantile=3;__name__=4;;=5"), 1, 0);
	merged_gauge(r.m, k, true, (double)INFINITY, 0, 1);
	rig_flush(&r, 0, T0, NULL);
	ck_assert_str_eq(behind(show(NULL, NULL)), "# TYPE g gauge\n"
	    "g{_1a=\"q\\\"\\\\\\n\303\251\357\277\275\",a_b=\"2\","
	    "exported_quantile=\"3\",exported___name__=\"4\",_=\"5\"} +Inf\n");
}
END_TEST

START_TEST(deleted_and_linked_ones)
{
	struct merged_key *c;

	r.flush.delete_counters = r.flush.delete_timers =
	    r.flush.delete_sets = r.flush.delete_gauges = true;
	rig_start(&r);
	c = merged_get(r.m, MERGED_COUNTER, SLICE("c"), 1, 0);
	merged_link(c);
	merged_link(merged_get(r.m, MERGED_SET, SLICE("s"), 1, 0));
	merged_link(merged_get(r.m, MERGED_TIMER, SLICE("t"), 1, 0));
	ck_assert_str_eq(behind(show("c:2|c\nd:2|c\ng:1|g\ns:1|s\nt:4|ms",
	    NULL)),
	    "# TYPE c_total counter\nc_total 2\n"
	    "# TYPE t summary\nt{quantile=\"0.9\"} 4\nt{quantile=\"0.5\"} 4\n"
	    "t_sum 4\nt_count 1\n# TYPE s gauge\ns 1\n");
	ck_assert_str_eq(behind(show("c:3|c", NULL)),
	    "# TYPE c_total counter\nc_total 5\n"
	    "# TYPE t summary\nt_sum 4\nt_count 1\n");
}
END_TEST

START_TEST(same_quantile_once)
{
	static rig_percentile pcts[4];

	pcts[0] = (rig_percentile){ -10, "-10" };
	pcts[1] = (rig_percentile){ 90, "90" };
	pcts[2] = (rig_percentile){ 50, "50" };
	pcts[3] = (rig_percentile){ 150, "150" };
	r.flush.percentiles = (void *)pcts;
	r.flush.npercentiles = 4;
	rig_start(&r);
	ck_assert_str_eq(behind(show("t:4|ms", NULL)),
	    "# TYPE t summary\nt{quantile=\"0.9\"} 4\nt{quantile=\"0.5\"} 4\n"
	    "t_sum 4\nt_count 1\n");
}
END_TEST

static const char mapping[] =
    "defaults:\n  timer_type: summary\n  ttl: 0\n  quantiles:\n"
    "  - {quantile: 0.99, error: 0.001}\n"
    "mappings:\n"
    "- match: \"api.*.requests.*\"\n"
    "  name: \"api_requests_total\"\n"
    "  help: \"of the API\"\n"
    "  labels: {service: \"$1\", code: \"c${2}x\", all: \"$1_$2\"}\n"
    "- match: \"api.*.requests.special\"\n  name: never\n"
    "- match: \"timed.*\"\n  match_metric_type: observer\n"
    "  name: \"${1}_seconds\"\n"
    "- match: \"timed.*\"\n  match_metric_type: gauge\n"
    "  name: \"${1}_level\"\n  scale: 10\n"
    "- match: \"noise.*\"\n  action: drop\n"
    "- match: '^srv(?<n>\\d+)\\.(.*)$'\n  match_type: regex\n"
    "  name: \"srv\"\n  labels: {n: \"${n}\", what: \"$2\", none: \"$9\"}\n"
    "- match: \"honor\"\n  name: honor\n  honor_labels: true\n"
    "  labels: {a: mapped, b: mapped}\n"
    "- match: \"beat\"\n  name: beat\n  labels: {a: mapped}\n"
    "- match: .*\n  match_type: regex\n  match_metric_type: counter\n"
    "  name: rest_total\n  labels: {name: \"$0\"}\n";

START_TEST(a_mapping_names_them)
{
	rig_start(&r);
	ck_assert_str_eq(show("api.web.requests.200:5|c\n"
	    "api.web.requests.special:6|c\ntimed.db:250|ms\ntimed.db:2|g\n"
	    "noise.x:1|c\nsrv17.a.b:1|g\nhonor;a=tag:1|g\nbeat;a=tag:1|g\n"
	    "left.over:3|g", mapping),
	    "# TYPE rest_total counter\n"
	    "rest_total{name=\"statsd.bad_lines_seen\"} 0\n"
	    "rest_total{name=\"statsd.packets_received\"} 0\n"
	    "rest_total{name=\"statsd.metrics_received\"} 0\n"
	    "# HELP api_requests_total of the API\n"
	    "# TYPE api_requests_total counter\n"
	    "api_requests_total{service=\"web\",code=\"c200x\",all=\"200\"} 5\n"
	    "api_requests_total{service=\"web\",code=\"cspecialx\","
	    "all=\"special\"} 6\n"
	    "# TYPE db_level gauge\ndb_level 20\n"
	    "# TYPE srv gauge\nsrv{n=\"17\",what=\"a.b\"} 1\n"
	    "# TYPE honor gauge\nhonor{a=\"tag\",b=\"mapped\"} 1\n"
	    "# TYPE beat gauge\nbeat{a=\"mapped\"} 1\n"
	    "# TYPE left_over gauge\nleft_over 3\n"
	    "# TYPE db_seconds summary\ndb_seconds{quantile=\"0.9\"} 0.25\n"
	    "db_seconds{quantile=\"0.5\"} 0.25\ndb_seconds_sum 0.25\n"
	    "db_seconds_count 1\n");
}
END_TEST

START_TEST(unordered_globs_prefer_literals)
{
	static const char ordered[] = "mappings:\n"
	    "- {match: '*.*.c', name: one}\n- {match: 'a.*.*', name: two}\n"
	    "- {match: 'a.b.*', name: three}\n";
	char unordered[256];
	struct prom_match out;
	struct prom_mapping *m;
	struct buf text = BUF_INIT(1000);
	int i;

	snprintf(unordered, sizeof unordered,
	    "defaults: {glob_disable_ordering: true}\n%s", ordered);
	for (i = 0; i < 2; i++) {
		m = prom_mapping_parse(slice_str(i ? unordered : ordered), "m",
		    &errors);
		ck_assert_ptr_nonnull(m);
		ck_assert_int_eq(prom_mapping_find(m, SLICE("a.b.c"),
		    PROM_GAUGE, &text, &out), PROM_MAPPED);
		ck_assert(slice_eq(out.name, i ? SLICE("three") :
		    SLICE("one")));
		ck_assert_int_eq(prom_mapping_find(m, SLICE("b.b.d"),
		    PROM_GAUGE, &text, &out), PROM_UNMAPPED);
		ck_assert_int_eq(prom_mapping_find(m, SLICE("a.b"),
		    PROM_GAUGE, &text, &out), PROM_UNMAPPED);
		prom_mapping_free(m);
	}
	buf_fini(&text);
}
END_TEST

static const struct {
	const char *yaml, *error;	/* NULL: it is right */
} files[] = {
	{ "", NULL },
	{ "mappings:\n", NULL },
	{ "mappings: []\ndefaults: {match_type: regex}\n", NULL },
	{ "[]", "m:1:1: " },
	{ "mappings: x", "m:1:11: mappings must be a list" },
	{ "mappings:\n- x\n", "m:2:3: a mapping must be a map" },
	{ "mappings:\n- {name: a}\n", "a mapping needs a match" },
	{ "mappings:\n- {match: a}\n", "m:2:3: a mapping needs a name" },
	{ "mappings:\n- {match: a, action: drop}\n", NULL },
	{ "mappings:\n- {match: a, action: keep}\n",
	  "action must be map or drop, not 'keep'" },
	{ "mappings:\n- {match: 'a*', name: b}\n", "'a*' is no glob" },
	{ "mappings:\n- {match: 'a..b', name: b}\n", "'a..b' is no glob" },
	{ "mappings:\n- {match: '(', match_type: regex, name: b}\n", "m:2:" },
	{ "mappings:\n- {match: a, name: 'b-c'}\n", "a name has letters" },
	{ "mappings:\n- {match: a, name: '1b'}\n", "a name has letters" },
	{ "mappings:\n- {match: a, name: b, labels: {a-b: c}}\n",
	  "'a-b' is no name of a label" },
	{ "mappings:\n- {match: a, name: b, labels: [c]}\n",
	  "labels must be a map" },
	{ "mappings:\n- {match: a, name: b, lables: {}}\n",
	  "unknown key 'lables'" },
	{ "mappings:\n- {match: a, name: b, scale: x}\n",
	  "scale must be a number" },
	{ "mappings:\n- {match: a, name: b, match_metric_type: set}\n",
	  "match_metric_type must be" },
	{ "mappings:\n- {match: a, name: b, honor_labels: maybe}\n",
	  "honor_labels must be true or false" },
};

START_TEST(files_are_checked)
{
	struct prom_mapping *m = prom_mapping_parse(slice_str(files[_i].yaml),
	    "m", &errors);
	const char *said = buf_cstr(&errors);

	if (files[_i].error == NULL) {
		ck_assert_msg(m != NULL && errors.len == 0, "%s", said);
	} else {
		ck_assert_ptr_null(m);
		ck_assert_msg(strstr(said, files[_i].error) != NULL, "%s",
		    said);
	}
	prom_mapping_free(m);
}
END_TEST

START_TEST(histograms_are_warned_about)
{
	struct prom_mapping *m = prom_mapping_parse(SLICE("mappings:\n"
	    "- {match: a, name: b, observer_type: histogram, "
	    "histogram_options: {buckets: [1, 2]}}\n"), "m", &errors);

	ck_assert_ptr_nonnull(m);
	ck_assert_ptr_nonnull(strstr(buf_cstr(&errors),
	    "histograms are shown as summaries"));
	prom_mapping_free(m);
	ck_assert_ptr_null(prom_mapping_load("/nonexistent/m.yml", &errors));
}
END_TEST

START_TEST(a_full_page_is_refused_whole)
{
	rig_start(&r);
	rig_feed(&r, SLICE("a:1|c\nb:1|c"), 0);
	rig_flush(&r, 0, T0, NULL);
	page.max = 50;
	ck_assert(buf_adds(&page, "x"));
	ck_assert(!merged_prometheus(r.m, NULL, &page));
	ck_assert_uint_eq(page.len, 1);
}
END_TEST

int
main(void)
{
	Suite *suite = suite_create("prometheus");
	TCase *tc = tcase_create("prometheus");
	SRunner *sr;
	int failed;

	tcase_add_checked_fixture(tc, setup, teardown);
	tcase_add_test(tc, every_kind);
	tcase_add_test(tc, families_are_whole_and_series_single);
	tcase_add_test(tc, labels_are_legal);
	tcase_add_test(tc, deleted_and_linked_ones);
	tcase_add_test(tc, same_quantile_once);
	tcase_add_test(tc, a_mapping_names_them);
	tcase_add_test(tc, unordered_globs_prefer_literals);
	tcase_add_loop_test(tc, files_are_checked, 0,
	    sizeof files / sizeof files[0]);
	tcase_add_test(tc, histograms_are_warned_about);
	tcase_add_test(tc, a_full_page_is_refused_whole);
	suite_add_tcase(suite, tc);
	sr = srunner_create(suite);
	srunner_run_all(sr, CK_NORMAL);
	failed = srunner_ntests_failed(sr);
	srunner_free(sr);
	return failed != 0;
}
