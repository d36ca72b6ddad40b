/* aggregator.h - timestamped points summed up by rule, as carbon-c-relay and
 * carbon-aggregator do it.
 *
 * A point goes into the bucket of its own time, of the series that the rule
 * names.  A bucket is closed, and its line printed once, `expire` seconds after
 * it began; what comes for it later is late, and counted.  Series that get no
 * more points are forgotten.
 *
 * All times are seconds since 1970.  Pure: the time is an argument, and nothing
 * happens between aggregator_tick()s.  Belongs to one thread. */
#ifndef MILLRACE_CORE_AGGREGATOR_H
#define MILLRACE_CORE_AGGREGATOR_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/slice.h"
#include "record/reason.h"

#define AGGREGATOR_MAX_VALUES 65536	/* kept per bucket for a percentile */

enum aggregate {
	AGGREGATE_SUM, AGGREGATE_COUNT, AGGREGATE_MIN, AGGREGATE_MAX,
	AGGREGATE_AVERAGE, AGGREGATE_LAST, AGGREGATE_MEDIAN, AGGREGATE_PERCENTILE,
	AGGREGATE_VARIANCE, AGGREGATE_STDDEV	/* of the population */
};

/* "sum", "count" or "cnt", "min" or "minimum", "max" or "maximum", "average"
 * or "avg", "last", "median", "percentile95" (more than 0, at most 100,
 * fractions too), "p1" to "p99" and "p999" for 99.9, "variance", "stddev".
 * *percentile is set for AGGREGATE_PERCENTILE. */
bool aggregate_parse(struct slice s, enum aggregate *a, double *percentile);

enum aggregate_stamp { STAMP_END, STAMP_START, STAMP_MIDDLE };

struct aggregator_rule {
	struct slice text;	/* what the rule is known by over a reload */
	enum aggregate function;
	double percentile;
	uint32_t every, expire;	/* s; every >= 1; expire 0: every and 10 s, or
				 * twice every if that is shorter */
	enum aggregate_stamp stamp;
	bool fixed;		/* values with six decimals ("5.000000", and a
				 * count without), as carbon-c-relay prints;
				 * else the fewest digits that read back */
};

struct aggregator;

/* max_series: over all rules.  NULL: no memory. */
struct aggregator *aggregator_new(uint64_t max_series);
void aggregator_free(struct aggregator *a);

/* Have these rules from now on; they are copied, and known by their place.  A
 * rule that was there before (same text and settings) keeps its series; those
 * of rules that are gone are printed in full at the next tick.  `now` is when a
 * new rule begins.  false, and nothing changed, when there is no memory. */
bool aggregator_configure(struct aggregator *a,
    const struct aggregator_rule *rules, size_t n, int64_t now);

/* One point for the series `output` of a rule.  REASON_NONE, or why it was not
 * taken: REASON_LATE (its bucket is closed), REASON_BAD_TIME (too far in the
 * future), REASON_NOT_A_NUMBER, REASON_CARDINALITY (max_series),
 * REASON_TOO_MANY (values of a bucket), REASON_NO_MEMORY. */
enum reason aggregator_add(struct aggregator *a, size_t rule,
    struct slice output, double value, int64_t time);

struct aggregator_sink {
	/* "name value timestamp\n"; good during the call. */
	void (*line)(void *ctx, size_t rule, struct slice name,
	    struct slice line);
	void *ctx;
};
/* The `rule` that lines of rules that are gone come with. */
#define AGGREGATOR_GONE SIZE_MAX

/* Close the buckets that are due and print their lines: by rule, by time, then
 * in the order in which the series came up. */
void aggregator_tick(struct aggregator *a, int64_t now,
    const struct aggregator_sink *sink);
/* Close and print all, also those still open: before the end. */
void aggregator_drain(struct aggregator *a,
    const struct aggregator_sink *sink);

struct aggregator_stats {
	uint64_t series;
	uint64_t points, lines;
	uint64_t late, early, not_numbers, refused_series, too_many;
};
void aggregator_get_stats(const struct aggregator *a,
    struct aggregator_stats *out);

#endif
