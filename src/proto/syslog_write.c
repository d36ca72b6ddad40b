/* syslog_write.c - records on their way to another syslog receiver. */
#include "config.h"

#include <stdio.h>

#include "base/civil.h"
#include "base/number.h"
#include "proto/syslog_write.h"

#define S_NS INT64_C(1000000000)
#define COUNT_DIGITS 8

/* One header field: printable ASCII, no longer than allowed, "-" for none. */
static bool
put_field(struct buf *out, struct slice s, size_t max)
{
	if (s.len == 0)
		return buf_addc(out, '-');
	for (size_t i = 0; i < s.len && i < max; i++)
		if (!buf_addc(out, s.ptr[i] > ' ' && s.ptr[i] < 0x7f ?
		    s.ptr[i] : '_'))
			return false;
	return true;
}

static bool
put_pri(struct buf *out, const struct log_record *l)
{
	return buf_addc(out, '<') &&
	    buf_add_u64(out, (uint64_t)l->facility * 8 + l->severity) &&
	    buf_addc(out, '>');
}

/* The record's time: its seconds since 1970, and what is left of it in ns. */
static int64_t
seconds_of(const struct record *r, unsigned *ns)
{
	int64_t t = r->time_ns != 0 ? r->time_ns : r->received_ns;
	int64_t left = t % S_NS;

	left += left < 0 ? S_NS : 0;
	*ns = (unsigned)left;
	return (t - left) / S_NS;
}

static bool
write_5424(const struct record *r, struct buf *out)
{
	const struct log_record *l = &r->log;
	unsigned ns;
	struct civil t = civil_from_seconds(seconds_of(r, &ns));

	if (!put_pri(out, l) || !buf_printf(out,
	    "1 %04d-%02u-%02uT%02u:%02u:%02u.%06uZ ", (int)t.year, t.month,
	    t.day, t.hour, t.minute, t.second, ns / 1000) ||
	    !put_field(out, l->host, 255) || !buf_addc(out, ' ') ||
	    !put_field(out, l->app, 48) || !buf_addc(out, ' ') ||
	    !put_field(out, l->procid, 128) || !buf_addc(out, ' ') ||
	    !put_field(out, l->msgid, 32) || !buf_addc(out, ' '))
		return false;
	if (l->sd.len == 0 ? !buf_addc(out, '-') : !buf_add_slice(out, l->sd))
		return false;
	return l->body.len == 0 ||
	    (buf_addc(out, ' ') && buf_add_slice(out, l->body));
}

static bool
write_3164(const struct record *r, int32_t zone_s, struct buf *out)
{
	static const char months[] = "JanFebMarAprMayJunJulAugSepOctNovDec";
	const struct log_record *l = &r->log;
	unsigned ns;
	struct civil t = civil_from_seconds(seconds_of(r, &ns) + zone_s);

	if (!put_pri(out, l) || !buf_printf(out, "%.3s %2u %02u:%02u:%02u ",
	    months + 3 * (t.month - 1), t.day, t.hour, t.minute, t.second) ||
	    !put_field(out, l->host, 255) || !buf_addc(out, ' '))
		return false;
	if (l->app.len > 0 && !put_field(out, l->app, 48))
		return false;
	if (l->procid.len > 0 && (!buf_addc(out, '[') ||
	    !put_field(out, l->procid, 128) || !buf_addc(out, ']')))
		return false;
	if ((l->app.len > 0 || l->procid.len > 0) && !buf_adds(out, ": "))
		return false;
	return l->body.len == 0 || buf_add_slice(out, l->body);
}

bool
syslog_write(enum syslog_form form, int32_t zone_s, const struct record *r,
    struct buf *out)
{
	size_t before = out->len;
	bool ok = false;

	switch (form) {
	case SYSLOG_RFC5424:
		ok = write_5424(r, out);
		break;
	case SYSLOG_RFC3164:
		ok = write_3164(r, zone_s, out);
		break;
	case SYSLOG_RAW:
		ok = buf_add_slice(out, r->log.raw.len > 0 ? r->log.raw :
		    r->log.body);
		break;
	}
	if (!ok)
		out->len = before;
	return ok;
}

bool
syslog_write_counted(enum syslog_form form, int32_t zone_s,
    const struct record *r, struct buf *out)
{
	size_t before = out->len, len;
	char count[COUNT_DIGITS + 2];
	int n;

	if (!buf_add(out, "         ", COUNT_DIGITS + 1) ||
	    !syslog_write(form, zone_s, r, out)) {
		out->len = before;
		return false;
	}
	len = out->len - before - COUNT_DIGITS - 1;
	n = snprintf(count, sizeof count, "%zu ", len);
	memcpy(out->data + before, count, (size_t)n);
	memmove(out->data + before + n, out->data + before + COUNT_DIGITS + 1,
	    len);
	out->len = before + (size_t)n + len;
	return true;
}

bool
syslog_take_counted(struct slice *in, struct slice *msg)
{
	size_t sp = slice_find(slice_upto(*in, COUNT_DIGITS + 1), ' ');
	uint64_t len;

	if (sp >= in->len || !number_u64(slice_upto(*in, sp), &len) ||
	    len > in->len - sp - 1)
		return false;
	*msg = slice_of(in->ptr + sp + 1, (size_t)len);
	*in = slice_from(*in, sp + 1 + (size_t)len);
	return true;
}

bool
syslog_write_line(struct slice msg, struct buf *out)
{
	while (msg.len > 0) {
		size_t n = slice_find(msg, '\n');

		if (!buf_add(out, msg.ptr, n))
			return false;
		if (n < msg.len && !buf_adds(out, "#012"))
			return false;
		msg = slice_from(msg, n < msg.len ? n + 1 : n);
	}
	return buf_addc(out, '\n');
}
