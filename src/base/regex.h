/* regex.h - regular expressions that end in time.
 *
 * PCRE2 over bytes, compiled once with JIT where there is one, then shared by
 * all threads; each thread keeps its own workspace.  A pattern that needs more
 * steps or memory than its limit allows does not match, and is counted. */
#ifndef MILLRACE_BASE_REGEX_H
#define MILLRACE_BASE_REGEX_H

#include <stdint.h>

#include "base/slice.h"

#define REGEX_MAX_PATTERN	4096
#define REGEX_MAX_GROUPS	32	/* group 0, the whole match, among them */

struct regex;

struct regex_error {
	size_t offset;		/* into the pattern */
	char text[160];
};

/* What matched: group 0 is the whole; a group that took no part has ptr NULL.
 * The slices borrow from the subject. */
struct regex_groups {
	size_t n;
	struct slice v[REGEX_MAX_GROUPS];
};

/* Gives a compiled pattern, or NULL with *e set. */
struct regex *regex_new(struct slice pattern, struct regex_error *e);
void regex_free(struct regex *re);
/* groups may be NULL; it is untouched when nothing matched. */
bool regex_match(const struct regex *re, struct slice subject, struct regex_groups *groups);
/* The number of the group with that name, or -1. */
int regex_group(const struct regex *re, struct slice name);
/* How many groups the pattern has, the whole match not counted. */
unsigned regex_count(const struct regex *re);
/* The literal text that whatever matches must begin with, as far as that is
 * plain to see ("^web\.a[0-9]" gives "web.a"): at most size bytes into out.
 * Returns how many; 0 says nothing. */
size_t regex_prefix(struct slice pattern, char *out, size_t size);
/* Matches given up at their limit since the program began. */
uint64_t regex_gave_up(void);

#endif
