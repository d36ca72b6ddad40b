/* spool.h - batches of lines on disk, in their order, for one destination.
 *
 * Files of a directory, named by a number that grows, hold batches one behind
 * another, each with checksums and with how many lines of which source are in
 * it.  Batches are taken from the front and stay on disk until they are said
 * to be done.  The whole is bounded: at the bound the oldest file goes, and
 * whoever put the new batch is told what was in it.
 *
 * What a process put is found by the next one, after whatever end; where it
 * had come to is remembered each second and at a proper end, so that after a
 * crash some lines may be sent twice, and none is left out.  A file that ends
 * in half a batch is cut there.  Writes go to the page cache: a process that
 * dies loses nothing, a machine that does the latest seconds.
 *
 * One thread only. */
#ifndef MILLRACE_SINK_SPOOL_H
#define MILLRACE_SINK_SPOOL_H

#include "core/batch.h"

struct spool;

struct spool_counts {
	uint64_t lines;		/* all */
	uint64_t n[RECORD_SOURCES];	/* those that the ledger counts */
};

/* dir is made when it is missing (its parent too); what it holds of before
 * is counted in *found, as of SOURCE_INTERNAL.  NULL with errno. */
struct spool *spool_open(const char *dir, uint64_t max_bytes,
    struct spool_counts *found);
/* What is in it stays for the next one. */
void spool_close(struct spool *s);
void spool_limit(struct spool *s, uint64_t max_bytes);

/* A copy goes to the end.  *lost is what had to make room for it; it is added
 * to.  False with errno: it was not stored (the disk is full or failing, or
 * the spool, with all of it being sent just now). */
bool spool_put(struct spool *s, const struct lines_batch *b,
    struct spool_counts *lost);
/* Those linked from first (by letter.next) go before all others; nothing may
 * be out.  False: none was stored. */
bool spool_put_front(struct spool *s, const struct lines_batch *first);

/* The next batch that is not out yet, which is then out; to be freed by the
 * caller.  NULL: there is none, or memory is out.  What could not be read is
 * added to *lost. */
struct lines_batch *spool_take(struct spool *s, unsigned dest,
    struct spool_counts *lost);
/* The oldest batch that is out is done and may be forgotten. */
void spool_done(struct spool *s);
/* All that are out are to be taken again. */
void spool_rewind(struct spool *s);

bool spool_empty(const struct spool *s);	/* nothing left to take */
bool spool_has_out(const struct spool *s);
uint64_t spool_bytes(const struct spool *s);
/* Each second: remember where it has come to. */
void spool_tick(struct spool *s);

#endif
