/* Syslog messages: only blanks are refused, every slice lies in the message,
 * and structured data that was accepted can be walked to its end. */
#include "config.h"

#include <assert.h>

#include "proto/syslog.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static bool
within(struct slice s, struct slice of)
{
	return s.len == 0 || (s.ptr >= of.ptr && s.ptr + s.len <= of.ptr + of.len);
}

static void
walk(struct slice sd)
{
	struct slice id, key, value;
	struct syslog_sd it;
	size_t end = 0;

	syslog_sd_begin(&it, sd);
	while (syslog_sd_next(&it, &id, &key, &value)) {
		assert(id.len > 0 && within(id, sd) && within(key, sd) &&
		    within(value, sd));
		end = (size_t)(value.ptr + value.len - sd.ptr);
	}
	/* only the end of a value and of its element is left */
	for (; end < sd.len; end++)
		assert(sd.ptr[end] == '"' || sd.ptr[end] == ' ' ||
		    sd.ptr[end] == ']');
	assert(sd.len == 0 || it.element > 0);
}

static void
one(struct slice msg, const struct syslog_options *o)
{
	struct record r;

	if (syslog_parse(msg, o, &r) == REASON_EMPTY) {
		for (size_t i = 0; i < msg.len; i++)
			assert(msg.ptr[i] == '\0' || msg.ptr[i] == ' ' ||
			    (msg.ptr[i] >= '\t' && msg.ptr[i] <= '\r'));
		return;
	}
	assert(r.kind == RECORD_LOG && r.log.facility < 24 && r.log.severity < 8);
	assert(within(r.log.app, msg) && within(r.log.procid, msg) &&
	    within(r.log.msgid, msg) && within(r.log.sd, msg) &&
	    within(r.log.body, msg) && within(r.log.raw, msg));
	assert(within(r.log.host, msg) || r.log.host.ptr == o->host.ptr);
	assert(r.time_ns >= 0 && r.received_ns == o->now_ns);
	assert(syslog_sd_length(r.log.sd) == r.log.sd.len);
	walk(r.log.sd);
}

/* Who remembers the last second reads the same as who does not. */
static void
same_time(struct slice msg, struct syslog_options o)
{
	struct syslog_second last = { .seconds = 0 };
	struct record r, again;

	if (syslog_parse(msg, &o, &r) == REASON_EMPTY)
		return;
	o.last = &last;
	for (int i = 0; i < 2; i++) {
		syslog_parse(msg, &o, &again);
		assert(again.time_ns == r.time_ns &&
		    again.log.flags == r.log.flags &&
		    again.log.body.ptr == r.log.body.ptr);
	}
}

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct slice msg = { (const char *)data, size };
	struct syslog_options net = {
		.now_ns = INT64_C(1795360500000000000), .host = SLICE("peer"),
		.skew_ns = 3600, .zone_s = -3600
	};
	struct syslog_options local = {
		.local = true, .receive_time = true, .max_len = 40
	};

	one(msg, &net);
	same_time(msg, net);
	one(msg, &local);
	return 0;
}
