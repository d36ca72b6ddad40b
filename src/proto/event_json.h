/* event_json.h - an event as a line of JSON.
 *
 *   {"kind":"event","stream":"orders","id":"1755870377536-42",
 *    "fields":[["msg","hello"]],"time":1755870377.536}
 *
 * A name or value that is not UTF-8 is written as {"base64":"..."}. */
#ifndef MILLRACE_PROTO_EVENT_JSON_H
#define MILLRACE_PROTO_EVENT_JSON_H

#include <stdint.h>

#include "base/buf.h"
#include "record/record.h"

/* Append the object, without a newline.  Without pid and iid those keys are
 * left out.  False: no room, out as it was. */
bool event_json_write(struct buf *out, const struct event_record *ev,
    uint64_t ms, uint64_t seq);

#endif
