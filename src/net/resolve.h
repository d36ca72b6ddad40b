/* resolve.h - ask for the addresses of a name without stopping the loop.
 *
 * The C library's resolver blocks, so each question has a short thread of its
 * own.  Numbers and "*" never come here: see addr_numeric(). */
#ifndef MILLRACE_NET_RESOLVE_H
#define MILLRACE_NET_RESOLVE_H

#include <stddef.h>
#include <stdint.h>

struct addr;
struct ev_loop;
struct resolve;

#define RESOLVE_MAX 8

/* n addresses in the order to try, borrowed; or n 0 and what is wrong. */
typedef void resolve_cb(void *ctx, const struct addr *v, size_t n,
    const char *error);

/* The callback comes once, from the loop, never from within this call; the
 * handle is dead then.  NULL with errno: no thread or memory. */
struct resolve *resolve_start(struct ev_loop *loop, const char *host,
    uint16_t port, resolve_cb *cb, void *ctx);
/* It will not be called back.  NULL is fine. */
void resolve_cancel(struct resolve *r);

#endif
