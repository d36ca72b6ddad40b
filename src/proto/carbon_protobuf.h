/* carbon_protobuf.h - carbon's protobuf receiver.
 *
 * Each message has its length in front (four bytes, big-endian: cut it with
 * pickle_frame()) and is, in the language of protobuf:
 *
 *	message Payload { repeated Metric metrics = 1; }
 *	message Metric { string metric = 1; repeated Point points = 2; }
 *	message Point { uint32 timestamp = 1; double value = 2; }
 *
 * Fields may come in any order; unknown ones are skipped.  Nothing is
 * allocated. */
#ifndef MILLRACE_PROTO_CARBON_PROTOBUF_H
#define MILLRACE_PROTO_CARBON_PROTOBUF_H

#include "proto/graphite.h"
#include "record/record.h"

struct carbon_protobuf {
	struct slice metrics;	/* of the payload: not yet looked at */
	struct slice points;	/* the same of the current metric */
	struct slice name;
	char number[32];	/* the text of the last point's value */
};

/* Check a payload and make it ready for carbon_protobuf_next(); p borrows it.
 * REASON_NONE, EMPTY, or SYNTAX when any part of it is malformed: then none
 * of its points is used, as in carbon. */
enum reason carbon_protobuf_read(struct carbon_protobuf *p,
    struct slice payload);

enum carbon_protobuf_next {
	CARBON_PROTOBUF_POINT,	/* *r is a METRIC_POINT borrowing from payload
				 * and *p, until the next call */
	CARBON_PROTOBUF_BAD_ITEM,	/* *why says what is wrong with a point */
	CARBON_PROTOBUF_END
};

enum carbon_protobuf_next carbon_protobuf_next(struct carbon_protobuf *p,
    const struct graphite_options *o, struct record *r, enum reason *why);

#endif
