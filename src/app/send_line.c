/* send_line.c - the lines that `millrace send metric` and `log` put out. */
#include "config.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>
#include <time.h>
#include <unistd.h>

#include "app/send.h"

/* In the order of their numbers (RFC 5424, 6.2.1). */
static const char *const severities[] = {
	"emerg", "alert", "crit", "err", "warning", "notice", "info", "debug", NULL
};
static const char *const facilities[] = {
	"kern", "user", "mail", "daemon", "auth", "syslog", "lpr", "news", "uucp",
	"cron", "authpriv", "ftp", "ntp", "audit", "alert", "clock", "local0",
	"local1", "local2", "local3", "local4", "local5", "local6", "local7", NULL
};
static const char *const types[] = { "c", "g", "ms", "s", "h", "d", NULL };

static int
find(const char *const *names, const char *name)
{
	int i;

	for (i = 0; names[i] != NULL; i++)
		if (strcasecmp(names[i], name) == 0)
			return i;
	return -1;
}

static enum send_exit
refuse(const char *what, const char *value, const char *why)
{
	fprintf(stderr, "millrace send: %s '%s' %s\n", what, value, why);
	return SEND_DATA;
}

static bool
is_number(const char *s)
{
	char *end;
	double v;

	if (strspn(s, "+-0123456789.eE") != strlen(s))
		return false;	/* no hex, no nan, no blanks */
	v = strtod(s, &end);
	return end != s && *end == '\0' && v - v == 0;
}

static enum send_exit
check_tag(struct slice tag)
{
	size_t i;

	if (slice_find(tag, '=') == 0)
		return refuse("tag", tag.ptr, "has no key");
	for (i = 0; i < tag.len; i++)
		if (strchr(",|#\n", tag.ptr[i]) != NULL)
			return refuse("tag", tag.ptr,
			    "must not hold , | # or a newline");
	return SEND_OK;
}

static bool
add_tags(const struct send_opts *o, struct buf *out)
{
	bool ok = true;
	size_t i;

	for (i = 0; i < o->ntags; i++) {
		struct slice rest = o->tags[i], key = slice_cut(&rest, '=');

		ok = ok && buf_adds(out, i == 0 ? "|#" : ",") &&
		    buf_add_slice(out, key);
		if (rest.ptr != NULL)
			ok = ok && buf_addc(out, ':') &&
			    buf_add_slice(out, rest);
	}
	return ok;
}

enum send_exit
send_metric_line(const struct send_opts *o, const char *name, const char *value,
    struct buf *out)
{
	const char *type = o->type != NULL ? o->type : "c";
	bool ok;
	size_t i;

	if (*name == '\0' || strpbrk(name, ":|@\n") != NULL)
		return refuse("name", name, "must not be empty or hold : | @");
	if (find(types, type) == -1)
		return refuse("type", type, "is none of c g ms s h d");
	if (strcmp(type, "s") == 0) {
		if (*value == '\0' || strpbrk(value, ":|\n") != NULL)
			return refuse("member", value,
			    "must not be empty or hold : |");
	} else if (!is_number(value))
		return refuse("value", value, "is not a number");
	if (o->rate != NULL && (!is_number(o->rate) ||
	    strtod(o->rate, NULL) <= 0 || strtod(o->rate, NULL) > 1))
		return refuse("rate", o->rate, "is not above 0 and at most 1");
	for (i = 0; i < o->ntags; i++)
		if (check_tag(o->tags[i]) != SEND_OK)
			return SEND_DATA;
	ok = buf_printf(out, "%s:%s|%s", name, value, type);
	if (o->rate != NULL)
		ok = ok && buf_printf(out, "|@%s", o->rate);
	ok = ok && add_tags(o, out);
	return ok ? SEND_OK : refuse("metric", name, "is too long");
}

/* Printable ASCII without blanks, at most max of it; "-" when there is none. */
static bool
add_word(struct buf *out, const char *s, size_t max)
{
	size_t i;
	bool ok = true;

	if (s == NULL || *s == '\0')
		s = "-";
	for (i = 0; s[i] != '\0' && i < max; i++)
		ok = ok && buf_addc(out, s[i] > 32 && s[i] < 127 ? s[i] : '_');
	return ok && buf_addc(out, ' ');
}

static bool
add_time(struct buf *out)
{
	struct timespec ts;
	struct tm tm;
	char text[32];

	clock_gettime(CLOCK_REALTIME, &ts);
	gmtime_r(&ts.tv_sec, &tm);
	strftime(text, sizeof text, "%Y-%m-%dT%H:%M:%S", &tm);
	return buf_printf(out, "%s.%06ldZ ", text, ts.tv_nsec / 1000);
}

enum send_exit
send_log_line(const struct send_opts *o, struct slice message, struct buf *out)
{
	const char *severity = o->severity != NULL ? o->severity : "info";
	const char *facility = o->facility != NULL ? o->facility : "user";
	char host[256] = "";
	int sev, fac;
	bool ok;

	if (strcasecmp(severity, "warn") == 0)
		severity = "warning";
	if (strcasecmp(severity, "error") == 0)
		severity = "err";
	sev = find(severities, severity);
	fac = find(facilities, facility);
	if (sev == -1)
		return refuse("severity", severity,
		    "is none of emerg alert crit err warning notice info debug");
	if (fac == -1)
		return refuse("facility", facility,
		    "is none of kern user mail daemon ... local0 to local7");
	if (o->host == NULL)
		(void)gethostname(host, sizeof host - 1);
	ok = buf_printf(out, "<%d>1 ", fac * 8 + sev) && add_time(out) &&
	    add_word(out, o->host != NULL ? o->host : host, 255) &&
	    add_word(out, o->app != NULL ? o->app : "millrace-send", 48) &&
	    buf_printf(out, "%ld - - ", (long)getpid()) &&
	    buf_add_slice(out, message);
	return ok ? SEND_OK : refuse("message", "...", "is too long");
}
