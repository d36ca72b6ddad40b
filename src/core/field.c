/* field.c - what a record says under the name that an expression has for it. */
#include "config.h"

#include <stdio.h>

#include "core/field.h"

bool
field_tag(const struct metric_record *m, struct slice key, struct slice *value)
{
	char between = m->tag_style == TAGS_GRAPHITE ? ';' : ',';
	char equals = m->tag_style == TAGS_DOGSTATSD ? ':' : '=';
	struct slice rest = m->tags;

	while (m->tag_style != TAGS_NONE && rest.len > 0) {
		struct slice v = slice_cut(&rest, between), k = slice_cut(&v, equals);

		if (!slice_eq(k, key))
			continue;
		*value = v;
		return true;
	}
	return false;
}

/* Cut a quoted value off the front of *s, which begins behind the quote. */
static bool
cut_quoted(struct slice *s, struct slice *raw)
{
	for (size_t i = 0; i < s->len; i++) {
		if (s->ptr[i] == '\\') {
			i++;
		} else if (s->ptr[i] == '"') {
			*raw = slice_upto(*s, i);
			*s = slice_from(*s, i + 1);
			return true;
		}
	}
	return false;
}

/* Does a parameter of element id answer to key? */
static bool
is_param(struct slice key, struct slice id, struct slice name)
{
	if (slice_eq(key, name))
		return true;
	return key.len == id.len + 1 + name.len && slice_starts(key, id) &&
	    key.ptr[id.len] == '.' && slice_eq(slice_from(key, id.len + 1), name);
}

/* Where a SD-NAME ends. */
static size_t
name_end(struct slice s)
{
	size_t i = 0;

	while (i < s.len && s.ptr[i] != ' ' && s.ptr[i] != ']' && s.ptr[i] != '=' &&
	    s.ptr[i] != '"')
		i++;
	return i;
}

bool
field_sd_param(struct slice sd, struct slice key, struct slice *raw)
{
	struct slice id, name, value;

	while (sd.len > 0 && sd.ptr[0] == '[') {
		sd = slice_from(sd, 1);
		id = slice_upto(sd, name_end(sd));
		sd = slice_from(sd, id.len);
		while (sd.len > 0 && sd.ptr[0] == ' ') {
			sd = slice_from(sd, 1);
			name = slice_upto(sd, name_end(sd));
			sd = slice_from(sd, name.len);
			if (!slice_starts(sd, SLICE("=\"")))
				return false;
			sd = slice_from(sd, 2);
			if (!cut_quoted(&sd, &value))
				return false;
			if (is_param(key, id, name)) {
				*raw = value;
				return true;
			}
		}
		if (sd.len == 0 || sd.ptr[0] != ']')
			return false;
		sd = slice_from(sd, 1);
	}
	return false;
}

static bool
keep(struct field_scratch *s, const char *bytes, size_t n)
{
	if (n > FIELD_SCRATCH - s->used)
		return false;
	memcpy(s->bytes + s->used, bytes, n);
	s->used += n;
	return true;
}

/* RFC 5424, 6.3.3: a backslash hides a quote, a bracket and itself. */
static bool
unescape(struct slice raw, struct field_scratch *s, struct slice *text)
{
	size_t from = s->used;

	if (slice_find(raw, '\\') == raw.len) {
		*text = raw;
		return true;
	}
	for (size_t i = 0; i < raw.len; i++) {
		if (raw.ptr[i] == '\\' && i + 1 < raw.len &&
		    memchr("\"\\]", raw.ptr[i + 1], 3) != NULL)
			i++;
		if (!keep(s, &raw.ptr[i], 1)) {
			s->used = from;
			return false;
		}
	}
	*text = slice_of(s->bytes + from, s->used - from);
	return true;
}

static bool
flag_names(uint32_t flags, struct field_scratch *s, struct slice *text)
{
	size_t from = s->used;
	const char *name;

	for (unsigned i = 0; (name = log_flag_name(i)) != NULL; i++) {
		if ((flags & 1u << i) == 0)
			continue;
		if ((s->used > from && !keep(s, ",", 1)) || !keep(s, name, strlen(name))) {
			s->used = from;
			return false;
		}
	}
	*text = slice_of(s->bytes + from, s->used - from);
	return text->len > 0;
}

static bool
some(struct slice s, struct slice *text)
{
	*text = s;
	return s.len > 0;
}

/* What stands behind the name of the line that a point is sent on as. */
static bool
point_data(const struct record *r, struct field_scratch *s, struct slice *text)
{
	const struct metric_record *m = &r->metric;
	size_t from = s->used;
	char time[24];
	int n = snprintf(time, sizeof time, " %lld",
	    (long long)(r->time_ns / 1000000000));

	if (m->type != METRIC_POINT || !keep(s, m->text.ptr, m->text.len) ||
	    !keep(s, time, (size_t)n)) {
		s->used = from;
		return false;
	}
	*text = slice_of(s->bytes + from, s->used - from);
	return true;
}

static bool
metric_text(const struct metric_record *m, enum expr_field f, struct slice key,
    struct slice *text)
{
	switch (f) {
	case EXPR_NAME:
		return some(m->name, text);
	case EXPR_VALUE:
		return some(m->text, text);
	case EXPR_TYPE:
		return some(slice_str(metric_type_name(m->type)), text);
	case EXPR_TAG:
		return field_tag(m, key, text);
	default:
		return false;
	}
}

static bool
event_text(const struct event_record *e, enum expr_field f, struct slice key,
    struct slice *text)
{
	if (f == EXPR_STREAM)
		return some(e->stream, text);
	if (f == EXPR_ID)
		return some(e->id, text);
	for (size_t i = 0; f == EXPR_FIELD && i < e->nfields; i++) {
		if (slice_eq(e->fields[i].key, key)) {
			*text = e->fields[i].value;
			return true;
		}
	}
	return false;
}

static bool
log_text(const struct log_record *l, enum expr_field f, struct slice key,
    struct field_scratch *scratch, struct slice *text)
{
	struct slice raw;

	switch (f) {
	case EXPR_HOST:
		return some(l->host, text);
	case EXPR_APP:
		return some(l->app, text);
	case EXPR_PROCID:
		return some(l->procid, text);
	case EXPR_MSGID:
		return some(l->msgid, text);
	case EXPR_BODY:
		return some(l->body, text);
	case EXPR_SEVERITY:
		return some(slice_str(severity_name(l->severity)), text);
	case EXPR_FACILITY:
		return some(slice_str(facility_name(l->facility)), text);
	case EXPR_FLAGS:
		return flag_names(l->flags, scratch, text);
	case EXPR_FIELD:
		return field_sd_param(l->sd, key, &raw) && unescape(raw, scratch, text);
	default:
		return false;
	}
}

bool
field_text(const struct record *r, enum expr_field f, struct slice key,
    struct field_scratch *scratch, struct slice *text)
{
	if (f == EXPR_KIND)
		return some(slice_str(record_kind_name(r->kind)), text);
	if (f == EXPR_SOURCE)
		return some(slice_str(record_source_name(r->source)), text);
	if (f == EXPR_PEER)
		return some(r->peer, text);
	switch (r->kind) {
	case RECORD_METRIC:
		return f == EXPR_DATA ? point_data(r, scratch, text) :
		    metric_text(&r->metric, f, key, text);
	case RECORD_EVENT:
		return event_text(&r->event, f, key, text);
	case RECORD_LOG:
		return log_text(&r->log, f, key, scratch, text);
	default:
		return false;
	}
}

bool
field_number(const struct record *r, enum expr_field f, double *v)
{
	if (f == EXPR_KIND)
		*v = r->kind;
	else if (f == EXPR_SOURCE)
		*v = r->source;
	else if (r->kind == RECORD_METRIC && f == EXPR_TYPE)
		*v = r->metric.type;
	else if (r->kind == RECORD_METRIC && f == EXPR_VALUE && r->metric.type != METRIC_SET)
		*v = r->metric.value;
	else if (r->kind == RECORD_LOG && f == EXPR_SEVERITY)
		*v = r->log.severity;
	else if (r->kind == RECORD_LOG && f == EXPR_FACILITY)
		*v = r->log.facility;
	else
		return false;
	return true;
}
