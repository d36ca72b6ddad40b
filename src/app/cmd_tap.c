/* cmd_tap.c - `millrace tap`: records as they pass, as lines of JSON.
 *
 * The daemon never waits for us: what we are too slow for is left out, and said
 * on standard error. */
#include "config.h"

#include <getopt.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sysexits.h>

#include "app/admin_get.h"
#include "app/cmd_tap.h"
#include "base/buf.h"
#include "conf/conf.h"
#include "conf/expr.h"

#define EXPR_MAX 8192
#define SHED "{\"kind\":\"tap\",\"shed\":"

static const char usage_text[] =
"usage: millrace tap [-c FILE | --admin HOST:PORT] [-n COUNT] [EXPR]\n"
"Print records as the daemon receives them, one JSON object a line.\n"
"  EXPR              only those that are meant, as in 'kind == log && host == \"a\"'\n"
"  -n COUNT          end after so many\n"
"  -c FILE           the daemon's configuration, which says where its page is\n"
"  --admin HOST:PORT where its page is\n";

static bool
add_escaped(struct buf *b, const char *s)
{
	for (; *s != '\0'; s++) {
		unsigned char c = (unsigned char)*s;
		bool ok = (c >= '0' && c <= '9') || (c >= 'a' && c <= 'z') ||
		    (c >= 'A' && c <= 'Z') ? buf_addc(b, *s) :
		    buf_printf(b, "%%%02X", c);

		if (!ok)
			return false;
	}
	return true;
}

static bool
good(const char *text)
{
	struct expr_error e;
	struct expr *x = expr_new(slice_str(text), &e);

	if (x == NULL)
		fprintf(stderr, "millrace tap: %zu: %s\n", e.offset + 1,
		    e.text);
	expr_free(x);
	return x != NULL;
}

/* The page's lines; empty ones say that it lives, one kind what is missing. */
static int
show(FILE *from, uint64_t most)
{
	char *line = NULL;
	size_t size = 0;
	uint64_t n = 0;
	ssize_t len;

	while (n < most && (len = getline(&line, &size, from)) > 0) {
		if (line[0] == '\n')
			continue;
		if (strncmp(line, SHED, sizeof SHED - 1) == 0) {
			fprintf(stderr, "millrace tap: %" PRIu64 " records "
			    "left out so far\n", strtoumax(line + sizeof SHED -
			    1, NULL, 10));
			continue;
		}
		n++;
		if (fwrite(line, 1, (size_t)len, stdout) != (size_t)len ||
		    fflush(stdout) != 0)
			break;
	}
	free(line);
	if (n == most)
		return EX_OK;
	if (ferror(stdout))
		return EX_IOERR;
	fputs("millrace tap: the daemon has ended\n", stderr);
	return EX_UNAVAILABLE;
}

int
cmd_tap(int argc, char **argv)
{
	static const struct option longs[] = {
		{ "admin", required_argument, NULL, 'a' },
		{ "help", no_argument, NULL, 'h' },
		{ NULL, 0, NULL, 0 },
	};
	const char *conf = conf_usual_path(), *url = NULL, *where = "";
	struct buf path = BUF_INIT(3 * EXPR_MAX + 64);
	uint64_t most = UINT64_MAX;
	char error[512], *end;
	FILE *from;
	int c, status;

	while ((c = getopt_long(argc, argv, "c:n:", longs, NULL)) != -1)
		switch (c) {
		case 'a': url = optarg; break;
		case 'c': conf = optarg; break;
		case 'n':
			most = strtoumax(optarg, &end, 10);
			if (*optarg >= '0' && *optarg <= '9' && *end == '\0')
				break;
			/* fall through */
		default:
			fputs(usage_text, c == 'h' ? stdout : stderr);
			return c == 'h' ? EX_OK : EX_USAGE;
		}
	if (argc - optind > 1 || (argc > optind &&
	    strlen(where = argv[optind]) > EXPR_MAX)) {
		fputs(usage_text, stderr);
		return EX_USAGE;
	}
	if (*where != '\0' && !good(where))
		return EX_USAGE;
	if (!buf_adds(&path, "/api/tap?where=") ||
	    !add_escaped(&path, where) || !buf_addc(&path, '\0'))
		return EX_OSERR;
	from = admin_get(url, conf, path.data, error, sizeof error);
	buf_fini(&path);
	if (from == NULL) {
		fprintf(stderr, "millrace tap: %s\n", error);
		return EX_UNAVAILABLE;
	}
	status = show(from, most);
	fclose(from);
	return status;
}
