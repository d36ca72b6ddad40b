/* Datagrams on loopback: all arrive in order, none is lost unseen. */
#include "config.h"

#include <check.h>
#include <ev.h>
#include <netinet/udp.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "net/addr.h"
#include "net/datagram.h"
#include "net/listen.h"

#ifndef UDP_SEGMENT
#define UDP_SEGMENT 103
#endif

static struct ev_loop *loop;
static struct datagrams *d;
static int out;			/* the sender's socket */
static uint16_t out_port;
static unsigned packets, bursts, pause_at, stop_at;
static uint32_t next_seq;
static size_t last_len;
static bool last_truncated, ordered;
static char last_peer[ADDR_TEXT];

static void
packet(void *ctx, struct slice p, const struct addr *peer, bool truncated)
{
	uint32_t seq;

	ck_assert_ptr_eq(ctx, &packets);
	packets++;
	last_len = p.len;
	last_truncated = truncated;
	if (peer != NULL)
		addr_text(peer, last_peer);
	if (ordered) {
		memcpy(&seq, p.ptr, sizeof seq);
		ck_assert_uint_eq(seq, next_seq++);
	}
	if (packets == pause_at)
		datagrams_pause(d);
	if (packets == stop_at)
		ev_break(loop, EVBREAK_ALL);
}

static void
burst(void *ctx)
{
	ck_assert_ptr_eq(ctx, &packets);
	bursts++;
}

static const struct datagram_ops plain = { .packet = packet, .burst = burst };
static const struct datagram_ops named = { .packet = packet, .want_peer = true };

static void
timed_out(struct ev_loop *l, ev_timer *w, int revents)
{
	*(bool *)w->data = true;
	ev_break(l, EVBREAK_ALL);
}

/* Run until so many packets have come in all; false: after a while less had. */
static bool
run_until(unsigned n, double seconds)
{
	ev_timer timer;
	bool late = false;

	stop_at = n;
	ev_timer_init(&timer, timed_out, seconds, 0);
	timer.data = &late;
	ev_timer_start(loop, &timer);
	if (packets < n)
		ev_run(loop, 0);
	ev_timer_stop(loop, &timer);
	return !late;
}

static void
start(const struct datagram_ops *ops, size_t max_packet, size_t rcvbuf)
{
	int fd = listen_udp("127.0.0.1", 0, false, rcvbuf);
	struct addr a;

	loop = ev_loop_new(0);
	d = datagrams_new(loop, fd, max_packet, ops, &packets);
	ck_assert_ptr_nonnull(d);
	ck_assert_int_eq(datagrams_fd(d), fd);
	out = socket(AF_INET, SOCK_DGRAM, 0);
	ck_assert(addr_numeric("127.0.0.1", listen_port(fd), &a));
	ck_assert_int_eq(connect(out, &a.u.sa, a.len), 0);
	out_port = listen_port(out);
}

static void
finish(void)
{
	close(out);
	datagrams_free(d);
	ev_loop_destroy(loop);
}

static void
send_n(unsigned from, unsigned n, size_t len)
{
	static char bytes[70000];

	for (unsigned i = from; i < from + n; i++) {
		memcpy(bytes, &i, sizeof i);
		ck_assert_int_eq(send(out, bytes, len, 0), (ssize_t)len);
	}
}

START_TEST(in_order)
{
	unsigned sent = 0;

	ordered = true;
	start(&plain, 65535, 1 << 20);
	/* some alone, so that the socket is watched; some in heaps, so that they
	 * gather; and back */
	for (int round = 0; round < 200; round++) {
		unsigned n = round % 20 < 10 ? 1 : 100;

		send_n(sent, n, 40);
		sent += n;
		ck_assert(run_until(sent, 5));
	}
	ck_assert_uint_eq(datagrams_received(d), sent);
	ck_assert_uint_eq(datagrams_truncated(d), 0);
	ck_assert_uint_eq(datagrams_kernel_drops(d), 0);
	ck_assert_uint_gt(bursts, 0);
	ck_assert_uint_lt(bursts, sent / 4);
	ck_assert_str_eq(last_peer, "");
	/* silence, and then one more is seen at once */
	ck_assert(!run_until(sent + 1, 0.05));
	send_n(sent, 1, 40);
	ck_assert(run_until(sent + 1, 5));
	finish();
}
END_TEST

START_TEST(sizes)
{
	char want[32];

	start(&named, 1000, 1 << 20);
	snprintf(want, sizeof want, "127.0.0.1:%u", out_port);
	send_n(0, 1, 1000);
	ck_assert(run_until(1, 5));
	ck_assert_uint_eq(last_len, 1000);
	ck_assert(!last_truncated);
	ck_assert_str_eq(last_peer, want);
	send_n(0, 1, 1001);
	ck_assert(run_until(2, 5));
	ck_assert_uint_eq(last_len, 1000);
	ck_assert(last_truncated);
	ck_assert_uint_eq(datagrams_truncated(d), 1);
	ck_assert_int_eq(send(out, "", 0, 0), 0);
	ck_assert(run_until(3, 5));
	ck_assert_uint_eq(last_len, 0);
	ck_assert(!last_truncated);
	send_n(0, 1, 65507);
	ck_assert(run_until(4, 5));
	ck_assert_uint_eq(last_len, 1000);
	ck_assert(last_truncated);
	finish();
	packets = 0;
	start(&plain, 65535, 1 << 20);
	send_n(0, 1, 65507);
	ck_assert(run_until(1, 5));
	ck_assert_uint_eq(last_len, 65507);
	ck_assert(!last_truncated);
	finish();
}
END_TEST

START_TEST(pausing)
{
	start(&plain, 65535, 1 << 20);
	pause_at = 10;
	send_n(0, 200, 40);
	ck_assert(!run_until(200, 0.05));
	/* what was read with the tenth was given too, and no more */
	ck_assert_uint_ge(packets, 10);
	ck_assert_uint_le(packets, 10 + 64);
	pause_at = 0;
	datagrams_resume(d);
	datagrams_resume(d);
	ck_assert(run_until(200, 5));
	/* paused before anything comes, and while it gathers */
	datagrams_pause(d);
	datagrams_pause(d);
	send_n(0, 10, 40);
	ck_assert(!run_until(210, 0.05));
	datagrams_resume(d);
	ck_assert(run_until(210, 5));
	finish();
}
END_TEST

START_TEST(draining)
{
	start(&plain, 65535, 1 << 20);
	datagrams_pause(d);
	send_n(0, 300, 40);
	ck_assert_uint_eq(datagrams_drain(d, 2), 128);
	ck_assert_uint_eq(datagrams_drain(d, 100), 172);
	ck_assert_uint_eq(datagrams_drain(d, 100), 0);
	ck_assert_uint_eq(packets, 300);
	finish();
}
END_TEST

START_TEST(drops)
{
	static char joined[32 * 30];
	int size = 30;
	uint64_t sent = 5000;

	start(&plain, 65535, 4096);
	send_n(0, 5000, 40);
	ck_assert_uint_gt(datagrams_kernel_drops(d), 0);
	datagrams_drain(d, 1000);
	ck_assert_uint_eq(sent, packets + datagrams_kernel_drops(d));
	/* the same when the sender joins them */
	if (setsockopt(out, IPPROTO_UDP, UDP_SEGMENT, &size, sizeof size) == 0) {
		for (int i = 0; i < 200; i++)
			if (send(out, joined, sizeof joined, 0) > 0)
				sent += 32;
		datagrams_drain(d, 1000);
		ck_assert_uint_eq(sent, packets + datagrams_kernel_drops(d));
	}
	finish();
}
END_TEST

START_TEST(unix_datagrams)
{
	char dir[] = "/tmp/millrace-dgram-XXXXXX", path[64];
	struct addr a;
	int fd;

	ck_assert_ptr_nonnull(mkdtemp(dir));
	snprintf(path, sizeof path, "%s/s", dir);
	fd = listen_unixgram(path, 0, 0);
	loop = ev_loop_new(0);
	d = datagrams_new(loop, fd, 65536, &named, &packets);
	out = socket(AF_UNIX, SOCK_DGRAM, 0);
	ck_assert(addr_unix(path, &a));
	ck_assert_int_eq(connect(out, &a.u.sa, a.len), 0);
	send_n(0, 3, 40);
	ck_assert(run_until(3, 5));
	ck_assert_str_eq(last_peer, "unix");
	send_n(0, 1, 66000);	/* longer than a slot */
	ck_assert(run_until(4, 5));
	ck_assert(last_truncated);
	ck_assert_uint_eq(last_len, 65536);
	ck_assert_uint_eq(datagrams_kernel_drops(d), 0);
	listen_unlink(fd);
	finish();
	ck_assert_int_eq(rmdir(dir), 0);
}
END_TEST

int
main(void)
{
	Suite *s = suite_create("datagram");
	TCase *t = tcase_create("datagram");
	SRunner *r;
	int failed;

	tcase_set_timeout(t, 60);
	tcase_add_test(t, in_order);
	tcase_add_test(t, sizes);
	tcase_add_test(t, pausing);
	tcase_add_test(t, draining);
	tcase_add_test(t, drops);
	tcase_add_test(t, unix_datagrams);
	suite_add_tcase(s, t);
	r = srunner_create(s);
	srunner_run_all(r, CK_NORMAL);
	failed = srunner_ntests_failed(r);
	srunner_free(r);
	return failed != 0;
}
