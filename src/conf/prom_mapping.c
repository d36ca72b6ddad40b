/* prom_mapping.c - statsd_exporter's mapping file. */
#include "config.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>

#include "base/number.h"
#include "base/regex.h"
#include "conf/node.h"
#include "conf/prom_mapping.h"
#include "conf/value.h"

#define MAX_PARTS 64		/* between dots, in a name and in a glob */

struct parts {
	size_t n;
	struct slice v[MAX_PARTS];
};

struct mapping {
	bool drop, honor_labels, any_type;
	enum prom_type type;
	struct slice name, help;
	double scale;
	struct parts *glob;	/* of globs: NULL for a regular expression */
	struct regex *regex;
	size_t nlabels;
	struct prom_label *labels;	/* values are templates */
};

struct prom_mapping {
	struct arena *arena;
	struct mapping *v;
	size_t n;
	bool unordered;		/* glob_disable_ordering */
	char *bytes;		/* the file */
};

/* What reading needs. */
struct reading {
	struct prom_mapping *m;
	struct faults *faults;
	bool regex;		/* defaults.match_type */
};

/* ---- reading ---- */

/* The text of n, or an empty slice and a fault. */
static struct slice
text_of(struct reading *r, const struct node *n, const char *what)
{
	if (n->kind == NODE_TEXT)
		return n->text;
	fault_add(r->faults, n->mark, "%s must be a text, this is %s", what,
	    node_kind_name(n));
	return slice_of("", 0);
}

/* Does the text under key say `yes` rather than `no`?  Faults when neither. */
static bool
choice(struct reading *r, const struct node *map, const char *key,
    const char *no, const char *yes, bool otherwise)
{
	const struct node *n = node_get(map, key);
	struct slice s;

	if (n == NULL || node_is_null(n))
		return otherwise;
	s = text_of(r, n, key);
	if (slice_eq(s, slice_str(yes)))
		return true;
	if (!slice_eq(s, slice_str(no)))
		fault_add(r->faults, n->mark, "%s must be %s or %s, not '%.*s'",
		    key, no, yes, SLICE_ARG(s));
	return false;
}

static bool
yes_no(struct reading *r, const struct node *map, const char *key)
{
	const struct node *n = node_get(map, key);
	bool v = false;

	if (n != NULL && !node_is_null(n) &&
	    !value_bool(text_of(r, n, key), &v))
		fault_add(r->faults, n->mark, "%s must be true or false", key);
	return v;
}

static bool
is_letter(char c)
{
	return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || c == '_';
}

static bool
is_digit(char c)
{
	return c >= '0' && c <= '9';
}

/* Cut a name at its dots.  false: more than MAX_PARTS. */
static bool
cut(struct slice s, struct parts *out)
{
	out->n = 0;
	while (s.ptr != NULL) {
		if (out->n == MAX_PARTS)
			return false;
		out->v[out->n++] = slice_cut(&s, '.');
	}
	return true;
}

static bool
is_star(struct slice s)
{
	return s.len == 1 && s.ptr[0] == '*';
}

static bool
legal_part(struct slice s)
{
	size_t i;

	if (is_star(s))
		return true;
	for (i = 0; i < s.len; i++)
		if (!is_letter(s.ptr[i]) && !is_digit(s.ptr[i]) &&
		    s.ptr[i] != '-')
			return false;
	return s.len > 0;
}

static void
read_glob(struct reading *r, const struct node *n, struct slice match,
    struct mapping *to)
{
	size_t i;

	to->glob = arena_alloc(r->m->arena, sizeof *to->glob);
	if (!cut(match, to->glob)) {
		fault_add(r->faults, n->mark, "more than %d parts", MAX_PARTS);
		return;
	}
	for (i = 0; i < to->glob->n; i++)
		if (!legal_part(to->glob->v[i]))
			fault_add(r->faults, n->mark, "'%.*s' is no glob: a part"
			    " between dots is '*', or letters, digits, _ and -",
			    SLICE_ARG(match));
}

static void
free_regex(void *re)
{
	regex_free(re);
}

static void
read_regex(struct reading *r, const struct node *n, struct slice match,
    struct mapping *to)
{
	struct regex_error e;

	to->regex = regex_new(match, &e);
	if (to->regex == NULL)
		fault_add(r->faults, node_mark_at(n, e.offset), "%s", e.text);
	else
		arena_defer(r->m->arena, free_regex, to->regex);
}

static void
read_match(struct reading *r, const struct node *n, struct mapping *to)
{
	const struct node *match = node_get(n, "match");
	struct slice s;

	if (match == NULL) {
		fault_add(r->faults, n->mark, "a mapping needs a match");
		return;
	}
	s = text_of(r, match, "match");
	if (choice(r, n, "match_type", "glob", "regex", r->regex))
		read_regex(r, match, s, to);
	else
		read_glob(r, match, s, to);
}

/* Letters, digits and _, and "$1" or "${1}" anywhere. */
static bool
legal_name(struct slice s)
{
	size_t i;

	if (s.len == 0 || is_digit(s.ptr[0]))
		return false;
	for (i = 0; i < s.len; i++)
		if (!is_letter(s.ptr[i]) && !is_digit(s.ptr[i]) &&
		    s.ptr[i] != '$' && s.ptr[i] != '{' && s.ptr[i] != '}' &&
		    s.ptr[i] != ':')
			return false;
	return true;
}

static bool
legal_label(struct slice s)
{
	return legal_name(s) && slice_find(s, '$') == s.len &&
	    slice_find(s, ':') == s.len && slice_find(s, '{') == s.len &&
	    slice_find(s, '}') == s.len;
}

static void
read_labels(struct reading *r, const struct node *n, struct mapping *to)
{
	const struct node *labels = node_get(n, "labels");
	struct prom_label *l;
	size_t i;

	if (labels == NULL || node_is_null(labels))
		return;
	if (labels->kind != NODE_MAP || labels->n > PROM_MAX_LABELS) {
		fault_add(r->faults, labels->mark,
		    "labels must be a map of at most %d", PROM_MAX_LABELS);
		return;
	}
	to->labels = arena_array(r->m->arena, labels->n + 1, sizeof *l);
	for (i = 0; i < labels->n; i++) {
		l = &to->labels[to->nlabels++];
		l->name = labels->pairs[i].key->text;
		l->value = text_of(r, labels->pairs[i].value, "a label");
		if (!legal_label(l->name))
			fault_add(r->faults, labels->pairs[i].key->mark,
			    "'%.*s' is no name of a label", SLICE_ARG(l->name));
	}
}

static void
read_type(struct reading *r, const struct node *n, struct mapping *to)
{
	static const struct {
		const char *name;
		enum prom_type type;
	} types[] = {
		{ "counter", PROM_COUNTER }, { "gauge", PROM_GAUGE },
		{ "observer", PROM_OBSERVER }, { "timer", PROM_OBSERVER },
	};
	const struct node *type = node_get(n, "match_metric_type");
	struct slice s;
	size_t i;

	to->any_type = true;
	if (type == NULL || node_is_null(type))
		return;
	to->any_type = false;
	s = text_of(r, type, "match_metric_type");
	for (i = 0; i < sizeof types / sizeof types[0]; i++)
		if (slice_eq(s, slice_str(types[i].name))) {
			to->type = types[i].type;
			return;
		}
	fault_add(r->faults, type->mark, "match_metric_type must be counter, "
	    "gauge or observer, not '%.*s'", SLICE_ARG(s));
}

/* What has no effect here, and would be missed. */
static void
warn_unused(struct reading *r, const struct node *n)
{
	static const char *const types[] = { "observer_type", "timer_type" };
	const struct node *type;
	size_t i;

	for (i = 0; i < 2; i++) {
		type = node_get(n, types[i]);
		if (type != NULL && type->kind == NODE_TEXT &&
		    slice_eq(type->text, SLICE("histogram")))
			fault_warn(r->faults, type->mark,
			    "histograms are shown as summaries");
	}
}

static void
check_keys(struct reading *r, const struct node *n)
{
	static const char *const known[] = {
		"match", "match_type", "match_metric_type", "name", "labels",
		"action", "help", "honor_labels", "scale", "observer_type",
		"timer_type", "buckets", "quantiles", "histogram_options",
		"summary_options", "ttl"
	};
	size_t i, k;

	for (i = 0; i < n->n; i++) {
		for (k = 0; k < sizeof known / sizeof known[0]; k++)
			if (slice_eq(n->pairs[i].key->text,
			    slice_str(known[k])))
				break;
		if (k == sizeof known / sizeof known[0])
			fault_add(r->faults, n->pairs[i].key->mark,
			    "unknown key '%.*s'",
			    SLICE_ARG(n->pairs[i].key->text));
	}
}

static void
read_mapping(struct reading *r, const struct node *n, struct mapping *to)
{
	const struct node *name, *help, *scale;

	if (n->kind != NODE_MAP) {
		fault_add(r->faults, n->mark, "a mapping must be a map");
		return;
	}
	check_keys(r, n);
	read_match(r, n, to);
	read_type(r, n, to);
	read_labels(r, n, to);
	warn_unused(r, n);
	to->drop = choice(r, n, "action", "map", "drop", false);
	to->honor_labels = yes_no(r, n, "honor_labels");
	to->scale = 1;
	if ((help = node_get(n, "help")) != NULL)
		to->help = text_of(r, help, "help");
	if ((scale = node_get(n, "scale")) != NULL &&
	    !value_number(text_of(r, scale, "scale"), &to->scale))
		fault_add(r->faults, scale->mark, "scale must be a number");
	if ((name = node_get(n, "name")) != NULL)
		to->name = text_of(r, name, "name");
	if (!to->drop && !legal_name(to->name))
		fault_add(r->faults, name == NULL ? n->mark : name->mark,
		    name == NULL ? "a mapping needs a name" :
		    "a name has letters, digits, _ and $1");
}

static void
read_all(struct reading *r, const struct node *top)
{
	const struct node *list, *defaults;
	size_t i;

	if (top->kind != NODE_MAP) {
		fault_add(r->faults, top->mark, "this must be a map");
		return;
	}
	defaults = node_get(top, "defaults");
	if (defaults != NULL && defaults->kind == NODE_MAP) {
		r->regex = choice(r, defaults, "match_type", "glob", "regex",
		    false);
		r->m->unordered = yes_no(r, defaults, "glob_disable_ordering");
		warn_unused(r, defaults);
	}
	list = node_get(top, "mappings");
	if (list == NULL || node_is_null(list))
		return;
	if (list->kind != NODE_LIST) {
		fault_add(r->faults, list->mark, "mappings must be a list");
		return;
	}
	r->m->v = arena_array(r->m->arena, list->n + 1, sizeof *r->m->v);
	for (i = 0; i < list->n; i++)
		read_mapping(r, list->items[i], &r->m->v[r->m->n++]);
}

struct prom_mapping *
prom_mapping_parse(struct slice yaml, const char *file, struct buf *errors)
{
	struct arena *a = arena_new();
	struct prom_mapping *m = arena_alloc(a, sizeof *m);
	struct faults *faults = arena_alloc(a, sizeof *faults);
	struct reading r = { m, faults, false };
	struct node *top;
	char *bytes = arena_dup(a, yaml);

	m->arena = a;
	faults_init(faults, a);
	top = node_parse(slice_of(bytes, yaml.len), arena_dup(a,
	    slice_str(file)), a, faults);
	if (top != NULL)
		read_all(&r, top);
	faults_print(faults, errors);
	if (top == NULL || faults->errors > 0) {
		arena_free(a);
		return NULL;
	}
	return m;
}

struct prom_mapping *
prom_mapping_load(const char *path, struct buf *errors)
{
	struct buf all = BUF_INIT(NODE_MAX_BYTES);
	struct prom_mapping *m = NULL;
	FILE *f = fopen(path, "re");
	size_t n = 1;

	if (f == NULL) {
		buf_printf(errors, "%s: %s\n", path, strerror(errno));
		return NULL;
	}
	while (n > 0 && buf_reserve(&all, 4096)) {
		n = fread(all.data + all.len, 1, 4096, f);
		all.len += n;
	}
	if (n > 0)
		buf_printf(errors, "%s: too long\n", path);
	else if (ferror(f))
		buf_printf(errors, "%s: %s\n", path, strerror(errno));
	else
		m = prom_mapping_parse(buf_slice(&all), path, errors);
	fclose(f);
	buf_fini(&all);
	return m;
}

void
prom_mapping_free(struct prom_mapping *m)
{
	if (m != NULL)
		arena_free(m->arena);
}

/* ---- finding ---- */

/* Does the glob match?  Its stars become the groups 1 and on. */
static bool
glob_match(const struct parts *glob, const struct parts *name,
    struct regex_groups *groups)
{
	size_t i;

	if (glob->n != name->n)
		return false;
	for (i = 0; i < glob->n; i++)
		if (!is_star(glob->v[i]) &&
		    !slice_eq(glob->v[i], name->v[i]))
			return false;
	groups->n = 1;
	for (i = 0; i < glob->n && groups->n < REGEX_MAX_GROUPS; i++)
		if (is_star(glob->v[i]))
			groups->v[groups->n++] = name->v[i];
	return true;
}

/* Of two globs that match the same: does a say literally what b leaves open,
 * at the first place where they differ? */
static bool
more_literal(const struct parts *a, const struct parts *b)
{
	size_t i;

	for (i = 0; i < a->n; i++)
		if (is_star(a->v[i]) != is_star(b->v[i]))
			return is_star(b->v[i]);
	return false;
}

static const struct mapping *
find_glob(const struct prom_mapping *m, struct slice name,
    enum prom_type type, struct regex_groups *groups)
{
	const struct mapping *found = NULL, *c;
	struct parts parts;
	size_t i;

	if (!cut(name, &parts))
		return NULL;
	for (i = 0; i < m->n; i++) {
		c = &m->v[i];
		if (c->glob == NULL || !(c->any_type || c->type == type))
			continue;
		if (found != NULL && (c->glob->n != found->glob->n ||
		    !more_literal(c->glob, found->glob)))
			continue;
		if (glob_match(c->glob, &parts, groups)) {
			found = c;
			if (!m->unordered)
				break;
		}
	}
	if (found != NULL)
		glob_match(found->glob, &parts, groups);
	return found;
}

static const struct mapping *
find_regex(const struct prom_mapping *m, struct slice name,
    enum prom_type type, struct regex_groups *groups)
{
	const struct mapping *c;
	size_t i;

	for (i = 0; i < m->n; i++) {
		c = &m->v[i];
		if (c->regex != NULL && (c->any_type || c->type == type) &&
		    regex_match(c->regex, name, groups))
			return c;
	}
	return NULL;
}

/* The group that "1" or "name" means, or an empty slice. */
static struct slice
group(const struct mapping *c, const struct regex_groups *groups,
    struct slice which)
{
	uint64_t n;
	int named;

	if (number_u64(which, &n))
		return n < groups->n ? groups->v[n] : slice_of("", 0);
	if (c->regex == NULL)
		return slice_of("", 0);
	named = regex_group(c->regex, which);
	return named < 0 || (size_t)named >= groups->n ? slice_of("", 0) :
	    groups->v[named];
}

/* Append a template: $1, ${1}, ${name}, $$. */
static bool
expand(struct buf *to, struct slice t, const struct mapping *c,
    const struct regex_groups *groups)
{
	struct slice which;
	size_t n, brace;
	bool ok = true;

	while (ok && t.len > 0) {
		n = slice_find(t, '$');
		ok = buf_add(to, t.ptr, n);
		if (!ok || n == t.len)
			break;
		t = slice_from(t, n + 1);
		if (t.len > 0 && t.ptr[0] == '$') {
			ok = buf_addc(to, '$');
			t = slice_from(t, 1);
			continue;
		}
		brace = t.len > 0 && t.ptr[0] == '{';
		for (n = brace; n < t.len &&
		    (is_letter(t.ptr[n]) || is_digit(t.ptr[n])); n++)
			;
		which = slice_of(t.ptr + brace, n - brace);
		if (brace && n < t.len && t.ptr[n] == '}')
			n++;
		ok = which.len == 0 || buf_add_slice(to,
		    group(c, groups, which));
		t = slice_from(t, n);
	}
	return ok;
}

/* Templates into text, then slices of it once it moves no more. */
static bool
fill(const struct mapping *c, const struct regex_groups *groups,
    struct buf *text, struct prom_match *out)
{
	size_t ends[PROM_MAX_LABELS + 1], i, at;

	buf_clear(text);
	if (!expand(text, c->name, c, groups))
		return false;
	ends[0] = text->len;
	for (i = 0; i < c->nlabels; i++) {
		if (!expand(text, c->labels[i].value, c, groups))
			return false;
		ends[i + 1] = text->len;
	}
	out->name = slice_of(text->data, ends[0]);
	out->nlabels = c->nlabels;
	for (i = 0, at = ends[0]; i < c->nlabels; at = ends[++i])
		out->labels[i] = (struct prom_label){ c->labels[i].name,
		    slice_of(text->data + at, ends[i + 1] - at) };
	return true;
}

enum prom_verdict
prom_mapping_find(const struct prom_mapping *m, struct slice name,
    enum prom_type type, struct buf *text, struct prom_match *out)
{
	struct regex_groups groups = { .n = 0 };
	const struct mapping *c = find_glob(m, name, type, &groups);

	if (c == NULL)
		c = find_regex(m, name, type, &groups);
	if (c == NULL)
		return PROM_UNMAPPED;
	if (c->drop || !fill(c, &groups, text, out))
		return PROM_DROPPED;
	out->help = c->help;
	out->scale = c->scale;
	out->honor_labels = c->honor_labels;
	return PROM_MAPPED;
}
