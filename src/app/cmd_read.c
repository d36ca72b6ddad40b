/* cmd_read.c - `millrace read`: a consumer of events.
 *
 * From a Redis stream, in a group, with acknowledgements; or straight from a
 * journal, without touching it. */
#include "config.h"

#include <errno.h>
#include <getopt.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sysexits.h>
#include <time.h>
#include <unistd.h>

#include "app/cmd_read.h"
#include "app/read.h"
#include "base/number.h"

volatile sig_atomic_t read_stop;

static const char usage[] =
    "usage: millrace read [options] STREAM\n"
    "\n"
    "Read events and hand them over, as lines of JSON or to a command.\n"
    "\n"
    "From Redis (STREAM is the key, such as ev:orders:web1):\n"
    "  --redis URL        redis://[[user]:password@]host[:port][/db] or unix://\n"
    "  --group G          as a consumer of this group, made if need be; what was\n"
    "                     handed over with success is acknowledged; without it\n"
    "                     the whole stream is read and nothing remembered\n"
    "  --consumer C       whose pending events are taken up again (host name)\n"
    "  --max-tries N      then the event goes to the dead stream (5)\n"
    "  --dead STREAM      its key (STREAM:dead)\n"
    "  --claim MS         take over what others left for so long (60000; 0: never)\n"
    "  --batch N          events asked for at once (100)\n"
    "\n"
    "From the journal (STREAM is the name; - is all of them):\n"
    "  --journal DIR      by default ./millrace-data/journal\n"
    "  --group G          goes on where this group was, which DIR.groups/G knows,\n"
    "                     and tries again; what is given up after --max-tries is\n"
    "                     kept there, too\n"
    "\n"
    "  --from ID          only events after this id; not with --group\n"
    "  --exec CMD         run by the shell for each event, which it gets as JSON on\n"
    "                     standard input; MILLRACE_STREAM, MILLRACE_ID and\n"
    "                     MILLRACE_TRY are set; 0 is success\n"
    "  --timeout MS       a command is killed after so long (30000)\n"
    "  --json             lines of JSON on standard output (the default)\n"
    "  --count N          end after so many\n"
    "  --block            wait for more at the end\n"
    "  --check            exit with 65 when sequences are missing\n";

static void
on_signal(int sig)
{
	read_stop = 1;
}

void
read_pause(unsigned ms)
{
	struct timespec t = { ms / 1000, (long)(ms % 1000) * 1000000 };

	if (!read_stop)
		nanosleep(&t, NULL);
}

static void
catch_signals(void)
{
	struct sigaction sa = { .sa_handler = on_signal };

	sigaction(SIGINT, &sa, NULL);
	sigaction(SIGTERM, &sa, NULL);
	sa.sa_handler = SIG_IGN;
	sigaction(SIGPIPE, &sa, NULL);
}

static bool
number(const char *text, uint64_t max, uint64_t *v)
{
	return number_u64(slice_str(text), v) && *v <= max;
}

enum { O_REDIS = 256, O_GROUP, O_CONSUMER, O_TRIES, O_DEAD, O_CLAIM, O_BATCH,
	O_JOURNAL, O_FROM, O_EXEC, O_TIMEOUT, O_JSON, O_COUNT, O_BLOCK,
	O_CHECK };

static const struct option longs[] = {
	{ "redis", required_argument, NULL, O_REDIS },
	{ "group", required_argument, NULL, O_GROUP },
	{ "consumer", required_argument, NULL, O_CONSUMER },
	{ "max-tries", required_argument, NULL, O_TRIES },
	{ "dead", required_argument, NULL, O_DEAD },
	{ "claim", required_argument, NULL, O_CLAIM },
	{ "batch", required_argument, NULL, O_BATCH },
	{ "journal", required_argument, NULL, O_JOURNAL },
	{ "from", required_argument, NULL, O_FROM },
	{ "exec", required_argument, NULL, O_EXEC },
	{ "timeout", required_argument, NULL, O_TIMEOUT },
	{ "json", no_argument, NULL, O_JSON },
	{ "count", required_argument, NULL, O_COUNT },
	{ "block", no_argument, NULL, O_BLOCK },
	{ "check", no_argument, NULL, O_CHECK },
	{ "help", no_argument, NULL, 'h' },
	{ NULL, 0, NULL, 0 }
};

static bool
take_number(int option, const char *text, struct read_opts *o)
{
	uint64_t v;

	if (!number(text, option == O_COUNT ? UINT64_MAX : 1000000000, &v))
		return false;
	switch (option) {
	case O_COUNT:
		o->count = v;
		return v > 0;
	case O_TRIES:
		o->max_tries = (unsigned)v;
		return v > 0;
	case O_CLAIM:
		o->claim_ms = (unsigned)v;
		return true;
	case O_BATCH:
		o->batch = (unsigned)v;
		return v > 0 && v <= 10000;
	default:
		o->timeout_ms = (unsigned)v;
		return v > 0;
	}
}

/* False: told on standard error. */
static bool
take(int option, struct read_opts *o)
{
	const char *wrong = NULL;

	switch (option) {
	case O_REDIS:
		wrong = ship_url_parse(slice_str(optarg), &o->redis);
		if (wrong == NULL && o->redis.scheme == SHIP_MILLRACE)
			wrong = "events are not read from a millrace:// door";
		o->has_redis = true;
		break;
	case O_GROUP:
		o->group = optarg;
		break;
	case O_CONSUMER:
		o->consumer = optarg;
		break;
	case O_DEAD:
		o->dead = optarg;
		break;
	case O_JOURNAL:
		o->journal = optarg;
		break;
	case O_FROM:
		o->from = optarg;
		break;
	case O_EXEC:
		o->exec = optarg;
		break;
	case O_BLOCK:
		o->block = true;
		break;
	case O_CHECK:
		o->check = true;
		break;
	case O_JSON:
		break;
	case '?':
		fputs(usage, stderr);
		return false;
	default:
		if (!take_number(option, optarg, o))
			wrong = "not such a number";
	}
	if (wrong != NULL)
		fprintf(stderr, "millrace read: %s: %s\n", optarg, wrong);
	return wrong == NULL;
}

static int
misuse(const char *what)
{
	fprintf(stderr, "millrace read: %s\n", what);
	return EX_USAGE;
}

static void
summarize(const struct read_counts *n)
{
	fprintf(stderr, "millrace read: %" PRIu64 " taken, %" PRIu64 " retried, %"
	    PRIu64 " claimed, %" PRIu64 " doubled, %" PRIu64 " dead, %" PRIu64
	    " gone, %" PRIu64 " missing\n", n->taken, n->retried, n->claimed,
	    n->doubled, n->dead, n->gone, n->gaps);
}

int
cmd_read(int argc, char **argv)
{
	static char host[65], dead[4096];
	struct read_opts o = { .max_tries = 5, .claim_ms = 60000,
	    .timeout_ms = 30000, .batch = 100,
	    .journal = "./millrace-data/journal" };
	struct read_counts n = { .taken = 0 };
	int c, rc;

	optind = 0;
	while ((c = getopt_long(argc, argv, "h", longs, NULL)) != -1) {
		if (c == 'h')
			return fputs(usage, stdout) == EOF ? EX_IOERR : 0;
		if (!take(c, &o))
			return EX_USAGE;
	}
	if (optind + 1 != argc)
		return misuse("which stream?");
	o.stream = argv[optind];
	if (o.group != NULL && o.from != NULL)
		return misuse("a group knows itself where to go on: no --from");
	gethostname(host, sizeof host - 1);
	if (o.consumer == NULL)
		o.consumer = host;
	snprintf(dead, sizeof dead, "%s:dead", o.stream);
	if (o.dead == NULL)
		o.dead = dead;
	catch_signals();
	rc = o.has_redis ? read_from_redis(&o, &n) : read_from_journal(&o, &n);
	if (fflush(stdout) == EOF && rc == 0)
		rc = EX_IOERR;
	summarize(&n);
	return rc == 0 && o.check && n.gaps > 0 ? EX_DATAERR : rc;
}
