/* The journal on a disk that fails, and a process that ends at any call: what
 * was reported durable is there, once, in order, whatever happens. */
#include "config.h"

#include "tests/unit/journal_kit.h"

#include <errno.h>
#include <stdatomic.h>
#include <sys/mman.h>
#include <sys/wait.h>

#include "tests/unit/faulty_disk.h"

static void
setup(void)
{
	kit_fresh();
}

static void
teardown(void)
{
	faulty_end();
	kit_remove();
}

/* Everything from `first` to `last` is there, once, in order. */
static void
expect_all(struct journal *j, uint64_t first, uint64_t last)
{
	struct buf window = BUF_INIT(8 << 20);
	struct journal_entry e[64];
	struct journal_cursor c;
	uint64_t lsn = first;
	ssize_t n;

	journal_seek(j, &c, first - 1);
	while ((n = journal_read(j, &c, &window, e, 64)) > 0)
		for (ssize_t i = 0; i < n; i++) {
			ck_assert_uint_eq(e[i].lsn, lsn);
			ck_assert_uint_eq(e[i].seq, lsn);
			ck_assert_uint_eq(kit_check(&e[i]), lsn);
			lsn++;
		}
	ck_assert_int_eq(n, 0);
	ck_assert_uint_eq(lsn, last + 1);
	buf_fini(&window);
}

static void
expect_after_reopening(uint64_t last)
{
	struct journal_options o = kit_options();
	struct journal_report r;
	struct journal *j;

	faulty_end();
	j = kit_open(&o, &r);
	ck_assert_uint_eq(r.lost_events, 0);
	ck_assert_uint_eq(r.events, last);
	ck_assert_uint_eq(r.quarantined, 0);
	journal_report_fini(&r);
	expect_all(j, 1, last);
	ck_assert_int_eq(journal_close(j), 0);
}

/* Neither costs a file: an interrupted sync has not failed. */
START_TEST(short_writes_and_interrupts)
{
	struct faulty_plan plan = { .short_writes = 700, .eintr = 3 };
	struct journal_options o = kit_options();
	struct journal_stats st;
	struct journal *j;

	faulty_begin(&plan);
	j = kit_open(&o, NULL);
	for (uint64_t n = 1; n <= 1000; n++) {
		kit_append(j, "s", n, 10);
		if (n % 50 == 0)
			kit_wait(j, n);
	}
	kit_wait(j, 1000);
	journal_stats(j, &st);
	ck_assert_uint_eq(st.write_errors, 0);
	ck_assert_uint_eq(st.sync_errors, 0);
	ck_assert_int_eq(st.last_errno, 0);
	ck_assert_int_eq(journal_close(j), 0);
	expect_after_reopening(1000);
}
END_TEST

/* Nothing is being made any more. */
static void
wait_for_spares(struct journal *j)
{
	struct journal_stats st;

	for (int i = 0; i < 60000; i++) {
		journal_stats(j, &st);
		if (st.spares >= 2)
			return;
		usleep(1000);
	}
	ck_abort_msg("no spares");
}

/* A sync, or a write, fails once: the batch goes to another file, the file
 * that failed is never written again, and its durable part stays. */
START_TEST(fails_once)
{
	static const struct { enum faulty_call call; int error; } cases[] = {
		{ FAULTY_SYNC, EIO }, { FAULTY_PWRITE, EIO },
		{ FAULTY_PWRITE, ENOSPC }, { FAULTY_SYNC, ENOSPC },
		{ FAULTY_SYNC, EDQUOT }
	};
	struct faulty_plan plan = { .watch = true };
	struct journal_options o = kit_options();
	struct journal_stats st;
	struct journal *j;

	plan.watch = true;
	j = kit_open(&o, NULL);
	for (uint64_t n = 1; n <= 100; n++)
		kit_append(j, "s", n, 10);
	if (_i % 2 == 0)	/* also as the first thing that is ever synced */
		kit_wait(j, 100);
	wait_for_spares(j);
	plan.error[cases[_i / 2].call] = cases[_i / 2].error;
	plan.times[cases[_i / 2].call] = 1;
	faulty_begin(&plan);
	for (uint64_t n = 101; n <= 300; n++) {
		kit_append(j, "s", n, 10);
		if (n % 20 == 0)
			kit_wait(j, n);
	}
	ck_assert_int_eq(journal_state(j), JOURNAL_WORKING);
	journal_stats(j, &st);
	/* it met the syncing thread, or the one that makes files */
	ck_assert_int_eq(st.last_errno, cases[_i / 2].error);
	expect_all(j, 1, 300);
	ck_assert_int_eq(journal_close(j), 0);
	expect_after_reopening(300);
}
END_TEST

/* The disk refuses everything for a while: the journal says so, takes nothing
 * more, loses nothing, and goes on when the disk does. */
START_TEST(fails_for_a_while)
{
	static const struct { enum faulty_call call; int error; } cases[] = {
		{ FAULTY_SYNC, EIO }, { FAULTY_PWRITE, EIO },
		{ FAULTY_PWRITE, ENOSPC }, { FAULTY_RENAME, EROFS },
		{ FAULTY_SYNC_DIR, EIO }
	};
	struct faulty_plan plan = { .seed = 1 };
	struct journal_options o = kit_options();
	enum journal_result r = JOURNAL_OK;
	struct journal_id id;
	struct journal *j;
	struct kit_event k;
	uint64_t n = 0;

	j = kit_open(&o, NULL);
	while (n < 100)
		kit_append(j, "s", ++n, 10);
	kit_wait(j, 100);
	plan.error[cases[_i].call] = cases[_i].error;
	plan.times[cases[_i].call] = -1;
	faulty_begin(&plan);
	for (int tries = 0; tries < 20000; tries++) {
		kit_event(&k, "s", n + 1);
		r = journal_append(j, &k.ev, 10, &id);
		if (r == JOURNAL_OK)
			n++;
		else if (r == JOURNAL_BUSY)
			usleep(300);
		else
			break;
		kit_commit(j);
		usleep(50);
	}
	ck_assert_int_eq(r, cases[_i].error == ENOSPC ? JOURNAL_FULL :
	    JOURNAL_FAILED);
	/* another thread tells it, and the disk refuses still */
	for (int i = 0; i < 10000 && journal_state(j) == JOURNAL_WORKING; i++)
		usleep(1000);
	ck_assert_int_ne(journal_state(j), JOURNAL_WORKING);
	ck_assert_uint_eq(id.lsn, n);
	faulty_end();
	for (int i = 0; i < 10000 && journal_durable(j) < n; i++)
		usleep(1000);
	ck_assert_uint_eq(journal_durable(j), n);
	for (int i = 0; i < 10000; i++) {
		kit_event(&k, "s", n + 1);
		r = journal_append(j, &k.ev, 10, &id);
		if (r == JOURNAL_OK)
			break;
		usleep(1000);
	}
	ck_assert_int_eq(r, JOURNAL_OK);
	kit_wait(j, ++n);
	ck_assert_int_eq(journal_state(j), JOURNAL_WORKING);
	ck_assert_int_eq(journal_close(j), 0);
	expect_after_reopening(n);
}
END_TEST

/* Closed while the disk refuses: says so, and what was durable is there. */
START_TEST(closed_while_failing)
{
	struct faulty_plan plan = { .seed = 1 };
	struct journal_options o = kit_options();
	struct journal *j = kit_open(&o, NULL);
	struct journal_report r;

	for (uint64_t n = 1; n <= 100; n++)
		kit_append(j, "s", n, 10);
	kit_wait(j, 100);
	plan.error[FAULTY_SYNC] = EIO;
	plan.times[FAULTY_SYNC] = -1;
	faulty_begin(&plan);
	kit_append(j, "s", 101, 10);
	kit_commit(j);
	ck_assert_int_eq(journal_close(j), -1);
	faulty_end();
	j = kit_open(&o, &r);
	ck_assert_uint_eq(r.lost_events, 0);
	ck_assert_uint_ge(r.events, 100);
	expect_all(j, 1, r.events);
	journal_report_fini(&r);
	journal_close(j);
}
END_TEST

/* No space for a first file: opens, says FULL, goes on when there is some. */
START_TEST(no_space_at_all)
{
	struct faulty_plan plan = { .seed = 1 };
	struct journal_options o = kit_options();
	enum journal_result r = JOURNAL_OK;
	struct journal_id id;
	struct journal *j;
	struct kit_event k;

	plan.error[FAULTY_ALLOCATE] = ENOSPC;
	plan.times[FAULTY_ALLOCATE] = -1;
	faulty_begin(&plan);
	j = kit_open(&o, NULL);
	kit_event(&k, "s", 1);
	for (int i = 0; i < 1000; i++) {
		r = journal_append(j, &k.ev, 10, &id);
		if (r != JOURNAL_BUSY)
			break;
		usleep(1000);
	}
	ck_assert_int_eq(r, JOURNAL_FULL);
	faulty_end();
	for (int i = 0; i < 10000 && r != JOURNAL_OK; i++) {
		usleep(1000);
		r = journal_append(j, &k.ev, 10, &id);
	}
	ck_assert_int_eq(r, JOURNAL_OK);
	kit_wait(j, 1);
	ck_assert_int_eq(journal_close(j), 0);
	expect_after_reopening(1);
}
END_TEST

/* ---- the end at any call ---- */

#define MOST 400000
#define STREAMS 3

/* What the process that ends tells the one that stays. */
struct log {
	_Atomic uint64_t acked;		/* lsn */
	_Atomic uint64_t freed;		/* events up to this may be gone */
	_Atomic uint64_t appended;
	struct {
		uint64_t ms, seq, n;
		uint8_t stream;
		bool more;
	} event[MOST];
};

static struct log *shared;
static struct journal *_Atomic crashing;
static const char *const names[STREAMS] = { "a", "bb", "c/c" };

static void
on_durable(void *ctx)
{
	struct journal *j = crashing;

	(void)ctx;
	if (j != NULL)
		atomic_store(&shared->acked, journal_durable(j));
}

static uint32_t
next(uint32_t *seed)
{
	*seed = *seed * 1664525u + 1013904223u;
	return *seed >> 8;
}

static void
log_event(const struct journal_id *id, int stream, uint64_t n, bool more)
{
	if (id->lsn >= MOST)
		_exit(0);
	shared->event[id->lsn].ms = id->ms;
	shared->event[id->lsn].seq = id->seq;
	shared->event[id->lsn].stream = (uint8_t)stream;
	shared->event[id->lsn].n = n;
	shared->event[id->lsn].more = more;
	atomic_store(&shared->appended, id->lsn);
}

/* Ship all but the newest, so that files are freed and used again. */
static void
free_some(struct journal *j, int64_t now)
{
	uint64_t upto = journal_durable(j), last[STREAMS] = { 0 };

	upto = upto > 150 ? upto - 150 : 0;
	for (uint64_t l = 1; l <= upto; l++)
		last[shared->event[l].stream] = shared->event[l].seq;
	atomic_store(&shared->freed, upto);
	for (int i = 0; i < STREAMS; i++)
		journal_shipped(j, slice_str(names[i]), last[i]);
	journal_expire(j, now + 100000);
}

/* Append until the end comes, or 1500 events. */
static void
work(uint32_t seed)
{
	struct journal_options o = kit_options();
	struct journal_report r;
	struct journal *j = NULL;
	int64_t now = 1000;

	o.window_ms = 1;
	o.quota_bytes = 12 * o.segment_bytes;
	o.on_durable = on_durable;
	if (journal_open(&o, &j, &r) == -1) {
		fprintf(stderr, "open: %s\n", r.message);
		_exit(1);
	}
	if (r.lost_events != 0) {
		fprintf(stderr, "lost %llu\n", (unsigned long long)r.lost_events);
		_exit(1);
	}
	journal_report_fini(&r);
	crashing = j;
	for (int k = 0; k < 1500; k++) {
		int stream = (int)(next(&seed) % STREAMS);
		unsigned group = next(&seed) % 20 == 0 ? 4 : 1;
		struct event_record evs[4];
		struct kit_event kit[4];
		struct journal_id ids[4];
		enum journal_result result;

		for (unsigned i = 0; i < group; i++) {
			kit_event(&kit[i], names[stream], next(&seed) % 100000);
			evs[i] = kit[i].ev;
		}
		now += next(&seed) % 3;
		result = journal_append_group(j, evs, group, now, ids);
		for (unsigned i = 0; result == JOURNAL_OK && i < group; i++)
			log_event(&ids[i], stream,
			    strtoull(kit[i].number, NULL, 10), i + 1 < group);
		if (next(&seed) % 5 == 0 || result != JOURNAL_OK)
			kit_commit(j);
		if (result != JOURNAL_OK || next(&seed) % 64 == 0)
			usleep(100);
		if (k % 100 == 99)
			free_some(j, now);
	}
	crashing = NULL;
	if (next(&seed) % 2 == 0)
		_exit(journal_close(j) == 0 ? 0 : 1);
	_exit(0);
}

static void
log_found(const struct journal_entry *e)
{
	struct journal_id id = { e->ms, e->seq, e->lsn };
	int s = 0;

	while (s < STREAMS - 1 && !slice_eq(e->stream, slice_str(names[s])))
		s++;
	log_event(&id, s, kit_check(e), e->more);
}

/* Compare what is there with what was told. */
static void
judge(const char *what)
{
	struct journal_options o = kit_options();
	struct buf window = BUF_INIT(8 << 20);
	struct journal_report r;
	struct journal_entry e[64];
	struct journal_cursor c;
	uint64_t lsn, last_seq[STREAMS] = { 0 };
	struct journal *j;
	bool more = false;
	ssize_t n;

	j = kit_open(&o, &r);
	ck_assert_msg(r.lost_events == 0, "%s: lost %llu", what,
	    (unsigned long long)r.lost_events);
	ck_assert_msg(r.last_lsn >= shared->acked, "%s: %llu of %llu", what,
	    (unsigned long long)r.last_lsn, (unsigned long long)shared->acked);
	/* the end may have come between an append and the note of it */
	ck_assert_uint_le(r.last_lsn, shared->appended + 4);
	lsn = r.first_lsn;
	if (lsn > 0)
		ck_assert_uint_le(lsn, shared->freed + 1);
	journal_seek(j, &c, 0);
	while ((n = journal_read(j, &c, &window, e, 64)) > 0)
		for (ssize_t i = 0; i < n; i++) {
			int s;

			if (lsn > shared->appended)
				log_found(&e[i]);
			s = shared->event[lsn].stream;
			ck_assert_msg(e[i].lsn == lsn, "%s: lsn %llu, not %llu",
			    what, (unsigned long long)e[i].lsn,
			    (unsigned long long)lsn);
			ck_assert(slice_eq(e[i].stream, slice_str(names[s])));
			ck_assert_uint_eq(e[i].ms, shared->event[lsn].ms);
			ck_assert_uint_eq(e[i].seq, shared->event[lsn].seq);
			ck_assert_uint_eq(kit_check(&e[i]),
			    shared->event[lsn].n);
			if (last_seq[s] != 0)
				ck_assert_uint_eq(e[i].seq, last_seq[s] + 1);
			last_seq[s] = e[i].seq;
			more = e[i].more;
			ck_assert_int_eq(more, shared->event[lsn].more);
			lsn++;
		}
	ck_assert_int_eq(n, 0);
	ck_assert(!more);	/* no half of a group */
	if (r.last_lsn > 0)
		ck_assert_uint_eq(lsn, r.last_lsn + 1);
	shared->appended = r.last_lsn;
	shared->acked = r.last_lsn;
	buf_fini(&window);
	journal_report_fini(&r);
	ck_assert_int_eq(journal_close(j), 0);
}

static void
crash_loop(bool power_loss, uint32_t seed, int loops)
{
	char what[64];

	for (int k = 0; k < loops; k++) {
		struct faulty_plan plan = { .power_loss = power_loss };
		int status;
		pid_t pid;

		/* often early, where files are opened and made */
		plan.crash_at = 1 + next(&seed) % (k % 3 == 0 ? 40 :
		    k % 3 == 1 ? 300 : 2000);
		plan.seed = next(&seed);
		snprintf(what, sizeof what, "loop %d call %u seed %u", k,
		    plan.crash_at, plan.seed);
		fflush(NULL);
		pid = fork();
		if (pid == 0) {
			faulty_begin(&plan);
			work(plan.seed);
		}
		ck_assert_int_eq(waitpid(pid, &status, 0), pid);
		ck_assert_msg(WIFEXITED(status) && (WEXITSTATUS(status) == 0 ||
		    WEXITSTATUS(status) == FAULTY_EXIT), "%s: status %x", what,
		    status);
		judge(what);
		if (shared->appended > MOST / 2)
			break;
	}
}

static void
crashes(bool power_loss, int which)
{
	const char *env = getenv("MILLRACE_LOOPS");
	int loops = env != NULL ? atoi(env) : 30;

	shared = mmap(NULL, sizeof *shared, PROT_READ | PROT_WRITE,
	    MAP_SHARED | MAP_ANONYMOUS, -1, 0);
	ck_assert(shared != MAP_FAILED);
	crash_loop(power_loss, (uint32_t)(which * 7919 + 1), loops);
	munmap(shared, sizeof *shared);
}

START_TEST(killed_at_any_call)
{
	crashes(false, _i);
}
END_TEST

START_TEST(power_lost_at_any_call)
{
	crashes(true, _i);
}
END_TEST

int
main(void)
{
	Suite *s = suite_create("journal_faults");
	TCase *t = tcase_create("journal_faults");
	SRunner *r;
	int failed;

	tcase_add_checked_fixture(t, setup, teardown);
	tcase_set_timeout(t, 600);
	tcase_add_test(t, short_writes_and_interrupts);
	tcase_add_loop_test(t, fails_once, 0, 10);
	tcase_add_loop_test(t, fails_for_a_while, 0, 5);
	tcase_add_test(t, closed_while_failing);
	tcase_add_test(t, no_space_at_all);
	tcase_add_loop_test(t, killed_at_any_call, 0, 3);
	tcase_add_loop_test(t, power_lost_at_any_call, 0, 3);
	suite_add_tcase(s, t);
	r = srunner_create(s);
	srunner_run_all(r, CK_NORMAL);
	failed = srunner_ntests_failed(r);
	srunner_free(r);
	return failed != 0;
}
