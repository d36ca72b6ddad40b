/* event_ask.h - a question that only the events thread can answer.
 *
 * It travels there behind the events of the same worker, holds a share of a
 * ticket meanwhile, and gives it back when the answer is written into it. */
#ifndef MILLRACE_CORE_EVENT_ASK_H
#define MILLRACE_CORE_EVENT_ASK_H

#include <stdlib.h>

#include "base/buf.h"
#include "core/ticket.h"

struct event_ask {
	struct letter letter;
	struct event_ask *next;		/* of whoever has it */
	struct ticket *ticket;
	enum event_question {
		ASK_COPIES,	/* how many copies beside the journal's have all
				 * events of these streams, those sent so far */
		ASK_LAST,	/* the producer's number up to which all is stored */
		ASK_INFO	/* how it stands, as text */
	} what;
	struct buf names;	/* streams, each ended by a LF; none: all */
	struct slice pid;	/* ASK_LAST; in names, too */
	uint64_t wanted;	/* ASK_COPIES: enough */
	int64_t deadline_ns;	/* of the monotonic clock: then what there is */
	_Atomic bool cancelled;	/* nobody wants to know any more */

	/* the answer */
	bool known;
	uint64_t number;
	struct buf text;

	/* the events thread's own */
	bool placed;
	uint64_t lsn;		/* of the last event before it */
	struct event_mark {
		struct slice stream;
		uint64_t seq;
	} *marks;		/* what must have arrived */
	size_t nmarks;
};

static inline void
event_ask_free(struct event_ask *a)
{
	if (a == NULL)
		return;
	buf_fini(&a->names);
	buf_fini(&a->text);
	free(a->marks);
	free(a);
}

#endif
