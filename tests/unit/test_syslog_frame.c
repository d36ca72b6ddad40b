/* test_syslog_frame.c - streams cut into messages, however they were read.
 *
 * Each row of the vectors that says what receivers make of a stream has its
 * stream here, and what must come of it.  Every stream is fed whole, byte by
 * byte and in random pieces, with the same outcome. */
#include "config.h"

#include <check.h>
#include <stdio.h>
#include <stdlib.h>

#include "base/buf.h"
#include "proto/syslog_frame.h"
#include "record/record.h"

#define T "+truncated"
#define E "+noeol"
#define F "+framing"

struct row {
	const char *name;	/* of the vector's row; NULL: none there */
	struct slice in;
	const char *want;	/* messages, each with its flags and '|' */
	enum syslog_frame_mode mode;
};

static char hello[200], fill9000[9100], fill10000[10100];

static struct row rows[] = {
	{ "F1 LF", SLICE("<13>a: one\n<13>a: two\n"), "<13>a: one|<13>a: two|", 0 },
	{ "F2 octet", SLICE("10 <13>a: one10 <13>a: two"), "<13>a: one|<13>a: two|", 0 },
	{ "F3 octet,LF,octet mixed", SLICE("10 <13>a: one<13>a: lf\n10 <13>a: two"),
	    "<13>a: one|<13>a: lf|<13>a: two|", 0 },
	{ "F4 octet + extra LF outside count", SLICE("10 <13>a: one\n10 <13>a: two\n"),
	    "<13>a: one|<13>a: two|", 0 },
	{ "F5 LF inside count", SLICE("11 <13>a: one\n11 <13>a: two\n"),
	    "<13>a: one|<13>a: two|", 0 },
	{ "F6 leading zero count", SLICE("010 <13>a: one10 <13>a: two"),
	    "<13>a: one|<13>a: two|", 0 },
	{ "F7 count 0", SLICE("0 <13>a: one\n10 <13>a: two"), "CLOSE", 0 },
	{ "F8 13-digit count", SLICE("9999999999999 <13>a: one\n10 <13>a: two"), "CLOSE", 0 },
	{ "F8b 2^32+10", SLICE("4294967306 <13>a: one10 <13>a: two"), "CLOSE", 0 },
	{ "F9 9000-octet frame (max 8k)", { fill9000, 0 }, "8192" T "9000|<13>a: two|", 0 },
	{ "F10 count 300000", SLICE("300000 <13>a: one\n10 <13>a: two"), "CLOSE", 0 },
	{ "F11 count too short (5)", SLICE("5 <13>a: one\n10 <13>a: two"),
	    "<13>a|: one" F "|<13>a: two|", 0 },
	{ "F12 no LF at close", SLICE("<13>a: one\n<13>a: two"), "<13>a: one|<13>a: two" E "|", 0 },
	{ "F13 octet frame cut at close", SLICE("10 <13>a: one50 <13>a: two"),
	    "<13>a: one|<13>a: two" T "50|", 0 },
	{ "F14 LF text starting with a digit", SLICE("2026-01-02 hello there\n<13>a: two\n"),
	    "2026-01-02 hello there|<13>a: two|", 0 },
	{ "F14b digit then SP: \"12 monkeys\"", SLICE("12 monkeys are here now\n<13>a: two\n"),
	    "12 monkeys are here now|<13>a: two|", 0 },
	{ "F15 NUL delimited", SLICE("<13>a: one\0<13>a: two\0"), "<13>a: one|<13>a: two|", 0 },
	{ "F16 CRLF", SLICE("<13>a: one\r\n<13>a: two\r\n"), "<13>a: one|<13>a: two|", 0 },
	{ "F17 10000-octet LF line", { fill10000, 0 }, "8192" T "10000|<13>a: two|", 0 },
	{ "F18 LF inside octet frame", SLICE("12 <13>a: l1\nl210 <13>a: two"),
	    "<13>a: l1\nl2|<13>a: two|", 0 },
	{ "F19 empty lines", SLICE("\n\r\n\n<13>a: one\n\n\n"), "<13>a: one|", 0 },
	{ "F20 TLS ClientHello", { hello, sizeof hello }, "CLOSE", 0 },
	{ "F21 HTTP", SLICE("GET / HTTP/1.1\r\nHost: x\r\n\r\n"), "CLOSE", 0 },
	{ "F22 space before frame", SLICE("<13>a: one\n <13>a: two\n"),
	    "<13>a: one|<13>a: two|", 0 },
	{ "F23 \"1 \" version-like LF line",
	    SLICE("1 2026-01-02T03:04:05Z h app - - - nopri\n<13>a: two\n"),
	    "1 2026-01-02T03:04:05Z h app - - - nopri|<13>a: two|", 0 },

	/* and what the vectors leave out */
	{ NULL, SLICE(""), "", 0 },
	{ NULL, SLICE("   "), "", 0 },
	{ NULL, SLICE("1 \n2 \r\n<13>a\n"), "1 |2 |<13>a|", 0 },
	{ NULL, SLICE("5 <13>a1 \n5 <13>b"), "<13>a|<13>b|", 0 },
	{ NULL, SLICE("5 <13>a 5 <13>b"), "<13>a|<13>b|", 0 },
	{ NULL, SLICE("5 <13>a\0" "5 <13>b"), "<13>a|<13>b|", 0 },
	{ NULL, SLICE("10 <13>a: one9 \xef\xbb\xbf<13>a:9 {\"a\":\"b\"}"),
	    "<13>a: one|\xef\xbb\xbf<13>a:|{\"a\":\"b\"}|", 0 },
	{ NULL, SLICE("12"), "12" E "|", 0 },
	{ NULL, SLICE("12 "), "12 " E "|", 0 },
	{ NULL, SLICE("12 <"), "<" T "12|", 0 },
	{ NULL, SLICE("1755870377 <b> is an epoch\n"), "1755870377 <b> is an epoch|", 0 },
	{ NULL, SLICE("99999999999999999999999999 <13>x\n"),
	    "99999999999999999999999999 <13>x|", 0 },
	{ NULL, SLICE("first\n    at indented\n"), "first|    at indented|", 0 },
	{ NULL, SLICE("GET /index 200 12\nx\n"), "GET /index 200 12|x|", 0 },
	{ NULL, SLICE("first\nGET / HTTP/1.1\n"), "first|GET / HTTP/1.1|", 0 },
	{ NULL, SLICE("PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n"), "CLOSE", 0 },
	{ NULL, SLICE("\x16"), "\x16" E "|", 0 },
	{ NULL, SLICE("first\n\x16\x03\n"), "first|\x16\x03|", 0 },
	{ NULL, SLICE("10 <13>a: onexyz\n<13>b\nxyz\n"), "<13>a: one|xyz" F "|<13>b|xyz|", 0 },
	{ NULL, SLICE("50 "), "50 " E "|", 0 },

	/* Unix streams */
	{ NULL, SLICE("<13>a: l1\nl2\0<13>b\0"), "<13>a: l1\nl2|<13>b|", SYSLOG_FRAME_UNIX },
	{ NULL, SLICE("<13>a: l1\nl2\n<13>b\n"), "<13>a: l1\nl2|<13>b|", SYSLOG_FRAME_UNIX },
	{ NULL, SLICE("<13>a: l1\n<tag>\n<13>b"), "<13>a: l1\n<tag>|<13>b" E "|", SYSLOG_FRAME_UNIX },
	{ NULL, SLICE("<13>a\n<"), "<13>a\n<" E "|", SYSLOG_FRAME_UNIX },
	{ NULL, SLICE("<13>a\n\0\n<13>b\n\0"), "<13>a|<13>b|", SYSLOG_FRAME_UNIX },
	{ NULL, SLICE("10 <13>a: one\n<13>b\n"), "10 <13>a: one|<13>b|", SYSLOG_FRAME_UNIX },
};

#define ROWS (sizeof rows / sizeof rows[0])

static void
fill(void)
{
	int n;

	memset(hello, 0, sizeof hello);
	memcpy(hello, "\x16\x03\x01\x00\xc3\x01\x00", 7);
	n = sprintf(fill9000, "9000 <13>a: ");
	memset(fill9000 + n, 'x', 9005 - n);
	strcpy(fill9000 + 9005, "10 <13>a: two");
	rows[9].in.len = strlen(fill9000);
	n = sprintf(fill10000, "<13>a: ");
	memset(fill10000 + n, 'y', 10000 - n);
	strcpy(fill10000 + 10000, "\n<13>a: two\n");
	rows[18].in.len = strlen(fill10000);
}

/* One message as the rows have it. */
static void
note(struct buf *got, const struct syslog_frame *fr)
{
	if (fr->msg.len > 1000)
		buf_printf(got, "%zu", fr->msg.len);
	else
		buf_add_slice(got, fr->msg);
	if (fr->flags & LOG_FLAG_TRUNCATED)
		buf_printf(got, T "%llu", (unsigned long long)fr->length);
	if (fr->flags & LOG_FLAG_NOEOL)
		buf_adds(got, E);
	if (fr->flags & LOG_FLAG_FRAMING)
		buf_adds(got, F);
	buf_addc(got, '|');
}

/* All that can be had from what came so far; the rest stays in *kept.  False
 * when the framer wants to close. */
static bool
drain(struct syslog_framer *f, struct buf *kept, enum syslog_frame_input more,
    struct buf *got)
{
	/* an exact block, so that reading past the end is seen */
	char *exact = malloc(kept->len + 1);
	struct slice in = { exact + 1, kept->len };
	struct syslog_frame fr;
	enum syslog_frame_answer a;

	if (kept->len > 0)
		memcpy(exact + 1, kept->data, kept->len);
	while ((a = syslog_frame_next(f, &in, more, &fr)) == SYSLOG_FRAME_READY) {
		ck_assert_uint_gt(fr.msg.len, 0);
		note(got, &fr);
	}
	ck_assert(more != SYSLOG_INPUT_END || a == SYSLOG_FRAME_CLOSE || in.len == 0);
	ck_assert_msg(in.len <= f->max_message + 32, "holds %zu", in.len);
	buf_consume(kept, kept->len - in.len);
	free(exact);
	if (a != SYSLOG_FRAME_CLOSE)
		return true;
	ck_assert_int_eq(fr.reason, REASON_BAD_FRAMING);
	ck_assert_ptr_nonnull(fr.why);
	ck_assert_int_eq(syslog_frame_next(f, &in, more, &fr), SYSLOG_FRAME_CLOSE);
	buf_adds(got, "CLOSE");
	return false;
}

/* Feed a row in pieces of piece bytes, or random ones when that is 0. */
static void
feed(const struct row *row, size_t piece, unsigned *seed)
{
	struct buf kept = BUF_INIT(1 << 20), got = BUF_INIT(1 << 20);
	struct syslog_framer f;
	size_t at = 0, n;
	bool open = true;

	syslog_framer_init(&f, row->mode, 8192, 200000);
	while (open && at < row->in.len) {
		n = piece > 0 ? piece : (size_t)rand_r(seed) %
		    (row->in.len > 100 && rand_r(seed) % 2 ? 3000 : 7) + 1;
		if (n > row->in.len - at)
			n = row->in.len - at;
		buf_add(&kept, row->in.ptr + at, n);
		at += n;
		open = drain(&f, &kept, SYSLOG_INPUT_OPEN, &got);
	}
	if (open)
		drain(&f, &kept, SYSLOG_INPUT_END, &got);
	ck_assert_msg(slice_eq(buf_slice(&got), slice_str(row->want)),
	    "%s in pieces of %zu:\n%.*s\nnot\n%s", row->name ? row->name :
	    row->in.ptr, piece, SLICE_ARG(buf_slice(&got)), row->want);
	syslog_framer_fini(&f);
	buf_fini(&kept);
	buf_fini(&got);
}

START_TEST(streams)
{
	unsigned seed = 4711 + _i;

	fill();
	feed(&rows[_i], rows[_i].in.len + 1, NULL);
	feed(&rows[_i], 1, NULL);
	for (int i = 0; i < 50; i++)
		feed(&rows[_i], 0, &seed);
}
END_TEST

/* No row of the vectors is without a stream here. */
START_TEST(all_rows)
{
	char path[512], *line = NULL;
	const char *top = getenv("top_srcdir");
	size_t cap = 0, i;
	int n = 0;
	FILE *f;

	snprintf(path, sizeof path, "%s/tests/vectors/syslog-framing.tsv",
	    top == NULL ? "." : top);
	f = fopen(path, "r");
	ck_assert_msg(f != NULL, "%s", path);
	while (getline(&line, &cap, f) > 0) {
		line[strcspn(line, "\t\n")] = '\0';
		if (n++ == 0)
			continue;
		for (i = 0; i < ROWS; i++)
			if (rows[i].name && strcmp(rows[i].name, line) == 0)
				break;
		ck_assert_msg(i < ROWS, "no stream for %s", line);
	}
	ck_assert_int_ge(n, 26);
	free(line);
	fclose(f);
}
END_TEST

/* A last message on a quiet Unix stream need not wait for the next. */
START_TEST(quiet)
{
	struct slice in = SLICE("<13>a: one\ntwo\n");
	struct syslog_framer f;
	struct syslog_frame fr;

	syslog_framer_init(&f, SYSLOG_FRAME_UNIX, 0, 0);
	ck_assert_int_eq(syslog_frame_next(&f, &in, SYSLOG_INPUT_OPEN, &fr),
	    SYSLOG_FRAME_MORE);
	ck_assert_uint_eq(in.len, 15);
	ck_assert_int_eq(syslog_frame_next(&f, &in, SYSLOG_INPUT_QUIET, &fr),
	    SYSLOG_FRAME_READY);
	ck_assert(slice_eq(fr.msg, SLICE("<13>a: one\ntwo")));
	ck_assert_uint_eq(fr.flags, 0);
	ck_assert_uint_eq(in.len, 0);
	syslog_framer_fini(&f);
}
END_TEST

/* A message that never ends costs max_message and no more; when it does end
 * after all, its length is known. */
START_TEST(endless)
{
	static char bytes[4096];
	struct syslog_framer f;
	struct syslog_frame fr;
	struct slice in;
	struct buf kept = BUF_INIT(65536 + 8192);

	memset(bytes, 'x', sizeof bytes);
	for (int counted = 0; counted < 2; counted++) {
		syslog_framer_init(&f, SYSLOG_FRAME_AUTO, 0, 0);
		buf_clear(&kept);
		buf_adds(&kept, counted ? "9000000 <13>" : "<13>");
		for (int i = 0; i < 2000; i++) {
			ck_assert(buf_add(&kept, bytes, sizeof bytes));
			in = buf_slice(&kept);
			ck_assert_int_eq(syslog_frame_next(&f, &in,
			    SYSLOG_INPUT_OPEN, &fr), SYSLOG_FRAME_MORE);
			buf_consume(&kept, kept.len - in.len);
			ck_assert_uint_le(f.head.cap, SYSLOG_FRAME_MESSAGE);
		}
		in = counted ? slice_of(NULL, 0) : SLICE("\n");
		ck_assert_int_eq(syslog_frame_next(&f, &in, SYSLOG_INPUT_END,
		    &fr), SYSLOG_FRAME_READY);
		ck_assert_uint_eq(fr.msg.len, SYSLOG_FRAME_MESSAGE);
		ck_assert_uint_eq(fr.length, counted ? 9000000 : 2000 * 4096 + 4);
		ck_assert_uint_eq(fr.flags, LOG_FLAG_TRUNCATED);
		ck_assert_int_eq(syslog_frame_next(&f, &in, SYSLOG_INPUT_END,
		    &fr), SYSLOG_FRAME_MORE);
		ck_assert_uint_eq(f.head.cap, 0);
		syslog_framer_fini(&f);
	}
	buf_fini(&kept);
}
END_TEST

int
main(void)
{
	Suite *s = suite_create("syslog_frame");
	TCase *t = tcase_create("all");
	SRunner *sr;
	int failed;

	tcase_add_loop_test(t, streams, 0, ROWS);
	tcase_add_test(t, all_rows);
	tcase_add_test(t, quiet);
	tcase_add_test(t, endless);
	suite_add_tcase(s, t);
	sr = srunner_create(s);
	srunner_run_all(sr, CK_NORMAL);
	failed = srunner_ntests_failed(sr);
	srunner_free(sr);
	return failed != 0;
}
