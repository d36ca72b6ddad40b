/* journal.c - the journal as the events thread sees it: append, commit, ask.
 *
 * An event is turned into its record here, all but what depends on the place
 * where it will stand; the syncing thread gives it its place.  So a batch that
 * could not be written to one file can still be written to another. */
#include "config.h"

#include <assert.h>
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <unistd.h>

#include "sink/journal_private.h"

/* ---- streams ---- */

static uint64_t
naming_len(struct slice name)
{
	return journal_pad(JOURNAL_HEAD + name.len);
}

static struct stream *
stream_new(struct journal *j, uint32_t number, struct slice name)
{
	struct stream *st;

	if (name.len == 0 || name.len > JOURNAL_MAX_NAME ||
	    number >= j->o.max_streams ||
	    /* the names must not fill the segments */
	    j->naming_bytes + naming_len(name) > j->o.segment_bytes / 4)
		return NULL;
	st = calloc(1, sizeof *st);
	if (st == NULL)
		return NULL;
	if (!map_put(j->names, name, st, NULL)) {
		free(st);
		return NULL;
	}
	st->name = map_key(j->names, name);
	st->number = number;
	j->streams[number] = st;
	if (number >= j->nstreams)
		j->nstreams = number + 1;
	j->naming_bytes += naming_len(name);
	return st;
}

struct stream *
journal_stream_get(struct journal *j, struct slice name, bool make)
{
	struct stream *st = map_get(j->names, name);

	if (st == NULL && make)
		st = stream_new(j, j->nstreams, name);
	return st;
}

struct stream *
journal_stream_numbered(struct journal *j, uint32_t number, struct slice name)
{
	struct stream *st = map_get(j->names, name);

	if (st != NULL)
		return st->number == number ? st : NULL;
	if (number < j->nstreams && j->streams[number] != NULL)
		return NULL;
	return stream_new(j, number, name);
}

/* ---- appending ---- */

size_t
journal_varint_len(uint64_t v)
{
	size_t n = 1;

	for (; v > 127; v >>= 7)
		n++;
	return n;
}

uint8_t *
journal_varint_put(uint8_t *to, uint64_t v)
{
	for (; v > 127; v >>= 7)
		*to++ = (uint8_t)(v | 128);
	*to++ = (uint8_t)v;
	return to;
}

static size_t
sections_len(const struct event_record *ev)
{
	return ev->nsections == 0 ? 0 : 1 + (size_t)ev->nsections * 8;
}

static size_t
payload_len(const struct event_record *ev)
{
	size_t n = sections_len(ev) + journal_varint_len(ev->nfields);

	for (size_t i = 0; i < ev->nfields; i++) {
		struct slice k = ev->fields[i].key, v = ev->fields[i].value;

		n += journal_varint_len(k.len) + journal_varint_len(v.len) +
		    k.len + v.len;
	}
	return n;
}

static uint8_t *
put_sections(uint8_t *to, const struct event_record *ev)
{
	if (ev->nsections == 0)
		return to;
	*to++ = ev->nsections;
	for (unsigned i = 0; i < ev->nsections; i++, to += 8)
		journal_put64(to, ev->sections[i]);
	return to;
}

static void
put_fields(uint8_t *to, const struct event_record *ev)
{
	to = journal_varint_put(to, ev->nfields);
	for (size_t i = 0; i < ev->nfields; i++) {
		struct slice k = ev->fields[i].key, v = ev->fields[i].value;

		to = journal_varint_put(to, k.len);
		to = journal_varint_put(to, v.len);
		if (k.len > 0)
			memcpy(to, k.ptr, k.len);
		to += k.len;
		if (v.len > 0)
			memcpy(to, v.ptr, v.len);
		to += v.len;
	}
}

/* Is there room on disk for so much more?  What does not fit at the end of a
 * segment is lost there, so a record's length is taken off each. */
static bool
has_room(const struct journal *j, uint64_t need, uint64_t naming)
{
	uint64_t waste = j->unit_max > need ? j->unit_max : need;
	uint64_t off = 2 * JOURNAL_PAGE + j->naming_bytes + naming + waste;
	uint64_t room = j->room > waste + naming ? j->room - waste - naming : 0;

	if (j->o.segment_bytes > off)
		room += j->nspares * (j->o.segment_bytes - off);
	return j->gather.len + j->writing + need <= room;
}

static enum journal_result
no_room(struct journal *j)
{
	pthread_cond_signal(&j->chores);
	if (atomic_load(&j->state) == JOURNAL_BROKEN)
		return JOURNAL_FAILED;
	if (!j->no_space)
		return JOURNAL_BUSY;	/* a file is being made */
	if (atomic_exchange(&j->state, JOURNAL_NO_SPACE) != JOURNAL_NO_SPACE)
		j->stats.full_times++;
	return j->spare_errno == 0 || j->spare_errno == ENOSPC ||
	    j->spare_errno == EDQUOT ? JOURNAL_FULL : JOURNAL_FAILED;
}

/* May `need` more bytes be taken, of n events?  Finds their streams. */
static enum journal_result
admit(struct journal *j, const struct event_record *evs, size_t n,
    uint64_t need)
{
	uint64_t naming = 0;

	if (atomic_load(&j->state) == JOURNAL_BROKEN)
		return JOURNAL_FAILED;
	if (j->gather.len > j->o.batch_bytes ||
	    need > j->o.batch_bytes - j->gather.len)
		return JOURNAL_BUSY;
	for (size_t i = 0; i < n; i++)
		if (journal_stream_get(j, evs[i].stream, false) == NULL)
			naming += naming_len(evs[i].stream);
	if (!has_room(j, need, naming))
		return no_room(j);
	if (!buf_reserve(&j->gather, need))
		return j->gather.len > 0 ? JOURNAL_BUSY : JOURNAL_FAILED;
	for (size_t i = 0; i < n; i++)
		if (journal_stream_get(j, evs[i].stream, true) == NULL)
			return JOURNAL_TOO_MANY;
	return JOURNAL_OK;
}

static void
add(struct journal *j, const struct event_record *ev, bool more,
    uint64_t now_ms, struct journal_id *id)
{
	struct stream *st = journal_stream_get(j, ev->stream, false);
	struct journal_record r = {
		.type = JOURNAL_EVENT,
		.flags = (uint8_t)((more ? JOURNAL_MORE : 0) |
		    (ev->nsections > 0 ? JOURNAL_ROUTED : 0)),
		.stream = st->number,
		.pid = ev->pid,
		.iid = ev->iid,
		.payload = { NULL, payload_len(ev) }
	};

	if (st->ms < now_ms)
		st->ms = now_ms;
	r.ms = st->ms;
	r.seq = ++st->seq;
	r.lsn = ++j->stats.appended_lsn;
	r.len = journal_record_len(r.pid.len, r.iid.len, r.payload.len);
	put_fields(put_sections(journal_record_put((uint8_t *)j->gather.data +
	    j->gather.len, &r), ev), ev);
	j->gather.len += journal_pad(r.len);
	*id = (struct journal_id){ r.ms, r.seq, r.lsn };
}

enum journal_result
journal_append_group(struct journal *j, const struct event_record *evs,
    size_t n, int64_t now_ms, struct journal_id *ids)
{
	enum journal_result result;
	uint64_t need = 0;

	for (size_t i = 0; i < n; i++) {
		uint32_t len = journal_record_len(evs[i].pid.len,
		    evs[i].iid.len, payload_len(&evs[i]));

		if (len == 0 || len > j->o.event_bytes ||
		    evs[i].stream.len == 0 ||
		    evs[i].stream.len > JOURNAL_MAX_NAME)
			return JOURNAL_TOO_LONG;
		need += journal_pad(len);
	}
	if (need > j->o.batch_bytes || need > j->o.segment_bytes / 4)
		return JOURNAL_TOO_LONG;
	pthread_mutex_lock(&j->lock);
	result = admit(j, evs, n, need);
	if (result == JOURNAL_OK) {
		for (size_t i = 0; i < n; i++)
			add(j, &evs[i], i + 1 < n,
			    now_ms > 0 ? (uint64_t)now_ms : 0, &ids[i]);
		if (need > j->unit_max)
			j->unit_max = need;
		atomic_store(&j->appended, j->stats.appended_lsn);
		if (atomic_load(&j->state) == JOURNAL_NO_SPACE)
			atomic_store(&j->state, JOURNAL_WORKING);
	}
	pthread_mutex_unlock(&j->lock);
	return result;
}

enum journal_result
journal_append(struct journal *j, const struct event_record *ev,
    int64_t now_ms, struct journal_id *id)
{
	return journal_append_group(j, ev, 1, now_ms, id);
}

void
journal_commit(struct journal *j)
{
	pthread_mutex_lock(&j->lock);
	if (j->syncer_idle && j->gather.len > 0) {
		j->syncer_idle = false;
		pthread_cond_signal(&j->work);
	}
	pthread_mutex_unlock(&j->lock);
}

void
journal_raise(struct journal *j, struct slice stream, uint64_t ms,
    uint64_t seq)
{
	struct journal_record r = { .type = JOURNAL_STREAM, .payload = stream };
	struct stream *st;

	pthread_mutex_lock(&j->lock);
	st = journal_stream_get(j, stream, true);
	r.len = journal_record_len(0, 0, stream.len);
	if (st != NULL && (ms > st->ms || seq > st->seq) &&
	    buf_reserve(&j->gather, journal_pad(r.len))) {
		if (ms > st->ms)
			st->ms = ms;
		if (seq > st->seq)
			st->seq = seq;
		r.stream = st->number;
		r.ms = st->ms;
		r.seq = st->seq;
		r.lsn = j->stats.appended_lsn + 1;
		journal_record_put((uint8_t *)j->gather.data + j->gather.len,
		    &r);
		j->gather.len += journal_pad(r.len);
	}
	pthread_mutex_unlock(&j->lock);
}

/* ---- retention ---- */

void
journal_retain(struct journal *j, const struct journal_retention *r)
{
	pthread_mutex_lock(&j->lock);
	j->retention = *r;
	pthread_mutex_unlock(&j->lock);
}

/* Was its last event stored within the last ms? */
static bool
within(const struct segment *s, int64_t ms, uint64_t now_ms)
{
	return ms == INT64_MAX || s->last_ms + (uint64_t)ms > now_ms;
}

static bool
all_shipped(const struct journal *j, const struct segment *s)
{
	if (j->retention.unshipped)
		return true;
	for (size_t i = 0; i < s->nstreams; i++) {
		const struct segment_stream *e = &s->streams[i];

		if (j->streams[e->stream]->shipped < e->last_seq)
			return false;
	}
	return true;
}

/* Is there no room for what comes next?  Then what is shipped goes before its
 * time: a safety copy is worth less than an event that nobody has yet. */
static bool
pressed(const struct journal *j)
{
	uint64_t most = j->o.quota_bytes / j->o.segment_bytes;
	uint64_t slack = most / 8 > j->o.spares ? most / 8 : j->o.spares;

	return (j->no_space && j->nspares == 0 && j->nretired == 0) ||
	    (j->o.quota_bytes != 0 && j->nsegments + slack >= most);
}

bool
journal_pressed(struct journal *j)
{
	bool is;

	pthread_mutex_lock(&j->lock);
	is = pressed(j);
	pthread_mutex_unlock(&j->lock);
	return is;
}

static bool
expendable(struct journal *j, const struct segment *s, uint64_t now_ms)
{
	bool early = within(s, j->retention.window_ms, now_ms);

	if ((early && !pressed(j)) ||
	    (j->retention.kept_ms > 0 &&
	    within(s, j->retention.kept_ms, now_ms)))
		return false;
	if (!s->sealed || s->no_index || (j->o.wait_cover &&
	    s->next_lsn > j->covered + 1) || !all_shipped(j, s))
		return false;
	j->stats.early += early;
	return true;
}

void
journal_expire(struct journal *j, int64_t now_ms)
{
	pthread_mutex_lock(&j->lock);
	while (j->nsegments > 1 &&
	    expendable(j, j->segments[0], (uint64_t)now_ms)) {
		struct segment **more = realloc(j->retired,
		    (j->nretired + 1) * sizeof *more);

		if (more == NULL)
			break;
		j->retired = more;
		j->retired[j->nretired++] = j->segments[0];
		j->nsegments--;
		memmove(j->segments, j->segments + 1,
		    j->nsegments * sizeof *j->segments);
		j->no_space = false;
		pthread_cond_signal(&j->chores);
	}
	pthread_mutex_unlock(&j->lock);
}

void
journal_shipped(struct journal *j, struct slice stream, uint64_t seq)
{
	struct stream *st;

	pthread_mutex_lock(&j->lock);
	st = journal_stream_get(j, stream, false);
	if (st != NULL)
		st->shipped = seq;
	pthread_mutex_unlock(&j->lock);
}

void
journal_covered(struct journal *j, uint64_t lsn)
{
	pthread_mutex_lock(&j->lock);
	if (lsn > j->covered)
		j->covered = lsn;
	pthread_mutex_unlock(&j->lock);
}

bool
journal_save(struct journal *j, const char *name, struct buf *bytes,
    uint64_t lsn)
{
	bool ok;

	assert(strlen(name) < sizeof j->save_name - 4);
	pthread_mutex_lock(&j->lock);
	ok = !j->saving;
	if (ok) {
		j->saving = true;
		j->save = *bytes;
		j->save_lsn = lsn;
		snprintf(j->save_name, sizeof j->save_name, "%s", name);
		buf_init(bytes, bytes->max);
		pthread_cond_signal(&j->chores);
	}
	pthread_mutex_unlock(&j->lock);
	return ok;
}

/* ---- asking ---- */

uint64_t
journal_durable(const struct journal *j)
{
	return atomic_load(&j->durable);
}

uint64_t
journal_appended(const struct journal *j)
{
	return atomic_load(&j->appended);
}

enum journal_state
journal_state(const struct journal *j)
{
	return (enum journal_state)atomic_load(&j->state);
}

void
journal_node(const struct journal *j, uint8_t node[16])
{
	memcpy(node, j->node, sizeof j->node);
}

void
journal_tell(struct journal *j)
{
	if (j->o.on_durable != NULL)
		j->o.on_durable(j->o.ctx);
}

void
journal_set_state(struct journal *j, enum journal_state state)
{
	if (atomic_exchange(&j->state, (int)state) != (int)state)
		journal_tell(j);
}

void
journal_stats(struct journal *j, struct journal_stats *out)
{
	pthread_mutex_lock(&j->lock);
	*out = j->stats;
	out->state = journal_state(j);
	out->durable_lsn = journal_durable(j);
	out->first_lsn = j->nsegments > 0 ? j->segments[0]->first_lsn :
	    j->stats.appended_lsn + 1;
	out->waiting_bytes = j->gather.len + j->writing;
	out->segments = j->nsegments;
	out->spares = j->nspares;
	out->used_bytes = (j->nspares + j->nretired) * j->o.segment_bytes;
	for (size_t i = 0; i < j->nsegments; i++)
		out->used_bytes += j->segments[i]->size;
	out->quota_bytes = j->o.quota_bytes;
	out->streams = j->nstreams;
	pthread_mutex_unlock(&j->lock);
}

static uint64_t
first_kept(const struct journal *j, const struct stream *st)
{
	for (size_t i = 0; i < j->nsegments; i++) {
		const struct segment_stream *e =
		    journal_segment_find(j->segments[i], st);

		if (e != NULL)
			return e->first_seq;
	}
	return st->durable_seq + 1;
}

static void
describe(const struct journal *j, const struct stream *st,
    struct journal_stream *out)
{
	*out = (struct journal_stream){
		.name = st->name,
		.first_seq = first_kept(j, st),
		.last_seq = st->durable_seq,
		.last_ms = st->durable_ms,
		.shipped = st->shipped
	};
}

bool
journal_stream_at(struct journal *j, uint32_t i, struct journal_stream *out)
{
	bool there;

	pthread_mutex_lock(&j->lock);
	there = i < j->nstreams;
	*out = (struct journal_stream){ .first_seq = 1 };
	if (there && j->streams[i] != NULL)
		describe(j, j->streams[i], out);
	pthread_mutex_unlock(&j->lock);
	return there;
}

bool
journal_stream(struct journal *j, struct slice name, struct journal_stream *out)
{
	struct stream *st;

	pthread_mutex_lock(&j->lock);
	st = journal_stream_get(j, name, false);
	if (st != NULL)
		describe(j, st, out);
	pthread_mutex_unlock(&j->lock);
	return st != NULL;
}

/* ---- opening and closing ---- */

static int
complain(struct journal_report *report, const char *what)
{
	int saved = errno;

	if (report->message[0] == '\0')
		snprintf(report->message, sizeof report->message, "%s: %s",
		    what, strerror(saved));
	errno = saved;
	return -1;
}

static void
defaults(struct journal_options *o)
{
	if (o->segment_bytes == 0)
		o->segment_bytes = 64 << 20;
	o->segment_bytes &= ~(uint64_t)(JOURNAL_PAGE - 1);
	if (o->segment_bytes < 16 * JOURNAL_PAGE)
		o->segment_bytes = 16 * JOURNAL_PAGE;
	if (o->segment_bytes > JOURNAL_MAX_SEGMENT)
		o->segment_bytes = JOURNAL_MAX_SEGMENT;
	if (o->spares == 0)
		o->spares = 2;
	if (o->spares > 16)
		o->spares = 16;
	if (o->event_bytes == 0)
		o->event_bytes = (1 << 20) + (64 << 10);
	if (o->event_bytes > o->segment_bytes / 4)
		o->event_bytes = o->segment_bytes / 4;
	if (o->batch_bytes == 0)
		o->batch_bytes = 4 << 20;
	if (o->batch_bytes < o->event_bytes + 8)
		o->batch_bytes = o->event_bytes + 8;
	if (o->max_streams == 0 || o->max_streams > JOURNAL_MAX_STREAMS)
		o->max_streams = JOURNAL_MAX_STREAMS;
	if (o->window_ms == 0)
		o->window_ms = 600000;
}

static void
journal_free(struct journal *j)
{
	if (j->w.fd != -1)
		close(j->w.fd);
	if (j->lock_fd != -1)
		close(j->lock_fd);
	if (j->dir != -1)
		close(j->dir);
	for (size_t i = 0; i < j->nsegments; i++)
		journal_segment_free(j->segments[i]);
	for (size_t i = 0; i < j->nretired; i++)
		journal_segment_free(j->retired[i]);
	free(j->segments);
	free(j->retired);
	map_free(j->names, free);
	free(j->streams);
	free(j->w.page);
	free(j->w.touched);
	buf_fini(&j->gather);
	buf_fini(&j->batch);
	buf_fini(&j->save);
	pthread_mutex_destroy(&j->lock);
	pthread_cond_destroy(&j->work);
	pthread_cond_destroy(&j->chores);
	pthread_cond_destroy(&j->ready);
	free(j);
}

static void
cond_init(pthread_cond_t *c)
{
	pthread_condattr_t attr;

	pthread_condattr_init(&attr);
	pthread_condattr_setclock(&attr, CLOCK_MONOTONIC);
	pthread_cond_init(c, &attr);
	pthread_condattr_destroy(&attr);
}

static struct journal *
journal_new(const struct journal_options *options)
{
	struct journal *j = calloc(1, sizeof *j);

	if (j == NULL)
		return NULL;
	j->o = *options;
	defaults(&j->o);
	j->retention.window_ms = j->o.window_ms;
	j->dir = j->lock_fd = j->w.fd = -1;
	pthread_mutex_init(&j->lock, NULL);
	cond_init(&j->work);
	cond_init(&j->chores);
	cond_init(&j->ready);
	/* names of streams that are raised need room, too */
	buf_init(&j->gather, j->o.batch_bytes + (256 << 10));
	buf_init(&j->batch, j->gather.max);
	j->next_spare = journal_random();
	j->names = map_new(j->o.max_streams);
	j->streams = calloc(j->o.max_streams, sizeof *j->streams);
	j->w.cap = (1 << 20) + journal_pad(j->o.event_bytes) + JOURNAL_PAGE;
	j->w.cap = (j->w.cap + JOURNAL_PAGE - 1) & ~(size_t)(JOURNAL_PAGE - 1);
	j->w.page = aligned_alloc(JOURNAL_PAGE, j->w.cap);
	if (j->names == NULL || j->streams == NULL || j->w.page == NULL) {
		journal_free(j);
		return NULL;
	}
	return j;
}

/* Nobody else writes here. */
static int
lock_directory(struct journal *j, struct journal_report *report)
{
	if (mkdir(j->o.dir, 0700) == -1 && errno != EEXIST)
		return complain(report, j->o.dir);
	j->dir = open(j->o.dir, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	if (j->dir == -1)
		return complain(report, j->o.dir);
	j->lock_fd = openat(j->dir, "lock", O_RDWR | O_CREAT | O_CLOEXEC, 0600);
	if (j->lock_fd == -1)
		return complain(report, "lock");
	if (flock(j->lock_fd, LOCK_EX | LOCK_NB) == -1) {
		if (errno == EWOULDBLOCK)
			errno = EBUSY;
		return complain(report, "another process has this journal open");
	}
	return 0;
}

/* A file to begin with, so that the first event need not wait for one. */
static void
first_spare(struct journal *j)
{
	if (j->nspares > 0 || j->room > 0)
		return;
	if (!journal_quota_allows(j))
		j->no_space = true;
	else if (journal_make_first_spare(j) == -1) {
		j->no_space = true;
		j->spare_errno = errno;
	}
}

static int
start_threads(struct journal *j, struct journal_report *report)
{
	errno = pthread_create(&j->syncer, NULL, journal_sync_main, j);
	if (errno != 0)
		return complain(report, "thread");
	errno = pthread_create(&j->preparer, NULL, journal_prepare_main, j);
	if (errno == 0) {
		j->threads = true;
		return 0;
	}
	complain(report, "thread");
	pthread_mutex_lock(&j->lock);
	j->stopping = true;
	pthread_cond_signal(&j->work);
	pthread_mutex_unlock(&j->lock);
	pthread_join(j->syncer, NULL);
	return -1;
}

int
journal_open(const struct journal_options *options, struct journal **out,
    struct journal_report *report)
{
	struct journal_report own = { .segments = 0 };
	struct journal *j = NULL;
	int saved;

	if (report == NULL)
		report = &own;
	*report = (struct journal_report){ .segments = 0 };
	j = journal_new(options);
	if (j == NULL || lock_directory(j, report) == -1 ||
	    journal_recover(j, report, JOURNAL_TAKE_OVER) == -1)
		goto fail;
	first_spare(j);
	if (start_threads(j, report) == -1)
		goto fail;
	journal_report_fini(&own);
	*out = j;
	return 0;

fail:
	saved = j == NULL ? ENOMEM : errno;
	if (j != NULL)
		journal_free(j);
	journal_report_fini(&own);
	errno = saved;
	return -1;
}

static int
open_directory(struct journal *j, struct journal_report *report)
{
	j->dir = open(j->o.dir, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	return j->dir == -1 ? complain(report, j->o.dir) : 0;
}

/* Recover and let go again. */
static int
visit_journal(const struct journal_options *options,
    struct journal_report *report, enum journal_recovery how)
{
	struct journal *j = journal_new(options);
	int result = -1, saved;

	*report = (struct journal_report){ .segments = 0 };
	if (j == NULL) {
		errno = ENOMEM;
		return -1;
	}
	if ((how == JOURNAL_LOOK ? open_directory(j, report) :
	    lock_directory(j, report)) == 0)
		result = journal_recover(j, report, how);
	saved = errno;
	journal_free(j);
	errno = saved;
	return result;
}

int
journal_inspect(const struct journal_options *options,
    struct journal_report *report)
{
	return visit_journal(options, report, JOURNAL_LOOK);
}

int
journal_mend(const struct journal_options *options,
    struct journal_report *report)
{
	return visit_journal(options, report, JOURNAL_MEND);
}

void
journal_report_fini(struct journal_report *report)
{
	for (size_t i = 0; i < report->nlosses; i++)
		free(report->losses[i].stream);
	free(report->losses);
	report->losses = NULL;
	report->nlosses = 0;
}

int
journal_close(struct journal *j)
{
	bool clean;

	pthread_mutex_lock(&j->lock);
	j->stopping = true;
	atomic_store(&j->spare_wanted, true);	/* do not fill one at leisure */
	pthread_cond_broadcast(&j->work);
	pthread_cond_broadcast(&j->ready);
	pthread_cond_broadcast(&j->chores);
	pthread_mutex_unlock(&j->lock);
	pthread_join(j->syncer, NULL);
	pthread_mutex_lock(&j->lock);
	j->sync_done = true;
	pthread_cond_broadcast(&j->chores);
	pthread_mutex_unlock(&j->lock);
	pthread_join(j->preparer, NULL);
	clean = journal_durable(j) == journal_appended(j);
	journal_free(j);
	return clean ? 0 : -1;
}
