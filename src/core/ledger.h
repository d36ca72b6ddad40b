/* ledger.h - the books: what came in, what went out, what was lost and why.
 *
 * Each thread keeps its own ledger and is the only one to write it; anyone may
 * read it at any time.  Added up over all threads, for each kind and source:
 *
 *	received = entered + dropped{reason}		at the door
 *	entered  = delivered + queued + lost{reason}	behind it
 *
 * where queued is measured (entered - delivered - lost), and the first line is
 * checked: a record that goes missing between two counters shows.  What a page
 * calls "dropped" is dropped + lost. */
#ifndef MILLRACE_CORE_LEDGER_H
#define MILLRACE_CORE_LEDGER_H

#include <stdatomic.h>
#include <stdint.h>

#include "record/record.h"

typedef _Atomic uint64_t counter;

struct ledger_book {
	counter received, entered, delivered;
	counter dropped[REASON_COUNT], lost[REASON_COUNT];
};

struct ledger {
	struct ledger_book book[RECORD_KINDS][RECORD_SOURCES];
	counter packets[RECORD_SOURCES];	/* datagrams, or reads of a stream */
	counter bytes[RECORD_SOURCES];
	counter connections[RECORD_SOURCES];	/* accepted so far */
	counter disconnects[RECORD_SOURCES];	/* of them, gone */
	counter busy_us;			/* CPU time of the thread */
};

/* Add to a counter of one's own: no lock and no locked instruction. */
static inline void
counter_add(counter *c, uint64_t n)
{
	atomic_store_explicit(c,
	    atomic_load_explicit(c, memory_order_relaxed) + n,
	    memory_order_relaxed);
}

static inline uint64_t
counter_get(const counter *c)
{
	return atomic_load_explicit((counter *)c, memory_order_relaxed);
}

/* A record came in and was refused at the door. */
void ledger_refused(struct ledger *l, enum record_kind k, enum record_source s,
    enum reason why, uint64_t n);
/* Records that had entered were lost on the way. */
void ledger_lost(struct ledger *l, enum record_kind k, enum record_source s,
    enum reason why, uint64_t n);

/* A ledger as plain numbers, for adding up. */
struct ledger_sum {
	struct ledger_sum_book {
		uint64_t received, entered, delivered, queued;
		uint64_t dropped[REASON_COUNT];		/* dropped + lost */
		uint64_t dropped_total;
	} book[RECORD_KINDS][RECORD_SOURCES];
	uint64_t packets[RECORD_SOURCES], bytes[RECORD_SOURCES];
	uint64_t connections[RECORD_SOURCES];
};

/* Add one thread's ledger to the sum. */
void ledger_sum_add(struct ledger_sum *sum, const struct ledger *l);

#endif
