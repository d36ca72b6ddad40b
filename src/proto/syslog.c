/* syslog.c - one syslog message: what is common to both formats. */
#include "config.h"

#include "proto/syslog.h"
#include "proto/syslog_parts.h"

#define DEFAULT_PRI 13		/* user.notice (RFC 3164 section 4.3.3) */
#define BOM SLICE("\xef\xbb\xbf")

static bool
digit(char c)
{
	return c >= '0' && c <= '9';
}

/* Without the NULs and line ends behind it. */
static struct slice
strip_end(struct slice s)
{
	while (s.len > 0 && (s.ptr[s.len - 1] == '\n' ||
	    s.ptr[s.len - 1] == '\r' || s.ptr[s.len - 1] == '\0'))
		s.len--;
	return s;
}

static bool
blank(struct slice s)
{
	for (size_t i = 0; i < s.len; i++)
		if (s.ptr[i] != '\0' && s.ptr[i] != ' ' &&
		    !(s.ptr[i] >= '\t' && s.ptr[i] <= '\r'))
			return false;
	return true;
}

/* An octet count that a framer on the way forgot: "83 <34>". */
static void
skip_count(struct slice *s, uint32_t *flags)
{
	size_t n = 0;

	while (n < s->len && n < 8 && digit(s->ptr[n]))
		n++;
	if (n == 0 || s->len < n + 3 || s->ptr[n] != ' ' ||
	    s->ptr[n + 1] != '<' || !digit(s->ptr[n + 2]))
		return;
	*flags |= LOG_FLAG_FRAMING;
	*s = slice_from(*s, n + 1);
}

/* "<34>" off the front of *s, giving its number.  One that is closed but
 * means nothing is taken off; of one that is not, *broken tells. */
static unsigned
take_pri(struct slice *s, uint32_t *flags, bool *broken)
{
	unsigned v = 0;
	size_t n;

	if (s->len == 0 || s->ptr[0] != '<') {
		*flags |= LOG_FLAG_NOPRI;
		return DEFAULT_PRI;
	}
	for (n = 1; n < s->len && digit(s->ptr[n]); n++)
		if (v <= 191)
			v = v * 10 + (unsigned)(s->ptr[n] - '0');
	if (n == s->len || s->ptr[n] != '>') {
		*broken = true;
		*flags |= LOG_FLAG_BADPRI;
		return DEFAULT_PRI;
	}
	*s = slice_from(*s, n + 1);
	if (n >= 2 && n <= 4 && v <= 191)
		return v;
	*flags |= LOG_FLAG_BADPRI;
	return DEFAULT_PRI;
}

/* A log record with nothing in it yet. */
static void
begin(struct record *r, const struct syslog_options *o, struct slice raw)
{
	static const struct log_record nothing;

	r->kind = RECORD_LOG;
	r->source = SOURCE_SYSLOG;
	r->time_ns = r->received_ns = o->now_ns;
	r->peer = o->peer;
	r->log = nothing;
	r->log.raw = raw;
}

enum reason
syslog_parse(struct slice msg, const struct syslog_options *o, struct record *r)
{
	uint32_t flags = 0;
	unsigned pri;
	bool broken = false;

	msg = strip_end(msg);
	if (blank(slice_upto(msg, 64)) && blank(msg))
		return REASON_EMPTY;
	if (o->max_len > 0 && msg.len > o->max_len) {
		msg.len = o->max_len;
		flags |= LOG_FLAG_TRUNCATED;
	}
	begin(r, o, msg);
	if (slice_starts(msg, BOM)) {
		flags |= LOG_FLAG_BOM;
		msg = slice_from(msg, BOM.len);
	}
	if (msg.len > 0 && digit(msg.ptr[0]))
		skip_count(&msg, &flags);
	pri = take_pri(&msg, &flags, &broken);
	r->log.facility = (uint8_t)(pri >> 3);
	r->log.severity = pri & 7;
	r->log.flags = flags;
	if (broken)
		r->log.body = msg;
	else if (!syslog_5424(msg, o, r))
		syslog_3164(msg, o, r);
	if (r->log.host.len == 0)
		r->log.host = o->host;
	return REASON_NONE;
}
