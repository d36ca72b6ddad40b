/* log.c - the daemon's own log: one escaped line, one write. */
#include "config.h"

#include <errno.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#include "base/clock.h"
#include "base/log.h"
#include "base/slice.h"
#include "base/utf8.h"

/* What may stand behind the message: ..." suppressed=N\n */
#define TAIL_MAX 48

static _Atomic int least = LOG_AT_INFO;
static _Atomic int log_fd = STDERR_FILENO;

static const char *const level_names[] = {
	[LOG_AT_ERROR] = "error",
	[LOG_AT_WARN] = "warn",
	[LOG_AT_INFO] = "info",
	[LOG_AT_DEBUG] = "debug",
};

void
log_open(enum log_level level)
{
	atomic_store(&least, (int)level);
}

void
log_set_fd(int fd)
{
	atomic_store(&log_fd, fd);
}

bool
log_level_parse(const char *text, enum log_level *level)
{
	size_t i;

	if (text != NULL && strcmp(text, "warning") == 0)
		text = "warn";
	for (i = 0; text != NULL &&
	    i < sizeof level_names / sizeof *level_names; i++)
		if (strcmp(text, level_names[i]) == 0) {
			*level = (enum log_level)i;
			return true;
		}
	return false;
}

bool
log_wants(enum log_level level)
{
	return (int)level <= atomic_load_explicit(&least, memory_order_relaxed);
}

/* A line being made; never longer than fits. */
struct line {
	char bytes[LOG_LINE_MAX];
	size_t len;
};

static bool
put(struct line *l, const char *bytes, size_t n)
{
	if (n > LOG_LINE_MAX - TAIL_MAX - l->len)
		return false;
	memcpy(l->bytes + l->len, bytes, n);
	l->len += n;
	return true;
}

static void
put_head(struct line *l, enum log_level level)
{
	int64_t now = clock_real_ns();
	time_t s = (time_t)(now / NS_PER_S);
	struct tm tm;
	size_t n;

	gmtime_r(&s, &tm);
	n = strftime(l->bytes, 64, "ts=%Y-%m-%dT%H:%M:%S", &tm);
	l->len = n + (size_t)snprintf(l->bytes + n, 64, ".%03dZ level=%s msg=\"",
	    (int)(now % NS_PER_S / NS_PER_MS), level_names[level]);
}

/* The length of the character at the front of s, which has bytes; 0 when it is
 * not UTF-8, or is a C1 control (which some terminals obey). */
static size_t
printable_len(struct slice s)
{
	size_t n = utf8_sequence(s.ptr, s.len);

	return n == 2 && (unsigned char)s.ptr[0] == 0xc2 &&
	    (unsigned char)s.ptr[1] < 0xa0 ? 0 : n;
}

static bool
put_byte(struct line *l, unsigned char c)
{
	char text[5];
	int n;

	switch (c) {
	case '\n':
		return put(l, "\\n", 2);
	case '\r':
		return put(l, "\\r", 2);
	case '\t':
		return put(l, "\\t", 2);
	case '"':
		return put(l, "\\\"", 2);
	case '\\':
		return put(l, "\\\\", 2);
	}
	n = snprintf(text, sizeof text, "\\x%02x", c);
	return put(l, text, (size_t)n);
}

/* False: not all of it had room. */
static bool
put_escaped(struct line *l, struct slice s)
{
	while (s.len > 0) {
		unsigned char c = (unsigned char)*s.ptr;
		size_t n = printable_len(s);

		if (n == 0 || c < ' ' || c == 0x7f || c == '"' || c == '\\') {
			if (!put_byte(l, c))
				return false;
			n = 1;
		} else if (!put(l, s.ptr, n))
			return false;
		s = slice_from(s, n);
	}
	return true;
}

static void
send_line(const struct line *l)
{
	ssize_t n = write(atomic_load(&log_fd), l->bytes, l->len);

	(void)n;	/* there is nowhere to complain */
}

static void
write_line(enum log_level level, uint64_t suppressed, const char *fmt,
    va_list ap) __attribute__((format(printf, 3, 0)));

static void
write_line(enum log_level level, uint64_t suppressed, const char *fmt,
    va_list ap)
{
	int saved = errno;
	char msg[LOG_LINE_MAX];
	struct line l;
	struct slice text;
	int n = vsnprintf(msg, sizeof msg, fmt, ap);

	if (n < 0)	/* cannot be said as it was meant */
		text = slice_str(fmt);
	else
		text = slice_of(msg, (size_t)n < sizeof msg ? (size_t)n :
		    sizeof msg - 1);
	put_head(&l, level);
	if (!put_escaped(&l, text) || n >= (int)sizeof msg)
		l.len += (size_t)snprintf(l.bytes + l.len, TAIL_MAX, "...");
	if (suppressed > 0)
		l.len += (size_t)snprintf(l.bytes + l.len, TAIL_MAX - 4,
		    "\" suppressed=%llu\n", (unsigned long long)suppressed);
	else
		l.len += (size_t)snprintf(l.bytes + l.len, TAIL_MAX - 4, "\"\n");
	send_line(&l);
	errno = saved;
}

void
log_write(enum log_level level, const char *fmt, ...)
{
	va_list ap;

	va_start(ap, fmt);
	write_line(level, 0, fmt, ap);
	va_end(ap);
}

void
log_write_limited(enum log_level level, uint64_t suppressed, const char *fmt,
    ...)
{
	va_list ap;

	va_start(ap, fmt);
	write_line(level, suppressed, fmt, ap);
	va_end(ap);
}

bool
log_site_ask(struct log_site *site, unsigned interval_s, uint64_t *suppressed)
{
	struct timespec ts;
	int64_t now, next = atomic_load(&site->next_ns);

	clock_gettime(CLOCK_MONOTONIC_COARSE, &ts);
	now = (int64_t)ts.tv_sec * NS_PER_S + ts.tv_nsec;
	/* of several threads that ask at once, one gets the word */
	if (now < next || !atomic_compare_exchange_strong(&site->next_ns, &next,
	    now + (int64_t)interval_s * NS_PER_S)) {
		atomic_fetch_add(&site->suppressed, 1);
		return false;
	}
	*suppressed = atomic_exchange(&site->suppressed, 0);
	return true;
}
