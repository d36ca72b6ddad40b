/* Log lines: a record of any bytes is one clean line that reads back as it
 * was; any line can be read, and what was read can be written and read again. */
#include "config.h"

#include <assert.h>

#include "base/utf8.h"
#include "proto/log_line.h"
#include "proto/syslog.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static struct log_clock clock;

/* What f has of a is in b.  exact: structured data byte by byte. */
static void
same(enum log_format f, const struct record *a, const struct record *b)
{
	assert(slice_eq(a->log.body, b->log.body));
	assert(slice_eq(a->log.host, b->log.host));
	assert(slice_eq(a->log.app, b->log.app));
	assert(slice_eq(a->log.procid, b->log.procid));
	if (f == LOG_FORMAT_SYSLOG)
		return;
	assert(slice_eq(a->log.msgid, b->log.msgid));
	assert(a->log.facility == b->log.facility);
	assert(a->log.severity == b->log.severity);
	if (f == LOG_FORMAT_RFC5424) {
		assert(slice_eq(a->log.sd, b->log.sd));
		return;
	}
	assert(a->time_ns == b->time_ns && a->received_ns == b->received_ns);
	assert(((a->log.flags ^ b->log.flags) & ~(uint32_t)LOG_FLAG_NOT_UTF8) == 0);
}

static void
round_trip(enum log_format f, const struct record *r)
{
	struct buf line = BUF_INIT(1 << 24), scratch = BUF_INIT(1 << 24);
	struct buf again = BUF_INIT(1 << 24);
	struct record back;
	struct slice s;

	assert(log_line_write(f, r, &clock, &line));
	s = slice_upto(buf_slice(&line), line.len - 1);
	assert(line.data[s.len] == '\n' && utf8_prefix(s) == s.len);
	for (size_t i = 0; i < s.len; i++)
		assert((unsigned char)s.ptr[i] >= ' ' && s.ptr[i] != 0x7f);
	assert(log_line_parse(f, s, &back, &scratch) == REASON_NONE);
	same(f, r, &back);
	/* and a second time it does not change at all */
	back.log.raw = r->log.raw;
	assert(log_line_write(f, &back, &clock, &again));
	if (f != LOG_FORMAT_JSON || !(back.log.flags & LOG_FLAG_NOT_UTF8))
		assert(slice_eq(buf_slice(&line), buf_slice(&again)));
	buf_fini(&line);
	buf_fini(&scratch);
	buf_fini(&again);
}

/* For json: header fields without what is no UTF-8. */
static void
cut_bad(struct slice *s)
{
	s->len = utf8_prefix(*s);
}

static void
all_formats(struct record *r)
{
	round_trip(LOG_FORMAT_SYSLOG, r);
	round_trip(LOG_FORMAT_RFC5424, r);
	cut_bad(&r->log.host);
	cut_bad(&r->log.app);
	cut_bad(&r->log.procid);
	cut_bad(&r->log.msgid);
	round_trip(LOG_FORMAT_JSON, r);
}

/* The bytes as they are, between blanks, as the fields of a record. */
static void
as_fields(struct slice in)
{
	struct record r = {
		.kind = RECORD_LOG, .time_ns = INT64_C(1787407200123456000),
		.received_ns = INT64_C(1787407200123456789),
	};
	struct slice sd;

	r.log.facility = (uint8_t)(in.len % 24);
	r.log.severity = in.len & 7;
	r.log.host = slice_cut(&in, '|');
	r.log.app = slice_cut(&in, '|');
	r.log.procid = slice_cut(&in, '|');
	r.log.msgid = slice_cut(&in, '|');
	sd = slice_cut(&in, '|');
	if (syslog_sd_length(sd) == sd.len)
		r.log.sd = sd;
	r.log.body = in;
	all_formats(&r);
}

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct slice in = { (const char *)data, size };
	struct syslog_options o = { .now_ns = INT64_C(1787407200123456000) };
	struct buf scratch = BUF_INIT(1 << 24);
	struct record r;

	if (size > 100000)
		return 0;
	as_fields(in);
	if (syslog_parse(in, &o, &r) == REASON_NONE) {
		r.time_ns -= r.time_ns % 1000;
		all_formats(&r);
	}
	for (unsigned f = 0; f < LOG_FORMATS; f++) {
		int64_t ns;

		log_line_time(f, in, &ns);
		if (log_line_parse(f, in, &r, &scratch) == REASON_NONE &&
		    f != LOG_FORMAT_RAW) {
			r.time_ns -= r.time_ns % 1000;
			if (r.time_ns == 0)
				r.time_ns = 1000;
			all_formats(&r);
		}
	}
	buf_fini(&scratch);
	return 0;
}
