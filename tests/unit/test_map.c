/* The map against a plain model, the hash's seed, and the lru ring. */
#include "config.h"

#include <check.h>
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>

#include "base/hash.h"
#include "base/lru.h"
#include "base/map.h"

static int freed;

static void
count_free(void *value)
{
	(void)value;
	freed++;
}

START_TEST(basics)
{
	struct map *m = map_new(3);
	int a, b, c, d;
	void *old = &d;

	ck_assert_ptr_null(map_get(m, SLICE("x")));
	ck_assert_ptr_null(map_del(m, SLICE("x")));
	ck_assert(map_put(m, SLICE("x"), &a, &old));
	ck_assert_ptr_null(old);
	ck_assert(map_put(m, SLICE(""), &b, NULL));
	ck_assert(map_put(m, SLICE("a\0b"), &c, NULL));
	ck_assert_ptr_null(map_get(m, SLICE("a\0c")));
	errno = 0;
	ck_assert(!map_put(m, SLICE("y"), &d, NULL));
	ck_assert_int_eq(errno, ENOSPC);
	ck_assert(map_put(m, SLICE("x"), &d, &old));
	ck_assert_ptr_eq(old, &a);
	ck_assert_ptr_eq(map_get(m, SLICE("x")), &d);
	ck_assert_ptr_eq(map_get(m, (struct slice){ NULL, 0 }), &b);
	ck_assert_ptr_eq(map_get(m, SLICE("a\0b")), &c);
	ck_assert_uint_eq(map_len(m), 3);
	ck_assert(slice_eq(map_key(m, SLICE("a\0b")), SLICE("a\0b")));
	ck_assert_ptr_null(map_key(m, SLICE("nobody")).ptr);
	ck_assert_ptr_eq(map_del(m, map_key(m, SLICE("a\0b"))), &c);
	ck_assert(map_put(m, SLICE("y"), &d, NULL));
	freed = 0;
	map_clear(m, count_free);
	ck_assert_int_eq(freed, 3);
	ck_assert_uint_eq(map_len(m), 0);
	ck_assert_ptr_null(map_get(m, SLICE("x")));
	ck_assert(map_put(m, SLICE("x"), &a, NULL));
	map_free(m, count_free);
	ck_assert_int_eq(freed, 4);
	map_free(NULL, NULL);
}
END_TEST

/* Keys number 0..KEYS-1; the model is the order in which they were put. */
#define KEYS 700
static intptr_t order[KEYS * 400], when[KEYS];

static struct slice
name(int k, char *buf)
{
	return slice_of(buf, (size_t)sprintf(buf, "servers.web%d.cpu", k));
}

static void
check_all(const struct map *m, intptr_t puts, size_t len)
{
	char buf[64];
	size_t pos = 0, seen = 0;
	struct slice key;
	void *value;
	intptr_t last = 0;

	ck_assert_uint_eq(map_len(m), len);
	while (map_next(m, &pos, &key, &value)) {
		intptr_t at = (intptr_t)value;

		ck_assert(at > last && at <= puts);
		last = at;
		ck_assert_int_eq(when[order[at]], at);
		ck_assert(slice_eq(key, name((int)order[at], buf)));
		seen++;
	}
	ck_assert_uint_eq(seen, len);
	for (int k = 0; k < KEYS; k++)
		ck_assert_ptr_eq(map_get(m, name(k, buf)), (void *)when[k]);
}

START_TEST(model)
{
	struct map *m = map_new(KEYS);
	size_t len = 0;
	intptr_t puts = 0;
	unsigned seed = 4711;
	char buf[64];

	for (int step = 0; step < KEYS * 300; step++) {
		int k = rand_r(&seed) % KEYS;
		bool grow = rand_r(&seed) % 100 < (step / 20000 % 2 ? 20 : 75);

		if (grow && when[k] == 0) {
			ck_assert(map_put(m, name(k, buf), (void *)++puts, NULL));
			when[k] = puts;
			order[puts] = k;
			len++;
		} else if (!grow) {
			ck_assert_ptr_eq(map_del(m, name(k, buf)), (void *)when[k]);
			len -= when[k] != 0;
			when[k] = 0;
		}
		if (step % 5003 == 0)
			check_all(m, puts, len);
	}
	check_all(m, puts, len);
	/* memory follows the most there ever was, not the traffic */
	ck_assert_uint_lt(map_bytes(m), KEYS * 120);
	map_free(m, NULL);
}
END_TEST

START_TEST(delete_while_visiting)
{
	struct map *m = map_new(1000);
	char buf[64];
	size_t pos = 0;
	struct slice key;
	void *value;
	int seen = 0;

	for (intptr_t k = 1; k <= 1000; k++)
		ck_assert(map_put(m, name((int)k, buf), (void *)k, NULL));
	ck_assert(!map_put(m, SLICE("one more"), m, NULL));
	while (map_next(m, &pos, &key, &value)) {
		ck_assert_int_eq((intptr_t)value, ++seen);
		if (seen % 3 != 0)
			ck_assert_ptr_eq(map_del(m, key), value);
	}
	ck_assert_int_eq(seen, 1000);
	ck_assert_uint_eq(map_len(m), 333);
	for (intptr_t k = 1; k <= 1000; k++)
		ck_assert_ptr_eq(map_get(m, name((int)k, buf)),
		    k % 3 == 0 ? (void *)k : NULL);
	map_free(m, NULL);
}
END_TEST

/* All keys claim one hash: slow, but right. */
START_TEST(collisions)
{
	struct map *m = map_new(500);
	char buf[64];

	for (intptr_t k = 1; k <= 300; k++)
		ck_assert(map_put_hashed(m, name((int)k, buf), UINT64_MAX,
		    (void *)k, NULL));
	for (intptr_t k = 1; k <= 300; k++)
		ck_assert_ptr_eq(map_get_hashed(m, name((int)k, buf),
		    UINT64_MAX), (void *)k);
	ck_assert_ptr_null(map_get_hashed(m, SLICE("x"), UINT64_MAX));
	map_free(m, NULL);
}
END_TEST

START_TEST(seed_from_env)
{
	setenv("MILLRACE_HASH_SEED", "0", 1);
	/* XXH3_64bits_withSeed("millrace", 8, 1) of xxHash 0.8 */
	ck_assert_uint_eq(hash_bytes("millrace", 8), UINT64_C(7241418937620296056));
	ck_assert_uint_ne(hash_bytes("millrace", 7), hash_bytes("millrace", 8));
}
END_TEST

START_TEST(seed_drawn)
{
	unsetenv("MILLRACE_HASH_SEED");
	ck_assert_uint_eq(hash_slice(SLICE("a")), hash_slice(SLICE("a")));
	ck_assert_uint_ne(hash_bytes("millrace", 8), UINT64_C(7241418937620296056));
}
END_TEST

struct file {
	int n;
	struct lru_node lru;
};

START_TEST(lru_order)
{
	struct file f[4] = { { .n = 0 }, { .n = 1 }, { .n = 2 }, { .n = 3 } };
	struct lru l;
	struct lru_node *n;
	int got = 0;

	lru_init(&l);
	ck_assert_ptr_null(lru_oldest(&l));
	ck_assert_ptr_null(lru_newest(&l));
	for (int i = 0; i < 4; i++)
		lru_add(&l, &f[i].lru);
	lru_touch(&l, &f[0].lru);	/* 1 2 3 0 */
	lru_touch(&l, &f[0].lru);
	lru_touch(&l, &f[2].lru);	/* 1 3 0 2 */
	lru_remove(&l, &f[3].lru);	/* 1 0 2 */
	ck_assert_uint_eq(l.len, 3);
	for (n = lru_oldest(&l); n != NULL; n = lru_newer(&l, n))
		got = got * 10 + LRU_OF(n, struct file, lru)->n;
	ck_assert_int_eq(got, 102);
	ck_assert_ptr_eq(lru_newest(&l), &f[2].lru);
	while ((n = lru_oldest(&l)) != NULL)
		lru_remove(&l, n);
	ck_assert_uint_eq(l.len, 0);
}
END_TEST

int
main(void)
{
	Suite *s = suite_create("map");
	TCase *t = tcase_create("map");
	SRunner *r;
	int failed;

	tcase_set_timeout(t, 60);
	tcase_add_test(t, basics);
	tcase_add_test(t, model);
	tcase_add_test(t, delete_while_visiting);
	tcase_add_test(t, collisions);
	tcase_add_test(t, seed_from_env);
	tcase_add_test(t, seed_drawn);
	tcase_add_test(t, lru_order);
	suite_add_tcase(s, t);
	r = srunner_create(s);
	srunner_run_all(r, CK_NORMAL);
	failed = srunner_ntests_failed(r);
	srunner_free(r);
	return failed != 0;
}
