/* The daemon's own log, and the clocks it reads. */
#include "config.h"

#include <check.h>
#include <errno.h>
#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#include "base/clock.h"
#include "base/log.h"

static int pipe_fds[2];
static char text[1 << 16];

static void
setup(void)
{
	ck_assert_int_eq(pipe(pipe_fds), 0);
	log_set_fd(pipe_fds[1]);
	log_open(LOG_AT_INFO);
	/* 2026-08-22T14:00:00.123Z */
	clock_fake_set(INT64_C(1787407200123456789), 0);
}

static void
teardown(void)
{
	log_set_fd(2);
	clock_fake_clear();
	close(pipe_fds[0]);
	close(pipe_fds[1]);
}

static const char *
written(void)
{
	ssize_t n;

	log_write(LOG_AT_INFO, "end");	/* so that read() never blocks */
	n = read(pipe_fds[0], text, sizeof text - 1);
	ck_assert_int_gt(n, 0);
	text[n] = '\0';
	*strstr(text, "ts=2026-08-22T14:00:00.123Z level=info msg=\"end\"\n") = '\0';
	return text;
}

#define HEAD "ts=2026-08-22T14:00:00.123Z level="

START_TEST(lines)
{
	errno = EPIPE;
	log_warn("redis %s: no reply for %d s", "10.0.0.5:6379", 5);
	ck_assert_int_eq(errno, EPIPE);
	ck_assert_str_eq(written(),
	    HEAD "warn msg=\"redis 10.0.0.5:6379: no reply for 5 s\"\n");
	log_debug("no %s", "thing");
	ck_assert_str_eq(written(), "");
	log_open(LOG_AT_DEBUG);
	log_debug("some %s", "thing");
	ck_assert_str_eq(written(), HEAD "debug msg=\"some thing\"\n");
	log_open(LOG_AT_ERROR);
	log_warn("x");
	log_error("y");
	log_open(LOG_AT_INFO);
	ck_assert_str_eq(written(), HEAD "error msg=\"y\"\n");
}
END_TEST

START_TEST(escapes)
{
	static const struct { const char *in, *out; } rows[] = {
		{ "a\"b\\c", "a\\\"b\\\\c" },
		{ "l1\nl2\r\t", "l1\\nl2\\r\\t" },
		{ "\x1b[31m\x7f\x01", "\\x1b[31m\\x7f\\x01" },
		{ "grün €😀", "grün €😀" },
		{ "\xff\xc3", "\\xff\\xc3" },		/* no UTF-8; cut short */
		{ "\xc0\xaf", "\\xc0\\xaf" },		/* overlong */
		{ "\xe0\x80\x80", "\\xe0\\x80\\x80" },
		{ "\xed\xa0\x80", "\\xed\\xa0\\x80" },	/* surrogate */
		{ "\xf4\x90\x80\x80", "\\xf4\\x90\\x80\\x80" },
		{ "\xc2\x9b" "1m", "\\xc2\\x9b1m" },	/* C1 control */
	};

	for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
		char want[256];

		snprintf(want, sizeof want, HEAD "info msg=\"%s\"\n", rows[i].out);
		log_info("%s", rows[i].in);
		ck_assert_str_eq(written(), want);
	}
}
END_TEST

START_TEST(bounded)
{
	char big[3 * LOG_LINE_MAX];
	static const char fill[] = { 'x', '\x01', '"' };

	for (size_t i = 0; i < sizeof fill; i++) {
		const char *line;

		memset(big, fill[i], sizeof big - 1);
		big[sizeof big - 1] = '\0';
		log_write_limited(LOG_AT_WARN, UINT64_MAX, "%s", big);
		line = written();
		ck_assert_uint_le(strlen(line), LOG_LINE_MAX);
		ck_assert_ptr_nonnull(strstr(line,
		    "...\" suppressed=18446744073709551615\n"));
	}
	memset(big, 'y', sizeof big);	/* just what vsnprintf can hold */
	log_info("%.*s", LOG_LINE_MAX - 1, big);
	ck_assert_uint_le(strlen(written()), LOG_LINE_MAX);
}
END_TEST

START_TEST(levels)
{
	enum log_level l = LOG_AT_WARN;

	ck_assert(!log_level_parse("loud", &l) && l == LOG_AT_WARN);
	ck_assert(!log_level_parse("", &l) && !log_level_parse(NULL, &l));
	ck_assert(log_level_parse("debug", &l) && l == LOG_AT_DEBUG);
	ck_assert(log_level_parse("warning", &l) && l == LOG_AT_WARN);
	ck_assert(log_level_parse("error", &l) && l == LOG_AT_ERROR);
	ck_assert(log_level_parse("info", &l) && l == LOG_AT_INFO);
}
END_TEST

static void
complain(int i)
{
	LOG_LIMITED(LOG_AT_WARN, 1, "complaint %d", i);
}

START_TEST(limited)
{
	struct timespec wait = { 1, 50 * 1000 * 1000 };

	for (int i = 0; i < 100; i++)
		complain(i);
	ck_assert_str_eq(written(), HEAD "warn msg=\"complaint 0\"\n");
	nanosleep(&wait, NULL);
	complain(100);
	complain(101);
	ck_assert_str_eq(written(),
	    HEAD "warn msg=\"complaint 100\" suppressed=99\n");
	/* each place has its own limit; a level not wanted is not counted */
	LOG_LIMITED(LOG_AT_WARN, 1, "other");
	LOG_LIMITED(LOG_AT_DEBUG, 1, "quiet");
	ck_assert_str_eq(written(), HEAD "warn msg=\"other\"\n");
}
END_TEST

#define THREADS 4
#define EACH 100
static struct log_site shared_site;
static _Atomic uint64_t spoke, refused;

static void *
logger(void *arg)
{
	for (int i = 0; i < EACH; i++) {
		uint64_t n;

		log_info("thread %d line %d", (int)(intptr_t)arg, i);
		if (log_site_ask(&shared_site, 60, &n))
			spoke++;
		else
			refused++;
	}
	return NULL;
}

START_TEST(threads)
{
	pthread_t t[THREADS];
	char *line, *save = NULL;
	int lines = 0, next[THREADS] = { 0 };

	for (intptr_t i = 0; i < THREADS; i++)
		pthread_create(&t[i], NULL, logger, (void *)i);
	for (int i = 0; i < THREADS; i++)
		pthread_join(t[i], NULL);
	written();
	for (line = strtok_r(text, "\n", &save); line != NULL;
	    line = strtok_r(NULL, "\n", &save)) {
		int who, n;

		ck_assert_int_eq(sscanf(line, HEAD "info msg=\"thread %d line %d\"",
		    &who, &n), 2);
		ck_assert_int_eq(n, next[who]++);
		lines++;
	}
	ck_assert_int_eq(lines, THREADS * EACH);
	ck_assert_uint_eq(spoke, 1);
	ck_assert_uint_eq(refused, THREADS * EACH - 1);
}
END_TEST

START_TEST(clocks)
{
	int64_t a, b;

	ck_assert_int_eq(clock_real_ns(), INT64_C(1787407200123456789));
	clock_fake_advance(NS_PER_S);
	ck_assert_int_eq(clock_real_ns(), INT64_C(1787407201123456789));
	ck_assert_int_eq(clock_mono_ns(), NS_PER_S);
	clock_fake_clear();
	a = clock_mono_ns();
	b = clock_mono_ns();
	ck_assert_int_ge(b, a);
	ck_assert_int_lt(llabs(clock_real_ns() / NS_PER_S - time(NULL)), 2);
	setenv("MILLRACE_FAKE_TIME", "nonsense", 1);
	clock_from_env();
	ck_assert_int_lt(llabs(clock_real_ns() / NS_PER_S - time(NULL)), 2);
	setenv("MILLRACE_FAKE_TIME", "1000000.5", 1);
	clock_from_env();
	a = clock_real_ns();
	ck_assert(a >= INT64_C(1000000500000000) - NS_PER_MS &&
	    a < INT64_C(1000030000000000));
	ck_assert_int_ge(clock_real_ns(), a);
}
END_TEST

int
main(void)
{
	Suite *s = suite_create("log");
	TCase *t = tcase_create("log");
	SRunner *r;
	int failed;

	tcase_add_checked_fixture(t, setup, teardown);
	tcase_add_test(t, lines);
	tcase_add_test(t, escapes);
	tcase_add_test(t, bounded);
	tcase_add_test(t, levels);
	tcase_add_test(t, limited);
	tcase_add_test(t, threads);
	tcase_add_test(t, clocks);
	suite_add_tcase(s, t);
	r = srunner_create(s);
	srunner_run_all(r, CK_NORMAL);
	failed = srunner_ntests_failed(r);
	srunner_free(r);
	return failed != 0;
}
