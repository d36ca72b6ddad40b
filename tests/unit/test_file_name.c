/* test_file_name.c - templates of file names, and what strangers make of them. */
#include "config.h"

#include <check.h>
#include <stdlib.h>

#include "base/buf.h"
#include "conf/file_name.h"

/* 2026-08-22T14:00:00Z */
#define T INT64_C(1787407200000000000)
#define A10 "aaaaaaaaaa"
#define A60 A10 A10 A10 A10 A10 A10

static void
expand(const char *template, const struct record *r, const char *want)
{
	struct file_name f;
	struct buf out = BUF_INIT(4096);
	const char *why = "";
	size_t at;

	ck_assert_msg(file_name_compile(&f, slice_str(template), &at, &why),
	    "%s: %zu: %s", template, at, why);
	buf_adds(&out, "x:");
	ck_assert(file_name_expand(&f, r, &out));
	ck_assert_msg(slice_eq(slice_from(buf_slice(&out), 2), slice_str(want)),
	    "%s: %.*s", template, SLICE_ARG(buf_slice(&out)));
	/* no room: nothing */
	struct buf small = BUF_INIT(strlen(want) + 1);
	buf_adds(&small, "x:");
	ck_assert(!file_name_expand(&f, r, &small));
	ck_assert_uint_eq(small.len, 2);
	buf_fini(&small);
	buf_fini(&out);
}

static struct record
record(struct slice host, struct slice app, struct slice peer)
{
	return (struct record){
		.kind = RECORD_LOG, .source = SOURCE_RELP, .peer = peer,
		.time_ns = T + INT64_C(86400000000000) * 20000, .received_ns = T,
		.log = { .facility = 4, .severity = 2, .host = host, .app = app },
	};
}

START_TEST(variables)
{
	struct record r = record(SLICE("Web1.Example.com"), SLICE("sshd"),
	    SLICE("10.0.0.1:4711"));

	expand("{host}/{app}-{date}.log", &r, "web1.example.com/sshd-2026-08-22.log");
	expand("all.log", &r, "all.log");
	expand("{year}/{month}/{day}/{hour}/{facility}.{severity}-{source}", &r,
	    "2026/08/22/14/auth.crit-relp");
	expand("{peer}", &r, "10.0.0.1");
	r.peer = SLICE("[2001:DB8::1]:4711");
	expand("{peer}", &r, "2001_db8__1");
	r.peer = SLICE("::1");
	expand("{peer}", &r, "__1");
	r.peer = SLICE("unix");
	expand("{peer}", &r, "unix");
	r.received_ns = 0;
	expand("{date}", &r, "1970-01-01");
	/* records that have no such fields */
	r.kind = RECORD_METRIC;
	expand("{host}/{app}/{severity}", &r, "_/_/unknown");
}
END_TEST

static const struct {
	struct slice host;
	const char *want;
} hosts[] = {
	{ SLICE("../../etc/passwd"), "_._.._etc_passwd" },
	{ SLICE(".."), "_." }, { SLICE("."), "_" }, { SLICE(""), "_" },
	{ SLICE("/"), "_" }, { SLICE("a/b"), "a_b" }, { SLICE("-rf"), "_rf" },
	{ SLICE(".hidden"), "_hidden" },
	{ SLICE("a\0b\nc\x1b\xff\\ {app}"), "a_b_c_____app_" },
	{ SLICE("caf\xc3\xa9"), "caf__" },
	{ SLICE(A60 "1234"), A60 "1234" },
	{ SLICE(A60 "12345"), A60 "1234" "@" },
	{ SLICE(A60 "12346"), A60 "1234" "@" },
};

START_TEST(strangers)
{
	struct record r = record(hosts[_i].host, SLICE("a"), SLICE(""));
	struct file_name f;
	struct buf out = BUF_INIT(4096);
	const char *want = hosts[_i].want, *why;
	size_t n = strcspn(want, "@"), at;

	ck_assert(file_name_compile(&f, SLICE("{host}/x"), &at, &why));
	ck_assert(file_name_expand(&f, &r, &out));
	ck_assert(slice_starts(buf_slice(&out), slice_of(want, n)));
	if (want[n] == '@')		/* 8 digits that differ */
		ck_assert_uint_eq(strspn(buf_cstr(&out) + n, "0123456789abcdef"), 8);
	ck_assert_uint_eq(out.len, n + (want[n] == '@' ? 8 : 0) + 2);
	buf_fini(&out);
}
END_TEST

START_TEST(long_names_differ)
{
	struct buf a = BUF_INIT(4096), b = BUF_INIT(4096);

	file_name_piece(SLICE(A60 "12345"), false, &a);
	file_name_piece(SLICE(A60 "12346"), false, &b);
	ck_assert(!slice_eq(buf_slice(&a), buf_slice(&b)));
	/* and are the same in every process, for ever */
	ck_assert(slice_eq(buf_slice(&a), SLICE(A60 "1234" "947eaa6c")));
	buf_fini(&a);
	buf_fini(&b);
}
END_TEST

static const struct {
	const char *template;
	size_t at;
	const char *why;	/* a part of it */
} bad[] = {
	{ "", 0, "missing" },
	{ "/var/log/x", 0, "relative" },
	{ "logs/", 5, "missing" },
	{ "a//b", 2, "nothing between" },
	{ "../x", 0, "no names" },
	{ "a/../x", 2, "no names" },
	{ "a/.", 2, "no names" },
	{ "a/..", 2, "no names" },
	{ "{host}/{nope}.log", 7, "no such variable" },
	{ "{host}/{}.log", 7, "no such variable" },
	{ "{host}/{app", 7, "without '}'" },
	{ "ab}c", 2, "without '{'" },
	{ "a\nb", 1, "control" },
	{ "x/{host}{app}{peer}{host}", 2, "too long" },
	{ "{day}{day}{day}{day}{day}{day}{day}{day}{day}{day}{day}{day}{day}{day}{day}{day}"
	  "{day}{day}{day}{day}{day}{day}{day}{day}{day}{day}{day}{day}{day}{day}{day}{day}x",
	  161, "too many" },
	{ "{host}{app}{peer}/{host}{app}{peer}/{host}{app}{peer}/{host}{app}{peer}/"
	  "{host}{app}{peer}", 72, "path could become" },
};

START_TEST(bad_templates)
{
	struct file_name f;
	const char *why = "";
	size_t at = 999;

	ck_assert_msg(!file_name_compile(&f, slice_str(bad[_i].template), &at, &why),
	    "%s", bad[_i].template);
	ck_assert_msg(at == bad[_i].at && strstr(why, bad[_i].why) != NULL,
	    "%s: %zu: %s", bad[_i].template, at, why);
	at = 999;
	why = "";
	ck_assert_ptr_null(file_name_new(slice_str(bad[_i].template), &at, &why));
	ck_assert(at == bad[_i].at && strstr(why, bad[_i].why) != NULL);
	ck_assert_ptr_null(file_name_new(slice_str(bad[_i].template), NULL, NULL));
}
END_TEST

START_TEST(owned)
{
	struct record r = record(SLICE("h"), SLICE("a"), SLICE(""));
	struct buf out = BUF_INIT(4096);
	char template[] = "{host}-{app}.log";
	struct file_name *f = file_name_new(slice_str(template), NULL, NULL);

	ck_assert_ptr_nonnull(f);
	memset(template, 'x', sizeof template);
	ck_assert(file_name_expand(f, &r, &out));
	ck_assert(slice_eq(buf_slice(&out), SLICE("h-a.log")));
	file_name_free(f);
	file_name_free(NULL);
	buf_fini(&out);
}
END_TEST

START_TEST(what_is_used)
{
	struct file_name f;
	const char *why;
	size_t at;

	ck_assert(file_name_compile(&f, SLICE("{host}-{hour}"), &at, &why));
	ck_assert_uint_eq(f.uses, 1u << FILE_NAME_HOST | 1u << FILE_NAME_HOUR |
	    1u << FILE_NAME_TEXT);
}
END_TEST

int
main(void)
{
	Suite *s = suite_create("file_name");
	TCase *t = tcase_create("all");
	SRunner *sr;
	int failed;

	tcase_add_test(t, variables);
	tcase_add_loop_test(t, strangers, 0, sizeof hosts / sizeof hosts[0]);
	tcase_add_test(t, long_names_differ);
	tcase_add_loop_test(t, bad_templates, 0, sizeof bad / sizeof bad[0]);
	tcase_add_test(t, owned);
	tcase_add_test(t, what_is_used);
	suite_add_tcase(s, t);
	sr = srunner_create(s);
	srunner_run_all(sr, CK_NORMAL);
	failed = srunner_ntests_failed(sr);
	srunner_free(sr);
	return failed != 0;
}
