/* A pattern and, after a NUL, a subject: what matches has all that the pattern
 * is said to need, and begins with the prefix that it is said to have. */
#include "config.h"

#include <assert.h>

#include "base/regex.h"
#include "base/regex_literal.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct slice subject = slice_of((const char *)data, size);
	struct slice pattern = slice_cut(&subject, '\0');
	struct regex_needs needs;
	struct regex_error e;
	struct regex *re;
	char prefix[16];
	size_t n;

	if (subject.ptr == NULL)
		subject = SLICE("");
	regex_needs(pattern, &needs);
	assert(needs.n <= REGEX_NEEDS);
	n = regex_prefix(pattern, prefix, sizeof prefix);
	re = regex_new(pattern, &e);
	if (re != NULL && regex_match(re, subject, NULL)) {
		assert(regex_needs_met(&needs, subject));
		assert(subject.len >= n && memcmp(subject.ptr, prefix, n) == 0);
	}
	regex_free(re);
	return 0;
}
