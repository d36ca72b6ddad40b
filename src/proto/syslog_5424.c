/* syslog_5424.c - RFC 5424 messages, and what calls itself one.
 *
 * Read with mercy: any version, several spaces for one, fields of any length,
 * no structured data at all (Heroku, old Docker), a header that ends early,
 * and Meraki's "1 EPOCH host type text", which has no more fields than that. */
#include "config.h"

#include "proto/scan.h"
#include "proto/syslog_parts.h"

static void
skip_spaces(struct slice *s)
{
	while (s->len > 0 && s->ptr[0] == ' ')
		*s = slice_from(*s, 1);
}

/* The next field of the header.  False when there is none: *in is empty. */
static bool
take_field(struct slice *in, struct slice *field)
{
	const char *end = in->ptr + in->len, *at;

	skip_spaces(in);
	if (in->len == 0)
		return false;
	at = scan_to(in->ptr, end, ' ');
	*field = slice_of(in->ptr, (size_t)(at - in->ptr));
	*in = slice_of(at, (size_t)(end - at));
	if (field->len == 1 && field->ptr[0] == '-')
		field->len = 0;
	return true;
}

/* "1 ", "12 "; gives 0 when this is no version. */
static unsigned
take_version(struct slice *in)
{
	unsigned v = 0;
	size_t n = 0;

	for (; n < in->len && n < 3 && in->ptr[n] >= '0' && in->ptr[n] <= '9'; n++)
		v = v * 10 + (unsigned)(in->ptr[n] - '0');
	if (n == 0 || in->ptr[0] == '0' || n == in->len || in->ptr[n] != ' ')
		return 0;
	*in = slice_from(*in, n);
	skip_spaces(in);
	return v;
}

/* "-" */
static bool
take_nil(struct slice *in)
{
	if (in->len == 0 || in->ptr[0] != '-' ||
	    (in->len > 1 && in->ptr[1] != ' '))
		return false;
	*in = slice_from(*in, 1);
	return true;
}

static void
take_sd(struct slice *in, struct log_record *l)
{
	size_t n;

	skip_spaces(in);
	if (in->len == 0) {
		l->flags |= LOG_FLAG_SHORT;
		return;
	}
	if (take_nil(in))
		return;
	if (in->ptr[0] != '[') {
		l->flags |= LOG_FLAG_NOSD;
		return;
	}
	n = syslog_sd_length(*in);
	if (n == 0 || (n < in->len && in->ptr[n] != ' ')) {
		l->flags |= LOG_FLAG_BADSD;
		return;
	}
	l->sd = slice_upto(*in, n);
	*in = slice_from(*in, n);
}

static void
take_body(struct slice *in, struct log_record *l)
{
	if (in->len > 0 && in->ptr[0] == ' ')
		*in = slice_from(*in, 1);
	if (slice_starts(*in, SLICE("\xef\xbb\xbf")))
		*in = slice_from(*in, 3);
	l->body = *in;
}

bool
syslog_5424(struct slice in, const struct syslog_options *o, struct record *r)
{
	unsigned version = take_version(&in);
	struct syslog_time t;
	struct log_record *l = &r->log;
	bool epoch = false;

	if (version == 0)
		return false;
	if (syslog_time_iso(&in, o, false, &t) &&
	    (in.len == 0 || in.ptr[0] == ' '))
		syslog_set_time(&t, o, r);
	else if (version == 1 && (epoch = syslog_time_epoch(&in, &t)))
		syslog_set_time(&t, o, r);
	else if (in.len < 2 || !take_nil(&in))
		return false;
	if (version != 1)
		l->flags |= LOG_FLAG_VERSION;
	if (!take_field(&in, &l->host) || !take_field(&in, &l->app)) {
		l->flags |= LOG_FLAG_SHORT;
	} else if (epoch) {
		l->flags |= LOG_FLAG_NOSD;
	} else if (!take_field(&in, &l->procid) ||
	    !take_field(&in, &l->msgid)) {
		l->flags |= LOG_FLAG_SHORT;
	} else {
		take_sd(&in, l);
	}
	take_body(&in, l);
	return true;
}
