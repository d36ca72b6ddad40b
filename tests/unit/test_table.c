/* test_table.c - a worker's metric table: halves, growth, eviction. */
#include "config.h"

#include <check.h>
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

#include "core/member_set.h"
#include "core/table.h"

/* Sanitizers have memory of their own. */
#if defined(__SANITIZE_ADDRESS__) || defined(__SANITIZE_THREAD__)
#define SANITIZED 1
#elif defined(__has_feature)
#define SANITIZED (__has_feature(address_sanitizer) || \
    __has_feature(thread_sanitizer))
#else
#define SANITIZED 0
#endif

static struct metric_record
metric(enum metric_type type, const char *name, double value)
{
	return (struct metric_record){
		.type = type, .name = slice_str(name), .value = value,
		.rate = 1, .text = slice_str(name)
	};
}

/* Find or make, then add. */
static struct entry *
add(struct table *t, const struct metric_record *m)
{
	uint32_t hash = table_hash(t, m);
	struct entry *e = table_find(t, m, hash);

	if (e == NULL)
		e = table_insert(t, m, hash);
	if (e != NULL)
		ck_assert(table_add(t, e, m, SOURCE_STATSD, 1));
	return e;
}

START_TEST(a_name_is_found_again)
{
	struct table t;
	struct metric_record a = metric(METRIC_COUNTER, "a.b", 2);
	struct metric_record g = metric(METRIC_GAUGE, "a.b", 7);
	struct entry *e;

	ck_assert(table_init(&t, 100, 10, 1));
	e = add(&t, &a);
	ck_assert_ptr_eq(add(&t, &a), e);
	ck_assert_ptr_ne(add(&t, &g), e);	/* another kind of figure */
	ck_assert_double_eq(*entry_counter(e, 0), 4);
	table_fini(&t);
}
END_TEST

START_TEST(tags_and_their_style_are_part_of_the_key)
{
	struct table t;
	struct metric_record a = metric(METRIC_COUNTER, "a", 1), b = a, c = a;

	a.tags = b.tags = SLICE("k=v");
	a.tag_style = TAGS_GRAPHITE;
	b.tag_style = TAGS_INFLUX;
	ck_assert(table_init(&t, 100, 10, 1));
	ck_assert_ptr_ne(add(&t, &a), add(&t, &b));
	ck_assert_ptr_ne(add(&t, &a), add(&t, &c));
	ck_assert_ptr_eq(add(&t, &a), add(&t, &a));
	table_fini(&t);
}
END_TEST

START_TEST(a_swap_parts_the_intervals)
{
	struct table t;
	struct metric_record a = metric(METRIC_COUNTER, "a", 3);
	struct entry *e;
	struct half *h;

	ck_assert(table_init(&t, 100, 10, 1));
	e = add(&t, &a);
	h = table_swap(&t);
	ck_assert_ptr_nonnull(h);
	ck_assert_uint_eq(h->ndirty, 1);
	ck_assert_uint_eq(h->samples[SOURCE_STATSD], 1);
	add(&t, &a);
	add(&t, &a);
	ck_assert_double_eq(*entry_counter(e, h->index), 3);
	ck_assert_double_eq(*entry_counter(e, 1 - h->index), 6);
	ck_assert_ptr_null(table_swap(&t));	/* the other is not back */
	*entry_counter(e, h->index) = 0;
	table_half_back(&t, h);
	h = table_swap(&t);
	ck_assert_uint_eq(h->ndirty, 1);
	ck_assert_uint_eq(h->samples[SOURCE_STATSD], 2);
	table_half_back(&t, h);
	h = table_swap(&t);
	ck_assert_uint_eq(h->ndirty, 0);
	table_fini(&t);
}
END_TEST

START_TEST(rates_count_and_do_not_scale_timers)
{
	struct table t;
	struct metric_record c = metric(METRIC_COUNTER, "c", 3);
	struct metric_record ms = metric(METRIC_TIMER, "t", 20);
	struct entry *e;

	c.rate = 0.7;
	ms.rate = 0.1;
	ck_assert(table_init(&t, 100, 10, 1));
	/* the form the reference uses: value * (1 / rate) */
	ck_assert(*entry_counter(add(&t, &c), 0) == 3 * (1 / 0.7));
	e = add(&t, &ms);
	ck_assert_double_eq(entry_timer(e, 0)->samples.v[0], 20);
	ck_assert_double_eq(entry_timer(e, 0)->count, 10);
	table_fini(&t);
}
END_TEST

/* Added one by one to what was set: 0.01 - 3 + 4 is not 0.01 + 1, and not in
 * JavaScript either. */
START_TEST(gauges_change_in_the_order_of_what_came)
{
	struct table t;
	struct metric_record g = metric(METRIC_GAUGE, "g", 0.01);
	struct metric_record d = metric(METRIC_GAUGE_DELTA, "g", -3);
	struct metric_record up = metric(METRIC_GAUGE_DELTA, "g", 4);
	struct entry *e;

	ck_assert(table_init(&t, 100, 10, 1));
	add(&t, &d);
	add(&t, &g);
	add(&t, &d);
	e = add(&t, &up);
	ck_assert_double_eq(entry_gauge(e, 0)->set, 0.01 - 3 + 4);
	ck_assert_double_ne(entry_gauge(e, 0)->set, 1.01);
	ck_assert_double_eq(entry_gauge(e, 0)->delta, 0);
	ck_assert(entry_gauge(e, 0)->stamp != 0);
	table_fini(&t);
}
END_TEST

/* Two entries may be spellings of one name: the last one wins. */
START_TEST(gauges_of_one_moment_are_in_order)
{
	struct table t;
	struct metric_record a = metric(METRIC_GAUGE, "x y", 1);
	struct metric_record b = metric(METRIC_GAUGE, "x_y", 2);
	struct entry *first, *second;

	ck_assert(table_init(&t, 100, 10, 1));
	first = add(&t, &a);
	second = add(&t, &b);
	ck_assert(entry_gauge(second, 0)->stamp > entry_gauge(first, 0)->stamp);
	add(&t, &a);
	ck_assert(entry_gauge(second, 0)->stamp < entry_gauge(first, 0)->stamp);
	table_fini(&t);
}
END_TEST

START_TEST(sets_count_members_once)
{
	struct table t;
	struct metric_record s = metric(METRIC_SET, "s", 0);
	struct entry *e = NULL;

	ck_assert(table_init(&t, 100, 10, 1));
	for (int i = 0; i < 6; i++) {
		s.text = i % 2 == 0 ? SLICE("one") : SLICE("two");
		e = add(&t, &s);
	}
	ck_assert_double_eq(member_set_count(*entry_set(e, 0)), 2);
	table_fini(&t);
}
END_TEST

START_TEST(many_names_are_all_found)
{
	struct table t;
	char name[32];
	struct entry **made = calloc(50000, sizeof *made);

	ck_assert(table_init(&t, 100000, 10, 1));
	for (int i = 0; i < 50000; i++) {
		struct metric_record m;

		snprintf(name, sizeof name, "name.%d", i);
		m = metric(METRIC_COUNTER, name, 1);
		made[i] = add(&t, &m);
	}
	for (int i = 0; i < 50000; i++) {
		struct metric_record m;

		snprintf(name, sizeof name, "name.%d", i);
		m = metric(METRIC_COUNTER, name, 1);
		ck_assert_ptr_eq(table_find(&t, &m, table_hash(&t, &m)),
		    made[i]);
	}
	free(made);
	table_fini(&t);
}
END_TEST

START_TEST(a_full_table_refuses)
{
	struct table t;
	struct metric_record a = metric(METRIC_COUNTER, "a", 1);
	struct metric_record b = metric(METRIC_COUNTER, "b", 1);
	struct metric_record c = metric(METRIC_COUNTER, "c", 1);

	ck_assert(table_init(&t, 2, 10, 1));
	ck_assert_ptr_nonnull(add(&t, &a));
	ck_assert_ptr_nonnull(add(&t, &b));
	ck_assert_ptr_null(add(&t, &c));
	ck_assert_ptr_nonnull(add(&t, &a));
	table_fini(&t);
}
END_TEST

static void
swap_and_back(struct table *t)
{
	struct half *h = table_swap(t);

	for (size_t i = 0; i < h->nevicted; i++)
		entry_empty(h->evicted[i]);
	for (struct dirty_chunk *c = h->dirty; c != NULL; c = c->next)
		for (size_t i = 0; i < c->n; i++)
			*entry_counter(c->e[i], h->index) = 0;
	table_half_back(t, h);
}

/* What is not touched goes; what is touched stays, and is found, however the
 * slots between them were closed. */
START_TEST(idle_names_are_evicted)
{
	struct table t;
	char name[32];

	ck_assert(table_init(&t, 100000, 10, 1));
	for (int round = 0; round < 6; round++) {
		for (int i = 0; i < 5000; i += round == 0 ? 1 : 7) {
			struct metric_record m;

			snprintf(name, sizeof name, "n%d", i);
			m = metric(METRIC_COUNTER, name, 1);
			ck_assert_ptr_nonnull(add(&t, &m));
		}
		swap_and_back(&t);
		table_sweep(&t, 100000, 4);
	}
	swap_and_back(&t);
	ck_assert_uint_eq(t.used, (5000 + 6) / 7);
	for (int i = 0; i < 5000; i++) {
		struct metric_record m;

		snprintf(name, sizeof name, "n%d", i);
		m = metric(METRIC_COUNTER, name, 1);
		ck_assert((table_find(&t, &m, table_hash(&t, &m)) != NULL) ==
		    (i % 7 == 0));
	}
	table_fini(&t);
}
END_TEST

static size_t
resident(void)
{
	FILE *f = fopen("/proc/self/statm", "r");
	unsigned long pages = 0;

	ck_assert_ptr_nonnull(f);
	ck_assert_int_eq(fscanf(f, "%*u %lu", &pages), 1);
	fclose(f);
	return pages * (size_t)sysconf(_SC_PAGESIZE);
}

/* Names that come and go take no more memory in the end than the first of them
 * did, and nearly none when all have gone. */
START_TEST(memory_follows_the_names)
{
	enum { N = 40000 };
	struct table t;
	size_t before = resident(), first = 0, all;
	char name[32];

	ck_assert(table_init(&t, 4 * N, 10, 1));
	for (int round = 0; round < 8; round++) {
		for (int i = 0; i < N; i++) {
			struct metric_record m;

			snprintf(name, sizeof name, "churn.%d.%d", round, i);
			m = metric(METRIC_COUNTER, name, 1);
			ck_assert_ptr_nonnull(add(&t, &m));
		}
		if (round == 1)		/* of before, and of now */
			first = resident() - before;
		for (int i = 0; i < 4; i++)
			swap_and_back(&t);
		table_sweep(&t, 4 << 20, 4);
		swap_and_back(&t);
		table_sweep(&t, 4 << 20, 4);
		ck_assert_uint_le(t.used, N);
	}
	all = resident() - before;
	ck_assert_uint_eq(t.used, 0);
	if (!SANITIZED) {
		ck_assert_uint_ge(first, N * 40);
		ck_assert_uint_le(all, first / 3 + (1 << 20));
	}
	table_fini(&t);
}
END_TEST

/* A byte more, or another one anywhere, is another name with another hash. */
START_TEST(every_byte_of_a_name_counts)
{
	struct table t;
	char name[49], other[49];

	ck_assert(table_init(&t, 1000, 10, 1));
	memset(name, 'n', sizeof name);
	for (size_t len = 1; len < sizeof name; len++) {
		struct metric_record m = metric(METRIC_COUNTER, "", 1), o = m;

		m.name = slice_of(name, len);
		ck_assert_ptr_null(table_find(&t, &m, table_hash(&t, &m)));
		add(&t, &m);
		for (size_t at = 0; at < len; at++) {
			memcpy(other, name, sizeof name);
			other[at] ^= 1;
			o.name = slice_of(other, len);
			ck_assert_uint_ne(table_hash(&t, &o),
			    table_hash(&t, &m));
			/* also when the hash is the same */
			ck_assert_ptr_null(table_find(&t, &o,
			    table_hash(&t, &m)));
		}
		o = m;
		o.type = METRIC_TIMER;
		ck_assert_uint_ne(table_hash(&t, &o), table_hash(&t, &m));
	}
	table_fini(&t);
}
END_TEST

static int
by_value(const void *a, const void *b)
{
	uint32_t x = *(const uint32_t *)a, y = *(const uint32_t *)b;

	return (x > y) - (x < y);
}

/* The n-th of a million of the same form. */
static void
name_like(char *name, size_t size, unsigned form, unsigned n)
{
	unsigned a = n % 10, b = n / 10 % 100, c = n / 1000;

	if (form == 0)
		snprintf(name, size, "app%u.host%u.requests%u", a, b, c);
	else if (form == 1)
		snprintf(name, size, "%u.%02u.%03u", a, b, c);
	else if (form == 2)
		snprintf(name, size, "%03u.%u.and.all.the.same%02u", c, a, b);
	else
		snprintf(name, size, "as.%u.%u.%u.but.longer.than.others.are",
		    a, b, c);
}

/* As random as random numbers are: of a million names that are much alike, how
 * many share all 32 bits with another, how many slots stay empty, and how even
 * the tags are. */
static void
check_spread(unsigned form, uint64_t seed)
{
	enum { N = 1000000, SLOTS = 1 << 20, TAGS = 1 << 16 };
	uint8_t *slots = calloc(1, SLOTS);
	uint32_t *tags = calloc(TAGS, sizeof *tags);
	uint32_t *all = calloc(N, sizeof *all);
	double chi = 0, mean = (double)N / TAGS;
	unsigned same = 0, empty = 0;
	struct table t;

	ck_assert(slots != NULL && tags != NULL && all != NULL);
	ck_assert(table_init(&t, 1, 10, seed));
	for (unsigned i = 0; i < N; i++) {
		struct metric_record m;
		char name[64];
		uint32_t h;

		name_like(name, sizeof name, form, i);
		m = metric(METRIC_COUNTER, name, 1);
		h = table_hash(&t, &m);
		all[i] = h;
		slots[h % SLOTS] = 1;
		tags[h >> 16]++;
	}
	qsort(all, N, sizeof *all, by_value);
	for (size_t i = 1; i < N; i++)
		same += all[i] == all[i - 1];
	for (size_t i = 0; i < SLOTS; i++)
		empty += slots[i] == 0;
	for (size_t i = 0; i < TAGS; i++)
		chi += (tags[i] - mean) * (tags[i] - mean) / mean;
	/* expected: 116, 404000 and 65535; these are six deviations off */
	ck_assert_msg(same < 116 + 65, "%u: %u", form, same);
	ck_assert_msg(empty > 401500 && empty < 406500, "%u: %u", form, empty);
	ck_assert_msg(chi > 65535 - 2200 && chi < 65535 + 2200, "%u: %g", form,
	    chi);
	table_fini(&t);
	free(slots);
	free(tags);
	free(all);
}

START_TEST(similar_names_are_spread)
{
	for (unsigned form = 0; form < 4; form++)
		check_spread(form, 1 + form * UINT64_C(0x9e3779b97f4a7c15));
}
END_TEST

/* In runs what is there is found, in whatever slot, and nothing else. */
static void
find_in_runs(unsigned names)
{
	static struct table_run run;
	static char text[TABLE_RUN][32];
	struct table t;

	ck_assert(table_init(&t, names, 10, 1));
	for (unsigned i = 0; i < names; i++) {
		struct metric_record m;

		snprintf(text[0], sizeof text[0], "name.%u", i);
		m = metric(i % 3 ? METRIC_COUNTER : METRIC_TIMER, text[0], 1);
		ck_assert_ptr_nonnull(add(&t, &m));
	}
	for (unsigned i = 0; i < names + 320; i += TABLE_RUN) {
		for (run.n = 0; run.n < TABLE_RUN; run.n++) {
			unsigned name = i + (unsigned)run.n;

			snprintf(text[run.n], sizeof text[0], "name.%u", name);
			run.m[run.n] = metric(name % 3 ? METRIC_COUNTER :
			    METRIC_TIMER, text[run.n], 1);
		}
		table_run_hash(&t, &run);
		table_run_guess(&t, &run);
		table_run_find(&t, &run);
		for (size_t n = 0; n < run.n; n++) {
			if (run.e[n] != table_find(&t, &run.m[n],
			    table_hash(&t, &run.m[n])) ||
			    (run.e[n] != NULL) != (i + n < names))
				ck_abort_msg("%s", text[n]);
		}
	}
	table_fini(&t);
}

START_TEST(runs_find_the_same)
{
	find_in_runs(0);
	find_in_runs(682);	/* as full as a table of that size is */
	find_in_runs(5000);
	find_in_runs(87380);	/* that, and one that is prefetched */
}
END_TEST

int
main(void)
{
	Suite *s = suite_create("table");
	TCase *c = tcase_create("table");
	SRunner *r;
	int failed;

	tcase_add_test(c, a_name_is_found_again);
	tcase_add_test(c, tags_and_their_style_are_part_of_the_key);
	tcase_add_test(c, a_swap_parts_the_intervals);
	tcase_add_test(c, rates_count_and_do_not_scale_timers);
	tcase_add_test(c, gauges_change_in_the_order_of_what_came);
	tcase_add_test(c, gauges_of_one_moment_are_in_order);
	tcase_add_test(c, sets_count_members_once);
	tcase_add_test(c, many_names_are_all_found);
	tcase_add_test(c, a_full_table_refuses);
	tcase_add_test(c, idle_names_are_evicted);
	tcase_add_test(c, memory_follows_the_names);
	tcase_add_test(c, every_byte_of_a_name_counts);
	tcase_add_test(c, similar_names_are_spread);
	tcase_add_test(c, runs_find_the_same);
	tcase_set_timeout(c, 60);
	suite_add_tcase(s, c);
	r = srunner_create(s);
	srunner_run_all(r, CK_NORMAL);
	failed = srunner_ntests_failed(r);
	srunner_free(r);
	return failed != 0;
}
