/* rule_filter.c - which of many rules a name can mean at all. */
#include "config.h"

#include <stdlib.h>

#include "base/regex_literal.h"
#include "conf/expr.h"
#include "core/rule_filter.h"

#define PIECE_MIN 2
#define PIECE_MAX 4
#define BLOOM_BITS 65536

/* A piece of text, and the rules that are chained to it. */
struct piece {
	uint64_t key;		/* its length and bytes; 0: a free slot */
	uint32_t first;		/* into links, and one; 0: none */
	uint32_t rules;		/* that have it anywhere */
};

struct link {
	uint32_t rule, next;
};

struct rule_filter {
	size_t words, blind;
	uint64_t *always;
	struct piece *pieces;	/* open addressing */
	size_t mask, used;
	struct link *links;
	size_t nlinks, cap_links;
	bool sizes[PIECE_MAX + 1];	/* pieces of that length are in use */
	uint64_t bloom[BLOOM_BITS / 64];
};

/* ---- pieces ---- */

static inline uint64_t
key_of(const char *p, size_t len)
{
	uint32_t bytes = 0;

	memcpy(&bytes, p, len);
	return (uint64_t)len << 32 | bytes;
}

static inline uint64_t
mix(uint64_t key)
{
	return key * UINT64_C(0x9e3779b97f4a7c15) >> 20;
}

static inline size_t
bloom_bit(uint64_t key)
{
	return mix(key) >> 24 & (BLOOM_BITS - 1);
}

static struct piece *
find(const struct rule_filter *f, uint64_t key)
{
	size_t i = mix(key) & f->mask;

	while (f->pieces[i].key != 0 && f->pieces[i].key != key)
		i = (i + 1) & f->mask;
	return &f->pieces[i];
}

static bool
grow(struct rule_filter *f)
{
	struct rule_filter larger = { .mask = f->mask * 2 + 1 };

	larger.pieces = calloc(larger.mask + 1, sizeof *larger.pieces);
	if (larger.pieces == NULL)
		return false;
	for (size_t i = 0; i <= f->mask; i++)
		if (f->pieces[i].key != 0)
			*find(&larger, f->pieces[i].key) = f->pieces[i];
	free(f->pieces);
	f->pieces = larger.pieces;
	f->mask = larger.mask;
	return true;
}

static bool
count_piece(struct rule_filter *f, uint64_t key)
{
	struct piece *p;

	if (f->used >= f->mask / 2 && !grow(f))
		return false;
	p = find(f, key);
	if (p->key == 0) {
		p->key = key;
		f->used++;
	}
	p->rules++;
	return true;
}

/* ---- what conditions need ---- */

static void needs_of(const struct expr_node *n, struct regex_needs *out);

/* Chains are walked: only parentheses go deeper. */
static void
needs_of_chain(const struct expr_node *n, struct regex_needs *out)
{
	void (*join)(struct regex_needs *, const struct regex_needs *) =
	    n->op == EXPR_AND ? regex_needs_and : regex_needs_or;
	enum expr_op op = n->op;
	struct regex_needs other;

	needs_of(n->a, out);
	for (n = n->b; n->op == op; n = n->b) {
		needs_of(n->a, &other);
		join(out, &other);
	}
	needs_of(n, &other);
	join(out, &other);
}

static void
needs_of(const struct expr_node *n, struct regex_needs *out)
{
	out->n = 0;
	if (n->op == EXPR_AND || n->op == EXPR_OR)
		needs_of_chain(n, out);
	else if (n->op == EXPR_MATCH && n->field == EXPR_NAME)
		regex_needs(n->text, out);
	else if (n->op == EXPR_EQ && n->field == EXPR_NAME && !n->is_number)
		regex_needs_text(n->text, out);
}

/* Call for each piece of a text. */
static bool
each_piece(struct rule_filter *f, const struct regex_text *t,
    bool (*fn)(struct rule_filter *, uint64_t))
{
	for (size_t len = PIECE_MIN; len <= PIECE_MAX; len++)
		for (size_t i = 0; i + len <= t->len; i++)
			if (!fn(f, key_of(t->bytes + i, len)))
				return false;
	return true;
}

static bool
count_needs(struct rule_filter *f, const struct regex_needs *needs)
{
	for (size_t i = 0; i < needs->n; i++)
		for (size_t k = 0; k < needs->need[i].n; k++)
			if (!each_piece(f, &needs->need[i].text[k],
			    count_piece))
				return false;
	return true;
}

/* ---- the rarest ---- */

/* The piece of a text that fewest rules have; of those the longest. */
static const struct piece *
rarest(const struct rule_filter *f, const struct regex_text *t)
{
	const struct piece *best = NULL;

	for (size_t len = PIECE_MAX; len >= PIECE_MIN; len--)
		for (size_t i = 0; i + len <= t->len; i++) {
			const struct piece *p = find(f,
			    key_of(t->bytes + i, len));

			if (best == NULL || p->rules < best->rules)
				best = p;
		}
	return best;
}

/* How many rules share the pieces of a need; UINT64_MAX: a text of it is too
 * short to have one. */
static uint64_t
price(const struct rule_filter *f, const struct regex_need *need)
{
	uint64_t sum = 0;

	for (size_t i = 0; i < need->n; i++) {
		const struct piece *p = rarest(f, &need->text[i]);

		if (p == NULL)
			return UINT64_MAX;
		sum += p->rules;
	}
	return sum;
}

static bool
chain(struct rule_filter *f, uint64_t key, uint32_t rule)
{
	struct piece *p = find(f, key);
	size_t bit = bloom_bit(key);

	if (f->nlinks == f->cap_links) {
		size_t cap = f->cap_links == 0 ? 64 : f->cap_links * 2;
		struct link *v = realloc(f->links, cap * sizeof *v);

		if (v == NULL)
			return false;
		f->links = v;
		f->cap_links = cap;
	}
	f->links[f->nlinks++] = (struct link){ rule, p->first };
	p->first = (uint32_t)f->nlinks;
	f->bloom[bit / 64] |= UINT64_C(1) << bit % 64;
	f->sizes[key >> 32] = true;
	return true;
}

/* Chain the rule to the pieces of the need that is cheapest. */
static bool
place(struct rule_filter *f, const struct regex_needs *needs, uint32_t rule)
{
	const struct regex_need *best = NULL;
	uint64_t least = UINT64_MAX;

	for (size_t i = 0; i < needs->n; i++) {
		uint64_t cost = price(f, &needs->need[i]);

		if (cost < least) {
			least = cost;
			best = &needs->need[i];
		}
	}
	if (best == NULL) {
		f->always[rule / 64] |= UINT64_C(1) << rule % 64;
		f->blind++;
		return true;
	}
	for (size_t i = 0; i < best->n; i++)
		if (!chain(f, rarest(f, &best->text[i])->key, rule))
			return false;
	return true;
}

/* Pieces that no rule is chained to are of no more use. */
static bool
forget_others(struct rule_filter *f)
{
	struct rule_filter smaller = { .mask = 15 };

	while (smaller.mask / 2 < f->nlinks)
		smaller.mask = smaller.mask * 2 + 1;
	smaller.pieces = calloc(smaller.mask + 1, sizeof *smaller.pieces);
	if (smaller.pieces == NULL)
		return false;
	for (size_t i = 0; i <= f->mask; i++)
		if (f->pieces[i].first != 0)
			*find(&smaller, f->pieces[i].key) = f->pieces[i];
	free(f->pieces);
	f->pieces = smaller.pieces;
	f->mask = smaller.mask;
	return true;
}

static bool
build(struct rule_filter *f, const struct expr *const *when, size_t n)
{
	struct regex_needs needs;

	for (size_t i = 0; i < n; i++) {
		needs.n = 0;
		if (when[i] != NULL)
			needs_of(when[i]->root, &needs);
		if (!count_needs(f, &needs))
			return false;
	}
	for (size_t i = 0; i < n; i++) {
		needs.n = 0;
		if (when[i] != NULL)
			needs_of(when[i]->root, &needs);
		if (!place(f, &needs, (uint32_t)i))
			return false;
	}
	return forget_others(f);
}

struct rule_filter *
rule_filter_new(const struct expr *const *when, size_t n)
{
	struct rule_filter *f = calloc(1, sizeof *f);

	if (f == NULL)
		return NULL;
	f->words = (n + 63) / 64;
	f->mask = 255;
	f->always = calloc(f->words + 1, sizeof *f->always);
	f->pieces = calloc(f->mask + 1, sizeof *f->pieces);
	if (f->always != NULL && f->pieces != NULL && build(f, when, n))
		return f;
	rule_filter_free(f);
	return NULL;
}

void
rule_filter_free(struct rule_filter *f)
{
	if (f == NULL)
		return;
	free(f->always);
	free(f->pieces);
	free(f->links);
	free(f);
}

size_t
rule_filter_words(const struct rule_filter *f)
{
	return f->words;
}

size_t
rule_filter_blind(const struct rule_filter *f)
{
	return f->blind;
}

/* ---- looking ---- */

static inline void
look(const struct rule_filter *f, const char *p, size_t len, uint64_t *set)
{
	uint64_t key = key_of(p, len);
	size_t bit = bloom_bit(key);

	if ((f->bloom[bit / 64] >> bit % 64 & 1) == 0)
		return;
	for (uint32_t i = find(f, key)->first; i != 0;
	    i = f->links[i - 1].next)
		set[f->links[i - 1].rule / 64] |=
		    UINT64_C(1) << f->links[i - 1].rule % 64;
}

void
rule_filter_find(const struct rule_filter *f, struct slice name, uint64_t *set)
{
	memcpy(set, f->always, f->words * sizeof *set);
	if (f->sizes[4])
		for (size_t i = 0; i + 4 <= name.len; i++)
			look(f, name.ptr + i, 4, set);
	if (f->sizes[3])
		for (size_t i = 0; i + 3 <= name.len; i++)
			look(f, name.ptr + i, 3, set);
	if (f->sizes[2])
		for (size_t i = 0; i + 2 <= name.len; i++)
			look(f, name.ptr + i, 2, set);
}
