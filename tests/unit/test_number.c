/* Numbers from bytes and back: grammars row by row, and millions of doubles
 * against the C library's own reading. */
#include "config.h"

#include <check.h>
#include <locale.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>

#include "base/digits.h"
#include "base/number.h"

START_TEST(whole_numbers)
{
	static const struct { const char *text; bool ok; uint64_t v; } rows[] = {
		{ "", false, 0 }, { "0", true, 0 }, { "007", true, 7 },
		{ "18446744073709551615", true, UINT64_MAX },
		{ "18446744073709551616", false, 0 },
		{ "28446744073709551615", false, 0 },
		{ "000000000000000000000000000001", true, 1 },
		{ "1a", false, 0 }, { "-1", false, 0 }, { " 1", false, 0 },
		{ "+1", false, 0 },
	};
	static const struct { const char *text; bool ok; int64_t v; } signs[] = {
		{ "-9223372036854775808", true, INT64_MIN },
		{ "-9223372036854775809", false, 0 },
		{ "9223372036854775807", true, INT64_MAX },
		{ "9223372036854775808", false, 0 },
		{ "+5", true, 5 }, { "-0", true, 0 }, { "-", false, 0 },
		{ "--1", false, 0 }, { "", false, 0 },
	};

	for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
		uint64_t v = 4711;

		ck_assert_msg(number_u64(slice_str(rows[i].text), &v) ==
		    rows[i].ok, "%s", rows[i].text);
		ck_assert_msg(v == (rows[i].ok ? rows[i].v : 4711), "%s",
		    rows[i].text);
	}
	for (size_t i = 0; i < sizeof signs / sizeof signs[0]; i++) {
		int64_t v = 4711;

		ck_assert_msg(number_i64(slice_str(signs[i].text), &v) ==
		    signs[i].ok, "%s", signs[i].text);
		ck_assert_msg(v == (signs[i].ok ? signs[i].v : 4711), "%s",
		    signs[i].text);
	}
}
END_TEST

START_TEST(scanning)
{
	static const struct { const char *text; size_t len; double v; } rows[] = {
		{ "", 0, 0 }, { "+", 0, 0 }, { ".", 0, 0 }, { "-.", 0, 0 },
		{ "e5", 0, 0 }, { " 1", 0, 0 }, { "inf", 0, 0 },
		{ "nan", 0, 0 }, { "Infinity", 0, 0 },
		{ "5.", 2, 5 }, { ".5", 2, 0.5 }, { "-.5x", 3, -0.5 },
		{ "1e", 1, 1 }, { "1e+", 1, 1 }, { "1e+2", 4, 100 },
		{ "1E-2|", 4, 0.01 }, { "0x10", 1, 0 }, { "1,5", 1, 1 },
		{ "1.2.3", 3, 1.2 }, { "1_000", 1, 1 },
		{ "1e400", 5, INFINITY }, { "-1e400", 6, -INFINITY },
		{ "1e-400", 6, 0 }, { "1e99999999999999999999", 22, INFINITY },
		{ "1e-99999999999999999999", 23, 0 },
		{ "0e99999999999999999999", 22, 0 },
	};

	for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
		double v = 4711;

		ck_assert_msg(number_scan(slice_str(rows[i].text), &v) ==
		    rows[i].len, "%s", rows[i].text);
		ck_assert_msg(v == (rows[i].len > 0 ? rows[i].v : 4711), "%s",
		    rows[i].text);
	}
}
END_TEST

START_TEST(javascript)
{
	static const struct { const char *text; bool ok; double v; } rows[] = {
		{ "", false, 0 }, { " ", true, 0 }, { "\t\n\v\f\r ", true, 0 },
		{ "\xc2\xa0" "5\xef\xbb\xbf", true, 5 },
		{ "\xe1\x9a\x80" "5", true, 5 },
		{ "5\xe2\x80\x80", true, 5 }, { "5\xe2\x80\x8a", true, 5 },
		{ "5\xe2\x80\x8b", false, 0 },
		{ "5\xe2\x80\xa8\xe2\x80\xa9\xe2\x80\xaf", true, 5 },
		{ "\xe2\x81\x9f\xe3\x80\x80" "5", true, 5 },
		{ "5\xc2", false, 0 }, { "5\xa0", false, 0 },
		{ "5\xe2\x80", false, 0 },
		{ "5", true, 5 }, { "5.", true, 5 }, { ".5", true, .5 },
		{ "+5", true, 5 }, { "-5", true, -5 }, { "1e3", true, 1000 },
		{ "1E+3", true, 1000 }, { "1e", false, 0 }, { ".", false, 0 },
		{ "Infinity", true, INFINITY }, { "+Infinity", true, INFINITY },
		{ "-Infinity", true, -INFINITY }, { "infinity", false, 0 },
		{ "- Infinity", false, 0 }, { "Infinityx", false, 0 },
		{ "INFINITY", false, 0 }, { "inf", false, 0 },
		{ "NaN", false, 0 }, { "nan", false, 0 },
		{ "0x10", true, 16 }, { "0XfF", true, 255 },
		{ "0o17", true, 15 }, { "0O7", true, 7 },
		{ "0b11", true, 3 }, { "0B1", true, 1 },
		{ "-0x10", false, 0 }, { "+0x10", false, 0 },
		{ "0x", false, 0 }, { "0xZZ", false, 0 }, { "0o8", false, 0 },
		{ "0b2", false, 0 }, { "0x1p3", false, 0 }, { "0x1.8", false, 0 },
		{ " 0x10 ", true, 16 },
		{ "1_000", false, 0 }, { "1,5", false, 0 }, { "5f", false, 0 },
		{ "1 2", false, 0 }, { "010", true, 10 },
		{ "1e400", true, INFINITY }, { "-1e400", true, -INFINITY },
		/* halfway between two doubles, and one bit above */
		{ "0x20000000000001", true, 9007199254740992.0 },
		{ "0x20000000000003", true, 9007199254740996.0 },
		{ "0x200000000000010000000000000001", true,
		    0x1.0000000000001p117 },
		{ "0x200000000000008000000000000000", true, 0x1p117 },
	};
	char big[4096];
	double v;

	for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
		v = 4711;
		ck_assert_msg(number_js(slice_str(rows[i].text), &v) ==
		    rows[i].ok, "row %zu: '%s'", i, rows[i].text);
		ck_assert_msg(v == (rows[i].ok ? rows[i].v : 4711),
		    "row %zu: '%s' is %.17g", i, rows[i].text, v);
	}
	ck_assert(!number_js(slice_of("1\0", 2), &v));
	ck_assert(!number_js(slice_of("\0" "1", 2), &v));
	memset(big, 'f', sizeof big);
	memcpy(big, "0x", 2);
	ck_assert(number_js(slice_of(big, sizeof big), &v));
	ck_assert(isinf(v));
	ck_assert(number_js(SLICE("-0"), &v));
	ck_assert(v == 0 && signbit(v));
}
END_TEST

/* splitmix64: the same numbers on each run. */
static uint64_t state = 42;

static uint64_t
next_random(void)
{
	uint64_t z = state += 0x9e3779b97f4a7c15u;

	z = (z ^ z >> 30) * 0xbf58476d1ce4e5b9u;
	z = (z ^ z >> 27) * 0x94d049bb133111ebu;
	return z ^ z >> 31;
}

static void
same_as_library(const char *text)
{
	double v = 0, expected = strtod(text, NULL);

	ck_assert_msg(number_double(slice_str(text), &v), "%s", text);
	ck_assert_msg(memcmp(&v, &expected, sizeof v) == 0,
	    "%s: %.17g, library %.17g", text, v, expected);
}

START_TEST(rounding)
{
	static const char *const rows[] = {
		"0.1", "123.456", "9007199254740993", "9007199254740993.0",
		"9007199254740993.00000000000000000000000000000000001",
		"2.2250738585072011e-308", "2.2250738585072014e-308",
		"4.9406564584124654e-324", "2.4703282292062327e-324",
		"2.4703282292062328e-324", "1.7976931348623157e308",
		"1.7976931348623158e308", "1.7976931348623159e308",
		"179769313486231580793728971405301e276", "1e23", "8.5e22",
		"0.000000000000000000000000000000000000000000000000001e51",
		"00000000000000000000000000000000000000000000000000001",
		"0.00000000000000000000000000000000000000000000000000000",
		"9999999999999999999", "99999999999999999999",
		"18446744073709551615", "18446744073709551616",
		"1234567890123456789e-19", "1234567890123456789e19",
		"1234567890123456789e20", "9999999999999999999e-19",
		"320.4563713073730", "0.30000000000000004",
		"6.5e-5", "1e-19", "1e-20", "-0", "-0.0e5",
	};
	char text[80];

	for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++)
		same_as_library(rows[i]);
	for (int i = 0; i < 300000; i++) {
		snprintf(text, sizeof text, "%llu.%0*llue%d",
		    (unsigned long long)(next_random() >> (next_random() & 63)),
		    (int)(next_random() % 12),
		    (unsigned long long)(next_random() >> (next_random() & 63)),
		    (int)(next_random() % 60) - 30);
		same_as_library(text);
	}
	for (int i = 0; i < 300000; i++) {
		uint64_t bits = next_random();
		double v;

		memcpy(&v, &bits, sizeof v);
		if (!isfinite(v))
			continue;
		snprintf(text, sizeof text, "%.*g",
		    (int)(next_random() % 25) + 1, v);
		same_as_library(text);
	}
}
END_TEST

/* The 768 digits and more of numbers between two doubles. */
START_TEST(long_digits)
{
	static char text[200000];
	double v;
	size_t n;

	n = (size_t)snprintf(text, sizeof text, "%.1100f", 0x1p-1074 * 1.5);
	same_as_library(text);
	n = (size_t)snprintf(text, sizeof text, "%.1080f", 0x1.fffffffffffffp-1022);
	same_as_library(text);
	/* a midpoint, then nothing but one digit far behind it */
	n = (size_t)snprintf(text, sizeof text, "9007199254740993.");
	memset(text + n, '0', sizeof text - n);
	ck_assert(number_double(slice_of(text, sizeof text), &v));
	ck_assert(v == 9007199254740992.0);
	text[sizeof text - 1] = '1';
	ck_assert(number_double(slice_of(text, sizeof text), &v));
	ck_assert(v == 9007199254740994.0);
	memset(text, '7', sizeof text);
	ck_assert(number_double(slice_of(text, sizeof text), &v));
	ck_assert(isinf(v));
	text[0] = '.';
	ck_assert(number_double(slice_of(text, sizeof text), &v));
	ck_assert(v == 7.0 / 9.0);
}
END_TEST

START_TEST(format)
{
	static const struct { double v; const char *text; } rows[] = {
		{ 0, "0" }, { -0.0, "0" }, { 1, "1" }, { -1, "-1" },
		{ 1e20, "100000000000000000000" }, { 1e21, "1e+21" },
		{ 1e-6, "0.000001" }, { 1e-7, "1e-7" }, { -1e-7, "-1e-7" },
		{ 0.1 + 0.2, "0.30000000000000004" }, { 5e-324, "5e-324" },
		{ 10.0 / 3, "3.3333333333333335" },
		{ INFINITY, "Infinity" }, { -INFINITY, "-Infinity" },
		{ 123456789012345680000.0, "123456789012345680000" },
		{ 9007199254740991.0, "9007199254740991" },
		{ 9007199254740992.0, "9007199254740992" },
		{ 9007199254740993.0, "9007199254740992" },
		{ 1.7976931348623157e308, "1.7976931348623157e+308" },
		{ 2.2250738585072014e-308, "2.2250738585072014e-308" },
		{ 2.2250738585072009e-308, "2.225073858507201e-308" },
		{ 1.5e300, "1.5e+300" }, { 1.25, "1.25" }, { 0.5, "0.5" },
		{ 4.285714285714286, "4.285714285714286" },
		{ 1e-15, "1e-15" }, { 0x1p-44, "5.684341886080802e-14" },
		{ 9.5367431640625e-7, "9.5367431640625e-7" },
		{ 1.2345e-5, "0.000012345" }, { 123.456, "123.456" },
		{ -1.2345678901234567e-300, "-1.2345678901234568e-300" },
		{ 1e23, "1e+23" }, { 0x1p53 * 2 + 4, "18014398509481988" },
		/* powers of two, where the gap below is half of that above */
		{ 0x1p-24, "5.960464477539063e-8" },
		{ 0x1p-1022, "2.2250738585072014e-308" },
		{ 0x1p89, "6.189700196426902e+26" },
		{ 0x1p-30, "9.313225746154785e-10" },
	};
	char out[NUMBER_TEXT];

	for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
		ck_assert_uint_eq(number_format_js(out, rows[i].v),
		    strlen(rows[i].text));
		ck_assert_str_eq(out, rows[i].text);
	}
	number_format_js(out, NAN);
	ck_assert_str_eq(out, "NaN");
}
END_TEST

/* How many digits the shortest text has that reads back, found by trying. */
static int
fewest(double v)
{
	char text[64];
	int p = 1;

	for (; p < 17; p++) {
		snprintf(text, sizeof text, "%.*e", p - 1, v);
		if (strtod(text, NULL) == v)
			break;
	}
	return p;
}

static int
digits_of(const char *text)
{
	int n = 0, zeros = 0;

	for (; *text != '\0' && *text != 'e'; text++) {
		if (*text < '0' || *text > '9')
			continue;
		if (*text == '0') {
			zeros += n > 0;
			continue;
		}
		n += zeros + 1;
		zeros = 0;
	}
	return n;
}

static void
round_trip(double v)
{
	char out[NUMBER_TEXT];
	char exact[64];
	int most;

	ck_assert_uint_lt(number_format_js(out, v), NUMBER_TEXT);
	ck_assert_msg(strtod(out, NULL) == v, "%.17g gave %s", v, out);
	most = fewest(v);
	ck_assert_msg(digits_of(out) <= most, "%.17g gave %s", v, out);
	/* as many digits, then the nearest of that length */
	snprintf(exact, sizeof exact, "%.*e", most - 1, v);
	if (digits_of(out) == most && most < 17)
		ck_assert_msg(strtod(exact, NULL) == v, "%s", exact);
	if (most == 17) {
		double a = strtod(out, NULL);

		ck_assert(a == v);
	}
}

START_TEST(format_round_trips)
{
	char out[NUMBER_TEXT], exact[64];

	for (int i = 0; i < 200000; i++) {
		uint64_t bits = next_random();
		double v;

		memcpy(&v, &bits, sizeof v);
		if (isfinite(v))
			round_trip(v);
		v = (double)(next_random() >> 11) *
		    pow(10, -(double)(next_random() % 31));
		round_trip(v);
		round_trip(floor(v * 1000) / 1000);
	}
	for (int e = -1074; e < 1024; e++)
		round_trip(ldexp(1, e));
	/* seventeen digits: the nearest of all that read back */
	for (int i = 0; i < 200000; i++) {
		double v = 1 + (double)(next_random() >> 12) * 0x1p-52;

		number_format_js(out, v);
		snprintf(exact, sizeof exact, "%.*g", digits_of(out), v);
		ck_assert_str_eq(out, exact);
	}
}
END_TEST

/* A comma for a point must not matter, where such a locale is installed. */
START_TEST(locale)
{
	char out[NUMBER_TEXT];
	double v;

	if (setlocale(LC_ALL, "de_DE.UTF-8") == NULL &&
	    setlocale(LC_ALL, "fr_FR.UTF-8") == NULL)
		return;
	ck_assert(number_double(SLICE("123456789012345678901.5e-300"), &v));
	ck_assert(v == 123456789012345678901.5e-300);
	number_format_js(out, 1.2345678901234568e-300);
	ck_assert_str_eq(out, "1.2345678901234568e-300");
	setlocale(LC_ALL, "C");
}
END_TEST

/* Numbers of every length up to eight digits, with every byte behind them. */
START_TEST(digits_by_eights)
{
	char text[32];
	uint64_t v;

	for (unsigned n = 0; n <= 8; n++)
		for (unsigned c = 0; c < 256; c++) {
			memset(text, '9', sizeof text);
			memcpy(text, "10293847", n);
			if (n < 8)
				text[n] = (char)c;
			if (n < 8 && c >= '0' && c <= '9')
				continue;
			ck_assert_uint_eq(digits_upto8(text, &v), n);
			text[n] = '\0';
			ck_assert_uint_eq(v, strtoul(text, NULL, 10));
		}
}
END_TEST

#ifdef __SSE2__
static bool
decimal_of(const char *text, size_t n, double *v)
{
	uint64_t w;

	memcpy(&w, text + n - 8, 8);
	return digits_decimal(w, (unsigned)n, v);
}

/* Up to eight digits with a point at each place, as the C library reads them,
 * and one byte that is none in each place. */
START_TEST(digits_with_a_point)
{
	char text[17];
	double v;

	for (size_t n = 1; n <= 8; n++)
		for (size_t at = n == 8; at <= n; at++)
			for (unsigned long i = 0; i < 20000; i++) {
				memset(text, i % 2 ? '9' : '|', sizeof text);
				snprintf(text + 8, 9, "%08lu",
				    i * 48271 % 100000000);
				if (at < n)
					text[8 + at] = '.';
				memmove(text + 8 - n, text + 8, n);
				text[8] = '\0';
				if (n == 1 && at == 0)
					continue;	/* "." */
				if (!decimal_of(text + 8 - n, n, &v) ||
				    v != strtod(text + 8 - n, NULL))
					ck_abort_msg("%s is %g", text + 8 - n,
					    v);
			}
}
END_TEST

START_TEST(digits_with_another_byte)
{
	double v;

	for (size_t n = 1; n <= 8; n++)
		for (size_t at = 0; at < n; at++)
			for (unsigned c = 0; c < 256; c++) {
				char text[9] = "12345678";

				text[8 - n + at] = (char)c;
				ck_assert_int_eq(decimal_of(text + 8 - n, n,
				    &v), (c >= '0' && c <= '9') || c == '.');
				if (n == 1)
					continue;
				text[8 - n + (at + 1) % n] = '.';
				ck_assert_int_eq(decimal_of(text + 8 - n, n,
				    &v), c >= '0' && c <= '9');
			}
}
END_TEST
#endif

START_TEST(digits_written)
{
	static const uint64_t odd[] = { 0, 9, 10, 99, 100, 101, UINT64_MAX };
	char got[DIGITS_U64 + 1], want[32];

	for (uint64_t v = 1; v < UINT64_MAX / 7; v *= 7) {
		*digits_put(got, v) = '\0';
		snprintf(want, sizeof want, "%llu", (unsigned long long)v);
		ck_assert_str_eq(got, want);
	}
	for (size_t i = 0; i < sizeof odd / sizeof *odd; i++) {
		*digits_put(got, odd[i]) = '\0';
		snprintf(want, sizeof want, "%llu", (unsigned long long)odd[i]);
		ck_assert_str_eq(got, want);
	}
}
END_TEST

START_TEST(digits_of_sixteen)
{
	static const struct {
		const char *text;
		size_t n;
		bool ok;
		uint32_t v;
	} rows[] = {
		{ "", 0, true, 0 }, { "0", 1, true, 0 }, { "fF", 2, true, 255 },
		{ "00e9", 4, true, 0xe9 }, { "dEadbeef", 8, true, 0xdeadbeef },
		{ "1g", 2, false, 7 }, { "g1", 2, false, 7 },
		{ "/0", 2, false, 7 }, { "0:", 2, false, 7 },
		{ "@a", 2, false, 7 }, { "a`", 2, false, 7 },
		{ "+1", 2, false, 7 }, { "12G", 2, true, 0x12 },
	};

	for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
		uint32_t v = 7;

		ck_assert_int_eq(digits_hex_n(rows[i].text, rows[i].n, &v),
		    rows[i].ok);
		ck_assert_uint_eq(v, rows[i].v);
	}
}
END_TEST

int
main(void)
{
	Suite *s = suite_create("number");
	TCase *t = tcase_create("number");
	SRunner *r;
	int failed;

	tcase_set_timeout(t, 60);
	tcase_add_test(t, whole_numbers);
	tcase_add_test(t, scanning);
	tcase_add_test(t, javascript);
	tcase_add_test(t, rounding);
	tcase_add_test(t, long_digits);
	tcase_add_test(t, format);
	tcase_add_test(t, format_round_trips);
	tcase_add_test(t, locale);
	tcase_add_test(t, digits_by_eights);
#ifdef __SSE2__
	tcase_add_test(t, digits_with_a_point);
	tcase_add_test(t, digits_with_another_byte);
#endif
	tcase_add_test(t, digits_written);
	tcase_add_test(t, digits_of_sixteen);
	suite_add_tcase(s, t);
	r = srunner_create(s);
	srunner_run_all(r, CK_NORMAL);
	failed = srunner_ntests_failed(r);
	srunner_free(r);
	return failed != 0;
}
