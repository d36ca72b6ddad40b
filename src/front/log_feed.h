/* log_feed.h - a syslog message on its way into the pipeline, from any door. */
#ifndef MILLRACE_FRONT_LOG_FEED_H
#define MILLRACE_FRONT_LOG_FEED_H

#include "core/ticket.h"
#include "front/door.h"

struct log_origin;

/* Parse and pass on one message; flags: what its framing had to say
 * (enum log_flag); peer: who sent it; t: who waits for it, or NULL; o: which
 * message of which sender it is, or NULL. */
void log_feed(struct door *d, struct slice msg, uint32_t flags,
    struct slice peer, struct ticket *t, struct log_origin *o);
/* The longest message a framer should give: max_line, or several of it when
 * messages are split.  What is longer yet is cut. */
#define LOG_FEED_PIECES 16
size_t log_feed_max(const struct door *d);
/* The part of "10.0.0.1:4711" or "[::1]:4711" that names the host. */
struct slice log_feed_host(struct slice peer);

#endif
