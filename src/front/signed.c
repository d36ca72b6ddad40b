/* signed.c - the memory of packets seen, shared by all workers. */
#include "config.h"

#include <pthread.h>
#include <stdlib.h>

#include "conf/conf.h"
#include "front/signed.h"
#include "proto/replay.h"
#include "proto/statsd_secure.h"

/* A filter is made for a drift and a size and stays: a reload that changes them
 * makes another, and workers change over one by one. */
struct filter {
	struct filter *next;
	struct replay *replay;
	uint64_t window, drift_s;
};

static pthread_mutex_t lock = PTHREAD_MUTEX_INITIALIZER;
static struct filter *filters;

static struct replay *
filter_for(uint64_t window, uint64_t drift_s)
{
	struct filter *f;

	for (f = filters; f != NULL; f = f->next)
		if (f->window == window && f->drift_s == drift_s)
			return f->replay;
	f = calloc(1, sizeof *f);
	if (f == NULL)
		return NULL;
	f->replay = replay_new(window, drift_s);
	if (f->replay == NULL) {
		free(f);
		return NULL;
	}
	f->window = window;
	f->drift_s = drift_s;
	f->next = filters;
	filters = f;
	return f->replay;
}

bool
signed_new(const struct conf *conf, struct statsd_secure **out)
{
	const struct conf_statsd *s = &conf->statsd;
	uint64_t drift_s = (s->max_drift_ms + 999) / 1000;
	struct replay *replay;

	*out = NULL;
	if (s->secret == NULL || s->secret[0] == '\0')
		return true;
	pthread_mutex_lock(&lock);
	replay = filter_for(s->replay_window, drift_s);
	pthread_mutex_unlock(&lock);
	if (replay != NULL)
		*out = statsd_secure_new(slice_str(s->secret), drift_s,
		    replay);
	return *out != NULL;
}
