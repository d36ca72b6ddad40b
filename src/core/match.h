/* match.h - whether a record is one of those that an expression means. */
#ifndef MILLRACE_CORE_MATCH_H
#define MILLRACE_CORE_MATCH_H

#include "conf/expr.h"
#include "core/field.h"

/* What an evaluation found, beside its answer.  Large: keep one per thread and
 * use it again.  All slices borrow from the record or from here. */
struct match_captures {
	/* the pattern whose groups these are: the first that matched on the
	 * name (of an event: its stream), or else the last that matched */
	const struct regex *regex;	/* NULL: none did */
	enum expr_field field;
	struct slice subject;
	struct regex_groups groups;
	expr_fields touched;		/* fields looked at, over all calls */
	struct field_scratch scratch;
};

/* Forget everything; also before the first use. */
void match_reset(struct match_captures *m);
/* Is r meant by x?  NULL means all.  Captures of an earlier call are forgotten,
 * touched is added to. */
bool match(const struct expr *x, const struct record *r, struct match_captures *m);

/* The fields that are the same for each sample of one metric: what depends on
 * nothing else can be decided once per kind, source, type, name and tags. */
#define MATCH_LASTING (EXPR_BIT(EXPR_KIND) | EXPR_BIT(EXPR_NAME) | \
	EXPR_BIT(EXPR_TYPE) | EXPR_BIT(EXPR_SOURCE) | EXPR_BIT(EXPR_TAG))

#endif
