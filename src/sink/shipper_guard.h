/* shipper_guard.h - many entries in one transaction that a guard may close.
 *
 * Compare and append, as ship_script does it, but Redis adds the entries by
 * itself: they do not pass through Lua, which costs it half as much again.
 *
 *	MULTI
 *	EVAL guard 1 key expected	closes the stream if its last id differs
 *	XADD key id field value ...	each refused by a closed stream
 *	EVALSHA guard 1 key		opens it again
 *	EXEC
 *
 * A closed stream has the highest id there is as its last one, and a group
 * that remembers the real one; nobody ever sees that, for a transaction is one
 * step.  It needs rights that the script does not, see ship_where.guarded.
 * Pure. */
#ifndef MILLRACE_SINK_SHIPPER_GUARD_H
#define MILLRACE_SINK_SHIPPER_GUARD_H

#include "sink/shipper_script.h"

extern const char ship_guard[];

/* All false: no room, the buffer is good for nothing. */
bool ship_guarded_begin(struct buf *buf, struct slice key,
    struct ship_id expected);
/* pairs: room for max of them. */
enum ship_entry ship_guarded_entry(struct buf *buf, struct slice key,
    const struct journal_entry *e, struct pair *pairs, size_t max);
/* sha: of ship_guard. */
bool ship_guarded_end(struct buf *buf, struct slice key, struct slice sha);

/* So many replies come for n entries; the last is EXEC's. */
#define SHIP_GUARDED_REPLIES(n) ((n) + 4)

enum ship_guarded {
	SHIP_GUARDED_ALL,	/* were added */
	SHIP_GUARDED_NONE,	/* the last id was another one */
	SHIP_GUARDED_FAILED,	/* none or not all, see *error */
	SHIP_GUARDED_HOLE	/* added, but not behind the one before: the guard
				 * was kept from its work; see *error */
};

/* What EXEC answered to n entries.  *error borrows from the reply. */
enum ship_guarded ship_guarded_answer(struct slice reply, uint32_t n,
    struct slice *error);

#endif
