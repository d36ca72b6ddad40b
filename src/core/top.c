/* top.c - counts of the most frequent prefixes. */
#include "config.h"

#include <string.h>

#include "base/hash.h"
#include "core/top.h"

void
top_init(struct top *t)
{
	pthread_mutex_init(&t->lock, NULL);
	t->used = 0;
}

void
top_fini(struct top *t)
{
	pthread_mutex_destroy(&t->lock);
}

static struct slice
prefix_of(struct slice name)
{
	size_t one, two;

	name = slice_upto(name, slice_find(name, ';'));
	one = slice_find(name, '.');
	if (one < name.len) {
		two = slice_find(slice_from(name, one + 1), '.');
		name = one + 1 + two < name.len ?
		    slice_upto(name, one + 1 + two) : slice_upto(name, one);
	}
	return slice_upto(name, TOP_NAME);
}

static void
rename_item(struct top_item *i, struct slice name, uint64_t hash)
{
	i->hash = hash;
	i->len = (uint8_t)name.len;
	if (name.len > 0)
		memcpy(i->name, name.ptr, name.len);
}

static struct top_item *
find(struct top *t, struct slice name, uint64_t hash)
{
	struct top_item *smallest = &t->item[0];

	for (unsigned i = 0; i < t->used; i++) {
		if (t->item[i].hash == hash)
			return &t->item[i];
		if (t->item[i].n < smallest->n)
			smallest = &t->item[i];
	}
	if (t->used < TOP_ITEMS) {
		smallest = &t->item[t->used++];
		smallest->n = 0;
	}
	smallest->error = smallest->n;
	rename_item(smallest, name, hash);
	return smallest;
}

void
top_add(struct top *t, struct slice name, uint64_t n)
{
	struct slice prefix = prefix_of(name);
	uint64_t hash = hash_slice(prefix);

	pthread_mutex_lock(&t->lock);
	find(t, prefix, hash)->n += n;
	pthread_mutex_unlock(&t->lock);
}

unsigned
top_read(struct top *t, struct top_item out[TOP_ITEMS])
{
	unsigned n;

	pthread_mutex_lock(&t->lock);
	n = t->used;
	memcpy(out, t->item, n * sizeof out[0]);
	pthread_mutex_unlock(&t->lock);
	return n;
}
