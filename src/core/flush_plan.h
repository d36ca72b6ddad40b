/* flush_plan.h - what a configuration of the flush comes to: every piece of
 * text that a line's name may have before and behind its key, made once.
 *
 * A line's name is pre, the key up to its first ';', post, and the key's
 * tags.  globalSuffix stands at the end of post. */
#ifndef MILLRACE_CORE_FLUSH_PLAN_H
#define MILLRACE_CORE_FLUSH_PLAN_H

#include <stdbool.h>
#include <stdint.h>

#include "base/slice.h"
#include "core/merged.h"

/* The figures of a percentile, in the order in which they are printed. */
enum { PCT_COUNT, PCT_MEAN, PCT_BOUNDARY, PCT_SUM, PCT_SQUARES, PCT_FIGURES };
/* The figures of a timer besides those, in order. */
enum {
	FIG_STD, FIG_UPPER, FIG_LOWER, FIG_COUNT, FIG_COUNT_PS, FIG_SUM,
	FIG_SQUARES, FIG_MEAN, FIG_MEDIAN, FIG_FIGURES
};
/* The reference's lines about itself; from PLAN_LAST_EXCEPTION on they are the
 * four that it prints when it has connected. */
enum {
	PLAN_NUM_STATS, PLAN_CALCULATION, PLAN_PROCESSING, PLAN_LAST_EXCEPTION,
	PLAN_LAST_FLUSH, PLAN_FLUSH_TIME, PLAN_FLUSH_LENGTH, PLAN_INTERNALS
};

struct plan_form {
	struct slice post;
	bool keep;		/* calculatedTimerMetrics lets it pass */
};

struct plan_percentile {
	double value;
	struct plan_form form[PCT_FIGURES];
};

struct plan_histogram {
	struct slice metric;
	const double *bins;
	struct slice *posts;
	size_t nbins;
};

struct flush_plan {
	double seconds[MERGED_MAX_CLASSES];	/* of each class's interval */
	unsigned nclasses;
	bool flush_counts, clean_on_output, sketch;
	bool remove[MERGED_GROUPS];	/* idle ones are deleted */
	uint16_t gauge_ttl;
	double sketch_error;
	uint64_t sketch_bytes, set_exact, max_names, max_samples, internal_mask;

	struct slice rate_pre, rate_post, count_pre, count_post;
	struct slice timer_pre, gauge_pre, set_pre, set_post, kv_pre;
	struct slice suffix;		/* ".sfx", or empty */
	struct plan_percentile *percentiles;
	size_t npercentiles;
	struct plan_form figures[FIG_FIGURES];
	struct plan_histogram *histograms;
	size_t nhistograms;
	bool keep_histograms;
	struct slice internals[PLAN_INTERNALS];		/* whole names */
	struct slice bad_lines, packets, metrics, lag;	/* keys */

	char **owned;
	size_t nowned, cap_owned;
};

/* Gives a plan that borrows cfg->flush; NULL when there is no memory. */
struct flush_plan *flush_plan_new(const struct merged_config *cfg);
void flush_plan_free(struct flush_plan *p);

#endif
