/* Connections on loopback: everything arrives in order, nothing grows without
 * a bound, and each stream that opened is closed once. */
#include "config.h"

#include <check.h>
#include <errno.h>
#include <ev.h>
#include <fcntl.h>
#include <poll.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <unistd.h>

#include "base/buf.h"
#include "base/log.h"
#include "net/addr.h"
#include "net/listen.h"
#include "net/stream.h"
#include "net/stream_hub.h"

static struct ev_loop *loop;
static struct stream_listener *listener;
static struct stream_options options;
static struct addr server;
static char dir[64];

/* What the server's streams did. */
static unsigned opened, closed, drained_calls, data_calls, eofs;
static struct stream *last;	/* the last one opened, NULL once closed */
static struct buf got;		/* all input that was used up */
static char why[128];
static bool well;

static bool
on_open(struct stream *s, void *ctx)
{
	ck_assert_ptr_eq(ctx, &opened);
	opened++;
	last = s;
	return true;
}

static void
on_closed(struct stream *s)
{
	closed++;
	snprintf(why, sizeof why, "%s", stream_error(s));
	well = stream_ended_well(s);
	if (s == last)
		last = NULL;
}

static void
on_drained(struct stream *s)
{
	ck_assert_uint_le(stream_pending_output(s), options.write_max / 3);
	drained_calls++;
}

/* Use up whole lines, answer each with itself. */
static ssize_t
echo_lines(struct stream *s, struct slice data, bool eof)
{
	struct slice rest = data;

	data_calls++;
	eofs += eof;
	while (slice_find(rest, '\n') < rest.len && !stream_paused(s)) {
		size_t n = slice_find(rest, '\n') + 1;
		struct slice line = slice_upto(rest, n);

		rest = slice_from(rest, n);
		ck_assert(buf_add_slice(&got, line));
		ck_assert(stream_write(s, line));
		if (slice_eq(line, SLICE("pause\n")))
			stream_pause(s);
		if (slice_eq(line, SLICE("bye\n")))
			return STREAM_CLOSE;
		if (slice_eq(line, SLICE("abort\n"))) {
			stream_abort(s);
			break;
		}
		if (slice_eq(line, SLICE("close\n"))) {
			stream_close(s);
			break;
		}
	}
	return rest.ptr - data.ptr;
}

static const struct stream_ops echo = {
	.open = on_open, .data = echo_lines, .closed = on_closed,
	.drained = on_drained,
};

static void
setup(void)
{
	log_open(LOG_AT_ERROR);
	loop = ev_loop_new(0);
	buf_init(&got, 64 << 20);
	options = (struct stream_options){ .read_max = 1000,
		.write_max = 1 << 20 };
	strcpy(dir, "/tmp/millrace-stream-XXXXXX");
	ck_assert_ptr_nonnull(mkdtemp(dir));
}

static void
teardown(void)
{
	char cmd[128];

	stream_listener_free(listener);
	listener = NULL;
	stream_abort_all(loop);
	ck_assert_uint_eq(opened, closed);
	ck_assert_uint_eq(stream_loop_count(loop), 0);
	ck_assert_ptr_null(stream_hub_of(loop, false));
	ev_loop_destroy(loop);
	buf_fini(&got);
	snprintf(cmd, sizeof cmd, "rm -rf %s", dir);
	ck_assert_int_eq(system(cmd), 0);
}

static void
serve(const struct stream_ops *ops)
{
	int fd = listen_tcp("127.0.0.1", 0, false);

	ck_assert(addr_numeric("127.0.0.1", listen_port(fd), &server));
	listener = stream_listen(loop, fd, &options, ops, &opened);
	ck_assert_ptr_nonnull(listener);
}

static int
dial(void)
{
	int fd = socket(server.u.sa.sa_family, SOCK_STREAM, 0);

	ck_assert_int_eq(connect(fd, &server.u.sa, server.len), 0);
	fcntl(fd, F_SETFL, O_NONBLOCK);
	return fd;
}

static void
wake(struct ev_loop *l, ev_timer *w, int revents)
{
	++*(unsigned *)w->data;
}

/* Turn the loop until the condition holds; fails after ten seconds. */
#define UNTIL(condition) \
	do { \
		unsigned turns_ = 0; \
		ev_timer timer_; \
		ev_timer_init(&timer_, wake, 0.005, 0.005); \
		timer_.data = &turns_; \
		ev_now_update(loop); \
		ev_timer_start(loop, &timer_); \
		while (!(condition) && turns_ < 2000) \
			ev_run(loop, EVRUN_ONCE); \
		ev_timer_stop(loop, &timer_); \
		ck_assert_msg(turns_ < 2000, "never: %s", #condition); \
	} while (0)

static void
spin(double seconds)
{
	unsigned late = 0;
	ev_timer timer;

	ev_timer_init(&timer, wake, seconds, 0);
	timer.data = &late;
	ev_now_update(loop);
	ev_timer_start(loop, &timer);
	while (!late)
		ev_run(loop, EVRUN_ONCE);
}

static void
say(int fd, const char *text)
{
	ck_assert_int_eq(send(fd, text, strlen(text), MSG_NOSIGNAL),
	    (ssize_t)strlen(text));
}

/* What there is to read now, as text; "EOF" at the end. */
static const char *
hear(int fd)
{
	static char text[1 << 16];
	ssize_t n = recv(fd, text, sizeof text - 1, 0);

	if (n == 0)
		return "EOF";
	if (n == -1)
		return errno == EAGAIN ? "" : strerror(errno);
	text[n] = '\0';
	return text;
}

static bool
readable(int fd)
{
	struct pollfd p = { .fd = fd, .events = POLLIN };

	return poll(&p, 1, 0) == 1;
}

START_TEST(echoes)
{
	int fd;
	char want[64];
	struct stream_stats stats;

	serve(&echo);
	fd = dial();
	UNTIL(opened == 1);
	snprintf(want, sizeof want, "127.0.0.1:%u", listen_port(fd));
	ck_assert_str_eq(stream_peer(last), want);
	ck_assert_str_eq(stream_error(last), "open");
	ck_assert(!stream_is_tls(last));
	ck_assert_ptr_eq(stream_loop(last), loop);
	ck_assert(!stream_peer_process(last, &(pid_t){ 0 }, &(uid_t){ 0 }));
	/* three answers, one segment */
	say(fd, "a\nb\nc\nd");
	UNTIL(readable(fd));
	ck_assert_str_eq(hear(fd), "a\nb\nc\n");
	say(fd, "e\n");
	UNTIL(readable(fd));
	ck_assert_str_eq(hear(fd), "de\n");
	shutdown(fd, SHUT_WR);
	UNTIL(closed == 1);
	ck_assert_uint_eq(eofs, 1);
	ck_assert_str_eq(why, "closed by peer");
	ck_assert(well);
	ck_assert_str_eq(hear(fd), "EOF");
	stream_listener_stats(listener, &stats);
	ck_assert_uint_eq(stats.accepted, 1);
	ck_assert_uint_eq(stats.current, 0);
	ck_assert_uint_eq(stats.bytes_in, 9);
	ck_assert_uint_eq(stats.bytes_out, 9);
	close(fd);
}
END_TEST

START_TEST(byte_by_byte)
{
	int fd;
	static const char text[] = "one\ntwo\nthree\n";

	serve(&echo);
	fd = dial();
	for (size_t i = 0; i < sizeof text - 1; i++) {
		unsigned before = data_calls;

		ck_assert_int_eq(send(fd, text + i, 1, 0), 1);
		UNTIL(data_calls > before);
	}
	ck_assert(slice_eq(buf_slice(&got), SLICE("one\ntwo\nthree\n")));
	close(fd);
	UNTIL(closed == 1);
}
END_TEST

/* A message much larger than one read, up to the limit and over it. */
START_TEST(large_messages)
{
	static char text[3000000];
	size_t sent = 0, size = 2000000;
	int fd;

	options.read_max = 2100000;
	options.write_max = 4 << 20;
	serve(&echo);
	fd = dial();
	for (size_t i = 0; i < sizeof text; i++)
		text[i] = (char)('a' + i * i % 23);
	memcpy(text + 3, "\n", 1);
	text[size - 1] = '\n';
	while (got.len < size) {
		ssize_t n = send(fd, text + sent, size - sent, 0);

		sent += n > 0 ? (size_t)n : 0;
		ev_run(loop, EVRUN_NOWAIT);
		hear(fd);
	}
	ck_assert(slice_eq(buf_slice(&got), slice_of(text, size)));
	UNTIL((hear(fd), stream_pending_output(last) == 0));
	memset(text, 'x', sizeof text);
	for (sent = 0; sent < sizeof text && closed == 0;) {
		ssize_t n = send(fd, text + sent, sizeof text - sent, MSG_NOSIGNAL);

		sent += n > 0 ? (size_t)n : 0;
		ev_run(loop, EVRUN_NOWAIT);
		ck_assert(last == NULL || last->in.cap < 2 * options.read_max);
	}
	UNTIL(closed == 1);
	ck_assert(!well);
	ck_assert_ptr_nonnull(strstr(why, "too much input"));
	close(fd);
}
END_TEST

START_TEST(endless_line)
{
	struct stream_stats stats;
	char x[999];
	int fd;

	serve(&echo);
	fd = dial();
	memset(x, 'x', sizeof x);
	send(fd, x, sizeof x, 0);
	UNTIL(data_calls == 1);
	spin(0.01);
	ck_assert_uint_eq(closed, 0);
	say(fd, "x");
	UNTIL(closed == 1);
	stream_listener_stats(listener, &stats);
	ck_assert_uint_eq(stats.overflows, 1);
	close(fd);
}
END_TEST

START_TEST(pauses)
{
	char x[1200];
	int fd;

	serve(&echo);
	fd = dial();
	/* what was read with "pause" stays, though it is more than read_max */
	memset(x, '\n', sizeof x);
	memcpy(x, "1\npause\n2\n", 10);
	send(fd, x, sizeof x, 0);
	UNTIL(opened == 1 && stream_paused(last));
	say(fd, "3\n");
	spin(0.02);
	ck_assert(slice_eq(buf_slice(&got), SLICE("1\npause\n")));
	stream_resume(last);
	stream_resume(last);
	ck_assert(slice_eq(buf_slice(&got), SLICE("1\npause\n")));	/* not yet */
	UNTIL(got.len == sizeof x + 2);
	ck_assert(slice_starts(buf_slice(&got), SLICE("1\npause\n2\n")));
	/* the end of the input is not seen while paused, nor lost */
	say(fd, "pause\n4\n");
	shutdown(fd, SHUT_WR);
	spin(0.02);
	ck_assert_uint_eq(closed + eofs, 0);
	stream_resume(last);
	UNTIL(closed == 1);
	ck_assert_uint_eq(eofs, 1);
	ck_assert(memcmp(got.data + got.len - 2, "4\n", 2) == 0);
	close(fd);
}
END_TEST

/* A peer that does not read: output is bounded, and it is not read either. */
START_TEST(slow_reader)
{
	char line[1024], text[4096];
	size_t sent = 0, back = 0, offered = 40 << 20;
	int fd, small = 65536;

	serve(&echo);
	fd = dial();
	setsockopt(fd, SOL_SOCKET, SO_RCVBUF, &small, sizeof small);
	memset(line, 'l', sizeof line);
	line[sizeof line - 1] = '\n';
	for (int stuck = 0; stuck < 200; stuck++) {
		size_t at = sent % sizeof line;
		ssize_t n;

		while (sent < offered && (n = send(fd, line + at,
		    sizeof line - at, 0)) > 0) {
			sent += n;
			at = sent % sizeof line;
			stuck = 0;
		}
		ev_run(loop, EVRUN_NOWAIT);
		if (last != NULL)
			ck_assert_uint_le(stream_pending_output(last),
			    options.write_max / 2 + 2 * STREAM_READ_SIZE);
	}
	ck_assert_uint_lt(sent, offered);
	ck_assert_uint_gt(stream_pending_output(last), options.write_max / 2);
	ck_assert_uint_eq(stream_loop_pending(loop), stream_pending_output(last));
	sent -= sent % sizeof line;	/* what is echoed */
	/* directly: up to write_max and no more */
	while (stream_write(last, slice_of(line, sizeof line)))
		sent += sizeof line;
	ck_assert_uint_gt(stream_pending_output(last),
	    options.write_max - sizeof line);
	ck_assert_uint_eq(drained_calls, 0);
	while (back < sent) {
		ssize_t n = recv(fd, text, sizeof text, 0);

		for (ssize_t i = 0; i < n; i++)
			if (text[i] != line[(back + i) % sizeof line])
				ck_abort_msg("byte %zu", back + (size_t)i);
		back += n > 0 ? (size_t)n : 0;
		ev_run(loop, EVRUN_NOWAIT);
	}
	ck_assert_uint_ge(drained_calls, 1);
	ck_assert_uint_eq(closed, 0);
	close(fd);
}
END_TEST

START_TEST(idle)
{
	struct stream_stats stats;
	int quiet, busy, paused;

	options.idle_ms = 150;
	serve(&echo);
	paused = dial();
	say(paused, "pause\n");
	UNTIL(opened == 1 && stream_paused(last));
	quiet = dial();
	busy = dial();
	for (int i = 0; i < 10; i++) {
		say(busy, "x\n");
		spin(0.04);
	}
	ck_assert_uint_eq(opened, 3);
	ck_assert_uint_eq(closed, 1);
	ck_assert_str_eq(why, "idle");
	ck_assert_str_eq(hear(quiet), "EOF");
	ck_assert_str_eq(hear(paused), "pause\n");
	ck_assert_str_eq(hear(paused), "");
	UNTIL(closed == 2);
	stream_listener_stats(listener, &stats);
	ck_assert_uint_eq(stats.idle, 2);
	close(quiet);
	close(busy);
	close(paused);
}
END_TEST

static bool
refuse(struct stream *s, void *ctx)
{
	ck_assert(stream_write(s, SLICE("never seen")));
	return false;
}

START_TEST(refusals)
{
	static const struct stream_ops no = {
		.open = refuse, .data = echo_lines, .closed = on_closed,
	};
	struct stream_stats stats;
	int fd[3];

	options.max_connections = 2;
	serve(&echo);
	for (int i = 0; i < 3; i++)
		fd[i] = dial();
	UNTIL(readable(fd[2]));
	ck_assert_str_eq(hear(fd[2]), "EOF");
	stream_listener_stats(listener, &stats);
	ck_assert_uint_eq(stats.refused, 1);
	ck_assert_uint_eq(stats.current, 2);
	close(fd[0]);
	UNTIL(closed == 1);
	close(fd[2]);
	fd[2] = dial();
	UNTIL(opened == 3);
	close(fd[1]);
	close(fd[2]);
	UNTIL(closed == 3);
	stream_listener_free(listener);
	serve(&no);
	fd[0] = dial();
	UNTIL(readable(fd[0]));
	ck_assert_str_eq(hear(fd[0]), "EOF");
	ck_assert_uint_eq(closed, 3);
	close(fd[0]);
}
END_TEST

static ssize_t
linger(struct stream *s, struct slice data, bool eof)
{
	eofs += eof;
	return eof ? STREAM_LINGER : (ssize_t)data.len;
}

START_TEST(lingers)
{
	static const struct stream_ops ops = {
		.open = on_open, .data = linger, .closed = on_closed,
	};
	int fd;

	serve(&ops);
	fd = dial();
	say(fd, "question");
	shutdown(fd, SHUT_WR);
	UNTIL(eofs == 1);
	spin(0.02);
	ck_assert_uint_eq(eofs, 1);
	ck_assert_uint_eq(closed, 0);
	ck_assert(stream_write(last, SLICE("answer")));
	stream_close(last);
	ck_assert(!stream_write(last, SLICE("too late")));
	ck_assert_uint_eq(closed, 0);
	UNTIL(closed == 1);
	ck_assert_str_eq(hear(fd), "answer");
	ck_assert_str_eq(hear(fd), "EOF");
	close(fd);
}
END_TEST

/* What we said last arrives, though the peer was talking all the while. */
START_TEST(last_words)
{
	char noise[30000];
	int fd;

	serve(&echo);
	fd = dial();
	say(fd, "bye\nmore\n");
	UNTIL(closed == 1);
	ck_assert_str_eq(why, "closed");
	ck_assert(well);
	ck_assert_uint_eq(stream_loop_count(loop), 1);
	memset(noise, 'n', sizeof noise);
	for (int i = 0; i < 5; i++) {
		send(fd, noise, sizeof noise, MSG_NOSIGNAL);
		spin(0.005);
	}
	ck_assert_str_eq(hear(fd), "bye\n");
	ck_assert_str_eq(hear(fd), "EOF");
	close(fd);
	UNTIL(stream_loop_count(loop) == 0);
	/* one that never ends is left */
	fd = dial();
	say(fd, "close\n");
	UNTIL(closed == 2);
	ck_assert_uint_eq(stream_loop_count(loop), 1);
	UNTIL(stream_loop_count(loop) == 0);
	ck_assert_str_eq(hear(fd), "close\n");
	close(fd);
}
END_TEST

START_TEST(closing_to_the_deaf)
{
	static char big[900000];
	int fd;

	options.idle_ms = 100;
	serve(&echo);
	fd = dial();
	UNTIL(opened == 1);
	for (int i = 0; i < 30 && stream_write(last, slice_of(big, sizeof big)); i++)
		spin(0.002);
	stream_close(last);
	UNTIL(closed == 1);
	ck_assert_str_eq(why, "peer does not take the last output");
	ck_assert(!well);
	close(fd);
}
END_TEST

static void
abort_all(struct stream *s, void *ctx)
{
	unsigned *n = ctx;

	/* the first takes all others along */
	(*n)++;
	stream_abort_all(loop);
}

static void
count(struct stream *s, void *ctx)
{
	++*(unsigned *)ctx;
}

START_TEST(aborts)
{
	unsigned n = 0;
	int fd[5];

	serve(&echo);
	for (int i = 0; i < 5; i++)
		fd[i] = dial();
	UNTIL(opened == 5);
	say(fd[0], "abort\nnot seen\n");
	UNTIL(closed == 1);
	ck_assert(slice_eq(buf_slice(&got), SLICE("abort\n")));
	stream_each(loop, count, &n);
	ck_assert_uint_eq(n, 4);
	n = 0;
	stream_each(loop, abort_all, &n);
	ck_assert_uint_eq(n, 1);
	ck_assert_uint_eq(closed, 5);
	stream_each(loop, count, &n);
	ck_assert_uint_eq(n, 1);
	for (int i = 0; i < 5; i++)
		close(fd[i]);
}
END_TEST

START_TEST(reset_by_peer)
{
	struct linger hard = { 1, 0 };
	int fd;

	serve(&echo);
	fd = dial();
	UNTIL(opened == 1);
	setsockopt(fd, SOL_SOCKET, SO_LINGER, &hard, sizeof hard);
	close(fd);
	UNTIL(closed == 1);
	ck_assert_str_eq(why, strerror(ECONNRESET));
	ck_assert(!well);
}
END_TEST

START_TEST(listener_goes_first)
{
	int fd;

	serve(&echo);
	fd = dial();
	UNTIL(opened == 1);
	stream_listener_free(listener);
	listener = NULL;
	say(fd, "still here\n");
	UNTIL(readable(fd));
	ck_assert_str_eq(hear(fd), "still here\n");
	close(fd);
	UNTIL(closed == 1);
	ck_assert_ptr_null(stream_hub_of(loop, false));
}
END_TEST

START_TEST(listener_pauses)
{
	int fd;

	serve(&echo);
	stream_listener_pause(listener);
	fd = dial();
	spin(0.02);
	ck_assert_uint_eq(opened, 0);
	stream_listener_resume(listener);
	UNTIL(opened == 1);
	close(fd);
	UNTIL(closed == 1);
}
END_TEST

START_TEST(unix_peers)
{
	char path[100];
	pid_t pid = 0;
	uid_t uid = 4711;
	int fd;

	snprintf(path, sizeof path, "%s/s", dir);
	ck_assert(addr_unix(path, &server));
	fd = listen_unix(path, 0600);
	listener = stream_listen(loop, fd, &options, &echo, &opened);
	fd = dial();
	UNTIL(opened == 1);
	ck_assert_str_eq(stream_peer(last), "unix");
	ck_assert(stream_peer_process(last, &pid, &uid));
	ck_assert_int_eq(pid, getpid());
	ck_assert_uint_eq(uid, getuid());
	say(fd, "x\n");
	UNTIL(readable(fd));
	ck_assert_str_eq(hear(fd), "x\n");
	close(fd);
	UNTIL(closed == 1);
	stream_listener_free(listener);
	listener = NULL;
	ck_assert_int_eq(access(path, F_OK), -1);
}
END_TEST

START_TEST(no_descriptors_left)
{
	struct rlimit old, less;
	struct stream_stats stats;
	int fd, top;

	serve(&echo);
	fd = dial();
	top = dup(fd);
	close(top);
	ck_assert_int_eq(getrlimit(RLIMIT_NOFILE, &old), 0);
	less = old;
	less.rlim_cur = top;
	ck_assert_int_eq(setrlimit(RLIMIT_NOFILE, &less), 0);
	log_open(-1);
	spin(0.25);
	stream_listener_stats(listener, &stats);
	ck_assert_uint_eq(opened, 0);
	ck_assert(stats.failed >= 1 && stats.failed <= 4);	/* no spinning */
	ck_assert_int_eq(setrlimit(RLIMIT_NOFILE, &old), 0);
	UNTIL(opened == 1);
	close(fd);
	UNTIL(closed == 1);
}
END_TEST

/* Outgoing ones. */

static unsigned up, down;
static char out_why[128];
static struct buf heard;
static uint64_t to_send, sent_out;

static bool
out_open(struct stream *s, void *ctx)
{
	ck_assert_ptr_null(ctx);
	ck_assert_ptr_eq(stream_data(s), &up);
	up++;
	return true;
}

static ssize_t
out_data(struct stream *s, struct slice data, bool eof)
{
	ck_assert(buf_add_slice(&heard, data));
	return (ssize_t)data.len;
}

static void
out_closed(struct stream *s)
{
	down++;
	snprintf(out_why, sizeof out_why, "%s", stream_error(s));
}

static const struct stream_ops out_ops = {
	.open = out_open, .data = out_data, .closed = out_closed,
};

START_TEST(connects)
{
	struct stream *s;
	char want[ADDR_TEXT];

	serve(&echo);
	s = stream_connect(loop, &server, NULL, &options, &out_ops, &up, 1000);
	ck_assert_ptr_nonnull(s);
	ck_assert_uint_eq(up, 0);
	addr_text(&server, want);
	ck_assert_str_eq(stream_peer(s), want);
	ck_assert(stream_write(s, SLICE("early\n")));
	UNTIL(heard.len == 6);
	ck_assert_uint_eq(up, 1);
	ck_assert(stream_write(s, SLICE("bye\n")));
	UNTIL(down == 1);
	ck_assert_str_eq(out_why, "closed by peer");
	ck_assert(slice_eq(buf_slice(&heard), SLICE("early\nbye\n")));
	UNTIL(stream_loop_count(loop) == 0);
	/* closed before it was up */
	s = stream_connect(loop, &server, NULL, &options, &out_ops, &up, 1000);
	stream_close(s);
	ck_assert_uint_eq(down, 2);
	UNTIL(opened == closed);
}
END_TEST

START_TEST(connects_in_vain)
{
	struct addr a;
	struct stream *s;
	int fd, fill[8];

	/* nobody there */
	fd = listen_tcp("127.0.0.1", 0, false);
	ck_assert(addr_numeric("127.0.0.1", listen_port(fd), &a));
	close(fd);
	s = stream_connect(loop, &a, NULL, &options, &out_ops, &up, 1000);
	ck_assert_ptr_nonnull(s);
	ck_assert_uint_eq(down, 0);
	UNTIL(down == 1);
	ck_assert_str_eq(out_why, strerror(ECONNREFUSED));
	ck_assert(addr_unix("/nonexistent/socket", &a));
	s = stream_connect(loop, &a, NULL, &options, &out_ops, &up, 1000);
	ck_assert_ptr_nonnull(s);
	ck_assert_uint_eq(down, 1);
	UNTIL(down == 2);
	ck_assert_str_eq(out_why, strerror(ENOENT));
	/* nobody answers: a listener whose queue is full */
	fd = socket(AF_INET, SOCK_STREAM, 0);
	ck_assert(addr_numeric("127.0.0.1", 0, &a));
	ck_assert_int_eq(bind(fd, &a.u.sa, a.len), 0);
	ck_assert_int_eq(listen(fd, 0), 0);
	ck_assert(addr_numeric("127.0.0.1", listen_port(fd), &a));
	for (int i = 0; i < 8; i++) {
		fill[i] = socket(AF_INET, SOCK_STREAM | SOCK_NONBLOCK, 0);
		connect(fill[i], &a.u.sa, a.len);
	}
	s = stream_connect(loop, &a, NULL, &options, &out_ops, &up, 100);
	ck_assert_ptr_nonnull(s);
	UNTIL(down == 3);
	ck_assert_str_eq(out_why, strerror(ETIMEDOUT));
	ck_assert_uint_eq(up, 0);
	/* aborted in between */
	s = stream_connect(loop, &a, NULL, &options, &out_ops, &up, 100);
	stream_abort(s);
	ck_assert_uint_eq(down, 4);
	for (int i = 0; i < 8; i++)
		close(fill[i]);
	close(fd);
}
END_TEST

/* 30 MB through an echo, both ends under backpressure. */

static void
pump(struct stream *s)
{
	char line[1000];

	while (sent_out < to_send) {
		for (size_t i = 0; i < sizeof line - 1; i++)
			line[i] = (char)('a' + (sent_out / 1000 + i) % 26);
		line[sizeof line - 1] = '\n';
		if (!stream_write(s, slice_of(line, sizeof line)))
			return;
		sent_out += sizeof line;
	}
}

static uint64_t received;

static ssize_t
check_data(struct stream *s, struct slice data, bool eof)
{
	for (size_t i = 0; i < data.len; i++, received++) {
		char want = received % 1000 == 999 ? '\n' :
		    (char)('a' + (received / 1000 + received % 1000) % 26);

		if (data.ptr[i] != want)
			ck_abort_msg("byte %zu", (size_t)received);
	}
	return (ssize_t)data.len;
}

START_TEST(bulk)
{
	static const struct stream_ops ops = {
		.open = out_open, .data = check_data, .closed = out_closed,
		.drained = pump,
	};
	struct stream *s;

	options.write_max = 300000;
	serve(&echo);
	s = stream_connect(loop, &server, NULL, &options, &ops, &up, 1000);
	to_send = 30000000;
	pump(s);
	UNTIL(received == to_send);
	ck_assert_uint_eq(got.len, to_send);
	stream_close(s);
	UNTIL(closed == 1 && down == 1);
}
END_TEST

START_TEST(small)
{
	/* a connection that says nothing costs this and no more */
	ck_assert_uint_le(sizeof(struct stream), 300);
}
END_TEST

int
main(void)
{
	Suite *s = suite_create("stream");
	TCase *t = tcase_create("stream");
	SRunner *r;
	int failed;

	buf_init(&heard, 1 << 20);
	tcase_set_timeout(t, 60);
	tcase_add_checked_fixture(t, setup, teardown);
	tcase_add_test(t, echoes);
	tcase_add_test(t, byte_by_byte);
	tcase_add_test(t, large_messages);
	tcase_add_test(t, endless_line);
	tcase_add_test(t, pauses);
	tcase_add_test(t, slow_reader);
	tcase_add_test(t, idle);
	tcase_add_test(t, refusals);
	tcase_add_test(t, lingers);
	tcase_add_test(t, last_words);
	tcase_add_test(t, closing_to_the_deaf);
	tcase_add_test(t, aborts);
	tcase_add_test(t, reset_by_peer);
	tcase_add_test(t, listener_goes_first);
	tcase_add_test(t, listener_pauses);
	tcase_add_test(t, unix_peers);
	tcase_add_test(t, no_descriptors_left);
	tcase_add_test(t, connects);
	tcase_add_test(t, connects_in_vain);
	tcase_add_test(t, bulk);
	tcase_add_test(t, small);
	suite_add_tcase(s, t);
	r = srunner_create(s);
	srunner_run_all(r, CK_NORMAL);
	failed = srunner_ntests_failed(r);
	srunner_free(r);
	return failed != 0;
}
