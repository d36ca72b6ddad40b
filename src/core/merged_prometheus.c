/* merged_prometheus.c - the last flush as a page for Prometheus.
 *
 * All lines of a family must stand together and none may come twice, while
 * keys stand in the order in which they came and different keys may be one
 * series (a.b and a_b, or as a mapping has it).  So the page is gathered first:
 * families, each with its series, found by hash; then printed.  Where two kinds
 * of metrics share a name the later kind is shown as NAME_timer, NAME_gauge or
 * NAME_set: a family has one type. */
#include "config.h"

#include <math.h>
#include <stdlib.h>

#include "base/hash.h"
#include "base/number.h"
#include "base/utf8.h"
#include "conf/prom_mapping.h"
#include "core/merged_parts.h"

#define MAX_PAGE ((size_t)1 << 31)

/* A piece of page->text. */
struct piece {
	uint32_t at, len;
};

struct family {
	struct piece name, help;
	uint32_t hash;
	uint32_t first, last;	/* series */
	enum merged_group group;
};

struct series {
	struct piece labels;	/* a="b",c="d" */
	uint32_t hash, family, next, key;
	double value;		/* of counters, gauges and sets */
	double scale;
};

struct page {
	struct merged *m;
	const struct prom_mapping *mapping;
	struct buf text, scratch;
	struct family *families;
	struct series *series;
	uint32_t nfamilies, cap_families, nseries, cap_series;
	struct index32 family_index, series_index;
	bool failed;
};

/* What one key is called. */
struct naming {
	struct slice name, help;
	double scale;
	size_t nlabels;
	struct prom_label labels[PROM_MAX_LABELS];
};

static struct slice
piece(const struct page *p, struct piece at)
{
	return slice_of(p->text.data + at.at, at.len);
}

/* ---- names ---- */

/* What a name may have in that place, or '_'. */
static char
legal(char c)
{
	return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') ||
	    (c >= '0' && c <= '9') ? c : '_';
}

static void
put_legal(struct page *p, struct slice s)
{
	bool ok = true;
	size_t i;

	if (s.len == 0 || (s.ptr[0] >= '0' && s.ptr[0] <= '9'))
		ok = buf_addc(&p->text, '_');
	for (i = 0; ok && i < s.len; i++)
		ok = buf_addc(&p->text, legal(s.ptr[i]));
	p->failed |= !ok;
}

static void
put_text(struct page *p, struct slice s)
{
	p->failed |= !buf_add_slice(&p->text, s);
}

/* Append the value of a label: escaped, and UTF-8 whatever came. */
static void
put_label_value(struct page *p, struct slice s)
{
	size_t i = 0, n;

	while (i < s.len) {
		n = utf8_sequence(s.ptr + i, s.len - i);
		if (n == 0)
			put_text(p, SLICE("\xef\xbf\xbd"));
		else if (s.ptr[i] == '\n')
			put_text(p, SLICE("\\n"));
		else if (s.ptr[i] == '"' || s.ptr[i] == '\\')
			put_text(p, s.ptr[i] == '"' ? SLICE("\\\"") :
			    SLICE("\\\\"));
		else
			put_text(p, slice_of(s.ptr + i, n));
		i += n == 0 ? 1 : n;
	}
}

/* Append labels; those without a value are as if they were not there. */
static struct piece
put_labels(struct page *p, const struct naming *n)
{
	uint32_t at = (uint32_t)p->text.len;
	size_t i;

	for (i = 0; i < n->nlabels; i++) {
		if (n->labels[i].value.len == 0)
			continue;
		if (p->text.len > at)
			put_text(p, SLICE(","));
		/* ours, or Prometheus' own */
		if (slice_eq(n->labels[i].name, SLICE("quantile")) ||
		    slice_starts(n->labels[i].name, SLICE("__")))
			put_text(p, SLICE("exported_"));
		put_legal(p, n->labels[i].name);
		put_text(p, SLICE("=\""));
		put_label_value(p, n->labels[i].value);
		put_text(p, SLICE("\""));
	}
	return (struct piece){ at, (uint32_t)p->text.len - at };
}

/* Are two names of labels one when they are made legal? */
static bool
same_label(struct slice a, struct slice b)
{
	size_t i;

	if (a.len != b.len)
		return false;
	for (i = 0; i < a.len; i++)
		if (legal(a.ptr[i]) != legal(b.ptr[i]))
			return false;
	return true;
}

/* Set a label; a later one replaces an earlier one unless `keep`. */
static void
set_label(struct naming *n, struct slice name, struct slice value, bool keep)
{
	size_t i;

	for (i = 0; i < n->nlabels; i++)
		if (same_label(n->labels[i].name, name)) {
			if (!keep)
				n->labels[i].value = value;
			return;
		}
	if (n->nlabels < PROM_MAX_LABELS)
		n->labels[n->nlabels++] = (struct prom_label){ name, value };
}

static void
set_tags(struct naming *n, struct slice tags)
{
	struct slice tag, name;

	while (tags.len > 0) {
		tag = slice_cut(&tags, ';');
		if (tag.len == 0)
			continue;
		name = slice_cut(&tag, '=');
		set_label(n, name, tag, false);
	}
}

static const enum prom_type types[MERGED_GROUPS] = {
	PROM_COUNTER, PROM_OBSERVER, PROM_GAUGE, PROM_GAUGE, PROM_GAUGE
};

/* What the key is called; false: the mapping drops it. */
static bool
name_key(struct page *p, const struct merged_key *k, struct naming *out)
{
	struct slice name = slice_of(k->name, k->name_len);
	size_t cut = slice_find(name, ';'), i;
	enum prom_verdict v = PROM_UNMAPPED;
	struct prom_match match;

	out->name = slice_upto(name, cut);
	out->help = slice_of("", 0);
	out->nlabels = 0;
	out->scale = p->mapping != NULL && k->group == MERGED_TIMER ? 0.001 : 1;
	set_tags(out, slice_from(name, cut + 1));
	if (p->mapping != NULL)
		v = prom_mapping_find(p->mapping, out->name, types[k->group],
		    &p->scratch, &match);
	if (v == PROM_MAPPED) {
		out->name = match.name;
		out->help = match.help;
		out->scale *= match.scale;
		for (i = 0; i < match.nlabels; i++)
			set_label(out, match.labels[i].name,
			    match.labels[i].value, match.honor_labels);
	}
	return v != PROM_DROPPED;
}

/* ---- families and series ---- */

static uint32_t
hash_of_family(const void *owner, uint32_t id)
{
	return ((const struct page *)owner)->families[id].hash;
}

static uint32_t
hash_of_series(const void *owner, uint32_t id)
{
	return ((const struct page *)owner)->series[id].hash;
}

static bool
room(void **v, uint32_t n, uint32_t *cap, size_t size)
{
	uint32_t more = *cap == 0 ? 64 : *cap * 2;
	void *grown;

	if (n < *cap)
		return true;
	if (*cap > 1u << 30 || (grown = realloc(*v, more * size)) == NULL)
		return false;
	*v = grown;
	*cap = more;
	return true;
}

static uint32_t
find_family(const struct page *p, struct slice name, uint32_t hash)
{
	uint32_t at = index32_start(&p->family_index, hash), id;

	while ((id = index32_next(&p->family_index, &at)) != INDEX32_NONE)
		if (slice_eq(piece(p, p->families[id].name), name))
			return id;
	return INDEX32_NONE;
}

/* The family called by the end of text from `at` on, for that group; made if
 * need be.  INDEX32_NONE: another group has the name, or no memory. */
static uint32_t
family(struct page *p, uint32_t at, enum merged_group group,
    struct slice help)
{
	struct piece name = { at, (uint32_t)p->text.len - at };
	uint32_t hash = (uint32_t)hash_slice(piece(p, name));
	uint32_t id = find_family(p, piece(p, name), hash);
	struct family *f;

	if (id != INDEX32_NONE) {
		p->text.len = at;
		return p->families[id].group == group ? id : INDEX32_NONE;
	}
	if (!room((void **)&p->families, p->nfamilies, &p->cap_families,
	    sizeof *p->families)) {
		p->failed = true;
		return INDEX32_NONE;
	}
	f = &p->families[p->nfamilies];
	*f = (struct family){ .name = name, .hash = hash, .group = group,
	    .first = INDEX32_NONE, .last = INDEX32_NONE };
	f->help.at = (uint32_t)p->text.len;
	put_text(p, help);
	f->help.len = (uint32_t)p->text.len - f->help.at;
	if (!index32_put(&p->family_index, p->nfamilies, hash, hash_of_family,
	    p)) {
		p->failed = true;
		return INDEX32_NONE;
	}
	return p->nfamilies++;
}

static bool
ends_with(struct slice s, struct slice end)
{
	return s.len >= end.len &&
	    slice_eq(slice_from(s, s.len - end.len), end);
}

/* The family of a key, under its own name or with its kind behind it. */
static uint32_t
family_of(struct page *p, enum merged_group group, const struct naming *n)
{
	static const char *const kinds[MERGED_GROUPS] = {
		"_counter", "_timer", "_gauge", "_set", "_kv"
	};
	uint32_t at = (uint32_t)p->text.len, id;
	bool total = group == MERGED_COUNTER && p->mapping == NULL;
	unsigned again;

	for (again = 0; again < 2 && !p->failed; again++) {
		put_legal(p, n->name);
		if (again)
			put_text(p, slice_str(kinds[group]));
		if (p->failed)
			break;
		if (total && !ends_with(slice_of(p->text.data + at,
		    p->text.len - at), SLICE("_total")))
			put_text(p, SLICE("_total"));
		if (p->failed)
			break;
		id = family(p, at, group, n->help);
		if (id != INDEX32_NONE)
			return id;
	}
	return INDEX32_NONE;
}

static uint32_t
find_series(const struct page *p, uint32_t fam, struct slice labels,
    uint32_t hash)
{
	uint32_t at = index32_start(&p->series_index, hash), id;

	while ((id = index32_next(&p->series_index, &at)) != INDEX32_NONE)
		if (p->series[id].family == fam &&
		    slice_eq(piece(p, p->series[id].labels), labels))
			return id;
	return INDEX32_NONE;
}

/* Add a key to its family; of two that are one series counters are summed, and
 * of others the first is shown. */
static void
add_series(struct page *p, uint32_t fam, const struct merged_key *k,
    const struct naming *n, double value)
{
	struct piece labels = put_labels(p, n);
	uint32_t hash, id;
	struct family *f = &p->families[fam];
	struct series *s;

	if (p->failed)
		return;
	hash = (uint32_t)hash_slice(piece(p, labels)) + fam * 0x9e3779b1u;
	id = find_series(p, fam, piece(p, labels), hash);
	if (id != INDEX32_NONE) {
		p->text.len = labels.at;
		if (k->group == MERGED_COUNTER)
			p->series[id].value += value;
		return;
	}
	if (!room((void **)&p->series, p->nseries, &p->cap_series,
	    sizeof *p->series)) {
		p->failed = true;
		return;
	}
	s = &p->series[p->nseries];
	*s = (struct series){ .labels = labels, .hash = hash, .family = fam,
	    .next = INDEX32_NONE, .key = k->self, .value = value,
	    .scale = n->scale };
	p->failed |= !index32_put(&p->series_index, p->nseries, hash,
	    hash_of_series, p);
	if (f->first == INDEX32_NONE)
		f->first = p->nseries;
	else
		p->series[f->last].next = p->nseries;
	f->last = p->nseries++;
}

/* ---- gathering ---- */

static uint32_t
flushes(const struct merged *m, const struct merged_key *k)
{
	return m->classes[k->class_].flushes;
}

/* Is there a figure of the last flush?  *value: the single one, not of timers. */
static bool
shown(const struct merged *m, const struct merged_key *k,
    enum merged_group group, double *value)
{
	if (k->group != group || !(k->flags & KEY_FLUSHED))
		return false;
	switch (group) {
	case MERGED_COUNTER:
		*value = k->counter.total;
		return true;
	case MERGED_GAUGE:
		*value = k->gauge.value;
		return k->flags & KEY_PRESENT;
	case MERGED_SET:
		*value = k->members->last;
		return k->members->last_flush == flushes(m, k);
	case MERGED_TIMER:
		return true;
	default:
		return false;
	}
}

static void
gather(struct page *p, enum merged_group group)
{
	struct naming n;
	double value = 0;
	uint32_t id = 0, fam;
	struct merged_key *k;

	while (!p->failed && (k = merged_any(p->m, &id)) != NULL) {
		if (!shown(p->m, k, group, &value) || !name_key(p, k, &n))
			continue;
		fam = family_of(p, group, &n);
		if (fam != INDEX32_NONE)
			add_series(p, fam, k, &n, value * n.scale);
		p->failed |= p->text.len > UINT32_MAX / 2;
	}
}

/* ---- printing ---- */

static bool
put_value(struct buf *out, double v)
{
	char text[NUMBER_TEXT];

	if (isinf(v))
		return buf_adds(out, v > 0 ? "+Inf" : "-Inf");
	return buf_add(out, text, number_format_js(text, v));
}

/* name[suffix]{labels[,quantile="q"]} value */
static bool
put_line(const struct page *p, struct buf *out, const struct series *s,
    const char *suffix, const char *quantile, double value)
{
	struct slice labels = piece(p, s->labels);
	bool braces = labels.len > 0 || quantile != NULL;

	return buf_add_slice(out, piece(p, p->families[s->family].name)) &&
	    buf_adds(out, suffix) &&
	    (!braces || buf_addc(out, '{')) &&
	    buf_add_slice(out, labels) &&
	    (quantile == NULL || (buf_adds(out, labels.len > 0 ? "," : "") &&
	    buf_adds(out, "quantile=\"") && buf_adds(out, quantile) &&
	    buf_addc(out, '"'))) &&
	    (!braces || buf_addc(out, '}')) && buf_addc(out, ' ') &&
	    put_value(out, value) && buf_addc(out, '\n');
}

/* The quantile that a percentile is the upper end of, or the lower. */
static double
quantile_of(double percentile)
{
	return percentile > 0 ? percentile / 100 : 1 - -percentile / 100;
}

/* Is percentile number i the first that stands for its quantile?  (90 and -10
 * stand for the same.) */
static bool
is_first(const struct flush_plan *plan, size_t i)
{
	size_t j;

	for (j = 0; j < i; j++)
		if (quantile_of(plan->percentiles[j].value) ==
		    quantile_of(plan->percentiles[i].value))
			return false;
	return true;
}

static bool
put_quantiles(const struct page *p, struct buf *out, const struct series *s,
    const struct merged_timer *t)
{
	const struct flush_plan *plan = p->m->plan;
	char text[NUMBER_TEXT];
	bool median = true;
	double q;
	size_t i;

	for (i = 0; i < plan->npercentiles; i++) {
		q = quantile_of(plan->percentiles[i].value);
		if (!(q >= 0 && q <= 1) || isnan(t->quantiles[i]) ||
		    !is_first(plan, i))
			continue;
		if (q == 0.5)
			median = false;
		number_format_js(text, q);
		if (!put_line(p, out, s, "", text, t->quantiles[i] * s->scale))
			return false;
	}
	return !median || put_line(p, out, s, "", "0.5",
	    t->quantiles[plan->npercentiles] * s->scale);
}

static bool
put_summary(const struct page *p, struct buf *out, const struct series *s)
{
	const struct merged_key *k = key_of(p->m, s->key);
	const struct merged_timer *t = k->timer;

	if (t->last_flush == flushes(p->m, k) &&
	    t->nquantiles == p->m->plan->npercentiles + 1 &&
	    !put_quantiles(p, out, s, t))
		return false;
	return put_line(p, out, s, "_sum", NULL, t->total_sum * s->scale) &&
	    put_line(p, out, s, "_count", NULL, t->total_count);
}

static bool
put_help(const struct page *p, struct buf *out, const struct family *f)
{
	struct slice help = piece(p, f->help);
	bool ok;
	size_t i;

	if (help.len == 0)
		return true;
	ok = buf_adds(out, "# HELP ") &&
	    buf_add_slice(out, piece(p, f->name)) && buf_addc(out, ' ');
	for (i = 0; ok && i < help.len; i++)
		ok = help.ptr[i] == '\n' ? buf_adds(out, "\\n") :
		    help.ptr[i] == '\\' ? buf_adds(out, "\\\\") :
		    buf_addc(out, help.ptr[i]);
	return ok && buf_addc(out, '\n');
}

static bool
put_family(const struct page *p, struct buf *out, const struct family *f)
{
	static const char *const type[MERGED_GROUPS] = {
		"counter", "summary", "gauge", "gauge", "gauge"
	};
	uint32_t id;
	bool ok = put_help(p, out, f) && buf_adds(out, "# TYPE ") &&
	    buf_add_slice(out, piece(p, f->name)) && buf_addc(out, ' ') &&
	    buf_adds(out, type[f->group]) && buf_addc(out, '\n');

	for (id = f->first; ok && id != INDEX32_NONE; id = p->series[id].next)
		ok = f->group == MERGED_TIMER ?
		    put_summary(p, out, &p->series[id]) :
		    put_line(p, out, &p->series[id], "", NULL,
		    p->series[id].value);
	return ok;
}

bool
merged_prometheus(struct merged *m, const struct prom_mapping *mapping,
    struct buf *out)
{
	static const enum merged_group order[] = { MERGED_COUNTER,
	    MERGED_GAUGE, MERGED_TIMER, MERGED_SET };
	struct page p = { .m = m, .mapping = mapping,
	    .text = BUF_INIT(MAX_PAGE), .scratch = BUF_INIT(1 << 20) };
	size_t start = out->len;
	uint32_t i;
	bool ok;

	for (i = 0; i < 4; i++)
		gather(&p, order[i]);
	ok = !p.failed;
	for (i = 0; ok && i < p.nfamilies; i++)
		ok = put_family(&p, out, &p.families[i]);
	if (!ok)
		out->len = start;
	buf_fini(&p.text);
	buf_fini(&p.scratch);
	free(p.families);
	free(p.series);
	index32_fini(&p.family_index);
	index32_fini(&p.series_index);
	return ok;
}
