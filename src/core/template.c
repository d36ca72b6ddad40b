/* template.c - making the text that a template says. */
#include "config.h"

#include "core/template.h"

/* The group that a part means; nothing when it took no part in the match. */
static struct slice
group_of(const struct template_part *p, const struct match_captures *m)
{
	int number = (int)p->number;

	if (m->regex == NULL)
		return (struct slice){ NULL, 0 };
	if (p->kind == TEMPLATE_NAME)
		number = regex_group(m->regex, p->text);
	if (number < 0 || (size_t)number >= m->groups.n)
		return (struct slice){ NULL, 0 };
	return m->groups.v[number];
}

static char
change(char c, unsigned changes)
{
	if (c == '.' && (changes & TEMPLATE_DOTS))
		return '_';
	if (c >= 'A' && c <= 'Z' && (changes & TEMPLATE_LOWER))
		return (char)(c + ('a' - 'A'));
	if (c >= 'a' && c <= 'z' && (changes & TEMPLATE_UPPER))
		return (char)(c - ('a' - 'A'));
	return c;
}

static bool
add(struct buf *out, struct slice text, unsigned changes)
{
	size_t from = out->len;

	if (!buf_add_slice(out, text))
		return false;
	for (size_t i = from; changes != 0 && i < out->len; i++)
		out->data[i] = change(out->data[i], changes);
	return true;
}

static bool
expand_part(const struct template_part *p, const struct record *r, struct match_captures *m,
    struct buf *out)
{
	struct slice text;

	switch (p->kind) {
	case TEMPLATE_TEXT:
		return buf_add_slice(out, p->text);
	case TEMPLATE_FIELD:
		m->touched |= EXPR_BIT(p->field);
		if (!field_text(r, p->field, p->text, &m->scratch, &text))
			return true;
		return add(out, text, p->changes);
	default:
		return add(out, group_of(p, m), p->changes);
	}
}

bool
template_expand(const struct template *t, const struct record *r, struct match_captures *m,
    struct buf *out)
{
	size_t from = out->len;

	for (size_t i = 0; i < t->n; i++) {
		if (!expand_part(&t->parts[i], r, m, out)) {
			out->len = from;
			return false;
		}
	}
	return true;
}

bool
template_rename(const struct template *t, const struct record *r, struct match_captures *m,
    struct buf *out)
{
	enum expr_field name = r->kind == RECORD_EVENT ? EXPR_STREAM : EXPR_NAME;
	struct slice whole, before, after;
	size_t from = out->len;

	if (m->regex == NULL || m->field != name || m->groups.v[0].ptr == NULL)
		return template_expand(t, r, m, out);
	whole = m->groups.v[0];
	before = slice_upto(m->subject, (size_t)(whole.ptr - m->subject.ptr));
	after = slice_from(m->subject, before.len + whole.len);
	if (buf_add_slice(out, before) && template_expand(t, r, m, out) &&
	    buf_add_slice(out, after))
		return true;
	out->len = from;
	return false;
}
