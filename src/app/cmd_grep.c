/* cmd_grep.c - `millrace grep`: what is asked for, and printing what is found. */
#include "config.h"

#include <errno.h>
#include <getopt.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "app/cmd_grep.h"
#include "app/grep_search.h"
#include "base/clock.h"
#include "conf/conf.h"
#include "proto/log_text.h"

#define FOUND 0
#define NOTHING 1
#define TROUBLE 2
#define THREADS_MAX 256

static const char usage_text[] =
"usage: millrace grep [option ...] PATTERN [FILE|DIRECTORY ...]\n"
"  --since TIME, --until TIME   2026-08-22T14:00:00Z, 2026-08-22, or 90m ago\n"
"  --where EXPR     only records that are meant by an expression\n"
"  -F               PATTERN is a text, not a regular expression\n"
"  -E               PATTERN is a regular expression (Perl's; the default)\n"
"  -i               letters of either case\n"
"  -c               print how many lines, not the lines\n"
"  -A N, -B N, -C N lines after, before, around each\n"
"  --json           print records as JSON\n"
"  --stats          say on standard error what was read and skipped\n"
"  -j N             threads (default: one per core)\n"
"  --format F       lines are syslog, rfc5424, json or raw\n"
"  --color WHEN     auto, always, never\n"
"PATTERN '' is every line.  Without a directory: the archives of the usual\n"
"configuration, and when there are none the current directory.\n";

struct printer {
	const struct grep_options *o;
	bool json, color;
	struct log_clock clock;
	struct buf scratch, out;
	bool any, failed;
};

/* ---- times ---- */

static bool
duration(struct slice s, int64_t *ns)
{
	static const struct { char unit; int64_t seconds; } units[] = {
		{ 's', 1 }, { 'm', 60 }, { 'h', 3600 }, { 'd', 86400 },
		{ 'w', 604800 },
	};
	int64_t v = 0;

	if (s.len < 2 || s.len > 9)
		return false;
	for (size_t i = 0; i + 1 < s.len; i++) {
		if (s.ptr[i] < '0' || s.ptr[i] > '9')
			return false;
		v = v * 10 + (s.ptr[i] - '0');
	}
	for (size_t i = 0; i < sizeof units / sizeof *units; i++)
		if (units[i].unit == s.ptr[s.len - 1] && v < 1000000000 /
		    units[i].seconds * 9) {
			*ns = v * units[i].seconds * NS_PER_S;
			return true;
		}
	return false;
}

/* A time, a day, or how long ago. */
static bool
parse_time(const char *text, int64_t *ns)
{
	char full[64];
	int64_t ago;

	if (duration(slice_str(text), &ago)) {
		*ns = clock_real_ns() - ago;
		return true;
	}
	if (log_text_time_parse(slice_str(text), ns))
		return true;
	if (strlen(text) > 32)
		return false;
	snprintf(full, sizeof full, "%s%s", text, strlen(text) == 10 ?
	    "T00:00:00Z" : strlen(text) == 16 ? ":00Z" : "Z");
	if (full[10] == ' ')
		full[10] = 'T';
	return log_text_time_parse(slice_str(full), ns);
}

/* ---- printing ---- */

static void
put_colored(const struct printer *p, struct slice line)
{
	struct slice m;

	while (grep_pattern_where(&p->o->pattern, line, &m)) {
		fwrite(line.ptr, 1, (size_t)(m.ptr - line.ptr), stdout);
		fputs("\033[1;31m", stdout);
		fwrite(m.ptr, 1, m.len, stdout);
		fputs("\033[m", stdout);
		line = slice_from(line, (size_t)(m.ptr - line.ptr) + m.len);
	}
	fwrite(line.ptr, 1, line.len, stdout);
}

static void
put_json(struct printer *p, struct slice line, enum log_format format)
{
	struct record r;

	buf_clear(&p->out);
	if (log_line_parse(format, line, &r, &p->scratch) != REASON_NONE &&
	    log_line_parse(LOG_FORMAT_RAW, line, &r, &p->scratch) !=
	    REASON_NONE)
		return;
	if (log_line_write(LOG_FORMAT_JSON, &r, &p->clock, &p->out))
		fwrite(p->out.data, 1, p->out.len, stdout);
}

static bool
print(void *ctx, struct slice line, enum log_format format, bool context,
    bool gap)
{
	struct printer *p = ctx;

	if (gap && p->any && !p->json)
		fputs(p->color ? "\033[36m--\033[m\n" : "--\n", stdout);
	p->any = true;
	if (p->json) {
		put_json(p, slice_upto(line, line.len - 1), format);
	} else if (p->color && !context) {
		put_colored(p, slice_upto(line, line.len - 1));
		putchar('\n');
	} else {
		fwrite_unlocked(line.ptr, 1, line.len, stdout);
	}
	return !ferror_unlocked(stdout);
}

static void
print_stats(const struct grep_stats *s)
{
	fprintf(stderr, "files %" PRIu64 ", frames %" PRIu64 ", read %" PRIu64
	    ", skipped %" PRIu64 ", bytes of text read %" PRIu64
	    ", lines %" PRIu64 "\n", s->files, s->frames, s->frames_read,
	    s->frames - s->frames_read, s->text_bytes, s->lines);
}

/* ---- options ---- */

struct asked {
	struct grep_options o;
	struct printer p;
	bool fixed, icase, stats;
};

enum { OPT_SINCE = 256, OPT_UNTIL, OPT_WHERE, OPT_JSON, OPT_STATS, OPT_FORMAT,
    OPT_COLOR, OPT_HELP };

static const struct option longs[] = {
	{ "since", required_argument, NULL, OPT_SINCE },
	{ "until", required_argument, NULL, OPT_UNTIL },
	{ "where", required_argument, NULL, OPT_WHERE },
	{ "json", no_argument, NULL, OPT_JSON },
	{ "stats", no_argument, NULL, OPT_STATS },
	{ "format", required_argument, NULL, OPT_FORMAT },
	{ "color", required_argument, NULL, OPT_COLOR },
	{ "colour", required_argument, NULL, OPT_COLOR },
	{ "help", no_argument, NULL, OPT_HELP },
	{ NULL, 0, NULL, 0 },
};

static bool
wrong(const char *what, const char *value)
{
	fprintf(stderr, "millrace grep: %s: %s\n", what, value);
	return false;
}

static bool
number(const char *text, unsigned max, unsigned *out)
{
	unsigned v = 0;

	if (*text == '\0' || strlen(text) > 8)
		return wrong("not a number", text);
	for (; *text != '\0'; text++) {
		if (*text < '0' || *text > '9')
			return wrong("not a number", text);
		v = v * 10 + (unsigned)(*text - '0');
	}
	*out = v < max ? v : max;
	return true;
}

static bool
set_where(struct asked *a, const char *text)
{
	struct expr_error e;

	expr_free(a->o.where);
	a->o.where = expr_new(slice_str(text), &e);
	if (a->o.where != NULL)
		return true;
	fprintf(stderr, "millrace grep: --where:%zu: %s\n", e.offset + 1,
	    e.text);
	return false;
}

static bool
set_format(struct asked *a, const char *text)
{
	enum log_format f;

	if (!log_format_named(slice_str(text), &f))
		return wrong("no such format", text);
	a->o.format = (int)f;
	return true;
}

static bool
set_color(struct asked *a, const char *text)
{
	if (strcmp(text, "always") == 0)
		a->p.color = true;
	else if (strcmp(text, "never") == 0)
		a->p.color = false;
	else if (strcmp(text, "auto") != 0)
		return wrong("--color is auto, always or never, not", text);
	return true;
}

static bool
set(struct asked *a, int c)
{
	switch (c) {
	case 'F': a->fixed = true; return true;
	case 'E': a->fixed = false; return true;
	case 'i': a->icase = true; return true;
	case 'c': a->o.count = true; return true;
	case 'A': return number(optarg, 100000, &a->o.after);
	case 'B': return number(optarg, 100000, &a->o.before);
	case 'C': return number(optarg, 100000, &a->o.after) &&
		    number(optarg, 100000, &a->o.before);
	case 'j': return number(optarg, THREADS_MAX, &a->o.threads);
	case OPT_SINCE: return parse_time(optarg, &a->o.since_ns) ||
		    wrong("not a time", optarg);
	case OPT_UNTIL: return parse_time(optarg, &a->o.until_ns) ||
		    wrong("not a time", optarg);
	case OPT_WHERE: return set_where(a, optarg);
	case OPT_JSON: a->p.json = true; return true;
	case OPT_STATS: a->stats = true; return true;
	case OPT_FORMAT: return set_format(a, optarg);
	case OPT_COLOR: return set_color(a, optarg);
	default:
		fputs(usage_text, stderr);
		return false;
	}
}

/* The archives of the configuration that runs here; false: there are none. */
static bool
add_archives(struct grep_search *s)
{
	struct buf errors = BUF_INIT(1 << 20);
	struct conf *c = conf_load(conf_usual_path(), &errors);
	bool any = false;

	for (size_t i = 0; c != NULL && i < c->narchives; i++)
		if (access(c->archives[i].dir, R_OK) == 0)
			any = grep_search_add(s, c->archives[i].dir) || any;
	buf_fini(&errors);
	conf_free(c);
	return any;
}

static int
search(struct asked *a, int argc, char **argv)
{
	struct grep_search *s = grep_search_new(&a->o);
	uint64_t lines;
	bool ok = true;
	int rc;

	if (s == NULL)
		return TROUBLE;
	for (int i = 0; i < argc; i++)
		ok = grep_search_add(s, argv[i]) && ok;
	if (argc == 0)
		ok = add_archives(s) || grep_search_add(s, ".");
	a->p.o = &a->o;
	grep_search_run(s, print, &a->p);
	lines = grep_search_stats(s)->lines;
	if (a->o.count)
		printf("%" PRIu64 "\n", lines);
	if (a->stats)
		print_stats(grep_search_stats(s));
	ok = ok && grep_search_stats(s)->errors == 0 && fflush(stdout) == 0;
	rc = !ok ? TROUBLE : lines > 0 ? FOUND : NOTHING;
	grep_search_free(s);
	return rc;
}

int
cmd_grep(int argc, char **argv)
{
	long cores = sysconf(_SC_NPROCESSORS_ONLN);
	struct asked a = {
		.o = { .since_ns = INT64_MIN, .until_ns = INT64_MAX,
		    .format = -1, .threads = cores < 1 ? 1 :
		    cores > THREADS_MAX ? THREADS_MAX : (unsigned)cores },
		.p = { .scratch = BUF_INIT((size_t)256 << 20),
		    .out = BUF_INIT((size_t)256 << 20) },
	};
	struct regex_error e;
	bool ok = true;
	int c, rc;

	a.p.color = isatty(STDOUT_FILENO) == 1;
	a.o.progress = isatty(STDERR_FILENO) == 1;
	while (ok && (c = getopt_long(argc, argv, "FEicA:B:C:j:", longs,
	    NULL)) != -1) {
		if (c == OPT_HELP)
			return fputs(usage_text, stdout) < 0 ? TROUBLE : FOUND;
		ok = set(&a, c);
	}
	if (!ok || optind == argc) {
		if (ok)
			fputs(usage_text, stderr);
		expr_free(a.o.where);
		return TROUBLE;
	}
	if (a.o.threads == 0)
		a.o.threads = 1;
	if (!grep_pattern_init(&a.o.pattern, slice_str(argv[optind]), a.fixed,
	    a.icase, &e)) {
		fprintf(stderr, "millrace grep: pattern:%zu: %s\n",
		    e.offset + 1, e.text);
		expr_free(a.o.where);
		return TROUBLE;
	}
	a.o.blocks = !a.p.json && !a.p.color && a.o.before == 0 &&
	    a.o.after == 0;
	setvbuf(stdout, NULL, _IOFBF, 1 << 16);
	rc = search(&a, argc - optind - 1, argv + optind + 1);
	grep_pattern_fini(&a.o.pattern);
	expr_free(a.o.where);
	buf_fini(&a.p.scratch);
	buf_fini(&a.p.out);
	return rc;
}
