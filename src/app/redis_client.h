/* redis_client.h - a Redis to talk to while the caller waits, for the
 * subcommands; hiredis does the talking. */
#ifndef MILLRACE_APP_REDIS_CLIENT_H
#define MILLRACE_APP_REDIS_CLIENT_H

#include <hiredis/hiredis.h>

#include "base/slice.h"
#include "sink/shipper_url.h"

/* Gives a connection that is logged in, or NULL and why.  From then on the
 * process ignores SIGPIPE. */
redisContext *redis_client_open(const struct ship_url *u, char *why,
    size_t size);
/* A command; NULL when the connection is lost (c->err).  The reply, also one
 * that is an error, is freeReplyObject()'s to free. */
redisReply *redis_client_ask(redisContext *c, const struct slice *argv,
    size_t argc);
/* The same from words. */
redisReply *redis_client_words(redisContext *c, size_t n,
    const char *const *words);
#define REDIS_ASK(c, ...) \
	redis_client_words((c), sizeof (const char *[]){ __VA_ARGS__ } / \
	    sizeof (char *), (const char *[]){ __VA_ARGS__ })

#endif
