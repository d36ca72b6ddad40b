/* listen.h - sockets to listen on.
 *
 * Each gives a descriptor, non-blocking and close-on-exec, or -1 with errno.
 * The caller owns it.  host: a name or number, NULL or "*" for every address of
 * both families (one socket; IPv4 peers show as IPv4 in addr_text()).  port 0
 * lets the system choose; listen_port() says which. */
#ifndef MILLRACE_NET_LISTEN_H
#define MILLRACE_NET_LISTEN_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/types.h>

/* reuseport: several sockets may share the port; the kernel keeps a sender's
 * datagrams on one of them.  rcvbuf: bytes asked for, 0 for the system's; see
 * listen_rcvbuf() for what was given. */
int listen_udp(const char *host, uint16_t port, bool reuseport, size_t rcvbuf);
int listen_tcp(const char *host, uint16_t port, bool reuseport);
/* A path at which somebody answers is EADDRINUSE; one left behind by the dead
 * is replaced.  Anything there that is not a socket is left alone (EEXIST).
 * mode: the permissions of the path, 0 for 0666 without the umask. */
int listen_unix(const char *path, mode_t mode);
int listen_unixgram(const char *path, mode_t mode, size_t rcvbuf);
/* Remove the path of a Unix socket of listen_unix*() if it is still the one
 * that made: call before closing fd.  Other sockets, inherited ones too: nothing
 * is done. */
void listen_unlink(int fd);

/* Is this port taken, by anybody at all?  With reuseport a second daemon of
 * the same user would not notice the first: ask this before the first bind.
 * socktype: SOCK_DGRAM or SOCK_STREAM. */
bool listen_taken(int socktype, const char *host, uint16_t port);

uint16_t listen_port(int fd);
size_t listen_rcvbuf(int fd);

/* Sockets handed over by systemd or whoever speaks its protocol (LISTEN_PID,
 * LISTEN_FDS, LISTEN_FDNAMES).  Call once early in the process: takes the
 * variables out of the environment and sets close-on-exec.  Returns how many. */
size_t listen_inherit(void);
enum listen_kind { LISTEN_UDP, LISTEN_TCP, LISTEN_UNIX, LISTEN_UNIXGRAM };
/* One of them bound to this address (path for the Unix kinds, else NULL), made
 * non-blocking and given to the caller; -1 with ENOENT when there is none left.
 * A second call with the same address gives a second socket if there is one. */
int listen_inherited(enum listen_kind kind, const char *host, uint16_t port,
    const char *path);
/* Close what nobody asked for; returns how many. */
size_t listen_inherit_close(void);

#endif
