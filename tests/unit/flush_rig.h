/* flush_rig.h - a merged state to feed with simple StatsD packets and to flush
 * into a buffer, for the tests of the flush. */
#ifndef MILLRACE_TESTS_FLUSH_RIG_H
#define MILLRACE_TESTS_FLUSH_RIG_H

#include <check.h>
#include <stdio.h>
#include <stdlib.h>

#include "base/number.h"
#include "conf/conf.h"
#include "core/member_set.h"
#include "core/merged.h"

typedef __typeof__(((struct conf_flush *)0)->percentiles[0]) rig_percentile;

struct rig {
	struct conf_flush flush;
	uint64_t intervals[MERGED_MAX_CLASSES];
	struct merged_config cfg;
	struct merged *m;
	struct buf out;
	uint64_t masks;			/* of all lines, or-ed */
};

/* The reference's defaults; change r->flush, then rig_start(). */
static inline void
rig_init(struct rig *r)
{
	static char text90[] = "90";
	static rig_percentile ninety[1];

	*r = (struct rig){ .out = BUF_INIT(1 << 26) };
	ninety[0].value = 90;
	ninety[0].text = text90;
	r->flush = (struct conf_flush){ .interval_ms = 10000,
	    .percentiles = (void *)ninety, .npercentiles = 1,
	    .namespace_ = "statsd", .legacy = true, .prefix = "stats",
	    .prefix_counter = "counters", .prefix_timer = "timers",
	    .prefix_gauge = "gauges", .prefix_set = "sets",
	    .flush_counts = true, .gauges_ttl = 1, .sketch_error = 0.01,
	    .sketch_max_bytes = 16384, .set_exact = 1000,
	    .max_names = 1000000 };
	r->cfg = (struct merged_config){ .flush = &r->flush,
	    .interval_ms = r->intervals, .nclasses = 1, .internal_mask = 1 };
}

static inline void
rig_start(struct rig *r)
{
	r->m = merged_new(&r->cfg);
	ck_assert_ptr_nonnull(r->m);
}

static inline void
rig_fini(struct rig *r)
{
	merged_free(r->m);
	buf_fini(&r->out);
}

static inline void
rig_line(void *ctx, uint64_t dest_mask, struct slice name, struct slice line)
{
	struct rig *r = ctx;

	ck_assert_uint_gt(line.len, name.len);
	ck_assert(slice_starts(line, name) && line.ptr[name.len] == ' ');
	ck_assert(line.ptr[line.len - 1] == '\n');
	r->masks |= dest_mask;
	ck_assert(buf_add_slice(&r->out, line));
}

/* The lines of one flush as a string, borrowed until the next. */
static inline const char *
rig_flush(struct rig *r, unsigned class_, int64_t now_ms,
    const struct flush_internal *in)
{
	struct flush_sink sink = { rig_line, r };

	buf_clear(&r->out);
	merged_flush(r->m, class_, now_ms, in, &sink);
	return buf_cstr(&r->out);
}

/* The same, without the lines about the daemon itself. */
static inline const char *
rig_plain(struct rig *r, int64_t now_ms)
{
	static char kept[1 << 16];
	struct slice all, line;
	size_t n = 0;

	rig_flush(r, 0, now_ms, NULL);
	all = buf_slice(&r->out);
	while (all.len > 0) {
		line = slice_cut(&all, '\n');
		if (memmem(line.ptr, line.len, "statsd.", 7) != NULL)
			continue;
		ck_assert(n + line.len + 2 < sizeof kept);
		memcpy(kept + n, line.ptr, line.len);
		n += line.len;
		kept[n++] = '\n';
	}
	kept[n] = '\0';
	return kept;
}

/* "key;tags" of "key" and "|#k:v" or nothing. */
static inline struct slice
rig_name(struct slice key, struct slice tags, char out[256])
{
	int n;

	if (tags.len == 0)
		return key;
	n = snprintf(out, 256, "%.*s;%.*s", SLICE_ARG(key), SLICE_ARG(tags));
	if (memchr(out, ':', n) != NULL)
		*(char *)memchr(out, ':', n) = '=';
	return slice_of(out, n);
}

/* One line "key:value|type[|@rate][|#k:v]", well-formed. */
static inline void
rig_one(struct rig *r, struct slice line, unsigned class_)
{
	struct slice key = slice_cut(&line, ':'), value, type, more, tags = { 0 };
	struct member_set set;
	struct merged_key *k;
	double v = 0, rate = 1;
	char name[256];

	value = slice_cut(&line, '|');
	type = slice_cut(&line, '|');
	while (line.ptr != NULL) {
		more = slice_cut(&line, '|');
		if (more.ptr[0] == '@')
			ck_assert(number_js(slice_from(more, 1), &rate));
		else
			tags = slice_from(more, 1);
	}
	key = rig_name(key, tags, name);
	if (slice_eq(type, SLICE("s"))) {
		k = merged_get(r->m, MERGED_SET, key, 1, class_);
		member_set_init(&set, r->flush.set_exact);
		ck_assert(member_set_add(&set, value));
		merged_set(r->m, k, &set);
		member_set_fini(&set);
		return;
	}
	ck_assert_msg(number_js(value, &v), "%.*s", SLICE_ARG(value));
	if (slice_eq(type, SLICE("ms"))) {
		k = merged_get(r->m, MERGED_TIMER, key, 1, class_);
		merged_timer_copy(r->m, k, &v, 1, 1 / rate);
	} else if (slice_eq(type, SLICE("g"))) {
		k = merged_get(r->m, MERGED_GAUGE, key, 1, class_);
		if (value.ptr[0] == '+' || value.ptr[0] == '-')
			merged_gauge(r->m, k, false, 0, v, 0);
		else
			merged_gauge(r->m, k, true, v, 0, 1);
	} else if (slice_eq(type, SLICE("kv"))) {
		k = merged_get(r->m, MERGED_KV, key, 1, class_);
		merged_kv(r->m, k, v);
	} else {
		k = merged_get(r->m, MERGED_COUNTER, key, 1, class_);
		merged_counter(r->m, k, v * (1 / rate));
	}
}

/* Lines with '\n' between; answers how many. */
static inline unsigned
rig_feed(struct rig *r, struct slice packet, unsigned class_)
{
	struct slice line;
	unsigned n = 0;

	while (packet.len > 0) {
		line = slice_cut(&packet, '\n');
		if (line.len == 0)
			continue;
		rig_one(r, line, class_);
		n++;
	}
	return n;
}

#endif
