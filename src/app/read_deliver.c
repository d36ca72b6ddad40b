/* read_deliver.c - hand an event over to a command, or write it out. */
#include "config.h"

#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

#include "app/read.h"
#include "base/clock.h"
#include "proto/event_json.h"

#define LINE_MAX_BYTES ((size_t)512 << 20)

static void
child(const struct read_opts *o, int in, uint64_t ms, uint64_t seq,
    unsigned tries)
{
	char id[48], try[16];

	snprintf(id, sizeof id, "%llu-%llu", (unsigned long long)ms,
	    (unsigned long long)seq);
	snprintf(try, sizeof try, "%u", tries);
	setenv("MILLRACE_STREAM", o->stream, 1);
	setenv("MILLRACE_ID", id, 1);
	setenv("MILLRACE_TRY", try, 1);
	setpgid(0, 0);
	signal(SIGPIPE, SIG_DFL);
	dup2(in, 0);
	execl("/bin/sh", "sh", "-c", o->exec, (char *)NULL);
	_exit(127);
}

static bool
ended(pid_t pid, int *status)
{
	pid_t got;

	do
		got = waitpid(pid, status, WNOHANG);
	while (got == -1 && errno == EINTR);
	return got != 0;
}

/* Feed it, and wait for its end, but not for ever.  False: it was killed. */
static bool
attend(pid_t pid, int fd, struct slice line, unsigned timeout_ms, int *status)
{
	int64_t end = clock_mono_ns() + timeout_ms * NS_PER_MS;

	for (unsigned nap = 1; !ended(pid, status);
	    nap = nap < 50 ? nap * 2 : 50) {
		struct pollfd p = { .fd = fd, .events = POLLOUT };
		ssize_t n = -1;

		if (clock_mono_ns() >= end) {
			kill(-pid, SIGKILL);
			kill(pid, SIGKILL);
			waitpid(pid, status, 0);
			return false;
		}
		if (poll(&p, fd == -1 ? 0 : 1, (int)nap) > 0)
			n = write(fd, line.ptr, line.len);
		if (n > 0)
			line = slice_from(line, (size_t)n);
		if (fd != -1 && (line.len == 0 || (n == -1 && p.revents != 0 &&
		    errno != EAGAIN && errno != EINTR))) {
			close(fd);
			fd = -1;
		}
	}
	if (fd != -1)
		close(fd);
	return true;
}

static bool
run(const struct read_opts *o, struct slice line, uint64_t ms, uint64_t seq,
    unsigned tries, char *why, size_t size)
{
	int fd[2], status = 0;
	bool in_time;
	pid_t pid;

	if (pipe2(fd, O_CLOEXEC) == -1) {
		snprintf(why, size, "pipe: %s", strerror(errno));
		return false;
	}
	pid = fork();
	if (pid == 0)
		child(o, fd[0], ms, seq, tries);
	close(fd[0]);
	if (pid == -1) {
		snprintf(why, size, "fork: %s", strerror(errno));
		close(fd[1]);
		return false;
	}
	fcntl(fd[1], F_SETFL, O_NONBLOCK);
	in_time = attend(pid, fd[1], line, o->timeout_ms, &status);
	if (!in_time)
		snprintf(why, size, "no end after %u ms", o->timeout_ms);
	else if (WIFSIGNALED(status))
		snprintf(why, size, "killed by signal %d", WTERMSIG(status));
	else if (WEXITSTATUS(status) != 0)
		snprintf(why, size, "exit status %d", WEXITSTATUS(status));
	return in_time && status == 0;
}

bool
read_deliver(const struct read_opts *o, const struct event_record *ev,
    uint64_t ms, uint64_t seq, unsigned tries, char *why, size_t size)
{
	static struct buf line = BUF_INIT(LINE_MAX_BYTES);
	bool ok;

	buf_clear(&line);
	ok = event_json_write(&line, ev, ms, seq) && buf_addc(&line, '\n');
	if (!ok)
		snprintf(why, size, "no memory for it");
	else if (o->exec != NULL)
		ok = run(o, buf_slice(&line), ms, seq, tries, why, size);
	else if (fwrite(line.data, 1, line.len, stdout) != line.len) {
		snprintf(why, size, "standard output: %s", strerror(errno));
		read_stop = 1;
		ok = false;
	}
	return ok;
}
