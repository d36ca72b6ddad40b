/* shipper_trim.c - keep streams short without taking anything from a reader.
 *
 * XTRIM knows nothing of groups: what it removes while pending, or before it
 * was delivered, is lost to them.  So one script looks at every group's oldest
 * pending entry, or else at what comes behind the last delivered one, and cuts
 * at the lowest of those, or earlier.  A group that nobody reads holds on to
 * everything; it is named in the log.  A stream without groups is cut by age
 * and length alone. */
#include "config.h"

#include <stdio.h>

#include "base/clock.h"
#include "base/log.h"
#include "sink/shipper_private.h"

#define LANES_MAX 64		/* looked at in a second */
#define ROUND_S 10		/* to look at each once, if there are not too many */
#define MORE 500		/* so much went: there may be more to go */

/* KEYS[1]: the stream; ARGV: most entries (0: any), oldest milliseconds (0:
 * any).  Answers how many went, and the name of a group that held more back.
 * XTRIM cuts at the edges of its inner nodes ("~"), so some more may stay. */
static const char trim_script[] =
    "local key, most, oldest = KEYS[1], tonumber(ARGV[1]), tonumber(ARGV[2])\n"
    "local function parse(id)\n"
    "  local ms, seq = string.match(id, '^(%d+)-(%d+)$')\n"
    "  return { tonumber(ms), tonumber(seq) }\n"
    "end\n"
    "local function less(a, b)\n"
    "  return a[1] < b[1] or (a[1] == b[1] and a[2] < b[2])\n"
    "end\n"
    "local groups = redis.pcall('XINFO', 'GROUPS', key)\n"
    "if groups.err then return groups end\n"
    "local safe, holder\n"
    "for _, g in ipairs(groups) do\n"
    "  local f, low = {}\n"
    "  for i = 1, #g, 2 do f[g[i]] = g[i + 1] end\n"
    "  if f.pending > 0 then\n"
    "    low = parse(redis.call('XPENDING', key, f.name)[2])\n"
    "  else\n"
    "    low = parse(f['last-delivered-id'])\n"
    "    low[2] = low[2] + 1\n"
    "  end\n"
    "  if not safe or less(low, safe) then safe, holder = low, f.name end\n"
    "end\n"
    "local gone, cut = 0\n"
    "local n = redis.call('XLEN', key) - most\n"
    "if most > 0 and n > 0 then\n"
    "  local last = redis.call('XREVRANGE', key, '+', '-', 'COUNT', 1)\n"
    "  if not safe or less(parse(last[1][1]), safe) then\n"
    "    gone = redis.call('XTRIM', key, 'MAXLEN', '~', most)\n"
    "  else\n"
    "    local e = redis.call('XRANGE', key, '-', '+', 'COUNT',\n"
    "        math.min(n, 1000) + 1)\n"
    "    cut = parse(e[#e][1])\n"
    "  end\n"
    "end\n"
    "if oldest > 0 and (not cut or less(cut, { oldest, 0 })) then\n"
    "  cut = { oldest, 0 }\n"
    "end\n"
    "local held = ''\n"
    "if cut then\n"
    "  if safe and less(safe, cut) then cut, held = safe, holder end\n"
    "  gone = gone + redis.call('XTRIM', key, 'MINID', '~',\n"
    "      string.format('%.0f-%.0f', cut[1], cut[2]))\n"
    "end\n"
    "return { gone, held }\n";

static bool send_trim(struct shipper *s, struct lane *l);

static void
tell_holder(struct shipper *s, struct lane *l, struct slice group)
{
	if (group.len == 0)
		return;
	LOG_LIMITED(LOG_AT_INFO, 600, "stream %s: key %.*s: group %.*s has not "
	    "read what is due to be trimmed; it stays", s->section,
	    SLICE_ARG(l->key), SLICE_ARG(group));
}

static void
trimmed(struct ship_conn *c, const struct ship_call *call,
    const struct resp_value *v, struct slice reply)
{
	struct ship_node *n = c->data;
	struct shipper *s = n->shipper;
	struct lane *l = call->subject;
	struct resp_value gone, group;

	if (v == NULL)
		return;
	if (v->type == RESP_ERROR) {
		/* no such key yet is no trouble */
		if (ship_error_of(v->text) == SHIP_E_OTHER &&
		    !slice_starts(v->text, SLICE("ERR no such key")))
			LOG_LIMITED(LOG_AT_WARN, 60, "stream %s: key %.*s: "
			    "trimming: %.*s", s->section, SLICE_ARG(l->key),
			    SLICE_ARG(v->text));
		return;
	}
	resp_value_next(&reply, &gone);
	if (v->type != RESP_ARRAY || !resp_value_next(&reply, &gone) ||
	    !resp_value_next(&reply, &group) || gone.type != RESP_INT)
		return;
	s->stats.trimmed += (uint64_t)gone.integer;
	tell_holder(s, l, group.text);
	if (gone.integer >= MORE)
		send_trim(s, l);
}

static bool
send_trim(struct shipper *s, struct lane *l)
{
	struct ship_call call = { .done = trimmed, .subject = l };
	int64_t oldest = s->max_age_ms == 0 ? 0 : clock_real_ns() / NS_PER_MS -
	    (int64_t)s->max_age_ms;
	char most[24], old[24];
	struct ship_request r;

	snprintf(most, sizeof most, "%llu", (unsigned long long)s->max_length);
	snprintf(old, sizeof old, "%lld", (long long)(oldest > 0 ? oldest : 0));
	return ship_request_begin(&r, &s->request) &&
	    ship_request_arg(&r, SLICE("EVAL")) &&
	    ship_request_arg(&r, slice_str(trim_script)) &&
	    ship_request_arg(&r, SLICE("1")) &&
	    ship_request_arg(&r, l->key) &&
	    ship_request_arg(&r, slice_str(most)) &&
	    ship_request_arg(&r, slice_str(old)) &&
	    ship_conn_send(&l->node->conn, ship_request_end(&r), &call);
}

void
ship_lanes_trim(struct shipper *s)
{
	size_t n = (s->nlanes + ROUND_S - 1) / ROUND_S;

	if ((s->max_length == 0 && s->max_age_ms == 0) || s->nlanes == 0 ||
	    s->url.scheme == SHIP_MILLRACE)
		return;
	for (size_t i = 0; i < n && i < LANES_MAX; i++) {
		struct lane *l;

		s->trim_at = (s->trim_at + 1) % s->nlanes;
		l = s->lanes[s->trim_at];
		if (l->state == LANE_READY && ship_node_up(l->node) &&
		    !l->asking &&
		    !send_trim(s, l))
			return;
	}
}
