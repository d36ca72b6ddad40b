/* lines.h - the complete lines of a byte stream, with a longest line.
 *
 * For protocols whose unit is a line ('\n'; a '\r' before it is the parser's
 * business) and whose parsers read many lines at a time.  What comes out does
 * not depend on how the bytes were cut on their way. */
#ifndef MILLRACE_PROTO_LINES_H
#define MILLRACE_PROTO_LINES_H

#include <stdint.h>

#include "base/slice.h"

struct lines {
	size_t max;		/* bytes of a line, without its '\n' */
	size_t seen;		/* bytes at the front that hold no '\n' */
	bool skipping;		/* within a line that was too long */
	uint64_t too_long;	/* lines left out for their length, so far */
};

void lines_init(struct lines *l, size_t max);

/* Look at data: what the call before did not use up, and what came since.
 * *complete becomes the run of complete lines at its front, borrowed from it,
 * perhaps empty.  At the end of the stream (eof) what is left counts as a line
 * too; who wants an unfinished line dropped says false there.
 * Returns how many bytes are used up; call again with the rest until that is
 * 0.  So much is left unused at most: max bytes.  A line that is longer is
 * counted once, used up as it comes and never part of *complete. */
size_t lines_take(struct lines *l, struct slice data, bool eof,
    struct slice *complete);

#endif
