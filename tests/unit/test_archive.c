/* Archives: gathering, rotation, packing, keeping, and what a crash leaves. */
#include "config.h"

#include <check.h>
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/clock.h"
#include "proto/segment.h"
#include "sink/archive.h"
#include "sink/archive_names.h"
#include "sink/closer.h"

static char dir[64];
static struct conf_archive conf;
static const int64_t t0 = 1750000000 * NS_PER_S;

static void
setup(void)
{
	snprintf(dir, sizeof dir, "/tmp/millrace-archive.XXXXXX");
	ck_assert_ptr_nonnull(mkdtemp(dir));
	conf = (struct conf_archive){ .name = "logs", .dir = dir,
	    .file = "{host}/{app}.log", .format = "syslog", .level = 1,
	    .flush_bytes = 65536, .flush_ms = 1000, .max_open = 4 };
}

static int __attribute__((format(printf, 1, 2)))
shell(const char *fmt, ...)
{
	char line[1024] = "cd ";
	va_list ap;
	size_t n;

	n = (size_t)snprintf(line, sizeof line, "cd %s && ", dir);
	va_start(ap, fmt);
	vsnprintf(line + n, sizeof line - n, fmt, ap);
	va_end(ap);
	return system(line);
}

static void
teardown(void)
{
	shell("cd / && rm -rf %s", dir);
}

static void
add(struct archive *a, const char *path, const char *text, int64_t now)
{
	static uint64_t seq;

	ck_assert_int_eq(archive_add(a, slice_str(path), slice_str(text), 1,
	    now, ++seq), 0);
}

/* Wait for what another thread does. */
#define EVENTUALLY(cond) do { \
	int tries_ = 0; \
	while (!(cond)) { \
		ck_assert_msg(++tries_ < 500, "never: " #cond); \
		usleep(10000); \
	} \
} while (0)

START_TEST(many_files_few_open)
{
	struct archive *a = archive_new(&conf, t0);
	struct archive_stats s;
	char path[32];

	for (int i = 0; i < 20000; i++) {
		snprintf(path, sizeof path, "h%d/a.log", i % 100);
		add(a, path, "x\n", t0);
	}
	archive_stats(a, &s);
	ck_assert_uint_eq(s.opened, 0);
	ck_assert_uint_eq(s.waiting_bytes, 40000);
	ck_assert_int_eq(archive_write(a, false, t0 + NS_PER_S / 2), 0);
	ck_assert(archive_waits_for(a) != UINT64_MAX);
	ck_assert_int_eq(archive_write(a, false, t0 + NS_PER_S), 0);
	ck_assert(archive_waits_for(a) == UINT64_MAX);
	ck_assert_int_eq(archive_sync(a), 0);
	archive_stats(a, &s);
	ck_assert_uint_eq(s.opened, 100);
	ck_assert_uint_eq(s.open_files, 4);
	ck_assert_int_eq(shell("test $(cat */a.log | wc -l) = 20000"), 0);
	archive_free(a);
}
END_TEST

START_TEST(rotates_by_age_and_packs)
{
	struct archive *a;
	struct archive_stats s;

	conf.rotate_ms = 3600000;
	conf.zstd = true;
	a = archive_new(&conf, t0);
	for (int i = 0; i < 30000; i++) {
		char line[128];

		snprintf(line, sizeof line, "2025-06-15T15:06:40.%06dZ h a[1]: "
		    "message number %d\n", i, i * 7919);
		add(a, "h/a.log", line, t0);
	}
	ck_assert_int_eq(archive_write(a, true, t0), 0);
	ck_assert_int_eq(shell("cp h/a.log want"), 0);
	archive_tick(a, t0 + 3599 * NS_PER_S);
	ck_assert_int_eq(shell("test -e h/a.log"), 0);
	archive_tick(a, t0 + 3600 * NS_PER_S);
	ck_assert_int_ne(shell("test -e h/a.log"), 0);
	add(a, "h/a.log", "new\n", t0 + 3601 * NS_PER_S);
	ck_assert_int_eq(archive_write(a, true, t0), 0);
	EVENTUALLY((archive_stats(a, &s), s.compressed == 1));
	ck_assert_int_eq(shell("ls h >list; printf '%%s\\n' a.log "
	    "a@20250615T150640Z.log.zst | LC_ALL=C sort >wl; LC_ALL=C sort list | cmp - wl"), 0);
	ck_assert_int_eq(shell("zstd -q -t h/*.zst && zstdcat h/*.zst | cmp - want"), 0);
	/* the second of the same second has another name */
	add(a, "h/b.log", "b\n", t0);
	ck_assert_int_eq(archive_write(a, true, t0), 0);
	archive_tick(a, t0 + 3600 * NS_PER_S);
	add(a, "h/b.log", "b\n", t0);
	ck_assert_int_eq(archive_write(a, true, t0), 0);
	archive_tick(a, t0 + 7201 * NS_PER_S);
	EVENTUALLY((archive_stats(a, &s), s.compressed == 4));
	ck_assert_int_eq(shell("test -e h/b@20250615T150640Z.log.zst -a "
	    "-e h/b@20250615T150640Z-2.log.zst"), 0);
	archive_free(a);
}
END_TEST

START_TEST(rotates_by_size)
{
	struct archive *a;

	conf.rotate_size = 100;
	a = archive_new(&conf, t0);
	for (int i = 0; i < 100; i++) {
		add(a, "h/a.log", "0123456789012345678901234567890123456789\n",
		    t0 + i * NS_PER_S);
		archive_write(a, false, t0 + (i + 1) * NS_PER_S);
	}
	ck_assert_int_eq(shell("test $(ls h/a@* | wc -l) = 33 && test "
	    "$(cat h/* | wc -l) = 100"), 0);
	archive_free(a);
}
END_TEST

START_TEST(after_a_crash)
{
	struct archive *a;
	struct archive_stats s;

	conf.zstd = true;
	conf.rotate_ms = 1000;
	ck_assert_int_eq(shell("mkdir h; echo half >h/a@20250615T150640Z.log."
	    "zst.part; echo one >h/a@20250615T150640Z.log; "
	    "printf 'two\\nthr' >h/a.log; echo mine >h/x.txt"), 0);
	a = archive_new(&conf, t0);
	EVENTUALLY((archive_stats(a, &s), s.compressed == 1));
	ck_assert_int_eq(shell("test ! -e h/*.part -a ! -e "
	    "h/a@20250615T150640Z.log && test \"$(zstdcat h/*.zst)\" = one"), 0);
	add(a, "h/a.log", "four\n", t0);
	ck_assert_int_eq(archive_write(a, true, t0), 0);
	ck_assert_int_eq(shell("test \"$(cat h/a.log)\" = \"$(printf 'two\\n"
	    "four')\" -a -e h/x.txt"), 0);
	/* its age goes on from its birth */
	archive_tick(a, clock_real_ns() + 2 * NS_PER_S);
	ck_assert_int_ne(shell("test -e h/a.log"), 0);
	archive_free(a);
}
END_TEST

START_TEST(keeps_until_the_command_succeeded)
{
	struct archive *a;
	struct archive_stats s;
	char command[256];

	snprintf(command, sizeof command, "test -e %s/ok && cp \"$1\" %s/",
	    dir, dir);
	conf.command = command;
	conf.zstd = true;
	conf.rotate_ms = 1000;
	conf.keep_ms = 1000;
	a = archive_new(&conf, t0);
	add(a, "h o;touch pwned/a.log", "x\n", t0);
	ck_assert_int_eq(archive_write(a, true, t0), 0);
	archive_tick(a, t0 + 2 * NS_PER_S);
	EVENTUALLY((archive_stats(a, &s), s.command_failures > 0));
	archive_free(a);
	ck_assert_int_eq(shell("touch -d 2020-01-01 h*/*.zst"), 0);
	a = archive_new(&conf, t0);	/* sweeps when it begins */
	EVENTUALLY((archive_stats(a, &s), s.command_failures > 0));
	ck_assert_int_eq(shell("ls h*/*.zst >/dev/null"), 0);
	ck_assert_int_eq(shell("touch ok"), 0);
	EVENTUALLY((archive_stats(a, &s), s.commands > s.command_failures));
	archive_free(a);
	ck_assert_int_eq(shell("test -e a@*.zst -a ! -e pwned && ! ls -A h*/ | grep todo"), 0);
	a = archive_new(&conf, t0);
	EVENTUALLY((archive_stats(a, &s), s.removed == 1));
	archive_free(a);
}
END_TEST

START_TEST(keeps_so_much)
{
	struct archive *a;
	struct archive_stats s;

	conf.keep_size = 2500;
	ck_assert_int_eq(shell("mkdir h; for i in 1 2 3 4; do head -c 1000 "
	    "/dev/zero >h/a@20250615T15064${i}Z.log; touch -d 2025-06-1$i "
	    "h/a@20250615T15064${i}Z.log; done; head -c 9000 /dev/zero >h/o.txt"), 0);
	a = archive_new(&conf, t0);
	EVENTUALLY((archive_stats(a, &s), s.removed == 2));
	ck_assert_int_eq(shell("ls h | tr '\\n' ' ' >l; test \"$(cat l)\" = "
	    "'a@20250615T150643Z.log a@20250615T150644Z.log o.txt '"), 0);
	archive_free(a);
}
END_TEST

START_TEST(gathers_so_much)
{
	struct archive *a = archive_new(&conf, t0);
	struct archive_stats s;
	char name[32];

	archive_limit(a, 1000);
	for (int i = 0; i < 100; i++) {
		snprintf(name, sizeof name, "h/%d.log", i);
		add(a, name, "a line of thirty-two characters\n", t0);
		archive_stats(a, &s);
		ck_assert_uint_le(s.waiting_bytes, 1000);
	}
	ck_assert_uint_gt(s.relieved, 0);
	ck_assert_uint_gt(s.waiting_bytes, 0);
	archive_free(a);
	ck_assert_int_eq(shell("test $(cat h/*.log | wc -l) = 100"), 0);
}
END_TEST

START_TEST(goes_on_when_removed)
{
	struct archive *a = archive_new(&conf, t0);
	struct archive_stats s;

	add(a, "h/a.log", "one\n", t0);
	ck_assert_int_eq(archive_write(a, true, t0), 0);
	ck_assert_int_eq(shell("rm h/a.log"), 0);
	add(a, "h/a.log", "two\n", t0);
	ck_assert_int_eq(archive_write(a, true, t0), 0);
	ck_assert_int_eq(shell("test \"$(cat h/a.log)\" = two"), 0);
	ck_assert_int_eq(shell("rm -r ../${PWD##*/}"), 0);
	add(a, "h/a.log", "three\n", t0);
	add(a, "i/b.log", "four\n", t0);
	ck_assert_int_eq(archive_write(a, true, t0), 0);
	ck_assert_int_eq(shell("test \"$(cat h/a.log i/b.log)\" = "
	    "\"$(printf 'three\\nfour')\""), 0);
	archive_stats(a, &s);
	ck_assert_uint_ge(s.vanished, 2);
	/* logrotate: renamed, and told so */
	ck_assert_int_eq(shell("mv h/a.log h/a.1"), 0);
	archive_reopen(a);
	add(a, "h/a.log", "five\n", t0);
	ck_assert_int_eq(archive_write(a, true, t0), 0);
	ck_assert_int_eq(shell("test \"$(cat h/a.log)\" = five"), 0);
	/* and not told; with another one already in its place */
	ck_assert_int_eq(shell("mv h/a.log h/a.2"), 0);
	add(a, "h/a.log", "six\n", t0);
	ck_assert_int_eq(archive_write(a, true, t0), 0);
	ck_assert_int_eq(shell("mv h/a.log h/a.3; echo theirs >h/a.log"), 0);
	add(a, "h/a.log", "seven\n", t0);
	ck_assert_int_eq(archive_write(a, true, t0), 0);
	ck_assert_int_eq(shell("test \"$(cat h/a.2 h/a.3 h/a.log)\" = "
	    "\"$(printf 'five\nsix\ntheirs\nseven')\""), 0);
	archive_free(a);
}
END_TEST

START_TEST(names)
{
	char out[256];

	ck_assert_int_eq(archive_kind("h/a.log", "*/*.log"), ARCHIVE_OPEN);
	ck_assert_int_eq(archive_kind("a.log", "*/*.log"), ARCHIVE_OTHER);
	ck_assert_int_eq(archive_kind("h/a@20250615T150640Z.log", "*/*.log"), ARCHIVE_CLOSED);
	ck_assert_int_eq(archive_kind("h/a@20250615T150640Z-12.log.zst", "*/*.log"), ARCHIVE_PACKED);
	ck_assert_int_eq(archive_kind("h/a@20250615T150640Z.log.zst.part", "*/*.log"), ARCHIVE_PART);
	ck_assert_int_eq(archive_kind("h/.a@20250615T150640Z.log.zst.todo", "*/*.log"), ARCHIVE_TODO);
	ck_assert_int_eq(archive_kind("h/a@2025x615T150640Z.log.zst", "*/*.log"), ARCHIVE_OTHER);
	ck_assert_int_eq(archive_kind("h/a.log.zst", "*/*.log"), ARCHIVE_OTHER);
	ck_assert(archive_name_closed("h.x/a", t0, 1, out, sizeof out));
	ck_assert_str_eq(out, "h.x/a@20250615T150640Z");
	ck_assert(archive_name_todo("h/b", out, sizeof out));
	ck_assert_str_eq(out, "h/.b.todo");
}
END_TEST

/* ---- filters ---- */

static bool
may(struct slice filter, const char *literal)
{
	struct segment_needs needs = { .n = 0 };

	segment_need(&needs, slice_str(literal));
	return segment_may_have(filter, &needs);
}

START_TEST(filter_never_hides)
{
	struct segment_filter *f = malloc(sizeof *f);
	struct buf out = BUF_INIT(1 << 20);
	char text[20000];
	size_t n = 0, absent = 0;

	for (unsigned i = 0; n < sizeof text - 60; i++)
		n += (size_t)sprintf(text + n, "Id-%x to \xc3\xa9t\xc3\xa9 abc=%u;\n", i * 2654435761u, i);
	segment_filter_clear(f);
	segment_filter_add(f, slice_of(text, n));
	ck_assert(segment_filter_write(f, &out));
	ck_assert_uint_le(out.len, 4096);
	for (size_t at = 0; at + 12 < n; at++)
		for (size_t len = 1; len <= 12; len++) {
			char part[13];

			memcpy(part, text + at, len);
			part[len] = '\0';
			ck_assert_msg(may(buf_slice(&out), part), "%s", part);
		}
	for (unsigned i = 0; i < 1000; i++) {
		char word[16];

		sprintf(word, "zq%xk", i * 40503u + 65536);
		absent += !may(buf_slice(&out), word);
	}
	ck_assert_uint_gt(absent, 900);
	ck_assert(!may(buf_slice(&out), " xyz="));
	buf_fini(&out);
	free(f);
}
END_TEST

int
main(void)
{
	Suite *s = suite_create("archive");
	TCase *t = tcase_create("archive");
	SRunner *sr;
	int failed;

	tcase_add_checked_fixture(t, setup, teardown);
	tcase_set_timeout(t, 60);
	tcase_add_test(t, many_files_few_open);
	tcase_add_test(t, rotates_by_age_and_packs);
	tcase_add_test(t, rotates_by_size);
	tcase_add_test(t, after_a_crash);
	tcase_add_test(t, keeps_until_the_command_succeeded);
	tcase_add_test(t, keeps_so_much);
	tcase_add_test(t, goes_on_when_removed);
	tcase_add_test(t, gathers_so_much);
	tcase_add_test(t, names);
	tcase_add_test(t, filter_never_hides);
	suite_add_tcase(s, t);
	sr = srunner_create(s);
	srunner_run_all(sr, CK_NORMAL);
	failed = srunner_ntests_failed(sr);
	srunner_free(sr);
	return failed != 0;
}
