/* graphite_name.c - what a Graphite name is sent on as: cleaned, with its tags
 * in the order asked for.  Once for each new name, not for each line. */
#include "config.h"

#include "proto/graphite.h"

struct tag {
	struct slice key, value;
};

struct tags {
	struct tag tag[GRAPHITE_MAX_TAGS];
	size_t n;
};

void
graphite_name_options_init(struct graphite_name_options *o, const char *chars)
{
	*o = (struct graphite_name_options){ .clean = GRAPHITE_CLEAN_RELAY };
	for (int c = '0'; c <= '9'; c++)
		o->allowed[c] = true;
	for (int c = 'a'; c <= 'z'; c++)
		o->allowed[c] = o->allowed[c - 'a' + 'A'] = true;
	for (const char *c = chars == NULL ? "-_:#" : chars; *c != '\0'; c++)
		o->allowed[(uint8_t)*c] = true;
	o->allowed[' '] = o->allowed['\n'] = o->allowed[';'] = false;
}

/* A byte that would end a name, a field or a line. */
static bool
is_control(char c)
{
	return (uint8_t)c <= ' ' || c == 0x7f;
}

static bool
add_uncontrolled(struct buf *out, struct slice s)
{
	if (!buf_reserve(out, s.len))
		return false;
	for (size_t i = 0; i < s.len; i++)
		out->data[out->len++] = is_control(s.ptr[i]) ? '_' : s.ptr[i];
	return true;
}

static bool
add_cleaned(struct buf *out, struct slice name, bool tagged,
    const struct graphite_name_options *o)
{
	size_t start = out->len;

	if (o->clean == GRAPHITE_CLEAN_CONTROL)
		return add_uncontrolled(out, name);
	if (!buf_reserve(out, name.len))
		return false;
	for (size_t i = 0; i < name.len; i++) {
		char c = name.ptr[i];

		if (c == '.') {
			if (out->len == start || out->data[out->len - 1] == '.')
				continue;
		} else if (!o->allowed[(uint8_t)c])
			c = '_';
		out->data[out->len++] = c;
	}
	/* carbon-c-relay leaves a dot before ';', and hashes it */
	if (!tagged && out->len > start && out->data[out->len - 1] == '.')
		out->len--;
	return true;
}

/* ---- tags ---- */

/* The last of two with one key wins; a tag named "name" is the metric's own
 * name and not kept. */
static bool
put_tag(struct tags *t, struct slice key, struct slice value)
{
	size_t i = 0;

	if (key.len == 0 || value.len == 0 || value.ptr[0] == '~' ||
	    slice_find(value, ';') < value.len)
		return false;
	for (size_t k = 0; k < key.len; k++)
		if (key.ptr[k] == ';' || key.ptr[k] == '!' ||
		    key.ptr[k] == '^' || key.ptr[k] == '=')
			return false;
	if (slice_eq(key, SLICE("name")))
		return true;
	while (i < t->n && !slice_eq(t->tag[i].key, key))
		i++;
	if (i == GRAPHITE_MAX_TAGS)
		return false;
	t->tag[i] = (struct tag){ key, value };
	if (i == t->n)
		t->n++;
	return true;
}

/* k=v;k2=v2 */
static bool
split_tags(struct slice text, struct tags *t)
{
	do {
		struct slice one = slice_cut(&text, ';');
		struct slice key = slice_cut(&one, '=');

		if (one.ptr == NULL || !put_tag(t, key, one))
			return false;
	} while (text.ptr != NULL);
	return true;
}

/* Tags sort by the whole text "k=v", so "a1=" comes before "a=". */
static char
tag_byte(const struct tag *t, size_t i)
{
	if (i < t->key.len)
		return t->key.ptr[i];
	return i == t->key.len ? '=' : t->value.ptr[i - t->key.len - 1];
}

static bool
tag_less(const struct tag *a, const struct tag *b)
{
	size_t alen = a->key.len + 1 + a->value.len;
	size_t blen = b->key.len + 1 + b->value.len;

	for (size_t i = 0; i < alen && i < blen; i++) {
		uint8_t x = (uint8_t)tag_byte(a, i), y = (uint8_t)tag_byte(b, i);

		if (x != y)
			return x < y;
	}
	return alen < blen;
}

static void
sort_tags(struct tags *t)
{
	for (size_t i = 1; i < t->n; i++) {
		struct tag moving = t->tag[i];
		size_t k = i;

		for (; k > 0 && tag_less(&moving, &t->tag[k - 1]); k--)
			t->tag[k] = t->tag[k - 1];
		t->tag[k] = moving;
	}
}

static bool
add_tags(struct buf *out, struct tags *t)
{
	sort_tags(t);
	for (size_t i = 0; i < t->n; i++)
		if (!buf_addc(out, ';') ||
		    !add_uncontrolled(out, t->tag[i].key) ||
		    !buf_addc(out, '=') ||
		    !add_uncontrolled(out, t->tag[i].value))
			return false;
	return true;
}

/* The metric's part of a normal name: without '~' in front. */
static struct slice
without_tildes(struct slice name)
{
	while (name.len > 0 && name.ptr[0] == '~')
		name = slice_from(name, 1);
	return name;
}

static enum reason
normal_form(struct buf *out, struct slice name, struct tags *t,
    const struct graphite_name_options *o)
{
	size_t start = out->len;

	name = without_tildes(name);
	if (!add_cleaned(out, name, t->n > 0, o))
		return REASON_NO_MEMORY;
	if (out->len == start)
		return REASON_BAD_NAME;
	return add_tags(out, t) ? REASON_NONE : REASON_NO_MEMORY;
}

static enum reason
verbatim(struct buf *out, struct slice name, struct slice tags,
    const struct graphite_name_options *o)
{
	size_t start = out->len;

	if (!add_cleaned(out, name, tags.len > 0, o))
		return REASON_NO_MEMORY;
	if (out->len == start)
		return REASON_BAD_NAME;
	if (tags.len == 0)
		return REASON_NONE;
	return buf_addc(out, ';') && add_uncontrolled(out, tags) ?
	    REASON_NONE : REASON_NO_MEMORY;
}

/* ---- OpenMetrics: name{k="v",k2="v2"} ---- */

/* One k="v" off the front of *s, its value unescaped into *space. */
static bool
openmetrics_tag(struct slice *s, struct slice *key, struct slice *value,
    char **space)
{
	size_t i = 0;
	char *start = *space;

	*key = slice_cut(s, '=');
	if (s->len == 0 || s->ptr[0] != '"')
		return false;
	for (i = 1; i < s->len && s->ptr[i] != '"'; i++) {
		if (s->ptr[i] == '\\' && i + 1 < s->len &&
		    (s->ptr[i + 1] == '"' || s->ptr[i + 1] == '\\'))
			i++;
		else if (s->ptr[i] == '\\')
			return false;
		*(*space)++ = s->ptr[i];
	}
	if (i == s->len)
		return false;
	*value = slice_of(start, (size_t)(*space - start));
	*s = slice_from(*s, i + 1);
	if (s->len > 0 && s->ptr[0] != ',')
		return false;
	*s = slice_from(*s, 1);
	return true;
}

#define OPENMETRICS_MAX 4096

static bool
openmetrics(struct slice *name, struct tags *t, char space[OPENMETRICS_MAX])
{
	size_t brace = slice_find(*name, '{');
	struct slice rest;

	if (name->len < 3 || name->len > OPENMETRICS_MAX || brace == name->len || brace == 0 ||
	    !slice_eq(slice_from(*name, name->len - 2), SLICE("\"}")))
		return false;
	rest = slice_of(name->ptr + brace + 1, name->len - brace - 2);
	while (rest.len > 0) {
		struct slice key, value;

		if (!openmetrics_tag(&rest, &key, &value, &space) ||
		    !put_tag(t, key, value))
			return false;
	}
	name->len = brace;
	return true;
}

static enum reason
choose_form(struct buf *out, struct slice name, struct slice tags,
    const struct graphite_name_options *o)
{
	struct tags t;
	char space[OPENMETRICS_MAX];

	t.n = 0;
	if (o->openmetrics && tags.len == 0 && openmetrics(&name, &t, space))
		return normal_form(out, name, &t, o);
	if (o->tags == GRAPHITE_TAGS_VERBATIM || tags.len == 0)
		return verbatim(out, name, tags, o);
	t.n = 0;
	if (split_tags(tags, &t) && without_tildes(name).len > 0)
		return normal_form(out, name, &t, o);
	return o->tags == GRAPHITE_TAGS_STRICT ? REASON_BAD_TAG :
	    verbatim(out, name, tags, o);
}

bool
graphite_name(struct buf *out, struct slice name, struct slice tags,
    const struct graphite_name_options *o, enum reason *why)
{
	size_t start = out->len;

	*why = choose_form(out, name, tags, o);
	if (*why == REASON_NONE)
		return true;
	out->len = start;
	return false;
}
