/* pickle.h - Graphite's pickle protocol: batches of points, read and written.
 *
 * On the wire a message is its length (four bytes, big-endian) and a Python
 * pickle of [(name, (timestamp, value)), ...].  The reader knows pickle
 * protocols 0 to 5 as far as lists, tuples, strings, numbers, None and the
 * memo go.  Nothing is ever looked up, imported or called: an opcode that
 * would construct something ends the message with REASON_UNSAFE.
 *
 * Text or bytes are names; timestamps and values may be integers, floats,
 * booleans, or texts of numbers (as Java senders write them). */
#ifndef MILLRACE_PROTO_PICKLE_H
#define MILLRACE_PROTO_PICKLE_H

#include <stdint.h>

#include "base/buf.h"
#include "proto/graphite.h"
#include "record/record.h"

/* carbon's PICKLE_RECEIVER_MAX_LENGTH. */
#define PICKLE_MAX_LENGTH (1024 * 1024)

enum pickle_frame { PICKLE_FRAME, PICKLE_LATER, PICKLE_TOO_LONG };

/* Cut one message off the front of *in.  PICKLE_FRAME: *payload borrows it.
 * PICKLE_LATER: not all of it is there; nothing is changed.
 * PICKLE_TOO_LONG: it says it is longer than max; the stream is lost. */
enum pickle_frame pickle_frame(struct slice *in, size_t max,
    struct slice *payload);

/* ---- reading ---- */

struct pickle;

/* Gives a reader for any number of messages, one after the other; NULL when
 * there is no memory.  max_items bounds the values of one message, and so its
 * memory: about 70 bytes each. */
struct pickle *pickle_new(size_t max_items);
void pickle_free(struct pickle *p);

/* Read a message; its points are pulled with pickle_next().  The reader
 * borrows the payload until the next call.  REASON_NONE, or why none of it
 * can be used: EMPTY, TRUNCATED, SYNTAX, UNSAFE, TOO_MANY, TOO_DEEP,
 * BAD_FIELDS (not a list), NO_MEMORY. */
enum reason pickle_read(struct pickle *p, struct slice payload);

enum pickle_next { PICKLE_POINT, PICKLE_BAD_ITEM, PICKLE_END };

/* The next item.  PICKLE_POINT: *r is a METRIC_POINT that borrows from the
 * payload and the reader, until the next call; graphite_raw_name() works on
 * it.  Its name may hold any bytes: graphite_name() makes it safe.
 * PICKLE_BAD_ITEM: *why says what is wrong with it; go on. */
enum pickle_next pickle_next(struct pickle *p,
    const struct graphite_options *o, struct record *r, enum reason *why);

/* ---- writing ---- */

enum pickle_form {
	PICKLE_PROTOCOL_2,	/* as carbon-relay sends */
	PICKLE_TEXT		/* as statsd's graphite backend sends: protocol 0,
				 * values as texts */
};

/* carbon's MAX_DATAPOINTS_PER_MESSAGE. */
#define PICKLE_BATCH 500

/* One message being written at the end of *out, which it borrows. */
struct pickle_writer {
	struct buf *out;
	enum pickle_form form;
	size_t start;		/* where its length will stand */
	size_t max_points, max_length;
	size_t points;
};

/* Begin a message with the limits above (change the fields to have others);
 * false when out is full. */
bool pickle_begin(struct pickle_writer *w, struct buf *out,
    enum pickle_form form);
/* Add a point; false, with nothing changed, when the message or out is full:
 * end it and begin another.  text is the value as text, for PICKLE_TEXT. */
bool pickle_add(struct pickle_writer *w, struct slice name, int64_t time_s,
    double value, struct slice text);
/* Complete the message; one without points is taken back.  There is always
 * room for the end. */
void pickle_end(struct pickle_writer *w);

#endif
