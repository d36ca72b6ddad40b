/* import_parts.h - what the importers share: YAML scalars, patterns. */
#ifndef MILLRACE_CONF_IMPORT_PARTS_H
#define MILLRACE_CONF_IMPORT_PARTS_H

#include "base/buf.h"
#include "conf/fault.h"

/* The most that an importer writes. */
#define IMPORT_MAX (64u << 20)

/* A YAML scalar that reads back as these bytes, whatever they are; bytes that
 * are not UTF-8 become '?'.  yaml_value() also keeps a "${" from meaning the
 * environment; expressions and templates say that themselves. */
void yaml_quote(struct buf *out, struct slice s);
void yaml_value(struct buf *out, struct slice s);
/* "key" as it stands, then the text as a value, and the line's end. */
void import_text(struct buf *out, const char *key, const char *text);
/* A name that millrace takes for a cluster: other bytes become '_'. */
char *import_name(struct arena *a, const char *name);

/* A pattern of another regular expression dialect as PCRE2 reads it. */
struct import_pattern {
	char *text;		/* safe between double quotes in an expression */
	unsigned groups;
	bool starts, ends;	/* it begins with '^', ends with '$' */
	bool odd_escape;	/* it has \d or the like, on which dialects differ */
};

/* POSIX extended, with GNU's \< \> \w \s; letters that only PCRE knows keep
 * PCRE's meaning.  false: with *why, when nothing can be made of it. */
bool import_ere(struct arena *a, const char *ere, unsigned group_shift,
    struct import_pattern *p, const char **why);
/* The same for Python's re. */
bool import_python_re(struct arena *a, const char *re,
    struct import_pattern *p, const char **why);

/* A whole file in the arena; false with errno.  Files of over 16 MiB are
 * EFBIG. */
bool import_read(struct arena *a, const char *path, struct slice *text);

#endif
