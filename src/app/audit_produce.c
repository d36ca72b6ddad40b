/* audit_produce.c - numbered events, and what was answered to each.
 *
 * What has no answer when a connection is lost is sent again on the next one,
 * under the same name, until it is answered or patience ends.  An error that
 * means "not now" does the same.  On SIGTERM nothing new is sent, and it ends
 * when all that was sent is answered. */
#include "config.h"

#include <errno.h>
#include <getopt.h>
#include <inttypes.h>
#include <poll.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sysexits.h>
#include <time.h>
#include <unistd.h>

#include "app/audit.h"
#include "app/redis_client.h"
#include "base/clock.h"
#include "base/number.h"
#include "sink/shipper_script.h"

#define MAX_WINDOW 65536

struct produce {
	struct ship_url to;
	const char *stream;
	char p[AUDIT_PRODUCER];
	uint64_t count, rate, window, size, patience_s;
	bool plain;
	FILE *log;
	char *body;
	redisContext *c;
	uint64_t *sent_us;	/* of number n at n % window */
	uint64_t next;		/* the first that was never sent */
	uint64_t sent;		/* on this connection, up to here */
	uint64_t acked;		/* all up to here were answered */
	uint64_t resent, refused;
	int64_t start_ns, heard_ns;
	char why[200];
};

static volatile sig_atomic_t told_to_end;

static void
on_term(int sig)
{
	told_to_end = 1;
}

static uint64_t
now_us(void)
{
	return (uint64_t)(clock_real_ns() / NS_PER_US);
}

/* The one with number n goes into the output. */
static bool
put(struct produce *a, uint64_t n)
{
	struct audit_event e = { .p = slice_str(a->p),
	    .b = { a->body, a->size }, .n = n };
	char number[24], t[24], sum[9];
	const char *argv[16];
	size_t len[16];
	int argc = 0;

	if (n == a->next) {
		a->sent_us[n % a->window] = now_us();
		a->next++;
	} else {
		a->resent++;
	}
	memset(a->body, (int)('a' + n % 26), a->size);
	e.t = a->sent_us[n % a->window];
	audit_sum(&e, sum);
	snprintf(number, sizeof number, "%" PRIu64, n);
	snprintf(t, sizeof t, "%" PRIu64, e.t);
#define ARG(text) (len[argc] = strlen(text), argv[argc++] = (text))
	ARG("XADD");
	ARG(a->stream);
	if (!a->plain) {
		ARG("IDMP");
		ARG(a->p);
		ARG(number);
	}
	ARG("*");
	ARG("p");
	ARG(a->p);
	ARG("n");
	ARG(number);
	ARG("t");
	ARG(t);
	ARG("b");
	len[argc] = a->size;
	argv[argc++] = a->body;
	ARG("c");
	ARG(sum);
#undef ARG
	return redisAppendCommandArgv(a->c, argc, argv, len) == REDIS_OK;
}

/* The answer to number acked + 1.  False: this connection is no good. */
static bool
answered(struct produce *a, const redisReply *r)
{
	uint64_t n = a->acked + 1;

	if (r->type == REDIS_REPLY_ERROR) {
		snprintf(a->why, sizeof a->why, "%s", r->str);
		a->refused++;
		return false;
	}
	fprintf(a->log, "A\t%s\t%" PRIu64 "\t%" PRIu64 "\t%" PRIu64 "\t%s\n",
	    a->p, n, a->sent_us[n % a->window], now_us(),
	    r->str == NULL ? "" : r->str);
	a->acked = n;
	a->heard_ns = clock_mono_ns();
	return true;
}

static bool
over(struct produce *a)
{
	if (told_to_end && a->count >= a->next)
		a->count = a->next - 1;
	return a->acked >= a->count;
}

/* Numbers up to this one are due now. */
static uint64_t
due(const struct produce *a)
{
	uint64_t n = a->count;

	if (a->rate > 0)
		n = (uint64_t)((double)(clock_mono_ns() - a->start_ns) / 1e9 *
		    (double)a->rate);
	if (n > a->count)
		n = a->count;
	return n < a->acked + a->window ? n : a->acked + a->window;
}

static bool
flush(struct produce *a)
{
	int done = 0;

	while (!done)
		if (redisBufferWrite(a->c, &done) != REDIS_OK)
			return false;
	return true;
}

/* Take what was answered, waiting at most ms for it. */
static bool
take(struct produce *a, int ms)
{
	struct pollfd p = { .fd = a->c->fd, .events = POLLIN };
	void *reply = NULL;

	if (poll(&p, 1, ms) <= 0)
		return true;
	if (redisBufferRead(a->c) != REDIS_OK)
		return false;
	for (;;) {
		bool good;

		if (redisReaderGetReply(a->c->reader, &reply) != REDIS_OK)
			return false;
		if (reply == NULL)
			return true;
		good = answered(a, reply);
		freeReplyObject(reply);
		if (!good)
			return false;
	}
}

static bool
out_of_patience(const struct produce *a)
{
	return clock_mono_ns() - a->heard_ns >
	    (int64_t)a->patience_s * NS_PER_S;
}

/* As long as the connection is good. */
static void
run(struct produce *a)
{
	a->sent = a->acked;
	while (!over(a) && !out_of_patience(a)) {
		uint64_t to = due(a);
		bool waiting;

		while (a->sent < to)
			if (!put(a, ++a->sent))
				return;
		waiting = a->sent >= a->acked + a->window || a->sent >= a->count;
		if (!flush(a) || !take(a, waiting || a->rate > 0 ?
		    (waiting ? 100 : 1) : 0))
			return;
	}
}

static void
connect_and_run(struct produce *a)
{
	struct timespec pause = { 0, 50 * 1000000 };

	a->c = redis_client_open(&a->to, a->why, sizeof a->why);
	if (a->c != NULL) {
		a->why[0] = '\0';
		run(a);
		if (a->c->err != 0)
			snprintf(a->why, sizeof a->why, "%s", a->c->errstr);
		redisFree(a->c);
		a->c = NULL;
	}
	if (!over(a))
		nanosleep(&pause, NULL);
}

static int
produce(struct produce *a)
{
	double seconds;

	a->next = 1;
	a->start_ns = a->heard_ns = clock_mono_ns();
	while (!over(a) && !out_of_patience(a))
		connect_and_run(a);
	seconds = (double)(clock_mono_ns() - a->start_ns) / 1e9;
	for (uint64_t n = a->acked + 1; n < a->next; n++)
		fprintf(a->log, "?\t%s\t%" PRIu64 "\t%" PRIu64 "\n", a->p, n,
		    a->sent_us[n % a->window]);
	if (fclose(a->log) == EOF) {
		fprintf(stderr, "millrace audit: log: %s\n", strerror(errno));
		return EX_IOERR;
	}
	fprintf(stderr, "millrace audit: %s: %" PRIu64 " of %" PRIu64
	    " acknowledged in %.3f s (%.0f/s), %" PRIu64 " sent again, %" PRIu64
	    " refusals%s%s\n", a->p, a->acked, a->count, seconds,
	    (double)a->acked / seconds, a->resent, a->refused,
	    a->why[0] != '\0' ? ", the last: " : "", a->why);
	return a->acked == a->count ? 0 : EX_TEMPFAIL;
}

static const struct option longs[] = {
	{ "to", required_argument, NULL, 't' },
	{ "log", required_argument, NULL, 'l' },
	{ "producer", required_argument, NULL, 'p' },
	{ "count", required_argument, NULL, 'n' },
	{ "rate", required_argument, NULL, 'r' },
	{ "window", required_argument, NULL, 'w' },
	{ "size", required_argument, NULL, 's' },
	{ "patience", required_argument, NULL, 'P' },
	{ "plain", no_argument, NULL, 'x' },
	{ NULL, 0, NULL, 0 }
};

/* resp:// is what a millrace calls its door. */
static bool
take_url(const char *text, struct ship_url *u)
{
	char copy[1024];
	const char *wrong;

	if (strncmp(text, "resp://", 7) == 0)
		snprintf(copy, sizeof copy, "redis://%s", text + 7);
	else
		snprintf(copy, sizeof copy, "%s", text);
	wrong = ship_url_parse(slice_str(copy), u);
	if (wrong != NULL)
		fprintf(stderr, "millrace audit: %s: %s\n", text, wrong);
	return wrong == NULL;
}

static bool
take_option(int c, struct produce *a, bool *to)
{
	struct slice v = slice_str(optarg);

	switch (c) {
	case 't':
		return *to = take_url(optarg, &a->to);
	case 'l':
		a->log = fopen(optarg, "we");
		if (a->log == NULL)
			perror(optarg);
		return a->log != NULL;
	case 'p':
		snprintf(a->p, sizeof a->p, "%s", optarg);
		return a->p[0] != '\0';
	case 'n':
		return number_u64(v, &a->count) && a->count > 0;
	case 'r':
		return number_u64(v, &a->rate);
	case 'w':
		return number_u64(v, &a->window) && a->window > 0 &&
		    a->window <= MAX_WINDOW;
	case 's':
		return number_u64(v, &a->size) && a->size <= (64u << 20);
	case 'P':
		return number_u64(v, &a->patience_s);
	case 'x':
		a->plain = true;
		return true;
	default:
		return false;
	}
}

int
audit_produce(int argc, char **argv)
{
	struct produce a = { .count = 1000, .window = 256, .size = 100,
	    .patience_s = 30 };
	struct sigaction term = { .sa_handler = on_term };
	char host[32] = "host";
	bool to = false;
	int c, rc = EX_OSERR;

	sigaction(SIGTERM, &term, NULL);
	gethostname(host, sizeof host - 1);
	snprintf(a.p, sizeof a.p, "%s.%ld", host, (long)getpid());
	optind = 0;
	while ((c = getopt_long(argc, argv, "", longs, NULL)) != -1)
		if (!take_option(c, &a, &to))
			return EX_USAGE;
	if (!to || a.log == NULL || optind + 1 != argc)
		return EX_USAGE;
	a.stream = argv[optind];
	a.sent_us = calloc(a.window, sizeof *a.sent_us);
	a.body = malloc(a.size + 1);
	if (a.sent_us != NULL && a.body != NULL)
		rc = produce(&a);
	free(a.sent_us);
	free(a.body);
	return rc;
}
