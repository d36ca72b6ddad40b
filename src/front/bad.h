/* bad.h - one log line per reason and interval, with a sample. */
#ifndef MILLRACE_FRONT_BAD_H
#define MILLRACE_FRONT_BAD_H

#include "record/record.h"

/* Say that this came in and was refused; peer may be NULL.  At most one line
 * every 10 s for each source and reason, in all threads together. */
void bad_input(enum record_source source, enum reason why,
    struct slice sample, const char *peer);

#endif
