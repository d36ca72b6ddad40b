/* replay.c - remember tokens by the second they were made in.
 *
 * Time is cut into epochs as long as the drift.  What is believed now belongs
 * to the epoch before, this one or the next, so three tables do: an epoch's is
 * its number modulo 3, emptied when a newer epoch first needs it.  A table is
 * open addressing over words, 0 meaning free, never more than 3/4 full. */
#include "config.h"

#include <errno.h>
#include <pthread.h>
#include <stdbool.h>
#include <stdlib.h>
#include <string.h>

#include "proto/replay.h"

#define TABLES 3

struct table {
	uint64_t *tokens;
	size_t count;
	uint64_t epoch;
};

struct replay {
	pthread_mutex_t lock;
	struct table tables[TABLES];
	size_t mask;		/* of the tables' slots */
	size_t max;		/* tokens in one */
	uint64_t width_s;	/* of an epoch */
};

struct replay *
replay_new(size_t entries, uint64_t max_drift_s)
{
	struct replay *f;
	size_t slots = 16;

	if (entries > SIZE_MAX / 64) {
		errno = ENOMEM;
		return NULL;
	}
	while (slots / 4 * 3 < entries)
		slots *= 2;
	f = calloc(1, sizeof *f);
	if (f == NULL)
		return NULL;
	pthread_mutex_init(&f->lock, NULL);
	f->mask = slots - 1;
	f->max = slots / 4 * 3;
	f->width_s = max_drift_s > 0 ? max_drift_s : 1;
	for (int i = 0; i < TABLES; i++) {
		f->tables[i].tokens = calloc(slots, sizeof(uint64_t));
		if (f->tables[i].tokens == NULL) {
			replay_free(f);
			errno = ENOMEM;
			return NULL;
		}
	}
	return f;
}

void
replay_free(struct replay *f)
{
	if (f == NULL)
		return;
	for (int i = 0; i < TABLES; i++)
		free(f->tables[i].tokens);
	pthread_mutex_destroy(&f->lock);
	free(f);
}

static enum reason
remember(const struct replay *f, struct table *t, uint64_t token)
{
	size_t at = (size_t)(token >> 32 ^ token) & f->mask;

	for (; t->tokens[at] != 0; at = (at + 1) & f->mask)
		if (t->tokens[at] == token)
			return REASON_REPLAYED;
	if (t->count == f->max)
		return REASON_TOO_MANY;
	t->tokens[at] = token;
	t->count++;
	return REASON_NONE;
}

static enum reason
check(struct replay *f, uint64_t token, uint64_t epoch)
{
	struct table *t = &f->tables[epoch % TABLES];

	if (epoch < t->epoch)
		return REASON_LATE;
	if (epoch > t->epoch) {
		if (t->count > 0)
			memset(t->tokens, 0, (f->mask + 1) * sizeof(uint64_t));
		t->count = 0;
		t->epoch = epoch;
	}
	return remember(f, t, token == 0 ? 1 : token);
}

enum reason
replay_check(struct replay *f, uint64_t token, uint64_t time_s)
{
	enum reason why;

	pthread_mutex_lock(&f->lock);
	why = check(f, token, time_s / f->width_s);
	pthread_mutex_unlock(&f->lock);
	return why;
}
