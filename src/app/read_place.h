/* read_place.h - where a group is in a journal, kept in a file beside it.
 *
 * A journal is never written to by its readers.  So a group that reads from
 * one has a small file, JOURNAL.groups/GROUP/STREAM, that says how far it has
 * come; and beside it STREAM.dead, the events it has given up on.  One process
 * at a time reads for a group. */
#ifndef MILLRACE_APP_READ_PLACE_H
#define MILLRACE_APP_READ_PLACE_H

#include <stdbool.h>
#include <stdint.h>

#include "base/slice.h"

#define READ_PLACE_PATH 4096

struct read_place {
	uint64_t lsn;		/* all up to it has been handed over */
	uint64_t seq;		/* the stream's last one; 0: not known */
	uint8_t node[16];	/* whose journal that was */
	char path[READ_PLACE_PATH];
	int lock;		/* descriptor */
};

/* 0, or an exit status and a message.  One that was never there is at 0. */
int read_place_open(struct read_place *p, const char *journal,
    const char *group, const char *stream);
/* False with errno: it is not saved, and events may come again. */
bool read_place_save(const struct read_place *p);
/* Keep an event that is given up: its JSON, without the newline. */
bool read_place_bury(const struct read_place *p, struct slice json,
    unsigned tries, const char *why);
void read_place_close(struct read_place *p);

#endif
