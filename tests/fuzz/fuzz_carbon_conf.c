/* carbon's files: any text ends, and patterns come out translated or refused. */
#include "config.h"

#include <assert.h>

#include "conf/carbon_conf.h"
#include "conf/import_parts.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void
pattern(struct arena *a, const char *text)
{
	struct import_pattern p;
	const char *why = "";

	if (!import_python_re(a, text, &p, &why))
		return;
	assert(strchr(p.text, '"') == NULL);
	assert(strstr(p.text, "${") == NULL);
}

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct slice text = { (const char *)data, size };
	struct arena *a = arena_new();
	struct carbon_aggregations aggregations = { NULL, 0 };
	struct carbon_lines rewrites = { NULL, 0 }, list = { NULL, 0 };
	struct ini ini = { NULL, 0 };
	struct faults faults;
	struct buf out = BUF_INIT(1 << 20);

	faults_init(&faults, a);
	ini_read(&ini, text, "ini", a, &faults);
	ini_get(ini_section(&ini, "relay"), "destinations");
	carbon_aggregations(&aggregations, text, "agg", a, &faults);
	carbon_rewrites(&rewrites, text, "rewrite", a, &faults);
	carbon_patterns(&list, text, "list", a);
	for (size_t i = 0; i < aggregations.n && i < 20; i++)
		pattern(a, aggregations.v[i].pattern);
	for (size_t i = 0; i < list.n && i < 20; i++) {
		struct carbon_destination d;

		pattern(a, list.v[i].text);
		carbon_destination(a, slice_str(list.v[i].text), &d);
		yaml_value(&out, slice_str(list.v[i].text));
	}
	faults_print(&faults, &out);
	buf_fini(&out);
	arena_free(a);
	return 0;
}
