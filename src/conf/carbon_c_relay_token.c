/* carbon_c_relay_token.c - cutting carbon-c-relay's configuration into words.
 *
 * A '#' begins a comment wherever it stands outside of quotes.  In quotes a
 * backslash is taken away and what follows it kept; in bare words backslashes
 * stay, but for one before a space. */
#include "config.h"

#include "conf/carbon_c_relay_token.h"

void
ccr_tokens_init(struct ccr_tokens *t, struct slice text, const char *file,
    struct arena *arena)
{
	*t = (struct ccr_tokens){ .rest = text, .line_start = text.ptr,
	    .mark = { file, 1, 1 }, .arena = arena };
}

static void
newline(struct ccr_tokens *t)
{
	t->mark.line++;
	t->line_start = t->rest.ptr;
}

static void
skip_blanks(struct ccr_tokens *t)
{
	while (t->rest.len > 0) {
		char c = t->rest.ptr[0];

		if (c == '#') {
			t->rest = slice_from(t->rest, slice_find(t->rest, '\n'));
			continue;
		}
		if (c != ' ' && c != '\t' && c != '\r' && c != '\n')
			return;
		t->rest = slice_from(t->rest, 1);
		if (c == '\n')
			newline(t);
	}
}

static bool
is_word_char(char c)
{
	if ((c >= '0' && c <= '9') || (c >= 'a' && c <= 'z') ||
	    (c >= 'A' && c <= 'Z'))
		return true;
	return c != '\0' && strchr("[](){}|\\^?*$&%<>:/,._+-", c) != NULL;
}

static struct ccr_token
wrong(struct ccr_tokens *t, struct ccr_token k, size_t skip, const char *text)
{
	t->rest = slice_from(t->rest, skip);
	k.type = CCR_WRONG;
	k.text = slice_str(text);
	return k;
}

static bool
is_escaped_blank(struct slice s, size_t i)
{
	return s.ptr[i] == '\\' && i + 1 < s.len && s.ptr[i + 1] == ' ';
}

static struct ccr_token
word(struct ccr_tokens *t, struct ccr_token k)
{
	struct slice s = t->rest;
	size_t len = 0, n = 0;
	char *out;

	while (len < s.len && is_word_char(s.ptr[len]))
		len += is_escaped_blank(s, len) ? 2 : 1;
	out = arena_alloc(t->arena, len + 1);
	for (size_t i = 0; i < len; i++) {
		if (is_escaped_blank(s, i))
			i++;
		out[n++] = s.ptr[i];
	}
	t->rest = slice_from(s, len);
	k.text = slice_of(out, n);
	return k;
}

static struct ccr_token
quoted(struct ccr_tokens *t, struct ccr_token k)
{
	struct slice s = slice_from(t->rest, 1);
	size_t i = 0, n = 0;
	char *out;

	while (i < s.len && s.ptr[i] != '"' && s.ptr[i] != '\n')
		i += s.ptr[i] == '\\' && i + 1 < s.len && s.ptr[i + 1] != '\n' ?
		    2 : 1;
	if (i >= s.len || s.ptr[i] == '\n')
		return wrong(t, k, i < s.len ? i + 1 : s.len + 1,
		    "a quoted text without an end on its line");
	if (i == 0)
		return wrong(t, k, 2, "an empty text");
	out = arena_alloc(t->arena, i + 1);
	for (size_t j = 0; j < i; j++) {
		if (s.ptr[j] == '\\')
			j++;
		out[n++] = s.ptr[j];
	}
	t->rest = slice_from(s, i + 1);
	k.type = CCR_QUOTED;
	k.text = slice_of(out, n);
	return k;
}

struct ccr_token
ccr_token(struct ccr_tokens *t)
{
	struct ccr_token k = { .type = CCR_WORD };
	char c;

	skip_blanks(t);
	k.mark = t->mark;
	k.mark.column = (unsigned)(t->rest.ptr - t->line_start) + 1;
	if (t->rest.len == 0) {
		k.type = CCR_END;
		k.text = SLICE("the end of the file");
		return k;
	}
	c = t->rest.ptr[0];
	if (c == '"')
		return quoted(t, k);
	if (is_word_char(c))
		return word(t, k);
	if (c != ';' && c != '=')
		return wrong(t, k, 1, "a character that must stand in quotes");
	t->rest = slice_from(t->rest, 1);
	k.type = c == ';' ? CCR_SEMICOLON : CCR_EQUALS;
	k.text = c == ';' ? SLICE(";") : SLICE("=");
	return k;
}
