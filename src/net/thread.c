/* thread.c - a loop, a thread to run it, and a bell to wake it. */
#include "config.h"

#include <errno.h>
#include <signal.h>
#include <string.h>

#include "net/thread.h"

static void
rung(struct ev_loop *loop, ev_async *w, int revents)
{
	struct thread *t = w->data;

	t->woken(t->ctx);
}

int
thread_init(struct thread *t, const char *name, void (*woken)(void *),
    void *ctx)
{
	memset(t, 0, sizeof *t);
	t->loop = ev_loop_new(EVFLAG_AUTO | EVFLAG_NOENV);
	if (t->loop == NULL) {
		errno = ENOMEM;
		return -1;
	}
	t->woken = woken;
	t->ctx = ctx;
	strncpy(t->name, name, sizeof t->name - 1);
	ev_async_init(&t->async, rung);
	t->async.data = t;
	ev_async_start(t->loop, &t->async);
	return 0;
}

static void *
run(void *arg)
{
	struct thread *t = arg;

	pthread_setname_np(pthread_self(), t->name);
	ev_run(t->loop, 0);
	return NULL;
}

int
thread_start(struct thread *t)
{
	sigset_t all, old;
	int rc;

	sigfillset(&all);
	pthread_sigmask(SIG_SETMASK, &all, &old);
	rc = pthread_create(&t->id, NULL, run, t);
	pthread_sigmask(SIG_SETMASK, &old, NULL);
	if (rc != 0) {
		errno = rc;
		return -1;
	}
	t->running = true;
	return 0;
}

void
thread_wake(void *thread)
{
	struct thread *t = thread;

	ev_async_send(t->loop, &t->async);
}

void
thread_leave(struct thread *t)
{
	ev_break(t->loop, EVBREAK_ALL);
}

void
thread_fini(struct thread *t)
{
	if (t->loop == NULL)
		return;
	if (t->running)
		pthread_join(t->id, NULL);
	ev_loop_destroy(t->loop);
	t->loop = NULL;
}
