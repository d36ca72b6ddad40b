/* test_rule_filter.c - what a pattern needs, and that no rule is passed over
 * which would have been true. */
#include "config.h"

#include <check.h>
#include <stdio.h>
#include <stdlib.h>

#include "base/buf.h"
#include "base/regex.h"
#include "base/regex_literal.h"
#include "conf/expr.h"
#include "core/match.h"
#include "core/rule_filter.h"

/* "web & cpu|mem & .user" */
static const char *
shown(const struct regex_needs *needs)
{
	static char out[4096];
	char *to = out;

	*to = '\0';
	for (size_t i = 0; i < needs->n; i++) {
		if (i > 0)
			to += sprintf(to, " & ");
		for (size_t k = 0; k < needs->need[i].n; k++)
			to += sprintf(to, "%s%.*s", k > 0 ? "|" : "",
			    needs->need[i].text[k].len,
			    needs->need[i].text[k].bytes);
	}
	return out;
}

static const struct {
	const char *pattern, *needs;
} patterns[] = {
	{ "^web[0-9]+\\.(cpu|mem)\\.user$", "web & . & cpu|mem & .user" },
	{ "abc", "abc" },
	{ "ab*c", "a & c" },
	{ "ab?c", "a & c" },
	{ "ab+c", "ab & c" },
	{ "ab{0,3}c", "a & c" },
	{ "ab*?c", "a & c" },
	{ "ab++c", "ab & c" },
	{ "a.b", "a & b" },
	{ "^servers\\.[^.]+\\.cpu$", "servers. & .cpu" },
	{ "[.]x", ".x" },
	{ "[]]x", "]x" },
	{ "[^]]x", "x" },
	{ "[[:alpha:]]x", "x" },
	{ "[a\\]b]x", "x" },
	{ "(?:one|two)+three", "one|two & three" },
	{ "(?<n>one)two", "one & two" },
	{ "(one)?two", "two" },
	{ "(one|)two", "two" },
	{ "one|two", "one|two" },
	{ "one|.*", "" },
	{ "(a(b|c)d)e", "a & b|c & d & e" },
	{ "\\d+\\.load", ".load" },
	{ "0123456789abcdefgh", "0123456789abcde & fgh" },
	/* not plain to see */
	{ "(?i)abc", "" },
	{ "abc(?i)def", "" },
	{ "(?=x)abc", "" },
	{ "(?!abc)d", "" },
	{ "(?<!abc)d", "" },
	{ "(*UTF)abc", "" },
	{ "\\x41bc", "" },
	{ "\\Qa+b\\Ec", "" },
	{ "(a)\\1b", "" },
	{ "a{b", "" },
	{ "a{}b", "" },
	{ "(abc", "" },
	{ "abc)", "" },
	{ "[abc", "" },
	{ "abc\\", "" },
	{ "", "" },
	{ ".*", "" },
};

START_TEST(patterns_need_what_is_plain_to_see)
{
	struct regex_needs needs;

	regex_needs(slice_str(patterns[_i].pattern), &needs);
	ck_assert_msg(strcmp(shown(&needs), patterns[_i].needs) == 0,
	    "%s needs \"%s\", not \"%s\"", patterns[_i].pattern,
	    shown(&needs), patterns[_i].needs);
}
END_TEST

START_TEST(too_deep_needs_nothing)
{
	char deep[64] = "";
	struct regex_needs needs;

	memset(deep, '(', 20);
	memcpy(deep + 20, "abc", 3);
	memset(deep + 23, ')', 20);
	regex_needs(slice_of(deep, 43), &needs);
	ck_assert_uint_eq(needs.n, 0);
}
END_TEST

/* ---- against the pattern itself ---- */

static uint64_t dice = 88172645463325252;

static unsigned
roll(unsigned n)
{
	dice ^= dice << 13;
	dice ^= dice >> 7;
	dice ^= dice << 17;
	return (unsigned)(dice >> 33) % n;
}

static void
make_pattern(struct buf *b, unsigned depth)
{
	static const char *const atoms[] = { "a", "b", "c", "ab", "ca", "\\.",
	    ".", "[ab]", "[^c]", "[.]", "\\w", "^", "$", "\\-", "bc", "[]a]" };
	static const char *const times[] = { "", "", "", "", "*", "+", "?",
	    "{2}", "{0,2}", "+?", "*+" };
	unsigned n = 1 + roll(4);

	for (unsigned i = 0; i < n; i++) {
		if (depth > 0 && roll(4) == 0) {
			buf_adds(b, roll(2) == 0 ? "(" : "(?:");
			make_pattern(b, depth - 1);
			if (roll(2) == 0) {
				buf_addc(b, '|');
				make_pattern(b, depth - 1);
			}
			buf_addc(b, ')');
		} else {
			buf_adds(b, atoms[roll(16)]);
		}
		buf_adds(b, times[roll(11)]);
	}
	if (roll(6) == 0) {
		buf_addc(b, '|');
		make_pattern(b, 0);
	}
}

static struct slice
make_name(char out[16])
{
	unsigned n = roll(12);

	for (unsigned i = 0; i < n; i++)
		out[i] = "abc.-]"[roll(6)];
	return slice_of(out, n);
}

START_TEST(what_matches_has_what_is_needed)
{
	unsigned matched = 0, needy = 0;

	for (unsigned i = 0; i < 3000; i++) {
		struct buf b = BUF_INIT(65536);
		struct regex_needs needs;
		struct regex_error e;
		struct regex *re;
		char text[16];

		make_pattern(&b, 2);
		re = regex_new(buf_slice(&b), &e);
		regex_needs(buf_slice(&b), &needs);
		needy += needs.n > 0;
		for (unsigned k = 0; re != NULL && k < 60; k++) {
			struct slice name = make_name(text);

			if (!regex_match(re, name, NULL))
				continue;
			matched += needs.n > 0;
			ck_assert_msg(regex_needs_met(&needs, name),
			    "%.*s matches %.*s and was said to need %s",
			    (int)b.len, b.data, SLICE_ARG(name),
			    shown(&needs));
		}
		regex_free(re);
		buf_fini(&b);
	}
	ck_assert_uint_gt(needy, 1000);
	ck_assert_uint_gt(matched, 1000);
}
END_TEST

/* ---- many rules ---- */

#define RULES 400

static struct expr *
make_rule(unsigned i)
{
	static const char *const forms[] = {
		"name =~ \"^dc%u\\.web\"",
		"name =~ \"\\.host%u\\.(cpu|mem)$\"",
		"kind == metric && name =~ \"x%uy\" && name !~ \"z\"",
		"name == 'exact.%u'",
		"name =~ \"one%u\" || name =~ \"two%u\"",
		"!(name =~ \"dc%u\")",
		"name =~ \"(?i)Case%u\"",
		"value > %u",
	};
	char text[128];
	struct expr_error e;
	struct expr *x;

	snprintf(text, sizeof text, forms[i % 8], i, i);
	x = expr_new(slice_str(text), &e);
	ck_assert_msg(x != NULL, "%s: %s", text, e.text);
	return x;
}

static struct slice
make_metric(char out[64])
{
	static const char *const forms[] = { "dc%u.web.a", "a.host%u.cpu",
	    "a.host%u.mem", "q.x%uy.z", "q.x%uy.q", "exact.%u", "oh.one%u",
	    "oh.two%u.b", "cASE%u", "nothing.of.it.%u", "%u" };
	int n = snprintf(out, 64, forms[roll(11)], roll(RULES + 20));

	return slice_of(out, (size_t)n);
}

START_TEST(no_rule_is_passed_over)
{
	struct expr *rule[RULES];
	struct rule_filter *f;
	struct match_captures *m = calloc(1, sizeof *m);
	uint64_t *set;
	unsigned yes = 0, likely = 0;

	for (unsigned i = 0; i < RULES; i++)
		rule[i] = make_rule(i);
	f = rule_filter_new((const struct expr *const *)rule, RULES);
	ck_assert_ptr_nonnull(f);
	/* those forms whose name says nothing */
	ck_assert_uint_eq(rule_filter_blind(f), RULES / 8 * 3);
	set = malloc(rule_filter_words(f) * sizeof *set);
	for (unsigned k = 0; k < 3000; k++) {
		char text[64];
		struct record r = { .kind = RECORD_METRIC, .metric = {
		    .name = make_metric(text), .text = SLICE("1"),
		    .value = 1, .rate = 1 } };

		rule_filter_find(f, r.metric.name, set);
		for (unsigned i = 0; i < RULES; i++) {
			bool may = (set[i / 64] >> i % 64 & 1) != 0;

			match_reset(m);
			if (match(rule[i], &r, m)) {
				yes++;
				ck_assert_msg(may, "rule %u, name %s", i,
				    text);
			}
			likely += may && i % 8 < 5;
		}
	}
	ck_assert_uint_gt(yes, 1000);
	ck_assert_uint_lt(likely, 3000 * 10);	/* of 250 each */
	free(set);
	free(m);
	rule_filter_free(f);
	for (unsigned i = 0; i < RULES; i++)
		expr_free(rule[i]);
}
END_TEST

/* A chain of thousands of conditions does not use up the stack. */
START_TEST(long_chains_are_walked)
{
	struct buf b = BUF_INIT(EXPR_MAX_BYTES);
	struct expr_error e;
	struct expr *x;
	struct rule_filter *f;

	for (unsigned i = 0; buf_printf(&b, "%sname == 'n%u'",
	    i == 0 ? "" : " || ", i) && b.len < EXPR_MAX_BYTES - 40; i++)
		;
	x = expr_new(buf_slice(&b), &e);
	ck_assert_msg(x != NULL, "%s", e.text);
	f = rule_filter_new((const struct expr *const *)&x, 1);
	ck_assert_ptr_nonnull(f);
	ck_assert_uint_eq(rule_filter_blind(f), 1);
	rule_filter_free(f);
	expr_free(x);
	buf_fini(&b);
}
END_TEST

int
main(void)
{
	Suite *s = suite_create("rule_filter");
	TCase *t = tcase_create("rule_filter");
	SRunner *r = srunner_create(s);
	int failed;

	tcase_set_timeout(t, 120);
	tcase_add_loop_test(t, patterns_need_what_is_plain_to_see, 0,
	    sizeof patterns / sizeof *patterns);
	tcase_add_test(t, too_deep_needs_nothing);
	tcase_add_test(t, what_matches_has_what_is_needed);
	tcase_add_test(t, no_rule_is_passed_over);
	tcase_add_test(t, long_chains_are_walked);
	suite_add_tcase(s, t);
	srunner_run_all(r, CK_NORMAL);
	failed = srunner_ntests_failed(r);
	srunner_free(r);
	return failed != 0;
}
