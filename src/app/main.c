/* main.c - which command was asked for. */
#include "config.h"

#include <stdio.h>
#include <string.h>
#include <sysexits.h>

#include "app/cmd_audit.h"
#include "app/cmd_check.h"
#include "app/cmd_explain.h"
#include "app/cmd_flood.h"
#include "app/cmd_import.h"
#include "app/cmd_journal.h"
#include "app/cmd_read.h"
#include "app/cmd_grep.h"
#include "app/cmd_send.h"
#include "app/cmd_shadow.h"
#include "app/cmd_tap.h"
#include "app/cmd_top.h"
#include "app/daemon.h"
#include "conf/conf.h"

/* Each gets its own name as argv[0] and gives an exit status. */
static const struct command {
	const char *name;
	int (*run)(int argc, char **argv);
} commands[] = {
	{ "audit",	cmd_audit },
	{ "check",	cmd_check },
	{ "explain",	cmd_explain },
	{ "flood",	cmd_flood },
	{ "import",	cmd_import },
	{ "journal",	cmd_journal },
	{ "read",	cmd_read },
	{ "grep",	cmd_grep },
	{ "send",	cmd_send },
	{ "shadow",	cmd_shadow },
	{ "tap",	cmd_tap },
	{ "top",	cmd_top },
};

static int
usage(FILE *to)
{
	fprintf(to, "usage: millrace [-c FILE | --statsd-config FILE]\n"
	    "       millrace COMMAND [ARGUMENT ...]\n"
	    "commands:");
	for (size_t i = 0; i < sizeof commands / sizeof *commands; i++)
		fprintf(to, " %s", commands[i].name);
	fprintf(to, "\nsee millrace(1)\n");
	return to == stdout ? EX_OK : EX_USAGE;
}

/* No command: the daemon. */
static int
run(int argc, char **argv)
{
	const char *conf = conf_usual_path(), *statsd = NULL;

	for (int i = 1; i < argc; i++) {
		if (strcmp(argv[i], "-c") == 0 && i + 1 < argc)
			conf = argv[++i];
		else if (strcmp(argv[i], "--statsd-config") == 0 &&
		    i + 1 < argc)
			statsd = argv[++i];
		else if (strcmp(argv[i], "-V") == 0 ||
		    strcmp(argv[i], "--version") == 0)
			return printf("millrace %s\n", PACKAGE_VERSION) < 0;
		else if (strcmp(argv[i], "-h") == 0 ||
		    strcmp(argv[i], "--help") == 0)
			return usage(stdout);
		else
			return usage(stderr);
	}
	return daemon_run(conf, statsd);
}

int
main(int argc, char **argv)
{
	for (size_t i = 0; argc > 1 && i < sizeof commands / sizeof *commands;
	    i++)
		if (strcmp(argv[1], commands[i].name) == 0)
			return commands[i].run(argc - 1, argv + 1);
	return run(argc, argv);
}
