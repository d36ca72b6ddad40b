/* grep_pattern.h - what a line must look like, and what a frame must have. */
#ifndef MILLRACE_APP_GREP_PATTERN_H
#define MILLRACE_APP_GREP_PATTERN_H

#include "base/regex.h"
#include "proto/segment.h"

struct grep_pattern {
	bool all;			/* empty: every line */
	struct regex *re;		/* NULL: must is the pattern */
	char *must;			/* stands in every match, or NULL */
	size_t must_len;
	struct segment_needs needs;
};

/* False with *e set.  icase: must is not set then (but needs are). */
bool grep_pattern_init(struct grep_pattern *p, struct slice text, bool fixed,
    bool icase, struct regex_error *e);
void grep_pattern_fini(struct grep_pattern *p);
/* The next line of *text that matches; *text goes on behind it.  Lines before
 * it are skipped.  False: there is none, and *text is empty. */
bool grep_pattern_next(const struct grep_pattern *p, struct slice *text,
    struct slice *line);
/* Where in a matching line; for colours. */
bool grep_pattern_where(const struct grep_pattern *p, struct slice line,
    struct slice *match);

#endif
