/* Records as JSON: which keys, in which order, and how odd values look. */
#include "config.h"

#include <check.h>
#include <jansson.h>
#include <stdlib.h>

#include "proto/graphite.h"
#include "proto/log_line.h"
#include "proto/record_json.h"
#include "proto/statsd.h"
#include "proto/syslog.h"

static void
expect(const struct record *r, const char *want)
{
	struct buf out = BUF_INIT(1 << 20);
	struct log_clock clock = { 0 };
	json_error_t e;
	json_t *j;

	ck_assert(record_json(&out, r, &clock));
	ck_assert_str_eq(buf_cstr(&out), want);
	j = json_loads(out.data, 0, &e);
	ck_assert_msg(j != NULL, "%s: %s", out.data, e.text);
	json_decref(j);
	buf_fini(&out);
	for (size_t max = 0; max < strlen(want); max += 7) {
		struct buf small = BUF_INIT(max);	/* as it was, or not at all */

		ck_assert(!record_json(&small, r, &clock));
		ck_assert_uint_eq(small.len, 0);
		buf_fini(&small);
	}
}

#define M "{\"kind\":\"metric\",\"source\":\"statsd\",\"name\":\"a\","

static const struct {
	const char *in, *json;
} samples[] = {
	{ "a.b:1|c|@0.5|#k:v,x", "{\"kind\":\"metric\",\"source\":\"statsd\","
	    "\"name\":\"a.b\",\"tags\":{\"k\":\"v\",\"x\":\"\"},\"type\":"
	    "\"counter\",\"value\":1,\"rate\":0.5}" },
	{ "a:1|c", M "\"type\":\"counter\",\"value\":1}" },
	{ "a:1.50|g", M "\"type\":\"gauge\",\"value\":1.5}" },
	{ "a:-3|g", M "\"type\":\"gauge_delta\",\"value\":-3}" },
	{ "a:320|ms", M "\"type\":\"timer\",\"value\":320}" },
	{ "a:me \"x\"|s", M "\"type\":\"set\",\"value\":\"me \\\"x\\\"\"}" },
	{ "a:1|c|T1755870377", M "\"type\":\"counter\",\"value\":1,\"time\":"
	    "1755870377}" },
	{ "a;k=v;l=w:1|c", M "\"tags\":{\"k\":\"v\",\"l\":\"w\"},\"type\":"
	    "\"counter\",\"value\":1}" },
	{ "a,k=v=w:1|c", M "\"tags\":{\"k\":\"v=w\"},\"type\":\"counter\","
	    "\"value\":1}" },
	{ "a\xff\x01:1|c", "{\"kind\":\"metric\",\"source\":\"statsd\",\"name\""
	    ":\"a\xef\xbf\xbd\\u0001\",\"type\":\"counter\",\"value\":1}" },
	{ "_e{2,1}:hi|x", "{\"kind\":\"event\",\"source\":\"statsd\",\"stream\""
	    ":\"dogstatsd_events\",\"fields\":[[\"title\",\"hi\"],[\"text\","
	    "\"x\"]]}" },
};

START_TEST(of_statsd)
{
	struct statsd_parser p;
	struct record r = { .received_ns = 1 };
	enum reason why;

	statsd_begin(&p, slice_str(samples[_i].in), &statsd_defaults);
	ck_assert_int_ne(statsd_next(&p, &r, &why), STATSD_BAD);
	expect(&r, samples[_i].json);
}
END_TEST

START_TEST(of_points)
{
	struct graphite_options o = { .now_ns = 1 };
	struct record r = { 0 };

	ck_assert_int_eq(graphite_parse(SLICE("a.b;k=v +2.50 1755870377.5"),
	    &o, &r), REASON_NONE);
	expect(&r, "{\"kind\":\"metric\",\"source\":\"graphite\",\"name\":"
	    "\"a.b\",\"tags\":{\"k\":\"v\"},\"type\":\"point\",\"value\":2.5,"
	    "\"time\":1755870377.5}");
	ck_assert_int_eq(graphite_parse(SLICE("a inf 10"), &o, &r),
	    REASON_NONE);
	expect(&r, "{\"kind\":\"metric\",\"source\":\"graphite\",\"name\":\"a\","
	    "\"type\":\"point\",\"value\":\"Infinity\",\"time\":10}");
}
END_TEST

START_TEST(of_events)
{
	const struct pair fields[] = { { SLICE("msg"), SLICE("hello") } };
	struct record r = {
		.kind = RECORD_EVENT, .source = SOURCE_RESP,
		.time_ns = INT64_C(1755870377536000000),
		.event = { .stream = SLICE("orders"),
		    .id = SLICE("1755870377536-42"), .fields = fields,
		    .nfields = 1 }
	};

	expect(&r, "{\"kind\":\"event\",\"source\":\"resp\",\"stream\":"
	    "\"orders\",\"id\":\"1755870377536-42\",\"fields\":[[\"msg\","
	    "\"hello\"]],\"time\":1755870377.536}");
	r.event.nfields = 0;
	r.event.id.len = 0;
	r.time_ns = 1;
	expect(&r, "{\"kind\":\"event\",\"source\":\"resp\",\"stream\":"
	    "\"orders\",\"fields\":[],\"time\":0.000000001}");
}
END_TEST

START_TEST(of_logs)
{
	struct syslog_options o = { .now_ns = INT64_C(1787407201000000000) };
	struct record r = { 0 };

	ck_assert_int_eq(syslog_parse(SLICE("<34>1 2026-08-22T14:00:00.123Z web1 "
	    "sshd 812 ID47 - hi"), &o, &r), REASON_NONE);
	r.source = SOURCE_SYSLOG;
	r.received_ns = 0;
	expect(&r, "{\"kind\":\"log\",\"source\":\"syslog\",\"time\":"
	    "\"2026-08-22T14:00:00.123Z\",\"host\":\"web1\",\"app\":\"sshd\","
	    "\"procid\":\"812\",\"msgid\":\"ID47\",\"facility\":\"auth\","
	    "\"severity\":\"crit\",\"body\":\"hi\"}");
}
END_TEST

int
main(void)
{
	Suite *s = suite_create("record_json");
	TCase *t = tcase_create("record_json");
	SRunner *r;
	int bad;

	tcase_add_loop_test(t, of_statsd, 0, sizeof samples / sizeof *samples);
	tcase_add_test(t, of_points);
	tcase_add_test(t, of_events);
	tcase_add_test(t, of_logs);
	suite_add_tcase(s, t);
	r = srunner_create(s);
	srunner_run_all(r, CK_NORMAL);
	bad = srunner_ntests_failed(r);
	srunner_free(r);
	return bad != 0;
}
