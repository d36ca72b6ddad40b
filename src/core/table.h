/* table.h - a worker's metrics: the samples of the running interval by name.
 *
 * Each entry holds its values twice.  The worker adds to one half; the other
 * is being read by the metrics thread, or empty.  On the tick table_swap()
 * turns them round and gives the full half away as a letter: nothing is copied,
 * nothing is locked, and the worker goes on with its next datagram.
 *
 * The key is the name as it was sent, with its tags, so that cleaning a name
 * and asking the rules about it happens once, when it is first seen.  What
 * came of that travels with the half (struct link), because only the metrics
 * thread may touch entry->merged. */
#ifndef MILLRACE_CORE_TABLE_H
#define MILLRACE_CORE_TABLE_H

#include <stdint.h>

#include "core/inbox.h"
#include "core/pool.h"
#include "core/samples.h"
#include "record/record.h"

struct merged_key;
struct member_set;
struct sketch;

/* What kind of figure a name has; a name may have one of each. */
enum table_group {
	GROUP_COUNTER, GROUP_TIMER, GROUP_GAUGE, GROUP_SET, GROUP_KV, GROUPS
};

struct timer_cell {
	struct samples samples;
	double count;		/* sum of 1/rate */
	struct sketch *sketch;	/* of the samples past table_timers()' bound */
};

struct gauge_cell {
	double set;		/* the last absolute value and what came after */
	double delta;		/* when none was set: what is to be added */
	int64_t stamp;		/* ns: when it was set; 0: only deltas */
};

struct entry {
	/* The metrics thread's; NULL until linked.  With its lowest bit set: a
	 * block from malloc that links to several keys, freed with the entry. */
	struct merged_key *merged;
	uint32_t hash;
	uint32_t swap;			/* the interval it was last touched in */
	uint16_t name_len, tags_len;
	uint8_t group : 4, style : 4;
	uint8_t cap;			/* whose cap on names it counts to; 0: none */
	uint8_t plan;			/* version of the rules that decided it */
	uint8_t dropped;		/* a rule says so */
	/* then two cells of its group, then the name, then the tags */
};

/* What the rules made of a name. */
struct link {
	struct entry *entry;
	uint64_t dest_mask;
	unsigned class_;
	uint32_t len;
	char name[];			/* the canonical name */
};

struct link_chunk;

/* Entries that an interval touched. */
struct dirty_chunk {
	struct dirty_chunk *next;
	size_t n;
	struct entry *e[];
};

struct half {
	struct letter letter;
	struct inbox *home;		/* where it goes back to, emptied, */
	void (*back)(struct letter *, void *worker);	/* and what opens it */
	unsigned index;			/* 0 or 1: which cells are its own */
	struct dirty_chunk *dirty, *last_dirty;
	size_t ndirty;			/* in all */
	struct link_chunk *links, *last_links;	/* before the dirty are merged */
	struct entry **evicted;		/* after they are merged: to be emptied */
	size_t nevicted, cap_evicted;
	uint64_t samples[RECORD_SOURCES];
	uint64_t lines, bad, packets;	/* for the reference's own counters */
	uint64_t overflow;		/* samples refused because the table is full */
};

struct table {
	uint64_t *slots;		/* see table.c */
	size_t mask, used, max;
	uint64_t set_exact;		/* members of a set before it is estimated */
	uint64_t seed, key[4], group_key[GROUPS];	/* see hash_of() */
	uint32_t swaps;			/* also the number of the running interval */
	unsigned current;
	bool busy;			/* the other half is with the metrics thread */
	size_t hand;			/* where the next sweep goes on */
	struct half half[2];
	struct pool entries;
	struct dirty_chunk *spare;
	struct entry **dead;		/* evicted and emptied */
	size_t ndead, cap_dead;
	int64_t stamp;			/* of the gauge that was set last */
	uint32_t capped[256];		/* entries by their cap */
	bool sketch;			/* timers become one past some samples */
	double sketch_error;
	uint64_t sketch_bytes;
	uint64_t no_memory;		/* samples lost for want of it */
};

/* max: names at the most.  set_exact: see core/member_set.h.  Returns false
 * when there is no memory. */
bool table_init(struct table *t, size_t max, uint64_t set_exact,
    uint64_t seed);
void table_fini(struct table *t);

uint32_t table_hash(const struct table *t, const struct metric_record *m);
enum table_group table_group(enum metric_type type);

/* The entry of that name, or NULL. */
struct entry *table_find(const struct table *t, const struct metric_record *m,
    uint32_t hash);
/* Make one that is not there.  NULL when the table is full or memory is out. */
struct entry *table_insert(struct table *t, const struct metric_record *m,
    uint32_t hash);
/* The same although it is full: for names that stand for those with no room. */
struct entry *table_insert_reserved(struct table *t,
    const struct metric_record *m, uint32_t hash);
/* Count it to this cap (a number of the caller's) and no longer to its old one. */
void table_cap(struct table *t, struct entry *e, uint8_t cap);
/* Keep at most TABLE_TIMER_SAMPLES samples of a timer and interval, and the rest
 * as a sketch of that error; or all of them. */
#define TABLE_TIMER_SAMPLES 256
void table_timers(struct table *t, bool sketch, double error,
    uint64_t max_bytes);
/* To say what the rules made of its name (again after a reload): a link for the
 * caller to fill, with room for len bytes of name.  NULL: no memory. */
struct link *table_link(struct table *t, struct entry *e, size_t len);

/* Add one sample; now_ns orders gauges of different workers. */
bool table_add(struct table *t, struct entry *e, const struct metric_record *m,
    enum record_source source, int64_t now_ns);

/* Many samples at once, in four steps.  Each asks the processor for what the next
 * one touches, so that a caller who does something else in between (such as
 * reading the next packet) never waits for memory; see pipeline.h.  Names made
 * by table_insert() between two steps do no harm: what they would have found is
 * looked for again in the last.  n may be 0. */
#define TABLE_RUN 32
struct table_run {
	struct metric_record m[TABLE_RUN];
	uint32_t hash[TABLE_RUN];
	struct entry *e[TABLE_RUN];	/* NULL: not found */
	size_t n;
	enum record_source source;
	int64_t received_ns;		/* orders gauges of different workers */
};
void table_run_hash(const struct table *t, struct table_run *run);
void table_run_guess(const struct table *t, struct table_run *run);
void table_run_find(const struct table *t, struct table_run *run);
/* Add each to its entry (NULL: it is left out), those of an entry in their
 * order.  Returns how many were added; for the others there was no memory. */
size_t table_run_add(struct table *t, const struct table_run *run);

/* Give the full half away, or NULL when the other one is not back yet. */
struct half *table_swap(struct table *t);

/* Look at the next `slots` slots, and in a large table at more, for entries that
 * nobody touched for `idle` swaps (at least 3, so that neither half still lists
 * it), and evict them; free what was evicted before. */
void table_sweep(struct table *t, size_t slots, uint32_t idle);

/* For the metrics thread, on a half it was given: */
void half_each_link(const struct half *h,
    void (*fn)(void *ctx, const struct link *l), void *ctx);
struct slice entry_name(const struct entry *e);
struct slice entry_tags(const struct entry *e);
double *entry_counter(struct entry *e, unsigned half);
struct timer_cell *entry_timer(struct entry *e, unsigned half);
struct gauge_cell *entry_gauge(struct entry *e, unsigned half);
struct member_set **entry_set(struct entry *e, unsigned half);
/* Free what an evicted entry holds; itself it goes with the half. */
void entry_empty(struct entry *e);
/* The half is empty again: the worker may swap.  (To be called by the worker,
 * when the half has come back to it.) */
void table_half_back(struct table *t, struct half *h);

#endif
