/* regex_literal.h - the text that a pattern cannot match without.
 *
 * "^web[0-9]+\.(cpu|mem)\.user$" needs "web", and "cpu" or "mem", and ".user".
 * A thousand patterns can be asked of a name by looking which of their texts
 * are in it.  Where a pattern is not plain to see through, it needs nothing. */
#ifndef MILLRACE_BASE_REGEX_LITERAL_H
#define MILLRACE_BASE_REGEX_LITERAL_H

#include <stdint.h>

#include "base/slice.h"

#define REGEX_NEEDS		8
#define REGEX_NEED_TEXTS	16
#define REGEX_TEXT_MAX		15

/* One of these must be there. */
struct regex_need {
	uint8_t n;
	struct regex_text {
		uint8_t len;		/* 1 or more */
		char bytes[REGEX_TEXT_MAX];
	} text[REGEX_NEED_TEXTS];
};

/* Each of these. */
struct regex_needs {
	uint8_t n;
	struct regex_need need[REGEX_NEEDS];
};

/* What a pattern of base/regex.h needs. */
void regex_needs(struct slice pattern, struct regex_needs *out);
/* What a text that is the whole needs. */
void regex_needs_text(struct slice text, struct regex_needs *out);
/* Both, as far as there is room. */
void regex_needs_and(struct regex_needs *a, const struct regex_needs *b);
/* One or the other. */
void regex_needs_or(struct regex_needs *a, const struct regex_needs *b);
/* Has the subject all that is needed? */
bool regex_needs_met(const struct regex_needs *needs, struct slice subject);

#endif
