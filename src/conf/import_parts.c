/* import_parts.c - YAML scalars and translated patterns for the importers. */
#include "config.h"

#include <errno.h>
#include <stdio.h>

#include "base/regex.h"
#include "base/utf8.h"
#include "conf/import_parts.h"

#define FILE_MAX_BYTES (16u << 20)

/* ---- YAML ---- */

/* Printable characters only, and no line ends: fit for single quotes. */
static bool
is_plain_text(struct slice s)
{
	for (size_t i = 0; i < s.len; i++)
		if ((uint8_t)s.ptr[i] < ' ' || (uint8_t)s.ptr[i] >= 0x7f)
			return false;
	return true;
}

static void
double_quote(struct buf *out, struct slice s)
{
	buf_addc(out, '"');
	for (size_t i = 0, n; i < s.len; i += n) {
		uint8_t c = (uint8_t)s.ptr[i];

		n = utf8_sequence(s.ptr + i, s.len - i);
		if (n == 0) {
			n = 1;
			buf_addc(out, '?');
		} else if (n > 1)
			buf_add(out, s.ptr + i, n);
		else if (c < ' ' || c == 0x7f)
			buf_printf(out, "\\x%02x", c);
		else {
			if (c == '"' || c == '\\')
				buf_addc(out, '\\');
			buf_addc(out, (char)c);
		}
	}
	buf_addc(out, '"');
}

void
yaml_quote(struct buf *out, struct slice s)
{
	if (!is_plain_text(s)) {
		double_quote(out, s);
		return;
	}
	buf_addc(out, '\'');
	for (size_t i = 0; i < s.len; i++) {
		if (s.ptr[i] == '\'')
			buf_addc(out, '\'');
		buf_addc(out, s.ptr[i]);
	}
	buf_addc(out, '\'');
}

void
yaml_value(struct buf *out, struct slice s)
{
	struct buf doubled = BUF_INIT(IMPORT_MAX);

	for (size_t i = 0; i < s.len; i++) {
		if (s.ptr[i] == '$' && i + 1 < s.len && s.ptr[i + 1] == '{')
			buf_addc(&doubled, '$');
		buf_addc(&doubled, s.ptr[i]);
	}
	yaml_quote(out, buf_slice(&doubled));
	buf_fini(&doubled);
}

void
import_text(struct buf *out, const char *key, const char *text)
{
	buf_printf(out, "%s", key);
	yaml_value(out, slice_str(text));
	buf_addc(out, '\n');
}

char *
import_name(struct arena *a, const char *name)
{
	char *copy = arena_dup(a, slice_str(name));

	for (char *p = copy; *p != '\0'; p++)
		if ((uint8_t)*p <= ' ' || strchr("/{}\"'\\:", *p) != NULL ||
		    (p == copy && *p == '.'))
			*p = '_';
	return copy;
}

/* ---- patterns ---- */

struct translation {
	struct slice in;
	size_t i;
	struct buf out;
	unsigned shift, groups, depth;
	bool python;		/* it is PCRE's dialect already, but for quotes */
	bool alternatives;	/* at the top */
	bool at_start;		/* nothing yet that could be repeated */
	bool repeated;		/* it just was */
	bool odd_escape;
};

static char
peek(const struct translation *t, size_t ahead)
{
	return t->i + ahead < t->in.len ? t->in.ptr[t->i + ahead] : '\0';
}

/* A byte that means itself, in a form that no quoting touches. */
static void
literal(struct translation *t, char c)
{
	if ((uint8_t)c < ' ' || (uint8_t)c >= 0x7f || c == '"' || c == '$')
		buf_printf(&t->out, "\\x%02x", (uint8_t)c);
	else
		buf_addc(&t->out, c);
}

static void
escape(struct translation *t)
{
	char c = peek(t, 1);

	t->i += 2;
	t->at_start = false;
	if (c == '"' || c == '$' || (uint8_t)c < ' ' || (uint8_t)c >= 0x7f)
		literal(t, c == '\0' ? '\\' : c);
	else if (!t->python && c == '<')
		buf_adds(&t->out, "\\b(?=\\w)");
	else if (!t->python && c == '>')
		buf_adds(&t->out, "\\b(?<=\\w)");
	else if (!t->python && c == '`')
		buf_adds(&t->out, "\\A");
	else if (!t->python && c == '\'')
		buf_adds(&t->out, "\\z");
	else if (t->python && c == 'Z')
		buf_adds(&t->out, "\\z");
	else if (c >= '1' && c <= '9')
		buf_printf(&t->out, "\\g{%u}", (unsigned)(c - '0') + t->shift);
	else {
		if (((c | 32) >= 'a' && (c | 32) <= 'z') &&
		    strchr("wWsSbB", c) == NULL)
			t->odd_escape = true;
		buf_addc(&t->out, '\\');
		buf_addc(&t->out, c);
	}
}

/* "[:alpha:]" at the front: how long, or 0. */
static size_t
class_length(const struct translation *t)
{
	size_t n = 2;

	if (t->python || peek(t, 0) != '[' || peek(t, 1) != ':')
		return 0;
	while (peek(t, n) >= 'a' && peek(t, n) <= 'z')
		n++;
	return peek(t, n) == ':' && peek(t, n + 1) == ']' ? n + 2 : 0;
}

/* One member of a set. */
static void
set_member(struct translation *t)
{
	char c = peek(t, 0), after = peek(t, 1);
	size_t n = class_length(t);

	if (n > 0) {
		buf_add(&t->out, t->in.ptr + t->i, n);
		t->i += n;
	} else if (c == '\\' && after != '\0' && (t->python || after != ']')) {
		/* POSIX has no escapes in sets, but names no backslashes */
		if (((after | 32) >= 'a' && (after | 32) <= 'z'))
			t->odd_escape |= !t->python;
		t->i += 2;
		if ((uint8_t)after < ' ' || (uint8_t)after >= 0x7f ||
		    after == '"' || after == '$')
			literal(t, after);
		else {
			buf_addc(&t->out, '\\');
			buf_addc(&t->out, after);
		}
	} else {
		t->i++;
		if (c == '\\' || c == '[')
			buf_addc(&t->out, '\\');
		literal(t, c);
	}
}

static void
set(struct translation *t)
{
	t->at_start = false;
	buf_addc(&t->out, '[');
	t->i++;
	if (peek(t, 0) == '^') {
		buf_addc(&t->out, '^');
		t->i++;
	}
	if (peek(t, 0) == ']') {
		buf_adds(&t->out, "\\]");
		t->i++;
	}
	while (t->i < t->in.len && peek(t, 0) != ']')
		set_member(t);
	buf_addc(&t->out, ']');
	t->i++;
}

/* "{2}", "{2,}", "{,3}", "{2,3}": how long, or 0. */
static size_t
bound_length(const struct translation *t)
{
	size_t n = 1, digits = 0;

	for (; peek(t, n) >= '0' && peek(t, n) <= '9'; n++)
		digits++;
	if (peek(t, n) == ',')
		for (n++; peek(t, n) >= '0' && peek(t, n) <= '9'; n++)
			digits++;
	return peek(t, n) == '}' && digits > 0 ? n + 1 : 0;
}

static void
brace(struct translation *t)
{
	size_t n = bound_length(t);

	if (n == 0 || t->at_start) {
		buf_adds(&t->out, "\\{");
		t->i++;
		t->at_start = false;
		return;
	}
	buf_addc(&t->out, '{');
	if (peek(t, 1) == ',')
		buf_addc(&t->out, '0');
	buf_add(&t->out, t->in.ptr + t->i + 1, n - 1);
	t->i += n;
}

static void
repeat(struct translation *t, char c)
{
	t->i++;
	if (!t->python && t->at_start)		/* nothing to repeat: itself */
		buf_addc(&t->out, '\\');
	else if (!t->python && t->repeated && c != '?')
		return;		/* a** is a*, and a*+ is not possessive */
	else
		t->repeated = true;
	buf_addc(&t->out, c);
	t->at_start = false;
}

/* Is the '(' the begin of a group that is counted? */
static bool
captures(const struct translation *t)
{
	if (peek(t, 1) != '?')
		return true;
	if (peek(t, 2) == 'P')
		return peek(t, 3) == '<';
	return peek(t, 2) == '<' && peek(t, 3) != '=' && peek(t, 3) != '!';
}

static void
one(struct translation *t)
{
	char c = peek(t, 0);

	if (c != '*' && c != '+' && c != '?')
		t->repeated = false;
	switch (c) {
	case '\\':
		escape(t);
		return;
	case '[':
		set(t);
		return;
	case '{':
		brace(t);
		return;
	case '*':
	case '+':
	case '?':
		repeat(t, c);
		return;
	case '(':
		t->groups += captures(t);
		t->depth++;
		t->at_start = true;
		buf_addc(&t->out, c);
		if (peek(t, 1) == '?') {	/* of PCRE: not a repetition */
			buf_addc(&t->out, '?');
			t->i++;
		}
		break;
	case ')':
		t->depth -= t->depth > 0;
		t->at_start = false;
		buf_addc(&t->out, c);
		break;
	case '|':
		t->alternatives |= t->depth == 0;
		t->at_start = true;
		buf_addc(&t->out, c);
		break;
	case '^':
	case '$':
		t->at_start = true;
		buf_addc(&t->out, c);
		break;
	default:
		t->at_start = false;
		literal(t, c);
	}
	t->i++;
}

static bool
translate(struct arena *a, struct translation *t, struct import_pattern *p,
    const char **why)
{
	struct slice in = t->in;
	struct regex_error e;
	struct regex *re;
	size_t slashes = 0;

	buf_init(&t->out, IMPORT_MAX);
	t->at_start = true;
	while (t->i < t->in.len)
		one(t);
	for (size_t i = in.len; i > 1 && in.ptr[i - 2] == '\\'; i--)
		slashes++;
	*p = (struct import_pattern){
	    .text = arena_dup(a, buf_slice(&t->out)), .groups = t->groups,
	    .odd_escape = t->odd_escape,
	    .starts = in.len > 0 && in.ptr[0] == '^' && !t->alternatives,
	    .ends = in.len > 0 && in.ptr[in.len - 1] == '$' &&
	    slashes % 2 == 0 && !t->alternatives };
	buf_fini(&t->out);
	re = regex_new(slice_str(p->text), &e);
	if (re == NULL) {
		*why = arena_dup(a, slice_str(e.text));
		return false;
	}
	regex_free(re);
	return true;
}

bool
import_ere(struct arena *a, const char *ere, unsigned group_shift,
    struct import_pattern *p, const char **why)
{
	struct translation t = { .in = slice_str(ere), .shift = group_shift };

	return translate(a, &t, p, why);
}

bool
import_python_re(struct arena *a, const char *re, struct import_pattern *p,
    const char **why)
{
	struct translation t = { .in = slice_str(re), .python = true };
	bool ok = translate(a, &t, p, why);

	p->odd_escape = false;
	return ok;
}

/* ---- files ---- */

bool
import_read(struct arena *a, const char *path, struct slice *text)
{
	struct buf b = BUF_INIT(FILE_MAX_BYTES);
	FILE *f = fopen(path, "re");
	size_t n;
	int error = 0;

	if (f == NULL)
		return false;
	do {
		if (!buf_reserve(&b, 1)) {
			error = EFBIG;
			break;
		}
		n = fread(b.data + b.len, 1, b.cap - b.len, f);
		b.len += n;
	} while (n > 0);
	if (error == 0 && ferror(f))
		error = errno == 0 ? EIO : errno;
	fclose(f);
	*text = slice_of(arena_dup(a, buf_slice(&b)), b.len);
	buf_fini(&b);
	errno = error;
	return error == 0;
}
