/* relp_parts.h - what the two ends of RELP share. */
#ifndef MILLRACE_PROTO_RELP_PARTS_H
#define MILLRACE_PROTO_RELP_PARTS_H

#include "proto/relp.h"

/* What either end says of itself when a session opens. */
#define RELP_OFFERS "relp_version=0\nrelp_software=millrace," PACKAGE_VERSION \
	"\ncommands=syslog"

/* Add a frame, or nothing when there is no room for all of it. */
bool relp_write_frame(struct buf *out, uint32_t txnr, struct slice command,
    struct slice data);

/* Which number follows. */
static inline uint32_t
relp_after(uint32_t txnr)
{
	return txnr == RELP_TXNR_MAX ? 1 : txnr + 1;
}

#endif
