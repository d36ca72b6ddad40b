/* A tap gives what is meant, holds so much and no more, and counts the rest. */
#include "config.h"

#include <check.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "front/tap.h"

static unsigned rings;

static void
ring(void *ctx)
{
	(*(unsigned *)ctx)++;
}

static struct record
message(const char *host, struct slice body)
{
	return (struct record){ .kind = RECORD_LOG, .source = SOURCE_SYSLOG,
	    .time_ns = INT64_C(1787407200123456000),
	    .received_ns = INT64_C(1787407200123456000),
	    .log = { .host = slice_str(host), .app = SLICE("a"),
	    .facility = 1, .severity = 5, .body = body } };
}

static struct tap *
tap_on(const char *where)
{
	struct expr_error e;
	struct expr *x = where == NULL ? NULL : expr_new(slice_str(where), &e);

	rings = 0;
	ck_assert(where == NULL || x != NULL);
	return tap_new(x, ring, &rings);
}

START_TEST(what_is_meant)
{
	struct tap *t = tap_on("host == \"b\"");
	struct tap_scratch *s = tap_scratch_new();
	struct record r;
	char text[4096];
	uint64_t shed;
	size_t n;

	for (int i = 0; i < 10; i++) {
		r = message(i % 5 == 0 ? "b" : "a", SLICE("x\ny"));
		tap_offer(t, &r, s);
	}
	ck_assert_uint_eq(rings, 1);
	n = tap_read(t, text, sizeof text - 1, &shed);
	text[n] = '\0';
	ck_assert_ptr_nonnull(strstr(text, "\"host\":\"b\",\"app\":\"a\""));
	ck_assert_ptr_nonnull(strstr(text, "\"body\":\"x\\ny\"}\n{"));
	ck_assert_ptr_null(strstr(text, "\"host\":\"a\""));
	/* the next one rings only after all was read */
	r = message("b", SLICE("z"));
	tap_offer(t, &r, s);
	ck_assert_uint_eq(rings, 1);
	ck_assert_uint_gt(tap_read(t, text, sizeof text, &shed), 0);
	ck_assert_uint_eq(tap_read(t, text, sizeof text, &shed), 0);
	tap_offer(t, &r, s);
	ck_assert_uint_eq(rings, 2);
	ck_assert_uint_eq(shed, 0);
	/* closed: nothing comes, nobody is woken */
	while (tap_read(t, text, sizeof text, &shed) > 0)
		;
	tap_close(t);
	ck_assert(tap_closed(t));
	tap_offer(t, &r, s);
	ck_assert_uint_eq(tap_read(t, text, sizeof text, &shed), 0);
	ck_assert_uint_eq(rings, 2);
	tap_scratch_free(s);
	tap_unref(t);
}
END_TEST

START_TEST(bounded)
{
	struct tap *t = tap_on(NULL);
	struct tap_scratch *s = tap_scratch_new();
	char *body = malloc(10000), *text = malloc(2 * TAP_MAX);
	struct record r;
	uint64_t shed;
	size_t n, lines = 0, total = 0;

	memset(body, 'x', 10000);
	r = message("h", slice_of(body, 10000));
	for (int i = 0; i < 300; i++)
		tap_offer(t, &r, s);
	while ((n = tap_read(t, text + total, 7001, &shed)) > 0)
		total += n;
	ck_assert_uint_le(total, TAP_MAX);
	ck_assert_uint_gt(total, TAP_MAX - 11000);
	for (size_t i = 0; i < total; i++)
		lines += text[i] == '\n';
	ck_assert_uint_eq(lines + shed, 300);
	/* room again: it goes on */
	tap_offer(t, &r, s);
	ck_assert_uint_gt(tap_read(t, text, TAP_MAX, &shed), 10000);
	ck_assert_uint_eq(lines + shed, 300);
	free(body);
	free(text);
	tap_scratch_free(s);
	tap_unref(t);
}
END_TEST

int
main(void)
{
	Suite *s = suite_create("tap");
	TCase *t = tcase_create("tap");
	SRunner *sr;
	int failed;

	tcase_add_test(t, what_is_meant);
	tcase_add_test(t, bounded);
	suite_add_tcase(s, t);
	sr = srunner_create(s);
	srunner_run_all(sr, CK_NORMAL);
	failed = srunner_ntests_failed(sr);
	srunner_free(sr);
	return failed != 0;
}
