/* addr.c - addresses: from text, to text, and compared. */
#include "config.h"

#include <arpa/inet.h>
#include <errno.h>
#include <net/if.h>
#include <netdb.h>
#include <stdio.h>
#include <string.h>

#include "base/number.h"
#include "net/addr.h"
#include "net/dns.h"

static void
set_in6(struct addr *a, const struct in6_addr *ip, uint16_t port)
{
	*a = (struct addr){ .len = sizeof a->u.in6 };
	a->u.in6.sin6_family = AF_INET6;
	a->u.in6.sin6_addr = *ip;
	a->u.in6.sin6_port = htons(port);
}

/* "fe80::1%eth0" or with the interface's number. */
static bool
scoped_in6(char *host, uint16_t port, struct addr *a)
{
	char *percent = strchr(host, '%');
	struct in6_addr ip;
	uint64_t scope = 0;

	if (percent != NULL)
		*percent++ = '\0';
	if (inet_pton(AF_INET6, host, &ip) != 1)
		return false;
	if (percent != NULL && !number_u64(slice_str(percent), &scope))
		scope = if_nametoindex(percent);
	if (percent != NULL && (scope == 0 || scope > UINT32_MAX))
		return false;
	set_in6(a, &ip, port);
	a->u.in6.sin6_scope_id = (uint32_t)scope;
	return true;
}

bool
addr_numeric(const char *host, uint16_t port, struct addr *a)
{
	char text[INET6_ADDRSTRLEN + IF_NAMESIZE + 4];
	struct in_addr ip;
	size_t n;

	if (host == NULL || *host == '\0' || strcmp(host, "*") == 0) {
		set_in6(a, &in6addr_any, port);
		return true;
	}
	n = strlen(host);
	if (*host == '[' && host[n - 1] == ']') {
		host++;
		n -= 2;
	}
	if (n >= sizeof text)
		return false;
	memcpy(text, host, n);
	text[n] = '\0';
	if (inet_pton(AF_INET, text, &ip) != 1)
		return scoped_in6(text, port, a);
	*a = (struct addr){ .len = sizeof a->u.in };
	a->u.in.sin_family = AF_INET;
	a->u.in.sin_addr = ip;
	a->u.in.sin_port = htons(port);
	return true;
}

bool
addr_unix(const char *path, struct addr *a)
{
	size_t n = strlen(path);

	if (n == 0 || n >= sizeof a->u.un.sun_path) {
		errno = n == 0 ? EINVAL : ENAMETOOLONG;
		return false;
	}
	*a = (struct addr){
		.len = (socklen_t)(offsetof(struct sockaddr_un, sun_path) + n + 1)
	};
	a->u.un.sun_family = AF_UNIX;
	memcpy(a->u.un.sun_path, path, n + 1);
	return true;
}

int
addr_resolve(const char *host, uint16_t port, int socktype, struct addr *v,
    size_t max, const char **error)
{
	struct addrinfo hints = { .ai_socktype = socktype };
	struct addrinfo *list, *ai;
	char service[6];
	int rc, n = 0;

	if (max > 0 && addr_numeric(host, port, v))
		return 1;
	if (dns_used())
		return dns_addresses(host, port, v, max, error);
	snprintf(service, sizeof service, "%u", port);
	rc = getaddrinfo(host, service, &hints, &list);
	if (rc != 0) {
		*error = rc == EAI_SYSTEM ? strerror(errno) : gai_strerror(rc);
		return -1;
	}
	for (ai = list; ai != NULL && (size_t)n < max; ai = ai->ai_next) {
		if (ai->ai_addrlen > sizeof v->u)
			continue;
		v[n] = (struct addr){ .len = ai->ai_addrlen };
		memcpy(&v[n++].u, ai->ai_addr, ai->ai_addrlen);
	}
	freeaddrinfo(list);
	if (n == 0) {
		*error = "no usable address";
		return -1;
	}
	return n;
}

bool
addr_split(const char *text, char *host, size_t size, uint16_t *port,
    bool any_port)
{
	const char *colon = strrchr(text, ':');
	struct slice h;
	uint64_t p;

	if (colon == NULL || !number_u64(slice_str(colon + 1), &p) ||
	    p > UINT16_MAX || (p == 0 && !any_port))
		return false;
	h = slice_of(text, (size_t)(colon - text));
	if (h.len >= 2 && h.ptr[0] == '[' && h.ptr[h.len - 1] == ']')
		h = slice_of(h.ptr + 1, h.len - 2);
	else if (slice_find(h, ':') < h.len || slice_find(h, '[') < h.len)
		return false;	/* IPv6 without brackets */
	if (h.len >= size)
		return false;
	if (h.len > 0)
		memcpy(host, h.ptr, h.len);
	host[h.len] = '\0';
	*port = (uint16_t)p;
	return true;
}

/* The IPv4 address, also when it is dressed as IPv6; false: it is none. */
static bool
ip4(const struct addr *a, struct in_addr *ip)
{
	if (a->u.sa.sa_family == AF_INET) {
		*ip = a->u.in.sin_addr;
		return true;
	}
	if (a->u.sa.sa_family != AF_INET6 ||
	    !IN6_IS_ADDR_V4MAPPED(&a->u.in6.sin6_addr))
		return false;
	memcpy(ip, &a->u.in6.sin6_addr.s6_addr[12], sizeof *ip);
	return true;
}

uint16_t
addr_port(const struct addr *a)
{
	switch (a->u.sa.sa_family) {
	case AF_INET:
		return ntohs(a->u.in.sin_port);
	case AF_INET6:
		return ntohs(a->u.in6.sin6_port);
	}
	return 0;
}

static size_t
unix_path_len(const struct addr *a)
{
	size_t head = offsetof(struct sockaddr_un, sun_path);

	return a->len > head ? strnlen(a->u.un.sun_path, a->len - head) : 0;
}

static const char *
unix_text(const struct addr *a, char text[ADDR_TEXT])
{
	size_t n = a->u.sa.sa_family == AF_UNIX ? unix_path_len(a) : 0;

	if (n == 0)	/* no name, or an abstract one */
		snprintf(text, ADDR_TEXT, "unix");
	else
		snprintf(text, ADDR_TEXT, "unix:%.*s", (int)n,
		    a->u.un.sun_path);
	return text;
}

/* It is asked for with each datagram: quicker than inet_ntop(). */
static const char *
dotted(struct in_addr ip, char *text)
{
	uint32_t v = ntohl(ip.s_addr);
	char *p = text;

	for (int shift = 24; shift >= 0; shift -= 8) {
		unsigned n = v >> shift & 255;

		if (n >= 100)
			*p++ = (char)('0' + n / 100);
		if (n >= 10)
			*p++ = (char)('0' + n / 10 % 10);
		*p++ = (char)('0' + n % 10);
		*p++ = shift > 0 ? '.' : '\0';
	}
	return text;
}

const char *
addr_host(const struct addr *a, char text[ADDR_TEXT])
{
	struct in_addr ip;
	size_t n;

	if (ip4(a, &ip))
		return dotted(ip, text);
	if (a->u.sa.sa_family != AF_INET6)
		return unix_text(a, text);
	inet_ntop(AF_INET6, &a->u.in6.sin6_addr, text, ADDR_TEXT);
	if (a->u.in6.sin6_scope_id != 0) {
		n = strlen(text);
		snprintf(text + n, ADDR_TEXT - n, "%%%u",
		    a->u.in6.sin6_scope_id);
	}
	return text;
}

const char *
addr_text(const struct addr *a, char text[ADDR_TEXT])
{
	char host[ADDR_TEXT];
	struct in_addr ip;

	if (a->u.sa.sa_family != AF_INET && a->u.sa.sa_family != AF_INET6)
		return unix_text(a, text);
	addr_host(a, host);
	snprintf(text, ADDR_TEXT, ip4(a, &ip) ? "%.64s:%u" : "[%.64s]:%u", host,
	    addr_port(a));
	return text;
}

bool
addr_eq(const struct addr *a, const struct addr *b)
{
	struct in_addr x, y;
	bool four = ip4(a, &x);

	if (addr_port(a) != addr_port(b) || four != ip4(b, &y))
		return false;
	if (four)
		return x.s_addr == y.s_addr;
	if (a->u.sa.sa_family != b->u.sa.sa_family)
		return false;
	if (a->u.sa.sa_family == AF_INET6)
		return IN6_ARE_ADDR_EQUAL(&a->u.in6.sin6_addr,
		    &b->u.in6.sin6_addr) &&
		    a->u.in6.sin6_scope_id == b->u.in6.sin6_scope_id;
	return unix_path_len(a) == unix_path_len(b) &&
	    memcmp(a->u.un.sun_path, b->u.un.sun_path, unix_path_len(a)) == 0;
}
