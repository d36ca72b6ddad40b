/* health.h - asking statsd nodes whether they are up, as the reference's proxy
 * does: "health" at the management port, and "up" must be in the answer.
 *
 * One failure makes a destination sick (plan_health()), and the names that were
 * its own go to others; the next answer brings it back.  All in the thread of
 * the loop. */
#ifndef MILLRACE_SINK_HEALTH_H
#define MILLRACE_SINK_HEALTH_H

struct ev_loop;
struct health;
struct plan;

/* NULL: no memory. */
struct health *health_new(struct ev_loop *loop);
void health_free(struct health *h);
/* From now on by this plan, which must be there until the next one is, or
 * health_free(); each node is asked at once. */
void health_conf(struct health *h, const struct plan *plan);

#endif
