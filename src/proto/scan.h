/* scan.h - finding bytes, sixteen at a time where the machine can. */
#ifndef MILLRACE_PROTO_SCAN_H
#define MILLRACE_PROTO_SCAN_H

#include <stdbool.h>
#include <stddef.h>

#ifdef __SSE2__
#include <emmintrin.h>
#endif

/* The first c in [p, end), or end.  For the short fields of a header, where
 * the call to memchr would cost more than the search. */
static inline const char *
scan_to(const char *p, const char *end, char c)
{
#ifdef __SSE2__
	const __m128i want = _mm_set1_epi8(c);

	for (; end - p >= 16; p += 16) {
		__m128i x = _mm_loadu_si128((const __m128i *)(const void *)p);
		int hit = _mm_movemask_epi8(_mm_cmpeq_epi8(x, want));

		if (hit != 0)
			return p + __builtin_ctz((unsigned)hit);
	}
#endif
	while (p < end && *p != c)
		p++;
	return p;
}

/* The first a or b in [p, end), or end. */
static inline const char *
scan_to_either(const char *p, const char *end, char a, char b)
{
#ifdef __SSE2__
	const __m128i va = _mm_set1_epi8(a), vb = _mm_set1_epi8(b);

	for (; end - p >= 16; p += 16) {
		__m128i x = _mm_loadu_si128((const __m128i *)(const void *)p);
		int hit = _mm_movemask_epi8(_mm_or_si128(
		    _mm_cmpeq_epi8(x, va), _mm_cmpeq_epi8(x, vb)));

		if (hit != 0)
			return p + __builtin_ctz((unsigned)hit);
	}
#endif
	while (p < end && *p != a && *p != b)
		p++;
	return p;
}

/* How many bytes at p are plain text that needs no escape: not below ' ', not
 * DEL, not above 126, neither a nor b. */
static inline size_t
scan_plain(const char *p, size_t len, char a, char b)
{
	size_t i = 0;

#ifdef __SSE2__
	const __m128i va = _mm_set1_epi8(a), vb = _mm_set1_epi8(b);
	const __m128i del = _mm_set1_epi8(0x7f), sp = _mm_set1_epi8(' ');

	for (; len - i >= 16; i += 16) {
		__m128i x = _mm_loadu_si128((const __m128i *)(const void *)(p + i));
		__m128i odd = _mm_or_si128(
		    _mm_or_si128(_mm_cmpeq_epi8(x, va), _mm_cmpeq_epi8(x, vb)),
		    _mm_or_si128(_mm_cmpeq_epi8(x, del),
			_mm_cmplt_epi8(x, sp)));	/* signed: >= 0x80 too */
		int hit = _mm_movemask_epi8(odd);

		if (hit != 0)
			return i + (size_t)__builtin_ctz((unsigned)hit);
	}
#endif
	while (i < len && (signed char)p[i] >= ' ' && p[i] != 0x7f &&
	    p[i] != a && p[i] != b)
		i++;
	return i;
}

#endif
