/* relp_server.c - the receiving end of a RELP session. */
#include "config.h"

#include "proto/relp_parts.h"

void
relp_server_init(struct relp_server *s)
{
	*s = (struct relp_server){ .next = 1 };
}

bool
relp_write_ok(struct buf *out, uint32_t txnr)
{
	static const char rest[] = " rsp 6 200 OK\n";

	if (!buf_reserve(out, 10 + sizeof rest))
		return false;
	buf_add_u64(out, txnr);
	return buf_add(out, rest, sizeof rest - 1);
}

bool
relp_write_error(struct buf *out, uint32_t txnr, struct slice text)
{
	char data[4 + 80];
	struct slice t = slice_upto(text, 80);

	memcpy(data, "500 ", 4);
	memcpy(data + 4, t.ptr, t.len);
	return relp_write_frame(out, txnr, SLICE("rsp"),
	    slice_of(data, 4 + t.len));
}

bool
relp_write_close(struct buf *out, uint32_t txnr)
{
	size_t len = out->len;

	if (relp_write_frame(out, txnr, SLICE("rsp"), SLICE("")) &&
	    relp_write_serverclose(out))
		return true;
	out->len = len;
	return false;
}

bool
relp_write_serverclose(struct buf *out)
{
	return relp_write_frame(out, 0, SLICE("serverclose"), SLICE(""));
}

/* Does the client speak what we do?  Only what it says is held against it. */
static bool
offers_fit(struct slice offers)
{
	struct slice name, value;

	for (;;) {
		if (!relp_offer_next(&offers, &name, &value))
			return false;
		if (name.len == 0)
			return true;
		if (slice_eq(name, SLICE("commands")) &&
		    !relp_offer_has(value, SLICE("syslog")))
			return false;
	}
}

static enum relp_event
on_open(struct relp_server *s, const struct relp_frame *f, struct buf *out)
{
	if (s->got_syslog) {
		relp_write_error(out, f->txnr,
		    SLICE("the session is open already"));
		return RELP_EVENT_FAIL;
	}
	if (!offers_fit(f->data)) {
		relp_write_error(out, f->txnr,
		    SLICE("nothing in common: relp_version 0, commands syslog"));
		return RELP_EVENT_FAIL;
	}
	s->open = true;
	return relp_write_frame(out, f->txnr, SLICE("rsp"),
	    SLICE("200 OK\n" RELP_OFFERS)) ? RELP_EVENT_NONE : RELP_EVENT_FAIL;
}

/* A number of its own begins the numbering anew, as long as no message did. */
static bool
in_sequence(const struct relp_server *s, const struct relp_frame *f)
{
	return f->txnr == s->next ||
	    (f->command == RELP_OPEN && f->txnr == 1 && !s->got_syslog);
}

enum relp_event
relp_server_frame(struct relp_server *s, const struct relp_frame *f,
    struct buf *out)
{
	if (s->closed)
		return RELP_EVENT_FAIL;
	if (f->txnr == 0)		/* a hint; we know of none to heed */
		return RELP_EVENT_NONE;
	if (!in_sequence(s, f))
		return RELP_EVENT_FAIL;
	if (f->command != RELP_OPEN && !s->open)
		return RELP_EVENT_FAIL;
	s->next = relp_after(f->txnr);
	switch (f->command) {
	case RELP_OPEN:
		return on_open(s, f, out);
	case RELP_SYSLOG:
		s->got_syslog = true;
		return RELP_EVENT_SYSLOG;
	case RELP_CLOSE:
		s->closed = true;
		return RELP_EVENT_CLOSE;
	case RELP_RSP:
	case RELP_SERVERCLOSE:
		return RELP_EVENT_FAIL;
	case RELP_OTHER:
		break;
	}
	return relp_write_error(out, f->txnr, SLICE("unknown command")) ?
	    RELP_EVENT_NONE : RELP_EVENT_FAIL;
}
