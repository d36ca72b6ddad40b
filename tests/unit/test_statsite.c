/* statsite's binary messages, cut anywhere, good and hostile. */
#include "config.h"

#include <check.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>

#include "base/buf.h"
#include "proto/statsite.h"
#include "tests/unit/edge.h"

/* A number's message; the key's length is given apart, to lie about it. */
static size_t
put_number(char *out, int type, size_t keylen, const char *key, size_t n,
    double v)
{
	uint64_t bits;

	memcpy(&bits, &v, sizeof bits);
	out[0] = (char)0xaa;
	out[1] = (char)type;
	out[2] = (char)keylen;
	out[3] = (char)(keylen >> 8);
	for (int i = 0; i < 8; i++)
		out[4 + i] = (char)(bits >> 8 * i);
	memcpy(out + 12, key, n);
	return 12 + n;
}

static size_t
put_set(char *out, const char *key, size_t k, const char *member, size_t m)
{
	memcpy(out, "\xaa\x04", 2);
	out[2] = (char)k;
	out[3] = (char)(k >> 8);
	out[4] = (char)m;
	out[5] = (char)(m >> 8);
	memcpy(out + 6, key, k);
	memcpy(out + 6 + k, member, m);
	return 6 + k + m;
}

/* What a run of messages says, "x / y", ending with what is left. */
static char *
read_all(struct slice in)
{
	struct buf out = BUF_INIT(10000);
	enum statsite_result what;
	struct record r = { .received_ns = 5 };
	enum reason why = REASON_NONE;
	struct edge edge;

	in = edge_copy(&edge, in.ptr, in.len);
	while ((what = statsite_next(&in, 100, &r, &why)) == STATSITE_METRIC ||
	    what == STATSITE_BAD) {
		const struct metric_record *m = &r.metric;

		if (what == STATSITE_BAD) {
			buf_printf(&out, "%s / ", reason_name(why));
			continue;
		}
		ck_assert(m->rate == 1);
		ck_assert_int_eq(r.received_ns, 5);
		buf_printf(&out, "%s %.*s", metric_type_name(m->type),
		    SLICE_ARG(m->name));
		if (m->tag_style != TAGS_NONE)
			buf_printf(&out, "(%.*s)", SLICE_ARG(m->tags));
		if (m->type == METRIC_SET)
			buf_printf(&out, " '%.*s' / ", SLICE_ARG(m->text));
		else
			buf_printf(&out, " %g / ", m->value);
	}
	buf_adds(&out, what == STATSITE_MORE ? in.len > 0 ? "more" : "end" :
	    reason_name(why));
	edge_free(&edge);
	ck_assert(buf_cstr(&out) != NULL);
	return out.data;
}

static void
says(struct slice in, const char *want)
{
	char *got = read_all(in);

	ck_assert_str_eq(got, want);
	free(got);
}

START_TEST(readme)
{
	/* the example of statsite's README: Conns, a counter, 200 */
	static const char bytes[] = "\xaa\x02\x06\x00\x00\x00\x00\x00\x00\x00"
	    "\x69\x40" "Conns";

	says(slice_of(bytes, sizeof bytes), "counter Conns 200 / end");
	ck_assert(statsite_is_binary(slice_of(bytes, 1)));
	ck_assert(!statsite_is_binary(SLICE("k:1|c")));
	ck_assert(!statsite_is_binary(SLICE("")));
}
END_TEST

START_TEST(every_type)
{
	char m[1000];
	size_t n = 0;

	n += put_number(m + n, 1, 2, "k", 2, 1.5);
	n += put_number(m + n, 2, 2, "c", 2, -2);
	n += put_number(m + n, 3, 2, "t", 2, 3);
	n += put_set(m + n, "s", 2, "mem:ber", 8);
	n += put_number(m + n, 5, 2, "g", 2, 5);
	n += put_number(m + n, 6, 2, "d", 2, -6);
	n += put_number(m + n, 5, 6, "g;a=b", 6, 7);
	n += put_number(m + n, 5, 8, "g[a=b]h", 8, 7);
	n += put_set(m + n, "e", 2, "", 1);
	says(slice_of(m, n), "kv k 1.5 / counter c -2 / timer t 3 / "
	    "set s 'mem:ber' / gauge g 5 / gauge_delta d -6 / "
	    "gauge g(a=b) 7 / gauge g[a=b]h 7 / set e '' / end");
}
END_TEST

START_TEST(cut_anywhere)
{
	char m[100];
	size_t n = put_number(m, 2, 4, "abc", 4, 1);

	for (size_t i = 0; i < n; i++)
		says(slice_of(m, i), i == 0 ? "end" : "more");
	n = put_set(m, "abc", 4, "xy", 3);
	for (size_t i = 0; i < n; i++)
		says(slice_of(m, i), i == 0 ? "end" : "more");
	says(slice_of(m, n), "set abc 'xy' / end");
}
END_TEST

START_TEST(bad)
{
	char m[400], name[200];
	size_t n;

	says(SLICE("k:1|c"), "bad_framing");
	says(slice_of("\xaa\x00", 2), "bad_type");
	says(slice_of("\xaa\x07 and more", 11), "bad_type");
	n = put_number(m, 2, 2, "a", 2, 1);
	m[n++] = 'x';
	says(slice_of(m, n), "counter a 1 / bad_framing");
	n = put_number(m, 2, 0, "", 0, 1);
	n += put_number(m + n, 2, 1, "", 1, 1);
	n += put_number(m + n, 2, 3, "abc", 3, 1);
	n += put_number(m + n, 2, 4, "a\0b", 4, 1);
	n += put_number(m + n, 2, 4, "a\nb", 4, 1);
	n += put_number(m + n, 2, 2, "a", 2, NAN);
	n += put_number(m + n, 2, 2, "a", 2, -INFINITY);
	n += put_set(m + n, "a", 2, "", 0);
	n += put_set(m + n, "a", 2, "b\0c", 4);
	n += put_number(m + n, 2, 2, "a", 2, 1);
	says(slice_of(m, n), "no_name / no_name / bad_name / bad_name / "
	    "bad_name / not_a_number / not_a_number / bad_value / bad_value / "
	    "counter a 1 / end");
	memset(name, 'n', sizeof name);
	name[101] = '\0';
	n = put_number(m, 2, 102, name, 102, 1);
	says(slice_of(m, n), "too_long / end");
}
END_TEST

int
main(void)
{
	Suite *s = suite_create("statsite");
	TCase *t = tcase_create("statsite");
	SRunner *r;
	int failed;

	tcase_add_test(t, readme);
	tcase_add_test(t, every_type);
	tcase_add_test(t, cut_anywhere);
	tcase_add_test(t, bad);
	suite_add_tcase(s, t);
	r = srunner_create(s);
	srunner_run_all(r, CK_NORMAL);
	failed = srunner_ntests_failed(r);
	srunner_free(r);
	return failed != 0;
}
