/* number_format.c - doubles as JavaScript writes them: shortest digits.
 *
 * Whole numbers are printed as such.  For the rest the doubles' neighbourhood,
 * the open run of reals that read back as v, is laid on a grid of 10^-k in 128
 * bits, exactly; then digits are dropped while a coarser grid still has a
 * point inside.  Numbers too great or too small for 128 bits are tried with
 * printf at rising precision, which is slow and seldom. */
#include "config.h"

#include <float.h>
#include <math.h>
#include <stdio.h>

#include "base/digits.h"
#include "base/number.h"

/* v = digits * 10^exponent */
struct shortest {
	uint64_t digits;
	int exponent;
};

static uint64_t
bits_of(double v)
{
	uint64_t bits;

	memcpy(&bits, &v, sizeof bits);
	return bits;
}

/* The neighbour below is half as far away as the one above. */
static bool
power_of_two(double v)
{
	return (bits_of(v) & ((UINT64_C(1) << 52) - 1)) == 0;
}

static struct shortest
without_zeros(struct shortest s)
{
	while (s.digits % 10 == 0 && s.digits != 0) {
		s.digits /= 10;
		s.exponent++;
	}
	return s;
}

static bool
reads_back(struct shortest s, double v)
{
	char text[48];
	double got;
	int n = snprintf(text, sizeof text, "%llue%d",
	    (unsigned long long)s.digits, s.exponent);

	return number_double(slice_of(text, (size_t)n), &got) && got == v;
}

/* v rounded to that many digits, whatever the locale's decimal point. */
static struct shortest
rounded(double v, int precision)
{
	struct shortest s = { 0, 0 };
	char text[64];
	const char *p = text;
	int64_t e = 0;

	snprintf(text, sizeof text, "%.*e", precision - 1, v);
	for (; *p != 'e'; p++)
		if (*p >= '0' && *p <= '9')
			s.digits = s.digits * 10 + (unsigned)(*p - '0');
	number_i64(slice_str(p + 1), &e);
	s.exponent = (int)e - (precision - 1);
	return s;
}

static struct shortest
by_trying(double v)
{
	struct shortest s = { 0, 0 };

	/* any 15 digits name one double, unless it is subnormal */
	for (int p = v < DBL_MIN ? 1 : 15; p <= 17; p++) {
		s = rounded(v, p);
		if (reads_back(s, v))
			break;
		s.digits++;
		if (power_of_two(v) && reads_back(s, v))
			break;
		s.digits--;
	}
	return without_zeros(s);
}

#ifdef __SIZEOF_INT128__
__extension__ typedef unsigned __int128 u128;

static u128
power_of_five(unsigned k)
{
	static const uint64_t fives[] = {
		1u, 5u, 25u, 125u, 625u, 3125u, 15625u, 78125u, 390625u,
		1953125u, 9765625u, 48828125u, 244140625u, 1220703125u,
		6103515625u, 30517578125u, 152587890625u, 762939453125u,
		3814697265625u, 19073486328125u, 95367431640625u,
		476837158203125u, 2384185791015625u, 11920928955078125u,
		59604644775390625u, 298023223876953125u,
		1490116119384765625u, 7450580596923828125u
	};

	return k <= 27 ? fives[k] : (u128)fives[27] * fives[k - 27];
}

/* The grid points low..high all read back as v, which lies at `at` or a
 * fraction beyond it. */
struct grid {
	uint64_t low, high, at;
};

/* Coarser and coarser while a point is left, then the point nearest to v. */
static struct shortest
coarsen(struct grid g, int exponent, u128 fraction, u128 half)
{
	bool up = fraction > half || (fraction == half && (g.at & 1) != 0);
	bool rest = fraction != 0;

	while ((g.low + 9) / 10 <= g.high / 10) {
		unsigned last = (unsigned)(g.at % 10);

		g.low = (g.low + 9) / 10;
		g.high /= 10;
		g.at /= 10;
		exponent++;
		up = last > 5 || (last == 5 && (rest || (g.at & 1) != 0));
		rest = rest || last != 0;
	}
	g.at += up;
	if (g.at < g.low)
		g.at = g.low;
	if (g.at > g.high)
		g.at = g.high;
	return without_zeros((struct shortest){ g.at, exponent });
}

/* For 2^-49 <= v < 2^53 and not whole: v = m * 2^q and 5^k below 2^72, so that
 * 4m * 5^k fits, and 10^k * v has 17 or 18 digits. */
static struct shortest
by_grid(double v)
{
	uint64_t bits = bits_of(v);
	int e2 = (int)(bits >> 52) - 1023;
	uint64_t m = (bits & ((UINT64_C(1) << 52) - 1)) | UINT64_C(1) << 52;
	int k = 16 - (int)((int64_t)e2 * 78913 >> 18);	/* log10(2) */
	int shift = 2 - (e2 - 52) - k;
	u128 five = power_of_five((unsigned)k);
	u128 middle = 4 * (u128)m * five;
	u128 low = middle - (power_of_two(v) ? 1u : 2u) * five;
	u128 high = middle + 2 * five;
	u128 mask = ((u128)1 << shift) - 1;
	/* a tie reads back as the even one */
	bool open = (m & 1) != 0;
	struct grid g;

	g.low = (uint64_t)(low >> shift) + ((low & mask) != 0 || open);
	g.high = (uint64_t)(high >> shift) - ((high & mask) == 0 && open);
	g.at = (uint64_t)(middle >> shift);
	return coarsen(g, -k, middle & mask, (u128)1 << (shift - 1));
}
#endif

static struct shortest
shortest(double v)
{
#ifdef __SIZEOF_INT128__
	if (v >= 0x1p-49 && v < 0x1p53)
		return by_grid(v);
#endif
	return by_trying(v);
}

struct text {
	char *to;
	size_t len;
};

static void
put(struct text *t, const char *bytes, size_t n)
{
	memcpy(t->to + t->len, bytes, n);
	t->len += n;
}

static void
put_zeros(struct text *t, int n)
{
	for (; n > 0; n--)
		t->to[t->len++] = '0';
}

/* d1..dk with the point after n of them, as ECMA-262 words it. */
static void
lay_out(struct text *t, const char *d, int k, int n)
{
	char e[DIGITS_U64], *end;

	if (k <= n && n <= 21) {
		put(t, d, (size_t)k);
		put_zeros(t, n - k);
	} else if (0 < n && n <= 21) {
		put(t, d, (size_t)n);
		put(t, ".", 1);
		put(t, d + n, (size_t)(k - n));
	} else if (-6 < n && n <= 0) {
		put(t, "0.", 2);
		put_zeros(t, -n);
		put(t, d, (size_t)k);
	} else {
		put(t, d, 1);
		if (k > 1) {
			put(t, ".", 1);
			put(t, d + 1, (size_t)(k - 1));
		}
		put(t, n > 0 ? "e+" : "e-", 2);
		end = digits_put(e, (uint64_t)(n > 0 ? n - 1 : 1 - n));
		put(t, e, (size_t)(end - e));
	}
}

static void
put_finite(struct text *t, double v)
{
	char digits[DIGITS_U64], *end;
	struct shortest s;
	int k;

	if (v < 0) {
		put(t, "-", 1);
		v = -v;
	}
	if (v < 0x1p53 && v == (double)(uint64_t)v) {
		end = digits_put(digits, (uint64_t)v);
		put(t, digits, (size_t)(end - digits));
		return;
	}
	s = shortest(v);
	end = digits_put(digits, s.digits);
	k = (int)(end - digits);
	lay_out(t, digits, k, k + s.exponent);
}

size_t
number_format_js(char out[NUMBER_TEXT], double v)
{
	struct text t = { out, 0 };

	if (isnan(v))
		put(&t, "NaN", 3);
	else if (isinf(v))
		put(&t, v < 0 ? "-Infinity" : "Infinity", v < 0 ? 9 : 8);
	else
		put_finite(&t, v);
	t.to[t.len] = '\0';
	return t.len;
}
