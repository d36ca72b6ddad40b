/* statsd_secure.h - brubeck's signed StatsD packets ("statsd-secure").
 *
 *	signature:32 time:u64 nonce:4 payload
 *
 * The signature is the HMAC-SHA256, under a key both sides know, of all that
 * follows it; the time is seconds since 1970, little-endian.  The payload is a
 * StatsD packet as any other.  The nonce makes equal packets of one second
 * differ.  Source: brubeck's src/samplers/statsd-secure.c and its clients. */
#ifndef MILLRACE_PROTO_STATSD_SECURE_H
#define MILLRACE_PROTO_STATSD_SECURE_H

#include <stdint.h>

#include "base/slice.h"
#include "record/reason.h"

#define STATSD_SECURE_HEAD (32 + 8 + 4)

struct replay;
struct statsd_secure;

/* What a thread needs to open packets.  Copies the key, which must not be
 * empty; borrows the filter, which all threads that know the key must share,
 * and which is made for the same max_drift_s.  NULL with errno. */
struct statsd_secure *statsd_secure_new(struct slice key, uint64_t max_drift_s,
    struct replay *filter);
void statsd_secure_free(struct statsd_secure *s);

/* Verify a packet that came at now_ns.  REASON_NONE gives its payload, which
 * borrows from it.  TRUNCATED: shorter than its head; BAD_SIGNATURE; LATE and
 * BAD_TIME: made more than max_drift before or after now; REPLAYED: known
 * already; TOO_MANY: the filter is full; NO_MEMORY. */
enum reason statsd_secure_open(struct statsd_secure *s, struct slice packet,
    int64_t now_ns, struct slice *payload);

#endif
