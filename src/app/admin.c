/* admin.c - libmicrohttpd, driven by the main loop. */
#include "config.h"

#include <errno.h>
#include <ev.h>
#include <microhttpd.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sysexits.h>
#include <unistd.h>

#include "app/admin.h"
#include "app/admin_private.h"
#include "app/daemon.h"
#include "app/pages.h"
#include "base/log.h"

#define PAGE_MAX (64u << 20)
#define IDLE_S 30

/* A page that only the metrics thread can make.  Its connection is suspended
 * meanwhile and the main loop goes on. */
struct slow {
	struct letter letter;
	struct slow *next;
	struct daemon *daemon;
	struct MHD_Connection *conn;
	struct buf out;
	bool ready;
};

/* ---- the loop ---- */

void
admin_run(struct admin *a)
{
	MHD_UNSIGNED_LONG_LONG ms;

	MHD_run(a->mhd);
	ev_timer_stop(a->loop, &a->timer);
	/* At least each second: when descriptors ran out, nobody is accepted
	 * until somebody looks again. */
	if (MHD_get_timeout(a->mhd, &ms) != MHD_YES || ms > 1000)
		ms = 1000;
	ev_now_update(a->loop);
	ev_timer_set(&a->timer, (double)ms / 1000, 0);
	ev_timer_start(a->loop, &a->timer);
}

static void
readable(struct ev_loop *loop, ev_io *w, int revents)
{
	admin_run(w->data);
	admin_accept_again(w->data);
}

static void
timed(struct ev_loop *loop, ev_timer *w, int revents)
{
	admin_run(w->data);
	admin_accept_again(w->data);
}

/* ---- answers ---- */

static enum MHD_Result
answer(struct MHD_Connection *c, unsigned status, const char *type,
    struct slice body)
{
	struct MHD_Response *r = MHD_create_response_from_buffer(body.len,
	    (void *)(uintptr_t)body.ptr, MHD_RESPMEM_MUST_COPY);
	enum MHD_Result rc;

	if (r == NULL)
		return MHD_NO;
	MHD_add_response_header(r, "Content-Type", type);
	MHD_add_response_header(r, "Cache-Control", "no-store");
	rc = MHD_queue_response(c, status, r);
	MHD_destroy_response(r);
	return rc;
}

enum MHD_Result
admin_plain(struct MHD_Connection *c, unsigned status, const char *text)
{
	return answer(c, status, "text/plain; charset=utf-8",
	    slice_str(text));
}

static enum MHD_Result
page(struct daemon *d, struct MHD_Connection *c, const char *type,
    bool (*make)(struct daemon *, struct buf *))
{
	struct buf out = BUF_INIT(PAGE_MAX);
	enum MHD_Result rc;

	if (!make(d, &out))
		rc = admin_plain(c, MHD_HTTP_INTERNAL_SERVER_ERROR,
		    "no memory for this page\n");
	else
		rc = answer(c, MHD_HTTP_OK, type, buf_slice(&out));
	buf_fini(&out);
	return rc;
}

static const char front_page[] =
    "<!doctype html><meta charset=utf-8><title>millrace</title>"
    "<style>body{font:16px/1.5 sans-serif;margin:2em;max-width:40em}"
    "</style><h1>millrace " PACKAGE_VERSION "</h1><ul>"
    "<li><a href=/metrics>/metrics</a>: figures, for Prometheus"
    "<li><a href=/metrics/aggregated>/metrics/aggregated</a>: the metrics themselves, for Prometheus"
    "<li><a href=/api/flush>/api/flush</a>: the latest flush, as Graphite lines"
    "<li><a href=/api/ledger>/api/ledger</a>: what came in, went out and was lost"
    "<li><a href=/api/tap>/api/tap</a>: records as they pass, lines of JSON; ?where=EXPR"
    "<li><a href=/api/top>/api/top</a>: who has the most names and sends the most samples"
    "<li><a href=/healthz>/healthz</a>, <a href=/readyz>/readyz</a></ul>";

#define PROMETHEUS "text/plain; version=0.0.4; charset=utf-8"

/* ---- pages of the metrics thread ---- */

static void
slow_ready(struct letter *l, void *daemon)
{
	struct slow *s = (struct slow *)l;
	struct admin *a = s->daemon->admin;

	s->ready = true;
	MHD_resume_connection(s->conn);
	admin_run(a);
}

static void
slow_make(struct metrics *m, void *ctx)
{
	struct slow *s = ctx;

	page_aggregated(m, &s->out);
	inbox_put(&s->daemon->inbox, &s->letter, 0);
}

static void
slow_free(struct slow *s)
{
	struct slow **at = &s->daemon->admin->slow;

	while (*at != s)
		at = &(*at)->next;
	*at = s->next;
	buf_fini(&s->out);
	free(s);
}

static enum MHD_Result
slow_begin(struct daemon *d, struct MHD_Connection *c, void **state)
{
	struct slow *s = calloc(1, sizeof *s);

	if (s == NULL)
		return MHD_NO;
	s->letter.deliver = slow_ready;
	s->daemon = d;
	s->conn = c;
	buf_init(&s->out, PAGE_MAX);
	s->next = d->admin->slow;
	d->admin->slow = s;
	MHD_suspend_connection(c);
	if (!metrics_order_run(&d->metrics, slow_make, s)) {
		MHD_resume_connection(c);
		slow_free(s);
		return MHD_NO;
	}
	*state = s;
	return MHD_YES;
}

static void
completed(void *ctx, struct MHD_Connection *c, void **state,
    enum MHD_RequestTerminationCode why)
{
	struct daemon *d = ctx;

	for (struct slow *s = d->admin->slow; s != NULL; s = s->next)
		if (s == *state && s->ready) {
			slow_free(s);
			return;
		}
	if (*state != NULL)
		admin_tap_completed(d->admin, *state);
}

/* ---- requests ---- */

static enum MHD_Result
get(struct daemon *d, struct MHD_Connection *c, const char *url)
{
	if (strcmp(url, "/metrics") == 0)
		return page(d, c, PROMETHEUS, page_metrics);
	if (strcmp(url, "/api/ledger") == 0)
		return page(d, c, "application/json", page_ledger);
	if (strcmp(url, "/api/top") == 0)
		return page(d, c, "application/json", page_top);
	if (strcmp(url, "/api/flush") == 0)
		return page(d, c, "text/plain; charset=utf-8", page_flush);
	if (strcmp(url, "/healthz") == 0)
		return admin_plain(c, MHD_HTTP_OK, "alive\n");
	if (strcmp(url, "/readyz") == 0)
		return d->state == DAEMON_READY ?
		    admin_plain(c, MHD_HTTP_OK, "ready\n") :
		    admin_plain(c, MHD_HTTP_SERVICE_UNAVAILABLE,
		    d->state == DAEMON_DRAINING ? "draining\n" :
		    "starting\n");
	if (strcmp(url, "/") == 0)
		return answer(c, MHD_HTTP_OK, "text/html; charset=utf-8",
		    slice_str(front_page));
	return admin_plain(c, MHD_HTTP_NOT_FOUND, "no such page\n");
}

static enum MHD_Result
asked(void *ctx, struct MHD_Connection *c, const char *url,
    const char *method, const char *version, const char *body,
    size_t *body_len, void **state)
{
	static int seen;

	if (*state == NULL) {	/* the head only; the rest comes next */
		*state = &seen;
		return MHD_YES;
	}
	*body_len = 0;
	if (*state != &seen)
		return answer(c, MHD_HTTP_OK, PROMETHEUS,
		    buf_slice(&((struct slow *)*state)->out));
	if (strcmp(method, "GET") != 0 && strcmp(method, "HEAD") != 0)
		return admin_plain(c, MHD_HTTP_METHOD_NOT_ALLOWED, "only GET\n");
	if (strcmp(url, "/metrics/aggregated") == 0)
		return slow_begin(ctx, c, state);
	if (strcmp(url, "/api/tap") == 0)
		return admin_tap(ctx, c, state);
	return get(ctx, c, url);
}

/* ---- life ---- */

int
admin_open(struct daemon *d, char *error, size_t size)
{
	const union MHD_DaemonInfo *info;
	struct admin *a = calloc(1, sizeof *a);

	if (a == NULL) {
		snprintf(error, size, "admin: out of memory");
		return EX_OSERR;
	}
	a->loop = d->loop;
	a->mhd = MHD_start_daemon(MHD_USE_EPOLL | MHD_ALLOW_SUSPEND_RESUME |
	    MHD_USE_NO_LISTEN_SOCKET, 0, NULL, NULL, asked, d,
	    MHD_OPTION_NOTIFY_COMPLETED, completed, d,
	    MHD_OPTION_CONNECTION_LIMIT, (unsigned)ADMIN_CONNECTIONS,
	    MHD_OPTION_CONNECTION_TIMEOUT, (unsigned)IDLE_S, MHD_OPTION_END);
	if (a->mhd == NULL) {
		free(a);
		snprintf(error, size, "admin: the page cannot be served");
		return EX_OSERR;
	}
	info = MHD_get_daemon_info(a->mhd, MHD_DAEMON_INFO_EPOLL_FD);
	ev_io_init(&a->io, readable, info->epoll_fd, EV_READ);
	ev_timer_init(&a->timer, timed, 0, 0);
	ev_timer_init(&a->beat, admin_tap_beat, 0, 1);
	a->io.data = a->timer.data = a->beat.data = a;
	ev_io_start(a->loop, &a->io);
	d->admin = a;
	return 0;
}

void
admin_close(struct daemon *d)
{
	struct admin *a = d->admin;

	if (a == NULL)
		return;
	admin_listen_end(a);
	ev_io_stop(a->loop, &a->io);
	ev_timer_stop(a->loop, &a->timer);
	ev_timer_stop(a->loop, &a->beat);
	admin_tap_end(a);
	for (struct slow *s = a->slow; s != NULL; s = s->next)
		if (!s->ready)
			MHD_resume_connection(s->conn);
	MHD_stop_daemon(a->mhd);
	while (a->slow != NULL)
		slow_free(a->slow);
	free(a);
	d->admin = NULL;
}
