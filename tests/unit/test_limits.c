/* test_limits.c - names up to a number, points up to a rate. */
#include "config.h"

#include <check.h>
#include <stdlib.h>

#include "core/limits.h"

#define S INT64_C(1000000000)

START_TEST(names)
{
	struct limit l = { 0 };

	for (int i = 0; i < 3; i++)
		ck_assert(limit_name(&l, 3));
	ck_assert(!limit_name(&l, 3));
	ck_assert_uint_eq(l.names, 3);
	ck_assert(limit_name(&l, 0));
}
END_TEST

START_TEST(points)
{
	struct limit l = { 0 };
	int n = 0;

	for (int i = 0; i < 100; i++)
		n += limit_point(&l, 10, 5 * S);
	ck_assert_int_eq(n, 10);		/* a second's at once */
	ck_assert(!limit_point(&l, 10, 5 * S + S / 20));
	ck_assert(limit_point(&l, 10, 5 * S + S / 10));
	ck_assert(!limit_point(&l, 10, 5 * S + S / 10));
	for (n = 0; limit_point(&l, 10, 1000 * S);)
		n++;
	ck_assert_int_eq(n, 10);		/* never more than that */
	ck_assert(!limit_point(&l, 10, 10 * S));	/* the clock was set back */
	ck_assert(limit_point(&l, 10, 11 * S));
	ck_assert(limit_point(&l, 0, 0));
}
END_TEST

START_TEST(numbers)
{
	struct limits l;

	limits_clear(&l);
	ck_assert_uint_eq(limits_number(&l, -1), 0);
	ck_assert_uint_eq(limits_number(&l, 0), 1);
	ck_assert_uint_eq(limits_number(&l, 7), 8);
	ck_assert_uint_eq(l.v[8].rule, 7);
	ck_assert_uint_eq(limits_number(&l, 254), LIMITS_MAX);
	ck_assert_uint_eq(limits_number(&l, 3000), LIMITS_MAX);
}
END_TEST

int
main(void)
{
	Suite *s = suite_create("limits");
	TCase *tc = tcase_create("all");
	SRunner *r;
	int failed;

	tcase_add_test(tc, names);
	tcase_add_test(tc, points);
	tcase_add_test(tc, numbers);
	suite_add_tcase(s, tc);
	r = srunner_create(s);
	srunner_run_all(r, CK_NORMAL);
	failed = srunner_ntests_failed(r);
	srunner_free(r);
	return failed != 0;
}
