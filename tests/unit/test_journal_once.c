/* Journal and dedup table together, over ends of the process at any call and
 * power cuts: producers send again what was not answered, and some of what
 * was; each event is stored once, and every answer is the same id. */
#include "config.h"

#include "tests/unit/journal_kit.h"

#include <errno.h>
#include <fcntl.h>
#include <stdatomic.h>
#include <sys/mman.h>
#include <sys/wait.h>

#include "core/dedup.h"
#include "tests/unit/faulty_disk.h"

#define PRODUCERS 4
#define MOST 20000
#define STEPS 400

/* What the producers know; outlives the process that stores. */
struct world {
	uint32_t seed;
	uint64_t sent[PRODUCERS];	/* iids given out: 1 .. sent */
	uint64_t ms[PRODUCERS][MOST], seq[PRODUCERS][MOST];	/* answers */
	uint64_t answers, repeats;
};

/* Sent, stored, and not answered yet. */
struct waiting {
	uint64_t lsn, iid, ms, seq;
	int producer;
};

static struct world *world;
static struct dedup *dedup;
static const char *const pids[PRODUCERS] = { "p0", "p1", "p2", "p3" };

static uint32_t
next(void)
{
	world->seed = world->seed * 1664525u + 1013904223u;
	return world->seed >> 8;
}

/* Producers 0 and 1 count, 2 counts in epochs, 3 makes names. */
static void
make_event(struct kit_event *k, char iid[32], int producer, uint64_t n)
{
	kit_event(k, producer % 2 == 0 ? "even" : "odd", n);
	k->ev.pid = slice_str(pids[producer]);
	switch (producer) {
	case 2:
		snprintf(iid, 32, "3:%llu", (unsigned long long)n);
		break;
	case 3:
		snprintf(iid, 32, "id-%llu", (unsigned long long)n);
		break;
	default:
		snprintf(iid, 32, "%llu", (unsigned long long)n);
	}
	k->ev.iid = slice_str(iid);
}

static void
remember(void *ctx, const struct journal_entry *e)
{
	struct pair pairs[8];
	size_t n = journal_fields(e->fields, pairs, 8);

	(void)ctx;
	dedup_add(dedup, e->stream, e->pid, e->iid,
	    event_hash_fields(pairs, n), e->ms, e->seq, (int64_t)e->ms);
}

static uint64_t
load_snapshot(void)
{
	struct buf b = BUF_INIT(1 << 24);
	char path[256];
	uint64_t lsn = 0;
	ssize_t n;
	int fd;

	snprintf(path, sizeof path, "%s/dedup", kit_dir);
	fd = open(path, O_RDONLY);
	if (fd == -1)
		return 0;
	while (buf_reserve(&b, 65536) &&
	    (n = read(fd, b.data + b.len, 65536)) > 0)
		b.len += (size_t)n;
	close(fd);
	if (!dedup_decode(dedup, buf_slice(&b), &lsn)) {
		fprintf(stderr, "the snapshot is bad\n");
		_exit(1);
	}
	buf_fini(&b);
	return lsn;
}

static struct journal *
start(void)
{
	struct journal_options o = kit_options();
	struct journal_report r;
	struct journal *j;

	dedup = dedup_new(NULL);
	o.visit = remember;
	o.visit_after = load_snapshot();
	o.wait_cover = true;
	o.window_ms = 1;
	o.quota_bytes = 20 * o.segment_bytes;
	if (journal_open(&o, &j, &r) == -1 || r.lost_events > 0) {
		fprintf(stderr, "open: %s, lost %llu\n", r.message,
		    (unsigned long long)r.lost_events);
		_exit(1);
	}
	journal_report_fini(&r);
	return j;
}

/* The producer gets an answer: the first one stands for ever. */
static void
answered(const struct waiting *w)
{
	uint64_t *ms = &world->ms[w->producer][w->iid];
	uint64_t *seq = &world->seq[w->producer][w->iid];

	if (*seq != 0 && (*ms != w->ms || *seq != w->seq)) {
		fprintf(stderr, "%s %llu: %llu-%llu, then %llu-%llu\n",
		    pids[w->producer], (unsigned long long)w->iid,
		    (unsigned long long)*ms, (unsigned long long)*seq,
		    (unsigned long long)w->ms, (unsigned long long)w->seq);
		_exit(1);
	}
	world->answers++;
	if (*seq != 0)
		world->repeats++;
	*ms = w->ms;
	*seq = w->seq;
}

/* Which event does this producer send now?  Mostly one that was not answered
 * yet, new or again; sometimes one that was. */
static uint64_t
choose(int p)
{
	uint64_t back;

	if (next() % 3 != 0 || world->sent[p] == 0)
		return ++world->sent[p];
	back = next() % 100;
	return world->sent[p] > back ? world->sent[p] - back : 1;
}

static bool
step(struct journal *j, struct waiting *w, int64_t now)
{
	struct event_hash hash;
	struct dedup_found found;
	struct journal_id id;
	struct kit_event k;
	char iid[32];

	w->producer = (int)(next() % PRODUCERS);
	w->iid = choose(w->producer);
	if (w->iid >= MOST)
		_exit(0);
	make_event(&k, iid, w->producer, w->iid);
	hash = event_hash_fields(k.ev.fields, k.ev.nfields);
	if (dedup_check(dedup, k.ev.stream, k.ev.pid, k.ev.iid, hash, now,
	    &found) != DEDUP_NEW) {
		*w = (struct waiting){ journal_appended(j), w->iid, found.ms,
		    found.seq, w->producer };
		return true;
	}
	if (journal_append(j, &k.ev, now, &id) != JOURNAL_OK)
		return false;	/* told so: it will come again */
	dedup_add(dedup, k.ev.stream, k.ev.pid, k.ev.iid, hash, id.ms, id.seq,
	    now);
	*w = (struct waiting){ id.lsn, w->iid, id.ms, id.seq, w->producer };
	return true;
}

static void
save(struct journal *j)
{
	struct buf b = BUF_INIT(1 << 24);

	if (dedup_encode(dedup, journal_appended(j), &b))
		journal_save(j, "dedup", &b, journal_appended(j));
	buf_fini(&b);
}

static void
work(void)
{
	static struct waiting queue[STEPS];
	struct journal *j = start();
	int64_t now = 1000;
	int head = 0, tail = 0;

	for (int i = 0; i < STEPS; i++) {
		if (step(j, &queue[tail], ++now))
			tail++;
		if (next() % 4 == 0)
			kit_commit(j);
		if (next() % 16 == 0)
			usleep(100);
		if (next() % 50 == 0)
			save(j);
		if (next() % 50 == 0) {
			journal_shipped(j, SLICE("even"), UINT64_MAX);
			journal_shipped(j, SLICE("odd"), UINT64_MAX);
			journal_expire(j, now + 1000000);
		}
		while (head < tail && queue[head].lsn <= journal_durable(j))
			answered(&queue[head++]);
	}
	_exit(0);
}

/* The place of an event among the producers' books. */
static uint64_t
find(const struct journal_entry *e, int *producer)
{
	struct slice iid = e->iid;
	uint64_t n = 0;

	*producer = e->pid.ptr[1] - '0';
	if (*producer == 2)
		slice_cut(&iid, ':');
	else if (*producer == 3)
		slice_cut(&iid, '-');
	for (size_t i = 0; i < iid.len; i++)
		n = n * 10 + (uint64_t)(iid.ptr[i] - '0');
	ck_assert_uint_lt(n, MOST);
	return n;
}

/* No event stands twice in what is kept, and each stands where it was said. */
static void
judge(const char *what)
{
	static uint8_t met[PRODUCERS][MOST];
	struct journal_options o = kit_options();
	struct buf window = BUF_INIT(8 << 20);
	struct journal_entry e[64];
	struct journal_cursor c;
	struct journal *j = kit_open(&o, NULL);
	ssize_t n;

	memset(met, 0, sizeof met);
	journal_seek(j, &c, 0);
	while ((n = journal_read(j, &c, &window, e, 64)) > 0)
		for (ssize_t i = 0; i < n; i++) {
			int p;
			uint64_t iid = find(&e[i], &p);

			ck_assert_msg(!met[p][iid], "%s: %s %llu twice", what,
			    pids[p], (unsigned long long)iid);
			met[p][iid] = 1;
			if (world->seq[p][iid] == 0)
				continue;
			ck_assert_uint_eq(e[i].ms, world->ms[p][iid]);
			ck_assert_uint_eq(e[i].seq, world->seq[p][iid]);
		}
	ck_assert_int_eq(n, 0);
	buf_fini(&window);
	ck_assert_int_eq(journal_close(j), 0);
}

static void
loop(bool power_loss, uint32_t seed)
{
	const char *env = getenv("MILLRACE_LOOPS");
	int loops = env != NULL ? atoi(env) : 25;
	char what[64];

	world = mmap(NULL, sizeof *world, PROT_READ | PROT_WRITE,
	    MAP_SHARED | MAP_ANONYMOUS, -1, 0);
	ck_assert(world != MAP_FAILED);
	world->seed = seed;
	for (int k = 0; k < loops && world->sent[0] < MOST - 1000; k++) {
		struct faulty_plan plan = { .power_loss = power_loss };
		int status;
		pid_t pid;

		plan.crash_at = 1 + next() % (k % 2 == 0 ? 60 : 500);
		plan.seed = next();
		snprintf(what, sizeof what, "loop %d call %u", k, plan.crash_at);
		fflush(NULL);
		pid = fork();
		if (pid == 0) {
			faulty_begin(&plan);
			work();
		}
		ck_assert_int_eq(waitpid(pid, &status, 0), pid);
		ck_assert_msg(WIFEXITED(status) && (WEXITSTATUS(status) == 0 ||
		    WEXITSTATUS(status) == FAULTY_EXIT), "%s: status %x", what,
		    status);
		judge(what);
	}
	ck_assert_uint_gt(world->answers, 100);
	ck_assert_uint_gt(world->repeats, 10);
	munmap(world, sizeof *world);
}

START_TEST(killed)
{
	loop(false, (uint32_t)_i + 11);
}
END_TEST

START_TEST(power_lost)
{
	loop(true, (uint32_t)_i + 77);
}
END_TEST

static void
setup(void)
{
	kit_fresh();
}

static void
teardown(void)
{
	kit_remove();
}

int
main(void)
{
	Suite *s = suite_create("journal_once");
	TCase *t = tcase_create("journal_once");
	SRunner *r;
	int failed;

	tcase_add_checked_fixture(t, setup, teardown);
	tcase_set_timeout(t, 600);
	tcase_add_loop_test(t, killed, 0, 3);
	tcase_add_loop_test(t, power_lost, 0, 3);
	suite_add_tcase(s, t);
	r = srunner_create(s);
	srunner_run_all(r, CK_NORMAL);
	failed = srunner_ntests_failed(r);
	srunner_free(r);
	return failed != 0;
}
