/* destination_connect.c - how a destination gets to its server: names,
 * addresses in turn, certificates, patience. */
#include "config.h"

#include <errno.h>
#include <string.h>

#include "base/log.h"
#include "net/tls.h"
#include "sink/destination_private.h"
#include "sink/encoder.h"
#include "sink/wire.h"

#define BACKOFF_FIRST 0.2
#define BACKOFF_MAX 10.0
#define LOOK_AGAIN_S 30		/* at a name's addresses */

static void connect_next(struct destination *d);

static bool
is_file(const struct destination *d)
{
	return d->conf->method == CONF_FILE;
}

/* ---- up and down ---- */

static void
came_up(struct destination *d)
{
	if (d->encoder != NULL)
		encoder_begin(d->encoder);
	if (d->away)
		log_info("%s: connected again", d->dest->name);
	destination_came_up(d);
}

/* A server that takes a connection and drops it is no better than one that is
 * away; one that kept it for longer than we waited for it was there.
 * (Datagrams and files are always up: that proves nothing.) */
static void
be_patient(struct destination *d)
{
	if (!d->wire->at_once &&
	    ev_now(d->env->loop) - d->up_since > d->backoff)
		d->backoff = BACKOFF_FIRST;
}

static void
wire_up(void *ctx)
{
	came_up(ctx);
}

static void
wire_room(void *ctx)
{
	destination_pump(ctx);
}

static void
retry_later(struct destination *d)
{
	ev_now_update(d->env->loop);
	ev_timer_set(&d->retry, d->backoff, 0);
	ev_timer_start(d->env->loop, &d->retry);
	d->backoff = d->backoff * 2 > BACKOFF_MAX ? BACKOFF_MAX :
	    d->backoff * 2;
}

static void
give_up_for_now(struct destination *d, const char *why)
{
	counter_add(&d->stats.failures, 1);
	LOG_LIMITED(LOG_AT_WARN, 10, "%s: %s, %zu bytes wait, trying again "
	    "in %.1f s", d->dest->name, why, d->held, d->backoff);
	d->away = true;
	destination_went_down(d, false);
	if (d->conf != NULL)
		retry_later(d);
}

void
connect_failed(struct destination *d, const char *why)
{
	bool was_up = d->up;

	d->wire = NULL;
	if (!was_up && d->next_addr < d->naddrs && d->conf != NULL)
		connect_next(d);	/* the name has more addresses */
	else
		give_up_for_now(d, why);
}

static void
wire_down(void *ctx, const char *why, bool well)
{
	struct destination *d = ctx;

	d->was_closed = well;
	if (d->up) {
		be_patient(d);
		destination_broke(d);
	}
	if (well && d->closing) {
		d->wire = NULL;
		destination_went_down(d, true);
	} else {
		connect_failed(d, why);
	}
}

static const struct wire_events events = { wire_up, wire_room, wire_down };

/* ---- getting there ---- */

static struct wire *
make_wire(struct destination *d)
{
	const struct conf_server *s = d->server;
	const struct addr *to;

	if (is_file(d))
		return wire_file(s->host, &events, d);
	to = &d->addrs[d->next_addr++];
	if (s->transport == CONF_UDP)
		return wire_udp(d->env->loop, to, &events, d);
	if (s->tls && d->tls == NULL) {
		errno = EPROTO;		/* its certificates could not be read */
		return NULL;
	}
	return wire_stream(d->env->loop, to, s->tls ? d->tls : NULL, s->host,
	    (unsigned)d->conf->connect_timeout_ms, &events, d);
}

static void
connect_next(struct destination *d)
{
	d->wire = make_wire(d);
	if (d->wire == NULL)
		give_up_for_now(d, strerror(errno));
	else if (d->wire->at_once)
		came_up(d);
}

static bool
has_address(const struct destination *d, const struct addr *v, size_t n)
{
	for (size_t i = 0; i < n; i++)
		if (addr_eq(&v[i], &d->addrs[d->next_addr - 1]))
			return true;
	return false;
}

/* The name was looked at again while the wire is up. */
static void
looked(struct destination *d, const struct addr *v, size_t n)
{
	if (n == 0 || !d->up || d->next_addr == 0 || has_address(d, v, n))
		return;
	log_info("%s: its name has another address now", d->dest->name);
	connect_finish(d);
}

/* Nobody says whether a datagram arrived, so there is no second try: of a name
 * with both kinds of addresses take IPv4, which is what servers of datagrams
 * listen on (and "localhost" is both). */
static void
prefer_v4(struct destination *d)
{
	for (size_t i = 1; i < d->naddrs; i++)
		if (d->addrs[0].u.sa.sa_family == AF_INET6 &&
		    d->addrs[i].u.sa.sa_family == AF_INET) {
			struct addr a = d->addrs[0];

			d->addrs[0] = d->addrs[i];
			d->addrs[i] = a;
		}
}

static void
answered(void *ctx, const struct addr *v, size_t n, const char *error)
{
	struct destination *d = ctx;

	d->query = NULL;
	d->resolved_s = 0;
	if (d->checking) {
		d->checking = false;
		looked(d, v, n);
		return;
	}
	if (n == 0) {
		give_up_for_now(d, error);
		return;
	}
	memcpy(d->addrs, v, n * sizeof *v);
	d->naddrs = n;
	if (d->server->transport == CONF_UDP)
		prefer_v4(d);
	connect_next(d);
}

static void
ask(struct destination *d)
{
	d->query = resolve_start(d->env->loop, d->server->host,
	    d->server->port, answered, d);
}

void
connect_start(struct destination *d)
{
	if (d->wire != NULL || d->query != NULL || d->conf == NULL ||
	    ev_is_active(&d->retry))
		return;
	d->next_addr = d->naddrs = 0;
	if (is_file(d)) {
		connect_next(d);
	} else if (addr_numeric(d->server->host, d->server->port,
	    &d->addrs[0])) {
		d->naddrs = 1;
		connect_next(d);
	} else {
		ask(d);
		if (d->query == NULL)
			give_up_for_now(d, strerror(errno));
	}
}

void
connect_finish(struct destination *d)
{
	struct buf end = BUF_INIT(4096);

	d->flushed = false;
	d->closing = true;
	if (d->encoder != NULL && encoder_end(d->encoder, &end))
		switch (wire_write(d->wire, buf_slice(&end))) {
		case WIRE_TOOK:
			d->offered += end.len;
			break;
		case WIRE_FULL:		/* all that matters was flushed */
			break;
		case WIRE_FAILED:
			d->wire = NULL;
			break;
		}
	buf_fini(&end);
	if (d->wire != NULL)
		wire_finish(d->wire);
	else
		connect_failed(d, strerror(errno));
}

static void
retried(struct ev_loop *loop, ev_timer *w, int revents)
{
	connect_start(w->data);
}

void
connect_tick(struct destination *d)
{
	struct addr a;

	if (d->conf == NULL || !d->up || d->closing || is_file(d) ||
	    d->query != NULL || ++d->resolved_s < (d->env->look_again_s == 0 ? LOOK_AGAIN_S :
	    d->env->look_again_s) ||
	    addr_numeric(d->server->host, d->server->port, &a))
		return;
	d->checking = true;
	ask(d);
}

/* ---- configuration ---- */

static void
use_tls(struct destination *d)
{
	const struct conf_tls *t = &d->conf->tls;
	struct tls_options o = {
		.cert = t->cert, .key = t->key, .ca = t->ca,
		.min_version = t->min_version,
		.max_version = t->max_version, .ciphers = t->ciphers,
		.ciphersuites = t->ciphersuites,
		.fingerprints = t->fingerprints.v,
		.nfingerprints = t->fingerprints.n
	};
	struct tls_context *tls;
	char error[512];

	if (!d->server->tls)
		return;
	tls = tls_new(&o, error, sizeof error);
	if (tls == NULL) {
		log_error("%s: %s", d->dest->name, error);
		return;
	}
	if (d->wire == NULL) {	/* else it may be in use still */
		tls_unref(d->tls);
		d->tls = tls;
	} else {
		tls_unref(tls);
		if (!tls_reload(d->tls, error, sizeof error))
			log_error("%s: %s", d->dest->name, error);
	}
}

static void
use_encoder(struct destination *d)
{
	encoder_free(d->encoder);
	d->encoder = encoder_new(d->server);
	if (d->encoder == NULL && errno != 0)
		log_error("%s: out of memory", d->dest->name);
}

static bool
same_kind(const struct conf_server *a, const struct conf_server *b)
{
	return a != NULL && a->protocol == b->protocol &&
	    a->codec == b->codec && a->tls == b->tls &&
	    a->transport == b->transport && strcmp(a->host, b->host) == 0 &&
	    a->port == b->port;
}

static void
drop_wire(struct destination *d)
{
	if (d->wire != NULL) {
		struct wire *w = d->wire;

		d->wire = NULL;
		wire_abort(w);
	}
	d->closing = true;
	destination_went_down(d, true);
}

void
connect_conf(struct destination *d, const struct conf_cluster *conf,
    const struct conf_server *server)
{
	bool same = server == NULL || same_kind(d->server, server);
	bool file = conf != NULL && conf->method == CONF_FILE;

	if (!same || (file && d->wire != NULL))
		drop_wire(d);	/* a file may have been moved away */
	d->conf = conf;
	d->server = server;
	ev_timer_stop(d->env->loop, &d->retry);
	d->backoff = BACKOFF_FIRST;
	if (conf == NULL) {
		resolve_cancel(d->query);
		d->query = NULL;
		d->checking = false;
		return;
	}
	if (!same)
		use_encoder(d);
	use_tls(d);
}

void
connect_init(struct destination *d)
{
	d->backoff = BACKOFF_FIRST;
	ev_timer_init(&d->retry, retried, 1, 0);
	d->retry.data = d;
}

void
connect_fini(struct destination *d)
{
	ev_timer_stop(d->env->loop, &d->retry);
	resolve_cancel(d->query);
	if (d->wire != NULL)
		wire_abort(d->wire);
	d->wire = NULL;
	tls_unref(d->tls);
	encoder_free(d->encoder);
}
