/* js_literal.c - reading JavaScript's expressions, worked out as they are read.
 *
 * There are no tokens and no tree: each function reads one kind of expression
 * from the text and gives its value.  What a condition leaves out is read with
 * `skip` above zero, when nothing is asked of anybody and every value is
 * undefined. */
#include "config.h"

#include <errno.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

#include "base/digits.h"
#include "base/number.h"
#include "base/utf8.h"
#include "conf/js_parts.h"

#define MAX_MEMBERS	1024
#define MAX_ITEMS	65536
#define SHOWN		60	/* bytes of an expression in a message */

static const struct js_value *expression(struct js *j);

/* ---- places and failures ---- */

struct conf_mark
js_mark(struct slice text, const char *name, size_t at)
{
	struct conf_mark m = { name, 1, 1 };

	for (size_t i = 0; i < at && i < text.len; i++) {
		if (text.ptr[i] == '\n') {
			m.line++;
			m.column = 1;
		} else if ((text.ptr[i] & 0xc0) != 0x80)
			m.column++;
	}
	return m;
}

const struct js_value *
js_fail(struct js *j, size_t at, const char *fmt, ...)
{
	char text[512];
	va_list ap;

	if (j->failed)
		return NULL;
	j->failed = true;
	va_start(ap, fmt);
	vsnprintf(text, sizeof text, fmt, ap);
	va_end(ap);
	fault_add(j->faults, js_mark(j->text, j->name, at), "%s", text);
	return NULL;
}

/* What stands at a place, to the end of its line or so. */
static struct slice
shown(const struct js *j, size_t at)
{
	struct slice s = slice_from(j->text, at);

	s = slice_upto(s, slice_find(s, '\n'));
	s = slice_upto(s, SHOWN);
	s = slice_upto(s, utf8_prefix(s));
	s = slice_trim(s);
	while (s.len > 1 && (s.ptr[s.len - 1] == ',' || s.ptr[s.len - 1] == ';'))
		s.len--;
	return s;
}

const struct js_value *
js_unknown(struct js *j, size_t at)
{
	struct slice s = slice_from(j->text, at);

	/* up to here when that is all of it, else what follows too */
	s = j->at > at && j->at - at <= SHOWN ? slice_upto(s, j->at - at) :
	    shown(j, at);
	return js_fail(j, at, "\"%.*s\" cannot be worked out without running "
	    "JavaScript", SLICE_ARG(slice_trim(s)));
}

static const struct js_value *
expected(struct js *j, const char *what)
{
	struct slice s = shown(j, j->at);

	if (s.len == 0)
		return js_fail(j, j->at, "expected %s, found the end of the %s",
		    what, j->at == j->text.len ? "file" : "line");
	return js_fail(j, j->at, "expected %s, found \"%.*s\"", what,
	    SLICE_ARG(s));
}

bool
js_charge(struct js *j, size_t at, size_t bytes)
{
	if (bytes > j->left) {
		js_fail(j, at, "the values of this file take more than %u MiB",
		    JS_MAX_MEMORY >> 20);
		return false;
	}
	j->left -= bytes;
	return true;
}

static bool
enter(struct js *j)
{
	if (++j->depth <= JS_MAX_DEPTH)
		return true;
	js_fail(j, j->at, "nested more than %d deep", JS_MAX_DEPTH);
	return false;
}

/* ---- making values ---- */

struct js_value *
js_new(struct js *j, size_t at, enum js_type type)
{
	struct js_value *v;

	if (!js_charge(j, at, sizeof *v))
		return NULL;
	v = arena_alloc(j->arena, sizeof *v);
	v->type = type;
	v->at = at;
	return v;
}

const struct js_value *
js_undefined(struct js *j, size_t at)
{
	return js_new(j, at, JS_UNDEFINED);
}

const struct js_value *
js_new_bool(struct js *j, size_t at, bool b)
{
	struct js_value *v = js_new(j, at, JS_BOOL);

	if (v != NULL)
		v->boolean = b;
	return v;
}

const struct js_value *
js_new_number(struct js *j, size_t at, double d)
{
	struct js_value *v = js_new(j, at, JS_NUMBER);

	if (v != NULL)
		v->number = d;
	return v;
}

const struct js_value *
js_new_string(struct js *j, size_t at, struct slice s)
{
	struct js_value *v = js_new(j, at, JS_STRING);

	if (v == NULL || !js_charge(j, at, s.len + 1))
		return NULL;
	v->string = slice_of(arena_dup(j->arena, s), s.len);
	return v;
}

const struct js_value *
js_new_array(struct js *j, size_t at, const struct js_value **items, size_t n)
{
	struct js_value *v = js_new(j, at, JS_ARRAY);

	if (v != NULL) {
		v->items = items;
		v->n = n;
	}
	return v;
}

const struct js_value *
js_new_builtin(struct js *j, size_t at, const struct js_builtin *b,
    const struct js_value *self)
{
	struct js_value *v = js_new(j, at, JS_BUILTIN);

	if (v != NULL) {
		v->builtin = b;
		v->self = self;
	}
	return v;
}

/* ---- blanks ---- */

static char
peek(const struct js *j, size_t ahead)
{
	return ahead < j->text.len - j->at ? j->text.ptr[j->at + ahead] : '\0';
}

static bool
skip_comment(struct js *j)
{
	size_t from = j->at;

	if (peek(j, 1) == '/') {
		j->at += slice_find(slice_from(j->text, j->at), '\n');
		return true;
	}
	for (j->at += 2; j->at + 1 < j->text.len; j->at++)
		if (peek(j, 0) == '*' && peek(j, 1) == '/') {
			j->at += 2;
			return true;
		}
	js_fail(j, from, "a comment that does not end");
	return false;
}

/* Blanks, line ends, comments.  False: failed. */
static bool
blanks(struct js *j)
{
	for (;;) {
		size_t n = number_js_blank(slice_from(j->text, j->at));

		if (n > 0)
			j->at += n;
		else if (peek(j, 0) != '/' ||
		    (peek(j, 1) != '/' && peek(j, 1) != '*'))
			return !j->failed;
		else if (!skip_comment(j))
			return false;
	}
}

/* Behind blanks: is that character next?  Then it is taken. */
static bool
take(struct js *j, char c)
{
	if (!blanks(j) || j->at == j->text.len || peek(j, 0) != c)
		return false;
	j->at++;
	return true;
}

static bool
want(struct js *j, char c, const char *what)
{
	if (take(j, c))
		return true;
	if (!j->failed)
		expected(j, what);
	return false;
}

/* The name that stands here, not taken; empty when there is none. */
static struct slice
name_here(const struct js *j)
{
	struct slice s = slice_from(j->text, j->at);
	size_t n = 0;

	while (n < s.len && js_name_byte(s.ptr[n], n == 0))
		n++;
	return slice_upto(s, n);
}

static bool
take_word(struct js *j, const char *word)
{
	if (!blanks(j) || !slice_eq(name_here(j), slice_str(word)))
		return false;
	j->at += strlen(word);
	return true;
}

/* ---- strings ---- */

static void
add_character(struct buf *b, uint32_t c)
{
	if (c > 0x10ffff || (c >= 0xd800 && c < 0xe000))
		c = 0xfffd;
	if (c < 0x80)
		buf_addc(b, (char)c);
	else if (c < 0x800) {
		buf_addc(b, (char)(0xc0 | c >> 6));
		buf_addc(b, (char)(0x80 | (c & 0x3f)));
	} else {
		if (c < 0x10000)
			buf_addc(b, (char)(0xe0 | c >> 12));
		else {
			buf_addc(b, (char)(0xf0 | c >> 18));
			buf_addc(b, (char)(0x80 | (c >> 12 & 0x3f)));
		}
		buf_addc(b, (char)(0x80 | (c >> 6 & 0x3f)));
		buf_addc(b, (char)(0x80 | (c & 0x3f)));
	}
}

/* n hexadecimal digits, taken. */
static bool
hex(struct js *j, unsigned n, uint32_t *out)
{
	uint32_t v = 0;

	for (unsigned i = 0; i < n; i++) {
		int d = digits_hex(peek(j, i));

		if (d < 0)
			return false;
		v = v << 4 | (uint32_t)d;
	}
	j->at += n;
	*out = v;
	return true;
}

/* Behind "\u{". */
static bool
hex_in_braces(struct js *j, uint32_t *out)
{
	uint32_t v = 0;
	size_t n = 0;

	for (; digits_hex(peek(j, n)) >= 0; n++) {
		v = v << 4 | (uint32_t)digits_hex(peek(j, n));
		if (v > 0x10ffff)
			return false;
	}
	if (n == 0 || peek(j, n) != '}')
		return false;
	j->at += n + 1;
	*out = v;
	return true;
}

/* Behind "\u"; two that are halves of one character are one. */
static bool
unicode_escape(struct js *j, struct buf *b)
{
	uint32_t c, low;
	size_t before;

	if (peek(j, 0) == '{') {
		j->at++;
		if (!hex_in_braces(j, &c))
			return false;
	} else if (!hex(j, 4, &c))
		return false;
	before = j->at;
	if (c >= 0xd800 && c < 0xdc00 && peek(j, 0) == '\\' &&
	    peek(j, 1) == 'u') {
		j->at += 2;
		if (hex(j, 4, &low) && low >= 0xdc00 && low < 0xe000)
			c = 0x10000 + ((c - 0xd800) << 10) + (low - 0xdc00);
		else
			j->at = before;
	}
	add_character(b, c);
	return true;
}

/* At a backslash. */
static bool
escape(struct js *j, struct buf *b)
{
	static const char from[] = "nrtbvf", to[] = "\n\r\t\b\v\f";
	size_t at = j->at;
	char c = peek(j, 1);
	const char *which;
	uint32_t code;

	if (j->text.len - j->at < 2)
		return false;
	j->at += 2;
	if (c == 'x' || c == 'u') {
		if (c == 'u' ? unicode_escape(j, b) : hex(j, 2, &code)) {
			if (c == 'x')
				add_character(b, code);
			return true;
		}
		js_fail(j, at, "\"\\%c\" without its hexadecimal digits", c);
		return false;
	}
	if (c >= '0' && c <= '9') {
		if (c == '0' && (peek(j, 0) < '0' || peek(j, 0) > '9'))
			return buf_addc(b, '\0');
		js_fail(j, at, "\"\\%c\": write \\x and two digits", c);
		return false;
	}
	if (c == '\r' && peek(j, 0) == '\n')
		j->at++;
	if (c == '\r' || c == '\n')	/* the line goes on */
		return true;
	which = c == '\0' ? NULL : strchr(from, c);
	return buf_addc(b, which == NULL ? c : to[which - from]);
}

/* "${...}" in a template. */
static bool
placeholder(struct js *j, struct buf *b)
{
	size_t at = j->at;
	const struct js_value *v;

	j->at += 2;
	v = expression(j);
	if (v == NULL || !want(j, '}', "} at the end of ${"))
		return false;
	if (j->skip > 0)
		return true;
	if (js_text(b, v))
		return true;
	js_unknown(j, at);
	return false;
}

/* The text of a string whose quote was taken, up to the same quote. */
static bool
string_text(struct js *j, char quote, struct buf *b)
{
	size_t from = j->at - 1;

	while (j->at < j->text.len) {
		char c = peek(j, 0);
		bool ok = true;

		if (c == quote) {
			j->at++;
			return true;
		}
		if (c == '\n' && quote != '`')
			break;
		if (c == '\\')
			ok = escape(j, b);
		else if (quote == '`' && c == '$' && peek(j, 1) == '{')
			ok = placeholder(j, b);
		else {
			ok = buf_addc(b, c);
			j->at++;
		}
		if (j->failed || !ok)
			break;
	}
	js_fail(j, from, b->len == b->max ? "a string longer than %u bytes" :
	    "a string that does not end", JS_MAX_TEXT);
	return false;
}

static const struct js_value *
string(struct js *j)
{
	struct buf b = BUF_INIT(JS_MAX_TEXT);
	size_t at = j->at++;
	const struct js_value *v = NULL;

	if (string_text(j, j->text.ptr[at], &b))
		v = js_new_string(j, at, buf_slice(&b));
	buf_fini(&b);
	return v;
}

/* ---- numbers ---- */

static bool
is_digit(char c)
{
	return c >= '0' && c <= '9';
}

/* 017, from before there was 0o17. */
static bool
old_octal(struct slice s, double *d)
{
	*d = 0;
	if (s.len < 2 || s.ptr[0] != '0')
		return false;
	for (size_t i = 1; i < s.len; i++) {
		if (s.ptr[i] < '0' || s.ptr[i] > '7')
			return false;
		*d = *d * 8 + (s.ptr[i] - '0');
	}
	return true;
}

/* Digits, a point, an exponent, or the digits and letters behind 0x; with
 * '_' between digits left out. */
static struct slice
number_text(struct js *j, char out[128])
{
	size_t n = 0, from = j->at;
	bool power = !(peek(j, 0) == '0' && (peek(j, 1) | 0x20) == 'x');
	bool point = false;

	for (; n < 127; j->at++) {
		char c = peek(j, 0);
		bool sign = (c == '+' || c == '-') && power && j->at > from &&
		    (j->text.ptr[j->at - 1] | 0x20) == 'e';

		if (c == '_' && n > 0 && is_digit(peek(j, 1)))
			continue;
		if (c == '.' && point)
			break;
		point |= c == '.';
		if (!sign && !is_digit(c) && c != '.' &&
		    !((c | 0x20) >= 'a' && (c | 0x20) <= 'z'))
			break;
		out[n++] = c;
	}
	return slice_of(out, n);
}

static const struct js_value *
number(struct js *j)
{
	size_t at = j->at;
	char digits[128];
	struct slice s = number_text(j, digits);
	double d;

	if (old_octal(s, &d) || number_js(s, &d))
		return js_new_number(j, at, d);
	return js_fail(j, at, "\"%.*s\" is no number", SLICE_ARG(s));
}

/* ---- patterns ---- */

/* At a '/' where a value is expected. */
static const struct js_value *
pattern(struct js *j)
{
	struct buf b = BUF_INIT(4096);
	size_t at = j->at++;
	bool in_set = false, global = false, nocase = false;
	struct js_value *v;

	for (; j->at < j->text.len && peek(j, 0) != '\n'; j->at++) {
		char c = peek(j, 0);

		if (c == '/' && !in_set)
			break;
		if (c == '[' || c == ']')
			in_set = c == '[';
		if (c == '\\' && j->at + 1 < j->text.len &&
		    peek(j, 1) != '\n') {
			buf_addc(&b, c);
			j->at++;
			c = peek(j, 0);
		}
		buf_addc(&b, c);
	}
	if (peek(j, 0) != '/') {
		buf_fini(&b);
		return js_fail(j, at, "a pattern that does not end");
	}
	for (j->at++; js_name_byte(peek(j, 0), true); j->at++) {
		global |= peek(j, 0) == 'g';
		nocase |= peek(j, 0) == 'i';
	}
	v = js_new(j, at, JS_REGEX);
	if (v != NULL) {
		char *text = arena_printf(j->arena, "%s%s", nocase ? "(?i)" :
		    "", b.len == 0 ? "" : arena_dup(j->arena, buf_slice(&b)));

		v->string = slice_str(text);
		v->global = global;
	}
	buf_fini(&b);
	return v;
}

/* ---- arrays and objects ---- */

/* A value that may stand in the result. */
static const struct js_value *
plain_value(struct js *j, size_t at)
{
	const struct js_value *v = expression(j);

	if (v != NULL && v->type >= JS_REGEX && j->skip == 0)
		return js_unknown(j, at);
	return v;
}

static const struct js_value *
array(struct js *j)
{
	size_t at = j->at++, n = 0, room = 0;
	const struct js_value **items = NULL;

	while (!take(j, ']')) {
		const struct js_value *v;

		if (j->failed)
			return NULL;
		if (peek(j, 0) == ',')
			v = js_undefined(j, j->at);	/* a hole */
		else
			v = plain_value(j, j->at);
		if (v == NULL)
			return NULL;
		if (n == room) {
			const struct js_value **more;

			room = room == 0 ? 8 : room * 2;
			if (room > MAX_ITEMS ||
			    !js_charge(j, at, room * sizeof *items))
				return js_fail(j, at, "too many items");
			more = arena_array(j->arena, room, sizeof *more);
			if (n > 0)
				memcpy(more, items, n * sizeof *more);
			items = more;
		}
		items[n++] = v;
		if (take(j, ']'))
			break;
		if (!want(j, ',', ", or ] in an array"))
			return NULL;
	}
	return js_new_array(j, at, items, n);
}

/* Before the ':' of a member. */
static bool
member_name(struct js *j, struct slice *name)
{
	const struct js_value *v = NULL;
	struct buf b = BUF_INIT(4096);
	char c = peek(j, 0);
	bool ok;

	*name = name_here(j);
	if (name->len > 0) {
		j->at += name->len;
		return true;
	}
	if (c == '"' || c == '\'')
		v = string(j);
	else if (is_digit(c) || (c == '.' && is_digit(peek(j, 1))))
		v = number(j);
	else if (c == '[') {
		j->at++;
		v = expression(j);
		if (v != NULL && !want(j, ']', "] behind a member's name"))
			return false;
	} else if (!j->failed)
		expected(j, "the name of a member");
	if (v == NULL)
		return false;
	ok = js_text(&b, v);
	if (ok)
		*name = slice_of(arena_dup(j->arena, buf_slice(&b)), b.len);
	buf_fini(&b);
	if (!ok)
		js_fail(j, j->at, "a member with an odd name");
	return ok;
}

/* The last of two with one name counts. */
static bool
add_member(struct js *j, struct js_value *o, size_t *room, struct slice name,
    const struct js_value *v)
{
	struct js_member *more;

	for (size_t i = 0; i < o->n; i++)
		if (slice_eq(o->members[i].name, name)) {
			o->members[i].value = v;
			return true;
		}
	if (o->n == *room) {
		*room = *room == 0 ? 8 : *room * 2;
		if (*room > MAX_MEMBERS ||
		    !js_charge(j, j->at, *room * sizeof *more)) {
			js_fail(j, j->at, "too many members");
			return false;
		}
		more = arena_array(j->arena, *room, sizeof *more);
		if (o->n > 0)
			memcpy(more, o->members, o->n * sizeof *more);
		o->members = more;
	}
	o->members[o->n++] = (struct js_member){ name, v };
	return true;
}

static const struct js_value *variable(struct js *j, struct slice name);

static bool
member(struct js *j, struct js_value *o, size_t *room)
{
	size_t at = j->at;
	struct slice name;
	const struct js_value *v;

	if (!member_name(j, &name) || !blanks(j))
		return false;
	if (peek(j, 0) == ':') {
		j->at++;
		blanks(j);
		v = plain_value(j, j->at);
	} else if ((peek(j, 0) == ',' || peek(j, 0) == '}') &&
	    variable(j, name) != NULL)
		v = variable(j, name);
	else if (peek(j, 0) == '(' || name_here(j).len > 0)
		v = js_unknown(j, at);
	else
		v = expected(j, ": behind a member's name");
	return v != NULL && add_member(j, o, room, name, v);
}

static const struct js_value *
object(struct js *j)
{
	struct js_value *o = js_new(j, j->at++, JS_OBJECT);
	size_t room = 0;

	take(j, ',');		/* people put one there */
	while (o != NULL && !take(j, '}')) {
		if (j->failed || !member(j, o, &room))
			return NULL;
		if (take(j, '}'))
			break;
		if (!want(j, ',', ", or } in an object"))
			return NULL;
	}
	return o;
}

/* ---- names, calls, members ---- */

static const struct js_value *
variable(struct js *j, struct slice name)
{
	for (size_t i = j->nvariables; i-- > 0;)
		if (slice_eq(j->variables[i].name, name))
			return j->variables[i].value;
	return NULL;
}

static const struct js_value *
name_value(struct js *j)
{
	size_t at = j->at;
	struct slice name = name_here(j);
	const struct js_value *v = variable(j, name);
	const struct js_builtin *b;

	j->at += name.len;
	if (v != NULL)
		return v;
	if (slice_eq(name, SLICE("true")) || slice_eq(name, SLICE("false")))
		return js_new_bool(j, at, name.len == 4);
	if (slice_eq(name, SLICE("null")))
		return js_new(j, at, JS_NULL);
	if (slice_eq(name, SLICE("undefined")))
		return js_undefined(j, at);
	if (slice_eq(name, SLICE("NaN")))
		return js_new_number(j, at, NAN);
	if (slice_eq(name, SLICE("Infinity")))
		return js_new_number(j, at, HUGE_VAL);
	for (b = js_globals; b->name != NULL; b++)
		if (slice_eq(name, slice_str(b->name)))
			return js_new_builtin(j, at, b, NULL);
	j->at = at;
	return js_unknown(j, at);
}

static const struct js_value *
primary(struct js *j)
{
	const struct js_value *v;
	char c;

	if (!blanks(j))
		return NULL;
	c = peek(j, 0);
	switch (c) {
	case '{':
		return object(j);
	case '[':
		return array(j);
	case '"':
	case '\'':
	case '`':
		return string(j);
	case '/':
		return pattern(j);
	case '(':
		j->at++;
		v = expression(j);
		return v != NULL && want(j, ')', ")") ? v : NULL;
	}
	if (is_digit(c) || (c == '.' && is_digit(peek(j, 1))))
		return number(j);
	if (js_name_byte(c, true))
		return name_value(j);
	return expected(j, "a value");
}

/* Behind the '(' of a call. */
static bool
arguments(struct js *j, struct js_call *c)
{
	while (!take(j, ')')) {
		if (c->n == JS_MAX_ARGUMENTS) {
			js_unknown(j, c->at);
			return false;
		}
		c->v[c->n] = expression(j);
		if (c->v[c->n++] == NULL)
			return false;
		if (take(j, ')'))
			break;
		if (!want(j, ',', ", or ) in a call"))
			return false;
	}
	return !j->failed;
}

static const struct js_value *
call(struct js *j, size_t at, const struct js_value *f)
{
	struct js_call c = { .at = at, .self = f->self };

	if (!arguments(j, &c))
		return NULL;
	if (j->skip > 0)
		return js_undefined(j, at);
	if (f->type != JS_BUILTIN || f->builtin->call == NULL)
		return js_unknown(j, at);
	return f->builtin->call(j, &c);
}

/* Behind the '[' of v[...]. */
static const struct js_value *
item(struct js *j, size_t at, const struct js_value *v)
{
	const struct js_value *which = expression(j), *got = NULL;
	struct buf b = BUF_INIT(4096);

	if (which == NULL || !want(j, ']', "]"))
		return NULL;
	if (j->skip > 0)
		return js_undefined(j, at);
	if (v->type == JS_ARRAY && which->type == JS_NUMBER) {
		double d = which->number;

		if (d >= 0 && d < (double)v->n && d == floor(d))
			return v->items[(size_t)d];
		return js_undefined(j, at);
	}
	if (js_text(&b, which))
		got = js_property(j, at, v, buf_slice(&b));
	else
		js_unknown(j, at);
	buf_fini(&b);
	return got;
}

/* v.name, v?.name */
static const struct js_value *
dot(struct js *j, size_t at, const struct js_value *v)
{
	struct slice name;

	if (!blanks(j))
		return NULL;
	name = name_here(j);
	if (name.len == 0)
		return expected(j, "a name behind the point");
	j->at += name.len;
	return j->skip > 0 ? js_undefined(j, at) : js_property(j, at, v, name);
}

/* At a "?." that begins no "?.5". */
static bool
take_optional(struct js *j)
{
	if (peek(j, 0) != '?' || peek(j, 1) != '.' || is_digit(peek(j, 2)))
		return false;
	j->at += 2;
	return true;
}

/* What follows a value: members, items, calls. */
static const struct js_value *
chain(struct js *j, size_t at, const struct js_value *v)
{
	unsigned skip = j->skip;
	bool nothing = false;

	while (v != NULL && blanks(j)) {
		bool optional = take_optional(j);

		if (optional && (v->type == JS_UNDEFINED || v->type == JS_NULL)
		    && !nothing) {
			nothing = true;		/* and the rest is not asked for */
			j->skip++;
		}
		if (take(j, '('))
			v = call(j, at, v);
		else if (take(j, '['))
			v = item(j, at, v);
		else if (optional || take(j, '.'))
			v = dot(j, at, v);
		else
			break;
	}
	j->skip = skip;
	if (v == NULL || j->failed)
		return NULL;
	return nothing ? js_undefined(j, at) : v;
}

/* ---- operators ---- */

static const struct js_value *
unary(struct js *j)
{
	const struct js_value *v = NULL;
	size_t at;
	char c;

	if (!blanks(j) || !enter(j))
		return NULL;
	at = j->at;
	c = peek(j, 0);
	if (c != '!' && c != '-' && c != '+') {
		v = primary(j);
		v = v == NULL ? NULL : chain(j, at, v);
	} else if (c != '!' && peek(j, 1) == c)
		js_unknown(j, at);
	else {
		j->at++;
		v = unary(j);
		if (v != NULL && c == '!')
			v = js_new_bool(j, at, !js_truth(v));
		else if (v != NULL)
			v = js_new_number(j, at, c == '-' ? -js_number(v) :
			    js_number(v));
	}
	j->depth--;
	return v;
}

enum operator {
	NONE, OR, NULLISH, AND, SAME, DIFFERENT, EQUAL, UNEQUAL, LESS,
	MORE, LESS_OR_EQUAL, MORE_OR_EQUAL, PLUS, MINUS, TIMES, OVER, MODULO
};

/* The longer of two that begin alike first; `never`: what may not follow. */
static const struct {
	const char *text, *never;
	enum operator op;
	unsigned level;
} operators[] = {
	{ "||", "=", OR, 1 },
	{ "??", "=", NULLISH, 1 },
	{ "&&", "=", AND, 2 },
	{ "===", "", SAME, 3 },
	{ "!==", "", DIFFERENT, 3 },
	{ "==", "", EQUAL, 3 },
	{ "!=", "", UNEQUAL, 3 },
	{ "<=", "", LESS_OR_EQUAL, 4 },
	{ ">=", "", MORE_OR_EQUAL, 4 },
	{ "<", "<=", LESS, 4 },
	{ ">", ">=", MORE, 4 },
	{ "+", "+=", PLUS, 5 },
	{ "-", "-=", MINUS, 5 },
	{ "*", "*=", TIMES, 6 },
	{ "/", "=", OVER, 6 },
	{ "%", "=", MODULO, 6 },
};

/* The operator that stands here, at that level or above; taken. */
static enum operator
take_operator(struct js *j, unsigned level, unsigned *found)
{
	struct slice s = slice_from(j->text, j->at);

	for (size_t i = 0; i < sizeof operators / sizeof *operators; i++) {
		struct slice text = slice_str(operators[i].text);
		char after = peek(j, text.len);

		if (!slice_starts(s, text))
			continue;
		if (operators[i].level < level || (after != '\0' &&
		    strchr(operators[i].never, after) != NULL))
			return NONE;
		j->at += text.len;
		*found = operators[i].level;
		return operators[i].op;
	}
	return NONE;
}

static const struct js_value *
add(struct js *j, size_t at, const struct js_value *a,
    const struct js_value *b)
{
	struct buf text = BUF_INIT(JS_MAX_TEXT);
	const struct js_value *v = NULL;

	if ((a->type < JS_STRING || a->type > JS_OBJECT) &&
	    (b->type < JS_STRING || b->type > JS_OBJECT) &&
	    a->type < JS_REGEX && b->type < JS_REGEX)
		return js_new_number(j, at, js_number(a) + js_number(b));
	if (a->type >= JS_REGEX || b->type >= JS_REGEX)
		js_unknown(j, at);
	else if (js_text(&text, a) && js_text(&text, b))
		v = js_new_string(j, at, buf_slice(&text));
	else
		js_fail(j, at, "a string longer than %u bytes", JS_MAX_TEXT);
	buf_fini(&text);
	return v;
}

static bool
compare(enum operator op, const struct js_value *a, const struct js_value *b)
{
	double x = js_number(a), y = js_number(b);

	if (a->type == JS_STRING && b->type == JS_STRING) {
		x = slice_cmp(a->string, b->string);
		y = 0;
	}
	switch (op) {
	case LESS:
		return x < y;
	case MORE:
		return x > y;
	case LESS_OR_EQUAL:
		return x <= y;
	default:
		return x >= y;
	}
}

static const struct js_value *
calculate(struct js *j, size_t at, enum operator op, const struct js_value *a,
    const struct js_value *b)
{
	switch (op) {
	case SAME:
	case DIFFERENT:
		return js_new_bool(j, at, js_same(a, b) == (op == SAME));
	case EQUAL:
	case UNEQUAL:
		return js_new_bool(j, at, js_equal(a, b) == (op == EQUAL));
	case LESS:
	case MORE:
	case LESS_OR_EQUAL:
	case MORE_OR_EQUAL:
		return js_new_bool(j, at, compare(op, a, b));
	case PLUS:
		return add(j, at, a, b);
	case MINUS:
		return js_new_number(j, at, js_number(a) - js_number(b));
	case TIMES:
		return js_new_number(j, at, js_number(a) * js_number(b));
	case OVER:
		return js_new_number(j, at, js_number(a) / js_number(b));
	default:
		return js_new_number(j, at, fmod(js_number(a), js_number(b)));
	}
}

/* Is what stands left of the operator the answer already? */
static bool
decided(enum operator op, const struct js_value *a)
{
	switch (op) {
	case OR:
		return js_truth(a);
	case AND:
		return !js_truth(a);
	case NULLISH:
		return a->type != JS_UNDEFINED && a->type != JS_NULL;
	default:
		return false;
	}
}

static const struct js_value *
binary(struct js *j, unsigned level)
{
	size_t at;
	const struct js_value *a, *b;
	enum operator op;
	unsigned found = 0;
	bool known;

	if (!blanks(j))
		return NULL;
	at = j->at;
	a = unary(j);
	while (a != NULL && blanks(j) &&
	    (op = take_operator(j, level, &found)) != NONE) {
		known = decided(op, a);
		j->skip += known;
		b = binary(j, found + 1);
		j->skip -= known;
		if (b == NULL)
			return NULL;
		if (j->skip > 0 || known)
			continue;
		a = op == OR || op == AND || op == NULLISH ? b :
		    calculate(j, at, op, a, b);
	}
	return j->failed ? NULL : a;
}

/* All of them, and a ? b : c. */
static const struct js_value *
expression(struct js *j)
{
	const struct js_value *v, *yes, *no;
	bool truth;

	if (!enter(j))
		return NULL;
	v = binary(j, 1);
	if (v != NULL && peek(j, 0) == '?') {
		j->at++;
		truth = js_truth(v);
		j->skip += !truth;
		yes = expression(j);
		j->skip -= !truth;
		if (yes == NULL || !want(j, ':', ": of a condition"))
			return NULL;
		j->skip += truth;
		no = expression(j);
		j->skip -= truth;
		v = no == NULL ? NULL : truth ? yes : no;
	}
	j->depth--;
	return v;
}

/* ---- the file ---- */

/* const NAME = value, NAME = value; */
static bool
declaration(struct js *j)
{
	do {
		struct slice name;
		const struct js_value *v;

		if (!blanks(j))
			return false;
		name = name_here(j);
		if (name.len == 0 || j->nvariables == JS_MAX_VARIABLES) {
			js_unknown(j, j->at);
			return false;
		}
		j->at += name.len;
		if (!want(j, '=', "= in a declaration"))
			return false;
		v = expression(j);
		if (v == NULL)
			return false;
		j->variables[j->nvariables++] = (struct js_member){ name, v };
		j->declared = j->at;
	} while (take(j, ','));
	take(j, ';');
	return !j->failed;
}

/* "use strict", declarations. */
static bool
preamble(struct js *j)
{
	struct slice rest;

	if (slice_starts(j->text, SLICE("\xef\xbb\xbf")))
		j->at = 3;
	if (slice_starts(slice_from(j->text, j->at), SLICE("#!")))
		j->at += slice_find(slice_from(j->text, j->at), '\n');
	if (!blanks(j))
		return false;
	rest = slice_from(j->text, j->at);
	if (slice_starts(rest, SLICE("'use strict'")) ||
	    slice_starts(rest, SLICE("\"use strict\""))) {
		j->at += 12;
		take(j, ';');
	}
	while (take_word(j, "var") || take_word(j, "let") ||
	    take_word(j, "const"))
		if (!declaration(j))
			return false;
	return !j->failed;
}

/* "module.exports =", "config =": whatever it is given to. */
static void
assignment(struct js *j)
{
	size_t at = j->at;

	while (blanks(j)) {
		struct slice name = name_here(j);

		if (name.len == 0)
			break;
		j->at += name.len;
		if (take(j, '.'))
			continue;
		if (!blanks(j) || peek(j, 0) != '=' || peek(j, 1) == '=' ||
		    peek(j, 1) == '>')
			break;
		j->at++;
		at = j->at;
	}
	j->at = at;
}

static const struct js_value *
file(struct js *j)
{
	const struct js_value *v;
	size_t at;

	if (!preamble(j))
		return NULL;
	assignment(j);
	if (!blanks(j))
		return NULL;
	at = j->at;
	v = plain_value(j, at);
	while (v != NULL && take(j, ';'))
		;
	if (v == NULL || j->failed)
		return NULL;
	return j->at == j->text.len ? v : expected(j, "the end of the file");
}

const struct js_value *
js_read(struct slice text, const char *name, const struct js_env *env,
    struct arena *a, struct faults *f)
{
	struct js j = { .text = text, .name = name, .env = env, .arena = a,
	    .faults = f, .left = JS_MAX_MEMORY };

	if (text.len <= JS_MAX_TEXT)
		return file(&j);
	return js_fail(&j, 0, "larger than %u bytes", JS_MAX_TEXT);
}
