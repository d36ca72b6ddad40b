/* listen.c - make sockets to listen on. */
#include "config.h"

#include <assert.h>
#include <errno.h>
#include <fcntl.h>
#include <netinet/tcp.h>
#include <pthread.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/number.h"
#include "net/addr.h"
#include "net/listen.h"

#define BACKLOG 1024	/* the kernel cuts it to net.core.somaxconn */

static int
set_on(int fd, int level, int option)
{
	static const int on = 1;

	return setsockopt(fd, level, option, &on, sizeof on);
}

static int
close_keep_errno(int fd)
{
	int saved = errno;

	close(fd);
	errno = saved;
	return -1;
}

/* Ask for more than the system's limit where we may; what is not given is not
 * an error, listen_rcvbuf() tells. */
static void
set_rcvbuf(int fd, size_t bytes)
{
	int n = bytes > INT32_MAX / 2 ? INT32_MAX / 2 : (int)bytes;

	if (bytes == 0)
		return;
	if (setsockopt(fd, SOL_SOCKET, SO_RCVBUFFORCE, &n, sizeof n) == -1)
		setsockopt(fd, SOL_SOCKET, SO_RCVBUF, &n, sizeof n);
}

/* The address of a host to bind to.  A number costs no look-up. */
static bool
bind_address(const char *host, uint16_t port, int socktype, struct addr *a)
{
	const char *error;

	if (addr_resolve(host, port, socktype, a, 1, &error) == 1)
		return true;
	errno = EADDRNOTAVAIL;
	return false;
}

static bool
wildcard(const struct addr *a)
{
	return a->u.sa.sa_family == AF_INET6 &&
	    IN6_IS_ADDR_UNSPECIFIED(&a->u.in6.sin6_addr);
}

/* A host without IPv6 still has an IPv4 "every address". */
static void
wildcard4(struct addr *a)
{
	uint16_t port = a->u.in6.sin6_port;

	*a = (struct addr){ .len = sizeof a->u.in };
	a->u.in.sin_family = AF_INET;
	a->u.in.sin_port = port;
}

/* A bound socket of a host and port. */
static int
open_inet(const char *host, uint16_t port, int type, bool reuseport)
{
	static const int off = 0;
	struct addr a;
	int fd;

	if (!bind_address(host, port, type, &a))
		return -1;
	fd = socket(a.u.sa.sa_family, type | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);
	if (fd == -1 && errno == EAFNOSUPPORT && wildcard(&a)) {
		wildcard4(&a);
		fd = socket(AF_INET, type | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);
	}
	if (fd == -1)
		return -1;
	if (a.u.sa.sa_family == AF_INET6 && setsockopt(fd, IPPROTO_IPV6,
	    IPV6_V6ONLY, &off, sizeof off) == -1)
		return close_keep_errno(fd);
	if (type == SOCK_STREAM && set_on(fd, SOL_SOCKET, SO_REUSEADDR) == -1)
		return close_keep_errno(fd);
	if (reuseport && set_on(fd, SOL_SOCKET, SO_REUSEPORT) == -1)
		return close_keep_errno(fd);
	if (bind(fd, &a.u.sa, a.len) == -1)
		return close_keep_errno(fd);
	return fd;
}

int
listen_udp(const char *host, uint16_t port, bool reuseport, size_t rcvbuf)
{
	int fd = open_inet(host, port, SOCK_DGRAM, reuseport);

	if (fd == -1)
		return -1;
	set_rcvbuf(fd, rcvbuf);
	set_on(fd, SOL_SOCKET, SO_RXQ_OVFL);
	return fd;
}

int
listen_tcp(const char *host, uint16_t port, bool reuseport)
{
	int fd = open_inet(host, port, SOCK_STREAM, reuseport);

	if (fd == -1)
		return -1;
	if (listen(fd, BACKLOG) == -1)
		return close_keep_errno(fd);
	return fd;
}

/* Does somebody answer at this path?  -1 with errno when it is no socket. */
static int
answered(const struct addr *a, int type)
{
	struct stat st;
	int fd, rc;

	if (lstat(a->u.un.sun_path, &st) == -1)
		return errno == ENOENT ? 0 : -1;
	if (!S_ISSOCK(st.st_mode)) {
		errno = EEXIST;
		return -1;
	}
	fd = socket(AF_UNIX, type | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);
	if (fd == -1)
		return -1;
	rc = connect(fd, &a->u.sa, a->len);
	/* EAGAIN: its backlog is full; EPROTOTYPE: of another type.  Alive. */
	if (rc == -1 && errno != ECONNREFUSED && errno != ENOENT &&
	    errno != EAGAIN && errno != EPROTOTYPE)
		return close_keep_errno(fd);
	rc = rc == 0 || errno == EAGAIN || errno == EPROTOTYPE;
	close(fd);
	return rc;
}

/* Which files the Unix sockets of this process made, so that listen_unlink()
 * never removes somebody else's.  The kernel keeps a file's number from being
 * used again as long as the socket bound to it is open. */
struct made {
	struct made *next;
	int fd;
	dev_t dev;
	ino_t ino;
};

static struct made *made_files;
static pthread_mutex_t made_lock = PTHREAD_MUTEX_INITIALIZER;

static void
remember_made(int fd, const char *path)
{
	struct made *m = malloc(sizeof *m);
	struct stat st;

	if (m == NULL || lstat(path, &st) == -1) {
		free(m);	/* then it stays behind: harmless */
		return;
	}
	*m = (struct made){ .fd = fd, .dev = st.st_dev, .ino = st.st_ino };
	pthread_mutex_lock(&made_lock);
	m->next = made_files;
	made_files = m;
	pthread_mutex_unlock(&made_lock);
}

/* Gives what was remembered of fd, forgotten here; or NULL. */
static struct made *
recall_made(int fd)
{
	struct made **p, *m;

	pthread_mutex_lock(&made_lock);
	for (p = &made_files; (m = *p) != NULL; p = &m->next)
		if (m->fd == fd) {
			*p = m->next;
			break;
		}
	pthread_mutex_unlock(&made_lock);
	return m;
}

void
listen_unlink(int fd)
{
	struct addr a = { .len = sizeof a.u };
	struct made *m = recall_made(fd);
	struct stat st;

	if (m != NULL && getsockname(fd, &a.u.sa, &a.len) == 0 &&
	    lstat(a.u.un.sun_path, &st) == 0 && st.st_dev == m->dev &&
	    st.st_ino == m->ino)
		unlink(a.u.un.sun_path);
	free(m);
}

/* A bound Unix socket, its path with its permissions.  They are set before
 * listen(), so that nobody connects under the wrong ones. */
static int
open_unix(const char *path, int type, mode_t mode)
{
	struct addr a;
	int fd, alive;

	if (!addr_unix(path, &a))
		return -1;
	alive = answered(&a, type);
	if (alive != 0) {
		if (alive > 0)
			errno = EADDRINUSE;
		return -1;
	}
	fd = socket(AF_UNIX, type | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);
	if (fd == -1)
		return -1;
	if (unlink(path) == -1 && errno != ENOENT)
		return close_keep_errno(fd);
	if (bind(fd, &a.u.sa, a.len) == -1)
		return close_keep_errno(fd);
	if (chmod(path, mode == 0 ? 0666 : mode) == -1 ||
	    (type == SOCK_STREAM && listen(fd, BACKLOG) == -1)) {
		int saved = errno;

		unlink(path);
		errno = saved;
		return close_keep_errno(fd);
	}
	remember_made(fd, path);
	return fd;
}

int
listen_unix(const char *path, mode_t mode)
{
	return open_unix(path, SOCK_STREAM, mode);
}

int
listen_unixgram(const char *path, mode_t mode, size_t rcvbuf)
{
	int fd = open_unix(path, SOCK_DGRAM, mode);

	if (fd == -1)
		return -1;
	set_rcvbuf(fd, rcvbuf);
	set_on(fd, SOL_SOCKET, SO_RXQ_OVFL);
	return fd;
}

bool
listen_taken(int socktype, const char *host, uint16_t port)
{
	int fd = port == 0 ? -1 : open_inet(host, port, socktype, false);
	bool taken = fd == -1 && port != 0 && errno == EADDRINUSE;

	if (fd != -1)
		close(fd);
	return taken;
}

uint16_t
listen_port(int fd)
{
	struct addr a = { .len = sizeof a.u };

	return getsockname(fd, &a.u.sa, &a.len) == -1 ? 0 : addr_port(&a);
}

size_t
listen_rcvbuf(int fd)
{
	int n = 0;
	socklen_t len = sizeof n;

	if (getsockopt(fd, SOL_SOCKET, SO_RCVBUF, &n, &len) == -1 || n < 0)
		return 0;
	return (size_t)n;
}

/* What systemd handed over: descriptors from 3 on, -1 once given away. */
#define FIRST_INHERITED 3
#define MAX_INHERITED 256

static int inherited[MAX_INHERITED];
static size_t ninherited;

static uint64_t
env_number(const char *name)
{
	const char *text = getenv(name);
	uint64_t v;

	return text != NULL && number_u64(slice_str(text), &v) ? v : 0;
}

size_t
listen_inherit(void)
{
	uint64_t n = env_number("LISTEN_FDS");
	bool ours = env_number("LISTEN_PID") == (uint64_t)getpid();
	size_t i;

	unsetenv("LISTEN_PID");
	unsetenv("LISTEN_FDS");
	unsetenv("LISTEN_FDNAMES");
	if (!ours)
		return 0;
	for (i = 0; i < n && i < MAX_INHERITED; i++) {
		int fd = FIRST_INHERITED + (int)i;

		if (fcntl(fd, F_SETFD, FD_CLOEXEC) != -1)
			inherited[ninherited++] = fd;
	}
	return ninherited;
}

static int
socket_type(int fd)
{
	int type = 0;
	socklen_t len = sizeof type;

	return getsockopt(fd, SOL_SOCKET, SO_TYPE, &type, &len) == -1 ? -1 :
	    type;
}

static bool
any4(const struct addr *a)
{
	return a->u.sa.sa_family == AF_INET &&
	    a->u.in.sin_addr.s_addr == htonl(INADDR_ANY);
}

static bool
bound_to(int fd, int type, const struct addr *want)
{
	struct addr a = { .len = sizeof a.u };

	if (socket_type(fd) != type ||
	    getsockname(fd, &a.u.sa, &a.len) == -1)
		return false;
	if (addr_eq(&a, want))
		return true;
	return wildcard(want) && any4(&a) && addr_port(&a) == addr_port(want);
}

/* Make an inherited socket what ours are. */
static int
adopt(int fd, int type)
{
	int flags = fcntl(fd, F_GETFL);
	int listening = 0;
	socklen_t len = sizeof listening;

	if (flags == -1 || fcntl(fd, F_SETFL, flags | O_NONBLOCK) == -1)
		return -1;
	if (type == SOCK_DGRAM) {
		set_on(fd, SOL_SOCKET, SO_RXQ_OVFL);
		return fd;
	}
	if (getsockopt(fd, SOL_SOCKET, SO_ACCEPTCONN, &listening, &len) == -1 ||
	    (!listening && listen(fd, BACKLOG) == -1))
		return -1;
	return fd;
}

int
listen_inherited(enum listen_kind kind, const char *host, uint16_t port,
    const char *path)
{
	int type = kind == LISTEN_UDP || kind == LISTEN_UNIXGRAM ? SOCK_DGRAM :
	    SOCK_STREAM;
	bool local = kind == LISTEN_UNIX || kind == LISTEN_UNIXGRAM;
	struct addr want;
	size_t i;

	if (ninherited > 0 && (local ? addr_unix(path, &want) :
	    bind_address(host, port, type, &want)))
		for (i = 0; i < ninherited; i++)
			if (inherited[i] != -1 &&
			    bound_to(inherited[i], type, &want)) {
				int fd = inherited[i];

				inherited[i] = -1;
				return adopt(fd, type);
			}
	errno = ENOENT;
	return -1;
}

size_t
listen_inherit_close(void)
{
	size_t i, n = 0;

	for (i = 0; i < ninherited; i++)
		if (inherited[i] != -1) {
			close(inherited[i]);
			n++;
		}
	ninherited = 0;
	return n;
}
