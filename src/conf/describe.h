/* describe.h - the tables of keys, told to editors and to people. */
#ifndef MILLRACE_CONF_DESCRIBE_H
#define MILLRACE_CONF_DESCRIBE_H

#include "base/buf.h"

/* Append a JSON Schema (2020-12) of the configuration file. */
bool conf_schema(struct buf *out);
/* Append the sections of millrace.yaml(5) that say all keys, in mdoc. */
bool conf_manual(struct buf *out);

#endif
