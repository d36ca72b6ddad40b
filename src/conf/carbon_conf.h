/* carbon_conf.h - the configuration files of Graphite's carbon daemons.
 *
 * carbon.conf and relay-rules.conf are INI files; aggregation-rules.conf,
 * rewrite-rules.conf and the lists have forms of their own.  What is wrong in
 * them goes to faults; what could be read is there all the same. */
#ifndef MILLRACE_CONF_CARBON_CONF_H
#define MILLRACE_CONF_CARBON_CONF_H

#include "base/arena.h"
#include "conf/conf.h"
#include "conf/fault.h"

struct ini_entry {
	char *key, *value;
	struct conf_mark mark;
};

struct ini_section {
	char *name;
	struct conf_mark mark;
	struct ini_entry *v;
	size_t n;
};

struct ini {
	struct ini_section *v;
	size_t n;
};

/* Sections "[name]", entries "key = value" or "key: value", comments '#' and
 * ';' at the start of a line, and lines that begin with a blank continue the
 * value before (joined by a newline), as Python's configparser reads them. */
void ini_read(struct ini *ini, struct slice text, const char *file,
    struct arena *a, struct faults *faults);
/* Keys are compared without case.  NULL: not there. */
const struct ini_section *ini_section(const struct ini *ini, const char *name);
const struct ini_entry *ini_get(const struct ini_section *s, const char *key);

/* "host:port[:instance]", IPv6 in [ ]. */
struct carbon_destination {
	char *host;
	uint16_t port;
	char *instance;			/* or NULL */
};

bool carbon_destination(struct arena *a, struct slice text,
    struct carbon_destination *d);
bool carbon_same_destination(const struct carbon_destination *x,
    const struct carbon_destination *y);

struct carbon_aggregation {
	char *output;			/* "sum.<env>.x" */
	char *method;
	unsigned every_s;
	char *pattern;			/* a Python pattern for the whole name */
	struct conf_mark mark;
};

/* OUTPUT (SECONDS) = METHOD INPUT, one a line. */
struct carbon_aggregations {
	struct carbon_aggregation *v;
	size_t n;
};

void carbon_aggregations(struct carbon_aggregations *r, struct slice text,
    const char *file, struct arena *a, struct faults *faults);

struct carbon_line {
	char *text, *replacement;	/* replacement NULL in lists */
	bool post;
	struct conf_mark mark;
};

struct carbon_lines {
	struct carbon_line *v;
	size_t n;
};

/* rewrite-rules.conf: "pattern = replacement" in sections [pre] and [post]. */
void carbon_rewrites(struct carbon_lines *r, struct slice text,
    const char *file, struct arena *a, struct faults *faults);
/* whitelist.conf, blacklist.conf: a pattern a line. */
void carbon_patterns(struct carbon_lines *r, struct slice text,
    const char *file, struct arena *a);

#endif
