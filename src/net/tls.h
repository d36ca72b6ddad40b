/* tls.h - TLS contexts from files, shared by threads, reloadable.
 *
 * One context serves any number of streams in any thread. */
#ifndef MILLRACE_NET_TLS_H
#define MILLRACE_NET_TLS_H

#include <stdbool.h>
#include <stddef.h>

struct tls_context;

struct tls_options {
	bool server;
	/* PEM files.  A server must have cert and key; a client may. */
	const char *cert, *key;
	/* PEM file of authorities, or a directory of them as c_rehash(1) makes
	 * it.  Server: set means that clients must show a
	 * certificate of theirs.  Client: NULL means the system's. */
	const char *ca;
	const char *min_version;	/* "1.2" (also for NULL) or "1.3" */
	const char *max_version;	/* the same; NULL: the newest there is */
	/* OpenSSL's lists: of TLS 1.2, and of TLS 1.3; NULL: its own. */
	const char *ciphers, *ciphersuites;
	/* Peers allowed: "SHA256:hex", also as RFC 5425 writes it
	 * ("sha-1:e1:2d:..", "sha-256:..").  When there are any the peer's
	 * certificate must have one of them; without a ca that is all that is
	 * asked of it (RFC 5425 section 5.1). */
	char *const *fingerprints;
	size_t nfingerprints;
};

/* Gives a context with one reference, or NULL and what is wrong, with the
 * file's name, in error. */
struct tls_context *tls_new(const struct tls_options *options, char *error,
    size_t size);
struct tls_context *tls_ref(struct tls_context *t);
void tls_unref(struct tls_context *t);
/* Read the files again; connections that stand keep what they have.  False:
 * what is wrong in error, and the old certificate stays in use. */
bool tls_reload(struct tls_context *t, char *error, size_t size);

#endif
