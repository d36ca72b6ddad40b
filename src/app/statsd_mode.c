/* statsd_mode.c - `millrace --statsd-config FILE`: in statsd's place.
 *
 * The file says what to do, and is read again when it changes.  Editors write
 * in more than one step, and times of files are coarse, so a change is looked
 * at twice, and counts when the contents are others than those in force. */
#include "config.h"

#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#include "app/statsd_mode.h"
#include "base/crc32c.h"
#include "base/hash.h"
#include "conf/import_statsd.h"

#define LOOKS		2
#define FIRST_LOOK_S	0.2
#define SECOND_LOOK_S	1.1	/* past the second that the file's time says */

static uint64_t
hash_file(const char *path)
{
	struct buf b = BUF_INIT(JS_MAX_TEXT);
	uint64_t hash = 0;

	if (js_env_real.read_file(NULL, path, &b))
		hash = hash_slice(buf_slice(&b));
	buf_fini(&b);
	return hash;
}

/* Several daemons on one host each have a file, so each has a directory of its
 * own, made only when something is to be kept. */
static void
name_state_dir(const char *path, char *dir, size_t size)
{
	char full[PATH_MAX];
	const char *state = getenv("XDG_STATE_HOME"), *home = getenv("HOME");
	uint32_t h;			/* the same on each start */

	if (realpath(path, full) == NULL)
		snprintf(full, sizeof full, "%s", path);
	h = crc32c(0, full, strlen(full));
	if (geteuid() == 0)
		snprintf(dir, size, "/var/lib/millrace/statsd-%08x", h);
	else if (state != NULL && state[0] == '/')
		snprintf(dir, size, "%s/millrace/statsd-%08x", state, h);
	else if (home != NULL && home[0] == '/')
		snprintf(dir, size, "%s/.local/state/millrace/statsd-%08x",
		    home, h);
	else
		snprintf(dir, size, "./millrace-data/statsd-%08x", h);
}

struct conf *
statsd_mode_load(struct statsd_mode *s, struct buf *errors)
{
	char dir[PATH_MAX];

	name_state_dir(s->path, dir, sizeof dir);
	s->loaded = hash_file(s->path);
	return statsd_config_load(s->path, dir, &s->watch, errors);
}

/* In the reference's form; what waits for it waits for these words. */
static void
say_up(void)
{
	static const char months[][4] = { "Jan", "Feb", "Mar", "Apr", "May",
	    "Jun", "Jul", "Aug", "Sep", "Oct", "Nov", "Dec" };
	time_t now = time(NULL);
	struct tm t;

	localtime_r(&now, &t);
	printf("%d %s %02d:%02d:%02d - server is up INFO\n", t.tm_mday,
	    months[t.tm_mon], t.tm_hour, t.tm_min, t.tm_sec);
	fflush(stdout);
}

static void
looked(struct ev_loop *loop, ev_timer *w, int revents)
{
	struct statsd_mode *s = w->data;
	uint64_t hash = hash_file(s->path);

	if (--s->looks == 0)
		ev_timer_stop(loop, w);
	if (hash != 0 && hash != s->loaded)
		s->changed(s->ctx);
}

static void
touched(struct ev_loop *loop, ev_stat *w, int revents)
{
	struct statsd_mode *s = w->data;

	if (!s->watch)
		return;
	s->looks = LOOKS;
	ev_timer_stop(loop, &s->settled);
	ev_timer_set(&s->settled, FIRST_LOOK_S, SECOND_LOOK_S);
	ev_timer_start(loop, &s->settled);
}

void
statsd_mode_ready(struct statsd_mode *s, struct ev_loop *loop,
    void (*changed)(void *ctx), void *ctx)
{
	s->changed = changed;
	s->ctx = ctx;
	ev_timer_init(&s->settled, looked, 0, 0);
	ev_stat_init(&s->file, touched, s->path, 1);
	s->settled.data = s->file.data = s;
	ev_stat_start(loop, &s->file);
	say_up();
}

void
statsd_mode_stop(struct statsd_mode *s, struct ev_loop *loop)
{
	if (s->changed == NULL)
		return;
	ev_timer_stop(loop, &s->settled);
	ev_stat_stop(loop, &s->file);
}
