/* json.c - strings of JSON, written. */
#include "config.h"

#include "base/json.h"
#include "base/utf8.h"

static bool
plain(char c)
{
	return (unsigned char)c >= ' ' && (unsigned char)c < 0x7f && c != '"' &&
	    c != '\\';
}

static bool
add_odd(struct buf *b, struct slice c, bool *bad)
{
	switch (c.len == 0 ? -1 : c.ptr[0]) {
	case -1:
		*bad = true;
		return buf_adds(b, "\xef\xbf\xbd");
	case '"':
		return buf_adds(b, "\\\"");
	case '\\':
		return buf_adds(b, "\\\\");
	case '\n':
		return buf_adds(b, "\\n");
	case '\r':
		return buf_adds(b, "\\r");
	case '\t':
		return buf_adds(b, "\\t");
	}
	if (c.len > 1)
		return buf_add_slice(b, c);
	return buf_printf(b, "\\u%04x", (unsigned char)c.ptr[0]);
}

bool
json_add_string(struct buf *b, struct slice s, bool *bad)
{
	if (!buf_addc(b, '"'))
		return false;
	while (s.len > 0) {
		size_t n = 0, odd;

		while (n < s.len && plain(s.ptr[n]))
			n++;
		if (!buf_add(b, s.ptr, n))
			return false;
		s = slice_from(s, n);
		if (s.len == 0)
			break;
		odd = utf8_sequence(s.ptr, s.len);
		if (!add_odd(b, slice_upto(s, odd), bad))
			return false;
		s = slice_from(s, odd > 0 ? odd : 1);
	}
	return buf_addc(b, '"');
}
