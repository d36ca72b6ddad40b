/* edge.h - bytes that end where an unreadable page begins, so that a parser
 * that looks one past its input is seen, with or without a sanitizer. */
#ifndef MILLRACE_TESTS_EDGE_H
#define MILLRACE_TESTS_EDGE_H

#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

#include "base/slice.h"

struct edge {
	char *map;
	size_t size;
};

static inline struct slice
edge_copy(struct edge *e, const void *bytes, size_t len)
{
	size_t page = (size_t)sysconf(_SC_PAGESIZE);
	size_t room = (len + page - 1) / page * page;

	e->size = room + page;
	e->map = mmap(NULL, e->size, PROT_READ | PROT_WRITE,
	    MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
	if (e->map == MAP_FAILED || mprotect(e->map + room, page, PROT_NONE) != 0)
		abort();
	if (len > 0)
		memcpy(e->map + room - len, bytes, len);
	return slice_of(e->map + room - len, len);
}

static inline void
edge_free(struct edge *e)
{
	munmap(e->map, e->size);
}

#endif
