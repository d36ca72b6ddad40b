/* statsd_secure.c - verify a signed packet: first that it is genuine, then that
 * it is fresh, and last, as it is remembered then, that it is new. */
#include "config.h"

#include <errno.h>
#include <stdlib.h>

#include <openssl/core_names.h>
#include <openssl/crypto.h>
#include <openssl/evp.h>
#include <openssl/params.h>

#include "proto/replay.h"
#include "proto/statsd_secure.h"

#define SIGNATURE 32
#define TIME 8

struct statsd_secure {
	EVP_MAC_CTX *mac;		/* holds the key */
	struct replay *filter;
	uint64_t max_drift_s;
};

static EVP_MAC_CTX *
mac_new(struct slice key)
{
	char digest[] = "SHA256";
	const OSSL_PARAM params[] = {
		OSSL_PARAM_construct_utf8_string(OSSL_MAC_PARAM_DIGEST, digest,
		    0),
		OSSL_PARAM_construct_end()
	};
	EVP_MAC *hmac = EVP_MAC_fetch(NULL, "HMAC", NULL);
	EVP_MAC_CTX *mac = hmac == NULL ? NULL : EVP_MAC_CTX_new(hmac);

	EVP_MAC_free(hmac);
	if (mac != NULL && EVP_MAC_init(mac, (const unsigned char *)key.ptr,
	    key.len, params) != 1) {
		EVP_MAC_CTX_free(mac);
		mac = NULL;
	}
	return mac;
}

struct statsd_secure *
statsd_secure_new(struct slice key, uint64_t max_drift_s, struct replay *filter)
{
	struct statsd_secure *s;

	if (key.len == 0) {
		errno = EINVAL;
		return NULL;
	}
	s = malloc(sizeof *s);
	if (s == NULL)
		return NULL;
	*s = (struct statsd_secure){ mac_new(key), filter, max_drift_s };
	if (s->mac == NULL) {
		free(s);
		errno = ENOMEM;
		return NULL;
	}
	return s;
}

void
statsd_secure_free(struct statsd_secure *s)
{
	if (s == NULL)
		return;
	EVP_MAC_CTX_free(s->mac);
	free(s);
}

static enum reason
check_signature(struct statsd_secure *s, struct slice packet)
{
	struct slice text = slice_from(packet, SIGNATURE);
	unsigned char mac[SIGNATURE];
	size_t len = 0;

	/* without a key: the same again */
	if (EVP_MAC_init(s->mac, NULL, 0, NULL) != 1 ||
	    EVP_MAC_update(s->mac, (const unsigned char *)text.ptr,
	    text.len) != 1 ||
	    EVP_MAC_final(s->mac, mac, &len, sizeof mac) != 1)
		return REASON_NO_MEMORY;
	return len == SIGNATURE && CRYPTO_memcmp(mac, packet.ptr, len) == 0 ?
	    REASON_NONE : REASON_BAD_SIGNATURE;
}

static enum reason
check_time(const struct statsd_secure *s, uint64_t time_s, uint64_t now_s)
{
	if (time_s < now_s)
		return now_s - time_s > s->max_drift_s ? REASON_LATE :
		    REASON_NONE;
	return time_s - now_s > s->max_drift_s ? REASON_BAD_TIME : REASON_NONE;
}

static uint64_t
little_endian(const char *p)
{
	uint64_t v = 0;

	for (unsigned i = TIME; i-- > 0; )
		v = v << 8 | (unsigned char)p[i];
	return v;
}

enum reason
statsd_secure_open(struct statsd_secure *s, struct slice packet,
    int64_t now_ns, struct slice *payload)
{
	enum reason why;
	uint64_t time_s;

	if (packet.len < STATSD_SECURE_HEAD)
		return REASON_TRUNCATED;
	why = check_signature(s, packet);
	if (why != REASON_NONE)
		return why;
	time_s = little_endian(packet.ptr + SIGNATURE);
	why = check_time(s, time_s, (uint64_t)(now_ns / 1000000000));
	if (why == REASON_NONE)
		why = replay_check(s->filter, little_endian(packet.ptr), time_s);
	if (why == REASON_NONE)
		*payload = slice_from(packet, STATSD_SECURE_HEAD);
	return why;
}
