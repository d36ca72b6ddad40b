/* relp_client.c - the sending end of a RELP session. */
#include "config.h"

#include <assert.h>

#include "proto/relp_parts.h"

void
relp_client_init(struct relp_client *c, uint32_t window)
{
	assert(window >= 1 && window <= RELP_WINDOW_MAX);
	*c = (struct relp_client){
		.state = RELP_NEW, .oldest = 1, .next = 1, .window = window
	};
}

/* How far b lies behind a, as numbers go round. */
static uint32_t
distance(uint32_t a, uint32_t b)
{
	return b >= a ? b - a : b + RELP_TXNR_MAX - a;
}

bool
relp_client_open(struct relp_client *c, struct buf *out)
{
	assert(c->state == RELP_NEW);
	if (!relp_write_frame(out, c->next, SLICE("open"), SLICE(RELP_OFFERS)))
		return false;
	c->state = RELP_OPENING;
	c->oldest = c->next = relp_after(c->next);
	return true;
}

/* The bit of the i-th number from the oldest on. */
static uint32_t
place(const struct relp_client *c, uint32_t i)
{
	return (c->base + i) % RELP_WINDOW_MAX;
}

uint32_t
relp_client_unanswered(const struct relp_client *c)
{
	uint32_t n = distance(c->oldest, c->next);

	for (size_t i = 0; i < RELP_WINDOW_MAX / 64; i++)
		n -= (uint32_t)__builtin_popcountll(c->answered[i]);
	return n;
}

uint32_t
relp_client_room(const struct relp_client *c)
{
	uint32_t n = distance(c->oldest, c->next);

	return c->state == RELP_UP && n < c->window ? c->window - n : 0;
}

bool
relp_client_syslog(struct relp_client *c, struct slice msg, struct buf *out,
    uint32_t *txnr)
{
	if (relp_client_room(c) == 0 ||
	    !relp_write_frame(out, c->next, SLICE("syslog"), msg))
		return false;
	*txnr = c->next;
	c->next = relp_after(c->next);
	return true;
}

bool
relp_client_close(struct relp_client *c, struct buf *out)
{
	if (c->state != RELP_UP ||
	    !relp_write_frame(out, c->next, SLICE("close"), SLICE("")))
		return false;
	c->state = RELP_CLOSING;
	return true;
}

static enum relp_client_event
fail(struct relp_client *c)
{
	c->state = RELP_DOWN;
	return RELP_CLIENT_FAIL;
}

/* Will the server take messages?  It must say so. */
static bool
offers_fit(struct slice offers)
{
	struct slice name, value;
	bool syslog = false;

	for (;;) {
		if (!relp_offer_next(&offers, &name, &value))
			return false;
		if (name.len == 0)
			return syslog;
		if (slice_eq(name, SLICE("commands")))
			syslog = relp_offer_has(value, SLICE("syslog"));
		if (slice_eq(name, SLICE("relp_version")) &&
		    !slice_eq(value, SLICE("0")))
			return false;
	}
}

/* A message has its answer. */
static enum relp_client_event
answered(struct relp_client *c, uint32_t txnr)
{
	uint32_t i = distance(c->oldest, txnr), bit = place(c, i);
	uint64_t *word = &c->answered[bit / 64], mask = UINT64_C(1) << bit % 64;

	if (i >= distance(c->oldest, c->next) || (*word & mask) != 0)
		return fail(c);
	*word |= mask;
	for (;;) {
		word = &c->answered[c->base / 64];
		mask = UINT64_C(1) << c->base % 64;
		if ((*word & mask) == 0)
			return RELP_CLIENT_ANSWERED;
		*word &= ~mask;
		c->base = place(c, 1);
		c->oldest = relp_after(c->oldest);
	}
}

static enum relp_client_event
on_rsp(struct relp_client *c, const struct relp_frame *f, uint32_t *txnr,
    unsigned *code)
{
	struct slice text, rest;

	if (c->state == RELP_CLOSING && f->txnr == c->next) {
		c->state = RELP_DOWN;	/* its data may be empty */
		return RELP_CLIENT_CLOSED;
	}
	if (!relp_rsp_parse(f->data, code, &text, &rest))
		return fail(c);
	*txnr = f->txnr;
	if (c->state != RELP_OPENING)
		return answered(c, f->txnr);
	if (f->txnr != 1 || *code != 200 || !offers_fit(rest))
		return fail(c);
	c->state = RELP_UP;
	return RELP_CLIENT_OPENED;
}

enum relp_client_event
relp_client_frame(struct relp_client *c, const struct relp_frame *f,
    uint32_t *txnr, unsigned *code)
{
	if (c->state == RELP_NEW || c->state == RELP_DOWN)
		return fail(c);
	if (f->command == RELP_RSP && f->txnr != 0)
		return on_rsp(c, f, txnr, code);
	if (f->txnr != 0)
		return fail(c);
	if (f->command != RELP_SERVERCLOSE)
		return RELP_CLIENT_NONE;
	c->state = RELP_DOWN;
	return RELP_CLIENT_CLOSED;
}
