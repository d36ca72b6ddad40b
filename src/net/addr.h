/* addr.h - an address of a socket, and its text. */
#ifndef MILLRACE_NET_ADDR_H
#define MILLRACE_NET_ADDR_H

#include <netinet/in.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/socket.h>
#include <sys/un.h>

struct addr {
	socklen_t len;
	union {
		struct sockaddr sa;
		struct sockaddr_in in;
		struct sockaddr_in6 in6;
		struct sockaddr_un un;
	} u;
};

/* Room for any text of addr_text(), its NUL included. */
#define ADDR_TEXT 128

/* A numeric IPv4 or IPv6 address ("10.0.0.1", "::1", "[::1]", "fe80::1%eth0"),
 * or every address of both families for NULL, "" and "*" (which is "::" for a
 * socket that also takes IPv4).  Never asks a name server.  False: untouched. */
bool addr_numeric(const char *host, uint16_t port, struct addr *a);
/* A path of a Unix socket; false: too long (ENAMETOOLONG) or empty (EINVAL). */
bool addr_unix(const char *path, struct addr *a);
/* Resolve a name or number into at most max addresses, in the order to try.
 * Returns how many (at least 1), or -1 with what is wrong in *error, which is
 * never to be freed.  May ask a name server and block, unless it is a number. */
int addr_resolve(const char *host, uint16_t port, int socktype,
    struct addr *v, size_t max, const char **error);
/* Cut "host:port", "[v6]:port" or ":port" in two.  The port is 1..65535 (0 when
 * allowed by any_port).  host gets at most size bytes with its NUL, without the
 * brackets.  False: not of that form. */
bool addr_split(const char *text, char *host, size_t size, uint16_t *port,
    bool any_port);

/* "10.0.0.1:514", "[::1]:514", "unix" for a socket without a name, else
 * "unix:/path".  An IPv4 address within IPv6 is written as IPv4.  Returns
 * text. */
const char *addr_text(const struct addr *a, char text[ADDR_TEXT]);
/* The same without the port: what names the host. */
const char *addr_host(const struct addr *a, char text[ADDR_TEXT]);
uint16_t addr_port(const struct addr *a);
/* Same family, address and port (or path); IPv4 within IPv6 equals IPv4. */
bool addr_eq(const struct addr *a, const struct addr *b);

#endif
