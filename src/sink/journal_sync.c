/* journal_sync.c - the syncing thread: gives records their place in a segment,
 * writes them, and calls fdatasync().
 *
 * A call that failed is never tried again on the same file: the kernel may
 * have thrown the pages away and may say so only once.  The segment is left as
 * it was at its last good sync, another is begun, and all that was not yet
 * durable is placed there. */
#include "config.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <time.h>
#include <unistd.h>

#include "base/clock.h"
#include "sink/journal_private.h"

#define MARK_AFTER_NS	(50 * NS_PER_MS)
#define HERE_BYTES	65536		/* the most that another thread writes */
#define HERE_NS		(2 * NS_PER_MS)	/* and how long that may take, as a rule */

static uint64_t
offset_of(const struct writer *w)
{
	return w->base + w->have;
}

static uint64_t
limit_of(const struct segment *s)
{
	return s->size - JOURNAL_PAGE;
}

/* Write what is staged, filled up to a whole page: overwriting part of a page
 * would first have to read it.  The last, incomplete page stays staged. */
static int
flush(struct writer *w)
{
	size_t whole = w->have & ~(size_t)(JOURNAL_PAGE - 1);
	size_t rest = w->have - whole;
	size_t n = rest > 0 ? whole + JOURNAL_PAGE : whole;

	memset(w->page + w->have, 0, n - w->have);
	if (n > 0 && journal_write_all(w->fd, w->page, n, w->base) == -1)
		return -1;
	memmove(w->page, w->page + whole, rest);
	w->base += whole;
	w->have = rest;
	return 0;
}

/* Give a record its place and its durable lsn. */
static int
place(struct journal *j, const uint8_t *record)
{
	struct writer *w = &j->w;
	size_t len = journal_pad(journal_get32(record));
	uint8_t *to;

	/* a page must stay free for flush() to fill up */
	if (len > w->cap - JOURNAL_PAGE - w->have && flush(w) == -1)
		return -1;
	to = w->page + w->have;
	memcpy(to, record, len);
	w->prev = journal_record_seal(to, w->segment->salt, offset_of(w),
	    w->prev, atomic_load(&j->durable));
	w->have += len;
	return 0;
}

static size_t
naming(uint8_t *to, const struct stream *st, uint64_t lsn)
{
	struct journal_record r = {
		.type = JOURNAL_STREAM,
		.lsn = lsn,
		.ms = st->placed_ms,
		.seq = st->placed_seq,
		.stream = st->number,
		.payload = st->name,
		.len = journal_record_len(0, 0, st->name.len)
	};

	journal_record_put(to, &r);
	return journal_pad(r.len);
}

static int
place_name(struct journal *j, struct stream *st)
{
	uint8_t record[JOURNAL_HEAD + JOURNAL_MAX_NAME + 8];

	naming(record, st, j->w.lsn + 1);
	st->named_in = j->w.segment->serial;
	return place(j, record);
}

/* ---- segments ---- */

/* With the lock held: a spare's number; waits for one while there is hope. */
static bool
take_spare(struct journal *j, uint64_t *number)
{
	while (j->nspares == 0) {
		if (j->no_space)
			return false;
		j->spare_wanted = true;
		pthread_cond_signal(&j->chores);
		pthread_cond_wait(&j->ready, &j->lock);
	}
	*number = j->spare[--j->nspares];
	/* after the last one the next is needed soon, if need be without zeros */
	atomic_store(&j->spare_wanted, j->stopping || j->nspares == 0);
	pthread_cond_signal(&j->chores);
	return true;
}

/* The header at both ends; then the file gets its name. */
static int
write_headers(struct journal *j, uint64_t spare, uint8_t *page)
{
	const struct segment *s = j->w.segment;
	struct journal_header h = {
		.salt = s->salt,
		.first_lsn = s->first_lsn,
		.size = s->size,
		.made_ms = (uint64_t)(clock_real_ns() / NS_PER_MS)
	};
	char from[32], to[JOURNAL_NAME];
	int saved;

	memcpy(h.node, j->node, sizeof h.node);
	j->w.prev = journal_header_encode(&h, page);
	snprintf(from, sizeof from, "%016llx.spare", (unsigned long long)spare);
	journal_name(to, s->first_lsn);
	j->w.fd = openat(j->dir, from, O_RDWR | O_CLOEXEC);
	if (j->w.fd == -1)
		return -1;
	if (journal_write_all(j->w.fd, page, JOURNAL_PAGE, 0) == -1 ||
	    journal_write_all(j->w.fd, page, JOURNAL_PAGE, limit_of(s)) == -1 ||
	    journal_sync_data(j->w.fd) == -1 ||
	    renameat(j->dir, from, j->dir, to) == -1) {
		saved = errno;
		unlinkat(j->dir, from, 0);
		errno = saved;
		return -1;
	}
	return journal_sync_all(j->dir);
}

static int
name_all(struct journal *j, uint32_t nstreams)
{
	for (uint32_t i = 0; i < nstreams; i++)
		if (j->streams[i] != NULL && place_name(j, j->streams[i]) == -1)
			return -1;
	return 0;
}

/* Begin a segment with all that comes after the durable lsn. */
static int
begin(struct journal *j)
{
	struct writer *w = &j->w;
	struct segment *s = NULL;
	uint32_t nstreams;
	uint64_t spare;

	pthread_mutex_lock(&j->lock);
	nstreams = j->nstreams;
	if (!take_spare(j, &spare)) {
		errno = j->spare_errno != 0 ? j->spare_errno : EDQUOT;
	} else if ((s = journal_segment_new(j)) == NULL) {
		j->spare[j->nspares++] = spare;
		errno = ENOMEM;
	} else {
		s->first_lsn = s->next_lsn = w->lsn + 1;
		s->size = j->o.segment_bytes;
		s->end = JOURNAL_PAGE;
		s->salt = journal_random();
	}
	pthread_mutex_unlock(&j->lock);
	if (s == NULL)
		return -1;
	w->segment = s;
	w->base = JOURNAL_PAGE;
	w->have = 0;
	if (write_headers(j, spare, w->page) == -1)
		return -1;
	return name_all(j, nstreams);
}

/* ---- durability ---- */

/* The index learns of what has become durable; with the lock held. */
static void
note_touched(struct journal *j)
{
	struct writer *w = &j->w;

	for (size_t i = 0; i < w->ntouched; i++) {
		struct stream *st = w->touched[i];

		journal_segment_note(w->segment, st, st->touched_offset,
		    st->touched_first, st->placed_seq);
		st->durable_seq = st->placed_seq;
		st->durable_ms = st->placed_ms;
		st->touched_in = 0;
	}
	w->ntouched = 0;
}

static void
publish(struct journal *j, int64_t took_ns, bool batch_done)
{
	struct writer *w = &j->w;
	struct segment *s = w->segment;
	uint64_t durable = atomic_load(&j->durable);
	bool here;

	pthread_mutex_lock(&j->lock);
	note_touched(j);
	j->stats.bytes += offset_of(w) - s->end;
	s->end = offset_of(w);
	s->next_lsn = w->lsn + 1;
	s->last_ms = w->last_ms;
	j->room = limit_of(s) - s->end;
	j->stats.syncs++;
	j->stats.sync_ns += (uint64_t)took_ns;
	if ((uint64_t)took_ns > j->stats.sync_ns_max)
		j->stats.sync_ns_max = (uint64_t)took_ns;
	j->recent_ns += (took_ns - j->recent_ns) / 8;
	j->stats.events += w->lsn - durable;
	if (batch_done)
		j->writing = 0;
	atomic_store(&j->durable, w->lsn);
	if (j->saving)
		pthread_cond_signal(&j->chores);
	here = j->here;
	pthread_mutex_unlock(&j->lock);
	if (!here)
		journal_tell(j);
}

static int
sync_placed(struct journal *j, bool batch_done)
{
	int64_t before = clock_mono_ns();

	if (flush(&j->w) == -1)
		return -1;
	if (journal_sync_data(j->w.fd) == -1) {
		pthread_mutex_lock(&j->lock);
		j->stats.sync_errors++;
		pthread_mutex_unlock(&j->lock);
		return -1;
	}
	publish(j, clock_mono_ns() - before, batch_done);
	return 0;
}

static void
seal(struct journal *j)
{
	pthread_mutex_lock(&j->lock);
	journal_segment_seal(j->w.segment);
	j->room = 0;
	pthread_mutex_unlock(&j->lock);
	close(j->w.fd);
	j->w.fd = -1;
	j->w.segment = NULL;
	j->w.have = 0;
}

/* What was placed since the last sync is as if it never had been. */
static void
forget_touched(struct journal *j)
{
	for (uint32_t i = 0; i < j->nstreams; i++) {
		struct stream *st = j->streams[i];

		if (st == NULL)
			continue;
		st->placed_seq = st->durable_seq > st->floor_seq ?
		    st->durable_seq : st->floor_seq;
		st->placed_ms = st->durable_ms > st->floor_ms ?
		    st->durable_ms : st->floor_ms;
		st->touched_in = 0;
	}
	j->w.ntouched = 0;
	j->w.lsn = atomic_load(&j->durable);
}

/* The segment being written has failed: leave what is durable in it alone. */
static void
abandon(struct journal *j, int error)
{
	struct segment *s = j->w.segment;

	pthread_mutex_lock(&j->lock);
	j->stats.write_errors++;
	j->stats.last_errno = error;
	forget_touched(j);
	j->room = 0;
	if (s != NULL) {
		s->unfit = true;
		journal_segment_seal(s);
		/* the next one will take its name, and its place */
		if (s->next_lsn == s->first_lsn) {
			j->nsegments--;
			journal_segment_free(s);
		}
	}
	pthread_mutex_unlock(&j->lock);
	if (j->w.fd != -1)
		close(j->w.fd);
	j->w.fd = -1;
	j->w.segment = NULL;
	j->w.have = 0;
}

/* ---- a batch ---- */

static bool
touch(struct writer *w, struct stream *st, uint64_t seq)
{
	if (st->touched_in == w->segment->serial)
		return true;
	if (w->ntouched == w->touched_cap) {
		size_t cap = w->touched_cap == 0 ? 64 : 2 * w->touched_cap;
		struct stream **more = realloc(w->touched, cap * sizeof *more);

		if (more == NULL)
			return false;
		w->touched = more;
		w->touched_cap = cap;
	}
	w->touched[w->ntouched++] = st;
	st->touched_in = w->segment->serial;
	st->touched_first = seq;
	st->touched_offset = offset_of(w);
	return true;
}

static int
place_event(struct journal *j, const uint8_t *record)
{
	struct stream *st = j->streams[journal_get32(record + 48)];
	uint64_t seq = journal_get64(record + 40);
	uint64_t ms = journal_get64(record + 32);

	if (record[52] == JOURNAL_STREAM) {
		st->placed_seq = st->floor_seq = seq;
		st->placed_ms = st->floor_ms = ms;
		st->named_in = j->w.segment->serial;
		return place(j, record);
	}
	if (st->named_in != j->w.segment->serial && place_name(j, st) == -1)
		return -1;
	if (!touch(&j->w, st, seq) || place(j, record) == -1)
		return -1;
	st->placed_seq = seq;
	st->placed_ms = ms;
	if (ms > j->w.last_ms)
		j->w.last_ms = ms;
	j->w.lsn = journal_get64(record + 16);
	return 0;
}

/* The bytes of the group that begins here, and an upper bound of the names
 * that may have to go before its events. */
static size_t
group_len(struct journal *j, const uint8_t *p, size_t *names)
{
	uint64_t here = j->w.segment != NULL ? j->w.segment->serial : 0;
	size_t len = 0, n;
	bool more;

	*names = 0;
	do {
		const struct stream *st = j->streams[journal_get32(p + 48)];

		n = journal_pad(journal_get32(p));
		more = p[52] == JOURNAL_EVENT && (p[53] & JOURNAL_MORE) != 0;
		if (st->named_in != here)
			*names += journal_pad(JOURNAL_HEAD + st->name.len);
		len += n;
		p += n;
	} while (more);
	return len;
}

/* Place the batch's records beyond the durable lsn, and sync. */
static int
write_batch(struct journal *j)
{
	const uint8_t *p = (const uint8_t *)j->batch.data;
	const uint8_t *end = p + j->batch.len;
	uint64_t durable = atomic_load(&j->durable);
	size_t len, names;

	while (p < end) {
		if (journal_get64(p + 16) <= durable) {
			p += journal_pad(journal_get32(p));
			continue;
		}
		len = group_len(j, p, &names);
		if (j->w.segment != NULL && offset_of(&j->w) + len + names >
		    limit_of(j->w.segment)) {
			if (sync_placed(j, false) == -1)
				return -1;
			seal(j);
		}
		if (j->w.segment == NULL && begin(j) == -1)
			return -1;
		for (const uint8_t *group = p + len; p < group;
		    p += journal_pad(journal_get32(p)))
			if (place_event(j, p) == -1)
				return -1;
	}
	return j->w.segment == NULL ? 0 : sync_placed(j, true);
}

/* Wait a second for things to get better.  False: it is over. */
static bool
wait_for_disk(struct journal *j)
{
	struct timespec until;
	bool go_on;

	clock_gettime(CLOCK_MONOTONIC, &until);
	until.tv_sec++;
	pthread_mutex_lock(&j->lock);
	if (!j->stopping) {
		pthread_cond_signal(&j->chores);
		pthread_cond_timedwait(&j->ready, &j->lock, &until);
	}
	go_on = !j->stopping;
	pthread_mutex_unlock(&j->lock);
	return go_on;
}

/* Until the batch is durable.  error: why the events thread could not write it,
 * or 0.  False: given up, because we are to stop. */
static bool
write_out(struct journal *j, int error)
{
	unsigned failures = 0;

	while (error != 0 || write_batch(j) == -1) {
		if (error == 0)
			error = errno;
		abandon(j, error);
		if (++failures > 1) {
			journal_set_state(j, error == ENOSPC ||
			    error == EDQUOT ? JOURNAL_NO_SPACE : JOURNAL_BROKEN);
			if (!wait_for_disk(j))
				return false;
		}
		error = 0;
	}
	if (failures > 1)
		journal_set_state(j, JOURNAL_WORKING);
	return true;
}

/* Say behind the last record that all is durable: then damage to it can be
 * told from a torn end.  Not synced, and overwritten by the next record. */
static void
mark(struct journal *j)
{
	struct writer *w = &j->w;
	struct journal_record r = { .type = JOURNAL_MARK, .lsn = w->lsn + 1,
	    .len = JOURNAL_HEAD };
	uint64_t base = w->base, durable = atomic_load(&j->durable);
	size_t have = w->have;
	uint32_t prev = w->prev;

	if (w->segment == NULL || durable == 0 ||
	    offset_of(w) + JOURNAL_HEAD > limit_of(w->segment))
		return;
	journal_record_put(w->page + have, &r);
	journal_record_seal(w->page + have, w->segment->salt, offset_of(w),
	    prev, durable);
	have = (have + JOURNAL_HEAD + JOURNAL_PAGE - 1) & ~(JOURNAL_PAGE - 1);
	memset(w->page + w->have + JOURNAL_HEAD, 0,
	    have - w->have - JOURNAL_HEAD);
	/* if this fails the next write will, and will be dealt with */
	(void)!journal_write_all(w->fd, w->page, have, base);
}

/* With the lock held: sleep, or write the mark when it is time.  That waits for a
 * real pause: between two batches it would cost each a write. */
static void
pause_or_mark(struct journal *j)
{
	int64_t now = clock_mono_ns();
	int64_t at = (j->here ? now : j->synced_ns) + MARK_AFTER_NS;
	struct timespec until = { at / NS_PER_S, at % NS_PER_S };

	if (j->marked && !j->here) {
		pthread_cond_wait(&j->work, &j->lock);
	} else if (now < at) {
		pthread_cond_timedwait(&j->work, &j->lock, &until);
	} else {
		j->marking = true;
		pthread_mutex_unlock(&j->lock);
		mark(j);
		pthread_mutex_lock(&j->lock);
		j->marking = false;
		j->marked = true;
	}
}

/* With the lock held: until there is work, and nobody else does it. */
static void
await_work(struct journal *j)
{
	j->synced_ns = clock_mono_ns();
	j->marked = false;
	j->syncer_idle = j->gather.len == 0;
	while (j->here || (j->syncer_idle && !j->stopping))
		pause_or_mark(j);
	j->syncer_idle = false;
}

/* With the lock held: what has gathered is now the batch. */
static void
take_gathered(struct journal *j)
{
	struct buf empty = j->batch;

	j->batch = j->gather;
	j->gather = empty;
	buf_clear(&j->gather);
	j->writing = j->batch.len;
}

/* Take what has gathered, or what the events thread could not write, and why;
 * false: there is nothing and never will be. */
static bool
take(struct journal *j, int *error)
{
	bool some;

	pthread_mutex_lock(&j->lock);
	await_work(j);
	*error = j->here_errno;
	j->here_errno = 0;
	some = *error != 0 || j->gather.len > 0;
	if (*error == 0)
		take_gathered(j);
	pthread_mutex_unlock(&j->lock);
	return some;
}

void *
journal_sync_main(void *journal)
{
	struct journal *j = journal;
	int error;

	while (take(j, &error))
		if (!write_out(j, error))
			return NULL;
	mark(j);
	if (j->w.segment != NULL)
		(void)!journal_sync_data(j->w.fd);
	return NULL;
}

/* ---- in the events thread ---- */

/* With the lock held: may it write what has gathered?  The syncing thread sleeps
 * then, and what is the writer's own is ours. */
static bool
may_write_here(const struct journal *j)
{
	return j->syncer_idle && !j->marking && !j->stopping &&
	    j->recent_ns < HERE_NS && j->w.segment != NULL &&
	    j->gather.len > 0 && j->gather.len <= HERE_BYTES &&
	    j->gather.len + j->naming_bytes < j->room;
}

/* It is written, or the syncing thread's affair. */
static void
written_here(struct journal *j, int error)
{
	pthread_mutex_lock(&j->lock);
	j->here = false;
	j->here_errno = error;
	j->syncer_idle = error == 0;
	j->synced_ns = clock_mono_ns();
	if (error != 0 || j->marked || j->stopping)
		pthread_cond_signal(&j->work);
	j->marked = false;
	pthread_mutex_unlock(&j->lock);
}

bool
journal_sync_here(struct journal *j)
{
	bool may;

	pthread_mutex_lock(&j->lock);
	may = may_write_here(j);
	if (may) {
		j->here = true;
		take_gathered(j);
	}
	pthread_mutex_unlock(&j->lock);
	if (may && write_batch(j) == 0)
		written_here(j, 0);
	else if (may)
		written_here(j, errno != 0 ? errno : EIO);
	return may;
}
