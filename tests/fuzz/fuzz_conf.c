/* Configuration files: read to the end or refused with a reason on each line;
 * what is accepted makes rules that can be applied. */
#include "config.h"

#include <assert.h>

#include "conf/conf.h"
#include "core/rules.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void
apply(const struct conf *c)
{
	static const struct pair field = { SLICE("a"), SLICE("b") };
	static const struct record records[] = {
		{ .kind = RECORD_METRIC, .metric = { .type = METRIC_TIMER,
		  .tag_style = TAGS_GRAPHITE, .name = SLICE("a.b"), .tags = SLICE("k=v;"),
		  .text = SLICE("1"), .value = 1, .rate = 1 } },
		{ .kind = RECORD_EVENT, .event = { .stream = SLICE("a"), .fields = &field, .nfields = 1 } },
		{ .kind = RECORD_LOG, .log = { .severity = 3, .app = SLICE("a"), .body = SLICE("a b") } },
	};
	static struct decision d;
	struct rules *rules = rules_new(c);

	assert(rules != NULL);
	decision_init(&d);
	for (size_t i = 0; i < 3; i++)
		rules_apply(rules, &records[i], &d);
	decision_fini(&d);
	rules_free(rules);
}

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct buf errors = BUF_INIT(1 << 20);
	struct conf *c = conf_parse(slice_of((const char *)data, size), "f", &errors);

	if (c == NULL) {
		assert(errors.len > 3 && errors.data[0] == 'f');
		assert(errors.data[errors.len - 1] == '\n');
	} else {
		apply(c);
	}
	conf_free(c);
	buf_fini(&errors);
	return 0;
}
