/* sketch.h - DDSketch: quantiles of a stream in bounded memory.
 *
 * Every quantile is within a stated relative error of the true one: bins are
 * spaced so that no value in a bin is further than that from the bin's answer
 * (C. Masson, J. Rim, H. Lee: "DDSketch: a fast and fully-mergeable quantile
 * sketch with relative-error guarantees", 2019).  Where the bins would pass the
 * memory cap the smallest magnitudes share one bin, and only they lose
 * the guarantee.  Negative values have bins of their own, zeros a count.
 * Count, sum, sum of squares, least and greatest are exact. */
#ifndef MILLRACE_CORE_SKETCH_H
#define MILLRACE_CORE_SKETCH_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/* Bins of one sign, by the logarithm of the magnitude. */
struct sketch_bins {
	uint32_t *count;	/* bin i is count[i - base]; stops at UINT32_MAX */
	uint32_t cap;
	int32_t base;
	int32_t low, high;	/* bins in use; high < low: none */
};

struct sketch {
	double per_bin;		/* bins per unit of the logarithm used */
	double error;		/* relative */
	uint64_t n, zeros;
	double sum, sum_squares, min, max;
	struct sketch_bins positive, negative;
	uint32_t max_bins;	/* of each sign */
	bool collapsed;		/* small magnitudes were thrown together */
};

/* error: 0.0001 .. 0.5, else taken to the nearest of them.  max_bytes: of bins, both signs together;
 * at least 512 is taken. */
void sketch_init(struct sketch *s, double error, uint64_t max_bytes);
void sketch_fini(struct sketch *s);
/* Empty it, keeping its memory. */
void sketch_clear(struct sketch *s);

/* Not for NaNs.  false when there was no memory: then it is not counted. */
bool sketch_add(struct sketch *s, double v);
/* Both must have been made with the same error.  false as above; then part of it
 * may have been taken. */
bool sketch_merge(struct sketch *into, const struct sketch *from);

/* About the k-th smallest value, k from 1 to n. */
double sketch_kth(const struct sketch *s, uint64_t k);
/* About the sum, and the sum of squares, of the k smallest. */
void sketch_sum_of(const struct sketch *s, uint64_t k, double *sum,
    double *sum_squares);
/* About how many are below v. */
uint64_t sketch_below(const struct sketch *s, double v);
/* Bytes of memory held besides the struct. */
size_t sketch_bytes(const struct sketch *s);

/* Visit the bins in ascending order of value (for saving, and for sums). */
struct sketch_bin {
	int sign;		/* -1, 0, 1 */
	int32_t bin;
	uint32_t count;
};
bool sketch_next(const struct sketch *s, uint64_t *pos, struct sketch_bin *b);
/* Put back a bin that was visited: the counts only, not sum, min and so on. */
bool sketch_restore(struct sketch *s, struct sketch_bin b);

#endif
