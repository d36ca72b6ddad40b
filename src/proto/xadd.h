/* xadd.h - the XADD command as a door for reliable events takes it.
 *
 *   XADD stream [NOMKSTREAM] [KEEPREF|DELREF|ACKED]
 *        [IDMP pid iid | IDMPAUTO pid] [MAXLEN|MINID [=|~] n [LIMIT n]]
 *        <* | ms-* | ms-seq> field value [field value ...]
 *
 * https://redis.io/docs/latest/commands/xadd/ for what each means in Redis.
 * Here trimming is read and reported, never obeyed: a producer must not delete
 * what a consumer has not acknowledged. */
#ifndef MILLRACE_PROTO_XADD_H
#define MILLRACE_PROTO_XADD_H

#include "record/event_hash.h"

#define XADD_MAX_STREAM 255
#define XADD_MAX_PID 64
#define XADD_MAX_IID 64

struct xadd {
	bool nomkstream;
	bool trim;		/* MAXLEN or MINID was given (and is ignored) */
	bool refs;		/* KEEPREF, DELREF or ACKED was given (ignored) */
	bool idmp_auto;		/* IDMPAUTO: the iid was computed, see below */
	bool id_auto;		/* "*" */
	bool seq_auto;		/* "ms-*" */
	uint64_t ms, seq;	/* of an id that was given */
	const char *error;	/* after a refusal: the reply, "ERR ..." */
	char iid[EVENT_HASH_TEXT];	/* IDMPAUTO's iid: hex of 128 bits */
};

/* Read a command (argv[0] is XADD in any case).  The fields go into pairs, at
 * most max_pairs, and *ev borrows from argv, pairs and x.  ev->id is the id as
 * given, and empty for "*".
 * REASON_NONE, or why not, with x->error: SYNTAX (arguments missing, odd
 * fields, options out of place), BAD_STREAM (empty, over XADD_MAX_STREAM bytes,
 * control characters), BAD_VALUE (an id or number that is none, 0-0), TOO_MANY
 * (fields), TOO_LONG (pid or iid), EMPTY (pid or iid). */
enum reason xadd_parse(const struct slice *argv, size_t argc,
    struct pair *pairs, size_t max_pairs, struct event_record *ev,
    struct xadd *x);

/* May a stream have that name? */
bool xadd_good_stream(struct slice s);
/* Read "ms-seq" or "ms" (seq is then `missing_seq`), decimal, 64 bits each. */
bool stream_id_parse(struct slice s, uint64_t missing_seq, uint64_t *ms,
    uint64_t *seq);

#endif
