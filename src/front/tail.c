/* tail.c - follow files: find, read, cut into messages, remember.
 *
 * A message is a line, or with a pattern several.  Each read makes one ticket;
 * when it comes back its messages are on the disk, and the place of the file
 * moves on.  After a sudden end the file is read again from its place, and what
 * was stored already is known by its offset (core/batch.h, struct log_origin);
 * for that the messages under way are few. */
#include "config.h"

#include <assert.h>
#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <glob.h>
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/inotify.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/clock.h"
#include "base/hash.h"
#include "base/log.h"
#include "base/regex.h"
#include "core/ticket.h"
#include "front/tail.h"
#include "front/tail_places.h"
#include "front/worker.h"

#define CHUNK 65536
#define LINES_OUT 1000		/* of one file that are not stored yet */
#define PASS_S 1.0
#define SOON_S 0.02
#define ROTATED_NS (5 * NS_PER_S)	/* silence after which a renamed file is done */
#define WATCH_MASK (IN_MODIFY | IN_CREATE | IN_MOVED_TO | IN_MOVED_FROM | \
	IN_DELETE | IN_ATTRIB)

struct followed;

/* What one read gave, until it is stored. */
struct stake {
	struct stake *next;
	struct followed *file;		/* NULL: it has gone */
	struct ticket *ticket;
	struct worker *worker;
	bool back;
	unsigned lines;
	int64_t end;			/* of its last message */
	uint64_t print;			/* of the file's beginning, as read */
	uint32_t print_len;
};

struct followed {
	struct followed *next;
	struct tail *tail;
	struct tail_place *place;
	struct stake *first, *last;
	struct log_origin origin;
	struct buf message;		/* lines of a message not ended yet */
	unsigned message_lines;
	uint32_t message_flags;
	int64_t message_begin;
	int64_t offset;			/* read up to here */
	int64_t grown_ns;		/* when something was read last */
	unsigned lines_out;
	bool renamed;			/* its path is another file's, or none's */
	bool skipping;			/* the rest of a line that was too long */
	bool failed;			/* to be read anew from its place */
	bool seen;			/* in this look at the patterns */
	int fd;
	char app[128];
	char sd[TAIL_PATH * 2 + 32];
};

struct tail {
	struct worker *worker;
	const struct conf_tail *conf;
	struct regex *first_line;	/* or NULL */
	struct tail_places *places;
	struct followed *files;
	size_t nfiles;
	struct buf chunk;
	ev_timer pass, soon;
	ev_io changed;
	int inotify;
	bool fresh;			/* the first look of a first start */
	bool stopped, full;
};

/* ---- storing ---- */

/* The beginning of the file as it was when it was read, up to where that is
 * stored: what is behind may change under us. */
static void
take_print(struct stake *k, const struct followed *f)
{
	char bytes[TAIL_PRINT];
	ssize_t n;

	if (f->place->print_len == TAIL_PRINT)
		return;
	n = pread(f->fd, bytes, sizeof bytes, 0);
	if (n > k->end)
		n = (ssize_t)k->end;
	if (n <= 0)
		return;
	k->print = hash_stable(slice_of(bytes, (size_t)n), 0);
	k->print_len = (uint32_t)n;
}

static void
move_on(struct tail_place *p, const struct stake *k)
{
	p->offset = k->end;
	if (k->print_len > p->print_len) {
		p->print = k->print;
		p->print_len = k->print_len;
	}
}

static bool
print_fits(int fd, const struct tail_place *p)
{
	char bytes[TAIL_PRINT];
	ssize_t n = p->print_len == 0 ? 0 : pread(fd, bytes, p->print_len, 0);

	return n == (ssize_t)p->print_len &&
	    (n == 0 || hash_stable(slice_of(bytes, (size_t)n), 0) == p->print);
}

static void
stake_free(struct stake *k)
{
	free(k->ticket);
	free(k);
}

static void
soon(struct tail *t)
{
	if (t->stopped || ev_is_active(&t->soon))
		return;
	ev_timer_set(&t->soon, SOON_S, 0);
	ev_timer_start(t->worker->thread.loop, &t->soon);
}

/* In their order: the place may not pass what is not stored. */
static void
collect(struct followed *f)
{
	while (f->first != NULL && f->first->back) {
		struct stake *k = f->first;

		f->first = k->next;
		if (f->first == NULL)
			f->last = NULL;
		f->lines_out -= k->lines;
		if (atomic_load(&k->ticket->worst) > TICKET_DUPLICATE)
			f->failed = true;
		else if (!f->failed)
			move_on(f->place, k);
		stake_free(k);
	}
	soon(f->tail);
}

static void
stored(struct letter *l, void *worker)
{
	struct ticket *t = (struct ticket *)l;
	struct stake *k = (struct stake *)(uintptr_t)t->connection;

	((struct worker *)worker)->tickets_out--;
	k->back = true;
	if (k->file == NULL)
		stake_free(k);
	else
		collect(k->file);
}

static struct stake *
stake_new(struct followed *f)
{
	struct stake *k = calloc(1, sizeof *k);
	struct worker *w = f->tail->worker;

	if (k == NULL)
		return NULL;
	k->ticket = ticket_new(&w->inbox, stored, (uint64_t)(uintptr_t)k, 0,
	    0);
	if (k->ticket == NULL) {
		free(k);
		return NULL;
	}
	k->file = f;
	w->tickets_out++;
	if (f->last == NULL)
		f->first = k;
	else
		f->last->next = k;
	f->last = k;
	return k;
}

/* ---- messages ---- */

static void
give(struct followed *f, struct slice text, int64_t begin, uint32_t flags,
    struct stake *k)
{
	struct worker *w = f->tail->worker;
	struct record r = {
		.kind = RECORD_LOG, .source = SOURCE_TAIL,
		.time_ns = w->now_ns, .received_ns = w->now_ns,
		.peer = slice_str(f->place->path),
		.log = {
			.facility = 1, .severity = 6, .flags = flags,
			.host = slice_str(w->host), .app = slice_str(f->app),
			.sd = slice_str(f->sd), .body = text, .raw = text
		}
	};

	f->origin.message = hash_stable(text, (uint64_t)begin);
	pipeline_log(&w->pipeline, &r, k->ticket, &f->origin);
	f->origin.ordinal += f->origin.ordinal < UINT32_MAX;
	f->lines_out++;
	k->lines++;
}

static void
give_message(struct followed *f, struct stake *k)
{
	if (f->message.len == 0)
		return;
	give(f, buf_slice(&f->message), f->message_begin, f->message_flags, k);
	buf_clear(&f->message);
	f->message_lines = 0;
	f->message_flags = 0;
}

/* A line: a message, or a part of one. */
static void
take_line(struct followed *f, struct slice line, int64_t begin, uint32_t flags,
    struct stake *k)
{
	struct tail *t = f->tail;
	bool first = t->first_line == NULL ||
	    regex_match(t->first_line, line, NULL);

	if (t->first_line == NULL) {
		if (line.len > 0)
			give(f, line, begin, flags, k);
		return;
	}
	if (first || f->message_lines >= t->conf->multiline_lines ||
	    f->message.len + line.len + 1 > t->conf->max_line)
		give_message(f, k);
	if (f->message.len == 0) {
		f->message_begin = begin;
		if (line.len == 0)
			return;
	} else {
		buf_addc(&f->message, '\n');
	}
	buf_add_slice(&f->message, line);
	f->message_lines++;
	f->message_flags |= flags;
}

static struct slice
trimmed(struct slice line)
{
	if (line.len > 0 && line.ptr[line.len - 1] == '\r')
		line.len--;
	return line;
}

/* Lines off a chunk that was read at f->offset; eof: nothing will follow it.
 * Returns how many bytes are done with. */
static size_t
cut_lines(struct followed *f, struct slice all, bool eof, struct stake *k)
{
	size_t max = f->tail->conf->max_line, done = 0;

	while (done < all.len && f->lines_out < LINES_OUT) {
		struct slice rest = slice_from(all, done);
		size_t nl = slice_find(rest, '\n');
		int64_t begin = f->offset + (int64_t)done;

		if (nl == rest.len && !eof && rest.len <= max && !f->skipping)
			break;
		if (f->skipping)
			f->skipping = nl == rest.len;
		else if (nl > max) {
			take_line(f, slice_upto(rest, max), begin,
			    LOG_FLAG_TRUNCATED, k);
			f->skipping = nl == rest.len;
		} else {
			take_line(f, trimmed(slice_upto(rest, nl)), begin,
			    nl == rest.len ? LOG_FLAG_NOEOL : 0, k);
		}
		done += nl < rest.len ? nl + 1 : nl;
	}
	return done;
}

/* ---- reading ---- */

static void
restart(struct followed *f, int64_t offset)
{
	f->offset = offset;
	f->skipping = false;
	buf_clear(&f->message);
	f->message_lines = 0;
	f->message_flags = 0;
}

static void
begin_anew(struct tail_place *p, int64_t offset)
{
	p->offset = offset;
	p->print_len = 0;
	p->born_ns = clock_real_ns();
}

/* The same after a restart, another one for another file. */
static void
name_sender(struct followed *f)
{
	uint64_t what[] = { f->place->dev, f->place->ino,
	    (uint64_t)f->place->born_ns };

	f->origin.sender = hash_stable(slice_of((const char *)what,
	    sizeof what), UINT64_C(0x7461696c));
}

/* It was cut, or written anew, by copytruncate or somebody else. */
static bool
was_cut(const struct followed *f, const struct stat *st)
{
	return st->st_size < f->offset || !print_fits(f->fd, f->place);
}

static bool
overdue(const struct followed *f)
{
	return f->message.len > 0 && clock_mono_ns() - f->grown_ns >
	    (int64_t)f->tail->conf->multiline_wait_ms * NS_PER_MS;
}

/* Would a read of these bytes give something? */
static bool
worth(const struct followed *f, struct slice s, bool last)
{
	if (s.len == 0)
		return f->message.len > 0 && (last || overdue(f));
	return last || f->skipping || s.len > f->tail->conf->max_line ||
	    slice_find(s, '\n') < s.len;
}

/* One read.  True: there may be more to read at once. */
static bool
read_some(struct followed *f, bool last)
{
	struct tail *t = f->tail;
	size_t want = t->conf->max_line + CHUNK;
	ssize_t n;
	struct stake *k;
	size_t done;

	buf_clear(&t->chunk);
	assert(f->offset >= f->place->offset);
	if (!buf_reserve(&t->chunk, want))
		return false;
	n = pread(f->fd, t->chunk.data, want, f->offset);
	if (n < 0) {
		LOG_LIMITED(LOG_AT_WARN, 60, "tail: %s: %s", f->place->path,
		    strerror(errno));
		return false;
	}
	if (!worth(f, slice_of(t->chunk.data, (size_t)n), last))
		return false;
	k = stake_new(f);
	if (k == NULL)
		return false;
	done = cut_lines(f, slice_of(t->chunk.data, (size_t)n),
	    last && n < (ssize_t)want, k);
	f->offset += (int64_t)done;
	if (done > 0)
		f->grown_ns = clock_mono_ns();
	else if (n == 0 || (last && f->message.len > 0))
		give_message(f, k);
	k->end = f->message.len > 0 ? f->message_begin : f->offset;
	take_print(k, f);
	counter_add(&t->worker->pipeline.ledger.bytes[SOURCE_TAIL], done);
	t->worker->activity += done > 0;
	ticket_release(k->ticket);
	return done > 0;
}

static void
read_file(struct followed *f)
{
	struct tail *t = f->tail;
	bool last = f->renamed && clock_mono_ns() - f->grown_ns > ROTATED_NS;
	struct stat st;

	if (f->failed && f->first == NULL) {
		f->failed = false;
		restart(f, f->place->offset);
	}
	if (f->failed || fstat(f->fd, &st) != 0)
		return;
	if (was_cut(f, &st)) {
		if (f->first != NULL)
			return;		/* its place moves still */
		log_info("tail: %s was cut, reading it from its beginning",
		    f->place->path);
		begin_anew(f->place, 0);
		name_sender(f);
		restart(f, 0);
	}
	for (int i = 0; i < 8; i++) {
		t->full = pipeline_full(&t->worker->pipeline, RECORD_LOG);
		if (t->full || f->lines_out >= LINES_OUT)
			break;
		if (!read_some(f, last))
			return;
	}
	soon(t);
}

/* ---- files ---- */

static void
name_app(struct followed *f, const char *path)
{
	const char *base = strrchr(path, '/');
	const char *app = f->tail->conf->app;
	char *dot;

	base = base == NULL ? path : base + 1;
	snprintf(f->app, sizeof f->app, "%s", app != NULL ? app : base);
	dot = app != NULL ? NULL : strrchr(f->app, '.');
	if (dot != NULL && dot != f->app && strcmp(dot, ".log") == 0)
		*dot = '\0';
}

/* RFC 5424 wants three characters escaped. */
static void
name_sd(struct followed *f, const char *path)
{
	size_t n = (size_t)snprintf(f->sd, sizeof f->sd, "[tail@0 file=\"");

	for (; *path != '\0' && n < sizeof f->sd - 4; path++) {
		if (*path == '"' || *path == '\\' || *path == ']')
			f->sd[n++] = '\\';
		f->sd[n++] = *path;
	}
	snprintf(f->sd + n, sizeof f->sd - n, "\"]");
}

static void
followed_free(struct followed *f)
{
	struct stake *k, *next;

	for (k = f->first; k != NULL; k = next) {
		next = k->next;
		k->file = NULL;
		if (k->back)
			stake_free(k);
	}
	close(f->fd);
	buf_fini(&f->message);
	free(f);
}

static struct followed *
followed_new(struct tail *t, const char *path, int fd, struct tail_place *p)
{
	struct followed *f = calloc(1, sizeof *f);

	if (f == NULL)
		return NULL;
	f->tail = t;
	f->fd = fd;
	f->place = p;
	buf_init(&f->message, t->conf->max_line + 1);
	f->grown_ns = clock_mono_ns();
	restart(f, p->offset);
	name_app(f, path);
	name_sd(f, path);
	name_sender(f);
	f->origin.connection = worker_connection(t->worker);
	f->next = t->files;
	t->files = f;
	t->nfiles++;
	return f;
}

static struct tail_place *
place_for(struct tail *t, const char *path, int fd, const struct stat *st)
{
	struct tail_place *p = tail_places_find(t->places, st->st_dev,
	    st->st_ino);

	if (p == NULL && (p = tail_places_new(t->places)) != NULL) {
		p->dev = st->st_dev;
		p->ino = st->st_ino;
		begin_anew(p, t->fresh && t->conf->from_end ?
		    st->st_size : 0);
	} else if (p != NULL && (p->offset > st->st_size ||
	    !print_fits(fd, p))) {
		begin_anew(p, 0);	/* the inode is used again, or cut */
	}
	if (p != NULL)
		snprintf(p->path, sizeof p->path, "%s", path);
	return p;
}

static struct followed *
follow(struct tail *t, const char *path)
{
	struct followed *f = NULL;
	int fd = open(path, O_RDONLY | O_CLOEXEC | O_NONBLOCK | O_NOCTTY);
	struct tail_place *p;
	struct stat st;

	if (fd == -1) {
		if (errno != ENOENT)
			LOG_LIMITED(LOG_AT_WARN, 60, "tail: %s: %s", path,
			    strerror(errno));
		return NULL;
	}
	if (fstat(fd, &st) == 0 && S_ISREG(st.st_mode) &&
	    strlen(path) < TAIL_PATH) {
		p = place_for(t, path, fd, &st);
		if (p == NULL)
			LOG_LIMITED(LOG_AT_WARN, 60, "tail: more than %d "
			    "files; %s is not followed", TAIL_FILES, path);
		else
			f = followed_new(t, path, fd, p);
	}
	if (f == NULL)
		close(fd);
	return f;
}

static struct followed *
followed_by(const struct tail *t, const struct stat *st)
{
	struct followed *f = t->files;

	while (f != NULL && (f->place->ino != st->st_ino ||
	    f->place->dev != st->st_dev))
		f = f->next;
	return f;
}

static bool
is_packed(const char *path)
{
	static const char *const ends[] = { ".gz", ".zst", ".xz", ".bz2" };
	size_t len = strlen(path);

	for (size_t i = 0; i < sizeof ends / sizeof ends[0]; i++) {
		size_t n = strlen(ends[i]);

		if (len > n && strcmp(path + len - n, ends[i]) == 0)
			return true;
	}
	return false;
}

static void
look_at(struct tail *t, const char *path)
{
	struct followed *f;
	struct stat st;

	if (stat(path, &st) != 0 || !S_ISREG(st.st_mode) || is_packed(path))
		return;
	f = followed_by(t, &st);
	if (f == NULL)
		f = follow(t, path);
	if (f == NULL)
		return;
	f->seen = true;
	f->renamed = false;
}

/* ---- what was renamed while nobody looked ---- */

static struct followed *
look_beside(struct tail *t, const struct tail_place *p)
{
	char dir[TAIL_PATH], path[TAIL_PATH * 2];
	const char *slash = strrchr(p->path, '/');
	struct followed *f = NULL;
	struct dirent *e;
	struct stat st;
	DIR *d;

	snprintf(dir, sizeof dir, "%.*s", slash == NULL ? 1 :
	    (int)(slash - p->path), slash == NULL ? "." : p->path);
	d = opendir(dir);
	while (f == NULL && d != NULL && (e = readdir(d)) != NULL) {
		snprintf(path, sizeof path, "%s/%s", dir, e->d_name);
		if (e->d_ino == p->ino && stat(path, &st) == 0 &&
		    st.st_ino == p->ino && st.st_dev == p->dev &&
		    st.st_size > p->offset)
			f = follow(t, path);
	}
	if (d != NULL)
		closedir(d);
	return f;
}

static bool
is_followed(const struct tail *t, const struct tail_place *p)
{
	const struct followed *f = t->files;

	while (f != NULL && f->place != p)
		f = f->next;
	return f != NULL;
}

static void
find_renamed(struct tail *t)
{
	for (unsigned i = 0; i < TAIL_FILES; i++) {
		struct tail_place *p = tail_places_at(t->places, i);
		char was[TAIL_PATH];
		struct followed *f;

		if (p->used == 0 || is_followed(t, p))
			continue;
		memcpy(was, p->path, sizeof was);
		f = look_beside(t, p);
		if (f == NULL) {
			tail_places_free(t->places, p);
			continue;
		}
		f->renamed = true;
		name_app(f, was);	/* what it was written as */
		name_sd(f, was);
	}
}

/* ---- a look at the patterns ---- */

static void
watch_dir(struct tail *t, const char *path)
{
	char dir[PATH_MAX];
	const char *slash = strrchr(path, '/');

	snprintf(dir, sizeof dir, "%.*s", slash == NULL ? 1 :
	    (int)(slash - path) + (slash == path), slash == NULL ? "." : path);
	if (t->inotify != -1)
		(void)inotify_add_watch(t->inotify, dir, WATCH_MASK);
}

static void
look(struct tail *t)
{
	for (struct followed *f = t->files; f != NULL; f = f->next)
		f->seen = false;
	for (size_t i = 0; i < t->conf->files.n; i++) {
		glob_t g;

		watch_dir(t, t->conf->files.v[i]);
		if (glob(t->conf->files.v[i], GLOB_NOSORT, NULL, &g) != 0)
			continue;
		for (size_t j = 0; j < g.gl_pathc; j++) {
			watch_dir(t, g.gl_pathv[j]);
			look_at(t, g.gl_pathv[j]);
		}
		globfree(&g);
	}
	for (struct followed *f = t->files; f != NULL; f = f->next)
		if (!f->seen && !f->renamed) {
			f->renamed = true;
			f->grown_ns = clock_mono_ns();
		}
	t->fresh = false;
}

/* Renamed files that were read to their end and are silent. */
static void
let_go(struct tail *t)
{
	struct followed **at = &t->files, *f;

	while ((f = *at) != NULL) {
		struct stat st;

		if (!f->renamed || f->first != NULL || f->message.len > 0 ||
		    clock_mono_ns() - f->grown_ns <= 2 * ROTATED_NS ||
		    fstat(f->fd, &st) != 0 || st.st_size > f->offset) {
			at = &f->next;
			continue;
		}
		*at = f->next;
		t->nfiles--;
		tail_places_free(t->places, f->place);
		followed_free(f);
	}
}

static void
read_all(struct tail *t)
{
	worker_now(t->worker);
	for (struct followed *f = t->files; f != NULL && !t->stopped;
	    f = f->next)
		read_file(f);
	if (t->full)
		soon(t);
}

static void
on_soon(struct ev_loop *loop, ev_timer *w, int revents)
{
	read_all(w->data);
}

static void
on_pass(struct ev_loop *loop, ev_timer *w, int revents)
{
	struct tail *t = w->data;

	look(t);
	read_all(t);
	let_go(t);
}

static void
on_change(struct ev_loop *loop, ev_io *w, int revents)
{
	struct tail *t = w->data;
	_Alignas(struct inotify_event) char events[8192];
	bool names = false;
	ssize_t n;

	while ((n = read(t->inotify, events, sizeof events)) > 0)
		for (ssize_t at = 0; at < n; ) {
			const struct inotify_event *e =
			    (const void *)(events + at);

			names |= (e->mask & ~(uint32_t)IN_MODIFY) != 0;
			at += (ssize_t)(sizeof *e + e->len);
		}
	if (names)
		look(t);
	soon(t);
}

/* ---- life ---- */

static int
tail_begin(struct tail *t, struct worker *w, const struct conf *conf)
{
	char path[PATH_MAX];
	struct regex_error e;

	snprintf(path, sizeof path, "%s/tail", conf->state_dir);
	t->places = tail_places_open(path);
	if (t->places == NULL) {
		log_warn("tail: %s: %s: places are not remembered", path,
		    strerror(errno));
		t->places = tail_places_open(NULL);
	}
	if (t->places == NULL || (conf->tail.multiline != NULL &&
	    (t->first_line = regex_new(slice_str(conf->tail.multiline),
	    &e)) == NULL))
		return -1;
	t->fresh = tail_places_fresh(t->places);
	buf_init(&t->chunk, conf->tail.max_line + CHUNK);
	return 0;
}

struct tail *
tail_new(struct worker *w, const struct conf *conf)
{
	struct tail *t;

	if (conf->tail.files.n == 0)
		return NULL;
	t = calloc(1, sizeof *t);
	if (t == NULL)
		return NULL;
	t->worker = w;
	t->conf = &conf->tail;
	t->inotify = inotify_init1(IN_NONBLOCK | IN_CLOEXEC);
	if (tail_begin(t, w, conf) != 0) {
		log_error("tail: out of memory, nothing is followed");
		tail_free(t);
		return NULL;
	}
	ev_timer_init(&t->pass, on_pass, 0, PASS_S);
	ev_init(&t->soon, on_soon);
	ev_io_init(&t->changed, on_change, t->inotify, EV_READ);
	t->pass.data = t->soon.data = t->changed.data = t;
	look(t);
	find_renamed(t);
	ev_timer_start(w->thread.loop, &t->pass);
	if (t->inotify != -1)
		ev_io_start(w->thread.loop, &t->changed);
	return t;
}

void
tail_stop(struct tail *t)
{
	if (t == NULL || t->stopped)
		return;
	t->stopped = true;
	if (t->pass.data == NULL)
		return;
	ev_timer_stop(t->worker->thread.loop, &t->pass);
	ev_timer_stop(t->worker->thread.loop, &t->soon);
	ev_io_stop(t->worker->thread.loop, &t->changed);
}

void
tail_free(struct tail *t)
{
	if (t == NULL)
		return;
	tail_stop(t);
	while (t->files != NULL) {
		struct followed *f = t->files;

		t->files = f->next;
		followed_free(f);
	}
	if (t->inotify != -1)
		close(t->inotify);
	tail_places_close(t->places);
	regex_free(t->first_line);
	buf_fini(&t->chunk);
	free(t);
}
