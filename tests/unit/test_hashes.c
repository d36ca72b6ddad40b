/* The hashes against their published answers. */
#include "config.h"

#include <check.h>
#include <stdio.h>
#include <stdlib.h>

#include "base/fnv.h"
#include "base/md5.h"
#include "base/murmur.h"

static const struct {
	const char *in, *hex;
} md5s[] = {			/* RFC 1321, A.5 */
	{ "", "d41d8cd98f00b204e9800998ecf8427e" },
	{ "a", "0cc175b9c0f1b6a831c399e269772661" },
	{ "abc", "900150983cd24fb0d6963f7d28e17f72" },
	{ "message digest", "f96b697d7cb7938d525a2f31aaf161d0" },
	{ "abcdefghijklmnopqrstuvwxyz", "c3fcd3d76192e4007dfb496cca67e13b" },
	{ "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789",
	    "d174ab98d277d9f5a5611c2c9f419d9f" },
	{ "1234567890123456789012345678901234567890123456789012345678901234"
	    "5678901234567890", "57edf4a22be3c955ac49da2e2107b67a" }
};

START_TEST(md5_answers)
{
	uint8_t d[MD5_SIZE];
	char hex[33];

	md5(slice_str(md5s[_i].in), d);
	for (int i = 0; i < MD5_SIZE; i++)
		snprintf(hex + 2 * i, 3, "%02x", d[i]);
	ck_assert_str_eq(hex, md5s[_i].hex);
}
END_TEST

/* 55, 56, 63, 64 and 65 bytes: where the padding changes shape. */
START_TEST(md5_edges)
{
	static const struct { size_t n; const char *hex; } rows[] = {
		{ 55, "ef1772b6dff9a122358552954ad0df65" },
		{ 56, "3b0c8ac703f828b04c6c197006d17218" },
		{ 63, "b06521f39153d618550606be297466d5" },
		{ 64, "014842d480b571495a4a0363793f7367" },
		{ 65, "c743a45e0d2e6a95cb859adae0248435" },
	};
	char in[80], hex[33];
	uint8_t d[MD5_SIZE];

	memset(in, 'a', sizeof in);
	for (size_t r = 0; r < sizeof rows / sizeof rows[0]; r++) {
		md5(slice_of(in, rows[r].n), d);
		for (int i = 0; i < MD5_SIZE; i++)
			snprintf(hex + 2 * i, 3, "%02x", d[i]);
		ck_assert_str_eq(hex, rows[r].hex);
	}
}
END_TEST

START_TEST(fnv_answers)
{
	ck_assert_uint_eq(fnv1a_32(SLICE("")), 0x811c9dc5);
	ck_assert_uint_eq(fnv1a_32(SLICE("foo.bar")), 0xcb942ef4);
	ck_assert_uint_eq(fnv1a_32(SLICE("my.super.metric")), 0x1a02e638);
	ck_assert_uint_eq(fnv1a_64(SLICE("foo.bar")), 0xa93287ddf7050214);
	ck_assert_uint_eq(fnv1a_64(SLICE("my.super.metric")), 0x94b1b32de8ade4d8);
}
END_TEST

START_TEST(murmur_answers)
{
	ck_assert_uint_eq(murmur3_32(SLICE(""), 0), 0);
	ck_assert_uint_eq(murmur3_32(SLICE(""), 1), 0x514e28b7);
	ck_assert_int_eq((int32_t)murmur3_32(SLICE("foo"), 0), -156908512);
	ck_assert_uint_eq(murmur3_32(SLICE("hello"), 0), 0x248bfa47);
	ck_assert_uint_eq(murmur3_32(SLICE("hello, world"), 0), 0x149bbb7f);
	ck_assert_uint_eq(murmur3_32(SLICE("The quick brown fox jumps over the "
	    "lazy dog"), 0), 0x2e4ff723);
	ck_assert_uint_eq(murmur3_32(SLICE("\xff\xff\xff\xff"), 0), 0x76293b50);
}
END_TEST

int
main(void)
{
	Suite *s = suite_create("hashes");
	TCase *t = tcase_create("all");
	SRunner *r;
	int failed;

	tcase_add_loop_test(t, md5_answers, 0, sizeof md5s / sizeof md5s[0]);
	tcase_add_test(t, md5_edges);
	tcase_add_test(t, fnv_answers);
	tcase_add_test(t, murmur_answers);
	suite_add_tcase(s, t);
	r = srunner_create(s);
	srunner_run_all(r, CK_NORMAL);
	failed = srunner_ntests_failed(r);
	srunner_free(r);
	return failed != 0;
}
