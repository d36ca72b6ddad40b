/* template.c - "new.$1": a text made of a record and of what a pattern
 * matched: reading it. */
#include "config.h"

#include <stdio.h>
#include <stdlib.h>

#include "base/buf.h"
#include "base/number.h"
#include "conf/template.h"

#define TEXT_MAX	16384

struct maker {
	struct slice in;
	const struct expr *when;
	struct arena *arena;
	struct expr_error *error;
	struct template *t;
	struct buf text;	/* literal text not yet a part */
};

static bool __attribute__((format(printf, 3, 4)))
fail(struct maker *m, struct slice at, const char *fmt, ...)
{
	va_list ap;

	m->error->offset = (size_t)(at.ptr - m->in.ptr);
	va_start(ap, fmt);
	vsnprintf(m->error->text, sizeof m->error->text, fmt, ap);
	va_end(ap);
	return false;
}

static bool
add_part(struct maker *m, struct slice at, struct template_part part)
{
	if (m->t->n == TEMPLATE_MAX_PARTS)
		return fail(m, at, "more than %d parts", TEMPLATE_MAX_PARTS);
	m->t->parts[m->t->n++] = part;
	return true;
}

static bool
flush_text(struct maker *m, struct slice at)
{
	struct slice text = buf_slice(&m->text);

	if (text.len == 0)
		return true;
	text.ptr = arena_dup(m->arena, text);
	buf_clear(&m->text);
	return add_part(m, at, (struct template_part){ .kind = TEMPLATE_TEXT, .text = text });
}

static bool
take_changes(struct maker *m, struct slice list, unsigned *changes)
{
	static const struct { struct slice name; unsigned bit; } known[] = {
		{ SLICE("lower"), TEMPLATE_LOWER }, { SLICE("upper"), TEMPLATE_UPPER },
		{ SLICE("dots"), TEMPLATE_DOTS },
	};

	while (list.ptr != NULL) {
		struct slice word = slice_cut(&list, ':');
		size_t i = 0;

		while (i < 3 && !slice_eq(word, known[i].name))
			i++;
		if (i == 3)
			return fail(m, word, "no change is called \"%.*s\", only lower, upper and dots",
			    SLICE_ARG(slice_upto(word, 60)));
		*changes |= known[i].bit;
	}
	if ((*changes & 3) == 3)
		return fail(m, m->in, "lower and upper at once");
	return true;
}

static bool
is_name(struct slice s)
{
	for (size_t i = 0; i < s.len; i++)
		if (s.ptr[i] != '_' && !((s.ptr[i] | 32) >= 'a' && (s.ptr[i] | 32) <= 'z') &&
		    !(i > 0 && s.ptr[i] >= '0' && s.ptr[i] <= '9'))
			return false;
	return s.len > 0;
}

static bool
add_variable(struct maker *m, struct slice name, struct slice rest)
{
	const char *value;

	if (!is_name(name))
		return fail(m, name, "\"%.*s\" is no group, no field and no name of a variable",
		    SLICE_ARG(slice_upto(name, 60)));
	value = getenv(arena_dup(m->arena, name));
	if (slice_starts(rest, SLICE("-")) && (value == NULL || *value == '\0'))
		return buf_add_slice(&m->text, slice_from(rest, 1));
	if (value == NULL)
		return fail(m, name, "\"%.*s\" is no group of when, no field and not in the "
		    "environment", SLICE_ARG(slice_upto(name, 60)));
	return buf_adds(&m->text, value);
}

/* What stands between "${" and "}". */
static bool
add_braced(struct maker *m, struct slice inner)
{
	struct slice rest = inner, name = slice_cut(&rest, ':');
	struct template_part part = { .kind = TEMPLATE_NAME };
	uint64_t number;

	if (number_u64(name, &number)) {
		if (!expr_has_group(m->when, name))
			return fail(m, name, "no pattern in when has a group %.*s",
			    SLICE_ARG(slice_upto(name, 20)));
		part.kind = TEMPLATE_NUMBER;
		part.number = (unsigned)number;
		m->t->groups = true;
	} else if (name.len > 0 && expr_has_group(m->when, name)) {
		part.text = slice_of(arena_dup(m->arena, name), name.len);
		m->t->groups = true;
	} else if (expr_field_parse(name, &part.field, &part.text)) {
		part.kind = TEMPLATE_FIELD;
		part.text = slice_of(arena_dup(m->arena, part.text), part.text.len);
		m->t->fields |= EXPR_BIT(part.field);
	} else {
		return add_variable(m, name, rest);
	}
	return take_changes(m, rest, &part.changes) && flush_text(m, inner) &&
	    add_part(m, inner, part);
}

/* Read one part off the front of *rest, which begins with a dollar sign. */
static bool
add_dollar(struct maker *m, struct slice *rest)
{
	struct slice after = slice_from(*rest, 1);
	size_t n = 0;

	if (after.len > 0 && after.ptr[0] == '{') {
		n = slice_find(after, '}');
		if (n == after.len)
			return fail(m, *rest, "\"${\" without a \"}\"");
		*rest = slice_from(after, n + 1);
		return add_braced(m, slice_from(slice_upto(after, n), 1));
	}
	while (n < after.len && n < 3 && after.ptr[n] >= '0' && after.ptr[n] <= '9')
		n++;
	*rest = slice_from(after, n);
	if (n > 0)
		return add_braced(m, slice_upto(after, n));
	if (slice_starts(after, SLICE("$")))
		*rest = slice_from(after, 1);
	return buf_addc(&m->text, '$');
}

static bool
add_all(struct maker *m)
{
	struct slice rest = m->in;

	while (rest.len > 0) {
		size_t n = slice_find(rest, '$');

		if (!buf_add_slice(&m->text, slice_upto(rest, n)))
			return fail(m, rest, "longer than %d bytes", TEXT_MAX);
		rest = slice_from(rest, n);
		if (rest.len > 0 && !add_dollar(m, &rest))
			return false;
	}
	return flush_text(m, rest);
}

const struct template *
template_new(struct slice text, const struct expr *when, struct arena *a, struct expr_error *e)
{
	struct maker m = { .in = text, .when = when, .arena = a, .error = e,
	    .text = BUF_INIT(TEXT_MAX) };
	bool made;

	*e = (struct expr_error){ .text = "too long" };
	if (text.len > TEXT_MAX)
		return NULL;
	m.t = arena_alloc(a, sizeof *m.t + TEMPLATE_MAX_PARTS * sizeof m.t->parts[0]);
	made = add_all(&m);
	buf_fini(&m.text);
	return made ? m.t : NULL;
}
