/* merged_timed.c - samples with a time of their own, until the next flush.
 *
 * They are not of the running interval, so they are not added to its figures:
 * each name and second is a point for itself.  What is said twice of one second
 * within an interval is one point: counters add up, of gauges the last holds. */
#include "config.h"

#include <stdlib.h>

#include "base/hash.h"
#include "core/merged_parts.h"

static uint32_t
hash_of(enum merged_group group, struct slice name, int64_t time_s)
{
	uint64_t h = hash_slice(name) ^ (uint64_t)time_s *
	    UINT64_C(0x9e3779b97f4a7c15) ^ group;

	return (uint32_t)(h ^ h >> 32);
}

static uint32_t
hash_at(const void *owner, uint32_t id)
{
	return ((const struct merged *)owner)->timed[id].hash;
}

static struct timed_point *
find(const struct merged *m, enum merged_group group, struct slice name,
    int64_t time_s, uint32_t hash)
{
	uint32_t at = index32_start(&m->timed_index, hash), id;

	while ((id = index32_next(&m->timed_index, &at)) != INDEX32_NONE) {
		struct timed_point *t = &m->timed[id];

		if (t->hash == hash && t->group == group &&
		    t->time_s == time_s &&
		    slice_eq(slice_of(t->name, t->name_len), name))
			return t;
	}
	return NULL;
}

static bool
room(struct merged *m)
{
	uint32_t cap = m->cap_timed == 0 ? 64 : m->cap_timed * 2;
	struct timed_point *v;

	if (m->ntimed < m->cap_timed)
		return true;
	v = realloc(m->timed, cap * sizeof *v);
	if (v == NULL)
		return false;
	m->timed = v;
	m->cap_timed = cap;
	return true;
}

enum reason
merged_timed(struct merged *m, enum merged_group group, struct slice name,
    uint64_t dest_mask, double value, int64_t time_s)
{
	uint32_t hash = hash_of(group, name, time_s);
	struct timed_point *t = find(m, group, name, time_s, hash);

	if (t != NULL) {
		t->value = group == MERGED_COUNTER ? t->value + value : value;
		return REASON_NONE;
	}
	if (m->ntimed >= MERGED_MAX_TIMED || name.len > MERGED_MAX_NAME ||
	    m->timed_bytes + name.len > MERGED_MAX_TIMED_BYTES)
		return REASON_CARDINALITY;
	if (!room(m))
		return REASON_NO_MEMORY;
	t = &m->timed[m->ntimed];
	*t = (struct timed_point){ .name = slice_dup(name),
	    .dest_mask = dest_mask, .value = value, .time_s = time_s,
	    .hash = hash, .name_len = (uint16_t)name.len,
	    .group = (uint8_t)group };
	if (t->name == NULL)
		return REASON_NO_MEMORY;
	if (!index32_put(&m->timed_index, m->ntimed, hash, hash_at, m)) {
		free(t->name);
		return REASON_NO_MEMORY;
	}
	m->ntimed++;
	m->timed_bytes += name.len;
	return REASON_NONE;
}

void
merged_timed_clear(struct merged *m)
{
	for (uint32_t i = 0; i < m->ntimed; i++)
		free(m->timed[i].name);
	free(m->timed);
	m->timed = NULL;
	m->ntimed = m->cap_timed = 0;
	m->timed_bytes = 0;
	index32_fini(&m->timed_index);
	memset(&m->timed_index, 0, sizeof m->timed_index);
}
