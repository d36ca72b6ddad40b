/* log_text.h - the escapes and times that the line formats share. */
#ifndef MILLRACE_PROTO_LOG_TEXT_H
#define MILLRACE_PROTO_LOG_TEXT_H

#include "proto/log_line.h"

/* Where a text stands, and so which bytes it may not hold. */
enum log_text {
	LOG_TEXT_BODY = 1,
	LOG_TEXT_WORD = 2,	/* nor a blank */
	LOG_TEXT_APP = 4	/* nor a blank, nor '[' */
};

/* Does s need no escapes there, and is it neither empty nor "-"? */
bool log_text_plain_word(struct slice s, enum log_text where);
/* Append s with escapes. */
bool log_text_escape(struct buf *out, struct slice s, enum log_text where);
/* The same, with "-" for nothing and "\x2d" for "-". */
bool log_text_escape_word(struct buf *out, struct slice s, enum log_text where);
/* Append "\xHH". */
bool log_text_hex(struct buf *out, char c);
/* Make *s what it was before: borrowed from scratch when it has escapes.
 * False: scratch, which never grows here, has no room. */
bool log_text_unescape(struct buf *scratch, struct slice *s);
/* The same; "-" becomes nothing. */
bool log_text_unescape_word(struct buf *scratch, struct slice *s);
/* The byte that "\xHH" at p stands for, or -1. */
int log_text_hex_at(const char *p, const char *end);
/* Add to a buffer that must not move. */
bool log_text_put(struct buf *scratch, const void *bytes, size_t n);

#define LOG_TIME_MAX 32
/* Write a time with so many digits behind the point, 6, or 0 for 3, 6 or 9 as
 * needed.  Returns the end. */
char *log_text_time(char *p, int64_t ns, int digits, struct log_second *s);
/* The time a record is filed under. */
static inline int64_t
log_text_when(const struct record *r)
{
	return r->time_ns != 0 ? r->time_ns : r->received_ns;
}
/* The whole of s is a time as above. */
bool log_text_time_parse(struct slice s, int64_t *ns);

/* Append a JSON string with its quotes; *bad when some of it was no UTF-8. */
bool log_text_json(struct buf *out, struct slice s, bool *bad);

bool log_line_write_5424(const struct record *r, struct log_clock *clock,
    struct buf *out);
enum reason log_line_parse_5424(struct slice line, struct record *r,
    struct buf *scratch);
bool log_line_write_json(const struct record *r, struct log_clock *clock,
    struct buf *out);
enum reason log_line_parse_json(struct slice line, struct record *r,
    struct buf *scratch);

#endif
