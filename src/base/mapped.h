/* mapped.h - large pieces of memory that go back to the system when they are
 * freed, whatever lies around them.
 *
 * malloc() keeps what is freed between things that stay; a table that was
 * large once would be paid for ever. */
#ifndef MILLRACE_BASE_MAPPED_H
#define MILLRACE_BASE_MAPPED_H

#include <stdbool.h>
#include <stddef.h>

/* Gives n bytes of zeros, which cost nothing until they are written; NULL when
 * there is no memory. */
void *mapped_new(size_t n);
/* The same, at a multiple of n, which is a power of two and whole pages. */
void *mapped_new_aligned(size_t n);
/* p may be NULL.  False: the system would not have it (it keeps a list of what
 * is mapped, and that is full); then it is still the caller's. */
bool mapped_free(void *p, size_t n);

#endif
