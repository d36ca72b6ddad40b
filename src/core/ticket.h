/* ticket.h - who still owes a sender its answer.
 *
 * A front-end whose protocol acknowledges makes one ticket for all it read in
 * one go from one connection.  Each batch that carries some of it holds a
 * share; whoever finishes the batch gives the share back, and says if it went
 * wrong.  When the last share is back the ticket itself travels home as a
 * letter to the worker that made it, which then answers. */
#ifndef MILLRACE_CORE_TICKET_H
#define MILLRACE_CORE_TICKET_H

#include <stdatomic.h>
#include <stdint.h>

#include "core/inbox.h"

enum ticket_status {
	TICKET_DONE,		/* safe */
	TICKET_DUPLICATE,	/* it was safe already; the id is the first one's */
	TICKET_FULL,		/* not stored: no room now */
	TICKET_TOO_LONG,	/* not stored: it never will be, it is too large */
	TICKET_FAILED,		/* not stored: the store cannot write */
	TICKET_UNKNOWN		/* perhaps stored */
};

/* What became of one of the ticket's records. */
struct ticket_result {
	uint64_t ms, seq;	/* its id, where the sink gives one */
	enum ticket_status status;
};

struct ticket {
	struct letter letter;
	struct inbox *home;
	_Atomic unsigned shares;
	_Atomic unsigned worst;		/* enum ticket_status, over all records */
	uint64_t connection;		/* the front-end's own token */
	uint64_t first;			/* number of the first request answered */
	size_t n, cap;
	struct ticket_result result[];
};

/* A ticket with one share, its maker's, and room for `cap` results; NULL when
 * memory is out.  home: where it returns to, run by `answer`. */
struct ticket *ticket_new(struct inbox *home,
    void (*answer)(struct letter *, void *worker), uint64_t connection,
    uint64_t first, size_t cap);
/* One more share. */
void ticket_hold(struct ticket *t);
/* Give a share back; the last one sends the ticket home. */
void ticket_release(struct ticket *t);
/* The same, and whoever is at home hears of it by inbox_ring(). */
void ticket_release_quietly(struct ticket *t, struct inbox_bells *bells);
/* Something of it ended so; the worst of all is kept in t->worst. */
void ticket_mark(struct ticket *t, enum ticket_status status);

#endif
