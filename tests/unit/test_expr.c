/* test_expr.c - expressions: what is refused and where, what they mean. */
#include "config.h"

#include <check.h>
#include <math.h>
#include <stdlib.h>

#include "conf/expr.h"
#include "core/match.h"
#include "core/template.h"

static const struct {
	const char *text;
	size_t offset;
	const char *said;
} faults[] = {
	{ "", 0, "an empty expression" },
	{ "   ", 3, "expected a test here, the expression ends too early" },
	{ "name ==", 7, "expected something to compare name with" },
	{ "name == && true", 8, "expected something to compare name with" },
	{ "name = \"x\"", 5, "\"=\" is no operator, did you mean \"==\" or \"=~\"?" },
	{ "true & true", 5, "\"&\" is no operator, did you mean \"&&\"?" },
	{ "true | true", 5, "\"|\" is no operator, did you mean \"||\"?" },
	{ "true &&", 7, "expected a test here, the expression ends too early" },
	{ "true true", 5, "expected && or || or the end, found \"true\"" },
	{ "(true", 5, "expected \")\" for the \"(\" at character 1" },
	{ "true)", 4, "expected && or || or the end, found \")\"" },
	{ "&& true", 0, "expected a test, found \"&&\"" },
	{ "nmae == \"x\"", 0, "no field \"nmae\", did you mean \"name\"?" },
	{ "zzzzzz == 1", 0, "no field \"zzzzzz\"" },
	{ "tag == \"x\"", 0, "tag of what? write tag.KEY" },
	{ "field. == \"x\"", 0, "no field \"field.\", did you mean \"field\"?" },
	{ "name.x == \"x\"", 0, "no field \"name.x\", did you mean \"name\"?" },
	{ "\"x\" == name", 0, "a field must stand on the left, as in name == \"x\"" },
	{ "5 < value", 0, "a field must stand on the left, as in name == \"x\"" },
	{ "name == foo", 8, "expected a number or a text in quotes, found foo" },
	{ "name == \"foo", 8, "a text without its closing \"" },
	{ "name == 'foo\\'", 8, "a text without its closing '" },
	{ "kind == metrics", 8, "no kind is called \"metrics\", did you mean \"metric\"?" },
	{ "kind < log", 7, "kind has no order: use ==, !=, =~ or !~" },
	{ "severity <= bad", 12, "no severity is called \"bad\", only emerg, alert, crit, err, warning, notice, info, debug" },
	{ "severity <= 8", 12, "no severity is called \"8\", only emerg, alert, crit, err, warning, notice, info, debug" },
	{ "facility == kernel", 12, "no facility is called \"kernel\", did you mean \"kern\"?" },
	{ "flags == zzz", 9, NULL },
	{ "value == \"5\"", 9, "value is compared with a number, without quotes" },
	{ "value =~ \"5\"", 9, "value is a number: no pattern fits it" },
	{ "name =~ foo", 8, "expected a pattern in quotes behind =~" },
	{ "name !~ 5", 8, "expected a pattern in quotes behind !~" },
	{ "name =~ \"a(b\"", 12, "bad pattern: missing closing parenthesis" },
	{ "name =~ \"\\\"a(b\"", 14, "bad pattern: missing closing parenthesis" },
	{ "name == \"${MILLRACE_NOT_SET}\"", 9, "no \"MILLRACE_NOT_SET\" in the environment; write ${MILLRACE_NOT_SET:-...} to give a default" },
	{ "true \x01", 5, "unexpected byte 0x01" },
	{ "true # x", 5, "unexpected \"#\"" },
	{ "name == + \"x\"", 8, "unexpected \"+\"" },
	{ "!!!!!!!!!!!!!!!!!!!!!!!!!!!!!!!!!!!!!!!!!!!!!!!!!!!!!!!!!!!!!!true", 50, "nested more than 50 deep" },
	{ "((((((((((((((((((((((((((((((((((((((((((((((((((((((((((((((true", 50, "nested more than 50 deep" },
};

START_TEST(refused)
{
	struct expr_error e;
	struct expr *x = expr_new(slice_str(faults[_i].text), &e);

	ck_assert_ptr_null(x);
	if (faults[_i].said != NULL)
		ck_assert_str_eq(e.text, faults[_i].said);
	ck_assert_uint_eq(e.offset, faults[_i].offset);
}
END_TEST

static const struct pair fields[] = {
	{ SLICE("msg"), SLICE("hello") }, { SLICE("n"), SLICE("12") }, { SLICE("empty"), SLICE("") },
};

static const struct record records[] = {
	{ .kind = RECORD_METRIC, .source = SOURCE_STATSD, .peer = SLICE("10.0.0.1:9"),
	  .metric = { .type = METRIC_TIMER, .tag_style = TAGS_DOGSTATSD,
	    .name = SLICE("web1.req.time"), .tags = SLICE("env:prod,code:200,bare"),
	    .text = SLICE("12.5"), .value = 12.5, .rate = 1 } },
	{ .kind = RECORD_EVENT, .source = SOURCE_RESP,
	  .event = { .stream = SLICE("orders"), .fields = fields, .nfields = 3 } },
	{ .kind = RECORD_LOG, .source = SOURCE_SYSLOG,
	  .log = { .facility = 4, .severity = 3, .flags = LOG_FLAG_NO_YEAR | LOG_FLAG_TRUNCATED,
	    .host = SLICE("web1"), .app = SLICE("sshd"), .procid = SLICE("12"),
	    .sd = SLICE("[x@1 k=\"v\" q=\"a\\\"b\\]c\"][y@1 k=\"w\" e=\"\"]"),
	    .body = SLICE("error: bad\nsecond") } },
	{ .kind = RECORD_METRIC, .source = SOURCE_GRAPHITE,
	  .metric = { .type = METRIC_SET, .tag_style = TAGS_GRAPHITE, .name = SLICE("u"),
	    .tags = SLICE("a=b;c=d=e"), .text = SLICE("joe"), .value = NAN, .rate = 1 } },
};
enum { M, E, L, G };

static const struct {
	const char *text;
	int record;
	bool yes;
} truths[] = {
	{ "true", M, true }, { "false", M, false }, { "!false", M, true },
	{ "kind == metric", M, true }, { "kind == log", M, false }, { "kind != log", M, true },
	{ "kind =~ \"^met\"", M, true }, { "kind == 'metric'", M, true },
	{ "name == \"web1.req.time\"", M, true }, { "name == 'web1'", M, false },
	{ "name =~ \"^web\\d+\\.\"", M, true }, { "name !~ \"^db\"", M, true },
	{ "name < \"x\"", M, true }, { "name >= \"x\"", M, false },
	{ "type == timer", M, true }, { "type == set", G, true }, { "type != timer", M, false },
	{ "value > 12", M, true }, { "value >= 12.5", M, true }, { "value < 1.25e1", M, false },
	{ "value == 12.5", M, true }, { "value != 12.5", M, false }, { "value", M, true },
	{ "value > -5", M, true }, { "value > 1", G, false }, { "value != 1", G, false },
	{ "source == statsd", M, true }, { "source == syslog", L, true },
	{ "peer =~ \"^10\\.\"", M, true }, { "peer", E, false }, { "peer == 'x'", E, false },
	{ "tag.env == \"prod\"", M, true }, { "tag.env == 'dev'", M, false },
	{ "tag.code == 200", M, true }, { "tag.code >= 100 && tag.code < 300", M, true },
	{ "tag.env == 5", M, false }, { "tag.env != 5", M, true }, { "tag.env < 5", M, false },
	{ "tag.bare", M, true }, { "tag.bare == ''", M, true }, { "tag.none", M, false },
	{ "!tag.none", M, true }, { "tag.none != 'x'", M, false }, { "tag.none !~ 'x'", M, false },
	{ "!(tag.none == 'x')", M, true },
	{ "tag.a == 'b'", G, true }, { "tag.c == 'd=e'", G, true },
	{ "stream == 'orders'", E, true }, { "field.msg == 'hello'", E, true },
	{ "field.n > 9", E, true }, { "field.empty", E, true }, { "field.none", E, false },
	{ "name == 'x'", E, false }, { "severity <= err", M, false },
	{ "host == 'web1' && app == \"sshd\"", L, true }, { "procid == 12", L, true },
	{ "severity <= err", L, true }, { "severity < err", L, false }, { "severity == error", L, true },
	{ "severity <= 3", L, true }, { "severity >= warning", L, false }, { "severity != info", L, true },
	{ "severity =~ '^e'", L, true }, { "facility == auth", L, true }, { "facility == 4", L, true },
	{ "flags == no_year", L, true }, { "flags == bom", L, false }, { "flags != bom", L, true },
	{ "flags =~ 'trunc'", L, true }, { "flags == bom", M, false },
	{ "body =~ 'bad$'", L, false }, { "body =~ '(?m)bad$'", L, true },
	{ "body == \"error: bad\\nsecond\"", L, true }, { "msgid", L, false },
	{ "field.k == 'v'", L, true }, { "field.y@1.k == 'w'", L, true }, { "field.x@1.k == 'w'", L, false },
	{ "field.q == 'a\"b]c'", L, true }, { "field.e == ''", L, true }, { "field.z", L, false },
	{ "false || true && false", M, false }, { "(false || true) && true", M, true },
	{ "true || false && false", M, true }, { "!true || true", M, true }, { "!(true || true)", M, false },
	{ "kind==metric&&value>1", M, true }, { "  kind\t==\nmetric  ", M, true },
	{ "name =~ '(a+)+$'", M, false },
};

START_TEST(meaning)
{
	static struct match_captures m;
	struct expr_error e;
	struct expr *x = expr_new(slice_str(truths[_i].text), &e);

	ck_assert_msg(x != NULL, "%s: %s at %zu", truths[_i].text, e.text, e.offset);
	match_reset(&m);
	ck_assert_msg(match(x, &records[truths[_i].record], &m) == truths[_i].yes, "%s",
	    truths[_i].text);
	/* what it can be true for agrees with what it is true for */
	if (truths[_i].yes)
		ck_assert((expr_kinds(x) & 1 << records[truths[_i].record].kind) != 0);
	ck_assert_uint_eq(m.touched & ~x->fields, 0);
	expr_free(x);
}
END_TEST

/* The text that a pattern's matches begin with: never too much of it. */
static const struct {
	const char *pattern, *prefix;
} prefixes[] = {
	{ "^web\\.a[0-9]+", "web.a" }, { "^web", "web" }, { "^", "" }, { "web", "" },
	{ "^ab*c", "a" }, { "^ab?c", "a" }, { "^ab{0}c", "a" }, { "^ab+c", "ab" },
	{ "^a|b", "" }, { "^a(b|c)", "a" }, { "^a[|]b", "" }, { "^a\\|b", "a|b" },
	{ "^a\\d", "a" }, { "^a\\", "a" }, { "^a.b", "a" }, { "^a$", "a" },
	{ "^(?i)abc", "" }, { "(?i)^abc", "" }, { "^a\\.*", "a" }, { "^[ab]c", "" },
	{ "^(a)|b", "" }, { "^a(b)|c", "" },
};

START_TEST(pattern_prefixes)
{
	char out[8];
	size_t n = regex_prefix(slice_str(prefixes[_i].pattern), out, sizeof out);

	ck_assert_msg(slice_eq(slice_of(out, n), slice_str(prefixes[_i].prefix)),
	    "%s: %.*s", prefixes[_i].pattern, (int)n, out);
	ck_assert_uint_eq(regex_prefix(SLICE("^abcdefghijk"), out, 4), 4);
}
END_TEST

START_TEST(kinds)
{
	static const struct { const char *text; int kinds; } rows[] = {
		{ "true", 7 }, { "false", 0 }, { "kind == metric", 1 }, { "kind != metric", 6 },
		{ "!(kind == metric)", 6 }, { "name == 'x'", 1 }, { "!(name == 'x')", 7 },
		{ "kind == log || kind == event", 6 }, { "kind == log && kind == event", 0 },
		{ "body =~ 'x' && true && severity < err", 4 }, { "field.x", 6 }, { "tag.x", 1 },
		{ "!(kind == log || true)", 0 }, { "!(kind == log && name == 'x')", 7 },
		{ "source == statsd", 7 }, { "!!(stream == 'x')", 2 },
		{ "kind == log && (name == 'x' || kind == log) && true", 4 },
	};

	for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
		struct expr_error e;
		struct expr *x = expr_new(slice_str(rows[i].text), &e);

		ck_assert_ptr_nonnull(x);
		ck_assert_msg((int)expr_kinds(x) == rows[i].kinds, "%s: %d", rows[i].text,
		    expr_kinds(x));
		expr_free(x);
	}
	ck_assert_int_eq(expr_kinds(NULL), EXPR_ALL_KINDS);
}
END_TEST

START_TEST(slow_patterns_end)
{
	static struct match_captures m;
	char name[64];
	struct record r = records[M];
	struct expr_error e;
	struct expr *x = expr_new(SLICE("name =~ '^(a+)+$'"), &e);
	uint64_t before = regex_gave_up();

	memset(name, 'a', sizeof name);
	name[63] = '!';
	r.metric.name = slice_of(name, sizeof name);
	ck_assert(!match(x, &r, &m));
	ck_assert_uint_eq(regex_gave_up(), before + 1);
	expr_free(x);
}
END_TEST

START_TEST(long_chain)
{
	static struct match_captures m;
	struct buf b = BUF_INIT(EXPR_MAX_BYTES);
	struct expr_error e;
	struct expr *x;

	while (buf_adds(&b, "true && "))
		;
	ck_assert_ptr_null(expr_new(buf_slice(&b), &e));
	b.len -= 8;
	buf_adds(&b, "false");
	x = expr_new(buf_slice(&b), &e);
	ck_assert_ptr_nonnull(x);
	ck_assert(!match(x, &records[M], &m));
	ck_assert_int_eq(expr_kinds(x), 0);
	expr_free(x);
	buf_fini(&b);
}
END_TEST

/* Templates: the expression, the template, the record, the text. */
static const struct {
	const char *when, *text;
	int record;
	const char *made;
	bool rename;
} templates[] = {
	{ NULL, "plain", M, "plain", false },
	{ NULL, "a$$b$", M, "a$b$", false },
	{ NULL, "", M, "", false },
	{ "name =~ '^web(\\d+)\\.(.+)$'", "n.$1.${2}x$0", M, "n.1.req.timexweb1.req.time", false },
	{ "name =~ '^web(?<no>\\d+)'", "${no}", M, "1", false },
	{ "name =~ '(req)'", "${1:upper}", M, "REQ", false },
	{ "name =~ '(req.*)'", "${1:upper:dots}", M, "REQ_TIME", false },
	{ "name =~ '(x)?req'", "<$1>", M, "<>", false },
	{ "tag.env =~ '(p)' && name =~ '(w)' && peer =~ '(1)'", "$1", M, "w", false },
	{ "tag.env =~ '(p)' && peer =~ '(1)'", "$1", M, "1", false },
	{ "kind == log || name =~ '(w)'", "$1", L, "", false },
	{ "name !~ '(x)'", "<$1>", M, "<>", false },
	{ NULL, "${name}.${tag.env}.${type}.${value}.${host}", M, "web1.req.time.prod.timer.12.5.", false },
	{ NULL, "${host}.${severity}.${field.q}", L, "web1.err.a\"b]c", false },
	{ NULL, "${field.n}", E, "12", false },
	{ "name =~ 'req'", "R", M, "web1.R.time", true },
	{ "name =~ '^web(\\d+)\\.'", "web.$1-", M, "web.1-req.time", true },
	{ "peer =~ '(10)'", "p$1", M, "p10", true },
	{ NULL, "new", M, "new", true },
	{ "stream =~ 'ord'", "O", E, "Oers", true },
	{ NULL, "${MILLRACE_NOT_SET:-x}", M, "x", false },
};

START_TEST(template_texts)
{
	static struct match_captures m;
	struct arena *a = arena_new();
	struct expr_error e;
	struct expr *x = NULL;
	const struct template *t;
	struct buf out = BUF_INIT(1000), none = BUF_INIT(2);

	if (templates[_i].when != NULL)
		ck_assert_ptr_nonnull(x = expr_new(slice_str(templates[_i].when), &e));
	t = template_new(slice_str(templates[_i].text), x, a, &e);
	ck_assert_msg(t != NULL, "%s", e.text);
	match_reset(&m);
	ck_assert(match(x, &records[templates[_i].record], &m));
	ck_assert((templates[_i].rename ? template_rename : template_expand)(t,
	    &records[templates[_i].record], &m, &out));
	buf_addc(&out, '\0');
	ck_assert_str_eq(out.data, templates[_i].made);
	if (out.len > 3) {
		ck_assert(!template_expand(t, &records[templates[_i].record], &m, &none) ||
		    templates[_i].rename);
		ck_assert_uint_le(none.len, 2);
	}
	buf_fini(&out);
	buf_fini(&none);
	expr_free(x);
	arena_free(a);
}
END_TEST

START_TEST(template_faults)
{
	static const struct { const char *text; size_t offset; const char *said; } rows[] = {
		{ "a$3", 2, "no pattern in when has a group 3" },
		{ "a${3}", 3, "no pattern in when has a group 3" },
		{ "a${1", 1, "\"${\" without a \"}\"" },
		{ "${}", 2, "\"\" is no group, no field and no name of a variable" },
		{ "${1:big}", 4, "no change is called \"big\", only lower, upper and dots" },
		{ "${1:lower:upper}", 0, "lower and upper at once" },
		{ "${a b}", 2, "\"a b\" is no group, no field and no name of a variable" },
		{ "${tag}", 2, "\"tag\" is no group of when, no field and not in the environment" },
	};
	struct expr_error e;
	struct expr *x = expr_new(SLICE("name =~ '(a)(b)'"), &e);
	struct arena *a = arena_new();

	for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
		ck_assert_ptr_null(template_new(slice_str(rows[i].text), x, a, &e));
		ck_assert_str_eq(e.text, rows[i].said);
		ck_assert_uint_eq(e.offset, rows[i].offset);
	}
	arena_free(a);
	expr_free(x);
}
END_TEST

/* A variable in a pattern is text, whatever it holds. */
START_TEST(variables_in_patterns)
{
	static struct match_captures m;
	struct record r = records[M];
	struct expr_error e;
	struct expr *x;

	setenv("MILLRACE_T", "a.b(", 1);
	x = expr_new(SLICE("name =~ '^${MILLRACE_T}.$' && name !~ 'x{2}$'"), &e);
	ck_assert_msg(x != NULL, "%s", e.text);
	r.metric.name = SLICE("a.b(c");
	ck_assert(match(x, &r, &m));
	r.metric.name = SLICE("aXb(c");
	ck_assert(!match(x, &r, &m));
	expr_free(x);
}
END_TEST

START_TEST(pattern_limits)
{
	struct regex_error e;
	struct buf b = BUF_INIT(10000);

	for (int i = 0; i < 40; i++)
		buf_adds(&b, "(a)");
	ck_assert_ptr_null(regex_new(buf_slice(&b), &e));
	ck_assert_str_eq(e.text, "more than 31 groups");
	buf_clear(&b);
	while (b.len <= REGEX_MAX_PATTERN)
		buf_addc(&b, 'a');
	ck_assert_ptr_null(regex_new(buf_slice(&b), &e));
	ck_assert_ptr_null(regex_new(SLICE("(*UTF)a"), &e));
	buf_fini(&b);
}
END_TEST

#define COUNT(a) (int)(sizeof(a) / sizeof((a)[0]))

int
main(void)
{
	Suite *s = suite_create("expr");
	TCase *tc = tcase_create("expr");
	SRunner *r;
	int failed;

	tcase_add_loop_test(tc, refused, 0, COUNT(faults));
	tcase_add_loop_test(tc, meaning, 0, COUNT(truths));
	tcase_add_loop_test(tc, pattern_prefixes, 0, COUNT(prefixes));
	tcase_add_test(tc, kinds);
	tcase_add_test(tc, slow_patterns_end);
	tcase_add_test(tc, long_chain);
	tcase_add_loop_test(tc, template_texts, 0, COUNT(templates));
	tcase_add_test(tc, template_faults);
	tcase_add_test(tc, variables_in_patterns);
	tcase_add_test(tc, pattern_limits);
	suite_add_tcase(s, tc);
	r = srunner_create(s);
	srunner_run_all(r, CK_ENV);
	failed = srunner_ntests_failed(r);
	srunner_free(r);
	return failed != 0;
}
