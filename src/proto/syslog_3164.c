/* syslog_3164.c - the old format, "Mmm dd hh:mm:ss host tag[pid]: text", and
 * everything that passes for it: RFC 3164 calls itself a description of what
 * was seen, and more has been seen since.
 *
 * Known here: times in a dozen spellings; no host (libc, Docker, HAProxy); no
 * time (Fortinet, Cisco ASA); Cisco's sequence numbers, origin names and clock
 * marks before the time; "host : %ASA-..."; AIX's "Message forwarded from";
 * IPv6 addresses as hosts.  When in doubt, text is text: no host is made out
 * of "hello world". */
#include "config.h"

#include "base/digits.h"
#include "proto/scan.h"
#include "proto/syslog_parts.h"

#define TAG_MAX 48		/* bytes in a tag that has no colon */
#define NAME_MAX_LEN 255	/* in a host, or a tag that has a colon */

enum class { HOST = 1, BARE = 2, TAG = 4 };

/* What each byte may be part of. */
static const uint8_t classes[256] = {
	['0' ... '9'] = HOST | BARE | TAG,
	['A' ... 'Z'] = HOST | BARE | TAG,
	['a' ... 'z'] = HOST | BARE | TAG,
	['_'] = HOST | BARE | TAG, ['.'] = HOST | BARE | TAG,
	['-'] = HOST | BARE | TAG, ['/'] = HOST | BARE | TAG,
	['%'] = HOST | BARE | TAG, ['@'] = HOST | BARE | TAG,
	['+'] = HOST | BARE | TAG, [':'] = HOST,
	['('] = TAG, [')'] = TAG, ['#'] = TAG, ['~'] = TAG, ['*'] = TAG,
	['$'] = TAG, ['!'] = TAG, ['^'] = TAG, ['\\'] = TAG,
	[128 ... 255] = TAG,
};

static size_t
span(struct slice s, enum class c, size_t max)
{
	size_t n = 0;

	while (n < s.len && n < max && (classes[(unsigned char)s.ptr[n]] & c))
		n++;
	return n;
}

static size_t
digits(struct slice s)
{
	size_t n = 0;

	while (n < s.len && s.ptr[n] >= '0' && s.ptr[n] <= '9')
		n++;
	return n;
}

/* The byte at n, or a blank at the end. */
static char
at(struct slice s, size_t n)
{
	return n < s.len ? s.ptr[n] : ' ';
}

static void
skip_one_space(struct slice *s)
{
	if (s->len > 0 && s->ptr[0] == ' ')
		*s = slice_from(*s, 1);
}

static void
skip_spaces(struct slice *s)
{
	while (s->len > 0 && s->ptr[0] == ' ')
		*s = slice_from(*s, 1);
}

/* Does a colon with this behind it end a tag?  Not in "12:30", "a::b",
 * "http://", "C:\". */
static bool
colon_ends(struct slice s, size_t colon)
{
	char c = at(s, colon + 1);

	return c != ':' && c != '/' && c != '\\' &&
	    digits(slice_upto(s, colon)) < colon;
}

/* "name[pid]: ", "name: "; if not strict also "name[pid] " */
static bool
take_tag(struct slice *in, struct log_record *l, bool strict)
{
	size_t n = span(*in, TAG, NAME_MAX_LEN), end;
	struct slice pid = { NULL, 0 };

	if (n == 0)
		return false;
	end = n;
	if (at(*in, n) == '[') {
		struct slice rest = slice_upto(slice_from(*in, n + 1), 129);
		size_t close = slice_find(rest, ']');

		if (close == rest.len || slice_find(rest, ' ') < close)
			return false;
		pid = slice_upto(rest, close);
		end = n + 1 + close + 1;
		if (at(*in, end) != ':' && (strict || at(*in, end) != ' '))
			return false;
	} else if (at(*in, n) != ':' || !colon_ends(*in, n)) {
		return false;
	}
	if (at(*in, end) == ':')
		end++;
	l->app = slice_upto(*in, n);
	l->procid = pid;
	*in = slice_from(*in, end);
	skip_one_space(in);
	return true;
}

/* "name text": one word that could be a program's name. */
static bool
take_bare_tag(struct slice *in, struct log_record *l)
{
	size_t n = span(*in, BARE, TAG_MAX);

	if (n == 0 || n + 1 >= in->len || in->ptr[n] != ' ' ||
	    (n == 1 && in->ptr[0] == '-') ||
	    slice_starts(*in, SLICE("-- ")) ||
	    slice_starts(*in, SLICE("last message repeated ")))
		return false;
	l->app = slice_upto(*in, n);
	*in = slice_from(*in, n + 1);
	return true;
}

/* Hex digits and at least two colons, maybe with a zone: an IPv6 address. */
static bool
is_ipv6(struct slice s)
{
	size_t colons = 0;

	for (size_t i = 0; i < s.len && s.ptr[i] != '%'; i++) {
		char c = s.ptr[i];

		if (c == ':')
			colons++;
		else if (digits_hex(c) < 0 && c != '.')
			return false;
	}
	return colons >= 2;
}

/* "host ", "host : " */
static bool
take_host(struct slice *in, struct log_record *l)
{
	size_t n = span(*in, HOST, NAME_MAX_LEN);
	struct slice host = slice_upto(*in, n);

	if (n == 0 || n + 1 >= in->len || in->ptr[n] != ' ' ||
	    (n == 1 && host.ptr[0] == '-') ||
	    slice_starts(*in, SLICE("last message repeated ")))
		return false;
	if (host.ptr[n - 1] == ':' && !is_ipv6(host))
		return false;
	l->host = host;
	*in = slice_from(*in, n + 1);
	if (slice_starts(*in, SLICE(": ")))
		*in = slice_from(*in, 2);
	return true;
}

/* "Message forwarded from host: " */
static bool
take_aix(struct slice *in, struct log_record *l)
{
	struct slice rest = *in;
	size_t n;

	if (!slice_starts(rest, SLICE("Message forwarded from ")))
		return false;
	rest = slice_from(rest, sizeof "Message forwarded from " - 1);
	n = span(rest, HOST, NAME_MAX_LEN);
	if (n < 2 || rest.ptr[n - 1] != ':' || at(rest, n) != ' ')
		return false;
	l->host = slice_upto(rest, n - 1);
	*in = slice_from(rest, n);
	skip_one_space(in);
	return true;
}

static bool
take_time(struct slice *in, const struct syslog_options *o,
    struct syslog_time *t)
{
	struct slice s = *in;
	bool unsynced = false;

	if (s.len > 0 && (s.ptr[0] == '*' || s.ptr[0] == '.')) {
		unsynced = true;
		s = slice_from(s, 1);
	}
	if (!syslog_time_bsd(&s, o, t) && !syslog_time_iso(&s, o, true, t))
		return false;
	if (unsynced)
		t->flags |= LOG_FLAG_UNSYNCED;
	*in = s;
	return true;
}

/* What routers write before the time: "45: ", ": ", "45: rtr1: ".  Accepted
 * only with a time behind it that ends in a colon, which says Cisco. */
static bool
take_cisco(struct slice *in, const struct syslog_options *o,
    struct syslog_time *t, struct slice *origin)
{
	struct slice s = *in, name, found = { NULL, 0 };
	uint32_t flags = 0;

	for (int i = 0; i < 3; i++) {
		size_t n = span(s, BARE, NAME_MAX_LEN);

		if (at(s, n) != ':' || at(s, n + 1) != ' ')
			return false;
		name = slice_upto(s, n);
		if (n > 0 && digits(name) == n)
			flags |= LOG_FLAG_SEQ;
		else if (n > 0)
			found = name;
		s = slice_from(s, n + 1);
		skip_spaces(&s);
		if (take_time(&s, o, t)) {
			if (s.len == 0 || s.ptr[0] != ':')
				return false;
			t->flags |= flags;
			*origin = found;
			*in = s;
			return true;
		}
	}
	return false;
}

/* Our own name before the tag: few write one to a local socket, but util-linux
 * `logger --rfc3164` does. */
static bool
take_own_name(struct slice *in, const struct syslog_options *o)
{
	size_t n = o->host.len;

	if (n == 0 || !slice_starts(*in, o->host) || at(*in, n) != ' ' ||
	    n + 1 >= in->len)
		return false;
	*in = slice_from(*in, n + 1);
	return true;
}

/* What stands behind a time. */
static void
timed(struct slice in, const struct syslog_options *o, struct log_record *l)
{
	bool colon = in.len > 0 && in.ptr[0] == ':';
	struct slice rest;

	if (colon)
		in = slice_from(in, 1);
	rest = in;
	skip_spaces(&rest);
	if (take_aix(&rest, l) || (!colon && (o->local ?
	    take_own_name(&rest, o) : take_host(&rest, l))))
		in = rest;
	else
		skip_one_space(&in);
	rest = in;
	skip_spaces(&rest);
	if (take_tag(&rest, l, false) || (!colon && take_bare_tag(&rest, l)))
		in = rest;
	l->body = in;
}

/* No time: a tag must be plain to see, and a host have one behind it. */
static void
untimed(struct slice in, const struct syslog_options *o, struct log_record *l)
{
	struct slice s = in;
	struct log_record probe = *l;
	size_t n;

	l->flags |= LOG_FLAG_NOTIME;
	l->body = in;
	skip_spaces(&s);
	n = digits(s);
	if (at(s, n) == ':' && at(s, n + 1) == ' ' && at(s, n + 2) == '%') {
		if (n > 0)
			l->flags |= LOG_FLAG_SEQ;
		s = slice_from(s, n + 2);
	}
	if (take_tag(&s, l, true)) {
		l->body = s;
		return;
	}
	if (!o->local && take_host(&s, &probe) && take_tag(&s, &probe, true) &&
	    probe.procid.len > 0) {
		l->host = probe.host;
		l->app = probe.app;
		l->procid = probe.procid;
		l->body = s;
	}
}

void
syslog_3164(struct slice in, const struct syslog_options *o, struct record *r)
{
	struct slice s = in, origin = { NULL, 0 };
	struct syslog_time t;

	skip_spaces(&s);
	if (!take_time(&s, o, &t) && !take_cisco(&s, o, &t, &origin)) {
		untimed(in, o, &r->log);
		return;
	}
	syslog_set_time(&t, o, r);
	r->log.host = origin;
	timed(s, o, &r->log);
}
