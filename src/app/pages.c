/* pages.c - the books in the forms that people and programs read. */
#include "config.h"

#include <jansson.h>
#include <stdlib.h>
#include <sys/resource.h>

#include "app/daemon.h"
#include "app/pages.h"
#include "base/clock.h"
#include "base/log.h"
#include "sink/archive.h"
#include "sink/destination.h"

/* ---- Prometheus ---- */

static bool
head(struct buf *out, const char *name, const char *type, const char *help)
{
	return buf_printf(out, "# HELP %s %s\n# TYPE %s %s\n", name, help, name,
	    type);
}

/* A label's value: backslash, quote and newline escaped. */
static bool
label(struct buf *out, const char *text)
{
	for (; *text != '\0'; text++) {
		if (*text == '\\' || *text == '"')
			buf_addc(out, '\\');
		if (!buf_addc(out, *text == '\n' ? ' ' : *text))
			return false;
	}
	return true;
}

/* The books that are shown even while they are empty. */
static bool
usual(int kind, int source)
{
	switch (source) {
	case SOURCE_STATSD:
	case SOURCE_GRAPHITE:
		return kind == RECORD_METRIC;
	case SOURCE_SYSLOG:
		return kind == RECORD_LOG;
	case SOURCE_RESP:
		return kind == RECORD_EVENT;
	default:
		return false;
	}
}

static bool
used(const struct ledger_sum *sum, int kind, int source)
{
	const struct ledger_sum_book *b = &sum->book[kind][source];

	return b->received > 0 || b->entered > 0 || b->dropped_total > 0 ||
	    usual(kind, source);
}

typedef uint64_t book_value(const struct ledger_sum_book *b);

static uint64_t received(const struct ledger_sum_book *b) { return b->received; }
static uint64_t delivered(const struct ledger_sum_book *b) { return b->delivered; }
static uint64_t queued(const struct ledger_sum_book *b) { return b->queued; }

static void
book_lines(struct buf *out, const struct ledger_sum *sum, const char *name,
    book_value *value)
{
	for (int k = 0; k < RECORD_KINDS; k++)
		for (int s = 0; s < RECORD_SOURCES; s++)
			if (used(sum, k, s))
				buf_printf(out, "%s{kind=\"%s\",source=\"%s\"} "
				    "%llu\n", name,
				    record_kind_name((enum record_kind)k),
				    record_source_name((enum record_source)s),
				    (unsigned long long)value(
				    &sum->book[k][s]));
}

static void
dropped_lines(struct buf *out, const struct ledger_sum *sum)
{
	for (int k = 0; k < RECORD_KINDS; k++)
		for (int s = 0; s < RECORD_SOURCES; s++)
			for (int r = 0; r < REASON_COUNT; r++) {
				uint64_t n = sum->book[k][s].dropped[r];

				if (n > 0)
					buf_printf(out,
					    "millrace_dropped_total{kind=\"%s\","
					    "source=\"%s\",reason=\"%s\"} "
					    "%llu\n",
					    record_kind_name(
					    (enum record_kind)k),
					    record_source_name(
					    (enum record_source)s),
					    reason_name((enum reason)r),
					    (unsigned long long)n);
			}
}

static void
source_lines(struct buf *out, const char *name, const uint64_t *v)
{
	for (int s = 0; s < RECORD_SOURCES; s++)
		if (v[s] > 0)
			buf_printf(out, "%s{source=\"%s\"} %llu\n", name,
			    record_source_name((enum record_source)s),
			    (unsigned long long)v[s]);
}

static void
ledger_lines(struct daemon *d, struct buf *out)
{
	struct ledger_sum sum;

	daemon_ledger(d, &sum);
	head(out, "millrace_received_total", "counter", "Records received.");
	book_lines(out, &sum, "millrace_received_total", received);
	head(out, "millrace_delivered_total", "counter",
	    "Records that are where they should be.");
	book_lines(out, &sum, "millrace_delivered_total", delivered);
	head(out, "millrace_queued", "gauge", "Records on their way.");
	book_lines(out, &sum, "millrace_queued", queued);
	head(out, "millrace_dropped_total", "counter",
	    "Records lost or refused, by reason.");
	dropped_lines(out, &sum);
	head(out, "millrace_packets_total", "counter",
	    "Datagrams, and reads of streams.");
	source_lines(out, "millrace_packets_total", sum.packets);
	head(out, "millrace_received_bytes_total", "counter",
	    "Bytes received.");
	source_lines(out, "millrace_received_bytes_total", sum.bytes);
	head(out, "millrace_connections_total", "counter",
	    "Connections accepted.");
	source_lines(out, "millrace_connections_total", sum.connections);
}

struct dest_line {
	const char *name, *type, *help;
	uint64_t (*value)(const struct destination_stats *s);
};

static uint64_t d_received(const struct destination_stats *s) { return counter_get(&s->received); }
static uint64_t d_delivered(const struct destination_stats *s) { return counter_get(&s->delivered); }
static uint64_t d_queued(const struct destination_stats *s) { return counter_get(&s->queued); }
static uint64_t d_bytes(const struct destination_stats *s) { return counter_get(&s->bytes_sent); }
static uint64_t d_failures(const struct destination_stats *s) { return counter_get(&s->failures); }

static const struct dest_line dest_lines[] = {
	{ "millrace_sink_received_total", "counter", "Lines given to a destination.", d_received },
	{ "millrace_sink_delivered_total", "counter", "Lines written to a destination.", d_delivered },
	{ "millrace_sink_queued", "gauge", "Lines that wait for a destination.", d_queued },
	{ "millrace_sink_sent_bytes_total", "counter", "Bytes written to a destination.", d_bytes },
	{ "millrace_sink_failures_total", "counter", "Connections that failed.", d_failures },
};

/* Destinations are made and freed by the metrics thread, but only freed when
 * the daemon ends: their counters may be read from here. */
static void
sink_lines(struct daemon *d, struct buf *out)
{
	for (size_t i = 0; i < sizeof dest_lines / sizeof dest_lines[0]; i++) {
		const struct dest_line *l = &dest_lines[i];

		head(out, l->name, l->type, l->help);
		for (unsigned j = 0; j < atomic_load(&d->registry.n); j++) {
			const struct destination *dest = d->metrics.dests[j];

			if (dest == NULL)
				continue;
			buf_printf(out, "%s{sink=\"", l->name);
			label(out, destination_name(dest));
			buf_printf(out, "\"} %llu\n", (unsigned long long)
			    l->value(destination_stats(dest)));
		}
	}
	head(out, "millrace_sink_dropped_total", "counter",
	    "Lines lost by a destination, by reason.");
	for (unsigned j = 0; j < atomic_load(&d->registry.n); j++)
		for (int r = 0; d->metrics.dests[j] != NULL &&
		    r < REASON_COUNT; r++) {
			uint64_t n = counter_get(&destination_stats(
			    d->metrics.dests[j])->lost[r]);

			if (n == 0)
				continue;
			buf_adds(out, "millrace_sink_dropped_total{sink=\"");
			label(out, destination_name(d->metrics.dests[j]));
			buf_printf(out, "\",reason=\"%s\"} %llu\n",
			    reason_name((enum reason)r),
			    (unsigned long long)n);
		}
}

static void
forward_lines(struct daemon *d, struct buf *out)
{
	const struct conf *c = d->plan->conf;

	if (c->nforwards > 0)
		head(out, "millrace_forward_messages_total", "counter",
		    "Messages given to a forward, and what became of them.");
	for (size_t i = 0; i < c->nforwards && i < PLAN_MAX_ARCHIVES; i++) {
		const struct forward_stats *s = &d->logs.forward_stats[i];
		const struct { const char *name; uint64_t n; } rows[] = {
			{ "taken", counter_get(&s->taken) },
			{ "delivered", counter_get(&s->delivered) },
			{ "lost", counter_get(&s->lost) },
			{ "resent", counter_get(&s->resent) },
			{ "refused", counter_get(&s->refused) },
		};

		for (size_t j = 0; j < sizeof rows / sizeof rows[0]; j++) {
			buf_adds(out, "millrace_forward_messages_total{forward=\"");
			label(out, c->forwards[i].name);
			buf_printf(out, "\",what=\"%s\"} %llu\n", rows[j].name,
			    (unsigned long long)rows[j].n);
		}
	}
}

/* A counter of the pipelines (its place in them), over all workers. */
static uint64_t
over_workers(const struct daemon *d, size_t place)
{
	uint64_t n = 0;

	for (unsigned i = 0; i < d->nworkers; i++) {
		const char *p = (const char *)&d->workers[i].pipeline;

		n += counter_get((const counter *)(const void *)(p + place));
	}
	return n;
}

static void
own_lines(struct daemon *d, struct buf *out)
{
	struct rusage u;

	getrusage(RUSAGE_SELF, &u);
	head(out, "millrace_flush_seconds", "gauge",
	    "CPU seconds of the latest flush.");
	buf_printf(out, "millrace_flush_seconds %.9f\n",
	    d->metrics.flush_seconds);
	head(out, "millrace_flushes_total", "counter", "Flushes so far.");
	buf_printf(out, "millrace_flushes_total %llu\n",
	    (unsigned long long)d->metrics.flushes);
	head(out, "millrace_names", "gauge",
	    "Names of aggregated metrics in memory at the latest flush.");
	buf_printf(out, "millrace_names %llu\n",
	    (unsigned long long)d->metrics.names);
	head(out, "millrace_sets_estimated_total", "counter",
	    "Sets of an interval with too many members to be exact.");
	buf_printf(out, "millrace_sets_estimated_total %llu\n",
	    (unsigned long long)d->metrics.sets_estimated);
	head(out, "millrace_sketches_collapsed_total", "counter",
	    "Sketches of an interval that lost their lowest bins for room.");
	buf_printf(out, "millrace_sketches_collapsed_total %llu\n",
	    (unsigned long long)d->metrics.sketches_collapsed);
	head(out, "millrace_overflow_samples_total", "counter",
	    "Samples counted under an overflow name, for want of room for theirs.");
	buf_printf(out, "millrace_overflow_samples_total %llu\n",
	    (unsigned long long)over_workers(d, offsetof(struct pipeline, overflowed)));
	head(out, "millrace_copies_lost_total", "counter",
	    "Samples that one more server should have had and had not, for want of a "
	    "healthy one, or of room; the sample itself is in the books.");
	buf_printf(out, "millrace_copies_lost_total %llu\n",
	    (unsigned long long)over_workers(d, offsetof(struct pipeline, copies_lost)));
	head(out, "millrace_reloads_total", "counter",
	    "Configurations read again, by result.");
	buf_printf(out, "millrace_reloads_total{result=\"ok\"} %llu\n"
	    "millrace_reloads_total{result=\"bad\"} %llu\n",
	    (unsigned long long)d->reloads,
	    (unsigned long long)d->reloads_failed);
	head(out, "process_cpu_seconds_total", "counter",
	    "User and system CPU time.");
	buf_printf(out, "process_cpu_seconds_total %.6f\n",
	    (double)u.ru_utime.tv_sec + (double)u.ru_stime.tv_sec +
	    ((double)u.ru_utime.tv_usec + (double)u.ru_stime.tv_usec) / 1e6);
	head(out, "process_start_time_seconds", "gauge",
	    "When it started, since 1970.");
	buf_printf(out, "process_start_time_seconds %.3f\n",
	    (double)d->started_ns / 1e9);
}

bool
page_metrics(struct daemon *d, struct buf *out)
{
	head(out, "millrace_info", "gauge", "Which version runs.");
	buf_printf(out, "millrace_info{version=\"%s\"} 1\n", PACKAGE_VERSION);
	ledger_lines(d, out);
	sink_lines(d, out);
	forward_lines(d, out);
	own_lines(d, out);
	return true;
}

/* ---- JSON ---- */

static void
set_number(json_t *o, const char *key, uint64_t v)
{
	json_object_set_new(o, key, json_integer((json_int_t)v));
}

static json_t *
book_json(const struct ledger_sum_book *b)
{
	json_t *o = json_object(), *dropped = json_object();

	set_number(o, "received", b->received);
	set_number(o, "delivered", b->delivered);
	set_number(o, "queued", b->queued);
	for (int r = 0; r < REASON_COUNT; r++)
		if (b->dropped[r] > 0)
			set_number(dropped, reason_name((enum reason)r),
			    b->dropped[r]);
	json_object_set_new(o, "dropped", dropped);
	return o;
}

static json_t *
sinks_json(struct daemon *d)
{
	json_t *o = json_object();

	for (unsigned i = 0; i < atomic_load(&d->registry.n); i++) {
		const struct destination *dest = d->metrics.dests[i];
		const struct destination_stats *s;
		json_t *one, *dropped;

		if (dest == NULL)
			continue;
		s = destination_stats(dest);
		one = json_object();
		dropped = json_object();
		set_number(one, "received", d_received(s));
		set_number(one, "delivered", d_delivered(s));
		set_number(one, "queued", d_queued(s));
		for (int r = 0; r < REASON_COUNT; r++)
			if (counter_get(&s->lost[r]) > 0)
				set_number(dropped,
				    reason_name((enum reason)r),
				    counter_get(&s->lost[r]));
		json_object_set_new(one, "dropped", dropped);
		json_object_set_new(o, destination_name(dest), one);
	}
	return o;
}

bool
page_ledger(struct daemon *d, struct buf *out)
{
	json_t *top = json_object();
	struct ledger_sum sum;
	char *text;

	daemon_ledger(d, &sum);
	for (int k = 0; k < RECORD_KINDS; k++) {
		json_t *kind = json_object();

		for (int s = 0; s < RECORD_SOURCES; s++)
			if (used(&sum, k, s))
				json_object_set_new(kind, record_source_name(
				    (enum record_source)s),
				    book_json(&sum.book[k][s]));
		json_object_set_new(top, record_kind_name(
		    (enum record_kind)k), kind);
	}
	json_object_set_new(top, "sinks", sinks_json(d));
	text = json_dumps(top, JSON_INDENT(1));
	json_decref(top);
	if (text == NULL)
		return false;
	buf_adds(out, text);
	buf_addc(out, '\n');
	free(text);
	return true;
}

bool
page_flush(struct daemon *d, struct buf *out)
{
	bool ok;

	pthread_mutex_lock(&d->metrics.page_lock);
	ok = buf_add_slice(out, buf_slice(&d->metrics.page));
	pthread_mutex_unlock(&d->metrics.page_lock);
	return ok;
}

void
page_aggregated(struct metrics *m, struct buf *out)
{
	if (!merged_prometheus(m->merged, m->mapping, out))
		log_warn("/metrics/aggregated: the page has no room");
}

/* ---- top ---- */

struct sums {
	struct top_item *item;		/* n of all workers added up */
	unsigned n;
};

static int
most_first(const void *a, const void *b)
{
	const struct top_item *x = a, *y = b;

	return (x->n < y->n) - (x->n > y->n);
}

static void
add_up(struct sums *s, struct top *list)
{
	struct top_item item[TOP_ITEMS];
	unsigned n = top_read(list, item), j;

	for (unsigned i = 0; i < n; i++) {
		for (j = 0; j < s->n; j++)
			if (s->item[j].hash == item[i].hash)
				break;
		if (j == s->n) {
			s->item[s->n++] = item[i];
			continue;
		}
		s->item[j].n += item[i].n;
		s->item[j].error += item[i].error;
	}
}

static json_t *
top_json(struct daemon *d, size_t list_at)
{
	struct sums s = { calloc((size_t)d->nworkers * TOP_ITEMS,
	    sizeof *s.item), 0 };
	json_t *list = json_array();

	for (unsigned i = 0; s.item != NULL && i < d->nworkers; i++)
		add_up(&s, (struct top *)(void *)((char *)
		    &d->workers[i].pipeline + list_at));
	if (s.n > 0)
		qsort(s.item, s.n, sizeof *s.item, most_first);
	for (unsigned i = 0; i < s.n && i < 20; i++) {
		json_t *one = json_object(), *prefix = json_stringn(
		    s.item[i].name, s.item[i].len);

		if (prefix == NULL)	/* not UTF-8 */
			prefix = json_string("?");
		json_object_set_new(one, "prefix", prefix);
		set_number(one, "count", s.item[i].n);
		set_number(one, "error", s.item[i].error);
		json_array_append_new(list, one);
	}
	free(s.item);
	return list;
}

bool
page_top(struct daemon *d, struct buf *out)
{
	json_t *top = json_object();
	char *text;

	json_object_set_new(top, "names", top_json(d,
	    offsetof(struct pipeline, names)));
	json_object_set_new(top, "samples", top_json(d,
	    offsetof(struct pipeline, samples)));
	json_object_set_new(top, "limited", top_json(d,
	    offsetof(struct pipeline, limited)));
	set_number(top, "overflowed", over_workers(d, offsetof(struct pipeline, overflowed)));
	text = json_dumps(top, JSON_INDENT(1));
	json_decref(top);
	if (text == NULL)
		return false;
	buf_adds(out, text);
	buf_addc(out, '\n');
	free(text);
	return true;
}
