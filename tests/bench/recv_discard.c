/* recv_discard PORT - receive UDP datagrams and throw them away: the yardstick.
 *
 * A blocking recvmmsg in a loop and nothing else.  What a daemon costs above
 * this is its own doing.  On SIGTERM (or SIGINT) it prints
 *	received=N cpu_us=N drops=N
 * where cpu_us is user and system time together. */
#define _GNU_SOURCE
#include <arpa/inet.h>
#include <errno.h>
#include <linux/sock_diag.h>
#include <signal.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/resource.h>
#include <sys/socket.h>

#define BATCH 64
#define SLOT 65536

static char slots[BATCH][SLOT + 320];
static volatile sig_atomic_t stop;

static void
on_signal(int sig)
{
	(void)sig;
	stop = 1;
}

static int
open_socket(const char *port)
{
	struct sockaddr_in a = {
		.sin_family = AF_INET,
		.sin_port = htons((uint16_t)atoi(port)),
		.sin_addr.s_addr = htonl(INADDR_LOOPBACK),
	};
	int fd = socket(AF_INET, SOCK_DGRAM, 0);
	int room = 4 << 20;

	if (setsockopt(fd, SOL_SOCKET, SO_RCVBUFFORCE, &room, sizeof room) == -1)
		setsockopt(fd, SOL_SOCKET, SO_RCVBUF, &room, sizeof room);
	if (bind(fd, (struct sockaddr *)&a, sizeof a) == -1) {
		perror("bind");
		exit(1);
	}
	return fd;
}

int
main(int argc, char **argv)
{
	static struct mmsghdr msgs[BATCH];
	static struct iovec iovs[BATCH];
	struct sigaction sa = { .sa_handler = on_signal };
	uint32_t info[SK_MEMINFO_VARS] = { 0 };
	socklen_t len = sizeof info;
	unsigned long long received = 0;
	struct rusage u;
	int fd, i;

	if (argc != 2) {
		fprintf(stderr, "usage: recv_discard PORT\n");
		return 64;
	}
	sigaction(SIGTERM, &sa, NULL);	/* no SA_RESTART: it ends recvmmsg */
	sigaction(SIGINT, &sa, NULL);
	fd = open_socket(argv[1]);
	for (i = 0; i < BATCH; i++) {
		iovs[i] = (struct iovec){ slots[i], SLOT };
		msgs[i].msg_hdr.msg_iov = &iovs[i];
		msgs[i].msg_hdr.msg_iovlen = 1;
	}
	while (!stop) {
		int n = recvmmsg(fd, msgs, BATCH, MSG_WAITFORONE, NULL);

		if (n > 0)
			received += (unsigned)n;
		else if (errno != EINTR)
			break;
	}
	getrusage(RUSAGE_SELF, &u);
	getsockopt(fd, SOL_SOCKET, SO_MEMINFO, info, &len);
	printf("received=%llu cpu_us=%lld drops=%u\n", received,
	    (long long)(u.ru_utime.tv_sec + u.ru_stime.tv_sec) * 1000000 +
	    u.ru_utime.tv_usec + u.ru_stime.tv_usec, info[SK_MEMINFO_DROPS]);
	return 0;
}
