/* xadd.c - the arguments of XADD, one option at a time. */
#include "config.h"

#include "base/number.h"
#include "proto/xadd.h"

/* The arguments not yet read. */
struct args {
	const struct slice *at;
	size_t n;
};

static enum reason
fail(struct xadd *x, enum reason why, const char *error)
{
	x->error = error;
	return why;
}

static enum reason
syntax(struct xadd *x)
{
	return fail(x, REASON_SYNTAX, "ERR syntax error");
}

static bool
take(struct args *a, struct slice *s)
{
	if (a->n == 0)
		return false;
	*s = *a->at++;
	a->n--;
	return true;
}

static bool
is(const struct args *a, struct slice word)
{
	return a->n > 0 && a->at->len == word.len &&
	    slice_eq_nocase(*a->at, word);
}

static bool
take_word(struct args *a, struct slice word)
{
	if (!is(a, word))
		return false;
	a->at++;
	a->n--;
	return true;
}

bool
stream_id_parse(struct slice s, uint64_t missing_seq, uint64_t *ms,
    uint64_t *seq)
{
	struct slice rest = s, head = slice_cut(&rest, '-');
	uint64_t first, second = missing_seq;

	if (!number_u64(head, &first))
		return false;
	if (rest.ptr != NULL && !number_u64(rest, &second))
		return false;
	*ms = first;
	*seq = second;
	return true;
}

bool
xadd_good_stream(struct slice s)
{
	if (s.len == 0 || s.len > XADD_MAX_STREAM)
		return false;
	for (size_t i = 0; i < s.len; i++)
		if ((unsigned char)s.ptr[i] < ' ' || s.ptr[i] == 0x7f)
			return false;
	return true;
}

static enum reason
name(struct args *a, size_t max, struct slice *s, struct xadd *x)
{
	if (!take(a, s))
		return syntax(x);
	if (s->len == 0)
		return fail(x, REASON_EMPTY,
		    "ERR IDMP producer and event id must not be empty");
	if (s->len > max)
		return fail(x, REASON_TOO_LONG,
		    "ERR IDMP producer or event id is too long");
	return REASON_NONE;
}

static enum reason
idempotence(struct args *a, bool automatic, struct event_record *ev,
    struct xadd *x)
{
	enum reason r;

	if (ev->pid.len > 0)
		return syntax(x);	/* a second time */
	r = name(a, XADD_MAX_PID, &ev->pid, x);
	if (r != REASON_NONE)
		return r;
	x->idmp_auto = automatic;
	return automatic ? REASON_NONE : name(a, XADD_MAX_IID, &ev->iid, x);
}

/* [=|~] threshold [LIMIT n], behind MAXLEN or MINID. */
static enum reason
trim(struct args *a, bool minid, struct xadd *x)
{
	struct slice s;
	uint64_t ms, seq;
	bool roughly;

	if (x->trim)
		return syntax(x);
	x->trim = true;
	roughly = take_word(a, SLICE("~"));
	if (!roughly)
		take_word(a, SLICE("="));
	if (!take(a, &s))
		return syntax(x);
	if (minid ? !stream_id_parse(s, 0, &ms, &seq) : !number_u64(s, &ms))
		return fail(x, REASON_BAD_VALUE,
		    "ERR value is not an integer or out of range");
	if (!take_word(a, SLICE("LIMIT")))
		return REASON_NONE;
	if (!roughly || !take(a, &s))
		return syntax(x);
	if (!number_u64(s, &ms))
		return fail(x, REASON_BAD_VALUE,
		    "ERR value is not an integer or out of range");
	return REASON_NONE;
}

/* Options, in any order, up to the first word that is none. */
static enum reason
options(struct args *a, struct event_record *ev, struct xadd *x)
{
	enum reason r = REASON_NONE;

	while (r == REASON_NONE) {
		if (take_word(a, SLICE("NOMKSTREAM")))
			x->nomkstream = true;
		else if (take_word(a, SLICE("KEEPREF")) ||
		    take_word(a, SLICE("DELREF")) ||
		    take_word(a, SLICE("ACKED")))
			x->refs = true;
		else if (take_word(a, SLICE("IDMP")))
			r = idempotence(a, false, ev, x);
		else if (take_word(a, SLICE("IDMPAUTO")))
			r = idempotence(a, true, ev, x);
		else if (take_word(a, SLICE("MAXLEN")))
			r = trim(a, false, x);
		else if (take_word(a, SLICE("MINID")))
			r = trim(a, true, x);
		else
			return REASON_NONE;
	}
	return r;
}

static enum reason
id(struct args *a, struct event_record *ev, struct xadd *x)
{
	struct slice s;

	if (!take(a, &s))
		return syntax(x);
	x->id_auto = slice_eq(s, SLICE("*"));
	if (x->id_auto)
		return REASON_NONE;
	ev->id = s;
	if (s.len > 2 && s.ptr[s.len - 1] == '*' && s.ptr[s.len - 2] == '-') {
		x->seq_auto = true;
		s.len -= 2;
		if (number_u64(s, &x->ms))
			return REASON_NONE;
	} else if (stream_id_parse(s, 0, &x->ms, &x->seq)) {
		if (x->ms == 0 && x->seq == 0)
			return fail(x, REASON_BAD_VALUE, "ERR The ID specified "
			    "in XADD must be greater than 0-0");
		return REASON_NONE;
	}
	return fail(x, REASON_BAD_VALUE,
	    "ERR Invalid stream ID specified as stream command argument");
}

static enum reason
fields(struct args *a, struct pair *pairs, size_t max, struct event_record *ev,
    struct xadd *x)
{
	if (a->n == 0 || a->n % 2 != 0)
		return fail(x, REASON_SYNTAX,
		    "ERR wrong number of arguments for 'xadd' command");
	if (a->n / 2 > max)
		return fail(x, REASON_TOO_MANY, "ERR too many fields");
	ev->nfields = a->n / 2;
	ev->fields = pairs;
	for (size_t i = 0; i < ev->nfields; i++)
		pairs[i] = (struct pair){ a->at[2 * i], a->at[2 * i + 1] };
	return REASON_NONE;
}

enum reason
xadd_parse(const struct slice *argv, size_t argc, struct pair *pairs,
    size_t max_pairs, struct event_record *ev, struct xadd *x)
{
	struct args a = { argv, argc };
	struct slice verb;
	enum reason r;

	*ev = (struct event_record){ .nfields = 0 };
	x->nomkstream = x->trim = x->refs = x->idmp_auto = false;
	x->id_auto = x->seq_auto = false;
	x->ms = x->seq = 0;
	x->error = NULL;
	if (argc < 5)
		return fail(x, REASON_SYNTAX,
		    "ERR wrong number of arguments for 'xadd' command");
	take(&a, &verb);
	take(&a, &ev->stream);
	if (!xadd_good_stream(ev->stream))
		return fail(x, REASON_BAD_STREAM, "ERR invalid stream name");
	r = options(&a, ev, x);
	if (r == REASON_NONE)
		r = id(&a, ev, x);
	if (r == REASON_NONE)
		r = fields(&a, pairs, max_pairs, ev, x);
	if (r == REASON_NONE && x->idmp_auto) {
		event_hash_text(event_hash_fields(ev->fields, ev->nfields),
		    x->iid);
		ev->iid = slice_of(x->iid, sizeof x->iid);
	}
	return r;
}
