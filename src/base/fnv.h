/* fnv.h - the FNV-1a hashes (Fowler, Noll, Vo), 32 and 64 bits wide.
 *
 * For places where a peer decided long ago; tables of ours use XXH3. */
#ifndef MILLRACE_BASE_FNV_H
#define MILLRACE_BASE_FNV_H

#include <stdint.h>

#include "base/slice.h"

static inline uint32_t
fnv1a_32(struct slice s)
{
	uint32_t h = 2166136261u;

	for (size_t i = 0; i < s.len; i++)
		h = (h ^ (uint8_t)s.ptr[i]) * 16777619u;
	return h;
}

static inline uint64_t
fnv1a_64(struct slice s)
{
	uint64_t h = 14695981039346656037u;

	for (size_t i = 0; i < s.len; i++)
		h = (h ^ (uint8_t)s.ptr[i]) * 1099511628211u;
	return h;
}

#endif
