/* packed.h - compressed streams of lines, as carbon-c-relay sends them.
 *
 * gzip: one member for a whole connection, flushed after each batch, so that
 * all that was packed can be read at once.  lz4: frames one behind another.
 * snappy: the framing format; bare snappy: blocks as carbon-c-relay sends them;
 * a reader of either takes both.
 * Both are read whether they come in one piece or byte by byte, and several
 * gzip members too. */
#ifndef MILLRACE_PROTO_PACKED_H
#define MILLRACE_PROTO_PACKED_H

#include "base/buf.h"
#include "record/reason.h"

enum packing { PACKED_NOT, PACKED_GZIP, PACKED_LZ4, PACKED_SNAPPY, PACKED_SNAPPY_BARE };

/* Was this built with what that needs? */
bool packing_known(enum packing how);

struct packer;
/* NULL: no memory. */
struct packer *packer_new(enum packing how);
void packer_free(struct packer *p);
/* Begin anew, for another connection. */
void packer_reset(struct packer *p);
/* Pack bytes and append all of it to out.  False: out is full or memory is
 * out, and the stream is of no use any more. */
bool packer_add(struct packer *p, struct slice bytes, struct buf *out);
/* What belongs at the end of a connection. */
bool packer_end(struct packer *p, struct buf *out);

struct unpacker;
struct unpacker *unpacker_new(enum packing how);
void unpacker_free(struct unpacker *u);
/* Unpack from the front of *in, which moves on, into at most `room` bytes at
 * `to`; *n is how many there are.  Call again while in->len > 0 or *n == room.
 * BAD_COMPRESSION: it is broken, or grows so much that it is an attack. */
enum reason unpacker_read(struct unpacker *u, struct slice *in, char *to,
    size_t room, size_t *n);

#endif
