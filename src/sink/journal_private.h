/* journal_private.h - what the files of the journal share.
 *
 * Three threads meet here: the events thread (journal.c), the syncing thread
 * (journal_sync.c), and the preparing thread (journal_files.c), which makes
 * and recycles files so that the syncing thread never waits for that.  `lock`
 * guards all that is not marked as belonging to one of them, and is never held
 * over a call that may touch the disk. */
#ifndef MILLRACE_SINK_JOURNAL_PRIVATE_H
#define MILLRACE_SINK_JOURNAL_PRIVATE_H

#include <pthread.h>
#include <stdatomic.h>

#include "base/map.h"
#include "sink/journal.h"
#include "sink/journal_format.h"
#include "sink/journal_scan.h"

#define JOURNAL_MAX_STREAMS 65536u
#define JOURNAL_MAX_NAME 255u

struct stream {
	struct slice name;		/* the map's */
	uint32_t number;
	bool seen;			/* recovery met it */
	uint64_t seq, ms;		/* last given out */
	uint64_t durable_seq, durable_ms;
	uint64_t shipped;
	uint64_t seen_lsn;		/* recovery: where it was met last */
	/* the place of its entry in the index of an unsealed segment */
	uint64_t entry_of;		/* the segment's serial */
	size_t entry;
	/* the syncing thread's own; segments by their serials */
	uint64_t placed_seq, placed_ms;
	uint64_t floor_seq, floor_ms;	/* raised to */
	uint64_t named_in;		/* has a STREAM record there */
	uint64_t touched_in;		/* has events there, not yet in the index: */
	uint64_t touched_first, touched_offset;
};

/* Which streams have events in a segment, and from where. */
struct segment_stream {
	uint32_t stream;
	uint32_t at;			/* offset of the first, in units of 8 */
	uint64_t first_seq, last_seq;
};

struct segment {
	uint64_t serial;		/* unlike any other's, from 1 */
	uint64_t first_lsn, next_lsn;	/* durable events: first .. next - 1 */
	uint64_t salt, size;
	uint64_t end;			/* offset behind the last durable record */
	uint64_t last_ms;
	bool sealed;			/* nothing is added any more */
	bool unfit;			/* not for use as a spare */
	bool no_index;			/* memory was short for `streams` */
	unsigned readers;
	int fd;				/* theirs, while more is added; -1 */
	struct segment_stream *streams;	/* by stream once sealed */
	size_t nstreams, cap;
};

/* The syncing thread's end of the file it writes. */
struct writer {
	struct segment *segment;	/* NULL: none begun */
	int fd;
	uint8_t *page;			/* staged bytes, from a page's begin */
	size_t cap, have;
	uint64_t base;			/* where page[0] goes in the file */
	uint32_t prev;
	uint64_t lsn;			/* of the last event placed */
	uint64_t last_ms;
	struct stream **touched;	/* since the index was brought up to date */
	size_t ntouched, touched_cap;
};

struct journal {
	struct journal_options o;
	uint8_t node[16];
	int dir;			/* directory */
	int lock_fd;
	pthread_t syncer, preparer;
	bool threads;

	pthread_mutex_t lock;
	pthread_cond_t work;		/* the syncing thread waits for events */
	pthread_cond_t chores;		/* the preparing thread, for chores */
	pthread_cond_t ready;		/* for a spare */
	bool syncer_idle, stopping, sync_done;
	bool marking;			/* the syncing thread writes its mark */
	bool marked;			/* and waits for the next batch since */
	bool here;			/* the events thread writes the batch */
	int here_errno;			/* and failed: the batch is still to write */
	int64_t recent_ns;		/* what a sync takes, a running mean */
	int64_t synced_ns;		/* when the last one ended */
	_Atomic bool spare_wanted;	/* somebody waits */
	bool no_space;			/* no further spare can be made */
	int spare_errno;		/* why not; 0: the quota */

	struct map *names;
	struct stream **streams;	/* by number */
	uint32_t nstreams;
	struct journal_retention retention;
	uint64_t naming_bytes;		/* of a STREAM record for each */

	struct buf gather;		/* records without their place */
	size_t unit_max;		/* longest record or group so far */
	size_t writing;			/* bytes the syncing thread has taken */
	uint64_t room;			/* left in the segment being written */

	uint64_t next_serial;
	struct segment **segments;	/* oldest first; the last is written */
	size_t nsegments, segments_cap;
	struct segment **retired;	/* to be made spares, or removed */
	size_t nretired;
	uint64_t spare[16];		/* names of spares */
	unsigned nspares;
	uint64_t next_spare;
	uint64_t covered;

	struct buf save;		/* journal_save() under way */
	char save_name[64];
	uint64_t save_lsn;
	bool saving;
	uint64_t reserved;		/* bytes of the reserve file */

	struct journal_stats stats;
	_Atomic uint64_t durable, appended;
	_Atomic int state;

	struct writer w;		/* the syncing thread's own */
	struct buf batch;		/* the same: what it has taken */
};

/* ---- journal.c ---- */

/* The stream of that name, made when `make` says so; NULL: not there, or no
 * room for it.  With the lock held. */
struct stream *journal_stream_get(struct journal *j, struct slice name,
    bool make);
/* The same for a number that a STREAM record gave; NULL: another has it. */
struct stream *journal_stream_numbered(struct journal *j, uint32_t number,
    struct slice name);
void journal_tell(struct journal *j);	/* on_durable(); without the lock */
void journal_set_state(struct journal *j, enum journal_state state);

/* ---- journal_files.c ---- */

/* All of it, or -1 with errno. */
int journal_write_all(int fd, const void *bytes, size_t n, uint64_t offset);
ssize_t journal_read_at(int fd, void *bytes, size_t n, uint64_t offset);
/* fdatasync() and fsync(), again when they are interrupted. */
int journal_sync_data(int fd);
int journal_sync_all(int fd);
uint64_t journal_random(void);
/* Make a spare file before there are threads; -1 with errno. */
int journal_make_first_spare(struct journal *j);
void *journal_prepare_main(void *journal);
void journal_segment_free(struct segment *s);
/* One more at the end of the list; NULL: no memory. */
struct segment *journal_segment_new(struct journal *j);
/* The entry of a stream in a segment's index, or NULL. */
const struct segment_stream *journal_segment_find(const struct segment *s,
    const struct stream *st);
/* Note that the stream has events from..to in the segment; false: no memory. */
bool journal_segment_note(struct segment *s, struct stream *st, uint64_t at,
    uint64_t from, uint64_t to);
/* The index is complete: sort it. */
void journal_segment_seal(struct segment *s);
/* May another file be made? */
bool journal_quota_allows(const struct journal *j);

/* ---- journal_sync.c ---- */

void *journal_sync_main(void *journal);

/* ---- journal_recover.c ---- */

enum journal_recovery {
	JOURNAL_LOOK,			/* touch nothing */
	JOURNAL_MEND,			/* put aside what is bad */
	JOURNAL_TAKE_OVER		/* and prepare for writing */
};

/* Read the directory into an empty journal.  -1 with errno and
 * report->message. */
int journal_recover(struct journal *j, struct journal_report *report,
    enum journal_recovery how);

/* ---- journal_read.c ---- */

/* A window on a file, as a journal_source. */
struct journal_window {
	int fd;
	struct buf *buf;
	uint64_t at;			/* of buf in the file */
	uint64_t size;
	uint64_t bad;			/* a page that cannot be read, + 1 */
	size_t chunk;			/* read at least so much */
};

void journal_window_init(struct journal_window *w, int fd, struct buf *buf,
    uint64_t size);
const uint8_t *journal_window_fetch(void *window, uint64_t offset, size_t len);

/* Split a record's payload into its fields and the sections before them: u64 as
 * they stand there.  How many; 0: it goes to all. */
unsigned journal_sections(const struct journal_record *r, const uint8_t **at,
    struct slice *fields);

/* LEB128 */
size_t journal_varint_len(uint64_t v);
uint8_t *journal_varint_put(uint8_t *to, uint64_t v);

#endif
