/* index32.c - a hash index of 32-bit ids.
 *
 * Linear probing; taking out moves the followers up instead of leaving graves,
 * so that a table whose names come and go does not silt up. */
#include "config.h"

#include <assert.h>
#include <stdlib.h>
#include <string.h>

#include "base/mapped.h"
#include "core/index32.h"

#define SMALLEST 16
#define LARGE 65536		/* slots: not malloc's */

static uint32_t *
slots_new(size_t n)
{
	return n >= LARGE ? mapped_new(n * sizeof(uint32_t)) :
	    calloc(n, sizeof(uint32_t));
}

static void
slots_free(struct index32 *ix)
{
	if (ix->slots != NULL && (size_t)ix->mask + 1 >= LARGE)
		mapped_free(ix->slots, index32_bytes(ix));
	else
		free(ix->slots);
}

void
index32_fini(struct index32 *ix)
{
	slots_free(ix);
	*ix = (struct index32){ 0 };
}

void
index32_clear(struct index32 *ix)
{
	if (ix->slots != NULL)
		memset(ix->slots, 0, index32_bytes(ix));
	ix->used = 0;
}

size_t
index32_bytes(const struct index32 *ix)
{
	return ix->slots == NULL ? 0 :
	    ((size_t)ix->mask + 1) * sizeof *ix->slots;
}

static void
place(uint32_t *slots, uint32_t mask, uint32_t id, uint32_t hash)
{
	uint32_t at = hash & mask;

	while (slots[at] != 0)
		at = (at + 1) & mask;
	slots[at] = id + 1;
}

/* Have n slots. */
static bool
resize(struct index32 *ix, size_t n, index32_hash_of *hash_of,
    const void *owner)
{
	uint32_t *slots, i;

	if (n > (size_t)1 << 31 || (slots = slots_new(n)) == NULL)
		return false;
	if (ix->slots != NULL) {
		for (i = 0; i <= ix->mask; i++) {
			if (ix->slots[i] == 0)
				continue;
			place(slots, (uint32_t)(n - 1), ix->slots[i] - 1,
			    hash_of(owner, ix->slots[i] - 1));
		}
		slots_free(ix);
	}
	ix->slots = slots;
	ix->mask = (uint32_t)(n - 1);
	return true;
}

bool
index32_put(struct index32 *ix, uint32_t id, uint32_t hash,
    index32_hash_of *hash_of, const void *owner)
{
	size_t slots = ix->slots == NULL ? 0 : (size_t)ix->mask + 1;

	if (ix->used + 1 > slots - slots / 8 &&
	    !resize(ix, slots == 0 ? SMALLEST : slots * 2, hash_of, owner))
		return false;
	place(ix->slots, ix->mask, id, hash);
	ix->used++;
	return true;
}

void
index32_del(struct index32 *ix, uint32_t id, uint32_t hash,
    index32_hash_of *hash_of, const void *owner)
{
	uint32_t hole = hash & ix->mask, at, home;

	assert(ix->slots != NULL);
	while (ix->slots[hole] != id + 1) {
		assert(ix->slots[hole] != 0);
		hole = (hole + 1) & ix->mask;
	}
	ix->used--;
	for (at = hole;;) {
		at = (at + 1) & ix->mask;
		if (ix->slots[at] == 0)
			break;
		home = hash_of(owner, ix->slots[at] - 1) & ix->mask;
		/* it may move up only if its home is not behind the hole */
		if (((at - home) & ix->mask) >= ((at - hole) & ix->mask)) {
			ix->slots[hole] = ix->slots[at];
			hole = at;
		}
	}
	ix->slots[hole] = 0;
	if (ix->mask >= LARGE && ix->used < (ix->mask + 1) / 16)
		resize(ix, (ix->mask + 1) / 4, hash_of, owner);
}
