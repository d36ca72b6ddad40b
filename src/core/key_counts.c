/* key_counts.c - how often each name was sent. */
#include "config.h"

#include <stdlib.h>

#include "base/map.h"
#include "core/key_counts.h"

struct key_counts {
	struct map *names;	/* to a count, as a pointer's value */
	uint64_t refused;
};

struct row {
	struct slice name;
	uint64_t count;
	size_t place;
};

struct key_counts *
key_counts_new(uint64_t max_names)
{
	struct key_counts *k = calloc(1, sizeof *k);

	if (k == NULL)
		return NULL;
	k->names = map_new(max_names < 1 ? 1 : max_names > 1 << 30 ? 1 << 30 :
	    (size_t)max_names);
	if (k->names == NULL) {
		free(k);
		return NULL;
	}
	return k;
}

void
key_counts_free(struct key_counts *k)
{
	if (k == NULL)
		return;
	map_free(k->names, NULL);
	free(k);
}

bool
key_counts_add(struct key_counts *k, struct slice name, uint64_t n)
{
	uintptr_t count = (uintptr_t)map_get(k->names, name) + (uintptr_t)n;

	if (n == 0 || map_put(k->names, name, (void *)count, NULL))
		return true;
	k->refused += n;
	return false;
}

uint64_t
key_counts_refused(const struct key_counts *k)
{
	return k->refused;
}

static int
most_first(const void *a, const void *b)
{
	const struct row *x = a, *y = b;

	if (x->count != y->count)
		return x->count < y->count ? 1 : -1;
	return (x->place > y->place) - (x->place < y->place);
}

static bool
print(const struct row *r, struct slice date, struct buf *out)
{
	size_t before = out->len;

	if (buf_add_slice(out, date) && buf_adds(out, " count=") &&
	    buf_add_u64(out, r->count) && buf_adds(out, " key=") &&
	    buf_add_slice(out, r->name) && buf_addc(out, '\n'))
		return true;
	out->len = before;
	return false;
}

bool
key_counts_report(struct key_counts *k, struct slice date, double percent,
    struct buf *out)
{
	size_t n = map_len(k->names), pos = 0, i;
	struct row *rows = malloc((n + 1) * sizeof *rows);
	bool ok = rows != NULL;
	void *count;

	for (i = 0; ok && map_next(k->names, &pos, &rows[i].name, &count);
	    i++) {
		rows[i].count = (uintptr_t)count;
		rows[i].place = i;
	}
	if (ok)
		qsort(rows, n, sizeof *rows, most_first);
	/* the reference's loop: a fraction of a name is a name */
	for (i = 0; ok && i < n && (double)i < (double)n * (percent / 100);
	    i++)
		ok = print(&rows[i], date, out);
	free(rows);
	map_clear(k->names, NULL);
	return ok;
}
