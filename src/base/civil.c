/* civil.c - dates and days in the Gregorian calendar, in UTC, by arithmetic.
 *
 * Years are counted from the first of March, so that the odd day of a leap
 * year is the last of its year and months have lengths that follow a line:
 * the months before the m-th after March hold (153 m + 2) / 5 days.  A cycle
 * of 400 years has 146097 days; all is kept positive by starting 100 of those
 * cycles early. */
#include "config.h"

#include "base/civil.h"

#define CYCLE 146097		/* days in 400 years */
#define SHIFT 100		/* cycles that are added to stay positive */
#define MARCH_1970 719468	/* days from 0000-03-01 to 1970-01-01 */

int64_t
civil_days(int32_t year, unsigned month, unsigned day)
{
	uint32_t y = (uint32_t)(year + 400 * SHIFT) - (month <= 2);
	uint32_t m = month <= 2 ? month + 9 : month - 3;
	uint32_t days = 365 * y + y / 4 - y / 100 + y / 400 +
	    (153 * m + 2) / 5 + day - 1;

	return (int64_t)days - MARCH_1970 - (int64_t)CYCLE * SHIFT;
}

static bool
leap(int32_t year)
{
	return year % 4 == 0 && (year % 100 != 0 || year % 400 == 0);
}

bool
civil_valid(int32_t year, unsigned month, unsigned day)
{
	static const uint8_t length[] = {
		31, 28, 31, 30, 31, 30, 31, 31, 30, 31, 30, 31
	};

	if (month < 1 || month > 12 || day < 1)
		return false;
	return day <= length[month - 1] ||
	    (month == 2 && day == 29 && leap(year));
}

struct civil
civil_from_seconds(int64_t seconds)
{
	int64_t days = seconds / 86400;
	int32_t rest = (int32_t)(seconds % 86400);
	uint32_t d, cycle, century, four, year, m;
	struct civil c;

	if (rest < 0) {
		rest += 86400;
		days--;
	}
	d = (uint32_t)(days + MARCH_1970 + (int64_t)CYCLE * SHIFT);
	cycle = d / CYCLE;
	d %= CYCLE;
	century = d / 36524 - (d == CYCLE - 1);	/* its last has a day more */
	d -= century * 36524;
	four = d / 1461;
	d %= 1461;
	year = d / 365 - (d == 1460);		/* so has a fourth year */
	d -= year * 365;
	m = (5 * d + 2) / 153;
	c.day = (uint8_t)(d - (153 * m + 2) / 5 + 1);
	c.month = (uint8_t)(m < 10 ? m + 3 : m - 9);
	c.year = (int32_t)(cycle * 400 + century * 100 + four * 4 + year +
	    (c.month <= 2)) - 400 * SHIFT;
	c.hour = (uint8_t)(rest / 3600);
	c.minute = (uint8_t)(rest / 60 % 60);
	c.second = (uint8_t)(rest % 60);
	return c;
}

int64_t
civil_seconds(const struct civil *c)
{
	return civil_days(c->year, c->month, c->day) * 86400 +
	    c->hour * 3600 + c->minute * 60 + c->second;
}
