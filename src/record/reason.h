/* reason.h - the named reasons for which input is refused or data is lost.
 *
 * One list for the whole daemon: a parser answers with one of these, the
 * ledger counts by them, and the log and the Prometheus page print their
 * names.  A new reason is a row here, and a test that reaches it. */
#ifndef MILLRACE_RECORD_REASON_H
#define MILLRACE_RECORD_REASON_H

#define REASON_LIST(X) \
	X(NONE, "none") \
	/* what the peer sent */ \
	X(EMPTY, "empty") \
	X(NO_NAME, "no_name") \
	X(BAD_NAME, "bad_name") \
	X(NO_VALUE, "no_value") \
	X(BAD_VALUE, "bad_value") \
	X(NO_TYPE, "no_type") \
	X(BAD_TYPE, "bad_type") \
	X(BAD_RATE, "bad_rate") \
	X(BAD_TAG, "bad_tag") \
	X(BAD_TIME, "bad_time") \
	X(BAD_FIELDS, "bad_fields") \
	X(TOO_LONG, "too_long") \
	X(TOO_MANY, "too_many") \
	X(TOO_DEEP, "too_deep") \
	X(TRUNCATED, "truncated") \
	X(BAD_FRAMING, "bad_framing") \
	X(NOT_UTF8, "not_utf8") \
	X(UNSAFE, "unsafe") \
	X(BAD_SIGNATURE, "bad_signature") \
	X(REPLAYED, "replayed") \
	X(SYNTAX, "syntax") \
	X(UNKNOWN_COMMAND, "unknown_command") \
	X(NO_AUTH, "no_auth") \
	X(NO_PERMISSION, "no_permission") \
	X(BAD_STREAM, "bad_stream") \
	X(BAD_COMPRESSION, "bad_compression") \
	X(NOT_A_NUMBER, "not_a_number") \
	/* what we did */ \
	X(RULE, "rule") \
	X(NO_ROUTE, "no_route") \
	X(OVERLOAD, "overload") \
	X(CARDINALITY, "cardinality") \
	X(RATE_LIMIT, "rate_limit") \
	X(KERNEL, "kernel") \
	X(QUEUE_FULL, "queue_full") \
	X(NO_MEMORY, "no_memory") \
	X(SHUTDOWN, "shutdown") \
	X(LATE, "late") \
	X(IO_ERROR, "io_error") \
	X(REFUSED, "refused") \
	X(TIMEOUT, "timeout") \
	X(CONNECTION_LIMIT, "connection_limit") \
	X(DUPLICATE, "duplicate")

enum reason {
#define X(name, text) REASON_##name,
	REASON_LIST(X)
#undef X
	REASON_COUNT
};

/* "no_name" and so on; never NULL. */
const char *reason_name(enum reason r);

#endif
