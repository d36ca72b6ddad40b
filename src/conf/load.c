/* load.c - from a YAML tree to structs, through the tables of keys. */
#include "config.h"

#include <limits.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>

#include "base/number.h"
#include "base/regex.h"
#include "conf/expr.h"
#include "conf/load.h"
#include "conf/template.h"
#include "conf/value.h"

#define TEXT_MAX	65536
#define LIST_MAX	16	/* names that a message still lists */

typedef void reader(struct loader *, const struct key *, const struct node *, void *);

struct conf_mark
load_mark(const struct node *map, const char *key)
{
	const struct node *v = node_get(map, key);

	if (v != NULL)
		return v->mark;
	return map == NULL ? (struct conf_mark){ 0 } : map->mark;
}

const char *
load_nearest(struct slice text, const char *const *words)
{
	const char *best = NULL;
	unsigned least = UINT_MAX, d;

	for (; words != NULL && *words != NULL; words++) {
		if (value_near(text, slice_str(*words), &d) && d < least) {
			least = d;
			best = *words;
		}
	}
	return best;
}

static const char *
list_words(struct loader *l, const char *const *words)
{
	struct buf b = BUF_INIT(2048);
	const char *text;

	for (size_t i = 0; words[i] != NULL; i++)
		buf_printf(&b, "%s%s", i == 0 ? "" : words[i + 1] == NULL ? " or " : ", ",
		    words[i]);
	text = arena_dup(l->arena, buf_slice(&b));
	buf_fini(&b);
	return text;
}

const char *
load_hint(struct loader *l, struct slice text, const char *const *words)
{
	const char *near = load_nearest(text, words);

	if (near != NULL)
		return arena_printf(l->arena, "did you mean \"%s\"?", near);
	return arena_printf(l->arena, "expected %s", list_words(l, words));
}

/* ${NAME} in values */

static size_t
name_length(struct slice s)
{
	size_t i = 0;

	while (i < s.len && (s.ptr[i] == '_' || (s.ptr[i] >= '0' && s.ptr[i] <= '9') ||
	    ((s.ptr[i] | 32) >= 'a' && (s.ptr[i] | 32) <= 'z')))
		i++;
	return i > 0 && s.ptr[0] >= '0' && s.ptr[0] <= '9' ? 0 : i;
}

const char *
load_env(struct loader *l, const struct node *n, struct slice name)
{
	size_t len = name_length(name), at = (size_t)(name.ptr - n->text.ptr);
	char *copy = arena_dup(l->arena, slice_upto(name, len));
	struct slice rest = slice_from(name, len);
	const char *value;

	if (len == 0 || (rest.len > 0 && !slice_starts(rest, SLICE(":-")))) {
		fault_add(&l->faults, node_mark_at(n, at),
		    "\"${%.*s}\": expected ${NAME} or ${NAME:-default}", SLICE_ARG(name));
		return NULL;
	}
	value = getenv(copy);
	if (value != NULL && (*value != '\0' || rest.len == 0))
		return value;
	if (rest.len > 0)
		return arena_dup(l->arena, slice_from(rest, 2));
	fault_add(&l->faults, node_mark_at(n, at), "no \"%s\" in the environment; "
	    "write ${%s:-...} to give a default", copy, copy);
	return NULL;
}

/* Append what stands before the next ${ and what that means. */
static bool
replace_next(struct loader *l, const struct node *n, struct slice *rest, struct buf *out)
{
	size_t at = slice_find(*rest, '$'), end;
	const char *value;
	struct slice name;

	buf_add_slice(out, slice_upto(*rest, at));
	*rest = slice_from(*rest, at);
	if (slice_starts(*rest, SLICE("$${"))) {
		*rest = slice_from(*rest, 3);
		return buf_adds(out, "${");
	}
	if (!slice_starts(*rest, SLICE("${"))) {
		buf_add_slice(out, slice_upto(*rest, 1));
		*rest = slice_from(*rest, 1);
		return true;
	}
	end = slice_find(*rest, '}');
	if (end == rest->len) {
		fault_add(&l->faults, node_mark_at(n, (size_t)(rest->ptr - n->text.ptr)),
		    "\"${\" without a \"}\"; write $${ for the two characters");
		return false;
	}
	name = slice_from(slice_upto(*rest, end), 2);
	value = load_env(l, n, name);
	*rest = slice_from(*rest, end + 1);
	return value != NULL && buf_adds(out, value);
}

const char *
load_text(struct loader *l, const struct node *n)
{
	struct buf out = BUF_INIT(TEXT_MAX);
	struct slice rest = n->text;
	const char *text = NULL;
	size_t before;

	if (n->kind != NODE_TEXT) {
		fault_add(&l->faults, n->mark, "expected a text, found %s", node_kind_name(n));
		return NULL;
	}
	if (slice_find(rest, '$') == rest.len)
		return rest.ptr;
	before = l->faults.errors;
	while (rest.len > 0 && replace_next(l, n, &rest, &out))
		;
	if (rest.len == 0 && l->faults.errors == before)
		text = arena_dup(l->arena, buf_slice(&out));
	else if (l->faults.errors == before)
		fault_add(&l->faults, n->mark, "longer than %d bytes", TEXT_MAX);
	buf_fini(&out);
	return text;
}

/* How a bound is said. */
static const char *
say(struct loader *l, enum key_type type, double v)
{
	static const struct { double size; const char *name; } sizes[] = {
		{ 0x1p40, "TiB" }, { 0x1p30, "GiB" }, { 0x1p20, "MiB" }, { 0x1p10, "KiB" },
	}, times[] = {
		{ 86400e3, "d" }, { 3600e3, "h" }, { 60e3, "m" }, { 1e3, "s" }, { 1, "ms" },
	};

	for (size_t i = 0; type == KEY_SIZE && v > 0 && i < 4; i++)
		if (fmod(v, sizes[i].size) == 0)
			return arena_printf(l->arena, "%.0f%s", v / sizes[i].size, sizes[i].name);
	for (size_t i = 0; type == KEY_DURATION && v > 0 && i < 5; i++)
		if (fmod(v, times[i].size) == 0)
			return arena_printf(l->arena, "%.0f%s", v / times[i].size, times[i].name);
	return arena_printf(l->arena, "%.15g", v);
}

static bool
in_bounds(struct loader *l, const struct key *k, const struct node *n, double v)
{
	if ((k->min == 0 && k->max == 0) || (v >= k->min && v <= k->max))
		return true;
	fault_add(&l->faults, n->mark, "%s: %s is not between %s and %s", k->name,
	    n->text.ptr, say(l, k->type, k->min), say(l, k->type, k->max));
	return false;
}

static void
expected(struct loader *l, const struct key *k, const struct node *n, const char *text,
    const char *what)
{
	fault_add(&l->faults, n->mark, "%s: expected %s, found \"%s\"", k->name, what, text);
}

static void
read_bool(struct loader *l, const struct key *k, const struct node *n, void *out)
{
	const char *text = load_text(l, n);

	if (text != NULL && !value_bool(slice_str(text), out))
		expected(l, k, n, text, "true or false");
}

static void
read_count(struct loader *l, const struct key *k, const struct node *n, void *out)
{
	const char *text = load_text(l, n);
	uint64_t v;

	if (text == NULL)
		return;
	if (!number_u64(slice_str(text), &v))
		expected(l, k, n, text, "a whole number");
	else if (in_bounds(l, k, n, (double)v))
		*(uint64_t *)out = v;
}

static void
read_int(struct loader *l, const struct key *k, const struct node *n, void *out)
{
	uint64_t v = UINT64_MAX;

	read_count(l, k, n, &v);
	if (v <= INT_MAX)
		*(int *)out = (int)v;
}

static void
read_port(struct loader *l, const struct key *k, const struct node *n, void *out)
{
	struct key bounds = *k;
	uint64_t v = 0;

	bounds.min = 1;
	bounds.max = 65535;
	read_count(l, &bounds, n, &v);
	*(uint16_t *)out = (uint16_t)v;
}

static void
read_number(struct loader *l, const struct key *k, const struct node *n, void *out)
{
	const char *text = load_text(l, n);
	double v;

	if (text == NULL)
		return;
	if (!value_number(slice_str(text), &v))
		expected(l, k, n, text, "a number");
	else if (in_bounds(l, k, n, v))
		*(double *)out = v;
}

static void
read_duration(struct loader *l, const struct key *k, const struct node *n, void *out)
{
	const char *text = load_text(l, n);
	uint64_t v;

	if (text == NULL)
		return;
	if (!value_duration(slice_str(text), &v))
		expected(l, k, n, text, "a duration such as 250ms, 10s, 1h30m or 30d");
	else if (in_bounds(l, k, n, (double)v))
		*(uint64_t *)out = v;
}

static void
read_size(struct loader *l, const struct key *k, const struct node *n, void *out)
{
	const char *text = load_text(l, n);
	uint64_t v;

	if (text == NULL)
		return;
	if (!value_size(slice_str(text), &v))
		expected(l, k, n, text, "a size such as 512k, 64MiB or 1GB");
	else if (in_bounds(l, k, n, (double)v))
		*(uint64_t *)out = v;
}

/* The index of text among words, or -1 with a fault told. */
static int
find_word(struct loader *l, const struct key *k, const struct node *n, const char *text)
{
	for (int i = 0; k->words[i] != NULL; i++)
		if (strcmp(k->words[i], text) == 0)
			return i;
	fault_add(&l->faults, n->mark, "%s: no such value \"%s\", %s", k->name, text,
	    load_hint(l, slice_str(text), k->words));
	return -1;
}

static void
read_string(struct loader *l, const struct key *k, const struct node *n, void *out)
{
	const char *text = load_text(l, n);

	if (text != NULL && (k->words == NULL || find_word(l, k, n, text) != -1))
		*(const char **)out = text;
}

static void
read_enum(struct loader *l, const struct key *k, const struct node *n, void *out)
{
	const char *text = load_text(l, n);
	int i = text == NULL ? -1 : find_word(l, k, n, text);

	if (i != -1)
		memcpy(out, &i, sizeof i);
}

static void
read_choice(struct loader *l, const struct key *k, const struct node *n, void *out)
{
	const char *text = load_text(l, n);
	int i = text == NULL ? -1 : find_word(l, k, n, text);

	if (i != -1)
		*(bool *)out = i == 1;
}

/* A list, or one value that stands for a list of one. */
static size_t
items_of(const struct node *const *n, const struct node *const **items)
{
	if ((*n)->kind == NODE_LIST) {
		*items = (const struct node *const *)(*n)->items;
		return (*n)->n;
	}
	*items = n;
	return 1;
}

static void
read_strings(struct loader *l, const struct key *k, const struct node *n, void *out)
{
	struct conf_strings *s = out;
	const struct node *const *items;
	size_t count = items_of(&n, &items);

	s->v = arena_array(l->arena, count, sizeof *s->v);
	s->n = 0;
	for (size_t i = 0; i < count; i++) {
		const char *text = load_text(l, items[i]);

		if (text != NULL && *text == '\0')
			fault_add(&l->faults, items[i]->mark, "%s: an empty text", k->name);
		else if (text != NULL)
			s->v[s->n++] = arena_dup(l->arena, slice_str(text));
	}
}

static void
read_listens(struct loader *l, const struct key *k, const struct node *n, void *out)
{
	struct conf_listens *s = out;
	const struct node *const *items;
	size_t count = items_of(&n, &items);

	s->v = arena_array(l->arena, count, sizeof *s->v);
	s->n = 0;
	for (size_t i = 0; i < count; i++)
		if (load_listen(l, items[i], k->words, &s->v[s->n]))
			s->n++;
}

static void
read_hostport(struct loader *l, const struct key *k, const struct node *n, void *out)
{
	const char *text = load_text(l, n);
	struct slice rest;
	uint16_t port;
	char *host;

	if (text == NULL)
		return;
	if (*text == '\0')
		*(const char **)out = NULL;
	else if (!address_split(l->arena, slice_str(text), &host, &port, &rest) ||
	    port == 0 || rest.len != 0)
		expected(l, k, n, text, "an address such as 127.0.0.1:8126 or [::1]:8126");
	else
		*(const char **)out = text;
}

/* "+02:00", "-0330", "+2" in seconds. */
static bool
parse_zone(struct slice s, int32_t *zone)
{
	bool west = s.len > 0 && s.ptr[0] == '-';
	struct slice hours = slice_from(s, 1), minutes = SLICE("0");
	uint64_t h, m;

	if (s.len < 2 || (s.ptr[0] != '-' && s.ptr[0] != '+'))
		return false;
	if (slice_find(hours, ':') < hours.len) {
		minutes = hours;
		hours = slice_cut(&minutes, ':');
	} else if (hours.len == 4) {
		minutes = slice_from(hours, 2);
		hours = slice_upto(hours, 2);
	}
	if (!number_u64(hours, &h) || !number_u64(minutes, &m) || h > 14 || m > 59)
		return false;
	*zone = (int32_t)(h * 3600 + m * 60) * (west ? -1 : 1);
	return true;
}

static void
read_zone(struct loader *l, const struct key *k, const struct node *n, void *out)
{
	const char *text = load_text(l, n);

	if (text == NULL)
		return;
	if (strcmp(text, "UTC") == 0 || strcmp(text, "Z") == 0)
		*(int32_t *)out = CONF_ZONE_UTC;
	else if (strcmp(text, "local") == 0)
		*(int32_t *)out = CONF_ZONE_LOCAL;
	else if (!parse_zone(slice_str(text), out))
		expected(l, k, n, text, "UTC, local or an offset such as +02:00");
}

static void
read_ack(struct loader *l, const struct key *k, const struct node *n, void *out)
{
	static const char *const words[] = { "journal", "redis", "both", "replica", NULL };
	struct conf_stream *s = (void *)((char *)out - offsetof(struct conf_stream, ack));
	const char *text = load_text(l, n);
	struct slice rest = slice_str(text), word;
	struct key named = *k;
	int i;

	if (text == NULL)
		return;
	word = slice_cut(&rest, ' ');
	named.words = words;
	i = find_word(l, &named, n, arena_dup(l->arena, word));
	if (i == -1)
		return;
	s->ack = (enum conf_ack)i;
	s->replicas = i == CONF_ACK_REPLICA ? 1 : 0;
	if (rest.ptr == NULL)
		return;
	if (i != CONF_ACK_REPLICA || !number_u64(slice_trim(rest), &s->replicas) ||
	    s->replicas == 0 || s->replicas > 100)
		expected(l, k, n, text, "journal, redis, both or \"replica N\"");
}

static void
read_percentiles(struct loader *l, const struct key *k, const struct node *n, void *out)
{
	struct conf_flush *f = (void *)((char *)out - offsetof(struct conf_flush, percentiles));
	const struct node *const *items;
	size_t count = items_of(&n, &items);

	f->percentiles = arena_array(l->arena, count, sizeof *f->percentiles);
	f->npercentiles = 0;
	for (size_t i = 0; i < count; i++) {
		const char *text = load_text(l, items[i]);
		double v;

		if (text == NULL)
			continue;
		if (!value_number(slice_str(text), &v) || v == 0 || fabs(v) > 100) {
			expected(l, k, items[i], text,
			    "a number above 0 and up to 100, or the same below 0");
			continue;
		}
		f->percentiles[f->npercentiles].value = v;
		f->percentiles[f->npercentiles++].text = arena_dup(l->arena, slice_str(text));
	}
}

static void
read_bins(struct loader *l, const struct key *k, const struct node *n, void *out)
{
	struct conf_histogram *h = (void *)((char *)out - offsetof(struct conf_histogram, bins));
	const struct node *const *items;
	size_t count = items_of(&n, &items);
	double last = -HUGE_VAL;

	h->bins = arena_array(l->arena, count, sizeof *h->bins);
	h->bin_names = arena_array(l->arena, count, sizeof *h->bin_names);
	h->nbins = 0;
	for (size_t i = 0; i < count; i++) {
		const char *text = load_text(l, items[i]);
		double v;

		if (text == NULL)
			continue;
		if (!value_number(slice_str(text), &v) || v <= last) {
			expected(l, k, items[i], text, "a number above the one before, or inf");
			continue;
		}
		last = v;
		h->bin_names[h->nbins] = arena_dup(l->arena, slice_str(text));
		h->bins[h->nbins++] = v;
	}
}

static void
read_servers(struct loader *l, const struct key *k, const struct node *n, void *out)
{
	struct conf_cluster *c = (void *)((char *)out - offsetof(struct conf_cluster, servers));
	const struct node *const *items;
	size_t count = items_of(&n, &items);

	c->servers = arena_array(l->arena, count, sizeof *c->servers);
	c->nservers = 0;
	for (size_t i = 0; i < count; i++) {
		struct conf_server *s = &c->servers[c->nservers];

		s->mark = items[i]->mark;
		if (items[i]->kind == NODE_MAP)
			load_section(l, &server_section, items[i], s);
		else if (c->method == CONF_FILE)
			s->text = s->host = (char *)(uintptr_t)load_text(l, items[i]);
		else if (!load_server(l, items[i], s))
			continue;
		if (s->host != NULL)
			c->nservers++;
	}
}

static void
read_regex(struct loader *l, const struct key *k, const struct node *n, void *out)
{
	const char *text = load_text(l, n);
	struct regex_error e;
	struct regex *re;

	if (text == NULL)
		return;
	re = regex_new(slice_str(text), &e);
	if (re == NULL)
		fault_add(&l->faults, node_mark_at(n, e.offset), "%s: %s", k->name, e.text);
	else
		*(const char **)out = text;
	regex_free(re);
}

/* A text with {words} in it. */
static void
read_path(struct loader *l, const struct key *k, const struct node *n, void *out)
{
	const char *text = load_text(l, n);
	struct slice rest = slice_str(text), word;

	while (slice_find(rest, '{') < rest.len) {
		const char *const *w = k->words;

		slice_cut(&rest, '{');
		word = slice_cut(&rest, '}');
		if (rest.ptr == NULL) {
			expected(l, k, n, text, "a \"}\" for each \"{\"");
			return;
		}
		while (*w != NULL && !slice_eq(word, slice_str(*w)))
			w++;
		if (*w == NULL) {
			fault_add(&l->faults, n->mark, "%s: no such part {%.*s}, %s", k->name,
			    SLICE_ARG(word), load_hint(l, word, k->words));
			return;
		}
	}
	if (text != NULL)
		*(const char **)out = text;
}

static void
read_section(struct loader *l, const struct key *k, const struct node *n, void *out)
{
	load_section(l, k->section, n, out);
}

/* Room for a section's n elements; tells how many there are. */
static char *
make_many(struct loader *l, const struct key *k, size_t n, void *out)
{
	char *base = (char *)out - k->offset;

	*(void **)out = arena_array(l->arena, n, k->section->size);
	memcpy(base + k->count, &n, sizeof n);
	return *(char **)out;
}

static void
read_map(struct loader *l, const struct key *k, const struct node *n, void *out)
{
	char *v;

	if (n->kind != NODE_MAP) {
		fault_add(&l->faults, n->mark, "%s: expected a map by name, found %s",
		    k->name, node_kind_name(n));
		return;
	}
	v = make_many(l, k, n->n, out);
	for (size_t i = 0; i < n->n; i++, v += k->section->size) {
		const struct node *key = n->pairs[i].key;

		*(const char **)(void *)(v + k->section->name_at) = key->text.ptr;
		if (k->section->mark_at != NOWHERE)
			*(struct conf_mark *)(void *)(v + k->section->mark_at) = key->mark;
		load_section(l, k->section, n->pairs[i].value, v);
	}
}

static void
read_list(struct loader *l, const struct key *k, const struct node *n, void *out)
{
	const struct node *const *items;
	size_t count = items_of(&n, &items);
	char *v = make_many(l, k, count, out);

	for (size_t i = 0; i < count; i++, v += k->section->size) {
		if (k->section->mark_at != NOWHERE)
			*(struct conf_mark *)(void *)(v + k->section->mark_at) = items[i]->mark;
		load_section(l, k->section, items[i], v);
	}
}

/* A text with variables of its own: they are not replaced here. */
static bool
is_text(struct loader *l, const struct key *k, const struct node *n)
{
	if (n->kind == NODE_TEXT)
		return true;
	fault_add(&l->faults, n->mark, "%s: expected a text, found %s", k->name,
	    node_kind_name(n));
	return false;
}

static void
free_expr(void *x)
{
	expr_free(x);
}

static void
read_expr(struct loader *l, const struct key *k, const struct node *n, void *out)
{
	struct conf_rule *r = (void *)((char *)out - offsetof(struct conf_rule, when));
	struct expr_error e;

	if (!is_text(l, k, n))
		return;
	r->when_text = arena_dup(l->arena, n->text);
	r->when = expr_new(n->text, &e);
	if (r->when != NULL)
		arena_defer(l->arena, free_expr, r->when);
	else
		fault_add(&l->faults, node_mark_at(n, e.offset), "%s: %s", k->name, e.text);
}

/* The rule's expression has been read by now: its groups are known. */
static void
read_template(struct loader *l, const struct key *k, const struct node *n, void *out)
{
	const struct conf_rule *r = (void *)((char *)out - k->offset);
	const struct template **made = (void *)((char *)out - k->offset + k->count);
	struct expr_error e;

	if (!is_text(l, k, n) || (r->when == NULL && r->when_text != NULL))
		return;
	*(char **)out = arena_dup(l->arena, n->text);
	*made = template_new(n->text, r->when, l->arena, &e);
	if (*made == NULL)
		fault_add(&l->faults, node_mark_at(n, e.offset), "%s: %s", k->name, e.text);
}

static reader *const readers[] = {
	[KEY_BOOL] = read_bool,
	[KEY_COUNT] = read_count,
	[KEY_INT] = read_int,
	[KEY_NUMBER] = read_number,
	[KEY_DURATION] = read_duration,
	[KEY_SIZE] = read_size,
	[KEY_STRING] = read_string,
	[KEY_ENUM] = read_enum,
	[KEY_CHOICE] = read_choice,
	[KEY_PORT] = read_port,
	[KEY_STRINGS] = read_strings,
	[KEY_LISTENS] = read_listens,
	[KEY_HOSTPORT] = read_hostport,
	[KEY_ZONE] = read_zone,
	[KEY_ACK] = read_ack,
	[KEY_PERCENTILES] = read_percentiles,
	[KEY_BINS] = read_bins,
	[KEY_SERVERS] = read_servers,
	[KEY_REGEX] = read_regex,
	[KEY_EXPR] = read_expr,
	[KEY_TEMPLATE] = read_template,
	[KEY_PATH] = read_path,
	[KEY_INCLUDE] = NULL,
	[KEY_SECTION] = read_section,
	[KEY_MAP] = read_map,
	[KEY_LIST] = read_list,
};

/* A default, read as if it stood in a file. */
static void
read_fallback(struct loader *l, const struct key *k, void *out)
{
	struct slice text = slice_str(k->fallback);
	struct node plain = { .kind = NODE_TEXT, .text = text };
	struct node *n = &plain;

	if (text.ptr[0] == '[' || text.ptr[0] == '"') {
		struct node *map = node_parse(slice_str(arena_printf(l->arena, "v: %s",
		    k->fallback)), NULL, l->arena, &l->faults);

		n = node_get(map, "v");
	}
	readers[k->type](l, k, n, out);
}

static void
find_unknown(struct loader *l, const struct section *s, const struct node *n)
{
	const char **names = NULL;

	for (size_t i = 0; i < n->n; i++) {
		struct slice key = n->pairs[i].key->text;
		size_t j = 0;

		while (j < s->nkeys && !slice_eq(key, slice_str(s->keys[j].name)))
			j++;
		if (j < s->nkeys)
			continue;
		if (names == NULL) {
			names = arena_array(l->arena, s->nkeys + 1, sizeof *names);
			for (size_t w = 0; w < s->nkeys; w++)
				names[w] = s->keys[w].name;
		}
		fault_add(&l->faults, n->pairs[i].key->mark, "unknown key \"%s\"%s%s%s%s",
		    key.ptr, *s->name == '\0' ? "" : " in ", s->name,
		    load_nearest(key, names) != NULL || s->nkeys < LIST_MAX ? ", " : "",
		    load_nearest(key, names) != NULL || s->nkeys < LIST_MAX ?
		    load_hint(l, key, names) : "");
	}
}

static void
load_key(struct loader *l, const struct key *k, const struct node *n, bool present, char *out)
{
	const struct node *v = node_get(n, k->name);
	void *at = out + k->offset;

	if (k->type == KEY_INCLUDE)
		return;
	if (k->type == KEY_SECTION) {
		load_section(l, k->section, v, at);
		return;
	}
	/* the default first: it stays when the value cannot be read */
	if (k->fallback != NULL && (present || k->type != KEY_LISTENS))
		read_fallback(l, k, at);
	if (v != NULL && !node_is_null(v))
		readers[k->type](l, k, v, at);
}

void
load_section(struct loader *l, const struct section *s, const struct node *n, void *out)
{
	struct node empty = { .kind = NODE_MAP };
	size_t before = l->faults.errors;
	bool present = n != NULL, sound = true;

	if (n != NULL && n->kind != NODE_MAP) {
		sound = node_is_null(n);
		if (!sound)
			fault_add(&l->faults, n->mark, "%s: expected a map of keys, found %s",
			    s->name, node_kind_name(n));
		empty.mark = n->mark;
		n = &empty;
	}
	if (s->present_at != NOWHERE)
		*(bool *)(void *)((char *)out + s->present_at) = present;
	if (n != NULL)
		find_unknown(l, s, n);
	for (size_t i = 0; i < s->nkeys; i++)
		load_key(l, &s->keys[i], n, present, out);
	if (s->check != NULL && present && sound && !(s->careful && l->faults.errors != before))
		s->check(l, out, n);
}
