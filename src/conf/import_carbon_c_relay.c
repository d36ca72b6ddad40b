/* import_carbon_c_relay.c - carbon-c-relay's configuration as millrace.yaml.
 *
 * Its statements and our rules are both tried in order, so a statement becomes
 * a rule at its place:
 *
 *	match E send to C stop		when E, to C
 *	match E send to C		when E, to C, continue
 *	match E route using T send	when E, route_by T, to C
 *	match E validate V else drop	when E and data is not V, drop
 *	match E validate V .. send to C	when E and data is V, to C; with stop, a
 *					rule behind it that ends it for the rest
 *	match E send to blackhole	when E, drop; to nowhere when something was
 *					sent or added up before, which stands
 *	rewrite E into T		when E, rewrite T
 *	aggregate E ... compute F	when E, aggregate F, as T; its `to` says
 *					where the figure goes
 *
 * What no rule matched goes nowhere there, and to all clusters here; so a last
 * rule sends the rest nowhere. */
#include "config.h"

#include <errno.h>
#include <glob.h>
#include <stdio.h>
#include <stdlib.h>

#include "base/number.h"
#include "conf/carbon_c_relay.h"
#include "conf/import.h"
#include "conf/import_parts.h"

struct import {
	struct ccr ccr;
	struct arena *arena;
	struct faults faults;
	struct buf *out;
	const char *path;
	unsigned rules;
	bool earlier;		/* a rule before sent on or added up */
	bool closed;		/* nothing gets past the last rule */
	bool listens;
	/* flags */
	uint64_t port, workers, queue, max_name, max_line, timeout_ms, sockbuf;
	const char *chars, *ca, *pid_file, *host;
	bool no_idle, no_statistics;
};

/* ---- flags ---- */

static void
flag_number(struct import *m, struct conf_mark mark, char flag,
    struct slice value, uint64_t *out)
{
	if (!number_u64(value, out))
		fault_warn(&m->faults, mark, "-%c \"%.*s\": not a number", flag,
		    SLICE_ARG(value));
}

static void
flag(struct import *m, struct conf_mark mark, char flag, struct slice value)
{
	switch (flag) {
	case 'p':
		flag_number(m, mark, flag, value, &m->port);
		break;
	case 'w':
		flag_number(m, mark, flag, value, &m->workers);
		break;
	case 'q':
		flag_number(m, mark, flag, value, &m->queue);
		break;
	case 'm':
		flag_number(m, mark, flag, value, &m->max_name);
		break;
	case 'M':
		flag_number(m, mark, flag, value, &m->max_line);
		break;
	case 'T':
		flag_number(m, mark, flag, value, &m->timeout_ms);
		break;
	case 'U':
		flag_number(m, mark, flag, value, &m->sockbuf);
		break;
	case 'c':
		m->chars = arena_dup(m->arena, value);
		break;
	case 'C':
		m->ca = arena_dup(m->arena, value);
		break;
	case 'P':
		m->pid_file = arena_dup(m->arena, value);
		break;
	case 'E':
		m->no_idle = true;
		break;
	case 'H':
		m->host = arena_dup(m->arena, value);
		break;
	case 'S':
		fault_warn(&m->faults, mark, "-S: figures each second are on "
		    "millrace's admin page and in `millrace top`");
		m->no_statistics = true;	/* it means -s too */
		break;
	case 's':
		m->no_statistics = true;
		break;
	case 'l':
		fault_warn(&m->faults, mark, "-l: the log goes to standard error");
		break;
	case 'b':
	case 'B':
	case 'L':
	case 'O':
		fault_warn(&m->faults, mark, "-%c: not needed: batches, backlogs, stalls "
		    "and the order of rules look after themselves", flag);
		break;
	default:	/* f t d D v: nothing to carry over */
		break;
	}
}

/* A word, with quotes around it or a part of it taken away. */
static struct slice
flag_word(struct import *m, struct slice *s)
{
	char *out, quote = '\0';
	size_t i = 0, n = 0;

	while (s->len > 0 && (*s->ptr == ' ' || *s->ptr == '\t'))
		*s = slice_from(*s, 1);
	out = arena_alloc(m->arena, s->len + 1);
	for (; i < s->len; i++) {
		char c = s->ptr[i];

		if (quote == '\0' && (c == ' ' || c == '\t'))
			break;
		if (quote == '\0' && (c == '"' || c == '\''))
			quote = c;
		else if (c == quote)
			quote = '\0';
		else
			out[n++] = c;
	}
	*s = slice_from(*s, i);
	return slice_of(out, n);
}

static void
flags(struct import *m, struct slice line, struct conf_mark mark)
{
	static const char with_value[] = "fpwbqLSBUTcmMHCOlP";

	while (line.len > 0) {
		struct slice word = flag_word(m, &line);

		if (word.len < 2 || word.ptr[0] != '-')
			continue;
		for (size_t i = 1; i < word.len; i++) {
			struct slice value = slice_from(word, i + 1);

			if (strchr(with_value, word.ptr[i]) == NULL) {
				flag(m, mark, word.ptr[i], value);
				continue;
			}
			if (value.len == 0)
				value = flag_word(m, &line);
			flag(m, mark, word.ptr[i], value);
			break;
		}
	}
}

/* A line of the head comment in which the relay is started. */
static void
head_flags(struct import *m)
{
	struct slice head = slice_str(m->ccr.head);
	struct conf_mark mark = { m->path, 1, 1 };

	for (; head.len > 0; mark.line++) {
		const char *line = arena_dup(m->arena, slice_cut(&head, '\n'));
		const char *at = strstr(line, "carbon-c-relay");

		if (at != NULL)
			at = strstr(at, " -");
		if (at != NULL)
			flags(m, slice_str(at), mark);
	}
}

/* ---- listeners ---- */

#define SYSTEM_CA "/etc/ssl/certs/ca-certificates.crt"

/* "tls1.2" as "1.2"; NULL: not set.  What is older than 1.2 is raised to it. */
static const char *
tls_version(struct import *m, const char *word, struct conf_mark mark)
{
	if (word == NULL || strcmp(word, "tls1.3") == 0)
		return word == NULL ? NULL : "1.3";
	if (strcmp(word, "tls1.2") != 0)
		fault_warn(&m->faults, mark, "\"%s\": TLS 1.2 is the oldest "
		    "version spoken", word);
	return "1.2";
}

static bool
same_text(const char *a, const char *b)
{
	return a == b || (a != NULL && b != NULL && strcmp(a, b) == 0);
}

static bool
same_tls(const struct ccr_transport *a, const struct ccr_transport *b)
{
	return same_text(a->cert, b->cert) && a->mtls == b->mtls &&
	    same_text(a->protomin, b->protomin) &&
	    same_text(a->protomax, b->protomax) &&
	    same_text(a->ciphers, b->ciphers) &&
	    same_text(a->ciphersuites, b->ciphersuites);
}

static void
put_listen(struct import *m, const struct ccr_receptor *p,
    const struct ccr_transport *t)
{
	static const char *const schemes[] = { "tcp", "gzip", "lz4", "snappy" };
	static const char *const over_tls[] = { "tls", "gzips", "lz4s", "snappys" };
	struct buf url = BUF_INIT(4096);

	if (t->codec != CCR_PLAIN && (p->path != NULL || p->udp))
		fault_warn(&m->faults, p->mark, "a packed transport is for tcp; "
		    "plain lines are taken");

	if (p->path != NULL)
		buf_printf(&url, "unix://%s", p->path);
	else {
		bool v6 = p->host != NULL && strchr(p->host, ':') != NULL;

		buf_printf(&url, "%s://%s%s%s:%u", p->udp ? "udp" :
		    t->ssl ? over_tls[t->codec] : schemes[t->codec], v6 ? "[" : "",
		    p->host == NULL ? "*" : p->host, v6 ? "]" : "", p->port);
	}
	buf_printf(m->out, "    - ");
	yaml_value(m->out, buf_slice(&url));
	buf_printf(m->out, "\n");
	buf_fini(&url);
}

static void
put_tls(struct import *m, const struct ccr_transport *t,
    struct conf_mark mark)
{
	const char *min = tls_version(m, t->protomin, mark);
	const char *max = tls_version(m, t->protomax, mark);

	if (t->mtls && m->ca == NULL)
		fault_warn(&m->faults, mark, "mtls without -C: clients must have "
		    "a certificate of an authority in " SYSTEM_CA);
	buf_printf(m->out, "  tls:\n");
	import_text(m->out, "    cert: ", t->cert);
	import_text(m->out, "    key: ", t->cert);
	if (t->mtls)
		import_text(m->out, "    ca: ", m->ca != NULL ? m->ca :
		    SYSTEM_CA);
	if (min != NULL)
		import_text(m->out, "    min_version: ", min);
	if (max != NULL)
		import_text(m->out, "    max_version: ", max);
	if (t->ciphers != NULL)
		import_text(m->out, "    ciphers: ", t->ciphers);
	if (t->ciphersuites != NULL)
		import_text(m->out, "    ciphersuites: ", t->ciphersuites);
}

static void
default_listens(struct import *m)
{
	buf_printf(m->out, "    - 'tcp://*:%u'\n    - 'udp://*:%u'\n"
	    "    - 'unix:///tmp/.s.carbon-c-relay.%u'\n", (unsigned)m->port,
	    (unsigned)m->port, (unsigned)m->port);
}

static void
put_listens(struct import *m)
{
	const struct ccr_transport *tls = NULL;
	struct conf_mark tls_mark = { 0 };
	bool any = false;

	buf_printf(m->out, "  listen:\n");
	for (size_t i = 0; i < m->ccr.n; i++) {
		const struct ccr_statement *st = &m->ccr.v[i];

		if (st->type != CCR_LISTEN)
			continue;
		for (size_t k = 0; k < st->listen.nreceptors; k++)
			put_listen(m, &st->listen.receptors[k],
			    &st->listen.transport);
		any = true;
		if (!st->listen.transport.ssl)
			continue;
		if (tls == NULL) {
			tls = &st->listen.transport;
			tls_mark = st->mark;
		} else if (!same_tls(tls, &st->listen.transport))
			fault_warn(&m->faults, st->mark, "all TLS listeners have "
			    "the certificate, versions and ciphers of the first "
			    "one");
	}
	if (!any)
		default_listens(m);
	if (tls != NULL)
		put_tls(m, tls, tls_mark);
}

/* "\1" and its changes of the host's name as "{host}" and the like. */
static void
add_prefix(struct import *m, struct buf *out, const char *t,
    struct conf_mark mark)
{
	static const char *const parts[] = { "host", "short", "domain" };

	for (size_t i = 0; t[i] != '\0';) {
		bool lower = false, upper = false, dots = false;
		size_t k = i + 1;

		if (t[i] != '\\') {
			buf_addc(out, t[i++]);
			continue;
		}
		for (; t[k] != '\0' && strchr("_^.", t[k]) != NULL; k++) {
			lower |= t[k] == '_';
			upper |= t[k] == '^';
			dots |= t[k] == '.';
		}
		i = k;
		if (t[k] < '1' || t[k] > '3')
			continue;
		if (dots && t[k] == '3')
			fault_warn(&m->faults, mark, "prefix \"%s\": the dots "
			    "of \\3 stay dots", t);
		buf_printf(out, "{%s%s}", dots && t[k] == '1' ? "flat" :
		    parts[t[k] - '1'], lower ? ":lower" : upper ? ":upper" :
		    "");
		i = k + 1;
	}
}

static void
put_to(struct import *m, const struct ccr_target *to);

/* The last statement holds, as there. */
static void
put_statistics(struct import *m)
{
	const struct ccr_statistics *s = NULL;
	struct conf_mark mark = { m->path, 1, 1 };
	struct buf prefix = BUF_INIT(8192);

	for (size_t i = 0; i < m->ccr.n; i++)
		if (m->ccr.v[i].type == CCR_STATISTICS) {
			s = &m->ccr.v[i].statistics;
			mark = m->ccr.v[i].mark;
		}
	if (m->no_statistics || (s != NULL && s->to.blackhole))
		return;
	buf_printf(m->out, "  statistics:\n    names: carbon-c-relay\n");
	if (m->host != NULL) {
		buf_printf(m->out, "    host: ");
		yaml_value(m->out, slice_str(m->host));
		buf_printf(m->out, "\n");
	}
	if (s == NULL)
		return;
	if (s->submit_s != 0)
		buf_printf(m->out, "    interval: %us\n", s->submit_s);
	if (s->reset)
		buf_printf(m->out, "    reset: true\n");
	if (s->prefix != NULL) {
		add_prefix(m, &prefix, s->prefix, mark);
		buf_printf(m->out, "    prefix: ");
		yaml_quote(m->out, buf_slice(&prefix));
		buf_printf(m->out, "\n");
	}
	if (s->to.present)
		put_to(m, &s->to);
	buf_fini(&prefix);
}

static void
put_graphite(struct import *m)
{
	buf_printf(m->out, "graphite:\n");
	put_listens(m);
	put_statistics(m);
	buf_printf(m->out, "  clean_names: true\n  normalize_tags: false\n");
	if (m->chars != NULL) {
		buf_printf(m->out, "  allowed_chars: ");
		yaml_value(m->out, slice_str(m->chars));
		buf_printf(m->out, "\n");
	}
	if (m->max_name != 0)
		buf_printf(m->out, "  max_name: %llu\n", (unsigned long long)m->max_name);
	if (m->max_line == 0 && !m->no_idle && m->sockbuf == 0)
		return;
	buf_printf(m->out, "  limits:\n");
	if (m->max_line != 0)
		buf_printf(m->out, "    max_line: %llu\n", (unsigned long long)m->max_line);
	if (m->no_idle)
		buf_printf(m->out, "    idle: 0\n");
	if (m->sockbuf != 0)
		buf_printf(m->out, "    rcvbuf: %llu\n", (unsigned long long)m->sockbuf);
}

/* ---- clusters ---- */

/* Does the relay see the same place on the ring for both?  Then all names go
 * to the first, and the second never got one. */
static bool
shadowed(const struct ccr_cluster *c, size_t i)
{
	const struct ccr_server *b = &c->servers[i];

	for (size_t k = 0; k < i; k++) {
		const struct ccr_server *a = &c->servers[k];
		bool host = strcmp(a->host, b->host) == 0;
		bool both = a->instance != NULL && b->instance != NULL;
		bool none = a->instance == NULL && b->instance == NULL;
		bool instance = none || (both &&
		    strcmp(a->instance, b->instance) == 0);

		if (c->method == CCR_CARBON_CH && host && instance)
			return true;
		if (c->method == CCR_FNV1A_CH && instance &&
		    (both || (host && a->port == b->port)))
			return true;
		if (c->method != CCR_FILE && host && instance &&
		    a->port == b->port && a->udp == b->udp)
			return true;
	}
	return false;
}

static void
put_server(struct import *m, const struct ccr_server *s)
{
	static const char *const codecs[] = { "plain", "gzip", "lz4",
	    "snappy_bare" };
	bool v6 = strchr(s->host, ':') != NULL;
	struct buf text = BUF_INIT(8192);

	buf_printf(m->out, "      - ");
	if (!s->udp && s->transport.codec == CCR_PLAIN && !s->transport.ssl) {
		buf_printf(&text, "%s%s%s:%u%s%s", v6 ? "[" : "", s->host,
		    v6 ? "]" : "", s->port, s->instance ? "=" : "",
		    s->instance ? s->instance : "");
		yaml_value(m->out, buf_slice(&text));
		buf_printf(m->out, "\n");
		buf_fini(&text);
		return;
	}
	buf_printf(m->out, "{host: ");
	yaml_value(m->out, slice_str(s->host));
	buf_printf(m->out, ", port: %u", s->port);
	if (s->instance != NULL) {
		buf_printf(m->out, ", instance: ");
		yaml_value(m->out, slice_str(s->instance));
	}
	buf_printf(m->out, "%s", s->udp ? ", transport: udp" : "");
	if (s->transport.codec != CCR_PLAIN)
		buf_printf(m->out, ", codec: %s", codecs[s->transport.codec]);
	buf_printf(m->out, "%s}\n", s->transport.ssl ? ", tls: true" : "");
}

static void
server_remarks(struct import *m, const struct ccr_cluster *c,
    const struct ccr_server *s)
{
	if (s->syslog)
		fault_warn(&m->faults, s->mark, "type syslog has no equivalent; "
		    "lines are sent");
}

static void
put_cluster_tls(struct import *m, const struct ccr_cluster *c)
{
	const struct ccr_transport *t = NULL;

	for (size_t i = 0; i < c->nservers; i++)
		if (c->servers[i].transport.ssl && (t == NULL || !t->mtls))
			t = &c->servers[i].transport;
	if (t == NULL || (!t->mtls && m->ca == NULL))
		return;
	buf_printf(m->out, "    tls:\n");
	if (t->mtls) {
		buf_printf(m->out, "      cert: ");
		yaml_value(m->out, slice_str(t->cert));
		buf_printf(m->out, "\n      key: ");
		yaml_value(m->out, slice_str(t->key));
		buf_printf(m->out, "\n");
	}
	if (m->ca != NULL) {
		buf_printf(m->out, "      ca: ");
		yaml_value(m->out, slice_str(m->ca));
		buf_printf(m->out, "\n");
	}
}

static void
put_files(struct import *m, const struct ccr_cluster *c,
    struct conf_mark mark)
{
	if (c->ip)
		fault_warn(&m->faults, mark, "file ip: the sender's address is "
		    "not written");
	for (size_t i = 0; i < c->nservers; i++) {
		buf_printf(m->out, "      - ");
		yaml_value(m->out, slice_str(c->servers[i].host));
		buf_printf(m->out, "\n");
	}
}

/* Returns how many were written. */
static unsigned
put_servers(struct import *m, const struct ccr_cluster *c)
{
	unsigned n = 0;

	for (size_t i = 0; i < c->nservers; i++) {
		if (shadowed(c, i)) {
			fault_warn(&m->faults, c->servers[i].mark, "\"%s\" port "
			    "%u was left out: the relay cannot tell it from an "
			    "earlier server, which gets all of its names",
			    c->servers[i].host, c->servers[i].port);
			continue;
		}
		server_remarks(m, c, &c->servers[i]);
		put_server(m, &c->servers[i]);
		n++;
	}
	return n;
}

static void
put_cluster(struct import *m, const struct ccr_cluster *c,
    struct conf_mark mark)
{
	static const char *const methods[] = { "forward", "any_of", "failover",
	    "carbon_ch", "fnv1a_ch", "jump_fnv1a_ch", "file" };
	char *name = import_name(m->arena, c->name);
	unsigned n, replication = c->replication;

	if (strcmp(name, c->name) != 0)
		fault_warn(&m->faults, mark, "cluster \"%s\" is called \"%s\" now",
		    c->name, name);
	buf_printf(m->out, "  ");
	yaml_value(m->out, slice_str(name));
	buf_printf(m->out, ":\n    method: %s\n    servers:\n", methods[c->method]);
	if (c->method == CCR_FILE)
		put_files(m, c, mark);
	else {
		n = put_servers(m, c);
		if (replication > n)
			replication = n;
	}
	if (replication > 1)
		buf_printf(m->out, "    replication: %u\n", replication);
	buf_printf(m->out, "%s%s", c->dynamic ? "    dynamic: true\n" : "",
	    c->useall ? "    useall: true\n" : "");
	put_cluster_tls(m, c);
	if (m->timeout_ms != 0)
		buf_printf(m->out, "    connect_timeout: %llums\n",
		    (unsigned long long)m->timeout_ms);
	if (m->queue > 500000)		/* what our default holds */
		buf_printf(m->out, "    queue: %llu\n",
		    (unsigned long long)m->queue * 128);
}

/* ---- rules ---- */

struct patterns {
	struct import_pattern *v;
	size_t n;
	bool head, tail;	/* what is left of the name has groups */
	unsigned groups;	/* the most in one */
};

static bool
translate(struct import *m, const struct conf_strings *e, unsigned shift,
    struct patterns *p, struct conf_mark mark)
{
	*p = (struct patterns){ .n = e->n,
	    .v = arena_array(m->arena, e->n, sizeof *p->v) };
	for (size_t i = 0; i < e->n; i++) {
		const char *why = "";

		if (!import_ere(m->arena, e->v[i], shift, &p->v[i], &why)) {
			fault_add(&m->faults, mark, "expression \"%s\": %s",
			    e->v[i], why);
			return false;
		}
		if (p->v[i].odd_escape)
			fault_warn(&m->faults, mark, "expression \"%s\": \\d and "
			    "the like mean what they mean in Perl, as in a relay "
			    "built with PCRE", e->v[i]);
		if (p->v[i].groups > p->groups)
			p->groups = p->v[i].groups;
		p->head |= !p->v[i].starts;
		p->tail |= !p->v[i].ends;
	}
	return true;
}

static void
add_pattern(struct buf *when, const struct patterns *p, size_t i, bool whole)
{
	const struct import_pattern *v = &p->v[i];
	const char *text = v->text;
	int n = (int)strlen(text);

	if (!whole) {
		buf_printf(when, "name =~ \"%s\"", text);
		return;
	}
	if (v->starts) {
		text++;
		n--;
	}
	if (v->ends)
		n--;
	buf_printf(when, "name =~ \"^%s(?:%.*s)%s$\"",
	    p->head ? v->starts ? "(?<head>)" : "(?<head>.*?)" : "", n, text,
	    p->tail ? v->ends ? "(?<tail>)" : "(?<tail>.*)" : "");
}

/* The expression of a rule; whole: with the groups head and tail around what
 * the pattern matches. */
static struct slice
when_text(struct import *m, const struct patterns *p, bool whole)
{
	struct buf b = BUF_INIT(IMPORT_MAX);
	struct slice s;

	buf_adds(&b, "kind == metric");
	for (size_t i = 0; i < p->n; i++) {
		buf_adds(&b, i > 0 ? " || " : p->n > 1 ? " && (" : " && ");
		add_pattern(&b, p, i, whole);
	}
	if (p->n > 1)
		buf_addc(&b, ')');
	s = slice_of(arena_dup(m->arena, buf_slice(&b)), b.len);
	buf_fini(&b);
	return s;
}

static const char *
file_name(const char *path)
{
	const char *slash = strrchr(path, '/');

	return slash == NULL ? path : slash + 1;
}

static void
begin_rule(struct import *m, struct conf_mark mark, struct slice when)
{
	struct buf name = BUF_INIT(8192);

	buf_printf(&name, "%u %s:%u", ++m->rules, file_name(mark.file),
	    mark.line);
	buf_printf(m->out, "%s  - name: ", m->rules == 1 ? "rules:\n" : "");
	yaml_value(m->out, buf_slice(&name));
	buf_printf(m->out, "\n    when: ");
	yaml_quote(m->out, when);
	buf_printf(m->out, "\n");
	buf_fini(&name);
}

static void
put_to(struct import *m, const struct ccr_target *to)
{
	buf_printf(m->out, "    to: [");
	for (size_t i = 0; i < to->clusters.n; i++) {
		buf_printf(m->out, "%s", i > 0 ? ", " : "");
		yaml_value(m->out, slice_str(import_name(m->arena,
		    to->clusters.v[i])));
	}
	buf_printf(m->out, "]\n");
}

/* "\1" "\g{1}" "\_1" "\^1" "\.1" as "${1}" and its changes; what no group of
 * the pattern is, is empty. */
static void
add_template(struct buf *out, const char *t, unsigned groups, unsigned shift)
{
	struct slice s = slice_str(t);

	for (size_t i = 0, k; i < s.len; i = k) {
		bool lower = false, upper = false, dots = false, braces;
		unsigned n = 0;

		k = i + 1;
		if (s.ptr[i] != '\\') {
			buf_adds(out, s.ptr[i] == '$' ? "$$" : "");
			if (s.ptr[i] != '$')
				buf_addc(out, s.ptr[i]);
			continue;
		}
		for (; k < s.len && strchr("_^.", s.ptr[k]) != NULL; k++) {
			lower |= s.ptr[k] == '_';
			upper |= s.ptr[k] == '^';
			dots |= s.ptr[k] == '.';
		}
		braces = k + 2 < s.len && s.ptr[k] == 'g' && s.ptr[k + 1] == '{';
		if (braces)
			k += 2;
		if (k == s.len || s.ptr[k] < '0' || s.ptr[k] > '9') {
			k = i + 1;	/* no group: the backslash goes */
			continue;
		}
		for (; k < s.len && s.ptr[k] >= '0' && s.ptr[k] <= '9'; k++)
			n = n > 1000 ? n : n * 10 + (unsigned)(s.ptr[k] - '0');
		k += braces && k < s.len && s.ptr[k] == '}';
		if (n == 0 || n > groups)
			continue;
		buf_printf(out, "${%u%s%s%s}", n + shift, lower ? ":lower" :
		    "", upper && !lower ? ":upper" : "", dots ? ":dots" : "");
	}
}

/* "WHEN && data =~ V", or !~. */
static struct slice
when_data(struct import *m, struct slice when, const char *op,
    const struct import_pattern *v)
{
	const char *text = arena_printf(m->arena, "%.*s && data %s \"%s\"",
	    SLICE_ARG(when), op, v->text);

	return slice_str(text);
}

/* It goes no further; what was sent or added up before stands. */
static void
put_end(struct import *m)
{
	buf_printf(m->out, m->earlier ? "    to: []\n" : "    drop: true\n");
}

static void
put_route(struct import *m, const char *route, unsigned groups)
{
	struct buf t = BUF_INIT(IMPORT_MAX);

	add_template(&t, route, groups, 0);
	buf_printf(m->out, "    route_by: ");
	yaml_quote(m->out, buf_slice(&t));
	buf_printf(m->out, "\n");
	buf_fini(&t);
}

static void
put_send(struct import *m, const struct ccr_match *c, struct conf_mark mark,
    struct slice when, const struct patterns *p)
{
	begin_rule(m, mark, when);
	if (c->to.blackhole) {
		put_end(m);
		return;
	}
	if (c->route != NULL)
		put_route(m, c->route, p->groups);
	put_to(m, &c->to);
	if (c->stop)
		return;
	buf_printf(m->out, "    continue: true\n");
	m->earlier = true;
}

/* What does not have the data it should have. */
static void
put_invalid(struct import *m, const struct ccr_match *c, struct conf_mark mark,
    struct slice when)
{
	bool ends = !c->to.present || c->to.blackhole || c->stop;

	if (!ends && c->validate_drops)
		return;
	begin_rule(m, mark, when);
	if (!c->validate_drops)
		buf_printf(m->out, "    log: true\n");
	if (ends)
		put_end(m);
}

static void
put_match(struct import *m, const struct ccr_match *c, struct conf_mark mark)
{
	struct conf_strings check = { (char **)(uintptr_t)&c->validate, 1 };
	struct patterns p, v;
	struct slice when;

	if (!translate(m, &c->expressions, 0, &p, mark))
		return;
	when = when_text(m, &p, false);
	if (c->validate == NULL) {
		if (c->to.present)
			put_send(m, c, mark, when, &p);
	} else if (translate(m, &check, 0, &v, mark)) {
		if (c->to.present)
			put_send(m, c, mark, when_data(m, when, "=~", v.v), &p);
		put_invalid(m, c, mark, when_data(m, when, "!~", v.v));
	}
	m->closed = c->all && c->to.present && (c->stop || c->to.blackhole);
}

static void
put_rewrite(struct import *m, const struct ccr_rewrite *c,
    struct conf_mark mark)
{
	struct conf_strings one = { (char **)&c->expression, 1 };
	struct buf t = BUF_INIT(IMPORT_MAX);
	struct patterns p;

	if (!translate(m, &one, 0, &p, mark))
		return;
	begin_rule(m, mark, when_text(m, &p, false));
	add_template(&t, c->replacement, p.groups, 0);
	buf_printf(m->out, "    rewrite: ");
	yaml_quote(m->out, buf_slice(&t));
	buf_printf(m->out, "\n");
	buf_fini(&t);
}

static void
put_function(struct import *m, const struct ccr_compute *c)
{
	static const char *const names[] = { "sum", "count", "max", "min",
	    "average", "median", "p", "variance", "stddev" };

	buf_printf(m->out, "    aggregate: %s", names[c->function]);
	if (c->function == CCR_PERCENTILE)
		buf_printf(m->out, "%u", c->percentile);
	buf_printf(m->out, "\n");
}

static void
put_compute(struct import *m, const struct ccr_aggregate *c,
    const struct ccr_compute *k, const struct patterns *p)
{
	static const char *const stamps[] = { "end", "start", "middle" };
	struct buf as = BUF_INIT(IMPORT_MAX);
	bool whole = p->groups > 0;

	put_function(m, k);
	if (whole && p->head)
		buf_adds(&as, "${head}");
	add_template(&as, k->output, p->groups, whole && p->head);
	if (whole && p->tail)
		buf_adds(&as, "${tail}");
	buf_printf(m->out, "    as: ");
	yaml_quote(m->out, buf_slice(&as));
	buf_printf(m->out, "\n    every: %us\n    expire: %us\n    stamp: %s\n", c->every_s,
	    c->expire_s, stamps[c->stamp]);
	buf_fini(&as);
}

static void
put_aggregate(struct import *m, const struct ccr_aggregate *c,
    struct conf_mark mark)
{
	struct patterns p, shifted;
	struct slice when;

	if (!translate(m, &c->expressions, 0, &p, mark))
		return;
	/* a group in front moves the numbers of back references */
	if (p.groups > 0 && p.head &&
	    translate(m, &c->expressions, 1, &shifted, mark))
		p = shifted;
	when = when_text(m, &p, p.groups > 0);
	for (size_t i = 0; i < c->ncomputes; i++) {
		begin_rule(m, mark, when);
		put_compute(m, c, &c->computes[i], &p);
		if (!c->to.present)
			continue;
		put_to(m, &c->to);
		buf_printf(m->out, "    continue: true\n");
	}
	m->earlier = true;
	m->closed = false;
	if (!c->stop)
		return;
	begin_rule(m, mark, when);
	buf_printf(m->out, "    to: []\n");
}

static void
put_rules(struct import *m)
{
	for (size_t i = 0; i < m->ccr.n; i++) {
		const struct ccr_statement *st = &m->ccr.v[i];

		if (st->type == CCR_MATCH)
			put_match(m, &st->match, st->mark);
		else if (st->type == CCR_REWRITE)
			put_rewrite(m, &st->rewrite, st->mark);
		else if (st->type == CCR_AGGREGATE)
			put_aggregate(m, &st->aggregate, st->mark);
	}
	if (m->closed)
		return;
	buf_printf(m->out, "%s  - name: unmatched\n    when: 'kind == metric'\n"
	    "    to: []\n", m->rules == 0 ? "rules:\n" : "");
}

/* ---- all of it ---- */

static void
put_all(struct import *m)
{
	bool any = false;

	buf_printf(m->out, "# Made by millrace import carbon-c-relay.\n");
	if (m->workers != 0)
		buf_printf(m->out, "workers: %llu\n", (unsigned long long)m->workers);
	if (m->pid_file != NULL) {
		buf_printf(m->out, "pid_file: ");
		yaml_value(m->out, slice_str(m->pid_file));
		buf_printf(m->out, "\n");
	}
	put_graphite(m);
	for (size_t i = 0; i < m->ccr.n; i++) {
		if (m->ccr.v[i].type != CCR_CLUSTER)
			continue;
		buf_printf(m->out, "%s", any ? "" : "clusters:\n");
		put_cluster(m, &m->ccr.v[i].cluster, m->ccr.v[i].mark);
		any = true;
	}
	put_rules(m);
}

static bool
include_one(struct import *m, struct ccr_reader *r, const char *path)
{
	char *name = arena_dup(m->arena, slice_str(path));
	struct slice text;

	if (!import_read(m->arena, name, &text))
		return false;
	ccr_include_file(r, text, name);
	return true;
}

/* The relay looks from where it was started; beside the file is our guess. */
static bool
include(void *arg, struct ccr_reader *r, const char *pattern)
{
	struct import *m = arg;
	const char *slash = strrchr(m->path, '/');
	glob_t g;
	bool ok = true;
	int rc = glob(pattern, 0, NULL, &g);

	if (rc == GLOB_NOMATCH && pattern[0] != '/' && slash != NULL) {
		globfree(&g);
		rc = glob(arena_printf(m->arena, "%.*s/%s",
		    (int)(slash - m->path), m->path, pattern), 0, NULL, &g);
	}
	if (rc != 0) {
		errno = rc == GLOB_NOMATCH ? ENOENT : EIO;
		return false;
	}
	for (size_t i = 0; ok && i < g.gl_pathc; i++)
		ok = include_one(m, r, g.gl_pathv[i]);
	globfree(&g);
	return ok;
}

int
import_carbon_c_relay(const char *path, struct slice options,
    struct buf *yaml, struct buf *remarks)
{
	struct import m = { .out = yaml, .path = path, .port = 2003 };
	struct slice text;
	bool ok;

	m.arena = m.ccr.arena = arena_new();
	faults_init(&m.faults, m.arena);
	if (import_read(m.arena, path, &text)) {
		ccr_read(&m.ccr, text, path, include, &m, &m.faults);
		if (options.len > 0)
			flags(&m, options, (struct conf_mark){ NULL, 0, 0 });
		else
			head_flags(&m);
		put_all(&m);
	} else
		fault_add(&m.faults, (struct conf_mark){ path, 0, 0 }, "%s",
		    strerror(errno));
	ok = m.faults.errors == 0;
	if (!ok)
		buf_clear(yaml);
	faults_print(&m.faults, remarks);
	arena_free(m.arena);
	return ok ? 0 : -1;
}
