/* prom_mapping.h - statsd_exporter's mapping file, read as it is.
 *
 *	defaults: {match_type: glob, glob_disable_ordering: false}
 *	mappings:
 *	- match: "api.*.requests.*"
 *	  name: "api_requests_total"
 *	  labels: {service: "$1", code: "${2}"}
 *	- match: "^debug\\."
 *	  match_type: regex
 *	  action: drop
 *
 * The globs are tried before the regular expressions, each in the order of the
 * file; with glob_disable_ordering the glob whose literals come first wins.  A
 * "*" stands for one part between dots.  What belongs to the exporter's own
 * sampling (quantiles, buckets, ttl) is read and has no effect; where that
 * changes what is shown there is a warning. */
#ifndef MILLRACE_CONF_PROM_MAPPING_H
#define MILLRACE_CONF_PROM_MAPPING_H

#include "base/buf.h"
#include "base/slice.h"

#define PROM_MAX_LABELS 64

struct prom_mapping;

enum prom_type { PROM_COUNTER, PROM_GAUGE, PROM_OBSERVER };
enum prom_verdict { PROM_UNMAPPED, PROM_MAPPED, PROM_DROPPED };

struct prom_label {
	struct slice name, value;
};

struct prom_match {
	struct slice name;	/* as the template gives it: not made legal */
	struct slice help;	/* empty: none */
	double scale;		/* factor for values */
	bool honor_labels;	/* a metric's own tag wins over the mapping's */
	size_t nlabels;
	struct prom_label labels[PROM_MAX_LABELS];
};

/* Read the file, or the bytes (file is its name in messages).  Gives a mapping,
 * or NULL; both add lines "file:line:column: what is wrong" to *errors, warnings
 * also when there is a mapping. */
struct prom_mapping *prom_mapping_load(const char *path, struct buf *errors);
struct prom_mapping *prom_mapping_parse(struct slice yaml, const char *file,
    struct buf *errors);
void prom_mapping_free(struct prom_mapping *m);

/* What becomes of a metric's name (without tags).  *out borrows from the
 * mapping and from *text, which is emptied first and holds what templates made. */
enum prom_verdict prom_mapping_find(const struct prom_mapping *m,
    struct slice name, enum prom_type type, struct buf *text,
    struct prom_match *out);

#endif
