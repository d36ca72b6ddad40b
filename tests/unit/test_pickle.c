/* The pickle protocol: real pickles of every Python protocol, hostile ones,
 * and what Python makes of ours. */
#include "config.h"

#include <check.h>
#include <inttypes.h>
#include <math.h>
#include <stdio.h>
#include <unistd.h>

#include "proto/pickle.h"
#include "tests/unit/edge.h"

#define NOW INT64_C(1755870377500000000)
#define S INT64_C(1000000000)
#define OK REASON_NONE

/* tests/vectors/pickle/make.py wrote these. */
static const struct {
	enum reason why;
	const char *name, *text;
	double value;
	int64_t time_ns;
} made[] = {
	{ OK, "a.b", "1", 1, 1700000000 * S },
	{ OK, "a.b;k=v", "0.1", 0.1, 1700000001 * S },
	{ OK, "list.pair", "-5", -5, 1700000002 * S },
	{ OK, "str.numbers", "3.250", 3.25, 1700000003 * S },
	{ OK, "big", "1.1805916207174113e+21", 0x1p70, 1700000004 * S },
	{ OK, "bool", "1", 1, 1700000005 * S + 500000000 },
	{ OK, "caf\xc3\xa9.\xe2\x82\xac", "1e+300", 1e300, NOW },
	{ OK, "quote'back\\slash", "12345678901234", 12345678901234, 1700000006 * S },
	{ REASON_NOT_A_NUMBER },
	{ OK, "inf", "-inf", -INFINITY, 1700000008 * S },
	{ REASON_BAD_VALUE },
	{ REASON_BAD_FIELDS },
	{ REASON_BAD_FIELDS },
	{ REASON_NO_NAME },
	{ OK, "repeat", "256", 256, 1700000000 * S },
	{ OK, "repeat", "65536", 65536, 1700000000 * S },
	{ OK, "new\nline and blank", "-70000", -70000, 1700000011 * S },
	{ REASON_BAD_NAME },
};
#define MADE (sizeof made / sizeof made[0])

static const struct graphite_options options = { .now_ns = NOW };

static void
expect_made(struct slice in)
{
	struct pickle *p = pickle_new(10000);
	struct slice payload;
	struct record r;
	enum reason why;

	ck_assert_int_eq(pickle_frame(&in, PICKLE_MAX_LENGTH, &payload),
	    PICKLE_FRAME);
	ck_assert_uint_eq(in.len, 0);
	ck_assert_int_eq(pickle_read(p, payload), OK);
	for (size_t i = 0; i < MADE; i++) {
		enum pickle_next got = pickle_next(p, &options, &r, &why);

		ck_assert_msg(why == made[i].why, "item %zu: %s", i,
		    reason_name(why));
		ck_assert_int_eq(got, why == OK ? PICKLE_POINT : PICKLE_BAD_ITEM);
		if (why != OK)
			continue;
		ck_assert_int_eq(r.source, SOURCE_PICKLE);
		ck_assert_int_eq(r.metric.type, METRIC_POINT);
		ck_assert_msg(slice_eq(graphite_raw_name(&r),
		    slice_str(made[i].name)), "item %zu", i);
		ck_assert_msg(slice_eq(r.metric.text, slice_str(made[i].text)),
		    "item %zu: %.*s", i, SLICE_ARG(r.metric.text));
		ck_assert(r.metric.value == made[i].value);
		ck_assert_msg(r.time_ns == made[i].time_ns, "item %zu: %" PRId64,
		    i, r.time_ns);
	}
	ck_assert_int_eq(pickle_next(p, &options, &r, &why), PICKLE_END);
	ck_assert_int_eq(pickle_next(p, &options, &r, &why), PICKLE_END);
	pickle_free(p);
}

static struct slice
read_file(const char *path, char *space, size_t size)
{
	FILE *f = fopen(path, "rb");
	size_t n;

	ck_assert_msg(f != NULL, "%s", path);
	n = fread(space, 1, size, f);
	fclose(f);
	return slice_of(space, n);
}

static const char *
vectors(void)
{
	static char dir[500];
	const char *top = getenv("top_srcdir");

	snprintf(dir, sizeof dir, "%s/tests/vectors/pickle", top ? top : ".");
	return dir;
}

START_TEST(recorded)
{
	char path[600], space[4096];
	static struct edge e;
	struct slice s;

	snprintf(path, sizeof path, "%s/protocol-%d.pickle", vectors(), _i);
	s = read_file(path, space, sizeof space);
	expect_made(edge_copy(&e, s.ptr, s.len));
	edge_free(&e);
}
END_TEST

static bool
have_python(void)
{
	return system("python3 -c 'import pickle' >/dev/null 2>&1") == 0;
}

START_TEST(from_this_python)
{
	char dir[] = "/tmp/pickle.XXXXXX", command[1500], path[100], space[4096];

	if (!have_python())
		return;
	ck_assert(mkdtemp(dir) != NULL);
	snprintf(command, sizeof command, "python3 %s/make.py %s", vectors(), dir);
	ck_assert_int_eq(system(command), 0);
	for (int protocol = 0; protocol < 5; protocol++) {
		snprintf(path, sizeof path, "%s/protocol-%d.pickle", dir, protocol);
		expect_made(read_file(path, space, sizeof space));
	}
	snprintf(command, sizeof command, "rm -r %s", dir);
	ck_assert_int_eq(system(command), 0);
}
END_TEST

/* Every prefix of a message is not yet one; every payload cut short is
 * truncated, and nothing past its end is looked at. */
START_TEST(cut_short)
{
	struct pickle *p = pickle_new(10000);
	char path[600], space[4096];
	struct slice s, payload;

	snprintf(path, sizeof path, "%s/protocol-%d.pickle", vectors(), _i);
	s = read_file(path, space, sizeof space);
	for (size_t n = 0; n < s.len; n++) {
		struct slice part = slice_upto(s, n);

		ck_assert_int_eq(pickle_frame(&part, PICKLE_MAX_LENGTH,
		    &payload), PICKLE_LATER);
		ck_assert_uint_eq(part.len, n);
	}
	for (size_t n = 1; n < s.len - 4; n++) {
		static struct edge e;
		enum reason why = pickle_read(p, edge_copy(&e, s.ptr + 4, n));

		ck_assert_msg(why == REASON_TRUNCATED, "%zu: %s", n,
		    reason_name(why));
		edge_free(&e);
	}
	pickle_free(p);
}
END_TEST

#define P(bytes, why) { bytes, sizeof(bytes) - 1, why }
static const struct {
	const char *bytes;
	size_t len;
	enum reason why;
} payloads[] = {
	P("", REASON_EMPTY),
	P("garbage\n.", REASON_SYNTAX),
	P("\x7f\x45LF", REASON_UNSAFE),
	P("GET / HTTP/1.0\r\n\r\n", REASON_UNSAFE),
	P(".", REASON_SYNTAX),
	P("(.", REASON_SYNTAX),
	P("].", OK),
	P(").", OK),
	P("(l.", OK),
	P("(lp0\n.trailing is not read", OK),
	P("]q\x00h\x00" "a.", OK),			/* a list in itself */
	P("I5\n.", REASON_BAD_FIELDS),
	P("N.", REASON_BAD_FIELDS),
	P("X\x01\x00\x00\x00" "a.", REASON_BAD_FIELDS),
	/* what would construct */
	P("cos\nsystem\n(S'id'\ntR.", REASON_UNSAFE),
	P("\x80\x04\x8c\x02os\x8c\x06system\x93\x8c\x02id\x85R.", REASON_UNSAFE),
	P("(S'id'\nios\nsystem\n.", REASON_UNSAFE),
	P("(cos\nsystem\nS'id'\no.", REASON_UNSAFE),
	P(")\x81.", REASON_UNSAFE),
	P("]}b.", REASON_UNSAFE),
	P("\x82\x01.", REASON_UNSAFE),
	P("Pid\n.", REASON_UNSAFE),
	P("}.", REASON_UNSAFE),
	P("\x80\x04\x8f.", REASON_UNSAFE),
	P("\x80\x06].", REASON_SYNTAX),
	/* lies about lengths */
	P("X\xff\xff\xff\xff" "a.", REASON_TRUNCATED),
	P("\x8d\xff\xff\xff\xff\xff\xff\xff\xff" "a.", REASON_TRUNCATED),
	P("\x8b\xff\xff\xff\x7f.", REASON_TRUNCATED),
	P("T\xff\xff\xff\x7f.", REASON_TRUNCATED),
	P("U\x05" "abc", REASON_TRUNCATED),
	P("S'never ends", REASON_TRUNCATED),
	/* a broken machine */
	P("a.", REASON_SYNTAX),
	P("]a.", REASON_SYNTAX),
	P("(e.", REASON_SYNTAX),
	P("K\x01(e.", REASON_SYNTAX),
	P("e.", REASON_SYNTAX),
	P("t.", REASON_SYNTAX),
	P("K\x01\x86.", REASON_SYNTAX),
	P("K\x01(K\x02\x86.", REASON_SYNTAX),
	P("0.", REASON_SYNTAX),
	P("1.", REASON_SYNTAX),
	P("2.", REASON_SYNTAX),
	P("](0.", OK),
	P("h\x05.", REASON_SYNTAX),
	P("g99\n.", REASON_SYNTAX),
	P("q\x01.", REASON_SYNTAX),
	P("]p-1\n.", REASON_SYNTAX),
	P("]r\xff\xff\xff\xff.", REASON_TOO_MANY),
	P("I1x\n.", REASON_SYNTAX),
	P("Fabc\n.", REASON_SYNTAX),
	P("Sabc\n.", REASON_SYNTAX),
	P("S'\n.", REASON_SYNTAX),
	P("V\\u12\n.", REASON_SYNTAX),
	P("V\\U00110000\n.", REASON_SYNTAX),
};

START_TEST(payload)
{
	struct pickle *p = pickle_new(1000);
	static struct edge e;
	enum reason why = pickle_read(p, edge_copy(&e, payloads[_i].bytes,
	    payloads[_i].len));
	struct record r;

	ck_assert_msg(why == payloads[_i].why, "%s: %s", payloads[_i].bytes,
	    reason_name(why));
	while (pickle_next(p, &options, &r, &why) != PICKLE_END)
		ck_assert_int_ne(why, OK);
	pickle_free(p);
}
END_TEST

/* A name and a value as they come out of one (name, (1, value)). */
static const struct {
	const char *bytes;
	size_t len;
	const char *name, *text;
} texts[] = {
#define T(name_op, value_op, name, text) { "](" name_op "(K\x01" value_op \
	"tt" "a.", sizeof("](" name_op "(K\x01" value_op "tta.") - 1, name, text }
	T("S'a\\x41\\101\\n\\q\\''\n", "I7\n", "aAA\n\\q'", "7"),
	T("S\"a'b\"\n", "I01\n", "a'b", "1"),
	T("V\\u20ac\\U0001f600\xe9\n", "F1.50\n",
	    "\xe2\x82\xac\xf0\x9f\x98\x80\xc3\xa9", "1.5"),
	T("U\x01" "a", "S' 3.250 '\n", "a", "3.250"),
	T("T\x01\x00\x00\x00" "a", "L-12L\n", "a", "-12"),
	T("C\x01" "a", "\x8a\x00", "a", "0"),
	T("B\x01\x00\x00\x00" "a", "\x8a\x01\xff", "a", "-1"),
	T("\x8c\x01" "a", "\x8a\x03\x00\x00\x01", "a", "65536"),
	T("\x8d\x01\x00\x00\x00\x00\x00\x00\x00" "a",
	    "\x8a\x09\x00\x00\x00\x00\x00\x00\x00\x00\x01", "a",
	    "18446744073709552000"),
	T("\x8e\x01\x00\x00\x00\x00\x00\x00\x00" "a",
	    "\x8a\x09\x00\x00\x00\x00\x00\x00\x00\x00\xff", "a",
	    "-18446744073709552000"),
	T("U\x01" "a", "J\xff\xff\xff\xff", "a", "-1"),
	T("U\x01" "a", "M\xff\xff", "a", "65535"),
	T("U\x01" "a", "\x89", "a", "0"),
	T("U\x01" "a", "G\x3f\xb9\x99\x99\x99\x99\x99\x9a", "a", "0.1"),
	T("U\x01" "a", "L99999999999999999999L\n", "a", "100000000000000000000"),
};

START_TEST(text)
{
	struct pickle *p = pickle_new(1000);
	struct record r;
	enum reason why;

	ck_assert_int_eq(pickle_read(p, slice_of(texts[_i].bytes,
	    texts[_i].len)), OK);
	ck_assert_int_eq(pickle_next(p, &options, &r, &why), PICKLE_POINT);
	ck_assert_msg(slice_eq(r.metric.name, slice_str(texts[_i].name)),
	    "%.*s", SLICE_ARG(r.metric.name));
	ck_assert_msg(slice_eq(r.metric.text, slice_str(texts[_i].text)),
	    "%.*s", SLICE_ARG(r.metric.text));
	pickle_free(p);
}
END_TEST

static enum reason
repeated(const char *unit, size_t n, const char *end, size_t max_items)
{
	struct pickle *p = pickle_new(max_items);
	struct buf b = BUF_INIT(SIZE_MAX);
	enum reason why;

	for (size_t i = 0; i < n; i++)
		ck_assert(buf_adds(&b, unit));
	for (size_t i = 1; i < n; i++)
		ck_assert(buf_adds(&b, end));
	ck_assert(buf_adds(&b, "."));
	why = pickle_read(p, buf_slice(&b));
	pickle_free(p);
	buf_fini(&b);
	return why;
}

START_TEST(limits)
{
	struct slice in = slice_of("\x40\x00\x00\x00](", 6), payload;

	/* a million deep, with marks and without */
	ck_assert_int_eq(repeated("(", 1000000, "", 10000000), REASON_TOO_DEEP);
	ck_assert_int_eq(repeated("]", 1000000, "a", 10000000), OK);
	ck_assert_int_eq(repeated("]", 1000, "a", 999), REASON_TOO_MANY);
	ck_assert_int_eq(repeated("](K\x01K\x02" "e0", 600, "", 1000),
	    REASON_TOO_MANY);
	/* says it is a gibibyte */
	ck_assert_int_eq(pickle_frame(&in, PICKLE_MAX_LENGTH, &payload),
	    PICKLE_TOO_LONG);
}
END_TEST

/* After a big and a broken message the next one is read as the first. */
START_TEST(used_again)
{
	struct pickle *p = pickle_new(1000000);
	struct buf b = BUF_INIT(SIZE_MAX);
	struct record r;
	enum reason why;
	size_t n = 0;

	ck_assert(buf_adds(&b, "]("));
	for (int i = 0; i < 100000; i++)
		ck_assert(buf_add(&b, "U\x01" "aK\x01K\x02\x86\x86", 9));
	ck_assert(buf_adds(&b, "e."));
	ck_assert_int_eq(pickle_read(p, buf_slice(&b)), OK);
	while (pickle_next(p, &options, &r, &why) == PICKLE_POINT)
		n++;
	ck_assert_uint_eq(n, 100000);
	ck_assert_int_eq(pickle_read(p, SLICE("]q\x05(((")), REASON_TRUNCATED);
	ck_assert_int_eq(pickle_read(p, SLICE("h\x05.")), REASON_SYNTAX);
	ck_assert_int_eq(pickle_read(p, SLICE("](U\x01" "bK\x01K\x03\x86\x86" "e.")),
	    OK);
	ck_assert_int_eq(pickle_next(p, &options, &r, &why), PICKLE_POINT);
	ck_assert(slice_eq(r.metric.name, SLICE("b")));
	pickle_free(p);
	buf_fini(&b);
}
END_TEST

/* ---- writing ---- */

static void
write_three(struct buf *out, enum pickle_form form)
{
	struct pickle_writer w;

	ck_assert(pickle_begin(&w, out, form));
	ck_assert(pickle_add(&w, SLICE("a.b;k=v"), 1700000000, 1.5, SLICE("1.5")));
	ck_assert(pickle_add(&w, SLICE("it's\\"), -1, -0.1, SLICE("-0.1")));
	ck_assert(pickle_add(&w, SLICE("caf\xc3\xa9"), 4000000000, 1e21,
	    SLICE("1e+21")));
	pickle_end(&w);
}

START_TEST(text_form)
{
	struct buf b = BUF_INIT(1000);
	static const char want[] = "\0\0\0\x6e"
	    "(l(S'a.b;k=v'\n(L1700000000L\nS'1.5'\ntta"
	    "(S'it\\'s\\\\'\n(L-1L\nS'-0.1'\ntta"
	    "(S'caf\\xc3\\xa9'\n(L4000000000L\nS'1e+21'\ntta.";

	write_three(&b, PICKLE_TEXT);
	ck_assert_uint_eq(b.len, sizeof want - 1);
	ck_assert_mem_eq(b.data, want, b.len);
	buf_fini(&b);
}
END_TEST

/* Python's own opinion, encoded as carbon decodes it. */
START_TEST(python_reads_ours)
{
	static const char *const want[] = {
		"[('a.b;k=v', (1700000000, 1.5)), (\"it's\\\\\", (-1, -0.1)), "
		    "('caf\\xe9', (4000000000, 1e+21))]",
		"[('a.b;k=v', (1700000000, '1.5')), (\"it's\\\\\", (-1, '-0.1')), "
		    "('caf\\xe9', (4000000000, '1e+21'))]"
	};
	struct buf b = BUF_INIT(1000);
	char path[] = "/tmp/pickle.XXXXXX", command[300], got[400] = "";
	int fd;
	FILE *f;

	if (!have_python())
		return;
	write_three(&b, _i);
	fd = mkstemp(path);
	ck_assert_int_ne(fd, -1);
	ck_assert_int_eq(write(fd, b.data, b.len), b.len);
	close(fd);
	snprintf(command, sizeof command, "python3 -c 'import pickle; "
	    "d = open(\"%s\", \"rb\").read(); "
	    "assert int.from_bytes(d[:4], \"big\") == len(d) - 4; "
	    "print(ascii(pickle.loads(d[4:], encoding=\"utf-8\")), end=\"\")'",
	    path);
	f = popen(command, "r");
	ck_assert_uint_gt(fread(got, 1, sizeof got - 1, f), 0);
	ck_assert_int_eq(pclose(f), 0);
	unlink(path);
	ck_assert_str_eq(got, want[_i]);
	buf_fini(&b);
}
END_TEST

START_TEST(writer_limits)
{
	struct buf b = BUF_INIT(100000), small = BUF_INIT(150);
	struct pickle_writer w;
	struct slice v = SLICE("1");

	ck_assert(pickle_begin(&w, &b, PICKLE_PROTOCOL_2));
	pickle_end(&w);
	ck_assert_uint_eq(b.len, 0);
	ck_assert(pickle_begin(&w, &b, PICKLE_PROTOCOL_2));
	for (int i = 0; i < PICKLE_BATCH; i++)
		ck_assert(pickle_add(&w, SLICE("a"), 1, 1, v));
	ck_assert(!pickle_add(&w, SLICE("a"), 1, 1, v));
	pickle_end(&w);
	ck_assert(pickle_begin(&w, &b, PICKLE_TEXT));
	w.max_length = 40;
	ck_assert(pickle_add(&w, SLICE("a"), 1, 1, v));
	ck_assert(!pickle_add(&w, SLICE("abcdefghijklm"), 1, 1, v));
	pickle_end(&w);
	ck_assert_uint_le(b.len - w.start - 4, 40);
	ck_assert(pickle_begin(&w, &small, PICKLE_PROTOCOL_2));
	ck_assert(pickle_add(&w, SLICE("a"), 1, 1, v));
	while (pickle_add(&w, SLICE("a"), 1, 1, v))
		;
	pickle_end(&w);
	ck_assert_uint_le(small.len, 150);
	ck_assert_int_eq(small.data[small.len - 1], '.');
	buf_fini(&b);
	buf_fini(&small);
}
END_TEST

/* Names that are not UTF-8 would cost the whole message at the other end. */
START_TEST(only_utf8_is_written)
{
	static const struct { const char *in, *out; } rows[] = {
		{ "a\xff" "b", "a_b" },
		{ "\xc3\xa9\xe2\x82\xac\xf0\x9f\x98\x80",
		    "\xc3\xa9\xe2\x82\xac\xf0\x9f\x98\x80" },
		{ "\xe9t\xe9", "_t_" },
		{ "\xc0\x80", "__" },
		{ "\xed\xa0\x80", "___" },
		{ "\xf4\x90\x80\x80", "____" },
		{ "\xe2\x82", "__" },
	};
	struct pickle *p = pickle_new(100);

	for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
		struct buf b = BUF_INIT(1000);
		struct pickle_writer w;
		struct slice in, payload;
		struct record r;
		enum reason why;

		ck_assert(pickle_begin(&w, &b, PICKLE_PROTOCOL_2));
		ck_assert(pickle_add(&w, slice_str(rows[i].in), 1, 1, SLICE("1")));
		pickle_end(&w);
		in = buf_slice(&b);
		ck_assert_int_eq(pickle_frame(&in, 1000, &payload), PICKLE_FRAME);
		ck_assert_int_eq(pickle_read(p, payload), OK);
		ck_assert_int_eq(pickle_next(p, &options, &r, &why), PICKLE_POINT);
		ck_assert(slice_eq(r.metric.name, slice_str(rows[i].out)));
		buf_fini(&b);
	}
	pickle_free(p);
}
END_TEST

int
main(void)
{
	Suite *s = suite_create("pickle");
	TCase *t = tcase_create("all");
	SRunner *r;
	int failed;

	tcase_set_timeout(t, 30);
	tcase_add_loop_test(t, recorded, 0, 6);
	tcase_add_test(t, from_this_python);
	tcase_add_loop_test(t, cut_short, 0, 6);
	tcase_add_loop_test(t, payload, 0, sizeof payloads / sizeof payloads[0]);
	tcase_add_loop_test(t, text, 0, sizeof texts / sizeof texts[0]);
	tcase_add_test(t, limits);
	tcase_add_test(t, used_again);
	tcase_add_test(t, text_form);
	tcase_add_loop_test(t, python_reads_ours, 0, 2);
	tcase_add_test(t, writer_limits);
	tcase_add_test(t, only_utf8_is_written);
	suite_add_tcase(s, t);
	r = srunner_create(s);
	srunner_run_all(r, CK_NORMAL);
	failed = srunner_ntests_failed(r);
	srunner_free(r);
	return failed != 0;
}
