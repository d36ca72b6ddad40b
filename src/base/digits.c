/* digits.c - integers into decimal, two digits at a time; what digits are worth. */
#include "config.h"

#include "base/digits.h"

const struct digits_worth digits_worth[8] = {
	{ { 1000, 100, 10, 1, 1000, 100, 10, 1 },
	    { 1e4, 1 }, 1 },
	{ { 100, 0, 10, 1, 1000, 100, 10, 1 },
	    { 1e4, 1 }, 1e6 },
	{ { 100, 10, 0, 1, 1000, 100, 10, 1 },
	    { 1e4, 1 }, 1e5 },
	{ { 100, 10, 1, 0, 1000, 100, 10, 1 },
	    { 1e4, 1 }, 1e4 },
	{ { 1000, 100, 10, 1, 0, 100, 10, 1 },
	    { 1e3, 1 }, 1e3 },
	{ { 1000, 100, 10, 1, 100, 0, 10, 1 },
	    { 1e3, 1 }, 1e2 },
	{ { 1000, 100, 10, 1, 100, 10, 0, 1 },
	    { 1e3, 1 }, 1e1 },
	{ { 1000, 100, 10, 1, 100, 10, 1, 0 },
	    { 1e3, 1 }, 1 },
};

static const char pairs[] =
    "0001020304050607080910111213141516171819"
    "2021222324252627282930313233343536373839"
    "4041424344454647484950515253545556575859"
    "6061626364656667686970717273747576777879"
    "8081828384858687888990919293949596979899";

char *
digits_put(char *to, uint64_t v)
{
	char digits[DIGITS_U64];
	size_t at = sizeof digits;

	for (; v >= 100; v /= 100) {
		at -= 2;
		memcpy(digits + at, pairs + 2 * (v % 100), 2);
	}
	if (v >= 10) {
		at -= 2;
		memcpy(digits + at, pairs + 2 * v, 2);
	} else {
		digits[--at] = (char)('0' + v);
	}
	memcpy(to, digits + at, sizeof digits - at);
	return to + (sizeof digits - at);
}
