/* lru.h - things in the order they were last used, in constant time.
 *
 * The node lies inside the thing.  The list owns nothing. */
#ifndef MILLRACE_BASE_LRU_H
#define MILLRACE_BASE_LRU_H

#include <stdbool.h>
#include <stddef.h>

struct lru_node {
	struct lru_node *older, *newer;
};

struct lru {
	struct lru_node end;	/* end.newer is the oldest, end.older the newest */
	size_t len;
};

/* The thing that holds a node: LRU_OF(node, struct file, lru). */
#define LRU_OF(node, type, member) \
	((type *)(void *)((char *)(node) - offsetof(type, member)))

void lru_init(struct lru *l);
/* In as the newest.  The node must be in no list. */
void lru_add(struct lru *l, struct lru_node *n);
/* It was just used: it is the newest now.  It must be in this list. */
void lru_touch(struct lru *l, struct lru_node *n);
void lru_remove(struct lru *l, struct lru_node *n);
/* NULL when the list is empty. */
struct lru_node *lru_oldest(const struct lru *l);
struct lru_node *lru_newest(const struct lru *l);
/* The next younger one, or NULL. */
struct lru_node *lru_newer(const struct lru *l, const struct lru_node *n);

#endif
