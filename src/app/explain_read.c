/* explain_read.c - datagrams of each protocol, read as the daemon reads them. */
#include "config.h"

#include <string.h>

#include "app/explain.h"
#include "proto/graphite.h"
#include "proto/resp.h"
#include "proto/statsd.h"
#include "proto/syslog.h"
#include "proto/xadd.h"

#define SKEW_NS		INT64_C(3600000000000)
#define MAX_PAIRS	1024

static void
read_statsd(const struct conf *conf, struct slice datagram, int64_t now_ns,
    const struct explain_events *to)
{
	struct statsd_options o = statsd_defaults;
	struct statsd_parser p;
	enum statsd_result got;
	enum reason why;
	struct record r = { .received_ns = now_ns };

	o.strict = conf->statsd.strict;
	o.unknown_types_are_counters = o.strict ||
	    conf->statsd.unknown_types_are_counters;
	statsd_begin(&p, datagram, &o);
	while ((got = statsd_next(&p, &r, &why)) != STATSD_END) {
		if (got == STATSD_BAD)
			to->bad(to->ctx, why);
		else
			to->record(to->ctx, &r);
	}
}

static void
read_graphite(const struct conf *conf, struct slice datagram, int64_t now_ns,
    const struct explain_events *to)
{
	struct graphite_options o = {
		.now_ns = now_ns, .max_name = conf->graphite.max_name,
		.time_optional = conf->graphite.missing_time_is_now
	};
	struct record r = { .received_ns = now_ns };

	while (datagram.len > 0) {
		struct slice line = slice_cut(&datagram, '\n');
		enum reason why = graphite_parse(line, &o, &r);

		if (why == REASON_NONE)
			to->record(to->ctx, &r);
		else if (why != REASON_EMPTY)
			to->bad(to->ctx, why);
	}
}

static void
read_syslog(const struct conf *conf, struct slice datagram, int64_t now_ns,
    const struct explain_events *to)
{
	struct syslog_options o = {
		.now_ns = now_ns, .skew_ns = SKEW_NS,
		.zone_s = conf->syslog.zone_s == CONF_ZONE_UTC ||
		    conf->syslog.zone_s == CONF_ZONE_LOCAL ? 0 :
		    conf->syslog.zone_s,
		.max_len = conf->syslog.limits.max_line
	};
	struct record r = { .source = SOURCE_SYSLOG };
	enum reason why = syslog_parse(datagram, &o, &r);

	r.source = SOURCE_SYSLOG;
	r.received_ns = now_ns;
	if (why == REASON_NONE)
		to->record(to->ctx, &r);
	else
		to->bad(to->ctx, why);
}

static void
read_command(const struct slice *argv, size_t argc, int64_t now_ns,
    const struct explain_events *to)
{
	struct pair pairs[MAX_PAIRS];
	struct record r = {
		.kind = RECORD_EVENT, .source = SOURCE_RESP,
		.received_ns = now_ns
	};
	enum reason why = REASON_UNKNOWN_COMMAND;
	struct xadd x;

	if (slice_eq_nocase(argv[0], SLICE("XADD")))
		why = xadd_parse(argv, argc, pairs, MAX_PAIRS, &r.event, &x);
	if (why == REASON_NONE && !x.id_auto)
		why = REASON_BAD_VALUE;		/* ids are ours to give */
	if (why == REASON_NONE)
		to->record(to->ctx, &r);
	else
		to->bad(to->ctx, why);
}

/* Commands as redis-cli's user types them, or as RESP has them. */
static void
read_resp(const struct conf *conf, struct slice datagram, int64_t now_ns,
    const struct explain_events *to)
{
	struct buf in = BUF_INIT(RESP_MAX_INLINE + conf->events.max_event);
	struct resp_parser p;
	struct slice rest;
	enum resp_status got;
	size_t used;

	resp_parser_init(&p, 2 * MAX_PAIRS + 32, (size_t)conf->events.max_event +
	    64);
	buf_add_slice(&in, datagram);
	buf_adds(&in, "\r\n");
	rest = buf_slice(&in);
	while ((got = resp_request(&p, rest, &used)) != RESP_MORE) {
		if (got == RESP_READY && p.argc > 0)
			read_command(p.argv, p.argc, now_ns, to);
		else if (got != RESP_READY)
			to->bad(to->ctx, p.reason);
		if (got == RESP_BAD)
			break;
		rest = slice_from(rest, used);
	}
	if (got == RESP_MORE && slice_trim(slice_from(rest, used)).len > 0)
		to->bad(to->ctx, REASON_TRUNCATED);
	resp_parser_fini(&p);
	buf_fini(&in);
}

explain_read *
explain_protocol(const char *name)
{
	static const struct { const char *name; explain_read *read; } all[] = {
		{ "statsd", read_statsd }, { "graphite", read_graphite },
		{ "syslog", read_syslog }, { "resp", read_resp },
		{ "xadd", read_resp },
	};

	for (size_t i = 0; i < sizeof all / sizeof *all; i++)
		if (strcmp(name, all[i].name) == 0)
			return all[i].read;
	return NULL;
}
