/* test_relay_figures.c - the peers' names, all of them and no others. */
#include "config.h"

#include <check.h>
#include <stdlib.h>

#include "core/relay_figures.h"

static struct buf got;

static void
take(void *ctx, const char *name, double value)
{
	buf_printf(&got, "%s %.10g\n", name, value);
}

static struct relay_worker workers[] = {
	{ 10, 2, 1, 500, 1500 }, { 20, 0, 0, 100, 1900 }
};
static struct relay_dest dests[] = {
	{ "10.0.0.1", 2003, "a", false, 30, 25, 5, 2, 1, 3, 40 },
	{ "10.0.0.1", 2003, NULL, true, 0, 0, 0, 0, 0, 0, 0 },
	{ "/var/log/x.txt", 0, NULL, false, 7, 7, 0, 0, 0, 1, 1 },
};
static struct relay_figures figures = {
	.workers = workers, .nworkers = 2, .dests = dests, .ndests = 3,
	.own = 9, .accepted = 4, .closed = 1, .cpu_percent = 12.5, .rss = 4096
};

START_TEST(carbon_c_relay)
{
	buf_init(&got, 1 << 16);
	relay_figures_c(&figures, take, NULL);
	ck_assert_str_eq(buf_cstr(&got),
	    "dispatcher1.metricsReceived 10\ndispatcher1.metricsBlackholed 2\n"
	    "dispatcher1.metricsDiscarded 1\ndispatcher1.wallTime_us 500\n"
	    "dispatcher1.sleepTime_us 1500\n"
	    "dispatcher2.metricsReceived 20\ndispatcher2.metricsBlackholed 0\n"
	    "dispatcher2.metricsDiscarded 0\ndispatcher2.wallTime_us 100\n"
	    "dispatcher2.sleepTime_us 1900\n"
	    "metricsReceived 30\nmetricsBlackholed 2\nmetricsDiscarded 1\n"
	    "dispatch_wallTime_us 600\ndispatch_sleepTime_us 3400\n"
	    "destinations.internal.sent 9\ndestinations.internal.queued 0\n"
	    "destinations.internal.stalls 0\ndestinations.internal.dropped 0\n"
	    "destinations.internal.wallTime_us 0\n"
	    "destinations.10_0_0_1:2003.sent 25\n"
	    "destinations.10_0_0_1:2003.queued 5\n"
	    "destinations.10_0_0_1:2003.stalls 2\n"
	    "destinations.10_0_0_1:2003.dropped 1\n"
	    "destinations.10_0_0_1:2003.wallTime_us 40\n"
	    "destinations.10_0_0_1:2003-udp.sent 0\n"
	    "destinations.10_0_0_1:2003-udp.queued 0\n"
	    "destinations.10_0_0_1:2003-udp.stalls 0\n"
	    "destinations.10_0_0_1:2003-udp.dropped 0\n"
	    "destinations.10_0_0_1:2003-udp.wallTime_us 0\n"
	    "destinations._var_log_x_txt.sent 7\n"
	    "destinations._var_log_x_txt.queued 0\n"
	    "destinations._var_log_x_txt.stalls 0\n"
	    "destinations._var_log_x_txt.dropped 0\n"
	    "destinations._var_log_x_txt.wallTime_us 1\n"
	    "metricsSent 41\nmetricsQueued 5\nmetricStalls 2\n"
	    "metricsDropped 1\nserver_wallTime_us 41\n"
	    "connections 4\ndisconnects 1\n");
	buf_fini(&got);
}
END_TEST

START_TEST(aggregators)
{
	struct relay_figures f = figures;

	f.aggregates = true;
	f.agg_received = 5;
	f.agg_sent = 2;
	f.agg_dropped = 1;
	buf_init(&got, 1 << 16);
	relay_figures_c(&f, take, NULL);
	ck_assert_ptr_nonnull(strstr(buf_cstr(&got),
	    "disconnects 1\naggregators.metricsReceived 5\n"
	    "aggregators.metricsSent 2\naggregators.metricsDropped 1\n"));
	buf_fini(&got);
}
END_TEST

START_TEST(carbon)
{
	buf_init(&got, 1 << 16);
	relay_figures_carbon(&figures, take, NULL);
	ck_assert_str_eq(buf_cstr(&got),
	    "destinations.10_0_0_1:2003:a.attemptedRelays 30\n"
	    "destinations.10_0_0_1:2003:a.sent 25\n"
	    "destinations.10_0_0_1:2003:a.batchesSent 3\n"
	    "destinations.10_0_0_1:2003:a.relayMaxQueueLength 5\n"
	    "destinations.10_0_0_1:2003:a.fullQueueDrops 1\n"
	    "activeConnections 3\nmetricsReceived 30\nblacklistMatches 2\n"
	    "whitelistRejects 0\ncpuUsage 12.5\nmemUsage 4096\n");
	buf_fini(&got);
}
END_TEST

START_TEST(prefixes)
{
	static const struct { const char *text, *host, *out; } rows[] = {
		{ "carbon.relays.{flat}", "a.b.org", "carbon.relays.a_b_org" },
		{ "x.{host}", "a.b.org", "x.a.b.org" },
		{ "{short}{domain}", "a.b.org", "a.b.org" },
		{ "{short}|{domain}|", "alone", "alone||" },
		{ "plain", "a", "plain" },
		{ "{short:lower}.{flat:upper}", "Ab.Org", "ab.AB_ORG" },
	};

	for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
		struct buf out = BUF_INIT(1000);

		relay_figures_prefix(&out, rows[i].text, rows[i].host);
		ck_assert_str_eq(buf_cstr(&out), rows[i].out);
		buf_fini(&out);
	}
}
END_TEST

START_TEST(after_a_report)
{
	uint64_t before = 5;

	ck_assert_uint_eq(relay_figures_since(&before, 12), 7);
	ck_assert_uint_eq(relay_figures_since(&before, 12), 0);
}
END_TEST

int
main(void)
{
	Suite *s = suite_create("relay_figures");
	TCase *tc = tcase_create("all");
	SRunner *r;
	int failed;

	tcase_add_test(tc, carbon_c_relay);
	tcase_add_test(tc, aggregators);
	tcase_add_test(tc, carbon);
	tcase_add_test(tc, prefixes);
	tcase_add_test(tc, after_a_report);
	suite_add_tcase(s, tc);
	r = srunner_create(s);
	srunner_run_all(r, CK_NORMAL);
	failed = srunner_ntests_failed(r);
	srunner_free(r);
	return failed != 0;
}
