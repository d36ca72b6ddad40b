/* HTTP heads and chunks: at once and byte by byte must say the same. */
#include "config.h"

#include <stdint.h>
#include <stdlib.h>

#include "proto/http.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

#define BODY_MAX 4096

static enum http_answer
chunks(struct slice in, size_t step, struct buf *out, size_t *rest)
{
	struct http_chunks c = { HTTP_CHUNK_SIZE, 0, 0 };
	struct http_fault f;
	size_t at = 0, have = step < in.len ? step : in.len;

	for (;;) {
		struct slice part = slice_of(in.ptr + at, have - at);
		enum http_answer a = http_chunks(&c, &part, out, &f);

		at = have - part.len;
		*rest = in.len - at;
		if (a != HTTP_MORE || have == in.len)
			return a;
		have = in.len - have > step ? have + step : in.len;
	}
}

static void
check_chunks(struct slice in)
{
	struct buf one = BUF_INIT(BODY_MAX), two = BUF_INIT(BODY_MAX);
	size_t rest, rest2;
	enum http_answer a = chunks(in, SIZE_MAX, &one, &rest);
	enum http_answer b = chunks(in, 1, &two, &rest2);

	if (a == HTTP_READY && (b != a || rest != rest2 ||
	    !slice_eq(buf_slice(&one), buf_slice(&two))))
		abort();
	if (b == HTTP_READY && a != b)
		abort();
	buf_fini(&one);
	buf_fini(&two);
}

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct slice in = slice_of((const char *)data, size);
	struct buf text = BUF_INIT(2 * BODY_MAX);
	struct http_request r;
	struct http_fault f = { 0, REASON_NONE, NULL };
	size_t seen = 0, used, slow_seen = 0, slow_used = 0;
	enum http_answer a, slow = HTTP_MORE;

	if (size > HTTP_HEAD_MAX)
		return 0;
	a = http_head(in, &seen, &used, &r, &f);
	if (a == HTTP_BAD && (f.status < 400 || f.text == NULL ||
	    f.reason == REASON_NONE))
		abort();
	if (a == HTTP_READY) {
		if (used > size || r.nheaders > HTTP_HEADERS_MAX ||
		    r.path.len == 0 || r.path.ptr[0] != '/' ||
		    (r.chunked && r.length > 0))
			abort();
		if (r.chunked)
			check_chunks(slice_from(in, used));
		http_unescape(r.path, &text);
		http_base64(http_header(&r, SLICE("authorization")), &text);
	}
	for (size_t n = 0; n <= size && slow == HTTP_MORE; n++)
		slow = http_head(slice_upto(in, n), &slow_seen, &slow_used, &r,
		    &f);
	if (slow != a || slow_used != used)
		abort();
	check_chunks(in);
	buf_fini(&text);
	return 0;
}
