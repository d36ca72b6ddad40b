/* send_event.c - an event from a shell, with an exit status that means stored.
 *
 * The event carries a producer's id and its own, so that it can be sent again
 * after a lost connection and still stands once.  A script that gives both
 * itself (--pid, --iid) may also be run again. */
#include "config.h"

#include <errno.h>
#include <inttypes.h>
#include <poll.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/random.h>
#include <sys/socket.h>
#include <time.h>
#include <unistd.h>

#include "app/dial.h"
#include "app/send.h"
#include "base/clock.h"
#include "proto/resp.h"

#define EVENT_MAX ((size_t)64 << 20)
#define REPLY_MAX ((size_t)64 << 10)

struct attempt {
	const struct send_opts *o;
	struct dial_addr to;
	struct buf request;
	bool auth;			/* the first reply is AUTH's */
	int64_t end_ns;
	char last[512];			/* why it did not work yet */
};

enum outcome { STORED, REFUSED, DENIED, AGAIN };

static int
left_ms(const struct attempt *a)
{
	int64_t ns = a->end_ns - clock_mono_ns();

	return ns <= 0 ? 0 : (int)(ns / NS_PER_MS) + 1;
}

/* What an error reply means to a sender: the prefix says. */
static enum outcome
judge(struct slice error)
{
	static const struct { const char *prefix; enum outcome o; } table[] = {
		{ "NOAUTH", DENIED }, { "WRONGPASS", DENIED },
		{ "NOPERM", DENIED }, { "LOADING", AGAIN }, { "OOM", AGAIN },
		{ "MISCONF", AGAIN }, { "BUSY", AGAIN }, { "READONLY", AGAIN },
		{ "NOREPLICAS", AGAIN }, { "MASTERDOWN", AGAIN },
		{ "CLUSTERDOWN", AGAIN }, { "TRYAGAIN", AGAIN },
	};
	size_t i;

	for (i = 0; i < sizeof table / sizeof *table; i++)
		if (slice_starts(error, slice_str(table[i].prefix)))
			return table[i].o;
	return REFUSED;
}

static bool
write_all(int fd, struct slice s)
{
	while (s.len > 0) {
		ssize_t n = send(fd, s.ptr, s.len, MSG_NOSIGNAL);

		if (n == -1 && errno != EINTR)
			return false;
		if (n > 0)
			s = slice_from(s, (size_t)n);
	}
	return true;
}

/* Read what there is; false: there will be no more in time. */
static bool
read_more(struct attempt *a, int fd, struct buf *in)
{
	struct pollfd p = { .fd = fd, .events = POLLIN };
	ssize_t n;

	if (poll(&p, 1, left_ms(a)) <= 0) {
		snprintf(a->last, sizeof a->last, "no answer in time");
		return false;
	}
	if (!buf_reserve(in, 4096))
		return false;
	n = recv(fd, in->data + in->len, in->cap - in->len, 0);
	if (n <= 0) {
		snprintf(a->last, sizeof a->last, "%s", n == 0 ?
		    "closed before the answer" : strerror(errno));
		return false;
	}
	in->len += (size_t)n;
	return true;
}

/* Take one reply; true when it was there.  *v borrows from `in`. */
static enum resp_status
take_reply(struct resp_reply *r, struct buf *in, struct resp_value *v,
    size_t *len)
{
	enum resp_status st = resp_reply_scan(r, buf_slice(in), len);
	struct slice reply;

	if (st == RESP_READY) {
		reply = slice_upto(buf_slice(in), *len);
		if (!resp_value_next(&reply, v))
			return RESP_BAD;
	}
	return st;
}

static enum outcome
read_answer(struct attempt *a, int fd)
{
	struct buf in = BUF_INIT(REPLY_MAX);
	unsigned skip = a->auth ? 1 : 0;
	enum outcome got = AGAIN;
	struct resp_reply scanner;
	struct resp_value v;
	size_t len;

	resp_reply_init(&scanner, REPLY_MAX);
	for (;;) {
		enum resp_status st = take_reply(&scanner, &in, &v, &len);

		if (st == RESP_MORE) {
			if (!read_more(a, fd, &in))
				break;
			continue;
		}
		if (st != RESP_READY || (v.type != RESP_ERROR &&
		    v.type != RESP_BULK && v.type != RESP_SIMPLE)) {
			snprintf(a->last, sizeof a->last, "an answer that is "
			    "no RESP; is %s the events port?", a->to.text);
			got = REFUSED;
			break;
		}
		snprintf(a->last, sizeof a->last, "%.*s", SLICE_ARG(v.text));
		if (v.type == RESP_ERROR) {
			got = judge(v.text);
			break;
		}
		if (skip == 0) {
			got = STORED;
			break;
		}
		skip--;
		buf_consume(&in, len);
	}
	buf_fini(&in);
	return got;
}

static enum outcome
try_once(struct attempt *a)
{
	int fd = dial(&a->to, left_ms(a));
	enum outcome got = AGAIN;

	if (fd == -1) {
		snprintf(a->last, sizeof a->last, "%s", strerror(errno));
		return AGAIN;
	}
	if (write_all(fd, buf_slice(&a->request)))
		got = read_answer(a, fd);
	else
		snprintf(a->last, sizeof a->last, "%s", strerror(errno));
	close(fd);
	return got;
}

/* An id of its own for an event that was given none. */
static void
make_iid(char *out, size_t size)
{
	uint64_t r[2];

	if (getrandom(r, sizeof r, 0) != (ssize_t)sizeof r) {
		r[0] = (uint64_t)clock_real_ns();
		r[1] = (uint64_t)getpid();
	}
	snprintf(out, size, "%016" PRIx64 "%016" PRIx64, r[0], r[1]);
}

static void
make_pid(char *out, size_t size)
{
	char host[40] = "";

	(void)gethostname(host, sizeof host - 1);
	snprintf(out, size, "%s:send:%u", host, (unsigned)getuid());
}

static bool
add_auth(struct attempt *a)
{
	struct slice argv[3] = { SLICE("AUTH") };
	const char *password = getenv("MILLRACE_PASSWORD");
	const char *user = getenv("MILLRACE_USER");

	if (a->to.password[0] != '\0') {
		password = a->to.password;
		user = a->to.user;
	}
	if (password == NULL || *password == '\0')
		return true;
	a->auth = true;
	argv[1] = slice_str(user != NULL && *user != '\0' ? user : "default");
	argv[2] = slice_str(password);
	return resp_add_request(&a->request, argv, 3);
}

/* XADD stream [IDMP pid iid] * field value ... */
static bool
add_xadd(struct attempt *a, const char *stream, char **fields, size_t nfields)
{
	size_t n = 0, i;
	char pid[64], iid[40];
	struct slice *argv = calloc(6 + 2 * nfields, sizeof *argv);
	bool ok, plain = strcmp(a->to.scheme, "redis") == 0 &&
	    a->o->pid == NULL;

	if (argv == NULL)
		return false;
	make_pid(pid, sizeof pid);
	make_iid(iid, sizeof iid);
	argv[n++] = SLICE("XADD");
	argv[n++] = slice_str(stream);
	if (!plain) {
		argv[n++] = SLICE("IDMP");
		argv[n++] = slice_str(a->o->pid != NULL ? a->o->pid : pid);
		argv[n++] = slice_str(a->o->iid != NULL ? a->o->iid : iid);
	}
	argv[n++] = SLICE("*");
	for (i = 0; i < nfields; i++) {
		struct slice rest = slice_str(fields[i]);

		argv[n++] = slice_cut(&rest, '=');
		argv[n++] = rest;
	}
	ok = resp_add_request(&a->request, argv, n);
	free(argv);
	return ok;
}

/* Again and again, a little slower each time, until the time is over. */
static enum outcome
try_until(struct attempt *a)
{
	long pause_ms = 50;

	for (;;) {
		enum outcome got = try_once(a);
		int left = left_ms(a);
		struct timespec ts;

		if (got != AGAIN || left == 0)
			return got;
		if (pause_ms > left)
			pause_ms = left;
		ts = (struct timespec){ pause_ms / 1000,
		    pause_ms % 1000 * 1000000 };
		nanosleep(&ts, NULL);
		pause_ms = pause_ms < 800 ? pause_ms * 2 : 1000;
	}
}

static enum send_exit
check(const struct send_opts *o, const char *stream, char **fields,
    size_t nfields)
{
	size_t i;

	if (*stream == '\0') {
		fprintf(stderr, "millrace send: the stream has no name\n");
		return SEND_DATA;
	}
	if ((o->pid == NULL) != (o->iid == NULL)) {
		fprintf(stderr, "millrace send: --pid and --iid belong "
		    "together\n");
		return SEND_USAGE;
	}
	for (i = 0; i < nfields; i++)
		if (strchr(fields[i], '=') == NULL || fields[i][0] == '=') {
			fprintf(stderr, "millrace send: '%s' is not "
			    "FIELD=VALUE\n", fields[i]);
			return SEND_DATA;
		}
	return SEND_OK;
}

enum send_exit
send_event(const struct send_opts *o, const char *stream, char **fields,
    size_t nfields)
{
	struct attempt a = { .o = o, .request = BUF_INIT(EVENT_MAX) };
	enum send_exit rc = check(o, stream, fields, nfields);
	enum outcome got;
	char why[400];

	if (rc != SEND_OK)
		return rc;
	if (!dial_parse(&a.to, o->to != NULL ? o->to : "127.0.0.1", "resp",
	    6390, why, sizeof why)) {
		fprintf(stderr, "millrace send: %s\n", why);
		return SEND_USAGE;
	}
	if (!add_auth(&a) || !add_xadd(&a, stream, fields, nfields)) {
		fprintf(stderr, "millrace send: an event has at most %zu bytes\n",
		    EVENT_MAX);
		buf_fini(&a.request);
		return SEND_DATA;
	}
	a.end_ns = clock_mono_ns() + (int64_t)(o->timeout_s * (double)NS_PER_S);
	got = try_until(&a);
	buf_fini(&a.request);
	if (got == STORED) {
		if (!o->quiet)
			printf("%s\n", a.last);
		return SEND_OK;
	}
	fprintf(stderr, "millrace send: %s: %s\n", a.to.text, a.last);
	return got == DENIED ? SEND_DENIED : got == REFUSED ? SEND_DATA :
	    SEND_LATER;
}
