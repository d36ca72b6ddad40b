/* CRC-32C against RFC 3720's examples, and one way against the other. */
#include "config.h"

#include <check.h>
#include <stdlib.h>
#include <string.h>

#include "base/crc32c.h"

START_TEST(answers)
{
	uint8_t b[32];

	memset(b, 0, sizeof b);
	ck_assert_uint_eq(crc32c(0, b, 32), 0x8a9136aau);
	ck_assert_uint_eq(crc32c_portable(0, b, 32), 0x8a9136aau);
	memset(b, 0xff, sizeof b);
	ck_assert_uint_eq(crc32c(0, b, 32), 0x62a8ab43u);
	for (int i = 0; i < 32; i++)
		b[i] = (uint8_t)i;
	ck_assert_uint_eq(crc32c(0, b, 32), 0x46dd794eu);
	for (int i = 0; i < 32; i++)
		b[i] = (uint8_t)(31 - i);
	ck_assert_uint_eq(crc32c_portable(0, b, 32), 0x113fdb5cu);
	ck_assert_uint_eq(crc32c(0, "123456789", 9), 0xe3069283u);
	ck_assert_uint_eq(crc32c(0, "", 0), 0);
}
END_TEST

START_TEST(both_ways_in_pieces)
{
	uint8_t b[300];
	uint32_t whole;

	for (size_t i = 0; i < sizeof b; i++)
		b[i] = (uint8_t)(i * 131 + 7);
	whole = crc32c(0, b, sizeof b);
	for (size_t cut = 0; cut <= sizeof b; cut++) {
		ck_assert_uint_eq(crc32c(crc32c(0, b, cut), b + cut,
		    sizeof b - cut), whole);
		ck_assert_uint_eq(crc32c_portable(crc32c_portable(0, b, cut),
		    b + cut, sizeof b - cut), whole);
	}
}
END_TEST

int
main(void)
{
	Suite *s = suite_create("crc32c");
	TCase *t = tcase_create("crc32c");
	SRunner *r;
	int failed;

	tcase_add_test(t, answers);
	tcase_add_test(t, both_ways_in_pieces);
	suite_add_tcase(s, t);
	r = srunner_create(s);
	srunner_run_all(r, CK_NORMAL);
	failed = srunner_ntests_failed(r);
	srunner_free(r);
	return failed != 0;
}
