/* carbon's protobuf messages, written out by hand. */
#include "config.h"

#include <check.h>
#include <math.h>

#include "proto/carbon_protobuf.h"
#include "tests/unit/edge.h"

#define S INT64_C(1000000000)
/* Point { timestamp: 1700000000, value: 1.5 } */
#define TIME "\x08\x80\xe2\xcf\xaa\x06"
#define VALUE_1_5 "\x11\x00\x00\x00\x00\x00\x00\xf8\x3f"
#define POINT "\x12\x0f" TIME VALUE_1_5
#define NAME "\x0a\x03" "a.b"

static const struct graphite_options options = { .now_ns = 7 };

#define P(bytes) bytes, sizeof(bytes) - 1
static const struct {
	const char *bytes;
	size_t len;
	enum reason why;
	const char *name;
	unsigned points, bad;
} rows[] = {
	{ P("\x0a\x16" NAME POINT), REASON_NONE, "a.b", 1, 0 },
	/* points before the name; two points; two metrics */
	{ P("\x0a\x16" POINT NAME), REASON_NONE, "a.b", 1, 0 },
	{ P("\x0a\x27" POINT NAME POINT), REASON_NONE, "a.b", 2, 0 },
	{ P("\x0a\x16" NAME POINT "\x0a\x16" POINT NAME), REASON_NONE, "a.b", 2, 0 },
	/* unknown fields of each kind */
	{ P("\x18\x05\x0a\x20" "\x1a\x01x" "\x25\x01\x02\x03\x04" "\x28\x01"
	    NAME POINT), REASON_NONE, "a.b", 1, 0 },
	{ P("\x0a\x05" NAME), REASON_NONE, "", 0, 0 },
	{ P("\x0a\x11" POINT), REASON_NONE, "", 0, 1 },
	/* no timestamp; not a number */
	{ P("\x0a\x10" NAME "\x12\x09" VALUE_1_5), REASON_NONE, "", 0, 1 },
	{ P("\x0a\x16" NAME "\x12\x0f" TIME
	    "\x11\x00\x00\x00\x00\x00\x00\xf8\x7f"), REASON_NONE, "", 0, 1 },
	{ P(""), REASON_EMPTY, "", 0, 0 },
	/* malformed, at each level */
	{ P("\x0a"), REASON_SYNTAX, "", 0, 0 },
	{ P("\x0a\x17" NAME POINT), REASON_SYNTAX, "", 0, 0 },
	{ P("\x0a\xff\xff\xff\xff\xff\xff\xff\xff\xff\x01"), REASON_SYNTAX, "", 0, 0 },
	{ P("\x0a\x04" "\x12\x02\x08\x80"), REASON_SYNTAX, "", 0, 0 },
	{ P("\x0a\x04" "\x12\x02\x11\x00"), REASON_SYNTAX, "", 0, 0 },
	{ P("\x0b"), REASON_SYNTAX, "", 0, 0 },
	{ P("\x00\x01"), REASON_SYNTAX, "", 0, 0 },
	{ P("\x80\x80\x80\x80\x80\x80\x80\x80\x80\x80\x01"), REASON_SYNTAX, "", 0, 0 },
};

START_TEST(payload)
{
	static struct edge e;
	struct slice in = edge_copy(&e, rows[_i].bytes, rows[_i].len);
	enum carbon_protobuf_next got;
	struct carbon_protobuf p;
	unsigned points = 0, bad = 0;
	struct record r;
	enum reason why;

	ck_assert_int_eq(carbon_protobuf_read(&p, in), rows[_i].why);
	while ((got = carbon_protobuf_next(&p, &options, &r, &why)) !=
	    CARBON_PROTOBUF_END) {
		if (got == CARBON_PROTOBUF_BAD_ITEM) {
			bad++;
			continue;
		}
		points++;
		ck_assert(slice_eq(r.metric.name, slice_str(rows[_i].name)));
		ck_assert(slice_eq(r.metric.text, SLICE("1.5")));
		ck_assert(r.metric.value == 1.5);
		ck_assert(r.time_ns == 1700000000 * S);
	}
	ck_assert_uint_eq(points, rows[_i].points);
	ck_assert_uint_eq(bad, rows[_i].bad);
}
END_TEST

START_TEST(tags_and_reasons)
{
	struct carbon_protobuf p;
	struct record r;
	enum reason why;

	ck_assert_int_eq(carbon_protobuf_read(&p, SLICE("\x0a\x18\x0a\x05" "a;k=v"
	    POINT)), REASON_NONE);
	ck_assert_int_eq(carbon_protobuf_next(&p, &options, &r, &why),
	    CARBON_PROTOBUF_POINT);
	ck_assert(slice_eq(r.metric.name, SLICE("a")));
	ck_assert(slice_eq(r.metric.tags, SLICE("k=v")));
	ck_assert_int_eq(carbon_protobuf_read(&p, SLICE("\x0a\x16" NAME
	    "\x12\x0f" TIME "\x11\x00\x00\x00\x00\x00\x00\xf0\xff")),
	    REASON_NONE);
	ck_assert_int_eq(carbon_protobuf_next(&p, &options, &r, &why),
	    CARBON_PROTOBUF_POINT);
	ck_assert(slice_eq(r.metric.text, SLICE("-inf")));
	ck_assert_int_eq(carbon_protobuf_read(&p, SLICE("\x0a\x11" POINT)),
	    REASON_NONE);
	ck_assert_int_eq(carbon_protobuf_next(&p, &options, &r, &why),
	    CARBON_PROTOBUF_BAD_ITEM);
	ck_assert_int_eq(why, REASON_NO_NAME);
}
END_TEST

int
main(void)
{
	Suite *s = suite_create("carbon_protobuf");
	TCase *t = tcase_create("all");
	SRunner *r;
	int failed;

	tcase_add_loop_test(t, payload, 0, sizeof rows / sizeof rows[0]);
	tcase_add_test(t, tags_and_reasons);
	suite_add_tcase(s, t);
	r = srunner_create(s);
	srunner_run_all(r, CK_NORMAL);
	failed = srunner_ntests_failed(r);
	srunner_free(r);
	return failed != 0;
}
