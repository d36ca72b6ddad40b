/* murmur.c - MurmurHash3_x86_32, byte order made explicit. */
#include "config.h"

#include "base/murmur.h"

static uint32_t
scramble(uint32_t k)
{
	k *= 0xcc9e2d51u;
	k = k << 15 | k >> 17;
	return k * 0x1b873593u;
}

static uint32_t
word(const uint8_t *p, size_t n)
{
	uint32_t k = 0;

	while (n-- > 0)
		k = k << 8 | p[n];
	return k;
}

uint32_t
murmur3_32(struct slice in, uint32_t seed)
{
	const uint8_t *p = (const uint8_t *)in.ptr;
	size_t left = in.len;
	uint32_t h = seed;

	for (; left >= 4; left -= 4, p += 4) {
		h ^= scramble(word(p, 4));
		h = h << 13 | h >> 19;
		h = h * 5 + 0xe6546b64u;
	}
	h ^= scramble(word(p, left));
	h ^= (uint32_t)in.len;
	h ^= h >> 16;
	h *= 0x85ebca6bu;
	h ^= h >> 13;
	h *= 0xc2b2ae35u;
	return h ^ h >> 16;
}
