/* test_key_counts.c - the most frequent names, as keyFlush lists them. */
#include "config.h"

#include <check.h>

#include "core/key_counts.h"

static const struct {
	double percent;
	const char *lines;
} rows[] = {
	{ 100, "D count=5 key=b\nD count=3 key=a\nD count=3 key=c\n"
	  "D count=1 key=\nD count=1 key=d\n" },
	{ 40, "D count=5 key=b\nD count=3 key=a\n" },
	{ 41, "D count=5 key=b\nD count=3 key=a\nD count=3 key=c\n" },
	{ 1, "D count=5 key=b\n" },
	{ 0, "" },
	{ 1000, "D count=5 key=b\nD count=3 key=a\nD count=3 key=c\n"
	  "D count=1 key=\nD count=1 key=d\n" },
};

static void
fill(struct key_counts *k)
{
	ck_assert(key_counts_add(k, SLICE("a"), 2));
	ck_assert(key_counts_add(k, SLICE("b"), 5));
	ck_assert(key_counts_add(k, SLICE("c"), 3));
	ck_assert(key_counts_add(k, SLICE("a"), 1));
	ck_assert(key_counts_add(k, slice_of("", 0), 1));
	ck_assert(key_counts_add(k, SLICE("d"), 1));
	ck_assert(key_counts_add(k, SLICE("never"), 0));
}

START_TEST(the_most_frequent)
{
	struct key_counts *k = key_counts_new(5);
	struct buf out = BUF_INIT(1000);

	fill(k);
	ck_assert(!key_counts_add(k, SLICE("one more"), 7));
	ck_assert_uint_eq(key_counts_refused(k), 7);
	ck_assert(key_counts_report(k, SLICE("D"), rows[_i].percent, &out));
	ck_assert_str_eq(buf_cstr(&out), rows[_i].lines);
	buf_clear(&out);
	ck_assert(key_counts_report(k, SLICE("D"), 100, &out));
	ck_assert_uint_eq(out.len, 0);
	key_counts_free(k);
	buf_fini(&out);
}
END_TEST

START_TEST(a_full_buffer_ends_with_a_line)
{
	struct key_counts *k = key_counts_new(5);
	struct buf out = BUF_INIT(40);

	fill(k);
	ck_assert(!key_counts_report(k, SLICE("D"), 100, &out));
	ck_assert(slice_eq(buf_slice(&out),
	    SLICE("D count=5 key=b\nD count=3 key=a\n")));
	key_counts_free(k);
	buf_fini(&out);
}
END_TEST

int
main(void)
{
	Suite *suite = suite_create("key_counts");
	TCase *tc = tcase_create("key_counts");
	SRunner *sr;
	int failed;

	tcase_add_loop_test(tc, the_most_frequent, 0,
	    sizeof rows / sizeof rows[0]);
	tcase_add_test(tc, a_full_buffer_ends_with_a_line);
	suite_add_tcase(suite, tc);
	sr = srunner_create(suite);
	srunner_run_all(sr, CK_NORMAL);
	failed = srunner_ntests_failed(sr);
	srunner_free(sr);
	return failed != 0;
}
