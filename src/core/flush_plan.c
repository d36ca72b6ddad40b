/* flush_plan.c - what a configuration of the flush comes to. */
#include "config.h"

#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>

#include "conf/conf.h"
#include "core/flush_plan.h"

static const char *const figure_names[FIG_FIGURES] = {
	"std", "upper", "lower", "count", "count_ps", "sum", "sum_squares",
	"mean", "median"
};
static const char *const internal_names[PLAN_INTERNALS] = {
	"numStats", "graphiteStats.calculationtime", "processing_time",
	"graphiteStats.last_exception", "graphiteStats.last_flush",
	"graphiteStats.flush_time", "graphiteStats.flush_length"
};

/* A text that lives as long as the plan; ptr is NULL when memory is out. */
static struct slice text(struct flush_plan *p, const char *fmt, ...)
    __attribute__((format(printf, 2, 3)));

static struct slice
text(struct flush_plan *p, const char *fmt, ...)
{
	char *s, **owned;
	size_t cap;
	va_list ap;
	int n;

	if (p->nowned == p->cap_owned) {
		cap = p->cap_owned == 0 ? 64 : p->cap_owned * 2;
		owned = realloc(p->owned, cap * sizeof *owned);
		if (owned == NULL)
			return (struct slice){ NULL, 0 };
		p->owned = owned;
		p->cap_owned = cap;
	}
	va_start(ap, fmt);
	n = vasprintf(&s, fmt, ap);
	va_end(ap);
	if (n == -1)
		return (struct slice){ NULL, 0 };
	p->owned[p->nowned++] = s;
	return slice_of(s, (size_t)n);
}

static const char *
or_empty(const char *s)
{
	return s == NULL ? "" : s;
}

/* "a." or, of an empty a, nothing. */
static struct slice
dotted(struct flush_plan *p, const char *a)
{
	return text(p, "%s%s", or_empty(a),
	    *or_empty(a) == '\0' ? "" : ".");
}

/* "global.own." with what is empty left out. */
static struct slice
prefix(struct flush_plan *p, const struct conf_flush *f, const char *own)
{
	struct slice global = dotted(p, f->prefix), mine = dotted(p, own);

	if (global.ptr == NULL || mine.ptr == NULL)
		return (struct slice){ NULL, 0 };
	return text(p, "%.*s%.*s", SLICE_ARG(global), SLICE_ARG(mine));
}

/* The name that calculatedTimerMetrics knows a figure by: a "_90" or
 * "_top90" at its end reads "_percent". */
static struct slice
filter_name(struct slice name, char *out, size_t size)
{
	size_t at = name.len;

	while (at > 0 && name.ptr[at - 1] >= '0' && name.ptr[at - 1] <= '9')
		at--;
	if (at == name.len)
		return name;
	if (at >= 4 && memcmp(name.ptr + at - 3, "top", 3) == 0 &&
	    name.ptr[at - 4] == '_')
		at -= 4;
	else if (at >= 1 && name.ptr[at - 1] == '_')
		at -= 1;
	else
		return name;
	return slice_of(out, (size_t)snprintf(out, size, "%.*s_percent",
	    (int)(at < size - 9 ? at : size - 9), name.ptr));
}

static bool
kept(const struct conf_flush *f, struct slice name)
{
	char room[160];
	size_t i;

	if (f->timer_metrics.n == 0)
		return true;
	name = filter_name(name, room, sizeof room);
	for (i = 0; i < f->timer_metrics.n; i++)
		if (slice_eq(name, slice_str(f->timer_metrics.v[i])))
			return true;
	return false;
}

static bool
form(struct flush_plan *p, const struct conf_flush *f, struct slice name,
    struct plan_form *out)
{
	out->keep = kept(f, name);
	out->post = text(p, ".%.*s%.*s", SLICE_ARG(name),
	    SLICE_ARG(p->suffix));
	return out->post.ptr != NULL;
}

/* A percentile as part of a name: 99.9 is "99_9", -90 is "top90". */
static void
label(const char *as_written, char *out, size_t size)
{
	const char *dot = strchr(as_written, '.');
	const char *minus = strchr(as_written, '-');
	size_t n = 0;

	for (; *as_written != '\0' && n + 4 < size; as_written++) {
		if (as_written == minus) {
			memcpy(out + n, "top", 3);
			n += 3;
		} else {
			out[n++] = as_written == dot ? '_' : *as_written;
		}
	}
	out[n] = '\0';
}

static bool
plan_percentile(struct flush_plan *p, const struct conf_flush *f, double value,
    const char *as_written)
{
	static const char *const names[PCT_FIGURES] = {
		"count", "mean", NULL, "sum", "sum_squares"
	};
	struct plan_percentile pct = { .value = value };
	char lab[64], name[96];
	const char *stem;
	size_t i, n;

	label(as_written, lab, sizeof lab);
	for (i = 0; i < PCT_FIGURES; i++) {
		stem = names[i] != NULL ? names[i] :
		    value > 0 ? "upper" : "lower";
		n = (size_t)snprintf(name, sizeof name, "%s_%s", stem, lab);
		if (!form(p, f, slice_of(name, n), &pct.form[i]))
			return false;
	}
	/* written twice: the last one's value in the first one's place */
	for (i = 0; i < p->npercentiles; i++)
		if (slice_eq(p->percentiles[i].form[PCT_COUNT].post,
		    pct.form[PCT_COUNT].post)) {
			p->percentiles[i] = pct;
			return true;
		}
	p->percentiles[p->npercentiles++] = pct;
	return true;
}

static bool
plan_percentiles(struct flush_plan *p, const struct conf_flush *f)
{
	size_t i;

	p->percentiles = calloc(f->npercentiles + 1, sizeof *p->percentiles);
	if (p->percentiles == NULL)
		return false;
	for (i = 0; i < f->npercentiles; i++)
		if (!plan_percentile(p, f, f->percentiles[i].value,
		    f->percentiles[i].text))
			return false;
	return true;
}

static bool
plan_histogram(struct flush_plan *p, const struct conf_histogram *h,
    struct plan_histogram *out)
{
	size_t i, dot;
	struct slice name;

	out->metric = slice_str(or_empty(h->metric));
	out->bins = h->bins;
	out->nbins = h->nbins;
	if ((out->posts = calloc(h->nbins + 1, sizeof *out->posts)) == NULL)
		return false;
	for (i = 0; i < h->nbins; i++) {
		name = slice_str(h->bin_names[i]);
		dot = slice_find(name, '.');
		out->posts[i] = text(p, ".histogram.bin_%.*s%s%.*s%.*s",
		    (int)dot, name.ptr, dot < name.len ? "_" : "",
		    SLICE_ARG(slice_from(name, dot + 1)),
		    SLICE_ARG(p->suffix));
		if (out->posts[i].ptr == NULL)
			return false;
	}
	return true;
}

static bool
plan_histograms(struct flush_plan *p, const struct conf_flush *f)
{
	p->keep_histograms = kept(f, SLICE("histogram"));
	p->histograms = calloc(f->nhistograms + 1, sizeof *p->histograms);
	if (p->histograms == NULL)
		return false;
	for (; p->nhistograms < f->nhistograms; p->nhistograms++)
		if (!plan_histogram(p, &f->histograms[p->nhistograms],
		    &p->histograms[p->nhistograms])) {
			p->nhistograms++;	/* its posts are freed */
			return false;
		}
	return true;
}

static void
plan_names(struct flush_plan *p, const struct conf_flush *f)
{
	p->set_post = text(p, ".count%s", p->suffix.ptr);
	if (f->legacy) {
		p->rate_pre = text(p, "stats.");
		p->count_pre = text(p, "stats_counts.");
		p->rate_post = p->count_post = p->suffix;
		p->timer_pre = text(p, "stats.timers.");
		p->gauge_pre = text(p, "stats.gauges.");
		p->set_pre = text(p, "stats.sets.");
		p->kv_pre = text(p, "stats.kv.");
	} else {
		p->rate_pre = p->count_pre = prefix(p, f, f->prefix_counter);
		p->rate_post = text(p, ".rate%s", p->suffix.ptr);
		p->count_post = text(p, ".count%s", p->suffix.ptr);
		p->timer_pre = prefix(p, f, f->prefix_timer);
		p->gauge_pre = prefix(p, f, f->prefix_gauge);
		p->set_pre = prefix(p, f, f->prefix_set);
		p->kv_pre = prefix(p, f, "kv");
	}
}

static void
plan_internals(struct flush_plan *p, const struct conf_flush *f)
{
	const char *own = or_empty(f->namespace_);
	struct slice pre = f->legacy ? SLICE("stats.") : dotted(p, f->prefix);
	size_t i;

	for (i = 0; i < PLAN_INTERNALS; i++)
		p->internals[i] = text(p, "%.*s%s.%s%s",
		    f->legacy && i == PLAN_NUM_STATS ? 0 : (int)pre.len,
		    or_empty(pre.ptr), own, internal_names[i], p->suffix.ptr);
	p->bad_lines = text(p, "%s.bad_lines_seen", own);
	p->packets = text(p, "%s.packets_received", own);
	p->metrics = text(p, "%s.metrics_received", own);
	p->lag = text(p, "%s.timestamp_lag", own);
}

static bool
all_made(const struct flush_plan *p)
{
	size_t i;

	for (i = 0; i < PLAN_INTERNALS; i++)
		if (p->internals[i].ptr == NULL)
			return false;
	return p->rate_pre.ptr != NULL && p->rate_post.ptr != NULL &&
	    p->count_pre.ptr != NULL && p->count_post.ptr != NULL &&
	    p->timer_pre.ptr != NULL && p->gauge_pre.ptr != NULL &&
	    p->set_pre.ptr != NULL && p->set_post.ptr != NULL &&
	    p->kv_pre.ptr != NULL && p->bad_lines.ptr != NULL &&
	    p->packets.ptr != NULL && p->metrics.ptr != NULL &&
	    p->lag.ptr != NULL;
}

static void
plan_settings(struct flush_plan *p, const struct merged_config *cfg)
{
	const struct conf_flush *f = cfg->flush;
	unsigned i;

	p->nclasses = cfg->nclasses == 0 ? 1 :
	    cfg->nclasses > MERGED_MAX_CLASSES ? MERGED_MAX_CLASSES :
	    cfg->nclasses;
	p->seconds[0] = (double)f->interval_ms / 1000;
	for (i = 1; i < p->nclasses; i++)
		p->seconds[i] = (double)cfg->interval_ms[i - 1] / 1000;
	p->flush_counts = f->flush_counts;
	p->clean_on_output = cfg->clean_on_output;
	p->sketch = f->sketch;
	p->sketch_error = f->sketch_error;
	p->sketch_bytes = f->sketch_max_bytes;
	p->set_exact = f->set_exact;
	p->max_names = cfg->max_names != 0 ? cfg->max_names : f->max_names;
	if (p->max_names == 0 || p->max_names > 1u << 30)
		p->max_names = 1u << 30;
	p->max_samples = cfg->max_samples != 0 ? cfg->max_samples : 1u << 24;
	if (p->max_samples > 1u << 30)
		p->max_samples = 1u << 30;
	p->internal_mask = cfg->internal_mask;
	p->remove[MERGED_COUNTER] = f->delete_counters;
	p->remove[MERGED_TIMER] = f->delete_timers;
	p->remove[MERGED_GAUGE] = f->delete_gauges;
	p->remove[MERGED_SET] = f->delete_sets;
	p->remove[MERGED_KV] = true;
	p->gauge_ttl = f->gauges_ttl < 1 ? 1 : f->gauges_ttl > UINT16_MAX ?
	    UINT16_MAX : (uint16_t)f->gauges_ttl;
}

struct flush_plan *
flush_plan_new(const struct merged_config *cfg)
{
	struct flush_plan *p = calloc(1, sizeof *p);
	size_t i;

	if (p == NULL)
		return NULL;
	plan_settings(p, cfg);
	p->suffix = text(p, "%s%s", *or_empty(cfg->flush->suffix) == '\0' ?
	    "" : ".", or_empty(cfg->flush->suffix));
	if (p->suffix.ptr == NULL)
		goto fail;
	plan_names(p, cfg->flush);
	plan_internals(p, cfg->flush);
	if (!all_made(p) || !plan_percentiles(p, cfg->flush) ||
	    !plan_histograms(p, cfg->flush))
		goto fail;
	for (i = 0; i < FIG_FIGURES; i++)
		if (!form(p, cfg->flush, slice_str(figure_names[i]),
		    &p->figures[i]))
			goto fail;
	return p;

fail:
	flush_plan_free(p);
	return NULL;
}

void
flush_plan_free(struct flush_plan *p)
{
	size_t i;

	if (p == NULL)
		return;
	for (i = 0; i < p->nowned; i++)
		free(p->owned[i]);
	for (i = 0; i < p->nhistograms; i++)
		free(p->histograms[i].posts);
	free(p->owned);
	free(p->percentiles);
	free(p->histograms);
	free(p);
}
