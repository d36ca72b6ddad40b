/* explain.h - the parts of `millrace explain`: reading lines of a protocol,
 * and where what they say would go. */
#ifndef MILLRACE_APP_EXPLAIN_H
#define MILLRACE_APP_EXPLAIN_H

#include "core/plan.h"
#include "core/rules.h"
#include "record/record.h"

struct names;

/* A protocol's reader: told of each record (good until it returns) and of
 * each refusal.  now_ns is what "now" means. */
struct explain_events {
	void (*record)(void *ctx, const struct record *r);
	void (*bad)(void *ctx, enum reason why);
	void *ctx;
};

typedef void explain_read(const struct conf *conf, struct slice datagram,
    int64_t now_ns, const struct explain_events *to);

/* NULL: no protocol has that name. */
explain_read *explain_protocol(const char *name);
/* "statsd, graphite, ..." */
#define EXPLAIN_PROTOCOLS "statsd, graphite, syslog, resp"

/* A configuration ready to be asked.  From explain_open() until
 * explain_close(). */
struct explain {
	struct plan_registry registry;
	struct plan *plan;
	struct names *names;
	struct decision decision;
	struct buf name;	/* of a metric: clean, then renamed */
	struct slice sent;		/* a metric's name as it came; borrowed */
};

/* Told of each place; line is what goes there, as far as it has a name. */
typedef void explain_place(void *ctx, const char *place, struct slice line);

/* Takes conf.  False with what is wrong in error, and nothing to close. */
bool explain_open(struct explain *e, struct conf *conf, char *error,
    size_t size);
void explain_close(struct explain *e);

/* A metric under the name that rules know it by: clean, with Graphite's tags.
 * *clean borrows from e until the next call.  False: no name can be made. */
bool explain_clean(struct explain *e, const struct record *r,
    struct record *clean);
/* Ask the rules about a record (a metric: clean), which fills e->decision.
 * trace may be NULL. */
void explain_decide(struct explain *e, const struct record *r,
    rules_trace *trace, void *trace_arg);
/* Tell where it goes by e->decision: each server that a point goes to, or that
 * a line of the flush made of a sample goes to; streams and archives by name.
 * A place may be told more than once, with different lines. */
void explain_places(struct explain *e, const struct record *r,
    explain_place *place, void *ctx);

#endif
