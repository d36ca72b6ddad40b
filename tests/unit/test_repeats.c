/* The memory of what senders may send again. */
#include "config.h"

#include <check.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "sink/repeats.h"

static char dir[64], path[96], log_path[96];

static void
setup(void)
{
	snprintf(dir, sizeof dir, "/tmp/millrace-repeats.XXXXXX");
	ck_assert_ptr_nonnull(mkdtemp(dir));
	snprintf(path, sizeof path, "%s/repeats", dir);
	snprintf(log_path, sizeof log_path, "%s/a.log", dir);
}

static void
teardown(void)
{
	unlink(path);
	unlink(log_path);
	rmdir(dir);
}

static struct repeat
line(uint64_t sender, uint64_t message, uint32_t connection, uint32_t end)
{
	return (struct repeat){ sender, message, connection, end };
}

static bool
has(struct repeats *r, uint64_t sender, uint64_t message, uint32_t connection)
{
	struct repeat m = line(sender, message, connection, 0);

	return repeats_has(r, &m);
}

static void
file_of(size_t n)
{
	int fd = open(log_path, O_WRONLY | O_CREAT | O_TRUNC, 0600);

	ck_assert_int_ne(fd, -1);
	ck_assert_int_eq(ftruncate(fd, (off_t)n), 0);
	close(fd);
}

START_TEST(another_connection_of_the_same_sender)
{
	struct repeats *r = repeats_open(NULL);
	struct repeat m = line(7, 100, 1, 0);

	ck_assert(!has(r, 7, 100, 2));
	repeats_note(r, &m);
	ck_assert(has(r, 7, 100, 2));
	ck_assert(!has(r, 7, 100, 1));	/* the same connection: another one */
	ck_assert(!has(r, 8, 100, 2));
	ck_assert(!has(r, 7, 101, 2));
	repeats_forget(r, 7, 1);
	ck_assert(!has(r, 7, 100, 2));
	repeats_forget(r, 99, 1);	/* nobody */
	repeats_close(r);
}
END_TEST

START_TEST(bounds)
{
	struct repeats *r = repeats_open(NULL);

	for (uint64_t i = 0; i <= REPEATS_SPAN; i++) {
		struct repeat m = line(1, 1000 + i, 1, 0);

		repeats_note(r, &m);
	}
	ck_assert(!has(r, 1, 1000, 2));		/* the oldest went */
	ck_assert(has(r, 1, 1001, 2));
	ck_assert(has(r, 1, 1000 + REPEATS_SPAN, 2));
	for (uint64_t s = 2; s <= REPEATS_SENDERS + 1; s++) {
		struct repeat m = line(s, 5, 1, 0);

		repeats_note(r, &m);
	}
	ck_assert(!has(r, 1, 1001, 2));		/* silent longest */
	ck_assert(has(r, 2, 5, 2));
	ck_assert(has(r, REPEATS_SENDERS + 1, 5, 2));
	repeats_close(r);
}
END_TEST

START_TEST(only_what_was_written_outlives_the_process)
{
	struct repeat v[] = { line(1, 10, 1, 5), line(1, 11, 1, 9) };
	struct repeat taken = line(1, 12, 1, 0);
	struct repeats *r = repeats_open(path);

	ck_assert_ptr_nonnull(r);
	repeats_begin(r, dir, "a.log", 0, v, 2);
	repeats_commit(r);
	repeats_begin(r, dir, "a.log", 9, &taken, 1);
	repeats_abort(r);
	repeats_note(r, &taken);
	repeats_close(r);
	r = repeats_open(path);
	ck_assert(has(r, 1, 10, 2));
	ck_assert(has(r, 1, 11, 2));
	ck_assert(!has(r, 1, 12, 2));
	repeats_close(r);
}
END_TEST

/* The process died in the write: as many lines were written as the file's
 * length says. */
START_TEST(died_in_the_write)
{
	static const struct { size_t size; bool a, b, c; } rows[] = {
		{ 100, false, false, false }, { 104, false, false, false },
		{ 105, true, false, false }, { 112, true, true, false },
		{ 114, true, true, false }, { 115, true, true, true },
		{ 4000, true, true, true }
	};
	size_t i = (size_t)_i;
	struct repeat v[] = {
		line(1, 1, 1, 5), line(1, 2, 1, 10), line(2, 3, 1, 15)
	};
	struct repeats *r = repeats_open(path);

	repeats_begin(r, dir, "a.log", 100, v, 3);
	repeats_close(r);
	file_of(rows[i].size);
	r = repeats_open(path);
	ck_assert_int_eq(has(r, 1, 1, 2), rows[i].a);
	ck_assert_int_eq(has(r, 1, 2, 2), rows[i].b);
	ck_assert_int_eq(has(r, 2, 3, 2), rows[i].c);
	repeats_close(r);
	/* and that is decided once */
	file_of(4000);
	r = repeats_open(path);
	ck_assert_int_eq(has(r, 2, 3, 2), rows[i].c);
	repeats_close(r);
}
END_TEST

START_TEST(another_boot_or_another_file)
{
	struct repeat m = line(1, 10, 1, 5);
	struct repeats *r = repeats_open(path);
	int fd;

	repeats_begin(r, dir, "a.log", 0, &m, 1);
	repeats_commit(r);
	repeats_close(r);
	fd = open(path, O_WRONLY);
	ck_assert_int_eq(pwrite(fd, "another-boot", 12, 16), 12);
	close(fd);
	r = repeats_open(path);
	ck_assert(!has(r, 1, 10, 2));
	repeats_close(r);
	fd = open(path, O_WRONLY | O_TRUNC);
	ck_assert_int_eq(write(fd, "rubbish", 7), 7);
	close(fd);
	r = repeats_open(path);
	ck_assert_ptr_nonnull(r);
	repeats_close(r);
	ck_assert_ptr_null(repeats_open("/nowhere/at/all"));
}
END_TEST

int
main(void)
{
	Suite *s = suite_create("repeats");
	TCase *t = tcase_create("repeats");
	SRunner *sr;
	int failed;

	tcase_add_checked_fixture(t, setup, teardown);
	tcase_add_test(t, another_connection_of_the_same_sender);
	tcase_add_test(t, bounds);
	tcase_add_test(t, only_what_was_written_outlives_the_process);
	tcase_add_loop_test(t, died_in_the_write, 0, 7);
	tcase_add_test(t, another_boot_or_another_file);
	suite_add_tcase(s, t);
	sr = srunner_create(s);
	srunner_run_all(sr, CK_NORMAL);
	failed = srunner_ntests_failed(sr);
	srunner_free(sr);
	return failed != 0;
}
