/* import_statsd.h - statsd's configuration, taken as it is. */
#ifndef MILLRACE_CONF_IMPORT_STATSD_H
#define MILLRACE_CONF_IMPORT_STATSD_H

#include "conf/conf.h"
#include "conf/js_literal.h"

/* import_statsd() of import.h with a world that the caller owns. */
int import_statsd_in(const struct js_env *env, struct slice text,
    const char *name, struct buf *yaml, struct buf *remarks);

/* The configuration that does what statsd (or its proxy) would do with that
 * file; what conf_load() says of errors holds.  What is kept, if anything is,
 * is kept in state_dir.  *watch: it is to be read again when it changes
 * (automaticConfigReload). */
struct conf *statsd_config_load(const char *path, const char *state_dir,
    bool *watch, struct buf *errors);

#endif
