/* import.h - configurations of the relays that millrace replaces, as a
 * millrace.yaml that does the same.
 *
 * Each gives 0 with the YAML in *yaml, or -1 when a file cannot be read or is
 * wrong.  *remarks gets a line "file:line:column: text" for each fault, and
 * with "warning: " in front of the text for what has no equivalent or now
 * means something else.  Both bufs are the caller's, empty. */
#ifndef MILLRACE_CONF_IMPORT_H
#define MILLRACE_CONF_IMPORT_H

#include "base/buf.h"

/* carbon-c-relay's configuration.  options are the flags it was started with
 * ("-p 2003 -q 100000"); empty: those in the file's head comment, from a line
 * that has "carbon-c-relay" and flags behind it. */
int import_carbon_c_relay(const char *path, struct slice options,
    struct buf *yaml, struct buf *remarks);

/* carbon's files: carbon.conf first; relay-rules.conf, aggregation-rules.conf,
 * rewrite-rules.conf, whitelist.conf, blacklist.conf and others are known by
 * the end of their names.  Those not given are looked for beside carbon.conf.
 * section: "relay", "relay:b", "aggregator", ...; NULL: relay, else
 * aggregator, else cache, with their instances ":a" if that is all there is. */
int import_carbon(const char *const *paths, size_t n, const char *section,
    struct buf *yaml, struct buf *remarks);

/* statsd's config.js, or its proxy's, read without running it. */
int import_statsd(const char *path, struct buf *yaml, struct buf *remarks);
/* statsite's INI file. */
int import_statsite(const char *path, struct buf *yaml, struct buf *remarks);
/* brubeck's JSON file. */
int import_brubeck(const char *path, struct buf *yaml, struct buf *remarks);

#endif
