/* pipeline_log.c - log messages into lines of files.
 *
 * The worker does the writing of the line, which is the dear part; the logs
 * thread only puts runs of bytes behind files. */
#include "config.h"

#include <stdlib.h>

#include "compat.h"
#include "core/pipeline.h"
#include "core/rules.h"

#define BATCH_BYTES (256 * 1024)
#define BATCH_MAX (64 * 1024 * 1024)

static void
send_logs(struct pipeline *p)
{
	struct log_batch *b = p->logs;

	p->logs = NULL;
	p->logs_before = b->bytes.len;
	p->holding--;
	inbox_put(p->sinks.logs, &b->letter, b->bytes.len);
}

void
pipeline_send_logs(struct pipeline *p, size_t bytes)
{
	if (p->logs != NULL &&
	    (p->logs->bytes.len >= bytes || p->logs->tickets.n > 0 ||
	    p->logs->nmarks > 0))
		send_logs(p);
}

static struct log_batch *
log_room(struct pipeline *p, int64_t now_ns)
{
	if (p->logs != NULL && p->logs->bytes.len >= BATCH_BYTES)
		send_logs(p);
	if (p->logs == NULL) {
		p->logs = log_batch_new(BATCH_MAX);
		if (p->logs == NULL)
			return NULL;
		p->logs->letter.deliver = p->sinks.take_logs;
		p->logs->received_ns = now_ns;
		/* a full one will follow a full one; if not, no harm */
		if (p->logs_before >= BATCH_BYTES)
			(void)buf_reserve(&p->logs->bytes, BATCH_BYTES +
			    BATCH_BYTES / 16);
		p->holding++;
	}
	return p->logs;
}

static struct log_run *
new_run(struct log_batch *b)
{
	if (b->nruns == b->cap_runs) {
		size_t cap = b->cap_runs == 0 ? 16 : b->cap_runs * 2;
		struct log_run *runs = reallocarray(b->runs, cap,
		    sizeof(*runs));

		if (runs == NULL)
			return NULL;
		b->runs = runs;
		b->cap_runs = cap;
	}
	return &b->runs[b->nruns];
}

/* Is this line for the file of the latest run, right behind its text? */
static struct log_run *
same_run(struct log_batch *b, unsigned archive, struct slice path)
{
	struct log_run *run = b->nruns > 0 ? &b->runs[b->nruns - 1] : NULL;

	if (run == NULL || run->archive != archive ||
	    !slice_eq(slice_of(b->bytes.data + run->path, run->path_len),
	    path))
		return NULL;
	return run;
}

/* Add one line to the batch; on failure the batch is as it was. */
static bool
add_log(struct pipeline *p, struct log_batch *b, unsigned archive,
    const struct record *r)
{
	size_t before = b->bytes.len, start;
	struct log_run *run;

	buf_clear(&p->scratch);
	if (!p->ops->log_path(p->ops_ctx, archive, r, &p->scratch))
		return false;
	run = same_run(b, archive, buf_slice(&p->scratch));
	if (run == NULL) {
		run = new_run(b);
		if (run == NULL ||
		    !buf_add_slice(&b->bytes, buf_slice(&p->scratch)))
			return false;
		*run = (struct log_run){
			.archive = archive, .path = (uint32_t)before,
			.path_len = (uint32_t)p->scratch.len,
			.text = (uint32_t)b->bytes.len
		};
	}
	start = b->bytes.len;
	if (!p->ops->log_line(p->ops_ctx, archive, r, &b->bytes)) {
		b->bytes.len = before;
		return false;
	}
	if (run == &b->runs[b->nruns])
		b->nruns++;
	run->text_len += (uint32_t)(b->bytes.len - start);
	run->lines++;
	return true;
}

/* Say of the line just added whose it is. */
static bool
add_mark(struct log_batch *b, const struct log_origin *o, const struct record *r,
    uint32_t begin)
{
	struct log_mark *m = log_batch_mark(b);
	const struct log_run *run = &b->runs[b->nruns - 1];

	if (m == NULL)
		return false;
	*m = (struct log_mark){
		.origin = *o, .run = (uint32_t)(b->nruns - 1), .begin = begin,
		.end = run->text_len, .source = r->source
	};
	b->nmarks++;
	return true;
}

static bool
add_line(struct pipeline *p, struct log_batch *b, unsigned archive,
    const struct record *r, const struct log_origin *o)
{
	size_t nruns = b->nruns;
	uint32_t begin = nruns > 0 ? b->runs[nruns - 1].text_len : 0;

	if (!add_log(p, b, archive, r))
		return false;
	return o == NULL ||
	    add_mark(b, o, r, b->nruns > nruns ? 0 : begin);
}

/* Into every archive of the set; false when one of them failed. */
static bool
add_to_archives(struct pipeline *p, uint64_t archives, const struct record *r,
    struct ticket *t, const struct log_origin *o)
{
	bool ok = true;

	for (unsigned i = 0; archives >> i != 0; i++) {
		struct log_batch *b;

		if ((archives >> i & 1) == 0)
			continue;
		b = log_room(p, r->received_ns);
		if (b == NULL || !add_line(p, b, i, r, o) ||
		    (t != NULL && !batch_ticket(&b->tickets, t)))
			ok = false;
	}
	return ok;
}

void
pipeline_log_farewell(struct pipeline *p, const struct log_origin *o)
{
	struct log_batch *b = log_room(p, 0);
	struct log_mark *m = b == NULL ? NULL : log_batch_mark(b);

	if (m == NULL)
		return;
	*m = (struct log_mark){ .origin = *o, .farewell = true };
	b->nmarks++;
	send_logs(p);
}

void
pipeline_log(struct pipeline *p, const struct record *r, struct ticket *t,
    const struct log_origin *o)
{
	struct ledger_book *book = &p->ledger.book[RECORD_LOG][r->source];
	struct decision *d = &p->decision;
	uint64_t archives, streams;

	counter_add(&book->received, 1);
	if (p->watched)
		p->tap(p->tap_ctx, r);
	rules_apply(p->plan->rules, r, d);
	archives = d->to.archives;
	streams = d->to.streams;
	if (d->dropped_by >= 0) {
		counter_add(&book->dropped[REASON_RULE], 1);
		return;
	}
	counter_add(&book->entered, 1);
	if (d->nfeeds > 0)
		pipeline_feeds(p, r);
	if (streams != 0)
		pipeline_event_of_log(p, r, SLICE("logs"), streams, t);
	if (archives == 0) {
		/* an event, or metrics, or on purpose nothing now */
		counter_add(&book->delivered, 1);
		return;
	}
	if (!add_to_archives(p, archives, r, t, o)) {
		if (t != NULL)
			ticket_mark(t, TICKET_FULL);
		ledger_lost(&p->ledger, RECORD_LOG, r->source,
		    REASON_NO_MEMORY, 1);
		return;
	}
	p->logs->counts.n[RECORD_LOG][r->source]++;
	if (o != NULL)
		p->logs->marks[p->logs->nmarks - 1].counts = true;
}
