/* XADD's arguments: each option, each refusal. */
#include "config.h"

#include <check.h>
#include <stdlib.h>

#include "proto/resp.h"
#include "proto/xadd.h"

#define LONG64 "0123456789012345678901234567890123456789012345678901234567890123"

static const struct {
	const char *line;	/* as an inline command */
	const char *out;	/* what was read, or the reason */
} rows[] = {
	{ "XADD s * a 1", "s id= pid= iid= a=1" },
	{ "xadd s * a 1 b 2", "s id= pid= iid= a=1 b=2" },
	{ "XADD s * a \"\" \"\" x", "s id= pid= iid= a= =x" },
	{ "XADD s NOMKSTREAM * a 1", "s id= pid= iid= nomkstream a=1" },
	{ "XADD s KEEPREF * a 1", "s id= pid= iid= refs a=1" },
	{ "XADD s delref * a 1", "s id= pid= iid= refs a=1" },
	{ "XADD s ACKED * a 1", "s id= pid= iid= refs a=1" },
	{ "XADD s IDMP p1 17 * a 1", "s id= pid=p1 iid=17 a=1" },
	{ "XADD s idmp p1 e:17 MAXLEN ~ 1000 LIMIT 5 * a 1",
	    "s id= pid=p1 iid=e:17 trim a=1" },
	{ "XADD s MAXLEN 1000 * a 1", "s id= pid= iid= trim a=1" },
	{ "XADD s MAXLEN = 1000 * a 1", "s id= pid= iid= trim a=1" },
	{ "XADD s MINID 17-1 * a 1", "s id= pid= iid= trim a=1" },
	{ "XADD s MINID ~ 17 * a 1", "s id= pid= iid= trim a=1" },
	{ "XADD s IDMPAUTO p1 * a 1",
	    "s id= pid=p1 iid=AUTO a=1" },
	{ "XADD s 5-6 a 1", "s id=5-6 pid= iid= (5 6) a=1" },
	{ "XADD s 5 a 1", "s id=5 pid= iid= (5 0) a=1" },
	{ "XADD s 5-* a 1", "s id=5-* pid= iid= (5 *) a=1" },
	{ "XADD s 18446744073709551615-18446744073709551615 a 1",
	    "s id=18446744073709551615-18446744073709551615 pid= iid= "
	    "(18446744073709551615 18446744073709551615) a=1" },
	{ "XADD s * IDMP p", "s id= pid= iid= IDMP=p" },
	{ "XADD s IDMP p " LONG64 " * a 1", "s id= pid=p iid=" LONG64 " a=1" },
	{ "XADD", "syntax" },
	{ "XADD s * a", "syntax" },
	{ "XADD s * a 1 b", "syntax" },
	{ "XADD s NOMKSTREAM KEEPREF NOMKSTREAM", "syntax" },
	{ "XADD s MAXLEN ~ 1000 *", "syntax" },
	{ "XADD s MAXLEN 1 MAXLEN 2 * a 1", "syntax" },
	{ "XADD s MAXLEN 1 LIMIT 2 * a 1", "syntax" },
	{ "XADD s IDMP p i IDMPAUTO q * a 1", "syntax" },
	{ "XADD s MAXLEN x * a 1", "bad_value" },
	{ "XADD s MINID x * a 1", "bad_value" },
	{ "XADD s MAXLEN ~ 1 LIMIT x * a 1", "bad_value" },
	{ "XADD s x a 1", "bad_value" },
	{ "XADD s -* a 1", "bad_value" },
	{ "XADD s 5-6-7 a 1", "bad_value" },
	{ "XADD s 18446744073709551616 a 1", "bad_value" },
	{ "XADD s 0-0 a 1", "bad_value" },
	{ "XADD s 0 a 1", "bad_value" },
	{ "XADD \"\" * a 1", "bad_stream" },
	{ "XADD \"a\\nb\" * a 1", "bad_stream" },
	{ "XADD " LONG64 LONG64 LONG64 LONG64 " * a 1", "bad_stream" },
	{ "XADD s IDMP \"\" i * a 1", "empty" },
	{ "XADD s IDMP p \"\" * a 1", "empty" },
	{ "XADD s IDMP p " LONG64 "x * a 1", "too_long" },
	{ "XADD s IDMPAUTO " LONG64 "x * a 1", "too_long" },
	{ "XADD s * 1 1 2 2 3 3 4 4 5 5", "too_many" },
};

static void
tell(struct buf *b, const struct event_record *ev, const struct xadd *x)
{
	buf_printf(b, "%.*s id=%.*s pid=%.*s iid=", SLICE_ARG(ev->stream),
	    SLICE_ARG(ev->id), SLICE_ARG(ev->pid));
	if (x->idmp_auto)
		buf_adds(b, ev->iid.len == 32 ? "AUTO" : "?");
	else
		buf_add_slice(b, ev->iid);
	if (!x->id_auto) {
		buf_printf(b, " (%llu ", (unsigned long long)x->ms);
		if (x->seq_auto)
			buf_addc(b, '*');
		else
			buf_add_u64(b, x->seq);
		buf_addc(b, ')');
	}
	if (x->nomkstream)
		buf_adds(b, " nomkstream");
	if (x->refs)
		buf_adds(b, " refs");
	if (x->trim)
		buf_adds(b, " trim");
	for (size_t i = 0; i < ev->nfields; i++)
		buf_printf(b, " %.*s=%.*s", SLICE_ARG(ev->fields[i].key),
		    SLICE_ARG(ev->fields[i].value));
}

START_TEST(row)
{
	struct resp_parser p;
	struct buf line = BUF_INIT(4096), out = BUF_INIT(4096);
	struct event_record ev;
	struct pair pairs[4];
	struct xadd x;
	size_t used;
	enum reason r;

	resp_parser_init(&p, 64, 4096);
	buf_printf(&line, "%s\r\n", rows[_i].line);
	ck_assert_int_eq(resp_request(&p, buf_slice(&line), &used), RESP_READY);
	r = xadd_parse(p.argv, p.argc, pairs, 4, &ev, &x);
	if (r == REASON_NONE)
		tell(&out, &ev, &x);
	else
		buf_adds(&out, reason_name(r));
	ck_assert_str_eq(buf_cstr(&out), rows[_i].out);
	ck_assert_int_eq(r == REASON_NONE, x.error == NULL);
	if (x.error != NULL)
		ck_assert_int_eq(strncmp(x.error, "ERR ", 4), 0);
	buf_fini(&line);
	buf_fini(&out);
	resp_parser_fini(&p);
}
END_TEST

/* IDMPAUTO: the fields, their order and their borders make the iid; the
 * stream and the producer do not. */
START_TEST(auto_iid)
{
	static const struct slice argvs[][8] = {
		{ SLICE("XADD"), SLICE("s"), SLICE("IDMPAUTO"), SLICE("p"),
		    SLICE("*"), SLICE("ab"), SLICE("c") },
		{ SLICE("XADD"), SLICE("t"), SLICE("IDMPAUTO"), SLICE("q"),
		    SLICE("*"), SLICE("ab"), SLICE("c") },
		{ SLICE("XADD"), SLICE("s"), SLICE("IDMPAUTO"), SLICE("p"),
		    SLICE("*"), SLICE("a"), SLICE("bc") },
	};
	struct event_record ev[3];
	struct pair pairs[3][4];
	struct xadd x[3];

	for (int i = 0; i < 3; i++)
		ck_assert_int_eq(xadd_parse(argvs[i], 7, pairs[i], 4, &ev[i],
		    &x[i]), REASON_NONE);
	ck_assert(slice_eq(ev[0].iid, ev[1].iid));
	ck_assert(!slice_eq(ev[0].iid, ev[2].iid));
}
END_TEST

int
main(void)
{
	Suite *s = suite_create("xadd");
	TCase *t = tcase_create("xadd");
	SRunner *r;
	int failed;

	tcase_add_loop_test(t, row, 0, (int)(sizeof rows / sizeof rows[0]));
	tcase_add_test(t, auto_iid);
	suite_add_tcase(s, t);
	r = srunner_create(s);
	srunner_run_all(r, CK_NORMAL);
	failed = srunner_ntests_failed(r);
	srunner_free(r);
	return failed != 0;
}
