/* read_redis.c - a consumer of a Redis stream, with a group or without.
 *
 * With a group: first what this consumer left pending, then what is new, and
 * now and then what others left for long.  An event is acknowledged after it
 * was handed over with success.  One that fails is tried again after a growing
 * wait, here and now, so that order holds; at last it goes to the dead stream
 * with the reason, and is acknowledged, in one step.  Ids go up: one that does
 * not was here before, and is passed over.  Sequences are consecutive: a jump
 * is looked into, since others of the group have their share, and told. */
#include "config.h"

#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sysexits.h>

#include "app/read.h"
#include "app/redis_client.h"
#include "base/clock.h"
#include "proto/xadd.h"
#include "compat.h"
#include "sink/shipper_conn.h"
#include "sink/shipper_script.h"

#define RETRY_MS 100
#define RETRY_MAX_MS 5000
#define BLOCK_MS "1000"
#define LOOK_BACK 1000		/* entries asked for when a sequence jumps */

struct consumer {
	const struct read_opts *o;
	struct read_counts *n;
	redisContext *c;
	struct ship_id last;	/* handed over, of new ones */
	struct pair *pairs;
	size_t max_pairs;
	struct buf acks;	/* ids to be acknowledged, each with its NUL */
	size_t nacks;
	int64_t claim_ns;	/* when to look at what others left */
	bool no_claim;		/* too old a server */
	unsigned failures;	/* of connecting */
	int rc;
};

enum got { GOT_SOME, GOT_NONE, GOT_TROUBLE };

static bool
enough(const struct consumer *k)
{
	return read_stop || k->rc != 0 ||
	    (k->o->count > 0 && k->n->taken + k->n->dead >= k->o->count);
}

static void
complain(const struct consumer *k, const char *what, const redisReply *r)
{
	fprintf(stderr, "millrace read: %s: %s: %s\n", k->o->stream, what,
	    r != NULL ? r->str : k->c->errstr);
}

/* An error of the connection passes; one of the server may not. */
static enum got
trouble(struct consumer *k, const char *what, redisReply *r)
{
	struct slice text = slice_str(r == NULL ? NULL : r->str);
	enum ship_action a = ship_error_action(ship_error_of(text));

	complain(k, what, r);
	if (r != NULL && a == SHIP_PARK &&
	    !slice_starts(text, SLICE("NOGROUP")))
		k->rc = EX_UNAVAILABLE;
	freeReplyObject(r);
	redisFree(k->c);
	k->c = NULL;
	return GOT_TROUBLE;
}

static bool
failed(const redisReply *r)
{
	return r == NULL || r->type == REDIS_REPLY_ERROR;
}

/* ---- acknowledging ---- */

static bool
acknowledge(struct consumer *k)
{
	struct slice *argv;
	size_t argc = 3, at = 0;
	redisReply *r;

	if (k->nacks == 0 || k->c == NULL)
		return true;
	argv = calloc(3 + k->nacks, sizeof *argv);
	if (argv == NULL)
		return false;
	argv[0] = SLICE("XACK");
	argv[1] = slice_str(k->o->stream);
	argv[2] = slice_str(k->o->group);
	for (; at < k->acks.len; at += argv[argc++].len + 1)
		argv[argc] = slice_str(k->acks.data + at);
	r = redis_client_ask(k->c, argv, argc);
	free(argv);
	buf_clear(&k->acks);
	k->nacks = 0;
	if (failed(r)) {
		trouble(k, "XACK", r);
		return false;
	}
	freeReplyObject(r);
	return true;
}

/* Output first: what was not written is not acknowledged. */
static bool
settle(struct consumer *k)
{
	if (fflush(stdout) == EOF) {
		k->rc = EX_IOERR;
		return false;
	}
	return acknowledge(k);
}

static void
done_with(struct consumer *k, const char *id)
{
	if (k->o->group == NULL)
		return;
	if (buf_add(&k->acks, id, strlen(id) + 1))
		k->nacks++;
	if (k->o->exec != NULL)
		acknowledge(k);
}

/* ---- one event ---- */

static const char bury_script[] =
    "local p = redis.call('XPENDING', KEYS[1], ARGV[1], ARGV[2], ARGV[2], 1)\n"
    "if #p == 0 then return 0 end\n"
    "local e = redis.call('XRANGE', KEYS[1], ARGV[2], ARGV[2])\n"
    "local a = {}\n"
    "if #e == 1 then a = e[1][2] end\n"
    "for i = 3, #ARGV do a[#a + 1] = ARGV[i] end\n"
    "redis.call('XADD', KEYS[2], '*', unpack(a))\n"
    "redis.call('XACK', KEYS[1], ARGV[1], ARGV[2])\n"
    "return 1\n";

/* To the dead stream and off the list of pending ones, at once. */
static bool
bury(struct consumer *k, const char *id, unsigned tries, const char *why)
{
	char text[16];
	redisReply *r;

	snprintf(text, sizeof text, "%u", tries);
	r = REDIS_ASK(k->c, "EVAL", bury_script, "2", k->o->stream, k->o->dead,
	    k->o->group, id, "_stream", k->o->stream, "_id", id, "_group",
	    k->o->group, "_consumer", k->o->consumer, "_tries", text, "_error",
	    why);
	if (failed(r)) {
		trouble(k, "dead stream", r);
		return false;
	}
	k->n->dead += r->type == REDIS_REPLY_INTEGER && r->integer == 1;
	freeReplyObject(r);
	fprintf(stderr, "millrace read: %s %s: given up after %u tries: %s; it "
	    "is in %s\n", k->o->stream, id, tries, why, k->o->dead);
	return true;
}

/* How often it was handed out before; 0 when that cannot be said. */
static unsigned
tries_before(struct consumer *k, const char *id)
{
	redisReply *r = REDIS_ASK(k->c, "XPENDING", k->o->stream, k->o->group,
	    id, id, "1");
	unsigned n = 0;

	if (!failed(r) && r->elements == 1 && r->element[0]->elements == 4 &&
	    r->element[0]->element[3]->integer > 1)
		n = (unsigned)r->element[0]->element[3]->integer - 1;
	freeReplyObject(r);
	return n;
}

/* Are there as many entries between as sequences?  Others may have them. */
static void
look_back(struct consumer *k, struct ship_id id)
{
	uint64_t want = id.seq - k->last.seq - 1;
	char from[SHIP_ID_TEXT + 1] = "(", to[SHIP_ID_TEXT + 1] = "(", max[24];
	uint64_t found = 0, ask = want < LOOK_BACK ? want : LOOK_BACK;
	redisReply *r;

	ship_id_text(k->last, from + 1);
	ship_id_text(id, to + 1);
	snprintf(max, sizeof max, "%" PRIu64, ask);
	r = REDIS_ASK(k->c, "XRANGE", k->o->stream, from, to, "COUNT", max);
	if (!failed(r))
		found = r->elements;
	freeReplyObject(r);
	if (found >= ask)
		return;
	k->n->gaps += want - found;
	fprintf(stderr, "millrace read: %s: missing: %" PRIu64 " of the sequences"
	    " %" PRIu64 " to %" PRIu64 "\n", k->o->stream, want - found,
	    k->last.seq + 1, id.seq - 1);
}

static bool
room_for_pairs(struct consumer *k, size_t n)
{
	struct pair *more;

	if (n <= k->max_pairs)
		return true;
	more = reallocarray(k->pairs, n, sizeof *more);
	if (more == NULL)
		return false;
	k->pairs = more;
	k->max_pairs = n;
	return true;
}

/* Hand it over until that works, or it is given up.  False: not done with. */
static bool
deliver(struct consumer *k, const struct event_record *ev, struct ship_id id,
    const char *id_text, unsigned tries)
{
	char why[300];

	while (!read_deliver(k->o, ev, id.ms, id.seq, ++tries, why,
	    sizeof why)) {
		unsigned ms = tries < 7 ? (unsigned)RETRY_MS << (tries - 1) :
		    RETRY_MAX_MS;

		if (read_stop)
			return false;
		fprintf(stderr, "millrace read: %s %s: try %u: %s\n",
		    k->o->stream, id_text, tries, why);
		if (tries >= k->o->max_tries && k->o->group != NULL) {
			bury(k, id_text, tries, why);
			return false;
		}
		if (tries >= k->o->max_tries) {
			k->rc = EX_UNAVAILABLE;
			return false;
		}
		read_pause(ms);
		if (read_stop)
			return false;
		k->n->retried++;
	}
	k->n->taken++;
	return true;
}

/* entry: [id, [name, value, ...]]; the second is nil when it was deleted. */
static bool
handle(struct consumer *k, const redisReply *entry, bool fresh)
{
	const redisReply *f = entry->elements == 2 ? entry->element[1] : NULL;
	struct event_record ev = { .stream = slice_str(k->o->stream) };
	const char *text = entry->element[0]->str;
	struct ship_id id;
	unsigned tries = 0;

	if (!stream_id_parse(slice_str(text), 0, &id.ms, &id.seq))
		return true;
	if (f == NULL || f->type != REDIS_REPLY_ARRAY) {
		k->n->gone++;
		done_with(k, text);
		return true;
	}
	if (fresh && !ship_id_less(k->last, id)) {
		k->n->doubled++;
		done_with(k, text);
		return true;
	}
	if (fresh && k->last.seq > 0 && id.seq > k->last.seq + 1)
		look_back(k, id);
	if (!room_for_pairs(k, f->elements / 2))
		return false;
	ev.fields = k->pairs;
	for (size_t i = 0; i + 1 < f->elements; i += 2)
		k->pairs[ev.nfields++] = (struct pair){
			{ f->element[i]->str, f->element[i]->len },
			{ f->element[i + 1]->str, f->element[i + 1]->len }
		};
	if (!fresh && k->o->group != NULL)
		tries = tries_before(k, text);
	if (tries >= k->o->max_tries)
		return bury(k, text, tries, "its consumers ended while they had it");
	if (fresh)
		k->last = id;
	if (deliver(k, &ev, id, text, tries))
		done_with(k, text);
	return k->c != NULL;
}

/* Entries; the id of the last one goes to *cursor, when wanted. */
static void
handle_all(struct consumer *k, const redisReply *entries, bool fresh,
    char cursor[SHIP_ID_TEXT])
{
	for (size_t i = 0; i < entries->elements && !enough(k); i++) {
		const redisReply *e = entries->element[i];

		if (e->type != REDIS_REPLY_ARRAY || e->elements < 1 ||
		    !handle(k, e, fresh))
			break;
		if (cursor != NULL)
			snprintf(cursor, SHIP_ID_TEXT, "%s", e->element[0]->str);
	}
	if (k->c != NULL)
		settle(k);
}

/* ---- asking ---- */

/* The reply of XREADGROUP and XREAD: [[key, entries]], or nil. */
static enum got
take_read(struct consumer *k, redisReply *r, bool fresh,
    char cursor[SHIP_ID_TEXT])
{
	const redisReply *entries;

	if (failed(r))
		return trouble(k, "read", r);
	if (r->type != REDIS_REPLY_ARRAY || r->elements != 1 ||
	    r->element[0]->elements != 2 ||
	    r->element[0]->element[1]->elements == 0) {
		freeReplyObject(r);
		return GOT_NONE;
	}
	entries = r->element[0]->element[1];
	handle_all(k, entries, fresh, cursor);
	freeReplyObject(r);
	return k->c == NULL ? GOT_TROUBLE : GOT_SOME;
}

static const char *
how_many(const struct consumer *k, char text[24])
{
	uint64_t n = k->o->batch;

	if (k->o->count > 0 && k->o->count - k->n->taken - k->n->dead < n)
		n = k->o->count - k->n->taken - k->n->dead;
	snprintf(text, 24, "%" PRIu64, n);
	return text;
}

/* What this consumer was given and never acknowledged. */
static enum got
read_pending(struct consumer *k)
{
	char cursor[SHIP_ID_TEXT] = "0-0", max[24];
	enum got g = GOT_SOME;

	while (g == GOT_SOME && !enough(k)) {
		char before[SHIP_ID_TEXT];

		memcpy(before, cursor, sizeof before);
		g = take_read(k, REDIS_ASK(k->c, "XREADGROUP", "GROUP",
		    k->o->group, k->o->consumer, "COUNT", how_many(k, max),
		    "STREAMS", k->o->stream, cursor), false, cursor);
		if (g == GOT_SOME && strcmp(before, cursor) == 0)
			break;
	}
	return g;
}

static enum got
read_new(struct consumer *k)
{
	char from[SHIP_ID_TEXT], max[24];
	redisReply *r;

	how_many(k, max);
	if (k->o->group != NULL && k->o->block)
		r = REDIS_ASK(k->c, "XREADGROUP", "GROUP", k->o->group,
		    k->o->consumer, "COUNT", max, "BLOCK", BLOCK_MS, "STREAMS",
		    k->o->stream, ">");
	else if (k->o->group != NULL)
		r = REDIS_ASK(k->c, "XREADGROUP", "GROUP", k->o->group,
		    k->o->consumer, "COUNT", max, "STREAMS", k->o->stream, ">");
	else {
		ship_id_text(k->last, from);
		r = k->o->block ? REDIS_ASK(k->c, "XREAD", "COUNT", max, "BLOCK",
		    BLOCK_MS, "STREAMS", k->o->stream, from) :
		    REDIS_ASK(k->c, "XREAD", "COUNT", max, "STREAMS",
		    k->o->stream, from);
	}
	return take_read(k, r, true, NULL);
}

/* What others were given and left (Redis 6.2 has XAUTOCLAIM). */
static enum got
claim(struct consumer *k)
{
	char cursor[SHIP_ID_TEXT] = "0-0", idle[16], max[24];
	enum got g = GOT_SOME;

	if (k->o->claim_ms == 0 || k->no_claim ||
	    clock_mono_ns() < k->claim_ns)
		return GOT_NONE;
	k->claim_ns = clock_mono_ns() + k->o->claim_ms / 2 * NS_PER_MS;
	snprintf(idle, sizeof idle, "%u", k->o->claim_ms);
	do {
		redisReply *r = REDIS_ASK(k->c, "XAUTOCLAIM", k->o->stream,
		    k->o->group, k->o->consumer, idle, cursor, "COUNT",
		    how_many(k, max));

		if (r != NULL && r->type == REDIS_REPLY_ERROR &&
		    strncmp(r->str, "ERR unknown command", 19) == 0) {
			fprintf(stderr, "millrace read: the server is too old "
			    "to take over what others left\n");
			k->no_claim = true;
			freeReplyObject(r);
			return GOT_NONE;
		}
		if (failed(r) || r->elements < 2)
			return trouble(k, "XAUTOCLAIM", r);
		snprintf(cursor, sizeof cursor, "%s", r->element[0]->str);
		k->n->claimed += r->element[1]->elements;
		handle_all(k, r->element[1], false, NULL);
		freeReplyObject(r);
		if (k->c == NULL)
			g = GOT_TROUBLE;
	} while (g == GOT_SOME && strcmp(cursor, "0-0") != 0 && !enough(k));
	return g;
}

/* ---- connecting ---- */

static bool
make_group(struct consumer *k)
{
	redisReply *r = REDIS_ASK(k->c, "XGROUP", "CREATE", k->o->stream,
	    k->o->group, "0", "MKSTREAM");

	if (r == NULL || (r->type == REDIS_REPLY_ERROR &&
	    strncmp(r->str, "BUSYGROUP", 9) != 0)) {
		trouble(k, "group", r);
		return false;
	}
	freeReplyObject(r);
	return true;
}

static bool
connected(struct consumer *k)
{
	char why[300];

	if (k->c != NULL)
		return true;
	if (k->failures > 0)
		read_pause((unsigned)ship_jitter(k->failures < 6 ?
		    RETRY_MS << (k->failures - 1) : RETRY_MAX_MS));
	k->c = redis_client_open(&k->o->redis, why, sizeof why);
	if (k->c == NULL) {
		if (k->failures == 0)
			fprintf(stderr, "millrace read: redis: %s\n", why);
		if (++k->failures > 5 && !k->o->block)
			k->rc = EX_TEMPFAIL;
		return false;
	}
	buf_clear(&k->acks);
	k->nacks = 0;
	if (k->o->group != NULL && (!make_group(k) ||
	    read_pending(k) == GOT_TROUBLE)) {
		k->failures++;
		return false;
	}
	k->failures = 0;
	return true;
}

static void
tell_lag(struct consumer *k)
{
	redisReply *r = k->c == NULL || k->o->group == NULL ? NULL :
	    REDIS_ASK(k->c, "XPENDING", k->o->stream, k->o->group);

	if (!failed(r) && r->elements > 0)
		fprintf(stderr, "millrace read: %s: %lld pending in group %s\n",
		    k->o->stream, r->element[0]->integer, k->o->group);
	freeReplyObject(r);
}

int
read_from_redis(const struct read_opts *o, struct read_counts *n)
{
	struct consumer k = { .o = o, .n = n, .acks = BUF_INIT(1 << 20) };

	if (o->from != NULL && !stream_id_parse(slice_str(o->from), UINT64_MAX,
	    &k.last.ms, &k.last.seq)) {
		fprintf(stderr, "millrace read: %s is no id\n", o->from);
		return EX_USAGE;
	}
	while (!enough(&k)) {
		enum got g;

		if (!connected(&k) || enough(&k))
			continue;
		g = o->group != NULL ? claim(&k) : GOT_NONE;
		if (g == GOT_TROUBLE || enough(&k))
			continue;
		g = read_new(&k);
		if (g == GOT_NONE && !o->block)
			break;
	}
	tell_lag(&k);
	if (k.c != NULL)
		redisFree(k.c);
	buf_fini(&k.acks);
	free(k.pairs);
	return k.rc;
}
