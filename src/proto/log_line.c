/* log_line.c - the line formats; here "syslog" and "raw". */
#include "config.h"

#include <assert.h>

#include "proto/log_text.h"
#include "proto/scan.h"

static const char *const names[LOG_FORMATS] = {
	"syslog", "rfc5424", "json", "raw"
};

const char *
log_format_name(enum log_format f)
{
	assert((unsigned)f < LOG_FORMATS);
	return names[f];
}

bool
log_format_named(struct slice name, enum log_format *f)
{
	for (unsigned i = 0; i < LOG_FORMATS; i++)
		if (slice_eq(name, slice_str(names[i]))) {
			*f = (enum log_format)i;
			return true;
		}
	return false;
}

static char *
copy(char *p, struct slice s)
{
	memcpy(p, s.ptr, s.len);
	return p + s.len;
}

/* The usual record: nothing in it needs an escape. */
static bool
plain(const struct log_record *l)
{
	return log_text_plain_word(l->host, LOG_TEXT_WORD) &&
	    log_text_plain_word(l->app, LOG_TEXT_APP) &&
	    (l->procid.len == 0 ||
	    log_text_plain_word(l->procid, LOG_TEXT_WORD)) &&
	    scan_plain(l->body.ptr, l->body.len, '\\', '\\') == l->body.len;
}

static bool
write_plain(const struct record *r, struct log_clock *clock, struct buf *out)
{
	const struct log_record *l = &r->log;
	char *p;

	if (!buf_reserve(out, LOG_TIME_MAX + l->host.len + l->app.len +
	    l->procid.len + l->body.len + 8))
		return false;
	p = log_text_time(out->data + out->len, log_text_when(r), 6,
	    &clock->time);
	*p++ = ' ';
	p = copy(p, l->host);
	*p++ = ' ';
	p = copy(p, l->app);
	if (l->procid.len > 0) {
		*p++ = '[';
		p = copy(p, l->procid);
		*p++ = ']';
	}
	*p++ = ':';
	*p++ = ' ';
	if (l->body.len > 0)
		p = copy(p, l->body);
	*p++ = '\n';
	out->len = (size_t)(p - out->data);
	return true;
}

static bool
write_escaped(const struct record *r, struct log_clock *clock, struct buf *out)
{
	const struct log_record *l = &r->log;
	char time[LOG_TIME_MAX];
	char *end = log_text_time(time, log_text_when(r), 6, &clock->time);

	return buf_add(out, time, (size_t)(end - time)) &&
	    buf_addc(out, ' ') &&
	    log_text_escape_word(out, l->host, LOG_TEXT_WORD) &&
	    buf_addc(out, ' ') &&
	    log_text_escape_word(out, l->app, LOG_TEXT_APP) &&
	    (l->procid.len == 0 ||
	    (buf_addc(out, '[') &&
	    log_text_escape(out, l->procid, LOG_TEXT_WORD) &&
	    buf_addc(out, ']'))) &&
	    buf_adds(out, ": ") &&
	    log_text_escape(out, l->body, LOG_TEXT_BODY) &&
	    buf_addc(out, '\n');
}

static bool
write_raw(const struct record *r, struct buf *out)
{
	struct slice s = r->log.raw.len > 0 ? r->log.raw : r->log.body, piece;

	while (s.ptr != NULL) {
		piece = slice_cut(&s, '\n');
		if (!buf_add_slice(out, piece) ||
		    (s.ptr != NULL && !buf_adds(out, "\\n")))
			return false;
	}
	return buf_addc(out, '\n');
}

bool
log_line_write(enum log_format f, const struct record *r,
    struct log_clock *clock, struct buf *out)
{
	size_t len = out->len;
	bool ok = false;

	assert(r->kind == RECORD_LOG);
	switch (f) {
	case LOG_FORMAT_SYSLOG:
		ok = plain(&r->log) ? write_plain(r, clock, out) :
		    write_escaped(r, clock, out);
		break;
	case LOG_FORMAT_RFC5424:
		ok = log_line_write_5424(r, clock, out);
		break;
	case LOG_FORMAT_JSON:
		ok = log_line_write_json(r, clock, out);
		break;
	case LOG_FORMAT_RAW:
		ok = write_raw(r, out);
		break;
	case LOG_FORMATS:
		break;
	}
	if (!ok)
		out->len = len;
	return ok;
}

/* Cut "app[procid]" where it was put together. */
static void
cut_tag(struct slice tag, struct log_record *l)
{
	size_t open = slice_find(tag, '[');

	l->app = tag;
	if (open == tag.len || tag.ptr[tag.len - 1] != ']')
		return;
	l->app = slice_upto(tag, open);
	l->procid = slice_of(tag.ptr + open + 1, tag.len - open - 2);
}

static enum reason
parse_syslog(struct slice line, struct record *r, struct buf *scratch)
{
	struct log_record *l = &r->log;
	size_t n;

	if (!log_text_time_parse(slice_cut(&line, ' '), &r->time_ns))
		return REASON_BAD_TIME;
	l->host = slice_cut(&line, ' ');
	/* the tag has no blank in it */
	n = slice_find(line, ' ');
	if (n == 0 || line.len == 0 || line.ptr[n - 1] != ':' || l->host.len == 0)
		return REASON_SYNTAX;
	cut_tag(slice_upto(line, n - 1), l);
	l->body = slice_from(line, n + 1);
	if (!log_text_unescape_word(scratch, &l->host) ||
	    !log_text_unescape_word(scratch, &l->app) ||
	    !log_text_unescape(scratch, &l->procid) ||
	    !log_text_unescape(scratch, &l->body))
		return REASON_NO_MEMORY;
	l->facility = 1;
	l->severity = 5;
	l->flags = LOG_FLAG_NOPRI;
	return REASON_NONE;
}

static enum reason
parse_raw(struct slice line, struct record *r)
{
	r->log.facility = 1;
	r->log.severity = 5;
	r->log.flags = LOG_FLAG_NOPRI | LOG_FLAG_NOTIME;
	r->log.body = line;
	return REASON_NONE;
}

enum reason
log_line_parse(enum log_format f, struct slice line, struct record *r,
    struct buf *scratch)
{
	static const struct record nothing = {
		.kind = RECORD_LOG, .source = SOURCE_SYSLOG
	};

	buf_clear(scratch);
	if (!buf_reserve(scratch, 2 * line.len + 64))
		return REASON_NO_MEMORY;
	*r = nothing;
	r->log.raw = line;
	switch (f) {
	case LOG_FORMAT_SYSLOG:
		return parse_syslog(line, r, scratch);
	case LOG_FORMAT_RFC5424:
		return log_line_parse_5424(line, r, scratch);
	case LOG_FORMAT_JSON:
		return log_line_parse_json(line, r, scratch);
	case LOG_FORMAT_RAW:
		return parse_raw(line, r);
	case LOG_FORMATS:
		break;
	}
	return REASON_SYNTAX;
}

/* Where "time":" ends at the front of a JSON line of ours; a line of another
 * writer is parsed as a whole by who wants more. */
static bool
json_time(struct slice line, struct slice *time)
{
	static const char key[] = "\"time\":\"";
	const char *at;

	line = slice_upto(line, 256);
	at = line.len == 0 ? NULL : memmem(line.ptr, line.len, key, sizeof key - 1);
	if (at == NULL)
		return false;
	*time = slice_from(line, (size_t)(at - line.ptr) + sizeof key - 1);
	*time = slice_upto(*time, slice_find(*time, '"'));
	return true;
}

bool
log_line_time(enum log_format f, struct slice line, int64_t *ns)
{
	struct slice time = { NULL, 0 };

	switch (f) {
	case LOG_FORMAT_SYSLOG:
		time = slice_cut(&line, ' ');
		break;
	case LOG_FORMAT_RFC5424:
		slice_cut(&line, ' ');
		time = slice_cut(&line, ' ');
		break;
	case LOG_FORMAT_JSON:
		if (!json_time(line, &time))
			return false;
		break;
	case LOG_FORMAT_RAW:
	case LOG_FORMATS:
		return false;
	}
	return log_text_time_parse(time, ns);
}
