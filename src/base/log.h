/* log.h - the daemon's own log: logfmt lines on standard error.
 *
 *   ts=2026-08-22T14:00:00.123Z level=warn msg="redis 10.0.0.5:6379: no reply"
 *
 * One write(2) a line, so lines of several threads do not mix.  The message
 * may hold bytes from the wire: quotes, backslashes, control bytes and what is
 * not UTF-8 are escaped (\" \\ \n \r \t \xNN), and a line never exceeds
 * LOG_LINE_MAX bytes: a longer message ends in "...".  errno is kept. */
#ifndef MILLRACE_BASE_LOG_H
#define MILLRACE_BASE_LOG_H

#include <stdatomic.h>
#include <stdbool.h>
#include <stdint.h>

#define LOG_LINE_MAX 2048

enum log_level { LOG_AT_ERROR, LOG_AT_WARN, LOG_AT_INFO, LOG_AT_DEBUG };

/* Log what is at least this important from now on.  Until the first call the
 * level is info.  May be called again, from any thread. */
void log_open(enum log_level level);
/* Where lines go; 2 unless told.  Borrows the descriptor.  For tests. */
void log_set_fd(int fd);
/* Read "error", "warn" (or "warning"), "info", "debug".  False: untouched. */
bool log_level_parse(const char *text, enum log_level *level);
bool log_wants(enum log_level level);

void log_write(enum log_level level, const char *fmt, ...)
    __attribute__((format(printf, 2, 3)));

/* The arguments are not looked at when the level is not wanted. */
#define LOG_AT(level, ...) \
	do { \
		if (log_wants(level)) \
			log_write(level, __VA_ARGS__); \
	} while (0)
#define log_error(...) LOG_AT(LOG_AT_ERROR, __VA_ARGS__)
#define log_warn(...) LOG_AT(LOG_AT_WARN, __VA_ARGS__)
#define log_info(...) LOG_AT(LOG_AT_INFO, __VA_ARGS__)
#define log_debug(...) LOG_AT(LOG_AT_DEBUG, __VA_ARGS__)

/* What one place that logs remembers between its lines. */
struct log_site {
	_Atomic int64_t next_ns;	/* when it may speak again; 0: at once */
	_Atomic uint64_t suppressed;	/* since it last spoke */
};

/* May this place speak now?  If so, *suppressed says how often it was refused
 * since the last time. */
bool log_site_ask(struct log_site *site, unsigned interval_s,
    uint64_t *suppressed);
void log_write_limited(enum log_level level, uint64_t suppressed,
    const char *fmt, ...) __attribute__((format(printf, 3, 4)));

/* At most one line an interval from this place, in all threads together; the
 * next one ends in suppressed=N.  LOG_LIMITED(LOG_AT_WARN, 10, "...", ...). */
#define LOG_LIMITED(level, interval_s, ...) \
	do { \
		static struct log_site log_site_; \
		uint64_t log_suppressed_; \
		if (log_wants(level) && log_site_ask(&log_site_, (interval_s), \
		    &log_suppressed_)) \
			log_write_limited((level), log_suppressed_, __VA_ARGS__); \
	} while (0)

#endif
