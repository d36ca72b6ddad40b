/* pool.h - memory for many small pieces: no header, no malloc each, and back to
 * the system where all is free again.
 *
 * Pieces are rounded to eight bytes; those of one size share chunks.  Belongs
 * to one thread. */
#ifndef MILLRACE_CORE_POOL_H
#define MILLRACE_CORE_POOL_H

#include <stddef.h>

#define POOL_SMALL 1024		/* bytes; larger ones are malloc's */
#define POOL_SIZES (POOL_SMALL / 8 + 1)

struct pool_chunk;

/* All zeros is the empty pool. */
struct pool {
	struct pool_chunk *open[POOL_SIZES];	/* with room, by size */
	struct pool_chunk *full;		/* without */
	struct pool_chunk *spare;		/* empty; a few at most */
	unsigned nspare;
	size_t bytes;		/* of memory in use, but for the spare chunks */
};

/* Frees all chunks, with what is in them.  Pieces above POOL_SMALL bytes must
 * have been put back. */
void pool_fini(struct pool *p);
/* Gives a piece of that size, or NULL when there is no memory. */
void *pool_get(struct pool *p, size_t size);
/* Take back a piece of that size; NULL is fine. */
void pool_put(struct pool *p, void *piece, size_t size);

#endif
