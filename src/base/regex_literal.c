/* regex_literal.c - the text that a pattern cannot match without.
 *
 * To need too little is safe, to need too much is not: whatever is not known
 * here makes the whole pattern one that needs nothing. */
#include "config.h"

#include "base/regex_literal.h"

#define DEPTH_MAX 16

struct parser {
	const char *at, *end;
	unsigned depth;
	bool lost;		/* nothing is sure any more */
};

/* ---- needs ---- */

void
regex_needs_and(struct regex_needs *a, const struct regex_needs *b)
{
	for (size_t i = 0; i < b->n && a->n < REGEX_NEEDS; i++)
		a->need[a->n++] = b->need[i];
}

/* How telling it is: the length of its shortest text, up to what is looked up
 * at once. */
static unsigned
worth(const struct regex_need *need)
{
	unsigned least = 4;

	for (size_t i = 0; i < need->n; i++)
		if (need->text[i].len < least)
			least = need->text[i].len;
	return least;
}

static const struct regex_need *
best_of(const struct regex_needs *needs)
{
	const struct regex_need *best = NULL;

	for (size_t i = 0; i < needs->n; i++)
		if (best == NULL || worth(&needs->need[i]) > worth(best))
			best = &needs->need[i];
	return best;
}

void
regex_needs_or(struct regex_needs *a, const struct regex_needs *b)
{
	const struct regex_need *x = best_of(a), *y = best_of(b);
	struct regex_need both;

	a->n = (uint8_t)0;
	if (x == NULL || y == NULL || x->n + y->n > REGEX_NEED_TEXTS)
		return;
	both = *x;
	for (size_t i = 0; i < y->n; i++)
		both.text[both.n++] = y->text[i];
	a->need[a->n++] = both;
}

/* Texts too long for one are several. */
void
regex_needs_text(struct slice text, struct regex_needs *out)
{
	out->n = 0;
	while (text.len > 0 && out->n < REGEX_NEEDS) {
		struct regex_need *need = &out->need[out->n++];
		size_t n = text.len < REGEX_TEXT_MAX ? text.len :
		    REGEX_TEXT_MAX;

		need->n = 1;
		need->text[0].len = (uint8_t)n;
		memcpy(need->text[0].bytes, text.ptr, n);
		text = slice_from(text, n);
	}
}

static bool
contains(struct slice s, const struct regex_text *t)
{
	for (size_t i = 0; i + t->len <= s.len; i++)
		if (memcmp(s.ptr + i, t->bytes, t->len) == 0)
			return true;
	return false;
}

bool
regex_needs_met(const struct regex_needs *needs, struct slice subject)
{
	for (size_t i = 0; i < needs->n; i++) {
		const struct regex_need *need = &needs->need[i];
		bool met = false;

		for (size_t k = 0; k < need->n && !met; k++)
			met = contains(subject, &need->text[k]);
		if (!met)
			return false;
	}
	return true;
}

/* ---- a row of atoms ---- */

/* The literal bytes in a row so far. */
struct run {
	struct regex_text text;
	struct regex_needs *out;
};

static void
run_end(struct run *r)
{
	if (r->text.len > 0 && r->out->n < REGEX_NEEDS) {
		struct regex_need *need = &r->out->need[r->out->n++];

		need->n = 1;
		need->text[0] = r->text;
	}
	r->text.len = 0;
}

static void
run_add(struct run *r, char c)
{
	if (r->text.len == REGEX_TEXT_MAX)
		run_end(r);
	r->text.bytes[r->text.len++] = c;
}

static bool
here(const struct parser *s, char c)
{
	return s->at < s->end && *s->at == c;
}

static bool
is_digit(char c)
{
	return c >= '0' && c <= '9';
}

static bool
is_word(char c)
{
	return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') ||
	    is_digit(c) || c == '_';
}

enum times { ONCE, MANY, MAYBE };

/* How often the atom before may come: MANY is once or more. */
static enum times
quantifier(struct parser *s)
{
	enum times t = ONCE;

	if (here(s, '+')) {
		t = MANY;
		s->at++;
	} else if (here(s, '*') || here(s, '?')) {
		t = MAYBE;
		s->at++;
	} else if (here(s, '{')) {
		t = MAYBE;
		do
			s->at++;
		while (s->at < s->end && (is_digit(*s->at) || *s->at == ','));
		if (!here(s, '}') || s->at[-1] == '{')
			s->lost = true;		/* it stands for itself */
		else
			s->at++;
	}
	if (t != ONCE && (here(s, '?') || here(s, '+')))
		s->at++;
	if (t != ONCE && (here(s, '*') || here(s, '?') || here(s, '+')))
		s->lost = true;
	return t;
}

static void
literal(struct parser *s, struct run *r, char c)
{
	switch (quantifier(s)) {
	case ONCE:
		run_add(r, c);
		break;
	case MANY:
		run_add(r, c);
		run_end(r);
		break;
	case MAYBE:
		run_end(r);
		break;
	}
}

static void
anything(struct parser *s, struct run *r)
{
	run_end(r);
	quantifier(s);
}

/* At what follows a backslash. */
static void
escape(struct parser *s, struct run *r)
{
	char c;

	if (s->at == s->end) {
		s->lost = true;
		return;
	}
	c = *s->at++;
	if (!is_word(c))
		literal(s, r, c);
	else if (strchr("dDwWsSbBAzZhHvVR", c) != NULL)
		anything(s, r);
	else
		s->lost = true;		/* \x41, \Q, \1, ... */
}

/* At what follows a '['. */
static void
class_(struct parser *s, struct run *r)
{
	const char *first = s->at;

	if (s->end - first >= 2 && first[1] == ']' && first[0] != '^' &&
	    first[0] != '\\') {		/* "[.]" */
		s->at += 2;
		literal(s, r, *first);
		return;
	}
	if (here(s, '^'))
		s->at++;
	if (here(s, ']'))
		s->at++;
	for (; s->at < s->end && *s->at != ']'; s->at++) {
		if (*s->at == '\\') {
			if (s->end - s->at < 2 ||
			    strchr("QEc", s->at[1]) != NULL) {
				s->lost = true;
				return;
			}
			s->at++;
		} else if (*s->at == '[' && s->end - s->at >= 2 &&
		    strchr(":.=", s->at[1]) != NULL) {
			char kind = s->at[1];

			for (s->at += 2; s->end - s->at >= 2 &&
			    (s->at[0] != kind || s->at[1] != ']'); s->at++)
				if (!is_word(*s->at) && *s->at != '^')
					s->lost = true;
			if (s->lost)
				return;
			s->at++;
		}
	}
	if (s->at >= s->end) {
		s->lost = true;
		return;
	}
	s->at++;
	anything(s, r);
}

/* ---- groups ---- */

static void choice(struct parser *s, struct regex_needs *out);

/* What follows "(?" of a group that is but a group. */
static void
group_kind(struct parser *s)
{
	if (here(s, ':')) {
		s->at++;
		return;
	}
	if (here(s, 'P'))
		s->at++;
	if (!here(s, '<')) {
		s->lost = true;
		return;
	}
	for (s->at++; s->at < s->end && is_word(*s->at); s->at++)
		;
	if (here(s, '>') && s->at[-1] != '<')
		s->at++;
	else
		s->lost = true;
}

/* At what follows a '('. */
static void
group(struct parser *s, struct run *r)
{
	struct regex_needs inner;

	run_end(r);
	if (here(s, '?')) {
		s->at++;
		group_kind(s);
	} else if (here(s, '*')) {
		s->lost = true;
	}
	if (s->lost || s->depth == DEPTH_MAX) {
		s->lost = true;
		return;
	}
	s->depth++;
	choice(s, &inner);
	s->depth--;
	if (s->lost || !here(s, ')')) {
		s->lost = true;
		return;
	}
	s->at++;
	if (quantifier(s) != MAYBE)
		regex_needs_and(r->out, &inner);
}

static void
row(struct parser *s, struct regex_needs *out)
{
	struct run r = { .text.len = 0, .out = out };

	out->n = 0;
	while (!s->lost && s->at < s->end && *s->at != '|' && *s->at != ')') {
		char c = *s->at++;

		switch (c) {
		case '\\':
			escape(s, &r);
			break;
		case '[':
			class_(s, &r);
			break;
		case '(':
			group(s, &r);
			break;
		case '.':
		case '^':
		case '$':
			anything(s, &r);
			break;
		case '*':
		case '?':
		case '+':
		case '{':
			s->lost = true;
			break;
		default:
			literal(s, &r, c);
		}
	}
	run_end(&r);
}

static void
choice(struct parser *s, struct regex_needs *out)
{
	row(s, out);
	while (!s->lost && here(s, '|')) {
		struct regex_needs other;

		s->at++;
		row(s, &other);
		regex_needs_or(out, &other);
	}
}

void
regex_needs(struct slice pattern, struct regex_needs *out)
{
	struct parser s = { .at = pattern.ptr, .end = pattern.ptr + pattern.len };

	choice(&s, out);
	if (s.lost || s.at != s.end)
		out->n = 0;
}
