/* datagram.c - read datagrams in batches.
 *
 * Two ways to wait.  While little comes, the loop watches the socket and what
 * arrives is read at once.  When two reads follow each other closely, the socket
 * is no longer watched and a timer says when to read next, so that each recvmmsg
 * finds many: waking up costs about as much as ten datagrams.  After a few reads
 * that brought next to nothing the socket is watched again.  libev's own timers
 * are too coarse, hence a timerfd.
 *
 * How long datagrams may gather follows from the room they have to wait in and
 * from how many came: see longest_gather() and adapt().  Long is good: what a
 * burst needs is fetched into the caches once for all of it.
 *
 * All slots of a batch are one mapping, of which only what datagrams fill is
 * ever backed by memory.
 *
 * UDP_GRO is left off on purpose.  It makes datagrams that were sent joined
 * (UDP_SEGMENT) five times cheaper, but the kernel then counts the loss of a
 * joined one as one, and what is lost must be known to the last datagram. */
#include "config.h"

#include <errno.h>
#include <ev.h>
#include <linux/sock_diag.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/socket.h>
#include <sys/timerfd.h>
#include <unistd.h>

#include "base/log.h"
#include "net/addr.h"
#include "net/datagram.h"
#include "net/listen.h"

#define BATCH 64		/* datagrams a recvmmsg */
#define ROUNDS 16		/* of recvmmsg before others have their turn */
#define GATHER_MIN_NS 200000
#define GATHER_FIRST_NS 1000000
#define GATHER_MAX_NS 10000000
#define THIN_READS 4		/* until the socket is watched again */
#define SLOT 65536		/* holds any UDP datagram */
/* Slots do not begin on the same lines of the cache. */
#define STRIDE (SLOT + 320)

struct datagrams {
	struct ev_loop *loop;
	const struct datagram_ops *ops;
	void *ctx;
	ev_io io;		/* the socket */
	ev_io timer;		/* the timerfd */
	ev_tstamp last_read;
	unsigned thin_reads;
	bool gathering, paused;
	long gather_ns, longest_ns;
	size_t plenty;		/* gathered at once: then read sooner */
	size_t max_packet;
	uint64_t received, truncated, kernel_drops;
	uint32_t last_drops;	/* the kernel's counter has 32 bits */
	char *slots;		/* BATCH of STRIDE bytes, mapped */
	struct addr *peers;	/* BATCH, or NULL */
	struct mmsghdr msgs[BATCH];
	struct iovec iovs[BATCH];
};

static void
arm(struct datagrams *d, long ns)
{
	struct itimerspec when = { .it_value.tv_nsec = ns };

	/* also takes back an expiry that was not read */
	timerfd_settime(d->timer.fd, 0, &when, NULL);
}

static void
watch(struct datagrams *d)
{
	if (d->gathering) {
		ev_io_stop(d->loop, &d->timer);
		arm(d, 0);
		d->gathering = false;
	}
	ev_io_start(d->loop, &d->io);
}

static void
gather(struct datagrams *d)
{
	if (d->gathering)
		return;
	d->gathering = true;
	d->thin_reads = 0;
	ev_io_stop(d->loop, &d->io);
	ev_io_start(d->loop, &d->timer);
}

/* Hand out message i and make it ready to be filled again. */
static void
take_message(struct datagrams *d, size_t i)
{
	struct mmsghdr *m = &d->msgs[i];
	struct slice packet = slice_of(d->iovs[i].iov_base, m->msg_len);
	bool truncated = (m->msg_hdr.msg_flags & MSG_TRUNC) != 0;
	struct addr *peer = NULL;

	if (d->peers != NULL) {
		peer = &d->peers[i];
		peer->len = m->msg_hdr.msg_namelen;
		m->msg_hdr.msg_namelen = sizeof peer->u;
	}
	if (packet.len > d->max_packet) {
		packet.len = d->max_packet;
		truncated = true;
	}
	d->received++;
	d->truncated += truncated;
	d->ops->packet(d->ctx, packet, peer, truncated);
}

/* One recvmmsg; how many messages it brought. */
static size_t
read_round(struct datagrams *d)
{
	int i, n;

	do
		n = recvmmsg(d->io.fd, d->msgs, BATCH, MSG_DONTWAIT, NULL);
	while (n == -1 && errno == EINTR);
	if (n == -1 && errno != EAGAIN)
		LOG_LIMITED(LOG_AT_WARN, 60, "reading datagrams: %s",
		    strerror(errno));
	if (n <= 0)
		return 0;
	for (i = 0; i < n; i++)
		take_message(d, (size_t)i);
	if (d->ops->burst != NULL)
		d->ops->burst(d->ctx);
	return (size_t)n;
}

/* Read until it is empty, but not for too long.  *more: it was not empty.
 * Returns how many messages that were. */
static size_t
read_some(struct datagrams *d, size_t rounds, bool *more)
{
	size_t n = BATCH, total = 0;

	for (; rounds > 0 && n == BATCH && !d->paused; rounds--) {
		n = read_round(d);
		total += n;
	}
	*more = n == BATCH;
	return total;
}

static void
on_readable(struct ev_loop *loop, ev_io *w, int revents)
{
	struct datagrams *d = w->data;
	ev_tstamp now = ev_now(loop);
	bool more;

	(void)revents;
	read_some(d, ROUNDS, &more);
	if (d->paused)
		return;
	if (!more && now - d->last_read < (double)d->gather_ns / 4e9) {
		gather(d);
		arm(d, d->gather_ns);
	}
	d->last_read = now;
}

/* The next gathering is shorter after one that brought much, and longer after
 * one that brought little. */
static void
adapt(struct datagrams *d, size_t n, bool more)
{
	if (more || n > d->plenty)
		d->gather_ns /= 2;
	else if (n < d->plenty / 2)
		d->gather_ns += d->gather_ns / 4;
	if (d->gather_ns < GATHER_MIN_NS)
		d->gather_ns = GATHER_MIN_NS;
	if (d->gather_ns > d->longest_ns)
		d->gather_ns = d->longest_ns;
}

static void
on_timer(struct ev_loop *loop, ev_io *w, int revents)
{
	struct datagrams *d = w->data;
	bool more;
	size_t n = read_some(d, ROUNDS, &more);

	(void)loop;
	(void)revents;
	if (d->paused)
		return;
	adapt(d, n, more);
	d->thin_reads = n <= 1 ? d->thin_reads + 1 : 0;
	if (d->thin_reads >= THIN_READS)
		watch(d);
	else
		arm(d, more ? 1 : d->gather_ns);
}

static void
lay_out(struct datagrams *d)
{
	size_t i;

	for (i = 0; i < BATCH; i++) {
		struct msghdr *h = &d->msgs[i].msg_hdr;

		d->iovs[i].iov_base = d->slots + i * STRIDE;
		d->iovs[i].iov_len = SLOT;
		h->msg_iov = &d->iovs[i];
		h->msg_iovlen = 1;
		if (d->peers != NULL) {
			h->msg_name = &d->peers[i].u;
			h->msg_namelen = sizeof d->peers[i].u;
		}
	}
}

/* Three nanoseconds for every 5 bytes of receive buffer.  The buffer would have
 * to fill at 1.7 GB/s to overflow meanwhile: with 1.3 million datagrams a second
 * of the smallest kind, which take 1,280 bytes of it each, out of nothing: when
 * they come for longer, adapt() has made it shorter. */
static long
longest_gather(size_t rcvbuf)
{
	size_t ns = rcvbuf / 5 * 3;

	return ns < GATHER_MIN_NS ? GATHER_MIN_NS :
	    ns > GATHER_MAX_NS ? GATHER_MAX_NS : (long)ns;
}

/* Plenty is about a sixteenth of what the buffer holds. */
static void
set_pace(struct datagrams *d, size_t rcvbuf)
{
	d->longest_ns = longest_gather(rcvbuf);
	d->gather_ns = d->longest_ns < GATHER_FIRST_NS ? d->longest_ns :
	    GATHER_FIRST_NS;
	d->plenty = rcvbuf / (16 * 2048);
}

static bool
get_memory(struct datagrams *d)
{
	d->slots = mmap(NULL, BATCH * STRIDE, PROT_READ | PROT_WRITE,
	    MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE, -1, 0);
	if (d->slots == MAP_FAILED)
		return false;
	madvise(d->slots, BATCH * STRIDE, MADV_NOHUGEPAGE);
	if (!d->ops->want_peer)
		return true;
	d->peers = calloc(BATCH, sizeof *d->peers);
	return d->peers != NULL;
}

static void
free_memory(struct datagrams *d)
{
	if (d->slots != MAP_FAILED)
		munmap(d->slots, BATCH * STRIDE);
	free(d->peers);
	free(d);
}

struct datagrams *
datagrams_new(struct ev_loop *loop, int fd, size_t max_packet,
    const struct datagram_ops *ops, void *ctx)
{
	struct datagrams *d = calloc(1, sizeof *d);
	int timer;

	if (d == NULL)
		return NULL;
	d->loop = loop;
	d->ops = ops;
	d->ctx = ctx;
	d->max_packet = max_packet;
	timer = timerfd_create(CLOCK_MONOTONIC, TFD_NONBLOCK | TFD_CLOEXEC);
	if (timer == -1 || !get_memory(d)) {
		int saved = errno;

		if (timer != -1)
			close(timer);
		free_memory(d);
		errno = saved;
		return NULL;
	}
	set_pace(d, listen_rcvbuf(fd));
	lay_out(d);
	ev_io_init(&d->io, on_readable, fd, EV_READ);
	ev_io_init(&d->timer, on_timer, timer, EV_READ);
	d->io.data = d->timer.data = d;
	ev_io_start(loop, &d->io);
	return d;
}

void
datagrams_free(struct datagrams *d)
{
	if (d == NULL)
		return;
	ev_io_stop(d->loop, &d->io);
	ev_io_stop(d->loop, &d->timer);
	close(d->timer.fd);
	close(d->io.fd);
	free_memory(d);
}

void
datagrams_pause(struct datagrams *d)
{
	if (d->paused)
		return;
	watch(d);
	ev_io_stop(d->loop, &d->io);
	d->paused = true;
}

void
datagrams_resume(struct datagrams *d)
{
	if (!d->paused)
		return;
	d->paused = false;
	ev_io_start(d->loop, &d->io);
}

size_t
datagrams_drain(struct datagrams *d, size_t max_rounds)
{
	uint64_t before = d->received;

	while (max_rounds-- > 0 && read_round(d) > 0)
		;
	return (size_t)(d->received - before);
}

int
datagrams_fd(const struct datagrams *d)
{
	return d->io.fd;
}

uint64_t
datagrams_received(const struct datagrams *d)
{
	return d->received;
}

uint64_t
datagrams_truncated(const struct datagrams *d)
{
	return d->truncated;
}

uint64_t
datagrams_kernel_drops(struct datagrams *d)
{
	uint32_t info[SK_MEMINFO_VARS] = { 0 };
	socklen_t len = sizeof info;

	if (getsockopt(d->io.fd, SOL_SOCKET, SO_MEMINFO, info, &len) == 0 &&
	    len > SK_MEMINFO_DROPS * sizeof *info) {
		d->kernel_drops += info[SK_MEMINFO_DROPS] - d->last_drops;
		d->last_drops = info[SK_MEMINFO_DROPS];
	}
	return d->kernel_drops;
}
