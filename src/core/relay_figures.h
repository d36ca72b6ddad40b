/* relay_figures.h - a relay's statistics under the names of the relays that
 * millrace replaces, so that their dashboards go on.
 *
 * carbon-c-relay's are carbon.relays.HOST.{metricsReceived, metricsSent, ...},
 * dispatcherN.* for each worker and destinations.HOST:PORT.* for each server;
 * carbon's are carbon.relays.HOST-INSTANCE.{metricsReceived, cpuUsage, ...} and
 * destinations.HOST:PORT:INSTANCE.*.  Pure: numbers in, names and values out. */
#ifndef MILLRACE_CORE_RELAY_FIGURES_H
#define MILLRACE_CORE_RELAY_FIGURES_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/buf.h"

/* One thread that reads. */
struct relay_worker {
	uint64_t received, blackholed, discarded;
	uint64_t busy_us, idle_us;	/* CPU time, and the rest of the time */
};

/* One server, in whatever clusters it is: the same place twice is one. */
struct relay_dest {
	const char *host;		/* of a file: its path */
	uint16_t port;			/* 0: a file */
	const char *instance;		/* or NULL */
	bool udp;
	uint64_t received, sent, queued, stalls, dropped, batches;
	uint64_t busy_us;
};

struct relay_figures {
	struct relay_worker *workers;
	size_t nworkers;
	struct relay_dest *dests;
	size_t ndests;
	uint64_t own;			/* statistics sent so far */
	uint64_t accepted, closed;	/* connections, since the start */
	bool aggregates;		/* there are rules that aggregate */
	uint64_t agg_received, agg_sent, agg_dropped;
	double cpu_percent;
	uint64_t rss;			/* bytes */
};

/* Told of each figure; name is without the prefix. */
typedef void relay_figure(void *ctx, const char *name, double value);

/* All that carbon-c-relay says, in its order. */
void relay_figures_c(const struct relay_figures *f, relay_figure *put, void *ctx);
/* All that carbon says; of servers what happened, as there. */
void relay_figures_carbon(const struct relay_figures *f, relay_figure *put,
    void *ctx);

/* The prefix of a host: {host} its name, {flat} the same with '_' for dots,
 * {short} what stands before its first dot, {domain} the rest with its dot;
 * each with :lower or :upper behind it if the case is to be changed. */
void relay_figures_prefix(struct buf *out, const char *text, const char *host);

/* now - before, for counters that begin anew after each report. */
uint64_t relay_figures_since(uint64_t *before, uint64_t now);

#endif
