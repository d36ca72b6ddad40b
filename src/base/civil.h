/* civil.h - dates and days in the Gregorian calendar, in UTC, by arithmetic.
 *
 * No time zone files, no environment, no libc: the same answer everywhere, in
 * a few nanoseconds.  Good for the years -32000 to 32000. */
#ifndef MILLRACE_BASE_CIVIL_H
#define MILLRACE_BASE_CIVIL_H

#include <stdbool.h>
#include <stdint.h>

struct civil {
	int32_t year;
	uint8_t month, day;		/* from 1 */
	uint8_t hour, minute, second;
};

/* Days since 1970-01-01 of a date that exists. */
int64_t civil_days(int32_t year, unsigned month, unsigned day);
/* Is there such a day? */
bool civil_valid(int32_t year, unsigned month, unsigned day);
/* The date and time of day of so many seconds since 1970, also before it. */
struct civil civil_from_seconds(int64_t seconds);
/* Seconds since 1970 of a date and time of day that exist. */
int64_t civil_seconds(const struct civil *c);

#endif
