/* shipper_script.c - what is said to Redis, and what its answers mean. */
#include "config.h"

#include "base/digits.h"
#include "base/number.h"
#include "proto/resp.h"
#include "proto/xadd.h"
#include "sink/journal.h"
#include "sink/shipper_script.h"

const char ship_script[] =
    "local key, last, entry = KEYS[1], '0-0', nil\n"
    "local info = redis.pcall('XINFO', 'STREAM', key)\n"
    "if info.err then\n"
    "  if not string.find(info.err, 'no such key', 1, true) then\n"
    "    return info\n"
    "  end\n"
    "else\n"
    "  for i = 1, #info, 2 do\n"
    "    if info[i] == 'last-generated-id' then last = info[i + 1] end\n"
    "    if info[i] == 'last-entry' then entry = info[i + 1] end\n"
    "  end\n"
    "end\n"
    /* what the guard of a transaction needs, as far as this Redis can say */
    "if ARGV[1] == '?' then\n"
    "  local function may(...)\n"
    "    local known, yes = pcall(redis.acl_check_cmd, ...)\n"
    "    return known and yes\n"
    "  end\n"
    "  local guarded = redis.acl_check_cmd and may('MULTI') and may('EXEC')\n"
    "      and may('EVAL', '', '1', key) and may('XADD', key, '*', 'a', 'b')\n"
    "      and may('XINFO', 'GROUPS', key) and may('XLEN', key)\n"
    "      and may('XGROUP', 'CREATE', key, 'a', '0')\n"
    "      and may('XGROUP', 'DESTROY', key, 'a')\n"
    "      and may('XSETID', key, '1-1') and may('DEL', key)\n"
    "  if not entry or entry[1] ~= last then entry = {} end\n"
    "  return { last, guarded and 1 or 0, entry[2] or false }\n"
    "end\n"
    "if last ~= ARGV[1] then return false end\n"
    "if ARGV[2] == 'touch' then\n"
    "  if last == '0-0' then return last end\n"
    "  local r = redis.pcall('XSETID', key, last)\n"
    "  if r.err then return r end\n"
    "  return last\n"
    "end\n"
    /* the more often a batch turns a corner here, the less Redis ships: no
     * look-up of a global, no unpack() for an event of one field */
    "local argv, pcall, unpack, n, i = ARGV, redis.pcall, unpack, #ARGV, 2\n"
    "while i < n do\n"
    "  local id, m, r = argv[i], argv[i + 1], nil\n"
    "  if m == '2' then\n"
    "    r = pcall('XADD', key, id, argv[i + 2], argv[i + 3])\n"
    "    i = i + 4\n"
    "  else\n"
    "    m = tonumber(m)\n"
    "    r = pcall('XADD', key, id, unpack(argv, i + 2, i + 1 + m))\n"
    "    i = i + 2 + m\n"
    "  end\n"
    "  if type(r) == 'table' then\n"
    "    if last == argv[1] then return r end\n"
    "    return last\n"
    "  end\n"
    "  last = r\n"
    "end\n"
    "return last\n";

size_t
ship_id_text(struct ship_id id, char text[SHIP_ID_TEXT])
{
	char *p = digits_put(text, id.ms);

	*p++ = '-';
	p = digits_put(p, id.seq);
	*p = '\0';
	return (size_t)(p - text);
}

bool
ship_request_begin(struct ship_request *r, struct buf *buf)
{
	buf_clear(buf);
	*r = (struct ship_request){ buf, 0 };
	if (!buf_reserve(buf, SHIP_HEAD))
		return false;
	buf->len = SHIP_HEAD;
	return true;
}

bool
ship_request_arg(struct ship_request *r, struct slice arg)
{
	r->argc++;
	return resp_add_bulk(r->buf, arg);
}

struct slice
ship_request_end(struct ship_request *r)
{
	char head[SHIP_HEAD + 8];
	size_t n;

	head[0] = '*';
	n = (size_t)(digits_put(head + 1, r->argc) - head);
	head[n++] = '\r';
	head[n++] = '\n';
	memcpy(r->buf->data + SHIP_HEAD - n, head, n);
	return slice_from(buf_slice(r->buf), SHIP_HEAD - n);
}

bool
ship_append_begin(struct ship_request *r, struct buf *buf, struct slice sha,
    struct slice key, struct ship_id expected)
{
	char id[SHIP_ID_TEXT];
	size_t n = ship_id_text(expected, id);

	return ship_request_begin(r, buf) &&
	    ship_request_arg(r, SLICE("EVALSHA")) && ship_request_arg(r, sha) &&
	    ship_request_arg(r, SLICE("1")) && ship_request_arg(r, key) &&
	    ship_request_arg(r, slice_of(id, n));
}

enum ship_entry
ship_append_entry(struct ship_request *r, const struct journal_entry *e,
    struct pair *pairs, size_t max)
{
	size_t before = r->buf->len, argc = r->argc;
	size_t n = journal_fields(e->fields, pairs, max), len;
	char text[SHIP_ID_TEXT];
	bool ok;

	if (n > max)
		return n == SIZE_MAX ? SHIP_ENTRY_BROKEN : SHIP_ENTRY_TOO_WIDE;
	len = ship_id_text((struct ship_id){ e->ms, e->seq }, text);
	ok = ship_request_arg(r, slice_of(text, len));
	len = (size_t)(digits_put(text, 2 * n) - text);
	ok = ok && ship_request_arg(r, slice_of(text, len));
	for (size_t i = 0; i < n && ok; i++)
		ok = ship_request_arg(r, pairs[i].key) &&
		    ship_request_arg(r, pairs[i].value);
	if (ok)
		return SHIP_ENTRY_ADDED;
	r->buf->len = before;
	r->argc = argc;
	return SHIP_ENTRY_NO_ROOM;
}

enum ship_entry
ship_xadd(struct ship_request *r, struct buf *buf, struct slice stream,
    struct slice pid, const struct journal_entry *e, struct pair *pairs,
    size_t max)
{
	size_t n = journal_fields(e->fields, pairs, max);
	char seq[DIGITS_U64];
	bool ok;

	if (n > max)
		return n == SIZE_MAX ? SHIP_ENTRY_BROKEN : SHIP_ENTRY_TOO_WIDE;
	ok = ship_request_begin(r, buf) && ship_request_arg(r, SLICE("XADD")) &&
	    ship_request_arg(r, stream) && ship_request_arg(r, SLICE("IDMP")) &&
	    ship_request_arg(r, pid) &&
	    ship_request_arg(r, slice_of(seq,
	    (size_t)(digits_put(seq, e->seq) - seq))) &&
	    ship_request_arg(r, SLICE("*"));
	for (size_t i = 0; i < n && ok; i++)
		ok = ship_request_arg(r, pairs[i].key) &&
		    ship_request_arg(r, pairs[i].value);
	return ok ? SHIP_ENTRY_ADDED : SHIP_ENTRY_NO_ROOM;
}

bool
ship_where_parse(struct slice reply, struct ship_where *w)
{
	struct resp_value v;
	bool all;

	*w = (struct ship_where){ .fields = { NULL, 0 } };
	if (!resp_value_next(&reply, &v))
		return false;
	all = v.type == RESP_ARRAY;
	if (all && (v.count != 3 || !resp_value_next(&reply, &v)))
		return false;
	if ((v.type != RESP_BULK && v.type != RESP_SIMPLE) ||
	    !stream_id_parse(v.text, 0, &w->id.ms, &w->id.seq))
		return false;
	if (!all)
		return true;	/* the id alone */
	if (!resp_value_next(&reply, &v) || v.type != RESP_INT)
		return false;
	w->guarded = v.integer == 1;
	if (!resp_value_next(&reply, &v))
		return false;
	if (v.type == RESP_ARRAY)
		w->fields = reply;
	w->nfields = v.type == RESP_ARRAY ? v.count : 0;
	return v.type == RESP_ARRAY || v.type == RESP_NULL;
}

static bool
is_next(struct slice *reply, struct slice want)
{
	struct resp_value v;

	return resp_value_next(reply, &v) && v.type == RESP_BULK &&
	    slice_eq(v.text, want);
}

bool
ship_where_holds(const struct ship_where *w, const struct journal_entry *e,
    struct pair *pairs, size_t max)
{
	size_t n = journal_fields(e->fields, pairs, max);
	struct slice rest = w->fields;

	if (w->fields.ptr == NULL || n > max)
		return true;	/* nobody can say */
	if (w->nfields != 2 * n)
		return false;
	for (size_t i = 0; i < n; i++)
		if (!is_next(&rest, pairs[i].key) ||
		    !is_next(&rest, pairs[i].value))
			return false;
	return true;
}

/* In the order of enum ship_error. */
static const struct {
	const char *prefix;
	const char *name;
	enum ship_action action;
} errors[SHIP_ERRORS] = {
	{ "NOSCRIPT", "noscript", SHIP_RELOAD },
	{ "LOADING", "loading", SHIP_RETRY },
	{ "OOM", "oom", SHIP_RETRY },
	{ "MISCONF", "misconf", SHIP_RETRY },
	{ "NOREPLICAS", "noreplicas", SHIP_RETRY },
	{ "MASTERDOWN", "masterdown", SHIP_RETRY },
	{ "CLUSTERDOWN", "clusterdown", SHIP_RETRY },
	{ "TRYAGAIN", "tryagain", SHIP_RETRY },
	{ "BUSY", "busy", SHIP_RETRY },
	{ "READONLY", "readonly", SHIP_RECONNECT },
	{ "UNBLOCKED", "unblocked", SHIP_RECONNECT },
	{ "NOAUTH", "noauth", SHIP_RECONNECT },
	{ "WRONGPASS", "wrongpass", SHIP_RECONNECT },
	{ "MOVED", "moved", SHIP_MOVED },
	{ "ASK", "ask", SHIP_MOVED },
	{ "WRONGTYPE", "wrongtype", SHIP_PARK },
	{ "NOPERM", "noperm", SHIP_PARK },
	{ "ERR max number of clients", "maxclients", SHIP_RECONNECT },
	{ "", "other", SHIP_PARK },
};

enum ship_error
ship_error_of(struct slice text)
{
	int i = 0;

	while (!slice_starts(text, slice_str(errors[i].prefix)))
		i++;
	return (enum ship_error)i;
}

const char *
ship_error_name(enum ship_error e)
{
	return errors[e].name;
}

enum ship_action
ship_error_action(enum ship_error e)
{
	return errors[e].action;
}

bool
ship_moved_parse(struct slice text, unsigned *slot, char *host, size_t size,
    uint16_t *port)
{
	struct slice word = slice_cut(&text, ' '), number;
	uint64_t v, p;
	size_t colon;

	if (!slice_eq(word, SLICE("MOVED")) && !slice_eq(word, SLICE("ASK")))
		return false;
	number = slice_cut(&text, ' ');
	if (!number_u64(number, &v) || v > 16383)
		return false;
	for (colon = text.len; colon > 0 && text.ptr[colon - 1] != ':'; colon--)
		;
	if (colon == 0 || colon - 1 >= size ||
	    !number_u64(slice_from(text, colon), &p) || p == 0 || p > 65535)
		return false;
	memcpy(host, text.ptr, colon - 1);
	host[colon - 1] = '\0';
	*slot = (unsigned)v;
	*port = (uint16_t)p;
	return true;
}
