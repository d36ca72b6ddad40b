/* test_shadow.c - the bag of lines: what cancels out, what is left. */
#include "config.h"

#include <check.h>
#include <stdio.h>
#include <stdlib.h>

#include "app/shadow.h"

static struct buf told;

static void
tell(void *ctx, enum shadow_side side, const char *sink, struct slice line,
    uint64_t n)
{
	buf_printf(&told, "%c %s %.*s %llu\n", side == SHADOW_OURS ? 'o' : 't',
	    sink, SLICE_ARG(line), (unsigned long long)n);
}

START_TEST(halves_cancel_out)
{
	struct shadow_diff d;
	static const struct { enum shadow_side side; const char *sink, *line; } in[] = {
		{ SHADOW_THEIRS, "s:1", "a 1 1" },
		{ SHADOW_OURS, "s:1", "a 1 1" },
		{ SHADOW_OURS, "s:2", "b 1 1" },
		{ SHADOW_THEIRS, "s:1", "b 1 1" },	/* another place */
		{ SHADOW_THEIRS, "s:1", "c 1 1" },
		{ SHADOW_THEIRS, "s:1", "c 1 1\r" },	/* the same line */
		{ SHADOW_OURS, "s:1", "" },
		{ SHADOW_OURS, "s:1", "own.figure 1 1" },
	};
	struct regex_error e;

	ck_assert(shadow_diff_init(&d, 100));
	d.ignore = regex_new(SLICE("^own\\."), &e);
	for (size_t i = 0; i < sizeof in / sizeof in[0]; i++)
		shadow_diff_add(&d, in[i].side, in[i].sink,
		    slice_str(in[i].line));
	buf_init(&told, 10000);
	shadow_diff_each(&d, tell, NULL);
	ck_assert_str_eq(buf_cstr(&told), "o s:2 b 1 1 1\nt s:1 b 1 1 1\n"
	    "t s:1 c 1 1 2\n");
	ck_assert_uint_eq(d.seen[SHADOW_THEIRS], 4);
	ck_assert_uint_eq(d.seen[SHADOW_OURS], 2);
	ck_assert_uint_eq(d.ignored, 1);
	buf_fini(&told);
	shadow_diff_fini(&d);
}
END_TEST

START_TEST(it_is_bounded)
{
	struct shadow_diff d;
	char line[32];

	ck_assert(shadow_diff_init(&d, 10));
	for (int i = 0; i < 50; i++) {
		snprintf(line, sizeof line, "n%d 1 1", i);
		shadow_diff_add(&d, SHADOW_OURS, "s", slice_str(line));
	}
	ck_assert_uint_eq(map_len(d.lines), 10);
	ck_assert_uint_eq(d.missed, 40);
	/* what is there still cancels out */
	shadow_diff_add(&d, SHADOW_THEIRS, "s", SLICE("n3 1 1"));
	ck_assert_uint_eq(map_len(d.lines), 9);
	shadow_diff_fini(&d);
}
END_TEST

int
main(void)
{
	Suite *s = suite_create("shadow");
	TCase *tc = tcase_create("all");
	SRunner *r;
	int failed;

	tcase_add_test(tc, halves_cancel_out);
	tcase_add_test(tc, it_is_bounded);
	suite_add_tcase(s, tc);
	r = srunner_create(s);
	srunner_run_all(r, CK_NORMAL);
	failed = srunner_ntests_failed(r);
	srunner_free(r);
	return failed != 0;
}
