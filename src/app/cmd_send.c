/* cmd_send.c - `millrace send`: one metric, log or event from a shell. */
#include "config.h"

#include <errno.h>
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include "app/cmd_send.h"
#include "app/dial.h"
#include "app/send.h"

#define MESSAGE_MAX ((size_t)1 << 20)

static const char usage_text[] =
"usage: millrace send metric NAME VALUE [--type c|g|ms|s|h|d] [--rate R]\n"
"           [--tag KEY=VALUE]... [--to udp://HOST:PORT]\n"
"       millrace send log MESSAGE|- [--app NAME] [--severity NAME]\n"
"           [--facility NAME] [--host NAME] [--to udp://HOST:PORT]\n"
"       millrace send event STREAM FIELD=VALUE... [--pid PRODUCER --iid ID]\n"
"           [--to resp://[USER:PASSWORD@]HOST:PORT] [--timeout S] [--quiet]\n"
"Addresses may be udp:// tcp:// unix:// unixgram:// and, for events, resp://\n"
"and redis://.  A password may stand in MILLRACE_PASSWORD instead.\n"
"An event's id is printed when it is stored, and not before.\n";

static enum send_exit
usage(void)
{
	fputs(usage_text, stderr);
	return SEND_USAGE;
}

static int
open_to(const struct send_opts *o, struct dial_addr *a, const char *scheme,
    uint16_t port)
{
	char why[400];
	int fd;

	if (!dial_parse(a, o->to != NULL ? o->to : "127.0.0.1", scheme, port,
	    why, sizeof why)) {
		fprintf(stderr, "millrace send: %s\n", why);
		return -1;
	}
	fd = dial(a, (int)(o->timeout_s * 1000));
	if (fd == -1)
		fprintf(stderr, "millrace send: %s: %s\n", a->text,
		    strerror(errno));
	return fd;
}

/* Write it all; of a datagram socket, ask whether anybody was there. */
static enum send_exit
put(int fd, const struct dial_addr *a, struct slice s)
{
	socklen_t len = sizeof(int);
	int err = 0;

	while (s.len > 0) {
		ssize_t n = send(fd, s.ptr, s.len, MSG_NOSIGNAL);

		if (n == -1 && errno == EINTR)
			continue;
		if (n == -1) {
			err = errno;
			break;
		}
		s = slice_from(s, (size_t)n);
	}
	if (err == 0 && a->datagrams)
		(void)getsockopt(fd, SOL_SOCKET, SO_ERROR, &err, &len);
	if (err == 0)
		return SEND_OK;
	fprintf(stderr, "millrace send: %s: %s\n", a->text, strerror(err));
	return err == EMSGSIZE ? SEND_DATA : SEND_LATER;
}

/* The peer of a stream has read everything when it closes, too. */
static void
close_gently(int fd, const struct dial_addr *a)
{
	struct timeval patience = { .tv_sec = 2 };
	char sink[512];

	if (!a->datagrams) {
		(void)setsockopt(fd, SOL_SOCKET, SO_RCVTIMEO, &patience,
		    sizeof patience);
		shutdown(fd, SHUT_WR);
		while (recv(fd, sink, sizeof sink, 0) > 0)
			continue;
	}
	close(fd);
}

static enum send_exit
send_metric(const struct send_opts *o, int argc, char **argv)
{
	struct buf line = BUF_INIT(MESSAGE_MAX);
	struct dial_addr a;
	enum send_exit rc;
	int fd;

	if (argc != 2)
		return usage();
	rc = send_metric_line(o, argv[0], argv[1], &line);
	if (rc == SEND_OK) {
		fd = open_to(o, &a, "udp", 8125);
		rc = SEND_LATER;
		if (fd != -1) {
			if (!a.datagrams)
				buf_addc(&line, '\n');
			rc = put(fd, &a, buf_slice(&line));
			close_gently(fd, &a);
		}
	}
	buf_fini(&line);
	return rc;
}

static enum send_exit
put_log(const struct send_opts *o, int fd, const struct dial_addr *a,
    struct slice message)
{
	struct buf line = BUF_INIT(MESSAGE_MAX + 1024);
	enum send_exit rc;
	char head[24];
	int n;

	rc = send_log_line(o, message, &line);
	if (rc == SEND_OK && !a->datagrams) {	/* octet counting, RFC 6587 */
		n = snprintf(head, sizeof head, "%zu ", line.len);
		rc = put(fd, a, slice_of(head, (size_t)n));
	}
	if (rc == SEND_OK)
		rc = put(fd, a, buf_slice(&line));
	buf_fini(&line);
	return rc;
}

static enum send_exit
put_lines(const struct send_opts *o, int fd, const struct dial_addr *a, FILE *in)
{
	enum send_exit rc = SEND_OK;
	size_t cap = 0;
	char *line = NULL;
	ssize_t n;

	while (rc == SEND_OK && (n = getline(&line, &cap, in)) != -1) {
		if (n > 0 && line[n - 1] == '\n')
			n--;
		rc = put_log(o, fd, a, slice_of(line, (size_t)n));
	}
	free(line);
	return rc;
}

static enum send_exit
send_log(const struct send_opts *o, int argc, char **argv)
{
	struct buf message = BUF_INIT(MESSAGE_MAX);
	struct dial_addr a;
	enum send_exit rc;
	bool ok = true;
	int fd, i;

	if (argc < 1)
		return usage();
	for (i = 0; i < argc; i++)
		ok = ok && (i == 0 || buf_addc(&message, ' ')) &&
		    buf_adds(&message, argv[i]);
	if (!ok) {
		fprintf(stderr, "millrace send: a message has at most %zu bytes\n",
		    MESSAGE_MAX);
		buf_fini(&message);
		return SEND_DATA;
	}
	fd = open_to(o, &a, "udp", 5514);
	if (fd == -1) {
		buf_fini(&message);
		return SEND_LATER;
	}
	if (argc == 1 && strcmp(argv[0], "-") == 0)
		rc = put_lines(o, fd, &a, stdin);
	else
		rc = put_log(o, fd, &a, buf_slice(&message));
	close_gently(fd, &a);
	buf_fini(&message);
	return rc;
}

static enum send_exit
send_event_words(const struct send_opts *o, int argc, char **argv)
{
	if (argc < 2)
		return usage();
	return send_event(o, argv[0], argv + 1, (size_t)argc - 1);
}

static bool
take_tag(struct send_opts *o, const char *v)
{
	if (o->ntags == sizeof o->tags / sizeof *o->tags)
		return false;
	o->tags[o->ntags++] = slice_str(v);
	return true;
}

static bool
take_timeout(struct send_opts *o, const char *v)
{
	char *end;

	o->timeout_s = strtod(v, &end);
	return end != v && *end == '\0' && o->timeout_s > 0 &&
	    o->timeout_s < 1e6;
}

/* Options with a text for a value. */
static const char **
text_option(struct send_opts *o, const char *name)
{
	const struct { const char *name; const char **at; } table[] = {
		{ "to", &o->to }, { "type", &o->type }, { "rate", &o->rate },
		{ "app", &o->app }, { "severity", &o->severity },
		{ "facility", &o->facility }, { "host", &o->host },
		{ "pid", &o->pid }, { "iid", &o->iid },
	};
	size_t i;

	for (i = 0; i < sizeof table / sizeof *table; i++)
		if (strcmp(table[i].name, name) == 0)
			return table[i].at;
	return NULL;
}

static bool
take_option(struct send_opts *o, const char *name, const char *v)
{
	const char **at = text_option(o, name);

	if (at != NULL) {
		*at = v;
		return true;
	}
	if (strcmp(name, "tag") == 0)
		return take_tag(o, v);
	return strcmp(name, "timeout") == 0 && take_timeout(o, v);
}

/* Options may stand anywhere and begin with two dashes, so that "-5" is a
 * value; after "--" nothing is an option.  Moves the other words to the front
 * of argv and gives how many there are, or -1. */
static int
read_options(struct send_opts *o, int argc, char **argv)
{
	int i, n = 0;

	for (i = 0; i < argc; i++) {
		char *name = argv[i] + 2, *eq, *value;

		if (strncmp(argv[i], "--", 2) != 0) {
			argv[n++] = argv[i];
			continue;
		}
		if (*name == '\0') {
			while (++i < argc)
				argv[n++] = argv[i];
			break;
		}
		if (strcmp(name, "quiet") == 0) {
			o->quiet = true;
			continue;
		}
		eq = strchr(name, '=');
		if (eq != NULL)
			*eq = '\0';
		value = eq != NULL ? eq + 1 : i + 1 < argc ? argv[++i] : NULL;
		if (value == NULL || !take_option(o, name, value)) {
			fprintf(stderr, "millrace send: --%s: %s\n", name,
			    value == NULL ? "needs a value" : "not understood");
			return -1;
		}
	}
	return n;
}

static const struct kind {
	const char *name;
	enum send_exit (*run)(const struct send_opts *o, int argc, char **argv);
} kinds[] = {
	{ "metric",	send_metric },
	{ "log",	send_log },
	{ "event",	send_event_words },
};

int
cmd_send(int argc, char **argv)
{
	struct send_opts o = { .timeout_s = 10 };
	const struct kind *kind = NULL;
	size_t i;
	int n;

	for (n = 1; n < argc && strcmp(argv[n], "--") != 0; n++)
		if (strcmp(argv[n], "--help") == 0) {
			fputs(usage_text, stdout);
			return SEND_OK;
		}
	for (i = 0; argc > 1 && i < sizeof kinds / sizeof *kinds; i++)
		if (strcmp(argv[1], kinds[i].name) == 0)
			kind = &kinds[i];
	if (kind == NULL)
		return (int)usage();
	n = read_options(&o, argc - 2, argv + 2);
	if (n == -1)
		return (int)usage();
	return (int)kind->run(&o, n, argv + 2);
}
