/* journal_scan.c - walk a segment; tell a torn end from damage. */
#include "config.h"

#include "sink/journal_scan.h"

void
journal_scan_init(struct journal_scan *s, const struct journal_source *source,
    const struct journal_header *h, uint32_t header_crc, uint64_t next_first)
{
	*s = (struct journal_scan){
		.source = *source,
		.salt = h->salt,
		.next_first = next_first,
		.offset = JOURNAL_PAGE,
		.lsn = h->first_lsn,
		.prev = header_crc,
		/* the one behind was begun when all of this was on disk */
		.evidence = next_first > 0 ? next_first - 1 : 0
	};
	s->source.size &= ~UINT64_C(7);
}

bool
journal_record_at(const struct journal_source *source, uint64_t salt,
    uint64_t offset, struct journal_record *r)
{
	const uint8_t *p;
	uint32_t len;

	if (offset > source->size || source->size - offset < JOURNAL_HEAD)
		return false;
	p = source->fetch(source->ctx, offset, JOURNAL_HEAD);
	if (p == NULL)
		return false;
	len = journal_record_peek(p, salt, offset);
	if (len == 0 || len > source->size - offset)
		return false;
	p = source->fetch(source->ctx, offset, len);
	return p != NULL && journal_record_get(p, len, salt, offset, r);
}

bool
journal_record_find(const struct journal_source *source, uint64_t salt,
    uint64_t from, uint64_t *offset, struct journal_record *r)
{
	for (; from <= source->size && source->size - from >= JOURNAL_HEAD;
	    from += 8) {
		if (journal_record_at(source, salt, from, r)) {
			*offset = from;
			return true;
		}
	}
	return false;
}

/* What a record says was durable when it was written. */
static void
note(struct journal_scan *s, const struct journal_record *r)
{
	if (r->durable > s->evidence)
		s->evidence = r->durable;
}

/* Read everything from here to the end of the segment for what it knows. */
static void
search(struct journal_scan *s)
{
	struct journal_record r;
	uint64_t from = s->offset;

	s->searched = true;
	while (journal_record_find(&s->source, s->salt, from, &from, &r)) {
		note(s, &r);
		from += journal_pad(r.len);
	}
}

/* Is r what must stand here? */
static bool
follows(const struct journal_scan *s, const struct journal_record *r)
{
	if (s->any_prev)
		return r->lsn >= s->lsn;
	return r->prev == s->prev && r->lsn == s->lsn;
}

static enum journal_step end(struct journal_scan *s);

static enum journal_step
go_on(struct journal_scan *s, uint64_t to, uint64_t lsn)
{
	s->damaged += to - s->offset;
	s->lost += lsn - s->lsn;
	s->lsn = lsn;
	s->offset = to;
	s->any_prev = true;
	return JOURNAL_STEP_DAMAGE;
}

/* The walk cannot go on at s->offset, although the event s->lsn was durable:
 * find where it can.  If nowhere, and another segment follows, then it may be
 * that one between the two is missing: the caller sees what lsn is. */
static enum journal_step
damage(struct journal_scan *s)
{
	struct journal_record r;
	uint64_t to = s->offset + 8;

	s->at = s->offset;
	while (journal_record_find(&s->source, s->salt, to, &to, &r)) {
		/* behind the durable part may stand what an earlier end cut off */
		if (r.lsn >= s->lsn && r.lsn <= s->evidence &&
		    r.type != JOURNAL_MARK)
			return go_on(s, to, r.lsn);
		to += journal_pad(r.len);
	}
	return s->next_first > 0 ? end(s) :
	    go_on(s, s->source.size, s->evidence + 1);
}

static void
advance(struct journal_scan *s, const struct journal_record *r)
{
	note(s, r);
	s->at = s->offset;
	s->offset += journal_pad(r->len);
	s->prev = r->crc;
	s->any_prev = false;
	s->lsn = r->lsn;
	if (r->type == JOURNAL_EVENT)
		s->lsn++;
	else if (r->type == JOURNAL_LOSS)
		s->lsn += r->seq;
}

static enum journal_step
end(struct journal_scan *s)
{
	struct journal_record r;

	s->at = s->offset;
	s->torn = 0;
	if (s->source.size - s->offset >= JOURNAL_HEAD) {
		const uint8_t *p = s->source.fetch(s->source.ctx, s->offset,
		    JOURNAL_HEAD);

		if (p != NULL)
			s->torn = journal_record_peek(p, s->salt, s->offset);
	}
	if (s->torn > 0 && journal_record_at(&s->source, s->salt, s->offset, &r) &&
	    r.type == JOURNAL_MARK)
		s->torn = 0;
	return JOURNAL_STEP_END;
}

static enum journal_step
stop(struct journal_scan *s)
{
	if (!s->searched)
		search(s);
	return s->lsn <= s->evidence ? damage(s) : end(s);
}

/* An event that opens a group only counts when the group is whole. */
static bool
group_is_whole(struct journal_scan *s)
{
	struct journal_scan ahead = *s;
	struct journal_record r;
	enum journal_step step;

	ahead.group_end = UINT64_MAX;	/* do not come here again */
	do {
		step = journal_scan_next(&ahead, &r);
	} while (step == JOURNAL_STEP_RECORD &&
	    (r.type != JOURNAL_EVENT || (r.flags & JOURNAL_MORE) != 0));
	if (ahead.evidence > s->evidence)
		s->evidence = ahead.evidence;
	/* what had been durable had been so as a whole */
	if (step == JOURNAL_STEP_END && s->evidence < s->lsn)
		return false;
	s->group_end = ahead.lsn;
	return true;
}

enum journal_step
journal_scan_next(struct journal_scan *s, struct journal_record *r)
{
	if (s->next_first > 0 && s->lsn >= s->next_first)
		return end(s);
	if (!journal_record_at(&s->source, s->salt, s->offset, r) ||
	    !follows(s, r))
		return stop(s);
	if (r->type == JOURNAL_MARK) {
		note(s, r);
		return s->lsn <= s->evidence ? damage(s) : end(s);
	}
	if (r->type == JOURNAL_EVENT && (r->flags & JOURNAL_MORE) != 0 &&
	    s->lsn >= s->group_end) {
		if (!group_is_whole(s))
			return end(s);
		/* the look ahead moved the window */
		if (!journal_record_at(&s->source, s->salt, s->offset, r))
			return stop(s);
	}
	advance(s, r);
	return JOURNAL_STEP_RECORD;
}
