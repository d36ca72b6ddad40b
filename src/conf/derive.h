/* derive.h - a configuration with other servers in its clusters than it was
 * written with: those that a name server names. */
#ifndef MILLRACE_CONF_DERIVE_H
#define MILLRACE_CONF_DERIVE_H

#include "conf/conf.h"

/* One server found for server number `server` of cluster number `cluster`. */
struct conf_found {
	size_t cluster, server;
	char host[256];
	uint16_t port;
};

/* Is the server to be looked for: an SRV name, or one of a cluster of which all
 * addresses are servers? */
bool conf_is_looked_for(const struct conf_cluster *c,
    const struct conf_server *s);
/* Does any cluster have such? */
bool conf_looks(const struct conf *c);
/* The configuration as it was written. */
struct conf *conf_written(struct conf *c);
/* Another holder, who calls conf_free() too. */
struct conf *conf_hold(struct conf *c);
/* What was written, with found[] in the place of the servers they were found
 * for; those for which nothing was found stay.  Holds what it was made of. */
struct conf *conf_derive(struct conf *c, const struct conf_found *found,
    size_t n);

#endif
