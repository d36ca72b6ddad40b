/* http.c - heads and chunked bodies of HTTP/1.1 requests, read strictly. */
#include "config.h"

#include "base/digits.h"
#include "base/number.h"
#include "proto/http.h"

#define CHUNK_LINE_MAX 256
#define LENGTH_DIGITS 18

static enum http_answer
bad(struct http_fault *f, unsigned status, enum reason why, const char *text)
{
	*f = (struct http_fault){ status, why, text };
	return HTTP_BAD;
}

static enum http_answer
bad_syntax(struct http_fault *f, const char *text)
{
	return bad(f, 400, REASON_SYNTAX, text);
}

/* RFC 9110, 5.6.2: what names are made of. */
static bool
is_token(struct slice s)
{
	static const char extra[] = "!#$%&'*+-.^_`|~";

	for (size_t i = 0; i < s.len; i++) {
		char c = s.ptr[i];

		if (!((c >= '0' && c <= '9') || (c >= 'a' && c <= 'z') ||
		    (c >= 'A' && c <= 'Z') ||
		    memchr(extra, c, sizeof extra - 1) != NULL))
			return false;
	}
	return s.len > 0;
}

/* Blanks and tabs are the only control bytes that a value may have. */
static bool
is_text(struct slice s)
{
	for (size_t i = 0; i < s.len; i++) {
		unsigned char c = (unsigned char)s.ptr[i];

		if ((c < 0x20 && c != '\t') || c == 0x7f)
			return false;
	}
	return true;
}

static struct slice
trim_blanks(struct slice s)
{
	while (s.len > 0 && (s.ptr[0] == ' ' || s.ptr[0] == '\t'))
		s = slice_from(s, 1);
	while (s.len > 0 && (s.ptr[s.len - 1] == ' ' ||
	    s.ptr[s.len - 1] == '\t'))
		s.len--;
	return s;
}

/* ---- the request line ---- */

static enum http_answer
target(struct http_request *r, struct slice t, struct http_fault *f)
{
	/* "http://host/path", which a proxy would send, is not for us. */
	if (t.len == 0 || t.ptr[0] != '/')
		return bad_syntax(f, "the target must begin with a slash");
	for (size_t i = 0; i < t.len; i++)
		if ((unsigned char)t.ptr[i] <= 0x20 ||
		    (unsigned char)t.ptr[i] >= 0x7f || t.ptr[i] == '#')
			return bad_syntax(f, "a byte in the target that must be escaped");
	r->path = slice_cut(&t, '?');
	r->query = t;
	return HTTP_READY;
}

static enum http_answer
request_line(struct http_request *r, struct slice line, struct http_fault *f)
{
	struct slice t;

	r->method = slice_cut(&line, ' ');
	if (!is_token(r->method))
		return bad_syntax(f, "not a request");
	t = slice_cut(&line, ' ');
	if (slice_eq(line, SLICE("HTTP/1.0")))
		r->minor_0 = true;
	else if (slice_starts(line, SLICE("HTTP/")) &&
	    !slice_starts(line, SLICE("HTTP/1.")))
		return bad(f, 505, REASON_BAD_VALUE, "only HTTP/1.1 is spoken");
	else if (!slice_eq(line, SLICE("HTTP/1.1")))
		return bad_syntax(f, "not a request");
	r->keep_alive = !r->minor_0;
	return target(r, t, f);
}

/* ---- headers ---- */

/* What one head says about its framing. */
struct framing {
	bool length, coding, host;
};

static enum http_answer
content_length(struct http_request *r, struct slice v, struct framing *fr,
    struct http_fault *f)
{
	if (fr->length)
		return bad(f, 400, REASON_BAD_FRAMING, "two Content-Lengths");
	fr->length = true;
	if (v.len > LENGTH_DIGITS || !number_u64(v, &r->length))
		return bad(f, 400, REASON_BAD_FRAMING,
		    "Content-Length is not a number");
	return HTTP_READY;
}

static enum http_answer
transfer_encoding(struct http_request *r, struct slice v, struct framing *fr,
    struct http_fault *f)
{
	if (fr->coding)
		return bad(f, 400, REASON_BAD_FRAMING,
		    "two Transfer-Encodings");
	fr->coding = true;
	if (!slice_eq_nocase(v, SLICE("chunked")))
		return bad(f, 501, REASON_BAD_FRAMING,
		    "no transfer coding but chunked");
	if (r->minor_0)
		return bad(f, 400, REASON_BAD_FRAMING,
		    "HTTP/1.0 has no chunks");
	r->chunked = true;
	return HTTP_READY;
}

static void
connection(struct http_request *r, struct slice v)
{
	while (v.ptr != NULL) {
		struct slice word = trim_blanks(slice_cut(&v, ','));

		if (slice_eq_nocase(word, SLICE("close")))
			r->keep_alive = false;
		else if (slice_eq_nocase(word, SLICE("keep-alive")) &&
		    r->minor_0)
			r->keep_alive = true;
	}
}

static enum http_answer
heed(struct http_request *r, const struct http_header *h, struct framing *fr,
    struct http_fault *f)
{
	if (slice_eq_nocase(h->name, SLICE("content-length")))
		return content_length(r, h->value, fr, f);
	if (slice_eq_nocase(h->name, SLICE("transfer-encoding")))
		return transfer_encoding(r, h->value, fr, f);
	if (slice_eq_nocase(h->name, SLICE("connection")))
		connection(r, h->value);
	if (slice_eq_nocase(h->name, SLICE("host"))) {
		if (fr->host)
			return bad_syntax(f, "two Hosts");
		fr->host = true;
	}
	if (slice_eq_nocase(h->name, SLICE("expect")) && !r->minor_0) {
		if (!slice_eq_nocase(h->value, SLICE("100-continue")))
			return bad(f, 417, REASON_BAD_VALUE,
			    "only 100-continue can be expected");
		r->expects = true;
	}
	return HTTP_READY;
}

static enum http_answer
header(struct http_request *r, struct slice line, struct framing *fr,
    struct http_fault *f)
{
	struct http_header *h;
	size_t colon = slice_find(line, ':');

	if (r->nheaders == HTTP_HEADERS_MAX)
		return bad(f, 431, REASON_TOO_MANY, "more than 64 headers");
	if (line.ptr[0] == ' ' || line.ptr[0] == '\t')
		return bad_syntax(f, "a folded header");
	if (colon == line.len || !is_token(slice_upto(line, colon)))
		return bad_syntax(f, "a header's name that is none");
	h = &r->headers[r->nheaders++];
	h->name = slice_upto(line, colon);
	h->value = trim_blanks(slice_from(line, colon + 1));
	if (!is_text(h->value))
		return bad_syntax(f, "a control byte in a header");
	return heed(r, h, fr, f);
}

/* Cut a line that ends in CRLF off the front; a CR or LF alone ends nothing. */
static bool
cut_line(struct slice *in, struct slice *line)
{
	size_t at = slice_find(*in, '\n');

	if (at == 0 || at == in->len || in->ptr[at - 1] != '\r')
		return false;
	*line = slice_upto(*in, at - 1);
	*in = slice_from(*in, at + 1);
	return slice_find(*line, '\r') == line->len;
}

static enum http_answer
parse(struct slice head, struct http_request *r, struct http_fault *f)
{
	struct framing fr = { false, false, false };
	struct slice line;
	enum http_answer a;

	r->nheaders = 0;
	r->length = 0;
	r->minor_0 = r->chunked = r->expects = false;
	if (!cut_line(&head, &line))
		return bad_syntax(f, "a line that does not end in CRLF");
	a = request_line(r, line, f);
	while (a == HTTP_READY && head.len > 0) {
		if (!cut_line(&head, &line))
			return bad_syntax(f, "a line that does not end in CRLF");
		if (line.len == 0)
			break;
		a = header(r, line, &fr, f);
	}
	if (a != HTTP_READY)
		return a;
	if (fr.length && fr.coding)
		return bad(f, 400, REASON_BAD_FRAMING,
		    "both Content-Length and Transfer-Encoding");
	if (!fr.host && !r->minor_0)
		return bad_syntax(f, "no Host");
	return HTTP_READY;
}

/* Where the head ends: behind the first empty line, however it is ended, so
 * that a line ended wrongly is seen and refused by parse(). */
static size_t
head_end(struct slice in, size_t from)
{
	for (size_t i = from; i < in.len; i++) {
		const char *p = memchr(in.ptr + i, '\n', in.len - i);

		if (p == NULL)
			return 0;
		i = (size_t)(p - in.ptr);
		if (i >= 1 && in.ptr[i - 1] == '\n')
			return i + 1;
		if (i >= 2 && in.ptr[i - 1] == '\r' && in.ptr[i - 2] == '\n')
			return i + 1;
	}
	return 0;
}

enum http_answer
http_head(struct slice in, size_t *seen, size_t *used, struct http_request *r,
    struct http_fault *f)
{
	size_t skip = 0, end;
	enum http_answer a;

	*used = 0;
	/* an empty line before the request is forgiven (RFC 9112, 2.2) */
	if (in.len >= 2 && in.ptr[0] == '\r' && in.ptr[1] == '\n')
		skip = 2;
	if (in.len < skip + 1 || (in.len == 1 && in.ptr[0] == '\r'))
		return HTTP_MORE;
	end = head_end(slice_upto(in, HTTP_HEAD_MAX),
	    *seen > skip + 1 ? *seen : skip + 1);
	if (end == 0 && in.len < HTTP_HEAD_MAX) {
		*seen = in.len;
		return HTTP_MORE;
	}
	*seen = 0;
	if (end == 0)
		return bad(f, 431, REASON_TOO_LONG, "the head is too large");
	a = parse(slice_from(slice_upto(in, end), skip), r, f);
	if (a == HTTP_READY)
		*used = end;
	return a;
}

struct slice
http_header(const struct http_request *r, struct slice name)
{
	for (size_t i = 0; i < r->nheaders; i++)
		if (slice_eq_nocase(r->headers[i].name, name))
			return r->headers[i].value;
	return (struct slice){ NULL, 0 };
}

struct slice
http_type(struct slice content_type)
{
	return trim_blanks(slice_upto(content_type,
	    slice_find(content_type, ';')));
}

/* ---- chunks ---- */

/* "1a" or "1a;name=value"; extensions are passed over. */
static bool
chunk_size(struct slice line, uint64_t *size)
{
	size_t i = 0;
	uint64_t v = 0;

	for (; i < line.len && digits_hex(line.ptr[i]) >= 0; i++) {
		if (i == 15)
			return false;
		v = v << 4 | (unsigned)digits_hex(line.ptr[i]);
	}
	*size = v;
	line = slice_from(line, i);
	return i > 0 && is_text(line) &&
	    (line.len == 0 || trim_blanks(line).ptr[0] == ';');
}

/* One line of the framing.  MORE: it is not whole. */
static enum http_answer
chunk_line(struct slice *in, size_t max, struct slice *line,
    struct http_fault *f)
{
	size_t at = slice_find(*in, '\n');

	if (at == in->len && at < max)
		return HTTP_MORE;
	if (at >= max || !cut_line(in, line))
		return bad(f, 400, REASON_BAD_FRAMING, "bad chunks");
	return HTTP_READY;
}

static enum http_answer
next_size(struct http_chunks *c, struct slice *in, const struct buf *out,
    struct http_fault *f)
{
	struct slice line;
	enum http_answer a = chunk_line(in, CHUNK_LINE_MAX, &line, f);

	if (a != HTTP_READY)
		return a;
	if (!chunk_size(line, &c->left))
		return bad(f, 400, REASON_BAD_FRAMING, "bad chunks");
	if (c->left > out->max - out->len)
		return bad(f, 413, REASON_TOO_LONG, "the body is too large");
	c->state = c->left == 0 ? HTTP_CHUNK_TRAILER : HTTP_CHUNK_DATA;
	return HTTP_READY;
}

static enum http_answer
take_data(struct http_chunks *c, struct slice *in, struct buf *out,
    struct http_fault *f)
{
	struct slice part = slice_upto(*in, c->left > SIZE_MAX ? SIZE_MAX :
	    (size_t)c->left);

	if (!buf_add_slice(out, part))
		return bad(f, 503, REASON_NO_MEMORY, "no memory");
	*in = slice_from(*in, part.len);
	c->left -= part.len;
	if (c->left > 0)
		return HTTP_MORE;
	c->state = HTTP_CHUNK_END;
	return HTTP_READY;
}

/* Lines up to an empty one, which are not heeded. */
static enum http_answer
trailer(struct http_chunks *c, struct slice *in, bool *end,
    struct http_fault *f)
{
	struct slice line;
	enum http_answer a = chunk_line(in, HTTP_TRAILER_MAX - c->trailer,
	    &line, f);

	if (a != HTTP_READY)
		return a;
	*end = line.len == 0;
	c->trailer += line.len + 2;
	if (!is_text(line) || c->trailer >= HTTP_TRAILER_MAX)
		return bad(f, 400, REASON_BAD_FRAMING, "bad trailer");
	return HTTP_READY;
}

enum http_answer
http_chunks(struct http_chunks *c, struct slice *in, struct buf *out,
    struct http_fault *f)
{
	enum http_answer a = HTTP_READY;
	bool end = false;

	while (a == HTTP_READY && !end) {
		if (in->len == 0)
			return HTTP_MORE;
		switch (c->state) {
		case HTTP_CHUNK_SIZE:
			a = next_size(c, in, out, f);
			break;
		case HTTP_CHUNK_DATA:
			a = take_data(c, in, out, f);
			break;
		case HTTP_CHUNK_END:
			if (in->len < 2)
				return in->ptr[0] == '\r' ? HTTP_MORE :
				    bad(f, 400, REASON_BAD_FRAMING, "bad chunks");
			if (in->ptr[0] != '\r' || in->ptr[1] != '\n')
				return bad(f, 400, REASON_BAD_FRAMING,
				    "bad chunks");
			*in = slice_from(*in, 2);
			c->state = HTTP_CHUNK_SIZE;
			break;
		case HTTP_CHUNK_TRAILER:
			a = trailer(c, in, &end, f);
			break;
		}
	}
	return a;
}

/* ---- what stands in texts ---- */

bool
http_unescape(struct slice s, struct buf *out)
{
	for (size_t i = 0; i < s.len; i++) {
		char c = s.ptr[i];

		if (c == '%') {
			bool whole = s.len - i > 2;
			int hi = whole ? digits_hex(s.ptr[i + 1]) : -1;
			int lo = whole ? digits_hex(s.ptr[i + 2]) : -1;

			if (hi < 0 || lo < 0)
				return false;
			c = (char)(hi << 4 | lo);
			i += 2;
		}
		if (!buf_addc(out, c))
			return false;
	}
	return true;
}

bool
http_base64(struct slice s, struct buf *out)
{
	uint32_t bits = 0;
	unsigned have = 0;

	for (int i = 0; i < 2 && s.len > 0 && s.ptr[s.len - 1] == '='; i++)
		s.len--;
	if (s.len % 4 == 1)
		return false;
	for (size_t i = 0; i < s.len; i++) {
		int d = digits_base64(s.ptr[i]);

		if (d < 0)
			return false;
		bits = bits << 6 | (unsigned)d;
		have += 6;
		if (have < 8)
			continue;
		have -= 8;
		if (!buf_addc(out, (char)(bits >> have & 0xff)))
			return false;
	}
	return true;
}

bool
http_status_line(struct buf *out, unsigned status)
{
	static const struct { unsigned status; const char *text; } names[] = {
		{ 100, "Continue" }, { 200, "OK" }, { 400, "Bad Request" },
		{ 401, "Unauthorized" }, { 403, "Forbidden" },
		{ 404, "Not Found" }, { 405, "Method Not Allowed" },
		{ 408, "Request Timeout" }, { 411, "Length Required" },
		{ 413, "Content Too Large" }, { 415, "Unsupported Media Type" },
		{ 417, "Expectation Failed" },
		{ 422, "Unprocessable Content" },
		{ 429, "Too Many Requests" },
		{ 431, "Request Header Fields Too Large" },
		{ 501, "Not Implemented" }, { 503, "Service Unavailable" },
		{ 505, "HTTP Version Not Supported" },
	};
	const char *text = "Error";

	for (size_t i = 0; i < sizeof names / sizeof names[0]; i++)
		if (names[i].status == status)
			text = names[i].text;
	return buf_printf(out, "HTTP/1.1 %u %s\r\n", status, text);
}
