/* relay_figures.c - the names of two relays' statistics. */
#include "config.h"

#include <stdio.h>
#include <string.h>

#include "core/relay_figures.h"

#define NAME_MAX_BYTES 1024

struct put {
	relay_figure *fn;
	void *ctx;
};

static void __attribute__((format(printf, 3, 4)))
put(const struct put *p, uint64_t value, const char *fmt, ...)
{
	char name[NAME_MAX_BYTES];
	va_list ap;

	va_start(ap, fmt);
	vsnprintf(name, sizeof name, fmt, ap);
	va_end(ap);
	p->fn(p->ctx, name, (double)value);
}

/* A name's parts are set apart by dots, so an address has none. */
static void
flatten(char *out, size_t size, const char *text, const char *odd)
{
	size_t n = 0;

	for (; *text != '\0' && n + 1 < size; text++)
		out[n++] = strchr(odd, *text) == NULL ? *text : '_';
	out[n] = '\0';
}

/* ---- carbon-c-relay ---- */

static void
c_workers(const struct relay_figures *f, const struct put *p)
{
	struct relay_worker sum = { 0 };

	for (size_t i = 0; i < f->nworkers; i++) {
		const struct relay_worker *w = &f->workers[i];

		put(p, w->received, "dispatcher%zu.metricsReceived", i + 1);
		put(p, w->blackholed, "dispatcher%zu.metricsBlackholed", i + 1);
		put(p, w->discarded, "dispatcher%zu.metricsDiscarded", i + 1);
		put(p, w->busy_us, "dispatcher%zu.wallTime_us", i + 1);
		put(p, w->idle_us, "dispatcher%zu.sleepTime_us", i + 1);
		sum.received += w->received;
		sum.blackholed += w->blackholed;
		sum.discarded += w->discarded;
		sum.busy_us += w->busy_us;
		sum.idle_us += w->idle_us;
	}
	put(p, sum.received, "metricsReceived");
	put(p, sum.blackholed, "metricsBlackholed");
	put(p, sum.discarded, "metricsDiscarded");
	put(p, sum.busy_us, "dispatch_wallTime_us");
	put(p, sum.idle_us, "dispatch_sleepTime_us");
}

static void
c_dest(const struct put *p, const char *name, const struct relay_dest *d)
{
	put(p, d->sent, "destinations.%s.sent", name);
	put(p, d->queued, "destinations.%s.queued", name);
	put(p, d->stalls, "destinations.%s.stalls", name);
	put(p, d->dropped, "destinations.%s.dropped", name);
	put(p, d->busy_us, "destinations.%s.wallTime_us", name);
}

static void
c_dests(const struct relay_figures *f, const struct put *p)
{
	struct relay_dest internal = { .sent = f->own }, sum = internal;

	c_dest(p, "internal", &internal);
	for (size_t i = 0; i < f->ndests; i++) {
		const struct relay_dest *d = &f->dests[i];
		char host[NAME_MAX_BYTES / 2], name[NAME_MAX_BYTES / 2 + 32];

		flatten(host, sizeof host, d->host, d->port == 0 ? "./" : ".");
		if (d->port == 0)
			snprintf(name, sizeof name, "%s", host);
		else
			snprintf(name, sizeof name, "%s:%u%s", host,
			    (unsigned)d->port, d->udp ? "-udp" : "");
		c_dest(p, name, d);
		sum.sent += d->sent;
		sum.queued += d->queued;
		sum.stalls += d->stalls;
		sum.dropped += d->dropped;
		sum.busy_us += d->busy_us;
	}
	put(p, sum.sent, "metricsSent");
	put(p, sum.queued, "metricsQueued");
	put(p, sum.stalls, "metricStalls");
	put(p, sum.dropped, "metricsDropped");
	put(p, sum.busy_us, "server_wallTime_us");
}

void
relay_figures_c(const struct relay_figures *f, relay_figure *fn, void *ctx)
{
	struct put p = { fn, ctx };

	c_workers(f, &p);
	c_dests(f, &p);
	put(&p, f->accepted, "connections");
	put(&p, f->closed, "disconnects");
	if (!f->aggregates)
		return;
	put(&p, f->agg_received, "aggregators.metricsReceived");
	put(&p, f->agg_sent, "aggregators.metricsSent");
	put(&p, f->agg_dropped, "aggregators.metricsDropped");
}

/* ---- carbon ---- */

static void
carbon_dest(const struct put *p, const struct relay_dest *d)
{
	char host[NAME_MAX_BYTES / 2], name[NAME_MAX_BYTES / 2 + 256];
	const struct { const char *what; uint64_t n; } v[] = {
		{ "attemptedRelays", d->received }, { "sent", d->sent },
		{ "batchesSent", d->batches },
		{ "relayMaxQueueLength", d->queued },
		{ "fullQueueDrops", d->dropped }
	};

	flatten(host, sizeof host, d->host, ".");
	snprintf(name, sizeof name, "%s:%u:%.200s", host, (unsigned)d->port,
	    d->instance == NULL ? "None" : d->instance);
	flatten(name, sizeof name, name, ".");
	for (size_t i = 0; i < sizeof v / sizeof v[0]; i++)
		if (v[i].n > 0)
			put(p, v[i].n, "destinations.%s.%s", name, v[i].what);
}

void
relay_figures_carbon(const struct relay_figures *f, relay_figure *fn, void *ctx)
{
	struct put p = { fn, ctx };
	uint64_t received = 0, blackholed = 0;

	for (size_t i = 0; i < f->nworkers; i++) {
		received += f->workers[i].received;
		blackholed += f->workers[i].blackholed;
	}
	if (f->aggregates)
		put(&p, f->agg_sent, "aggregateDatapointsSent");
	for (size_t i = 0; i < f->ndests; i++)
		if (f->dests[i].port != 0)
			carbon_dest(&p, &f->dests[i]);
	put(&p, f->accepted - f->closed, "activeConnections");
	put(&p, received, "metricsReceived");
	put(&p, blackholed, "blacklistMatches");
	put(&p, 0, "whitelistRejects");
	fn(ctx, "cpuUsage", f->cpu_percent);
	put(&p, f->rss, "memUsage");
}

/* ---- prefixes ---- */

static char
changed(char c, bool lower, bool upper, bool flat)
{
	if (flat && c == '.')
		return '_';
	if (lower && c >= 'A' && c <= 'Z')
		return (char)(c + ('a' - 'A'));
	if (upper && c >= 'a' && c <= 'z')
		return (char)(c - ('a' - 'A'));
	return c;
}

static void
add_word(struct buf *out, struct slice word, const char *host)
{
	struct slice what = slice_cut(&word, ':'), s = slice_str(host);
	bool lower = slice_eq(word, SLICE("lower"));
	bool upper = slice_eq(word, SLICE("upper"));
	bool flat = slice_eq(what, SLICE("flat"));
	size_t dot = slice_find(s, '.');

	if (slice_eq(what, SLICE("short")))
		s = slice_upto(s, dot);
	else if (slice_eq(what, SLICE("domain")))
		s = slice_from(s, dot);
	for (size_t i = 0; i < s.len; i++)
		buf_addc(out, changed(s.ptr[i], lower, upper, flat));
}

void
relay_figures_prefix(struct buf *out, const char *text, const char *host)
{
	struct slice rest = slice_str(text);

	while (rest.len > 0) {
		size_t n = slice_find(rest, '{');

		buf_add(out, rest.ptr, n);
		rest = slice_from(rest, n);
		if (rest.len == 0)
			break;
		rest = slice_from(rest, 1);
		add_word(out, slice_cut(&rest, '}'), host);
	}
}

uint64_t
relay_figures_since(uint64_t *before, uint64_t now)
{
	uint64_t n = now - *before;

	*before = now;
	return n;
}
