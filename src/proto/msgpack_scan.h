/* msgpack_scan.h - where a MessagePack value ends, and whether it is safe to
 * decode: how deep it is and how many values it has, before anything is built.
 *
 * https://github.com/msgpack/msgpack/blob/master/spec.md.  Announced lengths
 * are believed only as far as bytes can follow them. */
#ifndef MILLRACE_PROTO_MSGPACK_SCAN_H
#define MILLRACE_PROTO_MSGPACK_SCAN_H

#include <stdint.h>

#include "base/slice.h"
#include "record/reason.h"

#define MSGPACK_DEPTH_MAX 24

enum msgpack_answer {
	MSGPACK_READY,
	MSGPACK_MORE,		/* not yet */
	MSGPACK_BAD		/* never */
};

struct msgpack_scan {
	size_t max_bytes;
	uint64_t max_values;
	enum reason reason;	/* after BAD: BAD_FRAMING, TOO_LONG, TOO_MANY,
				 * TOO_DEEP */
	/* of the value under way */
	size_t at;
	uint64_t values;
	unsigned depth;
	uint64_t left[MSGPACK_DEPTH_MAX];
};

void msgpack_scan_init(struct msgpack_scan *s, size_t max_bytes,
    uint64_t max_values);
/* Is there a whole value at the front of `in`?  READY: it has *len bytes, and
 * *values values within it, itself included; the scanner is ready for the
 * next.  It remembers how far it came: a value that trickles in costs no more
 * than one that comes at once. */
enum msgpack_answer msgpack_scan(struct msgpack_scan *s, struct slice in,
    size_t *len, uint64_t *values);

#endif
