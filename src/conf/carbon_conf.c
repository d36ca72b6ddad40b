/* carbon_conf.c - reading the configuration files of carbon. */
#include "config.h"

#include "base/buf.h"
#include "base/number.h"
#include "conf/carbon_conf.h"

/* ---- lines ---- */

struct lines {
	struct slice rest;
	struct conf_mark mark;		/* of the line last read */
};

static struct lines
lines_of(struct slice text, const char *file)
{
	return (struct lines){ text, { file, 0, 1 } };
}

static bool
next_line(struct lines *l, struct slice *line)
{
	if (l->rest.len == 0)
		return false;
	*line = slice_cut(&l->rest, '\n');
	l->mark.line++;
	return true;
}

/* The same without blanks around, and without empty lines and comments. */
static bool
next_rule(struct lines *l, struct slice *line)
{
	while (next_line(l, line)) {
		*line = slice_trim(*line);
		if (line->len > 0 && line->ptr[0] != '#')
			return true;
	}
	return false;
}

/* Arrays in the arena double; what they were is left behind. */
static void *
one_more(struct arena *a, void *v, size_t n, size_t size)
{
	void *more;

	if ((n & (n - 1)) != 0)
		return v;
	more = arena_array(a, n == 0 ? 1 : 2 * n, size);
	if (n > 0)
		memcpy(more, v, n * size);
	return more;
}

/* ---- INI ---- */

static struct ini_section *
add_section(struct ini *ini, struct slice name, struct conf_mark mark,
    struct arena *a)
{
	ini->v = one_more(a, ini->v, ini->n, sizeof *ini->v);
	ini->v[ini->n] = (struct ini_section){ .name = arena_dup(a, name),
	    .mark = mark };
	return &ini->v[ini->n++];
}

static void
add_entry(struct ini_section *s, struct slice line, struct conf_mark mark,
    struct arena *a, struct faults *faults)
{
	size_t at = 0;

	while (at < line.len && line.ptr[at] != '=' && line.ptr[at] != ':')
		at++;
	if (at == line.len || at == 0) {
		fault_add(faults, mark, "expected \"key = value\", found \"%.*s\"",
		    (int)(line.len < 80 ? line.len : 80), line.ptr);
		return;
	}
	s->v = one_more(a, s->v, s->n, sizeof *s->v);
	s->v[s->n++] = (struct ini_entry){
	    .key = arena_dup(a, slice_trim(slice_upto(line, at))),
	    .value = arena_dup(a, slice_trim(slice_from(line, at + 1))),
	    .mark = mark };
}

static void
continue_entry(struct ini_section *s, struct slice line, struct arena *a)
{
	struct ini_entry *e = &s->v[s->n - 1];

	e->value = arena_printf(a, "%s\n%.*s", e->value, SLICE_ARG(line));
}

void
ini_read(struct ini *ini, struct slice text, const char *file,
    struct arena *a, struct faults *faults)
{
	struct lines l = lines_of(text, file);
	struct ini_section *s = NULL;
	struct slice raw, line;

	while (next_line(&l, &raw)) {
		line = slice_trim(raw);
		if (line.len == 0 || line.ptr[0] == '#' || line.ptr[0] == ';')
			continue;
		if (line.ptr[0] == '[' && line.ptr[line.len - 1] == ']')
			s = add_section(ini, slice_of(line.ptr + 1,
			    line.len - 2), l.mark, a);
		else if (s == NULL)
			fault_add(faults, l.mark, "a line before the first "
			    "[section]");
		else if ((raw.ptr[0] == ' ' || raw.ptr[0] == '\t') && s->n > 0)
			continue_entry(s, line, a);
		else
			add_entry(s, line, l.mark, a, faults);
	}
}

const struct ini_section *
ini_section(const struct ini *ini, const char *name)
{
	for (size_t i = 0; i < ini->n; i++)
		if (strcmp(ini->v[i].name, name) == 0)
			return &ini->v[i];
	return NULL;
}

const struct ini_entry *
ini_get(const struct ini_section *s, const char *key)
{
	const struct ini_entry *found = NULL;

	if (s == NULL)
		return NULL;
	for (size_t i = 0; i < s->n; i++)	/* the last one counts */
		if (slice_eq_nocase(slice_str(s->v[i].key), slice_str(key)))
			found = &s->v[i];
	return found;
}

/* ---- destinations ---- */

bool
carbon_destination(struct arena *a, struct slice text,
    struct carbon_destination *d)
{
	struct slice s = slice_trim(text), host, port;
	uint64_t p;

	if (s.len > 0 && s.ptr[0] == '[') {
		size_t end = slice_find(s, ']');

		if (end + 1 >= s.len || s.ptr[end + 1] != ':')
			return false;
		host = slice_of(s.ptr + 1, end - 1);
		s = slice_from(s, end + 2);
	} else {
		host = slice_cut(&s, ':');
		if (s.ptr == NULL)
			return false;
	}
	port = slice_cut(&s, ':');
	if (host.len == 0 || !number_u64(port, &p) || p < 1 || p > 65535)
		return false;
	*d = (struct carbon_destination){ arena_dup(a, host), (uint16_t)p,
	    s.ptr == NULL ? NULL : arena_dup(a, s) };
	return true;
}

static bool
same_text(const char *x, const char *y)
{
	return (x == NULL) == (y == NULL) && (x == NULL || strcmp(x, y) == 0);
}

bool
carbon_same_destination(const struct carbon_destination *x,
    const struct carbon_destination *y)
{
	return strcmp(x->host, y->host) == 0 && x->port == y->port &&
	    same_text(x->instance, y->instance);
}

/* ---- aggregation-rules.conf ---- */

/* "<field>" and "<<field>>" as groups, '*' as anything within a segment; all
 * else is Python's regular expressions already. */
static void
add_segment(struct buf *b, struct slice part)
{
	const char *open = memmem(part.ptr, part.len, "<<", 2);
	const char *close = memmem(part.ptr, part.len, ">>", 2);
	size_t marks = 2;

	if (open == NULL || close == NULL) {
		marks = 1;
		open = memchr(part.ptr, '<', part.len);
		close = memchr(part.ptr, '>', part.len);
	}
	if (open != NULL && close != NULL && close > open) {
		const char *end = part.ptr + part.len;

		buf_add(b, part.ptr, (size_t)(open - part.ptr));
		buf_printf(b, "(?P<%.*s>%s+?)", (int)(close - open) - (int)marks,
		    open + marks, marks == 2 ? "." : "[^.]");
		buf_add(b, close + marks, (size_t)(end - close) - marks);
		return;
	}
	if (slice_eq(part, SLICE("*"))) {
		buf_adds(b, "[^.]+");
		return;
	}
	for (size_t i = 0; i < part.len; i++)
		if (part.ptr[i] == '*')
			buf_adds(b, "[^.]*");
		else
			buf_addc(b, part.ptr[i]);
}

static char *
input_pattern(struct arena *a, struct slice input)
{
	struct buf b = BUF_INIT(1 << 20);
	char *out;

	for (bool first = true; input.ptr != NULL; first = false) {
		struct slice part = slice_cut(&input, '.');

		buf_adds(&b, first ? "^(?:" : "\\.");
		if (part.len > 0)
			add_segment(&b, part);
	}
	buf_adds(&b, ")$");
	out = arena_dup(a, buf_slice(&b));
	buf_fini(&b);
	return out;
}

/* A word off the front, blanks around it. */
static struct slice
take_word(struct slice *s)
{
	struct slice word;
	size_t n = 0;

	*s = slice_trim(*s);
	while (n < s->len && s->ptr[n] != ' ' && s->ptr[n] != '\t')
		n++;
	word = slice_upto(*s, n);
	*s = slice_trim(slice_from(*s, n));
	return word;
}

static bool
aggregation(struct slice line, struct carbon_aggregation *r, struct arena *a)
{
	struct slice left = slice_cut(&line, '='), output, every, method, input;
	uint64_t seconds;

	output = take_word(&left);
	every = take_word(&left);
	method = take_word(&line);
	input = take_word(&line);
	if (left.len > 0 || line.len > 0 || output.len == 0 || input.len == 0)
		return false;
	while (every.len > 0 && every.ptr[0] == '(')
		every = slice_from(every, 1);
	while (every.len > 0 && every.ptr[every.len - 1] == ')')
		every.len--;
	if (!number_u64(every, &seconds) || seconds < 1 || seconds > 86400)
		return false;
	r->output = arena_dup(a, output);
	r->method = arena_dup(a, method);
	r->every_s = (unsigned)seconds;
	r->pattern = input_pattern(a, input);
	return true;
}

static bool
is_method(const char *m)
{
	static const char *const known[] = { "sum", "avg", "min", "max", "count",
	    "p50", "p75", "p80", "p90", "p95", "p99", "p999" };

	for (size_t i = 0; i < sizeof known / sizeof known[0]; i++)
		if (strcmp(known[i], m) == 0)
			return true;
	return false;
}

void
carbon_aggregations(struct carbon_aggregations *r, struct slice text,
    const char *file, struct arena *a, struct faults *faults)
{
	struct lines l = lines_of(text, file);
	struct slice line;

	while (next_rule(&l, &line)) {
		struct carbon_aggregation one = { .mark = l.mark };

		if (!aggregation(line, &one, a)) {
			fault_add(faults, l.mark, "expected \"OUTPUT (SECONDS) = "
			    "METHOD INPUT\"");
			continue;
		}
		if (!is_method(one.method)) {
			fault_add(faults, l.mark, "no such method \"%s\"",
			    one.method);
			continue;
		}
		r->v = one_more(a, r->v, r->n, sizeof *r->v);
		r->v[r->n++] = one;
	}
}

/* ---- rewrite-rules.conf and the lists ---- */

static void
add_line(struct carbon_lines *r, struct carbon_line line, struct arena *a)
{
	r->v = one_more(a, r->v, r->n, sizeof *r->v);
	r->v[r->n++] = line;
}

void
carbon_rewrites(struct carbon_lines *r, struct slice text, const char *file,
    struct arena *a, struct faults *faults)
{
	struct lines l = lines_of(text, file);
	struct slice line, section = { NULL, 0 };

	while (next_rule(&l, &line)) {
		struct slice pattern;
		bool post;

		if (line.ptr[0] == '[' && line.ptr[line.len - 1] == ']') {
			section = slice_of(line.ptr + 1, line.len - 2);
			continue;
		}
		pattern = slice_trim(slice_cut(&line, '='));
		post = slice_eq_nocase(section, SLICE("post"));
		if (line.ptr == NULL || pattern.len == 0)
			fault_add(faults, l.mark, "expected \"pattern = "
			    "replacement\"");
		else if (!post && !slice_eq_nocase(section, SLICE("pre")))
			fault_warn(faults, l.mark, "outside of [pre] and [post], "
			    "carbon does not use it");
		else
			add_line(r, (struct carbon_line){ arena_dup(a, pattern),
			    arena_dup(a, slice_trim(line)), post, l.mark }, a);
	}
}

void
carbon_patterns(struct carbon_lines *r, struct slice text, const char *file,
    struct arena *a)
{
	struct lines l = lines_of(text, file);
	struct slice line;

	while (next_rule(&l, &line))
		add_line(r, (struct carbon_line){ .text = arena_dup(a, line),
		    .mark = l.mark }, a);
}
