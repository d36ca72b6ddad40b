/* How fast a backlog reaches Redis, beside plain pipelined XADD by hiredis in
 * the same run: ship_bench [EVENTS [STREAMS [none|everysec|always]]]. */
#include "config.h"

#include <sys/resource.h>

#include "tests/integ/ship_rig.h"

#define DEPTH 128

static char body[160];
static long n = 500000;
static int streams = 1;
static const char *fsync_ = "none";


static double
plain(struct rig_redis *r, long count)
{
	double start = rig_now();
	long sent = 0, got = 0;

	while (got < count) {
		redisReply *p;

		for (; sent < count && sent - got < DEPTH * 2; sent++)
			redisAppendCommand(r->c, "XADD plain * n %ld body %b", sent,
			    body, sizeof body);
		for (int i = 0; i < DEPTH && got < count; i++, got++) {
			if (redisGetReply(r->c, (void **)&p) != REDIS_OK)
				exit(1);
			freeReplyObject(p);
		}
	}
	return (double)count / (rig_now() - start);
}

static void
fill(struct rig *g)
{
	struct journal_id id = { 0, 0, 0 };

	memset(body, 'x', sizeof body);
	for (long i = 0; i < n; i++) {
		char stream[32], number[32];
		struct pair f[2] = { { SLICE("n"), { number, 0 } },
		    { SLICE("body"), { body, sizeof body } } };
		struct event_record ev = { .fields = f, .nfields = 2 };
		enum journal_result r;

		f[0].value.len = (size_t)snprintf(number, sizeof number, "%ld", i);
		snprintf(stream, sizeof stream, "s%ld", i % streams);
		ev.stream = slice_str(stream);
		while ((r = journal_append(g->journal, &ev, clock_real_ns() /
		    NS_PER_MS, &id)) == JOURNAL_BUSY) {
			journal_commit(g->journal);
			usleep(200);
		}
		ck_assert_int_eq(r, JOURNAL_OK);
	}
	g->lsn = id.lsn;
	kit_wait(g->journal, id.lsn);
}

/* The rig's assertions want to be within a test. */
START_TEST(bench)
{
	const char *const aof[] = { "--appendonly", "yes", "--appendfsync", fsync_,
	    NULL };
	struct rig_redis r = { .pid = 0 };
	struct shipper_stats st;
	struct rusage before, after;
	struct rig g;
	double t, rate;

	rig_redis_start(&r, strcmp(fsync_, "none") == 0 ? NULL : aof);
	rig_init(&g, &r);
	g.options.segment_bytes = 64 << 20;
	journal_close(g.journal);
	rig_open(&g);
	t = rig_now();
	fill(&g);
	printf("journalled  %9.0f events/s\n", (double)n / (rig_now() - t));
	rate = plain(&r, n / 2);
	printf("plain XADD  %9.0f events/s (pipelined %d deep, hiredis)\n", rate,
	    DEPTH);
	rig_do(&r, "FLUSHALL");
	getrusage(RUSAGE_SELF, &before);
	t = rig_now();
	rig_ship(&g);
	do {
		rig_run(&g, 0.01);
	} while (!shipper_idle(g.shipper));
	t = rig_now() - t;
	getrusage(RUSAGE_SELF, &after);
	shipper_stats(g.shipper, &st);
	printf("shipped     %9.0f events/s, %.2f times plain; %llu batches of "
	    "%.0f; cpu %.2f s of %.2f\n", (double)n / t, (double)n / t / rate,
	    (unsigned long long)st.batches, (double)st.shipped /
	    (double)st.batches, (double)(after.ru_utime.tv_sec -
	    before.ru_utime.tv_sec) + (double)(after.ru_utime.tv_usec -
	    before.ru_utime.tv_usec) / 1e6 + (double)(after.ru_stime.tv_sec -
	    before.ru_stime.tv_sec) + (double)(after.ru_stime.tv_usec -
	    before.ru_stime.tv_usec) / 1e6, t);
	printf("            peak memory %ld KiB, the rig's included\n",
	    after.ru_maxrss);
	rig_fini(&g);
	rig_redis_fini(&r);
}
END_TEST

int
main(int argc, char **argv)
{
	Suite *s = suite_create("ship_bench");
	TCase *t = tcase_create("bench");
	SRunner *r = srunner_create(s);
	int failed;

	if (argc > 1)
		n = atol(argv[1]);
	if (argc > 2)
		streams = atoi(argv[2]);
	if (argc > 3)
		fsync_ = argv[3];
	tcase_add_test(t, bench);
	tcase_set_timeout(t, 0);
	suite_add_tcase(s, t);
	srunner_set_fork_status(r, CK_NOFORK);
	srunner_run_all(r, CK_SILENT);
	failed = srunner_ntests_failed(r);
	srunner_free(r);
	return failed != 0;
}
