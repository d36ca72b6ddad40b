/* What the reference answered to single packets, replayed.
 *
 * tests/vectors/statsd-golden-lines.jsonl holds packets and the summary of the
 * flush that followed (deleteIdleStats, an interval of 250 ms).  Each is read
 * here both ways, aggregated by the few lines below and summed up in the same
 * words.  Where we differ on purpose the table says so, and why; a difference
 * that is not in the table fails, and so does a row that is no difference. */
#include "config.h"

#include <check.h>
#include <jansson.h>
#include <stdio.h>
#include <stdlib.h>

#include "base/number.h"
#include "proto/statsd.h"

enum { DEFAULT = 1, STRICT = 2, BOTH = 3 };

#define DIES "the reference dies of it"
#define INFINITE "a rate of 0 makes the reference count infinity"
#define OBJECT "a name of Object.prototype is a name like any other"

static const struct {
	int modes;
	const char *packet, *ours, *why;
} differences[] = {
	{ BOTH, "k:1|c|@0", "bad=1 recv=1 []", INFINITE },
	{ BOTH, "k:1|c|@0x10", "bad=1 recv=1 []", INFINITE },
	{ BOTH, "k:1|c|@+0.5", "bad=1 recv=1 []", DIES },
	{ BOTH, "k:1|c|@Infinity", "bad=1 recv=1 []", DIES },
	{ BOTH, "k:1|c|@\t1", "bad=1 recv=1 []", DIES },
	{ BOTH, "toString:1|s",
	    "bad=0 recv=1 ['stats.sets.toString.count 1']", OBJECT },
	{ BOTH, "constructor:1|ms", "bad=0 recv=1 "
	    "['stats.timers.constructor.count 1', "
	    "'stats.timers.constructor.count_ps 4', "
	    "'stats.timers.constructor.sum 1']", OBJECT },
	{ BOTH, "__proto__:1|ms", "bad=0 recv=1 "
	    "['stats.timers.__proto__.count 1', "
	    "'stats.timers.__proto__.count_ps 4', "
	    "'stats.timers.__proto__.sum 1']", OBJECT },
	{ BOTH, "__proto__:1|c",
	    "bad=0 recv=1 ['stats_counts.__proto__ 1']", OBJECT },
	{ BOTH, "constructor:1|c",
	    "bad=0 recv=1 ['stats_counts.constructor 1']", OBJECT },
	{ DEFAULT, "k:-Infinity|c", "bad=1 recv=1 []",
	    "one infinite value would spoil a counter for good" },
	{ DEFAULT, "k:5|h", "bad=0 recv=1 ['stats.timers.k.count 1', "
	    "'stats.timers.k.count_ps 4', 'stats.timers.k.sum 5']",
	    "DogStatsD's histograms are timers" },
	{ DEFAULT, "k:5|d", "bad=0 recv=1 ['stats.timers.k.count 1', "
	    "'stats.timers.k.count_ps 4', 'stats.timers.k.sum 5']",
	    "DogStatsD's distributions are timers" },
	{ DEFAULT, "k:5|kv", "bad=0 recv=1 ['kv.k 5']",
	    "statsite's key/value pairs" },
	{ DEFAULT, "k:1:2:3|c", "bad=0 recv=1 ['stats_counts.k 6']",
	    "DogStatsD 1.1 packs values" },
	{ DEFAULT, "k:x:y|s", "bad=0 recv=1 ['stats.sets.k.count 1']",
	    "a set's member may hold ':'; sets are not packed" },
	{ DEFAULT, ":1|c", "bad=1 recv=1 []",
	    "no name: carbon could not store it" },
	{ DEFAULT, "k:1|c|#a:b|c:cid",
	    "bad=0 recv=1 ['stats_counts.k;a=b 1']",
	    "DogStatsD 1.2 names the container" },
	{ DEFAULT, "k:1|c|c:cid", "bad=0 recv=1 ['stats_counts.k 1']",
	    "DogStatsD 1.2 names the container" },
	{ DEFAULT, "k:1|c|#a:b|T1656581400",
	    "bad=0 recv=1 ['stats_counts.k;a=b 1']",
	    "DogStatsD 1.3 gives the time" },
	{ DEFAULT, "_e{5,4}:title|text|#a:b", "bad=0 recv=1 ['event']",
	    "DogStatsD's events" },
	{ DEFAULT, "_sc|name|0", "bad=0 recv=1 ['check']",
	    "DogStatsD's service checks" },
	{ DEFAULT, "_sc|my.check|0|h:host|m:msg", "bad=0 recv=1 ['check']",
	    "DogStatsD's service checks" },
	{ DEFAULT, "k,a=b:1|c", "bad=0 recv=1 ['stats_counts.k;a=b 1']",
	    "Influx's tags" },
	{ DEFAULT, "k#a=b:1|c", "bad=0 recv=1 ['stats_counts.k;a=b 1']",
	    "Librato's tags" },
};

#define COUNT(a) (sizeof(a) / sizeof((a)[0]))
#define SERIES 16
#define MEMBERS 16

struct series {
	enum metric_type type;		/* a delta is a gauge here */
	char name[128];
	double value, count;
	char members[MEMBERS][64];
	size_t nmembers;
};

struct flush {
	struct series series[SERIES];
	size_t nseries;
	unsigned bad, events, checks;
};

static struct series *
series_of(struct flush *f, enum metric_type type, const char *name)
{
	for (size_t i = 0; i < f->nseries; i++)
		if (f->series[i].type == type &&
		    strcmp(f->series[i].name, name) == 0)
			return &f->series[i];
	ck_assert_uint_lt(f->nseries, SERIES);
	f->series[f->nseries].type = type;
	snprintf(f->series[f->nseries].name, 128, "%s", name);
	return &f->series[f->nseries++];
}

static void
add_member(struct series *s, struct slice text)
{
	for (size_t i = 0; i < s->nmembers; i++)
		if (slice_eq(text, slice_str(s->members[i])))
			return;
	ck_assert_uint_lt(s->nmembers, MEMBERS);
	snprintf(s->members[s->nmembers++], 64, "%.*s", SLICE_ARG(text));
}

static void
aggregate(struct flush *f, const struct metric_record *m, bool strict)
{
	struct statsd_name_options o = statsd_name_defaults;
	struct buf name = BUF_INIT(1000);
	enum metric_type type = m->type == METRIC_GAUGE_DELTA ? METRIC_GAUGE :
	    m->type;
	struct series *s;

	o.dialects = !strict;
	ck_assert(statsd_name(&name, m, &o));
	s = series_of(f, type, buf_cstr(&name));
	buf_fini(&name);
	switch (m->type) {
	case METRIC_COUNTER:
		s->value += m->value * (1 / m->rate);
		break;
	case METRIC_TIMER:
		s->value += m->value;
		s->count += 1 / m->rate;
		break;
	case METRIC_GAUGE_DELTA:
		s->value += m->value;	/* from 0: the same as setting */
		break;
	case METRIC_SET:
		add_member(s, m->text);
		break;
	default:
		s->value = m->value;
	}
}

static void
say(struct buf *out, const char *prefix, const char *name, const char *suffix,
    double v)
{
	char text[NUMBER_TEXT];

	number_format_js(text, v);
	if (out->data[out->len - 1] != '[')
		buf_adds(out, ", ");
	buf_printf(out, "'%s%s%s %s'", prefix, name, suffix, text);
}

static void
say_series(struct buf *out, const struct series *s)
{
	switch (s->type) {
	case METRIC_COUNTER:
		say(out, "stats_counts.", s->name, "", s->value);
		break;
	case METRIC_TIMER:
		if (strchr(s->name, ';') != NULL)
			break;
		say(out, "stats.timers.", s->name, ".count", s->count);
		say(out, "stats.timers.", s->name, ".count_ps", s->count / 0.25);
		say(out, "stats.timers.", s->name, ".sum", s->value);
		break;
	case METRIC_GAUGE:
		say(out, "stats.gauges.", s->name, "", s->value);
		break;
	case METRIC_SET:
		say(out, "stats.sets.", s->name, ".count", s->nmembers);
		break;
	default:
		say(out, "kv.", s->name, "", s->value);
	}
}

static char *
answer(struct slice packet, bool strict)
{
	static const enum metric_type order[] = { METRIC_COUNTER, METRIC_TIMER,
		METRIC_GAUGE, METRIC_SET, METRIC_KEY_VALUE };
	struct statsd_options o = statsd_defaults;
	struct statsd_parser p;
	struct flush *f = calloc(1, sizeof *f);
	struct buf out = BUF_INIT(10000);
	struct record r;
	enum statsd_result what;
	enum reason why;

	o.strict = strict;
	statsd_begin(&p, packet, &o);
	while ((what = statsd_next(&p, &r, &why)) != STATSD_END) {
		f->bad += what == STATSD_BAD;
		f->events += what == STATSD_EVENT;
		f->checks += what == STATSD_CHECK;
		if (what == STATSD_METRIC)
			aggregate(f, &r.metric, strict);
	}
	buf_printf(&out, "bad=%u recv=%u [", f->bad, (unsigned)p.lines);
	for (size_t t = 0; t < COUNT(order); t++)
		for (size_t i = 0; i < f->nseries; i++)
			if (f->series[i].type == order[t])
				say_series(&out, &f->series[i]);
	buf_adds(&out, f->events > 0 ? "'event'" : f->checks > 0 ? "'check'" :
	    "");
	buf_adds(&out, "]");
	free(f);
	ck_assert(buf_cstr(&out) != NULL);
	return out.data;
}

/* What we should answer, and in *row which difference that is, or none. */
static const char *
expected(const char *packet, const char *reference, int mode, int *row)
{
	*row = -1;
	for (size_t i = 0; i < COUNT(differences); i++) {
		if ((differences[i].modes & mode) != 0 &&
		    strcmp(differences[i].packet, packet) == 0) {
			*row = (int)i;
			return differences[i].ours;
		}
	}
	return reference;
}

static FILE *
vectors(const char *name)
{
	const char *top = getenv("top_srcdir");
	char path[4096];
	FILE *file;

	snprintf(path, sizeof path, "%s/tests/vectors/%s",
	    top == NULL ? "." : top, name);
	file = fopen(path, "r");
	ck_assert_msg(file != NULL, "%s", path);
	return file;
}

static void
replay(int mode)
{
	FILE *file = vectors("statsd-golden-lines.jsonl");
	bool used[COUNT(differences)] = { false };
	char line[65536];
	unsigned rows = 0;

	while (fgets(line, sizeof line, file) != NULL) {
		json_t *j = json_loads(line, JSON_ALLOW_NUL, NULL), *packet;
		const char *bytes, *reference, *want;
		char *got;
		int row;

		ck_assert_msg(j != NULL, "%s", line);
		packet = json_object_get(j, "packet");
		bytes = json_string_value(packet);
		reference = json_string_value(json_object_get(j, "reference"));
		want = expected(bytes, reference, mode, &row);
		got = answer(slice_of(bytes, json_string_length(packet)),
		    mode == STRICT);
		ck_assert_msg(strcmp(got, want) == 0,
		    "%s (mode %d)\n got  %s\n want %s", line, mode, got, want);
		if (row >= 0) {
			used[row] = true;
			ck_assert_msg(strcmp(want, reference) != 0,
			    "%s is no difference", bytes);
			ck_assert(differences[row].why[0] != '\0');
		}
		free(got);
		json_decref(j);
		rows++;
	}
	fclose(file);
	ck_assert_uint_ge(rows, 102);
	for (size_t i = 0; i < COUNT(differences); i++)
		ck_assert_msg(used[i] == ((differences[i].modes & mode) != 0),
		    "%s was not replayed", differences[i].packet);
}

static int
by_text(const void *a, const void *b)
{
	return strcmp(a, b);
}

/* Sorted "c:NAME=VALUE/0", "t:NAME=SUM/COUNT" and so on. */
static char *
short_answer(struct slice packet)
{
	static const char letters[] = { 'c', 'g', 'g', 't', 's' };
	char said[SERIES][256], value[NUMBER_TEXT], count[NUMBER_TEXT];
	struct statsd_options o = statsd_defaults;
	struct statsd_parser p;
	struct flush *f = calloc(1, sizeof *f);
	struct buf out = BUF_INIT(10000);
	struct record r;
	enum statsd_result what;
	enum reason why;

	o.strict = true;
	statsd_begin(&p, packet, &o);
	while ((what = statsd_next(&p, &r, &why)) != STATSD_END) {
		f->bad += what == STATSD_BAD;
		if (what == STATSD_METRIC)
			aggregate(f, &r.metric, true);
	}
	for (size_t i = 0; i < f->nseries; i++) {
		const struct series *s = &f->series[i];

		number_format_js(value, s->type == METRIC_SET ?
		    (double)s->nmembers : s->value);
		number_format_js(count, s->count);
		snprintf(said[i], sizeof said[i], "%c:%s=%s/%s",
		    letters[s->type], s->name, value, count);
	}
	qsort(said, f->nseries, sizeof said[0], by_text);
	buf_printf(&out, "bad=%u recv=%u", f->bad, (unsigned)p.lines);
	for (size_t i = 0; i < f->nseries; i++)
		buf_printf(&out, " %s", said[i]);
	free(f);
	ck_assert(buf_cstr(&out) != NULL);
	return out.data;
}

/* Packets put together by chance, answered by the reference's own lines of
 * code (statsd 0.9.0 on node 20), but for those it dies of and those whose
 * rate makes it count infinity. */
START_TEST(random_packets)
{
	FILE *file = vectors("statsd-random-lines.jsonl");
	char line[65536];
	unsigned rows = 0;

	while (fgets(line, sizeof line, file) != NULL) {
		json_t *j = json_loads(line, JSON_ALLOW_NUL, NULL), *packet;
		const char *want;
		char *got;

		ck_assert_msg(j != NULL, "%s", line);
		packet = json_object_get(j, "packet");
		want = json_string_value(json_object_get(j, "reference"));
		got = short_answer(slice_of(json_string_value(packet),
		    json_string_length(packet)));
		ck_assert_msg(strcmp(got, want) == 0, "%s\n got %s", line, got);
		free(got);
		json_decref(j);
		rows++;
	}
	fclose(file);
	ck_assert_uint_eq(rows, 1500);
}
END_TEST

START_TEST(as_it_is_configured)
{
	replay(DEFAULT);
}
END_TEST

START_TEST(strictly)
{
	replay(STRICT);
}
END_TEST

int
main(void)
{
	Suite *s = suite_create("statsd_golden");
	TCase *t = tcase_create("statsd_golden");
	SRunner *r;
	int failed;

	tcase_add_test(t, as_it_is_configured);
	tcase_add_test(t, strictly);
	tcase_add_test(t, random_packets);
	suite_add_tcase(s, t);
	r = srunner_create(s);
	srunner_run_all(r, CK_NORMAL);
	failed = srunner_ntests_failed(r);
	srunner_free(r);
	return failed != 0;
}
