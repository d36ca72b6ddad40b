/* Any bytes as a StatsD packet, read both ways: it ends, what it gives lies
 * within the packet or is ours, numbers are what the header says, every name
 * can be written within its bound, and the two readers of lines, the quick and
 * the full, say the same. */
#include "config.h"

#include <assert.h>
#include <math.h>
#include <stdint.h>
#include <stdlib.h>

#include "base/number.h"
#include "proto/statsd.h"
#include "proto/statsd_line.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static bool
within(struct slice s, const uint8_t *data, size_t size)
{
	return s.len == 0 || ((const uint8_t *)s.ptr >= data &&
	    (const uint8_t *)s.ptr + s.len <= data + size);
}

static void
write_name(const struct metric_record *m, unsigned bits)
{
	const struct statsd_name_options o = {
		.sanitize = bits & 1, .dialects = bits & 2,
		.sort_tags = bits & 4, .legal_tags = bits & 8
	};
	struct buf out = BUF_INIT((m->name.len + m->tags.len) * 12 + 64);

	if (statsd_name(&out, m, &o))
		assert(o.legal_tags ||
		    out.len <= m->name.len + m->tags.len + 1);
	else
		assert(out.len == 0);
	buf_fini(&out);
}

static void
check_metric(const struct record *r, bool strict, const uint8_t *data,
    size_t size)
{
	const struct metric_record *m = &r->metric;
	char text[NUMBER_TEXT];
	double back;

	assert(within(m->name, data, size) && within(m->tags, data, size));
	assert(within(m->text, data, size) || slice_eq(m->text, SLICE("0")));
	assert(m->tags.len == 0 || m->tag_style != TAGS_NONE);
	assert(m->rate > 0 && isfinite(m->rate) && isfinite(1 / m->rate));
	assert(!isnan(m->value) && r->time_ns >= 0);
	assert(strict || (isfinite(m->value) && m->name.len > 0) ||
	    m->tag_style >= TAGS_GRAPHITE);
	number_format_js(text, m->value);
	assert(number_js(slice_str(text), &back) && back == m->value);
	for (unsigned bits = 0; bits < 16; bits++)
		write_name(m, bits);
}

static void
read_packet(const uint8_t *data, size_t size, const struct statsd_options *o)
{
	struct statsd_parser p;
	struct record r = { .kind = RECORD_KINDS };
	enum statsd_result what;
	enum reason why;
	size_t steps = 0;

	statsd_begin(&p, slice_of((const char *)data, size), o);
	while ((what = statsd_next(&p, &r, &why)) != STATSD_END) {
		assert(++steps <= size);
		if (what == STATSD_BAD) {
			assert(why != REASON_NONE && p.bad.len > 0);
			assert(within(p.bad, data, size));
		} else if (what == STATSD_METRIC) {
			check_metric(&r, o->strict, data, size);
		} else {
			assert(!o->strict && r.event.nfields >= 2);
			for (size_t i = 0; i < r.event.nfields; i++)
				assert(within(r.event.fields[i].value, data,
				    size));
		}
	}
	assert(p.lines <= size);
}

static bool
same_metric(const struct record *a, const struct record *b)
{
	const struct metric_record *x = &a->metric, *y = &b->metric;

	return a->time_ns == b->time_ns && x->type == y->type &&
	    x->tag_style == y->tag_style && slice_eq(x->name, y->name) &&
	    slice_eq(x->tags, y->tags) && slice_eq(x->text, y->text) &&
	    (x->type == METRIC_SET ||
	    (memcmp(&x->value, &y->value, sizeof x->value) == 0 &&
	    memcmp(&x->rate, &y->rate, sizeof x->rate) == 0));
}

/* One line, read from a packet that has no other, and by the full reader
 * alone. */
static void
compare(struct slice packet, struct slice line, const struct statsd_options *o)
{
	struct statsd_parser p, full;
	struct record r, other;
	enum statsd_result what, same;
	enum reason why, reason;

	statsd_begin(&p, packet, o);
	statsd_begin(&full, line, o);
	if (!o->strict && line.ptr[line.len - 1] == '\r')
		line.len--;
	if (line.len == 0 || (!o->strict && (statsd_is_event(line) ||
	    statsd_is_check(line))))
		return;
	statsd_line_begin(&full, line);
	do {
		what = statsd_next(&p, &r, &why);
		same = statsd_line_next(&full, &other, &reason);
		assert(what == same);
		assert(what != STATSD_BAD || why == reason);
		assert(what != STATSD_METRIC || same_metric(&r, &other));
	} while (what != STATSD_END);
}

/* With room behind it lines are read more quickly. */
static void
compare_roomy(struct slice line, const struct statsd_options *o)
{
	size_t room = 64;
	char *roomy = malloc(line.len + room);

	assert(roomy != NULL);
	memcpy(roomy, line.ptr, line.len);
	memset(roomy + line.len, '\n', room);
	compare(slice_of(roomy, line.len + room), slice_of(roomy, line.len),
	    o);
	free(roomy);
}

static void
compare_lines(const uint8_t *data, size_t size, const struct statsd_options *o)
{
	struct slice left = slice_of((const char *)data, size);

	while (left.ptr != NULL) {
		struct slice line = slice_cut(&left, '\n');

		if (line.len > 0) {
			compare(line, line, o);
			compare_roomy(line, o);
		}
	}
}

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct statsd_options o = statsd_defaults;

	read_packet(data, size, &o);
	compare_lines(data, size, &o);
	o.unknown_types_are_counters = false;
	o.max_name = 20;
	read_packet(data, size, &o);
	o = statsd_defaults;
	o.strict = true;
	read_packet(data, size, &o);
	compare_lines(data, size, &o);
	return 0;
}
