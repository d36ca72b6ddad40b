/* compat.h - prototypes of what this platform's C library may lack. */
#ifndef MILLRACE_COMPAT_H
#define MILLRACE_COMPAT_H

#include <stddef.h>

#ifndef HAVE_STRLCPY
size_t strlcpy(char *dst, const char *src, size_t size);
#endif
#ifndef HAVE_REALLOCARRAY
void *reallocarray(void *old, size_t n, size_t size);
#endif

#endif
