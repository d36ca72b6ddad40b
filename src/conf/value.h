/* value.h - texts that mean a number, a duration, a size, a yes or no.
 *
 * Pure and without locale.  On false the result is as it was. */
#ifndef MILLRACE_CONF_VALUE_H
#define MILLRACE_CONF_VALUE_H

#include <stdint.h>

#include "base/slice.h"

/* A number as number_double() reads it, or inf with a sign before it. */
bool value_number(struct slice s, double *v);
/* "250ms" "10s" "1h30m" "1.5s" "30d" "2w"; a bare "0" too.  Milliseconds. */
bool value_duration(struct slice s, uint64_t *ms);
/* "512k" "64MiB" "1GB" "4096": k M G T and KiB MiB GiB TiB count in 1024s, KB MB
 * GB TB in 1000s. */
bool value_size(struct slice s, uint64_t *bytes);
/* true false yes no on off, in any case. */
bool value_bool(struct slice s, bool *v);

/* How many letters to change, add, drop or swap to make a into b; texts past
 * 63 bytes are as far apart as can be. */
unsigned value_distance(struct slice a, struct slice b);
/* Is b near enough to a to be what was meant? */
bool value_near(struct slice a, struct slice b, unsigned *distance);

#endif
