/* test_send.c - what `millrace send` puts on the wire, and what it refuses. */
#include "config.h"

#include <check.h>
#include <stdlib.h>
#include <string.h>

#include "app/send.h"

static const struct {
	const char *name, *value, *type, *rate, *tag;
	const char *line;		/* NULL: refused */
} metrics[] = {
	{ "a.b", "3", NULL, NULL, NULL,		"a.b:3|c" },
	{ "a", "-5", "g", NULL, NULL,		"a:-5|g" },
	{ "a", "+5.25", "g", NULL, NULL,	"a:+5.25|g" },
	{ "a", "1e3", "ms", "0.1", NULL,	"a:1e3|ms|@0.1" },
	{ "a", "u ser", "s", NULL, "k=v",	"a:u ser|s|#k:v" },
	{ "a", "1", "c", NULL, "k",		"a:1|c|#k" },
	{ "a", "1", "c", NULL, "k=a=b",		"a:1|c|#k:a=b" },
	{ "", "1", NULL, NULL, NULL,		NULL },
	{ "a:b", "1", NULL, NULL, NULL,		NULL },
	{ "a\nb", "1", NULL, NULL, NULL,	NULL },
	{ "a", "", NULL, NULL, NULL,		NULL },
	{ "a", "1x", NULL, NULL, NULL,		NULL },
	{ "a", "nan", NULL, NULL, NULL,		NULL },
	{ "a", "0x10", NULL, NULL, NULL,	NULL },
	{ "a", "1e999", NULL, NULL, NULL,	NULL },
	{ "a", " 1", NULL, NULL, NULL,		NULL },
	{ "a", "", "s", NULL, NULL,		NULL },
	{ "a", "1|c", "s", NULL, NULL,		NULL },
	{ "a", "1", "q", NULL, NULL,		NULL },
	{ "a", "1", NULL, "0", NULL,		NULL },
	{ "a", "1", NULL, "1.5", NULL,		NULL },
	{ "a", "1", NULL, NULL, "=v",		NULL },
	{ "a", "1", NULL, NULL, "k=a,b",	NULL },
};

START_TEST(metric_lines)
{
	struct send_opts o = { .type = metrics[_i].type, .rate = metrics[_i].rate };
	struct buf b = BUF_INIT(4096);
	enum send_exit rc;

	if (metrics[_i].tag != NULL)
		o.tags[o.ntags++] = slice_str(metrics[_i].tag);
	rc = send_metric_line(&o, metrics[_i].name, metrics[_i].value, &b);
	if (metrics[_i].line == NULL)
		ck_assert_int_eq(rc, SEND_DATA);
	else {
		ck_assert_int_eq(rc, SEND_OK);
		ck_assert_str_eq(buf_cstr(&b), metrics[_i].line);
	}
	buf_fini(&b);
}
END_TEST

START_TEST(log_lines)
{
	struct send_opts o = { .severity = "ERROR", .facility = "local7",
	    .host = "my host", .app = "pay\x01ments" };
	struct buf b = BUF_INIT(4096);
	const char *text;

	ck_assert_int_eq(send_log_line(&o, SLICE("hello there"), &b), SEND_OK);
	text = buf_cstr(&b);
	ck_assert_msg(strncmp(text, "<187>1 ", 7) == 0, "%s", text);
	ck_assert_ptr_nonnull(strstr(text, "Z my_host pay_ments "));
	ck_assert_ptr_nonnull(strstr(text, " - - hello there"));
	buf_clear(&b);
	o.severity = "worse";
	ck_assert_int_eq(send_log_line(&o, SLICE("x"), &b), SEND_DATA);
	o.severity = "warn";
	o.facility = "local8";
	ck_assert_int_eq(send_log_line(&o, SLICE("x"), &b), SEND_DATA);
	buf_fini(&b);
}
END_TEST

int
main(void)
{
	Suite *s = suite_create("send");
	TCase *t = tcase_create("send");
	SRunner *r;
	int failed;

	tcase_add_loop_test(t, metric_lines, 0, sizeof metrics / sizeof *metrics);
	tcase_add_test(t, log_lines);
	suite_add_tcase(s, t);
	r = srunner_create(s);
	srunner_run_all(r, CK_NORMAL);
	failed = srunner_ntests_failed(r);
	srunner_free(r);
	return failed != 0;
}
