/* match.c - whether a record is one of those that an expression means. */
#include "config.h"

#include "base/number.h"
#include "core/match.h"

struct eval {
	const struct record *r;
	struct match_captures *m;
};

void
match_reset(struct match_captures *m)
{
	m->regex = NULL;
	m->groups.n = 0;
	m->touched = 0;
	m->scratch.used = 0;
}

static bool
decide(enum expr_op op, int order)
{
	switch (op) {
	case EXPR_EQ:
		return order == 0;
	case EXPR_NE:
		return order != 0;
	case EXPR_LT:
		return order < 0;
	case EXPR_LE:
		return order <= 0;
	case EXPR_GT:
		return order > 0;
	case EXPR_GE:
		return order >= 0;
	default:
		return false;
	}
}

static bool
decide_number(enum expr_op op, double a, double b)
{
	/* NaN is in no order with anything, and equal to nothing */
	if (a != a)
		return op == EXPR_NE;
	return decide(op, a < b ? -1 : a > b);
}

static bool
is_name(const struct record *r, enum expr_field f)
{
	return r->kind == RECORD_EVENT ? f == EXPR_STREAM : f == EXPR_NAME;
}

static bool
test_pattern(const struct eval *e, const struct expr_node *n, struct slice text)
{
	struct match_captures *m = e->m;
	bool settled = m->regex != NULL && is_name(e->r, m->field);

	if (settled || n->op == EXPR_NO_MATCH)
		return regex_match(n->regex, text, NULL);
	if (!regex_match(n->regex, text, &m->groups))
		return false;
	m->regex = n->regex;
	m->field = n->field;
	m->subject = text;
	return true;
}

/* The name of a flag stands for "has it". */
static bool
test_flag(const struct eval *e, const struct expr_node *n)
{
	bool has;

	if (e->r->kind != RECORD_LOG)
		return false;
	has = (e->r->log.flags & 1u << (unsigned)n->number) != 0;
	return has == (n->op == EXPR_EQ);
}

static bool
test_text(const struct expr_node *n, struct slice text)
{
	double v;

	if (!n->is_number)
		return decide(n->op, slice_cmp(text, n->text));
	if (!number_double(text, &v))
		return n->op == EXPR_NE;
	return decide_number(n->op, v, n->number);
}

static bool
test(const struct eval *e, const struct expr_node *n)
{
	struct slice text;
	double v;

	e->m->touched |= EXPR_BIT(n->field);
	if (n->op >= EXPR_EQ && n->op <= EXPR_GE) {
		if (n->field == EXPR_FLAGS)
			return test_flag(e, n);
		if (n->is_number && field_number(e->r, n->field, &v))
			return decide_number(n->op, v, n->number);
		if (n->field == EXPR_VALUE)
			return false;
	}
	if (!field_text(e->r, n->field, n->key, &e->m->scratch, &text))
		return false;
	if (n->op == EXPR_HAS)
		return true;
	if (n->op == EXPR_MATCH)
		return test_pattern(e, n, text);
	if (n->op == EXPR_NO_MATCH)
		return !test_pattern(e, n, text);
	return test_text(n, text);
}

/* Recursion is as deep as the parentheses; chains are walked. */
static bool
eval(const struct eval *e, const struct expr_node *n)
{
	for (;;) {
		switch (n->op) {
		case EXPR_TRUE:
			return true;
		case EXPR_FALSE:
			return false;
		case EXPR_NOT:
			return !eval(e, n->a);
		case EXPR_AND:
			if (!eval(e, n->a))
				return false;
			break;
		case EXPR_OR:
			if (eval(e, n->a))
				return true;
			break;
		default:
			return test(e, n);
		}
		n = n->b;
	}
}

bool
match(const struct expr *x, const struct record *r, struct match_captures *m)
{
	const struct eval e = { r, m };

	m->regex = NULL;
	m->groups.n = 0;
	m->scratch.used = 0;
	return x == NULL || eval(&e, x->root);
}
