/* template.h - "new.$1": a text made of a record and of what a pattern matched.
 *
 *	$1 ${1}		what group 1 matched; $0 all that matched
 *	${name}		what the group called name matched, or the record's
 *			field of that name: ${host}, ${tag.env}
 *	${NAME}		neither: the environment's, put in when it is read;
 *			${NAME:-default} as everywhere
 *	${1:lower} ${1:upper} ${1:dots}
 *			changed letters, dots made '_'; also one after the other
 *	$$		a dollar sign
 *
 * What is not there is empty. */
#ifndef MILLRACE_CONF_TEMPLATE_H
#define MILLRACE_CONF_TEMPLATE_H

#include "base/arena.h"
#include "conf/expr.h"

#define TEMPLATE_MAX_PARTS	64

enum template_kind { TEMPLATE_TEXT, TEMPLATE_NUMBER, TEMPLATE_NAME, TEMPLATE_FIELD };
enum template_change { TEMPLATE_LOWER = 1, TEMPLATE_UPPER = 2, TEMPLATE_DOTS = 4 };

struct template_part {
	enum template_kind kind;
	unsigned changes;	/* enum template_change, or-ed */
	unsigned number;	/* of a group */
	enum expr_field field;
	struct slice text;	/* TEXT: itself; NAME: the group's; FIELD: the key */
};

struct template {
	expr_fields fields;	/* all that it may look at */
	bool groups;		/* and whether at what matched */
	size_t n;
	struct template_part parts[];
};

/* Gives a template in the arena, or NULL with *e set.  when is the expression
 * whose groups are meant, NULL when there is none. */
const struct template *template_new(struct slice text, const struct expr *when,
    struct arena *a, struct expr_error *e);

#endif
