/* tcp_discard FILE PORT... - a server that counts lines and throws them away.
 *
 * Stands where Graphite servers would stand when a relay is measured, and is
 * cheap enough to share a core with the generator.  FILE is rewritten ten
 * times a second with "PORT LINES" per port and the time of the last line. */
#define _GNU_SOURCE
#include <arpa/inet.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/socket.h>
#include <time.h>
#include <unistd.h>

#define MAX_FDS 4096
#define MAX_PORTS 64

static unsigned long long lines[MAX_PORTS];
static int port_of[MAX_FDS];		/* which port a connection came to, + 1 */
static int listener_of[MAX_FDS];	/* the same for listeners */
static char buf[1 << 20];
static volatile sig_atomic_t stop;
static double last;

static void
on_signal(int sig)
{
	(void)sig;
	stop = 1;
}

static double
now(void)
{
	struct timespec ts;

	clock_gettime(CLOCK_MONOTONIC, &ts);
	return (double)ts.tv_sec + (double)ts.tv_nsec / 1e9;
}

static void
watch(int ep, int fd)
{
	struct epoll_event e = { .events = EPOLLIN, .data.fd = fd };

	if (fd < 0 || fd >= MAX_FDS ||
	    epoll_ctl(ep, EPOLL_CTL_ADD, fd, &e) == -1) {
		perror("tcp_discard");
		exit(1);
	}
}

static int
listen_on(const char *port)
{
	struct sockaddr_in a = {
		.sin_family = AF_INET,
		.sin_port = htons((uint16_t)atoi(port)),
		.sin_addr.s_addr = htonl(INADDR_LOOPBACK),
	};
	int fd = socket(AF_INET, SOCK_STREAM, 0), one = 1;

	setsockopt(fd, SOL_SOCKET, SO_REUSEADDR, &one, sizeof one);
	if (bind(fd, (struct sockaddr *)&a, sizeof a) == -1 ||
	    listen(fd, 64) == -1) {
		perror(port);
		exit(1);
	}
	return fd;
}

static void
take(int fd)
{
	ssize_t n = recv(fd, buf, sizeof buf, MSG_DONTWAIT);
	unsigned long long *count = &lines[port_of[fd] - 1];
	char *p = buf, *end;

	if (n <= 0) {
		port_of[fd] = 0;
		close(fd);
		return;
	}
	for (end = buf + n; (p = memchr(p, '\n', (size_t)(end - p))) != NULL; p++)
		++*count;
	last = now();
}

static void
report(const char *file, char **ports, int n)
{
	char tmp[512];
	FILE *f;
	int i;

	snprintf(tmp, sizeof tmp, "%s.new", file);
	f = fopen(tmp, "w");
	if (f == NULL)
		return;
	for (i = 0; i < n; i++)
		fprintf(f, "%s %llu\n", ports[i], lines[i]);
	fprintf(f, "last %.6f\n", last);
	fclose(f);
	rename(tmp, file);
}

int
main(int argc, char **argv)
{
	struct sigaction sa = { .sa_handler = on_signal };
	struct epoll_event e[64];
	double next = 0;
	int ep = epoll_create1(0), i, n;

	if (argc < 3 || argc - 2 > MAX_PORTS) {
		fprintf(stderr, "usage: tcp_discard FILE PORT...\n");
		return 64;
	}
	sigaction(SIGTERM, &sa, NULL);
	for (i = 2; i < argc; i++) {
		int fd = listen_on(argv[i]);

		watch(ep, fd);
		listener_of[fd] = i - 1;
	}
	while (!stop) {
		n = epoll_wait(ep, e, 64, 50);
		for (i = 0; i < n; i++) {
			int fd = e[i].data.fd;

			if (listener_of[fd] != 0) {
				int c = accept(fd, NULL, NULL);

				if (c < 0)
					continue;
				watch(ep, c);
				port_of[c] = listener_of[fd];
			} else
				take(fd);
		}
		if (now() >= next) {
			report(argv[1], argv + 2, argc - 2);
			next = now() + 0.1;
		}
	}
	report(argv[1], argv + 2, argc - 2);
	return 0;
}
