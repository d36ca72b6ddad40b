/* merged.c - names, their keys, and what is added to them. */
#include "config.h"

#include <assert.h>
#include <math.h>
#include <stdlib.h>

#include "base/hash.h"
#include "base/mapped.h"
#include "conf/conf.h"
#include "core/merged_parts.h"

/* A user's counter that has one of these anywhere in it is spared, too. */
static const char *const kept_names[] = {
	"packets_received", "metrics_received", "bad_lines_seen"
};

static bool
is_kept(struct slice name)
{
	size_t i;

	for (i = 0; i < 3; i++)
		if (memmem(name.ptr, name.len, kept_names[i],
		    strlen(kept_names[i])) != NULL)
			return true;
	return false;
}

/* The array index that a name is to JavaScript: 0 .. 2^32 - 2 in canonical
 * decimal. */
static bool
array_index(struct slice s, uint32_t *v)
{
	uint64_t x = 0;
	size_t i;

	if (s.len == 0 || s.len > 10 || (s.len > 1 && s.ptr[0] == '0'))
		return false;
	for (i = 0; i < s.len; i++) {
		if (s.ptr[i] < '0' || s.ptr[i] > '9')
			return false;
		x = x * 10 + (unsigned)(s.ptr[i] - '0');
	}
	if (x >= UINT32_MAX)
		return false;
	*v = (uint32_t)x;
	return true;
}

/* ---- lists ---- */

static struct key_list *
list_of(struct merged *m, const struct merged_key *k)
{
	struct class_state *c = &m->classes[k->class_];

	return k->flags & KEY_INTEGER ? &c->integers[k->group] :
	    &c->others[k->group];
}

void
merged_append(struct merged *m, struct merged_key *k)
{
	struct key_list *l = list_of(m, k);

	k->next = NO_KEY;
	if (l->head == NO_KEY)
		l->head = k->self;
	else
		key_of(m, l->tail)->next = k->self;
	l->tail = k->self;
	l->n++;
	if (k->flags & KEY_INTEGER)
		m->classes[k->class_].unsorted[k->group] = true;
}

static int
compare_u64(const void *a, const void *b)
{
	uint64_t x, y;

	memcpy(&x, a, sizeof x);
	memcpy(&y, b, sizeof y);
	return (x > y) - (x < y);
}

void
merged_sort_integers(struct merged *m, unsigned class_, enum merged_group group)
{
	struct class_state *c = &m->classes[class_];
	struct key_list *l = &c->integers[group];
	uint64_t *order;
	uint32_t id, n = 0, v = 0, i;

	if (!c->unsorted[group])
		return;
	if (l->n < 2 || (order = malloc(l->n * sizeof *order)) == NULL)
		return;		/* without memory they stay as they came */
	for (id = l->head; id != NO_KEY; id = key_of(m, id)->next) {
		array_index(key_name(key_of(m, id)), &v);
		order[n++] = (uint64_t)v << 32 | id;
	}
	qsort(order, n, sizeof *order, compare_u64);
	for (i = 0; i < n; i++)
		key_of(m, (uint32_t)order[i])->next =
		    i + 1 < n ? (uint32_t)order[i + 1] : NO_KEY;
	l->head = (uint32_t)order[0];
	l->tail = (uint32_t)order[n - 1];
	c->unsorted[group] = false;
	free(order);
}

static void
open_list(struct merged *m, enum merged_group group, struct key_cursor *c)
{
	struct class_state *s = &m->classes[c->class_];

	if (c->list == 0)
		merged_sort_integers(m, c->class_, group);
	c->l = c->list == 0 ? &s->integers[group] : &s->others[group];
	c->before = NO_KEY;
	c->id = c->l->head;
	c->taken = true;	/* there is none to step over */
}

struct merged_key *
merged_each(struct merged *m, enum merged_group group, struct key_cursor *c)
{
	for (; c->class_ <= c->last; c->class_++, c->list = 0) {
		for (; c->list < 2; c->list++, c->l = NULL) {
			if (c->l == NULL)
				open_list(m, group, c);
			if (!c->taken) {
				c->before = c->id;
				c->id = key_of(m, c->id)->next;
			}
			c->taken = false;
			if (c->id != NO_KEY)
				return key_of(m, c->id);
		}
	}
	return NULL;
}

void
merged_take(struct merged *m, struct key_cursor *c)
{
	uint32_t id = c->id, next = key_of(m, id)->next;

	assert(!c->taken);
	if (c->before == NO_KEY)
		c->l->head = next;
	else
		key_of(m, c->before)->next = next;
	if (c->l->tail == id)
		c->l->tail = c->before;
	c->l->n--;
	c->id = next;
	c->taken = true;
}

/* ---- keys ---- */

static uint32_t
hash_name(enum merged_group group, struct slice name)
{
	return (uint32_t)hash_slice(name) + (uint32_t)group * 0x9e3779b1u;
}

static uint32_t
hash_of(const void *owner, uint32_t id)
{
	return key_of(owner, id)->hash;
}

static struct merged_key *
find(const struct merged *m, enum merged_group group, struct slice name,
    uint32_t hash)
{
	uint32_t at = index32_start(&m->index, hash), id;
	struct merged_key *k;

	while ((id = index32_next(&m->index, &at)) != INDEX32_NONE) {
		k = key_of(m, id);
		if (k->hash == hash && k->group == group &&
		    slice_eq(key_name(k), name))
			return k;
	}
	return NULL;
}

struct merged_key *
merged_any(const struct merged *m, uint32_t *id)
{
	const struct key_slab *s;
	struct merged_key *k;

	for (; *id >> SLAB_BITS < m->nslabs; ++*id) {
		s = &m->slabs[*id >> SLAB_BITS];
		if ((*id & (SLAB_KEYS - 1)) >= s->top) {
			*id |= SLAB_KEYS - 1;
			continue;
		}
		k = key_of(m, (*id)++);
		if (k->group < MERGED_GROUPS)
			return k;
		--*id;
	}
	return NULL;
}

static bool
one_more_slab(struct merged *m)
{
	struct key_slab *slabs;
	uint32_t cap;

	if (m->nslabs == m->cap_slabs) {
		cap = m->cap_slabs == 0 ? 16 : m->cap_slabs * 2;
		if ((slabs = realloc(m->slabs, cap * sizeof *slabs)) == NULL)
			return false;
		m->slabs = slabs;
		m->cap_slabs = cap;
	}
	m->slabs[m->nslabs++] = (struct key_slab){ .free = NO_KEY };
	return true;
}

/* The first slab with room, or NULL when there is no memory. */
static struct key_slab *
slab_with_room(struct merged *m)
{
	struct key_slab *s;

	while (m->room < m->nslabs && m->slabs[m->room].live == SLAB_KEYS)
		m->room++;
	if (m->room == m->nslabs && !one_more_slab(m))
		return NULL;
	s = &m->slabs[m->room];
	if (s->keys == NULL)
		s->keys = mapped_new(SLAB_BYTES);
	if (m->empty == m->room)
		m->empty = NO_KEY;
	return s->keys == NULL ? NULL : s;
}

static struct merged_key *
take_key(struct merged *m)
{
	struct key_slab *s = slab_with_room(m);
	struct merged_key *k;
	uint32_t id;

	if (s == NULL)
		return NULL;
	if (s->free != NO_KEY) {
		id = s->free;
		s->free = key_of(m, id)->next;
	} else {
		id = m->room << SLAB_BITS | s->top++;
	}
	s->live++;
	k = key_of(m, id);
	memset(k, 0, sizeof *k);
	k->self = id;
	k->next = NO_KEY;
	return k;
}

/* Nothing is in it: the empty one of before goes, this one may be used soon. */
static void
slab_emptied(struct merged *m, uint32_t slab)
{
	uint32_t old = m->empty;

	m->slabs[slab].free = NO_KEY;
	m->slabs[slab].top = 0;
	m->empty = slab;
	if (old != NO_KEY && mapped_free(m->slabs[old].keys, SLAB_BYTES))
		m->slabs[old].keys = NULL;
}

static void
give_key(struct merged *m, struct merged_key *k)
{
	uint32_t slab = k->self >> SLAB_BITS;
	struct key_slab *s = &m->slabs[slab];

	k->group = MERGED_GROUPS;	/* in use no more */
	k->flags = 0;
	k->next = s->free;
	s->free = k->self;
	if (slab < m->room)
		m->room = slab;
	if (--s->live == 0)
		slab_emptied(m, slab);
}

static void
drop_timer(struct merged_timer *t)
{
	if (t == NULL)
		return;
	samples_fini(&t->samples);
	if (t->sketch != NULL)
		sketch_fini(t->sketch);
	free(t->sketch);
	free(t->quantiles);
	free(t);
}

/* Free what a key holds besides itself and its name. */
static void
drop_figures(struct merged_key *k)
{
	switch ((enum merged_group)k->group) {
	case MERGED_TIMER:
		drop_timer(k->timer);
		break;
	case MERGED_SET:
		if (k->members != NULL)
			member_set_fini(&k->members->set);
		free(k->members);
		break;
	case MERGED_KV:
		samples_fini(&k->kv);
		break;
	default:
		break;
	}
}

static void
free_key(struct merged *m, struct merged_key *k)
{
	index32_del(&m->index, k->self, k->hash, hash_of, m);
	drop_figures(k);
	pool_put(&m->names, k->name, k->name_len);
	m->nkeys--;
	give_key(m, k);
}

static struct merged_key *
make(struct merged *m, enum merged_group group, struct slice name,
    uint32_t hash)
{
	struct merged_key *k = take_key(m);
	uint32_t v;

	if (k == NULL)
		return NULL;
	k->hash = hash;
	k->group = (uint8_t)group;
	k->name_len = (uint16_t)name.len;
	if ((k->name = pool_get(&m->names, name.len)) == NULL)
		goto no_name;
	if (name.len > 0)
		memcpy(k->name, name.ptr, name.len);
	if (!index32_put(&m->index, k->self, hash, hash_of, m))
		goto no_slot;
	if (array_index(name, &v))
		k->flags |= KEY_INTEGER;
	if (group == MERGED_COUNTER && is_kept(name))
		k->flags |= KEY_KEPT;
	m->nkeys++;
	return k;

no_slot:
	pool_put(&m->names, k->name, name.len);
no_name:
	give_key(m, k);
	return NULL;
}

static struct merged_key *
get(struct merged *m, enum merged_group group, struct slice name,
    uint64_t dest_mask, unsigned class_, uint64_t cap)
{
	uint32_t hash = hash_name(group, name);
	struct merged_key *k = find(m, group, name, hash);

	assert(group < MERGED_GROUPS);
	if (class_ >= m->plan->nclasses)
		class_ = 0;
	if (k == NULL) {
		if (m->nkeys >= cap || name.len > MERGED_MAX_NAME) {
			m->stats.refused_names++;
			return NULL;
		}
		if ((k = make(m, group, name, hash)) == NULL)
			return NULL;
	}
	k->class_ = (uint8_t)class_;
	k->dest_mask = dest_mask;
	return k;
}

struct merged_key *
merged_get(struct merged *m, enum merged_group group, struct slice name,
    uint64_t dest_mask, unsigned class_)
{
	return get(m, group, name, dest_mask, class_, m->plan->max_names);
}

struct merged_key *
merged_get_reserved(struct merged *m, enum merged_group group,
    struct slice name, uint64_t dest_mask, unsigned class_)
{
	return get(m, group, name, dest_mask, class_, UINT32_MAX - 1);
}

struct merged_key *
merged_find(const struct merged *m, enum merged_group group, struct slice name)
{
	return find(m, group, name, hash_name(group, name));
}

void
merged_link(struct merged_key *k)
{
	k->links++;
}

void
merged_unlink(struct merged *m, struct merged_key *k)
{
	assert(k->links > 0);
	if (--k->links == 0 && !(k->flags & KEY_PRESENT))
		free_key(m, k);
}

struct slice
merged_name(const struct merged_key *k)
{
	return key_name(k);
}

bool
merged_present(const struct merged_key *k)
{
	return k->flags & KEY_PRESENT;
}

void
merged_appear(struct merged *m, struct merged_key *k)
{
	if (k->flags & KEY_PRESENT)
		return;
	k->flags |= KEY_PRESENT;
	m->present[k->group]++;
	merged_append(m, k);
}

void
merged_absent(struct merged *m, struct merged_key *k)
{
	k->flags &= (uint8_t)~(KEY_PRESENT | KEY_SET_NOW);
	k->next = NO_KEY;
	m->present[k->group]--;
	if (k->links == 0) {
		free_key(m, k);
		return;
	}
	switch ((enum merged_group)k->group) {
	case MERGED_COUNTER:
		k->counter.value = 0;
		break;
	case MERGED_GAUGE:
		k->gauge.value = k->gauge.delta = 0;
		break;
	case MERGED_TIMER:
		k->timer->samples.n = 0;
		k->timer->true_count = 0;
		if (k->timer->sketch != NULL)
			sketch_clear(k->timer->sketch);
		break;
	case MERGED_SET:
		member_set_clear(&k->members->set);
		break;
	default:
		samples_fini(&k->kv);
		break;
	}
}

/* ---- data ---- */

void
merged_counter(struct merged *m, struct merged_key *k, double add)
{
	assert(k->group == MERGED_COUNTER);
	k->counter.value += add;
	merged_appear(m, k);
}

void
merged_gauge(struct merged *m, struct merged_key *k, bool has_set,
    double set_value, double delta_after, uint64_t stamp)
{
	assert(k->group == MERGED_GAUGE);
	if (!has_set) {
		k->gauge.delta += delta_after;
	} else if (!(k->flags & KEY_SET_NOW) || stamp >= k->gauge.stamp) {
		k->gauge.value = delta_after == 0 ? set_value :
		    set_value + delta_after;	/* -0 stays -0 */
		k->gauge.stamp = stamp;
		k->flags |= KEY_SET_NOW;
	}
	k->ttl = m->plan->gauge_ttl;
	merged_appear(m, k);
}

/* The key's timer, made if need be; NULL, counted, when memory is out. */
static struct merged_timer *
timer_of(struct merged *m, struct merged_key *k, uint64_t n)
{
	assert(k->group == MERGED_TIMER);
	if (k->timer == NULL &&
	    (k->timer = calloc(1, sizeof *k->timer)) == NULL) {
		m->stats.dropped_samples += n;
		return NULL;
	}
	merged_appear(m, k);
	return k->timer;
}

static void
add_samples(struct merged *m, struct merged_timer *t, const double *v,
    size_t n)
{
	size_t room = m->plan->max_samples > t->samples.n ?
	    (size_t)m->plan->max_samples - t->samples.n : 0;
	size_t take = n < room ? n : room;

	if (take > 0 &&
	    !samples_reserve(&t->samples, t->samples.n + (uint32_t)take))
		take = 0;
	if (take > 0)
		memcpy(t->samples.v + t->samples.n, v, take * sizeof *v);
	t->samples.n += (uint32_t)take;
	m->stats.dropped_samples += n - take;
}

void
merged_timer_copy(struct merged *m, struct merged_key *k,
    const double *values, size_t n, double true_count)
{
	struct merged_timer *t = timer_of(m, k, n);

	if (t == NULL)
		return;
	add_samples(m, t, values, n);
	t->true_count += true_count;
}

void
merged_timer(struct merged *m, struct merged_key *k, struct samples *s,
    double true_count)
{
	struct merged_timer *t = timer_of(m, k, s->n);
	struct samples empty;

	if (t != NULL) {
		if (t->samples.n == 0 && s->n <= m->plan->max_samples) {
			empty = t->samples;
			t->samples = *s;
			*s = empty;
		} else {
			add_samples(m, t, s->v, s->n);
		}
		t->true_count += true_count;
	}
	s->n = 0;
}

void
merged_sketch(struct merged *m, struct merged_key *k, struct sketch *src,
    double true_count)
{
	struct merged_timer *t = timer_of(m, k, src->n);
	struct sketch swap;

	if (t == NULL)
		goto done;
	if (t->sketch == NULL) {
		if ((t->sketch = malloc(sizeof *t->sketch)) == NULL) {
			m->stats.dropped_samples += src->n;
			goto done;
		}
		sketch_init(t->sketch, src->error,
		    (uint64_t)src->max_bins * 2 * sizeof(uint32_t));
	}
	if (t->sketch->n == 0) {	/* of another error, maybe: a reload */
		swap = *t->sketch;
		*t->sketch = *src;
		*src = swap;
	} else if (!sketch_merge(t->sketch, src)) {
		m->stats.dropped_samples += src->n;
	}
	t->true_count += true_count;
done:
	sketch_clear(src);
}

void
merged_set(struct merged *m, struct merged_key *k, struct member_set *src)
{
	struct member_set swap;

	assert(k->group == MERGED_SET);
	if (k->members == NULL) {
		if ((k->members = calloc(1, sizeof *k->members)) == NULL) {
			m->stats.dropped_samples++;
			member_set_clear(src);
			return;
		}
		member_set_init(&k->members->set, m->plan->set_exact);
	}
	merged_appear(m, k);
	if (member_set_is_empty(&k->members->set) &&
	    src->max_members == k->members->set.max_members) {
		swap = k->members->set;
		k->members->set = *src;
		*src = swap;
	} else if (!member_set_merge(&k->members->set, src)) {
		m->stats.dropped_samples++;
	}
	member_set_clear(src);
}

void
merged_kv(struct merged *m, struct merged_key *k, double value)
{
	assert(k->group == MERGED_KV);
	if (k->kv.n >= m->plan->max_samples || !samples_add(&k->kv, value))
		m->stats.dropped_samples++;
	merged_appear(m, k);
}

void
merged_count_lines(struct merged *m, double bad_lines, double packets,
    double metrics)
{
	if (bad_lines > 0)
		merged_counter(m, m->bad_lines, bad_lines);
	if (packets > 0)
		merged_counter(m, m->packets, packets);
	if (metrics > 0)
		merged_counter(m, m->metrics, metrics);
}

/* ---- the whole ---- */

bool
merged_scratch(struct merged *m, size_t n)
{
	double *scratch;

	if (n <= m->cap_scratch)
		return true;
	n += n / 4;
	if ((scratch = realloc(m->scratch, n * sizeof *scratch)) == NULL)
		return false;
	m->scratch = scratch;
	m->cap_scratch = n;
	return true;
}

/* One of the counters that the reference makes when it starts. */
static struct merged_key *
internal(struct merged *m, struct slice name)
{
	struct merged_key *k = merged_get_reserved(m, MERGED_COUNTER, name,
	    m->plan->internal_mask, 0);

	if (k == NULL)
		return NULL;
	merged_link(k);
	k->flags |= KEY_KEPT;
	merged_counter(m, k, 0);
	return k;
}

static bool
make_internals(struct merged *m)
{
	struct merged_key *bad = internal(m, m->plan->bad_lines);
	struct merged_key *packets = internal(m, m->plan->packets);
	struct merged_key *metrics = internal(m, m->plan->metrics);

	if (bad == NULL || packets == NULL || metrics == NULL)
		return false;
	m->bad_lines = bad;
	m->packets = packets;
	m->metrics = metrics;
	return true;
}

struct merged *
merged_new(const struct merged_config *cfg)
{
	struct merged *m = calloc(1, sizeof *m);
	unsigned c, g;

	_Static_assert(sizeof(struct merged_key) == 64, "a key is a cache line");
	if (m == NULL)
		return NULL;
	m->empty = NO_KEY;
	for (c = 0; c < MERGED_MAX_CLASSES; c++)
		for (g = 0; g < MERGED_GROUPS; g++)
			m->classes[c].others[g] = m->classes[c].integers[g] =
			    (struct key_list){ NO_KEY, NO_KEY, 0 };
	if ((m->plan = flush_plan_new(cfg)) == NULL || !make_internals(m)) {
		merged_free(m);
		return NULL;
	}
	return m;
}

void
merged_free(struct merged *m)
{
	struct merged_key *k;
	uint32_t id = 0;

	if (m == NULL)
		return;
	while ((k = merged_any(m, &id)) != NULL) {
		drop_figures(k);
		pool_put(&m->names, k->name, k->name_len);
	}
	for (id = 0; id < m->nslabs; id++)
		mapped_free(m->slabs[id].keys, SLAB_BYTES);
	free(m->slabs);
	merged_timed_clear(m);
	index32_fini(&m->index);
	pool_fini(&m->names);
	flush_plan_free(m->plan);
	free(m->scratch);
	free(m->line);
	free(m);
}

/* Keys of classes that are no more go to class 0. */
static void
fold_classes(struct merged *m, unsigned nclasses)
{
	struct key_cursor c;
	struct merged_key *k;
	uint32_t id = 0;
	unsigned g;

	while ((k = merged_any(m, &id)) != NULL)
		if (k->class_ >= nclasses)
			k->class_ = 0;
	for (g = 0; g < MERGED_GROUPS; g++) {
		c = (struct key_cursor){ .class_ = nclasses,
		    .last = MERGED_MAX_CLASSES - 1 };
		while ((k = merged_each(m, (enum merged_group)g, &c)) !=
		    NULL) {
			merged_take(m, &c);
			merged_append(m, k);
		}
	}
}

bool
merged_configure(struct merged *m, const struct merged_config *cfg)
{
	struct flush_plan *plan = flush_plan_new(cfg), *old = m->plan;
	struct merged_key *keys[] = { m->bad_lines, m->packets, m->metrics };
	bool renamed;
	size_t i;

	if (plan == NULL)
		return false;
	renamed = !slice_eq(plan->lag, old->lag);
	m->plan = plan;
	if (renamed && !make_internals(m)) {
		m->plan = old;
		flush_plan_free(plan);
		return false;
	}
	if (renamed) {
		for (i = 0; i < 3; i++)
			merged_unlink(m, keys[i]);
		if (m->lag != NULL)
			merged_unlink(m, m->lag);
		m->lag = NULL;
	}
	m->bad_lines->dest_mask = m->packets->dest_mask =
	    m->metrics->dest_mask = plan->internal_mask;
	if (m->lag != NULL)
		m->lag->dest_mask = plan->internal_mask;
	flush_plan_free(old);
	fold_classes(m, plan->nclasses);
	return true;
}

void
merged_reroute(struct merged *m, merged_route *route, void *ctx)
{
	struct merged_key *k;
	uint32_t id = 0;

	while ((k = merged_any(m, &id)) != NULL) {
		unsigned class_ = 0;

		if (k == m->bad_lines ||
		    k == m->packets || k == m->metrics || k == m->lag)
			continue;
		route(ctx, (enum merged_group)k->group, key_name(k),
		    &k->dest_mask, &class_);
		k->class_ = (uint8_t)class_;
	}
}

void
merged_get_stats(const struct merged *m, struct merged_stats *out)
{
	uint32_t i;

	*out = m->stats;
	out->keys = m->nkeys;
	memcpy(out->present, m->present, sizeof out->present);
	out->bytes = index32_bytes(&m->index) + m->names.bytes;
	for (i = 0; i < m->nslabs; i++)
		out->bytes += m->slabs[i].top * sizeof(struct merged_key);
}
