/* The shipper against real redis-servers, and what goes wrong with those.  After
 * each fault every event of the journal must be in its stream once, in order,
 * with its bytes. */
#include "config.h"

#include "tests/integ/ship_rig.h"

static struct rig_redis redis;
static struct rig rig;

static void
setup(void)
{
	memset(&redis, 0, sizeof redis);
	rig_redis_start(&redis, NULL);
	rig_init(&rig, &redis);
}

static void
teardown(void)
{
	rig_fini(&rig);
	rig_redis_fini(&redis);
}

static void
audit(const char *stream)
{
	char key[64];

	snprintf(key, sizeof key, "ev:%s:n1", stream);
	rig_audit(&rig, &redis, stream, key, 1);
}

START_TEST(ships_what_was_there_and_what_comes)
{
	rig_append(&rig, "a", 1500);
	rig_append(&rig, "b", 3);
	rig_ship(&rig);
	rig_settle(&rig, 5);
	audit("a");
	audit("b");
	for (int i = 0; i < 50; i++) {
		rig_append(&rig, "a", 7);
		rig_append(&rig, i % 2 == 0 ? "b" : "c", 1);
		rig_run(&rig, 0.001);
	}
	rig_settle(&rig, 5);
	audit("a");
	audit("b");
	audit("c");
}
END_TEST

/* Events to streams a and b, some each millisecond, while the loop runs. */
static void
load(double seconds)
{
	double end = rig_now() + seconds;

	while (rig_now() < end) {
		rig_append(&rig, "a", 40);
		rig_append(&rig, "b", 5);
		rig_run(&rig, 0.001);
	}
}

static void
finish(double seconds)
{
	rig_settle(&rig, seconds);
	audit("a");
	audit("b");
}

/* Ten events, each durable and told of by itself; in how many batches do they
 * go?  The loop's clock stands while it does not run. */
static uint64_t
batches_of_ten(enum conf_ack ack)
{
	struct shipper_stats before, after;

	rig.conf.ack = ack;
	rig_ship(&rig);
	rig_append(&rig, "a", 1);
	rig_settle(&rig, 5);
	shipper_stats(rig.shipper, &before);
	for (int i = 0; i < 10; i++) {
		rig_append(&rig, "a", 1);
		shipper_kick(rig.shipper);
	}
	rig_settle(&rig, 5);
	audit("a");
	shipper_stats(rig.shipper, &after);
	return after.batches - before.batches;
}

START_TEST(few_gather)
{
	/* the first one alone, the others together */
	ck_assert_uint_le(batches_of_ten(CONF_ACK_JOURNAL), 2);
}
END_TEST

START_TEST(who_is_waited_for_does_not_gather)
{
	ck_assert_uint_gt(batches_of_ten(CONF_ACK_BOTH), 2);
}
END_TEST

START_TEST(killed_under_load)
{
	static const char *const aof[] = { "--appendonly", "yes",
	    "--appendfsync", "everysec", NULL };
	struct shipper_stats st;

	rig_redis_kill(&redis, SIGKILL);
	rig_redis_start(&redis, aof);
	rig_ship(&rig);
	for (int i = 0; i < 5; i++) {
		load(0.2 + 0.13 * i);
		rig_redis_kill(&redis, SIGKILL);
		load(0.05);
		rig_redis_start(&redis, aof);
	}
	load(0.1);
	finish(15);
	shipper_stats(rig.shipper, &st);
	ck_assert_uint_ge(st.connects, 6);
}
END_TEST

START_TEST(restarted_empty)
{
	struct shipper_stats st;

	rig_ship(&rig);
	load(0.3);
	rig_settle(&rig, 5);
	rig_redis_kill(&redis, SIGKILL);
	load(0.1);
	rig_redis_start(&redis, NULL);
	finish(15);
	shipper_stats(rig.shipper, &st);
	ck_assert_uint_ge(st.rewinds, 2);
	ck_assert_uint_gt(st.again, 0);
	ck_assert_uint_eq(st.gone, 0);
}
END_TEST

START_TEST(flushed)
{
	rig_ship(&rig);
	load(0.2);
	rig_do(&redis, "FLUSHALL");
	load(0.2);
	rig_settle(&rig, 10);
	rig_do(&redis, "FLUSHALL");
	/* nothing new: found by looking */
	rig_wait(&rig, rig_int(&redis, "XLEN ev:a:n1") > 0 &&
	    rig_int(&redis, "XLEN ev:b:n1") > 0);
	finish(10);
}
END_TEST

START_TEST(down_at_first)
{
	rig_redis_kill(&redis, SIGKILL);
	rig_ship(&rig);
	load(0.3);
	ck_assert(!shipper_idle(rig.shipper));
	rig_redis_start(&redis, NULL);
	finish(15);
}
END_TEST

START_TEST(noreplicas_flaps)
{
	double end = rig_now() + 3;

	rig_ship(&rig);
	for (int i = 0; rig_now() < end; i++) {
		rig_do(&redis, "CONFIG SET min-replicas-to-write %d", i % 2);
		load(0.02);
	}
	rig_do(&redis, "CONFIG SET min-replicas-to-write 0");
	finish(15);
}
END_TEST

START_TEST(out_of_memory_on_and_off)
{
	struct shipper_stats st;

	rig_ship(&rig);
	for (int i = 0; i < 20; i++) {
		rig_do(&redis, "CONFIG SET maxmemory %d", i % 2 == 0 ? 1 : 0);
		load(0.05);
	}
	rig_do(&redis, "CONFIG SET maxmemory 0");
	finish(15);
	shipper_stats(rig.shipper, &st);
	ck_assert_uint_gt(st.errors, 0);
}
END_TEST

START_TEST(one_of_a_wrong_type)
{
	struct shipper_stream_stats st;
	struct shipper_stats all;

	rig_do(&redis, "SET ev:a:n1 mine");
	rig_ship(&rig);
	load(0.5);
	for (int i = 0; i < 100 && rig_int(&redis, "XLEN ev:b:n1") <
	    (long long)(rig_run(&rig, 0.02), 100); i++)
		;
	rig_run(&rig, 0.3);
	audit("b");
	shipper_stats(rig.shipper, &all);
	ck_assert_uint_eq(all.parked, 1);
	ck_assert(shipper_idle(rig.shipper));	/* as far as it can be */
	for (uint32_t i = 0; shipper_stream_at(rig.shipper, i, &st); i++)
		if (slice_eq(st.stream, SLICE("a"))) {
			ck_assert_str_eq(st.state, "parked");
			ck_assert_str_eq(st.trouble, "wrongtype");
		}
	rig_do(&redis, "DEL ev:a:n1");
	for (int i = 0; i < 400; i++) {
		shipper_stats(rig.shipper, &all);
		if (all.parked == 0)
			break;
		load(0.02);
	}
	finish(15);
}
END_TEST

START_TEST(scripts_flushed)
{
	rig_ship(&rig);
	for (int i = 0; i < 20; i++) {
		load(0.03);
		rig_do(&redis, "SCRIPT FLUSH");
	}
	finish(5);
}
END_TEST

START_TEST(paused)
{
	struct shipper_stats st;

	rig_ship(&rig);
	load(0.1);
	kill(redis.pid, SIGSTOP);
	load(7);
	shipper_stats(rig.shipper, &st);
	ck_assert(!st.connected);
	kill(redis.pid, SIGCONT);
	load(0.1);
	finish(15);
}
END_TEST

START_TEST(another_writer)
{
	struct shipper_stats st;
	long long n;

	rig_ship(&rig);
	load(0.1);
	rig_settle(&rig, 5);
	rig_do(&redis, "XADD ev:a:n1 * not ours");
	n = rig_int(&redis, "XLEN ev:a:n1");
	load(0.3);
	rig_run(&rig, 0.3);
	audit("b");
	ck_assert_int_eq(rig_int(&redis, "XLEN ev:a:n1"), n);
	shipper_stats(rig.shipper, &st);
	ck_assert_uint_eq(st.stopped, 1);
	ck_assert_uint_gt(st.lag, 0);
	/* the operator takes it away: all is shipped again */
	rig_do(&redis, "DEL ev:a:n1");
	rig_run(&rig, 1.5);
	finish(15);
}
END_TEST

START_TEST(another_writer_before_us)
{
	struct shipper_stats st;

	rig_do(&redis, "XADD ev:a:n1 * not ours");
	rig_append(&rig, "b", 1);
	rig_ship(&rig);
	rig_append(&rig, "a", 10);
	rig_run(&rig, 0.5);
	ck_assert_int_eq(rig_int(&redis, "XLEN ev:a:n1"), 1);
	shipper_stats(rig.shipper, &st);
	ck_assert_uint_eq(st.stopped, 1);
}
END_TEST

/* The journal is lost; what Redis has must not be doubled nor the sequences be
 * used again. */
START_TEST(journal_begun_anew)
{
	struct journal_stream js;

	rig_ship(&rig);
	load(0.1);
	rig_settle(&rig, 5);
	journal_stream(rig.journal, SLICE("a"), &js);
	shipper_free(rig.shipper);
	journal_close(rig.journal);
	kit_remove();
	rig_open(&rig);
	rig_ship(&rig);
	rig_run(&rig, 0.5);
	for (int i = 1; i <= 3; i++)
		rig.lsn = kit_append(rig.journal, "a", js.last_seq + i,
		    clock_real_ns() / NS_PER_MS).lsn;
	kit_wait(rig.journal, rig.lsn);
	rig_settle(&rig, 5);
	rig_audit_tail(&rig, &redis, "a", "ev:a:n1", 3);
	rig_append(&rig, "a", 100);
	rig_settle(&rig, 5);
	rig_audit_tail(&rig, &redis, "a", "ev:a:n1", 103);
}
END_TEST

/* The daemon is killed with batches on their way, again and again. */
START_TEST(shipper_restarted_under_load)
{
	for (int i = 0; i < 20; i++) {
		rig_ship(&rig);
		load(0.03);
		shipper_free(rig.shipper);
		rig.shipper = NULL;
		journal_close(rig.journal);
		rig_open(&rig);
	}
	rig_ship(&rig);
	finish(10);
}
END_TEST

START_TEST(refuses_eviction)
{
	struct shipper_stats st;

	rig_do(&redis, "CONFIG SET maxmemory-policy allkeys-lru");
	rig_ship(&rig);
	rig_append(&rig, "a", 10);
	rig_run(&rig, 0.5);
	shipper_stats(rig.shipper, &st);
	ck_assert(!st.connected);
	ck_assert_msg(strstr(st.state, "maxmemory-policy") != NULL, "%s",
	    st.state);
	ck_assert_int_eq(rig_int(&redis, "XLEN ev:a:n1"), 0);
}
END_TEST

START_TEST(wrong_password_then_right)
{
	struct shipper_stats st;

	rig_do(&redis, "CONFIG SET requirepass secret");
	rig.conf.password = "wrong";
	rig_ship(&rig);
	rig_append(&rig, "a", 10);
	rig_run(&rig, 0.5);
	shipper_stats(rig.shipper, &st);
	ck_assert(!st.connected);
	ck_assert_msg(strncmp(st.state, "WRONGPASS", 9) == 0, "%s", st.state);
	shipper_free(rig.shipper);
	rig.conf.password = "secret";
	rig_ship(&rig);
	rig_settle(&rig, 5);
	rig_do(&redis, "AUTH secret");
	audit("a");
}
END_TEST

START_TEST(many_streams)
{
	char name[32], key[64];

	for (int round = 0; round < 4; round++)
		for (int i = 0; i < 1000; i++) {
			struct journal_id id;

			snprintf(name, sizeof name, "s%d", i);
			id = kit_append(rig.journal, name, (uint64_t)round + 1,
			    clock_real_ns() / NS_PER_MS);
			rig.lsn = id.lsn;
		}
	kit_wait(rig.journal, rig.lsn);
	rig_ship(&rig);
	rig_settle(&rig, 20);
	rig_redis_kill(&redis, SIGKILL);
	rig_redis_start(&redis, NULL);
	rig_run(&rig, 0.5);
	rig_settle(&rig, 20);
	for (int i = 0; i < 1000; i += 97) {
		snprintf(name, sizeof name, "s%d", i);
		snprintf(key, sizeof key, "ev:%s:n1", name);
		rig_audit(&rig, &redis, name, key, 1);
	}
	ck_assert_int_eq(rig_int(&redis, "DBSIZE"), 1000);
}
END_TEST

START_TEST(partitions)
{
	long long total = 0;
	uint64_t n = 5000;

	rig.conf.partitions = 4;
	rig.conf.partition_field = "n";
	rig.conf.key = "p:{stream}:{partition}";
	rig_append(&rig, "a", n / 2);
	rig_ship(&rig);
	rig_run(&rig, 0.2);
	rig_do(&redis, "DEL p:a:2");
	rig_append(&rig, "a", n / 2);
	rig_settle(&rig, 5);
	for (int i = 0; i < 4; i++) {
		long long len = rig_int(&redis, "XLEN p:a:%d", i);

		ck_assert_int_gt(len, (long long)n / 8);
		total += len;
	}
	ck_assert_int_eq(total, (long long)n);
	ck_assert_uint_eq(rig.told, n);
}
END_TEST

START_TEST(waits_for_replicas)
{
	struct rig_redis replica = { .pid = 0 };

	rig.conf.ack = CONF_ACK_REPLICA;
	rig.conf.replicas = 1;
	rig_ship(&rig);
	rig_append(&rig, "a", 100);
	rig_wait(&rig, rig_int(&redis, "XLEN ev:a:n1") == 100);
	rig_run(&rig, 0.7);
	ck_assert(!rig.told_any || rig.told == 0);
	ck_assert(!shipper_idle(rig.shipper));
	rig_redis_start(&replica, NULL);
	rig_do(&replica, "REPLICAOF 127.0.0.1 %d", redis.port);
	rig_settle(&rig, 10);
	ck_assert_uint_eq(rig.told, 100);
	/* over a new connection, with nothing new to send */
	kill(replica.pid, SIGSTOP);
	rig_append(&rig, "a", 10);
	rig_run(&rig, 0.3);
	ck_assert_uint_eq(rig.told, 100);
	rig_do(&redis, "CLIENT KILL TYPE normal SKIPME yes");
	rig_run(&rig, 0.5);
	ck_assert_uint_eq(rig.told, 100);
	kill(replica.pid, SIGCONT);
	rig_settle(&rig, 10);
	ck_assert_uint_eq(rig.told, 110);
	rig_redis_fini(&replica);
	audit("a");
}
END_TEST

static bool
has(const char *id)
{
	redisReply *p = rig_try(&redis, "XRANGE ev:a:n1 %s %s", id, id);
	bool there = p != NULL && p->elements == 1;

	freeReplyObject(p);
	return there;
}

/* Never what a group has not read, or not acknowledged. */
START_TEST(trims_what_was_read)
{
	struct shipper_stats st;
	char first[64], third[64];
	redisReply *p;

	rig.conf.max_length = 1000;
	rig_append(&rig, "a", 5000);
	rig_ship(&rig);
	rig_settle(&rig, 5);
	/* nobody reads: by length, whole nodes of 100 entries */
	rig_wait(&rig, rig_int(&redis, "XLEN ev:a:n1") <= 1100);
	ck_assert_int_ge(rig_int(&redis, "XLEN ev:a:n1"), 1000);
	/* a group that has read nothing, and one from here on */
	rig_do(&redis, "XGROUP CREATE ev:a:n1 slow 0");
	rig_do(&redis, "XGROUP CREATE ev:a:n1 fast $");
	rig_append(&rig, "a", 3000);
	rig_settle(&rig, 5);
	rig_run(&rig, 2.2);
	ck_assert_int_ge(rig_int(&redis, "XLEN ev:a:n1"), 4000);
	/* it reads some, and acknowledges all but the third */
	p = rig_try(&redis, "XREADGROUP GROUP slow c COUNT 2500 STREAMS ev:a:n1 >");
	ck_assert(p != NULL && p->type == REDIS_REPLY_ARRAY);
	for (size_t i = 0; i < 2500; i++) {
		const char *id = p->element[0]->element[1]->element[i]->element[0]->str;

		if (i == 0)
			snprintf(first, sizeof first, "%s", id);
		if (i == 202)
			snprintf(third, sizeof third, "%s", id);
		else
			rig_do(&redis, "XACK ev:a:n1 slow %s", id);
	}
	freeReplyObject(p);
	rig_wait(&rig, !has(first));
	ck_assert(has(third));
	ck_assert_int_ge(rig_int(&redis, "XLEN ev:a:n1"), 4000 - 203);
	rig_do(&redis, "XACK ev:a:n1 slow %s", third);
	rig_wait(&rig, !has(third));
	/* the other one has read nothing of the last 3000 */
	ck_assert_int_ge(rig_int(&redis, "XLEN ev:a:n1"), 3000);
	rig_do(&redis, "XREADGROUP GROUP fast c COUNT 9999 NOACK STREAMS "
	    "ev:a:n1 >");
	/* 1500 are still to be read by slow, 1000 may stay */
	rig_wait(&rig, rig_int(&redis, "XLEN ev:a:n1") <= 1700);
	ck_assert_int_ge(rig_int(&redis, "XLEN ev:a:n1"), 1500);
	rig_wait(&rig, (shipper_stats(rig.shipper, &st), st.trimmed > 6000));
	/* and the stream goes on where it was */
	rig_append(&rig, "a", 10);
	rig_settle(&rig, 5);
	ck_assert_uint_eq(st.rewinds, 0);
}
END_TEST

START_TEST(trims_by_age)
{
	rig.conf.max_age_ms = 500;
	rig_append(&rig, "a", 2000);
	rig_run(&rig, 0.7);
	rig_append(&rig, "a", 200);
	rig_ship(&rig);
	rig_settle(&rig, 5);
	rig_wait(&rig, rig_int(&redis, "XLEN ev:a:n1") < 320);
	rig_append(&rig, "a", 100);
	rig_settle(&rig, 5);
	ck_assert_uint_eq(rig.told, 2300);
}
END_TEST

/* ---- Sentinel ---- */

static void
sentinel_start(struct rig_redis *r, int master_port)
{
	char path[200], port[8];
	const char *argv[] = { "redis-server", path, "--sentinel", "--port", port,
	    NULL };
	double end = rig_now() + 10;
	FILE *f;

	r->port = rig_free_port();
	snprintf(r->dir, sizeof r->dir, "redis-test-%d-%d.dir", (int)getpid(),
	    r->port);
	mkdir(r->dir, 0700);
	snprintf(path, sizeof path, "%s/sentinel.conf", r->dir);
	snprintf(port, sizeof port, "%d", r->port);
	f = fopen(path, "w");
	fprintf(f, "bind 127.0.0.1\nsentinel monitor m 127.0.0.1 %d 2\n"
	    "sentinel down-after-milliseconds m 500\n"
	    "sentinel failover-timeout m 3000\n", master_port);
	fclose(f);
	r->pid = fork();
	if (r->pid == 0) {
		snprintf(path + strlen(path), 8, ".log");
		int fd = open(path, O_WRONLY | O_CREAT, 0600);

		path[strlen(path) - 4] = '\0';
		dup2(fd, 1);
		dup2(fd, 2);
		execvp(argv[0], (char *const *)(uintptr_t)argv);
		_exit(127);
	}
	while (!rig_answers(r)) {
		ck_assert_msg(rig_now() < end, "no sentinel");
		usleep(10000);
	}
}

/* Does it see the replica and the other two? */
static bool
sentinel_ready(struct rig_redis *r)
{
	redisReply *p = rig_try(r, "SENTINEL MASTER m");
	int slaves = 0, others = 0;

	for (size_t i = 0; p != NULL && i + 1 < p->elements; i += 2) {
		if (strcmp(p->element[i]->str, "num-slaves") == 0)
			slaves = atoi(p->element[i + 1]->str);
		if (strcmp(p->element[i]->str, "num-other-sentinels") == 0)
			others = atoi(p->element[i + 1]->str);
	}
	freeReplyObject(p);
	return slaves >= 1 && others == 2;
}

static bool
link_up(struct rig_redis *replica)
{
	redisReply *p = rig_try(replica, "INFO replication");
	bool up = p != NULL && p->type == REDIS_REPLY_STRING &&
	    strstr(p->str, "master_link_status:up") != NULL;

	freeReplyObject(p);
	return up;
}

/* The replica is frozen, so that it lags, and the master killed; what
 * that had acknowledged and its successor never got is shipped again. */
START_TEST(sentinel_failover)
{
	struct rig_redis replica = { .pid = 0 }, sentinel[3] = { { .pid = 0 } };
	char where[3][32], *names[3];
	struct shipper_stats st;
	double end;

	rig_redis_start(&replica, NULL);
	rig_do(&replica, "REPLICAOF 127.0.0.1 %d", redis.port);
	for (int i = 0; i < 3; i++) {
		sentinel_start(&sentinel[i], redis.port);
		snprintf(where[i], sizeof where[i], "127.0.0.1:%d",
		    sentinel[i].port);
		names[i] = where[i];
	}
	for (int i = 0; i < 3; i++)
		for (end = rig_now() + 30; !sentinel_ready(&sentinel[i]);
		    usleep(50000))
			ck_assert(rig_now() < end);
	while (!link_up(&replica))
		usleep(50000);
	rig.conf.redis = NULL;
	rig.conf.sentinels = (struct conf_strings){ names, 3 };
	rig.conf.master_name = "m";
	rig_ship(&rig);
	load(0.5);
	rig_settle(&rig, 10);
	kill(replica.pid, SIGSTOP);
	rig_do(&redis, "CLIENT KILL TYPE replica");	/* it gets no more */
	load(0.2);
	rig_settle(&rig, 5);
	rig_redis_kill(&redis, SIGKILL);
	kill(replica.pid, SIGCONT);
	load(4);
	rig_settle(&rig, 20);
	shipper_stats(rig.shipper, &st);
	ck_assert_uint_ge(st.rewinds, 1);
	rig_audit(&rig, &replica, "a", "ev:a:n1", 1);
	rig_audit(&rig, &replica, "b", "ev:b:n1", 1);
	for (int i = 0; i < 3; i++)
		rig_redis_fini(&sentinel[i]);
	rig_redis_fini(&replica);
}
END_TEST

/* ---- Cluster ---- */

static int run(const char *fmt, ...) __attribute__((format(printf, 1, 2)));

static int
run(const char *fmt, ...)
{
	char command[1000];
	va_list ap;

	va_start(ap, fmt);
	vsnprintf(command, sizeof command, fmt, ap);
	va_end(ap);
	return system(command);
}

static struct rig_redis cluster[3];

static bool
cluster_ok(void)
{
	for (int i = 0; i < 3; i++) {
		redisReply *p = rig_try(&cluster[i], "CLUSTER INFO");
		bool ok = p != NULL && p->type == REDIS_REPLY_STRING &&
		    strstr(p->str, "cluster_state:ok") != NULL;

		freeReplyObject(p);
		if (!ok)
			return false;
	}
	return true;
}

static void
cluster_setup(void)
{
	static const char *const args[] = { "--cluster-enabled", "yes",
	    "--cluster-node-timeout", "2000", "--appendonly", "yes", NULL };
	double end = rig_now() + 30;

	memset(cluster, 0, sizeof cluster);
	for (int i = 0; i < 3; i++)
		rig_redis_start(&cluster[i], args);
	ck_assert_int_eq(run("redis-cli --cluster create 127.0.0.1:%d "
	    "127.0.0.1:%d 127.0.0.1:%d --cluster-yes >/dev/null 2>&1",
	    cluster[0].port, cluster[1].port, cluster[2].port), 0);
	while (!cluster_ok()) {
		ck_assert(rig_now() < end);
		usleep(50000);
	}
	rig_init(&rig, &cluster[0]);
	rig.conf.cluster = true;
}

static void
cluster_teardown(void)
{
	rig_fini(&rig);
	for (int i = 0; i < 3; i++)
		rig_redis_fini(&cluster[i]);
}

/* Read by whoever has the key now. */
static void
cluster_audit(const char *stream)
{
	char key[64];

	snprintf(key, sizeof key, "ev:%s:n1", stream);
	for (int i = 0; i < 3; i++)
		if (rig_int(&cluster[i], "EXISTS %s", key) == 1) {
			rig_audit(&rig, &cluster[i], stream, key, 1);
			return;
		}
	ck_abort_msg("nobody has %s", key);
}

#define STREAMS 12

static void
cluster_load(double seconds)
{
	double end = rig_now() + seconds;
	char name[16];

	while (rig_now() < end)
		for (int i = 0; i < STREAMS; i++) {
			snprintf(name, sizeof name, "s%d", i);
			rig_append(&rig, name, 10);
			rig_run(&rig, 0.001);
		}
}

static void
cluster_audit_all(void)
{
	char name[16];

	for (int i = 0; i < STREAMS; i++) {
		snprintf(name, sizeof name, "s%d", i);
		cluster_audit(name);
	}
}

START_TEST(cluster_ships)
{
	struct shipper_stats st;

	rig_ship(&rig);
	cluster_load(0.5);
	rig_settle(&rig, 10);
	cluster_audit_all();
	for (int i = 0; i < 3; i++)
		ck_assert_int_gt(rig_int(&cluster[i], "DBSIZE"), 0);
	/* one node is killed and comes back; the others go on */
	rig_redis_kill(&cluster[1], SIGKILL);
	cluster_load(0.3);
	rig_redis_start(&cluster[1], (const char *const[]){
	    "--cluster-enabled", "yes", "--cluster-node-timeout", "2000",
	    "--appendonly", "yes", NULL });
	cluster_load(0.3);
	rig_settle(&rig, 20);
	cluster_audit_all();
	shipper_stats(rig.shipper, &st);
	ck_assert(st.connected);
}
END_TEST

static uint64_t
errors_named(const char *name)
{
	const char *have;
	uint64_t n = 0;

	for (unsigned i = 0; (have = shipper_errors(rig.shipper, i, &n)) != NULL;
	    i++)
		if (strcmp(have, name) == 0)
			return n;
	ck_abort_msg("no error is called %s", name);
	return 0;
}

/* Slots move to and fro while events go into them. */
START_TEST(cluster_reshards)
{
	char ids[2][64], done[200];

	rig_ship(&rig);
	cluster_load(0.3);
	for (int i = 0; i < 2; i++) {
		redisReply *p = rig_try(&cluster[i], "CLUSTER MYID");

		snprintf(ids[i], sizeof ids[i], "%s", p->str);
		freeReplyObject(p);
	}
	for (int i = 0; i < 2; i++) {
		snprintf(done, sizeof done, "%s/done%d", cluster[0].dir, i);
		ck_assert_int_eq(run("(redis-cli --cluster reshard 127.0.0.1:%d "
		    "--cluster-from %s --cluster-to %s --cluster-slots %d "
		    "--cluster-yes >%s/reshard 2>&1; touch %s) &",
		    cluster[0].port, ids[i], ids[1 - i], i == 0 ? 5461 : 9000,
		    cluster[0].dir, done), 0);
		for (int n = 0; access(done, F_OK) != 0; n++) {
			cluster_load(0.1);
			ck_assert_int_lt(n, 900);
		}
	}
	cluster_load(0.2);
	rig_settle(&rig, 20);
	cluster_audit_all();
	ck_assert_uint_gt(errors_named("moved") + errors_named("ask"), 1);
}
END_TEST

/* A slot on its way: the key is at the new node, the map says the old one. */
START_TEST(cluster_slot_half_moved)
{
	struct rig_redis *from = NULL, *to;
	char ids[3][64];
	long long slot;
	int at = 0;

	rig_ship(&rig);
	cluster_load(0.3);
	rig_settle(&rig, 10);
	for (int i = 0; i < 3; i++) {
		redisReply *p = rig_try(&cluster[i], "CLUSTER MYID");

		snprintf(ids[i], sizeof ids[i], "%s", p->str);
		freeReplyObject(p);
		if (rig_int(&cluster[i], "EXISTS ev:s0:n1") == 1)
			from = &cluster[at = i];
	}
	ck_assert(from != NULL);
	to = &cluster[(at + 1) % 3];
	slot = rig_int(from, "CLUSTER KEYSLOT ev:s0:n1");
	rig_do(to, "CLUSTER SETSLOT %d IMPORTING %s", (int)slot, ids[at]);
	rig_do(from, "CLUSTER SETSLOT %d MIGRATING %s", (int)slot,
	    ids[(at + 1) % 3]);
	cluster_load(0.2);
	rig_do(from, "MIGRATE 127.0.0.1 %d ev:s0:n1 0 5000", to->port);
	cluster_load(0.5);
	rig_settle(&rig, 10);
	ck_assert_uint_gt(errors_named("ask"), 0);
	ck_assert_int_eq(rig_int(from, "EXISTS ev:s0:n1"), -1);
	for (int i = 0; i < 3; i++)
		rig_do(&cluster[(at + 1 + i) % 3], "CLUSTER SETSLOT %d NODE %s",
		    (int)slot, ids[(at + 1) % 3]);
	cluster_load(0.5);
	rig_settle(&rig, 10);
	rig_audit(&rig, to, "s0", "ev:s0:n1", 1);
	cluster_audit_all();
}
END_TEST

int
main(void)
{
	Suite *s = suite_create("shipper with Redis");
	TCase *t = tcase_create("redis");
	SRunner *r;
	int failed;

	if (system("redis-server --version >/dev/null 2>&1") != 0)
		return 77;
	tcase_add_checked_fixture(t, setup, teardown);
	tcase_set_timeout(t, 300);
	tcase_add_test(t, ships_what_was_there_and_what_comes);
	tcase_add_test(t, few_gather);
	tcase_add_test(t, who_is_waited_for_does_not_gather);
	tcase_add_test(t, killed_under_load);
	tcase_add_test(t, restarted_empty);
	tcase_add_test(t, flushed);
	tcase_add_test(t, down_at_first);
	tcase_add_test(t, noreplicas_flaps);
	tcase_add_test(t, out_of_memory_on_and_off);
	tcase_add_test(t, one_of_a_wrong_type);
	tcase_add_test(t, scripts_flushed);
	tcase_add_test(t, paused);
	tcase_add_test(t, another_writer);
	tcase_add_test(t, another_writer_before_us);
	tcase_add_test(t, journal_begun_anew);
	tcase_add_test(t, shipper_restarted_under_load);
	tcase_add_test(t, refuses_eviction);
	tcase_add_test(t, wrong_password_then_right);
	tcase_add_test(t, many_streams);
	tcase_add_test(t, partitions);
	tcase_add_test(t, trims_what_was_read);
	tcase_add_test(t, trims_by_age);
	suite_add_tcase(s, t);
	t = tcase_create("more servers");
	tcase_add_checked_fixture(t, setup, teardown);
	tcase_set_timeout(t, 300);
	tcase_add_test(t, waits_for_replicas);
	tcase_add_test(t, sentinel_failover);
	suite_add_tcase(s, t);
	t = tcase_create("cluster");
	tcase_add_checked_fixture(t, cluster_setup, cluster_teardown);
	tcase_set_timeout(t, 600);
	tcase_add_test(t, cluster_ships);
	tcase_add_test(t, cluster_reshards);
	tcase_add_test(t, cluster_slot_half_moved);
	suite_add_tcase(s, t);
	r = srunner_create(s);
	srunner_run_all(r, CK_ENV);
	failed = srunner_ntests_failed(r);
	srunner_free(r);
	return failed != 0;
}
