/* pickle.c - messages of the pickle protocol, and the points in them. */
#include "config.h"

#include <math.h>
#include <stdlib.h>

#include "base/number.h"
#include "proto/pickle_machine.h"

/* What one message may leave allocated for the next. */
#define KEEP_ITEMS 65536

enum pickle_frame
pickle_frame(struct slice *in, size_t max, struct slice *payload)
{
	const uint8_t *p = (const uint8_t *)in->ptr;
	size_t n;

	if (in->len < 4)
		return PICKLE_LATER;
	n = (size_t)p[0] << 24 | (size_t)p[1] << 16 | (size_t)p[2] << 8 | p[3];
	if (n > max)
		return PICKLE_TOO_LONG;
	if (in->len - 4 < n)
		return PICKLE_LATER;
	*payload = slice_of(in->ptr + 4, n);
	*in = slice_from(*in, 4 + n);
	return PICKLE_FRAME;
}

struct pickle *
pickle_new(size_t max_items)
{
	struct pickle *p = calloc(1, sizeof *p);

	if (p == NULL)
		return NULL;
	p->max_items = max_items < NO_NODE ? max_items : NO_NODE - 1;
	p->next = NO_NODE;
	return p;
}

static void
release(struct pickle *p)
{
	free(p->stack);
	free(p->nodes);
	free(p->containers);
	free(p->memo);
	p->stack = NULL;
	p->nodes = NULL;
	p->containers = NULL;
	p->memo = NULL;
	p->stack_cap = p->nodes_cap = p->containers_cap = 0;
	p->memo_cap = p->memo_end = 0;
}

void
pickle_free(struct pickle *p)
{
	if (p == NULL)
		return;
	release(p);
	buf_fini(&p->texts);
	free(p);
}

static void
reset(struct pickle *p)
{
	if (p->stack_cap > KEEP_ITEMS || p->nodes_cap > KEEP_ITEMS ||
	    p->containers_cap > KEEP_ITEMS || p->memo_cap > KEEP_ITEMS)
		release(p);
	if (p->memo_end > 0)
		memset(p->memo, 0, p->memo_end * sizeof *p->memo);
	buf_fini(&p->texts);
	p->depth = p->nnodes = p->ncontainers = p->nmarks = 0;
	p->nmemo = p->memo_end = 0;
	p->next = NO_NODE;
}

enum reason
pickle_read(struct pickle *p, struct slice payload)
{
	struct value top;
	enum reason why;

	reset(p);
	if (payload.len == 0)
		return REASON_EMPTY;
	why = pickle_run(p, payload, &top);
	if (why != REASON_NONE)
		return why;
	if (top.type != VALUE_LIST && top.type != VALUE_TUPLE)
		return REASON_BAD_FIELDS;
	p->next = p->containers[top.container].first;
	return REASON_NONE;
}

/* The two members of a pair, be it tuple or list. */
static bool
pair(const struct pickle *p, struct value v, struct value *a, struct value *b)
{
	const struct container *c;

	if (v.type != VALUE_TUPLE && v.type != VALUE_LIST)
		return false;
	c = &p->containers[v.container];
	if (c->count != 2)
		return false;
	*a = p->nodes[c->first].value;
	*b = p->nodes[c->last].value;
	return true;
}

static enum reason
set_name(struct metric_record *m, struct value v)
{
	struct slice s = { v.text, v.len };
	size_t tags = slice_find(s, ';');

	if (v.type != VALUE_TEXT)
		return REASON_BAD_NAME;
	if (tags == 0 || s.len == 0)
		return REASON_NO_NAME;
	m->name = slice_upto(s, tags);
	m->tags = tags < s.len ? slice_from(s, tags + 1) : (struct slice){ NULL, 0 };
	m->tag_style = tags < s.len ? TAGS_GRAPHITE : TAGS_NONE;
	return REASON_NONE;
}

static enum reason
set_time(struct value v, const struct graphite_options *o, int64_t *time_ns)
{
	double seconds;

	switch (v.type) {
	case VALUE_INT:
		seconds = (double)v.i;
		break;
	case VALUE_FLOAT:
		seconds = v.f;
		break;
	case VALUE_TEXT:
		if (number_double(slice_trim(slice_of(v.text, v.len)), &seconds))
			break;
		return REASON_BAD_TIME;
	default:
		return REASON_BAD_TIME;
	}
	return graphite_time(seconds, o, time_ns);
}

/* The value, and a text that says the same for those who relay lines. */
static enum reason
set_value(struct pickle *p, struct metric_record *m, struct value v,
    const struct graphite_options *o)
{
	struct buf text = { p->number, 0, sizeof p->number, sizeof p->number };

	switch (v.type) {
	case VALUE_INT:
		m->value = (double)v.i;
		buf_add_i64(&text, v.i);
		m->text = slice_of(p->number, text.len);
		return REASON_NONE;
	case VALUE_FLOAT:
		if (isnan(v.f) || (isinf(v.f) && o->refuse_inf))
			return REASON_NOT_A_NUMBER;
		m->value = v.f;
		if (isinf(v.f))
			m->text = v.f < 0 ? SLICE("-inf") : SLICE("inf");
		else
			m->text = slice_of(p->number,
			    number_format_js(p->number, v.f));
		return REASON_NONE;
	case VALUE_TEXT:
		m->text = slice_trim(slice_of(v.text, v.len));
		return graphite_value(m->text, o->refuse_inf, &m->value);
	default:
		return REASON_BAD_VALUE;
	}
}

static enum reason
point(struct pickle *p, struct value item, const struct graphite_options *o,
    struct record *r)
{
	struct value name, rest, time, value;
	enum reason why;

	if (!pair(p, item, &name, &rest) || !pair(p, rest, &time, &value))
		return REASON_BAD_FIELDS;
	if ((why = set_name(&r->metric, name)) != REASON_NONE ||
	    (why = set_value(p, &r->metric, value, o)) != REASON_NONE ||
	    (why = set_time(time, o, &r->time_ns)) != REASON_NONE)
		return why;
	if (o->max_name != 0 && r->metric.name.len > o->max_name)
		return REASON_TOO_LONG;
	r->kind = RECORD_METRIC;
	r->source = SOURCE_PICKLE;
	r->metric.type = METRIC_POINT;
	r->metric.rate = 1;
	return REASON_NONE;
}

enum pickle_next
pickle_next(struct pickle *p, const struct graphite_options *o,
    struct record *r, enum reason *why)
{
	const struct node *n;

	if (p->next == NO_NODE)
		return PICKLE_END;
	n = &p->nodes[p->next];
	p->next = n->next;
	*why = point(p, n->value, o, r);
	return *why == REASON_NONE ? PICKLE_POINT : PICKLE_BAD_ITEM;
}
