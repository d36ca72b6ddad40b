/* admin_private.h - what the files of the admin page share. */
#ifndef MILLRACE_APP_ADMIN_PRIVATE_H
#define MILLRACE_APP_ADMIN_PRIVATE_H

#include <ev.h>
#include <microhttpd.h>

#define ADMIN_CONNECTIONS 64

struct admin_listener;
struct daemon;
struct slow;
struct tapping;

struct admin {
	struct MHD_Daemon *mhd;
	struct ev_loop *loop;
	struct admin_listener *listeners;
	ev_io io;
	ev_timer timer;
	ev_timer beat;			/* each second, while somebody taps */
	struct slow *slow;		/* pages that another thread makes, a list */
	struct tapping *taps;		/* who looks on, a list */
};

/* Let the page's library do what there is to do. */
void admin_run(struct admin *a);
/* An answer of plain text. */
enum MHD_Result admin_plain(struct MHD_Connection *c, unsigned status,
    const char *text);

/* admin_listen.c */
/* Those who wait to be accepted may find room again. */
void admin_accept_again(struct admin *a);
void admin_listen_end(struct admin *a);

/* /api/tap?where=EXPR */
enum MHD_Result admin_tap(struct daemon *d, struct MHD_Connection *c,
    void **state);
/* A request is over; state may be that of another kind of request. */
void admin_tap_completed(struct admin *a, const void *state);
void admin_tap_beat(struct ev_loop *loop, ev_timer *w, int revents);
/* The workers have ended: let all go. */
void admin_tap_end(struct admin *a);

#endif
