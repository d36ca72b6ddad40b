/* Expressions, and templates with them after a NUL: refused within their text,
 * or true only for the kinds of records that they say. */
#include "config.h"

#include <assert.h>

#include "conf/template.h"
#include "core/match.h"
#include "core/template.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static const struct pair fields[] = { { SLICE("a"), SLICE("5") } };
static const struct record records[] = {
	{ .kind = RECORD_METRIC, .peer = SLICE("::1"), .metric = { .type = METRIC_TIMER,
	  .tag_style = TAGS_DOGSTATSD, .name = SLICE("web1.a.b"), .tags = SLICE("k:v,x"),
	  .text = SLICE("1"), .value = 1, .rate = 1 } },
	{ .kind = RECORD_EVENT, .event = { .stream = SLICE("a"), .fields = fields, .nfields = 1 } },
	{ .kind = RECORD_LOG, .log = { .severity = 3, .flags = 0x7fff, .host = SLICE("h"),
	  .app = SLICE("a"), .sd = SLICE("[a b=\"c\\\"\"][d]"), .body = SLICE("a b aaaaaaaaaaa!") } },
};

static void
expand(const struct expr *x, struct slice text, const struct record *r, struct match_captures *m)
{
	struct arena *a = arena_new();
	struct expr_error e;
	const struct template *t = template_new(text, x, a, &e);
	struct buf out = BUF_INIT(4096);

	if (t == NULL)
		assert(e.offset <= text.len && e.text[0] != '\0');
	else
		template_rename(t, r, m, &out);
	buf_fini(&out);
	arena_free(a);
}

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	static struct match_captures m;
	struct slice rest = slice_of((const char *)data, size), text = slice_cut(&rest, '\0');
	struct expr_error e;
	struct expr *x = expr_new(text, &e);

	if (x == NULL) {
		assert(e.offset <= text.len && e.text[0] != '\0');
		return 0;
	}
	for (size_t i = 0; i < 3; i++) {
		match_reset(&m);
		if (match(x, &records[i], &m)) {
			assert(expr_kinds(x) & 1 << records[i].kind);
			expand(x, rest, &records[i], &m);
		}
	}
	expr_free(x);
	return 0;
}
