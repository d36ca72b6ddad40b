/* limits.h - how many names, and points a second, a rule lets in; one per
 * worker.
 *
 * A rule stands for a prefix here ("when: name =~ ...").  Names are counted as
 * long as the table of decisions keeps them; points by a bucket that holds what
 * may come in one second.  Pure: the time is an argument. */
#ifndef MILLRACE_CORE_LIMITS_H
#define MILLRACE_CORE_LIMITS_H

#include <stdbool.h>
#include <stdint.h>

#define LIMITS_MAX 255

struct limit {
	uint16_t rule;
	bool begun;
	uint64_t names;
	double tokens;			/* points that may come now */
	int64_t last_ns;
};

struct limits {
	struct limit v[LIMITS_MAX + 1];	/* by number; 0 is no limit */
	uint64_t emptied;		/* what the table's was */
};

/* Forget all: other rules, or an empty table. */
void limits_clear(struct limits *l);
/* The number of a rule; those past 254 share the last.  -1 has none: 0. */
uint8_t limits_number(struct limits *l, int rule);
/* A name more, when there is room; max 0: there always is. */
bool limit_name(struct limit *l, uint64_t max);
/* A point more, when the rate allows; rate 0: it always does. */
bool limit_point(struct limit *l, uint64_t rate, int64_t now_ns);

#endif
