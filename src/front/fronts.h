/* fronts.h - all fronts; each is a file of this directory. */
#ifndef MILLRACE_FRONT_FRONTS_H
#define MILLRACE_FRONT_FRONTS_H

#include "front/door.h"

extern const struct front front_statsd;		/* StatsD and DogStatsD */
extern const struct front front_graphite;	/* Graphite's plaintext */
extern const struct front front_graphite_gzip;	/* the same, packed */
extern const struct front front_graphite_lz4;
extern const struct front front_graphite_snappy;
extern const struct front front_protobuf;	/* carbon's protobuf */
extern const struct front front_pickle;		/* carbon's pickle */
extern const struct front front_syslog;		/* RFC 3164, RFC 5424 */
extern const struct front front_relp;		/* syslog over RELP */
extern const struct front front_resp;		/* events: RESP, XADD */
extern const struct front front_http;		/* events: HTTP POST */
extern const struct front front_relp_events;	/* events: syslog over RELP */
extern const struct front front_forward;	/* events: Fluent Forward */

#endif
