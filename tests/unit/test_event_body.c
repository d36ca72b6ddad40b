/* Bodies of HTTP requests and Fluent messages as events. */
#include "config.h"

#include <check.h>
#include <stdlib.h>

#include "proto/event_body.h"
#include "proto/forward.h"
#include "record/event_hash.h"

#define CE "\"specversion\":\"1.0\",\"id\":\"7\",\"source\":\"/s\",\"type\":\"t\""

static const struct {
	enum event_body type;
	const char *in;
	const char *out;	/* "k=v k=v|k=v", or the reason */
} rows[] = {
	{ EVENT_BODY_JSON, "{\"a\":\"b\"}", "a=b" },
	{ EVENT_BODY_JSON, " { \"a\" : 1.10 , \"b\":-0e5,\"\":true,\"n\":null } \n",
	    "a=1.10 b=-0e5 =true n=" },
	{ EVENT_BODY_JSON, "{\"a\":{\"b\": [1,\"]\"]},\"c\":[]}",
	    "a={\"b\": [1,\"]\"]} c=[]" },
	{ EVENT_BODY_JSON, "{\"\\u0061\\n\":\"\\\"\\\\\\/\\u00e9\\ud83d\\ude00\"}",
	    "a\n=\"\\/\xc3\xa9\xf0\x9f\x98\x80" },
	{ EVENT_BODY_JSON, "{\"a\":\"\\ud83d\",\"b\":\"\\ude00x\",\"c\":\"\\ud83d\\u0041\"}",
	    "a=\xef\xbf\xbd b=\xef\xbf\xbdx c=\xef\xbf\xbd""A" },
	{ EVENT_BODY_JSON, "[{\"a\":1},{\"b\":2}]", "a=1|b=2" },
	{ EVENT_BODY_JSON, "{\"a\":1,\"a\":2}", "a=1 a=2" },
	{ EVENT_BODY_LINES, "{\"a\":1}\r\n\n {\"b\":2}\n", "a=1|b=2" },
	{ EVENT_BODY_CLOUD, "{" CE ",\"data\":{\"x\":1}}",
	    "specversion=1.0 id=7 source=/s type=t data={\"x\":1} (/s 7)" },
	{ EVENT_BODY_CLOUD, "{" CE ",\"data_base64\":\"YWI=\"}",
	    "specversion=1.0 id=7 source=/s type=t data=ab (/s 7)" },
	{ EVENT_BODY_CLOUDS, "[{" CE "}]",
	    "specversion=1.0 id=7 source=/s type=t (/s 7)" },
	{ EVENT_BODY_CLOUD_BINARY, "x\n",
	    "specversion=1.0 id=a b source=/s type=t datacontenttype=text/plain data=x\n (/s a b)" },
	{ EVENT_BODY_JSON, "", "empty" },
	{ EVENT_BODY_JSON, "{}", "empty" },
	{ EVENT_BODY_JSON, "[]", "empty" },
	{ EVENT_BODY_LINES, "\n\n", "empty" },
	{ EVENT_BODY_JSON, "1", "syntax" },
	{ EVENT_BODY_JSON, "{\"a\":1", "syntax" },
	{ EVENT_BODY_JSON, "{\"a\":1,}", "syntax" },
	{ EVENT_BODY_JSON, "{\"a\" 1}", "syntax" },
	{ EVENT_BODY_JSON, "{a:1}", "syntax" },
	{ EVENT_BODY_JSON, "{\"a\":01}", "syntax" },
	{ EVENT_BODY_JSON, "{\"a\":1.}", "syntax" },
	{ EVENT_BODY_JSON, "{\"a\":.5}", "syntax" },
	{ EVENT_BODY_JSON, "{\"a\":1e}", "syntax" },
	{ EVENT_BODY_JSON, "{\"a\":+1}", "syntax" },
	{ EVENT_BODY_JSON, "{\"a\":NaN}", "syntax" },
	{ EVENT_BODY_JSON, "{\"a\":\"\\x\"}", "syntax" },
	{ EVENT_BODY_JSON, "{\"a\":\"\\u12g4\"}", "syntax" },
	{ EVENT_BODY_JSON, "{\"a\":\"\n\"}", "syntax" },
	{ EVENT_BODY_JSON, "{\"a\":[1 2]}", "syntax" },
	{ EVENT_BODY_JSON, "{\"a\":[1}]", "syntax" },
	{ EVENT_BODY_JSON, "{\"a\":1}{\"b\":1}", "syntax" },
	{ EVENT_BODY_JSON, "[{\"a\":1} {\"b\":1}]", "syntax" },
	{ EVENT_BODY_LINES, "{\"a\":1}{\"b\":1}", "syntax" },
	{ EVENT_BODY_JSON, "{\"a\":\"\xff\"}", "not_utf8" },
	{ EVENT_BODY_JSON, "{\"a\":1,\"b\":1,\"c\":1,\"d\":1,\"e\":1}", "too_many" },
	{ EVENT_BODY_LINES, "{\"a\":1}\n{\"a\":1}\n{\"a\":1}\n{\"a\":1}\n", "too_many" },
	{ EVENT_BODY_JSON, "{\"a\":\"0123456789012345678901234567890123456789012345678901234567890123\"}", "too_long" },
	{ EVENT_BODY_CLOUD, "{\"id\":\"7\"}", "bad_fields" },
	{ EVENT_BODY_CLOUD, "{\"specversion\":\"2.0\",\"id\":\"7\",\"source\":\"/s\",\"type\":\"t\"}", "bad_value" },
	{ EVENT_BODY_CLOUD, "{" CE ",\"data_base64\":\"Y\"}", "bad_value" },
	{ EVENT_BODY_CLOUDS, "{" CE "}", "syntax" },
	{ EVENT_BODY_NONE, "{\"a\":1}", "bad_type" },
};

static void
say(const struct event_list *l, struct buf *b)
{
	for (size_t i = 0; i < l->n; i++) {
		const struct event_record *ev = &l->v[i];

		if (i > 0)
			buf_addc(b, '|');
		for (size_t k = 0; k < ev->nfields; k++) {
			if (k > 0)
				buf_addc(b, ' ');
			buf_add_slice(b, ev->fields[k].key);
			buf_addc(b, '=');
			buf_add_slice(b, ev->fields[k].value);
		}
		if (ev->pid.len > 0)
			buf_printf(b, " (%.*s %.*s)", SLICE_ARG(ev->pid),
			    SLICE_ARG(ev->iid));
	}
}

START_TEST(row)
{
	static const char head[] = "POST /x HTTP/1.1\r\nHost: x\r\n"
	    "CE-SpecVersion: 1.0\r\nce-id: a%20b\r\nce-source: /s\r\n"
	    "ce-type: t\r\nContent-Type: text/plain\r\n\r\n";
	struct buf said = BUF_INIT(4096);
	struct http_request r;
	struct http_fault f;
	struct event_list l;
	size_t seen = 0, used, where;
	enum reason why;

	ck_assert_int_eq(http_head(slice_of(head, sizeof head - 1), &seen,
	    &used, &r, &f), HTTP_READY);
	event_list_init(&l, 3, rows[_i].type >= EVENT_BODY_CLOUD ? 8 : 4, 64);
	why = event_body_read(rows[_i].type, &r, slice_str(rows[_i].in), &l,
	    &where);
	if (why == REASON_NONE)
		say(&l, &said);
	else
		buf_adds(&said, reason_name(why));
	ck_assert_str_eq(buf_cstr(&said), rows[_i].out);
	event_list_fini(&l);
	buf_fini(&said);
}
END_TEST

START_TEST(depth)
{
	struct buf in = BUF_INIT(4096);
	struct event_list l;
	struct http_request r = { .nheaders = 0 };
	size_t where;

	for (int n = 63; n <= 64; n++) {
		buf_clear(&in);
		buf_adds(&in, "{\"a\":");
		for (int i = 0; i <= n; i++)
			buf_addc(&in, '[');
		for (int i = 0; i <= n; i++)
			buf_addc(&in, ']');
		buf_addc(&in, '}');
		event_list_init(&l, 3, 4, 4096);
		ck_assert_int_eq(event_body_read(EVENT_BODY_JSON, &r,
		    buf_slice(&in), &l, &where),
		    n == 63 ? REASON_NONE : REASON_TOO_DEEP);
		event_list_fini(&l);
	}
	buf_fini(&in);
}
END_TEST

START_TEST(names)
{
	struct http_request r = { .nheaders = 0 };
	struct event_list l;
	size_t where;
	struct slice key = SLICE("0123456789012345678901234567890123456789"
	    "0123456789012345678901234567890123456789");

	event_list_init(&l, 9, 4, 64);
	event_body_read(EVENT_BODY_JSON, &r, SLICE("[{\"a\":1},{\"a\":1}]"),
	    &l, &where);
	ck_assert(event_body_name(&l, SLICE("p"), SLICE("k")));
	ck_assert(slice_eq(l.v[0].iid, SLICE("k#0")));
	ck_assert(slice_eq(l.v[1].iid, SLICE("k#1")));
	ck_assert(slice_eq(l.v[1].pid, SLICE("p")));
	event_list_fini(&l);
	event_list_init(&l, 9, 4, 64);
	event_body_read(EVENT_BODY_JSON, &r, SLICE("{\"a\":1}"), &l, &where);
	ck_assert(event_body_name(&l, key, key));
	ck_assert_uint_eq(l.v[0].iid.len, EVENT_HASH_TEXT);
	ck_assert(slice_eq(l.v[0].iid, l.v[0].pid));
	event_list_fini(&l);
}
END_TEST

/* ---- Fluent ---- */

#define M(lit) SLICE(lit)

static const struct {
	struct slice in;
	const char *out;	/* "tag chunk: events", or the reason */
} messages[] = {
	{ M("\x93\xa1t\x05\x81\xa1""a\x01"), "t -: time=5 a=1" },
	{ M("\x94\xa1t\x05\x81\xa1""a\xc3\x81\xa5""chunk\xa1""c"), "t c: time=5 a=true" },
	{ M("\x93\xa1t\xd7\x00\x00\x00\x00\x05\x00\x00\x00\x07\x81\xa1""a\xc0"),
	    "t -: time=5.000000007 a=" },
	{ M("\x93\xa1t\x05\x81\xa4time\xa1x"), "t -: time=x" },
	{ M("\x92\xa1t\x92\x92\x01\x81\xa1""a\xff\x92\x02\x81\xa1""a\x92\x01\x81\xa1\"\xc2"),
	    "t -: time=1 a=-1|time=2 a=[1,{\"\\\"\":false}]" },
	{ M("\x92\xa1t\xc4\x06\x92\x01\x81\xa1""a\x02"), "t -: time=1 a=2" },
	{ M("\x92\xa1t\xa6\x92\x01\x81\xa1""a\x02"), "t -: time=1 a=2" },
	{ M("\x92\xa1t\x91\x92\x92\x01\x80\x81\xa1""a\x02"), "t -: time=1 a=2" },
	{ M("\xc0"), " -: " },
	{ M("\x01"), "syntax" },
	{ M("\x90"), "syntax" },
	{ M("\x92\x01\x90"), "syntax" },
	{ M("\x92\xa1t\x01"), "syntax" },
	{ M("\x93\xa1t\x01\x01"), "syntax" },
	{ M("\x92\xa1t\x91\x91\x01"), "syntax" },
	{ M("\x93\xa1t\x90\x01"), "syntax" },
	{ M("\x93\xa1t\xa1x\x81\xa1""a\x01"), "syntax" },
	{ M("\x93\xa1t\xc3\x81\xa1""a\x01"), "bad_time" },
	{ M("\x92\xa1t\xc4\x05\x92\x01\x81\xa1""a"), "truncated" },
	{ M("\x93\xa1t\xc4\x01x\x81\xaa""compressed\xa4gzip"), "bad_compression" },
	{ M("\x93\xa1t\xc4\x01x\x81\xaa""compressed\xa4zstd"), "bad_compression" },
	{ M("\x93\xa1t\x05\x85\xa1""a\x01\xa1""b\x01\xa1""c\x01\xa1""d\x01\xa1""e\x01"), "too_many" },
};

START_TEST(message)
{
	struct forward_limits limits = { 4096 };
	struct buf said = BUF_INIT(4096);
	struct forward_message m;
	struct msgpack_scan s;
	struct event_list l;
	uint64_t values;
	size_t len;
	enum reason why;

	msgpack_scan_init(&s, 4096, 100);
	ck_assert_int_eq(msgpack_scan(&s, messages[_i].in, &len, &values),
	    MSGPACK_READY);
	ck_assert_uint_eq(len, messages[_i].in.len);
	event_list_init(&l, 3, 4, 64);
	why = forward_read(messages[_i].in, values, &limits, &m, &l);
	if (why == REASON_NONE) {
		buf_add_slice(&said, m.tag);
		buf_addc(&said, ' ');
		buf_add_slice(&said, m.chunk.ptr == NULL ? SLICE("-") : m.chunk);
		buf_adds(&said, ": ");
		say(&l, &said);
	} else {
		buf_adds(&said, reason_name(why));
	}
	ck_assert_str_eq(buf_cstr(&said), messages[_i].out);
	forward_message_fini(&m);
	event_list_fini(&l);
	buf_fini(&said);
}
END_TEST

static const struct {
	struct slice in;
	enum reason why;	/* NONE: not whole yet */
} scans[] = {
	{ M(""), REASON_NONE },
	{ M("\x92\x01"), REASON_NONE },
	{ M("\xdd\x00"), REASON_NONE },
	{ M("\xc6\x00\x00\x00\x05""abcd"), REASON_NONE },
	{ M("\xc1"), REASON_BAD_FRAMING },
	{ M("\x92\x01\xc1"), REASON_BAD_FRAMING },
	{ M("\xdd\xff\xff\xff\xff"), REASON_TOO_LONG },
	{ M("\xdf\xff\xff\xff\xff"), REASON_TOO_LONG },
	{ M("\xdb\xff\xff\xff\xff"), REASON_TOO_LONG },
	{ M("\xc9\xff\xff\xff\xff\x00"), REASON_TOO_LONG },
	{ M("\xdc\x01\x00"), REASON_TOO_MANY },
	{ M("\x91\x91\x91\x91\x91\x91\x91\x91\x91\x91\x91\x91\x91\x91\x91"
	    "\x91\x91\x91\x91\x91\x91\x91\x91\x91\x91\x91"), REASON_TOO_DEEP },
};

START_TEST(scanned)
{
	struct msgpack_scan s;
	uint64_t values;
	size_t len;
	enum msgpack_answer a;

	msgpack_scan_init(&s, 4096, 100);
	a = msgpack_scan(&s, scans[_i].in, &len, &values);
	if (scans[_i].why == REASON_NONE) {
		ck_assert_int_eq(a, MSGPACK_MORE);
	} else {
		ck_assert_int_eq(a, MSGPACK_BAD);
		ck_assert_int_eq(s.reason, scans[_i].why);
	}
}
END_TEST

#define N(a) ((int)(sizeof a / sizeof a[0]))

int
main(void)
{
	Suite *s = suite_create("event bodies");
	TCase *t = tcase_create("event bodies");
	SRunner *r;
	int failed;

	tcase_add_loop_test(t, row, 0, N(rows));
	tcase_add_test(t, depth);
	tcase_add_test(t, names);
	tcase_add_loop_test(t, message, 0, N(messages));
	tcase_add_loop_test(t, scanned, 0, N(scans));
	suite_add_tcase(s, t);
	r = srunner_create(s);
	srunner_run_all(r, CK_NORMAL);
	failed = srunner_ntests_failed(r);
	srunner_free(r);
	return failed != 0;
}
