/* flood_pool.c - the messages of `millrace flood`, rendered once.
 *
 * Every name is used equally often, in an order that the seed decides, and has
 * one type for ever: a mix of c=60,ms=30,g=9,s=1 over 2,000 names is 1,200
 * counters, 600 timers, 180 gauges and 20 sets. */
#include "config.h"

#include <err.h>
#include <inttypes.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "app/flood.h"
#include "base/buf.h"

#define POOL_MESSAGES 65536u
#define POOL_MAX ((size_t)2 << 30)
#define STAMP_5424 "2026-01-01T00:00:00.000000Z"
#define STAMP_3164 "Jan  1 00:00:00"
#define STAMP_UNIX "1700000000"

static const char *const kind_name[FLOOD_KINDS] = {
	"counter", "timer", "gauge", "set", "histogram"
};
static const char *const kind_type[FLOOD_KINDS] = { "c", "ms", "g", "s", "h" };

/* splitmix64: public, tiny, and the same everywhere. */
static uint64_t
next_random(uint64_t *state)
{
	uint64_t z = (*state += UINT64_C(0x9e3779b97f4a7c15));

	z = (z ^ (z >> 30)) * UINT64_C(0xbf58476d1ce4e5b9);
	z = (z ^ (z >> 27)) * UINT64_C(0x94d049bb133111eb);
	return z ^ (z >> 31);
}

static void *
xcalloc(size_t n, size_t size)
{
	void *p = calloc(n, size);

	if (p == NULL)
		err(71, "flood: %zu times %zu bytes", n, size);
	return p;
}

static void
need(bool ok)
{
	if (!ok)
		errx(71, "flood: the messages do not fit in memory; use fewer "
		    "names or smaller messages");
}

/* Which type the name has: the first names are the first type's, and so on. */
static enum flood_kind
kind_of(const struct flood_opts *o, uint32_t name)
{
	uint64_t all = 0, upto = 0;
	unsigned k;

	for (k = 0; k < FLOOD_KINDS; k++)
		all += o->mix[k];
	for (k = 0; k < FLOOD_KINDS; k++) {
		upto += o->mix[k];
		if ((uint64_t)name * all < upto * o->names)
			return (enum flood_kind)k;
	}
	return FLOOD_C;
}

static void
pad(struct buf *b, size_t from, size_t size)
{
	static const char filler[] = "the quick brown fox jumps over the lazy dog ";

	while (b->len - from < size) {
		size_t n = size - (b->len - from);

		if (n > sizeof filler - 1)
			n = sizeof filler - 1;
		need(buf_add(b, filler, n));
	}
}

static void
render_statsd(struct buf *b, const struct flood_opts *o, uint32_t name,
    uint64_t *rnd, struct flood_unit *u)
{
	enum flood_kind k = kind_of(o, name);
	uint64_t r = next_random(rnd), v;
	size_t from = b->len;

	need(buf_printf(b, "%s.%s.n%05u", o->prefix, kind_name[k], name));
	while (o->size > 16 && b->len - from < o->size - 8)
		need(buf_addc(b, 'x'));
	v = k == FLOOD_C ? 1 + r % 9 : k == FLOOD_S ? r % 10000 : r % 1000;
	need(buf_printf(b, ":%" PRIu64 "|%s", v, kind_type[k]));
	if (o->sample_rate < 1 && (k == FLOOD_C || k == FLOOD_MS || k == FLOOD_H))
		need(buf_printf(b, "|@%g", o->sample_rate));
	if (k == FLOOD_C) {
		u->counters++;
		u->total += v;
	}
}

static void
render_graphite(struct buf *b, const struct flood_opts *o, uint32_t name,
    struct flood_patch *at)
{
	size_t from = b->len;

	need(buf_printf(b, "%s.n%05u", o->prefix, name));
	while (o->size > 24 && b->len - from < o->size - 22)
		need(buf_addc(b, 'x'));
	need(buf_addc(b, ' '));
	at->seq = b->len;
	need(buf_adds(b, "0000000000 "));
	at->time = b->len;
	need(buf_adds(b, STAMP_UNIX));
}

static void
render_syslog(struct buf *b, const struct flood_opts *o, uint32_t name,
    uint64_t *rnd, struct flood_patch *at)
{
	unsigned pri = (unsigned)(next_random(rnd) % 8) + 8 * (16 + name % 8);
	size_t from = b->len;

	need(buf_printf(b, o->rfc3164 ? "<%u>" : "<%u>1 ", pri));
	at->time = b->len;
	need(buf_adds(b, o->rfc3164 ? STAMP_3164 : STAMP_5424));
	need(buf_printf(b, o->rfc3164 ? " host%03u app%02u[%u]: " :
	    " host%03u app%02u %u ID7 - ", name / 10, name % 10, 1000 + name));
	need(buf_adds(b, "seq="));
	at->seq = b->len;
	need(buf_adds(b, "0000000000"));
	if (o->size > b->len - from) {
		need(buf_addc(b, ' '));
		pad(b, from, o->size);
	}
}

/* The fields of an XADD as RESP bulk strings. */
static void
render_event(struct buf *b, const struct flood_opts *o, struct flood_patch *at)
{
	size_t n = o->size > 32 ? o->size - 17 : 16;

	need(buf_adds(b, "$3\r\nseq\r\n$10\r\n"));
	at->seq = b->len;
	need(buf_printf(b, "0000000000\r\n$4\r\ndata\r\n$%zu\r\n", n));
	at->time = 0;
	pad(b, b->len, n);
	need(buf_adds(b, "\r\n"));
}

static void
render(struct buf *b, const struct flood_opts *o, uint32_t name, uint64_t *rnd,
    struct flood_unit *u, struct flood_patch *at)
{
	switch (o->proto) {
	case FLOOD_STATSD:
		render_statsd(b, o, name, rnd, u);
		break;
	case FLOOD_GRAPHITE:
		render_graphite(b, o, name, at);
		break;
	case FLOOD_SYSLOG:
		render_syslog(b, o, name, rnd, at);
		break;
	case FLOOD_EVENTS:
		render_event(b, o, at);
		break;
	}
}

/* Put "LEN " before the message that begins at `from`. */
static void
count_octets(struct buf *b, size_t from, struct flood_patch *at)
{
	char head[24];
	size_t n = (size_t)snprintf(head, sizeof head, "%zu ", b->len - from);

	need(buf_add(b, head, n));
	memmove(b->data + from + n, b->data + from, b->len - from - n);
	memcpy(b->data + from, head, n);
	at->seq += n;
	at->time += n;
}

static void
shuffle(uint32_t *order, uint32_t n, uint64_t *rnd)
{
	uint32_t i;

	for (i = n; i > 1; i--) {
		uint32_t j = (uint32_t)(next_random(rnd) % i);
		uint32_t t = order[i - 1];

		order[i - 1] = order[j];
		order[j] = t;
	}
}

/* Does a message end in a newline wherever it stands? */
static bool
ends_in_newline(const struct flood_opts *o)
{
	if (o->proto == FLOOD_EVENTS || strcmp(o->to.scheme, "relp") == 0)
		return false;
	if (o->to.datagrams)
		return o->proto == FLOOD_GRAPHITE;
	return !o->octets;
}

static void
render_unit(struct flood_pool *p, const struct flood_opts *o, struct buf *b,
    size_t u, uint32_t *order, uint64_t *rnd, size_t *m)
{
	struct flood_unit *unit = &p->units[u];
	struct flood_patch none, *at;
	unsigned i;

	unit->at = b->len;
	if (p->patches != NULL)
		p->first_message[u] = (uint32_t)*m;
	for (i = 0; i < o->per_datagram; i++, ++*m) {
		size_t from = b->len;

		if (*m % o->names == 0)
			shuffle(order, o->names, rnd);
		at = p->patches != NULL ? &p->patches[*m] : &none;
		render(b, o, order[*m % o->names], rnd, unit, at);
		if (o->octets && !o->to.datagrams)
			count_octets(b, from, at);
		if (ends_in_newline(o) || i + 1 < o->per_datagram)
			need(buf_addc(b, '\n'));
		unit->messages++;
	}
}

void
flood_pool_make(struct flood_pool *p, const struct flood_opts *o)
{
	struct buf b = BUF_INIT(POOL_MAX);
	uint64_t rnd = o->seed;
	size_t messages = POOL_MESSAGES, m = 0, u;
	uint32_t *order, i;

	memset(p, 0, sizeof *p);
	if (o->size > 256)
		messages = POOL_MESSAGES / 8;
	if (messages < (size_t)o->names * 2)
		messages = (size_t)o->names * 2;
	p->nunits = (messages + o->per_datagram - 1) / o->per_datagram;
	if (p->nunits < 256)		/* more than any one call sends */
		p->nunits = 256;
	p->units = xcalloc(p->nunits + 1, sizeof *p->units);
	if (o->proto != FLOOD_STATSD) {
		p->patches = xcalloc(p->nunits * o->per_datagram,
		    sizeof *p->patches);
		p->first_message = xcalloc(p->nunits + 1,
		    sizeof *p->first_message);
	}
	if (o->expect != NULL)
		p->sent = xcalloc(p->nunits, sizeof *p->sent);
	order = xcalloc(o->names, sizeof *order);
	for (i = 0; i < o->names; i++)
		order[i] = i;
	for (u = 0; u < p->nunits; u++)
		render_unit(p, o, &b, u, order, &rnd, &m);
	p->units[p->nunits].at = b.len;
	if (p->first_message != NULL)
		p->first_message[p->nunits] = (uint32_t)m;
	p->text = b.data;
	p->len = b.len;
	free(order);
	flood_pool_stamp(p, o);
}

void
flood_pool_free(struct flood_pool *p)
{
	free(p->text);
	free(p->units);
	free(p->patches);
	free(p->first_message);
	free(p->sent);
	memset(p, 0, sizeof *p);
}

void
flood_pool_stamp(struct flood_pool *p, const struct flood_opts *o)
{
	struct timespec ts;
	struct tm tm;
	char base[32];

	if (p->patches == NULL || o->proto == FLOOD_EVENTS)
		return;
	clock_gettime(CLOCK_REALTIME, &ts);
	if (o->proto == FLOOD_GRAPHITE) {
		snprintf(p->stamp, sizeof p->stamp, "%010" PRIu64,
		    (uint64_t)ts.tv_sec);
	} else if (o->rfc3164) {
		localtime_r(&ts.tv_sec, &tm);
		strftime(p->stamp, sizeof p->stamp, "%b %e %H:%M:%S", &tm);
	} else {
		gmtime_r(&ts.tv_sec, &tm);
		strftime(base, sizeof base, "%Y-%m-%dT%H:%M:%S", &tm);
		snprintf(p->stamp, sizeof p->stamp, "%s.%06ldZ", base,
		    ts.tv_nsec / 1000);
	}
	p->stamp_len = strlen(p->stamp);
}

void
flood_digits(char *dst, uint64_t v)
{
	int i;

	for (i = 9; i >= 0; i--) {
		dst[i] = (char)('0' + v % 10);
		v /= 10;
	}
}

void
flood_pool_patch(struct flood_pool *p, size_t u, size_t n, uint64_t seq)
{
	uint32_t m, end;

	if (p->patches == NULL)
		return;
	end = p->first_message[u + n];
	for (m = p->first_message[u]; m < end; m++) {
		const struct flood_patch *at = &p->patches[m];

		flood_digits(p->text + at->seq, seq++);
		if (p->stamp_len > 0)
			memcpy(p->text + at->time, p->stamp, p->stamp_len);
	}
}
