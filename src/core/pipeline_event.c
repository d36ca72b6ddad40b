/* pipeline_event.c - events into batches for the events thread.
 *
 * An event is written into the batch once, its parts in a row: stream, pid,
 * iid, then for each field two lengths, then the fields' bytes. */
#include "config.h"

#include <stdlib.h>

#include "core/pipeline.h"
#include "core/rules.h"

#define BATCH_BYTES (256 * 1024)
#define BATCH_MAX (64 * 1024 * 1024)

void
pipeline_send_events(struct pipeline *p)
{
	struct event_batch *b = p->events;

	if (b == NULL || (b->n == 0 && b->tickets.n == 0))
		return;
	p->events = NULL;
	p->holding--;
	inbox_put(p->sinks.events, &b->letter, b->bytes.len);
}

/* A reload may number them anew while the batch is on its way. */
static void
name_sections(struct event_batch *b, const struct conf *c)
{
	for (; b->nsections < c->nstreams; b->nsections++)
		b->section[b->nsections] =
		    plan_section(c->streams[b->nsections].name);
}

static struct event_batch *
event_room(struct pipeline *p)
{
	struct event_batch *b = p->events;

	/* Not between two events of one group: they travel together. */
	if (b != NULL && b->bytes.len >= BATCH_BYTES &&
	    !b->items[b->n - 1].more)
		pipeline_send_events(p);
	if (p->events == NULL) {
		p->events = event_batch_new(BATCH_MAX);
		if (p->events == NULL)
			return NULL;
		p->events->letter.deliver = p->sinks.take_events;
		name_sections(p->events, p->plan->conf);
		p->holding++;
	}
	return p->events;
}

static bool
encode(struct buf *b, const struct event_record *e)
{
	if (!buf_add_slice(b, e->stream) || !buf_add_slice(b, e->pid) ||
	    !buf_add_slice(b, e->iid))
		return false;
	for (size_t i = 0; i < e->nfields; i++) {
		uint32_t len[2] = {
			(uint32_t)e->fields[i].key.len,
			(uint32_t)e->fields[i].value.len
		};

		if (!buf_add(b, len, sizeof len))
			return false;
	}
	for (size_t i = 0; i < e->nfields; i++)
		if (!buf_add_slice(b, e->fields[i].key) ||
		    !buf_add_slice(b, e->fields[i].value))
			return false;
	return true;
}

static bool
add_event(struct pipeline *p, const struct record *r, uint64_t streams,
    struct ticket *t, size_t slot, bool more)
{
	struct event_batch *b = event_room(p);
	size_t before;
	struct event_item *item;

	if (b == NULL)
		return false;
	before = b->bytes.len;
	if (!encode(&b->bytes, &r->event)) {
		b->bytes.len = before;
		return false;
	}
	if (t != NULL && !batch_ticket(&b->tickets, t))
		return false;
	item = event_batch_item(b);
	if (item == NULL)
		return false;
	*item = (struct event_item){
		.ticket = t, .slot = (uint32_t)slot,
		.offset = (uint32_t)before,
		.stream_len = (uint32_t)r->event.stream.len,
		.pid_len = (uint32_t)r->event.pid.len,
		.iid_len = (uint32_t)r->event.iid.len,
		.nfields = (uint32_t)r->event.nfields,
		.kind = r->kind, .source = r->source,
		.streams = (uint16_t)streams, .more = more,
		.received_ns = r->received_ns
	};
	return true;
}

/* What the rules say of it: false when it goes nowhere, and *why then says
 * whether that was meant (RULE) or not (NO_ROUTE). */
static bool
decide(struct pipeline *p, const struct record *r, enum reason *why)
{
	struct decision *d = &p->decision;

	rules_apply(p->plan->rules, r, d);
	if (d->dropped_by < 0 && d->to.streams != 0)
		return true;
	*why = d->dropped_by >= 0 || d->routed ? REASON_RULE : REASON_NO_ROUTE;
	return false;
}

/* One that has been decided about, under the name it has now. */
static bool
add_decided(struct pipeline *p, const struct record *r, struct ticket *t,
    size_t slot, bool more)
{
	struct record named = *r;

	if (p->decision.renamed)
		named.event.stream = p->decision.name;
	return add_event(p, &named, p->decision.to.streams, t, slot, more);
}

static void
set_result(struct ticket *t, size_t slot, enum ticket_status status)
{
	if (t == NULL)
		return;
	if (slot != EVENT_NO_SLOT)
		t->result[slot] = (struct ticket_result){ .status = status };
	ticket_mark(t, status);
}

void
pipeline_event(struct pipeline *p, const struct record *r, struct ticket *t,
    size_t slot, bool more)
{
	struct ledger_book *book = &p->ledger.book[RECORD_EVENT][r->source];
	enum reason why;

	counter_add(&book->received, 1);
	if (p->watched)
		p->tap(p->tap_ctx, r);
	/* what a rule drops, on purpose, is answered as done */
	set_result(t, slot, TICKET_DONE);
	if (!decide(p, r, &why)) {
		counter_add(&book->dropped[why], 1);
		if (why == REASON_NO_ROUTE)
			set_result(t, slot, TICKET_FAILED);
		return;
	}
	counter_add(&book->entered, 1);
	if (add_decided(p, r, t, slot, more))
		return;
	set_result(t, slot, TICKET_FULL);
	ledger_lost(&p->ledger, RECORD_EVENT, r->source, REASON_NO_MEMORY, 1);
}

struct slice
pipeline_latest_stream(const struct pipeline *p, const struct record *r)
{
	return p->decision.renamed ? p->decision.name : r->event.stream;
}

/* Does every one of them go somewhere, or nowhere on purpose? */
static bool
all_routed(struct pipeline *p, const struct record *r, size_t n)
{
	enum reason why;

	for (size_t i = 0; i < n; i++)
		if (!decide(p, &r[i], &why) && why == REASON_NO_ROUTE)
			return false;
	return true;
}

/* Add all that are not dropped.  False: no memory, and none was added. */
static bool
add_group(struct pipeline *p, const struct record *r, size_t n,
    struct ticket *t, size_t slot, uint64_t *dropped)
{
	struct event_batch *b = event_room(p);
	size_t items = b == NULL ? 0 : b->n, bytes = b == NULL ? 0 :
	    b->bytes.len;
	enum reason why;

	for (size_t i = 0; i < n; i++) {
		t->result[slot + i] = (struct ticket_result){
			.status = TICKET_DONE
		};
		if (!decide(p, &r[i], &why)) {
			++*dropped;
			continue;
		}
		if (!add_decided(p, &r[i], t, slot + i, true)) {
			if (b != NULL) {
				b->n = items;
				b->bytes.len = bytes;
			}
			return false;
		}
	}
	if (p->events != NULL && p->events->n > items)
		p->events->items[p->events->n - 1].more = false;
	return true;
}

enum reason
pipeline_event_group(struct pipeline *p, const struct record *r, size_t n,
    struct ticket *t, size_t slot)
{
	struct ledger_book *book = &p->ledger.book[RECORD_EVENT][r->source];
	enum reason why = REASON_NONE;
	uint64_t dropped = 0;

	counter_add(&book->received, n);
	for (size_t i = 0; i < n && p->watched; i++)
		p->tap(p->tap_ctx, &r[i]);
	if (!all_routed(p, r, n))
		why = REASON_NO_ROUTE;
	else if (!add_group(p, r, n, t, slot, &dropped))
		why = REASON_NO_MEMORY;
	if (why != REASON_NONE) {
		counter_add(&book->dropped[why], n);
		return why;
	}
	counter_add(&book->dropped[REASON_RULE], dropped);
	counter_add(&book->entered, n - dropped);
	return REASON_NONE;
}

/* A log message that a rule sends to a stream: the stream is named "logs",
 * and the fields are the message's own. */
void
pipeline_event_of_log(struct pipeline *p, const struct record *r,
    struct slice stream, uint64_t streams, struct ticket *t)
{
	const struct log_record *l = &r->log;
	struct ledger_book *book =
	    &p->ledger.book[RECORD_EVENT][SOURCE_INTERNAL];
	struct record e = *r;
	struct pair fields[] = {
		{ SLICE("host"), l->host },
		{ SLICE("app"), l->app },
		{ SLICE("procid"), l->procid },
		{ SLICE("msgid"), l->msgid },
		{ SLICE("facility"), slice_str(facility_name(l->facility)) },
		{ SLICE("severity"), slice_str(severity_name(l->severity)) },
		{ SLICE("body"), l->body },
	};

	e.event = (struct event_record){
		.stream = stream, .fields = fields,
		.nfields = sizeof fields / sizeof fields[0]
	};
	/* an event of its own in the books: the log is counted where it goes */
	e.kind = RECORD_EVENT;
	e.source = SOURCE_INTERNAL;
	counter_add(&book->received, 1);
	counter_add(&book->entered, 1);
	if (!add_event(p, &e, streams, t, EVENT_NO_SLOT, false))
		ledger_lost(&p->ledger, RECORD_EVENT, SOURCE_INTERNAL,
		    REASON_NO_MEMORY, 1);
}
