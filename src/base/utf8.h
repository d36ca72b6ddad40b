/* utf8.h - is this UTF-8, and writing it.  (RFC 3629: no surrogates, no overlong forms,
 * nothing above U+10FFFF.) */
#ifndef MILLRACE_BASE_UTF8_H
#define MILLRACE_BASE_UTF8_H

#include <stdint.h>

#include "base/slice.h"

/* How many bytes at p, of the left that are there, are one character; 0 when
 * they begin none. */
static inline size_t
utf8_sequence(const char *p, size_t left)
{
	const unsigned char *u = (const unsigned char *)p;
	unsigned char low = 0x80, high = 0xbf;
	size_t n;

	if (left == 0)
		return 0;
	if (u[0] < 0x80)
		return 1;
	if (u[0] < 0xc2 || u[0] > 0xf4)
		return 0;
	n = u[0] < 0xe0 ? 2 : u[0] < 0xf0 ? 3 : 4;
	if (left < n)
		return 0;
	if (u[0] == 0xe0)
		low = 0xa0;
	else if (u[0] == 0xed)
		high = 0x9f;
	else if (u[0] == 0xf0)
		low = 0x90;
	else if (u[0] == 0xf4)
		high = 0x8f;
	if (u[1] < low || u[1] > high)
		return 0;
	for (size_t i = 2; i < n; i++)
		if ((u[i] & 0xc0) != 0x80)
			return 0;
	return n;
}

/* How many bytes at the front of s are whole characters. */
static inline size_t
utf8_prefix(struct slice s)
{
	size_t at = 0, n;

	while (at < s.len) {
		n = utf8_sequence(s.ptr + at, s.len - at);
		if (n == 0)
			break;
		at += n;
	}
	return at;
}

/* Write the character c, at most U+10FFFF, at to, which has room for 4 bytes;
 * how many it took. */
static inline size_t
utf8_put(char *to, uint32_t c)
{
	size_t n = c < 0x80 ? 1 : c < 0x800 ? 2 : c < 0x10000 ? 3 : 4;
	static const unsigned char lead[] = { 0, 0, 0xc0, 0xe0, 0xf0 };

	for (size_t i = n - 1; i > 0; i--, c >>= 6)
		to[i] = (char)(0x80 | (c & 0x3f));
	to[0] = (char)(lead[n] | c);
	return n;
}

#endif
