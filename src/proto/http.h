/* http.h - HTTP/1.1 requests (RFC 9110, RFC 9112), as a server must read them
 * that stands beside others: what two readers could understand in two ways is
 * refused.
 *
 * Refused for that: a Content-Length beside a Transfer-Encoding, two of either,
 * a transfer coding other than "chunked", a length that is not only digits, a
 * blank before a header's colon, folded headers, CR or LF alone, NUL and other
 * control bytes, no Host or two, chunk sizes with a sign or "0x", or without
 * their CRLF.
 *
 * Pure: it looks at the bytes buffered so far and remembers how far it came. */
#ifndef MILLRACE_PROTO_HTTP_H
#define MILLRACE_PROTO_HTTP_H

#include <stdint.h>

#include "base/buf.h"
#include "base/slice.h"
#include "record/reason.h"

#define HTTP_HEADERS_MAX 64
#define HTTP_HEAD_MAX (16 * 1024)
#define HTTP_TRAILER_MAX 1024

enum http_answer {
	HTTP_READY,
	HTTP_MORE,		/* not yet */
	HTTP_BAD		/* never: answer with `status` and close */
};

struct http_header {
	struct slice name, value;
};

struct http_request {
	struct slice method;
	struct slice path, query;	/* of the target, not decoded */
	struct http_header headers[HTTP_HEADERS_MAX];
	size_t nheaders;
	bool minor_0;			/* HTTP/1.0 */
	bool keep_alive;
	bool chunked;
	bool expects;			/* waits for "100 Continue" */
	uint64_t length;		/* of the body, when it is not chunked */
};

/* Why a request is refused. */
struct http_fault {
	unsigned status;		/* 400, 411, 414, 417, 431, 501, 505 */
	enum reason reason;
	const char *text;
};

/* Read the head at the front of `in`.  *seen is how far its end was looked for
 * by earlier calls (0 at first), so that a head that trickles in costs no more
 * than one that comes at once; after READY and BAD it is 0 again.  READY: *r
 * borrows from `in`, whose first *used bytes are the head.  BAD: see *f. */
enum http_answer http_head(struct slice in, size_t *seen, size_t *used,
    struct http_request *r, struct http_fault *f);

/* The value of a header, NULL pointer when it is not there.  Of several the
 * first. */
struct slice http_header(const struct http_request *r, struct slice name);
/* A body's type without its parameters: "application/json". */
struct slice http_type(struct slice content_type);

/* A body in chunks. */
struct http_chunks {
	enum { HTTP_CHUNK_SIZE, HTTP_CHUNK_DATA, HTTP_CHUNK_END, HTTP_CHUNK_TRAILER } state;
	uint64_t left;		/* of the chunk under way */
	size_t trailer;		/* bytes of the trailer so far */
};

/* Take what can be taken off the front of *in: data goes to out, whose maximum
 * is the largest body.  READY: that was all of it, *in begins behind.  BAD:
 * f->status is 400 or 413. */
enum http_answer http_chunks(struct http_chunks *c, struct slice *in,
    struct buf *out, struct http_fault *f);

/* Append s with its %XX decoded.  False: bad escapes, or no room. */
bool http_unescape(struct slice s, struct buf *out);
/* Append what base64 (RFC 4648, padding optional) stands for. */
bool http_base64(struct slice s, struct buf *out);

/* Append "HTTP/1.1 STATUS REASON CRLF" and nothing else. */
bool http_status_line(struct buf *out, unsigned status);

#endif
