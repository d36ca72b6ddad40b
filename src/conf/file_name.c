/* file_name.c - file names made from records. */
#include "config.h"

#include <stdlib.h>

#include "base/civil.h"
#include "base/fnv.h"
#include "conf/file_name.h"

#define HASH_DIGITS 8
#define ANY (FILE_NAME_PIECE + HASH_DIGITS)

static const struct {
	struct slice name;
	size_t longest;
} variables[FILE_NAME_KINDS] = {
	[FILE_NAME_TEXT] = { { "", 0 }, 0 },
	[FILE_NAME_HOST] = { SLICE("host"), ANY },
	[FILE_NAME_APP] = { SLICE("app"), ANY },
	[FILE_NAME_FACILITY] = { SLICE("facility"), 8 },
	[FILE_NAME_SEVERITY] = { SLICE("severity"), 8 },
	[FILE_NAME_SOURCE] = { SLICE("source"), 8 },
	[FILE_NAME_PEER] = { SLICE("peer"), ANY },
	[FILE_NAME_DATE] = { SLICE("date"), 10 },
	[FILE_NAME_HOUR] = { SLICE("hour"), 2 },
	[FILE_NAME_YEAR] = { SLICE("year"), 4 },
	[FILE_NAME_MONTH] = { SLICE("month"), 2 },
	[FILE_NAME_DAY] = { SLICE("day"), 2 },
};

/* A template on its way to being compiled. */
struct compile {
	struct file_name *f;
	struct slice template;
	size_t at;
	const char *why;
	/* since the last slash */
	size_t longest, start;
	size_t total;
};

static bool
wrong(struct compile *c, size_t at, const char *why)
{
	c->at = at;
	c->why = why;
	return false;
}

static bool
add(struct compile *c, enum file_name_kind kind, struct slice text)
{
	struct file_name *f = c->f;

	if (f->n == FILE_NAME_PARTS)
		return wrong(c, c->at, "too many variables");
	f->parts[f->n].kind = kind;
	f->parts[f->n].text = text;
	f->n++;
	f->uses |= 1u << kind;
	return true;
}

/* The piece that ends before byte `end` of the template is complete. */
static bool
end_piece(struct compile *c, size_t end)
{
	struct slice piece = slice_from(slice_upto(c->template, end), c->start);

	if (piece.len == 0)
		return wrong(c, c->start, end == c->template.len ?
		    "the name of the file is missing" :
		    c->start == 0 ? "the path must be relative" :
		    "two slashes with nothing between them");
	if (slice_eq(piece, SLICE(".")) || slice_eq(piece, SLICE("..")))
		return wrong(c, c->start, "\".\" and \"..\" are no names");
	c->total += c->longest + 1;
	if (c->longest > FILE_NAME_COMPONENT)
		return wrong(c, c->start, "a name here could become too long");
	if (c->total > FILE_NAME_PATH)
		return wrong(c, c->start, "the path could become too long");
	c->longest = 0;
	c->start = end + 1;
	return true;
}

/* "{name}" at c->at. */
static bool
variable(struct compile *c)
{
	struct slice rest = slice_from(c->template, c->at + 1), name;
	size_t n = slice_find(rest, '}');

	if (n == rest.len)
		return wrong(c, c->at, "'{' without '}'");
	name = slice_upto(rest, n);
	for (unsigned k = FILE_NAME_TEXT + 1; k < FILE_NAME_KINDS; k++)
		if (slice_eq(name, variables[k].name)) {
			if (!add(c, (enum file_name_kind)k, (struct slice){ "", 0 }))
				return false;
			c->longest += variables[k].longest;
			c->at += n + 2;
			return true;
		}
	return wrong(c, c->at, "no such variable; there are {host} {app} "
	    "{facility} {severity} {source} {peer} {date} {hour} {year} {month} "
	    "{day}");
}

/* Text at c->at, up to a variable or the end. */
static bool
text(struct compile *c)
{
	size_t from = c->at;

	for (; c->at < c->template.len; c->at++) {
		char b = c->template.ptr[c->at];

		if (b == '{')
			break;
		if (b == '}')
			return wrong(c, c->at, "'}' without '{'");
		if ((unsigned char)b < ' ' || b == 0x7f)
			return wrong(c, c->at, "a control character");
		if (b != '/')
			c->longest++;
		else if (!end_piece(c, c->at))
			return false;
	}
	return add(c, FILE_NAME_TEXT,
	    slice_of(c->template.ptr + from, c->at - from));
}

bool
file_name_compile(struct file_name *f, struct slice template, size_t *at,
    const char **why)
{
	struct compile c = { .f = f, .template = template };
	bool ok = true;

	f->n = 0;
	f->uses = 0;
	while (ok && c.at < template.len)
		ok = template.ptr[c.at] == '{' ? variable(&c) : text(&c);
	if (ok)
		ok = end_piece(&c, template.len);
	if (!ok) {
		*at = c.at;
		*why = c.why;
	}
	return ok;
}

struct file_name *
file_name_new(struct slice template, size_t *at, const char **why)
{
	struct file_name *f = malloc(sizeof *f + template.len);
	const char *reason = NULL;
	size_t where = 0;

	if (f != NULL) {
		char *copy = (char *)(f + 1);

		if (template.len > 0)
			memcpy(copy, template.ptr, template.len);
		if (file_name_compile(f, slice_of(copy, template.len), &where,
		    &reason))
			return f;
		free(f);
	}
	if (at != NULL)
		*at = where;
	if (why != NULL)
		*why = reason;
	return NULL;
}

void
file_name_free(struct file_name *f)
{
	free(f);
}

static char
clean(char c, bool lower)
{
	if (c >= 'A' && c <= 'Z')
		return lower ? (char)(c + ('a' - 'A')) : c;
	if ((c >= 'a' && c <= 'z') || (c >= '0' && c <= '9') || c == '.' ||
	    c == '_' || c == '-')
		return c;
	return '_';
}

static void
add_hash(struct slice s, struct buf *out)
{
	static const char hex[] = "0123456789abcdef";
	uint32_t h = fnv1a_32(s);

	for (int shift = 28; shift >= 0; shift -= 4)
		out->data[out->len++] = hex[h >> shift & 15];
}

bool
file_name_piece(struct slice s, bool lower, struct buf *out)
{
	struct slice kept = slice_upto(s, FILE_NAME_PIECE);
	char *to;

	if (!buf_reserve(out, ANY))
		return false;
	if (s.len == 0)
		return buf_addc(out, '_');
	to = out->data + out->len;
	for (size_t i = 0; i < kept.len; i++)
		to[i] = clean(kept.ptr[i], lower);
	if (to[0] == '.' || to[0] == '-')
		to[0] = '_';
	out->len += kept.len;
	if (kept.len < s.len)
		add_hash(s, out);
	return true;
}

/* "10.0.0.1:4711", "[::1]:4711": the address alone. */
static struct slice
without_port(struct slice peer)
{
	size_t colon = slice_find(peer, ':');

	if (peer.len > 0 && peer.ptr[0] == '[') {
		peer = slice_from(peer, 1);
		return slice_upto(peer, slice_find(peer, ']'));
	}
	if (slice_find(slice_from(peer, colon + 1), ':') ==
	    slice_from(peer, colon + 1).len)
		return slice_upto(peer, colon);
	return peer;
}

static bool
add_number(struct buf *out, unsigned v, unsigned width)
{
	char digits[4];

	for (unsigned i = width; i > 0; i--, v /= 10)
		digits[i - 1] = (char)('0' + v % 10);
	return buf_add(out, digits, width);
}

static bool
add_date(enum file_name_kind kind, int64_t ns, struct buf *out)
{
	struct civil c = civil_from_seconds(ns / 1000000000 - (ns < 0));
	unsigned year = (unsigned)c.year;

	switch (kind) {
	case FILE_NAME_YEAR:
		return add_number(out, year, 4);
	case FILE_NAME_MONTH:
		return add_number(out, c.month, 2);
	case FILE_NAME_DAY:
		return add_number(out, c.day, 2);
	case FILE_NAME_HOUR:
		return add_number(out, c.hour, 2);
	default:
		return add_number(out, year, 4) && buf_addc(out, '-') &&
		    add_number(out, c.month, 2) && buf_addc(out, '-') &&
		    add_number(out, c.day, 2);
	}
}

static bool
add_variable(enum file_name_kind kind, const struct record *r, struct buf *out)
{
	static const struct log_record none = { .facility = 255, .severity = 255 };
	const struct log_record *l = r->kind == RECORD_LOG ? &r->log : &none;

	switch (kind) {
	case FILE_NAME_HOST:
		return file_name_piece(l->host, true, out);
	case FILE_NAME_APP:
		return file_name_piece(l->app, false, out);
	case FILE_NAME_FACILITY:
		return buf_adds(out, facility_name(l->facility));
	case FILE_NAME_SEVERITY:
		return buf_adds(out, severity_name(l->severity));
	case FILE_NAME_SOURCE:
		return buf_adds(out, record_source_name(r->source));
	case FILE_NAME_PEER:
		return file_name_piece(without_port(r->peer), true, out);
	default:
		return add_date(kind, r->received_ns, out);
	}
}

bool
file_name_expand(const struct file_name *f, const struct record *r,
    struct buf *out)
{
	size_t len = out->len;

	for (size_t i = 0; i < f->n; i++)
		if (!(f->parts[i].kind == FILE_NAME_TEXT ?
		    buf_add_slice(out, f->parts[i].text) :
		    add_variable(f->parts[i].kind, r, out))) {
			out->len = len;
			return false;
		}
	return true;
}
