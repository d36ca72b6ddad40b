/* shipper_url.h - where events go: the URL of a server, the key of a stream.
 *
 * Pure: bytes in, a value or what is wrong out. */
#ifndef MILLRACE_SINK_SHIPPER_URL_H
#define MILLRACE_SINK_SHIPPER_URL_H

#include <stdint.h>

#include "base/buf.h"
#include "base/slice.h"

enum ship_scheme {
	SHIP_REDIS,		/* redis://[[user]:password@]host[:port][/db] */
	SHIP_REDISS,		/* rediss://...: TLS */
	SHIP_UNIX,		/* unix://[[user]:password@]/path[?db=n] */
	SHIP_MILLRACE		/* millrace://[[user]:password@]host[:port] */
};

struct ship_url {
	enum ship_scheme scheme;
	char host[256];		/* without brackets; "": a path */
	uint16_t port;
	char path[108];
	char user[128], password[256];	/* percent-decoded; "": none */
	unsigned db;
};

/* NULL, or what is wrong; *u is then undefined. */
const char *ship_url_parse(struct slice text, struct ship_url *u);

/* Append the key of a stream: {stream}, {node} and {partition} of the template
 * are replaced, any other brace stands for itself (so "ev:{{stream}}" gives
 * the stream's name as a hash tag).  False: no room, out as it was. */
bool ship_key(const char *template, struct slice stream, const char *node,
    unsigned partition, struct buf *out);

/* The slot of a key in a Redis Cluster, 0..16383: CRC16 of the key, or of what
 * stands between its first '{' and the next '}' when that is not empty. */
unsigned ship_slot(struct slice key);

/* Which of n partitions bytes belong to: FNV-1a, 32 bits, modulo n. */
unsigned ship_partition(struct slice value, unsigned n);

#endif
