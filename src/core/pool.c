/* pool.c - memory for many small pieces.
 *
 * A chunk lies at a multiple of its size, so that a piece finds its own, and
 * serves one size.  Pages behind the last piece that was ever given out are
 * not written, and so do not exist. */
#include "config.h"

#include <assert.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include "base/mapped.h"
#include "core/pool.h"

#if defined(__has_feature)
#if __has_feature(address_sanitizer)
#define WATCHED
#endif
#elif defined(__SANITIZE_ADDRESS__)
#define WATCHED
#endif

#ifdef WATCHED
#include <sanitizer/asan_interface.h>
#define FORBID(piece, size) ASAN_POISON_MEMORY_REGION(piece, size)
#define ALLOW(piece, size) ASAN_UNPOISON_MEMORY_REGION(piece, size)
#else
#define FORBID(piece, size) ((void)0)
#define ALLOW(piece, size) ((void)0)
#endif

#define CHUNK ((size_t)256 * 1024)
#define SPARES 4

struct pool_chunk {
	struct pool_chunk *next, **at;	/* in a list, and what points here */
	void *free;			/* pieces that came back, a list */
	uint32_t size, live;
	uint32_t fresh;			/* from here on nothing was given out */
};

#define FIRST ((uint32_t)sizeof(struct pool_chunk))

static size_t
rounded(size_t size)
{
	return size == 0 ? 8 : (size + 7) / 8 * 8;
}

static void
enlist(struct pool_chunk **list, struct pool_chunk *c)
{
	c->next = *list;
	c->at = list;
	if (c->next != NULL)
		c->next->at = &c->next;
	*list = c;
}

static void
delist(struct pool_chunk *c)
{
	*c->at = c->next;
	if (c->next != NULL)
		c->next->at = c->at;
}

static void
free_all(struct pool_chunk *c)
{
	struct pool_chunk *next;

	for (; c != NULL; c = next) {
		next = c->next;
		ALLOW(c, CHUNK);
		mapped_free(c, CHUNK);
	}
}

void
pool_fini(struct pool *p)
{
	size_t i;

	for (i = 0; i < POOL_SIZES; i++)
		free_all(p->open[i]);
	free_all(p->full);
	free_all(p->spare);
	*p = (struct pool){ 0 };
}

static struct pool_chunk *
open_chunk(struct pool *p, size_t size)
{
	struct pool_chunk *c = p->spare;

	if (c != NULL) {
		delist(c);
		p->nspare--;
	} else {
		if ((c = mapped_new_aligned(CHUNK)) == NULL)
			return NULL;
		FORBID((char *)c + FIRST, CHUNK - FIRST);
	}
	c->free = NULL;
	c->size = (uint32_t)size;
	c->live = 0;
	c->fresh = FIRST;
	p->bytes += FIRST;
	enlist(&p->open[size / 8], c);
	return c;
}

static void *
take(struct pool *p, struct pool_chunk *c)
{
	void *piece = c->free;

	if (piece != NULL) {
		ALLOW(piece, c->size);
		memcpy(&c->free, piece, sizeof c->free);
	} else {
		piece = (char *)c + c->fresh;
		c->fresh += c->size;
		p->bytes += c->size;
		ALLOW(piece, c->size);
	}
	c->live++;
	if (c->free == NULL && c->size > CHUNK - c->fresh) {
		delist(c);
		enlist(&p->full, c);
	}
	return piece;
}

void *
pool_get(struct pool *p, size_t size)
{
	struct pool_chunk *c;
	void *piece;

	size = rounded(size);
	if (size > POOL_SMALL) {
		if ((piece = malloc(size)) != NULL)
			p->bytes += size;
		return piece;
	}
	c = p->open[size / 8];
	if (c == NULL && (c = open_chunk(p, size)) == NULL)
		return NULL;
	return take(p, c);
}

/* Nothing is in it any more. */
static void
close_chunk(struct pool *p, struct pool_chunk *c)
{
	delist(c);
	p->bytes -= c->fresh;
	if (p->nspare >= SPARES) {
		ALLOW(c, CHUNK);
		if (mapped_free(c, CHUNK))
			return;
		FORBID((char *)c + FIRST, CHUNK - FIRST);
	}
	enlist(&p->spare, c);
	p->nspare++;
}

void
pool_put(struct pool *p, void *piece, size_t size)
{
	struct pool_chunk *c;

	size = rounded(size);
	if (piece == NULL)
		return;
	if (size > POOL_SMALL) {
		p->bytes -= size;
		free(piece);
		return;
	}
	c = (void *)((uintptr_t)piece & ~(uintptr_t)(CHUNK - 1));
	assert(c->size == size && c->live > 0);
	if (c->free == NULL && c->size > CHUNK - c->fresh) {
		delist(c);		/* it was full */
		enlist(&p->open[size / 8], c);
	}
	memcpy(piece, &c->free, sizeof c->free);
	FORBID(piece, size);
	c->free = piece;
	if (--c->live == 0)
		close_chunk(p, c);
}
