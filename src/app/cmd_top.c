/* cmd_top.c - `millrace top`: rates by kind and source, what is lost and why,
 * and who has the most names and samples.
 *
 * Two looks at the daemon's books, some seconds apart, make a view. */
#include "config.h"

#include <getopt.h>
#include <jansson.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sysexits.h>
#include <time.h>
#include <unistd.h>

#include "app/admin_get.h"
#include "app/cmd_top.h"
#include "base/clock.h"
#include "conf/conf.h"

static const char usage_text[] =
"usage: millrace top [-c FILE | --admin HOST:PORT] [--once] [--json] [-i SECONDS]\n"
"Show what a running daemon receives, delivers and loses.\n"
"  --once            one view, then end\n"
"  --json            as JSON, a line for each view\n"
"  -i SECONDS        between looks (2)\n"
"  -c FILE           the daemon's configuration, which says where its page is\n"
"  --admin HOST:PORT where its page is\n";

struct asked {
	const char *url, *conf;
	bool once, json;
	double interval;
};

static json_t *
load(const struct asked *a, const char *path)
{
	char error[512];
	json_error_t e;
	json_t *j;
	FILE *f = admin_get(a->url, a->conf, path, error, sizeof error);

	if (f == NULL) {
		fprintf(stderr, "millrace top: %s\n", error);
		return NULL;
	}
	j = json_loadf(f, 0, &e);
	fclose(f);
	if (j == NULL)
		fprintf(stderr, "millrace top: %s: %s\n", path, e.text);
	return j;
}

static double
number(const json_t *book, const char *key)
{
	return json_number_value(json_object_get(book, key));
}

static double
lost(const json_t *book)
{
	json_t *dropped = json_object_get(book, "dropped"), *v;
	const char *key;
	double sum = 0;

	json_object_foreach(dropped, key, v)
		sum += json_number_value(v);
	return sum;
}

/* Put per-second rates into each book of `now`. */
static void
add_rates(json_t *now, json_t *before, double seconds)
{
	json_t *kind, *book;
	const char *k, *s;

	json_object_foreach(now, k, kind) {
		if (strcmp(k, "sinks") == 0)
			continue;
		json_object_foreach(kind, s, book) {
			json_t *was = json_object_get(json_object_get(before,
			    k), s);

			json_object_set_new(book, "received_per_s", json_real(
			    (number(book, "received") - number(was,
			    "received")) / seconds));
			json_object_set_new(book, "delivered_per_s", json_real(
			    (number(book, "delivered") - number(was,
			    "delivered")) / seconds));
			json_object_set_new(book, "dropped_per_s", json_real(
			    (lost(book) - lost(was)) / seconds));
		}
	}
}

/* ---- for eyes ---- */

static void
show_reasons(const json_t *book)
{
	json_t *dropped = json_object_get(book, "dropped"), *v;
	const char *key;

	json_object_foreach(dropped, key, v)
		if (json_number_value(v) > 0)
			printf("  %s %.0f", key, json_number_value(v));
}

static void
show_books(json_t *books)
{
	json_t *kind, *book;
	const char *k, *s;

	printf("%-8s %-10s %12s %12s %10s %12s %14s  %s\n", "KIND", "SOURCE",
	    "RECEIVED/s", "DELIVERED/s", "LOST/s", "QUEUED", "RECEIVED",
	    "LOST");
	json_object_foreach(books, k, kind) {
		if (strcmp(k, "sinks") == 0)
			continue;
		json_object_foreach(kind, s, book) {
			printf("%-8s %-10s %12.0f %12.0f %10.0f %12.0f %14.0f ",
			    k, s, number(book, "received_per_s"),
			    number(book, "delivered_per_s"),
			    number(book, "dropped_per_s"),
			    number(book, "queued"), number(book, "received"));
			show_reasons(book);
			putchar('\n');
		}
	}
}

/* A prefix comes from a stranger: nothing of it may steer a terminal. */
static void
put_safely(const char *s)
{
	int width = 0;

	for (; *s != '\0' && width < 32; s++, width++)
		putchar((unsigned char)*s < ' ' || (unsigned char)*s >= 127 ?
		    '?' : *s);
	printf("%*s", 33 - width, "");
}

static void
show_prefixes(const json_t *top)
{
	json_t *names = json_object_get(top, "names");
	json_t *samples = json_object_get(top, "samples");
	size_t n = json_array_size(names), m = json_array_size(samples);

	if (n == 0 && m == 0)
		return;
	printf("\n%-33s%10s    %-33s%14s\n", "MOST NAMES", "NAMES",
	    "MOST SAMPLES", "SAMPLES");
	for (size_t i = 0; i < (n > m ? n : m) && i < 15; i++) {
		const json_t *a = json_array_get(names, i);
		const json_t *b = json_array_get(samples, i);
		const char *p = json_string_value(json_object_get(a, "prefix"));
		const char *q = json_string_value(json_object_get(b, "prefix"));

		put_safely(p == NULL ? "" : p);
		if (a != NULL)
			printf("%10.0f    ", number(a, "count"));
		else
			printf("%14s", "");
		put_safely(q == NULL ? "" : q);
		if (b != NULL)
			printf("%14.0f", number(b, "count"));
		putchar('\n');
	}
}

static bool
show(const struct asked *a, json_t *books, json_t *top)
{
	if (a->json) {
		json_t *all = json_pack("{s:f, s:O, s:O}", "interval",
		    a->interval, "ledger", books, "top", top);

		if (all == NULL)
			return false;
		json_dumpf(all, stdout, JSON_COMPACT);
		putchar('\n');
		json_decref(all);
	} else {
		if (!a->once && isatty(STDOUT_FILENO) == 1)
			fputs("\033[H\033[J", stdout);
		show_books(books);
		show_prefixes(top);
	}
	return fflush(stdout) == 0;
}

static void
pause_for(double seconds)
{
	struct timespec t = { (time_t)seconds,
	    (long)((seconds - (double)(time_t)seconds) * 1e9) };

	nanosleep(&t, NULL);
}

static int
watch(const struct asked *a)
{
	json_t *before = load(a, "/api/ledger");
	int64_t then = clock_mono_ns();
	bool ok = before != NULL;

	while (ok) {
		json_t *books, *top, *copy;
		int64_t now;

		pause_for(a->interval);
		books = load(a, "/api/ledger");
		now = clock_mono_ns();
		top = books == NULL ? NULL : load(a, "/api/top");
		copy = json_deep_copy(books);
		ok = top != NULL && copy != NULL;
		if (ok) {
			add_rates(books, before, (double)(now - then) / 1e9);
			ok = show(a, books, top);
		}
		json_decref(books);
		json_decref(top);
		json_decref(before);
		before = copy;
		then = now;
		if (ok && a->once) {
			json_decref(before);
			return EX_OK;
		}
	}
	json_decref(before);
	return EX_UNAVAILABLE;
}

int
cmd_top(int argc, char **argv)
{
	static const struct option longs[] = {
		{ "admin", required_argument, NULL, 'a' },
		{ "once", no_argument, NULL, 'o' },
		{ "json", no_argument, NULL, 'j' },
		{ "help", no_argument, NULL, 'h' },
		{ NULL, 0, NULL, 0 },
	};
	struct asked a = { .conf = conf_usual_path(), .interval = 2 };
	char *end;
	int c;

	while ((c = getopt_long(argc, argv, "c:i:", longs, NULL)) != -1)
		switch (c) {
		case 'a': a.url = optarg; break;
		case 'c': a.conf = optarg; break;
		case 'o': a.once = true; break;
		case 'j': a.json = true; break;
		case 'i':
			a.interval = strtod(optarg, &end);
			if (a.interval >= 0.05 && a.interval <= 3600 &&
			    *end == '\0')
				break;
			/* fall through */
		default:
			fputs(usage_text, c == 'h' ? stdout : stderr);
			return c == 'h' ? EX_OK : EX_USAGE;
		}
	if (argc > optind) {
		fputs(usage_text, stderr);
		return EX_USAGE;
	}
	return watch(&a);
}
