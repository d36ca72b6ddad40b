/* stream_hub.c - what the streams of one loop share. */
#include "config.h"

#include <pthread.h>
#include <stdlib.h>
#include <time.h>

#include "net/stream_hub.h"

#define HANDSHAKE_S 10	/* for a TLS handshake on the way in */
#define CLOSING_S 10	/* for the last output, when no idle time is set */
#define PARTING_S 2	/* for the peer to end as well */

static struct stream_hub *hubs;
static pthread_mutex_t hubs_lock = PTHREAD_MUTEX_INITIALIZER;

/* Lists of streams whose time runs. */

static void
quiet_arm(struct stream_quiet *q, double after)
{
	ev_timer_stop(q->loop, &q->timer);
	ev_timer_set(&q->timer, after > 0 ? after : 0, 0);
	ev_timer_start(q->loop, &q->timer);
}

/* Cheap, and deaf to the wall clock being set. */
static double
coarse_now(void)
{
	struct timespec ts;

	clock_gettime(CLOCK_MONOTONIC_COARSE, &ts);
	return (double)ts.tv_sec + (double)ts.tv_nsec / 1e9;
}

static void
on_quiet(struct ev_loop *loop, ev_timer *w, int revents)
{
	struct stream_quiet *q = w->data;
	struct lru_node *n = lru_oldest(&q->list);
	struct stream_group *g;
	double now = coarse_now();

	(void)loop;
	(void)revents;
	if (n == NULL)
		return;
	/* q is the group's, or the hub's, which the group holds */
	g = LRU_OF(n, struct stream, quiet_node)->group;
	g->refs++;
	for (; n != NULL; n = lru_oldest(&q->list)) {
		struct stream *s = LRU_OF(n, struct stream, quiet_node);

		if (s->last_seen + q->timeout_s > now) {
			quiet_arm(q, s->last_seen + q->timeout_s - now);
			break;
		}
		stream_quiet_move(s, NULL);
		stream_expired(s);
	}
	stream_group_unref(g);
}

static void
quiet_init(struct stream_quiet *q, struct ev_loop *loop, double timeout_s)
{
	q->loop = loop;
	q->timeout_s = timeout_s;
	lru_init(&q->list);
	ev_init(&q->timer, on_quiet);
	q->timer.data = q;
}

void
stream_quiet_move(struct stream *s, struct stream_quiet *q)
{
	if (s->quiet != NULL)
		lru_remove(&s->quiet->list, &s->quiet_node);
	if (s->quiet != NULL && s->quiet->list.len == 0)
		ev_timer_stop(s->quiet->loop, &s->quiet->timer);
	s->quiet = q;
	if (q == NULL)
		return;
	s->last_seen = coarse_now();
	lru_add(&q->list, &s->quiet_node);
	if (!ev_is_active(&q->timer))
		quiet_arm(q, q->timeout_s);
}

void
stream_quiet_touch(struct stream *s)
{
	if (s->quiet == NULL)
		return;
	s->last_seen = coarse_now();
	lru_touch(&s->quiet->list, &s->quiet_node);
}

/* What there is to do before the loop sleeps: after all other prepare watchers,
 * so that what those write is sent too. */

void
stream_todo(struct stream *s)
{
	if (s->is_todo)
		return;
	s->is_todo = true;
	lru_add(&s->group->hub->todo, &s->todo);
}

static void
on_prepare(struct ev_loop *loop, ev_prepare *w, int revents)
{
	struct stream_hub *h = w->data;
	size_t n = h->todo.len;
	struct lru_node *node;

	(void)revents;
	h->refs++;
	for (; n > 0 && (node = lru_oldest(&h->todo)) != NULL; n--) {
		struct stream *s = LRU_OF(node, struct stream, todo);

		lru_remove(&h->todo, node);
		s->is_todo = false;
		stream_attend(s);
	}
	/* what came up meanwhile: do not sleep on it */
	if (h->todo.len > 0 && !ev_is_active(&h->again))
		ev_timer_start(loop, &h->again);
	stream_hub_unref(h);
}

static void
on_again(struct ev_loop *loop, ev_timer *w, int revents)
{
	(void)loop;
	(void)w;
	(void)revents;
}

static struct stream_hub *
hub_new(struct ev_loop *loop)
{
	struct stream_hub *h = malloc(sizeof *h);

	if (h == NULL)
		return NULL;
	h->loop = loop;
	h->refs = 0;
	h->cursors = NULL;
	lru_init(&h->all);
	lru_init(&h->todo);
	quiet_init(&h->handshakes, loop, HANDSHAKE_S);
	quiet_init(&h->closings, loop, CLOSING_S);
	quiet_init(&h->partings, loop, PARTING_S);
	ev_timer_init(&h->again, on_again, 0, 0);
	ev_prepare_init(&h->prepare, on_prepare);
	h->prepare.data = h;
	ev_set_priority(&h->prepare, EV_MINPRI);
	ev_prepare_start(loop, &h->prepare);
	ev_unref(loop);	/* it keeps no loop alive */
	return h;
}

struct stream_hub *
stream_hub_of(struct ev_loop *loop, bool make)
{
	struct stream_hub *h;

	pthread_mutex_lock(&hubs_lock);
	for (h = hubs; h != NULL && h->loop != loop; h = h->next)
		;
	if (h == NULL && make && (h = hub_new(loop)) != NULL) {
		h->next = hubs;
		hubs = h;
	}
	pthread_mutex_unlock(&hubs_lock);
	return h;
}

void
stream_hub_unref(struct stream_hub *h)
{
	struct stream_hub **p;

	if (--h->refs > 0)
		return;
	pthread_mutex_lock(&hubs_lock);
	for (p = &hubs; *p != h; p = &(*p)->next)
		;
	*p = h->next;
	pthread_mutex_unlock(&hubs_lock);
	ev_ref(h->loop);
	ev_prepare_stop(h->loop, &h->prepare);
	ev_timer_stop(h->loop, &h->again);
	free(h);
}

struct stream_group *
stream_group_new(struct ev_loop *loop, const struct stream_options *options,
    const struct stream_ops *ops)
{
	struct stream_group *g = calloc(1, sizeof *g);

	if (g == NULL)
		return NULL;
	g->hub = stream_hub_of(loop, true);
	if (g->hub == NULL) {
		free(g);
		return NULL;
	}
	g->hub->refs++;
	g->refs = 1;
	g->ops = ops;
	g->options = *options;
	quiet_init(&g->idle, loop, (double)options->idle_ms / 1e3);
	return g;
}

void
stream_group_unref(struct stream_group *g)
{
	if (--g->refs > 0)
		return;
	ev_timer_stop(g->hub->loop, &g->idle.timer);
	stream_hub_unref(g->hub);
	free(g);
}
