/* test_packed.c - packed streams: there and back however they are cut, the
 * forms of others, and those that are broken or bombs. */
#include "config.h"

#include <check.h>
#include <stdio.h>
#include <stdlib.h>
#include <zlib.h>

#include "proto/packed.h"

#define MOST (64u << 20)

static const struct { const char *name; enum packing how; } forms[] = {
	{ "gzip", PACKED_GZIP }, { "lz4", PACKED_LZ4 },
	{ "snappy", PACKED_SNAPPY }, { "bare snappy", PACKED_SNAPPY_BARE }
};
#define FORMS (sizeof forms / sizeof forms[0])

static enum reason
unpack(enum packing how, struct slice all, size_t step, struct buf *out)
{
	struct unpacker *u = unpacker_new(how);
	enum reason why = REASON_NONE;
	size_t n;

	ck_assert_ptr_nonnull(u);
	while (all.len > 0 && why == REASON_NONE) {
		struct slice in = slice_upto(all, step);

		all = slice_from(all, in.len);
		do {
			if (!buf_reserve(out, 4096)) {
				unpacker_free(u);
				return REASON_NO_MEMORY;
			}
			why = unpacker_read(u, &in, out->data + out->len, 4096,
			    &n);
			out->len += n;
		} while (why == REASON_NONE && (in.len > 0 || n == 4096));
	}
	unpacker_free(u);
	return why;
}

static void
make_lines(struct buf *lines)
{
	buf_init(lines, MOST);
	for (int i = 0; i < 6000; i++)
		buf_printf(lines, "some.name.of.host%d.n%d %d 1700000000\n",
		    i % 37, i, i * 7919 % 1000);
}

START_TEST(there_and_back)
{
	static const size_t steps[] = { 1, 3, 100, 4096, 1 << 20 };
	struct buf lines, packed = BUF_INIT(MOST);
	struct packer *p = packer_new(forms[_i].how);
	struct slice rest;

	ck_assert_ptr_nonnull(p);
	packer_reset(p);
	make_lines(&lines);
	for (rest = buf_slice(&lines); rest.len > 0;) {
		struct slice some = slice_upto(rest, 150000);

		ck_assert(packer_add(p, some, &packed));
		rest = slice_from(rest, some.len);
	}
	ck_assert(packer_end(p, &packed));
	ck_assert_uint_lt(packed.len, lines.len / 2);
	for (size_t i = 0; i < sizeof steps / sizeof steps[0]; i++) {
		struct buf out = BUF_INIT(MOST);

		ck_assert_int_eq(unpack(forms[_i].how, buf_slice(&packed),
		    steps[i], &out), REASON_NONE);
		ck_assert_msg(slice_eq(buf_slice(&out), buf_slice(&lines)),
		    "%s by %zu", forms[_i].name, steps[i]);
		buf_fini(&out);
	}
	packer_free(p);
	buf_fini(&packed);
	buf_fini(&lines);
}
END_TEST

/* What is sent can be read at once: nobody waits for the next batch. */
START_TEST(nothing_is_held_back)
{
	struct packer *p = packer_new(forms[_i].how);
	struct buf packed = BUF_INIT(MOST), out = BUF_INIT(MOST);

	packer_reset(p);
	ck_assert(packer_add(p, SLICE("a 1 1\n"), &packed));
	ck_assert_int_eq(unpack(forms[_i].how, buf_slice(&packed), 1 << 20,
	    &out), REASON_NONE);
	ck_assert(slice_eq(buf_slice(&out), SLICE("a 1 1\n")));
	/* another connection begins anew */
	buf_clear(&packed);
	buf_clear(&out);
	packer_reset(p);
	ck_assert(packer_add(p, SLICE("b 2 2\n"), &packed));
	ck_assert_int_eq(unpack(forms[_i].how, buf_slice(&packed), 1, &out),
	    REASON_NONE);
	ck_assert(slice_eq(buf_slice(&out), SLICE("b 2 2\n")));
	packer_free(p);
	buf_fini(&packed);
	buf_fini(&out);
}
END_TEST

/* By hand, from the formats' descriptions. */
static const struct {
	enum packing how;
	struct slice in;
	enum reason why;
	const char *out;
} rows[] = {
	/* either reader knows both forms */
	{ PACKED_SNAPPY, SLICE("\x06\x14" "a 1 1\n"), REASON_NONE, "a 1 1\n" },
	{ PACKED_SNAPPY_BARE, SLICE("\xff\x06\x00\x00sNaPpY"), REASON_NONE, "" },
	{ PACKED_SNAPPY, SLICE("\x06\x14" "a 1 1\n" "\x06\x14" "b 1 1\n"),
	    REASON_NONE, "a 1 1\nb 1 1\n" },
	/* a copy: "ab" and then 6 bytes from 2 before */
	{ PACKED_SNAPPY, SLICE("\x08\x04" "ab" "\x09\x02"), REASON_NONE,
	    "abababab" },
	/* from before the start */
	{ PACKED_SNAPPY, SLICE("\x08\x04" "ab" "\x09\x03"),
	    REASON_BAD_COMPRESSION, "" },
	/* more than it says */
	{ PACKED_SNAPPY, SLICE("\x02\x14" "a 1 1\n"), REASON_BAD_COMPRESSION,
	    "" },
	/* says a gigabyte */
	{ PACKED_SNAPPY, SLICE("\x80\x80\x80\x80\x04" "abc"),
	    REASON_BAD_COMPRESSION, "" },
	{ PACKED_SNAPPY, SLICE("\x80\x80\x80\x80\x80\x80"),
	    REASON_BAD_COMPRESSION, "" },
	/* a literal of 4 GiB */
	{ PACKED_SNAPPY, SLICE("\x64\xfc\xff\xff\xff\xff"),
	    REASON_BAD_COMPRESSION, "" },
	/* not all there */
	{ PACKED_SNAPPY, SLICE("\x06\x14" "a 1"), REASON_NONE, "" },
	/* frames: padding is skipped, what must not be skipped is not */
	{ PACKED_SNAPPY, SLICE("\xff\x06\x00\x00sNaPpY\xfe\x03\x00\x00xyz"
	    "\x80\x01\x00\x00w"), REASON_NONE, "" },
	{ PACKED_SNAPPY, SLICE("\xff\x06\x00\x00sNaPpY\x02\x01\x00\x00x"),
	    REASON_BAD_COMPRESSION, "" },
	{ PACKED_SNAPPY, SLICE("\xff\x06\x00\x00sNaPpY\x01\x07\x00\x00"
	    "\x00\x00\x00\x00" "abc"), REASON_BAD_COMPRESSION, "" },
	{ PACKED_SNAPPY, SLICE("\xff\x06\x00\x00sNaPpY\x00\xff\xff\xff"),
	    REASON_BAD_COMPRESSION, "" },
	{ PACKED_SNAPPY, SLICE("\xff\x06\x00\x00sNaPpY\x00\x02\x00\x00xx"),
	    REASON_BAD_COMPRESSION, "" },
	/* no such stream at all */
	{ PACKED_GZIP, SLICE("GET / HTTP/1.0\r\n\r\n"), REASON_BAD_COMPRESSION,
	    "" },
	{ PACKED_LZ4, SLICE("a.b.c 1 1700000000\n"), REASON_BAD_COMPRESSION, "" },
};

START_TEST(row)
{
	struct buf out = BUF_INIT(MOST);

	for (size_t step = 1; step < 1000; step *= 31) {
		buf_clear(&out);
		ck_assert_int_eq(unpack(rows[_i].how, rows[_i].in, step, &out),
		    rows[_i].why);
		ck_assert_str_eq(buf_cstr(&out), rows[_i].out);
	}
	buf_fini(&out);
}
END_TEST

/* Zeros: they shrink to a thousandth. */
START_TEST(bombs)
{
	struct buf zeros = BUF_INIT(MOST), packed = BUF_INIT(MOST);
	struct buf out = BUF_INIT(MOST);
	struct packer *p = packer_new(forms[_i].how);
	enum reason why;

	packer_reset(p);
	ck_assert(buf_reserve(&zeros, 1 << 20));
	memset(zeros.data, 0, 1 << 20);
	zeros.len = 1 << 20;
	for (int i = 0; i < 40; i++)
		ck_assert(packer_add(p, buf_slice(&zeros), &packed));
	why = unpack(forms[_i].how, buf_slice(&packed), 65536, &out);
	if (packed.len * 250 < 40u << 20) {	/* it is one */
		ck_assert_int_eq(why, REASON_BAD_COMPRESSION);
		ck_assert_uint_lt(out.len, 24u << 20);
	} else {
		ck_assert_int_eq(why, REASON_NONE);
	}
	packer_free(p);
	buf_fini(&zeros);
	buf_fini(&packed);
	buf_fini(&out);
}
END_TEST

START_TEST(gzip_members_follow_one_another)
{
	struct buf packed = BUF_INIT(MOST), out = BUF_INIT(MOST);

	for (int i = 0; i < 3; i++) {
		struct packer *p = packer_new(PACKED_GZIP);

		ck_assert(packer_add(p, SLICE("x 1 1\n"), &packed));
		ck_assert(packer_end(p, &packed));
		packer_free(p);
	}
	ck_assert_int_eq(unpack(PACKED_GZIP, buf_slice(&packed), 1, &out),
	    REASON_NONE);
	ck_assert(slice_eq(buf_slice(&out), SLICE("x 1 1\nx 1 1\nx 1 1\n")));
	buf_fini(&packed);
	buf_fini(&out);
}
END_TEST

int
main(void)
{
	Suite *s = suite_create("packed");
	TCase *tc = tcase_create("all");
	int forms_here = packing_known(PACKED_SNAPPY) ? (int)FORMS : 2, failed;
	SRunner *r;

	tcase_set_timeout(tc, 60);
	tcase_add_loop_test(tc, there_and_back, 0, forms_here);
	tcase_add_loop_test(tc, nothing_is_held_back, 0, forms_here);
	tcase_add_loop_test(tc, bombs, 0, forms_here);
	if (forms_here == (int)FORMS)
		tcase_add_loop_test(tc, row, 0, sizeof rows / sizeof rows[0]);
	tcase_add_test(tc, gzip_members_follow_one_another);
	suite_add_tcase(s, tc);
	r = srunner_create(s);
	srunner_run_all(r, CK_NORMAL);
	failed = srunner_ntests_failed(r);
	srunner_free(r);
	return failed != 0;
}
