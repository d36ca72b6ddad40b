/* A mapping file, an empty line, then names to look up. */
#include "config.h"

#include <stdint.h>
#include <stdlib.h>

#include "conf/prom_mapping.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void
look_up(const struct prom_mapping *m, struct slice names)
{
	struct buf text = BUF_INIT(1 << 16);
	struct prom_match out;
	struct slice name;
	size_t i;
	int type;

	while (names.len > 0) {
		name = slice_cut(&names, '\n');
		for (type = PROM_COUNTER; type <= PROM_OBSERVER; type++) {
			if (prom_mapping_find(m, name, (enum prom_type)type,
			    &text, &out) != PROM_MAPPED)
				continue;
			if (out.nlabels > PROM_MAX_LABELS)
				abort();
			for (i = 0; i < out.nlabels; i++)
				if (out.labels[i].name.len == 0 ||
				    out.labels[i].value.len > text.len)
					abort();
		}
	}
	buf_fini(&text);
}

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct slice all = slice_of((const char *)data, size), names = all;
	struct buf errors = BUF_INIT(1 << 20);
	const char *gap = size == 0 ? NULL : memmem(data, size, "\n\n", 2);
	struct prom_mapping *m;

	if (gap != NULL) {
		all.len = (size_t)(gap + 1 - all.ptr);
		names = slice_from(names, all.len + 1);
	}
	m = prom_mapping_parse(all, "fuzz", &errors);
	if (m == NULL && errors.len == 0)
		abort();
	if (m != NULL)
		look_up(m, names);
	prom_mapping_free(m);
	buf_fini(&errors);
	return 0;
}
