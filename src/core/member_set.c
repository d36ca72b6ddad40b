/* member_set.c - the different members of a set, exact or estimated. */
#include "config.h"

#include <assert.h>
#include <stdlib.h>

#include "base/hash.h"
#include "core/hll.h"
#include "core/member_set.h"

#define FEW 8			/* up to here looking at each is as fast */
#define KEEP_BYTES 4096		/* text memory kept over a clear, */
#define KEEP_MOST 65536		/* and so much when a quarter of it was used */
#define MAX_MEMBERS (UINT64_C(1) << 20)

/* Stands before each member's bytes. */
struct head {
	uint32_t len, hash;
};

void
member_set_init(struct member_set *s, uint64_t max_members)
{
	*s = (struct member_set){ 0 };
	if (max_members == 0)
		max_members = 1;
	if (max_members > MAX_MEMBERS)
		max_members = MAX_MEMBERS;
	s->max_members = (uint32_t)max_members;
	s->max_text = s->max_members *
	    (uint32_t)(MEMBER_SET_TEXT + sizeof(struct head)) + 65536;
}

void
member_set_fini(struct member_set *s)
{
	uint32_t max = s->max_members;

	free(s->text);
	free(s->hll);
	index32_fini(&s->index);
	member_set_init(s, max);
}

void
member_set_clear(struct member_set *s)
{
	if (s->hll != NULL || s->cap > KEEP_MOST ||
	    (s->cap > KEEP_BYTES && s->len < s->cap / 4)) {
		member_set_fini(s);
		return;
	}
	index32_clear(&s->index);
	s->len = s->n = 0;
}

static struct head
head_at(const struct member_set *s, uint32_t offset)
{
	struct head h;

	memcpy(&h, s->text + offset, sizeof h);
	return h;
}

static uint32_t
hash_of(const void *owner, uint32_t offset)
{
	return head_at(owner, offset).hash;
}

static bool
is_at(const struct member_set *s, uint32_t offset, uint32_t hash,
    struct slice member)
{
	struct head h = head_at(s, offset);

	return h.hash == hash && h.len == member.len &&
	    (h.len == 0 || memcmp(s->text + offset + sizeof h, member.ptr,
	    h.len) == 0);
}

static bool
has(const struct member_set *s, uint32_t hash, struct slice member)
{
	uint32_t at, offset;

	if (s->n <= FEW) {
		for (offset = 0; offset < s->len; offset +=
		    (uint32_t)sizeof(struct head) + head_at(s, offset).len)
			if (is_at(s, offset, hash, member))
				return true;
		return false;
	}
	at = index32_start(&s->index, hash);
	while ((offset = index32_next(&s->index, &at)) != INDEX32_NONE)
		if (is_at(s, offset, hash, member))
			return true;
	return false;
}

/* Index those that were few until now. */
static bool
index_all(struct member_set *s)
{
	uint32_t offset;
	struct head h;

	for (offset = 0; offset < s->len;
	    offset += (uint32_t)sizeof h + h.len) {
		h = head_at(s, offset);
		if (!index32_put(&s->index, offset, h.hash, hash_of, s)) {
			index32_clear(&s->index);
			return false;
		}
	}
	return true;
}

static bool
reserve(struct member_set *s, uint32_t more)
{
	uint64_t cap = s->cap;
	char *text;

	if (more <= s->cap - s->len)
		return true;
	cap += cap / 2;
	if (cap < (uint64_t)s->len + more)
		cap = (uint64_t)s->len + more;
	if (cap < 64)
		cap = 64;
	if (cap > s->max_text)
		cap = s->max_text;
	if ((text = realloc(s->text, cap)) == NULL)
		return false;
	s->text = text;
	s->cap = (uint32_t)cap;
	return true;
}

/* From now on estimated: the members' text goes. */
static bool
go_over(struct member_set *s)
{
	struct hll *hll = calloc(1, sizeof *hll);
	struct slice member;
	uint32_t pos = 0;

	if (hll == NULL)
		return false;
	while (member_set_next(s, &pos, &member))
		hll_add(hll, member);
	member_set_fini(s);
	s->hll = hll;
	return true;
}

static bool
append(struct member_set *s, uint32_t hash, struct slice member)
{
	struct head h = { (uint32_t)member.len, hash };
	uint32_t offset = s->len;

	if (!reserve(s, (uint32_t)(sizeof h + member.len)))
		return false;
	if (s->n == FEW && !index_all(s))
		return false;
	memcpy(s->text + offset, &h, sizeof h);
	if (member.len > 0)
		memcpy(s->text + offset + sizeof h, member.ptr, member.len);
	if (s->n >= FEW &&
	    !index32_put(&s->index, offset, hash, hash_of, s)) {
		if (s->n == FEW)
			index32_clear(&s->index);
		return false;
	}
	s->len += (uint32_t)(sizeof h + member.len);
	s->n++;
	return true;
}

bool
member_set_add(struct member_set *s, struct slice member)
{
	uint32_t hash;

	if (s->hll == NULL) {
		hash = (uint32_t)hash_slice(member);
		if (has(s, hash, member))
			return true;
		if (s->n < s->max_members &&
		    member.len < s->max_text - s->len &&
		    sizeof(struct head) <= s->max_text - s->len - member.len)
			return append(s, hash, member);
		if (!go_over(s))
			return false;
	}
	hll_add(s->hll, member);
	return true;
}

bool
member_set_merge(struct member_set *into, const struct member_set *from)
{
	struct slice member;
	uint32_t pos = 0;
	bool all = true;

	if (from->hll != NULL) {
		if (into->hll == NULL && !go_over(into))
			return false;
		hll_merge(into->hll, from->hll);
		return true;
	}
	while (member_set_next(from, &pos, &member))
		all &= member_set_add(into, member);
	return all;
}

double
member_set_count(const struct member_set *s)
{
	double e;

	if (s->hll == NULL)
		return s->n;
	e = hll_estimate(s->hll);
	return (double)(uint64_t)(e + 0.5);
}

bool
member_set_is_exact(const struct member_set *s)
{
	return s->hll == NULL;
}

bool
member_set_is_empty(const struct member_set *s)
{
	return s->hll == NULL && s->n == 0;
}

bool
member_set_next(const struct member_set *s, uint32_t *pos,
    struct slice *member)
{
	struct head h;

	if (s->hll != NULL || *pos >= s->len)
		return false;
	h = head_at(s, *pos);
	*member = slice_of(s->text + *pos + sizeof h, h.len);
	*pos += (uint32_t)sizeof h + h.len;
	return true;
}

size_t
member_set_bytes(const struct member_set *s)
{
	return s->cap + index32_bytes(&s->index) +
	    (s->hll == NULL ? 0 : sizeof *s->hll);
}
