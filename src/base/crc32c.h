/* crc32c.h - the Castagnoli checksum (RFC 3720, appendix B.4), by the
 * processor's own instruction where it has one. */
#ifndef MILLRACE_BASE_CRC32C_H
#define MILLRACE_BASE_CRC32C_H

#include <stddef.h>
#include <stdint.h>

/* The checksum of n more bytes behind those that gave crc; 0 begins. */
uint32_t crc32c(uint32_t crc, const void *bytes, size_t n);
/* The same without the instruction: for processors that lack it, and for the
 * test that compares the two. */
uint32_t crc32c_portable(uint32_t crc, const void *bytes, size_t n);

#endif
