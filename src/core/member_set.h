/* member_set.h - the different members of a set: exact up to a bound, then
 * counted by HyperLogLog.
 *
 * While exact it holds the members' bytes, so that they can be listed.  It goes
 * over to HyperLogLog (16 KiB, 0.8 % error) when it has more than `max_members`,
 * or when their text would pass MEMBER_SET_TEXT bytes per allowed member. */
#ifndef MILLRACE_CORE_MEMBER_SET_H
#define MILLRACE_CORE_MEMBER_SET_H

#include <stdbool.h>
#include <stdint.h>

#include "base/slice.h"
#include "core/index32.h"

#define MEMBER_SET_TEXT 64	/* bytes of text per allowed member, on average */

struct hll;

struct member_set {
	char *text;			/* the members, each behind its length
					 * and hash */
	uint32_t len, cap, max_text;
	uint32_t n, max_members;
	struct index32 index;		/* of offsets; not used for a few members */
	struct hll *hll;		/* not NULL: it is estimated */
};

/* max_members: 0 is taken for 1; at most 2^20 counts. */
void member_set_init(struct member_set *s, uint64_t max_members);
/* Frees all; the set is empty and exact again and may be used again. */
void member_set_fini(struct member_set *s);
/* The same, but keeps a moderate amount of memory for the next interval. */
void member_set_clear(struct member_set *s);

/* false when there was no memory for it: then it is not counted. */
bool member_set_add(struct member_set *s, struct slice member);
/* Add all of `from` to `into`; false as above. */
bool member_set_merge(struct member_set *into, const struct member_set *from);

/* How many members: exact, or estimated to the nearest whole number. */
double member_set_count(const struct member_set *s);
bool member_set_is_exact(const struct member_set *s);
bool member_set_is_empty(const struct member_set *s);
/* Visit the members of an exact set in the order in which they came: begin
 * with *pos 0; false at the end, and always when it is not exact. */
bool member_set_next(const struct member_set *s, uint32_t *pos,
    struct slice *member);
/* Bytes of memory held besides the struct. */
size_t member_set_bytes(const struct member_set *s);

#endif
