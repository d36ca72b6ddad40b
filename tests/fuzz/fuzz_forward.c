/* Fluent Forward: the scanner at once and byte by byte, then what it let in. */
#include "config.h"

#include <stdint.h>
#include <stdlib.h>

#include "proto/forward.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	static const uint8_t nonce[FORWARD_NONCE];
	struct slice in = slice_of((const char *)data, size);
	struct forward_limits limits = { 65536 };
	struct msgpack_scan scan, slow;
	struct forward_message m;
	struct event_list l;
	struct buf out = BUF_INIT(65536);
	size_t len = 0, slow_len = 0;
	uint64_t values = 0, slow_values = 0;
	enum msgpack_answer a, b = MSGPACK_MORE;
	bool ok;

	msgpack_scan_init(&scan, 65536, 4096);
	msgpack_scan_init(&slow, 65536, 4096);
	a = msgpack_scan(&scan, in, &len, &values);
	for (size_t n = 0; n <= size && b == MSGPACK_MORE; n++)
		b = msgpack_scan(&slow, slice_upto(in, n), &slow_len,
		    &slow_values);
	if (a != b || (a == MSGPACK_READY && (len != slow_len || len > size ||
	    values != slow_values || values > len)))
		abort();
	if (a != MSGPACK_READY)
		return 0;
	event_list_init(&l, 256, 16, 4096);
	if (forward_read(slice_upto(in, len), values, &limits, &m, &l) ==
	    REASON_NONE) {
		for (size_t i = 0; i < l.n; i++)
			if (l.v[i].nfields == 0 || l.v[i].nfields > 16)
				abort();
		if (m.chunk.ptr != NULL && m.chunk.len < 1024 &&
		    !forward_ack(&out, m.chunk))
			abort();
	}
	forward_message_fini(&m);
	event_list_fini(&l);
	forward_ping(slice_upto(in, len), nonce, "key", "host", &out, &ok);
	if (ok)
		abort();	/* nobody knows the digest */
	buf_fini(&out);
	return 0;
}
