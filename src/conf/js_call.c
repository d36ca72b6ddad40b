/* js_call.c - the few calls that configurations written as JavaScript make. */
#include "config.h"

#include <errno.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

#include "base/number.h"
#include "base/regex.h"
#include "conf/js_parts.h"

#define MAX_PIECES	65536

/* ---- arguments ---- */

/* Argument i as a text; what is not there or undefined is `otherwise`. */
static bool
text_of(struct js *j, const struct js_call *c, size_t i, const char *otherwise,
    struct slice *out)
{
	struct buf b = BUF_INIT(JS_MAX_TEXT);
	bool ok = true;

	if (i >= c->n || c->v[i]->type == JS_UNDEFINED)
		*out = slice_str(otherwise);
	else if (c->v[i]->type == JS_STRING)
		*out = c->v[i]->string;
	else if (js_text(&b, c->v[i]) && js_charge(j, c->at, b.len))
		*out = slice_of(arena_dup(j->arena, buf_slice(&b)), b.len);
	else {
		js_unknown(j, c->at);
		ok = false;
	}
	buf_fini(&b);
	return ok;
}

/* Argument i as a place in something of that length: from the end when it is
 * negative, and never outside. */
static size_t
place_of(const struct js_call *c, size_t i, size_t len, double otherwise,
    bool from_end)
{
	double d = i < c->n && c->v[i]->type != JS_UNDEFINED ?
	    js_number(c->v[i]) : otherwise;

	if (isnan(d))
		d = 0;
	d = trunc(d);
	if (d < 0)
		d = from_end ? d + (double)len : 0;
	if (d < 0)
		return 0;
	return d > (double)len ? len : (size_t)d;
}

static size_t
find(struct slice s, struct slice what, size_t from)
{
	struct slice rest = slice_from(s, from);
	const char *at = what.len == 0 ? rest.ptr : rest.len == 0 ? NULL :
	    memmem(rest.ptr, rest.len, what.ptr, what.len);

	return at == NULL ? SIZE_MAX : from + (size_t)(at - rest.ptr);
}

static const struct js_value *
from_buf(struct js *j, const struct js_call *c, struct buf *b, bool ok)
{
	const struct js_value *v;

	v = ok ? js_new_string(j, c->at, buf_slice(b)) :
	    js_fail(j, c->at, "a string longer than %u bytes", JS_MAX_TEXT);
	buf_fini(b);
	return v;
}

/* ---- strings ---- */

static const struct js_value *
string_trim(struct js *j, const struct js_call *c)
{
	return js_new_string(j, c->at, number_js_trim(c->self->string));
}

static const struct js_value *
to_string(struct js *j, const struct js_call *c)
{
	struct buf b = BUF_INIT(JS_MAX_TEXT);

	if (c->self->type == JS_NUMBER && c->n > 0 && js_number(c->v[0]) != 10)
		return js_unknown(j, c->at);
	return from_buf(j, c, &b, js_text(&b, c->self));
}

static const struct js_value *
change_case(struct js *j, const struct js_call *c, char first)
{
	struct buf b = BUF_INIT(JS_MAX_TEXT);

	buf_add_slice(&b, c->self->string);
	for (size_t i = 0; i < b.len; i++)
		if (b.data[i] >= first && b.data[i] <= first + 25)
			b.data[i] ^= 0x20;
	return from_buf(j, c, &b, true);
}

static const struct js_value *
string_lower(struct js *j, const struct js_call *c)
{
	return change_case(j, c, 'A');
}

static const struct js_value *
string_upper(struct js *j, const struct js_call *c)
{
	return change_case(j, c, 'a');
}

/* Gathers the pieces of split(). */
struct pieces {
	const struct js_value **v;
	size_t n, room, max;
};

static bool
add_piece(struct js *j, const struct js_call *c, struct pieces *p,
    struct slice s)
{
	if (p->n >= p->max)
		return true;
	if (p->n == p->room) {
		size_t room = p->room == 0 ? 8 : p->room * 2;
		const struct js_value **more;

		if (room > MAX_PIECES ||
		    !js_charge(j, c->at, room * sizeof *more)) {
			js_fail(j, c->at, "too many pieces");
			return false;
		}
		more = arena_array(j->arena, room, sizeof *more);
		if (p->n > 0)
			memcpy(more, p->v, p->n * sizeof *more);
		p->v = more;
		p->room = room;
	}
	p->v[p->n] = js_new_string(j, c->at, s);
	return p->v[p->n++] != NULL;
}

static const struct js_value *
split_characters(struct js *j, const struct js_call *c, struct pieces *p)
{
	struct slice s = c->self->string;

	for (size_t i = 0, n = 1; i < s.len; i += n, n = 1) {
		while (i + n < s.len && (s.ptr[i + n] & 0xc0) == 0x80)
			n++;
		if (!add_piece(j, c, p, slice_of(s.ptr + i, n)))
			return NULL;
	}
	return js_new_array(j, c->at, p->v, p->n);
}

/* Where the pattern matches next at or behind from; matches of nothing are
 * passed over.  false: nowhere. */
static bool
next_match(const struct regex *re, struct slice s, size_t from, size_t *at,
    struct regex_groups *g)
{
	for (size_t i = from; i < s.len; i++) {
		if (!regex_match(re, slice_from(s, i), g))
			return false;
		*at = (size_t)(g->v[0].ptr - s.ptr);
		if (g->v[0].len > 0)
			return true;
		i = *at;
	}
	return false;
}

static struct regex *
compile(struct js *j, const struct js_call *c, const struct js_value *v)
{
	struct regex_error e;
	struct regex *re = regex_new(v->string, &e);

	if (re == NULL)
		js_fail(j, c->at, "pattern /%.*s/: %s", SLICE_ARG(v->string),
		    e.text);
	return re;
}

/* Does the pattern look behind itself?  After the first match we would show
 * it a text that begins too late. */
static bool
looks_back(struct slice p)
{
	for (size_t i = 0; i < p.len; i++) {
		struct slice s = slice_from(p, i);

		if ((p.ptr[i] == '^' && (i == 0 || p.ptr[i - 1] != '[')) ||
		    slice_starts(s, SLICE("(?<")) ||
		    slice_starts(s, SLICE("\\b")) ||
		    slice_starts(s, SLICE("\\B")))
			return true;
	}
	return false;
}

static const struct js_value *
split_pattern(struct js *j, const struct js_call *c, struct pieces *p)
{
	struct slice s = c->self->string;
	struct regex *re = looks_back(c->v[0]->string) ? NULL :
	    compile(j, c, c->v[0]);
	struct regex_groups g;
	size_t from = 0, at;
	bool ok = re != NULL;

	while (ok && next_match(re, s, from, &at, &g)) {
		ok = add_piece(j, c, p, slice_upto(slice_from(s, from),
		    at - from));
		from = at + g.v[0].len;
	}
	ok = ok && add_piece(j, c, p, slice_from(s, from));
	regex_free(re);
	return ok ? js_new_array(j, c->at, p->v, p->n) : js_unknown(j, c->at);
}

static const struct js_value *
string_split(struct js *j, const struct js_call *c)
{
	struct pieces p = { .max = MAX_PIECES };
	struct slice s = c->self->string, by;
	size_t at, from = 0;

	if (c->n > 1 && c->v[1]->type != JS_UNDEFINED)
		p.max = place_of(c, 1, MAX_PIECES, 0, false);
	if (c->n > 0 && c->v[0]->type == JS_REGEX)
		return split_pattern(j, c, &p);
	if (!text_of(j, c, 0, NULL, &by))
		return NULL;
	if (by.ptr != NULL && by.len == 0)
		return split_characters(j, c, &p);
	while (by.ptr != NULL && (at = find(s, by, from)) != SIZE_MAX) {
		if (!add_piece(j, c, &p, slice_of(s.ptr + from, at - from)))
			return NULL;
		from = at + by.len;
	}
	if (!add_piece(j, c, &p, slice_from(s, from)))
		return NULL;
	return js_new_array(j, c->at, p.v, p.n);
}

/* "$1" "$&" "$$" in a replacement. */
static bool
add_replacement(struct buf *b, struct slice with, struct slice whole,
    const struct regex_groups *g)
{
	for (size_t i = 0; i < with.len; i++) {
		char c = with.ptr[i], after = i + 1 < with.len ?
		    with.ptr[i + 1] : '\0';
		size_t n = (size_t)(after - '0');
		bool ok;

		if (c != '$')
			ok = buf_addc(b, c);
		else if (after == '$')
			ok = buf_addc(b, c);
		else if (after == '&')
			ok = buf_add_slice(b, whole);
		else if (g != NULL && after >= '1' && after <= '9' && n < g->n)
			ok = buf_add_slice(b, g->v[n]);
		else {
			after = '\0';
			ok = buf_addc(b, c);
		}
		i += c == '$' && after != '\0';
		if (!ok)
			return false;
	}
	return true;
}

static const struct js_value *
replace_pattern(struct js *j, const struct js_call *c, struct slice with)
{
	struct slice s = c->self->string;
	struct buf b = BUF_INIT(JS_MAX_TEXT);
	struct regex *re = compile(j, c, c->v[0]);
	struct regex_groups g;
	size_t from = 0, at;
	bool ok = true;

	if (re == NULL)
		return NULL;
	if (c->v[0]->global && looks_back(c->v[0]->string)) {
		regex_free(re);
		return js_unknown(j, c->at);
	}
	while (ok && next_match(re, s, from, &at, &g)) {
		ok = buf_add_slice(&b, slice_of(s.ptr + from, at - from)) &&
		    add_replacement(&b, with, g.v[0], &g);
		from = at + g.v[0].len;
		if (!c->v[0]->global)
			break;
	}
	ok = ok && buf_add_slice(&b, slice_from(s, from));
	regex_free(re);
	return from_buf(j, c, &b, ok);
}

static const struct js_value *
string_replace(struct js *j, const struct js_call *c)
{
	struct slice s = c->self->string, what, with;
	struct buf b = BUF_INIT(JS_MAX_TEXT);
	size_t at;
	bool ok;

	if (!text_of(j, c, 1, "undefined", &with))
		return NULL;
	if (c->n > 0 && c->v[0]->type == JS_REGEX)
		return replace_pattern(j, c, with);
	if (!text_of(j, c, 0, "undefined", &what))
		return NULL;
	at = find(s, what, 0);
	if (at == SIZE_MAX)
		return c->self;
	ok = buf_add_slice(&b, slice_upto(s, at)) &&
	    add_replacement(&b, with, what, NULL) &&
	    buf_add_slice(&b, slice_from(s, at + what.len));
	return from_buf(j, c, &b, ok);
}

/* Lengths and places count bytes, which are JavaScript's units as long as the
 * text is ASCII. */
static bool
is_ascii(struct slice s)
{
	for (size_t i = 0; i < s.len; i++)
		if ((s.ptr[i] & 0x80) != 0)
			return false;
	return true;
}

static const struct js_value *
part(struct js *j, const struct js_call *c, size_t from, size_t to)
{
	struct slice s = c->self->string;

	if (!is_ascii(s))
		return js_unknown(j, c->at);
	return js_new_string(j, c->at, to <= from ? SLICE("") :
	    slice_of(s.ptr + from, to - from));
}

static const struct js_value *
string_slice(struct js *j, const struct js_call *c)
{
	size_t len = c->self->string.len;

	return part(j, c, place_of(c, 0, len, 0, true),
	    place_of(c, 1, len, HUGE_VAL, true));
}

static const struct js_value *
string_substring(struct js *j, const struct js_call *c)
{
	size_t len = c->self->string.len;
	size_t from = place_of(c, 0, len, 0, false);
	size_t to = place_of(c, 1, len, HUGE_VAL, false);

	return from <= to ? part(j, c, from, to) : part(j, c, to, from);
}

static const struct js_value *
string_substr(struct js *j, const struct js_call *c)
{
	size_t len = c->self->string.len;
	size_t from = place_of(c, 0, len, 0, true);

	return part(j, c, from, from +
	    place_of(c, 1, len - from, HUGE_VAL, false));
}

static const struct js_value *
string_char_at(struct js *j, const struct js_call *c)
{
	size_t len = c->self->string.len;
	size_t at = place_of(c, 0, len, 0, false);

	return part(j, c, at, at < len ? at + 1 : at);
}

static const struct js_value *
string_concat(struct js *j, const struct js_call *c)
{
	struct buf b = BUF_INIT(JS_MAX_TEXT);
	bool ok = buf_add_slice(&b, c->self->string);

	for (size_t i = 0; ok && i < c->n; i++)
		ok = js_text(&b, c->v[i]);
	return from_buf(j, c, &b, ok);
}

static const struct js_value *
string_index_of(struct js *j, const struct js_call *c)
{
	struct slice what;
	size_t at;

	if (!text_of(j, c, 0, "undefined", &what))
		return NULL;
	at = find(c->self->string, what, 0);
	return js_new_number(j, c->at, at == SIZE_MAX ? -1 : (double)at);
}

static const struct js_value *
string_includes(struct js *j, const struct js_call *c)
{
	struct slice what;

	if (!text_of(j, c, 0, "undefined", &what))
		return NULL;
	return js_new_bool(j, c->at,
	    find(c->self->string, what, 0) != SIZE_MAX);
}

static const struct js_value *
string_starts_with(struct js *j, const struct js_call *c)
{
	struct slice what;

	if (!text_of(j, c, 0, "undefined", &what))
		return NULL;
	return js_new_bool(j, c->at, slice_starts(c->self->string, what));
}

static const struct js_value *
string_ends_with(struct js *j, const struct js_call *c)
{
	struct slice s = c->self->string, what;

	if (!text_of(j, c, 0, "undefined", &what))
		return NULL;
	return js_new_bool(j, c->at, what.len <= s.len &&
	    slice_eq(slice_from(s, s.len - what.len), what));
}

/* ---- arrays ---- */

static const struct js_value *
array_join(struct js *j, const struct js_call *c)
{
	struct buf b = BUF_INIT(JS_MAX_TEXT);
	struct slice by;
	bool ok = true;

	if (!text_of(j, c, 0, ",", &by))
		return NULL;
	for (size_t i = 0; ok && i < c->self->n; i++) {
		const struct js_value *v = c->self->items[i];

		ok = i == 0 || buf_add_slice(&b, by);
		if (ok && v->type != JS_UNDEFINED && v->type != JS_NULL)
			ok = js_text(&b, v);
	}
	return from_buf(j, c, &b, ok);
}

static const struct js_value *
array_slice(struct js *j, const struct js_call *c)
{
	size_t len = c->self->n, from = place_of(c, 0, len, 0, true);
	size_t to = place_of(c, 1, len, HUGE_VAL, true);

	return js_new_array(j, c->at, len == 0 ? NULL : c->self->items + from,
	    to < from ? 0 : to - from);
}

static const struct js_value *
array_concat(struct js *j, const struct js_call *c)
{
	const struct js_value **items;
	size_t n = c->self->n, at = c->self->n;

	for (size_t i = 0; i < c->n; i++)
		n += c->v[i]->type == JS_ARRAY ? c->v[i]->n : 1;
	if (n > MAX_PIECES || !js_charge(j, c->at, n * sizeof *items))
		return js_fail(j, c->at, "too many items");
	items = arena_array(j->arena, n, sizeof *items);
	if (at > 0)
		memcpy(items, c->self->items, at * sizeof *items);
	for (size_t i = 0; i < c->n; i++) {
		const struct js_value *v = c->v[i];

		if (v->type >= JS_REGEX)
			return js_unknown(j, c->at);
		if (v->type != JS_ARRAY) {
			items[at++] = v;
			continue;
		}
		if (v->n > 0)
			memcpy(items + at, v->items, v->n * sizeof *items);
		at += v->n;
	}
	return js_new_array(j, c->at, items, n);
}

/* Would anybody see that the array stays as it was? */
static bool
is_kept(const struct js *j, const struct js_value *v)
{
	return v->at < j->declared;
}

static const struct js_value *
array_reverse(struct js *j, const struct js_call *c)
{
	size_t n = c->self->n;
	const struct js_value **items;

	if (is_kept(j, c->self))
		return js_unknown(j, c->at);
	if (!js_charge(j, c->at, n * sizeof *items))
		return NULL;
	items = arena_array(j->arena, n, sizeof *items);
	for (size_t i = 0; i < n; i++)
		items[i] = c->self->items[n - 1 - i];
	return js_new_array(j, c->at, items, n);
}

static const struct js_value *
array_pop(struct js *j, const struct js_call *c)
{
	size_t n = c->self->n;

	if (is_kept(j, c->self))
		return js_unknown(j, c->at);
	return n == 0 ? js_undefined(j, c->at) : c->self->items[n - 1];
}

static const struct js_value *
array_shift(struct js *j, const struct js_call *c)
{
	if (is_kept(j, c->self))
		return js_unknown(j, c->at);
	return c->self->n == 0 ? js_undefined(j, c->at) : c->self->items[0];
}

static const struct js_value *
array_find(struct js *j, const struct js_call *c, bool number)
{
	size_t i = 0, n = c->self->n;

	while (i < n && (c->n == 0 || !js_same(c->self->items[i], c->v[0])))
		i++;
	return number ? js_new_number(j, c->at, i == n ? -1 : (double)i) :
	    js_new_bool(j, c->at, i < n);
}

static const struct js_value *
array_index_of(struct js *j, const struct js_call *c)
{
	return array_find(j, c, true);
}

static const struct js_value *
array_includes(struct js *j, const struct js_call *c)
{
	return array_find(j, c, false);
}

/* ---- functions of the language ---- */

static const struct js_value *
parse_int(struct js *j, const struct js_call *c)
{
	struct slice s;
	size_t n = 0, from = 0;
	double d = 0;

	if (!text_of(j, c, 0, "undefined", &s))
		return NULL;
	if (c->n > 1 && js_number(c->v[1]) != 10)
		return js_unknown(j, c->at);
	s = number_js_trim(s);
	from = s.len > 0 && (s.ptr[0] == '-' || s.ptr[0] == '+');
	if (slice_starts(slice_from(s, from), SLICE("0x")))
		return js_unknown(j, c->at);
	for (n = from; n < s.len && s.ptr[n] >= '0' && s.ptr[n] <= '9'; n++)
		d = d * 10 + (s.ptr[n] - '0');
	if (n == from)
		d = NAN;
	return js_new_number(j, c->at, from && s.ptr[0] == '-' ? -d : d);
}

static const struct js_value *
parse_float(struct js *j, const struct js_call *c)
{
	struct slice s;
	double d = NAN;

	if (!text_of(j, c, 0, "undefined", &s))
		return NULL;
	number_scan(number_js_trim(s), &d);
	return js_new_number(j, c->at, d);
}

static const struct js_value *
to_number(struct js *j, const struct js_call *c)
{
	return js_new_number(j, c->at, c->n == 0 ? 0 : js_number(c->v[0]));
}

static const struct js_value *
to_text(struct js *j, const struct js_call *c)
{
	struct slice s;

	if (c->n > 0 && c->v[0]->type == JS_UNDEFINED)
		return js_new_string(j, c->at, SLICE("undefined"));
	if (!text_of(j, c, 0, "", &s))
		return NULL;
	return js_new_string(j, c->at, s);
}

static const struct js_value *
to_boolean(struct js *j, const struct js_call *c)
{
	return js_new_bool(j, c->at, c->n > 0 && js_truth(c->v[0]));
}

/* ---- the world ---- */

static const struct js_value *
host_name(struct js *j, const struct js_call *c)
{
	struct buf b = BUF_INIT(4096);

	if (j->env->host_name == NULL)
		return js_unknown(j, c->at);
	if (j->env->host_name(j->env->arg, &b))
		return from_buf(j, c, &b, true);
	buf_fini(&b);
	return js_fail(j, c->at, "the name of this host: %s", strerror(errno));
}

static const struct js_value *
environment(struct js *j, const struct js_call *c)
{
	struct buf b = BUF_INIT(JS_MAX_TEXT);
	const char *name = arena_dup(j->arena, c->self->string);

	if (j->env->get_env == NULL)
		return js_unknown(j, c->at);
	if (j->env->get_env(j->env->arg, name, &b))
		return from_buf(j, c, &b, true);
	buf_fini(&b);
	return js_undefined(j, c->at);
}

static const struct js_value *
read_file(struct js *j, const struct js_call *c)
{
	struct buf b = BUF_INIT(JS_MAX_TEXT);
	struct slice path;
	int saved;

	if (j->env->read_file == NULL || c->n == 0 ||
	    c->v[0]->type != JS_STRING)
		return js_unknown(j, c->at);
	path = c->v[0]->string;
	if (j->env->read_file(j->env->arg, arena_dup(j->arena, path), &b))
		return from_buf(j, c, &b, true);
	saved = errno;
	buf_fini(&b);
	return js_fail(j, c->at, "%.*s: %s", SLICE_ARG(path), strerror(saved));
}

static const struct js_value *
file_exists(struct js *j, const struct js_call *c)
{
	struct buf b = BUF_INIT(JS_MAX_TEXT);
	bool there;

	if (j->env->read_file == NULL || c->n == 0 ||
	    c->v[0]->type != JS_STRING)
		return js_unknown(j, c->at);
	there = j->env->read_file(j->env->arg, arena_dup(j->arena,
	    c->v[0]->string), &b);
	js_charge(j, c->at, b.len);
	buf_fini(&b);
	return j->failed ? NULL : js_new_bool(j, c->at, there);
}

static const struct js_builtin os_members[] = {
	{ .name = "hostname", .call = host_name },
	{ .name = "EOL", .text = "\n" },
	{ .name = NULL }
};
static const struct js_builtin fs_members[] = {
	{ .name = "readFileSync", .call = read_file },
	{ .name = "existsSync", .call = file_exists },
	{ .name = NULL }
};
static const struct js_builtin process_members[] = {
	{ .name = "env", .get = environment },
	{ .name = NULL }
};
static const struct js_builtin modules[] = {
	{ .name = "os", .members = os_members },
	{ .name = "fs", .members = fs_members },
	{ .name = "process", .members = process_members },
	{ .name = NULL }
};

static const struct js_value *
require(struct js *j, const struct js_call *c)
{
	const struct js_builtin *m = modules;
	struct slice name;

	if (c->n == 0 || !text_of(j, c, 0, "", &name))
		return js_unknown(j, c->at);
	if (slice_starts(name, SLICE("node:")))
		name = slice_from(name, 5);
	while (m->name != NULL && !slice_eq(name, slice_str(m->name)))
		m++;
	return m->name == NULL ? js_unknown(j, c->at) :
	    js_new_builtin(j, c->at, m, NULL);
}

const struct js_builtin js_globals[] = {
	{ .name = "require", .call = require },
	{ .name = "process", .members = process_members },
	{ .name = "parseInt", .call = parse_int },
	{ .name = "parseFloat", .call = parse_float },
	{ .name = "Number", .call = to_number },
	{ .name = "String", .call = to_text },
	{ .name = "Boolean", .call = to_boolean },
	{ .name = NULL }
};

/* ---- members ---- */

static const struct js_builtin string_members[] = {
	{ .name = "charAt", .call = string_char_at },
	{ .name = "concat", .call = string_concat },
	{ .name = "endsWith", .call = string_ends_with },
	{ .name = "includes", .call = string_includes },
	{ .name = "indexOf", .call = string_index_of },
	{ .name = "replace", .call = string_replace },
	{ .name = "slice", .call = string_slice },
	{ .name = "split", .call = string_split },
	{ .name = "startsWith", .call = string_starts_with },
	{ .name = "substr", .call = string_substr },
	{ .name = "substring", .call = string_substring },
	{ .name = "toLowerCase", .call = string_lower },
	{ .name = "toString", .call = to_string },
	{ .name = "toUpperCase", .call = string_upper },
	{ .name = "trim", .call = string_trim },
	{ .name = NULL }
};
static const struct js_builtin array_members[] = {
	{ .name = "concat", .call = array_concat },
	{ .name = "includes", .call = array_includes },
	{ .name = "indexOf", .call = array_index_of },
	{ .name = "join", .call = array_join },
	{ .name = "pop", .call = array_pop },
	{ .name = "reverse", .call = array_reverse },
	{ .name = "shift", .call = array_shift },
	{ .name = "slice", .call = array_slice },
	{ .name = "toString", .call = to_string },
	{ .name = NULL }
};
static const struct js_builtin other_members[] = {
	{ .name = "toString", .call = to_string },
	{ .name = NULL }
};

static const struct js_value *
module_property(struct js *j, size_t at, const struct js_builtin *module,
    struct slice name)
{
	struct js_value text = { .type = JS_STRING, .string = name };
	struct js_call c = { .self = &text, .at = at };

	if (module->get != NULL)
		return module->get(j, &c);
	for (const struct js_builtin *m = module->members;
	    m != NULL && m->name != NULL; m++) {
		if (!slice_eq(name, slice_str(m->name)))
			continue;
		return m->text != NULL ? js_new_string(j, at,
		    slice_str(m->text)) : js_new_builtin(j, at, m, NULL);
	}
	return js_unknown(j, at);
}

static const struct js_value *
object_property(struct js *j, size_t at, const struct js_value *v,
    struct slice name)
{
	for (size_t i = 0; i < v->n; i++)
		if (slice_eq(v->members[i].name, name))
			return v->members[i].value;
	return js_undefined(j, at);
}

static bool
is_index(struct slice s, uint64_t *i)
{
	return s.len < 8 && number_u64(s, i) && (s.len == 1 || s.ptr[0] != '0');
}

const struct js_value *
js_property(struct js *j, size_t at, const struct js_value *v,
    struct slice name)
{
	const struct js_builtin *m = other_members;
	uint64_t i;

	if (v->type == JS_BUILTIN)
		return module_property(j, at, v->builtin, name);
	if (v->type == JS_OBJECT)
		return object_property(j, at, v, name);
	if (v->type == JS_UNDEFINED || v->type == JS_NULL)
		return js_fail(j, at, "\"%.*s\" of %s", SLICE_ARG(name),
		    js_type_name(v));
	if (v->type == JS_STRING && !is_ascii(v->string) &&
	    (slice_eq(name, SLICE("length")) || is_index(name, &i)))
		return js_unknown(j, at);
	if (v->type == JS_STRING)
		m = string_members;
	else if (v->type == JS_ARRAY)
		m = array_members;
	if ((v->type == JS_STRING || v->type == JS_ARRAY) &&
	    slice_eq(name, SLICE("length")))
		return js_new_number(j, at, v->type == JS_ARRAY ?
		    (double)v->n : (double)v->string.len);
	if (v->type == JS_STRING && is_index(name, &i))
		return i < v->string.len ? js_new_string(j, at,
		    slice_of(v->string.ptr + i, 1)) : js_undefined(j, at);
	if (v->type == JS_ARRAY && is_index(name, &i))
		return i < v->n ? v->items[i] : js_undefined(j, at);
	for (; m->name != NULL; m++)
		if (slice_eq(name, slice_str(m->name)))
			return js_new_builtin(j, at, m, v);
	return js_unknown(j, at);
}

/* ---- this host ---- */

static bool
real_host_name(void *arg, struct buf *out)
{
	char name[257] = "";

	return gethostname(name, sizeof name - 1) == 0 && buf_adds(out, name);
}

static bool
real_env(void *arg, const char *name, struct buf *out)
{
	const char *value = getenv(name);

	return value != NULL && buf_adds(out, value);
}

static bool
real_file(void *arg, const char *path, struct buf *out)
{
	FILE *f = fopen(path, "re");
	int error = 0;

	if (f == NULL)
		return false;
	for (;;) {
		size_t n;

		if (!buf_reserve(out, 1)) {
			error = EFBIG;
			break;
		}
		errno = 0;
		n = fread(out->data + out->len, 1, out->cap - out->len, f);
		out->len += n;
		if (n == 0)
			break;
	}
	if (error == 0 && ferror(f))
		error = errno == 0 ? EIO : errno;
	fclose(f);
	errno = error;
	return error == 0;
}

const struct js_env js_env_real = {
	.host_name = real_host_name,
	.get_env = real_env,
	.read_file = real_file,
};
