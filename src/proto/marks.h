/* marks.h - where in a packet stand the bytes that end something.
 *
 * A bit for each byte, made for many lines in one go.  What a line consists of,
 * and where the next one begins, is then told from one integer, before any of
 * the line is looked at: the processor reads the next line while it still works
 * out the value of this one. */
#ifndef MILLRACE_PROTO_MARKS_H
#define MILLRACE_PROTO_MARKS_H

#include <stdint.h>
#include <string.h>
#ifdef __SSE2__
#include <emmintrin.h>
#endif

#define MARKS_BYTES 1024	/* of the packet, at a time */
#define MARKS_SURE 57		/* bytes that marks_at() is sure to tell of */

struct marks {
	const char *from;		/* what the first bit stands for */
	const char *until;		/* from here on they are to be made anew */
	uint64_t bits[MARKS_BYTES / 64 + 1];
};

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

/* Those of what begins at p, in a packet that ends at end. */
static __attribute__((noinline)) void
marks_make(struct marks *m, const char *p, const char *end)
{
	uint64_t *bits = m->bits;

	m->from = p;
	m->until = end;
	for (; end - p >= 64; p += 64) {
		if (p - m->from == MARKS_BYTES) {
			m->until = p - 64;
			return;
		}
		*bits++ = marks_64(p);
	}
	if (p - m->from == MARKS_BYTES && p < end) {
		m->until = p - 64;
		return;
	}
	bits[0] = marks_last(p, (size_t)(end - p));
	if (p - m->from < MARKS_BYTES)
		bits[1] = 0;
}

/* Of the bytes at p, up to the packet's end, lowest bit first.  p is never before
 * an earlier one. */
static inline uint64_t
marks_at(struct marks *m, const char *p, const char *end)
{
	size_t at;
	uint64_t w;

	if (p >= m->until)
		marks_make(m, p, end);
	at = (size_t)(p - m->from);
	memcpy(&w, (const char *)m->bits + at / 8, 8);
	return w >> at % 8;
}
#endif

#endif
