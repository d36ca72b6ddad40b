/* statsd_event.c - DogStatsD's events and service checks.
 *
 * The lengths in "_e{title,text}:" are meant to be bytes.  Some clients count
 * UTF-16 units and others characters, so each count is tried until one ends
 * where a '|' stands or the line ends. */
#include "config.h"

#include "base/number.h"
#include "proto/statsd_line.h"

bool
statsd_is_event(struct slice line)
{
	return slice_starts(line, SLICE("_e{"));
}

bool
statsd_is_check(struct slice line)
{
	return slice_starts(line, SLICE("_sc|"));
}

/* How a client may have counted. */
enum unit { BYTES, UTF16, CHARACTERS, UNITS };

/* How many bytes the first n units of s are, or s.len + 1 when it is shorter.
 * A character counts where its first byte stands. */
static size_t
length_of(struct slice s, uint64_t n, enum unit unit)
{
	size_t i = 0;

	if (unit == BYTES)
		return n <= s.len ? (size_t)n : s.len + 1;
	for (; i < s.len; i++) {
		unsigned char c = (unsigned char)s.ptr[i];
		uint64_t weight = (c & 0xc0) == 0x80 ? 0 :
		    unit == UTF16 && c >= 0xf0 ? 2 : 1;

		if (weight > n)
			break;
		n -= weight;
	}
	return n == 0 ? i : s.len + 1;
}

/* The two texts of "title|text" or "title|text|..." with *s left behind them,
 * at their '|' or empty. */
static bool
cut_texts(struct slice *s, const uint64_t n[2], enum unit unit,
    struct slice *title, struct slice *text)
{
	size_t at = length_of(*s, n[0], unit), end;
	struct slice left;

	if (at >= s->len || s->ptr[at] != '|')
		return false;
	left = slice_from(*s, at + 1);
	end = length_of(left, n[1], unit);
	if (end > left.len || (end < left.len && left.ptr[end] != '|'))
		return false;
	*title = slice_upto(*s, at);
	*text = slice_upto(left, end);
	*s = slice_from(left, end);
	return true;
}

/* "{5,4}:" off the front of *s. */
static bool
cut_lengths(struct slice *s, uint64_t n[2])
{
	struct slice left = *s, first, second;

	first = slice_cut(&left, ',');
	second = slice_cut(&left, '}');
	if (left.len == 0 || left.ptr[0] != ':' ||
	    !number_u64(first, &n[0]) || !number_u64(second, &n[1]))
		return false;
	*s = slice_from(left, 1);
	return true;
}

static void
add(struct statsd_parser *p, struct record *r, struct slice key,
    struct slice value)
{
	p->fields[r->event.nfields++] = (struct pair){ key, value };
}

struct field {
	struct slice prefix, key;
};

static const struct field timestamp = { SLICE("d:"), SLICE("timestamp") };

static bool
has(const struct record *r, struct slice key)
{
	for (size_t i = 0; i < r->event.nfields; i++)
		if (slice_eq(r->event.fields[i].key, key))
			return true;
	return false;
}

/* Add the field that s is, if it is known and the first of its name; false
 * when it is a time that is none. */
static bool
add_known(struct statsd_parser *p, struct record *r, struct slice s,
    const struct field *known, size_t count)
{
	if (slice_starts(s, timestamp.prefix) && !has(r, timestamp.key)) {
		s = slice_from(s, timestamp.prefix.len);
		add(p, r, timestamp.key, s);
		return statsd_time(s, &r->time_ns);
	}
	for (size_t i = 0; i < count; i++) {
		if (!slice_starts(s, known[i].prefix))
			continue;
		if (!has(r, known[i].key))
			add(p, r, known[i].key,
			    slice_from(s, known[i].prefix.len));
		break;
	}
	return true;
}

static enum statsd_result
refuse(struct statsd_parser *p, struct slice line, enum reason *why,
    enum reason is)
{
	*why = is;
	p->bad = line;
	p->name = slice_of(NULL, 0);
	return STATSD_BAD;
}

static struct record
blank_record(const struct statsd_parser *p, const struct record *r,
    struct slice stream)
{
	struct record made = *r;

	made.kind = RECORD_EVENT;
	made.source = SOURCE_STATSD;
	made.time_ns = 0;
	made.event = (struct event_record){
		.stream = stream, .fields = p->fields
	};
	return made;
}

enum statsd_result
statsd_event(struct statsd_parser *p, struct slice line, struct record *r,
    enum reason *why)
{
	static const struct field known[] = {
		{ SLICE("h:"), SLICE("host") },
		{ SLICE("k:"), SLICE("aggregation_key") },
		{ SLICE("p:"), SLICE("priority") },
		{ SLICE("s:"), SLICE("source") },
		{ SLICE("t:"), SLICE("alert_type") },
		{ SLICE("#"), SLICE("tags") },
	};
	struct record made = blank_record(p, r, SLICE("dogstatsd_events"));
	struct slice s = slice_from(line, 3), title, text;
	enum unit unit = BYTES;
	uint64_t n[2];

	if (!cut_lengths(&s, n))
		return refuse(p, line, why, REASON_BAD_FIELDS);
	while (unit < UNITS && !cut_texts(&s, n, unit, &title, &text))
		unit++;
	if (unit == UNITS)
		return refuse(p, line, why, REASON_TRUNCATED);
	if (title.len == 0)
		return refuse(p, line, why, REASON_NO_NAME);
	add(p, &made, SLICE("title"), title);
	add(p, &made, SLICE("text"), text);
	slice_cut(&s, '|');
	while (s.ptr != NULL)
		if (!add_known(p, &made, slice_cut(&s, '|'), known,
		    sizeof known / sizeof known[0]))
			return refuse(p, line, why, REASON_BAD_TIME);
	*r = made;
	return STATSD_EVENT;
}

enum statsd_result
statsd_check(struct statsd_parser *p, struct slice line, struct record *r,
    enum reason *why)
{
	static const struct field known[] = {
		{ SLICE("h:"), SLICE("host") },
		{ SLICE("#"), SLICE("tags") },
		{ SLICE("m:"), SLICE("message") },
	};
	struct record made = blank_record(p, r, SLICE("dogstatsd_checks"));
	struct slice s = slice_from(line, 4), name, status;

	name = slice_cut(&s, '|');
	status = slice_cut(&s, '|');
	if (name.len == 0)
		return refuse(p, line, why, REASON_NO_NAME);
	if (status.len != 1 || status.ptr[0] < '0' || status.ptr[0] > '3')
		return refuse(p, line, why, REASON_BAD_VALUE);
	add(p, &made, SLICE("name"), name);
	add(p, &made, SLICE("status"), status);
	while (s.ptr != NULL) {
		/* the message is the last, whatever it holds */
		struct slice f = slice_starts(s, SLICE("m:")) ? s :
		    slice_upto(s, slice_find(s, '|'));

		if (f.len == s.len)
			s.ptr = NULL;
		else
			s = slice_from(s, f.len + 1);
		if (!add_known(p, &made, f, known,
		    sizeof known / sizeof known[0]))
			return refuse(p, line, why, REASON_BAD_TIME);
	}
	*r = made;
	return STATSD_CHECK;
}
