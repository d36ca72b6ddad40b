/* shadow.h - the parts of `millrace shadow`: sockets that relays send to, and
 * the lines that came there from one and not from the other. */
#ifndef MILLRACE_APP_SHADOW_H
#define MILLRACE_APP_SHADOW_H

#include <stdbool.h>
#include <stdint.h>

#include "app/dial.h"
#include "base/buf.h"
#include "base/map.h"
#include "base/regex.h"

#define SHADOW_MAX_SINKS 512
#define SHADOW_MAX_CONNS 1024

/* Whose line it is. */
enum shadow_side { SHADOW_THEIRS, SHADOW_OURS, SHADOW_SIDES };

/* What both sides sent so far: for each line that one side sent more often, how
 * many more.  Bounded: past the most that are kept, lines are not compared. */
struct shadow_diff {
	struct map *lines;
	struct buf key;
	struct regex *ignore;		/* names that are not compared, or NULL */
	uint64_t seen[SHADOW_SIDES], ignored, missed;
};

bool shadow_diff_init(struct shadow_diff *d, size_t max);
void shadow_diff_fini(struct shadow_diff *d);
/* sink: where it came to, as the user calls it; line without its end. */
void shadow_diff_add(struct shadow_diff *d, enum shadow_side side,
    const char *sink, struct slice line);
/* Told of each difference: line came n times more often from that side. */
typedef void shadow_told(void *ctx, enum shadow_side side, const char *sink,
    struct slice line, uint64_t n);
void shadow_diff_each(const struct shadow_diff *d, shadow_told *told, void *ctx);

/* A place that a relay sends to. */
struct shadow_sink {
	char name[300];			/* "10.0.0.1:2003" */
	enum shadow_side side;
	bool udp;
	int fd;
};

/* A connection that lines come over: from a relay to a sink, or to --listen. */
struct shadow_conn {
	int fd;
	struct shadow_sink *sink;	/* NULL: lines to be fed */
	struct buf in;
};

/* A relay that is fed. */
struct shadow_relay {
	struct dial_addr to;
	int fd;				/* -1: not there */
	struct buf out;
};

struct shadow {
	struct shadow_diff diff;
	struct shadow_sink sinks[SHADOW_MAX_SINKS];
	size_t nsinks;
	struct shadow_conn conns[SHADOW_MAX_CONNS];
	size_t nconns;
	struct shadow_relay relays[SHADOW_SIDES];
	bool fed[SHADOW_SIDES];		/* which of them there are */
	int listen;			/* -1: standard input */
	uint64_t lines;			/* fed so far */
	int settle_ms;
	volatile int *stop;		/* set by a signal */
	/* Told of each line that is fed; NULL: nobody wants to know. */
	void (*line)(void *ctx, struct slice line);
	void *ctx;
};

/* Listen on an address ("host", port) for what a side sends there.  False with
 * errno; an address that is open already is that one. */
bool shadow_listen(struct shadow *s, enum shadow_side side, const char *name,
    const char *host, uint16_t port, bool udp);
/* Feed until the input ends or *stop, then wait for quiet.  False: a relay
 * could not be fed; why says it. */
bool shadow_run(struct shadow *s, char *why, size_t whylen);
void shadow_close(struct shadow *s);

#endif
