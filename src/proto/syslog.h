/* syslog.h - syslog messages as the wild sends them.
 *
 * Understands RFC 5424 with structured data, RFC 3164 in the shapes that
 * programs, routers and appliances really write, and keeps what it does not
 * understand whole.  Only blank input is refused: a message that is odd is
 * still a message, its oddities are flags and its bytes stay in log.raw. */
#ifndef MILLRACE_PROTO_SYSLOG_H
#define MILLRACE_PROTO_SYSLOG_H

#include <stdbool.h>
#include <stdint.h>

#include "base/buf.h"
#include "base/slice.h"
#include "record/record.h"

/* What the parser is told by who received the message.  All zero will do. */
/* The second of the latest ISO stamp: most messages have the same as the one
 * before.  All zero to begin with; one for each thread that parses. */
struct syslog_second {
	char text[19];		/* "2026-08-22T14:00:00" */
	int64_t seconds;	/* since 1970, if that is UTC */
};

struct syslog_options {
	int64_t now_ns;		/* when it was received */
	int32_t zone_s;		/* seconds east of UTC of stamps without a zone */
	bool local;		/* from a Unix socket: libc's form, without a host */
	bool receive_time;	/* a stamp without a zone counts for nothing: the
				 * message takes its time of receipt */
	int64_t skew_ns;	/* flag a time further than this from now_ns; 0: never */
	size_t max_len;		/* cut longer messages and flag them; 0: never */
	struct slice host;	/* for log.host of messages that name none; local:
				 * the machine's name, expected before the tag
				 * after all if just that stands there */
	struct slice peer;	/* for r->peer */
	struct syslog_second *last;	/* or NULL */
};

/* Reads one message, without its framing, into all fields of *r.
 *
 * The slices of *r borrow from msg and from the options.  Gives REASON_NONE, or
 * REASON_EMPTY with *r untouched when msg is nothing but blanks, line ends and
 * NULs.  (RFC 5424 section 6, RFC 3164 sections 4 and 5.)
 *
 * r->time_ns: the message's own time.  It is now_ns when there is no stamp
 *     (NOTIME; RFC 5424's "-" has no flag), when the stamp is no date
 *     (BADTIME), or lies before 1970 or after 2261.  A stamp with no year
 *     (NO_YEAR) gets the latest that keeps it within 14 days after now_ns.
 *     A second 60 becomes 59.999999999 (LEAP).
 * log.facility, log.severity: user.notice when there is no "<PRI>" (NOPRI) or
 *     it means nothing (BADPRI).
 * log.host, app, procid, msgid: as sent; empty for "-".
 * log.sd: all elements as sent, well formed as far as syslog_sd_next() can
 *     tell, or empty.
 * log.body: what is left, without line ends, NULs and blanks that are framing:
 *     its own leading blanks are kept, a byte order mark is not.
 * log.raw: msg without trailing line ends and NULs, cut at max_len. */
enum reason syslog_parse(struct slice msg, const struct syslog_options *o,
    struct record *r);

/* Walks structured data, "[id key="value" ...][id ...]", as it stands in
 * log.sd.  Names may repeat; order is kept. */
struct syslog_sd {
	struct slice rest;
	struct slice id;
	unsigned element;	/* number of the element last given, from 1 */
	bool open;		/* inside an element */
	bool given;		/* something of it was given already */
};

void syslog_sd_begin(struct syslog_sd *it, struct slice sd);
/* The next parameter, its value still escaped.  An element without parameters
 * comes once, with an empty key.  False at the end, or where sd goes bad. */
bool syslog_sd_next(struct syslog_sd *it, struct slice *id, struct slice *key,
    struct slice *value);
/* Appends a value with \" \\ \] resolved; any other backslash is itself
 * (RFC 5424 section 6.3.3).  False when b has no room: it may have got a part. */
bool syslog_sd_unescape(struct slice value, struct buf *b);
/* The reverse. */
bool syslog_sd_escape(struct slice value, struct buf *b);
/* How many bytes at the front of s are structured data, 0 when they are not;
 * an end in the middle of an element is "not". */
size_t syslog_sd_length(struct slice s);

#endif
