/* js_value.c - JavaScript's conversions between its types. */
#include "config.h"

#include <math.h>

#include "base/number.h"
#include "conf/js_value.h"

#define TEXT_DEPTH	64	/* arrays in arrays, made into a text */

const struct js_value *
js_get(const struct js_value *v, const char *name)
{
	struct slice s = slice_str(name);

	if (v == NULL || v->type != JS_OBJECT)
		return NULL;
	for (size_t i = 0; i < v->n; i++)
		if (slice_eq(v->members[i].name, s))
			return v->members[i].value->type == JS_UNDEFINED ?
			    NULL : v->members[i].value;
	return NULL;
}

bool
js_truth(const struct js_value *v)
{
	if (v == NULL)
		return false;
	switch (v->type) {
	case JS_UNDEFINED:
	case JS_NULL:
		return false;
	case JS_BOOL:
		return v->boolean;
	case JS_NUMBER:
		return v->number != 0 && !isnan(v->number);
	case JS_STRING:
		return v->string.len > 0;
	default:
		return true;
	}
}

static double
text_number(struct slice s)
{
	double d;

	if (number_js_trim(s).len == 0)
		return 0;
	return number_js(s, &d) ? d : NAN;
}

double
js_number(const struct js_value *v)
{
	struct buf b = BUF_INIT(4096);
	double d = NAN;

	if (v == NULL)
		return NAN;
	switch (v->type) {
	case JS_NULL:
		return 0;
	case JS_BOOL:
		return v->boolean;
	case JS_NUMBER:
		return v->number;
	case JS_STRING:
		return text_number(v->string);
	case JS_ARRAY:
		if (js_text(&b, v))
			d = text_number(buf_slice(&b));
		buf_fini(&b);
		return d;
	default:
		return NAN;
	}
}

static bool
text_at(struct buf *out, const struct js_value *v, unsigned depth)
{
	char digits[NUMBER_TEXT];

	switch (v->type) {
	case JS_UNDEFINED:
		return buf_adds(out, "undefined");
	case JS_NULL:
		return buf_adds(out, "null");
	case JS_BOOL:
		return buf_adds(out, v->boolean ? "true" : "false");
	case JS_NUMBER:
		number_format_js(digits, v->number);
		return buf_adds(out, digits);
	case JS_STRING:
		return buf_add_slice(out, v->string);
	case JS_OBJECT:
		return buf_adds(out, "[object Object]");
	case JS_ARRAY:
		break;
	default:
		return false;
	}
	for (size_t i = 0; i < v->n; i++) {
		const struct js_value *item = v->items[i];

		if (i > 0 && !buf_addc(out, ','))
			return false;
		if (item->type == JS_UNDEFINED || item->type == JS_NULL)
			continue;
		if (depth == 0 || !text_at(out, item, depth - 1))
			return false;
	}
	return true;
}

bool
js_text(struct buf *out, const struct js_value *v)
{
	return v != NULL && text_at(out, v, TEXT_DEPTH);
}

bool
js_same(const struct js_value *a, const struct js_value *b)
{
	if (a->type != b->type)
		return false;
	switch (a->type) {
	case JS_UNDEFINED:
	case JS_NULL:
		return true;
	case JS_BOOL:
		return a->boolean == b->boolean;
	case JS_NUMBER:
		return a->number == b->number;
	case JS_STRING:
		return slice_eq(a->string, b->string);
	default:
		return a == b;
	}
}

static bool
nothing(const struct js_value *v)
{
	return v->type == JS_UNDEFINED || v->type == JS_NULL;
}

bool
js_equal(const struct js_value *a, const struct js_value *b)
{
	if (a->type == b->type)
		return js_same(a, b);
	if (nothing(a) || nothing(b))
		return nothing(a) && nothing(b);
	return js_number(a) == js_number(b);
}

const char *
js_type_name(const struct js_value *v)
{
	static const char *const names[] = {
		[JS_UNDEFINED] = "undefined", [JS_NULL] = "null",
		[JS_BOOL] = "true or false", [JS_NUMBER] = "a number",
		[JS_STRING] = "a string", [JS_ARRAY] = "an array",
		[JS_OBJECT] = "an object", [JS_REGEX] = "a pattern",
		[JS_BUILTIN] = "a function or module",
	};

	return names[v == NULL ? JS_UNDEFINED : v->type];
}
