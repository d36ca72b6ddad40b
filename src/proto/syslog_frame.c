/* syslog_frame.c - cut a stream of bytes into syslog messages. */
#include "config.h"

#include <assert.h>

#include "proto/scan.h"
#include "proto/syslog_frame.h"
#include "record/record.h"

#define COUNT_DIGITS 20		/* in what may be meant as an octet count */

/* What a step of the machine leads to. */
enum step { STEP_GIVE, STEP_MORE, STEP_CLOSE, STEP_AGAIN };

/* What a look at the front of the stream says. */
enum look { LOOK_MORE, LOOK_LINE, LOOK_COUNTED, LOOK_BAD };

void
syslog_framer_init(struct syslog_framer *f, enum syslog_frame_mode mode,
    size_t max_message, size_t max_frame)
{
	*f = (struct syslog_framer){
		.mode = mode,
		.max_message = max_message > 0 ? max_message :
		    SYSLOG_FRAME_MESSAGE,
		.max_frame = max_frame > 0 && max_frame < SYSLOG_FRAME_MAX ?
		    max_frame : SYSLOG_FRAME_MAX,
	};
	buf_init(&f->head, f->max_message);
}

void
syslog_framer_fini(struct syslog_framer *f)
{
	buf_fini(&f->head);
}

static bool
digit(char c)
{
	return c >= '0' && c <= '9';
}

static bool
line_end(char c)
{
	return c == '\n' || c == '\r' || c == '\0';
}

static enum step
dead(struct syslog_framer *f, enum reason reason, const char *why)
{
	f->state = SYSLOG_DEAD;
	f->scanned = 0;
	f->reason = reason;
	f->why = why;
	f->errors++;
	return STEP_CLOSE;
}

/* A message is whole: give it, or, when it is empty, do not. */
static enum step
give(struct syslog_framer *f, struct slice msg, uint64_t length,
    struct syslog_frame *out)
{
	uint32_t flags = f->flags;

	f->state = SYSLOG_AT_START;
	f->flags = 0;
	f->scanned = 0;
	if (msg.len > f->max_message)
		msg.len = f->max_message;
	if (length > msg.len)
		flags |= LOG_FLAG_TRUNCATED;
	while (msg.len > 0 && line_end(msg.ptr[msg.len - 1]))
		msg.len--;
	if (msg.len == 0)
		return STEP_AGAIN;
	f->frames++;
	*out = (struct syslog_frame){
		.msg = msg, .flags = flags, .length = length
	};
	return STEP_GIVE;
}

/* Keep the beginning of a message and drop the n bytes that hold it. */
static bool
keep_head(struct syslog_framer *f, struct slice *in, size_t n)
{
	buf_clear(&f->head);
	if (!buf_add(&f->head, in->ptr, f->max_message)) {
		dead(f, REASON_NO_MEMORY, "no memory for a long message");
		return false;
	}
	*in = slice_from(*in, n);
	f->scanned = 0;
	return true;
}

/* Where the line at the front of s ends, looking from `from` on.  True: *at is
 * its length, *used that with its end.  False: no end before *at. */
static bool
find_end(const struct syslog_framer *f, struct slice s, size_t from,
    enum syslog_frame_input more, size_t *at, size_t *used)
{
	const char *end = s.ptr + s.len, *p = s.ptr + from;

	for (;; p++) {
		p = scan_to_either(p, end, '\n', '\0');
		*at = (size_t)(p - s.ptr);
		*used = *at + 1;
		if (p == end)
			return false;
		if (*p == '\0' || f->mode == SYSLOG_FRAME_AUTO)
			return true;
		if (end - p == 1)
			return more == SYSLOG_INPUT_QUIET;
		if (p[1] == '<') {
			if (end - p == 2)
				return false;
			if (digit(p[2]))
				return true;
		}
	}
}

/* "GET / HTTP/1.1": somebody's browser or a probe. */
static bool
is_http(struct slice line)
{
	static const struct slice methods[] = {
		SLICE("GET "), SLICE("POST "), SLICE("HEAD "), SLICE("PUT "),
		SLICE("OPTIONS "), SLICE("CONNECT "), SLICE("DELETE "),
		SLICE("PATCH "), SLICE("TRACE "), SLICE("PRI ")
	};

	if (line.len > 0 && line.ptr[line.len - 1] == '\r')
		line.len--;
	if (line.len < 12 || memcmp(line.ptr + line.len - 9, " HTTP/", 6) != 0)
		return false;
	for (size_t i = 0; i < sizeof methods / sizeof methods[0]; i++)
		if (slice_starts(line, methods[i]))
			return true;
	return false;
}

static enum step
in_line(struct syslog_framer *f, struct slice *in, enum syslog_frame_input more,
    struct syslog_frame *out)
{
	struct slice line = *in;
	size_t at, used;

	if (find_end(f, *in, f->scanned, more, &at, &used)) {
		*in = slice_from(*in, used);
		line.len = at;
		if (f->mode == SYSLOG_FRAME_AUTO && f->frames == 0 &&
		    at <= f->max_message && is_http(line))
			return dead(f, REASON_BAD_FRAMING,
			    "an HTTP request where syslog is spoken");
		return give(f, line, at, out);
	}
	if (more == SYSLOG_INPUT_END) {
		*in = slice_from(*in, in->len);
		if (line.len > 0 && line.ptr[line.len - 1] != '\n')
			f->flags |= LOG_FLAG_NOEOL;
		return give(f, line, line.len, out);
	}
	f->scanned = at;
	if (at > f->max_message) {
		f->length = at;
		if (!keep_head(f, in, at))
			return STEP_CLOSE;
		f->state = SYSLOG_SKIP_LINE;
	}
	return STEP_MORE;
}

static enum step
skip_line(struct syslog_framer *f, struct slice *in,
    enum syslog_frame_input more, struct syslog_frame *out)
{
	size_t at, used;

	if (find_end(f, *in, 0, more, &at, &used)) {
		*in = slice_from(*in, used);
	} else if (more == SYSLOG_INPUT_END) {
		at = in->len;
		if (at == 0 || in->ptr[at - 1] != '\n')
			f->flags |= LOG_FLAG_NOEOL;
		*in = slice_from(*in, at);
	} else {
		f->length += at;
		*in = slice_from(*in, at);
		return STEP_MORE;
	}
	return give(f, buf_slice(&f->head), f->length + at, out);
}

static enum step
in_counted(struct syslog_framer *f, struct slice *in,
    enum syslog_frame_input more, struct syslog_frame *out)
{
	struct slice msg = slice_upto(*in, (size_t)f->length);

	if (msg.len < f->length && more != SYSLOG_INPUT_END) {
		if (msg.len <= f->max_message)
			return STEP_MORE;
		f->left = f->length - msg.len;
		if (!keep_head(f, in, msg.len))
			return STEP_CLOSE;
		f->state = SYSLOG_SKIP_COUNTED;
		return STEP_MORE;
	}
	*in = slice_from(*in, msg.len);
	f->after_counted = true;
	return give(f, msg, f->length, out);
}

static enum step
skip_counted(struct syslog_framer *f, struct slice *in,
    enum syslog_frame_input more, struct syslog_frame *out)
{
	size_t n = in->len < f->left ? in->len : (size_t)f->left;

	*in = slice_from(*in, n);
	f->left -= n;
	if (f->left > 0 && more != SYSLOG_INPUT_END)
		return STEP_MORE;
	f->after_counted = true;
	return give(f, buf_slice(&f->head), f->length, out);
}

/* Does s begin with "COUNT SP <", or what it takes for one? */
static enum look
look_count(struct syslog_framer *f, struct slice s, size_t *header)
{
	uint64_t v = 0;
	size_t n = 0;
	bool fits;

	for (; n < s.len && n < COUNT_DIGITS && digit(s.ptr[n]); n++)
		if (v <= f->max_frame)
			v = v * 10 + (uint64_t)(s.ptr[n] - '0');
	if (n == s.len || (s.ptr[n] == ' ' && n + 1 == s.len))
		return LOOK_MORE;
	if (s.ptr[n] != ' ')
		return LOOK_LINE;
	fits = v > 0 && v <= f->max_frame;
	if (s.ptr[n + 1] != '<' && (!fits || !f->counted || s.ptr[0] == '0'))
		return LOOK_LINE;
	if (!fits) {
		if (n + 2 == s.len)
			return LOOK_MORE;
		return digit(s.ptr[n + 2]) ? LOOK_BAD : LOOK_LINE;
	}
	f->length = v;
	*header = n + 1;
	return LOOK_COUNTED;
}

/* Drop what may stand between messages: line ends and NULs, and spaces unless
 * they are the indentation of a line.  False: there is nothing else. */
static bool
skip_between(struct syslog_framer *f, struct slice *in)
{
	size_t n = f->scanned;		/* spaces so far */

	for (; n < in->len && n <= f->max_message; n++) {
		if (in->ptr[n] == ' ')
			continue;
		if (line_end(in->ptr[n])) {
			*in = slice_from(*in, n + 1);
			n = (size_t)-1;
			f->after_counted = false;
			continue;
		}
		if (in->ptr[n] == '<' || digit(in->ptr[n])) {
			*in = slice_from(*in, n);
			if (n > 0)
				f->after_counted = false;
		}
		f->scanned = 0;
		return true;
	}
	f->scanned = n;
	return false;
}

/* At the start of a message: which kind is it? */
static enum look
look(struct syslog_framer *f, struct slice *in, size_t *header)
{
	char c;

	/* a run of spaces that is longer than any message is a line */
	if (!skip_between(f, in))
		return f->scanned > f->max_message ? LOOK_LINE : LOOK_MORE;
	c = in->ptr[0];
	if (f->mode == SYSLOG_FRAME_UNIX)
		return LOOK_LINE;
	if (c == 0x16 && f->frames == 0 && f->errors == 0) {
		if (in->len == 1)
			return LOOK_MORE;
		if (in->ptr[1] == 3)
			return LOOK_BAD;
	}
	if (digit(c))
		return look_count(f, *in, header);
	if (f->after_counted && c != '<') {
		f->errors++;
		f->flags |= LOG_FLAG_FRAMING;
	}
	return LOOK_LINE;
}

static enum step
at_start(struct syslog_framer *f, struct slice *in,
    enum syslog_frame_input more)
{
	size_t header = 0;
	enum look l;

	l = look(f, in, &header);
	if (l == LOOK_MORE) {
		if (more != SYSLOG_INPUT_END)
			return STEP_MORE;
		if (f->scanned > 0)	/* only spaces */
			*in = slice_from(*in, in->len);
		f->scanned = 0;
		if (in->len == 0)
			return STEP_MORE;
		l = LOOK_LINE;
	}
	if (l == LOOK_BAD)
		return dead(f, REASON_BAD_FRAMING, in->ptr[0] == 0x16 ?
		    "a TLS hello on a port without TLS" :
		    "an octet count that is 0 or beyond the limit");
	f->after_counted = false;
	f->scanned = 0;
	f->state = l == LOOK_COUNTED ? SYSLOG_IN_COUNTED : SYSLOG_IN_LINE;
	f->counted |= l == LOOK_COUNTED;
	*in = slice_from(*in, header);
	return STEP_AGAIN;
}

static enum step
step(struct syslog_framer *f, struct slice *in, enum syslog_frame_input more,
    struct syslog_frame *out)
{
	switch (f->state) {
	case SYSLOG_AT_START:
		return at_start(f, in, more);
	case SYSLOG_IN_LINE:
		return in_line(f, in, more, out);
	case SYSLOG_IN_COUNTED:
		return in_counted(f, in, more, out);
	case SYSLOG_SKIP_LINE:
		return skip_line(f, in, more, out);
	case SYSLOG_SKIP_COUNTED:
		return skip_counted(f, in, more, out);
	case SYSLOG_DEAD:
		break;
	}
	return STEP_CLOSE;
}

enum syslog_frame_answer
syslog_frame_next(struct syslog_framer *f, struct slice *in,
    enum syslog_frame_input more, struct syslog_frame *out)
{
	assert(f->scanned <= in->len);
	if (in->ptr == NULL)
		*in = SLICE("");
	if (f->state == SYSLOG_AT_START && f->head.cap > 0)
		buf_fini(&f->head);
	for (;;) {
		switch (step(f, in, more, out)) {
		case STEP_GIVE:
			return SYSLOG_FRAME_READY;
		case STEP_MORE:
			return SYSLOG_FRAME_MORE;
		case STEP_CLOSE:
			out->reason = f->reason;
			out->why = f->why;
			return SYSLOG_FRAME_CLOSE;
		case STEP_AGAIN:
			break;
		}
	}
}
