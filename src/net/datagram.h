/* datagram.h - read datagrams in batches, cheaply.
 *
 * A quiet socket is read at once.  Under load the reader lets datagrams gather
 * for 0.2 to 1 ms (1 ms with a receive buffer of 8 MiB as the kernel counts it),
 * because one recvmmsg of thirty costs little more than one of three, and waking
 * up costs more than ten datagrams. */
#ifndef MILLRACE_NET_DATAGRAM_H
#define MILLRACE_NET_DATAGRAM_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/slice.h"

struct addr;
struct datagrams;
struct ev_loop;

struct datagram_ops {
	/* One datagram, borrowed until burst() returns, or this does if there is
	 * none.  peer is NULL unless
	 * want_peer is set.  truncated: it was longer than max_packet; packet
	 * is its beginning.  Must not free the reader; may pause it, which
	 * takes effect after the burst. */
	void (*packet)(void *ctx, struct slice packet, const struct addr *peer,
	    bool truncated);
	/* After each recvmmsg that brought something; may be NULL. */
	void (*burst)(void *ctx);
	bool want_peer;
};

/* Read fd (UDP or Unix datagrams), which it takes.  max_packet: 65536 at most,
 * more counts as that.  ops and ctx are borrowed.
 * NULL with errno on failure: then fd is still the caller's. */
struct datagrams *datagrams_new(struct ev_loop *loop, int fd,
    size_t max_packet, const struct datagram_ops *ops, void *ctx);
/* Closes the socket. */
void datagrams_free(struct datagrams *d);

void datagrams_pause(struct datagrams *d);
void datagrams_resume(struct datagrams *d);
/* Read until the socket is empty, at most max_rounds rounds, paused or not;
 * returns how many datagrams that were.  For the end. */
size_t datagrams_drain(struct datagrams *d, size_t max_rounds);

int datagrams_fd(const struct datagrams *d);
/* All since the start. */
uint64_t datagrams_received(const struct datagrams *d);
uint64_t datagrams_truncated(const struct datagrams *d);
/* What the kernel threw away for want of room (or a bad checksum).  Asks the
 * kernel, so it is exact also when nothing more arrives; its counter has 32 bits,
 * so ask at least once an hour. */
uint64_t datagrams_kernel_drops(struct datagrams *d);

#endif
