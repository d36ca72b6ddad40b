/* shipper.h - bring durable events from the journal to Redis streams.
 *
 * One shipper per section of streams, on the loop of the events thread.  It
 * reads the journal only, so nothing depends on Redis being there, and it keeps
 * no file: where to go on is what the stream's last-generated-id says, asked
 * for after each connect and in quiet moments.  Batches are added by a script
 * only if that id is the one expected (see shipper_script.h), so events are in
 * their stream once and without a hole whatever is retried, and what Redis
 * itself has lost is shipped again as far back as the journal goes.
 *
 * To another millrace (millrace://) events go as XADD with IDMP, the journal's
 * id and the sequence: the other end sorts out what comes twice.
 *
 * All calls from one thread, but for those that say otherwise. */
#ifndef MILLRACE_SINK_SHIPPER_H
#define MILLRACE_SINK_SHIPPER_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/slice.h"

struct conf_stream;
struct ev_loop;
struct journal;
struct shipper;

struct shipper_ops {
	/* The stream's events up to seq are in Redis, and on as many replicas
	 * as configured.  May be lower than before: Redis lost some. */
	void (*shipped)(void *ctx, unsigned index, struct slice stream,
	    uint64_t seq);
};

/* Copies what it needs of conf; borrows the journal and ops.  NULL with what
 * is wrong in error. */
struct shipper *shipper_new(struct ev_loop *loop, struct journal *journal,
    const struct conf_stream *conf, const char *node, unsigned index,
    const struct shipper_ops *ops, void *ctx, char *error, size_t size);
void shipper_free(struct shipper *s);
/* Something new may be durable. */
void shipper_kick(struct shipper *s);
/* Each second. */
void shipper_tick(struct shipper *s, int64_t now_ms);
/* All durable events are in Redis (and on its replicas as configured), or in
 * streams that cannot take them. */
bool shipper_idle(const struct shipper *s);

struct shipper_stats {
	char server[300];	/* "redis 10.0.0.1:6379" */
	char state[200];	/* "connected", or what is wrong */
	bool connected;
	uint32_t streams;	/* keys, with partitions */
	uint32_t behind;	/* of them: not at the journal's end */
	uint32_t stopped;	/* of them: another one writes there */
	uint32_t parked;	/* of them: refused, tried now and then */
	uint64_t lag;		/* events durable and not shipped */
	uint64_t shipped;	/* events, those shipped again included */
	uint64_t batches, bytes;
	uint64_t rewinds;	/* times Redis had less than before */
	uint64_t again;		/* events it had lost by then */
	uint64_t gone;		/* of those: no longer in the journal */
	uint64_t connects, failures, retries;
	uint64_t trimmed;	/* entries */
	uint64_t errors;	/* of which by name: shipper_errors() */
};
void shipper_stats(const struct shipper *s, struct shipper_stats *out);
/* The i-th kind of error and how often it came; NULL past the last. */
const char *shipper_errors(const struct shipper *s, unsigned i,
    uint64_t *count);

struct shipper_stream_stats {
	struct slice stream, key;	/* borrowed until the shipper is freed */
	unsigned partition;
	uint64_t seq;		/* shipped */
	uint64_t last_seq;	/* durable */
	const char *state;	/* "ready" "asking" "behind" "retrying" "parked"
				 * "stopped" */
	const char *trouble;	/* name of the last error, or NULL */
};
/* The i-th key; false past the last. */
bool shipper_stream_at(const struct shipper *s, uint32_t i,
    struct shipper_stream_stats *out);

#endif
