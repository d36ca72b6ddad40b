/* statsd.h - StatsD and DogStatsD packets, one metric at a time.
 *
 * A packet (a datagram, or the complete lines of a stream) is read by pulling:
 *
 *	statsd_begin(&p, packet, &options);
 *	while ((what = statsd_next(&p, &r, &why)) != STATSD_END)
 *		...
 *
 * Nothing is allocated, copied or changed; records borrow from the packet and,
 * for events, from the parser, until the next call.
 *
 * Lines.  Packets split at '\n'; empty pieces are no lines.  A '\r' before the
 * '\n' or at the end belongs to the line end.
 *
 *	name:value|type[|field]...
 *	name:value|type[|@rate]:value|type...		etsy's several values
 *	name:value:value...|type[|field]...		DogStatsD 1.1, but not sets
 *
 * Types are c g s ms, h and d (timers), kv (statsite's key/value); see
 * unknown_types_are_counters for others.  Fields stand in any order: @rate,
 * #tags, T<unix seconds>; c:, e: and card: name the sender's container and are
 * read over.  The tags of a line are those behind its first "|#" and hold for
 * each of its values.  As in the reference, a field that is none of these is
 * an error directly behind the type and ignored later, up to its '|'.
 *
 * Values are JavaScript numbers (number_js() in base/number.h) but finite.  A
 * gauge whose text begins with '+' or '-' is a change (METRIC_GAUGE_DELTA); a
 * blank before the sign makes it absolute, "g: -5|g" sets -5, as in the
 * reference.  ms must not be negative.  A set's member is its text as it
 * stands, "0" when empty; its value and rate mean nothing.
 *
 * Tags in names come apart too: "k;a=b" (Graphite), "k,a=b" (Influx),
 * "k[a=b]" (SignalFX) and "k#a=b" (Librato).  If "|#" tags follow, or text
 * follows the ']', the name stays whole and statsd_name() folds both.
 *
 * Sources: statsd's stats.js and lib/helpers.js for the lines, Datadog's
 * "Datagram format and shell usage", versions 1.0 to 1.6, for the fields. */
#ifndef MILLRACE_PROTO_STATSD_H
#define MILLRACE_PROTO_STATSD_H

#include "proto/marks.h"
#include "record/record.h"

struct statsd_options {
	/* Read lines as the reference does where that differs from the above:
	 * no packed values, no tags in names, no fields but one rate, tags to
	 * the end of the line, '\r' is a blank of the type, h d kv are
	 * counters, empty names and infinite values pass, a rate is its leading
	 * digits and points, and events and checks are bad lines.  What kills
	 * the reference or makes it count infinity is refused all the same. */
	bool strict;
	/* As the reference has it: "k:1|z" and "k:1|" count. */
	bool unknown_types_are_counters;
	/* Bytes of a name and its tags as sent; more is TOO_LONG. */
	size_t max_name;
};

/* Not strict, unknown types count, names up to 4096 bytes. */
extern const struct statsd_options statsd_defaults;

enum statsd_result {
	STATSD_METRIC,
	STATSD_EVENT,		/* "_e{5,4}:title|text|..." */
	STATSD_CHECK,		/* "_sc|name|0|..." */
	STATSD_BAD,
	STATSD_END
};

/* What one type, with its fields, says of the values before it. */
struct statsd_group {
	enum metric_type type;
	bool any_text;		/* a set's value */
	bool not_negative;
	enum reason bad;	/* for each of its values */
	double rate;
	int64_t time_ns;
};

struct statsd_parser {
	const char *at, *end;		/* what is left of the packet */
	const struct statsd_options *options;
	uint64_t lines;			/* not empty, good and bad, so far */
	struct slice bad;		/* after STATSD_BAD: the line, */
	struct slice name;		/* and its name, if it has one */
	/* the line being taken apart; rest.ptr is NULL when there is none */
	struct slice line, tags, rest, values;
	enum tag_style tag_style;
	struct statsd_group group;
	struct pair fields[10];		/* of an event or check */
	struct marks marks;		/* of the lines to come */
};

/* Borrows packet and options while the parser is used. */
void statsd_begin(struct statsd_parser *p, struct slice packet,
    const struct statsd_options *o);

/* One step.  STATSD_METRIC fills r->kind, source, time_ns (0 unless |T was
 * sent) and metric; STATSD_EVENT and STATSD_CHECK fill kind, source, time_ns
 * and event, whose stream is "dogstatsd_events" or "dogstatsd_checks" and whose
 * fields, those that were sent, are
 *	event: title text timestamp host aggregation_key priority source
 *	       alert_type tags
 *	check: name status timestamp host tags message
 * with title, text and message as sent, "\n" in them still escaped.
 * Everything else in r is left alone.
 * STATSD_BAD says *why and leaves r alone; one line can be bad several times
 * and good in between: each value counts for itself. */
enum statsd_result statsd_next(struct statsd_parser *p, struct record *r,
    enum reason *why);
/* The plain metrics that come next, at most max of them; how many.  Quicker than
 * one by one; none of them has a time of its own.  When it is less than max, ask
 * statsd_next(): it is the end, or something else.  What stands in m behind
 * those is garbage. */
size_t statsd_run(struct statsd_parser *p, struct metric_record *m, size_t max);

/* For who passes a sample on: "|type|fields" as they stand behind a value in
 * the packet that a record borrows it from; ptr NULL: it is from elsewhere. */
struct slice statsd_group_of(struct slice packet, struct slice value,
    bool strict);
/* Append the line that says m again under that name, to out, with its '\n'.
 * name has those tags in it that m has not behind "|#".  group: from
 * statsd_group_of(), or ptr NULL to write what m says.  False: no room. */
bool statsd_write(struct buf *out, const struct metric_record *m,
    struct slice name, struct slice group);

/* How a name is written out. */
struct statsd_name_options {
	bool sanitize;		/* the reference's three rules, see below */
	bool dialects;		/* take tags out of names (not when strict) */
	bool sort_tags;		/* by key, equal keys as sent */
	bool legal_tags;	/* what Graphite accepts: no empty tags, and
				 * "=true" for a tag without a value */
};

/* Sanitised, dialects folded, tags as sent: the reference's names. */
extern const struct statsd_name_options statsd_name_defaults;

/* More tags than this are not sorted or made legal, but refused. */
#define STATSD_MAX_TAGS 256

/* Append the canonical name of m, "clean.name;k=v;k2=v2", to out.  Sanitising
 * is the reference's: each run of (JavaScript's) white space becomes one '_',
 * '/' becomes '-', and everything else but letters, digits and "_-.;=" goes.
 * In each DogStatsD tag the first ';' becomes '_' and then the first ':' '='.
 * Without sanitising the bytes stay as sent.  The name may come out empty.
 * False when out has no room or there are more than STATSD_MAX_TAGS; then what
 * was appended is taken back. */
bool statsd_name(struct buf *out, const struct metric_record *m,
    const struct statsd_name_options *o);

/* Append raw under the three rules; false when out has no room. */
bool statsd_sanitize(struct buf *out, struct slice raw);

/* A name and the tags that stand in it. */
struct statsd_split {
	struct slice name, tags;
	struct slice after;	/* of the name, behind SignalFX's ']' */
	enum tag_style style;	/* TAGS_NONE: tags and after are empty */
};

struct statsd_split statsd_split_name(struct slice raw);

#endif
