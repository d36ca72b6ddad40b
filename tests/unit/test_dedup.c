/* The dedup table: sequences, tokens, conflicts, bounds, snapshots, and a long
 * random run against one that forgets nothing. */
#include "config.h"

#include <check.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/crc32c.h"
#include "core/dedup.h"

#define DAY (86400 * INT64_C(1000))

static const struct event_hash one = { 1, 1 }, two = { 2, 2 };

static enum dedup_answer
ask(struct dedup *d, const char *pid, const char *iid, struct event_hash h,
    int64_t now, struct dedup_found *f)
{
	struct dedup_found own;

	return dedup_check(d, SLICE("s"), slice_str(pid), slice_str(iid), h,
	    now, f != NULL ? f : &own);
}

static void
add(struct dedup *d, const char *pid, const char *iid, struct event_hash h,
    uint64_t seq, int64_t now)
{
	dedup_add(d, SLICE("s"), slice_str(pid), slice_str(iid), h, 77, seq, now);
}

static void
add_number(struct dedup *d, const char *pid, uint64_t n, int64_t now)
{
	char iid[24];

	snprintf(iid, sizeof iid, "%llu", (unsigned long long)n);
	add(d, pid, iid, one, n + 1000, now);
}

static enum dedup_answer
ask_number(struct dedup *d, const char *pid, uint64_t n, struct dedup_found *f)
{
	char iid[24];

	snprintf(iid, sizeof iid, "%llu", (unsigned long long)n);
	return ask(d, pid, iid, one, 0, f);
}

START_TEST(original_id)
{
	static const char *const iids[] = { "1", "0", "18446744073709551614",
	    "18446744073709551615", "7:1", "007", "x", "a:b", "1:", ":1",
	    "5b7c1f9e-1111-2222-3333-444455556666" };
	struct dedup *d = dedup_new(NULL);
	struct dedup_found f;

	for (size_t i = 0; i < sizeof iids / sizeof iids[0]; i++) {
		ck_assert_int_eq(ask(d, "p", iids[i], one, 5, NULL), DEDUP_NEW);
		add(d, "p", iids[i], one, i + 1, 5);
	}
	for (size_t i = 0; i < sizeof iids / sizeof iids[0]; i++) {
		ck_assert_int_eq(ask(d, "p", iids[i], one, 5, &f), DEDUP_SEEN);
		ck_assert_uint_eq(f.ms, 77);
		ck_assert_uint_eq(f.seq, i + 1);
		ck_assert(f.exact);
		ck_assert_int_eq(ask(d, "p", iids[i], two, 5, &f),
		    DEDUP_CONFLICT);
		ck_assert_uint_eq(f.seq, i + 1);
		ck_assert_int_eq(ask(d, "q", iids[i], one, 5, NULL), DEDUP_NEW);
	}
	/* another stream, another epoch, and names that would run together */
	ck_assert_int_eq(dedup_check(d, SLICE("t"), SLICE("p"), SLICE("1"), one,
	    5, &f), DEDUP_NEW);
	ck_assert_int_eq(ask(d, "p", "8:1", one, 5, NULL), DEDUP_NEW);
	ck_assert_int_eq(dedup_check(d, SLICE("sp"), SLICE(""), SLICE("1"), one,
	    5, &f), DEDUP_NEW);
	ck_assert_int_eq(dedup_check(d, SLICE("s"), SLICE("p"), SLICE(""), one,
	    5, &f), DEDUP_NEW);
	dedup_free(d);
}
END_TEST

/* The first one wins, also when it is added again. */
START_TEST(first_wins)
{
	struct dedup *d = dedup_new(NULL);
	struct dedup_found f;

	add(d, "p", "a", one, 1, 5);
	add(d, "p", "a", two, 2, 6);
	ck_assert_int_eq(ask(d, "p", "a", one, 5, &f), DEDUP_SEEN);
	ck_assert_uint_eq(f.seq, 1);
	dedup_free(d);
}
END_TEST

/* 100,000 in order: all are known, the last 10,000 with their ids. */
START_TEST(long_sequence)
{
	struct dedup *d = dedup_new(NULL);
	struct dedup_stats st;
	struct dedup_found f;
	uint64_t last;

	for (uint64_t n = 1; n <= 100000; n++) {
		ck_assert_int_eq(ask_number(d, "p", n, NULL), DEDUP_NEW);
		add_number(d, "p", n, 0);
	}
	for (uint64_t n = 1; n <= 100000; n += 7) {
		ck_assert_int_eq(ask_number(d, "p", n, &f), DEDUP_SEEN);
		ck_assert_int_eq(f.exact, n > 90000);
		ck_assert_uint_eq(f.seq, n > 90000 ? n + 1000 : 91001);
	}
	ck_assert_int_eq(ask_number(d, "p", 0, NULL), DEDUP_NEW);
	ck_assert_int_eq(ask_number(d, "p", 100001, NULL), DEDUP_NEW);
	ck_assert(dedup_last(d, SLICE("s"), SLICE("p"), &last));
	ck_assert_uint_eq(last, 100000);
	ck_assert(!dedup_last(d, SLICE("s"), SLICE("q"), &last));
	dedup_stats(d, &st);
	ck_assert_uint_eq(st.producers, 1);
	ck_assert_uint_eq(st.tokens, 10000);
	ck_assert_uint_lt(st.bytes, 1 << 20);
	dedup_free(d);
}
END_TEST

/* Out of order within the window, with holes: exact, and the holes are new. */
START_TEST(holes)
{
	struct dedup_options o = { .opaque_max = 16 };
	struct dedup *d = dedup_new(&o);
	uint64_t last;

	add_number(d, "p", 10, 0);
	for (uint64_t n = 9; n >= 5; n--)	/* a pipeline, reversed */
		add_number(d, "p", n, 0);
	for (uint64_t n = 11; n < 3000; n++)
		if (n % 5 != 0)
			add_number(d, "p", n, 0);
	for (uint64_t n = 5; n < 3000; n++)
		ck_assert_int_eq(ask_number(d, "p", n, NULL),
		    n <= 10 || n % 5 != 0 ? DEDUP_SEEN : DEDUP_NEW);
	ck_assert(dedup_last(d, SLICE("s"), SLICE("p"), &last));
	ck_assert_uint_eq(last, 14);
	for (uint64_t n = 15; n < 3000; n += 5)
		add_number(d, "p", n, 0);
	ck_assert(dedup_last(d, SLICE("s"), SLICE("p"), &last));
	ck_assert_uint_eq(last, 2999);
	ck_assert_int_eq(ask_number(d, "p", 4, NULL), DEDUP_NEW);
	dedup_free(d);
}
END_TEST

/* Numbers that are no sequence (snowflakes, random): none is mistaken for one
 * that was seen, and the last ones are known. */
START_TEST(scattered_numbers)
{
	struct dedup *d = dedup_new(NULL);
	uint64_t x = 88172645463325252u, all[20000];

	for (int i = 0; i < 20000; i++) {
		x ^= x << 13;
		x ^= x >> 7;
		x ^= x << 17;
		all[i] = x >> 1;
		ck_assert_int_eq(ask_number(d, "p", all[i], NULL), DEDUP_NEW);
		add_number(d, "p", all[i], 0);
	}
	for (int i = 10000; i < 20000; i++)
		ck_assert_int_eq(ask_number(d, "p", all[i], NULL), DEDUP_SEEN);
	dedup_free(d);
}
END_TEST

/* A counter that jumps ahead goes on as a sequence from there. */
START_TEST(jump)
{
	struct dedup_options o = { .opaque_max = 16 };
	struct dedup *d = dedup_new(&o);

	for (uint64_t n = 1; n <= 100; n++)
		add_number(d, "p", n, 0);
	for (uint64_t n = 1000000; n < 1010000; n++) {
		ck_assert_int_eq(ask_number(d, "p", n, NULL), DEDUP_NEW);
		add_number(d, "p", n, 0);
	}
	ck_assert_int_eq(ask_number(d, "p", 1000000, NULL), DEDUP_SEEN);
	ck_assert_int_eq(ask_number(d, "p", 500000, NULL), DEDUP_NEW);
	/* near the end of numbers nothing wraps */
	add_number(d, "p", UINT64_MAX - 1, 0);
	ck_assert_int_eq(ask_number(d, "p", UINT64_MAX - 1, NULL), DEDUP_SEEN);
	ck_assert_int_eq(ask_number(d, "p", UINT64_MAX - 2, NULL), DEDUP_NEW);
	dedup_free(d);
}
END_TEST

START_TEST(ages)
{
	struct dedup *d = dedup_new(NULL);
	struct dedup_stats st;

	add(d, "p", "a", one, 1, 1000);
	add(d, "p", "17", one, 2, 1000);
	ck_assert_int_eq(ask(d, "p", "a", one, 1000 + DAY, NULL), DEDUP_SEEN);
	ck_assert_int_eq(ask(d, "p", "a", one, 1001 + DAY, NULL), DEDUP_NEW);
	ck_assert_int_eq(ask(d, "p", "17", one, 1001 + DAY, NULL), DEDUP_SEEN);
	/* the clock may stand still or go back */
	add(d, "p", "b", one, 3, 500);
	ck_assert_int_eq(ask(d, "p", "b", one, 400, NULL), DEDUP_SEEN);
	dedup_expire(d, 1001 + 8 * DAY);
	dedup_stats(d, &st);
	ck_assert_uint_eq(st.producers, 1);
	dedup_expire(d, 1002 + 8 * DAY);
	dedup_stats(d, &st);
	ck_assert_uint_eq(st.producers, 0);
	ck_assert_uint_eq(st.tokens, 0);
	ck_assert_uint_eq(st.bytes, 0);
	dedup_free(d);
}
END_TEST

/* Many producers in little memory: never more than the limit, the ones in use
 * last are exact, idle ones keep their numbers for longer than their tokens. */
START_TEST(bounded)
{
	struct dedup_options o = { .max_bytes = 200000 };
	struct dedup *d = dedup_new(&o);
	struct dedup_stats st;
	char pid[16];

	for (int p = 0; p < 3000; p++) {
		snprintf(pid, sizeof pid, "p%d", p);
		for (uint64_t n = 1; n <= 20; n++)
			add_number(d, pid, n, 0);
		dedup_stats(d, &st);
		ck_assert_uint_le(st.bytes, o.max_bytes);
	}
	ck_assert_uint_gt(st.trimmed, 0);
	ck_assert_uint_gt(st.evicted, 0);
	ck_assert_uint_eq(st.refused, 0);
	for (uint64_t n = 1; n <= 20; n++)
		ck_assert_int_eq(ask_number(d, "p2999", n, NULL), DEDUP_SEEN);
	ck_assert_int_eq(ask_number(d, "p2900", 20, NULL), DEDUP_SEEN);
	ck_assert_int_eq(ask_number(d, "p0", 20, NULL), DEDUP_NEW);
	dedup_free(d);
}
END_TEST

/* Producers that are all busy share the memory; none loses what it just sent
 * to another one's growth, and a silent one makes way. */
START_TEST(busy_share)
{
	struct dedup_options o = { .max_bytes = 300000 };
	struct dedup *d = dedup_new(&o);
	struct dedup_stats st;
	char pid[16], iid[32];

	add(d, "silent", "a", one, 1, 0);
	for (int n = 1; n <= 2000; n++)
		for (int p = 0; p < 8; p++) {
			snprintf(pid, sizeof pid, "p%d", p);
			snprintf(iid, sizeof iid, "token-%d", n);
			add(d, pid, iid, one, (uint64_t)n, 100000 + n);
		}
	for (int p = 0; p < 8; p++)
		for (int n = 1900; n <= 2000; n++) {
			snprintf(pid, sizeof pid, "p%d", p);
			snprintf(iid, sizeof iid, "token-%d", n);
			ck_assert_int_eq(ask(d, pid, iid, one, 102000, NULL),
			    DEDUP_SEEN);
		}
	dedup_stats(d, &st);
	ck_assert_uint_le(st.bytes, o.max_bytes);
	ck_assert_uint_eq(st.evicted, 1);
	ck_assert_int_eq(ask(d, "silent", "a", one, 102000, NULL), DEDUP_NEW);
	dedup_free(d);
}
END_TEST

/* A snapshot whose checksum is right and whose time of last activity is not. */
START_TEST(snapshot_of_no_time)
{
	struct dedup *d = dedup_new(NULL), *e = dedup_new(NULL);
	struct buf b = BUF_INIT(1 << 20);
	const int64_t before_time = INT64_MIN;
	struct dedup_stats st;
	uint64_t lsn = 0;
	uint32_t crc;
	size_t i;

	add(d, "p", "uuid", two, 9, INT64_C(0x1122334455667788));
	ck_assert(dedup_encode(d, 1, &b));
	for (i = 0; memcmp(b.data + i,
	    "\x88\x77\x66\x55\x44\x33\x22\x11", 8) != 0; i++)
		ck_assert_uint_lt(i, b.len - 8);
	memcpy(b.data + i, &before_time, sizeof before_time);
	crc = crc32c(0, b.data, b.len - sizeof crc);
	memcpy(b.data + b.len - sizeof crc, &crc, sizeof crc);
	ck_assert(!dedup_decode(e, buf_slice(&b), &lsn));
	dedup_stats(e, &st);
	ck_assert_uint_eq(st.producers, 0);
	buf_fini(&b);
	dedup_free(d);
	dedup_free(e);
}
END_TEST

/* One with a token above the highest number: it would never be looked for. */
START_TEST(snapshot_above_itself)
{
	struct dedup *d = dedup_new(NULL), *e = dedup_new(NULL);
	struct buf b = BUF_INIT(1 << 20);
	uint64_t lsn = 0, number = 7;
	uint32_t crc;
	char *last;

	add(d, "p", "7", two, 9, 1000);
	ck_assert(dedup_encode(d, 1, &b));
	ck_assert(dedup_decode(e, buf_slice(&b), &lsn));
	dedup_free(e);
	e = dedup_new(NULL);
	last = b.data + b.len - sizeof crc - sizeof number;
	ck_assert_mem_eq(last, &number, sizeof number);
	number++;
	memcpy(last, &number, sizeof number);
	crc = crc32c(0, b.data, b.len - sizeof crc);
	memcpy(b.data + b.len - sizeof crc, &crc, sizeof crc);
	ck_assert(!dedup_decode(e, buf_slice(&b), &lsn));
	buf_fini(&b);
	dedup_free(d);
	dedup_free(e);
}
END_TEST

START_TEST(snapshot)
{
	struct dedup *d = dedup_new(NULL), *e = dedup_new(NULL);
	struct buf b = BUF_INIT(1 << 24), tiny = BUF_INIT(100);
	struct dedup_found f;
	uint64_t lsn = 0, last;
	struct dedup_stats st;

	for (uint64_t n = 1; n <= 30000; n++)
		if (n % 100 != 0)
			add_number(d, "p", n, 5);
	add(d, "q", "uuid", two, 9, 6);
	ck_assert(dedup_encode(d, 4711, &b));
	ck_assert(!dedup_encode(d, 4711, &tiny));
	ck_assert_uint_eq(tiny.len, 0);
	ck_assert(dedup_decode(e, buf_slice(&b), &lsn));
	ck_assert_uint_eq(lsn, 4711);
	ck_assert_int_eq(ask(e, "q", "uuid", two, 6, &f), DEDUP_SEEN);
	ck_assert_uint_eq(f.seq, 9);
	ck_assert_int_eq(ask(e, "q", "uuid", one, 6, &f), DEDUP_CONFLICT);
	for (uint64_t n = 1; n <= 30001; n += 1)
		ck_assert_int_eq(ask_number(e, "p", n, &f),
		    ask_number(d, "p", n, NULL));
	dedup_last(d, SLICE("s"), SLICE("p"), &last);
	ck_assert_uint_eq(last, 99);
	/* every damaged byte is noticed, and leaves nothing behind */
	for (size_t i = 0; i < b.len; i += 997) {
		struct dedup *g = dedup_new(NULL);

		b.data[i] = (char)(b.data[i] ^ 4);
		ck_assert(!dedup_decode(g, buf_slice(&b), &lsn));
		b.data[i] = (char)(b.data[i] ^ 4);
		ck_assert(!dedup_decode(g, slice_upto(buf_slice(&b), i), &lsn));
		dedup_stats(g, &st);
		ck_assert_uint_eq(st.producers, 0);
		ck_assert_uint_eq(st.bytes, 0);
		dedup_free(g);
	}
	buf_fini(&b);
	buf_fini(&tiny);
	dedup_free(d);
	dedup_free(e);
}
END_TEST

/* Producers as they are: counters with windows in flight, re-sent after broken
 * connections, in any order within the window; each event stored once, and
 * every answer the first id. */
START_TEST(producers_as_they_are)
{
	enum { PIDS = 5, EVENTS = 6000 };
	static uint64_t ids[PIDS][EVENTS];
	struct dedup_options o = { .max_bytes = 1 << 20, .opaque_max = 2000 };
	struct dedup *d = dedup_new(&o);
	uint64_t seq = 0, x = 12345;
	char pid[8], iid[40];

	memset(ids, 0, sizeof ids);
	for (int base = 0; base < EVENTS; base += 500) {
		for (int k = 0; k < 4000; k++) {
			struct dedup_found f;
			enum dedup_answer a;
			int p, n;

			x = x * 6364136223846793005u + 1442695040888963407u;
			p = (int)(x >> 33) % PIDS;
			n = base - 500 + (int)((x >> 40) % 1000);
			if (n < 0 || n >= EVENTS)
				continue;
			snprintf(pid, sizeof pid, "p%d", p);
			snprintf(iid, sizeof iid, p == 0 ? "u-%d" : p == 1 ?
			    "9:%d" : "%d", n);
			a = ask(d, pid, iid, one, 1, &f);
			if (ids[p][n] == 0) {
				ck_assert_int_eq(a, DEDUP_NEW);
				add(d, pid, iid, one, ++seq, 1);
				ids[p][n] = seq;
			} else {
				ck_assert_int_eq(a, DEDUP_SEEN);
				ck_assert_uint_eq(f.seq, ids[p][n]);
			}
		}
	}
	ck_assert_uint_gt(seq, 10000);
	dedup_free(d);
}
END_TEST

int
main(void)
{
	Suite *s = suite_create("dedup");
	TCase *t = tcase_create("dedup");
	SRunner *r;
	int failed;

	tcase_set_timeout(t, 60);
	tcase_add_test(t, original_id);
	tcase_add_test(t, first_wins);
	tcase_add_test(t, long_sequence);
	tcase_add_test(t, holes);
	tcase_add_test(t, scattered_numbers);
	tcase_add_test(t, jump);
	tcase_add_test(t, ages);
	tcase_add_test(t, bounded);
	tcase_add_test(t, busy_share);
	tcase_add_test(t, snapshot);
	tcase_add_test(t, snapshot_of_no_time);
	tcase_add_test(t, snapshot_above_itself);
	tcase_add_test(t, producers_as_they_are);
	suite_add_tcase(s, t);
	r = srunner_create(s);
	srunner_run_all(r, CK_NORMAL);
	failed = srunner_ntests_failed(r);
	srunner_free(r);
	return failed != 0;
}
