/* key_log.c - the log of the busiest keys. */
#include "config.h"

#include <errno.h>
#include <fcntl.h>
#include <pthread.h>
#include <stdatomic.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#include "base/clock.h"
#include "base/log.h"
#include "conf/conf.h"
#include "core/key_counts.h"
#include "front/key_log.h"

#define TEXT_MAX (256u << 20)

static pthread_mutex_t lock = PTHREAD_MUTEX_INITIALIZER;
static _Atomic bool on;
static struct key_counts *counts;
static uint64_t interval_ms, percent;
static char *path;
static int64_t next_ns;

void
key_log_configure(const struct conf *conf)
{
	const struct conf_flush *f = &conf->flush;

	pthread_mutex_lock(&lock);
	if (f->key_flush.interval_ms != interval_ms)
		next_ns = 0;
	interval_ms = f->key_flush.interval_ms;
	percent = f->key_flush.percent;
	free(path);
	path = f->key_flush.log == NULL ? NULL : strdup(f->key_flush.log);
	if (interval_ms == 0) {
		key_counts_free(counts);
		counts = NULL;
	} else if (counts == NULL) {
		counts = key_counts_new(f->max_names);
	}
	atomic_store(&on, counts != NULL);
	pthread_mutex_unlock(&lock);
}

bool
key_log_on(void)
{
	return atomic_load_explicit(&on, memory_order_relaxed);
}

void
key_log_begin(void)
{
	pthread_mutex_lock(&lock);
}

void
key_log_add(struct slice key)
{
	if (counts != NULL)
		key_counts_add(counts, key, 1);
}

void
key_log_end(void)
{
	pthread_mutex_unlock(&lock);
}

/* As JavaScript prints a Date. */
static struct slice
date(int64_t now_ns, char *text, size_t size)
{
	time_t t = (time_t)(now_ns / NS_PER_S);
	struct tm tm;

	localtime_r(&t, &tm);
	return slice_of(text, strftime(text, size,
	    "%a %b %d %Y %H:%M:%S GMT%z (%Z)", &tm));
}

static void
append(const char *file, struct slice text)
{
	int fd = open(file, O_WRONLY | O_CREAT | O_APPEND | O_CLOEXEC, 0640);

	if (fd == -1 || write(fd, text.ptr, text.len) != (ssize_t)text.len)
		log_warn("key_flush: %s: %s", file, strerror(errno));
	if (fd != -1)
		close(fd);
}

static void
say(struct slice text)
{
	while (text.len > 0)
		log_info("%.*s", SLICE_ARG(slice_cut(&text, '\n')));
}

void
key_log_tick(int64_t now_ns)
{
	struct buf out = BUF_INIT(TEXT_MAX);
	char when[128], *file = NULL;

	if (!key_log_on())
		return;
	pthread_mutex_lock(&lock);
	if (counts != NULL && next_ns == 0)
		next_ns = now_ns + (int64_t)interval_ms * NS_PER_MS;
	if (counts != NULL && now_ns >= next_ns) {
		next_ns += (int64_t)interval_ms * NS_PER_MS;
		if (next_ns <= now_ns)
			next_ns = now_ns + (int64_t)interval_ms * NS_PER_MS;
		key_counts_report(counts, date(now_ns, when, sizeof when),
		    (double)percent, &out);
		file = path == NULL ? NULL : strdup(path);
	}
	pthread_mutex_unlock(&lock);
	if (file != NULL)
		append(file, buf_slice(&out));
	else
		say(buf_slice(&out));
	free(file);
	buf_fini(&out);
}
