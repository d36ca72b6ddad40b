/* relp.c - RELP frames, read and written. */
#include "config.h"

#include <assert.h>

#include "proto/relp_parts.h"

void
relp_parser_init(struct relp_parser *p, size_t max_data, size_t max_frame)
{
	assert(max_data > 0);
	*p = (struct relp_parser){
		.max_data = max_data,
		.max_frame = max_frame < max_data ? max_data : max_frame,
	};
	buf_init(&p->head, max_data);
}

void
relp_parser_fini(struct relp_parser *p)
{
	buf_fini(&p->head);
}

static enum relp_answer
bad(struct relp_parser *p, enum reason reason)
{
	p->bad = true;
	p->reason = reason;
	return RELP_BAD;
}

/* Digits, 1 to 9 of them, from *at on, and the byte behind them.  MORE when
 * that byte is not there yet. */
static enum relp_answer
take_number(struct slice s, size_t *at, uint32_t *v)
{
	size_t i = *at;
	uint32_t n = 0;

	while (i < s.len && i - *at < 9 && s.ptr[i] >= '0' && s.ptr[i] <= '9')
		n = n * 10 + (uint32_t)(s.ptr[i++] - '0');
	if (i == s.len)
		return RELP_MORE;
	if (i == *at)
		return RELP_BAD;
	*at = i;
	*v = n;
	return RELP_READY;
}

static enum relp_command
command_named(struct slice name)
{
	static const struct slice names[] = {
		[RELP_OPEN] = SLICE("open"), [RELP_SYSLOG] = SLICE("syslog"),
		[RELP_CLOSE] = SLICE("close"), [RELP_RSP] = SLICE("rsp"),
		[RELP_SERVERCLOSE] = SLICE("serverclose"),
	};

	if (slice_eq(name, names[RELP_SYSLOG]))
		return RELP_SYSLOG;
	for (unsigned i = 0; i < RELP_OTHER; i++)
		if (slice_eq(name, names[i]))
			return (enum relp_command)i;
	return RELP_OTHER;
}

static bool
letter(char c)
{
	return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z');
}

/* Everything before the data, with the space behind DATALEN if there is any
 * data. */
static enum relp_answer
take_header(struct slice *in, struct relp_frame *f)
{
	struct slice s = *in;
	size_t at = 0, word;
	enum relp_answer a;

	a = take_number(s, &at, &f->txnr);
	if (a != RELP_READY)
		return a;
	if (s.ptr[at] != ' ')
		return RELP_BAD;
	word = ++at;
	while (at < s.len && at - word < RELP_COMMAND_MAX && letter(s.ptr[at]))
		at++;
	if (at == s.len)
		return RELP_MORE;
	if (at == word || s.ptr[at] != ' ')
		return RELP_BAD;
	f->command = command_named(slice_of(s.ptr + word, at - word));
	at++;
	a = take_number(s, &at, &f->length);
	if (a != RELP_READY)
		return a;
	if (f->length > 0 && s.ptr[at++] != ' ')
		return RELP_BAD;
	*in = slice_from(s, at);
	return RELP_READY;
}

/* The data is too long to be kept: keep its beginning, skip the rest. */
static enum relp_answer
begin_skip(struct relp_parser *p, struct slice *in)
{
	buf_clear(&p->head);
	if (!buf_add(&p->head, in->ptr, p->max_data))
		return bad(p, REASON_NO_MEMORY);
	p->left = p->frame.length - (uint32_t)in->len;
	*in = slice_from(*in, in->len);
	return RELP_MORE;
}

static enum relp_answer
skip(struct relp_parser *p, struct slice *in)
{
	size_t n = in->len < p->left ? in->len : p->left;

	*in = slice_from(*in, n);
	p->left -= (uint32_t)n;
	if (in->len == 0)
		return RELP_MORE;
	p->frame.data = buf_slice(&p->head);
	return RELP_READY;
}

static enum relp_answer
take_data(struct relp_parser *p, struct slice *in, struct relp_frame *out)
{
	enum relp_answer a;

	if (p->head.len > 0) {
		a = skip(p, in);
		if (a != RELP_READY)
			return a;
	} else if (in->len <= p->frame.length) {	/* data and LF */
		if (in->len <= p->max_data)
			return RELP_MORE;
		return begin_skip(p, in);
	} else {
		p->frame.data = slice_upto(*in, p->frame.length);
		*in = slice_from(*in, p->frame.length);
	}
	if (in->ptr[0] != '\n')
		return bad(p, REASON_BAD_FRAMING);
	*in = slice_from(*in, 1);
	p->frame.data = slice_upto(p->frame.data, p->max_data);
	p->in_data = false;
	*out = p->frame;
	return RELP_READY;
}

enum relp_answer
relp_next(struct relp_parser *p, struct slice *in, struct relp_frame *out)
{
	enum relp_answer a;

	if (p->bad)
		return RELP_BAD;
	if (in->len == 0)
		return RELP_MORE;
	if (!p->in_data) {
		if (p->head.cap > 0)
			buf_fini(&p->head);
		a = take_header(in, &p->frame);
		if (a == RELP_BAD)
			return bad(p, REASON_BAD_FRAMING);
		if (a == RELP_MORE)
			return a;
		if (p->frame.length > p->max_frame)
			return bad(p, REASON_TOO_LONG);
		p->in_data = true;
	}
	return take_data(p, in, out);
}

bool
relp_offer_next(struct slice *rest, struct slice *name, struct slice *value)
{
	struct slice line;

	do {
		line = slice_cut(rest, '\n');
	} while (line.len == 0 && rest->ptr != NULL);
	*name = slice_cut(&line, '=');
	*value = line;
	return name->len <= 32 && value->len <= 255 &&
	    (name->len > 0 || value->len == 0);
}

bool
relp_offer_has(struct slice value, struct slice word)
{
	while (value.ptr != NULL && value.len > 0)
		if (slice_eq(slice_cut(&value, ','), word))
			return true;
	return false;
}

bool
relp_rsp_parse(struct slice data, unsigned *code, struct slice *text,
    struct slice *rest)
{
	unsigned v = 0;

	if (data.len < 3 || (data.len > 3 && data.ptr[3] != ' ' &&
	    data.ptr[3] != '\n'))
		return false;
	for (size_t i = 0; i < 3; i++) {
		if (data.ptr[i] < '0' || data.ptr[i] > '9')
			return false;
		v = v * 10 + (unsigned)(data.ptr[i] - '0');
	}
	*code = v;
	*rest = slice_from(data, 3);
	*text = slice_cut(rest, '\n');
	if (text->len > 0)
		*text = slice_from(*text, 1);
	return true;
}

bool
relp_write_frame(struct buf *out, uint32_t txnr, struct slice command,
    struct slice data)
{
	if (data.len > RELP_TXNR_MAX ||
	    !buf_reserve(out, RELP_HEADER_MAX + data.len + 1))
		return false;
	buf_add_u64(out, txnr);
	buf_addc(out, ' ');
	buf_add_slice(out, command);
	buf_addc(out, ' ');
	buf_add_u64(out, data.len);
	if (data.len > 0) {
		buf_addc(out, ' ');
		buf_add_slice(out, data);
	}
	buf_addc(out, '\n');
	return true;
}
