/* graphite.h - Graphite's plaintext protocol: "name value timestamp".
 *
 * A line becomes a METRIC_POINT.  The rules, where the relays differ:
 *
 * - Fields are separated by runs of blanks and tabs; blanks and a CR at the
 *   ends are no part of the line.  There are exactly three (or two, if asked).
 * - The name is kept as sent: it is cleaned by graphite_name() when first
 *   seen.  At its first ';' the tags begin.
 * - The value is a decimal number ("+5", ".5", "5.", "1e-3"), or an infinity
 *   where that is allowed; its text is kept for relaying and never printed
 *   anew.  No underscores, no hexadecimal, no text.  "nan" is refused.
 * - The timestamp is in seconds, with a fraction if need be.  -1 (and -1.x),
 *   "N" and "now" mean now.  Zero, other negative numbers and times past the
 *   year 2262 are refused, since nothing could store them. */
#ifndef MILLRACE_PROTO_GRAPHITE_H
#define MILLRACE_PROTO_GRAPHITE_H

#include "base/buf.h"
#include "record/reason.h"
#include "record/record.h"

struct graphite_options {
	int64_t now_ns;		/* what "now" is */
	size_t max_name;	/* longest name without tags; 0: no limit */
	bool time_optional;	/* "name value" is a point of now */
	bool refuse_inf;
	bool millis;		/* a time past 2262 is in milliseconds */
};

/* Read one line, without its newline, into *r, which borrows from it.  Sets
 * kind, source, time_ns and metric; received_ns and peer stay the caller's.
 * REASON_EMPTY for a blank line, NO_NAME, BAD_FIELDS (too few or too many),
 * TOO_LONG, BAD_VALUE, NOT_A_NUMBER (nan, inf), BAD_TIME; then *r is
 * unspecified. */
enum reason graphite_parse(struct slice line, const struct graphite_options *o,
    struct record *r);

/* The name with its tags as they stood in the line: the key of a cache of
 * decisions.  Only for a record that graphite_parse() made. */
static inline struct slice
graphite_raw_name(const struct record *r)
{
	const struct metric_record *m = &r->metric;

	return m->tag_style == TAGS_NONE ? m->name : slice_of(m->name.ptr,
	    (size_t)(m->tags.ptr - m->name.ptr) + m->tags.len);
}

/* Append "name value seconds\n"; false when out is full, and then unchanged.
 * The time's fraction is cut, as carbon does. */
bool graphite_line(struct buf *out, struct slice name, struct slice text,
    int64_t time_ns);

/* A value as the text of a number: "nan" and infinities in any letters too.
 * Shared with the other senders of points.  REASON_NONE, BAD_VALUE, or
 * NOT_A_NUMBER for nan (and for inf when refuse_inf). */
enum reason graphite_value(struct slice text, bool refuse_inf, double *v);
/* Seconds as a number to nanoseconds, as above.  REASON_NONE or BAD_TIME. */
enum reason graphite_time(double seconds, const struct graphite_options *o,
    int64_t *time_ns);

/* ---- names ---- */

enum graphite_clean {
	GRAPHITE_CLEAN_RELAY,	/* as carbon-c-relay: see below */
	GRAPHITE_CLEAN_CONTROL	/* as carbon: only blanks and control
				 * characters become '_' */
};

enum graphite_tags {
	GRAPHITE_TAGS_VERBATIM,
	GRAPHITE_TAGS_NORMAL,	/* sorted, last duplicate wins; tags that are
				 * not valid stay as they are (carbon's
				 * TAG_RELAY_NORMALIZED) */
	GRAPHITE_TAGS_STRICT	/* the same, but invalid ones are refused */
};

/* More tags than this on one name are not valid. */
#define GRAPHITE_MAX_TAGS 128

struct graphite_name_options {
	enum graphite_clean clean;
	enum graphite_tags tags;
	bool openmetrics;	/* name{k="v",...} is a name with tags */
	bool allowed[256];	/* bytes a cleaned name keeps */
};

/* carbon-c-relay's defaults; chars are the bytes allowed besides letters,
 * digits and dots (its -c; "-_:#" when NULL). */
void graphite_name_options_init(struct graphite_name_options *o,
    const char *chars);

/* Append the name to be sent, "name" or "name;k=v;...", to out.  RELAY
 * cleaning drops leading dots, and trailing ones when no tags follow, makes
 * one dot of several and '_' of each byte that is not allowed.  The part
 * before the first ';' of what was appended is the name proper.
 * False (out as it was) with *why BAD_NAME when nothing is left of the name,
 * BAD_TAG, or NO_MEMORY when out is full. */
bool graphite_name(struct buf *out, struct slice name, struct slice tags,
    const struct graphite_name_options *o, enum reason *why);

#endif
