/* merged_flush.c - one flush: figures, lines, and what stays for the next.
 *
 * The arithmetic follows the statsd daemon of npm step by step, because its
 * figures are compared digit by digit: running sums in ascending order, plain
 * doubles, no fused multiply-add (the build says -ffp-contract=off). */
#include "config.h"

#include <math.h>
#include <stdlib.h>

#include "base/number.h"
#include "core/merged_parts.h"

/* What one flush knows besides the state. */
struct flush {
	struct merged *m;
	const struct flush_plan *plan;
	const struct flush_sink *sink;
	unsigned class_;
	double seconds;
	char ts[24];			/* " 1795360797\n" */
	size_t nts;
	/* the key whose lines are printed */
	struct slice body, tags;
	uint64_t mask;
};

static const char digit_pairs[] =
    "0001020304050607080910111213141516171819"
    "2021222324252627282930313233343536373839"
    "4041424344454647484950515253545556575859"
    "6061626364656667686970717273747576777879"
    "8081828384858687888990919293949596979899";

static size_t
put_u64(char *out, uint64_t v)
{
	char tmp[20];
	size_t at = sizeof tmp;

	while (v >= 100) {
		at -= 2;
		memcpy(tmp + at, digit_pairs + v % 100 * 2, 2);
		v /= 100;
	}
	if (v >= 10) {
		at -= 2;
		memcpy(tmp + at, digit_pairs + v * 2, 2);
	} else {
		tmp[--at] = (char)('0' + v);
	}
	memcpy(out, tmp + at, sizeof tmp - at);
	return sizeof tmp - at;
}

/* number_format_js() with a short way for whole numbers. */
static size_t
put_number(char *out, double v)
{
	int64_t whole;

	if (v > -1e15 && v < 1e15) {
		whole = (int64_t)v;
		if ((double)whole == v) {
			if (whole >= 0)
				return put_u64(out, (uint64_t)whole);
			*out = '-';
			return 1 + put_u64(out + 1, (uint64_t)-whole);
		}
	}
	return number_format_js(out, v);
}

static bool
line_room(struct merged *m, size_t n)
{
	char *line;

	if (n <= m->cap_line)
		return true;
	n += n / 2 + 256;
	if ((line = realloc(m->line, n)) == NULL)
		return false;
	m->line = line;
	m->cap_line = n;
	return true;
}

static inline char *
put(char *at, struct slice s)
{
	if (s.len > 0)
		memcpy(at, s.ptr, s.len);
	return at + s.len;
}

/* Print "pre body post tags value ts" of the key at hand. */
static void
print(struct flush *f, struct slice pre, struct slice post, double value)
{
	struct merged *m = f->m;
	size_t n = pre.len + f->body.len + post.len + f->tags.len;
	char *at;

	if (isnan(value)) {
		m->stats.dropped_nan++;
		return;
	}
	if (!line_room(m, n + NUMBER_TEXT + sizeof f->ts + 1))
		return;
	at = put(put(put(put(m->line, pre), f->body), post), f->tags);
	*at++ = ' ';
	at += put_number(at, value);
	memcpy(at, f->ts, f->nts);
	at += f->nts;
	m->stats.lines++;
	f->sink->line(f->sink->ctx, f->mask, slice_of(m->line, n),
	    slice_of(m->line, (size_t)(at - m->line)));
}

/* Copy s as the reference's sanitiser leaves it; out has room for s.len. */
static size_t
clean(struct slice s, char *out)
{
	size_t i = 0, n = 0, blank;
	char c;

	while (i < s.len) {
		c = s.ptr[i];
		blank = number_js_blank(slice_from(s, i));
		if (blank > 0) {
			out[n++] = '_';
			while (blank > 0) {
				i += blank;
				blank = number_js_blank(slice_from(s, i));
			}
			continue;
		}
		i++;
		if (c == '/')
			out[n++] = '-';
		else if ((c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') ||
		    (c >= '0' && c <= '9') || c == '_' || c == '-' ||
		    c == '.' || c == ';' || c == '=')
			out[n++] = c;
	}
	return n;
}

/* From now on print() prints lines of that name.  dirty: room for a cleaned
 * one. */
static void
take_up(struct flush *f, struct slice name, uint64_t dest_mask, char **dirty)
{
	size_t cut = slice_find(name, ';');

	f->mask = dest_mask;
	f->body = slice_upto(name, cut);
	f->tags = slice_from(name, cut);
	if (!f->plan->clean_on_output)
		return;
	if (*dirty == NULL && (*dirty = malloc(MERGED_MAX_NAME)) == NULL)
		return;
	f->body = slice_of(*dirty, clean(f->body, *dirty));
}

/* ---- timers ---- */

/* The figures of one timer; NaN where the reference has none. */
struct figures {
	uint64_t n;
	double v[FIG_FIGURES];
};

/* Samples sorted, with their running sums; or a sketch that stands for them. */
struct sorted {
	const double *v, *sums, *squares;
	const struct sketch *sketch;
	uint64_t n;
	double sum, sum_squares;
};

/* Sum and sum of squares of the k smallest. */
static void
sum_of(const struct sorted *s, uint64_t k, double *sum, double *squares)
{
	if (s->sketch != NULL) {
		sketch_sum_of(s->sketch, k, sum, squares);
	} else {
		*sum = k == 0 ? 0 : s->sums[k - 1];
		*squares = k == 0 ? 0 : s->squares[k - 1];
	}
}

static double
kth(const struct sorted *s, uint64_t k)
{
	return s->sketch != NULL ? sketch_kth(s->sketch, k) : s->v[k - 1];
}

/* Math.round() of a number that is not negative. */
static double
round_half_up(double x)
{
	double down = floor(x);

	return x - down >= 0.5 ? down + 1 : down;
}

/* One percentile.  false: the reference has nothing to say for it. */
static bool
percentile(const struct sorted *s, double p, double out[PCT_FIGURES])
{
	double k = 1, sum, squares;
	uint64_t rank;

	if (s->n > 1)
		k = round_half_up(fabs(p) / 100 * (double)s->n);
	if (!(k > 0))
		return false;
	out[PCT_COUNT] = k;
	out[PCT_MEAN] = out[PCT_BOUNDARY] = out[PCT_SUM] = out[PCT_SQUARES] =
	    (double)NAN;
	if (k > (double)s->n)
		return true;
	rank = (uint64_t)k;
	if (p > 0 || s->n == 1) {
		out[PCT_BOUNDARY] = kth(s, rank);
		sum_of(s, rank, &sum, &squares);
	} else {
		out[PCT_BOUNDARY] = kth(s, s->n - rank + 1);
		sum_of(s, s->n - rank, &sum, &squares);
		sum = s->sum - sum;
		squares = s->sum_squares - squares;
	}
	out[PCT_SUM] = sum;
	out[PCT_SQUARES] = squares;
	out[PCT_MEAN] = sum / k;
	return true;
}

static void
print_percentiles(struct flush *f, const struct sorted *s,
    struct merged_timer *t)
{
	const struct plan_percentile *p;
	double v[PCT_FIGURES];
	size_t i, fig;

	for (i = 0; i < f->plan->npercentiles; i++) {
		p = &f->plan->percentiles[i];
		if (!percentile(s, p->value, v)) {
			if (t->quantiles != NULL)
				t->quantiles[i] = (double)NAN;
			continue;
		}
		if (t->quantiles != NULL)
			t->quantiles[i] = v[PCT_BOUNDARY];
		for (fig = 0; fig < PCT_FIGURES; fig++)
			if (p->form[fig].keep)
				print(f, f->plan->timer_pre, p->form[fig].post,
				    v[fig]);
	}
}

/* How many samples are below `bin` from sample number *i on. */
static uint64_t
in_bin(const struct sorted *s, double bin, uint64_t *i)
{
	uint64_t from = *i, to;

	if (isinf(bin) && bin > 0)
		to = s->n;
	else if (s->sketch != NULL)
		to = sketch_below(s->sketch, bin);
	else
		for (to = from; to < s->n && s->v[to] < bin;)
			to++;
	*i = to > from ? to : from;
	return *i - from;
}

static void
print_histogram(struct flush *f, const struct sorted *s, struct slice key)
{
	const struct plan_histogram *h = f->plan->histograms;
	const struct plan_histogram *end = h + f->plan->nhistograms;
	uint64_t i = 0;
	size_t bin;

	while (h < end && h->metric.len > 0 &&
	    memmem(key.ptr, key.len, h->metric.ptr, h->metric.len) == NULL)
		h++;
	if (h == end || !f->plan->keep_histograms)
		return;
	for (bin = 0; bin < h->nbins; bin++)
		print(f, f->plan->timer_pre, h->posts[bin],
		    (double)in_bin(s, h->bins[bin], &i));
}

/* Sort, and add up in ascending order. */
static bool
sort_samples(struct merged *m, struct samples *v, struct sorted *out)
{
	double *sums, *squares;
	uint32_t i, n = v->n;

	if (!merged_scratch(m, (size_t)n * 2))
		return false;
	sums = m->scratch;
	squares = m->scratch + n;
	samples_sort(v->v, n, m->scratch);
	sums[0] = v->v[0];
	squares[0] = v->v[0] * v->v[0];
	for (i = 1; i < n; i++) {
		sums[i] = v->v[i] + sums[i - 1];
		squares[i] = v->v[i] * v->v[i] + squares[i - 1];
	}
	*out = (struct sorted){ .v = v->v, .sums = sums, .squares = squares,
	    .n = n, .sum = sums[n - 1], .sum_squares = squares[n - 1] };
	return true;
}

static double
deviation(const struct sorted *s, double mean)
{
	double sum = 0, d;
	uint64_t i;

	if (s->sketch != NULL) {
		d = s->sum_squares / (double)s->n - mean * mean;
		return d > 0 ? sqrt(d) : 0;
	}
	for (i = 0; i < s->n; i++) {
		d = s->v[i] - mean;
		sum += d * d;
	}
	return sqrt(sum / (double)s->n);
}

static double
median(const struct sorted *s)
{
	uint64_t mid = s->n / 2;

	return s->n % 2 == 1 ? kth(s, mid + 1) :
	    (kth(s, mid) + kth(s, mid + 1)) / 2;
}

static void
print_figures(struct flush *f, const double v[FIG_FIGURES])
{
	unsigned i;

	for (i = 0; i < FIG_FIGURES; i++)
		if (f->plan->figures[i].keep)
			print(f, f->plan->timer_pre, f->plan->figures[i].post,
			    v[i]);
}

/* A timer without samples: these two, in this order. */
static void
print_idle(struct flush *f)
{
	const struct plan_form *fig = f->plan->figures;

	if (fig[FIG_COUNT_PS].keep)
		print(f, f->plan->timer_pre, fig[FIG_COUNT_PS].post, 0);
	if (fig[FIG_COUNT].keep)
		print(f, f->plan->timer_pre, fig[FIG_COUNT].post, 0);
}

/* Samples that came beside a sketch go into it. */
static void
into_sketch(struct merged *m, struct merged_timer *t)
{
	uint32_t i;

	for (i = 0; i < t->samples.n; i++)
		if (!sketch_add(t->sketch, t->samples.v[i]))
			m->stats.dropped_samples++;
	t->samples.n = 0;
}

static bool
gather(struct merged *m, struct merged_timer *t, struct sorted *s)
{
	const struct sketch *k = t->sketch;

	if (k == NULL || k->n == 0)
		return t->samples.n > 0 && sort_samples(m, &t->samples, s);
	into_sketch(m, t);
	*s = (struct sorted){ .sketch = k, .n = k->n, .sum = k->sum,
	    .sum_squares = k->sum_squares };
	m->stats.sketches_collapsed += k->collapsed;
	return true;
}

/* Keep what the Prometheus page shows. */
static void
remember(struct flush *f, struct merged_timer *t, const struct sorted *s)
{
	uint32_t n = (uint32_t)f->plan->npercentiles + 1;

	t->total_sum += s->sum;
	t->total_count += t->true_count;
	t->last_flush = f->m->classes[f->class_].flushes;
	if (t->nquantiles == n)
		return;
	free(t->quantiles);
	t->quantiles = calloc(n, sizeof *t->quantiles);
	t->nquantiles = t->quantiles == NULL ? 0 : n;
}

static void
print_timer(struct flush *f, struct merged_key *k)
{
	struct merged_timer *t = k->timer;
	struct sorted s;
	double v[FIG_FIGURES];

	if (!gather(f->m, t, &s)) {
		print_idle(f);
		return;
	}
	remember(f, t, &s);
	print_percentiles(f, &s, t);
	v[FIG_SUM] = s.sum;
	v[FIG_SQUARES] = s.sum_squares;
	v[FIG_MEAN] = s.sum / (double)s.n;
	v[FIG_STD] = deviation(&s, v[FIG_MEAN]);
	v[FIG_UPPER] = kth(&s, s.n);
	v[FIG_LOWER] = kth(&s, 1);
	v[FIG_COUNT] = t->true_count;
	v[FIG_COUNT_PS] = t->true_count / f->seconds;
	v[FIG_MEDIAN] = median(&s);
	if (t->quantiles != NULL)
		t->quantiles[f->plan->npercentiles] = v[FIG_MEDIAN];
	print_figures(f, v);
	print_histogram(f, &s, key_name(k));
}

/* Ready for the next interval.  An array that nobody filled is let go. */
static void
reset_timer(struct merged_timer *t)
{
	if (t->samples.n == 0)
		samples_fini(&t->samples);
	t->samples.n = 0;
	t->true_count = 0;
	if (t->sketch == NULL)
		return;
	if (t->sketch->n == 0) {
		sketch_fini(t->sketch);
		free(t->sketch);
		t->sketch = NULL;
	} else {
		sketch_clear(t->sketch);
	}
}

/* ---- the other groups ---- */

static void
print_counter(struct flush *f, struct merged_key *k)
{
	const struct flush_plan *p = f->plan;
	double v = k->counter.value;

	print(f, p->rate_pre, p->rate_post, v == 0 ? v : v / f->seconds);
	if (p->flush_counts)
		print(f, p->count_pre, p->count_post, v);
	if (v > 0)
		k->counter.total += v;
}

static void
print_gauge(struct flush *f, struct merged_key *k)
{
	k->gauge.value = gauge_now(k);
	k->gauge.delta = 0;
	k->flags &= (uint8_t)~KEY_SET_NOW;
	print(f, f->plan->gauge_pre, f->plan->suffix, k->gauge.value);
}

static void
print_set(struct flush *f, struct merged_key *k)
{
	struct merged_members *s = k->members;

	s->last = member_set_count(&s->set);
	s->last_flush = f->m->classes[f->class_].flushes;
	f->m->stats.sets_estimated += !member_set_is_exact(&s->set);
	print(f, f->plan->set_pre, f->plan->set_post, s->last);
}

static void
print_kv(struct flush *f, struct merged_key *k)
{
	uint32_t i;

	for (i = k->kv.n; i > 0; i--)
		print(f, f->plan->kv_pre, f->plan->suffix, k->kv.v[i - 1]);
}

/* After its lines: zero it.  true: idle deletion takes it instead. */
static bool
finish(const struct flush_plan *p, struct merged_key *k)
{
	bool remove = p->remove[k->group];

	switch ((enum merged_group)k->group) {
	case MERGED_COUNTER:
		k->counter.value = 0;
		return remove && !(k->flags & KEY_KEPT);
	case MERGED_GAUGE:
		if (k->ttl > 0)
			k->ttl--;
		return remove && k->ttl == 0 && !(k->flags & KEY_LASTING);
	case MERGED_TIMER:
		reset_timer(k->timer);
		return remove;
	case MERGED_SET:
		member_set_clear(&k->members->set);
		return remove;
	default:
		return remove;
	}
}

static void
flush_group(struct flush *f, enum merged_group group, char **dirty)
{
	static void (*const printers[MERGED_GROUPS])(struct flush *,
	    struct merged_key *) = {
		print_counter, print_timer, print_gauge, print_set, print_kv
	};
	struct key_cursor c = { .class_ = f->class_, .last = f->class_ };
	struct merged_key *k;

	while ((k = merged_each(f->m, group, &c)) != NULL) {
		if (k->class_ != f->class_) {
			merged_take(f->m, &c);
			merged_append(f->m, k);
			continue;
		}
		take_up(f, key_name(k), k->dest_mask, dirty);
		printers[group](f, k);
		k->flags |= KEY_FLUSHED;
		if (finish(f->plan, k)) {
			merged_take(f->m, &c);
			merged_absent(f->m, k);
		}
	}
}

/* ---- the reference about itself ---- */

static void
set_lag(struct merged *m, int64_t ts)
{
	const struct flush_plan *p = m->plan;

	if (m->last_ts != 0 && m->lag == NULL) {
		m->lag = merged_get_reserved(m, MERGED_GAUGE, p->lag,
		    p->internal_mask, 0);
		if (m->lag != NULL) {
			m->lag->flags |= KEY_LASTING;
			merged_link(m->lag);
		}
	}
	if (m->lag != NULL)
		merged_gauge(m, m->lag, true,
		    (double)(ts - m->last_ts) - p->seconds[0], 0, UINT64_MAX);
	m->last_ts = ts;
}

static double
num_stats(const struct merged *m)
{
	return (double)(m->present[MERGED_COUNTER] + m->present[MERGED_TIMER] +
	    m->present[MERGED_GAUGE] + m->present[MERGED_SET]);
}

static void
set_ts(struct flush *f, int64_t ts)
{
	f->ts[0] = ' ';
	f->nts = 1 + put_number(f->ts + 1, (double)ts);
	f->ts[f->nts++] = '\n';
}

/* Points with a time of their own. */
static void
print_timed(struct flush *f, char **dirty)
{
	const struct flush_plan *p = f->plan;

	for (uint32_t i = 0; i < f->m->ntimed; i++) {
		const struct timed_point *t = &f->m->timed[i];
		double v = t->value;

		set_ts(f, t->time_s);
		take_up(f, slice_of(t->name, t->name_len), t->dest_mask,
		    dirty);
		if (t->group == MERGED_GAUGE) {
			print(f, p->gauge_pre, p->suffix, v);
			continue;
		}
		print(f, p->rate_pre, p->rate_post, v == 0 ? v :
		    v / f->seconds);
		if (p->flush_counts)
			print(f, p->count_pre, p->count_post, v);
	}
	merged_timed_clear(f->m);
}

static void
print_internals(struct flush *f, const struct flush_internal *in,
    double num)
{
	const double v[PLAN_INTERNALS] = {
		num, in->calculation_ms, in->processing_ms, in->last_exception,
		in->last_flush, in->flush_time, in->flush_length
	};
	unsigned i, n = in->graphite_stats ? PLAN_INTERNALS :
	    PLAN_LAST_EXCEPTION;

	f->body = f->tags = slice_of("", 0);
	f->mask = f->plan->internal_mask;
	for (i = 0; i < n; i++) {
		if (i == PLAN_LAST_EXCEPTION && in->graphite_ts != 0)
			set_ts(f, in->graphite_ts);
		print(f, f->plan->internals[i], f->body, v[i]);
	}
}

void
merged_flush(struct merged *m, unsigned class_, int64_t now_ms,
    const struct flush_internal *internal, const struct flush_sink *sink)
{
	/* Math.round() of seconds, also before 1970 */
	int64_t ts = (now_ms + 500 - ((now_ms + 500) % 1000 + 1000) % 1000) /
	    1000;
	struct flush f = { .m = m, .plan = m->plan, .sink = sink,
	    .class_ = class_ };
	char *dirty = NULL;
	double num;
	unsigned g;

	if (class_ >= m->plan->nclasses)
		return;
	f.seconds = m->plan->seconds[class_];
	m->classes[class_].flushes++;
	if (internal != NULL) {
		merged_counter(m, m->bad_lines, internal->bad_lines);
		merged_counter(m, m->packets, internal->packets);
		merged_counter(m, m->metrics, internal->metrics);
		set_lag(m, ts);
	}
	num = num_stats(m);
	set_ts(&f, ts);
	for (g = 0; g < MERGED_GROUPS; g++)
		flush_group(&f, (enum merged_group)g, &dirty);
	if (class_ == 0 && m->ntimed > 0) {
		print_timed(&f, &dirty);
		set_ts(&f, ts);
	}
	free(dirty);
	if (internal != NULL)
		print_internals(&f, internal, num);
}
