/* cmd_check.c - `millrace check`: is a configuration right?
 *
 * Also prints what the tables of keys know: a schema for editors, the table
 * of the manual page, the defaults that run without a file. */
#include "config.h"

#include <getopt.h>
#include <stdio.h>
#include <sysexits.h>
#include <unistd.h>

#include "app/cmd_check.h"
#include "conf/conf.h"
#include "conf/describe.h"
#include "core/plan.h"

#define OUTPUT_MAX	(4u << 20)

static const char usage[] =
    "usage: millrace check [-c FILE]\n"
    "       millrace check --defaults | --schema | --man\n"
    "\n"
    "Verify a configuration, by default " SYSCONFDIR "/millrace/millrace.yaml, or what\n"
    "runs without a file when there is none.  Prints what is wrong as\n"
    "file:line:column: text, and exits with 78; with 0 when nothing is.\n"
    "\n"
    "  -c FILE      the file to look at\n"
    "  --defaults   print the configuration that runs without a file\n"
    "  --schema     print a JSON Schema of the file, for editors\n"
    "  --man        print all keys as mdoc, for millrace.yaml(5)\n";

/* "2 clusters, " and so on; nothing for 0. */
static void
count(struct buf *b, size_t n, const char *one)
{
	if (n > 0)
		buf_printf(b, "%s%zu %s%s", b->len > 0 ? ", " : "", n, one, n == 1 ? "" : "s");
}

static void
summarize(const struct conf *c, const char *name)
{
	struct buf b = BUF_INIT(1024);

	count(&b, c->statsd.listen.n + c->graphite.listen.n + c->syslog.listen.n +
	    c->events.listen.n + c->admin.listen.n, "listener");
	count(&b, c->tail.files.n, "followed pattern");
	count(&b, c->nclusters, "cluster");
	count(&b, c->nstreams, "stream");
	count(&b, c->narchives, "archive");
	count(&b, c->nforwards, "forward");
	count(&b, c->nrules, "rule");
	printf("%s: all right: %.*s\n", name, b.len > 0 ? (int)b.len : 7,
	    b.len > 0 ? b.data : "nothing");
	buf_fini(&b);
}

/* What only shows when it is put together: servers that a ring cannot tell
 * apart, patterns too large.  Takes c. */
static int
check_plan(struct conf *c, const char *name)
{
	static struct plan_registry registry;
	char error[1024];
	struct plan *plan = plan_new(c, &registry, 1, error, sizeof error);

	if (plan == NULL)
		fprintf(stderr, "%s\n", error);
	else
		summarize(plan->conf, name);
	plan_unref(plan);
	plan_registry_free(&registry);
	return plan == NULL ? EX_CONFIG : 0;
}

static int
check_file(const char *path)
{
	struct buf errors = BUF_INIT(OUTPUT_MAX);
	struct conf *c = conf_load(path, &errors);

	if (errors.len > 0)
		fwrite(errors.data, 1, errors.len, stderr);
	buf_fini(&errors);
	if (c == NULL)
		return EX_CONFIG;
	return check_plan(c, path == NULL ? "(defaults)" : path);
}

static int
print(bool (*make)(struct buf *))
{
	struct buf b = BUF_INIT(OUTPUT_MAX);
	bool made = make(&b);

	if (made)
		fwrite(b.data, 1, b.len, stdout);
	buf_fini(&b);
	return made && fflush(stdout) == 0 ? 0 : EX_IOERR;
}

static bool
make_defaults(struct buf *b)
{
	return buf_adds(b, conf_default_text());
}

int
cmd_check(int argc, char **argv)
{
	static const struct option longs[] = {
		{ "config", required_argument, NULL, 'c' },
		{ "defaults", no_argument, NULL, 'd' },
		{ "schema", no_argument, NULL, 's' },
		{ "man", no_argument, NULL, 'm' },
		{ "help", no_argument, NULL, 'h' },
		{ NULL, 0, NULL, 0 }
	};
	const char *path = conf_usual_path();
	int c;

	optind = 0;
	while ((c = getopt_long(argc, argv, "c:h", longs, NULL)) != -1) {
		switch (c) {
		case 'c':
			path = optarg;
			break;
		case 'd':
			return print(make_defaults);
		case 's':
			return print(conf_schema);
		case 'm':
			return print(conf_manual);
		case 'h':
			fputs(usage, stdout);
			return 0;
		default:
			fputs(usage, stderr);
			return EX_USAGE;
		}
	}
	if (optind < argc) {
		fputs(usage, stderr);
		return EX_USAGE;
	}
	return check_file(path);
}
