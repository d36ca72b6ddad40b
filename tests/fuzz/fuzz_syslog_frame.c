/* Streams of syslog: the same messages come of one however it was read, and
 * the framer asks for no more than it said. */
#include "config.h"

#include <assert.h>
#include <stdlib.h>

#include "base/buf.h"
#include "proto/syslog_frame.h"

#define MESSAGE 24
#define FRAME 100

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

/* All messages of a stream, read in pieces as the seed says; seed 0: at once. */
static void
run(enum syslog_frame_mode mode, struct slice in, unsigned seed, bool ended,
    struct buf *got)
{
	struct buf kept = BUF_INIT(1 << 22);
	struct syslog_framer f;
	struct syslog_frame fr;
	enum syslog_frame_answer a = SYSLOG_FRAME_MORE;
	struct slice s;
	size_t n;
	bool end = false;

	syslog_framer_init(&f, mode, MESSAGE, FRAME);
	while (!end && a != SYSLOG_FRAME_CLOSE) {
		n = seed == 0 ? in.len : seed == 1 ? 1 :
		    (size_t)rand_r(&seed) % 9 + 1;
		n = n < in.len ? n : in.len;
		end = in.len == 0 || (ended && n == in.len);
		buf_add(&kept, in.ptr, n);
		in = slice_from(in, n);
		s = buf_slice(&kept);
		while ((a = syslog_frame_next(&f, &s, end ? SYSLOG_INPUT_END :
		    SYSLOG_INPUT_OPEN, &fr)) == SYSLOG_FRAME_READY) {
			assert(fr.msg.len > 0 && fr.msg.len <= MESSAGE);
			assert(fr.length >= fr.msg.len);
			buf_printf(got, "%x %llu ", fr.flags,
			    (unsigned long long)fr.length);
			buf_add_slice(got, fr.msg);
			buf_addc(got, '\n');
		}
		assert(a == SYSLOG_FRAME_CLOSE || s.len <= MESSAGE + 32);
		assert(!end || a == SYSLOG_FRAME_CLOSE || s.len == 0);
		buf_consume(&kept, kept.len - s.len);
	}
	if (a == SYSLOG_FRAME_CLOSE)
		buf_adds(got, fr.why);
	buf_printf(got, " %llu", (unsigned long long)f.errors);
	syslog_framer_fini(&f);
	buf_fini(&kept);
}

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct buf want = BUF_INIT(1 << 24), got = BUF_INIT(1 << 24);
	struct slice in;
	enum syslog_frame_mode mode;

	if (size == 0 || size > 20000)
		return 0;
	mode = data[0] & 1 ? SYSLOG_FRAME_UNIX : SYSLOG_FRAME_AUTO;
	in = slice_of((const char *)data + 1, size - 1);
	run(mode, in, 0, true, &want);
	for (unsigned seed = 0; seed < 4; seed++) {
		buf_clear(&got);
		run(mode, in, seed, false, &got);
		assert(slice_eq(buf_slice(&want), buf_slice(&got)));
	}
	buf_fini(&want);
	buf_fini(&got);
	return 0;
}
