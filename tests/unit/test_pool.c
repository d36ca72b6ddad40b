/* test_pool.c - pieces of many sizes: apart, aligned, and given back. */
#include "config.h"

#include <check.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/mapped.h"
#include "core/pool.h"

/* Sanitizers have memory of their own. */
#if defined(__SANITIZE_ADDRESS__) || defined(__SANITIZE_THREAD__)
#define SANITIZED 1
#elif defined(__has_feature)
#define SANITIZED (__has_feature(address_sanitizer) || \
    __has_feature(thread_sanitizer))
#else
#define SANITIZED 0
#endif

START_TEST(aligned_memory_is_aligned)
{
	void *p[8];

	for (int i = 0; i < 8; i++) {
		p[i] = mapped_new_aligned(1 << 18);
		ck_assert_ptr_nonnull(p[i]);
		ck_assert_uint_eq((uintptr_t)p[i] % (1 << 18), 0);
		ck_assert_int_eq(((char *)p[i])[(1 << 18) - 1], 0);
		memset(p[i], i, 1 << 18);
	}
	for (int i = 0; i < 8; i++)
		ck_assert(mapped_free(p[i], 1 << 18));
	ck_assert(mapped_free(NULL, 1 << 18));
}
END_TEST

static bool
holds_only(const unsigned char *p, size_t n, int c)
{
	for (size_t i = 0; i < n; i++)
		if (p[i] != c)
			return false;
	return true;
}

/* Thousands of pieces alive at a time, each with its own contents, in an order
 * that a seed decides. */
START_TEST(pieces_are_apart)
{
	enum { N = 20000 };
	static unsigned char *piece[N];
	static size_t size[N];
	struct pool p = { 0 };

	srand(7);
	for (int round = 0; round < 5 * N; round++) {
		int i = rand() % N;

		if (piece[i] != NULL) {
			ck_assert_msg(holds_only(piece[i], size[i], i % 251),
			    "piece %d was written to by another", i);
			pool_put(&p, piece[i], size[i]);
			piece[i] = NULL;
			continue;
		}
		size[i] = (size_t)rand() % (rand() % 50 == 0 ? 3000 : 120);
		piece[i] = pool_get(&p, size[i]);
		ck_assert_ptr_nonnull(piece[i]);
		ck_assert_uint_eq((uintptr_t)piece[i] % 8, 0);
		memset(piece[i], i % 251, size[i]);
	}
	for (int i = 0; i < N; i++) {
		pool_put(&p, piece[i], size[i]);
		piece[i] = NULL;
	}
	ck_assert_uint_eq(p.bytes, 0);
	pool_fini(&p);
}
END_TEST

static size_t
resident(void)
{
	FILE *f = fopen("/proc/self/statm", "r");
	unsigned long pages = 0;

	ck_assert_ptr_nonnull(f);
	ck_assert_int_eq(fscanf(f, "%*u %lu", &pages), 1);
	fclose(f);
	return pages * (size_t)sysconf(_SC_PAGESIZE);
}

/* One of a hundred stays, together in memory; the rest goes back to the
 * system. */
START_TEST(what_is_free_goes_back)
{
	enum { N = 400000 };
	static void *piece[N];
	struct pool p = { 0 };
	size_t before = resident(), most;

	for (int i = 0; i < N; i++)
		memset(piece[i] = pool_get(&p, 64), 1, 64);
	most = resident() - before;
	ck_assert_uint_ge(p.bytes, N * 64);
	ck_assert_uint_ge(most, N * 64);
	for (int i = N / 100; i < N; i++)
		pool_put(&p, piece[i], 64);
	ck_assert_uint_le(p.bytes, N * 64 / 50);
	if (!SANITIZED)
		ck_assert_uint_le(resident() - before, most / 5);
	pool_fini(&p);
}
END_TEST

int
main(void)
{
	Suite *s = suite_create("pool");
	TCase *c = tcase_create("pool");
	SRunner *r;
	int failed;

	tcase_add_test(c, aligned_memory_is_aligned);
	tcase_add_test(c, pieces_are_apart);
	tcase_add_test(c, what_is_free_goes_back);
	tcase_set_timeout(c, 60);
	suite_add_tcase(s, c);
	r = srunner_create(s);
	srunner_run_all(r, CK_NORMAL);
	failed = srunner_ntests_failed(r);
	srunner_free(r);
	return failed != 0;
}
