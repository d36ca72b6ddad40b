/* packed_snappy.h - snappy streams; for packed.c only.
 *
 * Two forms are about: the framing format (go-carbon and most others), and what
 * carbon-c-relay sends: bare blocks one behind another, each with its length
 * when unpacked in front and nothing that says where it ends.  A reader knows
 * the first by its identifier.  The end of a bare block is where the elements
 * have made as many bytes as its head says.
 * (github.com/google/snappy, framing_format.txt and format_description.txt) */
#ifndef MILLRACE_PROTO_PACKED_SNAPPY_H
#define MILLRACE_PROTO_PACKED_SNAPPY_H

#include "base/buf.h"

#define SNAPPY_BLOCK 65536	/* bytes of a frame, unpacked */
#define SNAPPY_RAW_BLOCK 32768	/* of a bare block that we make: what a relay's
				 * buffer holds */
#define SNAPPY_RAW_MAX (1u << 20)	/* of one that we take */

/* Append the frames of bytes; first: the identifier before them. */
bool snappy_frames(struct slice bytes, bool first, struct buf *out);
/* Append the bare blocks of bytes, cut between lines where that can be. */
bool snappy_blocks(struct slice bytes, struct buf *out);

struct snappy_reader {
	enum { SNAPPY_UNKNOWN, SNAPPY_FRAMED, SNAPPY_BARE } form;
	struct buf in;			/* a chunk or block that is not whole */
	struct buf out;			/* unpacked, not handed out */
	size_t given;			/* of out */
	size_t skip;			/* bytes of a chunk of no interest */
	/* where the walk through a bare block stands */
	size_t at, made, want;
};

void snappy_reader_init(struct snappy_reader *r);
void snappy_reader_fini(struct snappy_reader *r);
/* As unpacker_read(); false: broken. */
bool snappy_read(struct snappy_reader *r, struct slice *in, char *to,
    size_t room, size_t *n);

/* Was libsnappy there when this was built? */
bool snappy_known(void);

#endif
