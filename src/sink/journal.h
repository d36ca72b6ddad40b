/* journal.h - the durable journal of events.
 *
 * Every event is appended here first, and is acknowledged when the disk has
 * it.  One thread (the events thread) appends; a syncing thread of the
 * journal's own takes all that has gathered, writes it, calls fdatasync() and
 * tells; meanwhile the next batch gathers.  So one sync carries one event or a
 * thousand, and no timer is needed.
 *
 *   events thread                    syncing thread
 *   journal_append() x n   ------>   take all, place, write, fdatasync
 *   journal_commit()                 durable = lsn; on_durable()
 *   answer lsn <= journal_durable()
 *
 * While there is little to write and the disk is quick, the events thread may do
 * the same itself (journal_sync_here()), which saves two wakes.
 *
 * Each event gets three numbers: its lsn, which counts all events of the
 * journal; and its id, milliseconds (never below those of the event before)
 * and a sequence, which counts the events of its stream without a hole, for
 * ever.  The files are described in sink/journal_format.h.
 *
 * Whatever is found wrong on disk at opening is put aside (NAME.bad), what is
 * whole is kept, what is missing is reported event by event, and the journal
 * opens.  An event that was never acknowledged may be found, too. */
#ifndef MILLRACE_SINK_JOURNAL_H
#define MILLRACE_SINK_JOURNAL_H

#include <sys/types.h>

#include "base/buf.h"
#include "record/record.h"

struct journal;

/* An event as it stands in the journal.  The slices borrow, see where it is
 * given out. */
struct journal_entry {
	uint64_t lsn;
	uint64_t ms, seq;	/* its id in the stream */
	uint64_t gap;		/* events of the stream missing right before it */
	struct slice stream, pid, iid;
	struct slice fields;	/* encoded; see journal_fields() */
	bool more;		/* the next event of the journal is of its group */
	bool elsewhere;		/* it does not go to the cursor's section */
};

/* A segment, as found at opening. */
struct journal_file {
	uint64_t first_lsn, last_lsn;	/* last < first: no events */
	uint64_t events, used, size;	/* bytes */
	uint64_t made_ms, last_ms;	/* last_ms 0: no events */
	uint32_t streams;
	bool damaged;
	bool rewritten;			/* what an earlier repair left of it */
};

struct journal_options {	/* 0 is the default of each */
	const char *dir;	/* made when it is not there */
	uint8_t node[16];	/* whose journal; zeros: as found, or random */
	uint64_t segment_bytes;	/* of a file: 64 MiB, a multiple of 4096 */
	uint64_t quota_bytes;	/* of all files; 0: what the disk holds */
	unsigned spares;	/* files kept ready: 2 */
	size_t batch_bytes;	/* gathered while one is written: 4 MiB */
	size_t event_bytes;	/* of one event, encoded: 1 MiB + 64 KiB; at most
				 * a quarter of a segment */
	uint32_t max_streams;	/* 65,536 (the most) */
	int64_t window_ms;	/* kept after shipping: 10 minutes */
	bool wait_cover;	/* kept until journal_covered() says so, too */
	/* Called in a thread of the journal's after each step forward, and after
	 * each change of state; also before journal_open() has returned.  It may
	 * only wake another thread up. */
	void (*on_durable)(void *ctx);
	/* Called during journal_open() for each event with lsn > visit_after, in
	 * order, to rebuild what is made from events. */
	void (*visit)(void *ctx, const struct journal_entry *e);
	uint64_t visit_after;	/* covered so far */
	/* And for each file, after its events. */
	void (*visit_file)(void *ctx, const struct journal_file *f);
	void *ctx;
};

/* A run of events that were acknowledged and are gone: seq from..to of the
 * stream; an empty name: so many of streams unknown, and then the sequence of
 * each stream that may be meant goes on above the most it can have had. */
struct journal_loss {
	char *stream;
	uint64_t from, to;
};

/* What opening found. */
struct journal_report {
	uint64_t segments, events, bytes;
	uint64_t first_lsn, last_lsn;	/* 0, 0: empty */
	uint64_t torn_bytes;	/* unacknowledged, cut off the end */
	uint64_t quarantined;	/* files put aside as .bad */
	uint64_t lost_events;	/* acknowledged and not found */
	uint64_t known_lost;	/* the same, found and noted earlier */
	uint8_t node[16];
	struct journal_loss *losses;
	size_t nlosses;		/* at most 1024; lost_events counts all */
	char message[256];	/* what is wrong, when opening failed */
};

enum journal_result {
	JOURNAL_OK,
	JOURNAL_BUSY,		/* too much under way: again after on_durable() */
	JOURNAL_FULL,		/* quota or disk: later; nothing was stored */
	JOURNAL_FAILED,		/* the disk refuses; nothing was stored */
	JOURNAL_TOO_LONG,	/* over event_bytes; for a group, batch_bytes */
	JOURNAL_TOO_MANY	/* streams */
};

enum journal_state {
	JOURNAL_WORKING,
	JOURNAL_NO_SPACE,	/* no further file can be had: answers FULL (or
				 * FAILED, when that is not for want of space);
				 * goes on when there is one */
	JOURNAL_BROKEN		/* answers FAILED; tries again every second.
				 * What had been appended is kept in memory and is
				 * written first when the disk is back. */
};

struct journal_id {
	uint64_t ms, seq, lsn;
};

struct journal_stats {
	enum journal_state state;
	uint64_t appended_lsn, durable_lsn, first_lsn;
	uint64_t events, bytes;	/* durable since opening; bytes as written */
	uint64_t syncs, sync_ns, sync_ns_max;
	uint64_t waiting_bytes;	/* appended, not yet durable */
	uint64_t segments, spares;
	uint64_t used_bytes;	/* of the disk, spares included */
	uint64_t quota_bytes;
	uint64_t early;		/* files freed within the window */
	uint64_t recycled, write_errors, sync_errors, full_times;
	uint64_t damaged_reads;	/* records that no longer checked when read */
	int last_errno;
	uint32_t streams;
};

/* -1 with errno and report->message when the directory cannot be used or is
 * in use (EBUSY), belongs to another node (EXDEV), or memory is short.
 * report may be NULL; else journal_report_fini() it in any case. */
int journal_open(const struct journal_options *options, struct journal **out,
    struct journal_report *report);
/* Look without touching: what journal_open() would find, each event through
 * options->visit.  Also while another process has it open: then the end may be
 * anywhere near. */
int journal_inspect(const struct journal_options *options,
    struct journal_report *report);
/* What journal_open() does to what is damaged, without opening it further. */
int journal_mend(const struct journal_options *options,
    struct journal_report *report);
void journal_report_fini(struct journal_report *report);
/* Writes and syncs what was appended, stops the threads, frees.  -1 when
 * something appended could not be made durable. */
int journal_close(struct journal *j);

/* ---- one thread: the events thread ---- */

/* Take an event; *id is its name from now on.  Durable once
 * id->lsn <= journal_durable(), which needs a journal_commit() after it.
 * Uses ev's stream, pid, iid and fields.  On anything but OK nothing changed. */
enum journal_result journal_append(struct journal *j,
    const struct event_record *ev, int64_t now_ms, struct journal_id *id);
/* All n of them or none, also after a crash. */
enum journal_result journal_append_group(struct journal *j,
    const struct event_record *evs, size_t n, int64_t now_ms,
    struct journal_id *ids);
/* Hand what was appended to the syncing thread; cheap when it is busy. */
void journal_commit(struct journal *j);
/* Write and sync what was appended in this thread, which waits for the disk so
 * long, and on_durable() is not called.  False: nothing was done, for the syncing
 * thread is busy, or the disk is slow, or there is much: commit it then. */
bool journal_sync_here(struct journal *j);
/* The stream is known elsewhere to have reached this id (a Redis that has
 * what a lost journal had): ids go on above it. */
void journal_raise(struct journal *j, struct slice stream, uint64_t ms,
    uint64_t seq);
/* How long events stay, instead of options.window_ms. */
struct journal_retention {
	int64_t window_ms;	/* after they were shipped */
	int64_t kept_ms;	/* in any case; INT64_MAX: for ever */
	bool unshipped;		/* there is nobody who ships: do not wait for it */
};
void journal_retain(struct journal *j, const struct journal_retention *r);
/* Free the oldest files whose events are all shipped, older than the window
 * (or as they come, while journal_pressed()), and covered.  Call every second
 * or so. */
void journal_expire(struct journal *j, int64_t now_ms);
/* The quota is nearly reached, or the disk is full. */
bool journal_pressed(struct journal *j);

/* ---- any thread ---- */

/* Every event up to this lsn is on disk. */
uint64_t journal_durable(const struct journal *j);
/* The last lsn given out. */
uint64_t journal_appended(const struct journal *j);
enum journal_state journal_state(const struct journal *j);
void journal_stats(struct journal *j, struct journal_stats *out);
void journal_node(const struct journal *j, uint8_t node[16]);
/* The stream's events up to seq have reached all their destinations.
 * UINT64_MAX: it has none.  Lower than before is fine (the destination lost
 * some). */
void journal_shipped(struct journal *j, struct slice stream, uint64_t seq);
/* What is made from events (the dedup table) is saved up to this lsn. */
void journal_covered(struct journal *j, uint64_t lsn);
/* Write bytes to the file `name` beside the journal, whole or not at all, in
 * the background; then, when lsn > 0, journal_covered(lsn).  Not before all up
 * to lsn is durable, so that what is made from events may be saved at any
 * moment with journal_appended(), and never remembers one that a crash took.
 * Takes *bytes (it is empty afterwards).  False: an earlier one is still
 * waiting or being written; nothing happened. */
bool journal_save(struct journal *j, const char *name, struct buf *bytes,
    uint64_t lsn);

struct journal_stream {
	struct slice name;	/* lives as long as the journal */
	uint64_t first_seq;	/* the oldest kept; last_seq + 1: none */
	uint64_t last_seq, last_ms;	/* durable; 0: none yet */
	uint64_t shipped;
};
/* The i-th stream known, in order of appearance; false past the end. */
bool journal_stream_at(struct journal *j, uint32_t i, struct journal_stream *out);
bool journal_stream(struct journal *j, struct slice name,
    struct journal_stream *out);

/* ---- reading: durable events only; a cursor is used by one thread ---- */

struct journal_cursor {
	uint64_t lsn;		/* of the next event to look at, at the least */
	uint64_t seq;		/* the last one given (a stream's cursor) */
	uint32_t stream;	/* index + 1; 0: all streams */
	int64_t refused_ns;	/* since when the disk refuses to read; 0 */
	uint64_t segment, offset;	/* where that was; a hint */
	uint64_t section;	/* who reads, for entry.elsewhere; 0: nobody.  To be
				 * set after journal_seek() */
};

/* All events with lsn > after. */
void journal_seek(struct journal *j, struct journal_cursor *c, uint64_t after);
/* The events of one stream with seq > after.  A stream not known yet may be
 * asked for; false only when there is no room for another name. */
bool journal_seek_stream(struct journal *j, struct journal_cursor *c,
    struct slice stream, uint64_t after);
/* Read on: up to max events into out, all of them in `window` (a buffer that
 * many cursors may share; grows to about 256 KiB, or one event), borrowed until
 * it is used again.  0: no more is durable.  -1 with errno: the disk; the
 * cursor stands, try later (what cannot be read for a minute is passed over).  Damage is passed over and shows as entry.gap. */
ssize_t journal_read(struct journal *j, struct journal_cursor *c,
    struct buf *window, struct journal_entry *out, size_t max);
/* The fields of an entry, borrowing from it: how many there are; fills at most
 * max.  SIZE_MAX: the bytes are not fields. */
size_t journal_fields(struct slice encoded, struct pair *pairs, size_t max);

#endif
