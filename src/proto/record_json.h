/* record_json.h - any record as a line of JSON.
 *
 *   {"kind":"metric","source":"statsd","name":"a.b","tags":{"k":"v"},
 *    "type":"counter","value":1,"rate":0.5,"time":1755870377.5}
 *   {"kind":"event","source":"resp","stream":"orders","id":"1-42",
 *    "fields":[["msg","hello"]],"time":1755870377.536}
 *   logs as log_line.h's json has them
 *
 * Keys in this order.  Left out are no tags, a rate of 1, no id and no time.
 * The value of a set is its member, a text; one that JSON has no number for
 * (infinity) is a text too.  A tag without a value has "".  Control characters
 * are escaped; bytes that are no UTF-8 become U+FFFD. */
#ifndef MILLRACE_PROTO_RECORD_JSON_H
#define MILLRACE_PROTO_RECORD_JSON_H

#include "base/buf.h"
#include "record/record.h"

struct log_clock;

/* Append r, without a line end.  False: out has no room, and is as it was. */
bool record_json(struct buf *out, const struct record *r,
    struct log_clock *clock);
/* Append a JSON string with its quotes; false when out has no room. */
bool record_json_string(struct buf *out, struct slice s);

#endif
