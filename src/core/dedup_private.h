/* dedup_private.h - a producer's memory, shared by the table and its snapshot. */
#ifndef MILLRACE_CORE_DEDUP_PRIVATE_H
#define MILLRACE_CORE_DEDUP_PRIVATE_H

#include "base/lru.h"
#include "base/map.h"
#include "core/dedup.h"

#define DEDUP_WINDOW 4096u	/* numbers */
#define DEDUP_NO_NUMBER UINT64_MAX

/* One event that was stored. */
struct token {
	struct event_hash key;		/* of the iid */
	struct event_hash hash;		/* of the content */
	uint64_t ms, seq;
	int64_t at_ms;
	uint64_t number;		/* or DEDUP_NO_NUMBER */
};

/* What is known of a producer's numbers when the tokens are forgotten. */
struct sequence {
	uint64_t floor;			/* where the small steps began */
	uint64_t high;			/* the highest seen */
	uint64_t through;		/* floor..through have no hole */
	uint64_t forgotten;		/* the highest whose token is gone; 0 */
	uint64_t bits[DEDUP_WINDOW / 64];	/* high - 4095 .. high, by number
						 * modulo 4096 */
};

/* Where a token is.  What its key looks for comes along, so that the tokens
 * themselves, which are in no cache, are looked at only when it is theirs. */
struct place {
	uint32_t key;			/* the low half of key.lo */
	uint32_t at;			/* in the ring, + 1; 0: free */
};

struct producer {
	struct lru_node lru;		/* in `rich` or in `bare` */
	struct slice key;		/* the map's */
	int64_t last_ms;
	struct sequence *sequence;	/* NULL: no number yet */
	/* a ring of tokens, and an open-addressed index of it */
	struct token *ring;
	uint32_t head, count, cap;
	struct place *index;
	uint32_t mask;
	bool bare;			/* in `bare`: its ring was taken away */
};

struct dedup {
	struct dedup_options o;
	struct map *producers;
	struct lru rich, bare;
	size_t bytes;
	uint64_t tokens;
	struct dedup_stats stats;
};

/* The producer of that key, made when it is not there; NULL: no room. */
struct producer *dedup_producer(struct dedup *d, struct slice key, bool make);
/* NULL: no room. */
struct sequence *dedup_sequence(struct dedup *d, struct producer *p);
/* The token of that key; NULL: there is none. */
const struct token *dedup_token_find(const struct producer *p,
    struct event_hash key);
/* Add behind the newest; the oldest goes when there is no room.  The key must
 * not be there.  False: nothing could be kept. */
bool dedup_token_add(struct dedup *d, struct producer *p,
    const struct token *t);
void dedup_clear(struct dedup *d);

#endif
