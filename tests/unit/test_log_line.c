/* test_log_line.c - log records as lines, and lines as log records. */
#include "config.h"

#include <check.h>
#include <jansson.h>
#include <stdio.h>
#include <stdlib.h>

#include "base/buf.h"
#include "base/utf8.h"
#include "proto/log_line.h"
#include "proto/syslog.h"

/* 2026-08-22T14:00:00Z */
#define T INT64_C(1787407200000000000)

static struct record
record(const char *host, const char *app, const char *procid, const char *body)
{
	return (struct record){
		.kind = RECORD_LOG, .source = SOURCE_SYSLOG,
		.time_ns = T + 123456789, .received_ns = T + 500000000,
		.log = {
			.facility = 4, .severity = 2, .host = slice_str(host),
			.app = slice_str(app), .procid = slice_str(procid),
			.body = slice_str(body),
		},
	};
}

static const struct {
	struct { const char *host, *app, *procid, *body; } r;
	const char *syslog, *rfc5424;
} texts[] = {
	{ { "web1", "sshd", "812", "hello" },
	    "web1 sshd[812]: hello\n", "web1 sshd 812 - - hello\n" },
	{ { "web1", "sshd", "", "hello" },
	    "web1 sshd: hello\n", "web1 sshd - - - hello\n" },
	{ { "", "", "", "" }, "- -: \n", "- - - - -\n" },
	{ { "", "", "7", "x" }, "- -[7]: x\n", "- - 7 - - x\n" },
	{ { "-", "-", "-", "-" }, "\\x2d \\x2d[-]: -\n", "\\x2d \\x2d \\x2d - - -\n" },
	{ { "h", "a", "", "one\nJan  1 00:00:00 h su: two" },
	    "h a: one\\nJan  1 00:00:00 h su: two\n",
	    "h a - - - one\\nJan  1 00:00:00 h su: two\n" },
	{ { "h", "a", "", "a\\b\r\t\x1b[31m\x7f" },
	    "h a: a\\\\b\\r\\t\\x1b[31m\\x7f\n", "h a - - - a\\\\b\\r\\t\\x1b[31m\\x7f\n" },
	{ { "h", "a", "", "gr\xc3\xbc\xc3\x9f \xf0\x9f\x98\x80 \xe9 \xc2\x9b \xed\xa0\x80" },
	    "h a: gr\xc3\xbc\xc3\x9f \xf0\x9f\x98\x80 \\xe9 \\xc2\\x9b \\xed\\xa0\\x80\n",
	    "h a - - - gr\xc3\xbc\xc3\x9f \xf0\x9f\x98\x80 \\xe9 \\xc2\\x9b \\xed\\xa0\\x80\n" },
	{ { "h h", "a [b]: c", "1]: x", "y" },
	    "h\\x20h a\\x20\\x5bb]:\\x20c[1]:\\x20x]: y\n",
	    "h\\x20h a\\x20[b]:\\x20c 1]:\\x20x - - y\n" },
	{ { "h", "a:", "", "  x" }, "h a::   x\n", "h a: - - -   x\n" },
	{ { "h", "a]", "", ": x" }, "h a]: : x\n", "h a] - - - : x\n" },
	{ { "h", "a", "", "\xef\xbb\xbfx" }, "h a: \xef\xbb\xbfx\n",
	    "h a - - - \\xef\\xbb\\xbfx\n" },
};

#define TEXTS (sizeof texts / sizeof texts[0])

static void
same_slice(const char *what, struct slice a, struct slice b)
{
	ck_assert_msg(slice_eq(a, b), "%s: \"%.*s\" is not \"%.*s\"", what,
	    SLICE_ARG(a), SLICE_ARG(b));
}

/* What the format has of a must be in b. */
static void
same(enum log_format f, const struct record *a, const struct record *b)
{
	int64_t unit = f == LOG_FORMAT_JSON ? 1 : 1000;

	ck_assert_int_eq(b->kind, RECORD_LOG);
	ck_assert_int_eq(a->time_ns / unit, b->time_ns / unit);
	same_slice("host", a->log.host, b->log.host);
	same_slice("app", a->log.app, b->log.app);
	same_slice("procid", a->log.procid, b->log.procid);
	same_slice("body", a->log.body, b->log.body);
	if (f == LOG_FORMAT_SYSLOG)
		return;
	ck_assert_uint_eq(a->log.facility, b->log.facility);
	ck_assert_uint_eq(a->log.severity, b->log.severity);
	same_slice("msgid", a->log.msgid, b->log.msgid);
	if (f == LOG_FORMAT_RFC5424) {
		same_slice("sd", a->log.sd, b->log.sd);
		return;
	}
	ck_assert_int_eq(a->received_ns, b->received_ns);
	ck_assert_int_eq(a->source, b->source);
	ck_assert_uint_eq(a->log.flags, b->log.flags & ~LOG_FLAG_NOT_UTF8);
}

/* Write r, look at the line, read it, compare. */
static void
round_trip(enum log_format f, const struct record *r)
{
	struct buf line = BUF_INIT(1 << 20), scratch = BUF_INIT(1 << 20);
	struct log_clock clock = { .time.second = 0 };
	struct record back;
	struct slice s;
	int64_t when;
	enum reason why;

	ck_assert(log_line_write(f, r, &clock, &line));
	s = buf_slice(&line);
	ck_assert(s.len > 0 && s.ptr[s.len - 1] == '\n');
	s.len--;
	for (size_t i = 0; i < s.len; i++)
		if ((unsigned char)s.ptr[i] < ' ' || s.ptr[i] == 0x7f)
			ck_abort_msg("%s: byte %d in %.*s", log_format_name(f),
			    s.ptr[i], SLICE_ARG(s));
	ck_assert_msg(utf8_prefix(s) == s.len, "%.*s", SLICE_ARG(s));
	why = log_line_parse(f, s, &back, &scratch);
	ck_assert_msg(why == REASON_NONE, "%s: %.*s", reason_name(why), SLICE_ARG(s));
	same(f, r, &back);
	ck_assert(log_line_time(f, s, &when));
	ck_assert_int_eq(when, back.time_ns);
	buf_fini(&line);
	buf_fini(&scratch);
}

START_TEST(written)
{
	struct record r = record(texts[_i].r.host, texts[_i].r.app,
	    texts[_i].r.procid, texts[_i].r.body);
	struct log_clock clock = { .time.second = 0 };
	struct buf out = BUF_INIT(4096), want = BUF_INIT(4096);

	buf_printf(&want, "2026-08-22T14:00:00.123456Z %s", texts[_i].syslog);
	ck_assert(log_line_write(LOG_FORMAT_SYSLOG, &r, &clock, &out));
	same_slice("syslog", buf_slice(&out), buf_slice(&want));
	buf_clear(&out);
	buf_clear(&want);
	buf_printf(&want, "<34>1 2026-08-22T14:00:00.123456Z %s", texts[_i].rfc5424);
	ck_assert(log_line_write(LOG_FORMAT_RFC5424, &r, &clock, &out));
	same_slice("rfc5424", buf_slice(&out), buf_slice(&want));
	round_trip(LOG_FORMAT_SYSLOG, &r);
	round_trip(LOG_FORMAT_RFC5424, &r);
	round_trip(LOG_FORMAT_JSON, &r);
	buf_fini(&out);
	buf_fini(&want);
}
END_TEST

START_TEST(written_json)
{
	static const struct { const char *msg, *want; } row[] = {
		{ "<34>1 2026-08-22T14:00:00.123Z web1 sshd 812 ID47 [x@1 k=\"v\"] hello",
		  "{\"kind\":\"log\",\"source\":\"syslog\",\"time\":\"2026-08-22T14:00:00.123Z\","
		  "\"received\":\"2026-08-22T14:00:00.500Z\",\"host\":\"web1\",\"app\":\"sshd\","
		  "\"procid\":\"812\",\"msgid\":\"ID47\",\"facility\":\"auth\",\"severity\":\"crit\","
		  "\"sd\":[{\"id\":\"x@1\",\"params\":[[\"k\",\"v\"]]}],\"body\":\"hello\"}\n" },
		{ "<13>Aug 22 14:00:00 h a: q\"b\\\tc\x01\x7f\xc2\x85",
		  "{\"kind\":\"log\",\"source\":\"syslog\",\"time\":\"2026-08-22T14:00:00.000Z\","
		  "\"received\":\"2026-08-22T14:00:00.500Z\",\"host\":\"h\",\"app\":\"a\","
		  "\"facility\":\"user\",\"severity\":\"notice\",\"body\":"
		  "\"q\\\"b\\\\\\tc\\u0001\\u007f\\u0085\",\"flags\":[\"no_year\",\"no_zone\"]}\n" },
		{ "<13>1 2026-08-22T14:00:00.123456789Z - - - - [a b=\"q\\\"\\]\\\\\\n\" c=\"\xe9\"][d][a e=\"\"]",
		  "{\"kind\":\"log\",\"source\":\"syslog\",\"time\":\"2026-08-22T14:00:00.123456789Z\","
		  "\"received\":\"2026-08-22T14:00:00.500Z\","
		  "\"facility\":\"user\",\"severity\":\"notice\",\"sd\":[{\"id\":\"a\",\"params\":"
		  "[[\"b\",\"q\\\"]\\\\\\\\n\"],[\"c\",\"\xef\xbf\xbd\"]]},{\"id\":\"d\",\"params\":[]},"
		  "{\"id\":\"a\",\"params\":[[\"e\",\"\"]]}],\"body\":\"\",\"flags\":[\"not_utf8\"]}\n" },
		{ "<13>1 2026-08-22T14:00:00.1234Z - - - - - caf\xe9",
		  "{\"kind\":\"log\",\"source\":\"syslog\",\"time\":\"2026-08-22T14:00:00.123400Z\","
		  "\"received\":\"2026-08-22T14:00:00.500Z\","
		  "\"facility\":\"user\",\"severity\":\"notice\",\"body\":\"caf\xef\xbf\xbd\","
		  "\"body_b64\":\"Y2Fm6Q==\",\"flags\":[\"not_utf8\"]}\n" },
	};
	struct syslog_options o = { .now_ns = T + 500000000 };

	for (size_t i = 0; i < sizeof row / sizeof row[0]; i++) {
		struct buf out = BUF_INIT(4096);
		struct log_clock clock = { .time.second = 0 };
		struct record r;
		json_t *j;

		ck_assert_int_eq(syslog_parse(slice_str(row[i].msg), &o, &r), 0);
		ck_assert(log_line_write(LOG_FORMAT_JSON, &r, &clock, &out));
		same_slice("json", buf_slice(&out), slice_str(row[i].want));
		j = json_loadb(out.data, out.len, JSON_REJECT_DUPLICATES, NULL);
		ck_assert_ptr_nonnull(j);
		json_decref(j);
		buf_fini(&out);
	}
}
END_TEST

START_TEST(raw_lines)
{
	static const struct { const char *raw, *body, *want; } row[] = {
		{ "<13>a: \\x\x1b\tb", "b", "<13>a: \\x\x1b\tb\n" },
		{ "one\ntwo\n\nthree", "", "one\\ntwo\\n\\nthree\n" },
		{ "", "body", "body\n" },
		{ "", "", "\n" },
	};
	struct buf out = BUF_INIT(4096);
	struct log_clock clock = { .time.second = 0 };

	for (size_t i = 0; i < sizeof row / sizeof row[0]; i++) {
		struct record r = record("h", "a", "", row[i].body);

		r.log.raw = slice_str(row[i].raw);
		buf_clear(&out);
		ck_assert(log_line_write(LOG_FORMAT_RAW, &r, &clock, &out));
		same_slice("raw", buf_slice(&out), slice_str(row[i].want));
	}
	buf_fini(&out);
}
END_TEST

START_TEST(structured_data)
{
	static const char *const sds[] = {
		"[x@1 k=\"v\"]",
		"[a][b c=\"d\" c=\"e\"][a]",
		"[a b=\"q\\\"\\]\\\\ \\n \\x41 \\q\"]",
		"[a b=\"line\nline\\\n\t\x01\"]",
		"[a b=\"\xc3\xbc \xe9 \\\xe9\"]",
		"[a\\n\\\\n b\\x=1\\ c=\"]\"  d=2 ]",
		"[a b=\"\\\\\\\\\\\"\\\\n\"]",
	};

	for (size_t i = 0; i < sizeof sds / sizeof sds[0]; i++) {
		struct record r = record("h", "a", "1", "body");

		r.log.sd = slice_str(sds[i]);
		r.log.msgid = SLICE("m");
		ck_assert_msg(syslog_sd_length(r.log.sd) == r.log.sd.len, "%s", sds[i]);
		round_trip(LOG_FORMAT_RFC5424, &r);
		round_trip(LOG_FORMAT_JSON, &r);
	}
}
END_TEST

/* Any bytes at all come back: a seeded walk. */
START_TEST(any_bytes)
{
	static const char odd[] = "\\\\\"[]:- \n\r\tx0nt=\x7f\x1b\xc2\xc3\xa9\xe2\x80\xa8\xff\xed\xa0";
	unsigned seed = 1234;

	for (int n = 0; n < 5000; n++) {
		char text[5][24];
		struct slice s[5];

		for (int i = 0; i < 5; i++) {
			size_t len = (size_t)rand_r(&seed) % sizeof text[i];

			for (size_t k = 0; k < len; k++)
				text[i][k] = rand_r(&seed) % 3 ?
				    odd[(size_t)rand_r(&seed) % (sizeof odd - 1)] :
				    (char)rand_r(&seed);
			s[i] = slice_of(text[i], len);
		}
		struct record r = record("", "", "", "");
		r.log.host = s[0];
		r.log.app = s[1];
		r.log.procid = s[2];
		r.log.msgid = s[3];
		r.log.body = s[4];
		round_trip(LOG_FORMAT_SYSLOG, &r);
		round_trip(LOG_FORMAT_RFC5424, &r);
		for (int i = 0; i < 4; i++)	/* json has exact bytes of the body only */
			s[i].len = utf8_prefix(s[i]);
		r.log.host = s[0];
		r.log.app = s[1];
		r.log.procid = s[2];
		r.log.msgid = s[3];
		r.log.flags = (uint32_t)rand_r(&seed) & 0x7ffff & ~LOG_FLAG_NOT_UTF8;
		round_trip(LOG_FORMAT_JSON, &r);
	}
}
END_TEST

START_TEST(times)
{
	static const struct { int64_t ns; const char *us, *any; } row[] = {
		{ 1, "1970-01-01T00:00:00.000000Z", "1970-01-01T00:00:00.000000001Z" },
		{ T, "2026-08-22T14:00:00.000000Z", "2026-08-22T14:00:00.000Z" },
		{ T + 999999999, "2026-08-22T14:00:00.999999Z", "2026-08-22T14:00:00.999999999Z" },
		{ T + 10000, "2026-08-22T14:00:00.000010Z", "2026-08-22T14:00:00.000010Z" },
		{ T + 1000000, "2026-08-22T14:00:00.001000Z", "2026-08-22T14:00:00.001Z" },
		{ INT64_C(951782400000000000), "2000-02-29T00:00:00.000000Z", "2000-02-29T00:00:00.000Z" },
		{ -1, "1969-12-31T23:59:59.999999Z", "1969-12-31T23:59:59.999999999Z" },
		{ INT64_MAX, "2262-04-11T23:47:16.854775Z", "2262-04-11T23:47:16.854775807Z" },
		{ INT64_MIN, "1677-09-21T00:12:43.145224Z", "1677-09-21T00:12:43.145224192Z" },
	};
	struct log_clock clock = { .time.second = 0 };
	struct buf out = BUF_INIT(4096);

	for (size_t i = 0; i < 2 * sizeof row / sizeof row[0]; i++) {
		size_t k = i / 2;
		struct record r = record("h", "a", "", "");

		r.time_ns = row[k].ns;
		buf_clear(&out);
		log_line_write(LOG_FORMAT_SYSLOG, &r, &clock, &out);
		same_slice("us", slice_upto(buf_slice(&out), 27), slice_str(row[k].us));
		buf_clear(&out);
		log_line_write(LOG_FORMAT_JSON, &r, &clock, &out);
		same_slice("any", slice_upto(slice_from(buf_slice(&out), 40),
		    strlen(row[k].any)), slice_str(row[k].any));
	}
	/* no time of its own: that of its receipt */
	struct record r = record("h", "a", "", "");
	r.time_ns = 0;
	buf_clear(&out);
	log_line_write(LOG_FORMAT_SYSLOG, &r, &clock, &out);
	ck_assert(slice_starts(buf_slice(&out), SLICE("2026-08-22T14:00:00.500000Z")));
	buf_clear(&out);
	log_line_write(LOG_FORMAT_JSON, &r, &clock, &out);
	ck_assert(slice_starts(buf_slice(&out),
	    SLICE("{\"kind\":\"log\",\"source\":\"syslog\",\"received\":")));
	buf_fini(&out);
}
END_TEST

/* No room: nothing is written, whatever the room is. */
START_TEST(no_room)
{
	struct record r = record("h\n", "a", "1", "body\nbody\xff");
	struct log_clock clock = { .time.second = 0 };

	r.log.sd = SLICE("[a b=\"c\"]");
	r.log.raw = SLICE("raw\nraw");
	r.log.flags = LOG_FLAG_NOPRI;
	for (unsigned f = 0; f < LOG_FORMATS; f++) {
		struct buf whole = BUF_INIT(4096);

		ck_assert(log_line_write(f, &r, &clock, &whole));
		for (size_t max = 0; max < whole.len; max++) {
			struct buf out = BUF_INIT(max + 3);

			buf_adds(&out, "abc");
			ck_assert(!log_line_write(f, &r, &clock, &out));
			same_slice("kept", buf_slice(&out), SLICE("abc"));
			buf_fini(&out);
		}
		buf_fini(&whole);
	}
}
END_TEST

static const struct {
	enum log_format f;
	struct slice line;
	enum reason want;
} bad[] = {
	{ LOG_FORMAT_SYSLOG, SLICE(""), REASON_BAD_TIME },
	{ LOG_FORMAT_SYSLOG, SLICE("hello"), REASON_BAD_TIME },
	{ LOG_FORMAT_SYSLOG, SLICE("2026-13-22T14:00:00.0Z h a: b"), REASON_BAD_TIME },
	{ LOG_FORMAT_SYSLOG, SLICE("2026-08-22T14:00:00.0Z"), REASON_SYNTAX },
	{ LOG_FORMAT_SYSLOG, SLICE("2026-08-22T14:00:00.0Z h"), REASON_SYNTAX },
	{ LOG_FORMAT_SYSLOG, SLICE("2026-08-22T14:00:00.0Z h a b"), REASON_SYNTAX },
	{ LOG_FORMAT_SYSLOG, SLICE("2026-08-22T14:00:00.0Z  a: b"), REASON_SYNTAX },
	{ LOG_FORMAT_SYSLOG, SLICE("2026-08-22T14:00:00.0Z h a:"), REASON_NONE },
	{ LOG_FORMAT_SYSLOG, SLICE("2026-08-22T14:00:00.0Z h a: \\q \\x4 \\"), REASON_NONE },
	{ LOG_FORMAT_RFC5424, SLICE(""), REASON_SYNTAX },
	{ LOG_FORMAT_RFC5424, SLICE("<13>hello"), REASON_SYNTAX },
	{ LOG_FORMAT_RFC5424, SLICE("<13>1 2026-08-22T25:00:00Z h a - - - x"), REASON_BAD_TIME },
	{ LOG_FORMAT_RFC5424, SLICE("<13>1 2026-08-22T14:00:00Z h a"), REASON_SYNTAX },
	{ LOG_FORMAT_JSON, SLICE(""), REASON_SYNTAX },
	{ LOG_FORMAT_JSON, SLICE("{"), REASON_SYNTAX },
	{ LOG_FORMAT_JSON, SLICE("{}"), REASON_NONE },
	{ LOG_FORMAT_JSON, SLICE("{} x"), REASON_SYNTAX },
	{ LOG_FORMAT_JSON, SLICE("{\"kind\":\"metric\"}"), REASON_BAD_TYPE },
	{ LOG_FORMAT_JSON, SLICE("{\"time\":\"yesterday\"}"), REASON_BAD_TIME },
	{ LOG_FORMAT_JSON, SLICE("{\"severity\":\"high\"}"), REASON_BAD_VALUE },
	{ LOG_FORMAT_JSON, SLICE("{\"body\":\"\\x\"}"), REASON_SYNTAX },
	{ LOG_FORMAT_JSON, SLICE("{\"body\":\"\\u12g4\"}"), REASON_SYNTAX },
	{ LOG_FORMAT_JSON, SLICE("{\"body\":\"a"), REASON_SYNTAX },
	{ LOG_FORMAT_JSON, SLICE("{\"body\":\"a\\"), REASON_SYNTAX },
	{ LOG_FORMAT_JSON, SLICE("{\"body\":1}"), REASON_SYNTAX },
	{ LOG_FORMAT_JSON, SLICE("{\"body_b64\":\"???\"}"), REASON_SYNTAX },
	{ LOG_FORMAT_JSON, SLICE("{\"sd\":[{\"params\":[],\"id\":\"x\"}]}"), REASON_NONE },
	{ LOG_FORMAT_JSON, SLICE("{\"sd\":[{\"params\":[]}]}"), REASON_SYNTAX },
	{ LOG_FORMAT_JSON, SLICE("{\"sd\":[{\"id\":\"x\",\"params\":[[\"a\"]]}]}"), REASON_SYNTAX },
	{ LOG_FORMAT_JSON, SLICE("{\"x\":[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[]]]]]]]]]]]]]]]]]]]]]]]]]]]]]]]]]]]]}"), REASON_TOO_DEEP },
	{ LOG_FORMAT_JSON, SLICE("{\"x\":tru,\"y\":[1,-2.5e+3,{\"z\":null}],\"flags\":[]}"), REASON_NONE },
	{ LOG_FORMAT_JSON, SLICE("{\"x\":}"), REASON_SYNTAX },
};

START_TEST(bad_lines)
{
	struct buf scratch = BUF_INIT(1 << 16);
	struct record r;
	/* an exact block, so that reading past the end is seen */
	char *exact = malloc(bad[_i].line.len + 1);

	memcpy(exact + 1, bad[_i].line.ptr, bad[_i].line.len);
	ck_assert_msg(log_line_parse(bad[_i].f, slice_of(exact + 1, bad[_i].line.len),
	    &r, &scratch) == bad[_i].want, "%s", bad[_i].line.ptr);
	free(exact);
	buf_fini(&scratch);
}
END_TEST

/* JSON that another wrote. */
START_TEST(foreign_json)
{
	struct buf scratch = BUF_INIT(1 << 16);
	struct record r;
	struct slice line = SLICE(" { \"body\" : \"a\\/b\\ud83d\\ude00\\ud800\\u00fc\" , "
	    "\"sd\" : [ { \"id\" : \"\", \"params\" : [ [ \"k=\" , \"]\\\"\\\\\" ] ] } ], "
	    "\"severity\":\"error\", \"host\":\"h\\n\" } ");

	ck_assert_int_eq(log_line_parse(LOG_FORMAT_JSON, line, &r, &scratch), REASON_NONE);
	same_slice("body", r.log.body, SLICE("a/b\xf0\x9f\x98\x80\xef\xbf\xbd\xc3\xbc"));
	same_slice("sd", r.log.sd, SLICE("[_ k_=\"\\]\\\"\\\\\"]"));
	same_slice("host", r.log.host, SLICE("h\n"));
	ck_assert_uint_eq(r.log.severity, 3);
	scratch.max = 10;
	buf_fini(&scratch);
	scratch = BUF_INIT(10);
	ck_assert_int_eq(log_line_parse(LOG_FORMAT_JSON, line, &r, &scratch), REASON_NO_MEMORY);
	buf_fini(&scratch);
}
END_TEST

START_TEST(format_names)
{
	enum log_format f;

	for (unsigned i = 0; i < LOG_FORMATS; i++) {
		ck_assert(log_format_named(slice_str(log_format_name(i)), &f));
		ck_assert_uint_eq(f, i);
	}
	ck_assert(!log_format_named(SLICE("xml"), &f));
}
END_TEST

int
main(void)
{
	Suite *s = suite_create("log_line");
	TCase *t = tcase_create("all");
	SRunner *sr;
	int failed;

	tcase_set_timeout(t, 60);
	tcase_add_loop_test(t, written, 0, TEXTS);
	tcase_add_test(t, written_json);
	tcase_add_test(t, raw_lines);
	tcase_add_test(t, structured_data);
	tcase_add_test(t, any_bytes);
	tcase_add_test(t, times);
	tcase_add_test(t, no_room);
	tcase_add_loop_test(t, bad_lines, 0, sizeof bad / sizeof bad[0]);
	tcase_add_test(t, foreign_json);
	tcase_add_test(t, format_names);
	suite_add_tcase(s, t);
	sr = srunner_create(s);
	srunner_run_all(sr, CK_NORMAL);
	failed = srunner_ntests_failed(sr);
	srunner_free(sr);
	return failed != 0;
}
