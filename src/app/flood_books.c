/* flood_books.c - what the daemon says became of what was sent: its books
 * before and after.  Others that send to the same door at the same time are in
 * there too. */
#include "config.h"

#include <inttypes.h>
#include <jansson.h>
#include <stdio.h>
#include <string.h>
#include <time.h>

#include "app/admin_get.h"
#include "app/flood.h"

#define LOOK_NS UINT64_C(100000000)

static uint64_t
number(const json_t *book, const char *key)
{
	double d = json_number_value(json_object_get(book, key));

	return d > 0 ? (uint64_t)d : 0;
}

/* The door's kind and source in the ledger. */
static const json_t *
book_of(const json_t *ledger, const struct flood_opts *o)
{
	static const struct { const char *kind, *source; } doors[] = {
		[FLOOD_STATSD] = { "metric", "statsd" },
		[FLOOD_GRAPHITE] = { "metric", "graphite" },
		[FLOOD_SYSLOG] = { "log", "syslog" },
		[FLOOD_EVENTS] = { "event", "resp" },
	};
	const char *source = strcmp(o->to.scheme, "relp") == 0 ? "relp" :
	    doors[o->proto].source;

	return json_object_get(json_object_get(ledger, doors[o->proto].kind), source);
}

static void
add_drops(struct flood_books *b, const json_t *dropped)
{
	const char *reason;
	json_t *v;

	json_object_foreach((json_t *)(uintptr_t)dropped, reason, v) {
		if (b->nreasons == FLOOD_REASONS)
			break;
		snprintf(b->reason[b->nreasons].name, sizeof b->reason[0].name, "%s", reason);
		b->reason[b->nreasons++].n = (uint64_t)json_number_value(v);
	}
}

bool
flood_books_read(const struct flood_opts *o, struct flood_books *b)
{
	FILE *f = admin_get(o->admin, NULL, "/api/ledger", b->error, sizeof b->error);
	json_error_t e;
	const json_t *book;
	json_t *ledger;

	if (f == NULL)
		return false;
	ledger = json_loadf(f, 0, &e);
	fclose(f);
	if (ledger == NULL) {
		snprintf(b->error, sizeof b->error, "/api/ledger: %s", e.text);
		return false;
	}
	*b = (struct flood_books){ .known = true };
	book = book_of(ledger, o);
	b->received = number(book, "received");
	b->delivered = number(book, "delivered");
	b->queued = number(book, "queued");
	add_drops(b, json_object_get(book, "dropped"));
	json_decref(ledger);
	return true;
}

static uint64_t
drops(const struct flood_books *b, const char *reason)
{
	for (size_t i = 0; i < b->nreasons; i++)
		if (strcmp(b->reason[i].name, reason) == 0)
			return b->reason[i].n;
	return 0;
}

static void
subtract(struct flood_books *b, const struct flood_books *before)
{
	b->received -= before->received;
	b->delivered -= before->delivered;
	for (size_t i = 0; i < b->nreasons; i++)
		b->reason[i].n -= drops(before, b->reason[i].name);
}

/* What came in is seen a moment later, and what the kernel threw away when the
 * next datagram comes or the daemon looks: wait until all is accounted for. */
bool
flood_books_settle(const struct flood_opts *o, uint64_t sent, struct flood_books *b)
{
	const struct flood_books before = *b;
	const uint64_t end = flood_now() + (uint64_t)o->wait_ms * 1000000;
	const struct timespec pause = { .tv_nsec = LOOK_NS };

	for (;;) {
		if (!flood_books_read(o, b))
			return false;
		subtract(b, &before);
		if ((b->received >= sent && b->queued <= before.queued) ||
		    flood_now() >= end || flood_stop)
			return true;
		nanosleep(&pause, NULL);
	}
}

uint64_t
flood_books_lost(const struct flood_books *b, uint64_t sent)
{
	uint64_t there = b->delivered + b->queued;

	return sent > there ? sent - there : 0;
}

void
flood_books_text(const struct flood_books *b, uint64_t sent)
{
	const char *between = " (";

	printf("received      %" PRIu64 " by the daemon, delivered %" PRIu64
	    ", queued %" PRIu64 "\nlost          %" PRIu64, b->received,
	    b->delivered, b->queued, flood_books_lost(b, sent));
	for (size_t i = 0; i < b->nreasons; i++)
		if (b->reason[i].n > 0) {
			printf("%s%s %" PRIu64, between, b->reason[i].name, b->reason[i].n);
			between = ", ";
		}
	printf("%s\n", *between == ',' ? ")" : "");
}

void
flood_books_json(const struct flood_books *b, uint64_t sent)
{
	const char *between = "";

	printf(",\"received\":%" PRIu64 ",\"delivered\":%" PRIu64 ",\"queued\":%"
	    PRIu64 ",\"lost\":%" PRIu64 ",\"dropped\":{", b->received,
	    b->delivered, b->queued, flood_books_lost(b, sent));
	for (size_t i = 0; i < b->nreasons; i++)
		if (b->reason[i].n > 0) {
			printf("%s\"%s\":%" PRIu64, between, b->reason[i].name, b->reason[i].n);
			between = ",";
		}
	printf("}");
}
