/* test_syslog.c - every sample message of the vectors, and what they leave out. */
#include "config.h"

#include <check.h>
#include <stdio.h>
#include <stdlib.h>

#include "base/buf.h"
#include "base/civil.h"
#include "proto/syslog.h"

#define NS INT64_C(1000000000)
/* 2026-11-22T15:15:00Z, when the samples were taken */
#define NOW (INT64_C(1795360500) * NS)

static int64_t
utc(int year, unsigned month, unsigned day, unsigned h, unsigned m, unsigned s)
{
	return (civil_days(year, month, day) * 86400 + h * 3600 + m * 60 + s) * NS;
}

/* The escapes of the vectors. */
static char *
unescape(const char *s, size_t *len)
{
	char *out = malloc(strlen(s) + 1), *o = out;
	unsigned v;

	for (; *s != '\0'; s++) {
		if (*s != '\\') {
			*o++ = *s;
			continue;
		}
		switch (*++s) {
		case 'r': *o++ = '\r'; break;
		case 'n': *o++ = '\n'; break;
		case 't': *o++ = '\t'; break;
		case '0': *o++ = '\0'; break;
		case '\\': *o++ = '\\'; break;
		case 'x':
			ck_assert_int_eq(sscanf(s + 1, "%2x", &v), 1);
			*o++ = (char)v;
			s += 2;
			break;
		case 'u':
			ck_assert_int_eq(strncmp(s, "uFEFF", 5), 0);
			memcpy(o, "\xef\xbb\xbf", 3);
			o += 3;
			s += 4;
			break;
		default:
			ck_abort_msg("escape \\%c", *s);
		}
	}
	*o = '\0';
	*len = (size_t)(o - out);
	return out;
}

/* The time of a vector, "2026-01-02T03:04:05.678+01:00", read on its own. */
static int64_t
expected_time(const char *s)
{
	int y, mo, d, h, mi, se, n = 0, zh = 0, zm = 0;
	int64_t ns = 0, t;

	if (strcmp(s, "(recv)") == 0)
		return NOW;
	ck_assert_int_eq(sscanf(s, "%d-%d-%dT%d:%d:%d%n", &y, &mo, &d, &h, &mi,
	    &se, &n), 6);
	t = utc(y, mo, d, h, mi, se);
	s += n;
	if (*s == '.') {
		int64_t unit = NS / 10;

		for (s++; *s >= '0' && *s <= '9'; s++, unit /= 10)
			ns += (*s - '0') * unit;
	}
	if (*s != 'Z') {
		ck_assert_int_eq(sscanf(s + 1, "%d:%d", &zh, &zm), 2);
		t -= (*s == '-' ? -1 : 1) * (zh * 3600 + zm * 60) * NS;
	}
	return t + ns;
}

static const struct {
	const char *name;
	uint32_t flag;
} flag_names[] = {
	{ "badpri", LOG_FLAG_BADPRI }, { "nopri", LOG_FLAG_NOPRI },
	{ "badtime", LOG_FLAG_BADTIME }, { "notime", LOG_FLAG_NOTIME },
	{ "noyear", LOG_FLAG_NO_YEAR }, { "notz", LOG_FLAG_NO_ZONE },
	{ "leap", LOG_FLAG_LEAP }, { "nosd", LOG_FLAG_NOSD },
	{ "badsd", LOG_FLAG_BADSD }, { "bom", LOG_FLAG_BOM },
	{ "framing", LOG_FLAG_FRAMING }, { "version", LOG_FLAG_VERSION },
	{ "short", LOG_FLAG_SHORT }, { "unsynced", LOG_FLAG_UNSYNCED },
	{ "ciscoseq=45", LOG_FLAG_SEQ }, { "ciscoseq=123", LOG_FLAG_SEQ },
};

static uint32_t
expected_flags(char *s)
{
	uint32_t flags = 0;

	for (char *save, *p = strtok_r(s, ",", &save); p != NULL;
	    p = strtok_r(NULL, ",", &save)) {
		size_t i = 0;

		while (i < sizeof flag_names / sizeof flag_names[0] &&
		    strcmp(p, flag_names[i].name) != 0)
			i++;
		ck_assert_msg(i < sizeof flag_names / sizeof flag_names[0],
		    "flag %s", p);
		flags |= flag_names[i].flag;
	}
	return flags;
}

static void
same(const char *id, const char *what, struct slice got, const char *want)
{
	size_t len;
	char *text = unescape(want, &len);

	ck_assert_msg(slice_eq(got, slice_of(text, len)),
	    "%s: %s is \"%.*s\", not \"%s\"", id, what, SLICE_ARG(got), want);
	free(text);
}

enum { ID = 0, VIA = 1, MESSAGE = 3, WANT = 36, COLUMNS = 45 };

/* of all messages: what one leaves must not show in another */
static struct syslog_second last;

static void
replay(char **col)
{
	const char *id = col[ID];
	bool local = strcmp(col[VIA], "local") == 0;
	struct syslog_options o = {
		.now_ns = NOW, .local = local,
		.host = local ? SLICE("(local)") : SLICE("(peer)"),
		.peer = SLICE("192.0.2.1"), .last = &last,
	};
	struct record r;
	size_t len;
	char *text = unescape(col[MESSAGE], &len);
	/* an exact block, so that reading past its end is seen */
	char *exact = malloc(len > 0 ? len : 1);
	enum reason why;

	memcpy(exact, text, len);
	why = syslog_parse(slice_of(exact, len), &o, &r);
	if (strcmp(col[WANT + 8], "empty") == 0) {
		ck_assert_msg(why == REASON_EMPTY, "%s: not empty", id);
	} else {
		ck_assert_msg(why == REASON_NONE, "%s: refused", id);
		ck_assert_int_eq(r.kind, RECORD_LOG);
		ck_assert_msg(r.log.facility * 8 + r.log.severity ==
		    atoi(col[WANT]), "%s: pri", id);
		ck_assert_msg(r.time_ns == expected_time(col[WANT + 1]),
		    "%s: time %.9f, not %s", id, (double)r.time_ns / 1e9,
		    col[WANT + 1]);
		ck_assert_int_eq(r.received_ns, NOW);
		same(id, "host", r.log.host, col[WANT + 2]);
		same(id, "app", r.log.app, col[WANT + 3]);
		same(id, "procid", r.log.procid, col[WANT + 4]);
		same(id, "msgid", r.log.msgid, col[WANT + 5]);
		same(id, "sd", r.log.sd, col[WANT + 6]);
		same(id, "body", r.log.body, col[WANT + 7]);
		uint32_t want = expected_flags(col[WANT + 8]);
		ck_assert_msg(r.log.flags == want, "%s: flags %#x, not %#x",
		    id, r.log.flags, want);
		ck_assert_msg(slice_eq(r.peer, o.peer), "%s: peer", id);
	}
	free(exact);
	free(text);
}

START_TEST(samples)
{
	char path[512], *line = NULL, *col[COLUMNS];
	const char *top = getenv("top_srcdir");
	size_t cap = 0;
	int rows = 0;
	FILE *f;

	snprintf(path, sizeof path, "%s/tests/vectors/syslog-samples.tsv",
	    top == NULL ? "." : top);
	f = fopen(path, "r");
	ck_assert_msg(f != NULL, "%s", path);
	while (getline(&line, &cap, f) > 0) {
		size_t n = 0;
		char *rest = line;

		line[strcspn(line, "\n")] = '\0';
		while (n < COLUMNS && rest != NULL)
			col[n++] = strsep(&rest, "\t");
		ck_assert_uint_eq(n, COLUMNS);
		if (rows++ == 0)
			ck_assert_str_eq(col[WANT + 8], "proposed_flags");
		else
			replay(col);
	}
	ck_assert_int_ge(rows, 69);
	free(line);
	fclose(f);
}
END_TEST

/* What the samples leave out: text in, host|app|procid|body out. */
static const struct {
	const char *in, *want;
	uint32_t flags;
	int64_t time;		/* 0: not looked at */
} more[] = {
	/* a PRI that begins and ends oddly */
	{ "<34", "||||<34", LOG_FLAG_BADPRI, NOW },
	{ "<", "||||<", LOG_FLAG_BADPRI, NOW },
	{ "<34>", "||||", LOG_FLAG_NOTIME, NOW },
	{ "<99999999999999999999>x", "||||x", LOG_FLAG_BADPRI | LOG_FLAG_NOTIME, 0 },
	{ "hello world", "||||hello world", LOG_FLAG_NOPRI | LOG_FLAG_NOTIME, NOW },
	{ "<13>  indented", "||||  indented", LOG_FLAG_NOTIME, 0 },
	/* a count left in place */
	{ "61 <13>Jan  2 03:04:05 h a: m", "h|a||m",
	    LOG_FLAG_FRAMING | LOG_FLAG_NO_YEAR | LOG_FLAG_NO_ZONE, 0 },
	/* Cisco with both numbers and a name */
	{ "<189>45: rtr1: *Mar  1 00:01:03.123: %SYS-5-X: t", "rtr1|%SYS-5-X||t",
	    LOG_FLAG_SEQ | LOG_FLAG_UNSYNCED | LOG_FLAG_NO_YEAR | LOG_FLAG_NO_ZONE, 0 },
	{ "<189>45: %SYS-5-X: t", "|%SYS-5-X||t", LOG_FLAG_SEQ | LOG_FLAG_NOTIME, 0 },
	{ "<189>4: .Jan  2 2026 03:04:05 CEST: %A-5-X: t", "|%A-5-X||t",
	    LOG_FLAG_SEQ | LOG_FLAG_UNSYNCED, INT64_C(1767315845) * NS },
	{ "<189>4: Jan  2 2026 03:04:05 XYZ: %A-5-X: t", "|%A-5-X||t",
	    LOG_FLAG_SEQ | LOG_FLAG_NO_ZONE, INT64_C(1767323045) * NS },
	{ "<166>2026-01-02T03:04:05Z asa : %ASA-3-710003: x", "asa|%ASA-3-710003||x",
	    0, INT64_C(1767323045) * NS },
	/* a tag whose text begins with a time keeps its tag */
	{ "<13>myapp: Jan  2 03:04:05 x", "|myapp||Jan  2 03:04:05 x", LOG_FLAG_NOTIME, NOW },
	/* no tag in these */
	{ "<13>Jan  2 2026 03:04:05 h 12:30 lunch", "h|||12:30 lunch", LOG_FLAG_NO_ZONE, 0 },
	{ "<13>Jan  2 2026 03:04:05 h http://x/ up", "h|||http://x/ up", LOG_FLAG_NO_ZONE, 0 },
	{ "<13>Jan  2 2026 03:04:05 h -- MARK --", "h|||-- MARK --", LOG_FLAG_NO_ZONE, 0 },
	{ "<13>Jan  2 2026 03:04:05 last message repeated 3 times",
	    "|||last message repeated 3 times", LOG_FLAG_NO_ZONE, 0 },
	{ "<13>Jan  2 2026 03:04:05 word", "|||word", LOG_FLAG_NO_ZONE, 0 },
	{ "<13>Jan  2 2026 03:04:05 {\"a\": 1}", "|||{\"a\": 1}", LOG_FLAG_NO_ZONE, 0 },
	{ "<13>Jan  2 2026 03:04:05   two  spaces: x", "two|spaces||x", LOG_FLAG_NO_ZONE, 0 },
	{ "<13>Jan  2 2026 03:04:05 fe80:: a[1]: x", "fe80::|a|1|x", LOG_FLAG_NO_ZONE, 0 },
	{ "<13>Jan  2 2026 03:04:05 h a[1] x", "h|a|1|x", LOG_FLAG_NO_ZONE, 0 },
	{ "<13>Jan  2 2026 03:04:05 h app:{\"a\":1}", "h|app||{\"a\":1}", LOG_FLAG_NO_ZONE, 0 },
	{ "<13>foo[bar] baz", "||||foo[bar] baz", LOG_FLAG_NOTIME, 0 },
	{ "<13>Jan  2 2026 03:04:05", "|||", LOG_FLAG_NO_ZONE, INT64_C(1767323045) * NS },
	/* other times */
	{ "<13>Fri Jan  2 03:04:05 2026 h a: m", "h|a||m", LOG_FLAG_NO_ZONE,
	    INT64_C(1767323045) * NS },
	{ "<13>JAN  2 2026 03:04:05,678 h a: m", "h|a||m", LOG_FLAG_NO_ZONE,
	    INT64_C(1767323045678) * (NS / 1000) },
	{ "<13>Jan  2 2026 03:04:05 +0530 h a: m", "h|a||m", 0,
	    INT64_C(1767303245) * NS },
	{ "<13>Jan  2 2026 03:04:05-05:00 h a: m", "h|a||m", 0,
	    INT64_C(1767341045) * NS },
	{ "<13>1 2026-01-02T03:04:05+25:00 h a - - - m", "h|a||m", LOG_FLAG_BADTIME, NOW },
	{ "<13>1 0000-01-02T03:04:05Z h a - - - m", "h|a||m", LOG_FLAG_BADTIME, NOW },
	{ "<13>1 9999-01-02T03:04:05Z h a - - - m", "h|a||m", LOG_FLAG_BADTIME, NOW },
	{ "<13>1 1970-01-01T00:00:00+01:00 h a - - - m", "h|a||m", LOG_FLAG_BADTIME, NOW },
	{ "<13>1 2025-02-29T03:04:05Z h a - - - m", "h|a||m", LOG_FLAG_BADTIME, NOW },
	{ "<13>1 2026-01-02T24:00:00Z h a - - - m", "h|a||m", LOG_FLAG_BADTIME, NOW },
	{ "<13>1 2026-01-02T03:04:05.123456789012+00:00 h a - - - m", "h|a||m", 0,
	    INT64_C(1767323045123456789) },
	{ "<13>1 2026-01-02T03:04:05 h a - - - m", "h|a||m", LOG_FLAG_NO_ZONE,
	    INT64_C(1767323045) * NS },
	/* 5424 that is not quite */
	{ "<134>1 1735786245.123456789 MX84 urls src=1.2.3.4:5 x", "MX84|urls||src=1.2.3.4:5 x",
	    LOG_FLAG_NOSD, INT64_C(1735786245123456789) },
	{ "<13>1 - h a p m [bad", "h|a|p|[bad", LOG_FLAG_BADSD, NOW },
	{ "<13>1 - h a p m [a b=\"c]", "h|a|p|[a b=\"c]", LOG_FLAG_BADSD, NOW },
	{ "<13>1 - h a p m [a]x y", "h|a|p|[a]x y", LOG_FLAG_BADSD, NOW },
	{ "<13>1 - h a p m []", "h|a|p|[]", LOG_FLAG_BADSD, NOW },
	{ "<13>1 - h", "h|||", LOG_FLAG_SHORT, NOW },
	{ "<13>1 2026-01-02T03:04:05Z", "|||", LOG_FLAG_SHORT, 0 },
	{ "<13>1 - - - - - [a b=\"c\" ]  two", "||| two", 0, NOW },
	{ "<13>01 - h a p m - x", "||||01 - h a p m - x", LOG_FLAG_NOTIME, NOW },
};

START_TEST(more_messages)
{
	struct syslog_options o = { .now_ns = NOW };
	const char *in = more[_i].in, *want = more[_i].want;
	struct record r;
	char got[512];

	ck_assert_int_eq(syslog_parse(slice_str(in), &o, &r), REASON_NONE);
	snprintf(got, sizeof got, "%.*s|%.*s|%.*s|%.*s", SLICE_ARG(r.log.host),
	    SLICE_ARG(r.log.app), SLICE_ARG(r.log.procid), SLICE_ARG(r.log.body));
	if (strncmp(want, "||||", 4) == 0)
		want++;			/* one for the eye */
	ck_assert_msg(strcmp(got, want) == 0, "%s: %s", in, got);
	ck_assert_msg(r.log.flags == more[_i].flags, "%s: flags %#x", in, r.log.flags);
	if (more[_i].time != 0)
		ck_assert_msg(r.time_ns == more[_i].time, "%s: time %lld", in,
		    (long long)r.time_ns);
	ck_assert(slice_eq(r.log.raw, slice_str(in)));
}
END_TEST

/* The year that is not sent. */
START_TEST(years)
{
	static const struct {
		const char *stamp;
		int ny, nmo, nd;	/* received that day, noon */
		int year;		/* 0: no date */
	} row[] = {
		{ "Dec 31 23:59:59", 2026, 1, 1, 2025 },
		{ "Jan  1 00:00:01", 2025, 12, 31, 2026 },
		{ "Jan 13 00:00:01", 2025, 12, 31, 2026 },
		{ "Jan 15 00:00:01", 2025, 12, 31, 2025 },
		{ "Jun  1 00:00:00", 2026, 5, 1, 2025 },
		{ "Jun  1 00:00:00", 2026, 5, 20, 2026 },
		{ "Feb 29 00:00:00", 2026, 5, 1, 2024 },
		{ "Feb 29 00:00:00", 2103, 5, 1, 2096 },
		{ "Feb 30 00:00:00", 2026, 5, 1, 0 },
	};
	char text[64];
	struct record r;

	for (size_t i = 0; i < sizeof row / sizeof row[0]; i++) {
		struct syslog_options o = {
			.now_ns = utc(row[i].ny, row[i].nmo, row[i].nd, 12, 0, 0)
		};

		snprintf(text, sizeof text, "<13>%s h a: m", row[i].stamp);
		ck_assert_int_eq(syslog_parse(slice_str(text), &o, &r), 0);
		if (row[i].year == 0)
			ck_assert(r.log.flags & LOG_FLAG_BADTIME);
		else
			ck_assert_msg(civil_from_seconds(r.time_ns / NS).year ==
			    row[i].year, "%s", row[i].stamp);
	}
}
END_TEST

START_TEST(options)
{
	struct syslog_options o = { .now_ns = NOW, .zone_s = 2 * 3600 };
	struct record r;

	syslog_parse(SLICE("<13>Nov 22 17:14:00 h a: m"), &o, &r);
	ck_assert_int_eq(r.time_ns, NOW - 60 * NS);
	o.skew_ns = 3600 * NS;
	syslog_parse(SLICE("<13>Nov 22 17:14:00 h a: m"), &o, &r);
	ck_assert_uint_eq(r.log.flags & LOG_FLAG_SKEW, 0);
	syslog_parse(SLICE("<13>Nov 22 13:14:00 h a: m"), &o, &r);
	ck_assert_uint_ne(r.log.flags & LOG_FLAG_SKEW, 0);
	syslog_parse(SLICE("<13>Nov 22 19:14:00 h a: m"), &o, &r);
	ck_assert_uint_ne(r.log.flags & LOG_FLAG_SKEW, 0);
	/* no zone: the time of receipt; a zone: its own */
	o.receive_time = true;
	syslog_parse(SLICE("<13>Nov 22 13:14:00 h a: m"), &o, &r);
	ck_assert_int_eq(r.time_ns, NOW);
	syslog_parse(SLICE("<13>1 2026-11-22T15:14:00Z h a - - - m"), &o, &r);
	ck_assert_int_eq(r.time_ns, NOW - 60 * NS);
	/* no longer than that */
	o.max_len = 30;
	syslog_parse(SLICE("<13>Nov 22 13:14:00 h a: 0123456789"), &o, &r);
	ck_assert_uint_ne(r.log.flags & LOG_FLAG_TRUNCATED, 0);
	ck_assert(slice_eq(r.log.body, SLICE("01234")));
	ck_assert_uint_eq(r.log.raw.len, 30);
}
END_TEST

/* The second of the last stamp is kept: all that differs from it is seen. */
START_TEST(same_second)
{
	static const struct {
		const char *stamp;
		int64_t ns;
		uint32_t flags;
	} row[] = {
		{ "2026-11-22T15:14:00.5Z", NOW - 60 * NS + NS / 2, 0 },
		{ "2026-11-22T15:14:00.25Z", NOW - 60 * NS + NS / 4, 0 },
		{ "2026-11-22T15:14:00+01:00", NOW - 3660 * NS, 0 },
		{ "2026-11-22T15:14:00", NOW - 60 * NS, LOG_FLAG_NO_ZONE },
		{ "2026-11-22T15:14:01Z", NOW - 59 * NS, 0 },
		{ "2026-11-22T15:14:01+99:00", NOW, LOG_FLAG_BADTIME },
		{ "2026-11-22T15:14:60Z", NOW - NS / NS, LOG_FLAG_LEAP },
		{ "2026-11-22T15:14:60Z", NOW - NS / NS, LOG_FLAG_LEAP },
		{ "2026-02-30T15:14:00Z", NOW, LOG_FLAG_BADTIME },
		{ "2026-02-30T15:14:00Z", NOW, LOG_FLAG_BADTIME },
	};
	struct syslog_second mine = { .seconds = 0 };
	struct syslog_options o = { .now_ns = NOW, .last = &mine };
	struct record r;
	char text[80];

	for (size_t i = 0; i < sizeof row / sizeof *row; i++) {
		snprintf(text, sizeof text, "<13>1 %s h a - - - m", row[i].stamp);
		syslog_parse(slice_str(text), &o, &r);
		ck_assert_msg(r.time_ns == row[i].ns, "%s: %lld", text,
		    (long long)r.time_ns - NOW);
		ck_assert_uint_eq(r.log.flags, row[i].flags);
	}
}
END_TEST

/* A host is not expected on a local socket, unless it is ours. */
START_TEST(own_name)
{
	struct syslog_options o = { .now_ns = NOW, .local = true, .host = SLICE("web1") };
	struct record r;

	syslog_parse(SLICE("<13>Nov 22 13:14:00 web1 bob: hello"), &o, &r);
	ck_assert(slice_eq(r.log.host, SLICE("web1")));
	ck_assert(slice_eq(r.log.app, SLICE("bob")));
	syslog_parse(SLICE("<13>Nov 22 13:14:00 web12 bob: hello"), &o, &r);
	ck_assert(slice_eq(r.log.host, SLICE("web1")));
	ck_assert(slice_eq(r.log.app, SLICE("web12")));
	syslog_parse(SLICE("<13>Nov 22 13:14:00 web1: hello"), &o, &r);
	ck_assert(slice_eq(r.log.app, SLICE("web1")));
	syslog_parse(SLICE("<13>Nov 22 13:14:00 web1 "), &o, &r);
	ck_assert(slice_eq(r.log.body, SLICE("web1 ")));
}
END_TEST

START_TEST(refused)
{
	static const struct slice blanks[] = {
		SLICE(""), SLICE("\0\0"), SLICE(" \t \r\n\0"), { NULL, 0 }
	};
	struct syslog_options o = { .now_ns = NOW };
	struct record r;

	for (size_t i = 0; i < sizeof blanks / sizeof blanks[0]; i++)
		ck_assert_int_eq(syslog_parse(blanks[i], &o, &r), REASON_EMPTY);
}
END_TEST

START_TEST(walk_sd)
{
	static const struct { const char *id, *key, *value; unsigned element; } want[] = {
		{ "a@1", "ip", "1", 1 }, { "a@1", "ip", "x]y", 1 },
		{ "empty", "", "", 2 },
		{ "a@1", "z", "q\\\"r\\\\s\\]t\\n", 3 }, { "a@1", "u", "7", 3 },
	};
	struct slice sd = SLICE("[a@1 ip=\"1\" ip=\"x]y\"][empty]"
	    "[a@1  z=\"q\\\"r\\\\s\\]t\\n\" u=7 ]");
	struct slice id, key, value;
	struct syslog_sd it;
	struct buf b = BUF_INIT(64), back = BUF_INIT(64);
	size_t n = 0;

	ck_assert_uint_eq(syslog_sd_length(sd), sd.len);
	syslog_sd_begin(&it, sd);
	while (syslog_sd_next(&it, &id, &key, &value)) {
		ck_assert_uint_lt(n, 5);
		ck_assert(slice_eq(id, slice_str(want[n].id)));
		ck_assert(slice_eq(key, slice_str(want[n].key)));
		ck_assert(slice_eq(value, slice_str(want[n].value)));
		ck_assert_uint_eq(it.element, want[n].element);
		if (n++ == 3) {
			ck_assert(syslog_sd_unescape(value, &b));
			ck_assert(slice_eq(buf_slice(&b), SLICE("q\"r\\s]t\\n")));
			ck_assert(syslog_sd_escape(buf_slice(&b), &back));
			ck_assert(slice_eq(buf_slice(&back),
			    SLICE("q\\\"r\\\\s\\]t\\\\n")));
		}
	}
	ck_assert_uint_eq(n, 5);
	buf_fini(&b);
	buf_fini(&back);
}
END_TEST

START_TEST(calendar)
{
	int64_t day = civil_days(-400, 3, 1);
	struct civil c;

	ck_assert_int_eq(civil_days(1970, 1, 1), 0);
	ck_assert_int_eq(civil_days(2000, 2, 29), 11016);
	/* every day of 3000 years follows the one before */
	for (int y = -400; y < 2600; y++)
		for (unsigned m = 1; m <= 12; m++)
			for (unsigned d = 1; d <= 31; d++) {
				if ((y == -400 && m < 3) || !civil_valid(y, m, d))
					continue;
				c = civil_from_seconds(day * 86400 + 86399);
				if (civil_days(y, m, d) != day || c.year != y ||
				    c.month != m || c.day != d || c.hour != 23 ||
				    c.minute != 59 || c.second != 59 ||
				    civil_seconds(&c) != day * 86400 + 86399)
					ck_abort_msg("%d-%u-%u", y, m, d);
				day++;
			}
}
END_TEST

int
main(void)
{
	Suite *s = suite_create("syslog");
	TCase *t = tcase_create("all");
	SRunner *sr;
	int failed;

	tcase_add_test(t, samples);
	tcase_add_loop_test(t, more_messages, 0, sizeof more / sizeof more[0]);
	tcase_add_test(t, years);
	tcase_add_test(t, options);
	tcase_add_test(t, own_name);
	tcase_add_test(t, same_second);
	tcase_add_test(t, refused);
	tcase_add_test(t, walk_sd);
	tcase_add_test(t, calendar);
	suite_add_tcase(s, t);
	sr = srunner_create(s);
	srunner_run_all(sr, CK_NORMAL);
	failed = srunner_ntests_failed(sr);
	srunner_free(sr);
	return failed != 0;
}
