/* test_member_set.c - sets exact to their bound and estimated beyond it, and
 * the tables and sorts beneath the merged state. */
#include "config.h"

#include <check.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>

#include "core/hll.h"
#include "core/member_set.h"
#include "core/samples.h"

static struct slice
member(char text[32], unsigned i)
{
	return slice_of(text, (size_t)snprintf(text, 32, "member-%u", i));
}

START_TEST(estimates_are_within_their_error)
{
	static const unsigned sizes[] = { 0, 1, 2, 10, 100, 1000, 5000, 20000,
	    40000, 60000, 100000, 300000, 1000000 };
	static struct hll h;
	char text[32];
	unsigned n = 0;
	size_t i;
	double e;

	for (i = 0; i < sizeof sizes / sizeof sizes[0]; i++) {
		for (; n < sizes[i]; n++)
			hll_add(&h, member(text, n));
		e = hll_estimate(&h);
		/* three standard errors, and one for rounding */
		ck_assert_msg(fabs(e - n) <= 0.0244 * n + 0.5, "%u: %g", n, e);
	}
}
END_TEST

START_TEST(estimates_merge)
{
	static struct hll a, b, both;
	char text[32];
	unsigned i;

	for (i = 0; i < 60000; i++) {
		hll_add(&both, member(text, i));
		if (i < 40000)
			hll_add(&a, member(text, i));
		if (i >= 20000)
			hll_add(&b, member(text, i));
	}
	hll_merge(&a, &b);
	ck_assert_mem_eq(&a, &both, sizeof a);
}
END_TEST

START_TEST(exact_up_to_the_bound)
{
	struct member_set s;
	struct slice m;
	char text[32];
	uint32_t pos = 0, i, round;

	member_set_init(&s, 1000);
	ck_assert(member_set_is_empty(&s));
	for (round = 0; round < 3; round++)
		for (i = 0; i < 1000; i++)
			ck_assert(member_set_add(&s, member(text, i)));
	ck_assert(member_set_is_exact(&s));
	ck_assert_double_eq(member_set_count(&s), 1000);
	for (i = 0; member_set_next(&s, &pos, &m); i++)
		ck_assert(slice_eq(m, member(text, i)));
	ck_assert_uint_eq(i, 1000);
	ck_assert(member_set_add(&s, SLICE("one more")));
	ck_assert(!member_set_is_exact(&s));
	ck_assert_double_eq_tol(member_set_count(&s), 1001, 25);
	member_set_clear(&s);
	ck_assert(member_set_is_exact(&s) && member_set_is_empty(&s));
	member_set_fini(&s);
}
END_TEST

START_TEST(odd_members)
{
	struct member_set s;
	char *huge = calloc(1, 1 << 20);

	member_set_init(&s, 100);
	ck_assert(member_set_add(&s, slice_of(NULL, 0)));
	ck_assert(member_set_add(&s, slice_of("", 0)));
	ck_assert(member_set_add(&s, slice_of("\0", 1)));
	ck_assert(member_set_add(&s, slice_of("\0\0", 2)));
	ck_assert_double_eq(member_set_count(&s), 3);
	/* too much text: it is no reason to hold it all */
	ck_assert(member_set_add(&s, slice_of(huge, 1 << 20)));
	ck_assert(!member_set_is_exact(&s));
	ck_assert_double_eq(member_set_count(&s), 4);
	ck_assert(member_set_bytes(&s) < 1 << 16);
	free(huge);
	member_set_fini(&s);
}
END_TEST

START_TEST(sets_merge)
{
	struct member_set a, b, c;
	char text[32];
	unsigned i;

	member_set_init(&a, 50);
	member_set_init(&b, 50);
	member_set_init(&c, 50);
	for (i = 0; i < 30; i++) {
		member_set_add(&a, member(text, i));
		member_set_add(&b, member(text, i + 15));
	}
	ck_assert(member_set_merge(&a, &b));
	ck_assert(member_set_is_exact(&a));
	ck_assert_double_eq(member_set_count(&a), 45);
	for (i = 100; i < 200; i++)
		member_set_add(&c, member(text, i));
	ck_assert(!member_set_is_exact(&c));
	ck_assert(member_set_merge(&a, &c));
	ck_assert(!member_set_is_exact(&a));
	ck_assert_double_eq_tol(member_set_count(&a), 145, 4);
	ck_assert(member_set_merge(&c, &b));
	ck_assert_double_eq_tol(member_set_count(&c), 130, 4);
	member_set_fini(&a);
	member_set_fini(&b);
	member_set_fini(&c);
}
END_TEST

static uint32_t
hash_of(const void *owner, uint32_t id)
{
	return ((const uint32_t *)owner)[id];
}

static bool
index_has(const struct index32 *ix, uint32_t id, uint32_t hash)
{
	uint32_t at = index32_start(ix, hash), found;

	while ((found = index32_next(ix, &at)) != INDEX32_NONE)
		if (found == id)
			return true;
	return false;
}

/* Random puts and dels, with hashes that collide a lot. */
START_TEST(index_finds_what_is_in_it)
{
	static uint32_t hash[2000];
	static bool in[2000];
	struct index32 ix = { 0 };
	uint32_t i, id;

	srand(1);
	for (i = 0; i < 2000; i++)
		hash[i] = (uint32_t)rand() % 64 * 37;
	for (i = 0; i < 20000; i++) {
		id = (uint32_t)rand() % 2000;
		ck_assert(index_has(&ix, id, hash[id]) == in[id]);
		if (in[id])
			index32_del(&ix, id, hash[id], hash_of, hash);
		else
			ck_assert(index32_put(&ix, id, hash[id], hash_of,
			    hash));
		in[id] = !in[id];
	}
	for (id = 0; id < 2000; id++)
		ck_assert(index_has(&ix, id, hash[id]) == in[id]);
	index32_fini(&ix);
}
END_TEST

static int
compare(const void *a, const void *b)
{
	double x = *(const double *)a, y = *(const double *)b;

	return (x > y) - (x < y);
}

START_TEST(samples_are_sorted)
{
	static double v[5000], want[5000], spare[5000];
	uint32_t n, i, shape;

	srand(2);
	for (shape = 0; shape < 7; shape++)
		for (n = 0; n <= 5000; n = n < 60 ? n + 1 : n * 3 / 2) {
			for (i = 0; i < n; i++)
				v[i] = shape == 0 ? rand() % 100 :
				    shape == 1 ? rand() / 3.7 - 1e8 :
				    shape == 2 ? ldexp(rand() - 1e9, rand() % 2000 - 1000) :
				    shape == 3 ? (double)i :
				    /* alike in their highest bits, but for one */
				    shape == 4 ? i == n / 2 ? 1e300 :
				    1 + ldexp(rand() % 100000, -50) :
				    shape == 5 ? ldexp(rand(), -40) :
				    rand() % 3 == 0 ? (double)INFINITY :
				    -rand() % 2 * (double)INFINITY;
			for (i = 0; i < n; i++)
				if (isnan(v[i]))
					v[i] = -1;
			memcpy(want, v, sizeof want);
			qsort(want, n, sizeof want[0], compare);
			samples_sort(v, n, spare);
			for (i = 0; i < n; i++)
				ck_assert_msg(v[i] == want[i],
				    "shape %u, %u of %u", shape, i, n);
		}
}
END_TEST

int
main(void)
{
	Suite *suite = suite_create("member_set");
	TCase *tc = tcase_create("member_set");
	SRunner *sr;
	int failed;

	tcase_set_timeout(tc, 60);
	tcase_add_test(tc, estimates_are_within_their_error);
	tcase_add_test(tc, estimates_merge);
	tcase_add_test(tc, exact_up_to_the_bound);
	tcase_add_test(tc, odd_members);
	tcase_add_test(tc, sets_merge);
	tcase_add_test(tc, index_finds_what_is_in_it);
	tcase_add_test(tc, samples_are_sorted);
	suite_add_tcase(suite, tc);
	sr = srunner_create(suite);
	srunner_run_all(sr, CK_NORMAL);
	failed = srunner_ntests_failed(sr);
	srunner_free(sr);
	return failed != 0;
}
