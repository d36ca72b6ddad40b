/* Replies: found whole at the same place however they come, and pulled apart
 * to the last byte; and what the shipper reads in them. */
#include "config.h"

#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include "proto/resp.h"
#include "record/record.h"
#include "sink/journal.h"
#include "sink/shipper_guard.h"

#define MAX_BYTES 4096

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static enum resp_status
scan(struct slice in, size_t step, size_t *len)
{
	struct resp_reply r;
	enum resp_status s = RESP_MORE;
	size_t have = 0;

	resp_reply_init(&r, MAX_BYTES);
	while (s == RESP_MORE && have < in.len) {
		have = step < in.len - have ? have + step : in.len;
		s = resp_reply_scan(&r, slice_upto(in, have), len);
	}
	return s;
}

/* Whatever the bytes, an answer: nothing may be added past a closed guard and
 * be called well. */
static void
ship(struct slice reply)
{
	struct journal_entry e = { .fields = SLICE("\1\1\1ab") };
	struct pair pairs[4];
	struct ship_where w;
	struct slice error;

	if (ship_where_parse(reply, &w))
		ship_where_holds(&w, &e, pairs, 4);
	for (uint32_t n = 1; n < 4; n++)
		if (ship_guarded_answer(reply, n, &error) == SHIP_GUARDED_ALL &&
		    memmem(reply.ptr, reply.len, "OK", 2) == NULL)
			abort();
}

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct slice in = slice_of((const char *)data, size), rest;
	struct resp_value v;
	size_t len = 0, other = 0;
	enum resp_status s = scan(in, size, &len);

	if (scan(in, 1, &other) != s && s != RESP_BAD)
		abort();
	if (s == RESP_READY && len != other)
		abort();
	ship(in);
	rest = in;
	if (s == RESP_READY) {
		rest = slice_upto(in, len);
		if (!resp_value_skip(&rest, &v) || rest.len != 0)
			abort();
	} else {
		resp_value_skip(&rest, &v);	/* any answer but a crash */
	}
	return 0;
}
