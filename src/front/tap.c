/* tap.c - a bounded buffer of JSON between workers and a reader. */
#include "config.h"

#include <pthread.h>
#include <stdatomic.h>
#include <stdlib.h>

#include "base/buf.h"
#include "core/match.h"
#include "front/tap.h"
#include "proto/log_line.h"
#include "proto/record_json.h"

#define LINE_MAX_BYTES (TAP_MAX / 2)

struct tap {
	_Atomic unsigned refs;
	_Atomic bool closed;
	_Atomic bool full;		/* no need to write what has no room */
	_Atomic uint64_t shed;
	struct expr *where;
	pthread_mutex_t lock;		/* of what follows */
	struct buf text;
	bool rung;
	void (*ring)(void *ctx);
	void *ctx;
};

struct tap_scratch {
	struct match_captures captures;
	struct log_clock clock;
	struct buf line;
};

struct tap *
tap_new(struct expr *where, void (*ring)(void *ctx), void *ctx)
{
	struct tap *t = calloc(1, sizeof *t);

	if (t == NULL) {
		expr_free(where);
		return NULL;
	}
	atomic_init(&t->refs, 1);
	t->where = where;
	t->ring = ring;
	t->ctx = ctx;
	pthread_mutex_init(&t->lock, NULL);
	buf_init(&t->text, TAP_MAX);
	return t;
}

struct tap *
tap_ref(struct tap *t)
{
	atomic_fetch_add(&t->refs, 1);
	return t;
}

void
tap_unref(struct tap *t)
{
	if (t == NULL || atomic_fetch_sub(&t->refs, 1) != 1)
		return;
	expr_free(t->where);
	buf_fini(&t->text);
	pthread_mutex_destroy(&t->lock);
	free(t);
}

void
tap_close(struct tap *t)
{
	pthread_mutex_lock(&t->lock);
	atomic_store(&t->closed, true);
	pthread_mutex_unlock(&t->lock);
}

bool
tap_closed(const struct tap *t)
{
	return atomic_load_explicit(&t->closed, memory_order_relaxed);
}

struct tap_scratch *
tap_scratch_new(void)
{
	struct tap_scratch *s = calloc(1, sizeof *s);

	if (s == NULL)
		return NULL;
	match_reset(&s->captures);
	buf_init(&s->line, LINE_MAX_BYTES);
	return s;
}

void
tap_scratch_free(struct tap_scratch *s)
{
	if (s == NULL)
		return;
	buf_fini(&s->line);
	free(s);
}

static void
shed(struct tap *t)
{
	atomic_fetch_add_explicit(&t->shed, 1, memory_order_relaxed);
}

void
tap_offer(struct tap *t, const struct record *r, struct tap_scratch *s)
{
	if (tap_closed(t) || !match(t->where, r, &s->captures))
		return;
	buf_clear(&s->line);
	if (atomic_load_explicit(&t->full, memory_order_relaxed) ||
	    !record_json(&s->line, r, &s->clock) || !buf_addc(&s->line, '\n')) {
		shed(t);
		return;
	}
	pthread_mutex_lock(&t->lock);
	if (!buf_add_slice(&t->text, buf_slice(&s->line))) {
		atomic_store(&t->full, true);
		shed(t);
	} else if (!t->rung && !atomic_load(&t->closed)) {
		t->rung = true;
		t->ring(t->ctx);
	}
	pthread_mutex_unlock(&t->lock);
}

size_t
tap_read(struct tap *t, char *to, size_t room, uint64_t *count)
{
	size_t n;

	pthread_mutex_lock(&t->lock);
	n = t->text.len < room ? t->text.len : room;
	if (n > 0) {
		memcpy(to, t->text.data, n);
		buf_consume(&t->text, n);
	} else {
		t->rung = false;
	}
	if (t->text.len < TAP_MAX / 2)
		atomic_store(&t->full, false);
	pthread_mutex_unlock(&t->lock);
	*count = atomic_load_explicit(&t->shed, memory_order_relaxed);
	return n;
}
