/* map.h - a hash map from bytes to a pointer, with a maximum.
 *
 * It owns copies of its keys and nothing else.  Entries are visited in the
 * order in which they were put.  At most `max` entries; after that a new key
 * is refused, which is the caller's to count. */
#ifndef MILLRACE_BASE_MAP_H
#define MILLRACE_BASE_MAP_H

#include <stdint.h>

#include "base/slice.h"

struct map;

/* max: 1 .. 2^30.  NULL: no memory. */
struct map *map_new(size_t max);
/* free_value, if any, is called with each value. */
void map_free(struct map *m, void (*free_value)(void *value));

size_t map_len(const struct map *m);
/* Bytes of memory held, keys included. */
size_t map_bytes(const struct map *m);

/* The value, or NULL. */
void *map_get(const struct map *m, struct slice key);
/* The same when hash_slice(key) is already known. */
void *map_get_hashed(const struct map *m, struct slice key, uint64_t hash);
/* Set the value (not NULL) of a key.  An older value is handed out through
 * *old when old is not NULL, which is else set to NULL.  False, nothing
 * changed: the map is full (errno ENOSPC), or there is no memory (ENOMEM). */
bool map_put(struct map *m, struct slice key, void *value, void **old);
bool map_put_hashed(struct map *m, struct slice key, uint64_t hash,
    void *value, void **old);
/* Take a key out; gives its value, or NULL when it was not there. */
void *map_del(struct map *m, struct slice key);
void map_clear(struct map *m, void (*free_value)(void *value));

/* Visit all entries: begin with *pos 0; false at the end.  The key is borrowed
 * until it is deleted.  Between calls entries may be deleted, also the one just
 * seen, and values replaced, but no new key put. */
bool map_next(const struct map *m, size_t *pos, struct slice *key,
    void **value);
/* The copy the map holds of a key it has (lives as long as the entry), or a
 * slice with ptr NULL. */
struct slice map_key(const struct map *m, struct slice key);

#endif
