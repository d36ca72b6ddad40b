/* audit_consume.c - write down what arrived: from streams of a Redis, or from
 * a journal. */
#include "config.h"

#include <errno.h>
#include <getopt.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sysexits.h>
#include <time.h>

#include "app/audit.h"
#include "app/redis_client.h"
#include "base/clock.h"
#include "base/number.h"
#include "proto/xadd.h"
#include "record/record.h"
#include "sink/journal.h"

#define BATCH "1000"
#define MAX_KEYS 1024
#define MAX_FIELDS 64

struct consume {
	struct ship_url redis;
	bool has_redis, follow;
	const char *journal, *log_name;
	uint64_t idle_s;
	FILE *log;
	char **keys;
	size_t nkeys;
	char (*last)[48];	/* id of each key */
	redisContext *c;
	uint64_t seen, bad;
	const char *stream;	/* of the journal */
};

/* One event, by its fields. */
static void
note(struct consume *a, struct slice key, struct slice id,
    const struct pair *f, size_t n)
{
	struct audit_event e = { .n = 0 };
	struct slice sum = { NULL, 0 };
	char own[9];
	bool ok;

	for (size_t i = 0; i < n; i++) {
		if (slice_eq(f[i].key, SLICE("p")))
			e.p = f[i].value;
		else if (slice_eq(f[i].key, SLICE("n")))
			number_u64(f[i].value, &e.n);
		else if (slice_eq(f[i].key, SLICE("t")))
			number_u64(f[i].value, &e.t);
		else if (slice_eq(f[i].key, SLICE("b")))
			e.b = f[i].value;
		else if (slice_eq(f[i].key, SLICE("c")))
			sum = f[i].value;
	}
	audit_sum(&e, own);
	ok = slice_eq(sum, slice_str(own)) && e.n > 0 && e.p.len > 0 &&
	    e.p.len < AUDIT_PRODUCER;
	a->seen++;
	a->bad += !ok;
	fprintf(a->log, "S\t%.*s\t%.*s\t%.*s\t%" PRIu64 "\t%" PRIu64 "\t%" PRIu64
	    "\t%s\n", SLICE_ARG(key), SLICE_ARG(id), SLICE_ARG(slice_upto(e.p,
	    AUDIT_PRODUCER)), e.n, e.t, (uint64_t)(clock_real_ns() / NS_PER_US),
	    ok ? "ok" : "bad");
}

/* Entries of one key after its last id.  -1: the connection. */
static long
read_key(struct consume *a, size_t k)
{
	char from[50];
	redisReply *r;
	long n;

	snprintf(from, sizeof from, "%s%s", a->last[k][0] == '-' ? "" : "(",
	    a->last[k]);
	r = REDIS_ASK(a->c, "XRANGE", a->keys[k], from, "+", "COUNT", BATCH);
	if (r == NULL || r->type == REDIS_REPLY_ERROR) {
		fprintf(stderr, "millrace audit: %s: %s\n", a->keys[k],
		    r == NULL ? a->c->errstr : r->str);
		freeReplyObject(r);
		return -1;
	}
	for (size_t i = 0; i < r->elements; i++) {
		const redisReply *e = r->element[i], *f = e->element[1];
		struct pair pairs[MAX_FIELDS];
		size_t m = 0;

		for (size_t j = 0; j + 1 < f->elements && m < MAX_FIELDS; j += 2)
			pairs[m++] = (struct pair){
				{ f->element[j]->str, f->element[j]->len },
				{ f->element[j + 1]->str, f->element[j + 1]->len }
			};
		note(a, slice_str(a->keys[k]), slice_str(e->element[0]->str),
		    pairs, m);
		snprintf(a->last[k], sizeof a->last[k], "%s",
		    e->element[0]->str);
	}
	n = (long)r->elements;
	freeReplyObject(r);
	return n;
}

static void
nap(unsigned ms)
{
	struct timespec t = { 0, (long)ms * 1000000 };

	nanosleep(&t, NULL);
}

/* All keys, again and again while something new comes. */
static int
consume_redis(struct consume *a)
{
	int64_t idle = (int64_t)a->idle_s * NS_PER_S;
	int64_t last = clock_mono_ns();
	char why[200] = "";

	for (;;) {
		long got = 0, n = 0;

		if (a->c == NULL)
			a->c = redis_client_open(&a->redis, why, sizeof why);
		for (size_t k = 0; k < a->nkeys && n >= 0 && a->c != NULL; k++)
			while ((n = read_key(a, k)) > 0)
				got += n;
		if (n < 0) {
			redisFree(a->c);
			a->c = NULL;
		}
		if (got > 0)
			last = clock_mono_ns();
		if (a->c != NULL && !a->follow)
			return 0;
		if (clock_mono_ns() - last > idle)
			break;
		if (got == 0)
			nap(5);
	}
	if (a->c != NULL)
		return 0;
	fprintf(stderr, "millrace audit: redis: %s\n", why);
	return EX_TEMPFAIL;
}

static void
visit(void *ctx, const struct journal_entry *e)
{
	struct consume *a = ctx;
	struct pair pairs[MAX_FIELDS];
	char id[48];
	size_t n;

	if (!slice_eq(e->stream, slice_str(a->stream)))
		return;
	n = journal_fields(e->fields, pairs, MAX_FIELDS);
	snprintf(id, sizeof id, "%" PRIu64 "-%" PRIu64, e->ms, e->seq);
	note(a, e->stream, slice_str(id), pairs, n <= MAX_FIELDS ? n : 0);
}

static int
consume_journal(struct consume *a)
{
	struct journal_options o = { .dir = a->journal, .visit = visit,
	    .ctx = a };
	struct journal_report r;
	int rc = 0;

	a->stream = a->keys[0];
	if (journal_inspect(&o, &r) == -1) {
		fprintf(stderr, "millrace audit: journal %s: %s\n", a->journal,
		    r.message);
		rc = EX_NOINPUT;
	}
	journal_report_fini(&r);
	return rc;
}

static int
consume(struct consume *a)
{
	int rc;

	a->last = calloc(a->nkeys, sizeof *a->last);
	if (a->last == NULL)
		return EX_OSERR;
	for (size_t k = 0; k < a->nkeys; k++)
		snprintf(a->last[k], sizeof a->last[k], "-");
	a->log = fopen(a->log_name, "we");
	if (a->log == NULL) {
		perror(a->log_name);
		return EX_CANTCREAT;
	}
	rc = a->has_redis ? consume_redis(a) : consume_journal(a);
	if (fclose(a->log) == EOF)
		rc = EX_IOERR;
	fprintf(stderr, "millrace audit: %" PRIu64 " seen, %" PRIu64 " bad\n",
	    a->seen, a->bad);
	if (a->c != NULL)
		redisFree(a->c);
	free(a->last);
	return rc;
}

int
audit_consume(int argc, char **argv)
{
	static const struct option longs[] = {
		{ "redis", required_argument, NULL, 'r' },
		{ "journal", required_argument, NULL, 'j' },
		{ "log", required_argument, NULL, 'l' },
		{ "follow", no_argument, NULL, 'f' },
		{ "idle", required_argument, NULL, 'i' },
		{ NULL, 0, NULL, 0 }
	};
	struct consume a = { .idle_s = 5 };
	const char *wrong = NULL;
	int c;

	optind = 0;
	while ((c = getopt_long(argc, argv, "", longs, NULL)) != -1) {
		if (c == 'r') {
			wrong = ship_url_parse(slice_str(optarg), &a.redis);
			a.has_redis = true;
		} else if (c == 'j') {
			a.journal = optarg;
		} else if (c == 'l') {
			a.log_name = optarg;
		} else if (c == 'f') {
			a.follow = true;
		} else if (c != 'i' || !number_u64(slice_str(optarg),
		    &a.idle_s)) {
			return EX_USAGE;
		}
		if (wrong != NULL) {
			fprintf(stderr, "millrace audit: %s: %s\n", optarg, wrong);
			return EX_USAGE;
		}
	}
	a.keys = argv + optind;
	a.nkeys = (size_t)(argc - optind);
	if (a.log_name == NULL || a.nkeys == 0 || a.nkeys > MAX_KEYS ||
	    a.has_redis == (a.journal != NULL) ||
	    (a.journal != NULL && a.nkeys != 1))
		return EX_USAGE;
	return consume(&a);
}
