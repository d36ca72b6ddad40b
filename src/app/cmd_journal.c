/* cmd_journal.c - `millrace journal`: look into the journal of events, and
 * mend it.
 *
 * Looking touches nothing and may be done while a daemon writes to it.  Mending
 * is what the daemon does itself when it starts; the command is for doing it
 * before. */
#include "config.h"

#include <dirent.h>
#include <errno.h>
#include <getopt.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <sysexits.h>
#include <time.h>
#include <unistd.h>

#include "app/cmd_journal.h"
#include "base/json.h"
#include "base/map.h"
#include "base/number.h"
#include "conf/conf.h"
#include "proto/resp.h"
#include "sink/journal.h"

#define MAX_FIELDS 65536

static const char usage[] =
    "usage: millrace journal ls     [-c FILE | [-d] DIR]\n"
    "       millrace journal cat    [-c FILE | [-d] DIR] [-s STREAM] [-a SEQ] [-n N] [--resp]\n"
    "       millrace journal verify [-c FILE | [-d] DIR]\n"
    "       millrace journal repair [-c FILE | [-d] DIR]\n"
    "\n"
    "  ls       the files of the journal and the streams in it\n"
    "  cat      the events, one JSON object a line\n"
    "  verify   read everything and check it; exit 1 when something is damaged\n"
    "           or acknowledged events are missing\n"
    "  repair   put damaged files aside (.bad) and keep what is whole; not\n"
    "           while a daemon has it open\n"
    "\n"
    "  -c FILE     the configuration that says where the journal is\n"
    "  -d DIR      the directory of the journal itself\n"
    "  -s STREAM   only this stream\n"
    "  -a SEQ      only events with a higher sequence (without -s: a higher\n"
    "              number in the journal)\n"
    "  -n N        at most so many\n"
    "  --resp      as XADD commands with their ids, for redis-cli --pipe\n";

/* What was asked for, and what is found. */
struct look {
	char *dir;
	const char *stream;
	uint64_t after, most, given;
	bool resp;
	struct buf out;
	struct pair *pairs;
	struct map *streams;
};

struct tally {
	uint64_t events, first, last, last_ms;
};

/* ---- where it is ---- */

static char *
dir_of_conf(const char *path)
{
	struct buf errors = BUF_INIT(1 << 20);
	struct conf *c = conf_load(path, &errors);
	char *dir = NULL;

	if (errors.len > 0)
		fwrite(errors.data, 1, errors.len, stderr);
	buf_fini(&errors);
	if (c != NULL && asprintf(&dir, "%s/journal", c->state_dir) == -1)
		dir = NULL;
	conf_free(c);
	return dir;
}

static struct journal_options
options_of(struct look *l)
{
	return (struct journal_options){ .dir = l->dir, .ctx = l };
}

/* ---- printing ---- */

static void
print_time(uint64_t ms)
{
	time_t s = (time_t)(ms / 1000);
	char text[32];
	struct tm tm;

	if (ms == 0 || gmtime_r(&s, &tm) == NULL ||
	    strftime(text, sizeof text, "%Y-%m-%dT%H:%M:%S", &tm) == 0)
		printf("%-24s", "-");
	else
		printf("%s.%03uZ", text, (unsigned)(ms % 1000));
}

/* A name as it is, or quoted when a terminal should not see it. */
static void
print_name(struct slice name)
{
	struct buf b = BUF_INIT(4096);
	bool bad = false;

	if (json_add_string(&b, name, &bad) && !bad && b.len == name.len + 2)
		printf("%.*s", SLICE_ARG(name));
	else
		printf("%.*s", SLICE_ARG(buf_slice(&b)));
	buf_fini(&b);
}

static void
print_report(const struct look *l, const struct journal_report *r)
{
	printf("%s: node ", l->dir);
	for (int i = 0; i < 16; i++)
		printf("%02x%s", r->node[i],
		    i == 3 || i == 5 || i == 7 || i == 9 ? "-" : "");
	printf("\n%llu events in %llu files, %llu bytes",
	    (unsigned long long)r->events, (unsigned long long)r->segments,
	    (unsigned long long)r->bytes);
	if (r->events > 0)
		printf(", numbers %llu to %llu",
		    (unsigned long long)r->first_lsn,
		    (unsigned long long)r->last_lsn);
	printf("\n");
	if (r->torn_bytes > 0)
		printf("%llu bytes at the end were never acknowledged and are "
		    "left out\n", (unsigned long long)r->torn_bytes);
	if (r->known_lost > 0)
		printf("%llu events are missing since an earlier repair\n",
		    (unsigned long long)r->known_lost);
	if (r->quarantined > 0)
		printf("%llu files are damaged\n",
		    (unsigned long long)r->quarantined);
	if (r->lost_events > 0)
		printf("%llu ACKNOWLEDGED EVENTS ARE MISSING\n",
		    (unsigned long long)r->lost_events);
	for (size_t i = 0; i < r->nlosses; i++) {
		const struct journal_loss *lost = &r->losses[i];

		if (lost->stream[0] == '\0') {
			printf("  %llu of streams that are not known\n",
			    (unsigned long long)lost->to);
			continue;
		}
		printf("  stream ");
		print_name(slice_str(lost->stream));
		printf(": %llu to %llu\n", (unsigned long long)lost->from,
		    (unsigned long long)lost->to);
	}
}

static int
verdict(const struct journal_report *r)
{
	return r->lost_events > 0 || r->quarantined > 0;
}

static int
complain(const struct look *l, const struct journal_report *r)
{
	int status = errno == EBUSY ? EX_TEMPFAIL : EX_IOERR;

	fprintf(stderr, "millrace journal: %s: %s\n", l->dir,
	    r->message[0] != '\0' ? r->message : strerror(errno));
	return status;
}

/* ---- ls ---- */

static void
count_event(void *ctx, const struct journal_entry *e)
{
	struct look *l = ctx;
	struct tally *t = map_get(l->streams, e->stream);

	if (t == NULL) {
		t = calloc(1, sizeof *t);
		if (t == NULL || !map_put(l->streams, e->stream, t, NULL)) {
			free(t);
			return;
		}
		t->first = e->seq;
	}
	t->events++;
	t->last = e->seq;
	t->last_ms = e->ms;
}

static void
print_file(void *ctx, const struct journal_file *f)
{
	(void)ctx;
	printf("%016llx.seg  %10llu  %10llu  ",
	    (unsigned long long)f->first_lsn, (unsigned long long)f->events,
	    (unsigned long long)f->used);
	print_time(f->last_ms);
	printf("%s%s\n", f->damaged ? "  DAMAGED" : "",
	    f->rewritten ? "  rewritten" : "");
}

static void
print_streams(const struct look *l)
{
	struct slice name;
	size_t pos = 0;
	void *value;

	if (map_len(l->streams) > 0)
		printf("\n%10s  %12s  %12s  %-24s  stream\n", "events", "first",
		    "last", "newest");
	while (map_next(l->streams, &pos, &name, &value)) {
		const struct tally *t = value;

		printf("%10llu  %12llu  %12llu  ",
		    (unsigned long long)t->events, (unsigned long long)t->first,
		    (unsigned long long)t->last);
		print_time(t->last_ms);
		printf("  ");
		print_name(name);
		printf("%s\n", t->events != t->last - t->first + 1 ?
		    "  (with gaps)" : "");
	}
}

/* Spares, and what was put aside. */
static void
print_others(const struct look *l)
{
	DIR *d = opendir(l->dir);
	struct dirent *e;
	unsigned spares = 0;

	while (d != NULL && (e = readdir(d)) != NULL) {
		size_t n = strlen(e->d_name);

		if (n > 4 && strcmp(e->d_name + n - 4, ".bad") == 0)
			printf("%s  put aside\n", e->d_name);
		else if (n > 6 && strcmp(e->d_name + n - 6, ".spare") == 0)
			spares++;
	}
	if (d != NULL)
		closedir(d);
	printf("%u spare files\n", spares);
}

static int
look_at(struct look *l, const struct journal_options *o,
    struct journal_report *r)
{
	if (journal_inspect(o, r) == 0)
		return 0;
	return complain(l, r);
}

static int
list(struct look *l)
{
	struct journal_options o = options_of(l);
	struct journal_report r;
	int status;

	o.visit = count_event;
	o.visit_file = print_file;
	l->streams = map_new(1 << 20);
	if (l->streams == NULL)
		return EX_OSERR;
	printf("%-20s  %10s  %10s  newest\n", "file", "events", "bytes");
	status = look_at(l, &o, &r);
	if (status == 0) {
		print_others(l);
		print_streams(l);
		status = verdict(&r);
	}
	journal_report_fini(&r);
	map_free(l->streams, free);
	return status;
}

/* ---- cat ---- */

static void
add_json(struct look *l, const struct journal_entry *e, size_t nfields)
{
	struct buf *b = &l->out;
	bool bad = false;

	buf_adds(b, "{\"kind\":\"event\",\"stream\":");
	json_add_string(b, e->stream, &bad);
	buf_printf(b, ",\"id\":\"%llu-%llu\"", (unsigned long long)e->ms,
	    (unsigned long long)e->seq);
	if (e->pid.len > 0) {
		buf_adds(b, ",\"pid\":");
		json_add_string(b, e->pid, &bad);
		buf_adds(b, ",\"iid\":");
		json_add_string(b, e->iid, &bad);
	}
	buf_adds(b, ",\"fields\":[");
	for (size_t i = 0; i < nfields; i++) {
		buf_adds(b, i > 0 ? ",[" : "[");
		json_add_string(b, l->pairs[i].key, &bad);
		buf_addc(b, ',');
		json_add_string(b, l->pairs[i].value, &bad);
		buf_addc(b, ']');
	}
	buf_printf(b, "],\"time\":%llu.%03u%s}\n",
	    (unsigned long long)(e->ms / 1000), (unsigned)(e->ms % 1000),
	    bad ? ",\"flags\":[\"not_utf8\"]" : "");
}

static void
add_resp(struct look *l, const struct journal_entry *e, size_t nfields)
{
	struct buf *b = &l->out;

	resp_add_array(b, 3 + 2 * nfields);
	resp_add_bulk(b, SLICE("XADD"));
	resp_add_bulk(b, e->stream);
	resp_add_id(b, e->ms, e->seq);
	for (size_t i = 0; i < nfields; i++) {
		resp_add_bulk(b, l->pairs[i].key);
		resp_add_bulk(b, l->pairs[i].value);
	}
}

static void
cat_event(void *ctx, const struct journal_entry *e)
{
	struct look *l = ctx;
	size_t n;

	if (l->stream != NULL && !slice_eq(e->stream, slice_str(l->stream)))
		return;
	if ((l->stream != NULL ? e->seq : e->lsn) <= l->after ||
	    l->given == l->most)
		return;
	l->given++;
	n = journal_fields(e->fields, l->pairs, MAX_FIELDS);
	if (n > MAX_FIELDS)
		n = 0;
	buf_clear(&l->out);
	if (l->resp)
		add_resp(l, e, n);
	else
		add_json(l, e, n);
	if (fwrite(l->out.data, 1, l->out.len, stdout) != l->out.len)
		exit(EX_IOERR);
}

static int
cat(struct look *l)
{
	struct journal_options o = options_of(l);
	struct journal_report r;
	int status;

	o.visit = cat_event;
	l->pairs = calloc(MAX_FIELDS, sizeof *l->pairs);
	if (l->pairs == NULL)
		return EX_OSERR;
	status = look_at(l, &o, &r);
	if (status == 0 && (fflush(stdout) != 0 || ferror(stdout)))
		status = EX_IOERR;
	if (status == 0 && verdict(&r) != 0) {
		fprintf(stderr, "millrace journal: %llu events are missing, "
		    "see millrace journal verify\n",
		    (unsigned long long)r.lost_events);
		status = 1;
	}
	journal_report_fini(&r);
	free(l->pairs);
	return status;
}

/* ---- verify, repair ---- */

static int
verify(struct look *l)
{
	struct journal_options o = options_of(l);
	struct journal_report r;
	int status = look_at(l, &o, &r);

	if (status == 0) {
		print_report(l, &r);
		status = verdict(&r);
	}
	journal_report_fini(&r);
	return status;
}

static int
repair(struct look *l)
{
	struct journal_options o = options_of(l);
	struct journal_report r;
	struct stat st;
	int status;

	if (stat(l->dir, &st) == -1) {
		fprintf(stderr, "millrace journal: %s: %s\n", l->dir,
		    strerror(errno));
		return EX_NOINPUT;
	}
	if (journal_mend(&o, &r) == -1) {
		status = complain(l, &r);
	} else {
		print_report(l, &r);
		status = verdict(&r);
	}
	journal_report_fini(&r);
	return status;
}

/* ---- arguments ---- */

static const struct {
	const char *name;
	int (*run)(struct look *l);
} verbs[] = {
	{ "ls", list }, { "cat", cat }, { "verify", verify }, { "repair", repair },
};

static int
wrong(void)
{
	fputs(usage, stderr);
	return EX_USAGE;
}

static bool
read_options(int argc, char **argv, struct look *l, const char **conf)
{
	static const struct option longs[] = {
		{ "config", required_argument, NULL, 'c' },
		{ "dir", required_argument, NULL, 'd' },
		{ "stream", required_argument, NULL, 's' },
		{ "after", required_argument, NULL, 'a' },
		{ "count", required_argument, NULL, 'n' },
		{ "resp", no_argument, NULL, 'r' },
		{ NULL, 0, NULL, 0 }
	};
	bool ok = true;
	int c;

	optind = 0;
	while (ok && (c = getopt_long(argc, argv, "c:d:s:a:n:", longs,
	    NULL)) != -1) {
		switch (c) {
		case 'c':
			*conf = optarg;
			break;
		case 'd':
			free(l->dir);
			l->dir = strdup(optarg);
			break;
		case 's':
			l->stream = optarg;
			break;
		case 'a':
			ok = number_u64(slice_str(optarg), &l->after);
			break;
		case 'n':
			ok = number_u64(slice_str(optarg), &l->most);
			break;
		case 'r':
			l->resp = true;
			break;
		default:
			ok = false;
		}
	}
	if (ok && l->dir == NULL && optind + 1 == argc)
		l->dir = strdup(argv[optind++]);
	return ok && optind == argc;
}

int
cmd_journal(int argc, char **argv)
{
	const char *conf = conf_usual_path();
	struct look l = { .most = UINT64_MAX, .out = BUF_INIT(1 << 28) };
	size_t i = 0;
	int status;

	if (argc > 1 && (strcmp(argv[1], "-h") == 0 ||
	    strcmp(argv[1], "--help") == 0)) {
		fputs(usage, stdout);
		return 0;
	}
	while (i < sizeof verbs / sizeof verbs[0] && argc > 1 &&
	    strcmp(argv[1], verbs[i].name) != 0)
		i++;
	if (argc < 2 || i == sizeof verbs / sizeof verbs[0] ||
	    !read_options(argc - 1, argv + 1, &l, &conf)) {
		free(l.dir);
		return wrong();
	}
	if (l.dir == NULL)
		l.dir = dir_of_conf(conf);
	status = l.dir == NULL ? EX_CONFIG : verbs[i].run(&l);
	buf_fini(&l.out);
	free(l.dir);
	return status;
}
