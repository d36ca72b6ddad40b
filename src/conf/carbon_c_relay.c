/* carbon_c_relay.c - the grammar of carbon-c-relay's configuration.
 *
 * Keywords are keywords only where one can stand, as in the relay: "match
 * every" matches names with "every" in them.  Each statement is read by a
 * function of its own; the first thing wrong in it skips to its ';'. */
#include "config.h"

#include <errno.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>

#include "base/number.h"
#include "conf/carbon_c_relay.h"
#include "conf/carbon_c_relay_token.h"

#define MAX_STATEMENTS 100000
#define MAX_DEPTH 16

struct ccr_reader {
	struct ccr *c;
	struct ccr_tokens tokens;
	struct ccr_token now;
	struct faults *faults;
	ccr_include *include;
	void *arg;
	unsigned depth;
};

/* ---- words ---- */

static void
next(struct ccr_reader *r)
{
	r->now = ccr_token(&r->tokens);
}

static bool __attribute__((format(printf, 3, 4)))
fail_at(struct ccr_reader *r, struct conf_mark mark, const char *fmt, ...)
{
	char text[600];
	va_list ap;

	va_start(ap, fmt);
	vsnprintf(text, sizeof text, fmt, ap);
	va_end(ap);
	fault_add(r->faults, mark, "%s", text);
	return false;
}

static bool
fail_expecting(struct ccr_reader *r, const char *what)
{
	if (r->now.type == CCR_WRONG)
		return fail_at(r, r->now.mark, "%.*s", SLICE_ARG(r->now.text));
	return fail_at(r, r->now.mark, "expected %s, found \"%.*s\"", what,
	    (int)(r->now.text.len < 100 ? r->now.text.len : 100),
	    r->now.text.ptr);
}

static bool
is_keyword(const struct ccr_reader *r, const char *word)
{
	return r->now.type == CCR_WORD &&
	    slice_eq(r->now.text, slice_str(word));
}

/* Step over the word if it is there. */
static bool
accept(struct ccr_reader *r, const char *word)
{
	if (!is_keyword(r, word))
		return false;
	next(r);
	return true;
}

static bool
expect(struct ccr_reader *r, const char *word)
{
	return accept(r, word) || fail_expecting(r, word);
}

static bool
is_text(const struct ccr_reader *r)
{
	return r->now.type == CCR_WORD || r->now.type == CCR_QUOTED;
}

static bool
text(struct ccr_reader *r, const char *what, char **out)
{
	if (!is_text(r)) {
		fail_expecting(r, what);
		return false;
	}
	*out = (char *)r->now.text.ptr;
	next(r);
	return true;
}

static bool
number(struct ccr_reader *r, const char *what, unsigned min, unsigned max,
    unsigned *out)
{
	uint64_t v;

	if (r->now.type != CCR_WORD || !number_u64(r->now.text, &v))
		return fail_expecting(r, what);
	if (v < min || v > max)
		return fail_at(r, r->now.mark, "%s must be between %u and %u",
		    what, min, max);
	*out = (unsigned)v;
	next(r);
	return true;
}

/* One of the words; its index. */
static bool
choice(struct ccr_reader *r, const char *const *words, const char *what,
    unsigned *out)
{
	for (unsigned i = 0; words[i] != NULL; i++)
		if (accept(r, words[i])) {
			*out = i;
			return true;
		}
	return fail_expecting(r, what);
}

static void
skip_statement(struct ccr_reader *r)
{
	while (r->now.type != CCR_SEMICOLON && r->now.type != CCR_END)
		next(r);
}

/* Grow an array in the arena by one; what it was is left behind. */
static void *
one_more(struct arena *a, void *v, size_t n, size_t size)
{
	void *more;

	if ((n & (n - 1)) != 0)		/* room up to the next power of two */
		return v;
	more = arena_array(a, n == 0 ? 1 : 2 * n, size);
	if (n > 0)
		memcpy(more, v, n * size);
	return more;
}

static void
add_string(struct ccr_reader *r, struct conf_strings *s, char *text)
{
	s->v = one_more(r->c->arena, s->v, s->n, sizeof *s->v);
	s->v[s->n++] = text;
}

/* ---- parts of statements ---- */

static const struct ccr_cluster *
find_cluster(const struct ccr *c, const char *name)
{
	for (size_t i = 0; i < c->n; i++)
		if (c->v[i].type == CCR_CLUSTER &&
		    strcmp(c->v[i].cluster.name, name) == 0)
			return &c->v[i].cluster;
	return NULL;
}

/* "[v6]:port", "host:port", "host", and "v6:port": the last colon counts. */
static bool
address(struct ccr_reader *r, struct ccr_token k, char **host, uint16_t *port)
{
	struct slice s = k.text, digits = { NULL, 0 };
	size_t colon;
	uint64_t v = 2003;

	if (s.ptr[0] == '[') {
		size_t end = slice_find(s, ']');

		if (end == s.len || end < 2)
			return fail_at(r, k.mark, "\"%s\": a \"]\" is missing", s.ptr);
		*host = arena_dup(r->c->arena, slice_of(s.ptr + 1, end - 1));
		s = slice_from(s, end + 1);
		if (s.len > 0 && s.ptr[0] != ':')
			return fail_at(r, k.mark, "\"%s\": expected \":port\" "
			    "after \"]\"", k.text.ptr);
		if (s.len > 0)
			digits = slice_from(s, 1);
	} else {
		for (colon = s.len; colon > 0 && s.ptr[colon - 1] != ':'; colon--)
			;
		if (colon > 0)
			digits = slice_from(s, colon);
		*host = arena_dup(r->c->arena,
		    slice_upto(s, colon > 0 ? colon - 1 : s.len));
	}
	if (**host == '\0' || strcmp(*host, ":") == 0)
		return fail_at(r, k.mark, "\"%s\": a host is missing (an IPv6 "
		    "address stands in [ ])", k.text.ptr);
	if (digits.ptr != NULL && (!number_u64(digits, &v) || v < 1 ||
	    v > 65535))
		return fail_at(r, k.mark, "invalid port number \"%.*s\"",
		    SLICE_ARG(digits));
	*port = (uint16_t)v;
	return true;
}

static bool
codec(struct ccr_reader *r, struct ccr_transport *t)
{
	static const char *const words[] = { "plain", "gzip", "lz4", "snappy",
	    NULL };
	unsigned v;

	if (!choice(r, words, "plain, gzip, lz4 or snappy", &v))
		return false;
	t->codec = (enum ccr_codec)v;
	t->mtls = is_keyword(r, "mtls");
	t->ssl = t->mtls || is_keyword(r, "ssl");
	if (t->ssl)
		next(r);
	return true;
}

static bool
targets(struct ccr_reader *r, struct ccr_target *to)
{
	to->present = true;
	if (accept(r, "blackhole")) {
		to->blackhole = true;
		return true;
	}
	do {
		struct conf_mark mark = r->now.mark;
		char *name;

		if (is_keyword(r, "blackhole"))
			return fail_at(r, mark, "blackhole stands alone");
		if (!text(r, "the name of a cluster", &name))
			return false;
		if (find_cluster(r->c, name) == NULL)
			return fail_at(r, mark, "no cluster \"%s\" was defined "
			    "before", name);
		add_string(r, &to->clusters, name);
	} while (is_text(r) && !is_keyword(r, "stop"));
	return true;
}

/* [ "send" "to" TARGETS ] [ "stop" ] */
static bool
send_and_stop(struct ccr_reader *r, struct ccr_target *to, bool *stop)
{
	if (accept(r, "send") && (!expect(r, "to") || !targets(r, to)))
		return false;
	*stop = accept(r, "stop");
	return true;
}

/* ---- cluster ---- */

static bool
server(struct ccr_reader *r, struct ccr_server *s)
{
	static const char *const protos[] = { "tcp", "udp", NULL };
	static const char *const types[] = { "linemode", "syslog", NULL };
	struct ccr_token k = r->now;
	unsigned v;

	s->mark = k.mark;
	if (!is_text(r))
		return fail_expecting(r, "the address of a server");
	next(r);
	if (!address(r, k, &s->host, &s->port))
		return false;
	if (r->now.type == CCR_EQUALS) {
		next(r);
		if (!text(r, "an instance", &s->instance))
			return false;
	}
	if (accept(r, "proto")) {
		if (!choice(r, protos, "tcp or udp", &v))
			return false;
		s->udp = v == 1;
	}
	if (accept(r, "type")) {
		if (!choice(r, types, "linemode or syslog", &v))
			return false;
		s->syslog = v == 1;
	}
	if (!accept(r, "transport"))
		return true;
	return codec(r, &s->transport) && (!s->transport.mtls ||
	    (text(r, "a certificate", &s->transport.cert) &&
	    text(r, "a key", &s->transport.key)));
}

static bool
path(struct ccr_reader *r, struct ccr_server *s)
{
	s->mark = r->now.mark;
	return text(r, "the path of a file", &s->host);
}

static bool
servers(struct ccr_reader *r, struct ccr_cluster *c)
{
	do {
		struct ccr_server *s;

		c->servers = one_more(r->c->arena, c->servers, c->nservers,
		    sizeof *c->servers);
		s = &c->servers[c->nservers];
		*s = (struct ccr_server){ .port = 2003 };
		if (!(c->method == CCR_FILE ? path(r, s) : server(r, s)))
			return false;
		c->nservers++;
	} while (is_text(r));
	return true;
}

static bool
cluster(struct ccr_reader *r, struct ccr_statement *st)
{
	static const char *const methods[] = { "forward", "any_of", "failover",
	    "carbon_ch", "fnv1a_ch", "jump_fnv1a_ch", "file", NULL };
	struct ccr_cluster *c = &st->cluster;
	struct conf_mark mark = r->now.mark;
	unsigned v;

	*c = (struct ccr_cluster){ .replication = 1 };
	if (!text(r, "the name of a cluster", &c->name))
		return false;
	if (strcmp(c->name, "blackhole") == 0 ||
	    find_cluster(r->c, c->name) != NULL)
		return fail_at(r, mark, "there is a cluster \"%s\" already",
		    c->name);
	if (!choice(r, methods, "forward, any_of, failover, carbon_ch, "
	    "fnv1a_ch, jump_fnv1a_ch or file", &v))
		return false;
	c->method = (enum ccr_method)v;
	if (c->method == CCR_FILE)
		c->ip = accept(r, "ip");
	else if (c->method < CCR_CARBON_CH)
		c->useall = accept(r, "useall");
	else if (accept(r, "replication") && !number(r, "replication", 1, 255,
	    &c->replication))
		return false;
	if (c->method >= CCR_CARBON_CH && c->method != CCR_FILE)
		c->dynamic = accept(r, "dynamic");
	if (!servers(r, c))
		return false;
	if (c->replication > c->nservers)
		return fail_at(r, mark, "cluster \"%s\": replication %u is more "
		    "than its %zu servers", c->name, c->replication,
		    c->nservers);
	return true;
}

/* ---- match, rewrite, aggregate ---- */

static bool
is_one_of(const struct ccr_reader *r, const char *const *words)
{
	for (; *words != NULL; words++)
		if (is_keyword(r, *words))
			return true;
	return false;
}

/* One expression at least, up to a word that ends them. */
static bool
expressions(struct ccr_reader *r, struct conf_strings *e,
    const char *const *ends)
{
	do {
		char *one;

		if (is_one_of(r, ends))
			return fail_expecting(r, "an expression");
		if (!text(r, "an expression", &one))
			return false;
		add_string(r, e, one);
	} while (is_text(r) && !is_one_of(r, ends));
	return true;
}

static bool
match(struct ccr_reader *r, struct ccr_statement *st)
{
	static const char *const ends[] = { "validate", "route", "send", "stop",
	    NULL };
	static const char *const actions[] = { "log", "drop", NULL };
	struct ccr_match *m = &st->match;
	unsigned v;

	*m = (struct ccr_match){ .all = accept(r, "*") };
	if (!m->all && !expressions(r, &m->expressions, ends))
		return false;
	if (accept(r, "validate")) {
		if (!text(r, "an expression", &m->validate) ||
		    !expect(r, "else") || !choice(r, actions, "log or drop", &v))
			return false;
		m->validate_drops = v == 1;
	}
	if (accept(r, "route") && (!expect(r, "using") ||
	    !text(r, "a template", &m->route)))
		return false;
	return send_and_stop(r, &m->to, &m->stop);
}

static bool
rewrite(struct ccr_reader *r, struct ccr_statement *st)
{
	struct ccr_rewrite *w = &st->rewrite;

	return text(r, "an expression", &w->expression) && expect(r, "into") &&
	    text(r, "a replacement", &w->replacement);
}

/* "sum", "percentile95": false when it is no function. */
static bool
function(struct slice s, struct ccr_compute *c)
{
	static const struct { const char *name; enum ccr_function f; } known[] = {
		{ "sum", CCR_SUM }, { "summary", CCR_SUM },
		{ "count", CCR_COUNT }, { "cnt", CCR_COUNT },
		{ "max", CCR_MAX }, { "maximum", CCR_MAX },
		{ "min", CCR_MIN }, { "minimum", CCR_MIN },
		{ "average", CCR_AVERAGE }, { "avg", CCR_AVERAGE },
		{ "median", CCR_MEDIAN }, { "variance", CCR_VARIANCE },
		{ "stddev", CCR_STDDEV },
	};
	uint64_t p;

	for (size_t i = 0; i < sizeof known / sizeof known[0]; i++)
		if (slice_eq(s, slice_str(known[i].name))) {
			c->function = known[i].f;
			return true;
		}
	if (!slice_starts(s, SLICE("percentile")) ||
	    !number_u64(slice_from(s, 10), &p) || p < 1 || p > 99)
		return false;
	c->function = CCR_PERCENTILE;
	c->percentile = (unsigned)p;
	return true;
}

static bool
computes(struct ccr_reader *r, struct ccr_aggregate *a)
{
	do {
		struct ccr_compute *c;

		if (!expect(r, "compute"))
			return false;
		a->computes = one_more(r->c->arena, a->computes, a->ncomputes,
		    sizeof *a->computes);
		c = &a->computes[a->ncomputes++];
		*c = (struct ccr_compute){ .percentile = 0 };
		if (r->now.type != CCR_WORD || !function(r->now.text, c))
			return fail_expecting(r, "sum, count, max, min, average, "
			    "median, percentile1 to 99, variance or stddev");
		next(r);
		if (!expect(r, "write") || !expect(r, "to") ||
		    !text(r, "the name of a metric", &c->output))
			return false;
	} while (is_keyword(r, "compute"));
	return true;
}

static bool
stamp(struct ccr_reader *r, enum ccr_stamp *out)
{
	static const char *const words[] = { "end", "start", "middle", NULL };
	unsigned v = 0;

	if (accept(r, "timestamp") && (!expect(r, "at") ||
	    !choice(r, words, "start, middle or end", &v) || !expect(r, "of") ||
	    !expect(r, "bucket")))
		return false;
	*out = (enum ccr_stamp)v;
	return true;
}

static bool
aggregate(struct ccr_reader *r, struct ccr_statement *st)
{
	static const char *const ends[] = { "every", NULL };
	struct ccr_aggregate *a = &st->aggregate;
	struct conf_mark mark;

	*a = (struct ccr_aggregate){ .stamp = CCR_STAMP_END };
	if (!expressions(r, &a->expressions, ends) || !expect(r, "every") ||
	    !number(r, "the interval", 1, 86400, &a->every_s) ||
	    !expect(r, "seconds") || !expect(r, "expire") ||
	    !expect(r, "after"))
		return false;
	mark = r->now.mark;
	if (!number(r, "expire", 1, 7 * 86400, &a->expire_s) ||
	    !expect(r, "seconds"))
		return false;
	if (a->expire_s <= a->every_s)
		return fail_at(r, mark, "expire must be greater than the interval");
	return stamp(r, &a->stamp) && computes(r, a) &&
	    send_and_stop(r, &a->to, &a->stop);
}

/* ---- statistics, listen, include ---- */

static bool
statistics(struct ccr_reader *r, struct ccr_statement *st)
{
	struct ccr_statistics *s = &st->statistics;

	*s = (struct ccr_statistics){ .submit_s = 0 };
	if (accept(r, "submit") && (!expect(r, "every") ||
	    !number(r, "the interval", 1, 86400, &s->submit_s) ||
	    !expect(r, "seconds")))
		return false;
	if (accept(r, "reset")) {
		s->reset = true;
		if (!expect(r, "counters") || !expect(r, "after") ||
		    !expect(r, "interval"))
			return false;
	}
	if (accept(r, "prefix") && (!expect(r, "with") ||
	    !text(r, "a prefix", &s->prefix)))
		return false;
	return send_and_stop(r, &s->to, &s->stop);
}

/* "send statistics to": an older way to say it. */
static bool
send_statistics(struct ccr_reader *r, struct ccr_statement *st)
{
	struct ccr_statistics *s = &st->statistics;

	*s = (struct ccr_statistics){ .submit_s = 0 };
	if (!expect(r, "statistics") || !expect(r, "to") ||
	    !targets(r, &s->to))
		return false;
	s->stop = accept(r, "stop");
	return true;
}

static bool
listen_transport(struct ccr_reader *r, struct ccr_transport *t)
{
	if (!codec(r, t))
		return false;
	return !t->ssl || (text(r, "a certificate", &t->cert) &&
	    (!accept(r, "protomin") || text(r, "a version", &t->protomin)) &&
	    (!accept(r, "protomax") || text(r, "a version", &t->protomax)) &&
	    (!accept(r, "ciphers") || text(r, "ciphers", &t->ciphers)) &&
	    (!accept(r, "ciphersuites") ||
	    text(r, "cipher suites", &t->ciphersuites)));
}

static bool
receptor(struct ccr_reader *r, struct ccr_receptor *p)
{
	static const char *const protos[] = { "tcp", "udp", "unix", NULL };
	struct ccr_token k = r->now;
	unsigned proto;
	uint64_t port;

	*p = (struct ccr_receptor){ .mark = k.mark, .port = 2003 };
	if (!is_text(r))
		return fail_expecting(r, "a port, address or path");
	next(r);
	if (!expect(r, "proto") ||
	    !choice(r, protos, "tcp, udp or unix", &proto))
		return false;
	p->udp = proto == 1;
	if (proto == 2) {
		p->path = (char *)k.text.ptr;
		return true;
	}
	if (!number_u64(k.text, &port))
		return address(r, k, &p->host, &p->port);
	if (port < 1 || port > 65535)
		return fail_at(r, k.mark, "invalid port number \"%s\"", k.text.ptr);
	p->port = (uint16_t)port;
	return true;
}

static bool
listen_(struct ccr_reader *r, struct ccr_statement *st)
{
	struct ccr_listen *l = &st->listen;

	*l = (struct ccr_listen){ .nreceptors = 0 };
	if (!expect(r, "type") || !expect(r, "linemode"))
		return false;
	if (accept(r, "transport") && !listen_transport(r, &l->transport))
		return false;
	do {
		l->receptors = one_more(r->c->arena, l->receptors,
		    l->nreceptors, sizeof *l->receptors);
		if (!receptor(r, &l->receptors[l->nreceptors]))
			return false;
		l->nreceptors++;
	} while (is_text(r));
	return true;
}

static bool
include(struct ccr_reader *r)
{
	struct conf_mark mark = r->now.mark;
	char *pattern;

	if (!text(r, "the path of a file", &pattern))
		return false;
	if (r->now.type != CCR_SEMICOLON)
		return fail_expecting(r, "\";\"");
	if (r->depth == MAX_DEPTH)
		return fail_at(r, mark, "includes are more than %d deep", MAX_DEPTH);
	errno = 0;
	if (r->include == NULL || !r->include(r->arg, r, pattern))
		return fail_at(r, mark, "include \"%s\": %s", pattern,
		    errno == 0 ? "no such file" : strerror(errno));
	return true;
}

/* ---- all of it ---- */

static void
add_statement(struct ccr *c, const struct ccr_statement *st)
{
	c->v = one_more(c->arena, c->v, c->n, sizeof *c->v);
	c->v[c->n++] = *st;
}

static void
statement(struct ccr_reader *r)
{
	static const struct {
		const char *word;
		enum ccr_type type;
		bool (*read)(struct ccr_reader *, struct ccr_statement *);
	} known[] = {
		{ "cluster", CCR_CLUSTER, cluster },
		{ "match", CCR_MATCH, match },
		{ "rewrite", CCR_REWRITE, rewrite },
		{ "aggregate", CCR_AGGREGATE, aggregate },
		{ "send", CCR_STATISTICS, send_statistics },
		{ "statistics", CCR_STATISTICS, statistics },
		{ "listen", CCR_LISTEN, listen_ },
	};
	struct ccr_statement st = { .mark = r->now.mark };

	if (accept(r, "include")) {
		if (!include(r))
			skip_statement(r);
		return;
	}
	for (size_t i = 0; i < sizeof known / sizeof known[0]; i++) {
		if (!accept(r, known[i].word))
			continue;
		st.type = known[i].type;
		if (!known[i].read(r, &st))
			skip_statement(r);
		else if (r->now.type != CCR_SEMICOLON) {
			fail_expecting(r, "\";\"");
			skip_statement(r);
		} else
			add_statement(r->c, &st);
		return;
	}
	fail_expecting(r, "cluster, match, rewrite, aggregate, statistics, "
	    "listen or include");
	skip_statement(r);
}

static void
read_file(struct ccr_reader *r)
{
	for (next(r); r->now.type != CCR_END; next(r)) {
		if (r->c->n == MAX_STATEMENTS) {
			fail_at(r, r->now.mark, "more than %d statements",
			    MAX_STATEMENTS);
			return;
		}
		if (r->now.type != CCR_SEMICOLON)
			statement(r);
		if (r->now.type == CCR_END)
			return;
	}
}

void
ccr_include_file(struct ccr_reader *outer, struct slice s, const char *file)
{
	struct ccr_reader r = *outer;

	r.depth++;
	ccr_tokens_init(&r.tokens, s, file, r.c->arena);
	read_file(&r);
}

/* Comment lines and blank ones before the first statement. */
static size_t
head_length(struct slice s)
{
	size_t n = 0;

	while (n < s.len) {
		struct slice rest = slice_from(s, n);
		size_t eol = slice_find(rest, '\n');
		struct slice line = slice_trim(slice_upto(rest, eol));

		if (line.len > 0 && line.ptr[0] != '#')
			break;
		n += eol < rest.len ? eol + 1 : eol;
	}
	return n;
}

void
ccr_read(struct ccr *c, struct slice s, const char *file,
    ccr_include *include_fn, void *arg, struct faults *faults)
{
	struct ccr_reader r = { .c = c, .faults = faults,
	    .include = include_fn, .arg = arg };

	if (c->head == NULL)
		c->head = arena_dup(c->arena, slice_upto(s, head_length(s)));
	ccr_tokens_init(&r.tokens, s, file, c->arena);
	read_file(&r);
}
