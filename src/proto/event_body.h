/* event_body.h - bodies of HTTP requests as events.
 *
 * An object of JSON is an event: its members are the fields.  Strings are what
 * they stand for, numbers keep the digits they were written with, true and
 * false are words, null is empty, and what is nested stays JSON text.  Several
 * come as lines (NDJSON) or as an array.
 *
 * CloudEvents 1.0 (https://github.com/cloudevents/spec, HTTP binding): in
 * binary mode the attributes are headers "ce-NAME" and the data is the body;
 * in structured mode an object has both.  Either way the fields are the
 * attributes by their names, and "data". */
#ifndef MILLRACE_PROTO_EVENT_BODY_H
#define MILLRACE_PROTO_EVENT_BODY_H

#include "proto/event_list.h"
#include "proto/http.h"

enum event_body {
	EVENT_BODY_NONE,	/* a type that is not taken */
	EVENT_BODY_JSON,	/* an object, or an array of them */
	EVENT_BODY_LINES,	/* an object a line */
	EVENT_BODY_CLOUD,	/* a CloudEvent in structured mode */
	EVENT_BODY_CLOUDS,	/* an array of them */
	EVENT_BODY_CLOUD_BINARY	/* the attributes are in the headers */
};

enum event_body event_body_of(const struct http_request *r);

/* Read all events of a body.  Those of CloudEvents have pid and iid from
 * "source" and "id".  Not REASON_NONE: *where is the event (from 0) that is
 * wrong. */
enum reason event_body_read(enum event_body type, const struct http_request *r,
    struct slice body, struct event_list *out, size_t *where);

/* Give all events pid, and an iid made of key: the key itself when there is one
 * event, "key#0", "key#1" and so on when there are more.  What is longer than a
 * pid or iid may be is replaced by its hash.  Those that have a pid already
 * keep it.  False: no memory. */
bool event_body_name(struct event_list *l, struct slice pid, struct slice key);

#endif
