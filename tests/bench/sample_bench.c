/* sample_bench.c - what a StatsD metric costs between the socket and its cell:
 * reading the line, finding the name, adding the sample.  ns of CPU per metric,
 * the best and the median of many bursts.
 *
 *	sample_bench [bursts [names]]
 *
 * A burst is what gathers in a millisecond at 20,000 datagrams a second: 20 of
 * 30 metrics.  Between bursts so much other memory is walked: nothing (warm
 * caches), 256 KiB (the first level is cold), 4 MiB (the second too).  The mix
 * is the one of statsd.sh: counters, timers, gauges and sets as 60:30:9:1. */
#include "config.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "conf/conf.h"
#include "core/pipeline.h"
#include "front/names.h"
#include "proto/statsd.h"

#define LINES 30
#define BURST 20
#define PACKETS 2000
#define FLUSH_EVERY 1000	/* bursts */

static char packet[PACKETS][2048];
static struct slice packets[PACKETS];
static uint64_t state = 1;

static unsigned
below(unsigned n)
{
	state = state * 6364136223846793005u + 1442695040888963407u;
	return (unsigned)(state >> 33) % n;
}

/* Of each name always the same type, as flood sends them. */
static size_t
line(char *out, size_t size, unsigned name)
{
	unsigned kind = name * 2654435761u >> 16;

	kind %= 100;
	if (kind < 60)
		return (size_t)snprintf(out, size, "flood.c.%u:%u|c\n", name,
		    1 + below(9));
	if (kind < 90)
		return (size_t)snprintf(out, size, "flood.ms.%u:%u.%u|ms\n",
		    name, below(1000), below(10));
	if (kind < 99)
		return (size_t)snprintf(out, size, "flood.g.%u:%u|g\n", name,
		    below(1000));
	return (size_t)snprintf(out, size, "flood.s.%u:user%u|s\n", name,
	    below(1000));
}

static void
make_packets(unsigned names)
{
	for (size_t i = 0; i < PACKETS; i++) {
		size_t n = 0;

		for (unsigned l = 0; l < LINES; l++)
			n += line(packet[i] + n, sizeof packet[i] - n,
			    below(names));
		packets[i] = slice_of(packet[i], n);
	}
}

static void
feed(struct pipeline *p, struct slice bytes)
{
	struct statsd_parser parser;
	struct table_run *run;

	statsd_begin(&parser, bytes, &statsd_defaults);
	for (;;) {
		run = pipeline_run(p, SOURCE_STATSD, 0);
		run->n += statsd_run(&parser, run->m + run->n,
		    TABLE_RUN - run->n);
		if (run->n < TABLE_RUN)
			break;
		pipeline_move(p);
	}
}

static int64_t
cpu_ns(void)
{
	struct timespec t;

	clock_gettime(CLOCK_THREAD_CPUTIME_ID, &t);
	return t.tv_sec * INT64_C(1000000000) + t.tv_nsec;
}

static volatile unsigned sum;

static void
walk(const char *other, size_t n)
{
	for (size_t i = 0; i < n; i += 64)
		sum += (unsigned char)other[i];
}

/* As the metrics thread would leave it. */
static void
empty(struct table *t)
{
	struct half *h = table_swap(t);

	for (struct dirty_chunk *c = h->dirty; c != NULL; c = c->next)
		for (size_t i = 0; i < c->n; i++)
			if (c->e[i]->group == GROUP_TIMER)
				entry_timer(c->e[i], h->index)->samples.n = 0;
	table_half_back(t, h);
}

static int
by_size(const void *a, const void *b)
{
	int64_t x = *(const int64_t *)a, y = *(const int64_t *)b;

	return (x > y) - (x < y);
}

static void
measure(struct pipeline *p, const char *other, size_t cold, size_t bursts)
{
	int64_t *took = calloc(bursts, sizeof *took);
	size_t at = 0;

	if (took == NULL)
		exit(71);
	for (size_t b = 0; b < bursts; b++) {
		int64_t from;

		walk(other, cold);
		from = cpu_ns();
		for (unsigned i = 0; i < BURST; i++)
			feed(p, packets[at++ % PACKETS]);
		pipeline_settle(p);
		took[b] = cpu_ns() - from;
		if (b % FLUSH_EVERY == 0)
			empty(&p->table);
	}
	qsort(took, bursts, sizeof *took, by_size);
	printf("%7zu KiB walked between bursts: best %5.1f  median %5.1f ns a metric\n",
	    cold / 1024, (double)took[0] / (BURST * LINES),
	    (double)took[bursts / 2] / (BURST * LINES));
	free(took);
}

static void
take(struct letter *l, void *ctx)
{
}

static bool
name_of(void *ctx, const struct record *r, struct buf *out)
{
	return names_clean(ctx, r, out);
}

int
main(int argc, char **argv)
{
	static const struct pipeline_ops ops = { .metric_name = name_of };
	size_t bursts = argc > 1 ? strtoul(argv[1], NULL, 10) : 3000;
	unsigned names = argc > 2 ? (unsigned)strtoul(argv[2], NULL, 10) : 2000;
	struct plan_registry registry = { 0 };
	struct pipeline_sinks sinks = { .take_half = take };
	struct buf errors = BUF_INIT(65536);
	struct conf *conf = conf_parse(SLICE("clusters: {g: {method: 'null'}}\n"),
	    "bench", &errors);
	struct pipeline p;
	struct names *n;
	struct plan *plan;
	char error[256], *other = calloc(1, 4 << 20);

	if (conf == NULL || other == NULL || bursts == 0 || names == 0)
		return 64;
	buf_fini(&errors);
	memset(other, 1, 4 << 20);
	n = names_new(conf);
	plan = plan_new(conf, &registry, 1, error, sizeof error);
	if (n == NULL || plan == NULL ||
	    !pipeline_init(&p, plan, &ops, n, &sinks, 1))
		return 71;
	make_packets(names);
	measure(&p, other, 0, bursts);
	measure(&p, other, 256 << 10, bursts);
	measure(&p, other, 4 << 20, bursts);
	pipeline_fini(&p);
	names_free(n);
	plan_unref(plan);
	plan_registry_free(&registry);
	free(other);
	return 0;
}
