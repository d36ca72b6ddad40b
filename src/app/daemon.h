/* daemon.h - the whole daemon: built, reloaded, drained. */
#ifndef MILLRACE_APP_DAEMON_H
#define MILLRACE_APP_DAEMON_H

#include <stdatomic.h>

#include "app/statsd_mode.h"
#include "core/plan.h"
#include "front/worker.h"
#include "sink/events.h"
#include "sink/logs.h"
#include "sink/metrics.h"

struct admin;
struct console;

enum daemon_state { DAEMON_STARTING, DAEMON_READY, DAEMON_DRAINING };

struct daemon {
	const char *conf_path;		/* NULL: the embedded defaults */
	struct statsd_mode statsd;	/* path NULL: not in statsd's place */
	struct plan_registry registry;
	struct plan *plan;		/* in force; one reference */
	struct metrics metrics;
	struct logs logs;
	struct events events;
	struct worker *workers;
	unsigned nworkers;
	struct ev_loop *loop;		/* the main thread's */
	struct inbox inbox;		/* letters to the main thread */
	ev_async bell;
	ev_signal signals[6];
	ev_timer deadline;
	ev_timer watchdog;
	ev_timer look;			/* at the names of servers */
	struct discovery *found;	/* the latest answers, or NULL */
	_Atomic bool looking;		/* a thread is at it */
	_Atomic unsigned done;		/* answers of threads that drain */
	unsigned phase;			/* of the drain */
	enum daemon_state state;
	struct admin *admin;
	struct console *console;
	int64_t started_ns;
	uint64_t reloads, reloads_failed;
	int64_t reloaded_ns;
	int status;			/* to exit with */
};

/* Run it until it is told to end; gives the exit status.  conf_path may be
 * NULL; statsd_path is a configuration of statsd to run by instead, or NULL. */
int daemon_run(const char *conf_path, const char *statsd_path);

/* The books of all threads added up. */
void daemon_ledger(struct daemon *d, struct ledger_sum *sum);

#endif
