/* node.h - a YAML document as a tree that remembers where everything stood.
 *
 * Only what a configuration needs: one document, texts as keys, no tags, a
 * key once per map.  Bounded in bytes, in depth and in nodes, where an alias
 * counts as all that it stands for. */
#ifndef MILLRACE_CONF_NODE_H
#define MILLRACE_CONF_NODE_H

#include "base/arena.h"
#include "conf/conf.h"
#include "conf/fault.h"

#define NODE_MAX_BYTES	(4u << 20)
#define NODE_MAX_DEPTH	32
#define NODE_MAX_NODES	200000

enum node_kind { NODE_TEXT, NODE_LIST, NODE_MAP };

/* How a text was written. */
enum node_style { NODE_PLAIN, NODE_SINGLE, NODE_DOUBLE, NODE_LITERAL, NODE_FOLDED };

struct node_pair {
	struct node *key, *value;
};

struct node {
	enum node_kind kind;
	enum node_style style;
	bool many_lines;		/* a flow text that spans lines */
	struct conf_mark mark;
	struct slice source;		/* the file's bytes from the node's first on */
	struct slice text;		/* NUL-ended, and no NUL within */
	struct node **items;
	struct node_pair *pairs;
	size_t n;			/* items or pairs */
	size_t weight;			/* nodes in it, aliases written out */
};

/* Gives the document's top node, or NULL with a fault told.  An empty document
 * is an empty map.  The tree lives in the arena and borrows yaml, both for as
 * long as marks are asked for. */
struct node *node_parse(struct slice yaml, const char *file, struct arena *a,
    struct faults *faults);

/* What stands under key in a map, or NULL. */
struct node *node_get(const struct node *map, const char *key);
/* A text without quotes that YAML reads as nothing: "", "~", "null". */
bool node_is_null(const struct node *n);
/* Where byte `at` of the text stood in the file; where the text began when it
 * was folded from several lines. */
struct conf_mark node_mark_at(const struct node *n, size_t at);
/* "a text", "a list", "a map" */
const char *node_kind_name(const struct node *n);

/* Add to the map `into` what the map `from` says: lists are appended, maps
 * merged, a text said twice is a fault that names both places. */
void node_merge(struct node *into, const struct node *from, struct arena *a,
    struct faults *faults);

#endif
