/* expr.h - the one language for saying which records are meant.
 *
 *	or:      and { "||" and }
 *	and:     not { "&&" not }
 *	not:     "!" not | "(" or ")" | test
 *	test:    "true" | "false" | field | field op constant
 *	op:      "==" "!=" "<" "<=" ">" ">=" "=~" "!~"
 *	field:   kind name value data type host app severity facility body
 *	         procid msgid stream id source peer flags tag.KEY field.KEY
 *	constant: a number, 'text', "text", or a word where the field has words
 *	         (kinds, types, sources, severities, facilities, flags)
 *
 * A field alone asks whether the record has it.  A test of a field that the
 * record has not is false, != and !~ too.  Severities are syslog's numbers, so
 * that "severity <= err" is err and worse.  data is what a Graphite line has
 * behind the name: "value seconds".  In texts a backslash and the quote
 * give the quote; patterns keep all other backslashes, other texts know \n \t
 * and \\.  ${NAME} in a text is the environment's: it is put in after reading,
 * so it is never more than text, in a pattern too.
 *
 * An expression is made once and then only read, by any thread. */
#ifndef MILLRACE_CONF_EXPR_H
#define MILLRACE_CONF_EXPR_H

#include <stdint.h>

#include "base/regex.h"
#include "base/slice.h"

#define EXPR_MAX_BYTES	16384
#define EXPR_MAX_DEPTH	50

enum expr_op {
	EXPR_TRUE, EXPR_FALSE,
	EXPR_AND, EXPR_OR,	/* of a and b */
	EXPR_NOT,		/* of a */
	EXPR_HAS,
	EXPR_EQ, EXPR_NE, EXPR_LT, EXPR_LE, EXPR_GT, EXPR_GE,
	EXPR_MATCH, EXPR_NO_MATCH
};

enum expr_field {
	EXPR_KIND, EXPR_NAME, EXPR_VALUE, EXPR_TYPE, EXPR_HOST, EXPR_APP,
	EXPR_SEVERITY, EXPR_FACILITY, EXPR_BODY, EXPR_PROCID, EXPR_MSGID,
	EXPR_STREAM, EXPR_ID, EXPR_SOURCE, EXPR_PEER, EXPR_FLAGS, EXPR_DATA,
	EXPR_TAG, EXPR_FIELD,
	EXPR_FIELDS
};

/* A set of enum expr_field. */
typedef uint32_t expr_fields;
#define EXPR_BIT(field)	((expr_fields)1 << (field))

/* A set of enum record_kind. */
enum expr_kinds {
	EXPR_METRICS = 1, EXPR_EVENTS = 2, EXPR_LOGS = 4, EXPR_ALL_KINDS = 7
};

struct expr_node {
	enum expr_op op;
	enum expr_field field;
	const struct expr_node *a, *b;
	struct slice key;		/* of tag.KEY and field.KEY */
	struct slice text;		/* the constant, NUL-ended */
	double number;			/* the constant, when it is one or means one */
	bool is_number;
	const struct regex *regex;	/* of =~ and !~ */
};

struct arena;

struct expr {
	const struct expr_node *root;
	expr_fields fields;		/* all that it may look at */
	enum expr_kinds kinds;		/* those it can be true for */
	const struct regex **regexes;
	size_t nregexes;
	struct arena *arena;
};

struct expr_error {
	size_t offset;			/* into the text, in bytes */
	char text[256];
};

/* Gives an expression, or NULL with *e set. */
struct expr *expr_new(struct slice text, struct expr_error *e);
void expr_free(struct expr *x);
/* The kinds of records for which it can be true: a rule is skipped for others. */
enum expr_kinds expr_kinds(const struct expr *x);
/* Does a pattern of it have a group with that name, or that number? */
bool expr_has_group(const struct expr *x, struct slice name);

/* "name", "tag.KEY" and so on, with *key set for the last two.  False: no field. */
bool expr_field_parse(struct slice text, enum expr_field *field, struct slice *key);
const char *expr_field_name(enum expr_field field);
/* The kinds of records that can have the field. */
enum expr_kinds expr_field_kinds(enum expr_field field);

#endif
