/* statsite.h - statsite's binary messages.
 *
 * All numbers are little-endian:
 *
 *	0xaa type:u8 keylen:u16 value:f64 key "\0"
 *	0xaa 4:u8    keylen:u16 setlen:u16 key "\0" member "\0"
 *
 * Lengths count the NUL.  Types: 1 key/value, 2 counter, 3 timer, 4 set,
 * 5 gauge, 6 gauge delta.  There are no sample rates.  Source: statsite's
 * README, "Binary Protocol", and its conn_handler.c. */
#ifndef MILLRACE_PROTO_STATSITE_H
#define MILLRACE_PROTO_STATSITE_H

#include "record/record.h"

#define STATSITE_MAGIC 0xaa
/* No message is longer. */
#define STATSITE_MAX (6 + 2 * 65535)

enum statsite_result {
	STATSITE_METRIC,
	STATSITE_BAD,		/* this message only; *in is behind it */
	STATSITE_MORE,		/* it is not all there (of a datagram: it is
				 * TRUNCATED); *in is as it was, perhaps empty */
	STATSITE_LOST		/* nothing more can be read: drop the datagram or
				 * close the stream; *in is as it was */
};

/* Whether bytes begin as a binary message does; no line of text does. */
bool statsite_is_binary(struct slice bytes);

/* Take one message off the front of *in.  On STATSITE_METRIC r->kind, source,
 * time_ns (0) and metric are filled, borrowing from *in, and everything else
 * is left alone; metric.text is empty but for a set's member.  Tags in the name
 * are taken out as in StatsD's lines.  On STATSITE_BAD and _LOST *why says what
 * was wrong: NO_NAME, BAD_NAME (a NUL or newline within, no NUL behind),
 * TOO_LONG (name above max_name bytes), BAD_VALUE (a member without its NUL or
 * with another), NOT_A_NUMBER (infinite too); BAD_FRAMING and BAD_TYPE lose
 * the rest. */
enum statsite_result statsite_next(struct slice *in, size_t max_name,
    struct record *r, enum reason *why);

#endif
