/* forward.h - the Fluent Forward protocol, version 1, as a server hears it.
 *
 * https://github.com/fluent/fluentd/wiki/Forward-Protocol-Specification-v1.
 * Messages are MessagePack arrays in four forms:
 *
 *	Message			[tag, time, record, option?]
 *	Forward			[tag, [[time, record], ...], option?]
 *	PackedForward		[tag, "[time, record][time, record]...", option?]
 *	CompressedPackedForward	the same, packed with gzip: {"compressed": "gzip"}
 *
 * and option {"chunk": id} asks for {"ack": id}. */
#ifndef MILLRACE_PROTO_FORWARD_H
#define MILLRACE_PROTO_FORWARD_H

#include "proto/event_list.h"
#include "proto/msgpack_scan.h"

#define FORWARD_VALUES_MAX (1u << 20)
#define FORWARD_NONCE 16
#define FORWARD_DIGEST 128	/* hex of SHA-512 */

struct forward_limits {
	size_t max_bytes;	/* of a message, and of what it unpacks to */
};

struct forward_message {
	struct slice tag;
	struct slice chunk;	/* ptr NULL: no answer is wanted */
	bool whole_seconds;	/* some of its times were plain integers */
	void *zone;		/* what tag, chunk and fields borrow from */
	struct buf unpacked;
};

/* Read one whole message (as msgpack_scan() measured it, with `values` values).
 * Each entry is an event whose fields are those of its record, and "time" in
 * front when it has none: seconds since 1970, with nine digits behind the
 * point when it came with them.  What is nested is JSON.  A nil (a heartbeat)
 * gives no event.  REASON_NONE, or why not: SYNTAX, BAD_TIME, BAD_COMPRESSION,
 * TOO_LONG, TOO_MANY, TOO_DEEP, NO_MEMORY.  *m and *out in any case go to
 * forward_message_fini() and event_list_fini(). */
enum reason forward_read(struct slice in, uint64_t values,
    const struct forward_limits *limits, struct forward_message *m,
    struct event_list *out);
void forward_message_fini(struct forward_message *m);

/* {"ack": chunk} */
bool forward_ack(struct buf *out, struct slice chunk);

/* ---- the handshake: HELO, PING, PONG ---- */

bool forward_helo(struct buf *out, const uint8_t nonce[FORWARD_NONCE]);
/* Does the client have the key?  *ok says so.  Adds the PONG.  False: that was
 * no PING, or no room. */
bool forward_ping(struct slice in, const uint8_t nonce[FORWARD_NONCE],
    const char *key, const char *hostname, struct buf *out, bool *ok);

#endif
