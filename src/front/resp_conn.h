/* resp_conn.h - a connection that speaks RESP, between the files of its front.
 *
 * Replies leave in the order of the commands.  What was read in one go makes a
 * burst: replies that are known at once, as text, and ids that the events
 * thread still owes, as slots of the burst's ticket.  A burst is written out
 * when its ticket is back and all bursts before it are out. */
#ifndef MILLRACE_FRONT_RESP_CONN_H
#define MILLRACE_FRONT_RESP_CONN_H

#include "core/ticket.h"
#include "front/auth.h"
#include "front/door.h"
#include "proto/resp.h"

struct burst {
	struct burst *next;
	struct resp_conn *conn;		/* NULL: it has gone */
	struct ticket *ticket;
	bool back;
	struct buf text;		/* parts: struct burst_part, then its bytes */
	struct event_ask *ask;		/* what it asks, at most one thing */
};

/* One reply, or a piece of one. */
struct burst_part {
	enum { PART_TEXT, PART_ID, PART_GROUP, PART_ANSWER } what;
	uint32_t n;			/* TEXT: bytes; GROUP: how many slots;
					 * ANSWER: enum resp_answer */
	uint32_t slot;			/* ID, GROUP: the (first) slot */
};

struct resp_conn {
	struct conn conn;
	struct resp_parser parser;
	struct burst *first, *last;	/* bursts not written out */
	struct burst *open;		/* the one being filled, or NULL */
	struct buf out;			/* replies of the command at hand */
	int proto;
	uint64_t id;
	char *user;			/* his name; NULL: nobody yet */
	char name[64];
	bool in_multi, multi_bad;
	struct buf multi;		/* its commands, written as requests */
	size_t multi_n, multi_pairs;
	size_t inflight;		/* events not answered */
	bool window;			/* paused for that */
	bool quitting;
	unsigned bad_passwords;
	struct buf wrote;		/* streams written to, each with a LF */
	size_t latest;			/* where the latest of them stands */
	bool wrote_more;		/* and to others */
	struct pair *pairs;
	size_t max_pairs;
};

/* How the answer to a question is written. */
enum resp_answer { ANSWER_COUNT, ANSWER_WAITAOF, ANSWER_NUMBER, ANSWER_TEXT };

/* Run one command; its reply goes to the open burst. */
void resp_command(struct resp_conn *c, const struct slice *argv, size_t argc);
/* The burst to add to, made if need be, with room for n more events; NULL: no
 * memory. */
struct burst *resp_burst(struct resp_conn *c, size_t n);
/* Add c->out to the open burst as text, and clear it. */
void resp_say(struct resp_conn *c);
/* The reply will be an id, or an error, of that slot. */
void resp_owe(struct resp_conn *c, size_t slot);
void resp_owe_group(struct resp_conn *c, size_t slot, size_t n);
/* The open burst is full: its ticket may go home. */
void resp_end_burst(struct resp_conn *c);

/* ---- questions to the events thread (resp_ask.c) ---- */

/* An event of that stream was sent. */
void resp_wrote(struct resp_conn *c, struct slice stream);
/* The commands; what they are asked about are all events sent before. */
void resp_wait(struct resp_conn *c, const struct slice *argv, size_t argc);
void resp_waitaof(struct resp_conn *c, const struct slice *argv, size_t argc);
void resp_event(struct resp_conn *c, const struct slice *argv, size_t argc);
void resp_info(struct resp_conn *c, const struct slice *argv, size_t argc);
/* Write the answer. */
bool resp_add_answer(struct buf *out, const struct resp_conn *c,
    const struct event_ask *a, enum resp_answer how);

#endif
