/* json_text.h - JSON (RFC 8259) read value by value, strictly, where it stands.
 *
 * Nothing is built: a value is the bytes it was written with.  So a number
 * keeps all its digits, and a nested value can be passed on as it came. */
#ifndef MILLRACE_PROTO_JSON_TEXT_H
#define MILLRACE_PROTO_JSON_TEXT_H

#include "base/buf.h"
#include "base/slice.h"
#include "record/reason.h"

#define JSON_DEPTH_MAX 64

enum json_type {
	JSON_TEXT_STRING, JSON_TEXT_NUMBER, JSON_TEXT_TRUE, JSON_TEXT_FALSE,
	JSON_TEXT_NULL, JSON_TEXT_OBJECT, JSON_TEXT_ARRAY
};

struct json_value {
	enum json_type type;
	struct slice raw;	/* as written; a string without its quotes */
	bool escapes;		/* a string has some */
};

/* Pass over blanks. */
void json_blanks(struct slice *in);
/* Take c off the front, with the blanks before it. */
bool json_take_char(struct slice *in, char c);
/* Take one whole value off the front: REASON_NONE, or SYNTAX, TOO_DEEP,
 * NOT_UTF8. */
enum reason json_take(struct slice *in, struct json_value *v);
/* The text of a string that json_take() gave: borrowed from it, or appended to
 * `text`, which must have room for raw.len more and so does not move. */
struct slice json_text_of(const struct json_value *v, struct buf *text);

/* Take the next member of an object off *in, which begins behind its '{' (first)
 * or behind a member.  *end: there is none, and the '}' is taken. */
enum reason json_member(struct slice *in, bool first, struct json_value *key,
    struct json_value *value, bool *end);

#endif
