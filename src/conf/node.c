/* node.c - a YAML document as a tree that remembers where everything stood. */
#include "config.h"

#include <yaml.h>

#include "conf/node.h"

struct anchor {
	struct anchor *next;
	const char *name;
	struct node *node;	/* NULL while it is still being read */
};

struct reader {
	yaml_parser_t yaml;
	yaml_event_t event;
	const char *file;
	struct slice bytes;
	struct arena *arena;
	struct faults *faults;
	struct anchor *anchors;
	size_t nodes;
	/* the last place whose byte was looked for: marks count characters */
	size_t seen_chars, seen_bytes;
};

static struct node *read_node(struct reader *r, unsigned depth);

static struct conf_mark
mark_of(const struct reader *r, yaml_mark_t m)
{
	return (struct conf_mark){ r->file, (unsigned)m.line + 1,
	    (unsigned)m.column + 1 };
}

/* The bytes from character `index` on.  libyaml leaves out a byte order mark. */
static struct slice
source_at(struct reader *r, size_t index)
{
	size_t c = r->seen_chars, b = r->seen_bytes;

	if (index < c)
		c = b = 0;
	for (; c < index && b < r->bytes.len; c++) {
		b++;
		while (b < r->bytes.len && ((unsigned char)r->bytes.ptr[b] & 0xc0) == 0x80)
			b++;
	}
	r->seen_chars = c;
	r->seen_bytes = b;
	return slice_from(r->bytes, b);
}

/* Put the next event in r->event; false when the YAML is broken. */
static bool
next(struct reader *r)
{
	const yaml_parser_t *y = &r->yaml;
	yaml_mark_t m;

	yaml_event_delete(&r->event);
	if (yaml_parser_parse(&r->yaml, &r->event))
		return true;
	m = y->problem_mark;
	if (y->error == YAML_READER_ERROR) {
		/* no mark here, only a byte's offset: count up to it */
		m = (yaml_mark_t){ 0, 0, 0 };
		for (size_t i = 0; i < y->problem_offset && i < r->bytes.len; i++) {
			m.column++;
			if (r->bytes.ptr[i] == '\n')
				m.line++, m.column = 0;
		}
	}
	fault_add(r->faults, mark_of(r, m), "not YAML: %s%s%s",
	    y->problem == NULL ? "out of memory" : y->problem,
	    y->context == NULL ? "" : ", ", y->context == NULL ? "" : y->context);
	return false;
}

static struct node *
new_node(struct reader *r, enum node_kind kind)
{
	struct node *n = arena_alloc(r->arena, sizeof *n);

	n->kind = kind;
	n->mark = mark_of(r, r->event.start_mark);
	n->weight = 1;
	r->nodes++;
	return n;
}

/* Weights add up; a tree that would be too big to walk is refused. */
static bool
add_weight(struct reader *r, struct node *parent, const struct node *child)
{
	parent->weight += child->weight;
	if (parent->weight <= NODE_MAX_NODES && r->nodes <= NODE_MAX_NODES)
		return true;
	fault_add(r->faults, parent->mark,
	    "more than %d values, aliases written out: too many", NODE_MAX_NODES);
	return false;
}

static struct anchor *
remember(struct reader *r, const yaml_char_t *name)
{
	struct anchor *a;

	if (name == NULL)
		return NULL;
	a = arena_alloc(r->arena, sizeof *a);
	a->name = arena_dup(r->arena, slice_str((const char *)name));
	a->next = r->anchors;
	r->anchors = a;
	return a;
}

static struct node *
read_alias(struct reader *r)
{
	const char *name = (const char *)r->event.data.alias.anchor;

	for (struct anchor *a = r->anchors; a != NULL; a = a->next) {
		if (strcmp(a->name, name) != 0)
			continue;
		if (a->node != NULL)
			return a->node;
		fault_add(r->faults, mark_of(r, r->event.start_mark),
		    "alias \"%s\" stands inside of what it means", name);
		return NULL;
	}
	fault_add(r->faults, mark_of(r, r->event.start_mark),
	    "no anchor \"%s\" before this alias", name);
	return NULL;
}

static enum node_style
style_of(yaml_scalar_style_t s)
{
	switch (s) {
	case YAML_SINGLE_QUOTED_SCALAR_STYLE:
		return NODE_SINGLE;
	case YAML_DOUBLE_QUOTED_SCALAR_STYLE:
		return NODE_DOUBLE;
	case YAML_LITERAL_SCALAR_STYLE:
		return NODE_LITERAL;
	case YAML_FOLDED_SCALAR_STYLE:
		return NODE_FOLDED;
	default:
		return NODE_PLAIN;
	}
}

static struct node *
read_text(struct reader *r)
{
	struct node *n = new_node(r, NODE_TEXT);
	struct slice text = slice_of((const char *)r->event.data.scalar.value,
	    r->event.data.scalar.length);

	n->style = style_of(r->event.data.scalar.style);
	n->many_lines = r->event.start_mark.line != r->event.end_mark.line;
	n->source = source_at(r, r->event.start_mark.index);
	n->text = slice_of(arena_dup(r->arena, text), text.len);
	if (slice_find(text, '\0') != text.len)
		fault_add(r->faults, n->mark, "a text with a NUL byte in it");
	return n;
}

struct grow {
	void *v;
	size_t cap;
};

/* Room for one more behind n elements of the given size. */
static void *
more(struct reader *r, struct grow *g, size_t n, size_t size)
{
	void *bigger;

	if (n < g->cap)
		return g->v;
	g->cap = g->cap == 0 ? 8 : g->cap * 2;
	bigger = arena_array(r->arena, g->cap, size);
	if (n > 0)
		memcpy(bigger, g->v, n * size);
	return g->v = bigger;
}

static struct node *
read_list(struct reader *r, unsigned depth)
{
	struct node *list = new_node(r, NODE_LIST), *item;
	struct grow g = { NULL, 0 };

	for (;;) {
		if (!next(r))
			return NULL;
		if (r->event.type == YAML_SEQUENCE_END_EVENT)
			return list;
		item = read_node(r, depth + 1);
		if (item == NULL || !add_weight(r, list, item))
			return NULL;
		list->items = more(r, &g, list->n, sizeof *list->items);
		list->items[list->n++] = item;
	}
}

static int
by_key(const void *pa, const void *pb)
{
	const struct node_pair *const *a = pa, *const *b = pb;
	int c = slice_cmp((*a)->key->text, (*b)->key->text);

	return c != 0 ? c : (*a > *b) - (*a < *b);
}

/* Tell each key that stands in the map a second time. */
static void
find_twins(struct reader *r, const struct node *map)
{
	const struct node_pair **sorted;

	if (map->n < 2)
		return;
	sorted = arena_array(r->arena, map->n, sizeof *sorted);
	for (size_t i = 0; i < map->n; i++)
		sorted[i] = &map->pairs[i];
	if (map->n > 1)
		qsort(sorted, map->n, sizeof *sorted, by_key);
	for (size_t i = 1; i < map->n; i++) {
		const struct node *a = sorted[i - 1]->key, *b = sorted[i]->key;

		if (slice_eq(a->text, b->text))
			fault_add(r->faults, b->mark,
			    "duplicate key \"%s\", first on line %u",
			    b->text.ptr, a->mark.line);
	}
}

static struct node *
read_map(struct reader *r, unsigned depth)
{
	struct node *map = new_node(r, NODE_MAP), *key, *value;
	struct grow g = { NULL, 0 };

	for (;;) {
		if (!next(r))
			return NULL;
		if (r->event.type == YAML_MAPPING_END_EVENT)
			break;
		key = read_node(r, depth + 1);
		if (key == NULL)
			return NULL;
		if (key->kind != NODE_TEXT) {
			fault_add(r->faults, key->mark, "a key must be a text, not %s",
			    node_kind_name(key));
			return NULL;
		}
		if (!next(r))
			return NULL;
		value = read_node(r, depth + 1);
		if (value == NULL || !add_weight(r, map, key) || !add_weight(r, map, value))
			return NULL;
		map->pairs = more(r, &g, map->n, sizeof *map->pairs);
		map->pairs[map->n++] = (struct node_pair){ key, value };
	}
	find_twins(r, map);
	return map;
}

/* Read the node that the current event begins. */
static struct node *
read_node(struct reader *r, unsigned depth)
{
	struct anchor *a;
	struct node *n;

	if (depth > NODE_MAX_DEPTH) {
		fault_add(r->faults, mark_of(r, r->event.start_mark),
		    "nested more than %d deep", NODE_MAX_DEPTH);
		return NULL;
	}
	switch (r->event.type) {
	case YAML_ALIAS_EVENT:
		return read_alias(r);
	case YAML_SCALAR_EVENT:
		a = remember(r, r->event.data.scalar.anchor);
		n = read_text(r);
		break;
	case YAML_SEQUENCE_START_EVENT:
		a = remember(r, r->event.data.sequence_start.anchor);
		n = read_list(r, depth);
		break;
	case YAML_MAPPING_START_EVENT:
		a = remember(r, r->event.data.mapping_start.anchor);
		n = read_map(r, depth);
		break;
	default:
		fault_add(r->faults, mark_of(r, r->event.start_mark), "not YAML: a value is missing");
		return NULL;
	}
	if (a != NULL)
		a->node = n;
	return n;
}

static struct node *
read_document(struct reader *r)
{
	struct node *top;

	if (!next(r))			/* stream start */
		return NULL;
	if (!next(r))
		return NULL;
	if (r->event.type == YAML_STREAM_END_EVENT)
		return new_node(r, NODE_MAP);
	if (!next(r))
		return NULL;
	top = read_node(r, 0);
	if (top == NULL || !next(r) || !next(r))
		return NULL;
	if (r->event.type == YAML_STREAM_END_EVENT)
		return top;
	fault_add(r->faults, mark_of(r, r->event.start_mark),
	    "a second document: a configuration is one");
	return NULL;
}

struct node *
node_parse(struct slice yaml, const char *file, struct arena *a, struct faults *faults)
{
	struct reader r = { .file = file, .bytes = yaml, .arena = a, .faults = faults };
	struct node *top;

	if (yaml.len > NODE_MAX_BYTES) {
		fault_add(faults, (struct conf_mark){ file, 0, 0 },
		    "larger than %u MiB", NODE_MAX_BYTES >> 20);
		return NULL;
	}
	if (!yaml_parser_initialize(&r.yaml)) {
		fault_add(faults, (struct conf_mark){ file, 0, 0 }, "out of memory");
		return NULL;
	}
	if (slice_starts(yaml, SLICE("\xef\xbb\xbf")))
		r.bytes = slice_from(yaml, 3);
	yaml_parser_set_encoding(&r.yaml, YAML_UTF8_ENCODING);
	yaml_parser_set_input_string(&r.yaml, (const unsigned char *)r.bytes.ptr, r.bytes.len);
	top = read_document(&r);
	yaml_event_delete(&r.event);
	yaml_parser_delete(&r.yaml);
	if (top == NULL || top->kind == NODE_MAP)
		return top;
	if (node_is_null(top)) {
		top->kind = NODE_MAP;
		return top;
	}
	fault_add(faults, top->mark, "expected a map of sections, found %s",
	    node_kind_name(top));
	return NULL;
}

struct node *
node_get(const struct node *map, const char *key)
{
	for (size_t i = 0; map != NULL && map->kind == NODE_MAP && i < map->n; i++)
		if (slice_eq(map->pairs[i].key->text, slice_str(key)))
			return map->pairs[i].value;
	return NULL;
}

bool
node_is_null(const struct node *n)
{
	return n->kind == NODE_TEXT && n->style == NODE_PLAIN &&
	    (n->text.len == 0 || slice_eq(n->text, SLICE("~")) ||
	    slice_eq(n->text, SLICE("null")));
}

const char *
node_kind_name(const struct node *n)
{
	static const char *const names[] = { "a text", "a list", "a map" };

	return names[n->kind];
}

static unsigned
characters(struct slice s)
{
	unsigned n = 0;

	for (size_t i = 0; i < s.len; i++)
		n += ((unsigned char)s.ptr[i] & 0xc0) != 0x80;
	return n;
}

/* How many bytes of source the escape at its front takes, and of text makes. */
static size_t
escape_bytes(struct slice s, size_t *made)
{
	static const char hex[] = "xuU";
	const char *p = s.len < 2 ? NULL : strchr(hex, s.ptr[1]);

	*made = 1;
	if (s.len < 2)
		return s.len;
	if (p != NULL && *p != '\0')
		return (size_t)2 + ((size_t)2 << (p - hex));
	return 2;
}

/* The source's byte that became byte `at` of a quoted text of one line. */
static size_t
quoted_source(const struct node *n, size_t at)
{
	size_t i = 1, made;

	for (size_t done = 0; done < at && i < n->source.len; done += made) {
		struct slice here = slice_from(n->source, i);

		made = 1;
		if (n->style == NODE_SINGLE)
			i += slice_starts(here, SLICE("''")) ? 2 : 1;
		else if (here.ptr[0] == '\\')
			i += escape_bytes(here, &made);
		else
			i++;
	}
	return i < n->source.len ? i : n->source.len;
}

/* Line and column of byte `at` of a text written below a '|'. */
static struct conf_mark
literal_mark(const struct node *n, size_t at)
{
	struct conf_mark m = n->mark;
	struct slice before = slice_upto(n->text, at), rest = n->source, line;
	unsigned indent = 0;

	slice_cut(&rest, '\n');
	for (struct slice probe = rest; probe.ptr != NULL;) {
		line = slice_cut(&probe, '\n');
		if (slice_trim(line).len == 0)
			continue;
		while (indent < line.len && line.ptr[indent] == ' ')
			indent++;
		break;
	}
	m.line++;
	for (line = slice_cut(&before, '\n'); before.ptr != NULL;
	    line = slice_cut(&before, '\n'))
		m.line++;
	m.column = indent + characters(line) + 1;
	return m;
}

struct conf_mark
node_mark_at(const struct node *n, size_t at)
{
	struct conf_mark m = n->mark;

	if (n->kind != NODE_TEXT || n->source.len == 0 || at > n->text.len)
		return m;
	if (n->style == NODE_LITERAL)
		return literal_mark(n, at);
	if (n->many_lines || n->style == NODE_FOLDED)
		return m;
	if (n->style != NODE_PLAIN)
		at = quoted_source(n, at);
	m.column += characters(slice_upto(n->source, at));
	return m;
}

static void
append(struct node *into, const struct node *from, struct arena *a)
{
	struct node **all = arena_array(a, into->n + from->n, sizeof *all);

	if (into->n > 0)
		memcpy(all, into->items, into->n * sizeof *all);
	if (from->n > 0)
		memcpy(all + into->n, from->items, from->n * sizeof *all);
	into->items = all;
	into->n += from->n;
}

static void
merge_value(const struct node_pair *old, const struct node_pair *new, struct arena *a,
    struct faults *faults)
{
	if (old->value->kind == NODE_MAP && new->value->kind == NODE_MAP)
		node_merge(old->value, new->value, a, faults);
	else if (old->value->kind == NODE_LIST && new->value->kind == NODE_LIST)
		append(old->value, new->value, a);
	else
		fault_add(faults, new->key->mark, "\"%s\" is also set in %s:%u:%u",
		    new->key->text.ptr, old->key->mark.file, old->key->mark.line,
		    old->key->mark.column);
}

void
node_merge(struct node *into, const struct node *from, struct arena *a,
    struct faults *faults)
{
	struct node_pair *all = arena_array(a, into->n + from->n, sizeof *all);
	size_t n = into->n;

	if (n > 0)
		memcpy(all, into->pairs, n * sizeof *all);
	for (size_t i = 0; i < from->n; i++) {
		size_t j = 0;

		while (j < into->n && !slice_eq(into->pairs[j].key->text,
		    from->pairs[i].key->text))
			j++;
		if (j == into->n)
			all[n++] = from->pairs[i];
		else if (node_is_null(all[j].value))
			all[j] = from->pairs[i];
		else if (!node_is_null(from->pairs[i].value))
			merge_value(&all[j], &from->pairs[i], a, faults);
	}
	into->pairs = all;
	into->n = n;
}
