/* js_literal.h - a configuration that is written as JavaScript, read without
 * running it.
 *
 * What is read is an expression, with "module.exports =", "config =" or any
 * other assignment in front, after "use strict" and declarations of constants:
 * objects, arrays, strings ('' "" ``, with ${}), numbers, true false null
 * undefined NaN Infinity, comments, leading and trailing commas; + - * / %,
 * comparisons, && || ?? !, a ? b : c, parentheses, ?. and [ ]; and of the rest
 * of the language the few calls that configurations make:
 *
 *	require('os').hostname()		asked of js_env
 *	require('fs').readFileSync(path)	likewise, also existsSync()
 *	process.env.NAME			likewise
 *	parseInt parseFloat Number String Boolean
 *	"".split trim toString replace slice substring substr concat charAt
 *	   indexOf includes startsWith endsWith toLowerCase toUpperCase length
 *	[].join slice concat reverse pop shift indexOf includes length
 *
 * As in the language, what a condition leaves out is not asked for.  Anything
 * else is one fault that names the expression and where it stands.
 *
 * Bounded: texts of JS_MAX_TEXT, values nested JS_MAX_DEPTH deep, and in all
 * JS_MAX_MEMORY for what is made of them. */
#ifndef MILLRACE_CONF_JS_LITERAL_H
#define MILLRACE_CONF_JS_LITERAL_H

#include "base/arena.h"
#include "conf/fault.h"
#include "conf/js_value.h"

#define JS_MAX_TEXT	(1u << 20)
#define JS_MAX_DEPTH	100
#define JS_MAX_MEMORY	(64u << 20)

/* The world, as far as a configuration asks for it.  Each appends to out; a
 * function that is NULL is refused.  get_env answers false for a variable that
 * is not set, the others for failure, with errno. */
struct js_env {
	void *arg;
	bool (*host_name)(void *arg, struct buf *out);
	bool (*get_env)(void *arg, const char *name, struct buf *out);
	bool (*read_file)(void *arg, const char *path, struct buf *out);
};

/* This host, this environment, these files (of up to JS_MAX_TEXT bytes). */
extern const struct js_env js_env_real;

/* Gives the value, in the arena, or NULL with a fault added.  name stands for
 * the file in marks and is borrowed. */
const struct js_value *js_read(struct slice text, const char *name,
    const struct js_env *env, struct arena *a, struct faults *f);
/* The line and column of a value's place. */
struct conf_mark js_mark(struct slice text, const char *name, size_t at);

#endif
