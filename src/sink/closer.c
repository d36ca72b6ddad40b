/* closer.c - pack, run the command, remove what is too old: one thread each. */
#include "config.h"

#include <errno.h>
#include <fcntl.h>
#include <pthread.h>
#include <signal.h>
#include <spawn.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#include "base/clock.h"
#include "base/log.h"
#include "proto/log_line.h"
#include "sink/archive_names.h"
#include "sink/closer.h"

#define LIST_MAX 65536
#define FAIL_WAIT_S 10
#define COMMAND_WAIT_MAX_S 600
#define COMMAND_LIMIT_S 3600
#define KEEP_EVERY_S 60

extern char **environ;

/* Paths in the order they came. */
struct list {
	char **v;
	size_t n, cap;
};

struct closer {
	pthread_t thread;
	pthread_mutex_t mutex;
	pthread_cond_t cond;
	bool started;
	_Atomic bool stop;
	int dir;

	/* under the mutex */
	struct list closed;		/* to be packed */
	bool rescan;			/* a list was full: look again */
	struct closer_stats stats;
	char *name, *path, *pattern, *command;
	bool zstd;
	int level;
	uint8_t format;
	int64_t keep_ns;
	uint64_t keep_size;

	/* the thread's */
	struct list todo;		/* whose command is to be run */
	int64_t pack_at, command_at, keep_at;	/* not before, monotonic ns */
	unsigned command_wait_s;
};

/* ---- lists ---- */

static bool
list_add(struct list *l, const char *path)
{
	char *copy;

	if (l->n == LIST_MAX)
		return false;
	if (l->n == l->cap) {
		size_t cap = l->cap == 0 ? 64 : 2 * l->cap;
		char **v = realloc(l->v, cap * sizeof *v);

		if (v == NULL)
			return false;
		l->v = v;
		l->cap = cap;
	}
	copy = strdup(path);
	if (copy == NULL)
		return false;
	l->v[l->n++] = copy;
	return true;
}

static char *
list_take(struct list *l)
{
	char *path;

	if (l->n == 0)
		return NULL;
	path = l->v[0];
	memmove(l->v, l->v + 1, --l->n * sizeof *l->v);
	return path;
}

static void
list_fini(struct list *l)
{
	while (l->n > 0)
		free(l->v[--l->n]);
	free(l->v);
	*l = (struct list){ 0 };
}

/* ---- what there is ---- */

static bool
found(void *ctx, const char *path, enum archive_kind kind,
    const struct stat *st)
{
	struct closer *p = ctx;
	char done[ARCHIVE_PATH];

	if (kind == ARCHIVE_PART) {
		(void)unlinkat(p->dir, path, 0);
	} else if (kind == ARCHIVE_CLOSED && p->zstd) {
		closer_add(p, path);
	} else if (kind == ARCHIVE_TODO && p->command != NULL &&
	    archive_name_done(path, done, sizeof done)) {
		/* a marker whose file never got its name is for nothing */
		if (faccessat(p->dir, done, F_OK, 0) != 0)
			(void)unlinkat(p->dir, path, 0);
		else if (!list_add(&p->todo, done))
			p->rescan = true;
	}
	return !p->stop;
}

static void
look_around(struct closer *p)
{
	char *pattern;

	pthread_mutex_lock(&p->mutex);
	p->rescan = false;
	list_fini(&p->closed);
	pattern = p->pattern == NULL ? NULL : strdup(p->pattern);
	pthread_mutex_unlock(&p->mutex);
	list_fini(&p->todo);
	archive_walk(p->dir, pattern, found, p);
	free(pattern);
}

/* ---- packing ---- */

static int
mark_todo(void *ctx, const char *path)
{
	struct closer *p = ctx;
	char todo[ARCHIVE_PATH];
	int fd;

	if (p->command == NULL)
		return 0;
	if (!archive_name_todo(path, todo, sizeof todo))
		return -1;
	fd = openat(p->dir, todo, O_WRONLY | O_CREAT | O_CLOEXEC, 0640);
	if (fd == -1)
		return -1;
	close(fd);
	return archive_sync_dir(p->dir, todo);
}

static void
to_command(struct closer *p, const char *path)
{
	if (p->command != NULL && !list_add(&p->todo, path))
		p->rescan = true;
}

static void
pack(struct closer *p, const char *path)
{
	struct closer_stats done = { 0 };
	char packed[ARCHIVE_PATH];
	int rc = pack_file(p->dir, path, p->level, p->format, &p->stop,
	    mark_todo, p, &done);

	pthread_mutex_lock(&p->mutex);
	if (rc == 0) {
		p->stats.packed += done.packed;
		p->stats.text_bytes += done.text_bytes;
		p->stats.packed_bytes += done.packed_bytes;
	} else if (errno != ENOENT && !p->stop) {
		LOG_LIMITED(LOG_AT_ERROR, 60, "archive %s: %s: cannot be "
		    "packed: %s; trying again in %d s", p->name, path,
		    strerror(errno), FAIL_WAIT_S);
		p->stats.errors++;
		p->pack_at = clock_mono_ns() + FAIL_WAIT_S * NS_PER_S;
		if (!list_add(&p->closed, path))
			p->rescan = true;
	}
	pthread_mutex_unlock(&p->mutex);
	if (rc == 0 && snprintf(packed, sizeof packed, "%s.zst", path) <
	    (int)sizeof packed)
		to_command(p, packed);
}

/* ---- the command ---- */

/* The path is an argument of the shell's, never part of what it reads. */
static pid_t
start_command(struct closer *p, const char *path)
{
	char full[2 * ARCHIVE_PATH], script[8192];
	char *argv[] = { (char *)"sh", (char *)"-c", script, (char *)"millrace",
	    full, NULL };
	bool named = strstr(p->command, "$1") != NULL ||
	    strstr(p->command, "$@") != NULL;
	posix_spawnattr_t attr;
	sigset_t set;
	pid_t pid;
	int rc;

	if (snprintf(full, sizeof full, "%s/%s", p->path, path) >=
	    (int)sizeof full || snprintf(script, sizeof script, "%s%s",
	    p->command, named ? "" : " \"$1\"") >= (int)sizeof script)
		return -1;
	posix_spawnattr_init(&attr);
	sigemptyset(&set);
	posix_spawnattr_setsigmask(&attr, &set);
	sigaddset(&set, SIGPIPE);
	posix_spawnattr_setsigdefault(&attr, &set);
	posix_spawnattr_setpgroup(&attr, 0);
	posix_spawnattr_setflags(&attr, POSIX_SPAWN_SETSIGMASK |
	    POSIX_SPAWN_SETSIGDEF | POSIX_SPAWN_SETPGROUP);
	rc = posix_spawn(&pid, "/bin/sh", NULL, &attr, argv, environ);
	posix_spawnattr_destroy(&attr);
	return rc == 0 ? pid : -1;
}

static bool
await_command(struct closer *p, pid_t pid)
{
	const struct timespec pause = { .tv_nsec = 20000000 };
	int64_t until = clock_mono_ns() + COMMAND_LIMIT_S * NS_PER_S;
	int status;

	for (;;) {
		pid_t got = waitpid(pid, &status, WNOHANG);

		if (got == pid)
			return WIFEXITED(status) && WEXITSTATUS(status) == 0;
		if (got == -1 && errno != EINTR)
			return false;
		if (p->stop || clock_mono_ns() > until) {
			kill(-pid, SIGTERM);
			nanosleep(&pause, NULL);
			kill(-pid, SIGKILL);
			waitpid(pid, &status, 0);
			return false;
		}
		nanosleep(&pause, NULL);
	}
}

static void
command(struct closer *p, const char *path)
{
	char todo[ARCHIVE_PATH];
	pid_t pid;
	bool ok;

	if (!archive_name_todo(path, todo, sizeof todo) ||
	    faccessat(p->dir, todo, F_OK, 0) != 0)
		return;		/* it was done */
	pid = start_command(p, path);
	ok = pid != -1 && await_command(p, pid);
	if (ok)
		(void)unlinkat(p->dir, todo, 0);
	pthread_mutex_lock(&p->mutex);
	p->stats.commands++;
	p->stats.command_failures += !ok;
	pthread_mutex_unlock(&p->mutex);
	if (ok) {
		p->command_wait_s = 0;
		return;
	}
	if (p->stop)
		return;
	p->command_wait_s = p->command_wait_s == 0 ? 1 :
	    2 * p->command_wait_s > COMMAND_WAIT_MAX_S ? COMMAND_WAIT_MAX_S :
	    2 * p->command_wait_s;
	p->command_at = clock_mono_ns() + p->command_wait_s * NS_PER_S;
	LOG_LIMITED(LOG_AT_ERROR, 60, "archive %s: the command failed for %s, "
	    "trying again in %u s", p->name, path, p->command_wait_s);
	if (!list_add(&p->todo, path))
		p->rescan = true;
}

/* ---- keep ---- */

struct kept {
	char *path;
	int64_t time_ns;
	uint64_t size;
};

struct keep {
	struct closer *p;
	struct kept *v;
	size_t n, cap;
	uint64_t total;
	int64_t before_ns;
};

static void
drop(struct closer *p, const char *path)
{
	char parent[ARCHIVE_PATH], *slash;

	if (unlinkat(p->dir, path, 0) != 0)
		return;
	pthread_mutex_lock(&p->mutex);
	p->stats.removed++;
	pthread_mutex_unlock(&p->mutex);
	/* directories that are empty now go too */
	snprintf(parent, sizeof parent, "%s", path);
	while ((slash = strrchr(parent, '/')) != NULL) {
		*slash = '\0';
		if (unlinkat(p->dir, parent, AT_REMOVEDIR) != 0)
			break;
	}
}

static bool
consider(void *ctx, const char *path, enum archive_kind kind,
    const struct stat *st)
{
	struct keep *k = ctx;
	char todo[ARCHIVE_PATH];
	int64_t t = st->st_mtim.tv_sec * NS_PER_S + st->st_mtim.tv_nsec;

	if (kind != ARCHIVE_PACKED && (kind != ARCHIVE_CLOSED || k->p->zstd))
		return !k->p->stop;
	k->total += (uint64_t)st->st_size;
	if (k->p->command != NULL && archive_name_todo(path, todo,
	    sizeof todo) && faccessat(k->p->dir, todo, F_OK, 0) == 0)
		return !k->p->stop;
	if (k->n == k->cap) {
		size_t cap = k->cap == 0 ? 256 : 2 * k->cap;
		struct kept *v = realloc(k->v, cap * sizeof *v);

		if (v == NULL)
			return false;
		k->v = v;
		k->cap = cap;
	}
	k->v[k->n].path = strdup(path);
	if (k->v[k->n].path == NULL)
		return false;
	k->v[k->n].time_ns = t;
	k->v[k->n++].size = (uint64_t)st->st_size;
	return !k->p->stop;
}

static int
by_time(const void *a, const void *b)
{
	const struct kept *x = a, *y = b;

	return x->time_ns < y->time_ns ? -1 : x->time_ns > y->time_ns;
}

static void
keep(struct closer *p)
{
	struct keep k = { .p = p };

	if (p->keep_ns == 0 && p->keep_size == 0)
		return;
	archive_walk(p->dir, p->pattern, consider, &k);
	if (k.n > 1)
		qsort(k.v, k.n, sizeof *k.v, by_time);
	k.before_ns = clock_real_ns() - p->keep_ns;
	for (size_t i = 0; i < k.n; i++) {
		if ((p->keep_ns > 0 && k.v[i].time_ns < k.before_ns) ||
		    (p->keep_size > 0 && k.total > p->keep_size)) {
			drop(p, k.v[i].path);
			k.total -= k.v[i].size;
		}
		free(k.v[i].path);
	}
	free(k.v);
}

/* ---- the thread ---- */

static void
pause_until(struct closer *p, int64_t at)
{
	struct timespec t;
	int64_t wait = at - clock_mono_ns();

	clock_gettime(CLOCK_REALTIME, &t);
	wait = wait < NS_PER_MS ? NS_PER_MS : wait;
	t.tv_sec += wait / NS_PER_S;
	t.tv_nsec += wait % NS_PER_S;
	if (t.tv_nsec >= NS_PER_S) {
		t.tv_sec++;
		t.tv_nsec -= NS_PER_S;
	}
	pthread_cond_timedwait(&p->cond, &p->mutex, &t);
}

/* One piece of work; false: there is none now.  The mutex is held between. */
static bool
work(struct closer *p)
{
	int64_t now = clock_mono_ns();
	bool rescan = p->rescan && p->closed.n == 0;
	char *path = NULL, *todo = NULL;
	bool sweep = now >= p->keep_at;

	if (!rescan && now >= p->pack_at && p->zstd)
		path = list_take(&p->closed);
	else if (!rescan && !p->zstd)
		path = list_take(&p->closed);
	if (path == NULL && now >= p->command_at)
		todo = list_take(&p->todo);
	if (sweep)
		p->keep_at = now + KEEP_EVERY_S * NS_PER_S;
	if (!rescan && path == NULL && todo == NULL && !sweep)
		return false;
	pthread_mutex_unlock(&p->mutex);
	if (rescan)
		look_around(p);
	if (path != NULL && p->zstd)
		pack(p, path);
	else if (path != NULL)
		to_command(p, path);
	if (todo != NULL && p->command != NULL)
		command(p, todo);
	if (sweep)
		keep(p);
	free(path);
	free(todo);
	pthread_mutex_lock(&p->mutex);
	return true;
}

static void *
run(void *ctx)
{
	struct closer *p = ctx;

	/* only this thread, on Linux */
	(void)setpriority(PRIO_PROCESS, 0, 10);
	look_around(p);
	pthread_mutex_lock(&p->mutex);
	while (!p->stop) {
		int64_t at;

		if (work(p))
			continue;
		at = p->keep_at;
		if (p->closed.n > 0 && p->pack_at < at)
			at = p->pack_at;
		if (p->todo.n > 0 && p->command_at < at)
			at = p->command_at;
		pause_until(p, at);
	}
	pthread_mutex_unlock(&p->mutex);
	return NULL;
}

void
closer_add(struct closer *p, const char *path)
{
	pthread_mutex_lock(&p->mutex);
	if (!list_add(&p->closed, path))
		p->rescan = true;
	pthread_cond_signal(&p->cond);
	pthread_mutex_unlock(&p->mutex);
}

void
closer_stats(struct closer *p, struct closer_stats *out)
{
	pthread_mutex_lock(&p->mutex);
	*out = p->stats;
	out->waiting = p->closed.n;
	pthread_mutex_unlock(&p->mutex);
}

/* ---- life ---- */

static bool
take_conf(struct closer *p, const struct conf_archive *c)
{
	enum log_format f = LOG_FORMAT_SYSLOG;

	p->name = strdup(c->name);
	p->path = strdup(c->dir);
	p->pattern = archive_pattern(c->file);
	p->command = c->command == NULL || *c->command == '\0' ? NULL :
	    strdup(c->command);
	p->zstd = c->zstd;
	p->level = c->level;
	log_format_named(slice_str(c->format), &f);
	p->format = (uint8_t)f;
	p->keep_ns = c->keep_ms > INT64_MAX / 1000000 ? 0 :
	    (int64_t)c->keep_ms * NS_PER_MS;
	p->keep_size = c->keep_size;
	return p->name != NULL && p->path != NULL && p->pattern != NULL;
}

static bool
start(struct closer *p)
{
	sigset_t all, old;
	bool ok;

	sigfillset(&all);
	pthread_sigmask(SIG_SETMASK, &all, &old);
	p->stop = false;
	ok = pthread_create(&p->thread, NULL, run, p) == 0;
	pthread_sigmask(SIG_SETMASK, &old, NULL);
	p->started = ok;
	return ok;
}

static void
stop(struct closer *p)
{
	if (!p->started)
		return;
	pthread_mutex_lock(&p->mutex);
	p->stop = true;
	pthread_cond_signal(&p->cond);
	pthread_mutex_unlock(&p->mutex);
	pthread_join(p->thread, NULL);
	p->started = false;
}

static void
forget_conf(struct closer *p)
{
	free(p->name);
	free(p->path);
	free(p->pattern);
	free(p->command);
	p->name = p->path = p->pattern = p->command = NULL;
}

struct closer *
closer_new(const struct conf_archive *conf)
{
	struct closer *p = calloc(1, sizeof *p);

	if (p == NULL)
		return NULL;
	pthread_mutex_init(&p->mutex, NULL);
	pthread_cond_init(&p->cond, NULL);
	p->dir = open(conf->dir, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	if (p->dir == -1 || !take_conf(p, conf) || !start(p)) {
		int saved = errno;

		closer_free(p);
		errno = saved;
		return NULL;
	}
	return p;
}

/* The thread reads its configuration without the mutex: so it is stopped. */
void
closer_conf(struct closer *p, const struct conf_archive *conf)
{
	stop(p);
	forget_conf(p);
	if (!take_conf(p, conf) || !start(p))
		log_error("archive %s: closed files are not packed any more: "
		    "%s", conf->name, strerror(errno));
}

void
closer_free(struct closer *p)
{
	if (p == NULL)
		return;
	stop(p);
	list_fini(&p->closed);
	list_fini(&p->todo);
	forget_conf(p);
	if (p->dir != -1)
		close(p->dir);
	pthread_mutex_destroy(&p->mutex);
	pthread_cond_destroy(&p->cond);
	free(p);
}
