/* batch.c - making, counting and answering batches. */
#include "config.h"

#include <stdlib.h>

#include "compat.h"
#include "core/batch.h"

void
batch_delivered(struct ledger *l, const struct batch_counts *c)
{
	for (int k = 0; k < RECORD_KINDS; k++)
		for (int s = 0; s < RECORD_SOURCES; s++)
			if (c->n[k][s] > 0)
				counter_add(&l->book[k][s].delivered,
				    c->n[k][s]);
}

void
batch_part_delivered(struct ledger *l, struct batch_counts *c, uint32_t n)
{
	for (int k = 0; k < RECORD_KINDS; k++)
		for (int s = 0; s < RECORD_SOURCES; s++) {
			uint32_t some = c->n[k][s] < n ? c->n[k][s] : n;

			counter_add(&l->book[k][s].delivered, some);
			c->n[k][s] -= some;
			n -= some;
		}
}

void
batch_lost(struct ledger *l, const struct batch_counts *c, enum reason why)
{
	for (int k = 0; k < RECORD_KINDS; k++)
		for (int s = 0; s < RECORD_SOURCES; s++)
			if (c->n[k][s] > 0)
				ledger_lost(l, (enum record_kind)k,
				    (enum record_source)s, why, c->n[k][s]);
}

bool
batch_ticket(struct batch_tickets *b, struct ticket *t)
{
	if (b->n > 0 && b->v[b->n - 1] == t)
		return true;
	if (b->n == b->cap) {
		size_t cap = b->cap == 0 ? 16 : b->cap * 2;
		struct ticket **v = reallocarray(b->v, cap, sizeof(*v));

		if (v == NULL)
			return false;
		b->v = v;
		b->cap = cap;
	}
	ticket_hold(t);
	b->v[b->n++] = t;
	return true;
}

void
batch_answer(struct batch_tickets *b, enum ticket_status status,
    struct inbox_bells *bells)
{
	for (size_t i = 0; i < b->n; i++) {
		ticket_mark(b->v[i], status);
		ticket_release_quietly(b->v[i], bells);
	}
	free(b->v);
	*b = (struct batch_tickets){ 0 };
}

struct lines_batch *
lines_batch_new(unsigned dest, size_t cap)
{
	struct lines_batch *b = malloc(sizeof *b + cap);

	if (b == NULL)
		return NULL;
	memset(b, 0, sizeof *b);
	b->dest = dest;
	b->cap = cap;
	return b;
}

struct log_batch *
log_batch_new(size_t max_bytes)
{
	struct log_batch *b = calloc(1, sizeof *b);

	if (b != NULL)
		buf_init(&b->bytes, max_bytes);
	return b;
}

struct log_mark *
log_batch_mark(struct log_batch *b)
{
	if (b->nmarks == b->cap_marks) {
		size_t cap = b->cap_marks == 0 ? 64 : b->cap_marks * 2;
		struct log_mark *marks = reallocarray(b->marks, cap,
		    sizeof(*marks));

		if (marks == NULL)
			return NULL;
		b->marks = marks;
		b->cap_marks = cap;
	}
	return &b->marks[b->nmarks];
}

void
log_batch_empty(struct log_batch *b)
{
	free(b->runs);
	free(b->marks);
	b->runs = NULL;
	b->marks = NULL;
	b->nruns = b->cap_runs = b->nmarks = b->cap_marks = 0;
	buf_fini(&b->bytes);
}

void
log_batch_free(struct log_batch *b)
{
	if (b == NULL)
		return;
	log_batch_empty(b);
	free(b->tickets.v);
	free(b);
}

struct event_batch *
event_batch_new(size_t max_bytes)
{
	struct event_batch *b = calloc(1, sizeof *b);

	if (b != NULL)
		buf_init(&b->bytes, max_bytes);
	return b;
}

void
event_batch_free(struct event_batch *b)
{
	if (b == NULL)
		return;
	free(b->items);
	free(b->tickets.v);
	buf_fini(&b->bytes);
	free(b);
}

bool
event_goes_to(const struct event_batch *b, const struct event_item *i,
    uint64_t section)
{
	bool everywhere = event_goes_everywhere(b, i);

	for (unsigned k = 0; k < b->nsections && !everywhere; k++)
		if ((i->streams >> k & 1) != 0 && b->section[k] == section)
			return true;
	return everywhere;
}

struct event_item *
event_batch_item(struct event_batch *b)
{
	if (b->n == b->cap) {
		size_t cap = b->cap == 0 ? 64 : b->cap * 2;
		struct event_item *items = reallocarray(b->items, cap,
		    sizeof(*items));

		if (items == NULL)
			return NULL;
		b->items = items;
		b->cap = cap;
	}
	b->items[b->n] = (struct event_item){ 0 };
	return &b->items[b->n++];
}

static struct slice
take(const char **at, size_t len)
{
	struct slice s = slice_of(*at, len);

	*at += len;
	return s;
}

void
event_batch_read(const struct event_batch *b, const struct event_item *item,
    struct event_record *e, struct pair *pairs)
{
	const char *at = b->bytes.data + item->offset, *lens;

	memset(e, 0, sizeof *e);
	e->stream = take(&at, item->stream_len);
	e->pid = take(&at, item->pid_len);
	e->iid = take(&at, item->iid_len);
	e->fields = pairs;
	e->nfields = item->nfields;
	lens = at;
	at += (size_t)item->nfields * 2 * sizeof(uint32_t);
	for (size_t i = 0; i < item->nfields; i++) {
		uint32_t len[2];

		memcpy(len, lens + i * sizeof len, sizeof len);
		pairs[i].key = take(&at, len[0]);
		pairs[i].value = take(&at, len[1]);
	}
}
