/* repeats.h - which messages of which sender stand in the files already.
 *
 * A RELP client whose connection breaks sends all that was not answered again,
 * and some of it may have been stored.  So the latest messages of each sender
 * are remembered, and what comes again on another connection of that sender,
 * among its first REPEATS_SPAN messages, is not stored a second time.
 *
 * The memory outlives the process, however it ends: it is a mapped file, which
 * says at every moment what has been written.  Before a write to a log file it
 * is told what the write will add (repeats_begin), after it that it was done
 * (repeats_commit); if the process dies between the two, the next one finds out
 * by the file's length.  A machine that stops may lose what was written and not
 * synced: after another boot nothing is remembered, and what was not answered
 * may be there twice.
 *
 * The logs thread's alone. */
#ifndef MILLRACE_SINK_REPEATS_H
#define MILLRACE_SINK_REPEATS_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#define REPEATS_SENDERS 256	/* remembered; the one silent longest goes */
#define REPEATS_SPAN 4096	/* messages of each */

struct repeats;

/* A line in a file: a message of a sender. */
struct repeat {
	uint64_t sender, message;
	uint32_t connection;
	uint32_t end;		/* of its line, from where the write begins */
};

/* The file at path is made when it is missing, and made anew when it is of
 * another boot or cannot be understood; its room on the disk (14 MB) is taken
 * at once.  path NULL: in memory only.  NULL with errno. */
struct repeats *repeats_open(const char *path);
void repeats_close(struct repeats *r);

/* Was this message taken on another connection of the sender? */
bool repeats_has(const struct repeats *r, const struct repeat *m);
/* It has been taken, and will be written. */
void repeats_note(struct repeats *r, const struct repeat *m);
/* The connection ended in order: its messages will not be sent again. */
void repeats_forget(struct repeats *r, uint64_t sender, uint32_t connection);

/* These lines will now be written at the end of the file `path` in `dir`, which
 * is size bytes long. */
void repeats_begin(struct repeats *r, const char *dir, const char *path,
    int64_t size, const struct repeat *v, size_t n);
/* They have been. */
void repeats_commit(struct repeats *r);
/* They have not been: the file is as it was. */
void repeats_abort(struct repeats *r);

#endif
