/* merged_state.c - the merged state as bytes, for a restart.
 *
 *	"MRGS"  u32 version  u32 crc32 of the rest  u32 number of keys
 *	each key: u8 group  u16 length  name  figures of its group
 *
 * Little-endian, doubles as their bits.  An image is looked through to its end
 * before anything of it is taken. */
#include "config.h"

#include <errno.h>
#include <stdlib.h>
#include <zlib.h>

#include "core/hll.h"
#include "core/merged_parts.h"

#define IMAGE_VERSION 1u

/* ---- writing ---- */

static bool
put_le(struct buf *b, uint64_t v, unsigned bytes)
{
	char tmp[8];
	unsigned i;

	for (i = 0; i < bytes; i++)
		tmp[i] = (char)(v >> (8 * i) & 255);
	return buf_add(b, tmp, bytes);
}

static bool
put_double(struct buf *b, double d)
{
	uint64_t bits;

	memcpy(&bits, &d, sizeof bits);
	return put_le(b, bits, 8);
}

static bool
put_samples(struct buf *b, const struct samples *s)
{
	bool ok = put_le(b, s->n, 4);
	uint32_t i;

	for (i = 0; ok && i < s->n; i++)
		ok = put_double(b, s->v[i]);
	return ok;
}

static bool
put_sketch(struct buf *b, const struct sketch *s)
{
	struct sketch_bin bin;
	uint64_t pos = 0;
	uint32_t n = 0;
	bool ok;

	while (sketch_next(s, &pos, &bin))
		n++;
	ok = put_double(b, s->error) && put_le(b, s->max_bins, 4) &&
	    put_double(b, s->sum) && put_double(b, s->sum_squares) &&
	    put_double(b, s->min) && put_double(b, s->max) && put_le(b, n, 4);
	for (pos = 0; ok && sketch_next(s, &pos, &bin);)
		ok = put_le(b, (uint64_t)(bin.sign + 1), 1) &&
		    put_le(b, (uint32_t)bin.bin, 4) && put_le(b, bin.count, 4);
	return ok;
}

static bool
put_timer(struct buf *b, const struct merged_timer *t)
{
	bool sketch = t->sketch != NULL && t->sketch->n > 0;

	return put_double(b, t->true_count) && put_double(b, t->total_sum) &&
	    put_double(b, t->total_count) && put_samples(b, &t->samples) &&
	    put_le(b, sketch, 1) && (!sketch || put_sketch(b, t->sketch));
}

static bool
put_set(struct buf *b, const struct member_set *s)
{
	struct slice member;
	uint32_t pos = 0;
	bool ok;

	if (!member_set_is_exact(s))
		return put_le(b, UINT32_MAX, 4) &&
		    buf_add(b, s->hll->reg, sizeof s->hll->reg);
	ok = put_le(b, s->n, 4);
	while (ok && member_set_next(s, &pos, &member))
		ok = put_le(b, member.len, 4) && buf_add_slice(b, member);
	return ok;
}

static bool
put_key(struct buf *b, const struct merged_key *k)
{
	if (!put_le(b, k->group, 1) || !put_le(b, k->name_len, 2) ||
	    !buf_add_slice(b, key_name(k)))
		return false;
	switch ((enum merged_group)k->group) {
	case MERGED_COUNTER:
		return put_double(b, k->counter.value) &&
		    put_double(b, k->counter.total);
	case MERGED_GAUGE:
		return put_double(b, gauge_now(k)) && put_le(b, k->ttl, 2);
	case MERGED_TIMER:
		return put_timer(b, k->timer);
	case MERGED_SET:
		return put_set(b, &k->members->set);
	default:
		return put_samples(b, &k->kv);
	}
}

/* The daemon's own figures are those of one life. */
static bool
is_own(const struct merged *m, const struct merged_key *k)
{
	return k == m->bad_lines || k == m->packets || k == m->metrics ||
	    k == m->lag;
}

static bool
put_group(struct merged *m, enum merged_group group, struct buf *b,
    uint32_t *n)
{
	struct key_cursor c = { .last = MERGED_MAX_CLASSES - 1 };
	struct merged_key *k;

	while ((k = merged_each(m, group, &c)) != NULL) {
		if (is_own(m, k))
			continue;
		if (!put_key(b, k))
			return false;
		++*n;
	}
	return true;
}

bool
merged_save(struct merged *m, bool interval, struct buf *out)
{
	return merged_save_groups(m, interval ? MERGED_SAVE_ALL :
	    MERGED_SAVE(MERGED_GAUGE), out);
}

bool
merged_save_groups(struct merged *m, unsigned groups, struct buf *out)
{
	size_t start = out->len;
	uint32_t n = 0, crc, i;
	bool ok = put_le(out, 0, 8) && put_le(out, 0, 8);
	unsigned g;
	char *head;

	for (g = 0; ok && g < MERGED_GROUPS; g++)
		if ((groups & MERGED_SAVE(g)) != 0)
			ok = put_group(m, (enum merged_group)g, out, &n);
	if (!ok) {
		out->len = start;
		return false;
	}
	head = out->data + start;
	memcpy(head, "MRGS", 4);
	for (i = 0; i < 4; i++) {
		head[4 + i] = (char)(IMAGE_VERSION >> (8 * i) & 255);
		head[12 + i] = (char)(n >> (8 * i) & 255);
	}
	crc = (uint32_t)crc32_z(0, (const unsigned char *)head + 12,
	    out->len - start - 12);
	for (i = 0; i < 4; i++)
		head[8 + i] = (char)(crc >> (8 * i) & 255);
	return true;
}

/* ---- reading ---- */

struct reader {
	struct merged *m;	/* NULL: only look it through */
	merged_route *route;
	void *ctx;
	struct slice left;
	bool bad, no_memory;
};

static struct slice
get_bytes(struct reader *r, size_t n)
{
	struct slice s = { r->left.ptr, n };

	if (n > r->left.len) {
		r->bad = true;
		r->left.len = 0;
		return (struct slice){ NULL, 0 };
	}
	r->left = slice_from(r->left, n);
	return s;
}

static uint64_t
get_le(struct reader *r, unsigned bytes)
{
	struct slice s = get_bytes(r, bytes);
	uint64_t v = 0;
	size_t i;

	for (i = s.len; i > 0; i--)
		v = v << 8 | (unsigned char)s.ptr[i - 1];
	return v;
}

static double
get_double(struct reader *r)
{
	uint64_t bits = get_le(r, 8);
	double d;

	memcpy(&d, &bits, sizeof d);
	return d;
}

/* A double that may be any number but NaN. */
static double
get_number(struct reader *r)
{
	double d = get_double(r);

	if (d != d) {
		r->bad = true;
		return 0;
	}
	return d;
}

static void
get_counter(struct reader *r, struct merged_key *k)
{
	double value = get_double(r), total = get_number(r);

	if (k == NULL)
		return;
	k->counter.total += total;
	merged_counter(r->m, k, value);
}

static void
get_gauge(struct reader *r, struct merged_key *k)
{
	double value = get_double(r);
	uint16_t ttl = (uint16_t)get_le(r, 2);

	if (k == NULL || merged_present(k))
		return;
	merged_gauge(r->m, k, true, value, 0, 0);
	k->flags &= (uint8_t)~KEY_SET_NOW;
	if (ttl > 0 && ttl < k->ttl)
		k->ttl = ttl;
}

/* Samples one by one into `to` of a timer, or kv. */
static void
get_samples(struct reader *r, struct merged_key *k)
{
	uint64_t n = get_le(r, 4);
	double v;

	if (n > r->left.len / 8) {
		r->bad = true;
		return;
	}
	for (; n > 0; n--) {
		v = get_number(r);
		if (k == NULL)
			continue;
		if (k->group == MERGED_KV)
			merged_kv(r->m, k, v);
		else
			merged_timer_copy(r->m, k, &v, 1, 0);
	}
}

static void
get_bins(struct reader *r, struct sketch *s)
{
	uint64_t n = get_le(r, 4);
	struct sketch_bin b;

	for (; n > 0 && !r->bad; n--) {
		b.sign = (int)get_le(r, 1) - 1;
		b.bin = (int32_t)(uint32_t)get_le(r, 4);
		b.count = (uint32_t)get_le(r, 4);
		if (b.sign > 1 || b.count == 0 || !sketch_restore(s, b))
			r->bad = true;
	}
}

static void
get_sketch(struct reader *r, struct merged_key *k)
{
	double error = get_number(r);
	uint64_t max_bins = get_le(r, 4);
	struct sketch s;

	if (max_bins > 1 << 20 || !(error >= 0.0001 && error <= 0.5)) {
		r->bad = true;
		return;
	}
	sketch_init(&s, error, max_bins * 2 * sizeof(uint32_t));
	s.sum = get_double(r);
	s.sum_squares = get_double(r);
	s.min = get_number(r);
	s.max = get_number(r);
	get_bins(r, &s);
	if (s.n == 0 || s.min > s.max)
		r->bad = true;
	if (k != NULL && !r->bad)
		merged_sketch(r->m, k, &s, 0);
	sketch_fini(&s);
}

static void
get_timer(struct reader *r, struct merged_key *k)
{
	double true_count = get_double(r), sum = get_double(r);
	double count = get_double(r);

	if (k != NULL) {
		merged_timer_copy(r->m, k, NULL, 0, true_count);
		if (k->timer == NULL) {
			r->no_memory = true;
			k = NULL;
		} else {
			k->timer->total_sum += sum;
			k->timer->total_count += count;
		}
	}
	get_samples(r, k);
	if (get_le(r, 1) != 0)
		get_sketch(r, k);
}

static void
get_members(struct reader *r, struct member_set *s, uint64_t n)
{
	struct slice member;

	for (; n > 0 && !r->bad; n--) {
		member = get_bytes(r, (size_t)get_le(r, 4));
		if (!r->bad && r->m != NULL && !member_set_add(s, member))
			r->no_memory = true;
	}
}

static void
get_set(struct reader *r, struct merged_key *k)
{
	uint64_t n = get_le(r, 4);
	struct member_set s;
	struct slice reg;

	member_set_init(&s, r->m == NULL ? 1 : r->m->plan->set_exact);
	if (n == UINT32_MAX) {
		reg = get_bytes(r, HLL_REGISTERS);
		if (!r->bad && r->m != NULL) {
			s.hll = malloc(sizeof *s.hll);
			if (s.hll == NULL)
				r->no_memory = true;
			else
				memcpy(s.hll->reg, reg.ptr, reg.len);
		}
	} else {
		get_members(r, &s, n);
	}
	if (k != NULL && !r->bad)
		merged_set(r->m, k, &s);
	member_set_fini(&s);
}

static void
get_key(struct reader *r)
{
	static void (*const readers[MERGED_GROUPS])(struct reader *,
	    struct merged_key *) = {
		get_counter, get_timer, get_gauge, get_set, get_samples
	};
	unsigned group = (unsigned)get_le(r, 1), class_ = 0;
	struct slice name = get_bytes(r, (size_t)get_le(r, 2));
	struct merged_key *k = NULL;
	uint64_t mask = 0;

	if (r->bad || group >= MERGED_GROUPS) {
		r->bad = true;
		return;
	}
	if (r->m != NULL) {
		r->route(r->ctx, (enum merged_group)group, name, &mask,
		    &class_);
		k = merged_get(r->m, (enum merged_group)group, name, mask,
		    class_);
	}
	readers[group](r, k);
	/* refused for want of memory: it must not stay half made */
	if (k != NULL && !merged_present(k)) {
		merged_link(k);
		merged_unlink(r->m, k);
	}
}

static bool
read_keys(struct reader *r)
{
	uint64_t n = get_le(r, 4);

	for (; n > 0 && !r->bad; n--)
		get_key(r);
	return !r->bad && r->left.len == 0;
}

int
merged_load(struct merged *m, struct slice image, merged_route *route,
    void *ctx)
{
	struct reader r = { .left = image }, look, take;
	uint64_t version, crc;
	struct slice magic = get_bytes(&r, 4);

	version = get_le(&r, 4);
	crc = get_le(&r, 4);
	errno = EINVAL;
	if (r.bad || memcmp(magic.ptr, "MRGS", 4) != 0)
		return -1;
	if (version != IMAGE_VERSION) {
		errno = ENOTSUP;
		return -1;
	}
	look = take = r;
	if (crc != crc32_z(0, (const unsigned char *)r.left.ptr, r.left.len) ||
	    !read_keys(&look)) {
		errno = EINVAL;
		return -1;
	}
	take.m = m;
	take.route = route;
	take.ctx = ctx;
	read_keys(&take);
	if (take.no_memory)
		errno = ENOMEM;
	return take.no_memory ? -1 : 0;
}
