/* The quick reader of StatsD lines says what the full one says, wherever in a
 * packet a line stands: names, values, types and ends of lines of every length
 * and form, against an unreadable page. */
#include "config.h"

#include <check.h>
#include <stdio.h>
#include <stdlib.h>

#include "proto/statsd.h"
#include "proto/statsd_line.h"
#include "tests/unit/edge.h"

#define COUNT(a) (sizeof (a) / sizeof (a)[0])

static const char *const values[] = {
	"1", "12", "0", "007", "1234567", "12345678", "123456789",
	"99999999", "1234567890123456", "123456789012345678901", "1.5", "0.25",
	"1.", ".5", ".", "", "1.2.3", "..", "1..2", "0.123456", "0.1234567",
	"123456.7", "1234567.8", "1.2345678", "12345678.9", "123.456789",
	".1234567", "1234567.", ".12345678", "12345678.", "-1", "+1", "1e3",
	"1,5", "12345 67", "user", "1:2", "1/2", "0x10", "1\xff", "Infinity"
};
static const char *const types[] = {
	"c", "ms", "g", "s", "h", "d", "m", "kv", "cc", "msx", "", "z",
	"c|@0.5", "ms|@0.1|#a:b", "g|#k", "c|", "c|#", "h|c:in-1"
};
static const char *const ends[] = { "\n", "\r\n", "", "\r", "\n\n\n", "\n\r\n" };

static bool
same_metric(const struct metric_record *x, const struct metric_record *y)
{
	return x->type == y->type && x->tag_style == y->tag_style &&
	    slice_eq(x->name, y->name) && slice_eq(x->tags, y->tags) &&
	    slice_eq(x->text, y->text) && (x->type == METRIC_SET ||
	    (memcmp(&x->value, &y->value, sizeof x->value) == 0 &&
	    memcmp(&x->rate, &y->rate, sizeof x->rate) == 0));
}

/* What comes of one line by the full reader: the same must come of p. */
static void
check_line(struct statsd_parser *p, struct slice line,
    const struct statsd_options *o)
{
	struct statsd_parser full;
	struct metric_record m;
	struct record r, s;
	enum statsd_result what;
	enum reason why, reason;
	const char *text = line.ptr;
	size_t len = line.len;

	if (!o->strict && line.ptr[line.len - 1] == '\r')
		line.len--;
	if (line.len == 0)
		return;
	statsd_begin(&full, line, o);
	statsd_line_begin(&full, line);
	while ((what = statsd_line_next(&full, &r, &why)) != STATSD_END) {
		if (statsd_run(p, &m, 1) == 1) {
			if (what != STATSD_METRIC ||
			    !same_metric(&r.metric, &m))
				ck_abort_msg("%.*s", (int)len, text);
			continue;
		}
		if (statsd_next(p, &s, &reason) != what ||
		    !(what == STATSD_METRIC ?
		    same_metric(&r.metric, &s.metric) : why == reason))
			ck_abort_msg("%.*s", (int)len, text);
	}
}

static void
check_packet(const char *bytes, size_t n, const struct statsd_options *o)
{
	struct edge edge;
	struct slice packet = edge_copy(&edge, bytes, n), left = packet;
	struct statsd_parser p;
	struct record r;
	enum reason why;

	statsd_begin(&p, packet, o);
	while (left.ptr != NULL) {
		struct slice line = slice_cut(&left, '\n');

		if (line.len > 0)
			check_line(&p, line, o);
	}
	ck_assert_int_eq(statsd_next(&p, &r, &why), STATSD_END);
	edge_free(&edge);
}

static void
check_both(const char *bytes, size_t n)
{
	struct statsd_options o = statsd_defaults;

	check_packet(bytes, n, &o);
	o.strict = true;
	check_packet(bytes, n, &o);
}

/* Each value with each type and end. */
START_TEST(values_and_types)
{
	const char *value = values[_i];
	char packet[512];

	for (size_t t = 0; t < COUNT(types); t++)
		for (size_t e = 0; e < COUNT(ends); e++) {
			int n = snprintf(packet, sizeof packet,
			    "%s:%s|%s%s", t % 2 ? "n" : "a.longer.name", value,
			    types[t], ends[e]);

			check_both(packet, (size_t)n);
			n = snprintf(packet, sizeof packet,
			    "one:1|c\nname:%s|%s%sa.name.behind.it:1|c\n",
			    value, types[t], ends[e]);
			check_both(packet, (size_t)n);
		}
}
END_TEST

/* Names of n bytes: what is short, what fills the marks of a line, what is
 * longer. */
START_TEST(names_of_every_length)
{
	static const char *const rest[] = {
		":1|c", ":12.5|ms", ":1234567|g", ":123456789|g", ":me|s",
		":0.1234567890|ms", "", ":", ":1", ":1|", "|c", ";a=b:1|c"
	};
	char name[81], packet[512];

	memset(name, 'n', sizeof name);
	for (size_t i = 0; i < COUNT(rest); i++)
		for (size_t e = 0; e < COUNT(ends); e++) {
			int n = snprintf(packet, sizeof packet, "%.*s%s%s", _i,
			    name, rest[i], ends[e]);

			check_both(packet, (size_t)n);
			n = snprintf(packet, sizeof packet,
			    "%.*s%s%sbehind.it:1|c", _i, name, rest[i],
			    ends[e]);
			check_both(packet, (size_t)n);
		}
}
END_TEST

/* Every byte in each place of a line. */
START_TEST(every_byte)
{
	static const char line[] = "a.name:12.5|ms\n";

	for (size_t i = 0; i < sizeof line - 1; i++)
		for (int room = 0; room < 2; room++) {
			char packet[128];
			size_t n = sizeof line - 1;

			memset(packet, 'x', sizeof packet);
			memcpy(packet, line, n);
			packet[i] = (char)_i;
			if (room)
				memcpy(packet + n, "b:1|c\nc:2|g\nd:3|ms\n", 19);
			check_both(packet, n + (room ? 19 : 0));
		}
}
END_TEST

/* Packets longer than what is marked at a time, with lines of all lengths, so
 * that lines begin and end at each byte of a word and of that. */
START_TEST(long_packets)
{
	static char packet[16384];
	size_t n = (size_t)_i;

	memset(packet, '\n', n);
	for (unsigned l = 0; n < sizeof packet - 256; l++) {
		unsigned len = 1 + (l * 37 + (unsigned)_i) % 90;

		memset(packet + n, 'a' + (int)(l % 26), len);
		n += len;
		n += (size_t)snprintf(packet + n, 64, ":%s|%s%s",
		    values[l % 7], types[l % 4], ends[l % 2]);
		check_packet(packet + (l % 64), n - (l % 64), &statsd_defaults);
		if (l > 20)
			l += 20;
	}
	check_both(packet, n);
}
END_TEST

START_TEST(short_limits)
{
	struct statsd_options o = statsd_defaults;
	char name[81], packet[512];

	memset(name, 'n', sizeof name);
	for (o.max_name = 1; o.max_name < 80; o.max_name++)
		for (int len = 1; len <= 80; len++) {
			int n = snprintf(packet, sizeof packet,
			    "%.*s:1|c\nb:1|c\n", len, name);

			check_packet(packet, (size_t)n, &o);
		}
}
END_TEST

int
main(void)
{
	Suite *s = suite_create("statsd_quick");
	TCase *t = tcase_create("statsd_quick");
	SRunner *r;
	int failed;

	tcase_add_loop_test(t, values_and_types, 0, (int)COUNT(values));
	tcase_add_loop_test(t, names_of_every_length, 0, 81);
	tcase_add_loop_test(t, every_byte, 0, 256);
	tcase_add_loop_test(t, long_packets, 0, 16);
	tcase_add_test(t, short_limits);
	tcase_set_timeout(t, 60);
	suite_add_tcase(s, t);
	r = srunner_create(s);
	srunner_run_all(r, CK_NORMAL);
	failed = srunner_ntests_failed(r);
	srunner_free(r);
	return failed != 0;
}
