/* record.c - names of a record's parts, and copies that own their bytes. */
#include "config.h"

#include <stdlib.h>

#include "record/record.h"

static const char *const kinds[RECORD_KINDS] = { "metric", "event", "log" };
static const char *const sources[RECORD_SOURCES] = {
	"statsd", "graphite", "pickle", "syslog", "relp", "resp", "http",
	"forward", "tail", "internal"
};
static const char *const types[METRIC_TYPES] = {
	"counter", "gauge", "gauge_delta", "timer", "set", "point", "kv"
};
static const char *const severities[] = {
	"emerg", "alert", "crit", "err", "warning", "notice", "info", "debug"
};
static const char *const facilities[] = {
	"kern", "user", "mail", "daemon", "auth", "syslog", "lpr", "news",
	"uucp", "cron", "authpriv", "ftp", "ntp", "audit", "alert", "clock",
	"local0", "local1", "local2", "local3", "local4", "local5", "local6",
	"local7"
};
static const char *const flags[] = {
	"badpri", "nopri", "badtime", "notime", "no_year", "no_zone", "leap",
	"nosd", "badsd", "bom", "framing", "truncated", "noeol", "not_utf8",
	"skew", "version", "short", "unsynced", "seq",
	"split"
};

#define COUNT(a) (sizeof(a) / sizeof((a)[0]))

static const char *
name_of(const char *const *names, size_t count, size_t i)
{
	return i < count ? names[i] : "unknown";
}

const char *
record_kind_name(enum record_kind k)
{
	return name_of(kinds, COUNT(kinds), k);
}

const char *
record_source_name(enum record_source s)
{
	return name_of(sources, COUNT(sources), s);
}

const char *
metric_type_name(enum metric_type t)
{
	return name_of(types, COUNT(types), t);
}

const char *
severity_name(unsigned severity)
{
	return name_of(severities, COUNT(severities), severity);
}

const char *
facility_name(unsigned facility)
{
	return name_of(facilities, COUNT(facilities), facility);
}

const char *
log_flag_name(unsigned bit)
{
	return bit < COUNT(flags) ? flags[bit] : NULL;
}

/* The index of s among names, or as a number below count, or -1. */
static int
find_name(const char *const *names, size_t count, struct slice s)
{
	unsigned v = 0;

	for (size_t i = 0; i < count; i++)
		if (slice_eq_nocase(s, slice_str(names[i])))
			return (int)i;
	if (s.len == 0 || s.len > 2)
		return -1;
	for (size_t i = 0; i < s.len; i++) {
		if (s.ptr[i] < '0' || s.ptr[i] > '9')
			return -1;
		v = v * 10 + (unsigned)(s.ptr[i] - '0');
	}
	return v < count ? (int)v : -1;
}

int
severity_parse(struct slice s)
{
	static const struct { struct slice name; int severity; } other[] = {
		{ SLICE("panic"), 0 }, { SLICE("emergency"), 0 },
		{ SLICE("critical"), 2 }, { SLICE("error"), 3 },
		{ SLICE("warn"), 4 }, { SLICE("informational"), 6 },
	};

	for (size_t i = 0; i < COUNT(other); i++)
		if (slice_eq_nocase(s, other[i].name))
			return other[i].severity;
	return find_name(severities, COUNT(severities), s);
}

int
facility_parse(struct slice s)
{
	if (slice_eq_nocase(s, SLICE("security")))
		return 4;
	return find_name(facilities, COUNT(facilities), s);
}

/* Copying walks the slices of a record once to add up and once to copy. */
struct copier {
	char *to;		/* NULL while adding up */
	size_t len;
};

static void
take(struct copier *c, struct slice *s)
{
	if (c->to != NULL) {
		if (s->len > 0)
			memcpy(c->to + c->len, s->ptr, s->len);
		s->ptr = c->to + c->len;
	}
	c->len += s->len;
}

static void
walk(struct copier *c, struct record *r)
{
	take(c, &r->peer);
	switch (r->kind) {
	case RECORD_METRIC:
		take(c, &r->metric.name);
		take(c, &r->metric.tags);
		take(c, &r->metric.text);
		break;
	case RECORD_EVENT:
		take(c, &r->event.stream);
		take(c, &r->event.id);
		take(c, &r->event.pid);
		take(c, &r->event.iid);
		break;
	case RECORD_LOG:
		take(c, &r->log.host);
		take(c, &r->log.app);
		take(c, &r->log.procid);
		take(c, &r->log.msgid);
		take(c, &r->log.sd);
		take(c, &r->log.body);
		take(c, &r->log.raw);
		break;
	case RECORD_KINDS:
		break;
	}
}

static size_t
fields_bytes(const struct record *r)
{
	size_t n = 0;

	for (size_t i = 0; i < r->event.nfields; i++)
		n += r->event.fields[i].key.len + r->event.fields[i].value.len;
	return n;
}

struct record *
record_dup(const struct record *r)
{
	struct record probe = *r, *copy;
	struct copier c = { NULL, 0 };
	size_t nfields = r->kind == RECORD_EVENT ? r->event.nfields : 0;
	size_t head = sizeof *copy + nfields * sizeof(struct pair);
	size_t more = nfields > 0 ? fields_bytes(r) : 0;

	walk(&c, &probe);
	copy = malloc(head + c.len + more);
	if (copy == NULL)
		return NULL;
	*copy = *r;
	c = (struct copier){ (char *)copy + head, 0 };
	walk(&c, copy);
	if (nfields > 0) {
		struct pair *pairs = (struct pair *)(copy + 1);

		for (size_t i = 0; i < nfields; i++) {
			pairs[i] = r->event.fields[i];
			take(&c, &pairs[i].key);
			take(&c, &pairs[i].value);
		}
		copy->event.fields = pairs;
	}
	return copy;
}

struct slice
metric_sent_name(const struct metric_record *m)
{
	const char *end;

	if (m->tag_style == TAGS_NONE || m->tag_style == TAGS_DOGSTATSD)
		return m->name;		/* there may be no tags at all */
	end = m->tags.ptr + m->tags.len;
	end += m->tag_style == TAGS_SIGNALFX;	/* its ']' */
	return slice_of(m->name.ptr, (size_t)(end - m->name.ptr));
}
