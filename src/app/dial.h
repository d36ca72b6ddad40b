/* dial.h - where a command of the shell talks to, and a connected socket.
 *
 * For the subcommands only: it resolves names and connects while the caller
 * waits, which nothing inside the daemon may do. */
#ifndef MILLRACE_APP_DIAL_H
#define MILLRACE_APP_DIAL_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/socket.h>

struct dial_addr {
	char text[256];		/* as written, without a password */
	char scheme[12];	/* "udp" "tcp" "unix" "unixgram" "resp" "relp" "http" */
	char user[64], password[128];	/* of resp://user:password@host, or "" */
	bool datagrams;
	size_t n;		/* addresses of the name, tried in turn */
	struct {
		struct sockaddr_storage sa;
		socklen_t len;
	} at[4];
};

/* Read "scheme://[user[:password]@]host[:port]" or "unix:///path".  Without a
 * scheme it is `scheme`, without a port it is `port`.  Resolves the name.
 * False: why is what to tell the user, and *a is undefined. */
bool dial_parse(struct dial_addr *a, const char *url, const char *scheme,
    uint16_t port, char *why, size_t whylen);
/* Gives a connected socket (blocking, close-on-exec), or -1 with errno.
 * ETIMEDOUT after timeout_ms without an answer. */
int dial(const struct dial_addr *a, int timeout_ms);

#endif
