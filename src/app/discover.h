/* discover.h - servers that are named by a name server, followed while the
 * daemon runs. */
#ifndef MILLRACE_APP_DISCOVER_H
#define MILLRACE_APP_DISCOVER_H

#include "conf/derive.h"
#include "core/inbox.h"

struct discovery {
	struct letter letter;
	struct conf *conf;		/* that was looked for; held */
	struct conf_found *v;
	size_t n;
};

/* Ask for all there is to be asked for; blocks.  For what nobody answers what
 * `before` (or NULL) knew holds.  NULL: no memory. */
struct discovery *discover(struct conf *c, const struct discovery *before);
/* NULL of NULL, or without memory. */
struct discovery *discovery_copy(const struct discovery *f);
void discovery_free(struct discovery *f);
bool discovery_same(const struct discovery *a, const struct discovery *b);

#endif
