/* slice.h - borrowed bytes.
 *
 * A slice owns nothing and ends with no NUL.  Whoever made the bytes says how
 * long they live; a parser's slices live as long as the frame it was given. */
#ifndef MILLRACE_BASE_SLICE_H
#define MILLRACE_BASE_SLICE_H

#include <stdbool.h>
#include <stddef.h>
#include <string.h>

struct slice {
	const char *ptr;
	size_t len;
};

/* A slice of a string literal. */
#define SLICE(lit) ((struct slice){ "" lit, sizeof(lit) - 1 })
/* For printf("%.*s"). */
#define SLICE_ARG(s) (int)((s).len), (s).ptr

static inline struct slice
slice_of(const char *ptr, size_t len)
{
	return (struct slice){ ptr, len };
}

/* Borrows the bytes of a NUL-ended string; NULL gives the empty slice. */
static inline struct slice
slice_str(const char *s)
{
	return (struct slice){ s, s == NULL ? 0 : strlen(s) };
}

static inline bool
slice_eq(struct slice a, struct slice b)
{
	return a.len == b.len && (a.len == 0 || memcmp(a.ptr, b.ptr, a.len) == 0);
}

static inline bool
slice_starts(struct slice s, struct slice prefix)
{
	return s.len >= prefix.len &&
	    (prefix.len == 0 || memcmp(s.ptr, prefix.ptr, prefix.len) == 0);
}

/* The rest of s from byte n on; n past the end gives the empty end. */
static inline struct slice
slice_from(struct slice s, size_t n)
{
	if (n > s.len)
		n = s.len;
	if (n == 0)		/* NULL + 0 is undefined */
		return s;
	return (struct slice){ s.ptr + n, s.len - n };
}

/* The first n bytes of s, or all of it when it is shorter. */
static inline struct slice
slice_upto(struct slice s, size_t n)
{
	return (struct slice){ s.ptr, n < s.len ? n : s.len };
}

/* Where c first stands in s, or s.len. */
static inline size_t
slice_find(struct slice s, char c)
{
	const char *p = s.len > 0 ? memchr(s.ptr, c, s.len) : NULL;

	return p == NULL ? s.len : (size_t)(p - s.ptr);
}

/* Cut *s at the first c: returns what stood before it and leaves in *s what
 * stands after it.  Without a c, returns all of *s and leaves it empty with
 * ptr NULL, so that "no more" and "an empty last piece" differ. */
static inline struct slice
slice_cut(struct slice *s, char c)
{
	size_t at = slice_find(*s, c);
	struct slice head = { s->ptr, at };

	if (at == s->len)
		*s = (struct slice){ NULL, 0 };
	else
		*s = (struct slice){ s->ptr + at + 1, s->len - at - 1 };
	return head;
}

/* Order as memcmp does, a prefix before what it begins. */
int slice_cmp(struct slice a, struct slice b);
/* ASCII letters compared without case. */
bool slice_eq_nocase(struct slice a, struct slice b);
/* Without ASCII blanks (space, \t, \r, \n, \v, \f) at either end. */
struct slice slice_trim(struct slice s);
/* Gives a NUL-ended copy from malloc, or NULL with errno. */
char *slice_dup(struct slice s);

#endif
