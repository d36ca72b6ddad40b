/* journal_kit.h - what tests of the journal share: a directory of their own,
 * events by number, and an audit of all that can be read back. */
#ifndef MILLRACE_TESTS_JOURNAL_KIT_H
#define MILLRACE_TESTS_JOURNAL_KIT_H

#include <check.h>
#include <dirent.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <unistd.h>

#include "sink/journal.h"

static char kit_dir[128];

static inline void
kit_remove(void)
{
	DIR *d = opendir(kit_dir);
	struct dirent *e;
	char path[512];

	if (d == NULL)
		return;
	while ((e = readdir(d)) != NULL) {
		snprintf(path, sizeof path, "%s/%s", kit_dir, e->d_name);
		unlink(path);
	}
	closedir(d);
	rmdir(kit_dir);
}

/* A fresh name in the build directory: the real disk, not a tmpfs. */
static inline void
kit_fresh(void)
{
	kit_remove();
	snprintf(kit_dir, sizeof kit_dir, "journal-test-%d.dir", (int)getpid());
	kit_remove();
}

/* How many files there are whose name ends so. */
static inline int
kit_count(const char *end)
{
	DIR *d = opendir(kit_dir);
	struct dirent *e;
	int n = 0;

	if (d == NULL)
		return 0;
	while ((e = readdir(d)) != NULL) {
		size_t len = strlen(e->d_name), m = strlen(end);

		if (len >= m && strcmp(e->d_name + len - m, end) == 0)
			n++;
	}
	closedir(d);
	return n;
}

static inline struct journal_options
kit_options(void)
{
	return (struct journal_options){
		.dir = kit_dir, .segment_bytes = 64 << 10,
		.event_bytes = 4096, .spares = 2
	};
}

static inline struct journal *
kit_open(const struct journal_options *o, struct journal_report *r)
{
	struct journal_report own;
	struct journal *j = NULL;
	int result = journal_open(o, &j, r != NULL ? r : &own);

	if (result == -1)
		fprintf(stderr, "%s\n", (r != NULL ? r : &own)->message);
	ck_assert_int_eq(result, 0);
	if (r == NULL)
		journal_report_fini(&own);
	return j;
}

/* Event `n` of a stream: its bytes follow from n. */
struct kit_event {
	struct event_record ev;
	struct pair pairs[2];
	char number[24], pad[600];
};

static inline void
kit_event(struct kit_event *k, const char *stream, uint64_t n)
{
	size_t len = (size_t)(n * 37 % 400);

	snprintf(k->number, sizeof k->number, "%llu", (unsigned long long)n);
	memset(k->pad, (int)('a' + n % 26), len);
	k->pairs[0] = (struct pair){ SLICE("n"), slice_str(k->number) };
	k->pairs[1] = (struct pair){ SLICE("pad"), { k->pad, len } };
	k->ev = (struct event_record){
		.stream = slice_str(stream), .pid = SLICE("kit"),
		.iid = slice_str(k->number), .fields = k->pairs, .nfields = 2
	};
}

/* By the syncing thread, or every other time in this one if that may be. */
static inline void
kit_commit(struct journal *j)
{
	static unsigned commits;

	if (commits++ % 2 == 0 || !journal_sync_here(j))
		journal_commit(j);
}

/* Until it is durable, or the test has failed. */
static inline void
kit_wait(struct journal *j, uint64_t lsn)
{
	kit_commit(j);
	for (int i = 0; journal_durable(j) < lsn; i++) {
		ck_assert_int_lt(i, 100000);
		usleep(100);
	}
}

/* Append an event, as often as the journal says that too much is under way. */
static inline struct journal_id
kit_append_event(struct journal *j, const struct event_record *ev, int64_t now)
{
	enum journal_result r = JOURNAL_BUSY;
	struct journal_id id;

	for (int i = 0; i < 100000; i++) {
		r = journal_append(j, ev, now, &id);
		if (r != JOURNAL_BUSY)
			break;
		kit_commit(j);
		usleep(100);
	}
	ck_assert_int_eq(r, JOURNAL_OK);
	return id;
}

static inline struct journal_id
kit_append(struct journal *j, const char *stream, uint64_t n, int64_t now)
{
	struct kit_event k;

	kit_event(&k, stream, n);
	return kit_append_event(j, &k.ev, now);
}

/* The n of an event, after its bytes were found to be what n makes them. */
static inline uint64_t
kit_check(const struct journal_entry *e)
{
	struct kit_event k;
	struct pair pairs[2];
	uint64_t n;
	char stream[256];

	ck_assert_uint_eq(journal_fields(e->fields, pairs, 2), 2);
	n = strtoull(pairs[0].value.ptr, NULL, 10);
	snprintf(stream, sizeof stream, "%.*s", SLICE_ARG(e->stream));
	kit_event(&k, stream, n);
	for (int i = 0; i < 2; i++) {
		ck_assert(slice_eq(pairs[i].key, k.pairs[i].key));
		ck_assert(slice_eq(pairs[i].value, k.pairs[i].value));
	}
	ck_assert(slice_eq(e->pid, k.ev.pid));
	ck_assert(slice_eq(e->iid, k.ev.iid));
	return n;
}

#endif
