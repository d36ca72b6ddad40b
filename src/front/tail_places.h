/* tail_places.h - how far each followed file has been stored.
 *
 * A mapped file of fixed places, so that noting one costs no system call and
 * outlives the process, however it ends.  A file is known again by its device,
 * its inode and the hash of its first bytes: an inode is used again, a
 * beginning hardly ever.  What is noted is stored and synced already, so a
 * place is never ahead of the log files. */
#ifndef MILLRACE_FRONT_TAIL_PLACES_H
#define MILLRACE_FRONT_TAIL_PLACES_H

#include <stdbool.h>
#include <stdint.h>

#define TAIL_FILES 1024		/* followed at once */
#define TAIL_PRINT 256		/* first bytes that are hashed */
#define TAIL_PATH 512

struct tail_place {
	uint64_t dev, ino;
	uint64_t print;		/* hash of the first print_len bytes */
	uint32_t print_len;
	uint32_t used;		/* 0: free */
	int64_t offset;		/* all before it is stored */
	int64_t born_ns;	/* when it became a file of its own to us */
	char path[TAIL_PATH];	/* where it was seen last */
};

struct tail_places;

/* NULL with errno; path NULL: in memory only. */
struct tail_places *tail_places_open(const char *path);
void tail_places_close(struct tail_places *p);
/* Was nothing ever noted in it? */
bool tail_places_fresh(const struct tail_places *p);
/* The place of that file, or NULL. */
struct tail_place *tail_places_find(struct tail_places *p, uint64_t dev,
    uint64_t ino);
/* A free one; NULL when there is none. */
struct tail_place *tail_places_new(struct tail_places *p);
/* By number, below TAIL_FILES; it may be a free one. */
struct tail_place *tail_places_at(struct tail_places *p, unsigned i);
void tail_places_free(struct tail_places *p, struct tail_place *place);

#endif
