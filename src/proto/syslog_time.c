/* syslog_time.c - the times that stand in syslog messages. */
#include "config.h"

#include "base/civil.h"
#include "proto/syslog_parts.h"

#define NS INT64_C(1000000000)
#define FIRST_YEAR 1970
#define LAST_YEAR 2261		/* the last that int64 nanoseconds hold whole */
#define AHEAD (14 * 86400)	/* how far a clock may run ahead of ours, in s */

/* A stamp taken apart. */
struct fields {
	int32_t year;		/* 0: none was sent */
	unsigned month, day, hour, minute, second;
	int64_t nano;
	int32_t zone;		/* seconds east */
	bool has_zone, bad;
};

static bool
digit(char c)
{
	return c >= '0' && c <= '9';
}

static unsigned
two(const char *p)
{
	return (unsigned)(p[0] - '0') * 10 + (unsigned)(p[1] - '0');
}

static bool
two_digits(struct slice s, size_t at)
{
	return s.len >= at + 2 && digit(s.ptr[at]) && digit(s.ptr[at + 1]);
}

/* Does a field end here?  A colon does it with a blank behind it, or with what
 * begins a router's message; not the one in "2001:db8::1". */
static bool
ends(struct slice s)
{
	if (s.len == 0 || s.ptr[0] == ' ')
		return true;
	return s.ptr[0] == ':' &&
	    (s.len == 1 || s.ptr[1] == ' ' || s.ptr[1] == '%');
}

/* ".123", ",123": leaves the slice alone when no digits follow. */
static bool
take_fraction(struct slice *s, struct fields *f)
{
	size_t n;
	int64_t v = 0;

	if (s->len < 2 || (s->ptr[0] != '.' && s->ptr[0] != ',') ||
	    !digit(s->ptr[1]))
		return true;
	for (n = 1; n < s->len && digit(s->ptr[n]); n++)
		if (n <= 9)
			v = v * 10 + (s->ptr[n] - '0');
	if (n > 13)
		return false;
	*s = slice_from(*s, n);
	for (; n < 10; n++)
		v *= 10;
	f->nano = v;
	return true;
}

/* "hh:mm:ss" and a fraction. */
static bool
take_clock(struct slice *s, struct fields *f)
{
	const char *p = s->ptr;

	if (s->len < 8 || p[2] != ':' || p[5] != ':' || !two_digits(*s, 0) ||
	    !two_digits(*s, 3) || !two_digits(*s, 6))
		return false;
	f->hour = two(p);
	f->minute = two(p + 3);
	f->second = two(p + 6);
	*s = slice_from(*s, 8);
	return take_fraction(s, f);
}

/* "Z", "+hh:mm", "+hhmm", "+hh", or nothing. */
static void
take_offset(struct slice *s, struct fields *f)
{
	unsigned hours, minutes = 0;
	size_t n = 3;

	if (s->len == 0)
		return;
	if (s->ptr[0] == 'Z' || s->ptr[0] == 'z') {
		f->has_zone = true;
		*s = slice_from(*s, 1);
		return;
	}
	if ((s->ptr[0] != '+' && s->ptr[0] != '-') || !two_digits(*s, 1))
		return;
	hours = two(s->ptr + 1);
	if (s->len > 3 && s->ptr[3] == ':' && two_digits(*s, 4))
		n = 6;
	else if (two_digits(*s, 3))
		n = 5;
	if (n > 3)
		minutes = two(s->ptr + n - 2);
	f->has_zone = true;
	f->bad |= hours > 23 || minutes > 59;
	f->zone = (int32_t)(hours * 3600 + minutes * 60);
	if (s->ptr[0] == '-')
		f->zone = -f->zone;
	*s = slice_from(*s, n);
}

/* Seconds since 1970 in the year given, or false when there is no such date. */
static bool
seconds_in(const struct fields *f, int32_t year, int64_t *seconds)
{
	unsigned second = f->second == 60 ? 59 : f->second;

	if (!civil_valid(year, f->month, f->day))
		return false;
	*seconds = civil_days(year, f->month, f->day) * 86400 +
	    f->hour * 3600 + f->minute * 60 + second - f->zone;
	return true;
}

/* The latest year that keeps the stamp from lying far ahead of now.  A leap
 * day may have to go back eight of them. */
static bool
guess_year(const struct fields *f, int64_t now_s, int64_t *seconds)
{
	int32_t year = civil_from_seconds(now_s).year + 1;

	for (int i = 0; i < 10; i++, year--)
		if (seconds_in(f, year, seconds) && *seconds <= now_s + AHEAD)
			return true;
	return false;
}

/* What the fields mean. */
static void
resolve(struct fields *f, const struct syslog_options *o, struct syslog_time *t)
{
	uint32_t flags = 0;
	int64_t seconds = 0;
	bool ok = !f->bad && f->hour < 24 && f->minute < 60 && f->second <= 60;

	if (!f->has_zone) {
		f->zone = o->zone_s;
		flags |= LOG_FLAG_NO_ZONE;
	}
	if (f->year == 0) {
		flags |= LOG_FLAG_NO_YEAR;
		ok = ok && guess_year(f, o->now_ns / NS, &seconds);
	} else {
		ok = ok && f->year >= FIRST_YEAR && f->year <= LAST_YEAR &&
		    seconds_in(f, f->year, &seconds);
	}
	if (!ok || seconds < 0) {
		*t = (struct syslog_time){ 0, LOG_FLAG_BADTIME };
		return;
	}
	if (f->second == 60) {
		flags |= LOG_FLAG_LEAP;
		f->nano = NS - 1;
	}
	*t = (struct syslog_time){ seconds * NS + f->nano, flags };
}

/* The rest of a stamp whose second is known. */
static bool
same_second(struct slice *in, const struct syslog_options *o,
    struct syslog_time *t)
{
	struct slice s = slice_from(*in, sizeof o->last->text);
	struct fields f = { .bad = false };

	if (!take_fraction(&s, &f))
		return false;
	take_offset(&s, &f);
	if (!ends(s) || f.bad)
		return false;
	if (!f.has_zone)
		f.zone = o->zone_s;
	t->ns = (o->last->seconds - f.zone) * NS + f.nano;
	t->flags = f.has_zone ? 0 : LOG_FLAG_NO_ZONE;
	*in = s;
	return true;
}

static void
keep_second(const struct fields *f, const char *text,
    const struct syslog_time *t, struct syslog_second *last)
{
	if ((t->flags & (LOG_FLAG_BADTIME | LOG_FLAG_LEAP)) != 0 ||
	    text[10] != 'T' || t->ns < 2 * 86400 * NS || f->year == LAST_YEAR)
		return;
	memcpy(last->text, text, sizeof last->text);
	last->seconds = t->ns / NS + f->zone;
}

bool
syslog_time_iso(struct slice *in, const struct syslog_options *o, bool blank,
    struct syslog_time *t)
{
	struct slice s = *in;
	const char *p = s.ptr;
	struct fields f = { .bad = false };

	/* the 'T': there may be none to remember yet */
	if (o->last != NULL && s.len > sizeof o->last->text && p[10] == 'T' &&
	    memcmp(p, o->last->text, sizeof o->last->text) == 0 &&
	    same_second(in, o, t))
		return true;
	if (s.len < 19 || p[4] != '-' || p[7] != '-' ||
	    (p[10] != 'T' && p[10] != 't' && !(blank && p[10] == ' ')) ||
	    !two_digits(s, 0) || !two_digits(s, 2) || !two_digits(s, 5) ||
	    !two_digits(s, 8))
		return false;
	f.year = (int32_t)(two(p) * 100 + two(p + 2));
	f.bad = f.year == 0;
	f.month = two(p + 5);
	f.day = two(p + 8);
	s = slice_from(s, 11);
	if (!take_clock(&s, &f))
		return false;
	take_offset(&s, &f);
	if (!ends(s))
		return false;
	resolve(&f, o, t);
	if (o->last != NULL)
		keep_second(&f, p, t, o->last);
	*in = s;
	return true;
}

/* Three letters as one number, in lower case. */
static uint32_t
letters(const char *p)
{
	return ((uint32_t)(unsigned char)p[0] << 16 |
	    (uint32_t)(unsigned char)p[1] << 8 | (unsigned char)p[2]) | 0x202020;
}

#define WORD(a, b, c) ((uint32_t)(a) << 16 | (uint32_t)(b) << 8 | (uint32_t)(c))

static unsigned
month_of(const char *p)
{
	switch (letters(p)) {
	case WORD('j', 'a', 'n'): return 1;
	case WORD('f', 'e', 'b'): return 2;
	case WORD('m', 'a', 'r'): return 3;
	case WORD('a', 'p', 'r'): return 4;
	case WORD('m', 'a', 'y'): return 5;
	case WORD('j', 'u', 'n'): return 6;
	case WORD('j', 'u', 'l'): return 7;
	case WORD('a', 'u', 'g'): return 8;
	case WORD('s', 'e', 'p'): return 9;
	case WORD('o', 'c', 't'): return 10;
	case WORD('n', 'o', 'v'): return 11;
	case WORD('d', 'e', 'c'): return 12;
	}
	return 0;
}

static void
skip_weekday(struct slice *s)
{
	if (s->len < 4 || s->ptr[3] != ' ')
		return;
	switch (letters(s->ptr)) {
	case WORD('m', 'o', 'n'): case WORD('t', 'u', 'e'):
	case WORD('w', 'e', 'd'): case WORD('t', 'h', 'u'):
	case WORD('f', 'r', 'i'): case WORD('s', 'a', 't'):
	case WORD('s', 'u', 'n'):
		*s = slice_from(*s, 4);
	}
}

/* A plausible year with a field's end behind it, or 0. */
static int32_t
year_at(struct slice s)
{
	int32_t year;

	if (!two_digits(s, 0) || !two_digits(s, 2) || !ends(slice_from(s, 4)))
		return 0;
	year = (int32_t)(two(s.ptr) * 100 + two(s.ptr + 2));
	return year >= FIRST_YEAR && year <= 2100 ? year : 0;
}

/* "yyyy " */
static void
take_year(struct slice *s, struct fields *f)
{
	int32_t year = year_at(*s);

	if (year != 0 && s->len > 4 && s->ptr[4] == ' ') {
		f->year = year;
		*s = slice_from(*s, 5);
	}
}

/* " yyyy" */
static bool
take_year_behind(struct slice *s, struct fields *f)
{
	int32_t year;

	if (f->year != 0 || s->len < 5 || s->ptr[0] != ' ')
		return false;
	year = year_at(slice_from(*s, 1));
	if (year == 0)
		return false;
	f->year = year;
	*s = slice_from(*s, 5);
	return true;
}

/* "Mmm d " with one blank or two, one digit or two. */
static bool
take_date(struct slice *s, struct fields *f)
{
	size_t n = 4;

	if (s->len < 6 || s->ptr[3] != ' ')
		return false;
	f->month = month_of(s->ptr);
	if (f->month == 0)
		return false;
	if (s->ptr[n] == ' ')
		n++;
	if (two_digits(*s, n)) {
		f->day = two(s->ptr + n);
		n += 2;
	} else if (s->len > n && digit(s->ptr[n])) {
		f->day = (unsigned)(s->ptr[n] - '0');
		n++;
	} else {
		return false;
	}
	if (s->len <= n || s->ptr[n] != ' ')
		return false;
	*s = slice_from(*s, n + 1);
	return true;
}

/* Names of zones that mean one thing to most who write them.  The peers know
 * fewer; "IST", "BST" and "CST" have other readings elsewhere. */
static const struct {
	struct slice name;
	int32_t minutes;
} zones[] = {
	{ SLICE("UTC"), 0 }, { SLICE("GMT"), 0 }, { SLICE("WET"), 0 },
	{ SLICE("WEST"), 60 }, { SLICE("BST"), 60 }, { SLICE("CET"), 60 },
	{ SLICE("MET"), 60 }, { SLICE("CEST"), 120 }, { SLICE("MEST"), 120 },
	{ SLICE("EET"), 120 }, { SLICE("SAST"), 120 }, { SLICE("EEST"), 180 },
	{ SLICE("MSK"), 180 }, { SLICE("IST"), 330 }, { SLICE("SGT"), 480 },
	{ SLICE("HKT"), 480 }, { SLICE("AWST"), 480 }, { SLICE("JST"), 540 },
	{ SLICE("KST"), 540 }, { SLICE("ACST"), 570 }, { SLICE("AEST"), 600 },
	{ SLICE("ACDT"), 630 }, { SLICE("AEDT"), 660 }, { SLICE("NZST"), 720 },
	{ SLICE("NZDT"), 780 }, { SLICE("BRT"), -180 }, { SLICE("ADT"), -180 },
	{ SLICE("AST"), -240 }, { SLICE("EDT"), -240 }, { SLICE("EST"), -300 },
	{ SLICE("CDT"), -300 }, { SLICE("CST"), -360 }, { SLICE("MDT"), -360 },
	{ SLICE("MST"), -420 }, { SLICE("PDT"), -420 }, { SLICE("PST"), -480 },
	{ SLICE("AKDT"), -480 }, { SLICE("AKST"), -540 }, { SLICE("HST"), -600 },
};

static bool
zone_named(struct slice name, int32_t *seconds)
{
	for (size_t i = 0; i < sizeof zones / sizeof zones[0]; i++)
		if (slice_eq(name, zones[i].name)) {
			*seconds = zones[i].minutes * 60;
			return true;
		}
	return false;
}

/* Is a name with this behind it a zone rather than a host or a program? */
static bool
zone_fits(struct slice name, struct slice behind, bool known)
{
	if (slice_starts(behind, SLICE(": %")))
		return true;
	if (!known || behind.len == 0)
		return false;
	return behind.ptr[0] == ':' || year_at(slice_from(behind, 1)) != 0 ||
	    slice_eq(name, SLICE("UTC")) || slice_eq(name, SLICE("GMT"));
}

/* " CET", " +0100" */
static void
take_zone_behind(struct slice *s, struct fields *f)
{
	struct slice name, behind = slice_from(*s, 1);
	struct fields probe = *f;
	int32_t seconds = 0;
	bool known;
	size_t n = 0;

	if (f->has_zone || s->len < 3 || s->ptr[0] != ' ')
		return;
	if (behind.ptr[0] == '+' || behind.ptr[0] == '-') {
		take_offset(&behind, &probe);
		if (probe.has_zone && ends(behind)) {
			*f = probe;
			*s = behind;
		}
		return;
	}
	while (n < behind.len && n < 6 && behind.ptr[n] >= 'A' &&
	    behind.ptr[n] <= 'Z')
		n++;
	name = slice_upto(behind, n);
	behind = slice_from(behind, n);
	if (n < 2 || n > 5 || !ends(behind))
		return;
	known = zone_named(name, &seconds);
	if (!zone_fits(name, behind, known))
		return;
	f->has_zone = known;
	f->zone = seconds;
	*s = behind;
}

bool
syslog_time_bsd(struct slice *in, const struct syslog_options *o,
    struct syslog_time *t)
{
	struct slice s = *in;
	struct fields f = { .bad = false };

	skip_weekday(&s);
	take_year(&s, &f);
	if (!take_date(&s, &f))
		return false;
	take_year(&s, &f);
	if (!take_clock(&s, &f))
		return false;
	take_offset(&s, &f);
	take_year_behind(&s, &f);
	take_zone_behind(&s, &f);
	take_year_behind(&s, &f);
	if (!ends(s))
		return false;
	resolve(&f, o, t);
	*in = s;
	return true;
}

bool
syslog_time_epoch(struct slice *in, struct syslog_time *t)
{
	struct fields f = { .bad = false };
	struct slice s = *in;
	int64_t seconds = 0;
	size_t n = 0;

	for (; n < s.len && n < 11 && digit(s.ptr[n]); n++)
		seconds = seconds * 10 + (s.ptr[n] - '0');
	if (n < 9 || n > 10)
		return false;
	s = slice_from(s, n);
	if (!take_fraction(&s, &f) || s.len == 0 || s.ptr[0] != ' ')
		return false;
	if (seconds > 9223372035)	/* what int64 nanoseconds hold */
		*t = (struct syslog_time){ 0, LOG_FLAG_BADTIME };
	else
		*t = (struct syslog_time){ seconds * NS + f.nano, 0 };
	*in = s;
	return true;
}

void
syslog_set_time(const struct syslog_time *t, const struct syslog_options *o,
    struct record *r)
{
	bool known = (t->flags & LOG_FLAG_BADTIME) == 0;

	r->log.flags |= t->flags;
	r->time_ns = o->now_ns;
	if (!known || (o->receive_time && (t->flags & LOG_FLAG_NO_ZONE)))
		return;
	r->time_ns = t->ns;
	if (o->skew_ns > 0 && (t->ns - o->now_ns > o->skew_ns ||
	    o->now_ns - t->ns > o->skew_ns))
		r->log.flags |= LOG_FLAG_SKEW;
}
