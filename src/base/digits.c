/* digits.c - integers into decimal, two digits at a time. */
#include "config.h"

#include "base/digits.h"

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
