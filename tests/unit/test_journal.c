/* The journal on a disk that works, and files that were tampered with. */
#include "config.h"

#include "tests/unit/journal_kit.h"

#include <errno.h>
#include <fcntl.h>
#include <stdatomic.h>

#include "sink/journal_format.h"

/* Read a stream from `after` on: how many, checking that the sequence has no
 * gap but the first. */
static uint64_t
read_stream(struct journal *j, const char *stream, uint64_t after,
    uint64_t *first_gap)
{
	struct buf window = BUF_INIT(8 << 20);
	struct journal_entry e[16];
	struct journal_cursor c;
	uint64_t total = 0, last = after;
	ssize_t n;

	ck_assert(journal_seek_stream(j, &c, slice_str(stream), after));
	while ((n = journal_read(j, &c, &window, e, 16)) > 0) {
		for (ssize_t i = 0; i < n; i++) {
			kit_check(&e[i]);
			ck_assert(slice_eq(e[i].stream, slice_str(stream)));
			ck_assert_uint_eq(e[i].seq, last + 1 + e[i].gap);
			if (total == 0 && first_gap != NULL)
				*first_gap = e[i].gap;
			else
				ck_assert_uint_eq(e[i].gap, 0);
			last = e[i].seq;
			total++;
		}
	}
	ck_assert_int_eq(n, 0);
	buf_fini(&window);
	return total;
}

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

START_TEST(empty)
{
	struct journal_options o = kit_options();
	struct journal_report r;
	struct journal *j = kit_open(&o, &r);

	ck_assert_uint_eq(r.events, 0);
	ck_assert_uint_eq(r.last_lsn, 0);
	ck_assert_uint_eq(journal_durable(j), 0);
	ck_assert_uint_eq(read_stream(j, "s", 0, NULL), 0);
	ck_assert_int_eq(journal_close(j), 0);
	journal_report_fini(&r);
	j = kit_open(&o, NULL);
	ck_assert_int_eq(journal_close(j), 0);
}
END_TEST

static void
count_call(void *ctx)
{
	++*(_Atomic unsigned *)ctx;
}

/* What this thread writes is durable at once, and nobody is told. */
START_TEST(synced_here)
{
	static _Atomic unsigned told;
	struct journal_options o = kit_options();
	struct journal_stats st = { .spares = 0 };
	struct journal_report r;
	struct journal *j;
	unsigned before, here = 0, told_of = 0;

	o.on_durable = count_call;
	o.ctx = &told;
	j = kit_open(&o, NULL);
	ck_assert(!journal_sync_here(j));	/* there is nothing, */
	kit_append(j, "s", 1, 10);
	ck_assert(!journal_sync_here(j));	/* and no file */
	journal_commit(j);
	kit_wait(j, 1);
	for (int i = 0; i < 10000 && st.spares < 2; i++) {
		usleep(1000);		/* who makes them tells, too */
		journal_stats(j, &st);
	}
	for (uint64_t n = 2; n <= 100; n++) {
		kit_append(j, "s", n, 10);
		before = told;
		if (journal_sync_here(j)) {
			here++;
			ck_assert_uint_eq(journal_durable(j), n);
			told_of += told != before;
		} else {
			kit_wait(j, n);
			usleep(200);	/* the syncing thread goes to sleep */
		}
	}
	kit_wait(j, 100);
	journal_stats(j, &st);
	/* who made the last spare may tell of it as late as now */
	ck_assert_uint_le(told_of, 1);
	/* else the disk is too slow for it */
	ck_assert(here > 0 || st.sync_ns / st.syncs > 1000000);
	ck_assert_int_eq(journal_close(j), 0);
	j = kit_open(&o, &r);
	ck_assert_uint_eq(r.events, 100);
	ck_assert_uint_eq(read_stream(j, "s", 0, NULL), 100);
	journal_report_fini(&r);
	ck_assert_int_eq(journal_close(j), 0);
}
END_TEST

START_TEST(append_read_reopen)
{
	struct journal_options o = kit_options();
	struct journal_report r;
	struct journal *j = kit_open(&o, NULL);
	struct journal_id id = { 0, 0, 0 };

	for (uint64_t n = 1; n <= 1000; n++) {
		id = kit_append(j, n % 3 == 0 ? "a" : "b", n, (int64_t)(1000 + n));
		ck_assert_uint_eq(id.lsn, n);
		ck_assert_uint_eq(id.ms, 1000 + n);
		ck_assert_uint_eq(id.seq, n % 3 == 0 ? n / 3 : n - n / 3);
		if (n % 10 == 0)
			kit_commit(j);
	}
	kit_wait(j, 1000);
	ck_assert_uint_eq(read_stream(j, "a", 0, NULL), 333);
	ck_assert_uint_eq(read_stream(j, "b", 0, NULL), 667);
	ck_assert_uint_eq(read_stream(j, "b", 600, NULL), 67);
	ck_assert_int_eq(journal_close(j), 0);

	j = kit_open(&o, &r);
	ck_assert_uint_eq(r.events, 1000);
	ck_assert_uint_eq(r.last_lsn, 1000);
	ck_assert_uint_eq(r.lost_events, 0);
	ck_assert_uint_eq(r.quarantined, 0);
	ck_assert_uint_eq(r.torn_bytes, 0);
	ck_assert_uint_eq(read_stream(j, "a", 0, NULL), 333);
	/* the clock went back: ids do not */
	id = kit_append(j, "a", 5000, 7);
	ck_assert_uint_eq(id.seq, 334);
	ck_assert_uint_eq(id.ms, 1999);
	ck_assert_uint_eq(id.lsn, 1001);
	id = kit_append(j, "c", 5001, 7);
	ck_assert_uint_eq(id.seq, 1);
	ck_assert_uint_eq(id.ms, 7);
	kit_wait(j, id.lsn);
	ck_assert_uint_eq(read_stream(j, "a", 333, NULL), 1);
	ck_assert_int_eq(journal_close(j), 0);
	journal_report_fini(&r);
}
END_TEST

/* A cursor that had reached the end goes on when more comes. */
START_TEST(follow)
{
	struct journal_options o = kit_options();
	struct journal *j = kit_open(&o, NULL);
	struct buf window = BUF_INIT(8 << 20);
	struct journal_cursor all, a;
	struct journal_entry e[8];
	uint64_t seen_all = 0, seen_a = 0;

	journal_seek(j, &all, 0);
	ck_assert(journal_seek_stream(j, &a, SLICE("a"), 0));
	for (uint64_t n = 1; n <= 600; n++) {
		ssize_t got;

		kit_append(j, n % 50 == 0 ? "a" : "b", n, 1);
		if (n % 7 != 0 && n != 600)
			continue;
		kit_wait(j, n);
		while ((got = journal_read(j, &all, &window, e, 8)) > 0)
			for (ssize_t i = 0; i < got; i++) {
				ck_assert_uint_eq(e[i].lsn, ++seen_all);
				ck_assert_uint_eq(e[i].gap, 0);
				ck_assert_uint_eq(kit_check(&e[i]), seen_all);
			}
		while ((got = journal_read(j, &a, &window, e, 8)) > 0)
			for (ssize_t i = 0; i < got; i++)
				ck_assert_uint_eq(e[i].seq, ++seen_a);
	}
	ck_assert_uint_eq(seen_all, 600);
	ck_assert_uint_eq(seen_a, 12);
	buf_fini(&window);
	journal_close(j);
}
END_TEST

START_TEST(groups)
{
	struct journal_options o = kit_options();
	struct journal *j = kit_open(&o, NULL);
	struct kit_event k[3];
	struct event_record evs[3];
	struct journal_id ids[3];
	static struct event_record many[2000];
	static struct journal_id many_ids[2000];
	struct buf window = BUF_INIT(8 << 20);
	struct journal_entry e[8];
	struct journal_cursor c;

	for (int i = 0; i < 3; i++) {
		kit_event(&k[i], i == 1 ? "x" : "y", (uint64_t)i);
		evs[i] = k[i].ev;
	}
	ck_assert_int_eq(journal_append_group(j, evs, 3, 5, ids), JOURNAL_OK);
	ck_assert_uint_eq(ids[0].seq, 1);
	ck_assert_uint_eq(ids[1].seq, 1);
	ck_assert_uint_eq(ids[2].seq, 2);
	kit_wait(j, 3);
	journal_seek(j, &c, 0);
	ck_assert_int_eq(journal_read(j, &c, &window, e, 8), 3);
	ck_assert(e[0].more);
	ck_assert(e[1].more);
	ck_assert(!e[2].more);
	/* more than can be promised */
	for (int i = 0; i < 2000; i++)
		many[i] = evs[i % 3];
	ck_assert_int_eq(journal_append_group(j, many, 2000, 5, many_ids),
	    JOURNAL_TOO_LONG);
	ck_assert_uint_eq(journal_appended(j), 3);
	buf_fini(&window);
	journal_close(j);
}
END_TEST

START_TEST(refusals)
{
	struct journal_options o = kit_options();
	struct journal *j, *other;
	struct journal_report r;
	struct journal_id id;
	struct kit_event k;
	char big[5000], name[300];

	o.max_streams = 2;
	j = kit_open(&o, NULL);
	memset(big, 'x', sizeof big);
	kit_event(&k, "s", 1);
	k.pairs[1].value = slice_of(big, sizeof big);
	ck_assert_int_eq(journal_append(j, &k.ev, 1, &id), JOURNAL_TOO_LONG);
	memset(name, 'n', sizeof name);
	k.ev.stream = slice_of(name, 256);
	ck_assert_int_eq(journal_append(j, &k.ev, 1, &id), JOURNAL_TOO_LONG);
	k.ev.stream = slice_of(name, 0);
	ck_assert_int_eq(journal_append(j, &k.ev, 1, &id), JOURNAL_TOO_LONG);
	kit_append(j, "a", 1, 1);
	kit_append(j, "b", 2, 1);
	kit_wait(j, 2);		/* a syncing thread that starts late takes them, too */
	kit_event(&k, "c", 3);
	ck_assert_int_eq(journal_append(j, &k.ev, 1, &id), JOURNAL_TOO_MANY);
	ck_assert_uint_eq(journal_appended(j), 2);
	/* a second process */
	ck_assert_int_eq(journal_open(&o, &other, &r), -1);
	ck_assert_int_eq(errno, EBUSY);
	ck_assert_str_ne(r.message, "");
	journal_report_fini(&r);
	journal_close(j);
	/* another node */
	memset(o.node, 7, sizeof o.node);
	ck_assert_int_eq(journal_open(&o, &other, &r), -1);
	ck_assert_int_eq(errno, EXDEV);
	journal_report_fini(&r);
}
END_TEST

/* Events for some sections only: who reads for one is told which are not its
 * own, nobody sees a gap, and it is so after a restart, too. */
START_TEST(sections)
{
	static const uint64_t one[] = { 11 }, both[] = { 22, 11 };
	static const struct { const uint64_t *to; uint8_t n; bool at[3]; } rows[] = {
		/* read by nobody in particular, by 11, by 22 */
		{ NULL, 0, { false, false, false } },
		{ one, 1, { false, false, true } },
		{ both, 2, { false, false, false } },
		{ both, 1, { false, true, false } },
	};
	struct journal_options o = kit_options();
	struct buf window = BUF_INIT(8 << 20);
	struct journal_entry e[8];
	struct journal_cursor c;
	struct journal *j = kit_open(&o, NULL);
	struct kit_event k;

	for (unsigned i = 0; i < 4; i++) {
		kit_event(&k, "s", i + 1);
		k.ev.sections = rows[i].to;
		k.ev.nsections = rows[i].n;
		kit_append_event(j, &k.ev, 10);
	}
	kit_wait(j, 4);
	for (int pass = 0; pass < 2; pass++) {
		for (unsigned who = 0; who < 6; who++) {
			if (who < 3)
				journal_seek(j, &c, 0);
			else
				journal_seek_stream(j, &c, SLICE("s"), 0);
			c.section = (who % 3) * 11;
			ck_assert_int_eq(journal_read(j, &c, &window, e, 8), 4);
			for (unsigned i = 0; i < 4; i++) {
				ck_assert_uint_eq(kit_check(&e[i]), i + 1);
				ck_assert_uint_eq(e[i].gap, 0);
				ck_assert_int_eq(e[i].elsewhere,
				    rows[i].at[who % 3]);
			}
		}
		ck_assert_int_eq(journal_close(j), 0);
		j = kit_open(&o, NULL);
	}
	ck_assert_int_eq(journal_close(j), 0);
	buf_fini(&window);
}
END_TEST

/* What is shipped goes after the window; what has its only place here when it
 * is old enough, or never; and nobody waits for who does not ship. */
START_TEST(retention)
{
	static const struct {
		struct journal_retention r;
		bool shipped;
		int64_t kept_until;	/* of events of time 1000; 0: for ever */
	} rows[] = {
		{ { .window_ms = 500 }, true, 1500 },
		{ { .window_ms = 0 }, true, 1000 },
		{ { .window_ms = 500 }, false, 0 },
		{ { .window_ms = 500, .unshipped = true }, false, 1500 },
		{ { .kept_ms = 700, .unshipped = true }, false, 1700 },
		{ { .window_ms = 500, .kept_ms = 700 }, true, 1700 },
		{ { .kept_ms = INT64_MAX, .unshipped = true }, false, 0 },
		{ { .kept_ms = INT64_MAX }, true, 0 },
	};
	struct journal_options o = kit_options();
	struct journal *j = kit_open(&o, NULL);
	struct journal_stats before, st;
	uint64_t n = 0;

	journal_stats(j, &st);
	while (st.segments < 3) {
		kit_append(j, "s", ++n, 1000);
		kit_wait(j, n);
		journal_stats(j, &st);
	}
	journal_retain(j, &rows[_i].r);
	if (rows[_i].shipped)
		journal_shipped(j, SLICE("s"), n);
	before = st;
	journal_expire(j, rows[_i].kept_until == 0 ? 10000000 :
	    rows[_i].kept_until - 1);
	journal_stats(j, &st);
	ck_assert_uint_eq(st.segments, before.segments);
	if (rows[_i].kept_until != 0) {
		journal_expire(j, rows[_i].kept_until);
		journal_stats(j, &st);
		ck_assert_uint_eq(st.segments, 1);
	}
	ck_assert_int_eq(journal_close(j), 0);
}
END_TEST

/* Quota: FULL when it is reached, never lost what was taken, goes on when the
 * shipped is freed, and files are used again rather than made. */
START_TEST(quota_and_recycling)
{
	struct journal_options o = kit_options();
	struct journal_stats st;
	enum journal_result r = JOURNAL_OK;
	struct journal_id id;
	struct journal *j;
	struct kit_event k;
	uint64_t n = 0;

	o.quota_bytes = 6 * o.segment_bytes;
	o.window_ms = 1;
	j = kit_open(&o, NULL);
	for (int round = 0; round < 3; round++) {
		for (int tries = 0; tries < 100000; tries++) {
			kit_event(&k, "s", n + 1);
			r = journal_append(j, &k.ev, 10, &id);
			if (r == JOURNAL_FULL)
				break;
			if (r == JOURNAL_OK)
				n++;
			else
				usleep(200);
			kit_commit(j);
		}
		ck_assert_int_eq(r, JOURNAL_FULL);
		ck_assert_int_eq(journal_state(j), JOURNAL_NO_SPACE);
		kit_wait(j, n);
		journal_stats(j, &st);
		ck_assert_uint_le(st.used_bytes, o.quota_bytes);
		ck_assert_uint_ge(st.segments, 5);
		ck_assert_uint_le(kit_count(".seg") + kit_count(".spare"), 6);
		/* not shipped: nothing goes */
		journal_expire(j, 100000);
		journal_stats(j, &st);
		ck_assert_uint_ge(st.segments, 5);
		/* shipped, but within the window: as much as makes room */
		journal_shipped(j, SLICE("s"), n);
		ck_assert(journal_pressed(j));
		journal_expire(j, 10);
		journal_stats(j, &st);
		ck_assert_uint_eq(st.segments, 3);
		ck_assert_uint_ge(st.early, 2);
		ck_assert(!journal_pressed(j));
		journal_expire(j, 10);
		journal_stats(j, &st);
		ck_assert_uint_eq(st.segments, 3);
		journal_expire(j, 100000);
		journal_stats(j, &st);
		ck_assert_uint_eq(st.segments, 1);
		for (int i = 0; i < 10000; i++) {
			r = journal_append(j, &k.ev, 10, &id);
			if (r == JOURNAL_OK)
				break;
			usleep(200);
		}
		ck_assert_int_eq(r, JOURNAL_OK);
		ck_assert_int_eq(journal_state(j), JOURNAL_WORKING);
		n++;
		ck_assert_uint_eq(id.seq, n);
	}
	journal_stats(j, &st);
	ck_assert_uint_ge(st.recycled, 8);
	ck_assert_uint_eq(st.full_times, 3);
	kit_wait(j, n);
	ck_assert_int_eq(journal_close(j), 0);
	/* the counter outlives the segments it was in */
	j = kit_open(&o, NULL);
	id = kit_append(j, "s", 1, 10);
	ck_assert_uint_eq(id.seq, n + 1);
	ck_assert_uint_eq(id.lsn, n + 1);
	journal_close(j);
}
END_TEST

/* A silent stream keeps its counter though all its events were freed; events
 * below what is kept show as a gap. */
START_TEST(counters_outlive_events)
{
	struct journal_options o = kit_options();
	struct journal_stream st;
	struct journal *j;
	struct journal_id id;
	uint64_t gap = 0;

	o.window_ms = 1;
	j = kit_open(&o, NULL);
	for (uint64_t n = 1; n <= 5; n++)
		kit_append(j, "quiet", n, 10);
	for (uint64_t n = 1; n <= 1500; n++)
		kit_append(j, "busy", n, 10);
	kit_wait(j, 1505);
	journal_shipped(j, SLICE("quiet"), UINT64_MAX);
	journal_shipped(j, SLICE("busy"), 1000);
	journal_expire(j, 100);
	ck_assert(journal_stream(j, SLICE("busy"), &st));
	ck_assert_uint_gt(st.first_seq, 500);
	ck_assert_uint_le(st.first_seq, 1001);
	ck_assert_uint_eq(st.last_seq, 1500);
	ck_assert_uint_eq(read_stream(j, "busy", 0, &gap), 1501 - st.first_seq);
	ck_assert_uint_eq(gap, st.first_seq - 1);
	ck_assert_int_eq(journal_close(j), 0);
	j = kit_open(&o, NULL);
	id = kit_append(j, "quiet", 6, 5);
	ck_assert_uint_eq(id.seq, 6);
	ck_assert_uint_eq(id.ms, 10);
	journal_close(j);
}
END_TEST

START_TEST(cover)
{
	struct journal_options o = kit_options();
	struct journal_stats st;
	struct buf snapshot = BUF_INIT(100);
	struct journal *j;

	o.window_ms = 1;
	o.wait_cover = true;
	j = kit_open(&o, NULL);
	for (uint64_t n = 1; n <= 1000; n++)
		kit_append(j, "s", n, 10);
	kit_wait(j, 1000);
	journal_shipped(j, SLICE("s"), 1000);
	journal_expire(j, 100);
	journal_stats(j, &st);
	ck_assert_uint_gt(st.segments, 2);
	buf_adds(&snapshot, "what was made of 1..1000");
	ck_assert(journal_save(j, "dedup", &snapshot, 1000));
	ck_assert_uint_eq(snapshot.len, 0);
	for (int i = 0; i < 10000 && st.segments > 1; i++) {
		usleep(200);
		journal_expire(j, 100);
		journal_stats(j, &st);
	}
	ck_assert_uint_eq(st.segments, 1);
	ck_assert_int_eq(kit_count("dedup"), 1);
	/* it never remembers what is not durable */
	kit_append(j, "s", 1001, 10);
	buf_adds(&snapshot, "and of 1001");
	ck_assert(journal_save(j, "later", &snapshot, 1001));
	ck_assert(!journal_save(j, "again", &snapshot, 1001));
	usleep(20000);
	ck_assert_int_eq(kit_count("later"), 0);
	kit_wait(j, 1001);
	for (int i = 0; i < 10000 && kit_count("later") == 0; i++)
		usleep(200);
	ck_assert_int_eq(kit_count("later"), 1);
	journal_close(j);
	buf_fini(&snapshot);
}
END_TEST

START_TEST(raise_stream)
{
	struct journal_options o = kit_options();
	struct journal *j = kit_open(&o, NULL);
	struct journal_report r;
	struct journal_id id;

	kit_append(j, "s", 1, 10);
	journal_raise(j, SLICE("s"), 500, 99);
	id = kit_append(j, "s", 2, 10);
	ck_assert_uint_eq(id.seq, 100);
	ck_assert_uint_eq(id.ms, 500);
	journal_raise(j, SLICE("t"), 5, 41);
	journal_raise(j, SLICE("s"), 1, 1);	/* never lowers */
	kit_wait(j, id.lsn);
	ck_assert_int_eq(journal_close(j), 0);
	j = kit_open(&o, &r);
	ck_assert_uint_eq(r.lost_events, 0);
	ck_assert_uint_eq(r.nlosses, 0);
	id = kit_append(j, "t", 1, 1);
	ck_assert_uint_eq(id.seq, 42);
	id = kit_append(j, "s", 1, 1);
	ck_assert_uint_eq(id.seq, 101);
	journal_report_fini(&r);
	journal_close(j);
}
END_TEST

/* ---- files that were tampered with ---- */

/* 1000 events in two streams, several segments, closed. */
static void
fill(uint64_t first, uint64_t last)
{
	struct journal_options o = kit_options();
	struct journal *j = kit_open(&o, NULL);

	for (uint64_t n = first; n <= last; n++)
		kit_append(j, n % 2 == 0 ? "even" : "odd", n, 10);
	kit_wait(j, last);
	ck_assert_int_eq(journal_close(j), 0);
}

static int
open_segment(uint64_t first_lsn)
{
	char path[512], name[JOURNAL_NAME];

	journal_name(name, first_lsn);
	snprintf(path, sizeof path, "%s/%s", kit_dir, name);
	return open(path, O_RDWR);
}

/* The first lsns of the segments there are, ascending. */
static size_t
segments(uint64_t *lsns, size_t max)
{
	struct dirent **names;
	int n = scandir(kit_dir, &names, NULL, alphasort);
	size_t count = 0;

	for (int i = 0; i < n; i++) {
		if (count < max && journal_name_parse(names[i]->d_name,
		    &lsns[count]))
			count++;
		free(names[i]);
	}
	free(names);
	return count;
}

static void
spoil(int fd, uint64_t offset)
{
	uint8_t c;

	ck_assert_int_eq(pread(fd, &c, 1, (off_t)offset), 1);
	c ^= 0x10;
	ck_assert_int_eq(pwrite(fd, &c, 1, (off_t)offset), 1);
}

/* Where event `lsn` stands, by walking. */
static uint64_t
place_of(int fd, uint64_t lsn, uint64_t *len)
{
	uint8_t head[JOURNAL_HEAD];
	uint64_t at = JOURNAL_PAGE;

	for (;;) {
		ck_assert_int_eq(pread(fd, head, sizeof head, (off_t)at),
		    JOURNAL_HEAD);
		*len = journal_pad(journal_get32(head));
		ck_assert_uint_ge(*len, JOURNAL_HEAD);
		if (head[52] == JOURNAL_EVENT && journal_get64(head + 16) == lsn)
			return at;
		at += *len;
	}
}

/* Sequences of both streams, and which n are missing. */
struct audit {
	uint64_t last[2], missing;
	uint64_t gaps;
};

static void
audit(struct journal *j, struct audit *a)
{
	struct buf window = BUF_INIT(8 << 20);
	struct journal_entry e[64];
	struct journal_cursor c;
	ssize_t n;

	*a = (struct audit){ .missing = 0 };
	journal_seek(j, &c, 0);
	while ((n = journal_read(j, &c, &window, e, 64)) > 0) {
		for (ssize_t i = 0; i < n; i++) {
			uint64_t k = kit_check(&e[i]);

			ck_assert_uint_gt(e[i].seq, a->last[k % 2]);
			a->missing += e[i].seq - a->last[k % 2] - 1;
			a->gaps += e[i].gap;
			a->last[k % 2] = e[i].seq;
		}
	}
	ck_assert_int_eq(n, 0);
	buf_fini(&window);
}

/* A bit flips in the middle of an acknowledged event: exactly that one is
 * lost, it is named, and the second opening finds nothing wrong. */
START_TEST(flipped_bit)
{
	struct journal_options o = kit_options();
	struct journal_report r;
	struct journal *j;
	struct journal_id id;
	struct audit a;
	uint64_t lsns[64], lsn, len, at;
	size_t nseg, which;
	int fd;

	fill(1, 1000);
	nseg = segments(lsns, 64);
	ck_assert_uint_gt(nseg, 3);
	/* loop: the first, a middle and the last segment; head and payload */
	which = _i / 2 == 0 ? 0 : _i / 2 == 1 ? nseg / 2 : nseg - 1;
	lsn = lsns[which] + 3;
	fd = open_segment(lsns[which]);
	at = place_of(fd, lsn, &len);
	spoil(fd, at + (_i % 2 == 0 ? 1 : len / 2));
	close(fd);

	/* looking does not touch */
	ck_assert_int_eq(journal_inspect(&o, &r), 0);
	ck_assert_uint_eq(r.lost_events, 1);
	ck_assert_uint_eq(r.quarantined, 1);
	journal_report_fini(&r);
	ck_assert_int_eq(kit_count(".bad"), 0);

	j = kit_open(&o, &r);
	ck_assert_uint_eq(r.lost_events, 1);
	ck_assert_uint_eq(r.events, 999);
	ck_assert_uint_eq(r.quarantined, 1);
	ck_assert_int_eq(kit_count(".bad"), 1);
	ck_assert_uint_eq(r.nlosses, 1);
	ck_assert_str_eq(r.losses[0].stream, lsn % 2 == 0 ? "even" : "odd");
	ck_assert_uint_eq(r.losses[0].from, (lsn + 1) / 2);
	ck_assert_uint_eq(r.losses[0].to, (lsn + 1) / 2);
	journal_report_fini(&r);
	audit(j, &a);
	ck_assert_uint_eq(a.missing, 1);
	ck_assert_uint_eq(a.last[0], 500);
	ck_assert_uint_eq(a.last[1], 500);
	id = kit_append(j, "odd", 1001, 10);
	ck_assert_uint_eq(id.seq, 501);
	ck_assert_uint_eq(id.lsn, 1001);
	kit_wait(j, 1001);
	ck_assert_int_eq(journal_close(j), 0);

	j = kit_open(&o, &r);
	ck_assert_uint_eq(r.lost_events, 0);
	ck_assert_uint_eq(r.nlosses, 0);
	ck_assert_uint_eq(r.quarantined, 0);
	ck_assert_uint_eq(r.events, 1000);
	audit(j, &a);
	ck_assert_uint_eq(a.missing, 1);
	journal_report_fini(&r);
	journal_close(j);
}
END_TEST

/* The very last event is damaged: only the mark behind it tells that it had
 * been acknowledged; no id is given out twice. */
START_TEST(last_event_damaged)
{
	struct journal_options o = kit_options();
	struct journal_report r;
	struct journal *j;
	struct journal_id id;
	uint64_t lsns[64], len, at;
	int fd;

	fill(1, 100);
	fd = open_segment(lsns[segments(lsns, 64) - 1]);
	at = place_of(fd, 100, &len);
	spoil(fd, at + JOURNAL_HEAD);
	close(fd);
	j = kit_open(&o, &r);
	ck_assert_uint_eq(r.lost_events, 1);
	ck_assert_uint_eq(r.nlosses, 1);
	ck_assert_str_eq(r.losses[0].stream, "");
	id = kit_append(j, "even", 102, 10);
	ck_assert_uint_eq(id.seq, 51);
	ck_assert_uint_eq(id.lsn, 101);
	kit_wait(j, 101);
	journal_report_fini(&r);
	journal_close(j);
}
END_TEST

/* The end was torn, and nobody had been told that it was safe. */
START_TEST(torn_end)
{
	struct journal_options o = kit_options();
	struct journal_report r;
	struct journal *j;
	struct journal_id id;
	uint64_t lsns[64], len, at;
	uint8_t zeros[200];
	int fd;

	fill(1, 100);
	fd = open_segment(lsns[segments(lsns, 64) - 1]);
	at = place_of(fd, 100, &len);
	memset(zeros, 0, sizeof zeros);
	/* the mark and half the last event never reached the disk */
	ck_assert_int_eq(pwrite(fd, zeros, JOURNAL_HEAD, (off_t)(at + len)),
	    JOURNAL_HEAD);
	ck_assert_int_eq(pwrite(fd, zeros, len / 2, (off_t)(at + len / 2)),
	    (ssize_t)(len / 2));
	close(fd);
	j = kit_open(&o, &r);
	ck_assert_uint_eq(r.lost_events, 0);
	ck_assert_uint_eq(r.events, 99);
	ck_assert_uint_gt(r.torn_bytes, 0);
	ck_assert_int_eq(kit_count(".bad"), 0);
	id = kit_append(j, "even", 100, 10);
	ck_assert_uint_eq(id.seq, 50);
	ck_assert_uint_eq(id.lsn, 100);
	kit_wait(j, 100);
	journal_report_fini(&r);
	ck_assert_int_eq(journal_close(j), 0);
	j = kit_open(&o, &r);
	ck_assert_uint_eq(r.events, 100);
	ck_assert_uint_eq(r.lost_events, 0);
	journal_report_fini(&r);
	journal_close(j);
}
END_TEST

/* Whole files: missing, without header, zeroed, cut short, twice. */
START_TEST(whole_files)
{
	struct journal_options o = kit_options();
	struct journal_report r;
	struct journal *j;
	struct audit a;
	uint64_t lsns[64], events;
	uint8_t page[JOURNAL_PAGE] = { 0 };
	char from[512], to[1200], name[JOURNAL_NAME];
	size_t nseg;
	int fd;

	fill(1, 1000);
	nseg = segments(lsns, 64);
	events = lsns[3] - lsns[2];
	journal_name(name, lsns[2]);
	snprintf(from, sizeof from, "%s/%s", kit_dir, name);
	fd = open_segment(lsns[2]);
	switch (_i) {
	case 0:			/* missing */
		unlink(from);
		break;
	case 1:			/* the header is gone: its copy helps */
		ck_assert_int_eq(pwrite(fd, page, sizeof page, 0), sizeof page);
		events = 0;
		break;
	case 2:			/* zeroed */
		for (off_t at = 0; at < 64 << 10; at += JOURNAL_PAGE)
			ck_assert_int_eq(pwrite(fd, page, sizeof page, at),
			    sizeof page);
		break;
	case 3:			/* cut short, behind the header */
		ck_assert_int_eq(ftruncate(fd, JOURNAL_PAGE), 0);
		break;
	case 4:			/* a copy under another name */
		snprintf(to, sizeof to, "cp %s %s/%016llx.seg", from, kit_dir,
		    (unsigned long long)(lsns[2] + 1));
		ck_assert_int_eq(system(to), 0);
		events = 0;
		break;
	case 5:			/* empty */
		ck_assert_int_eq(ftruncate(fd, 0), 0);
		break;
	}
	close(fd);
	j = kit_open(&o, &r);
	ck_assert_uint_eq(r.lost_events, events);
	ck_assert_uint_eq(r.events, 1000 - events);
	if (events > 0) {
		ck_assert_uint_eq(r.nlosses, 2);
		ck_assert_uint_eq(r.losses[0].to - r.losses[0].from + 1 +
		    r.losses[1].to - r.losses[1].from + 1, events);
	}
	ck_assert_int_eq(kit_count(".bad"), _i >= 1);
	audit(j, &a);
	ck_assert_uint_eq(a.missing, events);
	ck_assert_uint_eq(a.last[0], 500);
	ck_assert_uint_eq(a.last[1], 500);
	journal_report_fini(&r);
	ck_assert_int_eq(journal_close(j), 0);
	j = kit_open(&o, &r);	/* reported once */
	ck_assert_uint_eq(r.lost_events, 0);
	ck_assert_uint_eq(r.quarantined, 0);
	journal_report_fini(&r);
	journal_close(j);
	(void)nseg;
}
END_TEST

/* The newest file is unreadable: what was in it is unknown, so ids go on far
 * above. */
START_TEST(last_file_unreadable)
{
	struct journal_options o = kit_options();
	struct journal_report r;
	struct journal *j;
	struct journal_id id;
	uint64_t lsns[64];
	size_t nseg;
	int fd;

	fill(1, 1000);
	nseg = segments(lsns, 64);
	fd = open_segment(lsns[nseg - 1]);
	spoil(fd, 20);
	spoil(fd, (64 << 10) - JOURNAL_PAGE + 20);
	close(fd);
	for (int again = 0; again < 2; again++) {
		j = kit_open(&o, &r);
		ck_assert_uint_eq(r.quarantined, again == 0);
		if (again == 0)
			ck_assert_uint_ge(r.lost_events, 1001 - lsns[nseg - 1]);
		else
			ck_assert_uint_eq(r.lost_events, 0);
		journal_report_fini(&r);
		id = kit_append(j, "odd", 1001, 10);
		ck_assert_uint_gt(id.seq, 500);
		ck_assert_uint_gt(id.lsn, 1000);
		if (again == 0) {
			/* killed before anything was written: do not keep it */
			journal_close(j);
		} else {
			kit_wait(j, id.lsn);
			journal_close(j);
		}
	}
}
END_TEST

/* Bytes of an event that look like a record are none. */
START_TEST(forged_record)
{
	struct journal_options o = kit_options();
	struct journal_report r;
	struct journal *j = kit_open(&o, NULL);
	struct kit_event k;
	uint64_t lsns[4], len, at;
	uint8_t real[512], forged[2048];
	int fd;

	kit_append(j, "odd", 1, 10);
	kit_wait(j, 1);
	fd = open_segment(1);
	at = place_of(fd, 1, &len);
	ck_assert_int_eq(pread(fd, real, len, (off_t)at), (ssize_t)len);
	for (size_t i = 0; i + len <= sizeof forged; i += len)
		memcpy(forged + i, real, len);
	kit_event(&k, "odd", 2);
	k.pairs[1].value = slice_of((char *)forged, sizeof forged);
	kit_append_event(j, &k.ev, 10);
	kit_append(j, "odd", 3, 10);
	kit_wait(j, 3);
	journal_close(j);
	at = place_of(fd, 2, &len);
	spoil(fd, at + 16);
	close(fd);
	j = kit_open(&o, &r);
	ck_assert_uint_eq(r.events, 2);
	ck_assert_uint_eq(r.lost_events, 1);
	ck_assert_uint_eq(segments(lsns, 4), 1);
	journal_report_fini(&r);
	journal_close(j);
}
END_TEST

/* Damage while the journal is open: the reader passes over it and says so. */
START_TEST(damaged_while_open)
{
	struct journal_options o = kit_options();
	struct journal *j = kit_open(&o, NULL);
	struct journal_stats st;
	struct audit a;
	uint64_t len, at;
	int fd;

	for (uint64_t n = 1; n <= 100; n++)
		kit_append(j, n % 2 == 0 ? "even" : "odd", n, 10);
	kit_wait(j, 100);
	fd = open_segment(1);
	at = place_of(fd, 50, &len);
	spoil(fd, at + 60);
	close(fd);
	audit(j, &a);
	ck_assert_uint_eq(a.missing, 1);
	ck_assert_uint_eq(a.gaps, 1);
	journal_stats(j, &st);
	ck_assert_uint_eq(st.damaged_reads, 1);
	journal_close(j);
}
END_TEST

START_TEST(fields)
{
	struct pair p[2];

	ck_assert_uint_eq(journal_fields(SLICE("\1\1\2abc"), p, 2), 1);
	ck_assert(slice_eq(p[0].key, SLICE("a")));
	ck_assert(slice_eq(p[0].value, SLICE("bc")));
	ck_assert_uint_eq(journal_fields(SLICE("\2\1\1ab\0\0"), p, 1), 2);
	ck_assert_uint_eq(journal_fields(SLICE("\0"), p, 2), 0);
	ck_assert_uint_eq(journal_fields(SLICE(""), p, 2), SIZE_MAX);
	ck_assert_uint_eq(journal_fields(SLICE("\1\1\2ab"), p, 2), SIZE_MAX);
	ck_assert_uint_eq(journal_fields(SLICE("\1\1\1abc"), p, 2), SIZE_MAX);
	ck_assert_uint_eq(journal_fields(SLICE("\377\377\377\377\377\377\377"
	    "\377\377\1"), p, 2), SIZE_MAX);
	ck_assert_uint_eq(journal_fields(SLICE("\2\377\377\377\377\377\377\377"
	    "\377\377\1\1a"), p, 2), SIZE_MAX);
}
END_TEST

int
main(void)
{
	Suite *s = suite_create("journal");
	TCase *t = tcase_create("journal");
	SRunner *r;
	int failed;

	tcase_add_checked_fixture(t, setup, teardown);
	tcase_set_timeout(t, 60);
	tcase_add_test(t, empty);
	tcase_add_test(t, synced_here);
	tcase_add_test(t, append_read_reopen);
	tcase_add_test(t, follow);
	tcase_add_test(t, groups);
	tcase_add_test(t, refusals);
	tcase_add_test(t, sections);
	tcase_add_loop_test(t, retention, 0, 8);
	tcase_add_test(t, quota_and_recycling);
	tcase_add_test(t, counters_outlive_events);
	tcase_add_test(t, cover);
	tcase_add_test(t, raise_stream);
	tcase_add_loop_test(t, flipped_bit, 0, 6);
	tcase_add_test(t, last_event_damaged);
	tcase_add_test(t, torn_end);
	tcase_add_loop_test(t, whole_files, 0, 6);
	tcase_add_test(t, last_file_unreadable);
	tcase_add_test(t, forged_record);
	tcase_add_test(t, damaged_while_open);
	tcase_add_test(t, fields);
	suite_add_tcase(s, t);
	r = srunner_create(s);
	srunner_run_all(r, CK_NORMAL);
	failed = srunner_ntests_failed(r);
	srunner_free(r);
	return failed != 0;
}
