/* dial.c - where a command of the shell talks to, and a connected socket. */
#include "config.h"

#include <errno.h>
#include <fcntl.h>
#include <netdb.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <poll.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/un.h>
#include <unistd.h>

#include "app/dial.h"
#include "compat.h"

struct scheme {
	const char *name;
	bool datagrams, path;
	uint16_t port;		/* 0: the caller's */
};

static const struct scheme schemes[] = {
	{ "udp",	true,	false,	0 },
	{ "tcp",	false,	false,	0 },
	{ "unixgram",	true,	true,	0 },
	{ "unix",	false,	true,	0 },
	{ "resp",	false,	false,	6390 },
	{ "redis",	false,	false,	6379 },
	{ "relp",	false,	false,	2514 },
	{ "http",	false,	false,	80 },
};

static const struct scheme *
scheme_find(const char *name, size_t len)
{
	size_t i;

	for (i = 0; i < sizeof schemes / sizeof *schemes; i++)
		if (strlen(schemes[i].name) == len &&
		    memcmp(schemes[i].name, name, len) == 0)
			return &schemes[i];
	return NULL;
}

static bool
parse_path(struct dial_addr *a, const char *path, char *why, size_t whylen)
{
	struct sockaddr_un *un = (struct sockaddr_un *)&a->at[0].sa;

	if (*path == '\0' || strlen(path) >= sizeof un->sun_path) {
		snprintf(why, whylen, "%s: a socket's path has 1 to %zu bytes",
		    path, sizeof un->sun_path - 1);
		return false;
	}
	memset(un, 0, sizeof *un);
	un->sun_family = AF_UNIX;
	memcpy(un->sun_path, path, strlen(path));
	a->at[0].len = (socklen_t)(offsetof(struct sockaddr_un, sun_path) +
	    strlen(path) + 1);
	a->n = 1;
	return true;
}

static void
add_address(struct dial_addr *a, const struct addrinfo *i)
{
	if (a->n == sizeof a->at / sizeof a->at[0])
		return;
	memcpy(&a->at[a->n].sa, i->ai_addr, i->ai_addrlen);
	a->at[a->n++].len = i->ai_addrlen;
}

static bool
resolve(struct dial_addr *a, const char *host, const char *port, char *why,
    size_t whylen)
{
	struct addrinfo hints = {
		.ai_family = AF_UNSPEC,
		.ai_socktype = a->datagrams ? SOCK_DGRAM : SOCK_STREAM,
		.ai_flags = AI_NUMERICSERV,
	};
	struct addrinfo *list = NULL;
	int rc;

	if (strlen(port) > 5 || strtoul(port, NULL, 10) > 65535) {
		snprintf(why, whylen, "%s: a port is at most 65535", port);
		return false;
	}
	rc = getaddrinfo(host, port, &hints, &list);
	if (rc != 0) {
		snprintf(why, whylen, "%s port %s: %s", host, port,
		    gai_strerror(rc));
		return false;
	}
	/* nobody answers a datagram: IPv4 first, which "localhost" listens on */
	for (int six = 0; six < 2; six++)
		for (struct addrinfo *i = list; i != NULL; i = i->ai_next)
			if (a->datagrams && (i->ai_family == AF_INET6) == six)
				add_address(a, i);
	for (struct addrinfo *i = list; !a->datagrams && i != NULL; i = i->ai_next)
		add_address(a, i);
	freeaddrinfo(list);
	return true;
}

/* Cut "user[:password]@" off the front. */
static const char *
parse_user(struct dial_addr *a, const char *s)
{
	const char *at = strrchr(s, '@'), *colon;
	size_t ulen;

	if (at == NULL)
		return s;
	ulen = (size_t)(at - s);
	colon = memchr(s, ':', ulen);
	if (colon != NULL) {
		snprintf(a->password, sizeof a->password, "%.*s",
		    (int)(at - colon - 1), colon + 1);
		ulen = (size_t)(colon - s);
	}
	snprintf(a->user, sizeof a->user, "%.*s", (int)ulen, s);
	return at + 1;
}

/* Cut "host[:port]" in two; a bare "[::1]" and "::1" are hosts. */
static bool
parse_host(const char *s, char *host, size_t hostlen, char *port,
    size_t portlen)
{
	const char *colon, *end = s + strcspn(s, "/");

	if (*s == '[') {
		const char *close = memchr(s, ']', (size_t)(end - s));

		if (close == NULL)
			return false;
		snprintf(host, hostlen, "%.*s", (int)(close - s - 1), s + 1);
		if (close[1] == ':')
			snprintf(port, portlen, "%.*s",
			    (int)(end - close - 2), close + 2);
		return true;
	}
	colon = memchr(s, ':', (size_t)(end - s));
	if (colon != NULL && memchr(colon + 1, ':', (size_t)(end - colon - 1)))
		colon = NULL;		/* an IPv6 address without brackets */
	snprintf(host, hostlen, "%.*s", (int)((colon ? colon : end) - s), s);
	if (colon != NULL)
		snprintf(port, portlen, "%.*s", (int)(end - colon - 1),
		    colon + 1);
	return *host != '\0';
}

bool
dial_parse(struct dial_addr *a, const char *url, const char *scheme,
    uint16_t port, char *why, size_t whylen)
{
	const char *sep = strstr(url, "://"), *rest = url;
	const struct scheme *s;
	char host[256] = "", service[16];

	memset(a, 0, sizeof *a);
	if (sep != NULL) {
		s = scheme_find(url, (size_t)(sep - url));
		rest = sep + 3;
	} else
		s = scheme_find(scheme, strlen(scheme));
	if (s == NULL) {
		snprintf(why, whylen, "%s: unknown scheme (udp, tcp, unix, "
		    "unixgram, resp, relp)", url);
		return false;
	}
	strlcpy(a->scheme, s->name, sizeof a->scheme);
	a->datagrams = s->datagrams;
	if (s->path) {
		strlcpy(a->text, url, sizeof a->text);
		return parse_path(a, rest, why, whylen);
	}
	rest = parse_user(a, rest);
	snprintf(a->text, sizeof a->text, "%s://%s", s->name, rest);
	if (port == 0 || (s->port != 0 && strcmp(scheme, s->name) != 0))
		port = s->port;
	snprintf(service, sizeof service, "%u", port);
	if (!parse_host(rest, host, sizeof host, service, sizeof service)) {
		snprintf(why, whylen, "%s: no host", url);
		return false;
	}
	return resolve(a, host, service, why, whylen);
}

static int
wait_connected(int fd, int timeout_ms)
{
	struct pollfd p = { .fd = fd, .events = POLLOUT };
	socklen_t len = sizeof(int);
	int err = 0, n;

	do
		n = poll(&p, 1, timeout_ms);
	while (n == -1 && errno == EINTR);
	if (n == 0)
		err = ETIMEDOUT;
	else if (n == -1 || getsockopt(fd, SOL_SOCKET, SO_ERROR, &err, &len) == -1)
		err = errno;
	errno = err;
	return err == 0 ? 0 : -1;
}

static int
dial_one(const struct dial_addr *a, size_t i, int timeout_ms)
{
	int type = a->datagrams ? SOCK_DGRAM : SOCK_STREAM;
	int fd, saved, one = 1, flags, family = a->at[i].sa.ss_family;

	fd = socket(family, type | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
	if (fd == -1)
		return -1;
	if (connect(fd, (const struct sockaddr *)&a->at[i].sa, a->at[i].len) == -1 &&
	    (errno != EINPROGRESS || wait_connected(fd, timeout_ms) == -1))
		goto fail;
	flags = fcntl(fd, F_GETFL);
	if (flags == -1 || fcntl(fd, F_SETFL, flags & ~O_NONBLOCK) == -1)
		goto fail;
	if (!a->datagrams && family != AF_UNIX)
		(void)setsockopt(fd, IPPROTO_TCP, TCP_NODELAY, &one, sizeof one);
	return fd;

fail:
	saved = errno;
	close(fd);
	errno = saved;
	return -1;
}

int
dial(const struct dial_addr *a, int timeout_ms)
{
	int fd = -1;

	errno = EADDRNOTAVAIL;
	for (size_t i = 0; fd == -1 && i < a->n; i++)
		fd = dial_one(a, i, timeout_ms);
	return fd;
}
