/* shipper_script.h - what is said to Redis, and what its answers mean.
 *
 * Pure: writes requests into a buffer and classes replies. */
#ifndef MILLRACE_SINK_SHIPPER_SCRIPT_H
#define MILLRACE_SINK_SHIPPER_SCRIPT_H

#include <stdint.h>

#include "base/buf.h"
#include "base/slice.h"

struct journal_entry;
struct pair;

/* The id of an entry of a stream; 0-0: there has been none. */
struct ship_id {
	uint64_t ms, seq;
};

static inline bool
ship_id_eq(struct ship_id a, struct ship_id b)
{
	return a.ms == b.ms && a.seq == b.seq;
}

static inline bool
ship_id_less(struct ship_id a, struct ship_id b)
{
	return a.ms < b.ms || (a.ms == b.ms && a.seq < b.seq);
}

#define SHIP_ID_TEXT 42
/* "ms-seq" with its NUL; returns the length. */
size_t ship_id_text(struct ship_id id, char text[SHIP_ID_TEXT]);

/* Compare and append.  KEYS[1]: the stream.  ARGV[1]: its last id as we know
 * it, then for each entry its id, how many arguments its fields are, and those.
 *
 * When the stream's last-generated-id (0-0 if there is no such key) is another
 * one, nothing is written, and the answer is null.  Else the entries are added
 * in order, up to the first that Redis refuses.  Answers the last id after
 * that, or, when nothing was written because of an error, that error.  With "touch" instead of
 * entries, something is written to the replication stream that changes
 * nothing, so that WAIT has something to wait for.
 *
 * So a batch may be sent any number of times, and many may be on their way:
 * once one was not taken, none behind it is. */
extern const char ship_script[];
/* An ARGV[1] that is never the last id: ask only.  Answers what a struct
 * ship_where holds. */
#define SHIP_ASK "?"

/* Where a stream stands. */
struct ship_where {
	struct ship_id id;	/* its last-generated-id, or 0-0 */
	bool guarded;		/* we may use transactions (Redis 7 or later, and
				 * the rights for it); see shipper_guard.h */
	struct slice fields;	/* of the entry with that id, still as replies;
				 * borrowed; NULL: there is none */
	size_t nfields;		/* keys and values */
};

/* The answer to SHIP_ASK.  False: it is none. */
bool ship_where_parse(struct slice reply, struct ship_where *w);
/* Is the last entry what this event was written as?  pairs: room for max.  True
 * also when one of both cannot be looked at. */
bool ship_where_holds(const struct ship_where *w,
    const struct journal_entry *e, struct pair *pairs, size_t max);
/* Lua passes so many arguments to a command, and no more. */
#define SHIP_MAX_ARGS 7000

/* Begins a request whose number of arguments is not known yet: the head is put
 * in front by ship_request_end(), which gives the bytes to send. */
#define SHIP_HEAD 16
struct ship_request {
	struct buf *buf;
	size_t argc;
};
/* Clears the buffer.  All false: no room, the buffer is good for nothing. */
bool ship_request_begin(struct ship_request *r, struct buf *buf);
bool ship_request_arg(struct ship_request *r, struct slice arg);
struct slice ship_request_end(struct ship_request *r);

/* "EVALSHA sha 1 key expected", to be followed by entries. */
bool ship_append_begin(struct ship_request *r, struct buf *buf,
    struct slice sha, struct slice key, struct ship_id expected);
/* pairs: room for max of them. */
enum ship_entry { SHIP_ENTRY_ADDED, SHIP_ENTRY_NO_ROOM, SHIP_ENTRY_TOO_WIDE,
	SHIP_ENTRY_BROKEN, SHIP_ENTRY_LATER };
enum ship_entry ship_append_entry(struct ship_request *r,
    const struct journal_entry *e, struct pair *pairs, size_t max);

/* "XADD stream IDMP pid seq * field value ...", for another millrace. */
enum ship_entry ship_xadd(struct ship_request *r, struct buf *buf,
    struct slice stream, struct slice pid, const struct journal_entry *e,
    struct pair *pairs, size_t max);

/* What to do about an error. */
enum ship_action {
	SHIP_RELOAD,		/* the script is not there: load it */
	SHIP_RETRY,		/* later, it may pass */
	SHIP_RECONNECT,		/* this is not the server it was */
	SHIP_MOVED,		/* the slot is elsewhere; or, for this once, ASK */
	SHIP_PARK		/* about this key: it alone waits, rarely tried */
};

enum ship_error {
	SHIP_E_NOSCRIPT, SHIP_E_LOADING, SHIP_E_OOM, SHIP_E_MISCONF,
	SHIP_E_NOREPLICAS, SHIP_E_MASTERDOWN, SHIP_E_CLUSTERDOWN,
	SHIP_E_TRYAGAIN, SHIP_E_BUSY, SHIP_E_READONLY, SHIP_E_UNBLOCKED,
	SHIP_E_NOAUTH, SHIP_E_WRONGPASS, SHIP_E_MOVED, SHIP_E_ASK,
	SHIP_E_WRONGTYPE, SHIP_E_NOPERM, SHIP_E_MAXCLIENTS, SHIP_E_OTHER,
	SHIP_ERRORS
};

enum ship_error ship_error_of(struct slice text);
const char *ship_error_name(enum ship_error e);
enum ship_action ship_error_action(enum ship_error e);

/* "MOVED 3999 127.0.0.1:6381" (host may be empty: as before). */
bool ship_moved_parse(struct slice text, unsigned *slot, char *host,
    size_t size, uint16_t *port);

#endif
