/* statsd_mode.h - `millrace --statsd-config FILE`: in statsd's place. */
#ifndef MILLRACE_APP_STATSD_MODE_H
#define MILLRACE_APP_STATSD_MODE_H

#include <ev.h>
#include <stdbool.h>
#include <stdint.h>

#include "base/buf.h"

struct conf;

/* Watches the file that it was loaded from. */
struct statsd_mode {
	const char *path;
	bool watch;		/* the file wants it */
	uint64_t loaded;	/* hash of what was read last */
	ev_stat file;
	ev_timer settled;
	unsigned looks;		/* to come, at what was written */
	void (*changed)(void *ctx);
	void *ctx;
};

/* As conf_load(). */
struct conf *statsd_mode_load(struct statsd_mode *s, struct buf *errors);
/* Say that it is up, and call changed() from then on when the file is another
 * one than was loaded. */
void statsd_mode_ready(struct statsd_mode *s, struct ev_loop *loop,
    void (*changed)(void *ctx), void *ctx);
void statsd_mode_stop(struct statsd_mode *s, struct ev_loop *loop);

#endif
