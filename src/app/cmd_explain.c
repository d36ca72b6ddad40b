/* cmd_explain.c - `millrace explain`: what becomes of a line, and why.
 *
 * Lines go through the daemon's own parsers, rules and rings; nothing is
 * sent. */
#include "config.h"

#include <errno.h>
#include <getopt.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sysexits.h>

#include "app/cmd_explain.h"
#include "app/explain.h"
#include "base/clock.h"
#include "conf/conf.h"
#include "conf/import.h"
#include "proto/log_line.h"
#include "proto/record_json.h"

#define OUTPUT_MAX	(16u << 20)
#define LINE_MAX_BYTES	(16u << 20)
#define MAX_PLACES	1024

static const char usage[] =
    "usage: millrace explain [-c FILE] [--json] PROTOCOL [LINE]\n"
    "       millrace explain [-c FILE] graphite --destinations\n"
    "       millrace explain graphite --moved OLD NEW\n"
    "\n"
    "Show what becomes of a line: its records, each rule that they meet, where\n"
    "they go.  PROTOCOL is one of " EXPLAIN_PROTOCOLS ".  Without LINE,\n"
    "lines are read from standard input.\n"
    "\n"
    "  -c FILE         the configuration\n"
    "  --json          one JSON object for each line\n"
    "  --destinations  for each \"name value time\" its name and its servers\n"
    "  --moved OLD NEW the names (first words of lines) whose servers differ\n"
    "                  between two configurations, with both; a carbon.conf is\n"
    "                  carbon's, another NAME.conf is carbon-c-relay's\n";

/* ---- one configuration ---- */

static bool
ends_in(const char *path, const char *end)
{
	size_t n = strlen(path), m = strlen(end);

	return n >= m && strcmp(path + n - m, end) == 0;
}

/* What the importers make of another relay's file. */
static struct conf *
load_foreign(const char *path, struct buf *errors)
{
	struct buf yaml = BUF_INIT(OUTPUT_MAX);
	struct conf *c = NULL;
	int rc = ends_in(path, "carbon.conf") ?
	    import_carbon(&path, 1, NULL, &yaml, errors) :
	    import_carbon_c_relay(path, SLICE(""), &yaml, errors);

	if (rc == 0)
		c = conf_parse(buf_slice(&yaml), path, errors);
	buf_fini(&yaml);
	return c;
}

typedef struct conf *load(const char *path, struct buf *errors);

static load *
loader_of(const char *path)
{
	return ends_in(path, ".conf") ? load_foreign : conf_load;
}

static bool
open_conf(struct explain *e, load *how, const char *path, int *status)
{
	struct buf errors = BUF_INIT(OUTPUT_MAX);
	struct conf *c = how(path, &errors);
	char error[512];
	bool ok;

	if (c == NULL)
		fwrite(errors.data, 1, errors.len, stderr);
	buf_fini(&errors);
	*status = EX_CONFIG;
	if (c == NULL)
		return false;
	ok = explain_open(e, c, error, sizeof error);
	if (!ok)
		fprintf(stderr, "millrace explain: %s\n", error);
	return ok;
}

/* Calls each() for every line of standard input, without its end. */
static int
each_line(void (*each)(void *ctx, struct slice line), void *ctx)
{
	char *line = NULL;
	size_t size = 0;
	ssize_t n;
	int status = 0;

	while ((n = getline(&line, &size, stdin)) != -1) {
		if (n > 0 && line[n - 1] == '\n')
			n--;
		if (n > (ssize_t)LINE_MAX_BYTES)
			n = LINE_MAX_BYTES;
		each(ctx, slice_of(line, (size_t)n));
	}
	if (ferror(stdin)) {
		fprintf(stderr, "millrace explain: standard input: %s\n",
		    strerror(errno));
		status = EX_IOERR;
	}
	free(line);
	return fflush(stdout) == 0 ? status : EX_IOERR;
}

/* ---- what is said of one line ---- */

struct answer {
	struct explain e;
	explain_read *read;
	bool json;
	struct log_clock clock;
	struct buf records, bad, rules, to;
	const char *places[MAX_PLACES];		/* told so far */
	size_t nplaces;
};

static bool
is_told(struct answer *a, const char *place)
{
	for (size_t i = 0; i < a->nplaces; i++)
		if (strcmp(a->places[i], place) == 0)
			return true;
	if (a->nplaces < MAX_PLACES)
		a->places[a->nplaces++] = place;
	return false;
}

static void
put_text(struct buf *out, struct slice s)
{
	if (out->len > 0)
		buf_addc(out, ',');
	record_json_string(out, s);
}

static void
on_bad(void *ctx, enum reason why)
{
	struct answer *a = ctx;

	if (a->json)
		put_text(&a->bad, slice_str(reason_name(why)));
	else
		printf("bad: %s\n", reason_name(why));
}

static void
on_rule(void *ctx, unsigned rule, const char *name, struct slice what)
{
	struct answer *a = ctx;
	struct buf text = BUF_INIT(OUTPUT_MAX);

	buf_printf(&text, "%s: %.*s", name, SLICE_ARG(what));
	if (a->json)
		put_text(&a->rules, buf_slice(&text));
	else
		printf("  rule %.*s\n", SLICE_ARG(buf_slice(&text)));
	buf_fini(&text);
}

/* To people each line of a flush is shown, to programs each place once. */
static void
on_place(void *ctx, const char *place, struct slice line)
{
	struct answer *a = ctx;
	bool told = is_told(a, place);

	if (a->json && !told)
		put_text(&a->to, slice_str(place));
	else if (!a->json && line.len > 0)
		printf("  to %s as %.*s\n", place, SLICE_ARG(line));
	else if (!a->json)
		printf("  to %s\n", place);
}

static void
on_record(void *ctx, const struct record *r)
{
	struct answer *a = ctx;
	struct record clean;

	if (!explain_clean(&a->e, r, &clean)) {
		on_bad(a, REASON_BAD_NAME);
		return;
	}
	if (a->json && a->records.len > 0)
		buf_addc(&a->records, ',');
	record_json(&a->records, &clean, &a->clock);
	if (!a->json) {
		printf("%.*s\n", SLICE_ARG(buf_slice(&a->records)));
		buf_clear(&a->records);
		a->nplaces = 0;
	}
	explain_decide(&a->e, &clean, on_rule, a);
	explain_places(&a->e, &clean, on_place, a);
	if (!a->json && a->e.decision.dropped_by < 0 && a->nplaces == 0)
		printf("  to nowhere\n");
}

static void
on_line(void *ctx, struct slice line)
{
	struct answer *a = ctx;
	struct explain_events events = { on_record, on_bad, a };

	a->nplaces = 0;
	a->read(a->e.plan->conf, line, clock_real_ns(), &events);
	if (!a->json)
		return;
	printf("{\"records\":[%.*s],\"bad\":[%.*s],\"rules\":[%.*s],"
	    "\"to\":[%.*s]}\n", SLICE_ARG(buf_slice(&a->records)),
	    SLICE_ARG(buf_slice(&a->bad)), SLICE_ARG(buf_slice(&a->rules)),
	    SLICE_ARG(buf_slice(&a->to)));
	buf_clear(&a->records);
	buf_clear(&a->bad);
	buf_clear(&a->rules);
	buf_clear(&a->to);
}

static int
explain(const char *path, explain_read *read, bool json, const char *line)
{
	struct answer a = { .read = read, .json = json };
	struct buf *bufs[] = { &a.records, &a.bad, &a.rules, &a.to };
	int status;

	if (!open_conf(&a.e, conf_load, path, &status))
		return status;
	for (size_t i = 0; i < 4; i++)
		buf_init(bufs[i], OUTPUT_MAX);
	status = 0;
	if (line == NULL)
		status = each_line(on_line, &a);
	else
		on_line(&a, slice_str(line));
	for (size_t i = 0; i < 4; i++)
		buf_fini(bufs[i]);
	explain_close(&a.e);
	return fflush(stdout) == 0 ? status : EX_IOERR;
}

/* ---- servers of names ---- */

struct servers {
	struct explain e;
	struct buf name, servers;	/* of the line just read */
	bool good;
	uint64_t lines, bad, moved;
};

/* "cluster/server" is said as the server. */
static void
add_server(void *ctx, const char *place, struct slice line)
{
	struct servers *s = ctx;
	const char *slash = strchr(place, '/');

	if (s->servers.len > 0)
		buf_addc(&s->servers, ',');
	buf_adds(&s->servers, slash == NULL ? place : slash + 1);
}

static void
point_record(void *ctx, const struct record *r)
{
	struct servers *s = ctx;
	struct record clean;

	s->good = explain_clean(&s->e, r, &clean);
	if (!s->good)
		return;
	explain_decide(&s->e, &clean, NULL, NULL);
	explain_places(&s->e, &clean, add_server, s);
	buf_add_slice(&s->name, buf_slice(&s->e.name));
}

static void
point_bad(void *ctx, enum reason why)
{
}

/* The servers of a point's name, in s->servers; s->good when it is a point. */
static void
find_servers(struct servers *s, struct slice line)
{
	struct explain_events events = { point_record, point_bad, s };

	buf_clear(&s->name);
	buf_clear(&s->servers);
	s->good = false;
	s->lines++;
	explain_protocol("graphite")(s->e.plan->conf, line, clock_real_ns(),
	    &events);
	s->bad += !s->good;
}

static void
destination_line(void *ctx, struct slice line)
{
	struct servers *s = ctx;

	find_servers(s, line);
	if (s->good)
		printf("%.*s\t%.*s\n", SLICE_ARG(buf_slice(&s->name)),
		    SLICE_ARG(buf_slice(&s->servers)));
}

/* On false there is nothing to close. */
static bool
open_servers(struct servers *s, load *how, const char *path, int *status)
{
	memset(s, 0, sizeof *s);
	if (!open_conf(&s->e, how, path, status))
		return false;
	buf_init(&s->name, OUTPUT_MAX);
	buf_init(&s->servers, OUTPUT_MAX);
	return true;
}

static void
close_servers(struct servers *s)
{
	buf_fini(&s->name);
	buf_fini(&s->servers);
	explain_close(&s->e);
}

static int
destinations(const char *path)
{
	struct servers s;
	int status;

	if (!open_servers(&s, conf_load, path, &status))
		return status;
	status = each_line(destination_line, &s);
	if (s.bad > 0)
		fprintf(stderr, "%llu of %llu lines are no points\n",
		    (unsigned long long)s.bad, (unsigned long long)s.lines);
	close_servers(&s);
	return status;
}

struct move {
	struct servers old, new;
	struct buf point;
};

static void
moved_line(void *ctx, struct slice line)
{
	struct move *m = ctx;
	size_t n = 0;

	while (n < line.len && line.ptr[n] != ' ' && line.ptr[n] != '\t' &&
	    line.ptr[n] != '\r')
		n++;
	if (n == 0)
		return;
	buf_clear(&m->point);
	buf_add_slice(&m->point, slice_upto(line, n));
	buf_adds(&m->point, " 0 1");
	find_servers(&m->old, buf_slice(&m->point));
	find_servers(&m->new, buf_slice(&m->point));
	if (!m->old.good || slice_eq(buf_slice(&m->old.servers),
	    buf_slice(&m->new.servers)))
		return;
	m->old.moved++;
	printf("%.*s\t%.*s\t%.*s\n", (int)n, line.ptr,
	    SLICE_ARG(buf_slice(&m->old.servers)),
	    SLICE_ARG(buf_slice(&m->new.servers)));
}

static int
moved(const char *old, const char *new)
{
	struct move m = { .point = BUF_INIT(LINE_MAX_BYTES + 16) };
	int status;

	if (!open_servers(&m.old, loader_of(old), old, &status))
		return status;
	if (!open_servers(&m.new, loader_of(new), new, &status)) {
		close_servers(&m.old);
		return status;
	}
	status = each_line(moved_line, &m);
	fprintf(stderr, "%llu of %llu names moved\n",
	    (unsigned long long)m.old.moved, (unsigned long long)m.old.lines);
	close_servers(&m.old);
	close_servers(&m.new);
	buf_fini(&m.point);
	return status;
}

/* ---- the command ---- */

static int
wrong_usage(void)
{
	fputs(usage, stderr);
	return EX_USAGE;
}

int
cmd_explain(int argc, char **argv)
{
	static const struct option longs[] = {
		{ "config", required_argument, NULL, 'c' },
		{ "json", no_argument, NULL, 'j' },
		{ "destinations", no_argument, NULL, 'd' },
		{ "moved", no_argument, NULL, 'm' },
		{ "help", no_argument, NULL, 'h' },
		{ NULL, 0, NULL, 0 }
	};
	const char *path = conf_usual_path();
	bool json = false, dests = false, move = false;
	explain_read *read;
	int c, left;

	optind = 0;
	while ((c = getopt_long(argc, argv, "c:h", longs, NULL)) != -1) {
		if (c == 'h')
			return fputs(usage, stdout) < 0;
		if (c == '?')
			return wrong_usage();
		json |= c == 'j';
		dests |= c == 'd';
		move |= c == 'm';
		path = c == 'c' ? optarg : path;
	}
	clock_from_env();
	left = argc - optind;
	read = left > 0 ? explain_protocol(argv[optind]) : NULL;
	if (read == NULL)
		return wrong_usage();
	if (dests || move) {
		if (strcmp(argv[optind], "graphite") != 0 || (dests && move) ||
		    left != (move ? 3 : 1))
			return wrong_usage();
		return dests ? destinations(path) :
		    moved(argv[optind + 1], argv[optind + 2]);
	}
	if (left > 2)
		return wrong_usage();
	return explain(path, read, json, left == 2 ? argv[optind + 1] : NULL);
}
