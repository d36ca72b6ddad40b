/* buf.h - a growing run of bytes that has a maximum from the day it is made.
 *
 * Always true: len <= cap <= max, and data is NULL only while cap is 0.  A call
 * that would pass max changes nothing and answers false; so does one that
 * finds no memory.  buf.data is never NUL-ended unless buf_cstr() made it so. */
#ifndef MILLRACE_BASE_BUF_H
#define MILLRACE_BASE_BUF_H

#include <stdarg.h>
#include <stdint.h>

#include "base/slice.h"

struct buf {
	char *data;
	size_t len, cap, max;
};

#define BUF_INIT(maximum) ((struct buf){ .max = (maximum) })

void buf_init(struct buf *b, size_t max);
/* Frees the bytes; the buffer is empty again and may be used again. */
void buf_fini(struct buf *b);

/* Make room for `more` bytes behind len, growing by half at least. */
bool buf_reserve(struct buf *b, size_t more);
bool buf_add(struct buf *b, const void *bytes, size_t n);
bool buf_addc(struct buf *b, char c);
bool buf_printf(struct buf *b, const char *fmt, ...)
    __attribute__((format(printf, 2, 3)));
bool buf_vprintf(struct buf *b, const char *fmt, va_list ap)
    __attribute__((format(printf, 2, 0)));
/* Append a decimal number; much faster than buf_printf. */
bool buf_add_u64(struct buf *b, uint64_t v);
bool buf_add_i64(struct buf *b, int64_t v);
/* Drop the first n bytes (n <= len), moving the rest to the front. */
void buf_consume(struct buf *b, size_t n);
/* The bytes as a NUL-ended string, borrowed until the next change; NULL when
 * there is no room for the NUL. */
const char *buf_cstr(struct buf *b);

static inline bool
buf_add_slice(struct buf *b, struct slice s)
{
	return buf_add(b, s.ptr, s.len);
}

static inline bool
buf_adds(struct buf *b, const char *s)
{
	return buf_add(b, s, strlen(s));
}

static inline struct slice
buf_slice(const struct buf *b)
{
	return (struct slice){ b->data, b->len };
}

static inline void
buf_clear(struct buf *b)
{
	b->len = 0;
}

#endif
