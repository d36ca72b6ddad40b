/* batch.h - what crosses from a worker to a sink, many records at a time.
 *
 * A batch is a letter.  The worker fills it and gives it away; the sink frees
 * it.  Each one knows how many records of which source are in it, so that
 * whoever delivers or loses it can say so in the ledger. */
#ifndef MILLRACE_CORE_BATCH_H
#define MILLRACE_CORE_BATCH_H

#include <stdbool.h>
#include <stdint.h>

#include "base/buf.h"
#include "conf/conf.h"
#include "core/inbox.h"
#include "core/ledger.h"
#include "core/ticket.h"

/* How many records of which kind and source. */
struct batch_counts {
	uint32_t n[RECORD_KINDS][RECORD_SOURCES];
};

void batch_delivered(struct ledger *l, const struct batch_counts *c);
/* n of them, of whichever source: only the sums matter. */
void batch_part_delivered(struct ledger *l, struct batch_counts *c, uint32_t n);
void batch_lost(struct ledger *l, const struct batch_counts *c, enum reason why);

/* The tickets that have a share in a batch. */
struct batch_tickets {
	struct ticket **v;
	size_t n, cap;
};

/* The batch takes a share of t, unless it has one already as its latest.
 * False: no memory. */
bool batch_ticket(struct batch_tickets *b, struct ticket *t);
/* All of them ended so: mark, give the shares back, forget them.  Their workers
 * hear of it by inbox_ring(). */
void batch_answer(struct batch_tickets *b, enum ticket_status status,
    struct inbox_bells *bells);

/* Graphite lines for one destination: "name value time\n" each. */
struct lines_batch {
	struct letter letter;
	unsigned dest;
	uint32_t lines;
	bool stored;			/* it comes from a spool */
	double written;			/* when, in the loop's time */
	struct batch_counts counts;
	size_t len, cap;
	char data[];
};

struct lines_batch *lines_batch_new(unsigned dest, size_t cap);

/* Lines that an aggregation rule wants to see: "rule<TAB>name value time". */
struct points_batch {
	struct letter letter;
	struct buf bytes;		/* struct point_head, then the name */
	uint32_t n;
};

struct point_head {
	uint32_t rule, name_len;
	double value;
	int64_t time_s;
};

/* Samples with a time of their own: struct timed_head, then the name. */
struct timed_batch {
	struct letter letter;
	struct buf bytes;
};

struct timed_head {
	uint64_t clusters;
	int64_t time_s;
	double value;
	uint32_t name_len;
	uint8_t type, source;		/* enum metric_type, record_source */
	bool counts;			/* it stands for the sample in the books */
};

/* Finished log lines, a run of lines of the same file together. */
struct log_run {
	uint32_t archive;		/* index of the archive */
	uint32_t lines;
	uint32_t path, path_len;	/* in bytes */
	uint32_t text, text_len;	/* in bytes, each line ends in \n */
};

/* Which message of which sender a line is, for senders that repeat what was not
 * answered when they connect again. */
struct log_origin {
	uint64_t sender, message;	/* hashes, the same in every process */
	uint32_t connection;		/* another one for each */
	uint32_t ordinal;		/* of the message on it, from 0 */
};

struct log_mark {
	struct log_origin origin;
	uint32_t run;			/* index of the run it is in */
	uint32_t begin, end;		/* of its line in the run's text */
	enum record_source source;
	bool counts;			/* its message is counted in this batch */
	bool farewell;			/* no line: the connection ended well */
};

struct log_batch {
	struct letter letter;
	struct log_run *runs;
	size_t nruns, cap_runs;
	struct log_mark *marks;		/* in the order of runs and lines */
	size_t nmarks, cap_marks;
	bool sifted;			/* repeated lines are out of it */
	size_t done;			/* runs that are stored */
	uint64_t seq;			/* the sink's number for it */
	struct buf bytes;
	struct batch_counts counts;
	struct batch_tickets tickets;
	int64_t received_ns;		/* of its first record: the partition */
};

struct log_batch *log_batch_new(size_t max_bytes);
/* Room for one more mark; NULL when memory is out. */
struct log_mark *log_batch_mark(struct log_batch *b);
/* Let the lines go; the counts and tickets stay. */
void log_batch_empty(struct log_batch *b);
void log_batch_free(struct log_batch *b);	/* its tickets must be answered */

#define EVENT_NO_SLOT UINT32_MAX

/* Events, written once by the worker: bytes holds each one's parts in a row:
 * stream, pid, iid, two uint32_t lengths for each field, the fields' bytes. */
struct event_item {
	struct ticket *ticket;		/* NULL: nobody waits */
	uint32_t slot;			/* of the ticket's result */
	uint32_t offset;		/* of its parts in bytes */
	uint32_t stream_len, pid_len, iid_len;
	uint32_t nfields;
	enum record_kind kind;		/* what it was counted as */
	enum record_source source;
	uint16_t streams;		/* bit i: the batch's section i */
	bool more;			/* the next one belongs to the same group */
	bool stored;			/* the journal took it, as number */
	uint64_t seq;			/* of its stream */
	int64_t received_ns;
};

struct event_batch {
	struct letter letter;
	struct event_item *items;
	size_t n, cap;
	size_t done;			/* items that are in the journal */
	uint64_t lsn;			/* durable up to here: it may be answered */
	size_t shipped;			/* items that are where they must be */
	struct buf bytes;
	struct batch_tickets tickets;
	uint64_t section[CONF_MAX_STREAMS];	/* see plan_section() */
	unsigned nsections;
};

/* Does the item go to all sections there were? */
static inline bool
event_goes_everywhere(const struct event_batch *b, const struct event_item *i)
{
	return i->streams == (1u << b->nsections) - 1;
}

/* Does it go to this one? */
bool event_goes_to(const struct event_batch *b, const struct event_item *i,
    uint64_t section);

struct event_batch *event_batch_new(size_t max_bytes);
void event_batch_free(struct event_batch *b);
/* The event of an item, borrowing from the batch and from pairs, which must
 * have room for item->nfields. */
void event_batch_read(const struct event_batch *b,
    const struct event_item *item, struct event_record *e, struct pair *pairs);
/* Room for one more item, zeroed; NULL when memory is out. */
struct event_item *event_batch_item(struct event_batch *b);

#endif
