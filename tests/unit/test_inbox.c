/* test_inbox.c - letters between threads, and tickets that come home. */
#include "config.h"

#include <check.h>
#include <pthread.h>
#include <stdlib.h>

#include "core/inbox.h"
#include "core/ticket.h"

#define THREADS 4
#define EACH 50000

struct note {
	struct letter letter;
	unsigned from, number;
};

struct reader {
	unsigned next[THREADS];
	unsigned seen;
	bool in_order;
};

static _Atomic unsigned wakes;
static _Atomic unsigned readies;

static void
wake(void *ctx)
{
	atomic_fetch_add(&wakes, 1);
}

static void
ready(void *ctx)
{
	atomic_fetch_add(&readies, 1);
}

static void
open_note(struct letter *l, void *ctx)
{
	struct note *n = (struct note *)l;
	struct reader *r = ctx;

	if (n->number != r->next[n->from]++)
		r->in_order = false;
	r->seen++;
	free(n);
}

static struct inbox box;

static void *
sender(void *arg)
{
	unsigned from = (unsigned)(uintptr_t)arg;

	for (unsigned i = 0; i < EACH; i++) {
		struct note *n = malloc(sizeof *n);

		ck_assert_ptr_nonnull(n);
		*n = (struct note){ { .deliver = open_note }, from, i };
		inbox_put(&box, &n->letter, 1);
	}
	return NULL;
}

START_TEST(each_sender_is_read_in_order)
{
	struct reader r = { .in_order = true };
	pthread_t t[THREADS];

	inbox_init(&box, 1000, wake, NULL, NULL);
	for (unsigned i = 0; i < THREADS; i++)
		pthread_create(&t[i], NULL, sender, (void *)(uintptr_t)i);
	while (r.seen < THREADS * EACH)
		inbox_take(&box, &r);
	for (unsigned i = 0; i < THREADS; i++)
		pthread_join(t[i], NULL);
	ck_assert(r.in_order);
	ck_assert_uint_eq(r.seen, THREADS * EACH);
	ck_assert_uint_ge(atomic_load(&wakes), 1);
}
END_TEST

START_TEST(full_until_the_work_is_done)
{
	struct reader r = { .in_order = true };
	struct note *n;

	atomic_store(&readies, 0);
	inbox_init(&box, 90, wake, ready, NULL);
	for (unsigned i = 0; i < 3; i++) {
		ck_assert(!inbox_full(&box));
		n = malloc(sizeof *n);
		*n = (struct note){ { .deliver = open_note }, 0, i };
		inbox_put(&box, &n->letter, 30);
	}
	ck_assert(inbox_full(&box));
	inbox_take(&box, &r);
	ck_assert(inbox_full(&box));	/* opened is not done */
	inbox_done(&box, 30);
	inbox_done(&box, 30);
	ck_assert_uint_eq(atomic_load(&readies), 0);
	inbox_done(&box, 30);		/* below a third: said once */
	ck_assert_uint_eq(atomic_load(&readies), 1);
	ck_assert(!inbox_full(&box));
}
END_TEST

static void
marker_seen(struct letter *l, void *ctx)
{
	((struct reader *)ctx)->in_order &= ((struct reader *)ctx)->seen == 0;
}

START_TEST(who_dozes_is_not_woken)
{
	struct letter marker = { .deliver = marker_seen };
	struct reader r = { .in_order = true };
	struct note *n;

	inbox_init(&box, 1000, wake, NULL, NULL);
	for (unsigned round = 0; round < 3; round++) {
		atomic_store(&wakes, 0);
		r.seen = 0;
		ck_assert(inbox_doze(&box, &marker));
		ck_assert(!inbox_doze(&box, &marker));
		for (unsigned i = 0; i < 2; i++) {
			n = malloc(sizeof *n);
			*n = (struct note){ { .deliver = open_note }, 0, 2 * round + i };
			inbox_put(&box, &n->letter, 1);
		}
		ck_assert_uint_eq(atomic_load(&wakes), 0);
		inbox_wake(&box);
		ck_assert_uint_eq(atomic_load(&wakes), 1);
		ck_assert_uint_eq(inbox_take(&box, &r), 3);
		ck_assert_uint_eq(r.seen, 2);
		ck_assert(r.in_order);
	}
	n = malloc(sizeof *n);
	*n = (struct note){ { .deliver = open_note }, 0, 6 };
	inbox_put(&box, &n->letter, 1);
	ck_assert_uint_eq(atomic_load(&wakes), 2);
	ck_assert(!inbox_doze(&box, &marker));	/* it must look first */
	inbox_take(&box, &r);
}
END_TEST

static void
wake_and_count(void *ctx)
{
	++*(unsigned *)ctx;
}

START_TEST(one_ring_for_many_letters)
{
	struct inbox boxes[INBOX_BELLS + 1];
	unsigned woken[INBOX_BELLS + 1] = { 0 };
	struct inbox_bells bells = { .n = 0 };
	struct reader r = { .in_order = true };
	struct note *n;

	for (unsigned i = 0; i <= INBOX_BELLS; i++)
		inbox_init(&boxes[i], 1000, wake_and_count, NULL, &woken[i]);
	for (unsigned i = 0; i < 4; i++) {
		n = malloc(sizeof *n);
		*n = (struct note){ { .deliver = open_note }, i % 2, i / 2 };
		inbox_put_quietly(&boxes[i % 2], &n->letter, 1, &bells);
	}
	ck_assert_uint_eq(woken[0] + woken[1], 0);
	inbox_ring(&bells);
	ck_assert_uint_eq(woken[0], 1);
	ck_assert_uint_eq(woken[1], 1);
	inbox_ring(&bells);		/* nobody is due any more */
	ck_assert_uint_eq(woken[0], 1);
	ck_assert_uint_eq(inbox_take(&boxes[0], &r), 2);
	ck_assert_uint_eq(inbox_take(&boxes[1], &r), 2);
	ck_assert(r.in_order);
	/* more readers than bells: the first ones hear of it before the end */
	for (unsigned i = 0; i <= INBOX_BELLS; i++) {
		n = malloc(sizeof *n);
		*n = (struct note){ { .deliver = open_note }, 2, i };
		inbox_put_quietly(&boxes[i], &n->letter, 1, &bells);
	}
	inbox_ring(&bells);
	for (unsigned i = 0; i <= INBOX_BELLS; i++) {
		ck_assert_uint_eq(woken[i], i < 2 ? 2 : 1);
		ck_assert_uint_eq(inbox_take(&boxes[i], &r), 1);
	}
}
END_TEST

static void
came_home(struct letter *l, void *ctx)
{
	*(struct ticket **)ctx = (struct ticket *)l;
}

START_TEST(a_ticket_comes_home_with_its_last_share)
{
	struct ticket *t, *home = NULL;

	inbox_init(&box, 90, wake, NULL, NULL);
	t = ticket_new(&box, came_home, 7, 1, 2);
	ticket_hold(t);
	ticket_hold(t);
	ticket_release(t);
	ticket_mark(t, TICKET_FULL);
	ticket_release(t);
	ticket_mark(t, TICKET_DONE);
	inbox_take(&box, &home);
	ck_assert_ptr_null(home);
	ticket_release(t);
	inbox_take(&box, &home);
	ck_assert_ptr_eq(home, t);
	ck_assert_uint_eq(atomic_load(&t->worst), TICKET_FULL);
	ck_assert_uint_eq(t->connection, 7);
	free(t);
}
END_TEST

int
main(void)
{
	Suite *s = suite_create("inbox");
	TCase *c = tcase_create("inbox");
	SRunner *r;
	int failed;

	tcase_set_timeout(c, 60);
	tcase_add_test(c, each_sender_is_read_in_order);
	tcase_add_test(c, who_dozes_is_not_woken);
	tcase_add_test(c, full_until_the_work_is_done);
	tcase_add_test(c, one_ring_for_many_letters);
	tcase_add_test(c, a_ticket_comes_home_with_its_last_share);
	suite_add_tcase(s, c);
	r = srunner_create(s);
	srunner_run_all(r, CK_NORMAL);
	failed = srunner_ntests_failed(r);
	srunner_free(r);
	return failed != 0;
}
