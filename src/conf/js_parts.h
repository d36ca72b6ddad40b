/* js_parts.h - shared by the reader of js_literal.h and the calls it knows. */
#ifndef MILLRACE_CONF_JS_PARTS_H
#define MILLRACE_CONF_JS_PARTS_H

#include "conf/js_literal.h"

#define JS_MAX_VARIABLES	64
#define JS_MAX_ARGUMENTS	8

struct js {
	struct slice text;
	size_t at;
	const char *name;
	const struct js_env *env;
	struct arena *arena;
	struct faults *faults;
	bool failed;
	unsigned depth;
	unsigned skip;		/* > 0: read on, but work nothing out */
	size_t left;		/* of JS_MAX_MEMORY */
	struct js_member variables[JS_MAX_VARIABLES];
	size_t nvariables;
	size_t declared;	/* where the last of them ends */
};

/* A call under way; at is where its expression begins. */
struct js_call {
	const struct js_value *self;
	const struct js_value *v[JS_MAX_ARGUMENTS];
	size_t n, at;
};

typedef const struct js_value *js_function(struct js *j,
    const struct js_call *c);

struct js_builtin {
	const char *name;
	js_function *call;		/* NULL: a module */
	const struct js_builtin *members;	/* of a module, NULL-ended */
	js_function *get;		/* a module's, asked for any other name */
	const char *text;		/* it is only this text */
};

/* Can a name have that byte in it, or begin with it? */
static inline bool
js_name_byte(char c, bool first)
{
	return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || c == '_' ||
	    c == '$' || (c & 0x80) != 0 || (!first && c >= '0' && c <= '9');
}

/* All of these give NULL once something failed, which js_fail() says. */
const struct js_value *js_fail(struct js *j, size_t at, const char *fmt, ...)
    __attribute__((format(printf, 3, 4)));
/* The expression at that place cannot be worked out. */
const struct js_value *js_unknown(struct js *j, size_t at);
bool js_charge(struct js *j, size_t at, size_t bytes);

struct js_value *js_new(struct js *j, size_t at, enum js_type type);
const struct js_value *js_undefined(struct js *j, size_t at);
const struct js_value *js_new_bool(struct js *j, size_t at, bool b);
const struct js_value *js_new_number(struct js *j, size_t at, double d);
/* Takes a copy. */
const struct js_value *js_new_string(struct js *j, size_t at, struct slice s);
/* Takes items, which is in the arena. */
const struct js_value *js_new_array(struct js *j, size_t at,
    const struct js_value **items, size_t n);
const struct js_value *js_new_builtin(struct js *j, size_t at,
    const struct js_builtin *b, const struct js_value *self);

/* What stands for a name that nobody declared, NULL-ended. */
extern const struct js_builtin js_globals[];
/* v.name; for what is not there undefined, or a fault when v is no place to
 * look. */
const struct js_value *js_property(struct js *j, size_t at,
    const struct js_value *v, struct slice name);

#endif
