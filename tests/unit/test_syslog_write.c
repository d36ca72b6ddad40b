/* Records written as syslog for another receiver, and cut apart again. */
#include "config.h"

#include <check.h>
#include <stdlib.h>
#include <time.h>

#include "proto/syslog_write.h"

static struct record
sample(void)
{
	return (struct record){
		.kind = RECORD_LOG, .time_ns = INT64_C(1767323045678901000),
		.log = {
			.facility = 20, .severity = 5, .host = SLICE("web1"),
			.app = SLICE("app"), .procid = SLICE("42"),
			.msgid = SLICE("ID7"), .sd = SLICE("[a@1 k=\"v\"]"),
			.body = SLICE("two\nlines"), .raw = SLICE("as it came")
		}
	};
}

static void
is(const struct buf *b, const char *want)
{
	ck_assert_msg(slice_eq(buf_slice(b), slice_str(want)), "%.*s, not %s",
	    (int)b->len, b->data, want);
}

START_TEST(forms)
{
	struct record r = sample();
	struct buf b = BUF_INIT(4096);

	ck_assert(syslog_write(SYSLOG_RFC5424, 0, &r, &b));
	is(&b, "<165>1 2026-01-02T03:04:05.678901Z web1 app 42 ID7 [a@1 k=\"v\"] two\nlines");
	buf_clear(&b);
	ck_assert(syslog_write(SYSLOG_RFC3164, 0, &r, &b));
	is(&b, "<165>Jan  2 03:04:05 web1 app[42]: two\nlines");
	buf_clear(&b);
	ck_assert(syslog_write(SYSLOG_RFC3164, -4 * 3600, &r, &b));
	is(&b, "<165>Jan  1 23:04:05 web1 app[42]: two\nlines");
	buf_clear(&b);
	ck_assert(syslog_write(SYSLOG_RAW, 0, &r, &b));
	is(&b, "as it came");
	buf_clear(&b);
	r.log = (struct log_record){ .facility = 1, .severity = 6,
	    .host = SLICE("a b\n"), .app = SLICE("") };
	ck_assert(syslog_write(SYSLOG_RFC5424, 0, &r, &b));
	is(&b, "<14>1 2026-01-02T03:04:05.678901Z a_b_ - - - -");
	buf_fini(&b);
}
END_TEST

START_TEST(no_room)
{
	struct record r = sample();

	for (size_t max = 0; max < 80; max++) {
		struct buf b = BUF_INIT(max);
		bool ok = syslog_write_counted(SYSLOG_RFC5424, 0, &r, &b);

		ck_assert(ok == (b.len > 0));
		if (max < 70)
			ck_assert(!ok);
		buf_fini(&b);
	}
}
END_TEST

START_TEST(counted_and_cut)
{
	struct record r = sample();
	struct buf b = BUF_INIT(4096), line = BUF_INIT(4096);
	struct slice in, msg;

	ck_assert(syslog_write_counted(SYSLOG_RAW, 0, &r, &b));
	r.log.raw = SLICE("x\ny\n");
	ck_assert(syslog_write_counted(SYSLOG_RAW, 0, &r, &b));
	is(&b, "10 as it came4 x\ny\n");
	in = buf_slice(&b);
	ck_assert(syslog_take_counted(&in, &msg));
	ck_assert(slice_eq(msg, SLICE("as it came")));
	ck_assert(syslog_take_counted(&in, &msg));
	ck_assert(syslog_write_line(msg, &line));
	is(&line, "x#012y#012\n");
	ck_assert(!syslog_take_counted(&in, &msg));
	in = SLICE("99 short");
	ck_assert(!syslog_take_counted(&in, &msg));
	in = SLICE("no count");
	ck_assert(!syslog_take_counted(&in, &msg));
	buf_fini(&b);
	buf_fini(&line);
}
END_TEST

int
main(void)
{
	Suite *s = suite_create("syslog_write");
	TCase *t = tcase_create("syslog_write");
	SRunner *sr;
	int failed;

	setenv("TZ", "UTC", 1);
	tzset();
	tcase_add_test(t, forms);
	tcase_add_test(t, no_room);
	tcase_add_test(t, counted_and_cut);
	suite_add_tcase(s, t);
	sr = srunner_create(s);
	srunner_run_all(sr, CK_NORMAL);
	failed = srunner_ntests_failed(sr);
	srunner_free(sr);
	return failed != 0;
}
