/* arena.c - memory that is given back all at once. */
#include "config.h"

#include <stdarg.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>

#include "base/arena.h"

#define BLOCK_BYTES	8192
#define ALIGN		(sizeof(max_align_t))

struct block {
	struct block *next;
	size_t used, cap;
	max_align_t bytes[];
};

struct deferred {
	struct deferred *next;
	void (*fn)(void *);
	void *arg;
};

struct arena {
	struct block *blocks;
	struct deferred *deferred;
};

static void *
must(void *p)
{
	if (p == NULL) {
		fputs("millrace: out of memory\n", stderr);
		abort();
	}
	return p;
}

struct arena *
arena_new(void)
{
	return must(calloc(1, sizeof(struct arena)));
}

void
arena_free(struct arena *a)
{
	struct block *b, *next;

	if (a == NULL)
		return;
	for (struct deferred *d = a->deferred; d != NULL; d = d->next)
		d->fn(d->arg);
	for (b = a->blocks; b != NULL; b = next) {
		next = b->next;
		free(b);
	}
	free(a);
}

void *
arena_alloc(struct arena *a, size_t n)
{
	struct block *b = a->blocks;
	size_t cap;
	void *p;

	if (n > SIZE_MAX / 2)
		must(NULL);
	n = (n + ALIGN - 1) / ALIGN * ALIGN;
	if (b == NULL || n > b->cap - b->used) {
		cap = n > BLOCK_BYTES ? n : BLOCK_BYTES;
		b = must(calloc(1, sizeof *b + cap));
		b->cap = cap;
		b->next = a->blocks;
		a->blocks = b;
	}
	p = (char *)b->bytes + b->used;
	b->used += n;
	return p;
}

void *
arena_array(struct arena *a, size_t n, size_t size)
{
	if (size != 0 && n > SIZE_MAX / 2 / size)
		must(NULL);
	return arena_alloc(a, n * size);
}

char *
arena_dup(struct arena *a, struct slice s)
{
	char *copy = arena_alloc(a, s.len + 1);

	if (s.len > 0)
		memcpy(copy, s.ptr, s.len);
	return copy;
}

char *
arena_printf(struct arena *a, const char *fmt, ...)
{
	va_list ap;
	char *text;
	int n;

	va_start(ap, fmt);
	n = vsnprintf(NULL, 0, fmt, ap);
	va_end(ap);
	if (n < 0)
		must(NULL);
	text = arena_alloc(a, (size_t)n + 1);
	va_start(ap, fmt);
	vsnprintf(text, (size_t)n + 1, fmt, ap);
	va_end(ap);
	return text;
}

void
arena_defer(struct arena *a, void (*fn)(void *), void *arg)
{
	struct deferred *d = arena_alloc(a, sizeof *d);

	*d = (struct deferred){ a->deferred, fn, arg };
	a->deferred = d;
}
