/* audit_judge.c - compare what was acknowledged with what arrived.
 *
 * Both logs are read into arrays; sorting brings an event's answer and its
 * appearances together.  Lines that are broken are a fault of their own. */
#include "config.h"

#include <errno.h>
#include <getopt.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sysexits.h>

#include "app/audit.h"
#include "base/map.h"
#include "base/number.h"
#include "proto/xadd.h"

enum what { ACKED, UNKNOWN, SEEN };

struct line {
	uint32_t p, key;	/* numbers of names */
	uint8_t what;
	bool bad;
	uint64_t n, ms, seq;
	uint64_t sent_us, at_us;
	uint64_t place;		/* of a SEEN: in the order of its log */
};

struct judge {
	struct line *v;
	size_t n, cap;
	struct map *names;	/* of producers and keys: 1 + number */
	uint32_t nnames;
	bool partitioned, other_ids, json;
	uint64_t broken;
	/* the verdict */
	uint64_t acked, unknown, seen, stored;	/* stored: unknown, and seen */
	uint64_t lost, doubled, disorder, moved, corrupt, strange, gaps;
	uint64_t *latency[2];	/* to the answer; to the stream */
	size_t nlatency[2];
};

/* ---- reading ---- */

static uint32_t
name_number(struct judge *j, struct slice name)
{
	uintptr_t v = (uintptr_t)map_get(j->names, name);

	if (v == 0) {
		v = ++j->nnames;
		if (!map_put(j->names, name, (void *)v, NULL))
			return 0;
	}
	return (uint32_t)v;
}

static bool
parse(struct judge *j, struct slice s, struct line *l)
{
	struct slice w[8];
	size_t n = 0;

	while (n < 8 && s.ptr != NULL)
		w[n++] = slice_cut(&s, '\t');
	*l = (struct line){ .n = 0 };
	if (n == 6 && slice_eq(w[0], SLICE("A"))) {
		l->what = ACKED;
		l->p = name_number(j, w[1]);
		return number_u64(w[2], &l->n) && number_u64(w[3], &l->sent_us) &&
		    number_u64(w[4], &l->at_us) &&
		    stream_id_parse(w[5], 0, &l->ms, &l->seq);
	}
	if (n == 4 && slice_eq(w[0], SLICE("?"))) {
		l->what = UNKNOWN;
		l->p = name_number(j, w[1]);
		return number_u64(w[2], &l->n);
	}
	if (n != 8 || !slice_eq(w[0], SLICE("S")))
		return false;
	l->what = SEEN;
	l->key = name_number(j, w[1]);
	l->p = name_number(j, w[3]);
	l->bad = !slice_eq(w[7], SLICE("ok"));
	return stream_id_parse(w[2], 0, &l->ms, &l->seq) &&
	    number_u64(w[4], &l->n) && number_u64(w[5], &l->sent_us) &&
	    number_u64(w[6], &l->at_us);
}

static bool
add(struct judge *j, const struct line *l)
{
	if (j->n == j->cap) {
		size_t cap = j->cap == 0 ? 65536 : j->cap * 2;
		struct line *more = reallocarray(j->v, cap, sizeof *more);

		if (more == NULL)
			return false;
		j->v = more;
		j->cap = cap;
	}
	j->v[j->n] = *l;
	j->v[j->n].place = j->n;
	j->n++;
	return true;
}

static int
read_log(struct judge *j, const char *name)
{
	FILE *f = fopen(name, "re");
	char *text = NULL;
	size_t cap = 0;
	ssize_t n;
	struct line l;
	int rc = 0;

	if (f == NULL) {
		perror(name);
		return EX_NOINPUT;
	}
	while (rc == 0 && (n = getline(&text, &cap, f)) > 0) {
		if (text[n - 1] != '\n' ||
		    !parse(j, slice_of(text, (size_t)n - 1), &l))
			j->broken++;
		else if (!add(j, &l))
			rc = EX_OSERR;
	}
	free(text);
	fclose(f);
	return rc;
}

/* ---- comparing ---- */

static int
order(uint64_t a, uint64_t b)
{
	return a < b ? -1 : a > b;
}

static int
by_event(const void *a, const void *b)
{
	const struct line *x = a, *y = b;
	int c = order(x->p, y->p);

	if (c == 0)
		c = order(x->n, y->n);
	if (c == 0)
		c = order(x->what, y->what);
	return c != 0 ? c : order(x->place, y->place);
}

static int
by_key(const void *a, const void *b)
{
	const struct line *x = a, *y = b;
	int c = order(x->what, y->what);

	if (c == 0)
		c = order(x->key, y->key);
	return c != 0 ? c : order(x->place, y->place);
}

static int
by_producer(const void *a, const void *b)
{
	const struct line *x = a, *y = b;
	int c = order(x->what, y->what);

	if (c == 0)
		c = order(x->key, y->key);
	if (c == 0)
		c = order(x->p, y->p);
	return c != 0 ? c : order(x->place, y->place);
}

static void
time_of(struct judge *j, int which, const struct line *l)
{
	j->latency[which][j->nlatency[which]++] = l->at_us > l->sent_us ?
	    l->at_us - l->sent_us : 0;
}

/* All lines of one event: answers first, then what was seen. */
static void
one_event(struct judge *j, const struct line *v, size_t n)
{
	const struct line *ack = NULL;
	bool unknown = false;
	size_t seen = 0;

	for (size_t i = 0; i < n; i++) {
		const struct line *l = &v[i];

		if (l->what == ACKED && ack == NULL) {
			ack = l;
			time_of(j, 0, l);
		} else if (l->what == UNKNOWN) {
			unknown = true;
		} else if (l->what == SEEN) {
			j->corrupt += l->bad;
			j->moved += !j->other_ids && ack != NULL && seen == 0 &&
			    ack->ms != 0 &&
			    (l->ms != ack->ms || l->seq != ack->seq);
			if (seen++ == 0)
				time_of(j, 1, l);
		}
	}
	j->acked += ack != NULL;
	j->unknown += ack == NULL && unknown;
	j->stored += ack == NULL && unknown && seen > 0;
	j->strange += ack == NULL && !unknown && seen > 0;
	j->lost += ack != NULL && seen == 0;
	j->doubled += seen > 1 ? seen - 1 : 0;
	j->seen += seen;
}

/* In one key, in the order it was read. */
static void
sequences(struct judge *j)
{
	if (j->n > 1)
		qsort(j->v, j->n, sizeof *j->v, by_key);
	for (size_t i = 1; i < j->n; i++) {
		const struct line *x = &j->v[i - 1], *y = &j->v[i];

		if (x->what != SEEN || y->what != SEEN || x->key != y->key)
			continue;
		if (y->seq > x->seq + 1)
			j->gaps += y->seq - x->seq - 1;
		else if (y->seq <= x->seq)
			j->gaps++;
	}
}

static void
orders(struct judge *j)
{
	if (j->n > 1)
		qsort(j->v, j->n, sizeof *j->v, by_producer);
	for (size_t i = 1; i < j->n; i++) {
		const struct line *x = &j->v[i - 1], *y = &j->v[i];

		if (x->what == SEEN && y->what == SEEN && x->key == y->key &&
		    x->p == y->p && y->n < x->n)
			j->disorder++;
	}
}

static void
compare(struct judge *j)
{
	size_t end;

	if (j->n > 1)
		qsort(j->v, j->n, sizeof *j->v, by_event);
	for (size_t i = 0; i < j->n; i = end) {
		for (end = i + 1; end < j->n && j->v[end].p == j->v[i].p &&
		    j->v[end].n == j->v[i].n; end++)
			;
		one_event(j, j->v + i, end - i);
	}
	orders(j);
	if (!j->partitioned)
		sequences(j);
}

/* ---- telling ---- */

static int
by_value(const void *a, const void *b)
{
	return order(*(const uint64_t *)a, *(const uint64_t *)b);
}

static double
percentile(const struct judge *j, int which, double p)
{
	size_t n = j->nlatency[which];

	if (n == 0)
		return 0;
	return (double)j->latency[which][(size_t)((double)(n - 1) * p)] / 1000;
}

static bool
well(const struct judge *j)
{
	return j->lost + j->doubled + j->disorder + j->moved + j->corrupt +
	    j->strange + j->gaps + j->broken == 0;
}

static void
tell(struct judge *j)
{
	const struct {
		const char *name;
		uint64_t v;
	} rows[] = {
		{ "acked", j->acked }, { "unanswered", j->unknown },
		{ "unanswered_stored", j->stored }, { "seen", j->seen },
		{ "lost", j->lost }, { "doubled", j->doubled },
		{ "out_of_order", j->disorder }, { "other_id", j->moved },
		{ "corrupt", j->corrupt }, { "strange", j->strange },
		{ "gaps", j->gaps }, { "broken_lines", j->broken },
	};
	static const char *const names[2] = { "ack_ms", "stream_ms" };

	if (j->json)
		printf("{\"verdict\":\"%s\"", well(j) ? "good" : "bad");
	for (size_t i = 0; i < sizeof rows / sizeof *rows; i++)
		printf(j->json ? ",\"%s\":%" PRIu64 : "%-18s %12" PRIu64 "\n",
		    rows[i].name, rows[i].v);
	for (int w = 0; w < 2; w++) {
		qsort(j->latency[w], j->nlatency[w], sizeof *j->latency[w],
		    by_value);
		printf(j->json ? ",\"%s\":{\"p50\":%.3f,\"p99\":%.3f,"
		    "\"p999\":%.3f,\"max\":%.3f}" : "%-18s p50 %.3f p99 %.3f "
		    "p99.9 %.3f max %.3f\n", names[w], percentile(j, w, 0.5),
		    percentile(j, w, 0.99), percentile(j, w, 0.999),
		    percentile(j, w, 1));
	}
	printf(j->json ? "}\n" : "verdict: %s\n", well(j) ? "good" : "bad");
}

static int
judge(struct judge *j, char **logs)
{
	int rc = 0;

	for (; *logs != NULL && rc == 0; logs++)
		rc = read_log(j, *logs);
	if (rc != 0)
		return rc;
	for (int w = 0; w < 2; w++) {
		j->latency[w] = calloc(j->n + 1, sizeof *j->latency[w]);
		if (j->latency[w] == NULL)
			return EX_OSERR;
	}
	if (j->n > 0)
		compare(j);
	tell(j);
	return fflush(stdout) == EOF ? EX_IOERR : well(j) ? 0 : EX_DATAERR;
}

int
audit_judge(int argc, char **argv)
{
	static const struct option longs[] = {
		{ "partitioned", no_argument, NULL, 'p' },
		{ "other-ids", no_argument, NULL, 'o' },
		{ "json", no_argument, NULL, 'j' },
		{ NULL, 0, NULL, 0 }
	};
	struct judge j = { .n = 0 };
	int c, rc = EX_OSERR;

	optind = 0;
	while ((c = getopt_long(argc, argv, "", longs, NULL)) != -1) {
		if (c != 'p' && c != 'j' && c != 'o')
			return EX_USAGE;
		j.other_ids = j.other_ids || c == 'o';
		j.partitioned = j.partitioned || c == 'p';
		j.json = j.json || c == 'j';
	}
	if (optind == argc)
		return EX_USAGE;
	j.names = map_new(1u << 20);
	if (j.names != NULL)
		rc = judge(&j, argv + optind);
	if (j.names != NULL)
		map_free(j.names, NULL);
	free(j.latency[0]);
	free(j.latency[1]);
	free(j.v);
	return rc;
}
