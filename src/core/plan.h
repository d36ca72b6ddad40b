/* plan.h - a configuration made ready for the workers: rules compiled, rings
 * built, destinations numbered.
 *
 * A plan never changes and is shared by all threads; a reload makes another.
 * A destination keeps its number as long as the process lives (the registry
 * knows them by name), so that queues and batches under way stay valid. */
#ifndef MILLRACE_CORE_PLAN_H
#define MILLRACE_CORE_PLAN_H

#include <stdatomic.h>
#include <stdbool.h>
#include <stdint.h>

#include "conf/conf.h"
#include "core/ring.h"

struct decision;
struct rules;

#define PLAN_MAX_CLUSTERS 64	/* a set of clusters is a bit mask */
#define PLAN_MAX_STREAMS CONF_MAX_STREAMS
#define PLAN_MAX_ARCHIVES 32
#define PLAN_MAX_CLASSES 16
#define PLAN_MAX_DESTS 4096

/* What workers may know of a destination: how it stands just now. */
struct dest_state {
	_Atomic size_t queued;		/* bytes that wait for it */
	_Atomic bool up;		/* connected, or at least not failing */
	_Atomic bool choking;		/* up, and over its bound */
	_Atomic bool sick;		/* its management port does not say it is up */
	size_t max;
};

struct plan_dest {
	char *name;			/* "graphite/10.0.0.1:2003=a" */
	struct dest_state state;
};

/* All destinations there ever were in this process. */
struct plan_registry {
	struct plan_dest *dest[PLAN_MAX_DESTS];
	_Atomic unsigned n;
	_Atomic unsigned sick;		/* how many of them are */
};

struct plan_cluster {
	const struct conf_cluster *conf;
	struct ring *ring;		/* NULL: null and memory clusters */
	uint16_t *dests;		/* by index of its server */
	size_t ndests;
	bool choosy;			/* looks who is up for each line */
	bool checked;			/* looks who is not sick */
};

struct plan {
	_Atomic unsigned refs;
	uint8_t version;		/* 1..255, another one than the last's */
	struct conf *conf;		/* owned */
	struct rules *rules;
	struct plan_cluster *clusters;
	size_t nclusters;
	uint64_t samples;		/* clusters that take samples, a mask */
	uint64_t figures;		/* the others: they take what flushes make */
	uint64_t class_ms[PLAN_MAX_CLASSES];	/* flush intervals; [0] is flush's */
	size_t nclasses;
	struct plan_registry *registry;
};

/* Makes a plan with one reference; takes conf, also on failure.  NULL with
 * what is wrong in error. */
struct plan *plan_new(struct conf *conf, struct plan_registry *registry,
    uint8_t version, char *error, size_t size);
/* The stable name of a section of streams, that may be written down. */
uint64_t plan_section(const char *name);
struct plan *plan_ref(struct plan *p);
void plan_unref(struct plan *p);

/* The number of the class whose flush interval is that; 0 when there are too
 * many of them. */
unsigned plan_class(const struct plan *p, uint64_t interval_ms);
/* The destinations of a name in one cluster, at most max; for a choosy cluster
 * by who is up now, for a checked one by who is not sick: maybe none. */
size_t plan_pick(const struct plan *p, size_t cluster, struct slice name,
    uint16_t *out, size_t max);
/* The destinations that a decision gives a name in one of its clusters: by the
 * name, by the keys of rules, or by both, each once. */
size_t plan_pick_by(const struct plan *p, size_t cluster,
    const struct decision *d, struct slice name, uint16_t *out, size_t max);
/* plan_pick() when all of them are. */
size_t plan_home(const struct plan *p, size_t cluster, struct slice name,
    uint16_t *out, size_t max);
/* A destination's health, told by who asks for it; gives what it was. */
bool plan_health(struct plan_registry *r, unsigned dest, bool sick);
/* Some cluster of it is choosy. */
bool plan_choosy(const struct plan *p, uint64_t mask);

void plan_registry_free(struct plan_registry *r);

#endif
