/* table.c - open addressing over entries that hold two halves. */
#include "config.h"

#include <assert.h>
#include <stddef.h>
#include <stdlib.h>

#define XXH_INLINE_ALL
#include <xxhash.h>
#ifdef __SSE2__
#include <emmintrin.h>
#endif

#include "base/mapped.h"
#include "core/member_set.h"
#include "core/sketch.h"
#include "core/table.h"

/* A slot is an entry's address with 16 bits of its hash above it (user space
 * addresses have 47 bits), so that a probe touches an entry only when it is
 * most likely the one.  0 is an empty slot. */
#define SLOT(e) ((uint64_t)(uintptr_t)(e) | (uint64_t)(e)->hash >> 16 << 48)
#define SLOT_ENTRY(slot) \
	((struct entry *)(uintptr_t)((slot) & 0xffffffffffff))
#define SLOT_TAG(slot) ((uint32_t)((slot) >> 48))
#define FIRST_SLOTS 1024
#define PASSES 16		/* sweeps, at most, until all slots were seen */

static const size_t cell_size[GROUPS] = {
	[GROUP_COUNTER] = sizeof(double),
	[GROUP_TIMER] = sizeof(struct timer_cell),
	[GROUP_GAUGE] = sizeof(struct gauge_cell),
	[GROUP_SET] = sizeof(struct member_set *),
	[GROUP_KV] = sizeof(struct timer_cell),
};

static const enum table_group group_of[METRIC_TYPES] = {
	[METRIC_COUNTER] = GROUP_COUNTER,
	[METRIC_GAUGE] = GROUP_GAUGE,
	[METRIC_GAUGE_DELTA] = GROUP_GAUGE,
	[METRIC_TIMER] = GROUP_TIMER,
	[METRIC_SET] = GROUP_SET,
	[METRIC_POINT] = GROUP_GAUGE,
	[METRIC_KEY_VALUE] = GROUP_KV,
};

enum table_group
table_group(enum metric_type type)
{
	return group_of[type];
}

/* The two cells of its group stand behind an entry. */
double *
entry_counter(struct entry *e, unsigned half)
{
	return (double *)(e + 1) + half;
}

struct timer_cell *
entry_timer(struct entry *e, unsigned half)
{
	return (struct timer_cell *)(e + 1) + half;
}

struct gauge_cell *
entry_gauge(struct entry *e, unsigned half)
{
	return (struct gauge_cell *)(e + 1) + half;
}

struct member_set **
entry_set(struct entry *e, unsigned half)
{
	return (struct member_set **)(e + 1) + half;
}

static const char *
key_bytes(const struct entry *e)
{
	return (const char *)(e + 1) + 2 * cell_size[e->group];
}

struct slice
entry_name(const struct entry *e)
{
	return slice_of(key_bytes(e), e->name_len);
}

struct slice
entry_tags(const struct entry *e)
{
	return slice_of(key_bytes(e) + e->name_len, e->tags_len);
}

static void
set_free(struct member_set *s)
{
	if (s != NULL)
		member_set_fini(s);
	free(s);
}

static void
timer_fini(struct timer_cell *c)
{
	samples_fini(&c->samples);
	if (c->sketch != NULL)
		sketch_fini(c->sketch);
	free(c->sketch);
}

static void
cells_fini(struct entry *e)
{
	for (unsigned h = 0; h < 2; h++) {
		if (e->group == GROUP_TIMER || e->group == GROUP_KV)
			timer_fini(entry_timer(e, h));
		else if (e->group == GROUP_SET)
			set_free(*entry_set(e, h));
	}
}

void
entry_empty(struct entry *e)
{
	cells_fini(e);
	if (((uintptr_t)e->merged & 1) != 0)
		free((void *)((uintptr_t)e->merged - 1));
	e->merged = NULL;
}

static size_t
entry_size(enum table_group g, size_t name_len, size_t tags_len)
{
	return sizeof(struct entry) + 2 * cell_size[g] + name_len + tags_len;
}

/* An empty one. */
static void
entry_free(struct table *t, struct entry *e)
{
	pool_put(&t->entries, e, entry_size((enum table_group)e->group,
	    e->name_len, e->tags_len));
}

/* From one seed, all unlike each other. */
static void
draw_keys(struct table *t, uint64_t seed)
{
	uint64_t n = 0;

	t->seed = seed;
	for (size_t i = 0; i < sizeof t->key / sizeof t->key[0]; i++, n++)
		t->key[i] = XXH3_64bits_withSeed(&n, sizeof n, seed);
	for (size_t i = 0; i < GROUPS; i++, n++)
		t->group_key[i] = XXH3_64bits_withSeed(&n, sizeof n, seed);
}

bool
table_init(struct table *t, size_t max, uint64_t set_exact, uint64_t seed)
{
	memset(t, 0, sizeof *t);
	t->slots = mapped_new(FIRST_SLOTS * sizeof *t->slots);
	if (t->slots == NULL)
		return false;
	t->mask = FIRST_SLOTS - 1;
	t->max = max < UINT32_MAX / 2 ? max : UINT32_MAX / 2;
	t->set_exact = set_exact;
	draw_keys(t, seed);
	t->half[0].index = 0;
	t->half[1].index = 1;
	return true;
}

/* Links live for one interval: in chunks that go back to the system, so that
 * they leave no holes between entries, which stay. */
struct link_chunk {
	struct link_chunk *next;
	size_t used, cap;
	_Alignas(struct link) char bytes[];
};

#define FIRST_CHUNK (16384 - sizeof(struct link_chunk))
#define NEXT_CHUNK ((1 << 20) - sizeof(struct link_chunk))

static void
links_free(struct half *h)
{
	struct link_chunk *c;

	while ((c = h->links) != NULL) {
		h->links = c->next;
		mapped_free(c, sizeof *c + c->cap);
	}
	h->last_links = NULL;
}

/* With what comes behind it, so that the next one is aligned. */
static size_t
link_size(size_t len)
{
	size_t n = offsetof(struct link, name) + len;
	size_t align = _Alignof(struct link);

	return (n + align - 1) / align * align;
}

static bool
add_chunk(struct half *h, size_t need)
{
	size_t cap = h->links == NULL ? FIRST_CHUNK : NEXT_CHUNK;
	struct link_chunk *c;

	if (cap < need)
		cap = need;
	if ((c = mapped_new(sizeof *c + cap)) == NULL)
		return false;
	c->cap = cap;
	if (h->links == NULL)
		h->links = c;
	else
		h->last_links->next = c;
	h->last_links = c;
	return true;
}

void
half_each_link(const struct half *h,
    void (*fn)(void *ctx, const struct link *l), void *ctx)
{
	for (const struct link_chunk *c = h->links; c != NULL; c = c->next)
		for (size_t at = 0; at < c->used;) {
			const struct link *l = (const void *)(c->bytes + at);

			fn(ctx, l);
			at += link_size(l->len);
		}
}

/* Entries touched in an interval are listed in chunks that the halves share. */
#define DIRTY_BYTES ((size_t)65536)
#define DIRTY_ROOM ((DIRTY_BYTES - sizeof(struct dirty_chunk)) / \
    sizeof(struct entry *))

static void
dirty_free(struct dirty_chunk *c)
{
	struct dirty_chunk *next;

	for (; c != NULL; c = next) {
		next = c->next;
		mapped_free(c, DIRTY_BYTES);
	}
}

static bool
dirty_room(struct table *t, struct half *h)
{
	struct dirty_chunk *c = t->spare;

	if (c != NULL)
		t->spare = c->next;
	else if ((c = mapped_new(DIRTY_BYTES)) == NULL)
		return false;
	c->next = NULL;
	c->n = 0;
	if (h->last_dirty == NULL)
		h->dirty = c;
	else
		h->last_dirty->next = c;
	h->last_dirty = c;
	return true;
}

static bool
dirty_add(struct table *t, struct half *h, struct entry *e)
{
	if ((h->last_dirty == NULL || h->last_dirty->n == DIRTY_ROOM) &&
	    !dirty_room(t, h))
		return false;
	h->last_dirty->e[h->last_dirty->n++] = e;
	h->ndirty++;
	return true;
}

/* What this interval took is kept for the next ones, and no more. */
static void
dirty_back(struct table *t, struct half *h)
{
	dirty_free(t->spare);
	t->spare = h->dirty;
	h->dirty = h->last_dirty = NULL;
	h->ndirty = 0;
}

static void
half_fini(struct half *h)
{
	links_free(h);
	dirty_free(h->dirty);
	for (size_t i = 0; i < h->nevicted; i++)
		entry_empty(h->evicted[i]);
}

/* Large ones are malloc's. */
static void
free_entries(struct table *t)
{
	for (size_t i = 0; i <= t->mask; i++)
		if (t->slots[i] != 0) {
			entry_empty(SLOT_ENTRY(t->slots[i]));
			entry_free(t, SLOT_ENTRY(t->slots[i]));
		}
	for (size_t i = 0; i < t->ndead; i++)
		entry_free(t, t->dead[i]);
	for (unsigned h = 0; h < 2; h++)
		for (size_t i = 0; i < t->half[h].nevicted; i++)
			entry_free(t, t->half[h].evicted[i]);
	free(t->half[0].evicted);
	free(t->half[1].evicted);
}

void
table_fini(struct table *t)
{
	if (t->slots == NULL)
		return;
	half_fini(&t->half[0]);
	half_fini(&t->half[1]);
	free_entries(t);
	dirty_free(t->spare);
	free(t->dead);
	pool_fini(&t->entries);
	mapped_free(t->slots, (t->mask + 1) * sizeof *t->slots);
}

static inline uint64_t
load8(const char *p)
{
	uint64_t x;

	memcpy(&x, p, 8);
	return x;
}

/* Where the four pieces of eight that cover n bytes, n from 8 to 32, begin: at 0,
 * here, as far from the end, and at the end less eight.  They may overlap. */
static inline size_t
second_piece(size_t n)
{
	return n < 16 ? n - 8 : 8;
}

#ifdef __SIZEOF_INT128__
__extension__ typedef unsigned __int128 wide;

static inline uint64_t
fold(uint64_t a, uint64_t b)
{
	wide w = (wide)a * b;

	return (uint64_t)w ^ (uint64_t)(w >> 64);
}

/* Of names of 8 to 32 bytes, as most are, without asking how long.  The form is
 * XXH3's for 17 to 32 bytes: two products of 128 bits, each folded, of what was
 * mixed with keys.  The keys are as secret as the seed, and all of them are: who
 * does not know them cannot choose a factor to be 0, which makes all names alike
 * that differ in the other one. */
static inline uint64_t
hash_usual(const struct table *t, const char *p, size_t n, unsigned group)
{
	const char *last = p + n - 8;
	size_t second = second_piece(n);
	uint64_t h = n * UINT64_C(0x9e3779b185ebca87) + t->group_key[group];

	h += fold(load8(p) ^ t->key[0], load8(p + second) ^ t->key[1]);
	h += fold(load8(last - second) ^ t->key[2], load8(last) ^ t->key[3]);
	return (h ^ h >> 37) * UINT64_C(0x165667919e3779f9);
}
#endif

static inline uint64_t
hash_name(const struct table *t, struct slice name, unsigned group)
{
#ifdef __SIZEOF_INT128__
	if (name.len - 8 <= 24)
		return hash_usual(t, name.ptr, name.len, group);
#endif
	return XXH3_64bits_withSeed(name.ptr, name.len, t->seed + group);
}

static inline uint32_t
hash_of(const struct table *t, const struct metric_record *m)
{
	uint64_t h = hash_name(t, m->name, group_of[m->type]);

	if (m->tags.len > 0)
		h ^= XXH3_64bits_withSeed(m->tags.ptr, m->tags.len,
		    h + m->tag_style);
	return (uint32_t)(h ^ h >> 32);
}

uint32_t
table_hash(const struct table *t, const struct metric_record *m)
{
	return hash_of(t, m);
}

/* memcmp() == 0, for names: those of usual length without a loop, in the pieces
 * that hash_usual() has. */
static inline bool
same_bytes(const char *a, const char *b, size_t n)
{
	size_t second = second_piece(n), last = n - 8;

	if (last > 24)
		return memcmp(a, b, n) == 0;
	return ((load8(a) ^ load8(b)) |
	    (load8(a + second) ^ load8(b + second)) |
	    (load8(a + last - second) ^ load8(b + last - second)) |
	    (load8(a + last) ^ load8(b + last))) == 0;
}

static inline bool
same_key(const struct entry *e, const struct metric_record *m)
{
	const char *key;

	if (e->name_len != m->name.len || e->tags_len != m->tags.len ||
	    e->group != group_of[m->type] ||
	    (m->tags.len > 0 && e->style != m->tag_style))
		return false;
	key = key_bytes(e);
	return same_bytes(key, m->name.ptr, m->name.len) &&
	    (m->tags.len == 0 ||
	    memcmp(key + m->name.len, m->tags.ptr, m->tags.len) == 0);
}

struct entry *
table_find(const struct table *t, const struct metric_record *m, uint32_t hash)
{
	for (size_t i = hash & t->mask; t->slots[i] != 0; i = (i + 1) & t->mask) {
		struct entry *e;

		if (SLOT_TAG(t->slots[i]) != hash >> 16)
			continue;
		e = SLOT_ENTRY(t->slots[i]);
		if (e->hash == hash && same_key(e, m))
			return e;
	}
	return NULL;
}

/* The entry that is most likely of that hash; NULL: there is none. */
static struct entry *
guess_on(const uint64_t *slots, size_t mask, uint32_t hash)
{
	size_t i = hash & mask;

	while (slots[i] != 0 && SLOT_TAG(slots[i]) != hash >> 16)
		i = (i + 1) & mask;
	return SLOT_ENTRY(slots[i]);
}

#ifdef __SSE2__
/* The same.  Most names stand in one of the four slots from where they belong:
 * these are looked at at once, since how far to go is what no processor can
 * guess. */
static inline struct entry *
guess(const uint64_t *slots, size_t mask, uint32_t hash)
{
	size_t i = hash & mask;
	__m128 low, high;
	__m128i tags;
	unsigned same;

	if (i > mask - 3)
		return guess_on(slots, mask, hash);
	low = _mm_loadu_ps((const float *)(const void *)&slots[i]);
	high = _mm_loadu_ps((const float *)(const void *)&slots[i + 2]);
	tags = _mm_srli_epi32(_mm_castps_si128(_mm_shuffle_ps(low, high,
	    _MM_SHUFFLE(3, 1, 3, 1))), 16);
	same = (unsigned)_mm_movemask_ps(_mm_castsi128_ps(_mm_cmpeq_epi32(tags,
	    _mm_set1_epi32((int)(hash >> 16)))));
	if (same == 0)
		return guess_on(slots, mask, hash);
	return SLOT_ENTRY(slots[i + (unsigned)__builtin_ctz(same)]);
}
#else
#define guess guess_on
#endif

/* ---- runs ---- */

/* A table of fewer names than this lies in the caches as it is, and asking for
 * its lines costs more than now and then waiting for one. */
#define LARGE 32768

/* Compilers take a function that only prefetches for one that does nothing, and
 * leave out the call: it must not be one by then. */
#define PREFETCHES static inline __attribute__((always_inline)) void

PREFETCHES
prefetch_slots(const struct table *t, const struct table_run *run)
{
	for (size_t i = 0; i < run->n; i++)
		__builtin_prefetch(&t->slots[run->hash[i] & t->mask]);
}

/* Of the entry that a metric is guessed to have, no more lines than it has: how
 * many can be on their way at a time is what bounds us. */
PREFETCHES
prefetch_entry(const struct entry *e, const struct metric_record *m)
{
	uintptr_t at = (uintptr_t)e;		/* or 0 */
	size_t last = sizeof *e + 2 * cell_size[group_of[m->type]] +
	    m->name.len + m->tags.len - 1;

	__builtin_prefetch((const void *)at, 1);
	__builtin_prefetch((const void *)(at + (last < 64 ? last : 64)), 1);
	__builtin_prefetch((const void *)(at + last), 1);
}

/* And where a sample will be written. */
PREFETCHES
prefetch_cell(const struct table *t, struct entry *e)
{
	static const struct timer_cell none;
	const struct timer_cell *c = e != NULL && e->group == GROUP_TIMER ?
	    entry_timer(e, t->current) : &none;

	__builtin_prefetch(c->samples.v + c->samples.n, 1);
}

void
table_run_hash(const struct table *t, struct table_run *run)
{
	for (size_t i = 0; i < run->n; i++)
		run->hash[i] = hash_of(t, &run->m[i]);
	if (t->used >= LARGE)
		prefetch_slots(t, run);
}

void
table_run_guess(const struct table *t, struct table_run *run)
{
	const uint64_t *slots = t->slots;
	size_t mask = t->mask;

	for (size_t i = 0; i < run->n; i++)
		run->e[i] = guess(slots, mask, run->hash[i]);
	for (size_t i = 0; t->used >= LARGE && i < run->n; i++)
		prefetch_entry(run->e[i], &run->m[i]);
}

void
table_run_find(const struct table *t, struct table_run *run)
{
	for (size_t i = 0; i < run->n; i++) {
		struct entry *e = run->e[i];

		if (e != NULL && (e->hash != run->hash[i] ||
		    !same_key(e, &run->m[i])))
			run->e[i] = table_find(t, &run->m[i], run->hash[i]);
	}
	for (size_t i = 0; t->used >= LARGE && i < run->n; i++)
		prefetch_cell(t, run->e[i]);
}

static void
place(uint64_t *slots, size_t mask, const struct entry *e)
{
	size_t i = e->hash & mask;

	while (slots[i] != 0)
		i = (i + 1) & mask;
	slots[i] = SLOT(e);
}

/* Have n slots. */
static bool
resize(struct table *t, size_t n)
{
	uint64_t *slots = mapped_new(n * sizeof *slots);

	if (slots == NULL)
		return false;
	for (size_t i = 0; i <= t->mask; i++)
		if (t->slots[i] != 0)
			place(slots, n - 1, SLOT_ENTRY(t->slots[i]));
	mapped_free(t->slots, (t->mask + 1) * sizeof *t->slots);
	t->slots = slots;
	t->mask = n - 1;
	return true;
}

static struct entry *
entry_new(struct table *t, const struct metric_record *m, uint32_t hash)
{
	enum table_group g = group_of[m->type];
	size_t fixed = sizeof(struct entry) + 2 * cell_size[g];
	struct entry *e;

	if (m->name.len > UINT16_MAX || m->tags.len > UINT16_MAX)
		return NULL;
	e = pool_get(&t->entries, entry_size(g, m->name.len, m->tags.len));
	if (e == NULL)
		return NULL;
	memset(e, 0, fixed);
	e->hash = hash;
	e->group = g & 15u;
	e->style = m->tag_style & 15u;
	e->name_len = (uint16_t)m->name.len;
	e->tags_len = (uint16_t)m->tags.len;
	if (m->name.len > 0)
		memcpy((char *)e + fixed, m->name.ptr, m->name.len);
	if (m->tags.len > 0)
		memcpy((char *)e + fixed + m->name.len, m->tags.ptr,
		    m->tags.len);
	return e;
}

struct entry *
table_insert(struct table *t, const struct metric_record *m, uint32_t hash)
{
	return t->used >= t->max ? NULL : table_insert_reserved(t, m, hash);
}

struct entry *
table_insert_reserved(struct table *t, const struct metric_record *m,
    uint32_t hash)
{
	struct entry *e;

	if (t->used >= (t->mask + 1) / 3 * 2 && !resize(t, (t->mask + 1) * 2))
		return NULL;
	e = entry_new(t, m, hash);
	if (e == NULL)
		return NULL;
	e->swap = t->swaps - 1;
	place(t->slots, t->mask, e);
	t->used++;
	t->capped[0]++;
	return e;
}

void
table_cap(struct table *t, struct entry *e, uint8_t cap)
{
	t->capped[e->cap]--;
	e->cap = cap;
	t->capped[cap]++;
}

void
table_timers(struct table *t, bool sketch, double error, uint64_t max_bytes)
{
	t->sketch = sketch;
	t->sketch_error = error;
	t->sketch_bytes = max_bytes;
}

/* Make room for one more in an array of pointers. */
static bool
room(void *array, size_t n, size_t *cap)
{
	void **p = *(void ***)array;
	size_t more = *cap == 0 ? 256 : *cap * 2;

	if (n < *cap)
		return true;
	p = realloc(p, more * sizeof *p);
	if (p == NULL)
		return false;
	*(void ***)array = p;
	*cap = more;
	return true;
}

struct link *
table_link(struct table *t, struct entry *e, size_t len)
{
	struct half *h = &t->half[t->current];
	size_t need = link_size(len);
	struct link *l;

	if ((h->last_links == NULL ||
	    need > h->last_links->cap - h->last_links->used) &&
	    !add_chunk(h, need))
		return NULL;
	l = (void *)(h->last_links->bytes + h->last_links->used);
	h->last_links->used += need;
	l->entry = e;
	l->len = (uint32_t)len;
	return l;
}

/* A sketch as the table is told to make them now, empty. */
static bool
fresh_sketch(const struct table *t, struct timer_cell *c)
{
	if (c->sketch == NULL) {
		c->sketch = malloc(sizeof *c->sketch);
		if (c->sketch == NULL)
			return false;
	} else {
		sketch_fini(c->sketch);
	}
	sketch_init(c->sketch, t->sketch_error, t->sketch_bytes);
	return true;
}

static bool
sketch_more(const struct table *t, struct timer_cell *c, double value)
{
	if (c->sketch == NULL || (c->sketch->n == 0 &&
	    c->sketch->error != t->sketch_error))	/* after a reload */
		if (!fresh_sketch(t, c))
			return false;
	return sketch_add(c->sketch, value);
}

/* What has no room, or is past the bound. */
static __attribute__((noinline)) bool
timer_add_more(const struct table *t, struct timer_cell *c, double value,
    double count)
{
	if (t->sketch && c->samples.n >= TABLE_TIMER_SAMPLES) {
		if (!sketch_more(t, c, value))
			return false;
	} else if (!samples_add(&c->samples, value)) {
		return false;
	}
	c->count += count;
	return true;
}

static inline bool
timer_add(const struct table *t, struct timer_cell *c, double value,
    double count)
{
	if (t->sketch || c->samples.n == c->samples.cap)
		return timer_add_more(t, c, value, count);
	c->samples.v[c->samples.n++] = value;
	c->count += count;
	return true;
}

static bool
set_add(const struct table *t, struct member_set **cell, struct slice member)
{
	if (*cell == NULL) {
		*cell = malloc(sizeof **cell);
		if (*cell == NULL)
			return false;
		member_set_init(*cell, t->set_exact);
	}
	return member_set_add(*cell, member);
}

/* Many samples come at one time, and two spellings of a name are two entries:
 * which was last is to be known still.  A clock that was set back is believed. */
static int64_t
next_stamp(struct table *t, int64_t now_ns)
{
	if (now_ns <= t->stamp && t->stamp - now_ns < INT64_C(1000000000))
		now_ns = t->stamp + 1;
	return t->stamp = now_ns;
}

static void
gauge_add(struct table *t, struct gauge_cell *c,
    const struct metric_record *m, int64_t now_ns)
{
	if (m->type == METRIC_GAUGE_DELTA) {
		/* in the order in which they came, for the last digit's sake */
		*(c->stamp != 0 ? &c->set : &c->delta) += m->value;
		return;
	}
	c->set = m->value;
	c->delta = 0;
	c->stamp = next_stamp(t, now_ns);
}

static bool
value_add(struct table *t, struct entry *e, unsigned half,
    const struct metric_record *m, int64_t now_ns)
{
	double count = m->rate == 1 ? 1 : 1 / m->rate;

	switch ((enum table_group)e->group) {
	case GROUP_COUNTER:
		*entry_counter(e, half) += m->value * count;
		return true;
	case GROUP_TIMER:
		return timer_add(t, entry_timer(e, half), m->value, count);
	case GROUP_KV:
		return samples_add(&entry_timer(e, half)->samples, m->value);
	case GROUP_GAUGE:
		gauge_add(t, entry_gauge(e, half), m, now_ns);
		return true;
	case GROUP_SET:
		return set_add(t, entry_set(e, half), m->text);
	case GROUPS:
		break;
	}
	return false;
}

/* In the list of what this interval touched. */
static inline bool
touch(struct table *t, struct entry *e)
{
	struct half *h = &t->half[t->current];

	if (e->swap == t->swaps)
		return true;
	if (!dirty_add(t, h, e))
		return false;
	e->swap = t->swaps;
	return true;
}

bool
table_add(struct table *t, struct entry *e, const struct metric_record *m,
    enum record_source source, int64_t now_ns)
{
	if (!touch(t, e) || !value_add(t, e, t->current, m, now_ns))
		return false;
	t->half[t->current].samples[source]++;
	return true;
}

static size_t
add_counters(struct table *t, const struct table_run *run, const uint8_t *at,
    size_t n)
{
	size_t added = 0;

	for (size_t i = 0; i < n; i++) {
		const struct metric_record *m = &run->m[at[i]];
		struct entry *e = run->e[at[i]];
		double count = m->rate == 1 ? 1 : 1 / m->rate;

		if (!touch(t, e))
			continue;
		*entry_counter(e, t->current) += m->value * count;
		added++;
	}
	return added;
}

static size_t
add_timers(struct table *t, const struct table_run *run, const uint8_t *at,
    size_t n)
{
	size_t added = 0;

	for (size_t i = 0; i < n; i++) {
		const struct metric_record *m = &run->m[at[i]];
		struct entry *e = run->e[at[i]];

		added += touch(t, e) &&
		    timer_add(t, entry_timer(e, t->current), m->value,
		    m->rate == 1 ? 1 : 1 / m->rate);
	}
	return added;
}

static size_t
add_others(struct table *t, const struct table_run *run, const uint8_t *at,
    size_t n)
{
	size_t added = 0;

	for (size_t i = 0; i < n; i++)
		added += touch(t, run->e[at[i]]) && value_add(t, run->e[at[i]],
		    t->current, &run->m[at[i]], run->received_ns);
	return added;
}

/* Sorted by group first, without a branch: which group comes next is a thing
 * that no processor guesses, and a wrong guess costs more than the sample. */
size_t
table_run_add(struct table *t, const struct table_run *run)
{
	uint8_t at[GROUPS + 1][TABLE_RUN], count[GROUPS + 1] = { 0 };
	size_t added;

	assert(run->n <= TABLE_RUN);
	for (size_t i = 0; i < run->n; i++) {
		unsigned g = run->e[i] == NULL ? GROUPS : run->e[i]->group;

		at[g][count[g]++] = (uint8_t)i;
	}
	added = add_counters(t, run, at[GROUP_COUNTER], count[GROUP_COUNTER]);
	added += add_timers(t, run, at[GROUP_TIMER], count[GROUP_TIMER]);
	added += add_others(t, run, at[GROUP_GAUGE], count[GROUP_GAUGE]);
	added += add_others(t, run, at[GROUP_SET], count[GROUP_SET]);
	added += add_others(t, run, at[GROUP_KV], count[GROUP_KV]);
	t->half[t->current].samples[run->source] += added;
	return added;
}

struct half *
table_swap(struct table *t)
{
	struct half *full = &t->half[t->current];

	if (t->busy)
		return NULL;
	t->busy = true;
	t->current ^= 1;
	t->swaps++;
	return full;
}

/* The evicted become the dead, which are freed bit by bit. */
static void
take_dead(struct table *t, struct half *h)
{
	struct entry **old = t->dead;
	size_t cap = t->cap_dead;

	if (t->ndead > 0) {
		for (size_t i = 0; i < h->nevicted; i++)
			entry_free(t, h->evicted[i]);
		h->nevicted = 0;
		return;
	}
	t->dead = h->evicted;
	t->ndead = h->nevicted;
	t->cap_dead = h->cap_evicted;
	h->evicted = old;
	h->nevicted = 0;
	h->cap_evicted = cap;
}

void
table_half_back(struct table *t, struct half *h)
{
	assert(t->busy && h->index != t->current);
	links_free(h);
	dirty_back(t, h);
	take_dead(t, h);
	memset(h->samples, 0, sizeof h->samples);
	h->lines = h->bad = h->packets = h->overflow = 0;
	t->busy = false;
}

/* Close the gap at slot i so that probing never stops short. */
static void
slot_remove(struct table *t, size_t i)
{
	size_t j = i;

	for (;;) {
		size_t home;

		t->slots[i] = 0;
		do {
			j = (j + 1) & t->mask;
			if (t->slots[j] == 0)
				return;
			home = SLOT_ENTRY(t->slots[j])->hash & t->mask;
		} while (((j - home) & t->mask) < ((j - i) & t->mask));
		t->slots[i] = t->slots[j];
		i = j;
	}
}

static void
bury(struct table *t, size_t n)
{
	for (; n > 0 && t->ndead > 0; n--)
		entry_free(t, t->dead[--t->ndead]);
	if (t->ndead == 0 && t->cap_dead > FIRST_SLOTS) {
		free(t->dead);
		t->dead = NULL;
		t->cap_dead = 0;
	}
}

/* A table that was large once. */
static void
shrink(struct table *t)
{
	if (t->mask >= 16 * FIRST_SLOTS && t->used < (t->mask + 1) / 16)
		resize(t, (t->mask + 1) / 4);
}

void
table_sweep(struct table *t, size_t n, uint32_t idle)
{
	struct half *h = &t->half[t->current];

	assert(idle >= 3);
	if (n < (t->mask + 1) / PASSES)
		n = (t->mask + 1) / PASSES;
	bury(t, n);
	for (; n > 0 && t->used > 0; n--) {
		size_t i = t->hand & t->mask;
		struct entry *e = SLOT_ENTRY(t->slots[i]);

		__builtin_prefetch(SLOT_ENTRY(t->slots[(i + 16) & t->mask]));
		if (e == NULL || t->swaps - e->swap < idle) {
			t->hand++;
			continue;
		}
		if (!room(&h->evicted, h->nevicted, &h->cap_evicted))
			return;
		h->evicted[h->nevicted++] = e;
		t->capped[e->cap]--;
		slot_remove(t, i);	/* another may stand here now */
		t->used--;
	}
	shrink(t);
}
