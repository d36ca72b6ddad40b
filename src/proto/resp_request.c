/* resp_request.c - cut commands off a connection that speaks RESP.
 *
 * A command that is over a limit but framed well is passed over without being
 * kept, so that one event too many bytes long costs its sender an error and
 * not the connection. */
#include "config.h"

#include <assert.h>
#include <stdlib.h>

#include "base/digits.h"
#include "base/number.h"
#include "proto/resp.h"

#define MAX_HEAD 24		/* "$" and "*" lines with their CRLF */

void
resp_parser_init(struct resp_parser *p, size_t max_args, size_t max_bytes)
{
	assert(max_args <= RESP_MAX_MULTIBULK);
	assert(max_bytes >= 64 && max_bytes <= RESP_MAX_BULK);
	*p = (struct resp_parser){
		.max_args = max_args,
		.max_bytes = max_bytes,
		.text = BUF_INIT(RESP_MAX_INLINE)
	};
}

void
resp_parser_fini(struct resp_parser *p)
{
	free(p->spans);
	free(p->argv);
	buf_fini(&p->text);
	p->spans = NULL;
	p->argv = NULL;
	p->cap = 0;
}

static void
start_over(struct resp_parser *p)
{
	p->nspans = p->at = p->left = p->bulk = 0;
	p->inside = p->in_bulk = p->refusing = false;
}

static enum resp_status
bad(struct resp_parser *p, enum reason why, const char *error)
{
	p->reason = why;
	p->error = error;
	return RESP_BAD;
}

/* From here on the command is only passed over.  The first reason stays. */
static void
refuse(struct resp_parser *p, enum reason why, const char *error)
{
	if (p->refusing)
		return;
	p->refusing = true;
	p->reason = why;
	p->error = error;
}

static bool
grow(struct resp_parser *p)
{
	size_t cap = p->cap == 0 ? 16 : p->cap * 2;
	struct resp_span *spans;
	struct slice *argv;

	spans = realloc(p->spans, cap * sizeof *spans);
	if (spans == NULL)
		return false;
	p->spans = spans;
	argv = realloc(p->argv, cap * sizeof *argv);
	if (argv == NULL)
		return false;
	p->argv = argv;
	p->cap = cap;
	return true;
}

static void
keep(struct resp_parser *p, size_t at, size_t len)
{
	if (p->nspans >= p->max_args) {
		refuse(p, REASON_TOO_MANY, "ERR too many arguments");
		return;
	}
	if (p->nspans == p->cap && !grow(p)) {
		refuse(p, REASON_NO_MEMORY, "ERR out of memory");
		return;
	}
	p->spans[p->nspans++] = (struct resp_span){ at, len };
}

static void
make_argv(struct resp_parser *p, const char *base)
{
	for (size_t i = 0; i < p->nspans; i++)
		p->argv[i] = slice_of(base + p->spans[i].at, p->spans[i].len);
	p->argc = p->nspans;
}

/* Read the line "<mark><number>\r\n" at the front of in. */
static enum resp_status
read_head(struct resp_parser *p, struct slice in, int64_t *n)
{
	struct slice line = slice_upto(in, MAX_HEAD);
	size_t eol = slice_find(line, '\n');

	if (eol == line.len) {
		if (line.len == MAX_HEAD)
			return bad(p, REASON_BAD_FRAMING,
			    "ERR Protocol error: too big length line");
		return RESP_MORE;
	}
	line.len = eol;
	if (eol < 3 || line.ptr[eol - 1] != '\r' || line.ptr[1] == '+')
		return bad(p, REASON_BAD_FRAMING,
		    "ERR Protocol error: invalid length");
	if (!number_i64(slice_of(line.ptr + 1, eol - 2), n))
		return bad(p, REASON_NOT_A_NUMBER,
		    "ERR Protocol error: invalid length");
	p->at += eol + 1;
	return RESP_READY;
}

static enum resp_status
read_array_head(struct resp_parser *p, struct slice in)
{
	enum resp_status s;
	int64_t n = 0;

	s = read_head(p, in, &n);
	if (s != RESP_READY)
		return s;
	if (n > RESP_MAX_MULTIBULK)
		return bad(p, REASON_TOO_MANY,
		    "ERR Protocol error: invalid multibulk length");
	p->inside = true;
	p->left = n > 0 ? (size_t)n : 0;
	if (p->left > p->max_args)
		refuse(p, REASON_TOO_MANY, "ERR too many arguments");
	return RESP_READY;
}

static enum resp_status
read_bulk_head(struct resp_parser *p, struct slice in)
{
	enum resp_status s;
	int64_t n = 0;

	if (in.len == 0)
		return RESP_MORE;
	if (in.ptr[0] != '$')
		return bad(p, REASON_BAD_FRAMING,
		    "ERR Protocol error: expected '$'");
	s = read_head(p, in, &n);
	if (s != RESP_READY)
		return s;
	if (n < 0 || n > RESP_MAX_BULK)
		return bad(p, REASON_TOO_LONG,
		    "ERR Protocol error: invalid bulk length");
	p->in_bulk = true;
	p->bulk = (size_t)n + 2;
	if (p->at > p->max_bytes || p->bulk > p->max_bytes - p->at)
		refuse(p, REASON_TOO_LONG, "ERR event too large");
	return RESP_READY;
}

static enum resp_status
read_bulk(struct resp_parser *p, struct slice in)
{
	const char *end;

	if (in.len < p->bulk)
		return RESP_MORE;
	end = in.ptr + p->bulk - 2;
	if (end[0] != '\r' || end[1] != '\n')
		return bad(p, REASON_BAD_FRAMING,
		    "ERR Protocol error: argument not ended by CRLF");
	keep(p, p->at, p->bulk - 2);
	p->at += p->bulk;
	p->in_bulk = false;
	p->left--;
	return RESP_READY;
}

/* Pass over as much of an argument as is there; MORE when it goes on. */
static enum resp_status
skip_bulk(struct resp_parser *p, struct slice in)
{
	size_t n = in.len < p->bulk ? in.len : p->bulk;

	p->at += n;
	p->bulk -= n;
	if (p->bulk > 0)
		return RESP_MORE;
	p->in_bulk = false;
	p->left--;
	return RESP_READY;
}

/* An array's next step; READY is "go on", and the end is left == 0. */
static enum resp_status
array_step(struct resp_parser *p, struct slice command)
{
	struct slice rest = slice_from(command, p->at);

	if (!p->inside)
		return read_array_head(p, rest);
	if (!p->in_bulk)
		return read_bulk_head(p, rest);
	return p->refusing ? skip_bulk(p, rest) : read_bulk(p, rest);
}

/* A whole argument, "$5\r\nhello\r\n", as nearly all are.  False, with nothing
 * touched, when it is not all there or anything about it wants a closer look. */
static bool
quick_bulk(struct resp_parser *p, struct slice command)
{
	const char *s = command.ptr + p->at, *end = command.ptr + command.len;
	size_t n = 0;

	if (end - s < 4 || *s++ != '$' || *s == '0')
		return false;
	while (s < end && *s >= '0' && *s <= '9' && n < p->max_bytes)
		n = n * 10 + (size_t)(*s++ - '0');
	if (n == 0 || end - s < 4 || s[0] != '\r' || s[1] != '\n')
		return false;
	s += 2;
	if (n > (size_t)(end - s) - 2 || s[n] != '\r' || s[n + 1] != '\n' ||
	    (size_t)(s - command.ptr) + n + 2 > p->max_bytes ||
	    p->nspans == p->cap || p->nspans >= p->max_args)
		return false;
	p->spans[p->nspans++] = (struct resp_span){
		(size_t)(s - command.ptr), n
	};
	p->at = (size_t)(s - command.ptr) + n + 2;
	p->left--;
	return true;
}

/* As many of them as follow each other; false: the command goes on. */
static bool
quick_bulks(struct resp_parser *p, struct slice command)
{
	if (p->refusing || p->in_bulk)
		return false;
	while (p->left > 0 && quick_bulk(p, command))
		continue;
	return p->left == 0;
}

/* ---- inline commands ---- */

static bool
blank(char c)
{
	return c == ' ' || (c >= '\t' && c <= '\r') || c == '\0';
}

/* The character behind a backslash within "..."; takes it off *s. */
static char
escaped(struct slice *s)
{
	static const char from[] = "nrtba", to[] = "\n\r\t\b\a";
	const char *known;
	char c = s->ptr[0];
	uint32_t byte;

	if (c == 'x' && s->len >= 3 && digits_hex_n(s->ptr + 1, 2, &byte)) {
		*s = slice_from(*s, 3);
		return (char)byte;
	}
	*s = slice_from(*s, 1);
	known = memchr(from, c, sizeof from - 1);
	return known != NULL ? to[known - from] : c;
}

/* Read on to the closing quote.  False when there is none, or when something
 * other than a blank stands behind it. */
static bool
quoted(struct resp_parser *p, struct slice *s, char quote)
{
	while (s->len > 0) {
		char c = s->ptr[0];

		*s = slice_from(*s, 1);
		if (c == quote)
			return s->len == 0 || blank(s->ptr[0]);
		if (c == '\\' && s->len > 0) {
			if (quote == '"')
				c = escaped(s);
			else if (s->ptr[0] == '\'') {
				c = '\'';
				*s = slice_from(*s, 1);
			}
		}
		if (!buf_addc(&p->text, c))
			return false;
	}
	return false;
}

static bool
word(struct resp_parser *p, struct slice *s)
{
	while (s->len > 0 && !blank(s->ptr[0])) {
		char c = s->ptr[0];

		*s = slice_from(*s, 1);
		if (c == '"' || c == '\'') {
			if (!quoted(p, s, c))
				return false;
		} else if (!buf_addc(&p->text, c)) {
			return false;
		}
	}
	return true;
}

/* A browser that was talked into speaking to us. */
static bool
is_http(const struct resp_parser *p)
{
	struct slice first;

	if (p->nspans == 0)
		return false;
	first = slice_of(p->text.data, p->spans[0].len);
	return slice_eq_nocase(first, SLICE("post")) ||
	    slice_eq_nocase(first, SLICE("host:"));
}

static enum resp_status
inline_words(struct resp_parser *p, struct slice line)
{
	buf_clear(&p->text);
	for (;;) {
		size_t at = p->text.len;

		while (line.len > 0 && blank(line.ptr[0]))
			line = slice_from(line, 1);
		if (line.len == 0)
			break;
		if (!word(p, &line))
			return bad(p, REASON_SYNTAX,
			    "ERR Protocol error: unbalanced quotes in request");
		keep(p, at, p->text.len - at);
	}
	if (is_http(p))
		return bad(p, REASON_UNSAFE,
		    "ERR Protocol error: this is not HTTP");
	make_argv(p, p->text.len > 0 ? p->text.data : "");
	return RESP_READY;
}

static enum resp_status
inline_command(struct resp_parser *p, struct slice command)
{
	size_t max = p->max_bytes < RESP_MAX_INLINE ? p->max_bytes :
	    RESP_MAX_INLINE;
	size_t from = p->at;
	size_t eol = from + slice_find(slice_from(command, from), '\n');

	if (eol >= max || (eol == command.len && command.len >= max))
		return bad(p, REASON_TOO_LONG,
		    "ERR Protocol error: too big inline request");
	if (eol == command.len) {
		p->at = eol;
		return RESP_MORE;
	}
	p->at = eol + 1;
	return inline_words(p, slice_of(command.ptr, eol));
}

/* ---- both ---- */

static enum resp_status
array_command(struct resp_parser *p, struct slice command)
{
	enum resp_status s;

	do {
		s = array_step(p, command);
		if (s == RESP_MORE && !p->refusing && !p->in_bulk &&
		    command.len >= p->max_bytes) {
			/* no room to wait for another head */
			refuse(p, REASON_TOO_LONG, "ERR event too large");
			return RESP_MORE;
		}
		if (s != RESP_READY)
			return s;
	} while (p->left > 0 && !quick_bulks(p, command));
	if (!p->refusing)
		make_argv(p, command.ptr);
	return RESP_READY;
}

enum resp_status
resp_request(struct resp_parser *p, struct slice in, size_t *used)
{
	struct slice command = in;
	enum resp_status s;

	*used = 0;
	for (;;) {
		bool array = p->inside ||
		    (command.len > 0 && command.ptr[0] == '*');

		if (command.len == 0)
			return RESP_MORE;
		p->argc = 0;
		s = array ? array_command(p, command) :
		    inline_command(p, command);
		if (s == RESP_BAD) {
			*used = 0;
			return s;
		}
		if (s == RESP_MORE && !p->refusing)
			return s;
		/* these bytes are not needed any more */
		*used += p->at;
		command = slice_from(command, p->at);
		p->at = 0;
		if (s == RESP_MORE)
			return s;
		s = p->refusing ? RESP_REFUSED : RESP_READY;
		start_over(p);
		if (s == RESP_REFUSED || p->argc > 0)
			return s;
	}
}
