/* Requests: the same commands whether the bytes come at once or in pieces,
 * and no more held than was agreed. */
#include "config.h"

#include <stdint.h>
#include <stdlib.h>

#include "proto/resp.h"

#define MAX_ARGS 32
#define MAX_BYTES 512

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

/* A sum over everything said; the pieces are `step` bytes. */
static uint64_t
run(const char *in, size_t len, size_t step)
{
	struct resp_parser p;
	enum resp_status s = RESP_MORE;
	size_t start = 0, have = 0, used;
	uint64_t sum = 14695981039346656037u;

	resp_parser_init(&p, MAX_ARGS, MAX_BYTES);
	while (have < len || s != RESP_MORE) {
		if (s == RESP_MORE)
			have = step < len - have ? have + step : len;
		s = resp_request(&p, slice_of(in + start, have - start), &used);
		if (used > have - start)
			abort();
		if (s == RESP_MORE && have - start - used >= MAX_BYTES)
			abort();
		if (s != RESP_MORE)
			sum = (sum ^ (uint64_t)s) * 1099511628211u;
		for (size_t i = 0; s == RESP_READY && i < p.argc; i++)
			for (size_t k = 0; k <= p.argv[i].len; k++)
				sum = (sum ^ (k == p.argv[i].len ? 256u :
				    (unsigned char)p.argv[i].ptr[k])) *
				    1099511628211u;
		start += used;
		if (s == RESP_BAD)
			break;
	}
	resp_parser_fini(&p);
	return sum;
}

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	const char *in = (const char *)data;

	if (run(in, size, size + 1) != run(in, size, 1) ||
	    run(in, size, 5) != run(in, size, 61))
		abort();
	return 0;
}
