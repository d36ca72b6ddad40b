/* admin_tap.c - /api/tap: records as they pass, as lines of JSON.
 *
 * The answer has no end.  While nothing passes, its connection is suspended; a
 * worker's first record wakes the main loop, and each second an empty line goes
 * out, which shows that we live and finds readers that have left. */
#include "config.h"

#include <ev.h>
#include <inttypes.h>
#include <microhttpd.h>
#include <stdio.h>
#include <stdlib.h>

#include "app/admin_private.h"
#include "app/daemon.h"
#include "front/tap.h"

#define BLOCK 32768
#define SHED_LINE 64

struct tapping {
	struct letter letter;		/* from a worker: there is something */
	struct tapping *next;
	struct daemon *daemon;
	struct MHD_Connection *conn;
	struct tap *tap;
	_Atomic bool posted;		/* the letter is on its way */
	bool suspended, beat, ended, gone;
	uint64_t shed;			/* that the reader was told of */
};

static void
wake(struct tapping *t)
{
	if (!t->suspended)
		return;
	t->suspended = false;
	MHD_resume_connection(t->conn);
}

static void
tapping_free(struct tapping *t)
{
	tap_unref(t->tap);
	free(t);
}

static void
arrived(struct letter *l, void *daemon)
{
	struct tapping *t = (struct tapping *)l;
	struct admin *a = t->daemon->admin;

	(void)daemon;
	atomic_store(&t->posted, false);
	if (t->gone) {
		tapping_free(t);
		return;
	}
	wake(t);
	admin_run(a);
}

/* In a worker's thread, under the tap's lock. */
static void
ring(void *ctx)
{
	struct tapping *t = ctx;

	if (!atomic_exchange(&t->posted, true))
		inbox_put(&t->daemon->inbox, &t->letter, 0);
}

static ssize_t
give(void *ctx, uint64_t at, char *to, size_t room)
{
	struct tapping *t = ctx;
	uint64_t shed;
	size_t n;

	(void)at;
	n = tap_read(t->tap, to, room, &shed);
	if (n > 0)
		return (ssize_t)n;
	if (t->ended)
		return MHD_CONTENT_READER_END_OF_STREAM;
	if (t->beat && room >= SHED_LINE) {
		t->beat = false;
		if (shed == t->shed) {
			*to = '\n';
			return 1;
		}
		t->shed = shed;
		return snprintf(to, room, "{\"kind\":\"tap\",\"shed\":%" PRIu64
		    "}\n", shed);
	}
	t->suspended = true;
	MHD_suspend_connection(t->conn);
	return 0;
}

static bool
room_for_one(struct admin *a)
{
	unsigned n = 0;

	for (struct tapping *t = a->taps; t != NULL; t = t->next)
		n++;
	return n < WORKER_TAPS;
}

enum MHD_Result
admin_tap(struct daemon *d, struct MHD_Connection *c, void **state)
{
	const char *where = MHD_lookup_connection_value(c,
	    MHD_GET_ARGUMENT_KIND, "where");
	struct MHD_Response *answer;
	struct expr *x = NULL;
	struct expr_error e;
	struct tapping *t;
	enum MHD_Result rc;

	if (d->state != DAEMON_READY || !room_for_one(d->admin))
		return admin_plain(c, MHD_HTTP_SERVICE_UNAVAILABLE,
		    "too many look on already\n");
	if (where != NULL && *where != '\0' &&
	    (x = expr_new(slice_str(where), &e)) == NULL)
		return admin_plain(c, MHD_HTTP_BAD_REQUEST, e.text);
	t = calloc(1, sizeof *t);
	if (t == NULL) {
		expr_free(x);
		return MHD_NO;
	}
	t->letter.deliver = arrived;
	t->daemon = d;
	t->conn = c;
	t->tap = tap_new(x, ring, t);
	answer = t->tap == NULL ? NULL : MHD_create_response_from_callback(
	    MHD_SIZE_UNKNOWN, BLOCK, give, t, NULL);
	if (answer == NULL) {
		tapping_free(t);
		return MHD_NO;
	}
	MHD_add_response_header(answer, "Content-Type",
	    "application/x-ndjson");
	MHD_add_response_header(answer, "Cache-Control", "no-store");
	rc = MHD_queue_response(c, MHD_HTTP_OK, answer);
	MHD_destroy_response(answer);
	if (rc != MHD_YES) {
		tapping_free(t);
		return rc;
	}
	t->next = d->admin->taps;
	d->admin->taps = t;
	*state = t;
	for (unsigned i = 0; i < d->nworkers; i++)
		(void)worker_order_tap(&d->workers[i], t->tap);
	ev_timer_again(d->loop, &d->admin->beat);
	return MHD_YES;
}

void
admin_tap_completed(struct admin *a, const void *state)
{
	struct tapping **at = &a->taps, *t;

	while (*at != NULL && *at != state)
		at = &(*at)->next;
	if ((t = *at) == NULL)
		return;
	*at = t->next;
	tap_close(t->tap);
	/* no letter is sent from now on; one may be on its way */
	t->gone = true;
	if (!atomic_load(&t->posted))
		tapping_free(t);
}

void
admin_tap_beat(struct ev_loop *loop, ev_timer *w, int revents)
{
	struct admin *a = w->data;

	(void)revents;
	if (a->taps == NULL)
		ev_timer_stop(loop, w);
	for (struct tapping *t = a->taps; t != NULL; t = t->next) {
		t->beat = true;
		wake(t);
	}
	admin_run(a);
}

void
admin_tap_end(struct admin *a)
{
	for (struct tapping *t = a->taps; t != NULL; t = t->next) {
		t->ended = true;
		atomic_store(&t->posted, false);	/* the inbox is read no more */
		wake(t);
	}
}
