/* event_list.c - events beside each other, their fields in one array. */
#include "config.h"

#include <stdlib.h>

#include "compat.h"
#include "proto/event_list.h"

void
event_list_init(struct event_list *l, size_t max_events, size_t max_fields,
    size_t max_bytes)
{
	memset(l, 0, sizeof *l);
	l->max_events = max_events;
	l->max_fields = max_fields;
	l->max_bytes = max_bytes;
	buf_init(&l->text, SIZE_MAX);
}

void
event_list_fini(struct event_list *l)
{
	free(l->v);
	free(l->first);
	free(l->pairs);
	buf_fini(&l->text);
	buf_fini(&l->names);
}

static bool
grow(struct event_list *l)
{
	size_t cap = l->cap == 0 ? 1 : l->cap * 2;
	struct event_record *v = reallocarray(l->v, cap, sizeof *v);
	size_t *first;

	if (v == NULL)
		return false;
	l->v = v;
	first = reallocarray(l->first, cap, sizeof *first);
	if (first == NULL)
		return false;
	l->first = first;
	l->cap = cap;
	return true;
}

enum reason
event_list_begin(struct event_list *l)
{
	if (l->n == l->max_events)
		return REASON_TOO_MANY;
	if (l->n == l->cap && !grow(l))
		return REASON_NO_MEMORY;
	l->v[l->n] = (struct event_record){ .nfields = 0 };
	l->first[l->n] = l->npairs;
	l->n++;
	l->at = 0;
	return REASON_NONE;
}

enum reason
event_list_field(struct event_list *l, struct slice key, struct slice value)
{
	struct event_record *ev = &l->v[l->n - 1];

	if (ev->nfields == l->max_fields)
		return REASON_TOO_MANY;
	if (key.len > l->max_bytes - l->at ||
	    value.len > l->max_bytes - l->at - key.len)
		return REASON_TOO_LONG;
	if (l->npairs == l->pairs_cap) {
		size_t cap = l->pairs_cap == 0 ? 16 : l->pairs_cap * 2;
		struct pair *pairs = reallocarray(l->pairs, cap, sizeof *pairs);

		if (pairs == NULL)
			return REASON_NO_MEMORY;
		l->pairs = pairs;
		l->pairs_cap = cap;
	}
	l->at += key.len + value.len;
	l->pairs[l->npairs++] = (struct pair){ key, value };
	ev->nfields++;
	return REASON_NONE;
}

struct event_record *
event_list_last(struct event_list *l)
{
	return &l->v[l->n - 1];
}

void
event_list_close(struct event_list *l)
{
	for (size_t i = 0; i < l->n && l->pairs != NULL; i++)
		l->v[i].fields = l->pairs + l->first[i];
}
