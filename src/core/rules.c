/* rules.c - what is to become of a record: the configuration's rules, in order. */
#include "config.h"

#include <stdlib.h>

#include "base/log.h"
#include "base/regex.h"
#include "conf/expr.h"
#include "core/rule_filter.h"
#include "core/rules.h"
#include "core/template.h"

struct rule {
	const struct conf_rule *conf;
	unsigned index;
	struct decision_targets to;
	expr_fields fields;
	/* A metric's name that does not begin so cannot match: most rules are
	 * done with after a look at this. */
	uint8_t prefix_len;
	char prefix[23];
};

/* Each kind has the rules that can be meant for it, in order. */
struct rules {
	const struct conf *conf;
	struct {
		struct rule *v;
		size_t n;
		expr_fields fields;
		struct decision_targets usual;
	} of[RECORD_KINDS];
	struct rule_filter *filter;	/* of the metrics' rules, or NULL */
	struct log_site *logs;		/* one a rule */
	const struct expr_node *checks[RULES_MAX_CHECKS];
	size_t nchecks;
	bool odd_checks;		/* data is looked at in other ways, too */
	bool by_source;
	expr_fields lasting;
};

#define LOG_INTERVAL_S 10
#define LOG_TEXT 200

#define FEW_RULES 8		/* are asked one by one */
#define RULES_LOOKED_UP 8192	/* more are asked one by one, too */

void
decision_init(struct decision *d)
{
	memset(d, 0, sizeof *d);
	buf_init(&d->text, DECISION_MAX_TEXT);
}

void
decision_fini(struct decision *d)
{
	buf_fini(&d->text);
}

static void
add_target(const struct conf *c, const char *name, struct decision_targets *to)
{
	for (size_t i = 0; i < c->nclusters; i++)
		if (strcmp(c->clusters[i].name, name) == 0)
			to->clusters |= (uint64_t)1 << i;
	for (size_t i = 0; i < c->nstreams; i++)
		if (strcmp(c->streams[i].name, name) == 0)
			to->streams |= (uint64_t)1 << i;
	for (size_t i = 0; i < c->narchives; i++)
		if (strcmp(c->archives[i].name, name) == 0)
			to->archives |= (uint64_t)1 << i;
	for (size_t i = 0; i < c->nforwards; i++)
		if (strcmp(c->forwards[i].name, name) == 0)
			to->archives |= (uint64_t)1 << (c->narchives + i);
}

static expr_fields
template_fields(const struct template *t)
{
	return t == NULL ? 0 : t->fields;
}

/* The first pattern of a chain of && that the name must match. */
static void
find_prefix(const struct expr_node *n, struct rule *rule)
{
	while (n->op == EXPR_AND) {
		find_prefix(n->a, rule);
		n = n->b;
	}
	if (n->op == EXPR_MATCH && n->field == EXPR_NAME &&
	    rule->prefix_len == 0)
		rule->prefix_len = (uint8_t)regex_prefix(n->text,
		    rule->prefix, sizeof rule->prefix);
}

static struct rule
make_rule(const struct conf *c, unsigned index)
{
	const struct conf_rule *r = &c->rules[index];
	struct rule rule = { .conf = r, .index = index };

	for (size_t i = 0; i < r->to.n; i++)
		add_target(c, r->to.v[i], &rule.to);
	if (r->when != NULL)
		find_prefix(r->when->root, &rule);
	rule.fields = (r->when == NULL ? 0 : r->when->fields) |
	    template_fields(r->rewrite_template) | template_fields(r->as_template) |
	    template_fields(r->value_template) | template_fields(r->route_template);
	return rule;
}

static uint64_t
all_of(size_t n)
{
	return n >= 64 ? UINT64_MAX : ((uint64_t)1 << n) - 1;
}

/* When there is no memory for it rules are asked one by one. */
static void
make_filter(struct rules *rules)
{
	size_t n = rules->of[RECORD_METRIC].n;
	const struct expr **when;

	if (n <= FEW_RULES || n > RULES_LOOKED_UP ||
	    (when = calloc(n, sizeof *when)) == NULL)
		return;
	for (size_t i = 0; i < n; i++)
		when[i] = rules->of[RECORD_METRIC].v[i].conf->when;
	rules->filter = rule_filter_new(when, n);
	if (rules->filter != NULL &&
	    rule_filter_blind(rules->filter) > n - n / 4) {
		rule_filter_free(rules->filter);	/* of no use */
		rules->filter = NULL;
	}
	free(when);
}

/* ---- what decisions about one name differ by ---- */

static void
add_check(struct rules *rules, const struct expr_node *n)
{
	for (size_t i = 0; i < rules->nchecks; i++)
		if (slice_eq(rules->checks[i]->text, n->text))
			return;
	if (rules->nchecks == RULES_MAX_CHECKS)
		rules->odd_checks = true;
	else
		rules->checks[rules->nchecks++] = n;
}

static bool
has_groups(const struct template *t)
{
	return t != NULL && t->groups;
}

static bool
uses_groups(const struct conf_rule *c)
{
	return has_groups(c->rewrite_template) || has_groups(c->as_template) ||
	    has_groups(c->value_template) || has_groups(c->route_template);
}

/* Are the groups those of a pattern on the name whenever it is true? */
static bool
name_settles(const struct expr_node *n)
{
	if (n->op == EXPR_AND)
		return name_settles(n->a) || name_settles(n->b);
	if (n->op == EXPR_OR)
		return name_settles(n->a) && name_settles(n->b);
	return n->op == EXPR_MATCH && n->field == EXPR_NAME;
}

static void
find_checks(struct rules *rules, const struct expr_node *n)
{
	for (; n->op == EXPR_AND || n->op == EXPR_OR; n = n->b)
		find_checks(rules, n->a);
	if (n->op == EXPR_NOT)
		find_checks(rules, n->a);
	else if (n->op == EXPR_TRUE || n->op == EXPR_FALSE ||
	    n->field != EXPR_DATA)
		return;
	else if (n->op == EXPR_MATCH || n->op == EXPR_NO_MATCH)
		add_check(rules, n);
	else
		rules->odd_checks = true;
}

static void
collect_checks(struct rules *rules)
{
	for (size_t i = 0; i < rules->conf->nrules; i++) {
		const struct conf_rule *c = &rules->conf->rules[i];
		expr_fields made = template_fields(c->rewrite_template) |
		    template_fields(c->as_template) |
		    template_fields(c->value_template) |
		    template_fields(c->route_template);

		if (c->when != NULL)
			find_checks(rules, c->when->root);
		rules->odd_checks |= (made & EXPR_BIT(EXPR_DATA)) != 0;
		/* a group of it may be put into a name */
		rules->odd_checks |= c->when != NULL && uses_groups(c) &&
		    (c->when->fields & EXPR_BIT(EXPR_DATA)) != 0 &&
		    !name_settles(c->when->root);
	}
	if (rules->odd_checks)
		rules->nchecks = 0;
	/* points are lines or pickles */
	rules->by_source = (rules->of[RECORD_METRIC].fields &
	    EXPR_BIT(EXPR_SOURCE)) != 0;
	rules->lasting = MATCH_LASTING |
	    (rules->nchecks > 0 ? EXPR_BIT(EXPR_DATA) : 0);
}

bool
rules_vary(const struct rules *rules)
{
	return rules->nchecks > 0 || rules->by_source;
}

unsigned
rules_variant(const struct rules *rules, const struct record *r,
    struct field_scratch *scratch)
{
	unsigned variant = 0;
	struct slice data;

	if (rules->by_source && r->source == SOURCE_PICKLE)
		variant = 1u << RULES_MAX_CHECKS;
	scratch->used = 0;
	if (rules->nchecks == 0 ||
	    !field_text(r, EXPR_DATA, SLICE(""), scratch, &data))
		return variant;
	for (size_t i = 0; i < rules->nchecks; i++)
		if (regex_match(rules->checks[i]->regex, data, NULL))
			variant |= 1u << i;
	scratch->used = 0;
	return variant;
}

struct rules *
rules_new(const struct conf *conf)
{
	struct rules *rules = calloc(1, sizeof *rules);

	if (rules == NULL)
		return NULL;
	rules->conf = conf;
	rules->of[RECORD_METRIC].usual.clusters = all_of(conf->nclusters);
	rules->of[RECORD_EVENT].usual.streams = all_of(conf->nstreams);
	rules->of[RECORD_LOG].usual.archives = all_of(conf->narchives +
	    conf->nforwards);
	for (unsigned k = 0; k < RECORD_KINDS; k++) {
		rules->of[k].v = calloc(conf->nrules + 1, sizeof(struct rule));
		if (rules->of[k].v == NULL) {
			rules_free(rules);
			return NULL;
		}
		for (unsigned i = 0; i < conf->nrules; i++) {
			struct rule rule = make_rule(conf, i);

			if ((expr_kinds(conf->rules[i].when) & 1u << k) == 0)
				continue;
			rules->of[k].v[rules->of[k].n++] = rule;
			rules->of[k].fields |= rule.fields;
		}
	}
	rules->logs = calloc(conf->nrules + 1, sizeof *rules->logs);
	if (rules->logs == NULL) {
		rules_free(rules);
		return NULL;
	}
	collect_checks(rules);
	make_filter(rules);
	return rules;
}

void
rules_free(struct rules *rules)
{
	if (rules == NULL)
		return;
	for (unsigned k = 0; k < RECORD_KINDS; k++)
		free(rules->of[k].v);
	rule_filter_free(rules->filter);
	free(rules->logs);
	free(rules);
}

static void __attribute__((format(printf, 3, 4)))
tell(struct decision *d, const struct rule *rule, const char *fmt, ...)
{
	struct buf b = BUF_INIT(DECISION_MAX_TEXT);
	va_list ap;

	if (d->trace == NULL)
		return;
	va_start(ap, fmt);
	buf_vprintf(&b, fmt, ap);
	va_end(ap);
	d->trace(d->trace_arg, rule->index, rule->conf->name, buf_slice(&b));
	buf_fini(&b);
}

/* Where in d->text a template's text begins; its end is the text's. */
static bool
expand(struct decision *d, const struct template *t, const struct record *r, size_t *from)
{
	*from = d->text.len;
	return t == NULL || template_expand(t, r, &d->captures, &d->text);
}

/* Text in d->text may move until all is decided, so feeds hold offsets in
 * place of pointers; resolve() makes them good. */
static void
feed(const struct rule *rule, const struct record *r, struct decision *d)
{
	const struct conf_rule *c = rule->conf;
	struct decision_feed *f = &d->feeds[d->nfeeds];
	size_t name, value;

	if (d->nfeeds == DECISION_MAX_FEEDS ||
	    !expand(d, c->as_template, r, &name) || !expand(d, c->value_template, r, &value)) {
		d->full = true;
		return;
	}
	f->rule = rule->index;
	f->name = slice_of((const char *)(uintptr_t)name, value - name);
	f->value = slice_of((const char *)(uintptr_t)value, d->text.len - value);
	if (f->name.len == 0)
		return;
	d->nfeeds++;
	tell(d, rule, "%s %s \"%.*s\"", c->aggregate != NULL ? "feeds the" : "makes a",
	    c->aggregate != NULL ? c->aggregate : c->as_kind, (int)f->name.len,
	    d->text.data + name);
}

static void
resolve(struct decision *d)
{
	for (size_t i = 0; i < d->nkeys; i++)
		d->keys[i].text.ptr = d->text.data + (uintptr_t)d->keys[i].text.ptr;
	for (size_t i = 0; i < d->nfeeds; i++) {
		d->feeds[i].name.ptr = d->text.data + (uintptr_t)d->feeds[i].name.ptr;
		d->feeds[i].value.ptr = d->text.data + (uintptr_t)d->feeds[i].value.ptr;
	}
}

/* The slice of a record that rewrite is about, or NULL. */
static struct slice *
name_of(struct record *r)
{
	if (r->kind == RECORD_METRIC)
		return &r->metric.name;
	return r->kind == RECORD_EVENT ? &r->event.stream : NULL;
}

/* Give the record its new name.  The first rename reserves all the room there
 * may be, so that a name in d->text stays where it is. */
static void
rename_record(const struct rule *rule, struct record *r, struct decision *d)
{
	struct slice *name = name_of(r);
	size_t from = d->text.len;

	if (name == NULL)
		return;
	if (!buf_reserve(&d->text, DECISION_MAX_TEXT - d->text.len) ||
	    !template_rename(rule->conf->rewrite_template, r, &d->captures, &d->text) ||
	    d->text.len == from) {
		d->text.len = from;
		d->full = true;
		return;
	}
	*name = slice_from(buf_slice(&d->text), from);
	d->renamed = true;
	tell(d, rule, "is now called \"%.*s\"", SLICE_ARG(*name));
}

static void
tell_targets(struct decision *d, const struct rule *rule)
{
	const struct conf_strings *to = &rule->conf->to;
	struct buf b = BUF_INIT(4096);

	if (d->trace == NULL)
		return;
	for (size_t i = 0; i < to->n; i++)
		buf_printf(&b, "%s%s", i == 0 ? "" : ", ", to->v[i]);
	tell(d, rule, "goes to %.*s%s", to->n == 0 ? 7 : (int)b.len,
	    to->n == 0 ? "nowhere" : b.data,
	    rule->conf->continue_ ? " and on to the next rule" : "");
	buf_fini(&b);
}

/* A decision that logs is made anew each time, so that it does. */
static void
log_it(const struct rules *rules, const struct rule *rule,
    const struct record *r, struct decision *d)
{
	struct slice name = r->kind == RECORD_METRIC ? r->metric.name :
	    r->kind == RECORD_EVENT ? r->event.stream : r->log.body;
	struct slice value = r->kind == RECORD_METRIC ? r->metric.text :
	    SLICE("");
	uint64_t suppressed;

	tell(d, rule, "says it in the log");
	d->logged = true;
	if (d->trace != NULL || !log_wants(LOG_AT_WARN) ||
	    !log_site_ask(&rules->logs[rule->index], LOG_INTERVAL_S, &suppressed))
		return;
	log_write_limited(LOG_AT_WARN, suppressed, "rule %s: %.*s%s%.*s",
	    rule->conf->name == NULL ? "(unnamed)" : rule->conf->name,
	    SLICE_ARG(slice_upto(name, LOG_TEXT)), value.len > 0 ? " " : "",
	    SLICE_ARG(slice_upto(value, LOG_TEXT)));
}

/* The clusters of its `to`, by the name or by what route_by makes of it. */
static void
add_clusters(const struct rule *rule, const struct record *r,
    struct decision *d)
{
	size_t from = d->text.len;

	d->to.clusters |= rule->to.clusters;
	if (rule->conf->route_template == NULL ||
	    r->kind != RECORD_METRIC || r->metric.type != METRIC_POINT) {
		d->by_name |= rule->to.clusters;
		return;
	}
	if (d->nkeys == DECISION_MAX_KEYS || !template_rename(
	    rule->conf->route_template, r, &d->captures, &d->text)) {
		d->full = true;
		d->by_name |= rule->to.clusters;
		return;
	}
	d->keys[d->nkeys++] = (struct decision_key){ rule->to.clusters,
	    slice_of((const char *)(uintptr_t)from, d->text.len - from) };
	tell(d, rule, "finds the servers by \"%.*s\"", (int)(d->text.len -
	    from), d->text.data + from);
}

/* Do what a rule that matched says; false when the search is over. */
static bool
obey(const struct rules *rules, const struct rule *rule, struct record *r,
    struct decision *d)
{
	const struct conf_rule *c = rule->conf;

	if (c->log)
		log_it(rules, rule, r, d);
	if (c->drop) {
		d->dropped_by = (int)rule->index;
		tell(d, rule, "drops it");
		return false;
	}
	if (c->as_template != NULL)
		feed(rule, r, d);
	if (c->rewrite_template != NULL)
		rename_record(rule, r, d);
	if (c->interval_ms != 0) {
		d->interval_ms = c->interval_ms;
		tell(d, rule, "is flushed every %llu ms", (unsigned long long)c->interval_ms);
	}
	if (c->max_names != 0 || c->max_points != 0)
		d->names_rule = (int)rule->index;
	if (c->max_points != 0)
		tell(d, rule, "brings at most %llu points a second", (unsigned long long)c->max_points);
	if (c->max_names != 0) {
		tell(d, rule, "is one of at most %llu names", (unsigned long long)c->max_names);
	}
	if (!c->has_to)
		return true;
	if (c->aggregate != NULL) {
		/* `to` says where the figure goes; what it is made of goes on,
		 * or no further */
		d->routed = d->routed || !c->continue_;
		return c->continue_;
	}
	d->routed = true;
	add_clusters(rule, r, d);
	d->to.streams |= rule->to.streams;
	d->to.archives |= rule->to.archives;
	tell_targets(d, rule);
	return c->continue_;
}

static void
begin(struct decision *d)
{
	d->dropped_by = d->names_rule = -1;
	d->routed = d->renamed = d->full = false;
	d->to = (struct decision_targets){ 0, 0, 0 };
	d->interval_ms = 0;
	d->by_name = 0;
	d->nfeeds = d->nkeys = 0;
	d->logged = false;
	d->name = (struct slice){ NULL, 0 };
	match_reset(&d->captures);
	buf_clear(&d->text);
}

/* Looked at for a thousand rules in a row: no calls. */
static bool
may_match(const struct rule *rule, struct slice name)
{
	return rule->prefix_len == 0 || (name.len >= rule->prefix_len &&
	    name.ptr[rule->prefix_len - 1] ==
	    rule->prefix[rule->prefix_len - 1] &&
	    memcmp(name.ptr, rule->prefix, rule->prefix_len) == 0);
}

/* False: the search is over. */
static bool
ask(const struct rules *rules, const struct rule *rule, struct record *now,
    struct decision *d)
{
	if (now->kind == RECORD_METRIC && !may_match(rule, now->metric.name)) {
		d->captures.touched |= EXPR_BIT(EXPR_NAME);
		return true;
	}
	return !match(rule->conf->when, now, &d->captures) ||
	    obey(rules, rule, now, d);
}

static void
ask_all(const struct rules *rules, struct record *now, struct decision *d)
{
	for (size_t i = 0; i < rules->of[now->kind].n; i++)
		if (!ask(rules, &rules->of[now->kind].v[i], now, d))
			return;
}

/* Only those that the name may be meant by; who renames it has the rest looked
 * up anew. */
static void
ask_likely(const struct rules *rules, struct record *now, struct decision *d)
{
	size_t words = rule_filter_words(rules->filter);
	const char *name = NULL;
	uint64_t set[RULES_LOOKED_UP / 64];

	d->captures.touched |= EXPR_BIT(EXPR_NAME);
	for (size_t w = 0, from = 0; w < words; w = from / 64) {
		uint64_t left;

		if (name != now->metric.name.ptr) {
			name = now->metric.name.ptr;
			rule_filter_find(rules->filter, now->metric.name, set);
		}
		left = set[w] & (UINT64_MAX << from % 64);
		if (left == 0) {
			from = (w + 1) * 64;
			continue;
		}
		from = w * 64 + (size_t)__builtin_ctzll(left);
		if (!ask(rules, &rules->of[RECORD_METRIC].v[from], now, d))
			return;
		from++;
	}
}

void
rules_apply(const struct rules *rules, const struct record *r, struct decision *d)
{
	struct record now = *r;		/* its name may change */
	const struct slice *name = name_of(&now);

	begin(d);
	if (r->kind == RECORD_METRIC && rules->filter != NULL)
		ask_likely(rules, &now, d);
	else
		ask_all(rules, &now, d);
	if (!d->routed && d->dropped_by == -1) {
		d->to = rules->of[r->kind].usual;
		d->by_name = d->to.clusters;
	}
	if (name != NULL)
		d->name = *name;
	d->lasting = !d->logged && (d->captures.touched & ~rules->lasting) == 0;
	resolve(d);
}

bool
rules_cacheable(const struct rules *rules, enum record_kind kind, unsigned *rule)
{
	for (size_t i = 0; i < rules->of[kind].n; i++) {
		if ((rules->of[kind].v[i].fields & ~rules->lasting) == 0 &&
		    !rules->of[kind].v[i].conf->log)
			continue;
		if (rule != NULL)
			*rule = rules->of[kind].v[i].index;
		return false;
	}
	return true;
}

expr_fields
rules_fields(const struct rules *rules, enum record_kind kind)
{
	return rules->of[kind].fields;
}

struct decision_targets
rules_default(const struct rules *rules, enum record_kind kind)
{
	return rules->of[kind].usual;
}
