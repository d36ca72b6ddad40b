/* audit.h - what the files of `millrace audit` share: numbered events, and the
 * lines of the two logs.
 *
 * An event has the fields p (producer), n (its number, from 1), t (when it was
 * sent, microseconds), b (so many bytes) and c (a checksum over all that).
 *
 * A line of the producer's log, ended by the id that was answered:
 *	A TAB p TAB n TAB sent_us TAB answered_us TAB id
 *	? TAB p TAB n TAB sent_us		no answer came: stored or not
 * A line of the consumer's:
 *	S TAB key TAB id TAB p TAB n TAB sent_us TAB seen_us TAB ok|bad */
#ifndef MILLRACE_APP_AUDIT_H
#define MILLRACE_APP_AUDIT_H

#include <stdbool.h>
#include <stdint.h>

#include "base/crc32c.h"
#include "base/slice.h"

#define AUDIT_PRODUCER 64	/* bytes of p, its NUL included */

struct audit_event {
	struct slice p, b;
	uint64_t n, t;
};

/* Eight hexadecimal digits and a NUL. */
void audit_sum(const struct audit_event *e, char text[9]);

int audit_produce(int argc, char **argv);
int audit_consume(int argc, char **argv);
int audit_judge(int argc, char **argv);

#endif
