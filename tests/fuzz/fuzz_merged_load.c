/* A saved state, with its checksum put right so that what follows is reached:
 * the settings of the state it is loaded into, then the image. */
#include "config.h"

#include <stdint.h>
#include <stdlib.h>
#include <zlib.h>

#include "conf/conf.h"
#include "core/merged.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void
route(void *ctx, enum merged_group group, struct slice name,
    uint64_t *dest_mask, unsigned *class_)
{
	(void)ctx, (void)group;
	*dest_mask = 1;
	*class_ = (unsigned)(name.len % 3);
}

static void
line(void *ctx, uint64_t dest_mask, struct slice name, struct slice text)
{
	(void)ctx, (void)dest_mask;
	if (text.len <= name.len || text.ptr[text.len - 1] != '\n')
		abort();
}

static void
use(struct merged *m, struct slice image)
{
	const struct flush_sink sink = { line, NULL };
	struct buf again = BUF_INIT(1 << 22);
	unsigned g;

	if (merged_load(m, image, route, NULL) != 0)
		goto done;
	for (g = 0; g < MERGED_GROUPS; g++) {
		merged_dump(m, (enum merged_group)g, &again);
		buf_clear(&again);
	}
	/* what we took we can give again */
	if (merged_save(m, true, &again) &&
	    merged_load(m, buf_slice(&again), route, NULL) != 0)
		abort();
	buf_clear(&again);
	merged_prometheus(m, NULL, &again);
	for (g = 0; g < 3; g++)
		merged_flush(m, g, 1700000000000, NULL, &sink);
done:
	buf_fini(&again);
}

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	static const uint64_t intervals[] = { 20000, 30000 };
	struct conf_flush f = { .interval_ms = 10000, .namespace_ = "statsd",
	    .sketch_max_bytes = 1024, .max_names = 100 };
	struct merged_config cfg = { .flush = &f, .interval_ms = intervals,
	    .nclasses = 3, .max_samples = 1000 };
	struct merged *m;
	unsigned char *copy;
	unsigned long crc;

	if (size < 13)
		return 0;
	f.delete_counters = data[0] & 1;
	f.delete_timers = data[0] & 2;
	f.legacy = data[0] & 4;
	f.set_exact = data[0] >> 3;
	data++;
	size--;
	if ((copy = malloc(size)) == NULL || (m = merged_new(&cfg)) == NULL)
		abort();
	memcpy(copy, data, size);
	crc = crc32_z(0, copy + 12, size - 12);
	copy[8] = crc & 255;
	copy[9] = crc >> 8 & 255;
	copy[10] = crc >> 16 & 255;
	copy[11] = crc >> 24 & 255;
	use(m, slice_of((char *)copy, size));
	merged_free(m);
	free(copy);
	return 0;
}
