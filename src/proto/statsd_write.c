/* statsd_write.c - a sample as a line again, as near to the one it came in as
 * can be: one value, the type, rate and fields as they were sent. */
#include "config.h"

#include <stdio.h>

#include "base/number.h"
#include "proto/statsd.h"

#define RATE_DIGITS 30

/* As digits and a point, which is what all read. */
static bool
add_rate(struct buf *out, double rate)
{
	char text[NUMBER_TEXT], digits[400];
	size_t n = number_format_js(text, rate);
	int m;

	if (rate == 1)
		return true;
	if (memchr(text, 'e', n) == NULL)
		return buf_adds(out, "|@") && buf_add(out, text, n);
	m = snprintf(digits, sizeof digits, "|@%.*f", RATE_DIGITS, rate);
	return m > 0 && buf_add(out, digits, (size_t)m);
}

static const char *
type_text(enum metric_type type)
{
	switch (type) {
	case METRIC_TIMER:
		return "|ms";
	case METRIC_GAUGE:
	case METRIC_GAUGE_DELTA:
		return "|g";
	case METRIC_SET:
		return "|s";
	case METRIC_KEY_VALUE:
		return "|kv";
	default:
		return "|c";
	}
}

/* A blank keeps the sign of an absolute gauge from being a change; a change
 * has one always. */
static bool
add_number(struct buf *out, const struct metric_record *m)
{
	char text[NUMBER_TEXT];
	size_t n = number_format_js(text, m->value);

	if (m->type == METRIC_GAUGE && text[0] == '-' && !buf_addc(out, ' '))
		return false;
	if (m->type == METRIC_GAUGE_DELTA && text[0] != '-' &&
	    !buf_addc(out, '+'))
		return false;
	return buf_add(out, text, n);
}

/* Of a record that was no line. */
static bool
add_said(struct buf *out, const struct metric_record *m)
{
	bool ok = m->type == METRIC_SET ? buf_add_slice(out, m->text) :
	    add_number(out, m);

	return ok && buf_adds(out, type_text(m->type)) &&
	    add_rate(out, m->rate);
}

static bool
within(struct slice part, struct slice whole)
{
	return (uintptr_t)part.ptr >= (uintptr_t)whole.ptr &&
	    (uintptr_t)part.ptr < (uintptr_t)(whole.ptr + whole.len);
}

bool
statsd_write(struct buf *out, const struct metric_record *m,
    struct slice name, struct slice group)
{
	bool tags = m->tag_style == TAGS_DOGSTATSD && m->tags.len > 0 &&
	    (group.ptr == NULL || !within(m->tags, group));

	return buf_add_slice(out, name) && buf_addc(out, ':') &&
	    (group.ptr == NULL ? add_said(out, m) :
	    buf_add_slice(out, m->text) && buf_add_slice(out, group)) &&
	    (!tags || (buf_adds(out, "|#") && buf_add_slice(out, m->tags))) &&
	    buf_addc(out, '\n');
}
