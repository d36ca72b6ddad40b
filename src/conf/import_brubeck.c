/* import_brubeck.c - brubeck's JSON file as millrace.yaml. */
#include "config.h"

#include <errno.h>
#include <jansson.h>
#include <stdio.h>

#include "conf/import.h"
#include "conf/import_parts.h"

struct import {
	struct arena *arena;
	struct faults faults;
	struct buf *out;
	const char *path;
	json_t *root;
};

/* jansson does not say where a value stands. */
#define HERE(m) ((struct conf_mark){ (m)->path, 0, 0 })
#define WARN(m, ...) fault_warn(&(m)->faults, HERE(m), __VA_ARGS__)

/* ---- values ---- */

static const char *
text_in(const json_t *o, const char *key, const char *fallback)
{
	const char *s = json_string_value(json_object_get(o, key));

	return s == NULL ? fallback : s;
}

static unsigned
number_in(struct import *m, const json_t *o, const char *key,
    unsigned fallback, unsigned min, unsigned max)
{
	const json_t *v = json_object_get(o, key);
	double d = json_number_value(v);

	if (v == NULL)
		return fallback;
	if (json_is_number(v) && d >= min && d <= max)
		return (unsigned)d;
	WARN(m, "%s: not a number from %u to %u; %u is written", key, min, max,
	    fallback);
	return fallback;
}

static bool
is_type(const json_t *o, const char *type)
{
	return strcmp(text_in(o, "type", ""), type) == 0;
}

/* ---- input ---- */

static char *
listen_url(struct import *m, const char *scheme, const char *address,
    unsigned port)
{
	bool v6 = strchr(address, ':') != NULL && address[0] != '[';

	return arena_printf(m->arena, "%s://%s%s%s:%u", scheme, v6 ? "[" : "",
	    strcmp(address, "0.0.0.0") == 0 ? "*" : address, v6 ? "]" : "",
	    port);
}

/* The first that signs its packets, or NULL. */
static const json_t *
signed_sampler(const json_t *samplers)
{
	for (size_t i = 0; i < json_array_size(samplers); i++)
		if (is_type(json_array_get(samplers, i), "statsd-secure"))
			return json_array_get(samplers, i);
	return NULL;
}

static unsigned
put_samplers(struct import *m, const json_t *samplers, bool with_secret)
{
	unsigned workers = 0;

	for (size_t i = 0; i < json_array_size(samplers); i++) {
		const json_t *s = json_array_get(samplers, i);
		bool secure = is_type(s, "statsd-secure");
		unsigned n = number_in(m, s, "workers", 4, 1, 256);

		if (!secure && !is_type(s, "statsd")) {
			fault_add(&m->faults, HERE(m), "samplers[%zu]: no "
			    "sampler \"%s\"", i, text_in(s, "type", ""));
			continue;
		}
		if (secure != with_secret)
			WARN(m, "samplers[%zu]: signed and unsigned packets "
			    "are not taken by one daemon; run a second one for "
			    "this", i);
		import_text(m->out, "    - ", listen_url(m, "udp", text_in(s, "address",
		    "0.0.0.0"), number_in(m, s, "port", 8126, 1, 65535)));
		workers = n > workers && !secure ? n : workers;
		if (json_object_get(s, "multimsg") != NULL ||
		    json_object_get(s, "multisock") != NULL)
			WARN(m, "samplers[%zu]: multimsg and multisock are not "
			    "needed: many messages are read at once, by a "
			    "socket for each worker", i);
	}
	return workers;
}

static void
put_statsd(struct import *m)
{
	const json_t *samplers = json_object_get(m->root, "samplers");
	const json_t *secure = signed_sampler(samplers);
	struct buf *out = m->out, listens = BUF_INIT(IMPORT_MAX);
	unsigned workers;

	m->out = &listens;
	workers = put_samplers(m, samplers, secure != NULL);
	m->out = out;
	if (workers > 0)
		buf_printf(m->out, "workers: %u\n", workers);
	buf_printf(m->out, "statsd:\n  listen:\n");
	buf_add_slice(out, listens.len == 0 ? SLICE("    []\n") :
	    buf_slice(&listens));
	buf_fini(&listens);
	buf_printf(m->out, "  management: ''\n  sanitize: false\n");
	if (secure == NULL)
		return;
	import_text(m->out, "  secret: ", text_in(secure, "hmac_key", ""));
	buf_printf(m->out, "  max_drift: %us\n", number_in(m, secure, "max_drift", 3, 0,
	    3600));
	buf_printf(m->out, "  replay_window: %u\n", number_in(m, secure, "replay_len", 2048,
	    1, 1000000));
}

/* ---- output ---- */

static void
put_backends(struct import *m)
{
	const json_t *backends = json_object_get(m->root, "backends");
	size_t n = json_array_size(backends), carbon = 0;

	for (size_t i = 0; i < n; i++) {
		const json_t *b = json_array_get(backends, i);

		if (!is_type(b, "carbon")) {
			fault_add(&m->faults, HERE(m), "backends[%zu]: no "
			    "backend \"%s\"", i, text_in(b, "type", ""));
			continue;
		}
		if (carbon++ == 0)
			buf_printf(m->out, "clusters:\n  carbon:\n    method: %s\n"
			    "    servers:\n", n > 1 ? "jump_fnv1a_ch" :
			    "forward");
		buf_printf(m->out, "      - {host: ");
		yaml_value(m->out, slice_str(text_in(b, "address",
		    "127.0.0.1")));
		buf_printf(m->out, ", port: %u", number_in(m, b, "port", 2003, 1, 65535));
		if (n > 1)
			buf_printf(m->out, ", instance: '%zu'", i);
		buf_printf(m->out, "%s}\n", json_is_true(json_object_get(b, "pickle")) ?
		    ", protocol: pickle" : "");
	}
	if (carbon == 0)
		buf_printf(m->out, "clusters:\n  nowhere: {method: 'null'}\n");
	if (carbon > 1)
		WARN(m, "backends: brubeck spreads names over them by CityHash, "
		    "which is not known here: names move to other servers");
}

static unsigned
interval(struct import *m)
{
	const json_t *backends = json_object_get(m->root, "backends");
	unsigned first = 0;

	for (size_t i = 0; i < json_array_size(backends); i++) {
		unsigned s = number_in(m, json_array_get(backends, i),
		    "frequency", 10, 1, 86400);

		if (first != 0 && s != first)
			WARN(m, "backends[%zu]: frequency: there is one interval "
			    "for all, %u s", i, first);
		first = first == 0 ? s : first;
	}
	return first == 0 ? 10 : first;
}

static void
put_flush(struct import *m)
{
	unsigned every = interval(m);
	unsigned expire = number_in(m, m->root, "expire", 0, 0, 86400);

	buf_printf(m->out, "flush:\n  interval: %us\n"
	    "  percentiles: [75, 95, 98, 99, 99.9]\n"
	    "  legacy: false\n  prefix: ''\n  prefix_counter: ''\n"
	    "  prefix_timer: ''\n  prefix_gauge: ''\n  prefix_set: ''\n",
	    every);
	import_text(m->out, "  namespace: ", arena_printf(m->arena, "brubeck.%s",
	    text_in(m->root, "server_name", "brubeck")));
	buf_printf(m->out, "  delete_idle: true\n  persistent: false\n");
	if (expire > 0)
		buf_printf(m->out, "  gauges_ttl: %u\n", 1 + 2 * expire / every);
}

static void
put_admin(struct import *m)
{
	const char *http = text_in(m->root, "http", NULL);

	if (http == NULL)
		return;
	import_text(m->out, "admin:\n  listen: ", arena_printf(m->arena, "http://%s%s",
	    http[0] == ':' ? "*" : "", http));
	WARN(m, "http: the page has other addresses: /metrics, /healthz, "
	    "/api/ledger");
}

/* ---- remarks ---- */

static const struct {
	const char *key, *remark;
} keys[] = {
	{ "backends", NULL },
	{ "capacity", "not needed: tables grow; flush.max_names bounds them" },
	{ "dumpfile", "not needed: the admin page shows what is there" },
	{ "expire", NULL },
	{ "http", NULL },
	{ "samplers", NULL },
	{ "server_name", NULL },
	{ "sharding", "without effect in brubeck" },
};

static void
remarks(struct import *m)
{
	const char *key;
	json_t *value;

	json_object_foreach(m->root, key, value) {
		size_t i = 0, n = sizeof keys / sizeof *keys;

		while (i < n && strcmp(key, keys[i].key) != 0)
			i++;
		if (i == n)
			WARN(m, "%.200s is no setting of brubeck", key);
		else if (keys[i].remark != NULL)
			WARN(m, "%s: %s", key, keys[i].remark);
	}
	WARN(m, "names get endings that brubeck has not: a counter .count and "
	    ".rate, a timer .upper_95 for .percentile.95");
}

static void
put_all(struct import *m)
{
	if (!json_is_object(m->root)) {
		fault_add(&m->faults, HERE(m), "expected an object");
		return;
	}
	remarks(m);
	buf_printf(m->out, "# Made by millrace import brubeck.\n");
	put_statsd(m);
	put_flush(m);
	put_backends(m);
	put_admin(m);
}

int
import_brubeck(const char *path, struct buf *yaml, struct buf *out)
{
	struct import m = { .arena = arena_new(), .out = yaml, .path = path };
	struct slice text;
	json_error_t e;
	bool ok;

	faults_init(&m.faults, m.arena);
	if (!import_read(m.arena, path, &text))
		fault_add(&m.faults, HERE(&m), "%s", strerror(errno));
	else {
		m.root = json_loadb(text.ptr, text.len,
		    JSON_REJECT_DUPLICATES, &e);
		if (m.root != NULL)
			put_all(&m);
		else
			fault_add(&m.faults, (struct conf_mark){ path,
			    (unsigned)e.line, (unsigned)e.column }, "%s",
			    e.text);
		json_decref(m.root);
	}
	ok = m.faults.errors == 0;
	if (!ok)
		buf_clear(yaml);
	faults_print(&m.faults, out);
	arena_free(m.arena);
	return ok ? 0 : -1;
}
