/* test_routes.c - the table of decisions: what is put is found, the bound
 * holds, and a name costs no more memory than was promised. */
#include "config.h"

#include <check.h>
#include <stdio.h>
#include <stdlib.h>

#include "core/routes.h"

static struct slice
name_of(unsigned i, char out[64])
{
	int n = snprintf(out, 64, "servers.rack%02u.web%04u.cpu%u.percent.user",
	    i % 40, i / 40 % 5000, i / 200000);

	return slice_of(out, (size_t)n);
}

static struct route *
put(struct routes *t, struct slice raw, struct slice out, uint16_t dest)
{
	struct route_draft d = { .raw = raw, .out = out, .ndests = 1 };

	d.dests[0] = dest;
	return routes_put(t, &d, routes_hash(t, raw));
}

static struct route *
get(const struct routes *t, struct slice name)
{
	return routes_find(t, name, (struct route_key){ routes_hash(t, name), 0 });
}

START_TEST(all_parts_come_back)
{
	struct route_draft d = { .raw = SLICE("a.raw;k=v"),
	    .out = SLICE("an.out;k=v"), .ndests = 3, .nfeeds = 2,
	    .choosy = true };
	struct routes t;
	struct route *r;

	d.dests[0] = 7;
	d.dests[1] = 4095;
	d.dests[2] = 1;
	d.feeds[0].rule = 3;
	d.feeds[0].name = SLICE("sum.of.it");
	d.feeds[1].rule = 99;
	d.feeds[1].name = SLICE("max");
	ck_assert(routes_init(&t, 100, 1));
	ck_assert_ptr_null(get(&t, d.raw));
	ck_assert_ptr_nonnull(routes_put(&t, &d, routes_hash(&t, d.raw)));
	r = get(&t, d.raw);
	ck_assert_ptr_nonnull(r);
	ck_assert(r->choosy && !r->dropped);
	ck_assert_uint_eq(r->ndests, 3);
	ck_assert_uint_eq(route_dests(r)[1], 4095);
	ck_assert(slice_eq(route_name(r), d.out));
	ck_assert_uint_eq(route_feeds(r)[1].rule, 99);
	ck_assert_int_eq(memcmp(route_feed_names(r), "sum.of.itmax", 12), 0);
	ck_assert_ptr_null(get(&t, SLICE("a.raw")));
	routes_fini(&t);
}
END_TEST

START_TEST(a_name_that_goes_on_unchanged_is_stored_once)
{
	struct routes t;
	struct route *r;

	ck_assert(routes_init(&t, 100, 1));
	r = put(&t, SLICE("same.name"), SLICE(""), 1);
	ck_assert(slice_eq(route_name(r), SLICE("same.name")));
	routes_fini(&t);
}
END_TEST

/* Also those put before the table grew, and before there were more chunks. */
START_TEST(many_are_found)
{
	struct routes t;
	char text[64];

	ck_assert(routes_init(&t, 1 << 20, 2));
	for (unsigned i = 0; i < 100000; i++)
		ck_assert_ptr_nonnull(put(&t, name_of(i, text), SLICE(""),
		    (uint16_t)(i % 4096)));
	for (unsigned i = 0; i < 100000; i++) {
		struct route *r = get(&t, name_of(i, text));

		ck_assert_ptr_nonnull(r);
		ck_assert_uint_eq(route_dests(r)[0], i % 4096);
	}
	ck_assert_ptr_null(get(&t, name_of(100000, text)));
	ck_assert_uint_gt(t.nchunks, 8);
	routes_fini(&t);
}
END_TEST

START_TEST(names_are_bounded)
{
	struct routes t;
	char text[64];

	ck_assert(routes_init(&t, 1000, 3));
	for (unsigned i = 0; i < 2500; i++)
		put(&t, name_of(i, text), SLICE(""), 1);
	ck_assert_uint_eq(t.emptied, 2);
	ck_assert_uint_eq(t.used, 500);
	ck_assert_ptr_null(get(&t, name_of(0, text)));
	ck_assert_ptr_nonnull(get(&t, name_of(2499, text)));
	routes_fini(&t);
}
END_TEST

/* Long names cannot make of a bound in names one without end. */
START_TEST(bytes_are_bounded)
{
	static char longest[UINT16_MAX];
	struct routes t;
	size_t most = 0;

	memset(longest, 'x', sizeof longest);
	ck_assert(routes_init(&t, 20000, 4));
	for (unsigned i = 0; i < 200; i++) {
		memcpy(longest, &i, sizeof i);
		ck_assert_ptr_nonnull(put(&t, slice_of(longest,
		    sizeof longest), SLICE(""), 1));
		if (routes_bytes(&t) > most)
			most = routes_bytes(&t);
	}
	ck_assert_uint_gt(t.emptied, 0);
	ck_assert_uint_le(most, 20000 * ROUTE_BYTES_A_NAME + 2 * ROUTE_CHUNK);
	routes_fini(&t);
}
END_TEST

START_TEST(what_is_too_large_is_not_kept)
{
	static char text[UINT16_MAX + 1];
	struct route_draft d = { .raw = slice_of(text, UINT16_MAX) };
	struct routes t;
	struct route *r;

	memset(text, 'y', sizeof text);
	ck_assert(routes_init(&t, 100, 5));
	d.nfeeds = 5;
	for (unsigned i = 0; i < 5; i++)
		d.feeds[i].name = slice_of(text, UINT16_MAX);
	ck_assert_ptr_null(routes_put(&t, &d, 1));
	r = route_new(&d);
	ck_assert_ptr_nonnull(r);
	free(r);
	d.nfeeds = 0;
	d.raw.len++;
	ck_assert_ptr_null(routes_put(&t, &d, 1));
	ck_assert_ptr_null(route_new(&d));
	routes_fini(&t);
}
END_TEST

/* A million names of 40 bytes, one in ten rewritten. */
START_TEST(a_name_takes_at_most_120_bytes)
{
	struct routes t;
	char text[64], other[64];

	ck_assert(routes_init(&t, 1 << 20, 6));
	for (unsigned i = 0; i < 1000000; i++) {
		struct slice raw = name_of(i, text), out = SLICE("");

		if (i % 10 == 0)
			out = slice_of(other, (size_t)snprintf(other,
			    sizeof other, "all.%.*s", SLICE_ARG(raw)));
		ck_assert_ptr_nonnull(put(&t, raw, out, 1));
	}
	ck_assert_uint_eq(t.used, 1000000);
	printf("%.1f bytes a name\n", (double)routes_bytes(&t) / 1e6);
	ck_assert_uint_le(routes_bytes(&t), 120 * (size_t)1000000);
	routes_fini(&t);
}
END_TEST

/* Two decisions about one name, by what its data fits. */
START_TEST(a_name_has_variants)
{
	struct route_draft d = { .raw = SLICE("a.b"), .ndests = 1 };
	struct route_key key = { 0, 0 };
	struct routes t;

	ck_assert(routes_init(&t, 100, 1));
	for (unsigned v = 0; v < ROUTE_VARIANTS; v++) {
		d.variant = (uint8_t)v;
		d.dests[0] = (uint16_t)v;
		ck_assert_ptr_nonnull(routes_put(&t, &d,
		    routes_hash(&t, d.raw) + v % 2));	/* and they may share it */
	}
	for (unsigned v = 0; v < ROUTE_VARIANTS; v++) {
		key.hash = routes_hash(&t, d.raw) + v % 2;
		key.variant = (uint8_t)v;
		ck_assert_uint_eq(route_dests(routes_find(&t, d.raw, key))[0], v);
	}
	key.hash++;
	ck_assert_ptr_null(routes_find(&t, d.raw, key));
	routes_fini(&t);
}
END_TEST

int
main(void)
{
	Suite *s = suite_create("routes");
	TCase *t = tcase_create("routes");
	SRunner *r = srunner_create(s);
	int failed;

	tcase_set_timeout(t, 120);
	tcase_add_test(t, all_parts_come_back);
	tcase_add_test(t, a_name_that_goes_on_unchanged_is_stored_once);
	tcase_add_test(t, many_are_found);
	tcase_add_test(t, names_are_bounded);
	tcase_add_test(t, bytes_are_bounded);
	tcase_add_test(t, what_is_too_large_is_not_kept);
	tcase_add_test(t, a_name_takes_at_most_120_bytes);
	tcase_add_test(t, a_name_has_variants);
	suite_add_tcase(s, t);
	srunner_run_all(r, CK_NORMAL);
	failed = srunner_ntests_failed(r);
	srunner_free(r);
	return failed != 0;
}
