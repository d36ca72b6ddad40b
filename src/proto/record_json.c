/* record_json.c - any record as a line of JSON. */
#include "config.h"

#include <math.h>
#include <stdio.h>

#include "base/number.h"
#include "proto/log_text.h"
#include "proto/record_json.h"

bool
record_json_string(struct buf *out, struct slice s)
{
	bool bad = false;

	return log_text_json(out, s, &bad);
}

static bool
put_key(struct buf *out, const char *key)
{
	return buf_printf(out, ",\"%s\":", key);
}

static bool
put_field(struct buf *out, const char *key, struct slice s)
{
	return put_key(out, key) && record_json_string(out, s);
}

static bool
put_number(struct buf *out, const char *key, double v)
{
	char text[NUMBER_TEXT];

	number_format_js(text, v);
	if (!put_key(out, key))
		return false;
	return isfinite(v) ? buf_adds(out, text) :
	    record_json_string(out, slice_str(text));
}

/* Seconds, with as much of a fraction as there is. */
static bool
put_time(struct buf *out, int64_t ns)
{
	int64_t s = ns / 1000000000, rest = ns % 1000000000;
	char text[16];
	size_t n;

	if (ns == 0)
		return true;
	if (rest < 0) {		/* before 1970; the parsers refuse it */
		s--;
		rest += 1000000000;
	}
	n = (size_t)snprintf(text, sizeof text, ".%09d", (int)rest);
	while (n > 0 && (text[n - 1] == '0' || text[n - 1] == '.'))
		n--;
	if (rest == 0)
		n = 0;
	return put_key(out, "time") && buf_add_i64(out, s) &&
	    buf_add(out, text, n);
}

static bool
put_tags(struct buf *out, const struct metric_record *m)
{
	char between = m->tag_style == TAGS_GRAPHITE ? ';' : ',';
	char equals = m->tag_style == TAGS_DOGSTATSD ? ':' : '=';
	struct slice rest = m->tags;
	bool any = false;

	while (m->tag_style != TAGS_NONE && rest.len > 0) {
		struct slice value = slice_cut(&rest, between);
		struct slice key = slice_cut(&value, equals);

		if (key.len == 0)
			continue;
		if (!buf_adds(out, any ? "," : ",\"tags\":{") ||
		    !record_json_string(out, key) || !buf_addc(out, ':') ||
		    !record_json_string(out, value))
			return false;
		any = true;
	}
	return !any || buf_addc(out, '}');
}

static bool
put_metric(struct buf *out, const struct record *r)
{
	const struct metric_record *m = &r->metric;

	return put_field(out, "name", m->name) && put_tags(out, m) &&
	    put_field(out, "type", slice_str(metric_type_name(m->type))) &&
	    (m->type == METRIC_SET ? put_field(out, "value", m->text) :
	    put_number(out, "value", m->value)) &&
	    (m->rate == 1 || m->rate == 0 ||
	    put_number(out, "rate", m->rate));
}

static bool
put_event(struct buf *out, const struct record *r)
{
	const struct event_record *e = &r->event;

	if (!put_field(out, "stream", e->stream) ||
	    (e->id.len > 0 && !put_field(out, "id", e->id)) ||
	    !buf_adds(out, ",\"fields\":["))
		return false;
	for (size_t i = 0; i < e->nfields; i++)
		if (!buf_adds(out, i > 0 ? ",[" : "[") ||
		    !record_json_string(out, e->fields[i].key) ||
		    !buf_addc(out, ',') ||
		    !record_json_string(out, e->fields[i].value) ||
		    !buf_addc(out, ']'))
			return false;
	return buf_addc(out, ']');
}

static bool
put_log(struct buf *out, const struct record *r, struct log_clock *clock)
{
	if (!log_line_write(LOG_FORMAT_JSON, r, clock, out))
		return false;
	out->len--;		/* its line end */
	return true;
}

bool
record_json(struct buf *out, const struct record *r, struct log_clock *clock)
{
	size_t before = out->len;

	if (r->kind == RECORD_LOG)
		return put_log(out, r, clock);
	if (buf_printf(out, "{\"kind\":\"%s\",\"source\":\"%s\"",
	    record_kind_name(r->kind), record_source_name(r->source)) &&
	    (r->kind == RECORD_METRIC ? put_metric(out, r) :
	    put_event(out, r)) && put_time(out, r->time_ns) &&
	    buf_addc(out, '}'))
		return true;
	out->len = before;
	return false;
}
