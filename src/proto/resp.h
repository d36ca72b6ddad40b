/* resp.h - RESP, the Redis protocol: requests in, replies out, and back again.
 *
 * https://redis.io/docs/latest/develop/reference/protocol-spec/ (RESP2 and
 * RESP3).  Three parts: a parser of requests for a server (arrays of bulk
 * strings, and inline commands with redis-cli's quoting), writers of replies
 * and of requests, and a parser of replies for a client.  All are pure: they
 * look at the bytes buffered so far, and remember how far they came, so that
 * bytes that trickle in one at a time cost no more than those that come at
 * once. */
#ifndef MILLRACE_PROTO_RESP_H
#define MILLRACE_PROTO_RESP_H

#include <stdint.h>

#include "base/buf.h"
#include "base/slice.h"
#include "record/reason.h"

enum resp_status {
	RESP_READY,		/* a whole command (or reply) */
	RESP_MORE,		/* not yet */
	RESP_REFUSED,		/* a whole command, skipped: over a limit; answer
				 * an error and go on */
	RESP_BAD		/* out of step for good: answer and close */
};

/* ---- requests ---- */

#define RESP_MAX_INLINE (64 * 1024)
/* No peer means it seriously: the framing is refused, not skipped. */
#define RESP_MAX_BULK (512 * 1024 * 1024)
#define RESP_MAX_MULTIBULK (1024 * 1024)

struct resp_span {
	size_t at, len;
};

/* One per connection.  Everything but the limits is the parser's own. */
struct resp_parser {
	size_t max_args;	/* more are skipped and refused: TOO_MANY */
	size_t max_bytes;	/* of one command with its framing: TOO_LONG */
	enum reason reason;	/* after REFUSED or BAD: why */
	const char *error;	/* after REFUSED or BAD: "ERR Protocol error: ..." */

	struct slice *argv;	/* after READY */
	size_t argc;

	struct resp_span *spans;	/* found so far, from the command's start */
	size_t nspans, cap;
	size_t at;		/* looked at so far, from the command's start */
	size_t left;		/* arguments still to come */
	size_t bulk;		/* of the argument under way, with its CRLF */
	bool inside;		/* the array's head has been read */
	bool in_bulk;		/* and the head of the next argument */
	bool refusing;
	struct buf text;	/* unquoted words of an inline command */
};

/* max_args up to RESP_MAX_MULTIBULK, max_bytes from 64 to RESP_MAX_BULK. */
void resp_parser_init(struct resp_parser *p, size_t max_args, size_t max_bytes);
void resp_parser_fini(struct resp_parser *p);

/* Look for one command at the front of `in`, everything buffered and not yet
 * consumed.  *used is how many bytes the caller has to drop from the front:
 * on READY after it is done with p->argv, whose slices borrow from `in` and
 * from p until the next call; on MORE it may be above 0 too (blank lines, a
 * command being skipped).  On RESP_BAD *used is 0.
 *
 * Memory follows what has arrived, never what was announced.  Unless it is
 * skipping, a command of more than max_bytes is never asked to be buffered: the
 * caller's buffer needs max_bytes and no more. */
enum resp_status resp_request(struct resp_parser *p, struct slice in,
    size_t *used);

/* ---- writers: false when the buffer is at its maximum (it is then as it
 * was, but for resp_request_add(), which writes several pieces) ---- */

bool resp_add_simple(struct buf *b, const char *text);
/* "-text\r\n"; text starts with the prefix ("ERR ..."); CR and LF within
 * become spaces. */
bool resp_add_error(struct buf *b, const char *text);
bool resp_add_bulk(struct buf *b, struct slice s);
bool resp_add_int(struct buf *b, int64_t v);
/* The head of an array of n values, which follow. */
bool resp_add_array(struct buf *b, size_t n);
/* The head of n pairs: a map in RESP3, an array of 2n in RESP2. */
bool resp_add_map(struct buf *b, size_t n, int proto);
bool resp_add_null(struct buf *b, int proto);
/* The null that stands for an array (EXEC given up). */
bool resp_add_null_array(struct buf *b, int proto);
bool resp_add_bool(struct buf *b, bool v, int proto);
/* "<ms>-<seq>" as a bulk string: the acknowledgement of an event. */
bool resp_add_id(struct buf *b, uint64_t ms, uint64_t seq);
/* A request: an array of argc bulk strings. */
bool resp_add_request(struct buf *b, const struct slice *argv, size_t argc);

/* ---- replies ---- */

enum resp_type {
	RESP_SIMPLE,		/* + */
	RESP_ERROR,		/* - and ! */
	RESP_INT,		/* : */
	RESP_BULK,		/* $ and = (verbatim, without its "txt:") */
	RESP_NULL,		/* _ $-1 *-1 */
	RESP_BOOL,		/* #, in integer */
	RESP_DOUBLE,		/* "," as text */
	RESP_BIGNUM,		/* ( as text */
	RESP_ARRAY,		/* *, and ~ (set): count values follow */
	RESP_MAP,		/* %: count pairs, so 2 * count values, follow */
	RESP_PUSH,		/* >: count values follow; not an answer to anything */
	RESP_ATTRIBUTE		/* |: count pairs follow, then the value they describe */
};

struct resp_value {
	enum resp_type type;
	int64_t integer;
	struct slice text;	/* borrows */
	size_t count;
};

#define RESP_MAX_DEPTH 16

/* The scanner of replies: knows when a whole one is there. */
struct resp_reply {
	size_t max_bytes;
	enum reason reason;	/* after BAD */
	size_t at;		/* looked at so far */
	unsigned depth;
	uint64_t left[RESP_MAX_DEPTH];	/* values still to come, per level */
};

void resp_reply_init(struct resp_reply *r, size_t max_bytes);
/* Is there a whole reply at the front of `in`?  READY: *len is its length, and
 * the scanner is ready for the next one.  MORE and BAD as above (BAD: close).
 * Never REFUSED. */
enum resp_status resp_reply_scan(struct resp_reply *r, struct slice in,
    size_t *len);
/* Take the next value off the front of a reply that was scanned.  False at its
 * end, and for bytes that never were scanned. */
bool resp_value_next(struct slice *reply, struct resp_value *v);
/* The same, and pass over everything inside it. */
bool resp_value_skip(struct slice *reply, struct resp_value *v);

#endif
