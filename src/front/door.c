/* door.c - opening, adopting and closing addresses; the life of a conn. */
#include "config.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sysexits.h>
#include <unistd.h>

#include "base/log.h"
#include "front/door.h"
#include "front/fronts.h"
#include "front/worker.h"
#include "net/addr.h"
#include "net/listen.h"
#include "net/tls.h"

/* ---- the sections of a configuration ---- */

struct section {
	const char *name;
	const struct conf_listens *listens;
	const struct conf_limits *limits;
	const struct conf_tls *tls;
};

#define SECTIONS 4

static void
sections(const struct conf *c, struct section s[SECTIONS])
{
	s[0] = (struct section){ "statsd", &c->statsd.listen,
	    &c->statsd.limits, &c->statsd.tls };
	s[1] = (struct section){ "graphite", &c->graphite.listen,
	    &c->graphite.limits, &c->graphite.tls };
	s[2] = (struct section){ "syslog", &c->syslog.listen,
	    &c->syslog.limits, &c->syslog.tls };
	s[3] = (struct section){ "events", &c->events.listen,
	    &c->events.limits, &c->events.tls };
}

static bool
lists(const struct section *s, const char *url)
{
	for (size_t i = 0; i < s->listens->n; i++)
		if (strcmp(s->listens->v[i].url, url) == 0)
			return true;
	return false;
}

const struct front *
front_find(const char *section, const char *scheme)
{
	static const struct { const char *section, *scheme; const struct front *f; } table[] = {
		{ "statsd", "udp", &front_statsd },
		{ "statsd", "tcp", &front_statsd },
		{ "statsd", "tls", &front_statsd },
		{ "statsd", "unix", &front_statsd },
		{ "statsd", "unixgram", &front_statsd },
		{ "graphite", "udp", &front_graphite },
		{ "graphite", "tcp", &front_graphite },
		{ "graphite", "tls", &front_graphite },
		{ "graphite", "unix", &front_graphite },
		{ "graphite", "unixgram", &front_graphite },
		{ "graphite", "pickle", &front_pickle },
		{ "graphite", "protobuf", &front_protobuf },
		{ "graphite", "gzip", &front_graphite_gzip },
		{ "graphite", "lz4", &front_graphite_lz4 },
		{ "graphite", "snappy", &front_graphite_snappy },
		{ "graphite", "pickles", &front_pickle },
		{ "graphite", "protobufs", &front_protobuf },
		{ "graphite", "gzips", &front_graphite_gzip },
		{ "graphite", "lz4s", &front_graphite_lz4 },
		{ "graphite", "snappys", &front_graphite_snappy },
		{ "syslog", "udp", &front_syslog },
		{ "syslog", "tcp", &front_syslog },
		{ "syslog", "tls", &front_syslog },
		{ "syslog", "unix", &front_syslog },
		{ "syslog", "unixgram", &front_syslog },
		{ "syslog", "relp", &front_relp },
		{ "syslog", "relps", &front_relp },
		{ "events", "resp", &front_resp },
		{ "events", "resps", &front_resp },
		{ "events", "unix", &front_resp },
		{ "events", "http", &front_http },
		{ "events", "https", &front_http },
		{ "events", "relp", &front_relp_events },
		{ "events", "relps", &front_relp_events },
		{ "events", "forward", &front_forward },
		{ "events", "forwards", &front_forward },
	};

	for (size_t i = 0; i < sizeof table / sizeof table[0]; i++)
		if (strcmp(table[i].section, section) == 0 &&
		    strcmp(table[i].scheme, scheme) == 0)
			return table[i].f;
	return NULL;
}

bool
door_bind(struct door *d, const struct conf *conf)
{
	struct section s[SECTIONS];

	sections(conf, s);
	for (int i = 0; i < SECTIONS; i++)
		if (strcmp(s[i].name, d->section) == 0) {
			d->conf = conf;
			d->limits = s[i].limits;
			return d->closed || lists(&s[i], d->url);
		}
	return false;
}

static const struct conf_tls *
tls_of(const struct door *d)
{
	struct section s[SECTIONS];

	sections(d->conf, s);
	for (int i = 0; i < SECTIONS; i++)
		if (strcmp(s[i].name, d->section) == 0)
			return s[i].tls;
	return NULL;
}

/* ---- opening, in the main thread ---- */

static bool
is_datagram(const char *scheme)
{
	return strcmp(scheme, "udp") == 0 || strcmp(scheme, "unixgram") == 0;
}

/* A port that another process holds with SO_REUSEPORT could be shared with it
 * by mistake, and each would get half. */
static bool
is_taken(const struct conf_listen *l, const struct conf *old)
{
	struct section was[SECTIONS];
	bool datagram = is_datagram(l->scheme);

	/* what we have ourselves may be in the way (127.0.0.1 of *) */
	if (old != NULL)
		sections(old, was);
	for (int i = 0; old != NULL && i < SECTIONS; i++)
		for (size_t j = 0; j < was[i].listens->n; j++) {
			const struct conf_listen *w = &was[i].listens->v[j];

			if (w->path == NULL && w->port == l->port &&
			    is_datagram(w->scheme) == datagram)
				return false;
		}
	return listen_taken(datagram ? SOCK_DGRAM : SOCK_STREAM, l->host,
	    l->port);
}

static int
open_socket(const struct conf_listen *l, const struct conf_limits *limits,
    const struct conf *old, bool first)
{
	bool datagram = is_datagram(l->scheme);
	enum listen_kind kind = l->path != NULL ?
	    (datagram ? LISTEN_UNIXGRAM : LISTEN_UNIX) :
	    (datagram ? LISTEN_UDP : LISTEN_TCP);
	int fd = listen_inherited(kind, l->host, l->port, l->path);

	if (fd != -1)
		return fd;
	if (l->path != NULL)
		return datagram ?
		    listen_unixgram(l->path, 0, limits->rcvbuf) :
		    listen_unix(l->path, 0);
	if (first && is_taken(l, old)) {
		errno = EADDRINUSE;
		return -1;
	}
	if (datagram)
		return listen_udp(l->host, l->port, true, limits->rcvbuf);
	return listen_tcp(l->host, l->port, true);
}

static struct tls_context *
open_tls(const struct conf_tls *t, char *error, size_t size)
{
	struct tls_options o = {
		.server = true, .cert = t->cert, .key = t->key, .ca = t->ca,
		.min_version = t->min_version,
		.max_version = t->max_version, .ciphers = t->ciphers,
		.ciphersuites = t->ciphersuites,
		.fingerprints = t->fingerprints.v,
		.nfingerprints = t->fingerprints.n
	};

	return tls_new(&o, error, size);
}

/* The certificates of a door that stays open: can they be read? */
static bool
check_tls(const struct section *s, const struct conf_listen *l,
    const struct door_list *share, char *error, size_t size)
{
	struct tls_context *t;

	if (share != NULL || !l->over_tls)
		return true;	/* the first worker's turn found them good */
	t = open_tls(s->tls, error, size);
	tls_unref(t);
	return t != NULL;
}

static const struct door *
sibling(const struct door_list *share, const char *section, const char *url)
{
	const struct door *d = share == NULL ? NULL : share->first;

	while (d != NULL && (strcmp(d->url, url) != 0 ||
	    strcmp(d->section, section) != 0))
		d = d->next;
	return d;
}

static void
door_free(struct door *d)
{
	if (d->fd != -1)
		close(d->fd);
	tls_unref(d->tls);
	free(d->url);
	free(d);
}

static struct door *
door_new(const struct conf *conf, const struct section *s,
    const struct conf_listen *l)
{
	struct door *d = calloc(1, sizeof *d);

	if (d == NULL)
		return NULL;
	d->fd = -1;
	d->section = s->name;
	d->front = front_find(s->name, l->scheme);
	d->url = strdup(l->url);
	d->datagram = is_datagram(l->scheme);
	d->unix_socket = l->path != NULL;
	d->conf = conf;
	d->limits = s->limits;
	if (d->url == NULL) {
		door_free(d);
		return NULL;
	}
	return d;
}

static struct door *
door_open(const struct conf *conf, const struct conf *old,
    const struct section *s, const struct conf_listen *l,
    const struct door_list *share, char *error, size_t size, int *code)
{
	struct door *d = door_new(conf, s, l);
	const struct door *first = sibling(share, s->name, l->url);

	*code = EX_CONFIG;
	if (d == NULL || d->front == NULL) {
		snprintf(error, size, "%s:%u:%u: %s: cannot listen like that "
		    "in %s", l->mark.file, l->mark.line, l->mark.column,
		    l->url, s->name);
		goto fail;
	}
	if (l->over_tls) {
		d->tls = first != NULL ? tls_ref(first->tls) :
		    open_tls(s->tls, error, size);
		if (d->tls == NULL)
			goto fail;
	}
	*code = EX_OSERR;
	if (first != NULL && l->path != NULL)
		d->fd = fcntl(first->fd, F_DUPFD_CLOEXEC, 3);
	else
		d->fd = open_socket(l, s->limits, old, first == NULL);
	if (d->fd == -1) {
		snprintf(error, size, "%s:%u:%u: listening on %s: %s%s",
		    l->mark.file == NULL ? "defaults" : l->mark.file,
		    l->mark.line, l->mark.column, l->url, strerror(errno),
		    errno == EADDRINUSE ? " (what runs there? stop it, or "
		    "choose another port)" : "");
		goto fail;
	}
	return d;

fail:
	if (d != NULL)
		door_free(d);
	return NULL;
}

int
doors_open(const struct conf *conf, const struct conf *old,
    const struct door_list *share, struct door_list *out, char *error,
    size_t size, int *code)
{
	struct section s[SECTIONS], was[SECTIONS];
	struct door **end = &out->first;

	out->first = NULL;
	sections(conf, s);
	if (old != NULL)
		sections(old, was);
	for (int i = 0; i < SECTIONS; i++)
		for (size_t j = 0; j < s[i].listens->n; j++) {
			const struct conf_listen *l = &s[i].listens->v[j];

			if (old != NULL && lists(&was[i], l->url)) {
				if (check_tls(&s[i], l, share, error, size))
					continue;
				*code = EX_CONFIG;
				doors_free(out);
				return -1;
			}
			*end = door_open(conf, old, &s[i], l, share, error,
			    size, code);
			if (*end == NULL) {
				doors_free(out);
				return -1;
			}
			end = &(*end)->next;
		}
	return 0;
}

void
doors_free(struct door_list *l)
{
	while (l->first != NULL) {
		struct door *d = l->first;

		l->first = d->next;
		door_close(d);
	}
}

/* ---- datagrams ---- */

static void
packet(void *ctx, struct slice bytes, const struct addr *peer, bool truncated)
{
	struct door *d = ctx;
	struct worker *w = d->worker;
	struct ledger *l = &w->pipeline.ledger;
	enum record_source s = d->front->source;

	if (!d->in_burst) {
		worker_now(w);
		w->activity++;
		d->in_burst = true;
		d->shedding = pipeline_full(&w->pipeline, d->front->kind);
		w->pipeline.shed = pipeline_choking(&w->pipeline);
	}
	counter_add(&l->packets[s], 1);
	counter_add(&l->bytes[s], bytes.len);
	if (d->shedding) {
		pipeline_refused(&w->pipeline, d->front->kind, s,
		    REASON_OVERLOAD, 1);
		return;
	}
	d->front->packet(d, bytes, peer, truncated);
}

static void
burst(void *ctx)
{
	struct door *d = ctx;

	if (d->front->burst != NULL)
		d->front->burst(d);
	d->in_burst = false;
	d->worker->pipeline.shed = 0;
}

static const struct datagram_ops plain_ops = { packet, burst, false };
static const struct datagram_ops peer_ops = { packet, burst, true };

void
door_count_drops(struct door *d)
{
	uint64_t now;

	if (d->datagrams == NULL)
		return;
	now = datagrams_kernel_drops(d->datagrams);
	if (now > d->kernel_drops)
		pipeline_refused(&d->worker->pipeline, d->front->kind,
		    d->front->source, REASON_KERNEL, now - d->kernel_drops);
	d->kernel_drops = now;
}

/* ---- streams ---- */

static bool
conn_open(struct stream *s, void *ctx)
{
	struct door *d = ctx;
	struct conn *c = calloc(1, d->front->conn_size);

	if (c == NULL)
		return false;
	c->stream = s;
	c->door = d;
	c->worker = d->worker;
	c->front = d->front;
	if (d->front->open != NULL && !d->front->open(c)) {
		free(c);
		return false;
	}
	d->conns++;
	counter_add(&d->worker->pipeline.ledger.connections[d->front->source],
	    1);
	stream_set_data(s, c);
	return true;
}

static ssize_t
conn_data(struct stream *s, struct slice data, bool eof)
{
	struct conn *c = stream_data(s);
	struct ledger *l = &c->worker->pipeline.ledger;
	ssize_t used;

	worker_now(c->worker);
	c->worker->activity++;
	c->worker->pipeline.touched = 0;
	used = c->front->data(c, data, eof);
	if (used > 0) {
		counter_add(&l->packets[c->front->source], 1);
		counter_add(&l->bytes[c->front->source], (uint64_t)used);
	}
	if (used >= 0 && !eof)
		conn_pressure(c);
	return used;
}

static void
unpause(struct conn *c)
{
	struct conn **at = &c->worker->conns[c->front->kind];

	while (*at != NULL && *at != c)
		at = &(*at)->next_paused;
	if (*at == c)
		*at = c->next_paused;
}

static void
conn_closed(struct stream *s)
{
	struct conn *c = stream_data(s);
	struct door *d = c->door;

	if (c->paused)
		unpause(c);
	if (c->front->closed != NULL)
		c->front->closed(c);
	free(c);
	d->conns--;
	counter_add(&d->worker->pipeline.ledger.disconnects[d->front->source],
	    1);
	if (d->closed && d->conns == 0) {
		struct door **at = &d->worker->doors;

		while (*at != NULL && *at != d)
			at = &(*at)->next;
		if (*at == d)
			*at = d->next;
		door_free(d);
	}
}

static void
conn_drained(struct stream *s)
{
	struct conn *c = stream_data(s);

	if (c->front->drained != NULL)
		c->front->drained(c);
}

static const struct stream_ops stream_ops = {
	conn_open, conn_data, conn_closed, conn_drained
};

/* ---- in the worker ---- */

int
door_adopt(struct worker *w, struct door *d)
{
	struct stream_options o = {
		.read_max = d->front->read_max(d),
		.write_max = d->front->write_max != 0 ? d->front->write_max :
		    256 * 1024,
		.idle_ms = d->limits->idle_ms,
		.max_connections = d->limits->max_connections,
		.tls = d->tls
	};

	d->worker = w;
	d->next = w->doors;
	w->doors = d;
	if (d->datagram)
		d->datagrams = datagrams_new(w->thread.loop, d->fd, 65535,
		    d->front->want_peer && !d->unix_socket ? &peer_ops :
		    &plain_ops, d);
	else
		d->listener = stream_listen(w->thread.loop, d->fd, &o,
		    &stream_ops, d);
	if (d->datagrams == NULL && d->listener == NULL) {
		log_error("listening on %s: %s", d->url, strerror(errno));
		return -1;
	}
	d->fd = -1;
	return 0;
}

void
door_renew_tls(struct door *d)
{
	char error[256];
	struct tls_context *t;

	if (d->tls == NULL || d->listener == NULL)
		return;
	t = open_tls(tls_of(d), error, sizeof error);
	if (t == NULL) {
		log_error("%s: %s; the old certificate stays", d->url, error);
		return;
	}
	stream_listener_tls(d->listener, t);
	tls_unref(d->tls);
	d->tls = t;
}

void
door_stop_accepting(struct door *d)
{
	if (d->listener != NULL)
		stream_listener_free(d->listener);
	d->listener = NULL;
}

void
door_close(struct door *d)
{
	door_stop_accepting(d);
	if (d->datagrams != NULL) {
		door_count_drops(d);
		datagrams_free(d->datagrams);
		d->datagrams = NULL;
	}
	d->closed = true;
	if (d->conns == 0) {
		door_free(d);
		return;
	}
	d->next = d->worker->doors;	/* until its last connection goes */
	d->worker->doors = d;
}
