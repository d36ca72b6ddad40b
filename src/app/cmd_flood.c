/* cmd_flood.c - `millrace flood`: what is asked for, and what came of it. */
#include "config.h"

#include <getopt.h>
#include <inttypes.h>
#include <math.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <unistd.h>

#include "app/cmd_flood.h"
#include "app/flood.h"

#define EXIT_BAD_USAGE 64
#define EXIT_NOBODY 69
#define MIX_DEFAULT { 60, 30, 9, 1, 0 }

struct proto {
	const char *name;
	enum flood_proto proto;
	const char *scheme;
	uint16_t port;
};

static const struct proto protos[] = {
	{ "statsd",	FLOOD_STATSD,	"udp",	8125 },
	{ "graphite",	FLOOD_GRAPHITE,	"tcp",	2003 },
	{ "syslog",	FLOOD_SYSLOG,	"udp",	5514 },
	{ "events",	FLOOD_EVENTS,	"resp",	6390 },
};

static const char *const kind_letter[FLOOD_KINDS] = { "c", "ms", "g", "s", "h" };

static const char usage_text[] =
"usage: millrace flood statsd|graphite|syslog|events [option ...]\n"
"  --to ADDR           udp://HOST:PORT tcp://... unix:///PATH unixgram:///PATH\n"
"                      resp://[USER:PASSWORD@]HOST:PORT relp://HOST:PORT\n"
"  --rate N[/s]        messages a second (0, the default: as fast as it goes)\n"
"  --count N           stop after that many messages\n"
"  --time S            stop after that many seconds (10 without --count)\n"
"  --names N           different metrics, host/app pairs or streams\n"
"  --mix c=60,ms=30,g=9,s=1   shares of the StatsD types\n"
"  --sample-rate R     write |@R behind counters and timers\n"
"  --per-datagram N    messages in a datagram\n"
"  --gso               UDP datagrams of one size leave as one, cut by the kernel\n"
"  --size BYTES        of a message, filled up\n"
"  --connections N     sockets to send from\n"
"  --window N          messages without an answer, per connection\n"
"  --framing lf|octet  of syslog over streams\n"
"  --format 5424|3164  of syslog\n"
"  --prefix TEXT       of names; the stream's name\n"
"  --pid TEXT          producer id of events (default: another one each run)\n"
"  --plain             events without a producer id, as any Redis takes them\n"
"  --reconnect         come back when a connection breaks, resend what had no answer\n"
"  --first N           sequence number of the first message\n"
"  --seed N            same seed, same messages\n"
"  --wait S            for the last answers (10)\n"
"  --acks FILE         write a line per acknowledgement: seq, pid, iid, id\n"
"  --expect FILE       write a line per counter: name, sum\n"
"  --admin HOST:PORT   the daemon's admin page, which knows what was lost (without\n"
"                      --to: 127.0.0.1:8127, if it answers)\n"
"  --report text|json\n";

static int
usage(const char *what, const char *value)
{
	if (what != NULL)
		fprintf(stderr, "millrace flood: %s: %s\n", what, value);
	fputs(usage_text, stderr);
	return EXIT_BAD_USAGE;
}

static bool
read_number(const char *s, double min, double max, double *v)
{
	char *end;

	*v = strtod(s, &end);
	if (end == s || !(*v >= min) || !(*v <= max))
		return false;
	switch (*end) {
	case 'k':
		*v *= 1e3;
		end++;
		break;
	case 'M':
		*v *= 1e6;
		end++;
		break;
	}
	if (strcmp(end, "/s") == 0)
		end += 2;
	return *end == '\0' && *v <= max;
}

static bool
read_whole(const char *s, double min, double max, uint64_t *v)
{
	double d;

	if (!read_number(s, min, max, &d) || d != floor(d))
		return false;
	*v = (uint64_t)d;
	return true;
}

static bool
read_unsigned(const char *s, double min, double max, unsigned *v)
{
	uint64_t n;

	if (!read_whole(s, min, max, &n))
		return false;
	*v = (unsigned)n;
	return true;
}

/* "c=60,ms=30": what is not named has no share. */
static bool
read_mix(const char *s, unsigned mix[FLOOD_KINDS])
{
	unsigned all = 0, k;

	memset(mix, 0, FLOOD_KINDS * sizeof *mix);
	while (*s != '\0') {
		size_t n = strcspn(s, "=");
		char *end;
		unsigned long v;

		for (k = 0; k < FLOOD_KINDS; k++)
			if (strlen(kind_letter[k]) == n &&
			    memcmp(kind_letter[k], s, n) == 0)
				break;
		if (k == FLOOD_KINDS || s[n] != '=')
			return false;
		v = strtoul(s + n + 1, &end, 10);
		if (end == s + n + 1 || v > 1000000 ||
		    (*end != ',' && *end != '\0'))
			return false;
		mix[k] = (unsigned)v;
		all += mix[k];
		s = *end == ',' ? end + 1 : end;
	}
	return all > 0;
}

enum { O_TO = 256, O_RATE, O_COUNT, O_TIME, O_NAMES, O_MIX, O_SAMPLE, O_PER,
	O_SIZE, O_CONNECTIONS, O_WINDOW, O_FRAMING, O_FORMAT, O_PREFIX, O_PID,
	O_GSO, O_PLAIN, O_RECONNECT, O_FIRST, O_SEED, O_WAIT, O_ACKS, O_EXPECT,
	O_REPORT, O_ADMIN, O_HELP };

static const struct option options[] = {
	{ "to", required_argument, NULL, O_TO },
	{ "rate", required_argument, NULL, O_RATE },
	{ "count", required_argument, NULL, O_COUNT },
	{ "time", required_argument, NULL, O_TIME },
	{ "names", required_argument, NULL, O_NAMES },
	{ "mix", required_argument, NULL, O_MIX },
	{ "sample-rate", required_argument, NULL, O_SAMPLE },
	{ "per-datagram", required_argument, NULL, O_PER },
	{ "gso", no_argument, NULL, O_GSO },
	{ "size", required_argument, NULL, O_SIZE },
	{ "connections", required_argument, NULL, O_CONNECTIONS },
	{ "window", required_argument, NULL, O_WINDOW },
	{ "framing", required_argument, NULL, O_FRAMING },
	{ "format", required_argument, NULL, O_FORMAT },
	{ "prefix", required_argument, NULL, O_PREFIX },
	{ "pid", required_argument, NULL, O_PID },
	{ "plain", no_argument, NULL, O_PLAIN },
	{ "reconnect", no_argument, NULL, O_RECONNECT },
	{ "first", required_argument, NULL, O_FIRST },
	{ "seed", required_argument, NULL, O_SEED },
	{ "wait", required_argument, NULL, O_WAIT },
	{ "acks", required_argument, NULL, O_ACKS },
	{ "expect", required_argument, NULL, O_EXPECT },
	{ "report", required_argument, NULL, O_REPORT },
	{ "admin", required_argument, NULL, O_ADMIN },
	{ "help", no_argument, NULL, O_HELP },
	{ NULL, 0, NULL, 0 }
};

struct asked {
	struct flood_opts o;
	const struct proto *proto;
	const char *to;
	bool json, help;
	struct flood_books books;
};

/* Options with a word for a value. */
static bool
take_word(struct asked *a, int opt, const char *v)
{
	struct flood_opts *o = &a->o;

	switch (opt) {
	case O_FRAMING:
		o->octets = strcmp(v, "octet") == 0;
		return o->octets || strcmp(v, "lf") == 0;
	case O_FORMAT:
		o->rfc3164 = strcmp(v, "3164") == 0;
		return o->rfc3164 || strcmp(v, "5424") == 0;
	case O_REPORT:
		a->json = strcmp(v, "json") == 0;
		return a->json || strcmp(v, "text") == 0;
	case O_TO:
		a->to = v;
		return true;
	case O_PREFIX:
		o->prefix = v;
		return *v != '\0' && strlen(v) <= 64 &&
		    strpbrk(v, " :|@\n\r") == NULL;
	case O_PID:
		o->pid = v;
		return *v != '\0' && strlen(v) <= 48;
	case O_ACKS:
		o->acks = v;
		return true;
	case O_EXPECT:
		o->expect = v;
		return true;
	case O_ADMIN:
		o->admin = v;
		return *v != '\0';
	case O_MIX:
		return read_mix(v, o->mix);
	}
	return false;
}

static bool
take_option(struct asked *a, int opt, const char *v)
{
	struct flood_opts *o = &a->o;
	double d;

	switch (opt) {
	case O_RATE:
		return read_number(v, 0, 1e9, &o->rate);
	case O_COUNT:
		return read_whole(v, 1, 1e15, &o->count);
	case O_TIME:
		if (!read_number(v, 0.001, 1e6, &d))
			return false;
		o->limit_ns = (uint64_t)(d * 1e9);
		return true;
	case O_NAMES:
		return read_unsigned(v, 1, 2e7, &o->names);
	case O_SAMPLE:
		return read_number(v, 1e-6, 1, &o->sample_rate);
	case O_PER:
		return read_unsigned(v, 1, 5000, &o->per_datagram);
	case O_GSO:
		o->gso = true;
		return true;
	case O_SIZE:
		return read_whole(v, 1, 1 << 20, &o->size);
	case O_CONNECTIONS:
		return read_unsigned(v, 1, 4096, &o->connections);
	case O_WINDOW:
		return read_unsigned(v, 1, 1 << 20, &o->window);
	case O_FIRST:
		return read_whole(v, 0, 9e9, &o->first);
	case O_SEED:
		return read_whole(v, 0, 1e15, &o->seed);
	case O_WAIT:
		if (!read_number(v, 0, 3600, &d))
			return false;
		o->wait_ms = (int)(d * 1000);
		return true;
	case O_PLAIN:
		o->idmp = false;
		return true;
	case O_RECONNECT:
		o->reconnect = true;
		return true;
	case O_HELP:
		a->help = true;
		return true;
	}
	return take_word(a, opt, v);
}

static void
set_defaults(struct asked *a)
{
	static char pid[32];

	snprintf(pid, sizeof pid, "flood-%" PRIx64, flood_now() ^
	    ((uint64_t)getpid() << 40));
	a->o = (struct flood_opts){
		.count = UINT64_MAX, .limit_ns = UINT64_MAX,
		.mix = MIX_DEFAULT, .sample_rate = 1, .connections = 1,
		.seed = 1, .idmp = true, .pid = pid, .prefix = "flood",
		.wait_ms = 10000, .first = UINT64_MAX,
	};
}

/* What was not said depends on what was. */
static bool
settle(struct asked *a, char *why, size_t whylen)
{
	struct flood_opts *o = &a->o;

	o->proto = a->proto->proto;
	if (!dial_parse(&o->to, a->to != NULL ? a->to : "127.0.0.1",
	    a->proto->scheme, a->proto->port, why, whylen))
		return false;
	if (o->count == UINT64_MAX && o->limit_ns == UINT64_MAX)
		o->limit_ns = UINT64_C(10000000000);
	if (o->names == 0)
		o->names = o->proto == FLOOD_EVENTS ? 1 :
		    o->proto == FLOOD_SYSLOG ? 10 : 2000;
	if (o->window == 0)
		o->window = 128;
	if (o->per_datagram == 0 || !o->to.datagrams ||
	    o->proto == FLOOD_SYSLOG)
		o->per_datagram = 1;
	if (o->first == UINT64_MAX)	/* a number has no leading zeros */
		o->first = o->proto == FLOOD_GRAPHITE ? 1000000000 : 0;
	if (o->size == 0 && o->proto == FLOOD_EVENTS)
		o->size = 200;
	if (o->count != UINT64_MAX && o->count % o->per_datagram != 0) {
		snprintf(why, whylen, "the count must be a multiple of "
		    "--per-datagram %u", o->per_datagram);
		return false;
	}
	if ((o->proto == FLOOD_EVENTS) != (strcmp(o->to.scheme, "resp") == 0 ||
	    strcmp(o->to.scheme, "redis") == 0) &&
	    !(o->proto == FLOOD_EVENTS && strcmp(o->to.scheme, "unix") == 0)) {
		snprintf(why, whylen, "%s: not a transport of %s",
		    o->to.text, a->proto->name);
		return false;
	}
	if (strcmp(o->to.scheme, "relp") == 0 && o->proto != FLOOD_SYSLOG) {
		snprintf(why, whylen, "relp carries syslog here");
		return false;
	}
	return true;
}

static int
read_options(struct asked *a, int argc, char **argv)
{
	char why[400];
	size_t i;
	int opt, at;

	set_defaults(a);
	optind = 1;
	while ((opt = getopt_long(argc, argv, "", options, &at)) != -1) {
		if (opt == '?')
			return usage(NULL, NULL);
		if (!take_option(a, opt, optarg))
			return usage(options[at].name, optarg);
	}
	if (a->help) {
		fputs(usage_text, stdout);
		return -1;
	}
	if (argc - optind != 1)
		return usage("one protocol is needed", "statsd, graphite, "
		    "syslog or events");
	for (i = 0; i < sizeof protos / sizeof *protos; i++)
		if (strcmp(argv[optind], protos[i].name) == 0)
			a->proto = &protos[i];
	if (a->proto == NULL)
		return usage("unknown protocol", argv[optind]);
	if (!settle(a, why, sizeof why)) {
		fprintf(stderr, "millrace flood: %s\n", why);
		return EXIT_BAD_USAGE;
	}
	return 0;
}

static double
seconds(uint64_t ns)
{
	return (double)ns / 1e9;
}

static double
rate_of(uint64_t n, uint64_t ns)
{
	return ns == 0 ? 0 : (double)n / seconds(ns);
}

static const struct { const char *name; double q; } quantiles[] = {
	{ "p50", 0.5 }, { "p90", 0.9 }, { "p99", 0.99 }, { "p99.9", 0.999 },
};

static bool
has_answers(const struct asked *a)
{
	return a->o.proto == FLOOD_EVENTS || strcmp(a->o.to.scheme, "relp") == 0;
}

static void
report_text(const struct asked *a, const struct flood_report *r)
{
	uint64_t ns = r->end_ns - r->start_ns;
	size_t i;

	printf("%s to %s\n", a->proto->name, a->o.to.text);
	printf("sent          %" PRIu64 " messages, %" PRIu64 " bytes in %.3f s: "
	    "%.0f/s", r->sent, r->bytes, seconds(ns), rate_of(r->sent, ns));
	if (a->o.to.datagrams)
		printf(", %" PRIu64 " datagrams, %.0f/s", r->datagrams,
		    rate_of(r->datagrams, ns));
	printf("\nerrors        %" PRIu64 "%s%s%s\n", r->errors,
	    r->first_error[0] != '\0' ? " (" : "", r->first_error,
	    r->first_error[0] != '\0' ? ")" : "");
	if (a->o.proto == FLOOD_STATSD)
		printf("counters      %" PRIu64 " messages, sum %.0f\n",
		    r->counters, (double)r->total / a->o.sample_rate);
	if (r->reconnects > 0 || r->resent > 0)
		printf("reconnects    %" PRIu64 ", sent again %" PRIu64 "\n",
		    r->reconnects, r->resent);
	if (a->books.known)
		flood_books_text(&a->books, r->sent);
	if (!has_answers(a))
		return;
	printf("acknowledged  %" PRIu64 " in %.3f s: %.0f/s\n", r->acked,
	    seconds(r->last_ack_ns - r->start_ns),
	    rate_of(r->acked, r->last_ack_ns - r->start_ns));
	printf("refused       %" PRIu64 "\nunanswered    %" PRIu64 "\n",
	    r->refused, r->unanswered);
	printf("latency      ");
	for (i = 0; i < sizeof quantiles / sizeof *quantiles; i++)
		printf(" %s %.3f ms", quantiles[i].name, (double)
		    flood_hist_at(&r->latency, quantiles[i].q) / 1e6);
	printf(" max %.3f ms\n", (double)r->latency.max / 1e6);
}

static void
print_json_string(const char *s)
{
	putchar('"');
	for (; *s != '\0'; s++) {
		if (*s == '"' || *s == '\\')
			printf("\\%c", *s);
		else if ((unsigned char)*s < 0x20)
			printf("\\u%04x", (unsigned char)*s);
		else
			putchar(*s);
	}
	putchar('"');
}

static void
report_json(const struct asked *a, const struct flood_report *r)
{
	uint64_t ns = r->end_ns - r->start_ns;
	size_t i;

	printf("{\"protocol\":\"%s\",\"to\":", a->proto->name);
	print_json_string(a->o.to.text);
	printf(",\"seed\":%" PRIu64 ",\"first\":%" PRIu64 ",\"sent\":%" PRIu64
	    ",\"bytes\":%" PRIu64 ",\"datagrams\":%" PRIu64 ",\"errors\":%"
	    PRIu64 ",\"seconds\":%.6f,\"rate\":%.1f", a->o.seed, a->o.first,
	    r->sent, r->bytes, r->datagrams, r->errors, seconds(ns),
	    rate_of(r->sent, ns));
	printf(",\"counters\":%" PRIu64 ",\"counter_sum\":%.17g", r->counters,
	    (double)r->total / a->o.sample_rate);
	printf(",\"reconnects\":%" PRIu64 ",\"resent\":%" PRIu64,
	    r->reconnects, r->resent);
	if (has_answers(a)) {
		printf(",\"acknowledged\":%" PRIu64 ",\"refused\":%" PRIu64
		    ",\"unanswered\":%" PRIu64 ",\"ack_rate\":%.1f"
		    ",\"latency_ms\":{", r->acked, r->refused, r->unanswered,
		    rate_of(r->acked, r->last_ack_ns - r->start_ns));
		for (i = 0; i < sizeof quantiles / sizeof *quantiles; i++)
			printf("\"%s\":%.4f,", quantiles[i].name, (double)
			    flood_hist_at(&r->latency, quantiles[i].q) / 1e6);
		printf("\"max\":%.4f}", (double)r->latency.max / 1e6);
	}
	if (a->books.known)
		flood_books_json(&a->books, r->sent);
	printf(",\"first_error\":");
	print_json_string(r->first_error);
	printf("}\n");
}

/* One counter's part of a unit: "NAME:VALUE|c". */
struct sum {
	const char *name;
	size_t len;
	uint64_t total;
};

static int
sum_cmp(const void *x, const void *y)
{
	const struct sum *a = x, *b = y;
	size_t n = a->len < b->len ? a->len : b->len;
	int c = memcmp(a->name, b->name, n);

	return c != 0 ? c : (a->len > b->len) - (a->len < b->len);
}

/* Every counter that was sent, as the pool's text has it. */
static size_t
collect_sums(const struct flood_pool *p, struct sum *sums)
{
	size_t u, n = 0;

	for (u = 0; u < p->nunits; u++) {
		const char *s = p->text + p->units[u].at;
		const char *end = p->text + p->units[u + 1].at;

		while (s < end) {
			const char *nl = memchr(s, '\n', (size_t)(end - s));
			const char *colon = memchr(s, ':', (size_t)(end - s));
			char *bar;
			uint64_t v = strtoull(colon + 1, &bar, 10);

			if (bar[0] == '|' && bar[1] == 'c' && p->sent[u] > 0)
				sums[n++] = (struct sum){ s,
				    (size_t)(colon - s), v * p->sent[u] };
			s = nl == NULL ? end : nl + 1;
		}
	}
	return n;
}

static int
write_expected(const struct asked *a, const struct flood_pool *p)
{
	struct sum *sums;
	size_t n, i, j, all = 0;
	FILE *f;

	for (i = 0; i < p->nunits; i++)
		all += p->units[i].messages;
	sums = calloc(all + 1, sizeof *sums);
	f = fopen(a->o.expect, "we");
	if (sums == NULL || f == NULL) {
		perror(a->o.expect);
		free(sums);
		if (f != NULL)
			fclose(f);
		return -1;
	}
	n = collect_sums(p, sums);
	qsort(sums, n, sizeof *sums, sum_cmp);
	for (i = 0; i < n; i = j) {
		uint64_t total = 0;

		for (j = i; j < n && sum_cmp(&sums[i], &sums[j]) == 0; j++)
			total += sums[j].total;
		fprintf(f, "%.*s\t%.17g\n", (int)sums[i].len, sums[i].name,
		    (double)total / a->o.sample_rate);
	}
	free(sums);
	return fclose(f);
}

static void
stop(int sig)
{
	flood_stop = 1;
}

/* The books before.  false: they were asked for, and cannot be read. */
static bool
open_books(struct asked *a)
{
	if (a->o.admin == NULL && a->to != NULL)
		return true;
	if (flood_books_read(&a->o, &a->books) || a->o.admin == NULL)
		return true;
	fprintf(stderr, "millrace flood: %s\n", a->books.error);
	return false;
}

static int
send_all(const struct asked *a, struct flood_pool *pool, struct flood_report *r)
{
	if (has_answers(a))
		return flood_acked(&a->o, pool, r);
	return a->o.to.datagrams ? flood_datagrams(&a->o, pool, r) :
	    flood_stream(&a->o, pool, r);
}

int
cmd_flood(int argc, char **argv)
{
	struct sigaction sa = { .sa_handler = stop };
	struct asked a = { 0 };
	struct flood_pool pool;
	static struct flood_report r;
	int rc;

	rc = read_options(&a, argc, argv);
	if (rc != 0)
		return rc == -1 ? 0 : rc;
	sigaction(SIGINT, &sa, NULL);
	sigaction(SIGTERM, &sa, NULL);
	/* short sleeps end when they should */
	(void)prctl(PR_SET_TIMERSLACK, 1000UL, 0UL, 0UL, 0UL);
	if (!open_books(&a))
		return EXIT_NOBODY;
	flood_pool_make(&pool, &a.o);
	rc = send_all(&a, &pool, &r);
	if (rc == -1) {
		flood_pool_free(&pool);
		return EXIT_NOBODY;
	}
	if (a.books.known && !flood_books_settle(&a.o, r.sent, &a.books)) {
		fprintf(stderr, "millrace flood: %s\n", a.books.error);
		a.books.known = false;
	}
	if (a.json)
		report_json(&a, &r);
	else
		report_text(&a, &r);
	if (a.o.expect != NULL && a.o.proto == FLOOD_STATSD &&
	    write_expected(&a, &pool) != 0)
		rc = 1;
	flood_pool_free(&pool);
	if (r.errors > 0 || r.unanswered > 0 || r.refused > 0)
		rc = 1;
	return rc;
}
