/* flood_datagram.c - datagrams at a rate: UDP and Unix.
 *
 * Datagrams leave in bursts, by sendmmsg(2), on an absolute schedule: the end
 * of a burst is not what the next one is timed from.  When the machine took
 * the processor away, what is late leaves at no more than twice the rate, so
 * that the generator's own hiccups do not look like the receiver's losses. */
#include "config.h"

#include <err.h>
#include <errno.h>
#include <netinet/in.h>
#include <netinet/udp.h>
#include <stdlib.h>
#include <string.h>
#include <sys/uio.h>
#include <time.h>
#include <unistd.h>

#include "app/flood.h"

#define BATCH 64u
#define GSO_MAX 60000u
#define TICK_NS UINT64_C(1000000)

struct sender {
	const struct flood_opts *o;
	struct flood_pool *pool;
	struct flood_report *r;
	struct flood_pace pace;
	int *fds;
	unsigned next_fd;
	size_t unit;			/* the next to send */
	uint64_t seq;
	struct mmsghdr msgs[BATCH];
	struct iovec iov[BATCH];
};

static int
open_all(struct sender *s)
{
	struct timeval patience = { .tv_sec = 1 };
	int size = 4 << 20;
	unsigned i;

	s->fds = calloc(s->o->connections, sizeof *s->fds);
	if (s->fds == NULL)
		return -1;
	for (i = 0; i < s->o->connections; i++) {
		s->fds[i] = dial(&s->o->to, 1000);
		if (s->fds[i] == -1) {
			warn("flood: %s", s->o->to.text);
			return -1;
		}
		(void)setsockopt(s->fds[i], SOL_SOCKET, SO_SNDBUF, &size,
		    sizeof size);
		(void)setsockopt(s->fds[i], SOL_SOCKET, SO_SNDTIMEO, &patience,
		    sizeof patience);
	}
	return 0;
}

static void
close_all(struct sender *s)
{
	unsigned i;

	if (s->fds == NULL)
		return;
	for (i = 0; i < s->o->connections; i++)
		if (s->fds[i] > 0)
			close(s->fds[i]);
	free(s->fds);
}

static void
advance(struct sender *s, size_t n)
{
	s->unit = (s->unit + n) % s->pool->nunits;
}

/* The first datagram of the batch could not be sent: count it and go on. */
static void
skip_one(struct sender *s)
{
	uint32_t n = s->pool->units[s->unit].messages;

	s->r->errors += n;
	s->seq += n;
	if (s->r->first_error[0] == '\0')
		snprintf(s->r->first_error, sizeof s->r->first_error, "%s",
		    strerror(errno));
	advance(s, 1);
}

/* The first of n that are of one size, as one message that the kernel cuts. */
static int
send_cut(struct sender *s, size_t n)
{
	union {
		struct cmsghdr head;
		char room[CMSG_SPACE(sizeof(uint16_t))];
	} control = { .head = { .cmsg_level = IPPROTO_UDP,
	    .cmsg_type = UDP_SEGMENT, .cmsg_len = CMSG_LEN(sizeof(uint16_t)) } };
	struct msghdr m = { .msg_iov = s->iov, .msg_control = &control,
	    .msg_controllen = sizeof control.room };
	uint16_t size = (uint16_t)s->iov[0].iov_len;
	size_t same = 1;

	while (same < n && s->iov[same].iov_len == size &&
	    (same + 1) * size <= GSO_MAX)
		same++;
	m.msg_iovlen = same;
	memcpy(CMSG_DATA(&control.head), &size, sizeof size);
	return sendmsg(s->fds[s->next_fd], &m, 0) == -1 ? -1 : (int)same;
}

/* Send up to n datagrams in one call. */
static void
send_batch(struct sender *s, size_t n)
{
	struct flood_pool *p = s->pool;
	size_t i;
	int sent;

	if (n > BATCH)
		n = BATCH;
	if (n > p->nunits - s->unit)
		n = p->nunits - s->unit;
	flood_pool_patch(p, s->unit, n, s->o->first + s->seq);
	for (i = 0; i < n; i++) {
		const struct flood_unit *u = &p->units[s->unit + i];

		s->iov[i].iov_base = p->text + u->at;
		s->iov[i].iov_len = u[1].at - u->at;
	}
	sent = s->o->gso ? send_cut(s, n) :
	    sendmmsg(s->fds[s->next_fd], s->msgs, (unsigned)n, 0);
	s->next_fd = (s->next_fd + 1) % s->o->connections;
	if (sent == -1) {
		if (errno != EINTR)
			skip_one(s);
		return;
	}
	for (i = 0; i < (size_t)sent; i++)
		flood_sent(s->r, p, s->unit + i);
	s->seq += (uint64_t)sent * s->o->per_datagram;
	s->r->datagrams += (uint64_t)sent;
	advance(s, (size_t)sent);
}

/* How many datagrams one call may send: with several sockets the load should
 * be spread over them within a tick. */
static size_t
batch_size(const struct flood_opts *o)
{
	size_t n = BATCH;

	if (o->connections > 1 && o->rate > 0)
		n = (size_t)(o->rate / o->per_datagram / 1000 / o->connections);
	return n < 1 ? 1 : n > BATCH ? BATCH : n;
}

static void
sleep_until(uint64_t ns)
{
	struct timespec ts = {
		.tv_sec = (time_t)(ns / 1000000000u),
		.tv_nsec = (long)(ns % 1000000000u),
	};

	(void)clock_nanosleep(CLOCK_MONOTONIC, TIMER_ABSTIME, &ts, NULL);
}

static void
burst(struct sender *s, uint64_t due, size_t batch)
{
	uint64_t per = s->o->per_datagram, n = (due - s->seq) / per;
	uint64_t usual = 1 + 2 * (uint64_t)(s->o->rate / (double)per *
	    (double)TICK_NS / 1e9);

	if (s->o->rate > 0 && n > usual)
		n = usual;
	flood_pool_stamp(s->pool, s->o);
	while (n > 0 && !flood_stop) {
		uint64_t before = s->seq;

		send_batch(s, n < batch ? (size_t)n : batch);
		n -= (s->seq - before) / per;
		if (s->o->rate <= 0 && flood_now() >= s->pace.end_ns)
			break;
	}
}

static void
run(struct sender *s)
{
	size_t batch = batch_size(s->o);
	uint64_t tick, now = s->pace.start_ns, per = s->o->per_datagram;

	for (tick = now;; tick += TICK_NS) {
		uint64_t due;

		now = flood_now();
		if (flood_pace_over(&s->pace, s->seq + per - 1, now))
			break;
		due = flood_pace_due(&s->pace, now);
		if (due >= s->seq + per)
			burst(s, due, batch);
		now = flood_now();
		if (tick + 100 * TICK_NS < now)
			tick = now;
		/* slow runs wait for the datagram, fast ones for the tick */
		due = flood_pace_time(&s->pace, s->seq + per - 1);
		if (due > tick + TICK_NS)
			tick = due - TICK_NS;
		if (s->pace.end_ns < tick + TICK_NS)
			tick = s->pace.end_ns - TICK_NS;
		sleep_until(tick + TICK_NS);
	}
}

int
flood_datagrams(const struct flood_opts *o, struct flood_pool *p,
    struct flood_report *r)
{
	struct sender s = { .o = o, .pool = p, .r = r };
	unsigned i;

	if (open_all(&s) == -1) {
		close_all(&s);
		return -1;
	}
	for (i = 0; i < BATCH; i++) {
		s.msgs[i].msg_hdr.msg_iov = &s.iov[i];
		s.msgs[i].msg_hdr.msg_iovlen = 1;
	}
	flood_pace_start(&s.pace, o);
	r->start_ns = s.pace.start_ns;
	run(&s);
	r->end_ns = flood_now();
	close_all(&s);
	return 0;
}
