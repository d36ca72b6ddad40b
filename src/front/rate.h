/* rate.h - how much one sender may send.
 *
 * So many a second, and a burst before that is felt, for each sender over all
 * workers and connections.  The table is of a fixed size: when more senders
 * than it holds are over their rate at once, some get a new burst. */
#ifndef MILLRACE_FRONT_RATE_H
#define MILLRACE_FRONT_RATE_H

#include <stdbool.h>
#include <stdint.h>

#include "base/slice.h"

/* May this one come in?  From any thread.  per_s must not be 0. */
bool rate_admit(struct slice sender, int64_t now_ns, uint64_t per_s,
    uint64_t burst);

#endif
