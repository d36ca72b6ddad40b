/* journal_read.c - read durable events back, from the page cache mostly.
 *
 * A cursor says where it is; the bytes are in the caller's window.  So ten
 * thousand streams that wait for a slow destination cost ten thousand small
 * cursors and one window. */
#include "config.h"

#include <errno.h>
#include <fcntl.h>
#include <unistd.h>

#include "base/clock.h"
#include "base/log.h"
#include "sink/journal_private.h"

#define WINDOW (256u * 1024)
#define READ_PATIENCE_NS (60 * NS_PER_S)

/* ---- a window on a file ---- */

void
journal_window_init(struct journal_window *w, int fd, struct buf *buf,
    uint64_t size)
{
	*w = (struct journal_window){ .fd = fd, .buf = buf, .size = size,
	    .chunk = WINDOW };
	buf_clear(buf);
}

const uint8_t *
journal_window_fetch(void *window, uint64_t offset, size_t len)
{
	struct journal_window *w = window;
	size_t want = len > w->chunk ? len : w->chunk;
	ssize_t got;

	if (offset >= w->at && offset + len <= w->at + w->buf->len)
		return (const uint8_t *)w->buf->data + (offset - w->at);
	if (w->bad > 0 && offset < w->bad - 1 + JOURNAL_PAGE &&
	    offset + len > w->bad - 1)
		return NULL;
	buf_clear(w->buf);
	if (want > w->size - offset)
		want = (size_t)(w->size - offset);
	if (!buf_reserve(w->buf, want))
		return NULL;
	got = journal_read_at(w->fd, w->buf->data, want, offset);
	w->at = offset;
	w->buf->len = got > 0 ? (size_t)got : 0;
	if (w->buf->len >= len)
		return (const uint8_t *)w->buf->data;
	w->bad = ((offset + w->buf->len) & ~(uint64_t)(JOURNAL_PAGE - 1)) + 1;
	return NULL;
}

/* ---- fields ---- */

static bool
varint(struct slice *s, uint64_t *v)
{
	uint64_t n = 0;

	for (unsigned shift = 0; shift < 64 && s->len > 0; shift += 7) {
		uint8_t c = (uint8_t)s->ptr[0];

		*s = slice_from(*s, 1);
		n |= (uint64_t)(c & 127) << shift;
		if (c < 128) {
			*v = n;
			return true;
		}
	}
	return false;
}

static bool
field(struct slice *s, struct pair *f)
{
	uint64_t k, v;

	if (!varint(s, &k) || !varint(s, &v) || k > s->len || v > s->len - k)
		return false;
	f->key = slice_upto(*s, k);
	f->value = slice_upto(slice_from(*s, k), v);
	*s = slice_from(*s, k + v);
	return true;
}

size_t
journal_fields(struct slice encoded, struct pair *pairs, size_t max)
{
	struct pair f;
	uint64_t n;

	if (!varint(&encoded, &n) || n > encoded.len / 2)
		return SIZE_MAX;
	for (uint64_t i = 0; i < n; i++) {
		if (!field(&encoded, &f))
			return SIZE_MAX;
		if (i < max)
			pairs[i] = f;
	}
	return encoded.len == 0 ? (size_t)n : SIZE_MAX;
}

/* ---- sections ---- */

unsigned
journal_sections(const struct journal_record *r, const uint8_t **at,
    struct slice *fields)
{
	unsigned n;

	*fields = r->payload;
	if ((r->flags & JOURNAL_ROUTED) == 0 || fields->len == 0)
		return 0;
	n = (uint8_t)fields->ptr[0];
	if (n > (fields->len - 1) / 8)
		return 0;
	*at = (const uint8_t *)fields->ptr + 1;
	*fields = slice_from(*fields, 1 + (size_t)n * 8);
	return n;
}

static bool
goes_elsewhere(uint64_t section, const uint8_t *at, unsigned n)
{
	if (n == 0 || section == 0)
		return false;
	for (unsigned i = 0; i < n; i++)
		if (journal_get64(at + (size_t)i * 8) == section)
			return false;
	return true;
}

/* ---- cursors ---- */

void
journal_seek(struct journal *j, struct journal_cursor *c, uint64_t after)
{
	(void)j;
	*c = (struct journal_cursor){ .lsn = after + 1 };
}

bool
journal_seek_stream(struct journal *j, struct journal_cursor *c,
    struct slice stream, uint64_t after)
{
	struct stream *st;

	pthread_mutex_lock(&j->lock);
	st = journal_stream_get(j, stream, true);
	if (st != NULL)
		*c = (struct journal_cursor){ .seq = after,
		    .stream = st->number + 1 };
	pthread_mutex_unlock(&j->lock);
	return st != NULL;
}

/* What of a segment is to be read, found with the lock held. */
struct part {
	struct segment *segment;
	uint64_t first_lsn, salt, from, end;
	int fd;				/* the segment's, or -1 */
};

/* Has the segment anything for the cursor?  Then, where from. */
static bool
offers(const struct journal *j, const struct journal_cursor *c,
    const struct segment *s, uint64_t *from)
{
	const struct segment_stream *e;

	*from = JOURNAL_PAGE;
	if (c->segment == s->serial && c->offset >= JOURNAL_PAGE)
		*from = c->offset;
	if (*from >= s->end)
		return false;
	if (c->stream == 0)
		return s->next_lsn > c->lsn;
	if (s->no_index)
		return true;
	e = journal_segment_find(s, j->streams[c->stream - 1]);
	if (e == NULL || e->last_seq <= c->seq)
		return false;
	if (*from < (uint64_t)e->at * 8)
		*from = (uint64_t)e->at * 8;
	return true;
}

/* Nothing for it up to here: a stream that was silent long need not be looked
 * for again in what was written meanwhile. */
static void
up_to_date(const struct journal *j, struct journal_cursor *c)
{
	const struct segment *last;

	if (j->nsegments == 0)
		return;
	last = j->segments[j->nsegments - 1];
	if (!last->no_index) {
		c->segment = last->serial;
		c->offset = last->end;
	}
}

/* The first segment that the cursor has not been through. */
static size_t
first_to_look_at(const struct journal *j, const struct journal_cursor *c)
{
	size_t lo = 0, hi = j->nsegments;

	while (lo < hi) {
		size_t mid = lo + (hi - lo) / 2;

		if (j->segments[mid]->serial < c->segment)
			lo = mid + 1;
		else
			hi = mid;
	}
	return lo;
}

static bool
find_part(struct journal *j, struct journal_cursor *c, struct part *p)
{
	bool found = false;
	size_t i;

	pthread_mutex_lock(&j->lock);
	for (i = first_to_look_at(j, c); i < j->nsegments && !found; i++) {
		struct segment *s = j->segments[i];

		if (!offers(j, c, s, &p->from))
			continue;
		found = true;
		s->readers++;
		p->segment = s;
		p->first_lsn = s->first_lsn;
		p->salt = s->salt;
		p->end = s->end;
		p->fd = s->fd;
		c->segment = s->serial;
		c->offset = p->from;
	}
	if (!found)
		up_to_date(j, c);
	pthread_mutex_unlock(&j->lock);
	return found;
}

/* Not noting when it was read: that would be written with the next sync, since
 * fdatasync() of some filesystems writes the inode whenever it has changed.
 * Only the file's owner may do so.  -1: errno. */
static int
open_unnoted(int dir, const char *name)
{
	int fd = openat(dir, name, O_RDONLY | O_CLOEXEC | O_NOATIME);

	return fd != -1 || errno != EPERM ? fd :
	    openat(dir, name, O_RDONLY | O_CLOEXEC);
}

/* Who reads first opens it.  -1: errno. */
static int
open_part(struct journal *j, struct part *p)
{
	char name[JOURNAL_NAME];
	int fd;

	if (p->fd != -1)
		return 0;
	journal_name(name, p->first_lsn);
	fd = open_unnoted(j->dir, name);
	if (fd == -1)
		return -1;
	pthread_mutex_lock(&j->lock);
	if (p->segment->fd == -1)
		p->segment->fd = fd;
	else
		close(fd);		/* another was quicker */
	p->fd = p->segment->fd;
	pthread_mutex_unlock(&j->lock);
	return 0;
}

/* The last one closes it, unless there will soon be more to read. */
static void
release(struct journal *j, struct segment *s)
{
	int fd = -1;

	pthread_mutex_lock(&j->lock);
	if (--s->readers == 0 && s->sealed) {
		fd = s->fd;
		s->fd = -1;
	}
	if (s->readers == 0 && j->nretired > 0)
		pthread_cond_signal(&j->chores);
	pthread_mutex_unlock(&j->lock);
	if (fd != -1)
		close(fd);
}

/* Is this record for the cursor?  Then it is given, and the cursor moves. */
static bool
wanted(struct journal *j, struct journal_cursor *c,
    const struct journal_record *r, struct journal_entry *e)
{
	const uint8_t *sections = NULL;
	struct stream *st;
	unsigned n;

	if (r->type != JOURNAL_EVENT || r->lsn < c->lsn ||
	    (c->stream != 0 && (r->stream + 1 != c->stream || r->seq <= c->seq)))
		return false;
	st = r->stream < j->o.max_streams ? j->streams[r->stream] : NULL;
	if (st == NULL)
		return false;	/* its name was lost: recovery counted it */
	e->gap = c->stream != 0 ? r->seq - c->seq - 1 : r->lsn - c->lsn;
	e->lsn = r->lsn;
	e->ms = r->ms;
	e->seq = r->seq;
	e->stream = st->name;
	e->pid = r->pid;
	e->iid = r->iid;
	n = journal_sections(r, &sections, &e->fields);
	e->elsewhere = goes_elsewhere(c->section, sections, n);
	e->more = (r->flags & JOURNAL_MORE) != 0;
	c->lsn = r->lsn + 1;
	if (c->stream != 0)
		c->seq = r->seq;
	return true;
}

/* What the disk refuses now it may give in a moment: an event that is passed
 * over is lost to who reads. */
static bool
out_of_patience(const struct journal_cursor *c)
{
	return c->refused_ns != 0 &&
	    clock_mono_ns() - c->refused_ns > READ_PATIENCE_NS;
}

/* The record at *offset does not check.  Pass over the damage, but not for an
 * error of the disk that may go away.  False: nothing follows, or wait. */
static bool
pass_over(struct journal *j, struct journal_cursor *c,
    const struct journal_window *w, const struct journal_source *source,
    uint64_t salt, uint64_t *offset)
{
	struct journal_record r;
	uint64_t from = *offset;

	if (w->bad > 0 && !out_of_patience(c))
		return false;
	pthread_mutex_lock(&j->lock);
	j->stats.damaged_reads++;
	pthread_mutex_unlock(&j->lock);
	if (!journal_record_find(source, salt, *offset + 8, offset, &r))
		*offset = source->size;
	LOG_LIMITED(LOG_AT_ERROR, 10, "journal: bytes %llu to %llu of a file "
	    "cannot be read any more; the events there are passed over: see "
	    "millrace journal verify", (unsigned long long)from,
	    (unsigned long long)*offset);
	return true;
}

/* Is the record that begins at offset within the window already? */
static bool
in_window(const struct journal_window *w, uint64_t offset)
{
	uint64_t end = w->at + w->buf->len;
	const uint8_t *head;

	if (offset < w->at || offset + JOURNAL_HEAD > end)
		return false;
	head = (const uint8_t *)w->buf->data + (offset - w->at);
	return journal_get32(head) <= end - offset;
}

/* Read a part: entries of one window at most.  Moves the cursor to behind the
 * last record looked at. */
static size_t
read_part(struct journal *j, struct journal_cursor *c, const struct part *p,
    struct buf *buf, struct journal_entry *out, size_t max)
{
	struct journal_window w;
	struct journal_source source = { journal_window_fetch, &w, p->end };
	struct journal_record r;
	uint64_t offset = p->from;
	size_t n = 0;

	journal_window_init(&w, p->fd, buf, p->end);
	while (n < max && offset < p->end) {
		/* a fetch elsewhere would take away what out borrows */
		if (n > 0 && !in_window(&w, offset))
			break;
		if (journal_record_at(&source, p->salt, offset, &r)) {
			if (wanted(j, c, &r, &out[n]))
				n++;
			offset += journal_pad(r.len);
		} else if (n > 0 ||
		    !pass_over(j, c, &w, &source, p->salt, &offset)) {
			break;
		}
	}
	if (n > 0 || offset > c->offset)
		c->refused_ns = 0;
	else if (c->refused_ns == 0)
		c->refused_ns = clock_mono_ns();
	c->offset = offset;
	return n;
}

ssize_t
journal_read(struct journal *j, struct journal_cursor *c, struct buf *window,
    struct journal_entry *out, size_t max)
{
	struct part p;
	size_t n = 0;

	while (n == 0 && max > 0 && find_part(j, c, &p)) {
		if (open_part(j, &p) == -1) {
			int saved = errno;

			release(j, p.segment);
			errno = saved;
			return -1;
		}
		n = read_part(j, c, &p, window, out, max);
		release(j, p.segment);
		if (n == 0 && c->refused_ns != 0) {
			errno = EIO;
			return -1;
		}
	}
	return (ssize_t)n;
}
