/* merged_manage.c - what the management port shows and deletes.
 *
 * The reference answers with what Node's util.inspect() makes of its objects,
 * and people's scripts read that: so it is laid out here as Node 20 does it.
 * Texts are measured in UTF-16 units, as there. */
#include "config.h"

#include <math.h>
#include <stdlib.h>

#include "base/number.h"
#include "core/merged_parts.h"

#define LINE_MAX 80
#define SHOWN 100		/* elements of an array */
#define GROUPED 6		/* arrays up to here are not put in columns */

static bool
put_value(struct buf *out, double v)
{
	char text[NUMBER_TEXT];

	if (v == 0 && signbit(v))
		return buf_adds(out, "-0");
	return buf_add(out, text, number_format_js(text, v));
}

/* ---- keys ---- */

static bool
is_letter(char c)
{
	return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || c == '_';
}

static bool
is_identifier(struct slice s)
{
	size_t i;

	if (s.len == 0 || !is_letter(s.ptr[0]))
		return false;
	for (i = 1; i < s.len; i++)
		if (!is_letter(s.ptr[i]) &&
		    !(s.ptr[i] >= '0' && s.ptr[i] <= '9'))
			return false;
	return true;
}

static bool
has(struct slice s, const char *text)
{
	return memmem(s.ptr, s.len, text, strlen(text)) != NULL;
}

/* The quote that needs no escape, or '. */
static char
quote_for(struct slice s)
{
	if (!has(s, "'"))
		return '\'';
	if (!has(s, "\""))
		return '"';
	if (!has(s, "`") && !has(s, "${"))
		return '`';
	return '\'';
}

static bool
put_escaped(struct buf *out, unsigned char c)
{
	static const char short_[] = "btn\0fr";	/* \x08 to \x0d */

	if (c >= 8 && c <= 13 && c != 11)
		return buf_printf(out, "\\%c", short_[c - 8]);
	return buf_printf(out, "\\x%02X", c);
}

static bool
put_key(struct buf *out, struct slice s)
{
	char quote = quote_for(s);
	unsigned char c, d;
	bool ok;
	size_t i;

	if (is_identifier(s))
		return buf_add_slice(out, s);
	ok = buf_addc(out, quote);
	for (i = 0; ok && i < s.len; i++) {
		c = (unsigned char)s.ptr[i];
		d = i + 1 < s.len ? (unsigned char)s.ptr[i + 1] : 0;
		if (c == '\\' || (c == '\'' && quote == '\''))
			ok = buf_addc(out, '\\') && buf_addc(out, (char)c);
		else if (c < 32 || c == 127)
			ok = put_escaped(out, c);
		else if (c == 0xc2 && d >= 0x80 && d <= 0x9f)
			ok = put_escaped(out, (unsigned char)s.ptr[++i]);
		else
			ok = buf_addc(out, (char)c);
	}
	return ok && buf_addc(out, quote);
}

static size_t
utf16_len(struct slice s)
{
	size_t i, n = 0;

	for (i = 0; i < s.len; i++) {
		n += (s.ptr[i] & 0xc0) != 0x80;
		n += (unsigned char)s.ptr[i] >= 0xf0;
	}
	return n;
}

/* ---- arrays, two in from the left ---- */

struct array {
	const double *v;
	uint32_t n, shown;
	uint8_t len[SHOWN];	/* of each number's text */
	unsigned max, total;	/* of those lengths; total with ", " each */
	unsigned more;		/* length of "... 5 more items", or 0 */
};

static bool
put_more(struct buf *out, const struct array *a)
{
	uint32_t rest = a->n - a->shown;

	return buf_printf(out, "... %u more item%s", rest,
	    rest > 1 ? "s" : "");
}

static void
measure(struct array *a, struct buf *tmp)
{
	uint32_t i;

	a->shown = a->n > SHOWN ? SHOWN : a->n;
	for (i = 0; i < a->shown; i++) {
		buf_clear(tmp);
		put_value(tmp, a->v[i]);
		a->len[i] = (uint8_t)tmp->len;
		a->total += a->len[i] + 2u;
		if (a->len[i] > a->max)
			a->max = a->len[i];
	}
	buf_clear(tmp);
	if (a->n > a->shown && put_more(tmp, a))
		a->more = (unsigned)tmp->len;
}

/* How many columns Node would lay them in; 1: none. */
static unsigned
columns(const struct array *a)
{
	unsigned entries = a->shown + (a->more > 0), width = a->max + 2;
	unsigned n, fit;
	double bias, narrow;

	if (entries <= GROUPED || width * 3 + 2 >= LINE_MAX ||
	    !((double)a->total / width > 5 || a->max <= 6))
		return 1;
	bias = sqrt(width - (double)a->total / entries);
	narrow = width - 3 - bias > 1 ? width - 3 - bias : 1;
	n = (unsigned)floor(sqrt(2.5 * narrow * a->shown) / narrow + 0.5);
	fit = (LINE_MAX - 2) / width;
	if (n > fit)
		n = fit;
	return n > 12 ? 12 : n;
}

static bool
pad(struct buf *out, unsigned n)
{
	while (n-- > 0)
		if (!buf_addc(out, ' '))
			return false;
	return true;
}

/* Rows of cols right-aligned numbers. */
static bool
put_columns(struct buf *out, const struct array *a, unsigned cols)
{
	unsigned width[12] = { 0 };
	uint32_t i;
	bool ok = true;

	for (i = 0; i < a->shown; i++)
		if (a->len[i] > width[i % cols])
			width[i % cols] = a->len[i];
	for (i = 0; ok && i < a->shown; i++) {
		ok = buf_adds(out, i == 0 ? "\n    " :
		    i % cols == 0 ? ",\n    " : ", ") &&
		    pad(out, width[i % cols] - a->len[i]) &&
		    put_value(out, a->v[i]);
	}
	if (ok && a->more > 0)
		ok = buf_adds(out, ",\n    ") && put_more(out, a);
	return ok && buf_adds(out, "\n  ]");
}

/* All in one line, or each in its own. */
static bool
put_plain(struct buf *out, const struct array *a)
{
	unsigned entries = a->shown + (a->more > 0);
	unsigned total = a->total - 2 * a->shown + a->more;
	bool line = total + 2 * entries + 13 <= LINE_MAX, ok = true;
	const char *between = line ? ", " : ",\n    ";
	uint32_t i;

	ok = buf_adds(out, line ? " " : "\n    ");
	for (i = 0; ok && i < a->shown; i++)
		ok = (i == 0 || buf_adds(out, between)) &&
		    put_value(out, a->v[i]);
	if (ok && a->more > 0)
		ok = buf_adds(out, between) && put_more(out, a);
	return ok && buf_adds(out, line ? " ]" : "\n  ]");
}

static bool
put_array(struct buf *out, const double *v, uint32_t n)
{
	struct array a = { .v = v, .n = n };
	struct buf tmp = BUF_INIT(256);
	unsigned cols;

	if (n == 0)
		return buf_adds(out, "[]");
	measure(&a, &tmp);
	buf_fini(&tmp);
	cols = columns(&a);
	if (!buf_addc(out, '['))
		return false;
	return cols > 1 ? put_columns(out, &a, cols) : put_plain(out, &a);
}

/* ---- the object ---- */

static bool
put_entry(struct buf *out, const struct merged_key *k)
{
	if (!put_key(out, key_name(k)) || !buf_adds(out, ": "))
		return false;
	switch ((enum merged_group)k->group) {
	case MERGED_COUNTER:
		return put_value(out, k->counter.value);
	case MERGED_GAUGE:
		return put_value(out, gauge_now(k));
	case MERGED_TIMER:
		return put_array(out, k->timer->samples.v,
		    k->timer->samples.n);
	case MERGED_SET:
		return put_value(out, member_set_count(&k->members->set));
	default:
		return put_array(out, k->kv.v, k->kv.n);
	}
}

/* Write it again in one line if Node would: all[] is "{\n  a: 1,\n  b: 2\n}". */
static void
join(struct buf *out, size_t start)
{
	size_t from, to = start;
	char *p = out->data;

	for (from = start; from < out->len; from++) {
		if (p[from] != '\n') {
			p[to++] = p[from];
			continue;
		}
		p[to++] = ' ';
		while (from + 1 < out->len && p[from + 1] == ' ')
			from++;
	}
	out->len = to;
}

bool
merged_dump(struct merged *m, enum merged_group group, struct buf *out)
{
	struct key_cursor c = { .last = MERGED_MAX_CLASSES - 1 };
	size_t start = out->len, at, n = 0, total = 0;
	struct merged_key *k;
	bool lines = false, ok = true;

	if (m->present[group] == 0)
		return buf_adds(out, "{}");
	while (ok && (k = merged_each(m, group, &c)) != NULL) {
		ok = buf_adds(out, n == 0 ? "{\n  " : ",\n  ");
		at = out->len;
		ok = ok && put_entry(out, k);
		if (ok && total <= LINE_MAX && !lines) {
			total += utf16_len(slice_of(out->data + at,
			    out->len - at));
			lines = memchr(out->data + at, '\n',
			    out->len - at) != NULL;
		}
		n++;
	}
	if (!ok || !buf_adds(out, "\n}")) {
		out->len = start;
		return false;
	}
	if (!lines && total + 2 * n + 11 <= LINE_MAX)
		join(out, start);
	return true;
}

/* ---- deleting ---- */

/* Delete what is called `name`, or begins with it; answers how many. */
static size_t
delete_all(struct merged *m, enum merged_group group, struct slice name,
    bool prefix, struct buf *out, bool *ok)
{
	struct key_cursor c = { .last = MERGED_MAX_CLASSES - 1 };
	struct merged_key *k;
	struct slice its;
	size_t n = 0;

	while ((k = merged_each(m, group, &c)) != NULL) {
		its = key_name(k);
		if (prefix ? !slice_starts(its, name) : !slice_eq(its, name))
			continue;
		*ok &= buf_printf(out, "deleted: %.*s\n", SLICE_ARG(its));
		merged_take(m, &c);
		merged_absent(m, k);
		n++;
	}
	return n;
}

bool
merged_delete(struct merged *m, enum merged_group group, struct slice arg,
    struct buf *out)
{
	const struct merged_key *k = merged_find(m, group, arg);
	bool ok = true;
	size_t n = 0;

	if (k != NULL && merged_present(k))
		n = delete_all(m, group, arg, false, out, &ok);
	if (arg.len > 2 && memcmp(arg.ptr + arg.len - 2, ".*", 2) == 0)
		n += delete_all(m, group, slice_upto(arg, arg.len - 1), true,
		    out, &ok);
	if (n == 0)
		ok &= buf_printf(out, "metric %.*s not found\n",
		    SLICE_ARG(arg));
	return ok;
}
