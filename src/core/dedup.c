/* dedup.c - the table of what producers have sent. */
#include "config.h"

#include <stdlib.h>

#include "base/number.h"
#include "core/dedup_private.h"

#define MAX_NAME 255
#define MAX_KEY (2 * MAX_NAME + 10)
#define BUSY_MS 60000
#define OVERHEAD 96		/* of a producer in the map, and malloc's */

/* ---- memory ---- */

static void
ring_free(struct dedup *d, struct producer *p)
{
	d->tokens -= p->count;
	d->bytes -= p->cap * sizeof *p->ring;
	if (p->index != NULL)
		d->bytes -= (p->mask + 1) * sizeof *p->index;
	free(p->ring);
	free(p->index);
	p->ring = NULL;
	p->index = NULL;
	p->head = p->count = p->cap = p->mask = 0;
}

static void
forget(struct dedup *d, struct producer *p)
{
	ring_free(d, p);
	if (p->sequence != NULL) {
		free(p->sequence);
		d->bytes -= sizeof *p->sequence;
	}
	lru_remove(p->bare ? &d->bare : &d->rich, &p->lru);
	d->bytes -= sizeof *p + p->key.len + OVERHEAD;
	map_del(d->producers, p->key);
	free(p);
}

/* All numbers whose tokens go are below `forgotten` from now on. */
static void
note_forgotten(struct producer *p, const struct token *t)
{
	if (p->sequence != NULL && t->number != DEDUP_NO_NUMBER &&
	    t->number > p->sequence->forgotten)
		p->sequence->forgotten = t->number;
}

static void
make_bare(struct dedup *d, struct producer *p)
{
	for (uint32_t i = 0; i < p->count; i++)
		note_forgotten(p, &p->ring[(p->head + i) % p->cap]);
	ring_free(d, p);
	lru_remove(&d->rich, &p->lru);
	lru_add(&d->bare, &p->lru);
	p->bare = true;
}

/* Make room for so many bytes more at the cost of others than `self` that were
 * silent since `since`. */
static bool
make_room(struct dedup *d, size_t more, const struct producer *self,
    int64_t since)
{
	while (d->bytes > d->o.max_bytes || more > d->o.max_bytes - d->bytes) {
		struct lru_node *n = lru_oldest(&d->rich);
		struct producer *p;

		if (n != NULL && self != NULL && n == &self->lru)
			n = NULL;	/* it is the only one in use */
		if (n != NULL) {
			p = LRU_OF(n, struct producer, lru);
			if (p->last_ms > since)
				return false;
			if (p->sequence != NULL) {
				make_bare(d, p);
				d->stats.trimmed++;
				continue;
			}
		} else {
			n = lru_oldest(&d->bare);
			if (n == NULL || (self != NULL && n == &self->lru))
				return false;
			p = LRU_OF(n, struct producer, lru);
			if (p->last_ms > since)
				return false;
		}
		forget(d, p);
		d->stats.evicted++;
	}
	return true;
}

static void
use(struct dedup *d, struct producer *p, int64_t now_ms)
{
	if (p->bare) {
		lru_remove(&d->bare, &p->lru);
		lru_add(&d->rich, &p->lru);
		p->bare = false;
	} else {
		lru_touch(&d->rich, &p->lru);
	}
	if (now_ms > p->last_ms)
		p->last_ms = now_ms;
}

struct producer *
dedup_producer(struct dedup *d, struct slice key, bool make)
{
	struct producer *p = map_get(d->producers, key);
	size_t bytes = sizeof *p + key.len + OVERHEAD;

	if (p != NULL || !make)
		return p;
	if (!make_room(d, bytes, NULL, INT64_MAX))
		return NULL;
	p = calloc(1, sizeof *p);
	if (p == NULL)
		return NULL;
	if (!map_put(d->producers, key, p, NULL)) {
		free(p);
		return NULL;
	}
	p->key = map_key(d->producers, key);
	lru_add(&d->rich, &p->lru);
	d->bytes += bytes;
	return p;
}

struct sequence *
dedup_sequence(struct dedup *d, struct producer *p)
{
	if (p->sequence == NULL && make_room(d, sizeof *p->sequence, p, INT64_MAX)) {
		p->sequence = calloc(1, sizeof *p->sequence);
		if (p->sequence != NULL)
			d->bytes += sizeof *p->sequence;
	}
	return p->sequence;
}

/* ---- tokens ---- */

static bool
same(struct event_hash a, struct event_hash b)
{
	return a.lo == b.lo && a.hi == b.hi;
}

/* The index's place of a key, or of the free place where it would go. */
static uint32_t
slot_of(const struct producer *p, struct event_hash key)
{
	uint32_t half = (uint32_t)key.lo, i = half & p->mask;

	while (p->index[i].at != 0 && (p->index[i].key != half ||
	    !same(p->ring[p->index[i].at - 1].key, key)))
		i = (i + 1) & p->mask;
	return i;
}

const struct token *
dedup_token_find(const struct producer *p, struct event_hash key)
{
	uint32_t at;

	if (p->count == 0)
		return NULL;
	at = p->index[slot_of(p, key)].at;
	return at == 0 ? NULL : &p->ring[at - 1];
}

/* Free a place of the index, moving up what was pushed beyond it. */
static void
slot_clear(struct producer *p, uint32_t i)
{
	uint32_t k = i;

	for (;;) {
		uint32_t home;

		k = (k + 1) & p->mask;
		if (p->index[k].at == 0)
			break;
		home = p->index[k].key & p->mask;
		/* may it move to i: is its home not within (i, k]? */
		if (((k - home) & p->mask) >= ((k - i) & p->mask)) {
			p->index[i] = p->index[k];
			i = k;
		}
	}
	p->index[i].at = 0;
}

static const struct token *
nth(const struct producer *p, uint32_t n)
{
	uint32_t i = p->head + n;

	return &p->ring[i < p->cap ? i : i - p->cap];
}

/* Who sends many drops the next ones soon. */
static void
expect_drop(const struct producer *p)
{
	if (p->count < 3)
		return;
	__builtin_prefetch(nth(p, 2));
	__builtin_prefetch(&p->index[(uint32_t)nth(p, 0)->key.lo & p->mask]);
}

static void
drop_oldest(struct dedup *d, struct producer *p)
{
	const struct token *t = &p->ring[p->head];
	uint32_t i = (uint32_t)t->key.lo & p->mask;

	note_forgotten(p, t);
	/* it is there, so its place is enough to know it by */
	while (p->index[i].at != p->head + 1)
		i = (i + 1) & p->mask;
	slot_clear(p, i);
	if (++p->head == p->cap)
		p->head = 0;
	p->count--;
	d->tokens--;
	expect_drop(p);
}

static void
drop_old(struct dedup *d, struct producer *p, int64_t now_ms)
{
	while (p->count > 0 &&
	    p->ring[p->head].at_ms < now_ms - d->o.opaque_ms) {
		drop_oldest(d, p);
		d->stats.expired++;
	}
}

/* Twice the tokens, the oldest first. */
static bool
ring_grow(struct dedup *d, struct producer *p)
{
	uint32_t cap = p->cap == 0 ? 16 : p->cap * 2, slots = 32;
	struct token *ring;
	struct place *index;
	size_t bytes;

	if (cap > d->o.opaque_max)
		cap = d->o.opaque_max;
	if (cap == p->cap)
		return false;
	while (slots < cap + cap / 2)
		slots *= 2;
	bytes = cap * sizeof *ring + slots * sizeof *index;
	/* those who are busy too share what there is; a first ring all may have */
	if (!make_room(d, bytes, p, p->cap == 0 ? INT64_MAX :
	    p->last_ms - BUSY_MS))
		return false;
	ring = malloc(cap * sizeof *ring);
	index = calloc(slots, sizeof *index);
	if (ring == NULL || index == NULL) {
		free(ring);
		free(index);
		return false;
	}
	for (uint32_t i = 0; i < p->count; i++)
		ring[i] = p->ring[(p->head + i) % p->cap];
	d->bytes += bytes;
	d->bytes -= p->cap * sizeof *ring;
	if (p->index != NULL)
		d->bytes -= (p->mask + 1) * sizeof *index;
	free(p->ring);
	free(p->index);
	p->ring = ring;
	p->index = index;
	p->mask = slots - 1;
	p->head = 0;
	p->cap = cap;
	for (uint32_t i = 0; i < p->count; i++)
		index[slot_of(p, ring[i].key)] = (struct place){
			(uint32_t)ring[i].key.lo, i + 1
		};
	return true;
}

bool
dedup_token_add(struct dedup *d, struct producer *p, const struct token *t)
{
	uint32_t place, slot;

	if (p->count == p->cap && !ring_grow(d, p)) {
		if (p->count == 0)
			return false;
		drop_oldest(d, p);
	}
	place = (uint32_t)(nth(p, p->count) - p->ring);
	p->ring[place] = *t;
	p->count++;
	d->tokens++;
	/* found free: the key is not there */
	slot = (uint32_t)t->key.lo & p->mask;
	while (p->index[slot].at != 0)
		slot = (slot + 1) & p->mask;
	p->index[slot] = (struct place){ (uint32_t)t->key.lo, place + 1 };
	return true;
}

/* ---- numbers ---- */

static bool
bit(const struct sequence *s, uint64_t n)
{
	return (s->bits[n % DEDUP_WINDOW / 64] >> (n % 64) & 1) != 0;
}

static void
set_bit(struct sequence *s, uint64_t n, bool on)
{
	uint64_t mask = UINT64_C(1) << (n % 64);

	if (on)
		s->bits[n % DEDUP_WINDOW / 64] |= mask;
	else
		s->bits[n % DEDUP_WINDOW / 64] &= ~mask;
}

/* The number begins a new run: what was known of others is void. */
static void
start_at(struct sequence *s, uint64_t n)
{
	*s = (struct sequence){ .floor = n, .high = n, .through = n };
	set_bit(s, n, true);
}

static void
follow(struct sequence *s)
{
	while (s->through < s->high && s->high - s->through <= DEDUP_WINDOW &&
	    bit(s, s->through + 1))
		s->through++;
}

static void
see(struct sequence *s, uint64_t n)
{
	if (n > s->high) {
		if (n - s->high > DEDUP_WINDOW) {
			start_at(s, n);
			return;
		}
		while (++s->high < n)
			set_bit(s, s->high, false);
	}
	if (s->high - n < DEDUP_WINDOW)
		set_bit(s, n, true);
	if (n < s->floor && s->floor - n <= DEDUP_WINDOW && s->high - n <
	    DEDUP_WINDOW) {
		/* a pipeline's first numbers, out of order */
		if (s->floor - n > 1)
			s->through = n;
		s->floor = n;
	}
	follow(s);
}

/* Was it, although its token is gone? */
static bool
seen(const struct sequence *s, uint64_t n)
{
	if (n > s->high || n < s->floor)
		return false;
	return s->high - n < DEDUP_WINDOW ? bit(s, n) : n <= s->forgotten;
}

/* Canonical decimal: "007" is a name, not a number. */
static bool
decimal(struct slice s, uint64_t *n)
{
	return s.len > 0 && (s.ptr[0] != '0' || s.len == 1) &&
	    number_u64(s, n) && *n < DEDUP_NO_NUMBER;
}

/* A number above all that were seen has no token either, which saves a look
 * at a place of memory that is in no cache. */
static bool
is_above(const struct producer *p, uint64_t number)
{
	return number != DEDUP_NO_NUMBER && p->sequence != NULL &&
	    number > p->sequence->high;
}

/* The first number of a producer; those whose tokens are here came when there
 * was no memory for this. */
static void
begin_sequence(struct producer *p, uint64_t n)
{
	start_at(p->sequence, n);
	for (uint32_t i = 0; i < p->count; i++) {
		const struct token *t = &p->ring[(p->head + i) % p->cap];

		if (t->number != DEDUP_NO_NUMBER)
			see(p->sequence, t->number);
	}
}

/* ---- the door ---- */

/* What an iid is, and whose. */
struct name {
	char key[MAX_KEY];
	size_t len;
	uint64_t number;		/* or DEDUP_NO_NUMBER */
	struct event_hash iid;
};

static void
add_key(struct name *n, const void *bytes, size_t len)
{
	memcpy(n->key + n->len, bytes, len);
	n->len += len;
}

static void
add_part(struct name *n, struct slice s)
{
	char len = (char)(unsigned char)s.len;

	add_key(n, &len, 1);
	add_key(n, s.ptr, s.len);
}

static bool
make_name(struct name *n, struct slice stream, struct slice pid,
    struct slice iid)
{
	struct slice rest = iid, head = slice_cut(&rest, ':');
	uint64_t epoch;

	if (stream.len == 0 || stream.len > MAX_NAME || pid.len == 0 ||
	    pid.len > MAX_NAME || iid.len == 0)
		return false;
	n->len = 0;
	add_part(n, stream);
	add_part(n, pid);
	n->iid = event_hash_bytes(iid);
	n->number = DEDUP_NO_NUMBER;
	if (rest.ptr == NULL) {
		if (!decimal(iid, &n->number))
			n->number = DEDUP_NO_NUMBER;
	} else if (decimal(head, &epoch) && decimal(rest, &n->number)) {
		add_key(n, &epoch, sizeof epoch);
	} else {
		n->number = DEDUP_NO_NUMBER;
	}
	return true;
}

static enum dedup_answer
found_token(struct dedup *d, const struct token *t, struct event_hash hash,
    struct dedup_found *found)
{
	*found = (struct dedup_found){ t->ms, t->seq, true };
	d->stats.seen++;
	if (same(t->hash, hash))
		return DEDUP_SEEN;
	d->stats.conflicts++;
	return DEDUP_CONFLICT;
}

enum dedup_answer
dedup_check(struct dedup *d, struct slice stream, struct slice pid,
    struct slice iid, struct event_hash hash, int64_t now_ms,
    struct dedup_found *found)
{
	const struct token *t;
	struct producer *p;
	struct name n;

	if (!make_name(&n, stream, pid, iid))
		return DEDUP_NEW;
	p = dedup_producer(d, slice_of(n.key, n.len), false);
	if (p == NULL)
		return DEDUP_NEW;
	use(d, p, now_ms);
	drop_old(d, p, now_ms);
	if (is_above(p, n.number)) {
		if (p->count > 0)	/* it will be added soon */
			__builtin_prefetch(&p->index[(uint32_t)n.iid.lo &
			    p->mask]);
		return DEDUP_NEW;
	}
	t = dedup_token_find(p, n.iid);
	if (t != NULL)
		return found_token(d, t, hash, found);
	if (n.number == DEDUP_NO_NUMBER || p->sequence == NULL ||
	    !seen(p->sequence, n.number))
		return DEDUP_NEW;
	*found = (struct dedup_found){ 0, 0, false };
	if (p->count > 0) {
		found->ms = p->ring[p->head].ms;
		found->seq = p->ring[p->head].seq;
	}
	d->stats.seen++;
	return DEDUP_SEEN;
}

void
dedup_add(struct dedup *d, struct slice stream, struct slice pid,
    struct slice iid, struct event_hash hash, uint64_t ms, uint64_t seq,
    int64_t now_ms)
{
	struct producer *p;
	struct name n;
	bool first;

	if (!make_name(&n, stream, pid, iid))
		return;
	p = dedup_producer(d, slice_of(n.key, n.len), true);
	if (p == NULL) {
		d->stats.refused++;
		return;
	}
	use(d, p, now_ms);
	if (!is_above(p, n.number) && dedup_token_find(p, n.iid) != NULL)
		return;
	if (!dedup_token_add(d, p, &(struct token){ n.iid, hash, ms, seq,
	    now_ms, n.number }))
		d->stats.refused++;
	if (n.number == DEDUP_NO_NUMBER)
		return;
	first = p->sequence == NULL;
	if (dedup_sequence(d, p) == NULL)
		d->stats.refused++;
	else if (first)
		begin_sequence(p, n.number);
	else
		see(p->sequence, n.number);
}

bool
dedup_last(const struct dedup *d, struct slice stream, struct slice pid,
    uint64_t *number)
{
	const struct producer *p;
	struct name n;

	if (!make_name(&n, stream, pid, SLICE("-")))
		return false;
	p = map_get(d->producers, slice_of(n.key, n.len));
	if (p == NULL || p->sequence == NULL)
		return false;
	*number = p->sequence->through;
	return true;
}

static void
expire_list(struct dedup *d, struct lru *list, int64_t now_ms)
{
	struct lru_node *n = lru_oldest(list), *next;

	for (; n != NULL; n = next) {
		struct producer *p = LRU_OF(n, struct producer, lru);

		next = lru_newer(list, n);
		drop_old(d, p, now_ms);
		if (p->last_ms < now_ms - d->o.idle_ms ||
		    (p->count == 0 && p->sequence == NULL)) {
			forget(d, p);
			d->stats.expired++;
		} else if (p->count == 0 && p->cap > 0 && !p->bare) {
			make_bare(d, p);
		}
	}
}

void
dedup_expire(struct dedup *d, int64_t now_ms)
{
	expire_list(d, &d->bare, now_ms);
	expire_list(d, &d->rich, now_ms);
}

struct dedup *
dedup_new(const struct dedup_options *options)
{
	struct dedup *d = calloc(1, sizeof *d);

	if (d == NULL)
		return NULL;
	if (options != NULL)
		d->o = *options;
	if (d->o.max_bytes == 0)
		d->o.max_bytes = 16 << 20;
	if (d->o.opaque_max == 0)
		d->o.opaque_max = 10000;
	if (d->o.opaque_ms == 0)
		d->o.opaque_ms = 86400 * INT64_C(1000);
	if (d->o.idle_ms == 0)
		d->o.idle_ms = 7 * 86400 * INT64_C(1000);
	lru_init(&d->rich);
	lru_init(&d->bare);
	d->producers = map_new(d->o.max_bytes / sizeof(struct producer) + 1);
	if (d->producers == NULL) {
		free(d);
		return NULL;
	}
	return d;
}

void
dedup_clear(struct dedup *d)
{
	struct lru_node *n;

	while ((n = lru_oldest(&d->rich)) != NULL)
		forget(d, LRU_OF(n, struct producer, lru));
	while ((n = lru_oldest(&d->bare)) != NULL)
		forget(d, LRU_OF(n, struct producer, lru));
}

void
dedup_free(struct dedup *d)
{
	if (d == NULL)
		return;
	dedup_clear(d);
	map_free(d->producers, NULL);
	free(d);
}

void
dedup_stats(const struct dedup *d, struct dedup_stats *out)
{
	*out = d->stats;
	out->producers = map_len(d->producers);
	out->tokens = d->tokens;
	out->bytes = d->bytes;
}
