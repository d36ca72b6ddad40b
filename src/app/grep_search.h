/* grep_search.h - look through files of log lines with several threads.
 *
 * The work is a row of chunks (frames of packed files, pieces of plain ones),
 * ordered by the time of their first line.  Threads take them in that order;
 * lines are given out in time order as soon as no chunk that is left can have
 * an earlier one.  So only what overlaps in time is held in memory. */
#ifndef MILLRACE_APP_GREP_SEARCH_H
#define MILLRACE_APP_GREP_SEARCH_H

#include "app/grep_pattern.h"
#include "conf/expr.h"
#include "proto/log_line.h"

struct grep_options {
	struct grep_pattern pattern;
	struct expr *where;		/* NULL: all */
	int64_t since_ns, until_ns;	/* INT64_MIN, INT64_MAX: no limit */
	int format;			/* enum log_format; -1: as it looks */
	unsigned before, after, threads;
	bool count;			/* only how many: nothing is given out */
	bool blocks;			/* give out lines by the hundred */
	bool progress;
};

struct grep_stats {
	uint64_t files, frames, frames_read, text_bytes, lines;
	uint64_t errors;
};

struct grep_search;

struct grep_search *grep_search_new(const struct grep_options *o);
/* A file, or a directory and all below it.  False: it was reported. */
bool grep_search_add(struct grep_search *s, const char *path);
/* A line that is meant, or near one, with its LF; with options.blocks as many of
 * the first kind as follow one another.  gap: it does not follow the one before
 * it in its file.  False to stop. */
typedef bool grep_emit(void *ctx, struct slice line, enum log_format format,
    bool context, bool gap);

void grep_search_run(struct grep_search *s, grep_emit *emit, void *ctx);
const struct grep_stats *grep_search_stats(const struct grep_search *s);
void grep_search_free(struct grep_search *s);

#endif
