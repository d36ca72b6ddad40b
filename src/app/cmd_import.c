/* cmd_import.c - `millrace import`: foreign configurations as millrace.yaml.
 *
 * What is printed has been read back and found right; what cannot be carried
 * over is said on standard error. */
#include "config.h"

#include <errno.h>
#include <getopt.h>
#include <stdio.h>
#include <sysexits.h>
#include <unistd.h>

#include "app/cmd_import.h"
#include "conf/conf.h"
#include "conf/import.h"

#define OUTPUT_MAX	(64u << 20)

static const char usage[] =
    "usage: millrace import statsd FILE\n"
    "       millrace import statsite FILE\n"
    "       millrace import brubeck FILE\n"
    "       millrace import carbon-c-relay [--options FLAGS] FILE\n"
    "       millrace import carbon [--section NAME] FILE...\n"
    "\n"
    "Print a millrace.yaml that does what FILE does. What cannot be carried\n"
    "over, or means something else now, is told on standard error.\n"
    "\n"
    "  --options FLAGS   flags that carbon-c-relay is started with\n"
    "  --section NAME    relay, aggregator, cache, relay:a, ... of carbon.conf;\n"
    "                    its other files are looked for beside it\n";

struct arguments {
	char **files;
	size_t nfiles;
	const char *options, *section;
};

static int
from_statsd(const struct arguments *a, struct buf *yaml, struct buf *remarks)
{
	return import_statsd(a->files[0], yaml, remarks);
}

static int
from_statsite(const struct arguments *a, struct buf *yaml, struct buf *remarks)
{
	return import_statsite(a->files[0], yaml, remarks);
}

static int
from_brubeck(const struct arguments *a, struct buf *yaml, struct buf *remarks)
{
	return import_brubeck(a->files[0], yaml, remarks);
}

static int
from_carbon_c_relay(const struct arguments *a, struct buf *yaml,
    struct buf *remarks)
{
	return import_carbon_c_relay(a->files[0], slice_str(a->options), yaml,
	    remarks);
}

static int
from_carbon(const struct arguments *a, struct buf *yaml, struct buf *remarks)
{
	return import_carbon((const char *const *)a->files, a->nfiles,
	    a->section, yaml, remarks);
}

static const struct kind {
	const char *name;
	bool many;		/* takes more than one file */
	int (*import)(const struct arguments *, struct buf *, struct buf *);
} kinds[] = {
	{ "brubeck",		false,	from_brubeck },
	{ "carbon",		true,	from_carbon },
	{ "carbon-c-relay",	false,	from_carbon_c_relay },
	{ "statsd",		false,	from_statsd },
	{ "statsite",		false,	from_statsite },
};

static const struct kind *
find_kind(const char *name)
{
	for (size_t i = 0; i < sizeof kinds / sizeof *kinds; i++)
		if (strcmp(name, kinds[i].name) == 0)
			return &kinds[i];
	return NULL;
}

/* Our own reader has the last word on what was made. */
static bool
is_right(struct slice yaml, struct buf *remarks)
{
	struct conf *c = conf_parse(yaml, "(made)", remarks);
	bool right = c != NULL;

	conf_free(c);
	return right;
}

static int
run(const struct kind *k, const struct arguments *a)
{
	struct buf yaml = BUF_INIT(OUTPUT_MAX), remarks = BUF_INIT(OUTPUT_MAX);
	int status = 0;

	if (k->import(a, &yaml, &remarks) != 0 ||
	    !is_right(buf_slice(&yaml), &remarks))
		status = EX_DATAERR;
	if (remarks.len > 0)
		fwrite(remarks.data, 1, remarks.len, stderr);
	if (status == 0 && (fwrite(yaml.data, 1, yaml.len, stdout) != yaml.len ||
	    fflush(stdout) != 0)) {
		fprintf(stderr, "millrace import: standard output: %s\n",
		    strerror(errno));
		status = EX_IOERR;
	}
	buf_fini(&yaml);
	buf_fini(&remarks);
	return status;
}

static int
wrong_usage(void)
{
	fputs(usage, stderr);
	return EX_USAGE;
}

int
cmd_import(int argc, char **argv)
{
	static const struct option longs[] = {
		{ "options", required_argument, NULL, 'o' },
		{ "section", required_argument, NULL, 's' },
		{ "help", no_argument, NULL, 'h' },
		{ NULL, 0, NULL, 0 }
	};
	struct arguments a = { .options = NULL };
	const struct kind *k;
	int c;

	optind = 0;
	while ((c = getopt_long(argc, argv, "h", longs, NULL)) != -1) {
		if (c == 'h')
			return fputs(usage, stdout) < 0;
		if (c == '?')
			return wrong_usage();
		*(c == 'o' ? &a.options : &a.section) = optarg;
	}
	k = optind < argc ? find_kind(argv[optind++]) : NULL;
	a.files = argv + optind;
	a.nfiles = (size_t)(argc - optind);
	if (k == NULL || a.nfiles == 0 || (a.nfiles > 1 && !k->many))
		return wrong_usage();
	for (size_t i = 0; i < a.nfiles; i++)
		if (access(a.files[i], R_OK) != 0) {
			fprintf(stderr, "%s: %s\n", a.files[i],
			    strerror(errno));
			return EX_NOINPUT;
		}
	return run(k, &a);
}
