/* syslog_write.h - a log record as a syslog message for another receiver.
 *
 * rfc5424   <PRI>1 TIME HOST APP PROCID MSGID SD MSG, header fields cleaned
 *           and cut to what RFC 5424 section 6 allows, MSG as it is
 * rfc3164   <PRI>Mmm dd hh:mm:ss HOST APP[PROCID]: MSG, zone_s seconds east
 *           of UTC
 * raw       as it was received
 *
 * What is written may hold LFs: framing is the caller's business. */
#ifndef MILLRACE_PROTO_SYSLOG_WRITE_H
#define MILLRACE_PROTO_SYSLOG_WRITE_H

#include <stdbool.h>

#include "base/buf.h"
#include "record/record.h"

enum syslog_form { SYSLOG_RFC5424, SYSLOG_RFC3164, SYSLOG_RAW };

/* Append r, a log, as a message; false: out has no room, and is unchanged. */
bool syslog_write(enum syslog_form form, int32_t zone_s,
    const struct record *r, struct buf *out);
/* Append it behind its length, "83 <34>1 ...", as octet counting has it. */
bool syslog_write_counted(enum syslog_form form, int32_t zone_s,
    const struct record *r, struct buf *out);
/* Cut one counted message off the front of *in; false: there is none whole. */
bool syslog_take_counted(struct slice *in, struct slice *msg);
/* Append it as a line: LF in it as "#012", as rsyslog writes it. */
bool syslog_write_line(struct slice msg, struct buf *out);

#endif
