/* test_flood.c - the load generator: same seed same messages, the totals it
 * tells are those of its text, and nobody's schedule drifts. */
#include "config.h"

#include <check.h>
#include <stdlib.h>
#include <string.h>

#include "app/flood.h"

static struct flood_opts
opts(enum flood_proto proto, const char *to)
{
	struct flood_opts o = {
		.proto = proto, .count = UINT64_MAX, .limit_ns = UINT64_MAX,
		.names = 100, .mix = { 60, 30, 9, 1, 0 }, .sample_rate = 1,
		.per_datagram = 5, .connections = 1, .window = 16, .seed = 7,
		.prefix = "flood", .idmp = true,
	};
	char why[200];

	ck_assert_msg(dial_parse(&o.to, to, "udp", 9, why, sizeof why), "%s", why);
	return o;
}

START_TEST(same_seed_same_bytes)
{
	struct flood_opts o = opts(FLOOD_STATSD, "udp://127.0.0.1:1");
	struct flood_pool a, b, c;

	flood_pool_make(&a, &o);
	flood_pool_make(&b, &o);
	o.seed = 8;
	flood_pool_make(&c, &o);
	ck_assert_uint_eq(a.len, b.len);
	ck_assert_mem_eq(a.text, b.text, a.len);
	ck_assert(a.len != c.len || memcmp(a.text, c.text, a.len) != 0);
	flood_pool_free(&a);
	flood_pool_free(&b);
	flood_pool_free(&c);
}
END_TEST

/* Read the text back as a receiver would and add up. */
START_TEST(totals_are_those_of_the_text)
{
	struct flood_opts o = opts(FLOOD_STATSD, "udp://127.0.0.1:1");
	struct flood_pool p;
	static struct flood_report r;
	uint64_t sum = 0, counters = 0, all = 0;
	unsigned kinds[128] = { 0 };
	size_t u;
	char *line, *save;

	memset(&r, 0, sizeof r);
	flood_pool_make(&p, &o);
	for (u = 0; u < p.nunits; u++) {
		char *text = strndup(p.text + p.units[u].at,
		    p.units[u + 1].at - p.units[u].at);
		unsigned lines = 0;

		flood_sent(&r, &p, u);
		ck_assert(text[strlen(text) - 1] != '\n');
		for (line = strtok_r(text, "\n", &save); line != NULL;
		    line = strtok_r(NULL, "\n", &save), lines++) {
			char *colon = strchr(line, ':');
			char *bar = strchr(line, '|');

			kinds[(unsigned char)bar[1]]++;
			if (strcmp(bar, "|c") == 0) {
				counters++;
				sum += strtoul(colon + 1, NULL, 10);
			}
		}
		ck_assert_uint_eq(lines, 5);
		all += lines;
		free(text);
	}
	ck_assert_uint_eq(r.sent, all);
	ck_assert_uint_eq(r.bytes, p.len);
	ck_assert_uint_eq(r.counters, counters);
	ck_assert_uint_eq(r.total, sum);
	/* every name equally often: the mix is that of the names */
	ck_assert_uint_gt(kinds['c'], all * 59 / 100);
	ck_assert_uint_lt(kinds['c'], all * 61 / 100);
	ck_assert_uint_gt(kinds['s'], all / 120);
	flood_pool_free(&p);
}
END_TEST

START_TEST(every_name_is_used)
{
	struct flood_opts o = opts(FLOOD_GRAPHITE, "tcp://127.0.0.1:1");
	struct flood_pool p;
	unsigned i;
	char name[32];

	o.per_datagram = 1;
	flood_pool_make(&p, &o);
	p.text[p.len - 1] = '\0';
	for (i = 0; i < o.names; i++) {
		snprintf(name, sizeof name, "flood.n%05u ", i);
		ck_assert_ptr_nonnull(strstr(p.text, name));
	}
	flood_pool_free(&p);
}
END_TEST

START_TEST(sequence_numbers_go_into_the_text)
{
	struct flood_opts o = opts(FLOOD_SYSLOG, "tcp://127.0.0.1:1");
	struct flood_pool p;
	size_t len, head;
	char *end, *msg;

	o.per_datagram = 1;
	o.octets = true;
	o.size = 120;
	flood_pool_make(&p, &o);
	flood_pool_patch(&p, 3, 2, 4294967296u);
	msg = p.text + p.units[3].at;
	len = strtoul(msg, &end, 10);
	head = (size_t)(end + 1 - msg);
	ck_assert_uint_eq(len, 120);
	ck_assert_uint_eq(head + len, p.units[4].at - p.units[3].at);
	ck_assert_ptr_nonnull(memmem(msg, head + len, "seq=4294967296 ", 15));
	ck_assert_ptr_nonnull(memmem(p.text + p.units[4].at, head + len,
	    "seq=4294967297 ", 15));
	ck_assert(msg[head] == '<');
	ck_assert_mem_eq(msg + head + strcspn(msg + head, " ") + 1, p.stamp, 19);
	flood_pool_free(&p);
}
END_TEST

START_TEST(schedule_is_absolute)
{
	struct flood_pace p = { .start_ns = 1000, .per_ns = 30000.0 / 1e9,
	    .count = 100000, .end_ns = UINT64_MAX };

	ck_assert_uint_eq(flood_pace_due(&p, 1000), 1);
	ck_assert_uint_eq(flood_pace_due(&p, 1000 + 999999999), 30000);
	ck_assert_uint_eq(flood_pace_due(&p, 1000 + 1000000000), 30001);
	ck_assert_uint_eq(flood_pace_due(&p, 1000 + 3000000000), 90001);
	ck_assert_uint_eq(flood_pace_due(&p, 1000 + 9000000000), 100000);
	ck_assert_uint_eq(flood_pace_time(&p, 30000), 1000 + 1000000000);
	/* who waits until a message is due may send it, and not the next */
	for (uint64_t i = 0; i < 1000; i++)
		ck_assert_uint_eq(flood_pace_due(&p, flood_pace_time(&p, i) + 1),
		    i + 1);
	ck_assert(!flood_pace_over(&p, 99999, 5));
	ck_assert(flood_pace_over(&p, 100000, 5));
}
END_TEST

START_TEST(quantiles_are_within_two_percent)
{
	static struct flood_hist h;
	uint64_t i, v;

	memset(&h, 0, sizeof h);
	ck_assert_uint_eq(flood_hist_at(&h, 0.5), 0);
	for (i = 1; i <= 100000; i++)
		flood_hist_add(&h, i * 1000);
	v = flood_hist_at(&h, 0.5);
	ck_assert(v > 49000000 && v < 51000000);
	v = flood_hist_at(&h, 0.99);
	ck_assert(v > 97000000 && v <= 100000000);
	ck_assert_uint_eq(h.max, 100000000);
	flood_hist_add(&h, UINT64_MAX);	/* the last bucket takes it */
	ck_assert_uint_eq(flood_hist_at(&h, 1), UINT64_MAX);
}
END_TEST

static const struct {
	const char *url;
	bool ok;
	const char *scheme;
	int family;
	unsigned port;
} urls[] = {
	{ "127.0.0.1",			true,	"udp",	AF_INET,	9 },
	{ "127.0.0.1:8125",		true,	"udp",	AF_INET,	8125 },
	{ "tcp://[::1]:2003",		true,	"tcp",	AF_INET6,	2003 },
	{ "[::1]",			true,	"udp",	AF_INET6,	9 },
	{ "::1",			true,	"udp",	AF_INET6,	9 },
	{ "resp://u:p@127.0.0.1:1/",	true,	"resp",	AF_INET,	1 },
	{ "redis://127.0.0.1",		true,	"redis", AF_INET,	6379 },
	{ "unix:///tmp/x",		true,	"unix",	AF_UNIX,	0 },
	{ "unix://",			false,	"",	0,		0 },
	{ "smoke://127.0.0.1:1",	false,	"",	0,		0 },
	{ "udp://[::1",			false,	"",	0,		0 },
	{ "udp://:1",			false,	"",	0,		0 },
	{ "udp://127.0.0.1:99999",	false,	"",	0,		0 },
	{ "udp://127.0.0.1:x",		false,	"",	0,		0 },
};

static unsigned
port_of(const struct dial_addr *a)
{
	const unsigned char *p = (const unsigned char *)&a->at[0].sa;

	return a->at[0].sa.ss_family == AF_UNIX ? 0 : (unsigned)(p[2] << 8 | p[3]);
}

START_TEST(addresses)
{
	struct dial_addr a;
	char why[200] = "";
	bool ok;

	ok = dial_parse(&a, urls[_i].url, "udp", 9, why, sizeof why);
	ck_assert_msg(ok == urls[_i].ok, "%s: %s", urls[_i].url, why);
	if (!ok) {
		ck_assert(why[0] != '\0');
		return;
	}
	ck_assert_str_eq(a.scheme, urls[_i].scheme);
	ck_assert_int_eq(a.at[0].sa.ss_family, urls[_i].family);
	ck_assert_uint_eq(port_of(&a), urls[_i].port);
	ck_assert_ptr_null(strstr(a.text, ":p@"));
}
END_TEST

int
main(void)
{
	Suite *s = suite_create("flood");
	TCase *t = tcase_create("flood");
	SRunner *r;
	int failed;

	tcase_add_test(t, same_seed_same_bytes);
	tcase_add_test(t, totals_are_those_of_the_text);
	tcase_add_test(t, every_name_is_used);
	tcase_add_test(t, sequence_numbers_go_into_the_text);
	tcase_add_test(t, schedule_is_absolute);
	tcase_add_test(t, quantiles_are_within_two_percent);
	tcase_add_loop_test(t, addresses, 0, sizeof urls / sizeof *urls);
	suite_add_tcase(s, t);
	r = srunner_create(s);
	srunner_run_all(r, CK_NORMAL);
	failed = srunner_ntests_failed(r);
	srunner_free(r);
	return failed != 0;
}
