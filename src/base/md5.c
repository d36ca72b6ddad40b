/* md5.c - MD5 as RFC 1321 tells it. */
#include "config.h"

#include "base/md5.h"

static const uint32_t sines[64] = {
	0xd76aa478, 0xe8c7b756, 0x242070db, 0xc1bdceee,
	0xf57c0faf, 0x4787c62a, 0xa8304613, 0xfd469501,
	0x698098d8, 0x8b44f7af, 0xffff5bb1, 0x895cd7be,
	0x6b901122, 0xfd987193, 0xa679438e, 0x49b40821,
	0xf61e2562, 0xc040b340, 0x265e5a51, 0xe9b6c7aa,
	0xd62f105d, 0x02441453, 0xd8a1e681, 0xe7d3fbc8,
	0x21e1cde6, 0xc33707d6, 0xf4d50d87, 0x455a14ed,
	0xa9e3e905, 0xfcefa3f8, 0x676f02d9, 0x8d2a4c8a,
	0xfffa3942, 0x8771f681, 0x6d9d6122, 0xfde5380c,
	0xa4beea44, 0x4bdecfa9, 0xf6bb4b60, 0xbebfbc70,
	0x289b7ec6, 0xeaa127fa, 0xd4ef3085, 0x04881d05,
	0xd9d4d039, 0xe6db99e5, 0x1fa27cf8, 0xc4ac5665,
	0xf4292244, 0x432aff97, 0xab9423a7, 0xfc93a039,
	0x655b59c3, 0x8f0ccc92, 0xffeff47d, 0x85845dd1,
	0x6fa87e4f, 0xfe2ce6e0, 0xa3014314, 0x4e0811a1,
	0xf7537e82, 0xbd3af235, 0x2ad7d2bb, 0xeb86d391
};

static inline uint32_t
rol(uint32_t x, unsigned n)
{
	return x << n | x >> (32 - n);
}

static inline uint32_t
le32(const uint8_t *p)
{
	return (uint32_t)p[0] | (uint32_t)p[1] << 8 | (uint32_t)p[2] << 16 |
	    (uint32_t)p[3] << 24;
}

static inline void
put_le32(uint8_t *p, uint32_t v)
{
	p[0] = (uint8_t)v;
	p[1] = (uint8_t)(v >> 8);
	p[2] = (uint8_t)(v >> 16);
	p[3] = (uint8_t)(v >> 24);
}

/* One step: a = b + rol(a + mix + word + sine, shift). */
#define STEP(a, b, mix, k, i, s) \
	(a) = (b) + rol((a) + (mix) + w[k] + sines[i], s)
#define F(x, y, z) ((z) ^ ((x) & ((y) ^ (z))))
#define G(x, y, z) ((y) ^ ((z) & ((x) ^ (y))))
#define H(x, y, z) ((x) ^ (y) ^ (z))
#define I(x, y, z) ((y) ^ ((x) | ~(z)))
/* Four steps, after which a, b, c, d are back in their places. */
#define FOUR(f, i, k0, k1, k2, k3, s0, s1, s2, s3) do { \
	STEP(a, b, f(b, c, d), k0, (i), s0); \
	STEP(d, a, f(a, b, c), k1, (i) + 1, s1); \
	STEP(c, d, f(d, a, b), k2, (i) + 2, s2); \
	STEP(b, c, f(c, d, a), k3, (i) + 3, s3); \
} while (0)

static void
block(uint32_t state[4], const uint8_t *p)
{
	uint32_t a = state[0], b = state[1], c = state[2], d = state[3];
	uint32_t w[16];

	for (int i = 0; i < 16; i++)
		w[i] = le32(p + 4 * i);
	FOUR(F, 0, 0, 1, 2, 3, 7, 12, 17, 22);
	FOUR(F, 4, 4, 5, 6, 7, 7, 12, 17, 22);
	FOUR(F, 8, 8, 9, 10, 11, 7, 12, 17, 22);
	FOUR(F, 12, 12, 13, 14, 15, 7, 12, 17, 22);
	FOUR(G, 16, 1, 6, 11, 0, 5, 9, 14, 20);
	FOUR(G, 20, 5, 10, 15, 4, 5, 9, 14, 20);
	FOUR(G, 24, 9, 14, 3, 8, 5, 9, 14, 20);
	FOUR(G, 28, 13, 2, 7, 12, 5, 9, 14, 20);
	FOUR(H, 32, 5, 8, 11, 14, 4, 11, 16, 23);
	FOUR(H, 36, 1, 4, 7, 10, 4, 11, 16, 23);
	FOUR(H, 40, 13, 0, 3, 6, 4, 11, 16, 23);
	FOUR(H, 44, 9, 12, 15, 2, 4, 11, 16, 23);
	FOUR(I, 48, 0, 7, 14, 5, 6, 10, 15, 21);
	FOUR(I, 52, 12, 3, 10, 1, 6, 10, 15, 21);
	FOUR(I, 56, 8, 15, 6, 13, 6, 10, 15, 21);
	FOUR(I, 60, 4, 11, 2, 9, 6, 10, 15, 21);
	state[0] += a;
	state[1] += b;
	state[2] += c;
	state[3] += d;
}

void
md5(struct slice in, uint8_t out[MD5_SIZE])
{
	uint32_t state[4] = { 0x67452301, 0xefcdab89, 0x98badcfe, 0x10325476 };
	const uint8_t *p = (const uint8_t *)in.ptr;
	size_t left = in.len;
	uint64_t bits = (uint64_t)in.len * 8;
	uint8_t last[128] = { 0 };
	size_t n;

	for (; left >= 64; left -= 64, p += 64)
		block(state, p);
	if (left > 0)
		memcpy(last, p, left);
	last[left] = 0x80;
	n = left < 56 ? 64 : 128;	/* the length needs eight bytes */
	put_le32(last + n - 8, (uint32_t)bits);
	put_le32(last + n - 4, (uint32_t)(bits >> 32));
	for (size_t i = 0; i < n; i += 64)
		block(state, last + i);
	for (int i = 0; i < 4; i++)
		put_le32(out + 4 * i, state[i]);
}
