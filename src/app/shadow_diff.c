/* shadow_diff.c - lines of two sides, as a bag whose halves cancel out. */
#include "config.h"

#include <string.h>

#include "app/shadow.h"

#define KEY_MAX (1u << 20)

bool
shadow_diff_init(struct shadow_diff *d, size_t max)
{
	memset(d, 0, sizeof *d);
	buf_init(&d->key, KEY_MAX);
	d->lines = map_new(max);
	return d->lines != NULL;
}

void
shadow_diff_fini(struct shadow_diff *d)
{
	map_free(d->lines, NULL);
	buf_fini(&d->key);
	regex_free(d->ignore);
}

/* A number as the map's value, which is never NULL. */
static void *
as_value(intptr_t n)
{
	return (void *)(n * 2 + 1);
}

static intptr_t
as_number(const void *value)
{
	return value == NULL ? 0 : ((intptr_t)value - 1) / 2;
}

void
shadow_diff_add(struct shadow_diff *d, enum shadow_side side, const char *sink,
    struct slice line)
{
	struct slice key;
	intptr_t n;

	if (line.len > 0 && line.ptr[line.len - 1] == '\r')
		line.len--;
	if (line.len == 0)
		return;
	if (d->ignore != NULL && regex_match(d->ignore,
	    slice_upto(line, slice_find(line, ' ')), NULL)) {
		d->ignored++;
		return;
	}
	d->seen[side]++;
	buf_clear(&d->key);
	if (!buf_printf(&d->key, "%s\t", sink) ||
	    !buf_add_slice(&d->key, line)) {
		d->missed++;
		return;
	}
	key = buf_slice(&d->key);
	n = as_number(map_get(d->lines, key)) +
	    (side == SHADOW_OURS ? 1 : -1);
	if (n == 0)
		map_del(d->lines, key);
	else if (!map_put(d->lines, key, as_value(n), NULL))
		d->missed++;
}

void
shadow_diff_each(const struct shadow_diff *d, shadow_told *told, void *ctx)
{
	struct slice key;
	void *value;
	size_t pos = 0;

	while (map_next(d->lines, &pos, &key, &value)) {
		size_t tab = slice_find(key, '\t');
		intptr_t n = as_number(value);
		char sink[512];

		if (tab >= sizeof sink)
			tab = sizeof sink - 1;
		memcpy(sink, key.ptr, tab);
		sink[tab] = '\0';
		told(ctx, n > 0 ? SHADOW_OURS : SHADOW_THEIRS, sink,
		    slice_from(key, tab + 1), (uint64_t)(n > 0 ? n : -n));
	}
}
