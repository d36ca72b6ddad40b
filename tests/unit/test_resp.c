/* RESP: requests at once and byte by byte, every refusal, replies there and
 * back. */
#include "config.h"

#include <check.h>
#include <stdio.h>
#include <stdlib.h>

#include "proto/resp.h"
#include "tests/unit/edge.h"

#define MAX_ARGS 8
#define MAX_BYTES 256

/* Everything that a parser said about some input, as text:
 * "[a|b]" a command, "!too_many" refused, "#bad_framing" bad, "." waits. */
static void
run(const char *in, size_t len, size_t step, struct buf *said)
{
	struct resp_parser p;
	struct edge e;
	size_t start = 0, have = 0, used;
	enum resp_status s = RESP_MORE;

	resp_parser_init(&p, MAX_ARGS, MAX_BYTES);
	while (have < len || s != RESP_MORE) {
		struct slice part;

		if (s == RESP_MORE)
			have = have + step < len ? have + step : len;
		part = edge_copy(&e, in + start, have - start);
		s = resp_request(&p, part, &used);
		ck_assert_uint_le(used, have - start);
		if (s == RESP_READY) {
			buf_addc(said, '[');
			for (size_t i = 0; i < p.argc; i++) {
				if (i > 0)
					buf_addc(said, '|');
				buf_add_slice(said, p.argv[i]);
			}
			buf_addc(said, ']');
		} else if (s == RESP_REFUSED) {
			buf_printf(said, "!%s", reason_name(p.reason));
			ck_assert_ptr_nonnull(p.error);
		} else if (s == RESP_BAD) {
			buf_printf(said, "#%s", reason_name(p.reason));
			ck_assert_ptr_nonnull(p.error);
		} else if (step == 1) {
			/* a caller that drops what was used never has to hold more */
			ck_assert_uint_lt(have - start - used, MAX_BYTES);
		}
		start += used;
		edge_free(&e);
		if (s == RESP_BAD)
			break;
	}
	if (s == RESP_MORE && start < len)
		buf_addc(said, '.');
	resp_parser_fini(&p);
}

#define B10 "0123456789"
#define B100 B10 B10 B10 B10 B10 B10 B10 B10 B10 B10
#define B300 B100 B100 B100

static const struct {
	const char *in, *out;
} requests[] = {
	{ "", "" },
	{ "*1\r\n$4\r\nPING\r\n", "[PING]" },
	{ "*2\r\n$4\r\nECHO\r\n$0\r\n\r\n", "[ECHO|]" },
	{ "*2\r\n$4\r\nECHO\r\n$4\r\na\r\nb\r\n*1\r\n$1\r\nx\r\n",
	    "[ECHO|a\r\nb][x]" },
	{ "*0\r\n*-1\r\n\r\n   \r\n*1\r\n$1\r\nx\r\n", "[x]" },
	{ "PING\r\nPING\n  a  b\tc \r\n", "[PING][PING][a|b|c]" },
	{ "a \"b c\" 'd e' \"\" x\"y z\"\r\n", "[a|b c|d e||xy z]" },
	{ "a \"\\n\\t\\x41\\xzz\\q\\\"\" '\\'\\n'\r\n", "[a|\n\tAxzzq\"|'\\n]" },
	{ "a \"b\r\n", "#syntax" },
	{ "a \"b\"c\r\n", "#syntax" },
	{ "a 'b\r\n", "#syntax" },
	{ "a \"\\\r\n", "#syntax" },
	{ "POST / HTTP/1.1\r\n", "#unsafe" },
	{ "GET / HTTP/1.1\r\nHost: a\r\n", "[GET|/|HTTP/1.1]#unsafe" },
	{ "*1\r\n$4\r\nPI", "." },
	{ "*1", "." },
	{ "PIN", "." },
	{ "*1\r\n:4\r\n", "#bad_framing" },
	{ "*1\r\n$4\r\nPINGxx*1\r\n", "#bad_framing" },
	{ "*1\n$4\r\n", "#bad_framing" },
	{ "*\r\n", "#bad_framing" },
	{ "*+1\r\n", "#bad_framing" },
	{ "*1x\r\n", "#not_a_number" },
	{ "*9223372036854775808\r\n", "#not_a_number" },
	{ "*9223372036854775807\r\n", "#too_many" },
	{ "*00000000000000000000000001\r\n", "#bad_framing" },
	{ "*1\r\n$9223372036854775808\r\n", "#not_a_number" },
	{ "*1\r\n$9223372036854775807\r\n", "#too_long" },
	{ "*1\r\n$536870913\r\n", "#too_long" },
	{ "*1\r\n$-1\r\n", "#too_long" },
	{ "*1\r\n$-9223372036854775809\r\n", "#not_a_number" },
	{ "*1000000\r\n$1\r\na\r\n$1\r\nb\r\n", "" },	/* being skipped */
	{ "*1048577\r\n", "#too_many" },
	{ "*9\r\n$1\r\n1\r\n$1\r\n2\r\n$1\r\n3\r\n$1\r\n4\r\n$1\r\n5\r\n"
	    "$1\r\n6\r\n$1\r\n7\r\n$1\r\n8\r\n$1\r\n9\r\n*1\r\n$1\r\nx\r\n",
	    "!too_many[x]" },
	{ "1 2 3 4 5 6 7 8 9\r\nx\r\n", "!too_many[x]" },
	{ "*3\r\n$1\r\na\r\n$300\r\n" B300 "\r\n$1\r\nc\r\n*1\r\n$1\r\nx\r\n",
	    "!too_long[x]" },
	{ "*4\r\n$100\r\n" B100 "\r\n$100\r\n" B100 "\r\n$100\r\n" B100
	    "\r\n$1\r\nc\r\n*1\r\n$1\r\nx\r\n", "!too_long[x]" },
	/* the next head would end beyond what may be held */
	{ "*3\r\n$100\r\n" B100 "\r\n$124\r\n" B100 B10 B10 "0123"
	    "\r\n$000000000000001\r\nc\r\n*1\r\n$1\r\nx\r\n", "!too_long[x]" },
	{ B300 "\r\n", "#too_long" },
	{ B300, "#too_long" },
};

START_TEST(request)
{
	static const size_t steps[] = { 100000, 1, 2, 3, 7, 16, 250 };
	const char *in = requests[_i].in;

	for (size_t i = 0; i < sizeof steps / sizeof steps[0]; i++) {
		struct buf said = BUF_INIT(1 << 20);

		run(in, strlen(in), steps[i], &said);
		ck_assert_str_eq(buf_cstr(&said), requests[_i].out);
		buf_fini(&said);
	}
}
END_TEST

/* A million arguments are announced: memory follows what came, not that. */
START_TEST(announced_is_not_allocated)
{
	struct resp_parser p;
	size_t used;

	resp_parser_init(&p, RESP_MAX_MULTIBULK, RESP_MAX_BULK);
	ck_assert_int_eq(resp_request(&p, SLICE("*1000000\r\n$536000000\r\nab"),
	    &used), RESP_MORE);
	ck_assert_uint_eq(used, 0);
	ck_assert_uint_eq(p.cap, 0);
	resp_parser_fini(&p);
}
END_TEST

START_TEST(writers)
{
	struct buf b = BUF_INIT(1 << 16);
	struct slice argv[] = { SLICE("XADD"), SLICE("") };

	resp_add_simple(&b, "OK");
	resp_add_error(&b, "ERR a\r\nb");
	resp_add_bulk(&b, SLICE("a\0b"));
	resp_add_int(&b, INT64_MIN);
	resp_add_array(&b, 0);
	resp_add_map(&b, 2, 2);
	resp_add_map(&b, 2, 3);
	resp_add_null(&b, 2);
	resp_add_null(&b, 3);
	resp_add_null_array(&b, 2);
	resp_add_null_array(&b, 3);
	resp_add_bool(&b, true, 2);
	resp_add_bool(&b, false, 3);
	resp_add_id(&b, UINT64_MAX, 0);
	resp_add_request(&b, argv, 2);
	ck_assert(slice_eq(buf_slice(&b), SLICE("+OK\r\n-ERR a  b\r\n"
	    "$3\r\na\0b\r\n:-9223372036854775808\r\n*0\r\n*4\r\n%2\r\n"
	    "$-1\r\n_\r\n*-1\r\n_\r\n:1\r\n#f\r\n"
	    "$22\r\n18446744073709551615-0\r\n"
	    "*2\r\n$4\r\nXADD\r\n$0\r\n\r\n")));
	buf_fini(&b);
}
END_TEST

/* A full buffer stays as it was. */
START_TEST(writers_when_full)
{
	for (size_t max = 0; max < 24; max++) {
		struct buf b = BUF_INIT(max);
		bool ok = resp_add_bulk(&b, SLICE("0123456789"));

		ck_assert_int_eq(ok, max >= 17);
		ck_assert_uint_eq(b.len, ok ? 17 : 0);
		ok = resp_add_error(&b, "ERR");
		ck_assert_int_eq(ok, max >= 6 && b.max - (b.len - (ok ? 6 : 0)) >= 6);
		buf_fini(&b);
	}
}
END_TEST

/* What a reply says: types and texts, "(" and ")" around what is inside. */
static void
tell(struct slice *r, struct buf *out)
{
	static const char *const names[] = { "simple", "error", "int", "bulk",
	    "null", "bool", "double", "bignum", "array", "map", "push",
	    "attribute" };
	struct resp_value v;
	uint64_t n;

	if (!resp_value_next(r, &v))
		return;
	buf_adds(out, names[v.type]);
	buf_addc(out, ' ');
	if (v.type == RESP_INT || v.type == RESP_BOOL)
		buf_add_i64(out, v.integer);
	else
		buf_add_slice(out, v.text);
	n = v.type == RESP_MAP || v.type == RESP_ATTRIBUTE ? 2 * v.count :
	    v.count;
	if (v.type >= RESP_ARRAY) {
		buf_addc(out, '(');
		for (uint64_t i = 0; i < n; i++)
			tell(r, out);
		buf_addc(out, ')');
	}
	buf_addc(out, ';');
	if (v.type == RESP_ATTRIBUTE)
		tell(r, out);
}

static const struct {
	const char *in;
	enum resp_status status;
	const char *out;	/* or the name of the reason */
} replies[] = {
	{ "+OK\r\n", RESP_READY, "simple OK;" },
	{ "-ERR x\r\n", RESP_READY, "error ERR x;" },
	{ "!5\r\nERR x\r\n", RESP_READY, "error ERR x;" },
	{ ":-12\r\n", RESP_READY, "int -12;" },
	{ "$3\r\na\nb\r\n", RESP_READY, "bulk a\nb;" },
	{ "$0\r\n\r\n", RESP_READY, "bulk ;" },
	{ "=7\r\ntxt:abc\r\n", RESP_READY, "bulk abc;" },
	{ "$-1\r\n", RESP_READY, "null ;" },
	{ "*-1\r\n", RESP_READY, "null ;" },
	{ "_\r\n", RESP_READY, "null ;" },
	{ "#t\r\n", RESP_READY, "bool 1;" },
	{ ",1.5\r\n", RESP_READY, "double 1.5;" },
	{ "(123456789012345678901234\r\n", RESP_READY,
	    "bignum 123456789012345678901234;" },
	{ "*0\r\n", RESP_READY, "array ();" },
	{ "*2\r\n:1\r\n*1\r\n$1\r\na\r\n", RESP_READY,
	    "array (int 1;array (bulk a;););" },
	{ "%1\r\n+a\r\n~1\r\n:1\r\n", RESP_READY,
	    "map (simple a;array (int 1;););" },
	{ ">1\r\n+a\r\n", RESP_READY, "push (simple a;);" },
	{ "|1\r\n+a\r\n:1\r\n+OK\r\n", RESP_READY,
	    "attribute (simple a;int 1;);simple OK;" },
	{ "*2\r\n*0\r\n*0\r\n", RESP_READY, "array (array ();array (););" },
	{ "", RESP_MORE, "" },
	{ "*2\r\n:1\r\n", RESP_MORE, "" },
	{ "$3\r\nab", RESP_MORE, "" },
	{ "|1\r\n+a\r\n:1\r\n", RESP_MORE, "" },
	{ "x\r\n", RESP_BAD, "bad_framing" },
	{ "+OK\n", RESP_BAD, "bad_framing" },
	{ ":1x\r\n", RESP_BAD, "bad_framing" },
	{ "#x\r\n", RESP_BAD, "bad_framing" },
	{ "_x\r\n", RESP_BAD, "bad_framing" },
	{ "$-2\r\n", RESP_BAD, "bad_framing" },
	{ "%-1\r\n", RESP_BAD, "bad_framing" },
	{ "$536870913\r\n", RESP_BAD, "bad_framing" },
	{ "$9223372036854775808\r\n", RESP_BAD, "bad_framing" },
	{ "*4294967296\r\n", RESP_BAD, "bad_framing" },
	{ "*4294967295\r\n", RESP_BAD, "too_many" },
	{ "$3\r\nabcde", RESP_BAD, "bad_framing" },
	{ "$5000\r\n", RESP_BAD, "too_long" },
	{ "*1\r\n*1\r\n*1\r\n*1\r\n*1\r\n*1\r\n*1\r\n*1\r\n*1\r\n*1\r\n*1\r\n"
	    "*1\r\n*1\r\n*1\r\n*1\r\n*1\r\n*1\r\n", RESP_BAD, "too_deep" },
};

static void
reply_in_steps(size_t i, size_t step)
{
	const char *in = replies[i].in;
	size_t len = strlen(in), have = 0, whole = 0;
	enum resp_status s = RESP_MORE;
	struct resp_reply r;
	struct edge e = { NULL, 0 };
	struct slice part;

	resp_reply_init(&r, 4096);
	do {
		have = have + step < len ? have + step : len;
		part = edge_copy(&e, in, have);
		s = resp_reply_scan(&r, part, &whole);
		if (s == RESP_READY) {
			struct buf out = BUF_INIT(4096);
			struct slice rest = slice_upto(part, whole);
			struct slice again = rest;
			struct resp_value v;

			tell(&rest, &out);
			ck_assert_str_eq(buf_cstr(&out), replies[i].out);
			ck_assert_uint_eq(rest.len, 0);
			ck_assert(resp_value_skip(&again, &v));
			ck_assert_uint_eq(again.len, 0);
			buf_fini(&out);
		}
		edge_free(&e);
	} while (s == RESP_MORE && have < len);
	ck_assert_int_eq(s, replies[i].status);
	if (s == RESP_BAD)
		ck_assert_str_eq(reason_name(r.reason), replies[i].out);
	if (s == RESP_READY)
		ck_assert_uint_eq(whole, len);
}

START_TEST(reply)
{
	reply_in_steps((size_t)_i, 100000);
	reply_in_steps((size_t)_i, 1);
	reply_in_steps((size_t)_i, 3);
}
END_TEST

/* Two replies in one buffer: the first is taken, the second follows. */
START_TEST(reply_after_reply)
{
	struct resp_reply r;
	size_t len = 0;
	struct slice in = SLICE("*1\r\n:1\r\n+OK\r\n");

	resp_reply_init(&r, 4096);
	ck_assert_int_eq(resp_reply_scan(&r, in, &len), RESP_READY);
	ck_assert_uint_eq(len, 8);
	in = slice_from(in, len);
	ck_assert_int_eq(resp_reply_scan(&r, in, &len), RESP_READY);
	ck_assert_uint_eq(len, 5);
}
END_TEST

int
main(void)
{
	Suite *s = suite_create("resp");
	TCase *t = tcase_create("resp");
	SRunner *r;
	int failed;

	tcase_add_loop_test(t, request, 0,
	    (int)(sizeof requests / sizeof requests[0]));
	tcase_add_test(t, announced_is_not_allocated);
	tcase_add_test(t, writers);
	tcase_add_test(t, writers_when_full);
	tcase_add_loop_test(t, reply, 0,
	    (int)(sizeof replies / sizeof replies[0]));
	tcase_add_test(t, reply_after_reply);
	suite_add_tcase(s, t);
	r = srunner_create(s);
	srunner_run_all(r, CK_NORMAL);
	failed = srunner_ntests_failed(r);
	srunner_free(r);
	return failed != 0;
}
