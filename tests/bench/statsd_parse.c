/* statsd_parse.c - what reading one StatsD metric costs, by kind of line:
 * ns of CPU per metric, the best of several rounds.
 *
 *	statsd_parse [rounds] */
#include "config.h"

#include <stdio.h>
#include <stdlib.h>
#include <time.h>

#include "proto/statsd.h"

#define LINES 30		/* in a packet */
#define PACKETS 256
#define PASSES 20

struct packets {
	char *bytes;
	struct slice packet[PACKETS];
};

static uint64_t state = 1;

static unsigned
below(unsigned n)
{
	state = state * 6364136223846793005u + 1442695040888963407u;
	return (unsigned)(state >> 33) % n;
}

/* One line of a kind: names of many lengths, values of many digits. */
static int
line(char *out, size_t size, const char *form)
{
	static const char *const types[] = { "c", "ms", "g", "ms" };
	char name[64];

	snprintf(name, sizeof name, "app%u.%.*s.%s.requests%u", below(20),
	    (int)below(16), "servicehostnames", below(2) ? "web" : "worker",
	    below(1000));
	switch (form[0]) {
	case 'c':
		return snprintf(out, size, "%s:1|c\n", name);
	case 't':
		return snprintf(out, size, "%s:%u.%03u|ms\n", name,
		    below(500), below(1000));
	case 'r':
		return snprintf(out, size, "%s:%u|%s|@0.1\n", name,
		    below(100), types[below(4)]);
	case 'd':
		return snprintf(out, size,
		    "%s:%u|%s|#env:prod,service:web%u\n", name, below(1000),
		    types[below(4)], below(9));
	case 'l':
		return snprintf(out, size,
		    "%s:%u.%u|d|#env:prod,service:web%u|c:in-12345\n", name,
		    below(1000), below(1000), below(9));
	case 'g':
		return snprintf(out, size, "%s;env=prod:%u|g\n", name,
		    below(1000));
	case 'u':
		return snprintf(out, size, "%s:user%u|s\n", name, below(9999));
	default:
		return snprintf(out, size, "%s:%u|%s\n", name,
		    below(below(2) ? 10 : 100000), types[below(4)]);
	}
}

static void
make(struct packets *p, const char *form)
{
	size_t len = 0;

	for (size_t i = 0; i < PACKETS; i++) {
		size_t start = len;

		for (int l = 0; l < LINES; l++)
			len += (size_t)line(p->bytes + len, 256, form);
		p->packet[i] = slice_of(p->bytes + start, len - start - 1);
	}
}

static double
cpu_ns(void)
{
	struct timespec t;

	clock_gettime(CLOCK_PROCESS_CPUTIME_ID, &t);
	return (double)t.tv_sec * 1e9 + (double)t.tv_nsec;
}

static double
one_round(const struct packets *p, double *sum)
{
	struct statsd_parser parser;
	struct record r;
	enum reason why;
	size_t metrics = 0;
	double start = cpu_ns();

	for (int pass = 0; pass < PASSES; pass++) {
		for (size_t i = 0; i < PACKETS; i++) {
			statsd_begin(&parser, p->packet[i], &statsd_defaults);
			while (statsd_next(&parser, &r, &why) == STATSD_METRIC) {
				*sum += r.metric.value * r.metric.rate;
				metrics++;
			}
		}
	}
	if (metrics != (size_t)LINES * PACKETS * PASSES)
		fprintf(stderr, "only %zu metrics\n", metrics);
	return (cpu_ns() - start) / (double)metrics;
}

int
main(int argc, char **argv)
{
	static const char *const forms[] = {
		"counters", "timers", "plain mix", "rates", "dogstatsd tags",
		"long dogstatsd", "graphite tags", "unique"
	};
	int rounds = argc > 1 ? atoi(argv[1]) : 9;
	struct packets p = { .bytes = malloc(PACKETS * LINES * 256) };
	double sum = 0;

	if (p.bytes == NULL)
		return 1;
	for (size_t f = 0; f < sizeof forms / sizeof forms[0]; f++) {
		double best = 1e9;

		make(&p, forms[f]);
		for (int i = 0; i < rounds; i++) {
			double ns = one_round(&p, &sum);

			if (ns < best)
				best = ns;
		}
		printf("%-16s %6.1f ns/metric\n", forms[f], best);
	}
	free(p.bytes);
	return sum == 0.5;
}
