/* number.c - numbers from bytes.
 *
 * A decimal is read into an integer w of up to 19 digits and a power of ten.
 * What clients send is then exact in a double multiplication or division
 * (w <= 2^53, power <= 22), or in one operation on 128 bits.  The C library
 * gets the rest, with its C locale, from a copy whose length is bounded. */
#include "config.h"

#include <locale.h>
#include <math.h>
#include <pthread.h>
#include <stdlib.h>

#include "base/digits.h"
#include "base/number.h"

/* No double's rounding depends on more digits than this (767 is the longest
 * decimal expansion of a midpoint); what follows only matters as "not zero". */
#define MAX_DIGITS 800
/* Where an exponent stops growing: far beyond what any digits can undo. */
#define MAX_EXPONENT 100000000

static const double tens[] = {
	1e0, 1e1, 1e2, 1e3, 1e4, 1e5, 1e6, 1e7, 1e8, 1e9, 1e10, 1e11,
	1e12, 1e13, 1e14, 1e15, 1e16, 1e17, 1e18, 1e19, 1e20, 1e21, 1e22
};

static bool
digit(char c)
{
	return (unsigned char)(c - '0') < 10;
}

bool
number_u64(struct slice s, uint64_t *v)
{
	uint64_t sum = 0;

	if (s.len == 0)
		return false;
	for (size_t i = 0; i < s.len; i++) {
		unsigned d = (unsigned char)(s.ptr[i] - '0');

		if (d > 9 || sum > UINT64_MAX / 10 ||
		    sum * 10 > UINT64_MAX - d)
			return false;
		sum = sum * 10 + d;
	}
	*v = sum;
	return true;
}

bool
number_i64(struct slice s, int64_t *v)
{
	bool negative = s.len > 0 && s.ptr[0] == '-';
	uint64_t sum;

	if (negative || (s.len > 0 && s.ptr[0] == '+'))
		s = slice_from(s, 1);
	if (!number_u64(s, &sum) || sum > (uint64_t)INT64_MAX + negative)
		return false;
	*v = negative ? (int64_t)-sum : (int64_t)sum;
	return true;
}

/* A decimal taken apart; the slices borrow the text. */
struct decimal {
	struct slice whole, fraction;	/* digits before and after the point */
	uint64_t w;			/* their value, when digits <= 19 */
	unsigned digits;		/* how many are in w, or more than 19 */
	int exponent;			/* of ten, as written behind 'e' */
	bool negative;
};

/* Add a run of digits to d->w, and answer where it ends.  Leading zeros do
 * not count as digits. */
static const char *
run(struct decimal *d, const char *p, const char *end)
{
	for (; p < end && digit(*p); p++) {
		if (d->digits < 19)
			d->w = d->w * 10 + (unsigned)(*p - '0');
		if (d->w != 0 && d->digits <= 19)
			d->digits++;
	}
	return p;
}

/* The "e+12" at p, if it is one; answers where it ends, p when it is none. */
static const char *
exponent(struct decimal *d, const char *p, const char *end)
{
	const char *q = p;
	bool negative = false;
	int e = 0;

	if (q == end || (*q != 'e' && *q != 'E'))
		return p;
	if (++q < end && (*q == '+' || *q == '-'))
		negative = *q++ == '-';
	if (q == end || !digit(*q))
		return p;
	for (; q < end && digit(*q); q++)
		if (e < MAX_EXPONENT)
			e = e * 10 + (*q - '0');
	d->exponent = negative ? -e : e;
	return q;
}

static size_t
take_apart(struct slice s, struct decimal *d)
{
	const char *p = s.ptr, *end = p + s.len, *start;

	*d = (struct decimal){ .negative = false };
	if (s.len > 0 && (*p == '+' || *p == '-'))
		d->negative = *p++ == '-';
	start = p;
	p = run(d, p, end);
	d->whole = slice_of(start, (size_t)(p - start));
	if (p < end && *p == '.') {
		start = p + 1;
		p = run(d, start, end);
		d->fraction = slice_of(start, (size_t)(p - start));
	}
	if (d->whole.len == 0 && d->fraction.len == 0)
		return 0;
	return (size_t)(exponent(d, p, end) - s.ptr);
}

#ifdef __SIZEOF_INT128__
__extension__ typedef unsigned __int128 u128;

static const uint64_t wide_tens[] = {
	1u, 10u, 100u, 1000u, 10000u, 100000u, 1000000u, 10000000u,
	100000000u, 1000000000u, 10000000000u, 100000000000u,
	1000000000000u, 10000000000000u, 100000000000000u,
	1000000000000000u, 10000000000000000u, 100000000000000000u,
	1000000000000000000u, 10000000000000000000u
};

/* w * 10^e for 0 < w and -19 <= e <= 19: the product is exact in 128 bits, and
 * a quotient of 64 bits or more with "and a rest" as its lowest bit rounds as
 * the true one does. */
static double
wide(uint64_t w, int e)
{
	u128 whole;
	uint64_t by;
	int shift;

	if (e >= 0)
		return (double)((u128)w * wide_tens[e]);
	by = wide_tens[-e];
	shift = __builtin_clzll(w);
	whole = (u128)(w << shift) << 64;
	return ldexp((double)(whole / by | (whole % by != 0)), -64 - shift);
}
#endif

static locale_t c_locale;

static void
make_locale(void)
{
	c_locale = newlocale(LC_ALL_MASK, "C", (locale_t)0);
}

/* text is "digits[e[-]digits]", so that no locale can read it otherwise; the
 * C locale is asked for all the same, where it can be had. */
static double
by_library(const char *text)
{
	static pthread_once_t once = PTHREAD_ONCE_INIT;

	pthread_once(&once, make_locale);
	return c_locale == (locale_t)0 ? strtod(text, NULL) :
	    strtod_l(text, NULL, c_locale);
}

struct copy {
	char text[MAX_DIGITS + 32];
	size_t len;
	long dropped;		/* digits left out behind, and a 1 for them */
	bool sticky;
};

static void
copy_digits(struct copy *c, struct slice s)
{
	for (size_t i = 0; i < s.len; i++) {
		if (c->len == 0 && s.ptr[i] == '0')
			continue;
		if (c->len < MAX_DIGITS) {
			c->text[c->len++] = s.ptr[i];
		} else {
			c->dropped++;
			c->sticky |= s.ptr[i] != '0';
		}
	}
}

static void
copy_exponent(struct copy *c, long e)
{
	char digits[20];
	size_t at = sizeof digits;
	unsigned long left = (unsigned long)(e < 0 ? -e : e);

	c->text[c->len++] = 'e';
	if (e < 0)
		c->text[c->len++] = '-';
	do {
		digits[--at] = (char)('0' + left % 10);
		left /= 10;
	} while (left > 0);
	memcpy(c->text + c->len, digits + at, sizeof digits - at);
	c->len += sizeof digits - at;
	c->text[c->len] = '\0';
}

static double
slow(const struct decimal *d)
{
	struct copy c;
	long e;

	c.len = 0;
	c.dropped = 0;
	c.sticky = false;
	copy_digits(&c, d->whole);
	copy_digits(&c, d->fraction);
	if (c.len == 0)
		return 0;
	e = d->exponent + c.dropped - (long)d->fraction.len;
	if (c.sticky) {
		c.text[c.len++] = '1';
		e--;
	}
	if (e > MAX_EXPONENT)
		e = MAX_EXPONENT;
	if (e < -MAX_EXPONENT)
		e = -MAX_EXPONENT;
	copy_exponent(&c, e);
	return by_library(c.text);
}

static double
magnitude(const struct decimal *d)
{
	long e = d->exponent - (long)d->fraction.len;

	if (d->digits > 19)
		return slow(d);
	if (d->w == 0)
		return 0;
	if (d->w <= UINT64_C(1) << 53 && e >= -22 && e <= 22)
		return e < 0 ? (double)d->w / tens[-e] : (double)d->w * tens[e];
#ifdef __SIZEOF_INT128__
	if (e >= -19 && e <= 19)
		return wide(d->w, (int)e);
#endif
	return slow(d);
}

size_t
number_scan(struct slice s, double *v)
{
	struct decimal d;
	size_t len = take_apart(s, &d);
	double m;

	if (len == 0)
		return 0;
	m = magnitude(&d);
	*v = d.negative ? -m : m;
	return len;
}

bool
number_double(struct slice s, double *v)
{
	double got;

	if (s.len == 0 || number_scan(s, &got) != s.len)
		return false;
	*v = got;
	return true;
}

size_t
number_js_blank(struct slice s)
{
	const unsigned char *p = (const unsigned char *)s.ptr;

	if (s.len == 0)
		return 0;
	if (p[0] == ' ' || (p[0] >= '\t' && p[0] <= '\r'))
		return 1;
	if (p[0] == 0xc2)
		return s.len > 1 && p[1] == 0xa0 ? 2 : 0;
	if (s.len < 3)
		return 0;
	switch (p[0] << 16 | p[1] << 8 | p[2]) {
	case 0xe19a80:			/* U+1680 */
	case 0xe280a8:			/* U+2028, U+2029 */
	case 0xe280a9:
	case 0xe280af:			/* U+202F */
	case 0xe2819f:			/* U+205F */
	case 0xe38080:			/* U+3000 */
	case 0xefbbbf:			/* U+FEFF */
		return 3;
	}
	/* U+2000 .. U+200A */
	return p[0] == 0xe2 && p[1] == 0x80 && p[2] >= 0x80 && p[2] <= 0x8a ?
	    3 : 0;
}

/* How many bytes at the end of s are one blank. */
static size_t
blank_behind(struct slice s)
{
	for (size_t n = 1; n <= 3 && n <= s.len; n++)
		if (number_js_blank(slice_from(s, s.len - n)) == n)
			return n;
	return 0;
}

struct slice
number_js_trim(struct slice s)
{
	size_t n;

	while ((n = number_js_blank(s)) > 0)
		s = slice_from(s, n);
	while ((n = blank_behind(s)) > 0)
		s.len -= n;
	return s;
}

/* An integer of 2^bits to a digit: its first 64 bits, a lowest bit that says
 * whether anything but zeros followed, and how many there were. */
static bool
power_of_two(struct slice s, unsigned bits, double *v)
{
	uint64_t top = 0;
	size_t extra = 0;
	bool sticky = false;

	for (size_t i = 0; i < s.len; i++) {
		int value = digits_hex(s.ptr[i]);
		unsigned d = (unsigned)value;

		if (value < 0 || d >> bits != 0)
			return false;
		for (unsigned b = bits; b-- > 0; ) {
			if (top >> 63 == 0) {
				top = top << 1 | (d >> b & 1);
			} else {
				sticky |= d >> b & 1;
				extra++;
			}
		}
	}
	if (s.len == 0)
		return false;
	if (extra > 2000)	/* beyond any double */
		extra = 2000;
	*v = ldexp((double)(top | sticky), (int)extra);
	return true;
}

static bool
radix(struct slice s, double *v)
{
	switch (s.ptr[1]) {
	case 'x':
	case 'X':
		return power_of_two(slice_from(s, 2), 4, v);
	case 'o':
	case 'O':
		return power_of_two(slice_from(s, 2), 3, v);
	case 'b':
	case 'B':
		return power_of_two(slice_from(s, 2), 1, v);
	}
	return false;
}

bool
number_js(struct slice s, double *v)
{
	struct slice rest;

	if (number_double(s, v))
		return true;
	if (s.len == 0)
		return false;
	s = number_js_trim(s);
	if (s.len == 0) {
		*v = 0;
		return true;
	}
	if (s.len > 2 && s.ptr[0] == '0' && radix(s, v))
		return true;
	rest = s.ptr[0] == '+' || s.ptr[0] == '-' ? slice_from(s, 1) : s;
	if (slice_eq(rest, SLICE("Infinity"))) {
		*v = s.ptr[0] == '-' ? -INFINITY : INFINITY;
		return true;
	}
	return number_double(s, v);
}
