/* rules.h - what is to become of a record: the configuration's rules, in order.
 *
 * rules_apply() asks each rule in turn, and gathers in a decision whether the
 * record is dropped, what it is called now, where it goes and what else is
 * made of it.  Nothing is done here: the pipeline does what was decided.
 *
 *	drop		ends it; nothing else counts any more
 *	rewrite		a metric's name, an event's stream; later rules see the new one
 *	to		where it goes; ends the search, unless the rule says continue,
 *			when the places add up.  Without any `to` a record goes to all
 *			sinks of its kind.  `to: []` is nowhere.
 *	aggregate	feeds a figure; its `to` is where the figure goes, and without
 *			continue what it is made of goes nowhere else
 *	as_kind		makes a metric (or an event) of it; what is made does not meet
 *			the rules again
 *	route_by	what the clusters of its `to` find their servers by
 *	log		says it in the log; not while the decision is traced
 *	interval	the last one that matched holds
 *	max_names	likewise; the names are counted per rule
 *	max_points	with it, of the same rule
 *
 * Rules are only read, by any thread; a decision belongs to one. */
#ifndef MILLRACE_CORE_RULES_H
#define MILLRACE_CORE_RULES_H

#include "base/buf.h"
#include "conf/conf.h"
#include "core/match.h"

#define DECISION_MAX_FEEDS	16
#define DECISION_MAX_KEYS	8
#define DECISION_MAX_TEXT	65536

struct rules;

/* Something else made of a record. */
struct decision_feed {
	unsigned rule;		/* index in conf's rules: says aggregate or as_kind */
	struct slice name;	/* of the aggregate, metric or stream */
	struct slice value;	/* as_kind: the value's text; empty when none was given */
};

/* What some clusters find their servers by, in the name's place. */
struct decision_key {
	uint64_t clusters;
	struct slice text;
};

/* Where a record goes: bit i is the i-th of the configuration's; forwards
 * stand behind the archives. */
struct decision_targets {
	uint64_t clusters, streams, archives;
};

/* Told of each rule that matched, with what it did in words. */
typedef void rules_trace(void *arg, unsigned rule, const char *name, struct slice what);

struct decision {
	int dropped_by;		/* a rule's index, or -1 */
	bool routed;		/* a rule said where, maybe nowhere */
	bool renamed;
	bool full;		/* a text or feed had no room and is missing */
	bool logged;		/* and so must be decided anew */
	struct slice name;	/* a metric's name, an event's stream; borrows
				 * from the record, or from here when renamed */
	struct decision_targets to;
	uint64_t by_name;	/* those of to.clusters that go by the name; the
				 * others, and maybe some of them, by keys */
	size_t nkeys;
	struct decision_key keys[DECISION_MAX_KEYS];
	uint64_t interval_ms;	/* 0: the flush interval */
	int names_rule;		/* whose max_names and max_points hold, or -1 */
	size_t nfeeds;
	struct decision_feed feeds[DECISION_MAX_FEEDS];
	/* The same for every sample of this kind, source, type, name and tags:
	 * no rule looked at anything else on the way (but see rules_vary). */
	bool lasting;

	rules_trace *trace;	/* the caller's, or NULL */
	void *trace_arg;

	struct match_captures captures;
	struct buf text;	/* what name and feeds borrow */
};

/* A decision may be used again and again; its memory is kept. */
void decision_init(struct decision *d);
void decision_fini(struct decision *d);

/* Borrows conf, which must outlive the rules. */
struct rules *rules_new(const struct conf *conf);
void rules_free(struct rules *rules);
/* What it says is good until the next call or decision_fini(). */
void rules_apply(const struct rules *rules, const struct record *r, struct decision *d);

/* What decisions about points of one name differ by besides: the source they
 * came from, if rules look at it, and which of the patterns fit that rules try
 * on their data (conf/expr.h), if that is all they do with it and they are few. */
#define RULES_MAX_CHECKS	5
#define RULES_VARIANTS		64
/* Is there any of that? */
bool rules_vary(const struct rules *rules);
/* Which of RULES_VARIANTS a point is; scratch is used up and given back. */
unsigned rules_variant(const struct rules *rules, const struct record *r,
    struct field_scratch *scratch);

/* Can no record of that kind have a decision that does not last?  Otherwise
 * *rule, unless NULL, is the first rule that looks at what changes. */
bool rules_cacheable(const struct rules *rules, enum record_kind kind, unsigned *rule);
/* All fields that rules for that kind look at; for the choice of a cache's key. */
expr_fields rules_fields(const struct rules *rules, enum record_kind kind);
/* Where records of a kind go when no rule says where. */
struct decision_targets rules_default(const struct rules *rules, enum record_kind kind);

#endif
