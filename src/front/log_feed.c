/* log_feed.c - parse one message, note where it came from, pass it on. */
#include "config.h"

#include "base/log.h"
#include "base/utf8.h"
#include "core/batch.h"
#include "front/bad.h"
#include "front/log_feed.h"
#include "front/rate.h"
#include "front/worker.h"
#include "proto/syslog.h"

struct slice
log_feed_host(struct slice peer)
{
	size_t colon;

	if (peer.len > 0 && peer.ptr[0] == '[') {
		size_t end = slice_find(peer, ']');

		return slice_of(peer.ptr + 1, end - 1);
	}
	colon = slice_find(peer, ':');
	if (slice_find(slice_from(peer, colon + 1), ':') <
	    peer.len - colon - 1)
		return peer;	/* IPv6 without a port */
	return slice_upto(peer, colon);
}

size_t
log_feed_max(const struct door *d)
{
	return d->limits->max_line *
	    (d->conf->syslog.split_oversize ? LOG_FEED_PIECES : 1);
}

/* Is it one too many of its sender's?  What is critical always comes in, and
 * what will be acknowledged must not be dropped. */
static bool
too_many(const struct door *d, const struct record *r, const struct ticket *t)
{
	const struct conf_syslog *c = &d->conf->syslog;
	struct slice sender = log_feed_host(r->peer);

	if (c->rate_per_source == 0 || t != NULL || r->log.severity <= 2 ||
	    rate_admit(sender, r->received_ns, c->rate_per_source,
	    c->rate_burst))
		return false;
	pipeline_refused(&d->worker->pipeline, RECORD_LOG, d->front->source,
	    REASON_RATE_LIMIT, 1);
	LOG_LIMITED(LOG_AT_WARN, 60, "syslog: %.*s sends more than %llu "
	    "messages a second, the others are refused", (int)sender.len,
	    sender.ptr, (unsigned long long)c->rate_per_source);
	return true;
}

/* At most max bytes, no character cut in two. */
static size_t
piece_len(struct slice s, size_t max)
{
	size_t n = max, from = max > 3 ? max - 3 : 0;

	if (s.len <= max)
		return s.len;
	for (size_t i = from; i < max; i++) {
		size_t c = utf8_sequence(s.ptr + i, s.len - i);

		if (c > 1 && i + c > max)
			n = i;
	}
	return n > 0 ? n : max;
}

/* One record after another, each with the header of the whole. */
static void
give_pieces(struct door *d, struct record *r, struct ticket *t,
    struct log_origin *o)
{
	struct slice body = r->log.body;
	size_t max = d->limits->max_line;

	r->log.flags |= LOG_FLAG_SPLIT;
	while (body.len > 0) {
		size_t n = piece_len(body, max);

		r->log.body = r->log.raw = slice_upto(body, n);
		pipeline_log(&d->worker->pipeline, r, t, o);
		if (o != NULL)
			o->message++;
		body = slice_from(body, n);
	}
}

void
log_feed(struct door *d, struct slice msg, uint32_t flags, struct slice peer,
    struct ticket *t, struct log_origin *origin)
{
	struct syslog_options o = {
		.now_ns = d->worker->now_ns,
		.zone_s = d->conf->syslog.zone_s == INT32_MIN ? 0 :
		    d->conf->syslog.zone_s,
		.local = d->unix_socket,
		.receive_time = d->unix_socket,
		.skew_ns = INT64_C(3600) * 1000000000,
		.max_len = log_feed_max(d),
		.host = d->unix_socket ? slice_str(d->worker->host) :
		    log_feed_host(peer),
		.peer = peer,
		.last = &d->worker->last_second
	};
	struct record r = { .source = d->front->source };
	enum reason why = syslog_parse(msg, &o, &r);

	if (why != REASON_NONE) {
		pipeline_refused(&d->worker->pipeline, RECORD_LOG,
		    d->front->source, why, 1);
		bad_input(d->front->source, why, msg, NULL);
		return;
	}
	r.source = d->front->source;
	r.received_ns = o.now_ns;
	r.log.flags |= flags;
	if (too_many(d, &r, t))
		return;
	if (r.log.body.len > d->limits->max_line &&
	    d->conf->syslog.split_oversize)
		give_pieces(d, &r, t, origin);
	else
		pipeline_log(&d->worker->pipeline, &r, t, origin);
}
