/* key_counts.h - how often each name was sent: statsd's keyFlush.
 *
 * Names are counted once a line, also when the line turns out to be bad; every
 * keyFlush.interval the most frequent are listed and all are forgotten. */
#ifndef MILLRACE_CORE_KEY_COUNTS_H
#define MILLRACE_CORE_KEY_COUNTS_H

#include <stdbool.h>
#include <stdint.h>

#include "base/buf.h"
#include "base/slice.h"

struct key_counts;

/* max_names: further names are not counted but in key_counts_refused(). */
struct key_counts *key_counts_new(uint64_t max_names);
void key_counts_free(struct key_counts *k);

/* false when the name was not counted. */
bool key_counts_add(struct key_counts *k, struct slice name, uint64_t n);
uint64_t key_counts_refused(const struct key_counts *k);

/* Append "DATE count=N key=NAME\n" for the most frequent percent of the names,
 * most frequent first, names as frequent in the order in which they came; then
 * forget all.  date: as it shall stand in the lines.  false when out is full:
 * then it ends with a whole line, and all is forgotten too. */
bool key_counts_report(struct key_counts *k, struct slice date, double percent,
    struct buf *out);

#endif
