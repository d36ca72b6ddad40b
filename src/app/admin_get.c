/* admin_get.c - HTTP/1.0 as far as our own admin page needs it. */
#include "config.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "app/admin_get.h"
#include "app/dial.h"
#include "base/buf.h"
#include "conf/conf.h"

#define TIMEOUT_MS 5000
#define PORT 8127

/* The address that a configuration says; "every address" is this machine. */
static bool
from_conf(const char *conf_path, char *url, size_t size, char *error,
    size_t error_size)
{
	struct buf errors = BUF_INIT(1 << 20);
	struct conf *c = conf_load(conf_path, &errors);
	const struct conf_listen *l;

	if (c == NULL) {
		snprintf(error, error_size, "%.*s", (int)errors.len,
		    errors.len > 0 ? errors.data : "");
		error[strcspn(error, "\n")] = '\0';
		buf_fini(&errors);
		return false;
	}
	buf_fini(&errors);
	if (!c->admin.present || c->admin.listen.n == 0) {
		snprintf(error, error_size, "the configuration has no admin "
		    "page");
		conf_free(c);
		return false;
	}
	l = &c->admin.listen.v[0];
	snprintf(url, size, l->host != NULL && strchr(l->host, ':') != NULL ?
	    "http://[%s]:%u" : "http://%s:%u", l->host == NULL ||
	    strcmp(l->host, "0.0.0.0") == 0 ? "127.0.0.1" : l->host, l->port);
	conf_free(c);
	return true;
}

/* The head of an answer; what follows is left in f. */
static bool
read_head(FILE *f, char *error, size_t size)
{
	char line[1024];
	unsigned status;

	if (fgets(line, sizeof line, f) == NULL ||
	    sscanf(line, "HTTP/1.%*1u %3u", &status) != 1) {
		snprintf(error, size, "that is no admin page");
		return false;
	}
	while (fgets(line, sizeof line, f) != NULL && line[0] != '\r' &&
	    line[0] != '\n')
		;
	if (status == 200)
		return true;
	if (fgets(line, sizeof line, f) == NULL)
		snprintf(line, sizeof line, "status %u", status);
	line[strcspn(line, "\r\n")] = '\0';
	snprintf(error, size, "%s", line);
	return false;
}

FILE *
admin_get(const char *url, const char *conf_path, const char *path,
    char *error, size_t size)
{
	char from[512];
	struct dial_addr a;
	FILE *f;
	int fd;

	if (url == NULL) {
		if (!from_conf(conf_path, from, sizeof from, error, size))
			return NULL;
		url = from;
	}
	if (!dial_parse(&a, url, "http", PORT, error, size))
		return NULL;
	fd = dial(&a, TIMEOUT_MS);
	if (fd == -1) {
		snprintf(error, size, "%.200s: %s", a.text, strerror(errno));
		return NULL;
	}
	if (dprintf(fd, "GET %s HTTP/1.0\r\nHost: localhost\r\n\r\n", path) <
	    0 || (f = fdopen(fd, "r")) == NULL) {
		snprintf(error, size, "%.200s: %s", a.text, strerror(errno));
		close(fd);
		return NULL;
	}
	if (read_head(f, error, size))
		return f;
	fclose(f);
	return NULL;
}
