/* key_log.h - the log of the busiest keys: statsd's keyFlush.
 *
 * One for all workers, behind a lock that is taken once a packet, and not at all
 * while it is off, as it is unless somebody looks for who sends so much. */
#ifndef MILLRACE_FRONT_KEY_LOG_H
#define MILLRACE_FRONT_KEY_LOG_H

#include <stdbool.h>
#include <stdint.h>

#include "base/slice.h"

struct conf;

/* From any thread, any number of times. */
void key_log_configure(const struct conf *conf);
bool key_log_on(void);
/* Count one line of this key.  Between begin and end only. */
void key_log_begin(void);
void key_log_add(struct slice key);
void key_log_end(void);
/* Write the log if it is time to. */
void key_log_tick(int64_t now_ns);

#endif
