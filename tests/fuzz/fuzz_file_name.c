/* File names: whatever template and record, the path stays below its directory
 * and no piece of it is too long or begins with a dot that came from outside. */
#include "config.h"

#include <assert.h>

#include "base/buf.h"
#include "conf/file_name.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void
look(struct slice path)
{
	struct slice piece;

	assert(path.len > 0 && path.len <= FILE_NAME_PATH);
	while (path.ptr != NULL) {
		piece = slice_cut(&path, '/');
		assert(piece.len > 0 && piece.len <= FILE_NAME_COMPONENT);
		assert(!slice_eq(piece, SLICE(".")) && !slice_eq(piece, SLICE("..")));
		for (size_t i = 0; i < piece.len; i++)
			assert((unsigned char)piece.ptr[i] >= ' ' &&
			    piece.ptr[i] != 0x7f);
	}
}

static void
expand(struct slice template, const struct record *r)
{
	struct file_name f;
	struct buf out = BUF_INIT(FILE_NAME_PATH + 100);
	const char *why;
	size_t at;

	if (!file_name_compile(&f, template, &at, &why)) {
		assert(at <= template.len);
		return;
	}
	assert(file_name_expand(&f, r, &out));
	look(buf_slice(&out));
	buf_fini(&out);
}

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct slice in = { (const char *)data, size };
	struct slice template = slice_cut(&in, '|');
	struct record r = { .kind = RECORD_LOG, .source = SOURCE_SYSLOG };

	r.received_ns = (int64_t)size * INT64_C(91234567890123) - 5;
	r.log.facility = (uint8_t)(size % 30);
	r.log.severity = (uint8_t)(size % 9);
	r.log.host = slice_cut(&in, '|');
	r.log.app = slice_cut(&in, '|');
	r.peer = in;
	expand(template, &r);
	expand(SLICE("{host}/{app}-{peer}/{date}{hour}.{severity}"), &r);
	return 0;
}
