/* dedup.h - has this event been stored before, and under which id?
 *
 * A producer names itself (pid) and each of its events (iid), and sends what
 * was not answered again.  This remembers, per stream and pid:
 *
 * - the last 10,000 iids of a day, each with its id and a hash of its bytes;
 * - when iids are decimal numbers (or "epoch:number"), also which of the 4096
 *   below the highest were seen, and that everything below those was, as far
 *   down as the numbers went up in small steps.  So a producer of a billion
 *   events may send any of them again, and one whose numbers are no sequence
 *   loses nothing: what is not known to have been seen is new.  A doubled
 *   event is found by its reader, a lost one by nobody.
 *
 * Memory is bounded as a whole.  When it is full, what the longest idle
 * producers sent is forgotten first, then they themselves; both are counted.
 * One thread; no clock, no I/O. */
#ifndef MILLRACE_CORE_DEDUP_H
#define MILLRACE_CORE_DEDUP_H

#include "base/buf.h"
#include "record/event_hash.h"

struct dedup;

struct dedup_options {		/* 0 is the default of each */
	size_t max_bytes;	/* of memory, all told: 16 MiB */
	uint32_t opaque_max;	/* tokens per producer: 10,000 */
	int64_t opaque_ms;	/* a token's age: 24 h */
	int64_t idle_ms;	/* a producer's silence: 7 days */
};

enum dedup_answer {
	DEDUP_NEW,		/* never seen, or no longer known */
	DEDUP_SEEN,		/* stored before with the same bytes */
	DEDUP_CONFLICT		/* stored before with other bytes: the first wins */
};

struct dedup_found {
	uint64_t ms, seq;	/* the id of the first time */
	bool exact;		/* false: the number was seen, its own id is no
				 * longer kept; ms-seq is the oldest one of this
				 * producer that is (0-0: none) */
};

struct dedup_stats {
	uint64_t producers, tokens, bytes;
	uint64_t seen, conflicts;
	uint64_t trimmed;	/* producers whose iids were forgotten for want
				 * of memory (their numbers were kept) */
	uint64_t evicted;	/* producers forgotten altogether for that */
	uint64_t expired;
	uint64_t refused;	/* not remembered: no memory at all */
};

/* NULL with errno when there is no memory.  options may be NULL. */
struct dedup *dedup_new(const struct dedup_options *options);
void dedup_free(struct dedup *d);

/* Ask before appending.  An empty pid or iid is always NEW.  A SEEN event may
 * still be on its way to the disk: answer its sender when all that was appended
 * so far is durable. */
enum dedup_answer dedup_check(struct dedup *d, struct slice stream,
    struct slice pid, struct slice iid, struct event_hash hash,
    int64_t now_ms, struct dedup_found *found);
/* Remember, after the journal gave the id.  Adding what is known is harmless
 * (the first stays), so a journal may be replayed over a snapshot. */
void dedup_add(struct dedup *d, struct slice stream, struct slice pid,
    struct slice iid, struct event_hash hash, uint64_t ms, uint64_t seq,
    int64_t now_ms);
/* The number up to which pid's numbers on stream were seen without a hole,
 * since the first; without an epoch.  False when it sent no numbers there. */
bool dedup_last(const struct dedup *d, struct slice stream, struct slice pid,
    uint64_t *number);
/* Forget what is too old; call every minute or so. */
void dedup_expire(struct dedup *d, int64_t now_ms);

/* Everything, appended to `out`, with the journal's lsn up to which it is
 * complete; ends with a checksum.  False when out is too small: out is as it was. */
bool dedup_encode(const struct dedup *d, uint64_t lsn, struct buf *out);
/* The reverse, into an empty d.  False, with d empty, when the bytes are not
 * what dedup_encode() wrote: rebuild from the journal alone then. */
bool dedup_decode(struct dedup *d, struct slice bytes, uint64_t *lsn);

void dedup_stats(const struct dedup *d, struct dedup_stats *out);

#endif
