/* dns.h - questions to a name server that getaddrinfo() cannot put: to a
 * server of one's own, and for SRV records.
 *
 * All of it blocks, for some seconds when nobody answers: only for threads that
 * may. */
#ifndef MILLRACE_NET_DNS_H
#define MILLRACE_NET_DNS_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct addr;

/* Ask this server ("127.0.0.1:53") from now on, in every thread, for all names
 * but numbers; NULL or "": the system's resolver.  False: no numeric IPv4
 * address with a port. */
bool dns_use(const char *server);
bool dns_used(void);

/* A's and AAAA's of a name from the server of dns_use(); as addr_resolve(). */
int dns_addresses(const char *host, uint16_t port, struct addr *v, size_t max,
    const char **error);

struct dns_target {
	char host[256];
	uint16_t port;
};

/* The targets of "_service._proto.domain", those of the best priority there
 * is, by name and port.  -1 with what is wrong in *error. */
int dns_srv(const char *name, struct dns_target *v, size_t max,
    const char **error);
/* Is that what an SRV record is asked for by? */
bool dns_is_srv(const char *name);

#endif
