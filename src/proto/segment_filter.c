/* segment_filter.c - what a frame of text has, in few bits.
 *
 * Most of a log is the same words again and again, and numbers that are too
 * short to be kept.  So 64 bytes at a time are sorted into letters, digits and
 * the rest, only tokens that can have something are looked at, and of those only
 * the ones that were not there a moment ago are taken apart. */
#include "config.h"

#include <assert.h>
#ifdef __SSE2__
#include <emmintrin.h>
#endif

#include "proto/segment.h"

#define BLOCK 64
#define GRAM_MASK ((UINT64_C(1) << 8 * SEGMENT_GRAM) - 1)
#define DIGITS_MASK ((1u << SEGMENT_GRAM) - 1)
#define BITS_PER_ITEM 5
#define BITS_MIN 64
#define TEXT_SHARE 64		/* a filter is at most this part of its text */

/* A byte of a token in lower case, or 0. */
static uint8_t lower[256];

__attribute__((constructor))
static void
make_lower(void)
{
	for (unsigned c = 0; c < 256; c++)
		if ((c >= '0' && c <= '9') || (c >= 'a' && c <= 'z') ||
		    c > 127)
			lower[c] = (uint8_t)c;
		else if (c >= 'A' && c <= 'Z')
			lower[c] = (uint8_t)(c + 32);
}

static uint64_t
mix(uint64_t v)
{
	v *= UINT64_C(0x9e3779b97f4a7c15);
	v ^= v >> 32;
	return v * UINT64_C(0xd6e8feb86659fd93);
}

/* The order among hashes must not be seen in what is kept of them. */
static uint32_t
item_of(uint64_t h)
{
	return (uint32_t)((h ^ h >> 31) * UINT64_C(0xff51afd7ed558ccd) >> 32);
}

static uint64_t
least_of(uint64_t a, uint64_t b)
{
	return a < b ? a : b;
}

/* ---- what a token has ---- */

/* Call add(ctx, item) for each, where fn is known at compile time.  whole: the
 * token begins and ends where it seems to. */
static inline __attribute__((always_inline)) void
take_apart(const char *s, size_t len, bool whole,
    void (*add)(void *ctx, uint32_t item), void *ctx)
{
	uint64_t run = 0, h1 = 0, h2 = 0, h3 = 0, last = 0;
	unsigned digits = 0;
	size_t n = 0;

	static_assert(SEGMENT_WINDOW == 4, "h, h1, h2, h3");
	for (size_t i = 0; i < len; i++) {
		uint8_t c = lower[(uint8_t)s[i]];
		uint64_t h, least;

		run = (run << 8 | c) & GRAM_MASK;
		digits = (digits << 1 | (c <= '9')) & DIGITS_MASK;
		if (i + 1 < SEGMENT_GRAM)
			continue;
		h = mix(run);
		if (digits == 0) {
			n = 0;
			add(ctx, item_of(h));
			continue;
		}
		least = least_of(least_of(h, h1), least_of(h2, h3));
		h3 = h2;
		h2 = h1;
		h1 = h;
		n++;
		if (n == SEGMENT_WINDOW || (n > SEGMENT_WINDOW &&
		    least != last))
			add(ctx, item_of(least));
		last = least;
	}
	if (whole && len >= SEGMENT_TOKEN && len < SEGMENT_GRAM && digits == 0)
		add(ctx, item_of(mix(run)));
}

/* ---- gathering ---- */

void
segment_filter_clear(struct segment_filter *f)
{
	memset(f->table, 0, sizeof f->table);
	memset(f->seen, 0, sizeof f->seen);
	f->n = f->text_bytes = 0;
	f->full = false;
}

static void
gather(void *ctx, uint32_t item)
{
	struct segment_filter *f = ctx;
	size_t mask = sizeof f->table / sizeof *f->table - 1;
	size_t at = item & mask;

	while (f->table[at] != 0) {
		if (f->items[f->table[at] - 1] == item)
			return;
		at = (at + 1) & mask;
	}
	if (f->n == SEGMENT_ITEMS) {
		f->full = true;
		return;
	}
	f->items[f->n++] = item;
	f->table[at] = (uint32_t)f->n;
}

static uint64_t
load(const char *p, size_t n)
{
	uint64_t v = 0;

	memcpy(&v, p, n);
	return v;
}

/* One that was there a moment ago adds nothing. */
static bool
seen(struct segment_filter *f, const char *s, size_t len, size_t room)
{
	uint64_t a, b;
	size_t at;

	if (room >= 16) {
		a = load(s, 8);
		b = load(s + 8, 8);
		if (len < 8) {
			a &= (UINT64_C(1) << 8 * len) - 1;
			b = 0;
		} else if (len < 16) {
			b &= (UINT64_C(1) << 8 * (len - 8)) - 1;
		}
	} else {
		a = load(s, len < 8 ? len : 8);
		b = len > 8 ? load(s + 8, len - 8) : 0;
	}
	at = (size_t)((a ^ b * 3) * UINT64_C(0x9e3779b97f4a7c15) >> 54);
	if (f->seen[at].a == a && f->seen[at].b == b)
		return true;
	f->seen[at].a = a;
	f->seen[at].b = b;
	return false;
}

static __attribute__((noinline)) void
new_token(struct segment_filter *f, const char *s, size_t len)
{
	take_apart(s, len, true, gather, f);
}

static inline void
token(struct segment_filter *f, const char *s, size_t len, const char *end)
{
	if (len > 16 || !seen(f, s, len, (size_t)(end - s)))
		new_token(f, s, len);
}

struct classes {
	uint64_t alnum, digit;		/* a bit for each byte, the first lowest */
};

#ifdef __SSE2__
static uint64_t
in_range(__m128i v, char from, char n)
{
	__m128i d = _mm_sub_epi8(v, _mm_set1_epi8(from));

	return (unsigned)_mm_movemask_epi8(_mm_cmpeq_epi8(d,
	    _mm_min_epu8(d, _mm_set1_epi8(n))));
}

static struct classes
classify(const char *p)
{
	struct classes c = { 0, 0 };

	for (int i = 0; i < BLOCK; i += 16) {
		__m128i v = _mm_loadu_si128((const __m128i *)(const void *)
		    (p + i));
		uint64_t digit = in_range(v, '0', 9);

		c.digit |= digit << i;
		c.alnum |= (digit | (unsigned)_mm_movemask_epi8(v) |
		    in_range(_mm_or_si128(v, _mm_set1_epi8(0x20)), 'a', 25)) <<
		    i;
	}
	return c;
}
#else
static struct classes
classify(const char *p)
{
	struct classes c = { 0, 0 };

	for (int i = 0; i < BLOCK; i++) {
		uint8_t b = lower[(uint8_t)p[i]];

		c.alnum |= (uint64_t)(b != 0) << i;
		c.digit |= (uint64_t)(b != 0 && b <= '9') << i;
	}
	return c;
}
#endif

/* Bits where three letters, or as many characters as an identifier needs, begin. */
static uint64_t
worth_a_look(struct classes c)
{
	uint64_t l = c.alnum & ~c.digit, a2, a4;

	static_assert(SEGMENT_GRAM + SEGMENT_WINDOW - 1 == 8, "a2, a4, a8");
	a2 = c.alnum & c.alnum >> 1;
	a4 = a2 & a2 >> 2;
	return (a4 & a4 >> 4) | (l & l >> 1 & l >> 2);
}

/* All tokens of a block, which begins where one may begin. */
static void
block(struct segment_filter *f, const char *p, struct classes c,
    const char *end)
{
	uint64_t hot = worth_a_look(c);

	while (hot != 0) {
		unsigned at = (unsigned)__builtin_ctzll(hot);
		uint64_t before = ~c.alnum & ((UINT64_C(1) << at) - 1);
		uint64_t after = ~c.alnum >> at;
		unsigned from = before == 0 ? 0 :
		    64 - (unsigned)__builtin_clzll(before);
		unsigned to = after == 0 ? 64 :
		    at + (unsigned)__builtin_ctzll(after);

		token(f, p + from, to - from, end);
		hot = to >= 64 ? 0 : hot & ~UINT64_C(0) << to;
	}
}

void
segment_filter_add(struct segment_filter *f, struct slice text)
{
	const char *p = text.ptr, *end = text.ptr + text.len;

	f->text_bytes += text.len;
	while ((size_t)(end - p) > BLOCK) {
		struct classes c = classify(p);
		unsigned cut;

		if (c.alnum == ~UINT64_C(0)) {
			const char *q = p + BLOCK;

			while (q < end && lower[(uint8_t)*q] != 0)
				q++;
			token(f, p, (size_t)(q - p), end);
			p = q;
			continue;
		}
		/* the token at the end may go on: it begins the next block */
		cut = (unsigned)__builtin_clzll(~c.alnum);
		if (cut > 0)
			c.alnum &= ~UINT64_C(0) >> cut;
		c.digit &= c.alnum;
		block(f, p, c, end);
		p += BLOCK - cut;
	}
	if (p < end) {
		char tail[BLOCK] = { 0 };

		memcpy(tail, p, (size_t)(end - p));
		block(f, p, classify(tail), end);
	}
}

/* ---- bits ---- */

/* The k-th bit of three, below n. */
static size_t
bit_of(uint32_t item, unsigned k, size_t n)
{
	uint64_t h = (item + UINT64_C(1)) * UINT64_C(0x9e3779b97f4a7c15);
	uint32_t low = (uint32_t)h, high = (uint32_t)(h >> 32) | 1;

	low ^= low >> 15;
	return (size_t)((uint64_t)(high + k * low) * n >> 32);
}

bool
segment_filter_write(const struct segment_filter *f, struct buf *out)
{
	size_t bits = f->n * BITS_PER_ITEM, most = f->text_bytes / TEXT_SHARE * 8;
	uint8_t *at;

	if (f->full)
		return true;
	bits = bits > most ? most : bits;
	bits = bits < BITS_MIN ? BITS_MIN : (bits + 63) / 64 * 64;
	if (!buf_reserve(out, bits / 8))
		return false;
	at = (uint8_t *)out->data + out->len;
	memset(at, 0, bits / 8);
	for (size_t i = 0; i < f->n; i++)
		for (unsigned k = 0; k < 3; k++) {
			size_t b = bit_of(f->items[i], k, bits);

			at[b / 8] |= (uint8_t)(1 << b % 8);
		}
	out->len += bits / 8;
	return true;
}

/* ---- looking ---- */

static void
need(void *ctx, uint32_t item)
{
	struct segment_needs *needs = ctx;

	for (size_t i = 0; i < needs->n; i++)
		if (needs->v[i] == item)
			return;
	if (needs->n < sizeof needs->v / sizeof *needs->v)
		needs->v[needs->n++] = item;
}

void
segment_need(struct segment_needs *needs, struct slice literal)
{
	size_t from = 0;

	for (size_t i = 0; i <= literal.len; i++) {
		if (i < literal.len && lower[(uint8_t)literal.ptr[i]] != 0)
			continue;
		if (i > from)
			take_apart(literal.ptr + from, i - from, from > 0 &&
			    i < literal.len, need, needs);
		from = i + 1;
	}
}

bool
segment_may_have(struct slice filter, const struct segment_needs *needs)
{
	size_t bits = filter.len * 8;

	if (bits == 0)
		return true;
	for (size_t i = 0; i < needs->n; i++)
		for (unsigned k = 0; k < 3; k++) {
			size_t b = bit_of(needs->v[i], k, bits);

			if (((uint8_t)filter.ptr[b / 8] >> b % 8 & 1) == 0)
				return false;
		}
	return true;
}
