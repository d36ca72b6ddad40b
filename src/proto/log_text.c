/* log_text.c - the escapes and times that the line formats share. */
#include "config.h"

#include "base/civil.h"
#include "base/digits.h"
#include "base/utf8.h"
#include "proto/log_text.h"
#include "proto/scan.h"
#include "proto/syslog_parts.h"

#define NS INT64_C(1000000000)
#define ALL (LOG_TEXT_BODY | LOG_TEXT_WORD | LOG_TEXT_APP)

/* Where each byte may stand as it is.  Those above 127 must be looked at. */
static const uint8_t plain[256] = {
	[' '] = LOG_TEXT_BODY,
	['!' ... 'Z'] = ALL,
	['['] = LOG_TEXT_BODY | LOG_TEXT_WORD,
	[']' ... '~'] = ALL,
};

static const char hex[] = "0123456789abcdef";

bool
log_text_plain_word(struct slice s, enum log_text where)
{
	for (size_t i = 0; i < s.len; i++)
		if ((plain[(unsigned char)s.ptr[i]] & where) == 0)
			return false;
	return s.len > 1 || (s.len == 1 && s.ptr[0] != '-');
}

/* How many bytes at the front need no escape. */
static size_t
plain_prefix(struct slice s, enum log_text where)
{
	size_t n = 0;

	if (where == LOG_TEXT_BODY)
		return scan_plain(s.ptr, s.len, '\\', '\\');
	while (n < s.len && (plain[(unsigned char)s.ptr[n]] & where))
		n++;
	return n;
}

bool
log_text_hex(struct buf *out, char c)
{
	char text[4] = { '\\', 'x', hex[(unsigned char)c >> 4], hex[c & 15] };

	return buf_add(out, text, 4);
}

static bool
escape_byte(struct buf *out, char c)
{
	switch (c) {
	case '\\':
		return buf_add(out, "\\\\", 2);
	case '\n':
		return buf_add(out, "\\n", 2);
	case '\r':
		return buf_add(out, "\\r", 2);
	case '\t':
		return buf_add(out, "\\t", 2);
	}
	return log_text_hex(out, c);
}

/* How many bytes at the front of s are one character that may be shown. */
static size_t
shown(struct slice s)
{
	size_t n = utf8_sequence(s.ptr, s.len);

	if (n == 2 && (unsigned char)s.ptr[0] == 0xc2 &&
	    (unsigned char)s.ptr[1] < 0xa0)
		return 0;			/* C1 */
	return n > 1 ? n : 0;
}

bool
log_text_escape(struct buf *out, struct slice s, enum log_text where)
{
	size_t n;

	while (s.len > 0) {
		n = plain_prefix(s, where);
		if (n == 0)
			n = shown(s);
		if (n == 0) {
			if (!escape_byte(out, s.ptr[0]))
				return false;
			n = 1;
		} else if (!buf_add(out, s.ptr, n)) {
			return false;
		}
		s = slice_from(s, n);
	}
	return true;
}

bool
log_text_escape_word(struct buf *out, struct slice s, enum log_text where)
{
	if (s.len == 0)
		return buf_addc(out, '-');
	if (s.len == 1 && s.ptr[0] == '-')
		return log_text_hex(out, '-');
	return log_text_escape(out, s, where);
}

int
log_text_hex_at(const char *p, const char *end)
{
	uint32_t v;

	return end - p >= 4 && p[0] == '\\' && p[1] == 'x' &&
	    digits_hex_n(p + 2, 2, &v) ? (int)v : -1;
}

/* The byte that the escape at p stands for and how long it is; a backslash
 * that begins none is itself. */
static char
unescape_at(const char *p, const char *end, size_t *len)
{
	int c = log_text_hex_at(p, end);

	*len = 4;
	if (c >= 0)
		return (char)c;
	*len = 2;
	if (end - p >= 2)
		switch (p[1]) {
		case '\\':
			return '\\';
		case 'n':
			return '\n';
		case 'r':
			return '\r';
		case 't':
			return '\t';
		}
	*len = 1;
	return *p;
}

bool
log_text_put(struct buf *scratch, const void *bytes, size_t n)
{
	if (n > scratch->cap - scratch->len)
		return false;
	return buf_add(scratch, bytes, n);
}

bool
log_text_unescape(struct buf *scratch, struct slice *s)
{
	const char *p = s->ptr, *end, *at;
	size_t start = scratch->len, len;
	char c;

	if (slice_find(*s, '\\') == s->len)
		return true;
	end = p + s->len;
	while (p < end) {
		at = scan_to(p, end, '\\');
		if (!log_text_put(scratch, p, (size_t)(at - p)))
			return false;
		p = at;
		if (p == end)
			break;
		c = unescape_at(p, end, &len);
		if (!log_text_put(scratch, &c, 1))
			return false;
		p += len;
	}
	*s = slice_of(scratch->data + start, scratch->len - start);
	return true;
}

bool
log_text_unescape_word(struct buf *scratch, struct slice *s)
{
	if (s->len == 1 && s->ptr[0] == '-')
		s->len = 0;
	return log_text_unescape(scratch, s);
}

static char *
two(char *p, unsigned v)
{
	p[0] = (char)('0' + v / 10);
	p[1] = (char)('0' + v % 10);
	return p + 2;
}

static char *
three(char *p, unsigned v)
{
	*p = (char)('0' + v / 100);
	return two(p + 1, v % 100);
}

/* "2026-08-22T14:00:00" */
static void
fill_second(struct log_second *s, int64_t second)
{
	struct civil c = civil_from_seconds(second);
	char *p = s->text;

	p = two(two(p, (unsigned)c.year / 100), (unsigned)c.year % 100);
	*p++ = '-';
	p = two(p, c.month);
	*p++ = '-';
	p = two(p, c.day);
	*p++ = 'T';
	p = two(p, c.hour);
	*p++ = ':';
	p = two(p, c.minute);
	*p++ = ':';
	two(p, c.second);
	s->second = second;
}

char *
log_text_time(char *p, int64_t ns, int digits, struct log_second *s)
{
	int64_t second = ns / NS;
	int32_t below = (int32_t)(ns % NS);
	uint32_t rest;

	if (below < 0) {
		below += (int32_t)NS;
		second--;
	}
	rest = (uint32_t)below;
	if (second != s->second || s->text[0] == '\0')
		fill_second(s, second);
	memcpy(p, s->text, 19);
	p += 19;
	*p++ = '.';
	p = three(p, rest / 1000000);
	if (digits == 6 || rest % 1000000 != 0)
		p = three(p, rest / 1000 % 1000);
	if (digits == 0 && rest % 1000 != 0)
		p = three(p, rest % 1000);
	*p++ = 'Z';
	return p;
}

bool
log_text_time_parse(struct slice s, int64_t *ns)
{
	static const struct syslog_options none;
	struct syslog_time t;

	if (!syslog_time_iso(&s, &none, false, &t) || s.len > 0 ||
	    t.flags != 0)
		return false;
	*ns = t.ns;
	return true;
}
