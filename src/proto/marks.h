/* marks.h - where in a packet stand the bytes that end something.
 *
 * A bit for each byte, made for many lines in one go.  What a line consists of,
 * and where the next one begins, is then told from one integer, before any of
 * the line is looked at: the processor reads the next line while it still works
 * out the value of this one. */
#ifndef MILLRACE_PROTO_MARKS_H
#define MILLRACE_PROTO_MARKS_H

#include <stdint.h>
#include <string.h>

#define MARKS_BYTES 1024	/* of the packet, at a time */
#define MARKS_SURE 57		/* bytes that marks_at() is sure to tell of */

struct marks {
	const char *from;		/* what the first bit stands for */
	const char *until;		/* from here on they are to be made anew */
	uint64_t bits[MARKS_BYTES / 64 + 1];
};

#ifdef __SSE2__
/* Make those of what begins at p, in a packet that ends at end, p < end. */
void marks_make(struct marks *m, const char *p, const char *end);

/* Of the bytes at p, which is before m->until: at least MARKS_SURE of them, or up
 * to the packet's end, lowest bit first. */
static inline uint64_t
marks_at(const struct marks *m, const char *p)
{
	size_t at = (size_t)(p - m->from);
	uint64_t w;

	memcpy(&w, (const char *)m->bits + at / 8, 8);
	return w >> at % 8;
}
#endif

#endif
