/* flood.h - the parts of `millrace flood`, the load generator.
 *
 * A pool of messages is rendered once, from a seed; senders walk it round and
 * round on an absolute schedule and patch in what must differ (a sequence
 * number, the time).  So a run costs the generator little, can be repeated
 * exactly, and its totals can be computed rather than observed. */
#ifndef MILLRACE_APP_FLOOD_H
#define MILLRACE_APP_FLOOD_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>

#include "app/dial.h"

enum flood_proto { FLOOD_STATSD, FLOOD_GRAPHITE, FLOOD_SYSLOG, FLOOD_EVENTS };
enum flood_kind { FLOOD_C, FLOOD_MS, FLOOD_G, FLOOD_S, FLOOD_H, FLOOD_KINDS };

struct flood_opts {
	enum flood_proto proto;
	struct dial_addr to;
	double rate;			/* messages/s; 0: as fast as it goes */
	uint64_t count;			/* messages; UINT64_MAX: until the time is over */
	uint64_t limit_ns;		/* UINT64_MAX: until the count is reached */
	unsigned names;			/* different metrics, host/app pairs, streams */
	unsigned mix[FLOOD_KINDS];	/* shares of the names */
	double sample_rate;		/* 1: none */
	unsigned per_datagram, connections, window;
	bool gso;		/* UDP: many of one size in one send */
	size_t size;			/* bytes of a message; 0: as short as it is */
	uint64_t seed, first;		/* first: sequence number of message 0 */
	bool octets, rfc3164;
	bool idmp, reconnect;
	const char *prefix;		/* of names; stream name; pid */
	const char *pid, *acks, *expect;
	int wait_ms;			/* for the last answers */
	const char *admin;		/* host:port of the daemon's page, or NULL */
};

/* One datagram, or one message of a stream. */
struct flood_unit {
	size_t at;			/* in flood_pool.text */
	uint32_t messages, counters;
	uint64_t total;			/* of the counters' values */
};

struct flood_patch {
	size_t seq;			/* where ten digits go */
	size_t time;			/* where pool.stamp goes */
};

struct flood_pool {
	char *text;
	size_t len;
	struct flood_unit *units;	/* nunits + 1: the last one marks the end */
	size_t nunits;
	struct flood_patch *patches;	/* one per message, NULL: nothing to patch */
	uint32_t *first_message;	/* of each unit, with patches */
	char stamp[64];
	size_t stamp_len;
	uint64_t stamped_ns;		/* real time in stamp */
	uint64_t *sent;			/* how often each unit was sent, or NULL */
};

/* Render the pool for o; out of memory ends the program. */
void flood_pool_make(struct flood_pool *p, const struct flood_opts *o);
void flood_pool_free(struct flood_pool *p);
/* Bring the time of day up to date (cheap; call once per burst). */
void flood_pool_stamp(struct flood_pool *p, const struct flood_opts *o);
/* Write sequence numbers from seq on and the time into units [u, u+n). */
void flood_pool_patch(struct flood_pool *p, size_t u, size_t n, uint64_t seq);
/* Put ten digits at dst. */
void flood_digits(char *dst, uint64_t v);

/* Latencies, in buckets of 1/64 of an octave. */
#define FLOOD_HIST_SIZE (64 * 58)
struct flood_hist {
	uint64_t n, max, count[FLOOD_HIST_SIZE];
};
void flood_hist_add(struct flood_hist *h, uint64_t ns);
/* The value below which the share q (0..1) of them lies, in ns. */
uint64_t flood_hist_at(const struct flood_hist *h, double q);

struct flood_report {
	uint64_t sent, bytes, datagrams, errors;
	uint64_t acked, refused, unanswered, resent, reconnects;
	uint64_t counters;		/* of the messages sent: how many counters */
	uint64_t total;			/* and the sum of their values */
	uint64_t start_ns, end_ns;	/* of sending */
	uint64_t last_ack_ns;
	char first_error[160];
	struct flood_hist latency;
};

/* A daemon's books of one door. */
#define FLOOD_REASONS 32
struct flood_books {
	bool known;
	uint64_t received, delivered, queued;
	size_t nreasons;
	struct {
		char name[24];
		uint64_t n;
	} reason[FLOOD_REASONS];
	char error[256];
};
/* Ask o->admin; false: it does not answer, error says why. */
bool flood_books_read(const struct flood_opts *o, struct flood_books *b);
/* *b holds the books before, and then what was added since, once all that was
 * sent is in them, or after o->wait_ms; queued is what is queued now. */
bool flood_books_settle(const struct flood_opts *o, uint64_t sent, struct flood_books *b);
/* Sent, and neither delivered nor queued. */
uint64_t flood_books_lost(const struct flood_books *b, uint64_t sent);
void flood_books_text(const struct flood_books *b, uint64_t sent);
void flood_books_json(const struct flood_books *b, uint64_t sent);

/* Account for unit u as sent. */
void flood_sent(struct flood_report *r, struct flood_pool *p, size_t u);

/* The schedule: message i is due at start + i/rate, whatever came before; the
 * first one, 0, at once. */
struct flood_pace {
	uint64_t start_ns;
	double per_ns;			/* messages; 0: always due */
	uint64_t count, end_ns;
};
void flood_pace_start(struct flood_pace *p, const struct flood_opts *o);
/* How many messages should be out by now, at most the count. */
uint64_t flood_pace_due(const struct flood_pace *p, uint64_t now_ns);
/* When message i is due. */
uint64_t flood_pace_time(const struct flood_pace *p, uint64_t i);
bool flood_pace_over(const struct flood_pace *p, uint64_t sent, uint64_t now_ns);
uint64_t flood_now(void);
/* Set by SIGINT and SIGTERM: stop sending, report what there is. */
extern volatile int flood_stop;

/* The senders: 0, or -1 after a message on standard error. */
int flood_datagrams(const struct flood_opts *o, struct flood_pool *p,
    struct flood_report *r);
int flood_stream(const struct flood_opts *o, struct flood_pool *p,
    struct flood_report *r);
int flood_acked(const struct flood_opts *o, struct flood_pool *p,
    struct flood_report *r);

#endif
