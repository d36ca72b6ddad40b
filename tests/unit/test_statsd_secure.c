/* Signed packets: genuine, fresh and new, or a reason. */
#include "config.h"

#include <check.h>
#include <errno.h>
#include <stdlib.h>

#include <openssl/evp.h>
#include <openssl/hmac.h>

#include "proto/replay.h"
#include "proto/statsd_secure.h"
#include "tests/unit/edge.h"

#define SECOND INT64_C(1000000000)

/* Sign with OpenSSL's older interface, so that the two check each other. */
static size_t
sign(char *out, const char *key, uint64_t time_s, unsigned nonce,
    const char *text)
{
	size_t n = strlen(text);
	unsigned len = 32;

	for (int i = 0; i < 8; i++)
		out[32 + i] = (char)(time_s >> 8 * i);
	for (int i = 0; i < 4; i++)
		out[40 + i] = (char)(nonce >> 8 * i);
	memcpy(out + STATSD_SECURE_HEAD, text, n);
	HMAC(EVP_sha256(), key, (int)strlen(key), (unsigned char *)out + 32,
	    12 + n, (unsigned char *)out, &len);
	return STATSD_SECURE_HEAD + n;
}

static struct replay *filter;
static struct statsd_secure *opener;

static void
set_up(size_t entries, uint64_t max_drift_s)
{
	filter = replay_new(entries, max_drift_s);
	ck_assert(filter != NULL);
	opener = statsd_secure_new(SLICE("mysecret"), max_drift_s, filter);
	ck_assert(opener != NULL);
}

static void
tear_down(void)
{
	statsd_secure_free(opener);
	replay_free(filter);
}

static enum reason
open_at(const char *packet, size_t len, int64_t now_s)
{
	struct edge edge;
	struct slice in = edge_copy(&edge, packet, len), payload;
	enum reason why = statsd_secure_open(opener, in, now_s * SECOND + 5,
	    &payload);

	if (why == REASON_NONE)
		ck_assert(payload.ptr == in.ptr + STATSD_SECURE_HEAD &&
		    payload.len == len - STATSD_SECURE_HEAD);
	edge_free(&edge);
	return why;
}

/* A packet that a client of brubeck's sent, from the README of
 * keithduncan/statsd-client; its key is "mysecret". */
START_TEST(a_client_in_the_wild)
{
	static const char packet[] =
	    "\xD7\x8D?a9\xCB\xD5H\xFB\xA2?\xFE\x18\xFF" "9P"
	    "\xB3\x9EY\x1b\xD9H\x86H\xEC\x84(N7B\xF7\x85"
	    "\x04\\mV\x00\x00\x00\x00\x17\xFEq\x90" "prefix.requests:1|c";

	set_up(100, 60);
	ck_assert_int_eq(open_at(packet, sizeof packet - 1, 0x566d5c04),
	    REASON_NONE);
	ck_assert_int_eq(open_at(packet, sizeof packet - 1, 0x566d5c04),
	    REASON_REPLAYED);
	tear_down();
}
END_TEST

START_TEST(every_bit_counts)
{
	char packet[200];
	size_t n = sign(packet, "mysecret", 1000, 1, "k:1|c");

	set_up(100, 60);
	for (size_t i = 0; i < n * 8; i++) {
		packet[i / 8] ^= (char)(1 << i % 8);
		ck_assert_int_eq(open_at(packet, n, 1000),
		    REASON_BAD_SIGNATURE);
		packet[i / 8] ^= (char)(1 << i % 8);
	}
	for (size_t i = 0; i < n; i++)
		ck_assert_int_eq(open_at(packet, i, 1000),
		    i < STATSD_SECURE_HEAD ? REASON_TRUNCATED :
		    REASON_BAD_SIGNATURE);
	ck_assert_int_eq(open_at(packet, n, 1000), REASON_NONE);
	n = sign(packet, "mysecreT", 1000, 2, "k:1|c");
	ck_assert_int_eq(open_at(packet, n, 1000), REASON_BAD_SIGNATURE);
	n = sign(packet, "mysecret", 1000, 2, "");
	ck_assert_int_eq(open_at(packet, n, 1000), REASON_NONE);
	tear_down();
}
END_TEST

START_TEST(drift)
{
	static const struct {
		uint64_t time_s;
		enum reason why;
	} rows[] = {
		{ 1000, REASON_NONE }, { 990, REASON_NONE },
		{ 1010, REASON_NONE }, { 989, REASON_LATE },
		{ 1011, REASON_BAD_TIME }, { 0, REASON_LATE },
		{ UINT64_MAX, REASON_BAD_TIME },
	};
	char packet[200];

	set_up(100, 10);
	for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
		size_t n = sign(packet, "mysecret", rows[i].time_s, 1, "k:1|c");

		ck_assert_int_eq(open_at(packet, n, 1000), rows[i].why);
	}
	tear_down();
	set_up(100, 0);
	ck_assert_int_eq(open_at(packet, sign(packet, "mysecret", 999, 1, ""),
	    1000), REASON_LATE);
	ck_assert_int_eq(open_at(packet, sign(packet, "mysecret", 1000, 1, ""),
	    1000), REASON_NONE);
	tear_down();
}
END_TEST

/* A packet replayed at any second is either known or too old. */
START_TEST(no_second_is_a_hole)
{
	char packet[200];

	for (uint64_t drift = 0; drift < 8; drift++) {
		for (uint64_t made = 100; made < 130; made++) {
			size_t n = sign(packet, "mysecret", made, 9, "k:1|c");
			unsigned taken = 0;

			set_up(1000, drift);
			for (uint64_t now = made - drift; now < made + 40;
			    now++) {
				char other[200];
				size_t m = sign(other, "mysecret", now + drift,
				    (unsigned)now, "x:1|c");

				taken += open_at(packet, n, (int64_t)now) ==
				    REASON_NONE;
				/* others move the filter on */
				ck_assert_int_eq(open_at(other, m,
				    (int64_t)now), REASON_NONE);
			}
			ck_assert_uint_eq(taken, 1);
			tear_down();
		}
	}
}
END_TEST

START_TEST(clock_goes_back)
{
	char packet[200];
	size_t n = sign(packet, "mysecret", 100, 1, "k:1|c");

	set_up(100, 10);
	ck_assert_int_eq(open_at(packet, n, 100), REASON_NONE);
	ck_assert_int_eq(open_at(packet, sign(packet, "mysecret", 130, 1, ""),
	    130), REASON_NONE);
	n = sign(packet, "mysecret", 100, 1, "k:1|c");
	ck_assert_int_eq(open_at(packet, n, 100), REASON_LATE);
	tear_down();
}
END_TEST

START_TEST(full)
{
	struct replay *f = replay_new(1000, 10);
	size_t taken = 0;

	while (replay_check(f, taken * 0x9e3779b97f4a7c15u, 100) == REASON_NONE)
		taken++;
	ck_assert_uint_ge(taken, 1000);
	ck_assert_uint_le(taken, 2000);
	ck_assert_int_eq(replay_check(f, 12345, 100), REASON_TOO_MANY);
	/* what is known is still known, and the next epoch has room */
	ck_assert_int_eq(replay_check(f, 0, 100), REASON_REPLAYED);
	ck_assert_int_eq(replay_check(f, 12345, 110), REASON_NONE);
	ck_assert_int_eq(replay_check(f, 12345, 130), REASON_NONE);
	ck_assert_int_eq(replay_check(f, 12345, 100), REASON_LATE);
	replay_free(f);
	replay_free(NULL);
	ck_assert(replay_new(SIZE_MAX / 2, 10) == NULL);
	ck_assert_int_eq(errno, ENOMEM);
}
END_TEST

START_TEST(no_key)
{
	ck_assert(statsd_secure_new(SLICE(""), 10, NULL) == NULL);
	ck_assert_int_eq(errno, EINVAL);
	statsd_secure_free(NULL);
}
END_TEST

int
main(void)
{
	Suite *s = suite_create("statsd_secure");
	TCase *t = tcase_create("statsd_secure");
	SRunner *r;
	int failed;

	tcase_add_test(t, a_client_in_the_wild);
	tcase_add_test(t, every_bit_counts);
	tcase_add_test(t, drift);
	tcase_add_test(t, no_second_is_a_hole);
	tcase_add_test(t, clock_goes_back);
	tcase_add_test(t, full);
	tcase_add_test(t, no_key);
	suite_add_tcase(s, t);
	r = srunner_create(s);
	srunner_run_all(r, CK_NORMAL);
	failed = srunner_ntests_failed(r);
	srunner_free(r);
	return failed != 0;
}
