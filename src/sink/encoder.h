/* encoder.h - what a server wants to be sent, made from lines.
 *
 * Most servers take lines as they are and have no encoder.  The others get them
 * pickled, or packed, or one after the other. */
#ifndef MILLRACE_SINK_ENCODER_H
#define MILLRACE_SINK_ENCODER_H

#include "base/buf.h"
#include "conf/conf.h"

struct encoder;

/* NULL with errno 0: it takes lines as they are. */
struct encoder *encoder_new(const struct conf_server *server);
void encoder_free(struct encoder *e);
/* A connection begins. */
void encoder_begin(struct encoder *e);
/* Append these lines, ready to be sent, to out.  False: no memory. */
bool encoder_add(struct encoder *e, struct slice lines, struct buf *out);
/* The last bytes of a connection. */
bool encoder_end(struct encoder *e, struct buf *out);

#endif
