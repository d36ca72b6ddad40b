/* record.h - the one typed message that flows from parsers to sinks.
 *
 * A record from a parser borrows every slice from the frame it was cut from,
 * and is good until the parser is called again or the frame goes away.  Who
 * keeps one longer makes it theirs with record_dup(), in one block. */
#ifndef MILLRACE_RECORD_RECORD_H
#define MILLRACE_RECORD_RECORD_H

#include <stdint.h>

#include "base/buf.h"
#include "base/slice.h"
#include "record/reason.h"

enum record_kind { RECORD_METRIC, RECORD_EVENT, RECORD_LOG, RECORD_KINDS };

/* The door a record came through; the ledger counts by it. */
enum record_source {
	SOURCE_STATSD,
	SOURCE_GRAPHITE,
	SOURCE_PICKLE,
	SOURCE_SYSLOG,
	SOURCE_RELP,
	SOURCE_RESP,
	SOURCE_HTTP,
	SOURCE_FORWARD,
	SOURCE_TAIL,
	SOURCE_INTERNAL,
	RECORD_SOURCES
};

enum metric_type {
	METRIC_COUNTER,
	METRIC_GAUGE,
	METRIC_GAUGE_DELTA,
	METRIC_TIMER,
	METRIC_SET,
	METRIC_POINT,		/* a Graphite point: has its own time */
	METRIC_KEY_VALUE,	/* statsite's kv: every value kept */
	METRIC_TYPES
};

/* How the tags of a metric were written; see proto/statsd.h for the forms. */
enum tag_style {
	TAGS_NONE,
	TAGS_DOGSTATSD,		/* k:v,k2:v2   as they stood after "|#" */
	TAGS_GRAPHITE,		/* k=v;k2=v2   as they stood after the first ';' */
	TAGS_INFLUX,		/* k=v,k2=v2   as they stood after the first ',' */
	TAGS_SIGNALFX,		/* k=v,k2=v2   as they stood between '[' and ']' */
	TAGS_LIBRATO		/* k=v,k2=v2   as they stood after '#' */
};

/* A metric's name is as sent: proto/ cleans it when it is first seen, not for
 * each sample, so that the raw name can be the key of the decision cache. */
struct metric_record {
	enum metric_type type;
	enum tag_style tag_style;
	struct slice name;
	struct slice tags;	/* raw text in tag_style; empty when none */
	struct slice text;	/* the value as written: a set's member, a point's
				 * value text, a gauge's with its sign */
	double value;
	double rate;		/* sample rate; 1 when none was sent */
};

struct pair {
	struct slice key, value;
};

struct event_record {
	struct slice stream;
	struct slice id;	/* "<ms>-<seq>" once it has one */
	struct slice pid, iid;	/* idempotence: producer and its event id */
	const struct pair *fields;
	size_t nfields;
	const uint64_t *sections;	/* those it goes to, see plan_section(); */
	uint8_t nsections;		/* 0: to all, whoever they are */
};

/* What was odd about a log message; a record keeps its raw text if any is set. */
enum log_flag {
	LOG_FLAG_BADPRI = 1 << 0,
	LOG_FLAG_NOPRI = 1 << 1,
	LOG_FLAG_BADTIME = 1 << 2,
	LOG_FLAG_NOTIME = 1 << 3,
	LOG_FLAG_NO_YEAR = 1 << 4,
	LOG_FLAG_NO_ZONE = 1 << 5,
	LOG_FLAG_LEAP = 1 << 6,
	LOG_FLAG_NOSD = 1 << 7,
	LOG_FLAG_BADSD = 1 << 8,
	LOG_FLAG_BOM = 1 << 9,
	LOG_FLAG_FRAMING = 1 << 10,
	LOG_FLAG_TRUNCATED = 1 << 11,
	LOG_FLAG_NOEOL = 1 << 12,
	LOG_FLAG_NOT_UTF8 = 1 << 13,
	LOG_FLAG_SKEW = 1 << 14,
	LOG_FLAG_VERSION = 1 << 15,	/* RFC 5424 shaped, but not version 1 */
	LOG_FLAG_SHORT = 1 << 16,	/* the header ended early */
	LOG_FLAG_UNSYNCED = 1 << 17,	/* its clock says so: Cisco's '*' or '.' */
	LOG_FLAG_SEQ = 1 << 18,		/* raw has a device's number before the time */
	LOG_FLAG_SPLIT = 1 << 19	/* a piece of a message that was too long */
};

struct log_record {
	uint8_t facility, severity;
	uint32_t flags;		/* enum log_flag, or-ed */
	struct slice host, app, procid, msgid;	/* empty when absent or "-" */
	struct slice sd;	/* structured data, verbatim "[..][..]"; empty when none */
	struct slice body;
	struct slice raw;	/* the whole message as received */
};

struct record {
	enum record_kind kind;
	enum record_source source;
	int64_t time_ns;	/* its own time, ns since 1970; 0 when it has none */
	int64_t received_ns;	/* when we read it */
	struct slice peer;	/* who sent it, as text; empty when unknown */
	union {
		struct metric_record metric;
		struct event_record event;
		struct log_record log;
	};
};

const char *record_kind_name(enum record_kind k);
const char *record_source_name(enum record_source s);
const char *metric_type_name(enum metric_type t);
/* "emerg" .. "debug"; "kern" .. "local7"; never NULL. */
const char *severity_name(unsigned severity);
const char *facility_name(unsigned facility);
/* "err", "error", "warning", "warn", "3" -> 0..7, or -1. */
int severity_parse(struct slice s);
/* "auth", "local0", "4" -> 0..23, or -1. */
int facility_parse(struct slice s);
/* The names of the flags set, lowest first: name of the n-th bit, or NULL. */
const char *log_flag_name(unsigned bit);

/* A name with the tags that are written in it, as sent: one run of bytes.  Tags
 * behind "|#" are not of it. */
struct slice metric_sent_name(const struct metric_record *m);

/* Gives a copy in one block that owns its bytes, or NULL; free() releases it. */
struct record *record_dup(const struct record *r);

#endif
