/* log_line.h - a log record as one line of a file, and back.
 *
 * Whatever a message holds, it is one line: no newline in it can forge
 * another, no escape sequence in it reaches a terminal, and what was changed
 * for that can be changed back.
 *
 * syslog    2026-08-22T14:00:00.123456Z host app[procid]: body
 *           UTC, always six digits.  An empty host or app is "-", a host or app
 *           that is "-" is "\x2d"; no "[procid]" when that is empty.  In all
 *           parts: backslash is "\\", LF "\n", CR "\r", TAB "\t"; other bytes
 *           below 32, 127, the C1 controls (U+0080 to U+009F) and bytes that
 *           are no UTF-8 are "\x" and two digits each.  So are blanks in host,
 *           app and procid, and '[' in app.  Facility, severity, msgid and
 *           structured data are not in the line; reading it back gives
 *           user.notice with LOG_FLAG_NOPRI.
 * rfc5424   <PRI>1 2026-08-22T14:00:00.123456Z HOST APP PROCID MSGID SD MSG
 *           RFC 5424, with the escapes above in the header and in MSG, also of
 *           a byte order mark that begins it.  In SD "\n", "\r", "\t" and
 *           "\xHH" stand for those bytes, and "\x5c" for a backslash that would
 *           otherwise look like the beginning of one.  No SP behind SD when
 *           MSG is empty.
 * json      {"kind":"log","source":"syslog","time":"2026-08-22T14:00:00.123Z",
 *           "received":"...","host":"web1","app":"sshd","procid":"812",
 *           "msgid":"ID47","facility":"auth","severity":"crit","sd":[{"id":
 *           "x@1","params":[["k","v"]]}],"body":"...","flags":["no_year"]}
 *           Keys in this order, those that are empty left out, except body.
 *           Times have 3, 6 or 9 digits, as many as they need.  Control
 *           characters are escaped, C1 too.  Bytes that are no UTF-8 become
 *           U+FFFD and add the flag "not_utf8"; if they stood in the body, its
 *           exact bytes follow as "body_b64".
 * raw       The message as it was received, its LFs as "\n" (not reversible
 *           when the message has such text itself).
 *
 * A record without a time of its own has that of its receipt in the first two. */
#ifndef MILLRACE_PROTO_LOG_LINE_H
#define MILLRACE_PROTO_LOG_LINE_H

#include <stdbool.h>
#include <stdint.h>

#include "base/buf.h"
#include "base/slice.h"
#include "record/record.h"

enum log_format {
	LOG_FORMAT_SYSLOG, LOG_FORMAT_RFC5424, LOG_FORMAT_JSON, LOG_FORMAT_RAW,
	LOG_FORMATS
};

const char *log_format_name(enum log_format f);
/* False, *f untouched: no format has that name. */
bool log_format_named(struct slice name, enum log_format *f);

/* The last second that was written as text.  All zero to begin with; one for
 * each thread that writes. */
struct log_second {
	int64_t second;
	char text[24];		/* "2026-08-22T14:00:00" */
};

struct log_clock {
	struct log_second time, received;
};

/* Append r, a log, with its LF.  False: out has no room, and is unchanged. */
bool log_line_write(enum log_format f, const struct record *r,
    struct log_clock *clock, struct buf *out);

/* The record that a line, without its LF, was written from: as much of it as
 * the format has.  Its slices borrow from line, and from scratch, which is
 * emptied first and must be able to hold 2 * line.len + 64 bytes.  log.raw is
 * the line.  received_ns is 0 where the format does not have it.
 * On anything but REASON_NONE *r means nothing: REASON_SYNTAX, _BAD_TIME,
 * _BAD_VALUE (a severity or facility that is none),
 * _BAD_TYPE (json of something else than a log), _TOO_DEEP, _NO_MEMORY. */
enum reason log_line_parse(enum log_format f, struct slice line,
    struct record *r, struct buf *scratch);

/* The time alone, for looking through files: false when the line has none. */
bool log_line_time(enum log_format f, struct slice line, int64_t *ns);

#endif
