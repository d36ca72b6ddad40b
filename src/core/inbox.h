/* inbox.h - how one thread hands work to another.
 *
 * Many threads put letters in, one takes them all out, in the order in which
 * each sender put them.  There is no lock: a put is one compare-and-swap and a
 * take is one exchange.  The owner is woken once for however many letters wait.
 *
 * An inbox is bounded in bytes.  What a letter weighs is said when it is put,
 * and given back with inbox_done() when the work is done, so that "full" means
 * work that is not done rather than letters that are not opened.  inbox_put()
 * never refuses: a letter that exists must arrive.  Who could make another
 * first asks inbox_full(), and is told when there is room again: when the
 * weight falls below a third of the bound, `ready` is called once. */
#ifndef MILLRACE_CORE_INBOX_H
#define MILLRACE_CORE_INBOX_H

#include <stdatomic.h>
#include <stdbool.h>
#include <stddef.h>

/* Put this first in what is to travel. */
struct letter {
	struct letter *next;
	void (*deliver)(struct letter *, void *reader);	/* run by the reader */
	size_t weight;
};

struct inbox {
	_Atomic(struct letter *) head;
	_Atomic size_t weight;
	_Atomic bool was_full;
	size_t max;
	void (*wake)(void *ctx);	/* from any thread */
	void (*ready)(void *ctx);	/* from the reader's thread; may be NULL */
	void *ctx;
};

void inbox_init(struct inbox *b, size_t max, void (*wake)(void *),
    void (*ready)(void *), void *ctx);

/* Takes the letter; weight is what it adds until inbox_done(). */
void inbox_put(struct inbox *b, struct letter *l, size_t weight);

/* Who is to be woken when all of several letters were put. */
#define INBOX_BELLS 16
struct inbox_bells {
	struct inbox *due[INBOX_BELLS];
	size_t n;
};

/* As inbox_put(), but the reader is only woken by inbox_ring(), which must follow
 * before long: where sender and reader share a core, a wake for each letter is a
 * change of threads for each. */
void inbox_put_quietly(struct inbox *b, struct letter *l, size_t weight,
    struct inbox_bells *bells);
void inbox_ring(struct inbox_bells *bells);

/* For the reader: something else will wake it before long, so letters may gather
 * until then and wake nobody.  The marker is a letter of its own that is delivered
 * with them.  False: there is one already, and the wake is on its way. */
bool inbox_doze(struct inbox *b, struct letter *marker);
/* Wake a reader that may doze: what was put cannot wait. */
void inbox_wake(struct inbox *b);

/* Is it over its bound?  Remembers that somebody was told so. */
bool inbox_full(struct inbox *b);

/* Run deliver(letter, reader) for every letter that waits; returns how many. */
size_t inbox_take(struct inbox *b, void *reader);

/* Work of that weight is done. */
void inbox_done(struct inbox *b, size_t weight);

#endif
