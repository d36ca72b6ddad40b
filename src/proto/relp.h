/* relp.h - RELP, the reliable event logging protocol, for both of its ends.
 *
 * Frames are "TXNR SP COMMAND SP DATALEN [SP DATA] LF"; DATALEN 0 has neither
 * the space nor the data.  (librelp's doc/relp.md, and what librelp does.)
 * Pure: bytes in, frames and events out, answers into a buffer.
 *
 * The one safe way for a server to refuse a message is to leave it unanswered
 * and close: the client sends it again on its next connection.  A "500" makes
 * rsyslog's client forget the message, so nothing here writes one for it. */
#ifndef MILLRACE_PROTO_RELP_H
#define MILLRACE_PROTO_RELP_H

#include <stdbool.h>
#include <stdint.h>

#include "base/buf.h"
#include "base/slice.h"
#include "record/reason.h"

#define RELP_TXNR_MAX 999999999
#define RELP_COMMAND_MAX 32
#define RELP_HEADER_MAX 53	/* bytes of a frame before its data */
#define RELP_WINDOW 128		/* librelp's own */
#define RELP_WINDOW_MAX 1024

enum relp_command {
	RELP_OPEN, RELP_SYSLOG, RELP_CLOSE, RELP_RSP, RELP_SERVERCLOSE, RELP_OTHER
};

struct relp_frame {
	uint32_t txnr;		/* 0: a hint, never answered */
	enum relp_command command;
	struct slice data;	/* cut at the parser's max_data */
	uint32_t length;	/* DATALEN: more than data.len when cut */
};

enum relp_answer {
	RELP_READY,
	RELP_MORE,		/* not yet */
	RELP_BAD		/* never: close without a word */
};

struct relp_parser {
	size_t max_data, max_frame;
	enum reason reason;	/* why RELP_BAD */
	/* private */
	struct relp_frame frame;	/* the one under way */
	bool in_data, bad;
	uint32_t left;		/* of its data, to skip */
	struct buf head;	/* beginning of data that is too long */
};

/* Data longer than max_data (at least 1) is cut, longer than max_frame ends the connection.
 * A caller's buffer must be able to hold max_data + RELP_HEADER_MAX + 2. */
void relp_parser_init(struct relp_parser *p, size_t max_data, size_t max_frame);
void relp_parser_fini(struct relp_parser *p);
/* The next frame at the front of *in.
 * READY: *out is filled; its data is good until the next call or until the
 *     bytes of *in go; *in begins behind it.
 * MORE: *in holds what is still needed, to be offered again with more behind.
 * BAD: p->reason is REASON_BAD_FRAMING, _TOO_LONG or _NO_MEMORY. */
enum relp_answer relp_next(struct relp_parser *p, struct slice *in,
    struct relp_frame *out);

/* Offers: "name=value" lines.  Takes one off *rest; name is empty at the end.
 * False: bad syntax, or a name over 32 or a value over 255 bytes. */
bool relp_offer_next(struct slice *rest, struct slice *name,
    struct slice *value);
/* Is word one of the comma separated values? */
bool relp_offer_has(struct slice value, struct slice word);

/* ---- the server's side ---- */

struct relp_server {
	uint32_t next;		/* the only number the next command may have */
	bool open, got_syslog, closed;
};

enum relp_event {
	RELP_EVENT_NONE,	/* dealt with; there may be output */
	RELP_EVENT_SYSLOG,	/* a message.  When it is safe, answer with
				 * relp_write_ok() */
	RELP_EVENT_CLOSE,	/* when all before it are answered, answer with
				 * relp_write_close(), and close */
	RELP_EVENT_FAIL		/* write what output there is, and close */
};

void relp_server_init(struct relp_server *s);
/* What a frame means for the session; answers to all but "syslog" and "close"
 * are added to out (whose being full is RELP_EVENT_FAIL).  Numbers must come
 * in exact sequence, 999999999 before 1; a repeated "open" is welcome until the
 * first message, as some clients behind proxies send several. */
enum relp_event relp_server_frame(struct relp_server *s,
    const struct relp_frame *f, struct buf *out);

/* Answers; false when out has no room for all of it: then it is unchanged. */
bool relp_write_ok(struct buf *out, uint32_t txnr);
bool relp_write_error(struct buf *out, uint32_t txnr, struct slice text);
bool relp_write_close(struct buf *out, uint32_t txnr);
/* A hint that we are going away: after the last answer. */
bool relp_write_serverclose(struct buf *out);

/* ---- the client's side ---- */

struct relp_client {
	enum { RELP_NEW, RELP_OPENING, RELP_UP, RELP_CLOSING, RELP_DOWN } state;
	uint32_t oldest;	/* the first message without an answer, or next */
	uint32_t next;		/* the number of the next command */
	uint32_t window;
	/* private: a ring of bits, which of the numbers from oldest on have
	 * their answer; base is the place of the oldest */
	uint32_t base;
	uint64_t answered[RELP_WINDOW_MAX / 64];
};

enum relp_client_event {
	RELP_CLIENT_NONE,
	RELP_CLIENT_OPENED,	/* messages may go */
	RELP_CLIENT_ANSWERED,	/* one message, see *txnr and *code */
	RELP_CLIENT_CLOSED,	/* our close was answered, or the server is
				 * leaving: connect again, send what is left */
	RELP_CLIENT_FAIL	/* close, connect again later, send what is left */
};

/* window: how many messages may be without an answer, 1 to RELP_WINDOW_MAX. */
void relp_client_init(struct relp_client *c, uint32_t window);
/* The first thing to send. */
bool relp_client_open(struct relp_client *c, struct buf *out);
/* True: the message is in out as number *txnr.  False, and nothing changed: the
 * window is full, the session is not up, or out has no room. */
bool relp_client_syslog(struct relp_client *c, struct slice msg,
    struct buf *out, uint32_t *txnr);
bool relp_client_close(struct relp_client *c, struct buf *out);
/* What a frame from the server means.  For ANSWERED, *code is 200 or what the
 * server had against it.  Answers may come in any order; all before c->oldest
 * have theirs. */
enum relp_client_event relp_client_frame(struct relp_client *c,
    const struct relp_frame *f, uint32_t *txnr, unsigned *code);
/* How many messages have no answer. */
uint32_t relp_client_unanswered(const struct relp_client *c);
/* How many more may be sent now. */
uint32_t relp_client_room(const struct relp_client *c);

/* "200 OK[LF data]": false when data does not begin with a code. */
bool relp_rsp_parse(struct slice data, unsigned *code, struct slice *text,
    struct slice *rest);

#endif
