/* recv_bench - what net/datagram costs, and something to feed it with.
 *
 * recv_bench read PORT
 *	read with struct datagrams and a packet() that does nothing; on SIGTERM
 *	prints what recv_discard prints
 * recv_bench send PORT RATE SECONDS SIZE [JOIN]
 *	send RATE datagrams a second of SIZE bytes, one send() each as they fall
 *	due; with JOIN, so many in one send() by UDP_SEGMENT.  Prints sent=N. */
#include "config.h"

#include <ev.h>
#include <netinet/udp.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <time.h>
#include <unistd.h>

#include "base/clock.h"
#include "net/addr.h"
#include "net/datagram.h"
#include "net/listen.h"

#ifndef UDP_SEGMENT
#define UDP_SEGMENT 103
#endif

static uint64_t bytes, bursts;

static void
packet(void *ctx, struct slice p, const struct addr *peer, bool truncated)
{
	(void)ctx;
	(void)peer;
	(void)truncated;
	bytes += p.len;
}

static void
burst(void *ctx)
{
	(void)ctx;
	bursts++;
}

static void
on_signal(struct ev_loop *loop, ev_signal *w, int revents)
{
	(void)w;
	(void)revents;
	ev_break(loop, EVBREAK_ALL);
}

static int
run_read(uint16_t port)
{
	static const struct datagram_ops ops = { .packet = packet, .burst = burst };
	struct ev_loop *loop = ev_default_loop(0);
	int fd = listen_udp("127.0.0.1", port, false, 4 << 20);
	struct datagrams *d;
	ev_signal term;
	struct rusage u;

	if (fd == -1 || (d = datagrams_new(loop, fd, 65536, &ops, NULL)) == NULL) {
		perror("listen");
		return 1;
	}
	ev_signal_init(&term, on_signal, SIGTERM);
	ev_signal_start(loop, &term);
	ev_run(loop, 0);
	getrusage(RUSAGE_SELF, &u);
	printf("received=%llu cpu_us=%lld drops=%llu bursts=%llu bytes=%llu\n",
	    (unsigned long long)datagrams_received(d),
	    (long long)(u.ru_utime.tv_sec + u.ru_stime.tv_sec) * 1000000 +
	    u.ru_utime.tv_usec + u.ru_stime.tv_usec,
	    (unsigned long long)datagrams_kernel_drops(d),
	    (unsigned long long)bursts, (unsigned long long)bytes);
	datagrams_free(d);
	ev_loop_destroy(loop);
	return 0;
}

static int
run_send(uint16_t port, double rate, double seconds, int size, int join)
{
	static char payload[65536];
	struct addr to;
	struct timespec nap = { 0, 20000 };
	uint64_t sent = 0, due, end = (uint64_t)(rate * seconds);
	int64_t start = clock_mono_ns();
	int fd = socket(AF_INET, SOCK_DGRAM, 0);

	if (size < 1 || join < 1 || size * join > 65000)
		return 64;
	memset(payload, 'x', sizeof payload);
	prctl(PR_SET_TIMERSLACK, 1000UL, 0UL, 0UL, 0UL);
	if (!addr_numeric("127.0.0.1", port, &to) || fd == -1 ||
	    connect(fd, &to.u.sa, to.len) == -1 || (join > 1 && setsockopt(fd,
	    SOL_UDP, UDP_SEGMENT, &size, sizeof size) == -1)) {
		perror("connect");
		return 1;
	}
	while (sent < end) {
		due = (uint64_t)(rate * (double)(clock_mono_ns() - start) / 1e9);
		for (; sent < due && sent < end; sent += (uint64_t)join)
			if (send(fd, payload, (size_t)(size * join), 0) == -1)
				break;
		nanosleep(&nap, NULL);
	}
	printf("sent=%llu\n", (unsigned long long)sent);
	close(fd);
	return 0;
}

int
main(int argc, char **argv)
{
	if (argc == 3 && strcmp(argv[1], "read") == 0)
		return run_read((uint16_t)atoi(argv[2]));
	if (argc >= 6 && strcmp(argv[1], "send") == 0)
		return run_send((uint16_t)atoi(argv[2]), atof(argv[3]),
		    atof(argv[4]), atoi(argv[5]), argc > 6 ? atoi(argv[6]) : 1);
	fprintf(stderr, "usage: recv_bench read PORT | "
	    "send PORT RATE SECONDS SIZE [JOIN]\n");
	return 64;
}
