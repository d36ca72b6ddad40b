/* Addresses and listening sockets, on real sockets. */
#include "config.h"

#include <check.h>
#include <errno.h>
#include <ev.h>
#include <fcntl.h>
#include <poll.h>
#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include "net/addr.h"
#include "net/listen.h"

static char dir[64];

static void
setup(void)
{
	strcpy(dir, "/tmp/millrace-net-XXXXXX");
	ck_assert_ptr_nonnull(mkdtemp(dir));
}

static void
teardown(void)
{
	char cmd[128];

	snprintf(cmd, sizeof cmd, "rm -rf %s", dir);
	ck_assert_int_eq(system(cmd), 0);
}

static const char *
path(const char *name)
{
	static char text[2][100];
	static int i;

	i = !i;
	snprintf(text[i], sizeof text[i], "%s/%s", dir, name);
	return text[i];
}

START_TEST(addr_texts)
{
	static const struct { const char *host; uint16_t port; const char *text; } rows[] = {
		{ "10.0.0.1", 514, "10.0.0.1:514" },
		{ "::1", 514, "[::1]:514" },
		{ "[2001:db8::7]", 1, "[2001:db8::7]:1" },
		{ "::ffff:10.0.0.1", 65535, "10.0.0.1:65535" },
		{ "*", 8125, "[::]:8125" }, { NULL, 8125, "[::]:8125" },
		{ "", 1, "[::]:1" }, { "0.0.0.0", 1, "0.0.0.0:1" },
		{ "fe80::1%lo", 9, "[fe80::1%1]:9" },
		{ "fe80::1%1", 9, "[fe80::1%1]:9" },
		{ "10.0.0", 1, NULL }, { "10.0.0.1.2", 1, NULL },
		{ "localhost", 1, NULL }, { ":::", 1, NULL }, { "[::1", 1, NULL },
		{ "fe80::1%nosuchif", 1, NULL }, { "fe80::1%", 1, NULL },
		{ "1111111111111111111111111111111111111111111111111111111111111"
		  "1111111111111111111111111111111111111111111111111", 1, NULL },
	};
	struct addr a;
	char text[ADDR_TEXT], long_path[200];

	for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
		bool ok = addr_numeric(rows[i].host, rows[i].port, &a);

		ck_assert_msg(ok == (rows[i].text != NULL), "%s", rows[i].host);
		if (ok) {
			ck_assert_str_eq(addr_text(&a, text), rows[i].text);
			ck_assert_uint_eq(addr_port(&a), rows[i].port);
		}
	}
	ck_assert(addr_numeric("::ffff:10.0.0.1", 3, &a));
	ck_assert_str_eq(addr_host(&a, text), "10.0.0.1");
	ck_assert(addr_numeric("::2", 3, &a));
	ck_assert_str_eq(addr_host(&a, text), "::2");
	ck_assert(addr_unix("/run/x.sock", &a));
	ck_assert_str_eq(addr_text(&a, text), "unix:/run/x.sock");
	a.len = sizeof(sa_family_t);
	ck_assert_str_eq(addr_text(&a, text), "unix");
	memset(long_path, 'x', sizeof long_path);
	long_path[107] = '\0';
	ck_assert(addr_unix(long_path, &a));
	ck_assert_uint_eq(strlen(addr_text(&a, text)), 5 + 107);
	long_path[107] = 'x';
	long_path[108] = '\0';
	ck_assert(!addr_unix(long_path, &a) && errno == ENAMETOOLONG);
	ck_assert(!addr_unix("", &a) && errno == EINVAL);
}
END_TEST

START_TEST(addr_splits)
{
	static const struct { const char *text, *host; int port; } rows[] = {
		{ "10.0.0.1:514", "10.0.0.1", 514 }, { "[::1]:514", "::1", 514 },
		{ ":8125", "", 8125 }, { "*:8125", "*", 8125 },
		{ "graphite.example:2003", "graphite.example", 2003 },
		{ "::1:514", NULL, 0 }, { "host", NULL, 0 }, { "host:", NULL, 0 },
		{ "host:0", NULL, 0 }, { "host:65536", NULL, 0 },
		{ "host:12a", NULL, 0 }, { "[::1:514", NULL, 0 },
		{ "host:-1", NULL, 0 }, { "a-host-name-that-is-too-long:1", NULL, 0 },
	};
	char host[20];
	uint16_t port;

	for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
		port = 4711;
		ck_assert_msg(addr_split(rows[i].text, host, sizeof host, &port,
		    false) == (rows[i].host != NULL), "%s", rows[i].text);
		if (rows[i].host != NULL) {
			ck_assert_str_eq(host, rows[i].host);
			ck_assert_uint_eq(port, rows[i].port);
		} else
			ck_assert_uint_eq(port, 4711);
	}
	ck_assert(addr_split("h:0", host, sizeof host, &port, true) && port == 0);
}
END_TEST

START_TEST(addr_compare_resolve)
{
	struct addr a, b, v[8];
	const char *error = NULL;
	int n;

	ck_assert(addr_numeric("10.0.0.1", 1, &a));
	ck_assert(addr_numeric("::ffff:10.0.0.1", 1, &b));
	ck_assert(addr_eq(&a, &b));
	ck_assert(addr_numeric("10.0.0.1", 2, &b) && !addr_eq(&a, &b));
	ck_assert(addr_numeric("::1", 1, &b) && !addr_eq(&a, &b));
	ck_assert(addr_numeric("::1", 1, &a) && addr_eq(&a, &b));
	ck_assert(addr_unix("/a", &a) && !addr_eq(&a, &b));
	ck_assert(addr_unix("/a", &b) && addr_eq(&a, &b));
	ck_assert(addr_unix("/b", &b) && !addr_eq(&a, &b));

	ck_assert_int_eq(addr_resolve("127.0.0.1", 7, SOCK_STREAM, v, 8, &error), 1);
	n = addr_resolve("localhost", 7, SOCK_STREAM, v, 8, &error);
	ck_assert_int_ge(n, 1);
	ck_assert_uint_eq(addr_port(&v[0]), 7);
	ck_assert_int_eq(addr_resolve("no-such-host.invalid", 7, SOCK_STREAM, v,
	    8, &error), -1);
	ck_assert_ptr_nonnull(error);
}
END_TEST

static int
connect_to(int type, const struct addr *a)
{
	int fd = socket(a->u.sa.sa_family, type, 0);

	ck_assert_int_ne(fd, -1);
	if (connect(fd, &a->u.sa, a->len) == -1) {
		close(fd);
		return -1;
	}
	return fd;
}

static void
check_flags(int fd)
{
	ck_assert(fcntl(fd, F_GETFL) & O_NONBLOCK);
	ck_assert(fcntl(fd, F_GETFD) & FD_CLOEXEC);
}

START_TEST(inet)
{
	static const char *const to[] = { "127.0.0.1", "::1" };
	struct addr a;
	int fd = listen_tcp("*", 0, false), u, c, one;
	uint16_t port = listen_port(fd);

	ck_assert_int_ne(fd, -1);
	ck_assert_uint_ne(port, 0);
	check_flags(fd);
	for (int i = 0; i < 2; i++) {
		ck_assert(addr_numeric(to[i], port, &a));
		c = connect_to(SOCK_STREAM, &a);
		ck_assert_int_ne(c, -1);
		one = accept(fd, NULL, NULL);
		ck_assert_int_ne(one, -1);
		close(one);
		close(c);
	}
	ck_assert_int_eq(listen_tcp("127.0.0.1", port, false), -1);
	ck_assert_int_eq(errno, EADDRINUSE);
	ck_assert(listen_taken(SOCK_STREAM, "*", port));
	close(fd);
	ck_assert(!listen_taken(SOCK_STREAM, "*", port));
	ck_assert_int_eq(listen_tcp("192.0.2.1", 0, false), -1);
	ck_assert_int_eq(errno, EADDRNOTAVAIL);

	/* several workers share a port; a stranger is noticed all the same */
	fd = listen_udp("127.0.0.1", 0, true, 1 << 20);
	port = listen_port(fd);
	u = listen_udp("127.0.0.1", port, true, 0);
	ck_assert_int_ne(u, -1);
	check_flags(u);
	ck_assert_uint_gt(listen_rcvbuf(fd), 0);
	ck_assert(listen_taken(SOCK_DGRAM, "127.0.0.1", port));
	ck_assert_int_eq(listen_udp("127.0.0.1", port, false, 0), -1);
	close(fd);
	close(u);
	ck_assert(!listen_taken(SOCK_DGRAM, "127.0.0.1", port));
}
END_TEST

START_TEST(unix_paths)
{
	struct addr a;
	struct stat st;
	const char *p = path("a.sock");
	int fd = listen_unix(p, 0600), c, other;

	ck_assert_int_ne(fd, -1);
	check_flags(fd);
	ck_assert_int_eq(stat(p, &st), 0);
	ck_assert_uint_eq(st.st_mode & 07777, 0600);
	ck_assert(addr_unix(p, &a));
	c = connect_to(SOCK_STREAM, &a);
	ck_assert_int_ne(c, -1);
	close(c);
	/* somebody answers */
	ck_assert_int_eq(listen_unix(p, 0), -1);
	ck_assert_int_eq(errno, EADDRINUSE);
	ck_assert_int_eq(listen_unixgram(p, 0, 0), -1);
	ck_assert_int_eq(errno, EADDRINUSE);
	/* left behind */
	close(fd);
	ck_assert_int_eq(stat(p, &st), 0);
	umask(077);
	fd = listen_unix(p, 0);
	ck_assert_int_ne(fd, -1);
	ck_assert_int_eq(stat(p, &st), 0);
	ck_assert_uint_eq(st.st_mode & 07777, 0666);
	/* the path is another's by now */
	ck_assert_int_eq(unlink(p), 0);
	other = listen_unix(p, 0);
	ck_assert_int_ne(other, -1);
	listen_unlink(fd);
	close(fd);
	ck_assert_int_eq(stat(p, &st), 0);
	listen_unlink(other);
	close(other);
	ck_assert_int_eq(stat(p, &st), -1);
	/* not a socket */
	fd = open(p, O_CREAT | O_WRONLY, 0600);
	close(fd);
	ck_assert_int_eq(listen_unixgram(p, 0, 0), -1);
	ck_assert_int_eq(errno, EEXIST);
	ck_assert_int_eq(listen_unix(path("no/dir"), 0), -1);
	ck_assert_int_eq(errno, ENOENT);
}
END_TEST

START_TEST(unixgram)
{
	struct addr a;
	const char *p = path("g.sock");
	int fd = listen_unixgram(p, 0, 1 << 16), c;
	char buf[8];

	ck_assert_int_ne(fd, -1);
	ck_assert(addr_unix(p, &a));
	c = connect_to(SOCK_DGRAM, &a);
	ck_assert_int_eq(send(c, "hello", 5, 0), 5);
	ck_assert_int_eq(read(fd, buf, sizeof buf), 5);
	close(c);
	listen_unlink(fd);
	close(fd);
}
END_TEST

/* In a child, with sockets from descriptor 3 on. */
static int
child(const int *fds, int n, uint16_t tcp, uint16_t udp, const char *p)
{
	char text[32];
	int copy[8];

	for (int i = 0; i < n; i++)
		copy[i] = fcntl(fds[i], F_DUPFD, 100);
	for (int i = 0; i < n; i++)
		if (dup2(copy[i], 3 + i) == -1)
			return 1;
	snprintf(text, sizeof text, "%d", (int)getpid());
	setenv("LISTEN_PID", text, 1);
	snprintf(text, sizeof text, "%d", n);
	setenv("LISTEN_FDS", text, 1);
	setenv("LISTEN_FDNAMES", "a:b:c:d", 1);
	if (listen_inherit() != (size_t)n || getenv("LISTEN_FDS") != NULL ||
	    getenv("LISTEN_FDNAMES") != NULL)
		return 2;
	if (listen_inherited(LISTEN_UDP, "*", tcp, NULL) != -1 || errno != ENOENT)
		return 3;
	if (listen_inherited(LISTEN_TCP, "*", tcp, NULL) != 3 ||
	    listen_inherited(LISTEN_TCP, "*", tcp, NULL) != -1)
		return 4;
	if (!(fcntl(3, F_GETFL) & O_NONBLOCK) || !(fcntl(3, F_GETFD) & FD_CLOEXEC))
		return 5;
	if (listen_inherited(LISTEN_UDP, "127.0.0.1", udp, NULL) != 4)
		return 6;
	if (listen_inherited(LISTEN_UNIXGRAM, NULL, 0, p) != -1 ||
	    listen_inherited(LISTEN_UNIX, NULL, 0, p) != 5)
		return 7;
	if (listen_inherit_close() != 1 || fcntl(6, F_GETFD) != -1)
		return 8;
	return 0;
}

START_TEST(inherited)
{
	const char *p = path("s.sock");
	int fds[4], status;
	pid_t pid;

	ck_assert_uint_eq(listen_inherit(), 0);
	setenv("LISTEN_PID", "1", 1);
	setenv("LISTEN_FDS", "3", 1);
	ck_assert_uint_eq(listen_inherit(), 0);
	ck_assert_ptr_null(getenv("LISTEN_FDS"));
	fds[0] = listen_tcp("0.0.0.0", 0, false);
	fds[1] = listen_udp("127.0.0.1", 0, false, 0);
	fds[2] = listen_unix(p, 0);
	fds[3] = listen_udp("127.0.0.1", 0, false, 0);
	pid = fork();
	if (pid == 0)
		_exit(child(fds, 4, listen_port(fds[0]), listen_port(fds[1]), p));
	ck_assert_int_eq(waitpid(pid, &status, 0), pid);
	ck_assert_int_eq(status, 0);
	listen_unlink(fds[2]);
	for (int i = 0; i < 4; i++)
		close(fds[i]);
}
END_TEST

int
main(void)
{
	Suite *s = suite_create("net");
	TCase *t = tcase_create("net");
	SRunner *r;
	int failed;

	tcase_set_timeout(t, 60);
	tcase_add_checked_fixture(t, setup, teardown);
	tcase_add_test(t, addr_texts);
	tcase_add_test(t, addr_splits);
	tcase_add_test(t, addr_compare_resolve);
	tcase_add_test(t, inet);
	tcase_add_test(t, unix_paths);
	tcase_add_test(t, unixgram);
	tcase_add_test(t, inherited);
	suite_add_tcase(s, t);
	r = srunner_create(s);
	srunner_run_all(r, CK_NORMAL);
	failed = srunner_ntests_failed(r);
	srunner_free(r);
	return failed != 0;
}
