/* pickle_machine.h - the stack machine behind pickle.h: what pickle_read.c
 * fills from opcodes and pickle.c walks.  Nobody else includes it. */
#ifndef MILLRACE_PROTO_PICKLE_MACHINE_H
#define MILLRACE_PROTO_PICKLE_MACHINE_H

#include "proto/pickle.h"

enum value_type {
	VALUE_UNSET,		/* only in the memo */
	VALUE_NONE,
	VALUE_INT,		/* integer, fits */
	VALUE_FLOAT,		/* also integers that do not fit */
	VALUE_TEXT,		/* text and bytes alike */
	VALUE_TUPLE,
	VALUE_LIST
};

struct value {
	union {
		int64_t i;
		double f;
		const char *text;
		uint32_t container;	/* index */
	};
	uint32_t len;			/* of the text */
	uint8_t type;
};

#define NO_NODE UINT32_MAX

/* A member of a container.  Containers are chains, because lists grow. */
struct node {
	struct value value;
	uint32_t next;
};

struct container {
	uint32_t first, last, count;
};

/* More open marks than this are not a list of points. */
#define PICKLE_MAX_DEPTH 256

struct pickle {
	size_t max_items;
	struct value *stack;
	size_t depth, stack_cap;
	struct node *nodes;
	size_t nnodes, nodes_cap;
	struct container *containers;
	size_t ncontainers, containers_cap;
	struct value *memo;		/* all VALUE_UNSET from memo_end on */
	size_t memo_end, memo_cap;
	size_t nmemo;			/* how many are set */
	uint32_t marks[PICKLE_MAX_DEPTH];
	size_t nmarks;
	struct buf texts;		/* texts that had escapes */
	uint32_t next;			/* node of the next item */
	char number[32];		/* the text of the last point's value */
};

/* Run the opcodes; the result is the only value left, at *top. */
enum reason pickle_run(struct pickle *p, struct slice payload,
    struct value *top);

#endif
