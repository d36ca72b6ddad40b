/* value.c - texts that mean a number, a duration, a size, a yes or no. */
#include "config.h"

#include <limits.h>
#include <math.h>

#include "base/number.h"
#include "conf/value.h"

#define COUNT(a) (sizeof(a) / sizeof((a)[0]))

bool
value_number(struct slice s, double *v)
{
	struct slice bare = s;
	bool negative = s.len > 0 && s.ptr[0] == '-';

	if (s.len > 0 && (s.ptr[0] == '-' || s.ptr[0] == '+'))
		bare = slice_from(s, 1);
	if (slice_eq_nocase(bare, SLICE("inf")) || slice_eq_nocase(bare, SLICE(".inf"))) {
		*v = negative ? -HUGE_VAL : HUGE_VAL;
		return true;
	}
	return number_double(s, v);
}

struct unit {
	const char *name;
	double times;
};

/* Take a unit's letters off the front of *s. */
static const struct unit *
take_unit(struct slice *s, const struct unit *units, size_t n)
{
	struct slice word = *s;
	size_t len = 0;

	while (len < s->len && ((s->ptr[len] | 32) >= 'a' && (s->ptr[len] | 32) <= 'z'))
		len++;
	word.len = len;
	for (size_t i = 0; i < n; i++) {
		if (!slice_eq(word, slice_str(units[i].name)))
			continue;
		*s = slice_from(*s, len);
		return &units[i];
	}
	return NULL;
}

/* Add number-and-unit pairs up to a whole number below 2^63. */
static bool
sum_units(struct slice s, const struct unit *units, size_t n, bool many, uint64_t *v)
{
	double total = 0;

	do {
		const struct unit *u;
		double times;
		size_t len = number_scan(s, &times);

		if (len == 0 || s.ptr[0] == '-' || s.ptr[0] == '+')
			return false;
		s = slice_from(s, len);
		u = take_unit(&s, units, n);
		if (u == NULL)
			return false;
		total += times * u->times;
	} while (s.len > 0 && many);
	if (s.len != 0 || !(total < 9.2e18))
		return false;
	*v = (uint64_t)(total + 0.5);
	return true;
}

bool
value_duration(struct slice s, uint64_t *ms)
{
	static const struct unit units[] = {
		{ "ms", 1 }, { "s", 1e3 }, { "m", 60e3 }, { "min", 60e3 },
		{ "h", 3600e3 }, { "d", 86400e3 }, { "w", 7 * 86400e3 },
	};

	if (slice_eq(s, SLICE("0"))) {
		*ms = 0;
		return true;
	}
	return sum_units(s, units, COUNT(units), true, ms);
}

bool
value_size(struct slice s, uint64_t *bytes)
{
	static const struct unit units[] = {
		{ "", 1 }, { "B", 1 },
		{ "k", 1024 }, { "K", 1024 }, { "KiB", 1024 }, { "KB", 1e3 }, { "kB", 1e3 },
		{ "M", 0x1p20 }, { "m", 0x1p20 }, { "MiB", 0x1p20 }, { "MB", 1e6 },
		{ "G", 0x1p30 }, { "g", 0x1p30 }, { "GiB", 0x1p30 }, { "GB", 1e9 },
		{ "T", 0x1p40 }, { "t", 0x1p40 }, { "TiB", 0x1p40 }, { "TB", 1e12 },
	};
	struct slice number = s;

	/* "64 MiB" reads as well */
	if (number_u64(s, bytes))
		return true;
	number = slice_upto(s, slice_find(s, ' '));
	if (number.len != s.len) {
		char joined[40];
		struct slice unit = slice_from(s, number.len + 1);

		if (number.len == 0 || s.len > sizeof joined)
			return false;
		memcpy(joined, number.ptr, number.len);
		if (unit.len > 0)
			memcpy(joined + number.len, unit.ptr, unit.len);
		s = slice_of(joined, number.len + unit.len);
		return sum_units(s, units, COUNT(units), false, bytes);
	}
	return sum_units(s, units, COUNT(units), false, bytes);
}

bool
value_bool(struct slice s, bool *v)
{
	static const struct { struct slice word; bool v; } words[] = {
		{ SLICE("true"), true }, { SLICE("false"), false },
		{ SLICE("yes"), true }, { SLICE("no"), false },
		{ SLICE("on"), true }, { SLICE("off"), false },
	};

	for (size_t i = 0; i < COUNT(words); i++) {
		if (slice_eq_nocase(s, words[i].word)) {
			*v = words[i].v;
			return true;
		}
	}
	return false;
}

static unsigned
least(unsigned a, unsigned b, unsigned c)
{
	unsigned m = a < b ? a : b;

	return m < c ? m : c;
}

/* Damerau's distance, three rows at a time. */
unsigned
value_distance(struct slice a, struct slice b)
{
	unsigned rows[3][64], *before = rows[0], *last = rows[1], *now = rows[2], *t;

	if (a.len > 63 || b.len > 63)
		return UINT_MAX;
	memset(rows, 0, sizeof rows);
	for (unsigned j = 0; j <= b.len; j++)
		now[j] = j;
	for (unsigned i = 1; i <= a.len; i++) {
		t = before, before = last, last = now, now = t;
		now[0] = i;
		for (unsigned j = 1; j <= b.len; j++) {
			unsigned change = a.ptr[i - 1] != b.ptr[j - 1];

			now[j] = least(last[j] + 1, now[j - 1] + 1,
			    last[j - 1] + change);
			if (i > 1 && j > 1 && a.ptr[i - 1] == b.ptr[j - 2] &&
			    a.ptr[i - 2] == b.ptr[j - 1] && before[j - 2] + 1 < now[j])
				now[j] = before[j - 2] + 1;
		}
	}
	return now[b.len];
}

bool
value_near(struct slice a, struct slice b, unsigned *distance)
{
	size_t len = a.len < b.len ? a.len : b.len;
	unsigned d = value_distance(a, b), enough = len < 4 ? 1 : 2;

	if (len > 8)
		enough = 3;
	/* the beginning of a word, or a word and more */
	if (len >= 3 && memcmp(a.ptr, b.ptr, len) == 0) {
		*distance = 1;
		return true;
	}
	if (d > enough || d >= len)
		return false;
	*distance = d;
	return true;
}
