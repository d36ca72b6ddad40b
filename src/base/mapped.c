/* mapped.c - large pieces of memory, straight from the system. */
#include "config.h"

#include <stdint.h>
#include <sys/mman.h>

#include "base/mapped.h"

/* So that what is only known from here does not look like a leak. */
#if defined(__has_feature)
#if __has_feature(address_sanitizer)
#define WATCHED
#endif
#elif defined(__SANITIZE_ADDRESS__)
#define WATCHED
#endif

#ifdef WATCHED
#include <sanitizer/lsan_interface.h>
#define KNOW(p, n) __lsan_register_root_region(p, n)
#define FORGET(p, n) __lsan_unregister_root_region(p, n)
#else
#define KNOW(p, n) ((void)0)
#define FORGET(p, n) ((void)0)
#endif

static void *
map(size_t n)
{
	void *p = mmap(NULL, n, PROT_READ | PROT_WRITE,
	    MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);

	return p == MAP_FAILED ? NULL : p;
}

void *
mapped_new(size_t n)
{
	void *p = map(n);

	if (p != NULL)
		KNOW(p, n);
	return p;
}

bool
mapped_free(void *p, size_t n)
{
	if (p == NULL)
		return true;
	FORGET(p, n);
	if (munmap(p, n) == 0)
		return true;
	KNOW(p, n);
	return false;
}

/* One piece lies below the last, so most are aligned once the first is. */
void *
mapped_new_aligned(size_t n)
{
	char *p = map(n);
	size_t off;

	if (p != NULL && ((uintptr_t)p & (n - 1)) != 0) {
		munmap(p, n);
		if ((p = map(2 * n)) == NULL)
			return NULL;
		off = (n - ((uintptr_t)p & (n - 1))) & (n - 1);
		if (off > 0)
			munmap(p, off);
		munmap(p + off + n, n - off);
		p += off;
	}
	if (p != NULL)
		KNOW(p, n);
	return p;
}
