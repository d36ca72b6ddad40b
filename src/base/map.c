/* map.c - entries in a row in the order they came, and an index into them.
 *
 * The index is a power of two of slots, probed in line from the hash's low
 * bits.  A slot holds the entry's number plus one (0: free) and 32 other bits
 * of the hash, so that a look-up touches an entry only when it is the one.
 * Taking an entry out moves later slots of its run back, so there are no dead
 * slots; in the row it leaves a gap (key NULL), which closes when the row is
 * next full or mostly gaps. */
#include "config.h"

#include <assert.h>
#include <errno.h>
#include <stdlib.h>

#include "base/hash.h"
#include "base/map.h"
#include "compat.h"

struct key {
	size_t len;
	char bytes[];
};

struct entry {
	uint64_t hash;
	struct key *key;	/* NULL: a gap */
	void *value;
};

struct slot {
	uint32_t tag;
	uint32_t at;		/* entry + 1; 0: free */
};

struct map {
	struct entry *entries;
	struct slot *slots;
	size_t nslots;		/* a power of two, or 0 before the first put */
	size_t used, cap;	/* of the row, gaps included */
	size_t len, max;
	size_t key_bytes;
};

#define FIRST_SLOTS 16

/* How many entries a table of so many slots may have. */
static size_t
capacity(size_t nslots)
{
	return nslots / 3 * 2;
}

static uint32_t
tag_of(uint64_t hash)
{
	return (uint32_t)(hash >> 32);
}

struct map *
map_new(size_t max)
{
	struct map *m;

	assert(max > 0 && max <= (size_t)1 << 30);
	m = calloc(1, sizeof *m);
	if (m != NULL)
		m->max = max;
	return m;
}

void
map_clear(struct map *m, void (*free_value)(void *value))
{
	size_t i;

	for (i = 0; i < m->used; i++) {
		if (m->entries[i].key == NULL)
			continue;
		if (free_value != NULL)
			free_value(m->entries[i].value);
		free(m->entries[i].key);
	}
	free(m->entries);
	free(m->slots);
	*m = (struct map){ .max = m->max };
}

void
map_free(struct map *m, void (*free_value)(void *value))
{
	if (m == NULL)
		return;
	map_clear(m, free_value);
	free(m);
}

size_t
map_len(const struct map *m)
{
	return m->len;
}

size_t
map_bytes(const struct map *m)
{
	return sizeof *m + m->nslots * sizeof *m->slots +
	    m->cap * sizeof *m->entries + m->key_bytes;
}

/* The slot of a key, or NULL. */
static struct slot *
find(const struct map *m, struct slice key, uint64_t hash)
{
	size_t mask = m->nslots - 1;
	size_t i;

	if (m->len == 0)
		return NULL;
	for (i = hash & mask; m->slots[i].at != 0; i = (i + 1) & mask) {
		const struct key *k;

		if (m->slots[i].tag != tag_of(hash))
			continue;
		k = m->entries[m->slots[i].at - 1].key;
		if (k->len == key.len &&
		    (key.len == 0 || memcmp(k->bytes, key.ptr, key.len) == 0))
			return &m->slots[i];
	}
	return NULL;
}

void *
map_get_hashed(const struct map *m, struct slice key, uint64_t hash)
{
	const struct slot *s = find(m, key, hash);

	return s == NULL ? NULL : m->entries[s->at - 1].value;
}

void *
map_get(const struct map *m, struct slice key)
{
	return map_get_hashed(m, key, hash_slice(key));
}

struct slice
map_key(const struct map *m, struct slice key)
{
	const struct slot *s = find(m, key, hash_slice(key));
	const struct key *k;

	if (s == NULL)
		return (struct slice){ NULL, 0 };
	k = m->entries[s->at - 1].key;
	return slice_of(k->bytes, k->len);
}

static void
index_entry(struct map *m, size_t at)
{
	size_t mask = m->nslots - 1;
	size_t i = m->entries[at].hash & mask;

	while (m->slots[i].at != 0)
		i = (i + 1) & mask;
	m->slots[i].tag = tag_of(m->entries[at].hash);
	m->slots[i].at = (uint32_t)(at + 1);
}

static void
close_gaps(struct map *m)
{
	size_t i, to = 0;

	for (i = 0; i < m->used; i++)
		if (m->entries[i].key != NULL)
			m->entries[to++] = m->entries[i];
	m->used = to;
}

/* Close the gaps and index all anew in nslots slots; false: no memory. */
static bool
rebuild(struct map *m, size_t nslots)
{
	struct slot *slots = calloc(nslots, sizeof *slots);
	size_t i;

	if (slots == NULL)
		return false;
	close_gaps(m);
	free(m->slots);
	m->slots = slots;
	m->nslots = nslots;
	for (i = 0; i < m->used; i++)
		index_entry(m, i);
	return true;
}

/* Room for one more entry in the row and the index. */
static bool
make_room(struct map *m)
{
	size_t cap;
	struct entry *p;

	if (m->len + 1 > capacity(m->nslots) &&
	    !rebuild(m, m->nslots == 0 ? FIRST_SLOTS : m->nslots * 2))
		return false;
	if (m->used < m->cap)
		return true;
	if (m->len <= m->used - m->used / 4 && m->used > 0)
		return rebuild(m, m->nslots);
	cap = m->cap == 0 ? capacity(FIRST_SLOTS) : m->cap + m->cap / 2;
	if (cap > m->max + m->max / 3 + 1)
		cap = m->max + m->max / 3 + 1;
	p = reallocarray(m->entries, cap, sizeof *p);
	if (p == NULL)
		return false;
	m->entries = p;
	m->cap = cap;
	return true;
}

bool
map_put_hashed(struct map *m, struct slice key, uint64_t hash, void *value,
    void **old)
{
	struct slot *s = find(m, key, hash);
	struct key *k;

	assert(value != NULL);
	if (old != NULL)
		*old = s == NULL ? NULL : m->entries[s->at - 1].value;
	if (s != NULL) {
		m->entries[s->at - 1].value = value;
		return true;
	}
	if (m->len >= m->max) {
		errno = ENOSPC;
		return false;
	}
	k = malloc(sizeof *k + key.len);
	if (k == NULL || !make_room(m)) {
		free(k);
		errno = ENOMEM;
		return false;
	}
	k->len = key.len;
	if (key.len > 0)
		memcpy(k->bytes, key.ptr, key.len);
	m->entries[m->used] = (struct entry){ hash, k, value };
	index_entry(m, m->used++);
	m->len++;
	m->key_bytes += sizeof *k + key.len;
	return true;
}

bool
map_put(struct map *m, struct slice key, void *value, void **old)
{
	return map_put_hashed(m, key, hash_slice(key), value, old);
}

/* Free slot i: what follows it in its run and may stand there moves back. */
static void
unindex(struct map *m, size_t i)
{
	size_t mask = m->nslots - 1;
	size_t j = i;

	for (;;) {
		size_t home;

		j = (j + 1) & mask;
		if (m->slots[j].at == 0)
			break;
		home = m->entries[m->slots[j].at - 1].hash & mask;
		/* as far from home as the hole is from j, at least */
		if (((j - home) & mask) >= ((j - i) & mask)) {
			m->slots[i] = m->slots[j];
			i = j;
		}
	}
	m->slots[i].at = 0;
}

void *
map_del(struct map *m, struct slice key)
{
	struct slot *s = find(m, key, hash_slice(key));
	struct entry *e;
	void *value;

	if (s == NULL)
		return NULL;
	e = &m->entries[s->at - 1];
	unindex(m, (size_t)(s - m->slots));
	value = e->value;
	m->key_bytes -= sizeof *e->key + e->key->len;
	free(e->key);	/* the caller's key may be this one: last use above */
	*e = (struct entry){ 0 };
	m->len--;
	while (m->used > 0 && m->entries[m->used - 1].key == NULL)
		m->used--;
	return value;
}

bool
map_next(const struct map *m, size_t *pos, struct slice *key, void **value)
{
	while (*pos < m->used) {
		const struct entry *e = &m->entries[(*pos)++];

		if (e->key == NULL)
			continue;
		if (key != NULL)
			*key = slice_of(e->key->bytes, e->key->len);
		if (value != NULL)
			*value = e->value;
		return true;
	}
	return false;
}
