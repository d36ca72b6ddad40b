/* test_spool.c - batches that wait on disk come back, whatever happened. */
#include "config.h"

#include <check.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

#include "sink/spool.h"

static char dir[64], inside[96];

static void
setup(void)
{
	snprintf(dir, sizeof dir, "/tmp/millrace-spool.XXXXXX");
	ck_assert_ptr_nonnull(mkdtemp(dir));
	snprintf(inside, sizeof inside, "%s/spool/one", dir);
}

static void
teardown(void)
{
	char command[128];

	snprintf(command, sizeof command, "rm -rf %s", dir);
	ck_assert_int_eq(system(command), 0);
}

/* One line "x<number>", padded to `len` bytes. */
static struct lines_batch *
batch(unsigned number, size_t len)
{
	struct lines_batch *b = lines_batch_new(0, len);

	memset(b->data, '.', len);
	snprintf(b->data, len, "x%u", number);
	b->data[len - 1] = '\n';
	b->len = len;
	b->lines = 1;
	b->counts.n[RECORD_METRIC][SOURCE_GRAPHITE] = 1;
	return b;
}

static bool
put(struct spool *s, unsigned number, size_t len, struct spool_counts *lost)
{
	struct lines_batch *b = batch(number, len);
	bool ok = spool_put(s, b, lost);

	free(b);
	return ok;
}

/* The number of the next batch, or -1. */
static int
take(struct spool *s, struct spool_counts *lost)
{
	struct lines_batch *b = spool_take(s, 0, lost);
	int n;

	if (b == NULL)
		return -1;
	n = atoi(b->data + 1);
	ck_assert(b->stored);
	free(b);
	return n;
}

static struct spool *
open_it(uint64_t max, uint64_t lines)
{
	struct spool_counts found;
	struct spool *s = spool_open(inside, max, &found);

	ck_assert_ptr_nonnull(s);
	ck_assert_uint_eq(found.lines, lines);
	ck_assert_uint_eq(found.n[SOURCE_INTERNAL], lines);
	return s;
}

START_TEST(in_order_and_gone_when_done)
{
	struct spool_counts lost = { 0 };
	struct spool *s = open_it(1 << 20, 0);

	for (unsigned i = 0; i < 100; i++)
		ck_assert(put(s, i, 5000, &lost));
	for (int i = 0; i < 100; i++) {
		ck_assert_int_eq(take(s, &lost), i);
		spool_done(s);
	}
	ck_assert_int_eq(take(s, &lost), -1);
	ck_assert_uint_eq(spool_bytes(s), 0);
	ck_assert_uint_eq(lost.lines, 0);
	spool_close(s);
	spool_close(open_it(1 << 20, 0));
}
END_TEST

START_TEST(what_is_out_comes_again_after_a_rewind)
{
	struct spool_counts lost = { 0 };
	struct spool *s = open_it(1 << 20, 0);

	for (unsigned i = 0; i < 50; i++)
		put(s, i, 5000, &lost);
	for (int i = 0; i < 30; i++)
		ck_assert_int_eq(take(s, &lost), i);
	for (int i = 0; i < 20; i++)
		spool_done(s);
	spool_rewind(s);
	for (int i = 20; i < 50; i++)
		ck_assert_int_eq(take(s, &lost), i);
	spool_close(s);
}
END_TEST

START_TEST(the_next_process_finds_what_was_not_done)
{
	struct spool_counts lost = { 0 };
	struct spool *s = open_it(1 << 20, 0);

	for (unsigned i = 0; i < 50; i++)
		put(s, i, 5000, &lost);
	for (int i = 0; i < 30; i++)
		take(s, &lost);
	for (int i = 0; i < 20; i++)
		spool_done(s);
	spool_close(s);
	s = open_it(1 << 20, 30);
	ck_assert_int_eq(take(s, &lost), 20);
	spool_rewind(s);
	put(s, 50, 100, &lost);
	for (int i = 20; i <= 50; i++) {
		ck_assert_int_eq(take(s, &lost), i);
		spool_done(s);
	}
	ck_assert_int_eq(take(s, &lost), -1);
	spool_close(s);
}
END_TEST

START_TEST(a_front_goes_first_also_after_a_restart)
{
	struct spool_counts lost = { 0 };
	struct spool *s = open_it(1 << 20, 0);
	struct lines_batch *a = batch(1, 100), *b = batch(2, 100);

	put(s, 3, 100, &lost);
	put(s, 4, 100, &lost);
	a->letter.next = &b->letter;
	ck_assert(spool_put_front(s, a));
	ck_assert_int_eq(take(s, &lost), 1);
	spool_rewind(s);
	spool_close(s);
	s = open_it(1 << 20, 4);
	for (int i = 1; i <= 4; i++)
		ck_assert_int_eq(take(s, &lost), i);
	spool_close(s);
	free(a);
	free(b);
}
END_TEST

/* A process that dies remembers an older place: the number of a file is never
 * used twice, so that the place cannot be one in another file. */
START_TEST(an_old_cursor_does_not_hide_new_batches)
{
	struct spool_counts lost = { 0 };
	struct spool *s = open_it(1 << 20, 0);
	char command[256];

	put(s, 1, 100, &lost);
	put(s, 2, 100, &lost);
	take(s, &lost);
	spool_done(s);
	spool_tick(s);
	snprintf(command, sizeof command, "cp %s/cursor %s/kept", inside, dir);
	ck_assert_int_eq(system(command), 0);
	take(s, &lost);
	spool_done(s);		/* the file is gone */
	put(s, 3, 100, &lost);
	spool_close(s);
	snprintf(command, sizeof command, "cp %s/kept %s/cursor", dir, inside);
	ck_assert_int_eq(system(command), 0);
	s = open_it(1 << 20, 1);
	ck_assert_int_eq(take(s, &lost), 3);
	spool_close(s);
}
END_TEST

START_TEST(the_oldest_make_room_and_are_counted)
{
	struct spool_counts lost = { 0 };
	struct spool *s = open_it(1 << 20, 0);
	unsigned got = 0;
	int n, last = -1;

	for (unsigned i = 0; i < 500; i++)
		ck_assert(put(s, i, 5000, &lost));
	ck_assert_uint_le(spool_bytes(s), 1 << 20);
	ck_assert_uint_gt(lost.lines, 250);
	ck_assert_uint_eq(lost.n[SOURCE_GRAPHITE], lost.lines);
	while ((n = take(s, &lost)) != -1) {
		ck_assert_int_gt(n, last);
		last = n;
		got++;
	}
	ck_assert_int_eq(last, 499);
	ck_assert_uint_eq(got + lost.lines, 500);
	spool_close(s);
}
END_TEST

static int
open_file(int flags)
{
	char path[128];

	snprintf(path, sizeof path, "%s/0000000100000000.spool", inside);
	return open(path, flags);
}

START_TEST(half_a_batch_at_the_end_is_cut)
{
	struct spool_counts lost = { 0 };
	int fd;

	for (int cut = 1; cut < 4900; cut += 700) {
		struct spool *s;

		teardown();
		setup();
		s = open_it(1 << 20, 0);
		put(s, 1, 5000, &lost);
		put(s, 2, 5000, &lost);
		spool_close(s);
		fd = open_file(O_RDWR);
		ck_assert_int_eq(ftruncate(fd, lseek(fd, 0, SEEK_END) - cut), 0);
		close(fd);
		s = open_it(1 << 20, 1);
		put(s, 3, 100, &lost);
		ck_assert_int_eq(take(s, &lost), 1);
		ck_assert_int_eq(take(s, &lost), 3);
		spool_close(s);
	}
}
END_TEST

START_TEST(a_damaged_batch_is_left_out_and_counted)
{
	struct spool_counts lost = { 0 };
	struct spool *s = open_it(1 << 20, 0);
	int fd;

	for (unsigned i = 0; i < 3; i++)
		put(s, i, 5000, &lost);
	fd = open_file(O_RDWR);
	ck_assert_int_eq(pwrite(fd, "!", 1, 7000), 1);
	close(fd);
	ck_assert_int_eq(take(s, &lost), 0);
	ck_assert_int_eq(take(s, &lost), 2);
	ck_assert_uint_eq(lost.lines, 1);
	spool_done(s);
	spool_done(s);
	ck_assert_uint_eq(spool_bytes(s), 0);
	spool_close(s);
}
END_TEST

START_TEST(a_damaged_head_ends_the_file_and_is_counted)
{
	struct spool_counts lost = { 0 };
	struct spool *s = open_it(1 << 20, 0);
	int fd;

	for (unsigned i = 0; i < 5; i++)
		put(s, i, 5000, &lost);
	fd = open_file(O_RDWR);
	ck_assert_int_eq(pwrite(fd, "!", 1, 5070), 1);
	close(fd);
	ck_assert_int_eq(take(s, &lost), 0);
	ck_assert_int_eq(take(s, &lost), -1);
	ck_assert_uint_eq(lost.lines, 4);
	spool_close(s);
}
END_TEST

int
main(void)
{
	Suite *suite = suite_create("spool");
	TCase *t = tcase_create("spool");
	SRunner *r;
	int failed;

	tcase_add_checked_fixture(t, setup, teardown);
	tcase_add_test(t, in_order_and_gone_when_done);
	tcase_add_test(t, what_is_out_comes_again_after_a_rewind);
	tcase_add_test(t, the_next_process_finds_what_was_not_done);
	tcase_add_test(t, a_front_goes_first_also_after_a_restart);
	tcase_add_test(t, an_old_cursor_does_not_hide_new_batches);
	tcase_add_test(t, the_oldest_make_room_and_are_counted);
	tcase_add_test(t, half_a_batch_at_the_end_is_cut);
	tcase_add_test(t, a_damaged_batch_is_left_out_and_counted);
	tcase_add_test(t, a_damaged_head_ends_the_file_and_is_counted);
	suite_add_tcase(suite, t);
	r = srunner_create(suite);
	srunner_run_all(r, CK_NORMAL);
	failed = srunner_ntests_failed(r);
	srunner_free(r);
	return failed != 0;
}
