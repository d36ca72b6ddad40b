/* HTTP heads and chunks: what is taken, and every shape that two servers could
 * understand in two ways. */
#include "config.h"

#include <check.h>
#include <stdlib.h>

#include "proto/http.h"
#include "tests/unit/edge.h"

#define H "POST /events/a?b HTTP/1.1\r\nHost: x\r\n"

static const struct {
	const char *in;
	unsigned status;	/* 0: taken */
	const char *said;	/* "length chunked keep expects", or the reason */
} rows[] = {
	{ H "\r\n", 0, "0 - k -" },
	{ H "Content-Length: 12\r\n\r\n", 0, "12 - k -" },
	{ H "content-length:\t 12 \r\n\r\n", 0, "12 - k -" },
	{ "\r\n" H "\r\n", 0, "0 - k -" },
	{ H "Transfer-Encoding: chunked\r\n\r\n", 0, "0 c k -" },
	{ H "transfer-encoding: Chunked\r\n\r\n", 0, "0 c k -" },
	{ H "Expect: 100-Continue\r\n\r\n", 0, "0 - k e" },
	{ H "Connection: close\r\n\r\n", 0, "0 - - -" },
	{ H "Connection: x, Close\r\n\r\n", 0, "0 - - -" },
	{ "POST / HTTP/1.0\r\n\r\n", 0, "0 - - -" },
	{ "POST / HTTP/1.0\r\nConnection: keep-alive\r\n\r\n", 0, "0 - k -" },
	/* two lengths */
	{ H "Content-Length: 4\r\nTransfer-Encoding: chunked\r\n\r\n", 400, "bad_framing" },
	{ H "Transfer-Encoding: chunked\r\nContent-Length: 4\r\n\r\n", 400, "bad_framing" },
	{ H "Content-Length: 4\r\nContent-Length: 4\r\n\r\n", 400, "bad_framing" },
	{ H "Content-Length: 4\r\nContent-Length: 5\r\n\r\n", 400, "bad_framing" },
	{ H "Content-Length: 4, 4\r\n\r\n", 400, "bad_framing" },
	{ H "Content-Length: +4\r\n\r\n", 400, "bad_framing" },
	{ H "Content-Length: -4\r\n\r\n", 400, "bad_framing" },
	{ H "Content-Length: 0x4\r\n\r\n", 400, "bad_framing" },
	{ H "Content-Length: 4 4\r\n\r\n", 400, "bad_framing" },
	{ H "Content-Length:\r\n\r\n", 400, "bad_framing" },
	{ H "Content-Length: 99999999999999999999\r\n\r\n", 400, "bad_framing" },
	{ H "Transfer-Encoding: chunked\r\nTransfer-Encoding: chunked\r\n\r\n", 400, "bad_framing" },
	{ H "Transfer-Encoding: chunked, identity\r\n\r\n", 501, "bad_framing" },
	{ H "Transfer-Encoding: xchunked\r\n\r\n", 501, "bad_framing" },
	{ H "Transfer-Encoding: \"chunked\"\r\n\r\n", 501, "bad_framing" },
	{ "POST / HTTP/1.0\r\nTransfer-Encoding: chunked\r\n\r\n", 400, "bad_framing" },
	/* names and lines */
	{ H "Content-Length : 4\r\n\r\n", 400, "syntax" },
	{ H " Content-Length: 4\r\n\r\n", 400, "syntax" },
	{ H "X: a\r\n Content-Length: 4\r\n\r\n", 400, "syntax" },
	{ H "X: a\rContent-Length: 4\r\n\r\n", 400, "syntax" },
	{ H "X: a\nContent-Length: 4\r\n\r\n", 400, "syntax" },
	{ H "Content-Length: 4\n\n", 400, "syntax" },
	{ H "X\x0b: a\r\n\r\n", 400, "syntax" },
	{ H "X: \x0b\r\n\r\n", 400, "syntax" },
	{ H "X: \x7f\r\n\r\n", 400, "syntax" },
	{ H "X\r\n\r\n", 400, "syntax" },
	{ H ": x\r\n\r\n", 400, "syntax" },
	{ H "Host: y\r\n\r\n", 400, "syntax" },
	{ "POST / HTTP/1.1\r\n\r\n", 400, "syntax" },
	{ "POST / HTTP/1.1\nHost: x\n\n", 400, "syntax" },
	/* the request line */
	{ "POST /\r\n\r\n", 400, "syntax" },
	{ "POST  / HTTP/1.1\r\nHost: x\r\n\r\n", 400, "syntax" },
	{ "POST / HTTP/1.1 \r\nHost: x\r\n\r\n", 400, "syntax" },
	{ "POST / x HTTP/1.1\r\nHost: x\r\n\r\n", 400, "syntax" },
	{ "POST /\ta HTTP/1.1\r\nHost: x\r\n\r\n", 400, "syntax" },
	{ "POST /\x80 HTTP/1.1\r\nHost: x\r\n\r\n", 400, "syntax" },
	{ "P(ST / HTTP/1.1\r\nHost: x\r\n\r\n", 400, "syntax" },
	{ "POST http://x/ HTTP/1.1\r\nHost: x\r\n\r\n", 400, "syntax" },
	{ "POST / HTTP/1.2\r\nHost: x\r\n\r\n", 400, "syntax" },
	{ "PRI * HTTP/2.0\r\n\r\n", 505, "bad_value" },
	{ H "Expect: money\r\n\r\n", 417, "bad_value" },
};

static void
say(enum http_answer a, const struct http_request *r,
    const struct http_fault *f, struct buf *b)
{
	if (a == HTTP_BAD)
		buf_printf(b, "%s", reason_name(f->reason));
	else
		buf_printf(b, "%llu %c %c %c", (unsigned long long)r->length,
		    r->chunked ? 'c' : '-', r->keep_alive ? 'k' : '-',
		    r->expects ? 'e' : '-');
}

START_TEST(row)
{
	struct slice in = slice_str(rows[_i].in);

	for (int slow = 0; slow < 2; slow++) {
		struct buf said = BUF_INIT(1024);
		struct http_request r;
		struct http_fault f = { 0, REASON_NONE, "" };
		enum http_answer a = HTTP_MORE;
		struct edge e;
		size_t seen = 0, used = 0;

		for (size_t n = slow ? 0 : in.len; n <= in.len &&
		    a == HTTP_MORE; n++) {
			a = http_head(edge_copy(&e, in.ptr, n), &seen, &used,
			    &r, &f);
			if (a != HTTP_MORE)
				say(a, &r, &f, &said);
			edge_free(&e);
		}
		ck_assert_int_ne(a, HTTP_MORE);
		ck_assert_str_eq(buf_cstr(&said), rows[_i].said);
		ck_assert_uint_eq(a == HTTP_BAD ? f.status : 0,
		    rows[_i].status);
		if (a == HTTP_READY)
			ck_assert_uint_eq(used, in.len);
		buf_fini(&said);
	}
}
END_TEST

static const struct {
	const char *in, *out;	/* NULL: refused; "...": not yet */
} bodies[] = {
	{ "0\r\n\r\n", "" },
	{ "3\r\nabc\r\n0\r\n\r\n", "abc" },
	{ "3;x=\"y\"\r\nabc\r\n00A\r\n0123456789\r\n0\r\nT: u\r\n\r\n", "abc0123456789" },
	{ "3\r\nabc\r\n0\r\n", "..." },
	{ "3\r\nab", "..." },
	{ "", "..." },
	{ "3\nabc\r\n0\r\n\r\n", NULL },
	{ "3\r\nabcd\r\n0\r\n\r\n", NULL },
	{ "3\r\nabc\n0\r\n\r\n", NULL },
	{ "0x3\r\nabc\r\n0\r\n\r\n", NULL },
	{ "+3\r\nabc\r\n0\r\n\r\n", NULL },
	{ " 3\r\nabc\r\n0\r\n\r\n", NULL },
	{ "\r\nabc\r\n0\r\n\r\n", NULL },
	{ "3 x\r\nabc\r\n0\r\n\r\n", NULL },
	{ "3;\rx\r\nabc\r\n0\r\n\r\n", NULL },
	{ "ffffffffffffffff\r\n", NULL },
	{ "10000000000000003\r\nabc\r\n0\r\n\r\n", NULL },
	{ "41\r\n", NULL },	/* more than the largest body */
	{ "0\r\nT: u\n\r\n", NULL },
	{ "0\r\nT\x01: u\r\n\r\n", NULL },
};

START_TEST(chunks)
{
	struct slice all = slice_str(bodies[_i].in);

	for (size_t slow = 0; slow < 2; slow++) {
		size_t step = slow ? 1 : all.len;
		struct http_chunks c = { HTTP_CHUNK_SIZE, 0, 0 };
		struct buf out = BUF_INIT(64);
		struct http_fault f;
		size_t at = 0, have = 0;
		enum http_answer a = HTTP_MORE;

		while (a == HTTP_MORE && have < all.len) {
			struct slice part;

			have = all.len - have > step ? have + step : all.len;
			part = slice_of(all.ptr + at, have - at);
			a = http_chunks(&c, &part, &out, &f);
			at = have - part.len;
		}
		if (bodies[_i].out == NULL) {
			ck_assert_int_eq(a, HTTP_BAD);
		} else if (strcmp(bodies[_i].out, "...") == 0) {
			ck_assert_int_eq(a, HTTP_MORE);
		} else {
			ck_assert_int_eq(a, HTTP_READY);
			ck_assert(slice_eq(buf_slice(&out),
			    slice_str(bodies[_i].out)));
			ck_assert_uint_eq(at, all.len);
		}
		buf_fini(&out);
	}
}
END_TEST

START_TEST(limits)
{
	struct buf in = BUF_INIT(1 << 20);
	struct http_request r;
	struct http_fault f;
	size_t seen = 0, used;

	buf_adds(&in, H);
	while (in.len < HTTP_HEAD_MAX - 2)
		buf_adds(&in, "X: y\r\n");
	ck_assert_int_eq(http_head(buf_slice(&in), &seen, &used, &r, &f),
	    HTTP_BAD);
	ck_assert_uint_eq(f.status, 431);
	buf_clear(&in);
	buf_adds(&in, H);
	for (int i = 0; i < 64; i++)
		buf_adds(&in, "X: y\r\n");
	buf_adds(&in, "\r\n");
	ck_assert_int_eq(http_head(buf_slice(&in), &seen, &used, &r, &f),
	    HTTP_BAD);
	ck_assert_uint_eq(f.status, 431);
	buf_fini(&in);
}
END_TEST

START_TEST(texts)
{
	struct buf b = BUF_INIT(64);

	ck_assert(http_unescape(SLICE("a%20b%2Fc%"), &b) == false);
	ck_assert(http_unescape(SLICE("%4"), &b) == false);
	ck_assert(http_unescape(SLICE("%4g"), &b) == false);
	buf_clear(&b);
	ck_assert(http_unescape(SLICE("a%20b%2f%C3%a9"), &b));
	ck_assert_str_eq(buf_cstr(&b), "a b/\xc3\xa9");
	buf_clear(&b);
	ck_assert(http_base64(SLICE("YTpi"), &b) && http_base64(SLICE("Yw=="), &b) &&
	    http_base64(SLICE("ZA"), &b) && http_base64(SLICE(""), &b));
	ck_assert_str_eq(buf_cstr(&b), "a:bcd");
	ck_assert(!http_base64(SLICE("Y"), &b));
	ck_assert(!http_base64(SLICE("Y=Q="), &b));
	ck_assert(!http_base64(SLICE("Y Q="), &b));
	buf_fini(&b);
}
END_TEST

int
main(void)
{
	Suite *s = suite_create("http");
	TCase *t = tcase_create("http");
	SRunner *r;
	int failed;

	tcase_add_loop_test(t, row, 0, (int)(sizeof rows / sizeof rows[0]));
	tcase_add_loop_test(t, chunks, 0,
	    (int)(sizeof bodies / sizeof bodies[0]));
	tcase_add_test(t, limits);
	tcase_add_test(t, texts);
	suite_add_tcase(s, t);
	r = srunner_create(s);
	srunner_run_all(r, CK_NORMAL);
	failed = srunner_ntests_failed(r);
	srunner_free(r);
	return failed != 0;
}
