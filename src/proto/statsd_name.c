/* statsd_name.c - names as sent into the one name a series has.
 *
 * Every dialect of tags ends as Graphite's, behind the name, each after a ';'.
 * This runs when a name is first seen, not for each sample. */
#include "config.h"

#include "base/number.h"
#include "proto/statsd.h"

const struct statsd_name_options statsd_name_defaults = {
	.sanitize = true,
	.dialects = true,
	.sort_tags = false,
	.legal_tags = false
};

/* "[a=b,c=d]rest" at n in raw. */
static struct statsd_split
split_signalfx(struct slice raw, size_t n)
{
	struct statsd_split none = { .name = raw, .style = TAGS_NONE };
	struct slice tags = slice_from(raw, n + 1);
	size_t end = slice_find(tags, ']');

	if (end == tags.len)
		return none;
	return (struct statsd_split){
		.name = slice_upto(raw, n),
		.tags = slice_upto(tags, end),
		.after = slice_from(tags, end + 1),
		.style = TAGS_SIGNALFX
	};
}

/* Whether s begins like "key=". */
static bool
begins_tag(struct slice s)
{
	size_t n = slice_find(s, '=');

	return n > 0 && n < s.len && slice_find(s, ',') > n;
}

struct statsd_split
statsd_split_name(struct slice raw)
{
	struct statsd_split s = { .name = raw, .style = TAGS_NONE }, found;
	size_t n = 0;

	while (n < raw.len && raw.ptr[n] != ';' && raw.ptr[n] != ',' &&
	    raw.ptr[n] != '[' && raw.ptr[n] != '#')
		n++;
	if (n == raw.len)
		return s;
	found = (struct statsd_split){
		.name = slice_upto(raw, n), .tags = slice_from(raw, n + 1)
	};
	switch (raw.ptr[n]) {
	case ';':
		found.style = TAGS_GRAPHITE;
		return found;
	case ',':
		found.style = TAGS_INFLUX;
		break;
	case '#':
		found.style = TAGS_LIBRATO;
		break;
	default:
		found = split_signalfx(raw, n);
	}
	/* punctuation in a plain name is no tag */
	return begins_tag(found.tags) ? found : s;
}

/* Letters, digits and "_-.;=", the bytes that stay as they are. */
static bool
stays(char c)
{
	return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') ||
	    (c >= '-' && c <= '9' && c != '/') ||
	    c == '_' || c == ';' || c == '=';
}

bool
statsd_sanitize(struct buf *out, struct slice raw)
{
	bool blank = false;
	size_t n;
	char *to;

	if (raw.len == 0)
		return true;
	if (!buf_reserve(out, raw.len))		/* it never grows */
		return false;
	to = out->data + out->len;
	while (raw.len > 0) {
		char c = raw.ptr[0];

		n = 1;
		if (stays(c)) {
			*to++ = c;
			blank = false;
		} else if ((n = number_js_blank(raw)) > 0) {
			if (!blank)
				*to++ = '_';
			blank = true;
		} else {
			if (c == '/')
				*to++ = '-';
			blank = false;
			n = 1;
		}
		raw = slice_from(raw, n);
	}
	out->len = (size_t)(to - out->data);
	return true;
}

/* A name being written; ok turns false when out is full. */
struct writer {
	struct buf *out;
	const struct statsd_name_options *options;
	bool ok;
};

static void
put(struct writer *w, struct slice s)
{
	if (w->ok)
		w->ok = w->options->sanitize ? statsd_sanitize(w->out, s) :
		    buf_add_slice(w->out, s);
}

static void
put_char(struct writer *w, char c)
{
	w->ok = w->ok && buf_addc(w->out, c);
}

/* A tag, its first ';' as '_' and its first ':' as '='. */
static void
put_tag(struct writer *w, struct slice tag)
{
	size_t semicolon = slice_find(tag, ';');
	size_t colon = slice_find(tag, ':');
	size_t first = semicolon < colon ? semicolon : colon;
	size_t second = semicolon < colon ? colon : semicolon;

	put(w, slice_upto(tag, first));
	if (first < tag.len) {
		put_char(w, first == semicolon ? '_' : '=');
		put(w, slice_from(slice_upto(tag, second), first + 1));
	}
	if (second < tag.len) {
		put_char(w, second == semicolon ? '_' : '=');
		put(w, slice_from(tag, second + 1));
	}
}

static void
put_tags(struct writer *w, struct slice tags, enum tag_style style)
{
	if (style == TAGS_NONE || (style == TAGS_DOGSTATSD && tags.len == 0))
		return;
	if (style == TAGS_GRAPHITE) {
		put_char(w, ';');
		put(w, tags);
		return;
	}
	while (tags.ptr != NULL && w->ok) {
		put_char(w, ';');
		put_tag(w, slice_cut(&tags, ','));
	}
}

/* The name, and the tags that may stand in it. */
static void
put_name(struct writer *w, struct slice name)
{
	struct statsd_split s = { .name = name, .style = TAGS_NONE };

	if (w->options->dialects)
		s = statsd_split_name(name);
	put(w, s.name);
	put(w, s.after);
	put_tags(w, s.tags, s.style);
}

/* The tags of a finished name, each without its ';'. */
struct list {
	struct slice tags[STATSD_MAX_TAGS];
	size_t count;
};

static bool
list_tags(struct list *l, struct slice text)
{
	l->count = 0;
	while (text.ptr != NULL) {
		if (l->count == STATSD_MAX_TAGS)
			return false;
		l->tags[l->count++] = slice_cut(&text, ';');
	}
	return true;
}

static int
by_key(struct slice a, struct slice b)
{
	return slice_cmp(slice_upto(a, slice_find(a, '=')),
	    slice_upto(b, slice_find(b, '=')));
}

static void
sort_tags(struct list *l)
{
	for (size_t i = 1; i < l->count; i++) {
		struct slice tag = l->tags[i];
		size_t at = i;

		for (; at > 0 && by_key(l->tags[at - 1], tag) > 0; at--)
			l->tags[at] = l->tags[at - 1];
		l->tags[at] = tag;
	}
}

static bool
put_legal(struct buf *out, struct slice tag)
{
	size_t equals = slice_find(tag, '=');

	if (equals == 0)
		return true;
	return buf_addc(out, ';') && buf_add_slice(out, tag) &&
	    (equals + 1 < tag.len ||
	    buf_adds(out, equals == tag.len ? "=true" : "true"));
}

/* Write the tags, which begin at `from` in out, again as the options want
 * them: behind themselves first, then moved down. */
static bool
tidy(struct buf *out, size_t from, const struct statsd_name_options *o)
{
	struct list l;
	size_t old = out->len;
	/* each tag may grow by "=true"; reserved first, so that nothing moves */
	if (!buf_reserve(out, (old - from) * 6) ||
	    !list_tags(&l, slice_of(out->data + from + 1, old - from - 1)))
		return false;
	if (o->sort_tags)
		sort_tags(&l);
	for (size_t i = 0; i < l.count; i++) {
		if (o->legal_tags)
			put_legal(out, l.tags[i]);
		else if (buf_addc(out, ';'))
			buf_add_slice(out, l.tags[i]);
	}
	memmove(out->data + from, out->data + old, out->len - old);
	out->len -= old - from;
	return true;
}

bool
statsd_name(struct buf *out, const struct metric_record *m,
    const struct statsd_name_options *o)
{
	struct writer w = { out, o, true };
	size_t start = out->len, n;

	put_name(&w, m->name);
	put_tags(&w, m->tags, m->tag_style);
	if (w.ok && (o->sort_tags || o->legal_tags) && out->len > start) {
		n = start + slice_find(slice_from(buf_slice(out), start), ';');
		w.ok = n == out->len || tidy(out, n, o);
	}
	if (!w.ok)
		out->len = start;
	return w.ok;
}
