/* play.c SCRIPT... - the way from a packet to a flush, under a false clock.
 *
 * The real pipeline, table, rules, metrics thread's merge and flush; nothing
 * runs by itself: passing time is a line of the script.  A script begins with a
 * configuration up to a line "---", then has a step on each line:
 *
 *	at SECONDS		it is now so many seconds after the start
 *	statsd PACKET		a packet comes in ("\n" in it is a newline)
 *	graphite LINE		a line comes in
 *	flush			the tick
 *	until SECONDS		time passes until then, with the ticks in it
 *	line LINE		the latest flush has that line
 *	flushed N		there were N flushes so far
 *	expect NAME VALUE	the latest flush has that line, of now
 *	absent NAME		it has no line of that name
 *	dropped REASON N	so many records were refused for that reason
 */
#include "config.h"

#include <stdio.h>
#include <stdlib.h>

#include "base/clock.h"
#include "core/pipeline.h"
#include "front/names.h"
#include "proto/graphite.h"
#include "proto/statsd.h"
#include "sink/metrics.h"
#include "sink/metrics_flush.h"

#define START_S INT64_C(1700000000)

struct play {
	const char *script;
	unsigned line;
	struct plan_registry registry;
	struct plan *plan;
	struct names *names;
	struct metrics metrics;
	struct pipeline pipeline;
	struct inbox home;
	uint64_t flushes;
	int failed;
};

static void
nobody(void *ctx)
{
}

static bool
metric_name(void *ctx, const struct record *r, struct buf *out)
{
	struct play *p = ctx;

	return names_clean(p->names, r, out);
}

static bool
no_log(void *ctx, unsigned archive, const struct record *r, struct buf *out)
{
	return false;
}

static const struct pipeline_ops ops = {
	.metric_name = metric_name, .log_path = no_log, .log_line = no_log
};

static void
wrong(struct play *p, const char *what, struct slice detail)
{
	fprintf(stderr, "%s:%u: %s: %.*s\n", p->script, p->line, what,
	    SLICE_ARG(detail));
	p->failed = 1;
}

static void
half_back(struct letter *l, void *ctx)
{
	struct play *p = ctx;

	table_half_back(&p->pipeline.table, (struct half *)l);
}

/* ---- steps ---- */

static void
statsd(struct play *p, struct slice packet)
{
	struct statsd_parser parser;
	struct buf bytes = BUF_INIT(65536);
	struct record r = { .received_ns = clock_real_ns() };
	enum statsd_result what;
	enum reason why;

	for (size_t i = 0; i < packet.len; i++)
		if (packet.ptr[i] == '\\' && i + 1 < packet.len &&
		    packet.ptr[i + 1] == 'n') {
			buf_addc(&bytes, '\n');
			i++;
		} else {
			buf_addc(&bytes, packet.ptr[i]);
		}
	statsd_begin(&parser, buf_slice(&bytes), &statsd_defaults);
	while ((what = statsd_next(&parser, &r, &why)) != STATSD_END)
		if (what == STATSD_METRIC && pipeline_is_timed(&r))
			pipeline_timed(&p->pipeline, &r);
		else if (what == STATSD_METRIC)
			pipeline_sample(&p->pipeline, &r);
		else if (what == STATSD_BAD)
			pipeline_refused(&p->pipeline, RECORD_METRIC,
			    SOURCE_STATSD, why, 1);
	buf_fini(&bytes);
}

static void
graphite(struct play *p, struct slice line)
{
	struct graphite_options o = { .now_ns = clock_real_ns() };
	struct record r = { .received_ns = o.now_ns };
	enum reason why = graphite_parse(line, &o, &r);

	if (why == REASON_NONE)
		pipeline_point(&p->pipeline, &r);
	else
		pipeline_refused(&p->pipeline, RECORD_METRIC, SOURCE_GRAPHITE,
		    why, 1);
}

static void
flush_due(struct play *p)
{
	struct half *h = table_swap(&p->pipeline.table);

	pipeline_flush(&p->pipeline, 0);
	inbox_take(&p->metrics.inbox, &p->metrics);
	h->home = &p->home;
	h->back = half_back;
	metrics_take_half(&h->letter, &p->metrics);
	inbox_take(&p->home, p);
	metrics_aggregate(&p->metrics, clock_real_ns());
	metrics_flush_due(&p->metrics);
	p->flushes++;
}

static void
flush(struct play *p)
{
	p->metrics.due = 1;
	flush_due(p);
}

/* The next tick of the classes; *now is when. */
static uint32_t
next_ticks(const struct play *p, int64_t *now)
{
	uint32_t classes = 0;

	*now = INT64_MAX;
	for (unsigned i = 0; i < p->plan->nclasses; i++) {
		if (p->metrics.next_ns[i] < *now) {
			*now = p->metrics.next_ns[i];
			classes = 0;
		}
		if (p->metrics.next_ns[i] == *now)
			classes |= 1u << i;
	}
	return classes;
}

static void
until(struct play *p, int64_t seconds)
{
	int64_t end = (START_S + seconds) * NS_PER_S, now;
	uint32_t classes;

	while (classes = next_ticks(p, &now), now <= end) {
		clock_fake_set(now, now);
		for (unsigned i = 0; classes >> i != 0; i++)
			if ((classes >> i & 1) != 0)
				metrics_tick(&p->metrics, i);
		flush_due(p);
	}
	clock_fake_set(end, end);
}

static void
has_line(struct play *p, struct slice line)
{
	struct slice rest = buf_slice(&p->metrics.page);

	while (rest.len > 0)
		if (slice_eq(slice_cut(&rest, '\n'), line))
			return;
	wrong(p, "not in the flush", line);
}

/* The value of a name in the latest flush, or a slice with ptr NULL. */
static struct slice
flushed(struct play *p, struct slice name)
{
	struct slice rest = buf_slice(&p->metrics.page);

	while (rest.len > 0) {
		struct slice line = slice_cut(&rest, '\n');

		if (slice_eq(slice_cut(&line, ' '), name))
			return line;
	}
	return slice_of(NULL, 0);
}

static void
expect(struct play *p, struct slice name, struct slice value)
{
	struct slice got = flushed(p, name);
	char want[256];

	snprintf(want, sizeof want, "%.*s %lld", SLICE_ARG(value),
	    (long long)(clock_real_ns() / NS_PER_S));
	if (!slice_eq(got, slice_str(want))) {
		wrong(p, "flushed", got.ptr == NULL ? SLICE("nothing") : got);
		wrong(p, "expected", slice_str(want));
	}
}

static void
dropped(struct play *p, struct slice reason, struct slice count)
{
	struct ledger_sum sum = { 0 };
	char got[32] = "0";

	ledger_sum_add(&sum, &p->pipeline.ledger);
	for (int r = 0; r < REASON_COUNT; r++) {
		uint64_t n = 0;

		for (int s = 0; s < RECORD_SOURCES; s++)
			n += sum.book[RECORD_METRIC][s].dropped[r];
		if (slice_eq(reason, slice_str(reason_name((enum reason)r))))
			snprintf(got, sizeof got, "%llu",
			    (unsigned long long)n);
	}
	if (!slice_eq(count, slice_str(got)))
		wrong(p, "dropped", slice_str(got));
}

static void
step(struct play *p, struct slice line)
{
	struct slice rest = line, word = slice_cut(&rest, ' ');

	if (slice_eq(word, SLICE("at"))) {
		int64_t ns = (START_S + atoll(rest.ptr)) * NS_PER_S;

		clock_fake_set(ns, ns);
	} else if (slice_eq(word, SLICE("statsd"))) {
		statsd(p, rest);
	} else if (slice_eq(word, SLICE("graphite"))) {
		graphite(p, rest);
	} else if (slice_eq(word, SLICE("flush"))) {
		flush(p);
	} else if (slice_eq(word, SLICE("until"))) {
		until(p, atoll(rest.ptr));
	} else if (slice_eq(word, SLICE("line"))) {
		has_line(p, rest);
	} else if (slice_eq(word, SLICE("flushed"))) {
		if ((uint64_t)atoll(rest.ptr) != p->flushes)
			wrong(p, "not so many flushes", rest);
	} else if (slice_eq(word, SLICE("expect"))) {
		struct slice name = slice_cut(&rest, ' ');

		expect(p, name, rest);
	} else if (slice_eq(word, SLICE("absent"))) {
		if (flushed(p, rest).ptr != NULL)
			wrong(p, "it is there", rest);
	} else if (slice_eq(word, SLICE("dropped"))) {
		struct slice reason = slice_cut(&rest, ' ');

		dropped(p, reason, rest);
	} else {
		wrong(p, "no such step", word);
	}
}

/* ---- the stage ---- */

static bool
begin(struct play *p, struct slice yaml)
{
	struct metrics_workers nobody_else = { 0 };
	struct buf errors = BUF_INIT(65536);
	struct conf *conf = conf_parse(yaml, p->script, &errors);
	struct pipeline_sinks sinks = {
		.metrics = &p->metrics.inbox, .events = &p->home,
		.logs = &p->home, .take_lines = metrics_take_lines,
		.take_points = metrics_take_points,
		.take_timed = metrics_take_timed,
		.take_half = metrics_take_half
	};
	char error[256];

	if (conf == NULL) {
		wrong(p, "configuration", buf_slice(&errors));
		buf_fini(&errors);
		return false;
	}
	buf_fini(&errors);
	clock_fake_set(START_S * NS_PER_S, START_S * NS_PER_S);
	inbox_init(&p->home, 1 << 20, nobody, NULL, NULL);
	p->plan = plan_new(conf, &p->registry, 1, error, sizeof error);
	p->names = names_new(conf);
	return p->plan != NULL && p->names != NULL &&
	    metrics_init(&p->metrics, p->plan, 1, &nobody_else) == 0 &&
	    pipeline_init(&p->pipeline, p->plan, &ops, p, &sinks, 1);
}

static void
end(struct play *p)
{
	pipeline_fini(&p->pipeline);
	metrics_fini(&p->metrics);
	names_free(p->names);
	plan_unref(p->plan);
	plan_registry_free(&p->registry);
}

static bool
read_file(const char *path, struct buf *text)
{
	FILE *f = fopen(path, "r");
	size_t n;

	if (f == NULL)
		return false;
	while (buf_reserve(text, 4096) &&
	    (n = fread(text->data + text->len, 1, 4096, f)) > 0)
		text->len += n;
	fclose(f);
	return true;
}

static int
play(const char *path)
{
	struct play *p = calloc(1, sizeof *p);
	struct buf text = BUF_INIT(1 << 20);
	struct slice rest, yaml;
	int failed;

	p->script = path;
	if (!read_file(path, &text))
		return 1;
	rest = buf_slice(&text);
	yaml = rest;
	for (;;) {
		struct slice line = slice_cut(&rest, '\n');

		p->line++;
		if (slice_eq(line, SLICE("---")) || rest.ptr == NULL) {
			yaml.len = (size_t)(line.ptr - yaml.ptr);
			break;
		}
	}
	if (!begin(p, yaml))
		return 1;
	while (rest.len > 0) {
		struct slice line = slice_cut(&rest, '\n');

		p->line++;
		if (line.len > 0 && line.ptr[0] != '#')
			step(p, line);
	}
	end(p);
	failed = p->failed;
	printf("%s: %s\n", path, failed ? "FAILED" : "ok");
	buf_fini(&text);
	free(p);
	return failed;
}

int
main(int argc, char **argv)
{
	int failed = 0;

	for (int i = 1; i < argc; i++)
		failed |= play(argv[i]);
	return failed;
}
