/* field.h - what a record says under the name that an expression has for it. */
#ifndef MILLRACE_CORE_FIELD_H
#define MILLRACE_CORE_FIELD_H

#include "conf/expr.h"
#include "record/record.h"

/* Room for texts that do not stand in the record as they are. */
#define FIELD_SCRATCH	8192

struct field_scratch {
	size_t used;
	char bytes[FIELD_SCRATCH];
};

/* The text of a field.  False when the record has no such thing, or it is
 * empty.  The text borrows from the record or from the scratch, whose user
 * says used = 0 when nothing of it is needed any more; a text for which there
 * is no room left is not there. */
bool field_text(const struct record *r, enum expr_field f, struct slice key,
    struct field_scratch *scratch, struct slice *text);
/* The number a field is: the value of a metric that has one, the number of a
 * severity, facility, kind, type or source. */
bool field_number(const struct record *r, enum expr_field f, double *v);

/* A metric's tag.  An empty value is one too. */
bool field_tag(const struct metric_record *m, struct slice key, struct slice *value);
/* A parameter of RFC 5424 structured data, as it stands between the quotes.
 * key is "name", or "id.name" for the one in that element. */
bool field_sd_param(struct slice sd, struct slice key, struct slice *raw);

#endif
