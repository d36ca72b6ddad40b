/* carbon_protobuf.c - points from carbon's protobuf messages.
 *
 * https://protobuf.dev/programming-guides/encoding/ has the wire format: a
 * field is a varint (number << 3 | wire type) and its value. */
#include "config.h"

#include <math.h>

#include "base/number.h"
#include "proto/carbon_protobuf.h"

enum wire { VARINT = 0, FIXED64 = 1, BYTES = 2, FIXED32 = 5 };

struct wire_field {
	uint64_t number;
	enum wire wire;
	uint64_t scalar;	/* all but BYTES */
	struct slice bytes;	/* BYTES */
};

static bool
varint(struct slice *s, uint64_t *v)
{
	*v = 0;
	for (unsigned i = 0; i < 10 && i < s->len; i++) {
		uint8_t c = (uint8_t)s->ptr[i];

		*v |= (uint64_t)(c & 0x7f) << (7 * i);
		if (c < 0x80) {
			*s = slice_from(*s, i + 1);
			return true;
		}
	}
	return false;
}

static bool
fixed(struct slice *s, size_t n, uint64_t *v)
{
	if (s->len < n)
		return false;
	*v = 0;
	for (size_t i = n; i > 0; i--)
		*v = *v << 8 | (uint8_t)s->ptr[i - 1];
	*s = slice_from(*s, n);
	return true;
}

/* One field off the front of *s; false when it is malformed. */
static bool
field(struct slice *s, struct wire_field *f)
{
	uint64_t tag, n;

	if (!varint(s, &tag))
		return false;
	f->number = tag >> 3;
	f->wire = (enum wire)(tag & 7);
	if (f->number == 0)
		return false;
	switch (f->wire) {
	case VARINT:
		return varint(s, &f->scalar);
	case FIXED64:
		return fixed(s, 8, &f->scalar);
	case FIXED32:
		return fixed(s, 4, &f->scalar);
	case BYTES:
		if (!varint(s, &n) || n > s->len)
			return false;
		f->bytes = slice_upto(*s, n);
		*s = slice_from(*s, n);
		return true;
	}
	return false;
}

/* All of s is well-formed, with sub-messages of field `number` down to
 * `depth` levels. */
static bool
well_formed(struct slice s, unsigned depth, uint64_t number)
{
	struct wire_field f;

	while (s.len > 0) {
		if (!field(&s, &f))
			return false;
		if (depth > 0 && f.number == number && f.wire == BYTES &&
		    !well_formed(f.bytes, depth - 1, 2))
			return false;
	}
	return true;
}

/* The next sub-message `number` of *s. */
static bool
next_message(struct slice *s, uint64_t number, struct slice *message)
{
	struct wire_field f;

	while (s->len > 0 && field(s, &f))
		if (f.number == number && f.wire == BYTES) {
			*message = f.bytes;
			return true;
		}
	return false;
}

enum reason
carbon_protobuf_read(struct carbon_protobuf *p, struct slice payload)
{
	*p = (struct carbon_protobuf){ .metrics = payload };
	if (payload.len == 0)
		return REASON_EMPTY;
	if (well_formed(payload, 2, 1))
		return REASON_NONE;
	p->metrics.len = 0;
	return REASON_SYNTAX;
}

static enum reason
set_name(const struct carbon_protobuf *p, struct metric_record *m)
{
	size_t tags = slice_find(p->name, ';');

	if (tags == 0 || p->name.len == 0)
		return REASON_NO_NAME;
	m->name = slice_upto(p->name, tags);
	m->tags = tags < p->name.len ? slice_from(p->name, tags + 1) :
	    (struct slice){ NULL, 0 };
	m->tag_style = tags < p->name.len ? TAGS_GRAPHITE : TAGS_NONE;
	return REASON_NONE;
}

static void
point_fields(struct slice s, double *time, double *value)
{
	struct wire_field f;

	*time = *value = 0;
	while (s.len > 0 && field(&s, &f)) {
		if (f.number == 1 && f.wire == VARINT)
			*time = (double)(uint32_t)f.scalar;
		else if (f.number == 2 && f.wire == FIXED64)
			memcpy(value, &f.scalar, sizeof *value);
	}
}

static enum reason
point(struct carbon_protobuf *p, struct slice message,
    const struct graphite_options *o, struct record *r)
{
	struct metric_record *m = &r->metric;
	enum reason why = set_name(p, m);
	double time;

	if (why != REASON_NONE)
		return why;
	if (o->max_name != 0 && m->name.len > o->max_name)
		return REASON_TOO_LONG;
	point_fields(message, &time, &m->value);
	if (isnan(m->value) || (isinf(m->value) && o->refuse_inf))
		return REASON_NOT_A_NUMBER;
	if (isinf(m->value))
		m->text = m->value < 0 ? SLICE("-inf") : SLICE("inf");
	else
		m->text = slice_of(p->number,
		    number_format_js(p->number, m->value));
	r->kind = RECORD_METRIC;
	r->source = SOURCE_GRAPHITE;
	m->type = METRIC_POINT;
	m->rate = 1;
	return graphite_time(time, o, &r->time_ns);
}

enum carbon_protobuf_next
carbon_protobuf_next(struct carbon_protobuf *p,
    const struct graphite_options *o, struct record *r, enum reason *why)
{
	struct slice message;

	while (!next_message(&p->points, 2, &message)) {
		struct slice names;

		if (!next_message(&p->metrics, 1, &p->points))
			return CARBON_PROTOBUF_END;
		p->name = (struct slice){ NULL, 0 };
		names = p->points;	/* the last one counts */
		while (next_message(&names, 1, &p->name))
			;
	}
	*why = point(p, message, o, r);
	return *why == REASON_NONE ? CARBON_PROTOBUF_POINT :
	    CARBON_PROTOBUF_BAD_ITEM;
}
