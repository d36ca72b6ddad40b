/* merged.h - what all workers counted, merged by name, and its flush.
 *
 * Each worker counts in a table of its own.  On the tick the metrics thread
 * walks the passive half of each and adds what it finds here; merged_flush()
 * then computes the figures of an interval and prints them as Graphite lines:
 * names, arithmetic, number text and order of the lines as the statsd daemon
 * of npm prints them.
 *
 * Everything here belongs to one thread and is pure: no clock (`now` is an
 * argument), no loop, no sockets.
 *
 * Keys and links.  A worker's entry keeps the `struct merged_key *` of its
 * name, found once with merged_get(), so that a merge is a walk and not a
 * look-up per name.  A key therefore lives on for as long as anybody links to it:
 *
 *	merged_link(k)		one more entry points at k
 *	merged_unlink(m, k)	one fewer; k may be freed here
 *
 * A key is *present* (flushed every interval, counted in numStats) or *absent*.
 * merged_get() makes it absent; the first data makes it present, at the end of
 * its group.  Idle deletion makes it absent; it is freed when it is absent and
 * nobody links to it.  New data for an absent key makes it present again, at
 * the end, as a key that the reference deleted and made again.  So: after
 * merged_get() either give data at once or link; a key that had neither stays
 * in memory.  Data given to a key is: any call of merged_counter() and its
 * like, even with 0; do not call them for entries that saw nothing. */
#ifndef MILLRACE_CORE_MERGED_H
#define MILLRACE_CORE_MERGED_H

#include <stdbool.h>
#include <stdint.h>

#include "base/buf.h"
#include "base/slice.h"
#include "core/samples.h"
#include "record/reason.h"

struct conf_flush;
struct member_set;
struct merged;
struct merged_key;
struct prom_mapping;
struct sketch;

enum merged_group {
	MERGED_COUNTER, MERGED_TIMER, MERGED_GAUGE, MERGED_SET, MERGED_KV,
	MERGED_GROUPS
};

#define MERGED_MAX_CLASSES 16
#define MERGED_MAX_NAME 65535		/* bytes; merged_get() refuses longer */

struct merged_config {
	/* Borrowed until merged_free() or merged_configure(). */
	const struct conf_flush *flush;
	/* Flush intervals by rule: class 0 is flush->interval_ms and is not
	 * listed; class i has interval_ms[i - 1]. */
	const uint64_t *interval_ms;
	unsigned nclasses;		/* with class 0; 0 is taken for 1 */
	uint64_t internal_mask;		/* clusters that get the internal lines */
	/* statsd's keyNameSanitize: false: names come as they were sent and the
	 * part before the first ';' is cleaned only when it is printed. */
	bool clean_on_output;
	uint64_t seed;			/* of the hash; random per process */
	uint64_t max_names;		/* 0: flush->max_names */
	uint64_t max_samples;		/* per timer and interval; 0: 2^24 */
};

/* Gives the state, with the three internal counters of class 0 in it; NULL
 * when there is no memory. */
struct merged *merged_new(const struct merged_config *cfg);
void merged_free(struct merged *m);
/* Flush by another configuration from now on (reload); all state is kept.
 * false, and nothing changed, when there is no memory. */
bool merged_configure(struct merged *m, const struct merged_config *cfg);

/* Find or make the key of a canonical name ("clean.name;k=v").  dest_mask: bit
 * i set: cluster i gets its lines; class_: its flush interval.  For a key that
 * is there both are changed to what is given.  NULL when the cap on names is
 * reached or the name is too long (the caller counts REASON_CARDINALITY and feeds
 * its overflow key), or when there is no memory.  The name is copied. */
struct merged_key *merged_get(struct merged *m, enum merged_group group,
    struct slice name, uint64_t dest_mask, unsigned class_);
/* The same, not held back by the cap: for overflow keys and our own metrics. */
struct merged_key *merged_get_reserved(struct merged *m,
    enum merged_group group, struct slice name, uint64_t dest_mask,
    unsigned class_);
/* The key if it is there (present or absent), else NULL. */
struct merged_key *merged_find(const struct merged *m, enum merged_group group,
    struct slice name);

void merged_link(struct merged_key *k);
void merged_unlink(struct merged *m, struct merged_key *k);
struct slice merged_name(const struct merged_key *k);
bool merged_present(const struct merged_key *k);

/* Data of one worker for one interval.  k is of the group that the call names. */

void merged_counter(struct merged *m, struct merged_key *k, double add);
/* The worker set it to set_value at `stamp` (any number that grows over the
 * process, such as monotonic ns) if has_set, and changed it by delta_after
 * since then; or, without has_set, only by delta_after.  Among workers that
 * set it the latest stamp wins with its deltas; deltas of workers that did not
 * set it always add.  The result does not depend on the order of the calls. */
void merged_gauge(struct merged *m, struct merged_key *k, bool has_set,
    double set_value, double delta_after, uint64_t stamp);
/* Samples; true_count is the sum of 1/rate over them.  Takes the array when the
 * key has none yet and gives back an empty one that may have room (three words
 * change hands), else copies.  s->n is 0 afterwards. */
void merged_timer(struct merged *m, struct merged_key *k, struct samples *s,
    double true_count);
/* The same for samples that stay with the caller: always copies. */
void merged_timer_copy(struct merged *m, struct merged_key *k,
    const double *values, size_t n, double true_count);
/* The same for flush->sketch: src is merged in, or swapped with the key's empty
 * one; src is empty afterwards.  A timer that got both samples and a sketch
 * turns the samples into the sketch at the flush. */
void merged_sketch(struct merged *m, struct merged_key *k, struct sketch *src,
    double true_count);
/* Members; src is merged in or swapped, and empty afterwards. */
void merged_set(struct merged *m, struct merged_key *k, struct member_set *src);
/* statsite's key/value: every value is kept and printed, newest first. */
void merged_kv(struct merged *m, struct merged_key *k, double value);

/* A counter's or gauge's sample of a time of its own, which is no part of the
 * interval: the next flush of class 0 prints it with that time, under the names
 * of its group.  At most this many points, and bytes of names, wait for that;
 * further ones are REASON_CARDINALITY.  REASON_NO_MEMORY: likewise not taken. */
#define MERGED_MAX_TIMED (1u << 17)
#define MERGED_MAX_TIMED_BYTES (16u << 20)
enum reason merged_timed(struct merged *m, enum merged_group group,
    struct slice name, uint64_t dest_mask, double value, int64_t time_s);

/* The counters that the reference keeps of its own doing; at once, so that the
 * management port shows them. */
void merged_count_lines(struct merged *m, double bad_lines, double packets,
    double metrics);

/* The reference's figures about itself; all are printed as they stand. */
struct flush_internal {
	/* Added to PFX.bad_lines_seen, .packets_received, .metrics_received. */
	double bad_lines, packets, metrics;
	double processing_ms;		/* statsd.processing_time */
	double calculation_ms;		/* graphiteStats.calculationtime */
	bool graphite_stats;		/* print the last four, too */
	int64_t graphite_ts;		/* their time stamp, s; 0: the flush's */
	double last_exception, last_flush;	/* s since 1970 */
	double flush_time, flush_length;	/* of the flush before */
};

struct flush_sink {
	/* `line` is "name value timestamp\n"; both are good during the call. */
	void (*line)(void *ctx, uint64_t dest_mask, struct slice name,
	    struct slice line);
	void *ctx;
};

/* One flush of the keys of one class: compute, print in the reference's order
 * (counters, timers, gauges, sets, then kv; within each integer-like names
 * ascending, then the others as they came), then reset or delete.  now_ms is
 * wall-clock time; the time stamp is that rounded to seconds.  `internal` is
 * for class 0; NULL prints no internal lines and keeps no timestamp_lag. */
void merged_flush(struct merged *m, unsigned class_, int64_t now_ms,
    const struct flush_internal *internal, const struct flush_sink *sink);

struct merged_stats {
	uint64_t keys;			/* in memory, present or absent */
	uint64_t present[MERGED_GROUPS];
	uint64_t refused_names;		/* merged_get() at the cap */
	uint64_t dropped_samples;	/* past max_samples, or no memory */
	uint64_t dropped_nan;		/* lines not sent: no value but NaN */
	uint64_t sets_estimated;	/* sets that went over to HyperLogLog */
	uint64_t sketches_collapsed;	/* sketches that lost their lowest bins */
	uint64_t lines;			/* printed since the start */
	uint64_t bytes;			/* of memory, for keys, names and table */
};
void merged_get_stats(const struct merged *m, struct merged_stats *out);

/* The management port (merge first to see the interval that runs).
 * merged_dump() prints counters, gauges or timers as the reference's console
 * does: "{ a: 1, 'b.c': 2 }", without the line end and "END".  false when out
 * is full. */
bool merged_dump(struct merged *m, enum merged_group group, struct buf *out);
/* Delete by name, or by "prefix.*": one line "deleted: NAME\n" each, or
 * "metric ARG not found\n". */
bool merged_delete(struct merged *m, enum merged_group group, struct slice arg,
    struct buf *out);

/* State over a restart: a versioned image with a checksum.  Gauges always;
 * with `interval` also what was counted and not flushed.  false when out is
 * full or there is no memory; out is then as it was. */
bool merged_save(struct merged *m, bool interval, struct buf *out);
/* The same for some groups, with what was counted and not flushed of them. */
#define MERGED_SAVE(group) (1u << (group))
#define MERGED_SAVE_ALL ((1u << MERGED_GROUPS) - 1)
bool merged_save_groups(struct merged *m, unsigned groups, struct buf *out);
/* Where a loaded name goes now. */
typedef void merged_route(void *ctx, enum merged_group group, struct slice name,
    uint64_t *dest_mask, unsigned *class_);
/* Ask again where each name goes: the rules have changed. */
void merged_reroute(struct merged *m, merged_route *route, void *ctx);
/* Take an image in: adds to what is there; a gauge that has a value keeps it.
 * -1 with errno EINVAL (not an image, or damaged: nothing was taken), ENOTSUP
 * (a version we do not know), ENOMEM. */
int merged_load(struct merged *m, struct slice image, merged_route *route,
    void *ctx);

/* Prometheus' text format of what the last flushes printed: counters as totals
 * since the start (NAME_total), gauges, timers as summaries, sets as gauges of
 * their size; tags as labels, names made legal.  With a mapping (may be NULL)
 * names, labels and drops as statsd_exporter would have them, and timers in
 * seconds.  Keys that idle deletion took away are shown for as long as a worker links
 * to them.  false when out is full (then nothing is added) or no memory. */
bool merged_prometheus(struct merged *m, const struct prom_mapping *mapping,
    struct buf *out);

#endif
