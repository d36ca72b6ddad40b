/* log_line_5424.c - log records as lines of RFC 5424. */
#include "config.h"

#include "base/utf8.h"
#include "proto/log_text.h"
#include "proto/scan.h"
#include "proto/syslog.h"

#define BOM SLICE("\xef\xbb\xbf")

/* Is this, behind a backslash, what RFC 5424 has it for? */
static bool
is_pair(struct slice behind)
{
	return behind.len > 0 && (behind.ptr[0] == '"' ||
	    behind.ptr[0] == '\\' || behind.ptr[0] == ']');
}

/* Would this, behind a backslash, make it look like an escape of ours?  So do
 * the bytes that we shall write as one. */
static bool
looks_escaped(struct slice behind)
{
	return behind.len == 0 || behind.ptr[0] == 'n' ||
	    behind.ptr[0] == 'r' || behind.ptr[0] == 't' ||
	    behind.ptr[0] == 'x' || (signed char)behind.ptr[0] < ' ' ||
	    behind.ptr[0] == 0x7f;
}

/* One character of structured data that is not plain, or a backslash with
 * what belongs to it.  Takes it off *sd. */
static bool
escape_sd_one(struct buf *out, struct slice *sd)
{
	struct slice s = *sd, behind = slice_from(s, 1);
	size_t n = utf8_sequence(s.ptr, s.len);
	bool ok;

	if (s.ptr[0] == '\\') {
		n = is_pair(behind) ? 2 : 1;
		ok = n == 1 && looks_escaped(behind) ?
		    log_text_hex(out, '\\') : buf_add(out, s.ptr, n);
	} else {
		if (n == 0)
			n = 1;
		ok = log_text_escape(out, slice_upto(s, n), LOG_TEXT_BODY);
	}
	*sd = slice_from(s, n);
	return ok;
}

static bool
escape_sd(struct buf *out, struct slice sd)
{
	size_t n;

	while (sd.len > 0) {
		n = scan_plain(sd.ptr, sd.len, '\\', '\\');
		if (!buf_add(out, sd.ptr, n))
			return false;
		sd = slice_from(sd, n);
		if (sd.len > 0 && !escape_sd_one(out, &sd))
			return false;
	}
	return true;
}

/* The escape at the front of *sd back to a byte; pairs that belong to SD, and
 * backslashes that are none, are left alone.  Takes it off *sd. */
static bool
unescape_sd_one(struct buf *scratch, struct slice *sd)
{
	struct slice s = *sd, behind = slice_from(s, 1);

	if (is_pair(behind)) {
		*sd = slice_from(s, 2);
		return log_text_put(scratch, s.ptr, 2);
	}
	s.len = log_text_hex_at(s.ptr, s.ptr + s.len) >= 0 ? 4 :
	    behind.len > 0 && behind.ptr[0] != 'x' && looks_escaped(behind) ?
	    2 : 1;
	*sd = slice_from(*sd, s.len);
	return log_text_unescape(scratch, &s);
}

/* Another writer's text may only look like ours: it stays as it is when it
 * would be no structured data afterwards. */
static bool
unescape_sd(struct buf *scratch, struct slice *sd)
{
	struct slice s = *sd, before;
	size_t start = scratch->len, n;

	if (slice_find(s, '\\') == s.len)
		return true;
	while (s.len > 0) {
		n = slice_find(s, '\\');
		if (!log_text_put(scratch, s.ptr, n))
			return false;
		s = slice_from(s, n);
		if (s.len > 0 && !unescape_sd_one(scratch, &s))
			return false;
	}
	before = slice_of(scratch->data + start, scratch->len - start);
	if (syslog_sd_length(before) == before.len)
		*sd = before;
	return true;
}

static bool
write_sd(struct buf *out, struct slice sd)
{
	if (sd.len == 0 || syslog_sd_length(sd) != sd.len)
		return buf_adds(out, " -");
	return buf_addc(out, ' ') && escape_sd(out, sd);
}

static bool
write_body(struct buf *out, struct slice body)
{
	if (body.len == 0)
		return buf_addc(out, '\n');
	if (!buf_addc(out, ' '))
		return false;
	if (slice_starts(body, BOM)) {
		for (size_t i = 0; i < BOM.len; i++)
			if (!log_text_hex(out, body.ptr[i]))
				return false;
		body = slice_from(body, BOM.len);
	}
	return log_text_escape(out, body, LOG_TEXT_BODY) && buf_addc(out, '\n');
}

bool
log_line_write_5424(const struct record *r, struct log_clock *clock,
    struct buf *out)
{
	const struct log_record *l = &r->log;
	const struct slice *words[] = { &l->host, &l->app, &l->procid, &l->msgid };
	char *p;

	/* what the line takes when nothing is escaped: one reservation */
	if (!buf_reserve(out, LOG_TIME_MAX + l->host.len + l->app.len +
	    l->procid.len + l->msgid.len + l->sd.len + l->body.len + 20))
		return false;
	buf_addc(out, '<');
	buf_add_u64(out, l->facility * 8u + l->severity);
	buf_adds(out, ">1 ");
	p = log_text_time(out->data + out->len, log_text_when(r), 6,
	    &clock->time);
	out->len = (size_t)(p - out->data);
	for (size_t i = 0; i < 4; i++)
		if (!buf_addc(out, ' ') ||
		    !log_text_escape_word(out, *words[i], LOG_TEXT_WORD))
			return false;
	return write_sd(out, l->sd) && write_body(out, l->body);
}

/* Only what one of us wrote; "(anything)" for odd syslog is syslog_parse(). */
enum reason
log_line_parse_5424(struct slice line, struct record *r, struct buf *scratch)
{
	static const struct syslog_options none;
	const uint32_t bad = LOG_FLAG_NOPRI | LOG_FLAG_BADPRI |
	    LOG_FLAG_NOTIME | LOG_FLAG_NO_ZONE | LOG_FLAG_SHORT |
	    LOG_FLAG_NOSD | LOG_FLAG_BADSD | LOG_FLAG_VERSION |
	    LOG_FLAG_FRAMING | LOG_FLAG_BOM;
	struct log_record *l = &r->log;

	if (syslog_parse(line, &none, r) != REASON_NONE || (l->flags & bad))
		return REASON_SYNTAX;
	if (l->flags & LOG_FLAG_BADTIME)
		return REASON_BAD_TIME;
	l->raw = line;
	if (!log_text_unescape(scratch, &l->host) ||
	    !log_text_unescape(scratch, &l->app) ||
	    !log_text_unescape(scratch, &l->procid) ||
	    !log_text_unescape(scratch, &l->msgid) ||
	    !unescape_sd(scratch, &l->sd) ||
	    !log_text_unescape(scratch, &l->body))
		return REASON_NO_MEMORY;
	return REASON_NONE;
}
