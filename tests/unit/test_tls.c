/* TLS on loopback, with certificates made here: who gets in, who does not, and
 * that the bytes arrive. */
#include "config.h"

#include <check.h>
#include <errno.h>
#include <ev.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include <openssl/pem.h>
#include <openssl/ssl.h>
#include <openssl/x509v3.h>

#include "base/buf.h"
#include "base/log.h"
#include "net/addr.h"
#include "net/listen.h"
#include "net/stream.h"
#include "net/tls.h"

static char dir[64];
static struct ev_loop *loop;
static struct stream_listener *listener;
static struct addr server;
static char error[256];

/* Certificates */

static EVP_PKEY *ca_key, *other_key;
static X509 *ca_cert, *other_cert;

static char *
file(const char *name)
{
	static char text[8][128];
	static int i;

	i = (i + 1) % 8;
	snprintf(text[i], sizeof text[i], "%s/%s", dir, name);
	return text[i];
}

static void
add_ext(X509 *cert, int nid, const char *value)
{
	X509_EXTENSION *e = X509V3_EXT_conf_nid(NULL, NULL, nid, value);

	ck_assert_ptr_nonnull(e);
	X509_add_ext(cert, e, -1);
	X509_EXTENSION_free(e);
}

/* Signed by the authority, or by itself when that is NULL. */
static X509 *
make_cert(EVP_PKEY *key, const char *cn, const char *san, X509 *issuer,
    EVP_PKEY *issuer_key)
{
	static long serial;
	X509 *cert = X509_new();
	X509_NAME *name = X509_get_subject_name(cert);

	X509_set_version(cert, 2);
	ASN1_INTEGER_set(X509_get_serialNumber(cert), ++serial);
	X509_gmtime_adj(X509_getm_notBefore(cert), -3600);
	X509_gmtime_adj(X509_getm_notAfter(cert), 3600);
	X509_NAME_add_entry_by_txt(name, "CN", MBSTRING_ASC,
	    (const unsigned char *)cn, -1, -1, 0);
	X509_set_issuer_name(cert, issuer == NULL ? name :
	    X509_get_subject_name(issuer));
	X509_set_pubkey(cert, key);
	add_ext(cert, NID_basic_constraints, issuer == NULL ? "CA:TRUE" :
	    "CA:FALSE");
	if (san != NULL)
		add_ext(cert, NID_subject_alt_name, san);
	ck_assert_int_gt(X509_sign(cert, issuer_key == NULL ? key : issuer_key,
	    EVP_sha256()), 0);
	return cert;
}

static void
write_pem(const char *name, X509 *cert, EVP_PKEY *key)
{
	FILE *f = fopen(file(name), "w");

	ck_assert_ptr_nonnull(f);
	if (cert != NULL)
		PEM_write_X509(f, cert);
	if (key != NULL)
		PEM_write_PrivateKey(f, key, NULL, NULL, 0, NULL, NULL);
	fclose(f);
}

/* NAME.pem and NAME.key, under the authority or another one. */
static void
issue(const char *name, const char *san, bool other)
{
	EVP_PKEY *key = EVP_EC_gen("P-256");
	X509 *cert = make_cert(key, name, san, other ? other_cert : ca_cert,
	    other ? other_key : ca_key);
	char text[32];

	snprintf(text, sizeof text, "%s.pem", name);
	write_pem(text, cert, NULL);
	snprintf(text, sizeof text, "%s.key", name);
	write_pem(text, NULL, key);
	X509_free(cert);
	EVP_PKEY_free(key);
}

static void
fingerprint(const char *pem, const EVP_MD *md, const char *prefix,
    const char *between, char *text)
{
	FILE *f = fopen(file(pem), "r");
	X509 *cert = PEM_read_X509(f, NULL, NULL, NULL);
	unsigned char bytes[EVP_MAX_MD_SIZE];
	unsigned n;

	fclose(f);
	X509_digest(cert, md, bytes, &n);
	text += sprintf(text, "%s", prefix);
	for (unsigned i = 0; i < n; i++)
		text += sprintf(text, "%s%02X", i == 0 ? "" : between, bytes[i]);
	X509_free(cert);
}

/* Streams */

static unsigned opened, closed, up, down;
static struct buf got, heard;
static struct stream *last;
static char why[128], out_why[128], print[80], name[64];

static bool
on_open(struct stream *s, void *ctx)
{
	opened++;
	last = s;
	ck_assert(stream_is_tls(s));
	*print = *name = '\0';
	stream_tls_fingerprint(s, print, sizeof print);
	stream_tls_name(s, name, sizeof name);
	return true;
}

static ssize_t
echo(struct stream *s, struct slice data, bool eof)
{
	size_t n = data.len & ~(size_t)15;	/* in pieces of 16 bytes */

	ck_assert(stream_write(s, slice_upto(data, n)));
	ck_assert(buf_add(&got, data.ptr, n));
	return (ssize_t)n;
}

static void
on_closed(struct stream *s)
{
	closed++;
	snprintf(why, sizeof why, "%s", stream_error(s));
}

static bool
out_open(struct stream *s, void *ctx)
{
	up++;
	return true;
}

static ssize_t
out_data(struct stream *s, struct slice data, bool eof)
{
	ck_assert(buf_add_slice(&heard, data));
	return (ssize_t)data.len;
}

static void
out_closed(struct stream *s)
{
	down++;
	snprintf(out_why, sizeof out_why, "%s", stream_error(s));
}

static uint64_t sent, to_send;

static void
pump(struct stream *s)
{
	uint64_t words[500];

	while (sent < to_send) {
		for (size_t i = 0; i < 500; i++)
			words[i] = (sent / 8 + i) * 0x9e3779b97f4a7c15u;
		if (!stream_write(s, slice_of((char *)words, sizeof words)))
			return;
		sent += sizeof words;
	}
}

static const struct stream_ops in_ops = {
	.open = on_open, .data = echo, .closed = on_closed,
};
static const struct stream_ops out_ops = {
	.open = out_open, .data = out_data, .closed = out_closed, .drained = pump,
};

static void
setup(void)
{
	log_open(-1);
	strcpy(dir, "/tmp/millrace-tls-XXXXXX");
	ck_assert_ptr_nonnull(mkdtemp(dir));
	loop = ev_loop_new(0);
	buf_init(&got, 64 << 20);
	buf_init(&heard, 64 << 20);
	ca_key = EVP_EC_gen("P-256");
	ca_cert = make_cert(ca_key, "Test CA", NULL, NULL, NULL);
	other_key = EVP_EC_gen("P-256");
	other_cert = make_cert(other_key, "Other CA", NULL, NULL, NULL);
	write_pem("ca.pem", ca_cert, NULL);
	write_pem("other.pem", other_cert, NULL);
	issue("server", "DNS:localhost,IP:127.0.0.1", false);
	issue("client", "DNS:web1.example", false);
	issue("plain client", NULL, false);
	issue("stranger", "DNS:web1.example", true);
}

static void
teardown(void)
{
	char cmd[128];

	stream_listener_free(listener);
	listener = NULL;
	stream_abort_all(loop);
	ck_assert_uint_eq(opened, closed);
	ck_assert_uint_eq(stream_loop_count(loop), 0);
	ev_loop_destroy(loop);
	buf_fini(&got);
	buf_fini(&heard);
	X509_free(ca_cert);
	X509_free(other_cert);
	EVP_PKEY_free(ca_key);
	EVP_PKEY_free(other_key);
	snprintf(cmd, sizeof cmd, "rm -rf %s", dir);
	ck_assert_int_eq(system(cmd), 0);
}

static struct tls_context *
context(const struct tls_options *o)
{
	struct tls_context *t = tls_new(o, error, sizeof error);

	ck_assert_msg(t != NULL, "%s", error);
	return t;
}

static void
serve(struct tls_context *t)
{
	struct stream_options o = { .read_max = 1000, .write_max = 1 << 19,
		.tls = t };
	int fd = listen_tcp("127.0.0.1", 0, false);

	ck_assert(addr_numeric("127.0.0.1", listen_port(fd), &server));
	listener = stream_listen(loop, fd, &o, &in_ops, NULL);
}

static struct stream *
dial(struct tls_context *t, const char *tls_name)
{
	struct stream_options o = { .read_max = 1000, .write_max = 300000,
		.tls = t };
	struct stream *s = stream_connect(loop, &server, tls_name, &o, &out_ops,
	    NULL, 5000);

	ck_assert_ptr_nonnull(s);
	return s;
}

static void
wake(struct ev_loop *l, ev_timer *w, int revents)
{
	++*(unsigned *)w->data;
}

#define UNTIL(condition) \
	do { \
		unsigned turns_ = 0; \
		ev_timer timer_; \
		ev_timer_init(&timer_, wake, 0.005, 0.005); \
		timer_.data = &turns_; \
		ev_now_update(loop); \
		ev_timer_start(loop, &timer_); \
		while (!(condition) && turns_ < 4000) \
			ev_run(loop, EVRUN_ONCE); \
		ev_timer_stop(loop, &timer_); \
		ck_assert_msg(turns_ < 4000, "never: %s", #condition); \
	} while (0)

static struct tls_context *
server_context(const char *ca)
{
	return context(&(struct tls_options){ .server = true,
		.cert = file("server.pem"), .key = file("server.key"),
		.ca = ca == NULL ? NULL : file(ca) });
}

START_TEST(talks)
{
	struct tls_context *st = server_context(NULL);
	struct tls_context *ct = context(&(struct tls_options){
		.ca = file("ca.pem"), .min_version = "1.3" });
	struct stream *s;

	serve(st);
	s = dial(ct, "localhost");
	ck_assert(stream_write(s, SLICE("sixteen bytes ..early")));
	UNTIL(heard.len == 16);
	ck_assert_uint_eq(up, 1);
	ck_assert_str_eq(print, "");
	ck_assert_str_eq(name, "");
	ck_assert(stream_tls_name(s, name, sizeof name));
	ck_assert_str_eq(name, "localhost");
	ck_assert(stream_write(s, SLICE(" and rest..")));
	UNTIL(heard.len == 32);
	ck_assert(slice_eq(buf_slice(&heard),
	    SLICE("sixteen bytes ..early and rest..")));
	stream_close(s);
	UNTIL(closed == 1 && down == 1);
	ck_assert_str_eq(why, "closed by peer");
	/* by address, and from the other side */
	s = dial(ct, "127.0.0.1");
	UNTIL(opened == 2 && up == 2);
	stream_close(last);
	UNTIL(closed == 2 && down == 2);
	ck_assert_str_eq(out_why, "closed by peer");
	UNTIL(stream_loop_count(loop) == 0);
	tls_unref(st);
	tls_unref(ct);
}
END_TEST

START_TEST(bulk)
{
	struct tls_context *st = server_context(NULL);
	struct tls_context *ct = context(&(struct tls_options){
		.ca = file("ca.pem") });
	struct stream *s;
	uint64_t word;

	serve(st);
	s = dial(ct, "localhost");
	to_send = 12000000;
	pump(s);
	UNTIL(heard.len == to_send);
	for (size_t i = 0; i < to_send / 8; i++) {
		memcpy(&word, heard.data + 8 * i, 8);
		if (word != i * 0x9e3779b97f4a7c15u)
			ck_abort_msg("word %zu", i);
	}
	tls_unref(st);
	tls_unref(ct);
	stream_abort(s);
	UNTIL(closed == 1);
}
END_TEST

START_TEST(servers_are_checked)
{
	struct tls_context *st = server_context(NULL);
	struct tls_context *ct = context(&(struct tls_options){
		.ca = file("ca.pem") });
	struct tls_context *ot = context(&(struct tls_options){
		.ca = file("other.pem") });
	struct tls_context *dt = context(&(struct tls_options){ .ca = NULL });

	serve(st);
	dial(ct, "example.org");
	UNTIL(down == 1);
	ck_assert_ptr_nonnull(strcasestr(out_why, "hostname mismatch"));
	dial(ct, "127.0.0.2");
	UNTIL(down == 2);
	ck_assert_ptr_nonnull(strcasestr(out_why, "IP address mismatch"));
	dial(ot, "localhost");
	UNTIL(down == 3);
	ck_assert_ptr_nonnull(strcasestr(out_why, "local issuer"));
	dial(dt, "localhost");	/* the system's authorities do not know it */
	UNTIL(down == 4);
	ck_assert_uint_eq(up + opened, 0);
	tls_unref(st);
	tls_unref(ct);
	tls_unref(ot);
	tls_unref(dt);
}
END_TEST

static struct tls_context *
client_context(const char *who)
{
	char pem[32], key[32];

	snprintf(pem, sizeof pem, "%s.pem", who);
	snprintf(key, sizeof key, "%s.key", who);
	return context(&(struct tls_options){ .ca = file("ca.pem"),
		.cert = file(pem), .key = file(key) });
}

START_TEST(clients_are_checked)
{
	static const struct { const char *who; bool in; const char *name; } rows[] = {
		{ "client", true, "web1.example" },
		{ "plain client", true, "plain client" },
		{ "stranger", false, "" },
		{ NULL, false, "" },
	};
	struct tls_context *st = server_context("ca.pem");
	struct stream_stats stats;
	char want[80];
	unsigned failed = 0;

	serve(st);
	for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
		struct tls_context *ct = rows[i].who == NULL ?
		    context(&(struct tls_options){ .ca = file("ca.pem") }) :
		    client_context(rows[i].who);
		unsigned before = opened, downs = down;
		struct stream *s = dial(ct, "localhost");

		if (rows[i].in) {
			UNTIL(opened == before + 1 && up > 0);
			ck_assert_str_eq(name, rows[i].name);
			ck_assert_int_eq(strncmp(print, "SHA256:", 7), 0);
			ck_assert_uint_eq(strlen(print), 7 + 64);
			if (i == 0) {
				fingerprint("client.pem", EVP_sha256(), "SHA256:",
				    "", want);
				ck_assert_int_eq(strcasecmp(print, want), 0);
			}
			stream_abort(s);
			UNTIL(closed == opened);
		} else {
			UNTIL(down == downs + 1);
			failed++;
		}
		ck_assert_uint_eq(opened, before + rows[i].in);
		tls_unref(ct);
	}
	stream_listener_stats(listener, &stats);
	ck_assert_uint_eq(stats.failed, failed);
	ck_assert_uint_eq(stats.accepted, 2);
	ck_assert_uint_eq(stats.current, 0);
	tls_unref(st);
}
END_TEST

/* A directory as c_rehash(1) makes it. */
START_TEST(authorities_in_a_directory)
{
	struct tls_context *st, *ct;
	char cmd[512];

	snprintf(cmd, sizeof cmd, "mkdir '%s' && cp '%s' '%s'/$(openssl x509 -hash "
	    "-noout -in '%s').0", file("authorities"), file("ca.pem"),
	    file("authorities"), file("ca.pem"));
	if (system(cmd) != 0)
		return;			/* no openssl(1) here */
	st = server_context("authorities");
	serve(st);
	ct = client_context("client");
	dial(ct, "localhost");
	UNTIL(opened == 1 && up == 1);
	tls_unref(ct);
	ct = client_context("stranger");
	dial(ct, "localhost");
	UNTIL(down == 1);
	ck_assert_uint_eq(opened, 1);
	tls_unref(ct);
	tls_unref(st);
}
END_TEST

/* RFC 5425: a fingerprint instead of an authority. */
START_TEST(fingerprints)
{
	char sha256[128], sha1[128];
	char *allowed[2] = { sha256, sha1 };
	struct tls_context *st, *ct;
	struct stream *s;

	fingerprint("stranger.pem", EVP_sha1(), "sha-1:", ":", sha1);
	fingerprint("client.pem", EVP_sha256(), "SHA256:", "", sha256);
	st = context(&(struct tls_options){ .server = true,
		.cert = file("server.pem"), .key = file("server.key"),
		.fingerprints = allowed, .nfingerprints = 2 });
	serve(st);
	ct = client_context("stranger");	/* nobody asks who signed it */
	s = dial(ct, "localhost");
	UNTIL(opened == 1 && up == 1);
	stream_abort(s);
	tls_unref(ct);
	ct = client_context("plain client");
	dial(ct, "localhost");
	UNTIL(down == 2);
	ck_assert_uint_eq(opened, 1);
	tls_unref(ct);
	stream_listener_free(listener);
	tls_unref(st);
	/* with an authority, both are asked for */
	st = context(&(struct tls_options){ .server = true,
		.cert = file("server.pem"), .key = file("server.key"),
		.ca = file("ca.pem"), .fingerprints = allowed,
		.nfingerprints = 2 });
	serve(st);
	ct = client_context("stranger");
	dial(ct, "localhost");
	UNTIL(down == 3);
	tls_unref(ct);
	ct = client_context("client");
	dial(ct, "localhost");
	UNTIL(opened == 2);
	tls_unref(ct);
	tls_unref(st);
}
END_TEST

START_TEST(reloads)
{
	struct tls_context *st = server_context(NULL);
	struct tls_context *ct = context(&(struct tls_options){
		.ca = file("ca.pem") });
	struct stream *first, *second;
	char before[80], after[80];

	serve(st);
	first = dial(ct, "localhost");
	UNTIL(up == 1 && opened == 1);
	ck_assert(stream_tls_fingerprint(first, before, sizeof before));
	/* a bad file: the old certificate stays */
	ck_assert_int_eq(rename(file("server.key"), file("server.key.old")), 0);
	ck_assert(!tls_reload(st, error, sizeof error));
	ck_assert_ptr_nonnull(strstr(error, "server.key"));
	second = dial(ct, "localhost");
	UNTIL(up == 2 && opened == 2);
	ck_assert(stream_tls_fingerprint(second, after, sizeof after));
	ck_assert_str_eq(before, after);
	/* a good one: new for the new, the old connection lives on */
	issue("server", "DNS:localhost", false);
	ck_assert(tls_reload(st, error, sizeof error));
	stream_abort(second);
	second = dial(ct, "localhost");
	UNTIL(up == 3 && opened == 3);
	ck_assert(stream_tls_fingerprint(second, after, sizeof after));
	ck_assert_str_ne(before, after);
	ck_assert(stream_write(first, SLICE("0123456789abcdef")));
	UNTIL(heard.len == 16);
	tls_unref(st);
	tls_unref(ct);
}
END_TEST

START_TEST(bad_settings)
{
	static char *bad_print[] = { "SHA256:12", "md5:12", "SHA256", "",
		"SHA256:zz34567890123456789012345678901234567890123456789012345678901234",
		"SHA256:01234567890123456789012345678901234567890123456789012345678901234" };
	struct tls_options good = { .server = true, .cert = file("server.pem"),
		.key = file("server.key") }, o;

	o = good;
	o.cert = "/nonexistent.pem";
	ck_assert_ptr_null(tls_new(&o, error, sizeof error));
	ck_assert_ptr_nonnull(strstr(error, "/nonexistent.pem"));
	o = good;
	o.key = file("client.key");
	ck_assert_ptr_null(tls_new(&o, error, sizeof error));
	ck_assert_ptr_nonnull(strstr(error, "client.key"));
	o = good;
	o.key = NULL;
	ck_assert_ptr_null(tls_new(&o, error, sizeof error));
	o = good;
	o.ca = file("server.key");	/* no certificate in it */
	ck_assert_ptr_null(tls_new(&o, error, sizeof error));
	ck_assert_ptr_nonnull(strstr(error, "server.key"));
	o = good;
	o.min_version = "1.1";
	ck_assert_ptr_null(tls_new(&o, error, sizeof error));
	ck_assert_ptr_nonnull(strstr(error, "1.1"));
	o = good;
	o.max_version = "1.1";
	ck_assert_ptr_null(tls_new(&o, error, sizeof error));
	ck_assert_ptr_nonnull(strstr(error, "1.1"));
	o = good;
	o.ciphers = "NO-SUCH-CIPHER";
	ck_assert_ptr_null(tls_new(&o, error, sizeof error));
	ck_assert_ptr_nonnull(strstr(error, "ciphers \"NO-SUCH-CIPHER\""));
	o = good;
	o.ciphersuites = "TLS_NO_SUCH_SUITE";
	ck_assert_ptr_null(tls_new(&o, error, sizeof error));
	ck_assert_ptr_nonnull(strstr(error, "ciphersuites"));
	for (size_t i = 0; i < sizeof bad_print / sizeof *bad_print; i++) {
		o = good;
		o.fingerprints = &bad_print[i];
		o.nfingerprints = 1;
		ck_assert_ptr_null(tls_new(&o, error, sizeof error));
		ck_assert_ptr_nonnull(strstr(error, "fingerprint"));
	}
	ck_assert_ptr_null(tls_new(&(struct tls_options){ .server = true }, error,
	    sizeof error));
}
END_TEST

/* Somebody who speaks no TLS, one who says nothing, one who leaves halfway. */
START_TEST(no_tls)
{
	struct tls_context *st = server_context(NULL);
	struct stream_stats stats;
	int fd[3];

	serve(st);
	for (int i = 0; i < 3; i++) {
		fd[i] = socket(AF_INET, SOCK_STREAM, 0);
		ck_assert_int_eq(connect(fd[i], &server.u.sa, server.len), 0);
	}
	ck_assert_int_eq(send(fd[0], "GET / HTTP/1.0\r\n\r\n", 18, 0), 18);
	ck_assert_int_eq(send(fd[1], "\x16\x03\x01\x02\x00\x01\x00", 7, 0), 7);
	UNTIL(stream_loop_count(loop) == 2);
	close(fd[1]);
	UNTIL(stream_loop_count(loop) == 1);
	stream_listener_stats(listener, &stats);
	ck_assert_uint_eq(stats.failed, 2);
	ck_assert_uint_eq(opened, 0);
	close(fd[0]);
	/* the listener goes while a handshake is open: nobody is told */
	stream_listener_free(listener);
	listener = NULL;
	close(fd[2]);
	UNTIL(stream_loop_count(loop) == 0);
	tls_unref(st);
}
END_TEST

int
main(void)
{
	Suite *s = suite_create("tls");
	TCase *t = tcase_create("tls");
	SRunner *r;
	int failed;

	tcase_set_timeout(t, 60);
	tcase_add_checked_fixture(t, setup, teardown);
	tcase_add_test(t, talks);
	tcase_add_test(t, bulk);
	tcase_add_test(t, servers_are_checked);
	tcase_add_test(t, clients_are_checked);
	tcase_add_test(t, authorities_in_a_directory);
	tcase_add_test(t, fingerprints);
	tcase_add_test(t, reloads);
	tcase_add_test(t, bad_settings);
	tcase_add_test(t, no_tls);
	suite_add_tcase(s, t);
	r = srunner_create(s);
	srunner_run_all(r, CK_NORMAL);
	failed = srunner_ntests_failed(r);
	srunner_free(r);
	return failed != 0;
}
