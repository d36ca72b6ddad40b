/* metrics_report.c - the relay's statistics under the names of the relay that
 * it replaces, each interval, as lines like all others.
 *
 * A server that stands in several clusters is one here, as it is there.  The
 * peers have a thread for each server; here one thread serves all, and its CPU
 * time is shared out by the bytes that went to each. */
#include "config.h"

#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/resource.h>
#include <unistd.h>

#include "base/clock.h"
#include "base/log.h"
#include "core/aggregator.h"
#include "core/relay_figures.h"
#include "core/rules.h"
#include "sink/destination.h"
#include "sink/metrics.h"
#include "sink/metrics_flush.h"

/* What a destination's counters were at the last report. */
struct seen_dest {
	uint64_t received, sent, stalls, dropped, batches, bytes, busy_us;
	uint64_t busy;			/* its share of our time so far */
};

struct relay_report {
	int64_t next_ns, started_ns, last_ns;	/* of the monotonic clock */
	struct decision decision;
	struct relay_figures figures;
	struct relay_worker *seen_workers;
	struct seen_dest *seen_dests;
	size_t nseen;
	uint64_t seen_agg[3], own, seen_own, cpu_us, process_us;
	/* while a report is made */
	struct metrics *m;
	struct buf line;
	size_t prefix_len;
	int64_t now_s;
};

static struct relay_report *
report_new(struct metrics *m, int64_t mono_ns)
{
	struct relay_report *r = calloc(1, sizeof *r);
	size_t n = m->workers.n;

	if (r == NULL)
		return NULL;
	r->m = m;
	r->figures.nworkers = n;
	r->figures.workers = calloc(n, sizeof *r->figures.workers);
	r->seen_workers = calloc(n, sizeof *r->seen_workers);
	if (r->figures.workers == NULL || r->seen_workers == NULL) {
		free(r->figures.workers);
		free(r->seen_workers);
		free(r);
		return NULL;
	}
	decision_init(&r->decision);
	buf_init(&r->line, 8192);
	r->started_ns = r->last_ns = mono_ns;
	return r;
}

void
metrics_report_fini(struct metrics *m)
{
	struct relay_report *r = m->report;

	if (r == NULL)
		return;
	decision_fini(&r->decision);
	buf_fini(&r->line);
	free(r->figures.workers);
	free(r->figures.dests);
	free(r->seen_workers);
	free(r->seen_dests);
	free(r);
	m->report = NULL;
}

/* ---- gathering ---- */

static void
since(bool reset, uint64_t *seen, uint64_t *value)
{
	uint64_t n = relay_figures_since(seen, *value);

	if (reset)
		*value = n;
}

static void
gather_workers(struct relay_report *r, int64_t mono_ns, bool reset)
{
	struct relay_figures *f = &r->figures;
	uint64_t alive_us = (uint64_t)(mono_ns - r->started_ns) / 1000;

	memset(f->workers, 0, f->nworkers * sizeof *f->workers);
	f->accepted = f->closed = 0;
	r->m->workers.figures(r->m->workers.ctx, f);
	for (size_t i = 0; i < f->nworkers; i++) {
		struct relay_worker *w = &f->workers[i];
		struct relay_worker *seen = &r->seen_workers[i];

		w->idle_us = alive_us > w->busy_us ? alive_us - w->busy_us : 0;
		since(reset, &seen->received, &w->received);
		since(reset, &seen->blackholed, &w->blackholed);
		since(reset, &seen->discarded, &w->discarded);
		since(reset, &seen->busy_us, &w->busy_us);
		since(reset, &seen->idle_us, &w->idle_us);
	}
}

/* The row of a server, made when it is new. */
static struct relay_dest *
row_of(struct relay_figures *f, const struct conf_server *s, bool file)
{
	uint16_t port = file ? 0 : s->port;
	struct relay_dest *d;

	for (size_t i = 0; i < f->ndests; i++) {
		d = &f->dests[i];
		if (d->port == port && strcmp(d->host, s->host) == 0 &&
		    d->udp == (s->transport == CONF_UDP) &&
		    (d->instance == NULL ? s->instance == NULL :
		    s->instance != NULL &&
		    strcmp(d->instance, s->instance) == 0))
			return d;
	}
	d = &f->dests[f->ndests++];
	*d = (struct relay_dest){ .host = s->host, .port = port,
	    .instance = s->instance, .udp = s->transport == CONF_UDP };
	return d;
}

/* Our thread's time since the last report, in parts as large as the bytes. */
static void
share_time(struct relay_report *r)
{
	uint64_t cpu = (uint64_t)clock_thread_ns() / 1000, all = 0;
	uint64_t spent = relay_figures_since(&r->cpu_us, cpu);

	for (size_t i = 0; i < r->nseen; i++)
		if (r->m->dests[i] != NULL)
			all += counter_get(&destination_stats(
			    r->m->dests[i])->bytes_sent) -
			    r->seen_dests[i].bytes;
	for (size_t i = 0; i < r->nseen && all > 0; i++) {
		uint64_t bytes, more;

		if (r->m->dests[i] == NULL)
			continue;
		bytes = counter_get(&destination_stats(
		    r->m->dests[i])->bytes_sent);
		more = relay_figures_since(&r->seen_dests[i].bytes, bytes);
		r->seen_dests[i].busy += (uint64_t)((double)spent *
		    ((double)more / (double)all));
	}
}

static void
add_dest(struct relay_report *r, unsigned number, struct relay_dest *row,
    bool reset)
{
	const struct destination_stats *st =
	    destination_stats(r->m->dests[number]);
	struct seen_dest *seen = &r->seen_dests[number], now = {
		.received = counter_get(&st->received),
		.sent = counter_get(&st->delivered),
		.stalls = counter_get(&st->stalls),
		.batches = counter_get(&st->batches),
		.busy_us = seen->busy
	};

	for (int i = 0; i < REASON_COUNT; i++)
		now.dropped += counter_get(&st->lost[i]);
	since(reset, &seen->received, &now.received);
	since(reset, &seen->sent, &now.sent);
	since(reset, &seen->stalls, &now.stalls);
	since(reset, &seen->dropped, &now.dropped);
	since(reset, &seen->batches, &now.batches);
	since(reset, &seen->busy_us, &now.busy_us);
	row->received += now.received;
	row->sent += now.sent;
	row->stalls += now.stalls;
	row->dropped += now.dropped;
	row->batches += now.batches;
	row->busy_us += now.busy_us;
	row->queued += counter_get(&st->queued);
}

static bool
make_room(struct relay_report *r, size_t n)
{
	struct relay_dest *rows = realloc(r->figures.dests,
	    (n + 1) * sizeof *rows);
	struct seen_dest *seen;

	if (rows == NULL)
		return false;
	r->figures.dests = rows;
	if (n <= r->nseen)
		return true;
	seen = realloc(r->seen_dests, n * sizeof *seen);
	if (seen == NULL)
		return false;
	memset(seen + r->nseen, 0, (n - r->nseen) * sizeof *seen);
	r->seen_dests = seen;
	r->nseen = n;
	return true;
}

static bool
gather_dests(struct relay_report *r, bool reset)
{
	const struct plan *p = r->m->plan;

	if (!make_room(r, r->m->ndests))
		return false;
	share_time(r);
	r->figures.ndests = 0;
	for (size_t i = 0; i < p->nclusters; i++) {
		const struct plan_cluster *c = &p->clusters[i];

		for (size_t j = 0; j < c->ndests; j++)
			if (c->conf->nservers > 0 && c->dests[j] < r->nseen &&
			    r->m->dests[c->dests[j]] != NULL)
				add_dest(r, c->dests[j], row_of(&r->figures,
				    &c->conf->servers[j],
				    c->conf->method == CONF_FILE), reset);
	}
	return true;
}

static void
gather_aggregates(struct relay_report *r, bool reset)
{
	struct relay_figures *f = &r->figures;
	const struct conf *conf = r->m->plan->conf;
	struct aggregator_stats st;

	f->aggregates = false;
	for (size_t i = 0; i < conf->nrules; i++)
		f->aggregates |= conf->rules[i].aggregate != NULL;
	if (r->m->aggregator == NULL)
		return;
	aggregator_get_stats(r->m->aggregator, &st);
	f->agg_received = st.points;
	f->agg_sent = st.lines;
	f->agg_dropped = st.late + st.early + st.not_numbers +
	    st.refused_series + st.too_many;
	since(reset, &r->seen_agg[0], &f->agg_received);
	since(reset, &r->seen_agg[1], &f->agg_sent);
	since(reset, &r->seen_agg[2], &f->agg_dropped);
}

static void
gather_process(struct relay_report *r, int64_t mono_ns)
{
	unsigned long long all, resident = 0;
	struct rusage u;
	uint64_t cpu;
	FILE *f = fopen("/proc/self/statm", "re");

	if (f != NULL) {
		if (fscanf(f, "%llu %llu", &all, &resident) != 2)
			resident = 0;
		fclose(f);
	}
	r->figures.rss = resident * (uint64_t)sysconf(_SC_PAGESIZE);
	getrusage(RUSAGE_SELF, &u);
	cpu = (uint64_t)(u.ru_utime.tv_sec + u.ru_stime.tv_sec) * 1000000 +
	    (uint64_t)(u.ru_utime.tv_usec + u.ru_stime.tv_usec);
	cpu = relay_figures_since(&r->process_us, cpu);
	r->figures.cpu_percent = mono_ns > r->last_ns ? (double)cpu * 1e5 /
	    (double)(mono_ns - r->last_ns) : 0;
	r->last_ns = mono_ns;
}

/* ---- sending ---- */

/* Where the rules send it, and under which name. */
static void
by_rules(struct relay_report *r, size_t name_len, double value)
{
	struct metrics *m = r->m;
	struct decision *d = &r->decision;
	struct slice line = buf_slice(&r->line);
	struct record rec = {
		.kind = RECORD_METRIC, .source = SOURCE_INTERNAL,
		.time_ns = r->now_s * NS_PER_S,
		.metric = { .name = slice_upto(line, name_len),
		    .type = METRIC_POINT, .value = value }
	};
	struct buf renamed = BUF_INIT(DECISION_MAX_TEXT + 8192);

	rules_apply(m->plan->rules, &rec, d);
	if (d->dropped_by >= 0)
		return;
	for (size_t i = 0; i < d->nfeeds; i++)
		if (m->plan->conf->rules[d->feeds[i].rule].aggregate != NULL)
			aggregator_add(m->aggregator,
			    m->agg_of[d->feeds[i].rule], d->feeds[i].name,
			    value, r->now_s);
	if (d->renamed && buf_add_slice(&renamed, d->name) &&
	    buf_add_slice(&renamed, slice_from(line, name_len)))
		metrics_line(m, d->to.clusters, slice_upto(buf_slice(&renamed),
		    d->name.len), buf_slice(&renamed));
	else if (!d->renamed)
		metrics_line(m, d->to.clusters, rec.metric.name, line);
	buf_fini(&renamed);
}

static uint64_t
named_clusters(const struct plan *p, const struct conf_strings *to)
{
	uint64_t mask = 0;

	for (size_t i = 0; i < to->n; i++)
		for (size_t j = 0; j < p->nclusters; j++)
			if (strcmp(p->clusters[j].conf->name, to->v[i]) == 0)
				mask |= UINT64_C(1) << j;
	return mask;
}

static void
send_figure(void *ctx, const char *name, double value)
{
	struct relay_report *r = ctx;
	const struct plan *p = r->m->plan;
	const struct conf_strings *to = &p->conf->graphite.statistics.to;
	size_t name_len;

	r->line.len = r->prefix_len;
	buf_adds(&r->line, name);
	name_len = r->line.len;
	if (!buf_printf(&r->line, value == floor(value) ? " %.0f %lld\n" :
	    " %.10g %lld\n", value, (long long)r->now_s))
		return;
	if (to->n == 0)
		by_rules(r, name_len, value);
	else
		metrics_line(r->m, named_clusters(p, to),
		    slice_upto(buf_slice(&r->line), name_len),
		    buf_slice(&r->line));
	r->own++;
}

static void
begin_line(struct relay_report *r, const struct conf_statistics *s)
{
	const char *usual = s->names == CONF_STATS_CARBON ?
	    "carbon.relays.{flat}-a" : "carbon.relays.{flat}";
	char host[256] = "localhost";

	if (s->host != NULL)
		snprintf(host, sizeof host, "%s", s->host);
	else if (gethostname(host, sizeof host - 1) != 0)
		strcpy(host, "localhost");
	buf_clear(&r->line);
	relay_figures_prefix(&r->line, s->prefix == NULL ? usual : s->prefix,
	    host);
	buf_addc(&r->line, '.');
	r->prefix_len = r->line.len;
}

static void
report(struct relay_report *r, const struct conf_statistics *s,
    int64_t mono_ns, int64_t now_ns)
{
	bool carbon = s->names == CONF_STATS_CARBON;
	bool reset = carbon || s->reset;

	r->now_s = now_ns / NS_PER_S;
	gather_workers(r, mono_ns, reset);
	if (!gather_dests(r, reset)) {
		log_error("statistics: out of memory");
		return;
	}
	gather_aggregates(r, reset);
	gather_process(r, mono_ns);
	r->figures.own = r->own;
	since(reset, &r->seen_own, &r->figures.own);
	begin_line(r, s);
	(carbon ? relay_figures_carbon : relay_figures_c)(&r->figures,
	    send_figure, r);
	metrics_deal_all(r->m);
}

void
metrics_report(struct metrics *m, int64_t now_ns)
{
	const struct conf_statistics *s = &m->plan->conf->graphite.statistics;
	int64_t mono = clock_mono_ns(), step;

	if (s->names == CONF_STATS_NONE || m->workers.figures == NULL) {
		metrics_report_fini(m);
		return;
	}
	step = (int64_t)s->interval_ms * NS_PER_MS;
	if (m->report == NULL) {
		m->report = report_new(m, mono);
		if (m->report == NULL)
			return;
		m->report->next_ns = mono + step;
	}
	if (m->report->next_ns > mono + step)
		m->report->next_ns = mono + step;	/* a reload made it shorter */
	if (mono < m->report->next_ns)
		return;
	m->report->next_ns += step;
	report(m->report, s, mono, now_ns);
}
