/* What a shipper says and understands: URLs, keys, slots, requests, errors. */
#include "config.h"

#include <check.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "proto/resp.h"
#include "sink/journal.h"
#include "sink/shipper_guard.h"
#include "sink/shipper_script.h"
#include "sink/shipper_url.h"

#define ROWS(t) (int)(sizeof (t) / sizeof *(t))

static const struct {
	const char *text;
	bool good;
	enum ship_scheme scheme;
	const char *host;
	unsigned port;
	const char *user, *password;
	unsigned db;
} urls[] = {
	{ "redis://127.0.0.1:6379/0", true, SHIP_REDIS, "127.0.0.1", 6379, "", "", 0 },
	{ "redis://h", true, SHIP_REDIS, "h", 6379, "", "", 0 },
	{ "redis://h/", true, SHIP_REDIS, "h", 6379, "", "", 0 },
	{ "redis://h/15", true, SHIP_REDIS, "h", 6379, "", "", 15 },
	{ "redis://:secret@h:1/3", true, SHIP_REDIS, "h", 1, "", "secret", 3 },
	{ "redis://u:p%40:q@h", true, SHIP_REDIS, "h", 6379, "u", "p@:q", 0 },
	{ "redis://u:p@q@h", true, SHIP_REDIS, "h", 6379, "u", "p@q", 0 },
	{ "rediss://[::1]:7000/1", true, SHIP_REDISS, "::1", 7000, "", "", 1 },
	{ "redis://[fe80::1]", true, SHIP_REDIS, "fe80::1", 6379, "", "", 0 },
	{ "millrace://c", true, SHIP_MILLRACE, "c", 6390, "", "", 0 },
	{ "millrace://c:99", true, SHIP_MILLRACE, "c", 99, "", "", 0 },
	{ "unix:///run/r.sock", true, SHIP_UNIX, "", 0, "", "", 0 },
	{ "unix:///run/r.sock?db=4", true, SHIP_UNIX, "", 0, "", "", 4 },
	{ .text = "" }, { .text = "redis:/h" }, { .text = "http://h" },
	{ .text = "redis://" }, { .text = "redis:///0" },
	{ .text = "redis://h:0" }, { .text = "redis://h:65536" },
	{ .text = "redis://h:12x" }, { .text = "redis://h/x" },
	{ .text = "redis://h/99999999999999999999" },
	{ .text = "redis://[::1" }, { .text = "redis://[::1]6379" },
	{ .text = "redis://u:%4@h" }, { .text = "redis://u:%00@h" },
	{ .text = "redis://u:%zz@h" }, { .text = "millrace://c/1" },
	{ .text = "unix://" }, { .text = "unix:///p?x=1" },
	{ .text = "unix:///p?db=" },
};

START_TEST(url)
{
	struct ship_url u;
	const char *wrong = ship_url_parse(slice_str(urls[_i].text), &u);

	ck_assert_msg((wrong == NULL) == urls[_i].good, "%s: %s",
	    urls[_i].text, wrong == NULL ? "taken" : wrong);
	if (wrong != NULL)
		return;
	ck_assert_int_eq(u.scheme, urls[_i].scheme);
	ck_assert_str_eq(u.host, urls[_i].host);
	ck_assert_uint_eq(u.port, urls[_i].port);
	ck_assert_str_eq(u.user, urls[_i].user);
	ck_assert_str_eq(u.password, urls[_i].password);
	ck_assert_uint_eq(u.db, urls[_i].db);
}
END_TEST

START_TEST(url_too_long)
{
	char text[2000];
	struct ship_url u;

	memset(text, 'h', sizeof text);
	memcpy(text, "redis://", 8);
	ck_assert(ship_url_parse(slice_of(text, sizeof text), &u) != NULL);
	memcpy(text, "unix:///", 8);
	ck_assert(ship_url_parse(slice_of(text, sizeof text), &u) != NULL);
	memcpy(text, "redis://u:", 10);
	text[1990] = '@';
	ck_assert(ship_url_parse(slice_of(text, sizeof text), &u) != NULL);
}
END_TEST

static const struct {
	const char *template, *key;
} keys[] = {
	{ "ev:{stream}:{node}", "ev:orders:web1" },
	{ "{stream}", "orders" },
	{ "ev:{{stream}:{partition}}", "ev:{orders:7}" },
	{ "{", "{" }, { "{x}{stream", "{x}{stream" }, { "", "" },
	{ "{stream}{stream}{node}{partition}", "ordersordersweb17" },
};

START_TEST(key)
{
	struct buf b = BUF_INIT(100);

	ck_assert(ship_key(keys[_i].template, SLICE("orders"), "web1", 7, &b));
	ck_assert_str_eq(buf_cstr(&b), keys[_i].key);
	buf_fini(&b);
	buf_init(&b, strlen(keys[_i].key) - (keys[_i].key[0] != '\0'));
	ck_assert_int_eq(ship_key(keys[_i].template, SLICE("orders"), "web1",
	    7, &b), keys[_i].key[0] == '\0');
	ck_assert_uint_eq(b.len, 0);
	buf_fini(&b);
}
END_TEST

START_TEST(slots)
{
	/* as CLUSTER KEYSLOT answers */
	ck_assert_uint_eq(ship_slot(SLICE("123456789")), 0x31c3);
	ck_assert_uint_eq(ship_slot(SLICE("")), 0);
	ck_assert_uint_eq(ship_slot(SLICE("foo")), 12182);
	ck_assert_uint_eq(ship_slot(SLICE("{foo}.x")), 12182);
	ck_assert_uint_eq(ship_slot(SLICE("a{foo}{bar}")), 12182);
	ck_assert_uint_eq(ship_slot(SLICE("bar")), 5061);
	ck_assert_uint_ne(ship_slot(SLICE("{}foo")), 12182);
	ck_assert_uint_ne(ship_slot(SLICE("{foo")), 12182);
	ck_assert_uint_eq(ship_partition(SLICE("x"), 1), 0);
	ck_assert_uint_lt(ship_partition(SLICE("x"), 5), 5);
	/* a decision for ever: consumers compute it too */
	ck_assert_uint_eq(ship_partition(SLICE("a"), 1000), 0xe40c292cu % 1000);
}
END_TEST

START_TEST(request)
{
	struct buf b;
	struct ship_request r;
	struct journal_entry e = { .ms = 12, .seq = 345 };
	struct pair pairs[8];
	struct slice bytes, want = SLICE("*11\r\n$7\r\nEVALSHA\r\n$3\r\nsha\r\n"
	    "$1\r\n1\r\n$1\r\nk\r\n$3\r\n1-2\r\n$6\r\n12-345\r\n$1\r\n4\r\n"
	    "$1\r\na\r\n$0\r\n\r\n$2\r\nbc\r\n$1\r\nd\r\n");

	/* two fields: "a" "", "bc" "d"; no room for two such entries */
	buf_init(&b, SHIP_HEAD + want.len + 20);
	e.fields = SLICE("\2\1\0a\2\1bcd");
	ck_assert(ship_append_begin(&r, &b, SLICE("sha"), SLICE("k"),
	    (struct ship_id){ 1, 2 }));
	ck_assert_int_eq(ship_append_entry(&r, &e, pairs, 8), SHIP_ENTRY_ADDED);
	bytes = ship_request_end(&r);
	ck_assert_msg(slice_eq(bytes, want), "%.*s", SLICE_ARG(bytes));
	ck_assert_int_eq(ship_append_entry(&r, &e, pairs, 1),
	    SHIP_ENTRY_TOO_WIDE);
	e.fields = SLICE("\2\1");
	ck_assert_int_eq(ship_append_entry(&r, &e, pairs, 8),
	    SHIP_ENTRY_BROKEN);
	e.fields = SLICE("\2\1\0a\2\1bcd");
	ck_assert_int_eq(ship_append_entry(&r, &e, pairs, 8),
	    SHIP_ENTRY_NO_ROOM);
	/* what did not fit has left nothing */
	bytes = ship_request_end(&r);
	ck_assert(slice_eq(bytes, want));
	buf_fini(&b);
}
END_TEST

START_TEST(guarded)
{
	struct buf b, want;
	struct journal_entry e = { .ms = 12, .seq = 345 };
	struct pair pairs[8];
	struct slice entry = SLICE("*7\r\n$4\r\nXADD\r\n$1\r\nk\r\n$6\r\n"
	    "12-345\r\n$1\r\na\r\n$0\r\n\r\n$2\r\nbc\r\n$1\r\nd\r\n");

	buf_init(&want, 8192);
	ck_assert(buf_printf(&want, "*1\r\n$5\r\nMULTI\r\n*5\r\n$4\r\nEVAL\r\n"
	    "$%zu\r\n%s\r\n$1\r\n1\r\n$1\r\nk\r\n$3\r\n1-2\r\n%.*s"
	    "*4\r\n$7\r\nEVALSHA\r\n$3\r\nsha\r\n$1\r\n1\r\n$1\r\nk\r\n"
	    "*1\r\n$4\r\nEXEC\r\n", strlen(ship_guard), ship_guard,
	    SLICE_ARG(entry)));
	buf_init(&b, want.len + entry.len / 2);
	e.fields = SLICE("\2\1\0a\2\1bcd");
	ck_assert(ship_guarded_begin(&b, SLICE("k"), (struct ship_id){ 1, 2 }));
	ck_assert_int_eq(ship_guarded_entry(&b, SLICE("k"), &e, pairs, 8),
	    SHIP_ENTRY_ADDED);
	ck_assert_int_eq(ship_guarded_entry(&b, SLICE("k"), &e, pairs, 1),
	    SHIP_ENTRY_TOO_WIDE);
	e.fields = SLICE("\2\1");
	ck_assert_int_eq(ship_guarded_entry(&b, SLICE("k"), &e, pairs, 8),
	    SHIP_ENTRY_BROKEN);
	ck_assert(ship_guarded_end(&b, SLICE("k"), SLICE("sha")));
	/* what did not fit has left nothing */
	e.fields = SLICE("\2\1\0a\2\1bcd");
	ck_assert_int_eq(ship_guarded_entry(&b, SLICE("k"), &e, pairs, 8),
	    SHIP_ENTRY_NO_ROOM);
	ck_assert(slice_eq(buf_slice(&b), buf_slice(&want)));
	buf_fini(&b);
	buf_fini(&want);
}
END_TEST

#define ID "$3\r\n1-2\r\n"
#define NO "-ERR too small\r\n"

/* What EXEC says to two entries. */
static const struct {
	const char *reply;
	enum ship_guarded took;
	const char *error;
} answers[] = {
	{ "*4\r\n$2\r\nOK\r\n" ID ID "$2\r\nOK\r\n",
	    SHIP_GUARDED_ALL, NULL },
	{ "*4\r\n$3\r\n9-9\r\n" NO NO "$2\r\nOK\r\n",
	    SHIP_GUARDED_NONE, NULL },
	/* as far as Redis took them */
	{ "*4\r\n$2\r\nOK\r\n" ID NO "$2\r\nOK\r\n",
	    SHIP_GUARDED_FAILED, "ERR too small" },
	{ "*4\r\n$2\r\nOK\r\n" NO NO "$2\r\nOK\r\n",
	    SHIP_GUARDED_FAILED, "ERR too small" },
	{ "*4\r\n-WRONGTYPE x\r\n" NO NO "-WRONGTYPE x\r\n",
	    SHIP_GUARDED_FAILED, "WRONGTYPE x" },
	{ "-EXECABORT y\r\n", SHIP_GUARDED_FAILED, "EXECABORT y" },
	{ "*-1\r\n", SHIP_GUARDED_FAILED, NULL },
	{ "*3\r\n$2\r\nOK\r\n" ID "$2\r\nOK\r\n",
	    SHIP_GUARDED_FAILED, NULL },
	/* one is missing before another */
	{ "*4\r\n$2\r\nOK\r\n" NO ID "$2\r\nOK\r\n",
	    SHIP_GUARDED_HOLE, "ERR too small" },
	/* the guard saw it and could do nothing */
	{ "*4\r\n-NOPERM z\r\n" ID ID "$2\r\nOK\r\n",
	    SHIP_GUARDED_HOLE, "NOPERM z" },
	{ "*4\r\n$3\r\n9-9\r\n" ID ID "$2\r\nOK\r\n",
	    SHIP_GUARDED_HOLE, NULL },
	/* it stayed closed */
	{ "*4\r\n$3\r\n9-9\r\n" NO NO "-NOPERM z\r\n",
	    SHIP_GUARDED_HOLE, "NOPERM z" },
};

START_TEST(guarded_answer)
{
	struct slice error;

	ck_assert_int_eq(ship_guarded_answer(slice_str(answers[_i].reply), 2,
	    &error), answers[_i].took);
	if (answers[_i].error != NULL)
		ck_assert_msg(slice_eq(error, slice_str(answers[_i].error)),
		    "%.*s", SLICE_ARG(error));
}
END_TEST

START_TEST(guarded_answer_cut)
{
	struct slice all = slice_str(answers[0].reply), error;

	for (size_t n = 0; n < all.len; n++)
		ck_assert_int_ne(ship_guarded_answer(slice_upto(all, n), 2,
		    &error), SHIP_GUARDED_ALL);
}
END_TEST

#define F "$1\r\na\r\n$1\r\nb\r\n"

static const struct {
	const char *reply;
	bool good, guarded;
	size_t nfields;
} wheres[] = {
	{ "$3\r\n1-2\r\n", true, false, 0 },
	{ "+1-2\r\n", true, false, 0 },
	{ "*3\r\n$3\r\n1-2\r\n:1\r\n*2\r\n" F, true, true, 2 },
	{ "*3\r\n$3\r\n1-2\r\n:0\r\n$-1\r\n", true, false, 0 },
	{ "*3\r\n$3\r\n1-2\r\n:0\r\n:1\r\n", false, false, 0 },
	{ "*3\r\n$3\r\n1-x\r\n:0\r\n$-1\r\n", false, false, 0 },
	{ "*2\r\n$3\r\n1-2\r\n:1\r\n", false, false, 0 },
	{ "*3\r\n$3\r\n1-2\r\n:1\r\n", false, false, 0 },
	{ "*3\r\n$3\r\n1-2\r\n$1\r\n1\r\n$-1\r\n", false, false, 0 },
	{ ":1\r\n", false, false, 0 },
	{ "-ERR x\r\n", false, false, 0 },
	{ "", false, false, 0 },
};

START_TEST(where)
{
	struct ship_where w;

	ck_assert_int_eq(ship_where_parse(slice_str(wheres[_i].reply), &w),
	    wheres[_i].good);
	if (!wheres[_i].good)
		return;
	ck_assert_uint_eq(w.id.ms, 1);
	ck_assert_uint_eq(w.id.seq, 2);
	ck_assert_int_eq(w.guarded, wheres[_i].guarded);
	ck_assert_uint_eq(w.nfields, wheres[_i].nfields);
}
END_TEST

/* Somebody else's entry with the id of ours. */
START_TEST(where_holds)
{
	static const struct { const char *fields; bool holds; } rows[] = {
		{ "*2\r\n" F, true },
		{ "*2\r\n$1\r\na\r\n$1\r\nc\r\n", false },
		{ "*2\r\n$1\r\nx\r\n$1\r\nb\r\n", false },
		{ "*2\r\n$1\r\na\r\n$2\r\nbb\r\n", false },
		{ "*4\r\n" F F, false },
		{ "*0\r\n", false },
		{ "$-1\r\n", true },		/* it was deleted */
	};
	struct journal_entry e = { .fields = SLICE("\1\1\1ab") };
	struct pair pairs[4];
	struct ship_where w;
	char reply[200];

	for (size_t i = 0; i < ROWS(rows); i++) {
		snprintf(reply, sizeof reply, "*3\r\n$3\r\n1-2\r\n:1\r\n%s",
		    rows[i].fields);
		ck_assert(ship_where_parse(slice_str(reply), &w));
		ck_assert_int_eq(ship_where_holds(&w, &e, pairs, 4),
		    rows[i].holds);
	}
	e.fields = SLICE("\3");	/* nobody can say what that was */
	ck_assert(ship_where_holds(&w, &e, pairs, 4));
}
END_TEST

static const struct {
	const char *text, *name;
	enum ship_action action;
} errors[] = {
	{ "NOSCRIPT No matching script. Please use EVAL.", "noscript", SHIP_RELOAD },
	{ "OOM command not allowed when used memory > 'maxmemory'.", "oom", SHIP_RETRY },
	{ "NOREPLICAS Not enough good replicas to write.", "noreplicas", SHIP_RETRY },
	{ "LOADING Redis is loading the dataset in memory", "loading", SHIP_RETRY },
	{ "MISCONF Redis is configured to save RDB snapshots", "misconf", SHIP_RETRY },
	{ "READONLY You can't write against a read only replica.", "readonly", SHIP_RECONNECT },
	{ "WRONGTYPE Operation against a key", "wrongtype", SHIP_PARK },
	{ "NOPERM this user has no permissions", "noperm", SHIP_PARK },
	{ "ERR max number of clients reached", "maxclients", SHIP_RECONNECT },
	{ "ERR something new", "other", SHIP_PARK },
	{ "", "other", SHIP_PARK },
	{ "MOVED 3999 127.0.0.1:6381", "moved", SHIP_MOVED },
	{ "ASK 3999 127.0.0.1:6381", "ask", SHIP_MOVED },
	{ "TRYAGAIN Multiple keys", "tryagain", SHIP_RETRY },
	{ "CLUSTERDOWN Hash slot not served", "clusterdown", SHIP_RETRY },
	{ "MASTERDOWN Link with MASTER is down", "masterdown", SHIP_RETRY },
	{ "BUSY Redis is busy running a script.", "busy", SHIP_RETRY },
	{ "NOAUTH Authentication required.", "noauth", SHIP_RECONNECT },
};

START_TEST(error)
{
	enum ship_error e = ship_error_of(slice_str(errors[_i].text));

	ck_assert_str_eq(ship_error_name(e), errors[_i].name);
	ck_assert_int_eq(ship_error_action(e), errors[_i].action);
}
END_TEST

START_TEST(moved)
{
	char host[64];
	uint16_t port;
	unsigned slot;

	ck_assert(ship_moved_parse(SLICE("MOVED 3999 10.0.0.1:6381"), &slot,
	    host, sizeof host, &port));
	ck_assert_uint_eq(slot, 3999);
	ck_assert_str_eq(host, "10.0.0.1");
	ck_assert_uint_eq(port, 6381);
	ck_assert(ship_moved_parse(SLICE("ASK 0 ::1:7000"), &slot, host,
	    sizeof host, &port));
	ck_assert_str_eq(host, "::1");
	ck_assert(ship_moved_parse(SLICE("MOVED 16383 :7000"), &slot, host,
	    sizeof host, &port));
	ck_assert_str_eq(host, "");
	ck_assert(!ship_moved_parse(SLICE("MOVED 16384 h:1"), &slot, host,
	    sizeof host, &port));
	ck_assert(!ship_moved_parse(SLICE("MOVED 1 h:0"), &slot, host,
	    sizeof host, &port));
	ck_assert(!ship_moved_parse(SLICE("MOVED 1 h"), &slot, host,
	    sizeof host, &port));
	ck_assert(!ship_moved_parse(SLICE("MOVED"), &slot, host, sizeof host,
	    &port));
	ck_assert(!ship_moved_parse(SLICE("MOVED 1 abcdefgh:1"), &slot, host, 8,
	    &port));
}
END_TEST

START_TEST(ids)
{
	char text[SHIP_ID_TEXT];

	ck_assert_uint_eq(ship_id_text((struct ship_id){ UINT64_MAX,
	    UINT64_MAX }, text), 41);
	ck_assert_str_eq(text, "18446744073709551615-18446744073709551615");
	ck_assert(ship_id_less((struct ship_id){ 1, 9 },
	    (struct ship_id){ 2, 0 }));
	ck_assert(!ship_id_less((struct ship_id){ 2, 0 },
	    (struct ship_id){ 2, 0 }));
}
END_TEST


int
main(void)
{
	Suite *s = suite_create("shipper");
	TCase *t = tcase_create("pure");
	SRunner *r;
	int failed;

	tcase_add_loop_test(t, url, 0, ROWS(urls));
	tcase_add_test(t, url_too_long);
	tcase_add_loop_test(t, key, 0, ROWS(keys));
	tcase_add_test(t, slots);
	tcase_add_test(t, request);
	tcase_add_test(t, guarded);
	tcase_add_loop_test(t, guarded_answer, 0, ROWS(answers));
	tcase_add_test(t, guarded_answer_cut);
	tcase_add_loop_test(t, where, 0, ROWS(wheres));
	tcase_add_test(t, where_holds);
	tcase_add_loop_test(t, error, 0, ROWS(errors));
	tcase_add_test(t, moved);
	tcase_add_test(t, ids);
	suite_add_tcase(s, t);
	r = srunner_create(s);
	srunner_run_all(r, CK_ENV);
	failed = srunner_ntests_failed(r);
	srunner_free(r);
	return failed != 0;
}
