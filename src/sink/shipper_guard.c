/* shipper_guard.c - many entries in one transaction that a guard may close. */
#include "config.h"

#include "proto/resp.h"
#include "sink/journal.h"
#include "sink/shipper_guard.h"

const char ship_guard[] =
    "local key, aside = KEYS[1], 'millrace:aside'\n"
    "if not ARGV[1] then\n"
    "  local groups = redis.pcall('XINFO', 'GROUPS', key)\n"
    "  if groups.err then return groups end\n"
    "  for i = 1, #groups do\n"
    "    local g, last = groups[i], nil\n"
    "    if g[2] == aside then\n"
    "      for j = 1, #g, 2 do\n"
    "        if g[j] == 'last-delivered-id' then last = g[j + 1] end\n"
    "      end\n"
    "      redis.call('XGROUP', 'DESTROY', key, aside)\n"
    "      if last == '0-0' and #groups == 1\n"
    "          and redis.call('XLEN', key) == 0 then\n"
    "        redis.call('DEL', key)\n"
    "      else\n"
    "        redis.call('XSETID', key, last)\n"
    "      end\n"
    "    end\n"
    "  end\n"
    "  return 'OK'\n"
    "end\n"
    "local last, info = '0-0', redis.pcall('XINFO', 'STREAM', key)\n"
    "if info.err then\n"
    "  if not string.find(info.err, 'no such key', 1, true) then\n"
    "    return info\n"
    "  end\n"
    "else\n"
    "  for i = 1, #info, 2 do\n"
    "    if info[i] == 'last-generated-id' then last = info[i + 1] end\n"
    "  end\n"
    "end\n"
    "if last == ARGV[1] then return 'OK' end\n"
    "redis.call('XGROUP', 'CREATE', key, aside, last, 'MKSTREAM')\n"
    "redis.call('XSETID', key, '18446744073709551615-18446744073709551615')\n"
    "return last\n";

bool
ship_guarded_begin(struct buf *buf, struct slice key, struct ship_id expected)
{
	char id[SHIP_ID_TEXT];
	size_t n = ship_id_text(expected, id);
	const struct slice multi = SLICE("MULTI"), guard[] = {
		SLICE("EVAL"), slice_str(ship_guard), SLICE("1"), key,
		slice_of(id, n)
	};

	buf_clear(buf);
	return resp_add_request(buf, &multi, 1) &&
	    resp_add_request(buf, guard, 5);
}

enum ship_entry
ship_guarded_entry(struct buf *buf, struct slice key,
    const struct journal_entry *e, struct pair *pairs, size_t max)
{
	size_t before = buf->len, n = journal_fields(e->fields, pairs, max);
	bool ok;

	if (n > max)
		return n == SIZE_MAX ? SHIP_ENTRY_BROKEN : SHIP_ENTRY_TOO_WIDE;
	ok = resp_add_array(buf, 3 + 2 * n) &&
	    resp_add_bulk(buf, SLICE("XADD")) && resp_add_bulk(buf, key) &&
	    resp_add_id(buf, e->ms, e->seq);
	for (size_t i = 0; i < n && ok; i++)
		ok = resp_add_bulk(buf, pairs[i].key) &&
		    resp_add_bulk(buf, pairs[i].value);
	if (ok)
		return SHIP_ENTRY_ADDED;
	buf->len = before;
	return SHIP_ENTRY_NO_ROOM;
}

bool
ship_guarded_end(struct buf *buf, struct slice key, struct slice sha)
{
	const struct slice exec = SLICE("EXEC"), guard[] = {
		SLICE("EVALSHA"), sha, SLICE("1"), key
	};

	return resp_add_request(buf, guard, 4) &&
	    resp_add_request(buf, &exec, 1);
}

static bool
says_ok(const struct resp_value *v)
{
	return (v->type == RESP_BULK || v->type == RESP_SIMPLE) &&
	    slice_eq(v->text, SLICE("OK"));
}

/* What the XADDs answered. */
struct added {
	uint32_t n;		/* that were added */
	uint32_t behind;	/* of these, behind one that was refused */
	struct slice error;	/* of the first that was not */
};

static bool
read_added(struct slice *reply, uint32_t n, struct added *a)
{
	struct resp_value v;

	*a = (struct added){ 0 };
	for (uint32_t i = 0; i < n; i++) {
		if (!resp_value_next(reply, &v))
			return false;
		if (v.type != RESP_ERROR) {
			a->n++;
			a->behind += a->n <= i;
		} else if (a->error.len == 0) {
			a->error = v.text;
		}
	}
	return true;
}

enum ship_guarded
ship_guarded_answer(struct slice reply, uint32_t n, struct slice *error)
{
	struct resp_value v, guard, opened;
	struct added a;

	*error = SLICE("answered a transaction with something odd");
	if (!resp_value_next(&reply, &v))
		return SHIP_GUARDED_FAILED;
	if (v.type == RESP_ERROR)
		*error = v.text;
	if (v.type != RESP_ARRAY || v.count != n + 2 ||
	    !resp_value_next(&reply, &guard) || !read_added(&reply, n, &a) ||
	    !resp_value_next(&reply, &opened))
		return SHIP_GUARDED_FAILED;
	if (says_ok(&guard) && a.n == n)
		return SHIP_GUARDED_ALL;
	*error = guard.type == RESP_ERROR ? guard.text : a.error;
	if (says_ok(&guard) ? a.behind > 0 : a.n > 0)
		return SHIP_GUARDED_HOLE;
	if (says_ok(&guard) || guard.type == RESP_ERROR)
		return SHIP_GUARDED_FAILED;
	if (says_ok(&opened))
		return SHIP_GUARDED_NONE;
	*error = opened.text;
	return SHIP_GUARDED_HOLE;
}
