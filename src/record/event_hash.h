/* event_hash.h - 128 bits that stand for the content of an event.
 *
 * Tells a re-sent event from another one under the same name.  Not for use
 * against somebody who looks for collisions: he can only confuse himself. */
#ifndef MILLRACE_RECORD_EVENT_HASH_H
#define MILLRACE_RECORD_EVENT_HASH_H

#include "record/record.h"

struct event_hash {
	uint64_t lo, hi;
};

#define EVENT_HASH_TEXT 32

/* Over the fields in their order, lengths included: "ab","c" is not "a","bc". */
struct event_hash event_hash_fields(const struct pair *fields, size_t n);
struct event_hash event_hash_bytes(struct slice s);
/* 32 lower-case hexadecimal digits, no NUL. */
void event_hash_text(struct event_hash h, char text[EVENT_HASH_TEXT]);

#endif
