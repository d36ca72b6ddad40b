/* js_value.h - values of JavaScript, as far as configurations need them.
 *
 * They live in an arena and never change once made.  Texts are UTF-8 and may
 * have NULs in them. */
#ifndef MILLRACE_CONF_JS_VALUE_H
#define MILLRACE_CONF_JS_VALUE_H

#include "base/buf.h"

enum js_type {
	JS_UNDEFINED, JS_NULL, JS_BOOL, JS_NUMBER, JS_STRING, JS_ARRAY,
	JS_OBJECT,
	JS_REGEX, JS_BUILTIN	/* while reading; never in a result */
};

struct js_builtin;

struct js_member {
	struct slice name;
	const struct js_value *value;
};

struct js_value {
	enum js_type type;
	bool boolean;
	double number;
	struct slice string;		/* also a regex' pattern */
	size_t n;			/* of items or members */
	const struct js_value **items;
	struct js_member *members;	/* in the order of their first naming */
	const struct js_builtin *builtin;
	const struct js_value *self;	/* what a builtin is a method of */
	bool global;			/* a regex with the flag g */
	size_t at;			/* where it stands in the text */
};

/* A member of an object, or an item of nothing else; NULL when v is no object,
 * has no such member, or has undefined there. */
const struct js_value *js_get(const struct js_value *v, const char *name);
/* What `if (v)` asks; a NULL is undefined. */
bool js_truth(const struct js_value *v);
/* Number(v): NaN for what is none. */
double js_number(const struct js_value *v);
/* Append String(v); false when out has no room or v is no plain value. */
bool js_text(struct buf *out, const struct js_value *v);
/* === and ==. */
bool js_same(const struct js_value *a, const struct js_value *b);
bool js_equal(const struct js_value *a, const struct js_value *b);
/* "a string", "an object". */
const char *js_type_name(const struct js_value *v);

#endif
