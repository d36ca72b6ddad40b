/* test_relp.c - RELP frames and both ends of a session. */
#include "config.h"

#include <check.h>
#include <stdio.h>
#include <stdlib.h>

#include "base/buf.h"
#include "proto/relp.h"

/* All frames of a stream, fed in pieces, as text. */
static void
parse(struct slice in, size_t piece, unsigned *seed, struct buf *got)
{
	struct buf kept = BUF_INIT(1 << 20);
	struct relp_parser p;
	struct relp_frame f;
	enum relp_answer a = RELP_MORE;
	size_t at = 0, n;

	relp_parser_init(&p, 64, 100000);
	while (at < in.len && a != RELP_BAD) {
		n = piece > 0 ? piece : (size_t)rand_r(seed) % 20 + 1;
		if (n > in.len - at)
			n = in.len - at;
		buf_add(&kept, in.ptr + at, n);
		at += n;

		char *exact = malloc(kept.len + 1);
		struct slice s = { exact + 1, kept.len };

		memcpy(exact + 1, kept.data, kept.len);
		while ((a = relp_next(&p, &s, &f)) == RELP_READY) {
			buf_printf(got, "%u %d %u ", f.txnr, f.command, f.length);
			buf_add_slice(got, f.data);
			buf_addc(got, '|');
		}
		ck_assert_uint_le(s.len, 64 + RELP_HEADER_MAX + 1);
		buf_consume(&kept, kept.len - s.len);
		free(exact);
	}
	if (a == RELP_BAD) {
		struct slice s = SLICE("1 close 0\n");

		buf_printf(got, "%s", reason_name(p.reason));
		ck_assert_int_eq(relp_next(&p, &s, &f), RELP_BAD);
	} else if (kept.len > 0 || p.in_data) {
		buf_adds(got, "more");
	}
	relp_parser_fini(&p);
	buf_fini(&kept);
}

#define A64 "aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa"

static const struct {
	struct slice in;
	const char *want;
} frames[] = {
	{ SLICE("1 open 14 relp_version=0\n2 syslog 3 a\nb\n9 close 0\n0 serverclose 0\n"),
	    "1 0 14 relp_version=0|2 1 3 a\nb|9 2 0 |0 4 0 |" },
	{ SLICE("7 rsp 6 200 OK\n999999999 frob 1 x\n"), "7 3 6 200 OK|999999999 5 1 x|" },
	{ SLICE("2 syslog 4 abc\n\n3 close 0\n"), "2 1 4 abc\n|3 2 0 |" },
	/* longer than is kept */
	{ SLICE("1 syslog 64 " A64 "\n2 close 0\n"), "1 1 64 " A64 "|2 2 0 |" },
	{ SLICE("1 syslog 65 " A64 "b\n2 close 0\n"), "1 1 65 " A64 "|2 2 0 |" },
	{ SLICE("1 syslog 130 " A64 "b" A64 "c\n2 close 0\n"), "1 1 130 " A64 "|2 2 0 |" },
	{ SLICE("1 syslog 128 " A64 A64 "x"), "bad_framing" },
	{ SLICE("1 syslog 100001 x"), "too_long" },
	{ SLICE("1 syslog 999999999 x"), "too_long" },
	/* cut off */
	{ SLICE("1 sysl"), "more" }, { SLICE("1 syslog 3 ab"), "more" },
	{ SLICE("1 close 0"), "more" }, { SLICE("1 syslog 3 abc"), "more" },
	/* wrong */
	{ SLICE("x"), "bad_framing" }, { SLICE(" 1"), "bad_framing" },
	{ SLICE("1234567890 close 0\n"), "bad_framing" },
	{ SLICE("1 close 0 \n"), "bad_framing" },
	{ SLICE("1  close 0\n"), "bad_framing" },
	{ SLICE("1 cl0se 0\n"), "bad_framing" },
	{ SLICE("1 abcdefghijabcdefghijabcdefghijabc 0\n"), "bad_framing" },
	{ SLICE("1 syslog -1\n"), "bad_framing" },
	{ SLICE("1 syslog 1234567890 x"), "bad_framing" },
	{ SLICE("1 syslog 3 abcd\n"), "bad_framing" },
	{ SLICE("1 syslog 3\nabc\n"), "bad_framing" },
	{ SLICE("\x16\x03\x01"), "bad_framing" },
	{ SLICE("GET / HTTP/1.1\r\n"), "bad_framing" },
};

START_TEST(framing)
{
	struct buf got = BUF_INIT(4096);
	unsigned seed = 99;

	for (int i = 0; i < 30; i++) {
		buf_clear(&got);
		parse(frames[_i].in, i == 0 ? 10000 : i == 1 ? 1 : 0, &seed, &got);
		ck_assert_msg(slice_eq(buf_slice(&got), slice_str(frames[_i].want)),
		    "%s: %.*s", frames[_i].in.ptr, SLICE_ARG(buf_slice(&got)));
	}
	buf_fini(&got);
}
END_TEST

/* A session's frames in, its answers out; messages are answered at once. */
static enum relp_event
serve(struct relp_server *s, struct slice in, struct buf *out)
{
	struct relp_parser p;
	struct relp_frame f;
	enum relp_event e = RELP_EVENT_NONE;

	relp_parser_init(&p, 1000, 1000);
	while (e != RELP_EVENT_FAIL && relp_next(&p, &in, &f) == RELP_READY) {
		e = relp_server_frame(s, &f, out);
		if (e == RELP_EVENT_SYSLOG)
			relp_write_ok(out, f.txnr);
		else if (e == RELP_EVENT_CLOSE)
			relp_write_close(out, f.txnr);
	}
	relp_parser_fini(&p);
	return e;
}

#define OPEN "1 open 86 relp_version=0\nrelp_software=librelp,1.11.0,http://librelp.adiscon.com\ncommands=syslog\n"
#define OPENED "@"	/* stands for the answer to it */

static const struct {
	struct slice in;
	const char *out;
	enum relp_event last;
} sessions[] = {
	/* what rsyslog's client says, and must hear */
	{ SLICE(OPEN "2 syslog 3 abc\n3 syslog 3 def\n4 close 0\n"),
	    OPENED "2 rsp 6 200 OK\n3 rsp 6 200 OK\n4 rsp 0\n0 serverclose 0\n",
	    RELP_EVENT_CLOSE },
	{ SLICE("1 open 0\n"), OPENED, RELP_EVENT_NONE },
	/* opened again before anything else */
	{ SLICE(OPEN OPEN "2 syslog 1 a\n"), OPENED OPENED "2 rsp 6 200 OK\n",
	    RELP_EVENT_SYSLOG },
	{ SLICE(OPEN "2 syslog 1 a\n3 open 0\n"), OPENED "2 rsp 6 200 OK\n"
	    "3 rsp 31 500 the session is open already\n", RELP_EVENT_FAIL },
	/* out of sequence */
	{ SLICE(OPEN "3 syslog 1 a\n"), OPENED, RELP_EVENT_FAIL },
	{ SLICE(OPEN "1 syslog 1 a\n"), OPENED, RELP_EVENT_FAIL },
	{ SLICE("2 open 0\n"), "", RELP_EVENT_FAIL },
	{ SLICE("1 syslog 1 a\n"), "", RELP_EVENT_FAIL },
	{ SLICE(OPEN "2 close 0\n3 syslog 1 a\n"),
	    OPENED "2 rsp 0\n0 serverclose 0\n", RELP_EVENT_FAIL },
	/* hints and strangers */
	{ SLICE(OPEN "0 whatever 3 abc\n2 syslog 1 a\n"), OPENED "2 rsp 6 200 OK\n",
	    RELP_EVENT_SYSLOG },
	{ SLICE(OPEN "2 frob 0\n3 syslog 1 a\n"), OPENED
	    "2 rsp 19 500 unknown command\n3 rsp 6 200 OK\n", RELP_EVENT_SYSLOG },
	{ SLICE(OPEN "2 rsp 0\n"), OPENED, RELP_EVENT_FAIL },
	{ SLICE("1 open 14 commands=event\n"),
	    "1 rsp 54 500 nothing in common: relp_version 0, commands syslog\n",
	    RELP_EVENT_FAIL },
	{ SLICE("1 open 41 commands=a,b,syslog\nrelp_version=1\nfoo\n\nx\n"), OPENED,
	    RELP_EVENT_NONE },
};

START_TEST(server)
{
	struct buf out = BUF_INIT(65536);
	struct buf want = BUF_INIT(65536);
	static const char opened[] = "200 OK\nrelp_version=0\n"
	    "relp_software=millrace," PACKAGE_VERSION "\ncommands=syslog";
	struct relp_server s;

	for (const char *p = sessions[_i].out; *p != '\0'; p++)
		if (*p == '@')
			buf_printf(&want, "1 rsp %zu %s\n", sizeof opened - 1, opened);
		else
			buf_addc(&want, *p);
	relp_server_init(&s);
	ck_assert_int_eq(serve(&s, sessions[_i].in, &out), sessions[_i].last);
	ck_assert_msg(slice_eq(buf_slice(&out), buf_slice(&want)),
	    "%.*s", SLICE_ARG(buf_slice(&out)));
	buf_fini(&want);
	buf_fini(&out);
}
END_TEST

START_TEST(server_wraps)
{
	struct buf out = BUF_INIT(65536);
	struct relp_server s;

	relp_server_init(&s);
	serve(&s, SLICE(OPEN), &out);
	s.next = 999999998;
	ck_assert_int_eq(serve(&s, SLICE("999999998 syslog 1 a\n999999999 syslog 1 b\n"
	    "1 syslog 1 c\n2 syslog 1 d\n"), &out), RELP_EVENT_SYSLOG);
	ck_assert_uint_eq(s.next, 3);
	buf_fini(&out);
}
END_TEST

/* No room for an answer: no answer, and nothing half written. */
START_TEST(server_full)
{
	struct buf out = BUF_INIT(60);
	struct relp_server s;

	relp_server_init(&s);
	ck_assert_int_eq(serve(&s, SLICE(OPEN), &out), RELP_EVENT_FAIL);
	ck_assert_uint_eq(out.len, 0);
	out.max = 100;
	ck_assert(relp_write_close(&out, 7));
	buf_clear(&out);
	buf_fini(&out);
	out = BUF_INIT(60);
	ck_assert(!relp_write_close(&out, 7));
	ck_assert_uint_eq(out.len, 0);
	buf_fini(&out);
}
END_TEST

static struct relp_frame
frame(uint32_t txnr, enum relp_command command, const char *data)
{
	return (struct relp_frame){ txnr, command, slice_str(data), strlen(data) };
}

static void
bring_up(struct relp_client *c, uint32_t window)
{
	struct buf out = BUF_INIT(4096);
	struct relp_frame f = frame(1, RELP_RSP, "200 OK\nrelp_version=0\n"
	    "relp_software=librelp,1.11.0\ncommands=eventlog,syslog");
	uint32_t txnr;
	unsigned code;

	relp_client_init(c, window);
	ck_assert_uint_eq(relp_client_room(c), 0);
	ck_assert(relp_client_open(c, &out));
	ck_assert(slice_starts(buf_slice(&out), SLICE("1 open ")));
	ck_assert_int_eq(relp_client_frame(c, &f, &txnr, &code), RELP_CLIENT_OPENED);
	buf_fini(&out);
}

START_TEST(client)
{
	struct relp_client c;
	struct buf out = BUF_INIT(4096);
	struct relp_frame f;
	uint32_t txnr;
	unsigned code;

	bring_up(&c, 3);
	for (uint32_t i = 2; i <= 4; i++) {
		ck_assert(relp_client_syslog(&c, SLICE("abc"), &out, &txnr));
		ck_assert_uint_eq(txnr, i);
	}
	ck_assert(!relp_client_syslog(&c, SLICE("abc"), &out, &txnr));
	ck_assert(slice_eq(buf_slice(&out),
	    SLICE("2 syslog 3 abc\n3 syslog 3 abc\n4 syslog 3 abc\n")));
	/* answers out of order */
	f = frame(3, RELP_RSP, "200 OK, thank you");
	ck_assert_int_eq(relp_client_frame(&c, &f, &txnr, &code), RELP_CLIENT_ANSWERED);
	ck_assert(txnr == 3 && code == 200 && c.oldest == 2);
	ck_assert_uint_eq(relp_client_unanswered(&c), 2);
	ck_assert_uint_eq(relp_client_room(&c), 0);
	f = frame(2, RELP_RSP, "500 disk full\nmore");
	ck_assert_int_eq(relp_client_frame(&c, &f, &txnr, &code), RELP_CLIENT_ANSWERED);
	ck_assert(txnr == 2 && code == 500 && c.oldest == 4);
	ck_assert_uint_eq(relp_client_room(&c), 2);
	f = frame(4, RELP_RSP, "200");
	ck_assert_int_eq(relp_client_frame(&c, &f, &txnr, &code), RELP_CLIENT_ANSWERED);
	ck_assert_uint_eq(relp_client_unanswered(&c), 0);
	/* and goodbye */
	buf_clear(&out);
	ck_assert(relp_client_close(&c, &out));
	ck_assert(slice_eq(buf_slice(&out), SLICE("5 close 0\n")));
	f = frame(5, RELP_RSP, "");
	ck_assert_int_eq(relp_client_frame(&c, &f, &txnr, &code), RELP_CLIENT_CLOSED);
	buf_fini(&out);
}
END_TEST

/* Answers that no one asked for end the session. */
START_TEST(client_fails)
{
	static const struct {
		uint32_t txnr;
		enum relp_command command;
		const char *data;
		enum relp_client_event want;
	} row[] = {
		{ 2, RELP_RSP, "200 OK", RELP_CLIENT_ANSWERED },
		{ 3, RELP_RSP, "200 OK", RELP_CLIENT_FAIL },
		{ 1, RELP_RSP, "200 OK", RELP_CLIENT_FAIL },
		{ 2, RELP_RSP, "OK", RELP_CLIENT_FAIL },
		{ 2, RELP_RSP, "20x OK", RELP_CLIENT_FAIL },
		{ 2, RELP_RSP, "", RELP_CLIENT_FAIL },
		{ 2, RELP_SYSLOG, "x", RELP_CLIENT_FAIL },
		{ 0, RELP_SERVERCLOSE, "", RELP_CLIENT_CLOSED },
		{ 0, RELP_OTHER, "", RELP_CLIENT_NONE },
	};

	for (size_t i = 0; i < sizeof row / sizeof row[0]; i++) {
		struct buf out = BUF_INIT(4096);
		struct relp_frame f = frame(row[i].txnr, row[i].command, row[i].data);
		struct relp_client c;
		uint32_t txnr;
		unsigned code;

		bring_up(&c, 10);
		ck_assert(relp_client_syslog(&c, SLICE("a"), &out, &txnr));
		ck_assert_int_eq(relp_client_frame(&c, &f, &txnr, &code), row[i].want);
		if (row[i].want == RELP_CLIENT_ANSWERED)	/* but not twice */
			ck_assert_int_eq(relp_client_frame(&c, &f, &txnr, &code),
			    RELP_CLIENT_FAIL);
		buf_fini(&out);
	}
}
END_TEST

START_TEST(client_open_refused)
{
	static const char *const answers[] = {
		"500 no", "200 OK", "200 OK\nrelp_version=0",
		"200 OK\nrelp_version=1\ncommands=syslog",
		"200 OK\nrelp_version=0\ncommands=sys,log",
	};

	for (size_t i = 0; i < sizeof answers / sizeof answers[0]; i++) {
		struct buf out = BUF_INIT(4096);
		struct relp_frame f = frame(1, RELP_RSP, answers[i]);
		struct relp_client c;
		uint32_t txnr;
		unsigned code;

		relp_client_init(&c, 1);
		relp_client_open(&c, &out);
		ck_assert_int_eq(relp_client_frame(&c, &f, &txnr, &code),
		    RELP_CLIENT_FAIL);
		buf_fini(&out);
	}
}
END_TEST

/* A million messages with a full window, answers shuffled, past the wrap. */
START_TEST(client_long)
{
	struct relp_client c;
	struct buf out = BUF_INIT(65536);
	uint32_t wait[RELP_WINDOW_MAX], n = 0, txnr;
	unsigned code, seed = 5;

	bring_up(&c, RELP_WINDOW_MAX);
	c.oldest = c.next = RELP_TXNR_MAX - 100000;
	for (int i = 0; i < 1000000; i++) {
		if (n < RELP_WINDOW_MAX) {
			buf_clear(&out);
			if (relp_client_syslog(&c, SLICE("x"), &out, &wait[n]))
				n++;
			else if (relp_client_room(&c) > 0)
				ck_abort_msg("room, but not taken");
		}
		if (n == RELP_WINDOW_MAX || relp_client_room(&c) == 0 ||
		    rand_r(&seed) % 2 == 0) {
			uint32_t k = rand_r(&seed) % 3 ? 0 : rand_r(&seed) % n;
			struct relp_frame f = frame(wait[k], RELP_RSP, "200 OK");

			if (relp_client_frame(&c, &f, &txnr, &code) !=
			    RELP_CLIENT_ANSWERED || txnr != wait[k])
				ck_abort_msg("answer %u", wait[k]);
			wait[k] = wait[0];
			memmove(wait, wait + 1, (n - 1) * sizeof wait[0]);
			n--;
			if (relp_client_unanswered(&c) != n)
				ck_abort_msg("%u are not %u",
				    relp_client_unanswered(&c), n);
		}
	}
	ck_assert_uint_lt(c.next, 999999);
	buf_fini(&out);
}
END_TEST

int
main(void)
{
	Suite *s = suite_create("relp");
	TCase *t = tcase_create("all");
	SRunner *sr;
	int failed;

	tcase_set_timeout(t, 60);
	tcase_add_loop_test(t, framing, 0, sizeof frames / sizeof frames[0]);
	tcase_add_loop_test(t, server, 0, sizeof sessions / sizeof sessions[0]);
	tcase_add_test(t, server_wraps);
	tcase_add_test(t, server_full);
	tcase_add_test(t, client);
	tcase_add_test(t, client_fails);
	tcase_add_test(t, client_open_refused);
	tcase_add_test(t, client_long);
	suite_add_tcase(s, t);
	sr = srunner_create(s);
	srunner_run_all(sr, CK_NORMAL);
	failed = srunner_ntests_failed(sr);
	srunner_free(sr);
	return failed != 0;
}
