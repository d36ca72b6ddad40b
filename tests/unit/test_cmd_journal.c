/* millrace journal: what it prints and how it ends. */
#include "config.h"

#include "tests/unit/journal_kit.h"

#include <fcntl.h>
#include <sys/wait.h>

#include "app/cmd_journal.h"
#include "proto/resp.h"

static char out[1 << 20];

/* Run it with these words, and -d; what it prints is in out. */
static int
run(const char *verb, const char *a, const char *b)
{
	char *argv[] = { (char *)"journal", (char *)verb, (char *)"-d",
	    kit_dir, (char *)a, (char *)b, NULL };
	int argc = a == NULL ? 4 : b == NULL ? 5 : 6, status;
	size_t n;
	FILE *f;
	pid_t pid;

	fflush(NULL);
	pid = fork();
	if (pid == 0) {
		int fd = open("cmd-journal.out", O_CREAT | O_TRUNC | O_WRONLY,
		    0600);

		dup2(fd, 1);
		dup2(fd, 2);
		status = cmd_journal(argc, argv);
		fflush(NULL);
		_exit(status);
	}
	ck_assert_int_eq(waitpid(pid, &status, 0), pid);
	ck_assert(WIFEXITED(status));
	f = fopen("cmd-journal.out", "r");
	n = fread(out, 1, sizeof out - 1, f);
	out[n] = '\0';
	fclose(f);
	unlink("cmd-journal.out");
	return WEXITSTATUS(status);
}

static void
expect(const char *text)
{
	ck_assert_msg(strstr(out, text) != NULL, "no \"%s\" in: %s", text, out);
}

static struct journal *
fill(void)
{
	struct journal_options o = kit_options();
	struct journal *j = kit_open(&o, NULL);
	struct pair pairs[2] = {
		{ SLICE("msg"), SLICE("hello \"world\"\n\1\303\251") },
		{ SLICE("\377"), SLICE("") }
	};
	struct event_record ev = { .stream = SLICE("odd one"),
	    .fields = pairs, .nfields = 2 };

	for (uint64_t n = 1; n <= 600; n++)
		kit_append(j, n % 2 == 0 ? "even" : "odd", n,
		    1755870377536 + (int64_t)n);
	kit_append_event(j, &ev, 1755870377536);
	kit_wait(j, 601);
	return j;
}

static void
spoil(void)
{
	char path[512];
	char c = 'X';
	int fd;

	snprintf(path, sizeof path, "%s/0000000000000001.seg", kit_dir);
	fd = open(path, O_RDWR);
	ck_assert_int_eq(pwrite(fd, &c, 1, 4096 + 3000), 1);
	close(fd);
}

START_TEST(looks)
{
	struct journal *j = fill();

	/* also while somebody writes */
	ck_assert_int_eq(run("ls", NULL, NULL), 0);
	expect("0000000000000001.seg");
	expect("       300             1           300  2025-08-22T13:46:18.136Z"
	    "  even");
	expect("odd one");
	ck_assert_int_eq(run("verify", NULL, NULL), 0);
	expect("601 events in");
	ck_assert_int_eq(run("cat", "-s", "odd one"), 0);
	ck_assert_str_eq(out, "{\"kind\":\"event\",\"stream\":\"odd one\","
	    "\"id\":\"1755870377536-1\",\"fields\":[[\"msg\",\"hello "
	    "\\\"world\\\"\\n\\u0001\303\251\"],[\"\357\277\275\",\"\"]],"
	    "\"time\":1755870377.536,\"flags\":[\"not_utf8\"]}\n");
	ck_assert_int_eq(run("cat", "-n", "2"), 0);
	expect("\"id\":\"1755870377537-1\",\"pid\":\"kit\",\"iid\":\"1\"");
	ck_assert_ptr_null(strstr(out, "-2\""));
	ck_assert_int_eq(run("cat", "-a", "601"), 0);
	ck_assert_str_eq(out, "");
	ck_assert_int_eq(run("repair", NULL, NULL), 75);
	expect("another process has this journal open");
	journal_close(j);
}
END_TEST

START_TEST(resp_goes_back_in)
{
	struct resp_parser p;
	struct slice in;
	size_t used, n = 0;

	journal_close(fill());
	ck_assert_int_eq(run("cat", "--resp", NULL), 0);
	in = slice_str(out);
	resp_parser_init(&p, 100, 1 << 16);
	while (resp_request(&p, in, &used) == RESP_READY) {
		ck_assert(slice_eq(p.argv[0], SLICE("XADD")));
		ck_assert_uint_eq(p.argc, 7);
		in = slice_from(in, used);
		n++;
	}
	ck_assert_uint_eq(n, 601);
	ck_assert_uint_eq(in.len, 0);
	resp_parser_fini(&p);
}
END_TEST

START_TEST(damage)
{
	journal_close(fill());
	spoil();
	ck_assert_int_eq(run("verify", NULL, NULL), 1);
	expect("1 files are damaged");
	expect("1 ACKNOWLEDGED EVENTS ARE MISSING");
	expect("  stream ");
	ck_assert_int_eq(run("ls", NULL, NULL), 1);
	expect("DAMAGED");
	expect("(with gaps)");
	ck_assert_int_eq(run("cat", "-n", "1"), 1);
	ck_assert_int_eq(kit_count(".bad"), 0);
	ck_assert_int_eq(run("repair", NULL, NULL), 1);
	ck_assert_int_eq(kit_count(".bad"), 1);
	ck_assert_int_eq(run("verify", NULL, NULL), 0);
	expect("1 events are missing since an earlier repair");
	ck_assert_int_eq(run("ls", NULL, NULL), 0);
	expect("rewritten");
	expect("put aside");
	ck_assert_int_eq(run("repair", NULL, NULL), 0);
}
END_TEST

START_TEST(usage)
{
	ck_assert_int_eq(run("ls", NULL, NULL), 74);	/* no such directory */
	ck_assert_int_eq(run("repair", NULL, NULL), 66);
	ck_assert_int_eq(run("eat", NULL, NULL), 64);
	ck_assert_int_eq(run("ls", "-a", "x"), 64);
	ck_assert_int_eq(run("ls", "more", NULL), 64);
	ck_assert_int_eq(run("--help", NULL, NULL), 0);
	expect("usage: millrace journal ls");
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
	Suite *s = suite_create("cmd_journal");
	TCase *t = tcase_create("cmd_journal");
	SRunner *r;
	int failed;

	tcase_add_checked_fixture(t, setup, teardown);
	tcase_set_timeout(t, 60);
	tcase_add_test(t, looks);
	tcase_add_test(t, resp_goes_back_in);
	tcase_add_test(t, damage);
	tcase_add_test(t, usage);
	suite_add_tcase(s, t);
	r = srunner_create(s);
	srunner_run_all(r, CK_NORMAL);
	failed = srunner_ntests_failed(r);
	srunner_free(r);
	return failed != 0;
}
