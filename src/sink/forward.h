/* forward.h - logs on their way to another syslog receiver.
 *
 * By TCP or TLS, in either framing, or by RELP, where a message is done when
 * the receiver has answered for it, and by TCP when the kernel has taken it.
 * What is not done when a connection breaks is sent again on the next one.
 *
 * What waits does so in files when there is a spool, all of it, so that it
 * outlives this process, however it ends; else in memory, bounded.  At either
 * bound the oldest goes, counted.  The logs thread's alone. */
#ifndef MILLRACE_SINK_FORWARD_H
#define MILLRACE_SINK_FORWARD_H

#include <stdbool.h>

#include "base/slice.h"
#include "conf/conf.h"
#include "core/ledger.h"

struct ev_loop;
struct forward;

/* taken = delivered + lost + what waits.  refused: delivered, but answered with
 * an error; resent: sent again after a connection broke. */
struct forward_stats {
	counter taken, delivered, lost, resent, refused, connects, failures;
};

/* conf is borrowed until forward_conf(), stats (which others may read) to the
 * end.  NULL with errno. */
struct forward *forward_new(struct ev_loop *loop,
    const struct conf_forward *conf, const char *state_dir,
    struct forward_stats *stats);
/* Another configuration of the same peer; false: it needs another forward. */
bool forward_conf(struct forward *f, const struct conf_forward *conf);
/* What is in its spool stays, what is in memory is lost. */
void forward_free(struct forward *f);

/* Counted messages (proto/syslog_write.h), n of them. */
void forward_add(struct forward *f, struct slice text, unsigned n);
/* Queue what was added: it is in the spool, if there is one, after this. */
void forward_flush(struct forward *f);
/* Each second or more often. */
void forward_tick(struct forward *f);
/* Nothing waits and nothing is under way. */
bool forward_idle(const struct forward *f);

#endif
