/* replay.h - what was seen already, for as long as it would be believed.
 *
 * A signed packet carries the second it was made in, and is believed for
 * max_drift seconds before and after that.  The filter remembers 64 bits of
 * each signature for exactly that long, in memory that is bounded when it is
 * made.  A signature is as good as random, so 64 bits of it collide by chance
 * alone, once in 2^64 / count. */
#ifndef MILLRACE_PROTO_REPLAY_H
#define MILLRACE_PROTO_REPLAY_H

#include <stddef.h>
#include <stdint.h>

#include "record/reason.h"

struct replay;

/* Remember up to `entries` packets of each max_drift seconds (a second, when
 * that is 0), in at most 64 bytes an entry.  NULL with errno. */
struct replay *replay_new(size_t entries, uint64_t max_drift_s);
void replay_free(struct replay *f);

/* Remember token of the packet made at time_s, which the caller has found to
 * be within max_drift of now.  REPLAYED when it is known; LATE when its second
 * is forgotten already, because the clock went back; TOO_MANY when there is no
 * room for it: then it must not be believed either.  Several threads may ask
 * at once. */
enum reason replay_check(struct replay *f, uint64_t token, uint64_t time_s);

#endif
