/* murmur.h - MurmurHash3, the 32-bit variant (public domain, A. Appleby). */
#ifndef MILLRACE_BASE_MURMUR_H
#define MILLRACE_BASE_MURMUR_H

#include <stdint.h>

#include "base/slice.h"

uint32_t murmur3_32(struct slice in, uint32_t seed);

#endif
