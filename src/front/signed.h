/* signed.h - signed StatsD packets: who may open them. */
#ifndef MILLRACE_FRONT_SIGNED_H
#define MILLRACE_FRONT_SIGNED_H

#include <stdbool.h>

struct conf;
struct statsd_secure;

/* What a worker opens packets with, in *out; NULL in it when the configuration
 * has no secret.  All workers share one memory of what was seen.  false: no
 * memory. */
bool signed_new(const struct conf *conf, struct statsd_secure **out);

#endif
