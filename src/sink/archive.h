/* archive.h - the files of one archive: a directory, a table, an LRU.
 *
 * Belongs to the logs thread.  Lines are gathered per file, whether it is open
 * or not, and written behind it in large pieces, whole lines only: a write that
 * fails in the middle is cut back to the last whole line, so that a reader never
 * sees half of one.  A file that is old or large enough is closed: it gets
 * another name (archive_names.h) and is given to the closer. */
#ifndef MILLRACE_SINK_ARCHIVE_H
#define MILLRACE_SINK_ARCHIVE_H

#include <stdint.h>

#include "base/slice.h"
#include "conf/conf.h"

struct archive;
struct repeat;
struct repeats;

struct archive_stats {
	uint64_t lines, bytes, writes, syncs, opened, rotated, compressed;
	uint64_t errors;
	uint64_t relieved;	/* written before its time, for want of room */
	uint64_t vanished;	/* files renamed or removed by somebody else */
	uint64_t commands, command_failures, removed;
	size_t open_files, known_files;
	size_t waiting_bytes;	/* gathered and not written */
	uint64_t waiting_files;	/* closed and not packed */
	int last_errno;
};

/* dir is made when it is not there.  conf is borrowed until archive_conf().
 * NULL with errno. */
struct archive *archive_new(const struct conf_archive *conf, int64_t now_ns);
void archive_conf(struct archive *a, const struct conf_archive *conf);
/* Writes what it can, closes, frees. */
void archive_free(struct archive *a);

/* Gather finished lines for a file; path is relative to the directory and was
 * made safe.  seq never decreases from call to call.  -1 with errno when there
 * is no more room and nothing can be written now: then none of these lines were
 * taken. */
int archive_add(struct archive *a, struct slice path, struct slice text,
    uint32_t lines, int64_t now_ns, uint64_t seq);
/* The same, with lines among them whose sender may repeat them; end is counted
 * from the beginning of text.  Told to the memory of archive_remember(). */
int archive_add_marked(struct archive *a, struct slice path, struct slice text,
    uint32_t lines, int64_t now_ns, uint64_t seq, const struct repeat *marks,
    size_t nmarks);
/* How much may be gathered, of all files together; what would be more has the
 * oldest written first. */
void archive_limit(struct archive *a, size_t bytes);
/* Borrows the memory that outlives the process. */
void archive_remember(struct archive *a, struct repeats *repeats);
/* Write what has gathered: all of it, or only what is due by age (what is due
 * by size was written when it came).  Looks only at files that have something.
 * -1 with errno when some of it could not be written; it waits on. */
int archive_write(struct archive *a, bool all, int64_t now_ns);
/* All with a smaller seq than this has been written; UINT64_MAX: nothing waits. */
uint64_t archive_waits_for(const struct archive *a);
/* The disk has what was written since the last time.  -1 with errno. */
int archive_sync(struct archive *a);
/* Each second or so: rotate, close what is idle. */
void archive_tick(struct archive *a, int64_t now_ns);
/* Close all files; the next line opens them anew, by name. */
void archive_reopen(struct archive *a);
void archive_stats(const struct archive *a, struct archive_stats *out);

#endif
