/* carbon-c-relay's configuration: any text ends, and any pattern in it comes
 * out translated or refused. */
#include "config.h"

#include <assert.h>

#include "conf/carbon_c_relay.h"
#include "conf/import_parts.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void
patterns(struct arena *a, const struct conf_strings *e)
{
	for (size_t i = 0; i < e->n; i++) {
		struct import_pattern p;
		const char *why = "";

		if (!import_ere(a, e->v[i], 0, &p, &why))
			continue;
		assert(strchr(p.text, '"') == NULL);
		assert(strstr(p.text, "${") == NULL);
	}
}

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct ccr c = { .arena = arena_new() };
	struct faults faults;
	struct buf out = BUF_INIT(1 << 20);

	faults_init(&faults, c.arena);
	ccr_read(&c, slice_of((const char *)data, size), "x", NULL, NULL,
	    &faults);
	for (size_t i = 0; i < c.n; i++) {
		if (c.v[i].type == CCR_MATCH)
			patterns(c.arena, &c.v[i].match.expressions);
		else if (c.v[i].type == CCR_AGGREGATE)
			patterns(c.arena, &c.v[i].aggregate.expressions);
		else if (c.v[i].type == CCR_CLUSTER)
			yaml_value(&out, slice_str(c.v[i].cluster.name));
	}
	faults_print(&faults, &out);
	buf_fini(&out);
	arena_free(c.arena);
	return 0;
}
