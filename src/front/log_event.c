/* log_event.c - syslog messages as events. */
#include "config.h"

#include "front/bad.h"
#include "front/log_event.h"
#include "front/log_feed.h"
#include "front/worker.h"
#include "proto/log_text.h"
#include "proto/syslog.h"
#include "proto/xadd.h"

#define FIELDS_MAX 12

struct fields {
	struct pair v[FIELDS_MAX];
	size_t n;
};

static void
field(struct fields *f, struct slice key, struct slice value)
{
	if (value.len > 0)
		f->v[f->n++] = (struct pair){ key, value };
}

/* The names that a producer gave its event, when it did. */
static void
find_names(struct slice sd, struct event_record *ev)
{
	struct syslog_sd it;
	struct slice id, key, value, pid = SLICE(""), iid = SLICE("");

	syslog_sd_begin(&it, sd);
	while (syslog_sd_next(&it, &id, &key, &value)) {
		if (!slice_starts(id, SLICE("evt@")))
			continue;
		if (slice_eq(key, SLICE("pid")))
			pid = value;
		else if (slice_eq(key, SLICE("iid")) ||
		    slice_eq(key, SLICE("seq")))
			iid = value;
	}
	if (pid.len > 0 && pid.len <= XADD_MAX_PID && iid.len > 0 &&
	    iid.len <= XADD_MAX_IID) {
		ev->pid = pid;
		ev->iid = iid;
	}
}

/* "{app}" and "{host}" replaced, and bytes that a stream's name cannot have. */
static bool
stream_name(const char *pattern, const struct log_record *l, struct buf *out)
{
	struct slice rest = slice_str(pattern);

	while (rest.len > 0) {
		struct slice part = slice_upto(rest, 1), skip = part;

		if (slice_starts(rest, SLICE("{app}"))) {
			part = l->app.len > 0 ? l->app : SLICE("none");
			skip = SLICE("{app}");
		} else if (slice_starts(rest, SLICE("{host}"))) {
			part = l->host.len > 0 ? l->host : SLICE("none");
			skip = SLICE("{host}");
		}
		for (size_t i = 0; i < part.len && out->len <
		    XADD_MAX_STREAM; i++)
			buf_addc(out, (unsigned char)part.ptr[i] < ' ' ||
			    part.ptr[i] == 0x7f ? '_' : part.ptr[i]);
		rest = slice_from(rest, skip.len);
	}
	return xadd_good_stream(buf_slice(out));
}

static void
refused(struct door *d, enum reason why, struct slice msg, struct slice peer)
{
	pipeline_refused(&d->worker->pipeline, RECORD_EVENT, SOURCE_RELP, why,
	    1);
	bad_input(SOURCE_RELP, why, msg, NULL);
}

void
log_event(struct door *d, struct slice msg, uint32_t flags, struct slice peer,
    struct ticket *t)
{
	struct syslog_options o = {
		.now_ns = d->worker->now_ns, .host = log_feed_host(peer),
		.peer = peer, .skew_ns = 0
	};
	struct buf stream = BUF_INIT(XADD_MAX_STREAM + 1);
	struct log_second second = { 0 };
	char time[LOG_TIME_MAX];
	struct fields f = { .n = 0 };
	struct record log = { 0 }, r;
	enum reason why = syslog_parse(msg, &o, &log);
	const struct log_record *l = &log.log;

	if (why == REASON_NONE &&
	    !stream_name(d->conf->events.relp_stream, l, &stream))
		why = REASON_BAD_STREAM;
	if (why != REASON_NONE) {
		refused(d, why, msg, peer);
		buf_fini(&stream);
		return;
	}
	field(&f, SLICE("host"), l->host);
	field(&f, SLICE("app"), l->app);
	field(&f, SLICE("procid"), l->procid);
	field(&f, SLICE("msgid"), l->msgid);
	field(&f, SLICE("facility"), slice_str(facility_name(l->facility)));
	field(&f, SLICE("severity"), slice_str(severity_name(l->severity)));
	field(&f, SLICE("time"), slice_of(time, (size_t)(log_text_time(time,
	    log.time_ns, 0, &second) - time)));
	field(&f, SLICE("sd"), l->sd);
	f.v[f.n++] = (struct pair){ SLICE("body"), l->body };
	if ((flags & LOG_FLAG_TRUNCATED) != 0)
		field(&f, SLICE("truncated"), SLICE("1"));
	r = (struct record){
		.kind = RECORD_EVENT, .source = SOURCE_RELP,
		.time_ns = log.time_ns, .received_ns = o.now_ns, .peer = peer
	};
	r.event = (struct event_record){ .stream = buf_slice(&stream),
	    .fields = f.v, .nfields = f.n };
	find_names(l->sd, &r.event);
	pipeline_event(&d->worker->pipeline, &r, t, EVENT_NO_SLOT, false);
	buf_fini(&stream);
}
