/* md5.h - MD5 (RFC 1321), for hash rings that place names by it.
 *
 * Not for secrets.  One call, no state, no allocation: a ring asks once per
 * new name, from several threads. */
#ifndef MILLRACE_BASE_MD5_H
#define MILLRACE_BASE_MD5_H

#include <stdint.h>

#include "base/slice.h"

#define MD5_SIZE 16

/* Writes the 16 bytes of the digest. */
void md5(struct slice in, uint8_t out[MD5_SIZE]);

#endif
