/* thread.h - a thread that lives in an event loop of its own.
 *
 * Others reach it in one way: thread_wake(), from any thread, makes it call
 * `woken` soon (once for any number of calls before it ran).  What there is to
 * do lies in an inbox of the owner's. */
#ifndef MILLRACE_NET_THREAD_H
#define MILLRACE_NET_THREAD_H

#include <ev.h>
#include <pthread.h>
#include <stdbool.h>

struct thread {
	pthread_t id;
	struct ev_loop *loop;
	ev_async async;
	void (*woken)(void *ctx);
	void *ctx;
	char name[16];
	bool running;
};

/* Make the loop; watchers may be added to it before thread_start().  Returns
 * -1 with errno when it cannot be made. */
int thread_init(struct thread *t, const char *name, void (*woken)(void *),
    void *ctx);
/* Run the loop in a new thread, with every signal blocked in it. */
int thread_start(struct thread *t);
/* From any thread; takes a struct thread so that it fits an inbox's wake. */
void thread_wake(void *thread);
/* To be called by the thread itself: leave the loop. */
void thread_leave(struct thread *t);
/* Wait until it has left, and free the loop. */
void thread_fini(struct thread *t);

#endif
