/* read.h - what the files of `millrace read` share. */
#ifndef MILLRACE_APP_READ_H
#define MILLRACE_APP_READ_H

#include <signal.h>
#include <stdbool.h>
#include <stdint.h>

#include "base/buf.h"
#include "record/record.h"
#include "sink/shipper_url.h"

struct read_opts {
	const char *stream, *group, *consumer, *exec, *dead, *journal, *from;
	struct ship_url redis;
	bool has_redis, block, check;
	uint64_t count;			/* 0: no limit */
	unsigned max_tries;
	unsigned claim_ms;		/* idle so long: another's may be taken */
	unsigned timeout_ms;		/* of a handler */
	unsigned batch;
};

struct read_counts {
	uint64_t taken;			/* handed over with success */
	uint64_t retried;		/* handed over again */
	uint64_t claimed;		/* from consumers that are gone */
	uint64_t doubled;		/* known already, passed over */
	uint64_t dead;			/* given up */
	uint64_t gone;			/* pending, and trimmed meanwhile */
	uint64_t gaps;			/* sequences missing */
};

/* A signal asked to end. */
extern volatile sig_atomic_t read_stop;

/* Hand an event over: to the command, else as JSON to standard output (to be
 * flushed).  False: it failed, and why. */
bool read_deliver(const struct read_opts *o, const struct event_record *ev,
    uint64_t ms, uint64_t seq, unsigned tries, char *why, size_t size);
/* Sleep, unless a signal comes. */
void read_pause(unsigned ms);

/* Both give an exit status. */
int read_from_redis(const struct read_opts *o, struct read_counts *n);
int read_from_journal(const struct read_opts *o, struct read_counts *n);

#endif
