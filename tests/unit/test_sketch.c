/* test_sketch.c - what DDSketch promises: quantiles within the stated error,
 * merging without loss, memory under its cap. */
#include "config.h"

#include <check.h>
#include <float.h>
#include <math.h>
#include <stdlib.h>

#include "core/samples.h"
#include "core/sketch.h"

#define N 20000

static uint64_t state = 88172645463325252u;

static double
uniform(void)
{
	state ^= state << 13;
	state ^= state >> 7;
	state ^= state << 17;
	return (double)(state >> 11) / 9007199254740992.0;
}

static double
normal(void)
{
	return sqrt(-2 * log(1 - uniform())) * cos(6.283185307179586 * uniform());
}

static double even(void) { return uniform() * 1000; }
static double lognormal(void) { return exp(3 + 1.5 * normal()); }
static double pareto(void) { return 1 / pow(1 - uniform(), 1.2); }
static double whole(void) { return floor(uniform() * 300); }
static double both_signs(void) { return 100 * normal(); }
static double minute(void) { return uniform() * 1e-300; }

static const struct {
	const char *name;
	double (*draw)(void);
} shapes[] = {
	{ "even", even }, { "lognormal", lognormal }, { "pareto", pareto },
	{ "whole", whole }, { "both signs", both_signs }, { "minute", minute },
};
static const double errors[] = { 0.001, 0.01, 0.05 };

static double values[N], spare[N];

static void
check_quantiles(const struct sketch *s, const char *name, double error)
{
	double q, got, want;
	uint64_t k;

	for (q = 0.001; q < 1; q += 0.01) {
		k = (uint64_t)ceil(q * N);
		got = sketch_kth(s, k);
		want = values[k - 1];
		ck_assert_msg(fabs(got - want) <= error * fabs(want) * 1.0000001,
		    "%s at %g: %.17g, not %.17g +- %g", name, q, got, want,
		    error);
	}
}

START_TEST(quantiles_are_within_the_error)
{
	struct sketch s;
	double sum = 0, squares = 0;
	size_t i, e;

	for (e = 0; e < 3; e++) {
		sketch_init(&s, errors[e], 1 << 20);
		for (i = 0, sum = squares = 0; i < N; i++) {
			values[i] = shapes[_i].draw();
			ck_assert(sketch_add(&s, values[i]));
			sum += values[i];
			squares += values[i] * values[i];
		}
		samples_sort(values, N, spare);
		check_quantiles(&s, shapes[_i].name, errors[e]);
		ck_assert(!s.collapsed);
		ck_assert(s.n == N && s.sum == sum && s.sum_squares == squares);
		ck_assert(s.min == values[0] && s.max == values[N - 1]);
		sketch_fini(&s);
	}
}
END_TEST

START_TEST(parts_merge_into_the_whole)
{
	struct sketch part[7], whole_, all;
	struct sketch_bin a, b;
	uint64_t pa = 0, pb = 0;
	size_t i;
	double v;
	bool more;

	for (i = 0; i < 7; i++)
		sketch_init(&part[i], 0.01, 1 << 16);
	sketch_init(&whole_, 0.01, 1 << 16);
	sketch_init(&all, 0.01, 1 << 16);
	for (i = 0; i < N; i++) {
		v = both_signs() * (i % 7 + 1);
		ck_assert(sketch_add(&part[i % 7], v));
		ck_assert(sketch_add(&whole_, v));
	}
	for (i = 0; i < 7; i++)
		ck_assert(sketch_merge(&all, &part[i]));
	ck_assert(all.n == whole_.n && all.min == whole_.min &&
	    all.max == whole_.max);
	do {
		more = sketch_next(&all, &pa, &a);
		ck_assert(more == sketch_next(&whole_, &pb, &b));
		if (more)
			ck_assert(a.sign == b.sign && a.bin == b.bin &&
			    a.count == b.count);
	} while (more);
	for (i = 0; i < 7; i++)
		sketch_fini(&part[i]);
	sketch_fini(&whole_);
	sketch_fini(&all);
}
END_TEST

/* 600 decades of magnitude in 512 bins: the memory holds, the count holds, and
 * the great values keep their precision. */
START_TEST(memory_is_capped_at_the_small_end)
{
	struct sketch s;
	struct sketch_bin b;
	uint64_t pos = 0, total = 0;
	size_t i;
	double got;

	sketch_init(&s, 0.01, 4096);
	for (i = 0; i < N; i++) {
		values[i] = pow(10, 600 * (uniform() - 0.5));
		ck_assert(sketch_add(&s, values[i]));
		ck_assert(sketch_bytes(&s) <= 4096);
	}
	samples_sort(values, N, spare);
	ck_assert(s.collapsed && s.n == N);
	while (sketch_next(&s, &pos, &b))
		total += b.count;
	ck_assert_uint_eq(total, N);
	for (i = N - 100; i < N; i++) {
		got = sketch_kth(&s, i + 1);
		ck_assert_double_le(fabs(got / values[i] - 1), 0.0100001);
	}
	ck_assert(sketch_kth(&s, N / 2) >= values[0]);
	sketch_fini(&s);
}
END_TEST

START_TEST(odd_values_are_counted)
{
	static const double odd[] = { 0, -0.0, 5e-324, -5e-324, DBL_MIN,
	    DBL_MAX, -DBL_MAX, (double)INFINITY, -(double)INFINITY, 1, -1 };
	struct sketch s;
	uint64_t k;
	double last = -(double)INFINITY, v;
	size_t i;

	sketch_init(&s, 0.01, 1 << 22);
	for (i = 0; i < sizeof odd / sizeof odd[0]; i++)
		ck_assert(sketch_add(&s, odd[i]));
	ck_assert_uint_eq(s.n, i);
	ck_assert_uint_eq(s.zeros, 4);
	for (k = 1; k <= s.n; k++) {
		v = sketch_kth(&s, k);
		ck_assert(!isnan(v) && v >= last);
		last = v;
	}
	ck_assert_uint_eq(sketch_below(&s, -0.5), 3);
	ck_assert_uint_eq(sketch_below(&s, 0.5), 7 + 1);
	sketch_clear(&s);
	ck_assert(s.n == 0 && s.positive.high < s.positive.low);
	sketch_fini(&s);
}
END_TEST

START_TEST(sums_of_the_smallest)
{
	struct sketch s;
	double sum = 0, squares = 0, got, got_squares;
	size_t i;

	sketch_init(&s, 0.01, 1 << 16);
	for (i = 0; i < N; i++) {
		values[i] = lognormal();
		ck_assert(sketch_add(&s, values[i]));
	}
	samples_sort(values, N, spare);
	for (i = 0; i < N * 9 / 10; i++) {
		sum += values[i];
		squares += values[i] * values[i];
	}
	sketch_sum_of(&s, N * 9 / 10, &got, &got_squares);
	ck_assert_double_le(fabs(got / sum - 1), 0.01);
	ck_assert_double_le(fabs(got_squares / squares - 1), 0.02);
	sketch_sum_of(&s, N, &got, &got_squares);
	ck_assert(got == s.sum && got_squares == s.sum_squares);
	sketch_fini(&s);
}
END_TEST

int
main(void)
{
	Suite *suite = suite_create("sketch");
	TCase *tc = tcase_create("sketch");
	SRunner *sr;
	int failed;

	tcase_set_timeout(tc, 60);
	tcase_add_loop_test(tc, quantiles_are_within_the_error, 0,
	    sizeof shapes / sizeof shapes[0]);
	tcase_add_test(tc, parts_merge_into_the_whole);
	tcase_add_test(tc, memory_is_capped_at_the_small_end);
	tcase_add_test(tc, odd_values_are_counted);
	tcase_add_test(tc, sums_of_the_smallest);
	suite_add_tcase(suite, tc);
	sr = srunner_create(suite);
	srunner_run_all(sr, CK_NORMAL);
	failed = srunner_ntests_failed(sr);
	srunner_free(sr);
	return failed != 0;
}
