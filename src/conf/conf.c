/* conf.c - a configuration from a file and what it includes. */
#include "config.h"

#include <sys/stat.h>

#include <errno.h>
#include <stdatomic.h>
#include <fcntl.h>
#include <glob.h>
#include <unistd.h>

#include "conf/load.h"

#define MAX_FILES	256
#define MAX_INCLUDE	4	/* files deep */

/* Read a whole regular file; false with a fault told at mark. */
static bool
read_file(struct loader *l, const char *path, struct conf_mark mark, struct slice *bytes)
{
	int fd = open(path, O_RDONLY | O_CLOEXEC | O_NONBLOCK), saved;
	char *data = NULL;
	struct stat st;
	size_t len = 0;
	ssize_t got = -1;

	if (fd == -1 || fstat(fd, &st) == -1)
		goto fail;
	if (!S_ISREG(st.st_mode)) {
		errno = S_ISDIR(st.st_mode) ? EISDIR : EINVAL;
		goto fail;
	}
	if (st.st_size > NODE_MAX_BYTES) {
		errno = EFBIG;
		goto fail;
	}
	data = arena_alloc(l->arena, (size_t)st.st_size + 1);
	while (len < (size_t)st.st_size) {
		got = read(fd, data + len, (size_t)st.st_size - len);
		if (got == -1 && errno != EINTR)
			goto fail;
		if (got == 0)
			break;
		len += got > 0 ? (size_t)got : 0;
	}
	close(fd);
	*bytes = slice_of(data, len);
	return true;

fail:
	saved = errno;
	if (fd != -1)
		close(fd);
	fault_add(&l->faults, mark, "cannot read %s: %s", path, strerror(saved));
	return false;
}

static struct node *read_tree(struct loader *l, const char *path, struct conf_mark mark,
    unsigned depth, size_t *files);

/* A pattern as seen from the directory of the file that has it. */
static const char *
beside(struct loader *l, const char *file, const char *pattern)
{
	const char *slash = strrchr(file, '/');

	if (*pattern == '/' || slash == NULL)
		return pattern;
	return arena_printf(l->arena, "%.*s/%s", (int)(slash - file), file, pattern);
}

static void
include_one(struct loader *l, struct node *into, const struct node *at, const char *file,
    unsigned depth, size_t *files)
{
	const char *pattern = load_text(l, at);
	struct node *tree;
	glob_t g = { 0 };
	int error;

	if (pattern == NULL)
		return;
	pattern = beside(l, file, pattern);
	/* sorted in the C locale's order, whatever the environment says */
	error = glob(pattern, GLOB_ERR, NULL, &g);
	if (error == GLOB_NOMATCH && strpbrk(pattern, "*?[") == NULL)
		fault_add(&l->faults, at->mark, "include: no file %s", pattern);
	else if (error != 0 && error != GLOB_NOMATCH)
		fault_add(&l->faults, at->mark, "include: cannot look for %s: %s", pattern,
		    strerror(errno));
	for (size_t i = 0; error == 0 && i < g.gl_pathc; i++) {
		tree = read_tree(l, g.gl_pathv[i], at->mark, depth + 1, files);
		if (tree != NULL)
			node_merge(into, tree, l->arena, &l->faults);
	}
	globfree(&g);
}

static void
include_all(struct loader *l, struct node *into, const char *file, unsigned depth,
    size_t *files)
{
	const struct node *inc = node_get(into, "include");
	struct node lone = { 0 }, *one[1];

	if (inc == NULL || node_is_null(inc))
		return;
	if (inc->kind == NODE_TEXT) {
		lone.kind = NODE_LIST;
		lone.items = one;
		lone.n = 1;
		one[0] = (struct node *)(uintptr_t)inc;
		inc = &lone;
	}
	if (inc->kind == NODE_MAP)
		fault_add(&l->faults, inc->mark, "include: expected a list of patterns");
	else if (depth >= MAX_INCLUDE && inc->n > 0)
		fault_add(&l->faults, inc->items[0]->mark,
		    "include: files that include files, more than %d deep", MAX_INCLUDE);
	else
		for (size_t i = 0, n = inc->n; i < n; i++)
			include_one(l, into, inc->items[i], file, depth, files);
}

/* Take include out of a tree that is merged into another. */
static void
forget_include(struct node *tree)
{
	size_t n = 0;

	for (size_t i = 0; i < tree->n; i++)
		if (!slice_eq(tree->pairs[i].key->text, SLICE("include")))
			tree->pairs[n++] = tree->pairs[i];
	tree->n = n;
}

static struct node *
read_tree(struct loader *l, const char *path, struct conf_mark mark, unsigned depth,
    size_t *files)
{
	struct slice bytes;
	struct node *tree;

	if (++*files > MAX_FILES) {
		if (*files == MAX_FILES + 1)
			fault_add(&l->faults, mark, "include: more than %d files", MAX_FILES);
		return NULL;
	}
	path = arena_dup(l->arena, slice_str(path));
	if (!read_file(l, path, mark, &bytes))
		return NULL;
	tree = node_parse(bytes, path, l->arena, &l->faults);
	if (tree == NULL)
		return NULL;
	include_all(l, tree, path, depth, files);
	forget_include(tree);
	return tree;
}

/* The configuration that a tree says, or NULL; tells the faults either way. */
static struct conf *
finish(struct loader *l, const struct node *tree, const char *path, struct buf *errors)
{
	struct conf *c = l->conf;

	if (tree != NULL) {
		c->arena = l->arena;
		c->path = path == NULL ? NULL : arena_dup(l->arena, slice_str(path));
		load_section(l, &conf_section, tree, c);
	}
	faults_print(&l->faults, errors);
	if (tree != NULL && l->faults.errors == 0)
		return c;
	arena_free(l->arena);
	return NULL;
}

static void
begin(struct loader *l)
{
	l->arena = arena_new();
	l->conf = arena_alloc(l->arena, sizeof *l->conf);
	faults_init(&l->faults, l->arena);
}

struct conf *
conf_load(const char *path, struct buf *errors)
{
	struct loader l;
	struct node *tree;
	size_t files = 0;

	begin(&l);
	if (path == NULL)
		tree = node_parse(slice_str(conf_defaults), "(defaults)", l.arena, &l.faults);
	else
		tree = read_tree(&l, path, (struct conf_mark){ NULL, 0, 0 }, 0, &files);
	return finish(&l, tree, path, errors);
}

struct conf *
conf_parse(struct slice yaml, const char *name, struct buf *errors)
{
	struct loader l;
	struct node *tree;
	const struct node *inc;

	begin(&l);
	/* marks point into the bytes, and faults outlive neither */
	tree = node_parse(yaml, name, l.arena, &l.faults);
	inc = tree == NULL ? NULL : node_get(tree, "include");
	if (inc != NULL)
		fault_add(&l.faults, inc->mark, "include: only a file can include files");
	return finish(&l, tree, name, errors);
}

void
conf_free(struct conf *c)
{
	if (c != NULL && atomic_fetch_sub(&c->holders, 1) == 0)
		arena_free(c->arena);
}

const char *
conf_default_text(void)
{
	return conf_defaults;
}

const char *
conf_usual_path(void)
{
	static const char *const usual[] = {
		SYSCONFDIR "/millrace/millrace.yaml",
		"/etc/millrace/millrace.yaml"	/* whatever the prefix */
	};

	for (size_t i = 0; i < sizeof usual / sizeof usual[0]; i++)
		if (access(usual[i], F_OK) == 0)
			return usual[i];
	return NULL;
}
