/* StatsD lines row by row, events and checks, and canonical names.  Packets
 * lie against an unreadable page, so that one byte too far is seen. */
#include "config.h"

#include <check.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>

#include "proto/statsd.h"
#include "tests/unit/edge.h"

static const char *const styles[] = {
	"", "dog", "graphite", "influx", "signalfx", "librato"
};

static void
say(struct buf *out, enum statsd_result what, const struct record *r,
    enum reason why)
{
	const struct metric_record *m = &r->metric;

	if (out->len > 0)
		buf_adds(out, " / ");
	if (what == STATSD_BAD) {
		buf_adds(out, reason_name(why));
		return;
	}
	if (what != STATSD_METRIC) {
		buf_adds(out, what == STATSD_EVENT ? "event" : "check");
		return;
	}
	buf_printf(out, "%s %.*s ", metric_type_name(m->type),
	    SLICE_ARG(m->name));
	if (m->type == METRIC_SET)
		buf_printf(out, "'%.*s'", SLICE_ARG(m->text));
	else
		buf_printf(out, "%.17g", m->value);
	if (m->rate != 1)
		buf_printf(out, " @%g", m->rate);
	if (m->tag_style != TAGS_NONE)
		buf_printf(out, " %s(%.*s)", styles[m->tag_style],
		    SLICE_ARG(m->tags));
	if (r->time_ns != 0)
		buf_printf(out, " T%lld", (long long)r->time_ns);
}

/* All that a packet says, "x / y", and its number of lines. */
static char *
read_all(struct slice packet, const struct statsd_options *o, unsigned *lines)
{
	struct edge edge;
	struct slice walled = edge_copy(&edge, packet.ptr, packet.len);
	struct statsd_parser p;
	struct buf out = BUF_INIT(1 << 20);
	enum statsd_result what;
	struct record r = { .received_ns = 77 };
	enum reason why = REASON_NONE;

	statsd_begin(&p, walled, o);
	while ((what = statsd_next(&p, &r, &why)) != STATSD_END) {
		if (what == STATSD_BAD)
			ck_assert(p.bad.len > 0);
		else
			ck_assert_int_eq(r.source, SOURCE_STATSD);
		say(&out, what, &r, why);
	}
	ck_assert_int_eq(statsd_next(&p, &r, &why), STATSD_END);
	ck_assert_int_eq(r.received_ns, 77);
	*lines = (unsigned)p.lines;
	edge_free(&edge);
	ck_assert(buf_cstr(&out) != NULL);
	return out.data;
}

struct row {
	const char *packet, *says;
};

/* The pieces between newlines that are not empty. */
static unsigned
lines_of(struct slice packet, bool strict)
{
	unsigned n = 0;

	while (packet.ptr != NULL) {
		struct slice piece = slice_cut(&packet, '\n');

		n += piece.len > 1 || (piece.len == 1 &&
		    (strict || piece.ptr[0] != '\r'));
	}
	return n;
}

static void
check_row(const struct row *row, struct slice packet,
    const struct statsd_options *o)
{
	unsigned lines;
	char *got = read_all(packet, o, &lines);

	ck_assert_msg(strcmp(got, row->says) == 0,
	    "%s\n says %s\n want %s", row->packet, got, row->says);
	ck_assert_msg(lines == lines_of(packet, o->strict),
	    "%s: %u lines", row->packet, lines);
	free(got);
}

/* Each as it stands, and with room behind it, where lines are read more
 * quickly: empty lines are none. */
static void
check_rows(const struct row *rows, size_t n, const struct statsd_options *o)
{
	for (size_t i = 0; i < n; i++) {
		struct slice packet = slice_str(rows[i].packet);

		check_row(&rows[i], packet, o);
		for (int room = 1; room <= 80; room++) {
			char *roomy = malloc(packet.len + (size_t)room);

			ck_assert_ptr_nonnull(roomy);
			memcpy(roomy, packet.ptr, packet.len);
			memset(roomy + packet.len, '\n', (size_t)room);
			check_row(&rows[i], slice_of(roomy, packet.len +
			    (size_t)room), o);
			free(roomy);
		}
	}
}

#define ROWS(rows, o) check_rows(rows, sizeof rows / sizeof rows[0], o)

START_TEST(plain_lines)
{
	static const struct row rows[] = {
		{ "k:1|c", "counter k 1" },
		{ "k:12.5|ms", "timer k 12.5" },
		{ "k:320.4563713073730|ms", "timer k 320.45637130737299" },
		{ "k:5|h", "timer k 5" }, { "k:5|d", "timer k 5" },
		{ "k:5|g", "gauge k 5" }, { "k:+5|g", "gauge_delta k 5" },
		{ "k:-5.5|g", "gauge_delta k -5.5" },
		{ "k: -5|g", "gauge k -5" }, { "k: +5|g", "gauge k 5" },
		{ "k:-0|g", "gauge_delta k -0" },
		{ "k:7|s", "set k '7'" }, { "k:-7|s", "set k '-7'" },
		{ "k:abc|s", "set k 'abc'" }, { "k:|s", "set k '0'" },
		{ "k: |s", "set k ' '" },
		{ "k:1|c|@0.1", "counter k 1 @0.1" },
		{ "a.name.that.is.long.enough.for.vectors:3|c",
		    "counter a.name.that.is.long.enough.for.vectors 3" },
		{ "a.name.of.thirty.bytes.length1:3|c",
		    "counter a.name.of.thirty.bytes.length1 3" },
		{ "a.name.of.thirty.one.bytes.len.:3|c",
		    "counter a.name.of.thirty.one.bytes.len. 3" },
		{ "a.name.of.thirty.two.bytes.leng.:3|c",
		    "counter a.name.of.thirty.two.bytes.leng. 3" },
		{ "a b:3|c", "counter a b 3" }, { "a\xc3\xa4:3|c", "counter a\xc3\xa4 3" },
		{ "a{b}~c:3|c", "counter a{b}~c 3" },
		{ "a-b_c/d.E9:3|c", "counter a-b_c/d.E9 3" },
		{ "k:12.|c", "counter k 12" }, { "k:1234567.7654321|g",
		    "gauge k 1234567.7654321" },
		{ "k:12345678.12345678|g", "gauge k 12345678.12345678" },
		{ "k:9007199254740993|c", "counter k 9007199254740992" },
		{ "k:123456789012345678901234567890|c",
		    "counter k 1.2345678901234568e+29" },
		{ "k:1|c\nl:2|c\r\nm:3|ms\n",
		    "counter k 1 / counter l 2 / timer m 3" },
		{ "\n\nk:1|c\n\n\nl:2|c\n\n", "counter k 1 / counter l 2" },
	};

	ROWS(rows, &statsd_defaults);
}
END_TEST

START_TEST(reasons)
{
	static const struct row rows[] = {
		{ ":1|c", "no_name" }, { ":", "no_name" },
		{ "k", "no_value" }, { "k|#a:b:1|c", "no_value" },
		{ "|#", "no_value" }, { "k:", "no_value" },
		{ "k:|c", "no_value" }, { "k:|g", "no_value" },
		{ "k:|ms", "no_value" },
		{ "k:1", "no_type" }, { "k:1|#a:b", "no_type" },
		{ "k:1:2", "no_type / no_type" },
		{ "k:12abc|c", "bad_value" }, { "k:-5|ms", "bad_value" },
		{ "k:x|g", "bad_value" }, { "k:1_000|c", "bad_value" },
		{ "k:NaN|g", "bad_value" }, { "k:x|s ", "bad_value" },
		{ "k:Infinity|c", "not_a_number" },
		{ "k:-Infinity|g", "not_a_number" },
		{ "k:1e400|ms", "not_a_number" },
		{ "k:1|c|@0", "bad_rate" }, { "k:1|c|@0.0", "bad_rate" },
		{ "k:1|c|@", "bad_rate" }, { "k:1|c|@-1", "bad_rate" },
		{ "k:1|c|@+0.5", "bad_rate" }, { "k:1|c|@ 0.5", "bad_rate" },
		{ "k:1|c|@\t1", "bad_rate" }, { "k:1|c|@Infinity", "bad_rate" },
		{ "k:1|c|@0x10", "bad_rate" }, { "k:1|c|@0.1abc", "bad_rate" },
		{ "k:1|c|@0.1.2", "bad_rate" }, { "k:1|c|@1e400", "bad_rate" },
		{ "k:1|c|@1e-320", "bad_rate" }, { "k:1|c|@.", "bad_rate" },
		{ "k:1|c|@ ", "bad_rate" },
		{ "k:1|c|#a:b|@x", "bad_rate" },
		{ "k:1|c|", "bad_fields" }, { "k:1|c|0.5", "bad_fields" },
		{ "k:1|c|T", "bad_time" }, { "k:1|c|T0", "bad_time" },
		{ "k:1|c|T-5", "bad_time" }, { "k:1|c|T1.5", "bad_time" },
		{ "k:1|c|T99999999999999999999", "bad_time" },
		{ "k:1|c|T9223372037", "bad_time" },
	};

	ROWS(rows, &statsd_defaults);
}
END_TEST

START_TEST(fields)
{
	static const struct row rows[] = {
		{ "k:1|c|@0.5", "counter k 1 @0.5" },
		{ "k:1|c|@.5", "counter k 1 @0.5" },
		{ "k:1|c|@2", "counter k 1 @2" },
		{ "k:1|c|@5e-1", "counter k 1 @0.5" },
		{ "k:1|c|@0.5 ", "counter k 1 @0.5" },
		{ "k:1|c|@0.5\r\n", "counter k 1 @0.5" },
		{ "k:1|g|@0", "gauge k 1" }, { "k:1|s|@0", "set k '1'" },
		{ "k:1|c|@0.5|#a:b", "counter k 1 @0.5 dog(a:b)" },
		{ "k:1|c|#a:b|@0.5", "counter k 1 @0.5 dog(a:b)" },
		{ "k:1|c|#a:b,c|c:cid|T1656581400",
		    "counter k 1 dog(a:b,c) T1656581400000000000" },
		{ "k:1|g|T1656581400|#a:b",
		    "gauge k 1 dog(a:b) T1656581400000000000" },
		{ "k:1|c|c:cid", "counter k 1" },
		{ "k:1|d|#a:b|c:ci-12|e:it-false,cn-x|card:low",
		    "timer k 1 dog(a:b)" },
		{ "k:1|c|e:it-false", "counter k 1" },
		{ "k:1|c|card:none", "counter k 1" },
		{ "k:1|c|#|T5", "counter k 1 T5000000000" },
		{ "k:1|c|#a:b|#c:d", "counter k 1 dog(a:b)" },
		{ "k:1|c|@0.5|@0.1", "counter k 1 @0.5" },
		{ "k:1|c|@0.5|x|y", "counter k 1 @0.5" },
		{ "k:1|c|#a:b|future:1", "counter k 1 dog(a:b)" },
		{ "k:1|c|#a:b\r\nl:1|c", "counter k 1 dog(a:b) / counter l 1" },
		{ "k:1|c|#url:http://x/y", "counter k 1 dog(url:http://x/y)" },
		{ "k:1|c|#", "counter k 1" }, { "k:1|c|#\nk:2|c",
		    "counter k 1 / counter k 2" },
	};

	ROWS(rows, &statsd_defaults);
}
END_TEST

START_TEST(several_values)
{
	static const struct row rows[] = {
		{ "k:1|c:2|ms:3|g:x|s",
		    "counter k 1 / timer k 2 / gauge k 3 / set k 'x'" },
		{ "k:1|c:x|ms:3|g", "counter k 1 / bad_value / gauge k 3" },
		{ "k:1|c:2", "counter k 1 / no_type" },
		{ "k:1|c:", "counter k 1 / no_value" },
		{ "k:1|c|@0.5:2|ms|@0.1", "counter k 1 @0.5 / timer k 2 @0.1" },
		{ "k:1|c:2|ms|#a:b", "counter k 1 dog(a:b) / timer k 2 dog(a:b)" },
		{ "k:1|c|x:2|ms", "bad_fields / timer k 2" },
		{ "k:1:2:3|ms", "timer k 1 / timer k 2 / timer k 3" },
		{ "k:1:2|ms|@0.5|#a:b",
		    "timer k 1 @0.5 dog(a:b) / timer k 2 @0.5 dog(a:b)" },
		{ "k:bar:1|c", "bad_value / counter k 1" },
		{ "k:1::3|c", "counter k 1 / no_value / counter k 3" },
		{ "k:1:2|c|@0", "bad_rate / bad_rate" },
		{ "k:+1:-2:3|g",
		    "gauge_delta k 1 / gauge_delta k -2 / gauge k 3" },
		{ "k:1:2|g|T7", "gauge k 1 T7000000000 / gauge k 2 T7000000000" },
		{ "k:x:y|s", "set k 'x:y'" },
		{ "k:http://a:80/|s|#a:b", "set k 'http://a:80/' dog(a:b)" },
		{ "k:1|c:::1|s", "counter k 1 / set k '::1'" },
	};

	ROWS(rows, &statsd_defaults);
}
END_TEST

START_TEST(odd_types_and_values)
{
	static const struct row rows[] = {
		{ "k:1|", "counter k 1" }, { "k:1|z", "counter k 1" },
		{ "k:1|m", "counter k 1" }, { "k:1|C", "counter k 1" },
		{ "k:5|kv", "kv k 5" }, { "k:1| c", "counter k 1" },
		{ "k:-5|ms ", "timer k -5" }, { "k:-5|ms\r", "bad_value" },
		{ "k:5|s ", "set k '5'" }, { "k:x|s\r\n", "set k 'x'" },
		{ "k:-5|h", "timer k -5" }, { "k:-5|d", "timer k -5" },
		{ "k: |c", "counter k 0" }, { "k:0x10|c", "counter k 16" },
		{ "k:0b11|c", "counter k 3" }, { "k:0o17|c", "counter k 15" },
		{ "k:1e3|c", "counter k 1000" }, { "k:5.|c", "counter k 5" },
		{ "k:.5|c", "counter k 0.5" }, { "k:+5|c", "counter k 5" },
		{ "k:-0.0|c", "counter k -0" },
		{ "k:\xc2\xa0" "5|c", "counter k 5" },
		{ "\r\n\r\nk:1|c\r\n", "counter k 1" },
		{ "k:1|c\r", "counter k 1" },
		{ "k:1|c\rx", "counter k 1" },
	};

	ROWS(rows, &statsd_defaults);
}
END_TEST

START_TEST(tags_in_names)
{
	static const struct row rows[] = {
		{ "k;a=b;c=d:1|c", "counter k 1 graphite(a=b;c=d)" },
		{ "k,a=b,c=d:1|c", "counter k 1 influx(a=b,c=d)" },
		{ "k[a=b,c=d]:1|c", "counter k 1 signalfx(a=b,c=d)" },
		{ "k#a=b,c=d:1|c", "counter k 1 librato(a=b,c=d)" },
		{ "k[a=b]l:1|c", "counter k[a=b]l 1" },
		{ "k;x=y:1|c|#a:b", "counter k;x=y 1 dog(a:b)" },
		{ "k,x=y:1|c|#a:b", "counter k,x=y 1 dog(a:b)" },
		/* punctuation that is none */
		{ "k,l:1|c", "counter k,l 1" }, { "k[a=b:1|c", "counter k[a=b 1" },
		{ "k#l:1|c", "counter k#l 1" }, { "k,=b:1|c", "counter k,=b 1" },
		{ "k,a,b=c:1|c", "counter k,a,b=c 1" },
		{ "a|b:1|c", "counter a|b 1" }, { "k;:1|c",
		    "counter k 1 graphite()" },
	};

	ROWS(rows, &statsd_defaults);
}
END_TEST

START_TEST(strict_lines)
{
	static const struct statsd_options o = {
		.strict = true, .unknown_types_are_counters = true,
		.max_name = 100
	};
	static const struct row rows[] = {
		{ "k:5|h", "counter k 5" }, { "k:5|kv", "counter k 5" },
		{ "k:-5|d", "counter k -5" }, { ":1|c", "counter  1" },
		{ "k:1:2:3|c", "no_type / no_type / counter k 3" },
		{ "k:x:y|s", "no_type / set k 'y'" },
		{ "k:1|c|#a:b|c:cid", "counter k 1 dog(a:b|c:cid)" },
		{ "k:1|c|c:cid", "bad_fields / no_type" },
		{ "k:1|c|#a|#b", "counter k 1 dog(a)" },
		{ "k,a=b:1|c", "counter k,a=b 1" },
		{ "k;a=b:1|c", "counter k;a=b 1" },
		{ "_e{5,4}:title|text", "bad_value" },
		{ "_sc|n|0", "no_value" },
		{ "k:1|c|@1e-1", "counter k 1" },
		{ "k:1|c|@0x10", "bad_rate" }, { "k:1|c|@+0.5", "bad_rate" },
		{ "k:1|c|@ ", "bad_rate" }, { "k:1|c|@-1", "bad_rate" },
		{ "k:1|g|@0", "gauge k 1" },
		{ "k:x|s\r", "bad_value" }, { "k:-5|ms\r", "timer k -5" },
		{ "k:1|c\r\n", "counter k 1" },
		{ "\r\n", "no_value" }, { "k:Infinity|c", "counter k inf" },
		{ "k:1|c|@0.5:2|ms|@0.1|x:3|g",
		    "counter k 1 @0.5 / timer k 2 @0.1 / gauge k 3" },
		{ "k:1|", "counter k 1" }, { "k:1|c|", "bad_fields" },
		{ "k:1|c\nl:2|ms|@0.5\n", "counter k 1 / timer l 2 @0.5" },
	};

	ROWS(rows, &o);
}
END_TEST

START_TEST(options)
{
	static const struct statsd_options o = {
		.unknown_types_are_counters = false, .max_name = 10
	};
	static const struct row rows[] = {
		{ "k:1|z", "bad_type" }, { "k:1|", "no_type" },
		{ "k:1| ", "no_type" }, { "k:1|c", "counter k 1" },
		{ "k:1|h ", "timer k 1" },
		{ "0123456789:1|c", "counter 0123456789 1" },
		{ "0123456789a:1|c", "too_long" },
		{ "01234:1|c|#a:123", "counter 01234 1 dog(a:123)" },
		{ "01234:1|c|#a:1234", "too_long" },
		{ "01234:1|c:2|c|#a:1234", "too_long" },
		{ "0123456789a:1|c\nk:1|c", "too_long / counter k 1" },
	};

	ROWS(rows, &o);
}
END_TEST

/* Run by run, as the front-end reads, and line by line. */
START_TEST(runs_are_the_same_lines)
{
	static const char packet[] =
	    "a.quick.one:1|c\na.timer:12.5|ms|@0.5\nodd:x|c\n\n"
	    "with.tags:3|c|#k:v\nthe.same.gauge:7|g\nseveral:1:2:3|ms\n"
	    "a.set:member|s\n_sc|up|0\nthe.next:4|c\nthe.last.one:5|c";
	struct statsd_parser one, run;
	struct metric_record m[3];
	struct record r, s;
	enum reason why, reason;
	enum statsd_result what;
	size_t in_runs = 0, n;

	statsd_begin(&one, slice_str(packet), &statsd_defaults);
	statsd_begin(&run, slice_str(packet), &statsd_defaults);
	do {
		n = statsd_run(&run, m, 3);
		for (size_t i = 0; i < n; i++) {
			ck_assert_int_eq(statsd_next(&one, &r, &why),
			    STATSD_METRIC);
			ck_assert(slice_eq(r.metric.name, m[i].name));
			ck_assert(slice_eq(r.metric.tags, m[i].tags));
			ck_assert(slice_eq(r.metric.text, m[i].text));
			ck_assert_int_eq(r.metric.type, m[i].type);
			ck_assert_double_eq(r.metric.value, m[i].value);
			ck_assert_double_eq(r.metric.rate, m[i].rate);
		}
		in_runs += n;
		what = n == 3 ? STATSD_METRIC : statsd_next(&run, &s, &reason);
		if (n < 3)
			ck_assert_int_eq(statsd_next(&one, &r, &why), what);
	} while (what != STATSD_END);
	ck_assert_uint_eq(in_runs, 7);
	ck_assert_uint_eq(one.lines, 10);
	ck_assert_uint_eq(run.lines, 10);
}
END_TEST

START_TEST(any_bytes)
{
	static const char nuls[] = "k:1\0|c\nk:1|c\0\n\0\nl:1|c";
	unsigned lines;
	char *got;

	got = read_all(slice_of(nuls, sizeof nuls - 1), &statsd_defaults,
	    &lines);
	ck_assert_str_eq(got, "bad_value / counter k 1 / no_value / "
	    "counter l 1");
	free(got);
	ck_assert_uint_eq(lines, 4);
	got = read_all(slice_of("k\xff:\xfe\x80|s", 7), &statsd_defaults,
	    &lines);
	ck_assert_str_eq(got, "set k\xff '\xfe\x80'");
	free(got);
	got = read_all(slice_of("", 0), &statsd_defaults, &lines);
	ck_assert_str_eq(got, "");
	ck_assert_uint_eq(lines, 0);
	free(got);
}
END_TEST

/* A name of 64 KB, a packet of nothing but separators. */
START_TEST(huge)
{
	static const char bytes[] = ":|#@,;[]T\r\n_esc{}1.-";
	static char packet[65507];
	struct statsd_options strict = statsd_defaults;
	struct statsd_parser p;
	struct record r;
	enum reason why;
	size_t steps;

	memset(packet, 'a', sizeof packet);
	memcpy(packet + sizeof packet - 4, ":1|c", 4);
	statsd_begin(&p, slice_of(packet, sizeof packet), &statsd_defaults);
	ck_assert_int_eq(statsd_next(&p, &r, &why), STATSD_BAD);
	ck_assert_int_eq(why, REASON_TOO_LONG);
	ck_assert_int_eq(statsd_next(&p, &r, &why), STATSD_END);
	strict.strict = true;
	for (size_t i = 0; i < sizeof bytes - 1; i++) {
		memset(packet, bytes[i], sizeof packet);
		packet[0] = 'k';
		packet[1] = ':';
		for (int s = 0; s < 2; s++) {
			steps = 0;
			statsd_begin(&p, slice_of(packet, sizeof packet),
			    s ? &strict : &statsd_defaults);
			while (statsd_next(&p, &r, &why) != STATSD_END)
				ck_assert_uint_le(++steps, sizeof packet);
		}
	}
}
END_TEST

/* "key=value key=value" of an event's fields, or the reason. */
static char *
event_text(const char *line)
{
	struct edge edge;
	struct slice walled = edge_copy(&edge, line, strlen(line));
	struct statsd_parser p;
	struct buf out = BUF_INIT(10000);
	struct record r;
	enum statsd_result what;
	enum reason why;

	statsd_begin(&p, walled, &statsd_defaults);
	what = statsd_next(&p, &r, &why);
	if (what == STATSD_BAD) {
		buf_adds(&out, reason_name(why));
	} else {
		ck_assert_int_eq(r.kind, RECORD_EVENT);
		ck_assert(slice_eq(r.event.stream, what == STATSD_EVENT ?
		    SLICE("dogstatsd_events") : SLICE("dogstatsd_checks")));
		for (size_t i = 0; i < r.event.nfields; i++)
			buf_printf(&out, "%s%.*s=%.*s", i > 0 ? " " : "",
			    SLICE_ARG(r.event.fields[i].key),
			    SLICE_ARG(r.event.fields[i].value));
		if (r.time_ns != 0)
			buf_printf(&out, " T%lld", (long long)r.time_ns);
	}
	ck_assert_int_eq(statsd_next(&p, &r, &why), STATSD_END);
	ck_assert_uint_eq(p.lines, 1);
	edge_free(&edge);
	ck_assert(buf_cstr(&out) != NULL);
	return out.data;
}

START_TEST(events_and_checks)
{
	static const struct { const char *line, *says; } rows[] = {
		{ "_e{5,4}:title|text", "title=title text=text" },
		{ "_e{5,4}:title|text\r\n", "title=title text=text" },
		{ "_e{5,4}:title|text|d:12|h:web1|k:agg|p:low|s:src|t:error|"
		  "#a:b,c|c:cid|e:x|card:low",
		    "title=title text=text timestamp=12 host=web1 "
		    "aggregation_key=agg priority=low source=src "
		    "alert_type=error tags=a:b,c T12000000000" },
		{ "_e{3,5}:a|b|x|y|z|t:info",
		    "title=a|b text=x|y|z alert_type=info" },
		{ "_e{1,0}:a|", "title=a text=" },
		{ "_e{1,2}:a|\\n|h:x", "title=a text=\\n host=x" },
		/* bytes, then UTF-16 units, then characters */
		{ "_e{2,2}:\xc3\xa9|\xc3\xa9|h:x",
		    "title=\xc3\xa9 text=\xc3\xa9 host=x" },
		{ "_e{1,1}:\xc3\xa9|\xc3\xa9|h:x",
		    "title=\xc3\xa9 text=\xc3\xa9 host=x" },
		{ "_e{2,1}:\xf0\x9f\x98\x80|t", "title=\xf0\x9f\x98\x80 text=t" },
		{ "_e{1,1}:\xf0\x9f\x98\x80|t", "title=\xf0\x9f\x98\x80 text=t" },
		{ "_e{5,4}:title|text|h:a|h:b", "title=title text=text host=a" },
		{ "_e{5,5}:title|text", "truncated" },
		{ "_e{5,3}:title|text", "truncated" },
		{ "_e{4,4}:title|text", "truncated" },
		{ "_e{5,99999999999999999999}:title|text", "bad_fields" },
		{ "_e{18446744073709551615,18446744073709551615}:title|text",
		    "truncated" },
		{ "_e{}:title|text", "bad_fields" },
		{ "_e{5}:title|text", "bad_fields" }, { "_e{", "bad_fields" },
		{ "_e{5,4}", "bad_fields" }, { "_e{5,4}title|text", "bad_fields" },
		{ "_e{5,4}:", "truncated" }, { "_e{0,4}:|text", "no_name" },
		{ "_e{5,4}:title|text|d:x", "bad_time" },
		{ "_sc|name|0", "name=name status=0" },
		{ "_sc|my.check|2|d:12|h:host|#a:b|c:cid|m:it|is|#so",
		    "name=my.check status=2 timestamp=12 host=host tags=a:b "
		    "message=it|is|#so T12000000000" },
		{ "_sc|n|3|m:", "name=n status=3 message=" },
		{ "_sc||0", "no_name" }, { "_sc|", "no_name" },
		{ "_sc|n", "bad_value" }, { "_sc|n|4", "bad_value" },
		{ "_sc|n|00", "bad_value" }, { "_sc|n|0|d:", "bad_time" },
		{ "_sc|n|0|", "name=n status=0" },
	};

	for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
		char *got = event_text(rows[i].line);

		ck_assert_msg(strcmp(got, rows[i].says) == 0,
		    "%s\n says %s\n want %s", rows[i].line, got, rows[i].says);
		free(got);
	}
}
END_TEST

/* The canonical name of the first metric of a line. */
static char *
name_of(struct slice line, const struct statsd_name_options *o, bool strict)
{
	struct statsd_options options = statsd_defaults;
	struct statsd_parser p;
	struct buf out = BUF_INIT(100000);
	struct record r;
	enum reason why;

	options.strict = strict;
	options.max_name = 100000;
	statsd_begin(&p, line, &options);
	ck_assert_msg(statsd_next(&p, &r, &why) == STATSD_METRIC, "%.*s",
	    SLICE_ARG(line));
	buf_adds(&out, "x");
	if (!statsd_name(&out, &r.metric, o)) {
		ck_assert_uint_eq(out.len, 1);
		buf_fini(&out);
		return NULL;
	}
	ck_assert(buf_cstr(&out) != NULL);
	memmove(out.data, out.data + 1, out.len);
	return out.data;
}

struct name_row {
	const char *line, *name;
};

static void
check_names(const struct name_row *rows, size_t n,
    const struct statsd_name_options *o)
{
	for (size_t i = 0; i < n; i++) {
		char *got = name_of(slice_str(rows[i].line), o, !o->dialects);

		ck_assert_msg(got != NULL && strcmp(got, rows[i].name) == 0,
		    "%s\n named %s\n want  %s", rows[i].line, got, rows[i].name);
		free(got);
	}
}

#define NAMES(rows, o) check_names(rows, sizeof rows / sizeof rows[0], o)

START_TEST(names)
{
	static const struct name_row rows[] = {
		{ "a.b-c_d9:1|c", "a.b-c_d9" }, { "a b:1|c", "a_b" },
		{ "a \t\xc2\xa0\xe3\x80\x80 b:1|c", "a_b" },
		{ "a \xc3\xa9 b:1|c", "a__b" }, { "a/b//c:1|c", "a-b--c" },
		{ "a\xc3\xa9" "b:1|c", "ab" }, { "a\xff\xfe" "b:1|c", "ab" },
		{ " :1|c", "_" }, { "\xc3\xa9:1|c", "" },
		{ "..a..:1|c", "..a.." }, { "a=b:1|c", "a=b" },
		{ "a!\"$%&'()*+<>?@\\^`{|}~b:1|c", "ab" },
		{ "k:1|c|#a:b,c:d", "k;a=b;c=d" }, { "k:1|c|#c,a", "k;c;a" },
		{ "k:1|c|#a:b:c", "k;a=bc" }, { "k:1|c|#a;b;c:d", "k;a_b;c=d" },
		{ "k:1|c|#a:b;c", "k;a=b_c" }, { "k:1|c|#:b", "k;=b" },
		{ "k:1|c|#a:", "k;a=" }, { "k:1|c|#;", "k;_" },
		{ "k:1|c|#,", "k;;" }, { "k:1|c|#a:b,", "k;a=b;" },
		{ "k:1|c|#a b:c d", "k;a_b=c_d" },
		{ "k:1|c|#url:http://x/y", "k;url=http--x-y" },
		{ "k;a=b:1|c", "k;a=b" }, { "k;;:1|c", "k;;" },
		{ "k;x=y:1|c|#a:b", "k;x=y;a=b" },
		{ "k,a=b,c=d:1|c", "k;a=b;c=d" },
		{ "k,a=b:1|c|#c:d", "k;a=b;c=d" },
		{ "k[a=b,c=d]:1|c", "k;a=b;c=d" },
		{ "k[a=b].l:1|c", "k.l;a=b" },
		{ "k[a=b].l:1|c|#c:d", "k.l;a=b;c=d" },
		{ "k#a=b:1|c", "k;a=b" }, { "k,l:1|c", "kl" },
		{ "k[l]:1|c", "kl" },
	};
	static const struct name_row raw[] = {
		{ "a b/\xc3\xa9:1|c", "a b/\xc3\xa9" },
		{ "k:1|c|#a b:c/d,e;f:g:h", "k;a b=c/d;e_f=g:h" },
		{ "k,a=b c:1|c", "k;a=b c" },
	};
	static const struct name_row strict[] = {
		{ "k,a=b:1|c", "ka=b" }, { "k[a=b]l:1|c", "ka=bl" },
		{ "k#a=b:1|c", "ka=b" }, { "k;a=b:1|c|#c:d", "k;a=b;c=d" },
		{ "k:1|c|#a:b|c:cid", "k;a=bccid" },
		{ "k:1|c|#a:b|@0.5", "k;a=b0.5" },
		{ ":1|c|#a:b", ";a=b" },
	};
	static const struct statsd_name_options as_sent = { .dialects = true };
	static const struct statsd_name_options reference = { .sanitize = true };

	NAMES(rows, &statsd_name_defaults);
	NAMES(raw, &as_sent);
	NAMES(strict, &reference);
}
END_TEST

START_TEST(tidy_tags)
{
	static const struct name_row sorted[] = {
		{ "k:1|c|#c:1,a:2,b:3", "k;a=2;b=3;c=1" },
		{ "k:1|c|#a:2,b,a:1,", "k;;a=2;a=1;b" },
		{ "k;z=1:1|c|#a:2", "k;a=2;z=1" }, { "k:1|c", "k" },
		{ "k,ab=1,a=2:1|c", "k;a=2;ab=1" },
	};
	static const struct name_row legal[] = {
		{ "k:1|c|#c:1,a,,b:,:x,a:2", "k;c=1;a=true;b=true;a=2" },
		{ "k:1|c|#,", "k" }, { "k;:1|c", "k" }, { "k:1|c", "k" },
	};
	static const struct statsd_name_options sort = {
		.sanitize = true, .dialects = true, .sort_tags = true
	};
	static const struct statsd_name_options right = {
		.sanitize = true, .dialects = true, .legal_tags = true
	};

	NAMES(sorted, &sort);
	NAMES(legal, &right);
}
END_TEST

START_TEST(names_have_limits)
{
	static const struct statsd_name_options sort = {
		.sanitize = true, .dialects = true, .sort_tags = true
	};
	static char line[60000];
	struct metric_record m = {
		.name = SLICE("abcdefgh"), .tags = SLICE("a:b,c:d"),
		.tag_style = TAGS_DOGSTATSD
	};
	struct buf out;
	size_t n = 0;
	char *got;

	/* every maximum that is too small, by one byte at a time */
	for (size_t max = 0; max < 16; max++) {
		buf_init(&out, max);
		ck_assert(!statsd_name(&out, &m, &statsd_name_defaults));
		ck_assert_uint_eq(out.len, 0);
		buf_fini(&out);
	}
	buf_init(&out, 16);
	ck_assert(statsd_name(&out, &m, &statsd_name_defaults));
	ck_assert_uint_eq(out.len, 16);
	buf_fini(&out);
	n += (size_t)snprintf(line, sizeof line, "k:1|c|#t0:0");
	for (int i = 1; i < STATSD_MAX_TAGS; i++)
		n += (size_t)snprintf(line + n, sizeof line - n, ",t%d:%d",
		    i * 7 % STATSD_MAX_TAGS, i);
	got = name_of(slice_of(line, n), &sort, false);
	ck_assert(got != NULL);
	ck_assert(strncmp(got, "k;t0=0;t1=", 10) == 0);
	free(got);
	n += (size_t)snprintf(line + n, sizeof line - n, ",x:y");
	ck_assert(name_of(slice_of(line, n), &sort, false) == NULL);
	got = name_of(slice_of(line, n), &statsd_name_defaults, false);
	ck_assert(got != NULL);
	free(got);
}
END_TEST

/* ---- said again ---- */

struct again {
	const char *in;
	bool strict;
	const char *out;
};

static const struct again agains[] = {
	{ "a:1|c", false, "a:1|c\n" },
	{ "a:1|c", true, "a:1|c\n" },
	{ "a:1|c\r\nb:2|g\r\n", false, "a:1|c\nb:2|g\n" },
	{ "a:1|c:2|ms|@0.5:3|g", true, "a:1|c\na:2|ms|@0.5\na:3|g\n" },
	{ "a:1|c:2|ms|@0.5:3|g", false, "a:1|c\na:2|ms|@0.5\na:3|g\n" },
	{ "a:1:2|d|@0.5|#k:v,b|c:x", false,
	    "a:1|d|@0.5|#k:v,b|c:x\na:2|d|@0.5|#k:v,b|c:x\n" },
	{ "a:1|c:2|g|#k:v", false, "a:1|c|#k:v\na:2|g|#k:v\n" },
	{ "a:1|c:2|g|#k:v", true, "a:1|c|#k:v\na:2|g|#k:v\n" },
	{ "a:1|c|#url:http://x:2", false, "a:1|c|#url:http://x:2\n" },
	{ "a:1|c|@0.5|junk", true, "a:1|c|@0.5|junk\n" },
	{ "a: -5|g", false, "a: -5|g\n" },
	{ "a:+5|g", false, "a:+5|g\n" },
	{ "a:x y|s", false, "a:x y|s\n" },
	{ "a:1|z", true, "a:1|z\n" },
	{ "a:1|c|T1656581400", false, "a:1|c|T1656581400\n" },
	{ "k;a=b:1|c", false, "k;a=b:1|c\n" },
	{ "k,a=b:1|c", false, "k,a=b:1|c\n" },
	{ "k[a=b]:1|c", false, "k[a=b]:1|c\n" },
	{ "k#a=b:1|c", false, "k#a=b:1|c\n" },
	{ "k;a=b:1|c|#x:y", false, "k;a=b:1|c|#x:y\n" },
	{ "a:|s", true, "a:0|s\n" },		/* what it counts as */
	{ "a:|s|#k:v", false, "a:0|s|#k:v\n" },
};

static void
say_again(struct buf *out, struct slice packet, bool strict)
{
	struct statsd_options o = statsd_defaults;
	struct statsd_parser p;
	enum statsd_result what;
	struct record r = { .received_ns = 77 };
	enum reason why;

	o.strict = strict;
	statsd_begin(&p, packet, &o);
	while ((what = statsd_next(&p, &r, &why)) != STATSD_END) {
		ck_assert_int_eq(what, STATSD_METRIC);
		ck_assert(statsd_write(out, &r.metric,
		    metric_sent_name(&r.metric), statsd_group_of(packet,
		    r.metric.text, strict)));
	}
}

START_TEST(said_again)
{
	const struct again *a = &agains[_i];
	struct edge edge;
	struct slice in = edge_copy(&edge, a->in, strlen(a->in));
	struct buf out = BUF_INIT(4096), twice = BUF_INIT(4096);

	say_again(&out, in, a->strict);
	ck_assert_str_eq(buf_cstr(&out), a->out);
	say_again(&twice, buf_slice(&out), a->strict);
	ck_assert_str_eq(buf_cstr(&twice), a->out);
	buf_fini(&out);
	buf_fini(&twice);
	edge_free(&edge);
}
END_TEST

/* Of what was no line, and what has no room. */
START_TEST(said_for_the_first_time)
{
	static const struct { struct metric_record m; const char *out; } rows[] = {
		{ { .type = METRIC_COUNTER, .value = 3, .rate = 0.1 },
		    "n:3|c|@0.1\n" },
		{ { .type = METRIC_TIMER, .value = 3, .rate = 1e-7 },
		    "n:3|ms|@0.00000009999999999999999" },
		{ { .type = METRIC_GAUGE, .value = -5, .rate = 1 },
		    "n: -5|g\n" },
		{ { .type = METRIC_GAUGE_DELTA, .value = 5, .rate = 1 },
		    "n:+5|g\n" },
		{ { .type = METRIC_GAUGE_DELTA, .value = -5, .rate = 1 },
		    "n:-5|g\n" },
		{ { .type = METRIC_TIMER, .value = 0.25, .rate = 1 },
		    "n:0.25|ms\n" },
		{ { .type = METRIC_SET, .text = SLICE("me"), .rate = 1 },
		    "n:me|s\n" },
		{ { .type = METRIC_KEY_VALUE, .value = 1, .rate = 1 },
		    "n:1|kv\n" },
	};
	struct buf out = BUF_INIT(4096), small = BUF_INIT(5);

	for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
		buf_clear(&out);
		ck_assert(statsd_write(&out, &rows[i].m, SLICE("n"),
		    slice_of(NULL, 0)));
		ck_assert_msg(strncmp(buf_cstr(&out), rows[i].out,
		    strlen(rows[i].out)) == 0, "%s", buf_cstr(&out));
		ck_assert(!statsd_write(&small, &rows[i].m, SLICE("n"),
		    slice_of(NULL, 0)));
		buf_clear(&small);
	}
	buf_fini(&out);
	buf_fini(&small);
}
END_TEST

int
main(void)
{
	Suite *s = suite_create("statsd");
	TCase *t = tcase_create("statsd");
	SRunner *r;
	int failed;

	tcase_add_test(t, plain_lines);
	tcase_add_test(t, reasons);
	tcase_add_test(t, fields);
	tcase_add_test(t, several_values);
	tcase_add_test(t, odd_types_and_values);
	tcase_add_test(t, tags_in_names);
	tcase_add_test(t, strict_lines);
	tcase_add_test(t, options);
	tcase_add_test(t, runs_are_the_same_lines);
	tcase_add_test(t, any_bytes);
	tcase_add_test(t, huge);
	tcase_add_test(t, events_and_checks);
	tcase_add_test(t, names);
	tcase_add_test(t, tidy_tags);
	tcase_add_test(t, names_have_limits);
	tcase_add_loop_test(t, said_again, 0, (int)(sizeof agains /
	    sizeof agains[0]));
	tcase_add_test(t, said_for_the_first_time);
	suite_add_tcase(s, t);
	r = srunner_create(s);
	srunner_run_all(r, CK_NORMAL);
	failed = srunner_ntests_failed(r);
	srunner_free(r);
	return failed != 0;
}
