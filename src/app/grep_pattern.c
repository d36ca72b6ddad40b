/* grep_pattern.c - literals that a pattern cannot match without, and matching.
 *
 * Only what is certain is taken out of a pattern: runs of plain characters
 * outside of groups, classes and alternatives.  Anything else just means that
 * more is read. */
#include "config.h"

#include <stdio.h>
#include <stdlib.h>

#include "app/grep_pattern.h"
#include "base/buf.h"

/* ---- required literals ---- */

struct literals {
	struct grep_pattern *p;
	struct buf run;
	bool icase;
};

static void
end_run(struct literals *l)
{
	struct slice s = buf_slice(&l->run);
	char *copy;

	segment_need(&l->p->needs, s);
	if (!l->icase && s.len > l->p->must_len &&
	    (copy = slice_dup(s)) != NULL) {
		free(l->p->must);
		l->p->must = copy;
		l->p->must_len = s.len;
	}
	buf_clear(&l->run);
}

/* Behind the ']' of a class that begins at i, or 0. */
static size_t
skip_class(struct slice s, size_t i)
{
	i++;
	if (i < s.len && s.ptr[i] == '^')
		i++;
	if (i < s.len && s.ptr[i] == ']')
		i++;
	for (; i < s.len; i++) {
		if (s.ptr[i] == '\\')
			i++;
		else if (s.ptr[i] == '[')
			return 0;	/* [:alpha:] and the like: give up */
		else if (s.ptr[i] == ']')
			return i + 1;
	}
	return 0;
}

/* Behind the ')' of a group that begins at i, or 0. */
static size_t
skip_group(struct slice s, size_t i)
{
	size_t depth = 0;

	while (i < s.len) {
		if (s.ptr[i] == '\\') {
			i += 2;
		} else if (s.ptr[i] == '[') {
			i = skip_class(s, i);
			if (i == 0)
				return 0;
		} else if (s.ptr[i] == '(') {
			if (i + 1 < s.len && (s.ptr[i + 1] == '*' ||
			    (s.ptr[i + 1] == '?' && (i + 2 >= s.len ||
			    strchr(":=!<>|", s.ptr[i + 2]) == NULL))))
				return 0;	/* options, comments, verbs */
			depth++;
			i++;
		} else if (s.ptr[i] == ')') {
			i++;
			if (--depth == 0)
				return i;
		} else {
			i++;
		}
	}
	return 0;
}

static bool
quantifier(struct slice s, size_t i)
{
	return i < s.len && strchr("*?{+", s.ptr[i]) != NULL;
}

/* One plain character; what follows may make it optional. */
static void
plain_char(struct literals *l, struct slice s, size_t next, char c)
{
	if (!quantifier(s, next)) {
		buf_addc(&l->run, c);
	} else {
		if (s.ptr[next] == '+')
			buf_addc(&l->run, c);
		end_run(l);
	}
}

/* False: it cannot be told what is certain. */
static bool
take_apart(struct literals *l, struct slice s)
{
	for (size_t i = 0; i < s.len; ) {
		char c = s.ptr[i];

		switch (c) {
		case '|': case ')':
			return false;
		case '(':
			end_run(l);
			i = skip_group(s, i);
			if (i == 0)
				return false;
			break;
		case '[':
			end_run(l);
			i = skip_class(s, i);
			if (i == 0)
				return false;
			break;
		case '{':
			end_run(l);
			i += slice_find(slice_from(s, i), '}') + 1;
			break;
		case '.': case '^': case '$': case '*': case '+': case '?':
			end_run(l);
			i++;
			break;
		case '\\':
			if (++i == s.len)
				return false;
			c = s.ptr[i++];
			if (strchr("dDwWsSbBAzZhHvVRN", c) != NULL)
				end_run(l);
			else if ((c >= '0' && c <= '9') ||
			    (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z'))
				return false;
			else
				plain_char(l, s, i, c);
			break;
		default:
			i++;
			plain_char(l, s, i, c);
		}
	}
	end_run(l);
	return true;
}

static void
find_literals(struct grep_pattern *p, struct slice text, bool icase)
{
	struct literals l = { p, BUF_INIT(REGEX_MAX_PATTERN), icase };

	if (!take_apart(&l, text)) {
		p->needs.n = 0;
		free(p->must);
		p->must = NULL;
		p->must_len = 0;
	}
	buf_fini(&l.run);
}

/* ---- patterns ---- */

#define SPECIAL "\\^$.[]|()?*+{}#"

/* Nothing in it means anything else than itself. */
static bool
plain(struct slice text)
{
	for (size_t i = 0; i < text.len; i++)
		if (text.ptr[i] == '\n' || text.ptr[i] == '\0' ||
		    strchr(SPECIAL, text.ptr[i]) != NULL)
			return false;
	return true;
}

/* "(?i)" in front, and \Q \E around a text that is meant as it is. */
static struct regex *
compile(struct slice text, bool fixed, bool icase, struct regex_error *e)
{
	struct buf b = BUF_INIT(4 * REGEX_MAX_PATTERN);
	struct regex *re;

	if (icase)
		buf_adds(&b, "(?i)");
	for (size_t i = 0; i < text.len; i++) {
		char c = text.ptr[i];
		bool special = fixed && c > 0 && strchr(SPECIAL, c);

		if (special)
			buf_addc(&b, '\\');
		buf_addc(&b, c);
	}
	re = regex_new(buf_slice(&b), e);
	buf_fini(&b);
	return re;
}

bool
grep_pattern_init(struct grep_pattern *p, struct slice text, bool fixed,
    bool icase, struct regex_error *e)
{
	*p = (struct grep_pattern){ .all = text.len == 0 };
	if (p->all)
		return true;
	fixed = fixed || plain(text);
	if (fixed)
		segment_need(&p->needs, text);
	else
		find_literals(p, text, icase);
	if (fixed && !icase) {
		p->must = slice_dup(text);
		p->must_len = text.len;
		return p->must != NULL;
	}
	p->re = compile(text, fixed, icase, e);
	if (p->re == NULL)
		grep_pattern_fini(p);
	return p->re != NULL;
}

void
grep_pattern_fini(struct grep_pattern *p)
{
	regex_free(p->re);
	free(p->must);
	*p = (struct grep_pattern){ .all = false };
}

/* Go to the line with the next place that could match. */
static bool
skip_ahead(const struct grep_pattern *p, struct slice *text)
{
	const char *at, *nl;

	if (p->must == NULL)
		return text->len > 0;
	at = text->len == 0 ? NULL : memmem(text->ptr, text->len, p->must,
	    p->must_len);
	if (at == NULL) {
		*text = (struct slice){ NULL, 0 };
		return false;
	}
	nl = at == text->ptr ? NULL : memrchr(text->ptr, '\n',
	    (size_t)(at - text->ptr));
	if (nl != NULL)
		*text = slice_from(*text, (size_t)(nl - text->ptr) + 1);
	return true;
}

bool
grep_pattern_next(const struct grep_pattern *p, struct slice *text,
    struct slice *line)
{
	while (skip_ahead(p, text)) {
		*line = slice_cut(text, '\n');
		if (p->re == NULL || regex_match(p->re, *line, NULL))
			return true;
	}
	return false;
}

bool
grep_pattern_where(const struct grep_pattern *p, struct slice line,
    struct slice *match)
{
	struct regex_groups g;
	const char *at;

	if (p->all || line.len == 0)
		return false;
	if (p->re != NULL) {
		if (!regex_match(p->re, line, &g) || g.v[0].len == 0)
			return false;
		*match = g.v[0];
		return true;
	}
	at = memmem(line.ptr, line.len, p->must, p->must_len);
	if (at == NULL)
		return false;
	*match = slice_of(at, p->must_len);
	return true;
}
