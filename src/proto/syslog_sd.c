/* syslog_sd.c - structured data (RFC 5424 section 6.3), read with some mercy.
 *
 * Accepted beyond the grammar: a ']' without backslash inside quotes, values
 * without quotes, more than one space between parameters and one before the
 * closing bracket, names of any length. */
#include "config.h"

#include "proto/scan.h"
#include "proto/syslog.h"

/* What may stand in an SD-ID or a parameter's name. */
static bool
name_byte(char c)
{
	return (unsigned char)c > ' ' && c != '=' && c != ']' && c != '"' &&
	    c != 0x7f;
}

static const char *
name_end(const char *p, const char *end)
{
	while (p < end && name_byte(*p))
		p++;
	return p;
}

/* The closing quote of the value that begins at p, or NULL. */
static const char *
quoted_end(const char *p, const char *end)
{
	while ((p = scan_to_either(p, end, '"', '\\')) < end) {
		if (*p == '"')
			return p;
		if (++p == end)
			break;
		p++;			/* whatever it was, it ends nothing */
	}
	return NULL;
}

/* One parameter "key=value" at p.  Gives where it ends, or NULL. */
static const char *
parameter(const char *p, const char *end, struct slice *key, struct slice *value)
{
	const char *at = name_end(p, end);

	if (at == p || at == end || *at != '=')
		return NULL;
	*key = slice_of(p, (size_t)(at - p));
	p = ++at;
	if (p < end && *p == '"') {
		at = quoted_end(++p, end);
		if (at == NULL)
			return NULL;
		*value = slice_of(p, (size_t)(at - p));
		return at + 1;
	}
	while (at < end && *at != ' ' && *at != ']' && *at != '"')
		at++;
	*value = slice_of(p, (size_t)(at - p));
	return at;
}

static const char *
skip_spaces(const char *p, const char *end)
{
	while (p < end && *p == ' ')
		p++;
	return p;
}

/* The end of the element that begins at p, or NULL. */
static const char *
element_end(const char *p, const char *end)
{
	struct slice key, value;
	const char *at;

	if (p == end || *p != '[')
		return NULL;
	at = name_end(++p, end);
	if (at == p)
		return NULL;
	for (;;) {
		p = skip_spaces(at, end);
		if (p == end)
			return NULL;
		if (*p == ']')
			return p + 1;
		if (p == at)		/* a parameter stands behind a space */
			return NULL;
		at = parameter(p, end, &key, &value);
		if (at == NULL)
			return NULL;
	}
}

size_t
syslog_sd_length(struct slice s)
{
	const char *end, *p = s.ptr, *next;

	if (s.len == 0)
		return 0;
	end = p + s.len;
	while (p < end && *p == '[') {
		next = element_end(p, end);
		if (next == NULL)
			return 0;
		p = next;
	}
	return (size_t)(p - s.ptr);
}

void
syslog_sd_begin(struct syslog_sd *it, struct slice sd)
{
	*it = (struct syslog_sd){ .rest = sd.len > 0 ? sd : SLICE("") };
}

/* Enter the element at the front of it->rest. */
static bool
enter(struct syslog_sd *it)
{
	const char *p = it->rest.ptr, *end = p + it->rest.len, *at;

	if (it->rest.len == 0 || *p != '[')
		return false;
	at = name_end(++p, end);
	if (at == p)
		return false;
	it->id = slice_of(p, (size_t)(at - p));
	it->rest = slice_of(at, (size_t)(end - at));
	it->element++;
	it->open = true;
	it->given = false;
	return true;
}

bool
syslog_sd_next(struct syslog_sd *it, struct slice *id, struct slice *key,
    struct slice *value)
{
	const char *p, *end;

	for (;;) {
		if (!it->open && !enter(it))
			return false;
		end = it->rest.ptr + it->rest.len;
		p = skip_spaces(it->rest.ptr, end);
		*id = it->id;
		if (p == end)
			return false;
		if (*p != ']') {
			p = parameter(p, end, key, value);
			if (p == NULL)
				return false;
			it->rest = slice_of(p, (size_t)(end - p));
			it->given = true;
			return true;
		}
		p++;
		it->rest = slice_of(p, (size_t)(end - p));
		it->open = false;
		if (!it->given) {
			*key = *value = slice_of(p, 0);
			return true;
		}
	}
}

static bool
escapable(char c)
{
	return c == '"' || c == '\\' || c == ']';
}

bool
syslog_sd_unescape(struct slice value, struct buf *b)
{
	const char *p = value.ptr, *end, *at;

	if (!buf_reserve(b, value.len))
		return false;
	if (value.len == 0)
		return true;
	end = p + value.len;
	while (p < end) {
		at = scan_to(p, end, '\\');
		buf_add(b, p, (size_t)(at - p));
		if (at == end)
			break;
		if (end - at > 1 && escapable(at[1]))
			at++;
		buf_addc(b, *at);
		p = at + 1;
	}
	return true;
}

bool
syslog_sd_escape(struct slice value, struct buf *b)
{
	for (size_t i = 0; i < value.len; i++) {
		if (escapable(value.ptr[i]) && !buf_addc(b, '\\'))
			return false;
		if (!buf_addc(b, value.ptr[i]))
			return false;
	}
	return true;
}
