/* cmd_shadow.c - `millrace shadow`: before a relay is replaced, the same lines
 * through it and through ours, and what comes out differently.
 *
 * Without --ours our side is this process: the daemon's own parsers, rules and
 * rings decide about each line, and the servers of the configuration are the
 * places we listen on for what the other relay sends, which runs with the
 * configuration that ours was imported from.  With --ours both run, and each
 * has its own places. */
#include "config.h"

#include <errno.h>
#include <getopt.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <sysexits.h>

#include "app/cmd_shadow.h"
#include "app/explain.h"
#include "app/shadow.h"
#include "base/clock.h"
#include "base/number.h"
#include "conf/value.h"
#include "net/addr.h"
#include "net/listen.h"

#define MAX_LINES (1u << 20)	/* that differ, kept at once */
#define OWN_FIGURES "^(carbon\\.(relays|aggregator|agents)|statsd|stats|millrace)\\."

static const char usage[] =
    "usage: millrace shadow --against HOST:PORT [-c FILE] [OPTION ...] <LINES\n"
    "       millrace shadow --against HOST:PORT --ours HOST:PORT\n"
    "           --sink HOST:PORT=HOST:PORT ... [OPTION ...] <LINES\n"
    "\n"
    "Send lines to another relay, and print what it sends on and millrace with\n"
    "the configuration FILE would not, or the other way round. The servers of\n"
    "FILE are listened on for what the other relay sends. Status 1: it differs.\n"
    "\n"
    "  --against HOST:PORT  the other relay, which may get everything twice\n"
    "  -c FILE              our configuration\n"
    "  --ours HOST:PORT     a millrace that runs, instead of -c\n"
    "  --sink A=B           listen on A for what the other relay sends, and on\n"
    "                       B for what ours sends there instead\n"
    "  --listen HOST:PORT   take lines there until a signal comes\n"
    "  --settle TIME        wait so long after the last line, default 2s\n"
    "  --ignore PATTERN     names that are not compared; the default is the\n"
    "                       relays' own figures\n"
    "  --limit N            differences printed, default 1000\n";

struct arguments {
	const char *conf, *listen, *ignore;
	char *sinks[SHADOW_MAX_SINKS];
	size_t nsinks;
	uint64_t limit, settle_ms;
};

static volatile int stopped;

static void
stop(int signum)
{
	stopped = 1;
}

/* ---- our side, in this process ---- */

struct ours {
	struct shadow *shadow;
	struct explain explain;
	explain_read *read;
	const struct record *record;
	struct buf line;
	uint64_t refused, aggregated;
};

/* "cluster/10.0.0.1:2003=a" -> "10.0.0.1:2003" */
static void
sink_name(char *out, size_t size, const char *place)
{
	const char *slash = strchr(place, '/');
	const char *from = slash == NULL ? place : slash + 1;

	snprintf(out, size, "%.*s", (int)strcspn(from, "="), from);
}

static void
on_place(void *ctx, const char *place, struct slice name)
{
	struct ours *o = ctx;
	const struct record *r = o->record;
	char sink[300];

	sink_name(sink, sizeof sink, place);
	for (size_t i = 0; i < o->shadow->nsinks; i++) {
		if (strcmp(o->shadow->sinks[i].name, sink) != 0)
			continue;
		buf_clear(&o->line);
		buf_printf(&o->line, "%.*s %.*s %lld", SLICE_ARG(name),
		    SLICE_ARG(r->metric.text),
		    (long long)(r->time_ns / NS_PER_S));
		shadow_diff_add(&o->shadow->diff, SHADOW_OURS, sink,
		    buf_slice(&o->line));
		return;
	}
}

static void
on_record(void *ctx, const struct record *r)
{
	struct ours *o = ctx;
	struct record clean;

	if (!explain_clean(&o->explain, r, &clean)) {
		o->refused++;
		return;
	}
	o->record = r;
	explain_decide(&o->explain, &clean, NULL, NULL);
	o->aggregated += o->explain.decision.nfeeds > 0;
	explain_places(&o->explain, &clean, on_place, o);
}

static void
on_bad(void *ctx, enum reason why)
{
	struct ours *o = ctx;

	o->refused++;
}

static void
on_line(void *ctx, struct slice line)
{
	struct ours *o = ctx;
	struct explain_events events = { on_record, on_bad, o };

	o->read(o->explain.plan->conf, line, clock_real_ns(), &events);
}

/* The servers of the configuration, as places of the other relay. */
static int
listen_for_servers(struct shadow *s, const struct conf *c)
{
	for (size_t i = 0; i < c->nclusters; i++)
		for (size_t j = 0; j < c->clusters[i].nservers; j++) {
			const struct conf_server *v = &c->clusters[i].servers[j];
			char name[300];

			if (c->clusters[i].method == CONF_FILE)
				continue;	/* read it yourself */
			sink_name(name, sizeof name, v->text);
			if (v->protocol != CONF_LINE || v->tls ||
			    v->codec != CONF_PLAIN) {
				fprintf(stderr, "millrace shadow: %s: only plain "
				    "lines can be compared\n", v->text);
				return EX_CONFIG;
			}
			if (!shadow_listen(s, SHADOW_THEIRS, name, v->host,
			    v->port, v->transport == CONF_UDP)) {
				fprintf(stderr, "millrace shadow: listening on "
				    "%s: %s\n", name, strerror(errno));
				return EX_OSERR;
			}
		}
	return 0;
}

static int
open_ours(struct ours *o, const char *path)
{
	struct buf errors = BUF_INIT(1 << 20);
	struct conf *c = conf_load(path, &errors);
	char error[512];

	if (c == NULL)
		fwrite(errors.data, 1, errors.len, stderr);
	buf_fini(&errors);
	if (c == NULL)
		return EX_CONFIG;
	if (!explain_open(&o->explain, c, error, sizeof error)) {
		fprintf(stderr, "millrace shadow: %s\n", error);
		return EX_CONFIG;
	}
	buf_init(&o->line, 1 << 20);
	o->read = explain_protocol("graphite");
	o->shadow->line = on_line;
	o->shadow->ctx = o;
	return listen_for_servers(o->shadow, o->explain.plan->conf);
}

/* ---- two relays that run ---- */

static int
listen_for(struct shadow *s, enum shadow_side side, const char *name,
    const char *address)
{
	char host[256];
	uint16_t port;

	if (!addr_split(address, host, sizeof host, &port, false)) {
		fprintf(stderr, "millrace shadow: --sink: expected "
		    "HOST:PORT=HOST:PORT, found \"%s\"\n", address);
		return EX_USAGE;
	}
	if (shadow_listen(s, side, name, host, port, false) &&
	    shadow_listen(s, side, name, host, port, true))
		return 0;
	fprintf(stderr, "millrace shadow: listening on %s: %s\n", address,
	    strerror(errno));
	return EX_OSERR;
}

static int
listen_for_pairs(struct shadow *s, const struct arguments *a)
{
	int rc = 0;

	for (size_t i = 0; i < a->nsinks && rc == 0; i++) {
		char *ours = strchr(a->sinks[i], '=');

		if (ours != NULL)
			*ours++ = '\0';
		rc = listen_for(s, SHADOW_THEIRS, a->sinks[i], a->sinks[i]);
		if (rc == 0)
			rc = listen_for(s, SHADOW_OURS, a->sinks[i],
			    ours == NULL ? "" : ours);
	}
	return rc;
}

/* ---- what differs ---- */

struct printer {
	uint64_t printed, limit, more[SHADOW_SIDES];
};

static void
print(void *ctx, enum shadow_side side, const char *sink, struct slice line,
    uint64_t n)
{
	struct printer *p = ctx;

	p->more[side] += n;
	if (p->printed++ < p->limit)
		printf("%s\t%s\t%.*s%s", side == SHADOW_OURS ? "ours" : "theirs",
		    sink, SLICE_ARG(line), n == 1 ? "\n" : "");
	if (p->printed <= p->limit && n > 1)
		printf("\t(%llu times)\n", (unsigned long long)n);
}

static int
tell(const struct shadow *s, const struct ours *o, uint64_t limit)
{
	struct printer p = { .limit = limit };

	shadow_diff_each(&s->diff, print, &p);
	if (p.printed > limit)
		fprintf(stderr, "%llu more differences are not shown\n",
		    (unsigned long long)(p.printed - limit));
	if (o->aggregated > 0)
		fprintf(stderr, "%llu lines feed aggregates: to compare those, "
		    "run a millrace and name it with --ours\n",
		    (unsigned long long)o->aggregated);
	if (s->diff.missed > 0)
		fprintf(stderr, "%llu lines were not compared: too many differ\n",
		    (unsigned long long)s->diff.missed);
	fprintf(stderr, "%llu lines in; %llu out by theirs, %llu by ours; only "
	    "theirs %llu, only ours %llu; ignored %llu, refused by ours %llu\n",
	    (unsigned long long)s->lines,
	    (unsigned long long)s->diff.seen[SHADOW_THEIRS],
	    (unsigned long long)s->diff.seen[SHADOW_OURS],
	    (unsigned long long)p.more[SHADOW_THEIRS],
	    (unsigned long long)p.more[SHADOW_OURS],
	    (unsigned long long)s->diff.ignored, (unsigned long long)o->refused);
	if (fflush(stdout) != 0)
		return EX_IOERR;
	return p.printed > 0 || s->diff.missed > 0;
}

/* ---- the command ---- */

static bool
parse_ignore(struct shadow *s, const char *pattern)
{
	struct regex_error e;

	if (*pattern == '\0')
		return true;
	s->diff.ignore = regex_new(slice_str(pattern), &e);
	if (s->diff.ignore == NULL)
		fprintf(stderr, "millrace shadow: --ignore: %s\n", e.text);
	return s->diff.ignore != NULL;
}

static bool
parse_relay(struct shadow *s, enum shadow_side side, const char *text)
{
	char why[400];

	if (text == NULL)
		return true;
	s->fed[side] = dial_parse(&s->relays[side].to, text, "tcp", 2003, why,
	    sizeof why);
	if (!s->fed[side])
		fprintf(stderr, "millrace shadow: %s\n", why);
	return s->fed[side];
}

static bool
parse_listen(struct shadow *s, const char *text)
{
	char host[256];
	uint16_t port;

	if (text == NULL)
		return true;
	if (addr_split(text, host, sizeof host, &port, false))
		s->listen = listen_tcp(*host == '\0' ? NULL : host, port, false);
	else
		errno = EINVAL;
	if (s->listen == -1)
		fprintf(stderr, "millrace shadow: listening on %s: %s\n", text,
		    strerror(errno));
	return s->listen != -1;
}

static int
run(struct shadow *s, const struct arguments *a)
{
	struct ours ours = { .shadow = s };
	char why[400];
	int rc;

	rc = s->fed[SHADOW_OURS] ? listen_for_pairs(s, a) :
	    open_ours(&ours, a->conf);
	if (rc == 0 && !parse_listen(s, a->listen))
		rc = EX_OSERR;
	if (rc == 0) {
		signal(SIGINT, stop);
		signal(SIGTERM, stop);
		if (shadow_run(s, why, sizeof why))
			rc = tell(s, &ours, a->limit);
		else {
			fprintf(stderr, "millrace shadow: %s\n", why);
			rc = EX_IOERR;
		}
	}
	if (ours.read != NULL) {
		explain_close(&ours.explain);
		buf_fini(&ours.line);
	}
	return rc;
}

static int
wrong_usage(void)
{
	fputs(usage, stderr);
	return EX_USAGE;
}

int
cmd_shadow(int argc, char **argv)
{
	static const struct option longs[] = {
		{ "against", required_argument, NULL, 'a' },
		{ "config", required_argument, NULL, 'c' },
		{ "help", no_argument, NULL, 'h' },
		{ "ignore", required_argument, NULL, 'i' },
		{ "limit", required_argument, NULL, 'n' },
		{ "listen", required_argument, NULL, 'l' },
		{ "ours", required_argument, NULL, 'o' },
		{ "settle", required_argument, NULL, 't' },
		{ "sink", required_argument, NULL, 's' },
		{ NULL, 0, NULL, 0 }
	};
	struct arguments a = { .conf = conf_usual_path(), .limit = 1000,
	    .settle_ms = 2000, .ignore = OWN_FIGURES };
	static struct shadow s;
	const char *relays[SHADOW_SIDES] = { NULL, NULL };
	int c, rc = EX_USAGE;

	optind = 0;
	while ((c = getopt_long(argc, argv, "c:h", longs, NULL)) != -1) {
		if (c == 'h')
			return fputs(usage, stdout) < 0;
		if (c == '?' || (c == 's' && a.nsinks == SHADOW_MAX_SINKS) ||
		    (c == 'n' && !number_u64(slice_str(optarg), &a.limit)) ||
		    (c == 't' && !value_duration(slice_str(optarg),
		    &a.settle_ms)))
			return wrong_usage();
		if (c == 's')
			a.sinks[a.nsinks++] = optarg;
		else if (c == 'a' || c == 'o')
			relays[c == 'a' ? SHADOW_THEIRS : SHADOW_OURS] = optarg;
		else if (c == 'c')
			a.conf = optarg;
		else if (c == 'l')
			a.listen = optarg;
		else if (c == 'i')
			a.ignore = optarg;
	}
	if (optind < argc || relays[SHADOW_THEIRS] == NULL ||
	    (relays[SHADOW_OURS] == NULL) != (a.nsinks == 0) ||
	    a.settle_ms > 3600000)
		return wrong_usage();
	clock_from_env();
	s.listen = -1;
	s.settle_ms = (int)a.settle_ms;
	s.stop = &stopped;
	if (shadow_diff_init(&s.diff, MAX_LINES) &&
	    parse_ignore(&s, a.ignore) &&
	    parse_relay(&s, SHADOW_THEIRS, relays[SHADOW_THEIRS]) &&
	    parse_relay(&s, SHADOW_OURS, relays[SHADOW_OURS]))
		rc = run(&s, &a);
	shadow_close(&s);
	return rc;
}
