/* lru.c - a ring of nodes with a fixed end. */
#include "config.h"

#include <assert.h>

#include "base/lru.h"

void
lru_init(struct lru *l)
{
	l->end.older = l->end.newer = &l->end;
	l->len = 0;
}

void
lru_add(struct lru *l, struct lru_node *n)
{
	n->older = l->end.older;
	n->newer = &l->end;
	n->older->newer = n;
	l->end.older = n;
	l->len++;
}

void
lru_remove(struct lru *l, struct lru_node *n)
{
	assert(l->len > 0);
	n->older->newer = n->newer;
	n->newer->older = n->older;
	n->older = n->newer = NULL;
	l->len--;
}

void
lru_touch(struct lru *l, struct lru_node *n)
{
	if (n->newer == &l->end)
		return;
	lru_remove(l, n);
	lru_add(l, n);
}

struct lru_node *
lru_oldest(const struct lru *l)
{
	return l->len > 0 ? l->end.newer : NULL;
}

struct lru_node *
lru_newest(const struct lru *l)
{
	return l->len > 0 ? l->end.older : NULL;
}

struct lru_node *
lru_newer(const struct lru *l, const struct lru_node *n)
{
	return n->newer == &l->end ? NULL : n->newer;
}
