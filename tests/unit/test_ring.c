/* The relays' own answers (tests/vectors/hash), and what they have no answer
 * for: servers that are down, clusters that cannot be. */
#include "config.h"

#include <check.h>
#include <glob.h>
#include <stdio.h>
#include <stdlib.h>

#include "core/ring.h"

#define MAX 64

struct topology {
	struct ring_server servers[MAX];
	size_t n;
	unsigned replication;
	char text[8192];
};

static const char *
vectors(void)
{
	static char dir[500];
	const char *top = getenv("top_srcdir");

	snprintf(dir, sizeof dir, "%s/tests/vectors/hash", top ? top : ".");
	return dir;
}

static struct ring_server
server(const char *text)
{
	struct ring_server s = { 0 };
	struct slice rest = slice_str(text);

	s.host = slice_cut(&rest, ':');
	s.port = (uint16_t)atoi(rest.ptr);
	slice_cut(&rest, '=');
	s.instance = rest;
	return s;
}

/* Enough of the configuration: cluster NAME METHOD [replication N] SERVER.. ; */
static void
read_conf(const char *path, struct topology *t, char method[32])
{
	FILE *f = fopen(path, "r");
	size_t n;
	char *save, *word;

	ck_assert_msg(f != NULL, "%s", path);
	memset(t, 0, sizeof *t);
	n = fread(t->text, 1, sizeof t->text - 1, f);
	ck_assert_uint_gt(n, 0);
	fclose(f);
	t->replication = 1;
	strtok_r(t->text, " \n", &save);
	strtok_r(NULL, " \n", &save);
	snprintf(method, 32, "%s", strtok_r(NULL, " \n", &save));
	while ((word = strtok_r(NULL, " \n", &save)) != NULL && *word != ';') {
		if (strcmp(word, "replication") == 0)
			t->replication = (unsigned)atoi(strtok_r(NULL, " \n", &save));
		else
			t->servers[t->n++] = server(word);
	}
}

static void
format(const struct topology *t, const unsigned *picked, size_t n, char *out)
{
	*out = '\0';
	for (size_t i = 0; i < n; i++)
		out += sprintf(out, "%s%.*s:%u", i > 0 ? "," : "",
		    SLICE_ARG(t->servers[picked[i]].host),
		    t->servers[picked[i]].port);
}

/* Each line: the name in the first column, the answer in the last. */
static size_t
compare_up(const char *path, const struct topology *t, const struct ring *r,
    int name_column, const bool *down)
{
	FILE *f = fopen(path, "r");
	char line[4096], got[1024];
	unsigned picked[MAX];
	size_t lines = 0;

	ck_assert_msg(f != NULL, "%s", path);
	while (fgets(line, sizeof line, f) != NULL) {
		char *want = strrchr(line, '\t'), *name = line, *end;

		line[strcspn(line, "\n")] = '\0';
		*want++ = '\0';
		if (name_column == 1)
			name = strchr(line, '\t') + 1;
		end = strchr(name, '\t');
		ck_assert(end == NULL);
		format(t, picked, ring_pick_up(r, slice_str(name), down, picked,
		    MAX), got);
		ck_assert_msg(strcmp(got, want) == 0, "%s: %s: got %s, not %s",
		    path, name, got, want);
		lines++;
	}
	fclose(f);
	return lines;
}

static size_t
compare(const char *path, const struct topology *t, const struct ring *r,
    int name_column)
{
	return compare_up(path, t, r, name_column, NULL);
}

static struct ring *
make(const struct topology *t, const char *method, bool diverse)
{
	char error[1000] = "";
	int m = ring_method_parse(slice_str(method));
	struct ring *r;

	ck_assert_msg(m >= 0, "%s", method);
	r = ring_new(m, t->servers, t->n, t->replication, diverse, error,
	    sizeof error);
	ck_assert_msg(r != NULL, "%s", error);
	return r;
}

static size_t
find(const char *pattern, glob_t *g)
{
	char path[600];

	snprintf(path, sizeof path, "%s/%s", vectors(), pattern);
	ck_assert_msg(glob(path, 0, NULL, g) == 0, "%s: nothing there", path);
	return g->gl_pathc;
}

START_TEST(relay_vectors)
{
	glob_t g;
	char conf[600], method[32];
	struct topology t;
	size_t files = 0;

	find("*-r[12].tsv", &g);
	for (size_t i = 0; i < g.gl_pathc; i++) {
		size_t len = strlen(g.gl_pathv[i]);
		struct ring *r;

		snprintf(conf, sizeof conf, "%.*s.conf", (int)len - 4,
		    g.gl_pathv[i]);
		read_conf(conf, &t, method);
		r = make(&t, method, false);
		ck_assert_uint_eq(compare(g.gl_pathv[i], &t, r, 0), 199);
		ring_free(r);
		files++;
	}
	ck_assert_uint_ge(files, 50);
	globfree(&g);
}
END_TEST

/* What the running daemons sent where: with tags, and after cleaning. */
START_TEST(live_vectors)
{
	glob_t g;
	char conf[600], method[32];
	struct topology t;

	ck_assert_uint_eq(find("live-*.tsv", &g), 6);
	for (size_t i = 0; i < g.gl_pathc; i++) {
		struct ring *r;

		snprintf(conf, sizeof conf, "%.*s.conf",
		    (int)(strstr(g.gl_pathv[i], "-ccr") - g.gl_pathv[i]),
		    g.gl_pathv[i]);
		read_conf(conf, &t, method);
		r = make(&t, method, false);
		ck_assert_uint_eq(compare(g.gl_pathv[i], &t, r, 1), 140);
		ring_free(r);
	}
	globfree(&g);
}
END_TEST

/* py-METHOD-HASH-TOPOLOGY-nN-rR-{plain,diverse}.tsv */
START_TEST(python_vectors)
{
	static const char *const names[2][2] = {
		{ "carbon_py", "fnv1a_py" }, { "fast_py", "fast_fnv1a_py" }
	};
	glob_t g;
	char conf[600], ignored[32], topology[32];
	struct topology t;

	ck_assert_uint_eq(find("py-*.tsv", &g), 84);
	for (size_t i = 0; i < g.gl_pathc; i++) {
		const char *base = strrchr(g.gl_pathv[i], '/') + 1;
		bool fast = strncmp(base, "py-fast", 7) == 0;
		bool fnv = strstr(base, "fnv1a_ch") != NULL;
		unsigned n, repl;
		struct ring *r;

		ck_assert_int_eq(sscanf(strstr(base, "_ch-") + 4,
		    "%31[a-z]-n%u-r%u", topology, &n, &repl), 3);
		snprintf(conf, sizeof conf, "%s/carbon_ch-%s-n%u-r%u.conf",
		    vectors(), topology, n, repl);
		read_conf(conf, &t, ignored);
		r = make(&t, names[fast][fnv], strstr(base, "diverse") != NULL);
		ck_assert_uint_eq(compare(g.gl_pathv[i], &t, r, 0), 199);
		ring_free(r);
	}
	globfree(&g);
}
END_TEST

/* From npm's hashring 3.2.0 as statsd's proxy makes it; 7 has 39 points. */
START_TEST(statsd_vectors)
{
	static const unsigned sizes[] = { 1, 3, 7, 8 };
	struct topology t = { .replication = 1 };
	char path[600];

	for (unsigned k = 0; k < 4; k++) {
		struct ring *r;

		for (t.n = 0; t.n < sizes[k]; t.n++) {
			t.servers[t.n].host = SLICE("127.0.0.1");
			t.servers[t.n].port = (uint16_t)(8127 + 2 * t.n);
		}
		r = make(&t, "statsd_ring", false);
		snprintf(path, sizeof path, "%s/statsd-hosts-n%u.tsv",
		    vectors(), sizes[k]);
		ck_assert_uint_eq(compare(path, &t, r, 0), 205);
		ring_free(r);
	}
}
END_TEST

/* Its proxy makes the ring again of those that are up: with one of eight away
 * it is that of seven, of 39 points each and not 40. */
START_TEST(statsd_one_down)
{
	struct topology t = { .replication = 1 };
	bool down[8] = { false };
	struct ring *r;
	char path[600];

	for (t.n = 0; t.n < 8; t.n++) {
		t.servers[t.n].host = SLICE("127.0.0.1");
		t.servers[t.n].port = (uint16_t)(8127 + 2 * t.n);
	}
	r = make(&t, "statsd_ring", false);
	down[7] = true;
	snprintf(path, sizeof path, "%s/statsd-hosts-n7.tsv", vectors());
	ck_assert_uint_eq(compare_up(path, &t, r, 0, down), 205);
	ring_free(r);
}
END_TEST

static void
hosts(struct topology *t, size_t n)
{
	memset(t, 0, sizeof *t);
	t->replication = 1;
	for (size_t i = 0; i < n; i++) {
		char *text = t->text + 16 * i;

		snprintf(text, 16, "10.0.0.%u", (unsigned)(i + 1) % 256);
		t->servers[i] = (struct ring_server){ .host = slice_str(text),
		    .port = 2003 };
	}
	t->n = n;
}

START_TEST(all_of_them)
{
	struct topology t;
	struct ring *r;
	unsigned out[MAX];

	hosts(&t, 3);
	r = make(&t, "forward", false);
	ck_assert_uint_eq(ring_pick(r, SLICE("a"), out, MAX), 3);
	ck_assert_uint_eq(out[2], 2);
	ck_assert_uint_eq(ring_pick(r, SLICE("a"), out, 2), 2);
	ck_assert_uint_eq(ring_pick(r, SLICE("a"), out, 0), 0);
	ck_assert_uint_eq(ring_width(r), 3);
	ck_assert_uint_eq(ring_pick_up(r, SLICE("a"),
	    (bool[]){ true, false, true }, out, MAX), 3);
	ring_free(r);
}
END_TEST

START_TEST(failover_goes_on)
{
	struct topology t;
	struct ring *r;
	unsigned out[MAX];

	hosts(&t, 3);
	r = make(&t, "failover", false);
	ck_assert_uint_eq(ring_pick(r, SLICE("a"), out, MAX), 1);
	ck_assert_uint_eq(out[0], 0);
	ck_assert_uint_eq(ring_pick_up(r, SLICE("a"),
	    (bool[]){ true, true, false }, out, MAX), 1);
	ck_assert_uint_eq(out[0], 2);
	ck_assert_uint_eq(ring_pick_up(r, SLICE("a"),
	    (bool[]){ true, true, true }, out, MAX), 1);
	ck_assert_uint_eq(out[0], 0);
	ring_free(r);
}
END_TEST

/* Every hashing method: a name whose server is up stays where it is, and one
 * whose server is down finds another; replicas are never the same server. */
START_TEST(down_moves_only_its_own)
{
	struct topology t;
	struct ring *r;
	char error[200], name[40];
	bool down[8] = { [2] = true };
	unsigned up[2], now[2], moved[8] = { 0 }, others = 0, strays = 0;

	hosts(&t, 8);
	for (unsigned i = 0; i < 8; i++)	/* fnv1a_py needs them */
		t.servers[i].instance = slice_of(&"abcdefgh"[i], 1);
	t.replication = ring_method_hashes(_i) ? 2 : 1;
	r = ring_new(_i, t.servers, 8, t.replication, true, error, sizeof error);
	ck_assert_msg(r != NULL, "%s", error);
	for (int i = 0; i < 4000; i++) {
		struct slice s = { name, snprintf(name, sizeof name,
		    "web%d.cpu.user", i) };

		ck_assert_uint_eq(ring_pick(r, s, up, 2), t.replication);
		ck_assert_uint_eq(ring_pick_up(r, s, down, now, 2),
		    t.replication);
		if (t.replication == 2) {
			ck_assert_uint_ne(up[0], up[1]);
			ck_assert_uint_ne(now[0], now[1]);
		}
		ck_assert_uint_ne(now[0], 2);
		if (up[0] == 2)
			moved[now[0]]++;
		else if (up[0] != now[0])
			strays++;
	}
	/* seven of statsd's have 39 points each, and not 40 */
	ck_assert_uint_le(strays, _i == RING_STATSD ? 4000 / 20 : 0);
	for (int i = 0; i < 8; i++)
		others += moved[i] > 0;
	/* fast-hashing knows one next server only; the others spread */
	if (_i != RING_FAST_PY && _i != RING_FAST_FNV1A_PY &&
	    _i != RING_FAST_MMH3_PY)
		ck_assert_uint_ge(others, 6);
	ring_free(r);
}
END_TEST

/* One host with three instances: diverse leaves one replica, plain gives two. */
START_TEST(diverse_may_be_fewer)
{
	struct topology t = { .n = 3, .replication = 2, .servers = {
		server("10.0.0.1:2003=a"), server("10.0.0.1:2103=b"),
		server("10.0.0.1:2203=c") } };
	unsigned out[2];
	struct ring *r = make(&t, "carbon_py", true);

	ck_assert_uint_eq(ring_pick(r, SLICE("foo"), out, 2), 1);
	ring_free(r);
	r = make(&t, "carbon_py", false);
	ck_assert_uint_eq(ring_pick(r, SLICE("foo"), out, 2), 2);
	ring_free(r);
}
END_TEST

/* Without instances every node of carbon's fnv1a ring has the same keys. */
START_TEST(python_probes_up)
{
	struct topology t;
	struct ring *r;
	unsigned out[MAX], seen[4] = { 0 };
	char name[30];

	hosts(&t, 4);
	r = make(&t, "fnv1a_py", false);
	for (int i = 0; i < 2000; i++) {
		snprintf(name, sizeof name, "n%d", i);
		ck_assert_uint_eq(ring_pick(r, slice_str(name), out, MAX), 1);
		seen[out[0]]++;
	}
	/* the first of a chain owns the gap before it */
	ck_assert_uint_gt(seen[0], 1900);
	ring_free(r);
}
END_TEST

START_TEST(keys)
{
	ck_assert(slice_eq(ring_key(RING_CARBON_CH, SLICE("a.b;k=v")), SLICE("a.b")));
	ck_assert(slice_eq(ring_key(RING_ANY_OF, SLICE("a.b")), SLICE("a.b")));
	ck_assert(slice_eq(ring_key(RING_CARBON_PY, SLICE("a.b;k=v")),
	    SLICE("a.b;k=v")));
	ck_assert(slice_eq(ring_key(RING_STATSD, SLICE("a;k=v")), SLICE("a;k=v")));
}
END_TEST

static const struct {
	const char *method, *servers[3];
	unsigned replication;
	const char *error;	/* a part of it; NULL: it is fine */
} cannot[] = {
	{ "forward", { NULL }, 1, "1 to 1024 servers" },
	{ "carbon_ch", { "a:1", "b:1" }, 3, "replication 3 with 2 servers" },
	{ "carbon_ch", { "a:1" }, 0, "replication 0 with 1 server:" },
	{ "any_of", { "a:1", "b:1" }, 2, "any_of has no replication" },
	{ "carbon_ch", { "a:1", "b:1", "a:2" }, 1,
	    "the servers a:1 and a:2 apart; the port does not count" },
	{ "carbon_ch", { "a:1=x", "a:2=x" }, 1, "a:1=x and a:2=x apart" },
	{ "carbon_ch", { "a:1", "a:1=x" }, 1, NULL },
	{ "carbon_py", { "a:1", "a:2" }, 1, "carbon_py cannot tell" },
	{ "fnv1a_ch", { "a:1=x", "b:1=x" }, 1, "only the instance counts" },
	{ "fnv1a_ch", { "a:1", "a:2" }, 1, NULL },
	{ "fnv1a_ch", { "a:1", "a:1" }, 1, "a:1 and a:1 apart" },
	{ "jump_fnv1a_ch", { "a:1", "a:1" }, 1, "list it once" },
	{ "forward", { "a:1", "a:1" }, 1, "list it once" },
	{ "statsd_ring", { "a:1", "a:1" }, 1, "list it once" },
	{ "failover", { "a:1", "a:2" }, 1, NULL },
};

START_TEST(clusters_that_cannot_be)
{
	struct topology t = { .n = 0 };
	char error[1000] = "";
	struct ring *r;

	while (t.n < 3 && cannot[_i].servers[t.n] != NULL) {
		t.servers[t.n] = server(cannot[_i].servers[t.n]);
		t.n++;
	}
	r = ring_new(ring_method_parse(slice_str(cannot[_i].method)), t.servers,
	    t.n, cannot[_i].replication, false, error, sizeof error);
	if (cannot[_i].error == NULL)
		ck_assert_msg(r != NULL, "%s", error);
	else {
		ck_assert(r == NULL);
		ck_assert_msg(strstr(error, cannot[_i].error) != NULL, "%s", error);
	}
	ring_free(r);
}
END_TEST

START_TEST(udp_and_tcp_are_two)
{
	struct topology t = { .n = 2, .replication = 1, .servers = {
		server("a:1"), server("a:1") } };

	t.servers[1].transport = 1;
	ring_free(make(&t, "forward", false));
}
END_TEST

START_TEST(method_names)
{
	for (int m = 0; m < RING_METHODS; m++)
		ck_assert_int_eq(ring_method_parse(slice_str(
		    ring_method_name(m))), m);
	ck_assert_int_eq(ring_method_parse(SLICE("carbon")), -1);
	ck_assert_str_eq(ring_method_name(RING_METHODS), "unknown");
}
END_TEST

int
main(void)
{
	Suite *s = suite_create("ring");
	TCase *t = tcase_create("all");
	SRunner *r;
	int failed;

	tcase_set_timeout(t, 30);
	tcase_add_test(t, relay_vectors);
	tcase_add_test(t, live_vectors);
	tcase_add_test(t, python_vectors);
	tcase_add_test(t, statsd_vectors);
	tcase_add_test(t, statsd_one_down);
	tcase_add_test(t, all_of_them);
	tcase_add_test(t, failover_goes_on);
	tcase_add_loop_test(t, down_moves_only_its_own, RING_CARBON_CH,
	    RING_METHODS);
	tcase_add_loop_test(t, down_moves_only_its_own, RING_ANY_OF,
	    RING_ANY_OF + 1);
	tcase_add_test(t, diverse_may_be_fewer);
	tcase_add_test(t, python_probes_up);
	tcase_add_test(t, keys);
	tcase_add_loop_test(t, clusters_that_cannot_be, 0,
	    sizeof cannot / sizeof cannot[0]);
	tcase_add_test(t, udp_and_tcp_are_two);
	tcase_add_test(t, method_names);
	suite_add_tcase(s, t);
	r = srunner_create(s);
	srunner_run_all(r, CK_NORMAL);
	failed = srunner_ntests_failed(r);
	srunner_free(r);
	return failed != 0;
}
