/* template.h - making the text that a template says. */
#ifndef MILLRACE_CORE_TEMPLATE_H
#define MILLRACE_CORE_TEMPLATE_H

#include "base/buf.h"
#include "conf/template.h"
#include "core/match.h"

/* Append the text to out.  m is what the expression's match found, and its
 * touched gains the fields looked at.  False when out has no room: it is then
 * as it was. */
bool template_expand(const struct template *t, const struct record *r,
    struct match_captures *m, struct buf *out);
/* The same for a new name: when the pattern matched on the name (of an event:
 * its stream), only what it matched of it is replaced. */
bool template_rename(const struct template *t, const struct record *r,
    struct match_captures *m, struct buf *out);

#endif
