/* auth.h - who may send events, and to which streams; for all event doors.
 *
 * With no users configured everybody may do everything.  Wrong passwords are
 * counted per address of the sender: who guesses is not even looked at any more
 * for a while, so that guessing is slow and costs us nothing. */
#ifndef MILLRACE_FRONT_AUTH_H
#define MILLRACE_FRONT_AUTH_H

#include "base/slice.h"
#include "conf/conf.h"

/* How often an address may be wrong at once, and how soon once more. */
#define AUTH_TRIES 10
#define AUTH_RETRY_S 6

enum auth_answer { AUTH_OK, AUTH_WRONG, AUTH_WAIT };

/* Is nobody asked for a password? */
bool auth_open(const struct conf *conf);
/* A name and a password; peer: "10.0.0.1:4711".  WAIT: too many wrong ones
 * came from there, this one was not looked at. */
enum auth_answer auth_user(const struct conf *conf, const char *peer,
    struct slice name, struct slice password, const struct conf_user **user);
/* A token alone: the password of one of those users whose passwords are kept as
 * sha256:hex (the others would have to be tried slowly, one by one). */
enum auth_answer auth_token(const struct conf *conf, const char *peer,
    struct slice token, const struct conf_user **user);
/* For protocols that check in their own way: may this address try, and it was
 * wrong. */
bool auth_may_try(const char *peer);
void auth_was_wrong(const char *peer);

bool auth_stream(const struct conf *conf, const struct conf_user *user,
    struct slice stream);
/* The user of that name (an older configuration's is no good), or NULL. */
const struct conf_user *auth_named(const struct conf *conf, const char *name);

#endif
