/* merged_parts.h - how the merged state is laid out, for the files that make
 * it up (merged*.c).  Everybody else sees merged.h.
 *
 * Keys are 64 bytes in slabs and are known by a 32-bit id; names lie in a pool
 * beside them; one index of ids finds them by hash.  Present keys hang in a
 * list per class and group, integer-like names in one of their own: the order
 * of a JavaScript object. */
#ifndef MILLRACE_CORE_MERGED_PARTS_H
#define MILLRACE_CORE_MERGED_PARTS_H

#include "core/flush_plan.h"
#include "core/index32.h"
#include "core/member_set.h"
#include "core/merged.h"
#include "core/pool.h"
#include "core/sketch.h"

#define SLAB_BITS 12
#define SLAB_KEYS (1u << SLAB_BITS)
#define SLAB_BYTES (SLAB_KEYS * sizeof(struct merged_key))
#define NO_KEY UINT32_MAX

enum key_flag {
	KEY_PRESENT = 1 << 0,
	KEY_INTEGER = 1 << 1,	/* an array index to JavaScript */
	KEY_KEPT = 1 << 2,	/* counter that idle deletion spares */
	KEY_LASTING = 1 << 3,	/* gauge that idle deletion spares */
	KEY_FLUSHED = 1 << 4,	/* was printed at least once */
	KEY_SET_NOW = 1 << 5	/* gauge set in the running interval */
};

struct merged_timer {
	struct samples samples;
	double true_count;
	struct sketch *sketch;
	/* for the Prometheus page: */
	double total_sum, total_count;
	double *quantiles;	/* of each percentile, then the median */
	uint32_t nquantiles;
	uint32_t last_flush;	/* flush that had samples */
};

struct merged_members {
	struct member_set set;
	double last;		/* its size at the last flush */
	uint32_t last_flush;
};

struct merged_key {
	char *name;
	union {
		struct {
			double value, total;
		} counter;
		struct {
			double value, delta;
			uint64_t stamp;
		} gauge;
		struct merged_timer *timer;	/* NULL until data */
		struct merged_members *members;	/* the same */
		struct samples kv;
	};
	uint64_t dest_mask;
	uint32_t hash;
	uint32_t next;		/* in its list, or in the list of free keys */
	uint32_t self;
	uint32_t links;
	uint16_t name_len;
	uint16_t ttl;		/* gauge: flushes left */
	uint8_t class_;
	uint8_t group;
	uint8_t flags;
};

struct key_list {
	uint32_t head, tail;
	uint32_t n;
};

struct class_state {
	struct key_list others[MERGED_GROUPS], integers[MERGED_GROUPS];
	bool unsorted[MERGED_GROUPS];	/* the integers */
	uint32_t flushes;
};

struct timed_point {
	char *name;
	uint64_t dest_mask;
	double value;
	int64_t time_s;
	uint32_t hash;
	uint16_t name_len;
	uint8_t group;
};

/* Keys by id; gone while nothing is in it, but for one. */
struct key_slab {
	struct merged_key *keys;	/* or NULL */
	uint32_t free;			/* those that came back, a list, or NO_KEY */
	uint16_t live, top;		/* in use; from top on never used */
};

struct merged {
	struct flush_plan *plan;
	struct key_slab *slabs;
	uint32_t nslabs, cap_slabs;
	uint32_t room;			/* no slab before this one has any */
	uint32_t empty;			/* a slab that nothing is in, or NO_KEY */
	uint32_t nkeys;
	struct index32 index;
	struct pool names;
	struct class_state classes[MERGED_MAX_CLASSES];
	uint64_t present[MERGED_GROUPS];
	struct merged_key *bad_lines, *packets, *metrics;	/* linked */
	struct merged_key *lag;		/* linked; NULL before the 2nd flush */
	int64_t last_ts;		/* 0: there was no flush */
	struct merged_stats stats;
	struct timed_point *timed;	/* until the next flush of class 0 */
	uint32_t ntimed, cap_timed;
	size_t timed_bytes;
	struct index32 timed_index;
	/* scratch of the flush */
	double *scratch;
	size_t cap_scratch;
	char *line;
	size_t cap_line;
};

void merged_timed_clear(struct merged *m);

static inline struct merged_key *
key_of(const struct merged *m, uint32_t id)
{
	return &m->slabs[id >> SLAB_BITS].keys[id & (SLAB_KEYS - 1)];
}

static inline struct slice
key_name(const struct merged_key *k)
{
	return slice_of(k->name, k->name_len);
}

static inline double
gauge_now(const struct merged_key *k)
{
	double v = k->gauge.value;

	if (k->gauge.delta == 0)
		return v;
	return (v != v ? 0 : v) + k->gauge.delta;
}

/* Room for n doubles at m->scratch. */
bool merged_scratch(struct merged *m, size_t n);
/* Visit all keys, present and absent, in no order: begin with 0. */
struct merged_key *merged_any(const struct merged *m, uint32_t *id);
/* Visit the present keys of a group in the lists of classes class_ to last, in
 * order within each: begin with a cursor of zeros but for those two.  A key whose
 * class was changed stands in the list of its old one until that is flushed. */
struct key_cursor {
	unsigned class_, last;
	unsigned list;			/* 0: integers, 1: the others */
	struct key_list *l;		/* the one that we are in, or NULL */
	uint32_t before, id;
	bool taken;			/* id is the one after a key taken out */
};
struct merged_key *merged_each(struct merged *m, enum merged_group group,
    struct key_cursor *c);
/* Take the key that was visited last out of its list. */
void merged_take(struct merged *m, struct key_cursor *c);
/* Bring the integers of a class and group into ascending order. */
void merged_sort_integers(struct merged *m, unsigned class_,
    enum merged_group group);
/* k has been taken out of its list: forget its figures, and free it unless
 * somebody links to it. */
void merged_absent(struct merged *m, struct merged_key *k);
/* Put k at the end of the list it belongs to. */
void merged_append(struct merged *m, struct merged_key *k);
void merged_appear(struct merged *m, struct merged_key *k);

#endif
