/* faulty_disk.h - stands between the journal and the disk (the linker's --wrap):
 * fails calls, shortens writes, and ends the process at the n-th call, leaving
 * the directory as a power cut would: what was not synced is there in part.
 *
 * On power loss each 512-byte sector that was written since the last sync of
 * its file has its old or its new bytes, by chance; and of the renames and
 * unlinks since the last sync of the directory a first part has happened. */
#ifndef MILLRACE_TESTS_FAULTY_DISK_H
#define MILLRACE_TESTS_FAULTY_DISK_H

#include <stdbool.h>
#include <stdint.h>

enum faulty_call {
	FAULTY_PWRITE,
	FAULTY_SYNC,		/* fdatasync and fsync of files */
	FAULTY_SYNC_DIR,
	FAULTY_RENAME,
	FAULTY_UNLINK,
	FAULTY_ALLOCATE,
	FAULTY_CALLS
};

struct faulty_plan {
	int error[FAULTY_CALLS];	/* errno to fail with; 0: works */
	int times[FAULTY_CALLS];	/* how often; -1: always */
	unsigned short_writes;		/* at most so many bytes each; 0: all */
	unsigned eintr;			/* every n-th call; 0: never */
	bool watch;			/* abort when a file is written after its
					 * sync failed */
	unsigned crash_at;		/* the n-th call; 0: never */
	bool power_loss;		/* else just the end of the process */
	uint32_t seed;
};

/* From now on; forgets what was pending. */
void faulty_begin(const struct faulty_plan *plan);
void faulty_end(void);
/* Calls since faulty_begin(). */
unsigned faulty_count(void);
#define FAULTY_EXIT 42

#endif
