/* top.h - which prefixes have the most names, and get the most samples.
 *
 * A list keeps TOP_ITEMS prefixes; a new one takes the place of the smallest and
 * its count, so that a count is never too low, and too high by that much at most
 * (the "space-saving" counts of Metwally and others).  A worker adds when it
 * sees a new name, and for one sample in some hundred; the admin page reads.
 * The lock is the list's. */
#ifndef MILLRACE_CORE_TOP_H
#define MILLRACE_CORE_TOP_H

#include <pthread.h>
#include <stdint.h>

#include "base/slice.h"

#define TOP_ITEMS 128
#define TOP_NAME 64		/* bytes of a prefix that are kept */

struct top_item {
	uint64_t hash, n, error;	/* n - error .. n is the truth */
	uint8_t len;
	char name[TOP_NAME];
};

struct top {
	pthread_mutex_t lock;
	struct top_item item[TOP_ITEMS];
	unsigned used;
};

void top_init(struct top *t);
void top_fini(struct top *t);
/* Count n for the prefix of a metric's name: what stands before its second
 * dot, or before its only one. */
void top_add(struct top *t, struct slice name, uint64_t n);
/* Copy the items out; returns how many. */
unsigned top_read(struct top *t, struct top_item out[TOP_ITEMS]);

#endif
