/* regex.c - regular expressions that end in time. */
#include "config.h"

#define PCRE2_CODE_UNIT_WIDTH 8
#include <pcre2.h>
#include <pthread.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>

#include "base/regex.h"

#define MATCH_LIMIT	100000	/* steps of backtracking: some milliseconds */
#define DEPTH_LIMIT	1000
#define HEAP_LIMIT_KIB	1024

struct regex {
	pcre2_code *code;
	uint32_t groups, names, name_size;
	PCRE2_SPTR name_table;
};

/* One thread's workspace. */
struct scratch {
	pcre2_match_data *data;
	pcre2_match_context *limits;
};

static pthread_once_t once = PTHREAD_ONCE_INIT;
static pthread_key_t key;
static _Thread_local struct scratch *mine;
static atomic_uint_fast64_t gave_up;

static void
scratch_free(void *p)
{
	struct scratch *s = p;

	pcre2_match_data_free(s->data);
	pcre2_match_context_free(s->limits);
	free(s);
	mine = NULL;
}

static void
make_key(void)
{
	pthread_key_create(&key, scratch_free);
	/* the main thread leaves by exit(), which runs no key's destructor */
}

static struct scratch *
scratch_get(void)
{
	struct scratch *s = mine;

	if (s != NULL)
		return s;
	pthread_once(&once, make_key);
	s = calloc(1, sizeof *s);
	if (s == NULL)
		return NULL;
	s->data = pcre2_match_data_create(REGEX_MAX_GROUPS, NULL);
	s->limits = pcre2_match_context_create(NULL);
	if (s->data == NULL || s->limits == NULL) {
		scratch_free(s);
		return NULL;
	}
	pcre2_set_match_limit(s->limits, MATCH_LIMIT);
	pcre2_set_depth_limit(s->limits, DEPTH_LIMIT);
	pcre2_set_heap_limit(s->limits, HEAP_LIMIT_KIB);
	pthread_setspecific(key, s);
	mine = s;
	return s;
}

static pcre2_code *
compile(struct slice pattern, struct regex_error *e)
{
	pcre2_compile_context *ctx = pcre2_compile_context_create(NULL);
	PCRE2_SIZE at = 0;
	pcre2_code *code;
	int error;

	if (ctx == NULL) {
		snprintf(e->text, sizeof e->text, "out of memory");
		return NULL;
	}
	pcre2_set_max_pattern_length(ctx, REGEX_MAX_PATTERN);
	pcre2_set_parens_nest_limit(ctx, 64);
	code = pcre2_compile((PCRE2_SPTR)pattern.ptr, pattern.len,
	    PCRE2_NEVER_UTF | PCRE2_NEVER_UCP | PCRE2_NEVER_BACKSLASH_C, &error, &at, ctx);
	pcre2_compile_context_free(ctx);
	if (code != NULL)
		return code;
	e->offset = at < pattern.len ? at : pattern.len;
	if (pcre2_get_error_message(error, (PCRE2_UCHAR *)e->text, sizeof e->text) < 0)
		snprintf(e->text, sizeof e->text, "cannot be compiled (%d)", error);
	return NULL;
}

struct regex *
regex_new(struct slice pattern, struct regex_error *e)
{
	struct regex *re = calloc(1, sizeof *re);

	*e = (struct regex_error){ .text = "out of memory" };
	if (re == NULL)
		return NULL;
	if (pattern.len == 0)
		pattern.ptr = "";
	re->code = compile(pattern, e);
	if (re->code == NULL) {
		free(re);
		return NULL;
	}
	pcre2_pattern_info(re->code, PCRE2_INFO_CAPTURECOUNT, &re->groups);
	pcre2_pattern_info(re->code, PCRE2_INFO_NAMECOUNT, &re->names);
	pcre2_pattern_info(re->code, PCRE2_INFO_NAMEENTRYSIZE, &re->name_size);
	pcre2_pattern_info(re->code, PCRE2_INFO_NAMETABLE, &re->name_table);
	if (re->groups >= REGEX_MAX_GROUPS) {
		snprintf(e->text, sizeof e->text, "more than %d groups", REGEX_MAX_GROUPS - 1);
		regex_free(re);
		return NULL;
	}
	/* without JIT the interpreter does it, within the same limits */
	pcre2_jit_compile(re->code, PCRE2_JIT_COMPLETE);
	return re;
}

void
regex_free(struct regex *re)
{
	if (re == NULL)
		return;
	pcre2_code_free(re->code);
	free(re);
}

static void
fill(struct regex_groups *groups, const struct scratch *s, struct slice subject, size_t n)
{
	const PCRE2_SIZE *at = pcre2_get_ovector_pointer(s->data);

	groups->n = n;
	for (size_t i = 0; i < n; i++) {
		/* \K may put the start behind the end */
		if (at[2 * i] == PCRE2_UNSET || at[2 * i] > at[2 * i + 1])
			groups->v[i] = (struct slice){ NULL, 0 };
		else
			groups->v[i] = slice_of(subject.ptr + at[2 * i],
			    at[2 * i + 1] - at[2 * i]);
	}
}

bool
regex_match(const struct regex *re, struct slice subject, struct regex_groups *groups)
{
	struct scratch *s = scratch_get();
	int n;

	if (s == NULL)
		return false;
	if (subject.ptr == NULL)
		subject.ptr = "";
	n = pcre2_match(re->code, (PCRE2_SPTR)subject.ptr, subject.len, 0, 0, s->data,
	    s->limits);
	if (n < 0) {
		if (n != PCRE2_ERROR_NOMATCH)
			atomic_fetch_add_explicit(&gave_up, 1, memory_order_relaxed);
		return false;
	}
	if (groups != NULL)
		fill(groups, s, subject, (size_t)re->groups + 1);
	return true;
}

int
regex_group(const struct regex *re, struct slice name)
{
	PCRE2_SPTR entry = re->name_table;

	for (uint32_t i = 0; i < re->names; i++, entry += re->name_size)
		if (slice_eq(name, slice_str((const char *)entry + 2)))
			return entry[0] << 8 | entry[1];
	return -1;
}

/* At what follows a '(': does its ')' close it, whatever stands between?  Not of
 * comments and verbs, and options may make comments of what follows. */
static bool
is_plain_group(struct slice rest)
{
	if (rest.len == 0 || (rest.ptr[0] != '?' && rest.ptr[0] != '*'))
		return true;
	return rest.ptr[0] == '?' && rest.len > 1 &&
	    strchr(":<P=!", rest.ptr[1]) != NULL;
}

/* May there be a '|' outside of all parentheses?  Where one stands beside
 * brackets, quotes or anything special it is not looked at closely: that says
 * yes. */
static bool
has_choice(struct slice p)
{
	bool plain = true, any = false;
	size_t depth = 0;

	for (size_t i = 0; i < p.len; i++) {
		char c = p.ptr[i];

		if (c == '\\') {
			/* "\Q(\E", "\c(", and "a\E?", where the a may be missing */
			if (++i < p.len && strchr("QEc", p.ptr[i]) != NULL)
				return true;
		} else if (c == '[') {
			plain = false;
		} else if (c == '(') {
			if (!is_plain_group(slice_from(p, i + 1)))
				return true;	/* "a(?#)?" the same */
			depth++;
		} else if (c == ')' && depth > 0) {
			depth--;
		} else if (c == '|') {
			any = true;
			plain = plain && depth > 0;
		}
	}
	return any && !plain;
}

static bool
is_word(char c)
{
	return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') ||
	    (c >= '0' && c <= '9') || c == '_';
}

size_t
regex_prefix(struct slice p, char *out, size_t size)
{
	size_t i = 1, n = 0;

	if (p.len == 0 || p.ptr[0] != '^' || has_choice(p))
		return 0;
	while (i < p.len && n < size) {
		char c = p.ptr[i++];

		if (c == '\\') {	/* "\." is a dot, "\d" is not a letter */
			if (i == p.len || is_word(p.ptr[i]))
				break;
			c = p.ptr[i++];
		} else if (!is_word(c) && strchr("-:/,;=@%&~ ", c) == NULL) {
			break;
		}
		/* what may be missing is no prefix */
		if (i < p.len && strchr("*?{", p.ptr[i]) != NULL)
			break;
		out[n++] = c;
	}
	return n;
}

unsigned
regex_count(const struct regex *re)
{
	return re->groups;
}

uint64_t
regex_gave_up(void)
{
	return atomic_load_explicit(&gave_up, memory_order_relaxed);
}
