/* test_flush_golden.c - whole flushes, line by line, as the statsd daemon of
 * npm printed them for the same packets under the same configuration.
 *
 * tests/vectors/statsd-golden-flush.txt has, per case, a line
 * "== CONFIGURATION | ['packet', ...]" and the lines that it sent to Graphite.
 * Its time stamps are its own, and so are the milliseconds that it took;
 * these are replaced on both sides.  Lines that it has wrong are listed in
 * `differences`, and are asserted not to be what it says.
 *
 * tests/vectors/statsd-timers.jsonl has the figures of its process_metrics()
 * for random samples: {"v": samples, "count": sum of 1/rate, "flush": interval
 * in ms, "pct": thresholds, "bins": histogram, "lines": [name, value] each}.
 * They are compared digit by digit; only its NaNs are different here. */
#include "config.h"

#include <jansson.h>
#include <math.h>

#include "flush_rig.h"

#define NOW 1700000000

/* ---- the configurations of the cases ---- */

static rig_percentile pcts[16];
static double bins_a[8], bins_b[8];
static char *bin_names[8];
static struct conf_histogram histograms[2];

static void
percentiles(struct conf_flush *f, size_t n, const double *values,
    char *const *texts)
{
	size_t i;

	for (i = 0; i < n; i++) {
		pcts[i].value = values[i];
		pcts[i].text = texts[i];
	}
	f->percentiles = (void *)pcts;
	f->npercentiles = n;
}

static void
idle(struct conf_flush *f)
{
	f->delete_counters = f->delete_timers = f->delete_sets =
	    f->delete_gauges = true;
}

static void
many(struct rig *r)
{
	percentiles(&r->flush, 11, (const double[]){ 90, -90, 99.9, -50, 0,
	    100, -100, 95, 150, 1, 5 }, (char *[]){ "90", "-90", "99.9",
	    "-50", "0", "100", "-100", "95", "150", "1", "5" });
	idle(&r->flush);
}

static void
top90(struct rig *r)
{
	percentiles(&r->flush, 1, (const double[]){ -90 },
	    (char *[]){ "-90" });
	idle(&r->flush);
}

static void
filtered(struct rig *r)
{
	static char *names[] = { "count", "upper_percent", "mean_90",
	    "lower_percent", "histogram", "std" };

	percentiles(&r->flush, 3, (const double[]){ 90, 99.9, -10 },
	    (char *[]){ "90", "99.9", "-10" });
	r->flush.timer_metrics = (struct conf_strings){ names, 6 };
	memcpy(bins_b, (const double[]){ 0.5, 10, 55.5, (double)INFINITY },
	    4 * sizeof(double));
	memcpy(bin_names, (char *[]){ "0.5", "10", "55.5", "inf" },
	    4 * sizeof(char *));
	histograms[0] = (struct conf_histogram){ "foo", bins_a, bin_names, 0 };
	histograms[1] = (struct conf_histogram){ "", bins_b, bin_names, 4 };
	r->flush.histograms = histograms;
	r->flush.nhistograms = 1 + 1;
	idle(&r->flush);
}

static void
renamed(struct rig *r)
{
	r->flush.legacy = false;
	r->flush.prefix = "gp";
	r->flush.prefix_counter = "pc";
	r->flush.prefix_timer = "pt";
	r->flush.prefix_gauge = "pg";
	r->flush.prefix_set = "ps";
	r->flush.suffix = "sfx";
	r->flush.namespace_ = "myd";
	bins_a[0] = 10;
	bins_a[1] = (double)INFINITY;
	bin_names[0] = "10";
	bin_names[1] = "inf";
	histograms[0] = (struct conf_histogram){ "t", bins_a, bin_names, 2 };
	r->flush.histograms = histograms;
	r->flush.nhistograms = 1;
}

static void
nameless(struct rig *r)
{
	r->flush.legacy = false;
	r->flush.prefix = r->flush.prefix_counter = r->flush.prefix_timer =
	    r->flush.prefix_gauge = r->flush.prefix_set =
	    r->flush.namespace_ = "";
}

static void
no_counts(struct rig *r)
{
	r->flush.flush_counts = false;
	idle(&r->flush);
}

static void
unclean(struct rig *r)
{
	r->cfg.clean_on_output = true;
	idle(&r->flush);
}

static void
pickled(struct rig *r)
{
	idle(&r->flush);
}

static const struct {
	const char *conf;
	void (*set)(struct rig *);
} confs[] = {
	{ "percentThreshold:[90,-90,99.9,-50,0,100,-100,\"95\",150, 1, 5], "
	  "deleteIdleStats:true", many },
	{ "percentThreshold:[-90], deleteIdleStats:true", top90 },
	{ "percentThreshold:[90,99.9,-10], calculatedTimerMetrics:[\"count\","
	  "\"upper_percent\",\"mean_90\",\"lower_percent\",\"histogram\","
	  "\"std\"], histogram:[{metric:\"foo\",bins:[]},{metric:\"\",bins:"
	  "[0.5,10,55.5,\"inf\"]}], deleteIdleStats:true", filtered },
	{ "graphite:{legacyNamespace:false, globalPrefix:\"gp\", "
	  "prefixCounter:\"pc\", prefixTimer:\"pt\", prefixGauge:\"pg\", "
	  "prefixSet:\"ps\", globalSuffix:\"sfx\"}, prefixStats:\"myd\", "
	  "histogram:[{metric:\"t\",bins:[10,\"inf\"]}]", renamed },
	{ "graphite:{legacyNamespace:false, globalPrefix:\"\", "
	  "prefixCounter:\"\", prefixTimer:\"\", prefixGauge:\"\", "
	  "prefixSet:\"\"}, prefixStats:\"\"", nameless },
	{ "flush_counts:false, deleteIdleStats:true", no_counts },
	{ "keyNameSanitize:false, deleteIdleStats:true", unclean },
	{ "graphiteProtocol:\"pickle\", deleteIdleStats:true", pickled },
};

/* Lines that are right here and wrong there; NULL: not sent. */
static const struct {
	unsigned conf;
	const char *theirs, *ours;
} differences[] = {
	{ 0, "stats.timers.t.mean_top100 NaN", "stats.timers.t.mean_top100 55" },
	{ 0, "stats.timers.t.sum_top100 NaN", "stats.timers.t.sum_top100 550" },
	{ 0, "stats.timers.t.sum_squares_top100 NaN",
	  "stats.timers.t.sum_squares_top100 38500" },
	{ 0, "stats.timers.t.mean_150 NaN", NULL },
	{ 1, "stats.timers.t.mean_top90 NaN", "stats.timers.t.mean_top90 1.5" },
	{ 1, "stats.timers.t.sum_top90 NaN", "stats.timers.t.sum_top90 3" },
	{ 1, "stats.timers.t.sum_squares_top90 NaN",
	  "stats.timers.t.sum_squares_top90 5" },
};
static unsigned differences_met;

/* ---- reading the cases ---- */

static struct slice file;

static void
read_file(void)
{
	char path[4096];
	const char *top = getenv("top_srcdir");
	static struct buf all = BUF_INIT(1 << 20);
	FILE *f;
	int c;

	snprintf(path, sizeof path, "%s/tests/vectors/statsd-golden-flush.txt",
	    top == NULL ? "." : top);
	ck_assert_msg((f = fopen(path, "r")) != NULL, "%s", path);
	while ((c = getc(f)) != EOF)
		ck_assert(buf_addc(&all, (char)c));
	fclose(f);
	file = buf_slice(&all);
}

/* The packets of "['a\nb', 'c']", fed one after another. */
static void
feed(struct rig *r, struct slice list, struct flush_internal *in)
{
	struct buf packet = BUF_INIT(65536);
	bool quoted = false;
	size_t i;

	for (i = 0; i < list.len; i++) {
		if (list.ptr[i] == '\'') {
			if (quoted) {
				in->packets++;
				in->metrics += rig_feed(r,
				    buf_slice(&packet), 0);
				buf_clear(&packet);
			}
			quoted = !quoted;
		} else if (quoted && list.ptr[i] == '\\') {
			ck_assert(list.ptr[++i] == 'n');
			ck_assert(buf_addc(&packet, '\n'));
		} else if (quoted) {
			ck_assert(buf_addc(&packet, list.ptr[i]));
		}
	}
	buf_fini(&packet);
}

/* A line without its time stamp, and without the value of what differs from
 * run to run. */
static struct slice
normal(struct slice line)
{
	static const char *const volatile_[] = { "calculationtime",
	    "processing_time", "last_flush", "flush_time", "flush_length",
	    "last_exception" };
	size_t i, end = line.len;

	while (end > 0 && line.ptr[end - 1] != ' ')
		end--;
	ck_assert_msg(end > 1, "no time stamp: %.*s", SLICE_ARG(line));
	line.len = end - 1;
	for (i = 0; i < sizeof volatile_ / sizeof volatile_[0]; i++)
		if (memmem(line.ptr, line.len, volatile_[i],
		    strlen(volatile_[i])) != NULL)
			while (line.ptr[line.len - 1] != ' ')
				line.len--;
	return line;
}

/* What we should print where the reference printed `line`; false: nothing. */
static bool
expected(unsigned conf, struct slice line, struct slice *out)
{
	size_t i;

	*out = normal(line);
	for (i = 0; i < sizeof differences / sizeof differences[0]; i++)
		if (differences[i].conf == conf &&
		    slice_eq(*out, slice_str(differences[i].theirs))) {
			differences_met++;
			*out = slice_str(differences[i].ours);
			return out->ptr != NULL;
		}
	return true;
}

/* The reference's pickle as lines: (S'NAME'\n(L1700000000L\nS'VALUE'\ntta */
static struct slice
unpickle(struct slice p, struct buf *lines)
{
	static const char s[] = "(S'";
	const char *at, *value, *end = p.ptr + p.len;

	while ((at = memmem(p.ptr, p.len, s, 3)) != NULL) {
		at += 3;
		p = slice_of(at, end - at);
		value = memmem(at, end - at, "\\nS'", 4) ;
		ck_assert_ptr_nonnull(value);
		value += 4;
		ck_assert(buf_printf(lines, "%.*s %.*s 1\n",
		    (int)slice_find(p, '\''), at,
		    (int)slice_find(slice_of(value, end - value), '\''),
		    value));
	}
	return buf_slice(lines);
}

static void
compare(unsigned conf, struct slice theirs, struct slice ours)
{
	struct slice line, want, got;
	char stamp[32];

	snprintf(stamp, sizeof stamp, " %d", NOW);
	while (theirs.len > 0) {
		line = slice_cut(&theirs, '\n');
		if (line.len == 0 || !expected(conf, line, &want))
			continue;
		ck_assert_msg(ours.len > 0, "missing: %.*s", SLICE_ARG(want));
		got = slice_cut(&ours, '\n');
		ck_assert_msg(memcmp(got.ptr + got.len - strlen(stamp), stamp,
		    strlen(stamp)) == 0, "%.*s", SLICE_ARG(got));
		got = normal(got);
		ck_assert_msg(slice_eq(got, want), "case %u: '%.*s', not '%.*s'",
		    conf, SLICE_ARG(got), SLICE_ARG(want));
	}
	ck_assert_msg(ours.len == 0, "too much: %.*s", SLICE_ARG(ours));
}

static void
run(unsigned conf, struct slice packets, struct slice theirs)
{
	struct flush_internal none = { 0 }, in = { .graphite_stats = true };
	struct buf lines = BUF_INIT(1 << 20);
	struct rig r;

	rig_init(&r);
	r.flush.interval_ms = 250;
	confs[conf].set(&r);
	rig_start(&r);
	/* the recorded one was not among its first two: the lag, which the
	 * second one has, stands before other gauges */
	rig_flush(&r, 0, INT64_C(1000) * NOW - 250, &none);
	rig_flush(&r, 0, INT64_C(1000) * NOW, &none);
	feed(&r, packets, &in);
	rig_flush(&r, 0, INT64_C(1000) * NOW + 250, &in);
	if (slice_starts(theirs, SLICE("b\"")))
		theirs = unpickle(theirs, &lines);
	compare(conf, theirs, buf_slice(&r.out));
	buf_fini(&lines);
	rig_fini(&r);
}

static unsigned
conf_of(struct slice text)
{
	unsigned i;

	for (i = 0; i < sizeof confs / sizeof confs[0]; i++)
		if (slice_eq(text, slice_str(confs[i].conf)))
			return i;
	ck_abort_msg("no such configuration here: %.*s", SLICE_ARG(text));
	return 0;
}

/* Cut the file's next case off: its head line and its lines. */
static bool
next_case(struct slice *rest, struct slice *head, struct slice *lines)
{
	const char *next;

	if (rest->len == 0)
		return false;
	*head = slice_cut(rest, '\n');
	ck_assert(slice_starts(*head, SLICE("== ")));
	next = memmem(rest->ptr, rest->len, "\n== ", 4);
	lines->ptr = rest->ptr;
	lines->len = next == NULL ? rest->len : (size_t)(next + 1 - rest->ptr);
	*rest = slice_from(*rest, lines->len);
	return true;
}

START_TEST(every_recorded_flush)
{
	struct slice rest, head, lines;
	const char *bar;
	unsigned n = 0;

	read_file();
	rest = file;
	for (; next_case(&rest, &head, &lines); n++) {
		bar = memmem(head.ptr, head.len, " | [", 4);
		ck_assert_ptr_nonnull(bar);
		run(conf_of(slice_of(head.ptr + 3, bar - head.ptr - 3)),
		    slice_of(bar + 3, head.ptr + head.len - bar - 3), lines);
	}
	ck_assert_uint_eq(n, sizeof confs / sizeof confs[0]);
	/* a difference that is none any more has to go from the list */
	ck_assert_uint_eq(differences_met,
	    sizeof differences / sizeof differences[0]);
}
END_TEST

/* ---- figures of random samples ---- */

static const char *
text_at(json_t *list, size_t i)
{
	return json_string_value(json_array_get(list, i));
}

static double
number_at(json_t *list, size_t i)
{
	double v;

	ck_assert(number_js(slice_str(text_at(list, i)), &v));
	return v;
}

static void
set_row(struct rig *r, json_t *row)
{
	json_t *pct = json_object_get(row, "pct");
	json_t *bins = json_object_get(row, "bins");
	double values[16];
	char *texts[16];
	size_t i;

	r->flush.interval_ms = json_integer_value(json_object_get(row,
	    "flush"));
	for (i = 0; i < json_array_size(pct); i++) {
		texts[i] = (char *)text_at(pct, i);
		values[i] = number_at(pct, i);
	}
	percentiles(&r->flush, i, values, texts);
	for (i = 0; i < json_array_size(bins); i++) {
		bin_names[i] = (char *)text_at(bins, i);
		bins_a[i] = strcmp(bin_names[i], "inf") == 0 ?
		    (double)INFINITY : number_at(bins, i);
	}
	histograms[0] = (struct conf_histogram){ "t", bins_a, bin_names, i };
	r->flush.histograms = histograms;
	r->flush.nhistograms = i > 0;
}

static void
check_row(json_t *row)
{
	json_t *samples = json_object_get(row, "v"), *line;
	struct merged_key *k;
	struct rig r;
	struct slice ours, got;
	char want[256];
	double v, count;
	size_t i;

	rig_init(&r);
	set_row(&r, row);
	rig_start(&r);
	k = merged_get(r.m, MERGED_TIMER, SLICE("t"), 1, 0);
	ck_assert(number_js(slice_str(json_string_value(
	    json_object_get(row, "count"))), &count));
	for (i = 0; i < json_array_size(samples); i++) {
		v = number_at(samples, i);
		merged_timer_copy(r.m, k, &v, 1, i == 0 ? count : 0);
	}
	ours = slice_str(rig_plain(&r, INT64_C(1000) * NOW));
	json_array_foreach(json_object_get(row, "lines"), i, line) {
		snprintf(want, sizeof want, "stats.timers.t.%s %s %d",
		    text_at(line, 0), text_at(line, 1), NOW);
		if (strcmp(text_at(line, 1), "NaN") == 0) {
			/* right here, when it is of a top percentile */
			if (strstr(text_at(line, 0), "_top") != NULL)
				slice_cut(&ours, '\n');
			continue;
		}
		got = slice_cut(&ours, '\n');
		ck_assert_msg(slice_eq(got, slice_str(want)), "%.*s, not %s",
		    SLICE_ARG(got), want);
	}
	ck_assert_uint_eq(ours.len, 0);
	rig_fini(&r);
}

START_TEST(figures_of_random_samples)
{
	const char *top = getenv("top_srcdir");
	char path[4096], *text = NULL;
	size_t cap = 0, n = 0;
	json_error_t e;
	json_t *row;
	FILE *f;

	snprintf(path, sizeof path, "%s/tests/vectors/statsd-timers.jsonl",
	    top == NULL ? "." : top);
	ck_assert_msg((f = fopen(path, "r")) != NULL, "%s", path);
	for (; getline(&text, &cap, f) > 0; n++) {
		row = json_loads(text, 0, &e);
		ck_assert_msg(row != NULL, "%s", e.text);
		check_row(row);
		json_decref(row);
	}
	free(text);
	fclose(f);
	ck_assert_uint_gt(n, 100);
}
END_TEST

int
main(void)
{
	Suite *suite = suite_create("flush_golden");
	TCase *tc = tcase_create("flush_golden");
	SRunner *sr;
	int failed;

	tcase_add_test(tc, every_recorded_flush);
	tcase_add_test(tc, figures_of_random_samples);
	suite_add_tcase(suite, tc);
	sr = srunner_create(suite);
	srunner_run_all(sr, CK_NORMAL);
	failed = srunner_ntests_failed(sr);
	srunner_free(sr);
	return failed != 0;
}
