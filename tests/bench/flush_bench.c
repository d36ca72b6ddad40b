/* flush_bench.c - what a flush costs: bytes a name and CPU seconds.
 *
 *	tests/bench/flush_bench [names [timers samples]] */
#include "config.h"

#include <stdio.h>
#include <stdlib.h>
#include <sys/resource.h>

#include "conf/conf.h"
#include "core/merged.h"
#include "core/sketch.h"

static struct conf_flush conf;

/* A state under the reference's defaults. */
static struct merged *
start(uint64_t max_names)
{
	static __typeof__(conf.percentiles[0]) ninety[1];
	static char text[] = "90";
	struct merged_config cfg = { .flush = &conf, .internal_mask = 1 };
	struct merged *m;

	ninety[0].value = 90;
	ninety[0].text = text;
	conf = (struct conf_flush){ .interval_ms = 10000,
	    .percentiles = (void *)ninety, .npercentiles = 1,
	    .namespace_ = text, .legacy = true, .flush_counts = true,
	    .max_names = max_names };
	if ((m = merged_new(&cfg)) == NULL)
		abort();
	return m;
}

static double
cpu(void)
{
	struct rusage u;

	getrusage(RUSAGE_SELF, &u);
	return (double)u.ru_utime.tv_sec + (double)u.ru_stime.tv_sec +
	    1e-6 * (double)(u.ru_utime.tv_usec + u.ru_stime.tv_usec);
}

static uint64_t bytes_out, lines_out;

/* What a router of lines does at least: look at it and copy it. */
static void
take(void *ctx, uint64_t dest_mask, struct slice name, struct slice line)
{
	static char ring[1 << 20];
	static size_t at;

	(void)ctx, (void)dest_mask, (void)name;
	if (at + line.len > sizeof ring)
		at = 0;
	memcpy(ring + at, line.ptr, line.len);
	at += line.len;
	bytes_out += line.len;
	lines_out++;
}

static double
timed_flush(struct merged *m, int64_t now_ms)
{
	struct flush_internal in = { .graphite_stats = true };
	struct flush_sink sink = { take, NULL };
	double before = cpu();

	bytes_out = lines_out = 0;
	merged_flush(m, 0, now_ms, &in, &sink);
	return cpu() - before;
}

static struct slice
name_of(char text[64], unsigned i)
{
	return slice_of(text, (size_t)snprintf(text, 64,
	    "app.web%03u.requests.route%u.hits", i % 500, i));
}

static void
counters(unsigned n)
{
	struct merged_key **keys = malloc(n * sizeof *keys);
	struct merged_stats st;
	struct buf page;
	struct merged *m;
	char text[64];
	double t, name_bytes = 0;
	unsigned i;

	m = start(n + 10);
	t = cpu();
	for (i = 0; i < n; i++) {
		keys[i] = merged_get(m, MERGED_COUNTER, name_of(text, i), 1, 0);
		merged_link(keys[i]);
		name_bytes += merged_name(keys[i]).len;
	}
	t = cpu() - t;
	printf("make and link %u counters: %.3f s, %.0f ns each\n", n, t,
	    1e9 * t / n);
	t = cpu();
	for (i = 0; i < n; i++)
		merged_counter(m, keys[i], i % 1000);
	t = cpu() - t;
	printf("merge %u counters through links: %.3f s, %.0f ns each\n", n, t,
	    1e9 * t / n);
	merged_get_stats(m, &st);
	printf("memory: %.1f bytes a name, %.1f without its text\n",
	    (double)st.bytes / (double)st.keys,
	    ((double)st.bytes - name_bytes) / (double)st.keys);
	t = timed_flush(m, INT64_C(1700000000000));
	printf("flush, whole numbers: %.3f s, %llu lines, %llu bytes\n", t,
	    (unsigned long long)lines_out, (unsigned long long)bytes_out);
	t = timed_flush(m, INT64_C(1700000010000));
	printf("flush, idle: %.3f s\n", t);
	for (i = 0; i < n; i++)
		merged_counter(m, keys[i], i / 7.0);
	t = timed_flush(m, INT64_C(1700000020000));
	printf("flush, fractions of 17 digits: %.3f s\n", t);
	buf_init(&page, (size_t)1 << 30);
	t = cpu();
	if (!merged_prometheus(m, NULL, &page))
		abort();
	printf("page for Prometheus: %.3f s, %zu bytes\n", cpu() - t,
	    page.len);
	buf_fini(&page);
	merged_free(m);
	free(keys);
}

static uint64_t state = 88172645463325252u;

static double
uniform(void)
{
	state ^= state << 13;
	state ^= state >> 7;
	state ^= state << 17;
	return (double)(state >> 11) / 9007199254740992.0;
}

static void
timers(unsigned n, unsigned samples, bool whole)
{
	struct merged_key **keys = malloc(n * sizeof *keys);
	struct samples *half = calloc(n, sizeof *half);
	struct merged *m;
	char text[64];
	unsigned i, j, round;
	double v, t;

	m = start(n + 10);
	for (i = 0; i < n; i++) {
		keys[i] = merged_get(m, MERGED_TIMER, name_of(text, i), 1, 0);
		merged_link(keys[i]);
	}
	for (round = 0; round < 2; round++) {
		for (i = 0; i < n; i++)
			for (j = 0; j < samples; j++) {
				v = 1 / (1.0001 - uniform());
				if (!samples_add(&half[i],
				    whole ? (double)(long)(v * 10) : v))
					abort();
			}
		t = cpu();
		for (i = 0; i < n; i++)
			merged_timer(m, keys[i], &half[i], samples);
		t = cpu() - t;
		printf("merge %u timers of %u %s: %.4f s; ", n, samples,
		    whole ? "whole samples" : "samples", t);
		t = timed_flush(m, INT64_C(1700000000000) + round * 10000);
		printf("flush %.3f s, %.1f ns a sample\n", t,
		    1e9 * t / n / samples);
	}
	for (i = 0; i < n; i++)
		samples_fini(&half[i]);
	merged_free(m);
	free(half);
	free(keys);
}

static void
sketches(unsigned n, unsigned samples)
{
	struct merged_key **keys = malloc(n * sizeof *keys);
	struct sketch *half = calloc(n, sizeof *half);
	struct merged *m;
	char text[64];
	unsigned i, j;
	size_t bytes = 0;
	double t;

	m = start(n + 10);
	for (i = 0; i < n; i++) {
		keys[i] = merged_get(m, MERGED_TIMER, name_of(text, i), 1, 0);
		merged_link(keys[i]);
		sketch_init(&half[i], 0.01, 16384);
	}
	t = cpu();
	for (j = 0; j < samples; j++)
		for (i = 0; i < n; i++)
			if (!sketch_add(&half[i], 1 / (1.0001 - uniform())))
				abort();
	t = cpu() - t;
	for (i = 0; i < n; i++)
		bytes += sketch_bytes(&half[i]);
	printf("sketch: %.1f ns a sample, %zu bytes a timer; ",
	    1e9 * t / n / samples, bytes / n);
	for (i = 0; i < n; i++)
		merged_sketch(m, keys[i], &half[i], samples);
	printf("flush %.3f s\n", timed_flush(m, INT64_C(1700000000000)));
	for (i = 0; i < n; i++)
		sketch_fini(&half[i]);
	merged_free(m);
	free(half);
	free(keys);
}

int
main(int argc, char **argv)
{
	unsigned names = argc > 1 ? (unsigned)atoi(argv[1]) : 1000000;
	unsigned n = argc > 3 ? (unsigned)atoi(argv[2]) : 10000;
	unsigned samples = argc > 3 ? (unsigned)atoi(argv[3]) : 1000;

	counters(names);
	timers(n, samples, false);
	timers(n, samples, true);
	sketches(n, samples);
	return 0;
}
