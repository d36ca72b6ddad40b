/* redis_client.c - a Redis to talk to while the caller waits. */
#include "config.h"

#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/time.h>

#include "app/redis_client.h"

#define MAX_ARGS 16384

redisReply *
redis_client_ask(redisContext *c, const struct slice *argv, size_t argc)
{
	const char **ptr = calloc(argc, sizeof *ptr);
	size_t *len = calloc(argc, sizeof *len);
	redisReply *reply = NULL;

	if (ptr != NULL && len != NULL && argc <= MAX_ARGS) {
		for (size_t i = 0; i < argc; i++) {
			ptr[i] = argv[i].len == 0 ? "" : argv[i].ptr;
			len[i] = argv[i].len;
		}
		reply = redisCommandArgv(c, (int)argc, ptr, len);
	}
	free(ptr);
	free(len);
	return reply;
}

redisReply *
redis_client_words(redisContext *c, size_t n, const char *const *words)
{
	struct slice argv[24];

	if (n > sizeof argv / sizeof *argv)
		return NULL;
	for (size_t i = 0; i < n; i++)
		argv[i] = slice_str(words[i]);
	return redis_client_ask(c, argv, n);
}

/* False: why says so. */
static bool
must(redisContext *c, redisReply *reply, char *why, size_t size)
{
	bool ok = reply != NULL && reply->type != REDIS_REPLY_ERROR;

	if (reply == NULL)
		snprintf(why, size, "%s", c->errstr);
	else if (!ok)
		snprintf(why, size, "%s", reply->str);
	freeReplyObject(reply);
	return ok;
}

static bool
log_in(redisContext *c, const struct ship_url *u, char *why, size_t size)
{
	char db[16];

	if (u->password[0] != '\0' && u->user[0] != '\0') {
		if (!must(c, REDIS_ASK(c, "AUTH", u->user, u->password), why,
		    size))
			return false;
	} else if (u->password[0] != '\0' &&
	    !must(c, REDIS_ASK(c, "AUTH", u->password), why, size)) {
		return false;
	}
	snprintf(db, sizeof db, "%u", u->db);
	return u->db == 0 || must(c, REDIS_ASK(c, "SELECT", db), why, size);
}

redisContext *
redis_client_open(const struct ship_url *u, char *why, size_t size)
{
	const struct timeval connect = { 2, 0 }, reply = { 30, 0 };
	redisContext *c;

	/* hiredis writes with write(), also to who is gone */
	signal(SIGPIPE, SIG_IGN);
	if (u->scheme == SHIP_REDISS) {
		snprintf(why, size, "rediss: is for the daemon only; here, use "
		    "a local tunnel");
		return NULL;
	}
	c = u->scheme == SHIP_UNIX ?
	    redisConnectUnixWithTimeout(u->path, connect) :
	    redisConnectWithTimeout(u->host, u->port, connect);
	if (c == NULL || c->err != 0) {
		snprintf(why, size, "%s", c == NULL ? "out of memory" :
		    c->errstr);
	} else {
		redisSetTimeout(c, reply);
		if (log_in(c, u, why, size))
			return c;
	}
	if (c != NULL)
		redisFree(c);
	return NULL;
}
