/* statsd_line.c - the StatsD line in full: several values, packed values,
 * fields in any order, blanks, odd types and odd numbers.
 *
 * A line is a name and groups.  A group is one or more values, a type and its
 * fields; it is taken apart when its first value is asked for.  Under
 * options.strict a group is what the reference calls a bit: one value. */
#include "config.h"

#include <math.h>

#include "base/number.h"
#include "proto/statsd_line.h"

static const struct slice none = { NULL, 0 };

/* The whole line is bad, once. */
static void
refuse_line(struct statsd_parser *p, enum reason why)
{
	p->rest = none;
	p->values = slice_of(p->line.ptr, 0);
	p->group = (struct statsd_group){ .bad = why };
}

/* Where "|#" first stands in s, or s.len. */
static size_t
find_tags(struct slice s)
{
	size_t from = 0, at;

	for (; from < s.len; from += at + 1) {
		at = slice_find(slice_from(s, from), '#');
		if (from + at == s.len)
			break;
		if (from + at > 0 && s.ptr[from + at - 1] == '|')
			return from + at - 1;
	}
	return s.len;
}

/* The tags behind line's first "|#"; what stands before them is *body. */
static struct slice
tags_of(const struct statsd_parser *p, struct slice line, struct slice *body)
{
	size_t at = find_tags(line);
	struct slice tags;

	*body = slice_upto(line, at);
	if (at == line.len)
		return none;
	tags = slice_from(line, at + 2);
	return slice_upto(tags, p->options->strict ? find_tags(tags) :
	    slice_find(tags, '|'));
}

/* Take the tags out of the name, unless there are others already. */
static void
split_name(struct statsd_parser *p)
{
	struct statsd_split s;

	p->tag_style = p->tags.len > 0 ? TAGS_DOGSTATSD : TAGS_NONE;
	if (p->options->strict || p->tags.len > 0)
		return;
	s = statsd_split_name(p->name);
	if (s.style == TAGS_NONE || s.after.len > 0)
		return;
	p->name = s.name;
	p->tags = s.tags;
	p->tag_style = s.style;
}

void
statsd_line_begin(struct statsd_parser *p, struct slice line)
{
	struct slice body;
	size_t colon;

	p->line = line;
	p->values = none;
	p->tags = tags_of(p, line, &body);
	colon = slice_find(body, ':');
	p->name = slice_upto(body, colon);
	p->rest = slice_from(p->options->strict ? body : line, colon + 1);
	if (colon == body.len)
		refuse_line(p, REASON_NO_VALUE);
	else if (colon == 0 && !p->options->strict)
		refuse_line(p, REASON_NO_NAME);
	else if (p->name.len + p->tags.len > p->options->max_name)
		refuse_line(p, REASON_TOO_LONG);
	split_name(p);
}

/* What the type's text says. */
static void
read_type(struct statsd_parser *p, struct slice text)
{
	static const struct {
		struct slice text;
		enum metric_type type;
		bool extended;		/* not known to the reference */
	} types[] = {
		{ SLICE("c"), METRIC_COUNTER, false },
		{ SLICE("ms"), METRIC_TIMER, false },
		{ SLICE("g"), METRIC_GAUGE, false },
		{ SLICE("s"), METRIC_SET, false },
		{ SLICE("h"), METRIC_TIMER, true },
		{ SLICE("d"), METRIC_TIMER, true },
		{ SLICE("kv"), METRIC_KEY_VALUE, true },
	};
	struct statsd_group *g = &p->group;
	struct slice trimmed = number_js_trim(text);

	/* the reference checks values by the type as it stands, and trims it
	 * only afterwards */
	g->any_text = slice_eq(text, SLICE("s"));
	g->not_negative = slice_eq(text, SLICE("ms"));
	for (size_t i = 0; i < sizeof types / sizeof types[0]; i++) {
		if (slice_eq(trimmed, types[i].text) &&
		    !(types[i].extended && p->options->strict)) {
			g->type = types[i].type;
			return;
		}
	}
	g->type = METRIC_COUNTER;
	if (!p->options->unknown_types_are_counters)
		g->bad = trimmed.len == 0 ? REASON_NO_TYPE : REASON_BAD_TYPE;
}

/* Of "1e-3" the reference sees the 1. */
static bool
strict_rate(struct slice s, double *rate)
{
	double number;
	size_t n = 0;

	if (!number_js(s, &number) || s.ptr[0] == '-')
		return false;
	while (n < s.len && ((s.ptr[n] >= '0' && s.ptr[n] <= '9') ||
	    s.ptr[n] == '.'))
		n++;
	return number_double(slice_upto(s, n), rate);
}

static bool
liberal_rate(struct slice s, double *rate)
{
	if (s.len == 0 || s.ptr[0] == '-' || s.ptr[0] == '+')
		return false;
	while (s.len > 0 && number_js_blank(slice_from(s, s.len - 1)) == 1)
		s.len--;
	return number_double(s, rate);
}

/* What stands behind the '@'.  Gauges and sets do not use it. */
static void
read_rate(struct statsd_parser *p, struct slice s)
{
	struct statsd_group *g = &p->group;
	double rate;

	if (p->options->strict ? !strict_rate(s, &rate) :
	    !liberal_rate(s, &rate)) {
		g->bad = REASON_BAD_RATE;
		return;
	}
	if (isfinite(rate) && isfinite(1 / rate))
		g->rate = rate;
	else if (g->type != METRIC_GAUGE && g->type != METRIC_SET)
		g->bad = REASON_BAD_RATE;
}

bool
statsd_time(struct slice s, int64_t *time_ns)
{
	uint64_t seconds;

	if (!number_u64(s, &seconds) || seconds == 0 ||
	    seconds > INT64_MAX / 1000000000)
		return false;
	*time_ns = (int64_t)seconds * 1000000000;
	return true;
}

/* Whether the n-th field is read over up to its '|', ':' and all: tags, the
 * names of a sender's container, and what later versions may bring, but for
 * the first field, where the reference wants to see a rate. */
static bool
is_skipped(struct slice s, unsigned n)
{
	if (s.len == 0)
		return false;
	if (n > 0)
		return s.ptr[0] != '@' && s.ptr[0] != 'T';
	return s.ptr[0] == '#' || slice_starts(s, SLICE("c:")) ||
	    slice_starts(s, SLICE("e:")) || slice_starts(s, SLICE("card:"));
}

/* Cut *s before its first '|' or ':', and answer which, 0 at the end. */
static char
cut_field(struct slice *s, struct slice *field)
{
	size_t n = 0;
	char by;

	while (n < s->len && s->ptr[n] != '|' && s->ptr[n] != ':')
		n++;
	*field = slice_upto(*s, n);
	by = n < s->len ? s->ptr[n] : '\0';
	*s = slice_from(*s, n + 1);
	return by;
}

/* One field of a group, the n-th behind the type; answers what follows it. */
static char
read_field(struct statsd_parser *p, struct slice *s, unsigned n, bool *rated)
{
	struct slice field;
	char by;

	if (is_skipped(*s, n)) {
		field = slice_upto(*s, slice_find(*s, '|'));
		by = field.len < s->len ? '|' : '\0';
		*s = slice_from(*s, field.len + 1);
		return by;
	}
	by = cut_field(s, &field);
	if (field.len > 0 && field.ptr[0] == '@') {
		if (!*rated)
			read_rate(p, slice_from(field, 1));
		*rated = true;
	} else if (field.len > 0 && field.ptr[0] == 'T') {
		if (!statsd_time(slice_from(field, 1), &p->group.time_ns))
			p->group.bad = REASON_BAD_TIME;
	} else if (n == 0) {
		p->group.bad = REASON_BAD_FIELDS;
	}
	return by;
}

static void
next_group(struct statsd_parser *p)
{
	struct slice s = p->rest, type;
	size_t bar = slice_find(s, '|');
	bool rated = false;
	char by;

	p->values = slice_upto(s, bar);
	p->rest = none;
	p->group = (struct statsd_group){ .rate = 1 };
	if (bar == s.len || (s.len > bar + 1 && s.ptr[bar + 1] == '#')) {
		p->group.bad = REASON_NO_TYPE;
		return;
	}
	s = slice_from(s, bar + 1);
	by = cut_field(&s, &type);
	read_type(p, type);
	for (unsigned n = 0; by == '|'; n++)
		by = read_field(p, &s, n, &rated);
	if (by == ':')
		p->rest = s;
}

/* Where what belongs to a value ends, of the bytes from its '|' to the end of
 * its line. */
static size_t
group_len(struct slice s, bool strict)
{
	struct slice rest = slice_from(s, 1), field;
	char by;

	if (strict) {
		size_t colon = slice_find(s, ':'), tags = find_tags(s);

		return colon < tags ? colon : tags;
	}
	by = cut_field(&rest, &field);
	for (unsigned n = 0; by == '|'; n++) {
		if (is_skipped(rest, n)) {
			field = slice_upto(rest, slice_find(rest, '|'));
			by = field.len < rest.len ? '|' : '\0';
			rest = slice_from(rest, field.len + 1);
		} else {
			by = cut_field(&rest, &field);
		}
	}
	return by == ':' ? s.len - rest.len - 1 : s.len;
}

struct slice
statsd_group_of(struct slice packet, struct slice value, bool strict)
{
	const char *end = packet.ptr + packet.len, *at = value.ptr + value.len;
	struct slice s;

	if ((uintptr_t)value.ptr < (uintptr_t)packet.ptr ||
	    (uintptr_t)at >= (uintptr_t)end)
		return none;
	s = slice_of(at, (size_t)(end - at));
	s = slice_upto(s, slice_find(s, '\n'));
	while (s.len > 0 && s.ptr[s.len - 1] == '\r')
		s.len--;
	s = slice_from(s, slice_find(s, '|'));	/* past packed values */
	return s.len == 0 ? none : slice_upto(s, group_len(s, strict));
}

/* The reference's: "value|type|@rate", whatever follows, up to a ':'. */
static void
next_bit(struct statsd_parser *p)
{
	struct slice s = slice_cut(&p->rest, ':');

	p->group = (struct statsd_group){ .rate = 1 };
	p->values = slice_cut(&s, '|');
	if (s.ptr == NULL) {
		p->group.bad = REASON_NO_TYPE;
		return;
	}
	read_type(p, slice_cut(&s, '|'));
	if (s.ptr == NULL)
		return;
	s = slice_cut(&s, '|');
	if (s.len > 0 && s.ptr[0] == '@')
		read_rate(p, slice_from(s, 1));
	else
		p->group.bad = REASON_BAD_FIELDS;
}

/* What is wrong with the value, or REASON_NONE and its number. */
static enum reason
judge(const struct statsd_parser *p, struct slice value, double *number)
{
	const struct statsd_group *g = &p->group;

	*number = 0;
	if (g->bad != REASON_NONE)
		return g->bad == REASON_NO_TYPE && value.len == 0 ?
		    REASON_NO_VALUE : g->bad;
	if (g->any_text)
		return REASON_NONE;
	if (value.len == 0)
		return REASON_NO_VALUE;
	if (!number_js(value, number))
		return REASON_BAD_VALUE;
	if (!isfinite(*number) && !p->options->strict)
		return REASON_NOT_A_NUMBER;
	return g->not_negative && *number < 0 ? REASON_BAD_VALUE : REASON_NONE;
}

static void
fill(const struct statsd_parser *p, struct slice value, double number,
    struct record *r)
{
	struct metric_record *m = &r->metric;

	r->kind = RECORD_METRIC;
	r->source = SOURCE_STATSD;
	r->time_ns = p->group.time_ns;
	m->type = p->group.type;
	m->tag_style = p->tag_style;
	m->name = p->name;
	m->tags = p->tags;
	m->text = value;
	m->value = number;
	m->rate = p->group.rate;
	if (m->type == METRIC_GAUGE && (value.ptr[0] == '-' ||
	    value.ptr[0] == '+'))
		m->type = METRIC_GAUGE_DELTA;
	if (m->type == METRIC_SET && value.len == 0)
		m->text = SLICE("0");
}

enum statsd_result
statsd_line_next(struct statsd_parser *p, struct record *r, enum reason *why)
{
	struct slice value;
	double number;

	if (p->values.ptr == NULL) {
		if (p->rest.ptr == NULL)
			return STATSD_END;
		if (p->options->strict)
			next_bit(p);
		else
			next_group(p);
	}
	if (p->group.any_text) {
		value = p->values;
		p->values = none;
	} else {
		value = slice_cut(&p->values, ':');
	}
	*why = judge(p, value, &number);
	if (*why != REASON_NONE) {
		p->bad = p->line;
		return STATSD_BAD;
	}
	fill(p, value, number, r);
	return STATSD_METRIC;
}
