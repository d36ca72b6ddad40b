/* json.h - text as JSON (RFC 8259). */
#ifndef MILLRACE_BASE_JSON_H
#define MILLRACE_BASE_JSON_H

#include "base/buf.h"

/* s as a JSON string, with its quotes.  Bytes that are not UTF-8 become
 * U+FFFD, and then *bad is set (and else left alone).  False: b is full, and
 * may hold a part. */
bool json_add_string(struct buf *b, struct slice s, bool *bad);

#endif
