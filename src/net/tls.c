/* tls.c - OpenSSL contexts made from files, and sessions on sockets. */
#include "config.h"

#include <assert.h>
#include <errno.h>
#include <pthread.h>
#include <stdarg.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>
#include <sys/socket.h>
#include <sys/stat.h>

#include <openssl/bio.h>
#include <openssl/err.h>
#include <openssl/ssl.h>
#include <openssl/x509v3.h>

#include "base/digits.h"
#include "base/slice.h"
#include "net/addr.h"
#include "net/tls.h"
#include "net/tls_session.h"

/* What a peer's certificate must hash to. */
struct print {
	const EVP_MD *md;
	unsigned char bytes[EVP_MAX_MD_SIZE];
};

struct tls_context {
	atomic_uint refs;
	bool server;
	char *cert, *key, *ca, *min_version, *max_version;
	char *ciphers, *ciphersuites;
	struct print *prints;
	size_t nprints;
	pthread_mutex_t lock;	/* over ctx, which tls_reload() replaces */
	SSL_CTX *ctx;
};

static bool
complain(char *error, size_t size, const char *fmt, ...)
    __attribute__((format(printf, 3, 4)));

/* Say what is wrong, and what OpenSSL says about it.  False. */
static bool
complain(char *error, size_t size, const char *fmt, ...)
{
	/* the first error says what happened, the later ones to whom; those of
	 * the system have an errno, and "system lib" for a text */
	unsigned long code = ERR_peek_last_error(), first = ERR_peek_error();
	const char *reason = code == 0 ? NULL : ERR_reason_error_string(code);
	va_list ap;
	int n;

	va_start(ap, fmt);
	n = vsnprintf(error, size, fmt, ap);
	va_end(ap);
	if (ERR_SYSTEM_ERROR(first))
		reason = strerror(ERR_GET_REASON(first));
	if (reason != NULL && n >= 0 && (size_t)n < size)
		snprintf(error + n, size - (size_t)n, ": %s", reason);
	ERR_clear_error();
	return false;
}

/* "SHA256:0a1b..", "sha-256:0A:1B:..", "sha1:..". */
static bool
read_print(const char *text, struct print *p)
{
	struct slice in = slice_str(text), algorithm = slice_cut(&in, ':');
	size_t n = 0;

	if (slice_eq_nocase(algorithm, SLICE("sha256")) ||
	    slice_eq_nocase(algorithm, SLICE("sha-256")))
		p->md = EVP_sha256();
	else if (slice_eq_nocase(algorithm, SLICE("sha1")) ||
	    slice_eq_nocase(algorithm, SLICE("sha-1")))
		p->md = EVP_sha1();
	else
		return false;
	while (in.len >= 2 && n < (size_t)EVP_MD_get_size(p->md)) {
		int high = digits_hex(in.ptr[0]), low = digits_hex(in.ptr[1]);

		if (high < 0 || low < 0)
			return false;
		p->bytes[n++] = (unsigned char)(high << 4 | low);
		in = slice_from(in, 2);
		if (in.len > 1 && in.ptr[0] == ':')
			in = slice_from(in, 1);
	}
	return in.len == 0 && n == (size_t)EVP_MD_get_size(p->md);
}

static bool
print_allowed(const struct tls_context *t, X509 *cert)
{
	unsigned char md[EVP_MAX_MD_SIZE];
	unsigned n;
	size_t i;

	for (i = 0; i < t->nprints; i++)
		if (X509_digest(cert, t->prints[i].md, md, &n) == 1 &&
		    memcmp(md, t->prints[i].bytes, n) == 0)
			return true;
	return false;
}

/* In place of OpenSSL's own check: the chain when there is an authority, the
 * fingerprint when there are any, or both. */
static int
verify_peer(X509_STORE_CTX *store, void *arg)
{
	const struct tls_context *t = arg;

	if ((t->ca != NULL || t->nprints == 0) && X509_verify_cert(store) != 1)
		return 0;
	if (t->nprints > 0 && !print_allowed(t, X509_STORE_CTX_get0_cert(store))) {
		X509_STORE_CTX_set_error(store,
		    X509_V_ERR_APPLICATION_VERIFICATION);
		return 0;
	}
	X509_STORE_CTX_set_error(store, X509_V_OK);
	return 1;
}

static bool
load_own(const struct tls_context *t, SSL_CTX *ctx, char *error, size_t size)
{
	if (t->cert == NULL)
		return true;
	if (SSL_CTX_use_certificate_chain_file(ctx, t->cert) != 1)
		return complain(error, size, "%s: cannot use as certificate",
		    t->cert);
	if (SSL_CTX_use_PrivateKey_file(ctx, t->key, SSL_FILETYPE_PEM) != 1)
		return complain(error, size, "%s: cannot use as private key",
		    t->key);
	if (SSL_CTX_check_private_key(ctx) != 1)
		return complain(error, size, "%s: not the key of %s", t->key,
		    t->cert);
	return true;
}

static bool
is_directory(const char *path)
{
	struct stat st;

	return stat(path, &st) == 0 && S_ISDIR(st.st_mode);
}

/* What clients are told they may have a certificate of. */
static STACK_OF(X509_NAME) *
authority_names(const char *ca)
{
	STACK_OF(X509_NAME) *names;

	if (!is_directory(ca))
		return SSL_load_client_CA_file(ca);
	names = sk_X509_NAME_new_null();
	if (names != NULL && SSL_add_dir_cert_subjects_to_stack(names, ca) != 1) {
		sk_X509_NAME_pop_free(names, X509_NAME_free);
		return NULL;
	}
	return names;
}

static bool
load_authorities(const struct tls_context *t, SSL_CTX *ctx, char *error,
    size_t size)
{
	STACK_OF(X509_NAME) *names;

	if (t->ca == NULL) {
		if (!t->server && SSL_CTX_set_default_verify_paths(ctx) != 1)
			return complain(error, size, "no system authorities");
		return true;
	}
	if ((is_directory(t->ca) ? SSL_CTX_load_verify_dir(ctx, t->ca) :
	    SSL_CTX_load_verify_file(ctx, t->ca)) != 1)
		return complain(error, size, "%s: cannot use as authorities",
		    t->ca);
	if (!t->server)
		return true;
	names = authority_names(t->ca);
	if (names == NULL)
		return complain(error, size, "%s: no certificates", t->ca);
	SSL_CTX_set_client_CA_list(ctx, names);
	return true;
}

/* -1: unknown. */
static int
version_number(const char *v)
{
	return strcmp(v, "1.2") == 0 ? TLS1_2_VERSION :
	    strcmp(v, "1.3") == 0 ? TLS1_3_VERSION : -1;
}

static bool
set_version(const struct tls_context *t, SSL_CTX *ctx, char *error,
    size_t size)
{
	const char *min = t->min_version == NULL ? "1.2" : t->min_version;
	int oldest = version_number(min);
	int newest = t->max_version == NULL ? 0 : version_number(t->max_version);

	if (oldest == -1 || newest == -1)
		return complain(error, size, "TLS version %s: \"1.2\" and "
		    "\"1.3\" are known", oldest == -1 ? min : t->max_version);
	return (SSL_CTX_set_min_proto_version(ctx, oldest) == 1 &&
	    SSL_CTX_set_max_proto_version(ctx, newest) == 1) ||
	    complain(error, size, "TLS version %s", min);
}

static bool
set_ciphers(const struct tls_context *t, SSL_CTX *ctx, char *error,
    size_t size)
{
	if (t->ciphers != NULL && SSL_CTX_set_cipher_list(ctx, t->ciphers) != 1)
		return complain(error, size, "ciphers \"%s\"", t->ciphers);
	if (t->ciphersuites != NULL &&
	    SSL_CTX_set_ciphersuites(ctx, t->ciphersuites) != 1)
		return complain(error, size, "ciphersuites \"%s\"",
		    t->ciphersuites);
	return true;
}

/* Settings that need no file. */
static void
set_manners(struct tls_context *t, SSL_CTX *ctx)
{
	bool ask = !t->server || t->ca != NULL || t->nprints > 0;

	SSL_CTX_set_options(ctx, SSL_OP_NO_COMPRESSION |
	    SSL_OP_NO_RENEGOTIATION | SSL_OP_IGNORE_UNEXPECTED_EOF);
	SSL_CTX_set_mode(ctx, SSL_MODE_ENABLE_PARTIAL_WRITE |
	    SSL_MODE_ACCEPT_MOVING_WRITE_BUFFER | SSL_MODE_RELEASE_BUFFERS);
	SSL_CTX_set_read_ahead(ctx, 1);
	/* A peer that only sends never reads tickets, and its close would then
	 * reset the connection before we read what it sent. */
	SSL_CTX_set_num_tickets(ctx, 0);
	SSL_CTX_set_session_cache_mode(ctx, SSL_SESS_CACHE_OFF);
	SSL_CTX_set_verify(ctx, ask ? SSL_VERIFY_PEER |
	    SSL_VERIFY_FAIL_IF_NO_PEER_CERT : SSL_VERIFY_NONE, NULL);
	SSL_CTX_set_cert_verify_callback(ctx, verify_peer, t);
}

static SSL_CTX *
make_ctx(struct tls_context *t, char *error, size_t size)
{
	SSL_CTX *ctx;

	ERR_clear_error();
	ctx = SSL_CTX_new(t->server ? TLS_server_method() : TLS_client_method());
	if (ctx == NULL) {
		complain(error, size, "TLS");
		return NULL;
	}
	set_manners(t, ctx);
	if (set_version(t, ctx, error, size) &&
	    set_ciphers(t, ctx, error, size) && load_own(t, ctx, error, size) &&
	    load_authorities(t, ctx, error, size))
		return ctx;
	SSL_CTX_free(ctx);
	return NULL;
}

static bool
copy_text(char **to, const char *from)
{
	*to = from == NULL ? NULL : strdup(from);
	return from == NULL || *to != NULL;
}

static bool
copy_options(struct tls_context *t, const struct tls_options *o, char *error,
    size_t size)
{
	t->server = o->server;
	if (!copy_text(&t->cert, o->cert) || !copy_text(&t->ca, o->ca) ||
	    !copy_text(&t->key, o->key) ||
	    !copy_text(&t->min_version, o->min_version) ||
	    !copy_text(&t->max_version, o->max_version) ||
	    !copy_text(&t->ciphers, o->ciphers) ||
	    !copy_text(&t->ciphersuites, o->ciphersuites))
		return complain(error, size, "no memory");
	if ((o->cert == NULL) != (o->key == NULL) ||
	    (o->server && o->cert == NULL))
		return complain(error, size,
		    "a certificate and its key are both needed");
	t->prints = calloc(o->nfingerprints + 1, sizeof *t->prints);
	if (t->prints == NULL)
		return complain(error, size, "no memory");
	for (; t->nprints < o->nfingerprints; t->nprints++)
		if (!read_print(o->fingerprints[t->nprints],
		    &t->prints[t->nprints]))
			return complain(error, size, "fingerprint \"%s\": should "
			    "be \"SHA256:\" and 64 hexadecimal digits",
			    o->fingerprints[t->nprints]);
	return true;
}

struct tls_context *
tls_new(const struct tls_options *options, char *error, size_t size)
{
	struct tls_context *t = calloc(1, sizeof *t);

	if (t == NULL) {
		complain(error, size, "no memory");
		return NULL;
	}
	atomic_init(&t->refs, 1);
	pthread_mutex_init(&t->lock, NULL);
	if (copy_options(t, options, error, size))
		t->ctx = make_ctx(t, error, size);
	if (t->ctx == NULL) {
		tls_unref(t);
		return NULL;
	}
	return t;
}

struct tls_context *
tls_ref(struct tls_context *t)
{
	atomic_fetch_add(&t->refs, 1);
	return t;
}

void
tls_unref(struct tls_context *t)
{
	if (t == NULL || atomic_fetch_sub(&t->refs, 1) != 1)
		return;
	SSL_CTX_free(t->ctx);
	pthread_mutex_destroy(&t->lock);
	free(t->prints);
	free(t->cert);
	free(t->key);
	free(t->ca);
	free(t->min_version);
	free(t->max_version);
	free(t->ciphers);
	free(t->ciphersuites);
	free(t);
}

bool
tls_reload(struct tls_context *t, char *error, size_t size)
{
	SSL_CTX *fresh = make_ctx(t, error, size), *old;

	if (fresh == NULL)
		return false;
	pthread_mutex_lock(&t->lock);
	old = t->ctx;
	t->ctx = fresh;
	pthread_mutex_unlock(&t->lock);
	SSL_CTX_free(old);	/* its connections still hold it */
	return true;
}

/* Sessions.  A struct tls_session is an SSL by another name. */

static SSL *
ssl_of(const struct tls_session *s)
{
	return (SSL *)(uintptr_t)s;
}

/* A BIO like OpenSSL's for sockets, but no signal when the peer is gone. */

static int
bio_write(BIO *b, const char *bytes, int n)
{
	ssize_t did = send((int)(intptr_t)BIO_get_data(b), bytes, (size_t)n,
	    MSG_NOSIGNAL);

	BIO_clear_retry_flags(b);
	if (did == -1 && (errno == EAGAIN || errno == EINTR))
		BIO_set_retry_write(b);
	return (int)did;
}

static int
bio_read(BIO *b, char *bytes, int n)
{
	ssize_t did = recv((int)(intptr_t)BIO_get_data(b), bytes, (size_t)n, 0);

	BIO_clear_retry_flags(b);
	if (did == -1 && (errno == EAGAIN || errno == EINTR))
		BIO_set_retry_read(b);
	else if (did == 0)
		BIO_set_flags(b, BIO_FLAGS_IN_EOF);
	return (int)did;
}

static long
bio_ctrl(BIO *b, int cmd, long n, void *p)
{
	(void)n;
	(void)p;
	if (cmd == BIO_CTRL_EOF)
		return BIO_test_flags(b, BIO_FLAGS_IN_EOF) != 0;
	return cmd == BIO_CTRL_FLUSH;
}

static BIO_METHOD *bio_method;
static pthread_once_t bio_once = PTHREAD_ONCE_INIT;

static void
make_bio_method(void)
{
	BIO_METHOD *m = BIO_meth_new(BIO_get_new_index() |
	    BIO_TYPE_SOURCE_SINK, "quiet socket");

	if (m != NULL) {
		BIO_meth_set_write(m, bio_write);
		BIO_meth_set_read(m, bio_read);
		BIO_meth_set_ctrl(m, bio_ctrl);
	}
	bio_method = m;
}

static bool
set_peer_name(SSL *ssl, const char *name)
{
	struct addr a;

	if (addr_numeric(name, 0, &a))
		return X509_VERIFY_PARAM_set1_ip_asc(SSL_get0_param(ssl),
		    name) == 1;
	return SSL_set_tlsext_host_name(ssl, name) == 1 &&
	    SSL_set1_host(ssl, name) == 1;
}

struct tls_session *
tls_session_new(struct tls_context *t, int fd, const char *name)
{
	SSL *ssl;
	BIO *bio;

	pthread_once(&bio_once, make_bio_method);
	if (bio_method == NULL)
		return NULL;
	pthread_mutex_lock(&t->lock);
	ssl = SSL_new(t->ctx);
	pthread_mutex_unlock(&t->lock);
	bio = BIO_new(bio_method);
	if (ssl == NULL || bio == NULL ||
	    (!t->server && name != NULL && !set_peer_name(ssl, name))) {
		SSL_free(ssl);
		BIO_free(bio);
		return NULL;
	}
	BIO_set_data(bio, (void *)(intptr_t)fd);
	BIO_set_init(bio, 1);
	SSL_set_bio(ssl, bio, bio);
	if (t->server)
		SSL_set_accept_state(ssl);
	else
		SSL_set_connect_state(ssl);
	SSL_set_app_data(ssl, tls_ref(t));	/* its handshake asks t */
	return (struct tls_session *)(void *)ssl;
}

void
tls_session_free(struct tls_session *s)
{
	struct tls_context *t;

	if (s == NULL)
		return;
	t = SSL_get_app_data(ssl_of(s));
	SSL_free(ssl_of(s));
	tls_unref(t);
}

/* What OpenSSL's answer means. */
static enum tls_result
judge(SSL *ssl, int answer, const char **why)
{
	unsigned long code;

	switch (SSL_get_error(ssl, answer)) {
	case SSL_ERROR_NONE:
		return TLS_DONE;
	case SSL_ERROR_WANT_READ:
		return TLS_WANT_READ;
	case SSL_ERROR_WANT_WRITE:
		return TLS_WANT_WRITE;
	case SSL_ERROR_ZERO_RETURN:
		return TLS_EOF;
	}
	code = ERR_peek_last_error();
	if (SSL_get_verify_result(ssl) == X509_V_ERR_APPLICATION_VERIFICATION)
		*why = "certificate's fingerprint is not allowed";
	else if (SSL_get_verify_result(ssl) != X509_V_OK)
		*why = X509_verify_cert_error_string(
		    SSL_get_verify_result(ssl));
	else if (code != 0)
		*why = ERR_reason_error_string(code);
	else
		*why = errno == 0 ? "TLS connection broken" : NULL;
	if (code != 0 && *why == NULL)
		*why = "TLS error";
	return TLS_FAILED;
}

enum tls_result
tls_handshake(struct tls_session *s, const char **why)
{
	enum tls_result r;

	ERR_clear_error();
	errno = 0;
	r = judge(ssl_of(s), SSL_do_handshake(ssl_of(s)), why);
	if (r == TLS_EOF) {
		*why = "closed by peer during the TLS handshake";
		return TLS_FAILED;
	}
	return r;
}

enum tls_result
tls_read(struct tls_session *s, void *bytes, size_t size, size_t *n,
    const char **why)
{
	ERR_clear_error();
	errno = 0;
	return judge(ssl_of(s), SSL_read_ex(ssl_of(s), bytes, size, n), why);
}

enum tls_result
tls_write(struct tls_session *s, const void *bytes, size_t size, size_t *n,
    const char **why)
{
	ERR_clear_error();
	errno = 0;
	return judge(ssl_of(s), SSL_write_ex(ssl_of(s), bytes, size, n), why);
}

bool
tls_has_pending(const struct tls_session *s)
{
	return SSL_has_pending(ssl_of(s));
}

void
tls_goodbye(struct tls_session *s)
{
	ERR_clear_error();
	SSL_shutdown(ssl_of(s));
	ERR_clear_error();
}

bool
tls_fingerprint(const struct tls_session *s, char *text, size_t size)
{
	X509 *cert = SSL_get0_peer_certificate(ssl_of(s));
	unsigned char md[EVP_MAX_MD_SIZE];
	unsigned n, i;

	if (cert == NULL || size < 72 ||
	    X509_digest(cert, EVP_sha256(), md, &n) != 1)
		return false;
	memcpy(text, "SHA256:", 8);
	for (i = 0; i < n; i++)
		snprintf(text + 7 + 2 * i, 3, "%02x", md[i]);
	return true;
}

/* A name with a NUL or other control byte in it is none. */
static bool
copy_name(const unsigned char *bytes, int len, char *text, size_t size)
{
	int i;

	if (len <= 0 || (size_t)len >= size)
		return false;
	for (i = 0; i < len; i++)
		if (bytes[i] < ' ' || bytes[i] == 0x7f)
			return false;
	memcpy(text, bytes, (size_t)len);
	text[len] = '\0';
	return true;
}

static bool
dns_name(X509 *cert, char *text, size_t size)
{
	GENERAL_NAMES *names = X509_get_ext_d2i(cert, NID_subject_alt_name,
	    NULL, NULL);
	bool found = false;
	int i;

	for (i = 0; i < sk_GENERAL_NAME_num(names) && !found; i++) {
		const GENERAL_NAME *g = sk_GENERAL_NAME_value(names, i);

		if (g->type == GEN_DNS)
			found = copy_name(ASN1_STRING_get0_data(g->d.dNSName),
			    ASN1_STRING_length(g->d.dNSName), text, size);
	}
	GENERAL_NAMES_free(names);
	return found;
}

bool
tls_peer_name(const struct tls_session *s, char *text, size_t size)
{
	X509 *cert = SSL_get0_peer_certificate(ssl_of(s));
	X509_NAME *subject;
	const ASN1_STRING *cn;
	int at;

	if (cert == NULL)
		return false;
	if (dns_name(cert, text, size))
		return true;
	subject = X509_get_subject_name(cert);
	at = X509_NAME_get_index_by_NID(subject, NID_commonName, -1);
	if (at < 0)
		return false;
	cn = X509_NAME_ENTRY_get_data(X509_NAME_get_entry(subject, at));
	return copy_name(ASN1_STRING_get0_data(cn), ASN1_STRING_length(cn),
	    text, size);
}
