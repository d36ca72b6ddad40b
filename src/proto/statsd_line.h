/* statsd_line.h - what the files of the StatsD parser share; for them only.
 *
 * statsd.c reads the plain line that nearly all of them are.  It gives any
 * other to statsd_line_begin(), whose values statsd_line_next() then yields. */
#ifndef MILLRACE_PROTO_STATSD_LINE_H
#define MILLRACE_PROTO_STATSD_LINE_H

#include "proto/statsd.h"

/* Take up a line (not empty, without its line end). */
void statsd_line_begin(struct statsd_parser *p, struct slice line);
/* Its next value; STATSD_END when the line has no more. */
enum statsd_result statsd_line_next(struct statsd_parser *p, struct record *r,
    enum reason *why);

/* Whether line begins like an event or check. */
bool statsd_is_event(struct slice line);
bool statsd_is_check(struct slice line);
enum statsd_result statsd_event(struct statsd_parser *p, struct slice line,
    struct record *r, enum reason *why);
enum statsd_result statsd_check(struct statsd_parser *p, struct slice line,
    struct record *r, enum reason *why);

/* Unix seconds in digits, to nanoseconds. */
bool statsd_time(struct slice s, int64_t *time_ns);

#endif
