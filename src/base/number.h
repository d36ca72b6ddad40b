/* number.h - numbers from bytes and back, fast, exact, blind to the locale.
 *
 * Reading never needs a NUL behind the bytes and never looks past the slice.
 * Every double is rounded correctly (to nearest, ties to even), whatever the
 * number of digits.  On failure the result is untouched. */
#ifndef MILLRACE_BASE_NUMBER_H
#define MILLRACE_BASE_NUMBER_H

#include <stdint.h>

#include "base/slice.h"

/* The whole of s is digits: "0", "007", "18446744073709551615".  No sign, no
 * blanks; false when empty or too great. */
bool number_u64(struct slice s, uint64_t *v);
/* The same with an optional '+' or '-' in front. */
bool number_i64(struct slice s, int64_t *v);

/* Read the longest decimal number at the front of s:
 *	[+-] ( digits [ "." digits* ] | "." digits ) [ (e|E) [+-] digits ]
 * and answer how many bytes it took, 0 when none stands there.  An 'e' with no
 * digits behind it is not part of the number.  Too great gives infinity, too
 * small zero.  No "inf", no "nan", no hexadecimal, no blanks. */
size_t number_scan(struct slice s, double *v);
/* The whole of s is one such number. */
bool number_double(struct slice s, double *v);

/* What JavaScript's Number(text) makes of s, except that "" and what it would
 * call NaN are refused: blanks of its kind at both ends are skipped, only
 * blanks is 0, a decimal as above, "Infinity" with a sign or without, and
 * unsigned 0x.. 0o.. 0b.. integers of any length.
 * (ECMA-262, "ToNumber applied to the String type".) */
bool number_js(struct slice s, double *v);
/* How many bytes at the front of s are one JavaScript white space character
 * (UTF-8; what \s matches), or 0. */
size_t number_js_blank(struct slice s);
/* s without them at either end. */
struct slice number_js_trim(struct slice s);

/* Longest text of number_format_js() with its NUL. */
#define NUMBER_TEXT 32
/* Write v as JavaScript's Number::toString does: the fewest digits that read
 * back as v, "1e+21", "1e-7", "Infinity", "NaN", and "0" for both zeros.
 * Returns the length; out is NUL-ended. */
size_t number_format_js(char out[NUMBER_TEXT], double v);

#endif
