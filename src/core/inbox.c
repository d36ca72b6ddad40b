/* inbox.c - many senders, one reader, no lock, a bound in bytes. */
#include "config.h"

#include <assert.h>

#include "core/inbox.h"

void
inbox_init(struct inbox *b, size_t max, void (*wake)(void *),
    void (*ready)(void *), void *ctx)
{
	atomic_init(&b->head, NULL);
	atomic_init(&b->weight, 0);
	atomic_init(&b->was_full, false);
	b->max = max;
	b->wake = wake;
	b->ready = ready;
	b->ctx = ctx;
}

/* True: the reader sleeps, and the first letter wakes it. */
static bool
put(struct inbox *b, struct letter *l, size_t weight)
{
	struct letter *old = atomic_load_explicit(&b->head,
	    memory_order_relaxed);

	l->weight = weight;
	atomic_fetch_add_explicit(&b->weight, weight, memory_order_relaxed);
	do
		l->next = old;
	while (!atomic_compare_exchange_weak_explicit(&b->head, &old, l,
	    memory_order_release, memory_order_relaxed));
	return old == NULL;
}

void
inbox_put(struct inbox *b, struct letter *l, size_t weight)
{
	if (put(b, l, weight))
		b->wake(b->ctx);
}

void
inbox_put_quietly(struct inbox *b, struct letter *l, size_t weight,
    struct inbox_bells *bells)
{
	if (!put(b, l, weight))
		return;
	if (bells->n == INBOX_BELLS)
		inbox_ring(bells);
	bells->due[bells->n++] = b;
}

void
inbox_ring(struct inbox_bells *bells)
{
	for (size_t i = 0; i < bells->n; i++)
		inbox_wake(bells->due[i]);
	bells->n = 0;
}

bool
inbox_doze(struct inbox *b, struct letter *marker)
{
	struct letter *none = NULL;

	marker->next = NULL;
	return atomic_compare_exchange_strong(&b->head, &none, marker);
}

void
inbox_wake(struct inbox *b)
{
	b->wake(b->ctx);
}

bool
inbox_full(struct inbox *b)
{
	if (atomic_load(&b->weight) < b->max)
		return false;
	atomic_store(&b->was_full, true);
	/* It may have been emptied between the two: then nobody would call. */
	return atomic_load(&b->weight) >= b->max / 3;
}

/* Newest first is how they hang; oldest first is how they are read. */
static struct letter *
reversed(struct letter *l)
{
	struct letter *out = NULL;

	while (l != NULL) {
		struct letter *next = l->next;

		l->next = out;
		out = l;
		l = next;
	}
	return out;
}

size_t
inbox_take(struct inbox *b, void *reader)
{
	struct letter *l = reversed(atomic_exchange_explicit(&b->head, NULL,
	    memory_order_acquire));
	size_t n = 0;

	while (l != NULL) {
		struct letter *next = l->next;

		l->deliver(l, reader);
		l = next;
		n++;
	}
	return n;
}

void
inbox_done(struct inbox *b, size_t weight)
{
	size_t before = atomic_fetch_sub(&b->weight, weight);

	assert(before >= weight);
	if (before - weight < b->max / 3 &&
	    atomic_exchange(&b->was_full, false) && b->ready != NULL)
		b->ready(b->ctx);
}
