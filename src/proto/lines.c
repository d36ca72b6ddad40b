/* lines.c - complete lines off the front of a stream's bytes.
 *
 * No line is looked at by itself.  Within max + 1 bytes from the start of a
 * line the last '\n' is searched backwards; all up to it is lines that are
 * short enough.  When there is none, that line is too long. */
#include "config.h"

#include <assert.h>

#include "proto/lines.h"

void
lines_init(struct lines *l, size_t max)
{
	*l = (struct lines){ .max = max };
}

/* Behind the last '\n' in s, or 0. */
static size_t
behind_last(struct slice s)
{
	const char *p = s.len > 0 ? memrchr(s.ptr, '\n', s.len) : NULL;

	return p == NULL ? 0 : (size_t)(p - s.ptr) + 1;
}

/* The rest of a line that was too long. */
static size_t
skip(struct lines *l, struct slice data)
{
	size_t n = slice_find(data, '\n');

	if (n == data.len)
		return n;
	l->skipping = false;
	return n + 1;
}

/* The end of the lines that are complete and short enough.  *over says that
 * a longer one follows. */
static size_t
short_lines(const struct lines *l, struct slice data, bool *over)
{
	size_t from = 0;

	*over = false;
	for (;;) {
		size_t known = from == 0 ? l->seen : 0;
		struct slice window = slice_upto(slice_from(data, from + known),
		    l->max + 1 - known);
		size_t n = behind_last(window);

		if (n == 0) {
			*over = data.len - from > l->max;
			return from;
		}
		from += known + n;
	}
}

size_t
lines_take(struct lines *l, struct slice data, bool eof, struct slice *complete)
{
	size_t end;
	bool over;

	assert(l->seen <= data.len && l->seen <= l->max);
	*complete = slice_upto(data, 0);
	if (l->skipping)
		return skip(l, data);
	end = short_lines(l, data, &over);
	if (over && end == 0) {
		l->too_long++;
		l->skipping = true;
		l->seen = 0;
		return l->max + 1;
	}
	if (eof && !over)
		end = data.len;
	*complete = slice_upto(data, end);
	l->seen = over ? 0 : data.len - end;
	return end;
}
