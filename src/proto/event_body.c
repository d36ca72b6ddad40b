/* event_body.c - JSON and CloudEvents into events. */
#include "config.h"

#include "proto/event_body.h"
#include "proto/json_text.h"
#include "proto/xadd.h"

#define INDEX_MAX 21		/* "#" and a number */

/* ---- which kind it is ---- */

enum event_body
event_body_of(const struct http_request *r)
{
	static const struct { struct slice type; enum event_body body; } types[] = {
		{ SLICE("application/json"), EVENT_BODY_JSON },
		{ SLICE("text/json"), EVENT_BODY_JSON },
		{ SLICE("application/x-ndjson"), EVENT_BODY_LINES },
		{ SLICE("application/ndjson"), EVENT_BODY_LINES },
		{ SLICE("application/jsonl"), EVENT_BODY_LINES },
		{ SLICE("application/x-jsonlines"), EVENT_BODY_LINES },
		{ SLICE("application/json-lines"), EVENT_BODY_LINES },
		{ SLICE("application/cloudevents+json"), EVENT_BODY_CLOUD },
		{ SLICE("application/cloudevents-batch+json"), EVENT_BODY_CLOUDS },
	};
	struct slice type = http_header(r, SLICE("content-type"));

	if (type.ptr != NULL) {
		type = http_type(type);
		for (size_t i = 0; i < sizeof types / sizeof types[0]; i++)
			if (types[i].body >= EVENT_BODY_CLOUD &&
			    slice_eq_nocase(type, types[i].type))
				return types[i].body;
	}
	if (http_header(r, SLICE("ce-specversion")).ptr != NULL)
		return EVENT_BODY_CLOUD_BINARY;
	if (type.ptr == NULL)
		return EVENT_BODY_JSON;
	for (size_t i = 0; i < sizeof types / sizeof types[0]; i++)
		if (slice_eq_nocase(type, types[i].type))
			return types[i].body;
	return EVENT_BODY_NONE;
}

/* ---- one object ---- */

static struct slice
text_of(const struct json_value *v, struct event_list *out)
{
	if (v->type == JSON_TEXT_STRING)
		return json_text_of(v, &out->text);
	if (v->type == JSON_TEXT_NULL)
		return slice_of(v->raw.ptr, 0);
	return v->raw;
}

/* Fits a pid or iid as it is, or by its hash. */
static struct slice
short_name(struct slice s, struct event_list *out)
{
	char text[EVENT_HASH_TEXT];
	size_t before = out->text.len;

	if (s.len <= XADD_MAX_IID)
		return s;
	event_hash_text(event_hash_bytes(s), text);
	if (out->text.cap - before < sizeof text)
		return slice_of(NULL, 0);	/* not reserved: no dedup */
	buf_add(&out->text, text, sizeof text);
	return slice_of(out->text.data + before, sizeof text);
}

struct cloud {
	struct slice source, id, type, version;
};

static void
note(struct cloud *c, struct slice key, struct slice value)
{
	if (slice_eq(key, SLICE("source")))
		c->source = value;
	else if (slice_eq(key, SLICE("id")))
		c->id = value;
	else if (slice_eq(key, SLICE("type")))
		c->type = value;
	else if (slice_eq(key, SLICE("specversion")))
		c->version = value;
}

/* The attributes that the specification requires. */
static enum reason
cloud_end(const struct cloud *c, struct event_list *out)
{
	struct event_record *ev = event_list_last(out);

	if (c->source.len == 0 || c->id.len == 0 || c->type.len == 0 ||
	    c->version.len == 0)
		return REASON_BAD_FIELDS;
	if (!slice_starts(c->version, SLICE("1.")))
		return REASON_BAD_VALUE;
	ev->pid = short_name(c->source, out);
	ev->iid = short_name(c->id, out);
	if (ev->pid.len == 0 || ev->iid.len == 0)
		ev->pid = ev->iid = slice_of(NULL, 0);
	return REASON_NONE;
}

static enum reason
member(struct event_list *out, const struct json_value *key,
    const struct json_value *value, struct cloud *cloud)
{
	struct slice name = json_text_of(key, &out->text);
	struct slice text = text_of(value, out);

	if (cloud != NULL) {
		note(cloud, name, text);
		if (slice_eq(name, SLICE("data_base64"))) {
			size_t before = out->text.len;

			if (!http_base64(text, &out->text))
				return REASON_BAD_VALUE;
			name = SLICE("data");
			text = slice_of(out->text.data + before,
			    out->text.len - before);
		}
	}
	return event_list_field(out, name, text);
}

/* The object at the front of *in. */
static enum reason
object(struct slice *in, struct event_list *out, bool is_cloud)
{
	struct json_value key, value;
	struct cloud cloud = { { NULL, 0 }, { NULL, 0 }, { NULL, 0 }, { NULL, 0 } };
	bool first = true, end = false;
	enum reason r;

	if (!json_take_char(in, '{'))
		return REASON_SYNTAX;
	r = event_list_begin(out);
	while (r == REASON_NONE && !end) {
		r = json_member(in, first, &key, &value, &end);
		if (r == REASON_NONE && !end)
			r = member(out, &key, &value,
			    is_cloud ? &cloud : NULL);
		first = false;
	}
	if (r == REASON_NONE && event_list_last(out)->nfields == 0)
		r = REASON_EMPTY;
	if (r == REASON_NONE && is_cloud)
		r = cloud_end(&cloud, out);
	return r;
}

/* ---- a whole body ---- */

static enum reason
array(struct slice *in, struct event_list *out, bool is_cloud)
{
	enum reason r = REASON_NONE;

	json_take_char(in, '[');
	if (json_take_char(in, ']'))
		return REASON_EMPTY;
	do
		r = object(in, out, is_cloud);
	while (r == REASON_NONE && json_take_char(in, ','));
	if (r == REASON_NONE && !json_take_char(in, ']'))
		r = REASON_SYNTAX;
	return r;
}

static enum reason
json(struct slice body, struct event_list *out, bool is_cloud, bool must_array)
{
	enum reason r;

	json_blanks(&body);
	if (body.len == 0)
		return REASON_EMPTY;
	if (body.ptr[0] == '[' && (must_array || !is_cloud))
		r = array(&body, out, is_cloud);
	else
		r = must_array ? REASON_SYNTAX : object(&body, out, is_cloud);
	json_blanks(&body);
	if (r == REASON_NONE && body.len > 0)
		r = REASON_SYNTAX;
	return r;
}

static enum reason
lines(struct slice body, struct event_list *out)
{
	enum reason r = REASON_NONE;

	while (r == REASON_NONE && body.ptr != NULL) {
		struct slice line = slice_cut(&body, '\n');

		json_blanks(&line);
		if (line.len == 0)
			continue;
		r = object(&line, out, false);
		json_blanks(&line);
		if (r == REASON_NONE && line.len > 0)
			r = REASON_SYNTAX;
	}
	if (r == REASON_NONE && out->n == 0)
		r = REASON_EMPTY;
	return r;
}

/* A header's value, which may have %XX in it, and its name in lower case. */
static enum reason
attribute(const struct http_header *h, struct event_list *out,
    struct cloud *cloud)
{
	struct slice name = slice_from(h->name, 3);
	size_t before = out->text.len;
	struct slice key, value;

	for (size_t i = 0; i < name.len; i++)
		buf_addc(&out->text, name.ptr[i] >= 'A' && name.ptr[i] <= 'Z' ?
		    (char)(name.ptr[i] - 'A' + 'a') : name.ptr[i]);
	key = slice_of(out->text.data + before, out->text.len - before);
	before = out->text.len;
	if (!http_unescape(h->value, &out->text))
		return REASON_BAD_VALUE;
	value = slice_of(out->text.data + before, out->text.len - before);
	note(cloud, key, value);
	return event_list_field(out, key, value);
}

static enum reason
binary(const struct http_request *r, struct slice body, struct event_list *out)
{
	struct cloud cloud = { { NULL, 0 }, { NULL, 0 }, { NULL, 0 }, { NULL, 0 } };
	struct slice type = http_header(r, SLICE("content-type"));
	enum reason why = event_list_begin(out);

	for (size_t i = 0; i < r->nheaders && why == REASON_NONE; i++)
		if (r->headers[i].name.len > 3 && slice_eq_nocase(
		    slice_upto(r->headers[i].name, 3), SLICE("ce-")))
			why = attribute(&r->headers[i], out, &cloud);
	if (why == REASON_NONE && type.len > 0)
		why = event_list_field(out, SLICE("datacontenttype"), type);
	if (why == REASON_NONE && body.len > 0)
		why = event_list_field(out, SLICE("data"), body);
	return why == REASON_NONE ? cloud_end(&cloud, out) : why;
}

/* What the texts of all of it can come to: nothing gets longer by being read,
 * but names that are too long become hashes. */
static size_t
text_bound(enum event_body type, const struct http_request *r,
    struct slice body)
{
	size_t n = body.len + 2 * EVENT_HASH_TEXT;

	if (type == EVENT_BODY_CLOUD_BINARY)
		for (size_t i = 0; i < r->nheaders; i++)
			n += r->headers[i].name.len + r->headers[i].value.len;
	else if (type == EVENT_BODY_CLOUD || type == EVENT_BODY_CLOUDS)
		n += body.len;		/* base64, and hashes of long names */
	return n;
}

enum reason
event_body_read(enum event_body type, const struct http_request *r,
    struct slice body, struct event_list *out, size_t *where)
{
	enum reason why = REASON_BAD_TYPE;

	*where = 0;
	if (!buf_reserve(&out->text, text_bound(type, r, body)))
		return REASON_NO_MEMORY;
	switch (type) {
	case EVENT_BODY_NONE:
		break;
	case EVENT_BODY_JSON:
		why = json(body, out, false, false);
		break;
	case EVENT_BODY_LINES:
		why = lines(body, out);
		break;
	case EVENT_BODY_CLOUD:
		why = json(body, out, true, false);
		break;
	case EVENT_BODY_CLOUDS:
		why = json(body, out, true, true);
		break;
	case EVENT_BODY_CLOUD_BINARY:
		why = binary(r, body, out);
		break;
	}
	*where = out->n == 0 ? 0 : out->n - 1;
	event_list_close(out);
	return why;
}

/* ---- names of events ---- */

/* s, or its hash when it is longer than max, in names. */
static struct slice
fitted(struct slice s, size_t max, struct buf *names)
{
	size_t before = names->len;
	char text[EVENT_HASH_TEXT];

	if (s.len <= max)
		return s;
	event_hash_text(event_hash_bytes(s), text);
	buf_add(names, text, sizeof text);
	return slice_of(names->data + before, sizeof text);
}

bool
event_body_name(struct event_list *l, struct slice pid, struct slice key)
{
	struct buf *names = &l->names;

	buf_init(names, l->n * XADD_MAX_IID + 2 * EVENT_HASH_TEXT);
	if (!buf_reserve(names, names->max))
		return false;
	pid = fitted(pid, XADD_MAX_PID, names);
	key = fitted(key, l->n == 1 ? XADD_MAX_IID :
	    XADD_MAX_IID - INDEX_MAX, names);
	for (size_t i = 0; i < l->n; i++) {
		size_t before = names->len;

		if (l->v[i].pid.len > 0)
			continue;
		l->v[i].pid = pid;
		l->v[i].iid = key;
		if (l->n == 1)
			break;
		buf_add_slice(names, key);
		buf_addc(names, '#');
		buf_add_u64(names, i);
		l->v[i].iid = slice_of(names->data + before,
		    names->len - before);
	}
	return true;
}
