/* Lines off a stream: whatever the cuts, the same lines come out, and an
 * over-long one costs no memory. */
#include "config.h"

#include <check.h>
#include <stdio.h>
#include <stdlib.h>

#include "base/buf.h"
#include "proto/lines.h"

/* A reader that gets the bytes in pieces and keeps what is not used up. */
struct reader {
	struct lines lines;
	struct buf pending, out;
};

static void
take(struct reader *r, bool eof)
{
	struct slice complete;
	size_t used;

	do {
		used = lines_take(&r->lines, buf_slice(&r->pending), eof,
		    &complete);
		ck_assert_uint_le(used, r->pending.len);
		ck_assert_uint_le(complete.len, used);
		ck_assert(buf_add_slice(&r->out, complete));
		buf_consume(&r->pending, used);
	} while (used > 0);
	ck_assert_uint_le(r->pending.len, r->lines.max);
}

static char *
lines_in_pieces(struct slice text, size_t piece, size_t max, bool eof,
    uint64_t *too_long)
{
	struct reader r = { .pending = BUF_INIT(100000),
	    .out = BUF_INIT(1 << 20) };

	lines_init(&r.lines, max);
	while (text.len > 0) {
		ck_assert(buf_add_slice(&r.pending, slice_upto(text, piece)));
		text = slice_from(text, piece);
		take(&r, false);
	}
	take(&r, eof);
	ck_assert(!eof || r.pending.len == 0);
	*too_long = r.lines.too_long;
	buf_fini(&r.pending);
	ck_assert(buf_cstr(&r.out) != NULL);
	return r.out.data;
}

START_TEST(rows)
{
	static const struct {
		const char *text;
		const char *open, *ended;	/* without and with eof */
		unsigned too_long;
	} cases[] = {
		{ "", "", "", 0 }, { "\n", "\n", "\n", 0 },
		{ "a", "", "a", 0 }, { "a\nb", "a\n", "a\nb", 0 },
		{ "12345\n", "12345\n", "12345\n", 0 },
		{ "12345", "", "12345", 0 },
		{ "123456\n", "", "", 1 }, { "123456", "", "", 1 },
		{ "a\n123456\nb\n", "a\nb\n", "a\nb\n", 1 },
		{ "a\n123456789012345678901234567890\nb\n", "a\nb\n",
		    "a\nb\n", 1 },
		{ "123456\n123456\n1234567890\n", "", "", 3 },
		{ "12345\n12345\n1\n12345\n", "12345\n12345\n1\n12345\n",
		    "12345\n12345\n1\n12345\n", 0 },
		{ "\n\n\n\n\n\n\n\n123456", "\n\n\n\n\n\n\n\n",
		    "\n\n\n\n\n\n\n\n", 1 },
		{ "1234\r\n12345\r\nx", "1234\r\n", "1234\r\nx", 1 },
	};

	for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
		for (size_t piece = 1; piece < 40; piece++) {
			uint64_t n;
			char *got = lines_in_pieces(slice_str(cases[i].text),
			    piece, 5, false, &n);

			ck_assert_str_eq(got, cases[i].open);
			ck_assert_uint_eq(n, cases[i].too_long);
			free(got);
			got = lines_in_pieces(slice_str(cases[i].text), piece,
			    5, true, &n);
			ck_assert_str_eq(got, cases[i].ended);
			ck_assert_uint_eq(n, cases[i].too_long);
			free(got);
		}
	}
}
END_TEST

/* Random text against cutting it line by line. */
START_TEST(random_cuts)
{
	char text[400];
	unsigned seed = 7;

	for (int round = 0; round < 3000; round++) {
		struct buf want = BUF_INIT(1000);
		size_t max = 1 + seed % 20, len = seed / 32 % sizeof text;
		struct slice left;
		uint64_t n, too_long = 0;
		char *got;

		for (size_t i = 0; i < len; i++) {
			seed = seed * 1103515245 + 12345;
			text[i] = "\nabcdefgh"[(seed >> 16) % 9];
		}
		left = slice_of(text, len);
		while (left.ptr != NULL && left.len > 0) {
			struct slice line = slice_cut(&left, '\n');

			too_long += line.len > max;
			if (line.len > max)
				continue;
			ck_assert(buf_add_slice(&want, line));
			if (left.ptr != NULL)
				ck_assert(buf_addc(&want, '\n'));
		}
		seed = seed * 1103515245 + 12345;
		got = lines_in_pieces(slice_of(text, len),
		    1 + (seed >> 16) % 50, max, true, &n);
		ck_assert(buf_cstr(&want) != NULL);
		ck_assert_str_eq(got, want.data);
		ck_assert_uint_eq(n, too_long);
		free(got);
		buf_fini(&want);
	}
}
END_TEST

int
main(void)
{
	Suite *s = suite_create("lines");
	TCase *t = tcase_create("lines");
	SRunner *r;
	int failed;

	tcase_add_test(t, rows);
	tcase_add_test(t, random_cuts);
	suite_add_tcase(s, t);
	r = srunner_create(s);
	srunner_run_all(r, CK_NORMAL);
	failed = srunner_ntests_failed(r);
	srunner_free(r);
	return failed != 0;
}
