/* expr.c - the one language for saying which records are meant: reading it. */
#include "config.h"

#include <stdio.h>
#include <stdlib.h>

#include "base/arena.h"
#include "base/buf.h"
#include "base/number.h"
#include "conf/expr.h"
#include "conf/value.h"
#include "record/record.h"

#define COUNT(a) (sizeof(a) / sizeof((a)[0]))

/* What constants a field is compared with. */
enum shape { SHAPE_TEXT, SHAPE_NUMBER, SHAPE_WORDS, SHAPE_ORDER };

/* The i-th word of a field, or NULL past the last. */
typedef const char *words_fn(unsigned i);

static const char *
kind_word(unsigned i)
{
	return i < RECORD_KINDS ? record_kind_name(i) : NULL;
}

static const char *
type_word(unsigned i)
{
	return i < METRIC_TYPES ? metric_type_name(i) : NULL;
}

static const char *
source_word(unsigned i)
{
	return i < RECORD_SOURCES ? record_source_name(i) : NULL;
}

static const char *
severity_word(unsigned i)
{
	return i < 8 ? severity_name(i) : NULL;
}

static const char *
facility_word(unsigned i)
{
	return i < 24 ? facility_name(i) : NULL;
}

static const struct {
	const char *name;
	enum shape shape;
	enum expr_kinds kinds;
	words_fn *words;
} fields[EXPR_FIELDS] = {
	[EXPR_KIND] = { "kind", SHAPE_WORDS, EXPR_ALL_KINDS, kind_word },
	[EXPR_NAME] = { "name", SHAPE_TEXT, EXPR_METRICS, NULL },
	[EXPR_VALUE] = { "value", SHAPE_NUMBER, EXPR_METRICS, NULL },
	[EXPR_TYPE] = { "type", SHAPE_WORDS, EXPR_METRICS, type_word },
	[EXPR_HOST] = { "host", SHAPE_TEXT, EXPR_LOGS, NULL },
	[EXPR_APP] = { "app", SHAPE_TEXT, EXPR_LOGS, NULL },
	[EXPR_SEVERITY] = { "severity", SHAPE_ORDER, EXPR_LOGS, severity_word },
	[EXPR_FACILITY] = { "facility", SHAPE_ORDER, EXPR_LOGS, facility_word },
	[EXPR_BODY] = { "body", SHAPE_TEXT, EXPR_LOGS, NULL },
	[EXPR_PROCID] = { "procid", SHAPE_TEXT, EXPR_LOGS, NULL },
	[EXPR_MSGID] = { "msgid", SHAPE_TEXT, EXPR_LOGS, NULL },
	[EXPR_STREAM] = { "stream", SHAPE_TEXT, EXPR_EVENTS, NULL },
	[EXPR_ID] = { "id", SHAPE_TEXT, EXPR_EVENTS, NULL },
	[EXPR_SOURCE] = { "source", SHAPE_WORDS, EXPR_ALL_KINDS, source_word },
	[EXPR_PEER] = { "peer", SHAPE_TEXT, EXPR_ALL_KINDS, NULL },
	[EXPR_FLAGS] = { "flags", SHAPE_WORDS, EXPR_LOGS, log_flag_name },
	[EXPR_DATA] = { "data", SHAPE_TEXT, EXPR_METRICS, NULL },
	[EXPR_TAG] = { "tag", SHAPE_TEXT, EXPR_METRICS, NULL },
	[EXPR_FIELD] = { "field", SHAPE_TEXT, EXPR_EVENTS | EXPR_LOGS, NULL },
};

enum token_kind {
	TOKEN_END, TOKEN_WORD, TOKEN_TEXT, TOKEN_NUMBER, TOKEN_OPEN, TOKEN_CLOSE,
	TOKEN_NOT, TOKEN_AND, TOKEN_OR, TOKEN_COMPARE
};

struct token {
	enum token_kind kind;
	struct slice text;	/* as written; of a TEXT what is between the quotes */
	size_t offset;
	enum expr_op op;	/* of COMPARE */
	double number;
};

struct parser {
	struct slice in;
	size_t at;
	struct token token;	/* the next one */
	unsigned depth;
	struct expr *x;
	size_t room;		/* in x->regexes */
	struct expr_error *error;
	bool failed;
};

static const struct expr_node *parse_or(struct parser *p);

/* Only the first fault of an expression is told: the rest is guesswork. */
static void __attribute__((format(printf, 3, 4)))
fail(struct parser *p, size_t offset, const char *fmt, ...)
{
	va_list ap;

	if (p->failed)
		return;
	p->failed = true;
	p->error->offset = offset;
	va_start(ap, fmt);
	vsnprintf(p->error->text, sizeof p->error->text, fmt, ap);
	va_end(ap);
}

static bool
is_word_char(char c)
{
	return (c >= '0' && c <= '9') || ((c | 32) >= 'a' && (c | 32) <= 'z') ||
	    c == '_' || c == '.' || c == '-' || c == '@' || c == ':' || c == '/';
}

static void
scan_text(struct parser *p, char quote)
{
	size_t from = p->at + 1, i = from;

	while (i < p->in.len && p->in.ptr[i] != quote)
		i += p->in.ptr[i] == '\\' ? 2 : 1;
	if (i >= p->in.len) {
		fail(p, p->at, "a text without its closing %c", quote);
		i = p->in.len;
	}
	p->token.kind = TOKEN_TEXT;
	p->token.text = slice_upto(slice_from(p->in, from), i - from);
	p->at = i + 1;
}

static void
scan_word(struct parser *p)
{
	size_t i = p->at;

	while (i < p->in.len && is_word_char(p->in.ptr[i]))
		i++;
	p->token.text = slice_upto(slice_from(p->in, p->at), i - p->at);
	p->token.kind = number_double(p->token.text, &p->token.number) ?
	    TOKEN_NUMBER : TOKEN_WORD;
	p->at = i;
}

static bool
scan_operator(struct parser *p)
{
	static const struct {
		struct slice text;
		enum token_kind kind;
		enum expr_op op;
	} operators[] = {
		{ SLICE("&&"), TOKEN_AND, 0 }, { SLICE("||"), TOKEN_OR, 0 },
		{ SLICE("=="), TOKEN_COMPARE, EXPR_EQ }, { SLICE("!="), TOKEN_COMPARE, EXPR_NE },
		{ SLICE("<="), TOKEN_COMPARE, EXPR_LE }, { SLICE(">="), TOKEN_COMPARE, EXPR_GE },
		{ SLICE("=~"), TOKEN_COMPARE, EXPR_MATCH },
		{ SLICE("!~"), TOKEN_COMPARE, EXPR_NO_MATCH },
		{ SLICE("<"), TOKEN_COMPARE, EXPR_LT }, { SLICE(">"), TOKEN_COMPARE, EXPR_GT },
		{ SLICE("!"), TOKEN_NOT, 0 },
		{ SLICE("("), TOKEN_OPEN, 0 }, { SLICE(")"), TOKEN_CLOSE, 0 },
	};
	struct slice rest = slice_from(p->in, p->at);

	for (size_t i = 0; i < COUNT(operators); i++) {
		if (!slice_starts(rest, operators[i].text))
			continue;
		p->token.kind = operators[i].kind;
		p->token.op = operators[i].op;
		p->token.text = operators[i].text;
		p->at += operators[i].text.len;
		return true;
	}
	return false;
}

/* Put the next token in p->token. */
static void
advance(struct parser *p)
{
	char c;

	while (p->at < p->in.len && memchr(" \t\r\n", p->in.ptr[p->at], 4) != NULL)
		p->at++;
	p->token = (struct token){ .kind = TOKEN_END, .offset = p->at };
	if (p->at >= p->in.len || p->failed)
		return;
	c = p->in.ptr[p->at];
	if (c == '"' || c == '\'')
		scan_text(p, c);
	else if (is_word_char(c) || c == '+')
		scan_word(p);
	else if (!scan_operator(p)) {
		if (c == '=')
			fail(p, p->at, "\"=\" is no operator, did you mean \"==\" or \"=~\"?");
		else if (c == '&' || c == '|')
			fail(p, p->at, "\"%c\" is no operator, did you mean \"%c%c\"?", c, c, c);
		else if (c > ' ' && c < 0x7f)
			fail(p, p->at, "unexpected \"%c\"", c);
		else
			fail(p, p->at, "unexpected byte 0x%02x", (unsigned char)c);
	}
	/* a plus begins nothing but a number */
	if (p->token.kind == TOKEN_WORD && p->token.text.len == 0) {
		p->at++;
		fail(p, p->token.offset, "unexpected \"+\"");
	}
}

static struct expr_node *
new_node(struct parser *p, enum expr_op op)
{
	struct expr_node *n = arena_alloc(p->x->arena, sizeof *n);

	n->op = op;
	return n;
}

static size_t
name_length(struct slice s)
{
	size_t i = 0;

	while (i < s.len && (s.ptr[i] == '_' || ((s.ptr[i] | 32) >= 'a' && (s.ptr[i] | 32) <= 'z') ||
	    (i > 0 && s.ptr[i] >= '0' && s.ptr[i] <= '9')))
		i++;
	return i;
}

/* Bytes that stand for themselves, also within a pattern. */
static void
add_plain(struct buf *b, struct slice s, bool pattern)
{
	for (size_t i = 0; i < s.len; i++) {
		char c = s.ptr[i];

		if (pattern && (unsigned char)c < 0x80 && !(name_length(slice_of(&c, 1)) == 1) &&
		    !(c >= '0' && c <= '9'))
			buf_addc(b, '\\');
		buf_addc(b, c);
	}
}

/* "${NAME}" or "${NAME:-default}" at the front of s.  How long it is, or 0
 * when it is something else, a pattern's "$" and count perhaps. */
static size_t
add_variable(struct parser *p, struct slice s, struct buf *b, bool pattern)
{
	struct slice inner = slice_from(s, 2), rest;
	size_t end = slice_find(inner, '}'), len = name_length(inner);
	const char *value;
	char *name;

	if (len == 0 || end == inner.len)
		return 0;
	rest = slice_from(slice_upto(inner, end), len);
	if (rest.len > 0 && !slice_starts(rest, SLICE(":-")))
		return 0;
	name = arena_dup(p->x->arena, slice_upto(inner, len));
	value = getenv(name);
	if (rest.len > 0 && (value == NULL || *value == '\0'))
		add_plain(b, slice_from(rest, 2), pattern);
	else if (value != NULL)
		add_plain(b, slice_str(value), pattern);
	else
		fail(p, (size_t)(s.ptr - p->in.ptr), "no \"%s\" in the environment; "
		    "write ${%s:-...} to give a default", name, name);
	return end + 3;
}

/* What stands between quotes, with escapes and variables made good. */
static struct slice
unquote(struct parser *p, struct slice raw, char quote, bool pattern)
{
	struct buf b = BUF_INIT(1 << 20);
	struct slice made;
	size_t i = 0, n;

	while (i < raw.len) {
		char c = raw.ptr[i], d = i + 1 < raw.len ? raw.ptr[i + 1] : '\0';

		n = c == '$' && d == '{' ? add_variable(p, slice_from(raw, i), &b, pattern) : 0;
		if (n > 0) {
			i += n;
			continue;
		}
		if (c == '\\' && (d == quote || (!pattern && (d == '\\' || d == 'n' || d == 't')))) {
			buf_addc(&b, d == quote || d == '\\' ? d : d == 'n' ? '\n' : '\t');
			i += 2;
			continue;
		}
		/* a pair stays a pair, so that "\\$" is no variable's escape */
		buf_add(&b, raw.ptr + i, c == '\\' && i + 1 < raw.len ? 2 : 1);
		i += c == '\\' && i + 1 < raw.len ? 2 : 1;
	}
	made = slice_of(arena_dup(p->x->arena, buf_slice(&b)), b.len);
	buf_fini(&b);
	return made;
}

static void
free_regex(void *re)
{
	regex_free(re);
}

/* The pattern's byte that is byte `at` of what unquote() made of it. */
static size_t
pattern_offset(struct slice raw, char quote, size_t at)
{
	size_t i = 0;

	/* with a variable before it there is no telling */
	for (size_t made = 0; made < at && i < raw.len; made++)
		i += raw.ptr[i] == '\\' && i + 1 < raw.len && raw.ptr[i + 1] == quote ? 2 : 1;
	return i < raw.len ? i : raw.len;
}

static void
add_regex(struct parser *p, const struct regex *re)
{
	struct expr *x = p->x;

	if (x->nregexes == p->room) {
		const struct regex **v;

		p->room = p->room == 0 ? 4 : p->room * 2;
		v = arena_array(x->arena, p->room, sizeof *v);
		if (x->nregexes > 0)
			memcpy(v, x->regexes, x->nregexes * sizeof *v);
		x->regexes = v;
	}
	x->regexes[x->nregexes++] = re;
}

static void
set_pattern(struct parser *p, struct expr_node *n, const struct token *t)
{
	char quote = p->in.ptr[t->offset];
	struct regex_error e;
	struct regex *re;

	if (t->kind != TOKEN_TEXT) {
		fail(p, t->offset, "expected a pattern in quotes behind %s",
		    n->op == EXPR_MATCH ? "=~" : "!~");
		return;
	}
	n->text = unquote(p, t->text, quote, true);
	if (p->failed)
		return;
	re = regex_new(n->text, &e);
	if (re == NULL) {
		fail(p, t->offset + 1 + pattern_offset(t->text, quote, e.offset), "bad pattern: %s",
		    e.text);
		return;
	}
	arena_defer(p->x->arena, free_regex, re);
	n->regex = re;
	add_regex(p, re);
}

static void
fail_word(struct parser *p, const struct token *t, words_fn *words, const char *field)
{
	char list[200] = "";
	const char *near = NULL, *w;
	unsigned least = 99, d;

	for (unsigned i = 0; (w = words(i)) != NULL; i++) {
		size_t len = strlen(list);

		if (value_near(t->text, slice_str(w), &d) && d < least) {
			least = d;
			near = w;
		}
		snprintf(list + len, sizeof list - len, "%s%s", i == 0 ? "" : ", ", w);
	}
	if (near != NULL)
		fail(p, t->offset, "no %s is called \"%.*s\", did you mean \"%s\"?", field,
		    SLICE_ARG(slice_upto(t->text, 60)), near);
	else
		fail(p, t->offset, "no %s is called \"%.*s\", only %s", field,
		    SLICE_ARG(slice_upto(t->text, 20)), list);
}

/* A word of the field, as its index. */
static void
set_word(struct parser *p, struct expr_node *n, const struct token *t)
{
	words_fn *words = fields[n->field].words;
	const char *w;
	int v = -1;

	if (n->field == EXPR_SEVERITY)
		v = severity_parse(t->text);
	else if (n->field == EXPR_FACILITY)
		v = facility_parse(t->text);
	for (unsigned i = 0; v == -1 && (w = words(i)) != NULL; i++)
		if (slice_eq(t->text, slice_str(w)))
			v = (int)i;
	if (v == -1) {
		fail_word(p, t, words, fields[n->field].name);
		return;
	}
	n->text = slice_str(words((unsigned)v));
	n->number = v;
	n->is_number = true;
}

static void
set_constant(struct parser *p, struct expr_node *n, const struct token *t)
{
	enum shape shape = fields[n->field].shape;
	const char *name = fields[n->field].name;

	if (t->kind != TOKEN_TEXT && t->kind != TOKEN_WORD && t->kind != TOKEN_NUMBER) {
		fail(p, t->offset, "expected something to compare %s with", name);
	} else if (shape == SHAPE_WORDS && n->op != EXPR_EQ && n->op != EXPR_NE) {
		fail(p, t->offset, "%s has no order: use ==, !=, =~ or !~", name);
	} else if (shape == SHAPE_WORDS || shape == SHAPE_ORDER) {
		set_word(p, n, t);
	} else if (t->kind == TOKEN_NUMBER) {
		n->number = t->number;
		n->is_number = true;
		n->text = slice_of(arena_dup(p->x->arena, t->text), t->text.len);
	} else if (shape == SHAPE_NUMBER) {
		fail(p, t->offset, "%s is compared with a number, without quotes", name);
	} else if (t->kind == TOKEN_WORD) {
		fail(p, t->offset, "expected a number or a text in quotes, found %.*s",
		    SLICE_ARG(slice_upto(t->text, 60)));
	} else {
		n->text = unquote(p, t->text, p->in.ptr[t->offset], false);
	}
}

bool
expr_field_parse(struct slice text, enum expr_field *field, struct slice *key)
{
	struct slice rest = text, head = slice_cut(&rest, '.');

	for (unsigned i = 0; i < EXPR_FIELDS; i++) {
		bool keyed = i == EXPR_TAG || i == EXPR_FIELD;

		if (!slice_eq(head, slice_str(fields[i].name)) || keyed != (rest.len > 0) ||
		    (!keyed && rest.ptr != NULL))
			continue;
		*field = (enum expr_field)i;
		*key = rest;
		return true;
	}
	return false;
}

const char *
expr_field_name(enum expr_field field)
{
	return fields[field].name;
}

enum expr_kinds
expr_field_kinds(enum expr_field field)
{
	return fields[field].kinds;
}

static void
fail_field(struct parser *p, const struct token *t)
{
	const char *near = NULL;
	unsigned least = 99, d;

	if (slice_eq(t->text, SLICE("tag")) || slice_eq(t->text, SLICE("field"))) {
		fail(p, t->offset, "%.*s of what? write %.*s.KEY", SLICE_ARG(t->text),
		    SLICE_ARG(t->text));
		return;
	}
	for (unsigned i = 0; i < EXPR_FIELDS; i++) {
		if (value_near(t->text, slice_str(fields[i].name), &d) && d < least) {
			least = d;
			near = fields[i].name;
		}
	}
	fail(p, t->offset, "no field \"%.*s\"%s%s%s", SLICE_ARG(slice_upto(t->text, 60)),
	    near == NULL ? "" : ", did you mean \"", near == NULL ? "" : near,
	    near == NULL ? "" : "\"?");
}

/* field, or field op constant */
static const struct expr_node *
parse_test(struct parser *p)
{
	struct expr_node *n = new_node(p, EXPR_HAS);
	struct slice key;

	if (!expr_field_parse(p->token.text, &n->field, &key)) {
		fail_field(p, &p->token);
		return n;
	}
	n->key = slice_of(arena_dup(p->x->arena, key), key.len);
	p->x->fields |= EXPR_BIT(n->field);
	advance(p);
	if (p->token.kind != TOKEN_COMPARE)
		return n;
	n->op = p->token.op;
	advance(p);
	if (n->op == EXPR_MATCH || n->op == EXPR_NO_MATCH) {
		if (fields[n->field].shape == SHAPE_NUMBER)
			fail(p, p->token.offset, "%s is a number: no pattern fits it",
			    fields[n->field].name);
		else
			set_pattern(p, n, &p->token);
	} else {
		set_constant(p, n, &p->token);
	}
	advance(p);
	return n;
}

static const struct expr_node *
parse_primary(struct parser *p)
{
	struct token t = p->token;
	const struct expr_node *n;

	switch (t.kind) {
	case TOKEN_OPEN:
		advance(p);
		n = parse_or(p);
		if (p->token.kind != TOKEN_CLOSE)
			fail(p, p->token.offset, "expected \")\" for the \"(\" at character %zu",
			    t.offset + 1);
		advance(p);
		return n;
	case TOKEN_WORD:
		if (slice_eq(t.text, SLICE("true")) || slice_eq(t.text, SLICE("false"))) {
			advance(p);
			return new_node(p, *t.text.ptr == 't' ? EXPR_TRUE : EXPR_FALSE);
		}
		return parse_test(p);
	case TOKEN_TEXT:
	case TOKEN_NUMBER:
		fail(p, t.offset, "a field must stand on the left, as in name == \"x\"");
		break;
	case TOKEN_END:
		fail(p, t.offset, t.offset == 0 ? "an empty expression" :
		    "expected a test here, the expression ends too early");
		break;
	default:
		fail(p, t.offset, "expected a test, found \"%.*s\"", SLICE_ARG(t.text));
	}
	return new_node(p, EXPR_FALSE);
}

static const struct expr_node *
parse_not(struct parser *p)
{
	struct expr_node *n;

	if (p->depth >= EXPR_MAX_DEPTH) {
		fail(p, p->token.offset, "nested more than %d deep", EXPR_MAX_DEPTH);
		return new_node(p, EXPR_FALSE);
	}
	if (p->token.kind != TOKEN_NOT) {
		const struct expr_node *primary;

		p->depth++;
		primary = parse_primary(p);
		p->depth--;
		return primary;
	}
	advance(p);
	n = new_node(p, EXPR_NOT);
	p->depth++;
	n->a = parse_not(p);
	p->depth--;
	return n;
}

/* A chain leans to the right, so that walking it needs no stack for its
 * length when the last step is a loop. */
static const struct expr_node *
parse_chain(struct parser *p, enum token_kind link, enum expr_op op,
    const struct expr_node *(*part)(struct parser *))
{
	const struct expr_node *first = part(p);
	struct expr_node *last = NULL, *top = NULL;

	while (p->token.kind == link && !p->failed) {
		struct expr_node *n = new_node(p, op);

		advance(p);
		n->a = last == NULL ? first : last->b;
		n->b = part(p);
		if (last == NULL)
			top = n;
		else
			last->b = n;
		last = n;
	}
	return top == NULL ? first : top;
}

static const struct expr_node *
parse_and(struct parser *p)
{
	return parse_chain(p, TOKEN_AND, EXPR_AND, parse_not);
}

static const struct expr_node *
parse_or(struct parser *p)
{
	return parse_chain(p, TOKEN_OR, EXPR_OR, parse_and);
}

/* For which kinds a node can be true, and for which it can be false. */
struct chances {
	unsigned yes, no;
};

static struct chances
chances(const struct expr_node *n)
{
	struct chances a, b, all = { 0, 0 };
	unsigned kinds;

	switch (n->op) {
	case EXPR_TRUE:
		return (struct chances){ EXPR_ALL_KINDS, 0 };
	case EXPR_FALSE:
		return (struct chances){ 0, EXPR_ALL_KINDS };
	case EXPR_NOT:
		a = chances(n->a);
		return (struct chances){ a.no, a.yes };
	case EXPR_AND:
	case EXPR_OR:
		all = chances(n->a);
		for (; n->b->op == n->op; n = n->b) {
			a = chances(n->b->a);
			all.yes = n->op == EXPR_AND ? all.yes & a.yes : all.yes | a.yes;
			all.no = n->op == EXPR_AND ? all.no | a.no : all.no & a.no;
		}
		b = chances(n->b);
		all.yes = n->op == EXPR_AND ? all.yes & b.yes : all.yes | b.yes;
		all.no = n->op == EXPR_AND ? all.no | b.no : all.no & b.no;
		return all;
	default:
		break;
	}
	kinds = fields[n->field].kinds;
	if (n->field == EXPR_KIND && (n->op == EXPR_EQ || n->op == EXPR_NE)) {
		unsigned one = 1u << (unsigned)n->number;

		return n->op == EXPR_EQ ? (struct chances){ one, EXPR_ALL_KINDS & ~one } :
		    (struct chances){ EXPR_ALL_KINDS & ~one, one };
	}
	return (struct chances){ kinds, EXPR_ALL_KINDS };
}

struct expr *
expr_new(struct slice text, struct expr_error *e)
{
	struct arena *a;
	struct parser p = { .in = text, .error = e };

	*e = (struct expr_error){ 0 };
	if (text.len > EXPR_MAX_BYTES) {
		e->offset = EXPR_MAX_BYTES;
		snprintf(e->text, sizeof e->text, "longer than %d bytes", EXPR_MAX_BYTES);
		return NULL;
	}
	a = arena_new();
	p.x = arena_alloc(a, sizeof *p.x);
	p.x->arena = a;
	/* tokens borrow from the text, which may go away */
	p.in.ptr = arena_dup(a, text);
	advance(&p);
	p.x->root = parse_or(&p);
	if (p.token.kind != TOKEN_END)
		fail(&p, p.token.offset, "expected && or || or the end, found \"%.*s\"",
		    SLICE_ARG(slice_upto(p.token.text, 60)));
	if (p.failed) {
		expr_free(p.x);
		return NULL;
	}
	p.x->kinds = (enum expr_kinds)chances(p.x->root).yes;
	return p.x;
}

void
expr_free(struct expr *x)
{
	if (x != NULL)
		arena_free(x->arena);
}

enum expr_kinds
expr_kinds(const struct expr *x)
{
	return x == NULL ? EXPR_ALL_KINDS : x->kinds;
}

bool
expr_has_group(const struct expr *x, struct slice name)
{
	uint64_t number;

	for (size_t i = 0; x != NULL && i < x->nregexes; i++) {
		if (number_u64(name, &number) ? number <= regex_count(x->regexes[i]) :
		    regex_group(x->regexes[i], name) > 0)
			return true;
	}
	return false;
}
