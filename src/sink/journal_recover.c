/* journal_recover.c - open what an earlier process left, however it ended.
 *
 * Every segment is walked; what is whole is believed.  A torn end is cut off.
 * A damaged segment is written anew from what checks in it, with LOSS records
 * where something is missing, so that the damage is reported once; the damaged
 * file stays beside it as .bad for whoever wants to look. */
#include "config.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <unistd.h>

#include "sink/journal_private.h"

#define MAX_LOSSES 1024

/* A segment's file, as found. */
struct found {
	uint64_t first_lsn;		/* as its name says */
	uint64_t bytes;			/* of the file */
	int fd;
	bool good;			/* has a header */
	bool gone;			/* freed by the one who has it open */
	struct journal_header h;
	uint32_t crc;			/* of the header */
	uint64_t next_first;		/* of the next good one; 0: the last */
	bool damaged;
};

struct recovery {
	struct journal *j;
	struct journal_report *report;
	bool repair, take_over;
	struct found *files;
	size_t nfiles, cap;
	struct buf window;
	uint64_t lost;			/* events, all told */
	uint64_t placed;		/* of them, those whose stream is known */
	uint64_t damage_lsn;		/* behind the last damage */
	uint64_t next_lsn;		/* of the whole */
	uint64_t tail_first, tail_most;	/* bad files behind the last good one:
					 * where, and how many events at the most */
};

/* ---- the directory ---- */

static bool
add_file(struct recovery *rec, uint64_t first_lsn)
{
	if (rec->nfiles == rec->cap) {
		size_t cap = rec->cap == 0 ? 64 : 2 * rec->cap;
		struct found *more = realloc(rec->files, cap * sizeof *more);

		if (more == NULL)
			return false;
		rec->files = more;
		rec->cap = cap;
	}
	rec->files[rec->nfiles++] = (struct found){
		.first_lsn = first_lsn, .fd = -1
	};
	return true;
}

static int
by_lsn(const void *a, const void *b)
{
	const struct found *x = a, *y = b;

	return x->first_lsn < y->first_lsn ? -1 : x->first_lsn > y->first_lsn;
}

static bool
ends_with(const char *name, const char *end)
{
	size_t n = strlen(name), m = strlen(end);

	return n >= m && strcmp(name + n - m, end) == 0;
}

/* A spare that an earlier process made, if it is one we could have made. */
static void
adopt_spare(struct journal *j, const char *name)
{
	unsigned long long number;
	char again[32];
	struct stat st;

	if (sscanf(name, "%16llx", &number) != 1)
		return;
	snprintf(again, sizeof again, "%016llx.spare", number);
	if (strcmp(again, name) != 0 ||
	    fstatat(j->dir, name, &st, AT_SYMLINK_NOFOLLOW) == -1)
		return;
	if (!S_ISREG(st.st_mode) || (uint64_t)st.st_size != j->o.segment_bytes ||
	    j->nspares >= j->o.spares)
		unlinkat(j->dir, name, 0);
	else
		j->spare[j->nspares++] = number;
}

static int
list(struct recovery *rec)
{
	struct journal *j = rec->j;
	int fd = openat(j->dir, ".", O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	DIR *dir = fd == -1 ? NULL : fdopendir(fd);
	struct dirent *e;
	uint64_t lsn;

	if (dir == NULL) {
		if (fd != -1)
			close(fd);
		return -1;
	}
	while ((e = readdir(dir)) != NULL) {
		if (journal_name_parse(e->d_name, &lsn)) {
			if (!add_file(rec, lsn)) {
				closedir(dir);
				errno = ENOMEM;
				return -1;
			}
		} else if (rec->repair && ends_with(e->d_name, ".tmp")) {
			unlinkat(j->dir, e->d_name, 0);
		} else if (rec->take_over && ends_with(e->d_name, ".spare")) {
			adopt_spare(j, e->d_name);
		}
	}
	closedir(dir);
	if (rec->nfiles > 0)
		qsort(rec->files, rec->nfiles, sizeof *rec->files, by_lsn);
	return 0;
}

/* Keep a file that is not understood under another name. */
static void
put_aside(struct recovery *rec, uint64_t first_lsn, bool copy)
{
	char from[JOURNAL_NAME], to[JOURNAL_NAME + 16];

	rec->report->quarantined++;
	if (!rec->repair)
		return;
	journal_name(from, first_lsn);
	for (unsigned i = 0; i < 1000; i++) {
		if (i == 0)
			snprintf(to, sizeof to, "%s.bad", from);
		else
			snprintf(to, sizeof to, "%s.%u.bad", from, i);
		if (linkat(rec->j->dir, from, rec->j->dir, to, 0) == 0) {
			if (!copy)
				unlinkat(rec->j->dir, from, 0);
			return;
		}
		if (errno != EEXIST)
			break;
	}
	if (!copy)
		renameat(rec->j->dir, from, rec->j->dir, to);
}

/* ---- headers ---- */

/* The header, or its copy at the end of the file. */
static bool
read_header(struct found *f)
{
	uint8_t page[JOURNAL_PAGE];
	struct stat st;

	if (fstat(f->fd, &st) == -1)
		return false;
	f->bytes = (uint64_t)st.st_size;
	if (journal_read_at(f->fd, page, sizeof page, 0) == sizeof page &&
	    journal_header_decode(page, &f->h, &f->crc))
		return true;
	f->damaged = true;
	return f->bytes >= 2 * JOURNAL_PAGE &&
	    journal_read_at(f->fd, page, sizeof page,
	    f->bytes - JOURNAL_PAGE) == sizeof page &&
	    journal_header_decode(page, &f->h, &f->crc) &&
	    f->h.size == f->bytes;
}

static bool
no_node(const uint8_t node[16])
{
	static const uint8_t zeros[16];

	return memcmp(node, zeros, sizeof zeros) == 0;
}

static void
make_node(uint8_t node[16])
{
	journal_put64(node, journal_random());
	journal_put64(node + 8, journal_random());
	node[6] = (uint8_t)((node[6] & 0x0f) | 0x40);	/* a random UUID */
	node[8] = (uint8_t)((node[8] & 0x3f) | 0x80);
}

static int
open_files(struct recovery *rec)
{
	char name[JOURNAL_NAME];

	for (size_t i = 0; i < rec->nfiles; i++) {
		struct found *f = &rec->files[i];

		journal_name(name, f->first_lsn);
		f->fd = openat(rec->j->dir, name, O_RDONLY | O_CLOEXEC);
		if (f->fd == -1 && (errno == EMFILE || errno == ENFILE ||
		    errno == EACCES))
			return -1;
		f->gone = f->fd == -1 && errno == ENOENT;
		f->good = f->fd != -1 && read_header(f) &&
		    f->h.first_lsn == f->first_lsn;
		if (f->fd != -1)
			close(f->fd);
		f->fd = -1;
	}
	return 0;
}

/* Whose journal is this?  The newest file knows. */
static int
check_node(struct recovery *rec)
{
	struct journal *j = rec->j;
	size_t i = rec->nfiles;

	memcpy(j->node, j->o.node, sizeof j->node);
	while (i > 0 && !rec->files[i - 1].good)
		i--;
	if (i > 0 && no_node(j->node))
		memcpy(j->node, rec->files[i - 1].h.node, sizeof j->node);
	if (i == 0 && no_node(j->node))
		make_node(j->node);
	if (i > 0 && memcmp(j->node, rec->files[i - 1].h.node,
	    sizeof j->node) != 0) {
		errno = EXDEV;
		return -1;
	}
	for (i = 0; i < rec->nfiles; i++)
		if (memcmp(j->node, rec->files[i].h.node, sizeof j->node) != 0)
			rec->files[i].good = false;
	return 0;
}

/* Keep the good ones in the list, and tell each what follows it. */
static void
sift(struct recovery *rec)
{
	size_t n = 0;

	for (size_t i = 0; i < rec->nfiles; i++) {
		struct found *f = &rec->files[i];

		if (f->good) {
			rec->files[n++] = *f;
			rec->tail_most = 0;
			continue;
		}
		if (f->gone)
			continue;
		put_aside(rec, f->first_lsn, false);
		if (rec->tail_most == 0)
			rec->tail_first = f->first_lsn;
		rec->tail_most += f->bytes / JOURNAL_HEAD;
	}
	rec->nfiles = n;
	for (size_t i = 0; i + 1 < n; i++)
		rec->files[i].next_first = rec->files[i + 1].first_lsn;
}

static int
open_file(struct recovery *rec, struct found *f, struct journal_window *w,
    struct journal_source *source)
{
	char name[JOURNAL_NAME];
	uint64_t size = f->h.size - JOURNAL_PAGE;

	journal_name(name, f->first_lsn);
	f->fd = openat(rec->j->dir, name, O_RDONLY | O_CLOEXEC);
	if (f->fd == -1)
		return -1;
	posix_fadvise(f->fd, 0, 0, POSIX_FADV_SEQUENTIAL);
	if (size > f->bytes)
		size = f->bytes;	/* cut short */
	journal_window_init(w, f->fd, &rec->window, size);
	w->chunk = 1 << 20;
	*source = (struct journal_source){ journal_window_fetch, w, size };
	return 0;
}

/* The disk fetches the next file while this one is being checked. */
static void
read_ahead(const struct recovery *rec, const struct found *f)
{
	char name[JOURNAL_NAME];
	int fd;

	journal_name(name, f->first_lsn);
	fd = openat(rec->j->dir, name, O_RDONLY | O_CLOEXEC);
	if (fd == -1)
		return;
	posix_fadvise(fd, 0, 0, POSIX_FADV_WILLNEED);
	close(fd);
}

static void
close_file(struct found *f)
{
	close(f->fd);
	f->fd = -1;
}

/* ---- what is found is noted ---- */

static void
report_loss(struct recovery *rec, struct slice stream, uint64_t from,
    uint64_t to)
{
	struct journal_report *r = rec->report;
	struct journal_loss *more;

	if (r->nlosses == MAX_LOSSES)
		return;
	more = realloc(r->losses, (r->nlosses + 1) * sizeof *more);
	if (more == NULL)
		return;
	r->losses = more;
	more[r->nlosses] = (struct journal_loss){ slice_dup(stream), from, to };
	if (more[r->nlosses].stream != NULL)
		r->nlosses++;
}

/* The stream goes on at `seq`: what is between it and what came before is
 * missing, if something has been lost that is not accounted for. */
static void
note_gap(struct recovery *rec, const struct stream *st, uint64_t seq)
{
	uint64_t gap, unplaced = rec->lost - rec->placed;

	if (!st->seen || seq <= st->seq + 1)
		return;
	gap = seq - st->seq - 1;
	if (gap > unplaced)
		return;		/* an older loss, or the stream was raised */
	rec->placed += gap;
	report_loss(rec, st->name, st->seq + 1, seq - 1);
}

static void
note_stream(struct recovery *rec, const struct segment *s,
    const struct journal_record *r)
{
	struct stream *st = journal_stream_numbered(rec->j, r->stream,
	    r->payload);

	if (st == NULL)
		return;
	if (r->seq > st->seq) {
		note_gap(rec, st, r->seq + 1);
		st->seq = r->seq;
	}
	if (r->ms > st->ms)
		st->ms = r->ms;
	st->seen = true;
	st->seen_lsn = r->lsn;
	st->named_in = s->serial;
}

static void
visit(struct recovery *rec, const struct stream *st,
    const struct journal_record *r, uint64_t gap)
{
	const struct journal_options *o = &rec->j->o;
	struct journal_entry e = {
		.lsn = r->lsn,
		.ms = r->ms,
		.seq = r->seq,
		.gap = gap,
		.stream = st->name,
		.pid = r->pid,
		.iid = r->iid,
		.more = (r->flags & JOURNAL_MORE) != 0
	};

	journal_sections(r, &(const uint8_t *){ NULL }, &e.fields);
	if (o->visit != NULL && r->lsn > o->visit_after)
		o->visit(o->ctx, &e);
}

static void
note_event(struct recovery *rec, struct segment *s, uint64_t at,
    const struct journal_record *r)
{
	struct journal *j = rec->j;
	struct stream *st = r->stream < j->nstreams ? j->streams[r->stream] :
	    NULL;

	if (st == NULL) {
		rec->lost++;	/* its name is gone */
		rec->report->lost_events++;
		return;
	}
	note_gap(rec, st, r->seq);
	visit(rec, st, r, st->seen && r->seq > st->seq ?
	    r->seq - st->seq - 1 : 0);
	journal_segment_note(s, st, at, r->seq, r->seq);
	if (r->seq > st->seq)
		st->seq = r->seq;
	if (r->ms > st->ms)
		st->ms = r->ms;
	st->seen = true;
	st->seen_lsn = r->lsn;
	st->durable_seq = st->seq;
	st->durable_ms = st->ms;
	if (r->ms > s->last_ms)
		s->last_ms = r->ms;
	rec->report->events++;
}

static void
note_lost(struct recovery *rec, uint64_t n, uint64_t upto)
{
	rec->lost += n;
	rec->report->lost_events += n;
	rec->damage_lsn = upto;
}

/* ---- walking ---- */

/* The names that a segment begins with: so that a name lost in one segment is
 * known from another. */
static int
read_names(struct recovery *rec, struct found *f)
{
	struct journal_window w;
	struct journal_source source;
	struct journal_record r;
	uint64_t at = JOURNAL_PAGE;

	if (open_file(rec, f, &w, &source) == -1)
		return rec->repair || errno != ENOENT ? -1 : 0;
	w.chunk = 64 << 10;
	for (; journal_record_at(&source, f->h.salt, at, &r) &&
	    r.type == JOURNAL_STREAM; at += journal_pad(r.len))
		journal_stream_numbered(rec->j, r.stream, r.payload);
	close_file(f);
	return 0;
}

static struct segment *
new_segment(struct recovery *rec, const struct found *f)
{
	struct segment *s = journal_segment_new(rec->j);

	if (s == NULL)
		return NULL;
	s->first_lsn = f->first_lsn;
	s->salt = f->h.salt;
	s->size = f->h.size;
	s->unfit = (f->h.flags & JOURNAL_REWRITTEN) != 0;
	return s;
}

static void
walk(struct recovery *rec, struct found *f, struct segment *s,
    struct journal_scan *scan)
{
	struct journal_record r;
	enum journal_step step;
	uint64_t lost;

	do {
		lost = scan->lost;
		step = journal_scan_next(scan, &r);
		if (step == JOURNAL_STEP_DAMAGE) {
			f->damaged = true;
			note_lost(rec, scan->lost - lost, scan->lsn);
		} else if (step == JOURNAL_STEP_RECORD) {
			if (r.type == JOURNAL_STREAM)
				note_stream(rec, s, &r);
			else if (r.type == JOURNAL_EVENT)
				note_event(rec, s, scan->at, &r);
			else
				rec->report->known_lost += r.seq;
		}
	} while (step != JOURNAL_STEP_END);
	s->end = scan->offset;
	s->next_lsn = scan->lsn;
}

/* Open the last segment for writing behind its end. */
static bool
continue_in(struct recovery *rec, const struct found *f,
    const struct segment *s, const struct journal_scan *scan)
{
	struct writer *w = &rec->j->w;
	char name[JOURNAL_NAME];

	if (!rec->take_over || f->damaged || s->unfit || f->bytes < f->h.size ||
	    rec->tail_most > 0)
		return false;
	journal_name(name, f->first_lsn);
	w->base = scan->offset & ~(uint64_t)(JOURNAL_PAGE - 1);
	w->have = (size_t)(scan->offset - w->base);
	w->prev = scan->prev;
	w->fd = openat(rec->j->dir, name, O_RDWR | O_CLOEXEC);
	if (w->fd == -1)
		return false;
	if (journal_read_at(w->fd, w->page, w->have, w->base) ==
	    (ssize_t)w->have)
		return true;
	close(w->fd);
	w->fd = -1;
	w->have = 0;
	return false;
}

/* The end of the last segment: the syncing thread goes on behind it, or begins
 * another.  One without events is forgotten: its names may be incomplete, and
 * the next one will take its place and its name. */
static void
settle_last(struct recovery *rec, const struct found *f, struct segment *s,
    const struct journal_scan *scan)
{
	struct journal *j = rec->j;

	rec->report->torn_bytes = scan->torn;
	if (s->next_lsn == s->first_lsn) {
		j->nsegments--;
		journal_segment_free(s);
	} else if (continue_in(rec, f, s, scan)) {
		j->w.segment = s;
		j->room = s->size - JOURNAL_PAGE - s->end;
	} else {
		journal_segment_seal(s);
	}
}

static void
visit_file(struct recovery *rec, const struct found *f,
    const struct segment *s, uint64_t events)
{
	const struct journal_options *o = &rec->j->o;
	struct journal_file file = {
		.first_lsn = s->first_lsn,
		.last_lsn = s->next_lsn - 1,
		.events = events,
		.used = s->end,
		.size = f->h.size,
		.made_ms = f->h.made_ms,
		.last_ms = s->last_ms,
		.streams = (uint32_t)s->nstreams,
		.damaged = f->damaged,
		.rewritten = (f->h.flags & JOURNAL_REWRITTEN) != 0
	};

	if (o->visit_file != NULL)
		o->visit_file(o->ctx, &file);
}

static int
walk_file(struct recovery *rec, struct found *f)
{
	uint64_t before = rec->report->events;
	struct journal_window w;
	struct journal_source source;
	struct journal_scan scan;
	struct segment *s = new_segment(rec, f);

	if (s == NULL)
		return -1;
	if (open_file(rec, f, &w, &source) == -1) {
		if (rec->repair || errno != ENOENT)
			return -1;
		/* freed while we look */
		rec->next_lsn = f->next_first > 0 ? f->next_first : f->first_lsn;
		return 0;
	}
	journal_scan_init(&scan, &source, &f->h, f->crc, f->next_first);
	walk(rec, f, s, &scan);
	close_file(f);
	rec->next_lsn = s->next_lsn;
	rec->report->bytes += s->end - JOURNAL_PAGE;
	visit_file(rec, f, s, rec->report->events - before);
	if (f->next_first == 0)
		settle_last(rec, f, s, &scan);
	else
		journal_segment_seal(s);
	return 0;
}

/* ---- writing anew ---- */

/* A segment under way from records that come one by one. */
struct rewriter {
	struct recovery *rec;
	int fd;
	struct journal_header h;
	uint32_t prev;
	uint64_t lsn, offset;		/* of the next event; of the next record */
	struct buf out;
	bool failed;
};

static void
rewrite_flush(struct rewriter *rw)
{
	if (journal_write_all(rw->fd, rw->out.data, rw->out.len,
	    rw->offset - rw->out.len) == -1)
		rw->failed = true;
	buf_clear(&rw->out);
}

static void
rewrite_add(struct rewriter *rw, struct journal_record r)
{
	size_t len;
	uint8_t *to;

	r.len = journal_record_len(r.pid.len, r.iid.len, r.payload.len);
	len = journal_pad(r.len);
	if (rw->out.len > 1 << 20)
		rewrite_flush(rw);
	if (rw->offset + len > rw->h.size - JOURNAL_PAGE ||
	    !buf_reserve(&rw->out, len)) {
		rw->failed = true;
		return;
	}
	to = (uint8_t *)rw->out.data + rw->out.len;
	journal_record_put(to, &r);
	rw->prev = journal_record_seal(to, rw->h.salt, rw->offset, rw->prev,
	    r.lsn - 1);
	rw->out.len += len;
	rw->offset += len;
}

/* Events up to `lsn` are missing. */
static void
rewrite_loss(struct rewriter *rw, uint64_t lsn)
{
	if (lsn <= rw->lsn)
		return;
	rewrite_add(rw, (struct journal_record){ .type = JOURNAL_LOSS,
	    .lsn = rw->lsn, .seq = lsn - rw->lsn });
	rw->lsn = lsn;
}

static void
rewrite_names(struct rewriter *rw)
{
	const struct journal *j = rw->rec->j;

	for (uint32_t i = 0; i < j->nstreams; i++) {
		const struct stream *st = j->streams[i];

		if (st != NULL)
			rewrite_add(rw, (struct journal_record){
			    .type = JOURNAL_STREAM, .lsn = rw->lsn,
			    .ms = st->ms, .seq = st->seq,
			    .stream = st->number, .payload = st->name });
	}
}

/* Copy what checks of a damaged file. */
static void
rewrite_records(struct rewriter *rw, struct found *f)
{
	struct journal_window w;
	struct journal_source source;
	struct journal_scan scan;
	struct journal_record r;
	enum journal_step step;

	if (open_file(rw->rec, f, &w, &source) == -1) {
		rw->failed = true;
		return;
	}
	journal_scan_init(&scan, &source, &f->h, f->crc, f->next_first);
	while ((step = journal_scan_next(&scan, &r)) != JOURNAL_STEP_END) {
		if (step == JOURNAL_STEP_DAMAGE)
			continue;
		rewrite_loss(rw, r.lsn);
		rewrite_add(rw, r);
		if (r.type == JOURNAL_EVENT)
			rw->lsn = r.lsn + 1;
		else if (r.type == JOURNAL_LOSS)
			rw->lsn = r.lsn + r.seq;
	}
	rewrite_loss(rw, scan.lsn);
	close_file(f);
}

static int
rewrite_finish(struct rewriter *rw, const uint8_t *page, const char *making,
    const char *name)
{
	struct journal *j = rw->rec->j;

	rewrite_flush(rw);
	if (rw->failed ||
	    ftruncate(rw->fd, (off_t)rw->h.size) == -1 ||
	    journal_write_all(rw->fd, page, JOURNAL_PAGE, 0) == -1 ||
	    journal_write_all(rw->fd, page, JOURNAL_PAGE,
	    rw->h.size - JOURNAL_PAGE) == -1 ||
	    journal_sync_all(rw->fd) == -1)
		return -1;
	if (renameat(j->dir, making, j->dir, name) == -1)
		return -1;
	return journal_sync_all(j->dir);
}

/* Put a segment in the place of a damaged or missing one (f is NULL), which
 * reaches to the event before `until`; the last one of all also keeps the
 * counters.  0, or -1: all is as it was, and will be found again. */
static int
rewrite(struct recovery *rec, struct found *f, uint64_t first_lsn,
    uint64_t until, bool last, struct journal_header *h, uint64_t *end)
{
	struct rewriter rw = { .rec = rec, .lsn = first_lsn,
	    .offset = JOURNAL_PAGE, .out = BUF_INIT(JOURNAL_MAX_SEGMENT) };
	uint8_t page[JOURNAL_PAGE];
	char name[JOURNAL_NAME], making[JOURNAL_NAME + 4];
	int result;

	journal_name(name, first_lsn);
	snprintf(making, sizeof making, "%s.tmp", name);
	memcpy(rw.h.node, rec->j->node, sizeof rw.h.node);
	rw.h.flags = JOURNAL_REWRITTEN;
	rw.h.first_lsn = first_lsn;
	rw.h.salt = journal_random();
	rw.h.size = (f != NULL ? f->h.size : 2 * JOURNAL_PAGE) +
	    ((rec->j->naming_bytes + 2 * JOURNAL_PAGE) &
	    ~(uint64_t)(JOURNAL_PAGE - 1));
	rw.prev = journal_header_encode(&rw.h, page);
	rw.fd = openat(rec->j->dir, making, O_RDWR | O_CREAT | O_TRUNC |
	    O_CLOEXEC, 0600);
	if (rw.fd == -1)
		return -1;
	if (f != NULL)
		rewrite_records(&rw, f);
	rewrite_loss(&rw, until);
	if (last)
		rewrite_names(&rw);
	if (f != NULL)
		put_aside(rec, first_lsn, true);
	result = rewrite_finish(&rw, page, making, name);
	if (result == -1)
		unlinkat(rec->j->dir, making, 0);
	close(rw.fd);
	buf_fini(&rw.out);
	*h = rw.h;
	*end = rw.offset;
	return result;
}

/* The index of a segment that was written anew: its events moved. */
static int
reindex(struct recovery *rec, struct segment *s, const struct found *f)
{
	struct journal_window w;
	struct journal_source source;
	struct journal_record r;
	struct found again = *f;
	uint64_t at = JOURNAL_PAGE;

	again.bytes = f->h.size;
	if (open_file(rec, &again, &w, &source) == -1)
		return -1;
	s->nstreams = 0;
	s->sealed = false;
	for (uint32_t i = 0; i < rec->j->nstreams; i++)
		if (rec->j->streams[i] != NULL)
			rec->j->streams[i]->entry_of = 0;
	for (; at < s->end && journal_record_at(&source, f->h.salt, at, &r);
	    at += journal_pad(r.len)) {
		struct stream *st = r.stream < rec->j->nstreams ?
		    rec->j->streams[r.stream] : NULL;

		if (r.type == JOURNAL_EVENT && st != NULL)
			journal_segment_note(s, st, at, r.seq, r.seq);
	}
	journal_segment_seal(s);
	close_file(&again);
	return 0;
}

static void
salvage_file(struct recovery *rec, struct found *f, struct segment *s)
{
	bool last = f->next_first == 0 && rec->tail_most == 0;
	struct journal_header h;
	uint64_t end;

	if (!rec->repair) {
		rec->report->quarantined++;
		return;
	}
	if (rewrite(rec, f, f->first_lsn, s->next_lsn, last, &h, &end) == -1)
		return;
	f->h = h;
	s->salt = h.salt;
	s->size = h.size;
	s->end = end;
	s->unfit = true;
	reindex(rec, s, f);
}

static void
salvage(struct recovery *rec)
{
	struct journal *j = rec->j;
	struct journal_header h;
	uint64_t end;

	for (size_t i = 0; i < j->nsegments; i++)
		if (rec->files[i].damaged)
			salvage_file(rec, &rec->files[i], j->segments[i]);
	if (rec->tail_most > 0 && rec->repair)
		(void)rewrite(rec, NULL, rec->tail_first, rec->next_lsn, true,
		    &h, &end);
}

/* ---- the whole ---- */

/* A stand-in for what is missing before `next`, so that it is reported once.
 * A segment of which nothing is left loses its name to it. */
static void
stand_in(struct recovery *rec, uint64_t next)
{
	struct journal *j = rec->j;
	struct segment *s = j->segments[j->nsegments - 1];
	uint64_t first = rec->next_lsn, end;
	struct journal_header h;

	note_lost(rec, next - first, next);
	if (s->first_lsn == first) {
		s->unfit = true;
		put_aside(rec, first, true);
	}
	if (rec->repair)
		(void)rewrite(rec, NULL, first, next, false, &h, &end);
}

static int
walk_all(struct recovery *rec)
{
	for (size_t i = 0; i < rec->nfiles; i++)
		if (read_names(rec, &rec->files[i]) == -1)
			return -1;
	rec->next_lsn = rec->nfiles > 0 ? rec->files[0].first_lsn : 1;
	for (size_t i = 0; i < rec->nfiles; i++) {
		struct found *f = &rec->files[i];

		if (f->first_lsn > rec->next_lsn)
			stand_in(rec, f->first_lsn);
		if (i + 1 < rec->nfiles)
			read_ahead(rec, f + 1);
		if (walk_file(rec, f) == -1)
			return -1;
	}
	if (rec->tail_most > 0) {
		if (rec->tail_first < rec->next_lsn)
			rec->tail_first = rec->next_lsn;
		note_lost(rec, rec->tail_first - rec->next_lsn + rec->tail_most,
		    rec->tail_first + rec->tail_most);
		rec->tail_first = rec->next_lsn;
		rec->next_lsn = rec->damage_lsn;
	}
	return 0;
}

/* Events are missing and no later record tells of which stream: each that was
 * not met since may be it, and goes on above the most it can have reached. */
static void
raise_the_uncertain(struct recovery *rec)
{
	uint64_t unplaced = rec->lost - rec->placed;
	struct journal *j = rec->j;

	if (unplaced == 0)
		return;
	report_loss(rec, SLICE(""), 1, unplaced);
	for (uint32_t i = 0; i < j->nstreams; i++)
		if (j->streams[i] != NULL &&
		    j->streams[i]->seen_lsn < rec->damage_lsn)
			j->streams[i]->seq += unplaced;
}

static void
finish(struct recovery *rec)
{
	struct journal *j = rec->j;
	struct journal_report *r = rec->report;
	uint64_t last = rec->next_lsn - 1;

	for (uint32_t i = 0; i < j->nstreams; i++) {
		struct stream *st = j->streams[i];

		if (st == NULL)
			continue;
		st->placed_seq = st->floor_seq = st->seq;
		st->placed_ms = st->floor_ms = st->ms;
	}
	j->w.lsn = last;
	if (j->w.segment != NULL)
		j->w.last_ms = j->w.segment->last_ms;
	j->stats.appended_lsn = last;
	j->covered = j->o.visit_after;
	atomic_store(&j->appended, last);
	atomic_store(&j->durable, last);
	r->segments = j->nsegments;
	memcpy(r->node, j->node, sizeof r->node);
	r->last_lsn = last;
	r->first_lsn = j->nsegments > 0 ? j->segments[0]->first_lsn : 0;
}

static int
say(struct recovery *rec, const char *what)
{
	int saved = errno;

	snprintf(rec->report->message, sizeof rec->report->message, "%s: %s",
	    what, strerror(saved));
	errno = saved;
	return -1;
}

static int
recover(struct recovery *rec)
{
	if (list(rec) == -1 || open_files(rec) == -1)
		return say(rec, "the journal's directory");
	if (check_node(rec) == -1)
		return say(rec, "this journal belongs to another node");
	sift(rec);
	if (walk_all(rec) == -1)
		return say(rec, "the journal's files");
	raise_the_uncertain(rec);
	salvage(rec);
	finish(rec);
	return 0;
}

int
journal_recover(struct journal *j, struct journal_report *report,
    enum journal_recovery how)
{
	struct recovery rec = { .j = j, .report = report,
	    .repair = how != JOURNAL_LOOK,
	    .take_over = how == JOURNAL_TAKE_OVER,
	    .window = BUF_INIT(JOURNAL_MAX_SEGMENT) };
	int result = recover(&rec);
	int saved = errno;

	free(rec.files);
	buf_fini(&rec.window);
	errno = saved;
	return result;
}
