/* fault.h - what is wrong with a configuration, gathered and put in order.
 *
 * Everything wrong is told in one run, in the order of the file, so faults
 * wait here until all is read. */
#ifndef MILLRACE_CONF_FAULT_H
#define MILLRACE_CONF_FAULT_H

#include "base/arena.h"
#include "conf/conf.h"

#define FAULTS_MAX	200

struct fault {
	struct conf_mark mark;
	size_t seq;
	bool warning;
	char *text;
};

struct faults {
	struct arena *arena;
	struct fault v[FAULTS_MAX];
	size_t n;
	size_t errors;		/* all of them, also those past the maximum */
};

/* The messages live in the arena, which is borrowed. */
void faults_init(struct faults *f, struct arena *a);
void fault_add(struct faults *f, struct conf_mark mark, const char *fmt, ...)
    __attribute__((format(printf, 3, 4)));
/* Something odd that keeps nothing from running. */
void fault_warn(struct faults *f, struct conf_mark mark, const char *fmt, ...)
    __attribute__((format(printf, 3, 4)));
/* Append one line for each, in the order of file, line and column. */
void faults_print(struct faults *f, struct buf *out);

#endif
