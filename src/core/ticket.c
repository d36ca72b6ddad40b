/* ticket.c - shares of an answer. */
#include "config.h"

#include <assert.h>
#include <stdlib.h>

#include "core/ticket.h"

struct ticket *
ticket_new(struct inbox *home, void (*answer)(struct letter *, void *),
    uint64_t connection, uint64_t first, size_t cap)
{
	struct ticket *t = malloc(sizeof *t + cap * sizeof t->result[0]);

	if (t == NULL)
		return NULL;
	t->letter = (struct letter){ .deliver = answer };
	t->home = home;
	atomic_init(&t->shares, 1);
	atomic_init(&t->worst, TICKET_DONE);
	t->connection = connection;
	t->first = first;
	t->n = 0;
	t->cap = cap;
	return t;
}

void
ticket_hold(struct ticket *t)
{
	atomic_fetch_add_explicit(&t->shares, 1, memory_order_relaxed);
}

void
ticket_release_quietly(struct ticket *t, struct inbox_bells *bells)
{
	unsigned before = atomic_fetch_sub_explicit(&t->shares, 1,
	    memory_order_acq_rel);

	assert(before > 0);
	if (before == 1)
		inbox_put_quietly(t->home, &t->letter, 0, bells);
}

void
ticket_release(struct ticket *t)
{
	struct inbox_bells bells = { .n = 0 };

	ticket_release_quietly(t, &bells);
	inbox_ring(&bells);
}

void
ticket_mark(struct ticket *t, enum ticket_status status)
{
	unsigned worst = atomic_load_explicit(&t->worst, memory_order_relaxed);

	while (worst < status &&
	    !atomic_compare_exchange_weak_explicit(&t->worst, &worst, status,
	    memory_order_relaxed, memory_order_relaxed))
		continue;
}
