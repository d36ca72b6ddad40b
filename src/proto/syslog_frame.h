/* syslog_frame.h - cut a stream of bytes into syslog messages.
 *
 * TCP and TLS carry syslog in two ways, often both on one connection: octet
 * counting, "83 <34>1 ...", and lines (RFC 6587; RFC 5425 section 4.3 has only
 * the first).  They are told apart for each message by looking beyond the
 * count: "2026-01-02 hello" and "12 monkeys" are lines.
 *
 * Pure and incremental: the caller keeps the bytes, the framer a few numbers.
 * Only of a message longer than max_message it holds a copy of the beginning,
 * while the rest is counted and dropped.  It never believes an announced
 * length: nothing is allocated or waited for beyond max_message.  The frames
 * do not depend on how the stream was cut into reads. */
#ifndef MILLRACE_PROTO_SYSLOG_FRAME_H
#define MILLRACE_PROTO_SYSLOG_FRAME_H

#include <stdbool.h>
#include <stdint.h>

#include "base/buf.h"
#include "base/slice.h"
#include "record/reason.h"

#define SYSLOG_FRAME_MESSAGE 65536	/* default for max_message */
#define SYSLOG_FRAME_MAX 9999999	/* default and upper bound of max_frame */

enum syslog_frame_mode {
	/* TCP, TLS.  "COUNT SP <" begins a counted message; once a connection
	 * has had one, a count before anything does.  All else is a line that
	 * ends in LF, CR LF or NUL. */
	SYSLOG_FRAME_AUTO,
	/* A Unix stream socket.  libc ends messages with NUL and has LF inside
	 * them, others end them with LF: so at NUL, or at LF before "<digit". */
	SYSLOG_FRAME_UNIX
};

/* What the caller knows of bytes beyond those it has. */
enum syslog_frame_input {
	SYSLOG_INPUT_OPEN,	/* more may come */
	SYSLOG_INPUT_QUIET,	/* none came for a while: in Unix mode a message
				 * whose LF is the last byte is whole */
	SYSLOG_INPUT_END	/* there will be none */
};

enum syslog_frame_answer {
	SYSLOG_FRAME_READY,	/* here is one */
	SYSLOG_FRAME_MORE,	/* not yet; at INPUT_END: there is no other */
	SYSLOG_FRAME_CLOSE	/* never: close the connection */
};

struct syslog_frame {
	struct slice msg;	/* without line ends and NULs behind it; never
				 * empty.  Good until the next call or until the
				 * bytes of *in go, whichever is first */
	uint32_t flags;		/* LOG_FLAG_TRUNCATED, _NOEOL, _FRAMING */
	uint64_t length;	/* bytes that were sent, or announced and not
				 * sent: more than msg.len when TRUNCATED */
	/* with SYSLOG_FRAME_CLOSE */
	enum reason reason;
	const char *why;	/* for the log, in words */
};

struct syslog_framer {
	enum syslog_frame_mode mode;
	size_t max_message, max_frame;
	uint64_t frames;	/* given */
	uint64_t errors;	/* times the stream was out of step */
	/* private */
	enum {
		SYSLOG_AT_START, SYSLOG_IN_LINE, SYSLOG_IN_COUNTED,
		SYSLOG_SKIP_LINE, SYSLOG_SKIP_COUNTED, SYSLOG_DEAD
	} state;
	bool counted;		/* had a counted message */
	bool after_counted;	/* and that was the last thing it had */
	uint32_t flags;		/* for the message under way */
	size_t scanned;		/* bytes of *in that need no second look */
	uint64_t length;	/* announced, or skipped so far */
	uint64_t left;		/* of a counted message, to skip */
	const char *why;
	enum reason reason;
	struct buf head;	/* beginning of a message that is too long */
};

/* max_message and max_frame: 0 for the defaults.  A caller's buffer must be
 * able to hold max_message + 32 bytes. */
void syslog_framer_init(struct syslog_framer *f, enum syslog_frame_mode mode,
    size_t max_message, size_t max_frame);
void syslog_framer_fini(struct syslog_framer *f);

/* The next message at the front of *in.
 * READY: *out is filled, *in begins behind the message.
 * MORE: *in holds what the framer still needs, to be offered again with more
 *     behind it.  At INPUT_END it is empty.
 * CLOSE: out->reason and out->why say why; every further call says it again.
 *     REASON_BAD_FRAMING: an impossible octet count, a TLS hello, an HTTP
 *     request.  REASON_NO_MEMORY. */
enum syslog_frame_answer syslog_frame_next(struct syslog_framer *f,
    struct slice *in, enum syslog_frame_input more, struct syslog_frame *out);

#endif
