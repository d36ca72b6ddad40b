/* event_list.h - several events read from one message, before any is passed on.
 *
 * A door that answers for a whole message must know that all of it is good
 * first.  What is kept here borrows from the message, or from the list's own
 * text, which is reserved once and does not move. */
#ifndef MILLRACE_PROTO_EVENT_LIST_H
#define MILLRACE_PROTO_EVENT_LIST_H

#include "base/buf.h"
#include "record/record.h"

struct event_list {
	struct event_record *v;
	size_t n, cap;
	struct pair *pairs;
	size_t npairs, pairs_cap;
	struct buf text;
	struct buf names;	/* pids and iids that were made */
	size_t max_events;
	size_t max_fields;	/* of one event */
	size_t max_bytes;	/* of one event's names and values */
	size_t at;		/* bytes of the one under way */
	size_t *first;		/* where the pairs of each begin */
};

/* Nothing is allocated before it is needed. */
void event_list_init(struct event_list *l, size_t max_events,
    size_t max_fields, size_t max_bytes);
void event_list_fini(struct event_list *l);

/* Begin another event: REASON_NONE, TOO_MANY or NO_MEMORY. */
enum reason event_list_begin(struct event_list *l);
/* A field.  REASON_NONE, TOO_MANY, TOO_LONG or NO_MEMORY. */
enum reason event_list_field(struct event_list *l, struct slice key,
    struct slice value);
/* The event that was begun last (its fields are not there yet). */
struct event_record *event_list_last(struct event_list *l);
/* No more come: now each event has its fields. */
void event_list_close(struct event_list *l);

#endif
