/* statsite.c - binary messages into metrics. */
#include "config.h"

#include <math.h>

#include "proto/statsd.h"
#include "proto/statsite.h"

#define HEAD_SET 6
#define HEAD_NUMBER 12

enum { KEY_VALUE = 1, COUNTER, TIMER, SET, GAUGE, GAUGE_DELTA };

static const enum metric_type types[] = {
	[KEY_VALUE] = METRIC_KEY_VALUE,
	[COUNTER] = METRIC_COUNTER,
	[TIMER] = METRIC_TIMER,
	[SET] = METRIC_SET,
	[GAUGE] = METRIC_GAUGE,
	[GAUGE_DELTA] = METRIC_GAUGE_DELTA
};

bool
statsite_is_binary(struct slice bytes)
{
	return bytes.len > 0 && (unsigned char)bytes.ptr[0] == STATSITE_MAGIC;
}

static uint64_t
little_endian(const char *p, unsigned bytes)
{
	uint64_t v = 0;

	while (bytes-- > 0)
		v = v << 8 | (unsigned char)p[bytes];
	return v;
}

static double
number(const char *p)
{
	uint64_t bits = little_endian(p, 8);
	double v;

	memcpy(&v, &bits, sizeof v);
	return v;
}

/* A message with its lengths known and all of it there. */
struct message {
	unsigned type;
	struct slice key, member;	/* with their NULs */
	double value;
	size_t len;
};

/* Find the parts; what they hold is judged later. */
static enum statsite_result
cut(struct slice in, struct message *m, enum reason *why)
{
	size_t key, member = 0, head;

	if (in.len == 0)
		return STATSITE_MORE;
	if (!statsite_is_binary(in)) {
		*why = REASON_BAD_FRAMING;
		return STATSITE_LOST;
	}
	if (in.len < 2)
		return STATSITE_MORE;
	m->type = (unsigned char)in.ptr[1];
	if (m->type < KEY_VALUE || m->type > GAUGE_DELTA) {
		*why = REASON_BAD_TYPE;	/* and so a length unknown */
		return STATSITE_LOST;
	}
	head = m->type == SET ? HEAD_SET : HEAD_NUMBER;
	if (in.len < head)
		return STATSITE_MORE;
	key = little_endian(in.ptr + 2, 2);
	if (m->type == SET)
		member = little_endian(in.ptr + 4, 2);
	else
		m->value = number(in.ptr + 4);
	m->len = head + key + member;
	if (in.len < m->len)
		return STATSITE_MORE;
	m->key = slice_of(in.ptr + head, key);
	m->member = slice_of(in.ptr + head + key, member);
	return STATSITE_METRIC;
}

/* Take the NUL off; false when there is none, or another. */
static bool
without_nul(struct slice *s)
{
	if (s->len == 0 || slice_find(*s, '\0') != s->len - 1)
		return false;
	s->len--;
	return true;
}

static enum reason
judge(struct message *m, size_t max_name)
{
	if (!without_nul(&m->key))
		return m->key.len == 0 ? REASON_NO_NAME : REASON_BAD_NAME;
	if (m->key.len == 0)
		return REASON_NO_NAME;
	if (slice_find(m->key, '\n') < m->key.len)
		return REASON_BAD_NAME;
	if (m->key.len > max_name)
		return REASON_TOO_LONG;
	if (m->type == SET)
		return without_nul(&m->member) ? REASON_NONE : REASON_BAD_VALUE;
	return isfinite(m->value) ? REASON_NONE : REASON_NOT_A_NUMBER;
}

static void
fill(struct record *r, const struct message *m)
{
	struct statsd_split name = statsd_split_name(m->key);

	r->kind = RECORD_METRIC;
	r->source = SOURCE_STATSD;
	r->time_ns = 0;
	if (name.after.len > 0)		/* two parts: statsd_name() knows */
		name = (struct statsd_split){ .name = m->key };
	r->metric = (struct metric_record){
		.type = types[m->type],
		.tag_style = name.style,
		.name = name.name,
		.tags = name.tags,
		.text = m->member,
		.value = m->value,
		.rate = 1
	};
}

enum statsite_result
statsite_next(struct slice *in, size_t max_name, struct record *r,
    enum reason *why)
{
	struct message m = { .value = 0 };
	enum statsite_result result = cut(*in, &m, why);

	if (result != STATSITE_METRIC)
		return result;
	*in = slice_from(*in, m.len);
	*why = judge(&m, max_name);
	if (*why != REASON_NONE)
		return STATSITE_BAD;
	fill(r, &m);
	return STATSITE_METRIC;
}
