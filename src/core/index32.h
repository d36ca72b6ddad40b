/* index32.h - a hash index of 32-bit ids, for tables that hold the things
 * themselves elsewhere.
 *
 * Four bytes a slot, open addressing, at most 7/8 full.  It keeps no hashes:
 * the owner knows the hash of an id (hash_of) and says which id is meant while
 * it looks:
 *
 *	at = index32_start(ix, hash);
 *	while ((id = index32_next(ix, &at)) != INDEX32_NONE)
 *		if (mine(id))
 *			break;
 */
#ifndef MILLRACE_CORE_INDEX32_H
#define MILLRACE_CORE_INDEX32_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#define INDEX32_NONE UINT32_MAX

typedef uint32_t index32_hash_of(const void *owner, uint32_t id);

/* All zeros is an empty index that owns nothing. */
struct index32 {
	uint32_t *slots;	/* id + 1; 0: empty */
	uint32_t mask, used;	/* mask + 1 slots when slots is not NULL */
};

void index32_fini(struct index32 *ix);
/* Forget all ids; keeps the memory. */
void index32_clear(struct index32 *ix);
/* Bytes of memory held. */
size_t index32_bytes(const struct index32 *ix);

static inline uint32_t
index32_start(const struct index32 *ix, uint32_t hash)
{
	return hash & ix->mask;
}

static inline uint32_t
index32_next(const struct index32 *ix, uint32_t *at)
{
	uint32_t id;

	if (ix->slots == NULL)
		return INDEX32_NONE;
	id = ix->slots[*at] - 1;
	*at = (*at + 1) & ix->mask;
	return id;
}

/* Put an id that is not in it.  owner already knows its hash.  false when
 * there is no memory. */
bool index32_put(struct index32 *ix, uint32_t id, uint32_t hash,
    index32_hash_of *hash_of, const void *owner);
/* Take out an id that is in it. */
void index32_del(struct index32 *ix, uint32_t id, uint32_t hash,
    index32_hash_of *hash_of, const void *owner);

#endif
