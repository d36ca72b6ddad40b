/* marks.c - a bit for each byte that may end something, sixteen at a time. */
#include "config.h"

#ifdef __SSE2__
#include <emmintrin.h>
#endif

#include "proto/marks.h"

#ifdef __SSE2__
/* A bit for each of the 16 bytes at p: may it be no part of a plain name?  To be
 * quick about it that is said of some more than need be: of what stands before
 * '-' or behind 'z' in ASCII, or outside it. */
static inline uint64_t
marks_16(const char *p)
{
	__m128i c = _mm_loadu_si128((const __m128i *)(const void *)p);
	/* what is behind 'z' wraps round and is small as well */
	__m128i odd = _mm_cmpgt_epi8(_mm_set1_epi8('-' + 127 - 'z'),
	    _mm_add_epi8(c, _mm_set1_epi8(127 - 'z')));

	odd = _mm_or_si128(odd, _mm_cmpeq_epi8(_mm_or_si128(c,
	    _mm_set1_epi8(1)), _mm_set1_epi8(';')));	/* or ':' */
	odd = _mm_or_si128(odd, _mm_cmpeq_epi8(c, _mm_set1_epi8('[')));
	return (unsigned)_mm_movemask_epi8(odd);
}

static inline uint64_t
marks_64(const char *p)
{
	return marks_16(p) | marks_16(p + 16) << 16 | marks_16(p + 32) << 32 |
	    marks_16(p + 48) << 48;
}

/* The same of the n < 64 bytes at p, behind which the packet ends: there stands
 * the last bit. */
static inline uint64_t
marks_last(const char *p, size_t n)
{
	char copy[64] = { 0 };

	memcpy(copy, p, n);
	return (marks_64(copy) & ((UINT64_C(1) << n) - 1)) | UINT64_C(1) << n;
}

void
marks_make(struct marks *m, const char *p, const char *end)
{
	uint64_t *bits = m->bits;

	m->from = p;
	for (; end - p >= 64 && p - m->from < MARKS_BYTES; p += 64)
		*bits++ = marks_64(p);
	m->until = end;
	if (p < end && p - m->from == MARKS_BYTES) {
		m->until = p - 64;	/* some are left */
		return;
	}
	*bits++ = marks_last(p, (size_t)(end - p));
	if (p - m->from < MARKS_BYTES)
		*bits = 0;
}
#endif
