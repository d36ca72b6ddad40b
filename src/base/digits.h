/* digits.h - decimal digits, several at a time.
 *
 * Read: what ends a number is told by arithmetic on eight bytes as one integer,
 * so that numbers of one, two or five digits cost the same and no guess of the
 * processor about their length is wrong. */
#ifndef MILLRACE_BASE_DIGITS_H
#define MILLRACE_BASE_DIGITS_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>
#ifdef __SSE2__
#include <emmintrin.h>
#endif

/* Do eight bytes lie as we think? */
#if defined __BYTE_ORDER__ && __BYTE_ORDER__ == __ORDER_LITTLE_ENDIAN__
#define DIGITS_AT_ONCE 1
#else
#define DIGITS_AT_ONCE 0
#endif

/* Eight digits, as integers of a byte each, the first one lowest. */
static inline uint64_t
digits_sum(uint64_t w)
{
	w = w * 10 + (w >> 8);			/* pairs, */
	return ((w & UINT64_C(0x000000ff000000ff)) *
	    UINT64_C(0x000f424000000064) +
	    (w >> 16 & UINT64_C(0x000000ff000000ff)) *
	    UINT64_C(0x0000271000000001)) >> 32;	/* all of them */
}

/* How many of the eight bytes at p are digits until the first that is not, and
 * in *v their value.  8 bytes must be readable. */
static inline unsigned
digits_upto8(const char *p, uint64_t *v)
{
	uint64_t w, over;
	unsigned n;

	memcpy(&w, p, 8);
	w ^= UINT64_C(0x3030303030303030);	/* digits are 0 to 9 now */
	/* the high bit of each byte over 9; above the first one carries lie */
	over = ((w + UINT64_C(0x7676767676767676)) | w) &
	    UINT64_C(0x8080808080808080);
	n = over == 0 ? 8 : (unsigned)__builtin_ctzll(over) / 8;
	if (n == 0) {
		*v = 0;
		return 0;
	}
	*v = digits_sum(w << (64 - 8 * n));	/* zeros in front of them */
	return n;
}

/* What eight characters with a point among them are worth: a digit in its four,
 * each four, and what to divide by.  By the byte in which the point stands; 0:
 * there is none. */
struct digits_worth {
	_Alignas(16) int16_t digit[8];
	_Alignas(16) double four[2];
	double divide;
};
extern const struct digits_worth digits_worth[8];

#ifdef __SSE2__
/* Eight digits, a byte each; both fours are whole and small, so that only the
 * division rounds. */
static inline double
digits_weigh(uint64_t w, const struct digits_worth *k)
{
	__m128i d = _mm_unpacklo_epi8(_mm_set_epi64x(0, (int64_t)w),
	    _mm_setzero_si128());
	__m128d four;

	d = _mm_madd_epi16(d, *(const __m128i *)(const void *)k->digit);
	d = _mm_add_epi32(d, _mm_srli_epi64(d, 32));
	four = _mm_mul_pd(_mm_cvtepi32_pd(_mm_shuffle_epi32(d,
	    _MM_SHUFFLE(3, 1, 2, 0))), _mm_load_pd(k->four));
	return _mm_cvtsd_f64(_mm_add_sd(four, _mm_unpackhi_pd(four, four))) /
	    k->divide;
}

/* The value of "12" or "12.5", the last n bytes (1 to 8) of the eight in w; false
 * when they are something else.  A point that has no digit before it counts as
 * one, unless it is the first of eight.  Without a branch that would have to be
 * guessed: where the point stands says what the digits are worth. */
static inline bool
digits_decimal(uint64_t w, unsigned n, double *v)
{
	unsigned before = 64 - 8 * n;
	uint64_t over, point;

	w = (w ^ UINT64_C(0x3030303030303030)) >> before << before;
	over = ((w + UINT64_C(0x7676767676767676)) | w) &
	    UINT64_C(0x8080808080808080);	/* as above */
	point = over >> 7;
	w ^= point * ('.' ^ '0');		/* 0, if it is one */
	if (((over & (over - 1)) | (w & point * 0xff)) != 0)
		return false;
	*v = digits_weigh(w, &digits_worth[(unsigned)(63 -
	    __builtin_clzll(over | 1)) / 8]);
	return true;
}
#endif

/* What a hexadecimal digit of either case stands for, or -1. */
static inline int
digits_hex(char c)
{
	if (c >= '0' && c <= '9')
		return c - '0';
	if (c >= 'a' && c <= 'f')
		return c - 'a' + 10;
	if (c >= 'A' && c <= 'F')
		return c - 'A' + 10;
	return -1;
}

/* n hexadecimal digits at p, n <= 8, all readable: *v on success. */
static inline bool
digits_hex_n(const char *p, size_t n, uint32_t *v)
{
	uint32_t sum = 0;

	for (size_t i = 0; i < n; i++) {
		int d = digits_hex(p[i]);

		if (d < 0)
			return false;
		sum = sum << 4 | (uint32_t)d;
	}
	*v = sum;
	return true;
}

/* The same of base64 (RFC 4648 section 4). */
static inline int
digits_base64(char c)
{
	if (c >= 'A' && c <= 'Z')
		return c - 'A';
	if (c >= 'a' && c <= 'z')
		return c - 'a' + 26;
	if (c >= '0' && c <= '9')
		return c - '0' + 52;
	return c == '+' ? 62 : c == '/' ? 63 : -1;
}

/* The most that digits_put() writes. */
#define DIGITS_U64 20
/* Write v at to; returns where it ends. */
char *digits_put(char *to, uint64_t v);

#endif
