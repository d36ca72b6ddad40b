/* Configurations written as JavaScript: any text ends, with a value that has
 * only plain values in it, or with one fault. */
#include "config.h"

#include <assert.h>

#include "conf/js_literal.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static bool
host_name(void *arg, struct buf *out)
{
	return buf_adds(out, "a.b");
}

static bool
get_env(void *arg, const char *name, struct buf *out)
{
	return name[0] == 'X' && buf_adds(out, name);
}

static bool
read_file(void *arg, const char *path, struct buf *out)
{
	return path[0] == '/' && buf_adds(out, "one\ntwo\n");
}

/* A value used twice is met twice, so not all are looked at. */
static void
walk(const struct js_value *v, unsigned *left)
{
	if (*left == 0)
		return;
	--*left;
	assert(v->type < JS_REGEX);
	for (size_t i = 0; v->type == JS_ARRAY && i < v->n; i++)
		walk(v->items[i], left);
	for (size_t i = 0; v->type == JS_OBJECT && i < v->n; i++)
		walk(v->members[i].value, left);
}

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	static const struct js_env env = {
		.host_name = host_name, .get_env = get_env,
		.read_file = read_file
	};
	struct arena *a = arena_new();
	struct faults f;
	const struct js_value *v;
	unsigned left = 10000;

	faults_init(&f, a);
	v = js_read(slice_of((const char *)data, size), "x", &env, a, &f);
	assert(f.errors == (v == NULL));
	if (v != NULL)
		walk(v, &left);
	arena_free(a);
	return 0;
}
