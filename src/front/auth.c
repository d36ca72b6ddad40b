/* auth.c - users, passwords, and the streams they may write. */
#include "config.h"

#include <crypt.h>
#include <fnmatch.h>
#include <openssl/crypto.h>
#include <openssl/sha.h>
#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>

#include "base/clock.h"
#include "base/hash.h"
#include "front/auth.h"

/* ---- who guesses ---- */

#define SLOTS 4096

/* When the address may try again so often; addresses that share a slot share
 * their luck. */
static pthread_mutex_t lock = PTHREAD_MUTEX_INITIALIZER;
static int64_t busy_until[SLOTS];

static int64_t *
slot_of(const char *peer)
{
	const char *colon = strrchr(peer, ':');
	size_t n = colon == NULL ? strlen(peer) : (size_t)(colon - peer);

	return &busy_until[hash_bytes(peer, n) % SLOTS];
}

bool
auth_may_try(const char *peer)
{
	int64_t now = clock_mono_ns(), until;

	pthread_mutex_lock(&lock);
	until = *slot_of(peer);
	pthread_mutex_unlock(&lock);
	return until - now <= (AUTH_TRIES - 1) * AUTH_RETRY_S * NS_PER_S;
}

void
auth_was_wrong(const char *peer)
{
	int64_t now = clock_mono_ns(), *until;

	pthread_mutex_lock(&lock);
	until = slot_of(peer);
	*until = (*until > now ? *until : now) + AUTH_RETRY_S * NS_PER_S;
	pthread_mutex_unlock(&lock);
}

/* ---- passwords ---- */

static bool
same(const char *a, const char *b)
{
	size_t n = strlen(a);

	return n == strlen(b) && CRYPTO_memcmp(a, b, n) == 0;
}

static bool
check_sha256(const char *want, const char *password)
{
	unsigned char digest[SHA256_DIGEST_LENGTH];
	char hex[2 * SHA256_DIGEST_LENGTH + 1];

	SHA256((const unsigned char *)password, strlen(password), digest);
	for (size_t i = 0; i < sizeof digest; i++)
		snprintf(hex + 2 * i, 3, "%02x", digest[i]);
	return same(hex, want);
}

static bool
check(const char *stored, const char *password)
{
	struct crypt_data data;
	const char *got;

	if (strncmp(stored, "sha256:", 7) == 0)
		return check_sha256(stored + 7, password);
	memset(&data, 0, sizeof data);
	got = crypt_r(password, stored, &data);
	return got != NULL && same(got, stored);
}

static const struct conf_user *
find(const struct conf *conf, struct slice name, const char *password)
{
	const struct conf_events *e = &conf->events;

	for (size_t i = 0; i < e->nusers; i++)
		if (slice_eq(name, slice_str(e->users[i].name)))
			return check(e->users[i].password, password) ?
			    &e->users[i] : NULL;
	return NULL;
}

static const struct conf_user *
find_token(const struct conf *conf, struct slice name, const char *token)
{
	const struct conf_events *e = &conf->events;
	const struct conf_user *found = NULL;

	for (size_t i = 0; i < e->nusers; i++)
		if (strncmp(e->users[i].password, "sha256:", 7) == 0 &&
		    check(e->users[i].password, token))
			found = &e->users[i];
	return found;
}

static enum auth_answer
ask(const struct conf *conf, const char *peer, struct slice name,
    struct slice password, const struct conf_user **user,
    const struct conf_user *(*how)(const struct conf *, struct slice,
    const char *))
{
	char *text;

	*user = NULL;
	if (auth_open(conf))
		return AUTH_OK;
	if (!auth_may_try(peer))
		return AUTH_WAIT;
	text = slice_dup(password);
	if (text != NULL && strlen(text) == password.len)
		*user = how(conf, name, text);
	free(text);
	if (*user != NULL)
		return AUTH_OK;
	auth_was_wrong(peer);
	return AUTH_WRONG;
}

enum auth_answer
auth_user(const struct conf *conf, const char *peer, struct slice name,
    struct slice password, const struct conf_user **user)
{
	return ask(conf, peer, name, password, user, find);
}

enum auth_answer
auth_token(const struct conf *conf, const char *peer, struct slice token,
    const struct conf_user **user)
{
	return ask(conf, peer, SLICE(""), token, user, find_token);
}

const struct conf_user *
auth_named(const struct conf *conf, const char *name)
{
	for (size_t i = 0; i < conf->events.nusers; i++)
		if (strcmp(conf->events.users[i].name, name) == 0)
			return &conf->events.users[i];
	return NULL;
}

bool
auth_open(const struct conf *conf)
{
	return conf->events.nusers == 0;
}

bool
auth_stream(const struct conf *conf, const struct conf_user *user,
    struct slice stream)
{
	char *name;
	bool ok = false;

	if (auth_open(conf))
		return true;
	if (user == NULL)
		return false;
	if (user->streams.n == 0)
		return true;
	name = slice_dup(stream);
	for (size_t i = 0; name != NULL && i < user->streams.n; i++)
		ok = ok || fnmatch(user->streams.v[i], name, 0) == 0;
	free(name);
	return ok;
}
