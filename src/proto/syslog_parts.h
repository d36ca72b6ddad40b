/* syslog_parts.h - what the files of the syslog parser share. */
#ifndef MILLRACE_PROTO_SYSLOG_PARTS_H
#define MILLRACE_PROTO_SYSLOG_PARTS_H

#include <stdint.h>

#include "proto/syslog.h"

/* A stamp as read: flags are those of enum log_flag that it earns. */
struct syslog_time {
	int64_t ns;
	uint32_t flags;
};

/* Each reads one form of time from the front of *in.  True: *in begins behind
 * it, and t->ns means something unless t->flags has BADTIME.  False: this is
 * no such time, and both are untouched.
 *
 * ISO 8601 as in RFC 3339, with t and z in either case, fractions of 1 to 12
 * digits behind '.' or ',', zones as Z, +hh:mm, +hhmm, +hh or none; blank: the
 * 'T' may be a space. */
bool syslog_time_iso(struct slice *in, const struct syslog_options *o,
    bool blank, struct syslog_time *t);
/* "[Www ][yyyy ]Mmm d[d] [yyyy ]hh:mm:ss[.fraction][ yyyy][ ZONE][ yyyy]",
 * names in any case.  A zone is a name we know, or an offset; a name that we do
 * not is taken for one only right before ": %". */
bool syslog_time_bsd(struct slice *in, const struct syslog_options *o,
    struct syslog_time *t);
/* Seconds since 1970 with an optional fraction, followed by a space. */
bool syslog_time_epoch(struct slice *in, struct syslog_time *t);

/* A message behind its PRI.  Each fills time_ns and the fields of r->log from
 * host to body that it finds, and adds flags; the rest was set before.
 * False: not RFC 5424, and *r is untouched. */
bool syslog_5424(struct slice in, const struct syslog_options *o,
    struct record *r);
void syslog_3164(struct slice in, const struct syslog_options *o,
    struct record *r);
/* Puts a stamp into the record as the options have it. */
void syslog_set_time(const struct syslog_time *t,
    const struct syslog_options *o, struct record *r);

#endif
