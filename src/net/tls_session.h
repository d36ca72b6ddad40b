/* tls_session.h - one TLS connection over a non-blocking socket.
 *
 * Only net/stream uses this. */
#ifndef MILLRACE_NET_TLS_SESSION_H
#define MILLRACE_NET_TLS_SESSION_H

#include <stdbool.h>
#include <stddef.h>

struct tls_context;
struct tls_session;

enum tls_result {
	TLS_DONE,
	TLS_WANT_READ,
	TLS_WANT_WRITE,
	TLS_EOF,
	TLS_FAILED		/* errno is set when *why is NULL */
};

/* fd is borrowed.  name: for a client, what the certificate must name, or NULL.
 * NULL: no memory. */
struct tls_session *tls_session_new(struct tls_context *t, int fd,
    const char *name);
void tls_session_free(struct tls_session *s);

/* *why, on TLS_FAILED: what is wrong, never to be freed. */
enum tls_result tls_handshake(struct tls_session *s, const char **why);
/* On TLS_DONE, *n is how many bytes (at least 1). */
enum tls_result tls_read(struct tls_session *s, void *bytes, size_t size,
    size_t *n, const char **why);
enum tls_result tls_write(struct tls_session *s, const void *bytes,
    size_t size, size_t *n, const char **why);
/* Bytes wait inside, that no event of the socket will tell of. */
bool tls_has_pending(const struct tls_session *s);
/* Say goodbye, as far as that can be said at once. */
void tls_goodbye(struct tls_session *s);

bool tls_fingerprint(const struct tls_session *s, char *text, size_t size);
bool tls_peer_name(const struct tls_session *s, char *text, size_t size);

#endif
