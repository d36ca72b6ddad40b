/* events_reach.h - how far each shipper is with a stream. */
#ifndef MILLRACE_SINK_EVENTS_REACH_H
#define MILLRACE_SINK_EVENTS_REACH_H

#include "sink/events.h"

/* The last number of the stream that shipper i is known to have brought. */
uint64_t events_reached(struct events *e, struct slice stream, size_t i);

#endif
