/* read_journal.c - events straight from the files of a journal, which another
 * process may have open; nothing in it is touched.
 *
 * In a group, how far it has come is kept beside the journal after each event
 * that a command took, and after each run of those that went to standard
 * output; what fails is tried again, and given up after some tries. */
#include "config.h"

#include <errno.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sysexits.h>

#include "app/read.h"
#include "app/read_place.h"
#include "base/map.h"
#include "proto/event_json.h"
#include "proto/xadd.h"
#include "sink/journal.h"

#define MAX_FIELDS 65536
#define AGAIN_MS 1000
#define RETRY_MS 200u
#define RETRY_MAX_MS 10000u
#define SAVE_EVENTS 100		/* that went to standard output */
#define JSON_MAX ((size_t)512 << 20)

struct look {
	const struct read_opts *o;
	struct read_counts *n;
	struct map *streams;	/* of uint64_t: the last sequence */
	struct pair *pairs;
	uint64_t lsn;		/* all up to it were looked at */
	uint64_t from_ms, from_seq;
	struct read_place *place;	/* NULL: no group */
	unsigned unsaved;
	bool failed;
};

static bool
wanted(const struct look *l, const struct journal_entry *e)
{
	if (strcmp(l->o->stream, "-") != 0 &&
	    !slice_eq(e->stream, slice_str(l->o->stream)))
		return false;
	return e->ms > l->from_ms ||
	    (e->ms == l->from_ms && e->seq > l->from_seq);
}

/* Is the sequence whole? */
static void
check_gap(struct look *l, const struct journal_entry *e)
{
	uint64_t *last = map_get(l->streams, e->stream);

	if (last == NULL) {
		last = malloc(sizeof *last);
		if (last == NULL || !map_put(l->streams, e->stream, last, NULL)) {
			free(last);
			return;
		}
	} else if (e->seq != *last + 1 && e->seq > *last) {
		l->n->gaps += e->seq - *last - 1;
		fprintf(stderr, "millrace read: %.*s: missing: %" PRIu64
		    " to %" PRIu64 "\n", SLICE_ARG(e->stream), *last + 1,
		    e->seq - 1);
	}
	*last = e->seq;
}

/* ---- a group ---- */

static void
save(struct look *l)
{
	if (l->place == NULL || l->unsaved == 0)
		return;
	if (fflush(stdout) == EOF) {
		l->failed = true;
		return;
	}
	l->unsaved = 0;
	if (!read_place_save(l->place))
		fprintf(stderr, "millrace read: %s: %s\n", l->place->path,
		    strerror(errno));
}

/* All up to this event is done with. */
static void
done_with(struct look *l, const struct journal_entry *e, bool ours)
{
	if (l->place == NULL)
		return;
	l->place->lsn = e->lsn;
	if (ours)
		l->place->seq = e->seq;
	l->unsaved++;
	if (ours && (l->o->exec != NULL || l->unsaved >= SAVE_EVENTS))
		save(l);
}

static void
bury(struct look *l, const struct event_record *ev,
    const struct journal_entry *e, unsigned tries, const char *why)
{
	struct buf json = BUF_INIT(JSON_MAX);

	if (event_json_write(&json, ev, e->ms, e->seq) &&
	    read_place_bury(l->place, buf_slice(&json), tries, why)) {
		l->n->dead++;
		done_with(l, e, true);
	} else {
		fprintf(stderr, "millrace read: %s.dead: %s\n", l->place->path,
		    strerror(errno));
		l->failed = true;
	}
	buf_fini(&json);
}

/* ---- events ---- */

/* Hand it over, again and again in a group. */
static void
deliver(struct look *l, const struct event_record *ev,
    const struct journal_entry *e)
{
	unsigned tries = 0;
	char why[200];

	while (!read_deliver(l->o, ev, e->ms, e->seq, ++tries, why,
	    sizeof why)) {
		unsigned ms = tries < 6 ? RETRY_MS << (tries - 1) :
		    RETRY_MAX_MS;

		fprintf(stderr, "millrace read: %.*s %" PRIu64 "-%" PRIu64
		    ": try %u: %s\n", SLICE_ARG(e->stream), e->ms, e->seq,
		    tries, why);
		if (l->place == NULL || read_stop) {
			l->failed = true;
			return;
		}
		if (tries >= l->o->max_tries) {
			bury(l, ev, e, tries, why);
			return;
		}
		read_pause(ms);
		if (read_stop)
			return;
		l->n->retried++;
	}
	l->n->taken++;
	done_with(l, e, true);
}

static void
visit(void *ctx, const struct journal_entry *e)
{
	struct look *l = ctx;
	struct event_record ev = { .stream = e->stream, .pid = e->pid,
	    .iid = e->iid, .fields = l->pairs };

	if (read_stop || l->failed || (l->o->count > 0 &&
	    l->n->taken >= l->o->count))
		return;
	l->lsn = e->lsn;
	if (!wanted(l, e)) {
		done_with(l, e, false);
		return;
	}
	check_gap(l, e);
	ev.nfields = journal_fields(e->fields, l->pairs, MAX_FIELDS);
	if (ev.nfields <= MAX_FIELDS)
		deliver(l, &ev, e);
}

static int
look(struct look *l)
{
	struct journal_options jo = { .dir = l->o->journal, .visit = visit,
	    .ctx = l };
	struct journal_report report;

	do {
		jo.visit_after = l->lsn;
		if (journal_inspect(&jo, &report) == -1) {
			fprintf(stderr, "millrace read: journal %s: %s\n",
			    l->o->journal, report.message);
			journal_report_fini(&report);
			return EX_NOINPUT;
		}
		l->n->gone = report.lost_events;
		journal_report_fini(&report);
		fflush(stdout);
		save(l);
		if (l->o->count > 0 && l->n->taken >= l->o->count)
			break;
		if (l->o->block)
			read_pause(AGAIN_MS);
	} while (l->o->block && !read_stop && !l->failed);
	return l->failed ? EX_UNAVAILABLE : 0;
}

/* Go on where the group was, if that was in this journal. */
static int
take_up(struct look *l)
{
	struct journal_options jo = { .dir = l->o->journal };
	struct read_place *p = l->place;
	struct journal_report r;
	uint64_t *seq;

	if (journal_inspect(&jo, &r) == -1) {
		fprintf(stderr, "millrace read: journal %s: %s\n",
		    l->o->journal, r.message);
		journal_report_fini(&r);
		return EX_NOINPUT;
	}
	journal_report_fini(&r);
	if (p->lsn > 0 && (p->lsn > r.last_lsn ||
	    memcmp(p->node, r.node, sizeof p->node) != 0)) {
		fprintf(stderr, "millrace read: this is another journal than "
		    "group %s knew: from its beginning\n", l->o->group);
		p->lsn = p->seq = 0;
	}
	memcpy(p->node, r.node, sizeof p->node);
	l->lsn = p->lsn;
	seq = p->seq == 0 || strcmp(l->o->stream, "-") == 0 ? NULL :
	    malloc(sizeof *seq);
	if (seq != NULL) {
		*seq = p->seq;
		if (!map_put(l->streams, slice_str(l->o->stream), seq, NULL))
			free(seq);
	}
	return 0;
}

static int
look_for_group(struct look *l)
{
	struct read_place place;
	int rc = read_place_open(&place, l->o->journal, l->o->group,
	    l->o->stream);

	if (rc == 0) {
		l->place = &place;
		rc = take_up(l);
	}
	if (rc == 0) {
		rc = look(l);
		save(l);
	}
	read_place_close(&place);
	return rc;
}

int
read_from_journal(const struct read_opts *o, struct read_counts *n)
{
	struct look l = { .o = o, .n = n };
	int rc = EX_OSERR;

	if (o->from != NULL && !stream_id_parse(slice_str(o->from), UINT64_MAX,
	    &l.from_ms, &l.from_seq)) {
		fprintf(stderr, "millrace read: %s is no id\n", o->from);
		return EX_USAGE;
	}
	l.streams = map_new(65536);
	l.pairs = calloc(MAX_FIELDS, sizeof *l.pairs);
	if (l.streams != NULL && l.pairs != NULL)
		rc = o->group != NULL ? look_for_group(&l) : look(&l);
	if (l.streams != NULL)
		map_free(l.streams, free);
	free(l.pairs);
	return rc;
}
