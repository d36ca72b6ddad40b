/* Snapshots of the dedup table: any bytes under a good checksum are decoded
 * or refused, and what was decoded can be used and encoded again. */
#include "config.h"

#include <stdint.h>
#include <stdlib.h>

#include "base/crc32c.h"
#include "core/dedup.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void
use(struct dedup *d)
{
	struct event_hash h = { 1, 2 };
	struct dedup_found f;
	char iid[] = "5";

	for (; iid[0] <= '9'; iid[0]++) {
		enum dedup_answer a = dedup_check(d, SLICE("s"), SLICE("p"),
		    slice_str(iid), h, 1000, &f);

		if (a == DEDUP_NEW)
			dedup_add(d, SLICE("s"), SLICE("p"), slice_str(iid), h,
			    1, 1, 1000);
		if (dedup_check(d, SLICE("s"), SLICE("p"), slice_str(iid), h,
		    1000, &f) == DEDUP_NEW)
			abort();
	}
	dedup_expire(d, 2000);
}

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct dedup_options o = { .max_bytes = 100000 };
	struct dedup *d = dedup_new(&o), *e = dedup_new(&o);
	struct buf b = BUF_INIT(1 << 20);
	struct dedup_stats st;
	uint64_t lsn;
	uint32_t crc = crc32c(0, data, size);

	if (d == NULL || e == NULL || !buf_add(&b, data, size) ||
	    !buf_add(&b, &crc, sizeof crc))
		goto done;
	if (!dedup_decode(d, buf_slice(&b), &lsn)) {
		dedup_stats(d, &st);
		if (st.producers != 0 || st.bytes != 0)
			abort();
	}
	use(d);
	dedup_stats(d, &st);
	if (st.bytes > o.max_bytes)
		abort();
	buf_clear(&b);
	if (dedup_encode(d, 7, &b) &&
	    (!dedup_decode(e, buf_slice(&b), &lsn) || lsn != 7))
		abort();
done:
	buf_fini(&b);
	dedup_free(d);
	dedup_free(e);
	return 0;
}
